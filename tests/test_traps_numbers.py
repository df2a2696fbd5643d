"""Traps of numbers and amounts as printed; a figure too few or too many."""

from __future__ import annotations

from collections.abc import Callable

import helpers as h
import pytest
from cases import (
    LAYOUTS,
    Case,
    F,
    N,
    R,
    V,
    check,
    params,
    replaced,
)
from helpers import (
    LABELS,
    OUTCOMES,
    TRUE_ROWS,
    cells,
    glued,
    missed_cells,
    pipes,
    read,
    report,
    rows,
    table_2,
    tabs,
    trusted,
    truth,
    wrong_cells,
)

# ---------------------------------------------------------------- numbers as printed


def cells_as(kind: Callable[[int], str], layout: Callable[..., str] = tabs) -> str:
    return layout(rows({key: [kind(n) for n in row] for key, row in TRUE_ROWS.items()}))


FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
CHINESE = {0: "零", 1: "一", 2: "二", 3: "三", 5: "五", 6: "六", 9: "九", 11: "十一", 20: "二十", 24: "二十四"}
THOUSANDS = {
    **dict.fromkeys(LABELS, h.ZERO),
    "new_received": (1234567, 1000, 0, 0, 0, 0, 1235567),
    "granted": (1234567, 1000, 0, 0, 0, 0, 1235567),
    "total_processed": (1234567, 1000, 0, 0, 0, 0, 1235567),
}
NUMBERS = [
    *(
        Case(f"full-width digits in {name}", report(layout(rows()).translate(FULL_WIDTH)))
        for name, layout in LAYOUTS.items()
        if name != "page"
    ),
    *(
        Case(
            f"thousands commas in {name}",
            report(LAYOUTS[name](rows({k: [f"{n:,}" for n in r] for k, r in THOUSANDS.items()}))),
            true=truth(THOUSANDS),
        )
        for name in ("tabs", "pipes", "lines", "spaced", "page")
    ),
    *(
        Case(f"units in {name}", report(cells_as(lambda n: f"{n}件", LAYOUTS[name])))
        for name in ("tabs", "pipes", "lines", "spaced")
    ),
    *(
        Case(
            f"a note in brackets in {name}",
            report(LAYOUTS[name](rows({"granted": ["9（其中当场 2 件）", "1", "0", "0", "0", "1", "11"]}))),
        )
        for name in ("tabs", "pipes", "lines")
    ),
    Case(
        "a note in brackets in table 2",
        report(disclosure=table_2({"normative_documents": ["2", "1", "12（其中修订16件）"]})),
    ),
    *(
        Case(f"Chinese numerals in {name}", report(cells_as(CHINESE.__getitem__, LAYOUTS[name])))
        for name in ("tabs", "pipes")
    ),
    *(
        Case(
            f"O for 0 and l for 1 in {name}",
            report(LAYOUTS[name](rows({"granted": ["9", "l", "O", "0", "o", "I", "1l"]}))),
        )
        for name in ("tabs", "pipes")
    ),
    *(
        Case(
            f"split digit in {name}",
            report(LAYOUTS[name](rows({"new_received": ["2 0", "3", "0", "0", "0", "1", "2 4"]}))),
        )
        for name in ("tabs", "pipes", "lines")
    ),
    Case(
        "a number broken by a line end in pipes", report(replaced(pipes(rows()), ("| 20 | 3 |", "| 2\n0 | 3 |"))), None
    ),
]


@params(NUMBERS)
def test_numbers(case: Case) -> None:
    check(case)


def test_a_split_digit_keeps_its_raw() -> None:
    result = read(report(tabs(rows({"new_received": ["2 0", "3", "0", "0", "0", "1", "24"]}))))
    cell = cells(result)["requests.new_received.natural_person"]
    assert (cell["value"], cell["raw"], cell["state"]) == (20, "2 0", "reported")


def test_a_split_digit_that_equations_contradict_is_not_taken() -> None:
    # 2 5 reads 25, but every equation asks for 20.
    result = read(report(tabs(rows({"new_received": ["2 5", "3", "0", "0", "0", "1", "24"]}))))
    cell = cells(result)["requests.new_received.natural_person"]
    assert result.verdicts["requests"] not in (V, R)
    assert cell["value"] is None
    assert cell["state"] in ("ambiguous", "illegible")


@pytest.mark.parametrize("printed", ["3 0", "3O", "l2"])
def test_candidate_readings_in_table_2_stay_open(printed: str) -> None:
    result = read(report(disclosure=table_2({"normative_documents": ["2", "1", printed]})))
    cell = cells(result)["disclosure.normative_documents.in_force"]
    assert result.verdicts["disclosure"] == N
    assert cell["value"] is None
    assert cell["state"] in ("ambiguous", "illegible")


# ---------------------------------------------------------------- a figure too few or too many
# Several readings fit, one of them with a cell lost or doubled: nothing wrong may be trusted.


def table_4_printing(join: str, *first_block: object) -> str:
    """Table 4 whose first block prints these figures and whose other blocks are ten zeros."""
    heads = (
        "行政复议 行政诉讼\n" + " ".join(OUTCOMES) + " 未经复议直接起诉 复议后起诉\n" + " ".join(OUTCOMES * 2) + "\n"
    )
    return heads + join.join(map(str, (*first_block, *[0] * 10))) + "\n"


@pytest.mark.parametrize("join", [" ", "   ", "\t", "\n", " | "], ids=["space", "wide", "tab", "line", "pipe"])
@pytest.mark.parametrize(
    ("true", "printed"),
    [
        ((5, 0, 0, 11, 16), (5, 0, 0, 16)),  # 16 cut is 1 6, and 5 + 1 = 6
        ((3, 0, 0, 11, 14), (3, 0, 0, 14)),
        ((0, 2, 2, 11, 15), (0, 2, 2, 15)),
        ((10, 0, 0, 11, 21), (10, 0, 0, 11, 11, 21)),  # 11 1 | 1 21 are 111 and 121
        ((2, 53, 0, 1, 56), (2, 53, 53, 0, 1, 56)),
        ((10, 0, 3, 44, 57), (10, 0, 3, 44, 44, 57)),
    ],
    ids=["16", "14", "15", "11 11 21", "53 53", "44 44"],
)
def test_table_4_with_a_figure_too_few_or_too_many(join: str, true: tuple[int, ...], printed: tuple[int, ...]) -> None:
    result = read(report(disputes=table_4_printing(join, *printed)))
    paper = dict(zip((f"reconsideration.{c}" for c in h.BLOCK_COLUMNS), true, strict=True))
    wrong = [w for w in wrong_cells(result, {**truth(), **paper}) if w[0].startswith("reconsideration.")]
    assert not (trusted(result, "disputes") and wrong), wrong
    assert not trusted(result, "disputes") or cells(result)["reconsideration.total"]["value"] is not None


@pytest.mark.parametrize(
    "printed",
    [(2, 1, 0, 1, 4, 7), (2, 1, 0, 4), (12, 1, 0, 1, 15, 3)],
    ids=["one too many", "one too few", "one too many, and none fits"],
)
@pytest.mark.parametrize("join", [" ", "\t", "\n", " | ", ""], ids=["space", "tab", "line", "pipe", "glued"])
def test_a_table_4_that_cannot_be_read_is_reviewed_not_failed(join: str, printed: tuple[int, ...]) -> None:
    """`failed` says that not one cell was found (CONTRACT), and its cells would be missing."""
    result = read(report(disputes=table_4_printing(join, *printed)))
    states = {cell["state"] for path, cell in cells(result).items() if h.table_of(path) == "disputes"}
    assert (result.verdicts["disputes"] == F) == (states == {"missing"})
    assert result.verdicts["disputes"] != F


LEVELS = ("new_received", "granted", "unavailable.not_held", "total_processed")
SHIFTED = {
    **dict.fromkeys(LABELS, h.ZERO),
    "new_received": (25, 3, 64, 21, 27, 11, 151),
    "granted": (20, 2, 60, 20, 20, 10, 132),
    "unavailable.not_held": (5, 1, 4, 1, 7, 1, 19),
    "total_processed": (25, 3, 64, 21, 27, 11, 151),
}


@pytest.mark.parametrize("layout", ["tabs", "pipes", "spaced", "page", "lines"])
@pytest.mark.parametrize("key", LEVELS)
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_row_shifted_by_one_cell(side: str, key: str, layout: str) -> None:
    """Its first or last figure was pushed out; with the lost one derived, every equation holds."""
    numbers = [str(n) for n in SHIFTED[key]]
    printed = [*numbers[1:], ""] if side == "left" else ["", *numbers[:6]]
    result = read(report(LAYOUTS[layout](rows({**SHIFTED, key: printed}))))
    assert not trusted(result, "requests") or wrong_cells(result, truth(SHIFTED)) == []


GLUED_LOSSES: dict[str, tuple[tuple[int, ...], str]] = {
    "eleven lost in front": ((11, 0, 0, 0, 0, 0, 11), "0000011"),  # as seven digits 0 0 0 0 0 1 1
    "twenty lost behind": ((0, 0, 0, 0, 0, 20, 20), "0000020"),
    "eleven lost behind": ((0, 11, 0, 0, 0, 0, 11), "0110000"),
}


@pytest.mark.parametrize("name", GLUED_LOSSES)
def test_a_glued_row_that_lost_a_figure(name: str) -> None:
    """Seven digits are not always seven figures: six figures fit every equation."""
    row, run = GLUED_LOSSES[name]
    true = {
        **dict.fromkeys(LABELS, h.ZERO),
        **dict.fromkeys(("new_received", "unavailable.needs_creation", "total_processed"), row),
    }
    text = report(replaced(glued(rows(true)), ("另行制作" + "".join(map(str, row)), "另行制作" + run)))
    result = read(text)
    assert not trusted(result, "requests") or wrong_cells(result, truth(true)) == []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_slashes_stuck_together_are_cells_each(layout: str) -> None:
    changes = {
        **dict.fromkeys(LABELS, h.ZERO),
        "new_received": (0, 0, 0, 11, 0, 11, 22),
        "not_processed.confirm_or_reissue": (0, 0, 0, 11, 0, 11, 22),
        "total_processed": (0, 0, 0, 11, 0, 11, 22),
    }
    printed = {"not_processed.confirm_or_reissue": ["/", "/", "/", "11", "/", "11", "22"]}
    result = read(report(LAYOUTS[layout](rows({**changes, **printed}))))
    assert not trusted(result, "requests") or wrong_cells(result, truth(changes)) == []
    if layout != "glued":
        assert result.verdicts["requests"] == R


@pytest.mark.parametrize("layout", ["tabs", "pipes", "lines", "spaced", "page"])
@pytest.mark.parametrize("at", range(6))
def test_one_border_lost(at: int, layout: str) -> None:
    """Two figures of a row stick together; its sum and the columns cut them."""
    printed = [str(n) for n in TRUE_ROWS["new_received"]]
    printed[at : at + 2] = [printed[at] + printed[at + 1]]
    result = read(report(LAYOUTS[layout](rows({"new_received": printed}))))
    assert result.verdicts["requests"] in (V, R)  # 00 may be no cell's print, and both zeros derived
    assert wrong_cells(result, truth()) == []
    assert missed_cells(result, truth()) == []


# ---------------------------------------------------------------- the fee


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        (table_2({"fees": ["125000"]}, unit="元"), "125000", "元"),
        (table_2({"fees": ["125000元"]}), "125000", "元"),
        (table_2({"fees": ["240万元"]}), "240", "万元"),
        (table_2({"fees": ["16085.100735"]}), "16085.100735", "万元"),
        (table_2({"fees": ["1,250.50"]}), "1250.50", "万元"),
        (table_2({"fees": ["0.00"]}), "0.00", "万元"),
    ],
    ids=["yuan in the head", "yuan behind the number", "unit behind the number", "exact", "comma", "zero"],
)
def test_amounts_keep_value_and_unit(text: str, amount: str, unit: str) -> None:
    result = read(report(disclosure=text))
    assert result.record is not None
    assert result.verdicts["disclosure"] == V
    assert result.record["disclosure"]["fees"] == {"amount": amount, "unit": unit}
    assert cells(result)["disclosure.fees.amount"]["value"] == amount


@pytest.mark.parametrize("printed", ["12.5 33", "12.5  -  640", "12.533.1"])
def test_an_amount_with_another_number_behind_is_not_guessed(printed: str) -> None:
    result = read(report(disclosure=table_2({"fees": [printed]})))
    cell = cells(result)["disclosure.fees.amount"]
    assert not trusted(result, "disclosure")
    assert cell["value"] is None
    assert cell["state"] in ("ambiguous", "illegible")


def test_the_fee_of_section_six_is_another_thing() -> None:
    result = read(
        report(disclosure=table_2({"fees": [""]}), others="本年收取信息处理费 640 元；行政事业性收费见上表。")
    )
    assert cells(result)["disclosure.fees.amount"]["value"] is None


@pytest.mark.parametrize(
    ("head", "unit"),
    [
        ("本年收费金额（单位：万元）", "万元"),
        ("本年收费金额（单位：元）", "元"),
        ("本年收费金额（单位：\n元）", "元"),
        ("本年收 费金额（单 位：元）", "元"),
        ("本年收费金额（单位： | | |\n | 元） |", "元"),
        ("本年收费金额", "万元"),
    ],
)
def test_the_unit_of_the_head_is_read_however_it_is_wrapped(head: str, unit: str) -> None:
    result = read(report().replace("本年收费金额（单位：万元）", head))
    cell = next(c for c in result.cells if c.path == "disclosure.fees.amount")
    assert cell.unit == unit or result.verdicts["disclosure"] not in ("verified", "reconciled")
    assert cell.value is None or cell.unit == unit
