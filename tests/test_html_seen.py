"""What a person sees in a cell is what is read: hidden, raised and struck figures, fields, pictures."""

from __future__ import annotations

import pytest

from extractor.document.formats.html import read_html


def cells(markup: str, sheet: str = "") -> list[str]:
    """The cells between the first and the last of a row."""
    page = f"<style>{sheet}</style><table><tr><td>a</td>{markup}<td>z</td></tr></table>"
    return read_html(page.encode()).text.split("\t")[1:-1]


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        pytest.param("<td>1<span style='display:none'>2</span></td>", ["1"], id="display"),
        pytest.param("<td>1<i style='COLOR:red; Display : None !important'>2</i></td>", ["1"], id="display, capitals"),
        pytest.param("<td>1<span hidden>2</span></td>", ["1"], id="hidden"),
        pytest.param("<td>1<span style='visibility:hidden'>2</span>3</td>", ["1 3"], id="visibility"),
        pytest.param(
            "<td><span style='visibility:hidden'>2<b style='visibility:visible'>3</b></span></td>", ["3"], id="visible"
        ),
        pytest.param("<td>1<span style='font-size:0px'>2</span></td>", ["1"], id="size 0"),
        pytest.param("<td>1<span style='font:0/0 a'>2</span></td>", ["1"], id="font"),
        pytest.param("<td style='font-size:0'>1<b style='font-size:12px'>2</b></td>", ["2"], id="size again"),
        pytest.param("<td style='font-size:0.5em'>1</td>", ["1"], id="small is no nothing"),
        pytest.param("<td>1<template>2</template><noscript>3</noscript></td>", ["1"], id="template, noscript"),
        pytest.param("<td style='display:none'>9</td><td>1</td>", ["1"], id="a cell that is not there"),
        pytest.param("<td style='visibility:hidden'>9</td><td>1</td>", ["", "1"], id="a cell that is empty"),
        pytest.param("<td>12<sup>1</sup></td><td>1<sub>2</sub></td>", ["12¹", "1₂"], id="raised and lowered"),
        pytest.param("<td>1<b style='vertical-align: super'>2</b></td>", ["1²"], id="raised by style"),
        pytest.param("<td><del>5</del>6</td>", ["~~5~~6"], id="struck out"),
        pytest.param("<td>1<b style='text-decoration: line-through'>2</b></td>", ["1~~2~~"], id="struck out by style"),
        pytest.param("<td><b style='display:block'>1</b><b style='display:block'>2</b></td>", ["1 2"], id="blocks"),
        pytest.param("<td><input value=5></td><td><input type=hidden value=5></td>", ["5", ""], id="fields"),
        pytest.param("<td><textarea> 7 </textarea></td>", ["7"], id="textarea"),
        pytest.param("<td><select><option>3<option selected>4</select></td>", ["4"], id="the option chosen"),
        pytest.param("<td><img src=3.gif></td><td>1<img src=2.gif></td>", ["[图]", "1?[图]"], id="pictures of figures"),
        pytest.param("<td>a<img src=i.gif></td><td><img width=1 height=1></td>", ["a", ""], id="icons and spacers"),
    ],
)
def test_a_cell_is_what_is_seen(markup: str, expected: list[str]) -> None:
    assert cells(markup) == expected


@pytest.mark.parametrize(
    ("sheet", "expected"),
    [
        (".h { display: none }", "1"),
        ("span.h, b { visibility : hidden }", "1"),
        ("#i { font-size: 0 }", "1"),
        ("<!-- .h{display:none} -->", "1"),
        ("/* .h{display:none} */", "12"),
        ("@media screen { .h { display: none } }", "1"),
        ("@media print { .h { display: none } }", "12"),
        ("@media (max-width: 700px) { .h { display: none } }", "12"),
        ("@font-face { src: url(x) } .h { display: none }", "1"),
        ("@import url(x); .h { display: none }", "1"),
        (".h:hover { display: none }", "12"),
        (".h.on { display: none }", "12"),
        (".h { display: none } .h.k { display: inline }", "12"),
        (".h.k { display: none } .h { display: inline }", "1"),
        (".h { display: none } td .k { display: inline }", "12"),
        (".h { display: none !important } .h.k { display: inline }", "1"),
        ("div .h { display: none }", "12"),
        ("td .h, div .k { display: none }", "1"),
        ("table td > .h { display: none }", "1"),
        ("tr > .h { display: none }", "12"),
        ("td .h { display: none } .h.k.k { display: inline }", "12"),
        (".h[id] { display: none }", "1?2"),
        (".h:not(.j) { display: none }", "1?2"),
        ("b + .h { display: none }", "1?2"),
        ("td .h { text-decoration: line-through }", "1~~2~~"),
        ("td .h { vertical-align: super }", "1²"),
        (".h { clip: rect(0,0,0,0) }", "1?2"),
    ],
)
def test_a_style_sheet_of_the_page(sheet: str, expected: str) -> None:
    assert cells("<td>1<span class='h k' id=i>2</span></td>", sheet) == [expected]


@pytest.mark.parametrize(
    ("style", "sheet", "expected"),
    [
        ("display:inline", ".h{display:none}", "12"),
        ("display:inline", ".h{display:none !important}", "1"),
        ("display:none", ".h{display:inline}", "1"),
    ],
)
def test_a_style_attribute_comes_before_the_sheet(style: str, sheet: str, expected: str) -> None:
    assert cells(f"<td>1<span class=h style='{style}'>2</span></td>", sheet) == [expected]


@pytest.mark.parametrize(
    "style",
    [
        "opacity:0", "position:absolute;left:-999px", "position:relative; top:-6px", "color:#FFF", "color:transparent",
        "font-size:1px", "display:inline-block;width:0;overflow:hidden", "text-indent:-99em", "transform:scale(0)",
        "float:right", "vertical-align:5px", "mso-hide:all", "clip-path:inset(50%)", "zoom:0",
        "content-visibility:hidden",
    ],
)  # fmt: skip
def test_a_figure_that_may_not_be_seen_in_its_place_joins_no_other(style: str) -> None:
    assert cells(f"<td>1<span style='{style}'>2</span></td><td><b style='{style}'>34</b></td>") == ["1?2", "34"]
    assert cells(f"<td>共<span style='{style}'>2</span>件</td>") == ["共2件"]


@pytest.mark.parametrize(
    "style", ["color:#333", "font-size:12pt", "width:56.7pt", "vertical-align:middle", "position:static", "opacity:1"]
)
def test_a_figure_in_spans_of_ordinary_looks_is_one(style: str) -> None:
    assert cells(f"<td>1<span style='{style}'>2</span></td>") == ["12"]


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<td>1<a href=#n>2</a></td><td><a href=#n>12</a></td>", ["1?2", "12"]),
        ("<td><ruby>1<rt>2</rt></ruby></td>", ["1?2"]),
        ("<td><bdo dir=rtl>12</bdo></td>", ["?12"]),
        ("<td>1<dialog>2</dialog><meter>3</meter></td>", ["1"]),
    ],
)
def test_marks_and_turned_text(markup: str, expected: list[str]) -> None:
    assert cells(markup) == expected


def test_a_row_that_is_not_shown_takes_no_part_in_spans() -> None:
    page = "<table><tr><td rowspan=3>a<td>1<tr style='display:none'><td>9<tr><td>2<tr><td>3</table>"
    assert read_html(page.encode()).text == "a\t1\n\t2\n\t3"
