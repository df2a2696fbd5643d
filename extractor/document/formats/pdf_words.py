"""Glyphs → words → lines: position decides, never the order in the file."""

from __future__ import annotations

import re
import statistics
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from extractor.document.content import Box
from extractor.document.formats.pdf_drawn import UNMAPPED, Glyph

_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_GAP = 0.25  # of the font size: characters further apart are two words
_GAP_CJK = 0.55
_BOLD = 0.16  # of the font size: a figure drawn twice no further apart is bold, one further apart is unreadable
_COLUMN_GAP = 0.6  # a wider gap keeps its width in columns


@dataclass(slots=True)
class Word:
    """Characters that stand together on one line."""

    text: str
    x0: float
    top: float
    x1: float
    bottom: float
    base: float
    size: float

    @property
    def box(self) -> Box:
        return self.x0, self.top, self.x1, self.bottom

    @property
    def middle(self) -> tuple[float, float]:
        return (self.x0 + self.x1) / 2, (self.top + self.bottom) / 2


@dataclass(slots=True)
class TextLine:
    """Words on one baseline, from left to right."""

    words: list[Word] = field(default_factory=list)

    @property
    def box(self) -> Box:
        return box_of(self.words)

    @property
    def text(self) -> str:
        """The words with single spaces where they stand apart."""
        return " ".join(word.text for word in self.words)


def box_of(words: Iterable[Word]) -> Box:
    """The box around words (at least one)."""
    boxes = [word.box for word in words]
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)


def is_wide(text: str) -> bool:
    """Whether a character takes the width of a Chinese one."""
    return unicodedata.east_asian_width(text) in "WF"


def width_of(text: str) -> int:
    """Columns that a text takes: two for a Chinese character."""
    return len(text) if text.isascii() else sum(2 if is_wide(char) else 1 for char in text)


def words_of(glyphs: Sequence[Glyph], bars: Sequence[tuple[float, float, float]] = ()) -> list[Word]:
    """The words that glyphs of one direction make. `bars`: upright ruling lines (x, top, bottom), sorted; a word
    ends where one stands between two glyphs."""
    words: list[Word] = []
    rows = _raised(_rows(glyphs))
    for row in rows:
        row = _once(row)
        start = 0
        for index in range(1, len(row) + 1):
            if index == len(row) or _apart(row[index - 1], row[index], bars):
                words.append(_word(row[start:index]))
                start = index
    return words


def _word(glyphs: Sequence[Glyph]) -> Word:
    sizes = [glyph.size for glyph in glyphs]
    return Word(
        "".join(glyph.text for glyph in glyphs),
        min(glyph.x0 for glyph in glyphs),
        min(glyph.top for glyph in glyphs),
        max(glyph.x1 for glyph in glyphs),
        max(glyph.bottom for glyph in glyphs),
        glyphs[0].base,
        statistics.median(sizes),
    )


def _apart(left: Glyph, right: Glyph, bars: Sequence[tuple[float, float, float]]) -> bool:
    gap = right.x0 - left.x1
    size = min(left.size, right.size)
    if right.spaced or gap > (_GAP_CJK if is_wide(left.text[-1]) and is_wide(right.text[0]) else _GAP) * size:
        return True
    if gap < -0.1 * size or (left.run == right.run and gap < 0.1 * size):
        return False  # one string of the file without a gap: a word that runs over its cell's border
    middle, slack = (left.top + left.bottom) / 2, 0.05 * size
    for number in range(bisect_left(bars, (left.x1 - slack,)), len(bars)):
        x, top, bottom = bars[number]
        if x > right.x0 + slack:
            break
        if top <= middle <= bottom:
            return True
    return False


def _rows(glyphs: Sequence[Glyph]) -> list[list[Glyph]]:
    """Glyphs by baseline, from top to bottom; each row from left to right."""
    rows: list[list[Glyph]] = []
    base = 0.0
    for glyph in sorted(glyphs, key=lambda glyph: (glyph.base, glyph.x0)):
        if rows and glyph.base - base <= 0.25 * min(glyph.size, rows[-1][0].size):
            rows[-1].append(glyph)
        else:
            rows.append([glyph])
            base = glyph.base
    for row in rows:
        row.sort(key=lambda glyph: glyph.x0)
    return rows


def _raised(rows: list[list[Glyph]]) -> list[list[Glyph]]:
    """Small figures raised beside a larger glyph stay what they are: ¹, no figure of the number before them."""
    out: list[list[Glyph]] = []
    for number, row in enumerate(rows):
        below = rows[number + 1] if number + 1 < len(rows) else []
        left: list[Glyph] = []
        for glyph in row:
            beside = any(
                glyph.size <= 0.8 * other.size
                and 0 < other.base - glyph.base <= 0.7 * other.size
                and abs(glyph.x0 - other.x1) <= 0.3 * other.size
                for other in below
            )
            if beside:
                glyph.text = glyph.text.translate(_SUPERSCRIPT)
                below.append(glyph)
            else:
                left.append(glyph)
        if len(left) < len(row):
            below.sort(key=lambda glyph: glyph.x0)
        if left:
            out.append(left)
    for row in out:
        for one, other in pairwise(row):
            near = one.text.isnumeric() and other.x0 - one.x1 <= 0.3 * one.size
            if near and other.size <= 0.8 * one.size:
                other.text = other.text.translate(_SUPERSCRIPT)
    return out


def _once(row: list[Glyph]) -> list[Glyph]:
    """A glyph drawn twice for bold print counts once; two figures one over the other are no figure."""
    out: list[Glyph] = []
    for glyph in row:
        under = next((other for other in reversed(out[-3:]) if _on(other, glyph)), None)
        if under is None:
            out.append(glyph)
        elif any(map(str.isnumeric, under.text + glyph.text)) or UNMAPPED in under.text:
            same = under.text == glyph.text and _aside(under, glyph) <= _BOLD * glyph.size
            under.text = under.text if same else UNMAPPED
    return out


def _on(one: Glyph, other: Glyph) -> bool:
    size = min(one.size, other.size)
    wide = min(one.x1 - one.x0, other.x1 - other.x0)
    if one.text.isnumeric() and other.text.isnumeric():
        near = 0.6 * wide
    else:
        near = min(0.2 * size, 0.45 * wide) if one.text == other.text else 0.3 * wide
    return _aside(one, other) <= near and abs(one.base - other.base) <= 0.2 * size


def _aside(one: Glyph, other: Glyph) -> float:
    return abs((one.x0 + one.x1) - (other.x0 + other.x1)) / 2


def lines_of(words: Sequence[Word]) -> list[TextLine]:
    """Words by line, from top to bottom."""
    lines: list[TextLine] = []
    base = 0.0
    for word in sorted(words, key=lambda word: (word.base, word.x0)):
        if lines and word.base - base <= 0.25 * min(word.size, lines[-1].words[0].size):
            lines[-1].words.append(word)
        else:
            lines.append(TextLine([word]))
            base = word.base
    for line in lines:
        line.words.sort(key=lambda word: word.x0)
    return lines


def joined(lines: Sequence[TextLine]) -> str:
    """A cell's lines as one: nothing between Chinese characters, a space between all else (1 above 2 is not 12)."""
    texts = [line.text for line in lines if line.words]
    out = texts[0] if texts else ""
    for before, after in pairwise(texts):
        out += ("" if is_wide(before[-1]) and is_wide(after[0]) else " ") + after
    return out


_FIGURES = re.compile(r"[-+]?[\d０-９][\d０-９,.，．]*[^\W\d_]{0,2}|[-/—_]+|[件条项起份宗次元]")
_ORDINAL = re.compile(r"\s*[（(]?\s*[一二三四五六七八1-8]\s*[）).、．]")
_PITCH = 1.5  # of the font size: lines of one label are no further apart


def gathered(lines: Sequence[TextLine]) -> list[TextLine]:
    """Lines with a label that is printed half above and half below its figures brought beside them.

    Only for labels of two lines as close as lines of one text, that begin and end there: what stands right above and
    below them is another label's.
    """
    out = [TextLine(list(line.words)) for line in lines]
    for at, (above, middle, below) in enumerate(zip(out, out[1:], out[2:], strict=False)):
        if len(middle.words) < 2 or not above.words or not all(_FIGURES.fullmatch(word.text) for word in middle.words):
            continue
        edge = middle.words[0].x0
        if any(word.x1 > edge for word in (*above.words, *below.words)):
            continue
        base = middle.words[0].base
        for one in list(above.words):
            size = one.size
            other = next((word for word in below.words if word.x0 < one.x1 and one.x0 < word.x1), None)
            if other is None or other.base - one.base > _PITCH * size or _ORDINAL.match(other.text):
                continue
            begins = _ORDINAL.match(one.text) or not _close(one, out[at - 1 : at])
            ends = all(_ORDINAL.match(word.text) for word in _close(other, out[at + 3 : at + 4]))
            if begins and ends and one.base + 0.25 * size < base < other.base - 0.25 * size:
                above.words.remove(one)
                below.words.remove(other)
                text = joined([TextLine([one]), TextLine([other])])
                x0, top, x1, bottom = box_of((one, other))
                middle.words.insert(0, Word(text, x0, top, x1, bottom, base, size))
        middle.words.sort(key=lambda word: word.x0)
    return [line for line in out if line.words]


def _close(word: Word, lines: Sequence[TextLine]) -> list[Word]:
    """The words of these lines that stand right above or below a word."""
    return [
        other
        for line in lines
        for other in line.words
        if other.x0 < word.x1 and word.x0 < other.x1 and abs(other.base - word.base) <= _PITCH * word.size
    ]


def laid_out(lines: Sequence[TextLine], left: float, unit: float) -> list[str]:
    """Lines as a monospaced page shows them, a Chinese character two columns of `unit` points wide."""
    out = []
    for line in lines:
        text, columns, before = "", 0, None
        for word in line.words:
            if before is None or word.x0 - before > _COLUMN_GAP * word.size:
                at = round((word.x0 - left) / unit)
                gap = max(at - columns, 2 if before is not None else 0)
            else:
                gap = 1
            text += " " * gap + word.text
            columns += gap + width_of(word.text)
            before = word.x1
        out.append(text)
    return out


def unit_of(words: Sequence[Word]) -> float:
    """Half the size of the smaller print among the words: the width of a column."""
    sizes = sorted(word.size for word in words for _ in range(min(len(word.text), 50)))
    return max(1.0, sizes[len(sizes) // 10] / 2) if sizes else 5.0
