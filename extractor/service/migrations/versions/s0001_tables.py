"""The first tables; decisions and the audit can only be appended to."""

from __future__ import annotations

from alembic import op

from extractor.service.database.tables import metadata

revision = "0001"
down_revision = None

_SQLITE = """
create trigger {table}_unchanged before update on {table}
begin select raise(abort, '{table} are only appended to'); end
"""
_POSTGRES = """
create function {table}_unchanged() returns trigger language plpgsql as $$
begin raise exception '{table} are only appended to'; end $$;
create trigger {table}_unchanged before update on {table} for each row execute function {table}_unchanged();
"""


def upgrade() -> None:
    """Deleting stays possible: whoever deletes a document deletes what hangs on it."""
    connection = op.get_bind()
    metadata.create_all(connection)
    words = _SQLITE if connection.dialect.name == "sqlite" else _POSTGRES
    for table in ("decisions", "audit"):
        connection.exec_driver_sql(words.format(table=table))
