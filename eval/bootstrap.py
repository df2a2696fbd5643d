"""Intervals: bootstrap over whole documents (cells of one document are wrong together), and exact limits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from random import Random

from extractor.eval.counts import RATES, Counts

SEED, DRAWS = 20241122, 2000


def draw_sums(rows: Sequence[Sequence[int]], seed: int, draws: int) -> Iterator[list[int]]:
    """Sums over as many rows as there are, drawn with replacement; the same seed draws the same rows."""
    rng = Random(seed)
    columns = [list(column) for column in zip(*rows, strict=True)]
    everyone = range(len(rows))
    for _ in range(draws):
        picked = rng.choices(everyone, k=len(rows))
        yield [sum(map(column.__getitem__, picked)) for column in columns]


def percentiles(values: list[float]) -> list[float] | None:
    """The middle 95 % of drawn values."""
    if not values:
        return None
    values.sort()
    last = len(values) - 1
    return [values[math.floor(0.025 * last)], values[math.ceil(0.975 * last)]]


def intervals(clusters: Sequence[Counts], *, seed: int = SEED, draws: int = DRAWS) -> dict[str, list[float] | None]:
    """95 % bootstrap intervals of every rate; None for fewer than two documents: one tells nothing of the spread."""
    if len(clusters) < 2:
        return dict.fromkeys(RATES)
    names = sorted({name for pair in RATES.values() for name in pair})
    at = {name: index for index, name in enumerate(names)}
    drawn: dict[str, list[float]] = {rate: [] for rate in RATES}
    for sums in draw_sums([[counts[name] for name in names] for counts in clusters], seed, draws):
        for rate, (part, whole) in RATES.items():
            if sums[at[whole]]:
                drawn[rate].append(sums[at[part]] / sums[at[whole]])
    return {rate: percentiles(values) for rate, values in drawn.items()}


def upper_limit(events: int, trials: int, confidence: float = 0.95) -> float | None:
    """The exact (Clopper-Pearson) one-sided upper limit of a share: 0 of 48 documents still allows 6 %.

    The bootstrap cannot say this: where nothing happened, every draw says that nothing ever does.
    """
    if not trials:
        return None
    if events >= trials:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(events, trials, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return round(high, 6)


def _at_most(events: int, trials: int, chance: float) -> float:
    """The chance of at most so many events."""
    return sum(math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in range(events + 1))
