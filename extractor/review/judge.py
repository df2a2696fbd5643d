"""Whether what a reviewer asks for may be decided; what is refused says why and what to do instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from extractor.form import FORM, TABLES
from extractor.results import plain
from extractor.review.apply import Reviewed
from extractor.review.cells import paper_of, value_of
from extractor.review.checks import NEXT, check_clash, check_effect, check_order
from extractor.review.decisions import EMPTY, LONGEST_WHY, Decision, Proposal, ReviewError, standing
from extractor.review.doubt import table_of
from extractor.review.paper import Paper, Printed, kind_of, printable
from extractor.rules.blame import table_of as table_of_rule
from extractor.rules.catalogue import rules_version


class Judged(NamedTuple):
    """A decision without id, who and when (`id` 0), and what the report is with it."""

    decision: Decision
    after: Reviewed


def judge(
    line: Mapping[str, Any], paper: Paper, decisions: Sequence[Decision], proposal: Proposal, now: Reviewed
) -> Judged:
    """The decision that comes of a proposal.

    `line`: the machine's of the report; `decisions`: all on it, in order; `now`: what they make of it. Errors:
    ReviewError (nothing is to be appended), OutdatedError where somebody decided in this table meanwhile.
    """
    if line["record"] is None:
        raise ReviewError("failed", "Nothing was read of this report.", "Send a file that prints the tables.")
    if len(proposal.why) > LONGEST_WHY or not printable(proposal.why):
        raise ReviewError("why", "The reason is too long or holds control characters.", f"At most {LONGEST_WHY}.")
    case = _Judge(line, paper, decisions, proposal, now)
    decision = replace(
        case.ways[proposal.action](),
        why=proposal.why.strip(),
        form=line["record"]["form"],
        rules_version=rules_version(),
    )
    check_order(decisions, decision, proposal.after)
    check_clash(paper, decisions, decision, case.machine.keys())
    return Judged(decision, check_effect(line, paper, decisions, decision))


class _Judge:
    def __init__(
        self,
        line: Mapping[str, Any],
        paper: Paper,
        decisions: Sequence[Decision],
        proposal: Proposal,
        now: Reviewed,
    ) -> None:
        self.paper, self.decisions, self.proposal, self.now = paper, decisions, proposal, now
        self.machine = {cell["path"]: cell for cell in line["cells"]}
        self.shown = {cell["path"]: cell for cell in now.line["cells"]}
        self.ways: dict[str, Callable[[], Decision]] = {
            "accept": self._accept,
            "correct": self._correct,
            "not_printed": self._not_printed,
            "printed_so": self._printed_so,
            "undo": self._undo,
        }

    # ------------------------------------------------------------ the five actions

    def _accept(self) -> Decision:
        self._without("rule", "undoes")
        if self.proposal.path is None:
            return self._accept_table()
        path = self._path()
        if self.proposal.span is not None:
            return self._choose(path)
        self._without("unit")
        cell = self.shown[path]
        if cell["state"] in ("ambiguous", "illegible"):
            raise ReviewError(
                "open_cell", f"{FORM.words(path)} has no reading yet that could be accepted.",
                "Choose a reading by marking it in the text.",
            )  # fmt: skip
        self._same_value(cell["value"] if cell["state"] == "reported" else None)
        return self._of_cell(path, paper_of(cell))

    def _choose(self, path: str) -> Decision:
        printed = self._read(path)
        machine = self.machine[path]
        own = machine["state"] == "reported" and machine["value"] == plain(printed.value)
        if not own and plain(printed.value) not in (machine.get("candidates") or ()):
            raise ReviewError(
                "no_candidate", f"{printed.raw!r} is none of the readings that the machine left open.",
                "To say that this is the number all the same, send `correct`.",
            )  # fmt: skip
        if not own and self._is_away(path, printed.span):
            raise ReviewError(
                "no_candidate", f"{printed.raw!r} does not stand where the machine looked for this cell's row.",
                "To say that this is the number all the same, send `correct`.",
            )  # fmt: skip
        self._same_value(plain(printed.value))
        return self._of_cell(path, self._as_paper(path, printed))

    def _is_away(self, path: str, span: tuple[int, int]) -> bool:
        """Whether characters stand outside the row that the reader found for a cell."""
        row = self.paper.row(path)
        return row is None or not row[0] <= span[0] < span[1] <= row[1]

    def _accept_table(self) -> Decision:
        self._without("span", "value", "unit")
        table = self._table()
        cells = [cell for path, cell in self.shown.items() if table_of(path) == table]
        unread = [cell["path"] for cell in cells if cell["state"] in ("ambiguous", "illegible")]
        if unread:
            shown = "; ".join(FORM.words(path) for path in unread[:3])
            raise ReviewError(
                "open_cells", f"{len(unread)} cells of the table have no reading yet: {shown}.",
                "Decide these first, then accept the table.",
            )  # fmt: skip
        papers = {cell["path"]: paper_of(cell) for cell in cells}
        said = {path: paper_of(self.machine[path]) for path in papers}
        machine = {path: paper for path, paper in said.items() if paper != papers[path]}
        return self._decision(table, seen={"cells": papers, "machine": machine})

    def _correct(self) -> Decision:
        self._without("rule", "undoes")
        path = self._path()
        if self.proposal.span is None:
            raise ReviewError(
                "no_span", "A correction points at the number in the text.",
                "Mark the printed number, or say `not_printed`.",
            )  # fmt: skip
        printed = self._read(path)
        candidates = self.machine[path].get("candidates") or ()
        if printed.cuts and plain(printed.value) not in candidates:
            raise ReviewError(
                "half_a_number", f"{printed.raw!r} is a part of a longer number.", "Mark all of the number."
            )
        if printed.loose and plain(printed.value) not in candidates and self.proposal.value is None:
            raise ReviewError(
                "loose", f"{printed.raw!r} may be read as {plain(printed.value)}, or be more than one number.",
                f"If it is {plain(printed.value)}, send value {str(plain(printed.value))!r} with it.",
            )  # fmt: skip
        self._same_value(plain(printed.value))
        same = self.machine[path]["span"] == list(printed.span)
        away = {"away": True} if not same and self._is_away(path, printed.span) else {}
        return self._of_cell(path, self._as_paper(path, printed), **away)

    def _not_printed(self) -> Decision:
        self._without("rule", "undoes", "span", "value", "unit")
        path = self._path()
        machine = self.machine[path]
        if machine["state"] in EMPTY:
            return self._of_cell(path, paper_of(machine))
        row = path.rpartition(".")[0]
        printed = any(
            cell["state"] != "missing" for other, cell in self.machine.items() if other.rpartition(".")[0] == row
        )
        paper = {"state": "blank" if printed else "missing"}
        if machine.get("unit") is not None:
            paper["unit"] = machine["unit"]
        return self._of_cell(path, paper)

    def _printed_so(self) -> Decision:
        self._without("path", "span", "value", "unit", "undoes")
        rule = self.proposal.rule
        finding = next((f for f in self.now.line["findings"] if f["rule"] == rule and f["status"] == "fail"), None)
        if finding is None or finding["severity"] != "error" or not finding["cells"]:
            raise ReviewError(
                "no_failure",
                f"No hard rule {rule} fails here.",
                "Only an equation that fails can be printed so.",
            )
        open_ = [path for path in finding["cells"] if self.shown[path]["state"] in ("ambiguous", "illegible")]
        if open_:
            shown = "; ".join(FORM.words(path) for path in open_[:3])
            raise ReviewError("open_cells", f"Operands have no reading yet: {shown}.", "Decide these cells first.")
        operands = {path: paper_of(self.shown[path]) for path in finding["cells"]}
        seen = {"left": finding["left"], "right": finding["right"], "operands": operands, "blame": finding["blame"]}
        return self._decision(table_of_rule(finding["rule"]), rule=finding["rule"], seen={"finding": seen})

    def _undo(self) -> Decision:
        self._without("path", "rule", "span", "value", "unit")
        undone = next((d for d in self.decisions if d.id == self.proposal.undoes), None)
        if undone is None:
            raise ReviewError("no_decision", f"There is no decision {self.proposal.undoes} here.", "Load it again.")
        decision = self._decision(undone.table_key, undoes=undone.id)
        if standing([*self.decisions, replace(decision, id=NEXT)]) == standing(self.decisions):
            raise ReviewError(
                "not_standing", f"Decision {undone.id} does not stand, so nothing would be taken back.",
                "Take back the later decision on the same cell.",
            )  # fmt: skip
        return decision

    # ------------------------------------------------------------ what all ask

    def _without(self, *names: str) -> None:
        """Errors: ReviewError where something was sent that means nothing here: it may be meant for something else."""
        given = [name for name in names if getattr(self.proposal, name) is not None]
        if given:
            raise ReviewError(
                "not_for_this", f"`{self.proposal.action}` does not take {', '.join(given)}.", "Leave it out."
            )

    def _path(self) -> str:
        path = self.proposal.path
        if path is None or path not in self.machine:
            raise ReviewError("no_cell", f"This report has no cell {path}.", "Give the path of one of its cells.")
        self._fits(table_of(path))
        return path

    def _table(self) -> str:
        table = self.proposal.table_key
        if table not in TABLES:
            raise ReviewError("no_table", f"There is no table {table}.", f"Give one of {', '.join(TABLES)}.")
        return table

    def _fits(self, table: str) -> None:
        if self.proposal.table_key not in (None, table):
            raise ReviewError("no_table", f"The cell is not in {self.proposal.table_key}.", f"It is in {table}.")

    def _read(self, path: str) -> Printed:
        assert self.proposal.span is not None
        return self.paper.read(self.proposal.span, kind_of(path))

    def _same_value(self, value: int | str | None) -> None:
        """What a reviewer typed is only ever compared with what is printed."""
        said, path = self.proposal.value, self.proposal.path
        if said is None:
            return
        assert path is not None
        try:
            same = value is not None and value_of(path, said) == value_of(path, value)
        except (ValueError, AssertionError):
            same = False
        if not same:
            raise ReviewError(
                "other_value", f"{said!r} was sent, but the text says {value}.", "Mark the characters that say it."
            )

    def _as_paper(self, path: str, printed: Printed) -> dict[str, Any]:
        out = {"state": "reported", "value": plain(printed.value), "raw": printed.raw, "span": list(printed.span)}
        unit = self._unit(path, printed)
        return out if unit is None else out | {"unit": unit}

    def _unit(self, path: str, printed: Printed) -> str | None:
        """An amount's unit: printed beside it, else the table's; another only if the report prints it."""
        if kind_of(path) != "amount":
            self._without("unit")
            return None
        own = self.machine[path].get("unit")
        said = self.proposal.unit
        if said is None or said == (printed.unit or own):
            return printed.unit or own
        if printed.unit is not None or said not in ("元", "万元", "亿元") or not self.paper.prints_unit(said):
            raise ReviewError(
                "unit", f"The amount's unit is {printed.unit or own}, as printed; {said!r} was sent.", "Leave it out."
            )
        return said

    def _of_cell(self, path: str, paper: Mapping[str, Any], **seen: Any) -> Decision:
        value, span = paper.get("value"), paper.get("span")
        return self._decision(
            table_of(path),
            path=path,
            state=paper["state"],
            value=None if value is None else str(value),
            unit=paper.get("unit"),
            raw=paper.get("raw"),
            span=None if span is None else (span[0], span[1]),
            seen={"cell": _brief(self.machine[path]), **self._shown_otherwise(path), **seen},
        )

    def _shown_otherwise(self, path: str) -> dict[str, Any]:
        """The cell as it was shown, where that was not the machine's."""
        return {} if self.shown[path] == self.machine[path] else {"shown": _brief(self.shown[path])}

    def _decision(self, table: str, *, seen: Mapping[str, Any] | None = None, **fields: Any) -> Decision:
        told = {"extent": list(self.paper.extent), "verdict": self.now.verdicts[table], **(seen or {})}
        return Decision(0, "", self.paper.number, table, self.proposal.action, **fields, seen=told)


def _brief(cell: Mapping[str, Any]) -> dict[str, Any]:
    """A cell's object without what is empty."""
    kept: Iterable[str] = ("value", "state", "raw", "span", "method", "unit", "candidates", "because")
    return {key: cell[key] for key in kept if cell.get(key) is not None} | {"state": cell["state"]}
