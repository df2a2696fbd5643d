"""A long batch through the command line: does memory grow with the number of documents?

The documents are written in sub-folders just before they are read and removed after. The command's output is read
here, line by line: that says how far it is, and as it waits for a full pipe it is never far ahead.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from extractor.eval.bench.measure import Target
from extractor.eval.bench.papers import LAYOUTS, paper

FIRST = 1000
LIMIT = 1.2
BATCH = 500


def rss_kb(status: str) -> int:
    """Resident memory from the text of /proc/PID/status, in kB."""
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1])


class Folders:
    """Numbered sub-folders of small documents: all there from the start, filled and emptied as the reading goes."""

    def __init__(self, top: Path, documents: int, batch: int) -> None:
        self.top, self.documents, self.batch = top, documents, batch
        self.bytes = self._filled = self._emptied = 0
        for number in range(-(-documents // batch)):
            self._path(number).mkdir()

    def _path(self, number: int) -> Path:
        return self.top / f"{number:06d}"

    def upto(self, read: int) -> None:
        """Two folders ahead of `read` documents are filled; folders read to the end are removed."""
        current = read // self.batch
        while self._filled <= current + 2 and self._filled * self.batch < self.documents:
            first = self._filled * self.batch
            for seed in range(first, min(first + self.batch, self.documents)):
                data = paper(seed, LAYOUTS[seed % len(LAYOUTS)]).encode()
                (self._path(self._filled) / f"{seed:07d}.txt").write_bytes(data)
                self.bytes += len(data)
            self._filled += 1
        while self._emptied < current - 1:
            shutil.rmtree(self._path(self._emptied))
            self._emptied += 1


def measure(documents: int, first: int = FIRST, batch: int = BATCH) -> dict[str, Any]:
    """Resident memory after `first` documents and at the end, and documents per second of processor time.

    `end` is the highest sample of the last tenth (at most the last 1,000 documents).
    """
    first = min(first, documents)
    samples: dict[int, int] = {}
    with tempfile.TemporaryDirectory(prefix="gouji-bench-") as name:
        folders = Folders(Path(name), documents, batch)
        folders.upto(0)
        command = [sys.executable, "-m", "extractor", "extract", name, "--json", "--no-llm", "--quiet"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
            try:
                assert process.stdout is not None
                written, seconds = _follow(process, process.stdout, folders, samples, first)
            finally:
                process.kill()
    after_first = max(at for at in samples if at <= first)
    tail = max(min(documents - min(documents // 10, 1000), max(samples)), after_first)
    end = max(kb for at, kb in samples.items() if at >= tail)
    return {
        "documents": documents,
        "document_bytes": round(folders.bytes / documents),
        "output_bytes": round(written / documents),
        "first": first,
        "first_mb": samples[after_first] / 1024,
        "end_mb": end / 1024,
        "peak_mb": max(samples.values()) / 1024,
        "ratio": end / samples[after_first],
        "per_second": documents / seconds,
        "samples_mb": {at: round(kb / 1024, 1) for at, kb in _thin(samples).items()},
    }


def _follow(
    process: subprocess.Popen[bytes], output: IO[bytes], folders: Folders, samples: dict[int, int], first: int
) -> tuple[int, float]:
    """Reads the output to its end, a line per document; fills `samples`. Gives its bytes and the processor seconds."""
    status = Path(f"/proc/{process.pid}/status")
    every = max(1, min(100, folders.documents // 20))
    read = written = 0
    start = _children_seconds()
    for line in output:
        read += 1
        written += len(line)
        if read % every == 0 or read in (first, folders.documents):
            with suppress(OSError, StopIteration):  # once the command has ended, the sample before is the last
                samples[read] = rss_kb(status.read_text())
        if read % folders.batch == 0:
            folders.upto(read)
    code = process.wait()
    seconds = _children_seconds() - start
    if code != 0 or read != folders.documents:
        raise RuntimeError(f"gouji extract answered {read} of {folders.documents} documents, exit {code}")
    return written, seconds


def _children_seconds() -> float:
    """Processor time of the commands that have ended so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _thin(samples: dict[int, int]) -> dict[int, int]:
    """About ten of the samples, first and last among them."""
    places = sorted(samples)
    chosen = {places[round(i * (len(places) - 1) / 9)] for i in range(10)}
    return {at: samples[at] for at in sorted(chosen)}


def targets(row: dict[str, Any]) -> list[Target]:
    """The end within 1.2 times the beginning."""
    return [Target(f"memory at {row['documents']:,} over {row['first']:,} documents", row["ratio"], LIMIT)]
