"""What an answer proves: the other readings that the printed numbers allow, and how much an agreement says."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import combinations, pairwise

from extractor.ask.ground import Laying, is_number
from extractor.reader.candidates import BLANK, MISSING, Candidate, CellRead, Row, RowSpec, complete, read_as_cell
from extractor.reader.fields import Field, measure_style, without_furniture
from extractor.results import Value

# More readings than this are not weighed against each other: nothing is proved.
MOST_READINGS = 8_000
# An agreement that chance would reach more often than once in 2^BITS says nothing.
BITS = 10.0


def readings_of(found: Sequence[Field], spec: RowSpec, bordered: bool) -> list[Candidate] | None:
    """Every way to fill the row's cells with its printed numbers in order, as whole tokens, that its sums allow.

    More numbers than cells: every choice among them. Fewer: every place. None where there are too many to weigh.
    """
    numbers = [f for f in found if is_number(f)]
    if any(f.reading is None or f.reading.kind == "illegible" for f in numbers):
        return None
    width, empty = len(spec.paths), BLANK if bordered else MISSING
    marks = len(found) - len(numbers)
    out: list[Candidate] = []
    if len(numbers) >= width:
        if math.comb(len(found), width) > MOST_READINGS:
            return None
        for chosen in combinations(found, width):
            _add(out, tuple(_cell(f) for f in chosen), spec)
        return out
    if len(numbers) + marks == width:
        _add(out, tuple(_cell(f) for f in found), spec)
        return out
    if math.comb(width, len(numbers)) > MOST_READINGS:
        return None
    for places in combinations(range(width), len(numbers)):
        cells = [empty] * width
        for place, f in zip(places, numbers, strict=True):
            cells[place] = _cell(f)
        _add(out, tuple(cells), spec)
    return out


def _cell(field: Field) -> CellRead:
    assert field.reading is not None
    return read_as_cell(field, field.reading)


def _add(out: list[Candidate], cells: tuple[CellRead, ...], spec: RowSpec) -> None:
    values = complete(tuple(cell.value for cell in cells), spec.blocks)
    if values is not None:
        out.append(Candidate(values, cells))


def shows_blanks(norm: str, row: Row) -> bool:
    """Whether the row's cells have borders, so that an empty one is to be seen."""
    return measure_style([without_furniture(norm, row.start, row.end)]).bordered


def candidate(laying: Laying, spec: RowSpec, bordered: bool) -> Candidate:
    """A laid answer as a reading of the row; a null without a border to show the cell is a missing cell."""
    cells = tuple(MISSING if cell == BLANK and not bordered else cell for cell in laying.cells)
    return Candidate(complete(laying.values, spec.blocks) or laying.values, cells)


def border_reading(norm: str, row: Row) -> Candidate | None:
    """Of a row with several readings the one in which every printed field is one cell in its place and none is
    supposed lost; None where there is no such one reading, or where no border stands between two of its figures."""
    full = [c for c in row.candidates if all(cell.state in ("reported", "blank", "not_applicable") for cell in c.cells)]
    if len({c.cells for c in full}) != 1:
        return None
    printed = [cell for cell in full[0].cells if cell.end]
    if any(cell.tentative for cell in printed):
        return None
    return full[0] if all(_BORDER.fullmatch(norm, a.end, b.start) for a, b in pairwise(printed)) else None


_BORDER = re.compile(r"\s*[|\t\n][\s|]*")


def same_cells(read: Sequence[Value | None], known: Sequence[Value | None], said: Sequence[Value | None]) -> bool:
    """Whether a model's row is the printed one: blank cells may be left blank or filled as the rules fill them."""
    return all(s == r or (r is None and s == k) for r, k, s in zip(read, known, said, strict=True))


def usual_skips(layings: Sequence[Sequence[Laying]]) -> tuple[int, ...] | None:
    """The places of the numbers that answers leave out, where most rows that leave the same number out agree
    (a column of line numbers or remarks); None where they do not."""
    sure = Counter(found[0].skipped for found in layings if len(found) == 1 and found[0].skipped)
    if not sure:
        return None
    pattern, count = sure.most_common(1)[0]
    return pattern if count * 2 > sure.total() else None


def choose_laying(layings: Sequence[Laying], usual: tuple[int, ...] | None) -> Laying | None:
    """The one way an answer lies over its row; among several that skip numbers, the table's usual one."""
    if len(layings) == 1:
        return layings[0]
    same = [laying for laying in layings if laying.skipped == usual]
    return same[0] if len(same) == 1 else None


def bits(answers: Sequence[Sequence[Value | None]], printed: Sequence[Sequence[Value]]) -> float:
    """How many bits a chance agreement with these answers would have to guess: for each cell, one of the numbers
    printed in its excerpt or none."""
    return sum(math.log2(len(numbers) + 1) * len(row) for row, numbers in zip(answers, printed, strict=True))
