"""The shapes of answers: pydantic models whose schema leaves only numbers that the excerpt prints.

The schema binds an endpoint that enforces schemas; validation is as wide as the shape, because an invented number is
dropped when it cannot be laid over the text (ground.py), not asked for again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, create_model

from extractor.results import Value

_NOTHING = {"", "-", "--", "—", "/", "\\", "_", "null", "none", "无", "空", "空白", "不涉及"}


class Closed(BaseModel):
    """No further keys."""

    model_config = ConfigDict(extra="forbid")


def as_written(given: Any) -> Decimal | None:
    """A number as models write it (`5`, `"5"`, `5.0`, `"1,234"`, `""` for blank); exact. Errors: ValueError."""
    if given is None or isinstance(given, bool):
        if given is None:
            return None
        raise ValueError("not a number")
    text = str(given).strip().replace(",", "")
    if text.lower() in _NOTHING:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ValueError("not a number") from error
    if not number.is_finite() or abs(number) > 10**15:
        raise ValueError("not a number of this form")
    return number


def _number(given: Any) -> int | Decimal | None:
    number = as_written(given)
    if number is None:
        return None
    return int(number) if number == number.to_integral_value() and "." not in str(given) else number


@lru_cache(maxsize=512)
def _cell(printed: tuple[Value, ...]) -> Any:
    """A cell: one of the printed numbers, or null."""
    plain = [int(v) if v == v.to_integral_value() else float(v) for v in map(Decimal, printed)]
    numbers: dict[str, Any] = {"type": "number" if any(isinstance(v, float) for v in plain) else "integer"}
    kinds = [numbers | {"enum": list(dict.fromkeys(plain))}] if plain else []
    return Annotated[Any, BeforeValidator(_number), WithJsonSchema({"anyOf": [*kinds, {"type": "null"}]})]


def _model(name: str, fields: dict[str, Any]) -> type[BaseModel]:
    make: Any = create_model
    made: type[BaseModel] = make(name, __base__=Closed, **fields)
    return made


def _array(width: int, printed: Sequence[Value]) -> Any:
    kind: Any = list.__class_getitem__(_cell(tuple(printed)))
    return Annotated[kind, Field(min_length=width, max_length=width)]


def rows_answer(widths: Sequence[int], printed: Sequence[Sequence[Value]]) -> type[BaseModel]:
    """`{"rows": {"1": [...], "2": [...]}}`: for each row asked an array of its cells from left to right."""
    fields: dict[str, Any] = {}
    for number, (width, values) in enumerate(zip(widths, printed, strict=True), 1):
        array = _array(width, values)
        fields[f"row_{number}"] = (array, Field(alias=str(number)))
    return _model("Rows", fields)


def keyed_answer(rows: Mapping[str, tuple[str, ...]], printed: Mapping[str, Sequence[Value]]) -> type[BaseModel]:
    """`{"<row>": {"<column>": number}}`: every cell under its own name."""
    fields: dict[str, Any] = {}
    for index, (row, columns) in enumerate(rows.items(), 1):
        cell = _cell(tuple(printed[row]))
        inner = {f"cell_{i}": (cell, Field(alias=name)) for i, name in enumerate(columns, 1)}
        fields[f"row_{index}"] = (_model(f"Row{index}", inner), Field(alias=row))
    return _model("Keyed", fields)


def array_answer(width: int, printed: Sequence[Value]) -> type[BaseModel]:
    """`{"cells": [...]}`."""
    fields: dict[str, Any] = {"cells": (_array(width, printed), ...)}
    return _model("Cells", fields)


def choice_answer(letters: Sequence[str]) -> type[BaseModel]:
    """`{"choice": "A"}`: one of the readings that were listed, or `none`."""
    schema = {"type": "string", "enum": [*letters, "none"]}
    return _model("Choice", {"choice": (Annotated[str, WithJsonSchema(schema)], ...)})


def identity_answer(years: Sequence[int]) -> type[BaseModel]:
    """`{"organization": "…", "year": 2023}`, each null where the text does not say it."""
    year = Annotated[
        Any,
        BeforeValidator(_number),
        WithJsonSchema({"anyOf": [{"type": "integer", "enum": list(years)}, {"type": "null"}]}),
    ]
    name = Annotated[str | None, Field(max_length=60)]
    return _model("Identity", {"organization": (name, ...), "year": (year, ...)})


def of_rows(answer: BaseModel) -> list[list[Value | None]]:
    """The arrays of a rows answer in the order asked."""
    return [list(getattr(answer, name)) for name in type(answer).model_fields]


def of_keyed(answer: BaseModel) -> list[list[Value | None]]:
    """The cells of a keyed answer, row by row."""
    rows = [getattr(answer, name) for name in type(answer).model_fields]
    return [[getattr(row, name) for name in type(row).model_fields] for row in rows]
