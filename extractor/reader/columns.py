"""Where the columns of a monospaced page stand, so that an empty cell shows by its place.

Measured from rows that print every cell, else from the heads over them; which measure (character cells or plain
characters; left, right or middle of a figure) lines up best, the rows themselves tell.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from extractor.reader.fields import Field


@dataclass(frozen=True)
class Columns:
    """Where the columns of a monospaced page stand: centres in character cells, by the measure that fits best."""

    centres: tuple[float, ...]
    measure: str
    edge: str
    spread: float

    def place(self, norm: str, fields: list[Field]) -> tuple[int, ...] | None:
        """The column of each field of one line, or None where the page does not tell."""
        if not fields or norm.find("\n", fields[0].start, fields[-1].end) >= 0:
            return None
        spacing = min(b - a for a, b in zip(self.centres, self.centres[1:], strict=False))
        if spacing < 2 or self.spread > spacing / 4:
            return None
        columns = []
        for field in fields:
            at = _offset(norm, field.start, field.end, self.measure, self.edge)
            column = min(range(len(self.centres)), key=lambda i: abs(self.centres[i] - at))
            if abs(self.centres[column] - at) > spacing * 0.4:
                return None
            columns.append(column)
        return tuple(columns) if columns == sorted(set(columns)) else None


@lru_cache(maxsize=8192)
def _char_width(char: str) -> int:
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _width(text: str) -> int:
    """Columns that a text takes on a monospaced page: two for a Chinese character."""
    return len(text) if text.isascii() else sum(map(_char_width, text))


def _offset(norm: str, start: int, end: int, measure: str, edge: str) -> float:
    line = norm.rfind("\n", 0, start) + 1
    size = _width if measure == "width" else len
    left, right = size(norm[line:start]), size(norm[line:end])
    return _at_edge(left, right, edge)


def measure_columns(norm: str, rows: list[list[tuple[int, int]]]) -> Columns | None:
    """The columns from the rows that print every cell on one line; None where they do not line up."""
    rows = [row for row in rows if norm.find("\n", row[0][0], row[-1][1]) < 0]
    if len(rows) < 2:
        return None
    extents = [_extents(norm, row) for row in rows]
    best: Columns | None = None
    for number, measure in enumerate(("width", "characters")):
        for edge in ("left", "right", "centre"):
            table = [[_at_edge(*extent[number], edge) for extent in row] for row in extents]
            columns = list(zip(*table, strict=True))
            spread = max(max(c) - min(c) for c in columns)
            centres = tuple(sorted(c)[len(c) // 2] for c in columns)
            if any(b <= a for a, b in itertools.pairwise(centres)):
                continue
            if best is None or spread < best.spread:
                best = Columns(centres, measure, edge, spread)
    return best


def _extents(norm: str, row: list[tuple[int, int]]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where each cell of one line begins and ends, in columns and in characters; the line is walked once."""
    line = at = norm.rfind("\n", 0, row[0][0]) + 1
    right = 0
    extents = []
    for start, end in row:
        left = right + _width(norm[at:start])
        right = left + _width(norm[start:end])
        at = end
        extents.append(((left, right), (start - line, end - line)))
    return extents


def _at_edge(left: int, right: int, edge: str) -> float:
    if edge == "centre":
        return (left + right) / 2
    return float(left if edge == "left" else right)


def columns_from_heads(
    norm: str, start: int, end: int, heads: tuple[str, ...], rows: list[list[Field]]
) -> Columns | None:
    """The columns from where their heads stand, when no row prints every cell; None unless every figure of the
    table stands clearly under one head.

    `heads`: the columns' labels, folded; the first two characters of each must stand in [start, end), over the rows.
    """
    if not rows:
        return None
    for measure in ("width", "characters"):
        spans = []
        at = start
        for head in heads:
            places = [m.start() for m in re.finditer(re.escape(head[:2]), norm[start:end])]
            if not places:
                return None
            at = start + places[-1]
            stop = at
            while stop < end and norm[stop] not in " \n\t|":
                stop += 1
            spans.append(_offset(norm, at, stop, measure, "centre"))
        if any(b - a < 3 for a, b in itertools.pairwise(spans)):
            continue
        spacing = min(b - a for a, b in itertools.pairwise(spans))
        under: list[list[float]] = [[] for _ in heads]
        clear = True
        for field in (field for row in rows for field in row):
            centre = _offset(norm, field.start, field.end, measure, "centre")
            column = min(range(len(heads)), key=lambda i: abs(spans[i] - centre))
            clear = clear and abs(spans[column] - centre) <= spacing * 0.4
            under[column].append(centre)
        spread = max((max(u) - min(u) for u in under if u), default=0.0)
        if clear and spread <= spacing / 3:
            centres = tuple(sorted(u)[len(u) // 2] if u else span for u, span in zip(under, spans, strict=True))
            return Columns(centres, measure, "centre", min(spread, spacing / 4))
    return None
