"""The data dictionary (数据字典) that goes with every export, made from the form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from extractor.export.columns import TABLE_WORDS, Column, row_and_column, table_of, versions_of

_KINDS = {
    "text": "text",
    "whole": "integer",
    "count": "integer; empty is not 0",
    "amount": "exact decimal; a double in Stata and Excel",
    "flag": "true/false (1/0 in Stata)",
    "choice": "one of the words below",
}
HEADINGS = ("name", "label", "type", "about", "path", "table", "row", "column", "forms", "values")
WORDS = ("列名", "标签", "类型", "说明", "单元格", "表", "行", "列", "格式版本", "取值")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the dictionary; `row` and `column` in the form's words, `values` as `word=中文; …`."""

    name: str
    label: str
    type: str
    about: str
    path: str = ""
    table: str = ""
    row: str = ""
    column: str = ""
    forms: str = ""
    values: str = ""

    def cells(self) -> tuple[str, ...]:
        """As HEADINGS."""
        return tuple(str(getattr(self, name)) for name in HEADINGS)


def dictionary(columns: Iterable[Column]) -> Sequence[Entry]:
    """One entry for each column, in order."""
    return [_entry(column) for column in columns]


def _entry(column: Column) -> Entry:
    values = "; ".join(f"{word}={label}" for word, label in column.choices)
    entry = Entry(column.name, column.label, _KINDS[column.kind], column.about, values=values)
    if not column.path:
        return entry
    path = column.path
    _, _, row, field = row_and_column(path)
    return Entry(
        column.name, column.label, _KINDS[column.kind], column.about, path, TABLE_WORDS[table_of(path)], row, field,
        versions_of(path),
    )  # fmt: skip
