"""Table 2 · 主动公开政府信息情况. It has no equations: what the print does not decide stays open."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

from extractor.form import FORM
from extractor.reader.anchors import Layout, Region
from extractor.reader.candidates import Row, RowSpec
from extractor.reader.fuzzy import find_missing
from extractor.reader.heads import disclosure_heads_in_order
from extractor.reader.labels import Hit
from extractor.reader.other_heads import other_disclosure_heads
from extractor.reader.reports import SENTENCE
from extractor.reader.tables import TableRead, read_rows, rows_between_labels, settle_row, unclaimed
from extractor.results import Cell


@lru_cache(maxsize=64)
def disclosure_spec(key: str, version: str) -> RowSpec:
    """A row of table 2: up to three cells, no sums."""
    names = next(row.fields[version] for row in FORM.disclosure if row.key == key)
    kinds = tuple(FORM.fields[name].kind for name in names)
    return RowSpec(key, tuple(f"disclosure.{key}.{name}" for name in names), kinds, ())


def read_disclosure(norm: str, layout: Layout, version: str) -> TableRead:
    """The cells of table 2 in the form `version`."""
    region, form_rows = layout.disclosure, FORM.disclosure_rows(version)
    specs = {row.key: disclosure_spec(row.key, version) for row in form_rows}
    if region is not None:
        region.anchors = [anchor for anchor in region.anchors if anchor.key in specs]
    if region is None or not region.anchors:
        return TableRead([Cell(path) for spec in specs.values() for path in spec.paths], False)
    find_missing(norm, region, layout.hits, [row.label for row in form_rows])
    rows = _rows(norm, region, specs)
    table = TableRead([], bool(rows), list(region.doubts))
    prose = [row for row in rows if SENTENCE.search(norm, row.start, _data_end(row))]
    if len(prose) * 2 >= len(rows):
        return read_disclosure(norm, replace(layout, disclosure=None), version)
    for row in rows:
        spans = [cell.end for candidate in row.candidates for cell in candidate.cells if cell.end]
        if row in prose or any(_GOES_ON.match(norm, end, row.end) for end in spans):
            row.candidates, row.problem = [], "no_figures"
    wide = [anchor.start for anchor in region.anchors if len(specs[anchor.key].paths) > 2]
    if not disclosure_heads_in_order(norm, region.header) or any(other_disclosure_heads(norm, at) for at in wide):
        table.doubts.append("heads")
    anchored = {anchor.key for anchor in region.anchors}
    heads = min((hit.start for hit in region.header), default=region.start)
    left_out = [hit for hit in layout.hits if hit.kind == "disclosure" and hit.key in specs and hit.key not in anchored]
    if any(heads <= hit.start < region.end or _under_heads(hit, layout.hits) for hit in left_out):
        table.doubts.append("claimed")  # A row of the table is printed and was not chained.
    printed = [hit for hit in layout.hits if hit.kind == "disclosure" and heads <= hit.start < region.end]
    if any(a.key == b.key and _DIGIT.search(norm, a.end, b.start) for a, b in pairwise(printed)):
        table.doubts.append("several_tables")  # A row is printed twice, with figures of its own each time.
    if unclaimed(norm, region, rows):
        table.doubts.append("claimed" if all(row.candidates for row in rows) else "order")
    by_key = table.rows = {row.spec.key: row for row in rows}
    for form_row in form_rows:
        cells = settle_row(specs[form_row.key], by_key.get(form_row.key), table)
        for cell in cells:
            if cell.path.endswith(".amount"):
                cell.unit = cell.unit or _unit(norm, region, form_row.unit.get(version))
        table.cells.extend(cells)
    table.found = any(cell.state != "missing" for cell in table.cells)
    return table


_DIGIT = re.compile(r"\d")


def _data_end(row: Row) -> int:
    """Where a row's figures end, their unit and the mark behind it included; a note below is none of them."""
    ends = [cell.end for candidate in row.candidates for cell in candidate.cells if cell.end]
    return min(row.end, max(ends) + 4) if ends else row.end


def _under_heads(row: Hit, hits: list[Hit]) -> bool:
    """Whether a row's label stands right under heads of table 2."""
    return any(hit.kind == "field" and hit.start < row.start and row.start - hit.end < 300 for hit in hits)


# Words behind a figure on its line: a sentence, no cell.
_GOES_ON = re.compile(r" *(?!件|万元|亿元|元|条|项|宗|起|份|次|个|增|减|无|不涉及)[一-鿿]")


def _rows(norm: str, region: Region, specs: dict[str, RowSpec]) -> list[Row]:
    """The rows with what stands behind their labels, or, where that leaves figures over, before them."""
    labels = {row.key: row.label for row in FORM.disclosure}
    rows = rows_between_labels(norm, region, specs)
    read_rows(norm, rows, region, labels)
    if unclaimed(norm, region, rows):
        above = rows_between_labels(norm, region, specs, above=True)
        read_rows(norm, above, region, labels)
        printed = all(cell.value is not None for row in above for c in row.candidates[:1] for cell in c.cells)
        if printed and all(row.candidates for row in above) and not unclaimed(norm, region, above):
            return above
    return rows


# The unit may be wrapped in its head's cell: borders and line ends stand between. Some heads say only 金额（元）.
_UNIT = re.compile(r"(?:单\s*位|金\s*额)[\s:|(为]*+(?:人\s*民\s*币[\s:|(]*+)?([百千万亿]?)\s*+(元)")


def _unit(norm: str, region: Region, default: str | None) -> str | None:
    """The unit printed in the table's head (单位：万元), else the form's."""
    found = [match[1] + match[2] for match in _UNIT.finditer(norm, region.start, region.end)]
    heads = min((hit.start for hit in region.header), default=region.start)
    found = found or [match[1] + match[2] for match in _UNIT.finditer(norm, heads, region.end)]
    return found[-1] if found else default
