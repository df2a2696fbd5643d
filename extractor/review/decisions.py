"""Decisions of reviewers: what one is, and which of them stand.

Decisions are only ever appended. One that takes another back is a decision too, and may itself be taken back; what
stands is worked out from the whole list each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from extractor.errors import GoujiError
from extractor.results import State

Action = Literal["accept", "correct", "not_printed", "printed_so", "undo"]
LONGEST_WHY = 2_000  # characters
# What is empty on paper: no number stands there.
EMPTY: tuple[State, ...] = ("blank", "not_applicable", "missing")


class ReviewError(GoujiError):
    """What a reviewer asks for cannot be decided so; `code` says why (docs/review.md lists all)."""


class OutdatedError(ReviewError):
    """Somebody else decided in this table after what the reviewer saw."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a reviewer asks for.

    `path`: one cell; `rule`: one failed rule (printed_so); neither: the whole table (accept, not_printed).
    `span`: [start, end) in the stored text. `value`: never stored as such; where it is given it must be what the span
    reads. `undoes`: the id of the decision to take back. `after`: the id of the last decision of this report that the
    reviewer saw (0: none); a newer one in the same table is a conflict.
    """

    action: Action
    table_key: str | None = None
    path: str | None = None
    rule: str | None = None
    span: tuple[int, int] | None = None
    value: str | None = None
    unit: str | None = None
    undoes: int | None = None
    why: str = ""
    after: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision, as it was appended; the columns of the table `decisions`.

    It speaks of report `number` of the stored text with this `text_sha256`. `state` is what a decided cell is on paper;
    `value` (decimal text), `unit`, `raw` and `span` are there where a number is printed. `form`, `rules_version`,
    `document` and `extraction` are those that the reviewer looked at. `seen` is what was shown then: the report's part
    of the text (`extent`), the table's `verdict`, the machine's `cell` and what decisions had made of it (`shown`),
    and `away` where the number stands outside the row that the reader found; of a table all `cells` as accepted, and
    where the machine had them otherwise the `machine`'s; of a rule the `finding`.
    """

    id: int
    text_sha256: str
    number: int
    table_key: str
    action: Action
    path: str | None = None
    rule: str | None = None
    state: State | None = None
    value: str | None = None
    unit: str | None = None
    raw: str | None = None
    span: tuple[int, int] | None = None
    undoes: int | None = None
    why: str = ""
    who: str = ""
    at: str = ""
    form: str = ""
    rules_version: str = ""
    document: str = ""
    extraction: str = ""
    seen: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As the API gives it."""
        return {
            "id": self.id,
            "number": self.number,
            "table": self.table_key,
            "action": self.action,
            "path": self.path,
            "rule": self.rule,
            "state": self.state,
            "value": self.value,
            "unit": self.unit,
            "raw": self.raw,
            "span": list(self.span) if self.span else None,
            "undoes": self.undoes,
            "why": self.why,
            "who": self.who,
            "at": self.at,
            "form": self.form,
            "rules_version": self.rules_version,
            "document": self.document,
            "extraction": self.extraction,
            "seen": dict(self.seen),
        }


def in_force(decisions: Iterable[Decision]) -> list[Decision]:
    """The decisions that nobody took back, undos among them, in the order they were made.

    An undo that was itself taken back has no effect.
    """
    undone: set[int] = set()
    kept = []
    for decision in sorted(decisions, key=lambda one: one.id, reverse=True):
        if decision.id in undone:
            continue
        kept.append(decision)
        if decision.action == "undo" and decision.undoes is not None:
            undone.add(decision.undoes)
    return kept[::-1]


@dataclass(frozen=True, slots=True)
class Standing:
    """The decisions that count: by cell (its own, or one on its whole table, whichever is later), by rule, by table."""

    cells: Mapping[str, Decision]
    rules: Mapping[str, Decision]
    tables: Mapping[str, Decision]

    @property
    def all(self) -> list[Decision]:
        """Every decision that has an effect, once, in the order they were made."""
        found = {d.id: d for group in (self.cells, self.rules, self.tables) for d in group.values()}
        return [found[number] for number in sorted(found)]

    @property
    def ids(self) -> frozenset[int]:
        """Ids of all decisions that have an effect."""
        return frozenset(decision.id for decision in self.all)


def standing(decisions: Iterable[Decision]) -> Standing:
    """What stands of a report's decisions. A later decision on the same cell takes the place of an earlier one; when
    it is taken back the earlier one stands again."""
    cells: dict[str, Decision] = {}
    rules: dict[str, Decision] = {}
    tables: dict[str, Decision] = {}
    for decision in in_force(decisions):
        if decision.action == "undo":
            continue
        if decision.path is not None:
            cells[decision.path] = decision
        elif decision.rule is not None:
            rules[decision.rule] = decision
        else:
            tables[decision.table_key] = decision
            cells.update(dict.fromkeys(decision.seen.get("cells", ()), decision))
    return Standing(cells, rules, tables)


def same_decision(one: Decision, other: Decision) -> bool:
    """Whether two decisions say the same of the same, whoever made them and whenever."""
    return _said(one) == _said(other)


def _said(decision: Decision) -> tuple[Any, ...]:
    return (
        decision.table_key, decision.path, decision.rule, decision.action, decision.state, decision.value,
        decision.unit, decision.span, decision.undoes, decision.seen.get("cells"), decision.seen.get("finding"),
    )  # fmt: skip
