"""Writes results to SQLite: one transaction per document, nothing twice, nothing overwritten."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlite_utils import Database

from extractor.document.sources import display
from extractor.errors import StoreError
from extractor.form import FORM, GROUPS, REQUEST_COLUMNS, cell_paths
from extractor.form.model import row_words
from extractor.results import Result
from extractor.sqlite_errors import store_error
from extractor.store.migrations import migrations
from extractor.store.rows import (
    CELL_COLUMNS,
    INSERT_CELL,
    Line,
    cell_row,
    claim_row,
    extraction_row,
    finding_row,
    line_of,
    rest_of,
    text,
)

# Seconds to wait for another program's write; one document is written in milliseconds.
WAIT = 5.0


class Store:
    """A database of results, opened on entering: `with Store(path) as store: store.save(…)`.

    Errors: StoreError, always with what to do; what was saved before stays.
    """

    def __init__(self, path: Path | str, *, wait: float = WAIT) -> None:
        self.path = Path(path)
        self._wait = wait
        self._gouji = gouji_version()
        self._form = form_hash()

    def __enter__(self) -> Store:
        with self._explained():
            connection = sqlite3.connect(self.path, timeout=self._wait)
            self.db = Database(connection)
            try:
                self._prepare()
            except BaseException:
                connection.close()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.db.close()

    def save(self, source: str, data: bytes | None, results: Sequence[Result]) -> int:
        """Keeps the results of one source; gives the number of extractions added, 0 where they are there already."""
        return self.save_lines(
            source,
            [result.to_json() for result in results],
            size=None if data is None else len(data),
            stored=next((result.text for result in results if result.text), None),
        )

    def save_lines(
        self,
        source: str,
        lines: Sequence[Line],
        *,
        size: int | None = None,
        stored: str | None = None,
        imported: bool = False,
    ) -> int:
        """Keeps the contract's lines of one source (the reports of one document); as `save`. `size` and `stored`: the
        document's bytes and stored text, where they are at hand; `imported`: another gouji may have read it."""
        name, now = display(source), _now()
        gouji = f"{self._gouji} (imported)" if imported else self._gouji
        document = next((line["sha256"] for line in lines if line["sha256"]), None)
        outcome = _outcome(lines)
        with self._explained(), self._transaction():
            if document is not None:
                self._save_document(document, name, size, stored, now)
            # A reading is known where it is the newest of its document: one that only equals an older reading says
            # that the newest no longer holds. Lines that come in are no reading: they are known wherever they are.
            newest = "" if imported else (
                "and run = (select max(run) from extractions where document is :document "
                "and (document is not null or source = :source)) "
            )  # fmt: skip
            known = self.db.execute(
                "select 1 from extractions where document is :document and (document is not null or source = :source) "
                f"and gouji_version = :gouji and form_hash = :form and outcome = :outcome {newest}limit 1",
                {"document": document, "source": name, "gouji": gouji, "form": self._form, "outcome": outcome},
            ).fetchone()
            if known:
                return 0
            run = self.db.execute("select coalesce(max(id), 0) + 1 from extractions").fetchone()[0]
            for offset, line in enumerate(lines):
                fixed = {
                    "id": run + offset,
                    "run": run,
                    "document": document,
                    "gouji_version": gouji,
                    "form_hash": self._form,
                    "outcome": outcome,
                    "extracted_at": now,
                }
                self._save_line(line, offset + 1, fixed)
        return len(lines)

    def _save_line(self, line: Line, report: int, fixed: dict[str, Any]) -> None:
        number = fixed["id"]
        row = extraction_row(line, report) | fixed | {"rest": None}
        cells = [cell_row(number, cell) for cell in line["cells"]]
        findings = [finding_row(number, finding) for finding in line["findings"]]
        claims = [claim_row(number, claim) for claim in line.get("claims", [])]
        composed = line_of(row, (dict(zip(CELL_COLUMNS, cell, strict=True)) for cell in cells), findings, claims)
        self.db.table("extractions").insert(row | {"rest": rest_of(line, composed)})
        self.db.conn.executemany(INSERT_CELL, cells)
        self.db.table("findings").insert_all(findings)
        self.db.table("claims").insert_all(claims)

    def _save_document(self, sha256: str, name: str, size: int | None, stored: str | None, now: str) -> None:
        row = {
            "sha256": sha256,
            "bytes": size,
            "characters": None if stored is None else len(stored),
            "text": text(stored),
            "first_seen": now,
        }
        self.db.table("documents").insert(row, ignore=True)
        # A later version may read what an earlier one could not, or store another text of it.
        self.db.execute(
            "update documents set text = ?, characters = ? where sha256 = ? and text is not ? and ? is not null",
            [row["text"], row["characters"], sha256, row["text"], row["text"]],
        )
        self.db.execute("update documents set bytes = ? where sha256 = ? and bytes is null", [size, sha256])
        self.db.execute(
            "insert into sources (source, document, first_seen, last_seen) values (?, ?, ?, ?) "
            "on conflict (source, document) do update set last_seen = excluded.last_seen",
            [name, sha256, now, now],
        )

    def _prepare(self) -> None:
        known = {migration.name for migration in migrations.pending(Database(memory=True))}
        applied = {migration.name for migration in migrations.applied(self.db)}
        if unknown := applied - known:
            raise StoreError(
                "newer_database",
                f"{self.path} was written by a newer gouji ({', '.join(sorted(unknown))}).",
                "Upgrade gouji, or name another file with --db.",
            )
        if migrations.pending(self.db):
            self.db.enable_wal()
            migrations.apply(self.db)
        self.db.execute("pragma synchronous = normal")
        rows = _form_cells()
        if list(self.db.query("select * from form_cells order by position")) != rows:
            with self._transaction():
                self.db.table("form_cells").upsert_all(rows, pk="path")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """A write transaction from its first statement on: two writers wait for each other instead of failing."""
        connection = self.db.conn
        connection.execute("begin immediate")
        try:
            yield
            connection.commit()
        except BaseException:
            connection.rollback()
            raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise store_error(error, display(str(self.path)), "name another file with --db") from error


def _form_cells() -> list[dict[str, Any]]:
    """Every cell that a record can have, in print order, with its labels."""
    rows: dict[str, dict[str, Any]] = {}
    for form in ("2021", "2019"):
        for table, paths in cell_paths(form, frozenset(GROUPS)).items():
            for path in paths:
                row, _, column = path.removeprefix(f"{table}.").rpartition(".")
                label = FORM.words(path)
                row_label = row_words(FORM, row) if table == "requests" else label.rpartition(" · ")[0]
                rows.setdefault(
                    path,
                    {
                        "path": path,
                        "table_key": table,
                        "row_key": row,
                        "column_key": column,
                        "row_label": row_label,
                        "column_label": label.rpartition(" · ")[2],
                        "label": label,
                        "column_position": REQUEST_COLUMNS.index(column) + 1 if table == "requests" else None,
                    },
                )
    return [row | {"position": number} for number, row in enumerate(rows.values(), 1)]


def gouji_version() -> str:
    """The installed version of gouji."""
    try:
        return version("gouji")
    except PackageNotFoundError:
        return "0+not-installed"


def form_hash() -> str:
    """SHA-256 of form.toml: results of another form are other results."""
    return hashlib.sha256((files("extractor.form") / "form.toml").read_bytes()).hexdigest()


def _outcome(lines: Sequence[Line]) -> str:
    """Hash of all that was found in a document, without where it lay and what it cost."""
    digest = hashlib.sha256()
    for line in lines:
        found = {key: value for key, value in line.items() if key not in ("source", "usage")}
        digest.update(json.dumps(found, ensure_ascii=True, sort_keys=True).encode("ascii"))
    return digest.hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
