"""A line of `gouji extract --json` as rows of the database, and the rows as the same line again.

What the columns cannot say (a key that this version does not know, an integer printed as a decimal) goes into
`extractions.rest`: the line that comes out is the line that went in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from extractor.document.sources import display
from extractor.form import TABLES

Line = Mapping[str, Any]
Row = Mapping[str, Any]

CELL_COLUMNS = (
    "extraction", "path", "value", "value_integer", "unit", "state", "method", "raw", "span_start", "span_end",
    "candidates", "because", "place",
)  # fmt: skip
INSERT_CELL = f"insert into cells ({', '.join(CELL_COLUMNS)}) values ({', '.join('?' * len(CELL_COLUMNS))})"
_LARGEST = 2**63  # SQLite's integers are smaller


def cell_row(extraction: int, cell: Line) -> tuple[Any, ...]:
    """The values of CELL_COLUMNS."""
    value = cell.get("value")
    start, end = cell.get("span") or (None, None)
    return (
        extraction,
        text(cell["path"]),
        None if value is None else str(value),  # TEXT: SQLite's REAL would turn 1.50 into 1.5
        _integer(value),
        text(cell.get("unit")),
        cell["state"],
        cell.get("method"),
        text(cell.get("raw")),
        start,
        end,
        to_json(cell.get("candidates")),
        to_json(cell.get("because")),
        to_json(cell.get("place")),
    )


def cell_of(row: Row) -> dict[str, Any]:
    """The cell's object of the line."""
    path = row["path"]
    cell: dict[str, Any] = {
        "path": path,
        "value": row["value"] if path.endswith(".amount") else _number(row["value"]),
        "state": row["state"],
        "raw": row["raw"],
        "span": _span(row),
        "method": row["method"],
    }
    if row["unit"] is not None:
        cell["unit"] = row["unit"]
    for key in ("because", "candidates", "place"):
        if row[key] is not None:
            cell[key] = json.loads(row[key])
    return cell


_FINDING_TEXTS = ("rule", "status", "severity", "blame", "message")
_FINDING_LISTS = ("cells", "suspects", "hypotheses", "evidence", "missing")


def finding_row(extraction: int, finding: Line) -> dict[str, Any]:
    """The finding's row without its id."""
    row: dict[str, Any] = {"extraction": extraction, **{key: text(finding.get(key)) for key in _FINDING_TEXTS}}
    for side in ("left", "right"):
        row[f"{side}_value"] = None if finding.get(side) is None else str(finding[side])
    row |= {key: text(finding.get(key)) or None for key in ("reason", "message_en")}
    return row | {key: to_json(finding.get(key)) for key in _FINDING_LISTS}


def finding_of(row: Row) -> dict[str, Any]:
    """The finding's object of the line."""
    return {
        **{key: row[key] for key in _FINDING_TEXTS},
        "left": _number(row["left_value"]),
        "right": _number(row["right_value"]),
        **{key: row[key] or "" for key in ("reason", "message_en")},
        **{key: json.loads(row[key]) if row[key] else [] for key in _FINDING_LISTS},
    }


_CLAIM_TEXTS = ("field", "raw", "scope", "unit", "about", "method")


def claim_row(extraction: int, claim: Line) -> dict[str, Any]:
    """The claim's row without its id."""
    start, end = claim["span"]
    value = claim["value"]
    return {
        "extraction": extraction,
        **{key: text(claim.get(key)) for key in _CLAIM_TEXTS},
        "value": str(value),
        "value_integer": _integer(value),
        "span_start": start,
        "span_end": end,
        "year": claim.get("year"),
    }


def claim_of(row: Row) -> dict[str, Any]:
    """The claim's object of the line."""
    return {
        **{key: row[key] for key in _CLAIM_TEXTS},
        "value": row["value"] if row["value_integer"] is None else row["value_integer"],
        "span": _span(row),
        "year": row["year"],
    }


_REGION_TEXTS = {"code": "region_code", "level": "region_level"} | {
    name: name for name in ("province", "city", "county", "town")
}


def extraction_row(line: Line, report: int) -> dict[str, Any]:
    """The extraction's row without what only the store knows (id, run, version, time)."""
    record, error, usage = line.get("record") or {}, line.get("error") or {}, line.get("usage") or {}
    region = line.get("region")
    known = region if isinstance(region, Mapping) else {}
    return {
        "report": report,
        "source": display(line["source"]),
        "organization": text(record.get("organization")),
        "year": record.get("year"),
        "title": text(record.get("title")),
        "form": record.get("form"),
        "verdict": line["verdict"],
        **{f"verdict_{table}": line["verdicts"].get(table) for table in TABLES},
        **{f"error_{key}": text(error.get(key)) for key in ("code", "message", "hint")},
        **{key: usage.get(key) for key in ("calls", "prompt_tokens", "completion_tokens", "cost")},
        "record": None if line.get("record") is None else to_json(record),
        "region": None if region is None else to_json(region),
        **{column: _plain(known.get(key)) for key, column in _REGION_TEXTS.items()},
        "region_sure": known.get("sure") if isinstance(known.get("sure"), bool) else None,
    }


def line_of(row: Row, cells: Iterable[Row], findings: Iterable[Row], claims: Iterable[Row]) -> dict[str, Any]:
    """The line of an extraction, `row` being of `extractions`."""
    line: dict[str, Any] = {
        "source": row["source"],
        "sha256": row["document"],
        "verdict": row["verdict"],
        "verdicts": {table: row[f"verdict_{table}"] for table in TABLES},
        "record": None if row["record"] is None else json.loads(row["record"]),
        "cells": [cell_of(cell) for cell in cells],
        "findings": [finding_of(finding) for finding in findings],
        "usage": {key: row[key] for key in ("calls", "prompt_tokens", "completion_tokens", "cost")},
        "claims": [claim_of(claim) for claim in claims],
        "region": None if row["region"] is None else json.loads(row["region"]),
        "error": None,
    }
    if row["error_code"] is not None:
        line["error"] = {key: row[f"error_{key}"] for key in ("code", "message", "hint")}
    if row["rest"] is not None:
        rest = json.loads(row["rest"])
        line |= rest["keys"]
        for key in rest["without"]:
            del line[key]
    return line


def rest_of(line: Line, composed: Line) -> str | None:
    """What `composed`, read back from the rows, lacks of the line; null where they are the same."""
    keys = {key: value for key, value in line.items() if key not in composed or not _same(composed[key], value)}
    without = [key for key in composed if key not in line]
    return json.dumps({"keys": keys, "without": without}) if keys or without else None


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: 1, 1.0 and true are three values."""
    return one == other and json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def text(value: str | None) -> str | None:
    """Text that SQLite can hold: lone surrogates as escapes."""
    return value if value is None else value.encode("utf-8", "backslashreplace").decode("utf-8")


def to_json(value: Sequence[Any] | Line | None) -> str | None:
    """JSON for a text column, null where there is nothing in it."""
    if not value:
        return None
    dumped = json.dumps(value, ensure_ascii=False)
    try:
        dumped.encode()
    except UnicodeEncodeError:
        return json.dumps(value)
    return dumped


def _plain(value: Any) -> str | None:
    return text(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and abs(value) < _LARGEST else None


def _number(value: str | None) -> int | str | None:
    """Digits are a count; all else was printed as a decimal."""
    return int(value) if value is not None and value.removeprefix("-").isdecimal() else value


def _span(row: Row) -> list[int] | None:
    return None if row["span_start"] is None else [row["span_start"], row["span_end"]]
