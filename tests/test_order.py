"""Table 3 printed column by column, whole or in pieces: taken where the equations prove it, refused elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from extractor.eval.fuzz import run_one

from extractor.form import FORM, REQUEST_COLUMNS, REQUEST_ROWS, equations
from extractor.pipeline import extract
from extractor.reader.order import MOST_PIECES, Values, fits_in_pieces, prove_order
from extractor.results import Result

HEADS = [column.label for column in FORM.columns]
LABELS = [row.ordinal + row.label for row in FORM.rows]
Grid = list[list[int]]


def grid(**rows: Sequence[int]) -> Grid:
    """Table 3 with these rows (first applicants; the rest 0) and the sums that the form asks for."""
    table = {key: [0] * 6 for key in REQUEST_ROWS}
    for key, values in rows.items():
        table[key.replace("__", ".")][: len(values)] = values
    outcomes = [
        key for key in REQUEST_ROWS if key not in ("new_received", "carried_in", "total_processed", "carried_out")
    ]
    table["total_processed"] = [sum(table[key][c] for key in outcomes) for c in range(6)]
    table["new_received"] = [
        table["total_processed"][c] + table["carried_out"][c] - table["carried_in"][c] for c in range(6)
    ]
    return [[*table[key], sum(table[key])] for key in REQUEST_ROWS]


FULL = grid(
    carried_in=[2, 1], granted=[19, 4], granted_in_part=[5, 2], denied__process_information=[3], carried_out=[2, 0, 1],
    unavailable__not_held=[12, 3, 0, 1], not_processed__duplicate=[7], other__not_corrected=[1, 0, 0, 0, 2],
)  # fmt: skip
ONE_COLUMN = grid(granted=[1], denied__third_party_rights=[1], not_processed__duplicate=[1])


def stream(table: Grid, *breaks: int) -> list[int]:
    """The figures column by column, in pieces that end behind these rows."""
    cuts = [0, *breaks, len(table)]
    return [table[row][column] for a, b in pairwise(cuts) for column in range(7) for row in range(a, b)]


def balanced(rows: Sequence[Values]) -> int | None:
    values = {
        f"requests.{key}.{column}": value
        for key, row in zip(REQUEST_ROWS, rows, strict=True)
        for column, value in zip(REQUEST_COLUMNS, row, strict=True)
    }
    rules = [e for e in equations() if e.code.startswith(("requests.balance", "requests.outcomes"))]
    sums = [(sum(values[p] for p in e.left), sum(values[p] for p in e.right)) for e in rules]
    return sum(left > 0 for left, _ in sums) if all(left == right for left, right in sums) else None


def report(table: Grid, *breaks: int, heads: Sequence[str] = tuple(HEADS), page: str = "— 3 —") -> str:
    """A report as pdfminer gives it: the labels of a page, then its columns; the last piece behind the next heading."""
    cuts = [0, *breaks, len(table)]
    lines = ["甲县人民政府", "2023年政府信息公开工作年度报告", "三、收到和处理政府信息公开申请情况", *heads]
    for a, b in pairwise(cuts):
        lines += LABELS[a:b]
        if b == len(table):
            lines.append("四、政府信息公开行政复议、行政诉讼情况")
        lines += [str(value) for value in stream(table[a:b])]
        if b < len(table) and page:
            lines.append(page)
    blocks = ["行政复议", "行政诉讼", "未经复议直接起诉", "复议后起诉"]
    lines += [*blocks, *["结果维持", "结果纠正", "其他结果", "尚未审结", "总计"] * 3, *"100010000000000"]
    return "\n\n".join([*lines, "五、存在的主要问题及改进情况", "无。"])


def verdict(text: str) -> str:
    return extract(text).verdicts["requests"]


def read(result: Result) -> Grid:
    assert result.record is not None
    requests = result.record["requests"]
    return [[requests[key][column] for column in REQUEST_COLUMNS] for key in REQUEST_ROWS]


@pytest.mark.parametrize("breaks", [(), (16,), (2,), (24,), (9, 17)])
def test_columns_in_pieces_are_proved(breaks: tuple[int, ...]) -> None:
    result = extract(report(FULL, *breaks))
    assert result.verdicts["requests"] == "verified"
    assert read(result) == FULL
    for cell in result.cells:
        if cell.path.startswith("requests."):
            assert cell.span is not None
            assert cell.raw == result.text[slice(*cell.span)] == str(cell.value)
    spans = [cell.span for cell in result.cells if cell.path.startswith("requests.")]
    assert len(set(spans)) == len(spans)


def test_spans_point_at_the_cells_of_the_columns() -> None:
    text = report(FULL, 16)
    places = {cell.path: cell.span for cell in extract(text).cells}
    column = [places[f"requests.{key}.business"] for key in REQUEST_ROWS[:16]]
    assert column == sorted(column)  # type: ignore[type-var]
    assert places["requests.granted.business"] > places["requests.not_processed.petition.natural_person"]  # type: ignore[operator]


def test_a_lone_page_number_before_a_form_feed_is_left_out() -> None:
    assert read(extract(report(FULL, 16, page="3\n\n\f"))) == FULL


def test_published_error_is_refused() -> None:
    for row, column in ((2, 0), (10, 1), (23, 6)):
        wrong = [list(values) for values in FULL]
        wrong[row][column] += 1
        assert prove_order(stream(wrong, 16), 7, balanced) is None
        assert verdict(report(wrong, 16)) == "needs_review"


def test_a_lost_number_is_refused() -> None:
    text = report(FULL, 16)
    for lost in ("\n\n19\n\n", "\n\n12\n\n", "\n\n0\n\n"):
        assert lost in text
        assert verdict(text.replace(lost, "\n\n", 1)) == "needs_review"


def test_a_lost_number_is_not_made_up_by_a_page_number() -> None:
    text = report(FULL, 16, page="19\n\n\f")
    assert verdict(text.replace("\n\n19\n\n", "\n\n", 1)) == "needs_review"


def test_heads_out_of_order_are_refused() -> None:
    for a in range(5):
        heads = list(HEADS)
        heads[a], heads[a + 1] = heads[a + 1], heads[a]
        assert verdict(report(FULL, 16, heads=heads)) == "needs_review"


def test_heads_that_are_missing_are_refused() -> None:
    for a in range(6):
        assert verdict(report(FULL, 16, heads=HEADS[:a] + HEADS[a + 1 :])) == "needs_review"


def test_all_zero_proves_nothing() -> None:
    assert prove_order([0] * 175, 7, balanced) is None


def test_too_little_proves_nothing() -> None:
    assert prove_order(stream(ONE_COLUMN, 16), 7, balanced) is None
    assert verdict(report(ONE_COLUMN, 16)) == "needs_review"


def test_symmetric_table_is_refused() -> None:
    """By rows and by columns it says the same, from other places: no figure has a sure cell."""
    square = [[i * j for j in range(1, 7)] for i in range(1, 7)]
    square = [[*row, sum(row)] for row in square]
    square.append([sum(column) for column in zip(*square, strict=True)])
    assert stream(square) == [value for row in square for value in row]
    assert prove_order(stream(square), 7, lambda rows: 14) is None


def test_two_orders_that_both_fit_are_refused() -> None:
    """A stream that keeps every row sum by rows and by columns, and a rule that cannot tell them apart."""
    rows = [[1, 2, 0, 0, 0, 0, 3], [0, 1, 0, 0, 0, 0, 1], *[[0] * 7 for _ in range(4)], [1, 3, 0, 0, 0, 0, 4]]
    figures = [value for row in rows for value in row]
    assert fits_in_pieces(figures, 7, lambda rows: 20, [(0,) * 7] * 7)
    assert fits_in_pieces(figures, 7, lambda rows: 20, [tuple(row) for row in rows])
    assert prove_order(figures, 7, lambda rows: 20) is None


def test_rows_alone_are_no_order_in_pieces() -> None:
    found = prove_order([value for row in FULL for value in row], 7, balanced)
    assert found is not None
    assert ([list(row) for row in found[0]], found[1]) == (FULL, None)


def test_more_pieces_than_page_breaks_are_no_order() -> None:
    found = prove_order(stream(FULL, 4, 9, 15), 7, balanced)
    assert found is None or found[1] is None
    assert MOST_PIECES == 3


@pytest.mark.parametrize("figures", [[0] * 7 * 40, [0] * 7 * 4000, [1] * 7 * 40, [*([1] * 6), 6] * 40])
def test_the_search_is_bounded(figures: list[int]) -> None:
    bound: Callable[[Sequence[Values]], int | None] = lambda rows: 30  # noqa: E731
    begun = time.perf_counter()
    assert prove_order(figures, 7, bound) is None or len(set(figures)) > 1
    assert time.perf_counter() - begun < 2


def test_hostile_streams_take_bounded_time() -> None:
    begun = time.perf_counter()
    extract(report(FULL, 16) + "\n\n" + "\n\n".join(["1"] * 20_000))
    extract(report(FULL, 16).replace("\n\n19\n\n", "\n\n19" * 3000 + "\n\n\n\n", 1))
    assert time.perf_counter() - begun < 10


@pytest.mark.parametrize("breaks", [(1,), (2,), (3, 4)])
def test_figures_behind_the_next_heading_are_not_forgotten(breaks: tuple[int, ...]) -> None:
    """A first piece of one row may look like figures over the next label; those behind the heading say otherwise."""
    result = extract(report(FULL, *breaks, heads=()).replace(LABELS[0], "\n\n".join([LABELS[0], *HEADS])))
    assert result.verdicts["requests"] == "needs_review" or read(result) == FULL


@pytest.mark.parametrize("seed", [5157, 5817, 5880, 5992, 15664, 15678, 7310643, 7312362, 7312835])
def test_columns_that_once_escaped(seed: int) -> None:
    assert run_one((seed, "pdf_columns")).fatal == []


def test_gaotang() -> None:
    path = Path(__file__).parent.parent / "fixtures" / "reports" / "gaotang-2023-pdf-raw-column-order.txt"
    assert verdict(path.read_text(encoding="utf-8")) == "verified"
