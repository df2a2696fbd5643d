"""The durable queue: DBOS keeps what is to be done in SQLite or PostgreSQL, and does it again after a crash.

A workflow is one round of an extraction, under its id: put twice into the queue it is there once. What it does
may be done again at any point, for only the first result of an extraction is kept. The service's own tables say what
is to be done; the keeper (keeper.py) puts into the queue whatever is missing there.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
from dbos import DBOS, WorkflowSerializationFormat

from extractor.document.sandbox import Killed
from extractor.errors import GoujiError, StoreError, UsageError
from extractor.service.database import deliveries, extractions, open_work
from extractor.service.database.engine import Database
from extractor.service.database.extractions import SUSPECT, Job
from extractor.service.observe import logs, metrics, pieces
from extractor.service.settings import Settings
from extractor.service.work.deliveries import Courier
from extractor.service.work.durable import Queues
from extractor.service.work.intake import Intake, Put
from extractor.service.work.keeper import Keeper
from extractor.service.work.models import Models, Waits, wants_model
from extractor.service.work.patience import Interrupted, Patience
from extractor.service.work.presence import Presence
from extractor.service.work.readers import Readers
from extractor.service.work.reading import Outcome
from extractor.service.work.turns import Turns

READING, ASKING, DELIVERING = "gouji-reading", "gouji-model", "gouji-webhooks"
POLLING = 0.1  # seconds between looks at the queue of documents; a look costs 3 ms of processor time
SELDOM = 0.5  # the same for models and webhooks, which take longer themselves
COURIERS = 4  # webhooks under way at once
FIRST = "first"  # attempt at a model
SOONER, LATER = 1, 2  # priorities: one document that somebody may wait for; a batch's

# Seconds until a document is read again whose readers were killed; each time three of them are tried.
PAUSES = (0.2, 1.0, 5.0, 15.0, 30.0, 60.0)

T = TypeVar("T")
log = logging.getLogger("gouji.queue")


class Worker:
    """What the workflows of this process work with; one a process, as DBOS has it."""

    current: Worker | None = None

    def __init__(self, settings: Settings, database: Database, finished: Callable[[str], None]) -> None:
        self.settings, self.database, self._finished = settings, database, finished
        self.readers = Readers(settings.workers, settings.document_seconds)
        self.models = Models(settings)
        self.courier = Courier(settings, database)
        self.stopping = threading.Event()
        self.patience = Patience(self.stopping)
        self.presence = Presence(settings, database)
        # Two more than readers, so that the next ones are at hand when a reader is free; all others stay queued.
        self._turns = Turns(settings.workers + 2)
        self._alone = threading.Lock()
        self._active: set[str] = set()
        self._idle = threading.Condition()

    def start(self) -> None:
        """Starts the queue; what a killed process left is taken up again. Errors: StoreError, UsageError `in_use`."""
        if Worker.current is not None:
            raise UsageError("one_worker", "This process has a queue already.", "Start another process.")
        self.presence.take()
        try:
            self.queues = Queues(self.settings)
        except BaseException:
            self.presence.leave()
            raise
        Worker.current = self
        self.intake = Intake(self.queues, self.patience)
        self.keeper = Keeper(self)
        # A workflow waits for its turn: more of them than readers keep those busy between two looks.
        self.queues.declare(READING, 8 * self.settings.workers, POLLING)
        self.queues.declare(ASKING, self.settings.model_slots, SELDOM)
        self.queues.declare(DELIVERING, COURIERS, SELDOM)
        self.intake.start()
        self.keeper.start()

    def put(self, extraction: str, round: int, later: bool = False) -> None:
        """Puts an extraction into the queue soon, and at once returns; one that is there in this round stays once.
        `later`: behind those that are not."""
        self.intake.put(self.reading(extraction, round, later))

    def reading(self, extraction: str, round: int, later: bool) -> Put:
        """The workflow that reads an extraction."""
        return Put(READING, f"{extraction}.{round}", _read, (extraction, round, LATER if later else SOONER))

    def asking(self, extraction: str, round: int, when: str) -> Put:
        """The workflow that asks a model about an extraction; `when` tells one attempt from the others."""
        return Put(ASKING, f"{extraction}.{round}@{when}", _ask, (extraction, round, SOONER))

    def delivering(self, delivery: str, attempt: int) -> Put:
        """The workflow that carries a webhook out."""
        return Put(DELIVERING, f"{delivery}@{attempt}", _deliver, (delivery, attempt, SOONER))

    @property
    def trouble(self) -> StoreError | None:
        """What keeps the work from going on just now: it goes on by itself when that is mended."""
        return next(iter(self.patience.troubles.values()), None)

    @property
    def alive(self) -> bool:
        """Whether the threads run that bring work into the queue."""
        return self.intake.is_alive() and self.keeper.is_alive()

    @property
    def active(self) -> frozenset[str]:
        """The workflows that this process works at."""
        with self._idle:
            return frozenset(self._active)

    def stop(self) -> None:
        """Takes nothing more, lets what is under way finish for a while, leaves the rest to the next start."""
        started = time.monotonic()
        self.stopping.set()
        self._turns.close()
        self.models.stop()
        self.intake.stop()
        self.keeper.stop()
        if not self._wait_for_idle(self.settings.shutdown_seconds):
            log.warning("%d pieces of work are not finished; they are taken up at the next start", len(self.active))
        self.readers.kill()
        self.models.abandon()
        self._wait_for_idle(5.0)
        self.queues.close()
        self.models.close()
        self.presence.leave()
        Worker.current = None
        log.info("stopped in %.1f s", time.monotonic() - started)

    def _wait_for_idle(self, seconds: float) -> bool:
        with self._idle:
            return self._idle.wait_for(lambda: not self._active, seconds)

    def run(self, workflow: Callable[[], None]) -> None:
        """Runs a workflow's work. Whatever goes wrong in it, the workflow does not end while its work is open."""
        name = str(DBOS.workflow_id)
        with self._idle:
            self._active.add(name)
        try:
            if self.stopping.is_set():
                raise Interrupted
            workflow()
        finally:
            with self._idle:
                self._active.discard(name)
                self._idle.notify_all()

    def read(self, extraction: str, round: int, priority: int) -> None:
        """One extraction from its bytes to its kept result, or to the queue of those that a model is asked about."""
        with self._turns.turn(priority):
            try:
                job = self._claim(extraction)
                if job is None:
                    return
                outcome = self._carefully(job, lambda: self._unkilled(lambda: self._read(job)))
            except Exception as error:
                self._fault(extraction, error)
                return
        if job.model is not None and wants_model(outcome):
            self.intake.put(self.asking(extraction, round, FIRST))
            return
        self.finish(extraction, outcome)

    def ask(self, extraction: str, round: int) -> None:
        """One extraction that a model is asked about; where its endpoint is down it waits in the tables."""
        try:
            job = self._claim(extraction)
            if job is None:
                return
            asked = self._carefully(job, lambda: self._unkilled(lambda: self.models.ask(job)))
        except Waits as waits:
            self._wait(extraction, waits)
        except Exception as error:
            self._fault(extraction, error)
        else:
            self.finish(extraction, asked.outcome, True, asked.error)

    def deliver(self, delivery: str, attempt: int) -> None:
        """One attempt at a webhook."""
        self.patience.insist("a webhook", lambda: self.courier.deliver(delivery, attempt))

    def finish(self, extraction: str, outcome: Outcome, asked: bool = False, error: GoujiError | None = None) -> None:
        """Keeps a result. `error`: what of the work could not be done, where a model was to be asked."""

        def keep(connection: sa.Connection) -> bool:
            kept = extractions.finish(connection, extraction, outcome)
            if kept and asked:
                open_work.say_error(connection, extraction, error)
            return kept

        try:
            self.end(extraction, keep)
            pieces.ended(outcome.verdict)
        except Exception as fault:  # a result that the database never takes
            self._fault(extraction, fault)

    def fail(self, extraction: str, error: GoujiError) -> None:
        """Ends an extraction that the service could not carry out."""
        self.end(extraction, lambda connection: extractions.fail(connection, extraction, error))
        pieces.ended("error")

    def end(self, extraction: str, change: Callable[[sa.Connection], bool]) -> None:
        """Ends an extraction in one transaction with the webhooks that tell of it."""

        def write() -> list[str]:
            with self.database.write() as connection:
                return deliveries.tell(connection, extraction) if change(connection) else []

        told = self.patience.insist("a result", write)
        for delivery in told:
            self.intake.put(self.delivering(delivery, 0))
        self._finished(extraction)

    def _claim(self, extraction: str) -> Job | None:
        def claim() -> Job | None:
            with self.database.write() as connection:
                return extractions.claim(connection, extraction, self.settings.name)

        job = self.patience.insist("a document", claim)
        if job is not None:
            pieces.of_request(job.request_id)
        return job

    def _read(self, job: Job) -> Outcome:
        with metrics.READING.time():
            return self.readers.read(job.data, job.source, job.given)

    def _unkilled(self, work: Callable[[], T]) -> T:
        """Reads again what a killed process has read: when memory is short, waiting helps. Errors: Killed where it
        does not; the extraction fails then, and is queued again when it is sent again."""
        for pause in (*PAUSES, None):
            try:
                return work()
            except Killed as error:
                # Perhaps by ourselves: the service stops.
                if self.stopping.wait(pause or 0.0):
                    raise Interrupted from error
                if pause is None:
                    raise
                log.warning("a document is read again: %s", error.message)
        raise AssertionError

    def _carefully(self, job: Job, work: Callable[[], T]) -> T:
        """Works at a document; alone where the service died several times while it was under way, perhaps of another.

        Errors: GoujiError `crashes` where it is this one.
        """
        if job.attempts < SUSPECT:
            return work()

        def count() -> bool:
            with self.database.write() as connection:
                return open_work.alone(connection, job.id)

        with self._alone:
            if not self.patience.insist("a document", count):
                raise GoujiError(
                    "crashes", "The service died each time it read this document.", "Report it, with the document."
                )
            return work()

    def _wait(self, extraction: str, waits: Waits) -> None:
        def write() -> None:
            with self.database.write() as connection:
                open_work.wait(connection, extraction, waits.seconds, waits.error)
                open_work.spend(connection, extraction, waits.spent)

        self.patience.insist("a document that waits for a model", write)

    def _fault(self, extraction: str, error: Exception) -> None:
        """What was raised amid the work is the end of it; a fault of ours is told to the log alone."""
        if not isinstance(error, GoujiError) or isinstance(error, StoreError):
            log.exception("extraction %s failed", extraction, exc_info=error)
            error = GoujiError("internal", "gouji failed at this document.", "Report it, with the document.")
        self.fail(extraction, error)


def _worker() -> Worker:
    if Worker.current is None:
        raise UsageError("no_worker", "This process does no extractions.")
    return Worker.current


# Arguments are ids and numbers, never a document's content; as JSON, for the queue's database is not to run code.
_PLAIN = WorkflowSerializationFormat.PORTABLE


@DBOS.workflow(name="gouji.read", max_recovery_attempts=None, serialization_type=_PLAIN)
def _read(extraction: str, round: int, priority: int) -> None:
    worker = _worker()
    with pieces.extraction(extraction, "read"):
        worker.run(lambda: worker.read(extraction, round, priority))


@DBOS.workflow(name="gouji.ask", max_recovery_attempts=None, serialization_type=_PLAIN)
def _ask(extraction: str, round: int, priority: int) -> None:
    worker = _worker()
    with pieces.extraction(extraction, "ask"):
        worker.run(lambda: worker.ask(extraction, round))


@DBOS.workflow(name="gouji.deliver", max_recovery_attempts=None, serialization_type=_PLAIN)
def _deliver(delivery: str, attempt: int, priority: int) -> None:
    worker = _worker()
    with logs.about(delivery=delivery):
        worker.run(lambda: worker.deliver(delivery, attempt))
