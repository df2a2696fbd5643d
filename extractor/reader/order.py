"""The order of figures that stand apart from their labels: which figure is which cell, proved by the equations alone.

PDF text prints a table row by row, or column by column; on a page break it prints the columns of one page and then
those of the next. Both are one family: pieces of neighbouring rows, one piece after the other, each printed column by
column (pieces of one row each are the order row by row). Every member of the family gives each printed figure a cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

Values = tuple[int, ...]

# A table that prints in more pieces than this has more page breaks than a table of the form ever has.
MOST_PIECES = 3
# Bounds of the search: rows of a table, and readings that agree with all row sums up to some row.
MOST_ROWS, MOST_READINGS = 40, 64
# What has to speak for an order: rows with figures other than 0, equations whose sums are other than 0, and
# different numbers other than 0. Below it the equations hold too easily.
LEAST_ROWS, LEAST_EQUATIONS, LEAST_NUMBERS = 5, 12, 3


class Pieces(NamedTuple):
    """An order of figures: for each row the places of its cells in the stream, and how many pieces it has."""

    places: tuple[Values, ...]
    number: int


def prove_order(
    stream: Sequence[int], width: int, balanced: Callable[[Sequence[Values]], int | None]
) -> tuple[tuple[Values, ...], Pieces | None] | None:
    """The one assignment of `stream` to rows of `width` cells (the last is the sum) that keeps every equation.

    `balanced`: how many column equations hold with sums other than 0, None where one is broken. The assignment comes
    with its order in at most MOST_PIECES pieces (None: it has none, as row by row). None where no assignment or several
    keep the equations, where too little speaks for it, or where the search is not done within its bounds.
    """
    height = len(stream) // width
    if height * width != len(stream) or not 0 < height <= MOST_ROWS:
        return None
    strips = _strips(stream, width, height)
    readings: list[set[tuple[Values, ...]]] = [set() for _ in range(height + 1)]
    readings[0].add(())
    for top in range(height):
        for bottom in range(top + 1, height + 1):
            rows = strips.get((top, bottom))
            if rows is None or not readings[top]:
                continue
            readings[bottom].update(reading + rows for reading in readings[top])
            if len(readings[bottom]) > MOST_READINGS:
                return None
    kept = [(rows, columns) for rows in readings[height] if (columns := balanced(rows)) is not None]
    if len(kept) != 1:
        return None
    rows, columns = kept[0]
    telling = sum(any(row) for row in rows)
    numbers = {value for row in rows for value in row if value}
    if telling < LEAST_ROWS or telling + columns < LEAST_EQUATIONS or len(numbers) < LEAST_NUMBERS:
        return None
    orders = {
        tuple(place for a, b in cuts for place in _places(width, a, b)): len(cuts)
        for cuts in _cuts(strips, height)
        if tuple(row for cut in cuts for row in strips[cut]) == rows
    }
    by_rows = all(tuple(stream[i * width : (i + 1) * width]) == row for i, row in enumerate(rows))
    if len(orders) + by_rows > 1:
        return None  # The same values from other places: nothing says which figure is whose.
    return rows, next((Pieces(places, number) for places, number in orders.items()), None)


def fits_in_pieces(
    stream: Sequence[int], width: int, balanced: Callable[[Sequence[Values]], int | None], read: Sequence[Values]
) -> bool:
    """Whether some order in at most MOST_PIECES pieces gives other values than `read` and keeps every equation."""
    height = len(stream) // width
    if height * width != len(stream) or not 0 < height <= MOST_ROWS:
        return False
    strips = _strips(stream, width, height)
    orders = (tuple(row for cut in cuts for row in strips[cut]) for cuts in _cuts(strips, height))
    return any(rows != tuple(read) and balanced(rows) is not None for rows in orders)


def _strips(stream: Sequence[int], width: int, height: int) -> dict[tuple[int, int], tuple[Values, ...]]:
    """The rows of each piece (first row, past-last row) whose rows all keep their own sum."""
    strips: dict[tuple[int, int], tuple[Values, ...]] = {}
    for top in range(height):
        for bottom in range(top + 1, height + 1):
            rows = []
            for places in _places(width, top, bottom):
                row = tuple([stream[place] for place in places])
                if sum(row[:-1]) != row[-1]:
                    break
                rows.append(row)
            else:
                strips[top, bottom] = tuple(rows)
    return strips


def _places(width: int, top: int, bottom: int) -> Iterator[Values]:
    """Where in the stream the cells of a piece's rows stand."""
    for row in range(bottom - top):
        start = top * width + row
        yield tuple(range(start, start + width * (bottom - top), bottom - top))


def _cuts(strips: dict[tuple[int, int], tuple[Values, ...]], height: int) -> Iterator[list[tuple[int, int]]]:
    """The ways to lay the table in at most MOST_PIECES pieces."""
    todo: list[list[tuple[int, int]]] = [[]]
    while todo:
        cuts = todo.pop()
        top = cuts[-1][1] if cuts else 0
        if top == height:
            yield cuts
        elif len(cuts) < MOST_PIECES:
            last = len(cuts) == MOST_PIECES - 1
            ends = (height,) if last else range(top + 1, height + 1)
            todo += [[*cuts, (top, bottom)] for bottom in ends if (top, bottom) in strips]
