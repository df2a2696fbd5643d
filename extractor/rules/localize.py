"""Which change would explain the equations that fail together: explanations, never applied.

`localize` takes failures apart (those that share no cell are explained apart where that is possible) and names for
each group the smallest sets of cells whose change satisfies its equations and keeps the others (hypotheses.py), and
the misprints of many cells that are one act (misprints.py), likely ones first and in words (phrases.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from extractor.form import Equation
from extractor.results import Hypothesis, Value
from extractor.rules.hypotheses import MOST_CHANGED, least, smallest
from extractor.rules.misprints import Found, Kind, acts, of_cells
from extractor.rules.phrases import bound_of, in_words, rank
from extractor.rules.puzzle import Changes, Puzzle, invariants, system_of

MOST_SHOWN: Final = 12
MOST_SUSPECTS: Final = 48
MOST_VERIFIED: Final = 60


@dataclass(frozen=True, slots=True)
class Reason:
    """One explanation. `changes`: cells with the values that would satisfy everything; `bounds` says of each value
    whether it is exact (`=`) or, cells without a number being in the way, the most (`≤`) or the least (`≥`)."""

    kind: Kind
    changes: tuple[tuple[str, int], ...]
    bounds: tuple[str, ...]
    text: str
    text_en: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells that would change."""
        return tuple(path for path, _ in self.changes)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Equations that fail together (`rules`: their codes) and what would explain all of them, likely ones first.

    `suspects`: the cells of all explanations found, up to MOST_SUSPECTS; `reasons`: the first MOST_SHOWN of these.
    Both are empty where no small set of cells explains the failures.
    """

    rules: tuple[str, ...]
    suspects: tuple[str, ...]
    reasons: tuple[Reason, ...]

    @property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """The reasons as a finding has them."""
        return tuple(Hypothesis(reason.cells, reason.text, reason.text_en) for reason in self.reasons)


def localize(
    values: Mapping[str, Value | None], failing: Sequence[Equation], others: Iterable[Equation]
) -> list[Explanation]:
    """An explanation per group of equations that fail together; every failing equation is in exactly one.

    `others`: all equations that do not fail, also those that lack an operand.
    """
    if not failing:
        return []
    codes = {rule.code for rule in failing}
    rules = [*failing, *(rule for rule in others if rule.code not in codes)]
    system = system_of(tuple(sorted(rules, key=lambda rule: rule.code)))
    puzzle = Puzzle(system, values)
    given = {e for e, rule in enumerate(system.equations) if rule.code in codes}
    explanations = []
    for table in _tables(puzzle, given):
        for group, found in _of_table(puzzle, table):
            named = tuple(system.equations[e].code for e in group if e in given)
            if named:
                explanations.append(_explanation(puzzle, named, found))
    return explanations


def _explanation(puzzle: Puzzle, rules: tuple[str, ...], found: list[Found]) -> Explanation:
    found = sorted(found, key=lambda one: rank(puzzle, one))
    told = found
    if None in puzzle.values:
        told = [one for one in found[:MOST_VERIFIED] if _stands(puzzle, one)]
        found = told or found  # cells to look at there are, though no change of them is sure to mend everything
    paths = puzzle.system.paths
    suspects = dict.fromkeys(paths[cell] for one in found for cell in one.changes)
    reasons = []
    for one in told[:MOST_SHOWN]:
        changes = tuple((paths[cell], (puzzle.values[cell] or 0) + by) for cell, by in one.changes.items())
        bounds = tuple(bound_of(puzzle, cell, by) for cell, by in one.changes.items())
        reasons.append(Reason(one.kind, changes, bounds, *in_words(puzzle, one)))
    return Explanation(rules, tuple(suspects)[:MOST_SUSPECTS], tuple(reasons))


def _stands(puzzle: Puzzle, one: Found) -> bool:
    """Whether no equation of the changed cells, nor what these imply together, is ruled out after the change.

    Unknown cells bind equations to one another beyond those that fail: a set is not shown on the ground of these alone.
    """
    paths, system = puzzle.system.paths, puzzle.system
    before = {e for e, gap in enumerate(puzzle.gaps) if puzzle.bad(e, gap)}
    record: dict[str, Value | None] = dict(zip(paths, puzzle.values, strict=True))
    for cell, by in one.changes.items():
        record[paths[cell]] = (puzzle.values[cell] or 0) + by
    after = Puzzle(system, record)
    broken = {e for e, gap in enumerate(after.gaps) if after.bad(e, gap)}
    if broken - before or len(broken) >= len(before):
        return False
    return bool(broken) or after.cornered() is None


# ---------------------------------------------------------------- groups of failures

Group = list[int]


def _tables(puzzle: Puzzle, given: set[int]) -> list[Group]:
    """What fails, apart by what it is about: table 3, each block of table 4."""
    tables: dict[str, Group] = {}
    for e, gap in enumerate(puzzle.gaps):
        mask = puzzle.masks[e]
        if mask and (e in given or puzzle.bad(e, gap)):
            first = puzzle.system.paths[(mask & -mask).bit_length() - 1]
            tables.setdefault(first.partition(".")[0], []).append(e)
    return list(tables.values())


def _connected(numbers: Sequence[int], joined: Callable[[int, int], object]) -> list[Group]:
    groups: list[Group] = []
    for number in numbers:
        near = [group for group in groups if any(joined(number, other) for other in group)]
        groups = [group for group in groups if group not in near]
        groups.append(sorted([number, *(other for group in near for other in group)]))
    return sorted(groups)


def _of_table(puzzle: Puzzle, numbers: Group) -> Iterator[tuple[Group, list[Found]]]:
    """Groups of failing equations with what explains them. Groups that share no cell are explained apart, but for
    those that cannot be, which may come of one misprint."""
    masks = puzzle.masks
    groups = _connected(numbers, lambda a, b: masks[a] & masks[b])
    if len(groups) > 1:
        groups = _mendable(puzzle, groups)
    found = [(group, _sets(puzzle, group, 1)) for group in groups]
    if None in puzzle.values or not all(reasons for _, reasons in found):
        whole = list(acts(puzzle)) if len(numbers) > 1 else []
        for act in whole:  # what one act explains is one
            touched = {e for cell in act.changes for e, _ in puzzle.touch[cell]}
            groups = _joined(groups, [group for group in groups if touched.issuperset(group)])
        found = [(group, _explained(puzzle, group, whole)) for group in groups]
    if len(groups) > 1:
        sizes = [min((len(one.changes) for one in reasons), default=99) for _, reasons in found]
        sets = _sets(puzzle, numbers, sum(sizes)) if sum(sizes) <= MOST_CHANGED else []
        if any(_hangs_together(puzzle, one.changes) for one in sets):
            found = [(numbers, sets)]
    yield from found


def _joined(groups: list[Group], some: list[Group]) -> list[Group]:
    """The groups with some of them made one."""
    if len(some) < 2:
        return groups
    return sorted([*(group for group in groups if group not in some), sorted(e for group in some for e in group)])


def _mendable(puzzle: Puzzle, groups: list[Group]) -> list[Group]:
    """Joins groups that no change can mend while the others stay as they are (`invariants`): those that cancel each
    other, then all that are left."""
    weights = invariants(puzzle)
    sums = {
        tuple(group): tuple(sum(own.get(e, 0) * puzzle.gaps[e] for e in group) for own in weights) for group in groups
    }
    stuck = [group for group in groups if any(sums[tuple(group)])]
    pairs = _connected(
        range(len(stuck)),
        lambda a, b: all(x + y == 0 for x, y in zip(sums[tuple(stuck[a])], sums[tuple(stuck[b])], strict=True)),
    )
    rest = []
    for pair in pairs:
        together = [stuck[number] for number in pair]
        if any(map(sum, zip(*(sums[tuple(group)] for group in together), strict=True))):
            rest += together
        else:
            groups = _joined(groups, together)
    return _joined(groups, rest)


def _hangs_together(puzzle: Puzzle, changes: Changes) -> bool:
    """Whether equations connect the changed cells: no two explanations side by side."""
    touch = {cell: {e for e, _ in puzzle.touch[cell]} for cell in changes}
    return len(_connected(list(changes), lambda a, b: touch[a] & touch[b])) == 1


def _explained(puzzle: Puzzle, group: Group, whole: Sequence[Found]) -> list[Found]:
    """The smallest sets for a group, and the acts that explain all of it."""
    bad = {e for e in group if puzzle.bad(e, puzzle.gaps[e])}
    own = {e for e in bad if e < len(puzzle.system.equations)}
    fitting = [act for act in whole if own and own <= {e for cell in act.changes for e, _ in puzzle.touch[cell]}]
    if fitting and least(puzzle, list(bad)) > MOST_CHANGED:
        return fitting
    sets = _sets(puzzle, group, MOST_CHANGED)
    if sets and sets[0].size == 1:
        fitting = [act for act in fitting if act.kind != "rows"]
    known = [act.changes for act in fitting]
    return [*fitting, *(one for one in sets if one.changes not in known)]


def _sets(puzzle: Puzzle, group: Group, most: int) -> list[Found]:
    bad = [e for e in group if puzzle.bad(e, puzzle.gaps[e])]
    return [of_cells(puzzle, changes) for changes in smallest(puzzle, bad, most)] if bad else []
