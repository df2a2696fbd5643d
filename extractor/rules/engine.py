"""Runs the rules over a case and collects every outcome: pass, fail, not assessable.

A rule is a small function under its public code (`@check`) that yields one outcome for each thing it is applied to:
`PASS`, or a finding. One that does not apply yields nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from extractor.results import Blame, Evidence, Finding, Value, plain
from extractor.rules.case import Case
from extractor.rules.catalogue import catalogue

PASS: Final = None
Outcome = Finding | None
Check = Callable[[Case], Iterable[Outcome]]

_CHECKS: dict[str, Check] = {}


def check(code: str) -> Callable[[Check], Check]:
    """Registers the function of the rule `code` of the catalogue."""

    def register(function: Check) -> Check:
        if code in _CHECKS:
            raise ValueError(f"rule {code} is registered twice")
        _CHECKS[code] = function
        return function

    return register


@dataclass(slots=True)
class Outcomes:
    """What came of all rules: the findings, and how many outcomes were passes."""

    findings: list[Finding] = field(default_factory=list)
    passed: int = 0

    @property
    def failed(self) -> int:
        """How many findings are failures, of whatever severity."""
        return sum(finding.status == "fail" for finding in self.findings)

    @property
    def not_assessable(self) -> int:
        """How many outcomes lacked an operand."""
        return len(self.findings) - self.failed

    @property
    def broken(self) -> bool:
        """Whether a hard rule failed."""
        return any(finding.status == "fail" and finding.severity == "error" for finding in self.findings)

    def take(self, outcomes: Iterable[Outcome]) -> None:
        """Adds outcomes of a rule."""
        for outcome in outcomes:
            if outcome is None:
                self.passed += 1
            else:
                self.findings.append(outcome)


@lru_cache(maxsize=1)
def checks() -> dict[str, Check]:
    """The functions of all rules, in the order of the catalogue."""
    # Importing a module registers its rules.
    from extractor.rules import bodies, hard, narrative, plausibility, structure, years  # noqa: F401

    return {code: _CHECKS[code] for code in catalogue() if code in _CHECKS}


def validate(case: Case, *, soft_only: bool = False) -> Outcomes:
    """Every rule's outcomes. `soft_only` leaves out the hard ones (the pipeline has judged them table by table)."""
    from extractor.rules.hard import equation_outcomes

    outcomes = Outcomes()
    if not soft_only:
        outcomes.findings, outcomes.passed = equation_outcomes(case)
    rules = catalogue()
    for code, function in checks().items():
        if not (soft_only and rules[code].severity == "error"):
            outcomes.take(function(case))
    return outcomes


def fail(
    code: str,
    cells: Iterable[str] = (),
    *,
    of: str = "",
    left: Value | None = None,
    right: Value | None = None,
    suspects: Iterable[str] = (),
    evidence: Iterable[Evidence] = (),
    blame: Blame = "undecided",
    reason: str = "",
    **words: Any,
) -> Finding:
    """A failure of the rule `code`, in the catalogue's words; `of` names what it was applied to."""
    return _finding("fail", code, cells, of, left, right, suspects, evidence, blame, reason, words)


def not_assessable(code: str, cells: Iterable[str], *, of: str = "", **words: Any) -> Finding:
    """The rule could not be assessed; `missing` in words says which operand is not there."""
    finding = _finding("not_assessable", code, cells, of, None, None, (), (), "undecided", "", words)
    missing = words.get("missing", "")
    rule = catalogue()[code]
    finding.severity = "info"
    finding.missing = tuple(words.get("lacking", ()))
    finding.message = f"{rule.zh.partition('。')[0]}：缺 {missing}，无法核对"
    finding.message_en = f"{rule.code}: {words.get('missing_en') or missing} is not there, so it cannot be assessed"
    return finding


def _finding(
    status: Any,
    code: str,
    cells: Iterable[str],
    of: str,
    left: Value | None,
    right: Value | None,
    suspects: Iterable[str],
    evidence: Iterable[Evidence],
    blame: Blame,
    reason: str,
    words: dict[str, Any],
) -> Finding:
    rule = catalogue()[code]
    known = {"left": _shown(left), "right": _shown(right), "of": of, **words}
    return Finding(
        rule=f"{code}.{of}" if of else code,
        status=status,
        severity=rule.severity,
        message=rule.says_zh.format_map(known) if status == "fail" else "",
        message_en=rule.says_en.format_map(known) if status == "fail" else "",
        cells=tuple(cells),
        left=left,
        right=right,
        suspects=tuple(suspects),
        evidence=tuple(evidence),
        blame=blame,
        reason=reason,
    )


def _shown(value: Value | None) -> str:
    return "" if value is None else str(plain(value))
