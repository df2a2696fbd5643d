"""The equations choose among readings: exactly those that occur in some choice for the whole table."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor.form import GROUPS, REQUEST_ROWS
from extractor.reader import joint
from extractor.reader.candidates import Candidate, CellRead
from extractor.reader.joint import VectorEquation, choose, holds
from extractor.reader.requests import vector_equations

NONE: frozenset[str] = frozenset()
A_PLUS_B = (VectorEquation(("a", "b"), ("c",)),)
Values = tuple[int | None, ...]


def reading(values: Values) -> Candidate:
    return Candidate(values, tuple(CellRead("reported" if v is not None else "missing", v) for v in values))


def rows(given: dict[str, list[Values]]) -> dict[str, list[Candidate]]:
    return {key: [reading(values) for values in candidates] for key, candidates in given.items()}


def left(given: dict[str, list[Values]], equations: tuple[VectorEquation, ...]) -> tuple[dict[str, set[Values]], bool]:
    choice = choose(rows(given), equations)
    return {key: {c.values for c in candidates} for key, candidates in choice.viable.items()}, choice.solved


@pytest.mark.parametrize(
    ("given", "expected", "solved"),
    [
        pytest.param(
            {"a": [(1,)], "b": [(2,)], "c": [(3,)]}, {"a": {(1,)}, "b": {(2,)}, "c": {(3,)}}, True, id="one reading"
        ),
        pytest.param(
            {"a": [(1,), (2,)], "b": [(2,)], "c": [(3,)]}, {"a": {(1,)}, "b": {(2,)}, "c": {(3,)}}, True, id="decided"
        ),
        pytest.param(
            {"a": [(1,), (2,)], "b": [(2,), (1,)], "c": [(3,)]},
            {"a": {(1,), (2,)}, "b": {(2,), (1,)}, "c": {(3,)}},
            True,
            id="undecided",
        ),
        pytest.param(
            {"a": [(1,), (2,)], "b": [(2,)], "c": [(3,), (9,)]},
            {"a": {(1,)}, "b": {(2,)}, "c": {(3,)}},
            True,
            id="two rows decide each other",
        ),
        pytest.param(
            {"a": [(1, 5), (2, 4)], "b": [(2, 0), (1, 1)], "c": [(3, 5)]},
            {"a": {(1, 5), (2, 4)}, "b": {(2, 0), (1, 1)}, "c": {(3, 5)}},
            True,
            id="columns go together",
        ),
        pytest.param(
            {"a": [(1, 5), (2, 4)], "b": [(2, 0), (1, 7)], "c": [(3, 5)]},
            {"a": {(1, 5)}, "b": {(2, 0)}, "c": {(3, 5)}},
            True,
            id="one column rules out the other's choice",
        ),
        pytest.param(
            {"a": [(None,)], "b": [(2,), (4,)], "c": [(3,)]},
            {"a": {(None,)}, "b": {(2,)}, "c": {(3,)}},
            True,
            id="counts are not negative",
        ),
        pytest.param(
            {"b": [(2,), (4,)], "c": [(3,)]}, {"b": {(2,)}, "c": {(3,)}}, True, id="a row that is not printed"
        ),
    ],
)
def test_choices(given: dict[str, list[Values]], expected: dict[str, set[Values]], solved: bool) -> None:
    assert left(given, A_PLUS_B) == (expected, solved)


@pytest.mark.parametrize(
    "given",
    [
        {"a": [(1,), (2,)], "b": [(2,)], "c": [(9,)]},
        {"a": [(1, 0), (0, 1)], "b": [(0, 0)], "c": [(1, 1)]},
        {"a": [(5,), (6,)], "b": [(2,), (3,)], "c": [(3,)]},
    ],
    ids=["too large", "columns together", "all too large"],
)
def test_a_contradiction_chooses_nothing(given: dict[str, list[Values]]) -> None:
    found, solved = left(given, A_PLUS_B)
    assert not solved
    assert found == {key: set(values) for key, values in given.items()}


def test_one_reading_each_is_taken_as_printed_even_where_it_breaks_a_rule() -> None:
    found, solved = left({"a": [(1,)], "b": [(1,)], "c": [(3,)]}, A_PLUS_B)
    assert solved
    assert found == {"a": {(1,)}, "b": {(1,)}, "c": {(3,)}}


def test_a_budget_never_becomes_a_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joint, "NODES", 1)
    monkeypatch.setattr(joint, "STATES", 1)
    given: dict[str, list[Values]] = {"a": [(1,), (2,), (3,)], "b": [(1,), (2,), (3,)], "c": [(4,), (5,)]}
    choice = choose(rows(given), A_PLUS_B)
    assert not choice.solved
    assert choice.why == "budget"
    assert all(len(choice.viable[key]) > 1 for key in given)


def test_candidates_that_differ_in_place_only_stay_together() -> None:
    first = Candidate((1, 0), (CellRead("reported", 1, 0, 1), CellRead("missing")))
    second = Candidate((1, 0), (CellRead("reported", 1, 5, 6), CellRead("missing")))
    choice = choose({"a": [first, second], "b": [reading((0, 0))], "c": [reading((1, 0))]}, A_PLUS_B)
    assert choice.solved
    assert choice.viable["a"] == [first, second]


# ---------------------------------------------------------------- against brute force


def brute(given: dict[str, list[Values]], equations: tuple[VectorEquation, ...]) -> dict[str, set[Values]] | None:
    """Every candidate that occurs in some choice that keeps all equations in all columns."""
    keys = list(given)
    found: dict[str, set[Values]] = {key: set() for key in keys}
    for choice in product(*given.values()):
        values = dict(zip(keys, choice, strict=True))
        if all(
            sum(values[k][c] for k in e.left) == sum(values[k][c] for k in e.right)  # type: ignore[misc]
            for e in equations
            for c in range(len(choice[0]))
        ):
            for key in keys:
                found[key].add(values[key])
    return found if all(found.values()) else None


CHAIN = (VectorEquation(("a", "b"), ("t", "o")), VectorEquation(("x", "y", "z"), ("t",)))
SMALL = st.integers(0, 3)


@settings(max_examples=300)
@given(st.data())
def test_the_choice_is_what_brute_force_finds(data: st.DataObject) -> None:
    given: dict[str, list[Values]] = {}
    for key in ("a", "b", "t", "o", "x", "y", "z"):
        candidates = data.draw(st.lists(st.tuples(SMALL, SMALL), min_size=1, max_size=3, unique=True))
        given[key] = list(candidates)
    expected = brute(given, CHAIN)
    found, solved = left(given, CHAIN)
    if all(len(candidates) == 1 for candidates in given.values()):
        assert solved
        assert found == {key: set(values) for key, values in given.items()}
    elif expected is None:
        assert not solved
    else:
        assert solved
        assert found == expected


@settings(max_examples=60)
@given(st.data())
def test_many_choices_are_exact_too(data: st.DataObject) -> None:
    """More choices than are walked one by one: the meeting in the middle."""
    names = [f"x{i}" for i in range(9)]
    equations = (VectorEquation(tuple(names), ("t",)),)
    true = [data.draw(st.tuples(SMALL, SMALL)) for _ in names]
    given: dict[str, list[Values]] = {
        name: list(dict.fromkeys([values, *data.draw(st.lists(st.tuples(SMALL, SMALL), min_size=2, max_size=2))]))
        for name, values in zip(names, true, strict=True)
    }
    given["t"] = [(sum(v[0] for v in true), sum(v[1] for v in true))]
    found, solved = left(given, equations)
    assert solved
    assert all(values in found[name] for name, values in zip(names, true, strict=True))
    assert found == brute(given, equations)


def test_holds() -> None:
    assert holds(rows({"a": [(1,)], "b": [(2,)], "c": [(3,)]}), A_PLUS_B)
    assert not holds(rows({"a": [(1,)], "b": [(2,)], "c": [(4,)]}), A_PLUS_B)


# ---------------------------------------------------------------- the form's own equations over rows


def test_the_forms_equations_over_rows() -> None:
    balance, outcomes = vector_equations(NONE, NONE)
    assert {frozenset(balance.left), frozenset(balance.right)} == {
        frozenset({"new_received", "carried_in"}),
        frozenset({"total_processed", "carried_out"}),
    }
    assert {*outcomes.left, *outcomes.right} == set(REQUEST_ROWS) - {"new_received", "carried_in", "carried_out"}


def test_a_group_printed_alone_and_beside_its_rows() -> None:
    alone = vector_equations(frozenset({"other"}), frozenset({"other"}))
    assert len(alone) == 2
    assert "other.all" in alone[1].left
    assert not set(GROUPS["other"]) & {*alone[1].left, *alone[1].right}
    beside = vector_equations(frozenset({"other"}), NONE)
    assert len(beside) == 3
    assert "other.all" not in beside[1].left
    assert {*beside[2].left, *beside[2].right} == {*GROUPS["other"], "other.all"}
