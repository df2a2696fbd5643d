"""What lives as long as the service runs, and is at hand in every request: `request.app.state.service`."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING

from fastapi import Request

from extractor.service.database import extractions
from extractor.service.database.deletion import Eraser
from extractor.service.database.engine import Database, open_database
from extractor.service.database.extractions import Accepted
from extractor.service.settings import Settings
from extractor.service.work.checking import Checker
from extractor.service.work.pace import Pace

if TYPE_CHECKING:
    from extractor.service.work.queue import Worker

LOOKS, LOOKS_ALONE = 0.25, 1.0  # seconds between looks at what is waited for: among several instances, and alone


class Service:
    """Database, queue and workers of one instance."""

    def __init__(self, settings: Settings) -> None:
        settings.check()
        self.settings = settings
        self.database: Database = open_database(settings)
        self.eraser = Eraser(self.database)
        self.pace = Pace()
        self.checker = Checker(settings.document_seconds)
        self.stopping = False
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._worker: Worker | None = None
        self._looks = LOOKS_ALONE if self.database.embedded else LOOKS

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Starts queue and readers."""
        from extractor.service.work.queue import Worker

        self._loop = loop
        self._worker = Worker(self.settings, self.database, self._finished)
        self._worker.start()

    def begin_stop(self) -> None:
        """From now on nothing is taken in, and whoever waits for a result is told where it stands. Event loop only."""
        self.stopping = True
        for extraction in list(self._waiting):
            self._wake(extraction)

    def stop(self) -> None:
        """Ends them; what is not finished is taken up at the next start."""
        self.stopping = True
        if self._worker is not None:
            self._worker.stop()
        self.eraser.close()
        self.checker.close()
        self.database.close()

    @property
    def worker(self) -> Worker:
        """Queue and readers."""
        assert self._worker is not None, "the service was not started"
        return self._worker

    def put(self, accepted: Accepted, later: bool = False) -> None:
        """Puts what was accepted, and committed, into the queue; `later`: behind what somebody may wait for."""
        if accepted.created:
            self.worker.put(accepted.id, accepted.round, later)

    async def wait(self, extraction: str, seconds: float) -> None:
        """Until the extraction is finished, here or by another instance, but not longer than so many seconds."""
        event = asyncio.Event()
        self._waiting[extraction].add(event)
        clock = asyncio.get_running_loop().time
        deadline = clock() + seconds
        try:
            while (left := deadline - clock()) > 0 and not self.stopping:
                with suppress(TimeoutError):
                    await asyncio.wait_for(event.wait(), min(left, self._looks))
                    return
                # What another instance ends sets no event, nor what ended just before this one was there.
                if await asyncio.to_thread(self._is_final, extraction):
                    return
        finally:
            self._waiting[extraction].discard(event)
            if not self._waiting[extraction]:
                del self._waiting[extraction]

    def _is_final(self, extraction: str) -> bool:
        with self.database.read() as connection:
            return extractions.state(connection, extraction) not in extractions.OPEN

    def _finished(self, extraction: str) -> None:
        """Called by a worker's thread."""
        self.pace.finished()
        if self._loop is not None and extraction in self._waiting:
            self._loop.call_soon_threadsafe(self._wake, extraction)

    def _wake(self, extraction: str) -> None:
        for event in self._waiting.get(extraction, ()):
            event.set()


def service_of(request: Request) -> Service:
    """The service that a request came to."""
    service: Service = request.app.state.service
    return service
