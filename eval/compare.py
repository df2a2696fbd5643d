"""Compares what the reader gave for a generated file with what is on paper in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from extractor.eval.generator import Expected, Sample

from extractor.form import TABLES

TRUSTED = frozenset({"verified", "reconciled", "inconsistent"})
AGREEING = frozenset({"verified", "reconciled"})

# What must never happen; each kind makes the run fail.
FATAL = ("escape", "passed_over", "span", "exception")


@dataclass(slots=True)
class Fault:
    """One thing that is wrong in one document."""

    kind: str
    path: str
    detail: str


@dataclass(slots=True)
class Outcome:
    """The counts and faults of one generated file."""

    seed: int
    family: str
    counts: dict[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, name: str, n: int = 1) -> None:
        """Counts."""
        self.counts[name] = self.counts.get(name, 0) + n

    def fault(self, kind: str, path: str, detail: str) -> None:
        """A fault, counted under its kind."""
        self.faults.append(Fault(kind, path, detail))
        self.add(kind)

    @property
    def fatal(self) -> list[Fault]:
        """The faults that break the promise."""
        return [fault for fault in self.faults if fault.kind in FATAL]


def table_of(path: str) -> str:
    """The table that a cell belongs to."""
    head = path.split(".")[0]
    return head if head in ("disclosure", "requests") else "disputes"


def same(a: Any, b: Any) -> bool:
    """Equal as numbers, exactly; None equals only None."""
    if a is None or b is None:
        return a is b
    return Decimal(str(a)) == Decimal(str(b))


def compare(sample: Sample, results: Sequence[Any], text: str, outcome: Outcome) -> None:
    """Adds the counts and faults of a file's results. `text`: the stored text that was read."""
    outcome.add("documents")
    matched: set[int] = set()
    for number, result in enumerate(results):
        index = number if len(results) == len(sample.reports) else _best(sample.reports, result)
        if index not in matched:
            matched.add(index)
            _tables(sample.reports[index], result, outcome)
        _cells(sample.reports[index], result, text, outcome)
    if len(results) != len(sample.reports):
        outcome.add("report_count_differs")
    for index, expected in enumerate(sample.reports):
        if index not in matched:
            _tables(expected, None, outcome)


def _best(reports: Sequence[Expected], result: Any) -> int:
    """The report that most cells of the result agree with."""
    values = {cell.path: cell.value for cell in result.cells if cell.value is not None}

    def agreeing(index: int) -> int:
        return sum(same(values.get(path), value) for path, value in reports[index].truth.items() if value is not None)

    return max(range(len(reports)), key=agreeing)


def _tables(expected: Expected, result: Any, outcome: Outcome) -> None:
    """How many tables were trusted, in all and where the text decides them; how many decided cells refused."""
    values = {cell.path: cell.value for cell in result.cells} if result else {}
    for table in TABLES:
        verdict = result.verdicts.get(table, "failed") if result else "failed"
        if all(state == "missing" for path, state in expected.states.items() if table_of(path) == table):
            outcome.add("tables_absent")
            continue
        printed = [path for path, value in expected.truth.items() if value is not None and table_of(path) == table]
        unread = sum(values.get(path) is None for path in printed)
        if verdict in TRUSTED and 2 * unread > len(printed):
            outcome.fault(
                "hollow", table, f"{verdict}, though {unread} of {len(printed)} printed numbers were not read"
            )
        outcome.add("tables")
        outcome.add("tables_trusted", verdict in TRUSTED)
        outcome.add(f"verdict_{verdict}")
        if expected.tables_decided[table]:
            outcome.add("decided_tables")
            outcome.add("decided_tables_trusted", verdict in TRUSTED)
        for path in expected.decided:
            if table_of(path) == table:
                outcome.add("decided_cells")
                outcome.add("decided_without_value", values.get(path) is None)
                outcome.add("decided_refused", values.get(path) is None or verdict not in TRUSTED)
        planted = [error for error in expected.planted if table_of(error.path) == table]
        if planted:
            outcome.add("planted_tables")
            outcome.add("planted_inconsistent", verdict == "inconsistent")
            if verdict in AGREEING:
                error = planted[0]
                outcome.fault(
                    "passed_over", error.path, f"{table} is {verdict}; printed {error.printed}, true {error.true}"
                )


def _cells(expected: Expected, result: Any, text: str, outcome: Outcome) -> None:
    stored = result.text or text
    offset = text.find(stored) if stored != text else 0
    for cell in result.cells:
        table = table_of(cell.path)
        trusted = result.verdicts.get(table) in TRUSTED
        if cell.span is not None and stored[cell.span[0] : cell.span[1]] != cell.raw:
            outcome.fault(
                "span", cell.path, f"span {cell.span} gives {stored[slice(*cell.span)]!r}, raw is {cell.raw!r}"
            )
        wrong = _wrong(expected, cell, table)
        if wrong:
            kind, detail = wrong
            if kind == "from_misprint":
                outcome.add(kind)
            else:
                verdict = result.verdicts.get(table)
                outcome.fault("escape" if trusted else "wrong_untrusted", cell.path, f"{detail} ({table} {verdict})")
        elif trusted and cell.value is not None:
            outcome.add("trusted_right")
        if trusted:
            _evidence(expected, cell, offset, outcome)


def _wrong(expected: Expected, cell: Any, table: str) -> tuple[str, str] | None:
    """Why a value is wrong, or None."""
    if cell.value is None:
        return None
    beneath = expected.record_values.get(cell.path)
    printed = expected.truth.get(cell.path)
    if cell.method == "derived":
        if same(cell.value, beneath):
            return None
        misprinted = any(table_of(error.path) == table for error in expected.misprints)
        return ("from_misprint" if misprinted else "wrong"), f"derived {cell.value}, true {beneath}"
    if printed is None and cell.path in expected.lenient and same(cell.value, beneath):
        return None
    if same(cell.value, printed):
        return None
    return "wrong", f"read {cell.value} from {cell.raw!r} by {cell.method}, printed {printed}, true {beneath}"


def _evidence(expected: Expected, cell: Any, offset: int, outcome: Outcome) -> None:
    """In trusted tables: evidence that points elsewhere, states that differ, a unit that differs."""
    true = expected.spans.get(cell.path)
    if true and cell.span is not None and offset >= 0:
        start, end = cell.span[0] + offset, cell.span[1] + offset
        if end <= true[0] or start >= true[1]:
            outcome.fault("evidence_elsewhere", cell.path, f"span {(start, end)}, the print is at {true}")
    if cell.state != expected.states.get(cell.path, "missing") and cell.path not in expected.lenient:
        outcome.fault("state", cell.path, f"{cell.state}, on paper {expected.states.get(cell.path, 'missing')}")
    if cell.path == "disclosure.fees.amount" and cell.value is not None and expected.fee_unit:
        unit = getattr(cell, "unit", None)
        if unit != expected.fee_unit:
            outcome.fault("unit", cell.path, f"unit {unit}, printed {expected.fee_unit}")
