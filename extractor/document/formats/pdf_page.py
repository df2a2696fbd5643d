"""One page's words and ruling lines → running lines and ruled tables, from top to bottom."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from extractor.document.content import Box
from extractor.document.formats.pdf_drawn import THIN, UNMAPPED, Drawn, Glyph
from extractor.document.formats.pdf_grid import Lattice, Ruled, area, bars, lattices
from extractor.document.formats.pdf_words import TextLine, Word, joined, lines_of, unit_of, words_of

_FIGURE = re.compile(r"[-+]?[\d０-９][\d０-９,，.．]*|[-/—_]+")
_OVER = 0.4  # of the font size: how far a figure may stand over its cell's border
_LEVEL = 0.1  # of the font size: figures on one baseline
_FAR = 1.0  # of the font size: figures of one cell do not stand so far apart
_LONG_CELL, _LONG_LINES = 400, 4  # a cell with more characters and lines is an article in a frame


@dataclass(slots=True)
class GridCellRead:
    """A ruled cell and what stands in it; `items` where it frames other tables or an article."""

    place: Ruled
    lines: list[TextLine] = field(default_factory=list)
    items: list[Item] | None = None
    page: int = 0

    @property
    def text(self) -> str:
        return joined(self.lines)


@dataclass(slots=True)
class Grid:
    """A ruled table of one page, or, once joined, of several: cells by row, border positions of columns."""

    box: Box
    xs: list[float]
    ys: list[float]
    rows: int
    cells: list[GridCellRead]
    last_page: int = 0


Item = TextLine | Grid


@dataclass(slots=True)
class PageRead:
    """A page in reading order. `turn`: quarter turns clockwise in which the text runs on the page as it is seen."""

    number: int
    width: float
    height: float
    turn: int
    items: list[Item]
    unit: float
    left: float

    def seen(self, box: Box) -> Box:
        """A box of the upright frame on the page as it is seen."""
        return turned(box, -self.turn % 4)


def turned(box: Box, turn: int) -> Box:
    """A box in the frame that makes text of this direction upright."""
    x0, y0, x1, y1 = box
    if turn == 1:
        return y0, -x1, y1, -x0
    if turn == 2:
        return -x1, -y1, -x0, -y0
    if turn == 3:
        return -y1, x0, -y0, x1
    return box


def read_items(number: int, drawn: Drawn, glyphs: Sequence[Glyph], extra: Sequence[Word] = ()) -> PageRead:
    """The page's lines and tables. `extra`: words of a plug-in, in the frame of the page as it is seen."""
    turns = Counter(glyph.turn for glyph in glyphs if glyph.turn is not None)
    turn = turns.most_common(1)[0][0] if turns else 0
    rules = [turned(rule, turn) for rule in drawn.rules]
    upright = bars(rules)
    words = words_of([glyph for glyph in glyphs if glyph.turn == turn], upright)
    words += [_moved(word, turn) for word in extra]
    across: list[Word] = []  # text that runs another way than the page's
    for other in turns.keys() - {turn}:
        for word in words_of([glyph for glyph in glyphs if glyph.turn == other]):
            box = turned(turned(word.box, -other % 4), turn)
            across.append(replace(word, x0=box[0], top=box[1], x1=box[2], bottom=box[3], base=box[3]))
    everything = [*words, *across]
    items: list[Item] = []
    if everything:
        found = [lattice for lattice in lattices(rules, [word.middle for word in everything]) if len(lattice.xs) > 2]
        drawings = [turned(box, turn) for box in (*drawn.pictures, *drawn.marks)]
        items = _placed(found, words, across, drawings, number)
    left = min((word.x0 for word in everything), default=0.0)
    width, height = (drawn.height, drawn.width) if turn % 2 else (drawn.width, drawn.height)
    return PageRead(number, width, height, turn, items, unit_of(everything), left)


def _moved(word: Word, turn: int) -> Word:
    x0, top, x1, bottom = turned(word.box, turn)
    return replace(word, x0=x0, top=top, x1=x1, bottom=bottom, base=bottom)


def _inside(point: tuple[float, float], box: Box) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def _placed(
    found: list[Lattice], words: list[Word], across: list[Word], drawings: Sequence[Box], page: int
) -> list[Item]:
    """Each word in the innermost table that holds it, tables in the cells that frame them. A cell without words in
    which something is drawn (a figure as a picture) is not blank: UNMAPPED."""
    grids = [
        Grid(
            lattice.box,
            lattice.xs,
            lattice.ys,
            len(lattice.ys) - 1,
            [GridCellRead(c, page=page) for c in lattice.cells],
            page,
        )
        for lattice in found
        if len(lattice.cells) > 1
    ]
    # A table that does not part what stands in it is none: its words stand in what is around it. Then another may
    # be seen to be a few framed cells of an unruled table.
    while True:
        loose, homes = _homes(grids, words)
        kept = [grid for grid in grids if _parted(grid, homes[id(grid)]) and not _amid(grid, homes[id(grid)], loose)]
        if len(kept) == len(grids):
            break
        grids = kept
    for grid in grids:
        for cell, own in zip(grid.cells, _by_cell(grid, homes[id(grid)]), strict=True):
            cell.lines = lines_of(own)
        for word in [word for word in across if _inside(word.middle, grid.box)]:
            next(cell for cell in grid.cells if _inside(word.middle, cell.place.box)).lines.append(TextLine([word]))
            across.remove(word)
    _unread(grids, drawings)
    top: list[Item] = [*lines_of(loose), *(TextLine([word]) for word in across)]
    for index, grid in enumerate(grids):
        middle = (grid.box[0] + grid.box[2]) / 2, (grid.box[1] + grid.box[3]) / 2
        around = (cell for other in grids[index + 1 :] for cell in other.cells if _inside(middle, cell.place.box))
        outer = next(around, None)
        if outer is None:
            top.append(grid)
        else:
            outer.items = [*(outer.lines if outer.items is None else outer.items), grid]
    for grid in grids:
        for cell in grid.cells:
            if cell.items is None and len(cell.lines) > _LONG_LINES and len(cell.text) > _LONG_CELL:
                cell.items = list(cell.lines)
            if cell.items is not None:
                cell.items.sort(key=_height)
    return sorted(top, key=_height)


def _unread(grids: Sequence[Grid], drawings: Sequence[Box]) -> None:
    for box in drawings:
        middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        grid = next((grid for grid in grids if _inside(middle, grid.box)), None)
        if grid is None or min(box[2] - box[0], box[3] - box[1]) < THIN:
            continue
        cell = next((cell for cell in grid.cells if _inside(middle, cell.place.box)), None)
        if cell is not None and not cell.lines and area(box) <= area(cell.place.box):
            cell.lines = [TextLine([Word(UNMAPPED, *box, base=box[3], size=max(1.0, box[3] - box[1]))])]


def _homes(grids: list[Grid], words: list[Word]) -> tuple[list[Word], dict[int, list[Word]]]:
    """The words in no table, and those of each table by its identity; smaller tables come first."""
    loose, homes = list(words), {}
    for grid in grids:
        homes[id(grid)] = [word for word in loose if _inside(word.middle, grid.box)]
        loose = [word for word in loose if not _inside(word.middle, grid.box)]
    return loose, homes


def _by_cell(grid: Grid, words: list[Word]) -> list[list[Word]]:
    """The table's words by cell."""
    out: list[list[Word]] = [[] for _ in grid.cells]
    rows: dict[int, list[int]] = {}
    for number, cell in enumerate(grid.cells):
        for row in range(cell.place.row, cell.place.row + cell.place.rowspan):
            rows.setdefault(row, []).append(number)
    for word in words:
        row = max(0, bisect_right(grid.ys, word.middle[1]) - 1)
        at = next((n for n in rows.get(row, ()) if _inside(word.middle, grid.cells[n].place.box)), None)
        if at is not None:
            out[at].append(word)
    return out


def _parted(grid: Grid, words: list[Word]) -> bool:
    """Whether the table's lines part its figures: no cell with several in a line, no row of cells with several below
    each other, no printed line in several rows."""
    stacks: Counter[int] = Counter()
    placed: list[tuple[float, int, float]] = []  # of each figure its baseline, its row, its size
    for cell, own in zip(grid.cells, _by_cell(grid, words), strict=True):
        lines = lines_of(own)
        if len(lines) > 1 and all(_FIGURE.fullmatch(line.text) for line in lines):
            stacks[cell.place.row] += 1
        for line in lines:
            figures = [word for word in line.words if _FIGURE.fullmatch(word.text)]
            placed += [(word.base, cell.place.row, word.size) for word in figures]
            if any(_beyond(word, cell.place.box) for word in figures):
                return False  # it runs into the next cell: whose it is, the lines do not say
            if any(b.x0 - a.x1 > _FAR * a.size for a, b in pairwise(figures)):
                return False
    if any(a[1] != b[1] and b[0] - a[0] <= _LEVEL * min(a[2], b[2]) for a, b in pairwise(sorted(placed))):
        return False  # one printed line in several rows: frames within the cells, such as a form's fields
    return max(stacks.values(), default=0) < 2


def _beyond(word: Word, box: Box) -> bool:
    slack = _OVER * word.size
    return word.x0 < box[0] - slack or word.x1 > box[2] + slack


def _amid(grid: Grid, words: list[Word], loose: list[Word]) -> bool:
    """Whether the table is a few framed cells of an unruled one: figures outside all tables, or beside a single row
    any words, stand on its lines."""
    bases = sorted(word.base for word in loose if grid.rows == 1 or _FIGURE.fullmatch(word.text))
    for word in words:
        at = bisect_left(bases, word.base - 0.2 * word.size)
        if at < len(bases) and bases[at] <= word.base + 0.2 * word.size:
            return True
    return False


def _height(item: Item) -> float:
    return item.box[1] if isinstance(item, Grid) else item.words[0].base - 0.5 * item.words[0].size
