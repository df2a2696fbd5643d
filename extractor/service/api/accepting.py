"""What a submission does to the database, in one transaction, and to the queue behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
from fastapi import Request
from sqlalchemy.exc import IntegrityError

from extractor.service.api.problems import Problem
from extractor.service.database import audit, batches, deliveries, extractions, idempotency
from extractor.service.database.extractions import Accepted, QueueFull, Submission
from extractor.service.state import Service

Made = TypeVar("Made")
LONGEST_KEY = 255


def idempotency_key(request: Request) -> str | None:
    """The request's `Idempotency-Key`. Errors: Problem `invalid_request`."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise Problem(
            "invalid_request",
            "The Idempotency-Key is empty, too long or not of printable ASCII.",
            "A random UUID does well.",
        )
    return key


def accept(service: Service, submission: Submission, key: str | None) -> Accepted:
    """One document: kept and queued, or found. Errors: Problem `queue_full`, `conflict`."""
    mark = idempotency.request_mark("extraction", [submission]) if key is not None else ""
    who = submission.key_id or ""

    def make(connection: sa.Connection) -> Accepted:
        if key is not None:
            target = idempotency.find(connection, who, key, mark)
            if target is not None:
                head = extractions.head(connection, target)
                assert head is not None, "an entry lives as long as what it names"
                return Accepted(head.id, head.state, head.round, False)
        accepted = extractions.submit(connection, submission, service.settings.max_queue)
        if key is not None:
            idempotency.keep(connection, who, key, mark, accepted.id)
        if accepted.created:
            audit.record(connection, who, "submit", accepted.id, submission.request_id)
        url = submission.callback
        if url is not None and not deliveries.add_callback(connection, accepted.id, url):
            raise Problem("callback_not_allowed", "Enough others are told of this document.", "Ask for its result.")
        return accepted

    accepted = _in_transaction(service, make)
    service.put(accepted)
    return accepted


def accept_batch(
    service: Service, submissions: list[Submission], callback: str | None, key: str | None
) -> tuple[str, list[Accepted]]:
    """All documents of a batch or none: the batch's id, and what is to be queued. Errors: as `accept`."""
    mark = idempotency.request_mark("batch", submissions, callback) if key is not None else ""
    who, request_id = submissions[0].key_id or "", submissions[0].request_id
    most = service.settings.max_queue

    def make(connection: sa.Connection) -> tuple[str, list[Accepted]]:
        if key is not None:
            target = idempotency.find(connection, who, key, mark)
            if target is not None:
                return target, []
        batch = batches.new_batch(connection, who, callback)
        room = most - extractions.waiting(connection)
        accepted = []
        for submission in submissions:
            accepted.append(extractions.submit(connection, submission, None, batch))
            room -= accepted[-1].created
            if room < 0:
                raise QueueFull("queue_full", "There is no room for all documents of the batch.", "Send it later.")
        members = [(made.id, each.source) for made, each in zip(accepted, submissions, strict=True)]
        batches.add_members(connection, batch, members)
        if key is not None:
            idempotency.keep(connection, who, key, mark, batch)
        audit.record(connection, who, "submit", batch, request_id, documents=len(members))
        return batch, [each for each in accepted if each.created]

    if len(submissions) > most:
        raise Problem("too_large", f"The queue holds at most {most} documents.", "Send a smaller batch.", limit=most)
    return _in_transaction(service, make, len(submissions))


def _in_transaction(service: Service, make: Callable[[sa.Connection], Made], documents: int = 1) -> Made:
    for last in (False, True):
        try:
            with service.database.write() as connection:
                return make(connection)
        except QueueFull as error:
            # Room for as many, and for a tenth of the queue: else all who wait come back for the first place.
            behind = max(documents, service.settings.max_queue // 10)
            wait = service.pace.seconds_for(behind)
            raise Problem("queue_full", error.message, error.hint, {"Retry-After": str(wait)}) from None
        except idempotency.Conflict as error:
            raise Problem("conflict", error.message, error.hint) from None
        except IntegrityError:  # the same Idempotency-Key came at the same moment
            if last:
                raise
    raise AssertionError("the loop returns or raises")
