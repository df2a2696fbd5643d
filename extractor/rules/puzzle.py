"""A record under its equations, all by integers: what fails, what is not known, what follows of it all the same.

A number that is not there (None) may be anything ≥ 0: what the equations say of the others nevertheless is worked out
once (`_implied`) and stands beside them as equations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from extractor.form import Equation
from extractor.results import Value

MOST_STEPS: Final = 4000  # of the search for hypotheses, per record
_MOST_UNKNOWN: Final = 150
_NO_BOUND: Final = 10**60  # more than any sum of counts (rules/case.py)
_MOST_ROUNDS: Final = 12
EXACT, AT_LEAST, AT_MOST, OPEN = 0, 1, 2, 3  # what the gap of an equation must be: 0, ≥ 0, ≤ 0, anything


class System:
    """A set of equations over numbered cells: what does not depend on a record."""

    __slots__ = ("cells", "equations", "index", "kinds", "masks", "paths", "touch")

    def __init__(self, rules: tuple[Equation, ...]) -> None:
        self.equations = rules
        self.paths = tuple(dict.fromkeys(path for rule in rules for path in rule.cells))
        self.index = {path: cell for cell, path in enumerate(self.paths)}
        touch: list[dict[int, int]] = [{} for _ in self.paths]
        for e, rule in enumerate(rules):
            for sign, side in ((1, rule.left), (-1, rule.right)):
                for path in side:
                    own = touch[self.index[path]]
                    own[e] = own.get(e, 0) + sign
        # Per cell (equation, sign): + on its left side, - on its right.
        self.touch = tuple(tuple((e, sign) for e, sign in own.items() if sign) for own in touch)
        cells: list[list[tuple[int, int]]] = [[] for _ in rules]
        for cell, own_touch in enumerate(self.touch):
            for e, sign in own_touch:
                cells[e].append((cell, sign))
        self.cells = tuple(map(tuple, cells))
        self.masks = tuple(sum(1 << cell for cell, _ in own) for own in self.cells)
        self.kinds = _kinds(rules, self.masks)


def _kinds(rules: tuple[Equation, ...], masks: tuple[int, ...]) -> tuple[int, ...]:
    """A number per equation; equations of one kind share no cell (rows among themselves, columns of one rule)."""
    kinds: list[int] = []
    seen: dict[str, tuple[int, int]] = {}  # rule → its number, its cells so far
    for e, rule in enumerate(rules):
        name = ".".join(rule.code.split(".")[:2])
        number, used = seen.get(name, (len(rules) + len(seen), 0))
        if used & masks[e]:
            kinds.append(e)  # on its own
            continue
        seen[name] = (number, used | masks[e])
        kinds.append(number)
    return tuple(kinds)


@lru_cache(maxsize=64)
def system_of(rules: tuple[Equation, ...]) -> System:
    """The system of these equations; give them in a fixed order."""
    return System(rules)


def rules_out(sense: int, gap: int) -> bool:
    """Whether an equation of this sense cannot have this gap."""
    return gap != 0 if sense == EXACT else gap < 0 if sense == AT_LEAST else gap > 0 if sense == AT_MOST else False


class Puzzle:
    """A record under a system. `gaps`: how much the right side of each equation exceeds the left, unknown cells left
    out; equations beyond the system's own are implied ones."""

    __slots__ = (
        "gaps",
        "implied",
        "kinds",
        "known",
        "masks",
        "missing",
        "senses",
        "steps",
        "system",
        "touch",
        "values",
    )

    def __init__(self, system: System, record: Mapping[str, Value | None]) -> None:
        self.system = system
        self.values = [value if isinstance(value := record.get(path), int) else None for path in system.paths]
        values = self.values
        self.gaps: list[int] = []
        self.senses: list[int] = []
        self.missing: list[int] = []
        for own in system.cells:
            gap = missing = 0
            open_signs = 0
            for cell, sign in own:
                value = values[cell]
                if value is None:
                    missing += 1
                    open_signs |= 1 if sign > 0 else 2
                else:
                    gap -= sign * value
            self.gaps.append(gap)
            self.senses.append(open_signs)  # something unknown on the left: the known part must not exceed the right
            self.missing.append(missing)
        self.masks = list(system.masks)
        self.kinds = list(system.kinds)
        self.touch: Sequence[Sequence[tuple[int, int]]] = system.touch
        self.known = sum(1 << cell for cell, value in enumerate(values) if value is not None)
        self.steps = MOST_STEPS
        self.implied: list[Weights] = []
        if 0 < sum(value is None for value in values) <= _MOST_UNKNOWN:
            self._add_implied()

    def bad(self, e: int, gap: int) -> bool:
        """Whether the equation rules out this gap."""
        return rules_out(self.senses[e], gap)

    def cornered(self) -> tuple[int, int, int] | None:
        """An equation that the unknown cells cannot satisfy within the bounds that all equations together leave them:
        its number, the nearest sum that they can have, and the sum that it asks for. None where none is found."""
        own_of = {
            e: [(cell, sign) for cell, sign in own if self.values[cell] is None]
            for e, own in enumerate(self.system.cells)
            if self.missing[e]
        }
        low = {cell: 0 for own in own_of.values() for cell, _ in own}
        high = dict.fromkeys(low, _NO_BOUND)
        moved = True
        for _ in range(_MOST_ROUNDS):
            if not moved:
                break
            moved = False
            for e, own in own_of.items():
                wanted = self.gaps[e]
                least = sum(low[cell] if sign > 0 else -high[cell] for cell, sign in own)
                most = sum(high[cell] if sign > 0 else -low[cell] for cell, sign in own)
                if wanted < least or wanted > most:
                    return e, least if wanted < least else most, wanted
                for cell, sign in own:
                    mine_least, mine_most = (low[cell], high[cell]) if sign > 0 else (-high[cell], -low[cell])
                    above, below = wanted - (most - mine_most), wanted - (least - mine_least)
                    new_low, new_high = (above, below) if sign > 0 else (-below, -above)
                    if new_low > low[cell] and new_low < _NO_BOUND // 4:
                        low[cell], moved = new_low, True
                    if new_high < high[cell] and new_high < _NO_BOUND // 4:
                        high[cell], moved = new_high, True
        return None

    def _add_implied(self) -> None:
        touch = [list(own) for own in self.touch]
        for members, sense in _implied(self):
            e = len(self.gaps)
            self.implied.append(members)
            cells: dict[int, int] = {}
            for member, factor in members.items():
                for cell, sign in self.system.cells[member]:
                    if self.values[cell] is not None:
                        cells[cell] = cells.get(cell, 0) + factor * sign
            for cell, sign in cells.items():
                if sign:
                    touch[cell].append((e, sign))
            self.gaps.append(sum(factor * self.gaps[member] for member, factor in members.items()))
            self.senses.append(sense)
            self.missing.append(0)
            self.masks.append(sum(1 << cell for cell, sign in cells.items() if sign))
            self.kinds.append(-e)  # on its own
        self.touch = touch


def _implied(puzzle: Puzzle) -> Iterator[tuple[Weights, int]]:
    """Sums of equations (equation → factor) in which the unknown cells cancel, or all stand on one side."""
    rows: list[tuple[dict[int, int], dict[int, int]]] = []
    for e, own in enumerate(puzzle.system.cells):
        if puzzle.missing[e]:
            rows.append(({cell: sign for cell, sign in own if puzzle.values[cell] is None}, {e: 1}))
    while rows:
        rows.sort(key=lambda row: len(row[0]), reverse=True)
        unknown, members = rows.pop()
        if len(members) > 1:
            signs = {value > 0 for value in unknown.values()}
            if len(signs) < 2:
                yield members, EXACT if not signs else AT_LEAST if True in signs else AT_MOST
        if not unknown:
            continue
        pivot, factor = next(iter(unknown.items()))
        for others, their_members in rows:
            if pivot not in others:
                continue
            by = others[pivot] * factor  # ±1 throughout, in these tables
            if abs(by) != 1:
                others.clear()
                continue
            for mine, theirs in ((unknown, others), (members, their_members)):
                for key, value in mine.items():
                    left = theirs.get(key, 0) - by * value
                    if left:
                        theirs[key] = left
                    else:
                        theirs.pop(key, None)


def together(
    rules: tuple[Equation, ...], values: Mapping[str, Value | None]
) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Equations that cannot hold whatever the unknown cells are, only by what others say: their codes and two sides."""
    system = system_of(tuple(sorted(rules, key=lambda rule: rule.code)))
    puzzle = Puzzle(system, values)
    for e, members in enumerate(puzzle.implied, len(system.equations)):
        if puzzle.bad(e, puzzle.gaps[e]):
            terms = [
                factor * sign * value
                for member, factor in members.items()
                for cell, sign in system.cells[member]
                if (value := puzzle.values[cell]) is not None
            ]
            left, right = sum(term for term in terms if term > 0), -sum(term for term in terms if term < 0)
            yield tuple(sorted(system.equations[member].code for member in members)), left, right
    cornered = puzzle.cornered()
    if cornered is not None:
        e, can, wanted = cornered
        yield (system.equations[e].code,), can, wanted


Changes = dict[int, int]  # cell → by how much it changes
Weights = dict[int, int]  # equation → factor


def invariants(puzzle: Puzzle) -> tuple[Weights, ...]:
    """Weighted sums of gaps that no change of a cell can alter: what fails can be mended only if they are all 0.

    Σ of the rows' gaps is Σ of the columns' gaps, for one. Empty where this cannot be told in whole numbers.
    """
    exact = tuple(e for e, sense in enumerate(puzzle.senses) if sense == EXACT)
    if len(puzzle.gaps) == len(puzzle.system.equations):
        return _invariants_of(puzzle.system, exact, puzzle.known)
    return _weights(exact, [own for own, value in zip(puzzle.touch, puzzle.values, strict=True) if value is not None])


@lru_cache(maxsize=64)
def _invariants_of(system: System, exact: tuple[int, ...], known: int) -> tuple[Weights, ...]:
    return _weights(exact, [own for cell, own in enumerate(system.touch) if known >> cell & 1])


def _weights(exact: tuple[int, ...], cells: Iterable[Sequence[tuple[int, int]]]) -> tuple[Weights, ...]:
    """All weights of the equations under which every cell cancels: each in terms of a few free ones."""
    terms: dict[int, dict[int, int]] = {e: {e: 1} for e in exact}
    for own in cells:
        total: dict[int, int] = {}
        for e, sign in own:
            for free, factor in terms.get(e, {}).items():
                total[free] = total.get(free, 0) + sign * factor
        total = {free: factor for free, factor in total.items() if factor}
        if not total:
            continue
        pivot = next((free for free, factor in total.items() if abs(factor) == 1), None)
        if pivot is None:
            return ()
        by = -total.pop(pivot)
        for mine in terms.values():
            if factor := mine.pop(pivot, 0):
                for free, other in total.items():
                    mine[free] = mine.get(free, 0) + factor * by * other
    frees = {free for mine in terms.values() for free, factor in mine.items() if factor}
    return tuple({e: mine[free] for e, mine in terms.items() if mine.get(free)} for free in sorted(frees))
