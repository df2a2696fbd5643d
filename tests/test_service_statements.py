"""What the service asks its database at every request: the same on both kinds, and by an index where it grows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from extractor.service.database import extractions, listing, open_work, statements
from extractor.service.database.engine import Database
from extractor.service.database.extractions import Submission
from extractor.service.database.listing import Filters
from extractor.service.database.tables import documents
from extractor.service.work.reading import outcome_of

DIALECTS = {"sqlite": sqlite.dialect(), "postgresql": postgresql.dialect()}
# No index helps with a part of a name, and ids sort as `created` does.
QUICK = [
    Filters(),
    Filters(state="queued"),
    Filters(state="done"),
    Filters(verdict="verified"),
    Filters(document="0" * 64),
    Filters(year=2024),
    Filters(batch="b_0"),
]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('statements') / 'service.db'}")
    database.migrate()
    yield database
    database.close()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("keep", [statements.KEEP_DOCUMENT, statements.KEEP_EXTRACTION], ids=["document", "extraction"])
def test_both_databases_are_told_to_leave_what_is_there(keep: dict[str, Any], dialect: str) -> None:
    said = str(keep[dialect].compile(dialect=DIALECTS[dialect]))
    assert "ON CONFLICT" in said
    assert "DO NOTHING" in said


@pytest.fixture
def plans(database: Database) -> Iterator[list[str]]:
    """The plan of every SELECT that is run meanwhile, step by step."""
    found: list[str] = []

    def explain(connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if statement.startswith("SELECT"):
            raw = connection.connection.driver_connection
            found.extend(row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    sa.event.listen(database.engine, "before_cursor_execute", explain)
    yield found
    sa.event.remove(database.engine, "before_cursor_execute", explain)


@pytest.mark.parametrize("filters", QUICK, ids=str)
@pytest.mark.parametrize("before", [None, f"x_{7:026x}"], ids=["first page", "a later page"])
def test_a_page_of_extractions_is_read_in_the_order_of_an_index(
    database: Database, plans: list[str], filters: Filters, before: str | None
) -> None:
    with database.read() as connection:
        listing.page(connection, filters, before, 50)
    assert plans
    few = filters.document is not None  # a document has few extractions: they may be sorted
    for step in plans:
        assert few or "TEMP B-TREE FOR ORDER BY" not in step, plans
        assert not step.startswith("SCAN reports"), plans
        assert not step.startswith("SCAN") or "USING" in step, plans


def test_what_a_year_has_is_looked_up_once(database: Database, plans: list[str]) -> None:
    """Asked for each extraction, a year of ten thousand reports would be gone through as often as there are rows."""
    with database.read() as connection:
        listing.page(connection, Filters(year=2024), None, 50)
    assert any("LIST SUBQUERY" in step for step in plans), plans
    assert not any("CORRELATED" in step for step in plans), plans


@pytest.mark.parametrize("ask", [extractions.waiting, open_work.due, lambda c: open_work.unfinished(c, "2027")])
def test_what_is_left_to_do_is_found_by_its_state(database: Database, plans: list[str], ask: Any) -> None:
    with database.read() as connection:
        ask(connection)
    assert plans
    assert all("extractions_state" in step for step in plans if "extractions" in step), plans


def test_one_content_is_one_extraction_however_it_comes(database: Database) -> None:
    """The statements of a document's way, in their order: accepted, claimed, finished, told."""
    submission = Submission("没有表格的一页。".encode(), "a.txt")
    with database.write() as connection:
        first = extractions.submit(connection, submission, 10)
        again = extractions.submit(connection, submission, 10)
    assert first.created
    assert (again.id, again.created) == (first.id, False)
    with database.write() as connection:
        job = extractions.claim(connection, first.id, "one")
        assert job is not None
        assert (job.data, job.attempts) == (submission.data, 1)
        taken = extractions.claim(connection, first.id, "two")
        assert taken is not None
        assert taken.attempts == 2
    outcome = outcome_of([], "没有表格的一页。")
    with database.write() as connection:
        assert extractions.finish(connection, first.id, outcome)
        assert not extractions.finish(connection, first.id, outcome)
        assert extractions.claim(connection, first.id, "one") is None
    with database.read() as connection:
        head, lines = extractions.result(connection, first.id)
        assert head is not None
        assert (head.state, lines) == ("done", b"[]")
        assert extractions.state(connection, first.id) == "done"
        assert extractions.state(connection, "x_0") is None
        kept = connection.execute(sa.select(documents.c.size)).scalars().all()
    assert kept == [len(submission.data)]
