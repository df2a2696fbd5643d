"""Figures that stand apart from their labels: read in print order, and only where the count and the sums fit.

PDF raw text prints all labels first and the figures later; table 4 prints one row of figures under its heads.
"""

from __future__ import annotations

import re

from extractor.form import DISPUTE_BLOCKS, DISPUTE_COLUMNS, FORM, REQUEST_ROWS, group_all
from extractor.reader.anchors import Layout, Region
from extractor.reader.borderless import without_lone_lines
from extractor.reader.candidates import Candidate, CellRead, Row, sums_hold
from extractor.reader.fields import Field, tokens_of, without_furniture
from extractor.reader.joint import VectorEquation


def _figures(norm: str, start: int, end: int, labels: list[tuple[int, int]]) -> list[Field]:
    """The figures of a stretch, labels and their ordinals cut out."""
    stretch = without_furniture(norm, start, end)
    for first, last in labels:
        a, b = max(0, first - start), min(len(stretch), last - start)
        if a < b:
            stretch = stretch[:a] + re.sub(r"[^\n]", "\0", stretch[a:b]) + stretch[b:]
    return tokens_of(stretch, start, ("count",))


def pooled_figures(norm: str, layout: Layout, count: int) -> list[Field]:
    """Table 3's `count` figures where all tables print theirs together behind the last heads; [] where they do not.

    Table 4's fifteen close the pool; before table 3's stand table 2's, as many as its printed rows have cells.
    """
    region = layout.disputes
    if region is None or not region.header:
        return []
    start = max(hit.end for hit in region.header)
    fields = tokens_of(without_furniture(norm, start, region.end), start, ("count",))
    before = {0}
    if layout.disclosure:
        keys = {anchor.key for anchor in layout.disclosure.anchors}
        before |= {
            sum(len(row.fields[version]) for row in FORM.disclosure_rows(version) if row.key in keys)
            for version in FORM.versions
        }
    extra = len(fields) - count - len(DISPUTE_BLOCKS) * len(DISPUTE_COLUMNS)
    return fields[extra : extra + count] if extra in before else []


def stream_rows(
    norm: str, region: Region, rows: list[Row], equations: tuple[VectorEquation, ...], layout: Layout
) -> list[Row] | None:
    """Table 3 from the order of its figures alone: as many as the printed rows have cells, and the equations bear
    the order out.

    A published error breaks a few equations, a wrong order nearly all; so up to MOST_BROKEN may fail where more than
    twice as many rows with figures hold. None where a row's label was not found, the count does not fit, or reading
    by columns would do as well and differ.
    """
    printed = {row.spec.key for row in rows}
    if any(key not in printed and group_all(key.split(".")[0]) not in printed for key in REQUEST_ROWS):
        return None
    width = len(rows[0].spec.paths)
    start = max([h.end for h in region.header if h.end <= region.start], default=region.start)
    labels = [(anchor.start, anchor.end) for anchor in region.anchors]
    fields = _figures(norm, start, region.end, labels)
    if len(fields) > width * len(rows):
        fields = without_lone_lines(norm, fields)
    if not fields:
        fields = pooled_figures(norm, layout, width * len(rows))
        if fields and layout.disputes:
            layout.disputes.floor = fields[-1].end
    if len(fields) != width * len(rows):
        return None
    cells = []
    for f in fields:
        if f.reading is None or f.reading.kind not in ("number", "not_applicable"):
            return None
        state = "reported" if f.reading.kind == "number" else "not_applicable"
        cells.append(CellRead(state, f.reading.value, f.start, f.end))  # type: ignore[arg-type]
    by_rows = [tuple(cells[i * width : (i + 1) * width]) for i in range(len(rows))]
    by_columns = [tuple(cells[c * len(rows) + r] for c in range(width)) for r in range(len(rows))]
    if [_values(r) for r in by_rows] == [_values(r) for r in by_columns]:
        by_columns = by_rows
    scored = sorted(((_broken(reads, rows, equations), reads) for reads in (by_rows, by_columns)), key=lambda p: p[0])
    (broken, best), (second, other) = scored
    if broken and (broken > MOST_BROKEN or second <= 2 * broken + 2 or _telling(best) < 2 * broken + 2):
        return None
    if not broken and second == 0 and other is not best and by_columns is not by_rows:
        return None
    for row, read in zip(rows, best, strict=True):
        row.candidates, row.problem = [Candidate(_values(read), read)], ""
    return rows


MOST_BROKEN = 3


def _telling(reads: list[tuple[CellRead, ...]]) -> int:
    """Rows with figures other than 0: those that would give a wrong order away."""
    return sum(any(cell.value for cell in read) for read in reads)


def _broken(reads: list[tuple[CellRead, ...]], rows: list[Row], equations: tuple[VectorEquation, ...]) -> int:
    """How many equations this reading breaks, row sums and column rules alike."""
    by_key = {row.spec.key: _values(read) for row, read in zip(rows, reads, strict=True)}
    count = sum(not sums_hold(values, row.spec.blocks) for row, values in zip(rows, by_key.values(), strict=True))
    for equation in equations:
        for column in range(len(rows[0].spec.paths)):
            left = [by_key[key][column] for key in equation.left if key in by_key]
            right = [by_key[key][column] for key in equation.right if key in by_key]
            if None not in left and None not in right:
                count += sum(v or 0 for v in left) != sum(v or 0 for v in right)
    return count


def _values(cells: tuple[CellRead, ...]) -> tuple[int | None, ...]:
    return tuple(None if cell.value is None else int(cell.value) for cell in cells)
