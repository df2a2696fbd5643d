"""Office files that are not read: which one it is, and how to make it one that is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from extractor.errors import InputError

_WORD = "`soffice --headless --convert-to docx FILE` (LibreOffice) does it, or save it as .docx in Word or WPS."
_EXCEL = "`soffice --headless --convert-to xlsx FILE` (LibreOffice) does it, or save it as .xlsx in Excel or WPS."
_SLIDES = "`soffice --headless --convert-to pdf FILE` (LibreOffice) does it, or save it as PDF in PowerPoint or WPS."

# A mark in the file → what to call it, how to convert it. The first that occurs counts.
_STREAMS = tuple(
    (name.encode("utf-16-le"), called, hint)
    for name, called, hint in (
        ("WordDocument", "The old Word format (.doc, .wps)", _WORD),
        ("Workbook", "The old Excel format (.xls, .et)", _EXCEL),
        ("Book", "The old Excel format (.xls)", _EXCEL),
        ("PowerPoint Document", "The old PowerPoint format (.ppt, .dps)", _SLIDES),
    )
)
_MEMBERS = (
    (b"application/vnd.oasis.opendocument.text", "OpenDocument text (.odt)", _WORD),
    (b"application/vnd.oasis.opendocument.spreadsheet", "An OpenDocument sheet (.ods)", _EXCEL),
    (b"application/vnd.oasis.opendocument", "This OpenDocument format", _SLIDES),
    (b"ppt/presentation.xml", "PowerPoint (.pptx)", _SLIDES),
    (b"xl/workbook.bin", "The binary Excel format (.xlsb)", _EXCEL),
    (b"OFD.xml", "OFD", "Open it in WPS or an OFD reader and print it to PDF."),
    (b"schemas.microsoft.com/office/word/2003/wordml", "Word 2003 XML", _WORD),
    (b"schemas.microsoft.com/office/2006/xmlPackage", "Word XML (flat OPC)", _WORD),
    (b"urn:schemas-microsoft-com:office:spreadsheet", "Excel 2003 XML", _EXCEL),
    (b"urn:oasis:names:tc:opendocument", "Flat OpenDocument XML", _WORD),
)
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_FLAT = re.compile(
    rb"<\?mso-application|<[\w:]*\b(?:wordDocument|Workbook|package|document)\b[^>]*\bxmlns[^>]*"
    rb"(?:office/word/2003/wordml|office:spreadsheet\"|2006/xmlPackage|tc:opendocument)"
)


def zip_is_office(names: Iterable[str]) -> Literal["docx", "xlsx", "office"] | None:
    """`docx`, `xlsx`, or `office` for one that is not read, by the members of a zip; None for no office file."""
    folded = {name.replace("\\", "/").lstrip("/").lower() for name in names}
    if "ofd.xml" in folded:
        return "office"
    if "[content_types].xml" not in folded and not folded & {"word/document.xml", "xl/workbook.xml"}:
        return None
    if "xl/workbook.bin" in folded:
        return "office"
    folders = {name.partition("/")[0] for name in folded if "/" in name}
    return "docx" if "word" in folders else "xlsx" if "xl" in folders else "office" if "ppt" in folders else None


def xml_is_office(head: bytes) -> bool:
    """Whether a file's first bytes are those of an office document written as one XML file."""
    return bool(_FLAT.search(head.replace(b"\x00", b"")))


def refusal(kind: str, data: bytes) -> InputError:
    """The error of an office file that is not read. `kind`: `ole`, `rtf` or `office`."""
    if kind == "ole":
        if _ENCRYPTED in data:
            return InputError("encrypted", "The file is locked by a password.", "Open it, save it without, try again.")
        known = [(called, hint) for mark, called, hint in _STREAMS if mark in data]
        called, hint = known[0] if known else ("The old Word/Excel/WPS format (.doc, .xls, .wps)", _WORD)
    elif kind == "rtf":
        called, hint = "RTF", _WORD
    else:
        known = [(called, hint) for mark, called, hint in _MEMBERS if mark in data]
        called, hint = known[0] if known else ("This office format", _WORD)
    return InputError("unsupported_format", f"{called} is not read.", f"Convert it: {hint}")
