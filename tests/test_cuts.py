"""Digits without borders: every cut that the digits allow and the sums hold, and no other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor.reader.cuts import BORDER, GLUED, LONGEST, SPACED, Atom, TooMany, cut_value, free_cuts, row_cuts

SEVEN = ((0, 7),)
FIFTEEN = ((0, 5), (5, 10), (10, 15))


def atoms(printed: str) -> list[Atom]:
    """`12 0|/` → digits with what stands before them; `/` is a cell without a number, ` ` a space, `|` a border."""
    out: list[Atom] = []
    before = BORDER
    for position, char in enumerate(printed):
        if char in " |":
            before = SPACED if char == " " else BORDER
        else:
            out.append(Atom(None if char == "/" else char, position, before))
            before = GLUED
    return out


def readings(printed: str, blocks: tuple[tuple[int, int], ...], merge: bool = False) -> set[tuple[int | None, ...]]:
    made = atoms(printed)
    return {tuple(cut_value(made, cell) for cell in cut) for cut in row_cuts(made, blocks, merge)}


def free(printed: str, count: int, merge: bool = False) -> set[tuple[int | None, ...]]:
    made = atoms(printed)
    return {tuple(cut_value(made, cell) for cell in cut) for cut in free_cuts(made, count, merge)}


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("0000000", {(0, 0, 0, 0, 0, 0, 0)}),
        ("1000001", {(1, 0, 0, 0, 0, 0, 1)}),
        ("1230000123", set()),
        ("100000010", {(10, 0, 0, 0, 0, 0, 10)}),
        ("91000111", {(9, 1, 0, 0, 0, 1, 11)}),
        ("112000013", {(1, 12, 0, 0, 0, 0, 13), (11, 2, 0, 0, 0, 0, 13)}),
        ("2000020", set()),
        ("1200000", set()),
        ("123", set()),
        ("12 0 0 0 0 0 12", {(12, 0, 0, 0, 0, 0, 12)}),
        ("1 0 0 0 0 01", {(1, 0, 0, 0, 0, 0, 1)}),
        ("10|0000010", {(10, 0, 0, 0, 0, 0, 10)}),
        ("1|00000010", set()),
        ("/0/0001", {(None, 0, None, 0, 0, 0, 1)}),
        ("/0/0000", {(None, 0, None, 0, 0, 0, 0)}),
        ("0000/21", set()),
        ("//////0", {(None, None, None, None, None, None, 0)}),
        ("1/0///1", {(1, None, 0, None, None, None, 1)}),
        ("2/0///1", set()),
        ("1/////4", {(1, None, None, None, None, None, 4)}),
    ],
)
def test_rows_of_seven(printed: str, expected: set[tuple[int | None, ...]]) -> None:
    assert readings(printed, SEVEN) == expected


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("0" * 15, {(0,) * 15}),
        ("21317000001324019", {(2, 1, 3, 1, 7, 0, 0, 0, 0, 0, 13, 2, 4, 0, 19)}),
        ("1120013" + "0" * 10, {(1, 12, 0, 0, 13) + (0,) * 10, (11, 2, 0, 0, 13) + (0,) * 10}),
        ("1" * 15, set()),
        ("", set()),
    ],
)
def test_table_4_as_one_run(printed: str, expected: set[tuple[int | None, ...]]) -> None:
    assert readings(printed, FIFTEEN) == expected


@pytest.mark.parametrize(
    ("printed", "merge", "expected"),
    [
        ("2 0 3 0 0 0 1 2 4", True, {(20, 3, 0, 0, 0, 1, 24)}),
        ("2 0 3 0 0 0 1 2 4", False, set()),
        ("2|0|3|0|0|0|1|2|4", True, set()),
        ("2 0 3 0 0 0 1 24", True, {(20, 3, 0, 0, 0, 1, 24)}),
    ],
)
def test_numbers_broken_by_a_space(printed: str, merge: bool, expected: set[tuple[int | None, ...]]) -> None:
    assert readings(printed, SEVEN, merge) == expected


@pytest.mark.parametrize(
    ("printed", "count", "expected"),
    [
        ("000", 3, {(0, 0, 0)}),
        ("123", 2, {(1, 23), (12, 3)}),
        ("105", 2, {(10, 5)}),
        ("16052", 3, {(1, 60, 52), (16, 0, 52), (160, 5, 2), (1, 605, 2)}),
        ("12", 3, set()),
        ("7", 1, {(7,)}),
        ("07", 1, set()),
        ("1 23", 2, {(1, 23)}),
    ],
)
def test_free_cuts(printed: str, count: int, expected: set[tuple[int | None, ...]]) -> None:
    assert free(printed, count) == expected


def brute(printed: str, count: int) -> Iterator[tuple[int, ...]]:
    """Every cut of a run of digits into `count` numbers without leading zeros."""
    if count == 0:
        if not printed:
            yield ()
        return
    for size in range(1, min(len(printed), LONGEST) + 1):
        head = printed[:size]
        if len(head) == 1 or head[0] != "0":
            for rest in brute(printed[size:], count - 1):
                yield (int(head), *rest)


NUMBERS = st.integers(0, 40) | st.sampled_from([0, 0, 0, 105, 1200])


@settings(max_examples=200)
@given(st.lists(NUMBERS, min_size=6, max_size=6))
def test_the_true_row_is_always_among_the_cuts(numbers: list[int]) -> None:
    row = (*numbers, sum(numbers))
    printed = "".join(map(str, row))
    found = readings(printed, SEVEN)
    assert row in found
    assert found == {cut for cut in brute(printed, 7) if sum(cut[:-1]) == cut[-1]}


@settings(max_examples=100)
@given(st.text(alphabet="0123456789", min_size=1, max_size=11), st.integers(1, 4))
def test_free_cuts_are_all_cuts(printed: str, count: int) -> None:
    try:
        found = free(printed, count)
    except TooMany:
        assert len(set(brute(printed, count))) > 64
        return
    assert found == set(brute(printed, count))


@settings(max_examples=100)
@given(st.lists(NUMBERS, min_size=12, max_size=12))
def test_the_true_table_4_is_always_among_the_cuts(numbers: list[int]) -> None:
    table: tuple[int, ...] = ()
    for block in range(3):
        four = numbers[block * 4 : block * 4 + 4]
        table += (*four, sum(four))
    try:
        found = readings("".join(map(str, table)), FIFTEEN)
    except TooMany:
        return
    assert table in found
    for cut in found:
        assert all(sum(cut[i : i + 4]) == cut[i + 4] for i in (0, 5, 10))  # type: ignore[arg-type]


@settings(max_examples=100)
@given(st.text(alphabet="0123456789 |/", max_size=40), st.booleans())
def test_cuts_use_every_digit_once_and_in_order(printed: str, merge: bool) -> None:
    made = atoms(printed)
    try:
        found = row_cuts(made, SEVEN, merge) + free_cuts(made, 3, merge)
    except TooMany:
        return
    for cut in found:
        assert [position for cell in cut for position in range(*cell)] == list(range(len(made)))


@pytest.mark.parametrize("printed", ["1" * 60, "12" * 40, "0" * 5_000, "9" * 5_000, "10" * 2_000, "1" * 6])
def test_hostile_runs_end(printed: str) -> None:
    made = atoms(printed)
    for cut in (
        lambda: row_cuts(made, SEVEN, False),
        lambda: row_cuts(made, FIFTEEN, True),
        lambda: free_cuts(made, 3, True),
    ):
        try:
            found = cut()
        except TooMany:
            continue
        assert len(found) <= 400
