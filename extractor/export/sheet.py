"""One sheet of a workbook, written row by row: styles, widths, text that is never a formula."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from extractor.export.needs import Untold

MOST_ROWS = 1_048_576
_LONGEST = 32_767  # characters of one cell, counted as UTF-16 does
_EXACT = 10**15  # Excel keeps fifteen digits

_FONT = "Microsoft YaHei"
_LINE = Side(style="thin", color="D0D5DD")
_BORDER = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_HAIR = Border(bottom=Side(style="thin", color="EAECF0"))
_HEAD = PatternFill("solid", fgColor="1F4E79")
_SECOND = PatternFill("solid", fgColor="DCE6F1")
_NAMES = PatternFill("solid", fgColor="F2F4F7")


@dataclass(frozen=True, slots=True)
class Look:
    """How a cell looks: a colour behind it, and the colour of its characters."""

    fill: str = ""
    color: str = "1A1A1A"
    bold: bool = False
    italic: bool = False
    center: bool = False


PLAIN = Look()


class Paper(Workbook):
    """A workbook written row by row; `untold` counts, by sheet, texts longer than a cell."""

    def __init__(self, untold: Untold) -> None:
        super().__init__(write_only=True)
        self.untold = untold


class Sheet:
    """A sheet under construction. `widths` in characters; the first `frozen` rows and columns stay in sight."""

    def __init__(self, book: Paper, title: str, widths: Sequence[float], frozen: tuple[int, int]) -> None:
        page: Any = book.create_sheet(title)
        self._page, self._untold = page, book.untold
        self.title, self.rows, self._columns, self._heading = title, 0, len(widths), frozen[0]
        for index, width in enumerate(widths, 1):
            self._page.column_dimensions[get_column_letter(index)].width = width
        self._page.freeze_panes = f"{get_column_letter(frozen[1] + 1)}{frozen[0] + 1}"
        self._page.sheet_view.showGridLines = False
        self._page.sheet_format.defaultRowHeight = 18
        self._page.sheet_format.customHeight = True
        self._styles: dict[tuple[Look, bool, bool], Any] = {}

    @property
    def is_full(self) -> bool:
        """Whether no further row goes into the sheet."""
        return self.rows >= MOST_ROWS

    def head(
        self, texts: Sequence[str], level: int = 1, low: bool = False, left: Collection[int] = frozenset()
    ) -> None:
        """A row of the heading. Level 1 is the darkest, 3 the names for programs; `low`: tall, of wrapped words;
        `left`: columns (from 1) of words that stand at the left, their cell being wider than a screen."""
        self._page.row_dimensions[self.rows + 1].height = 15 if level == 3 else 46 if low else 24
        fill = {1: _HEAD, 2: _SECOND, 3: _NAMES}[level]
        color = {1: "FFFFFF", 2: "1F3864", 3: "98A2B3"}[level]
        font = Font(name=_FONT, size=8 if level == 3 else 10, bold=level < 3, color=color)
        cells = []
        for column, text in enumerate(texts, 1):
            cell = self._cell(text)
            cell.fill, cell.font, cell.border = fill, font, _BORDER
            side = "left" if level == 3 or column in left else "center"
            cell.alignment = Alignment(
                horizontal=side, vertical="center", wrap_text=level < 3, indent=int(column in left)
            )
            cells.append(cell)
        self._append(cells)

    def merge(self, top: int, bottom: int, first: int, last: int) -> None:
        """Merges a rectangle of the heading, rows and columns from 1."""
        self._page.merged_cells.add(f"{get_column_letter(first)}{top}:{get_column_letter(last)}{bottom}")

    def row(self, values: Sequence[Any], looks: Sequence[Look] = ()) -> None:
        """A row of data."""
        cells: list[Any] = []
        for index, value in enumerate(values):
            look = looks[index] if looks else PLAIN
            cell = self._cell(value)
            cell._style = self._style(look, cell)
            cells.append(cell)
        self._append(cells)

    def finish(self) -> None:
        """Puts the filter over the last row of the heading."""
        last = max(self.rows, self._heading)
        self._page.auto_filter.ref = f"A{self._heading}:{get_column_letter(self._columns)}{last}"

    def _append(self, cells: Sequence[Any]) -> None:
        self._page.append(cells)
        self.rows += 1

    def _style(self, look: Look, cell: Any) -> Any:
        is_text = cell.data_type == "s"
        quoted = is_text and cell.value.startswith(("=", "+", "-", "@"))  # as if typed with an apostrophe
        known = self._styles.get((look, is_text, quoted))
        if known is None:
            model: Any = WriteOnlyCell(self._page)
            model.font = Font(name=_FONT, size=10, color=look.color, bold=look.bold, italic=look.italic)
            if look.fill:
                model.fill = PatternFill("solid", fgColor=look.fill)
            side = "center" if look.center else "left" if is_text else "right"
            model.alignment = Alignment(vertical="center", horizontal=side, indent=0 if look.center else 1)
            model.border = _HAIR
            model.quotePrefix = quoted
            known = self._styles[look, is_text, quoted] = model._style
        return known

    def _cell(self, value: Any) -> Any:
        """Numbers as numbers where Excel keeps every digit; text as text, whatever it begins with."""
        if isinstance(value, bool):
            value = "是" if value else "否"
        if isinstance(value, Decimal):
            digits = value.normalize().as_tuple()
            value = value if len(digits.digits) <= 15 and abs(value.adjusted()) < 15 else format(value, "f")
        elif isinstance(value, int) and abs(value) >= _EXACT:
            value = str(value)
        if isinstance(value, str):
            value = self._text(value)
        cell = WriteOnlyCell(self._page, value)
        if isinstance(value, str):
            cell.data_type = "s"
        return cell

    def _text(self, text: str) -> str:
        """Text as a cell can hold it: other characters as escapes; what is too long cut, with a mark, and told."""
        text = ILLEGAL_CHARACTERS_RE.sub(lambda match: f"\\x{ord(match.group()):02x}", text)
        units = text.encode("utf-8", "backslashreplace").decode("utf-8").encode("utf-16-le")
        if len(units) > 2 * _LONGEST:
            self._untold.columns[self.title] += 1
            return units[: 2 * (_LONGEST - 1)].decode("utf-16-le", "ignore") + "…"
        return units.decode("utf-16-le")
