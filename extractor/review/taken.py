"""Standing decisions laid beside the machine's cells: which apply, to which characters, and what they take away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from extractor.errors import GoujiError
from extractor.results import Cell, Value
from extractor.review.cells import machine_then, overlaps, snapshot_of, value_of
from extractor.review.decisions import EMPTY, Decision, Standing
from extractor.review.paper import Paper, kind_of
from extractor.rules.catalogue import rules_version


class Taken:
    """`human`: by path, the cells that decisions speak for; `by`: their decisions. `lost`: cells that nobody decided
    and whose characters a person gave to another cell. `notes`: by decision id (review/apply.py, Reviewed)."""

    def __init__(self, line: Mapping[str, Any], paper: Paper, stand: Standing) -> None:
        self.paper, self.stand = paper, stand
        self.machine: dict[str, dict[str, Any]] = {cell["path"]: cell for cell in line["cells"]}
        self.notes: dict[int, list[str]] = {}
        self.human: dict[str, Cell] = {}
        self.by: dict[str, Decision] = {}
        self._take(line["record"]["form"])
        self._clash()
        self.lost = self._lost_evidence()

    @property
    def stale(self) -> list[Decision]:
        """Standing decisions of which something could not be applied."""
        return [decision for decision in self.stand.all if "stale" in self.notes.get(decision.id, ())]

    def note(self, decision: Decision, note: str) -> None:
        """Keeps what to know of a decision, once."""
        notes = self.notes.setdefault(decision.id, [])
        if note not in notes:
            notes.append(note)

    def same_report(self, decision: Decision) -> bool:
        """Whether the report is cut out of its text as it was then: else the number may stand for another report."""
        then, now = decision.seen["extent"], self.paper.extent
        shared = min(then[1], now[1]) - max(then[0], now[0])
        return bool(shared * 5 > max(then[1] - then[0], now[1] - now[0]) * 4) or list(now) == list(then)

    def _take(self, form: str) -> None:
        for path, decision in self.stand.cells.items():
            cell = self._cell(path, decision)
            if cell is None:
                self.note(decision, "stale")
            else:
                self.human[path], self.by[path] = cell, decision
        for decision in self.stand.all:
            if decision.form != form:
                self.note(decision, "older_form")
            if decision.rules_version != rules_version():
                self.note(decision, "older_rules")
        for path, decision in self.by.items():
            then = machine_then(decision, path)
            if any(then.get(key) != self.machine[path].get(key) for key in ("state", "value", "unit")):
                self.note(decision, "differs")

    def _cell(self, path: str, decision: Decision) -> Cell | None:
        """The cell as decided; None where the decision no longer fits what is here."""
        if path not in self.machine or not self.same_report(decision):
            return None
        said = snapshot_of(decision, path)
        span = None if said.get("span") is None else (said["span"][0], said["span"][1])
        if span is not None and self.paper.text[slice(*span)] != said.get("raw"):
            return None
        if said["state"] in EMPTY:
            return Cell(path, None, said["state"], said.get("raw"), span, unit=said.get("unit"))
        assert span is not None
        value = value_of(path, said["value"])
        if not self._reads(path, span, value):
            return None
        return Cell(path, value, "reported", said["raw"], span, "human", said.get("unit"))

    def _reads(self, path: str, span: tuple[int, int], value: Value) -> bool:
        """Whether the number reader still reads this value from these characters."""
        try:
            return self.paper.read(span, kind_of(path)).value == value
        except GoujiError:
            return False

    def _clash(self) -> None:
        """No printed number stands for two cells: decisions that say so are not applied (nobody can make such)."""
        for pair in overlaps({path: cell.span for path, cell in self.human.items() if cell.span}):
            for path in pair:
                if path in self.human:
                    self.note(self.by.pop(path), "stale")
                    del self.human[path]

    def _lost_evidence(self) -> set[str]:
        taken = {path: cell.span for path, cell in self.human.items() if cell.span and cell.value is not None}
        others = {
            path: (cell["span"][0], cell["span"][1])
            for path, cell in self.machine.items()
            if path not in self.human and cell["span"] and cell["state"] == "reported"
        }
        return {pair[0] if pair[0] in others else pair[1] for pair in overlaps({**taken, **others})} & others.keys()
