"""Traps of labels, page furniture, heads and narrative."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import helpers as h
import pytest
from cases import (
    INJECTION,
    LAYOUTS,
    Case,
    check,
    params,
    replaced,
)
from helpers import (
    OUTCOMES,
    glued,
    lines,
    read,
    report,
    rows,
    table_2,
    table_4,
    tabs,
)

# ---------------------------------------------------------------- labels


TRADITIONAL = str.maketrans(
    dict(
        zip(
            "开与处内务类国属于规范稳护权过执询机关没现制补后确访举报诉复无当认获费缴纳总计结转续办许罚强业议讼维纠审经时间数废万单条项区",
            "開與處內務類國屬於規範穩護權過執詢機關沒現製補後確訪舉報訴複無當認獲費繳納總計結轉續辦許罰強業議訟維糾審經時間數廢萬單條項區",
            strict=True,
        )
    )
)
CHOPPED = {  # The merged label 三、本年度办理结果 chopped over the rows beside which it stands
    "denied.state_secret": "本年",
    "denied.security_and_stability": "度办",
    "denied.internal_affairs": "理结果",
}


def wrapped_page(table: dict[str, list[str]], chop: bool = False, wrap: bool = True) -> str:
    """A monospaced page whose labels break over the lines before and after their figures."""
    out = [h.columns_line("", h.HEADS)]
    for key in h.in_order(table):
        top, middle, sub = h.label_of(key)
        label = (top if key != "granted" or not chop else "三、") + middle + sub
        left = CHOPPED.get(key, "") if chop else ""
        indent = "" if top else " " * 8
        if left:
            indent = h.pad(left, 8)
        if not wrap or len(label) < 9:
            out.append(h.columns_line(indent + h.short(label), table[key]))
            continue
        third = -(-len(label) // 3)
        parts = [label[:third], label[third : 2 * third], label[2 * third :]]
        out.append(" " * 8 + parts[0])
        out.append(h.columns_line(indent + parts[1] if left or not top else parts[1], table[key]))
        out.append(" " * 8 + parts[2])
    return "\n".join(out) + "\n"


def above(table: dict[str, list[str]]) -> str:
    """Figures stand over their labels."""
    out = [h.CAPTION, " ".join(h.HEADS)]
    for key in h.in_order(table):
        out += [" ".join(table[key]), "".join(h.label_of(key))]
    return "\n".join(out) + "\n"


def labels_first(table: dict[str, list[str]]) -> str:
    """All labels, then all figures, row by row."""
    out = [h.CAPTION, *h.HEADS]
    for key in h.in_order(table):
        out += [part for part in h.label_of(key) if part]
    return "\n".join(out + [" ".join(table[key]) for key in h.in_order(table)]) + "\n"


def labels_first_by_columns(table: dict[str, list[str]]) -> str:
    out = [h.CAPTION, *h.HEADS]
    for key in h.in_order(table):
        out += [part for part in h.label_of(key) if part]
    return "\n".join(out + [table[key][i] for i in range(7) for key in h.in_order(table)]) + "\n"


LABEL_CASES = [
    *(
        Case(f"traditional labels in {name}", report(layout(rows())).translate(TRADITIONAL))
        for name, layout in LAYOUTS.items()
    ),
    *(
        Case(f"{old} printed {new} in {name}", report(replaced(layout(rows()), (old, new))))
        for name, layout in LAYOUTS.items()
        if name != "page"
        for old, new in (
            ("保护第三方合法权益", "保护笫三方合法权益"),
            ("予以公开", "予以公幵"),
            ("补正后申请内容仍不明确", "补正后申清内容仍不明确"),
            ("结转下年度继续办理", "结转下年度继绩办理"),
            ("重复申请", "重夏申请"),
        )
    ),
    *(
        Case(
            f"other wordings in {name}",
            report(
                replaced(
                    layout(rows()),
                    ("上年结转政府信息公开申请数量", "上年结转数量"),
                    ("其他法律行政法规禁止公开", "其他法律法规禁止公开"),
                    ("结转下年度继续办理", "结转下一年度继续办理"),
                    ("信访举报投诉类申请", "信访、举报、投诉类申请"),
                )
            ),
        )
        for name, layout in LAYOUTS.items()
        if name != "page"
    ),
    Case(
        "labels with spaces between the characters",
        report(replaced(tabs(rows()), ("予以公开", "予 以 公 开"), ("重复申请", "重 复 申 请"))),
    ),
    Case(
        "a label broken by a line end",
        report(
            replaced(
                lines(rows()), ("5.要求行政机关确认或重新出具已获取信息", "5.要求行政机关确认或重新出具\n已获取信息")
            )
        ),
    ),
    Case("ordinals in half-width brackets", report(tabs(rows()).replace("（", "(").replace("）", ")"))),
    Case(
        "ordinals with an ideographic comma",
        report(tabs(rows()).replace("1.", "1、").replace("2.", "2、").replace("3.", "3、")),
    ),
    Case(
        "labels without ordinals",
        report(
            replaced(
                tabs(rows()), ("1.属于国家秘密", "属于国家秘密"), ("5.属于三类内部事务信息", "属于三类内部事务信息")
            )
        ),
    ),
    Case("labels wrapped before and after their figures", report(wrapped_page(rows()))),
    Case("vertical label chopped beside other rows", report(wrapped_page(rows(), chop=True, wrap=False))),
    Case("wrapped labels and a chopped one", report(wrapped_page(rows(), chop=True))),
    Case("figures above their labels", report(above(rows()))),
    Case("labels first, figures by rows", report(labels_first(rows()))),
    Case("labels first, figures by columns", report(labels_first_by_columns(rows()))),
    Case("a row's label one column further left", report(replaced(tabs(rows()), ("\t\t3.其他\t", "3.其他\t\t")))),
    Case("社会组织 for 社会公益组织", report(replaced(tabs(rows()), ("社会公益组织", "社会组织")))),
    Case("合计 for 总计", report(tabs(rows()).replace("总计", "合计"), disputes=table_4().replace("总计", "合计"))),
]


@params(LABEL_CASES)
def test_labels(case: Case) -> None:
    check(case)


# ---------------------------------------------------------------- page furniture, heads, narrative


def interrupted(layout: Callable[..., str], line: str, after: str = "重复申请") -> str:
    text = layout(rows())
    at = text.index("\n", text.index(after))
    if layout is lines:
        for _ in range(7):
            at = text.index("\n", at + 1)
    return text[: at + 1] + line + text[at + 1 :]


DECOYS = (
    "（一）主动公开。2022年制定规章 3 件、行政规范性文件 7 件，办理行政许可 81 件。\n"
    "（二）依申请公开。本年新收政府信息公开申请数量 77 件，上年结转政府信息公开申请数量 5 件，"
    "予以公开 41 件，部分公开 9 件，"
    "属于国家秘密 1 件，重复申请 6 件，结转下年度继续办理 8 件。\n"
    "三、收到和处理政府信息公开申请情况见后表，四、政府信息公开行政复议、行政诉讼情况："
    "结果维持 4 件，结果纠正 1 件，总计 5 件。"
)
FURNITURE = [
    *(
        Case(f"{name} inside table 3 in {layout}", report(interrupted(LAYOUTS[layout], line)))
        for name, line in (
            ("page number", "- 3 -\n"),
            ("page number and form feed", "\n— 4 —\n\f\n"),
            ("第 3 页 共 8 页", "第 3 页 共 8 页\n"),
            ("bare page number between empty lines", "\n5\n\n"),
        )
        for layout in ("tabs", "pipes", "lines", "spaced", "page")
        if not (layout == "lines" and name.startswith("bare"))
    ),
    Case("page number behind table 2", report(disclosure=table_2() + "\n- 2 -\n")),
    Case(
        "page number within table 2",
        report(disclosure=replaced(table_2(), ("第二十条第（六）项\n", "- 2 -\n第二十条第（六）项\n"))),
    ),
    Case("page number behind table 4", report(disputes=table_4() + "\n- 5 -\n")),
    Case(
        "a head of table 4 lost a word",
        report(disputes=table_4(heads=("结果维持", "其他结果", "尚未审结", "总计", *OUTCOMES, *OUTCOMES))),
    ),
    Case(
        "heads of table 4 chopped",
        report(disputes=table_4(heads=("结果 维持", "结果 纠正", "其他 结果", "尚未 审结", "总计") * 3)),
    ),
    Case("heads of table 3 missing", report(tabs(rows()).split("\n", 3)[3])),
    Case("narrative repeats labels and headings with numbers", report(overview=DECOYS)),
    Case(
        "narrative behind the tables repeats them",
        report(problems=DECOYS, others="信息处理费 640 元，行政事业性收费 3 万元。"),
    ),
    Case("narrative with last year's numbers in glued tables", report(glued(rows()), overview=DECOYS)),
    Case(
        "caption in the form's words is no row",
        report(replaced(tabs(rows()), (h.CAPTION, "本列数据的勾稽关系为：第一项加第二项之和，等于第三项加第四项之和"))),
    ),
    Case("a text that gives orders is text", report(overview=INJECTION, problems=INJECTION)),
    Case(
        "sections misnumbered",
        replaced(report(), ("\n三、收到", "\n四、收到"), ("\n四、政府信息公开行政复议", "\n五、政府信息公开行政复议")),
    ),
    Case(
        "no section headings",
        replaced(
            report(),
            ("二、主动公开政府信息情况\n", ""),
            ("三、收到和处理政府信息公开申请情况\n", ""),
            ("四、政府信息公开行政复议、行政诉讼情况\n", ""),
        ),
    ),
]


@params(FURNITURE)
def test_what_is_no_data(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(
    "narrative",
    [
        "",
        "全年收到申请 3 件，予以公开 2 件，部分公开 1 件；无结转。未发生行政复议、行政诉讼。",
        DECOYS,
        (
            "主动公开规章 3 件，行政规范性文件 7 件，行政许可 81 件，行政处罚 5 件，行政强制 2 件。"
            "行政复议结果维持 1 件，结果纠正 0 件。"
        ),
    ],
    ids=["nothing", "numbers", "labels", "table words"],
)
def test_narrative_alone_is_never_a_table(narrative: str) -> None:
    text = f"青禾县2023年政府信息公开工作年度报告\n\n一、总体情况\n{narrative}\n\n五、存在的主要问题\n培训不够。\n"
    result = read(text)
    assert result.verdict == "failed"
    assert (result.record, result.cells, result.findings) == (None, [], [])
    assert result.error is not None
    assert result.error["code"] == "no_tables"
    assert all(result.error.values())


def test_a_note_on_a_total_above_table_4_is_none_of_its_heads() -> None:
    plain = h.read(h.report())
    note = "注：总计 80 一栏系往年数据误植，以表内为准。\n\n四、政府信息公开行政复议"
    noted = h.read(h.report().replace("四、政府信息公开行政复议", note, 1))
    assert plain.verdicts["disputes"] == "verified"
    assert noted.verdicts["disputes"] == "verified"


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("one", "other"), list(combinations(h.HEADS[:6], 2)))
def test_two_applicants_heads_that_changed_places_are_a_doubt(layout: str, one: str, other: str) -> None:
    """Also 其他 beside 法律服务机构, which together read like the row 其他法律行政法规禁止公开."""
    text = h.report(LAYOUTS[layout](h.rows()))
    begin = text.index("三、收到")
    end = text.index("一、本年新收", begin)
    heads = text[begin:end].replace("法人或其他组织", "\0")
    assert one in heads
    assert other in heads
    moved = heads.replace(one, "\1").replace(other, one).replace("\1", other).replace("\0", "法人或其他组织")
    assert h.trusted(h.read(text), "requests")
    assert not h.trusted(h.read(text[:begin] + moved + text[end:]), "requests")
