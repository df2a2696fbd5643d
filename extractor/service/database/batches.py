"""Batches: documents that were sent together, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from extractor.service.database.extractions import FINAL
from extractor.service.database.tables import batch_members, batches, extractions
from extractor.service.ids import new_id, now


@dataclass(frozen=True, slots=True)
class Counts:
    """How many documents of a batch are in which state, and with which verdict those that are done."""

    states: dict[str, int]
    verdicts: dict[str, int]

    @property
    def documents(self) -> int:
        return sum(self.states.values())

    @property
    def finished(self) -> bool:
        return all(state in FINAL for state in self.states)


def new_batch(connection: sa.Connection, key_id: str | None, callback: str | None) -> str:
    """An empty batch."""
    row = {"id": new_id("b"), "created": now(), "key_id": key_id, "callback": callback}
    connection.execute(sa.insert(batches), row)
    return row["id"] or ""


def add_members(connection: sa.Connection, batch: str, members: Sequence[tuple[str, str]]) -> None:
    """(extraction, source) in the order sent."""
    rows = [
        {"batch": batch, "number": number, "extraction": extraction, "source": source}
        for number, (extraction, source) in enumerate(members, 1)
    ]
    connection.execute(sa.insert(batch_members), rows)


def head(connection: sa.Connection, batch: str) -> sa.Row[Any] | None:
    """The batch itself."""
    return connection.execute(sa.select(batches).where(batches.c.id == batch)).one_or_none()


def counts(connection: sa.Connection, batch: str) -> Counts:
    """Of all its documents."""
    states: dict[str, int] = {}
    verdicts: dict[str, int] = {}
    found = connection.execute(
        sa.select(extractions.c.state, extractions.c.verdict, sa.func.count().label("n"))
        .join(batch_members, batch_members.c.extraction == extractions.c.id)
        .where(batch_members.c.batch == batch)
        .group_by(extractions.c.state, extractions.c.verdict)
    )
    for state, verdict, n in found:
        states[state] = states.get(state, 0) + n
        if state == "done":
            verdicts[verdict] = verdicts.get(verdict, 0) + n
    return Counts(states, verdicts)


def members(connection: sa.Connection, batch: str, after: int, limit: int) -> Sequence[Any]:
    """number, source, extraction, state and verdict of those behind a number."""
    wanted = (batch_members.c.source, batch_members.c.extraction, extractions.c.state, extractions.c.verdict)
    return connection.execute(_behind(batch, after, limit, *wanted)).all()


def drop_empty(connection: sa.Connection, those: Sequence[str]) -> list[str]:
    """Deletes those of these batches that hold no document any more; gives their ids."""
    held = sa.select(batch_members.c.batch).where(batch_members.c.batch == batches.c.id).exists()
    found = connection.execute(sa.delete(batches).where(batches.c.id.in_(those), ~held).returning(batches.c.id))
    return [row.id for row in found]


def result_rows(connection: sa.Connection, batch: str, after: int, limit: int) -> Sequence[Any]:
    """number, `called`, and source, document, state, error and lines of those behind a number."""
    kept = (extractions.c.source, extractions.c.document, extractions.c.state, extractions.c.error, extractions.c.lines)
    return connection.execute(_behind(batch, after, limit, batch_members.c.source.label("called"), *kept)).all()


def _behind(batch: str, after: int, limit: int, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """The members behind a number, in the order sent: their numbers and these columns."""
    return (
        sa.select(batch_members.c.number, *columns)
        .join(extractions, extractions.c.id == batch_members.c.extraction)
        .where(batch_members.c.batch == batch, batch_members.c.number > after)
        .order_by(batch_members.c.number)
        .limit(limit)
    )
