"""The durable queue: DBOS keeps what is to be done in SQLite or PostgreSQL, and does it again after a crash.

A workflow is one round of an extraction, under its id: put twice into the queue it is there once. What it does
may be done again at any point, for only the first result of an extraction is kept.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from dbos import DBOS, DBOSConfig, SetWorkflowID

from extractor.errors import GoujiError, UsageError
from extractor.service.database import extractions
from extractor.service.database.engine import Database, queue_url
from extractor.service.ids import stamp
from extractor.service.settings import Settings
from extractor.service.work.readers import Readers

READING = "gouji-reading"
# Workflows of another version would not be taken up again: it changes only with what a workflow's steps mean.
STEPS_VERSION = "1"
POLLING = 0.05  # seconds between looks at the queue
SWEEPING = 15.0  # seconds between looks for extractions that never reached it

log = logging.getLogger("gouji.queue")


class Worker:
    """What the workflows of this process work with; one a process, as DBOS has it."""

    current: Worker | None = None

    def __init__(self, settings: Settings, database: Database, finished: Callable[[str], None]) -> None:
        self.settings, self.database, self._finished = settings, database, finished
        self.readers = Readers(settings.workers, settings.document_seconds)
        self._stop = threading.Event()
        self._sweeper = threading.Thread(target=self._sweep, name="gouji-sweeper", daemon=True)

    def start(self) -> None:
        """Starts the queue; what a killed process left is taken up again."""
        Worker.current = self
        config: DBOSConfig = {
            "name": "gouji",
            "system_database_url": queue_url(self.settings),
            "application_version": STEPS_VERSION,
            "executor_id": self.settings.name,
            "log_level": "WARNING",
            "run_migrations": True,
        }
        DBOS(config=config)
        DBOS.launch()
        # A workflow waits for a free reader: more of them than readers keep those busy between two looks.
        ahead = 8 * self.settings.workers
        DBOS.register_queue(
            READING, worker_concurrency=ahead, polling_interval_sec=POLLING, on_conflict="always_update"
        )
        self._sweeper.start()

    def put(self, extraction: str, round: int) -> None:
        """Puts an extraction into the queue; one that is there already in this round stays once."""
        with SetWorkflowID(f"{extraction}.{round}"):
            DBOS.enqueue_workflow(READING, _read, extraction)

    def stop(self) -> None:
        """Takes nothing more, lets what is under way finish for a while, leaves the rest to the next start."""
        self._stop.set()
        DBOS.destroy(workflow_completion_timeout_sec=int(self.settings.shutdown_seconds))
        self.readers.close()
        Worker.current = None

    def _sweep(self) -> None:
        """Finds what was accepted by a process that died before it could put it into the queue."""
        while True:
            try:
                before = stamp(datetime.now(UTC) - timedelta(seconds=SWEEPING))
                with self.database.read() as connection:
                    found = extractions.unfinished(connection, before)
                for extraction, round in found:
                    self.put(extraction, round)
            except Exception:  # a database that is away for a while
                log.exception("the look for forgotten extractions failed")
            if self._stop.wait(SWEEPING):
                return

    def work(self, extraction: str) -> None:
        """One extraction from its bytes to its kept result."""
        with self.database.write() as connection:
            job = extractions.claim(connection, extraction, self.settings.name)
        if job is None:
            return
        try:
            if job.attempts > extractions.MOST_ATTEMPTS:
                raise GoujiError(
                    "crashes", "The service died each time it read this document.", "Report it, with the document."
                )
            outcome = self.readers.read(job.data, job.source, job.given)
        except GoujiError as error:
            with self.database.write() as connection:
                extractions.fail(connection, extraction, error)
        else:
            with self.database.write() as connection:
                extractions.finish(connection, extraction, outcome)
        self._finished(extraction)


@DBOS.workflow(name="gouji.read")
def _read(extraction: str) -> None:
    worker = Worker.current
    if worker is None:
        raise UsageError("no_worker", "This process does no extractions.")
    worker.work(extraction)
