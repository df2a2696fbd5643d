"""Reading against the floor: every fixture, and documents of every family of the generator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from extractor.eval.bench.measure import Target, best_of, floor, median, percentile
from extractor.eval.generator import FAMILIES, generate

from extractor.document.sources import read_bytes
from extractor.pipeline import extract_all

LIMIT, LIMIT_GLUED, WISH = 25.0, 60.0, 10.0
_GLUED = ("glued", "half_glued")


@dataclass(frozen=True, slots=True)
class Timed:
    """One document: its group, its name, its length, and the seconds that reading it and the floor took."""

    group: str
    name: str
    characters: int
    read: float
    floor: float

    @property
    def ratio(self) -> float:
        """Reading in floors."""
        return self.read / self.floor


def limit_of(group: str) -> float:
    """How many floors reading may cost: glued digits must be solved and may cost more."""
    return LIMIT_GLUED if group.removeprefix("fixtures, ") in _GLUED else LIMIT


def documents(fixtures: Path, families: tuple[str, ...], per_family: int) -> Iterator[tuple[str, str, str]]:
    """(group, name, stored text) of every document to read; HTML is measured from its text on."""
    for path in sorted(fixtures.iterdir()) if fixtures.is_dir() else ():
        kind = next((kind for kind in ("half-glued", "glued") if kind in path.name), "")
        group = f"fixtures, {kind.replace('-', '_')}" if kind else "fixtures"
        yield group, path.name, read_bytes(path.read_bytes())
    for family in families:
        for seed in range(per_family):
            sample = generate(seed, family)
            text = sample.text if sample.name.endswith(".txt") else read_bytes(sample.data)
            yield family, f"seed {seed}", text


def measure(fixtures: Path, per_family: int, repeats: int, families: tuple[str, ...] = FAMILIES) -> list[Timed]:
    """Every document read `repeats` times, in turn with its floor; the best of each counts."""
    timed = []
    for group, name, text in documents(fixtures, families, per_family):
        data = text.encode("utf-8", "surrogatepass")
        read, least = best_of(repeats, partial(extract_all, text), partial(floor, data))
        timed.append(Timed(group, name, len(text), read, least))
    return timed


def by_group(timed: list[Timed]) -> list[dict[str, Any]]:
    """A row per group: median, nine in ten, the worst document, how many exceed the limit."""
    rows = []
    for group in dict.fromkeys(t.group for t in timed):
        own = [t for t in timed if t.group == group]
        ratios = [t.ratio for t in own]
        worst = max(own, key=lambda t: t.ratio)
        rows.append(
            {
                "group": group,
                "documents": len(own),
                "median": median(ratios),
                "p90": percentile(ratios, 0.9),
                "worst": worst.ratio,
                "worst_document": worst.name,
                "over": sum(ratio > limit_of(group) for ratio in ratios),
                "limit": limit_of(group),
                "milliseconds": 1000 * median([t.read for t in own]),
                "floor_milliseconds": 1000 * median([t.floor for t in own]),
            }
        )
    return rows


def targets(rows: list[dict[str, Any]]) -> list[Target]:
    """The median of every group within its limit."""
    return [Target(f"reading {row['group']}, median in floors", row["median"], row["limit"]) for row in rows]
