"""An Excel workbook as an auditor reads it: a sheet a table, doubtful cells coloured, findings beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from extractor.export.choose import Choice, Chosen
from extractor.export.columns import TABLE_WORDS, Column, short_name, table_of
from extractor.export.heading import merged, paths_of, words_over
from extractor.export.lines import Entry, Line, value_at
from extractor.export.looks import (
    DERIVED,
    READ_BY_MODEL,
    STATUS_LOOKS,
    UNTRUSTED,
    VERDICT_LOOKS,
    VERDICT_SHORT,
    YEAR,
    ZERO,
    doubt_look,
)
from extractor.export.needs import Untold
from extractor.export.shapes import suspects_of
from extractor.export.sheet import PLAIN, Look, Paper, Sheet
from extractor.export.sheets import Rolling, in_order, plain_sheet, write_coverage, write_dictionary, write_front
from extractor.form import FORM, TABLES
from extractor.results import TRUSTED

_ORDER = ("说明", *TABLE_WORDS.values(), "覆盖", "存疑的格", "勾稽结果", "冲突", "未读出的文件", "未归位", "数据字典")
_WIDE = 14  # columns: more than a screen shows at once
_SEVERITY = {"error": "错误", "warning": "警告", "info": "提示"}
_STATUS = {"fail": "不成立", "not_assessable": "无法判断"}
_BLAME = {"source": "原文如此", "extraction": "可能读错", "undecided": "未定"}
_WHY = {"ambiguous": "有几种读法", "illegible": "印的不是数字"}


class TableSheet:
    """One table of the form: a report a row, the form's headings over the columns."""

    def __init__(self, book: Paper, table: str, version: str, choice: Choice, panel: bool) -> None:
        self.table, self._panel = table, panel
        self._paths = paths_of(table, version, frozenset(choice.groups))
        self._fixed = [("行政机关", 26.0), ("年度", 7.0), ("结论", 10.0), *([("冲突", 11.0)] if panel else [])]
        title = TABLE_WORDS[table] if version == "2021" else f"{TABLE_WORDS[table]}（2019年格式）"
        self.rows = Rolling(lambda name: self._make(book, name), title)

    def _make(self, book: Paper, title: str) -> Sheet:
        columns: list[tuple[str, ...]] = []
        names: list[str] = []
        levels = len(words_over(self._paths[0]))
        for text, _ in self._fixed:
            columns.append((text,) * levels)
        names += ["organization", "year", f"v_{self.table}", *(["conflict"] if self._panel else [])]
        for path in self._paths:
            columns.append(words_over(path))
            names.append(short_name(path))
            if path.endswith(".amount"):
                columns.append((words_over(path)[0], "单位"))
                names.append(short_name(path).replace("_amou", "_unit"))
        columns.append(("来源文件",) * levels)
        names.append("source")
        widths = [width for _, width in self._fixed]
        widths += [12.0 if self.table == "disclosure" else 9.5] * (len(columns) - len(widths) - 1) + [44.0]
        sheet = Sheet(book, title, widths, (levels + 1, len(self._fixed)))
        areas = merged(columns)
        for level in range(levels):
            wide = {first for top, _, first, last in areas if top == level + 1 and last - first >= _WIDE}
            texts = [column[level] for column in columns]
            sheet.head(texts, level=2 if level else 1, low=level == levels - 1, left=wide)
        for area in areas:
            sheet.merge(*area)
        sheet.head(names, level=3)
        return sheet

    def add(self, line: Line, chosen: Chosen | None, untrusted: bool) -> None:
        """The report's row. What must not be taken for proved is left out, and its place coloured."""
        record, verdict = line["record"], line["verdicts"][self.table]
        cells = {cell["path"]: cell for cell in line["cells"]}
        suspects = suspects_of(line)
        hidden = {conflict.path for conflict in chosen.conflicts} if chosen else set[str]()
        values: list[Any] = [record.get("organization"), record.get("year"), VERDICT_SHORT[verdict]]
        looks = [Look(bold=True), YEAR, VERDICT_LOOKS[verdict]]
        if self._panel:
            here = sum(table_of(path) == self.table for path in hidden)
            values.append(f"{here} 格矛盾" if here else None)
            looks.append(STATUS_LOOKS["conflict"] if here else PLAIN)
        shown = verdict in TRUSTED or untrusted
        for path in self._paths:
            value = value_at(record, path) if path in cells else None
            look = _look(cells.get(path), verdict, path in suspects, path in hidden)
            value = value if shown and (path not in hidden or untrusted) else None
            values.append(Decimal(value) if isinstance(value, str) else value)
            looks.append(look)
            if path.endswith(".amount"):
                values.append(None if value is None else value_at(record, path.replace(".amount", ".unit")))
                looks.append(PLAIN if look is ZERO else look)
        self.rows.row([*values, line["source"]], [*looks, Look(color="667085")])


def _look(cell: Line | None, verdict: str, suspect: bool, hidden: bool) -> Look:
    if cell is None:
        return PLAIN
    if hidden:
        return STATUS_LOOKS["conflict"]
    doubt = doubt_look(cell["state"], suspect)
    if doubt is not None:
        return doubt
    if verdict not in TRUSTED:
        return UNTRUSTED
    if cell["method"] == "derived":
        return DERIVED
    if cell["method"] == "llm":
        return READ_BY_MODEL
    return ZERO if cell["value"] in (0, "0") else PLAIN


class Book:
    """The workbook of one export: `add` each report, then `save`."""

    def __init__(
        self, choice: Choice, untold: Untold, *, panel: bool = False, untrusted: bool = False, coverage: bool = True
    ) -> None:
        self._book = Paper(untold)
        self._choice, self._panel, self._untrusted, self._coverage = choice, panel, untrusted, coverage
        self._front = Sheet(self._book, "说明", (30.0, 100.0), (1, 1))
        self._tables = {
            (table, version): TableSheet(self._book, table, version, choice, panel)
            for table in TABLES
            for version in (FORM.versions if table == "disclosure" else ("2021",))
        }
        source = ("来源文件", 44.0)
        body = [("行政机关", 26.0), ("年度", 7.0)]
        self._findings = Rolling(
            plain_sheet(self._book, [*body, ("规则", 34), ("结果", 9), ("程度", 7), ("左边", 9), ("右边", 9),
                                      ("责任", 10), ("说明", 80), ("涉嫌的格", 50), source]), "勾稽结果",
        )  # fmt: skip
        self._doubts = Rolling(
            plain_sheet(self._book, [*body, ("表", 20), ("单元格", 46), ("为什么", 14), ("数值", 9), ("原文", 16),
                                      ("可能的读法", 16), ("页", 6), ("位置", 26), source]), "存疑的格",
        )  # fmt: skip
        self._failed = Rolling(
            plain_sheet(self._book, [("来源文件", 60), ("原因", 16), ("说明", 70), ("怎么办", 70)], 1), "未读出的文件"
        )
        self._conflicts = Rolling(
            plain_sheet(self._book, [*body, ("单元格", 46), ("一份", 10), ("来源文件", 44), ("另一份", 10),
                                      ("另一来源", 44)]), "冲突",
        )  # fmt: skip
        self._verdicts: Counter[str] = Counter()

    def add(self, entry: Entry, chosen: Chosen | None = None) -> None:
        """One report."""
        line = entry.line
        record = line["record"]
        self._verdicts[line["verdict"]] += 1
        if record is None:
            error = line["error"] or {}
            self._failed.row([line["source"], *(error.get(key) for key in ("code", "message", "hint"))])
            return
        version = record["form"]
        for (table, form), sheet in self._tables.items():
            if table != "disclosure" or form == version:
                sheet.add(line, chosen, self._untrusted)
        head = [record.get("organization"), record.get("year")]
        for finding in line["findings"]:
            self._add_finding(head, finding, line["source"])
        self._add_doubts(head, line)
        for conflict in chosen.conflicts if chosen else ():
            words = FORM.words(conflict.path)
            self._conflicts.row([*head, words, _number(conflict.value), conflict.source, _number(conflict.other_value),
                                 conflict.other_source])  # fmt: skip

    def _add_finding(self, head: list[Any], finding: Line, source: str) -> None:
        look = doubt_look("", finding["status"] == "fail" and finding["severity"] == "error") or PLAIN
        self._findings.row(
            [*head, finding["rule"], _STATUS[finding["status"]], _SEVERITY[finding["severity"]],
             _number(finding["left"]), _number(finding["right"]), _BLAME[finding["blame"]], finding["message"],
             "；".join(FORM.words(path) for path in finding["suspects"]), source],
            [PLAIN, YEAR, PLAIN, look, look, *[PLAIN] * 6],
        )  # fmt: skip

    def _add_doubts(self, head: list[Any], line: Line) -> None:
        suspects = suspects_of(line)
        for cell in line["cells"]:
            look = doubt_look(cell["state"], cell["path"] in suspects)
            if look is None:
                continue
            place = dict(cell.get("place") or {})
            why = "；".join(filter(None, [_WHY.get(cell["state"]), "涉嫌" if cell["path"] in suspects else ""]))
            where = " ".join(f"{key} {value}" for key, value in place.items() if key not in ("page", "box"))
            candidates = "、".join(map(str, cell.get("candidates", ())))
            self._doubts.row(
                [*head, TABLE_WORDS[table_of(cell["path"])], FORM.words(cell["path"]), why, _number(cell["value"]),
                 cell["raw"], candidates, place.get("page"), where, line["source"]],
                [PLAIN, YEAR, PLAIN, PLAIN, look, *[PLAIN] * 6],
            )  # fmt: skip

    def save(self, path: Path, columns: Sequence[Column], about: Sequence[tuple[str, str]]) -> None:
        """Adds coverage, dictionary and the page in front, and writes the file."""
        for sheet in self._tables.values():
            sheet.rows.finish(empty=sheet.table != "disclosure")
        for rolling in (self._findings, self._doubts, self._conflicts, self._failed):
            rolling.finish(empty=rolling in (self._findings, self._doubts))
        if self._coverage:
            write_coverage(self._book, self._choice)
        write_dictionary(self._book, columns)
        counts = "，".join(f"{VERDICT_SHORT[verdict]} {n}" for verdict, n in self._verdicts.items())
        write_front(self._front, [*about, ("报告", f"{self._verdicts.total()} 份：{counts}")])
        in_order(self._book, _ORDER)
        self._book.save(path)


def _number(value: Any) -> Any:
    """A value as the contract has it as Excel should have it."""
    try:
        return Decimal(value) if isinstance(value, str) else value
    except ArithmeticError:
        return value
