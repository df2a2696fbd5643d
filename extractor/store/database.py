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

from extractor.claims.claim import Claim
from extractor.document.sources import display
from extractor.errors import StoreError
from extractor.form import FORM, GROUPS, REQUEST_COLUMNS, cell_paths
from extractor.form.model import row_words
from extractor.results import Cell, Finding, Result, plain
from extractor.sqlite_errors import store_error
from extractor.store.migrations import migrations

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
        name, now = display(source), _now()
        document = next((result.sha256 for result in results if result.sha256), None)
        outcome = _outcome(results)
        with self._explained(), self._transaction():
            if document is not None:
                self._save_document(document, name, data, results, now)
            known = self.db.execute(
                "select 1 from extractions where document is ? and (document is not null or source = ?) "
                "and gouji_version = ? and form_hash = ? and outcome = ? limit 1",
                [document, name, self._gouji, self._form, outcome],
            ).fetchone()
            if known:
                return 0
            run = self.db.execute("select coalesce(max(id), 0) + 1 from extractions").fetchone()[0]
            for offset, result in enumerate(results):
                self.db.table("extractions").insert(
                    _extraction_row(result, offset + 1)
                    | {
                        "id": run + offset,
                        "run": run,
                        "document": document,
                        "gouji_version": self._gouji,
                        "form_hash": self._form,
                        "outcome": outcome,
                        "extracted_at": now,
                    }
                )
                self.db.conn.executemany(_INSERT_CELL, [_cell_row(run + offset, cell) for cell in result.cells])
                self.db.table("findings").insert_all(_finding_row(run + offset, finding) for finding in result.findings)
                self.db.table("claims").insert_all(_claim_row(run + offset, claim) for claim in result.claims)
        return len(results)

    def _save_document(self, sha256: str, name: str, data: bytes | None, results: Sequence[Result], now: str) -> None:
        text = next((result.text for result in results if result.text), None)
        row = {
            "sha256": sha256,
            "bytes": None if data is None else len(data),
            "characters": None if text is None else len(text),
            "text": text,
            "first_seen": now,
        }
        self.db.table("documents").insert(row, ignore=True)
        # A later version may read what an earlier one could not, or store another text of it.
        self.db.execute(
            "update documents set text = ?, characters = ? where sha256 = ? and text is not ? and ? is not null",
            [text, row["characters"], sha256, text, text],
        )
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


_CELL_COLUMNS = (
    "extraction", "path", "value", "value_integer", "unit", "state", "method", "raw", "span_start", "span_end",
    "candidates", "because",
)  # fmt: skip
_INSERT_CELL = f"insert into cells ({', '.join(_CELL_COLUMNS)}) values ({', '.join('?' * len(_CELL_COLUMNS))})"


def _cell_row(extraction: int, cell: Cell) -> tuple[Any, ...]:
    value = plain(cell.value)
    start, end = cell.span or (None, None)
    return (
        extraction,
        cell.path,
        None if value is None else str(value),  # TEXT: SQLite's REAL would turn 1.50 into 1.5
        value if isinstance(value, int) and abs(value) < 2**63 else None,
        cell.unit,
        cell.state,
        cell.method,
        cell.raw,
        start,
        end,
        _json([plain(candidate) for candidate in cell.candidates]),
        _json(list(cell.because)),
    )


def _finding_row(extraction: int, finding: Finding) -> dict[str, Any]:
    row = finding.to_json()
    return {
        "extraction": extraction,
        "rule": row["rule"],
        "status": row["status"],
        "severity": row["severity"],
        "blame": row["blame"],
        "left_value": None if row["left"] is None else str(row["left"]),
        "right_value": None if row["right"] is None else str(row["right"]),
        "reason": row["reason"] or None,
        "message": row["message"],
        "message_en": row["message_en"] or None,
        "evidence": _json(row["evidence"]),
        "cells": _json(row["cells"]),
        "suspects": _json(row["suspects"]),
        "hypotheses": _json(row["hypotheses"]),
    }


def _claim_row(extraction: int, claim: Claim) -> dict[str, Any]:
    start, end = claim.span
    return {
        "extraction": extraction,
        "field": claim.field,
        "value": str(plain(claim.value)),
        "value_integer": claim.value if isinstance(claim.value, int) and abs(claim.value) < 2**63 else None,
        "unit": claim.unit,
        "raw": claim.raw,
        "span_start": start,
        "span_end": end,
        "scope": claim.scope,
        "year": claim.year,
        "about": claim.about,
        "method": claim.method,
    }


def _extraction_row(result: Result, report: int) -> dict[str, Any]:
    record = result.record or {}
    error = result.error or {}
    return {
        "report": report,
        "source": display(result.source),
        "organization": record.get("organization"),
        "year": record.get("year"),
        "title": record.get("title"),
        "form": record.get("form"),
        "verdict": result.verdict,
        **{f"verdict_{table}": result.verdicts.get(table) for table in ("disclosure", "requests", "disputes")},
        "error_code": error.get("code"),
        "error_message": error.get("message"),
        "error_hint": error.get("hint"),
        "calls": result.usage.calls,
        "prompt_tokens": result.usage.prompt_tokens,
        "completion_tokens": result.usage.completion_tokens,
        "cost": result.usage.cost,
        "record": None if result.record is None else json.dumps(result.record, ensure_ascii=False),
    }


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


def _outcome(results: Sequence[Result]) -> str:
    """Hash of all that was found in a document, without where it lay and what it cost."""
    digest = hashlib.sha256()
    for result in results:
        found = {key: value for key, value in result.to_json().items() if key not in ("source", "usage")}
        digest.update(json.dumps(found, ensure_ascii=True, sort_keys=True).encode("ascii"))
    return digest.hexdigest()


def _json(value: list[Any]) -> str | None:
    return json.dumps(value, ensure_ascii=False) if value else None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
