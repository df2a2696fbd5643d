"""Rows whose cells have borders: which of the fields between two labels are the row's cells.

Interior empty cells hold their place. Empty cells at the edge are weak evidence: merged label cells and a line's
last border leave some too. How many, the full rows of the same level show; what is then still open (six figures for
seven columns) is left to the equations.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import combinations, product

from extractor.reader.candidates import (
    BLANK,
    MISSING,
    MOST_CANDIDATES,
    Candidate,
    CellRead,
    RowSpec,
    complete,
    read_as_cell,
)
from extractor.reader.fields import Field
from extractor.reader.numbers import read_cell

Placement = tuple[CellRead, ...]


def bordered_candidates(fields: list[Field], spec: RowSpec, edges: set[tuple[int, int]]) -> list[Candidate] | None:
    """The row's candidates; none where the fields cannot be its cells, None where they tell two stories.

    `edges`: the numbers of empty edge cells that full rows of this level have (empty: unknown).
    """
    count = len(spec.paths)
    options = [_alternatives(printed) for printed in fields]
    if sum(len(option) > 1 for option in options) > 6:
        options = [option[-1:] for option in options]
    found: dict[Placement, Candidate] = {}
    violating: dict[Placement, Candidate] = {}
    against_borders = False
    for choice in product(*options):
        cells = [cell for group in choice for cell in group]
        while len(cells) > 3 * count + 12 and cells[-1] is BLANK:
            cells.pop()
        placements, sure = _placements(cells, count, edges, bool(spec.blocks))
        for placed in placements:
            printed = tuple(cell.value for cell in placed)
            values = complete(printed, spec.blocks)
            if values is not None:
                found.setdefault(placed, Candidate(values, placed))
            else:
                # Every field in its place, an edge cell blank, figures other than 0: and the row's sum is broken.
                against_borders |= MISSING not in placed and BLANK in placed and any(printed)
                if sure:
                    violating.setdefault(placed, Candidate(printed, placed))
            if len(found) > MOST_CANDIDATES:
                return []
        if (found or violating) and sure:
            break  # Each field taken as one cell fills the row: that is what the borders say.
    if against_borders and found and all(MISSING in placed for placed in found):
        return None  # A row printed a column off, or one that lost a cell and was padded: the text allows both.
    return list(found.values()) or list(violating.values())


def empty_edges(fields: Iterable[Field]) -> tuple[int, int]:
    """How many empty cells a row has before its first and behind its last printed field."""
    return _edges([CellRead("reported") if printed.text else BLANK for printed in fields])


def _alternatives(printed: Field) -> list[list[CellRead]]:
    """What one bordered field may be: a cell, or several cells with their border lost."""
    if not printed.text:
        return [[BLANK]]
    out: list[list[CellRead]] = []
    if printed.reading:
        out.append([read_as_cell(printed, printed.reading)])
    parts = [match.span() for match in re.finditer(r"\S+", printed.text)]
    if len(parts) > 1:
        cells = []
        for begin, end in parts:
            piece = printed.text[begin:end]
            reading = read_cell(piece)
            if reading is None:
                break
            at = Field(printed.start + begin, printed.start + end, reading, piece)
            cells.append(read_as_cell(at, reading))
        else:
            out.append(cells)
    return out or [[CellRead("illegible", None, printed.start, printed.end)]]


def _edges(cells: list[CellRead]) -> tuple[int, int]:
    lead = next((i for i, cell in enumerate(cells) if cell is not BLANK), len(cells))
    trail = next((i for i, cell in enumerate(reversed(cells)) if cell is not BLANK), len(cells))
    return lead, trail


def _placements(
    cells: list[CellRead], count: int, edges: set[tuple[int, int]], with_sum: bool
) -> tuple[list[Placement], bool]:
    """Where the cells may stand among the row's `count` cells, and whether the borders leave no doubt of it.

    A row whose total is empty while others are filled may have lost a cell and been padded at its end, so there the
    places of the gap are candidates even if the borders count up.
    """
    lead, trail = _edges(cells)
    if lead == len(cells):
        return ([tuple([BLANK] * count)] if cells else []), True
    core = tuple(cells[lead : len(cells) - trail])
    if len(core) == count:
        return [core], True
    if len(core) > count:
        return _crowded(core, count)
    if count == 1:
        return [core], True
    out: dict[Placement, None] = {}
    for before, behind in sorted(edges) or [(0, 0)]:
        inner = cells[min(before, lead) : len(cells) - min(behind, trail)]
        exact = len(inner) == count
        own_lead, own_trail = lead - min(before, lead), trail - min(behind, trail)
        padded = with_sum and (own_trail > 0 or (own_lead == 1 and len(core) == count - 1))
        if exact and (edges or lead + trail > 1):
            out[tuple(inner)] = None
            if padded and count - len(core) <= 2:
                out.update(dict.fromkeys(gap_placements(core, count)))
            continue
        if len(inner) >= count:
            for start in range(len(inner) - count + 1):
                window = inner[start : start + count]
                if all(cell is BLANK for cell in (*inner[:start], *inner[start + count :])):
                    out[tuple(window)] = None
            if len(core) < count - 1 and not exact:
                continue
            inner = list(core)
        for placed in gap_placements(tuple(inner), count):
            out[placed] = None
        if lead + trail == 1:
            for placed in gap_placements(core, count):
                out[placed] = None
    return list(out), len(out) == 1


def _crowded(core: Placement, count: int) -> tuple[list[Placement], bool]:
    """More fields than cells: spacer columns between the figures, or one figure repeated over a merged cell."""
    printed = tuple(cell for cell in core if cell is not BLANK)
    if len(printed) == count:
        return [printed], True
    if count == 1 and printed:
        if printed[0].state == "reported" and len({cell.value for cell in printed}) == 1:
            return [printed[:1]], True
        return [(cell,) for cell in printed], False
    return [], False


def gap_placements(cells: Placement, count: int) -> list[Placement]:
    """Every way to leave out cells of the row, keeping print order."""
    missing = count - len(cells)
    if missing < 0 or (missing > 2 and count > 7):
        return []
    out = []
    for places in combinations(range(count), len(cells)):
        placed = [MISSING] * count
        for place, cell in zip(places, cells, strict=True):
            placed[place] = cell
        out.append(tuple(placed))
    return out
