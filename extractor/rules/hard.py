"""The hard rules: the form's equations and what a count may be (FORM, "Cross-check rules")."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

from extractor.form import FORM, Equation, equations
from extractor.form.derive import derive
from extractor.results import Finding, Value, plain
from extractor.rules.case import Case
from extractor.rules.engine import PASS, Outcome, check, fail
from extractor.rules.localize import localize
from extractor.rules.measures import TOO_BIG
from extractor.rules.puzzle import together

Values = Mapping[str, Value | None]


def equations_of(case: Case) -> tuple[Equation, ...]:
    """The equations of the record as it is printed: 42 in the 2021 form with all sub-rows."""
    return equations(case.printed_groups, case.without_sub_rows)


def equation_outcomes(case: Case) -> tuple[list[Finding], int]:
    """The findings of all equations of a case, and how many hold."""
    return judge(case.values, equations_of(case))


def check_equations(
    values: Mapping[str, int | None], rules: Iterable[Equation], suspects: bool = True
) -> list[Finding]:
    """One finding for each equation that fails or lacks an operand; nothing for those that hold.

    An equation with unknown operands fails where its known ones, or what the other equations make of the unknown
    ones, already rule it out (counts are ≥ 0). `suspects`: whether to look for the cells that would explain it. Who is
    to blame is another question (rules/blame.py).
    """
    return judge(values, tuple(rules), suspects)[0]


def judge(values: Values, rules: tuple[Equation, ...], suspects: bool = True) -> tuple[list[Finding], int]:
    """As `check_equations`, with the number of equations that hold."""
    holding: list[Equation] = []
    open_: list[_Sides] = []
    for equation, left_of, right_of in _compiled(rules):
        try:
            if sum(left_of(values)) == sum(right_of(values)):
                holding.append(equation)
                continue
        except (TypeError, KeyError):
            pass
        open_.append(_sides(values, equation))
    if not open_:
        return [], len(holding)
    failing = [sides for sides in open_ if sides.impossible]
    waiting = [sides for sides in open_ if not sides.impossible]
    if waiting:
        failing += _contradicted(values, rules, waiting)
    found = {id(sides.equation): _fail(sides) for sides in failing}
    if failing and suspects:
        known = {sides.equation.code: sides.equation for sides in failing}
        others = [equation for equation in rules if equation.code not in known]
        for explanation in localize(values, list(known.values()), others):
            for code in explanation.rules:
                finding = found[id(known[code])]
                finding.hypotheses, finding.suspects = explanation.hypotheses, explanation.suspects
    findings = [found.get(id(sides.equation)) or _not_assessable(sides) for sides in open_]
    return findings, len(holding)


Getter = Callable[[Values], tuple[Any, ...]]


@lru_cache(maxsize=512)
def _compiled(rules: tuple[Equation, ...]) -> tuple[tuple[Equation, Getter, Getter], ...]:
    return tuple((rule, _getter(rule.left), _getter(rule.right)) for rule in rules)


def _getter(paths: tuple[str, ...]) -> Getter:
    if len(paths) == 1:  # itemgetter of one key gives no tuple
        path = paths[0]
        return lambda values: (values[path],)
    return itemgetter(*paths)


@dataclass(slots=True)
class _Sides:
    """What is known of both sides of an equation; `derived` cells have their value from other equations."""

    equation: Equation
    left: int
    right: int
    missing: tuple[str, ...]
    derived: int = 0
    others: tuple[str, ...] = ()  # equations that rule it out only together with it
    cornered: bool = False  # the sides are the nearest sum that its unknown cells can have, and the one it asks for

    @property
    def impossible(self) -> bool:
        if not self.missing:
            return self.left != self.right
        open_left = any(path in self.missing for path in self.equation.left)
        open_right = any(path in self.missing for path in self.equation.right)
        return (self.left > self.right and not open_right) or (self.right > self.left and not open_left)


def _sides(values: Values, equation: Equation) -> _Sides:
    left = [_count(values.get(path)) for path in equation.left]
    right = [_count(values.get(path)) for path in equation.right]
    missing = tuple(path for path, v in zip(equation.cells, (*left, *right), strict=True) if v is None)
    return _Sides(equation, sum(v for v in left if v is not None), sum(v for v in right if v is not None), missing)


def _count(value: Value | None) -> int | None:
    return value if isinstance(value, int) else None


def _contradicted(values: Values, rules: tuple[Equation, ...], waiting: list[_Sides]) -> list[_Sides]:
    """Those of the waiting equations that others rule out: by the values that they leave for the unknown cells, or
    taken together with them."""
    counts = {path: _count(value) for path, value in values.items()}
    derived, impossible = derive(counts, rules)
    known: Values = {**counts, **{path: value for path, (value, _) in derived.items()}}
    contradicted = []
    for sides in waiting:
        if sides.equation.code not in impossible:
            continue
        filled = _sides(known, sides.equation)
        if filled.impossible:
            sides.left, sides.right = filled.left, filled.right
            sides.derived = len(sides.missing) - len(filled.missing)
            contradicted.append(sides)
    # Sums of equations in which the unknown cells cancel: a group's row stands in for sub-rows that are not all known.
    if contradicted or None not in known.values():
        return contradicted
    by_code = {sides.equation.code: sides for sides in waiting}
    for codes, left, right in together(rules, known):
        if any(sides.equation.code in codes for sides in contradicted):
            continue
        mine = next((by_code[code] for code in codes if code in by_code), None)
        if mine is not None:
            mine.left, mine.right = left, right
            mine.others = tuple(code for code in codes if code != mine.equation.code)
            mine.cornered = not mine.others
            contradicted.append(mine)
    return contradicted


def _fail(sides: _Sides) -> Finding:
    equation, left, right = sides.equation, sides.left, sides.right
    partly, partly_en = "", ""
    if sides.others:
        partly = f"（与 {'、'.join(sides.others[:4])} 合并，消去无数的格之后）"
        partly_en = f" (together with {', '.join(sides.others[:4])}, the cells without a number cancelled)"
    elif sides.cornered:
        partly = "（无数的格按其他勾稽关系所能取的最近之和，与此式所需之和）"
        partly_en = (
            " (the nearest sum that the other equations leave its cells without a number, and the one it asks for)"
        )
    elif sides.derived:
        partly = f"（其中 {sides.derived} 格由其他勾稽关系推得）"
        partly_en = f" ({sides.derived} of its cells as the other equations leave them)"
    elif sides.missing:
        partly = f"（其中 {len(sides.missing)} 格无数）"
        partly_en = f" ({len(sides.missing)} of its cells without a number)"
    return Finding(
        rule=equation.code,
        status="fail",
        severity="error",
        left=left,
        right=right,
        cells=equation.cells,
        message=f"{_where(equation)}：{equation.words}；左边 {left}，右边 {right}，相差 {abs(left - right)}{partly}",
        message_en=f"{equation.code}: the left side is {left}, the right side {right}, "
        f"{abs(left - right)} apart{partly_en}",
    )


def _not_assessable(sides: _Sides) -> Finding:
    equation, missing = sides.equation, sides.missing
    names = "、".join(FORM.words(path) for path in missing[:3])
    more = f"等 {len(missing)} 格" if len(missing) > 3 else ""
    return Finding(
        rule=equation.code,
        status="not_assessable",
        severity="info",
        cells=equation.cells,
        missing=missing,
        message=f"{_where(equation)}：缺 {names}{more}，无法核对",
        message_en=f"{equation.code}: {len(missing)} of its cells have no number ({', '.join(missing[:3])}"
        f"{', …' if len(missing) > 3 else ''}), so it cannot be assessed",
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


_SIGNED = frozenset(name for name, field in FORM.fields.items() if field.kind == "signed")


@check("record.count")
def whole_numbers(case: Case) -> Iterator[Outcome]:
    """Every count is a whole number ≥ 0 (2019 `change` may be negative); amounts are ≥ 0."""
    bad = False
    for path, value in case.values.items():
        if value is None or (0 <= value < TOO_BIG):
            continue
        if value < 0 and path.rpartition(".")[2] in _SIGNED and value > -TOO_BIG:
            continue
        bad = True
        shown = str(plain(value))
        yield fail(
            "record.count",
            (path,),
            of=path,
            left=value,
            suspects=(path,),
            where=FORM.words(path),
            shown=shown if len(shown) <= 40 else f"{shown[:20]}…（{len(shown)} 位）",
        )
    if not bad:
        yield PASS
