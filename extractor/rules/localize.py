"""Which change would explain the equations that fail together: the smallest sets of cells, never applied.

The idea is the error localisation of Fellegi and Holt: the fewest cells whose change satisfies every rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from extractor.form import FORM, Equation
from extractor.results import Hypothesis

MOST_CELLS = 120
MOST_SHOWN = 12


def _gap(values: Mapping[str, int | None], equation: Equation) -> int:
    """How much the right side exceeds the left."""
    return sum(values.get(p) or 0 for p in equation.right) - sum(values.get(p) or 0 for p in equation.left)


def explain(
    values: Mapping[str, int | None], failing: Sequence[Equation], holding: Sequence[Equation]
) -> tuple[Hypothesis, ...]:
    """Sets of one cell, else of two, whose change satisfies all failing equations and keeps the others."""
    cells = list(dict.fromkeys(p for e in failing for p in e.cells if values.get(p) is not None))
    if len(cells) > MOST_CELLS * 2:
        return ()
    rules = [*failing, *holding]
    gaps = [_gap(values, equation) for equation in rules]
    signs = _signs(cells, rules)
    off = {rule for rule, gap in enumerate(gaps) if gap}
    singles = []
    assessable = {rule for rule in off if all(values.get(p) is not None for p in rules[rule].cells)}
    for path in cells:
        change = _single(values[path] or 0, signs[path], gaps) if assessable <= signs[path].keys() else None
        if change is not None:
            singles.append(Hypothesis((path,), _words(values, ((path, change),))))
    if singles:
        return tuple(singles[:MOST_SHOWN])
    pairs = []
    reached = {path: off & signs[path].keys() for path in cells}
    for first, second in combinations(cells[:MOST_CELLS], 2):
        if len(reached[first]) + len(reached[second]) < len(off) or reached[first] | reached[second] != off:
            continue
        changes = _pair(values[first] or 0, values[second] or 0, signs[first], signs[second], gaps)
        if changes:
            named = tuple(zip((first, second), changes, strict=True))
            pairs.append(Hypothesis((first, second), _words(values, named)))
            if len(pairs) >= MOST_SHOWN:
                break
    return tuple(pairs)


Signs = dict[int, int]  # rule (its place in the list) → +1 or -1: on which of its sides the cell stands


def _signs(cells: Sequence[str], rules: Sequence[Equation]) -> dict[str, Signs]:
    """For each cell the rules that it stands in; a cell on both sides of a rule is none of its matter."""
    signs: dict[str, Signs] = {path: {} for path in cells}
    for rule, equation in enumerate(rules):
        left, right = set(equation.left), set(equation.right)
        for side, sign in ((left - right, 1), (right - left, -1)):
            for path in side:
                if path in signs:
                    signs[path][rule] = sign
    return signs


def _single(value: int, signs: Signs, gaps: Sequence[int]) -> int | None:
    """The change of one cell that satisfies all the rules it stands in, or None."""
    needed = {gaps[rule] * sign for rule, sign in signs.items()}
    change = needed.pop() if len(needed) == 1 else 0
    return change if change and value + change >= 0 else None


def _pair(
    first_value: int, second_value: int, first: Signs, second: Signs, gaps: Sequence[int]
) -> tuple[int, int] | None:
    """The changes of two cells that satisfy all the rules they stand in, or None. Each rule is s1·x + s2·y = gap."""
    lines = {(first.get(rule, 0), second.get(rule, 0), gaps[rule]) for rule in first.keys() | second.keys()}
    x = next((gap * a for a, b, gap in lines if a and not b), None)
    y = next((gap * b for a, b, gap in lines if b and not a), None)
    for a, b, gap in lines:
        if a and b:
            if x is None and y is not None:
                x = (gap - b * y) * a
            elif y is None and x is not None:
                y = (gap - a * x) * b
    if not x or not y or any(a * x + b * y != gap for a, b, gap in lines):
        return None
    return (x, y) if first_value + x >= 0 and second_value + y >= 0 else None


def _words(values: Mapping[str, int | None], changes: Sequence[tuple[str, int]]) -> str:
    parts = [f"{FORM.words(path)} {values[path]} → {(values[path] or 0) + change}" for path, change in changes]
    return "若改：" + "；".join(parts) + "，则全部勾稽关系成立"
