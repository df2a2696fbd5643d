"""Fills cells that print no number where the rules leave exactly one value (counts are whole and ≥ 0)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from extractor.form.equations import Equation


def derive(
    values: Mapping[str, int | None], equations: Iterable[Equation]
) -> tuple[dict[str, tuple[int, tuple[str, ...]]], set[str]]:
    """Derived values with the rules that leave them, and the codes of equations that cannot hold.

    One unknown cell in an equation is the difference of the others; unknown cells on one side whose sum must be 0
    are all 0. Repeated until nothing more follows.
    """
    known = dict(values)
    found: dict[str, tuple[int, tuple[str, ...]]] = {}
    impossible: set[str] = set()
    pending = list(equations)
    moved = True
    while moved:
        moved, waiting = False, []
        for equation in pending:
            left = [known.get(path) for path in equation.left]
            right = [known.get(path) for path in equation.right]
            if None not in left and None not in right:
                if sum(left) != sum(right):  # type: ignore[arg-type]
                    impossible.add(equation.code)
                continue
            unknown_left = [p for p, v in zip(equation.left, left, strict=True) if v is None]
            unknown_right = [p for p, v in zip(equation.right, right, strict=True) if v is None]
            rest = sum(v for v in right if v is not None) - sum(v for v in left if v is not None)
            if unknown_left and unknown_right:
                waiting.append(equation)
                continue
            unknown, rest = (unknown_left, rest) if unknown_left else (unknown_right, -rest)
            if rest < 0:
                impossible.add(equation.code)
            elif rest == 0 or len(unknown) == 1:
                for path in unknown:
                    known[path] = rest
                    found[path] = (rest, (equation.code,))
                moved = True
            else:
                waiting.append(equation)
        pending = waiting
    return found, impossible
