"""Whatever reviewers decide, in whatever order: no trusted table holds a number that its characters do not say, no
digit changes by itself, and what is taken back is as if it had never been said."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reviewing import NEWEST, Desk, desk, faults

from extractor.form import TABLES
from extractor.review.decisions import Proposal, ReviewError
from extractor.review.paper import kind_of

REPORTS = [
    ("taling-2022-ocr-text.txt", 1),
    ("pingyang-2023-glued.txt", 1),
    ("fenghe-2024-glued-one-run.txt", 1),
    ("changtang-2021-grid-row-sum-error.txt", 1),
    ("luming-2023-cut-off.txt", 1),
    ("linxing-2020-form2019.txt", 1),
    ("heshu-two-years.txt", 2),
    ("guanyan-2022-groups-only.txt", 1),
    ("zhongyang-2024-tabs.txt", 1),
]


@lru_cache
def numbers(name: str, number: int) -> tuple[tuple[int, int], ...]:
    """Stretches of the report that look like numbers, and parts of them."""
    on = desk(name, number)
    start, end = on.paper.extent
    return tuple(
        m.span() for m in re.finditer(r"[0-9０-９,.]+|[0-9OIl ]*[0-9OIl]", on.text) if start <= m.start() < end
    )


@st.composite
def proposals(draw: st.DrawFn, on: Desk, table: str) -> Proposal:
    """Any proposal on a table, sensible or not."""
    action = draw(st.sampled_from(["accept", "choose", "table", "correct", "not_printed", "printed_so", "undo"]))
    path = draw(st.sampled_from(on.paths(table)))
    about: dict[str, Any] = {"after": NEWEST}
    if action == "table":
        return Proposal("accept", table, **about)
    if action == "undo":
        return Proposal("undo", undoes=draw(st.integers(1, max(1, len(on.decisions)))), **about)
    if action == "printed_so":
        failing = [f["rule"] for f in on.now.line["findings"] if f["status"] == "fail" and f["cells"]]
        return Proposal("printed_so", rule=draw(st.sampled_from(failing or ["requests.balance.total"])), **about)
    if action in ("accept", "not_printed"):
        return Proposal(action, path=path, **about)  # type: ignore[arg-type]
    machine = [tuple(cell["span"]) for cell in on.line["cells"] if cell["span"]]
    start, end = draw(st.sampled_from(numbers_of(on)) | st.sampled_from(machine))
    if draw(st.integers(0, 3)) == 0:
        start = draw(st.integers(start, end - 1))
        end = draw(st.integers(start + 1, end))
    said = draw(st.sampled_from([None, None, re.sub(r"\D", "", on.text[start:end]) or None]))
    return Proposal("accept" if action == "choose" else "correct", path=path, span=(start, end), value=said, **about)


def numbers_of(on: Desk) -> tuple[tuple[int, int], ...]:
    name = next(name for name, number in REPORTS if number == on.number and desk(name, number).text == on.text)
    return numbers(name, on.number)


@settings(max_examples=25)
@given(st.data())
def test_nothing_wrong_is_ever_trusted_and_an_undo_restores(data: st.DataObject) -> None:
    on = desk(*data.draw(st.sampled_from(REPORTS)))
    table = data.draw(st.sampled_from(TABLES))
    for _ in range(data.draw(st.integers(1, 6))):
        before = on.now
        try:
            now = on.keep(on.judge(data.draw(proposals(on, table))))
        except ReviewError:
            assert on.now == before, "a refusal leaves no trace"
            continue
        assert list(faults(on, now)) == []
        undo = on.ask("undo", undoes=on.decisions[-1].id)
        restored = on.after([*on.decisions, undo])
        assert (restored.line, restored.settled, restored.decided) == (before.line, before.settled, before.decided)


@settings(max_examples=60)
@given(st.data())
def test_the_order_of_independent_decisions_does_not_matter(data: st.DataObject) -> None:
    """Two decisions on different cells that both may be made first come to the same, whichever is first."""
    on = desk(*data.draw(st.sampled_from(REPORTS)))
    made = []
    for table in (data.draw(st.sampled_from(TABLES)), data.draw(st.sampled_from(TABLES))):
        try:
            made.append(on.judge(data.draw(proposals(on, table))))
        except ReviewError:
            return
    one, two = made
    if one.path is None or two.path is None or one.path == two.path:
        return
    if one.span and two.span and one.span[0] < two.span[1] and two.span[0] < one.span[1]:
        return
    sides = [on.after([replace(a, id=1), replace(b, id=2)]) for a, b in ((one, two), (two, one))]
    assert sides[0].line == sides[1].line
    assert sides[0].settled == sides[1].settled


@pytest.mark.parametrize(("name", "number"), REPORTS)
def test_what_the_machine_reads_a_person_can_accept(name: str, number: int) -> None:
    """The number reader says of every reported cell's characters what the machine says."""
    on = desk(name, number)
    paper = on.paper
    reported = [cell for cell in on.line["cells"] if cell["state"] == "reported"]
    assert reported
    for cell in reported:
        printed = paper.read(tuple(cell["span"]), kind_of(cell["path"]))
        assert (str(printed.value), printed.raw) == (str(cell["value"]), cell["raw"])
