"""Traps of reports: published errors, several or half, the form of 2019; what always holds."""

from __future__ import annotations

from typing import Any

import helpers as h
import pytest
from cases import (
    ALL_TRUE,
    BROKEN,
    INJECTION,
    LAYOUTS,
    OTHER,
    UNDECIDED,
    F,
    N,
    R,
    V,
    glued_disputes,
)
from helpers import (
    cells,
    findings,
    glued,
    missed_cells,
    read,
    report,
    rows,
    table_4,
    tabs,
    trusted,
    truth,
    untrue_spans,
    verdicts,
    wrong_cells,
)

from extractor.form import TABLES
from extractor.pipeline import extract_all

# ---------------------------------------------------------------- published errors survive


ERRORS: dict[str, tuple[dict[str, tuple[int, ...]], str, set[str]]] = {
    "a total one too small": (
        {"granted": (9, 1, 0, 0, 0, 1, 10)},
        "requests.granted.total",
        {"requests.applicants.granted", "requests.outcomes.total"},
    ),
    "a request in the wrong column": (
        {"granted": (8, 2, 0, 0, 0, 1, 11)},
        "requests.granted.natural_person",
        {"requests.outcomes.natural_person", "requests.outcomes.business"},
    ),
    "the total forgot a row": (
        {"total_processed": (19, 3, 0, 0, 0, 1, 23)},
        "requests.total_processed.natural_person",
        {
            "requests.balance.natural_person",
            "requests.balance.total",
            "requests.outcomes.natural_person",
            "requests.outcomes.total",
        },
    ),
    "carried over one too many": (
        {"carried_out": (3, 0, 0, 0, 0, 0, 3)},
        "requests.carried_out.natural_person",
        {"requests.balance.natural_person", "requests.balance.total"},
    ),
}


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "glued"])
@pytest.mark.parametrize("name", ERRORS)
def test_a_published_error_survives(name: str, layout: str) -> None:
    changes, path, failing = ERRORS[name]
    result = read(report(LAYOUTS[layout](rows(changes))))
    assert wrong_cells(result, truth(changes)) == []
    assert missed_cells(result, truth(changes)) == []
    assert verdicts(result) == (V, BROKEN, V)
    found = findings(result)
    assert set(found) == failing
    for finding in found.values():
        assert finding["severity"] == "error"
        assert finding["blame"] == "source"
        assert finding["left"] != finding["right"]
        assert path in finding["suspects"]
        assert set(finding["suspects"]) == {
            cell for hypothesis in finding["hypotheses"] for cell in hypothesis["cells"]
        }
    assert cells(result)[path]["method"] == "rule"


@pytest.mark.parametrize("layout", ["glued", "spaced", "tabs"])
@pytest.mark.parametrize("name", ERRORS)
def test_a_published_error_is_never_passed_over(name: str, layout: str) -> None:
    changes, _, _ = ERRORS[name]
    result = read(report(LAYOUTS[layout](rows(changes))))
    assert result.verdicts["requests"] in (BROKEN, N)
    if trusted(result, "requests"):
        assert wrong_cells(result, truth(changes)) == []


def test_a_published_error_in_table_4() -> None:
    numbers = [2, 1, 0, 1, 5, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    result = read(report(disputes=table_4(numbers)))
    assert verdicts(result) == (V, V, BROKEN)
    assert set(findings(result)) == {"reconsideration.sum"}
    assert cells(result)["reconsideration.total"]["value"] == 5
    assert "reconsideration.total" in findings(result)["reconsideration.sum"]["suspects"]


@pytest.mark.parametrize("run", ["210151000100000", "2 1 0 1 51 0 0 0 10 0 0 0 0"])
def test_a_published_error_in_a_glued_table_4(run: str) -> None:
    assert read(report(disputes=glued_disputes(run))).verdicts["disputes"] in (BROKEN, N)


def test_a_published_error_is_not_spread_over_blank_cells() -> None:
    # The row prints its total only, and the columns do not fit it: nothing may be derived that breaks a rule.
    changes: dict[str, Any] = {"granted": ["", "", "", "", "", "", "12"]}
    result = read(report(tabs(rows(changes))))
    assert result.verdicts["requests"] in (BROKEN, N)
    true = {**truth(), "requests.granted.total": 12}
    assert wrong_cells(result, true) == []


# ---------------------------------------------------------------- several reports, half a report, none


OTHER_YEAR = {
    "new_received": (7, 0, 0, 0, 0, 0, 7),
    "carried_in": (1, 0, 0, 0, 0, 0, 1),
    "granted": (5, 0, 0, 0, 0, 0, 5),
    "granted_in_part": h.ZERO,
    "denied.third_party_rights": h.ZERO,
    "unavailable.not_held": (2, 0, 0, 0, 0, 0, 2),
    "not_processed.petition": h.ZERO,
    "other.other": h.ZERO,
    "total_processed": (7, 0, 0, 0, 0, 0, 7),
    "carried_out": (1, 0, 0, 0, 0, 0, 1),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_two_reports_in_one_file(layout: str) -> None:
    make = LAYOUTS[layout]
    text = report(make(rows(OTHER_YEAR)), year=2022) + "\n\n" + report(make(rows()), year=2023)
    first, second = extract_all(text, "two.txt")
    assert (first.source, second.source) == ("two.txt#1", "two.txt#2")
    for result, year, true in ((first, 2022, truth(OTHER_YEAR)), (second, 2023, truth())):
        assert result.record is not None
        assert result.record["year"] == year
        assert wrong_cells(result, true) == []
        assert missed_cells(result, true) == []
        assert untrue_spans(result) == []
        assert verdicts(result) == ALL_TRUE
    assert max(c.span[1] for c in first.cells if c.span) < min(c.span[0] for c in second.cells if c.span)


def test_two_tables_3_that_cannot_be_told_apart() -> None:
    text = report(tabs(rows(OTHER_YEAR)) + "\n" + tabs(rows()))
    results = extract_all(text)
    for result in results:
        assert result.verdicts["requests"] in (N, F)
        values = {
            path: cell["value"]
            for path, cell in cells(result).items()
            if path.startswith("requests.") and cell["value"] is not None
        }
        mixture = [
            true for true in (truth(OTHER_YEAR), truth()) if all(true[path] == value for path, value in values.items())
        ]
        assert mixture, "the values come from both tables"


CUTS = {
    "behind 重复申请": "3.要求提供公开出版物",
    "behind 不予公开": "（四）无法提供",
    "before 总计": "（七）总计",
    "before 结转下年度": "四、结转下年度继续办理",
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", CUTS)
def test_half_a_report(name: str, layout: str) -> None:
    whole = report(LAYOUTS[layout](rows()))
    text = whole[: whole.index(CUTS[name])]
    result = read(text)
    assert result.verdict == N
    assert result.verdicts["disclosure"] == V
    assert result.verdicts["requests"] == N
    assert result.verdicts["disputes"] == F
    assert wrong_cells(result, truth()) == []


@pytest.mark.parametrize("layout", ["tabs", "pipes", "glued"])
def test_a_report_cut_in_the_middle_of_a_row(layout: str) -> None:
    whole = report(LAYOUTS[layout](rows()))
    text = whole[: whole.index("2.重复申请") - 4]
    result = read(text)
    assert result.verdicts["requests"] == N
    assert result.verdict == N


def test_a_report_cut_behind_its_last_table_is_whole() -> None:
    whole = report()
    result = read(whole[: whole.index("五、存在的主要问题")])
    assert verdicts(result) == ALL_TRUE


@pytest.mark.parametrize(
    ("gone", "expected"),
    [("disclosure", (F, V, V)), ("requests", (V, F, V)), ("disputes", (V, V, F))],
)
def test_a_table_that_is_not_there_failed(gone: str, expected: tuple[str, str, str]) -> None:
    result = read(report(**{gone: "见附件。\n"}))
    assert verdicts(result) == expected
    assert result.verdict == N
    assert {cell["state"] for path, cell in cells(result).items() if h.table_of(path) == gone} == {"missing"}
    assert wrong_cells(result, truth()) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        (" \n\t\n", "empty"),
        ("某县2023年国民经济和社会发展统计公报\n全年生产总值 321 亿元，比上年增长 5.2%。", "not_a_report"),
        (INJECTION, "not_a_report"),
        ("您访问的页面不存在 404", "not_a_report"),
        ("青禾县2023年政府信息公开工作年度报告\n见附件。", "no_tables"),
    ],
    ids=["empty", "white space", "another report", "orders", "error page", "title only"],
)
def test_texts_without_tables_fail_with_a_reason(text: str, code: str) -> None:
    result = read(text)
    assert result.verdict == "failed"
    assert set(result.verdicts.values()) == {"failed"}
    assert result.record is None
    assert result.error is not None
    assert result.error["code"] == code
    assert result.error["message"]
    assert result.error["hint"]


# ---------------------------------------------------------------- the form of 2019


TABLE_2_2019 = """第二十条第（一）项
信息内容\t本年新制作数量\t本年新公开数量\t对外公开总数量
规章\t0\t0\t0
规范性文件\t4\t3\t21
第二十条第（五）项
信息内容\t上一年项目数量\t本年增/减\t处理决定数量
行政许可\t236\t+19\t5120
其他对外管理服务事项\t88\t-16\t940
第二十条第（六）项
信息内容\t上一年项目数量\t本年增/减\t处理决定数量
行政处罚\t1204\t减4\t77
行政强制\t66\t0\t12
第二十条第（八）项
信息内容\t上一年项目数量\t本年增/减
行政事业性收费\t9\t0
第二十条第（九）项
信息内容\t采购项目数量\t采购总金额
政府集中采购\t15\t3204.55万元
"""
DISCLOSURE_2019 = {
    "regulations.made": 0,
    "regulations.published": 0,
    "regulations.public_total": 0,
    "normative_documents.made": 4,
    "normative_documents.published": 3,
    "normative_documents.public_total": 21,
    "licensing.previous_items": 236,
    "licensing.change": 19,
    "licensing.decisions": 5120,
    "other_services.previous_items": 88,
    "other_services.change": -16,
    "other_services.decisions": 940,
    "penalties.previous_items": 1204,
    "penalties.change": -4,
    "penalties.decisions": 77,
    "coercion.previous_items": 66,
    "coercion.change": 0,
    "coercion.decisions": 12,
    "fees.previous_items": 9,
    "fees.change": 0,
    "procurement.items": 15,
    "procurement.amount": "3204.55",
}


@pytest.mark.parametrize("year", [2019, 2020, 2023])
def test_table_2_of_2019(year: int) -> None:
    result = read(report(disclosure=TABLE_2_2019, year=year))
    assert result.record is not None
    assert result.record["form"] == "2019"
    assert result.record["year"] == year
    assert verdicts(result) == ALL_TRUE
    found = {path: cell["value"] for path, cell in cells(result).items() if path.startswith("disclosure.")}
    assert found == {f"disclosure.{path}": value for path, value in DISCLOSURE_2019.items()}
    assert result.record["disclosure"]["procurement"]["unit"] == "万元"


def test_the_form_of_2019_prints_23_rows() -> None:
    result = read(report(tabs(rows({**OTHER, "other.all": (1, 0, 0, 0, 0, 0, 1)})), TABLE_2_2019, year=2020))
    assert result.record is not None
    assert result.record["form"] == "2019"
    assert verdicts(result) == (V, R, V)
    assert result.record["requests"]["other.all"]["total"] == 1


# ---------------------------------------------------------------- what holds for every document


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_cell_is_listed_once_and_agrees_with_the_record(layout: str) -> None:
    result = read(report(LAYOUTS[layout](rows())))
    out = result.to_json()
    paths = [cell["path"] for cell in out["cells"]]
    assert len(paths) == len(set(paths)) == 200
    record = out["record"]
    for cell in out["cells"]:
        head, _, rest = cell["path"].partition(".")
        row, _, column = rest.rpartition(".")
        value = record[head][row][column] if row else record[head][column]
        assert value == cell["value"]
    assert [table in out["verdicts"] for table in TABLES] == [True] * 3


def test_the_same_text_gives_the_same_result() -> None:
    text = report(glued(rows(UNDECIDED)))
    assert read(text).to_json() == read(text).to_json()
