"""MHTML (a page saved whole, RFC 2557) → stored text: the root part is the page, its frames are among the parts.

The standard library's `email` takes the parts apart. Nothing is fetched; pictures and styles in other parts are not
looked at.
"""

from __future__ import annotations

import email
import re
from email.message import Message
from email.policy import compat32

from extractor.document.content import Stored
from extractor.document.formats.html import decode_page, read_markup
from extractor.document.formats.html_copies import Saved
from extractor.errors import InputError

_MAX_PARTS, _MAX_BOUNDARIES = 2_000, 20_000
_MAX_MARKUP = 20_000_000  # bytes of all frames
_MULTIPART = re.compile(rb"^content-type:\s*multipart/", re.IGNORECASE | re.MULTILINE)
_MAX_NESTED = 50  # multiparts: a page saved whole has one, or two where it has plain text beside it
_PAGES = frozenset(("text/html", "application/xhtml+xml"))


def read_mhtml(data: bytes) -> Stored:
    """The stored text of the page, with the places of its tables' cells.

    Errors: InputError `malformed` (no page among the parts, parts within parts), and those of `read_html`.
    """
    if len(_MULTIPART.findall(data)) > _MAX_NESTED or data.count(b"\n--") > _MAX_BOUNDARIES:
        raise InputError("malformed", "The file has parts within parts within parts.", "Save the page again.")
    message = email.message_from_bytes(data, policy=compat32)
    pages = []
    for number, part in enumerate(message.walk()):
        if number > _MAX_PARTS:
            break
        if part.get_content_type() in _PAGES and not part.is_multipart():
            pages.append(part)
    root = _root(message, pages)
    if root is None:
        raise InputError("malformed", "The saved page holds no HTML part.", "Open it in a browser and save it again.")
    return read_markup(_markup(root), Saved(root.get("Content-Location", "").strip(), _frames(pages, root)))


def _root(message: Message, pages: list[Message]) -> Message | None:
    """The part that `start` names, else the first page (RFC 2387)."""
    start = message.get_param("start")
    if isinstance(start, str):
        for part in pages:
            if _identity(part) == start.strip().strip("<>"):
                return part
    return pages[0] if pages else None


def _frames(pages: list[Message], root: Message) -> dict[str, str]:
    """The other pages by their addresses: `cid:…` and Content-Location."""
    found: dict[str, str] = {}
    size = 0
    for part in pages:
        if part is root:
            continue
        markup = _markup(part)
        size += len(markup)
        if size > _MAX_MARKUP:
            break
        if identity := _identity(part):
            found[f"cid:{identity}"] = markup
        if location := part.get("Content-Location", "").strip():
            found.setdefault(location, markup)
    return found


def _identity(part: Message) -> str:
    return str(part.get("Content-ID", "")).strip().strip("<>")


def _markup(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return decode_page(payload if isinstance(payload, bytes) else b"", part.get_content_charset() or "")
