"""Who is next at the readers: first by priority, then by arrival."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from extractor.service.work.patience import Interrupted


class Turns:
    """`with turns.turn(priority):` waits until one of so many places is free; a lower number goes first."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._lock = threading.Lock()
        self._waiting: list[tuple[int, int, threading.Event]] = []
        self._arrivals = count()
        self._closed = False

    @contextmanager
    def turn(self, priority: int) -> Iterator[None]:
        """Errors: Interrupted where the service stops meanwhile."""
        self._take(priority)
        try:
            yield
        finally:
            self._give_back()

    def close(self) -> None:
        """Sends away all who wait, and all who come."""
        with self._lock:
            self._closed = True
            for _, _, ready in self._waiting:
                ready.set()
            self._waiting.clear()

    def _take(self, priority: int) -> None:
        with self._lock:
            if self._closed:
                raise Interrupted
            if self._free:
                self._free -= 1
                return
            ready = threading.Event()
            entry = (priority, next(self._arrivals), ready)
            heapq.heappush(self._waiting, entry)
        ready.wait()
        with self._lock:
            # Closing empties the queue without giving anybody a place.
            if self._closed:
                raise Interrupted

    def _give_back(self) -> None:
        with self._lock:
            if self._waiting:
                heapq.heappop(self._waiting)[2].set()
            else:
                self._free += 1
