"""Pydantic models of the record and of the output line, built from the form: their keys cannot drift from form.toml."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Literal, Union

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    create_model,
)

from extractor.form import DISPUTE_BLOCKS, DISPUTE_COLUMNS, FORM, GROUPS, REQUEST_COLUMNS, REQUEST_ROWS, group_all
from extractor.results import Blame, Method, Severity, State, Verdict, exact


def _amount(value: Any) -> Decimal:
    amount = exact(value)
    if amount is None:
        raise ValueError("no exact decimal")
    return amount


# No count has forty digits; what has is not even added up.
MOST = 10**40
Count = Annotated[int, Field(ge=0, le=MOST, strict=True)]
Signed = Annotated[int, Field(ge=-MOST, le=MOST, strict=True)]
# Exact: a decimal string in JSON, never a float.
Amount = Annotated[
    Decimal,
    BeforeValidator(_amount),
    Field(ge=0),
    PlainSerializer(lambda v: format(v, "f"), return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^(0|[1-9][0-9]{0,23})(\.[0-9]{1,24})?$"}),
]
Span = tuple[int, int]

_KINDS: dict[str, Any] = {"count": Count, "signed": Signed, "amount": Amount}


class Strict(BaseModel):
    """Unknown keys are errors; nothing is coerced silently."""

    # What gouji writes has every key, null where there is no value.
    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_serialization_defaults_required=True)


def _optional(names: dict[str, Any]) -> dict[str, Any]:
    return {name: (kind | None, None) for name, kind in names.items()}


ApplicantCounts = create_model("ApplicantCounts", __base__=Strict, **_optional(dict.fromkeys(REQUEST_COLUMNS, Count)))
OutcomeCounts = create_model("OutcomeCounts", __base__=Strict, **_optional(dict.fromkeys(DISPUTE_COLUMNS, Count)))


@lru_cache(maxsize=4)
def record_model(version: str) -> type[BaseModel]:
    """The model of a record of this form version (`2021` or `2019`)."""
    rows: dict[str, Any] = {}
    for row in FORM.disclosure_rows(version):
        cells: dict[str, Any] = {name: _KINDS[FORM.fields[name].kind] for name in row.fields[version]}
        if "amount" in cells:
            cells["unit"] = str
        name = f"Disclosure{version.replace('2021', '')}_{row.key}"
        rows[row.key] = (create_model(name, __base__=Strict, **_optional(cells)), ...)
    disclosure = create_model(f"Disclosure{version}", __base__=Strict, **rows)
    requests: dict[str, Any] = {f"row_{i}": (ApplicantCounts, Field(alias=key)) for i, key in enumerate(REQUEST_ROWS)}
    requests |= {
        f"all_{group}": (ApplicantCounts | None, Field(default=None, alias=group_all(group))) for group in GROUPS
    }
    fields: dict[str, Any] = {
        "form": (Literal[version], ...),
        "organization": (str | None, None),
        "year": (Annotated[int, Field(strict=True, ge=1900, le=2200)] | None, None),
        "title": (str | None, None),
        "sections": (dict[str, Span | None], {}),
        "disclosure": (disclosure, ...),
        "requests": (create_model("Requests", __base__=Strict, **requests), ...),
        **dict.fromkeys(DISPUTE_BLOCKS, (OutcomeCounts, ...)),
    }
    whole: type[BaseModel] = create_model(f"Record{version}", __base__=Strict, **fields)
    return whole


def validate_record(record: dict[str, Any]) -> BaseModel:
    """A record (the contract's JSON object) as a checked model; pydantic.ValidationError names every fault's path."""
    return record_model(str(record.get("form", "2021"))).model_validate(record)


Whole = Annotated[int, Field(strict=True)]
# Counts as integers, amounts as exact decimal strings.
Printed = Whole | Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
Position = Annotated[list[Annotated[int, Field(strict=True, ge=0)]], Field(min_length=2, max_length=2)]


class Open(BaseModel):
    """Unknown keys are let through: a later gouji may add some."""

    model_config = ConfigDict(extra="allow", frozen=True)


class PlaceModel(Open):
    """Where a cell stands in its file, as far as the format says; counted from 1."""

    sheet: str | None = None
    ref: str | None = None
    page: Whole | None = None
    table: Whole | None = None
    row: Whole | None = None
    column: Whole | None = None
    box: Annotated[list[float], Field(min_length=4, max_length=4)] | None = None


class CellModel(Open):
    """One cell of the form: what is on paper, and where the value comes from."""

    path: str
    value: Printed | None
    state: State
    raw: str | None
    span: Position | None
    method: Method | None
    unit: str | None = None
    because: list[str] = []
    candidates: list[Printed] = []
    place: PlaceModel | None = None


class HypothesisModel(Open):
    """A smallest set of cells whose change would satisfy all rules that fail together."""

    cells: list[str]
    text: str


class EvidenceModel(Open):
    """Characters of the stored text that a finding speaks of."""

    of: str
    raw: str
    span: Position


class FindingModel(Open):
    """A rule that failed or could not be assessed."""

    rule: str
    status: Literal["fail", "not_assessable"]
    severity: Severity
    left: Printed | None
    right: Printed | None
    cells: list[str]
    suspects: list[str]
    hypotheses: list[HypothesisModel]
    blame: Blame
    message: str
    reason: str = ""
    message_en: str = ""
    evidence: list[EvidenceModel] = []
    missing: list[str] = []


class ClaimModel(Open):
    """What the narrative says of one of the form's numbers."""

    field: str
    value: Printed
    raw: str
    span: Position
    scope: Literal["body", "region", "office", "subordinates", "other"]
    year: Whole | None
    unit: str | None
    about: Literal["about", "at_least", "at_most"] | None
    method: Literal["rule", "llm"]


class DivisionModel(Open):
    """A division of the country, and what it lies in."""

    code: str | None
    province: str | None
    city: str | None
    county: str | None
    town: str | None


class PieceModel(Open):
    """Characters of the stored text."""

    raw: str
    span: Position


class RegionModel(DivisionModel):
    """Where the issuing body belongs; `code` (GB/T 2260) only where that is sure."""

    level: str | None
    department: str | None
    sure: bool
    evidence: list[PieceModel] = []
    candidates: list[DivisionModel] = []
    edition: str | None = None


class UsageModel(Open):
    """What the model stage cost."""

    calls: Whole
    prompt_tokens: Whole
    completion_tokens: Whole
    cost: str | None


class ErrorModel(Open):
    """Why nothing came out, and what to do."""

    code: str
    message: str
    hint: str


class TableVerdicts(Strict):
    """The verdict of each table."""

    disclosure: Verdict
    requests: Verdict
    disputes: Verdict


def either_record() -> Any:
    """The type of a record of any version."""
    versions: Any = Union[tuple(record_model(version) for version in FORM.versions)]  # noqa: UP007
    return Annotated[versions, Field(discriminator="form")]


@lru_cache(maxsize=1)
def line_model() -> type[BaseModel]:
    """The model of one line of `gouji extract --json`."""
    fields: dict[str, Any] = {
        "source": (str, ...),
        "sha256": (Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None, ...),
        "verdict": (Verdict, ...),
        "verdicts": (TableVerdicts, ...),
        "record": (either_record() | None, ...),
        "cells": (list[CellModel], ...),
        "findings": (list[FindingModel], ...),
        "usage": (UsageModel, ...),
        "claims": (list[ClaimModel], []),
        "error": (ErrorModel | None, ...),
        "region": (RegionModel | None, None),
    }
    line: type[BaseModel] = create_model("Line", __base__=Open, **fields)
    return line
