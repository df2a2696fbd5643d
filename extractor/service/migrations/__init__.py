"""The service's tables over its versions, by Alembic; `versions/` holds one module a step."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from extractor.errors import StoreError

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from sqlalchemy import Connection

    from extractor.service.database.engine import Database


def difference(connection: Connection) -> str | None:
    """What is wrong with the tables' step; None where they are as this gouji needs them."""
    step = connection.exec_driver_sql("select version_num from alembic_version").scalar()
    head = _script().get_current_head()
    return None if step == head else f"The tables are at step {step}; this gouji needs {head}."


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@lru_cache(maxsize=1)
def _script() -> ScriptDirectory:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config())


def upgrade(database: Database) -> None:
    """Brings the tables up to date, one process at a time. Errors: StoreError where a newer gouji made them."""
    from alembic import command
    from alembic.runtime.migration import MigrationContext

    script = _script()
    with database.write() as connection:
        if not database.embedded:
            connection.exec_driver_sql("select pg_advisory_xact_lock(7215)")
        now = MigrationContext.configure(connection).get_current_revision()
        if now == script.get_current_head():
            return
        if now is not None and now not in {step.revision for step in script.walk_revisions()}:
            raise StoreError(
                "newer_database", f"A newer gouji made this database (step {now}).", "Install that version or a later."
            )
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
