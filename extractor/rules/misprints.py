"""What a set of changed cells amounts to, and misprints of many cells that are one act: a row one column off, rows
exchanged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Final, Literal

from extractor.form import GROUPS, REQUEST_COLUMNS, cell_paths
from extractor.form.equations import request_rows
from extractor.rules.puzzle import Changes, Puzzle, System, rules_out

Kind = Literal["cell", "cells", "moved", "exchanged", "shifted", "rows"]
_WIDE: Final = len(REQUEST_COLUMNS)
# Every cell's place in print, rows of groups included.
PLACE: Final = {
    path: place
    for place, path in enumerate(p for paths in cell_paths("2021", frozenset(GROUPS)).values() for p in paths)
}


@dataclass(frozen=True, slots=True)
class Found:
    """Changes that satisfy the equations; `size` is what they cost: cells, or less than that where it is one act."""

    kind: Kind
    changes: Changes
    size: float
    rows: tuple[str, ...] = ()  # of an act
    step: int = 0  # of a shift: 1 where the values belong further right


def of_cells(puzzle: Puzzle, changes: Changes) -> Found:
    """A set of changed cells, by its kind, in the order of print."""
    changes = dict(sorted(changes.items(), key=lambda change: PLACE.get(puzzle.system.paths[change[0]], 0)))
    kind: Kind = "cell" if len(changes) == 1 else "cells"
    if len(changes) == 2:
        (a, x), (b, y) = changes.items()
        before, after = puzzle.values[a] or 0, puzzle.values[b] or 0
        if x + y == 0 and _in_line(puzzle.system.paths[a], puzzle.system.paths[b]):
            kind = "exchanged" if before + x == after and before and after else "moved"
    return Found(kind, changes, len(changes))


def _in_line(a: str, b: str) -> bool:
    """Whether two cells stand in one row or one column."""
    row_a, _, column_a = a.rpartition(".")
    row_b, _, column_b = b.rpartition(".")
    return row_a == row_b or (column_a == column_b and a.startswith("requests.") and b.startswith("requests."))


# ---------------------------------------------------------------- one act, many cells


def acts(puzzle: Puzzle) -> Iterator[Found]:
    """Rows whose values stand one column off, pairs of rows that changed places (of each at least three cells differ)
    and, where cells are blank, numbers that stand in the cell next to theirs. Every equation that an act touches
    would hold."""
    rows = _rows(puzzle.system)
    if None in puzzle.values:
        for changes in _neighbours(puzzle, list(rows.values())):
            if _satisfies(puzzle, changes):
                yield of_cells(puzzle, changes)
    for key, row in rows.items():
        needed = _needed(puzzle, row)
        if needed is None:
            continue
        for begin, end, step in _SEGMENTS:
            changes = _shifted(puzzle, row, needed, begin, end, step)
            if changes and _satisfies(puzzle, changes):
                yield Found("shifted", changes, 1.7, (key,), step)
                break
    for (key, row), (other_key, other) in combinations(rows.items(), 2):
        changes = _exchanged(puzzle, row, other)
        if changes and _satisfies(puzzle, changes):
            yield Found("rows", changes, 1.8, (key, other_key))


# First and last place of the values that moved, and where they belong: one further right (1) or left (-1). The whole
# row or its end, with or without the total.
_SEGMENTS: Final = tuple(
    (begin, end, step) for end in (_WIDE - 1, _WIDE - 2) for begin in range(end - 1) for step in (1, -1)
)


def _rows(system: System) -> dict[str, tuple[int, ...]]:
    """The rows of table 3 that the equations speak of, in print order."""
    rows = {}
    for key in request_rows(frozenset(GROUPS)):
        cells = [cell for c in REQUEST_COLUMNS if (cell := system.index.get(f"requests.{key}.{c}")) is not None]
        if len(cells) == _WIDE:
            rows[key] = tuple(cells)
    return rows


def _neighbours(puzzle: Puzzle, rows: Sequence[Sequence[int]]) -> Iterator[Changes]:
    """The changes that put a number, of which an equation fails, into the empty or zero cell beside or below it."""
    values = puzzle.values
    doubtful = {cell for e, gap in enumerate(puzzle.gaps) if puzzle.bad(e, gap) for cell in _cells(puzzle.masks[e])}
    for row, below in zip(rows, (*rows[1:], ()), strict=True):
        for a, b in (*pairwise(row[:-1]), *zip(row, below, strict=False)):
            by = (values[b] or 0) - (values[a] or 0)
            if by and (a in doubtful or b in doubtful) and not (values[a] and values[b]):
                yield {a: by, b: -by}


def _cells(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        mask ^= low
        yield low.bit_length() - 1


def _needed(puzzle: Puzzle, row: Sequence[int]) -> list[int | None] | None:
    """What the columns' equations leave for each cell of a row, None where they say nothing; no list where they
    contradict each other or leave the row as it is."""
    touch = puzzle.system.touch
    own = {e for e, _ in touch[row[0]]} & {e for e, _ in touch[row[1]]}
    needed: list[int | None] = []
    changed = 0
    for cell in row:
        value, said = puzzle.values[cell], None
        for e, sign in touch[cell]:
            if e in own or puzzle.missing[e] != (value is None):
                continue
            leaves = (value or 0) + sign * puzzle.gaps[e]
            if leaves < 0 or said not in (None, leaves):
                return None
            said = leaves
        needed.append(said)
        changed += said is not None and said != (value or 0)
    return needed if changed else None


def _shifted(
    puzzle: Puzzle, row: Sequence[int], needed: Sequence[int | None], begin: int, end: int, step: int
) -> Changes:
    """The changes that put the values of a part of a row one place further; {} if the columns say otherwise."""
    printed = [puzzle.values[cell] for cell in row]
    entered, lost = (begin, end)[step == 1], (begin, end)[step != 1]
    if printed[entered]:
        return {}
    new = [value or 0 for value in printed]
    for place in range(begin, end):
        to, source = (place + 1, place) if step == 1 else (place, place + 1)
        new[to] = printed[source] or 0
        if needed[to] not in (None, new[to]):
            return {}
    said = needed[lost]
    if said is None:
        parts = sum(new[:-1]) - (new[lost] if lost < _WIDE - 1 else 0)
        said = parts if lost == _WIDE - 1 else new[-1] - parts
    new[lost] = said
    return _differences(puzzle, row, new)


def _differences(puzzle: Puzzle, row: Sequence[int], new: Sequence[int]) -> Changes:
    pairs = ((cell, after - (puzzle.values[cell] or 0)) for cell, after in zip(row, new, strict=True))
    changes = {cell: change for cell, change in pairs if change}
    return changes if len(changes) > 2 else {}


def _exchanged(puzzle: Puzzle, row: Sequence[int], other: Sequence[int]) -> Changes:
    """The changes that exchange two rows; {} as soon as an equation of a column says otherwise."""
    touch, values = puzzle.system.touch, puzzle.values
    own = {e for line in (row, other) for e, _ in touch[line[0]]} & {
        e for line in (row, other) for e, _ in touch[line[1]]
    }
    changes: Changes = {}
    for a, b in zip(row, other, strict=True):
        by = (values[b] or 0) - (values[a] or 0)
        if not by:
            continue
        moved = dict(touch[a])
        for e, sign in touch[b]:
            moved[e] = moved.get(e, 0) - sign
        for e, sign in moved.items():
            if sign and e not in own and not puzzle.missing[e] and puzzle.gaps[e] != sign * by:
                return {}
        changes[a], changes[b] = by, -by
    return changes if len(changes) > 2 else {}


def _satisfies(puzzle: Puzzle, changes: Changes) -> bool:
    """Whether the changes satisfy every equation that they touch, and some of these fail now. A cell without a number
    that changes gets one."""
    system, mended = puzzle.system, False
    if any((puzzle.values[cell] or 0) + change < 0 for cell, change in changes.items()):
        return False
    for e in {e for cell in changes for e, _ in system.touch[cell]}:
        gap, unknown = puzzle.gaps[e], 0
        mended = mended or puzzle.bad(e, gap)
        for cell, sign in system.cells[e]:
            if cell in changes:
                gap -= sign * changes[cell]
            elif puzzle.values[cell] is None:
                unknown |= 1 if sign > 0 else 2
        if rules_out(unknown, gap):
            return False
    return mended
