"""Helpers for the tests of the soft rules: one rule over one example."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from extractor.results import Finding
from extractor.rules.case import Case
from extractor.rules.catalogue import catalogue
from extractor.rules.engine import checks
from extractor.rules.examples import example_case

FAMILIES = ("plausibility", "years", "bodies")
RULES = [rule for rule in catalogue().values() if rule.family in FAMILIES]
D, N = "disclosure.", "disclosure.normative_documents."
FEES = "disclosure.fees.amount"
NEW = "requests.new_received.total"
OUT, IN = "requests.carried_out.total", "requests.carried_in.total"


def outcomes(code: str, example: Mapping[str, Any] | Case) -> list[Finding | None]:
    """The outcomes of one rule, None for a pass."""
    case = example if isinstance(example, Case) else example_case(example)
    return list(checks()[code](case))


def soft(case: Case) -> list[Finding]:
    """The findings of all rules of these families."""
    return [finding for rule in RULES for finding in outcomes(rule.code, case) if finding]


def one(code: str, **example: Any) -> Finding | None:
    """The one outcome that is no pass, None where there are passes only; an error where there is nothing."""
    found = outcomes(code, {"rest": 0, **example})
    assert found, "the rule did not apply"
    findings = [outcome for outcome in found if outcome is not None]
    assert len(findings) <= 1, [finding.rule for finding in findings]
    return findings[0] if findings else None


def applies(code: str, **example: Any) -> bool:
    return bool(outcomes(code, {"rest": 0, **example}))
