"""Geometry of the overview's plots; the templates write the SVG, with a table of the same figures beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

WIDTH = 640  # of every plot's viewBox
_LABEL, _NUMBER, _ROW = 190, 70, 24
_HEIGHT, _FOOT, _SIDE = 200, 24, 64


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a bar: `kind` says which (a class of the style sheet), `count` what it stands for."""

    kind: str
    count: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A horizontal bar with its label and its sum; `pieces` lie from left to right."""

    label: str
    total: int
    y: float
    pieces: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Bars:
    """Stacked horizontal bars on one scale."""

    bars: tuple[Bar, ...]
    kinds: tuple[str, ...]
    height: float
    left: int = _LABEL
    width: int = WIDTH
    number: int = WIDTH - _NUMBER + 8


def bars(rows: Sequence[tuple[str, Mapping[str, int]]], kinds: Sequence[str]) -> Bars:
    """`rows`: label and counts by kind; the longest bar takes the whole width."""
    most = max((sum(counts.values()) for _, counts in rows), default=0) or 1
    inner = WIDTH - _LABEL - _NUMBER
    made = []
    for index, (label, counts) in enumerate(rows):
        at, pieces = float(_LABEL), []
        for kind in kinds:
            if count := counts.get(kind, 0):
                width = inner * count / most
                pieces.append(Segment(kind, count, round(at, 2), round(width, 2)))
                at += width
        made.append(Bar(label, sum(counts.values()), index * _ROW + 4, tuple(pieces)))
    used = tuple(kind for kind in kinds if any(counts.get(kind) for _, counts in rows))
    return Bars(tuple(made), used, max(1, len(rows)) * _ROW + 4)


@dataclass(frozen=True, slots=True)
class Column:
    """One day."""

    label: str
    shown: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Columns:
    """Upright bars over time; `ticks` are (y, label), `days` (x, label) where there is room."""

    columns: tuple[Column, ...]
    ticks: tuple[tuple[float, str], ...]
    days: tuple[tuple[float, str], ...]
    base: int = _HEIGHT
    left: int = _SIDE
    width: int = WIDTH
    height: int = _HEIGHT + _FOOT


def columns(rows: Sequence[tuple[str, Any]]) -> Columns:
    """`rows`: a day and its figure (a count, or a decimal as text), in order."""
    values = [Decimal(str(value)) for _, value in rows]
    most = max(values, default=Decimal(0)) or Decimal(1)
    step = (WIDTH - _SIDE - 8) / max(len(rows), 8)
    made = []
    for index, ((day, value), number) in enumerate(zip(rows, values, strict=True)):
        height = round(float(number / most) * (_HEIGHT - 16), 2)
        made.append(
            Column(day, str(value), round(_SIDE + index * step, 2), _HEIGHT - height, round(step * 0.8, 2), height)
        )
    every = max(1, round(90 / step))
    ticks = tuple(
        (_HEIGHT - round(part * (_HEIGHT - 16), 2), _figure(most * Decimal(str(part)))) for part in (0, 0.5, 1)
    )
    return Columns(tuple(made), ticks, tuple((column.x, column.label) for column in made[::every]))


def _figure(number: Decimal) -> str:
    return f"{number.normalize():f}" if number == number.to_integral() else f"{number:.3g}"
