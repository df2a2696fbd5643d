"""What is to be told to callers by webhook: an event is entered in the transaction that makes it true, and once.

A delivery's id is made of what it tells of (`d_` + extraction + round, `d_` + batch), so that it cannot be entered
twice. Its payload holds ids, states, verdicts and links, and nothing of a document.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from extractor.service.database.extractions import OPEN
from extractor.service.database.tables import batch_members, batches, deliveries, extractions
from extractor.service.ids import now

EXTRACTION, BATCH = "extraction.finished", "batch.finished"
MOST_CALLBACKS = 10  # of one extraction
LONGEST = 86400.0  # seconds
DUE = 500  # deliveries at one look


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook to be sent: `attempts` were made already."""

    id: str
    url: str
    payload: str
    attempts: int
    created: str


def tell(connection: sa.Connection, extraction: str) -> list[str]:
    """Enters what the end of an extraction makes true: its own event, and those of batches that end with it. To be
    called in the transaction that ends it; the ids of the new deliveries."""
    c = extractions.c
    # One look for all: most extractions have nobody to tell.
    rows = connection.execute(
        sa.select(c.id, c.round, c.state, c.verdict, c.batch, c.callback, c.finished, batches.c.id.label("ends"))
        .outerjoin(batch_members, batch_members.c.extraction == c.id)
        .outerjoin(batches, sa.and_(batches.c.id == batch_members.c.batch, batches.c.callback.is_not(None)))
        .where(c.id == extraction)
    ).all()
    row = rows[0]
    told = []
    if row.callback is not None:
        self = f"/v1/extractions/{row.id}"
        data = {
            "id": row.id,
            "state": row.state,
            "verdict": row.verdict,
            "batch": row.batch,
            "links": {"self": self, "result": f"{self}/result", "review": f"/review/{row.id}"},
        }
        for index, url in enumerate(row.callback.split()):
            id = f"d_{row.id}.{row.round}" + (f".{index}" if index else "")
            told += _enter(connection, id, EXTRACTION, row.id, url, row.finished, data)
    for batch in sorted({found.ends for found in rows if found.ends is not None}):
        told += tell_batch(connection, batch)
    return told


def add_callback(connection: sa.Connection, extraction: str, url: str) -> bool:
    """Lets somebody else who sent the same content be told too; at once where it is finished. False: there are too
    many already."""
    row = connection.execute(
        sa.select(extractions.c.callback, extractions.c.state).where(extractions.c.id == extraction).with_for_update()
    ).one()
    urls = (row.callback or "").split()
    if url not in urls:
        if len(urls) >= MOST_CALLBACKS:
            return False
        told = {"callback": " ".join([*urls, url])}
        connection.execute(sa.update(extractions).where(extractions.c.id == extraction).values(told))
        if row.state not in OPEN:
            tell(connection, extraction)
    return True


def tell_batch(connection: sa.Connection, batch: str) -> list[str]:
    """Enters the event of a batch if all of its documents are finished; the id, where it is new."""
    # Two instances that end a batch's last two documents each see the other's as open: they take turns here.
    row = connection.execute(sa.select(batches).where(batches.c.id == batch).with_for_update()).one_or_none()
    if row is None or row.callback is None or connection.execute(_open_members(batch).limit(1)).first() is not None:
        return []
    c = extractions.c
    states = connection.execute(
        sa.select(c.state, c.verdict, sa.func.count().label("n"))
        .join(batch_members, batch_members.c.extraction == c.id)
        .where(batch_members.c.batch == batch)
        .group_by(c.state, c.verdict)
    ).all()
    verdicts: dict[str, int] = {}
    for found in states:
        if found.state == "done":
            verdicts[found.verdict] = verdicts.get(found.verdict, 0) + found.n
    self = f"/v1/batches/{batch}"
    data = {
        "id": batch,
        "documents": sum(found.n for found in states),
        "failed": sum(found.n for found in states if found.state == "failed"),
        "verdicts": verdicts,
        "links": {"self": self, "results": f"{self}/results"},
    }
    return _enter(connection, f"d_{batch}", BATCH, batch, row.callback, now(), data)


def silent_batches(connection: sa.Connection) -> list[str]:
    """Batches that have a callback and neither an open document nor an event: their last document was finished while
    they were made, or was deleted."""
    event = sa.select(deliveries.c.id).where(deliveries.c.target == batches.c.id)
    return list(
        connection.execute(
            sa.select(batches.c.id).where(
                batches.c.callback.is_not(None), ~sa.exists(event), ~sa.exists(_open_members(batches.c.id))
            )
        ).scalars()
    )


def due(connection: sa.Connection) -> list[tuple[str, int]]:
    """Pending deliveries whose time has come, with the number of attempts made. No wait is as long as `LONGEST`: where
    one seems so, the clock was set back."""
    c = deliveries.c
    reached = sa.or_(c.next_at <= now(), c.next_at > now(LONGEST))
    asked = sa.select(c.id, c.attempts).where(c.state == "pending", reached).order_by(c.next_at).limit(DUE)
    return [(row.id, row.attempts) for row in connection.execute(asked)]


def pending(connection: sa.Connection, delivery: str, attempt: int) -> Delivery | None:
    """A delivery of which so many attempts were made; None where it is done with or another attempt was made."""
    c = deliveries.c
    row = connection.execute(
        sa.select(c.id, c.url, c.payload, c.attempts, c.created).where(
            c.id == delivery, c.state == "pending", c.attempts == attempt
        )
    ).one_or_none()
    return None if row is None else Delivery(*row)


def record(
    connection: sa.Connection,
    delivery: Delivery,
    state: str,
    status: int | None,
    error: str | None,
    retry_after: float | None,
) -> None:
    """What came of an attempt; `retry_after`: seconds until the next one of a delivery that stays pending."""
    c = deliveries.c
    connection.execute(
        sa.update(deliveries)
        .where(c.id == delivery.id, c.attempts == delivery.attempts)
        .values(
            state=state,
            status=status,
            error=error,
            attempts=delivery.attempts + 1,
            next_at=None if retry_after is None else now(retry_after),
            finished=None if state == "pending" else now(),
        )
    )


def of_target(connection: sa.Connection, target: str) -> list[dict[str, Any]]:
    """The deliveries of an extraction or a batch, oldest first, as the API shows them."""
    c = deliveries.c
    asked = sa.select(
        c.id, c.event, c.target, c.url, c.state, c.attempts, c.status, c.error, c.created, c.next_at, c.finished
    )
    return [dict(row._mapping) for row in connection.execute(asked.where(c.target == target).order_by(c.created))]


def _open_members(batch: Any) -> sa.Select[Any]:
    return (
        sa.select(sa.literal(1))
        .select_from(batch_members.join(extractions, extractions.c.id == batch_members.c.extraction))
        .where(batch_members.c.batch == batch, extractions.c.state.in_(OPEN))
    )


def _enter(
    connection: sa.Connection, id: str, event: str, target: str, url: str, moment: str, data: dict[str, Any]
) -> list[str]:
    row = {
        "id": id,
        "event": event,
        "target": target,
        "url": url,
        "payload": json.dumps({"type": event, "timestamp": moment, "data": data}, ensure_ascii=False),
        "state": "pending",
        "attempts": 0,
        "next_at": moment,
        "created": moment,
    }
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(deliveries), row)
    except IntegrityError:  # entered already
        return []
    return [id]
