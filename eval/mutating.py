"""Mutations of a report's text: other figures at known cells, and what stands on paper afterwards.

Nothing here uses extractor.rules, extractor.reader or extractor.form.equations: what breaks is told by planting's sums.
A cell's place is the reader's span, taken only in a table that was read as it is labelled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import Any

from extractor.eval.generator.records import OUTCOMES, printed_rows
from extractor.eval.gold import GoldSet, Label
from extractor.eval.pairing import pair
from extractor.eval.planting import APPLICANTS, BLOCKS, COLUMNS, KINDS, RESULTS, Page, Sums, plant
from extractor.eval.score import gold_cells, is_trusted, number, outcome, table_of

from extractor.form import FORM, GROUPS, group_all

Line = dict[str, Any]
Read = Callable[[str, str], list[Line]]
Span = tuple[int, int]
Changes = dict[str, Any]

PLAIN = re.compile(r"[0-9]+|[０-９]+|[0-9]+\.[0-9]+")
_WIDE = {ord(a): b for a, b in zip("0123456789", "０１２３４５６７８９", strict=True)}
_DIGIT = re.compile(r"[0-9０-９.,，]")
_NUMBERING = re.compile(r"(?:\d{1,2}\s?[.．、]|[（(][一二三四五六七八][)）]|[一二三四]、)\s*\Z")


@dataclass(frozen=True)
class Sheet:
    """A labelled report as it was read: `gold` is what it prints, `line` the answer. `tables`: those that are trusted
    (verified or reconciled), read as labelled, and whose print breaks no sum."""

    file: str
    labels: tuple[Label, ...]
    number: int
    text: str
    line: Line
    gold: Mapping[str, Any]
    rows: tuple[str, ...]
    without: frozenset[str]
    tables: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.labels[self.number].name

    @cached_property
    def cells(self) -> dict[str, dict[str, Any]]:
        """The answer's cells by path."""
        return {cell["path"]: cell for cell in self.line["cells"]}

    @cached_property
    def spans(self) -> dict[str, Span]:
        """Where the cells stand that can be printed anew: plain digits that say what the label says."""
        found = {}
        for path, cell in self.cells.items():
            plainly = cell["state"] == "reported" and PLAIN.fullmatch(cell["raw"])
            if plainly and table_of(path) in self.tables and number(cell["raw"]) == number(self.gold.get(path)):
                found[path] = (cell["span"][0], cell["span"][1])
        return found

    @cached_property
    def sums(self) -> Sums:
        """The sums of tables 3 and 4."""
        return Sums(self.rows, self.without)

    @cached_property
    def broken(self) -> set[int]:
        """The sums that the print breaks as it is."""
        return self.sums.broken(counts(self.gold))

    def breaks(self, values: Mapping[str, Any]) -> bool:
        """Whether these values break a sum that the print does not break."""
        return bool(self.sums.broken(counts(values)) - self.broken)

    def page(self, table: str | None = None) -> Page:
        """What planting's errors change; with a table only there."""
        paths = [path for path in self.sums.of if table is None or table_of(path) == table]
        values = {path: int(self.gold[path]) if path in self.spans else None for path in paths}
        printed = frozenset(group for group in GROUPS if group_all(group) in self.rows)
        every = dict.fromkeys(self.sums.of, None) | values
        return Page(self.labels[self.number].form, printed, self.without, self.rows, every, {})


def counts(values: Mapping[str, Any]) -> dict[str, int | None]:
    """The counts among values; None where there is none."""
    return {path: value if isinstance(value, int) else None for path, value in values.items()}


def sheets(gold: GoldSet, read: Read) -> Iterator[Sheet]:
    """The reports of a gold set that have a table to mutate."""
    for file, labels in gold.files():
        text = gold.text(file)
        paired, _ = pair(labels, read(text, file))
        for n, (label, line) in enumerate(zip(labels, paired, strict=True)):
            if line is None or not line["cells"]:
                continue
            printed = dict(gold_cells(label.record))
            groups = frozenset(g for g in GROUPS if _any(printed, (group_all(g),)))
            alone = frozenset(g for g in groups if not _any(printed, GROUPS[g]))
            sheet = Sheet(file, labels, n, text, dict(line), printed, printed_rows(groups, alone), alone)
            tables = tuple(table for table in ("disclosure", "requests", "disputes") if _sound(sheet, table))
            if tables:
                yield replace(sheet, tables=tables)


def _any(printed: Mapping[str, Any], rows: Sequence[str]) -> bool:
    return any(isinstance(printed.get(f"requests.{row}.{column}"), int) for row in rows for column in COLUMNS)


def _sound(sheet: Sheet, table: str) -> bool:
    """Whether a table is trusted, read as labelled, and true."""
    if not is_trusted(sheet.line, table) or sheet.line["verdicts"][table] == "inconsistent":
        return False
    own = {path: gold for path, gold in sheet.gold.items() if table_of(path) == table}
    right = all(outcome(gold, sheet.cells.get(path), True) in ("right", "derived") for path, gold in own.items())
    return right and not sheet.sums.broken(counts(own))


# ---------------------------------------------------------------- printing


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mutated report. `changes`: what cells print now (`….unit`: a unit); `shown`: the page still shows which figure
    stands where; `breaks`: what is printed breaks a sum that held."""

    kind: str
    table: str
    text: str
    changes: Changes
    shown: bool
    breaks: bool


def printed_anew(sheet: Sheet, kind: str, changes: Changes) -> Mutant | None:
    """The report with other figures in these cells (None: blank); None where one has no place that is known."""
    changes = {path: value for path, value in changes.items() if value != sheet.gold.get(path)}
    if not changes or not all(path in sheet.spans for path in changes):
        return None
    wide = {
        path: value is not None and sheet.cells[path]["raw"][0] in _WIDE.values() for path, value in changes.items()
    }
    texts = {p: "" if v is None else str(v).translate(_WIDE) if wide[p] else str(v) for p, v in changes.items()}
    text, places = _written(sheet, texts)
    values = {**sheet.gold, **changes}
    return Mutant(
        kind, table_of(next(iter(changes))), text, changes, _shown(sheet, changes, text, places), sheet.breaks(values)
    )


def _written(sheet: Sheet, texts: Mapping[str, str]) -> tuple[str, dict[str, Span]]:
    """The text with these cells printed anew, and where all cells stand then. Where columns are kept apart by runs of
    spaces, a figure takes as much room as before if there is any."""
    pieces: list[str] = []
    places: dict[str, Span] = {}
    at = length = 0
    every = {p: (c["span"][0], c["span"][1]) for p, c in sheet.cells.items() if c["span"]}
    for path, (start, end) in sorted(every.items(), key=lambda item: item[1]):
        before = sheet.text[at:start]
        new = texts.get(path, sheet.text[start:end])
        more = len(new) - (end - start)
        if path in texts and (before.endswith("  ") or sheet.text[end : end + 2] == "  "):
            room = len(before) - len(before.rstrip(" "))
            before = before + " " * -more if more < 0 else before[: len(before) - min(more, max(0, room - 1))]
        pieces += [before, new]
        length += len(before)
        places[path] = (length, length + len(new))
        length += len(new)
        at = end
    return "".join([*pieces, sheet.text[at:]]), places


def _shown(sheet: Sheet, changes: Changes, text: str, places: Mapping[str, Span]) -> bool:
    """Whether every figure of the changed rows stands apart from others, no cell of theirs lacks a place, and blanks
    have borders on both sides. A blank beside the labels has none that is sure, nor has one at the end of a row where
    rows do not all end alike."""
    rows = {path.rpartition(".")[0] for path in changes}
    for path, cell in sheet.cells.items():
        row, _, column = path.rpartition(".")
        if row not in rows:
            continue
        if cell["state"] not in ("reported", "blank", "not_applicable"):
            return False
        if path not in places:
            continue
        start, end = places[path]
        if start == end:
            before, after = text[:start].rstrip(" 　")[-1:], _behind(text, end)
            if before not in ("\t", "|") or after not in ("\t", "|", "\n") or not text[:start].split("\n")[-1].strip():
                return False
            if column == next(p for p in sheet.cells if p.startswith(f"{row}.")).rpartition(".")[2]:
                return False
            if column == "total" and any(_behind(text, b) != after for p, (_, b) in places.items() if _last(p, path)):
                return False
        elif _DIGIT.match(text[start - 1 : start]) or _DIGIT.match(text[end : end + 1]):
            return False
    return True


def _behind(text: str, end: int) -> str:
    return text[end : end + 80].lstrip(" 　")[:1]


def _last(path: str, other: str) -> bool:
    return path.endswith(".total") and table_of(path) == table_of(other)


# ---------------------------------------------------------------- kinds

_TRIES = 20


def _planted(kind: str) -> Callable[[Sheet, Random], Mutant | None]:
    def mutate(sheet: Sheet, rng: Random) -> Mutant | None:
        for _ in range(_TRIES):
            some = [table for table in sheet.tables if table != "disclosure"]
            made = plant(sheet.page(rng.choice(some)), kind, rng) if some else None
            mutant = printed_anew(sheet, kind, dict(made)) if made else None
            if mutant:
                return replace(mutant, kind=kind)
        return None

    return mutate


def _deleted(sheet: Sheet, rng: Random) -> Mutant | None:
    """A figure is not printed; half of the time one that is not 0."""
    nil = rng.random() < 0.5
    paths = [path for path in sheet.spans if nil or number(sheet.gold[path])]
    return printed_anew(sheet, "a figure deleted", {rng.choice(paths): None}) if paths else None


def _of_table_2(sheet: Sheet, rng: Random) -> Mutant | None:
    """A digit of table 2 changed, dropped, or swapped with the next."""
    paths = [path for path in sheet.spans if path.startswith("disclosure.")]
    for _ in range(_TRIES if paths else 0):
        path = rng.choice(paths)
        digits = list(str(sheet.gold[path]))
        place = rng.choice([n for n, digit in enumerate(digits) if digit.isdigit()])
        act = rng.choice(("changed", "dropped", "swapped"))
        if act == "changed":
            digits[place] = rng.choice("0123456789")
        elif act == "dropped":
            del digits[place]
        else:
            digits[place : place + 2] = digits[place : place + 2][::-1]
        new = "".join(digits)
        if not re.fullmatch(r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", new) or number(new) == number(sheet.gold[path]):
            continue
        return printed_anew(sheet, "a digit of table 2", {path: new if path.endswith(".amount") else int(new)})
    return None


def _all_sums_hold(sheet: Sheet, rng: Random) -> Mutant | None:
    """One request, or one case, more: in every cell that counts it."""
    ways: list[list[str]] = [[f"{b}.{c}", f"{b}.total"] for b in BLOCKS for c in RESULTS]
    for row in sheet.rows:
        if row in OUTCOMES or row.split(".")[0] in sheet.without:
            rows = [row, "total_processed", "new_received"]
            beside = group_all(row.split(".")[0]) if "." in row else ""
            rows += [beside] if beside in sheet.rows and beside != row else []
            ways += [[f"requests.{r}.{c}" for r in rows for c in (column, "total")] for column in APPLICANTS]
    ways = [way for way in ways if all(path in sheet.spans for path in way)]
    if not ways:
        return None
    by = rng.choice((1, 1, 2, 7, 30))
    return printed_anew(sheet, "all sums hold", {path: sheet.gold[path] + by for path in rng.choice(ways)})


def _unit(sheet: Sheet, rng: Random) -> Mutant | None:
    """Another unit of an amount, wherever the row and its head say it."""
    cells = [c for path, c in sheet.cells.items() if path.endswith(".amount") and path in sheet.spans and c.get("unit")]
    for cell in rng.sample(cells, len(cells)):
        start, end = cell["span"]
        ends = [c["span"][1] for c in sheet.cells.values() if c["span"] and c["span"][1] < start]
        low, high = max(ends, default=0), sheet.text.find("\n", end) % (len(sheet.text) + 1)
        places = list(re.finditer(r"万元|亿元|元", sheet.text[low:high]))
        if not places or {place[0] for place in places} != {cell["unit"]}:
            continue
        new = rng.choice([unit for unit in ("元", "万元") if unit != cell["unit"]])
        text = sheet.text[:low] + sheet.text[low:high].replace(cell["unit"], new) + sheet.text[high:]
        changes = {cell["path"].removesuffix("amount") + "unit": new}
        return Mutant("a unit changed", "disclosure", text, changes, True, False)
    return None


def _struck(sheet: Sheet, rng: Random) -> Mutant | None:
    """The label of a row is gone, half of the time with its numbering; the figures stay."""
    labels = {f"disclosure.{row.key}": row.label for row in FORM.disclosure}
    labels |= {f"requests.{row.key}": row for row in FORM.rows}
    ends = sorted(cell["span"][1] for cell in sheet.cells.values() if cell["span"])
    rows = list(dict.fromkeys(path.rpartition(".")[0] for path in sheet.spans))
    for row in rng.sample(rows, len(rows)):
        if row not in labels:
            continue
        first = min(c["span"][0] for p, c in sheet.cells.items() if c["span"] and p.rpartition(".")[0] == row)
        low = max((end for end in ends if end <= first), default=0)
        for word in sorted(labels[row].wordings, key=len, reverse=True):
            found = list(re.finditer(r"[^\w]{0,4}".join(map(re.escape, word)), sheet.text[low:first]))
            if found:
                start, end = low + found[-1].start(), low + found[-1].end()
                behind = _NUMBERING.search(sheet.text[low:start])
                start = low + behind.start() if behind and rng.random() < 0.5 else start
                gap = " " * (end - start) if "  " in sheet.text[end:first] else ""
                return Mutant(
                    "a label struck out", table_of(f"{row}.x"), sheet.text[:start] + gap + sheet.text[end:], {}, False,
                    False,
                )  # fmt: skip
    return None


# Errors in which a figure is another one, and those after which no sum can be broken that held.
FIGURES = ("a digit changed", "two digits swapped", "a digit dropped", "moved to the next column",
           "row shifted by a column", "put one row off")  # fmt: skip
HARMLESS: dict[str, Callable[[Sheet, Random], Mutant | None]] = {
    "a figure deleted": _deleted,
    "a digit of table 2": _of_table_2,
    "all sums hold": _all_sums_hold,
    "a unit changed": _unit,
    "a label struck out": _struck,
}
SOURCE: dict[str, Callable[[Sheet, Random], Mutant | None]] = {kind: _planted(kind) for kind in FIGURES} | HARMLESS
assert set(FIGURES) <= KINDS.keys()
