"""That no two processes work under one name, and that what a dead one left is taken over.

Embedded: one process a data folder, by a lock on a file that ends with the process. PostgreSQL: one process a name, by
an advisory lock that ends with its connection, and a sign of life every few seconds. An instance is dead when it
gives no sign of life and its lock is free: one that is only slow keeps its lock.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time

import sqlalchemy as sa

from extractor.errors import UsageError
from extractor.service.database import instances
from extractor.service.database.engine import Database, store_error
from extractor.service.settings import Settings

MISSED = 4  # signs of life that a dead instance has not given
PATIENCE = 5.0  # seconds for a predecessor of the same name to be gone

log = logging.getLogger("gouji.queue")


class Presence:
    """`take` at the start, `beat` now and then, `leave` at the end; all from one thread at a time."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database
        self.name = settings.name
        self._file: int | None = None
        self._connection: sa.Connection | None = None

    def take(self) -> None:
        """Errors: UsageError `in_use`; StoreError."""
        until, said = time.monotonic() + PATIENCE, False
        while not (self._take_file() if self._database.embedded else self._take_name()):
            if time.monotonic() > until:
                raise self._in_use()
            if not said:
                log.warning("%s It is waited for, %g s at most.", self._in_use().message, PATIENCE)
                said = True
            time.sleep(0.2)
        if not self._database.embedded:
            with self._database.write() as connection:
                instances.enter(connection, self.name)

    def beat(self) -> None:
        """A sign of life, and the lock again where the database was away. Errors: StoreError."""
        if self._database.embedded:
            return
        try:
            if self._connection is None and not self._take_name():
                log.error("another process has taken the name %s of this instance", self.name)
                return
            assert self._connection is not None
            instances.beat(self._connection, self.name)
        except sa.exc.DatabaseError as error:
            self._drop()
            raise store_error(error) from error

    def dead(self, executors: set[str]) -> list[str]:
        """Those of the instances that are dead; each is ours to recover until `buried`. Errors: StoreError."""
        if self._database.embedded or self._connection is None:
            return []
        try:
            alive = instances.fresh(self._connection, MISSED * self._settings.heartbeat)
            return [name for name in executors - alive - {self.name} if instances.lock(self._connection, name)]
        except sa.exc.DatabaseError as error:
            self._drop()
            raise store_error(error) from error

    def buried(self, name: str) -> None:
        """What a dead instance left was taken over."""
        if self._connection is not None:
            instances.leave(self._connection, name)
            instances.unlock(self._connection, name)

    def leave(self) -> None:
        """Gives the name back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if self._connection is not None:
            try:
                instances.leave(self._connection, self.name)
            except sa.exc.DatabaseError as error:
                log.warning("the instance's name stays in the database: %s", store_error(error))
            self._drop()

    def _take_file(self) -> bool:
        path = self._settings.data / "serve.lock"
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return False
        self._file = file
        return True

    def _take_name(self) -> bool:
        connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            if instances.lock(connection, self.name):
                self._connection = connection
                return True
        except BaseException:
            connection.invalidate()
            connection.close()
            raise
        connection.close()
        return False

    def _drop(self) -> None:
        """Closes the connection itself: given back to the pool it would keep the lock."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    def _in_use(self) -> UsageError:
        if self._database.embedded:
            return UsageError(
                "in_use",
                f"Another gouji serve works in {self._settings.data}.",
                "End it, or give another --data. Several instances work on one PostgreSQL (--database-url).",
            )
        return UsageError(
            "in_use", f"Another instance is called {self.name}.", "Give each instance a name of its own (--instance)."
        )
