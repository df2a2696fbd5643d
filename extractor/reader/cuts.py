"""Digits without borders: all ways to cut a run of digits into the cells of a row.

`1200012` is seven cells 1 2 0 0 0 1 2 or a sum that fits; which cuts are possible is a matter of the digits (no
number but 0 starts with 0), which of them is meant the equations say. Work is bounded by a node budget, so a
hostile run of digits ends quickly.
"""

from __future__ import annotations

from typing import NamedTuple

GLUED, SPACED, BORDER = 0, 1, 2
BUDGET = 20_000
LONGEST = 8


class Atom(NamedTuple):
    """A digit (or, with value None, a printed `/` or an empty cell) and what stands before it."""

    digit: str | None
    position: int
    before: int


class TooMany(Exception):
    """More readings than the budget allows to look at."""


Cut = tuple[tuple[int, int], ...]  # per cell: first and past-last atom


def row_cuts(atoms: list[Atom], blocks: tuple[tuple[int, int], ...], merge: bool) -> list[Cut]:
    """Cuts of `atoms` into cells such that each block's last cell is the sum of its others.

    `blocks` are (first cell, past-last cell) and cover the row. `merge` allows a number to run across a space.
    A placeholder atom takes a cell and has no value: its block's sum is then only bounded. Raises TooMany.
    """
    found: list[Cut] = []
    budget = [BUDGET]
    size = len(atoms)
    options = [
        [(end, _value(atoms, start, end)) for end in ends] for start, ends in enumerate(_number_ends(atoms, merge))
    ]
    ends_at = [{value: end for end, value in reversed(cells_here)} for cells_here in options]
    behind = [sum(stop - begin for begin, stop in blocks[index + 1 :]) for index in range(len(blocks))]

    def block(index: int, start: int, done: Cut) -> None:
        if index == len(blocks):
            if start == size:
                found.append(done)
                if len(found) > 400:
                    raise TooMany
            return
        first, last = blocks[index]
        cells(index, start, last - first, 0, False, done)

    def cells(index: int, start: int, left: int, total: int, unknown: bool, done: Cut) -> None:
        budget[0] -= 1
        if budget[0] < 0:
            raise TooMany
        room = size - start - behind[index] - (left - 1)  # digits that the block's total may have at most
        if room < 1 or start >= size or (total and room < len(str(total))):
            return
        if left > 1:
            for end, value in options[start]:
                cells(index, end, left - 1, total + (value or 0), unknown or value is None, (*done, (start, end)))
        elif unknown:
            for end, value in options[start]:
                if value is None or value >= total:
                    block(index + 1, end, (*done, (start, end)))
        else:
            sum_end = ends_at[start].get(total) or ends_at[start].get(None)
            if sum_end:
                block(index + 1, sum_end, (*done, (start, sum_end)))

    block(0, 0, ())
    return found


def free_cuts(atoms: list[Atom], count: int, merge: bool, most: int = 64) -> list[Cut]:
    """Cuts into `count` cells without any equation (table 2, rows that break their sum). Raises TooMany past `most`."""
    ends = _number_ends(atoms, merge)
    found: list[Cut] = []
    budget = [BUDGET]

    def walk(start: int, left: int, done: Cut) -> None:
        budget[0] -= 1
        if budget[0] < 0:
            raise TooMany
        if left == 0:
            if start == len(atoms):
                found.append(done)
                if len(found) > most:
                    raise TooMany
            return
        if start >= len(atoms) or len(atoms) - start < left:
            return
        for end in ends[start]:
            walk(end, left - 1, (*done, (start, end)))

    walk(0, count, ())
    return found


def _number_ends(atoms: list[Atom], merge: bool) -> list[tuple[int, ...]]:
    """For each atom the ends that a cell starting there may have."""
    ends: list[tuple[int, ...]] = []
    for start, atom in enumerate(atoms):
        if atom.digit is None or atom.digit == "0":
            ends.append((start + 1,))
            continue
        stop = start + 1
        possible = [stop]
        while (
            stop < len(atoms)
            and stop - start < LONGEST
            and atoms[stop].digit is not None
            and (atoms[stop].before == GLUED or (merge and atoms[stop].before == SPACED))
        ):
            stop += 1
            possible.append(stop)
        ends.append(tuple(possible))
    return ends


def _value(atoms: list[Atom], start: int, end: int) -> int | None:
    if atoms[start].digit is None:
        return None
    return int("".join(atom.digit or "" for atom in atoms[start:end]))


def cut_value(atoms: list[Atom], cut: tuple[int, int]) -> int | None:
    """The number that a cell of a cut reads, None for a placeholder."""
    return _value(atoms, *cut)
