"""Misreadings: a right line of `extract --json` changed as a reader's error would change it. Never the source's fault.

`told` says, without the validator, by what the changed line contradicts itself. Where nothing does, the misreading is
a consistent lie that no rule can find without the text.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Any

from extractor.eval.mutating import PLAIN, Line, Sheet, counts
from extractor.eval.planting import BLOCKS, COLUMNS
from extractor.eval.score import number, table_of

from extractor.results import Finding

Judge = Callable[[Line], Sequence[Finding]]
Cells = dict[str, dict[str, Any]]
Misread = Callable[[Sheet, list[str], Random], Line | None]


@dataclass(frozen=True, slots=True)
class Misreading:
    """A changed line. `changed`: the cells whose number is another one; `breaks`: a sum that held does no more;
    `told`: by what the line contradicts itself."""

    kind: str
    table: str
    line: Line
    changed: frozenset[str]
    breaks: bool
    told: frozenset[str]


def misread(sheet: Sheet, kind: str, rng: Random, *, verdict_too: bool = False) -> Misreading | None:
    """One misreading in a table chosen at random; None where there is no place for it. `verdict_too`: where a sum
    breaks, the line says `inconsistent` of the table (else None), as if that were printed and proved."""
    table = rng.choice(sheet.tables)
    paths = [path for path in sheet.spans if table_of(path) == table]
    line = READING[kind](sheet, paths, rng) if paths else None
    if line is None:
        return None
    before, after = record_values(sheet.line), record_values(line)
    breaks = sheet.breaks(after)
    if verdict_too:
        if not breaks:
            return None
        line["verdict"] = line["verdicts"][table] = "inconsistent"
    changed = frozenset(path for path, value in after.items() if value != before[path])
    return Misreading(kind, table, line, changed, breaks, told(line, sheet))


# ---------------------------------------------------------------- what a line says of itself


def record_values(line: Mapping[str, Any]) -> dict[str, Any]:
    """The record's values by path."""
    record = line["record"]
    found = {f"{block}.{name}": value for block in BLOCKS for name, value in record[block].items()}
    for table in ("disclosure", "requests"):
        for row, cells in record[table].items():
            found |= {f"{table}.{row}.{name}": value for name, value in cells.items() if name != "unit"}
    return found


def told(line: Mapping[str, Any], sheet: Sheet) -> frozenset[str]:
    """By what a line contradicts itself."""
    return frozenset(_contradictions(line, sheet))


def _contradictions(line: Mapping[str, Any], sheet: Sheet) -> Iterator[str]:
    values = record_values(line)
    spans = []
    for cell in line["cells"]:
        if cell["value"] != values[cell["path"]]:
            yield "record ≠ cell"
        if cell["span"] is None or cell["raw"] is None:
            continue
        spans.append(cell["span"])
        if PLAIN.fullmatch(cell["raw"]) and number(cell["raw"]) != number(cell["value"]):
            yield "raw ≠ value"
        if cell["span"][1] - cell["span"][0] != len(cell["raw"]):
            yield "raw ≠ span"
    if any(a[1] > b[0] for a, b in pairwise(sorted(spans))):
        yield "one figure, two cells"
    for n in sheet.sums.broken(counts(values)):
        if line["verdicts"][table_of(next(iter(sheet.sums.terms[n])))] in ("verified", "reconciled"):
            yield "sum ≠ verdict"


# ---------------------------------------------------------------- kinds


_COUNT = re.compile(r"0|[1-9][0-9]*")


def _copied(sheet: Sheet) -> tuple[Line, Cells]:
    line = copy.deepcopy(sheet.line)
    return line, {cell["path"]: cell for cell in line["cells"]}


def put(line: Line, path: str, value: Any) -> None:
    """Puts a value into the record."""
    row, _, name = path.rpartition(".")
    head, _, key = row.partition(".")
    (line["record"][head][key] if key else line["record"][head])[name] = value


def _set(line: Line, cells: Cells, path: str, cell: Mapping[str, Any]) -> None:
    """Gives a cell another one's value, place and print."""
    cells[path].update({**copy.deepcopy(dict(cell)), "path": path})
    put(line, path, cell["value"])


def _as(path: str, raw: str) -> Any:
    return raw if path.endswith(".amount") else int(raw)


def _digit(raw: str, rng: Random) -> str | None:
    """Another digit in the place of one; none where that is no number as people print it."""
    place = rng.choice([n for n, one in enumerate(raw) if one.isdecimal()])
    new = raw[:place] + rng.choice([d for d in "0123456789" if number(d) != number(raw[place])]) + raw[place + 1 :]
    return new if re.fullmatch(r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", new) else None


def _other_value(record: bool, cell: bool, raw: bool) -> Misread:
    def change(sheet: Sheet, paths: list[str], rng: Random) -> Line | None:
        path = rng.choice(paths)
        new = _digit(sheet.cells[path]["raw"], rng)
        if new is None:
            return None
        line, cells = _copied(sheet)
        if record:
            put(line, path, _as(path, new))
        if cell:
            cells[path]["value"] = _as(path, new)
        if raw:
            cells[path]["raw"] = new
        return line

    return change


def _neighbour(whole: bool) -> Misread:
    """A cell takes the span of the figure before or behind it; `whole`: its print and value too."""

    def change(sheet: Sheet, paths: list[str], rng: Random) -> Line | None:
        path = rng.choice(paths)
        places = sorted(paths, key=sheet.spans.__getitem__)
        near = places.index(path) + rng.choice((-1, 1))
        if not 0 <= near < len(places) or path.endswith(".amount") or places[near].endswith(".amount"):
            return None
        line, cells = _copied(sheet)
        if whole:
            _set(line, cells, path, sheet.cells[places[near]])
        else:
            cells[path]["span"] = list(sheet.cells[places[near]]["span"])
        return line

    return change


def _cut(sheet: Sheet, paths: list[str], rng: Random) -> Line | None:
    """A figure loses its first or last digit; to the figure that touches it, if one does."""
    path = rng.choice([path for path in paths if re.fullmatch(r"[0-9]{2,}", sheet.cells[path]["raw"])] or [""])
    if not path:
        return None
    (start, end), raw = sheet.spans[path], sheet.cells[path]["raw"]
    first = rng.random() < 0.5
    piece, rest, place = (raw[0], raw[1:], [start + 1, end]) if first else (raw[-1], raw[:-1], [start, end - 1])
    new = {path: (rest, place)}
    for other, (a, b) in sheet.spans.items():
        if b == start and first:
            new[other] = sheet.cells[other]["raw"] + piece, [a, b + 1]
        elif a == end and not first:
            new[other] = piece + sheet.cells[other]["raw"], [a - 1, b]
    if any(other.endswith(".amount") or not _COUNT.fullmatch(said) for other, (said, _) in new.items()):
        return None
    line, cells = _copied(sheet)
    for other, (said, place) in new.items():
        _set(line, cells, other, {**sheet.cells[other], "raw": said, "value": int(said), "span": place})
    return line


_EMPTY = {"value": None, "state": "missing", "raw": None, "span": None, "method": None}


def _shifted(sheet: Sheet, paths: list[str], rng: Random) -> Line | None:
    """A row of table 3 one column further; the last figure falls out, the first cell is empty, or the other way."""
    rows = {p.rpartition(".")[0] for p in paths if p.startswith("requests.") and number(sheet.gold[p])}
    if not rows:
        return None
    row = rng.choice(sorted(rows))
    line, cells = _copied(sheet)
    old = [sheet.cells[f"{row}.{column}"] for column in COLUMNS]
    new = [_EMPTY, *old[:-1]] if rng.random() < 0.5 else [*old[1:], _EMPTY]
    for column, cell in zip(COLUMNS, new, strict=True):
        _set(line, cells, f"{row}.{column}", cell)
    return line


def _exchanged(sheet: Sheet, paths: list[str], rng: Random) -> Line | None:
    """Two rows of table 3 that follow each other have each other's figures."""
    if not any(path.startswith("requests.") for path in paths):
        return None
    n = rng.randrange(len(sheet.rows) - 1)
    line, cells = _copied(sheet)
    for row, other in ((sheet.rows[n], sheet.rows[n + 1]), (sheet.rows[n + 1], sheet.rows[n])):
        for column in COLUMNS:
            _set(line, cells, f"requests.{row}.{column}", sheet.cells[f"requests.{other}.{column}"])
    return line


READING: dict[str, Misread] = {
    "another value in the record": _other_value(True, False, False),
    "another value in the cell": _other_value(False, True, False),
    "another value in both, not in its print": _other_value(True, True, False),
    "another digit read": _other_value(True, True, True),
    "a neighbour's figure": _neighbour(True),
    "a neighbour's place, its own number": _neighbour(False),
    "digits cut otherwise": _cut,
    "a row one column off": _shifted,
    "two rows exchanged": _exchanged,
}


# ---------------------------------------------------------------- what came of it


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a misreading. `noticed`: the new findings' rules; `faults`: the blames of the new broken sums."""

    misreading: Misreading
    name: str
    verdict_too: bool
    noticed: tuple[str, ...]
    faults: tuple[str, ...]

    @property
    def blamed(self) -> bool:
        """The source is blamed for a sum that only the misreading breaks."""
        return "source" in self.faults

    @property
    def passed_over(self) -> bool:
        """A sum is broken, and no hard rule failed."""
        return self.misreading.breaks and not self.faults

    def words(self) -> str:
        """One line that says what happened."""
        one = self.misreading
        what = f"changed {sorted(one.changed)[:4]}, told by {sorted(one.told)}, noticed by {list(self.noticed[:4])}"
        return (
            f"{one.kind}{' (verdict too)' if self.verdict_too else ''} · {self.name} · {what}, blame {self.faults[:2]}"
        )


def judged(sheet: Sheet, misreading: Misreading, before: Iterable[Finding], judging: Judge, too: bool) -> Judged:
    """What the rules say of a misread line and did not say of the right one."""
    known = {finding.rule for finding in before if finding.status == "fail"}
    new = [f for f in judging(misreading.line) if f.status == "fail" and f.rule not in known]
    sums = [f.blame for f in new if f.severity == "error" and not f.rule.startswith("record.")]
    return Judged(misreading, sheet.name, too, tuple(f.rule for f in new), tuple(sums))
