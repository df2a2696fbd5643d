"""PDF pages → text: what a person sees, in the order in which a person reads."""

from __future__ import annotations

import io
import re
from itertools import pairwise
from random import Random
from typing import Any

import pdfplumber
import pytest
from extractor.eval.files.pdf import make, missing
from pdfs import Page, area, grid, line, pdf, text

from extractor.document.formats.pdf import read_pdf
from extractor.pipeline import extract_all


def rows(data: bytes) -> list[list[str]]:
    return [found.split("\t") for found in read_pdf(data).text.split("\n")]


LABEL = text(60, 625, "label")
XS, YS = (50, 150, 200, 250), (600, 620, 640)
IN_GRID = text(60, 625, "a") + text(160, 625, "1") + text(210, 625, "2") + text(60, 605, "b") + text(160, 605, "3")


def boxes(xs: tuple[float, ...], ys: tuple[float, ...], gap: float, filled: bool = False) -> str:
    """Every cell in a frame of its own, the frames `gap` points apart."""
    out = ""
    for x0, x1 in pairwise(xs):
        for y0, y1 in pairwise(ys):
            left, low, right, high = x0 + gap / 2, y0 + gap / 2, x1 - gap / 2, y1 - gap / 2
            out += area(left, low, right, high, "1 g") if filled else grid((left, right), (low, high))
    return out


def dashes(length: float, gap: float) -> str:
    """The lattice in small filled pieces."""
    out, step = "", length + gap
    for y in YS:
        out += "".join(area(50 + step * i, y, 50 + step * i + length, y + 0.5) for i in range(int(200 / step)))
    for x in XS:
        out += "".join(area(x, 600 + step * i, x + 0.5, 600 + step * i + length) for i in range(int(40 / step)))
    return out


def across(ys: tuple[float, ...]) -> str:
    return "".join(line(50, y, 250, y) for y in ys)


def upright(xs: tuple[float, ...]) -> str:
    return "".join(line(x, 600, x, 640) for x in xs)


@pytest.mark.parametrize(
    "drawn",
    [
        pytest.param(grid(XS, YS), id="strokes"),
        pytest.param("".join(area(x, 600, x + 0.6, 640) for x in XS) + across(YS), id="thin areas"),
        pytest.param(grid(XS, YS).replace("[] 0 d 5", "[3 2] 0 d 5"), id="dash pattern"),
        pytest.param(dashes(2, 2), id="dashes one by one"),
        pytest.param(dashes(0.5, 1), id="dots"),
        pytest.param(boxes(XS, YS, 2), id="doubled"),
        pytest.param(grid(XS, YS) + grid([x + 1.5 for x in XS], [y + 1.5 for y in YS]), id="double lines"),
        pytest.param(across(YS) + upright(XS[1:-1]), id="open at the sides"),
        pytest.param(across(YS[1:-1]) + upright(XS), id="open above and below"),
        pytest.param(area(50, 600, 250, 640) + boxes(XS, YS, 2, filled=True), id="ground between cells"),
    ],
)  # fmt: skip
def test_a_ruled_table_however_its_lines_are_drawn(drawn: str) -> None:
    assert rows(pdf(drawn + IN_GRID)) == [["a", "1", "2"], ["b", "3", ""]]


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        pytest.param(
            across((600, 640)) + line(150, 620, 250, 620) + upright((50, 150, 200, 250)) + text(60, 615, "ab")
            + text(160, 625, "1") + text(210, 625, "2") + text(160, 605, "3") + text(210, 605, "4"),
            [["ab", "1", "2"], ["", "3", "4"]],
            id="rows merged",
        ),
        pytest.param(
            across(YS) + upright((50, 150, 250)) + line(200, 600, 200, 620) + IN_GRID.replace("(2)", "( )"),
            [["a", "1", ""], ["b", "3", ""]],
            id="columns merged",
        ),
        pytest.param(
            grid((50, 150, 200), (600, 640)) + text(60, 627, "（一）予以") + text(60, 612, "公开")
            + text(160, 620, "7"),
            [["（一）予以公开", "7"]],
            id="a wrapped label",
        ),
        pytest.param(
            grid((50, 150, 200), (600, 640)) + LABEL + text(160, 627, "1") + text(160, 612, "2"),
            [["label", "1 2"]],
            id="1 above 2 is not 12",
        ),
        pytest.param(
            grid((50, 150, 170, 250), (600, 640)) + LABEL + text(155, 625, "123456789"),
            [["label              123456789"]],
            id="a number that runs over its cell: the lines do not say whose it is",
        ),
        pytest.param(
            grid((50, 150, 172.24, 250), (600, 640)) + LABEL + text(150, 625, "1234") + text(172.24, 625, "56"),
            [["label", "1234", "56"]],
            id="numbers that touch the line between them",
        ),
        pytest.param(
            grid((50, 150, 200, 250), (600, 640)) + LABEL + text(160, 625, "1") + text(190, 625, "2")
            + text(210, 625, "3"),
            [["label               1     2   3"]],
            id="lines that do not part the figures make no table",
        ),
        pytest.param(
            grid((160, 200), (600, 640)) + text(60, 615, "label") + text(170, 615, "4") + text(210, 615, "5"),
            [["label                 4       5"]],
            id="one framed cell of an unruled row",
        ),
        pytest.param(
            grid((50, 80, 150, 250), (600, 620, 640)) + text(70, 602, "up", turn="0 1 -1 0") + text(90, 605, "under")
            + text(90, 625, "above") + text(160, 605, "1") + text(160, 625, "2"),
            [["", "above", "2"], ["up", "under", "1"]],
            id="a label set upright",
        ),
    ],
)  # fmt: skip
def test_cells(drawn: str, expected: list[list[str]]) -> None:
    assert rows(pdf(drawn)) == expected


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        pytest.param(text(130, 600, "4") + text(100, 600, "d") + text(100, 700, "b"), "b\nd     4", id="position"),
        pytest.param(text(100, 700, "12") + text(100.4, 700, "12"), "12", id="drawn twice for bold print"),
        pytest.param(text(100, 700, "11") + text(100, 690, "11"), "11\n11", id="alike on two lines"),
        pytest.param(text(100, 700, "12") + text(100.4, 700, "15"), "1\ufffd", id="two figures one over the other"),
        pytest.param(text(100, 700, "12") + text(111.5, 704, "1", 6), "12¹", id="a raised note"),
        pytest.param(text(100, 700, "１２　，３"), "１２ ，３", id="full-width digits stay"),
        pytest.param("/Span << /ActualText (999) >> BDC " + text(100, 700, "12") + " EMC ", "12", id="replaced text"),
        pytest.param(text(100, 700, "a") + text(100, 600, "9", mode=3), "a", id="invisible"),
        pytest.param(text(100, 700, "a") + text(100, 600, "9", colour="1 g"), "a", id="white on white"),
        pytest.param(text(100, 700, "a") + text(100, 600, "9", colour="0.99 g"), "a", id="nearly white"),
        pytest.param(area(90, 590, 300, 620) + text(100, 600, "9", colour="1 g"), "9", id="white on black"),
        pytest.param(area(90, 590, 300, 620, "1 0 0 rg") + text(100, 600, "9", colour="1 0 0 rg"), "", id="red on red"),
        pytest.param(text(100, 700, "a") + text(100, 600, "9") + area(90, 590, 300, 620, "1 g"), "a", id="covered"),
        pytest.param(text(100, 600, "9") + area(90, 560, 300, 580, "1 g"), "9", id="covered beside"),
        pytest.param(text(100, 700, "a") + "q 0 0 50 50 re W n " + text(100, 600, "9") + "Q ", "a", id="clipped off"),
        pytest.param(text(100, 700, "a") + text(100, 600, "9", 0.1), "a", id="too small"),
        pytest.param(text(100, 700, "a") + text(700, 600, "9"), "a", id="beside the page"),
        pytest.param(text(100, 700, "a") + text(100, 300, "9", 40, turn="1 1 -1 1"), "a", id="a slanted watermark"),
    ],
)  # fmt: skip
def test_what_a_person_sees(drawn: str, expected: str) -> None:
    shown = text(100, 20, "end")
    assert read_pdf(pdf(drawn + shown)).text.replace(" ", "") == (expected + "\nend").strip().replace(" ", "")
    if "\n" in expected:
        assert read_pdf(pdf(drawn)).text == expected


def codes(data: bytes) -> list[str]:
    return [notice.code for notice in read_pdf(data).notices]


def test_text_left_out_is_told_and_only_then() -> None:
    assert codes(pdf(text(100, 700, "a") + text(100, 600, "9", mode=3))) == ["file.text_left_out"]
    assert codes(pdf(text(100, 700, "a") + text(100, 300, "99", 40, turn=".7 .7 -.7 .7"))) == ["file.text_left_out"]
    assert codes(pdf(text(100, 700, "a") + text(100, 600, "b") + area(90, 690, 120, 720, "0.9 g"))) == [
        "file.text_left_out"
    ]
    assert codes(pdf(area(90, 690, 120, 720, "0.9 g") + text(100, 700, "a"))) == []


LAYER = {
    "objects": ["<< /Type /OCG /Name (x) >>"],
    "resources": "/Properties << /L 1 0 R >>",
    "catalog": "/OCProperties << /OCGs [1 0 R] /D << /OFF [1 0 R] >> >>",
}


def test_layers_that_are_off_forms_and_notes() -> None:
    shown, off = text(100, 700, "a"), text(100, 600, "9")
    assert read_pdf(pdf(f"/OC /L BDC {off} EMC {shown}", **LAYER)).text == "a"
    assert read_pdf(pdf(f"/OC /L BDC {off} EMC {shown}", **{**LAYER, "catalog": ""})).text == "a\n9"
    assert read_pdf(pdf(f"/X0 Do {shown}", forms=[("/OC 1 0 R", off)], **LAYER)).text == "a"
    assert read_pdf(pdf(f"q 1 0 0 1 50 0 cm /X0 Do Q {shown}", forms=[("", off)])).text == "a\n          9"
    ruled = pdf(f"q 1 0 0 1 50 9 cm /X0 Do Q {shown}", forms=[("", grid(XS, YS) + IN_GRID)])
    assert read_pdf(ruled).text == "a\na\t1\t2\nb\t3\t"
    note = "/Annots [<< /Type /Annot /Subtype /{} /Rect [100 500 300 520] /F 4 /AP << /N 1 0 R >> >>]"
    form = [("/BBox [0 0 200 20]", text(0, 5, "note 7"))]
    assert read_pdf(pdf(Page(shown, extra=note.format("FreeText")), forms=form)).text == "a\nnote 7"
    assert read_pdf(pdf(Page(shown, extra=note.format("Widget")), forms=form)).text == "a\nnote 7"
    assert read_pdf(pdf(Page(shown, extra=note.format("Popup")), forms=form)).text == "a"


TURNED = grid(XS, YS) + IN_GRID + text(60, 660, "over the table") + text(60, 580, "below")


@pytest.mark.parametrize("extra", ["", "/CropBox [10 20 500 800]", "/Rotate 90", "/Rotate 180", "/Rotate 270"])
def test_turned_pages_read_upright_and_boxes_are_those_that_are_seen(extra: str) -> None:
    check_place(pdf(Page(TURNED, extra=extra)))


def test_a_page_cut_and_turned_counts_from_the_corner_that_is_seen() -> None:
    stored = read_pdf(pdf(Page(TURNED, extra="/Rotate 90 /CropBox [10 20 500 800]")))
    place = stored.places.at(stored.text.index("1"), stored.text.index("1") + 1)
    assert place is not None
    # The cell lies from (150, 620) to (200, 640); turned, its distance from the left is that from the foot before.
    assert place.box == pytest.approx((600, 140, 620, 190), abs=0.1)


@pytest.mark.parametrize(("turn", "matrix"), [(90, "0 1 -1 0 842 0"), (0, "0 1 -1 0 842 0"), (0, "-1 0 0 -1 595 842")])
def test_text_drawn_turned_reads_upright(turn: int, matrix: str) -> None:
    size = (842, 595) if matrix.startswith("0") else (595, 842)
    check_place(pdf(Page(f"q {matrix} cm {TURNED} Q", size=size, extra=f"/Rotate {turn}")))


def check_place(data: bytes) -> None:
    """The table is read, and each figure's box holds what pdfplumber finds drawn there."""
    stored = read_pdf(data)
    assert stored.text == "over the table\na\t1\t2\nb\t3\t\nbelow"
    with pdfplumber.open(io.BytesIO(data)) as opened:
        page = opened.pages[0]
        left, top = page.cropbox[0], page.cropbox[1]
        for figure in "123":
            at = stored.text.index(figure)
            place = stored.places.at(at, at + 1)
            assert place is not None
            assert place.box is not None
            (char,) = (char for char in page.chars if char["text"] == figure)
            x0, y0, x1, y1 = place.box
            assert x0 <= char["x0"] - left <= char["x1"] - left <= x1, figure
            assert y0 <= char["top"] - top <= char["bottom"] - top <= y1, figure
            assert (x1 - x0) * (y1 - y0) < 1200


def test_glyphs_without_a_character_are_never_figures() -> None:
    cid = "/F3 << /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [<< /Type /Font \
/Subtype /CIDFontType2 /BaseFont /X /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>] >>"
    data = pdf(text(100, 700, "abc") + "BT /F3 10 Tf 100 600 Td <00110012> Tj ET", fonts=cid)
    assert read_pdf(data).text == "abc\n\ufffd\ufffd"
    assert codes(data) == ["file.unmapped_glyphs"]


def paged(*bodies: str, head: str = "", foot: str = "- {} -") -> bytes:
    """Pages with a running head and page numbers from 3 on."""
    return pdf(
        *(
            text(60, 810, head or " ") + body + text(280, 25, foot.format(number))
            for number, body in enumerate(bodies, 3)
        )
    )


@pytest.mark.parametrize("foot", ["- {} -", "{}", "{}/9", "— {} —", "第 {} 页"])
def test_a_table_over_pages_is_one_and_page_numbers_are_no_figures(foot: str) -> None:
    first = (
        text(60, 700, "before") + grid(XS, (50, 70, 90)) + text(60, 75, "a") + text(160, 75, "1") + text(210, 75, "2")
    )
    second = (
        grid(XS, (700, 720, 740)) + text(60, 725, "b") + text(160, 725, "3") + text(60, 705, "c") + text(210, 705, "4")
    )
    stored = read_pdf(paged(first, second, text(60, 700, "after"), head="running head", foot=foot))
    assert stored.text == "running head\nbefore\na\t1\t2\n\t\t\nb\t3\t\nc\t\t4\nafter"
    places = [stored.places.at(stored.text.index(figure), stored.text.index(figure) + 1) for figure in "134"]
    assert [(place.page, place.table, place.row) for place in places if place] == [(1, 1, 1), (2, 1, 3), (2, 1, 4)]


def test_a_cell_cut_by_the_page_break_is_one_cell() -> None:
    above = line(50, 90, 250, 90) + "".join(line(x, 60, x, 90) for x in XS)
    below = line(50, 700, 250, 700) + "".join(line(x, 700, x, 740) for x in XS)
    first = above + text(60, 75, "（一）予以") + text(160, 75, "1") + text(210, 75, "2")
    second = below + text(60, 725, "公开")
    assert rows(paged(first, second)) == [["（一）予以公开", "1", "2"]]
    closed = line(50, 60, 250, 60)
    assert rows(paged(first + closed, second)) == [["（一）予以", "1", "2"], ["公开", "", ""]]


def test_tables_of_other_widths_are_not_joined_and_last_figures_stay() -> None:
    first = grid((50, 150, 200), (60, 80, 100)) + text(60, 85, "a") + text(160, 85, "1") + text(160, 65, "2")
    second = grid((50, 150, 250), (700, 720, 740)) + text(60, 725, "b") + text(160, 725, "3") + text(160, 705, "4")
    assert rows(paged(first, second)) == [["a", "1"], ["", "2"], ["b", "3"], ["", "4"]]
    # The same figure at the foot of both pages counts no pages.
    assert read_pdf(pdf(text(60, 30, "x 5"), text(60, 30, "y 5"))).text == "x 5\ny 5"


PAGE = """<html><head><meta charset=utf-8><title>某县</title></head><body><h2>三、收到和处理政府信息公开申请情况</h2>
<table><tr><td rowspan=2>项目</td><td colspan=2>申请人</td></tr><tr><td>自然人</td><td>总计</td></tr>
<tr><td>（一）予以公开</td><td>16</td><td>16</td></tr></table></body></html>"""


@pytest.mark.skipif(bool(missing()), reason="no chromium")
def test_a_printed_page_is_the_same_each_time_and_keeps_its_figures() -> None:
    for seed in range(2):
        data = make(PAGE, Random(seed))
        assert data == make(PAGE, Random(seed))
        words = re.split(r"\s+", read_pdf(data).text)
        assert words.count("16") == 2
        assert "（一）予以公开" in words


def test_a_cell_of_the_record_says_page_and_box() -> None:
    labels = ["规章", "行政规范性文件"]
    drawn = text(60, 790, "某县2023年政府信息公开工作年度报告") + text(60, 760, "二、主动公开政府信息情况")
    xs, ys = (50, 200, 300, 400, 500), (640, 660, 680, 700, 720)
    cells: list[tuple[str, ...]] = [
        ("第二十条第（一）项", "", "", ""),
        ("信息内容", "本年制发件数", "本年废止件数", "现行有效件数"),
        (labels[0], "1", "0", "14"),
        (labels[1], "2", "3", "25"),
    ]
    for y, row in zip(reversed(ys[:-1]), cells, strict=True):
        drawn += "".join(text(x + 5, y + 5, what) for x, what in zip(xs, row, strict=False) if what)
    picture = Page("", images=((0, 0, 595, 842),))
    (result,) = extract_all(read_pdf(pdf(picture, drawn + grid(xs, ys))))
    (told,) = (finding for finding in result.findings if finding.rule == "file.pages_without_text")
    assert (told.severity, told.message[:4]) == ("warning", "第1页没")
    found: dict[str, Any] = {cell.path: cell.to_json() for cell in result.cells}
    for path, figure, box in (
        ("disclosure.regulations.in_force", "14", [400, 162, 500, 182]),
        ("disclosure.normative_documents.issued", "2", [200, 182, 300, 202]),
    ):
        assert found[path]["raw"] == figure
        assert found[path]["place"]["page"] == 2
        assert found[path]["place"]["box"] == pytest.approx(box, abs=0.1)
