"""Tiny gold sets and systems whose every figure can be reckoned by hand."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from extractor.eval.counts import METRICS
from extractor.eval.figures import figures
from extractor.eval.gold import GoldSet, Label
from extractor.eval.harness import Plan, evaluate
from extractor.eval.runs import Run

from extractor.errors import GoujiError

COLUMNS = (
    "natural_person", "business", "research_institution", "social_organization", "legal_service",
    "other_organization", "total",
)  # fmt: skip
OUTCOMES = ("upheld", "corrected", "other", "pending", "total")
TABLE = {"disclosure": "disclosure", "requests": "requests", "reconsideration": "disputes"}

Record = dict[str, Any]
Cells = dict[str, Any]


def record(licensing: Any, penalties: Any, received: list[Any], carried: list[Any], disputes: list[Any]) -> Record:
    return {
        "form": "2021",
        "disclosure": {"licensing": {"decisions": licensing}, "penalties": {"decisions": penalties}},
        "requests": {
            "new_received": dict(zip(COLUMNS, received, strict=True)),
            "carried_in": dict(zip(COLUMNS, carried, strict=True)),
        },
        "reconsideration": dict(zip(OUTCOMES, disputes, strict=True)),
    }


def two() -> dict[str, Record]:
    """Two documents: 42 gold cells (12 non-zero, 20 zero, 10 null) and one that is undecidable, in 6 tables."""
    a = record(12, 0, [3, 1, 0, 0, 0, 0, 4], [0] * 7, [1, 0, 0, 0, 1])
    b = record(7, 5, [2, 0, 0, 0, 0, 0, 2], [1, None, None, None, None, None, 1], [None] * 5)
    b["disclosure"]["coercion"] = {"decisions": "?"}
    return {"a": a, "b": b}


def paths(gold: Record) -> Cells:
    """Path → value of a record."""
    out: Cells = {}
    for row, cells in {**gold["disclosure"]}.items():
        out |= {f"disclosure.{row}.{name}": value for name, value in cells.items()}
    for row, cells in gold["requests"].items():
        out |= {f"requests.{row}.{name}": value for name, value in cells.items()}
    return out | {f"reconsideration.{name}": value for name, value in gold["reconsideration"].items()}


class Answers:
    """What a system answers for each document, to begin with all right and trusted; change it and look."""

    name = "rule"

    def __init__(self, golds: Mapping[str, Record]) -> None:
        self.values = {name: {p: None if v == "?" else v for p, v in paths(g).items()} for name, g in golds.items()}
        self.methods: dict[str, dict[str, str]] = {name: {} for name in golds}
        self.verdicts = {name: dict.fromkeys(("disclosure", "requests", "disputes"), "verified") for name in golds}
        self.findings: dict[str, list[dict[str, Any]]] = {name: [] for name in golds}
        self.usage: dict[str, dict[str, Any]] = {}
        self.failing: dict[str, GoujiError] = {}
        self.asked: list[str] = []

    def read(self, text: str, source: str) -> list[dict[str, Any]]:
        name = source.removesuffix(".txt")
        self.asked.append(name)
        if name in self.failing:
            raise self.failing[name]
        cells = [
            {
                "path": path,
                "value": value,
                "state": "blank" if value is None else "reported",
                "method": None if value is None else self.methods[name].get(path, "rule"),
                "span": None,
                "raw": None if value is None else str(value),
            }
            for path, value in self.values[name].items()
        ]
        return [
            {
                "source": source,
                "verdict": "verified",
                "verdicts": dict(self.verdicts[name]),
                "record": {"form": "2021", "year": 2024, "organization": name},
                "cells": cells,
                "findings": list(self.findings[name]),
                "usage": self.usage.get(name),
                "error": None,
            }
        ]

    def close(self) -> None:
        pass


def gold_set(golds: Mapping[str, Record], texts: Mapping[str, str] | None = None) -> GoldSet:
    labels = tuple(
        Label(
            name=name,
            source=f"{name}.txt",
            file=f"{name}.txt",
            number=None,
            year=2024,
            organization=name,
            family={"a": "tabs", "b": "pipes"}.get(name, "other"),
            record=copy.deepcopy(gold),
            sha256="0",
            report_sha256="0",
        )
        for name, gold in golds.items()
    )
    return GoldSet(labels, (), lambda file: (texts or {}).get(file.removesuffix(".txt"), "text").encode())


def run_of(golds: Mapping[str, Record], answers: Answers, **plan: Any) -> Run:
    return evaluate(gold_set(golds), Plan(["rule"], lambda _: answers, **plan)).run


def figures_of(golds: Mapping[str, Record], answers: Answers) -> dict[str, Any]:
    return figures(run_of(golds, answers).documents, draws=50)


def metrics(found: Mapping[str, Any]) -> dict[str, Any]:
    """Every figure but time."""
    return {name: found[name] for name in METRICS if not name.startswith("seconds")}


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Every figure that differs, as (before, after)."""
    old, new = metrics(before), metrics(after)
    return {name: (old[name], new[name]) for name in old if old[name] != new[name]}
