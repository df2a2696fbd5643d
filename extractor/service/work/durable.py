"""DBOS as the service uses it: how it is started, its log, and a look at its rows.

The queue's database holds nothing that the service's own tables do not say again: ids, states, times. It may be lost.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, SetEnqueueOptions, SetWorkflowID
from sqlalchemy import event

from extractor.errors import StoreError
from extractor.service.database.engine import queue_url, store_error
from extractor.service.ids import now
from extractor.service.settings import Settings

# Workflows of another version would not be taken up again: it changes only with what a workflow's steps mean.
STEPS_VERSION = "1"
ALIVE = ("ENQUEUED", "DELAYED", "PENDING")
QUIET = 30.0  # seconds in which the same complaint of DBOS is written once
_CHUNK = 500  # ids in one statement

log = logging.getLogger("gouji.queue")


@dataclass(frozen=True, slots=True)
class Row:
    """A workflow that is not finished. `started`: milliseconds since 1970, None while it is queued."""

    id: str
    status: str
    executor: str | None
    started: int | None


class Queues:
    """DBOS of this process, launched on making. Errors: StoreError where its database cannot be opened."""

    def __init__(self, settings: Settings) -> None:
        _quiet_log()
        url = queue_url(settings)
        self.name = settings.name
        embedded = url.startswith("sqlite")
        if embedded:
            _put_aside_if_damaged(settings.data / "queue.db")
        self._engine = _sqlite_engine(url) if embedded else _postgres_engine(url)
        self._rows = sa.table(
            "workflow_status",
            *(sa.column(name) for name in ("workflow_uuid", "status", "executor_id", "started_at_epoch_ms")),
            sa.column("completed_at"),
            schema=None if embedded else "dbos",
        )
        config: DBOSConfig = {
            "name": "gouji",
            "system_database_url": url,
            "system_database_engine": self._engine,
            "application_version": STEPS_VERSION,
            "executor_id": settings.name,
            "log_level": "WARNING",
            "run_migrations": True,
            "enable_otlp": False,
            # Nothing here waits for DBOS's own messages.
            "use_listen_notify": False,
        }
        try:
            DBOS(config=config)
            DBOS.launch()
        except sa.exc.DatabaseError as error:
            DBOS.destroy()
            self._engine.dispose()
            raise store_error(error) from error

    def declare(self, name: str, at_once: int, look_every: float) -> None:
        """A queue, of which this process works at so many workflows at once."""
        DBOS.register_queue(
            name, worker_concurrency=at_once, polling_interval_sec=look_every, on_conflict="always_update"
        )

    def enqueue(self, queue: str, workflow: str, function: Any, *arguments: Any, priority: int = 1) -> None:
        """Puts a workflow into a queue; one that is there under this id stays once."""
        with SetWorkflowID(workflow), SetEnqueueOptions(priority=priority):
            DBOS.enqueue_workflow(queue, function, *arguments)

    def alive(self) -> dict[str, Row]:
        """All workflows that are queued or under way, by id. Errors: StoreError."""
        c = self._rows.c
        asked = sa.select(c.workflow_uuid, c.status, c.executor_id, c.started_at_epoch_ms).where(c.status.in_(ALIVE))
        return {row[0]: Row(*row) for row in self._run(asked).fetchall()}

    def executors(self) -> set[str]:
        """The instances in whose name a workflow is under way. Errors: StoreError."""
        c = self._rows.c
        asked = sa.select(c.executor_id).distinct().where(c.status == "PENDING", c.executor_id.is_not(None))
        return {row[0] for row in self._run(asked)}

    def recover(self, executor: str) -> int:
        """Gives back to the queues what an instance, which is dead, had under way; how many workflows that were."""
        return len(DBOS._recover_pending_workflows([executor]))

    def again(self, row: Row) -> None:
        """Gives one workflow back to its queue that this process took and does not work at."""
        from dbos._dbos import _get_dbos_instance
        from dbos._utils import INTERNAL_QUEUE_NAME

        _get_dbos_instance()._sys_db.reenqueue_for_recovery(row.id, [self.name], INTERNAL_QUEUE_NAME)

    def forget_ended(self, workflows: Sequence[str]) -> None:
        """Removes those of the workflows that have ended, so that their ids may run again. Errors: StoreError."""
        c = self._rows.c
        for some in _chunks(workflows):
            asked = sa.select(c.workflow_uuid).where(c.workflow_uuid.in_(some), c.status.not_in(ALIVE))
            if ended := [row[0] for row in self._run(asked)]:
                DBOS.delete_workflows(ended)

    def prune(self, seconds: float, most: int) -> int:
        """Removes up to so many workflows that ended so long ago; how many. Errors: StoreError."""
        c = self._rows.c
        before = int((time.time() - seconds) * 1000)
        asked = sa.select(c.workflow_uuid).where(c.status.not_in(ALIVE), c.completed_at < before).limit(most)
        ended = [row[0] for row in self._run(asked)]
        for some in _chunks(ended):
            DBOS.delete_workflows(list(some))
        return len(ended)

    def count(self) -> dict[str, int]:
        """How many workflows there are, by DBOS's status. Errors: StoreError."""
        status = self._rows.c.status
        return {row[0]: row[1] for row in self._run(sa.select(status, sa.func.count()).group_by(status))}

    def close(self) -> None:
        """Ends DBOS without waiting for its workflows."""
        DBOS.destroy()
        self._engine.dispose()

    def _run(self, statement: sa.Select[Any]) -> Any:
        try:
            with self._engine.begin() as connection:
                return connection.execute(statement).freeze()()
        except sa.exc.DatabaseError as error:
            raise store_error(error) from error


def _chunks(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))


def _sqlite_engine(url: str) -> sa.Engine:
    """As DBOS makes it, but with a write-ahead log, and without waiting for the disk at every step: what a loss of
    power takes away is put into the queue again from the service's own tables."""
    engine = sa.create_engine(
        url, pool_size=20, max_overflow=0, pool_timeout=30, pool_use_lifo=True, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        connection.execute("PRAGMA busy_timeout=30000")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cache_size=-500")  # kB for each of many connections
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    return engine


def _postgres_engine(url: str) -> sa.Engine:
    return sa.create_engine(
        url,
        pool_size=20,
        max_overflow=0,
        pool_timeout=30,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"application_name": "gouji-queue", "connect_timeout": 10},
    )


def _put_aside_if_damaged(path: Path) -> None:
    """A queue that is no database any more is kept under another name; the service's own tables fill a new one."""
    if not path.exists():
        return
    connection = sqlite3.connect(path, timeout=30)
    try:
        connection.execute("select count(*) from sqlite_master").fetchone()
        return
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):  # locked, no right to read: not damaged
            raise StoreError("queue", f"{path.name} cannot be read: {error}.", "Look who else uses it.") from error
    finally:
        connection.close()
    aside = path.with_name(f"queue.db.damaged-{now().replace(':', '')}")
    log.error("queue.db is damaged; it is kept as %s, and the queue is made anew from service.db", aside.name)
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


class _Seldom(logging.Filter):
    """The same complaint once in a while: DBOS looks at its queue many times a second, also while its disk is full."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        said, moment = record.getMessage()[:80], time.monotonic()
        if moment - self._last.get(said, -QUIET) < QUIET:
            return False
        if len(self._last) > 1000:
            self._last.clear()
        self._last[said] = moment
        return True


def _quiet_log() -> None:
    """DBOS writes to the service's log, as all others do, and to no console of its own."""
    logger = logging.getLogger("dbos")
    # It takes a logger without handlers for one that nobody has set up.
    if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
        logger.addHandler(logging.NullHandler())
    if not any(isinstance(found, _Seldom) for found in logger.filters):
        logger.addFilter(_Seldom())
