"""Heat maps: bad cells over gold cells, for table 3 by row and column and for all tables by layout family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from extractor.eval.report.numbers import percent, ratio

from extractor.form import FORM, GROUPS, REQUEST_COLUMNS, TABLES, group_all

# Upper ends of the shades; a cell without errors has none.
SHADES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Box:
    """One cell of a heat map."""

    bad: int
    gold: int

    @property
    def shade(self) -> int:
        """0 where nothing is bad, else 1 to 6."""
        share = ratio(self.bad, self.gold)
        if not share:
            return 0
        return next((n for n, top in enumerate(SHADES, 1) if share <= top), len(SHADES))

    @property
    def words(self) -> str:
        """What the cell says at length."""
        if not self.gold:
            return "no gold cell"
        return f"{self.bad} of {self.gold} gold cells bad ({percent(ratio(self.bad, self.gold), 1)})"

    def __add__(self, other: Box) -> Box:
        return Box(self.bad + other.bad, self.gold + other.gold)


EMPTY = Box(0, 0)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a heat map: `group` is the form's group and how many rows it spans, where this row opens one."""

    key: str
    label: str
    boxes: tuple[Box, ...]
    group: tuple[str, int] | None = None
    grouped: bool = False

    @property
    def total(self) -> Box:
        return sum(self.boxes, EMPTY)


@dataclass(frozen=True, slots=True)
class Map:
    """A heat map; `extra` are rows that the form's 25 do not hold (groups printed as one row)."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    extra: tuple[Row, ...] = ()

    @property
    def totals(self) -> tuple[Box, ...]:
        return tuple(sum((row.boxes[n] for row in (*self.rows, *self.extra)), EMPTY) for n in range(len(self.columns)))

    @property
    def total(self) -> Box:
        return sum(self.totals, EMPTY)


SCALE = tuple(
    f"{percent(low, 0)} – {percent(high, 0)}" if low else f"≤ {percent(high, 0)}"
    for low, high in zip((0.0, *SHADES), SHADES, strict=False)
)


def requests_map(heat: Mapping[str, Any]) -> Map:
    """Table 3, 25 × 7, in the form's order and words. `heat`: {row: {column: {"gold", "bad"}}}."""
    groups = {group.key: f"（{group.ordinal}）{group.label}" for group in FORM.groups}
    opened: set[str] = set()
    rows = []
    for spec in FORM.rows:
        group = None
        if spec.group in GROUPS and spec.group not in opened:
            opened.add(spec.group)
            group = (groups[spec.group], len(GROUPS[spec.group]))
        rows.append(
            Row(spec.key, _row_label(spec.ordinal, spec.label), _boxes(heat, spec.key), group, bool(spec.group))
        )
    printed = (Row(group_all(key), groups[key], _boxes(heat, group_all(key))) for key in GROUPS)
    extra = tuple(row for row in printed if row.total.gold)
    return Map(tuple(column.label for column in FORM.columns), tuple(rows), extra)


def _row_label(ordinal: str, label: str) -> str:
    short = label.split("（")[0]
    if ordinal.startswith("（"):
        return f"{ordinal}{short}"
    return f"{ordinal}.{short}" if ordinal.isdigit() else f"{ordinal}、{short}"


def _boxes(heat: Mapping[str, Any], row: str) -> tuple[Box, ...]:
    columns = heat.get(row) or {}
    return tuple(_box(columns.get(key)) for key in REQUEST_COLUMNS)


def _box(cell: Mapping[str, Any] | None) -> Box:
    return Box(int(cell.get("bad") or 0), int(cell.get("gold") or 0)) if cell else EMPTY


def table_names() -> tuple[str, ...]:
    """The three tables as their sections are headed."""
    headings = {section.key: f"{section.ordinal}、{section.label}" for section in FORM.sections}
    return tuple(headings[table] for table in TABLES)


def family_map(heat: Mapping[str, Any]) -> Map:
    """Layout family × table. `heat`: {family: {table: {"gold", "bad"}}}."""
    rows = tuple(
        Row(str(family), str(family), tuple(_box(tables.get(table)) for table in TABLES))
        for family, tables in heat.items()
    )
    return Map(table_names(), rows)
