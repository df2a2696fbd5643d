"""Lays a model's answer over printed tokens: each number it gives is matched, in order, to characters of the text.

The answer of one row is a list of numbers and nulls. Its numbers must be printed in the row's own stretch in that
order; values and spans are then the tokens', read by the reader's number reader. A number that is not printed there
cannot be matched, and the row is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from extractor.reader.candidates import BLANK, CellRead
from extractor.reader.fields import Field, tokens_of, without_furniture
from extractor.reader.numbers import Reading, read_cell, read_chinese
from extractor.results import Value

# Laid in more ways than this, a row is not laid at all.
MOST_LAYINGS = 200
_SKIP, _SKIP_MARK, _SLOPPY, _BROKEN = 100, 3, 1, 10
_STEPS = 40_000

_LOOK_ALIKE = re.compile(r"(?<![A-Za-z\d.])(?=[\dOoQIl]*[OoQIl])[\dOoQIl]{1,12}(?![A-Za-z\d.])")
_CHINESE = re.compile(r"(?<![一-鿿(])[零〇一二两三四五六七八九十百千万]+(?![一-鿿])(?!\s*[、.])")
_BORDER = re.compile(r"[|\t]|\n.*\n|  ")
# What conversion leaves of a figure that it could not read.
_SYMBOL = re.compile(r"[■□▇█▓▒●○◆◇★☆※?\ufffd]+")
_BARE = re.compile(r"\d+")


class Laying(NamedTuple):
    """One way in which a row's answer lies over the text.

    `cells` as the reader gives them; `skipped` are the numbers in the stretch that the answer leaves out (by their
    place among the stretch's tokens), `cut` says that a run of digits was divided, `joined` that pieces were put
    together.
    """

    cells: tuple[CellRead, ...]
    skipped: tuple[int, ...]
    cut: bool
    joined: bool
    cost: int

    @property
    def values(self) -> tuple[Value | None, ...]:
        return tuple(cell.value for cell in self.cells)

    @property
    def complete(self) -> bool:
        """Whether every cell is printed and every printed number is used, as it is printed."""
        return not (self.skipped or self.cut or self.joined) and all(c.state == "reported" for c in self.cells)


def tokens(norm: str, start: int, end: int, kinds: tuple[str, ...]) -> list[Field]:
    """The printed numbers and marks of a stretch in reading order, Chinese numerals and look-alikes included."""
    stretch = without_furniture(norm, start, end)
    found = [f for f in tokens_of(stretch, start, kinds) if f.reading]
    for pattern, read in ((_LOOK_ALIKE, _sloppy), (_CHINESE, _numeral)):
        for match in pattern.finditer(stretch):
            begin, stop = start + match.start(), start + match.end()
            reading = read(match.group())
            if reading:
                found = [f for f in found if f.end <= begin or f.start >= stop]
                found.append(Field(begin, stop, reading, match.group()))
    for match in _SYMBOL.finditer(stretch):
        found.append(Field(start + match.start(), start + match.end(), Reading("illegible"), match.group()))
    return sorted(found, key=lambda f: f.start)


def _sloppy(text: str) -> Reading | None:
    return read_cell(text, "count")


def _numeral(text: str) -> Reading | None:
    value = read_chinese(text)
    return None if value is None else Reading("number", value)


def printed_numbers(norm: str, found: Sequence[Field]) -> tuple[Value, ...]:
    """The different numbers that tokens print, smallest first; a number in pieces counts joined as well."""
    values: set[Value] = set()
    for index, field in enumerate(found):
        if field.reading and field.reading.value is not None:
            values.add(field.reading.value)
        if _BARE.fullmatch(field.text):
            digits, last = field.text, field
            for other in found[index + 1 : index + 3]:
                if not _BARE.fullmatch(other.text) or _BORDER.search(norm, last.end, other.start):
                    break
                digits, last = digits + other.text, other
                if len(digits) <= 9 and (digits == "0" or digits[0] != "0"):
                    values.add(int(digits))
    return tuple(sorted(values))


class _Step(NamedTuple):
    cell: CellRead
    token: int  # where the next cell begins: token …
    offset: int  # … and character in it
    cost: int
    cut: bool = False
    joined: bool = False


def lay(norm: str, found: Sequence[Field], values: Sequence[Value | None]) -> list[Laying]:
    """The cheapest ways to lay `values` over the tokens in order, numbers left out only where nothing else fits.

    Empty: some number is not printed there in that order.
    """
    best: list[Laying] = []
    budget = [_STEPS]
    least = [10**9]

    def walk(
        token: int,
        offset: int,
        at: int,
        cells: tuple[CellRead, ...],
        skipped: tuple[int, ...],
        cost: int,
        flags: tuple[bool, bool],
    ) -> None:
        budget[0] -= 1
        if budget[0] < 0 or cost > least[0] or len(best) > MOST_LAYINGS:
            return
        if at == len(values):
            if offset:
                return
            rest = [i for i in range(token, len(found)) if is_number(found[i])]
            total = cost + _SKIP * len(rest) + _SKIP_MARK * (len(found) - token - len(rest))
            if total > least[0]:
                return
            if total < least[0]:
                least[0] = total
                best.clear()
            best.append(Laying(cells, (*skipped, *rest), *flags, total))
            return
        for step in _steps(norm, found, token, offset, values[at]):
            walk(
                step.token,
                step.offset,
                at + 1,
                (*cells, step.cell),
                skipped,
                cost + step.cost,
                (flags[0] or step.cut, flags[1] or step.joined),
            )
        if not offset and token < len(found):
            number = is_number(found[token])
            walk(
                token + 1,
                0,
                at,
                cells,
                (*skipped, token) if number else skipped,
                cost + (_SKIP if number else _SKIP_MARK),
                flags,
            )

    walk(0, 0, 0, (), (), 0, (False, False))
    if budget[0] < 0 or len(best) > MOST_LAYINGS:
        return []
    return best


def is_number(field: Field) -> bool:
    """Whether a token is a figure, readable or not, and no mark like `-` or `/`."""
    return field.reading is not None and field.reading.kind != "not_applicable"


def _steps(norm: str, found: Sequence[Field], token: int, offset: int, value: Value | None) -> list[_Step]:
    """The ways in which one cell may lie at a place."""
    if value is None:
        steps = [_Step(BLANK, token, offset, 0)]
        if not offset and token < len(found) and not is_number(found[token]):
            mark = found[token]
            steps.append(_Step(CellRead("not_applicable", None, mark.start, mark.end), token + 1, 0, 0))
        return steps
    if token >= len(found):
        return []
    field = found[token]
    steps = []
    reading = field.reading
    if not offset and reading and reading.value is not None and Decimal(reading.value) == Decimal(value):
        sloppy = reading.kind == "tentative"
        cell = CellRead("reported", reading.value, field.start, field.end, tentative=sloppy, unit=reading.unit)
        return [_Step(cell, token + 1, 0, _SLOPPY if sloppy else 0)]
    if not _BARE.fullmatch(field.text) or not isinstance(value, int) or value < 0:
        return steps
    digits = str(value)
    rest = field.text[offset:]
    if rest.startswith(digits) and (offset or len(rest) > len(digits)):
        begin = field.start + offset
        stop = offset + len(digits)
        whole = stop == len(field.text)
        cell = CellRead("reported", value, begin, begin + len(digits))
        steps.append(_Step(cell, token + whole, 0 if whole else stop, _BROKEN, cut=True))
    elif not offset and digits.startswith(rest):
        joined, last = rest, token
        while len(joined) < len(digits) and last + 1 < len(found):
            following = found[last + 1]
            if not _BARE.fullmatch(following.text) or _BORDER.search(norm, found[last].end, following.start):
                break
            joined, last = joined + following.text, last + 1
        if joined == digits:
            cell = CellRead("reported", value, field.start, found[last].end, tentative=True)
            steps.append(_Step(cell, last + 1, 0, _BROKEN, joined=True))
    return steps
