"""What goes in and out of the API, as pydantic models; results are the contract's objects, passed on as they are."""

from __future__ import annotations

from base64 import b64decode, b64encode
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    EncodedBytes,
    EncoderProtocol,
    Field,
    RootModel,
    SkipValidation,
    model_validator,
)
from pydantic_core import PydanticCustomError

from extractor.results import Verdict

State = Literal["queued", "running", "waiting", "done", "failed"]
# Names that any database and any log holds.
Name = Annotated[str, Field(max_length=1000, pattern=r"^[^\x00-\x1f\x7f]*$")]
Given = dict[str, Any] | Annotated[list[dict[str, Any] | None], Field(fail_fast=True)]


class _Strict(EncoderProtocol):
    """Base64 that lets through line ends, as tools write them, and nothing else: what a decoder skips would be lost
    without a word."""

    @classmethod
    def decode(cls, data: bytes) -> bytes:
        try:
            return b64decode(data.translate(None, b" \t\r\n"), validate=True)
        except ValueError as error:
            raise PydanticCustomError("base64", "Base64 decoding error: '{error}'", {"error": str(error)}) from None

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return b64encode(value)

    @classmethod
    def get_json_format(cls) -> str:
        return "base64"


Base64 = Annotated[bytes, EncodedBytes(_Strict)]


class Budget(BaseModel):
    """What a model may cost for this document; what is left out has no limit."""

    model_config = ConfigDict(extra="forbid")

    max_calls: int | None = Field(None, ge=0, le=10**6)
    max_tokens: int | None = Field(None, ge=0, le=10**12)
    max_cost: Decimal | None = Field(None, ge=0, le=10**9, description="US dollars")


class Named(BaseModel):
    """What is said of one document beside its bytes."""

    model_config = ConfigDict(extra="forbid")

    source: Name = Field("-", description="A name of yours: it comes back in the result.")
    given: Given | None = Field(
        None, description="The partial record of your own parser (one a report): a second witness, never a source."
    )


class Reading(BaseModel):
    """How documents are to be read."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(
        None, max_length=500, description="A model that the service may ask; `none` for none; left out: its default."
    )
    budget: Budget | None = None


class Options(Reading):
    """How documents are to be read, and who is told of it."""

    callback_url: str | None = Field(
        None, max_length=2000, description="Where a signed webhook tells that it is done; to allowed hosts only."
    )


class Head(Named, Options):
    """All that is said of a document that comes as a file or as the body itself."""


def _either(schema: dict[str, Any]) -> None:
    """Says in the schema what `_one` checks: just one of the two."""
    schema["oneOf"] = [
        {"required": [one], "properties": {one: {"type": "string", "minLength": 1}, other: {"type": "null"}}}
        for one, other in (("text", "base64"), ("base64", "text"))
    ]


class Document(Named):
    """A document as `text` or as `base64`."""

    model_config = ConfigDict(json_schema_extra=_either)

    text: str | None = Field(None, min_length=1, description="The report: plain text, Markdown, HTML or CSV.")
    base64: Base64 | None = Field(None, description="The bytes of a file of any kind that is read.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.text is None) == (self.base64 is None):
            raise ValueError("give either `text` or `base64`")
        return self

    @property
    def data(self) -> bytes:
        """The bytes that are kept and read."""
        return self.base64 if self.base64 is not None else (self.text or "").encode()


class ExtractionRequest(Document, Options):
    """A document, as `text` or as `base64`, and how it is to be read."""


class BatchDocument(Document, Reading):
    """A document of a batch; `model` and `budget` are the batch's where it has none of its own."""


class BatchRequest(Options):
    """Documents that belong together."""

    # Each is checked where it is taken, so that a fault names its place.
    documents: list[SkipValidation[BatchDocument]] = Field(min_length=1)


class ExtractionForm(BaseModel):
    """The parts of a multipart request."""

    file: bytes = Field(description="The document; its file name is the source unless `source` names another.")
    source: Name | None = None
    given: str | None = Field(None, description="JSON")
    model: str | None = None
    budget: str | None = Field(None, description="JSON")
    callback_url: str | None = None


class BatchForm(BaseModel):
    """The parts of a multipart request with several documents."""

    file: list[bytes] = Field(min_length=1, description="The documents, one part each; their file names are sources.")
    model: str | None = None
    budget: str | None = Field(None, description="JSON")
    callback_url: str | None = None


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


class ExtractionLinks(BaseModel):
    """Where to look further."""

    self: str
    result: str
    text: str
    document: str
    review: str


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
    version: str = Field(description="of the gouji that reads or read it")
    verdict: Verdict | None = Field(description="the worst of its reports; null until it is done")
    usage: Usage
    error: Fault | None = Field(description="why it failed, or what it waits for")
    batch: str | None = Field(description="the batch it was first sent in")
    links: ExtractionLinks


class ExtractionResult(ExtractionStatus):
    """A finished extraction: `results` holds one line of the contract for each report of the document."""

    results: list[dict[str, Any]]


class ExtractionPage(BaseModel):
    """Extractions, newest first."""

    items: list[ExtractionStatus]
    next: str | None = Field(description="the `cursor` of the next page; null on the last")


class Member(BaseModel):
    """A document of a batch. `source` is the name it was sent under."""

    number: int = Field(description="from 1, in the order sent")
    source: str
    extraction: str
    state: State
    verdict: Verdict | None


class BatchLinks(BaseModel):
    """Where to look further."""

    self: str
    results: str


class BatchStatus(BaseModel):
    """Where a batch stands; it is finished when all its documents are done or failed."""

    id: str
    created: str
    finished: bool
    documents: int
    states: dict[State, int]
    verdicts: dict[Verdict, int] = Field(description="of those that are done")
    links: BatchLinks


class BatchPage(BatchStatus):
    """A batch with a page of its documents, in the order sent."""

    members: list[Member]
    next: str | None


class CheckRequest(BaseModel):
    """Records, or lines of results, to be checked against the form's rules."""

    model_config = ConfigDict(extra="forbid")

    records: dict[str, Any] | Annotated[list[Any], Field(min_length=1)] = Field(
        description="One or many; each a record or a line with a `record`."
    )
    previous: dict[str, Any] | list[Any] | None = Field(None, description="Last year's, in the same forms.")


class CheckBody(RootModel[CheckRequest | dict[str, Any] | Annotated[list[Any], Field(min_length=1)]]):
    """Records with last year's beside them; or as they are a record, a line of a result, or a list of these."""


class CheckForm(BaseModel):
    """The parts of a multipart request."""

    file: bytes = Field(description="A record, a list of them, or JSON Lines.")
    previous: bytes | None = Field(None, description="Last year's, in the same forms.")


class Checked(BaseModel):
    """The outcome for one record, as `gouji check --json` prints it."""

    source: str
    findings: list[dict[str, Any]]
    passed: int
    failed: int
    not_assessable: int
    line: int | None
    document: str | None
    organization: str | None
    year: int | None


class CheckResult(BaseModel):
    """All records in the order sent; `broken` counts those with a failed hard rule."""

    records: list[Checked]
    broken: int
    notes: list[str] = Field(description="what to know of `previous`")


class RuleEntry(BaseModel):
    """A rule of the catalogue."""

    rule: str
    family: str
    severity: Literal["error", "warning", "info"]
    formula: str
    instances: str
    applies: str
    needs: str | None
    source: str
    zh: str
    en: str
    false_positives: str
    passes: dict[str, Any]
    fails: dict[str, Any]


class Rules(BaseModel):
    """The rule catalogue."""

    rules: list[RuleEntry]
