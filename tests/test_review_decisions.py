"""What a person's decisions mean: which are refused, what they make of cells, rules and verdicts."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from reviewing import REPORTS, Desk, cell_of, desk, faults, findings

from extractor.review.apply import reviewed
from extractor.review.decisions import OutdatedError, ReviewError, standing
from extractor.review.paper import Paper

OCR = "taling-2022-ocr-text.txt"  # `O` and `3 0` in table 2
RUN = "pingyang-2023-glued.txt"  # 31129 in table 2
WRONG_SUM = "changtang-2021-grid-row-sum-error.txt"
CUT_OFF = "luming-2023-cut-off.txt"  # no table 4
TWO = "heshu-two-years.txt"
PLAIN = "zhongyang-2024-tabs.txt"
O_CELL, SPACED_CELL = "disclosure.regulations.repealed", "disclosure.normative_documents.in_force"
NORMS = "disclosure.normative_documents"


def settle_ocr(on: Desk) -> Desk:
    on.decide("accept", path=O_CELL, span=on.span("O", "规章 | 0 | "))
    on.decide("accept", path=SPACED_CELL, span=on.span("3 0"))
    return on


def wrong_total(on: Desk) -> tuple[str, tuple[int, int]]:
    """A cell of table 3, and a number of the narrative that is not its own."""
    path = "requests.granted.natural_person"
    value = str(on.cell(path)["value"])
    other = next(n for n in ("2024", "2023") if n != value)
    return path, on.span(other)


@pytest.mark.parametrize("name", sorted(path.name for path in REPORTS.iterdir()))
def test_without_decisions_it_is_the_machines_line(name: str) -> None:
    """Also where every table is put together and judged anew."""
    from extractor.review.apply import _Review
    from extractor.review.decisions import Standing
    from extractor.review.taken import Taken

    on = desk(name)
    assert on.now.line == on.line
    if on.line["record"] is None:
        assert on.now.done
        return
    work = _Review(on.line, Taken(on.line, on.paper, Standing({}, {}, {})))
    work.changed = {"disclosure", "requests", "disputes"}
    assert json.loads(json.dumps(work.result().line)) == on.line


def test_choosing_candidates_settles_a_table() -> None:
    on = desk(OCR)
    assert on.line["verdicts"]["disclosure"] == "needs_review"
    assert not on.now.settled["disclosure"]
    now = settle_ocr(on).now
    assert now.verdicts == {"disclosure": "verified", "requests": "verified", "disputes": "verified"}
    assert now.done
    assert now.line["verdict"] == "verified"
    chosen = cell_of(now, SPACED_CELL)
    assert (chosen["value"], chosen["raw"], chosen["method"], chosen["state"]) == (30, "3 0", "human", "reported")
    assert now.line["record"]["disclosure"]["normative_documents"]["in_force"] == 30
    untouched = "disclosure.licensing.decisions"
    assert cell_of(now, untouched) == on.cell(untouched)
    assert list(faults(on, now)) == []


def test_the_machines_line_stays_as_it_was() -> None:
    on = desk(OCR)
    before = json.dumps(on.line)
    settle_ocr(on)
    assert on.now.line != on.line
    assert json.dumps(on.line) == before


def spans(on: Desk) -> dict[str, tuple[int, int]]:
    return {
        "two": on.span("7 | 0", "行政规范性文件 | "),
        "half": on.span("16", "行政处罚 | 3"),
        "group": on.span("048", "行政许可 | 2,"),
        "words": on.span("行政处罚"),
        "spaced": on.span("3 0"),
        "outside": (len(on.text) + 5, len(on.text) + 6),
        "empty": (5, 5),
        "backwards": (9, 5),
        "taken": on.span("O", "规章 | 0 | "),
        "elsewhere": on.span("2022"),
    }


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("correct", {"path": SPACED_CELL, "span": "two"}, "no_number"),
    ("correct", {"path": SPACED_CELL, "span": "half"}, "half_a_number"),
    ("correct", {"path": SPACED_CELL, "span": "group"}, "no_number"),
    ("correct", {"path": SPACED_CELL, "span": "words"}, "no_number"),
    ("correct", {"path": SPACED_CELL, "span": "outside"}, "outside"),
    ("correct", {"path": SPACED_CELL, "span": "empty"}, "outside"),
    ("correct", {"path": SPACED_CELL, "span": "backwards"}, "outside"),
    ("correct", {"path": SPACED_CELL, "span": "spaced", "value": "3"}, "other_value"),
    ("correct", {"path": SPACED_CELL, "span": "spaced", "value": "many"}, "other_value"),
    ("correct", {"path": SPACED_CELL, "span": "taken", "value": "0"}, "taken"),
    ("correct", {"path": "disclosure.licensing.decisions", "span": "spaced"}, "loose"),
    ("correct", {"path": SPACED_CELL}, "no_span"),
    ("correct", {"path": "requests.granted.everybody", "span": "spaced"}, "no_cell"),
    ("correct", {"path": SPACED_CELL, "span": "spaced", "table_key": "requests"}, "no_table"),
    ("correct", {"path": SPACED_CELL, "span": "spaced", "rule": "requests.balance.total"}, "not_for_this"),
    ("correct", {"path": SPACED_CELL, "span": "spaced", "unit": "元"}, "not_for_this"),
    ("correct", {"path": "disclosure.fees.amount", "span": "elsewhere", "unit": "亿元"}, "unit"),
    ("accept", {"path": SPACED_CELL}, "open_cell"),
    ("accept", {"path": SPACED_CELL, "span": "elsewhere"}, "no_candidate"),
    ("accept", {"table_key": "disclosure"}, "open_cells"),
    ("accept", {"table_key": "nothing"}, "no_table"),
    ("accept", {"path": "disclosure.licensing.decisions", "value": "2049"}, "other_value"),
    ("not_printed", {"path": SPACED_CELL, "span": "spaced"}, "not_for_this"),
    ("not_printed", {"table_key": "disclosure"}, "no_cell"),
    ("printed_so", {"rule": "requests.balance.total"}, "no_failure"),
    ("printed_so", {"rule": "structure.blank_cells.disclosure"}, "no_failure"),
    ("undo", {"undoes": 7}, "no_decision"),
    ("undo", {}, "no_decision"),
    ("correct", {"path": SPACED_CELL, "span": "spaced", "why": "x" * 2001}, "why"),
    ("correct", {"path": SPACED_CELL, "span": "spaced", "why": "\x00"}, "why"),
]


@pytest.mark.parametrize(
    ("action", "about", "code"), REFUSED, ids=[f"{a}-{c}-{i}" for i, (a, _, c) in enumerate(REFUSED)]
)
def test_what_is_refused(action: str, about: dict[str, Any], code: str) -> None:
    on = desk(OCR)
    on.decide("accept", path=O_CELL, span=on.span("O", "规章 | 0 | "))
    if "span" in about:
        about = about | {"span": spans(on)[about["span"]]}
    with pytest.raises(ReviewError) as refused:
        on.ask(action, **about)
    assert refused.value.code == code
    assert refused.value.hint


def test_nothing_can_be_decided_where_nothing_was_read() -> None:
    on = desk("yangliugou-2024-narrative-only.txt")
    with pytest.raises(ReviewError, match="Nothing was read"):
        on.ask("accept", table_key="requests")


def test_a_loose_number_needs_its_value_said() -> None:
    on = desk(OCR)
    path = "disclosure.licensing.decisions"
    now = on.decide("correct", path=path, span=on.span("3 0"), value="30")
    assert cell_of(now, path)["value"] == 30


def test_a_run_of_digits_is_cut_only_as_a_whole() -> None:
    on = desk(RUN)
    start = on.text.index("31129")
    with pytest.raises(ReviewError, match="part of a longer number"):
        on.ask("correct", path="disclosure.regulations.issued", span=(start, start + 1))
    on.decide("accept", path=f"{NORMS}.issued", span=(start, start + 1))
    on.decide("accept", path=f"{NORMS}.in_force", span=(start + 3, start + 5))
    now = on.decide("accept", path=f"{NORMS}.repealed", span=(start + 1, start + 2))
    assert findings(now, "disclosure") == ["disclosure.reading.cut"]
    assert now.verdicts["disclosure"] == "needs_review"
    now = on.decide("accept", table_key="disclosure")
    assert now.verdicts["disclosure"] == "needs_review", "a digit is left over, whoever accepts it"
    on.decide("undo", undoes=4)
    now = on.decide("accept", path=f"{NORMS}.repealed", span=(start + 1, start + 3))
    assert [cell_of(now, f"{NORMS}.{name}")["value"] for name in ("issued", "repealed", "in_force")] == [3, 11, 29]
    assert now.verdicts["disclosure"] == "verified"
    assert list(faults(on, now)) == []


@pytest.mark.parametrize("piece", ["2", "148"])
def test_a_group_of_a_number_is_half_of_it(piece: str) -> None:
    """Also where the machine left such a reading open: the other digits belong to no cell."""
    on = settle_ocr(desk(OCR))
    path = "disclosure.licensing.decisions"
    on = Desk(on.line, on.text.replace("2,048", "2,148"), decisions=on.decisions)
    start = on.text.index("2,148") + "2,148".index(piece)
    on.cell(path).update(state="ambiguous", value=None, raw=None, span=None, method=None, candidates=[int(piece)])
    now = on.decide("accept", path=path, span=(start, start + len(piece)))
    assert findings(now, "disclosure") == ["disclosure.reading.cut"]
    assert on.decide("accept", table_key="disclosure").verdicts["disclosure"] == "needs_review"


def test_half_of_a_spaced_number_asks_for_the_whole_table() -> None:
    on = desk(OCR)
    on.decide("accept", path=O_CELL, span=on.span("O", "规章 | 0 | "))
    now = on.decide("correct", path=SPACED_CELL, span=on.span("3", "行政规范性文件 | 7 | 0 | "))
    assert findings(now, "disclosure") == ["disclosure.reading.refuted", "disclosure.reading.cut"]
    assert on.decide("accept", table_key="disclosure").verdicts["disclosure"] == "verified"


def test_a_number_stands_for_one_cell() -> None:
    """Two cells that the machine mixed up can be put right, and in between the second is open, never doubled."""
    on = desk(PLAIN)
    one, two = "disclosure.licensing.decisions", "disclosure.penalties.decisions"
    first, second = on.cell(one), on.cell(two)
    assert first["value"] != second["value"]
    now = on.decide("correct", path=one, span=tuple(second["span"]))
    assert cell_of(now, one)["value"] == second["value"]
    other = cell_of(now, two)
    assert (other["state"], other["value"], other["candidates"]) == ("ambiguous", None, [second["value"]])
    assert now.verdicts["disclosure"] == "needs_review"
    assert not now.settled["disclosure"]
    with pytest.raises(ReviewError) as taken:
        on.ask("correct", path=two, span=tuple(second["span"]))
    assert taken.value.code == "taken"
    now = on.decide("correct", path=two, span=tuple(first["span"]))
    assert cell_of(now, two)["value"] == first["value"]
    assert findings(now, "disclosure") == ["disclosure.reading.refuted"], "what the machine held for proved was wrong"
    now = on.decide("accept", table_key="disclosure")
    assert now.verdicts["disclosure"] == "verified"
    assert list(faults(on, now)) == []


def test_an_undo_cannot_bring_two_cells_onto_one_number() -> None:
    on = desk(PLAIN)
    one, two = "disclosure.licensing.decisions", "disclosure.penalties.decisions"
    first, second = tuple(on.cell(one)["span"]), tuple(on.cell(two)["span"])
    on.decide("accept", path=one)
    on.decide("correct", path=one, span=second)
    on.decide("correct", path=two, span=first)
    with pytest.raises(ReviewError) as taken:
        on.ask("undo", undoes=2)
    assert taken.value.code == "taken"


def test_a_correction_that_breaks_a_rule_is_shown_and_not_repaired() -> None:
    on = desk(PLAIN)
    path, span = wrong_total(on)
    on.decide("correct", path=path, span=span)
    now = on.decide("accept", table_key="requests")
    assert cell_of(now, path)["value"] == int(on.text[slice(*span)])
    failing = {f["rule"]: f for f in now.line["findings"] if f["status"] == "fail" and f["severity"] == "error"}
    assert "requests.applicants.granted" in failing
    assert {f["blame"] for f in failing.values()} == {"undecided"}
    assert now.verdicts["requests"] == "needs_review"
    assert not now.settled["requests"]
    for rule in failing:
        now = on.decide("printed_so", rule=rule, why="checked against the scan")
    assert now.verdicts["requests"] == "inconsistent"
    assert now.settled["requests"]
    said = [f for f in now.line["findings"] if f["rule"] in failing]
    assert {f["blame"] for f in said} == {"source"}
    assert all("li" in f["reason"] for f in said)
    assert list(faults(on, now)) == []


def test_printed_so_falls_with_the_numbers_it_spoke_of() -> None:
    on = desk(PLAIN)
    path, span = wrong_total(on)
    on.decide("correct", path=path, span=span)
    rule = next(f["rule"] for f in on.now.line["findings"] if f["severity"] == "error" and f["status"] == "fail")
    on.decide("printed_so", rule=rule)
    assert on.now.stale == []
    now = on.decide("undo", undoes=1)
    assert [decision.id for decision in now.stale] == [2]
    assert now.notes[2] == ["stale"]
    assert now.verdicts == on.line["verdicts"]


def test_a_published_error_is_settled_when_a_person_confirms_it() -> None:
    on = desk(WRONG_SUM)
    assert on.line["verdicts"]["requests"] == "inconsistent"
    assert not on.now.settled["requests"]
    rules = findings(on.now, "requests")
    assert len(rules) == 2
    now = on.decide("printed_so", rule=rules[0])
    assert not now.settled["requests"]
    now = on.decide("printed_so", rule=rules[1])
    assert now.settled["requests"]
    assert now.verdicts["requests"] == "inconsistent"
    whole = desk(WRONG_SUM)
    now = whole.decide("accept", table_key="requests")
    assert now.settled["requests"], "every cell was looked at"
    assert {f["blame"] for f in now.line["findings"] if f["rule"] in rules} == {"source"}


def test_a_table_that_the_reader_doubts_needs_every_cell() -> None:
    on = desk("fenghe-2024-glued-one-run.txt")
    open_ = [
        c["path"] for c in on.line["cells"] if c["state"] == "ambiguous" and not c["path"].startswith("disclosure")
    ]
    block = "litigation_after_reconsideration"
    tail = on.text.index("10", on.text.index("复议后起诉"))
    found = [c["path"] for c in on.line["cells"] if c["span"] and c["span"][0] > tail and block in c["path"]]
    assert open_
    assert found
    for path in open_:
        on.decide("not_printed", path=path)
    now = on.now
    assert now.verdicts["disputes"] == "needs_review"
    assert "disputes.reading.unread" in findings(now, "disputes")


def test_a_table_that_is_not_there_is_settled_and_stays_failed() -> None:
    on = desk(CUT_OFF)
    assert on.line["verdicts"]["disputes"] == "failed"
    now = on.decide("accept", path="reconsideration.upheld")
    assert findings(now, "disputes") == ["disputes.reading.undecided"]
    now = on.decide("accept", table_key="disputes")
    assert now.verdicts["disputes"] == "failed"
    assert now.settled["disputes"]
    assert now.line["verdict"] == "needs_review"
    assert list(faults(on, now)) == []


def test_derived_values_follow_from_what_is_decided() -> None:
    on = desk(OCR)
    path = "requests.granted.total"
    value = on.cell(path)["value"]
    now = on.decide("not_printed", path=path)
    cell = cell_of(now, path)
    assert (cell["state"], cell["value"], cell["method"]) == ("blank", value, "derived")
    assert cell["because"]
    assert now.verdicts["requests"] == "needs_review", "the reader read a number there"
    assert on.decide("accept", table_key="requests").verdicts["requests"] == "reconciled"


def test_an_amount_keeps_the_unit_that_is_printed() -> None:
    on = desk(PLAIN)
    path = "disclosure.fees.amount"
    now = on.decide("accept", path=path)
    assert cell_of(now, path)["unit"] == on.cell(path)["unit"] == "万元"
    assert cell_of(now, path)["value"] == on.cell(path)["value"]
    assert isinstance(on.decisions[0].value, str)


def test_a_unit_that_is_only_a_part_of_the_printed_one_is_not_printed() -> None:
    on = desk(PLAIN)
    path = "disclosure.fees.amount"
    alone = Desk(on.line, on.text.replace("元", "万元").replace("万万元", "万元"))
    span = tuple(alone.cell(path)["span"])
    with pytest.raises(ReviewError) as refused:
        alone.ask("correct", path=path, span=span, unit="元")
    assert refused.value.code == "unit"


def test_another_unit_contradicts_the_machine() -> None:
    on = desk(PLAIN)
    path = "disclosure.fees.amount"
    on = Desk(on.line, on.text + "\n收取100元。\n")
    now = on.decide("correct", path=path, span=tuple(on.cell(path)["span"]), unit="元")
    assert cell_of(now, path)["unit"] == "元"
    assert findings(now, "disclosure") == ["disclosure.reading.refuted"]
    assert now.verdicts["disclosure"] == "needs_review"


def test_what_only_equations_confirmed_is_open_when_they_break() -> None:
    """`1 0` was 10 because all sums held. A person's number breaks one: nobody has said that `1 0` is one number."""
    on = desk(OCR)
    total, loose = "requests.new_received.total", "requests.not_processed.excessive.natural_person"
    start, end = on.cell(total)["span"]
    assert on.cell(loose)["raw"] == "1 0"
    on = Desk(on.line, on.text[:start] + "53" + on.text[end:])
    on.cell(total).update(state="ambiguous", value=None, raw=None, span=None, method=None, candidates=[53])
    on.line["verdicts"]["requests"] = "needs_review"
    now = on.decide("accept", path=total, span=(start, end))
    assert (cell_of(now, loose)["state"], cell_of(now, loose)["candidates"]) == ("ambiguous", [10])
    for finding in [f for f in now.line["findings"] if f["status"] == "fail" and f["severity"] == "error"]:
        now = on.decide("printed_so", rule=finding["rule"])
    assert now.verdicts["requests"] == "needs_review"
    while open_ := [c for c in now.line["cells"] if c["state"] == "ambiguous" and c["path"].startswith("requests")]:
        now = on.decide("accept", path=open_[0]["path"], span=tuple(on.cell(open_[0]["path"])["span"]))
    assert cell_of(now, loose)["value"] == 10
    for rule in findings(now, "requests"):
        now = on.decide("printed_so", rule=rule)
    assert now.verdicts["requests"] == "inconsistent"
    assert list(faults(on, now)) == []


def test_a_table_is_accepted_as_a_whole_or_not_at_all() -> None:
    """A cell whose characters do not read so is not left out in silence, neither now nor by a later gouji."""
    on = desk(PLAIN)
    on.decide("accept", table_key="disclosure")
    path = "disclosure.licensing.decisions"
    assert not on.now.stale
    seen = json.loads(json.dumps(on.decisions[0].seen))
    seen["cells"][path]["value"] += 1
    now = on.after([replace(on.decisions[0], seen=seen)])
    assert [decision.id for decision in now.stale] == [1]
    assert path not in now.decided
    on = desk(PLAIN)
    on.cell(path)["value"] += 1
    with pytest.raises(ReviewError) as refused:
        on.ask("accept", table_key="disclosure")
    assert refused.value.code == "unreadable"
    assert "行政许可" in refused.value.message


@pytest.mark.parametrize(("number", "ok"), [(1, True), (2, False)])
def test_a_correction_points_into_its_own_report(number: int, ok: bool) -> None:
    first = desk(TWO)
    span = tuple(first.cell("disclosure.licensing.decisions")["span"])
    on = desk(TWO, number)
    if ok:
        assert on.decide("correct", path="disclosure.penalties.decisions", span=span).decided
        return
    with pytest.raises(ReviewError) as refused:
        on.ask("correct", path="disclosure.penalties.decisions", span=span)
    assert refused.value.code == "outside"


def test_undo_and_redo() -> None:
    on = settle_ocr(desk(OCR))
    done = on.now
    first = on.decide("undo", undoes=2)
    assert cell_of(first, SPACED_CELL) == on.cell(SPACED_CELL)
    with pytest.raises(ReviewError, match="does not stand"):
        on.ask("undo", undoes=2)
    again = on.decide("undo", undoes=3)
    assert again.line == done.line
    assert standing(on.decisions).ids == {1, 2}


def test_a_later_decision_takes_the_place_of_an_earlier_one() -> None:
    on = settle_ocr(desk(OCR))
    now = on.decide("not_printed", path=O_CELL)
    assert cell_of(now, O_CELL)["state"] == "blank"
    with pytest.raises(ReviewError, match="does not stand"):
        on.ask("undo", undoes=1)
    assert on.decide("undo", undoes=3).line == settle_ocr(desk(OCR)).now.line


def test_a_decision_on_what_somebody_changed_meanwhile_is_refused() -> None:
    on = desk(OCR)
    on.decide("accept", path=O_CELL, span=on.span("O", "规章 | 0 | "), after=0)
    with pytest.raises(OutdatedError) as outdated:
        on.ask("accept", path=SPACED_CELL, span=on.span("3 0"), after=0)
    assert "li" in outdated.value.message
    assert on.ask("accept", path="requests.granted.total", after=0), "another table is another matter"
    assert on.ask("accept", path=SPACED_CELL, span=on.span("3 0"), after=1)


def test_decisions_outlive_another_reading() -> None:
    """The text is the same, and the machine says otherwise: the decision holds, and is marked."""
    on = settle_ocr(desk(OCR))
    newer = json.loads(json.dumps(on.line))
    cell = next(cell for cell in newer["cells"] if cell["path"] == O_CELL)
    cell |= {"state": "blank", "value": None, "candidates": []}
    now = reviewed(newer, on.paper, on.decisions)
    assert cell_of(now, O_CELL)["value"] == 0
    assert now.notes == {1: ["differs"]}
    assert now.verdicts["disclosure"] == "needs_review", "they contradict each other"


OLDER = [
    ({"rules_version": "0.0.1+abc"}, ["older_rules"], False),
    ({"form": "2019"}, ["older_form"], False),
    ({"raw": "5"}, ["stale"], True),
    ({"value": "5"}, ["stale"], True),
    ({"seen": {"extent": [0, 90], "cell": {"state": "ambiguous"}}}, ["stale"], True),
]


@pytest.mark.parametrize(("change", "notes", "stale"), OLDER)
def test_what_no_longer_fits_is_shown_and_not_applied(change: dict[str, Any], notes: list[str], stale: bool) -> None:
    on = settle_ocr(desk(OCR))
    old = replace(on.decisions[0], **change)
    now = on.after([old, on.decisions[1]])
    assert now.notes[1] == notes
    assert [decision.id for decision in now.stale] == ([1] if stale else [])
    assert (O_CELL in now.decided) is not stale
    assert now.verdicts["disclosure"] == ("needs_review" if stale else "verified")


def test_a_decision_on_a_cell_that_is_no_more_is_stale() -> None:
    on = settle_ocr(desk(OCR))
    gone = replace(on.decisions[0], path="disclosure.other_services.change")
    assert [decision.id for decision in on.after([gone]).stale] == [1]


def test_a_report_that_is_no_longer_found_keeps_its_line() -> None:
    on = settle_ocr(desk(OCR))
    now = reviewed(on.line, Paper.of(on.text, 2), on.decisions)
    assert now.line == on.line
    assert [decision.id for decision in now.stale] == [1, 2]
