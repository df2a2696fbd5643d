"""Hard rules as findings: what fails, what cannot be assessed, which cells are suspect."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import helpers as h
import pytest

from extractor.form import equations
from extractor.results import WORST_FIRST, Finding, document_verdict
from extractor.rules.hard import check_equations

TRUE: dict[str, int | None] = {path: int(v) for path, v in h.truth().items() if not path.startswith("disclosure.")}


def check(changes: dict[str, int | None]) -> dict[str, Finding]:
    assert changes.keys() <= TRUE.keys()
    return {finding.rule: finding for finding in check_equations({**TRUE, **changes}, equations())}


def failing(changes: dict[str, int | None]) -> set[str]:
    return {code for code, finding in check(changes).items() if finding.status == "fail"}


def test_a_true_record_has_no_findings() -> None:
    assert check({}) == {}


R = "requests."


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            {R + "granted.total": 10}, {"requests.applicants.granted", "requests.outcomes.total"}, id="a row's total"
        ),
        pytest.param(
            {R + "granted.business": 2}, {"requests.applicants.granted", "requests.outcomes.business"}, id="a cell"
        ),
        pytest.param(
            {R + "granted.business": 2, R + "granted.natural_person": 8},
            {"requests.outcomes.business", "requests.outcomes.natural_person"},
            id="the wrong column",
        ),
        pytest.param(
            {R + "carried_out.total": 3},
            {"requests.applicants.carried_out", "requests.balance.total"},
            id="carried out",
        ),
        pytest.param(
            {R + "total_processed.total": 23},
            {"requests.applicants.total_processed", "requests.balance.total", "requests.outcomes.total"},
            id="the total of totals",
        ),
        pytest.param({"reconsideration.total": 5}, {"reconsideration.sum"}, id="a block of table 4"),
        pytest.param({"litigation_direct.upheld": 0}, {"litigation_direct.sum"}, id="a cell of table 4"),
        pytest.param(
            {R + "granted.natural_person": 0, R + "granted_in_part.natural_person": 12},
            {
                "requests.applicants.granted",
                "requests.applicants.granted_in_part",
            },
            id="two rows exchanged",
        ),
    ],
)
def test_what_fails(changes: dict[str, int | None], expected: set[str]) -> None:
    found = check(changes)
    assert {code for code, f in found.items() if f.status == "fail"} == expected
    for finding in found.values():
        assert (finding.severity, finding.blame) == ("error", "undecided")
        assert finding.left != finding.right
        assert str(finding.left) in finding.message
        assert str(finding.right) in finding.message


def test_both_sides_and_all_operands_are_shown() -> None:
    finding = check({"reconsideration.total": 5})["reconsideration.sum"]
    assert (finding.left, finding.right) == (4, 5)
    assert set(finding.cells) == {f"reconsideration.{c}" for c in h.BLOCK_COLUMNS}
    assert "行政复议" in finding.message


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({R + "granted.business": None}, "not_assessable", id="one operand missing"),
        pytest.param({R + "granted.total": None}, "not_assessable", id="the total missing"),
        pytest.param({R + "granted.business": None, R + "granted.natural_person": 12}, "fail", id="already too much"),
        pytest.param({R + "granted.total": 12, R + "granted.business": None}, "fail", id="others leave another value"),
    ],
)
def test_missing_operands(changes: dict[str, int | None], status: str) -> None:
    finding = check(changes)["requests.applicants.granted"]
    assert finding.status == status
    if status == "not_assessable":
        assert (finding.severity, finding.left, finding.right) == ("info", None, None)
        assert "予以公开" in finding.message
        assert set(finding.missing) == {path for path, value in changes.items() if value is None}


@pytest.mark.parametrize(
    ("changes", "suspects"),
    [
        # The cell itself stands in both rules that fail; no other single cell does.
        ({R + "granted.business": 2}, {R + "granted.business"}),
        ({R + "granted.total": 10}, {R + "granted.total"}),
        # A block of table 4 has one rule: any of its cells may be the one.
        ({"reconsideration.total": 5}, {f"reconsideration.{c}" for c in h.BLOCK_COLUMNS}),
    ],
    ids=["cell", "total", "block"],
)
def test_suspects(changes: dict[str, int | None], suspects: set[str]) -> None:
    for finding in check(changes).values():
        assert set(finding.suspects) == suspects
        assert all(len(hypothesis.cells) == 1 for hypothesis in finding.hypotheses)
        assert set(finding.suspects) == {cell for hypothesis in finding.hypotheses for cell in hypothesis.cells}


@pytest.mark.parametrize("path", [*[p for p in TRUE if p.startswith(R)][::7], "reconsideration.pending"])
def test_the_changed_cell_is_always_a_suspect(path: str) -> None:
    found = check({path: (TRUE[path] or 0) + 3})
    assert found
    for finding in found.values():
        assert path in finding.suspects


def test_a_hypothesis_satisfies_every_rule() -> None:
    changes = {R + "granted.business": 2, R + "granted.natural_person": 8}
    (first, *_) = check(changes).values()
    assert frozenset({R + "granted.business", R + "granted.natural_person"}) in {
        frozenset(hypothesis.cells) for hypothesis in first.hypotheses
    }
    for hypothesis in first.hypotheses:
        assert len(hypothesis.cells) == 2
        assert satisfiable(hypothesis.cells, changes)


def holds(values: dict[str, int | None]) -> bool:
    return all(sum(values[p] or 0 for p in e.left) == sum(values[p] or 0 for p in e.right) for e in equations())


def satisfiable(cells: tuple[str, ...], changes: dict[str, int | None]) -> bool:
    """Whether other values of these two cells keep every rule, by trying all small ones."""
    first, second = cells
    return any(holds({**TRUE, **changes, first: a, second: b}) for a in range(26) for b in range(26))


def test_no_single_cell_is_shown_where_two_are_wrong() -> None:
    found = check({R + "granted.business": 2, R + "granted_in_part.natural_person": 4})
    assert found
    for finding in found.values():
        assert [hypothesis for hypothesis in finding.hypotheses if len(hypothesis.cells) == 1] == []


def test_findings_change_no_value() -> None:
    values = {**TRUE, "reconsideration.total": 5}
    before = dict(values)
    list(check_equations(values, equations()))
    assert values == before


def test_a_finding_is_json() -> None:
    out: dict[str, Any] = check({"reconsideration.total": 5})["reconsideration.sum"].to_json()
    assert set(out) == {
        "rule",
        "status",
        "severity",
        "left",
        "right",
        "cells",
        "suspects",
        "hypotheses",
        "blame",
        "reason",
        "message",
        "message_en",
        "evidence",
        "missing",
    }
    assert {frozenset(h) for h in out["hypotheses"]} == {frozenset({"cells", "text"})}


# ---------------------------------------------------------------- verdicts


@pytest.mark.parametrize(
    ("disclosure", "requests", "disputes", "expected"),
    [
        ("verified", "verified", "verified", "verified"),
        ("verified", "reconciled", "verified", "reconciled"),
        ("reconciled", "inconsistent", "verified", "inconsistent"),
        ("verified", "needs_review", "inconsistent", "needs_review"),
        ("verified", "verified", "failed", "needs_review"),
        ("failed", "inconsistent", "failed", "needs_review"),
        ("failed", "failed", "failed", "failed"),
    ],
)
def test_the_documents_verdict(disclosure: str, requests: str, disputes: str, expected: str) -> None:
    verdicts: Any = {"disclosure": disclosure, "requests": requests, "disputes": disputes}
    assert document_verdict(verdicts) == expected


@pytest.mark.parametrize(("worse", "better"), list(combinations(WORST_FIRST, 2)))
def test_the_worse_verdict_wins(worse: Any, better: Any) -> None:
    assert document_verdict({"disclosure": better, "requests": worse, "disputes": better}) == worse
