"""The tables of a page: what was walked over, as rows of cells of the table model.

Rows, row groups and spans as HTML's own algorithm forms a table: `tfoot` comes last, a rowspan ends with its row
group, `rowspan=0` reaches to its end. Rows that are page layout become frames.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from extractor.document.content import MAX_COLSPAN, MAX_ROWSPAN, Block, GridCell, Line, Table, settle_seams

WHITE = " \t\n\r\f\v"
RUN = re.compile(r"[ \t\n\r\f\v]+")
_LONG_CELL = 400  # a cell with several paragraphs longer than this is an article, not a cell
_FEW_LINES = 4  # a cell with more preformatted lines than these holds a table set as text
_SPAN = re.compile(r"[ \t\n\r\f]*\+?(\d{1,9})")
# In a cell that holds nothing else or figures: something more is printed there, which is not read.
PICTURE_TEXT = "[图]"


class Kept(str):
    """Text whose spaces are kept (preformatted), without line ends."""

    __slots__ = ()


class _Sign:
    """A part of a flow that is no text."""

    __slots__ = ()


BREAK = _Sign()  # between two blocks: a line end in running text, a space inside a table cell
PICTURE = _Sign()


@dataclass(slots=True)
class Finished:
    """Blocks inside a flow that are done: a table with what stands loose in it, a document put in."""

    blocks: list[Block]
    plain: str | None = None  # of a table of one short cell: that cell's text


Flow = list[Any]  # str, Kept, _Sign and Finished in reading order


@dataclass(slots=True)
class Cell:
    """A td or th that was walked over."""

    flow: Flow = field(default_factory=list)
    colspan: int = 1
    rowspan: int = 1


@dataclass(slots=True)
class Walked:
    """A table that is being walked over. `groups` numbers each row's row group; `feet` are those of tfoot."""

    rows: list[list[Cell]] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    feet: set[int] = field(default_factory=set)
    loose: Flow = field(default_factory=list)  # what stands in the table outside its cells
    has_tables: bool = False
    row_open: bool = False
    group: int = 0

    def open_row(self) -> None:
        """A tr begins."""
        self.rows.append([])
        self.groups.append(self.group)
        self.row_open = True

    def open_group(self, name: str) -> None:
        """A thead, tbody or tfoot begins (or ends: what follows is a group of its own)."""
        self.group += 1
        if name == "tfoot":
            self.feet.add(self.group)

    def open_cell(self, element: Any) -> Cell:
        """A td or th begins; one without its tr gets one, as in browsers."""
        if not self.row_open:
            self.open_row()
        colspan, rowspan = element.get("colspan"), element.get("rowspan")
        cell = Cell(
            colspan=1 if colspan is None else min(MAX_COLSPAN, max(1, _span(colspan))),
            rowspan=1 if rowspan is None else min(MAX_ROWSPAN, _span(rowspan)),
        )
        self.rows[-1].append(cell)
        return cell


def _span(raw: str) -> int:
    digits = _SPAN.match(raw)
    return int(digits.group(1)) if digits else 1


def collapse(inline: Flow) -> str:
    """White space as a browser shows it: runs become one space; `&nbsp;` and kept spaces stay."""
    if not any(type(part) is Kept for part in inline):
        return settle_seams(RUN.sub(" ", "".join(inline)).strip(WHITE).replace("\xa0", " ").rstrip())
    pieces = [part if type(part) is Kept else RUN.sub(" ", part) for part in inline]
    if type(inline[0]) is not Kept:
        pieces[0] = pieces[0].lstrip(WHITE)
    if type(inline[-1]) is not Kept:
        pieces[-1] = pieces[-1].rstrip(WHITE)
    return settle_seams("".join(pieces).replace("\xa0", " "))


def running(flow: Flow, blanks: bool = True) -> list[Block]:
    """Running text: a line for each block of it, tables as they are. `blanks`: also lines of white space."""
    blocks: list[Block] = []
    inline: Flow = []
    for part in flow:
        if isinstance(part, str):
            inline.append(part)
            continue
        if part is PICTURE:
            continue
        if inline:
            line = collapse(inline)
            if blanks or line.strip():
                blocks.append(Line(line))
            inline = []
        if type(part) is Finished:
            blocks += part.blocks
    if inline:
        line = collapse(inline)
        if blanks or line.strip():
            blocks.append(Line(line))
    return blocks


def cell_text(flow: Flow) -> str:
    """A cell is one line: blocks and line ends inside it become single spaces, never nothing (`1<br>2` is not 12)."""
    if len(flow) == 1 and isinstance(flow[0], str):
        return " ".join(flow[0].split())
    pieces = [part if isinstance(part, str) else " " for part in flow]
    text = settle_seams(" ".join("".join(pieces).split()))
    if PICTURE in flow and (not text or text.isdigit()):
        text += f"?{PICTURE_TEXT}" if text else PICTURE_TEXT
    return text


def finish(walked: Walked) -> Finished:
    """The blocks of a table: the lines that stand loose in it, then its rows."""
    order = list(range(len(walked.rows)))
    if walked.feet:
        order.sort(key=lambda number: walked.groups[number] in walked.feet)
    groups = [walked.groups[number] for number in order]
    ends: dict[int, int] = {group: number + 1 for number, group in enumerate(groups)}
    rows: list[list[GridCell]] = []
    for number, old in enumerate(order):
        row = walked.rows[old]
        frame = _is_frame(row, walked.has_tables)
        left = ends[groups[number]] - number
        cells = []
        for cell in row:
            rowspan = cell.rowspan if cell.rowspan == 1 else min(cell.rowspan, left) or left
            if frame:
                cells.append(GridCell("", cell.colspan, rowspan, inner=running(cell.flow, blanks=False)))
            else:
                cells.append(GridCell(cell_text(cell.flow), cell.colspan, rowspan))
        rows.append(cells)
    loose = running(walked.loose, blanks=False) if walked.loose else []
    alone = len(rows) == 1 and len(rows[0]) == 1 and rows[0][0].inner is None and not loose
    short = alone and len(rows[0][0].text) <= _LONG_CELL
    return Finished([*loose, Table(rows)], rows[0][0].text if short else None)


def _is_frame(row: list[Cell], has_tables: bool) -> bool:
    """A row that is page layout: it holds a table, prose in paragraphs or text in columns, or is a single cell beside
    such rows."""
    for cell in row:
        flow = cell.flow
        if len(flow) == 1:
            if type(flow[0]) is Finished:
                return True
            continue
        length = breaks = lines = 0
        for part in flow:
            if part is BREAK:
                breaks += 1
            elif type(part) is Kept:
                lines += bool(part.strip())
                length += len(part)
            elif isinstance(part, str):
                length += len(part)
            elif type(part) is Finished:
                return True
        if (length > _LONG_CELL and breaks > 4) or lines > _FEW_LINES:
            return True
    return has_tables and len(row) == 1
