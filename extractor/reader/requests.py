"""Table 3 · 收到和处理政府信息公开申请情况: every row's candidates, then rows and columns choose jointly."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from itertools import chain, pairwise

from extractor.form import FORM, GROUPS, REQUEST_COLUMNS, REQUEST_ROWS, equations, fold, group_all
from extractor.form.derive import derive
from extractor.form.equations import request_rows
from extractor.reader.anchors import Anchor, Layout, Region
from extractor.reader.candidates import Candidate, Row, RowSpec, sums_hold
from extractor.reader.foreign import read_beside
from extractor.reader.fuzzy import find_missing
from extractor.reader.heads import request_heads_in_order
from extractor.reader.joint import Choice, VectorEquation, choose, holds
from extractor.reader.other_heads import other_request_heads
from extractor.reader.stream import SETTLED, figures_behind, rows_in_pieces, rows_of_their_own, stream_rows
from extractor.reader.tables import (
    TableRead,
    figures_floor,
    head_end,
    read_rows,
    rows_between_labels,
    settle_row,
    unclaimed,
)
from extractor.results import Cell

# Rows whose label stands in the leftmost column.
_TOP = ("new_received", "carried_in", "carried_out")


@lru_cache(maxsize=64)
def request_spec(key: str) -> RowSpec:
    """A row of table 3: seven counts, the seventh the sum of the others."""
    level = "top" if key in _TOP else "sub" if "." in key and not key.endswith(".all") else "middle"
    paths = tuple(f"requests.{key}.{c}" for c in REQUEST_COLUMNS)
    label = next((row.label for row in FORM.rows if row.key == key), "")
    return RowSpec(key, paths, ("count",) * 7, ((0, 7),), level, fold(label))


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


def read_requests(norm: str, layout: Layout) -> TableRead:
    """The cells of table 3."""
    region = layout.requests
    if region is None:
        cells = [Cell(f"requests.{r}.{c}") for r in REQUEST_ROWS for c in REQUEST_COLUMNS]
        return TableRead(cells, False)
    find_missing(norm, region, layout.hits, FORM.rows)
    rows = _rows(norm, region)
    beside = None
    if any(row.broken or row.problem in ("unread", "too_many_readings") for row in rows):
        beside = read_beside(norm, region, rows, vector_equations)
        rows = beside.rows if beside else rows
    table = TableRead([], bool(rows), list(region.doubts))
    if any(row.broken and len(row.candidates) > 1 for row in rows):
        table.doubts.append("contradiction")  # Several cuts, each breaking the row's own sum: nothing chooses.
    if not request_heads_in_order(norm, region) or other_request_heads(norm, region.anchors[0].start):
        table.doubts.append("heads")
    if any(
        row.spec.key.endswith(".all") and row.candidates and 0 < _printed_subs(row, rows) < len(_sub_rows(row.spec.key))
        for row in rows
    ):
        table.doubts.append("claimed")  # A group's figures beside some of its rows: the first row's label may be lost.
    candidates = {row.spec.key: row.candidates for row in rows if row.candidates}
    table.groups = frozenset(key.split(".")[0] for key in candidates if key.endswith(".all"))
    table.without_sub_rows = frozenset(
        group for group in table.groups if not any(row in candidates for row in GROUPS[group])
    )
    rules = vector_equations(table.groups, table.without_sub_rows)
    if any(row.problem in ("unread", "no_figures") for row in rows):
        for read, trial in ((rows_in_pieces, rows_of_their_own(rows)), (stream_rows, rows)):
            groups = frozenset(row.spec.key.split(".")[0] for row in trial if row.spec.key.endswith(".all"))
            alone = frozenset(g for g in groups if not any(row.spec.key in GROUPS[g] for row in trial))
            streamed = read(norm, region, trial, vector_equations(groups, alone), layout)
            if streamed:
                rows, table.groups, table.without_sub_rows = streamed, groups, alone
                rules = vector_equations(groups, alone)
                candidates = {row.spec.key: row.candidates for row in rows}
                if read is rows_in_pieces:
                    table.doubts = [doubt for doubt in table.doubts if doubt not in SETTLED]
                elif _moved(rows) and _broken(rows):
                    table.doubts.append("order")
                break
    _doubt_unclaimed(norm, region, rows, table, beside.column if beside else [])
    if any(_below_empty_row(norm, row) for row in rows):
        table.doubts.append("claimed")
    if figures_behind(norm, region, layout):
        table.doubts.append("claimed")
    choice = _choose_by_tiers(candidates, rules) if candidates else None
    if choice and not (choice.solved and holds(choice.viable, rules)):
        # No reading within the borders balances: a border may be lost, if with that everything does.
        wider = {row.spec.key: row.candidates + row.reserve for row in rows if row.candidates}
        if any(row.reserve for row in rows):
            second = choose(wider, rules)
            choice = second if second.solved and holds(second.viable, rules) else choice
    if choice and not choice.solved:
        table.doubts.append("ambiguous" if choice.why == "budget" else "contradiction")
    elif choice and any(map(_lost, chain(*choice.viable.values()))) and not holds(choice.viable, rules):
        # A lost cell is supposed on the equations' word alone: if they fail, nothing bears the placement out.
        table.doubts.append("contradiction")
    elif choice and broken_columns(choice.viable, rules) >= 2 and any(map(_cut, chain(*choice.viable.values()))):
        # A published error breaks one column; digits cut in the wrong place break several.
        table.doubts.append("contradiction")
    if choice and any(_slid(found, choice.viable.get(key, [])) for key, found in candidates.items()):
        table.doubts.append("ambiguous")
    by_key = {row.spec.key: row for row in rows}
    if choice:
        for key, viable in choice.viable.items():
            by_key[key].candidates = viable
    table.rows = by_key
    _complete_by_table(by_key, table)
    if any(_unborne(candidate) for row in by_key.values() for candidate in row.candidates):
        table.doubts.append("ambiguous")
    for key in request_rows(table.groups):
        table.cells.extend(settle_row(request_spec(key), by_key.get(key), table))
    return table


def _choose_by_tiers(candidates: dict[str, list[Candidate]], rules: tuple[VectorEquation, ...]) -> Choice:
    """Readings that fill every cell come first, then those that leave cells empty where the page shows them empty;
    a lost cell is supposed only where none of these balances."""
    full = {
        key: [c for c in found if all(cell.state not in ("missing", "blank") for cell in c.cells)] or found
        for key, found in candidates.items()
    }
    placed = {
        key: found if any(map(_padded, found)) else [c for c in found if not _lost(c)] or found
        for key, found in full.items()
    }
    for tier in (placed, full):
        if all(len(tier[key]) == len(found) for key, found in candidates.items()):
            break
        choice = choose(tier, rules)
        if choice.solved and holds(choice.viable, rules):
            return choice
    return choose(candidates, rules)


def broken_columns(viable: dict[str, list[Candidate]], rules: tuple[VectorEquation, ...]) -> int:
    """In how many columns the chosen readings cannot balance."""
    count = 0
    for column in range(len(REQUEST_COLUMNS)):
        one = {
            key: [Candidate((found[0].values[column],), found[0].cells[column : column + 1])]
            for key, found in viable.items()
        }
        count += not holds(one, rules)
    return count


def _cut(candidate: Candidate) -> bool:
    """Whether figures of several digits were cut from a run without borders."""
    cells = [cell for cell in candidate.cells if cell.end]
    stuck = any(a.end == b.start for a, b in pairwise(cells))
    return stuck and any(cell.end - cell.start > 1 for cell in cells)


def _lost(candidate: Candidate) -> bool:
    """Whether the reading supposes that a cell of the row was lost."""
    return any(cell.state == "missing" for cell in candidate.cells)


def _unborne(candidate: Candidate) -> bool:
    """Whether several cells are supposed lost and the rules do not even say what they held: nothing bears that out."""
    return sum(cell.state == "missing" for cell in candidate.cells) >= 2 and None in candidate.values


def _padded(candidate: Candidate) -> bool:
    """Whether a cell may have been lost and the row padded at its edge: then no place is better than another."""
    states = [cell.state for cell in candidate.cells]
    return states[-1] == "blank" or (states[0] == "blank" and states.count("blank") == 1)


def _slid(found: list[Candidate], chosen: list[Candidate]) -> bool:
    """Whether a row's borders give each figure its place, an edge cell blank, and the equations want another.

    The row may have lost a cell and been padded, or be printed a column off: figures other than 0 tell two stories.
    """
    in_place = [c for c in found if _padded(c) and not _lost(c)]
    if not in_place or not any(value for value in in_place[0].values):
        return False
    return not any(candidate in chosen for candidate in in_place)


def _rows(norm: str, region: Region) -> list[Row]:
    """The rows with what stands behind their labels, or before them.

    Figures stand behind labels unless they stand over the first one or none is behind the last; then both ways are
    read and the equations tell. Where they do not, the order is in doubt.
    """
    first, last = region.anchors[0], region.anchors[-1]
    over = len(_DIGIT.findall(norm, figures_floor(norm, region), first.start)) >= 5
    behind = _read(norm, region, region.anchors, above=False)
    none_behind = not _DIGIT.search(norm, last.end, region.end) and not behind[-1].candidates
    if not over and not none_behind:
        return behind
    # A group's label stands between a row's figures and its label: only the row's label counts.
    own = {anchor.key for anchor in region.anchors}
    anchors = [a for a in region.anchors if not (a.key.endswith(".all") and _sub_rows(a.key) & own)]
    above = _read(norm, region, anchors, above=True)
    broken_behind, broken_above = _broken(behind), _broken(above)
    if not any(row.candidates for row in above) or (broken_behind < broken_above and not over):
        return behind
    if over and none_behind and broken_above <= broken_behind:
        region.anchors = anchors
        return above
    if broken_above == 0 < broken_behind:
        region.anchors = anchors
        return above
    if broken_behind == 0 < broken_above and not over:
        return behind
    region.doubts.append("order")
    return behind


def _printed_subs(group: Row, rows: list[Row]) -> int:
    subs = _sub_rows(group.spec.key)
    printed = [row for row in rows if any(v is not None for c in row.candidates for v in c.values)]
    return sum(row.spec.key in subs for row in printed)


def _read(norm: str, region: Region, anchors: list[Anchor], above: bool) -> list[Row]:
    labels = {row.key: row for row in FORM.rows}
    specs = {anchor.key: request_spec(anchor.key) for anchor in anchors}
    trial = replace(region, anchors=anchors)
    rows = rows_between_labels(norm, trial, specs, above=above)
    read_rows(norm, rows, trial, labels)
    present = {row.spec.key for row in rows}
    return [row for row in rows if not _empty_group(row, present)]


def _broken(rows: list[Row]) -> int:
    """How many equations the rows' first readings break."""
    read = {row.spec.key: row.candidates[0].values for row in rows if row.candidates}
    groups = frozenset(key.split(".")[0] for key in read if key.endswith(".all"))
    alone = frozenset(g for g in groups if not any(key in GROUPS[g] for key in read))
    count = sum(not sums_hold(row.candidates[0].values, row.spec.blocks) for row in rows if row.candidates)
    for equation in vector_equations(groups, alone):
        for column in range(len(REQUEST_COLUMNS)):
            left = [read[key][column] if key in read else None for key in equation.left]
            right = [read[key][column] if key in read else None for key in equation.right]
            low, high = sum(int(v or 0) for v in left), sum(int(v or 0) for v in right)
            count += (low > high and None not in right) or (high > low and None not in left)
    return count


def _moved(rows: list[Row]) -> bool:
    """Whether most rows, read by the order of all figures, hold their own label's, and some hold a neighbour's."""
    own = sum(all(row.start <= cell.start and cell.end <= row.end for cell in row.candidates[0].cells) for row in rows)
    return len(rows) <= 2 * own < 2 * len(rows)


def _sub_rows(key: str) -> set[str]:
    return set(GROUPS[key.removesuffix(".all")])


_DIGIT = re.compile(r"\d")


def _doubt_unclaimed(
    norm: str, region: Region, rows: list[Row], table: TableRead, column: list[tuple[int, int]]
) -> None:
    """Figures that no row took say that a label was missed or a row torn; a year in a note does not.

    `column`: cells that are known not to be the form's.
    """
    empty = any(not row.candidates for row in rows)
    over = _DIGIT.search(norm, head_end(region), region.anchors[0].start)
    if not empty and not over and len(rows) >= len(REQUEST_ROWS) and all(len(row.candidates) == 1 for row in rows[:-1]):
        return
    runs = unclaimed(norm, region, rows)
    if column:
        runs = [[f for f in run if not any(a <= f.start < b for a, b in column)] for run in runs]
    if any(empty or len(run) >= 3 or sum(len(f.text) for f in run) >= 5 for run in runs):
        table.doubts.append("claimed")


# A line of empty cells behind a label, and a line of figures below it that begins with empty cells.
_EMPTY_ROW = re.compile(r"[ ]*(?:[\t|][ ]*){7,}\n[ \t|]*\Z")


def _below_empty_row(norm: str, row: Row) -> bool:
    """Whether the row's own line prints no figure and those below it have no label: theirs may be lost."""
    first = min((cell.start for c in row.candidates[:1] for cell in c.cells if cell.end), default=0)
    return first > row.start and _EMPTY_ROW.match(norm, row.start, first) is not None


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
                completed = tuple(
                    found[path][0] if value is None and path in found else value
                    for path, value in zip(row.spec.paths, candidate.values, strict=True)
                )
                row.candidates[index] = Candidate(completed, candidate.cells)


def _empty_group(row: Row, present: set[str]) -> bool:
    """A group's label that heads no figures of its own is not a row."""
    group, _, tail = row.spec.key.partition(".")
    if tail != "all":
        return False
    if not any(sub in present for sub in GROUPS[group]):
        return False
    return row.problem == "no_figures" or (
        not row.problem and all(value is None for candidate in row.candidates for value in candidate.values)
    )
