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


def _sign(equation: Equation, path: str) -> int:
    return (path in equation.left) - (path in equation.right)


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
    singles = []
    for path in cells:
        change = _single(values, path, rules)
        if change is not None:
            singles.append(Hypothesis((path,), _words(values, ((path, change),))))
    if singles:
        return tuple(singles[:MOST_SHOWN])
    pairs = []
    for first, second in combinations(cells[:MOST_CELLS], 2):
        changes = _pair(values, first, second, rules)
        if changes:
            pairs.append(Hypothesis((first, second), _words(values, changes)))
            if len(pairs) >= MOST_SHOWN:
                break
    return tuple(pairs)


def _single(values: Mapping[str, int | None], path: str, rules: Sequence[Equation]) -> int | None:
    change: int | None = None
    for equation in rules:
        sign, gap = _sign(equation, path), _gap(values, equation)
        if sign == 0:
            if gap and None not in [values.get(p) for p in equation.cells]:
                return None
            continue
        needed = gap * sign
        if change is None:
            change = needed
        elif change != needed:
            return None
    value = values[path] or 0
    return change if change and value + change >= 0 else None


def _pair(
    values: Mapping[str, int | None], first: str, second: str, rules: Sequence[Equation]
) -> tuple[tuple[str, int], tuple[str, int]] | None:
    """The changes of two cells that satisfy all rules, or None. Each rule is s1·x + s2·y = gap."""
    lines = {(_sign(e, first), _sign(e, second), _gap(values, e)) for e in rules}
    x = next((gap * a for a, b, gap in lines if a and not b), None)
    y = next((gap * b for a, b, gap in lines if b and not a), None)
    for a, b, gap in lines:
        if a and b:
            if x is None and y is not None:
                x = (gap - b * y) * a
            elif y is None and x is not None:
                y = (gap - a * x) * b
    if not x or not y:
        return None
    if any(a * x + b * y != gap for a, b, gap in lines):
        return None
    if (values[first] or 0) + x < 0 or (values[second] or 0) + y < 0:
        return None
    return (first, x), (second, y)


def _words(values: Mapping[str, int | None], changes: Sequence[tuple[str, int]]) -> str:
    parts = [f"{FORM.words(path)} {values[path]} → {(values[path] or 0) + change}" for path, change in changes]
    return "若改：" + "；".join(parts) + "，则全部勾稽关系成立"
