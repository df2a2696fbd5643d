"""An HTML sample as a Word file: merged cells as Word writes them, runs cut anywhere, text boxes, layout tables."""

from __future__ import annotations

import io
from random import Random
from xml.sax.saxutils import escape

from extractor.eval.files.page import Blocks, PageCell, PageTable, Paragraph, blocks_of, same_bytes

_SPACES = " ".join(
    f'xmlns:{prefix}="{uri}"'
    for prefix, uri in {
        "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
        "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
        "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
        "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
        "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
        "v": "urn:schemas-microsoft-com:vml",
    }.items()
)
_NOISE = ('<w:proofErr w:type="spellStart"/>', '<w:bookmarkStart w:id="7" w:name="b"/><w:bookmarkEnd w:id="7"/>', "")


def make(html: str, rng: Random) -> bytes:
    """The page as .docx."""
    from docx import Document
    from docx.oxml import parse_xml

    document = Document()
    writer = _Writer(rng)
    body = document.element.body
    blocks = blocks_of(html)
    if rng.random() < 0.1:  # a frame around all of it
        blocks = [PageTable([[PageCell(blocks, 1, 1)]])]
    xml = writer.blocks(blocks)
    for element in reversed(parse_xml(f"<w:body {_SPACES}>{xml}</w:body>")):
        body.insert(0, element)
    section = document.sections[0]
    section.header.paragraphs[0].text = f"内部资料 {rng.randint(10, 99)}"
    section.footer.paragraphs[0].text = f"- {rng.randint(1, 9)} -"
    out = io.BytesIO()
    document.save(out)
    return same_bytes(out.getvalue())


class _Writer:
    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.cut = rng.choice((0.0, 0.05, 0.4))  # how often a run is cut in two
        self.controls = rng.choice((0.0, 0.0, 0.1))
        self.boxes = rng.choice((0.0, 0.0, 0.15))
        self.paragraphs = rng.random() < 0.5  # a line break in a cell as a paragraph of its own

    def blocks(self, blocks: Blocks) -> str:
        return "".join(
            self._controlled(self._table(block) if isinstance(block, PageTable) else self._prose(block))
            for block in blocks
        )

    def _controlled(self, xml: str) -> str:
        if self.rng.random() >= self.controls:
            return xml
        return f'<w:sdt><w:sdtPr><w:tag w:val="field9"/></w:sdtPr><w:sdtContent>{xml}</w:sdtContent></w:sdt>'

    def _prose(self, paragraph: Paragraph) -> str:
        if not paragraph.level and self.rng.random() < self.boxes:
            inner = self._paragraph(paragraph.runs, "")
            return f"<w:p><w:r>{_text_box(inner)}</w:r></w:p>"
        style = f'<w:pStyle w:val="Heading{min(paragraph.level, 3)}"/>' if paragraph.level else ""
        return self._paragraph(paragraph.runs, style)

    def _paragraph(self, runs: list[str], style: str) -> str:
        return f"<w:p><w:pPr>{style}</w:pPr>{''.join(self._run(run) for run in runs)}</w:p>"

    def _run(self, text: str) -> str:
        if len(text) > 1 and self.rng.random() < self.cut:
            at = self.rng.randint(1, len(text) - 1)
            return self._run(text[:at]) + self.rng.choice(_NOISE) + self._run(text[at:])
        lines = (f'<w:t xml:space="preserve">{escape(line)}</w:t>' for line in text.split("\n"))
        bold = "<w:b/>" if self.rng.random() < 0.1 else ""
        return f'<w:r><w:rPr>{bold}<w:lang w:eastAsia="zh-CN"/></w:rPr>{"<w:br/>".join(lines)}</w:r>'

    def _table(self, table: PageTable) -> str:
        grid = table.placed()
        width = max((max(line) + 1 for line in grid if line), default=0)
        rows = []
        seen: set[int] = set()
        for line in grid:
            cells, column = [], 0
            while column <= max(line, default=-1):
                cell = line.get(column)
                cells.append(self._cell(cell, id(cell) in seen))
                column += cell.colspan if cell else 1
            seen |= {id(cell) for cell in line.values()}
            rows.append(f"<w:tr>{''.join(cells)}</w:tr>" if cells else "")
        columns = '<w:gridCol w:w="900"/>' * width
        return f"<w:tbl><w:tblPr/><w:tblGrid>{columns}</w:tblGrid>{''.join(rows)}</w:tbl><w:p/>"

    def _cell(self, cell: PageCell | None, continued: bool) -> str:
        if cell is None:
            return "<w:tc><w:tcPr/><w:p/></w:tc>"
        span = f'<w:gridSpan w:val="{cell.colspan}"/>' if cell.colspan > 1 else ""
        merge = "" if cell.rowspan == 1 else "<w:vMerge/>" if continued else '<w:vMerge w:val="restart"/>'
        content = "<w:p/>" if continued else self._content(cell.blocks) or "<w:p/>"
        return f'<w:tc><w:tcPr><w:tcW w:w="0" w:type="auto"/>{span}{merge}</w:tcPr>{content}</w:tc>'

    def _content(self, blocks: Blocks) -> str:
        if any(isinstance(block, PageTable) for block in blocks):
            return self.blocks(blocks) + "<w:p/>"
        runs: list[list[str]] = []
        for block in blocks:
            assert isinstance(block, Paragraph)
            runs.append([])
            for run in block.runs:
                if run == "\n" and self.paragraphs:
                    runs.append([])
                else:
                    runs[-1].append(run)
        return "".join(self._paragraph(part, '<w:jc w:val="center"/>') for part in runs)


def _text_box(inner: str) -> str:
    """A text box as Word writes it: drawn, and once more for old programs."""
    return (
        '<mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wp:inline><a:graphic>'
        '<a:graphicData uri="http://schemas.microsoft.com/office/word/2010/wordprocessingShape">'
        f"<wps:wsp><wps:txbx><w:txbxContent>{inner}</w:txbxContent></wps:txbx></wps:wsp>"
        "</a:graphicData></a:graphic></wp:inline></w:drawing></mc:Choice>"
        f"<mc:Fallback><w:pict><v:rect><v:textbox><w:txbxContent>{inner}</w:txbxContent></v:textbox></v:rect></w:pict>"
        "</mc:Fallback></mc:AlternateContent>"
    )
