"""What kind of file these bytes are: by content, never by suffix."""

from __future__ import annotations

import json
import re
from typing import Literal

from extractor.document.decode import looks_binary

Kind = Literal[
    "text", "html", "pdf", "docx", "xlsx", "office", "ole", "rtf", "image", "media", "database", "program",
    "json", "archive", "empty", "binary",
]  # fmt: skip

# Kinds that hold no report: a walk over a folder leaves them out and counts them.
NO_DOCUMENT: frozenset[Kind] = frozenset({"image", "media", "database", "program", "json"})

_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"%PDF-", "pdf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"{\\rtf", "rtf"),
    (b"\x89PNG\r\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF87a", "image"),
    (b"GIF89a", "image"),
    (b"II*\x00", "image"),
    (b"MM\x00*", "image"),
    (b"BM", "image"),
    (b"SQLite format 3\x00", "database"),
    (b"PAR1", "database"),
    (b"\x7fELF", "program"),
    (b"MZ", "program"),
    (b"OggS", "media"),
    (b"ID3", "media"),
    (b"\x1f\x8b", "archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"Rar!\x1a\x07", "archive"),
    (b"BZh", "archive"),
    (b"\xfd7zXZ\x00", "archive"),
)
_TEXT_LIKE = {b"BM", b"MZ", b"ID3", b"BZh"}  # marks short enough to begin a text by chance
_HTML = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|meta|table|tr|td|div|p|span|title|script|style|center|font|form)\b",
    re.IGNORECASE,
)
_HEAD = 4096

# What to say of a kind that is a document but is not read yet.
HOW_TO_CONVERT: dict[Kind, str] = {
    "pdf": "Convert it first: `pdftotext -layout report.pdf report.txt` keeps the columns of the tables.",
    "docx": "Open it in Word, WPS or LibreOffice and save it as plain text or HTML.",
    "xlsx": "Open it in Excel, WPS or LibreOffice and save it as CSV or tab-separated text.",
    "office": "Open it in Word, WPS or LibreOffice and save it as plain text or HTML.",
    "ole": "It is an old Word, Excel or WPS file: open it there and save it as plain text or HTML.",
    "rtf": "Open it in Word, WPS or LibreOffice and save it as plain text or HTML.",
    "archive": "Unpack it and give the folder.",
    "image": "Recognise the text (OCR) first; a picture is never read by guess.",
    "json": "JSON holds no report. Give the report's own text.",
    "media": "Give the report's own text.",
    "database": "Give the report's own text.",
    "program": "Give the report's own text.",
}


def kind_of(data: bytes) -> Kind:
    """The kind of a file by its first bytes (JSON and zip: by its structure)."""
    head = data[:_HEAD]
    if not head.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x0b\x0c"):
        return "empty" if not data.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x0b\x0c\x00") else "text"
    for mark, kind in _MAGIC:
        if head.startswith(mark) and (mark not in _TEXT_LIKE or looks_binary(data)):
            return kind
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(data)
    if head[:4] == b"RIFF":
        return "image" if head[8:12] == b"WEBP" else "media"
    if head[4:8] == b"ftyp":
        return "media"
    if head[257:262] == b"ustar":
        return "archive"
    return _text_kind(data, head)


def _text_kind(data: bytes, head: bytes) -> Kind:
    narrow = head.replace(b"\x00", b"").removeprefix(b"\xef\xbb\xbf").lstrip(b"\xff\xfe \t\r\n")
    if narrow[:1] in (b"{", b"[") and _is_json(data):
        return "json"
    if narrow[:5].lower() == b"<?xml" or narrow[:1] == b"<":
        return "html" if _HTML.search(narrow) else "text"
    return "text"


def _is_json(data: bytes) -> bool:
    """A whole JSON document, or JSON Lines whose first line is one."""
    text = data.decode("utf-8", "replace").removeprefix("\ufeff").strip()
    for candidate in (text, text.partition("\n")[0]):
        try:
            return isinstance(json.loads(candidate), dict | list)
        except (ValueError, RecursionError):
            continue
    return False


def _zip_kind(data: bytes) -> Kind:
    """Which office format a zip holds, from its names alone; nothing is unpacked."""
    if b"word/document.xml" in data:
        return "docx"
    if b"xl/workbook.xml" in data:
        return "xlsx"
    if b"mimetypeapplication/vnd.oasis.opendocument" in data[:200] or b"ppt/presentation.xml" in data:
        return "office"
    return "archive"
