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

from extractor.document.kinds import kind_of
from extractor.errors import GoujiError
from extractor.results import Usage
from extractor.service.database import decisions, statements
from extractor.service.database.tables import documents, extractions
from extractor.service.ids import new_id, now
from extractor.service.work.reading import Outcome

OPEN, FINAL, SUSPECT, HEAD = statements.OPEN, statements.FINAL, statements.SUSPECT, statements.HEAD


@dataclass(frozen=True, slots=True)
class Submission:
    """What a caller wants read, and how."""

    data: bytes
    source: str
    model: str | None = None
    budget: Mapping[str, Any] | None = None
    given: Any = None
    callback: str | None = None
    key_id: str | None = None
    request_id: str | None = None
    again: bool = False  # also where this version has read it already


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


def submit(
    connection: sa.Connection, submission: Submission, max_queue: int | None, batch: str | None = None
) -> Accepted:
    """Keeps the document and a queued extraction of it, or finds the one that is there (a failed one is queued again).

    `max_queue` None: the caller looks itself whether there is room. Errors: QueueFull.
    """
    mark = fingerprint(submission)
    found = connection.execute(statements.KNOWN, {"mark": mark}).one_or_none()
    if found is not None and found.state == "done" and submission.again:
        _supersede(connection, found.id, mark)
        found = None
    if found is not None and found.state != "failed":
        return Accepted(found.id, found.state, found.round, False)
    if max_queue is not None and waiting(connection) >= max_queue:
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
        "batch": batch,
        "key_id": submission.key_id,
        "request_id": submission.request_id,
        "created": now(),
        "version": version(),
    }
    if connection.execute(statements.KEEP_EXTRACTION[connection.dialect.name], row).first() is None:
        return submit(connection, submission, max_queue, batch)  # another instance was faster with the same content
    return Accepted(str(row["id"]), "queued", 1, True)


def _supersede(connection: sa.Connection, extraction: str, mark: str) -> None:
    """Lets a newer extraction be the one that is found for its content."""
    older = hashlib.sha256(f"{mark} {extraction}".encode()).hexdigest()
    connection.execute(sa.update(extractions).where(extractions.c.id == extraction).values(fingerprint=older))


def waiting(connection: sa.Connection) -> int:
    """How many extractions wait for a reader."""
    return connection.execute(statements.WAITING).scalar_one()


def _keep_document(connection: sa.Connection, data: bytes) -> str:
    sha256 = hashlib.sha256(data).hexdigest()
    row = {
        "sha256": sha256,
        "kind": kind_of(data),
        "size": len(data),
        "bytes": zlib.compress(data, 1),
        "created": now(),
    }
    connection.execute(statements.KEEP_DOCUMENT[connection.dialect.name], row)
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
    waits_since: str | None  # for a model's endpoint
    spent: Usage  # on a model already


def claim(connection: sa.Connection, extraction: str, instance: str) -> Job | None:
    """Marks an extraction as under way here; None where it is finished or deleted."""
    row = connection.execute(statements.CLAIM, {"of": extraction, "by": instance, "at": now()}).one_or_none()
    if row is None:
        return None
    data = connection.execute(statements.BYTES, {"of": row.document}).scalar_one()
    return Job(
        id=row.id,
        data=zlib.decompress(data),
        source=row.source,
        model=row.model,
        budget=None if row.budget is None else json.loads(row.budget),
        given=None if row.given is None else json.loads(zlib.decompress(row.given)),
        attempts=row.attempts,
        created=row.created,
        request_id=row.request_id,
        waits_since=row.waits_since,
        spent=Usage(row.calls, row.prompt_tokens, row.completion_tokens, row.cost),
    )


def finish(connection: sa.Connection, extraction: str, outcome: Outcome) -> bool:
    """Keeps the result; false where the extraction is finished already or was deleted meanwhile."""
    result = {
        "of": extraction,
        "state": "done",
        "finished": now(),
        "verdict": outcome.verdict,
        "lines": outcome.lines,
        "calls": outcome.calls,
        "prompt_tokens": outcome.prompt_tokens,
        "completion_tokens": outcome.completion_tokens,
        "cost": outcome.cost,
    }
    done = connection.execute(statements.END, result).one_or_none()
    if done is None:
        return False
    if outcome.text is not None:
        text = {"of": done.document, "text": outcome.text, "text_sha256": outcome.text_sha256}
        connection.execute(statements.KEEP_TEXT, text)
    connection.execute(statements.NO_LONGER_CURRENT, {"of": done.document})
    _insert_reports(connection, extraction, done.document, outcome)
    if outcome.text_sha256 is not None:
        decisions.refresh(connection, outcome.text_sha256)
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
    for keep, rows in (
        (statements.KEEP_REPORTS, heads),
        (statements.KEEP_TABLES, tables),
        (statements.KEEP_FAILURES, failed),
    ):
        if rows:
            connection.execute(keep, rows)


def fail(connection: sa.Connection, extraction: str, error: GoujiError) -> bool:
    """Ends an extraction that the service could not carry out; the document is not to blame."""
    told = json.dumps({"code": error.code, "message": error.message, "hint": error.hint}, ensure_ascii=False)
    ended = {"of": extraction, "state": "failed", "finished": now(), "error": told}
    return connection.execute(statements.END, ended).first() is not None


def head(connection: sa.Connection, extraction: str) -> sa.Row[Any] | None:
    """Everything of an extraction but its result."""
    return connection.execute(statements.HEAD_OF, {"of": extraction}).one_or_none()


def result(connection: sa.Connection, extraction: str) -> tuple[sa.Row[Any] | None, bytes | None]:
    """Its head, and its result as a JSON array; None for what is not there."""
    found: Any = connection.execute(statements.RESULT_OF, {"of": extraction}).one_or_none()
    return found, None if found is None or found.lines is None else zlib.decompress(found.lines)


def state(connection: sa.Connection, extraction: str) -> str | None:
    """Where an extraction stands; None where there is none."""
    found: str | None = connection.execute(statements.STATE_OF, {"of": extraction}).scalar()
    return found


def lines(connection: sa.Connection, extraction: str) -> bytes | None:
    """The result as a JSON array; None while there is none."""
    found = connection.execute(statements.LINES_OF, {"of": extraction}).scalar()
    return None if found is None else zlib.decompress(found)


def stored_text(connection: sa.Connection, extraction: str) -> str | None:
    """The text that the result's spans count in; None where there is none (yet)."""
    found = connection.execute(
        sa.select(documents.c.text)
        .join(extractions, extractions.c.document == documents.c.sha256)
        .where(extractions.c.id == extraction)
    ).scalar()
    return None if found is None else zlib.decompress(found).decode("utf-8", "surrogatepass")


def document_bytes(connection: sa.Connection, extraction: str) -> bytes | None:
    """The document as it was sent."""
    found = connection.execute(
        sa.select(documents.c.bytes)
        .join(extractions, extractions.c.document == documents.c.sha256)
        .where(extractions.c.id == extraction)
    ).scalar()
    return None if found is None else zlib.decompress(found)
