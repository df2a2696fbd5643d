"""Word files: the page as Word shows it, and nothing that is not on it."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from extractor.eval.compare import Outcome, compare
from extractor.eval.files import make_file
from extractor.eval.generator import generate
from office import WORD_SPACES, W, alike, cell, paragraph, row, run, table, word

from extractor.document.content import Stored
from extractor.document.formats.docx import read_docx
from extractor.document.formats.docx_styles import count_as
from extractor.document.sources import read_stored
from extractor.errors import InputError
from extractor.pipeline import extract_all

RESTART, CONTINUE = '<w:vMerge w:val="restart"/>', "<w:vMerge/>"


def span(columns: int) -> str:
    return f'<w:gridSpan w:val="{columns}"/>'


def text(body: str, **related: str) -> str:
    return read_docx(word(body, **related)).text


def control(content: str) -> str:
    return f'<w:sdt><w:sdtPr><w:tag w:val="9"/></w:sdtPr><w:sdtContent>{content}</w:sdtContent></w:sdt>'


def field(code: str, result: str | None) -> str:
    marks = [f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end")]
    shown = "" if result is None else marks[1] + run(result)
    return f"{marks[0]}<w:r><w:instrText>{code}</w:instrText></w:r>{shown}{marks[2]}"


def box(content: str) -> str:
    return (
        "<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><a:graphic><w:txbxContent>"
        f"{content}</w:txbxContent></a:graphic></w:drawing></mc:Choice><mc:Fallback><w:pict><v:textbox>"
        f"<w:txbxContent>{content}</w:txbxContent></v:textbox></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(paragraph("1", "2", "件"), "12件", id="a number cut into runs"),
        pytest.param(paragraph("a", "<w:r><w:tab/></w:r>", "1"), "a\t1", id="tab"),
        pytest.param(paragraph("a", "<w:r><w:br/></w:r>", "1"), "a\n1", id="line break"),
        pytest.param(paragraph("２０", run("\u3000件")), "２０\u3000件", id="full width stays"),
        pytest.param(paragraph("8", "<w:r><w:noBreakHyphen/></w:r>", "10"), "8-10", id="hyphen"),
        pytest.param(paragraph("1", "<w:del><w:r><w:delText>9</w:delText></w:r></w:del>", "2"), "12", id="deleted"),
        pytest.param(paragraph("1", f"<w:ins>{run('2')}</w:ins>"), "12", id="inserted"),
        pytest.param(paragraph("1", f"<w:moveFrom>{run('9')}</w:moveFrom>"), "1", id="moved away"),
        pytest.param(paragraph("1", run("9", "<w:vanish/>"), run("2", '<w:vanish w:val="0"/>')), "12", id="hidden"),
        pytest.param(paragraph("共", field("=SUM(ABOVE)", "20"), "件"), "共20件", id="field result"),
        pytest.param(paragraph("1", field("PAGE 7", None), "2"), "12", id="field without result"),
        pytest.param(paragraph("1", field("EQ \\o\\ac(○,3)", None)), "1?", id="a field that draws its code"),
        pytest.param(paragraph("1", '<w:r><w:fldChar w:fldCharType="begin"/></w:r>', "2"), "1?", id="field left open"),
        pytest.param(paragraph(f'<w:hyperlink r:id="x">{run("20")}</w:hyperlink>'), "20", id="link"),
        pytest.param(paragraph(control(run("20")), run("件")), "20件", id="content control in a line"),
        pytest.param(control(paragraph("a")) + paragraph("b"), "a\nb", id="content control around a paragraph"),
        pytest.param(paragraph("12", run("3", '<w:vertAlign w:val="superscript"/>')), "12³", id="raised"),
        pytest.param(paragraph(run("20", "<w:strike/>"), "21"), "~~20~~21", id="struck out"),
        pytest.param(paragraph("1", run("2", '<w:position w:val="8"/>'), "件"), "1?2件", id="shifted up"),
        pytest.param(paragraph("1", run("2", '<w:color w:val="FFFFFF"/>')), "1?2", id="white"),
        pytest.param(paragraph(run("12", '<w:color w:val="FFFFFF"/>'), "件"), "12件", id="white alone"),
        pytest.param(paragraph("1", run("2", '<w:sz w:val="2"/>')), "1?2", id="too small"),
        pytest.param(paragraph("1", run("2", '<w:w w:val="1"/>')), "1?2", id="squeezed"),
        pytest.param(paragraph("1", run("2", '<w:sz w:val="18"/><w:w w:val="90"/>')), "12", id="small"),
        pytest.param(paragraph("12", f'<w:hyperlink w:anchor="n">{run("1")}</w:hyperlink>'), "12?1", id="note link"),
        pytest.param(paragraph("12", field("REF n", "1")), "12?1", id="a reference"),
        pytest.param(paragraph("12", '<w:r><w:footnoteReference w:id="3"/></w:r>'), "12", id="note"),
        pytest.param(paragraph('<w:r><w:sym w:font="Symbol" w:char="F033"/></w:r>'), "3", id="Symbol digit"),
        pytest.param(paragraph('<w:r><w:sym w:font="Wingdings" w:char="F033"/></w:r>'), "\uf033", id="Wingdings"),
        pytest.param(paragraph('<w:r><w:sym w:font="x" w:char="zz"/></w:r>'), "?", id="no symbol"),
        pytest.param(paragraph("<m:oMath><m:r><m:t>1</m:t></m:r><m:r><m:t>2</m:t></m:r></m:oMath>"), "1 2", id="math"),
        pytest.param(
            paragraph(f"<w:r><w:ruby><w:rt>{run('9')}</w:rt><w:rubyBase>{run('县')}</w:rubyBase></w:ruby></w:r>"),
            "县", id="reading above a character",
        ),
        pytest.param(paragraph("a", box(paragraph("1"))), "a\n1", id="a text box once"),
        pytest.param(paragraph(box(table(row(cell("a"), cell("1"))))), "a\t1", id="a table in a text box"),
    ],
)  # fmt: skip
def test_lines(body: str, expected: str) -> None:
    assert text(body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            table(row(cell("a", span(2)), cell("1")), row(cell("b"), cell("c"), cell("2"))), ["a||1", "b|c|2"],
            id="across",
        ),
        pytest.param(
            table(row(cell("a", RESTART), cell("1")), row(cell("9", CONTINUE), cell("2"))), ["a|1", "|2"], id="down",
        ),
        pytest.param(
            table(row(cell("a", span(2) + RESTART), cell("1")), row(cell("", span(2) + CONTINUE), cell("2")),
                  row(cell("b"), cell("c"), cell("3"))),
            ["a||1", "||2", "b|c|3"], id="both",
        ),
        pytest.param(
            table(row(cell("a", CONTINUE), cell("1")), row(cell("", CONTINUE), cell("2"))), ["a|1", "|2"],
            id="down without a start",
        ),
        pytest.param(
            table(row(cell("a", span(2) + RESTART), cell("1")), row(cell("b", CONTINUE), cell("c"), cell("2"))),
            ["a||1", "b|c|2"], id="down in another width is a cell of its own",
        ),
        pytest.param(
            table(row(cell("a", RESTART), cell("1")), row(cell("b"), cell("2")), row(cell("c", CONTINUE), cell("3"))),
            ["a|1", "b|2", "c|3"], id="down after a gap",
        ),
        pytest.param(
            table(row(cell("a"), cell("b"), cell("1")), row(cell("2"), properties='<w:gridBefore w:val="2"/>')),
            ["a|b|1", "||2"], id="cells left out before",
        ),
        pytest.param(table(row(cell("a"), cell("1")), row(cell("b"))), ["a|1", "b|"], id="cells missing behind"),
        pytest.param(
            table(row(cell("a", '<w:hMerge w:val="restart"/>'), cell("9", "<w:hMerge/>"), cell("1")),
                  row(cell("b"), cell("c"), cell("2"))),
            ["a||1", "b|c|2"], id="the old way across",
        ),
        pytest.param(table(row(cell("a", span(999_999_999)), cell("1"))), ["a|1"], id="a span beyond any page"),
        pytest.param(table(row(cell("a", '<w:gridSpan w:val="x"/>'), cell("1"))), ["a|1"], id="a span of nonsense"),
        pytest.param(
            table(row(cell(paragraph("1") + paragraph("2")), cell(paragraph("3", "<w:r><w:br/></w:r>", "4")))),
            ["1 2|3 4"], id="paragraphs and breaks never join digits",
        ),
        pytest.param(table(row(cell(paragraph("a", "<w:r><w:tab/></w:r>", "1")), cell("2"))), ["a 1|2"], id="tab"),
        pytest.param(table(row(control(cell("a")), cell("1")), control(row(cell("b"), cell("2")))), ["a|1", "b|2"],
                     id="content controls around cells and rows"),
        pytest.param(table(row(cell("a"), cell("1")), row(cell("9"), properties="<w:del/>")), ["a|1"],
                     id="row deleted"),
        pytest.param(table(row(cell("a"), cell("9", "<w:cellDel/>"), cell("1"))), ["a|1"], id="cell deleted"),
        pytest.param(table(row(cell("a"), cell("1")), row(cell("9"), properties="<w:hidden/>")), ["a|1"],
                     id="row hidden"),
        pytest.param(table(row(cell("a"), cell(table(row(cell("1"))) + paragraph()))), ["a|1"],
                     id="a table of one cell"),
        pytest.param(
            table(row(cell("a"), cell(table(row(cell("b"), cell("1")), row(cell("c"), cell("2"))) + paragraph()))),
            ["a", "b|1", "c|2", ""], id="a table in a cell is a frame",
        ),
        pytest.param(
            table(row(cell(table(row(cell("b"), cell("1"))))), row(cell("菜单"))), ["b|1", "菜单"], id="beside a frame",
        ),
        pytest.param(
            table(row(cell("a"), cell("<w:p><w:r><w:pict><v:imagedata/></w:pict></w:r></w:p>"), cell(""))), ["a|?|"],
            id="a picture is no blank cell",
        ),
        pytest.param(table(row(cell("<w:p/>"), cell("0"))), ["|0"], id="blank is not 0"),
    ],
)  # fmt: skip
def test_tables(body: str, expected: list[str]) -> None:
    assert [line.replace("\t", "|") for line in text(body).split("\n")] == expected


def test_headers_footers_notes_and_comments_stay_out() -> None:
    part = f'<w:x xmlns:w="{W}">{paragraph("99")}</w:x>'
    assert text(paragraph("1"), header=part, footer=part, footnotes=part, endnotes=part, comments=part) == "1"


STYLES = (
    f'<w:styles xmlns:w="{W}"><w:style w:type="character" w:styleId="gone"><w:rPr><w:vanish/></w:rPr></w:style>'
    '<w:style w:type="character" w:styleId="also"><w:basedOn w:val="gone"/></w:style>'
    '<w:style w:type="character" w:styleId="note"><w:rPr><w:vertAlign w:val="superscript"/></w:rPr></w:style>'
    '<w:style w:type="paragraph" w:styleId="loop"><w:basedOn w:val="loop"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="head"><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
    "</w:styles>"
)


def test_text_hidden_by_a_style() -> None:
    hidden = run("9", '<w:rStyle w:val="also"/>')
    assert (
        text(paragraph("1", hidden, run("2", '<w:rStyle w:val="also"/><w:vanish w:val="0"/>')), styles=STYLES) == "12"
    )
    assert text('<w:p><w:pPr><w:pStyle w:val="loop"/></w:pPr>' + run("1") + "</w:p>", styles=STYLES) == "1"


def test_the_mark_of_a_note_set_by_a_style() -> None:
    assert text(paragraph("12", run("1", '<w:rStyle w:val="note"/>')), styles=STYLES) == "12¹"
    level = run("1", '<w:rStyle w:val="note"/><w:vertAlign w:val="baseline"/>')
    assert text(paragraph("12", level), styles=STYLES) == "121"


def level(number: int, form: str, pattern: str, extra: str = "") -> str:
    return (
        f'<w:lvl w:ilvl="{number}"><w:start w:val="1"/><w:numFmt w:val="{form}"/>{extra}'
        f'<w:lvlText w:val="{pattern}"/></w:lvl>'
    )


RESTARTED = '<w:lvlRestart w:val="0"/>'
NUMBERING = (
    f'<w:numbering xmlns:w="{W}"><w:abstractNum w:abstractNumId="0">{level(0, "chineseCounting", "%1、")}'
    f"{level(1, 'chineseCounting', '（%2）')}{level(2, 'decimal', '%3.')}{level(3, 'decimal', '%1.%4 ')}"
    f"{level(4, 'hebrew1', '%5')}{level(5, 'bullet', '●')}{level(6, 'decimal', '%7.', RESTARTED)}"
    '</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
    '<w:num w:numId="2"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/>'
    "</w:lvlOverride></w:num></w:numbering>"
)


def item(words: str, depth: int = 0, number: int = 1) -> str:
    numbered = f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{number}"/></w:numPr>'
    return f"<w:p><w:pPr>{numbered}</w:pPr>{run(words)}</w:p>"


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param([("总体情况", 0, 1), ("主动公开", 0, 1)], ["一、总体情况", "二、主动公开"], id="sections"),
        pytest.param(
            [("a", 0, 1), ("b", 1, 1), ("c", 1, 1), ("d", 0, 1), ("e", 1, 1)],
            ["一、a", "（一）b", "（二）c", "二、d", "（一）e"], id="a level starts anew below the next upper one",
        ),
        pytest.param([("属于国家秘密", 2, 1)], ["1.属于国家秘密"], id="decimal"),
        pytest.param([("3", 2, 1)], ["1. 3"], id="a number never joins a figure"),
        pytest.param([("a", 0, 1), ("b", 0, 2), ("c", 0, 2)], ["一、a", "五、b", "六、c"], id="start again at 5"),
        pytest.param([("a", 4, 1), ("b", 5, 1), ("c", 6, 1)], ["a", "b", "c"], id="unknown kinds give none"),
        pytest.param([("a", 0, 7), ("b", 9, 1)], ["a", "b"], id="lists and levels that are not there"),
    ],
)  # fmt: skip
def test_automatic_numbers(items: list[tuple[str, int, int]], expected: list[str]) -> None:
    assert text("".join(item(*each) for each in items), numbering=NUMBERING).split("\n") == expected


def test_a_style_numbers_too() -> None:
    heading = '<w:p><w:pPr><w:pStyle w:val="head"/></w:pPr>' + run("总体情况") + "</w:p>"
    assert text(heading, styles=STYLES, numbering=NUMBERING) == "一、总体情况"


@pytest.mark.parametrize(
    ("number", "form", "expected"),
    [
        (10, "chineseCounting", "十"),
        (21, "japaneseCounting", "二十一"),
        (30, "chineseCountingThousand", "三十"),
        (100, "chineseCounting", ""),
        (3, "decimalFullWidth", "３"),
        (3, "decimalEnclosedCircleChinese", "③"),
        (21, "decimalEnclosedCircle", ""),
        (2, "upperLetter", "B"),
        (2, "ideographTraditional", "乙"),
        (-1, "decimal", ""),
        (4, "upperRoman", ""),
    ],
)
def test_forms_of_numbers(number: int, form: str, expected: str) -> None:
    assert count_as(number, form) == expected


def test_a_tracked_change_of_a_figure_is_told_and_other_changes_are_not() -> None:
    deleted = "<w:del><w:r><w:delText>{}</w:delText></w:r></w:del>"
    for shown, told in (("20", ["file.tracked_changes"]), ("的", [])):
        stored = read_docx(word(paragraph("a", deleted.format(shown))))
        assert [notice.code for notice in stored.notices] == told
        assert stored.text == "a"


def test_the_strict_variant_is_read() -> None:
    body = table(row(cell("a"), cell("20")))
    strict = WORD_SPACES.replace(W, "http://purl.oclc.org/ooxml/wordprocessingml/main")
    page = f"<w:document {strict}><w:body>{body}</w:body></w:document>"
    assert read_docx(word("", parts={"word/document.xml": page})).text == text(body) == "a\t20"


def test_a_page_that_is_only_embedded_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        text('<w:altChunk r:id="x"/>')
    assert caught.value.code == "unsupported_format"


def test_python_docx_reads_the_same_text() -> None:
    """The other way round: what python-docx writes and reads is what is read here."""
    from docx import Document

    document = Document()
    document.add_heading("一、总体情况", 1)
    document.add_paragraph("全年公开 12 件。")
    grid = document.add_table(3, 4)
    for number, each in enumerate(grid._cells):
        each.text = str(number)
    grid.cell(0, 0).merge(grid.cell(1, 1)).text = "a"
    out = io.BytesIO()
    document.save(out)
    lines = read_docx(out.getvalue()).text.split("\n")
    assert lines[:2] == [part.text for part in document.paragraphs]
    assert lines[2:] == ["a\t\t2\t3", "\t\t6\t7", "8\t9\t10\t11"]


@pytest.mark.parametrize("seed", range(1, 13))
def test_the_same_report_in_word_and_html_gives_the_same_record(seed: int) -> None:
    sample = generate(seed, "docx")
    stored = read_stored(sample.data)
    results = extract_all(stored)
    page = replace(sample, payload=None, name="report.html")
    assert alike(results) == alike(extract_all(read_stored(page.data)))
    outcome = Outcome(seed, "docx")
    compare(sample, results, stored.text, outcome)
    assert outcome.fatal == []


def test_a_seed_gives_the_same_bytes() -> None:
    html = generate(5, "html").text
    assert make_file("docx", html, 5) == make_file("docx", html, 5) != make_file("docx", html, 6)


def test_the_place_of_a_cell() -> None:
    stored: Stored = read_docx(word(table(row(cell("a", span(2)), cell("1")), row(cell("b"), cell("c"), cell("27")))))
    start = stored.text.index("27")
    place = stored.places.at(start, start + 2)
    assert place is not None
    assert (place.table, place.row, place.column) == (1, 2, 3)
