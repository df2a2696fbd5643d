"""Tables of the form's rows under other heads: what stands over the figures decides what they are."""

from __future__ import annotations

import pytest
from helpers import OUTCOMES, TRUE_DISPUTES, read, report, rows, table_2, table_4, tabs, trusted

HEADS_2 = "信息内容\t本年制发件数\t本年废止件数\t现行有效件数"
HEADS_3 = tabs(rows()).split("一、")[0]
ROWS_3 = tabs(rows()).removeprefix(HEADS_3)


@pytest.mark.parametrize(
    ("heads", "right"),
    [
        ("\t本年制发件数\t本年废止件数\t现行有效件数", True),
        ("信息内容\t制发\t废止\t有效", True),
        ("信息内容\t2021年\t2022年\t2023年", False),
        ("信息内容\t2022年制发件数\t2022年废止件数\t2022年有效件数", True),
        ("\t".join(["第二十条第（一）"] * 4), True),
        ("信息内容\t一季度\t二季度\t三季度", False),
    ],
)
def test_heads_over_three_figures(heads: str, right: bool) -> None:
    result = read(report(disclosure=table_2().replace(HEADS_2, heads)))
    assert trusted(result, "disclosure") is right
    assert trusted(result, "requests")


@pytest.mark.parametrize(
    ("heads", "right"),
    [
        (["自然人", "商业", "科研", "公益", "法律", "其他", "总计"], True),
        ([f"{year}年" for year in range(2017, 2024)], False),
        (["东港区", "西港区", "南港区", "北港区", "中港区", "新港区", "合计"], False),
        (["信函", "传真", "网络", "当面", "电话", "其他", "总计"], False),
    ],
)
def test_heads_over_seven_figures(heads: list[str], right: bool) -> None:
    result = read(report("项目\t\t\t" + "\t".join(heads) + "\n" + ROWS_3))
    assert trusted(result, "requests") is right
    assert trusted(result, "disclosure")


def test_a_total_left_of_the_applicants() -> None:
    moved = HEADS_3.replace("\t\t\t自然人", "\t\t\t总计\t自然人").replace("\t\t\t\t\t总计", "\t\t\t\t\t")
    result = read(report(moved + ROWS_3))
    assert moved != HEADS_3
    assert not trusted(result, "requests")


FIGURES = [str(number) for block in TRUE_DISPUTES for number in block]


@pytest.mark.parametrize(
    "heads",
    [
        "2021年\t\t\t\t\t2022年\t\t\t\t\t2023年\n" + "\t".join(OUTCOMES * 3),
        "行政诉讼\t\t\t\t\t\t\t\t\t\t行政复议\n未经复议直接起诉\t\t\t\t\t复议后起诉\t\t\t\t\t"
        + "\n".join("\t".join(heads) for heads in (OUTCOMES, OUTCOMES * 2)),
    ],
    ids=["years", "litigation first"],
)  # fmt: skip
def test_blocks_of_table_4_that_are_others(heads: str) -> None:
    assert trusted(read(report(disputes=table_4())), "disputes")
    assert not trusted(read(report(disputes=heads + "\n" + "\t".join(FIGURES) + "\n")), "disputes")


@pytest.mark.parametrize(
    ("head", "unit"),
    [
        ("本年收费金额（单位：万元）", "万元"),
        ("本年收费金额（元）", "元"),
        ("本年收费金额（单位：人民币元）", "元"),
        ("本年收费金额（千元）", "千元"),
        ("本年收费金额", "万元"),
    ],
)
def test_the_unit_of_the_fees(head: str, unit: str) -> None:
    result = read(report(disclosure=table_2().replace("本年收费金额（单位：万元）", head)))
    (fees,) = [cell for cell in result.cells if cell.path == "disclosure.fees.amount"]
    assert (str(fees.value), fees.unit) == ("12.5", unit)
