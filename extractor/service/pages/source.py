"""The stored text as the review page shows it: a bounded window, line by line, what was read marked in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup, escape

from extractor.service.pages.shown import shown

WINDOW = 40_000  # characters of text on one page
_AROUND = 1_200  # characters shown before and behind the tables
_LONGEST = 2_000  # so far is looked for a line's start or end
# Print in columns: breaking such lines would hide which number stands under which head.
_COLUMNS = re.compile(r"\S(?: {3,}|\t)\S.*(?: {3,}|\t)\S")


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of the text that something is said of: `kind` is cell, candidate, human or evidence, `of` the cell."""

    start: int
    end: int
    kind: str
    of: str


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One line, or the part of it that is in the window: `at` is the place of its first character in the text."""

    number: int
    at: int
    markup: Markup


@dataclass(frozen=True, slots=True)
class Window:
    """Lines of the text in [start, end); `before` and `after` are places to show next, None where nothing is left."""

    start: int
    end: int
    size: int
    lines: tuple[SourceLine, ...]
    columns: bool
    before: int | None
    after: int | None


def window_of(text: str, marks: Sequence[Mark], at: int | None = None) -> Window:
    """All of a text that fits; else the window around the marked cells, or the one that holds the character `at`."""
    spans = [mark for mark in marks if mark.kind != "evidence"] or list(marks)
    if len(text) <= WINDOW:
        low, high = 0, len(text)
    elif at is None:
        low = min((mark.start for mark in spans), default=0) - _AROUND
        high = max((mark.end for mark in spans), default=WINDOW - _AROUND) + _AROUND
    else:
        low, high = at - WINDOW // 4, at + WINDOW
    start = _line_start(text, max(0, min(low, len(text) - 1)))
    end = _line_end(text, min(high, start + WINDOW, len(text)))
    inside = sorted(
        (mark for mark in marks if mark.start < end and mark.end > start and mark.start < mark.end),
        key=lambda mark: (mark.start, -mark.end),
    )
    lines = tuple(_lines(text, start, end, inside))
    columns = sum(bool(_COLUMNS.search(text, line.at, line.at + 400)) for line in lines[:2_000]) >= 5
    return Window(
        start,
        end,
        len(text),
        lines,
        columns,
        before=max(0, start - WINDOW * 3 // 4) if start > 0 else None,
        after=end + WINDOW // 4 if end < len(text) else None,
    )


def line_of(text: str, at: int) -> int:
    """The number of the line that a character stands in, from 1."""
    return text.count("\n", 0, at) + 1


def _line_start(text: str, at: int) -> int:
    found = text.rfind("\n", max(0, at - _LONGEST), at)
    return at if found < 0 and at > _LONGEST else found + 1 if found >= 0 else 0


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at, at + _LONGEST)
    return found if found >= 0 else at if len(text) - at > _LONGEST else len(text)


def _lines(text: str, start: int, end: int, marks: Sequence[Mark]) -> list[SourceLine]:
    number, at, lines = line_of(text, start), start, []
    starts = [mark.start for mark in marks]
    longest = max((mark.end - mark.start for mark in marks), default=0)
    while at <= end:
        stop = text.find("\n", at, end)
        stop = end if stop < 0 else stop
        first = bisect_right(starts, at - longest - 1)
        last = bisect_right(starts, stop)
        mine = [mark for mark in marks[first:last] if mark.end > at and mark.start < stop]
        lines.append(SourceLine(number, at, _markup(text, at, stop, mine)))
        at, number = stop + 1, number + 1
    return lines


_RANK = {"evidence": 0, "candidate": 1, "cell": 2, "human": 3}


def _markup(text: str, start: int, end: int, marks: Sequence[Mark]) -> Markup:
    """A line cut at every mark's ends; a stretch that several marks cover names all their cells."""
    if not marks:
        return shown(text[start:end])
    cuts = sorted({start, end, *(min(max(place, start), end) for mark in marks for place in (mark.start, mark.end))})
    out = []
    for low, high in pairwise(cuts):
        over = [mark for mark in marks if mark.start <= low and mark.end >= high]
        piece = shown(text[low:high])
        if over:
            kind = max((mark.kind for mark in over), key=_RANK.__getitem__)
            of = " ".join(dict.fromkeys(mark.of for mark in over))
            piece = Markup('<mark class="{}" data-of="{}" tabindex="-1">{}</mark>').format(kind, escape(of), piece)
        out.append(piece)
    return Markup("").join(out)
