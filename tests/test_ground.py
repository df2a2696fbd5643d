"""A model's answer is laid over printed characters: in order, nothing invented, every value its token's."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from extractor.ask.evidence import usual_skips
from extractor.ask.ground import Laying, lay, printed_numbers, tokens
from extractor.results import Value

COUNT, AMOUNT = ("count",), ("amount", "signed")


def laid(text: str, values: list[Value | None], kinds: tuple[str, ...] = COUNT) -> list[Laying]:
    return lay(text, tokens(text, 0, len(text), kinds), values)


def shown(text: str, laying: Laying) -> list[str | None]:
    """What is printed where each cell lies; None for a cell without a place."""
    return [text[cell.start : cell.end] if cell.end else None for cell in laying.cells]


# text, answer, what is printed at each cell; one laying.
ONE_WAY: list[tuple[str, list[Value | None], list[str | None]]] = [
    ("9 1 0", [9, 1, 0], ["9", "1", "0"]),
    ("| 9 |  | 0 |", [9, None, 0], ["9", None, "0"]),
    ("9 - 0", [9, None, 0], ["9", "-", "0"]),
    ("9 / -", [9, None, None], ["9", "/", "-"]),
    ("1,234 5", [1234, 5], ["1,234", "5"]),
    ("9件 1件", [9, 1], ["9件", "1件"]),
    ("O 1O l2", [0, 10, 12], ["O", "1O", "l2"]),
    ("2 0", [20], ["2 0"]),
    ("2 0 5", [20, 5], ["2 0", "5"]),
    ("9010", [9, 0, 10], ["9", "0", "10"]),
    ("三十二 5", [32, 5], ["三十二", "5"]),
    ("零 1", [0, 1], ["零", "1"]),
    ("88 9 1", [9, 1], ["9", "1"]),
    ("9 88 1", [9, 1], ["9", "1"]),
    ("9 1 88", [9, 1], ["9", "1"]),
]


@pytest.mark.parametrize(("text", "values", "printed"), ONE_WAY)
def test_one_way(text: str, values: list[Value | None], printed: list[str | None]) -> None:
    (laying,) = laid(text, values)
    assert shown(text, laying) == printed
    assert list(laying.values) == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("9 1 0", [1, 9, 0]),  # another order
        ("9 1 0", [9, 2, 0]),  # not printed
        ("9 1 0", [9, 1, 0, 0]),  # printed once
        ("9 1 0", [19]),
        ("9 | 1", [91]),  # over a border
        ("9\t1", [91]),
        ("9  1", [91]),
        ("12.5", [12]),  # part of an amount
        ("12①", [121]),
        ("1,234", [234]),
        ("90", [9]),  # half of a run of digits, the rest of which nothing takes
        ("", [0]),
        ("- -", [0, 0]),
        ("无", [0]),
        ("9 1", [-9, 1]),
        ("9 1", [Decimal("9.5"), 1]),
    ],
)
def test_no_way(text: str, values: list[Value | None]) -> None:
    found = laid(text, values)
    assert not [laying for laying in found if list(laying.values) == values and len(values) == len(laying.cells)]


def test_what_is_left_out_is_known() -> None:
    (laying,) = laid("3 9 1 88 0", [9, 1, 0])
    assert laying.skipped == (0, 3)
    assert not laying.complete
    (whole,) = laid("9 1 0", [9, 1, 0])
    assert whole.complete
    assert whole.skipped == ()


def test_equal_numbers_lie_in_several_ways() -> None:
    found = laid("0 0 0 0", [0, 0, 0])
    assert {laying.skipped for laying in found} == {(0,), (1,), (2,), (3,)}
    # In most rows the first number is the one left out: a column of line numbers.
    assert usual_skips([laid("3 9 1 0", [9, 1, 0]), laid("4 8 1 0", [8, 1, 0]), found]) == (0,)
    assert usual_skips([laid("3 9 1 0", [9, 1, 0]), laid("8 1 0 4", [8, 1, 0])]) is None


def test_cut_and_joined_say_so() -> None:
    (cut,) = laid("9010", [9, 0, 10])
    (joined,) = laid("2 0", [20])
    assert (cut.cut, cut.joined) == (True, False)
    assert (joined.cut, joined.joined) == (False, True)
    assert joined.cells[0].tentative
    assert not cut.complete
    assert not joined.complete


def test_look_alikes_are_tentative() -> None:
    (laying,) = laid("1O 5", [10, 5])
    assert [cell.tentative for cell in laying.cells] == [True, False]


def test_a_number_in_pieces_is_not_taken_apart_where_the_pieces_are_answered() -> None:
    (laying,) = laid("2 0", [2, 0])
    assert shown("2 0", laying) == ["2", "0"]


def test_too_many_ways_are_none() -> None:
    assert laid("0 " * 60, [0] * 30) == []


def test_amounts_keep_their_digits() -> None:
    (laying,) = laid("收费 16085.100735 万元", [Decimal("16085.100735")], AMOUNT)
    assert laying.values == (Decimal("16085.100735"),)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("9 1 0", (0, 1, 9, 10, 91, 910)),
        ("| 9 | - |", (9,)),
        ("三十二", (32,)),
        ("1O", (10,)),
        ("", ()),
        ("见附件", ()),
    ],
)
def test_printed_numbers(text: str, numbers: tuple[int, ...]) -> None:
    assert printed_numbers(text, tokens(text, 0, len(text), COUNT)) == numbers


# ---------------------------------------------------------------- properties

_CHINESE = {"零": 0, "三": 3, "十二": 12, "三十二": 32}
_LOOK_ALIKES = str.maketrans("OoQIl", "00011")
_PIECES = st.one_of(
    st.integers(0, 130).map(str),
    st.sampled_from(
        ["0", "0", "1", "10", "100", "-", "/", "—", "无", "O", "1O", "l", "1,234", "9件", "①", "x", "12.5"]
    ),
    st.sampled_from(list(_CHINESE)),
)
_GAPS = st.sampled_from([" ", " ", "  ", " | ", "\t", "\n", "", "，"])


@st.composite
def rows_and_answers(draw: st.DrawFn) -> tuple[str, list[Value | None]]:
    text = ""
    for piece in draw(st.lists(_PIECES, max_size=9)):
        text += piece + draw(_GAPS)
    printed = [*printed_numbers(text, tokens(text, 0, len(text), COUNT)), 0, 1, 7, None]
    values = draw(st.lists(st.one_of(st.sampled_from(printed), st.integers(0, 2000)), max_size=7))
    return text, values


def value_of(raw: str) -> int:
    """Digits of a piece of text as a person reads them, without the code under test."""
    if raw in _CHINESE:
        return _CHINESE[raw]
    return int("".join(char for char in raw.translate(_LOOK_ALIKES) if char.isascii() and char.isdigit()))


@given(rows_and_answers())
@example(("9010", [9, 0, 10]))
@example(("2 0 | 0", [20, 0]))
def test_a_cell_never_says_other_digits_than_its_print(case: tuple[str, list[Value | None]]) -> None:
    text, values = case
    for laying in laid(text, values):
        assert list(laying.values) == values
        placed = [cell for cell in laying.cells if cell.end]
        assert all(a.end <= b.start for a, b in pairwise(placed))
        for cell, value in zip(laying.cells, values, strict=True):
            if value is None:
                assert cell.state in ("blank", "not_applicable")
            else:
                assert cell.state == "reported"
                assert value_of(text[cell.start : cell.end]) == cell.value == value


@given(rows_and_answers())
def test_left_out_numbers_are_no_cell(case: tuple[str, list[Value | None]]) -> None:
    text, values = case
    found = tokens(text, 0, len(text), COUNT)
    for laying in lay(text, found, values):
        for index in laying.skipped:
            assert not any(c.start < found[index].end and found[index].start < c.end for c in laying.cells if c.end)
