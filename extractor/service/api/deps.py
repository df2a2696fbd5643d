"""What routes ask for and share: the service, callers, parameters, JSON answers."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Response
from pydantic import BeforeValidator

from extractor.results import Verdict
from extractor.service.api.accepting import LONGEST_KEY
from extractor.service.api.bodies import invalid
from extractor.service.api.schemas import State
from extractor.service.api.security import Caller, needs
from extractor.service.database.listing import Filters
from extractor.service.ids import stamp
from extractor.service.state import Service, service_of

Serving = Annotated[Service, Depends(service_of)]
Submitter = Annotated[Caller, Depends(needs("submit"))]
Reader = Annotated[Caller, Depends(needs("read"))]
Again = Annotated[bool, Query(description="Read it anew even where this version of gouji has read it already.")]
Wait = Annotated[
    float, Query(ge=0, le=3600, description="Wait so many seconds for the result (the service's limit: 60).")
]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=LONGEST_KEY,
        description="A key of yours for this request: a repetition does nothing anew.",
    ),
]
MOST = 500  # extractions or members of one page
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
ID = re.compile(r"[a-z]_[0-9a-f]{26}")


def _iso(value: Any) -> Any:
    """A bare number is no time: nobody knows of what."""
    if isinstance(value, str) and not _DATE.match(value):
        raise ValueError("write it as 2026-01-31 or 2026-01-31T08:00:00Z")
    return value


Moment = Annotated[datetime, BeforeValidator(_iso)]


def filters(
    state: Annotated[State | None, Query()] = None,
    verdict: Annotated[Verdict | None, Query(description="of the document (of the report for `/v1/lines`)")] = None,
    year: Annotated[int | None, Query(ge=1900, le=2200)] = None,
    organization: Annotated[
        str | None, Query(max_length=200, pattern=r"^[^\x00-\x1f]+$", description="a part of the body's name")
    ] = None,
    document: Annotated[str | None, Query(pattern="^[0-9a-f]{64}$", description="SHA-256 of its bytes")] = None,
    batch: Annotated[str | None, Query(pattern="^b_[0-9a-f]{26}$")] = None,
    since: Annotated[Moment | None, Query(description="created then or later; UTC where no zone is named")] = None,
    until: Annotated[Moment | None, Query(description="created before")] = None,
) -> Filters:
    """What is listed."""
    return Filters(
        state, verdict, year, organization, document, batch, _moment("since", since), _moment("until", until)
    )


def _moment(name: str, moment: datetime | None) -> str | None:
    if moment is None:
        return None
    try:
        return stamp(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))
    except (OverflowError, ValueError):
        raise invalid([{"at": name, "message": "is no moment of this calendar"}]) from None


Filtered = Annotated[Filters, Depends(filters)]


def as_json(value: Any, code: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON response."""
    told = json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return Response(told, code, headers, "application/json")
