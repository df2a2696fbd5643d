"""A given record as evidence: it can decide a table that the reader left open, and never one that it settled.

A given row is used only where the text prints it, and its values are read from the printed tokens by our own reader.
It makes a table trusted only

* where the equations, without it, leave exactly its values to rows that the reader could not read, or
* where caller and reader are two witnesses: they read alike every cell that the reader reads by itself (`AGREED` of
  them at least), the record has every printed number of the table, and the equations bear the whole out.

Between several readings of one row it may choose only in `CHOOSES`: a row chosen wrongly breaks column equations.
In tables 2 and 4 a caller that cuts `16052` in another place than the print meant could not be found out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from extractor.form import FORM, TABLES, Equation
from extractor.form.derive import derive
from extractor.given.record import Given
from extractor.reader.candidates import Candidate, CellRead, Row
from extractor.reader.fields import without_furniture
from extractor.reader.numbers import read_cell
from extractor.reader.tables import TableRead, settle_row, unclaimed
from extractor.results import TRUSTED, Cell, Value
from extractor.settle import settle_table, table_equations

if TYPE_CHECKING:
    from extractor.pipeline import Reading

# Two witnesses: how many cells they must have read alike, each by itself, at least one of them no 0. Table 4 is too
# short to count alone: there the record's agreement with the whole document counts.
AGREED = {"disclosure": 6, "requests": 20, "disputes": 20}
# Tables in which a given row may choose among several readings of a row, or be the only one that reads it.
CHOOSES = frozenset({"requests"})
_UNREAD = ("unread", "too_many_readings", "too_many_digits")
_PIECE = 24


def weigh(reading: Reading, given: Given) -> None:
    """Lets the given record decide, in place, the tables that the reader alone cannot prove and that it proves now."""
    if reading.error or (given.year and reading.identity.year not in (None, given.year)):
        return  # Another year's record is no witness.
    alone = {name: _settled(reading, name, reading.tables[name]) for name in TABLES}
    if all(verdict != "needs_review" for _, verdict in alone.values()):
        return
    agreed = {name: _agreed(table, given) for name, (table, _) in alone.items()}
    for name, (table, verdict) in alone.items():
        if verdict != "needs_review":
            continue
        trial = _with_given(reading, name, table, given)
        if trial is None:
            continue
        counts = sum(agreed.values(), Counter[bool]()) if name == "disputes" else agreed[name]
        settled, verdict = _settled(reading, name, trial)
        if verdict in TRUSTED and _proves(reading.tables[name], trial, settled, given, name, counts):
            reading.tables[name] = trial


def _copy(table: TableRead) -> TableRead:
    cells = [replace(cell) for cell in table.cells]
    return replace(table, cells=cells, doubts=list(table.doubts), tentative=set(table.tentative), rows=dict(table.rows))


def _settled(reading: Reading, name: str, table: TableRead) -> tuple[TableRead, str]:
    """A settled copy of the table and its verdict."""
    copy = _copy(table)
    return copy, settle_table(reading.text, name, copy)[0]


def _agreed(table: TableRead, given: Given) -> Counter[bool]:
    """How many cells the reader, alone, read as the caller did, by whether they are other than 0."""
    return Counter(
        bool(cell.value)
        for cell in table.cells
        if cell.method == "rule" and cell.value is not None and given.values.get(cell.path) == cell.value
    )


def _with_given(reading: Reading, name: str, alone: TableRead, given: Given) -> TableRead | None:
    """The table with every open row decided by the given record; None where it does not decide them all."""
    trial = _copy(reading.tables[name])
    open_paths = {cell.path for cell in alone.cells if cell.state in ("ambiguous", "illegible")}
    unread = False
    chosen: dict[str, Cell] = {}
    for key, row in trial.rows.items():
        if open_paths.isdisjoint(row.spec.paths):
            continue
        if row.candidates:
            candidates = _fitting(row, given)
        elif row.problem in _UNREAD and name != "disputes" and not key.endswith(".all"):
            candidates, unread = ground(reading.norm, row, given), True
        else:
            candidates = []
        if not candidates:
            return None
        trial.rows[key] = read = replace(row, candidates=candidates, problem="", broken=False)
        for cell in settle_row(row.spec, read, trial):
            if cell.path in open_paths and cell.method == "rule":
                cell.method = "given"
                trial.tentative.discard(cell.path)
            chosen[cell.path] = cell
    if not open_paths <= set(chosen):
        return None
    for index, cell in enumerate(trial.cells):
        if cell.path in chosen:
            trial.cells[index] = chosen[cell.path]
            trial.cells[index].unit = chosen[cell.path].unit or cell.unit
    _lift_doubts(reading, name, trial, unread)
    return trial


def _lift_doubts(reading: Reading, name: str, trial: TableRead, unread: bool) -> None:
    """Takes back the doubts that came of the rows that are read now; `_proves` says whether that holds."""
    layout = reading.layout
    region = {"disclosure": layout.disclosure, "requests": layout.requests, "disputes": layout.disputes}[name]
    lasting = {*layout.doubts, *(region.doubts if region else ())}
    lifted = {"ambiguous", "contradiction"}
    if unread and region and not unclaimed(reading.norm, region, list(trial.rows.values())):
        lifted |= {"unread"}
        if name == "disclosure":
            lifted |= {"order"}  # Its own doubt of order says only that figures were left over.
        elif not trial.groups:
            lifted |= {"claimed"}
    trial.doubts = [doubt for doubt in trial.doubts if doubt in lasting or doubt not in lifted]


def _fitting(row: Row, given: Given) -> list[Candidate]:
    """The reading of the row that is the given one; several only where they differ in nothing but places."""
    found = [c for c in dict.fromkeys(row.candidates) if _fits(c, row.spec.paths, given)]
    return found if len({c.values for c in found}) == 1 else []


def _fits(candidate: Candidate, paths: tuple[str, ...], given: Given) -> bool:
    for path, cell, value in zip(paths, candidate.cells, candidate.values, strict=True):
        said = given.values.get(path)
        if cell.state == "illegible" or (said is None and cell.state == "reported"):
            return False
        if said is not None and said != value:
            return False
    return True


def ground(norm: str, row: Row, given: Given) -> list[Candidate]:
    """The given row as printed: its numbers in order, each read from its token, and no other figure in the row."""
    said = [given.values.get(path) for path in row.spec.paths]
    if None in said:
        return []
    stretch = without_furniture(norm, row.start, row.end)
    label = _label_words(row)
    cells: list[CellRead] = []

    def place(index: int, at: int) -> bool:
        if index == len(said):
            return not any(char.isdigit() for char in stretch[at:]) and stretch[at : at + 1] not in (".", "%", "％")
        while at < len(stretch) and (stretch[at] in " \t\n|" or (index == 0 and stretch[at] in label)):
            at += 1
        kind = row.spec.kinds[index]
        for end in range(at + 1, min(len(stretch), at + _PIECE) + 1):
            reading = read_cell(stretch[at:end], kind) if stretch[end - 1].isdigit() else None
            if reading and reading.kind == "number" and reading.value == said[index]:
                cells.append(CellRead("reported", reading.value, row.start + at, row.start + end, unit=reading.unit))
                if place(index + 1, end):
                    return True
                cells.pop()
        return False

    if not place(0, 0):
        return []
    return [Candidate(tuple(cell.value for cell in cells), tuple(cells))]


def _label_words(row: Row) -> str:
    """The characters that may stand between the row's label and its first figure: the label's own, brackets."""
    labels = [*FORM.rows, *(line.label for line in FORM.disclosure)]
    return "()（）" + "".join(word for label in labels if label.key == row.spec.key for word in label.wordings)


# ---------------------------------------------------------------- proof


def _proves(
    before: TableRead, trial: TableRead, settled: TableRead, given: Given, name: str, counts: Counter[bool]
) -> bool:
    """Whether the table with the given rows is proved: by its equations alone, or by two witnesses."""
    rules = table_equations(name, trial)
    confirmed = {cell.path for cell in trial.cells if cell.method == "given"}
    opened = [row for row in before.rows.values() if not confirmed.isdisjoint(row.spec.paths)]
    if not opened:
        return False  # It says nothing that the reader did not: our own output given back is no second witness.
    if _left_by_equations(opened, settled, rules):
        return True
    chosen = [row for row in opened if len({c.values for c in row.candidates}) != 1]
    if chosen and (name not in CHOOSES or not all(_printed(trial.rows[row.spec.key]) for row in chosen)):
        return False
    enough = counts.total() >= AGREED[name] and counts[True] > 0
    return enough and _agrees(settled, given) and _holds_best(before, settled, rules)


def _left_by_equations(opened: list[Row], settled: TableRead, rules: tuple[Equation, ...]) -> bool:
    """Whether the other printed rows leave exactly one value to each cell of rows that had no reading at all."""
    if not rules or any(row.candidates for row in opened):
        return False
    paths = {path for row in opened for path in row.spec.paths}
    values = {
        cell.path: None if cell.path in paths or cell.method == "derived" else _count(cell.value)
        for cell in settled.cells
    }
    derived, impossible = derive(values, rules)
    left = {path: derived[path][0] for path in paths if path in derived}
    return not impossible and all(left.get(c.path) == c.value for c in settled.cells if c.path in paths)


def _printed(row: Row) -> bool:
    """Whether the row prints a figure for every cell: where one is lost, no equation tells an empty cell from a 0."""
    return all(cell.state in ("reported", "not_applicable") for c in row.candidates for cell in c.cells)


def _agrees(settled: TableRead, given: Given) -> bool:
    """Whether the record has every printed number of the table, and none that is not the table's."""
    for cell in settled.cells:
        said = given.values.get(cell.path)
        if said != cell.value and (said is not None or cell.state == "reported"):
            return False
    return True


def _holds_best(before: TableRead, settled: TableRead, rules: tuple[Equation, ...]) -> bool:
    """Whether all equations hold; else whether one misprinted cell explains what fails and every other reading of a
    row would break more."""
    values = {cell.path: _count(cell.value) for cell in settled.cells}
    broken = derive(values, rules)[1]
    if not broken:
        return True
    if not set.intersection(*(set(rule.cells) for rule in rules if rule.code in broken)):
        return False
    for row in before.rows.values():
        for other in row.candidates:
            swapped = {**values, **dict(zip(row.spec.paths, map(_count, other.values), strict=True))}
            if swapped != values and len(derive(swapped, rules)[1]) <= len(broken):
                return False
    return True


def _count(value: Value | None) -> int | None:
    return value if isinstance(value, int) else None
