"""A reviewer's desk for tests: reports as gouji reads them, decisions on them, and what must hold of the outcome."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from extractor.document.sources import Source
from extractor.export.lines import fault_of
from extractor.files import readings_of
from extractor.pipeline import Reading, results_of
from extractor.review.apply import Reviewed, reviewed
from extractor.review.decisions import Decision, Proposal
from extractor.review.doubt import table_of
from extractor.review.judge import judge
from extractor.review.paper import Paper, kind_of
from extractor.rules.intake import take
from extractor.rules.session import judge as check

REPORTS = Path(__file__).parents[1] / "fixtures" / "reports"
NEWEST = 10**9  # as `after`: everything was seen
Line = dict[str, Any]


@lru_cache(maxsize=80)
def _read(name: str) -> tuple[str, str]:
    readings, _ = readings_of(Source(name, data=(REPORTS / name).read_bytes()))
    results = results_of([reading for reading in readings if isinstance(reading, Reading)])
    return json.dumps([result.to_json() for result in results]), results[0].text


@dataclass
class Desk:
    """A report under review: `line` as the machine said it, and the decisions made so far."""

    line: Line
    text: str
    number: int = 1
    decisions: list[Decision] = field(default_factory=list)

    def ask(self, action: Any, **about: Any) -> Decision:
        """The decision that a proposal gives, without keeping it. Errors: ReviewError."""
        return self.judge(Proposal(action, **{"after": NEWEST, **about}))

    def judge(self, proposal: Proposal) -> Decision:
        """The same of a whole proposal."""
        found = judge(self.line, self.paper, self.decisions, proposal, self.now).decision
        return replace(found, id=len(self.decisions) + 1, who="li", at="2026-01-01T00:00:00.000Z")

    def decide(self, action: Any, **about: Any) -> Reviewed:
        """Keeps it, and gives the report as it is then. Errors: ReviewError."""
        return self.keep(self.ask(action, **about))

    def keep(self, decision: Decision) -> Reviewed:
        """Keeps a decision, and gives the report as it is then."""
        self.decisions.append(decision)
        return self.now

    @cached_property
    def paper(self) -> Paper:
        return Paper.of(self.text, self.number)

    def after(self, decisions: Sequence[Decision]) -> Reviewed:
        """The report with other decisions."""
        return reviewed(self.line, self.paper, decisions)

    @property
    def now(self) -> Reviewed:
        return self.after(self.decisions)

    def span(self, printed: str, behind: str = "", nth: int = 0) -> tuple[int, int]:
        """Where something is printed, the nth time behind some words."""
        at = self.text.index(behind) + len(behind)
        for _ in range(nth + 1):
            at = self.text.index(printed, at) + 1
        return at - 1, at - 1 + len(printed)

    def cell(self, path: str) -> Line:
        """The machine's cell."""
        return next(cell for cell in self.line["cells"] if cell["path"] == path)

    def paths(self, table: str) -> list[str]:
        return [cell["path"] for cell in self.line["cells"] if table_of(cell["path"]) == table]


def desk(name: str, number: int = 1) -> Desk:
    """The desk with a fixture on it."""
    lines, text = _read(name)
    return Desk(json.loads(lines)[number - 1], text, number)


def cell_of(now: Reviewed, path: str) -> Line:
    """A cell as reviewed."""
    found: Line = next(cell for cell in now.line["cells"] if cell["path"] == path)
    return found


def findings(now: Reviewed, table: str) -> list[str]:
    """The codes of a table's failed rules and doubts."""
    doubt = f"{table}.reading."
    return [
        f["rule"] for f in now.line["findings"]
        if f["status"] == "fail" and (f["rule"].startswith(doubt) or (f["severity"] == "error" and f["cells"]
        and table_of(f["cells"][0]) == table))
    ]  # fmt: skip


def faults(on: Desk, now: Reviewed) -> Iterator[str]:
    """What would be wrong in a reviewed line, whatever was decided."""
    line = json.loads(json.dumps(now.line))
    fault = fault_of(line)
    if fault is not None:
        yield f"no line of the contract: {fault}"
    yield from (f"check: {found.rule}" for found in check(take(line, 1)).findings if found.rule.startswith("record."))
    machine = {cell["path"]: cell for cell in on.line["cells"]}
    paper = on.paper
    for cell in line["cells"]:
        path, table = cell["path"], table_of(cell["path"])
        if cell["method"] == "human":
            start, end = cell["span"]
            if on.text[start:end] != cell["raw"]:
                yield f"{path}: {cell['raw']!r} does not stand there"
            if str(paper.read((start, end), kind_of(path)).value) != str(cell["value"]):
                yield f"{path}: {cell['raw']!r} does not read {cell['value']}"
        elif cell["state"] == "reported" and cell != machine[path]:
            yield f"{path}: nobody decided it, and it is not what the machine read"
        if line["verdicts"][table] in ("verified", "reconciled", "inconsistent"):
            doubted = any(f["rule"].startswith(f"{table}.reading.") for f in on.line["findings"])
            if (doubted or on.line["verdicts"][table] == "failed") and path not in now.decided:
                yield f"{path}: trusted, though the reader doubts the table and nobody decided the cell"
            if machine[path]["state"] in ("ambiguous", "illegible") and path not in now.decided:
                yield f"{path}: trusted, though open"
