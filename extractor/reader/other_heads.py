"""Whether the heads over a table's figures name other things than the form's: years, quarters, districts, channels.

A table of the form's rows over other columns reads like the form's and may even add up. Where cells are bordered (by
tabs or pipes) the heads stand in a line above the first row, and what they say counts. Heads that are missing or
damaged say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from extractor.form import FORM, fold

_MOST = 600  # characters above a row
_BORDER = re.compile(r"[\t|]")
_YEAR = re.compile(r"(20\d\d)年?度?")
_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"[一-鿿]{2,}")
_SAYS_NOTHING = frozenset({"不涉及", "不适用", "没有"})  # words of a data cell


def heads_of_other_years(norm: str, stop: int) -> bool:
    """Whether the cells of a line above `stop` name different years."""
    return any(
        len({match[1] for cell in cells if (match := _YEAR.fullmatch(cell))}) > 1 for cells in _lines_above(norm, stop)
    )


def other_request_heads(norm: str, stop: int) -> bool:
    """Table 3: whether hardly any of the words over the first row are the applicants'."""
    return heads_of_other_years(norm, stop) or _of_others(norm, stop, _applicants(), 5, 2)


def other_disclosure_heads(norm: str, stop: int) -> bool:
    """Table 2: whether none of the words over a row of three figures is a field's."""
    return heads_of_other_years(norm, stop) or _of_others(norm, stop, _fields(), 3, 1)


def _of_others(norm: str, stop: int, known: frozenset[str], cells: int, least: int) -> bool:
    """Whether in the nearest line of so many different words fewer than `least` share two letters with the `known`."""
    for line in _lines_above(norm, stop):
        words = {cell for cell in line if _WORD.search(cell) and cell not in _SAYS_NOTHING}
        if len(words) >= cells:
            return sum(not known.isdisjoint(_pairs(word)) for word in words) < least
    return False


def _lines_above(norm: str, stop: int) -> Iterator[list[str]]:
    """The folded cells of each bordered line above `stop`, the nearest first, up to one with figures."""
    lines = norm[max(0, stop - _MOST) : stop].split("\n")
    for line in reversed(lines[1:-1]):
        cells = [folded for cell in _BORDER.split(line) if (folded := fold(cell))]
        if any(_DIGIT.search(_YEAR.sub("", cell)) for cell in cells):
            return
        if len(cells) > 1:
            yield cells


def _pairs(word: str) -> Iterator[str]:
    return (word[at : at + 2] for at in range(len(word) - 1))


@lru_cache(maxsize=1)
def _applicants() -> frozenset[str]:
    columns = [column for column in FORM.columns if column.key not in ("total", "other_organization")]
    return frozenset(pair for column in columns for wording in column.wordings for pair in _pairs(wording))


@lru_cache(maxsize=1)
def _fields() -> frozenset[str]:
    return frozenset(pair for field in FORM.fields.values() for word in field.label.wordings for pair in _pairs(word))
