"""Two runs side by side, paired by document and cell: what went wrong newly, what was mended, how the figures moved."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from extractor.eval.bootstrap import DRAWS, SEED, draw_sums, percentiles
from extractor.eval.counts import RATES, Document, document_counts, unscored
from extractor.eval.figures import clustered
from extractor.eval.runs import Run, report_differences, unwritable
from extractor.eval.score import GOOD, MISSED, TABLES, TRUSTED, WRONG

from extractor.errors import UsageError

BASELINE = Path(".gouji") / "baseline.jsonl"
# In the order in which they are shown: what hurts most comes first.
KINDS = ("escaped", "newly_wrong", "newly_missed", "still_wrong", "relabelled", "mended")
_COUNTS = ("escapes", "wrong", "invented", "missed", "documents_exact", "tables_trusted")


@dataclass(frozen=True, slots=True)
class Change:
    """A cell of which two runs say different things. `kind`: one of KINDS."""

    kind: str
    name: str
    repeat: int
    path: str
    gold: Any
    before: Any
    after: Any
    outcomes: tuple[str, str]

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "repeat": self.repeat,
            "path": self.path,
            "gold": self.gold,
            "before": self.before,
            "after": self.after,
            "outcomes": list(self.outcomes),
        }


@dataclass(frozen=True, slots=True)
class Lost:
    """A table that one run trusted and the other does not, or a document that lost its score."""

    name: str
    repeat: int
    table: str
    before: str
    after: str


@dataclass(slots=True)
class Diff:
    """What changed from one run to the other. `figures`: metric → before, after, difference and its interval."""

    systems: tuple[str, str]
    changes: list[Change] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    won: list[Lost] = field(default_factory=list)
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)

    def of(self, kind: str) -> list[Change]:
        """The changes of one kind."""
        return [change for change in self.changes if change.kind == kind]

    @property
    def regressions(self) -> int:
        """Cells that are worse than they were (wrong, or no longer good), and tables that lost their trust."""
        return sum(len(self.of(kind)) for kind in ("escaped", "newly_wrong", "newly_missed")) + len(self.lost)

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "systems": list(self.systems),
            "regressions": self.regressions,
            **{kind: [change.to_json() for change in self.of(kind)] for kind in KINDS},
            "trust_lost": [_table(one) for one in self.lost],
            "trust_won": [_table(one) for one in self.won],
            "figures": self.figures,
        }


def _table(one: Lost) -> dict[str, Any]:
    return {
        "name": one.name,
        "repeat": one.repeat,
        "table": one.table,
        "before": one.before,
        "after": one.after,
    }


def compare(before: Run, after: Run, system: str | None = None) -> list[Diff]:
    """One diff for each system that both runs have; runs of one system each are compared whatever their systems are.

    Errors: UsageError `different_documents`, `different_systems`, `unfinished_run`.
    """
    told = report_differences(before.head, after.head)
    if told:
        raise UsageError(
            "different_documents", f"The runs are not of the same documents: {'; '.join(told)}.",
            "Run both on the same gold and reports.",
        )  # fmt: skip
    if before.head["repeats"] != after.head["repeats"]:
        raise UsageError(
            "different_repeats", f"The runs repeat {before.head['repeats']} and {after.head['repeats']} times.",
            "Run both with the same --repeats.",
        )  # fmt: skip
    pairs = _systems(before, after, system)
    for run, names in zip((before, after), zip(*pairs, strict=True), strict=True):
        wanted = len(run.head["gold"]) * int(run.head["repeats"])
        for name in names:
            if len(run.of(name)) != wanted:
                raise UsageError(
                    "unfinished_run",
                    f"{run.path or 'The run'} has {len(run.of(name))} of {wanted} documents of {name}.",
                    "Let it finish: `gouji eval --out RUN` goes on where it stopped.",
                )  # fmt: skip
    return [_diff(before.of(a), after.of(b), (a, b)) for a, b in pairs]


def _systems(before: Run, after: Run, system: str | None) -> list[tuple[str, str]]:
    if system is not None:
        for run in (before, after):
            if system not in run.systems:
                raise UsageError(
                    "different_systems", f"{run.path or 'The run'} has no system {system}.",
                    f"It has {', '.join(run.systems)}.",
                )  # fmt: skip
        return [(system, system)]
    both = [name for name in before.systems if name in after.systems]
    if both:
        return [(name, name) for name in both]
    if len(before.systems) == len(after.systems) == 1:
        return [(before.systems[0], after.systems[0])]
    raise UsageError(
        "different_systems", f"The runs have no system in common: {', '.join(before.systems)} and "
        f"{', '.join(after.systems)}.", "Compare runs of one system each, or of the same systems.",
    )  # fmt: skip


def _diff(before: Sequence[Document], after: Sequence[Document], systems: tuple[str, str]) -> Diff:
    diff = Diff(systems)
    others = {(document["name"], document["repeat"]): document for document in after}
    pairs = [(document, others[document["name"], document["repeat"]]) for document in before]
    for a, b in pairs:
        diff.changes += _changes(a, b)
        for one in _trust(a, b):
            (diff.lost if one.before in (*TRUSTED, "scored") else diff.won).append(one)
    diff.changes.sort(key=lambda change: KINDS.index(change.kind))
    diff.figures = _figures([pair for pair in pairs if not unscored(pair[0]) and not unscored(pair[1])])
    return diff


def _changes(a: Document, b: Document) -> Iterator[Change]:
    cells = {cell["path"]: cell for cell in a["cells"]}
    for cell in b["cells"]:
        old = cells.get(cell["path"])
        if old is not None and (kind := _kind(old, cell)):
            outcomes = (old["outcome"], cell["outcome"])
            yield Change(
                kind, b["name"], b["repeat"], cell["path"], cell["gold"], old["value"], cell["value"], outcomes
            )


def _kind(old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    """What kind of change, None where there is none worth a word."""
    if old["gold"] != new["gold"]:
        return "relabelled"
    was, is_ = old["outcome"], new["outcome"]
    if is_ in WRONG:
        if new["trusted"] and not (was in WRONG and old["trusted"]):
            return "escaped"
        if was not in WRONG:
            return "newly_wrong"
        return "still_wrong" if old["value"] != new["value"] else None
    if is_ in MISSED:
        # No answer is better than a wrong one.
        return "newly_missed" if was in GOOD else "mended" if was in WRONG else None
    return "mended" if was in WRONG or was in MISSED else None


def _trust(a: Document, b: Document) -> Iterator[Lost]:
    if unscored(a) != unscored(b):
        states = ("unscored", "scored") if unscored(a) else ("scored", "unscored")
        yield Lost(b["name"], b["repeat"], "all", *states)
        return
    for table in TABLES:
        before, after = a["verdicts"].get(table, "failed"), b["verdicts"].get(table, "failed")
        if (before in TRUSTED) != (after in TRUSTED):
            yield Lost(b["name"], b["repeat"], table, before, after)


def _figures(pairs: Sequence[tuple[Document, Document]]) -> dict[str, dict[str, Any]]:
    """The rates and main counts of both, with the bootstrap interval of the difference: the same documents drawn for
    both, so what is hard for both does not count as spread."""
    sides = []
    for side in (0, 1):
        documents = [pair[side] for pair in pairs]
        sides.append(clustered(documents, [document_counts(document) for document in documents]))
    names = sorted({name for part in RATES.values() for name in part} | set(_COUNTS))
    rows = [[counts[name] for counts in (sides[0][key], sides[1][key]) for name in names] for key in sides[0]]
    at = {name: index for index, name in enumerate(names)}
    width = len(names)

    def value(sums: Sequence[int], metric: str, side: int) -> float | None:
        def part(name: str) -> int:
            return sums[side * width + at[name]]

        if metric in _COUNTS:
            return part(metric)
        above, below = RATES[metric]
        return part(above) / part(below) if part(below) else None

    if not rows:
        return {}
    metrics = (*_COUNTS, *RATES)
    drawn: dict[str, list[float]] = {metric: [] for metric in metrics}
    for sums in draw_sums(rows, SEED, DRAWS) if len(rows) > 1 else ():
        for metric in metrics:
            old, new = value(sums, metric, 0), value(sums, metric, 1)
            if old is not None and new is not None:
                drawn[metric].append(new - old)
    total = [sum(column) for column in zip(*rows, strict=True)]
    out = {}
    for metric in metrics:
        old, new = value(total, metric, 0), value(total, metric, 1)
        difference = new - old if old is not None and new is not None else None
        out[metric] = {"before": old, "after": new, "difference": difference, "interval": percentiles(drawn[metric])}
    return out


def bless(run: Run, to: Path) -> Path:
    """Copies a finished run as the baseline. Errors: UsageError `unfinished_run` where documents are missing or
    unscored: a baseline that has not read them would call every later reading of them news."""
    assert run.path is not None
    wanted = len(run.head["gold"]) * len(run.systems) * int(run.head["repeats"])
    scored = sum(not unscored(document) for document in run.documents)
    if run.status != "done" or scored != wanted:
        raise UsageError(
            "unfinished_run", f"{run.path} has {scored} of {wanted} documents (status: {run.status}).",
            "Let it finish: `gouji eval --out RUN` goes on where it stopped.",
        )  # fmt: skip
    if to.is_dir():
        to = to / BASELINE.name
    temporary = to.with_name(f".{to.name}.{os.getpid()}.tmp")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        if to.exists() and to.samefile(run.path):
            return to
        shutil.copyfile(run.path, temporary)
        temporary.replace(to)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise unwritable(to, error) from None
    return to
