"""Several reports in one file: told apart where the file marks it, together and in doubt where it does not; a number
of one never stands trusted under another's name or year."""

from __future__ import annotations

import helpers as h
import pytest
from extractor.eval.collections import FATAL, judge, read
from helpers import missed_cells, tabs, trusted, truth, verdicts, wrong_cells
from test_traps_reports import OTHER_YEAR

from extractor.pipeline import extract_all
from extractor.results import Result

FIRST, SECOND = h.rows(), h.rows(OTHER_YEAR)
TRUTHS = (truth(), truth(OTHER_YEAR))


def titled(rows: dict[str, list[str]], body: str, year: int = 2023) -> str:
    return h.report(tabs(rows), body=body, year=year)


def untitled(rows: dict[str, list[str]]) -> str:
    return titled(rows, "甲县").split("\n", 1)[1]


def wrapped(body: str) -> str:
    return f"{body}\n2023年政府信息公开工作年度报告\n"


NO_TABLES = "乙县2023年政府信息公开工作年度报告\n一、总体情况\n见网站。\n二、主动公开政府信息情况\n见网站。\n"
HEAD = "甲县2023年政府信息公开工作年度报告汇编\n"
SIGNED = "\n{}\n2024年1月3日\n"

# Text → (organization, year) of each report; None for what the file does not say.
TOLD: dict[str, tuple[str, list[tuple[str | None, int | None]]]] = {
    "titles": (titled(FIRST, "甲县") + titled(SECOND, "乙县"), [("甲县", 2023), ("乙县", 2023)]),
    "one body's years": (titled(FIRST, "甲县") + titled(SECOND, "甲县", 2022), [("甲县", 2023), ("甲县", 2022)]),
    "titles in two lines": (
        wrapped("甲县人民政府") + untitled(FIRST) + wrapped("乙县人民政府") + untitled(SECOND),
        [("甲县人民政府", 2023), ("乙县人民政府", 2023)],
    ),
    "titles in a row of empty cells": (
        titled(FIRST, "甲县").replace("报告\n", "报告" + "\t" * 14 + "\n", 1)
        + h.table_2()  # a report without headings
        .join(["乙县2023年政府信息公开工作年度报告" + "\t" * 14 + "\n", ""])
        + tabs(SECOND)
        + h.table_4(),
        [("甲县", 2023), ("乙县", 2023)],
    ),
    "names over them": (f"子镇\n{untitled(FIRST)}\n丑镇\n{untitled(SECOND)}", [("子镇", None), ("丑镇", None)]),
    "names with numbers": (
        f"{HEAD}（一）子镇\n{untitled(FIRST)}\n（二）丑镇\n{untitled(SECOND)}", [("子镇", None), ("丑镇", None)],
    ),
    "years over them": (f"2023年\n{untitled(FIRST)}\n2022年\n{untitled(SECOND)}", [(None, 2023), (None, 2022)]),
    "names under them": (
        untitled(FIRST) + SIGNED.format("甲县人民政府") + untitled(SECOND) + SIGNED.format("乙县人民政府"),
        [("甲县人民政府", 2023), ("乙县人民政府", 2023)],
    ),
    "a title that is of all": (HEAD + untitled(FIRST) + untitled(SECOND), [(None, None), (None, None)]),
    "table 3 alone": (f"子镇\n{tabs(FIRST)}\n丑镇\n{tabs(SECOND)}", [("子镇", None), ("丑镇", None)]),
}  # fmt: skip


@pytest.mark.parametrize("name", TOLD)
def test_told_apart(name: str) -> None:
    text, expected = TOLD[name]
    results = extract_all(text, "f")
    assert [result.source for result in results] == ["f#1", "f#2"]
    for result, true, who in zip(results, TRUTHS, expected, strict=True):
        assert result.record is not None
        assert (result.record["organization"], result.record["year"]) == who
        assert trusted(result, "requests")
        assert wrong_cells(result, true) == []
        assert not [path for path in missed_cells(result, true) if path.startswith("requests.")]


def beside(first: dict[str, list[str]], second: dict[str, list[str]], years: tuple[str, str]) -> str:
    """Two years' table 3 as one, their columns side by side."""
    gap = "\t" * 7
    lines = [f"{h.CAPTION}\t\t\t{years[0]}{gap}{years[1]}{gap}", "\t\t\t" + "\t".join(h.HEADS * 2)]
    lines += ["\t".join([*h.label_of(key), *first[key], *second[key]]) for key in h.in_order(first)]
    return "\n".join(lines) + "\n"


TOGETHER: dict[str, str] = {
    "table 3 twice": h.report(tabs(SECOND) + "\n" + tabs(FIRST)),
    "table 3 twice, under its years": h.report(f"2022年\n{tabs(SECOND)}\n2023年\n{tabs(FIRST)}"),
    "table 3 twice, under headings": h.report(f"{tabs(SECOND)}\n三、收到和处理政府信息公开申请情况\n{tabs(FIRST)}"),
    "table 3 side by side": h.report(beside(FIRST, SECOND, ("2023年", "2022年"))),
    "table 3 side by side, no years": h.report(beside(FIRST, SECOND, ("", ""))),
    "names over and under": (f"甲县人民政府\n{untitled(FIRST)}\n甲县人民政府\n{untitled(SECOND)}\n乙县人民政府\n"),
    "a title between the tables of two halves": (
        f"甲县2023年政府信息公开工作年度报告\n{h.table_2()}乙县2023年政府信息公开工作年度报告\n{tabs(FIRST)}{h.table_4()}"
    ),
    "a name between the tables of two halves": f"子镇\n{h.table_2()}丑镇\n{tabs(FIRST)}{h.table_4()}",
    "nothing between them": h.table_2() + tabs(FIRST) + h.table_4() + h.table_2() + tabs(SECOND) + h.table_4(),
}


@pytest.mark.parametrize("name", TOGETHER)
def test_what_cannot_be_told_apart_is_in_doubt(name: str) -> None:
    (result,) = extract_all(TOGETHER[name])
    assert result.verdict == "needs_review"
    assert not trusted(result, "requests")
    assert [f.message for f in result.findings if f.rule.startswith("requests.reading.")]


@pytest.mark.parametrize("place", ["first", "between", "last"])
def test_a_report_without_tables_is_answered(place: str) -> None:
    reports = [titled(FIRST, "甲县"), titled(SECOND, "丙县")]
    at = {"first": 0, "between": 1, "last": 2}[place]
    results = extract_all("\n".join([*reports[:at], NO_TABLES, *reports[at:]]), "f")
    assert [result.source for result in results] == ["f#1", "f#2", "f#3"]
    assert [result.error["code"] if result.error else "" for result in results] == [
        "no_tables" if number == at else "" for number in range(3)
    ]
    read_ = [result for result in results if result.record]
    assert [result.record["organization"] for result in read_ if result.record] == ["甲县", "丙县"]
    assert [wrong_cells(result, true) for result, true in zip(read_, TRUTHS, strict=True)] == [[], []]


@pytest.mark.parametrize("first", [True, False])
def test_a_named_report_without_tables_gives_no_one_its_name(first: bool) -> None:
    empty = "丑镇\n" + NO_TABLES.split("\n", 1)[1]
    named = f"子镇\n{untitled(FIRST)}\n"
    results = extract_all(empty + named if first else named + empty, "f")
    assert [result.verdict == "failed" for result in results] == [first, not first]
    (read_,) = [result for result in results if result.record]
    assert read_.record is not None
    assert read_.record["organization"] == "子镇"
    assert wrong_cells(read_, truth()) == []


LINKS = "\n甲县2022年政府信息公开工作年度报告\n甲县2021年政府信息公开工作年度报告\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(titled(FIRST, "甲县") + LINKS, id="links below"),
        pytest.param(LINKS + titled(FIRST, "甲县"), id="links above"),
        pytest.param(
            titled(FIRST, "甲县").replace("四、政府", "甲县2023年政府信息公开工作年度报告\n四、政府"),
            id="a page header",
        ),
        pytest.param(
            titled(FIRST, "甲县").replace("一、总体", "目录\n一、总体情况\n二、主动公开政府信息情况\n\n一、总体", 1),
            id="a list of contents",
        ),
        pytest.param(titled(FIRST, "甲县") + "甲县人民政府\n2024年1月3日\n", id="signed"),
    ],
)
def test_one_report_stays_one(text: str) -> None:
    results: list[Result] = extract_all(text, "f")
    assert [result.source for result in results] == ["f"]
    assert set(verdicts(results[0])) == {"verified"}
    assert results[0].record is not None
    assert (results[0].record["organization"], results[0].record["year"]) == ("甲县", 2023)


def test_many_towns() -> None:
    towns = [f"{a}{b}镇" for a in "子丑寅卯辰" for b in "江河山川湖"]
    results = extract_all("\n".join(titled((FIRST, SECOND)[n % 2], town) for n, town in enumerate(towns)), "f")
    assert [result.record["organization"] for result in results if result.record] == towns
    for number, result in enumerate(results):
        assert set(verdicts(result)) == {"verified"}
        assert wrong_cells(result, TRUTHS[number % 2]) == []


@pytest.mark.parametrize("seed", [5, 8, 9, 14, 39, 80])
def test_generated_collections(seed: int) -> None:
    sample, results = read(seed)
    counts, faults = judge(sample.reports, results)
    assert not [kind for kind in FATAL if counts[kind]], faults
