"""HTML → stored text with lxml: a table row a line, cells split by tabs, everything else in blocks of lines.

Merged cells leave empty cells, as tab text has them, so the reader meets the grid that a person sees. A table that
holds tables is page layout and gives its content in blocks. Nothing is fetched, nothing executed; depth, spans
and size are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from extractor.document.content import Stored
from extractor.document.decode import decode, stored
from extractor.errors import InputError

_META = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_-]+)", re.IGNORECASE)
_DROP = frozenset(
    "script style noscript template nav select option button input textarea iframe object embed svg canvas "
    "audio video map head".split()
)
_BLOCK = frozenset(
    "address article aside blockquote body caption center dd div dl dt fieldset figcaption figure footer form h1 h2 h3 "
    "h4 h5 h6 header hr html li main ol p pre section summary details ul br tr td th table thead tbody tfoot".split()
)
_WHITE = " \t\n\r\f\v"
_RUN = re.compile(r"[ \t\n\r\f\v]+")
_MAX_COLSPAN, _MAX_COLUMNS = 100, 400
_MAX_GRID = 500_000  # cells of one table after spans are expanded
_LONG_CELL = 400  # a cell with several paragraphs longer than this is an article, not a cell

_BREAK = object()  # between two blocks: a line end in running text, a space inside a table cell


@dataclass(slots=True)
class _Lines:
    """Finished lines inside a flow (a table, preformatted text)."""

    parts: list[Any]  # str or nested _Lines
    is_table: bool = False


@dataclass(slots=True)
class _Cell:
    flow: list[Any] = field(default_factory=list)
    colspan: int = 1
    rowspan: int = 1


@dataclass(slots=True)
class _Table:
    rows: list[list[_Cell]] = field(default_factory=list)
    loose: list[Any] = field(default_factory=list)  # what stands in the table outside its cells
    has_tables: bool = False
    row_open: bool = False


def read_html(data: bytes) -> Stored:
    """The stored text of a page, with the places of its tables' cells."""
    return Stored(html_to_text(data))


def html_to_text(data: bytes) -> str:
    """The stored text of a page. Errors: InputError `undecodable`, `malformed` (nested beyond any page's depth)."""
    meta = _META.search(data[:4096])
    return markup_to_text(decode(data, prefer=meta.group(1).decode("ascii") if meta else "").text)


def markup_to_text(markup: str) -> str:
    """The same for a page that is already decoded."""
    from lxml import etree, html

    # huge_tree lifts libxml2's depth limit from 256, which real pages of unclosed <span> pass, to 2048.
    parser = html.HTMLParser(
        encoding="utf-8", no_network=True, huge_tree=True, remove_comments=True, remove_pis=True, recover=True
    )
    data = markup.replace("\x00", " ").encode("utf-8")
    try:
        root = html.document_fromstring(data, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        return ""
    if any(error.type_name == "ERR_RESOURCE_LIMIT" for error in parser.error_log):
        raise InputError(
            "malformed", "The page is nested deeper than any real page.", "Open it in a browser and save it as text."
        )
    lines = list(_lines(_walk(root, etree.iterwalk(root, events=("start", "end")))))
    named = root.find(".//head/title")
    title = "" if named is None else _RUN.sub(" ", named.text_content()).strip()
    if title and not any(title in line for line in lines[:200]):
        lines.insert(0, title)
    return stored("\n".join(_squeeze(lines)))


def _walk(root: Any, events: Iterable[tuple[str, Any]]) -> list[Any]:
    """One pass over the tree without recursion; gives the flow of the whole page."""
    page: list[Any] = []
    flows: list[list[Any]] = [page]  # where text goes: the page, or the cell that is open
    tables: list[_Table] = []
    homes: list[Any] = []  # the td/th element whose cell is open, per entry of flows[1:]
    dropped: Any = None
    preformatted = 0
    for event, element in events:
        name = element.tag if isinstance(element.tag, str) else ""
        if dropped is not None:
            if event == "end" and element is dropped:
                dropped = None
                _text(flows[-1], element.tail, preformatted)
            continue
        if event == "start":
            if name in _DROP or not name:
                dropped = element
                continue
            if name in _BLOCK:
                flows[-1].append(_BREAK)
            if name == "pre":
                preformatted += 1
            if name == "table":
                tables.append(_Table())
                flows.append(tables[-1].loose)
                homes.append(element)
            elif name == "tr" and tables:
                tables[-1].rows.append([])
                tables[-1].row_open = True
            elif name in ("td", "th") and tables:
                cell = _open_cell(tables[-1], element)
                flows.append(cell.flow)
                homes.append(element)
            _text(flows[-1], element.text, preformatted)
            continue
        if homes and homes[-1] is element:
            flows.pop()
            homes.pop()
            if name == "table":
                table = tables.pop()
                if tables:
                    tables[-1].has_tables = True
                flows[-1].append(_render(table))
        if name == "tr" and tables:
            tables[-1].row_open = False
        if name == "pre":
            preformatted -= 1
        if name in _BLOCK:
            flows[-1].append(_BREAK)
        if element is not root:
            _text(flows[-1], element.tail, preformatted)
    return page


def _open_cell(table: _Table, element: Any) -> _Cell:
    if not table.row_open:  # a td without its tr: browsers make one
        table.rows.append([])
        table.row_open = True
    cell = _Cell(colspan=_span(element.get("colspan"), _MAX_COLSPAN), rowspan=_span(element.get("rowspan"), 65_534, 0))
    table.rows[-1].append(cell)
    return cell


def _span(raw: str | None, most: int, least: int = 1) -> int:
    if raw is None:
        return 1
    digits = re.match(r"\s*(\d{1,9})", raw)
    return min(most, max(least, int(digits.group(1)))) if digits else 1


def _text(flow: list[Any], text: str | None, preformatted: int) -> None:
    if not text:
        return
    if preformatted:
        flow.append(_Lines(list(text.replace("\xa0", " ").split("\n"))))
    else:
        flow.append(text)


def _lines(flow: list[Any]) -> Iterator[str]:
    """Running text: a line for each block; finished lines as they are."""
    inline: list[str] = []
    for part in flow:
        if isinstance(part, str):
            inline.append(part)
            continue
        if inline:
            yield _collapse(inline)
            inline = []
        if isinstance(part, _Lines):
            yield from _flatten(part)
    if inline:
        yield _collapse(inline)


def _flatten(block: _Lines) -> Iterator[str]:
    stack: list[Iterator[Any]] = [iter(block.parts)]
    while stack:
        part = next(stack[-1], None)
        if part is None:
            stack.pop()
        elif isinstance(part, _Lines):
            stack.append(iter(part.parts))
        else:
            yield part


def _collapse(inline: list[str]) -> str:
    """White space as a browser shows it: runs become one space; `&nbsp;` stays a space of its own."""
    return _RUN.sub(" ", "".join(inline)).strip(_WHITE).replace("\xa0", " ").rstrip()


def _squeeze(lines: Iterable[str]) -> Iterator[str]:
    """No blank line at the start, never two in a row. A row of empty cells is no blank line."""
    blank = True
    for line in lines:
        if line.strip(" "):
            yield line
            blank = False
        elif not blank:
            blank = True
            yield ""


def _render(table: _Table) -> _Lines:
    """A table's lines: rows that frame prose or other tables as blocks, all others as a grid."""
    parts: list[Any] = [line for line in _lines(table.loose) if line.strip()]
    framing = [_is_frame(row, table.has_tables) for row in table.rows]
    for row, frame, line in zip(table.rows, framing, _grid(table.rows, framing), strict=True):
        if frame:
            for cell in row:
                parts.extend(_parts(cell.flow))
        elif line is not None:
            parts.append(line)
    return _Lines(parts, is_table=True)


def _parts(flow: list[Any]) -> list[Any]:
    """Like `_lines`, but inner tables stay one part, so deep nesting copies nothing twice."""
    parts: list[Any] = []
    inline: list[str] = []
    for part in [*flow, _BREAK]:
        if isinstance(part, str):
            inline.append(part)
            continue
        if inline and (line := _collapse(inline)).strip():
            parts.append(line)
        inline = []
        if isinstance(part, _Lines):
            parts.append(part)
    return parts


def _is_frame(row: list[_Cell], has_tables: bool) -> bool:
    """A row that is page layout: it holds a table, or prose in paragraphs, or is a single cell beside such rows."""
    for cell in row:
        if any(isinstance(part, _Lines) and part.is_table for part in cell.flow):
            return True
        length = sum(len(part) for part in cell.flow if isinstance(part, str))
        if length > _LONG_CELL and sum(part is _BREAK for part in cell.flow) > 4:
            return True
    return has_tables and len(row) == 1


def _cell_text(cell: _Cell) -> str:
    """A cell is one line: blocks and line ends inside it become single spaces, never nothing (`1<br>2` is not 12)."""
    pieces: list[str] = []
    for part in cell.flow:
        if isinstance(part, str):
            pieces.append(part)
        elif isinstance(part, _Lines):
            pieces.append(" " + " ".join(_flatten(part)) + " ")
        else:
            pieces.append(" ")
    return " ".join("".join(pieces).replace("\xa0", " ").split())


def _grid(rows: list[list[_Cell]], framing: list[bool]) -> list[str | None]:
    """Each row as a line, its spans expanded into empty cells; None for rows that frame or hold no cell of their own.

    Columns in which no cell begins are dropped, as a browser shows them.
    """
    width, size = 0, 0
    placed: list[dict[int, str]] = []
    begins: set[int] = set()
    hanging: dict[int, int] = {}  # column → rows below that a cell still covers
    for number, row in enumerate(rows):
        line: dict[int, str] = {}
        covered = set(hanging)
        hanging = {column: left - 1 for column, left in hanging.items() if left > 1}
        column = 0
        for cell in () if framing[number] else row:
            while column in covered:
                column += 1
            if column >= _MAX_COLUMNS:
                break
            line[column] = _cell_text(cell)
            begins.add(column)
            below = (cell.rowspan or len(rows) - number) - 1
            if below > 0:
                hanging.update(dict.fromkeys(range(column, min(column + cell.colspan, _MAX_COLUMNS)), below))
            column += cell.colspan
        width = max(width, min(column, _MAX_COLUMNS))
        size += width
        placed.append(line)
        if size > _MAX_GRID:
            raise InputError("malformed", "A table of the page is larger than any report's.", "Keep only the report.")
    columns = sorted(begins)
    return ["\t".join(line.get(column, "") for column in columns) if line else None for line in placed]


_ERROR_PAGE = re.compile(
    r"\b(?:40[0-9]|50[0-9])\b|not found|forbidden|bad gateway|access denied|service unavailable|internal server error|"
    r"页面不存在|页面未找到|找不到(?:该|此|您|页面|文件)|无法(?:找到|访问|显示)|(?:已被|已经)删除|访问(?:出错|受限|被拒绝|过于频繁)|"
    r"服务器(?:错误|出错|繁忙)|验证码|用户登录|登录|密码|请稍后再试|安全验证|系统(?:错误|维护)",
    re.IGNORECASE,
)


def looks_like_error_page(text: str) -> bool:
    """Whether a short text is a server's error page or a login form rather than a report."""
    return len(text) < 3000 and "勾稽" not in text and bool(_ERROR_PAGE.search(text[:1500]))
