"""Figures that stand apart from their labels: read in print order, and only where the count and the sums fit.

PDF raw text prints all labels first and the figures later; table 4 prints one row of figures under its heads.
"""

from __future__ import annotations

import re

from extractor.form import REQUEST_ROWS, group_all
from extractor.reader.borderless import without_lone_lines
from extractor.reader.candidates import Candidate, CellRead, Row, sums_hold
from extractor.reader.fields import Field, tokens_of, without_furniture
from extractor.reader.joint import VectorEquation, holds
from extractor.reader.locate import Region


def _figures(norm: str, start: int, end: int, labels: list[tuple[int, int]]) -> list[Field]:
    """The figures of a stretch, labels and their ordinals cut out."""
    stretch = without_furniture(norm, start, end)
    for first, last in labels:
        a, b = max(0, first - start), min(len(stretch), last - start)
        if a < b:
            stretch = stretch[:a] + re.sub(r"[^\n]", "\0", stretch[a:b]) + stretch[b:]
    return tokens_of(stretch, start, ("count",))


def stream_rows(
    norm: str, region: Region, rows: list[Row], equations: tuple[VectorEquation, ...]
) -> list[Row] | None:
    """Table 3 from the order of its figures alone: as many as the printed rows have cells, every equation holding.

    None where a row's label was not found, the count does not fit, an equation fails, or reading by columns would
    fit as well and differ.
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
    fitting = [reads for reads in (by_rows, by_columns) if _fits(reads, rows, equations)]
    if not fitting or any([_values(r) for r in reads] != [_values(r) for r in fitting[0]] for reads in fitting):
        return None
    for row, read in zip(rows, fitting[0], strict=True):
        row.candidates, row.problem = [Candidate(_values(read), read)], ""
    return rows


def _values(cells: tuple[CellRead, ...]) -> tuple[int | None, ...]:
    return tuple(None if cell.value is None else int(cell.value) for cell in cells)


def _fits(reads: list[tuple[CellRead, ...]], rows: list[Row], equations: tuple[VectorEquation, ...]) -> bool:
    if not all(sums_hold(_values(read), row.spec.blocks) for read, row in zip(reads, rows, strict=True)):
        return False
    return holds({row.spec.key: [Candidate(_values(r), r)] for r, row in zip(reads, rows, strict=True)}, equations)
