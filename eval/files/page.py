"""A generated page taken apart for the makers of office files: paragraphs and tables, independent of the reader."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass, field
from typing import Any

_DROP = frozenset(("script", "style", "head", "title"))
_BLOCK = frozenset(
    "address blockquote body center div dl dt h1 h2 h3 h4 h5 h6 hr html li main nav ol p section ul tr td th".split()
)
_OF_TABLE = frozenset(("tbody", "tr", "td", "th"))
_RUN = re.compile(r"[ \t\n\r\f]+")
_EPOCH = (2024, 1, 1, 0, 0, 0)
_STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(slots=True)
class Paragraph:
    """A paragraph as runs of text (`\\n` for a line break); `level` of a heading, 0 for none."""

    runs: list[str] = field(default_factory=list)
    level: int = 0

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.runs)


@dataclass(slots=True)
class PageCell:
    """A cell: its blocks, and the rows and columns that it covers."""

    blocks: list[Paragraph | PageTable]
    colspan: int
    rowspan: int

    @property
    def text(self) -> str:
        """The text of a cell without tables, a line for each paragraph."""
        return "\n".join(block.text for block in self.blocks if isinstance(block, Paragraph))


@dataclass(slots=True)
class PageTable:
    """A table's rows of cells, as HTML has them: covered positions have no cell."""

    rows: list[list[PageCell]]

    def placed(self) -> list[dict[int, PageCell]]:
        """Each row's cells by grid column; a position that a span covers holds the covering cell too."""
        grid: list[dict[int, PageCell]] = [{} for _ in self.rows]
        for number, row in enumerate(self.rows):
            column = 0
            for cell in row:
                while column in grid[number]:
                    column += 1
                for line in grid[number : number + cell.rowspan]:
                    line |= dict.fromkeys(range(column, column + cell.colspan), cell)
                column += cell.colspan
        return grid


Blocks = list[Paragraph | PageTable]


def blocks_of(html: str) -> Blocks:
    """The page's body in order."""
    from lxml import html as parser

    root = parser.document_fromstring(html.encode("utf-8"), parser=parser.HTMLParser(encoding="utf-8"))
    blocks: Blocks = []
    _fill(root, blocks, [])
    return _tidy(blocks)


def _fill(element: Any, blocks: Blocks, runs: list[str]) -> list[str]:
    """Adds an element's content; gives the runs of the paragraph that is open behind it."""
    if not isinstance(element.tag, str) or element.tag in _DROP:
        return runs
    if element.tag == "table":
        blocks += [Paragraph(runs), _table(element)]
        return []
    if element.tag == "br":
        return [*runs, "\n"]
    level = int(element.tag[1]) if re.fullmatch("h[1-6]", element.tag) else 0
    if element.tag in _BLOCK:
        blocks.append(Paragraph(runs))
        runs = []
    if element.text:
        runs = [*runs, _RUN.sub(" ", element.text)]
    for child in element:
        if child.tag not in _OF_TABLE:  # a cell left open holds what is not its own
            runs = _fill(child, blocks, runs)
        if child.tail:
            runs = [*runs, _RUN.sub(" ", child.tail)]
    if element.tag in _BLOCK:
        blocks.append(Paragraph(runs, level))
        runs = []
    return runs


def _tidy(blocks: Blocks) -> Blocks:
    """Without paragraphs that hold nothing, and without blanks at the ends of the others."""
    kept: Blocks = []
    for block in blocks:
        if isinstance(block, Paragraph):
            text = block.text
            if not text.strip(" \n"):
                continue
            block.runs = [run for run in block.runs if run]
            block.runs[0] = block.runs[0].lstrip(" \n")
            block.runs[-1] = block.runs[-1].rstrip(" \n")
        kept.append(block)
    return kept


def _table(element: Any) -> PageTable:
    rows = []
    for row in element.iterfind(".//tr"):
        if next(row.iterancestors("table")) is not element:
            continue
        cells = []
        for cell in row.iter("td", "th"):
            if next(cell.iterancestors("tr")) is not row:
                continue
            blocks: Blocks = []
            _fill(cell, blocks, [])
            cells.append(PageCell(_tidy(blocks), int(cell.get("colspan", 1)), int(cell.get("rowspan", 1))))
        rows.append(cells)
    return PageTable(rows)


def same_bytes(data: bytes) -> bytes:
    """An office file with its times taken out, so that the same content gives the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            content = old.read(info)
            if info.filename == "docProps/core.xml":
                content = _STAMP.sub(b"2024-01-01T00:00:00Z", content)
            new.writestr(zipfile.ZipInfo(info.filename, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()
