"""A run killed at half and started again: no answer that was paid for is asked for twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractor.eval.generator import Sample
from extractor.eval.simulated.server import SimulatedServer

# The profile of this port has four slots and asks one row at a time: many calls, few in flight.
FEW_SLOTS = 8080
_LONGEST = 600.0


@dataclass(frozen=True, slots=True)
class Resumed:
    """Calls of one pass, of a pass that was ended by `ended_by` at half, and of the pass after it. `in_flight`: calls
    that the endpoint was answering when the run was ended."""

    ended_by: str
    one_pass: int
    first: int
    second: int
    in_flight: int
    exit_code: int
    same_output: bool

    @property
    def ratio(self) -> float:
        """All calls over those of one pass."""
        return (self.first + self.second) / self.one_pass if self.one_pass else 1.0

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "ended_by": self.ended_by,
            "one_pass": self.one_pass,
            "first": self.first,
            "second": self.second,
            "in_flight": self.in_flight,
            "ratio": round(self.ratio, 4),
            "exit_code": self.exit_code,
            "same_output": self.same_output,
        }


def measure(samples: Sequence[Sample], server: SimulatedServer, signals: Sequence[int]) -> list[Resumed]:
    """`gouji extract` over the samples' files, ended by each signal when half of the calls were answered."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reports = folder / "reports"
        reports.mkdir()
        for number, sample in enumerate(samples):
            (reports / f"{number:05}{Path(sample.name).suffix}").write_bytes(sample.data)
        one_pass, whole, _ = _run(folder, "whole", server)
        out = []
        for sent in signals:
            cache = signal.Signals(sent).name
            first, _, code = _run(folder, cache, server, sent, one_pass // 2)
            in_flight = first - one_pass // 2
            second, output, _ = _run(folder, cache, server)
            out.append(Resumed(cache, one_pass, first, second, in_flight, code, _cells(output) == _cells(whole)))
        return out


def _run(folder: Path, cache: str, server: SimulatedServer, sent: int = 0, after: int = 0) -> tuple[int, str, int]:
    """One run: how many calls it made, what it printed, its exit code."""
    before, answered = len(server.chats), server.answered
    environment = {**os.environ, "GOUJI_CACHE_DIR": str(folder / cache), "GOUJI_MODEL": ""}
    command = [sys.executable, "-m", "extractor", "extract", "reports", "--json", "--quiet", "--model", server.spec]
    printed = folder / "out.jsonl"
    with printed.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=out, stderr=subprocess.PIPE, preexec_fn=_heed_interrupts
        )
        started = time.monotonic()
        while process.poll() is None and time.monotonic() - started < _LONGEST:
            if sent and server.answered - answered >= after:
                process.send_signal(sent)
                break
            time.sleep(0.002)
        _, complaint = process.communicate(timeout=_LONGEST)
    if not sent and process.returncode:
        raise RuntimeError(f"gouji extract ended with {process.returncode}: {complaint.decode()[-500:]}")
    return len(server.chats) - before, printed.read_text(encoding="utf-8"), process.returncode


def _heed_interrupts() -> None:
    """What a shell starts in the background ignores SIGINT, and its children with it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _cells(output: str) -> list[str]:
    """The lines without what they cost."""
    return [line.partition('"usage":')[0] for line in output.splitlines()]
