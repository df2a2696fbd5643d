"""The catalogue's tiny records: built into cases, judged, and told in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from extractor.claims.claim import Claim
from extractor.document.normalize import normalize
from extractor.document.sections import section_spans
from extractor.form import FORM, GROUPS, TABLES, cell_paths, group_all
from extractor.results import Cell, Value, plain
from extractor.rules.case import Case, Words
from extractor.rules.catalogue import Rule
from extractor.rules.engine import Outcomes, validate
from extractor.rules.intake import parse, take
from extractor.rules.session import judge

_RAW = ("json", "record", "without")


def example_outcome(rule: Rule, example: Mapping[str, Any]) -> Outcomes:
    """What all rules say of an example."""
    if not any(key in example for key in _RAW):
        return validate(example_case(example))
    if "json" in example:
        try:
            parsed = parse(example["json"].encode())
        except ValueError:
            from io import BytesIO

            from extractor.rules.intake import read_stream

            return judge(next(read_stream(BytesIO(example["json"].encode()))))
        return judge(take(parsed, None))
    record = example_record(example)
    _merge(record, example.get("record", {}))
    for path in example.get("without", ()):
        table, _, row = path.partition(".")
        del record[table][row]
    return judge(take(record, None))


def example_record(example: Mapping[str, Any]) -> dict[str, Any]:
    """The contract's record of an example."""
    case = example_case(example)
    record: dict[str, Any] = {"form": case.form, "organization": case.organization, "year": case.year, "title": None}
    for path, value in case.values.items():
        head, _, rest = path.partition(".")
        row, _, name = rest.rpartition(".")
        table = record.setdefault(head, {})
        cells = table.setdefault(row, {}) if row else table
        cells[name or rest] = plain(value)
        if path in case.units:
            cells["unit"] = case.units[path]
    return record


def _merge(into: dict[str, Any], other: Mapping[str, Any]) -> None:
    for key, value in other.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def example_case(example: Mapping[str, Any]) -> Case:
    """An example as a case: `rest` for every cell of the form, `cells` over it, and what is known around them."""
    form = example.get("form", "2021")
    given: Mapping[str, Any] = example.get("cells", {})
    printed = frozenset(group for group in GROUPS if any(f"{group_all(group)}." in path for path in given))
    values: dict[str, Value | None] = {}
    for path in (path for paths in cell_paths(form, printed).values() for path in paths):
        value = given.get(path, example.get("rest"))
        values[path] = Decimal(value) if path.endswith(".amount") and value is not None else value
    amounts = [path for path in values if path.endswith(".amount")]
    text = example.get("text")
    previous = example.get("previous")
    claims = example.get("claims")
    return Case(
        form=form,
        values=values,
        organization=example.get("organization"),
        year=example.get("year"),
        units={path: example.get("units", {}).get(path, "万元") for path in amounts},
        printed_groups=printed,
        cells=_cells(values, example["states"], example.get("cells", {}))
        if "states" in example
        else _placed(values, text or "", example.get("spans", {})),
        verdicts=dict.fromkeys(TABLES, "reconciled") if "states" in example else {},
        claims=[_claim(claim) for claim in claims] if claims is not None else None,
        words=_words(text) if text is not None else None,
        previous=example_case(previous) if previous is not None else None,
        children=tuple(example_case(child) for child in example.get("children", ())),
        missing_children=tuple(example.get("missing_children", ())),
    )


def _cells(values: Mapping[str, Value | None], states: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Cell]:
    cells = {path: Cell(path, value, "reported") for path, value in values.items()}
    for pattern, state in states.items():
        for path, cell in cells.items():
            if path == pattern or (pattern.endswith("*") and path.startswith(pattern[:-1])):
                cell.state, cell.value = state, None
    return cells


def _placed(values: Mapping[str, Value | None], text: str, spans: Mapping[str, Any]) -> dict[str, Cell]:
    """Cells that the example's text prints at [start, end)."""
    return {
        path: Cell(path, values[path], "reported", text[start:end], (start, end), "rule")
        for path, (start, end) in spans.items()
    }


def _claim(raw: Mapping[str, Any]) -> Claim:
    value = raw["value"]
    if isinstance(value, str):
        value = Decimal(value)
    start, end = raw["span"]
    known = {key: raw[key] for key in ("scope", "year", "unit", "about") if key in raw}
    return Claim(raw["field"], value, raw["raw"], (start, end), **known)


def _words(text: str) -> Words:
    norm = normalize(text)
    hits = [
        (at, at + len(wording), section.key)
        for section in FORM.sections
        for wording in (section.label, *section.variants)
        if (at := norm.find(wording)) >= 0
    ]
    spans = section_spans(norm, sorted(hits), 0, len(norm))
    return Words(text, norm, 0, len(norm), spans)


def describe(example: Mapping[str, Any]) -> str:
    """An example in one line."""
    if "json" in example or "shown" in example:
        return str(example.get("json") or example["shown"])
    parts = [f"{path} = {value}" for path, value in example.get("cells", {}).items()]
    parts += [f"{path} is {state}" for path, state in example.get("states", {}).items()]
    parts += [f"{key} {example[key]}" for key in ("form", "organization", "year") if key in example]
    parts += [f"“{claim['raw']}” said of {claim['field']}" for claim in example.get("claims", ())]
    if "text" in example:
        parts.append("text “" + " / ".join(example["text"].split("\n")) + "”")
    if "record" in example:
        parts.append("with " + json.dumps(example["record"], ensure_ascii=False))
    parts += [f"without {path}" for path in example.get("without", ())]
    if "previous" in example:
        parts.append(f"last year: {describe(example['previous'])}")
    parts += [f"subordinate: {describe(child)}" for child in example.get("children", ())]
    parts += [f"no record of {name}" for name in example.get("missing_children", ())]
    rest = f"every {'other ' if parts else ''}cell {example['rest']}" if "rest" in example else ""
    return "; ".join([*parts, rest] if rest else parts)
