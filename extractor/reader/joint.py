"""The equations choose, rows and columns together, among the readings that the text allows.

Input: for each row its candidate readings. Output: for each row those candidates that occur in at least one choice
for the whole table under which no equation is broken. One left: proved. Several left: ambiguous. None left: the
table breaks its own rules in print, and nothing is chosen.

The work is bounded: past the budget the answer is "undecided", never a guess.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    pruned = _prune(rows, equations)
    if pruned is None:
        return Choice(rows, False, "contradiction")
    if all(len(candidates) == 1 for candidates in pruned.values()):
        if holds(pruned, equations):
            return Choice(pruned, True)
        return Choice(rows, False, "contradiction")
    try:
        viable = _search(pruned, equations)
    except _Budget:
        return Choice(pruned, False, "budget")
    if viable is None:
        return Choice(rows, False, "contradiction")
    return Choice(viable, True)


class _Budget(Exception):
    pass


# ---------------------------------------------------------------- bounds

_INFINITE = 10**15
Bounds = dict[str, tuple[tuple[int, int], ...]]


def _bounds_of(candidates: list[Candidate], width: int) -> tuple[tuple[int, int], ...]:
    out = []
    for column in range(width):
        values = [c.values[column] for c in candidates]
        if None in values:
            known = [int(v) for v in values if v is not None]
            out.append((0 if None in values else min(known), _INFINITE))
        else:
            numbers = [int(v) for v in values if v is not None]
            out.append((min(numbers), max(numbers)))
    return tuple(out)


def _prune(
    rows: dict[str, list[Candidate]], equations: tuple[VectorEquation, ...]
) -> dict[str, list[Candidate]] | None:
    """Drops candidates that no choice of the others can balance in some column; None if a row loses all."""
    rows = dict(rows)
    width = len(next(iter(rows.values()))[0].values)
    bounds = {key: _bounds_of(candidates, width) for key, candidates in rows.items()}
    free = tuple((0, _INFINITE) for _ in range(width))
    for _ in range(12):
        changed = False
        for equation in equations:
            left = [bounds.get(key, free) for key in equation.left]
            right = [bounds.get(key, free) for key in equation.right]
            for column in range(width):
                low = sum(b[column][0] for b in left) - sum(b[column][1] for b in right)
                high = sum(b[column][1] for b in left) - sum(b[column][0] for b in right)
                if low > 0 or high < 0:
                    return None
            for side, sign in ((equation.left, 1), (equation.right, -1)):
                for key in side:
                    if key not in rows or len(rows[key]) == 1:
                        continue
                    kept = [c for c in rows[key] if _possible(c, key, sign, equation, bounds, free, width)]
                    if not kept:
                        return None
                    if len(kept) < len(rows[key]):
                        rows[key] = kept
                        bounds[key] = _bounds_of(kept, width)
                        changed = True
        if not changed:
            break
    return rows


def _possible(
    candidate: Candidate,
    key: str,
    sign: int,
    equation: VectorEquation,
    bounds: Bounds,
    free: tuple[tuple[int, int], ...],
    width: int,
) -> bool:
    for column in range(width):
        value = candidate.values[column]
        if value is None:
            continue
        low = high = sign * int(value)
        for other in equation.left:
            if other != key:
                b = bounds.get(other, free)[column]
                low, high = low + b[0], high + b[1]
        for other in equation.right:
            if other != key:
                b = bounds.get(other, free)[column]
                low, high = low - b[1], high - b[0]
        if low > 0 or high < 0:
            return False
    return True


def holds(rows: dict[str, list[Candidate]], equations: tuple[VectorEquation, ...]) -> bool:
    """Whether the first candidates of all rows together break no equation."""
    return _prune({key: candidates[:1] for key, candidates in rows.items()}, equations) is not None


# ---------------------------------------------------------------- search


def _search(
    rows: dict[str, list[Candidate]], equations: tuple[VectorEquation, ...]
) -> dict[str, list[Candidate]] | None:
    open_rows = sorted((key for key in rows if len(rows[key]) > 1), key=lambda key: len(rows[key]))
    choices = 1
    for key in open_rows:
        choices *= len(rows[key])
    whole = all(None not in c.values for candidates in rows.values() for c in candidates)
    covered = all(key in rows for equation in equations for key in (*equation.left, *equation.right))
    if choices > 2_000 and whole and covered:
        return _meet(rows, equations)
    found: dict[str, set[int]] = {key: set() for key in open_rows}
    budget = [NODES]

    def walk(current: dict[str, list[Candidate]], index: int) -> None:
        budget[0] -= 1 + len(current) // 4
        if budget[0] < 0:
            raise _Budget
        if index == len(open_rows):
            for key in open_rows:
                found[key].add(rows[key].index(current[key][0]))
            return
        key = open_rows[index]
        for candidate in current[key]:
            narrowed = _prune({**current, key: [candidate]}, equations)
            if narrowed is not None:
                walk(narrowed, index + 1)

    walk(rows, 0)
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
