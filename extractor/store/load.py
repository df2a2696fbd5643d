"""Reads a database of results back as the contract's lines, one at a time."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from sqlite_utils import Database

from extractor.document.sources import display
from extractor.errors import StoreError
from extractor.form import TABLES
from extractor.sqlite_errors import store_error
from extractor.store.database import Store
from extractor.store.migrations import migrations
from extractor.store.rows import Row, line_of

_MAGIC = b"SQLite format 3\x00"


def is_database(path: Path) -> bool:
    """Whether a file is SQLite's. Errors: OSError."""
    with path.open("rb") as stream:
        return stream.read(len(_MAGIC)) == _MAGIC


class Library:
    """A database of results, read as it is at the moment of entering: `with Library(path) as library: …`.

    The file is opened for reading only; one written by an older gouji is brought up to date first.
    Errors: StoreError, always with what to do.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def __enter__(self) -> Library:
        with self._explained():
            self._connection = self._connect()
            try:
                if self._is_older():
                    self._connection.close()
                    with Store(self.path):
                        pass
                    self._connection = self._connect()
                self._connection.row_factory = sqlite3.Row
                # All that follows sees one state of the file, also while another program writes.
                self._connection.execute("begin")
                self._connection.execute("select 1 from extractions limit 1")
            except BaseException:
                self._connection.close()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def count(self) -> int:
        """How many extractions there are."""
        with self._explained():
            return int(self._connection.execute("select count(*) from extractions").fetchone()[0])

    def heads(self, every: bool = False) -> Iterator[tuple[int, dict[str, Any]]]:
        """Id and line without cells, findings and claims: of the newest extractions of each document, or of `every`
        one, oldest first."""
        which = "" if every else "where id in (select id from latest_extractions)"
        with self._explained():
            for row in self._connection.execute(f"select * from extractions {which} order by id"):
                yield row["id"], _head(row)

    def lines(self, every: bool = False) -> Iterator[tuple[int, dict[str, Any]]]:
        """Id and whole line; as `heads`."""
        which = "" if every else "where id in (select id from latest_extractions)"
        with self._explained():
            for row in self._connection.execute(f"select * from extractions {which} order by id"):
                number = row["id"]
                yield number, line_of(row, *(self._of(number, table) for table in ("cells", "findings", "claims")))

    def _of(self, extraction: int, table: str) -> Sequence[Row]:
        query = f"select * from {table} where extraction = ? order by rowid"
        return self._connection.execute(query, [extraction]).fetchall()

    def _connect(self) -> sqlite3.Connection:
        if not self.path.is_file():
            raise StoreError(
                "cannot_open", f"{display(str(self.path))}: there is no such file.", "Check the path of the database."
            )
        uri = f"file:{quote(str(self.path.absolute()))}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, timeout=5)
        try:
            connection.execute("select count(*) from sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            connection.close()
            beside = self.path.with_name(self.path.name + "-wal")
            if error.sqlite_errorname != "SQLITE_CANTOPEN" or beside.exists():
                raise
            # A WAL database in a folder that may not be written: nobody writes it, so it can be read without a log.
            connection = sqlite3.connect(f"{uri}&immutable=1", uri=True)
        return connection

    def _is_older(self) -> bool:
        tables = {row[0] for row in self._connection.execute("select name from sqlite_master where type = 'table'")}
        applied = set()
        if "_sqlite_migrations" in tables:
            query = "select name from _sqlite_migrations where migration_set = 'gouji'"
            applied = {row[0] for row in self._connection.execute(query)}
        known = {migration.name for migration in migrations.pending(Database(memory=True))}
        if not applied:
            raise StoreError(
                "other_database",
                f"{display(str(self.path))} is no database of gouji.",
                "Name one that `gouji extract --db FILE` has written.",
            )
        if unknown := applied - known:
            raise StoreError(
                "newer_database",
                f"{display(str(self.path))} was written by a newer gouji ({', '.join(sorted(unknown))}).",
                "Upgrade gouji.",
            )
        return applied < known

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise store_error(error, display(str(self.path)), "name another file") from error


def _head(row: sqlite3.Row) -> dict[str, Any]:
    line = {
        "source": row["source"],
        "sha256": row["document"],
        "verdict": row["verdict"],
        "verdicts": {table: row[f"verdict_{table}"] for table in TABLES},
        "record": None if row["record"] is None else json.loads(row["record"]),
        "error": None if row["error_code"] is None else {"code": row["error_code"]},
    }
    return line | ({} if row["region"] is None else {"region": json.loads(row["region"])})
