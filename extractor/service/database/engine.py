"""Opens the service's database: SQLite in a file, or PostgreSQL; brings its tables up to date."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DatabaseError

from extractor.errors import StoreError
from extractor.service.settings import Settings

WAIT = 15.0  # seconds for another process's write to SQLite


class Database:
    """`with database.write() as connection` and `with database.read() as connection`; safe from several threads.

    Writes of one process to SQLite take turns before they reach it: its own waiting is unfair and slow.
    """

    def __init__(self, url: str) -> None:
        self.url = sa.make_url(url)
        self.embedded = self.url.get_backend_name() == "sqlite"
        if self.embedded:
            # The connection used last comes first: its cache is warm, and those of a busy moment stay small.
            self.engine = sa.create_engine(
                self.url,
                connect_args={"timeout": WAIT},
                pool_size=32,
                max_overflow=32,
                pool_use_lifo=True,
                hide_parameters=True,
            )
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            self.engine = sa.create_engine(
                self.url, pool_size=8, max_overflow=24, pool_pre_ping=True, hide_parameters=True
            )
        self._turn = threading.Lock()
        self._writer = self.engine.execution_options(writes=True)

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that writes; rolled back on an exception. Errors: StoreError."""
        with self._errors():
            if not self.embedded:
                with self._writer.begin() as connection:
                    yield connection
                return
            with self._turn, self._writer.begin() as connection:
                yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that only reads. Errors: StoreError."""
        with self._errors(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.IntegrityError:
            raise
        except (DatabaseError, sa.exc.TimeoutError) as error:
            raise store_error(error) from error

    def migrate(self) -> None:
        """Creates the tables or brings them up to date. Errors: StoreError; it was made by a newer gouji."""
        from extractor.service.migrations import upgrade

        with self._errors():
            upgrade(self)

    def close(self) -> None:
        """Gives the connections back."""
        self.engine.dispose()


def open_database(settings: Settings) -> Database:
    """The service's database, up to date. Errors: StoreError, UsageError."""
    if settings.database_url is None:
        try:
            settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreError(
                "data_folder", f"The folder {settings.data} cannot be made: {error.strerror}.", "Give another --data."
            ) from error
    database = Database(service_url(settings))
    database.migrate()
    return database


def service_url(settings: Settings) -> str:
    """SQLAlchemy's URL of the service's own tables."""
    return _postgres(settings.database_url) or _sqlite(settings.data / "service.db")


def queue_url(settings: Settings) -> str:
    """SQLAlchemy's URL of the queue's tables: a file of its own for SQLite, where every file has one writer."""
    return _postgres(settings.database_url) or _sqlite(settings.data / "queue.db")


def _sqlite(path: Path) -> str:
    return sa.URL.create("sqlite", database=str(path.absolute())).render_as_string()


def _postgres(url: str | None) -> str | None:
    if url is None:
        return None
    return sa.make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where SQLAlchemy says so
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA cache_size=-500")  # kB for each of many connections; the system caches the file
    connection.execute("PRAGMA synchronous=FULL")  # what was accepted survives a loss of power
    connection.execute("PRAGMA secure_delete=ON")  # what was deleted is gone from the file


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def store_error(error: Exception) -> StoreError:
    """A database's error in our words."""
    said = str(getattr(error, "orig", None) or error).strip().splitlines()[0][:200]
    lowered = said.lower()
    if "locked" in lowered or "busy" in lowered:
        return StoreError("locked", "The database is busy with another program's write.", "Try again in a moment.")
    if "unable to open" in lowered:
        return StoreError(
            "cannot_open", "The database's file cannot be opened.", "Look whether its folder can be written."
        )
    if "full" in lowered or "no space" in lowered:
        return StoreError("disk_full", "There is no room left for the database.", "Make room, then try again.")
    if "readonly" in lowered or "read-only" in lowered:
        return StoreError("read_only", "The database may not be written.", "Give the service the right to write it.")
    return StoreError("database", f"The database does not answer: {said}", "Look whether it runs and can be reached.")
