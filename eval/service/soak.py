"""`make soak`: many requests to one server. Does it keep memory, files or threads that it should give back?

The requests are of every kind, wrong ones too. The server's and its readers' resident memory, open files and threads
are looked at all the while; what counts is how memory grows after the first part, in which caches fill.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from extractor.eval.bench.measure import Target
from extractor.eval.bench.papers import LAYOUTS, paper
from extractor.eval.bench.report import table
from extractor.eval.service.clients import CLIENTS, MARK, Request, send
from extractor.eval.service.load import CORES, prepare
from extractor.eval.service.page import write_part
from extractor.eval.service.server import Served
from extractor.eval.service.usage import Usage, usage

SLICES = 50  # looks
WARM = 0.2  # of the requests come before memory is compared
GROWTH = 1.1  # resident memory at the end over that after the first part
SHORT_GROWTH = 1.6  # of 3,000 requests, in which caches still fill: only a gross leak shows
MORE = 12  # open files and threads more than after the first part


@dataclass(frozen=True, slots=True)
class Look:
    """After so many requests. `answered` is their rate since the last look."""

    requests: int
    answered: float
    server: Usage
    readers: float  # MB of the largest


@dataclass(frozen=True, slots=True)
class Soaked:
    """A whole run; `documents` are new ones, `stored` the bytes of the databases at the end."""

    looks: list[Look]
    kinds: Counter[str]
    documents: int
    stored: int
    seconds: float
    cold: int  # looks before memory is compared

    def growth(self, values: Sequence[float]) -> float:
        """Median of the last looks over the median of the first warm ones."""
        warm = values[self.cold :]
        some = max(1, len(warm) // 8)
        return statistics.median(warm[-some:]) / statistics.median(warm[:some])


def mix(texts: Sequence[str], known: str) -> list[tuple[str, Request]]:
    """What is asked in turn, by name; one in twenty is a document that the service has not seen."""
    new = [
        Request("POST", "/v1/extractions?wait=60", json.dumps({"text": f"{text}\n{MARK.decode()}\n"}).encode())
        for text in texts
    ]
    old = Request("POST", "/v1/extractions", json.dumps({"text": texts[0]}).encode())
    keyed = json.dumps({"text": texts[0], "source": "again"}).encode()
    record = json.dumps({"records": {"form": "2021", "year": 2024, "requests": {"granted": {"total": 3}}}}).encode()
    path = f"/v1/extractions/{known}"
    asked = [
        ("a repeated document", old),
        ("status", Request("GET", path)),
        ("result", Request("GET", f"{path}/result")),
        ("text", Request("GET", f"{path}/text")),
        ("list", Request("GET", "/v1/extractions?limit=20")),
        ("list, filtered", Request("GET", "/v1/extractions?limit=20&verdict=needs_review&year=2024")),
        ("check", Request("POST", "/v1/check", record)),
        ("a repeated document under a new address", Request("POST", "/v1/extractions?again=false", keyed)),
        ("review queue", Request("GET", "/v1/review/queue?limit=20")),
        ("review page", Request("GET", f"/review/{known}/1")),
        ("front page", Request("GET", "/review")),
        ("health", Request("GET", "/healthz")),
        ("metrics", Request("GET", "/metrics")),
        ("no such extraction", Request("GET", f"/v1/extractions/{MARK.decode()}", expected=(404, 422))),
        ("no such address", Request("GET", f"/nothing/{MARK.decode()}", expected=(404,))),
        ("no JSON", Request("POST", "/v1/extractions", b"{", expected=(400, 422))),
        ("another type", Request("POST", "/v1/extractions", b"x", "video/mp4", (415,))),
        ("wrong fields", Request("POST", "/v1/extractions", b'{"texts": 1}', expected=(422,))),
        ("wrong method", Request("DELETE", "/v1/check", expected=(405,))),
    ]
    turns = [(f"new {number}", request) for number, request in enumerate(new)]
    return [each for number in range(len(turns)) for each in (("a new document", turns[number][1]), *asked)]


def run(requests: int, limit: float) -> Soaked:
    """So many requests in slices, within `limit` seconds. Errors: RuntimeError where an answer is wrong."""
    texts = [paper(seed, LAYOUTS[seed % len(LAYOUTS)]) for seed in range(24)]
    until = time.monotonic() + limit
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        with Served(data, "--workers", str(CORES), "--log", "json") as served:
            first = served.http.post("/v1/extractions", params={"wait": 60}, json={"text": texts[0]})
            first.raise_for_status()
            asked = mix(texts, first.json()["id"])
            looks, done, started = [], 0, time.monotonic()
            series = f"soak-{time.time_ns()}"
            for number in range(SLICES):
                count = requests * (number + 1) // SLICES - done
                turned = [request for _, request in asked[done % len(asked) :] + asked[: done % len(asked)]]
                answers = send(
                    served.port, turned, count, series=f"{series}-{number}", limit=max(1.0, until - time.monotonic())
                )
                if answers.wrong:
                    told = [line for line in served.said if '"level": "error"' in line]
                    raise RuntimeError("\n".join(["wrong answers:", *answers.wrong, *told[-1:]]))
                done += count
                readers = max((usage(pid).resident for pid in served.readers()), default=0.0)
                looks.append(Look(done, answers.per_second, usage(served.pid), readers))
            seconds = time.monotonic() - started
            code = served.terminate()
            if code:
                raise RuntimeError(f"the server ended with {code}:\n" + "".join(served.said))
        stored = sum(path.stat().st_size for path in data.iterdir())
    kinds = Counter(asked[number % len(asked)][0] for number in range(requests))
    return Soaked(looks, kinds, kinds["a new document"], stored, seconds, int(SLICES * WARM))


def targets(soaked: Soaked, growth: float = GROWTH) -> list[Target]:
    """What is promised; `growth` is the limit for memory."""
    warm = soaked.looks[soaked.cold :]
    files, threads = [look.server.files for look in warm], [look.server.threads for look in warm]
    return [
        Target(
            "resident memory of the server, end over beginning",
            soaked.growth([x.server.resident for x in soaked.looks]),
            growth,
        ),
        Target(
            "resident memory of its largest reader, end over beginning",
            soaked.growth([x.readers for x in soaked.looks]),
            growth,
        ),
        Target("open files, more than at the beginning", max(files) - files[0], MORE, ""),
        Target("threads, more than at the beginning", max(threads) - threads[0], MORE, ""),
    ]


def words(soaked: Soaked, growth: float = GROWTH) -> list[str]:
    """The part of the page."""
    some = soaked.looks[:: max(1, len(soaked.looks) // 10)]
    some = some if some[-1] is soaked.looks[-1] else [*some, soaked.looks[-1]]
    kinds = ", ".join(f"{name} {count:,}" for name, count in soaked.kinds.items())
    grown = soaked.stored / max(1, soaked.documents) / 1000
    return [
        f"{soaked.looks[-1].requests:,} requests by {CLIENTS} clients to one server in {soaked.seconds:.0f} s:",
        f"{kinds}. `Beginning` is after the first {WARM:.0%}, in which caches fill.",
        "",
        *table(
            ["requests", "server MB", "largest reader MB", "open files", "threads", "requests/s"],
            [
                [
                    f"{look.requests:,}",
                    f"{look.server.resident:.0f}",
                    f"{look.readers:.0f}",
                    str(look.server.files),
                    str(look.server.threads),
                    f"{look.answered:.0f}",
                ]
                for look in some
            ],
        ),
        "",
        f"The databases took {grown:.1f} kB for each of {soaked.documents:,} new documents",
        "(its bytes, its text, its result, what the queue and the audit keep).",
        "",
        *(f"- {target.words()}{'' if target.met else ': **missed**'}" for target in targets(soaked, growth)),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """0; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=50_000, metavar="N")
    parser.add_argument("--seconds", type=float, default=1800.0, metavar="N", help="it fails when it takes longer")
    parser.add_argument("--short", action="store_true", help="3,000 requests: for every commit")
    parser.add_argument("--out", type=Path, metavar="FILE", help="a page; this part of it is written anew")
    options = parser.parse_args(arguments)
    prepare()
    growth = SHORT_GROWTH if options.short else GROWTH
    soaked = run(3_000 if options.short else options.requests, options.seconds)
    print("\n".join(words(soaked, growth)))
    if options.out is not None:
        write_part(options.out, "Soak", words(soaked, growth))
    missed = [target for target in targets(soaked, growth) if not target.met]
    for target in missed:
        print(f"missed: {target.words()}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
