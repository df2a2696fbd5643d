"""The record's pydantic models, built from the form: their keys cannot drift from form.toml."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, create_model

from extractor.form import DISPUTE_BLOCKS, DISPUTE_COLUMNS, FORM, GROUPS, REQUEST_COLUMNS, REQUEST_ROWS, group_all
from extractor.results import exact


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
    Decimal, BeforeValidator(_amount), Field(ge=0), PlainSerializer(lambda v: format(v, "f"), return_type=str)
]
Span = tuple[int, int]

_KINDS: dict[str, Any] = {"count": Count, "signed": Signed, "amount": Amount}


class Strict(BaseModel):
    """Unknown keys are errors; nothing is coerced silently."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
        rows[row.key] = (create_model(f"Disclosure_{row.key}", __base__=Strict, **_optional(cells)), ...)
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
    model: type[BaseModel] = create_model(f"Record{version}", __base__=Strict, **fields)
    return model


def validate_record(record: dict[str, Any]) -> BaseModel:
    """A record (the contract's JSON object) as a checked model; pydantic.ValidationError names every fault's path."""
    return record_model(str(record.get("form", "2021"))).model_validate(record)
