"""Two labels of one report held against each other: agreement, Cohen's kappa, and the cells to decide on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from extractor.eval.lint_shape import cells_of
from extractor.eval.score import TABLE_OF

CLASSES = ("blank", "zero", "nonzero", "undecidable")
ABSENT = "absent"  # the other label has the cell, this one has no such row


@dataclass(slots=True)
class Agreement:
    """`cells`: those that either label has; `same`: equal to the digit. A row that only one has counts as blank in the
    other, and each of its cells as a difference. `kappa` is over the classes; None where both passes put every cell
    into one class."""

    cells: int = 0
    same: int = 0
    kappa: float | None = None
    matrix: dict[str, dict[str, int]] = field(default_factory=dict)
    tables: dict[str, dict[str, int]] = field(default_factory=dict)
    differences: list[dict[str, Any]] = field(default_factory=list)
    around: list[dict[str, Any]] = field(default_factory=list)

    @property
    def agree(self) -> bool:
        """Whether nothing is left to decide."""
        return not self.differences and not self.around

    def to_json(self) -> dict[str, Any]:
        """As `gouji label compare --json` prints it."""
        return {
            "cells": self.cells,
            "same": self.same,
            "exact": self.same / self.cells if self.cells else None,
            "kappa": self.kappa,
            "matrix": self.matrix,
            "tables": self.tables,
            "around": self.around,
            "adjudicate": self.differences,
        }


def class_of(value: Any) -> str:
    """blank, zero, nonzero or undecidable."""
    if value is None or value == ABSENT:
        return "blank"
    if value == "?":
        return "undecidable"
    return "zero" if Decimal(str(value)) == 0 else "nonzero"


def agreement(a: dict[str, Any], b: dict[str, Any]) -> Agreement:
    """Compares two gold objects of the same report, cell by cell in the order of the form."""
    one, other = (dict(cells_of(gold["record"])) for gold in (a, b))
    found = Agreement(matrix={x: dict.fromkeys(CLASSES, 0) for x in CLASSES})
    tables: dict[str, Counter[str]] = {}
    for path in dict.fromkeys([*one, *other]):
        left, right = one.get(path, ABSENT), other.get(path, ABSENT)
        same = _same(left, right)
        found.cells += 1
        found.same += same
        found.matrix[class_of(left)][class_of(right)] += 1
        tables.setdefault(TABLE_OF[path.partition(".")[0]], Counter()).update(cells=1, same=int(same))
        if not same:
            kind = "class" if class_of(left) != class_of(right) else "row" if ABSENT in (left, right) else "number"
            found.differences.append({"path": path, "a": left, "b": right, "differs": kind})
    found.tables = {table: dict(counts) for table, counts in tables.items()}
    found.kappa = kappa(found.matrix)
    for key in ("year", "organization", "form", "unit"):
        found.around += _around(key, a, b)
    return found


def kappa(matrix: dict[str, dict[str, int]]) -> float | None:
    """Cohen's kappa of a square matrix of counts; None where chance alone would agree always."""
    total = sum(sum(row.values()) for row in matrix.values())
    if not total:
        return None
    observed = sum(matrix[name][name] for name in matrix) / total
    columns = {name: sum(row[name] for row in matrix.values()) for name in matrix}
    chance = sum(sum(matrix[name].values()) * columns[name] for name in matrix) / total**2
    return None if chance == 1 else (observed - chance) / (1 - chance)


def _same(left: Any, right: Any) -> bool:
    if left in (None, "?", ABSENT) or right in (None, "?", ABSENT):
        return bool(left == right)
    return Decimal(str(left)) == Decimal(str(right))


def _around(key: str, a: dict[str, Any], b: dict[str, Any]) -> list[dict[str, Any]]:
    """Differences outside the cells: year, organization, form, units."""
    if key == "unit":
        units = [
            {
                f"disclosure.{row}.unit": cells["unit"]
                for row, cells in gold["record"]["disclosure"].items()
                if "unit" in cells
            }
            for gold in (a, b)
        ]
        pairs = [(path, units[0].get(path), units[1].get(path)) for path in dict.fromkeys([*units[0], *units[1]])]
    else:
        left, right = ((gold["record"] if key == "form" else gold).get(key) for gold in (a, b))
        pairs = [(key, left, right)]
    return [{"key": path, "a": one, "b": other} for path, one, other in pairs if one != other]
