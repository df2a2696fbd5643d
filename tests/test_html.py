"""Pages → lines: the grid that a person sees, bounded whatever the page holds."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from extractor.document.formats.html import looks_like_error_page, read_html
from extractor.errors import InputError


def text(markup: str) -> str:
    return read_html(markup.encode()).text


def rows(markup: str) -> list[list[str]]:
    return [line.split("\t") for line in text(f"<table>{markup}</table>").split("\n")]


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        pytest.param("<tr><td>a<td>1<td>2<tr><td>b<td>3<td>4", [["a", "1", "2"], ["b", "3", "4"]], id="unclosed cells"),
        pytest.param(
            "<tr><td rowspan=2>a<td>1<td>2<tr><td>3<td>4", [["a", "1", "2"], ["", "3", "4"]], id="rowspan"
        ),
        pytest.param(
            "<tr><td colspan=2>a<td>1<tr><td>b<td>c<td>2", [["a", "", "1"], ["b", "c", "2"]], id="colspan"
        ),
        pytest.param(
            "<tr><td rowspan=2 colspan=2>a<td>1<tr><td>2<tr><td>b<td>c<td>3",
            [["a", "", "1"], ["", "", "2"], ["b", "c", "3"]],
            id="both",
        ),
        pytest.param("<tr><td colspan=3>a<td>1<tr><td colspan=3>b<td>2", [["a", "1"], ["b", "2"]], id="columns unseen"),
        pytest.param("<tr><td rowspan=9>a<td>1<tr><td>2", [["a", "1"], ["", "2"]], id="span past the end"),
        pytest.param("<tr><td rowspan=0>a<td>1<tr><td>2<tr><td>3", [["a", "1"], ["", "2"], ["", "3"]], id="rowspan 0"),
        pytest.param(
            "<thead><tr><td rowspan=3>a<td>1<tbody><tr><td>2<td>3", [["a", "1"], ["2", "3"]], id="rowspan, row group"
        ),
        pytest.param(
            "<tbody><tr><td rowspan=0>a<td>1<tr><td>2<tbody><tr><td>3<td>4",
            [["a", "1"], ["", "2"], ["3", "4"]],
            id="rowspan 0, row group",
        ),
        pytest.param("<tfoot><tr><td>总计<td>3<tbody><tr><td>a<td>3", [["a", "3"], ["总计", "3"]], id="foot last"),
        pytest.param(
            "<tr><td>a<td rowspan=3>b<tr><td colspan=2 rowspan=1>c<td>d<tr><td>1<td>2",
            [["a", "b", ""], ["c", "", "d"], ["1", "", "2"]],
            id="cells that overlap",
        ),
        pytest.param(
            "<tr><td>a<td rowspan=4>b<tr><td colspan=2 rowspan=2>c<td>d<tr><td>1<tr><td>2<td>3",
            [["a", "b", ""], ["c", "", "d"], ["", "", "1"], ["2", "", "3"]],
            id="the longer of two overlapping spans",
        ),
        pytest.param("<tr><td>a<td><td>1<td><tr><td>b<td>c<td>2", [["a", "", "1", ""], ["b", "c", "2", ""]], id="more"),
        pytest.param("<tr><td>a<td><table><tr><td>5</table><td>6", [["a", "5", "6"]], id="a table in a cell"),
        pytest.param("<tr><td>a<td><pre>1\n</pre><td><pre>2\n3</pre>", [["a", "1", "2 3"]], id="preformatted cells"),
        pytest.param(
            "<![if !supportEmptyParas]>\n<tr><td><p class=MsoNormal>a<o:p></o:p></p><td><span\nlang=EN-US>1</span>"
            "<span lang=EN-US>2<o:p></o:p></span><!--[if !supportEmptyParas]-->&nbsp;<!--[endif]--><![endif]>",
            [["a", "12"]],
            id="Word",
        ),
        pytest.param("<tr><td colspan='x'>a<td colspan=-2>1", [["a", "1"]], id="nonsense spans"),
        pytest.param("<tr><td>a<td>&nbsp;<td><td>0", [["a", "", "", "0"]], id="blank is not 0"),
        pytest.param("<tr><td>1<br>2<td><p>3</p><p>4</p><td><b>5</b><b>6</b>", [["1 2", "3 4", "56"]], id="br, p"),
        pytest.param("<tr><td>本年<br/>度办<br>理结果<td> 1\n\t2 ", [["本年 度办 理结果", "1 2"]], id="wrapped label"),
        pytest.param("<td>a<td>1", [["a", "1"]], id="no row"),
        pytest.param("<thead><tr><th>a<tbody><tr><td>1", [["a"], ["1"]], id="head and body"),
        pytest.param("<tr><td>a<script>9</script><td>1<!-- 7 --><style>8</style>", [["a", "1"]], id="scripts"),
        pytest.param("<tr><td>&#49;&#x32;<td>&lt;3&gt;", [["12", "<3>"]], id="entities"),
    ],
)  # fmt: skip
def test_grid(markup: str, expected: list[list[str]]) -> None:
    assert rows(markup) == expected


PAGE = """<html><head><meta charset="{charset}"><title>某县2023年政府信息公开工作年度报告</title>
<style>td{{}}</style></head><body><script>var t = "<table><tr><td>99</td></tr></table>";</script><nav>首页 98</nav>
<table><tr><td>菜单</td><td>搜索</td></tr>
<tr><td colspan="2"><table width="900"><tr><td>
<h1>某县2023年政府信息公开工作年度报告</h1><p>一、总体&nbsp;&nbsp;情况</p>
<p>本年新收申请
3 件。</p>
<table border="1"><tr><td rowspan="2">项目</td><td colspan="2">申请人</td></tr><tr><td>自然人</td><td>总计</td></tr>
<tr><td>（一）予以公开</td><td>3</td><td>3</td></tr></table>
<p>五、存在的主要问题</p></td></tr></table></td></tr></table></body></html>"""


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [("gb2312", "gbk"), ("utf-8", "utf-8"), ("gb2312", "utf-8"), ("utf-8", "gbk"), ("x", "utf-16"), ("", "utf-8-sig")],
)
def test_a_page_with_chrome_in_any_charset_even_a_lying_one(charset: str, encoding: str) -> None:
    lines = read_html(PAGE.format(charset=charset).encode(encoding)).text.split("\n")
    assert lines == [
        "菜单\t搜索",
        "某县2023年政府信息公开工作年度报告",
        "一、总体  情况",
        "本年新收申请 3 件。",
        "项目\t申请人\t",
        "\t自然人\t总计",
        "（一）予以公开\t3\t3",
        "五、存在的主要问题",
    ]


def test_a_data_row_beside_a_framed_one_keeps_its_cells() -> None:
    long = "<p>" + "</p><p>".join("全县工作扎实推进，公开各类信息。" * 5 for _ in range(8)) + "</p>"
    lines = text(f"<table><tr><td colspan=3>{long}</td></tr><tr><td>a<td>1<td>2</table>").split("\n")
    assert len(lines) == 9
    assert lines[-1] == "a\t1\t2"


def test_preformatted_text_keeps_its_columns() -> None:
    assert text("<p>x</p><pre>a   1\n b  2</pre>y") == "x\na   1\n b  2\ny"


def test_preformatted_text_keeps_its_lines_around_inline_elements_and_in_layout_cells() -> None:
    assert text("<pre>a <b>1</b>\nb\t2\n\n\nc</pre>") == "a 1\nb\t2\n\nc"
    block = "\n".join(f"{label}   {number}" for number, label in enumerate("甲乙丙丁戊己"))
    assert text(f"<table><tr><td><pre>{block}</pre></td></tr></table>") == block
    assert text(f"<div style='white-space: pre-wrap'>{block}</div>") == block
    assert text("<p style='white-space:pre-line'>a  1\nb</p>") == "a 1\nb"


@pytest.mark.parametrize("encoding", ["gb2312", "utf-8", "big5"])
@pytest.mark.parametrize("real", ["gbk", "utf-8"])
def test_an_xml_declaration_may_lie(encoding: str, real: str) -> None:
    page = (
        f"<?xml version='1.0' encoding='{encoding}'?>\n<html xmlns='http://www.w3.org/1999/xhtml'><head/><body>"
        "<p>政府信息公开</p><table><tr><td/><td>1</td></tr></table></body></html>"
    )
    assert read_html(page.encode(real)).text.split("\n") == ["政府信息公开", "\t1"]


def test_a_title_that_the_page_does_not_show_comes_first() -> None:
    assert text("<head><title>某局 2023 年\n报告</title></head><p>正文</p>").split("\n")[0] == "某局 2023 年 报告"


def test_nothing_is_fetched_and_no_entity_expanded() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
    out = text(f'{bomb}<html><link href="http://127.0.0.1:9/x"><p>&b;&f;1</p></html>')
    assert "aaaa" not in out
    assert "root:" not in out
    assert out.endswith("1")


@pytest.mark.parametrize(
    "markup",
    [
        pytest.param("<table><tr><td>1" * 5000, id="nested tables"),
        pytest.param("<div>" * 200_000 + "1", id="nested blocks"),
        pytest.param("<table>" + "<tr><td rowspan=65534>1" * 20_000, id="rowspans"),
        pytest.param("<table><tr>" + "<td colspan=99999 rowspan=99999>1" * 20_000, id="colspans"),
        pytest.param("<table>" + "<tr><td>1" * 50_000, id="many rows"),
        pytest.param("<" * 500_000, id="brackets"),
        pytest.param("<p " + "a=1 " * 200_000 + ">1", id="attributes"),
        pytest.param("<p " + " ".join(f"a{n}=1" for n in range(200_000)) + ">1", id="different attributes"),
        pytest.param("<p " + " ".join(f'"{n}' for n in range(200_000)) + ">1", id="attributes that are quotes"),
        pytest.param("<table><tr><td>1</table>" * 50_000, id="tiny tables"),
        pytest.param(("<table><tr>" + "<td>" * 400 + "<tr><td>1" * 1240 + "</table>") * 15, id="wide tables"),
        pytest.param("<pre>" + "\n" * 5_000_000, id="blank lines"),
        pytest.param("<style>" + "{" * 500_000 + "/*" * 500_000 + "</style>1", id="style sheet"),
        pytest.param(
            "<style>" + "".join(f".a.b{n}{{display:none}}" for n in range(4000)) + "</style>" + "<p class=a>1" * 50_000,
            id="style rules",
        ),
        pytest.param("<html><script>" + '"\\' * 1_000_000 + "<td></script>1", id="quotes in a script"),
        pytest.param("<html><script>" + '"<td>"+' * 100_000 + "</script>1", id="strings in a script"),
        pytest.param("<html><p>" + "&lt;td&gt;" * 300_000, id="escaped cells"),
        pytest.param("<table><tr><td><p>x</p>" * 200, id="depth that real pages have"),
    ],
)
def test_hostile_pages_end_quickly(markup: str) -> None:
    started = time.process_time()
    with suppress(InputError):
        assert len(text(markup)) < 5 * len(markup)
    assert time.process_time() - started < 10


def test_an_empty_page_is_empty_text() -> None:
    assert text("<html><!-- --></html>") == ""


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("404 Not Found\nnginx", True),
        ("您访问的页面不存在或已被删除", True),
        ("用户登录\n用户名\n密码\n验证码", True),
        ("502 Bad Gateway", True),
        ("一、总体情况\n" + "公开信息 404 条。" * 500, False),
        ("（本列数据的勾稽关系为：…）404", False),
        ("某县统计公报", False),
    ],
)
def test_error_pages(page: str, expected: bool) -> None:
    assert looks_like_error_page(page) is expected
