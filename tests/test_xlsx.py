"""Excel workbooks: what a person sees of them, cell by cell."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from extractor.eval.compare import Outcome, compare
from extractor.eval.files import make_file
from extractor.eval.generator import generate
from helpers import cells, report
from office import S, alike, excel, sheet_rows

from extractor.document.formats import xlsx_sheet
from extractor.document.formats.xlsx import read_xlsx
from extractor.document.formats.xlsx_values import shown_number
from extractor.document.sources import read_stored
from extractor.errors import InputError
from extractor.pipeline import extract_all


def number(value: object, style: int = 0, attributes: str = "") -> str:
    return f'<c s="{style}" {attributes}><v>{value}</v></c>'


def words(text: str, attributes: str = "") -> str:
    return f'<c t="inlineStr" {attributes}><is><t>{text}</t></is></c>'


def book(fill: Any, **properties: Any) -> bytes:
    """A workbook that openpyxl writes; `fill` gets its first sheet."""
    from openpyxl import Workbook

    workbook = Workbook()
    fill(workbook.active)
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def lines(data: bytes) -> list[str]:
    return [line.replace("\t", "|") for line in read_xlsx(data).text.split("\n")]


ACCOUNTING = '_ * #,##0_ ;_ * -#,##0_ ;_ * "-"_ ;_ @_ '


@pytest.mark.parametrize(
    ("raw", "number_format", "expected"),
    [
        ("20", "General", "20"),
        ("3.0", "General", "3"),
        ("-0", "0", "0"),
        ("1.6085100735000001E4", "0.00", "16085.100735"),
        ("0.30000000000000004", "General", "0.3"),
        ("1234567", "#,##0.00", "1234567"),
        ("12.5", "0", "12.5"),
        ("20", "@", "20"),
        ("0", '_ * #,##0.00_ ;_ * \\-#,##0.00_ ;_ * "-"??_ ;_ @_ ', "-"),
        ("20", "", "20"),
        ("1E+20", "General", "100000000000000000000"),
        ("16085.1", "0.00E+00", "16085.1"),
        ("12.5", "# ?/?", "12.5"),
        # another figure than the stored one
        ("0.125", "0.0%", "12.5%"),
        ("5", '0"件"', "5件"),
        ("20", '"1"0', "120"),
        ("20", "[$¥-804]#,##0.00", "¥20"),
        ("0", "#", ""),
        ("0", "#,##0;-#,##0;", ""),
        ("0", "0;-0;;@", ""),
        ("0", ACCOUNTING, "-"),
        ("20", ACCOUNTING, "20"),
        ("20", ";;;", ""),
        ("-5", "0_);(0)", "-5"),
        ("-5", "0_);[Red]\\(0\\)", "-5"),
        ("-5", "0", "-5"),
        ("20", "[DBNum1][$-804]General", "20"),
        # dates
        ("45296", 'yyyy"年"m"月"d"日"', "2024年1月5日"),
        ("45296.5", "yyyy-mm-dd hh:mm:ss", "2024-01-05 12:00:00"),
        ("45296", "yyyy/m/d;@", "2024/1/5"),
        ("20", "mm:ss", "00:00"),
        ("2023", "yyyy", "?1905"),
        ("20", "d", "?20"),
        ("45296", "[$-804]aaaa", "?"),
        ("1.5", "[h]:mm", "?1900-01-01 12:00:00"),
        ("-1", "yyyy-m-d", "####"),
        ("1E+12", "yyyy-m-d", "####"),
        # what is shown is not known, or is another magnitude
        ("160851007.35", '0!.0,"万"', "?160851007.35"),
        ("20", "0\\.0,", "?20"),
        ("20000", "#,##0,", "?20000"),
        ("20", "0 0", "?20"),
        ("20", "[>=10]0;0.0", "?20"),
        ("20", "Q0", "?20"),
        # no numbers
        ("1_000", "General", "?1_000"),
        ("２０", "General", "?２０"),
        ("nan", "General", "?nan"),
        ("1e999", "General", "?1e999"),
    ],
)  # fmt: skip
def test_a_number_as_its_format_shows_it(raw: str, number_format: str, expected: str) -> None:
    assert shown_number(raw, number_format) == expected


@pytest.mark.parametrize(
    "printed", ["?20", "?=B2+B3", "?=20", "12.5%", "2024年1月5日", "?1905", "####", "#REF!", "TRUE", "~~20~~21"]
)
def test_what_is_no_count_is_read_as_none(printed: str) -> None:
    (result,) = extract_all(report().replace("\n行政许可\t160\n", f"\n行政许可\t{printed}\n"))
    assert cells(result)["disclosure.licensing.decisions"]["value"] is None


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([words("a") + number(1) + number("2.50")], ["a|1|2.5"], id="numbers"),
        pytest.param([words(" 20 ") + words("２０") + words("'20")], ["20|２０|'20"], id="numbers as text"),
        pytest.param([words("a") + '<c t="b"><v>1</v></c><c t="e"><v>#REF!</v></c>'], ["a|TRUE|#REF!"],
                     id="no numbers"),
        pytest.param([words("a") + "<c><f>SUM(B2:B3)</f><v>7</v></c>"], ["a|7"], id="formula with its value"),
        pytest.param([words("a") + "<c><f>SUM(B2:B3)</f></c>"], ["a|?=SUM(B2:B3)"], id="formula never calculated"),
        pytest.param([words("a") + '<c t="str"><f>B2&amp;""</f><v></v></c>' + number(1)], ["a|1"], id="empty text"),
        pytest.param([words("a&#10;b") + number(1)], ["a b|1"], id="line break in a cell"),
        pytest.param(['<c t="inlineStr"><is><r><t>1</t></r><r><t>2</t></r><rPh><t>9</t></rPh></is></c>'], ["12"],
                     id="runs"),
        pytest.param(
            ['<c t="inlineStr"><is><r><t>12</t></r><r><rPr><vertAlign val="superscript"/></rPr><t>1</t></r></is></c>'],
            ["12¹"], id="the mark of a note",
        ),
        pytest.param(
            ['<c t="inlineStr"><is><r><rPr><strike/></rPr><t>20</t></r><r><t>21</t></r></is></c>'], ["~~20~~21"],
            id="struck out",
        ),
        pytest.param([words("a", 'r="B1"') + number(1, 0, 'r="D1"')], ["a|1"], id="columns that show nothing"),
        pytest.param([words("a") + number(1), "", words("b") + number(2)], ["a|1", "b|2"],
                     id="a blank row parts tables"),
        pytest.param([words("a") + '<c s="²"><v>1</v></c>'], ["a|1"], id="a style that is no number"),
        pytest.param(["<c/><c/>", words("a") + "<c/>" + number(1), "<c/>"], ["a|1"], id="empty cells"),
        pytest.param([words("x_x0031_")], ["x1"], id="escaped characters"),
        pytest.param([words("a") + '<c t="s"><v>7</v></c>'], ["a|?"], id="a shared string that is not there"),
    ],
)  # fmt: skip
def test_cells(rows: list[str], expected: list[str]) -> None:
    assert lines(excel(sheet_rows(*rows))) == expected


def merge(*ranges: str) -> str:
    return "<mergeCells>" + "".join(f'<mergeCell ref="{each}"/>' for each in ranges) + "</mergeCells>"


ROWS = (
    words("题") + number(91) + number(92),
    words("a") + words("b") + number(1),
    number(93) + words("c") + number(2),
)


@pytest.mark.parametrize(
    ("columns", "merged", "expected"),
    [
        pytest.param("", ("A1:C1", "A2:A3"), ["题", "a|b|1", "|c|2"], id="what lies below is not seen"),
        pytest.param("", ("A1:C1", "A2:B2"), ["题", "a||1", "93|c|2"], id="across"),
        pytest.param('<cols><col min="1" max="1" hidden="1"/></cols>', ("A1:C1",), ["题", "b|1", "c|2"],
                     id="a merged cell whose first column is hidden"),
        pytest.param('<cols><col min="3" max="9" width="0"/></cols>', ("A1:C1", "A2:A3"), ["题", "a|b", "|c"],
                     id="a column without width"),
    ],
)  # fmt: skip
def test_merged_and_hidden(columns: str, merged: tuple[str, ...], expected: list[str]) -> None:
    assert [line.rstrip("|") for line in lines(excel(columns + sheet_rows(*ROWS) + merge(*merged)))] == expected


def test_hidden_rows_and_sheets_are_not_read_and_that_is_told() -> None:
    hidden = f'<sheetData><row r="1">{words("a")}{number(1)}</row><row r="2" hidden="1">{number(9)}</row></sheetData>'
    stored = read_xlsx(excel(hidden, sheet_rows(number(8)), names=("甲", "乙"), states=("visible", "veryHidden")))
    assert stored.text == "甲\na\t1"
    assert [notice.code for notice in stored.notices] == ["file.hidden_cells"]
    assert "乙、甲" in stored.notices[0].message
    quiet = excel(f'<sheetData><row r="1">{words("a")}</row><row r="2" hidden="1">{words("b")}</row></sheetData>')
    assert read_xlsx(quiet).notices == ()


@pytest.mark.parametrize("row", ['hidden="1"', 'ht="0" customHeight="1"', 'ht="0.5" customHeight="1"'])
def test_a_merged_cell_in_a_row_that_is_not_seen(row: str) -> None:
    sheet = (
        f'<sheetData><row r="1">{words("a")}{number(1)}</row><row r="2" {row}>{words("b")}{number(9)}</row></sheetData>'
    )
    stored = read_xlsx(excel(f'{sheet}<mergeCells><mergeCell ref="B2:D2"/></mergeCells>'))
    assert stored.text == "a\t1"
    assert [notice.code for notice in stored.notices] == ["file.hidden_cells"]


def test_where_all_is_hidden_it_is_read() -> None:
    for row, expected in ((words("a") + number(1), "a\t1"), (words("规章"), "规章")):
        stored = read_xlsx(excel(f'<sheetData><row r="1" hidden="1">{row}</row></sheetData>'))
        assert (stored.text, stored.notices) == (expected, ())


def test_a_sheet_that_shows_no_zeros() -> None:
    view = '<sheetViews><sheetView showZeros="0" workbookViewId="0"/></sheetViews>'
    assert lines(excel(view + sheet_rows(words("a") + number(0) + number(1) + words("0")))) == ["a|1|0"]


def test_shared_strings_and_styles() -> None:
    strings = (
        f'<sst xmlns="{S}"><si><r><t>公</t></r><r><t>_x000D_开</t></r><rPh sb="0" eb="1"><t>9</t></rPh></si></sst>'
    )
    styles = (
        f'<styleSheet xmlns="{S}"><fonts><font/><font><strike/></font></fonts>'
        '<numFmts><numFmt numFmtId="164" formatCode="0&quot;件&quot;"/></numFmts>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="9"/><xf numFmtId="31"/><xf numFmtId="164"/>'
        '<xf numFmtId="999"/><xf fontId="1"/></cellXfs>'
        "</styleSheet>"
    )
    row = '<c t="s"><v>0</v></c>' + "".join(number(20, style) for style in range(7))
    assert lines(excel(sheet_rows(row), strings=strings, styles=styles)) == [
        "公 开|20|2000%|1900年1月20日|20件|20|~~20~~|20"
    ]


def test_sheets_in_order_under_their_names_each_a_report() -> None:
    from openpyxl import Workbook

    workbook = Workbook()
    for index, town in enumerate(("东街镇", "西街镇")):
        sheet = workbook.create_sheet(town, index)
        for line in report(body=f"{town}人民政府").split("\n"):
            sheet.append([int(text) if text.isdigit() else text for text in line.split("\t")])
    workbook.remove(workbook.worksheets[-1])
    out = io.BytesIO()
    workbook.save(out)
    results = extract_all(read_stored(out.getvalue()), source="x.xlsx")
    assert [one.source for one in results] == ["x.xlsx#1", "x.xlsx#2"]
    assert [one.record["organization"] for one in results if one.record] == ["东街镇人民政府", "西街镇人民政府"]
    assert {one.verdict for one in results} <= {"verified", "reconciled"}
    place = cells(results[1])["requests.new_received.total"]["place"]
    assert place["sheet"] == "西街镇"


@pytest.mark.parametrize("seed", range(1, 13))
def test_the_same_report_in_excel_and_html_gives_the_same_record(seed: int) -> None:
    from openpyxl import load_workbook

    sample = generate(seed, "xlsx")
    stored = read_stored(sample.data)
    results = extract_all(stored)
    page = replace(sample, payload=None, name="report.html")
    assert alike(results) == alike(extract_all(read_stored(page.data)))
    outcome = Outcome(seed, "xlsx")
    compare(sample, results, stored.text, outcome)
    assert outcome.fatal == []
    workbook = load_workbook(io.BytesIO(sample.data))
    reported = [cell for one in results for cell in cells(one).values() if cell["state"] == "reported"]
    assert reported
    for cell in reported:  # openpyxl finds the same figure at that address
        written = str(workbook[cell["place"]["sheet"]][cell["place"]["ref"]].value)
        shown = " ".join(written.split())
        # 20件 is 20 and a format; a table that is text stands whole in each cell of its rows
        assert cell["raw"] in (shown, shown + cell["raw"][-1]) or (" " in shown and cell["raw"] in shown)


def test_a_seed_gives_the_same_bytes() -> None:
    html = generate(5, "html").text
    assert make_file("xlsx", html, 5) == make_file("xlsx", html, 5) != make_file("xlsx", html, 6)


def test_openpyxl_writes_what_is_read() -> None:
    def fill(sheet: Any) -> None:
        sheet.title = "附表"
        sheet.append(["规章", 1, 2.5, 16085.100735, True, None, "20"])
        sheet["B1"].number_format = "0.00"

    stored = read_xlsx(book(fill))
    assert stored.text == "附表\n规章\t1\t2.5\t16085.100735\tTRUE\t20"
    start = stored.text.index("16085")
    place = stored.places.at(start, start + 5)
    assert place is not None
    assert (place.sheet, place.ref) == ("附表", "D1")


@pytest.mark.parametrize(
    ("sheet", "code"),
    [
        pytest.param(sheet_rows(number(1, 0, 'r="A1"') + number(2, 0, 'r="A1"')), "malformed", id="a cell twice"),
        pytest.param(sheet_rows(number(1, 0, 'r="ZZZZ1"')), "malformed", id="an address that is none"),
        pytest.param(sheet_rows(number(1, 0, 'r="A7"')), "malformed", id="a cell in another row"),
        pytest.param('<sheetData><row r="9999999"/></sheetData>', "malformed", id="a row that is none"),
        pytest.param(sheet_rows(number(1) * 16_384), "malformed", id="a table wider than any"),
        pytest.param(
            sheet_rows(*[number(1) * 200] * 20) + merge(*["GZ1:XFD1048576"] * 15_000), "too_large", id="merged cells",
        ),
        pytest.param(f'<sheetData a="{"x" * 30_000_000}"/>', "malformed", id="a tag without an end"),
    ],
)  # fmt: skip
def test_sheets_that_no_report_has(sheet: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        read_xlsx(excel(sheet))
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("limit", "row"),
    [("MAX_CELLS", "<c/>" * 100), ("MAX_FILLED", number(1) * 100)],
    ids=["empty cells", "filled cells"],
)
def test_the_cells_of_a_sheet_are_counted(limit: str, row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_sheet, limit, 1000)
    read_xlsx(excel(sheet_rows(*[row] * 10)))
    with pytest.raises(InputError) as caught:
        read_xlsx(excel(sheet_rows(*[row] * 11)))
    assert caught.value.code == "too_large"


def test_a_long_text_that_stands_in_every_cell_is_too_large() -> None:
    strings = f'<sst xmlns="{S}"><si><t>{"公" * 500_000}</t></si></sst>'
    with pytest.raises(InputError) as caught:
        read_xlsx(excel(sheet_rows(*['<c t="s"><v>0</v></c>'] * 100), strings=strings))
    assert caught.value.code == "too_large"


def test_a_million_rows_of_nothing_and_a_cell_in_the_last_corner() -> None:
    rows = "".join(f'<row r="{n}" ht="14.25" customHeight="1"/>' for n in range(2, 200_000))
    last = number(2, 0, 'r="XFD1048576"')
    corner = f'<row r="1048576">{last}</row>'
    sheet = f'<sheetData><row r="1">{words("a")}{number(1)}</row>{rows}{corner}</sheetData>'
    assert lines(excel(sheet)) == ["a|1", "2"]
