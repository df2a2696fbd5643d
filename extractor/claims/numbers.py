"""Numbers of running text: digits, thousands commas, Chinese numerals, 万; the unit and the about-words around them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from extractor.claims.claim import About
from extractor.reader.numbers import read_chinese
from extractor.results import MAX_DIGITS, Value

_COUNTED = "件条项起份宗次个例笔部"
_CHINESE = "零〇一二两三四五六七八九十百千万"
# Measure words that the form counts in, money, and what else a number may count (then it is no claim).
_UNIT = (
    r"(?:万元|亿元|千元|元|个(?:工作日|百分点|月|小时|自然)|件次|人次|批次|场次|次性"
    rf"|部(?![门分署委级])|[{_COUNTED[:-1]}]|[%‰]|工作日|小时|分钟|平方|公里"
    r"|[年月日天时分秒人名户家场期篇幅套册张号页岁亩米度届级类种批票位只台辆所处栏岗层块字])"
)
# One number with its scale, an "and more" word, its unit and an about-word behind it.
NUMBER = (
    r"(?:(?<![\d.A-Za-z])(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[万亿千百](?![元]))?"
    rf"|[{_CHINESE}]{{1,12}}(?=(?:多|余|来|几)?(?:万元|亿元|元|[{_COUNTED}])(?!性|体|手|分|门|署|委))"
    r"|零(?=[,。;、:)!]|$))"
    rf"(?:多|余|来)?(?:万(?!元))?(?:{_UNIT})?(?:左右|上下|以上|以内|以下|之多)?"
)
_PARTS = re.compile(
    rf"(?P<digits>(?:\d[\d,]*)(?:\.\d+)?|[{_CHINESE}]+?(?=(?:多|余|来|几)?(?:{_UNIT}|$|左右|上下|以))|零)"
    rf"(?P<scale>[万亿千百](?!元))?(?P<more>多|余|来)?(?P<late>万(?!元))?(?P<unit>{_UNIT})?"
    r"(?P<after>左右|上下|以上|以内|以下|之多)?"
)
_SCALES = {"百": 100, "千": 1_000, "万": 10_000, "亿": 100_000_000}
_AFTER: dict[str, About] = {
    "左右": "about", "上下": "about", "以上": "at_least", "之多": "at_least", "以内": "at_most", "以下": "at_most",
}  # fmt: skip
_AT_LEAST = r"不少于|不低于|超过|逾|超(?=\d)|至少|突破|多达|高达"
_AT_MOST = r"不足|不到|未超过|不超过|少于|低于|至多|不多于"
_ROUGHLY = r"大约|约|将近|接近|近(?=[\d一二两三四五六七八九十百千])|大概"
# An about-word before a number.
ABOUT = rf"(?:{_AT_LEAST})了?|{_AT_MOST}|(?:{_ROUGHLY})为?"
_BEFORE: tuple[tuple[re.Pattern[str], About], ...] = (
    (re.compile(r"(?:不少于|不低于|超过|逾|超|至少|突破|多达|高达)了?$"), "at_least"),
    (re.compile(rf"(?:{_AT_MOST})$"), "at_most"),
    (re.compile(r"(?:约|近|接近|大概)(?:为|有)?$"), "about"),
)
# The letters that the words of _BEFORE end with.
_LAST = frozenset("于过逾超少破达了足到多约近概为有")


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a sentence: `start` and `end` are of the number alone, without its unit and about-words."""

    start: int
    end: int
    value: Value
    unit: str | None
    about: About | None
    money: bool
    zero: bool


def read_number(text: str, start: int, end: int) -> Number | None:
    """The number that NUMBER matched at [start, end); None for what no claim gives (percent, days, people)."""
    if end - start > 40:
        return None
    match = _PARTS.fullmatch(text, start, end)
    if match is None:
        return None
    digits, unit = match["digits"], match["unit"]
    scale = match["scale"] or match["late"]
    if unit is not None and unit not in _COUNTED and unit not in ("元", "万元", "亿元", "千元"):
        return None
    money = unit is not None and unit.endswith("元")
    value: Value
    if digits[0] in _CHINESE:
        read = read_chinese(digits)
        if read is None or (scale and digits[-1] in "万"):
            return None
        value = read * (_SCALES[scale] if scale else 1)
        if money:
            value = Decimal(value)
    else:
        plain = digits.replace(",", "")
        whole = plain.split(".")[0]
        if len(plain) > MAX_DIGITS + 8 or len(whole) > MAX_DIGITS or (len(whole) > 1 and whole[0] == "0"):
            return None
        exact = Decimal(plain) * (_SCALES[scale] if scale else 1)
        if money:
            value = exact
        elif exact != exact.to_integral_value():
            return None
        else:
            value = int(exact)
    about = _AFTER.get(match["after"] or "")
    if about is None and match["more"]:
        about = "about"
    if about is None and start and text[start - 1] in _LAST:
        before = text[max(0, start - 5) : start]
        about = next((word for pattern, word in _BEFORE if pattern.search(before)), None)
    stop = match.end("scale") if match["scale"] else match.end("digits")
    if match["late"] and not match["more"]:
        stop = match.end("late")
    return Number(start, stop, value, unit, about, money, value == 0)
