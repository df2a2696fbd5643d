"""`/v1/deliveries`: what became of the webhooks of an extraction or a batch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from extractor.service.api.deps import Reader, Serving
from extractor.service.api.described import problems
from extractor.service.database import deliveries as table

router = APIRouter(prefix="/v1/deliveries", tags=["deliveries"])


class Delivery(BaseModel):
    """One event to one address."""

    id: str = Field(description="The header `webhook-id`, the same at every attempt", examples=["d_x_06a1.1"])
    event: Literal["extraction.finished", "batch.finished"]
    target: str = Field(examples=["x_06a1"])
    url: str = Field(examples=["https://hooks.example.org/gouji"])
    state: Literal["pending", "delivered", "given_up"]
    attempts: int = Field(examples=[1])
    status: int | None = Field(description="of the last answer; null: there was none", examples=[204])
    error: str | None = Field(examples=[None])
    created: str = Field(examples=["2026-01-31T08:00:00.123Z"])
    next_at: str | None = Field(description="when a pending one is tried again", examples=[None])
    finished: str | None = Field(examples=["2026-01-31T08:00:01.456Z"])


class Deliveries(BaseModel):
    """Oldest first; none where nothing is to be told, or not yet."""

    items: list[Delivery]


@router.get("", summary="Webhooks of an extraction or a batch", response_model=Deliveries, responses=problems())
def deliveries(
    service: Serving,
    caller: Reader,
    target: Annotated[
        str, Query(pattern=r"^[xb]_[0-9a-f]{1,60}$", description="an extraction's or a batch's id", examples=["x_06a1"])
    ],
) -> dict[str, Any]:
    """An event is sent until the receiver answers 2xx, at most 12 times over about a day."""
    with service.database.read() as connection:
        return {"items": table.of_target(connection, target)}
