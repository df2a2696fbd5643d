"""The statements that run for every document, built once: to build one takes longer than to run it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from extractor.service.database.tables import documents, extractions, failures, report_tables, reports

OPEN = ("queued", "running", "waiting")
FINAL = ("done", "failed")
SUSPECT = 4  # a document at which the service died so often is read alone: then it is known which one it dies of

_x = extractions.c
_of: sa.BindParameter[Any] = sa.bindparam("of")
_at: sa.BindParameter[Any] = sa.bindparam("at")
_open = sa.or_(*(_x.state == state for state in OPEN))

# What is accepted
KNOWN = sa.select(_x.id, _x.state, _x.round).where(_x.fingerprint == sa.bindparam("mark"))
WAITING = sa.select(sa.func.count()).select_from(extractions).where(_x.state == "queued")
# By dialect: ON CONFLICT is in the same words in both, and of a class of its own in SQLAlchemy.
_INSERTS: dict[str, Callable[[sa.Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
KEEP_DOCUMENT = {
    name: insert(documents).on_conflict_do_nothing(index_elements=["sha256"]) for name, insert in _INSERTS.items()
}
KEEP_EXTRACTION = {
    name: insert(extractions).on_conflict_do_nothing(index_elements=["fingerprint"]).returning(_x.id)
    for name, insert in _INSERTS.items()
}

# What is read
CLAIM = (
    sa.update(extractions)
    .where(_x.id == _of, _open)
    .values(
        state="running",
        instance=sa.bindparam("by"),
        # Those of a suspect are counted when it is read alone (open_work.alone).
        attempts=_x.attempts + sa.case((_x.attempts < SUSPECT, 1), else_=0),
        started=sa.func.coalesce(_x.started, _at),
        retry_at=None,
    )
    .returning(*(column for column in _x if column.name != "lines"))
)
BYTES = sa.select(documents.c.bytes).where(documents.c.sha256 == _of)

# What came of it; the columns are the keys of the parameters.
END = sa.update(extractions).where(_x.id == _of, _open).values(retry_at=None).returning(_x.document)
KEEP_TEXT = sa.update(documents).where(documents.c.sha256 == _of)
NO_LONGER_CURRENT = sa.update(reports).where(reports.c.document == _of, reports.c.current).values(current=False)
KEEP_REPORTS = sa.insert(reports)
KEEP_TABLES = sa.insert(report_tables)
KEEP_FAILURES = sa.insert(failures)

# What is told
HEAD = tuple(column for column in _x if column.name not in ("lines", "given", "fingerprint"))
HEAD_OF = sa.select(*HEAD).where(_x.id == _of)
RESULT_OF = sa.select(*HEAD, _x.lines).where(_x.id == _of)
LINES_OF = sa.select(_x.lines).where(_x.id == _of)
STATE_OF = sa.select(_x.state).where(_x.id == _of)
