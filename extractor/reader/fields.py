"""Cuts what lies between two labels into printed fields: cells by their borders, tokens where there are none.

How a table separates its cells is not asked of a list of layouts but measured: the separator that most often stands
between two neighbouring figures of the table is its cell border (`Style`). A border makes an empty cell visible;
spaces do not, unless the page is monospaced and the columns line up (columns.py).
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import NamedTuple

from extractor.form import fold
from extractor.reader.numbers import Reading, read_cell

_FURNITURE = re.compile(
    r"^[ \t|]*(?:-+ ?\d{1,4} ?-+|第[ \t]*\d{1,4}[ \t]*页[^\n]{0,16}|\d{1,4} ?/ ?\d{1,4}"
    r"|[Pp]age[ \t]*\d{1,4}[^\n]{0,12}"
    r"|\d{4}[ \t]*[-/.年][ \t]*\d{1,2}[ \t]*[-/.月][ \t]*\d{1,2}[ \t]*日?[ \d:]{0,9})[ \t|]*$"
    r"|^[^\n]{0,80}(?:发布时间|发布日期|浏览次数|浏览量|点击数|点击量|访问量|字号|责任编辑|信息来源|打印本页"
    r"|https?:|www[.])[^\n]*$",
    re.MULTILINE,
)
_GAP = re.compile(r"\d([^\d\w/\\\-+.]*)(?=\d)")
_THOUSANDS = re.compile(r"(?<![\d,])[1-9]\d{0,2}(?:,\d{3})+(?![\d,])")
_WORD = re.compile(r"[^\W\d_]{2,}")
# A row of pipes whose last cell has no border behind it: there a border at a line's end is an empty last cell.
_OPEN_ROW = re.compile(r"\|[^|\n]*\|[ \t]*\d[^|\n]*(?:\n|$)")


class Style(NamedTuple):
    """How a table separates cells: `kind` pipe, tab, line, comma, wide, space or none; `row_ends` where a new line
    ends a row; `unit` the typical gap of the line kind; `closed` unless rows of pipes end with a figure and no
    border."""

    kind: str
    row_ends: bool
    unit: str = "\n"
    closed: bool = True

    @property
    def bordered(self) -> bool:
        """Whether an empty cell can be seen."""
        return self.kind in ("pipe", "tab", "line", "comma")


class Field(NamedTuple):
    """A printed field: span in the text, and what it reads as (None: an empty cell)."""

    start: int
    end: int
    reading: Reading | None
    text: str


def without_furniture(norm: str, start: int, end: int) -> str:
    """The stretch with page numbers and their like blanked out, same length."""
    return _FURNITURE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), norm[start:end])


def measure_style(stretches: list[str]) -> Style:
    """The table's separator, by majority of the gaps between neighbouring figures."""
    kinds: Counter[str] = Counter()
    breaks = 0
    units: Counter[str] = Counter()
    for stretch in stretches:
        for gap in _GAP.findall(_THOUSANDS.sub(lambda m: "1" * len(m.group()), stretch)):
            if not gap:
                continue
            if "|" in gap:
                kind = "pipe"
            elif "\n" in gap:
                kind = "line"
                units[gap] += 1
            elif "\t" in gap:
                kind = "tab"
            elif "," in gap:
                kind = "comma"
            elif "  " in gap:
                kind = "wide"
            else:
                kind = "space"
            breaks += "\n" in gap
            kinds[kind] += 1
    if kinds.total() * 3 < len(stretches):
        return _style_of_single_figures(stretches)
    borders = {kind: kinds[kind] for kind in ("pipe", "tab") if kinds[kind]}
    kind = max(borders, key=lambda k: borders[k]) if borders and max(borders.values()) * 4 >= kinds.total() else ""
    kind = kind or kinds.most_common(1)[0][0]
    unit = units.most_common(1)[0][0] if units else "\n"
    closed = kind != "pipe" or not any(_OPEN_ROW.search(stretch) for stretch in stretches)
    return Style(kind, breaks * 2 < kinds.total(), unit, closed)


def _style_of_single_figures(stretches: list[str]) -> Style:
    """No row prints two figures (a table filled only in its total): the borders themselves are counted."""
    every = [line for stretch in stretches for line in stretch.split("\n") if line.strip(" \n")]
    lines = [line for line in every if re.search(r"\d", line)] or every
    for border, kind in (("|", "pipe"), ("\t", "tab")):
        counts = [line.count(border) for line in lines]
        if counts and sorted(counts)[len(counts) // 2] >= 2:
            return Style(kind, True)
    if any("|" in stretch for stretch in stretches):
        return Style("pipe", False)
    if lines and all(line[:1] in (" ", "\t") for line in lines):
        return Style("line", False, "\n" + lines[0][: len(lines[0]) - len(lines[0].lstrip())])
    return Style("none", False)


def split(norm: str, start: int, end: int, style: Style, kinds: tuple[str, ...], label: str = "") -> list[Field] | None:
    """The row's fields from left to right, empty cells included where borders show them; None if unreadable.

    `kinds`: the field kinds of the row's cells (they decide whether a sign belongs to a number); `label`: the row's
    label, folded (a cell that repeats it is no data; empty: any words before the figures are heads).
    The stretch begins right after a label, so what stands before the first border still belongs to the label.
    """
    stretch = without_furniture(norm, start, end)
    if style.kind == "pipe":
        return _pipes(stretch, start, style, kinds, label)
    if style.kind in ("tab", "comma"):
        return _one_line(stretch, start, "\t" if style.kind == "tab" else ",", kinds, label)
    if style.kind == "line":
        return _lines(stretch, start, style, kinds)
    return tokens_of(stretch, start, kinds)


@lru_cache(maxsize=64)
def _most_demanding_first(kinds: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(kinds), key=("count", "signed", "amount").index))


def _read(text: str, kinds: tuple[str, ...]) -> Reading | None:
    """What a printed piece says as a cell of one of these kinds (the most demanding first)."""
    best: Reading | None = None
    for kind in _most_demanding_first(kinds):
        reading = read_cell(text, kind)
        if reading and (best is None or reading.kind == "number"):
            best = reading
        if best and best.kind in ("number", "not_applicable"):
            return best
    return best


def _field(text: str, start: int, kinds: tuple[str, ...]) -> Field:
    stripped = text.strip(' \t\n*#>`"')
    offset = start + text.find(stripped) if stripped else start
    return Field(offset, offset + len(stripped), _read(stripped, kinds) if stripped else None, stripped)


def _pieces(stretch: str, start: int, border: str) -> list[tuple[int, str]]:
    pieces, position = [], start
    for piece in stretch.split(border):
        pieces.append((position, piece))
        position += len(piece) + len(border)
    return pieces


# What stands in a cell whose figure was lost on the way: no word, so no part of a label.
_MARK = re.compile(r"[□■◇◆●○?×※▲△�…]+")


def _is_data(field: Field) -> bool:
    text = field.text
    return not text or field.reading is not None or bool(re.search(r"\d", text) or _MARK.fullmatch(text))


def _pipes(stretch: str, start: int, style: Style, kinds: tuple[str, ...], label: str) -> list[Field] | None:
    own_line = False
    if style.row_ends:
        begin, end = _data_line(stretch, "|")
        if BROKEN_OFF.match(stretch, end):
            return None
        own_line = begin > 0
        stretch, start = stretch[begin:end], start + begin
    pieces = _pieces(stretch, start, "|")
    if (style.closed or not style.row_ends) and len(pieces) > 1 and pieces[-1][1].strip() == "":
        pieces = pieces[:-1]
    fields = [_field(text, at, kinds) for at, text in pieces]
    first_is_label = not (own_line and pieces[0][1].strip())
    return _drop_label(fields, first_is_label, own_line=style.row_ends, label=label)


def _data_line(stretch: str, border: str) -> tuple[int, int]:
    """The line of a stretch that holds its figures; the first line when none does.

    Beside the label's own line only one with borders counts: a figure alone on a line is no row of cells.
    """
    position = 0
    best = (0, len(stretch) if "\n" not in stretch else stretch.index("\n"))
    for line in stretch.split("\n"):
        own = position == 0 or border in line
        if own and re.search(r"\d|[-/—]", line) and not _WORD.fullmatch(line.strip()):
            return position, position + len(line)
        position += len(line) + 1
    return best


def _one_line(stretch: str, start: int, border: str, kinds: tuple[str, ...], label: str) -> list[Field] | None:
    begin, end = _data_line(stretch, border)
    fields = [_field(text, at, kinds) for at, text in _pieces(stretch[begin:end], start + begin, border)]
    fields = _drop_label(fields, first_is_label=begin == 0, own_line=True, label=label)
    if re.search(r"\d", stretch[end:]) and sum(f.reading is not None for f in fields) != len(kinds):
        return None  # The row goes on in another line: its borders do not count its cells.
    return None if BROKEN_OFF.match(stretch, end) else fields


# A figure alone on the very next line may be the rest of the row's last one.
BROKEN_OFF = re.compile(r"[ \t|]*\n[ \t|]*\d{1,9}[ \t|]*(?:\n|$)")


def _lines(stretch: str, start: int, style: Style, kinds: tuple[str, ...]) -> list[Field]:
    fields: list[Field] = []
    indented = style.unit.rstrip(" \t") != style.unit  # cells are indented: a line of white space is an empty cell
    gap_has_empty = "\n\n" in style.unit
    for number, (at, line) in enumerate(_pieces(stretch, start, "\n")):
        if number == 0:
            if line.strip():
                fields.append(_field(line, at, kinds))
            continue
        if line.strip():
            fields.append(_field(line, at, kinds))
        elif line and indented:
            fields.append(Field(at, at, None, ""))
        elif not line and not gap_has_empty and any(f.reading or not f.text for f in fields) and indented:
            break
    return _drop_label(fields, first_is_label=False)


def _drop_label(
    fields: list[Field], first_is_label: bool = True, own_line: bool = False, label: str = ""
) -> list[Field]:
    """Leaves out what belongs to labels: the rest before the first border, words before and behind the data.

    `own_line`: the fields are one line of the table, so a word behind its figures is an illegible cell. With `label`
    known, so is a word before them that is no part of it (`见附件`).
    """
    if first_is_label and fields and not (fields[0].reading and fields[0].reading.kind in ("number", "tentative")):
        fields = fields[1:]
    first = next((i for i, f in enumerate(fields) if f.reading or (f.text and re.search(r"\d", f.text))), len(fields))
    words = {i for i, f in enumerate(fields) if f.text and not _is_data(f)}
    foreign = {i for i in words if i < first and label and not _part(fields[i].text, label)}
    before = [i for i in words if i < first and i not in foreign]
    behind = sorted(i for i in words if i > first)
    illegible = foreign | set(behind if own_line else ())
    stop = len(fields) if own_line or not behind else behind[0]
    start = max(before) + 1 if before else 0
    return [
        fields[i]._replace(reading=Reading("illegible")) if i in illegible else fields[i] for i in range(start, stop)
    ]


def bordered_fields(stretch: str, start: int, style: Style, kinds: tuple[str, ...], label: str) -> list[Field] | None:
    """Every cell behind a row's label, words among them; None where digits stand outside the row's line of cells.

    Unlike `split`, it takes nothing for a label's part but what repeats the label.
    """
    border = {"pipe": "|", "tab": "\t", "line": "\n", "comma": ","}[style.kind]
    begun = True
    if style.row_ends and border != "\n":
        begin, end = _data_line(stretch, border)
        if re.search(r"\d", stretch[:begin] + stretch[end:]):
            return None
        begun = begin == 0
        stretch, start = stretch[begin:end], start + begin
    fields = [_field(text, at, kinds) for at, text in _pieces(stretch, start, border)]
    if begun:
        if re.search(r"\d", fields[0].text):
            return None
        fields = fields[1:]  # What follows the label in its own cell.
    while fields and fields[-1].text and not _is_data(fields[-1]) and border == "\n":
        fields.pop()  # Pieces of the next row's merged label.
    figures = [i for i, f in enumerate(fields) if f.text and _is_data(f)]
    for i in range((figures or [0])[0] - 1, -1, -1):
        if fields[i].text and _part(fields[i].text, label):
            return fields[i + 1 :]
    return fields if border != "\n" else [f for f in fields if f.text]


def _part(text: str, label: str) -> bool:
    """Whether a cell's words are (part of) the row's label, its number aside."""
    words = fold(text).lstrip("一二三四五六七八12345678")
    return not words or words in label or label in words


_UNIT = r"(?:\s?(?:万元|亿元|元|[件条项起份宗次](?![一-鿿])))?"
_NOTE = r"(?:\s?[(](?=(?:[^()\n]*[一-鿿]){2})[^()\n]{3,30}[)])?"
_TOKEN = re.compile(
    rf"(?<![\w.])(?:(?:[+-]|增加?|减少?)?\d[\d,]*(?:\.\d+)?{_UNIT}{_NOTE}|[OoIl])"
    r"|[/\\]|-+|_+|无(?![一-鿿])|不涉及|\d[\d,]*(?:\.\d+)?"
)


# Right before or behind a figure: a character of it was lost.
_LOST = re.compile(r"\ufffd+")
# Behind a figure: it is the number of a label, or a year.
_LABEL_NUMBER = re.compile(r"[ \t]*[.、][\s|]*[一-鿿]")
_YEAR = re.compile(r"[ \t]*年")
# 无 as a piece of a spaced-out label (（四）无 法 提 供), not a cell.
_IN_LABEL = re.compile(r"[^\n]{0,2}?[)一-鿿](?<!无)(?<!涉及) {0,2}无|[^\n]{0,3}?无[ ]+(?!无|不涉及)[一-鿿]")


def tokens_of(stretch: str, start: int, kinds: tuple[str, ...]) -> list[Field]:
    """Without borders: the figures in reading order."""
    fields: list[Field] = []
    for match in _TOKEN.finditer(stretch):
        text, begin = match.group(), match.start()
        if text == "无" and _IN_LABEL.match(stretch, max(0, begin - 3)):
            continue
        if len(text) == 1 and _LABEL_NUMBER.match(stretch, match.end()):
            continue
        if len(text) == 4 and text.isdigit() and _YEAR.match(stretch, match.end()):
            continue
        if "signed" in kinds and begin and stretch[begin - 1] in "+-" and text[0].isdigit():
            begin -= 1  # A signed figure stuck to the one before: 0-16.
            text = stretch[begin : match.end()]
            if fields and fields[-1].end > start + begin:
                fields.pop()
        reading = _read(text, kinds)
        if "signed" in kinds and begin and re.match(r"[一-鿿]", stretch[begin - 1]):
            reading = None  # A word stands right before it (降, 负…): its sign is not read.
        end = match.end()
        if lost := _LOST.match(stretch, end):
            end = lost.end()
        while begin and stretch[begin - 1] == "\ufffd":
            begin -= 1
        if end - begin > len(text):
            reading, text = None, stretch[begin:end]
        fields.append(Field(start + begin, start + end, reading or Reading("illegible"), text))
    return fields
