"""What all instances of a service share and nobody outside may know: made at first use, kept in the database."""

from __future__ import annotations

import secrets as random

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from extractor.service.database.tables import secrets

WEBHOOKS = "webhooks"  # signs what is delivered


def secret(connection: sa.Connection, name: str) -> bytes:
    """The 32 random bytes of this name, the same for every instance; `connection` may write."""
    asked = sa.select(secrets.c.value).where(secrets.c.name == name)
    found = connection.execute(asked).scalar()
    if found is not None:
        return bytes(found)
    value = random.token_bytes(32)
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(secrets), {"name": name, "value": value})
    except IntegrityError:  # another instance was faster
        return bytes(connection.execute(asked).scalar_one())
    return value
