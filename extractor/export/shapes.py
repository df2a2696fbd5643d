"""Lines as rows: long (one cell a row) and wide (one report a row; in a panel one body and year)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from extractor.export.choose import Chosen
from extractor.export.columns import (
    LONG,
    Column,
    kind_of,
    row_and_column,
    short_name,
    table_of,
    value_columns,
    wide_columns,
)
from extractor.export.lines import Line, value_at
from extractor.form import TABLES
from extractor.results import TRUSTED

Row = tuple[Any, ...]


def identity_of(line: Line) -> Row:
    """Body and year, and where they come from: the first columns of both shapes."""
    record, region = line["record"] or {}, line.get("region")
    known: Mapping[str, Any] = region if isinstance(region, Mapping) else {}
    return (
        _text(record.get("organization")),
        record.get("year"),
        record.get("form"),
        _text(record.get("title")),
        *(_text(known.get(key)) for key in ("code", "province", "city", "county", "town", "level", "department")),
        known.get("sure") if isinstance(known.get("sure"), bool) else None,
        _text(line["source"]),
        line["sha256"],
        line["verdict"],
    )


def long_rows(line: Line, chosen: Chosen | None = None, trusted_only: bool = False) -> Iterator[Row]:
    """One row for each cell, as LONG; trusted ones alone where asked for. None for a failed report."""
    head = identity_of(line)
    suspects = suspects_of(line)
    disputed = {conflict.path for conflict in chosen.conflicts} if chosen else set[str]()
    for cell in line["cells"]:
        path, value = cell["path"], cell["value"]
        table, name, row, column, row_label, column_label = _named(path)
        verdict = line["verdicts"][table]
        trusted = verdict in TRUSTED and path not in disputed
        if trusted_only and not trusted:
            continue
        place = cell.get("place") or {}
        start, end = cell["span"] or (None, None)
        is_amount = kind_of(path) == "amount"
        yield (
            *head,
            table,
            verdict,
            trusted,
            path,
            name,
            row,
            column,
            row_label,
            column_label,
            None if value is None else str(value),
            None if is_amount else value,
            Decimal(value) if is_amount and value is not None else None,
            _text(cell.get("unit")),
            cell["state"],
            cell["method"],
            _text(cell["raw"]),
            start,
            end,
            place.get("page"),
            _json(place),
            _json(cell.get("candidates")),
            _json(cell.get("because")),
            path in suspects,
            path in disputed,
        )


@lru_cache(maxsize=1024)
def _named(path: str) -> tuple[str, str, str, str, str, str]:
    return (table_of(path), short_name(path), *row_and_column(path))


def suspects_of(line: Line) -> set[str]:
    """The cells whose change would mend rules that fail."""
    return {path for finding in line["findings"] if finding["status"] == "fail" for path in finding["suspects"]}


def wide_row(line: Line, chosen: Chosen | None = None, untrusted: bool = False) -> Row:
    """The report as one row of `wide_columns`. Values of tables that cannot be trusted, and cells in which documents of
    a panel disagree, are empty unless `untrusted` asks for them."""
    broken = sum(f["status"] == "fail" and f["severity"] == "error" for f in line["findings"])
    doubtful = sum(cell["state"] in ("ambiguous", "illegible") for cell in line["cells"])
    head = (
        *identity_of(line),
        *(line["verdicts"][table] for table in TABLES),
        broken,
        doubtful,
        (line["error"] or {}).get("code"),
    )
    hidden: set[str] = set()
    beside: Row = ()
    if chosen is not None:
        hidden = {conflict.path for conflict in chosen.conflicts}
        tables = [table for table in TABLES if any(table_of(path) == table for path in hidden)]
        beside = (chosen.reports, " | ".join(chosen.others) or None, " ".join(tables) or None)
    shown = {table for table in TABLES if untrusted or line["verdicts"][table] in TRUSTED}
    return (*head, *beside, *values_of(line, shown, set() if untrusted else hidden))


def values_of(line: Line, tables: set[str], hidden: set[str]) -> Iterator[Any]:
    """The values of `value_columns`: of these tables, without the hidden cells."""
    record = line["record"]
    for column in value_columns():
        path = column.path
        if record is None or table_of(path) not in tables or path in hidden:
            yield None
        elif column.name.endswith("_unit"):
            amount = value_at(record, path)
            yield None if amount is None else _text(value_at(record, path.replace(".amount", ".unit")))
        else:
            value = value_at(record, path)
            yield Decimal(value) if column.kind == "amount" and value is not None else value


def columns_of(shape: str, panel: bool = False) -> tuple[Column, ...]:
    """The columns of a shape, `long` or `wide`."""
    return LONG if shape == "long" else wide_columns(panel)


def _text(value: Any) -> str | None:
    return None if value is None else str(value).encode("utf-8", "backslashreplace").decode("utf-8")


def _json(value: Any) -> str | None:
    return _text(json.dumps(value, ensure_ascii=False)) if value else None
