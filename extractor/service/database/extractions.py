"""A document's way through the database: submitted → queued → running (→ waiting) → done or failed.

Every step is one transaction, and each may be done again: a submission of the same content and options is the
extraction that is there, and only the first result of an extraction is kept.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from extractor.document.kinds import kind_of
from extractor.errors import GoujiError
from extractor.service.database.engine import Database
from extractor.service.database.tables import documents, extractions, failures, report_tables, reports
from extractor.service.ids import new_id, now
from extractor.service.work.reading import Outcome

OPEN = ("queued", "running", "waiting")
FINAL = ("done", "failed")
MOST_ATTEMPTS = 5  # of a document at which the server died each time


@dataclass(frozen=True, slots=True)
class Submission:
    """What a caller wants read, and how."""

    data: bytes
    source: str
    model: str | None = None
    budget: Mapping[str, Any] | None = None
    given: Any = None
    callback: str | None = None
    batch: str | None = None
    key_id: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The extraction of a submission; `created` is false where it was there already."""

    id: str
    state: str
    round: int
    created: bool


class QueueFull(GoujiError):
    """More documents wait than the service is set to hold."""


@lru_cache(maxsize=1)
def version() -> str:
    """The version of what reads: another one reads a document anew."""
    from importlib.metadata import version as installed

    return installed("gouji")


def fingerprint(submission: Submission) -> str:
    """SHA-256 over what decides the result: bytes, model, budget, the caller's record, gouji's version."""
    options = [submission.model, submission.budget, submission.given, version()]
    told = json.dumps(options, sort_keys=True, ensure_ascii=True, default=str).encode()
    return hashlib.sha256(hashlib.sha256(submission.data).digest() + told).hexdigest()


def submit(connection: sa.Connection, submission: Submission, max_queue: int) -> Accepted:
    """Keeps the document and a queued extraction of it, or finds the one that is there (a failed one is queued again).

    Errors: QueueFull.
    """
    mark = fingerprint(submission)
    found = connection.execute(
        sa.select(extractions.c.id, extractions.c.state, extractions.c.round).where(extractions.c.fingerprint == mark)
    ).one_or_none()
    if found is not None and found.state != "failed":
        return Accepted(found.id, found.state, found.round, False)
    if waiting(connection) >= max_queue:
        raise QueueFull("queue_full", "The service has more documents to read than it may hold.", "Send it later.")
    if found is not None:
        again = {"state": "queued", "error": None, "attempts": 0, "finished": None, "round": found.round + 1}
        connection.execute(sa.update(extractions).where(extractions.c.id == found.id).values(again))
        return Accepted(found.id, "queued", found.round + 1, True)
    sha256 = _keep_document(connection, submission.data)
    row = {
        "id": new_id("x"),
        "document": sha256,
        "fingerprint": mark,
        "source": submission.source,
        "state": "queued",
        "model": submission.model,
        "budget": None if submission.budget is None else json.dumps(submission.budget, default=str),
        "given": None if submission.given is None else zlib.compress(json.dumps(submission.given).encode()),
        "callback": submission.callback,
        "batch": submission.batch,
        "key_id": submission.key_id,
        "request_id": submission.request_id,
        "created": now(),
        "version": version(),
    }
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(extractions), row)
    except IntegrityError:  # another instance was faster with the same content
        return submit(connection, submission, max_queue)
    return Accepted(str(row["id"]), "queued", 1, True)


def waiting(connection: sa.Connection) -> int:
    """How many extractions wait for a reader."""
    return connection.execute(
        sa.select(sa.func.count()).select_from(extractions).where(extractions.c.state == "queued")
    ).scalar_one()


def _keep_document(connection: sa.Connection, data: bytes) -> str:
    sha256 = hashlib.sha256(data).hexdigest()
    if connection.execute(sa.select(documents.c.size).where(documents.c.sha256 == sha256)).first() is None:
        kind = kind_of(data)
        row = {
            "sha256": sha256,
            "kind": kind,
            "size": len(data),
            "bytes": zlib.compress(data, 1),
            "created": now(),
        }
        try:
            with connection.begin_nested():
                connection.execute(sa.insert(documents), row)
        except IntegrityError:
            pass
    return sha256


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker needs of an extraction."""

    id: str
    data: bytes
    source: str
    model: str | None
    budget: dict[str, Any] | None
    given: Any
    attempts: int
    created: str
    request_id: str | None


def claim(connection: sa.Connection, extraction: str, instance: str) -> Job | None:
    """Marks an extraction as under way here; None where it is finished or deleted."""
    taken = connection.execute(
        sa.update(extractions)
        .where(extractions.c.id == extraction, extractions.c.state.in_(OPEN))
        .values(
            state="running",
            instance=instance,
            attempts=extractions.c.attempts + 1,
            started=sa.func.coalesce(extractions.c.started, now()),
            retry_at=None,
        )
    )
    if not taken.rowcount:
        return None
    row = connection.execute(
        sa.select(extractions, documents.c.bytes.label("data"))
        .join(documents, documents.c.sha256 == extractions.c.document)
        .where(extractions.c.id == extraction)
    ).one()
    return Job(
        id=row.id,
        data=zlib.decompress(row.data),
        source=row.source,
        model=row.model,
        budget=None if row.budget is None else json.loads(row.budget),
        given=None if row.given is None else json.loads(zlib.decompress(row.given)),
        attempts=row.attempts,
        created=row.created,
        request_id=row.request_id,
    )


def finish(connection: sa.Connection, extraction: str, outcome: Outcome) -> bool:
    """Keeps the result; false where the extraction is finished already or was deleted meanwhile."""
    done = connection.execute(
        sa.update(extractions)
        .where(extractions.c.id == extraction, extractions.c.state.in_(OPEN))
        .values(
            state="done",
            finished=now(),
            retry_at=None,
            verdict=outcome.verdict,
            lines=outcome.lines,
            calls=outcome.calls,
            prompt_tokens=outcome.prompt_tokens,
            completion_tokens=outcome.completion_tokens,
            cost=outcome.cost,
        )
        .returning(extractions.c.document)
    ).one_or_none()
    if done is None:
        return False
    if outcome.text is not None:
        connection.execute(
            sa.update(documents)
            .where(documents.c.sha256 == done.document)
            .values(text=outcome.text, text_sha256=outcome.text_sha256)
        )
    connection.execute(
        sa.update(reports).where(reports.c.document == done.document, reports.c.current).values(current=False)
    )
    _insert_reports(connection, extraction, done.document, outcome)
    return True


def _insert_reports(connection: sa.Connection, extraction: str, document: str, outcome: Outcome) -> None:
    heads, tables, failed = [], [], []
    for number, report in enumerate(outcome.reports, 1):
        key = {"extraction": extraction, "number": number}
        heads.append(
            {
                **key,
                "document": document,
                "current": True,
                "organization": report.organization,
                "year": report.year,
                "form": report.form,
                "province": report.province,
                "region_code": report.region_code,
                "verdict": report.verdict,
                "doubt": sum(doubt.score for doubt in report.doubts.values()),
            }
        )
        for table, doubt in report.doubts.items():
            tables.append(
                {
                    **key,
                    "table_key": table,
                    "verdict": report.verdicts[table],
                    "doubtful_cells": doubt.cells,
                    "failed_rules": doubt.rules,
                    "doubt": doubt.score,
                    "settled": doubt.score == 0,
                }
            )
        for ordinal, (rule, severity, blame) in enumerate(report.failures):
            failed.append({**key, "ordinal": ordinal, "rule": rule, "severity": severity, "blame": blame})
    for table_of_rows, rows in ((reports, heads), (report_tables, tables), (failures, failed)):
        if rows:
            connection.execute(sa.insert(table_of_rows), rows)


def fail(connection: sa.Connection, extraction: str, error: GoujiError) -> bool:
    """Ends an extraction that the service could not carry out; the document is not to blame."""
    told = json.dumps({"code": error.code, "message": error.message, "hint": error.hint}, ensure_ascii=False)
    return bool(
        connection.execute(
            sa.update(extractions)
            .where(extractions.c.id == extraction, extractions.c.state.in_(OPEN))
            .values(state="failed", finished=now(), retry_at=None, error=told)
        ).rowcount
    )


def wait_for_model(connection: sa.Connection, extraction: str, error: GoujiError, retry_at: str) -> bool:
    """Says that the endpoint is down and when it is asked again."""
    told = json.dumps({"code": error.code, "message": error.message, "hint": error.hint}, ensure_ascii=False)
    return bool(
        connection.execute(
            sa.update(extractions)
            .where(extractions.c.id == extraction, extractions.c.state.in_(OPEN))
            .values(state="waiting", retry_at=retry_at, error=told)
        ).rowcount
    )


_HEAD = [column for column in extractions.c if column.name not in ("lines", "given", "fingerprint")]


def head(connection: sa.Connection, extraction: str) -> sa.Row[Any] | None:
    """Everything of an extraction but its result."""
    return connection.execute(sa.select(*_HEAD).where(extractions.c.id == extraction)).one_or_none()


def lines(connection: sa.Connection, extraction: str) -> bytes | None:
    """The result as a JSON array; None while there is none."""
    found = connection.execute(sa.select(extractions.c.lines).where(extractions.c.id == extraction)).scalar()
    return None if found is None else zlib.decompress(found)


def stored_text(connection: sa.Connection, extraction: str) -> str | None:
    """The text that the result's spans count in; None where there is none (yet)."""
    found = connection.execute(
        sa.select(documents.c.text)
        .join(extractions, extractions.c.document == documents.c.sha256)
        .where(extractions.c.id == extraction)
    ).scalar()
    return None if found is None else zlib.decompress(found).decode("utf-8", "surrogatepass")


def unfinished(connection: sa.Connection, before: str) -> list[tuple[str, int]]:
    """Extractions, with their round, that were queued before a moment and are so still: their way to the queue may have
    been cut."""
    found = connection.execute(
        sa.select(extractions.c.id, extractions.c.round)
        .where(extractions.c.state == "queued", extractions.c.created < before)
        .order_by(extractions.c.id)
    )
    return [(row.id, row.round) for row in found]


def check_database(database: Database) -> None:
    """Errors: StoreError where the database cannot be read."""
    with database.read() as connection:
        connection.execute(sa.select(sa.literal(1)))
