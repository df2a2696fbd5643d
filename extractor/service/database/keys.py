"""API keys: made, found, revoked. The secret is shown once; the database holds its SHA-256.

A secret is `gouji_`, 43 characters that are 256 random bits, and a checksum of six: a secret scanner knows it by its
form, and one that was mistyped is told from one that was revoked without a look at the database.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from extractor.service.database import audit
from extractor.service.database.tables import keys, sessions
from extractor.service.ids import now

PREFIX = "gouji_"
# What finds a secret in a text, for scanners and for our own log.
PATTERN = re.compile(r"gouji_[0-9A-Za-z]{49}")
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SESSION_SECONDS = 12 * 3600


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it may be shown. Times are ISO 8601; `rate` is its own limit (else the service's)."""

    id: str
    name: str
    scopes: tuple[str, ...]
    rate: str | None
    created: str
    expires: str | None
    revoked: str | None
    used: str | None

    @property
    def state(self) -> str:
        """`active`, `expired` or `revoked`."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and self.expires <= now() else "active"


def make_secret() -> str:
    """A new secret of 256 random bits."""
    body = _base62(secrets.randbits(256), 43)
    return f"{PREFIX}{body}{_checksum(body)}"


def well_formed(secret: str) -> bool:
    """Whether it can be a secret of ours: prefix, length, checksum."""
    return PATTERN.fullmatch(secret) is not None and hmac.compare_digest(secret[-6:], _checksum(secret[6:-6]))


def hashed(secret: str) -> str:
    """What the database holds of a secret. It has 256 random bits: a slow hash would add nothing."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def add(
    connection: sa.Connection,
    name: str,
    scopes: Iterable[str],
    *,
    rate: str | None = None,
    expires: str | None = None,
    who: str = "cli",
) -> tuple[Key, str]:
    """Makes a key; the secret beside it is nowhere else."""
    secret = make_secret()
    row = {
        "id": f"k_{secrets.token_hex(5)}",
        "name": name,
        "hash": hashed(secret),
        "scopes": " ".join(scopes),
        "rate": rate,
        "created": now(),
        "expires": expires,
    }
    connection.execute(sa.insert(keys), row)
    audit.record(connection, who, "key.added", str(row["id"]), name=name, scopes=str(row["scopes"]), expires=expires)
    found = by_id(connection, str(row["id"]))
    assert found is not None
    return found, secret


def revoke(connection: sa.Connection, key_id: str, who: str = "cli") -> Key | None:
    """Ends a key and its browser sessions; None where there is none. A second time changes nothing."""
    ended = connection.execute(
        sa.update(keys).where(keys.c.id == key_id, keys.c.revoked.is_(None)).values(revoked=now())
    ).rowcount
    connection.execute(sa.delete(sessions).where(sessions.c.key_id == key_id))
    if ended:
        audit.record(connection, who, "key.revoked", key_id)
    return by_id(connection, key_id)


def listed(connection: sa.Connection) -> list[Key]:
    """All keys, the oldest first."""
    return [_key(row) for row in connection.execute(sa.select(keys).order_by(keys.c.created, keys.c.id))]


def any_made(connection: sa.Connection) -> bool:
    """Whether a key was ever made; revoked ones count."""
    return connection.execute(sa.select(keys.c.id).limit(1)).first() is not None


def any_active(connection: sa.Connection) -> bool:
    """Whether there is a key that works."""
    return any(key.state == "active" for key in listed(connection))


def by_id(connection: sa.Connection, key_id: str) -> Key | None:
    """The key of a public id."""
    row = connection.execute(sa.select(keys).where(keys.c.id == key_id)).one_or_none()
    return None if row is None else _key(row)


def of_secret(connection: sa.Connection, secret: str) -> Key | None:
    """The key of a secret, active or not."""
    mark = hashed(secret)
    row = connection.execute(sa.select(keys).where(keys.c.hash == mark)).one_or_none()
    return _key(row) if row is not None and hmac.compare_digest(row.hash, mark) else None


def touch(connection: sa.Connection, key_id: str) -> None:
    """Notes that the key was used now."""
    connection.execute(sa.update(keys).where(keys.c.id == key_id).values(used=now()))


def log_in(connection: sa.Connection, key: Key) -> str:
    """Begins a browser session of a key and gives the cookie's value, of which the database holds the SHA-256."""
    value = secrets.token_urlsafe(32)
    end_sessions(connection)
    until = now(SESSION_SECONDS) if key.expires is None else min(now(SESSION_SECONDS), key.expires)
    row = {"hash": hashed(value), "key_id": key.id, "created": now(), "expires": until}
    connection.execute(sa.insert(sessions), row)
    return value


def of_session(connection: sa.Connection, value: str) -> Key | None:
    """The key that a cookie stands for; None where the session is over."""
    row = connection.execute(
        sa.select(keys)
        .join(sessions, sessions.c.key_id == keys.c.id)
        .where(sessions.c.hash == hashed(value), sessions.c.expires > now())
    ).one_or_none()
    return None if row is None else _key(row)


def log_out(connection: sa.Connection, value: str) -> None:
    """Ends a browser session."""
    connection.execute(sa.delete(sessions).where(sessions.c.hash == hashed(value)))


def end_sessions(connection: sa.Connection) -> None:
    """Forgets the browser sessions whose time is over."""
    connection.execute(sa.delete(sessions).where(sessions.c.expires <= now()))


def _key(row: sa.Row[Any]) -> Key:
    return Key(row.id, row.name, tuple(row.scopes.split()), row.rate, row.created, row.expires, row.revoked, row.used)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), 6)
