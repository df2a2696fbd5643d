"""`/v1/audit`: who did what and when."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from extractor.service.api.security import Caller, needs
from extractor.service.database import audit
from extractor.service.state import Service, service_of

router = APIRouter(prefix="/v1/audit", tags=["administration"])


class AuditEntry(BaseModel):
    """One thing that somebody did. Entries are only ever appended."""

    id: int
    at: str = Field(description="ISO 8601, UTC", examples=["2026-01-31T08:00:00.123Z"])
    who: str = Field(description="a key's id, `loopback`, `cli` or `nobody`", examples=["k_0a1b2c3d4e"])
    action: str = Field(examples=["submit"])
    target: str = Field(description="what it was done to", examples=["x_0006493f0a1b2c0123456789ab"])
    detail: dict[str, Any] = Field(description="identifiers, counts and codes; never content")
    request_id: str | None


class AuditPage(BaseModel):
    """The newest entries first."""

    items: list[AuditEntry]
    next_cursor: str | None = Field(description="`cursor` of the next page; null on the last")


@router.get("", response_model=AuditPage)
def entries(
    service: Annotated[Service, Depends(service_of)],
    caller: Annotated[Caller, Depends(needs("admin"))],
    cursor: Annotated[str | None, Query(pattern=r"^[1-9][0-9]{0,17}$", description="`next_cursor` of a page")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    who: Annotated[str | None, Query(max_length=100, pattern="^[!-~]+$", description="Only of this key's id")] = None,
    action: Annotated[audit.Action | None, Query(description="Only of this kind")] = None,
) -> AuditPage:
    """What was done with the service: keys, logins, submissions, deletions, decisions, exports, refusals."""
    before = None if cursor is None else int(cursor)
    with service.database.read() as connection:
        found = audit.page(connection, before=before, limit=limit + 1, who=who, action=action)
    items = [AuditEntry(**entry) for entry in found[:limit]]
    return AuditPage(items=items, next_cursor=str(items[-1].id) if len(found) > limit else None)
