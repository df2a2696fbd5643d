"""Puts workflows into the queue, off the way of requests: what is accepted is in the service's tables already."""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from extractor.service.database.engine import store_error
from extractor.service.work.durable import Queues
from extractor.service.work.patience import FIRST_WAIT, LONGEST_WAIT, Patience

log = logging.getLogger("gouji.queue")
MOST = 50_000  # waiting here; what is more the keeper finds in the tables


@dataclass(frozen=True, slots=True)
class Put:
    """A workflow to come: its queue, its id, its function with its arguments; the last one is its priority."""

    queue: str
    workflow: str
    function: Any
    arguments: tuple[Any, ...]


class Intake(threading.Thread):
    """One thread that enqueues. While the queue's database is away it tries again; what is lost with the process is
    found in the service's tables at the next start."""

    def __init__(self, queues: Queues, patience: Patience) -> None:
        super().__init__(name="gouji-intake", daemon=True)
        self._queues, self._patience = queues, patience
        self._waiting: deque[Put] = deque()
        self._some = threading.Event()

    def put(self, put: Put) -> None:
        """Enqueues a workflow soon."""
        if len(self._waiting) < MOST:
            self._waiting.append(put)
            self._some.set()

    def stop(self) -> None:
        """Ends the thread; what it has not enqueued is found at the next start."""
        self._some.set()

    def run(self) -> None:
        stop, delay = self._patience.stop, FIRST_WAIT
        while True:
            self._some.wait()
            if stop.is_set():
                return
            self._some.clear()
            while self._waiting and not stop.is_set():
                put = self._waiting[0]
                try:
                    self._queues.enqueue(
                        put.queue, put.workflow, put.function, *put.arguments, priority=put.arguments[-1]
                    )
                except SQLAlchemyError as error:
                    self._patience.note("the queue", store_error(error))
                    stop.wait(delay)
                    delay = min(LONGEST_WAIT, 2 * delay)
                    continue
                except Exception:
                    log.exception("workflow %s cannot be enqueued", put.workflow)
                self._waiting.popleft()
                self._patience.clear("the queue")
                delay = FIRST_WAIT
