"""What of the extractions is still to be done, and what holds it up."""

from __future__ import annotations

import json
from dataclasses import dataclass

import sqlalchemy as sa

from extractor.errors import GoujiError
from extractor.results import Usage
from extractor.service.database.extractions import SUSPECT
from extractor.service.database.tables import extractions
from extractor.service.ids import now

DUE = 500  # documents that ask a model again, at one look
FUTURE = 60.0  # seconds by which the clocks of several instances may differ
LONGEST = 600.0  # seconds; no wait for a model's endpoint is as long
MOST_ALONE = 20  # deaths over a document that is read alone; an impatient supervisor kills too


@dataclass(frozen=True, slots=True)
class Open:
    """An extraction that has no result yet."""

    id: str
    round: int
    in_batch: bool
    retry_at: str | None


def unfinished(connection: sa.Connection, before: str) -> list[Open]:
    """Extractions that were accepted before a moment, and are queued or under way. Oldest first. Also those that seem
    to come from the future: the clock was set back since."""
    c = extractions.c
    return _open(connection, c.state.in_(("queued", "running")), sa.or_(c.created < before, c.created > now(FUTURE)))


def due(connection: sa.Connection) -> list[Open]:
    """Extractions that waited for a model's endpoint and are to ask it again. Nobody waits as long as `LONGEST`: where
    it seems so, the clock was set back."""
    c = extractions.c
    reached = sa.or_(c.retry_at <= now(), c.retry_at > now(LONGEST))
    return _open(connection, c.state == "waiting", reached, limit=DUE)


def _open(connection: sa.Connection, *which: sa.ColumnElement[bool], limit: int | None = None) -> list[Open]:
    c = extractions.c
    asked = sa.select(c.id, c.round, c.batch, c.retry_at).where(*which).order_by(c.retry_at, c.id).limit(limit)
    found = connection.execute(asked)
    return [Open(row.id, row.round, row.batch is not None, row.retry_at) for row in found]


def alone(connection: sa.Connection, extraction: str) -> bool:
    """Counts an attempt at a suspect that is about to be read alone; false where it has had enough."""
    attempts = connection.execute(
        sa.update(extractions)
        .where(extractions.c.id == extraction)
        .values(attempts=extractions.c.attempts + 1)
        .returning(extractions.c.attempts)
    ).scalar()
    return attempts is None or attempts <= SUSPECT + MOST_ALONE


def wait(connection: sa.Connection, extraction: str, seconds: float, error: GoujiError) -> None:
    """An extraction waits so long for its model's endpoint. `waits_since` stays that of the first time."""
    c = extractions.c
    connection.execute(
        sa.update(extractions)
        .where(c.id == extraction, c.state == "running")
        .values(
            state="waiting",
            retry_at=now(seconds),
            waits_since=sa.func.coalesce(c.waits_since, now()),
            error=told(error),
            attempts=0,  # nobody died
        )
    )


def spend(connection: sa.Connection, extraction: str, spent: Usage) -> None:
    """Keeps with an extraction that waits what a model cost so far: a later attempt has so much less to spend."""
    values = {name: getattr(spent, name) for name in ("calls", "prompt_tokens", "completion_tokens", "cost")}
    mine = sa.and_(extractions.c.id == extraction, extractions.c.state == "waiting")
    connection.execute(sa.update(extractions).where(mine).values(values))


def say_error(connection: sa.Connection, extraction: str, error: GoujiError | None) -> None:
    """Keeps with a result what of the work could not be done; None: all was."""
    connection.execute(
        sa.update(extractions)
        .where(extractions.c.id == extraction)
        .values(error=None if error is None else told(error))
    )


def told(error: GoujiError) -> str:
    """An error as the service keeps it: JSON."""
    return json.dumps({"code": error.code, "message": error.message, "hint": error.hint}, ensure_ascii=False)
