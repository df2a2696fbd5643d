"""The form's equations as findings: pass, fail, not assessable (FORM, "Cross-check rules")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from extractor.form import FORM, Equation
from extractor.results import Blame, Finding
from extractor.rules.localize import explain


def check_equations(
    values: Mapping[str, int | None], rules: Iterable[Equation], blame: Blame = "undecided"
) -> list[Finding]:
    """One finding for each equation that fails or lacks an operand; nothing for those that hold.

    An equation with unknown operands fails where its known ones already rule it out (counts are ≥ 0).
    """
    failing: list[Equation] = []
    holding: list[Equation] = []
    findings: list[Finding] = []
    for equation in rules:
        left, right, missing = _sides(values, equation)
        if _impossible(equation, left, right, missing):
            failing.append(equation)
            findings.append(_fail(equation, left, right, missing, blame))
        elif missing:
            findings.append(_not_assessable(equation, missing))
        else:
            holding.append(equation)
    if failing:
        hypotheses = explain(values, failing, holding)
        suspects = tuple(dict.fromkeys(cell for h in hypotheses for cell in h.cells))
        for finding in findings:
            if finding.status == "fail":
                finding.hypotheses, finding.suspects = hypotheses, suspects
    return findings


def _sides(values: Mapping[str, int | None], equation: Equation) -> tuple[int, int, tuple[str, ...]]:
    """What is known of either side, and the cells that are not."""
    left = [values.get(path) for path in equation.left]
    right = [values.get(path) for path in equation.right]
    if None not in left and None not in right:
        return sum(left), sum(right), ()  # type: ignore[arg-type]
    missing = tuple(path for path, v in zip(equation.cells, (*left, *right), strict=True) if v is None)
    return sum(v for v in left if v is not None), sum(v for v in right if v is not None), missing


def _impossible(equation: Equation, left: int, right: int, missing: tuple[str, ...]) -> bool:
    if not missing:
        return left != right
    open_left = any(path in missing for path in equation.left)
    open_right = any(path in missing for path in equation.right)
    return (left > right and not open_right) or (right > left and not open_left)


def _fail(equation: Equation, left: int, right: int, missing: tuple[str, ...], blame: Blame) -> Finding:
    partly = f"（其中 {len(missing)} 格无数）" if missing else ""
    return Finding(
        rule=equation.code,
        status="fail",
        severity="error",
        left=left,
        right=right,
        cells=equation.cells,
        blame=blame,
        message=f"{_where(equation)}：{equation.words}；左边 {left}，右边 {right}{partly}",
    )


def _not_assessable(equation: Equation, missing: tuple[str, ...]) -> Finding:
    names = "、".join(FORM.words(path) for path in missing[:3])
    more = f"等 {len(missing)} 格" if len(missing) > 3 else ""
    return Finding(
        rule=equation.code,
        status="not_assessable",
        severity="info",
        cells=equation.cells,
        message=f"{_where(equation)}：缺 {names}{more}，无法核对",
    )


def _where(equation: Equation) -> str:
    """Where the equation stands, in the form's words: its row, its column or its block."""
    words = FORM.words(equation.right[0])
    kind, _, _name = equation.code.rpartition(".")
    if kind.startswith("requests.applicants") or ".applicants." in equation.code:
        return words.rsplit(" · ", 1)[0]
    if equation.code.endswith(".sum"):
        return words.rsplit(" · ", 1)[0]
    return f"{words.rsplit(' · ', 1)[-1]}列"
