"""Pages → one document: page numbers and running heads left out, tables that go on over a page joined, blocks made."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

from extractor.document.content import Block, GridCell, Line, Table
from extractor.document.formats.pdf_page import Grid, GridCellRead, Item, PageRead
from extractor.document.formats.pdf_words import TextLine, gathered, laid_out

_SAME = 3.0  # points: borders no further apart are one over pages
_MARGIN = 0.14  # of the page's height: where running heads and page numbers stand
_EDGE_LINES = 2
_PAGE_NUMBER = re.compile(r"\D{0,4}?(\d{1,4})\D{0,3}?(?:(?:[/／]|共|of)\s?(\d{1,4})\D{0,3})?", re.IGNORECASE)
_WORDS = re.compile(r"[^\W\d_]{2}")


def blocks_of(pages: Sequence[PageRead]) -> list[Block]:
    """The document's blocks; what stands on several pages at the same place is kept once."""
    left_out = furniture(pages)
    blocks: list[Block] = []
    by_number = {page.number: page for page in pages}
    open_grid: tuple[Grid, PageRead] | None = None
    for page in pages:
        items = [item for item in page.items if id(item) not in left_out]
        first = items[0] if items else None
        if open_grid is not None and isinstance(first, Grid) and _goes_on(*open_grid, first, page):
            _append(open_grid[0], first)
            items = items[1:]
            if not items:
                continue
        if open_grid is not None:
            blocks.append(_table(open_grid[0], by_number))
            open_grid = None
        last = items[-1] if items else None
        if isinstance(last, Grid):
            items, open_grid = items[:-1], (last, page)
        blocks.extend(_blocks(items, page, by_number))
    if open_grid is not None:
        blocks.append(_table(open_grid[0], by_number))
    return blocks


def furniture(pages: Sequence[PageRead]) -> set[int]:
    """Identities of the lines that are page numbers, or running heads told before."""
    edges = [(page, line) for page in pages for line in {id(line): line for line in _edge_lines(page)}.values()]
    out: set[int] = set()
    offsets: Counter[tuple[int, int, str]] = Counter()
    numbers: list[tuple[tuple[int, int, str], TextLine]] = []
    heads: dict[tuple[str, int, int], list[TextLine]] = {}
    for page, line in edges:
        text = line.text.strip()
        at = round((line.box[1] if line.box[1] < page.height / 2 else line.box[1] - page.height) / _SAME)
        match = _PAGE_NUMBER.fullmatch(text)
        if match:
            frame = re.sub(r"\d+", "#", text)
            key = (int(match[1]) - page.number, at, frame)
            offsets[key] += 1
            numbers.append((key, line))
            if len(pages) == 1 and match[1] == "1" and _stands_apart(page, line):
                out.add(id(line))
        elif _WORDS.search(text) and len(line.words) < 7:
            heads.setdefault((text, at, page.turn), []).append(line)
    for key, line in numbers:
        # Beside a text a page is told by its number; rounding may put the same height into two neighbours.
        if sum(offsets[key[0], key[1] + near, key[2]] for near in (-1, 0, 1)) > 1:
            out.add(id(line))
    for lines in heads.values():
        out.update(id(line) for line in lines[1:])
    return out


def _edge_lines(page: PageRead) -> Iterator[TextLine]:
    """The first and last lines of a page, in its margins."""
    top = min((_top(item) for item in page.items), default=0.0)
    start = 0.0 if page.turn == 0 else top  # a turned frame begins elsewhere
    for items in (page.items[:_EDGE_LINES], page.items[: -_EDGE_LINES - 1 : -1]):
        for item in items:
            if not isinstance(item, TextLine):
                break
            height = (item.box[1] - start) / page.height
            if height < _MARGIN or height > 1 - _MARGIN:
                yield item


def _top(item: Item) -> float:
    return item.box[1]


def _stands_apart(page: PageRead, line: TextLine) -> bool:
    if page.items[-1] is not line or len(line.words) > 5:
        return False
    above = max((item.box[3] for item in page.items[:-1]), default=0.0)
    return line.box[1] - above > 2 * line.words[0].size


def _goes_on(grid: Grid, before: PageRead, other: Grid, page: PageRead) -> bool:
    """Whether a table at the head of a page is the one at the foot of the page before."""
    return (
        grid.last_page == page.number - 1
        and before.turn == page.turn
        and abs(grid.xs[0] - other.xs[0]) <= _SAME
        and abs(grid.xs[-1] - other.xs[-1]) <= _SAME
    )


def _append(grid: Grid, other: Grid) -> None:
    """The rows of the next page. A cell that no line closes at the foot, above one that none closes, is one cell."""
    hanging = [
        cell for cell in grid.cells if cell.place.open_bottom and cell.place.row + cell.place.rowspan == grid.rows
    ]
    for cell in other.cells:
        place = cell.place
        above = None
        if place.row == 0 and place.open_top:
            above = next((c for c in hanging if _alike(c, cell)), None)
        if above is not None:
            above.lines += cell.lines
            if cell.items is not None:
                above.items = [*(above.items if above.items is not None else above.lines), *cell.items]
            above.place.rowspan += place.rowspan
            above.place.open_bottom = place.open_bottom
        else:
            place.row += grid.rows
            grid.cells.append(cell)
    grid.rows += other.rows
    grid.last_page = other.last_page
    grid.xs = _together(grid.xs, other.xs)


def _alike(one: GridCellRead, other: GridCellRead) -> bool:
    a, b = one.place.box, other.place.box
    return abs(a[0] - b[0]) <= _SAME and abs(a[2] - b[2]) <= _SAME


def _together(xs: list[float], others: list[float]) -> list[float]:
    """The borders of both, those of the same place once."""
    out = list(xs)
    for x in others:
        if all(abs(x - known) > _SAME for known in xs):
            out.append(x)
    return sorted(out)


def _table(grid: Grid, pages: dict[int, PageRead]) -> Table:
    """The table with its spans counted in columns of all its pages."""
    rows: list[list[GridCell]] = [[] for _ in range(grid.rows)]
    for cell in sorted(grid.cells, key=lambda cell: (cell.place.row, cell.place.box[0])):
        place, page = cell.place, pages[cell.page]
        first, last = _number(grid.xs, place.box[0]), _number(grid.xs, place.box[2])
        made = GridCell(
            cell.text,
            colspan=max(1, last - first),
            rowspan=place.rowspan,
            page=cell.page,
            box=page.seen(place.box),
        )
        if cell.items is not None:
            made.text, made.inner = "", _blocks(cell.items, page, pages)
        rows[place.row].append(made)
    return Table(rows)


def _number(xs: list[float], x: float) -> int:
    """Which border stands nearest."""
    at = bisect_left(xs, x)
    return min((n for n in (at - 1, at) if 0 <= n < len(xs)), key=lambda n: abs(xs[n] - x))


def _blocks(items: Sequence[Item], page: PageRead, pages: dict[int, PageRead]) -> list[Block]:
    out: list[Block] = []
    lines: list[TextLine] = []

    def flush() -> None:
        lines[:] = gathered(lines)
        left = min((line.words[0].x0 for line in lines), default=0.0) if page.left > page.width else page.left
        for line, text in zip(lines, laid_out(lines, left, page.unit), strict=True):
            out.append(Line(text, page.number, page.seen(line.box)))
        lines.clear()

    for item in items:
        if isinstance(item, TextLine):
            lines.append(item)
            continue
        flush()
        out.append(_table(item, pages))
    flush()
    return out
