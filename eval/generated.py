"""Generated reports as a gold set of any size: what is on paper is known to the generator (eval/generator).

The gold is the printed number, also where noise has left several readings of it: refusing it counts as missed, so
accuracy is a lower limit here, and what is wrong is wrong. (The generator knows which cells are safe, not which of the
others the equations settle.) A cell where the true number is as good an answer as none (`lenient`) is no gold cell.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from extractor.eval.generator import FAMILIES, Expected, Sample, generate
from extractor.eval.gold import GoldSet, Label

from extractor.errors import UsageError
from extractor.form import TABLES, cell_paths


def generated(documents: int, seed: int = 1, families: Sequence[str] = ()) -> GoldSet:
    """So many generated files, the seeds counting up, the families taking turns. Errors: UsageError."""
    for family in families:
        if family not in FAMILIES:
            raise UsageError("unknown_family", f"There is no family {family}.", f"Families are {', '.join(FAMILIES)}.")
    turns = families or FAMILIES
    cases = {}
    labels = []
    for number in range(documents):
        case = seed + number, turns[number % len(turns)]
        sample = _sample(*case)
        file = f"{case[1]}-{case[0]}.{sample.name.rpartition('.')[2]}"
        cases[file] = case
        labels += list(_labels(sample, file))
    return GoldSet(tuple(labels), (), lambda file: _sample(*cases[file]).data)


@lru_cache(maxsize=16)
def _sample(seed: int, family: str) -> Sample:
    return generate(seed, family)


def _labels(sample: Sample, file: str) -> Iterator[Label]:
    digest = hashlib.sha256(sample.data).hexdigest()
    several = len(sample.reports) > 1
    for number, expected in enumerate(sample.reports, 1):
        name = file.rpartition(".")[0] + (f"-{number}" if several else "")
        yield Label(
            name=name,
            source=f"{file}#{number}" if several else file,
            file=file,
            number=number if several else None,
            year=expected.year,
            organization=expected.organization,
            family=sample.family,
            record=_record(expected),
            sha256=digest,  # the label comes from the same seed as the text
            report_sha256=digest,
            note=", ".join(sample.noise) or None,
            labelled={"by": "generator", "how": f"seed {sample.seed}, family {sample.family}"},
        )


def _record(expected: Expected) -> dict[str, Any]:
    printed = {path.split(".")[1] for path in expected.truth if path.startswith("requests.") and ".all." in path}
    record: dict[str, Any] = {"form": expected.form}
    paths = cell_paths(expected.form, frozenset(printed))
    for path in (path for table in TABLES for path in paths[table]):
        if path in expected.lenient:
            continue
        gold = expected.truth.get(path)
        head, _, rest = path.partition(".")
        row, _, column = rest.rpartition(".")
        cells = record.setdefault(head, {})
        (cells.setdefault(row, {}) if row else cells)[column] = format(gold, "f") if isinstance(gold, Decimal) else gold
    return record
