"""Numbers of the text that a cell may mean: where a candidate stands, and what a person may choose by keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from extractor.document.normalize import normalize
from extractor.form import FORM
from extractor.reader.numbers import read_cell
from extractor.results import plain
from extractor.review.doubt import table_of
from extractor.review.paper import Paper, kind_of
from extractor.service.pages.source import line_of

MOST = 60  # numbers that are offered for one cell
_REACH = 250  # characters beyond the neighbours' figures
_DIGITS = r"(?<![\d.,])\d+(?:[.,]\d+)*"
_NUMBER = {
    "count": re.compile(rf"{_DIGITS}|(?<![一-鿿（(])[零〇一二两三四五六七八九十百千万]+(?![一-鿿、.])"),
    "signed": re.compile(rf"[+-]?{_DIGITS}|[增减]加?少?\d+"),
    "amount": re.compile(rf"{_DIGITS}(?:\s*(?:万元|亿元|元))?"),
}
# Letters for digits, and numbers broken by spaces: readings that only equations, or a person, confirm.
_SLOPPY = re.compile(r"(?<![A-Za-z\d.,])[\dOoQIl]+(?:[ \t]{1,3}[\dOoQIl]+)*(?![A-Za-z\d.,])")
_CONTEXT = 8  # characters shown on each side


@dataclass(frozen=True, slots=True)
class Choice:
    """A number as it stands in the text, what it reads as, and what is around it."""

    start: int
    end: int
    raw: str
    value: int | str | None
    line: int
    before: str
    after: str
    run: tuple[int, int]  # the digits that it is cut out of, where borders between numbers are lost; else itself


def between(path: str, cells: Sequence[Mapping[str, Any]], text: str) -> tuple[int, int]:
    """Where the number of a cell would stand: behind the figure read for the cell before it in the form's order, before
    that of the one behind it; in a table of which nothing was read, behind the table's heading."""
    table, size = table_of(path), len(text)
    spans = {cell["path"]: cell["span"] for cell in cells if cell["span"]}
    order = [cell["path"] for cell in cells]
    here = order.index(path)
    if not any(table_of(other) == table for other in spans):
        label = next(section.label for section in FORM.sections if section.key == table)
        behind = min((span[0] for other, span in spans.items() if order.index(other) > here), default=size)
        heading = text.rfind(label, 0, behind)
        if heading >= 0:
            return heading, min(size, heading + 2 * _REACH)
    before = next((spans[other][1] for other in reversed(order[:here]) if other in spans), None)
    after = next((spans[other][0] for other in order[here + 1 :] if other in spans), None)
    low = before if before is not None else max(0, (after or 0) - _REACH)
    high = after if after is not None else min(size, low + _REACH)
    return (low, high) if low <= high else (high, low)  # figures in another order than the form's


def choices(path: str, cells: Sequence[Mapping[str, Any]], text: str) -> list[Choice]:
    """The numbers around a cell's place in the order of the text: at most MOST, those nearest to it."""
    own = next((cell["span"] for cell in cells if cell["path"] == path), None)
    low, high = own or between(path, cells, text)
    middle = (low + min(high, low + 10 * _REACH)) // 2
    low, high = max(0, low - _REACH), min(len(text), high + _REACH, low + 10 * _REACH)
    found = sorted(_numbers(path, text, low, high), key=lambda one: (abs(one[0] - middle), one))
    return [_choice(text, *one) for one in sorted(found[:MOST])]


def _numbers(path: str, text: str, low: int, high: int) -> set[tuple[int, int, Any]]:
    kind, norm = kind_of(path), normalize(text[low:high])
    found = set()
    for pattern in (_NUMBER[kind], _SLOPPY):
        for match in pattern.finditer(norm):
            reading = read_cell(match.group(), kind)
            if reading is not None and reading.kind in ("number", "tentative"):
                found.add((low + match.start(), low + match.end(), reading.value))
    return found


def _choice(text: str, start: int, end: int, value: Any) -> Choice:
    return Choice(
        start, end, text[start:end], plain(value), line_of(text, start),
        _folded(text[max(0, start - _CONTEXT) : start]), _folded(text[end : end + _CONTEXT]), (start, end),
    )  # fmt: skip


def _folded(text: str) -> str:
    """In one line, with its ends as they are: digits of two lines must not seem to be one number."""
    return re.sub(r"\s*\n\s*", " ↵ ", text)


def candidates(cell: Mapping[str, Any], cells: Sequence[Mapping[str, Any]], text: str) -> list[Choice]:
    """Where the readings that the text allows a doubtful cell stand, as far as they are plain numbers there."""
    wanted: Iterable[Any] = cell.get("candidates") or ()
    values = {str(value) for value in wanted}
    low, high = between(cell["path"], cells, text)
    if high - low > 10 * _REACH:
        return []  # nothing says where it stands
    found = sorted(_numbers(cell["path"], text, low, high))
    whole = [_choice(text, *one) for one in found if str(plain(one[2])) in values]
    return (whole or list(_cuts(values, text, low, high)))[:MOST]


def _cuts(values: Iterable[str], text: str, low: int, high: int) -> Iterator[Choice]:
    """Where digits of one run read as a value: `31129` for 3, 11 and 29."""
    wanted = sorted((value for value in values if value.isdigit()), key=len)
    for run in re.finditer(r"\d{2,40}", normalize(text[low:high])):
        for value in wanted:
            at = run.group().find(value)
            while at >= 0:
                start = low + run.start() + at
                cut = _choice(text, start, start + len(value), int(value))
                yield replace(cut, run=(low + run.start(), low + run.end()))
                at = run.group().find(value, at + 1)


def selected(path: str, text: str, number: int, start: int, end: int) -> Choice:
    """The stretch that a person marked, with what it reads as. Errors: ReviewError where it is not one number."""
    printed = Paper.of(text, number).read((start, end), kind_of(path))
    return _choice(text, *printed.span, printed.value)
