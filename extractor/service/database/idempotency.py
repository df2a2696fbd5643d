"""`Idempotency-Key`: what came of a request is kept in the transaction of what it did, and found when it comes again.

An entry lives as long as the extraction or batch that it names, but no longer than `KEPT`: clients send a new key with
every request, also with those that find what is there.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import sqlalchemy as sa

from extractor.errors import GoujiError
from extractor.service.database.extractions import Submission, fingerprint
from extractor.service.database.tables import idempotency
from extractor.service.ids import now

KEPT = 30 * 86400.0  # seconds


class Conflict(GoujiError):
    """The key came before, with another request."""


def request_mark(kind: str, submissions: list[Submission], callback: str | None = None) -> str:
    """SHA-256 over all that a request asks for."""
    asked: list[Any] = [kind, callback]
    asked += [[fingerprint(each), each.source, each.callback, each.again] for each in submissions]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def find(connection: sa.Connection, key_id: str, key: str, mark: str) -> str | None:
    """What came of the same request under this key; None where the key is new. Errors: Conflict."""
    found = connection.execute(
        sa.select(idempotency.c.fingerprint, idempotency.c.target).where(
            idempotency.c.key_id == key_id, idempotency.c.idempotency_key == key
        )
    ).one_or_none()
    if found is None:
        return None
    if found.fingerprint != mark:
        raise Conflict(
            "conflict",
            "This Idempotency-Key came before with another request.",
            "Take a new key for a new request; repeat a request as it was.",
        )
    return str(found.target)


def keep(connection: sa.Connection, key_id: str, key: str, mark: str, target: str) -> None:
    """Keeps what came of a request. Errors: IntegrityError where the same key came at the same moment: find it then."""
    row = {"key_id": key_id, "idempotency_key": key, "fingerprint": mark, "target": target, "created": now()}
    connection.execute(sa.insert(idempotency), row)


def prune(connection: sa.Connection) -> int:
    """Drops what is older than `KEPT`; how many entries."""
    return connection.execute(sa.delete(idempotency).where(idempotency.c.created < now(-KEPT))).rowcount


def forget(connection: sa.Connection, targets: list[str]) -> None:
    """Drops the entries of what is deleted."""
    connection.execute(sa.delete(idempotency).where(idempotency.c.target.in_(targets)))
