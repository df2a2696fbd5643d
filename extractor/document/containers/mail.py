"""Mail (RFC 5322, `.eml`): the body where it is the report, and what is attached."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import (
    CloseBoundaryNotFoundDefect,
    HeaderParseError,
    InvalidBase64CharactersDefect,
    InvalidBase64LengthDefect,
    InvalidBase64PaddingDefect,
)
from email.generator import BytesGenerator
from email.header import decode_header, make_header
from email.message import Message
from email.policy import compat32
from functools import partial
from typing import Any

from extractor.document.containers.archive import Member, Opened, cut_off, damaged
from extractor.document.containers.bounds import Bounds
from extractor.document.decode import decode
from extractor.document.formats.html import read_html
from extractor.document.kinds import kind_of
from extractor.document.names import decoded_name, left_out_by_name
from extractor.errors import InputError
from extractor.form import FORM, fold

MAX_PARTS = 1000
# The parser looks at every open boundary for every line.
MAX_WORK = 50_000_000
_MULTIPART = re.compile(rb"multipart/|message/", re.IGNORECASE)
_SEALED = frozenset(("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"))
# What a form's table says and a letter about one does not.
_ROWS = frozenset(fold(wording) for row in FORM.rows for wording in row.wordings if len(fold(wording)) > 4)
_BODY_ROWS = 3
_BASE64 = (InvalidBase64CharactersDefect, InvalidBase64LengthDefect, InvalidBase64PaddingDefect)

_Part = Message  # of compat32: the newer policies' header parsers are slow on what is no mail


def open_mail(data: bytes, bounds: Bounds) -> Opened:
    """The members of a mail: attachments by their names, other mails as `.eml`, the body as `body`.

    The body is a member where it holds a report's table, or where nothing is attached that could.
    Errors: InputError `archive_bomb` for a mail made to keep a parser busy, `encrypted`.
    """
    if data.count(b"\n") * (1 + len(_MULTIPART.findall(data))) > MAX_WORK:
        raise InputError("archive_bomb", "The mail is built as no mail program builds one.", "Save its attachments.")
    mail = message_from_bytes(data, policy=compat32)
    parts = _leaves(mail)
    bounds.list(len(parts))
    if len(parts) > MAX_PARTS:
        raise InputError("archive_bomb", f"The mail has more than {MAX_PARTS:,} parts.", "Save its attachments.")
    cut = any(isinstance(defect, CloseBoundaryNotFoundDefect) for part in mail.walk() for defect in part.defects)
    bodies: list[Member] = []
    files: list[Member] = []
    for number, part in enumerate(parts, 1):
        name, kind = _file_name(part), part.get_content_type()
        content = partial(_content, part, cut and number == len(parts))
        if kind in _SEALED:
            files.append(Member(name or "body", 0, _sealed))
        elif kind == "message/rfc822":
            files.append(Member(name or "message.eml", 0, partial(_mail_inside, part)))
        elif name or part.get_content_disposition() == "attachment":
            files.append(Member(name or "attachment", 0, content))
        elif kind in ("text/html", "text/plain"):
            bodies.append(Member("body", 0, content))
    attached = any(left_out_by_name(file.name) is None for file in files)
    return Opened([body for body in bodies if _is_wanted(body, attached)] + files)


def _leaves(mail: _Part) -> list[_Part]:
    """The parts that are not made of parts, in order; of alternatives the one that keeps tables."""
    leaves: list[_Part] = []
    stack: list[_Part] = [mail]
    while stack:
        part = stack.pop()
        inner: Any = part.get_payload()
        kind = part.get_content_type()
        if not isinstance(inner, list) or not inner or kind in _SEALED or kind == "message/rfc822":
            leaves.append(part)
        elif kind == "multipart/alternative":
            stack.append(next((p for p in inner if _has_html(p)), inner[0]))
        else:
            stack.extend(reversed(inner))
    return leaves


def _has_html(part: _Part) -> bool:
    return any(inner.get_content_type() == "text/html" for inner in part.walk())


def _file_name(part: _Part) -> str:
    """The name of an attachment, decoded (RFC 2231, RFC 2047, bare GBK or UTF-8); empty where it has none."""
    for header, value in list(part.raw_items()):
        # Bytes beyond ASCII come as lone surrogates.
        if header.lower() in ("content-disposition", "content-type") and any(c > "\ud7ff" for c in str(value)):
            part.replace_header(header, decoded_name(str(value).encode("utf-8", "surrogateescape")))
    try:
        name = part.get_filename("")
        return str(make_header(decode_header(name))) if "=?" in name else name
    except (HeaderParseError, LookupError, ValueError, TypeError):
        return "attachment"


def _content(part: _Part, cut: bool) -> Iterator[bytes]:
    if cut:
        raise cut_off()
    data = part.get_payload(decode=True)
    broken = [defect for defect in part.defects if isinstance(defect, _BASE64)]
    if broken or not isinstance(data, bytes):
        raise damaged("its base64 is broken")
    yield data


def _mail_inside(part: _Part) -> Iterator[bytes]:
    inner = part.get_payload()
    if not isinstance(inner, list) or not inner:
        raise damaged("a mail inside it is empty")
    out = io.BytesIO()
    BytesGenerator(out, mangle_from_=False, maxheaderlen=0).flatten(inner[0])
    yield out.getvalue()


def _sealed() -> Iterator[bytes]:
    raise InputError(
        "encrypted", "The mail is encrypted or sealed (S/MIME, PGP).", "Open it in the mail program and save its files."
    )
    yield b""


def _is_wanted(body: Member, attached: bool) -> bool:
    """Whether the body is a document of its own: a letter that goes with an attachment is not."""
    try:
        data = b"".join(body.chunks())
        text = fold(read_html(data).text if kind_of(data) == "html" else decode(data).text)
    except InputError:
        return True  # said when it is read
    if not attached:
        return bool(text)
    return sum(row in text for row in _ROWS) >= _BODY_ROWS
