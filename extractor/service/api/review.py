"""`/v1/review`: what the machine could not prove, settled by people; `/v1/overview`: figures over it all."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from extractor.export.jsonl import dump
from extractor.results import Verdict
from extractor.review.decisions import Decision, OutdatedError, ReviewError
from extractor.service.api.described import problems
from extractor.service.api.extractions import result_of
from extractor.service.api.problems import Problem
from extractor.service.api.review_schemas import (
    Decided,
    Overview,
    ProposalBody,
    QueuePage,
    ReviewedDocument,
    ReviewState,
    TableKey,
)
from extractor.service.api.security import Caller, needs
from extractor.service.database import audit, decisions, overview, review_queue
from extractor.service.database.decisions import Looked
from extractor.service.database.gold import GoldFilters, gold_zip
from extractor.service.state import Service, service_of

router = APIRouter(prefix="/v1", tags=["review"])

Serving = Annotated[Service, Depends(service_of)]
Reader = Annotated[Caller, Depends(needs("read"))]
Reviewer = Annotated[Caller, Depends(needs("review"))]
Extraction = Annotated[str, Path(max_length=64, description="an extraction's id")]
Number = Annotated[int, Path(ge=1, le=100_000, description="the report in the document, from 1")]
Year = Annotated[int | None, Query(ge=1900, le=2200)]
Organization = Annotated[
    str | None, Query(max_length=200, pattern=r"^[^\x00-\x1f]+$", description="a part of the body's name")
]
Province = Annotated[str | None, Query(max_length=40, pattern=r"^[^\x00-\x1f]+$")]


_CURSOR = r"^[0-9]{1,6}\.[0-9]{1,4}~x_[0-9a-f]{26}~[1-9][0-9]{0,5}~(disclosure|requests|disputes)$"


@router.get("/review/queue", response_model=QueuePage, summary="What is left to review", responses=problems())
def queue(
    service: Serving, caller: Reader,
    table: Annotated[TableKey | None, Query()] = None,
    verdict: Annotated[Verdict | None, Query(description="as it stands with the decisions")] = None,
    year: Year = None,
    organization: Organization = None,
    province: Province = None,
    rule: Annotated[
        str | None, Query(max_length=160, pattern="^[a-z_.]+$", description="a failed rule's code, or its beginning")
    ] = None,
    cursor: Annotated[str | None, Query(pattern=_CURSOR, description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:  # fmt: skip
    """The tables that are not settled, worst first. A table keeps its place while its report is being reviewed."""
    asked = review_queue.Filters(table, verdict, year, organization, province, rule)
    with service.database.read() as connection:
        found = review_queue.page(connection, asked, _after(cursor), limit + 1)
        counts = review_queue.counts(connection, asked)
    items = [
        {
            "extraction": row.extraction,
            "number": row.number,
            "table": row.table_key,
            "verdict": row.verdict,
            "reviewed_verdict": row.reviewed_verdict,
            "doubtful_cells": row.doubtful_cells,
            "failed_rules": row.failed_rules,
            "doubt": row.doubt,
            "organization": row.organization,
            "year": row.year,
            "province": row.province,
            "form": row.form,
            "source": row.source,
        }
        for row in found[:limit]
    ]
    last = review_queue.cursor_of(found[limit - 1]) if len(found) > limit else None
    following = None if last is None else "~".join(map(str, last))
    return _json({"items": items, "open": counts, "next": following})


def _after(cursor: str | None) -> review_queue.Cursor | None:
    if cursor is None:
        return None
    doubt, extraction, number, table = cursor.split("~")
    return float(doubt), extraction, int(number), table


_GOLD: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "NAME.json and NAME.txt for each report.",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get(
    "/review/gold.zip", response_class=Response, summary="Reviewed reports as gold for `gouji eval`",
    responses=_GOLD | problems(),
)  # fmt: skip
def gold(
    request: Request, service: Serving, caller: Reader,
    year: Year = None,
    organization: Organization = None,
    province: Province = None,
    partial: Annotated[bool, Query(description='also reports with open tables: their cells are "?"')] = False,
) -> Response:  # fmt: skip
    """Every report on which a person decided and of which all three tables are settled, as a label with its text."""
    asked = GoldFilters(year, organization, province, partial)
    with service.database.write() as connection:
        request_id = getattr(request.state, "request_id", None)
        audit.record(connection, caller.id, "export", "gold.zip", request_id, partial=partial)
    headers = {"Content-Disposition": 'attachment; filename="gold.zip"', "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(gold_zip(service.database, asked), headers=headers, media_type="application/zip")


@router.get(
    "/review/{extraction}/{number}", response_model=ReviewState, summary="A report under review",
    responses=problems("not_found"),
)  # fmt: skip
def state(extraction: Extraction, number: Number, service: Serving, caller: Reader) -> Response:
    """The machine's line, the line with the decisions applied, and every decision that was ever made on it."""
    with service.database.read() as connection:
        looked = decisions.look(connection, extraction, number)
    if looked is None:
        raise _unknown(extraction, number)
    return _json(_state(looked))


_STANDS: dict[int | str, dict[str, Any]] = {200: {"model": Decided, "description": "It stands already."}}


@router.post(
    "/review/{extraction}/{number}/decisions", status_code=201, response_model=Decided, summary="Decide",
    responses=_STANDS | problems("not_found", "conflict", "not_decidable", "bad_request", "too_large"),
)  # fmt: skip
def decide(
    extraction: Extraction, number: Number, body: ProposalBody, request: Request, service: Serving, caller: Reviewer
) -> Response:
    """Appends a decision; 409 where somebody else decided in the same table after `after`, 422 where it is refused."""
    who = caller.name if caller.name == caller.id else f"{caller.name} ({caller.id})"
    request_id = getattr(request.state, "request_id", None)
    try:
        made, new, looked = decisions.decide(
            service.database, extraction, number, body.proposal(), who, caller.id, request_id
        )
    except OutdatedError as error:
        raise Problem("conflict", error.message, error.hint, cause=error.code) from None
    except ReviewError as error:
        if error.code == "not_found":
            raise _unknown(extraction, number) from None
        raise Problem("not_decidable", error.message, error.hint, cause=error.code) from None
    told = _state(looked)
    entry = next(one for one in told["decisions"] if one["id"] == made.id)
    return _json({"decision": entry, **told}, 201 if new else 200)


@router.get(
    "/extractions/{extraction}/reviewed", response_model=ReviewedDocument, summary="The result with the decisions",
    responses=problems("not_found", "not_finished", "extraction_failed"),
)  # fmt: skip
def reviewed_document(extraction: Extraction, service: Serving, caller: Reader) -> Response:
    """Each report of a document as the reviewers left it; where nothing was decided the machine's own line."""
    with service.database.read() as connection:
        found = decisions.all_lines(connection, extraction)
    if not found:
        result_of(service, extraction)  # says why there is none
        raise _unknown(extraction, 1)
    told = [
        {
            "number": one.number,
            "settled": one.reviewed.settled,
            "done": one.reviewed.done,
            "decisions": len(one.decisions),
            "stale": len(one.reviewed.stale),
            "line": one.reviewed.line,
        }
        for one in found
    ]
    return _json({"extraction": extraction, "newest": found[0].newest, "reports": told})


@router.get("/overview", response_model=Overview, summary="Figures over all results", responses=problems())
def figures(
    service: Serving, caller: Reader, year: Year = None, organization: Organization = None, province: Province = None,
    bodies: Annotated[int, Query(ge=1, le=1000, description="how many bodies at most")] = 60,
    offset: Annotated[int, Query(ge=0, le=10**6, description="the first body of the coverage")] = 0,
) -> Response:  # fmt: skip
    """Verdicts by year, province and body, the coverage of bodies and years, failed rules, what models cost, how far
    the review is."""
    asked = overview.Filters(year, organization, province)
    with service.database.read() as connection:
        told = {
            "totals": overview.totals(connection, asked),
            "years": overview.verdicts(connection, "year", asked),
            "provinces": overview.verdicts(connection, "province", asked),
            "organizations": overview.verdicts(connection, "organization", asked, bodies),
            "coverage": overview.coverage(connection, asked, bodies, offset),
            "rules": overview.rules(connection, asked),
            "model_cost": overview.model_cost(connection),
            "progress": overview.progress(connection, asked),
            "decisions": overview.decided(connection),
        }
    return _json(told)


def _state(looked: Looked) -> dict[str, Any]:
    stand = looked.standing

    def entry(decision: Decision, here: bool = True) -> dict[str, Any]:
        notes = looked.reviewed.notes.get(decision.id, []) if here else []
        return decision.to_json() | {"standing": here and decision.id in stand, "notes": notes}

    return {
        "extraction": looked.extraction,
        "number": looked.number,
        "among": looked.among,
        "source": looked.source,
        "text_sha256": looked.text_sha256,
        "newest": looked.newest,
        "last": looked.last,
        "line": looked.line,
        "reviewed": looked.reviewed.line,
        "decided": looked.reviewed.decided,
        "settled": looked.reviewed.settled,
        "done": looked.reviewed.done,
        "decisions": [entry(decision) for decision in looked.decisions],
        "stale": [decision.id for decision in looked.reviewed.stale],
        "earlier": [entry(decision, False) for decision in looked.earlier],
    }


def _unknown(extraction: str, number: int) -> Problem:
    shown = extraction if extraction.isidentifier() and extraction.isascii() else "of this name"
    return Problem(
        "not_found", f"There is no report {number} of an extraction {shown} to review.", "Look at GET /v1/review/queue."
    )


def _json(value: Any, code: int = 200) -> Response:
    return Response(dump(value), code, media_type="application/json")
