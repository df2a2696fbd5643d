"""A panel: one row for a body and year, the newest reading of each document, and no conflict settled in silence."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import lines as ln
import openpyxl
import pytest

from extractor.store import Store

A, B = "青禾县人民政府", "云河镇人民政府"
MORE = {"requests.new_received.natural_person": 8, "requests.new_received.total": 10}


def more(source: str, **keys: Any) -> ln.Line:
    """A report whose own numbers break a rule: read and proved as printed."""
    made = ln.line(source=source, **keys, **MORE)
    made["verdicts"]["requests"] = made["verdict"] = "inconsistent"
    return made


def panel(tmp_path: Path, *lines: ln.Line, args: tuple[object, ...] = ()) -> tuple[list[dict[str, str]], str]:
    source = ln.written(tmp_path / "lines.jsonl", *lines)
    code, _, err = ln.run("export", source, "-o", tmp_path / "p.csv", "--panel", "--force", *args)
    assert code == 0, err
    return rows(tmp_path / "p.csv"), err


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_one_row_for_a_body_and_year(tmp_path: Path) -> None:
    found, err = panel(
        tmp_path,
        ln.line(year=2022, source="1.txt"),
        ln.line(year=2023, source="2.txt"),
        ln.line(body="青禾县 人民政府", year=2021, source="3.txt"),
        ln.line(body=B, year=2021, source="4.txt"),
        ln.line(body=B, year=2023, source="5.txt"),
        ln.nothing("6.txt"),
    )
    assert sorted((row["organization"].replace(" ", ""), row["year"]) for row in found) == sorted(
        [(A, "2021"), (A, "2022"), (A, "2023"), (B, "2021"), (B, "2023")]
    )
    assert "without body or year, so in no panel: 6.txt" in err
    assert [list(row.values()) for row in rows(tmp_path / "p_coverage.csv")] == [
        [B, "trusted", "absent", "trusted"],
        [A, "trusted", "trusted", "trusted"],
    ]
    assert list(rows(tmp_path / "p_coverage.csv")[0]) == ["organization", "y2021", "y2022", "y2023"]


def test_the_newer_reading_of_a_document_counts_even_if_it_doubts(tmp_path: Path) -> None:
    (row,), _ = panel(tmp_path, ln.line(), ln.doubted(ln.line()))
    assert (row["v_requests"], row["t3_gran_tota"], row["reports"]) == ("needs_review", "", "1")
    (row,), _ = panel(tmp_path, ln.doubted(ln.line()), ln.line())
    assert (row["v_requests"], row["t3_gran_tota"] != "") == ("verified", True)
    assert rows(tmp_path / "p_coverage.csv")[0]["y2023"] == "trusted"


def test_of_two_documents_that_agree_the_better_proved_is_taken(tmp_path: Path) -> None:
    (row,), err = panel(tmp_path, ln.line(source="1.html"), ln.doubted(ln.line(source="2.pdf")))
    assert (row["source"], row["reports"], row["others"], row["conflict"]) == ("1.html", "2", "2.pdf", "")
    assert "[conflict]" not in err


def test_documents_that_disagree_are_told_and_neither_is_taken(tmp_path: Path) -> None:
    first, second = ln.line(source="1.html"), more("2.pdf")
    (row,), err = panel(tmp_path, first, second)
    assert row["conflict"] == "requests"
    assert (row["t3_new_rece_natu_pers"], row["t3_new_rece_tota"]) == ("", "")
    assert row["t3_gran_tota"] == str(first["record"]["requests"]["granted"]["total"]), "where they agree it stays"
    assert row["t4_reco_uphe"] == str(first["record"]["reconsideration"]["upheld"])
    assert err.count("[conflict]") == 2
    assert "requests.new_received.total is 10 in 2.pdf" in err
    assert rows(tmp_path / "p_coverage.csv")[0]["y2023"] == "conflict"
    told = {(one["path"], one["value"], one["other_value"]) for one in rows(tmp_path / "p_conflicts.csv")}
    before = first["record"]["requests"]["new_received"]
    assert told == {
        ("requests.new_received.natural_person", "8", str(before["natural_person"])),
        ("requests.new_received.total", "10", str(before["total"])),
    }
    assert err.count(": left empty") == 2
    (row,), err = panel(tmp_path, first, second, args=("--untrusted",))
    assert "left empty" not in err
    assert row["t3_new_rece_tota"] == "10", "asked for: the newest"
    long, _ = panel(tmp_path, first, second, args=("--shape", "long"))
    disputed = {one["path"] for one in long if one["conflict"] == "1"}
    assert disputed == set(MORE)
    assert {one["trusted"] for one in long if one["path"] in disputed} == {"0"}


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [(("1.50", "万元"), ("1.5", "万元"), True), (("1.5", "万元"), ("1.5", "元"), False)],
)
def test_amounts_are_compared_with_their_units(
    tmp_path: Path, one: tuple[str, str], other: tuple[str, str], agree: bool
) -> None:
    made = []
    for number, (amount, unit) in enumerate((one, other)):
        line = ln.line(source=f"{number}.txt", **{"disclosure.fees.amount": amount})
        line["record"]["disclosure"]["fees"]["unit"] = unit
        made.append(line)
    (row,), _ = panel(tmp_path, *made)
    assert (row["conflict"] == "") == agree
    assert (row["t2_fees_exact"] != "") == agree


def test_two_towns_of_one_name_are_two_where_both_are_sure(tmp_path: Path) -> None:
    def town(source: str, code: str | None, **keys: Any) -> ln.Line:
        made = more(source, **keys) if code == "2" else ln.line(source=source, **keys)
        names = dict.fromkeys(("province", "city", "county", "town", "level", "department", "edition"))
        made["region"] = {**names, "code": code, "sure": code is not None, "evidence": [], "candidates": []}
        return made

    found, _ = panel(tmp_path, town("1.txt", "1"), town("2.txt", "2"))
    assert [(row["region_code"], row["conflict"]) for row in found] == [("1", ""), ("2", "")]
    found, _ = panel(tmp_path, town("1.txt", "1"), town("2.txt", None, year=2022))
    assert len(rows(tmp_path / "p_coverage.csv")) == 1, "one body: nothing says that it is another"


def test_from_databases_the_newest_reading_of_each(tmp_path: Path) -> None:
    for name, lines in (("a.db", [ln.line(year=2022, source="1"), ln.line(source="2")]), ("b.db", [more("2")])):
        with Store(tmp_path / name) as store:
            for line in lines:
                store.save_lines(line["source"], [line])
    sources = (tmp_path / "a.db", tmp_path / "b.db")
    assert ln.run("export", *sources, "-o", tmp_path / "p.csv", "--panel", "--year", "2022-2023")[0] == 0
    found = {row["year"]: row for row in rows(tmp_path / "p.csv")}
    assert {year: row["v_requests"] for year, row in found.items()} == {"2022": "verified", "2023": "inconsistent"}
    assert found["2023"]["t3_new_rece_tota"] == "10", "the same document in a source named later"
    every = tmp_path / "all.csv"
    assert ln.run("export", *sources, "-o", every, "--all")[0] == 0
    assert [row["source"] for row in rows(every)] == ["1", "2", "2"]


@pytest.mark.parametrize(
    ("args", "bodies"),
    [
        (("--year", "2022"), [A]),
        (("--year", "2021-2022", "--year", "2023"), [A, B, B]),
        (("--organization", "云河"), [B, B]),
        (("--verdict", "inconsistent"), [B]),
        (("--verdict", "inconsistent", "--verdict", "verified"), [A, B, B]),
    ],
)
def test_filters(tmp_path: Path, args: tuple[str, ...], bodies: list[str]) -> None:
    found, _ = panel(
        tmp_path, ln.line(year=2022, source="1"), ln.line(body=B, source="2"), more("3", body=B, year=2021), args=args
    )
    assert [row["organization"] for row in found] == bodies


def test_the_workbook_of_a_panel(tmp_path: Path) -> None:
    doubtful = ln.doubted(ln.line(body=B, source="3.txt"))
    doubtful["cells"][60]["state"] = "ambiguous"
    doubtful["cells"][60] |= {"value": None, "candidates": [1, 11], "method": None, "place": {"page": 4, "row": 7}}
    path = doubtful["cells"][60]["path"].split(".")
    doubtful["record"]["requests"][".".join(path[1:-1])][path[-1]] = None
    source = ln.written(tmp_path / "lines.jsonl", ln.line(source="1.html"), more("2.pdf"), doubtful, ln.nothing())
    code, _, err = ln.run("export", source, "-o", tmp_path / "p.xlsx", "--panel")
    assert code == 0, err
    book = openpyxl.load_workbook(tmp_path / "p.xlsx")
    assert book.sheetnames == ["说明", "表二 主动公开", "表三 收到和处理申请", "表四 复议和诉讼", "覆盖", "存疑的格",
                               "勾稽结果", "冲突", "未归位", "数据字典"]  # fmt: skip
    sheet = book["表三 收到和处理申请"]
    assert sheet.freeze_panes == "E6"
    assert sheet.auto_filter.ref == "A5:FX7"
    assert {"A1:A4", "E1:K3"} <= {str(area) for area in sheet.merged_cells.ranges}
    names = [cell.value for cell in sheet[5]]
    column = names.index("t3_new_rece_tota") + 1
    assert (sheet["E1"].value, sheet.cell(4, column).value) == ("一、本年新收政府信息公开申请数量", "总计")
    conflict, doubt = sheet[6], sheet[7]
    assert (conflict[0].value, conflict[2].value, conflict[3].value) == (A, "原文不符", "2 格矛盾")
    assert conflict[column - 1].value is None
    granted = names.index("t3_gran_tota")
    assert isinstance(conflict[granted].value, int)
    assert doubt[granted].value is None
    colours = {row[granted].fill.fgColor.rgb for row in (conflict, doubt)} | {conflict[column - 1].fill.fgColor.rgb}
    assert len(colours) == 3, "proved, unproved and disputed look different"
    assert [cell.value for cell in book["存疑的格"][2]][4:9] == ["有几种读法", None, None, "1、11", 4] or [
        cell.value for cell in book["存疑的格"][2]
    ][7:9] == ["1、11", 4]
    assert [cell.value for cell in book["冲突"][3]][2:4] == ["一、本年新收政府信息公开申请数量 · 总计", 10]
    assert [cell.value for cell in book["覆盖"][2]] == [B, "部分表可信", 1]
    assert [cell.value for cell in book["覆盖"][3]] == [A, "几份文件互相矛盾", 0]
    legend = {row[0].value: row[0].fill.fgColor.rgb for row in book["说明"].iter_rows() if row[0].value}
    assert legend["冲突"] == conflict[column - 1].fill.fgColor.rgb
    assert legend["未证实"] == doubt[granted].fill.fgColor.rgb


def test_a_name_of_nothing_but_brackets_and_spaces_is_no_body(tmp_path: Path) -> None:
    bodies = [ln.line(body=body, source=body) for body in ("（）", " ", "青禾县")]
    found, err = panel(tmp_path, *bodies)
    assert [row["organization"] for row in found] == ["青禾县"]
    assert "[placeless]" in err
