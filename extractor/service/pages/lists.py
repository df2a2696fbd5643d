"""Queue, documents, overview: the pages over many reports."""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request, Response

from extractor.form import FORM, TABLES
from extractor.review.doubt import table_of
from extractor.service.api.problems import Problem
from extractor.service.api.security import Caller, needs
from extractor.service.database import extractions as stored
from extractor.service.database import listing, overview, review_queue
from extractor.service.database.tables import extractions, failures, reports
from extractor.service.pages import charts
from extractor.service.pages.findings import rule_words
from extractor.service.pages.html import PageRoute, render
from extractor.service.pages.tables import doubtful_cell
from extractor.service.pages.words import Words, language_of, words_of
from extractor.service.state import Service, service_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)
Serving = Annotated[Service, Depends(service_of)]
Reader = Annotated[Caller, Depends(needs("read"))]

VERDICTS = ("verified", "reconciled", "inconsistent", "needs_review", "failed")
STATES = ("queued", "running", "waiting", "done", "failed")
BLAMES = ("source", "extraction", "undecided")
PAGE = 25  # rows of a list
BODIES = 60  # rows of the coverage matrix
_MOST_PACKED = 300_000  # bytes of a result, packed, that a list opens to name cells
_NAMED = 3  # cells and rules that a row of the queue names

Text = Annotated[str | None, Query(max_length=200)]


def _year(value: str | None) -> int | None:
    return int(value) if value and value.isascii() and value.isdigit() and len(value) == 4 else None


def _plain(**asked: Any) -> dict[str, Any]:
    """What of a query is set."""
    return {name: value for name, value in asked.items() if value not in (None, "")}


# ------------------------------------------------------------------------------------------------ queue


@router.get("/review")
def queue(
    request: Request, service: Serving, caller: Reader, table: Text = None, verdict: Text = None, year: Text = None,
    organization: Text = None, province: Text = None, rule: Text = None, after: Text = None,
) -> Response:  # fmt: skip
    """The doubtful tables, worst first."""
    words = words_of(language_of(request))
    asked = _plain(table=table, verdict=verdict, year=year, organization=organization, province=province, rule=rule)
    filters = review_queue.Filters(**{**asked, **({"year": _year(year)} if "year" in asked else {})})
    with service.database.read() as connection:
        found = review_queue.page(connection, filters, _cursor(after), PAGE + 1)
        rows = found[:PAGE]
        values = {
            "rows": [_queued(row, why, words) for row, why in zip(rows, _why(connection, rows), strict=True)],
            "open": sum(review_queue.counts(connection, filters).values()),
            "progress": overview.progress(connection, overview.Filters()),
            "any": connection.execute(sa.select(reports.c.number).limit(1)).first() is not None,
            "years": _distinct(connection, reports.c.year),
            "provinces": _distinct(connection, reports.c.province),
        }
    more = len(found) > PAGE
    return render(
        request, "queue.html", 200, **values, asked=asked, tables=TABLES, verdicts=VERDICTS,
        first=asked if after else None, can_submit=caller.may("submit"), max_body=service.settings.max_body,
        following={**asked, "after": _mark(review_queue.cursor_of(rows[-1]))} if more else None,
        section_words={section.key: section.label for section in FORM.sections},
    )  # fmt: skip


def _mark(cursor: review_queue.Cursor) -> str:
    return "~".join(map(str, cursor))


def _cursor(mark: str | None) -> review_queue.Cursor | None:
    parts = (mark or "").split("~")
    try:
        return float(parts[0]), parts[1], int(parts[2]), parts[3]
    except (ValueError, IndexError):
        return None


def _distinct(connection: sa.Connection, column: sa.Column[Any]) -> list[Any]:
    """The values that there are, for a choice; at most as many as a person reads."""
    asked = sa.select(column).where(column.is_not(None), reports.c.current).distinct().order_by(column).limit(60)
    return list(connection.execute(asked).scalars())


def _why(connection: sa.Connection, rows: Sequence[Any]) -> list[tuple[list[str], list[str]]]:
    """For each row the first cells in doubt and the first hard rules that fail."""
    ids = {row.extraction for row in rows}
    size = sa.func.length(extractions.c.lines)
    asked = sa.select(extractions.c.id, extractions.c.lines).where(extractions.c.id.in_(ids), size < _MOST_PACKED)
    lines = {row.id: json.loads(zlib.decompress(row.lines)) for row in connection.execute(asked)}
    broken: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    hard = failures.c.extraction.in_(ids), failures.c.severity == "error"
    for failed in connection.execute(sa.select(failures).where(*hard).order_by(failures.c.ordinal).limit(5_000)):
        broken[failed.extraction, failed.number].append(failed.rule)
    found = []
    for row in rows:
        held = lines.get(row.extraction)
        line = held[row.number - 1] if held and row.number <= len(held) else None
        cells = [] if line is None else [
            cell["path"] for cell in line["cells"]
            if table_of(cell["path"]) == row.table_key and doubtful_cell(cell, row.verdict)
        ]  # fmt: skip
        mine = () if line is None else {
            finding["rule"] for finding in line["findings"]
            if finding["cells"] and table_of(finding["cells"][0]) == row.table_key
        }  # fmt: skip
        rules = [rule for rule in broken[row.extraction, row.number] if line is None or rule in mine]
        found.append((cells, rules))
    return found


def _queued(row: Any, why: tuple[list[str], list[str]], words: Words) -> dict[str, Any]:
    cells, rules = why
    return {
        "row": row,
        "verdict": row.reviewed_verdict or row.verdict,
        "table": next(f"{s.ordinal}、{s.label}" for s in FORM.sections if s.key == row.table_key),
        "cells": [FORM.words(path) for path in cells[:_NAMED]],
        "rules": list(dict.fromkeys(rule_words(rule, words) for rule in rules))[:_NAMED],
        "address": f"/review/{row.extraction}/{row.number}#in-{row.table_key}",
    }


# ------------------------------------------------------------------------------------------------ documents


@router.get("/documents")
def documents_page(
    request: Request, service: Serving, caller: Reader, state: Text = None, verdict: Text = None, year: Text = None,
    organization: Text = None, before: Text = None,
) -> Response:  # fmt: skip
    """All extractions, newest first."""
    asked = _plain(state=state, verdict=verdict, year=year, organization=organization)
    filters = listing.Filters(**{**asked, **({"year": _year(year)} if "year" in asked else {})})
    with service.database.read() as connection:
        found = listing.page(connection, filters, before or None, PAGE + 1)
        rows = found[:PAGE]
        names = _names(connection, [row.id for row in rows])
    following = {**asked, "before": rows[-1].id} if len(found) > PAGE else None
    return render(
        request, "documents.html", 200, rows=[{"row": row, **names.get(row.id, _NAMELESS)} for row in rows],
        asked=asked, states=STATES, verdicts=VERDICTS, first=asked if before else None, following=following,
        can_submit=caller.may("submit"), max_body=service.settings.max_body,
    )  # fmt: skip


_NAMELESS: Mapping[str, Any] = {"organization": None, "year": None, "reports": 0}


def _names(connection: sa.Connection, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The first report of each, and how many there are."""
    asked = sa.select(reports.c.extraction, reports.c.organization, reports.c.year)
    first = connection.execute(asked.where(reports.c.extraction.in_(ids), reports.c.number == 1)).all()
    counted = sa.select(reports.c.extraction, sa.func.count()).where(reports.c.extraction.in_(ids))
    among = {row[0]: row[1] for row in connection.execute(counted.group_by(reports.c.extraction))}
    return {
        row.extraction: {"organization": row.organization, "year": row.year, "reports": among[row.extraction]}
        for row in first
    }


@router.get("/documents/{extraction}")
def document_page(request: Request, extraction: str, service: Serving, caller: Reader) -> Response:
    """Where an extraction stands, and its reports."""
    with service.database.read() as connection:
        head = stored.head(connection, extraction)
        if head is None:
            raise Problem("not_found", f"There is no extraction {extraction}.", "Look at the list of documents.")
        asked = sa.select(reports).where(reports.c.extraction == extraction).order_by(reports.c.number)
        held = connection.execute(asked.limit(BODIES + 1)).all()
        packed = stored.lines(connection, extraction) if len(held) == 1 and held[0].verdict == "failed" else None
    error = json.loads(head.error) if head.error else None
    if error is None and packed is not None:
        error = json.loads(packed)[0]["error"]
    return render(
        request, "document.html", 200, head=head, error=error, reports=held[:BODIES], more=len(held) > BODIES,
        unfinished=head.state in stored.OPEN,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------ overview


@router.get("/overview")
def overview_page(
    request: Request, service: Serving, caller: Reader, year: Text = None, organization: Text = None,
    province: Text = None, offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Response:  # fmt: skip
    """Figures over everything, as plots."""
    words = words_of(language_of(request))
    asked = _plain(year=year, organization=organization, province=province)
    filters = overview.Filters(**{**asked, **({"year": _year(year)} if "year" in asked else {})})
    with service.database.read() as connection:
        by_year = overview.verdicts(connection, "year", filters)
        by_body = overview.verdicts(connection, "organization", filters, 20)
        by_province = overview.verdicts(connection, "province", filters, 20)
        coverage = overview.coverage(connection, filters, BODIES, offset)
        failed = overview.rules(connection, filters, 10_000)
        progress = overview.progress(connection, filters)
        cost = overview.model_cost(connection, 60)
        totals = overview.totals(connection, filters)
        bodies = connection.execute(
            sa.select(sa.func.count(sa.distinct(reports.c.organization))).where(*filters.clauses())
        ).scalar_one()
        years, provinces = _distinct(connection, reports.c.year), _distinct(connection, reports.c.province)
    unknown = words("overview.unknown")
    rules = [one for one in failed if one["severity"] == "error"][:20]
    remarks = [one for one in failed if one["severity"] != "error"][:20]
    progressing = [
        (section, {"settled": one["settled"], "open": one["doubtful"] - one["settled"]})
        for one in progress
        for section in [next(s.label for s in FORM.sections if s.key == one["table"])]
    ]
    return render(
        request, "overview.html", 200, asked=asked, years=years, provinces=provinces, totals=totals, verdicts=VERDICTS,
        by_year=_verdict_bars(by_year, unknown), by_body=_verdict_bars(by_body, unknown), bodies=bodies,
        by_province=_verdict_bars([one for one in by_province if one["key"] is not None], unknown),
        coverage=coverage, offset=offset,
        earlier={**asked, "offset": max(0, offset - BODIES)} if offset else None,
        following={**asked, "offset": offset + BODIES} if offset + BODIES < coverage["total"] else None,
        rules=charts.bars([(one["rule"], one["blame"]) for one in rules], BLAMES),
        remarks=charts.bars([(one["rule"], one["blame"]) for one in remarks], BLAMES),
        rule_meanings={one["rule"]: rule_words(one["rule"], words) for one in rules + remarks},
        progress=charts.bars(progressing, ("settled", "open")), cost=cost,
        calls=charts.columns([(one["day"], one["calls"]) for one in cost]),
        costs=charts.columns([(one["day"], one["cost"] or 0) for one in cost]),
    )  # fmt: skip


def _verdict_bars(rows: Sequence[Mapping[str, Any]], unknown: str) -> charts.Bars:
    return charts.bars(
        [(str(one["key"]) if one["key"] is not None else unknown, one["verdicts"]) for one in rows], VERDICTS
    )
