"""Work that waits for a database that is away, and stops waiting when the service stops."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DataError

from extractor.errors import StoreError

FIRST_WAIT = 0.2  # seconds
LONGEST_WAIT = 10.0

T = TypeVar("T")
log = logging.getLogger("gouji.queue")


class Interrupted(BaseException):
    """The service stops. No Exception, so that nothing takes it for an outcome of the work: DBOS leaves the workflow
    as it is, and the next start takes it up again."""


class Patience:
    """Does a piece of work again until it succeeds; `troubles` says what is in the way just now, by kind of work."""

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop
        self.troubles: dict[str, StoreError] = {}

    def insist(self, what: str, work: Callable[[], T]) -> T:
        """What `work` gives, once it raises no StoreError. Errors: Interrupted; a StoreError that says of one row that
        the database never takes it."""
        delay = FIRST_WAIT
        while True:
            try:
                value = work()
            except StoreError as error:
                if isinstance(error.__cause__, DataError):
                    raise
                self.note(what, error)
                if self.stop.wait(delay * random.uniform(0.5, 1.0)):
                    raise Interrupted from error
                delay = min(LONGEST_WAIT, 2 * delay)
            else:
                self.clear(what)
                return value

    def note(self, what: str, error: StoreError) -> None:
        """Something is in the way; logged when it is new."""
        if what not in self.troubles or self.troubles[what].code != error.code:
            log.warning("%s waits: %s", what, error)
        self.troubles[what] = error

    def clear(self, what: str) -> None:
        """It is out of the way."""
        if self.troubles.pop(what, None) is not None:
            log.warning("%s goes on", what)
