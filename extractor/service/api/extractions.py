"""`/v1/extractions`: documents in, results out."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from extractor.service.api.problems import Problem
from extractor.service.api.schemas import ExtractionRequest, ExtractionResult, ExtractionStatus
from extractor.service.api.security import Caller, needs
from extractor.service.database import extractions as table
from extractor.service.database.extractions import Accepted, Submission
from extractor.service.state import Service, service_of

router = APIRouter(prefix="/v1/extractions", tags=["extractions"])

Serving = Annotated[Service, Depends(service_of)]
Submitter = Annotated[Caller, Depends(needs("submit"))]
Reader = Annotated[Caller, Depends(needs("read"))]


@router.post("", status_code=202, response_model=ExtractionStatus, responses={200: {"model": ExtractionResult}})
async def submit(
    body: ExtractionRequest, request: Request, service: Serving, caller: Submitter,
    wait: Annotated[float, Query(ge=0)] = 0,
) -> Response:  # fmt: skip
    """Accepts a document: 202 with its id, or 200 with the result where `wait` was long enough."""
    submission = Submission(
        data=body.text.encode(),
        source=body.source,
        model=body.model,
        budget=None if body.budget is None else body.budget.model_dump(exclude_none=True),
        given=body.given,
        callback=body.callback_url,
        key_id=caller.id,
        request_id=getattr(request.state, "request_id", None),
    )
    accepted = await run_in_threadpool(_accept, service, submission)
    if accepted.state == "done" or (wait and await service.wait(accepted.id, min(wait, service.settings.max_wait))):
        return await run_in_threadpool(answer, service, accepted.id)
    return await run_in_threadpool(answer, service, accepted.id, 202, False)


def _accept(service: Service, submission: Submission) -> Accepted:
    with service.database.write() as connection:
        accepted = table.submit(connection, submission, service.settings.max_queue)
    service.put(accepted)
    return accepted


@router.get("/{extraction}", response_model=ExtractionStatus)
def status(extraction: str, service: Serving, caller: Reader) -> Response:
    """Where an extraction stands."""
    return answer(service, extraction, 200, False)


@router.get("/{extraction}/result", response_model=ExtractionResult)
def result(extraction: str, service: Serving, caller: Reader) -> Response:
    """The result of a finished extraction."""
    return answer(service, extraction)


@router.get("/{extraction}/text", response_class=Response)
def text(extraction: str, service: Serving, caller: Reader) -> Response:
    """The stored text that the result's spans count in."""
    with service.database.read() as connection:
        found = table.stored_text(connection, extraction)
    if found is None:
        raise Problem("not_found", f"There is no text of {extraction}.", "Ask for its status first.")
    return Response(found.encode("utf-8", "replace"), media_type="text/plain; charset=utf-8")


def answer(service: Service, extraction: str, code: int = 200, whole: bool = True) -> Response:
    """Status, or status and result, as JSON. Errors: Problem."""
    with service.database.read() as connection:
        head = table.head(connection, extraction)
        lines = table.lines(connection, extraction) if whole and head is not None else None
    if head is None:
        raise Problem("not_found", f"There is no extraction {extraction}.", "Look at GET /v1/extractions.")
    told = json.dumps(status_of(head), ensure_ascii=False).encode("utf-8", "backslashreplace")
    if lines is not None:
        told = told[:-1] + b', "results": ' + lines + b"}"
    headers = {"Location": f"/v1/extractions/{extraction}"} if code == 202 else {}
    return Response(told, code, headers, "application/json")


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
        "links": {"self": self, "result": f"{self}/result", "text": f"{self}/text", "review": f"/review/{head.id}"},
    }
