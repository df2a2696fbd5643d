"""What goes in and out of the API, as pydantic models; results are the contract's objects, passed on as they are."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

State = Literal["queued", "running", "waiting", "done", "failed"]


class Budget(BaseModel):
    """What a model may cost for this document; what is left out has no limit."""

    model_config = ConfigDict(extra="forbid")

    max_calls: int | None = Field(None, ge=0)
    max_tokens: int | None = Field(None, ge=0)
    max_cost: Decimal | None = Field(None, ge=0, description="US dollars")


class ExtractionRequest(BaseModel):
    """A document as text, and how it is to be read."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(description="The report: plain text, Markdown, HTML, CSV. Files of other kinds go by multipart.")
    source: str = Field("-", max_length=1000, description="A name of yours: it comes back in the result.")
    given: dict[str, Any] | list[dict[str, Any]] | None = Field(
        None, description="The partial record of your own parser (one a report): a second witness, never a source."
    )
    model: str | None = Field(None, description="A model that the service may ask; `none` for none; else its default.")
    budget: Budget | None = None
    callback_url: str | None = Field(None, max_length=2000, description="Where a signed webhook tells that it is done.")


class Usage(BaseModel):
    """What a model was asked and what it cost (US dollars; null: unpriced or none asked)."""

    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: str | None


class Fault(BaseModel):
    """Why the service could not carry an extraction out."""

    code: str
    message: str
    hint: str


class ExtractionStatus(BaseModel):
    """Where an extraction stands."""

    id: str
    state: State
    source: str
    document: str = Field(description="SHA-256 of the bytes that were sent")
    created: str
    started: str | None
    finished: str | None
    retry_at: str | None = Field(description="when a model's endpoint that is down is asked again")
    model: str | None
    version: str
    verdict: str | None = Field(description="the worst of its reports; null until it is done")
    usage: Usage
    error: Fault | None
    batch: str | None
    links: dict[str, str]


class ExtractionResult(ExtractionStatus):
    """A finished extraction: `results` holds one object of CONTRACT.md for each report of the document."""

    results: list[dict[str, Any]]
