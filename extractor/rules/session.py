"""Many records under the rules: each paired with last year's, parents with their subordinates."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from extractor.errors import InputError, UsageError
from extractor.rules.blame import blame_case
from extractor.rules.case import Case
from extractor.rules.engine import Outcomes, validate
from extractor.rules.intake import Intake, read_file


@dataclass(slots=True)
class Judged:
    """One record of `source` with all outcomes."""

    source: str
    intake: Intake
    outcomes: Outcomes


def judge(intake: Intake) -> Outcomes:
    """All outcomes of one record: what is malformed in it, and every rule."""
    outcomes = Outcomes()
    if intake.case is not None:
        outcomes = validate(intake.case)
        blame_case(intake.case, [f for f in outcomes.findings if f.severity == "error"], intake.doubts)
    said = {finding.rule for finding in intake.findings}
    outcomes.findings = [*intake.findings, *(f for f in outcomes.findings if f.rule not in said)]
    return outcomes


class Session:
    """Judges a stream of records. `previous`: a file of last year's; `bodies`: a CSV of parent,child.

    Errors: UsageError for files of those that cannot be used.
    """

    def __init__(self, previous: Path | None = None, bodies: Path | None = None) -> None:
        self.notes: list[str] = []
        self._previous = _previous_cases(previous) if previous else None
        self._children = _tree(bodies) if bodies else None

    def judge(self, records: Iterable[tuple[str, Intake]]) -> Iterator[Judged]:
        """The outcomes of each (path, record), in order. With `bodies` all records are held in memory."""
        if self._children is None:
            several = None
            for source, intake in records:
                yield self._one(source, intake, several)
            return
        kept = list(records)
        by_body: dict[tuple[str, int | None], Case] = {}
        for _, intake in kept:
            if intake.case is not None and intake.case.organization:
                by_body[body_key(intake.case.organization), intake.case.year] = intake.case
        named = {body_key(name) for name in self._children} - {body for body, _ in by_body}
        if named:
            self.notes.append(f"--bodies names {len(named)} parents of which there is no record")
        for source, intake in kept:
            yield self._one(source, intake, by_body)

    def _one(self, source: str, intake: Intake, by_body: dict[tuple[str, int | None], Case] | None) -> Judged:
        case = intake.case
        if case is not None and self._previous is not None:
            before = self._last_year(case)
            if before is None:
                self.notes.append(f"{source}{f', line {intake.line}' if intake.line else ''}: no record of last year's")
            case = case.with_previous(before)
        if case is not None and by_body is not None and self._children is not None and case.organization:
            children = self._children.get(body_key(case.organization), ())
            found = [(name, by_body.get((body_key(name), case.year))) for name in children]
            case = replace(
                case,
                children=tuple(child for _, child in found if child is not None),
                missing_children=tuple(name for name, child in found if child is None),
            )
        intake = replace(intake, case=case)
        return Judged(source, intake, judge(intake))

    def _last_year(self, case: Case) -> Case | None:
        assert self._previous is not None
        if len(self._previous) == 1:
            return self._previous[0]  # rules/years.py says if it is another body's, or another year's
        body = body_key(case.organization or "")
        year = None if case.year is None else case.year - 1
        fitting = [c for c in self._previous if c.organization and body_key(c.organization) == body and c.year == year]
        return fitting[0] if len(fitting) == 1 else None


def _previous_cases(path: Path) -> list[Case]:
    try:
        cases = [intake.case for intake in read_file(path) if intake.case is not None]
    except InputError as error:
        raise UsageError("previous", f"--previous {error.message}", error.hint) from error
    if not cases:
        raise UsageError("previous", f"--previous {path} holds no record.", "Give last year's record or JSON Lines.")
    return cases


def _tree(path: Path) -> dict[str, tuple[str, ...]]:
    """Children by parent (folded names)."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = [row for row in csv.reader(stream) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError("bodies", f"--bodies {path}: {error}.", "Give a UTF-8 CSV with lines parent,child.") from error
    bad = next((n for n, row in enumerate(rows, 1) if len(row) != 2 or not all(cell.strip() for cell in row)), None)
    if bad is not None or not rows:
        where = f"line {bad}" if bad else "it"
        raise UsageError("bodies", f"--bodies {path}: {where} is not parent,child.", "One pair of names a line.")
    children: dict[str, list[str]] = {}
    for parent, child in rows:
        if (parent.strip().lower(), child.strip().lower()) != ("parent", "child"):
            children.setdefault(body_key(parent), []).append(child.strip())
    return {parent: tuple(dict.fromkeys(names)) for parent, names in children.items()}


def body_key(name: str) -> str:
    """A body's name as it is compared: without white space and brackets, without 人民政府 at its end."""
    folded = re.sub(r"[\s()（）]", "", name)
    return folded.removesuffix("人民政府") or folded
