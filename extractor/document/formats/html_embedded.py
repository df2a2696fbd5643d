"""Markup inside strings: a page's content in a script, in JSON, in a form field, or escaped as text.

Strings are taken apart as JavaScript and JSON write them; nothing is executed. Where a script joins a string with
something that is no string, `\\ufffd` stands in its place: what a script would compute is not guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from itertools import islice
from urllib.parse import unquote

UNKNOWN = "\ufffd"
_DEPTH = 4  # escapes inside escapes
_MAX_STRINGS = 20_000

# Tags of tables and paragraphs, plain or in one of the ways to escape them.
_TAG = re.compile(r"<\s*/?\s*(?:t[dr]|p|br|div|pre)\b", re.IGNORECASE)
_ANY_TAG = re.compile(
    r"(?:<|\\u003c|\\x3c|&(?:amp;)*(?:lt|#0*60|#x0*3c);|%3c)(?:\\*/|%2f)?(?:t[dr]|p|br|div|pre)\b", re.IGNORECASE
)
_LITERAL = re.compile(
    r'"((?:[^"\\\n]|\\.)*+)(?:"|\n|\Z)'
    r"|'((?:[^'\\\n]|\\.)*+)(?:'|\n|\Z)"
    r"|`((?:[^`\\]|\\.)*+)(?:`|\Z)"
    r"|(?<![:\w])//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)",
    re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?:u\{([0-9a-f]{1,6})\}|u([0-9a-f]{4})|x([0-9a-f]{2})|([0-3]?[0-7]{1,2})|(\r\n|.))", re.IGNORECASE | re.DOTALL
)
_NAMED = {"n": "\n", "t": "\t", "r": "\n", "b": "", "f": "\f", "v": "\v", "\n": "", "\r\n": "", "\r": ""}
_HOLE = re.compile(r"\$\{[^{}]*\}")
_WRITTEN = re.compile(r"\s*\)\s*;?\s*document\s*\.\s*write(?:ln)?\s*\(\s*")
_ADDED = re.compile(r"\s*;?\s*[\w$.\[\]]{1,100}\s*\+=\s*")
_GAP = 300  # characters between two strings that are still looked at


def may_be_markup(text: str) -> bool:
    """Whether tags of tables or paragraphs stand in the text, escaped or not."""
    return _ANY_TAG.search(text) is not None


def count_tags(text: str, most: int) -> int:
    """How many tags stand in the text, escaped or not, counted up to `most`."""
    return sum(1 for _ in islice(_ANY_TAG.finditer(text), most))


def strings(script: str, depth: int = 0) -> Iterator[str]:
    """The strings of a script or of JSON in order, joined where it joins them; JSON inside a string is gone into."""
    for count, value in enumerate(_joined(script)):
        if count > _MAX_STRINGS:
            return
        if depth < _DEPTH and value.lstrip()[:1] in ("{", "[") and _ANY_TAG.search(value):
            yield from strings(value, depth + 1)
        else:
            yield value


def as_markup(text: str) -> str | None:
    """The text as markup, unescaped as often as needed; None where it is none."""
    for _ in range(_DEPTH):
        if _TAG.search(text):
            return text
        if _ANY_TAG.search(text) is None:
            return None
        if re.search(r"\\(?:u00|x)3c", text, re.IGNORECASE):
            text = _unescape(text)
        elif "&" in text:
            text = unescape(text)
        else:
            text = unquote(re.sub(r"%u([0-9a-fA-F]{4})", lambda match: _character(int(match.group(1), 16)), text))
    return text if _TAG.search(text) else None


def _joined(script: str) -> Iterator[str]:
    parts: list[str] = []
    end = 0
    for match in _LITERAL.finditer(script):
        kind = next((group for group in (1, 2, 3) if match.group(group) is not None), 0)
        if not kind:
            continue  # a comment
        join = _between(script[end : match.start()]) if parts and match.start() - end <= _GAP else None
        if join is None and parts:
            yield "".join(parts)
            parts = []
        elif join:
            parts.append(join)
        raw = match.group(kind)
        parts.append(_unescape(_HOLE.sub(UNKNOWN, raw) if kind == 3 else raw))
        end = match.end()
    if parts:
        yield "".join(parts)


def _between(gap: str) -> str | None:
    """What stands between two strings that a script joins; None where they are apart."""
    bare = gap.strip()
    if bare == "+":
        return ""
    if _WRITTEN.fullmatch(gap):
        return "\n"
    if _ADDED.fullmatch(gap):
        return ""
    if bare.startswith("+") and (bare.endswith("+") or re.search(r"\+=\s*$", bare)):
        return UNKNOWN
    return None


def _unescape(raw: str) -> str:
    if "\\" not in raw:
        return raw
    text = _ESCAPE.sub(_escape, raw)
    # Characters beyond U+FFFF come as two escapes.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _escape(match: re.Match[str]) -> str:
    wide, four, two, octal, other = match.groups()
    if other is not None:
        return _NAMED.get(other, str(other))
    return _character(int(octal, 8) if octal else int(wide or four or two, 16))


def _character(code: int) -> str:
    return chr(code) if 0 < code <= 0x10FFFF else UNKNOWN
