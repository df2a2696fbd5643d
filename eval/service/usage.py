"""What a process takes, as /proc tells it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one process: seconds of processor time since its start, resident MB, open files, threads."""

    cpu: float
    resident: float
    files: int
    threads: int


def usage(pid: int) -> Usage:
    """Errors: OSError where the process is gone."""
    folder = Path(f"/proc/{pid}")
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    status = (folder / "status").read_text()
    resident = int(status.partition("VmRSS:")[2].split()[0])
    cpu = (int(fields[11]) + int(fields[12])) / _TICKS
    return Usage(cpu, resident / 1024, len(os.listdir(folder / "fd")), int(fields[17]))


def cpu_of(pids: list[int]) -> float:
    """Seconds of processor time of these processes together."""
    return sum(usage(pid).cpu for pid in pids)
