"""The smallest sets of cells whose change satisfies the equations that fail and keeps the others (Fellegi and Holt)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from extractor.rules.puzzle import EXACT, Changes, Puzzle

MOST_CHANGED: Final = 3  # cells in a set
MOST_APART: Final = 6  # where the equations that fail are so many that it cannot be fewer
MOST_FOUND: Final = 200  # sets of one size


def least(puzzle: Puzzle, failing: Sequence[int]) -> int:
    """How many cells at least must change: equations of one kind share none."""
    counts: dict[int, int] = {}
    for e in failing:
        counts[puzzle.kinds[e]] = counts.get(puzzle.kinds[e], 0) + 1
    return max(counts.values(), default=0)


def smallest(puzzle: Puzzle, failing: Sequence[int], most: int = MOST_CHANGED) -> list[Changes]:
    """All smallest sets that satisfy these equations and leave every other where it is; [] where none is found."""
    search = _Search(puzzle, failing)
    fewest = least(puzzle, failing)
    last = fewest if most == MOST_CHANGED < fewest <= MOST_APART else most
    for size in range(fewest, last + 1):
        search.extend((), 0, size)
        if search.found or puzzle.steps <= 0:
            break
    return search.found


class _Search:
    """Grows sets by what they lack: an equation that fails and is untouched, or one that holds and is touched once."""

    __slots__ = ("failing", "found", "gaps", "puzzle")

    def __init__(self, puzzle: Puzzle, failing: Sequence[int]) -> None:
        mine = set(failing)
        self.puzzle, self.failing = puzzle, failing
        self.found: list[Changes] = []
        # What fails and is not ours stays as it is.
        self.gaps = [0 if e not in mine and puzzle.bad(e, gap) else gap for e, gap in enumerate(puzzle.gaps)]

    def extend(self, chosen: tuple[int, ...], banned: int, left: int) -> None:
        """Tries every set of `left` cells more, none of them banned."""
        puzzle, gaps = self.puzzle, self.gaps
        puzzle.steps -= 1
        if puzzle.steps <= 0 or len(self.found) >= MOST_FOUND:
            return
        counts: dict[int, int] = {}
        for cell in chosen:
            for e, _ in puzzle.touch[cell]:
                counts[e] = counts.get(e, 0) + 1
        senses = puzzle.senses
        need = [e for e in self.failing if e not in counts]
        need += [e for e, n in counts.items() if n == 1 and not gaps[e] and senses[e] == EXACT]
        if not left:
            if not need and (changes := self.solve(chosen)) is not None:
                self.found.append(changes)
            return
        masks = puzzle.masks
        if not need:  # all are touched and the amounts do not fit: one more in an equation touched already
            mask = 0
            for e in counts:
                mask |= masks[e]
        elif left == 1:
            mask = -1
            for e in need:
                mask &= masks[e]
        else:
            if least(puzzle, need) > left:
                return
            mask = min((masks[e] & puzzle.known & ~banned for e in need), key=int.bit_count)
        mask &= puzzle.known & ~banned
        for cell in chosen:
            mask &= ~(1 << cell)
        while mask:
            low = mask & -mask
            mask ^= low
            self.extend((*chosen, low.bit_length() - 1), banned, left - 1)
            banned |= low  # every set with this cell has been tried

    def solve(self, chosen: tuple[int, ...]) -> Changes | None:
        """The changes of exactly these cells, if they satisfy all equations: each is settled by one that has no other
        unsettled cell."""
        puzzle, gaps = self.puzzle, dict[int, int]()
        cells_of: dict[int, list[tuple[int, int]]] = {}
        for cell in chosen:
            for e, sign in puzzle.touch[cell]:
                cells_of.setdefault(e, []).append((cell, sign))
                gaps[e] = self.gaps[e]
        changes: Changes = {}
        while len(changes) < len(chosen):
            step = self._settled(cells_of, gaps, changes)
            if step is None:
                return None
            cell, change = step
            if not change or (puzzle.values[cell] or 0) + change < 0:
                return None
            changes[cell] = change
            for e, sign in puzzle.touch[cell]:
                gaps[e] -= sign * change
        return None if any(puzzle.bad(e, gap) for e, gap in gaps.items()) else changes

    def _settled(
        self, cells_of: dict[int, list[tuple[int, int]]], gaps: dict[int, int], changes: Changes
    ) -> tuple[int, int] | None:
        """A cell and the change that an exact equation leaves it; else the least change that the others ask for."""
        found: tuple[int, int] | None = None
        for e, own in cells_of.items():
            alone: tuple[int, int] | None = None
            for pair in own:
                if pair[0] not in changes:
                    if alone is not None:
                        break
                    alone = pair
            else:
                if alone is None:
                    continue
                exact = self.puzzle.senses[e] == EXACT
                change, rest = divmod(gaps[e], alone[1])
                if exact:
                    return None if rest else (alone[0], change)
                if self.puzzle.bad(e, gaps[e]) and (found is None or abs(change) > abs(found[1])):
                    found = (alone[0], change)
        return found
