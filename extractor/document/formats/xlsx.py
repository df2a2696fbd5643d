"""XLSX → blocks: each sheet that is seen is a line (its name) and a table, its cells as a person sees them.

The sheets are read as a stream (xlsx_sheet), since what openpyxl holds grows with every styled empty cell and it
knows merged and hidden cells only when it holds a whole sheet. Macros, links, drawings and comments are not opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from extractor.document.content import MAX_COLUMNS, MAX_GRID, Block, GridCell, Line, Notice, Stored, Table, lay_out
from extractor.document.formats.package import Package, damaged, too_large
from extractor.document.formats.xlsx_seen import Seen, Shown
from extractor.document.formats.xlsx_sheet import read_sheet, read_strings
from extractor.document.formats.xlsx_values import Values
from extractor.errors import InputError

MAX_TEXT = 20_000_000  # characters of all cells: a shared string may stand in each of them
_LONG = 60  # a text with more characters, alone in its row, is a paragraph
_ARTICLE, _ARTICLE_LINES = 400, 4  # a text with more characters and line breaks is an article, not a cell
_FIGURES = re.compile(r"[\d０-９.,，-]+")
_MAX_STEPS = 5_000_000  # of finding what lies below merged cells
_DIGIT = re.compile(r"\d")
_DEFAULT_NAME = re.compile(r"(?:sheet|工作表|表格?)\s*\d*", re.IGNORECASE)
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_REL_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def read_xlsx(data: bytes) -> Stored:
    """The stored text of an Excel workbook; each cell's place has its sheet and address.

    Hidden sheets, rows and columns are not read, unless nothing else is there. Errors: InputError `malformed`,
    `too_large`, `encrypted`.
    """
    package = Package(data)
    main = package.main()
    workbook = package.tree(main)
    sheets = list(_sheets(package, main, workbook))
    if not sheets:
        raise InputError("malformed", "The workbook has no worksheet.", "Open it in Excel or WPS and save it anew.")
    strings, styles = package.related(main, "sharedStrings"), package.related(main, "styles")
    properties = workbook.find(f"{_MAIN}workbookPr")
    values = Values(
        read_strings(package.chunks(strings)) if strings else [],
        package.tree(styles) if styles else None,
        from_1904=properties is not None and properties.get("date1904") in ("1", "true"),
    )
    read = [(name, seen, read_sheet(package.chunks(part), values, part)) for name, part, seen in sheets]
    seen = [(name, Seen(sheet)) for name, visible, sheet in read if visible]
    hidden = [name for name, visible, sheet in read if not visible and sheet.cells]
    hidden += [name for name, sheet in seen if sheet.hides]
    blocks = [block for name, sheet in seen for block in _blocks(name, sheet)]
    if not blocks:  # where all is hidden, it is what there is
        whole = [(name, Seen(sheet, all_of_it=True)) for name, _, sheet in read]
        hidden, blocks = [], [block for name, sheet in whole for block in _blocks(name, sheet)]
    return lay_out(blocks, list(_notices(hidden)))


def _sheets(package: Package, main: str, workbook: Any) -> Iterator[tuple[str, str, bool]]:
    """Name, part and visibility of each worksheet; sheets of charts, dialogs and macros are none."""
    relationships = package.relationships(main)
    for element in workbook.iterfind(f"{_MAIN}sheets/{_MAIN}sheet"):
        relationship = relationships.get(element.get(_REL_ID, ""))
        if relationship is not None and relationship.kind == "worksheet":
            yield element.get("name", ""), relationship.target, element.get("state", "visible") == "visible"


def _notices(hidden: list[str]) -> Iterator[Notice]:
    if hidden:
        names = list(dict.fromkeys(hidden))[:5]
        yield Notice(
            "file.hidden_cells",
            f"隐藏的工作表、行或列没有读（工作表：{'、'.join(names)}）。",
            f"Hidden sheets, rows or columns were not read (sheet: {', '.join(names)}).",
        )


_Row = dict[int, Shown]


def _blocks(name: str, sheet: Seen) -> list[Block]:
    """A sheet's name, its paragraphs as lines, its tables: blank rows and headings part them."""
    blocks: list[Block] = []
    group: list[_Row] = []
    above = 0
    for row, cells in [*sorted(sheet.cells.items()), (0, {})]:
        article = _is_article(cells)
        if group and (article or row != above + 1):
            blocks += _tables(name, group)
            group = []
        if article:
            blocks += _lines(name, cells)
        elif cells:
            group.append(cells)
        above = row
    if blocks and not _DEFAULT_NAME.fullmatch(name.strip()):
        blocks[:0] = [Line(""), Line(" ".join(name.split()))]
    return blocks


def _is_article(cells: _Row) -> bool:
    """Whether a row is a long text, or holds a cell of many lines."""
    texts = [shown.text for shown in cells.values()]
    return (len(texts) == 1 and len(texts[0]) > _LONG) or any(
        len(text) > _ARTICLE and text.count("\n") >= _ARTICLE_LINES for text in texts
    )


def _lines(name: str, cells: _Row) -> Iterator[Line]:
    for column in sorted(cells):
        for line in cells[column].text.split("\n"):
            yield Line(" ".join(line.split()), sheet=name, ref=cells[column].ref)


def _tables(name: str, rows: list[_Row]) -> list[Block]:
    """Rows that stand together as tables and lines. A row of one text is a heading, hence a line, before the first
    table, and behind a table that it spans or that ends in another column than the next figures do; else it is a row
    whose other cells are blank."""
    runs = [(alone, list(run)) for alone, run in groupby(rows, _is_heading)]
    ends = [_right(run) if not alone and any(map(_has_figures, run)) else None for alone, run in runs]
    blocks: list[Block] = []
    table: list[_Row] = []
    for index, (alone, run) in enumerate(runs):
        following = next((end for end in ends[index + 1 :] if end is not None), None)
        if not alone or (table and _right(table) == following):
            table += run
            continue
        blank = 0
        if table:
            left, right = min(map(min, table)), _right(table)
            blank = next((n for n, row in enumerate(run) if min(row) <= left and _right([row]) >= right), len(run))
            blocks.append(_table(name, table + run[:blank]))
        blocks += [line for row in run[blank:] for line in _lines(name, row)]
        table = []
    return [*blocks, _table(name, table)] if table else blocks


def _has_figures(row: _Row) -> bool:
    return any(_FIGURES.fullmatch(shown.text.strip()) for shown in row.values())


def _is_heading(row: _Row) -> bool:
    return len(row) == 1 and not _has_figures(row)


def _right(rows: list[_Row]) -> int:
    return max(shown.right for row in rows for shown in row.values())


def _table(name: str, rows: list[_Row]) -> Table:
    """Rows of cells; columns in which they show nothing are left out."""
    columns = sorted({column for row in rows for column in row})
    if len(columns) > MAX_COLUMNS:
        raise damaged(f"The sheet {name!r} has a table of more than {MAX_COLUMNS} columns.")
    if len(columns) * len(rows) > MAX_GRID:
        raise too_large(f"The sheet {name!r} has a table of more than {MAX_GRID:,} cells.")
    return Table([[_cell(name, row.get(column)) for column in columns] for row in rows])


def _cell(name: str, shown: Shown | None) -> GridCell:
    return GridCell() if shown is None else GridCell(" ".join(shown.text.split()), sheet=name, ref=shown.ref)
