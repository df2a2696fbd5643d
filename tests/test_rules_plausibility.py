"""Figures that no equation forbids and that can hardly be."""

from __future__ import annotations

from decimal import Decimal

import pytest
from soft import FEES, D, N, applies, one, outcomes

from extractor.results import Cell, Finding
from extractor.rules.examples import example_case
from extractor.rules.names import is_county, is_township


@pytest.mark.parametrize(
    ("issued", "repealed", "in_force", "expected"),
    [
        (3, 0, 3, None),
        (4, 0, 3, ("fail", "warning")),
        (5, 1, 3, ("fail", "warning")),
        (5, 3, 3, ("fail", "info")),  # documents of this year may have been repealed
        (5, None, 3, ("fail", "info")),
        (0, 0, None, None),
        (None, 0, 3, ("not_assessable", "info")),
        (3, 0, None, ("not_assessable", "info")),
    ],
)
def test_issued_over_in_force(
    issued: int | None, repealed: int | None, in_force: int | None, expected: tuple[str, str] | None
) -> None:
    cells = {N + "issued": issued, N + "repealed": repealed, N + "in_force": in_force}
    finding = one("disclosure.issued_over_in_force", cells=cells)
    assert (finding and (finding.status, finding.severity)) == expected
    if finding and finding.status == "fail":
        assert (finding.left, finding.right) == (issued, in_force)
        assert finding.rule == "disclosure.issued_over_in_force.normative_documents"


def test_a_missing_operand_is_named() -> None:
    finding = one("disclosure.repealed_over_stock", cells={N + "repealed": 4, N + "in_force": None})
    assert finding
    assert finding.status == "not_assessable"
    assert "现行有效件数" in finding.message
    assert N + "in_force" in finding.message_en


@pytest.mark.parametrize(
    ("value", "unit", "before", "before_unit", "fails"),
    [
        ("41.2", "万元", "38.66", "万元", False),
        ("412000", "万元", "38.66", "万元", True),
        ("38.66", "万元", "412000", "万元", True),
        ("412000", "元", "38.66", "万元", False),
        ("38.66", "元", "41.2", "万元", True),  # the same digits under another unit
        ("38660", "万元", "38.66", "万元", False),  # a thousand times: not this mistake
    ],
)
def test_fee_against_last_year(value: str, unit: str, before: str, before_unit: str, fails: bool) -> None:
    previous = {"rest": 0, "cells": {FEES: before}, "units": {FEES: before_unit}}
    finding = one("disclosure.fee_magnitude", cells={FEES: value}, units={FEES: unit}, previous=previous)
    assert (finding.rule if finding else None) == ("disclosure.fee_magnitude.previous" if fails else None)


@pytest.mark.parametrize(
    ("said", "unit", "year", "fails"),
    [
        ("305.2", "万元", 2023, False),
        ("305.2", "元", 2023, True),
        ("3052000", "元", 2023, False),
        ("3052000", "万元", 2023, True),
        ("0.03052", "亿元", 2023, False),
        ("640", "元", 2023, False),  # another matter: narrative.disclosure says so
        ("305.2", "元", 2022, False),
        ("305.2", None, 2023, False),
        ("0", "元", 2023, False),
    ],
)
def test_fee_against_the_narrative(said: str, unit: str | None, year: int, fails: bool) -> None:
    claim = {"field": FEES, "value": said, "raw": said, "span": [0, len(said)], "year": year, "unit": unit}
    finding = one("disclosure.fee_magnitude", year=2023, cells={FEES: "305.2"}, claims=[claim])
    assert (finding.rule if finding else None) == ("disclosure.fee_magnitude.narrative" if fails else None)
    if finding:
        assert finding.evidence[-1].raw == said


def test_the_narrative_may_say_it_twice() -> None:
    claims = [
        {"field": FEES, "value": value, "raw": value, "span": [0, 1], "year": 2023, "unit": "元"}
        for value in ("310.4", "3104000")
    ]
    assert one("disclosure.fee_magnitude", year=2023, cells={FEES: "310.4"}, claims=claims) is None


@pytest.mark.parametrize(
    ("organization", "value", "severity"),
    [
        ("小董乡人民政府", "9999", None),
        ("小董乡人民政府", "12345", "info"),
        ("小董乡人民政府", "123456", "warning"),
        ("中阳县", "16085.100735", None),
        ("中阳县", "123456", None),
        ("中阳县", "1608510", "warning"),
        ("青州市", "1608510", None),
        (None, "1608510", None),
        (None, "16085100", "warning"),
        ("新乡市", "123456", None),
    ],
)
def test_fee_against_the_level(organization: str | None, value: str, severity: str | None) -> None:
    finding = one("disclosure.fee_magnitude", organization=organization, cells={FEES: value})
    assert (finding.severity if finding else None) == severity


@pytest.mark.parametrize("unit", ["元", "亿元"])
def test_a_unit_that_is_not_the_forms(unit: str) -> None:
    finding = one("disclosure.fee_unit", cells={FEES: "640"}, units={FEES: unit})
    assert finding
    assert finding.severity == "info"
    assert f"单位是{unit}" in finding.message
    assert not applies("disclosure.fee_unit", cells={FEES: "0"}, units={FEES: unit})


@pytest.mark.parametrize(
    ("value", "unit", "fails"),
    [
        ("16085.100735", "万元", False),
        ("16085.1007350", "万元", False),
        ("16085.1007351", "万元", True),
        ("305217846.19", "元", False),
        ("305217846.191", "元", True),
        ("305217846.190", "元", False),
        ("1.23456789", "亿元", False),
        ("83160452.123456", None, False),
        ("83160452.1234567", None, True),
        ("0.1234567", "美元", None),
        ("0", "元", False),
        ("100", "元", False),
    ],
)
def test_decimals(value: str, unit: str | None, fails: bool | None) -> None:
    found = outcomes("disclosure.amount_decimals", {"rest": 0, "cells": {FEES: value}, "units": {FEES: unit}})
    assert [bool(outcome) for outcome in found] == ([] if fails is None else [fails])
    path = "disclosure.procurement.amount"
    found = outcomes(
        "disclosure.amount_decimals", {"form": "2019", "rest": 0, "cells": {path: value}, "units": {path: unit}}
    )
    assert [outcome.rule for outcome in found if outcome] == ["disclosure.amount_decimals.procurement"] * bool(fails)


@pytest.mark.parametrize(
    ("text", "fails"),
    [
        ("行政事业性收费 3.05\n2\n三、收到和处理\n", False),
        ("行政事业性收费 3.05 1\n", True),
        ("行政事业性收费 3.05万元 1\n", True),
        ("行政事业性收费 3.05 万元\n", False),
        ("行政事业性收费 3.05\t\t\n", False),
        ("行政事业性收费 3.05\t3.05\t3.05\n", False),
        ("行政事业性收费 3.05\t0\t0\n", False),
        ("行政事业性收费 3.05\t7\t\n", True),
        ("行政事业性收费 3.05 | 12 |\n", True),
        ("行政事业性收费 3.05 | | |\n", False),
        ("行政事业性收费 3.05 3、收到和处理政府信息公开申请情况\n", False),
        ("行政事业性收费 3.05 3. 收到和处理政府信息公开申请情况\n", False),
        ("行政事业性收费 3.05 3 收到和处理政府信息公开申请情况\n", False),
        ("行政事业性收费 3.05 三、收到和处理政府信息公开申请情况\n", False),
        ("行政事业性收费 3.05 2 / 7\n", False),
        ("行政事业性收费 3.05 2024年\n", False),
        ("行政事业性收费 3.05\x0c2\n", False),
        ("行政事业性收费 3.05", False),
        ("行政事业性收费 3.05 1", True),
    ],
)
def test_a_figure_behind_the_amount(text: str, fails: bool) -> None:
    example = {"cells": {FEES: "3.05"}, "text": text, "spans": {FEES: [8, 12]}}
    finding = one("disclosure.stray_behind_amount", **example)
    assert bool(finding) == fails
    if finding:
        assert finding.severity == "warning"
        start, end = finding.evidence[-1].span
        assert text[start:end] == finding.evidence[-1].raw
        assert finding.evidence[-1].raw in ("1", "7", "12")


def test_a_broken_amount_and_a_text_without_line_ends() -> None:
    broken = one(
        "disclosure.stray_behind_amount",
        cells={FEES: None},
        text="行政事业性收费 3.05 1\n",
        spans={FEES: [8, 14]},
    )
    assert broken
    assert "“1”" in broken.message
    text = "行政事业性收费 3.05 2 三、收到和处理政府信息公开申请情况 " + "一共 0 件 " * 80
    finding = one("disclosure.stray_behind_amount", cells={FEES: "3.05"}, text=text, spans={FEES: [8, 12]})
    assert finding
    assert finding.severity == "info"
    assert not applies("disclosure.stray_behind_amount", cells={FEES: "3.05"}, text=text)
    assert one(
        "disclosure.stray_behind_amount",
        cells={FEES: None},
        text="行政事业性收费 12.5 万元 3\n",
        spans={FEES: [8, 17]},
    )
    assert not applies("disclosure.stray_behind_amount", cells={FEES: "3.05"}, spans={FEES: [8, 12]})


def test_two_figures_of_which_neither_was_taken() -> None:
    for text, fails in (("行政事业性收费 3.05 1\n", True), ("行政事业性收费\t3.05\n", False)):
        case = example_case({"rest": 0, "cells": {FEES: None}, "text": text})
        case.cells = {FEES: Cell(FEES, None, "ambiguous", candidates=(Decimal("3.05"), Decimal(1)))}
        found = [outcome for outcome in outcomes("disclosure.stray_behind_amount", case) if outcome]
        assert bool(found) == fails


@pytest.mark.parametrize(
    ("name", "township", "county"),
    [
        ("武陟县小董乡人民政府", True, False),
        ("陈区镇人民政府", True, False),
        ("石桥湾镇", True, False),
        ("广州市天河区石牌街道办事处", True, False),
        ("石牌街道办", True, False),
        ("中阳县", False, True),
        ("中阳县人民政府", False, True),
        ("策勒县人民政府办公室", False, True),
        ("枫河县自然资源局", False, True),
        ("陵水黎族自治县人民政府", False, True),
        ("北京市朝阳区人民政府", False, True),
        ("广州市天河区教育局", False, True),
        ("新乡", False, False),
        ("萍乡市人民政府", False, False),
        ("景德镇", False, False),
        ("景德镇市财政局", False, False),
        ("河南省新乡市", False, False),
        ("桐乡市人民政府", False, False),
        ("广西壮族自治区人民政府", False, False),
        ("云溪市", False, False),
        ("云溪市县域经济发展局", False, False),
        ("生态环境部", False, False),
        ("锦川区", False, False),
        ("云溪市乡村振兴局", False, False),
        ("", False, False),
    ],
)
def test_levels(name: str, township: bool, county: bool) -> None:
    assert (is_township(name), is_county(name)) == (township, county)


def test_regulations_by_level() -> None:
    cells = {D + "regulations.in_force": 3}
    code = "disclosure.regulations_without_power"
    assert (one(code, organization="石桥湾镇", cells=cells) or Finding("", "fail", "error", "")).severity == "warning"
    assert (one(code, organization="中阳县", cells=cells) or Finding("", "fail", "error", "")).severity == "info"
    assert not applies(code, organization="云溪市", cells=cells)
    assert not applies(code, cells=cells)
    public = {D + "regulations.public_total": 3, D + "regulations.published": 3}
    assert one(code, form="2019", organization="石桥湾镇", cells=public) is None
    assert one(code, form="2019", organization="石桥湾镇", cells={D + "regulations.made": 1})


def test_suits_after_review() -> None:
    code, suits = "disputes.after_without_reconsideration", {"litigation_after_reconsideration.total": 2}
    finding = one(code, cells=suits)
    assert finding
    assert finding.severity == "info"
    assert one(code, cells={**suits, "reconsideration.other": 1}) is None
    assert one(code, cells=suits, previous={"rest": 0, "cells": {"reconsideration.corrected": 1}}) is None
    both = one(code, cells=suits, previous={"rest": 0})
    assert both
    assert "上年" in both.message
    stranger = {"rest": 0, "year": 2020, "cells": {"reconsideration.corrected": 1}}
    assert one(code, cells=suits, year=2023, previous=stranger)
    nothing_at_all = one(code, cells={**suits, "reconsideration.upheld": None})
    assert nothing_at_all
    assert nothing_at_all.status == "fail"  # no review at all, concluded or not
    lacking = one(code, cells={**suits, "reconsideration.upheld": None, "reconsideration.total": 1})
    assert lacking
    assert lacking.status == "not_assessable"
