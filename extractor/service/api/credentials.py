"""Which key a request shows, and whether it is good: looked up in the database, remembered for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool

from extractor.errors import StoreError
from extractor.service.database import keys
from extractor.service.database.engine import Database
from extractor.service.database.keys import Key

REMEMBERED = 2.0  # seconds: a revoked key works no longer than that
NOTED = 300.0  # seconds between two notes of when a key was used
MOST = 1_000  # remembered at once

Look = Callable[[sa.Connection, str], Key | None]


@dataclass(slots=True)
class _Known:
    key: Key
    until: float


class Credentials:
    """Keys by their secrets and by the cookies that stand for them. What is wrong is never remembered."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, _Known] = {}
        self._noted: dict[str, float] = {}

    async def of_secret(self, secret: str) -> Key | None:
        """The active key of a secret. Errors: StoreError."""
        return await self._find(secret, keys.of_secret) if keys.well_formed(secret) else None

    async def of_cookie(self, value: str) -> Key | None:
        """The active key that a cookie stands for. Errors: StoreError."""
        return await self._find(value, keys.of_session) if 20 <= len(value) <= 100 else None

    def forget(self, shown: str) -> None:
        """Looks it up anew the next time."""
        self._known.pop(keys.hashed(shown), None)

    async def _find(self, shown: str, look: Look) -> Key | None:
        mark, moment = keys.hashed(shown), time.monotonic()
        known = self._known.get(mark)
        if known is not None and known.until > moment:
            return known.key if known.key.state == "active" else None
        key = await run_in_threadpool(self._look, shown, look, moment)
        if key is None or key.state != "active":
            self._known.pop(mark, None)
            return None
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[mark] = _Known(key, moment + REMEMBERED)
        return key

    def _look(self, shown: str, look: Look, moment: float) -> Key | None:
        with self._database.read() as connection:
            key = look(connection, shown)
        if key is not None and key.state == "active" and moment - self._noted.get(key.id, -NOTED) >= NOTED:
            self._noted[key.id] = moment
            try:
                with self._database.write() as connection:
                    keys.touch(connection, key.id)
            except StoreError:  # a note is not worth a request
                self._noted.pop(key.id, None)
        return key


def shown_key(headers: Mapping[str, str]) -> str | None:
    """The secret of `Authorization: Bearer …` or `X-API-Key`; None where neither is sent."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    found = headers.get("x-api-key")
    return None if found is None else found.strip()
