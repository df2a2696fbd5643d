"""Many records under the rules: each paired with last year's, parents with their subordinates."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from extractor.document.bodies import body_key, same_body
from extractor.errors import InputError, UsageError
from extractor.results import Finding
from extractor.rules.blame import blame_case, table_of
from extractor.rules.case import Case
from extractor.rules.engine import Outcomes, fail, not_assessable, validate
from extractor.rules.intake import Intake, read_file


@dataclass(slots=True)
class Judged:
    """One record of `source` with all outcomes."""

    source: str
    intake: Intake
    outcomes: Outcomes

    def to_json(self) -> dict[str, Any]:
        """One line of `gouji check --json`."""
        outcomes, case = self.outcomes, self.intake.case
        return {
            "source": self.source,
            "findings": [finding.to_json() for finding in outcomes.findings],
            "passed": outcomes.passed,
            "failed": outcomes.failed,
            "not_assessable": outcomes.not_assessable,
            "line": self.intake.line,
            "document": self.intake.document,
            "organization": case.organization if case else None,
            "year": case.year if case else None,
        }


def judge(intake: Intake) -> Outcomes:
    """All outcomes of one record: what is malformed in it, and every rule."""
    outcomes, case = Outcomes(), intake.case
    found = list(intake.findings)
    if case is not None:
        outcomes = validate(case)
        hard = [f for f in outcomes.findings if f.status == "fail" and f.severity == "error"]
        claimed = {table_of(f.rule) for f in hard if case.verdicts.get(table_of(f.rule)) in ("verified", "reconciled")}
        if claimed:
            names = ", ".join(f"verdicts.{table}" for table in sorted(claimed))
            found.append(fail("record.page", [f"verdicts.{table}" for table in sorted(claimed)], names=names))
        if any(f.rule in ("record.page", "record.cells") for f in found):
            case.verdicts = {}
        blame_case(case, hard, intake.doubts)
    said = {finding.rule for finding in found}
    outcomes.findings = [*found, *(f for f in outcomes.findings if f.rule not in said), *intake.carried]
    return outcomes


class Session:
    """Judges a stream of records. `previous`: last year's, a file of them or the records; `bodies`: a CSV of
    parent,child.

    `notes` is what a person should know of these two. Errors: UsageError for what cannot be used.
    """

    def __init__(self, previous: Path | Sequence[Intake] | None = None, bodies: Path | None = None) -> None:
        self.notes: list[str] = []
        self._previous = None if previous is None else _Previous(previous, self.notes)
        self._children = _tree(bodies) if bodies else None

    def judge(self, records: Iterable[tuple[str, Intake]]) -> Iterator[Judged]:
        """The outcomes of each (path, record), in order. With `bodies` all records are held in memory."""
        if self._children is None:
            for source, intake in records:
                yield self._one(source, intake)
            return
        kept = list(records)
        bodies: dict[tuple[str, int | None], list[Case]] = {}
        for _, intake in kept:
            if intake.case is not None and intake.case.organization:
                bodies.setdefault((body_key(intake.case.organization), intake.case.year), []).append(intake.case)
        known = {body for body, _ in bodies}
        without = [parent for parent in self._children if parent not in known]
        if without:
            self.notes.append(f"--bodies: no record of {', '.join(without[:3])}{' …' if len(without) > 3 else ''}")
        for (body, year), cases in bodies.items():
            if len(cases) > 1 and any(body == body_key(name) for names in self._children.values() for name in names):
                self.notes.append(f"--bodies: {len(cases)} records of {body}, {year}: none of them is taken for it")
        for source, intake in kept:
            yield self._one(source, self._with_children(intake, bodies))

    def _with_children(self, intake: Intake, bodies: Mapping[tuple[str, int | None], list[Case]]) -> Intake:
        case = intake.case
        if case is None or not case.organization or self._children is None:
            return intake
        found: list[Case] = []
        missing: list[str] = []
        for name in self._children.get(body_key(case.organization), ()):
            cases = bodies.get((body_key(name), case.year), [])
            if len(cases) == 1:
                found.append(cases[0])
            else:
                missing.append(name if not cases else f"{name}（有 {len(cases)} 份）")
        return replace(intake, case=replace(case, children=tuple(found), missing_children=tuple(missing)))

    def _one(self, source: str, intake: Intake) -> Judged:
        case = intake.case
        if case is not None and self._previous is not None:
            before, why = self._previous.of(case)
            if before is None:
                intake = replace(intake, findings=[*intake.findings, _no_pair(why)])
            intake = replace(intake, case=case.with_previous(before))
        return Judged(source, intake, judge(intake))


def _no_pair(why: tuple[str, str]) -> Finding:
    return not_assessable("years.pair", (), missing=why[0], missing_en=why[1])


class _Previous:
    """Last year's records, found by body and year."""

    def __init__(self, given: Path | Sequence[Intake], notes: list[str]) -> None:
        name = f"--previous {given}" if isinstance(given, Path) else "previous"
        try:
            intakes = list(read_file(given)) if isinstance(given, Path) else list(given)
        except InputError as error:
            raise UsageError("previous", f"--previous {error.message}", error.hint) from error
        self.cases = [intake.case for intake in intakes if intake.case is not None]
        if not self.cases:
            raise UsageError("previous", f"{name} holds no record.", "Give last year's records.")
        faults = sum(f.severity == "error" for intake in intakes for f in intake.findings)
        if faults or len(self.cases) < len(intakes):
            lost = len(intakes) - len(self.cases)
            notes.append(f"{name}: {faults} faults, {lost} lines without a record (gouji check shows them)")

    def of(self, case: Case) -> tuple[Case | None, tuple[str, str]]:
        """Last year's record of the case's body; None with the reason (Chinese, English) where there is not just one.

        A file of one record is taken as it is: rules/years.py says if it is another body's, or another year's.
        """
        if len(self.cases) == 1:
            return self.cases[0], ("", "")
        year = None if case.year is None else case.year - 1
        body = case.organization or ""
        same = [
            c for c in self.cases if c.year == year and c.organization and body_key(c.organization) == body_key(body)
        ]
        if not same:
            same = [
                c for c in self.cases if c.year == year and c.organization and body and same_body(c.organization, body)
            ]
        if len(same) == 1:
            return same[0], ("", "")
        if same:
            return None, (f"唯一的上年记录（有 {len(same)} 份）", f"one record of last year's (there are {len(same)})")
        return None, (
            f"{body or '本机关'} {year or '上一'} 年的记录",
            f"a record of {body or 'the body'} for {year or 'last year'}",
        )


_HEADERS = frozenset({"parent", "child", "上级", "下级", "上级机关", "下级机关", "body"})


def _tree(path: Path) -> dict[str, tuple[str, ...]]:
    """Children by parent (folded names)."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = [row for row in csv.reader(stream) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError("bodies", f"--bodies {path}: {error}.", "Give a UTF-8 CSV with lines parent,child.") from error
    bad = next((n for n, row in enumerate(rows, 1) if len(row) != 2 or not all(cell.strip() for cell in row)), None)
    if bad is not None:
        raise UsageError("bodies", f"--bodies {path}: line {bad} is not parent,child.", "One pair of names a line.")
    children: dict[str, list[str]] = {}
    for number, (parent, child) in enumerate(rows):
        if number == 0 and {parent.strip().lower(), child.strip().lower()} <= _HEADERS:
            continue
        children.setdefault(body_key(parent), []).append(child.strip())
    if not children:
        raise UsageError("bodies", f"--bodies {path} names no pair of bodies.", "One line parent,child for each.")
    _no_cycle(path, children)
    return {parent: tuple(dict.fromkeys(names)) for parent, names in children.items()}


def _no_cycle(path: Path, children: Mapping[str, list[str]]) -> None:
    below = {parent: {body_key(name) for name in names} for parent, names in children.items()}
    try:
        list(TopologicalSorter(below).static_order())
    except CycleError as error:
        names = " → ".join(error.args[1])
        raise UsageError("bodies", f"--bodies {path}: {names} is a circle.", "No body is below itself.") from None
