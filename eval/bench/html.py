"""Reading a page against `pandas.read_html`: the file to its stored text, and to the record."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from extractor.eval.bench.measure import Target, best_of, median, percentile
from extractor.eval.generator import generate

from extractor.document.sources import read_stored
from extractor.pipeline import extract_all

LIMIT = 3.0


@dataclass(frozen=True, slots=True)
class Timed:
    """One page: its group and name, its bytes, and the seconds of the stored text, of the record and of pandas."""

    group: str
    name: str
    size: int
    text: float
    record: float
    pandas: float


def pages(fixtures: Path, generated: int) -> Iterator[tuple[str, str, bytes]]:
    """(group, name, bytes) of the pages among the fixtures, and of so many that the generator makes."""
    for path in sorted(fixtures.glob("*.htm*")) if fixtures.is_dir() else ():
        yield "fixtures", path.name, path.read_bytes()
    for seed in range(generated):
        yield "generated", f"seed {seed}", generate(seed, "html").data


def measure(fixtures: Path, generated: int, repeats: int) -> list[Timed]:
    """Every page read `repeats` times, in turn with pandas; the best of each counts.

    Pages in which pandas finds no table are left out. pandas is told the encoding.
    """
    import pandas

    timed = []
    for group, name, data in pages(fixtures, generated):
        encoding = "utf-8" if _is_utf8(data) else "gb18030"
        theirs = partial(_tables, pandas, data, encoding)
        try:
            theirs()
        except ValueError:  # no tables
            continue
        text, record, other = best_of(repeats, partial(read_stored, data), partial(_record, data), theirs)
        timed.append(Timed(group, name, len(data), text, record, other))
    return timed


def by_group(timed: list[Timed]) -> list[dict[str, Any]]:
    """A row per group: the ratios' medians and the worst page."""
    rows = []
    for group in dict.fromkeys(t.group for t in timed):
        own = [t for t in timed if t.group == group]
        ratios = [t.text / t.pandas for t in own]
        worst = max(own, key=lambda t: t.text / t.pandas)
        rows.append(
            {
                "group": group,
                "documents": len(own),
                "median": median(ratios),
                "p90": percentile(ratios, 0.9),
                "worst": worst.text / worst.pandas,
                "worst_document": worst.name,
                "record": median([t.record / t.pandas for t in own]),
                "bytes": median([t.size for t in own]),
                "milliseconds": 1000 * median([t.text for t in own]),
                "pandas_milliseconds": 1000 * median([t.pandas for t in own]),
            }
        )
    return rows


def targets(rows: list[dict[str, Any]]) -> list[Target]:
    """The medians of every group within the limit."""
    return [
        Target(f"HTML to {what}, {row['group']}, median in pandas.read_html", row[key], LIMIT)
        for row in rows
        for what, key in (("text", "median"), ("record", "record"))
    ]


def _tables(pandas: Any, data: bytes, encoding: str) -> object:
    return pandas.read_html(io.BytesIO(data), flavor="lxml", encoding=encoding)


def _record(data: bytes) -> object:
    return extract_all(read_stored(data))


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
