"""Values that the rules leave to cells without a printed number: exactly one, or none."""

from __future__ import annotations

import helpers as h
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor.form import Equation, cell_paths, equations
from extractor.form.derive import derive


def rule(code: str, left: str, right: str) -> Equation:
    return Equation(code, tuple(left.split()), tuple(right.split()), code)


SUM = (rule("sum", "a b c", "t"),)
CHAIN = (rule("first", "a b", "t"), rule("second", "t u", "v"))


@pytest.mark.parametrize(
    ("values", "rules", "found", "impossible"),
    [
        pytest.param({"a": 1, "b": 2, "c": None, "t": 5}, SUM, {"c": 2}, set(), id="one unknown"),
        pytest.param({"a": 1, "b": 2, "c": 3, "t": None}, SUM, {"t": 6}, set(), id="the total"),
        pytest.param({"a": 5, "b": None, "c": None, "t": 5}, SUM, {"b": 0, "c": 0}, set(), id="nothing left"),
        pytest.param({"a": 1, "b": None, "c": None, "t": 5}, SUM, {}, set(), id="several unknown"),
        pytest.param({"a": 0, "b": None, "c": 0, "t": None}, SUM, {}, set(), id="unknown on both sides"),
        pytest.param({"a": 6, "b": None, "c": None, "t": 5}, SUM, {}, {"sum"}, id="counts are not negative"),
        pytest.param({"a": 6, "b": None, "c": 0, "t": 5}, SUM, {}, {"sum"}, id="the one unknown would be negative"),
        pytest.param({"a": 1, "b": 1, "c": 1, "t": 5}, SUM, {}, {"sum"}, id="all known and wrong"),
        pytest.param({"a": 1, "b": 2, "c": 2, "t": 5}, SUM, {}, set(), id="all known and right"),
        pytest.param({"a": 1, "b": None, "t": 4, "u": None, "v": 9}, CHAIN, {"b": 3, "u": 5}, set(), id="two rules"),
        pytest.param({"a": 1, "b": 2, "t": None, "u": None, "v": 9}, CHAIN, {"t": 3, "u": 6}, set(), id="in turn"),
        pytest.param({}, SUM, {}, set(), id="nothing known"),
    ],
)  # fmt: skip
def test_derived(
    values: dict[str, int | None], rules: tuple[Equation, ...], found: dict[str, int], impossible: set[str]
) -> None:
    derived, broken = derive(values, rules)
    assert {path: value for path, (value, _) in derived.items()} == found
    assert broken == impossible
    assert all(because for _, because in derived.values())


def test_because_names_the_rule() -> None:
    derived, _ = derive({"a": 1, "b": 2, "t": None, "u": None, "v": 9}, CHAIN)
    assert derived["t"][1] == ("first",)
    assert "second" in derived["u"][1]


def test_known_values_are_never_touched() -> None:
    values = {"a": 1, "b": 2, "c": None, "t": 5}
    derived, _ = derive(values, SUM)
    assert values == {"a": 1, "b": 2, "c": None, "t": 5}
    assert derived.keys() == {"c"}


TRUE = {path: int(value) for path, value in h.truth().items() if not path.startswith("disclosure.")}
PATHS = [path for name, table in cell_paths("2021").items() if name != "disclosure" for path in table]


@settings(max_examples=60)
@given(st.sets(st.sampled_from(PATHS), max_size=60))
def test_what_is_derived_from_a_true_record_is_true(unknown: set[str]) -> None:
    values = {path: None if path in unknown else value for path, value in TRUE.items()}
    derived, broken = derive(values, equations())
    assert broken == set()
    assert derived.keys() <= unknown
    assert {path: value for path, (value, _) in derived.items()} == {path: TRUE[path] for path in derived}


@settings(max_examples=60)
@given(st.sampled_from(PATHS))
def test_a_single_unknown_cell_is_always_derived(path: str) -> None:
    derived, _ = derive({**TRUE, path: None}, equations())
    assert derived[path][0] == TRUE[path]


@settings(max_examples=60)
@given(st.sampled_from(PATHS), st.integers(1, 9))
def test_a_changed_cell_is_always_noticed(path: str, more: int) -> None:
    _, broken = derive({**TRUE, path: TRUE[path] + more}, equations())
    assert broken
