"""Office files written by hand, part by part, so that they can be what no office program writes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from extractor.results import Result

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPES = f'<Types xmlns="{_PACKAGE}/content-types"/>'
Parts = Mapping[str, "str | bytes"]

WORD_SPACES = (
    f'xmlns:w="{W}" xmlns:r="{R}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
)


def pack(parts: Parts, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def relationships(**targets: str) -> str:
    """A part of relationships: kind → target."""
    inner = "".join(
        f'<Relationship Id="{kind}{number}" Type="{R}/{kind.rstrip("0123456789")}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets.items())
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{inner}</Relationships>'


def word(body: str, *, before: str = "", parts: Parts | None = None, **related: str) -> bytes:
    """A .docx with this body; `before` stands before the root, `related` are parts by kind (styles, numbering)."""
    return pack(
        {
            "[Content_Types].xml": TYPES,
            "_rels/.rels": relationships(officeDocument="word/document.xml"),
            "word/_rels/document.xml.rels": relationships(**{kind: f"{kind}.xml" for kind in related}),
            "word/document.xml": f"{before}<w:document {WORD_SPACES}><w:body>{body}</w:body></w:document>",
            **{f"word/{kind}.xml": content for kind, content in related.items()},
            **(parts or {}),
        }
    )


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(*runs: str) -> str:
    return f"<w:p>{''.join(item if item.startswith('<') else run(item) for item in runs)}</w:p>"


def cell(content: str, properties: str = "") -> str:
    inner = content if content.startswith("<") else paragraph(content)
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{inner}</w:tc>"


def row(*cells: str, properties: str = "") -> str:
    return f"<w:tr><w:trPr>{properties}</w:trPr>{''.join(cells)}</w:tr>"


def table(*rows: str) -> str:
    return f"<w:tbl><w:tblPr/>{''.join(rows)}</w:tbl>"


def excel(
    *sheets: str,
    names: tuple[str, ...] = (),
    states: tuple[str, ...] = (),
    before: str = "",
    strings: str | None = None,
    styles: str | None = None,
    properties: str = "",
    parts: Parts | None = None,
) -> bytes:
    """A .xlsx with these worksheets (what stands inside `<worksheet>`)."""
    numbers = range(1, len(sheets) + 1)
    names = names or tuple(f"Sheet{n}" for n in numbers)
    states = states or ("visible",) * len(sheets)
    listed = "".join(
        f'<sheet name="{name}" sheetId="{n}" r:id="worksheet{n}{n - 1}" state="{state}"/>'
        for n, name, state in zip(numbers, names, states, strict=True)
    )
    related = {f"worksheet{n}": f"worksheets/sheet{n}.xml" for n in numbers}
    extra: dict[str, str] = {}
    for kind, content in (("sharedStrings", strings), ("styles", styles)):
        if content is not None:
            related[kind] = f"{kind}.xml"
            extra[f"xl/{kind}.xml"] = content
    return pack(
        {
            "[Content_Types].xml": TYPES,
            "_rels/.rels": relationships(officeDocument="xl/workbook.xml"),
            "xl/_rels/workbook.xml.rels": relationships(**related),
            "xl/workbook.xml": f'<workbook xmlns="{S}" xmlns:r="{R}">{properties}<sheets>{listed}</sheets></workbook>',
            **{
                f"xl/worksheets/sheet{n}.xml": f'{before}<worksheet xmlns="{S}">{sheet}</worksheet>'
                for n, sheet in zip(numbers, sheets, strict=True)
            },
            **extra,
            **(parts or {}),
        }
    )


def sheet_rows(*rows: str) -> str:
    """`<sheetData>` of rows that are numbered from 1."""
    numbered = (f'<row r="{number}">{content}</row>' for number, content in enumerate(rows, 1))
    return f"<sheetData>{''.join(numbered)}</sheetData>"


def alike(results: Sequence[Result]) -> list[tuple[Any, Any]]:
    """What two readings of the same report have in common: all but where it stands in the text."""
    return [
        ({key: value for key, value in (one.record or {}).items() if key != "sections"}, one.verdicts)
        for one in results
    ]
