"""Processes that tests start and see end."""

from __future__ import annotations

import time
from pathlib import Path


def gone(pid: int, seconds: float = 10.0) -> bool:
    """Whether a process has ended (a zombie whose parent has not looked counts as ended)."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False
