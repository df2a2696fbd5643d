"""Stata: short names, Chinese variable labels, words as labelled numbers, amounts as doubles beside exact text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from extractor.errors import UsageError
from extractor.export.columns import Column
from extractor.export.needs import Untold, need, told
from extractor.export.shapes import Row

# The whole table is built in memory, a few hundred bytes a row and column.
MOST_CELLS = 60_000_000
_LABEL, _LONG_TEXT = 80, 2045  # Stata's limits in characters and bytes
_FLAGS = {0: "否", 1: "是"}


def write_stata(path: Path, columns: Sequence[Column], rows: Iterable[Row], untold: Untold) -> int:
    """Writes a .dta file (format 118, Stata 14 and later); gives the number of rows.

    Errors: UsageError `too_large` for more than fits into memory.
    """
    pandas, pyreadstat = need("pandas"), need("pyreadstat")
    most = MOST_CELLS // len(columns)
    kept = list(islice(rows, most + 1))
    if len(kept) > most:
        raise UsageError(
            "too_large", f"A .dta file of this shape holds at most {most} rows here.",
            "Export a year at a time (--year), or choose Parquet or DuckDB.",
        )  # fmt: skip
    data = {
        column.name: pandas.Series(
            [_value(column, row[index], untold) for row in kept],
            dtype="object" if column.kind == "text" else "float64",
        )
        for index, column in enumerate(columns)
    }
    with told(pyreadstat.ReadstatError):
        pyreadstat.write_dta(
            pandas.DataFrame(data),
            str(path),
            file_label="gouji 政府信息公开工作年度报告",
            column_labels=[column.label[:_LABEL] for column in columns],
            variable_value_labels={column.name: labels for column in columns if (labels := _labels(column))},
            version=14,
        )
    return len(kept)


def fits_double(value: int) -> bool:
    """Whether a double holds a count exactly."""
    return abs(value) <= 2**53


def _labels(column: Column) -> dict[int, str]:
    if column.kind == "flag":
        return _FLAGS
    return {number: f"{word} {label}" for number, (word, label) in enumerate(column.choices, 1)}


def _value(column: Column, value: Any, untold: Untold) -> Any:
    if column.kind == "text":
        text = value or ""
        if len(text.encode()) > _LONG_TEXT:
            untold.columns[column.name] += 1
            text = text.encode()[: _LONG_TEXT - 3].decode("utf-8", "ignore") + "…"
        return text.replace("\x00", "\\x00")
    if value is None:
        return None
    if column.kind == "choice":
        return next(number for number, (word, _) in enumerate(column.choices, 1) if word == value)
    if column.kind == "count":
        return untold.check(value, fits_double, column.name)
    return float(value) if isinstance(value, Decimal) else value
