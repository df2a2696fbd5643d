"""How fast this instance finishes documents: what a caller is told to wait by."""

from __future__ import annotations

import math
import threading
import time
from collections import deque

WINDOW = 60.0  # seconds that are looked back on
_MOST = 100_000
LONGEST = 300
UNKNOWN = 10  # seconds, while nothing was measured yet


class Pace:
    """Counts what was finished. Safe from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._finished: deque[float] = deque(maxlen=_MOST)
        self._began = time.monotonic()

    def finished(self) -> None:
        """One more extraction is done."""
        with self._lock:
            self._finished.append(time.monotonic())

    def per_second(self) -> float:
        """Extractions a second, over the last minute or since the start."""
        now = time.monotonic()
        with self._lock:
            while self._finished and self._finished[0] < now - WINDOW:
                self._finished.popleft()
            return len(self._finished) / max(1.0, min(WINDOW, now - self._began))

    def seconds_for(self, documents: int) -> int:
        """Whole seconds until so many are done, from 1 to five minutes; five minutes where nothing gets done."""
        rate = self.per_second()
        if not rate:
            return LONGEST if time.monotonic() - self._began > WINDOW else UNKNOWN
        return max(1, min(LONGEST, math.ceil(documents / rate)))
