"""What kind of file these bytes are: by content, never by suffix."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable
from typing import Literal

from extractor.document.decode import looks_binary
from extractor.document.office import xml_is_office, zip_is_office

Kind = Literal[
    "text", "html", "pdf", "docx", "xlsx", "office", "ole", "rtf", "image", "media", "database", "program",
    "json", "archive", "eml", "mhtml", "msg", "empty", "binary",
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
# A page whose markup is itself escaped, or that is a string of a script or of JSON.
_ESCAPED_HTML = re.compile(rb"&lt;(?:!doctype\s+html|html|head|body|table|tr|td|div|p|span)\b", re.IGNORECASE)
_SCRIPT = re.compile(
    rb"(?:(?:var|let|const)\s+[\w$]+\s*=|"
    rb"[\w$]+(?:\.[\w$]+)*+\s*(?:=|\+=|\()\s*[\"'`{\[]|\"|[{\[]\s*[\"{\[])",
    re.IGNORECASE,
)
_TAG_IN_STRING = re.compile(rb"(?:<|\\u003c|\\x3c|&lt;|%3c)(?:t[dr]|p)\b", re.IGNORECASE)
_OUTLOOK = "__substg1.0_".encode("utf-16-le")  # what the streams of a saved Outlook mail are called
_HEADER = re.compile(rb"([A-Za-z][A-Za-z0-9-]*):")
# No mail and no saved page is without one of these; what a person writes over a text is not called so.
_MAIL_HEADERS = frozenset((b"mime-version", b"message-id", b"received", b"return-path"))
_LETTER = frozenset((b"from", b"to", b"subject"))
_SENT = frozenset((b"to", b"cc", b"bcc", b"message-id", b"received", b"return-path", b"delivered-to"))

# What to say of a kind that is not read.
HOW_TO_CONVERT: dict[Kind, str] = {
    "archive": "Unpack it and give the folder (ZIP, TAR, gzip, bzip2 and xz are read as they are).",
    "eml": "Give the mail as a file: what is attached to it is read then.",
    "msg": "Open it in Outlook and save it as .eml or its attachments as files (`msgconvert` does it too).",
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
    if head.startswith(b"\xd0\xcf\x11\xe0") and _OUTLOOK in data:
        return "msg"
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
    return _message_kind(data) or _text_kind(data, head)


def _message_kind(data: bytes) -> Kind | None:
    """Mail, or a page saved whole (MHTML: a mail's form, but sent to nobody); None where no such headers stand."""
    block = re.split(rb"\r?\n\r?\n", data[:65_536].lstrip(b"\xef\xbb\xbf \t\r\n"), maxsplit=1)[0]
    lines = block.splitlines()
    if lines and lines[0].startswith(b"From "):  # a mail taken from a mailbox file
        lines = lines[1:]
    names = set()
    for line in lines:
        match = _HEADER.match(line)
        if match:
            names.add(match.group(1).lower())
        elif not line.startswith((b" ", b"\t")) or not names:
            return None
    if not names & _MAIL_HEADERS and not names >= _LETTER:
        return None
    page = re.search(rb"^content-type:\s*(?:multipart/related|text/html)", block, re.IGNORECASE | re.MULTILINE)
    return "mhtml" if page and not names & _SENT else "eml"


def _text_kind(data: bytes, head: bytes) -> Kind:
    narrow = head.replace(b"\x00", b"").removeprefix(b"\xef\xbb\xbf").lstrip(b"\xff\xfe \t\r\n")
    if _SCRIPT.match(narrow) and _TAG_IN_STRING.search(data):
        return "html"
    if narrow[:1] in (b"{", b"[") and _is_json(data):
        return "json"
    if narrow[:1] == b"<" and xml_is_office(narrow):
        return "office"
    if narrow[:5].lower() == b"<?xml" or narrow[:1] == b"<":
        return "html" if _HTML.search(narrow) else "text"
    return "html" if _ESCAPED_HTML.match(narrow) else "text"


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
    from extractor.document.containers.archive import zip_names

    names = zip_names(io.BytesIO(data))
    if names:
        return zip_kind(names, data[:200])
    # A list that is broken: an office file that is cut off is called what it was.
    return "docx" if b"word/document.xml" in data else "xlsx" if b"xl/workbook.xml" in data else "archive"


def zip_kind(names: Iterable[str], head: bytes) -> Kind:
    """The office format that a zip with these members is, else `archive`; `head` are its first bytes."""
    office = zip_is_office(names)
    if office is not None:
        return office
    if b"mimetypeapplication/vnd.oasis.opendocument" in head:
        return "office"
    return "archive"
