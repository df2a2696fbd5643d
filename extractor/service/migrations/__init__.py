"""The service's tables over its versions, by Alembic; `versions/` holds one module a step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from extractor.errors import StoreError

if TYPE_CHECKING:
    from extractor.service.database.engine import Database


def upgrade(database: Database) -> None:
    """Brings the tables up to date, one process at a time. Errors: StoreError where a newer gouji made them."""
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
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
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
