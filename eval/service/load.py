"""`make load`: documents through the API of a running server against the same documents read in process.

Both read with the rules alone and commit each result; both have the same two cores, which the clients share with the
server. Everything is measured in rounds, one after the other, and compared within a round: another program that takes
the machine for a while slows all of them. The targets are ratios, never times.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from extractor.eval.bench.measure import Target, figure
from extractor.eval.bench.report import table
from extractor.eval.service import inprocess
from extractor.eval.service.clients import CLIENTS, MARK, Request, send
from extractor.eval.service.page import write_part
from extractor.eval.service.server import Served
from extractor.eval.service.usage import cpu_of, usage

CORES = 2
SHORT_SLACK = 1.5  # starting and ending weigh more in a short round
SLOWEST_SHARE = 0.5  # of the rate in process
LONGEST_TAIL = 10.0  # the 99th percentile over the median


@dataclass(frozen=True, slots=True)
class Round:
    """Documents a second, seconds of a request, milliseconds of processor time for a document."""

    one_process: float
    two_processes: float
    service: float
    p50: float
    p99: float
    server_ms: float
    readers_ms: float
    clients_ms: float
    process_ms: float


def measure(reports: Path, documents: int, rounds: int) -> list[Round]:
    """So many rounds with so many documents each. Errors: RuntimeError where an answer is wrong or does not come."""
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in sorted(reports.glob("*.txt"))]
    if not texts:
        raise RuntimeError(f"no .txt in {reports}")
    bodies = (json.dumps({"text": f"{text}\n{MARK.decode()}\n"}).encode() for text in texts)
    requests = [Request("POST", "/v1/extractions?wait=60", body) for body in bodies]
    found = []
    with (
        tempfile.TemporaryDirectory() as folder,
        Served(Path(folder) / "data", "--workers", str(CORES), "--log", "json") as served,
    ):
        series = f"load-{time.time_ns()}"
        _right(send(served.port, requests, 2 * CLIENTS, series=f"{series}-warm").wrong)
        for number in range(rounds):
            one = inprocess.measure(texts, documents // 2, 1, f"{series}-{number}-1")
            two = inprocess.measure(texts, documents, CORES, f"{series}-{number}-2")
            server, readers = usage(served.pid).cpu, cpu_of(served.readers())
            answers = send(served.port, requests, documents, series=f"{series}-{number}")
            _right(answers.wrong)
            found.append(
                Round(
                    one.per_second,
                    two.per_second,
                    answers.per_second,
                    answers.quantile(0.5),
                    answers.quantile(0.99),
                    1000 * (usage(served.pid).cpu - server) / documents,
                    1000 * (cpu_of(served.readers()) - readers) / documents,
                    1000 * answers.cpu / documents,
                    two.cpu_ms,
                )
            )
    return found


def targets(rounds: Sequence[Round], slack: float = 1.0) -> list[Target]:
    """What is promised, as the median of the rounds; `slack` widens the limits for rounds too short to be steady."""

    def median(name: str, limit: float, values: list[float]) -> Target:
        return Target(name, statistics.median(values), limit * slack)

    slowest = 1 / SLOWEST_SHARE
    return [
        median(
            f"rate in process, {CORES} processes, over the service's",
            slowest,
            [r.two_processes / r.service for r in rounds],
        ),
        median(
            "rate in process, one process, over the service's", slowest, [r.one_process / r.service for r in rounds]
        ),
        median("99th percentile of a request over its median", LONGEST_TAIL, [r.p99 / r.p50 for r in rounds]),
    ]


def words(rounds: Sequence[Round], documents: int, slack: float = 1.0) -> list[str]:
    """The part of the page."""
    return [
        f"{CLIENTS} clients, each with a connection of its own, send a document and wait for its result",
        "(`POST /v1/extractions?wait=60`); no document twice. `in process`: reading the same documents and committing",
        f"each result to an SQLite file, by one process and by {CORES}. {documents:,} documents a round.",
        "",
        *table(
            [
                "round",
                "in process, 1",
                f"in process, {CORES}",
                "service",
                f"service / {CORES} processes",
                "p50 ms",
                "p99 ms",
            ],
            [
                [
                    str(number),
                    f"{r.one_process:.0f}/s",
                    f"{r.two_processes:.0f}/s",
                    f"{r.service:.0f}/s",
                    f"{r.service / r.two_processes:.2f}",
                    f"{1000 * r.p50:.0f}",
                    f"{1000 * r.p99:.0f}",
                ]
                for number, r in enumerate(rounds, 1)
            ],
        ),
        "",
        *table(
            ["round", "ms of processor time a document: in process", "server", "its readers", "the clients"],
            [
                [str(number), *map(figure, (r.process_ms, r.server_ms, r.readers_ms, r.clients_ms))]
                for number, r in enumerate(rounds, 1)
            ],
        ),
        "",
        *(f"- {target.words()}{'' if target.met else ': **missed**'}" for target in targets(rounds, slack)),
    ]


def _right(wrong: Sequence[str]) -> None:
    if wrong:
        raise RuntimeError("wrong answers:\n" + "\n".join(wrong))


def prepare() -> None:
    """Keeps this process and all that it starts on two cores, where the system can; SIGTERM ends them with it."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


def main(arguments: Sequence[str] | None = None) -> int:
    """0; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=Path, default=Path("fixtures/reports"), metavar="DIR", help="texts to send")
    parser.add_argument("--documents", type=int, default=1500, metavar="N", help="of one round")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--short", action="store_true", help="less of all, wider limits: for every commit")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out", type=Path, metavar="FILE", help="a page; this part of it is written anew")
    options = parser.parse_args(arguments)
    documents, count = (200, 3) if options.short else (options.documents, options.rounds)
    slack = SHORT_SLACK if options.short else 1.0
    prepare()
    rounds = measure(options.reports, documents, count)
    if options.json:
        print(json.dumps([asdict(each) for each in rounds]))
    else:
        print("\n".join(words(rounds, documents, slack)))
    if options.out is not None:
        write_part(options.out, "Load", words(rounds, documents, slack))
    missed = [target for target in targets(rounds, slack) if not target.met]
    for target in missed:
        print(f"missed: {target.words()}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
