"""Figures that stand apart from their labels: read in print order, and only where the count and the sums fit.

PDF raw text prints all labels first and the figures later; table 4 prints one row of figures under its heads.
"""

from __future__ import annotations

import re

from extractor.form import DISPUTE_BLOCKS
from extractor.reader.fields import Field, measure_style, tokens_of, without_furniture
from extractor.reader.labels import Hit
from extractor.reader.locate import Region
from extractor.reader.readings import (
    Candidate,
    CellRead,
    Evidence,
    Row,
    RowSpec,
    read_row,
    sums_hold,
    without_lone_lines,
)

_WORDS = re.compile(r"[一-鿿A-Za-z]")


def _figures(norm: str, start: int, end: int, labels: list[tuple[int, int]]) -> list[Field]:
    """The figures of a stretch, labels and their ordinals cut out."""
    stretch = without_furniture(norm, start, end)
    for first, last in labels:
        a, b = max(0, first - start), min(len(stretch), last - start)
        if a < b:
            stretch = stretch[:a] + re.sub(r"[^\n]", "\0", stretch[a:b]) + stretch[b:]
    return tokens_of(stretch, start, ("count",))


def stream_rows(norm: str, region: Region, rows: list[Row]) -> list[Row] | None:
    """Table 3 from the order of its figures alone: as many as the printed rows have cells, every sum holding.

    None where the count does not fit, a sum fails, or reading by columns would fit as well and differ.
    """
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
    fitting = [reads for reads in (by_rows, by_columns) if _fits(reads, rows)]
    if not fitting or any([_values(r) for r in reads] != [_values(r) for r in fitting[0]] for reads in fitting):
        return None
    for row, read in zip(rows, fitting[0], strict=True):
        row.candidates, row.problem = [Candidate(_values(read), read)], ""
    return rows


def _values(cells: tuple[CellRead, ...]) -> tuple[int | None, ...]:
    return tuple(None if cell.value is None else int(cell.value) for cell in cells)


def _fits(reads: list[tuple[CellRead, ...]], rows: list[Row]) -> bool:
    return all(sums_hold(_values(read), row.spec.blocks) for read, row in zip(reads, rows, strict=True))


# ---------------------------------------------------------------- table 4


def disputes_rows(norm: str, region: Region, spec: RowSpec) -> Row | None:
    """Table 4's fifteen figures: the one row under the heads, or figures in pieces behind their own heads."""
    heads = sorted(region.header)
    start = heads[0].start if heads else region.start
    fields = tokens_of(without_furniture(norm, start, region.end), start, ("count",))
    groups = _groups(norm, fields)
    if groups:
        largest = max(groups, key=lambda g: sum(f.end - f.start for f in g))
        digits = sum(len(re.sub(r"\D", "", f.text)) or 1 for f in largest)
        if digits >= 11 or len(groups) == 1:
            return _one_row(norm, region, spec, heads, largest)
        pieces = _in_pieces(norm, spec, heads, groups)
        if pieces:
            return pieces
        if digits < 5:
            return None
        return _one_row(norm, region, spec, heads, largest)
    return _one_row(norm, region, spec, heads, [])


def _groups(norm: str, fields: list[Field]) -> list[list[Field]]:
    """Runs of figures with no word between them."""
    groups: list[list[Field]] = []
    for f in fields:
        if groups and not _WORDS.search(norm, groups[-1][-1].end, f.start):
            groups[-1].append(f)
        else:
            groups.append([f])
    return groups


def _one_row(norm: str, region: Region, spec: RowSpec, heads: list[Hit], group: list[Field]) -> Row | None:
    if group:
        word = _WORDS.search(norm, group[-1].end, region.end)
        end = word.start() if word else region.end
        begin = max((h.end for h in heads if h.end <= group[0].start), default=group[0].start)
        # Words between the last head and the figures (a head that lost a character): the row begins behind them.
        for match in _WORDS.finditer(norm, begin, group[0].start):
            begin = match.end()
    else:
        begin = max((h.end for h in heads), default=region.start)
        word = _WORDS.search(norm, begin, region.end)
        end = word.start() if word else region.end
    row = Row(spec, begin, end)
    style = measure_style([without_furniture(norm, begin, end)])
    read_row(norm, row, Evidence(style, None))
    if not row.candidates and row.problem == "no_figures":
        return None
    return row


def _in_pieces(norm: str, spec: RowSpec, heads: list[Hit], groups: list[list[Field]]) -> Row | None:
    """Fifteen figures in three rows of five, five of three, or one behind each head."""
    behind = [g for g in groups if _head_before(norm, heads, g[0].start)]
    flat = [f for g in behind for f in g]
    if len(flat) != len(spec.paths) or any(f.reading is None or f.reading.kind != "number" for f in flat):
        return None
    sizes = [len(g) for g in behind]
    reads = [CellRead("reported", f.reading.value, f.start, f.end) for f in flat if f.reading]
    if sizes == [3] * 5:
        reads = [reads[c * 3 + b] for b in range(len(DISPUTE_BLOCKS)) for c in range(5)]
    elif sizes not in ([5, 5, 5], [1] * 15, [5, 10]):
        return None
    row = Row(spec, flat[0].start, flat[-1].end)
    values = tuple(read.value for read in reads)
    row.candidates = [Candidate(values, tuple(reads))]
    return row


def _head_before(norm: str, heads: list[Hit], position: int) -> bool:
    return any(h.end <= position and not norm[h.end : position].strip(" \t\n|:,;-数量件") for h in heads)
