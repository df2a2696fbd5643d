"""What was sent to a server that was then maltreated, and what must have come of it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from extractor.eval.generator.sample import EVERY_FAMILY, generate
from extractor.eval.service.server import Served

from extractor.pipeline import Reading, results_of
from extractor.service.work.reading import read_document

SENDERS = 8
Accepted = dict[str, bytes]  # the extraction's id → the document


@dataclass(slots=True)
class Found:
    """What came of one part: `problems` is empty where it went as it should."""

    name: str
    documents: int = 0
    figures: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def documents(count: int, seed: int) -> list[bytes]:
    """Generated reports, no two alike; every eighth is a PDF, which the reader has read by a process of its own."""
    made: dict[bytes, None] = {}
    while len(made) < count:
        number = len(made)
        made[generate(seed + number, "pdf" if number % 8 == 7 else EVERY_FAMILY[number % len(EVERY_FAMILY)]).data] = (
            None
        )
        seed += len(made) == number  # that one was there already
    return list(made)


def expected(document: bytes) -> list[dict[str, Any]]:
    """The results of the library in this process."""
    found, _ = read_document(document, "-")
    results = [results_of([one])[0] if isinstance(one, Reading) else one for one in found]
    told: list[dict[str, Any]] = json.loads(json.dumps([result.to_json() for result in results], default=str))
    return told


def post(served: Served, document: bytes, seconds: float = 90.0) -> httpx.Response:
    """Sends one document."""
    head = {"Content-Type": "application/octet-stream"}
    return served.http.post("/v1/extractions", content=document, headers=head, timeout=seconds)


def send(served: Served, documents: list[bytes], accepted: Accepted, stop: threading.Event) -> None:
    """Sends all documents; one that was not answered is sent again, as a caller would. Keeps the ids."""
    lock = threading.Lock()

    def one(document: bytes) -> None:
        while not stop.is_set():
            try:
                sent = post(served, document)
                if sent.status_code in (200, 202):
                    with lock:
                        accepted[sent.json()["id"]] = document
                    return
                if sent.status_code < 429:
                    raise RuntimeError(f"{sent.status_code}: {sent.text[:300]}")
            except httpx.TransportError:
                pass
            time.sleep(0.05)

    with ThreadPoolExecutor(SENDERS) as pool:
        for done in [pool.submit(one, document) for document in documents]:
            done.result()


def judge(served: Served, accepted: Accepted, found: Found) -> None:
    """Whether each accepted document has exactly one result, and that of the library."""
    rows = counts(served.data / "service.db")
    for id, document in accepted.items():
        state, reports = rows.pop(id, ("lost", 0))
        if state != "done":
            found.problems.append(f"{id} is {state}")
            continue
        got = served.http.get(f"/v1/extractions/{id}/result").json()["results"]
        right = expected(document)
        if _plain(got) != _plain(right):
            found.problems.append(f"{id} has another result than the library's: {_differing(got, right)}")
        elif reports != len(got):
            found.problems.append(f"{id} has {reports} rows for {len(got)} reports")
    found.problems += [f"{id} is {state}" for id, (state, _) in rows.items() if state != "done"]
    ready = served.http.get("/readyz")
    if ready.status_code != 200:
        found.problems.append(f"/readyz says {ready.status_code}: {ready.text[:300]}")


def _plain(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in line.items() if key != "usage"} for line in lines]


def _differing(got: list[dict[str, Any]], right: list[dict[str, Any]]) -> str:
    for one, other in zip(_plain(got), _plain(right), strict=False):
        for key in ("error", *other):
            if one.get(key) != other[key]:
                return f"{key}: {str(one.get(key))[:300]} instead of {str(other[key])[:300]}"
    return f"{len(got)} reports instead of {len(right)}"


def counts(path: Path) -> dict[str, tuple[str, int]]:
    """State, and number of reports in effect, of every extraction in a service's database."""
    with contextlib.closing(sqlite3.connect(path, timeout=60)) as database:
        return {
            id: (state, count)
            for id, state, count in database.execute(
                "select e.id, e.state, (select count(*) from reports r where r.extraction = e.id) from extractions e"
            )
        }


def open_ones(path: Path) -> int:
    """How many extractions have no result yet."""
    return len(still_open(path))


def still_open(path: Path) -> set[str]:
    """The extractions that have no result yet."""
    return {id for id, (state, _) in counts(path).items() if state not in ("done", "failed")}
