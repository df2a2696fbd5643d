"""Small reports for tests: a true record, and the shapes in which a table may be printed.

A table is a dict of rows; a row is what its cells print, as strings. `None` for a row leaves the row out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from extractor.pipeline import extract_all
from extractor.results import TRUSTED, Result

COLUMNS = (
    "natural_person", "business", "research_institution", "social_organization", "legal_service",
    "other_organization", "total",
)  # fmt: skip
HEADS = ("自然人", "商业企业", "科研机构", "社会公益组织", "法律服务机构", "其他", "总计")
OUTCOMES = ("结果维持", "结果纠正", "其他结果", "尚未审结", "总计")
BLOCKS = ("reconsideration", "litigation_direct", "litigation_after_reconsideration")
BLOCK_COLUMNS = ("upheld", "corrected", "other", "pending", "total")
CAPTION = "（本列数据的勾稽关系为：第一项加第二项之和，等于第三项加第四项之和）"

# key → (label of the leftmost column, of the middle one, of the right one), as the form prints them.
LABELS: dict[str, tuple[str, str, str]] = {
    "new_received": ("一、本年新收政府信息公开申请数量", "", ""),
    "carried_in": ("二、上年结转政府信息公开申请数量", "", ""),
    "granted": ("三、本年度办理结果", "（一）予以公开", ""),
    "granted_in_part": ("", "（二）部分公开（区分处理的，只计这一情形，不计其他情形）", ""),
    "denied.state_secret": ("", "（三）不予公开", "1.属于国家秘密"),
    "denied.prohibited_by_law": ("", "", "2.其他法律行政法规禁止公开"),
    "denied.security_and_stability": ("", "", "3.危及“三安全一稳定”"),
    "denied.third_party_rights": ("", "", "4.保护第三方合法权益"),
    "denied.internal_affairs": ("", "", "5.属于三类内部事务信息"),
    "denied.process_information": ("", "", "6.属于四类过程性信息"),
    "denied.enforcement_file": ("", "", "7.属于行政执法案卷"),
    "denied.administrative_inquiry": ("", "", "8.属于行政查询事项"),
    "unavailable.not_held": ("", "（四）无法提供", "1.本机关不掌握相关政府信息"),
    "unavailable.needs_creation": ("", "", "2.没有现成信息需要另行制作"),
    "unavailable.unclear_after_correction": ("", "", "3.补正后申请内容仍不明确"),
    "not_processed.petition": ("", "（五）不予处理", "1.信访举报投诉类申请"),
    "not_processed.duplicate": ("", "", "2.重复申请"),
    "not_processed.publication": ("", "", "3.要求提供公开出版物"),
    "not_processed.excessive": ("", "", "4.无正当理由大量反复申请"),
    "not_processed.confirm_or_reissue": ("", "", "5.要求行政机关确认或重新出具已获取信息"),
    "other.not_corrected": (
        "", "（六）其他处理", "1.申请人无正当理由逾期不补正、行政机关不再处理其政府信息公开申请",
    ),
    "other.fee_unpaid": (
        "", "", "2.申请人逾期未按收费通知要求缴纳费用、行政机关不再处理其政府信息公开申请",
    ),
    "other.other": ("", "", "3.其他"),
    "total_processed": ("", "（七）总计", ""),
    "carried_out": ("四、结转下年度继续办理", "", ""),
}  # fmt: skip
GROUP_ROWS = {
    "denied.all": "（三）不予公开",
    "unavailable.all": "（四）无法提供",
    "not_processed.all": "（五）不予处理",
    "other.all": "（六）其他处理",
}
ZERO = (0, 0, 0, 0, 0, 0, 0)

# A true table 3: every row and column adds up.
TRUE_ROWS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(LABELS, ZERO),
    "new_received": (20, 3, 0, 0, 0, 1, 24),
    "carried_in": (2, 0, 0, 0, 0, 0, 2),
    "granted": (9, 1, 0, 0, 0, 1, 11),
    "granted_in_part": (3, 0, 0, 0, 0, 0, 3),
    "denied.third_party_rights": (1, 1, 0, 0, 0, 0, 2),
    "unavailable.not_held": (5, 1, 0, 0, 0, 0, 6),
    "not_processed.petition": (1, 0, 0, 0, 0, 0, 1),
    "other.other": (1, 0, 0, 0, 0, 0, 1),
    "total_processed": (20, 3, 0, 0, 0, 1, 24),
    "carried_out": (2, 0, 0, 0, 0, 0, 2),
}
TRUE_DISPUTES = ((2, 1, 0, 1, 4), (1, 0, 0, 0, 1), (0, 0, 0, 0, 0))
TRUE_DISCLOSURE: dict[str, Any] = {
    "regulations": ("0", "0", "0"),
    "normative_documents": ("2", "1", "12"),
    "licensing": ("160",),
    "penalties": ("52",),
    "coercion": ("3",),
    "fees": ("12.5",),
}
DISCLOSURE_FIELDS = {
    "regulations": ("issued", "repealed", "in_force"),
    "normative_documents": ("issued", "repealed", "in_force"),
    "licensing": ("decisions",),
    "penalties": ("decisions",),
    "coercion": ("decisions",),
    "fees": ("amount",),
}
Cells = Mapping[str, Sequence[object] | None]


def rows(changes: Cells | None = None) -> dict[str, list[str]]:
    """The true table 3 with some rows printed otherwise; a row set to None is not printed."""
    printed = {**TRUE_ROWS, **(changes or {})}
    order = [*LABELS, *(key for key in printed if key not in LABELS)]
    return {key: [str(cell) for cell in printed[key] or ()] for key in order if printed[key] is not None}


def in_order(table: Mapping[str, Sequence[str]]) -> list[str]:
    """Row keys in print order; a group's row before its first sub-row."""
    order: list[str] = []
    for key in LABELS:
        whole = f"{key.split('.')[0]}.all"
        if "." in key and whole in table and whole not in order:
            order.append(whole)
        if key in table:
            order.append(key)
    return order


def label_of(key: str) -> tuple[str, str, str]:
    return ("", GROUP_ROWS[key], "") if key in GROUP_ROWS else LABELS[key]


def _labels(table: Mapping[str, Sequence[str]], key: str) -> tuple[str, str, str]:
    """The labels of a row; the first sub-row printed of a group bears the group's label unless the group has a row."""
    top, middle, sub = label_of(key)
    whole = f"{key.split('.')[0]}.all"
    if sub and whole in table:
        middle = ""
    return top, middle, sub


# ---------------------------------------------------------------- table 3 in the layouts


def tabs(table: Mapping[str, Sequence[str]]) -> str:
    lines = [
        f"{CAPTION}\t\t\t申请人情况\t\t\t\t\t\t",
        "\t\t\t自然人\t法人或其他组织\t\t\t\t\t总计",
        "\t\t\t\t商业企业\t科研机构\t社会公益组织\t法律服务机构\t其他\t",
    ]
    return "\n".join(lines + ["\t".join([*_labels(table, key), *table[key]]) for key in in_order(table)]) + "\n"


def pipes(table: Mapping[str, Sequence[str]]) -> str:
    lines = ["| 申请人情况 | " + " | ".join(HEADS) + " |", "|" + "---|" * 8]
    lines += ["| " + "".join(_labels(table, key)) + " | " + " | ".join(table[key]) + " |" for key in in_order(table)]
    return "\n".join(lines) + "\n"


def lines(table: Mapping[str, Sequence[str]]) -> str:
    out = [CAPTION, "申请人情况", *HEADS]
    for key in in_order(table):
        out += [label for label in _labels(table, key) if label]
        out += table[key]
    return "\n".join(out) + "\n"


def glued(table: Mapping[str, Sequence[str]]) -> str:
    return (
        CAPTION
        + "申请人情况"
        + "".join(HEADS)
        + "".join("".join(_labels(table, key)) + "".join(table[key]) for key in in_order(table))
    )


def spaced(table: Mapping[str, Sequence[str]]) -> str:
    """Single spaces between figures, one row a line."""
    out = [CAPTION, " ".join(HEADS)]
    return (
        "\n".join(out + ["".join(_labels(table, key)) + " " + " ".join(table[key]) for key in in_order(table)]) + "\n"
    )


def width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def pad(text: str, to: int) -> str:
    return text + " " * max(1, to - width(text))


def columns_line(label: str, cells: Sequence[str], left: int = 44, step: int = 14) -> str:
    """A line of a monospaced page: every cell begins in its own column."""
    line = pad(label, left)
    for index, cell in enumerate(cells):
        line = pad(line, left + index * step) if index else line
        line += cell
    return line.rstrip()


def short(label: str) -> str:
    """A label cut to what fits in the label column of a monospaced page."""
    while width(label) > 40:
        label = label[:-1]
    return label


def page(table: Mapping[str, Sequence[str]]) -> str:
    """PDF layout text: columns by runs of spaces."""
    out = [columns_line("", HEADS)]
    out += [columns_line(short("".join(_labels(table, key))), table[key]) for key in in_order(table)]
    return "\n".join(out) + "\n"


# ---------------------------------------------------------------- tables 2 and 4, whole reports


def table_2(changes: Cells | None = None, unit: str = "万元", join: str = "\t") -> str:
    printed = {
        key: [str(cell) for cell in cells or ()] for key, cells in {**TRUE_DISCLOSURE, **(changes or {})}.items()
    }
    names = {
        "regulations": "规章", "normative_documents": "行政规范性文件", "licensing": "行政许可",
        "penalties": "行政处罚", "coercion": "行政强制", "fees": "行政事业性收费",
    }  # fmt: skip
    heads = {
        "regulations": ("第二十条第（一）项", "信息内容", "本年制发件数", "本年废止件数", "现行有效件数"),
        "licensing": ("第二十条第（五）项", "信息内容", "本年处理决定数量"),
        "penalties": ("第二十条第（六）项", "信息内容", "本年处理决定数量"),
        "fees": ("第二十条第（八）项", "信息内容", f"本年收费金额（单位：{unit}）"),
    }
    out = []
    for key, name in names.items():
        if key in heads:
            clause, *columns = heads[key]
            out += [clause, join.join(columns)]
        out.append(join.join([name, *printed[key]]))
    return "\n".join(out) + "\n"


def table_4(cells: Sequence[object] | None = None, join: str = "\t", heads: Sequence[str] = OUTCOMES * 3) -> str:
    printed = [str(cell) for cell in cells] if cells is not None else [str(n) for block in TRUE_DISPUTES for n in block]
    return (
        "\n".join(
            [
                "行政复议" + join * 5 + "行政诉讼",
                join.join(heads[: len(heads) - 10]) + join + "未经复议直接起诉" + join * 4 + "复议后起诉",
                join * 5 + join.join(heads[-10:]),
                join.join(printed),
            ]
        )
        + "\n"
    )


def report(
    requests: str | None = None,
    disclosure: str | None = None,
    disputes: str | None = None,
    *,
    overview: str = "",
    problems: str = "",
    others: str = "",
    year: int = 2023,
    body: str = "青禾县人民政府",
) -> str:
    """A whole report; each table's text may be given, and is the true one in tabs where it is not."""
    return (
        f"{body}{year}年政府信息公开工作年度报告\n\n"
        f"一、总体情况\n{overview or '全县各部门按照条例的要求做好公开。'}\n\n"
        f"二、主动公开政府信息情况\n{table_2() if disclosure is None else disclosure}\n"
        f"三、收到和处理政府信息公开申请情况\n{tabs(rows()) if requests is None else requests}\n"
        f"四、政府信息公开行政复议、行政诉讼情况\n{table_4() if disputes is None else disputes}\n"
        f"五、存在的主要问题及改进情况\n{problems or '公开的内容还不够细，下一步加强培训。'}\n\n"
        f"六、其他需要报告的事项\n{others or '没有其他需要报告的事项。'}\n"
    )


# ---------------------------------------------------------------- results


def truth(changes: Mapping[str, Sequence[int]] | None = None) -> dict[str, Any]:
    """Path → true value of every cell of the small report; `changes` are rows of table 3."""
    values: dict[str, Any] = {}
    for key, fields in DISCLOSURE_FIELDS.items():
        for name, printed in zip(fields, TRUE_DISCLOSURE[key], strict=True):
            values[f"disclosure.{key}.{name}"] = printed if name == "amount" else int(printed)
    for key, numbers in {**TRUE_ROWS, **(changes or {})}.items():
        values |= {f"requests.{key}.{c}": n for c, n in zip(COLUMNS, numbers, strict=True)}
    for block, numbers in zip(BLOCKS, TRUE_DISPUTES, strict=True):
        values |= {f"{block}.{c}": n for c, n in zip(BLOCK_COLUMNS, numbers, strict=True)}
    return values


def table_of(path: str) -> str:
    head = path.split(".")[0]
    return head if head in ("disclosure", "requests") else "disputes"


def read(text: str) -> Result:
    """The one result of a text that holds one report."""
    results = extract_all(text)
    assert len(results) == 1, [result.source for result in results]
    return results[0]


def cells(result: Result) -> dict[str, dict[str, Any]]:
    """Path → the cell's JSON object."""
    return {cell["path"]: cell for cell in result.to_json()["cells"]}


def verdicts(result: Result) -> tuple[str, str, str]:
    return result.verdicts["disclosure"], result.verdicts["requests"], result.verdicts["disputes"]


def trusted(result: Result, table: str) -> bool:
    return result.verdicts[table] in TRUSTED


def wrong_cells(result: Result, true: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Every value that is not the truth, as (path, value, truth)."""
    return [
        (path, cell["value"], true.get(path))
        for path, cell in cells(result).items()
        if cell["value"] is not None and str(cell["value"]) != str(true.get(path))
    ]


def missed_cells(result: Result, true: Mapping[str, Any]) -> list[str]:
    """Every cell that has a true value and got none."""
    found = cells(result)
    return [path for path in true if found[path]["value"] is None]


def untrue_spans(result: Result) -> list[tuple[str, Any, Any]]:
    """Reported cells whose span does not give their raw."""
    return [
        (cell["path"], cell["span"], cell["raw"])
        for cell in cells(result).values()
        if cell["state"] == "reported" and (not cell["span"] or result.text[slice(*cell["span"])] != cell["raw"])
    ]


SOFT = ("narrative.", "disclosure.", "disputes.", "years.", "bodies.", "structure.")


def findings(result: Result, status: str = "fail") -> dict[str, dict[str, Any]]:
    """The findings of the form's equations and of the reading; the soft rules have tests of their own."""
    found = {f["rule"]: f for f in result.to_json()["findings"] if f["status"] == status}
    return {rule: f for rule, f in found.items() if ".reading." in rule or not rule.startswith(SOFT)}
