"""Reads the three tables of one report: the flow of reader/ from located labels to cells."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache

from extractor.form import (
    DISPUTE_BLOCKS,
    DISPUTE_COLUMNS,
    FORM,
    GROUPS,
    REQUEST_COLUMNS,
    REQUEST_ROWS,
    Label,
    equations,
    fold,
    group_all,
)
from extractor.form.equations import request_rows
from extractor.reader.derive import derive
from extractor.reader.fields import columns_from_heads, measure_columns, measure_style, tokens_of, without_furniture
from extractor.reader.fuzzy import find_missing
from extractor.reader.joint import VectorEquation, choose
from extractor.reader.locate import SENTENCE, Layout, Region
from extractor.reader.readings import Candidate, CellRead, Evidence, Row, RowSpec, read_plain, read_row
from extractor.reader.stream import disputes_rows, stream_rows
from extractor.results import Cell


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
    # Rows of table 2 whose figures stand in sentences.
    prose: int = 0


# ---------------------------------------------------------------- specs


@lru_cache(maxsize=64)
def request_spec(key: str) -> RowSpec:
    """A row of table 3: seven counts, the seventh the sum of the others."""
    return RowSpec(key, tuple(f"requests.{key}.{c}" for c in REQUEST_COLUMNS), ("count",) * 7, ((0, 7),))


@lru_cache(maxsize=64)
def disclosure_spec(key: str, version: str) -> RowSpec:
    """A row of table 2: up to three cells, no sums."""
    names = next(row.fields[version] for row in FORM.disclosure if row.key == key)
    kinds = tuple(FORM.fields[name].kind for name in names)
    return RowSpec(key, tuple(f"disclosure.{key}.{name}" for name in names), kinds, ())


@lru_cache(maxsize=1)
def disputes_spec() -> RowSpec:
    """Table 4 is one row of fifteen counts: three blocks of five, each block's fifth its sum."""
    paths = tuple(f"{b}.{c}" for b in DISPUTE_BLOCKS for c in DISPUTE_COLUMNS)
    return RowSpec("disputes", paths, ("count",) * 15, ((0, 5), (5, 10), (10, 15)))


@lru_cache(maxsize=64)
def vector_equations(printed: frozenset[str], without: frozenset[str]) -> tuple[VectorEquation, ...]:
    """Table 3's column rules over whole rows (the form's balance, outcomes and groups)."""
    out = []
    for rule in FORM.rules:
        if rule.each == "column":
            sides = []
            for side in (rule.left, rule.right):
                rows: list[str] = []
                for name in side:
                    group, _, star = name.partition(".")
                    if star == "*":
                        rows.extend([group_all(group)] if group in without else GROUPS[group])
                    else:
                        rows.append(name)
                sides.append(tuple(rows))
            out.append(VectorEquation(*sides))
        elif rule.each == "group and column":
            out.extend(VectorEquation(GROUPS[g], (group_all(g),)) for g in sorted(printed - without))
    return tuple(out)


# ---------------------------------------------------------------- rows of a region


def _rows(norm: str, region: Region, specs: dict[str, RowSpec]) -> list[Row]:
    """One row per anchor: what is printed from its label to the next label."""
    rows = []
    anchors = region.anchors
    stops = sorted(region.stops)
    for index, anchor in enumerate(anchors):
        end = anchors[index + 1].start if index + 1 < len(anchors) else region.end
        end = next((stop for stop in stops if anchor.end <= stop < end), end)
        rows.append(Row(specs[anchor.key], anchor.end, end))
    return rows


def _read_rows(norm: str, rows: list[Row], region: Region, labels: dict[str, Label]) -> None:
    """Plain rows first; what the others allow depends on the table's layout, measured over all rows."""
    open_rows = []
    for row in rows:
        plain = read_plain(norm, row.start, row.end, row.spec)
        if plain:
            row.candidates = [plain]
        else:
            open_rows.append(row)
    if not open_rows:
        return
    style = measure_style([without_furniture(norm, row.start, row.end) for row in rows])
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
    evidence = Evidence(style, columns)
    order = {id(row): index for index, row in enumerate(rows)}
    for row in open_rows:
        index = order[id(row)] + 1
        anchor = region.anchors[index] if index < len(region.anchors) else None
        expected = labels[anchor.key].ordinal if anchor and anchor.key in labels and not anchor.ordinal else ""
        read_row(norm, row, evidence, expected if expected.isdigit() else "")


# ---------------------------------------------------------------- table 2


def read_disclosure(norm: str, layout: Layout, version: str) -> TableRead:
    """Table 2. It has no equations: what the digits do not decide stays ambiguous."""
    region, form_rows = layout.disclosure, FORM.disclosure_rows(version)
    if region is None:
        return TableRead(
            [Cell(f"disclosure.{r.key}.{name}") for r in form_rows for name in r.fields[version]], False
        )
    specs = {row.key: disclosure_spec(row.key, version) for row in form_rows}
    region.anchors = [anchor for anchor in region.anchors if anchor.key in specs]
    if not region.anchors:
        return read_disclosure(norm, replace(layout, disclosure=None), version)
    find_missing(norm, region, layout.hits, [row.label for row in form_rows])
    rows = _rows(norm, region, specs)
    _read_rows(norm, rows, region, {row.key: row.label for row in form_rows})
    table = TableRead([], bool(rows), list(region.doubts))
    for row in rows:
        if SENTENCE.search(norm, row.start, row.end):
            row.candidates, row.problem = [], "no_figures"
            table.prose += 1
    if table.prose * 2 >= len(rows):
        return read_disclosure(norm, replace(layout, disclosure=None), version)
    if any(not row.candidates for row in rows) and _unclaimed(norm, region, rows):
        table.doubts.append("order")
    by_key = {row.spec.key: row for row in rows}
    for form_row in form_rows:
        row = by_key.get(form_row.key)
        cells = _settle(specs[form_row.key], row, table)
        for cell in cells:
            if cell.path.endswith(".amount"):
                cell.unit = cell.unit or _unit(norm, region, form_row.unit.get(version))
        table.cells.extend(cells)
    table.found = any(cell.state != "missing" for cell in table.cells)
    return table


def _unclaimed(norm: str, region: Region, rows: list[Row]) -> bool:
    """Whether figures stand in the table that no row took."""
    claimed = {
        position
        for row in rows
        for candidate in row.candidates
        for cell in candidate.cells
        for position in range(cell.start, cell.end)
    }
    stretch = without_furniture(norm, region.start, region.end)
    return any(region.start + m.start() not in claimed for m in re.finditer(r"(?<![第(])\d", stretch))


def _unit(norm: str, region: Region, default: str | None) -> str | None:
    """The unit printed in the table's head (单位：万元), else the form's."""
    for hit in region.header:
        if hit.key == "单位":
            tail = norm[hit.end : hit.end + 8].lstrip(" :")
            for unit in ("万元", "亿元", "元"):
                if tail.startswith(unit):
                    return unit
    return default


# ---------------------------------------------------------------- table 3


def read_requests(norm: str, layout: Layout) -> TableRead:
    """Table 3: every row's candidates, then rows and columns choose jointly."""
    region = layout.requests
    if region is None:
        cells = [Cell(f"requests.{r}.{c}") for r in REQUEST_ROWS for c in REQUEST_COLUMNS]
        return TableRead(cells, False)
    find_missing(norm, region, layout.hits, FORM.rows)
    labels = {row.key: row for row in FORM.rows}
    specs = {anchor.key: request_spec(anchor.key) for anchor in region.anchors}
    rows = _rows(norm, region, specs)
    _read_rows(norm, rows, region, labels)
    present = {row.spec.key for row in rows}
    rows = [row for row in rows if not _empty_group(row, present)]
    if any(not row.candidates for row in rows):
        streamed = stream_rows(norm, region, [r for r in rows if not r.spec.key.endswith(".all")])
        if streamed:
            rows = streamed
    table = TableRead([], bool(rows), list(region.doubts))
    candidates = {row.spec.key: row.candidates for row in rows if row.candidates}
    printed = frozenset(key.split(".")[0] for key in candidates if key.endswith(".all"))
    table.groups = printed
    table.without_sub_rows = frozenset(
        group for group in printed if not any(row in candidates for row in GROUPS[group])
    )
    choice = choose(candidates, vector_equations(table.groups, table.without_sub_rows)) if candidates else None
    if choice and not choice.solved:
        table.doubts.append("ambiguous" if choice.why == "budget" else "contradiction")
    by_key = {row.spec.key: row for row in rows}
    if choice:
        for key, viable in choice.viable.items():
            by_key[key].candidates = viable
    _complete_by_table(by_key, table)
    for key in request_rows(printed):
        row = by_key.get(key)
        table.cells.extend(_settle(request_spec(key), row, table))
    return table


def _complete_by_table(rows: dict[str, Row], table: TableRead) -> None:
    """Where a row has several places for its figures, what the whole table derives under each of them.

    Six figures for seven columns often give the same seven values wherever they stand: then the values are proved
    although the places are not.
    """
    undecided = [
        row
        for row in rows.values()
        if len(row.candidates) > 1 and any(None in candidate.values for candidate in row.candidates)
    ]
    if not undecided or sum(len(row.candidates) for row in undecided) > 60:
        return
    agreed: dict[str, int | None] = {}
    for row in rows.values():
        for index, path in enumerate(row.spec.paths):
            values = {candidate.values[index] for candidate in row.candidates}
            agreed[path] = values.pop() if len(values) == 1 else None  # type: ignore[assignment]
    rules = [e for e in equations(table.groups, table.without_sub_rows) if e.code.startswith("requests.")]
    for key in request_rows(table.groups):
        for column in REQUEST_COLUMNS:
            agreed.setdefault(f"requests.{key}.{column}", None)
    for row in undecided:
        for index, candidate in enumerate(row.candidates):
            trial = {**agreed, **dict(zip(row.spec.paths, candidate.values, strict=True))}
            found, impossible = derive(trial, rules)  # type: ignore[arg-type]
            if not impossible:
                values = tuple(
                    found[path][0] if value is None and path in found else value
                    for path, value in zip(row.spec.paths, candidate.values, strict=True)
                )
                row.candidates[index] = Candidate(values, candidate.cells)


def _empty_group(row: Row, present: set[str]) -> bool:
    """A group's label that heads no figures of its own is not a row."""
    group, _, tail = row.spec.key.partition(".")
    if tail != "all":
        return False
    if any(sub in present for sub in GROUPS[group]):
        return all(value is None for candidate in row.candidates for value in candidate.values) and not row.problem
    return not row.candidates and row.problem == "no_figures"


# ---------------------------------------------------------------- table 4


def read_disputes(norm: str, region: Region | None) -> TableRead:
    """Table 4: fifteen figures in print order, three sums."""
    spec = disputes_spec()
    if region is None:
        return TableRead([Cell(path) for path in spec.paths], False)
    row = disputes_rows(norm, region, spec)
    table = TableRead([], row is not None, list(region.doubts))
    table.cells = _settle(spec, row, table)
    if row is None or not row.candidates:
        table.found = False
    return table


# ---------------------------------------------------------------- cells


def _settle(spec: RowSpec, row: Row | None, table: TableRead) -> list[Cell]:
    """The cells of a row from its viable candidates: agreed ones are reported, disputed ones ambiguous."""
    if row is None:
        return [Cell(path) for path in spec.paths]
    if not row.candidates:
        if row.problem and row.problem != "no_figures":
            table.doubts.append("unread")
            return [Cell(path, state="ambiguous") for path in spec.paths]
        return [Cell(path, state="blank") for path in spec.paths]
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
            read.value,
            "reported",
            span=(read.start, read.end),
            method="rule",
            unit=read.unit,
        )
    span = (read.start, read.end) if read.end else None
    return Cell(path, state=read.state, span=span)
