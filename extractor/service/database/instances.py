"""Which instances of the service work on one PostgreSQL, by signs of life; times are the database's own."""

from __future__ import annotations

import sqlalchemy as sa

from extractor.service.database.tables import instances
from extractor.service.ids import now

FORGOTTEN = 86400.0  # seconds without a sign of life after which a name is dropped
_LOCKS = 7216  # advisory locks of instances' names
# As `ids.stamp` writes it.
_MOMENT = """
select to_char(clock_timestamp() at time zone 'UTC' - make_interval(secs => :ago), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
"""


def lock(connection: sa.Connection, name: str) -> bool:
    """Takes a name for as long as the connection lives; false where another process has it. PostgreSQL only."""
    asked = sa.text("select pg_try_advisory_lock(:space, hashtext(:name))")
    return bool(connection.execute(asked, {"space": _LOCKS, "name": name}).scalar())


def unlock(connection: sa.Connection, name: str) -> None:
    """Gives a name back."""
    asked = sa.text("select pg_advisory_unlock(:space, hashtext(:name))")
    connection.execute(asked, {"space": _LOCKS, "name": name})


def beat(connection: sa.Connection, name: str) -> None:
    """A sign of life; the first one enters the instance."""
    stamp = _moment(connection)
    seen = connection.execute(sa.update(instances).where(instances.c.name == name).values(seen=stamp))
    if not seen.rowcount:
        # Names that never come back, as those of containers, do not pile up.
        connection.execute(sa.delete(instances).where(instances.c.seen < _moment(connection, FORGOTTEN)))
        connection.execute(sa.insert(instances).values(name=name, started=stamp, seen=stamp))


def enter(connection: sa.Connection, name: str) -> None:
    """A new start of an instance."""
    leave(connection, name)
    beat(connection, name)


def leave(connection: sa.Connection, name: str) -> None:
    """The instance ends, or was found dead."""
    connection.execute(sa.delete(instances).where(instances.c.name == name))


def fresh(connection: sa.Connection, seconds: float) -> set[str]:
    """The instances that gave a sign of life within so many seconds."""
    return set(
        connection.execute(sa.select(instances.c.name).where(instances.c.seen > _moment(connection, seconds))).scalars()
    )


def _moment(connection: sa.Connection, ago: float = 0.0) -> str:
    if connection.dialect.name == "sqlite":
        return now(-ago)
    return str(connection.execute(sa.text(_MOMENT), {"ago": ago}).scalar_one())
