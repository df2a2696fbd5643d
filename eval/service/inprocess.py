"""What the service is measured against: processes that read documents and commit each result, with no service between.

Each is what `gouji extract --db` does for a document: the reader, then a transaction of its own in an SQLite file.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event
from pathlib import Path

from extractor.document.sources import Source
from extractor.files import readings_of
from extractor.pipeline import Reading, results_of
from extractor.results import Result
from extractor.store import Store

WARM = 10  # documents before the clock runs


@dataclass(frozen=True, slots=True)
class Rate:
    """Documents a second, and milliseconds of processor time for each."""

    per_second: float
    cpu_ms: float


def measure(texts: list[str], documents: int, processes: int, series: str, limit: float = 300.0) -> Rate:
    """So many processes, each with a file of its own, `documents` in all. Errors: RuntimeError after `limit` s."""
    context = multiprocessing.get_context("spawn")
    go = context.Event()
    with tempfile.TemporaryDirectory() as folder:
        works: list[tuple[SpawnProcess, Connection]] = []
        try:
            for number in range(processes):
                ours, theirs = context.Pipe(duplex=False)
                path, count = Path(folder) / f"{number}.db", documents // processes
                work = context.Process(
                    target=_work, args=(texts, count, path, f"{series}-{number}", go, theirs), daemon=True
                )
                work.start()
                works.append((work, ours))
            for _, pipe in works:
                _told(pipe, limit)
            started = time.perf_counter()
            go.set()
            cpu = sum(_told(pipe, limit) for _, pipe in works)
            done = processes * (documents // processes)
            return Rate(done / (time.perf_counter() - started), 1000 * cpu / done)
        finally:
            for work, _ in works:
                work.terminate()
                work.join()


def _told(pipe: Connection, limit: float) -> float:
    if not pipe.poll(limit):
        raise RuntimeError(f"the reading in process took longer than {limit:g} s")
    told: float = pipe.recv()
    return told


def _work(texts: list[str], count: int, path: Path, series: str, go: Event, pipe: Connection) -> None:
    with Store(path) as store:

        def one(number: int) -> None:
            data = f"{texts[number % len(texts)]}\n{series}-{number}\n".encode()
            source = Source(f"{number}.txt", data=data)
            readings, _ = readings_of(source)
            results = [found if isinstance(found, Result) else results_of([found])[0] for found in readings]
            assert any(isinstance(found, Reading) for found in readings), "a text that is no report measures nothing"
            store.save(source.name, data, results)

        for number in range(WARM):
            one(-1 - number)
        pipe.send(0.0)
        go.wait()
        used = time.process_time()
        for number in range(count):
            one(number)
    pipe.send(time.process_time() - used)
