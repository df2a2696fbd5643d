"""What every file format comes down to: lines and tables, laid out as the one stored text that spans count in.

A reader of a format (formats/) gives blocks in reading order. `lay_out` writes them: a line a line, a table row a
line, its cells split by tabs, merged cells expanded into empty ones, so that the text shows the grid that a person
sees. What the format knows beyond the text (which table, row and column; which page and box; which sheet) is kept
beside it by character position, and goes with every cell that is read (`Places`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from extractor.errors import InputError

MAX_COLSPAN, MAX_ROWSPAN, MAX_COLUMNS = 100, 65_534, 400
MAX_GRID = 500_000  # cells of one table after spans are expanded
MAX_CELLS = 5_000_000  # of all tables of a file

SEAM = "\0"  # in text on its way: figures before and behind it are not known to be one number
_JOINED = re.compile(rf"(?<=[\d.,]){SEAM}+(?=[\d.,])")

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in its file, as far as the format says.

    `table`, `row`, `column` count from 1: tables in reading order, rows and columns of the grid with spans expanded.
    `page` counts from 1; `box` is (left, top, right, bottom) in points (1/72 inch) from the page's upper left corner
    as it is seen (rotation applied). `sheet` is a worksheet's name, `ref` a cell's address there (`C5`).
    """

    table: int | None = None
    row: int | None = None
    column: int | None = None
    page: int | None = None
    box: Box | None = None
    sheet: str | None = None
    ref: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Only what is known; box edges to a hundredth of a point."""
        known = {name: getattr(self, name) for name in ("sheet", "ref", "page", "table", "row", "column")}
        out = {name: value for name, value in known.items() if value is not None}
        if self.box is not None:
            out["box"] = [round(edge, 2) for edge in self.box]
        return out


@dataclass(slots=True)
class Line:
    """A line of running text (no line end in it). `page` and `box`, or `sheet` and `ref`, where the format has them."""

    text: str
    page: int | None = None
    box: Box | None = None
    sheet: str | None = None
    ref: str | None = None


@dataclass(slots=True)
class GridCell:
    """One cell of a table, in the order of its row; positions that a span covers have no cell of their own.

    `rowspan` 0 reaches to the table's end (as in HTML). `inner` makes it a frame: page layout whose blocks (other
    tables, an article) are laid out in place of the row.
    """

    text: str = ""
    colspan: int = 1
    rowspan: int = 1
    page: int | None = None
    box: Box | None = None
    sheet: str | None = None
    ref: str | None = None
    inner: list[Block] | None = None


@dataclass(slots=True)
class Table:
    """A table: rows of cells in reading order. A row without cells still counts as a row for spans."""

    rows: list[list[GridCell]] = field(default_factory=list)


Block = Line | Table


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about the file that a reader of the result must know (pages without text, a text layer made by OCR).

    `code` is the rule of the finding that tells it (rules/entries/file.toml); `message` is Chinese, `message_en`
    English."""

    code: str
    message: str
    message_en: str


class Places:
    """Places by character position: `at(start, end)` gives the place that holds all of [start, end)."""

    __slots__ = ("_ends", "_places", "_starts")

    def __init__(self, spans: Iterable[tuple[int, int, Place]] = ()) -> None:
        """`spans` do not overlap and come in order."""
        ordered = list(spans)
        self._starts = [start for start, _, _ in ordered]
        self._ends = [end for _, end, _ in ordered]
        self._places = [place for _, _, place in ordered]

    def __len__(self) -> int:
        return len(self._starts)

    def __iter__(self) -> Iterator[tuple[int, int, Place]]:
        return zip(self._starts, self._ends, self._places, strict=True)

    def at(self, start: int, end: int) -> Place | None:
        """The place of the characters [start, end); None where the format knows none or they cross two places."""
        number = bisect_right(self._starts, start) - 1
        if number < 0 or end > self._ends[number] or start >= self._ends[number]:
            return None
        return self._places[number]


@dataclass(frozen=True, slots=True)
class Stored:
    """A document's stored text (CONTRACT), where its characters stand in the file, and what to know of the file."""

    text: str
    places: Places = field(default_factory=Places)
    notices: tuple[Notice, ...] = ()


def lay_out(blocks: Sequence[Block], notices: Sequence[Notice] = ()) -> Stored:
    """The stored text of a file's blocks. Blank lines: none at the start, never two in a row.

    Errors: InputError `malformed` for a table larger than any report's.
    """
    writer = _Writer()
    writer.write(blocks)
    return Stored("\n".join(writer.lines), Places(writer.places), tuple(notices))


def settle_seams(text: str) -> str:
    """The text with `?` at each seam between figures, from which no number is read; other seams are dropped."""
    return _JOINED.sub("?", text).replace(SEAM, "") if SEAM in text else text


class _Writer:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.places: list[tuple[int, int, Place]] = []
        self._length = 0  # characters written, line ends included
        self._tables = 0
        self._cells = 0

    def write(self, blocks: Sequence[Block]) -> None:
        """All blocks, frames too, without recursion."""
        stack: list[Iterator[Block]] = [iter(blocks)]
        while stack:
            block = next(stack[-1], None)
            if block is None:
                stack.pop()
            elif isinstance(block, Line):
                self._line(block)
            else:
                self._tables += 1
                stack.append(self._table(block, self._tables))

    def _add(self, line: str) -> int | None:
        """Writes a line; its start in the text, None where a blank line is dropped. A row of empty cells is no blank
        line."""
        if not line.strip(" ") and (not self.lines or not self.lines[-1].strip(" ")):
            return None
        if not line.strip(" "):
            line = ""
        start = self._length
        self.lines.append(line)
        self._length += len(line) + 1
        return start

    def _line(self, line: Line) -> None:
        start = self._add(line.text)
        if start is not None and (line.page is not None or line.ref is not None) and line.text.strip():
            place = Place(page=line.page, box=line.box, sheet=line.sheet, ref=line.ref)
            self.places.append((start, start + len(line.text), place))

    def _table(self, table: Table, number: int) -> Iterator[Block]:
        """Writes the table's rows; gives the blocks of framing cells where they stand."""
        placed, columns = place_cells(table)
        self._cells += len(placed) * len(columns)
        if self._cells > MAX_CELLS:
            raise InputError("malformed", "The file's tables are larger than any report's.", "Keep only the report.")
        for row_number, (row, cells) in enumerate(zip(table.rows, placed, strict=True), 1):
            if any(cell.inner is not None for cell in row):
                for cell in row:
                    yield from cell.inner if cell.inner is not None else ([Line(cell.text)] if cell.text else [])
            elif cells:
                self._row(number, row_number, cells, columns)

    def _row(self, number: int, row_number: int, cells: dict[int, GridCell], columns: list[int]) -> None:
        texts = [cells[column].text if column in cells else "" for column in columns]
        start = self._add("\t".join(texts))
        if start is None:
            return
        for index, (column, text) in enumerate(zip(columns, texts, strict=True), 1):
            if text:
                cell = cells[column]
                place = Place(number, row_number, index, cell.page, cell.box, cell.sheet, cell.ref)
                self.places.append((start, start + len(text), place))
            start += len(text) + 1


def place_cells(table: Table) -> tuple[list[dict[int, GridCell]], list[int]]:
    """Each row's cells by grid column, and the columns in which any cell begins (a browser shows no others).

    Rows that frame have no cells. Errors: InputError `malformed` beyond MAX_GRID.
    """
    width, size = 0, 0
    placed: list[dict[int, GridCell]] = []
    begins: set[int] = set()
    hanging: dict[int, int] = {}  # column → rows below that a cell still covers
    for number, row in enumerate(table.rows):
        line: dict[int, GridCell] = {}
        covered = set(hanging)
        hanging = {column: left - 1 for column, left in hanging.items() if left > 1}
        column = 0
        for cell in () if any(cell.inner is not None for cell in row) else row:
            while column in covered:
                column += 1
            if column >= MAX_COLUMNS:
                break
            line[column] = cell
            begins.add(column)
            colspan = min(MAX_COLSPAN, max(1, cell.colspan))
            below = (min(cell.rowspan, MAX_ROWSPAN) or len(table.rows) - number) - 1
            if below > 0:
                for spanned in range(column, min(column + colspan, MAX_COLUMNS)):
                    hanging[spanned] = max(below, hanging.get(spanned, 0))  # spans that overlap both reach down
            column += colspan
        width = max(width, min(column, MAX_COLUMNS))
        size += width
        placed.append(line)
        if size > MAX_GRID:
            raise InputError("malformed", "A table of the file is larger than any report's.", "Keep only the report.")
    return placed, sorted(begins)
