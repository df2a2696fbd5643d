"""Who is to blame for a broken equation: the report, our reading, or nobody can say; and the reason that is given."""

from __future__ import annotations

from typing import Any

import helpers as h
import pytest

from extractor.results import Blame, Cell, Finding
from extractor.rules.blame import NO_PAGE, OPEN, PROVED, blame_case, blame_of
from extractor.rules.case import Case

PATH = "requests.granted.total"


def cells(state: Any) -> dict[str, Cell]:
    return {PATH: Cell(PATH, 1, state)}


@pytest.mark.parametrize(
    ("proved", "doubts", "state", "blame", "reason"),
    [
        (True, (), "reported", "source", PROVED),
        (True, ("truncated",), "ambiguous", "source", PROVED),  # what is proved is not doubted again
        (False, (), "reported", "undecided", OPEN),
        (False, (), "ambiguous", "extraction", PATH),
        (False, (), "illegible", "extraction", PATH),
        (False, ("heads",), "ambiguous", "extraction", PATH),  # the cell is nearer than the table
        (False, ("order",), "reported", "extraction", "order"),
        (False, ("truncated",), "reported", "extraction", "the text ends inside the table"),
        (False, ("contradiction",), "reported", "undecided", OPEN),  # a doubt, but not about which number stands where
        (False, ("no_such_doubt",), "reported", "undecided", OPEN),
    ],
)
def test_blame_of(proved: bool, doubts: tuple[str, ...], state: str, blame: Blame, reason: str) -> None:
    found, why = blame_of(proved, doubts, (PATH,), cells(state))
    assert found == blame
    assert reason in why


def test_only_the_suspects_count() -> None:
    known = cells("reported") | {"requests.granted.business": Cell("requests.granted.business", None, "ambiguous")}
    assert blame_of(False, (), (PATH,), known)[0] == "undecided"
    assert blame_of(False, (), (PATH, "no.such.cell"), known)[0] == "undecided"


def test_a_bare_record_and_a_line_with_its_page() -> None:
    def finding() -> Finding:
        return Finding("requests.balance.total", "fail", "error", "", cells=(PATH,), suspects=(PATH,))

    bare, trusted, doubtful, passing = finding(), finding(), finding(), finding()
    passing.status = "not_assessable"
    blame_case(Case("2021", {}), [bare, passing], {})
    assert (bare.blame, bare.reason) == ("undecided", NO_PAGE)
    assert (passing.blame, passing.reason) == ("undecided", "")
    blame_case(Case("2021", {}, cells=cells("reported"), verdicts={"requests": "inconsistent"}), [trusted], {})
    assert (trusted.blame, trusted.reason) == ("source", PROVED)
    case = Case("2021", {}, cells=cells("reported"), verdicts={"requests": "needs_review"})
    blame_case(case, [doubtful], {"requests": ["order"], "disputes": ["truncated"]})
    assert doubtful.blame == "extraction"


def test_the_pipeline_blames_the_report_for_what_is_printed_and_proved() -> None:
    table = h.rows()
    table["granted"] = [*table["granted"][:-1], "99"]
    found = h.findings(h.read(h.report(h.tabs(table))))
    assert found["requests.applicants.granted"]["blame"] == "source"
    assert found["requests.applicants.granted"]["reason"] == PROVED
