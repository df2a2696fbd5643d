"""PDF: figures that a person cannot read for sure are no figures, and what is not seen does not join what is."""

from __future__ import annotations

import pytest
from pdfs import Page, area, grid, line, pdf, text

from extractor.document.content import Stored
from extractor.document.formats.pdf import read_pdf
from extractor.pipeline import extract_all

LOST = "\ufffd"
WIDE = 5.56  # a digit at 10 points


def clipped(x: float, what: str) -> str:
    """What is left of a text that begins at (100, 700) when all right of x is cut off."""
    return f"q 90 690 {x - 90} 30 re W n {what} Q\n"


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        pytest.param(text(100, 700, "104", 6) + text(109.3, 700, "7", 6, colour="1 g"), "104", id="white beside"),
        pytest.param(text(100, 700, "7", 6, colour="0.985 g") + text(102.9, 700, "104", 6), "104", id="pale before"),
        pytest.param(clipped(100 + 2.5 * WIDE, text(100, 700, "118")), f"11{LOST}", id="a half of it cut off"),
        pytest.param(clipped(100 + 2 * WIDE, text(100, 700, "118")), f"1{LOST}", id="goes on where it is cut off"),
        pytest.param(clipped(200, text(100, 700, "118")), "118", id="clip around it"),
        pytest.param(
            text(100, 700, "118") + area(100 + 2 * WIDE, 690, 130, 715, "1 g"), f"1{LOST}", id="the end painted over"
        ),
        pytest.param(text(100, 700, "items 17") + line(123, 703.5, 136, 703.5), f"items {LOST}{LOST}", id="struck out"),
        pytest.param(text(100, 700, "17") + line(50, 703.5, 400, 703.5), "17", id="a border through it"),
        pytest.param(text(100, 700, "17") + line(99, 698.5, 112, 698.5), "17", id="underlined"),
        pytest.param(text(100, 700, "17") + text(100 + 2 * WIDE, 700, "2", size=6), "17²", id="small beside large"),
        pytest.param(text(100, 700, "3") + text(100.5, 700, "3"), "3", id="twice for bold"),
        pytest.param(text(100, 700, "3") + text(103, 700, "3"), LOST, id="one half over the other"),
    ],
)
def test_what_can_be_read_of_a_figure(drawn: str, expected: str) -> None:
    assert read_pdf(pdf(drawn)).text == expected


def test_a_cell_in_which_something_is_drawn_is_not_blank() -> None:
    drawn = grid((50, 150, 200, 250), (600, 620, 640)) + text(60, 625, "a") + text(160, 625, "1") + text(60, 605, "b")
    assert read_pdf(pdf(drawn)).text == "a\t1\t\nb\t\t"
    picture = Page(drawn, images=((210, 622, 230, 636),))
    assert read_pdf(pdf(picture)).text.startswith(f"a\t1\t{LOST}\n")
    path = "0 g 160 603 m 168 603 170 612 160 616 c 155 612 155 606 160 603 c f\n"
    assert read_pdf(pdf(drawn + path)).text == f"a\t1\t\nb\t{LOST}\t"


def test_frames_within_cells_do_not_put_one_printed_line_into_several_rows() -> None:
    frames = line(150, 612, 200, 612) + line(200, 606.5, 250, 606.5)
    drawn = grid((50, 150, 200, 250), (600, 620, 640)) + frames
    drawn += text(60, 606, "a") + text(160, 606, "1") + text(210, 606, "2")
    assert read_pdf(pdf(drawn)).text.split() == ["a", "1", "2"]
    assert "\n" not in read_pdf(pdf(drawn)).text


def test_a_label_half_above_and_half_below_its_figures_stands_beside_them() -> None:
    figures = "".join(text(x, 693, "0") for x in (200, 240, 280))
    drawn = text(60, 700, "8.属于行政") + figures + text(60, 686, "查询事项") + text(60, 660, "（四）无法提供")
    assert read_pdf(pdf(drawn)).text.split("\n")[0].split() == ["8.属于行政查询事项", "0", "0", "0"]
    others = text(60, 700, "7.属于行政") + figures + text(60, 686, "8.查询事项")
    assert len(read_pdf(pdf(others)).text.split("\n")) == 3


@pytest.mark.parametrize(
    ("printed", "value"), [("38579", 38579), (f"3857{LOST}", None), (f"{LOST}8{LOST}", None), (f"{LOST} 8", None)]
)
def test_no_figure_is_read_from_what_is_left_of_one(printed: str, value: int | None) -> None:
    lines = (
        "二、主动公开政府信息情况\n第二十条第（六）项\n信息内容\t本年处理决定数量\n"
        f"行政处罚\t4460\t\t\n行政强制\t{printed}\t\t\n六、其他需要报告的事项\n无。"
    )
    (found,) = extract_all(Stored(lines), source="a.pdf")
    cell = next(cell for cell in found.cells if cell.path == "disclosure.coercion.decisions")
    assert cell.value == value
