"""Traps of digits: glued and half glued, and every layout of the small report."""

from __future__ import annotations

import helpers as h
import pytest
from cases import (
    ALL_TRUE,
    DECIDED,
    LAYOUTS,
    UNDECIDED,
    UNDECIDED_PATHS,
    Case,
    N,
    V,
    check,
    glued_disputes,
    params,
    replaced,
    states,
)
from helpers import (
    cells,
    glued,
    missed_cells,
    read,
    report,
    rows,
    spaced,
    table_2,
    tabs,
    trusted,
    truth,
    verdicts,
    wrong_cells,
)

# ---------------------------------------------------------------- every layout reads the small report


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_small_report_is_read_whole(layout: str) -> None:
    check(Case(layout, report(LAYOUTS[layout](rows()))))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_large_numbers_and_all_columns(layout: str) -> None:
    changes = {
        "new_received": (1300, 25, 3, 1, 12, 7, 1348),
        "carried_in": (46, 2, 0, 0, 1, 0, 49),
        "granted": (704, 9, 1, 1, 5, 2, 722),
        "granted_in_part": (110, 3, 0, 0, 0, 1, 114),
        "denied.third_party_rights": (17, 5, 0, 0, 2, 0, 24),
        "unavailable.not_held": (460, 9, 2, 0, 6, 4, 481),
        "not_processed.petition": (11, 0, 0, 0, 0, 0, 11),
        "other.other": (4, 0, 0, 0, 0, 0, 4),
        "total_processed": (1306, 26, 3, 1, 13, 7, 1356),
        "carried_out": (40, 1, 0, 0, 0, 0, 41),
    }
    result = read(report(LAYOUTS[layout](rows(changes))))
    true = truth(changes)
    if layout == "glued" and not trusted(result, "requests"):
        return  # Glued digits may be undecidable; what is refused is not wrong.
    assert wrong_cells(result, true) == []
    assert missed_cells(result, true) == []
    assert verdicts(result) == ALL_TRUE


# ---------------------------------------------------------------- glued and half-glued digits


GLUED = [
    Case("next ordinal stuck to the digits", report(glued(rows()))),
    Case("next ordinal stuck, without points", report(glued(rows()).replace("1.", "1").replace("2.", "2")), None),
    Case("columns cut what rows leave open", report(glued(rows(DECIDED))), true=truth(DECIDED)),
    Case(
        "neither rows nor columns cut it",
        report(glued(rows(UNDECIDED))),
        (V, N, V),
        truth(UNDECIDED),
        states("ambiguous", sorted(UNDECIDED_PATHS)),
        UNDECIDED_PATHS,
    ),
    Case(
        "half glued: some separators survive",
        report(
            replaced(
                spaced(rows()),
                ("20 3 0 0 0 1 24", "20 3 0 0 0 124"),
                ("9 1 0 0 0 1 11", "9 1 0 0 0 111"),
                ("5 1 0 0 0 0 6", "5 1 0 0 0 06"),
                ("1 1 0 0 0 0 2", "110 0 0 02"),
            )
        ),
    ),
    Case("half glued: 1 0 0 0 0 01", report(replaced(spaced(rows()), ("1 0 0 0 0 0 1", "1 0 0 0 0 01")))),
    Case("half glued: one tab survives", report(replaced(tabs(rows()), ("20\t3\t0\t0\t0\t1\t24", "203000\t124")))),
]


@params(GLUED)
def test_glued_digits(case: Case) -> None:
    check(case)


def test_ambiguous_cells_show_their_candidates() -> None:
    found = cells(read(report(glued(rows(UNDECIDED)))))
    assert sorted(found["requests.granted.natural_person"]["candidates"]) == [1, 11]
    assert sorted(found["requests.granted.business"]["candidates"]) == [2, 12]


@pytest.mark.parametrize(
    ("run", "numbers"),
    [
        ("21317000001324019", [2, 1, 3, 1, 7, 0, 0, 0, 0, 0, 13, 2, 4, 0, 19]),
        ("0" * 15, [0] * 15),
        ("210031000100000", [2, 1, 0, 0, 3, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0]),
        ("2 1 0 0 31 0 0 0 10 0 0 0 0", [2, 1, 0, 0, 3, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0]),
    ],
    ids=["two digits", "zeros", "small", "half glued"],
)
def test_table_4_as_one_run(run: str, numbers: list[int]) -> None:
    result = read(report(disputes=glued_disputes(run)))
    true = {path: value for path, value in truth().items() if h.table_of(path) != "disputes"}
    paths = [f"{block}.{column}" for block in h.BLOCKS for column in h.BLOCK_COLUMNS]
    true |= dict(zip(paths, numbers, strict=True))
    assert wrong_cells(result, true) == []
    assert missed_cells(result, true) == []
    assert result.verdicts["disputes"] == V


def test_table_4_in_one_run_that_is_cut_in_two_ways_is_ambiguous() -> None:
    result = read(report(disputes=glued_disputes("1120013" + "0" * 10)))  # 1 12 0 0 13 or 11 2 0 0 13
    found = cells(result)
    assert result.verdicts["disputes"] == N
    assert found["reconsideration.upheld"]["state"] == "ambiguous"
    assert sorted(found["reconsideration.upheld"]["candidates"]) == [1, 11]
    assert sorted(found["reconsideration.corrected"]["candidates"]) == [2, 12]


@pytest.mark.parametrize("join", ["", "\t"], ids=["glued table", "one row glued among tabs"])
def test_table_2_glued_digits_are_ambiguous(join: str) -> None:
    disclosure = replaced(table_2(join=join), (join.join(("行政规范性文件", "2", "1", "12")), "行政规范性文件16052"))
    result = read(report(disclosure=disclosure))
    found = cells(result)
    path = "disclosure.normative_documents."
    assert result.verdicts["disclosure"] == N
    assert {found[path + name]["state"] for name in ("issued", "repealed", "in_force")} == {"ambiguous"}
    # Among tabs the digits may also be one cell of which two neighbours are lost.
    whole = [16052] if join else []
    assert sorted(found[path + "issued"]["candidates"]) == [1, 16, 160, *whole]
    assert sorted(found[path + "repealed"]["candidates"]) == [0, 5, 60, 605, *whole]
    assert sorted(found[path + "in_force"]["candidates"]) == [2, 52, *whole]


def test_table_2_glued_zeros_have_one_reading() -> None:
    disclosure = replaced(table_2(), ("规章\t0\t0\t0", "规章000"))
    check(Case("", report(disclosure=disclosure)))
