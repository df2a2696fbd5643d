"""The narrative against the tables: what is compared, what explains a difference, what is a contradiction."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import helpers as h
import pytest

from extractor.claims.claim import Claim
from extractor.results import Cell
from extractor.rules.engine import Outcomes, checks, validate
from extractor.rules.examples import example_case

NEW = "requests.new_received.total"
CELLS = {
    NEW: 20,
    "requests.carried_in.total": 5,
    "requests.total_processed.total": 22,
    "requests.carried_out.total": 3,
    "requests.granted.total": 12,
    "requests.granted_in_part.total": 4,
    "requests.denied.state_secret.total": 1,
    "requests.denied.internal_affairs.total": 2,
    "reconsideration.total": 2,
    "litigation_direct.total": 1,
    "litigation_after_reconsideration.total": 2,
    "disclosure.normative_documents.issued": 6,
    "disclosure.fees.amount": "3.05",
}


def judged(*claims: Claim, organization: str = "青禾县人民政府", **changes: Any) -> Outcomes:
    case = example_case({"rest": 0, "year": 2024, "organization": organization, "cells": {**CELLS, **changes}})
    case, outcomes = replace(case, claims=list(claims)), Outcomes()
    for code, function in checks().items():
        if code.startswith("narrative."):
            outcomes.take(function(case))
    return outcomes


def claim(field: str, value: int | str, **known: Any) -> Claim:
    amount: Any = Decimal(value) if isinstance(value, str) else value
    return Claim(
        **{"raw": str(value), "span": (0, 2), "year": 2024, "unit": "件", **known, "field": field, "value": amount}
    )


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(claim(NEW, 20), id="the cell"),
        pytest.param(claim(NEW, 25), id="new and carried in"),
        pytest.param(claim("requests.granted.total", 16), id="granted and granted in part"),
        pytest.param(claim("requests.total_processed.total", 20), id="processed said of the new ones"),
        pytest.param(claim(NEW, 22), id="received said of those processed"),
        pytest.param(claim("requests.denied.all.total", 3), id="a group's sub-rows"),
        pytest.param(claim("litigation.total", 3), id="both kinds of lawsuits"),
        pytest.param(claim(NEW, 20, raw="20余", about="about"), id="20余 of 20"),
        pytest.param(claim(NEW, 18, about="at_least"), id="more than 18"),
        pytest.param(claim(NEW, 30, about="at_most"), id="fewer than 30"),
        pytest.param(claim("disclosure.fees.amount", "30500", unit="元"), id="yuan for ten thousands"),
        pytest.param(claim("disclosure.fees.amount", "3.1", unit="万元"), id="rounded by the words"),
    ],
)
def test_what_agrees(said: Claim) -> None:
    outcomes = judged(said)
    assert outcomes.findings == []
    assert outcomes.passed == 1


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(claim(NEW, 21), id="requests"),
        pytest.param(claim(NEW, 0, raw="未收到"), id="none received"),
        pytest.param(claim(NEW, 40, about="at_least"), id="more than there are"),
        pytest.param(claim("requests.denied.all.total", 4), id="a group"),
        pytest.param(claim("reconsideration.total", 0, raw="未发生"), id="no reviews"),
        pytest.param(claim("litigation.total", 5), id="lawsuits"),
        pytest.param(claim("disclosure.normative_documents.issued", 5), id="documents"),
        pytest.param(claim("disclosure.fees.amount", "3.2", unit="万元"), id="another amount"),
        pytest.param(claim("disclosure.fees.amount", "3.05", unit="元"), id="the digits with another unit"),
    ],
)
def test_what_contradicts(said: Claim) -> None:
    outcomes = judged(said)
    (finding,) = outcomes.findings
    assert (finding.status, finding.severity) == ("fail", "warning")
    assert finding.evidence[0].span == said.span
    assert finding.left == said.value


@pytest.mark.parametrize(
    "said",
    [
        claim(NEW, 9, year=2023),
        claim(NEW, 9, year=None),
        claim(NEW, 9, scope="office"),
        claim(NEW, 9, scope="subordinates"),
        claim(NEW, 9, scope="other"),
        claim("requests.new_received.no_such", 9),
    ],
    ids=["last year", "several years", "the office", "the townships", "another body", "no such field"],
)
def test_what_is_not_compared(said: Claim) -> None:
    outcomes = judged(said)
    assert (outcomes.findings, outcomes.passed) == ([], 0)


def test_parts_by_channel_and_parts_of_a_number_given_in_full_are_no_contradiction() -> None:
    assert judged(claim(NEW, 12, span=(0, 2)), claim(NEW, 8, span=(9, 10))).findings == []
    assert judged(claim(NEW, 20, span=(0, 2)), claim(NEW, 12, span=(9, 11))).findings == []
    both = judged(claim(NEW, 12, span=(0, 2)), claim(NEW, 7, span=(9, 10)))
    assert len(both.findings) == 2


def test_the_regions_number_counts_only_where_nothing_else_is_said() -> None:
    region = claim(NEW, 300, scope="region")
    assert len(judged(region).findings) == 1
    assert judged(region, claim(NEW, 20)).findings == []
    assert judged(region, claim(NEW, 9, scope="office")).findings == []
    assert judged(region, organization="青禾县水利局").findings == []


def test_what_the_words_may_also_mean_must_have_a_number_before_it_is_called_wrong() -> None:
    assert judged(claim(NEW, 21), **{"requests.carried_in.total": None}).findings == []


def test_the_two_fees_confused_and_contradictory_statements() -> None:
    fee = claim("processing_fee.amount", "30500", unit="元")
    assert {f.rule for f in judged(fee).findings} == {"narrative.fees_confused"}
    nil = claim("processing_fee.amount", "0", raw="未收取", unit=None)
    assert {f.rule for f in judged(nil, claim("processing_fee.amount", "9", unit="元")).findings} == {
        "narrative.processing_fee"
    }


def test_blame_needs_a_proved_table() -> None:
    case = replace(example_case({"rest": 0, "year": 2024, "cells": CELLS}), claims=[claim(NEW, 21)])
    proved = replace(case, cells={NEW: Cell(NEW, 20, "reported", "20", (40, 42))}, verdicts={"requests": "verified"})
    for judged_case, blame in ((case, "undecided"), (proved, "source")):
        (finding,) = (f for f in validate(judged_case, soft_only=True).findings if f.rule.startswith("narrative"))
        assert finding.blame == blame
        assert finding.reason
    assert [e.of for e in finding.evidence] == ["narrative", NEW]
    assert finding.rule == f"narrative.{NEW}"


def test_a_report_that_contradicts_itself_gets_a_warning_with_both_places_and_keeps_its_verdict() -> None:
    text = h.report().replace("一、总体情况", "一、总体情况\n本年新收政府信息公开申请4711件。", 1)
    result = h.read(text)
    (finding,) = (f for f in result.findings if f.rule.startswith("narrative"))
    words, cell = finding.evidence
    assert (text[slice(*words.span)], text[slice(*cell.span)]) == ("4711", str(finding.right))
    assert h.verdicts(result) == h.verdicts(h.read(h.report()))
    agreed = text.replace("4711", str(finding.right))
    assert not any(f.rule.startswith("narrative") for f in h.read(agreed).findings)


def test_a_report_without_tables_still_gives_its_claims() -> None:
    text = (
        "青禾县水利局2023年政府信息公开工作年度报告\n\n一、总体情况\n2023年，本局新收政府信息公开申请12件，"
        "上年结转1件。\n三、收到和处理政府信息公开申请情况\n见上。\n"
    )
    result = h.read(text)
    assert (result.verdict, result.record) == ("failed", None)
    assert {(c.field, c.value) for c in result.claims} == {(NEW, 12), ("requests.carried_in.total", 1)}
