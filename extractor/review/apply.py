"""A result with the reviewers' decisions laid over it; the machine's own line is never changed.

Decided cells have method `human` and the characters that were pointed at; every other cell is the machine's. Derived
values follow from the rules anew, all rules run anew, and the verdicts are the contract's. A table is trusted only if
every one of its cells is proved: by the machine in a table that it does not doubt, or by a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from extractor.form import DISPUTE_BLOCKS, GROUPS, TABLES, cell_paths, group_all
from extractor.reader.tables import TableRead
from extractor.results import TRUSTED, Cell, Finding, Verdict, document_verdict, plain
from extractor.review.cells import cell_from, contradicts, paper_of
from extractor.review.decisions import Decision, ReviewError, standing
from extractor.review.doubt import table_of
from extractor.review.paper import Paper, is_digit, kind_of
from extractor.review.soft import carried, soft_findings
from extractor.review.taken import Taken
from extractor.settle import build_record, settle_table

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What decisions make of a report.

    `line`: a line of the contract, the machine's own where nothing was decided. `settled`: by table, whether a person
    has nothing left to decide. `verdicts`: its tables' verdicts. `stale`: standing decisions of which something could
    not be applied. `notes`: by decision id, what to know of it: `stale`, `differs` (the machine now reads otherwise
    than it did when that was decided), `older_rules`, `older_form`. `decided`: the cells that decisions speak for, by
    decision id.
    """

    line: dict[str, Any]
    settled: dict[str, bool]
    verdicts: dict[str, Verdict]
    stale: list[Decision] = field(default_factory=list)
    notes: dict[int, list[str]] = field(default_factory=dict)
    decided: dict[str, int] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """Whether all three tables are settled."""
        return all(self.settled.values())


def reviewed(line: Line, paper: Paper, decisions: Iterable[Decision]) -> Reviewed:
    """A report, as the machine said it (`line`), with its decisions applied."""
    stand = standing(decisions)
    if not stand.ids:
        return _alone(line)
    try:
        known = line["record"] is not None and bool(paper.extent)
    except ReviewError:  # this version of gouji finds fewer reports in the text
        known = False
    return _Review(line, Taken(line, paper, stand)).result() if known else _alone(line, stand.all)


def _alone(line: Line, lost: Sequence[Decision] = ()) -> Reviewed:
    """The machine's line as it is, with decisions that could not be applied to it."""
    settled = {name: line["record"] is None or _settled_alone(line, name) for name in TABLES}
    return Reviewed(dict(line), settled, dict(line["verdicts"]), list(lost), {one.id: ["stale"] for one in lost})


def _settled_alone(line: Line, table: str) -> bool:
    """Whether the machine's table leaves a person nothing to decide."""
    return line["verdicts"][table] in ("verified", "reconciled")


class _Review:
    def __init__(self, line: Line, taken: Taken) -> None:
        self.line, self.taken = line, taken
        self.paper, self.machine, self.human, self.lost = taken.paper, taken.machine, taken.human, taken.lost
        self.changed = {table_of(path) for path in (*self.human, *self.lost)}
        self.changed |= {decision.table_key for decision in taken.stand.rules.values()}

    # ------------------------------------------------------------ cells → tables

    def result(self) -> Reviewed:
        record, verdicts = self.line["record"], dict(self.line["verdicts"])
        printed = frozenset(group for group in GROUPS if f"requests.{group_all(group)}.total" in self.machine)
        paths = cell_paths(record["form"], printed)
        tables = {name: self._table(name, paths[name], printed) for name in TABLES}
        hard: dict[str, list[Finding | Line]] = {}
        settled = {}
        for name, table in tables.items():
            if name in self.changed:
                verdict, findings = settle_table(self.paper.text, name, table)
                verdicts[name] = self._judged(name, verdict, findings)
                hard[name] = list(findings)
            else:
                hard[name] = [finding for finding in self.line["findings"] if _of_table(finding, name)]
            settled[name] = self._settled(name, paths[name], verdicts[name], hard[name])
        sections = record["sections"]
        identity = {key: record[key] for key in ("organization", "year", "title")}
        new = build_record(record["form"], tables, identity, sections)
        cells = [cell for name in TABLES for cell in tables[name].cells]
        line = {
            **self.line,
            "verdict": document_verdict(verdicts),
            "verdicts": verdicts,
            "record": new,
            "cells": [self._to_json(cell) for cell in cells],
        }
        line["findings"] = [
            *(f.to_json() if isinstance(f, Finding) else f for name in TABLES for f in hard[name]),
            *carried(self.line, before=True),
            *(f.to_json() for f in soft_findings(line, cells, self.paper)),
            *carried(self.line, before=False),
        ]
        decided = {path: decision.id for path, decision in self.taken.by.items()}
        return Reviewed(line, settled, verdicts, self.taken.stale, self.taken.notes, decided)

    def _table(self, name: str, paths: Sequence[str], printed: frozenset[str]) -> TableRead:
        cells = [self._now(path) for path in paths]
        groups = printed if name == "requests" else frozenset[str]()
        by_path = {cell.path: cell for cell in cells}
        alone = frozenset(
            group for group in groups if all(c.state == "missing" for p, c in by_path.items() if _is_sub_row(p, group))
        )
        found = any(cell.state != "missing" or cell.value is not None for cell in cells)
        loose = {path for path in paths if name in self.changed and path not in self.human and self._is_loose(path)}
        return TableRead(cells, found, self._doubts(name, paths, by_path), groups, alone, loose)

    def _now(self, path: str) -> Cell:
        if path in self.human:
            return replace(self.human[path])
        cell = cell_from(self.machine[path])
        if path in self.lost:
            shown = () if cell.value is None else (cell.value,)
            return Cell(path, state="ambiguous", unit=cell.unit, candidates=shown)
        return cell

    def _is_loose(self, path: str) -> bool:
        """Whether only equations confirmed the machine's number (`2 0`, `1O`): they must hold with the decisions."""
        cell = self.machine[path]
        if path in self.lost or cell["state"] != "reported" or cell["method"] != "rule" or cell["raw"].isdigit():
            return False
        try:
            return self.paper.read((cell["span"][0], cell["span"][1]), kind_of(path)).loose
        except ReviewError:
            return True

    def _doubts(self, name: str, paths: Sequence[str], cells: Mapping[str, Cell]) -> list[str]:
        """Why the table may not be trusted: the reader's doubts until every cell is decided, and our own."""
        found = []
        everything = all(path in self.human for path in paths)
        if not everything:
            prefix = f"{name}.reading."
            found = [f["rule"].removeprefix(prefix) for f in self.line["findings"] if f["rule"].startswith(prefix)]
            unsure = any(self.machine[path]["state"] in ("ambiguous", "illegible") for path in paths)
            begun = any(path in self.human for path in paths)
            if begun and self.line["verdicts"][name] not in TRUSTED and not found and not unsure:
                found = ["undecided"]
            if any(self._refutes(path) for path in paths if path in self.human):
                found.append("refuted")
        chosen = [path for path in paths if path in self.human and self._is_chosen(path)]
        # A space between digits may part two numbers, so whoever looked at every cell has decided that too.
        if any(self._leaves_digits(path, cells, loose=not everything) for path in chosen):
            found.append("cut")
        return found

    def _refutes(self, path: str) -> bool:
        """Whether a person says of a cell otherwise than the machine, or found its number elsewhere."""
        away = "away" in self.taken.by[path].seen
        return away or contradicts(self.machine[path], self.human[path])

    def _is_chosen(self, path: str) -> bool:
        """Whether a person, and not the machine, chose the characters of this number."""
        cell = self.human[path]
        return cell.state == "reported" and cell.span is not None and self.machine[path]["span"] != list(cell.span)

    def _leaves_digits(self, path: str, cells: Mapping[str, Cell], *, loose: bool) -> bool:
        """Whether a number was cut out of a run of digits (`loose`: single spaces in it) of which the table's cells
        leave others over; the number of the next label may be left."""
        span = self.human[path].span
        assert span is not None
        start, end = self.paper.run(span, loose=loose)
        taken = {at for cell in cells.values() if cell.span for at in range(*cell.span)}
        rest = [at for at in range(start, end) if at not in taken and is_digit(self.paper.text[at])]
        ordinal = self.paper.text[end : end + 1] in ("、", ".", "．") and len(rest) <= 2
        return bool(rest) and not (ordinal and rest == list(range(end - len(rest), end)))

    # ------------------------------------------------------------ verdicts

    def _judged(self, name: str, verdict: Verdict, findings: list[Finding]) -> Verdict:
        """Sets blame where a person decided it. Where a person's reading breaks a rule, somebody must say that the
        report prints it so before the table is trusted."""
        before = {f["rule"]: f for f in self.line["findings"] if f["status"] == "fail" and f["severity"] == "error"}
        open_ = False
        for finding in findings:
            if finding.status != "fail" or finding.severity != "error":
                continue
            said = self.taken.stand.rules.get(finding.rule)
            then = before.get(finding.rule)
            if said is not None and self._still(said, finding):
                finding.blame = "source"
                finding.reason = f"{said.who} 认定原文如此 / {said.who} decided that the report prints it so"
            elif verdict == "inconsistent" and not (then and then["blame"] == "source" and self._untouched(finding)):
                open_ = True
                finding.blame = "undecided"
                finding.reason = "由人认定的数使勾稽关系不成立，是否原文如此尚未认定 / a person's reading breaks the rule, and nobody has said whether the report prints it so"  # noqa: E501
        failing = {f.rule: f for f in findings if f.status == "fail"}
        for rule, decision in self.taken.stand.rules.items():
            if decision.table_key == name and not (rule in failing and self._still(decision, failing[rule])):
                self.taken.note(decision, "stale")
        return "needs_review" if open_ else verdict

    def _untouched(self, finding: Finding) -> bool:
        """Whether all operands are the machine's reading."""
        return not any(
            path in self.lost or (path in self.human and contradicts(self.machine[path], self.human[path]))
            for path in finding.cells
        )

    def _still(self, decision: Decision, finding: Finding) -> bool:
        """Whether the rule fails with the numbers that were decided on."""
        then = decision.seen["finding"]
        same = then["left"] == plain(finding.left) and then["right"] == plain(finding.right)
        return same and self.taken.same_report(decision) and then["operands"] == self.operands(finding.cells)

    def operands(self, paths: Iterable[str]) -> dict[str, Any]:
        """What is on paper for each operand of a rule."""
        return {path: paper_of(self._now(path)) for path in paths}

    def _settled(self, name: str, paths: Sequence[str], verdict: Verdict, hard: Sequence[Finding | Line]) -> bool:
        if verdict in ("verified", "reconciled"):
            return True
        everything = all(path in self.human for path in paths)
        if verdict == "inconsistent":
            failing = [_get(f, "rule") for f in hard if _get(f, "status") == "fail" and _get(f, "severity") == "error"]
            said = {rule for rule, d in self.taken.stand.rules.items() if "stale" not in self.taken.notes.get(d.id, ())}
            return everything or said.issuperset(failing)
        return verdict == "failed" and everything

    def _to_json(self, cell: Cell) -> dict[str, Any]:
        machine = self.machine[cell.path]
        if cell.path not in self.human and cell.path not in self.lost and table_of(cell.path) not in self.changed:
            return machine
        out = cell.to_json()
        place = self._places.get(cell.span) if cell.span else None
        if place is not None:
            out["place"] = place
        return out

    @cached_property
    def _places(self) -> dict[tuple[int, int] | None, Any]:
        return {(c["span"][0], c["span"][1]): c["place"] for c in self.machine.values() if c.get("place") and c["span"]}


# ---------------------------------------------------------------- helpers

_REQUESTS = ("requests.balance.", "requests.outcomes.", "requests.applicants.", "requests.groups.")


def _get(finding: Finding | Line, key: str) -> Any:
    return getattr(finding, key) if isinstance(finding, Finding) else finding[key]


def _of_table(finding: Line, name: str) -> bool:
    """Whether a finding is one that settling this table gave: an equation of it, or a doubt of the reader."""
    rule = finding["rule"]
    if rule.startswith(f"{name}.reading."):
        return True
    if name == "requests":
        return bool(rule.startswith(_REQUESTS))
    return name == "disputes" and rule in {f"{block}.sum" for block in DISPUTE_BLOCKS}


def _is_sub_row(path: str, group: str) -> bool:
    return any(path.startswith(f"requests.{row}.") for row in GROUPS[group])
