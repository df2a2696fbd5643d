"""The keeper: compares the queue with what is to be done, puts in what is missing, takes out what has ended."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from extractor.errors import StoreError
from extractor.service.database import deliveries, idempotency, open_work
from extractor.service.ids import stamp
from extractor.service.work.intake import Put

if TYPE_CHECKING:
    from extractor.service.work.queue import Worker

TICK = 1.0  # seconds between looks for what has become due
SWEEPING = 15.0  # seconds between looks for what is missing
PRUNING = 3600.0  # seconds between looks for entries in the service's tables that have served their time
KEPT = 60.0  # seconds that an ended workflow is kept
MOST_AT_ONCE = 500  # workflows that one transaction removes
DROPPED = 30.0  # seconds after which a workflow that was taken and is not worked at counts as dropped

log = logging.getLogger("gouji.queue")


class Keeper(threading.Thread):
    """One thread; what fails in one round is tried again in the next."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(name="gouji-keeper", daemon=True)
        self._worker = worker
        self._swept = self._beaten = self._pruned = float("-inf")
        self._first = True
        # What was put lately, and when: a workflow needs a moment to take what is due.
        self._put: dict[str, float] = {}

    def stop(self) -> None:
        """Waits for the round that is under way."""
        if self.is_alive():
            self.join(5.0)

    def run(self) -> None:
        worker = self._worker
        while True:
            for what, every in (("signs of life", self._beat), ("the looks at the queue", self._look)):
                try:
                    every()
                    worker.patience.clear(what)
                except StoreError as error:
                    worker.patience.note(what, error)
                except Exception:
                    log.exception("%s failed", what)
            if worker.stopping.wait(min(TICK, worker.settings.heartbeat)):
                return

    def _beat(self) -> None:
        moment, worker = time.monotonic(), self._worker
        if moment - self._beaten < worker.settings.heartbeat:
            return
        self._beaten = moment
        worker.presence.beat()
        for name in worker.presence.dead(worker.queues.executors()) if not worker.database.embedded else ():
            count = worker.queues.recover(name)
            worker.presence.buried(name)
            log.warning("the instance %s is gone; %d pieces of its work go on elsewhere", name, count)

    def _look(self) -> None:
        self._due()
        moment = time.monotonic()
        if moment - self._swept < SWEEPING:
            return
        self.sweep(0.0 if self._first else SWEEPING)
        self._swept, self._first = moment, False
        self._prune()

    def _due(self) -> None:
        worker = self._worker
        with worker.database.read() as connection:
            waiting = open_work.due(connection)
            pending = deliveries.due(connection)
        moment = time.monotonic()
        self._put = {name: at for name, at in self._put.items() if moment - at < SWEEPING}
        for found in waiting:
            self._put_due(worker.asking(found.id, found.round, str(found.retry_at)), moment)
        for delivery, attempt in pending:
            self._put_due(worker.delivering(delivery, attempt), moment)

    def _put_due(self, put: Put, moment: float) -> None:
        if put.workflow not in self._put:
            # It has ended before, without doing its work, or was only now seen for the first time.
            self._worker.queues.forget_ended([put.workflow])
            self._put[put.workflow] = moment
            self._worker.intake.put(put)

    def sweep(self, seconds: float) -> None:
        """Looks for what was accepted so many seconds ago, is still to be done, and is not in the queue: its way there
        was cut, or the queue was lost. Errors: StoreError."""
        worker = self._worker
        # In this order: what ends between the two looks is not open any more at the second.
        rows = worker.queues.alive()
        active = worker.active
        with worker.database.read() as connection:
            found = open_work.unfinished(connection, stamp(datetime.now(UTC) - timedelta(seconds=seconds)))
        queued = {name.partition("@")[0] for name in rows}
        missing = [one for one in found if f"{one.id}.{one.round}" not in queued]
        if missing:
            log.info("%d documents are put into the queue anew", len(missing))
            puts = [worker.reading(one.id, one.round, one.in_batch) for one in missing]
            worker.queues.forget_ended([name for put in puts for name in (put.workflow, f"{put.workflow}@first")])
            for put in puts:
                worker.intake.put(put)
        if not self._first:  # at the start DBOS itself gives back what was under way
            before = (time.time() - DROPPED) * 1000
            for row in rows.values():
                if (
                    row.status == "PENDING"
                    and row.executor == worker.settings.name
                    and row.id not in active
                    and (row.started or 0) < before
                ):
                    log.warning("%s was taken and dropped; it is queued again", row.id)
                    worker.queues.again(row)
        with worker.database.read() as connection:
            silent = deliveries.silent_batches(connection)
        if silent:
            with worker.database.write() as connection:
                for batch in silent:
                    deliveries.tell_batch(connection, batch)

    def _prune(self) -> None:
        moment = time.monotonic()
        if moment - self._pruned >= PRUNING:
            self._pruned = moment
            with self._worker.database.write() as connection:
                idempotency.prune(connection)
        while self._worker.queues.prune(KEPT, MOST_AT_ONCE) == MOST_AT_ONCE:
            if self._worker.stopping.is_set():
                return
