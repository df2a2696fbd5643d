"""Timing and its arithmetic: the floor, best-of-k of two works side by side, ratios, targets."""

from __future__ import annotations

import gc
import re
import statistics
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from extractor.document.normalize import normalize
from extractor.form import FORM, fold

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Target:
    """A promise and what was measured: kept while `measured` is at most `limit`."""

    name: str
    measured: float
    limit: float
    unit: str = "×"

    @property
    def met(self) -> bool:
        """Whether the promise is kept."""
        return self.measured <= self.limit

    def words(self) -> str:
        """`tabs, median: 9.1 × (target ≤ 25 ×)`."""
        return f"{self.name}: {figure(self.measured)} {self.unit} (target ≤ {figure(self.limit)} {self.unit})"


def figure(value: float) -> str:
    """A number with as many digits as it deserves: 0, 0.031, 1.57, 31.2."""
    if value == 0:
        return "0"
    return f"{value:.3f}" if abs(value) < 0.1 else f"{value:.2f}" if abs(value) < 2 else f"{value:.3g}"


@lru_cache(maxsize=1)
def floor_pattern() -> re.Pattern[str]:
    """One regular expression for every label of the form, spaced or wrapped, and for numbers.

    Built from the form and not from the reader's own expression: what the reader is measured by must not
    become slower when the reader does.
    """
    words: set[str] = set()
    for label in (
        *FORM.rows,
        *FORM.groups,
        *FORM.columns,
        *(row.label for row in FORM.disclosure),
        *(field.label for field in FORM.fields.values()),
        *FORM.blocks,
        *FORM.dispute_columns,
        *FORM.sections,
    ):
        words.update(label.wordings)
    for furniture in FORM.furniture.values():
        words.update(map(fold, furniture))
    labels = [r"[^\w]*+".join(map(re.escape, word)) for word in sorted(words, key=lambda w: (-len(w), w)) if word]
    return re.compile("|".join([*labels, r"\d+(?:\.\d+)?"]))


def floor(data: bytes) -> None:
    """The least that any reader does: decode, normalise, find labels and numbers in one pass. Keeps nothing."""
    deque(floor_pattern().finditer(normalize(data.decode("utf-8"))), maxlen=0)


def cpu_seconds(work: Work) -> float:
    """Processor time of one call: single-threaded work without waiting, so other programs hardly disturb it."""
    start = time.process_time_ns()
    work()
    return (time.process_time_ns() - start) / 1e9


def best_of(repeats: int, *works: Work) -> tuple[float, ...]:
    """The least seconds of each work over `repeats` rounds, the works taking turns in every round."""
    gc.collect()
    best = [float("inf")] * len(works)
    for _ in range(repeats):
        for index, work in enumerate(works):
            best[index] = min(best[index], cpu_seconds(work))
    return tuple(best)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, -int(-share * len(ordered) // 1) - 1))]


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def doublings(seconds: Sequence[float]) -> list[float]:
    """How many times longer each size takes than the size before it (sizes 1, 2, 4, 8…)."""
    return [later / earlier for earlier, later in pairwise(seconds)]
