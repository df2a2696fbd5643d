"""Kills, full disks, locks and dead endpoints against a real `gouji serve`: is everything accepted done once, rightly?

python -m extractor.eval.service.faults [--documents 2000] [--out FILE.md]
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from extractor.eval.service.accepted import Accepted, Found, counts, documents, judge, open_ones, post, send, still_open
from extractor.eval.service.server import Served, until
from extractor.eval.service.troubles import Endpoint, full_disk, locked

PAUSES = (0.5, 4.0)  # seconds between kills
PATIENCE = 600.0  # seconds until all is done


def wait_for_all(served: Served, found: Found) -> None:
    """Until nothing is open any more."""
    started = time.monotonic()
    if not until(lambda: not open_ones(served.data / "service.db"), PATIENCE, 0.2):
        found.problems.append(f"{open_ones(served.data / 'service.db')} are open after {PATIENCE:.0f} s")
    found.figures["seconds to the last result, once all were sent"] = time.monotonic() - started


def kills(folder: Path, count: int, seed: int, pause: tuple[float, float]) -> Found:
    """kill -9 of the server, or of a reader, at random moments while documents are sent and read."""
    found, rng = Found("kill -9 of server and readers", count), random.Random(seed)
    accepted: Accepted = {}
    stop, killed = threading.Event(), {"server": 0, "reader": 0}
    with Served(folder / "kills") as served:
        sender = threading.Thread(target=send, args=(served, documents(count, seed), accepted, stop))
        sender.start()
        starts: list[float] = []
        while sender.is_alive() or open_ones(served.data / "service.db") > count // 20:
            time.sleep(rng.uniform(*pause))
            readers = served.readers()
            if readers and rng.random() < 0.4:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(rng.choice(readers), signal.SIGKILL)
                    killed["reader"] += 1
                continue
            served.kill()
            killed["server"] += 1
            started = time.monotonic()
            served.start()
            starts.append(time.monotonic() - started)
        sender.join()
        wait_for_all(served, found)
        judge(served, accepted, found)
        if len(accepted) != count:
            found.problems.append(f"{len(accepted)} of {count} were accepted")
    found.figures |= {"servers killed": killed["server"], "readers killed": killed["reader"]}
    if starts:
        found.figures["seconds from a start to serving, at most"] = max(starts)
    return found


def recovery(folder: Path, count: int, seed: int) -> Found:
    """kill -9 with many queued: how long until the work goes on."""
    found, accepted = Found("kill -9 with the queue full", count), Accepted()
    with Served(folder / "recovery") as served:
        send(served, documents(count, seed), accepted, threading.Event())
        served.kill()
        left = open_ones(served.data / "service.db")
        started = time.monotonic()
        served.start()
        found.figures["queued at the kill"] = left
        found.figures["seconds to serving"] = time.monotonic() - started
        until(lambda: open_ones(served.data / "service.db") < left, PATIENCE, 0.02)
        found.figures["seconds to the first result"] = time.monotonic() - started
        wait_for_all(served, found)
        judge(served, accepted, found)
    return found


def away(
    folder: Path, name: str, count: int, seed: int, seconds: float, fault: Callable[[Served], Any], codes: set[str]
) -> Found:
    """A database that cannot be written for a while, amid the work."""
    found, accepted, stop = Found(name, count), Accepted(), threading.Event()
    with Served(folder / name.replace(" ", "-")) as served:
        sender = threading.Thread(target=send, args=(served, documents(count, seed), accepted, stop))
        sender.start()
        until(lambda: len(accepted) > count // 4, PATIENCE)
        said: set[str] = set()
        refused = 0
        with fault(served):
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                with contextlib.suppress(httpx.TransportError):
                    document = f"{name} {time.monotonic()}".encode()
                    sent = post(served, document, min(20.0, seconds))
                    if sent.status_code == 503:
                        refused += 1
                        said.add(str(sent.json().get("cause")))
                    elif sent.status_code in (200, 202):
                        accepted[sent.json()["id"]] = document
                with contextlib.suppress(httpx.TransportError):
                    said.add(f"readyz {served.http.get('/readyz', timeout=5).status_code}")
                time.sleep(0.2)
        healed = time.monotonic()
        sender.join()
        wait_for_all(served, found)
        until(lambda: served.http.get("/readyz").status_code == 200, 60)
        found.figures["seconds to all done and ready, once mended"] = time.monotonic() - healed
        found.figures["requests refused with 503"] = refused
        if served.process is None or served.process.poll() is not None:
            found.problems.append("the server ended")
        if not said & codes:
            found.problems.append(f"nobody was told: {sorted(said)}")
        judge(served, accepted, found)
    return found


def endpoint_down(folder: Path, count: int, seed: int, seconds: float) -> Found:
    """The model's endpoint is down for a while; the server is killed meanwhile."""
    found, accepted = Found("model endpoint down", count), Accepted()
    with (
        Endpoint() as endpoint,
        Served(folder / "model", "--model", f"m@http://127.0.0.1:{endpoint.port}/v1") as served,
    ):
        send(served, documents(count, seed), accepted, threading.Event())
        database = served.data / "service.db"

        def only_waiting() -> bool:
            states = [state for state, _ in counts(database).values() if state != "done"]
            return bool(states) and set(states) == {"waiting"}

        if not until(only_waiting, PATIENCE, 0.2):
            found.problems.append("documents that need no model did not come through")
        waited = still_open(database)
        found.figures["documents that waited"] = len(waited)
        time.sleep(seconds / 2)
        served.kill()
        served.start()
        time.sleep(seconds / 2)
        found.problems += [f"{id} did not wait" for id in waited - still_open(database)]
        endpoint.down = False
        wait_for_all(served, found)
        states = {state for state, _ in counts(database).values()}
        if states != {"done"}:
            found.problems.append(f"states at the end: {sorted(states)}")
    return found


PAGE = """# What the service survives

`make faults`: a real `gouji serve` with its readers on loopback, SQLite, {cores} cores, seed {seed}. Documents are
generated, every eighth is a PDF. After each part every document that was accepted must have exactly one result, equal
to that of the library in a process where nothing fails; the third column counts those that do not.

- **kill -9 of server and readers**: every {least:g} to {most:g} seconds, at random, while documents are sent and read;
  also the process below a reader that reads PDFs.
- **disk full**, **database locked**, **model endpoint down**: for {seconds:g} seconds; the server is killed once more
  while the endpoint is down.
- **kill -9 with the queue full**: how long until the work goes on.

"""


def told(found: list[Found]) -> str:
    """The figures as Markdown."""
    lines = ["| fault | documents | lost, doubled or other | what else |", "|---|---:|---:|---|"]
    for one in found:
        more = "; ".join(f"{name}: {value:.3g}" for name, value in one.figures.items())
        lines.append(f"| {one.name} | {one.documents} | {len(one.problems)} | {more} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """0 where every accepted document had exactly one result, and the right one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long a database or an endpoint is away")
    parser.add_argument("--short", action="store_true", help="some 60 documents, seconds instead of minutes")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args(arguments)
    many, few = (30, 10) if asked.short else (asked.documents, max(100, asked.documents // 10))
    seconds = 2.0 if asked.short else asked.seconds
    seed = asked.seed * 100_000
    parts: list[Callable[[Path], Found]] = [
        lambda folder: kills(folder, many, seed, (0.8, 1.6) if asked.short else PAUSES),
        lambda folder: away(folder, "disk full", few, seed + 10_000, seconds, full_disk, {"disk_full", "database"}),
        lambda folder: away(folder, "database locked", few, seed + 20_000, seconds, locked, {"locked", "readyz 503"}),
        lambda folder: endpoint_down(folder, few, seed + 30_000, seconds),
    ]
    if not asked.short:
        parts.append(lambda folder: recovery(folder, asked.documents // 2, seed + 40_000))
    done: list[Found] = []
    with tempfile.TemporaryDirectory() as folder:
        for part in parts:
            started = time.monotonic()
            done.append(part(Path(folder)))
            print(f"{done[-1].name}: {len(done[-1].problems)} problems, {time.monotonic() - started:.0f} s", flush=True)
            for problem in done[-1].problems[:10]:
                print(f"  {problem}", flush=True)
    print(told(done))
    if asked.out is not None:
        least, most = PAUSES
        head = PAGE.format(cores=os.cpu_count(), seed=asked.seed, seconds=seconds, least=least, most=most)
        asked.out.write_text(head + told(done), encoding="utf-8")
    return 1 if any(one.problems for one in done) else 0


if __name__ == "__main__":
    sys.exit(main())
