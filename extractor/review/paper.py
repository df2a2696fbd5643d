"""The paper under a reviewer's finger: which characters belong to a report, and what number they read.

Only the reader's own number reader (reader/numbers.py) turns characters into a value; nothing is typed.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from extractor.document.normalize import normalize
from extractor.document.text import Document
from extractor.form import FORM
from extractor.pipeline import read_report
from extractor.reader.anchors import Layout
from extractor.reader.labels import find_labels
from extractor.reader.locate import locate
from extractor.reader.numbers import read_cell
from extractor.results import Value
from extractor.review.decisions import ReviewError

LONGEST_SPAN = 64  # characters of one printed number with its note
_TOKEN = re.compile(r"\d{1,3}(?:,\d{3})+(?![\d])(?:\.\d+)?|\d+(?:\.\d+)?")
_SIGN = re.compile(r"(?:^|[^0-9A-Za-z一-鿿/-])[+-]$")  # right before a number; no dash between words
_BORDER = re.compile(r"\t|\s\||\|\s")  # no stroke of a number that stands for 1
_RUN = re.compile(r"\d+")
_UNIT = re.compile(r"(?<![美港欧日公单多])[十百千万亿]*元(?![月旦素])")
_CHINESE = frozenset("零〇一二两三四五六七八九十百千万亿")
_AROUND = 48


@dataclass(frozen=True, slots=True)
class Printed:
    """A number as printed: `text[span] == raw`; `loose` where only a candidate reading gives the value (`2 0`, `1O`),
    `cuts` where the characters are part of a longer run of digits."""

    value: Value
    raw: str
    span: tuple[int, int]
    unit: str | None
    loose: bool
    cuts: bool


@dataclass(frozen=True)
class StoredText:
    """A document's stored text, with what is found in it; found once, however many reports are looked at."""

    text: str

    @cached_property
    def document(self) -> Document:
        """The text with look-alikes folded, position by position (`norm`)."""
        return Document(self.text)

    @cached_property
    def layouts(self) -> list[Layout]:
        """Where its reports and their tables lie."""
        return locate(self.document.norm, find_labels(self.document.norm)) if self.text.strip() else []


@dataclass(frozen=True)
class Paper:
    """Report `number` (from 1) of a stored text."""

    stored: StoredText
    number: int = 1

    @classmethod
    def of(cls, text: str, number: int = 1) -> Paper:
        """The same from a bare text."""
        return cls(StoredText(text), number)

    @property
    def text(self) -> str:
        """The whole document's."""
        return self.stored.text

    @property
    def norm(self) -> str:
        """The text with look-alikes folded, position by position."""
        return self.stored.document.norm

    @cached_property
    def extent(self) -> tuple[int, int]:
        """The report's part of the text, [start, end). Errors: ReviewError where the text holds no such report."""
        layouts = self.stored.layouts
        if len(layouts) <= 1 and self.number == 1:
            return 0, len(self.text)
        if self.number > len(layouts):
            raise ReviewError(
                "no_report", f"The text holds no report {self.number} for this version of gouji.",
                "Send the document again, and review the new extraction.",
            )  # fmt: skip
        return layouts[self.number - 1].start, layouts[self.number - 1].end

    @cached_property
    def _rows(self) -> dict[str, tuple[int, int]]:
        """By cell, where the reader looks for the numbers of its row."""
        layouts = self.stored.layouts
        if self.number > len(layouts):
            return {}
        tables = read_report(self.stored.document, layouts[self.number - 1], "-", "").tables
        found = [row for table in tables.values() for row in table.rows.values()]
        return {path: (row.start, row.end) for row in found for path in row.spec.paths}

    def row(self, path: str) -> tuple[int, int] | None:
        """Where the reader looks for the numbers of a cell's row, [start, end); None where it found no such row."""
        return self._rows.get(path)

    def prints_unit(self, unit: str) -> bool:
        """Whether the report prints this unit of money by itself: `万元` is no `元`."""
        start, end = self.extent
        return any(found.group() == unit for found in _UNIT.finditer(self.norm, start, end))

    def holds(self, span: tuple[int, int]) -> bool:
        """Whether the span is a piece of this report."""
        start, end = self.extent
        return start <= span[0] < span[1] <= end

    def read(self, span: tuple[int, int], kind: str) -> Printed:
        """What a cell of this kind (`count`, `signed`, `amount`) reads from these characters; white space at their
        ends is left out. Errors: ReviewError where they are not exactly one number."""
        if not self.holds(span):
            raise ReviewError(
                "outside", f"Characters {span[0]} to {span[1]} are not in this report.",
                "Mark the number in the text that is shown.",
            )  # fmt: skip
        start, end = span
        raw = self.text[start:end]
        start, end = start + len(raw) - len(raw.lstrip()), end - len(raw) + len(raw.rstrip())
        raw = self.text[start:end]
        if not raw or len(raw) > LONGEST_SPAN:
            said = "No characters are marked." if not raw else f"{len(raw)} characters are marked."
            raise ReviewError("no_number", said, "Mark one printed number.")
        shown = normalize(raw)
        reading = read_cell(shown, kind)
        if reading is None or reading.value is None or reading.kind not in ("number", "tentative"):
            raise ReviewError(
                "no_number", f"{raw!r} does not read as one number.", "Mark exactly one printed number, all of it."
            )
        if reading.kind == "tentative" and _BORDER.search(shown):
            raise ReviewError("no_number", f"{raw!r} goes over the border of a cell.", "Mark one printed number.")
        if kind == "count" and reading.value < 0:
            raise ReviewError("no_number", f"{raw!r} is below zero, and this is a count.", "Mark another number.")
        value = Decimal(reading.value) if kind == "amount" else reading.value
        return Printed(value, raw, (start, end), reading.unit, reading.kind == "tentative", self._cuts(start, end))

    def _cuts(self, start: int, end: int) -> bool:
        """Whether the characters are a part of a longer number: digits, groups, decimals or a sign go on beside."""
        low = max(0, start - _AROUND)
        near = normalize(self.text[low : end + _AROUND])
        first, last = start - low, end - low
        before, behind = near[:first], near[last:]
        for token in _TOKEN.finditer(near):
            inside = first < token.end() and token.start() < last
            if inside and not (first <= token.start() and token.end() <= last):
                return True
        if near[first] in _CHINESE and before[-1:] and before[-1] in _CHINESE:
            return True
        if near[last - 1] in _CHINESE and behind[:1] and behind[0] in _CHINESE:
            return True
        return near[first].isdigit() and _SIGN.search(before) is not None

    def run(self, span: tuple[int, int], *, loose: bool = False) -> tuple[int, int]:
        """The whole number, or run of digits, that the span is part of: with its groups and decimals; `loose`: single
        spaces between digits do not end it."""
        start, end = span
        low = max(0, start - _AROUND)
        for token in _TOKEN.finditer(normalize(self.text[low : end + _AROUND])):
            if span[0] < low + token.end() and low + token.start() < span[1]:
                start, end = min(start, low + token.start()), max(end, low + token.end())
        while (step := self._digit_from(start - 1, -1, loose)) != 0:
            start -= step
        while (step := self._digit_from(end, 1, loose)) != 0:
            end += step
        return start, end

    def _digit_from(self, at: int, way: int, loose: bool) -> int:
        """How far the next digit is, at this place (1) or behind one space (2); 0 where none is."""
        if at >= 0 and is_digit(self.text[at : at + 1]):
            return 1
        beyond = at + way
        if loose and at >= 0 and beyond >= 0 and self.text[at : at + 1] in (" ", "\u3000"):
            return 2 if is_digit(self.text[beyond : beyond + 1]) else 0
        return 0


def is_digit(char: str) -> bool:
    """Whether a character is a digit, of any width."""
    return bool(char) and _RUN.fullmatch(normalize(char)) is not None


def kind_of(path: str) -> str:
    """What kind of number a cell holds: `count`, `signed` or `amount`."""
    head, _, rest = path.partition(".")
    name = rest.rpartition(".")[2]
    return FORM.fields[name].kind if head == "disclosure" and name in FORM.fields else "count"


def printable(text: str) -> bool:
    """Whether every database holds the text: no control characters but line ends and tabs, no halves of characters."""
    return not any(unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t" for char in text)
