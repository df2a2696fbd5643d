"""What the three tables share: rows between labels, evidence of the table's layout, cells from candidates."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise

from extractor.form import FORM, REQUEST_COLUMNS, Label, fold
from extractor.reader.anchors import Region
from extractor.reader.borderless import set_apart
from extractor.reader.candidates import CellRead, Evidence, Row, RowSpec, suits, sums_hold
from extractor.reader.columns import columns_from_heads, measure_columns
from extractor.reader.fields import Field, measure_style, tokens_of, without_furniture
from extractor.reader.readings import measure_edges, read_plain, read_row
from extractor.results import Cell, State, Value


@dataclass(slots=True)
class TableRead:
    """One table as read: its cells in print order, and why it may not be trusted (`doubts`, rule codes)."""

    cells: list[Cell]
    found: bool
    doubts: list[str] = field(default_factory=list)
    groups: frozenset[str] = frozenset()
    without_sub_rows: frozenset[str] = frozenset()
    # Cells whose figure is a candidate reading (`2 0` for 20): they need equations that hold with them.
    tentative: set[str] = field(default_factory=set)
    # The rows that were found, by key (table 4: one, `disputes`), with the readings that the equations left.
    rows: dict[str, Row] = field(default_factory=dict)


def printed_figures(norm: str, start: int, end: int, most: int = 40) -> tuple[Value, ...]:
    """The different numbers printed in a stretch that could not be read, smallest first."""
    stretch = without_furniture(norm, start, min(end, start + 2000))
    readings = [f.reading for f in tokens_of(stretch, start, ("count",))]
    return tuple(sorted({r.value for r in readings if r and r.value is not None})[:most])


def rows_between_labels(norm: str, region: Region, specs: dict[str, RowSpec], above: bool = False) -> list[Row]:
    """One row per anchor: what is printed from its label to the next one (`above`: from the label before to it)."""
    rows = []
    anchors = region.anchors
    stops = sorted(region.stops)
    heads = sorted(hit.end for hit in region.header)
    for index, anchor in enumerate(anchors):
        if above:
            floor = anchors[index - 1].end if index else figures_floor(norm, region)
            floor = max([floor, *(end for end in heads if floor < end <= anchor.start)])
            rows.append(Row(specs[anchor.key], floor, anchor.start))
            continue
        end = anchors[index + 1].start if index + 1 < len(anchors) else region.end
        end = next((stop for stop in stops if anchor.end <= stop < end), end)
        rows.append(Row(specs[anchor.key], anchor.end, end))
    return rows


def read_rows(norm: str, rows: list[Row], region: Region, labels: dict[str, Label]) -> None:
    """Plain rows first; what the others allow depends on the table's layout, measured over all rows."""
    open_rows = []
    for index, row in enumerate(rows):
        row.candidates = []
        plain = read_plain(norm, row.start, row.end, row.spec)
        ordinal = _expected_ordinal(region, index, labels)
        stuck = plain and ordinal and str(plain.values[-1]).endswith(ordinal)
        if plain and not (stuck and not sums_hold(plain.values, row.spec.blocks)):
            row.candidates = [plain]
        else:
            open_rows.append((row, ordinal))
    if not open_rows:
        return
    stretches = [without_furniture(norm, row.start, row.end) for row in rows]
    style = measure_style(stretches)
    columns = None
    if style.kind == "wide":
        full = [
            [(cell.start, cell.end) for cell in row.candidates[0].cells]
            for row in rows
            if row.candidates and len(row.spec.paths) > 1
        ]
        columns = measure_columns(norm, full) if full else None
        if columns is None and region.header and len(rows[0].spec.paths) == len(REQUEST_COLUMNS):
            heads = tuple(fold(column.label) for column in FORM.columns)
            figures = [tokens_of(without_furniture(norm, r.start, r.end), r.start, r.spec.kinds) for r in rows]
            columns = columns_from_heads(norm, region.header[0].start, region.start, heads, figures)
    evidence = Evidence(style, columns, glued=any(STUCK.search(stretch) for stretch in stretches))
    if style.bordered:
        measure_edges(norm, rows, evidence)
    for row, ordinal in open_rows:
        read_row(norm, row, evidence, ordinal)
    for row in rows:
        kinds = row.spec.kinds
        if row.candidates and not all(suits(candidate.cells, kinds) for candidate in row.candidates):
            row.candidates, row.problem = [], "unread"
        _refuse_foreign(norm, row, _own_words(row, rows, labels))
        if not row.candidates and row.problem != "no_figures":
            row.figures = printed_figures(norm, row.start, row.end)


def _own_words(row: Row, rows: list[Row], labels: dict[str, Label]) -> str:
    """The letters of the row's label and of the label before it."""
    index = next(i for i, other in enumerate(rows) if other is row)
    keys = [other.spec.key for other in rows[max(0, index - 1) : index + 1]]
    return "".join(word for key in keys if key in labels for word in labels[key].wordings)


# Letters of merged labels that are chopped over the lines, of heads and of units.
_LOOSE = frozenset(
    "三四五六七本年度办理结果不予公开无法提供处其他一二月日第页共件项单位万元数量信息申请政府类情形事内容卷的及与和或等"
)


def _refuse_foreign(norm: str, row: Row, own: str) -> None:
    """Figures behind words that belong to no part of the row's label are another row's (`行政许可 … 其中：新办 77`).

    `own`: the row's label and, where figures stand above their labels, the label before.
    """
    starts = [cell.start for candidate in row.candidates for cell in candidate.cells if cell.end]
    if not starts:
        return
    between = without_furniture(norm, row.start, min(starts))
    # What follows the label in its own cell or line still belongs to it (属于行政执法案卷信息, a note in brackets).
    edge = _CELL_EDGE.search(between)
    gaps = [between[edge.start() :] if edge else ""]
    for candidate in row.candidates:
        printed = [cell for cell in candidate.cells if cell.end]
        # One row's figures have no text between them: what stands behind a sentence is not the row's.
        gaps += [
            _NOTE.sub("", without_furniture(norm, a.end, b.start))
            for a, b in pairwise(printed)
            if "\n" in norm[a.end : b.start]
        ]
    for gap in gaps:
        foreign = [char for char in gap if "一" <= char <= "鿿" and char not in own and char not in _LOOSE]
        if len(foreign) >= 2 or (foreign and _NUMBERED.search(gap)):
            row.candidates, row.problem = [], "unread"
            return


_NOTE = re.compile(r"[(][^()\n]*[)]")
_CELL_EDGE = re.compile(r"[\t|\n]|  ")
# A number that begins a label.
_NUMBERED = re.compile(r"(?:(?<!\d)[1-8]\s*[.、]|[(]\s*[一二七]\s*[)])[\s|*]*[一-鿿]")


def _expected_ordinal(region: Region, index: int, labels: dict[str, Label]) -> str:
    """The number that the label behind a row should print, where it does not show one apart."""
    anchor = region.anchors[index + 1] if index + 1 < len(region.anchors) else None
    if anchor is None or anchor.ordinal or anchor.key not in labels:
        return ""
    ordinal = labels[anchor.key].ordinal
    return ordinal if ordinal.isdigit() else ""


def unclaimed(norm: str, region: Region, rows: list[Row]) -> list[list[Field]]:
    """Figures of the table that no row took, in runs without a word between them."""
    claimed = {
        position
        for row in rows
        for candidate in row.candidates
        for cell in candidate.cells
        for position in range(cell.start, cell.end)
    }
    labels = [(anchor.start, anchor.end) for anchor in region.anchors]
    # Where figures share their lines with labels or other figures, one alone between empty lines numbers a page.
    firsts = [row.candidates[0].cells[0] for row in rows if row.candidates]
    paged = sum(_alone(norm, cell.start, cell.end) for cell in firsts) * 4 < len(firsts)
    runs: list[list[Field]] = []
    for printed in tokens_of(without_furniture(norm, head_end(region), region.end), head_end(region), ("count",)):
        if not any(char.isdigit() for char in printed.text) or printed.start in claimed:
            continue
        if any(a <= printed.start < b for a, b in labels):
            continue
        if _CLAUSE.search(norm, max(0, printed.start - 3), printed.end + 3):
            continue
        lone = _alone(norm, printed.start, printed.end) and set_apart(norm, printed.start, printed.end)
        if paged and len(printed.text) <= 3 and lone:
            continue
        if runs and not _LETTER.search(norm, runs[-1][-1].end, printed.start):
            runs[-1].append(printed)
        else:
            runs.append([printed])
    return runs


def _alone(norm: str, start: int, end: int) -> bool:
    """Whether a figure is alone on its line."""
    line = norm.rfind("\n", 0, start) + 1
    stop = norm.find("\n", end)
    return not norm[line:start].strip() and not norm[end : stop if stop >= 0 else len(norm)].strip()


def head_end(region: Region) -> int:
    """Where the table's heads end and its first figures may stand."""
    first = region.anchors[0].start
    return max((hit.end for hit in region.header if hit.end <= first), default=region.start)


def figures_floor(norm: str, region: Region) -> int:
    """Where figures over the first label may begin: behind the heads, or behind the last word before the label."""
    first = region.anchors[0].start
    floor = max((hit.end for hit in region.header if hit.end <= first), default=max(0, first - 120))
    for match in _LETTER.finditer(norm, floor, first):
        floor = match.end()
    return floor


# Figures stuck together: no number begins with 0.
STUCK = re.compile(r"(?<![\d.,])0\d")
_LETTER = re.compile(r"[一-鿿A-Za-z]")
# Digits that are no data: clause numbers, years.
_CLAUSE = re.compile(r"[第(]\s*\d{1,2}\s*[项)条]|\d{4}\s*年")


def settle_row(spec: RowSpec, row: Row | None, table: TableRead) -> list[Cell]:
    """The cells of a row from its viable candidates: agreed ones are reported, disputed ones ambiguous."""
    if row is None:
        return [Cell(path) for path in spec.paths]
    if not row.candidates:
        if row.problem and row.problem != "no_figures":
            table.doubts.append("unread")
            state: State = "ambiguous" if row.figures else "illegible"
            return [Cell(path, state=state, candidates=row.figures) for path in spec.paths]
        return [Cell(path) for path in spec.paths]  # A label without figures or borders shows no cell.
    if len(row.candidates) == 1:
        cells = row.candidates[0].cells
        table.tentative |= {path for path, cell in zip(spec.paths, cells, strict=True) if cell.tentative}
        return [_cell(path, cell) for path, cell in zip(spec.paths, cells, strict=True)]
    out = []
    for index, path in enumerate(spec.paths):
        reads = {candidate.cells[index] for candidate in row.candidates}
        values = {candidate.values[index] for candidate in row.candidates}
        if len(reads) == 1:
            read = reads.pop()
            if read.tentative:
                table.tentative.add(path)
            out.append(_cell(path, read))
        elif len(values) == 1 and None not in values:
            value = values.pop()
            rule = f"requests.applicants.{spec.key}" if spec.blocks and len(spec.paths) == 7 else ""
            block = path.split(".")[0]
            out.append(Cell(path, value, "missing", method="derived", because=(rule or f"{block}.sum",)))
        elif all(read.state in ("blank", "missing") for read in reads):
            out.append(Cell(path, state="blank" if any(read.state == "blank" for read in reads) else "missing"))
        else:
            shown = tuple(sorted({v for v in values if v is not None}))
            out.append(Cell(path, state="ambiguous", candidates=shown))
    return out


def _cell(path: str, read: CellRead) -> Cell:
    if read.state == "reported":
        return Cell(
            path,
            Decimal(read.value) if path.endswith(".amount") and read.value is not None else read.value,
            "reported",
            span=(read.start, read.end),
            method="rule",
            unit=read.unit,
        )
    span = (read.start, read.end) if read.end else None
    return Cell(path, state=read.state, span=span)
