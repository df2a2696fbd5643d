"""DOCX → blocks: the body in order, as Word shows it with all tracked changes accepted.

Read from the XML of the body itself: the API of python-docx leaves out content controls, insertions, fields, text
boxes and symbols. What is not on the page is not read: deleted and hidden text, field codes, comments, notes,
headers and footers (parts of their own). Macros, embedded objects and links are never opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from extractor.document.content import (
    MAX_COLUMNS,
    SEAM,
    Block,
    GridCell,
    Line,
    Notice,
    Stored,
    Table,
    lay_out,
    settle_seams,
)
from extractor.document.formats.docx_styles import MC, Numbering, Styles, is_on, w
from extractor.document.formats.package import HEIGHTS, Package, whole
from extractor.errors import InputError

_LONG_CELL, _PARAGRAPHS = 400, 4  # a cell with more characters and more paragraphs is an article, not a cell
_UNREAD = "?"  # stands for what is shown and is no text: no number is read from such a cell

_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
# Elements that only wrap what is on the page.
_WRAPPERS = frozenset(
    w(name) for name in "sdt sdtContent ins moveTo customXml smartTag hyperlink fldSimple dir bdo rubyBase".split()
)
_INSERTED = frozenset((w("hyperlink"), w("fldSimple")))  # a mark of a note, a reference: no part of a number
_DELETED = frozenset((w("del"), w("moveFrom")))
_CHANGES = _DELETED | {w("ins"), w("moveTo")}
_TEXT = {w("tab"): "\t", w("ptab"): "\t", w("br"): "\n", w("cr"): "\n", w("noBreakHyphen"): "-"}
_DRAWN = frozenset((w("drawing"), w("pict"), w("object")))
_PICTURES = (
    "{http://schemas.openxmlformats.org/drawingml/2006/main}blip",
    "{urn:schemas-microsoft-com:vml}imagedata",
    "{urn:schemas-microsoft-com:office:office}OLEObject",
)
_DIGIT = re.compile(r"\d")


def read_docx(data: bytes) -> Stored:
    """The stored text of a Word file, with the places of its tables' cells.

    Errors: InputError `malformed`, `too_large`, `encrypted`, `unsupported_format` (the page is embedded as another
    document).
    """
    package = Package(data)
    main = package.main()
    body = package.tree(main).find(w("body"))
    if body is None:
        raise InputError("malformed", "The Word file has no body.", "Open it in Word or WPS and save it anew.")
    numbering, styles = package.related(main, "numbering"), package.related(main, "styles")
    own = Styles(package.tree(styles) if styles else None)
    reader = _Body(own, Numbering(package.tree(numbering) if numbering else None, own))
    return lay_out(reader.blocks(body), list(reader.notices()))


@dataclass(slots=True)
class _Flow:
    """A paragraph on its way: its text (`\\n` at line breaks), and the text boxes that hang on it."""

    text: list[str] = field(default_factory=list)
    boxes: list[Block] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)  # of each open field: its code so far; shown once it is ""
    picture: bool = False


class _Body:
    def __init__(self, styles: Styles, numbering: Numbering) -> None:
        self._styles, self._numbering = styles, numbering
        self._changed = False  # a tracked change that touches digits
        self._pictures: list[bool] = []  # whether the open cells show a picture

    def notices(self) -> Iterator[Notice]:
        if self._changed:
            yield Notice(
                "file.tracked_changes",
                "文件里有改动数字的修订记录；按接受全部修订后的样子读取。",
                "Tracked changes in the file touch numbers; it was read as if all were accepted.",
            )

    def blocks(self, parent: Any) -> list[Block]:
        """Paragraphs and tables of a body, cell or text box."""
        blocks: list[Block] = []
        for element in self._content(parent):
            if element.tag == w("p"):
                blocks += self._paragraph(element)
            elif element.tag == w("tbl"):
                blocks.append(self._table(element))
            elif element.tag == w("altChunk"):
                raise InputError(
                    "unsupported_format",
                    "The Word file only embeds the page as another document (altChunk).",
                    "Open it in Word and save it as .docx.",
                )
        return blocks

    def _content(self, parent: Any) -> Iterator[Any]:
        """The children of an element, those of wrappers in their place, deleted ones left out."""
        stack = [iter(parent)]
        while stack:
            element = next(stack[-1], None)
            if element is None:
                stack.pop()
                continue
            if element.tag in _CHANGES and not self._changed:
                self._changed = bool(_DIGIT.search("".join(element.itertext(w("t"), w("delText")))))
            if element.tag in _DELETED:
                continue
            if element.tag in _WRAPPERS:
                stack.append(iter(element))
            elif element.tag == f"{MC}AlternateContent":
                stack.append(iter(_branch(element)))
            else:
                yield element

    def _paragraph(self, element: Any) -> list[Block]:
        flow = _Flow()
        style = self._styles.of_paragraph(element)
        for part in self._content(element):
            if part.tag == w("r"):
                inserted = part.getparent().tag in _INSERTED
                flow.text += [SEAM] * inserted
                self._run(part, flow, style)
                flow.text += [SEAM] * inserted
            elif part.tag == f"{_MATH}oMath" or part.tag == f"{_MATH}oMathPara":
                flow.text.append(" ".join(part.itertext(f"{_MATH}t")))
        if any(flow.fields):  # a field that does not end: what it shows is not known
            flow.text.append(_UNREAD)
        text = self._numbering.label(element, style)
        body = settle_seams("".join(flow.text))
        if text and body[:1].isdigit():
            text += " "
        lines: list[Block] = [Line(line.replace("\xa0", " ").rstrip()) for line in (text + body).split("\n")]
        if flow.picture and self._pictures:
            self._pictures[-1] = True
        return lines + flow.boxes

    def _run(self, run: Any, flow: _Flow, paragraph_style: str | None) -> None:
        properties = run.find(w("rPr"))
        if self._styles.effect("vanish", properties, paragraph_style):
            return
        shown: list[str] = []
        for child in self._content(run):
            tag = child.tag
            if tag == w("fldChar"):
                _field(child, flow, shown)
            elif tag == w("instrText"):
                if flow.fields and flow.fields[-1]:
                    flow.fields[-1] += child.text or ""
            elif any(flow.fields):
                continue  # inside a field's code
            elif tag == w("t"):
                shown.append(child.text or "")
            elif tag in _TEXT:
                shown.append(_TEXT[tag])
            elif tag == w("sym"):
                shown.append(_symbol(child))
            elif tag in _DRAWN:
                self._drawn(child, flow)
            elif tag == w("ruby"):
                for base in child.iterchildren(w("rubyBase")):
                    for inner in base.iter(w("r")):
                        self._run(inner, flow, paragraph_style)
            elif tag == w("r"):
                self._run(child, flow, paragraph_style)
        flow.text.append(self._set("".join(shown), properties, paragraph_style))

    def _set(self, text: str, properties: Any, paragraph_style: str | None) -> str:
        """Text that is struck out or set high or low must not join the figures beside it."""
        if not text.strip():
            return text
        for name in ("strike", "dstrike"):
            if self._styles.effect(name, properties, paragraph_style):
                return f"~~{text}~~"
        if self._styles.is_apart(properties, paragraph_style):
            text = f"{SEAM}{text}{SEAM}"
        return text.translate(HEIGHTS.get(self._styles.effect("vertAlign", properties, paragraph_style), {}))

    def _drawn(self, drawn: Any, flow: _Flow) -> None:
        """The text boxes of a drawing, each once; whether it shows a picture."""
        stack = [drawn]
        while stack:
            element = stack.pop()
            if element.tag == w("txbxContent"):
                flow.boxes += self.blocks(element)
                continue
            flow.picture = flow.picture or element.tag in _PICTURES
            inner = _branch(element) if element.tag == f"{MC}AlternateContent" else element
            stack += reversed(inner)

    def _table(self, table: Any) -> Table:
        rows: list[list[GridCell]] = []
        merged: dict[int, tuple[int, GridCell]] = {}  # grid column → width and cell of an open vertical merge
        for element in self._content(table):
            if element.tag != w("tr") or self._is_gone(element.find(w("trPr")), "del", "hidden"):
                continue
            row, merged = self._row(element, merged)
            rows.append(row)
        if any(cell.inner is not None for row in rows for cell in row):
            for row in rows:  # single cells beside rows that frame tables are page layout too
                if len(row) == 1 and row[0].inner is None:
                    row[0].inner = [Line(row[0].text)]
        return Table(rows)

    def _row(self, element: Any, merged: dict[int, tuple[int, GridCell]]) -> tuple[list[GridCell], Any]:
        properties = element.find(w("trPr"))
        column = _number(properties, "gridBefore", 0)
        row = [GridCell(colspan=column)] if column else []
        still: dict[int, tuple[int, GridCell]] = {}
        for part in self._content(element):
            if part.tag != w("tc"):
                continue
            own = part.find(w("tcPr"))
            if self._is_gone(own, "cellDel"):
                continue
            width, down, across = _number(own, "gridSpan", 1), _merge(own, "vMerge"), _merge(own, "hMerge")
            above = merged.get(column)
            if across == "continue" and row and not still.get(column):
                row[-1].colspan += width
            elif down == "continue" and above and above[0] == width:
                above[1].rowspan += 1
                still[column] = above
            else:
                row.append(self._cell(part, width))
                if down:
                    still[column] = (width, row[-1])
            column += width
        framing = any(cell.inner is not None for cell in row)
        return row, {} if framing else still

    def _cell(self, element: Any, width: int) -> GridCell:
        self._pictures.append(False)
        blocks = self.blocks(element)
        picture = self._pictures.pop()
        lines = [text for block in blocks if (text := _text(block)) is not None]
        text = " ".join(" ".join(lines).split())
        article = len(text) > _LONG_CELL and sum(map(bool, lines)) > _PARAGRAPHS
        if article or len(lines) < len(blocks):
            return GridCell(colspan=width, inner=blocks)
        return GridCell(text or (_UNREAD if picture else ""), colspan=width)

    def _is_gone(self, properties: Any, *names: str) -> bool:
        """Whether a row or cell is deleted by a tracked change, or hidden."""
        found = [] if properties is None else [child for name in names for child in properties.iterchildren(w(name))]
        gone = any(is_on(child) for child in found)
        if gone and not self._changed:
            self._changed = bool(_DIGIT.search("".join(properties.getparent().itertext(w("t"), w("delText")))))
        return gone


def _branch(alternatives: Any) -> Any:
    """The one of several ways to show the same that is shown: the first with a text box, else the first."""
    ways = [way for way in alternatives if way.tag in (f"{MC}Choice", f"{MC}Fallback")]
    with_text = (way for way in ways if next(way.iter(w("txbxContent")), None) is not None)
    return next(with_text, ways[0] if ways else ())


def _field(mark: Any, flow: _Flow, shown: list[str]) -> None:
    """A field's begin, the end of its code, its end. EQ fields draw their code: shown, and no text."""
    kind = mark.get(w("fldCharType"))
    if kind == "begin":
        flow.fields.append(" ")
    elif kind == "separate" and flow.fields:
        flow.fields[-1] = ""
        shown.append(SEAM)
    elif kind == "end" and flow.fields:
        code = flow.fields.pop()
        shown.append(_UNREAD if code.split()[:1] in (["EQ"], ["eq"]) else "" if code else SEAM)


def _symbol(element: Any) -> str:
    """A character by its code in a font. Symbol fonts hold theirs in the private area: only Symbol has digits there."""
    try:
        code = int(element.get(w("char"), ""), 16)
    except ValueError:
        return _UNREAD
    if 0xF030 <= code <= 0xF039 and element.get(w("font"), "").lower() == "symbol":
        code -= 0xF000
    return chr(code) if 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE else _UNREAD


def _text(block: Block) -> str | None:
    """A block of a cell as plain text: a line, or a table of a single cell; None for any other table."""
    if isinstance(block, Line):
        return block.text
    cells = [cell for row in block.rows for cell in row]
    return "" if not cells else cells[0].text if len(cells) == 1 and cells[0].inner is None else None


def _number(properties: Any, name: str, least: int) -> int:
    element = None if properties is None else properties.find(w(name))
    number = None if element is None else whole(element.get(w("val")))
    return least if number is None else min(MAX_COLUMNS, max(least, number))


def _merge(properties: Any, name: str) -> str | None:
    """`restart`, `continue`, or None for a cell that is not merged."""
    element = None if properties is None else properties.find(w(name))
    if element is None:
        return None
    return "restart" if element.get(w("val")) == "restart" else "continue"
