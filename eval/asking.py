"""Measures the model stage against a simulated model over real HTTP: what it settles, what it costs, that it holds.

`python -m extractor.eval.asking [--documents N] [--seed S] [--short] [--json] [--out docs/asking.md]`
Exit 1 if a wrong number stands in a trusted table, a planted error was passed over, a span does not give its raw text
or something raised; with --strict also where a target of the issue is missed.
"""

from __future__ import annotations

import argparse
import json
import pickle
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from extractor.eval.bench.report import table as rows_of
from extractor.eval.compare import FATAL, TRUSTED, Outcome, compare, table_of
from extractor.eval.generator import FAMILIES, Sample, generate
from extractor.eval.generator.added import BASES, KINDS, with_column
from extractor.eval.simulated import provable as provable_module
from extractor.eval.simulated.provable import provable
from extractor.eval.simulated.reader import SYSTEMATIC, Simulated
from extractor.eval.simulated.resume import FEW_SLOTS, Resumed
from extractor.eval.simulated.resume import measure as measure_resumed
from extractor.eval.simulated.server import SimulatedServer
from extractor.eval.simulated.tokens import Fixture, Tokens
from extractor.eval.simulated.tokens import measure as measure_tokens

from extractor.ask.runner import Limits, Runner
from extractor.form import TABLES

RECOVERED, ALL_TOKENS, DOUBTFUL_TOKENS, RESUMED = 0.95, 0.05, 0.35, 1.02
_WINDOW = 100
_RESUMED_DOCUMENTS = 150
# What is in flight is lost with a process: with fewer calls than this, four slots are more than 2 %.
_ENOUGH_CALLS = 200
_SHORT = 120
_SHORT_SCENARIOS = ("every row right", "10 %, the same error each time", "random within the schema")


@dataclass(frozen=True, slots=True)
class Scenario:
    """How the simulated model errs. `held` to the share of recovered tables that the issue asks for; `echo`: it says
    what the reader says, so that the two are no independent witnesses."""

    name: str
    settings: dict[str, Any]
    held: bool = False
    echo: bool = False


SCENARIOS = (
    Scenario("every row right", {}, held=True),
    Scenario("2 % of the rows wrong", {"error": 0.02}, held=True),
    Scenario("2 %, the same error each time", {"error": 0.02, "persistent": True}, held=True),
    Scenario("10 %", {"error": 0.1}),
    Scenario("10 %, the same error each time", {"error": 0.1, "persistent": True}),
    Scenario("50 %", {"error": 0.5}),
    Scenario("50 %, the same error each time", {"error": 0.5, "persistent": True}),
    Scenario("random printed numbers", {"random": "row"}),
    Scenario("random within the schema", {"random": "schema"}),
    Scenario("the reader's own doubtful reading", {}, echo=True),
    *(Scenario(f"every row: {fault.replace('_', ' ')}", {"systematic": fault}) for fault in SYSTEMATIC),
)


@dataclass(slots=True)
class Doubtful:
    """A generated report of which the reader leaves tables in doubt. `reading` is pickled: settling changes it."""

    sample: Sample
    text: str
    sha256: str
    reading: bytes
    verdicts: dict[str, str]
    codes: dict[str, str]
    decided: list[str]
    provable: dict[str, bool | None]
    read: dict[str, Any]

    @property
    def truth(self) -> dict[str, Any]:
        """What a competent reader of the text would answer."""
        expected = self.sample.reports[0]
        return {**expected.truth, "organization": expected.organization, "year": expected.year}


def doubtful(case: tuple[int, str]) -> Doubtful | None:
    """The sample of a case if it holds one report of which a printed table is in doubt."""
    from extractor.document.sources import read_bytes
    from extractor.pipeline import read_all, settle

    seed, family = case
    base, _, kind = family.partition("+")
    sample = with_column(seed, base, kind) if kind else generate(seed, family)
    if sample is None:
        return None
    text = sample.text if sample.name.endswith(".txt") else read_bytes(sample.data)
    readings = read_all(text, sample.name)
    if len(readings) != 1 or len(sample.reports) != 1 or readings[0].error:
        return None
    reading = pickle.dumps(readings[0])
    result = settle(readings[0])
    expected = sample.reports[0]
    printed = {table_of(path) for path, value in expected.truth.items() if value is not None}
    open_tables = [t for t in TABLES if result.verdicts.get(t) not in TRUSTED and t in printed]
    if not open_tables:
        return None
    codes = {
        table: " ".join(sorted({f.rule.split(".")[-1] for f in result.findings if f.rule.startswith(f"{table}.r")}))
        for table in open_tables
    }
    return Doubtful(
        sample,
        text,
        readings[0].sha256,
        reading,
        {table: result.verdicts[table] for table in open_tables},
        {table: code or result.verdicts[table] for table, code in codes.items()},
        [table for table in open_tables if expected.tables_decided[table]],
        {table: provable(sample, table) for table in open_tables},
        {c.path: c.candidates[0] if c.value is None and c.candidates else c.value for c in result.cells},
    )


@dataclass(slots=True)
class Run:
    """The counts of one scenario; keys of `tables` are (table, the reader's doubts)."""

    scenario: Scenario
    decided: Counter[tuple[str, str]] = field(default_factory=Counter)
    recovered: Counter[tuple[str, str]] = field(default_factory=Counter)
    provable: int = 0
    provable_recovered: int = 0
    undecided: int = 0
    undecided_settled: int = 0
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    faults: list[dict[str, Any]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def share(self) -> float | None:
        """Recovered of the doubtful tables that the text decides."""
        return self.recovered.total() / self.decided.total() if self.decided else None

    @property
    def provable_share(self) -> float | None:
        """Recovered of the provable ones."""
        return self.provable_recovered / self.provable if self.provable else None

    def add(self, document: Doubtful, verdicts: dict[str, str]) -> None:
        """Counts one document's tables."""
        for table in document.verdicts:
            settled = verdicts.get(table) in TRUSTED
            if table not in document.decided:
                self.undecided += 1
                self.undecided_settled += settled
                continue
            key = table, document.codes[table]
            self.decided[key] += 1
            self.recovered[key] += settled
            if document.provable[table]:
                self.provable += 1
                self.provable_recovered += settled
            if not settled:
                mark = " (provable)" if document.provable[table] else ""
                self.lost.append(f"{document.sample.seed} {document.sample.family} {table} [{key[1]}]{mark}")

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "name": self.scenario.name,
            "decided": self.decided.total(),
            "recovered": self.recovered.total(),
            "share": self.share,
            "provable": self.provable,
            "provable_recovered": self.provable_recovered,
            "undecided": self.undecided,
            "undecided_settled": self.undecided_settled,
            "calls": self.calls,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "seconds": round(self.seconds, 1),
            "by_doubt": [
                {"table": t, "doubts": c, "decided": n, "recovered": self.recovered[t, c]}
                for (t, c), n in self.decided.most_common()
            ],
            "faults": self.faults,
            "lost": self.lost,
        }


def find(documents: int, seed: int, jobs: int) -> list[Doubtful]:
    """The doubtful reports among so many generated ones."""
    families = [*FAMILIES, *(f"{base}+{kind}" for base in BASES for kind in KINDS)]
    cases = [(seed + i, families[i % len(families)]) for i in range(documents)]
    with ProcessPoolExecutor(jobs) as pool:
        return [found for found in pool.map(doubtful, cases, chunksize=20) if found]


def ask(documents: Sequence[Doubtful], server: SimulatedServer, scenario: Scenario) -> Run:
    """One scenario over all doubtful documents."""
    run = Run(scenario)
    server.simulated = Simulated(
        {d.sha256[:16]: {**d.truth, **d.read} if scenario.echo else d.truth for d in documents}, **scenario.settings
    )
    server.requests.clear()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        limits = Limits(ledger=Path(folder) / "model.sqlite")
        with Runner(server.spec, limits, {}) as runner:
            for first in range(0, len(documents), _WINDOW):
                part = documents[first : first + _WINDOW]
                futures = [runner.submit(pickle.loads(d.reading)) for d in part]
                for document, future in zip(part, futures, strict=True):
                    result = future.result()
                    run.add(document, dict(result.verdicts))
                    run.faults += _faults(document, result)
            if runner.fatal:
                raise runner.fatal
    run.seconds = time.perf_counter() - started
    run.calls = len(server.chats)
    run.prompt_tokens, run.completion_tokens = server.tokens()
    return run


def _faults(document: Doubtful, result: Any) -> Iterator[dict[str, Any]]:
    sample = document.sample
    outcome = Outcome(sample.seed, sample.family)
    compare(sample, [result], document.text, outcome)
    for fault in outcome.faults:
        if fault.kind in FATAL:
            yield {"seed": sample.seed, "family": sample.family, "kind": fault.kind, "path": fault.path,
                   "detail": fault.detail}  # fmt: skip


def measure(documents: int, seed: int, jobs: int, scenarios: Sequence[Scenario]) -> tuple[list[Doubtful], list[Run]]:
    """All scenarios over the doubtful reports among so many generated ones."""
    found = find(documents, seed, jobs)
    runs = []
    with SimulatedServer(Simulated({})) as server:
        for document in found:
            server.register(document.sha256, document.text)
        for scenario in scenarios:
            runs.append(ask(found, server, scenario))
            _say(runs[-1])
    return found, runs


def _say(run: Run) -> None:
    print(
        f"asking: {run.scenario.name}: {run.recovered.total()} of {run.decided.total()} recovered "
        f"({run.provable_recovered} of {run.provable} provable), {len(run.faults)} faults, {run.calls} calls, "
        f"{run.seconds:.1f} s",
        file=sys.stderr,
        flush=True,
    )


@dataclass(frozen=True, slots=True)
class Target:
    """A figure and what the issue asks of it."""

    name: str
    value: float | None
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether it is kept; a figure that could not be taken is not."""
        if self.value is None:
            return False
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def words(self) -> str:
        """For people."""
        shown = "nothing to measure" if self.value is None else f"{self.value:.3g}"
        return f"{self.name}: {shown} (asked: {'≥' if self.at_least else '≤'} {self.limit:g})"


@dataclass(slots=True)
class Figures:
    """All that was measured."""

    documents: int
    seed: int
    found: list[Doubtful]
    runs: list[Run]
    tokens: Tokens
    resumed: list[Resumed]

    def targets(self) -> list[Target]:
        """The figures that the issue names."""
        wrong = sum(len(run.faults) for run in self.runs)
        return [
            Target("wrong cells in trusted tables, all scenarios", wrong, 0),
            *(
                Target(f"recovered of the doubtful tables that the text decides, {run.scenario.name}", run.share,
                       RECOVERED, True)
                for run in self.runs
                if run.scenario.held
            ),
            Target("tokens against the naive way, fixtures the reader cannot finish", self.tokens.ratio(True),
                   DOUBTFUL_TOKENS),
            Target("tokens against the naive way, all fixtures", self.tokens.ratio(False), ALL_TOKENS),
            *(
                Target(f"calls after {r.ended_by} at half and a second run", r.ratio, RESUMED)
                for r in self.resumed
                if r.one_pass >= _ENOUGH_CALLS
            ),
        ]  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "documents": self.documents,
            "seed": self.seed,
            "doubtful_documents": len(self.found),
            "scenarios": [run.to_json() for run in self.runs],
            "tokens": self.tokens.to_json(),
            "resumed": [resumed.to_json() for resumed in self.resumed],
            "targets": [
                {"name": t.name, "value": t.value, "limit": t.limit, "met": t.met} for t in self.targets()
            ],
        }  # fmt: skip


def markdown(figures: Figures, command: str) -> str:
    """docs/asking.md."""
    targets = figures.targets()
    right = figures.runs[0]
    tables = right.decided.total() + right.undecided
    lines = [
        "# The model stage, measured",
        "",
        f"Written by `{command}`; do not edit. A simulated model behind a real HTTP server on loopback answers from",
        "the truth of generated reports (`eval/generator`), with errors as said; everything of ours between `gouji",
        "extract` and the socket is the real thing.",
        "",
        f"{figures.documents} generated reports from seed {figures.seed}; in {len(figures.found)} of them the reader",
        f"leaves {tables} printed tables in doubt. {right.decided.total()} of these are decided by the text (the",
        f"generator knows what its noise has left); the other {right.undecided} allow several readings, and nobody's",
        "word may settle them. Six of eighteen families print table 3 with a column that the form does not have: line",
        "numbers, remarks, last year's totals (`eval/generator/added.py`).",
        "",
        f"**{sum(t.met for t in targets)} of {len(targets)} targets met.**",
        *(f"- missed: {target.words()}" for target in targets if not target.met),
        "",
        "## Recovered, and wrong cells in trusted tables",
        "",
        *rows_of(
            ["the model's answers", "recovered", "of decided", "of provable", "undecided, settled", "wrong cells",
             "calls", "tokens"],
            [
                [
                    run.scenario.name,
                    str(run.recovered.total()),
                    _percent(run.share),
                    _percent(run.provable_share),
                    str(run.undecided_settled),
                    str(len(run.faults)),
                    str(run.calls),
                    f"{run.prompt_tokens + run.completion_tokens:,}",
                ]
                for run in figures.runs
            ],
        ),
        "",
        "A table that the text does not decide may still be settled rightly, where what is open has the same values.",
        "",
        f"### Provable: {right.provable} of the decided",
        "",
        (provable_module.__doc__ or "").strip(),
        "",
        "## By table and by the reader's doubt, every row right",
        "",
        *rows_of(
            ["table", "doubt", "decided", "recovered"],
            [[t, code, str(n), str(right.recovered[t, code])] for (t, code), n in right.decided.most_common()],
        ),
        "",
        "## Tokens on the fixtures",
        "",
        "Naive: one call with the whole document, the schema of the whole record, and the right record typed. Both are",
        "counted by the same counter: messages, schema, completion.",
        "",
        *rows_of(
            ["fixtures", "files", "naive", "ours", "ratio"],
            [
                _tokens_row("the reader cannot finish", [f for f in figures.tokens.fixtures if not f.finished]),
                _tokens_row("all", list(figures.tokens.fixtures)),
            ],
        ),
        "",
        *rows_of(
            ["file", "calls", "tables open before", "after"],
            [
                [f.name, str(f.calls), str(f.open_before), str(f.open_after)]
                for f in figures.tokens.fixtures
                if not f.finished
            ],
        ),
        "",
        "## Ended at half, started again",
        "",
        "`in flight`: calls that the endpoint had received and not answered; their answers are lost with the process.",
        "The endpoint is one of four slots and one row a question (profile llamacpp), if its port was free.",
        "",
        *rows_of(
            ["ended by", "one pass", "first run", "second run", "in flight", "ratio", "exit code", "same output"],
            [
                [r.ended_by, str(r.one_pass), str(r.first), str(r.second), str(r.in_flight), f"{r.ratio:.3f}",
                 str(r.exit_code), "yes" if r.same_output else "no"]
                for r in figures.resumed
            ],
        ),
        "",
    ]  # fmt: skip
    return "\n".join(lines)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _tokens_row(name: str, chosen: Sequence[Fixture]) -> list[str]:
    ours, naive = sum(f.ours for f in chosen), sum(f.naive for f in chosen)
    return [name, str(len(chosen)), f"{naive:,}", f"{ours:,}", _percent(ours / naive if naive else None)]


def run_all(documents: int, seed: int, jobs: int, scenarios: Sequence[Scenario], fixtures: Path) -> Figures:
    """Every measurement."""
    found, runs = measure(documents, seed, jobs, scenarios)
    tokens = measure_tokens(fixtures)
    part = found[:_RESUMED_DOCUMENTS]
    with SimulatedServer(Simulated({d.sha256[:16]: d.truth for d in part}), port=FEW_SLOTS) as server:
        for document in part:
            server.register(document.sha256, document.text)
        resumed = measure_resumed([d.sample for d in part], server, (signal.SIGINT, signal.SIGKILL))
    return Figures(documents, seed, found, runs, tokens, resumed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 where a wrong number stands in a trusted table (with --strict also where a target is missed)."""
    parser = argparse.ArgumentParser(prog="python -m extractor.eval.asking", description=__doc__.split("\n")[0])
    parser.add_argument("--documents", type=int, default=1500, help="how many generated reports (default 1500)")
    parser.add_argument("--seed", type=int, default=1, help="first seed; the next reports take the next seeds")
    parser.add_argument("--short", action="store_true", help="few reports and scenarios, for CI")
    parser.add_argument("--jobs", type=int, default=2, help="processes that look for doubtful reports (default 2)")
    parser.add_argument("--strict", action="store_true", help="exit 1 also where a target is missed")
    parser.add_argument("--fixtures", type=Path, default=Path("fixtures"), metavar="DIR")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--lost", action="store_true", help="print the tables that right answers do not settle")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the page here")
    options = parser.parse_args(arguments)
    documents = min(options.documents, _SHORT) if options.short else options.documents
    scenarios = [s for s in SCENARIOS if s.name in _SHORT_SCENARIOS] if options.short else SCENARIOS
    figures = run_all(documents, options.seed, options.jobs, scenarios, options.fixtures)
    page = markdown(figures, "make asking")
    if options.out:
        options.out.write_text(page, encoding="utf-8")
    if options.json:
        json.dump(figures.to_json(), sys.stdout, ensure_ascii=False, indent=1)
        print()
    elif not options.out:
        print(page)
    if options.lost:
        print("\n".join(figures.runs[0].lost))
    faults = [(run.scenario.name, fault) for run in figures.runs for fault in run.faults]
    for name, fault in faults[:20]:
        print(f"asking: {name}: {fault['kind']} --show {fault['seed']} {fault['family']}: {fault['path']} "
              f"{fault['detail']}", file=sys.stderr)  # fmt: skip
    targets = figures.targets()
    for target in targets:
        if not target.met:
            print(f"asking: missed {target.words()}", file=sys.stderr)
    print(f"asking: {sum(t.met for t in targets)} of {len(targets)} targets met", file=sys.stderr)
    return 1 if faults or (options.strict and not all(t.met for t in targets)) else 0


if __name__ == "__main__":
    sys.exit(main())
