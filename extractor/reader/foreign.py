"""A column that the form does not have, before, between or behind the seven of table 3: 行次, 备注, 上年总计 …

Rows then print a cell too many. The column stands in the same place of every row, so there are eight readings of the
whole table, one for each place. The equations tell which of them is meant: read wrongly, rows and columns do not add
up. What the equations cannot tell (a table of noughts, last year's totals equal to this year's, a misprint that the
column beside it would mend) the heads decide, or nothing does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

from extractor.form import FORM, GROUPS, fold
from extractor.reader.anchors import Region
from extractor.reader.candidates import BLANK, Candidate, Row, complete, read_as_cell, suits, sums_hold
from extractor.reader.fields import Field, Style, bordered_fields, measure_style, tokens_of, without_furniture
from extractor.reader.joint import VectorEquation

Rules = Callable[[frozenset[str], frozenset[str]], tuple[VectorEquation, ...]]

_WIDTH = 7
_PLACES = range(_WIDTH + 1)
# A misprint breaks three equations at most. A reading that breaks no more than one or two misprints would may be the
# right one of a table with errors, so that another which breaks none is not proved beside it.
_ONE_MISPRINT, _TWO_MISPRINTS = 3, 6
# So many rows and so many columns must add up to more than 0 for the equations alone to tell the place.
_ROWS_THAT_BIND, _COLUMNS_THAT_BIND = 4, 3
# So many rows may have a cell that reads as nothing; a column with more such cells is none of the form's.
_FEW = 3
# So many rows that print a cell too many have a column there.
_MANY = 15
# A table that breaks its own rules: so many rows and so many columns may be off.
_MOST_OFF = 2
# Heads of a column before the seven; any other word there may head the labels.
_BEFORE = frozenset({"行次", "序号", "行号", "编号", "项次", "代码", "行数", "编码", "备注", "说明"})
_WORDS = re.compile(r"[一-鿿A-Za-z]")


def _says_no_number(printed: Field) -> bool:
    kind = printed.reading.kind if printed.reading else ""
    return kind not in ("number", "not_applicable", "tentative") and bool(_WORDS.search(printed.text))


class Beside(NamedTuple):
    """The rows read without the column that is not the form's, and the cells of that column."""

    rows: list[Row]
    column: list[tuple[int, int]]


@dataclass(slots=True)
class _Printed:
    """A row as printed: its cells from the first to the last that is not empty, and the empty ones at its edges.

    `slots`: its eight cells where print or borders show them; `seven`: its only cells, the column's not in sight.
    """

    row: Row
    lead: int
    core: list[Field]
    trail: int
    slots: list[Field] | None = None
    seven: list[Field] | None = None


@dataclass(slots=True)
class _Reading:
    """The whole table with the column in one place."""

    rows: dict[str, Candidate] = field(default_factory=dict)
    column: dict[str, Field] = field(default_factory=dict)
    unseen: int = 0  # rows where nothing shows the column's cell
    unread: int = 0  # rows with a cell that is no plain number
    unlike: int = 0  # of these, rows whose cell is not even a damaged number
    rows_off: int = 0
    columns_off: int = 0
    broken: int = 0
    rows_that_bind: int = 0
    columns_that_bind: int = 0

    @property
    def values(self) -> list[tuple[object, ...]]:
        return [read.values for read in self.rows.values()]

    @property
    def words(self) -> bool:
        """Whether nothing but words stands in the column."""
        found = [f for f in self.column.values() if f.text]
        return bool(found) and all(map(_says_no_number, found))

    @property
    def whole(self) -> bool:
        return all(cell.state == "reported" for read in self.rows.values() for cell in read.cells)


def read_beside(norm: str, region: Region, rows: list[Row], rules: Rules) -> Beside | None:
    """The table without its foreign column; None unless one reading, and what shows it, leave no doubt."""
    ends = {anchor.key: anchor.end for anchor in region.anchors}
    if len(rows) < _MANY or any(ends.get(row.spec.key) != row.start for row in rows):
        return None
    style = measure_style([without_furniture(norm, row.start, row.end) for row in rows])
    printed = _printed(norm, rows, style)
    if printed is None or not any(row.slots for row in printed):
        return None
    readings = {place: reading for place in _PLACES if (reading := _read(printed, place, rules))}
    places = _proved(readings, _heads(norm, region, style))
    if not places:
        return None
    first = readings[places[0]]
    out = []
    for row in rows:
        ways = list(dict.fromkeys(readings[p].rows[row.spec.key] for p in places if row.spec.key in readings[p].rows))
        if ways:
            out.append(replace(row, candidates=ways, reserve=[], problem="", broken=False, figures=()))
    spans = [(f.start, f.end) for place in places for f in readings[place].column.values() if f.text]
    return Beside(out, spans) if first.rows else None


# ---------------------------------------------------------------- what is printed


def _printed(norm: str, rows: list[Row], style: Style) -> list[_Printed] | None:
    """Every row's cells; None where some row cannot be seen as cells."""
    out: list[_Printed] = []
    for source in rows:
        fields = _fields(norm, source, style)
        if fields is None:
            return None
        at = [i for i, printed in enumerate(fields) if printed.text]
        if not at:
            if source.spec.key.endswith(".all"):
                continue
            if len(fields) < _WIDTH:
                return None
            nothing = [Field(0, 0, None, "")] * (_WIDTH + 1)
            out.append(_Printed(source, 0, [], 0, slots=nothing))  # Borders, and nothing between them.
            continue
        out.append(_Printed(source, at[0], fields[at[0] : at[-1] + 1], len(fields) - 1 - at[-1]))
    edges: dict[str, set[tuple[int, int]]] = {}
    for row in out:
        if len(row.core) == _WIDTH + 1 and all(printed.text for printed in row.core):
            row.slots = row.core
            edges.setdefault(row.row.spec.level, set()).add((row.lead, row.trail))
        elif len(row.core) == _WIDTH + 1 and style.bordered:
            row.slots = row.core
    behind = {trail for found in edges.values() for _, trail in found}
    for row in out:
        if row.slots or not row.core or not style.bordered or style.kind == "line":
            continue
        known = edges.get(row.row.spec.level, set())
        empty = Field(0, 0, None, "")
        if len(known) == 1:
            ((lead, trail),) = known
            before, after = row.lead - lead, row.trail - trail
            if before >= 0 <= after and before + len(row.core) + after == _WIDTH + 1:
                row.slots = [*[empty] * before, *row.core, *[empty] * after]
        elif len(row.core) == _WIDTH and {row.trail - 1} == behind:
            row.slots = [*row.core, empty]
    for row in out:
        if not row.slots:
            if not style.bordered or len(row.core) != _WIDTH or not all(printed.text for printed in row.core):
                return None
            row.seven = row.core
    return out


def _fields(norm: str, row: Row, style: Style) -> list[Field] | None:
    """The row's cells behind its label, empty ones too where borders show them."""
    stretch = without_furniture(norm, row.start, row.end)
    if not style.bordered:
        return tokens_of(stretch, row.start, row.spec.kinds)
    return bordered_fields(stretch, row.start, style, row.spec.kinds, row.spec.words)


# ---------------------------------------------------------------- one place for all rows


def _read(printed: list[_Printed], place: int, rules: Rules) -> _Reading | None:
    """The table with the column in this place; None where some row has no such place.

    Rows with a damaged cell are left out: the reading is not one to choose, but one that may be meant.
    """
    reading = _Reading()
    for row in printed:
        key = row.row.spec.key
        if row.slots:
            kept = [f for i, f in enumerate(row.slots) if i != place]
            reading.column[key] = row.slots[place]
        elif row.seven and place in (0, _WIDTH):
            kept = row.seven
            reading.unseen += 1
        else:
            return None
        found = _candidate(row.row, kept)
        if found:
            reading.rows[key] = found
        else:
            reading.unread += 1
            reading.unlike += _no_row(kept)
    if reading.unseen and not reading.words:
        return None  # A row of seven figures may as well have lost one and print the column's.
    keys = {row.row.spec.key for row in printed}
    for key in [key for key in reading.rows if key.endswith(".all")]:
        # A group's label that heads no figures of its own is not a row.
        empty = all(value is None for value in reading.rows[key].values)
        if empty and any(sub in keys for sub in GROUPS[key.removesuffix(".all")]):
            del reading.rows[key]
            keys.discard(key)
    _weigh(reading, {row.row.spec.key: row.row for row in printed if row.row.spec.key in keys}, rules)
    return reading


def _no_row(kept: list[Field]) -> bool:
    """Whether cells cannot be a row's: empty at an edge, or words."""
    return not kept[0].text or not kept[-1].text or any(map(_says_no_number, kept))


def _candidate(row: Row, kept: list[Field]) -> Candidate | None:
    """The row's seven cells; None where one is no plain number, or empty at an edge (a cell may have been lost)."""
    cells = []
    for f in kept:
        if not f.text:
            cells.append(BLANK)
        elif f.reading and f.reading.kind in ("number", "not_applicable"):
            cells.append(read_as_cell(f, f.reading))
        else:
            return None
    empty = [cell is BLANK for cell in cells]
    if any(empty) and not all(empty) and (empty[0] or empty[-1]):
        return None
    read = tuple(cells)
    if not suits(read, row.spec.kinds):
        return None
    values = tuple(cell.value for cell in read)
    return Candidate(complete(values, row.spec.blocks) or values, read)


def _weigh(reading: _Reading, rows: dict[str, Row], rules: Rules) -> None:
    """Counts the equations that are broken, and those that bind."""
    for key, read in reading.rows.items():
        printed = tuple(cell.value for cell in read.cells)
        blocks = rows[key].spec.blocks
        reading.rows_off += complete(printed, blocks) is None or not sums_hold(printed, blocks)
        reading.rows_that_bind += None not in printed and bool(printed[-1])
    groups = frozenset(key.split(".")[0] for key in rows if key.endswith(".all"))
    alone = frozenset(g for g in groups if not any(key in GROUPS[g] for key in rows))
    equations = rules(groups, alone)
    for column in range(_WIDTH):
        off = 0
        for equation in equations:
            left, right = (
                [reading.rows[key].values[column] if key in reading.rows else None for key in side]
                for side in (equation.left, equation.right)
            )
            low, high = sum(int(v or 0) for v in left), sum(int(v or 0) for v in right)
            off += (low > high and None not in right) or (high > low and None not in left)
            reading.columns_that_bind += None not in left and None not in right and low > 0
        reading.columns_off += bool(off)
        reading.broken += off
    reading.broken += reading.rows_off


# ---------------------------------------------------------------- the choice


def _proved(readings: dict[int, _Reading], heads: frozenset[int]) -> list[int]:
    """The places that the column may have, all with the same values; none where another reading is possible."""
    place = next(iter(heads)) if len(heads) == 1 else None
    if 0 in readings and _numbers_rows(readings[0]):
        if place:
            return []
        place = 0
    likely = {p: reading for p, reading in readings.items() if reading.unlike <= _FEW}
    if place is None and len(likely) == 1:
        # Only words stand in the column: what is left are seven figures in each row, in their order.
        (only,) = likely
        place = only if only in heads and likely[only].words and not likely[only].unseen else None
    good = [p for p, reading in readings.items() if not reading.broken and not reading.unread]
    if not heads or not good:
        return [place] if place in heads and place is not None and _misprinted(readings, place) else []
    best = readings[good[0]]
    allowed = _TWO_MISPRINTS if place is None else _ONE_MISPRINT
    if any(other.broken <= allowed and other.values != best.values for other in likely.values()):
        return []
    if place is not None:
        return [place] if place in good else []
    if best.rows_that_bind < _ROWS_THAT_BIND or best.columns_that_bind < _COLUMNS_THAT_BIND:
        return []
    good = [p for p in good if p in heads]
    return good if good and _shown(readings[good[0]]) else []


def _shown(reading: _Reading) -> bool:
    """Whether a column is there at all although no head says so: borders in every row, or cells in most of them."""
    count = sum(bool(f.text) for f in reading.column.values())
    return count >= _MANY or (count > 0 and not reading.unseen)


def _numbers_rows(reading: _Reading) -> bool:
    """Whether the column counts the rows, each of them."""
    rows = [key for key, read in reading.rows.items() if any(cell is not BLANK for cell in read.cells)]
    cells = [reading.column[key] for key in rows if key in reading.column]
    numbers = [f.reading.value if f.reading else None for f in cells]
    if reading.unseen or reading.unread or len(numbers) < _MANY or numbers[0] != 1:
        return False
    return all(a is not None and b is not None and b == a + 1 for a, b in pairwise(numbers))


def _misprinted(readings: dict[int, _Reading], place: int) -> bool:
    """Whether the table prints an error of its own: every cell is printed where the heads say, little does not add
    up, and with the column in any other place far more would not."""
    mine = readings.get(place)
    if mine is None or mine.unread or not mine.whole:
        return False
    if not mine.words and not all(f.text for f in mine.column.values()):
        return False  # A figure may have been lost where the column's cell is empty.
    if mine.rows_off > _MOST_OFF or mine.columns_off > _MOST_OFF:
        return False
    others = [reading for reading in readings.values() if reading is not mine and reading.unlike <= _FEW]
    return all(other.broken > mine.broken + _ONE_MISPRINT for other in others)


# ---------------------------------------------------------------- heads


_OVER = frozenset({"法人或其他组织", "法人或者其他组织", "法人和其他组织", "法人及其他组织"})
_COLUMNS = {wording: i for i, column in enumerate(FORM.columns) for wording in column.wordings}


def _heads(norm: str, region: Region, style: Style) -> frozenset[int]:
    """The places that the heads leave for the column: one where they show it, every place where they say nothing, none
    where they contradict one another."""
    every = frozenset(_PLACES)
    first = next((h for h in reversed(region.header) if h.key == "natural_person" and h.end <= region.start), None)
    if first is None:
        return every
    border = {"pipe": "|", "tab": "\t", "line": "\n", "wide": "  ", "comma": ","}.get(style.kind)
    if border is None:
        return every
    start, stop = region.header[0].start, region.anchors[0].start
    before = any(fold(cell) in _BEFORE for cell in _cells(norm[start : first.start], border))
    spliced = _places(_in_one_row([fold(cell) for cell in _cells(norm[first.start : stop], border)]))
    line = norm.rfind("\n", 0, start) + 1
    below = _places(_by_columns(norm[line:stop], border)) if style.row_ends and border != "\n" else every
    places = spliced & below
    if before:
        return frozenset({0}) if 0 in places and len(places) < len(every) else every
    return places


def _places(words: list[str]) -> frozenset[int]:
    """Where heads from left to right, from 自然人 on, show a further column."""
    order = [_COLUMNS.get(word, -1) for word in words]
    if [i for i in order if i >= 0] != list(range(_WIDTH)) or len(order) > _WIDTH + 1:
        return frozenset(_PLACES)
    return frozenset({order.index(-1)}) if -1 in order else frozenset({0, _WIDTH})


def _by_columns(text: str, border: str) -> list[str]:
    """Heads of several lines by the columns that they stand in, from 自然人 on; [] where two stand in one."""
    found: dict[int, str] = {}
    for line in text.split("\n"):
        for index, cell in enumerate(line.split(border)):
            word = fold(cell)
            if not word or word in _OVER or any(part in word for part in FORM.furniture["requests"]):
                continue
            if index in found:
                return []
            found[index] = word
    words = [found[index] for index in sorted(found)]
    first = next((i for i, word in enumerate(words) if _COLUMNS.get(word) == 0), len(words))
    return words[first:]


def _cells(text: str, border: str) -> list[str]:
    return [cell for cell in text.replace("\n", border).split(border) if fold(cell)]


def _in_one_row(words: list[str]) -> list[str]:
    """Heads of two levels as one row: the five kinds of organizations in the place of the head over them."""
    order = [_COLUMNS.get(word, -1) for word in words]
    for over in (i for i, word in enumerate(words) if word in _OVER):
        for at in range(over + 1, len(words) - 4):
            if order[at : at + 5] == [1, 2, 3, 4, 5]:
                return [*words[:over], *words[at : at + 5], *words[over + 1 : at], *words[at + 5 :]]
    return words
