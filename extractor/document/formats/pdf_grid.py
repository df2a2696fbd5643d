"""Ruling lines → lattices of cells.

pdfplumber's finder asks for a crossing of lines at every corner of a cell and joins dashes only within its
tolerance. Here a border between two squares of the lattice counts where lines cover more than half of it, so that
dashed, doubled and interrupted lines, open sides and merged cells need no case of their own; and the work is bounded.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from extractor.document.content import Box
from extractor.document.formats.pdf_drawn import THIN, too_large

SNAP = 3.0  # points: lines no further apart are one (doubled lines)
_DASH = 6.0  # the longest gap in a dashed line
_SHORTEST = 6.0  # a rule shorter than this is a mark, no border
_MOST_LINES, _MOST_SQUARES = 4_000, 200_000
_COVERED = 0.5


@dataclass(slots=True)
class Ruled:
    """One cell: its place in the lattice, its box, and whether a line closes it above and below."""

    row: int
    column: int
    rowspan: int
    colspan: int
    box: Box
    open_top: bool = False
    open_bottom: bool = False


@dataclass(slots=True)
class Lattice:
    """A table by its ruling lines: the positions of its columns' and rows' borders, and its cells in reading order."""

    xs: list[float]
    ys: list[float]
    cells: list[Ruled] = field(default_factory=list)

    @property
    def box(self) -> Box:
        return self.xs[0], self.ys[0], self.xs[-1], self.ys[-1]


_Line = tuple[float, float, float]  # where it stands; from, to


def lattices(rules: Sequence[Box], points: Sequence[tuple[float, float]]) -> list[Lattice]:
    """Every table that ruling lines make and that holds one of `points` (where words stand), smaller ones first."""
    across, upright = _lines([(y0, x0, y1, x1) for x0, y0, x1, y1 in rules]), _lines(rules)
    if len(across) + len(upright) > _MOST_LINES:
        raise too_large("more ruling lines on a page")
    found = [_lattice(rows, columns, points) for rows, columns in _groups(across, upright)]
    return sorted((lattice for lattice in found if lattice is not None), key=lambda lattice: area(lattice.box))


def bars(rules: Sequence[Box]) -> list[tuple[float, float, float]]:
    """The upright lines (x, top, bottom) where they are drawn, dashes joined; sorted."""
    return _lines(rules, snap=0.3)


def area(box: Box) -> float:
    """Square points."""
    return (box[2] - box[0]) * (box[3] - box[1])


def _lines(rules: Sequence[Box], snap: float = SNAP) -> list[_Line]:
    """Upright rules, doubled ones as one and dashes joined."""
    standing = sorted(((x0 + x1) / 2, y0, y1) for x0, y0, x1, y1 in rules if x1 - x0 <= THIN)
    lines: list[_Line] = []
    start = 0
    for index in range(1, len(standing) + 1):
        if (
            index < len(standing)
            and standing[index][0] - standing[index - 1][0] <= snap >= (standing[index][0] - standing[start][0]) / 2
        ):
            continue
        near = standing[start:index]
        start = index
        weight = sum(y1 - y0 for _, y0, y1 in near) or 1.0
        x = sum(x * (y1 - y0) for x, y0, y1 in near) / weight if weight > 1 else near[0][0]
        begin = end = None
        for y0, y1 in sorted((y0, y1) for _, y0, y1 in near):
            if begin is None or end is None or y0 - end > _DASH:
                if begin is not None and end is not None and end - begin >= _SHORTEST:
                    lines.append((x, begin, end))
                begin, end = y0, y1
            end = max(end, y1)
        if begin is not None and end is not None and end - begin >= _SHORTEST:
            lines.append((x, begin, end))
    return lines


def _groups(across: Sequence[_Line], upright: Sequence[_Line]) -> Iterator[tuple[list[_Line], list[_Line]]]:
    """Lines that hang together by crossing or touching."""
    parent = list(range(len(across) + len(upright)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    places = [line[0] for line in upright]  # sorted
    for number, (y, x0, x1) in enumerate(across):
        for other in range(bisect_left(places, x0 - SNAP), bisect_right(places, x1 + SNAP)):
            if upright[other][1] - SNAP <= y <= upright[other][2] + SNAP:
                parent[root(number)] = root(len(across) + other)
    groups: dict[int, tuple[list[_Line], list[_Line]]] = {}
    for number in range(len(parent)):
        rows, columns = groups.setdefault(root(number), ([], []))
        if number < len(across):
            rows.append(across[number])
        else:
            columns.append(upright[number - len(across)])
    return (group for group in groups.values() if group[0] and group[1])


def _lattice(rows: list[_Line], columns: list[_Line], points: Sequence[tuple[float, float]]) -> Lattice | None:
    ys, xs = sorted({line[0] for line in rows}), sorted({line[0] for line in columns})
    left, right = min(line[1] for line in rows), max(line[2] for line in rows)
    top, bottom = min(line[1] for line in columns), max(line[2] for line in columns)
    outer = min(left, xs[0]), min(top, ys[0]), max(right, xs[-1]), max(bottom, ys[-1])
    inside = [(x, y) for x, y in points if outer[0] <= x <= outer[2] and outer[1] <= y <= outer[3]]
    if not inside:
        return None
    # A side without its outer line: a row or column of cells as far as the other lines reach, where words stand there.
    if any(y < ys[0] for _, y in inside) and outer[1] < ys[0] - SNAP:
        ys.insert(0, outer[1])
    if any(y > ys[-1] for _, y in inside) and outer[3] > ys[-1] + SNAP:
        ys.append(outer[3])
    if any(x < xs[0] for x, _ in inside) and outer[0] < xs[0] - SNAP:
        xs.insert(0, outer[0])
    if any(x > xs[-1] for x, _ in inside) and outer[2] > xs[-1] + SNAP:
        xs.append(outer[2])
    if len(xs) < 2 or len(ys) < 2:
        return None
    if len(xs) * len(ys) > _MOST_SQUARES:
        raise too_large("a larger table")
    lattice = Lattice(xs, ys)
    _cells(lattice, _borders(ys, xs, rows), _borders(xs, ys, columns))
    return lattice


def _borders(at: list[float], along: list[float], lines: list[_Line]) -> set[tuple[int, int]]:
    """(number of the border line, number of the stretch) for every stretch that is mostly covered by lines."""
    covered: dict[tuple[int, int], float] = defaultdict(float)
    numbers = {place: number for number, place in enumerate(at)}
    for place, begin, end in lines:
        first = max(0, bisect_right(along, begin) - 1)
        for stretch in range(first, min(bisect_left(along, end), len(along) - 1)):
            covered[numbers[place], stretch] += min(end, along[stretch + 1]) - max(begin, along[stretch])
    return {key for key, length in covered.items() if length > _COVERED * (along[key[1] + 1] - along[key[1]])}


def _cells(lattice: Lattice, across: set[tuple[int, int]], upright: set[tuple[int, int]]) -> None:
    """Squares without a border between them are one cell; what is no rectangle is cut into rectangles."""
    rows, columns = len(lattice.ys) - 1, len(lattice.xs) - 1
    taken: set[tuple[int, int]] = set()
    for row in range(rows):
        for column in range(columns):
            if (row, column) in taken:
                continue
            right = column + 1
            while right < columns and (right, row) not in upright and (row, right) not in taken:
                right += 1
            span = range(column, right)
            below = row + 1
            while (
                below < rows
                and not any((below, c) in across or (below, c) in taken for c in span)
                and not any((c, below) in upright for c in range(column + 1, right))
            ):
                below += 1
            taken.update((r, c) for r in range(row, below) for c in span)
            box = lattice.xs[column], lattice.ys[row], lattice.xs[right], lattice.ys[below]
            lattice.cells.append(
                Ruled(
                    row,
                    column,
                    below - row,
                    right - column,
                    box,
                    row == 0 and not any((0, c) in across for c in span),
                    below == rows and not any((rows, c) in across for c in span),
                )
            )
