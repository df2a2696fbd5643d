"""What reads as a number (FORM, "What reads as a number"): one printed cell or token → what it says.

Works on normalised text (document/normalize.py), so full-width digits and dashes are already folded.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

from extractor.results import MAX_DIGITS, Value

UNITS = "件条项起份宗次个份篇部"
_MONEY = "万元|亿元|元"

_PLAIN = re.compile(r"0|[1-9]\d*")
_COUNT = re.compile(rf"(?P<number>\d+|\d{{1,3}}(?:,\d{{3}})+)\s*(?:[{UNITS}])?\s*(?P<note>[(][^()]*[)])?[。.;,]?")
_SIGNED = re.compile(r"(?P<sign>[+-]|增加?|减少?)?\s*(?P<number>\d+|\d{1,3}(?:,\d{3})+)\s*(?:[" + UNITS + r"])?")
_AMOUNT = re.compile(
    rf"(?:[¥￥]\s*)?(?P<number>(?:\d+|\d{{1,3}}(?:,\d{{3}})+)(?:\.\d+)?)\s*(?P<unit>{_MONEY})?\s*(?P<note>[(][^()]*[)])?[。;]?"
)
_NOT_APPLICABLE = re.compile(r"[-/\\_]+|无|不涉及|不适用|没有|暂无|空")
_SLOPPY = re.compile(r"[\dOoQIl|!\s]*[\dOoIl][\dOoQIl|!\s]*")
_LOOKS_LIKE = str.maketrans({"O": "0", "o": "0", "Q": "0", "I": "1", "l": "1", "|": "1", "!": "1"})
_CHINESE = re.compile(r"[零〇一二两三四五六七八九十百千万]+")
_DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_PLACES = {"十": 10, "百": 100, "千": 1000}


class Reading(NamedTuple):
    """What a printed piece says: `kind` number, not_applicable, tentative (a candidate reading) or illegible."""

    kind: str
    value: Value | None = None
    unit: str | None = None


def read_chinese(text: str) -> int | None:
    """A Chinese numeral (`十二`, `一百零三`, `三万二千`), or None where it is none."""
    if not _CHINESE.fullmatch(text):
        return None
    if not any(place in text for place in "十百千万"):
        digits = [str(_DIGITS[char]) for char in text]
        return int("".join(digits)) if len(digits) == 1 or digits[0] != "0" else None
    total, section, digit = 0, 0, 0
    for char in text:
        if char in _DIGITS:
            digit = _DIGITS[char]
        elif char == "万":
            total, section, digit = total + (section + digit) * 10000, 0, 0
        else:
            section += (digit or 1) * _PLACES[char]
            digit = 0
    return total + section + digit


def read_cell(text: str, kind: str = "count") -> Reading | None:
    """Reads one printed cell of the given field kind (`count`, `signed`, `amount`); None for text that is no data.

    A number broken by spaces and look-alike letters (`2 0`, `1O`, `l2`) are `tentative`: candidate readings that
    only the equations can confirm. A number with a leading zero is no number of one cell.
    """
    if _PLAIN.fullmatch(text):
        if len(text) > MAX_DIGITS:
            return Reading("illegible")
        return Reading("number", Decimal(text) if kind == "amount" else int(text))
    if _NOT_APPLICABLE.fullmatch(text):
        return Reading("not_applicable")
    if kind == "amount":
        match = _AMOUNT.fullmatch(text)
        if match:
            number = match["number"].replace(",", "")
            if len(number) > 24 or (len(number) > 1 and number[0] == "0" and number[1] != "."):
                return Reading("illegible")
            return Reading("number", Decimal(number), match["unit"])
    else:
        match = _SIGNED.fullmatch(text) if kind == "signed" else _COUNT.fullmatch(text)
        if match:
            number = match["number"].replace(",", "")
            if len(number) > MAX_DIGITS or (len(number) > 1 and number[0] == "0"):
                return Reading("illegible")
            value = int(number)
            if kind == "signed" and (match["sign"] or "")[:1] in ("-", "减"):
                value = -value
            return Reading("number", value)
    chinese = read_chinese(text) if kind == "count" else None
    if chinese is not None:
        return Reading("number", chinese)
    if kind != "amount" and len(text) <= 24 and _SLOPPY.fullmatch(text):
        digits = re.sub(r"\s", "", text.translate(_LOOKS_LIKE))
        if len(digits) <= MAX_DIGITS and (digits == "0" or not digits.startswith("0")):
            return Reading("tentative", int(digits))
        return Reading("illegible")
    if any(char.isdigit() for char in text) and len(text) <= 24 and not re.search(r"[一-鿿]{3}", text):
        return Reading("illegible")
    return None
