"""What of a worksheet is seen: merged cells, hidden rows and columns."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace

from extractor.document.formats.package import too_large
from extractor.document.formats.xlsx_sheet import Sheet, address

MAX_TEXT = 20_000_000  # characters of all cells: a shared string may stand in each of them
_MAX_STEPS = 5_000_000  # of finding what lies below merged cells
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Shown:
    """A text, the address of its cell, and the last column that it reaches."""

    text: str
    ref: str
    right: int


class Seen:
    """The texts of a sheet that are seen, each with the address of its cell, by row and column.

    A merged cell shows its first cell's text at its first place that is not hidden, and nothing of the cells below it.
    `hides`: whether a hidden row or column holds figures.
    """

    def __init__(self, sheet: Sheet, *, all_of_it: bool = False) -> None:
        self.cells = {
            row: {column: Shown(text, address(row, column), column) for column, text in cells.items()}
            for row, cells in sheet.cells.items()
        }
        rows, columns = (
            (_Ranges(()), _Ranges(())) if all_of_it else (_Ranges(sheet.hidden_rows), _Ranges(sheet.hidden_columns))
        )
        self.hides = False
        self._merge(sheet.merged, rows, columns)
        for row, cells in list(self.cells.items()):
            for column in [c for c in cells if rows.past(row) != row or columns.past(c) != c]:
                hidden = cells.pop(column)
                self.hides = self.hides or bool(_DIGIT.search(hidden.text))
            if not cells:
                del self.cells[row]
        if sum(len(shown.text) for cells in self.cells.values() for shown in cells.values()) > MAX_TEXT:
            raise too_large(f"A sheet holds more than {MAX_TEXT:,} characters.")

    def _merge(self, merged: list[tuple[int, int, int, int]], hidden_rows: _Ranges, hidden_columns: _Ranges) -> None:
        filled = sorted(self.cells)
        steps = 0
        for top, left, bottom, right in merged:
            shown = self.cells.get(top, {}).get(left)
            for row in filled[bisect_left(filled, top) : bisect_right(filled, bottom)]:
                cells = self.cells[row]
                steps += 1 + len(cells)
                for column in [c for c in cells if left <= c <= right]:
                    del cells[column]
            if steps > _MAX_STEPS:
                raise too_large("A sheet has more merged cells than any report's.")
            row, column = hidden_rows.past(top), hidden_columns.past(left)
            if shown and row <= bottom and column <= right:
                self.cells.setdefault(row, {})[column] = replace(shown, right=right)
            elif shown and _DIGIT.search(shown.text):
                self.hides = True


class _Ranges:
    """Rows or columns as ranges that do not touch."""

    def __init__(self, ranges: Iterable[tuple[int, int]]) -> None:
        self._first: list[int] = []
        self._last: list[int] = []
        for first, last in sorted(ranges):
            if self._last and first <= self._last[-1] + 1:
                self._last[-1] = max(self._last[-1], last)
            else:
                self._first.append(first)
                self._last.append(last)

    def past(self, number: int) -> int:
        """The first number from this one on that is in no range."""
        index = bisect_right(self._first, number) - 1
        return self._last[index] + 1 if index >= 0 and number <= self._last[index] else number
