"""An HTML sample as an Excel workbook: figures as numbers or as text, merged cells, one sheet or a sheet per table."""

from __future__ import annotations

import io
import re
from random import Random
from typing import Any

from extractor.eval.files.page import Blocks, PageTable, Paragraph, blocks_of, same_bytes

_WHOLE = re.compile(r"0|-?[1-9]\d{0,14}")
_FRACTION = re.compile(r"-?(?:0|[1-9]\d{0,8})\.\d{0,5}[1-9]")
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+")
_COUNTED = re.compile(r"(0|[1-9]\d{0,8})(件|条|份)")
_FORMATS = ("General", "0", "#,##0", "0_ ", "0_);[Red]\\(0\\)")


def make(html: str, rng: Random) -> bytes:
    """The page as .xlsx."""
    from openpyxl import Workbook

    workbook = Workbook()
    writer = _Writer(workbook, rng)
    writer.blocks(blocks_of(html))
    writer.hide()
    out = io.BytesIO()
    workbook.save(out)
    return same_bytes(out.getvalue())


class _Writer:
    def __init__(self, workbook: Any, rng: Random) -> None:
        self.workbook, self.rng = workbook, rng
        self.sheet = workbook.active
        self.sheet.title = rng.choice(("Sheet1", "年度报告", "2023", "附件"))
        self.row = rng.choice((1, 1, 2, 4))
        self.left = rng.choice((1, 1, 1, 2, 3))
        self.width = rng.choice((8, 10, 18))  # columns that headings and paragraphs are merged over
        self.merge_prose = rng.random() < 0.6
        self.gap = rng.choice((0, 0, 1))  # blank rows around a table
        self.several = rng.random() < 0.25  # a sheet of its own for each table
        self.as_text = rng.choice((0.0, 0.0, 0.3, 1.0))
        self.format = rng.choice(_FORMATS)
        self.flat = rng.random() < 0.1  # nothing is merged

    def blocks(self, blocks: Blocks) -> None:
        for block in blocks:
            if isinstance(block, Paragraph):
                self._prose(block)
            elif any(isinstance(inner, PageTable) for row in block.rows for cell in row for inner in cell.blocks):
                for row in block.rows:
                    for cell in row:
                        self.blocks(cell.blocks)
            else:
                self._table(block)

    def hide(self) -> None:
        """Hidden rows, columns and sheets that hold figures of somebody's own reckoning."""
        rng = self.rng
        if rng.random() < 0.15:
            self.sheet.cell(self.row + 1, self.left, "合计核对")
            self.sheet.cell(self.row + 1, self.left + 4, rng.randint(1, 99))
            self.sheet.row_dimensions[self.row + 1].hidden = True
        if rng.random() < 0.15:
            draft = self.workbook.create_sheet("草稿")
            draft.append(["一、本年新收政府信息公开申请数量", *(rng.randint(0, 9) for _ in range(7))])
            draft.sheet_state = rng.choice(("hidden", "veryHidden"))

    def _prose(self, paragraph: Paragraph) -> None:
        self.sheet.cell(self.row, self.left, paragraph.text)
        if self.merge_prose:
            self._merge(self.row, self.left, self.row, self.left + self.width - 1)
        self.row += 1

    def _table(self, table: PageTable) -> None:
        if self.several:
            self.sheet = self.workbook.create_sheet(f"表{len(self.workbook.sheetnames)}")
            self.row = 1
        self.row += self.gap
        top = self.row
        seen: set[int] = set()
        for offset, line in enumerate(table.placed()):
            for column, cell in sorted(line.items()):
                if id(cell) in seen:
                    continue
                seen.add(id(cell))
                row, left = top + offset, self.left + column
                self._cell(row, left, cell.text)
                bottom = min(row + cell.rowspan, top + len(table.rows)) - 1
                self._merge(row, left, bottom, left + cell.colspan - 1)
        self.row = top + len(table.rows) + self.gap

    def _merge(self, top: int, left: int, bottom: int, right: int) -> None:
        if not self.flat and (bottom > top or right > left):
            self.sheet.merge_cells(start_row=top, start_column=left, end_row=bottom, end_column=right)

    def _cell(self, row: int, column: int, text: str) -> None:
        cell = self.sheet.cell(row, column)
        cell.number_format = "General"
        if not text or self.rng.random() < self.as_text:
            cell.value = text or None
            cell.data_type = "s" if text else "n"
        elif _WHOLE.fullmatch(text):
            cell.value, cell.number_format = int(text), self.format
        elif _FRACTION.fullmatch(text):
            cell.value, cell.number_format = float(text), self.rng.choice(("General", "0.00", "#,##0.00"))
        elif _GROUPED.fullmatch(text):
            cell.value, cell.number_format = int(text.replace(",", "")), "#,##0"
        elif counted := _COUNTED.fullmatch(text):
            cell.value, cell.number_format = int(counted[1]), f'0"{counted[2]}"'
        else:
            cell.value = text
            cell.data_type = "s"
