"""The equations choose, rows and columns together, among the readings that the text allows.

Input: for each row its candidate readings. Output: for each row those candidates that occur in at least one choice
for the whole table under which no equation is broken. One left: proved. Several left: ambiguous. None left: the
table breaks its own rules in print, and nothing is chosen.

The work is bounded: past the budget the answer is "undecided", never a guess.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import le, sub
from typing import NamedTuple

from extractor.reader.candidates import Candidate

NODES = 4_000
STATES = 60_000
_LANE = 44  # bits per column in a packed vector: seven counts of up to 12 digits, and room for carries


class VectorEquation(NamedTuple):
    """Σ left rows = Σ right rows, for every column."""

    left: tuple[str, ...]
    right: tuple[str, ...]


class Choice(NamedTuple):
    """What the equations leave: viable candidates by row; `solved` False where no choice satisfies them or the
    budget ran out (`why`)."""

    viable: dict[str, list[Candidate]]
    solved: bool
    why: str = ""


def choose(rows: dict[str, list[Candidate]], equations: tuple[VectorEquation, ...]) -> Choice:
    """The candidates of each row that the equations leave (rows not in `rows` are unknown, ≥ 0).

    Candidates that differ only in the place of a figure, not in any value, are one choice to the equations.
    """
    distinct = {key: list({c.values: c for c in candidates}.values()) for key, candidates in rows.items()}
    choice = _choose(distinct, equations)
    viable = {}
    for key, candidates in rows.items():
        left = {c.values for c in choice.viable[key]}
        viable[key] = [c for c in candidates if c.values in left]
    return Choice(viable, choice.solved, choice.why)


def _choose(rows: dict[str, list[Candidate]], equations: tuple[VectorEquation, ...]) -> Choice:
    if all(len(candidates) == 1 for candidates in rows.values()):
        return Choice(rows, True)
    pruned = _narrow(_table(rows), equations, every=True)
    if pruned is None:
        return Choice(rows, False, "contradiction")
    if all(len(candidates) == 1 for candidates in pruned.rows.values()):
        if holds(pruned.rows, equations):
            return Choice(pruned.rows, True)
        return Choice(rows, False, "contradiction")
    try:
        viable = _search(pruned, equations)
    except _Budget:
        return Choice(pruned.rows, False, "budget")
    if viable is None:
        return Choice(rows, False, "contradiction")
    return Choice(viable, True)


class _Budget(Exception):
    pass


# ---------------------------------------------------------------- bounds

_INFINITE = 10**15
_ROUNDS = 12
Bounds = tuple[tuple[int, ...], tuple[int, ...]]  # per column the least and the greatest value


class _Table(NamedTuple):
    """Rows with their candidates, the bounds these leave, and the rows whose last change has yet to be followed up."""

    rows: dict[str, list[Candidate]]
    bounds: dict[str, Bounds]
    changed: set[str]


def _bounds_of(candidates: list[Candidate]) -> Bounds:
    if len(candidates) == 1:
        values = candidates[0].values
        known = tuple([0 if v is None else int(v) for v in values])
        return known, known if None not in values else tuple([_INFINITE if v is None else int(v) for v in values])
    lows, highs = [], []
    for column in zip(*[c.values for c in candidates], strict=True):
        if None in column:
            lows.append(0)
            highs.append(_INFINITE)
        else:
            numbers = [int(v) for v in column if v is not None]
            lows.append(min(numbers))
            highs.append(max(numbers))
    return tuple(lows), tuple(highs)


def _table(rows: dict[str, list[Candidate]]) -> _Table:
    return _Table(rows, {key: _bounds_of(candidates) for key, candidates in rows.items()}, set())


def _narrow(table: _Table, equations: Sequence[VectorEquation], every: bool = False) -> _Table | None:
    """Drops candidates that no choice of the others can balance in some column; None if a row loses all.

    Only the equations of rows that changed are checked, unless `every` one has yet to be.
    """
    rows, bounds, changed = dict(table.rows), dict(table.bounds), table.changed
    width = len(next(iter(bounds.values()))[0])
    free = ((0,) * width, (_INFINITE,) * width)
    for _ in range(_ROUNDS):
        before, changed = changed, set()
        for equation in equations:
            due = every or _touches(equation, before) or _touches(equation, changed)
            if due and not _check(equation, rows, bounds, free, changed):
                return None
        every = False
        if not changed:
            break
    return _Table(rows, bounds, changed)


def _check(
    equation: VectorEquation,
    rows: dict[str, list[Candidate]],
    bounds: dict[str, Bounds],
    free: Bounds,
    changed: set[str],
) -> bool:
    """Narrows the rows of one equation in place; False where it cannot hold."""
    lows, highs = _difference(equation, bounds, free)
    if any(low > 0 for low in lows) or any(high < 0 for high in highs):
        return False
    for side, sign in ((equation.left, 1), (equation.right, -1)):
        for key in side:
            candidates = rows.get(key)
            if candidates is None or len(candidates) == 1:
                continue
            least, most = bounds[key]
            # What the row's value may be in each column for the difference of the sides to be able to be 0.
            if sign > 0:
                floors = [b - high for high, b in zip(highs, most, strict=True)]
                ceilings = [b - low for low, b in zip(lows, least, strict=True)]
            else:
                floors = [low + b for low, b in zip(lows, most, strict=True)]
                ceilings = [high + b for high, b in zip(highs, least, strict=True)]
            if all(map(le, floors, least)) and all(map(le, most, ceilings)):
                continue
            kept = [c for c in candidates if _within(c, floors, ceilings)]
            if not kept:
                return False
            if len(kept) < len(candidates):
                rows[key], bounds[key] = kept, _bounds_of(kept)
                changed.add(key)
                lows, highs = _difference(equation, bounds, free)
    return True


def _touches(equation: VectorEquation, keys: set[str]) -> bool:
    return bool(keys) and not (keys.isdisjoint(equation.left) and keys.isdisjoint(equation.right))


def _difference(equation: VectorEquation, bounds: dict[str, Bounds], free: Bounds) -> tuple[list[int], list[int]]:
    """Per column the least and the greatest that the left side may exceed the right by."""
    left_least, left_most = zip(*[bounds.get(key, free) for key in equation.left], strict=True)
    right_least, right_most = zip(*[bounds.get(key, free) for key in equation.right], strict=True)
    return _minus(left_least, right_most), _minus(left_most, right_least)


def _minus(left: Sequence[tuple[int, ...]], right: Sequence[tuple[int, ...]]) -> list[int]:
    """Column by column the sum of some rows less that of others."""
    return list(map(sub, map(sum, zip(*left, strict=True)), map(sum, zip(*right, strict=True))))


def _within(candidate: Candidate, floors: list[int], ceilings: list[int]) -> bool:
    return all(
        value is None or low <= value <= high
        for value, low, high in zip(candidate.values, floors, ceilings, strict=True)
    )


def holds(rows: dict[str, list[Candidate]], equations: tuple[VectorEquation, ...]) -> bool:
    """Whether the first candidates of all rows together break no equation."""
    first = {key: candidates[:1] for key, candidates in rows.items()}
    return _narrow(_table(first), equations, every=True) is not None


# ---------------------------------------------------------------- search


def _search(table: _Table, equations: tuple[VectorEquation, ...]) -> dict[str, list[Candidate]] | None:
    rows = table.rows
    open_rows = sorted((key for key in rows if len(rows[key]) > 1), key=lambda key: len(rows[key]))
    choices = 1
    for key in open_rows:
        choices *= len(rows[key])
    whole = all(None not in c.values for candidates in rows.values() for c in candidates)
    covered = all(key in rows for equation in equations for key in (*equation.left, *equation.right))
    if choices > 2_000 and whole and covered:
        return _meet(rows, equations)
    places = {key: {c.values: index for index, c in enumerate(rows[key])} for key in open_rows}
    alone = {key: {c.values: _bounds_of([c]) for c in rows[key]} for key in open_rows}
    found: dict[str, set[int]] = {key: set() for key in open_rows}
    budget = [NODES]

    def walk(current: _Table, index: int) -> None:
        budget[0] -= 1 + len(current.rows) // 4
        if budget[0] < 0:
            raise _Budget
        if index == len(open_rows):
            for key in open_rows:
                found[key].add(places[key][current.rows[key][0].values])
            return
        key = open_rows[index]
        for candidate in current.rows[key]:
            chosen = _Table(
                {**current.rows, key: [candidate]},
                {**current.bounds, key: alone[key][candidate.values]},
                {*current.changed, key} if len(current.rows[key]) > 1 else current.changed,
            )
            narrowed = _narrow(chosen, equations)
            if narrowed is not None:
                walk(narrowed, index + 1)

    walk(table, 0)
    if not all(found.values()):
        return None
    return {**rows, **{key: [rows[key][i] for i in sorted(found[key])] for key in open_rows}}


def _pack(values: tuple[object, ...]) -> int:
    packed = 0
    for value in values:
        packed = (packed << _LANE) | int(value)  # type: ignore[call-overload]
    return packed


def _meet(rows: dict[str, list[Candidate]], equations: tuple[VectorEquation, ...]) -> dict[str, list[Candidate]] | None:
    """Meet in the middle over packed vectors: exact also where the choices are too many to walk.

    Each equation is a sum of rows equal to a sum of rows; the equations share rows (the totals), whose choices are
    enumerated, so that what remains of each equation is a plain subset-sum of rows of its own.
    """
    uses: dict[str, int] = {}
    for equation in equations:
        for key in (*equation.left, *equation.right):
            uses[key] = uses.get(key, 0) + 1
    shared = [key for key in rows if uses.get(key, 0) > 1 and len(rows[key]) > 1]
    viable: dict[str, set[int]] = {key: set() for key in rows}
    size = 1
    for key in shared:
        size *= len(rows[key])
    if size > 400:
        raise _Budget
    for fixed in _assignments(shared, rows):
        parts: list[dict[str, set[int]]] = []
        for equation in equations:
            part = _one_equation(rows, equation, fixed)
            if part is None:
                break
            parts.append(part)
        else:
            for key, index in fixed.items():
                viable[key].add(index)
            for part in parts:
                for key, indexes in part.items():
                    viable[key] |= indexes
    for key, candidates in rows.items():
        if len(candidates) == 1 or key not in uses:
            viable[key] = set(range(len(candidates)))
    if not all(viable.values()):
        return None
    return {key: [rows[key][i] for i in sorted(viable[key])] for key in rows}


def _assignments(keys: list[str], rows: dict[str, list[Candidate]]) -> Iterator[dict[str, int]]:
    if not keys:
        yield {}
        return
    for rest in _assignments(keys[1:], rows):
        for index in range(len(rows[keys[0]])):
            yield {keys[0]: index, **rest}


def _one_equation(
    rows: dict[str, list[Candidate]], equation: VectorEquation, fixed: dict[str, int]
) -> dict[str, set[int]] | None:
    """The candidates of the equation's own rows that occur in some solution of it, or None if it has none."""
    target = 0
    terms: list[tuple[str, int, list[int]]] = []
    for side, sign in ((equation.left, 1), (equation.right, -1)):
        for key in side:
            if len(rows[key]) == 1 or key in fixed:
                target -= sign * _pack(rows[key][fixed.get(key, 0)].values)
            else:
                terms.append((key, sign, [_pack(c.values) for c in rows[key]]))
    if not terms:
        return {} if target == 0 else None
    terms.sort(key=lambda term: len(term[2]))
    sums: list[set[int]] = [{0}]
    middle = _middle(terms)
    for _, sign, packed in terms[:middle]:
        sums.append({s + sign * v for s in sums[-1] for v in packed})
        if len(sums[-1]) > STATES:
            raise _Budget
    rests: list[set[int]] = [{target}]
    for _, sign, packed in reversed(terms[middle:]):
        rests.append({r - sign * v for r in rests[-1] for v in packed})
        if len(rests[-1]) > STATES:
            raise _Budget
    meeting = sums[-1] & rests[-1]
    if not meeting:
        return None
    found: dict[str, set[int]] = {}
    alive = meeting
    for position in range(middle - 1, -1, -1):
        key, sign, packed = terms[position]
        before = sums[position]
        found[key] = {i for i, v in enumerate(packed) if any(a - sign * v in before for a in alive)}
        alive = {a - sign * v for a in alive for v in packed if a - sign * v in before}
    alive = meeting
    for position in range(middle, len(terms)):
        key, sign, packed = terms[position]
        after = rests[len(terms) - position - 1]
        found[key] = {i for i, v in enumerate(packed) if any(a + sign * v in after for a in alive)}
        alive = {a + sign * v for a in alive for v in packed if a + sign * v in after}
    return found


def _middle(terms: list[tuple[str, int, list[int]]]) -> int:
    total = 1
    for _, _, packed in terms:
        total *= len(packed)
    size = 1
    for index, (_, _, packed) in enumerate(terms):
        if size * size >= total:
            return index
        size *= len(packed)
    return len(terms)
