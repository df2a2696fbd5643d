"""What an Excel cell shows: its stored value under its number format.

Figures stay exact (to the 15 digits that Excel keeps): a format that rounds or groups changes nothing. A format that
makes another figure of the value (percent, date, zeros left out, words beside it) is followed. One that shifts the
point or is not known gives a text that reads as no number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from openpyxl.styles.numbers import BUILTIN_FORMATS
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel
from openpyxl.utils.escape import unescape

from extractor.document.formats.package import whole

UNREAD = "?"  # before what is shown in a way that is not known: such a cell reads as no number
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_DATE = 'yyyy"年"m"月"d"日"'
_MOST = Decimal(10) ** 21

_TOKEN = re.compile(
    r"""(?P<literal>"[^"]*"|[\\!].)
    |(?P<space>_.|\*.)
    |\[(?P<bracket>[^\]]*)\]
    |(?P<figure>General|G/通用格式|通用格式|[0#?][0#?,.]*|\.[0#?]+|@)
    |(?P<percent>%)
    |(?P<scientific>[eE][+-][0#?]+)
    |(?P<clock>AM/PM|A/P|上午/下午)
    |(?P<date>[yY]+|[mM]+|[dD]+|[hH]+|[sS]+|[aA]{3,4}|[eE]+|[gG]+|[bB]+)
    |(?P<fraction>/)
    |(?P<other>.)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_SECTION = re.compile(r'((?:"[^"]*"|[\\!_*].|\[[^\]]*\]|[^;])*)(?:;|$)', re.DOTALL)
_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?\s*")
_CONDITION = frozenset("<>=")
_SCALED = re.compile(r",(?:\.|$)")
_SHOWS_ZERO = re.compile(r"0|[^0#?,.]")
_ELAPSED = re.compile(r"h+|m+|s+", re.IGNORECASE)
_SIGNS = str.maketrans("", "", "-−()（）+")
_PARTS = {"m": "month", "d": "day", "h": "hour", "s": "second"}


def formats_of(styles: Any) -> list[str]:
    """The number format of each cell style, from the styles part (None where the file has none)."""
    if styles is None:
        return []
    own = {e.get("numFmtId"): e.get("formatCode", "") for e in styles.iterfind(f"{_MAIN}numFmts/{_MAIN}numFmt")}
    ids = [e.get("numFmtId", "0") for e in styles.iterfind(f"{_MAIN}cellXfs/{_MAIN}xf")]
    return [own[number] if number in own else _builtin(number) for number in ids]


def struck_of(styles: Any) -> frozenset[int]:
    """The cell styles whose font is struck out."""
    if styles is None:
        return frozenset()
    fonts = [font.find(f"{_MAIN}strike") for font in styles.iterfind(f"{_MAIN}fonts/{_MAIN}font")]
    struck = {str(n) for n, mark in enumerate(fonts) if mark is not None and mark.get("val", "1") in ("1", "true")}
    cells = styles.iterfind(f"{_MAIN}cellXfs/{_MAIN}xf")
    return frozenset(n for n, cell in enumerate(cells) if cell.get("fontId") in struck)


def _builtin(number: str) -> str:
    known = whole(number) or 0
    if known == 14 or 27 <= known <= 36 or 50 <= known <= 58:  # dates, as Chinese editions write them
        return _DATE
    return BUILTIN_FORMATS.get(known, "General")


class Values:
    """Cell values to what is shown, in one workbook."""

    def __init__(self, strings: Sequence[str], styles: Any, *, from_1904: bool) -> None:
        """`strings`: the shared strings; `styles`: the styles part, None where the file has none."""
        self._strings, self._formats, self._struck = strings, formats_of(styles), struck_of(styles)
        self._epoch = MAC_EPOCH if from_1904 else WINDOWS_EPOCH

    def shown(self, kind: str, raw: str, style: str | None) -> str:
        """What a cell shows. `kind`: the cell's type as stored (`n`, `s`, `str`, `inlineStr`, `b`, `e`, `d`)."""
        place = whole(style) or 0
        text = self._text(kind, raw, self._formats[place] if place < len(self._formats) else "General")
        return f"~~{text}~~" if place in self._struck and text.strip() else text

    def _text(self, kind: str, raw: str, number_format: str) -> str:
        if kind == "n":
            return shown_number(raw, number_format, self._epoch)
        if kind == "b":
            return "TRUE" if raw.strip() in ("1", "true") else "FALSE"
        if kind in ("e", "d"):
            return raw.strip()
        if kind == "s":
            index = whole(raw.strip())
            raw = self._strings[index] if index is not None and index < len(self._strings) else UNREAD
        text = unescape(raw)
        sections = _sections(number_format)
        hides = len(sections) > 3 and not any(token["figure"] for token in _tokens(sections[3]))
        return "".join(map(_words, _tokens(sections[3]))).strip() if hides else text


@lru_cache(4096)
def _sections(number_format: str) -> tuple[str, ...]:
    found = [match[1] for match in _SECTION.finditer(number_format)]
    return tuple(found[:-1] if len(found) > 1 and not number_format.endswith(";") else found)


@lru_cache(4096)
def _tokens(section: str) -> list[re.Match[str]]:
    return list(_TOKEN.finditer(section))


def shown_number(raw: str, number_format: str, epoch: datetime = WINDOWS_EPOCH) -> str:
    """What a stored number shows under a format."""
    value = Decimal(format(float(raw), ".15g")) if _NUMBER.fullmatch(raw) else _MOST
    if not abs(value) < _MOST:
        return UNREAD + raw
    sections = _sections(number_format) if number_format.strip() else ("General",)
    if any((match["bracket"] or "").lstrip()[:1] in _CONDITION for part in sections for match in _tokens(part)):
        return UNREAD + _plain(value)
    if value < 0 and len(sections) > 1:
        return _section(value, sections[1], epoch)
    return _section(value, sections[2] if value == 0 and len(sections) > 2 else sections[0], epoch)


def _section(value: Decimal, section: str, epoch: datetime) -> str:
    tokens = _tokens(section)
    if any(token["date"] or token["clock"] or _ELAPSED.fullmatch(token["bracket"] or "") for token in tokens):
        return _date(value, tokens, epoch)
    numbers = [index for index, token in enumerate(tokens) if token["figure"]]
    if not numbers:
        return "".join(map(_words, tokens)).strip()
    figure = tokens[numbers[0]]["figure"]
    fraction = any(token["fraction"] for token in tokens)
    odd = any((token["other"] or "").isalpha() and token["other"].isascii() for token in tokens)
    if odd or _SCALED.search(figure) or (len(numbers) > 1 and not fraction):
        return UNREAD + _plain(value)
    if any(token["percent"] for token in tokens):
        value *= 100
    shown = _plain(abs(value)) if value or _SHOWS_ZERO.search(figure) else ""
    signs = _SIGNS if shown else {}  # a zero that is a dash: "-"??
    before = "".join(map(_words, tokens[: numbers[0]])).translate(signs).strip()
    after = "".join(map(_words, tokens[numbers[-1] + 1 :])).translate(signs).strip()
    return f"{'-' if value < 0 else ''}{before}{shown}{after}"


def _plain(value: Decimal) -> str:
    """Without an exponent and without zeros at the end of a fraction."""
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) if value else "0"


def _words(token: re.Match[str]) -> str:
    """What a token of a format adds beside the figures."""
    if token["literal"]:
        return token["literal"][1:-1] if token["literal"][0] == '"' else token["literal"][1:]
    if token["bracket"]:
        return token["bracket"][1:].partition("-")[0] if token["bracket"][0] == "$" else ""
    return token["percent"] or token["other"] or (" " if token["space"] else "")


def _date(value: Decimal, tokens: list[re.Match[str]], epoch: datetime) -> str:
    """A date or time as its format writes it. One that would look like a number, or is not known, reads as none."""
    if value < 0:
        return "####"  # as Excel shows it
    try:
        found = from_excel(float(value), epoch)
    except (ValueError, OverflowError):
        return "####"
    if not isinstance(found, datetime) or any(_ELAPSED.fullmatch(token["bracket"] or "") for token in tokens):
        return f"{UNREAD}{found}"
    out: list[str] = []
    hours = False
    for index, token in enumerate(tokens):
        letters = (token["date"] or "").lower()
        following = next((later["date"].lower() for later in tokens[index + 1 :] if later["date"]), "")
        minutes = letters[:1] == "m" and len(letters) < 3 and (hours or following[:1] == "s")
        if letters[:1] in ("y", "e"):
            out.append(f"{found.year}" if len(letters) != 2 else f"{found.year % 100:02}")
        elif letters[:1] in _PARTS and len(letters) < 3:
            out.append(f"{found.minute if minutes else getattr(found, _PARTS[letters[:1]]):0{len(letters)}}")
        elif letters or token["clock"]:
            out.append(UNREAD)  # a weekday, a month's name, the half of the day
        else:
            out.append(token["fraction"] or _words(token))
        hours = letters[:1] == "h" or (hours and not letters)
    text = "".join(out).strip()
    return UNREAD + text if text.isdigit() else text
