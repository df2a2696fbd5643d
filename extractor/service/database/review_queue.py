"""What is left for reviewers: tables that are not settled, worst first.

A table keeps its place while its report is being reviewed (its `doubt` is the machine's) and leaves when it is settled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from extractor.service.database.tables import extractions, failures, report_tables, reports


@dataclass(frozen=True, slots=True)
class Filters:
    """What a table must be to be shown; None asks nothing. `verdict`: as it stands with the decisions; `organization`:
    a part of the name; `rule`: a failed rule's code, or the beginning of one up to a dot."""

    table: str | None = None
    verdict: str | None = None
    year: int | None = None
    organization: str | None = None
    province: str | None = None
    rule: str | None = None

    def clauses(self) -> list[sa.ColumnElement[bool]]:
        """On `report_tables` joined with `reports`."""
        asked = [
            (self.table, report_tables.c.table_key == self.table),
            (self.verdict, sa.func.coalesce(report_tables.c.reviewed_verdict, report_tables.c.verdict) == self.verdict),
            (self.year, reports.c.year == self.year),
            (self.province, reports.c.province == self.province),
        ]
        found = [clause for value, clause in asked if value is not None]
        if self.organization is not None:
            found.append(reports.c.organization.contains(self.organization, autoescape=True))
        if self.rule is not None:
            of_report = failures.c.extraction == reports.c.extraction, failures.c.number == reports.c.number
            below = failures.c.rule.startswith(f"{self.rule}.", autoescape=True)
            found.append(sa.exists().where(*of_report, sa.or_(failures.c.rule == self.rule, below)))
        return found


# The first condition is that of the index.
_OPEN = (report_tables.c.settled == sa.false(), reports.c.current)
_MINE = (report_tables.c.extraction == reports.c.extraction) & (report_tables.c.number == reports.c.number)
_ORDER = (report_tables.c.doubt.desc(), report_tables.c.extraction, report_tables.c.number, report_tables.c.table_key)
Cursor = tuple[float, str, int, str]


def page(
    connection: sa.Connection, filters: Filters, after: Cursor | None = None, limit: int = 50
) -> Sequence[sa.Row[Any]]:
    """At most so many open tables behind `after` (`cursor_of` the last one seen), with what names their report."""
    asked = (
        sa.select(
            report_tables, reports.c.organization, reports.c.year, reports.c.province, reports.c.form,
            reports.c.document, reports.c.verdict.label("report_verdict"), extractions.c.source,
        )
        .join(reports, _MINE)
        .join(extractions, extractions.c.id == reports.c.extraction)
        .where(*_OPEN, *filters.clauses())
        .order_by(*_ORDER)
        .limit(limit)
    )  # fmt: skip
    if after is not None:
        doubt, *rest = after
        behind = sa.tuple_(*_KEY) > sa.tuple_(*(sa.literal(value) for value in rest))
        lower = report_tables.c.doubt < doubt
        asked = asked.where(report_tables.c.doubt <= doubt, sa.or_(lower, behind))
    return connection.execute(asked).all()


_KEY = (report_tables.c.extraction, report_tables.c.number, report_tables.c.table_key)


def cursor_of(row: sa.Row[Any]) -> Cursor:
    """Where a row stands in the queue."""
    return row.doubt, row.extraction, row.number, row.table_key


def counts(connection: sa.Connection, filters: Filters) -> dict[str, int]:
    """How many tables are open, by table."""
    asked = (
        sa.select(report_tables.c.table_key, sa.func.count())
        .join(reports, _MINE)
        .where(*_OPEN, *filters.clauses())
        .group_by(report_tables.c.table_key)
    )
    return {row[0]: row[1] for row in connection.execute(asked)}


def following(connection: sa.Connection, extraction: str, number: int) -> sa.Row[Any] | None:
    """The worst open table of another report: where a reviewer goes on."""
    other = sa.or_(report_tables.c.extraction != extraction, report_tables.c.number != number)
    asked = sa.select(report_tables).join(reports, _MINE).where(*_OPEN, other).order_by(*_ORDER).limit(1)
    return connection.execute(asked).one_or_none()
