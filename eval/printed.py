"""What numbers a stored text prints, found without the reader: gold is held against this, not against our own reading.

It knows nothing of tables. It answers whether a number is printed at all, how often, and whether the numbers of a row
follow each other somewhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from extractor.document.normalize import normalize

Found = Literal["printed", "sloppy", "glued", "nowhere"]

_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d+)?")
# A numeral alone in its cell, perhaps with a measure word; `一、` and `（二）` are ordinals.
_CHINESE = re.compile(r"(?<![一-鿿(])[零〇一二两三四五六七八九十百千万]+(?=[件条项起份宗次个]?\s*(?:[\n|\t<]|$))")
_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_LOOKS_LIKE = {"0": "[0OoQ]", "1": "[1Il]"}
# A zero that may be a cell: in prose a word, a bracket or a colon stands before it (信息处理费0元).
_LONE_ZERO = re.compile(r"(?<![\d.,，一-鿿):])[0](?![\d.,])")
_WHITE = re.compile(r"\s+")


class Printed:
    """The numbers of one stored text."""

    def __init__(self, text: str) -> None:
        self.text, self.norm = text, normalize(text)
        self.packed = _WHITE.sub("", self.norm)
        self.counts: Counter[Decimal] = Counter()
        self.written: set[str] = set()
        for match in _NUMBER.finditer(self.norm):
            raw = match.group().replace(",", "")
            if len(raw) <= 40:
                self.counts[Decimal(raw)] += 1
                self.written.add(raw)
        for match in _CHINESE.finditer(self.norm):
            self.counts[Decimal(_chinese(match.group()))] += 1
        self.lone_zeros = sum(1 for _ in _LONE_ZERO.finditer(self.norm))

    def find(self, value: Decimal) -> Found:
        """How a number stands in the text: for itself, badly (`2 0`, `1O`), only inside other digits, or nowhere."""
        size = abs(value)
        if value < 0:
            minus = rf"(?:-|减少?|下降)\s*{re.escape(format(size, 'f'))}(?!\d)"
            return "printed" if re.search(minus, self.norm) else "nowhere"
        if size in self.counts:
            return "printed"
        if self._sloppy(size):
            return "sloppy"
        inside = size == int(size) and format(size, "f") in self.packed.replace(",", "")
        return "glued" if inside else "nowhere"

    def times(self, value: Decimal) -> int:
        """How often a number is printed for itself, badly printed places included."""
        return self.counts[abs(value)] + self._sloppy(abs(value))

    def _sloppy(self, size: Decimal) -> int:
        signs = [_LOOKS_LIKE.get(char, re.escape(char)) for char in format(size, "f")]
        pattern = r"(?<![\dA-Za-z])" + r"\s{0,3}".join(signs) + r"(?![\dA-Za-z])"
        return sum(
            not match.group().isascii() or not match.group().isdigit() for match in re.finditer(pattern, self.norm)
        )

    def as_written(self, amount: str) -> bool:
        """Whether an amount stands in the text with these very digits (1.50 is not 1.5)."""
        return amount in self.written

    def has_words(self, words: str) -> bool:
        """Whether words stand in the text, white space and look-alike characters aside."""
        return _WHITE.sub("", normalize(words)) in self.packed

    def has_year(self, year: int) -> bool:
        """Whether a year stands in the text, in digits or in Chinese (二〇二四, 二零二四)."""
        chinese = "".join("[〇零○O0]" if digit == "0" else "零一二三四五六七八九"[int(digit)] for digit in str(year))
        digits = r"\s?".join(str(year))
        return bool(re.search(rf"(?<!\d){digits}(?!\d)|{chinese}", self.norm))

    def rows_lost(self, rows: Sequence[Sequence[int]]) -> list[int]:
        """Which rows do not follow each other in the text as they stand here (indexes); their numbers must follow
        each other with no label between, or stand in columns. Rows of one number are passed over."""
        lost = self._in_order(rows, ("printed", "sloppy"))
        if lost:
            lost = min(lost, self._in_order(rows, ("printed", "sloppy", "glued")), key=len)
        if len(lost) > len(rows) // 3:
            lost = min(lost, self._in_columns(rows), key=len)
        return lost

    def _in_order(self, rows: Sequence[Sequence[int]], ways: tuple[Found, ...]) -> list[int]:
        """The fewest rows to leave out so that the others are found one behind the other."""
        # chains[n]: where the earliest chain of n rows ends, and its rows.
        chains: list[tuple[int, tuple[int, ...]]] = [(0, ())]
        asked = [index for index, numbers in enumerate(rows) if len(numbers) > 1]
        for done, index in enumerate(asked):
            # While no row is lost there is but one chain worth following.
            shortest = 0 if len(chains) <= done else len(chains) - 1
            for length in range(len(chains) - 1, shortest - 1, -1):
                end = self.sequence_end(rows[index], chains[length][0], ways)
                if end is None:
                    continue
                chain = (end, (*chains[length][1], index))
                if length + 1 == len(chains):
                    chains.append(chain)
                elif end < chains[length + 1][0]:
                    chains[length + 1] = chain
        return [index for index in asked if index not in chains[-1][1]]

    def _in_columns(self, rows: Sequence[Sequence[int]]) -> list[int]:
        """Rows that are not found when the text is taken to print columns, or parts of them, one after another."""
        widest = max(map(len, rows), default=0)
        if any(len(row) not in (0, widest) for row in rows):
            return list(range(len(rows)))
        full = [index for index, row in enumerate(rows) if row]
        hits: Counter[int] = Counter()
        for column in range(widest):
            numbers = [rows[index][column] for index in full]
            start = 0
            while start < len(numbers):
                stop = len(numbers)
                while stop - start >= _SHORTEST_RUN and self.sequence_end(numbers[start:stop]) is None:
                    stop -= 1
                if stop - start < _SHORTEST_RUN:
                    start += 1
                    continue
                hits.update(full[start:stop])
                start = stop
        return [index for index in full if hits[index] < widest]

    def sequence_end(
        self, numbers: Sequence[int], start: int = 0, ways: tuple[Found, ...] = ("printed", "sloppy")
    ) -> int | None:
        """Where the first place behind `start` ends at which the numbers follow each other."""
        ends = (self._end(numbers, start, way) for way in ways)
        return min((end for end in ends if end is not None), default=None)

    def _end(self, numbers: Sequence[int], start: int, way: Found) -> int | None:
        steps = [_step(number, way) for number in numbers[1:]]
        for first in _first(numbers[0], way).finditer(self.norm, start):
            at = first.end()
            for step in steps:
                match = step.match(self.norm, at)
                if match is None:
                    break
                at = match.end()
            else:
                return at
        return None


_SHORTEST_RUN = 2


def _strict(number: int) -> str:
    forms = [str(number)]
    if number >= 1000:
        forms.append(f"{number:,}")
    if number < 100:
        forms.append(_in_chinese(number))
    return f"(?:{'|'.join(forms)})"


def _loose(number: int) -> str:
    return r"\s?".join(_LOOKS_LIKE.get(char, char) for char in str(number))


_EDGE = r"(?<![\d.])(?<!\d,)"
# Between two cells of a row: separators, a measure word, a note in brackets, a mark for an empty cell. No sentence.
_BETWEEN = r"(?![\d,])(?:[^\d一-鿿]|[件条项起份宗次个]|\([^()\n]{1,30}\)|无|不涉及){1,120}?"


@lru_cache(maxsize=4096)
def _first(number: int, way: Found) -> re.Pattern[str]:
    return re.compile(_loose(number) if way == "glued" else _EDGE + _WRITTEN[way](number) + r"(?!\d)")


@lru_cache(maxsize=4096)
def _step(number: int, way: Found) -> re.Pattern[str]:
    between = r"\D{0,12}?" if way == "glued" else _BETWEEN + _EDGE
    return re.compile(between + _WRITTEN[way](number) + ("" if way == "glued" else r"(?!\d)"))


_WRITTEN: dict[Found, Callable[[int], str]] = {"printed": _strict, "sloppy": _loose, "glued": _loose}


def _in_chinese(number: int) -> str:
    digits = "零一二三四五六七八九"
    tens, ones = divmod(number, 10)
    if tens == 0:
        return digits[ones]
    return ("" if tens == 1 else digits[tens]) + "十" + (digits[ones] if ones else "")


def _chinese(text: str) -> int:
    """A Chinese numeral; without places its digits in a row."""
    if not any(char in "十百千万" for char in text):
        return int("".join(str(_DIGITS[char]) for char in text))
    total, section, digit = 0, 0, 0
    for char in text:
        if char == "万":
            total, section, digit = total + (section + digit) * 10_000, 0, 0
        elif char in _DIGITS:
            digit = _DIGITS[char]
        else:
            section += (digit or 1) * 10 ** ("十百千".index(char) + 1)
            digit = 0
    return total + section + digit
