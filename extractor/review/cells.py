"""Cells on their way between JSON, objects and decisions; which of them share characters or contradict each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from extractor.results import Cell, Value, exact, plain
from extractor.review.decisions import EMPTY, Decision
from extractor.review.paper import kind_of

Line = Mapping[str, Any]


def overlaps(spans: Mapping[str, tuple[int, int] | None]) -> list[tuple[str, str]]:
    """Pairs of cells that share characters."""
    found = []
    ordered = sorted(((span, path) for path, span in spans.items() if span), key=lambda one: one[0])
    for index, (span, path) in enumerate(ordered):
        for other, name in ordered[index + 1 :]:
            if other[0] >= span[1]:
                break
            found.append((path, name))
    return found


def contradicts(machine: Line, human: Cell) -> bool:
    """Whether a person says otherwise than the machine read: a number (or its unit) in place of another, or of none of
    its candidates, none in place of a number, one where the machine saw none."""
    if machine["state"] == "reported":
        same = human.state == "reported" and plain(human.value) == machine["value"]
        return not same or human.unit != machine.get("unit")
    if machine["state"] in EMPTY:
        return human.state == "reported"
    candidates = machine.get("candidates") or []
    return bool(candidates) and human.state == "reported" and plain(human.value) not in candidates


def value_of(path: str, value: Any) -> Value:
    """A value of JSON (integer, or decimal text) as the cell's own: counts as int, amounts as Decimal."""
    if kind_of(path) == "amount":
        amount = exact(value)
        assert amount is not None
        return amount
    return int(value)


def cell_from(cell: Line) -> Cell:
    """A cell of a line as an object; its place stays behind."""
    value = None if cell["value"] is None else value_of(cell["path"], cell["value"])
    span = (cell["span"][0], cell["span"][1]) if cell["span"] else None
    candidates = tuple(value_of(cell["path"], one) for one in cell.get("candidates") or ())
    return Cell(
        cell["path"], value, cell["state"], cell["raw"], span, cell["method"], cell.get("unit"),
        tuple(cell.get("because") or ()), candidates,
    )  # fmt: skip


def paper_of(cell: Cell | Line) -> dict[str, Any]:
    """What is on paper in a cell, derived values left out: state, and where there is one, value, raw, span, unit."""
    if not isinstance(cell, Cell):
        cell = cell_from(cell)
    out: dict[str, Any] = {"state": cell.state}
    if cell.state == "reported":
        out["value"] = plain(cell.value)
    if cell.span is not None and cell.raw is not None:
        out |= {"raw": cell.raw, "span": list(cell.span)}
    if cell.unit is not None:
        out["unit"] = cell.unit
    return out


def snapshot_of(decision: Decision, path: str) -> dict[str, Any]:
    """What a decision says of a cell, as `paper_of` has it."""
    if decision.path is None:
        return dict(decision.seen["cells"][path])
    out: dict[str, Any] = {"state": decision.state}
    if decision.state == "reported":
        out["value"] = decision.value
    if decision.span is not None:
        out |= {"raw": decision.raw, "span": list(decision.span)}
    if decision.unit is not None:
        out["unit"] = decision.unit
    return out


def machine_then(decision: Decision, path: str) -> dict[str, Any]:
    """What the machine said of the cell when it was decided."""
    if decision.path is not None:
        return dict(decision.seen["cell"])
    return dict(decision.seen["machine"].get(path) or decision.seen["cells"][path])
