"""Figures that stand apart from their labels: read in print order, and only where the count and the sums fit.

PDF raw text prints all labels first and the figures later, or the figures column by column, in pieces where a page
ended (order.py); table 4 prints one row of figures under its heads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

from extractor.form import DISPUTE_BLOCKS, DISPUTE_COLUMNS, FORM, GROUPS, REQUEST_COLUMNS, REQUEST_ROWS, group_all
from extractor.reader.anchors import Layout, Region
from extractor.reader.borderless import without_lone_lines
from extractor.reader.candidates import Candidate, CellRead, Row, sums_hold
from extractor.reader.fields import Field, tokens_of, without_furniture
from extractor.reader.joint import VectorEquation
from extractor.reader.labels import ordinal_start
from extractor.reader.order import MOST_ROWS, Pieces, Values, fits_in_pieces, prove_order


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
    by columns, whole or in pieces, would do as well and differ.
    """
    if not _all_rows(rows):
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
    columns = [
        c for c, place in _heads_met(norm, layout, region, start, fields[-1].end) if c < len(REQUEST_COLUMNS) - 2
    ]
    if columns != sorted(columns) and len(set(columns)) == len(columns):
        return None  # Heads among the labels, out of the form's order.
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
    if best is not by_rows:
        return None  # Column by column is taken only on proof (rows_in_pieces).
    numbers = [cell.value for cell in cells if isinstance(cell.value, int)]
    read_values = [tuple(int(cell.value or 0) for cell in read) for read in best]
    if len(numbers) == len(cells) and fits_in_pieces(
        numbers, width, lambda read: _balanced(read, rows, equations), read_values
    ):
        return None
    for row, read in zip(rows, best, strict=True):
        row.candidates, row.problem = [Candidate(_values(read), read)], ""
    return rows


def _all_rows(rows: list[Row]) -> bool:
    """Whether every row of the form has a label, its own or its group's."""
    printed = {row.spec.key for row in rows}
    return all(key in printed or group_all(key.split(".")[0]) in printed for key in REQUEST_ROWS)


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


# ---------------------------------------------------------------- column by column, in pieces

# Doubts that arise from reading such figures as the rows beside them: the proof of their order settles them.
SETTLED = frozenset({"order", "claimed", "contradiction"})
# Figures more than the table has cells that may be page numbers, and places where one may stand.
MOST_PAGES, MOST_LONE = 3, 6
_SENTENCE_END = re.compile(r"[。；]")
# A number alone on its line with two empty lines behind it (a form feed counts as one).
_LONE = re.compile(r"(?<=\n)[ \t]*(\d{1,3})[ \t]*(?=\n[ \t]*\n[ \t]*\n)")


def rows_of_their_own(rows: list[Row]) -> list[Row]:
    """The rows without groups whose sub-rows are all printed: such a label heads no figures of its own."""
    printed = {row.spec.key for row in rows}
    idle = {group_all(group) for group, subs in GROUPS.items() if printed.issuperset(subs)}
    return [row for row in rows if row.spec.key not in idle]


def rows_in_pieces(
    norm: str, region: Region, rows: list[Row], equations: tuple[VectorEquation, ...], layout: Layout
) -> list[Row] | None:
    """Table 3 printed column by column, whole or in pieces of rows, where the equations prove that order.

    None unless exactly one assignment of the figures to the cells keeps every equation (order.py), row by row
    included, and all heads of applicants stand in the form's order (no equation sees it), each before its figures.
    """
    if not _all_rows(rows) or len(rows) > MOST_ROWS:
        return None
    width = len(REQUEST_COLUMNS)
    start = max([h.end for h in region.header if h.end <= region.start], default=region.start)
    end = region.end
    if layout.disputes and layout.disputes.header:
        # The heading of the next section may stand before the last figures: the heads of its table do not.
        end = max(end, min(hit.start for hit in layout.disputes.header))
    if _SENTENCE_END.search(norm, region.start, end):
        return None
    fields = _figures(norm, start, end, [(anchor.start, anchor.end) for anchor in region.anchors])
    proved: list[tuple[list[Field], Pieces]] = []
    seen: set[tuple[Values, ...]] = set()
    for chosen in _without_page_numbers(norm, fields, width * len(rows)):
        stream = [f.reading.value for f in chosen if f.reading and f.reading.kind == "number"]
        numbers = [value for value in stream if isinstance(value, int) and value >= 0]
        if len(numbers) != len(chosen):
            return None
        found = prove_order(numbers, width, lambda read: _balanced(read, rows, equations))
        if found:
            seen.add(found[0])
            proved += [(chosen, found[1])] if found[1] else []
    if len(seen) != 1 or len(proved) != 1:
        return None
    chosen, order = proved[0]
    if not _heads_lead(norm, layout, region, chosen, order, start):
        return None
    for row, places in zip(rows, order.places, strict=True):
        cells = tuple(
            CellRead("reported", f.reading.value if f.reading else None, f.start, f.end)
            for f in (chosen[place] for place in places)
        )
        row.candidates, row.problem = [Candidate(_values(cells), cells)], ""
    region.end = max(region.end, chosen[-1].end)
    if layout.disputes:
        layout.disputes.floor = max(layout.disputes.floor, chosen[-1].end)
    return rows


def _without_page_numbers(norm: str, fields: list[Field], count: int) -> Iterator[list[Field]]:
    """The figures if they are as many as the cells; if a few more, without numbers that stand like a page's."""
    extra = len(fields) - count
    if not extra:
        yield fields
    if not 0 < extra <= MOST_PAGES:
        return
    lone = {match.start(1) for match in _LONE.finditer(norm, fields[0].start - 1, fields[-1].end + 3)}
    places = [index for index, f in enumerate(fields) if f.start in lone]
    if len(places) <= MOST_LONE:
        for pages in combinations(places, extra):
            yield [f for index, f in enumerate(fields) if index not in pages]


def _balanced(read: Sequence[Values], rows: list[Row], equations: tuple[VectorEquation, ...]) -> int | None:
    """How many column equations hold with sums other than 0; None where one is broken."""
    by_key = {row.spec.key: values for row, values in zip(rows, read, strict=True)}
    empty = (0,) * len(REQUEST_COLUMNS)
    count = 0
    for equation in equations:
        for left, right in zip(
            (sum(column) for column in zip(*[by_key.get(key, empty) for key in equation.left], strict=True)),
            (sum(column) for column in zip(*[by_key.get(key, empty) for key in equation.right], strict=True)),
            strict=True,
        ):
            if left != right:
                return None
            count += left > 0
    return count


def _heads_met(norm: str, layout: Layout, region: Region, start: int, end: int) -> list[tuple[int, int]]:
    """The heads of columns over the table and among its figures, in print order: (column, place)."""
    own = {hit.start for hit in region.header}
    labels = {position for anchor in region.anchors for position in range(anchor.start, anchor.end)}
    met = []
    for hit in layout.hits:
        if hit.start not in own and not start <= hit.start < end:
            continue
        if hit.kind == "column" or (hit.kind == "shared" and hit.key in ("other", "total")):
            key = "other_organization" if hit.key == "other" else hit.key
            if hit.start not in labels and not (hit.kind == "shared" and ordinal_start(norm, hit.start)[1]):
                met.append((REQUEST_COLUMNS.index(key), hit.start))
    return met


def _heads_lead(norm: str, layout: Layout, region: Region, fields: list[Field], order: Pieces, start: int) -> bool:
    """Whether the heads of all applicants stand in the form's order, none behind figures of its own column."""
    met = _heads_met(norm, layout, region, start, fields[-1].end)
    heads = dict(reversed(met))
    columns = [column for column, _ in met]
    if not set(range(len(REQUEST_COLUMNS) - 1)) <= heads.keys():
        return False
    if any(b <= a and (b > 0 or a < len(REQUEST_COLUMNS) - 2) for a, b in pairwise([-1, *columns])):
        return False  # A page may repeat the heads, from the first on.
    first = [min(fields[row[column]].start for row in order.places) for column in range(len(REQUEST_COLUMNS))]
    return all(place < first[column] for column, place in heads.items())


def figures_behind(norm: str, region: Region, layout: Layout) -> bool:
    """Whether figures of table 3 may stand behind the next section's heading, before the heads of its table.

    A row of fifteen there is table 4's, printed over its heads.
    """
    if layout.disputes is None or not layout.disputes.header:
        return False
    end = min(hit.start for hit in layout.disputes.header)
    behind = _figures(norm, region.end, max(region.end, end), [])
    return len(behind) >= len(REQUEST_COLUMNS) and len(behind) != len(DISPUTE_BLOCKS) * len(DISPUTE_COLUMNS)
