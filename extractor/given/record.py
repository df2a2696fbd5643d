"""The caller's own record (`given`), checked: every fault is named by its path, nothing is coerced or left out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any, NamedTuple

from extractor.errors import UsageError
from extractor.form import DISPUTE_BLOCKS, DISPUTE_COLUMNS, FORM, GROUPS, REQUEST_COLUMNS, REQUEST_ROWS, group_all
from extractor.results import MAX_DIGITS, Value

_MOST_FAULTS = 20
_RECORD_KEYS = ("form", "organization", "year", "title", "sections", "disclosure", "requests", *DISPUTE_BLOCKS)
# Beside `record` in a line: whose it is. Other keys there are the caller's own, unless they look like ours.
_LINE_KEYS = ("source", "record", "year", "organization")
_AMOUNT = re.compile(r"\d{1,15}(?:\.\d{1,9})?")
NUMBERED = re.compile(r"#([1-9]\d{0,5})$")


@dataclass(frozen=True, slots=True)
class Given:
    """What the caller's own parser says of one report: `values` by cell path, only what it knows.

    `number`: which report of its file it is (`path#2`), where the caller says so.
    """

    values: dict[str, Value] = field(default_factory=dict)
    form: str | None = None
    organization: str | None = None
    year: int | None = None
    unit: str | None = None
    source: str | None = None
    number: int | None = None


class _Fault(NamedTuple):
    code: str
    path: str
    text: str


def parse_given(raw: object, where: str = "") -> Given | None:
    """The caller's record, checked; None for a line whose `record` is null (a document that failed).

    `raw` is a record or a line of `gouji extract --json`. `where` stands before the paths of a message.
    Errors: UsageError `given_*` naming every fault; of several kinds, `given_invalid`.
    """
    faults: list[_Fault] = []
    given = _line(raw, faults)
    if faults:
        codes = {fault.code for fault in faults}
        shown = "; ".join(f"{where}{fault.path}: {fault.text}" for fault in faults[:_MOST_FAULTS])
        more = f"; and {len(faults) - _MOST_FAULTS} more" if len(faults) > _MOST_FAULTS else ""
        raise UsageError(
            codes.pop() if len(codes) == 1 else "given_invalid",
            f"The given record has {len(faults)} {'fault' if len(faults) == 1 else 'faults'}: {shown}{more}.",
            "Its shape is `record` of `gouji extract --json`: counts are numbers, amounts exact decimals, "
            "null is what you do not know.",
        )
    return given


def _line(raw: object, faults: list[_Fault]) -> Given | None:
    if not isinstance(raw, Mapping):
        faults.append(_Fault("given_not_an_object", "given", f"must be an object, not {_kind(raw)}"))
        return None
    if "record" not in raw:
        return _record(raw, "", None, faults)
    loose = [key for key in raw if key in _RECORD_KEYS or get_close_matches(str(key)[:80], _LINE_KEYS, 1, 0.8)]
    _known(dict.fromkeys(loose), _LINE_KEYS, "", faults)
    outer = {"organization": raw.get("organization"), "year": raw.get("year")}
    source = _text(raw, "source", "source", faults)
    if raw["record"] is None:
        return None
    record = _object(raw["record"], "record", faults)
    if record is None:
        return None
    return _record({**{k: v for k, v in outer.items() if v is not None}, **record}, "record.", source, faults)


def _record(raw: Mapping[Any, Any], at: str, source: str | None, faults: list[_Fault]) -> Given:
    _known(raw, _RECORD_KEYS, at, faults)
    values: dict[str, Value] = {}
    form = raw.get("form")
    if form is not None and (not isinstance(form, str) or form not in FORM.versions):
        names = " or ".join(f'"{version}"' for version in sorted(FORM.versions))
        faults.append(_Fault("given_form", f"{at}form", f"{show(form)} is no form; it is {names}"))
        form = None
    year = raw.get("year")
    if year is not None and (isinstance(year, bool) or not isinstance(year, int) or not 1900 < year < 2200):
        faults.append(_Fault("given_not_a_year", f"{at}year", f"{show(year)} is no year"))
        year = None
    _text(raw, "title", f"{at}title", faults)
    organization = _text(raw, "organization", f"{at}organization", faults)
    unit = _disclosure(raw.get("disclosure"), at, form, values, faults)
    rows = (*REQUEST_ROWS, *map(group_all, GROUPS))
    requests = _object(raw.get("requests"), f"{at}requests", faults) or {}
    _known(requests, rows, f"{at}requests.", faults)
    for key in rows:
        _counts(requests.get(key), f"{at}requests.{key}", f"requests.{key}", REQUEST_COLUMNS, values, faults)
    for block in DISPUTE_BLOCKS:
        _counts(raw.get(block), f"{at}{block}", block, DISPUTE_COLUMNS, values, faults)
    number = NUMBERED.search(source or "")
    return Given(values, form, organization, year, unit, source, int(number[1]) if number else None)


def _disclosure(raw: object, at: str, form: str | None, values: dict[str, Value], faults: list[_Fault]) -> str | None:
    """Table 2 in the form that the caller names, else in the one form that has all its keys; its printed unit."""
    table = _object(raw, f"{at}disclosure", faults) or {}
    fields: dict[str, dict[str, None]] = {}
    for version in (form,) if form else sorted(FORM.versions):
        for row in FORM.disclosure_rows(version):
            names = row.fields[version]
            unit_too = ("unit",) if "amount" in names else ()
            fields.setdefault(row.key, {}).update(dict.fromkeys((*names, *unit_too)))
    _known(table, tuple(fields), f"{at}disclosure.", faults)
    unit: str | None = None
    used = []
    for key, known in fields.items():
        path = f"{at}disclosure.{key}"
        row_given = _object(table.get(key), path, faults) or {}
        _known(row_given, tuple(known), f"{path}.", faults)
        for name in known:
            if row_given.get(name) is None:
                continue
            used.append((key, name))
            if name == "unit":
                said = _text(row_given, "unit", f"{path}.unit", faults)
                unit = said if key == "fees" else unit
                continue
            value = _number(row_given[name], FORM.fields[name].kind, f"{path}.{name}", faults)
            if value is not None:
                values[f"disclosure.{key}.{name}"] = value
    if not any(_has(version, used) for version in FORM.versions):
        text = "holds cells of the 2019 form beside cells of the 2021 form"
        faults.append(_Fault("given_form", f"{at}disclosure", text))
    return unit


def _has(version: str, used: list[tuple[str, str]]) -> bool:
    cells = {(row.key, name) for row in FORM.disclosure_rows(version) for name in (*row.fields[version], "unit")}
    return cells.issuperset(used)


def _counts(
    raw: object, at: str, path: str, columns: Sequence[str], values: dict[str, Value], faults: list[_Fault]
) -> None:
    row = _object(raw, at, faults)
    if row is None:
        return
    _known(row, columns, f"{at}.", faults)
    for column in columns:
        if row.get(column) is not None:
            value = _number(row[column], "count", f"{at}.{column}", faults)
            if value is not None:
                values[f"{path}.{column}"] = value


def _number(raw: object, kind: str, at: str, faults: list[_Fault]) -> Value | None:
    """A count (`signed` may be negative) as int, an amount as exact decimal; None with a fault noted."""
    amount = kind == "amount"
    wanted = 'an exact decimal ("12.5")' if amount else "a whole number"
    value: Value | None = None
    if isinstance(raw, int) and not isinstance(raw, bool):
        value = Decimal(raw) if amount else raw
    elif amount and isinstance(raw, (Decimal, float, str)):
        try:
            number = Decimal(str(raw)) if not isinstance(raw, str) or _AMOUNT.fullmatch(raw) else None
        except InvalidOperation:
            number = None
        value = number if number is not None and number.is_finite() else None
    if value is None:
        code = "given_not_an_amount" if amount else "given_not_a_count"
        as_text = " (a string)" if isinstance(raw, str) and not amount else ""
        faults.append(_Fault(code, at, f"{show(raw)}{as_text} is not {wanted}"))
        return None
    if value < 0 and kind != "signed":
        faults.append(_Fault("given_negative", at, f"{show(raw)} is negative"))
        return None
    if abs(value) >= 10**MAX_DIGITS:
        faults.append(_Fault("given_too_large", at, f"{show(raw)} has more than {MAX_DIGITS} digits"))
        return None
    return value


def _object(raw: object, at: str, faults: list[_Fault]) -> Mapping[Any, Any] | None:
    if raw is None or isinstance(raw, Mapping):
        return raw
    faults.append(_Fault("given_not_an_object", at, f"must be an object, not {_kind(raw)}"))
    return None


def _text(raw: Mapping[Any, Any], key: str, at: str, faults: list[_Fault]) -> str | None:
    value = raw.get(key)
    if value is None or isinstance(value, str):
        return value
    faults.append(_Fault("given_not_text", at, f"{show(value)} is no text"))
    return None


def _known(raw: Mapping[Any, Any], known: Sequence[str], at: str, faults: list[_Fault]) -> None:
    for key in raw:
        if key in known:
            continue
        near = get_close_matches(str(key)[:80], known, 1)
        faults.append(
            _Fault("given_unknown_key", f"{at}{cut(str(key))}", f"no such key{f'; {near[0]}?' if near else ''}")
        )


def _kind(raw: object) -> str:
    return "null" if raw is None else "a list" if isinstance(raw, (list, tuple)) else type(raw).__name__


def cut(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"


def show(raw: object) -> str:
    """A value for a message, never a long one."""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, (Mapping, list, tuple)):
        return _kind(raw) if not isinstance(raw, Mapping) else "an object"
    if isinstance(raw, int):
        return str(raw) if abs(raw) < 10**40 else "a number of more than 40 digits"
    return cut(json.dumps(raw, ensure_ascii=False) if isinstance(raw, str) else str(raw))
