"""Table 3 beside a column that the form does not have: what the equations, heads and borders prove, and what not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest
from helpers import cells, in_order, pipes, report, rows, spaced, tabs, truth, untrue_spans, wrong_cells

from extractor.pipeline import extract
from extractor.results import Result

Table = Mapping[str, Sequence[str]]
HEADS = ["自然人", "商业企业", "科研机构", "社会公益组织", "法律服务机构", "其他", "总计"]
NOUGHTS: dict[str, tuple[int, ...]] = dict.fromkeys(rows(), (0,) * 7)


def beside(
    table: Table, place: int, column: Sequence[str], head: str = "", shape: Callable[[Table], str] = tabs
) -> Result:
    """A report whose table 3 has a further column in this place; with a head, the heads stand on one line."""
    order = in_order(table)
    printed = {}
    for key, cell in zip(order, column, strict=True):
        printed[key] = [*table[key][:place], cell, *table[key][place:]]
    text = report(requests=shape(printed))
    if head:
        start, stop = text.index("\t\t\t自然人"), text.index("一、本年新收")
        text = text[:start] + "\t\t\t" + "\t".join([*HEADS[:place], head, *HEADS[place:]]) + "\n" + text[stop:]
    return extract(text)


def proved(result: Result, verdict: str = "verified", true: Mapping[str, object] | None = None) -> None:
    assert result.verdicts["requests"] == verdict
    assert wrong_cells(result, dict(true or truth())) == []
    assert untrue_spans(result) == []
    assert {c["method"] for path, c in cells(result).items() if path.startswith("requests.")} == {"rule"}


def refused(result: Result) -> None:
    assert result.verdicts["requests"] == "needs_review"


NUMBERS = [str(i) for i in range(1, 26)]
TOTALS = [row[-1] for row in rows().values()]
OTHERS = [str(i * 7 % 31 + 1) for i in range(25)]


@pytest.mark.parametrize("shape", [tabs, pipes, spaced])
def test_line_numbers(shape: Callable[[Table], str]) -> None:
    proved(beside(rows(), 0, NUMBERS, shape=shape))


@pytest.mark.parametrize("place", range(8))
def test_figures_anywhere_are_told_by_the_equations(place: int) -> None:
    proved(beside(rows(), place, OTHERS, "上年"))


def test_figures_between_the_others_need_a_head() -> None:
    """The seven heads stand side by side: the column is before or behind them, the equations say otherwise."""
    refused(beside(rows(), 3, OTHERS))


def test_remarks_with_figures() -> None:
    column = [""] * 25
    column[0], column[3], column[24] = "其中网上提交25件", "较上年多3件", "见附件2"
    proved(beside(rows(), 7, column, "备注"))
    proved(beside(rows(), 7, column))


def test_line_numbers_beside_noughts() -> None:
    proved(beside(rows(NOUGHTS), 0, NUMBERS), true=truth(NOUGHTS))


def test_noughts_beside_last_years_totals_need_a_head() -> None:
    last = ["3", "9", "12", *["0"] * 20, "12", "7"]
    proved(beside(rows(NOUGHTS), 7, last, "上年总计"), true=truth(NOUGHTS))
    refused(beside(rows(NOUGHTS), 7, last))


def test_one_figure_beside_noughts_may_be_a_misprint() -> None:
    """Either last year had one request, or this year's total is misprinted and the heads stand wrongly."""
    refused(beside(rows(NOUGHTS), 7, ["0", "1", *["0"] * 23], "上年总计"))


def test_totals_equal_to_last_years_need_a_head() -> None:
    proved(beside(rows(), 7, TOTALS, "上年总计"))
    result = beside(rows(), 7, TOTALS)
    assert result.verdicts["requests"] in ("needs_review", "reconciled")
    assert wrong_cells(result, truth()) == []


MISPRINT = (9, 1, 0, 0, 0, 1, 12)  # adds up to 11


def test_a_misprint_beside_line_numbers_is_read_as_printed() -> None:
    proved(beside(rows({"granted": MISPRINT}), 0, NUMBERS, "行次"), "inconsistent", truth({"granted": MISPRINT}))


def test_a_misprint_beside_last_years_totals_is_read_as_printed_where_the_heads_say_so() -> None:
    table = rows({"granted": MISPRINT})
    proved(beside(table, 7, OTHERS, "上年总计"), "inconsistent", truth({"granted": MISPRINT}))
    refused(beside(table, 7, OTHERS))


@pytest.mark.parametrize("head", ["", "上年总计", "合计"])
def test_a_misprint_that_the_column_beside_it_would_mend_is_not_mended(head: str) -> None:
    refused(beside(rows({"granted": MISPRINT}), 7, TOTALS, head))


def test_heads_that_contradict_the_equations() -> None:
    table = {key: [*row[:6], last, row[6]] for (key, row), last in zip(rows().items(), OTHERS, strict=True)}
    text = report(requests=tabs(table)).replace("其他\t总计", "其他\t总计\t上年总计")
    refused(extract(text))


def test_a_row_that_lost_a_figure_beside_line_numbers() -> None:
    """It prints seven figures, of which one is the line's number."""
    table = {key: [number, *row] for (key, row), number in zip(rows().items(), NUMBERS, strict=True)}
    table["denied.state_secret"] = table["denied.state_secret"][:-1]
    refused(extract(report(requests=tabs(table))))


@pytest.mark.parametrize("damaged", ["2 0", "O", "见附件"])
def test_a_damaged_cell_does_not_make_its_column_foreign(damaged: str) -> None:
    """All rows print eight cells, one column of noughts is not the form's, one cell of another cannot be read."""
    table = {key: [*row[:2], "0", *row[2:]] for key, row in rows().items()}
    table["denied.state_secret"][5] = damaged
    refused(extract(report(requests=tabs(table))))


def test_two_columns_are_refused() -> None:
    table = {key: [n, "5", *row] for (key, row), n in zip(rows().items(), NUMBERS, strict=True)}
    refused(extract(report(requests=tabs(table))))


def test_one_figure_too_many_in_one_row_is_no_column() -> None:
    table = rows()
    table["granted"] = ["9", "5", "1", "0", "0", "0", "1", "11"]
    refused(extract(report(requests=tabs(table))))


def test_a_number_of_a_remark_is_no_cell_beside_a_chinese_numeral() -> None:
    """Seven figures in digits with the remark's; eight cells by the borders."""
    table = rows()
    table["granted"][2] = "零"
    column = ["", "", "其中网上提交25件", *[""] * 22]
    proved(beside(table, 7, column))
    proved(beside(table, 7, column, "备注"))
    table["granted"][6] = "12"
    proved(beside(table, 7, column, "备注"), "inconsistent", truth({"granted": MISPRINT}))


def test_a_number_of_a_remark_does_not_stand_in_for_a_lost_figure() -> None:
    """As many figures as cells, so that the order of all figures might read the table: one row slides into the next."""
    table = rows({"denied.third_party_rights": (1, 0, 0, 0, 0, 0, 1), "denied.internal_affairs": (1, 0, 0, 0, 0, 0, 1)})
    printed = {key: [*row, ""] for key, row in table.items()}
    printed["denied.third_party_rights"] = ["1", "0", "0", "0", "0", "1", ""]
    printed["denied.internal_affairs"][7] = "已公开1件"
    for shape in (tabs, pipes):
        refused(extract(report(requests=shape(printed))))
