"""The columns of what is exported: names that never change, made from the form by one rule (docs/export.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from extractor.form import DISPUTE_BLOCKS, FORM, GROUPS, TABLES, cell_paths
from extractor.form.model import row_words
from extractor.results import Method, State, Verdict

# text; whole: an integer that always fits; count: a number of the form (missing is not 0); amount: an exact decimal;
# flag: true or false; choice: one of a few words.
Kind = Literal["text", "whole", "count", "amount", "flag", "choice"]

LONGEST = 32  # Stata's limit for a variable's name
_NUMBERED = {"disclosure": "t2", "requests": "t3", "disputes": "t4"}
TABLE_WORDS = {"disclosure": "表二 主动公开", "requests": "表三 收到和处理申请", "disputes": "表四 复议和诉讼"}
_SMALL_WORDS = {"and", "or", "by"}

VERDICT_WORDS = {
    "verified": "全部印出且勾稽相符",
    "reconciled": "勾稽相符，有空格或推算的格",
    "inconsistent": "原文印出的数不符合勾稽关系",
    "needs_review": "需人工核对",
    "failed": "未找到",
}
STATE_WORDS = {
    "reported": "印有数字",
    "blank": "空格",
    "not_applicable": "印有“/”“—”等",
    "missing": "文中没有这一格",
    "illegible": "印的不是数字",
    "ambiguous": "有几种读法",
}
METHOD_WORDS = {"rule": "读取", "llm": "模型读取", "given": "调用方提供", "human": "人工", "derived": "由勾稽关系推算"}
assert (set(VERDICT_WORDS), set(STATE_WORDS), set(METHOD_WORDS)) == tuple(
    set(get_args(known)) for known in (Verdict, State, Method)
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in the file, its Chinese label, what it holds; `path` where it is a cell of the form."""

    name: str
    kind: Kind
    label: str
    about: str
    path: str = ""
    choices: tuple[tuple[str, str], ...] = ()


def table_of(path: str) -> str:
    """The table that a cell belongs to: `disclosure`, `requests` or `disputes`."""
    head = path.partition(".")[0]
    return "disputes" if head in DISPUTE_BLOCKS else head


def short_name(path: str) -> str:
    """A cell's column name, at most 32 characters: t2, t3 or t4 for the table, then the words of the path cut to four
    letters, without `and`, `or` and `by`: `requests.granted.total` is `t3_gran_tota`."""
    table = table_of(path)
    words = [word for word in re.split(r"[._]", path.removeprefix(f"{table}.")) if word not in _SMALL_WORDS]
    return "_".join([_NUMBERED[table], *(word[:4] for word in words)])


@lru_cache(maxsize=1)
def all_paths() -> tuple[str, ...]:
    """Every cell that a record of any version can have, in print order (2021 before 2019 within table 2)."""
    found: dict[str, None] = {}
    for table in TABLES:
        for version in FORM.versions:
            found |= dict.fromkeys(cell_paths(version, frozenset(GROUPS))[table])
    return tuple(found)


def kind_of(path: str) -> Literal["count", "amount"]:
    """`amount` for amounts of money, `count` for all other cells."""
    return "amount" if path.endswith(".amount") else "count"


def row_and_column(path: str) -> tuple[str, str, str, str]:
    """Row key, column key, and both in the form's words."""
    row, _, column = path.removeprefix("requests.").removeprefix("disclosure.").rpartition(".")
    words = FORM.words(path)
    label = row_words(FORM, row) if table_of(path) == "requests" else words.rpartition(" · ")[0]
    return row, column, label, words.rpartition(" · ")[2]


def versions_of(path: str) -> str:
    """The versions of the form that have the cell, `2021`, `2019` or `2021 2019`."""
    return " ".join(v for v in FORM.versions if path in cell_paths(v, frozenset(GROUPS))[table_of(path)])


_VERDICTS = tuple(VERDICT_WORDS.items())
_IDENTITY = (
    Column("organization", "text", "行政机关", "the body that reports, as printed"),
    Column("year", "whole", "报告年度", "the calendar year that the report covers"),
)
_ORIGIN = (
    Column("form", "text", "格式版本", "version of the form: 2021 or 2019"),
    Column("title", "text", "报告标题", "the report's title, as printed"),
    Column("region_code", "text", "行政区划代码", "GB/T 2260 code, where the text allows"),
    Column("province", "text", "省", "province of the body, where the text allows"),
    Column("city", "text", "市", "city of the body, where the text allows"),
    Column("county", "text", "县", "county of the body, where the text allows"),
    Column("town", "text", "乡镇街道", "township of the body, where the text allows"),
    Column("region_level", "text", "层级", "level of the body"),
    Column("department", "text", "部门", "what the body's name says after the place"),
    Column("region_sure", "flag", "区划是否确定", "whether the body was resolved without a doubt"),
    Column("source", "text", "来源文件", "the path when the report was read; #1, #2 where a file holds several"),
    Column("sha256", "text", "文件SHA-256", "SHA-256 of the file"),
    Column("verdict", "choice", "整份结论", "verdict of the whole report", choices=_VERDICTS),
)


def table_verdicts() -> tuple[Column, ...]:
    """The verdict of each table."""
    return tuple(
        Column(f"v_{name}", "choice", f"{TABLE_WORDS[name]}结论", f"verdict of table {_NUMBERED[name][1]}",
               choices=_VERDICTS)
        for name in TABLES
    )  # fmt: skip


_DOUBTS = (
    Column("broken_rules", "whole", "不成立的勾稽关系", "how many hard rules fail in the report"),
    Column("doubtful_cells", "whole", "存疑的格", "how many cells are ambiguous or illegible"),
    Column("error_code", "text", "失败原因", "why nothing came out of the report; empty otherwise"),
)
PANEL = (
    Column("reports", "whole", "报告份数", "how many documents there are of this body and year"),
    Column("others", "text", "其他文件", "the other documents of this body and year"),
    Column("conflict", "text", "冲突", "tables in which trusted documents disagree; the cells concerned are empty"),
)


@lru_cache(maxsize=2)
def wide_columns(panel: bool = False) -> tuple[Column, ...]:
    """One report (of a panel: one body and year) a row."""
    return (*_IDENTITY, *_ORIGIN, *table_verdicts(), *_DOUBTS, *(PANEL if panel else ()), *value_columns())


@lru_cache(maxsize=1)
def value_columns() -> tuple[Column, ...]:
    """The cells of the form; an amount takes three columns: the number, the same as exact text, the unit."""
    columns: list[Column] = []
    for path in all_paths():
        name, words = short_name(path), FORM.words(path)
        columns.append(Column(name, kind_of(path), words, f"table {name[1]}, form {versions_of(path)}", path))
        if kind_of(path) == "amount":
            base = name.removesuffix("_amou")
            columns.append(Column(f"{base}_exact", "text", f"{words}（原数）", "the amount as exact text", path))
            columns.append(Column(f"{base}_unit", "text", f"{words}（单位）", "the amount's unit, as printed", path))
    return tuple(columns)


LONG: tuple[Column, ...] = (
    *_IDENTITY,
    *_ORIGIN,
    Column("table_key", "choice", "表", "the table", choices=tuple(TABLE_WORDS.items())),
    Column("table_verdict", "choice", "本表结论", "verdict of the cell's table", choices=_VERDICTS),
    Column("trusted", "flag", "可信", "whether the value is proved: its table can be trusted, and no conflict"),
    Column("path", "text", "单元格", "the cell's path in the record"),
    Column("name", "text", "宽表列名", "the cell's column in the wide shape"),
    Column("row_key", "text", "行键", "the row's key"),
    Column("column_key", "text", "列键", "the column's key"),
    Column("row_label", "text", "行", "the row in the form's words"),
    Column("column_label", "text", "列", "the column in the form's words"),
    Column("value", "text", "数值（原数）", "the value as exact text; empty where there is none"),
    Column("count", "count", "件数", "the same as an integer, for counts"),
    Column("amount", "amount", "金额", "the same as a number, for amounts"),
    Column("unit", "text", "单位", "unit of an amount, as printed or by the form"),
    Column("state", "choice", "纸面状态", "what is on paper", choices=tuple(STATE_WORDS.items())),
    Column("method", "choice", "取得方式", "where the value comes from", choices=tuple(METHOD_WORDS.items())),
    Column("raw", "text", "原文", "the characters as printed"),
    Column("span_start", "whole", "起", "where raw begins in the stored text, from 0"),
    Column("span_end", "whole", "止", "where raw ends (exclusive)"),
    Column("page", "whole", "页", "page of the file, from 1, where its format has pages"),
    Column("place", "text", "位置", "where the cell stands in the file (JSON: sheet, ref, page, table, row, box…)"),
    Column("candidates", "text", "可能的读法", "the readings that the text allows (JSON), where nothing decides"),
    Column("because", "text", "推算依据", "the rules that leave a derived cell one value (JSON)"),
    Column("suspect", "flag", "涉嫌", "whether a change of this cell would mend rules that fail"),
    Column("conflict", "flag", "冲突", "in a panel: whether trusted documents disagree in this cell"),
)
