"""Rows without borders: figures in reading order, runs of digits that may be cut or joined in several ways."""

from __future__ import annotations

import itertools
from collections import Counter
from itertools import pairwise

from extractor.reader.bordered import gap_placements
from extractor.reader.candidates import (
    BLANK,
    Candidate,
    CellRead,
    Evidence,
    Row,
    RowSpec,
    complete,
    read_as_cell,
    sums_hold,
)
from extractor.reader.cuts import BORDER, GLUED, SPACED, Atom, TooMany, cut_value, free_cuts, row_cuts
from extractor.reader.fields import Field, tokens_of, without_furniture
from extractor.reader.numbers import Reading, read_cell


def read_without_borders(norm: str, row: Row, evidence: Evidence, next_ordinal: str) -> None:
    """Fills the row's candidates from its figures in reading order.

    `next_ordinal`: the number of the next label where it is not set apart by a point: the row's last digit may be it.
    """
    spec = row.spec
    count = len(spec.paths)
    stretch = without_furniture(norm, row.start, row.end)
    fields = tokens_of(stretch, row.start, spec.kinds)
    if count > 1 and len(fields) == 1 and evidence.style.kind in ("wide", "space") and _page_number(norm, fields[0]):
        row.problem = "no_figures"
        return
    variants = [fields]
    if len(fields) > count:
        variants.insert(0, without_lone_lines(norm, fields) if count > 1 else _on_label_line(norm, row, fields))
        if spec.blocks and len(variants[0]) > count:
            # A lone figure right below: the last one's rest or a page number. If the sums hold without it, the latter.
            apart = without_lone_lines(norm, fields, set_apart_only=False)
            values = tuple(f.reading.value if f.reading else None for f in apart)
            below = apart == fields[: len(apart)]  # what stands beside the label is no page number
            if below and len(apart) == count and None not in values and sums_hold(values, spec.blocks):
                variants.insert(0, apart)
    elif spec.blocks and len(fields) == count:
        # As many figures as cells, but one stands between empty lines: unless the sums hold with it, it is no cell.
        apart = without_lone_lines(norm, fields)
        values = tuple(f.reading.value if f.reading else None for f in fields)
        if len(apart) < count and (None in values or not sums_hold(values, spec.blocks)):
            variants = [apart]
    if next_ordinal and ends_with_ordinal(norm, fields, row.end, next_ordinal):
        stripped = without_last_digit(fields)
        if not stripped:
            row.problem = "no_figures"
            return
        if len(fields[-1].text) > 1 or len(fields) <= count:
            # It may be the row's or the label's: both readings are possible, and the equations must rule one out.
            both: list[Candidate] = []
            for variant in (stripped, fields):
                _from_tokens(norm, row, variant, evidence, count)
                both += [] if row.broken else row.candidates
            good = [c for c in both if complete(tuple(cell.value for cell in c.cells), spec.blocks) is not None]
            # A row that breaks its sum with the label's number counted in is not read at all.
            row.candidates, row.broken = list(dict.fromkeys(good if spec.blocks else both)), False
            if not row.candidates and not row.problem:
                row.problem = "unread"
            return
        variants.insert(0, stripped)
    for variant in variants:
        _from_tokens(norm, row, variant, evidence, count)
        if row.candidates and not row.broken:
            break
    if not row.candidates and not row.problem:
        row.problem = "unread" if fields else "no_figures"


def without_lone_lines(norm: str, fields: list[Field], set_apart_only: bool = True) -> list[Field]:
    """Leaves out figures alone on their line where figures usually share one: page numbers without any mark.

    `set_apart_only`: only those between empty lines.
    """
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
    kept = []
    for f, line in zip(fields, lines, strict=True):
        if sizes[line] > 1 or (set_apart_only and not set_apart(norm, f.start, f.end)):
            kept.append(f)
    return kept


def set_apart(norm: str, start: int, end: int) -> bool:
    """Whether empty lines set a line off from what stands before and behind it."""
    line, stop = norm.rfind("\n", 0, start) + 1, norm.find("\n", end)
    above = norm[norm.rfind("\n", 0, max(0, line - 1)) + 1 : max(0, line - 1)]
    below = norm[stop + 1 : norm.find("\n", stop + 1)] if stop >= 0 else ""
    return not above.strip() and not below.strip()


def _page_number(norm: str, printed: Field) -> bool:
    """Whether a figure is alone between empty lines on a page whose rows share their lines."""
    line, stop = norm.rfind("\n", 0, printed.start) + 1, norm.find("\n", printed.end)
    alone = not norm[line : printed.start].strip() and not norm[printed.end : stop if stop >= 0 else None].strip()
    return alone and len(printed.text) <= 3 and set_apart(norm, printed.start, printed.end)


def _on_label_line(norm: str, row: Row, fields: list[Field]) -> list[Field]:
    """The single cell beside its label, where what follows stands apart behind an empty line (a page number)."""
    line_end = norm.find("\n", row.start, row.end)
    beside = [f for f in fields if f.end <= line_end]
    apart = line_end >= 0 and not norm[line_end : norm.find("\n", line_end + 1, row.end)].strip()
    return beside if beside and apart else fields


def ends_with_ordinal(norm: str, fields: list[Field], limit: int, ordinal: str) -> bool:
    """Whether the last printed digit stands right before the next label and is the number that label should have."""
    return bool(fields and fields[-1].text.endswith(ordinal) and not norm[fields[-1].end : limit].strip(" \n\t|"))


def without_last_digit(fields: list[Field]) -> list[Field]:
    """The fields without the last one's last digit."""
    last = fields[-1]
    if len(last.text) == 1:
        return fields[:-1]
    text = last.text[:-1]
    return [*fields[:-1], Field(last.start, last.end - 1, read_cell(text) or Reading("illegible"), text)]


def _from_tokens(norm: str, row: Row, fields: list[Field], evidence: Evidence, count: int) -> None:
    spec = row.spec
    readings = [f.reading for f in fields]
    clean = all(r is not None and r.kind in ("number", "not_applicable", "tentative") for r in readings)
    cells = tuple(read_as_cell(f, r) for f, r in zip(fields, readings, strict=True) if r is not None)
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
            loose = evidence.columns.spread > 1.0
            if (placed[-1] is BLANK or loose) and spec.blocks and count - len(cells) <= 2:
                # Columns that do not stand straight, or an empty total: a cell may have been lost, others moved up.
                row.candidates += _gap_candidates(cells, count, spec)
            return
    stuck = evidence.glued or evidence.style.kind in ("none", "space") or len(fields) > count
    found = _cut(norm, row, fields, count, stuck)
    if clean and len(fields) < count and (not found or evidence.style.kind not in ("none", "line")):
        gaps = _gap_candidates(cells, count, spec)
        if gaps:
            row.broken = False
            good = [c for c in found if sums_hold(c.values, spec.blocks)]
            # A lost total satisfies its sum whatever it was: against cuts that break it, that proves nothing.
            telling = any(not _lost_total(c, spec) for c in gaps)
            found = good + gaps if good or telling or not found else []
    row.candidates = found


def _lost_total(candidate: Candidate, spec: RowSpec) -> bool:
    return any(candidate.cells[last - 1].state == "missing" for _, last in spec.blocks)


def cut_candidates(norm: str, row: Row) -> list[Candidate]:
    """The readings of a bordered row under which figures are stuck together because a border was lost."""
    trial = Row(row.spec, row.start, row.end)
    fields = tokens_of(without_furniture(norm, row.start, row.end), row.start, row.spec.kinds)
    found = _cut(norm, trial, fields, len(row.spec.paths), stuck=not row.spec.blocks) if fields else []
    return [] if trial.broken else found


def _gap_candidates(cells: tuple[CellRead, ...], count: int, spec: RowSpec) -> list[Candidate]:
    """Every place of the figures in the row under which its sum can hold."""
    out = []
    for placed in gap_placements(cells, count) if spec.blocks else ():
        values = complete(tuple(cell.value for cell in placed), spec.blocks)
        if values is not None:
            out.append(Candidate(values, placed))
    return out


def _money(row: Row, cells: tuple[CellRead, ...], count: int) -> None:
    """Rows with an amount or a signed change have no sum: they are read only as printed, cell by cell."""
    if count == 1 and cells:
        row.candidates = [Candidate((cell.value,), (cell,)) for cell in cells]
    else:
        row.problem = "unread"


def _cut(norm: str, row: Row, fields: list[Field], count: int, stuck: bool) -> list[Candidate]:
    """Candidates by cutting runs of digits and, where there are too many figures, joining broken ones.

    Where nothing says that figures are `stuck` together, only cuts that satisfy the row's sums are candidates.
    """
    spec = row.spec
    atoms = _atoms(norm, fields)
    if not atoms or len(atoms) < count or len(atoms) > count * 9:
        if atoms and len(atoms) > count * 9:
            row.problem = "too_many_digits"
        return []
    try:
        for merge in (False, True) if len(fields) <= count else (True,):
            if not spec.blocks:
                return _cut_without_sum(atoms, fields, spec, merge) if stuck else []
            cuts = row_cuts(atoms, spec.blocks, merge)
            broken_line = not merge and any("\n" in norm[a.end : b.start] for a, b in pairwise(fields))
            if cuts and broken_line:
                # A line may have ended inside a number: the readings that join it are as good.
                cuts = list(dict.fromkeys([*cuts, *row_cuts(atoms, spec.blocks, merge=True)]))
            if len(fields) > count:
                # Too many figures: some are broken, and none is stuck to another.
                cuts = [cut for cut in cuts if _cuts_only_at_zeros(atoms, cut)]
            if cuts:
                return [c for c in (_candidate(atoms, cut, spec) for cut in cuts) if c.values]
        cuts = free_cuts(atoms, count, merge=len(fields) > count) if stuck else []
    except TooMany:
        row.problem = "too_many_readings"
        return []
    row.broken = len(cuts) > 1
    return [_candidate(atoms, cut, spec) for cut in cuts]


def _cut_without_sum(atoms: list[Atom], fields: list[Field], spec: RowSpec, merge: bool) -> list[Candidate]:
    """Cuts of a row of table 2: sure only where the zeros force them (`0 00`).

    A blank cell leaves no trace in a run of digits (`0108` may be 0 10 8 or 0 108), and among figures set apart one
    may be missing as well as two stuck together.
    """
    count = len(spec.paths)
    forced = free_cuts(atoms, count, merge=False)
    least = [cut for cut in forced if _cuts_only_at_zeros(atoms, cut)]
    if len(least) == 1:
        return [_candidate(atoms, least[0], spec)]
    found = [_candidate(atoms, cut, spec) for cut in forced or free_cuts(atoms, count, merge)]
    for cut in free_cuts(atoms, count - 1, merge=False) if len(fields) == len(found) == 1 < count else ():
        shorter = _candidate(atoms, cut, spec).cells
        found += [Candidate(tuple(c.value for c in placed), placed) for placed in gap_placements(shorter, count)]
    if len(fields) > 1 and len(fields) < count:
        cells = tuple(read_as_cell(f, f.reading) for f in fields if f.reading)
        found += [Candidate(tuple(c.value for c in placed), placed) for placed in gap_placements(cells, count)]
    return found


def _cuts_only_at_zeros(atoms: list[Atom], cut: tuple[tuple[int, int], ...]) -> bool:
    """Whether every cut inside a run of digits stands behind a 0 that no number can begin with."""
    return all(
        atoms[start].before != GLUED or atoms[before].digit == "0"
        for (before, _), (start, _) in itertools.pairwise(cut)
    )


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
                elif char in "OoIl\ufffd":
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
