"""How a number is written in a cell: commas, full-width digits, units, notes, Chinese numerals, damage."""

from __future__ import annotations

from decimal import Decimal
from random import Random

from extractor.eval.generator.noise import Noise
from extractor.eval.generator.records import Value

_FULL = str.maketrans("0123456789.,+-", "０１２３４５６７８９．，＋－")
_NUMERALS = "零一二三四五六七八九"
MARKS = ("/", "—", "-", "无", "——", "不涉及", "_", "／", "--", "－")
_NOTES = ("（其中修订{n}件）", "(含{n}件上年结转)", "（注：含{n}件）", "（较上年增加{n}）")


def plain(value: Value) -> str:
    """The number as usually printed."""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def signed(rng: Random, value: int) -> str:
    """A change against last year: with a sign, or the words 增/减."""
    if value == 0:
        return rng.choice(("0", "0", "0", "+0", "-0"))
    style = rng.random()
    if value > 0:
        return (
            f"+{value}"
            if style < 0.5
            else f"{value}"
            if style < 0.75
            else f"增{value}"
            if style < 0.9
            else f"增加{value}"
        )
    return (
        f"-{-value}"
        if style < 0.6
        else f"－{-value}"
        if style < 0.7
        else f"减{-value}"
        if style < 0.9
        else f"减少{-value}"
    )


def chinese(value: int) -> str:
    """A small number in Chinese numerals."""
    if value < 10:
        return _NUMERALS[value]
    tens, ones = divmod(value, 10)
    return ("" if tens == 1 else _NUMERALS[tens]) + "十" + (_NUMERALS[ones] if ones else "")


def with_commas(value: Value) -> str:
    """Thousands commas."""
    return f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"


def write(noise: Noise, value: Value, kind: str, unit: str) -> tuple[str, bool]:
    """(printed text, sure): sure is False where the print only allows a candidate reading."""
    rng = noise.rng
    text = signed(rng, int(value)) if kind == "signed" else plain(value)
    if not -1000 < value < 1000 and kind != "signed" and noise.hit("commas", 0.9):
        text = with_commas(value)
    digits = text.isdigit()
    if digits and len(text) > 1 and noise.hit("split_digits", 0.3):
        at = rng.randint(1, len(text) - 1)
        return text[:at] + rng.choice((" ", " ", "  ")) + text[at:], False
    if digits and ("0" in text or "1" in text) and noise.hit("letters_for_digits", 0.12):
        looks = {"0": "OoO", "1": "lI"}
        damaged = "".join(rng.choice(looks[c]) if c in looks and rng.random() < 0.7 else c for c in text)
        return damaged, damaged == text
    if digits and 0 <= value < 100 and kind == "count" and noise.hit("chinese_numerals", 0.3):
        return chinese(int(value)), True
    if kind == "count" and digits and noise.hit("notes_in_cells", 0.05):
        n = rng.randint(1, max(1, int(value)))
        return text + rng.choice(_NOTES).format(n=n), True
    if kind == "amount" and noise.hit("units_in_cells", 0.6):
        text += unit
    elif digits and noise.hit("units_in_cells", 0.25):
        text += rng.choice(("件", "件", "项", " 件"))
    if noise.on("full_width") and rng.random() < 0.8:
        noise.note("full_width")
        text = text.translate(_FULL)
    return text, True
