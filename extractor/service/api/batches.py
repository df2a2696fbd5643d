"""`/v1/batches`: many documents at once, all of them accepted or none."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from extractor.export.jsonl import dump
from extractor.results import failed
from extractor.service.api import examples
from extractor.service.api.accepting import accept_batch, idempotency_key
from extractor.service.api.bodies import read_body
from extractor.service.api.deps import MOST, Again, Key, Reader, Serving, Submitter, as_json
from extractor.service.api.described import body_of, problems
from extractor.service.api.lines import LINES, NDJSON
from extractor.service.api.problems import Problem
from extractor.service.api.schemas import BatchForm, BatchPage, BatchRequest, BatchStatus
from extractor.service.api.submissions import FORM, OPTION_FIELDS, Sender
from extractor.service.database import batches as table
from extractor.service.database.batches import Counts
from extractor.service.database.engine import Database
from extractor.service.database.listing import renamed, split
from extractor.service.state import Service

router = APIRouter(prefix="/v1/batches", tags=["batches"])
ID = re.compile(r"b_[0-9a-f]{26}")
_PAGE = 20  # results held at once


@router.post(
    "",
    status_code=202,
    summary="Submit a batch of documents",
    response_model=BatchStatus,
    response_description="Accepted, all of them.",
    openapi_extra=body_of(
        {"application/json": (BatchRequest, examples.BATCHES), FORM: (BatchForm, None)},
        raw=(NDJSON,),
        note=(
            "JSON with `documents`, or a bare list of them; JSON Lines of documents, with `?model=` and "
            "`?callback_url=`; or multipart with several parts `file`."
        ),
        query=OPTION_FIELDS,
    ),
    responses=problems(
        "bad_request", "slow_body", "conflict", "too_large", "unsupported_media_type", "given_invalid",
        "model_not_allowed", "callback_not_allowed", "queue_full",
    ),
)  # fmt: skip
async def submit(
    request: Request, service: Serving, caller: Submitter, again: Again = False, idempotency: Key = None
) -> Response:
    """Accepts all documents or, where one of them is at fault or there is no room for all, none; the problem names the
    document. A content that was read before is not read again. `callback_url` is told when all are finished."""
    body = await read_body(request, service.settings)
    sender = Sender(request, caller, service.settings, again)
    key = idempotency_key(request)
    batch = await run_in_threadpool(_accept, service, sender, body, key)
    return await run_in_threadpool(_status, service, batch)


def _accept(service: Service, sender: Sender, body: bytes, key: str | None) -> str:
    submissions, callback = sender.many(body)
    batch, created = accept_batch(service, submissions, callback, key)
    for accepted in created:
        service.put(accepted, later=True)
    return batch


def _status(service: Service, batch: str) -> Response:
    head, counts = _look(service, batch)
    return as_json(_told(head, counts), 202, {"Location": f"/v1/batches/{batch}"})


@router.get("/{batch}", summary="Where a batch stands", response_model=BatchPage, responses=problems("not_found"))
def status(
    batch: str, service: Serving, caller: Reader,
    cursor: Annotated[int, Query(ge=0, le=10**9, description="`next` of the page before")] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> Response:  # fmt: skip
    """Counts by state and verdict, and its documents in the order sent. Deleted ones are left out."""
    head, counts = _look(service, batch)
    with service.database.read() as connection:
        found = table.members(connection, batch, cursor, limit + 1)
    members = [dict(row._mapping) for row in found[:limit]]
    rest = str(found[limit - 1].number) if len(found) > limit else None
    return as_json({**_told(head, counts), "members": members, "next": rest})


@router.get(
    "/{batch}/results",
    summary="The results of a batch as JSON Lines",
    response_class=StreamingResponse,
    responses=LINES | problems("not_found", "not_finished"),
)
def results(batch: str, service: Serving, caller: Reader) -> StreamingResponse:
    """In the order sent, under the names they were sent with; 409 until all are finished. A document whose extraction
    failed has a line with the verdict `failed`, as one that cannot be read."""
    _, counts = _look(service, batch)
    if not counts.finished:
        left = sum(count for state, count in counts.states.items() if state not in ("done", "failed"))
        wait = {"Retry-After": str(service.pace.seconds_for(left))}
        said = f"{left} of {counts.documents} documents are not finished."
        raise Problem("not_finished", said, "Ask again, or give a callback_url.", wait, states=counts.states)
    return StreamingResponse(_lines(service.database, batch), media_type=NDJSON)


def _lines(database: Database, batch: str) -> Iterator[bytes]:
    after = 0
    while True:
        with database.read() as connection:
            rows = table.result_rows(connection, batch, after, _PAGE)
        for row in rows:
            if row.lines is None:
                yield _failed(row)
                continue
            for line in split(zlib.decompress(row.lines)):
                yield renamed(line, row.source, row.called) + b"\n"
        if len(rows) < _PAGE:
            return
        after = rows[-1].number


def _failed(row: Any) -> bytes:
    why = json.loads(row.error or '{"code": "not_finished", "message": "It was sent again meanwhile.", "hint": ""}')
    line = failed(row.called, row.document, why["code"], why["message"], why["hint"]).to_json()
    return dump(line).encode() + b"\n"


def _look(service: Service, batch: str) -> tuple[Any, Counts]:
    with service.database.read() as connection:
        head = table.head(connection, batch) if ID.fullmatch(batch) else None
        counts = table.counts(connection, batch) if head is not None else Counts({}, {})
    if head is None:
        raise Problem("not_found", "There is no batch of this name.", "POST /v1/batches makes one.")
    return head, counts


def _told(head: Any, counts: Counts) -> dict[str, Any]:
    self = f"/v1/batches/{head.id}"
    return {
        "id": head.id,
        "created": head.created,
        "finished": counts.finished,
        "documents": counts.documents,
        "states": counts.states,
        "verdicts": counts.verdicts,
        "links": {"self": self, "results": f"{self}/results"},
    }
