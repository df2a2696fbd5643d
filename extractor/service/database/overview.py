"""Figures over all that was read and reviewed, for the overview. Only current extractions count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import sqlalchemy as sa

from extractor.service.database.tables import decisions, extractions, failures, report_tables, reports

By = Literal["year", "province", "organization"]
_VERDICT = sa.func.coalesce(reports.c.reviewed_verdict, reports.c.verdict)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which reports count; None asks nothing. `organization` is a part of the name."""

    year: int | None = None
    organization: str | None = None
    province: str | None = None

    def clauses(self) -> list[sa.ColumnElement[bool]]:
        """On the columns of `reports`."""
        found: list[sa.ColumnElement[bool]] = [reports.c.current]
        if self.year is not None:
            found.append(reports.c.year == self.year)
        if self.province is not None:
            found.append(reports.c.province == self.province)
        if self.organization is not None:
            found.append(reports.c.organization.contains(self.organization, autoescape=True))
        return found


def totals(connection: sa.Connection, filters: Filters) -> dict[str, dict[str, int]]:
    """Reports by verdict: `machine` as gouji read them, `reviewed` with the reviewers' decisions."""
    mine = filters.clauses()
    asked = {"machine": reports.c.verdict, "reviewed": _VERDICT}
    return {
        name: {
            row[0]: row[1]
            for row in connection.execute(sa.select(verdict, sa.func.count()).where(*mine).group_by(verdict))
        }
        for name, verdict in asked.items()
    }


def verdicts(connection: sa.Connection, by: By, filters: Filters, limit: int = 60) -> list[dict[str, Any]]:
    """Reports by verdict (with the decisions), grouped: [{"key", "verdicts", "reports"}].

    Years in order; provinces and bodies with most reports first. `key` null: not known.
    """
    column = reports.c[by]
    counted = sa.func.count()
    keys = sa.select(column, counted).where(*filters.clauses()).group_by(column)
    keys = keys.order_by(column) if by == "year" else keys.order_by(counted.desc(), column)
    found = {
        row[0]: {"key": row[0], "verdicts": {}, "reports": row[1]} for row in connection.execute(keys.limit(limit))
    }
    asked = (
        sa.select(column, _VERDICT, counted)
        .where(*filters.clauses(), _one_of(column, found))
        .group_by(column, _VERDICT)
    )
    for key, verdict, count in connection.execute(asked):
        found[key]["verdicts"][verdict] = count
    return list(found.values())


def coverage(connection: sa.Connection, filters: Filters, limit: int = 60, offset: int = 0) -> dict[str, Any]:
    """Which body has a report of which year, and how good: {"years", "bodies": [{"organization", "years": {year:
    verdict}}], "total"}. Of several reports of one body and year the best verdict counts."""
    named = [*filters.clauses(), reports.c.organization.is_not(None), reports.c.year.is_not(None)]
    bodies = sa.select(reports.c.organization).where(*named).group_by(reports.c.organization)
    total = connection.execute(sa.select(sa.func.count()).select_from(bodies.subquery())).scalar_one()
    shown = connection.execute(bodies.order_by(reports.c.organization).limit(limit).offset(offset)).scalars().all()
    years = connection.execute(sa.select(reports.c.year).where(*named).distinct().order_by(reports.c.year)).scalars()
    cells: dict[str, dict[int, str]] = {name: {} for name in shown}
    asked = sa.select(reports.c.organization, reports.c.year, _VERDICT).where(*named, reports.c.organization.in_(shown))
    for name, year, verdict in connection.execute(asked.distinct()):
        before = cells[name].get(year)
        if before is None or _BEST.index(verdict) < _BEST.index(before):
            cells[name][year] = verdict
    return {
        "years": list(years),
        "bodies": [{"organization": name, "years": cells[name]} for name in shown],
        "total": total,
    }


_BEST = ("verified", "reconciled", "inconsistent", "needs_review", "failed")


def rules(connection: sa.Connection, filters: Filters, limit: int = 40) -> list[dict[str, Any]]:
    """Rules that failed in the machine's reading, those of most reports first: [{"rule", "severity", "reports",
    "blame": {blame: reports}}]."""
    mine = (failures.c.extraction == reports.c.extraction) & (failures.c.number == reports.c.number)
    failed = sa.func.count(sa.distinct(failures.c.extraction + sa.literal("/") + sa.cast(failures.c.number, sa.Text)))
    asked = (
        sa.select(failures.c.rule, failures.c.severity, failures.c.blame, failed)
        .join(reports, mine)
        .where(*filters.clauses())
        .group_by(failures.c.rule, failures.c.severity, failures.c.blame)
    )
    found: dict[str, dict[str, Any]] = {}
    for rule, severity, blame, count in connection.execute(asked):
        one = found.setdefault(rule, {"rule": rule, "severity": severity, "reports": 0, "blame": {}})
        one["reports"] += count
        one["blame"][blame] = one["blame"].get(blame, 0) + count
    return sorted(found.values(), key=lambda one: (-one["reports"], one["rule"]))[:limit]


def model_cost(connection: sa.Connection, days: int = 366) -> list[dict[str, Any]]:
    """What the model stage cost, by the day (UTC) that extractions finished: [{"day", "calls", "prompt_tokens",
    "completion_tokens", "cost"}]; `cost` is an exact decimal in US dollars, null where no price is known."""
    day = sa.func.substr(extractions.c.finished, 1, 10)
    asked = (
        sa.select(
            day, extractions.c.calls, extractions.c.prompt_tokens, extractions.c.completion_tokens, extractions.c.cost
        )
        .where(extractions.c.calls > 0, extractions.c.finished.is_not(None))
        .order_by(day)
    )
    found: dict[str, dict[str, Any]] = {}
    costs: defaultdict[str, list[Decimal]] = defaultdict(list)
    for at, calls, prompt, completion, cost in connection.execute(asked):
        one = found.setdefault(at, {"day": at, "calls": 0, "prompt_tokens": 0, "completion_tokens": 0, "cost": None})
        one["calls"] += calls
        one["prompt_tokens"] += prompt
        one["completion_tokens"] += completion
        if cost is not None:
            costs[at].append(Decimal(cost))
    for at, all_ in costs.items():
        found[at]["cost"] = format(sum(all_, Decimal()), "f")
    return list(found.values())[-days:]


def progress(connection: sa.Connection, filters: Filters) -> list[dict[str, Any]]:
    """How far the review is, by table: [{"table", "tables", "doubtful", "settled", "reviewed"}]: all, those the machine
    left to a person, those of them that are settled, those that a decision speaks of."""
    mine = (report_tables.c.extraction == reports.c.extraction) & (report_tables.c.number == reports.c.number)
    doubtful = report_tables.c.doubt > 0
    asked = (
        sa.select(
            report_tables.c.table_key,
            sa.func.count(),
            _count(doubtful),
            _count(doubtful & report_tables.c.settled),
            _count(report_tables.c.reviewed_verdict.is_not(None)),
        )
        .join(reports, mine)
        .where(*filters.clauses())
        .group_by(report_tables.c.table_key)
    )
    names = ("table", "tables", "doubtful", "settled", "reviewed")
    return [dict(zip(names, row, strict=True)) for row in connection.execute(asked)]


def decided(connection: sa.Connection, days: int = 366) -> list[dict[str, Any]]:
    """Decisions by day (UTC), reviewer and action: [{"day", "who", "action", "decisions"}], the newest days."""
    day = sa.func.substr(decisions.c.at, 1, 10)
    names = ("day", "who", "action", "decisions")
    asked = sa.select(day, decisions.c.who, decisions.c.action, sa.func.count())
    asked = asked.group_by(day, decisions.c.who, decisions.c.action).order_by(day.desc(), decisions.c.who)
    rows = [dict(zip(names, row, strict=True)) for row in connection.execute(asked)]
    shown: Sequence[str] = list(dict.fromkeys(row["day"] for row in rows))[:days]
    return [row for row in reversed(rows) if row["day"] in set(shown)]


def _count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)


def _one_of(column: sa.Column[Any], keys: dict[Any, Any]) -> sa.ColumnElement[bool]:
    known = [key for key in keys if key is not None]
    clause: sa.ColumnElement[bool] = column.in_(known)
    return sa.or_(clause, column.is_(None)) if None in keys else clause
