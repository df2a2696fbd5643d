"""Whose report, of which year, under which title; where its six sections lie."""

from __future__ import annotations

from itertools import pairwise

import helpers as h
import pytest

from extractor.pipeline import extract_all


def identity(head: str, tail: str = "", year_in_text: bool = False) -> tuple[str | None, int | None, str | None]:
    """(body, year, title) of a report with this head and these lines behind its last section."""
    body = h.report(overview="全县各部门做好公开。" + ("2024年，工作有新的进展。" if year_in_text else ""))
    text = head + body[body.index("一、总体情况") :] + tail
    (result,) = extract_all(text)
    assert result.record is not None
    return result.record["organization"], result.record["year"], result.record["title"]


@pytest.mark.parametrize(
    ("head", "body", "year"),
    [
        ("中阳县2024年政府信息公开工作年度报告\n\n", "中阳县", 2024),
        ("中阳县 2024 年政府信息公开工作年度报告\n\n", "中阳县", 2024),
        ("中阳县人民政府2023年政府信息公开工作年度报告\n", "中阳县人民政府", 2023),
        ("2023年中阳县人民政府政府信息公开工作年度报告\n", "中阳县人民政府", 2023),
        ("中阳县2023年度政府信息公开工作报告\n", "中阳县", 2023),
        ("中阳县2023年度政府信息公开年报\n", "中阳县", 2023),
        ("中阳县教育局\n2023年政府信息公开工作年度报告\n", "中阳县教育局", 2023),
        ("# 中阳县2023年政府信息公开工作年度报告\n", "中阳县", 2023),
        ("**中阳县2023年政府信息公开工作年度报告**\n", "中阳县", 2023),
        ("中阳县政府信息公开工作年度报告（2023年度）\n", "中阳县", 2023),
        ("中阳县政府信息公开工作年度报告(2023年)\n", "中阳县", 2023),
        ("中阳县人民政府\n政府信息公开工作年度报告\n（2023年）\n", "中阳县人民政府", 2023),
        ("中阳县2023年政府信息公开\n工作年度报告\n", "中阳县", 2023),
        ("中阳县二〇二三年政府信息公开工作年度报告\n", "中阳县", 2023),
        ("中阳县二○二三年政府信息公开工作年度报告\n", "中阳县", 2023),
        # A PDF's side bar stands on the title's line, or a link above it.
        ("三、收到和处理政府信息 中阳县2023年政府信息公开工作年度报告\n公开申请情况（2022）\n", "中阳县", 2023),
        ("三、收到和处理政府信息公开申请情况（2022）\n2023年政府信息公开工作年度报告\n", None, 2023),
        ("中阳县２０２３年政府信息公开工作年度报告\n", "中阳县", 2023),
        ("龍泉縣2023年政府信息公開工作年度報告\n", "龍泉縣", 2023),
        ("发布时间：2024-01-29 来源：县政府办\n中阳县2023年政府信息公开工作年度报告\n", "中阳县", 2023),
        ("首页 > 政务公开 > 年报\n中阳县2023年政府信息公开工作年度报告\n浏览次数：1024\n", "中阳县", 2023),
        (
            "http://www.example.gov.cn/2024/0129/t20240129_1.html\n中阳县2023年政府信息公开工作年度报告\n",
            "中阳县",
            2023,
        ),
        (
            (
                "中阳县2023年政府信息公开工作年度报告\n根据《中华人民共和国政府信息公开条例》（2019年修订），"
                "参照2022年政府信息公开工作年度报告，现公布2023年年报。\n"
            ),
            "中阳县",
            2023,
        ),
        ("关于中阳县水务局2023年政府信息公开工作年度报告的公告\n", "中阳县水务局", 2023),
        ("中阳县人民政府办公室关于转发中阳县水务局2023年政府信息公开工作年度报告\n", "中阳县水务局", 2023),
    ],
)
def test_title_gives_body_and_year(head: str, body: str | None, year: int) -> None:
    found, when, title = identity(head)
    assert (found, when) == (body, year)
    assert title is not None
    assert "报告" in title or "年报" in title or "報告" in title


def test_half_a_name_behind_a_heading_is_no_body() -> None:
    assert identity("一、中 阳 县2023年政府信息公开工作年度报告\n数据统计期限为2023年1月1日至12月31日。\n")[:2] == (
        None,
        2023,
    )


@pytest.mark.parametrize(
    ("tail", "year"),
    [
        ("\n中阳县人民政府\n2024年1月29日\n", 2023),
        ("\n中阳县人民政府办公室\n2025 年 1 月 8 日\n", 2024),
    ],
)
def test_a_date_line_is_the_year_after(tail: str, year: int) -> None:
    assert identity("中阳县人民政府政府信息公开工作年度报告\n", tail)[1] == year


def test_the_titles_year_wins_over_the_date_line() -> None:
    assert identity("中阳县2023年政府信息公开工作年度报告\n", "\n中阳县人民政府\n2024年1月29日\n")[1] == 2023


def test_the_period_gives_the_year() -> None:
    head = "政府信息公开工作年度报告\n本报告所列数据统计期限自2022年1月1日起至2022年12月31日止。\n"
    assert identity(head)[1] == 2022


def test_the_signature_gives_the_body() -> None:
    assert identity("2023年政府信息公开工作年度报告\n", "\n中阳县水利局\n2024年1月12日\n")[0] == "中阳县水利局"


def test_what_is_not_said_is_null() -> None:
    assert identity("") == (None, None, None)


# ---------------------------------------------------------------- sections


SECTIONS = {
    "overview": "一、总体情况",
    "disclosure": "二、主动公开政府信息情况",
    "requests": "三、收到和处理政府信息公开申请情况",
    "disputes": "四、政府信息公开行政复议、行政诉讼情况",
    "problems": "五、存在的主要问题及改进情况",
    "other_matters": "六、其他需要报告的事项",
}


def headings(text: str) -> dict[str, str | None]:
    """Section → the first line of its span."""
    (result,) = extract_all(text)
    assert result.record is not None
    spans = result.record["sections"]
    ordered = [span for span in spans.values() if span]
    assert ordered == sorted(ordered)
    assert all(a[1] <= b[0] for a, b in pairwise(ordered))
    return {key: span and result.text[span[0] : span[1]].split("\n")[0].strip() for key, span in spans.items()}


@pytest.mark.parametrize(
    ("overview", "problems"),
    [
        ("", ""),
        ("三、收到和处理政府信息公开申请情况见后表。", ""),
        (
            "其中政府信息公开行政复议、行政诉讼情况、主动公开政府信息情况详见后文。",
            "总体情况较好，其他需要报告的事项见第六部分。",
        ),
    ],
    ids=["plain", "heading in a sentence", "words of headings"],
)
def test_six_sections(overview: str, problems: str) -> None:
    assert headings(h.report(overview=overview, problems=problems)) == SECTIONS


def test_a_table_of_contents_is_not_the_sections() -> None:
    contents = "目 录\n" + "\n".join(f"{line}……{n}" for n, line in enumerate(SECTIONS.values(), 1)) + "\n\n"
    text = h.report()
    (result,) = extract_all(contents + text)
    assert result.record is not None
    span = result.record["sections"]["requests"]
    assert span[0] > len(contents)
    assert "本年新收政府信息公开申请数量" in result.text[span[0] : span[1]]


def test_misnumbered_headings() -> None:
    text = h.report().replace("\n三、收到", "\n四、收到").replace("\n四、政府信息公开行政", "\n五、政府信息公开行政")
    assert headings(text) == {
        **SECTIONS,
        "requests": "四、收到和处理政府信息公开申请情况",
        "disputes": "五、政府信息公开行政复议、行政诉讼情况",
    }


@pytest.mark.parametrize("key", SECTIONS)
def test_a_missing_heading_is_null(key: str) -> None:
    found = headings(h.report().replace(SECTIONS[key] + "\n", "", 1))
    assert found[key] is None
    assert {k: v for k, v in found.items() if k != key} == {k: v for k, v in SECTIONS.items() if k != key}


def test_each_table_lies_in_its_section() -> None:
    (result,) = extract_all(h.report())
    assert result.record is not None
    spans = result.record["sections"]
    for cell in result.cells:
        start, end = spans[h.table_of(cell.path)]
        assert cell.span
        assert start <= cell.span[0] < cell.span[1] <= end
