"""What lives as long as the service runs, and is at hand in every request: `request.app.state.service`."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

from fastapi import Request

from extractor.service.database import extractions
from extractor.service.database.engine import Database, open_database
from extractor.service.database.extractions import Accepted
from extractor.service.settings import Settings

if TYPE_CHECKING:
    from extractor.service.work.queue import Worker


class Service:
    """Database, queue and workers of one instance."""

    def __init__(self, settings: Settings) -> None:
        settings.check()
        self.settings = settings
        self.database: Database = open_database(settings)
        self.stopping = False
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._worker: Worker | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Starts queue and readers."""
        from extractor.service.work.queue import Worker

        self._loop = loop
        self._worker = Worker(self.settings, self.database, self._finished)
        self._worker.start()

    def stop(self) -> None:
        """Ends them; what is not finished is taken up at the next start."""
        self.stopping = True
        if self._worker is not None:
            self._worker.stop()
        self.database.close()

    @property
    def worker(self) -> Worker:
        """Queue and readers."""
        assert self._worker is not None, "the service was not started"
        return self._worker

    def put(self, accepted: Accepted) -> None:
        """Puts what was accepted, and committed, into the queue."""
        if accepted.created:
            self.worker.put(accepted.id, accepted.round)

    async def wait(self, extraction: str, seconds: float) -> bool:
        """Whether the extraction was finished, here or by another instance, within so many seconds."""
        event = asyncio.Event()
        self._waiting[extraction].add(event)
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            while True:
                if await asyncio.to_thread(self._is_final, extraction):
                    return True
                left = deadline - asyncio.get_running_loop().time()
                if left <= 0:
                    return False
                try:
                    # Another instance's work does not set the event.
                    await asyncio.wait_for(event.wait(), min(left, 1.0))
                    return True
                except TimeoutError:
                    continue
        finally:
            self._waiting[extraction].discard(event)
            if not self._waiting[extraction]:
                del self._waiting[extraction]

    def _is_final(self, extraction: str) -> bool:
        with self.database.read() as connection:
            found = extractions.head(connection, extraction)
        return found is None or found.state in extractions.FINAL

    def _finished(self, extraction: str) -> None:
        """Called by a worker's thread."""
        if self._loop is not None and extraction in self._waiting:
            self._loop.call_soon_threadsafe(self._wake, extraction)

    def _wake(self, extraction: str) -> None:
        for event in self._waiting.get(extraction, ()):
            event.set()


def service_of(request: Request) -> Service:
    """The service that a request came to."""
    service: Service = request.app.state.service
    return service
