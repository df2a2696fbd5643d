"""Traps of cells: too few figures, blank, not applicable, missing, groups."""

from __future__ import annotations

from typing import Any

import helpers as h
import pytest
from cases import (
    ALL_TRUE,
    BLANK,
    BROKEN,
    DENIED,
    LAYOUTS,
    OTHER,
    Case,
    N,
    R,
    V,
    check,
    params,
    row_paths,
    states,
)
from helpers import (
    COLUMNS,
    LABELS,
    TRUE_ROWS,
    cells,
    findings,
    missed_cells,
    pipes,
    read,
    report,
    rows,
    table_2,
    table_4,
    tabs,
    truth,
    verdicts,
    wrong_cells,
)

# ---------------------------------------------------------------- six numbers for seven columns


NEXT_ONE = {  # A and B print the same six figures, and the columns know only their sum
    **TRUE_ROWS,
    "new_received": (20, 4, 1, 0, 0, 0, 25),
    "denied.third_party_rights": (1, 1, 0, 0, 0, 0, 2),
    "denied.internal_affairs": (0, 1, 1, 0, 0, 0, 2),
    "granted": (9, 1, 0, 0, 0, 0, 10),
    "total_processed": (20, 4, 1, 0, 0, 0, 25),
}


def test_six_zeros_for_seven_columns_are_derived() -> None:
    shifted = [key for key in LABELS if key.startswith("denied.") and key != "denied.third_party_rights"]
    result = read(report(tabs(rows({key: ["0"] * 6 for key in shifted}))))
    found = cells(result)
    assert verdicts(result) == (V, R, V)
    assert wrong_cells(result, truth()) == []
    assert missed_cells(result, truth()) == []
    for key in shifted:
        assert [found[path]["state"] for path in row_paths(key)] != ["reported"] * 7
        # Seven reported cells on six figures would be one figure used twice.
        spans = [tuple(found[path]["span"]) for path in row_paths(key) if found[path]["state"] == "reported"]
        assert len(spans) == len(set(spans)) <= 6
        assert {found[path]["method"] for path in row_paths(key) if found[path]["state"] != "reported"} == {"derived"}


@pytest.mark.parametrize("layout", ["tabs", "pipes", "spaced"])
def test_six_numbers_for_seven_columns_are_placed_by_the_columns(layout: str) -> None:
    result = read(report(LAYOUTS[layout](rows({"denied.third_party_rights": ["1", "1", "0", "0", "0", "2"]}))))
    found = cells(result)
    assert verdicts(result) == (V, R, V)
    assert wrong_cells(result, truth()) == []
    assert missed_cells(result, truth()) == []
    assert sum(found[path]["state"] == "reported" for path in row_paths("denied.third_party_rights")) < 7


@pytest.mark.parametrize("layout", ["tabs", "pipes", "spaced"])
def test_six_numbers_for_seven_columns_that_nothing_places_are_ambiguous(layout: str) -> None:
    six = {
        "denied.third_party_rights": ["1", "1", "0", "0", "0", "2"],
        "denied.internal_affairs": ["1", "1", "0", "0", "0", "2"],
    }
    result = read(report(LAYOUTS[layout](rows({**NEXT_ONE, **six}))))
    found = cells(result)
    assert result.verdicts["requests"] == N
    path = "requests.denied.internal_affairs."
    assert found[path + "natural_person"]["value"] is None
    assert found[path + "research_institution"]["value"] is None
    assert found[path + "natural_person"]["state"] == "ambiguous"
    assert set(found[path + "natural_person"]["candidates"]) == {0, 1}
    assert wrong_cells(result, truth(NEXT_ONE)) == []


# ---------------------------------------------------------------- blank, not applicable, missing, zero


STATES = [
    Case(
        "two rows print only their total",
        report(tabs(rows({"granted": ["", "", "", "", "", "", "11"]}))),
        (V, R, V),
        states={
            **states("blank", row_paths("granted", *COLUMNS[:6])),
            "requests.granted.total": "reported",
            "requests.carried_in.natural_person": "reported",
        },
    ),
    Case(
        "only the total column is filled",
        report(tabs(rows({key: ["", "", "", "", "", "", str(row[6])] for key, row in TRUE_ROWS.items()}))),
        (V, R, V),
        states=states("blank", [p for k in TRUE_ROWS for p in row_paths(k, *COLUMNS[:6])]),
        none={path for key, row in TRUE_ROWS.items() if row[6] for path in row_paths(key, *COLUMNS[:6])},
    ),
    Case(
        "only the total column is filled, in pipes",
        report(pipes(rows({key: ["", "", "", "", "", "", str(row[6])] for key, row in TRUE_ROWS.items()}))),
        (V, R, V),
        states=states("blank", [p for k in TRUE_ROWS for p in row_paths(k, *COLUMNS[:6])]),
        none={path for key, row in TRUE_ROWS.items() if row[6] for path in row_paths(key, *COLUMNS[:6])},
    ),
    Case(
        "a blank row",
        report(tabs(rows({"not_processed.duplicate": BLANK}))),
        (V, R, V),
        states={
            **states("blank", row_paths("not_processed.duplicate")),
            "requests.not_processed.excessive.total": "reported",
        },
    ),
    Case(
        "a blank row in pipes",
        report(pipes(rows({"not_processed.duplicate": BLANK}))),
        (V, R, V),
        states=states("blank", row_paths("not_processed.duplicate")),
    ),
    Case(
        "a blank row that held numbers is derived by the columns",
        report(tabs(rows({"granted": BLANK}))),
        (V, R, V),
        states=states("blank", row_paths("granted")),
    ),
    Case(
        "a missing row",
        report(tabs(rows({"not_processed.duplicate": None}))),
        (V, R, V),
        states=states("missing", row_paths("not_processed.duplicate")),
    ),
    Case(
        "two missing rows that held numbers stay without value",
        report(tabs(rows({"granted": None, "granted_in_part": None}))),
        (V, R, V),
        states=states("missing", row_paths("granted") + row_paths("granted_in_part")),
        none={
            path
            for key in ("granted", "granted_in_part")
            for path, value in zip(row_paths(key), TRUE_ROWS["granted"], strict=True)
            if value
        },
    ),
    Case(
        "a blank column",
        report(tabs(rows({k: [str(n) if i != 2 else "" for i, n in enumerate(row)] for k, row in TRUE_ROWS.items()}))),
        (V, R, V),
        states=states("blank", [f"requests.{key}.research_institution" for key in TRUE_ROWS]),
    ),
    Case(
        "a blank column in pipes",
        report(pipes(rows({k: [str(n) if i != 2 else "" for i, n in enumerate(row)] for k, row in TRUE_ROWS.items()}))),
        (V, R, V),
        states=states("blank", [f"requests.{key}.research_institution" for key in TRUE_ROWS]),
    ),
    *(
        Case(
            f"{mark} for nothing in {layout}",
            report(
                LAYOUTS[layout](rows({key: [str(n) if n else mark for n in row] for key, row in TRUE_ROWS.items()}))
            ),
            (V, R, V),
            states={
                "requests.granted.business": "reported",
                "requests.granted.research_institution": "not_applicable",
                "requests.not_processed.duplicate.total": "not_applicable",
            },
        )
        for mark in ("/", "—", "-", "无")
        for layout in ("tabs", "pipes", "lines", "spaced")
    ),
    *(
        Case(
            f"blank cells hold {name} in {layout}",
            report(
                LAYOUTS[layout](rows({key: [str(n) if n else space for n in row] for key, row in TRUE_ROWS.items()}))
            ),
            (V, R, V),
            states={"requests.granted.business": "reported", "requests.granted.research_institution": "blank"},
        )
        for name, space in (
            ("a no-break space", "\u00a0"),
            ("an ideographic space", "\u3000"),
            ("an em space", "\u2003"),
        )
        for layout in ("tabs", "pipes")
    ),
    Case(
        "fee blank",
        report(disclosure=table_2({"fees": [""]})),
        (R, V, V),
        states={"disclosure.fees.amount": "blank"},
        none={"disclosure.fees.amount"},
    ),
    Case(
        "fee not applicable",
        report(disclosure=table_2({"fees": ["不涉及"]})),
        (R, V, V),
        states={"disclosure.fees.amount": "not_applicable"},
        none={"disclosure.fees.amount"},
    ),
    Case(
        "rows of table 2 print nothing",
        report(disclosure=table_2({"penalties": ["/"], "coercion": [""]})),
        (R, V, V),
        states={"disclosure.penalties.decisions": "not_applicable", "disclosure.coercion.decisions": "blank"},
        none={"disclosure.penalties.decisions", "disclosure.coercion.decisions"},
    ),
    Case(
        "table 4 prints only its totals",
        report(
            disputes=table_4([n if i % 5 == 4 else "" for i, n in enumerate(n for b in h.TRUE_DISPUTES for n in b)])
        ),
        (V, V, R),
        states={"reconsideration.upheld": "blank", "litigation_after_reconsideration.upheld": "blank"},
        none={f"{b}.{c}" for b in h.BLOCKS[:2] for c in h.BLOCK_COLUMNS[:4]},
    ),
    Case(
        "table 4 prints dashes",
        report(disputes=table_4(["—" if n == 0 else n for b in h.TRUE_DISPUTES for n in b])),
        (V, V, R),
        states={"reconsideration.other": "not_applicable", "reconsideration.upheld": "reported"},
        none={f"litigation_after_reconsideration.{c}" for c in h.BLOCK_COLUMNS},
    ),
]


@params(STATES)
def test_states(case: Case) -> None:
    check(case)


# ---------------------------------------------------------------- group rows


def group_truth(group: str, numbers: tuple[int, ...], sub_rows: bool = False) -> dict[str, Any]:
    true = {
        path: None if path.startswith(f"requests.{group}.") and not sub_rows else value
        for path, value in truth().items()
    }
    return {**true, **{f"requests.{group}.all.{c}": n for c, n in zip(COLUMNS, numbers, strict=True)}}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("group", "gone", "numbers"),
    [("denied", DENIED, (1, 1, 0, 0, 0, 0, 2)), ("other", OTHER, (1, 0, 0, 0, 0, 0, 1))],
    ids=["denied", "other"],
)
def test_only_the_groups_row_is_printed(
    layout: str, group: str, gone: dict[str, None], numbers: tuple[int, ...]
) -> None:
    result = read(report(LAYOUTS[layout](rows({**gone, f"{group}.all": numbers}))))
    true = group_truth(group, numbers)
    found = cells(result)
    assert verdicts(result) == (V, R, V)
    assert result.record is not None
    assert f"{group}.all" in result.record["requests"]
    assert [found[path]["value"] for path in row_paths(f"{group}.all")] == list(numbers)
    assert missed_cells(result, {p: v for p, v in true.items() if v is not None}) == []
    for key in gone:
        assert {found[path]["state"] for path in row_paths(key)} == {"missing"}
    # Sub-rows that are not printed are 0 where the group is 0, and unknown elsewhere.
    assert [w for w in wrong_cells(result, true) if not (w[2] is None and w[1] == 0)] == []


def test_a_groups_row_beside_its_sub_rows() -> None:
    numbers = (1, 1, 0, 0, 0, 0, 2)
    result = read(report(tabs(rows({"denied.all": numbers}))))
    assert verdicts(result) == ALL_TRUE
    assert wrong_cells(result, group_truth("denied", numbers, sub_rows=True)) == []


def test_a_groups_row_that_is_not_its_sub_rows_sum_is_inconsistent() -> None:
    result = read(report(tabs(rows({"denied.all": (2, 1, 0, 0, 0, 0, 3)}))))
    assert verdicts(result) == (V, BROKEN, V)
    assert set(findings(result)) == {
        "requests.groups.denied.natural_person",
        "requests.groups.denied.total",
    }
    assert cells(result)["requests.denied.all.natural_person"]["value"] == 2


def test_no_group_row_no_group_key() -> None:
    record = read(report()).record
    assert record is not None
    assert [key for key in record["requests"] if key.endswith(".all")] == []


BORDERED = [name for name in ("tabs", "pipes") if name in LAYOUTS]


@pytest.mark.parametrize("layout", BORDERED)
@pytest.mark.parametrize(
    "printed", [["0", "0", "0", "0", "0", "1", ""], ["", "1", "0", "0", "0", "0", "0"]], ids=["left", "right"]
)
def test_a_row_printed_a_column_off_is_not_slid_back_by_the_equations(layout: str, printed: list[str]) -> None:
    """Borders count up, an edge cell is blank, figures other than 0: the page's error, or a cell lost and padded."""
    result = read(report(LAYOUTS[layout](rows({"other.other": printed}))))
    assert not h.trusted(result, "requests")


@pytest.mark.parametrize("layout", BORDERED)
def test_a_row_that_lost_its_label_is_not_given_to_the_empty_row_above(layout: str) -> None:
    changes = {
        "not_processed.petition": ["0"] * 7,
        "not_processed.excessive": [""] * 7,
        "not_processed.confirm_or_reissue": ["1", *["0"] * 5, "1"],
    }
    text = report(LAYOUTS[layout](rows(changes)))
    assert h.trusted(read(text), "requests")
    assert not h.trusted(read(text.replace("5.要求行政机关确认或重新出具已获取信息", "")), "requests")


@pytest.mark.parametrize("layout", BORDERED)
@pytest.mark.parametrize("mark", ["□", "?", "■", "�"])
def test_a_mark_in_a_cell_is_no_part_of_the_label(layout: str, mark: str) -> None:
    """The fields behind an illegible first cell keep their places."""
    result = read(report(LAYOUTS[layout](rows({"other.other": [mark, "0", "0", "0", "0", "0", "1"]}))))
    found = cells(result)
    assert found["requests.other.other.natural_person"]["state"] in ("illegible", "ambiguous")
    assert not h.trusted(result, "requests")
