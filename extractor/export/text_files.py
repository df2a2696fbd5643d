"""CSV and JSON Lines: everything exact, nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from extractor.export.columns import Column
from extractor.export.dictionary import HEADINGS, dictionary
from extractor.export.jsonl import dump
from extractor.export.lines import Line
from extractor.export.shapes import Row

# What a spreadsheet may take for a formula: `=`, `@`, tabs and line ends, and a sign before anything but a number or
# nothing. `-` alone, `+19` and `-16` are what reports print, and are harmless.
_FORMULA = re.compile(r"[=@\t\r\n＝＠]|[+\-＋－](?![\d.,]*$)")


def guarded(text: str) -> str:
    """Text with an apostrophe before it where a spreadsheet would take it for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def csv_cell(value: Any) -> str:
    """A value as CSV has it: nothing for null, 1 and 0 for flags, numbers exact."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, Decimal):
        return format(value, "f")
    return guarded(value) if isinstance(value, str) else str(value)


def open_csv(path: Path, excel: bool) -> IO[str]:
    """A CSV file to write; `excel`: with the mark that Excel needs to see UTF-8."""
    return path.open("w", encoding="utf-8-sig" if excel else "utf-8", newline="")


def write_csv(stream: IO[str], headings: Iterable[str], rows: Iterable[Sequence[Any]]) -> int:
    """Writes headings and rows (RFC 4180); gives the number of rows."""
    writer = csv.writer(stream)
    writer.writerow(headings)
    number = 0
    for row in rows:
        writer.writerow(map(csv_cell, row))
        number += 1
    return number


def dictionary_csv(columns: Sequence[Column], excel: bool = False) -> bytes:
    """The data dictionary as CSV."""
    stream = io.StringIO(newline="")
    write_csv(stream, HEADINGS, (entry.cells() for entry in dictionary(columns)))
    return stream.getvalue().encode("utf-8-sig" if excel else "utf-8")


def dictionary_json(columns: Sequence[Column]) -> bytes:
    """The data dictionary as a JSON array."""
    entries = [dict(zip(HEADINGS, entry.cells(), strict=True)) for entry in dictionary(columns)]
    return (json.dumps(entries, ensure_ascii=False, indent=1) + "\n").encode()


def write_objects(stream: IO[str], columns: Sequence[Column], rows: Iterable[Row]) -> int:
    """Rows as JSON Lines: counts as integers, amounts as exact text, null where there is nothing."""
    names = [column.name for column in columns]
    return write_lines(
        stream,
        ({n: format(v, "f") if isinstance(v, Decimal) else v for n, v in zip(names, row, strict=True)} for row in rows),
    )


def write_lines(stream: IO[str], lines: Iterable[Line]) -> int:
    """Objects as JSON Lines; gives their number."""
    number = 0
    for line in lines:
        stream.write(dump(line) + "\n")
        number += 1
    return number
