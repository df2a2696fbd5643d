"""Errors as RFC 9457 problem documents: a stable code, what is wrong, how to mend it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from extractor.errors import GoujiError, StoreError

log = logging.getLogger("gouji.api")
MEDIA_TYPE = "application/problem+json"


class ProblemDocument(BaseModel):
    """RFC 9457, with gouji's stable `code`, a `hint` how to mend it, and the request's id."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:gouji:problem:not_found"])
    title: str
    status: int
    detail: str
    code: str
    hint: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A problem that the service can have: its status and its title."""

    status: int
    title: str


# Every code that the API answers with: in the OpenAPI document and in docs/service.md.
KINDS: dict[str, Kind] = {
    "invalid_request": Kind(422, "The request is not as the API asks for"),
    "bad_request": Kind(400, "The request cannot be understood"),
    "unauthorized": Kind(401, "A key is asked for"),
    "forbidden": Kind(403, "The key may not do this"),
    "cross_origin": Kind(403, "The request came from another site's page"),
    "not_found": Kind(404, "There is no such thing"),
    "method_not_allowed": Kind(405, "The method is not for this address"),
    "slow_body": Kind(408, "The request's body came too slowly"),
    "conflict": Kind(409, "The request contradicts an earlier one"),
    "not_finished": Kind(409, "There is no result yet"),
    "too_large": Kind(413, "The request is larger than the service takes"),
    "unsupported_media_type": Kind(415, "The request's media type is not read here"),
    "host_not_allowed": Kind(421, "The service is not called by this name"),
    "given_invalid": Kind(422, "The caller's own record is not one"),
    "extraction_failed": Kind(422, "The extraction could not be carried out"),
    "not_decidable": Kind(422, "It cannot be decided so"),
    "model_not_allowed": Kind(422, "The service does not ask this model"),
    "callback_not_allowed": Kind(422, "Webhooks do not go to this host"),
    "rate_limited": Kind(429, "Too many requests"),
    "queue_full": Kind(429, "Too many documents wait"),
    "internal": Kind(500, "A fault of gouji"),
    "database": Kind(503, "The database does not answer"),
    "shutting_down": Kind(503, "The service is stopping"),
    "timeout": Kind(504, "The request took too long"),
}


class Problem(Exception):
    """Raised anywhere under the API; `headers` go out with it, `more` into the document."""

    def __init__(
        self, code: str, detail: str, hint: str = "", headers: dict[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(code, detail)
        self.code, self.detail, self.hint, self.headers, self.more = code, detail, hint, headers or {}, more
        self.kind = KINDS[code]


def response(problem: Problem, request_id: str | None) -> JSONResponse:
    """The problem as HTTP says it."""
    document = {
        "type": f"urn:gouji:problem:{problem.code}",
        "title": problem.kind.title,
        "status": problem.kind.status,
        "detail": problem.detail,
        "code": problem.code,
        "hint": problem.hint,
        "request_id": request_id,
        **problem.more,
    }
    return JSONResponse(document, problem.kind.status, problem.headers, MEDIA_TYPE)


def of_error(error: GoujiError) -> Problem:
    """One of gouji's own errors as a problem."""
    if isinstance(error, StoreError):
        return Problem("database", error.message, error.hint, {"Retry-After": "5"}, cause=error.code)
    if error.code == "callback_not_allowed":
        return Problem(error.code, error.message, error.hint)
    return Problem("invalid_request", error.message, error.hint, cause=error.code)


def _allowed(request: Request) -> str:
    """All methods of an address; the framework names those of its first route alone."""
    found: set[str] = set()
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= getattr(route, "methods", None) or set()
    return ", ".join(sorted(found))


def install(app: FastAPI) -> None:
    """Answers every exception under the app with a problem document."""

    def answer(request: Request, problem: Problem) -> JSONResponse:
        return response(problem, getattr(request.state, "request_id", None))

    @app.exception_handler(Problem)
    async def _problem(request: Request, error: Problem) -> JSONResponse:
        return answer(request, error)

    @app.exception_handler(GoujiError)
    async def _ours(request: Request, error: GoujiError) -> JSONResponse:
        return answer(request, of_error(error))

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        faults = [
            {"at": "/".join(map(str, fault["loc"])), "message": str(fault["msg"])[:300]}
            for fault in error.errors()[:20]
        ]
        said = "; ".join(f"{fault['at']}: {fault['message']}" for fault in faults[:3])
        return answer(request, Problem("invalid_request", said, "See /docs for what is asked for.", faults=faults))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        by_status = {kind.status: code for code, kind in reversed(KINDS.items())}
        code = by_status.get(error.status_code, "bad_request" if error.status_code < 500 else "internal")
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = _allowed(request)
        return answer(request, Problem(code, str(error.detail), "See /docs for the API.", headers))

    @app.exception_handler(Exception)
    async def _fault(request: Request, error: Exception) -> JSONResponse:
        log.exception("fault", exc_info=error)
        return answer(request, Problem("internal", "The service failed at this request.", "Report it with its id."))
