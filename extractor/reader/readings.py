"""The readings of one row that the text allows: which printed figure stands in which cell.

A row that prints as many figures as it has cells has one reading. Where figures are missing, stuck together or
broken, every assignment in print order that the borders, the page's columns and the digits allow is a candidate;
choosing among candidates is left to the equations (joint.py). Nothing here changes a digit.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations, product
from typing import NamedTuple

from extractor.reader.cuts import BORDER, GLUED, SPACED, Atom, TooMany, cut_value, free_cuts, row_cuts
from extractor.reader.fields import Columns, Field, Style, split, tokens_of, without_furniture
from extractor.reader.numbers import Reading, read_cell
from extractor.results import State, Value

MOST_CANDIDATES = 400


class CellRead(NamedTuple):
    """One cell of a candidate: what is on paper there. `tentative` figures need the equations' agreement."""

    state: State
    value: Value | None = None
    start: int = 0
    end: int = 0
    tentative: bool = False
    unit: str | None = None


BLANK, MISSING = CellRead("blank"), CellRead("missing")


class Candidate(NamedTuple):
    """A reading of a whole row; `values` are completed by the row's own sum where that leaves one value."""

    values: tuple[Value | None, ...]
    cells: tuple[CellRead, ...]


class RowSpec(NamedTuple):
    """A row to be read: cell paths, the kind of each, and its sums as (first cell, past-last cell = total)."""

    key: str
    paths: tuple[str, ...]
    kinds: tuple[str, ...]
    blocks: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class Row:
    """A row as read: its candidates (one: decided by the text alone). `problem` says why there is none."""

    spec: RowSpec
    start: int
    end: int
    candidates: list[Candidate] = field(default_factory=list)
    problem: str = ""
    # Candidates that break the row's own sum although the digits allow several: nothing decides among them.
    broken: bool = False


@dataclass(slots=True)
class Evidence:
    """What the table as a whole says about its layout."""

    style: Style
    columns: Columns | None


@lru_cache(maxsize=8)
def _plain(count: int) -> re.Pattern[str]:
    """Exactly `count` figures with nothing but white space and borders between, and no other figure around them."""
    noise = r"[^\dA-Za-z/\\_+-]*"
    return re.compile(noise + r"[\s|]+".join([r"(0|[1-9]\d{0,8})"] * count) + r"(?![\d.,])" + noise)




def _gap_class(norm: str, start: int, end: int) -> str:
    """What separates two figures: a mixture within a row means that some cell is broken or some border lost."""
    if end == start + 1 and norm[start] in " \t\n":
        return norm[start]
    gap = norm[start:end]
    return next((border for border in ("|", "\t", "\n", "  ") if border in gap), " ")


def read_plain(norm: str, start: int, end: int, spec: RowSpec) -> Candidate | None:
    """The one reading of a row that prints exactly as many figures as it has cells; None where it is not so plain."""
    if "amount" in spec.kinds or "signed" in spec.kinds:
        return None
    match = _plain(len(spec.paths)).fullmatch(norm, start, end)
    if not match:
        return None
    values = tuple(map(int, match.groups()))
    spans = match.regs[1:]
    if len(values) > 1:
        gaps = {_gap_class(norm, a[1], b[0]) for a, b in zip(spans, spans[1:], strict=False)}
        if len(gaps) > 1 or (gaps == {" "} and not sums_hold(values, spec.blocks)):
            return None
    return Candidate(values, tuple(CellRead("reported", v, s, e) for v, (s, e) in zip(values, spans, strict=True)))


def sums_hold(values: tuple[Value | None, ...], blocks: tuple[tuple[int, int], ...]) -> bool:
    """Whether every block whose cells are all known adds up."""
    for first, last in blocks:
        block = values[first:last]
        if None not in block and sum(block[:-1]) != block[-1]:  # type: ignore[arg-type]
            return False
    return True


def complete(values: tuple[Value | None, ...], blocks: tuple[tuple[int, int], ...]) -> tuple[Value | None, ...] | None:
    """Fills cells that a block's sum leaves one value (counts are ≥ 0); None where a sum cannot hold."""
    out = list(values)
    for first, last in blocks:
        unknown = [i for i in range(first, last - 1) if out[i] is None]
        known = sum(out[i] for i in range(first, last - 1) if out[i] is not None)  # type: ignore[misc]
        total = out[last - 1]
        if total is None:
            if not unknown:
                out[last - 1] = known
            continue
        rest = total - known
        if rest < 0 or (rest > 0 and not unknown):
            return None
        if rest == 0:
            for i in unknown:
                out[i] = 0
        elif len(unknown) == 1:
            out[unknown[0]] = rest
    return tuple(out)


def read_row(norm: str, row: Row, evidence: Evidence, next_ordinal: str = "") -> None:
    """Lists the row's candidates. `next_ordinal`: the number the next label should print but does not show apart."""
    spec, style = row.spec, evidence.style
    plain = read_plain(norm, row.start, row.end, spec)
    if plain:
        row.candidates = [plain]
        return
    if style.bordered:
        fields = split(norm, row.start, row.end, style, spec.kinds)
        if fields is not None:
            row.candidates = _bordered(norm, fields, spec)
            if row.candidates:
                return
    _without_borders(norm, row, evidence, next_ordinal)
    if len(row.candidates) > MOST_CANDIDATES:
        row.candidates, row.problem = [], "too_many_readings"


# ---------------------------------------------------------------- with borders


def _cell(field_: Field, reading: Reading) -> CellRead:
    span = (field_.start, field_.end)
    if reading.kind == "number":
        return CellRead("reported", reading.value, *span, unit=reading.unit)
    if reading.kind == "not_applicable":
        return CellRead("not_applicable", None, *span)
    if reading.kind == "tentative":
        return CellRead("reported", reading.value, *span, tentative=True)
    return CellRead("illegible", None, *span)


def _alternatives(norm: str, field_: Field, spec: RowSpec) -> list[list[CellRead]]:
    """What one bordered field may be: a cell, or several cells with their border lost."""
    if not field_.text:
        return [[BLANK]]
    out: list[list[CellRead]] = []
    if field_.reading:
        out.append([_cell(field_, field_.reading)])
    parts = [m.span() for m in re.finditer(r"\S+", field_.text)]
    if len(parts) > 1:
        cells = []
        for begin, end in parts:
            piece = field_.text[begin:end]
            reading = read_cell(piece)
            if reading is None:
                break
            cells.append(_cell(Field(field_.start + begin, field_.start + end, reading, piece), reading))
        else:
            out.append(cells)
    return out or [[CellRead("illegible", None, field_.start, field_.end)]]


def _bordered(norm: str, fields: list[Field], spec: RowSpec) -> list[Candidate]:
    """Candidates of a row whose cells have borders."""
    count = len(spec.paths)
    options = [_alternatives(norm, field_, spec) for field_ in fields]
    several = sum(len(option) > 1 for option in options)
    if several > 6:
        options = [option[-1:] for option in options]
    found: dict[tuple[CellRead, ...], Candidate] = {}
    for choice in product(*options):
        cells = [cell for group in choice for cell in group]
        if len(cells) > 3 * count + 12:
            cells = _trim(cells, count)
        for placed in _placements(cells, count):
            values = complete(tuple(cell.value for cell in placed), spec.blocks)
            if values is None:
                if len(cells) - _edges(cells)[0] - _edges(cells)[1] < count and any(c is MISSING for c in placed):
                    continue
                values = tuple(cell.value for cell in placed)
            found.setdefault(placed, Candidate(values, placed))
            if len(found) > MOST_CANDIDATES:
                return []
        if found and all(len(option) == 1 or len(option[0]) == 1 for option in options) and several:
            # Each field taken as one cell fills the row: that is what the borders say.
            break
    return list(found.values())


def _trim(cells: list[CellRead], count: int) -> list[CellRead]:
    while cells and len(cells) > count and cells[-1] is BLANK:
        cells = cells[:-1]
    return cells


def _edges(cells: list[CellRead]) -> tuple[int, int]:
    lead = next((i for i, cell in enumerate(cells) if cell is not BLANK), len(cells))
    trail = next((i for i, cell in enumerate(reversed(cells)) if cell is not BLANK), len(cells))
    return lead, trail


def _placements(cells: list[CellRead], count: int) -> list[tuple[CellRead, ...]]:
    """Where the cells found between two borders may stand among the row's `count` cells.

    An empty cell at the edge is weak evidence: merged label cells and a line's last border leave one too. Interior
    empty cells hold their place. A single empty edge cell that just fills the row (six numbers and a trailing
    border) does not say which number is missing, so every place of the gap is a candidate.
    """
    lead, trail = _edges(cells)
    if lead == len(cells):
        return [tuple([BLANK] * count)] if cells else []
    core = tuple(cells[lead : len(cells) - trail])
    if len(core) == count:
        return [core]
    if len(core) > count:
        if count == 1:
            known = [cell for cell in core if cell is not BLANK]
            if len({cell.value for cell in known}) == 1 and known[0].state == "reported" and len(known) > 1:
                return [(known[0],)]
            return [(cell,) for cell in known] if len(known) > 1 else [(known[0],)]
        return []
    if len(cells) >= count:
        spare = len(cells) - count
        starts = range(max(0, lead - spare), min(lead, count - len(core)) + 1)
        found = [
            (*[BLANK] * start, *core, *[BLANK] * (count - start - len(core)))
            for start in starts
            if start + len(core) <= count
        ]
        if spare or lead + trail > 1 or count == 1:
            return found
        return [*found, *_gaps(core, count)]
    found = _gaps(tuple(cells), count)
    return [*found, *_gaps(core, count)] if lead + trail == 1 else found


def _gaps(core: tuple[CellRead, ...], count: int) -> list[tuple[CellRead, ...]]:
    """Every way to leave out cells of the row, keeping print order."""
    missing = count - len(core)
    if missing > 2 and count > 7:
        return []
    out = []
    for places in combinations(range(count), len(core)):
        cells = [MISSING] * count
        for place, cell in zip(places, core, strict=True):
            cells[place] = cell
        out.append(tuple(cells))
    return out


# ---------------------------------------------------------------- without borders


def _without_borders(norm: str, row: Row, evidence: Evidence, next_ordinal: str) -> None:
    spec = row.spec
    count = len(spec.paths)
    stretch = without_furniture(norm, row.start, row.end)
    fields = tokens_of(stretch, row.start, spec.kinds)
    variants = [fields]
    if len(fields) > count > 1:
        variants.insert(0, without_lone_lines(norm, fields))
    if next_ordinal and fields and fields[-1].text.endswith(next_ordinal) and _touches(norm, fields[-1].end, row.end):
        variants.append(_without_last_digit(fields, spec))
    for variant in variants:
        _from_tokens(norm, row, variant, evidence, count)
        if row.candidates and not row.broken:
            break
    if not row.candidates and not row.problem:
        row.problem = "unread" if fields else "no_figures"


def without_lone_lines(norm: str, fields: list[Field]) -> list[Field]:
    """Leaves out figures alone on their line where figures usually share one: page numbers without any mark."""
    lines = [norm.count("\n", 0, f.start) if len(fields) < 64 else -1 for f in fields]
    if lines and lines[0] == -1:
        lines, line, position = [], 0, 0
        for f in fields:
            line += norm.count("\n", position, f.start)
            position = f.start
            lines.append(line)
    sizes = Counter(lines)
    if not sizes or max(sizes.values()) < 2:
        return fields
    return [f for f, line in zip(fields, lines, strict=True) if sizes[line] > 1]


def _touches(norm: str, end: int, limit: int) -> bool:
    return norm[end:limit].strip(" \n\t|") == ""


def _without_last_digit(fields: list[Field], spec: RowSpec) -> list[Field]:
    last = fields[-1]
    if len(last.text) == 1:
        return fields[:-1]
    text = last.text[:-1]
    return [*fields[:-1], Field(last.start, last.end - 1, read_cell(text) or Reading("illegible"), text)]


def _from_tokens(norm: str, row: Row, fields: list[Field], evidence: Evidence, count: int) -> None:
    spec = row.spec
    readings = [f.reading for f in fields]
    clean = all(r is not None and r.kind in ("number", "not_applicable", "tentative") for r in readings)
    cells = tuple(_cell(f, r) for f, r in zip(fields, readings, strict=True) if r is not None)
    row.broken = False
    if not fields:
        return
    if clean and len(fields) == count:
        values = complete(tuple(cell.value for cell in cells), spec.blocks)
        hard = evidence.style.kind not in ("space", "none")
        if values is not None or hard:
            row.candidates = [Candidate(values or tuple(cell.value for cell in cells), cells)]
            return
    if "amount" in spec.kinds or "signed" in spec.kinds:
        _money(row, cells, count)
        return
    if clean and len(fields) < count and evidence.columns:
        columns = evidence.columns.place(norm, fields)
        if columns:
            placed = [BLANK] * count
            for column, cell in zip(columns, cells, strict=True):
                placed[column] = cell
            values = complete(tuple(cell.value for cell in placed), spec.blocks)
            row.candidates = [Candidate(values or tuple(cell.value for cell in placed), tuple(placed))]
            return
    found = _cut(norm, row, fields, count)
    if clean and len(fields) < count and (not found or evidence.style.kind in ("space", "wide")):
        gaps = []
        for placed_ in _gaps(cells, count):
            values = complete(tuple(cell.value for cell in placed_), spec.blocks)
            if values is not None and spec.blocks:
                gaps.append(Candidate(values, placed_))
        if gaps and (not row.broken or not found):
            row.broken = False
            found = [c for c in found if sums_hold(c.values, spec.blocks)] + gaps
    row.candidates = found


def _money(row: Row, cells: tuple[CellRead, ...], count: int) -> None:
    """Rows with an amount or a signed change have no sum: they are read only as printed, cell by cell."""
    if count == 1 and cells:
        row.candidates = [Candidate((cell.value,), (cell,)) for cell in cells]
    else:
        row.problem = "unread"


def _cut(norm: str, row: Row, fields: list[Field], count: int) -> list[Candidate]:
    """Candidates by cutting runs of digits and, where there are too many figures, joining broken ones."""
    spec = row.spec
    atoms = _atoms(norm, fields)
    if not atoms or len(atoms) < count or len(atoms) > count * 9:
        if atoms and len(atoms) > count * 9:
            row.problem = "too_many_digits"
        return []
    try:
        for merge in (False, True) if len(fields) <= count else (True,):
            if not spec.blocks:
                cuts = free_cuts(atoms, count, merge)
                if cuts:
                    return [_candidate(atoms, cut, spec) for cut in cuts]
                continue
            cuts = row_cuts(atoms, spec.blocks, merge)
            if cuts:
                return [c for c in (_candidate(atoms, cut, spec) for cut in cuts) if c.values]
        cuts = free_cuts(atoms, count, merge=len(fields) > count)
    except TooMany:
        row.problem = "too_many_readings"
        return []
    row.broken = len(cuts) > 1
    return [_candidate(atoms, cut, spec) for cut in cuts]


def _atoms(norm: str, fields: list[Field]) -> list[Atom]:
    atoms: list[Atom] = []
    previous_end = -1
    for f in fields:
        gap = norm[previous_end : f.start] if previous_end >= 0 else "|"
        before = GLUED if not gap else SPACED if gap.strip(" \n") == "" and "  " not in gap else BORDER
        if f.reading and f.reading.kind == "not_applicable":
            atoms.append(Atom(None, f.start, before))
        else:
            for offset, char in enumerate(f.text):
                if char.isdigit():
                    atoms.append(Atom(char, f.start + offset, before))
                    before = GLUED
                elif char in "OoIl":
                    return []
                elif char == ",":
                    before = BORDER
        previous_end = f.end
    return atoms


def _candidate(atoms: list[Atom], cut: tuple[tuple[int, int], ...], spec: RowSpec) -> Candidate:
    cells = []
    for start, end in cut:
        value = cut_value(atoms, (start, end))
        first, last = atoms[start].position, atoms[end - 1].position + 1
        if value is None:
            cells.append(CellRead("not_applicable", None, first, last))
        else:
            broken = last - first != end - start
            cells.append(CellRead("reported", value, first, last, tentative=broken))
    values = tuple(cell.value for cell in cells)
    return Candidate(complete(values, spec.blocks) or values, tuple(cells))
