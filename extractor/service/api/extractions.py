"""`/v1/extractions`: documents in, results out, and gone again."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from extractor.service.api import examples
from extractor.service.api.accepting import accept, idempotency_key
from extractor.service.api.bodies import read_body
from extractor.service.api.deps import ID, MOST, Again, Filtered, Key, Reader, Serving, Submitter, Wait, as_json
from extractor.service.api.described import FORM_NOTE, Responses, answers, body_of, problems
from extractor.service.api.problems import Problem
from extractor.service.api.schemas import (
    ExtractionForm,
    ExtractionPage,
    ExtractionRequest,
    ExtractionResult,
    ExtractionStatus,
)
from extractor.service.api.submissions import HEAD_FIELDS, Sender
from extractor.service.database import audit, deletion, listing
from extractor.service.database import extractions as table
from extractor.service.database.extractions import Accepted
from extractor.service.state import Service

router = APIRouter(prefix="/v1/extractions", tags=["extractions"])
READ_NOW: Responses = {
    200: {"model": ExtractionResult, "description": "Read: this content was read before, or `wait` sufficed."}
}


@router.post(
    "",
    status_code=202,
    summary="Submit a document",
    response_model=ExtractionStatus,
    response_description="Accepted; ask for it at `Location`.",
    openapi_extra=body_of(
        {"application/json": (ExtractionRequest, examples.REQUESTS), "multipart/form-data": (ExtractionForm, None)},
        raw=("text/plain", "text/html", "application/pdf", "application/octet-stream"),
        note=FORM_NOTE,
        query=HEAD_FIELDS,
    ),
    responses=READ_NOW
    | problems(
        "bad_request", "slow_body", "conflict", "too_large", "unsupported_media_type", "invalid_request",
        "given_invalid", "model_not_allowed", "callback_not_allowed", "extraction_failed", "queue_full",
    ),
)  # fmt: skip
async def submit(
    request: Request, service: Serving, caller: Submitter, wait: Wait = 0, again: Again = False, idempotency: Key = None
) -> Response:
    """Accepts a document: 202 with its id, or 200 with the result where it is there or `wait` is long enough.

    The same bytes with the same model, budget and `given` are one extraction, however often they are sent (`source`
    stays that of the first time); one that failed is queued again. The bytes are kept as they were sent; of which
    kind they are is seen from themselves, not from a name or a media type.
    """
    body = await read_body(request, service.settings)
    sender = Sender(request, caller, service.settings, again)
    key = idempotency_key(request)
    accepted = await run_in_threadpool(_accept, service, sender, body, key)
    del body
    if wait and accepted.state not in table.FINAL:
        await service.wait(accepted.id, min(wait, service.settings.max_wait))
    return await run_in_threadpool(result_or_status, service, accepted.id)


def _accept(service: Service, sender: Sender, body: bytes, key: str | None) -> Accepted:
    return accept(service, sender.one(body), key)


@router.get(
    "",
    summary="List extractions",
    response_model=ExtractionPage,
    responses=problems("invalid_request"),
)
def page(
    service: Serving, caller: Reader, filters: Filtered,
    cursor: Annotated[str | None, Query(pattern="^x_[0-9a-f]{26}$", description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> Response:  # fmt: skip
    """Newest first. `year` and `organization` are those of any of its reports."""
    with service.database.read() as connection:
        found = listing.page(connection, filters, cursor, limit + 1)
    rest = found[limit - 1].id if len(found) > limit else None
    return as_json({"items": [status_of(head) for head in found[:limit]], "next": rest})


@router.get(
    "/{extraction}", summary="Where an extraction stands", response_model=ExtractionStatus,
    responses=problems("not_found"),
)  # fmt: skip
def status(extraction: str, service: Serving, caller: Reader) -> Response:
    """Its state, and its verdict once it is done."""
    return as_json(status_of(_head(service, extraction)))


@router.get(
    "/{extraction}/result",
    summary="The result",
    response_model=ExtractionResult,
    responses=problems("not_found", "not_finished", "extraction_failed"),
)
def result(extraction: str, service: Serving, caller: Reader) -> Response:
    """One line of the contract for each report of the document; 409 with `Retry-After` until it is there."""
    return result_of(service, extraction)


@router.get(
    "/{extraction}/text",
    summary="The stored text",
    response_class=Response,
    responses=answers(200, "The text.", "text/plain", {"type": "string"}) | problems("not_found", "not_finished"),
)
def text(extraction: str, service: Serving, caller: Reader) -> Response:
    """The text that the result's spans count in (characters, not bytes)."""
    with service.database.read() as connection:
        found = table.stored_text(connection, extraction)
    if found is None:
        head = _head(service, extraction)
        if head.state in table.OPEN:
            raise _not_finished(service, head)
        raise Problem("not_found", f"The document of {extraction} could not be read as text.", "Its result says why.")
    return Response(found.encode("utf-8", "replace"), media_type="text/plain; charset=utf-8", headers=_NOSNIFF)


@router.get(
    "/{extraction}/document",
    summary="The document as it was sent",
    response_class=Response,
    responses=answers(200, "The bytes.", "application/octet-stream", {"type": "string", "format": "binary"})
    | problems("not_found"),
)
def document(extraction: str, service: Serving, caller: Reader) -> Response:
    """The very bytes, as an attachment: no browser shows or runs them."""
    with service.database.read() as connection:
        found = table.document_bytes(connection, extraction)
    if found is None:
        raise _unknown(extraction)
    headers = _NOSNIFF | {"Content-Disposition": f'attachment; filename="{extraction}.bin"'}
    return Response(found, media_type="application/octet-stream", headers=headers)


@router.delete(
    "/{extraction}",
    status_code=204,
    summary="Delete an extraction and its document",
    response_class=Response,
    response_description="Gone.",
    responses=problems("not_found"),
)
def delete(extraction: str, request: Request, service: Serving, caller: Submitter) -> Response:
    """For the key that submitted it, and for keys with the scope `admin`.

    Its reports, deliveries and places in batches go with it; with the last extraction of a document also its bytes,
    its stored text and the reviewers' decisions on it. The audit keeps that it was deleted, by whom and when. One
    that is under way ends without effect.
    """
    with service.database.write() as connection:
        head = table.head(connection, extraction) if ID.fullmatch(extraction) else None
        if head is None:
            raise _unknown(extraction)
        if not caller.may("admin") and head.key_id != caller.id:
            raise Problem(
                "forbidden", f"The key {caller.name} did not submit {extraction}.", "Ask a key with the scope `admin`."
            )
        whole = deletion.delete(connection, extraction)
        request_id = getattr(request.state, "request_id", None)
        audit.record(connection, caller.id, "delete", extraction, request_id, document=bool(whole))
    service.eraser.erase()
    return Response(status_code=204)


_NOSNIFF = {"X-Content-Type-Options": "nosniff"}


def _head(service: Service, extraction: str) -> Any:
    with service.database.read() as connection:
        head = table.head(connection, extraction) if ID.fullmatch(extraction) else None
    if head is None:
        raise _unknown(extraction)
    return head


def _unknown(extraction: str) -> Problem:
    shown = extraction if ID.fullmatch(extraction) else "of this name"
    return Problem("not_found", f"There is no extraction {shown}.", "Look at GET /v1/extractions.")


def _not_finished(service: Service, head: Any) -> Problem:
    with service.database.read() as connection:
        before = table.waiting(connection) if head.state == "queued" else 0
    wait = 30 if head.state == "waiting" else service.pace.seconds_for(before) if before else 1
    said = f"{head.id} is {head.state}."
    return Problem(
        "not_finished", said, "Ask again, or wait with a webhook.", {"Retry-After": str(wait)}, state=head.state
    )


def _accepted(head: Any) -> Response:
    return as_json(status_of(head), 202, {"Location": f"/v1/extractions/{head.id}"})


def result_or_status(service: Service, extraction: str) -> Response:
    """200 with the result where it is there, else 202 with where it stands. Errors: Problem `extraction_failed`."""
    head, lines = _found(service, extraction)
    return _result(head, lines) or _accepted(head)


def result_of(service: Service, extraction: str) -> Response:
    """The result as it is kept. Errors: Problem `not_found`, `not_finished`, `extraction_failed`."""
    head, lines = _found(service, extraction)
    response = _result(head, lines)
    if response is None:
        raise _not_finished(service, head)
    return response


def _found(service: Service, extraction: str) -> tuple[Any, bytes | None]:
    with service.database.read() as connection:
        head, lines = table.result(connection, extraction) if ID.fullmatch(extraction) else (None, None)
    if head is None:
        raise _unknown(extraction)
    return head, lines


def _result(head: Any, lines: bytes | None) -> Response | None:
    if head.state == "failed":
        why = json.loads(head.error)
        raise Problem(
            "extraction_failed", why["message"], why["hint"], cause=why["code"], extraction=head.id, state="failed"
        )
    if lines is None:
        return None
    told = json.dumps(status_of(head), ensure_ascii=False).encode("utf-8", "backslashreplace")
    return Response(told[:-1] + b', "results": ' + lines + b"}", media_type="application/json")


def status_of(head: Any) -> dict[str, Any]:
    """A row of `extractions` as ExtractionStatus."""
    self = f"/v1/extractions/{head.id}"
    return {
        "id": head.id,
        "state": head.state,
        "source": head.source,
        "document": head.document,
        "created": head.created,
        "started": head.started,
        "finished": head.finished,
        "retry_at": head.retry_at,
        "model": head.model,
        "version": head.version,
        "verdict": head.verdict,
        "usage": {
            "calls": head.calls,
            "prompt_tokens": head.prompt_tokens,
            "completion_tokens": head.completion_tokens,
            "cost": head.cost,
        },
        "error": None if head.error is None else json.loads(head.error),
        "batch": head.batch,
        "links": {
            "self": self,
            "result": f"{self}/result",
            "text": f"{self}/text",
            "document": f"{self}/document",
            "review": f"/review/{head.id}",
        },
    }
