"""The sheets that every workbook has: the page in front, coverage, the data dictionary, and the long shape."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from extractor.export.choose import STATUS_WORDS, Choice
from extractor.export.columns import LONG, Column
from extractor.export.dictionary import WORDS, dictionary
from extractor.export.looks import LEGEND, STATUS_LOOKS, TITLE
from extractor.export.needs import Untold
from extractor.export.shapes import Row
from extractor.export.sheet import PLAIN, Look, Paper, Sheet


class Rolling:
    """A sheet that goes on in another where it is full; made when the first row comes."""

    def __init__(self, make: Callable[[str], Sheet], title: str) -> None:
        self._make, self._title, self._sheets = make, title, list[Sheet]()

    def row(self, values: Sequence[Any], looks: Sequence[Look] = ()) -> None:
        """A row of data."""
        if not self._sheets or self._sheets[-1].is_full:
            number = len(self._sheets) + 1
            self._sheets.append(self._make(self._title if number == 1 else f"{self._title} ({number})"))
        self._sheets[-1].row(values, looks)

    def finish(self, empty: bool = False) -> None:
        """Sets the filters; `empty`: the sheet is wanted without a row too."""
        if empty and not self._sheets:
            self._sheets.append(self._make(self._title))
        for sheet in self._sheets:
            sheet.finish()


def plain_sheet(book: Paper, headings: Sequence[tuple[str, float]], columns: int = 2) -> Callable[[str], Sheet]:
    """What makes such a sheet: headings with widths, the first `columns` columns staying in sight."""

    def make(title: str) -> Sheet:
        sheet = Sheet(book, title, [width for _, width in headings], (1, columns))
        sheet.head([text for text, _ in headings])
        return sheet

    return make


def write_front(front: Sheet, about: Iterable[tuple[str, str]]) -> None:
    """The first page: what this is, and what the colours mean."""
    front.head(["政府信息公开工作年度报告 · 勾稽", ""], level=1)
    for name, text in about:
        front.row([name, text], [TITLE, PLAIN])
    front.row([None, None])
    front.row(["颜色", None], [TITLE, PLAIN])
    for look, name, text in LEGEND:
        front.row([name, text], [look, PLAIN])


def write_dictionary(book: Paper, columns: Sequence[Column]) -> None:
    """The sheet 数据字典."""
    widths = (34, 44, 24, 60, 46, 20, 34, 18, 12, 60)
    sheet = Rolling(plain_sheet(book, list(zip(WORDS, widths, strict=True)), 1), "数据字典")
    for entry in dictionary(columns):
        sheet.row(entry.cells())
    sheet.finish()


def write_coverage(book: Paper, choice: Choice) -> None:
    """The sheet 覆盖: which body has which year."""
    years = choice.years()
    headings = [("行政机关", 30.0), *((str(year), 9.0) for year in years), ("有数年份", 9.0)]
    sheet = Rolling(plain_sheet(book, headings, 1), "覆盖")
    for body, by_year in choice.matrix():
        statuses = [by_year.get(year, "absent") for year in years]
        values = [
            body,
            *(STATUS_WORDS[status] for status in statuses),
            sum(s in ("trusted", "partial") for s in statuses),
        ]
        sheet.row(values, [Look(bold=True), *(STATUS_LOOKS[status] for status in statuses), PLAIN])
    sheet.finish(empty=True)
    missing = choice.placeless()
    if missing:
        lost = Rolling(plain_sheet(book, [("没有机关名或年度，未列入覆盖表的文件", 90.0)], 1), "未归位")
        for source in missing:
            lost.row([source])
        lost.finish()


def write_long_book(path: Path, rows: Iterable[Row], about: Sequence[tuple[str, str]], untold: Untold) -> int:
    """A workbook of the long shape: 明细, one cell a row, on as many sheets as it takes, and the dictionary."""
    book = Paper(untold)
    front = Sheet(book, "说明", (30.0, 100.0), (1, 1))
    headings = [f"{column.label}\n{column.name}" for column in LONG]
    widths = [30.0 if column.kind == "text" else 12.0 for column in LONG]

    def make(title: str) -> Sheet:
        sheet = Sheet(book, title, widths, (1, 2))
        sheet.head(headings, low=True)
        return sheet

    sheet, number = Rolling(make, "明细"), 0
    for row in rows:
        sheet.row(row)
        number += 1
    sheet.finish(empty=True)
    write_dictionary(book, LONG)
    write_front(front, about)
    book.save(path)
    return number


def in_order(book: Paper, titles: Sequence[str]) -> None:
    """Puts the sheets in the order of the titles that theirs begin with."""
    sheets: list[Any] = vars(book)["_sheets"]
    sheets.sort(key=lambda sheet: next(i for i, title in enumerate(titles) if sheet.title.startswith(title)))
