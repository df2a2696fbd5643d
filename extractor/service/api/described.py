"""What routes say of themselves in the OpenAPI document: bodies in several media types, and the problems they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from extractor.service.api.problems import KINDS, MEDIA_TYPE

# What any request under /v1 may be answered with.
COMMON = (
    "invalid_request", "unauthorized", "forbidden", "cross_origin", "host_not_allowed", "rate_limited", "internal",
    "database", "shutting_down", "timeout",
)  # fmt: skip
SCHEMAS = "#/components/schemas/"
FORM_NOTE = (
    "JSON with `text` or `base64`; multipart with the part `file`; or the document itself as the body, under its own "
    "media type, with `?source=`, `?model=` and so on as query parameters."
)
# Models that stand in bodies which FastAPI does not parse itself.
BODIES: list[type[BaseModel]] = []

# An example of each problem: what is wrong, how to mend it, and what more the document or its headers hold.
EXAMPLES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "invalid_request": (
        "budget.max_calls: Input should be greater than or equal to 0",
        "See /docs for what is asked for.",
        {"faults": [{"at": "budget.max_calls", "message": "Input should be greater than or equal to 0"}]},
    ),
    "bad_request": (
        "The body is no JSON: Expecting value, line 1 column 10.", "Send JSON in UTF-8.", {},
    ),
    "unauthorized": ("No key was shown.", "Send `Authorization: Bearer KEY`.", {}),
    "forbidden": ("The key reader has no scope `submit`.", "Ask for a key that has it.", {}),
    "cross_origin": (
        "The request came from another site's page.", "Send an API key as `Authorization: Bearer …`.", {},
    ),
    "not_found": ("There is no extraction of this name.", "Look at GET /v1/extractions.", {}),
    "method_not_allowed": ("Method Not Allowed", "See /docs for the API.", {}),
    "slow_body": ("The request's body came too slowly.", "Send it in one go.", {}),
    "conflict": (
        "This Idempotency-Key came before with another request.",
        "Take a new key for a new request; repeat a request as it was.",
        {},
    ),
    "not_finished": (
        "x_0006440c2f4a1bd01122334455 is queued.", "Ask again, or wait with a webhook.", {"state": "queued"},
    ),
    "too_large": (
        "The body is larger than 20000000 bytes.",
        "Send less at once, or ask whoever runs the service for a higher --max-body.",
        {"limit": 20000000},
    ),
    "unsupported_media_type": (
        "A body of type application/x-www-form-urlencoded is not read here.",
        "Send JSON, multipart/form-data, or the document itself under its own media type.",
        {},
    ),
    "given_invalid": (
        "The given record has 1 fault: requests.granted.total: must be a whole number, not text.",
        "Its shape is `record` of `gouji extract --json`: counts are numbers, amounts exact decimals.",
        {"cause": "given_value"},
    ),
    "not_decidable": (
        "'2 0' may be read as 20, or be more than one number.",
        "If it is 20, send value '20' with it.",
        {"cause": "loose"},
    ),
    "host_not_allowed": (
        "The service is not called gouji.example.", "Whoever runs it allows the name with --allow-host.", {},
    ),
    "model_not_allowed": (
        "This service does not ask the model 'other'.",
        "Leave `model` out for the service's own, or write `none` for none.",
        {},
    ),
    "callback_not_allowed": (
        "Webhooks do not go to example.org.", "Whoever runs the service allows hosts with --webhook-host.", {},
    ),
    "extraction_failed": (
        "The document holds 1 report, 2 given records came for it.",
        "Give one record for each report in their order (null for none), or write each one's year.",
        {"cause": "given_count", "extraction": "x_0006440c2f4a1bd01122334455", "state": "failed"},
    ),
    "rate_limited": ("The key may do 1200 requests a minute.", "Wait as long as Retry-After says.", {}),
    "queue_full": ("The service has more documents to read than it may hold.", "Send it later.", {}),
    "internal": ("The service failed at this request.", "Report it with its id.", {}),
    "database": ("The database is busy with another program's write.", "Try again in a moment.", {"cause": "locked"}),
    "shutting_down": ("The service is stopping.", "Send it again in a moment.", {}),
    "timeout": ("There was no answer within 120 s.", "Ask with a shorter `?wait=`, or later.", {}),
}  # fmt: skip
RETRY = ("not_finished", "rate_limited", "queue_full", "database", "shutting_down")


def example_of(code: str) -> dict[str, Any]:
    """A problem document of this code."""
    detail, hint, more = EXAMPLES[code]
    kind = KINDS[code]
    head = {"type": f"urn:gouji:problem:{code}", "title": kind.title, "status": kind.status, "detail": detail}
    return {**head, "code": code, "hint": hint, "request_id": "5f0c2a9b7d31e846", **more}


Responses = dict[int | str, dict[str, Any]]


def answers(status: int, description: str, media_type: str, schema: dict[str, Any]) -> Responses:
    """An answer that is no JSON of a model."""
    return {status: {"description": description, "content": {media_type: {"schema": schema}}}}


def problems(*codes: str) -> Responses:
    """The responses of a route that has these problems, beside those that any has."""
    found: Responses = {}
    for code in (*codes, *COMMON):
        kind = KINDS[code]
        content = {MEDIA_TYPE: {"schema": {"$ref": f"{SCHEMAS}ProblemDocument"}, "examples": {}}}
        response = found.setdefault(kind.status, {"description": "", "content": content})
        cases = response["content"][MEDIA_TYPE]["examples"]
        cases[code] = {"summary": kind.title, "value": example_of(code)}
        response["description"] = ", ".join(f"`{case}`" for case in cases)
        if code in RETRY:
            response["headers"] = {
                "Retry-After": {"description": "seconds", "schema": {"type": "integer", "minimum": 1}}
            }
    return found


def body_of(
    models: Mapping[str, tuple[type[BaseModel], Mapping[str, Any] | None]],
    raw: Sequence[str] = (),
    note: str = "",
    query: Sequence[str] = (),
) -> dict[str, Any]:
    """`requestBody` of a route that reads its body itself: models with examples by media type, and media types whose
    body is the document; `query` names what a raw body's parameters say of it."""
    content: dict[str, Any] = {}
    for kind, (model, examples) in models.items():
        if model not in BODIES:
            BODIES.append(model)
        content[kind] = {"schema": {"$ref": f"{SCHEMAS}{model.__name__}"}}
        if examples:
            content[kind]["examples"] = {name: {"value": value} for name, value in examples.items()}
    for kind in raw:
        binary = {} if kind.startswith("text/") else {"contentMediaType": kind}
        content[kind] = {"schema": {"type": "string", "minLength": 1, **binary}}
    about = "Of a raw body; with JSON and multipart it goes into the body."
    told = [
        {"name": name, "in": "query", "required": False, "schema": {"type": "string"}, "description": about}
        for name in query
    ]
    body = {"requestBody": {"required": True, "description": note, "content": content}}
    return body | ({"parameters": told} if told else {})
