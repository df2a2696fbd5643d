"""The steps lead to the very tables that the service works with, on both back ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from postgres import installed, postgres

from extractor.service.database.engine import Database, open_database
from extractor.service.database.tables import metadata
from extractor.service.settings import Settings


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    if request.param == "sqlite":
        made = open_database(Settings(data=tmp_path_factory.mktemp("data")))
        yield made
        made.close()
        return
    if not installed():
        pytest.skip("PostgreSQL's server (initdb, pg_ctl) is not installed")
    with postgres() as server:
        made = open_database(Settings(database_url=server.database()))
        yield made
        made.close()


def made_of(engine: sa.Engine) -> dict[str, str]:
    """Every table and index as the back end tells of it; what Alembic does not compare (order of an index, its
    condition, what a foreign key does on deleting) is in here."""
    if engine.dialect.name == "sqlite":
        asked = "select name, sql from sqlite_master where type in ('table', 'index') and sql is not null"
    else:
        asked = """
            select indexname, indexdef from pg_indexes where schemaname = current_schema()
            union all select conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) from pg_constraint
            where connamespace = current_schema()::regnamespace
            union all select table_name || '.' || column_name, data_type || is_nullable || coalesce(column_default, '')
            from information_schema.columns where table_schema = current_schema()
        """
    with engine.connect() as connection:
        found = connection.exec_driver_sql(asked).all()
    return {name: " ".join(told.split()) for name, told in found if "alembic_version" not in name}


def test_the_steps_make_the_tables_of_the_code(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_steps_make_them_to_the_letter(database: Database) -> None:
    """As `create_all` would: what one test of tables.py says of them holds for a database that was upgraded."""
    stepped = made_of(database.engine)
    assert len(stepped) > 20
    with database.write() as connection:
        metadata.drop_all(connection)
        metadata.create_all(connection)
    assert made_of(database.engine) == stepped


def test_no_step_is_made_of_the_tables_of_today() -> None:
    """Else a change of tables.py would change what an old database was brought to."""
    for step in (Path(__file__).parents[1] / "extractor/service/migrations/versions").glob("s*.py"):
        assert "extractor" not in step.read_text(encoding="utf-8").replace("database/tables.py", ""), step.name
