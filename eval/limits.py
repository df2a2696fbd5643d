"""Limits on figures for CI: `--fail-under accuracy=0.995`, `--fail-over escapes=0`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from extractor.eval.counts import BAD, METRICS

from extractor.errors import UsageError

Side = Literal["under", "over"]


@dataclass(frozen=True, slots=True)
class Limit:
    """A figure must not be under (over) so much. Without a system the run's first one is meant."""

    side: Side
    metric: str
    value: float
    system: str | None = None


def parse(raw: str, side: Side, systems: Sequence[str]) -> Limit:
    """`METRIC=X` or `SYSTEM.METRIC=X`. Errors: UsageError `bad_limit`, `unknown_metric`, `unknown_system`."""
    name, sign, number = raw.partition("=")
    system, dot, metric = name.strip().rpartition(".")
    if metric not in METRICS:
        raise UsageError(
            "unknown_metric", f"--fail-{side} {raw}: there is no figure {name.strip() or '(nothing)'}.",
            f"Figures are {', '.join(sorted(METRICS))}.",
        )  # fmt: skip
    try:
        value = float(number) if sign else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError("bad_limit", f"--fail-{side} {raw} names no number.", f"Write --fail-{side} {metric}=0.99.")
    if dot and system not in systems:
        raise UsageError(
            "unknown_system", f"--fail-{side} {raw}: the run has no system {system}.",
            f"Its systems are {', '.join(systems)}.",
        )  # fmt: skip
    return Limit(side, metric, value, system or None)


def parse_all(under: Sequence[str], over: Sequence[str], systems: Sequence[str]) -> list[Limit]:
    """All limits that were asked for."""
    return [parse(raw, "under", systems) for raw in under] + [parse(raw, "over", systems) for raw in over]


def questionable(limits: Sequence[Limit]) -> Iterator[str]:
    """What is probably meant otherwise: a lower limit for something of which less is better."""
    for limit in limits:
        if limit.side == "under" and limit.metric in BAD:
            yield (
                f"--fail-under {limit.metric}={limit.value:g} asks for at least so many; "
                f"for at most: --fail-over {limit.metric}={limit.value:g}"
            )


def broken(limits: Sequence[Limit], figures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The limits that are not kept, in words. A figure that could not be taken keeps none."""
    told = []
    for limit in limits:
        name = limit.system or next(iter(figures))
        found = figures[name][limit.metric]
        shown = f"{name}.{limit.metric}" if len(figures) > 1 else limit.metric
        if found is None:
            told.append(f"{shown} could not be taken: there is nothing to measure it on")
        elif limit.side == "under" and float(found) < limit.value:
            told.append(f"{shown} is {_words(found)}, under {limit.value:g}")
        elif limit.side == "over" and float(found) > limit.value:
            told.append(f"{shown} is {_words(found)}, over {limit.value:g}")
    return told


def _words(value: Any) -> str:
    # Not rounded up to the limit that it misses.
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
