"""Geometry of the drawings: interval bars and the risk–coverage curve. The template writes the SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from extractor.eval.report.numbers import percent

# Interval bars: left end of the scale, the greatest that holds what is drawn. Right end: 100 %.
_FLOORS = (0.99, 0.95, 0.9, 0.8, 0.5, 0.0)
BAR_WIDTH = 240
_INSET = 8

# The curve's frame, in the units of its viewBox.
WIDTH, HEIGHT = 680, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 28, 18, 56
_TOPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Bar:
    """A share with its interval on a scale that ends at 100 %; x in viewBox units."""

    x: float | None
    low: float | None
    high: float | None


def floor_of(values: Sequence[float]) -> float:
    """Where the scale of these shares starts."""
    least = min(values, default=0.0)
    return next((floor for floor in _FLOORS if least > floor + (1 - floor) * 0.02), 0.0)


def bar(value: float | None, interval: Sequence[float] | None, floor: float) -> Bar:
    """The bar of one share."""

    def x(share: float) -> float:
        inner = BAR_WIDTH - 2 * _INSET
        return round(_INSET + inner * (min(max(share, floor), 1.0) - floor) / (1 - floor), 2)

    low, high = (x(interval[0]), x(interval[1])) if interval else (None, None)
    return Bar(None if value is None else x(value), low, high)


@dataclass(frozen=True, slots=True)
class Point:
    x: float
    y: float
    tier: str
    coverage: float
    risk: float


@dataclass(frozen=True, slots=True)
class Tag:
    """The numbers of points that lie together."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Series:
    """One system's curve."""

    name: str
    points: tuple[Point, ...]
    tags: tuple[Tag, ...]

    @property
    def line(self) -> str:
        """The polyline's points."""
        return " ".join(f"{point.x},{point.y}" for point in self.points)


@dataclass(frozen=True, slots=True)
class Curve:
    """The whole drawing; ticks are (position, label)."""

    series: tuple[Series, ...]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    flat: bool
    left: int = _LEFT
    top: int = _TOP
    right: int = WIDTH - _RIGHT
    bottom: int = HEIGHT - _BOTTOM


def curve(systems: Mapping[str, Sequence[Mapping[str, Any]]]) -> Curve:
    """The risk–coverage curves. Points without a risk (nothing answered yet) are left out."""
    known = {
        name: [(str(p["tier"]), float(p["coverage"]), float(p["risk"])) for p in points if _drawn(p)]
        for name, points in systems.items()
    }
    highest = max((risk for points in known.values() for _, _, risk in points), default=0.0)
    top = next((top for top in _TOPS if highest <= top), 1.0) if highest else 0.01
    inner_width, inner_height = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM

    def x(coverage: float) -> float:
        return round(_LEFT + inner_width * coverage, 1)

    def y(risk: float) -> float:
        return round(HEIGHT - _BOTTOM - inner_height * risk / top, 1)

    series = []
    for name, points in known.items():
        drawn = tuple(Point(x(coverage), y(risk), tier, coverage, risk) for tier, coverage, risk in points)
        series.append(Series(name, drawn, _tags(drawn) if len(known) == 1 else ()))
    steps = 4 if top in (0.002, 0.02, 0.2) else 5
    digits = 2 if top < 0.005 else 1 if top < 0.05 else 0
    return Curve(
        tuple(series),
        tuple((x(n / 4), percent(n / 4, 0)) for n in range(5)),
        tuple((y(top * n / steps), percent(round(top * n / steps, 6), digits)) for n in range(steps + 1)),
        flat=not highest and any(known.values()),
    )


def _drawn(point: Mapping[str, Any]) -> bool:
    return point.get("risk") is not None and point.get("coverage") is not None


def _tags(points: Sequence[Point]) -> tuple[Tag, ...]:
    """Numbers above the points; points that lie together share one tag, `2–4`."""
    groups: list[list[int]] = []
    for n, point in enumerate(points):
        near = groups and abs(points[groups[-1][0]].x - point.x) < 18 and abs(points[groups[-1][0]].y - point.y) < 16
        if near:
            groups[-1].append(n)
        else:
            groups.append([n])
    return tuple(
        Tag(
            round(sum(points[n].x for n in group) / len(group), 1),
            max(min(points[n].y for n in group) - 11, 12),
            f"{group[0] + 1}–{group[-1] + 1}" if len(group) > 1 else str(group[0] + 1),
        )
        for group in groups
    )
