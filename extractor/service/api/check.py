"""`/v1/check`: the validator alone; `/v1/rules` and `/v1/schema`: what it goes by."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Annotated, Literal

import anyio
from fastapi import APIRouter, Path, Request, Response

from extractor.errors import InputError, UsageError
from extractor.service.api.bodies import JSON_LINES, invalid, media_type, parse_form, read_body
from extractor.service.api.deps import Reader, Serving, Submitter, as_json
from extractor.service.api.described import answers, body_of, problems
from extractor.service.api.problems import Problem
from extractor.service.api.schemas import CheckBody, CheckForm, CheckResult, RuleEntry, Rules
from extractor.service.api.submissions import FORM

router = APIRouter(prefix="/v1", tags=["check"])
Code = Annotated[str, Path(examples=["requests.balance"])]
_CODE = re.compile(r"[A-Za-z0-9_.]{1,200}")
_MOST_WAITING = 8  # checks that hold a thread while they take turns
_turns: list[anyio.CapacityLimiter] = []


@router.post(
    "/check",
    summary="Check records against the form's rules",
    response_model=CheckResult,
    openapi_extra=body_of(
        {"application/json": (CheckBody, None), FORM: (CheckForm, None)},
        raw=("application/x-ndjson",),
        note=(
            "`records` with `previous`; or as it is a record, a line of a result, a list of them, or JSON Lines; or "
            "multipart with the parts `file` and `previous`."
        ),
    ),
    responses=problems("bad_request", "slow_body", "too_large", "unsupported_media_type"),
)
async def check(request: Request, service: Serving, caller: Submitter) -> Response:
    """Nothing is read and nothing is kept: every rule over every record, as `gouji check --json` says it.

    With `previous` each record is compared with last year's of the same body. `Accept: application/x-ndjson` gives
    one record a line.
    """
    body, kind = await read_body(request, service.settings), media_type(request)
    previous: bytes | None = None
    if kind == FORM:
        form = parse_form(body, request.headers["content-type"], 2, (), ("file", "previous"))
        parts = {name: data for name, _, data in form.files}
        if "file" not in parts or len(parts) < len(form.files):
            raise invalid([{"at": "file", "message": "one part `file`, and at most one `previous`"}])
        body, previous = parts["file"], parts.get("previous")
    elif kind != "application/json" and kind not in JSON_LINES:
        raise Problem(
            "unsupported_media_type",
            f"A body of type {kind[:80] or '(none)'} is not read here.",
            f"Send application/json, application/x-ndjson or {FORM}.",
        )
    try:
        found = await anyio.to_thread.run_sync(service.checker.check, body, previous, limiter=_limiter())
    except UsageError as error:
        raise Problem("bad_request", error.message, error.hint, cause=error.code) from None
    except InputError as error:
        raise Problem("bad_request", "The records take too long to check.", "Send fewer.", cause=error.code) from None
    if "application/x-ndjson" in request.headers.get("accept", ""):
        lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in found["records"]]
        return Response("".join(lines).encode("utf-8", "backslashreplace"), media_type="application/x-ndjson")
    return as_json(found)


def _limiter() -> anyio.CapacityLimiter:
    """Checks do not take the threads that other requests need."""
    if not _turns:
        _turns.append(anyio.CapacityLimiter(_MOST_WAITING))
    return _turns[0]


@router.get("/rules", summary="All rules", response_model=Rules, responses=problems())
def rules(caller: Reader) -> Response:
    """The catalogue of docs/rules.md."""
    return Response(_rules(), media_type="application/json")


@lru_cache(maxsize=1)
def _rules() -> bytes:
    from extractor.rules.catalogue import catalogue

    entries = [rule.to_json() for rule in catalogue().values()]
    return json.dumps({"rules": entries}, ensure_ascii=False).encode()


@router.get("/rules/{code}", summary="One rule", response_model=RuleEntry, responses=problems("not_found"))
def rule(code: Code, caller: Reader) -> Response:
    """The rule that a finding's `rule` names: its own code, or one with what it was applied to behind a dot."""
    from extractor.rules.catalogue import rule_of

    found = rule_of(code) if _CODE.fullmatch(code) else None
    if found is None:
        raise Problem("not_found", "There is no rule of this code.", "GET /v1/rules lists them.")
    return as_json(found.to_json())


@router.get(
    "/schema/{name}",
    summary="JSON Schema of a line or of its record",
    response_class=Response,
    responses=answers(200, "The schema.", "application/schema+json", {"type": "object"}) | problems(),
)
def schema(name: Literal["line", "record"], caller: Reader) -> Response:
    """What `gouji schema` prints."""
    return Response(_schema(name), media_type="application/schema+json")


@lru_cache(maxsize=2)
def _schema(name: str) -> bytes:
    from extractor.export.schema import line_schema, record_schema

    return json.dumps(line_schema() if name == "line" else record_schema(), ensure_ascii=False).encode()
