"""From JSON to cases: a record, a line of `extract --json`, a gold file, or many of them.

Nothing is coerced and nothing is left unsaid: what is malformed becomes a finding with its path (rules `record.*`),
and the cells beside it are still judged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationError

from extractor.errors import InputError
from extractor.form import DISPUTE_BLOCKS, DISPUTE_COLUMNS, FORM, GROUPS, REQUEST_COLUMNS, REQUEST_ROWS, group_all
from extractor.record import record_model
from extractor.results import Finding
from extractor.rules.case import Case, case_of_record
from extractor.rules.engine import fail
from extractor.rules.page import add_page

MOST_BYTES = 64 * 2**20  # of one line, or of a file that is one JSON text
_MOST_FAULTS = 50


@dataclass(slots=True)
class Intake:
    """One record of an input. `line` counts from 1 (None: the file is one JSON text), `document` is the `source` that
    the line names; `case` is None where nothing could be made of it, and then `findings` says why."""

    line: int | None
    document: str | None = None
    case: Case | None = None
    findings: list[Finding] = field(default_factory=list)
    doubts: dict[str, list[str]] = field(default_factory=dict)
    carried: list[Finding] = field(default_factory=list)  # the line's own findings on its text, which is not here


def read_file(path: str | Path, at: Callable[[int], None] | None = None) -> Iterator[Intake]:
    """The records of a file; `at` is told how many bytes were read. Errors: InputError if it cannot be read at all."""
    try:
        with Path(path).open("rb") as stream:
            for intake in read_stream(stream):
                if at is not None:
                    at(stream.tell())
                yield intake
    except OSError as error:
        raise InputError("unreadable", f"{path}: {error.strerror or error}.", "Give a file with records.") from error


def read_stream(stream: BinaryIO) -> Iterator[Intake]:
    """The records of JSON Lines, of one JSON object, or of one JSON array."""
    first = stream.readline(MOST_BYTES)
    while first and not first.strip().removeprefix(b"\xef\xbb\xbf"):
        first = stream.readline(MOST_BYTES)
    if not first:
        yield _unparsed(None, "文件是空的 / it is empty")
        return
    try:
        whole = parse(first)
    except ValueError:
        rest = stream.read(MOST_BYTES - len(first) + 1)
        if len(first) + len(rest) > MOST_BYTES:
            yield _unparsed(None, f"大于 {MOST_BYTES} 字节 / more than {MOST_BYTES} bytes in one JSON text")
            return
        try:
            yield from _of_whole(parse(first + rest))
            return
        except ValueError as error:
            if not _looks_like_lines(rest):
                yield _unparsed(None, str(error))
                return
        lines: Iterable[bytes] = [first, *rest.splitlines()]
        yield from _of_lines(lines)
        return
    if isinstance(whole, list):
        yield from _of_whole(whole)
        return
    yield take(whole, 1)
    yield from _of_lines(iter(lambda: stream.readline(MOST_BYTES), b""), 2)


def _looks_like_lines(rest: bytes) -> bool:
    lines = [line.strip() for line in rest.splitlines() if line.strip()]
    return bool(lines) and sum(line.startswith(b"{") and line.endswith(b"}") for line in lines) * 2 > len(lines)


def _of_whole(whole: Any) -> Iterator[Intake]:
    if isinstance(whole, list):
        for number, item in enumerate(whole, 1):
            yield take(item, number)
    else:
        yield take(whole, None)


def _of_lines(lines: Iterable[bytes], first: int = 1) -> Iterator[Intake]:
    for number, line in enumerate(lines, first):
        if not line.strip():
            continue
        try:
            parsed = parse(line)
        except ValueError as error:
            yield _unparsed(number, str(error))
            continue
        yield take(parsed, number)


def _unparsed(line: int | None, why: str) -> Intake:
    where = "文件 / the file" if line is None else f"第 {line} 行 / line {line}"
    return Intake(line, findings=[fail("record.json", where=where, why=why)])


def parse(data: bytes) -> Any:
    """JSON with exact decimals and without duplicate keys. Errors: ValueError with what is wrong."""
    try:
        text = data.decode("utf-8-sig")
        return json.loads(text, parse_float=_exact, object_pairs_hook=_unique)
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg}, line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _exact(number: str) -> Decimal | float:
    try:
        return Decimal(number)
    except InvalidOperation:  # an exponent beyond all bounds
        return float("nan")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {_short(twice)} occurs twice in one object")
    return found


def take(item: Any, line: int | None) -> Intake:
    """One parsed JSON value as a case with what is malformed in it."""
    if not isinstance(item, dict):
        found = Intake(line)
        found.findings.append(_shape("record", "不是 JSON 对象", f"is no JSON object but {_kind(item)}"))
        return found
    outer = item if "record" in item else {}
    document = outer.get("source") if isinstance(outer.get("source"), str) else None
    found = Intake(line, document)
    record = outer["record"] if outer else item
    if outer and record is None:
        error = outer.get("error")
        why = error.get("message") if isinstance(error, dict) else None
        finding = fail("record.none", why=_short(why or "record is null"))
        finding.status = "not_assessable"  # the document failed, no rule of the form did
        found.findings.append(finding)
        return found
    if not isinstance(record, dict):
        found.findings.append(_shape("record", "不是 JSON 对象", f"is no JSON object but {_kind(record)}"))
        return found
    if outer and "cells" not in outer:
        record = _without_marks(record)
    found.findings += malformed(record)
    if not any(key in record for key in ("disclosure", "requests", *DISPUTE_BLOCKS)):
        return found
    found.case = case_of_record(record)
    if outer:
        add_page(found.case, outer, found.findings, found.doubts, found.carried)
    return found


def _without_marks(record: dict[str, Any], depth: int = 3) -> dict[str, Any]:
    """A gold record with its `?` (the text does not decide the cell) as no value."""
    return {
        key: _without_marks(value, depth - 1) if isinstance(value, dict) and depth else None if value == "?" else value
        for key, value in record.items()
    }


def malformed(record: Mapping[str, Any]) -> list[Finding]:
    """What keeps a record from being one of the form: unknown keys, missing tables, values that are no numbers."""
    form = record.get("form")
    findings: list[Finding] = []
    if not isinstance(form, str) or form not in FORM.versions:
        known = "、".join(FORM.versions)
        shown = "缺 / is missing" if form is None else _short(form)
        findings.append(_shape("form", f"{shown}，应为 {known}", f"{shown} is none of {', '.join(FORM.versions)}"))
        form = "2021"
    try:
        record_model(str(form)).model_validate({**record, "form": form})
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        findings += [_fault(fault) for fault in faults[:_MOST_FAULTS] if not _missing_row(fault)]
        if len(faults) > _MOST_FAULTS:
            more = len(faults) - _MOST_FAULTS
            findings.append(_shape("record", f"另有 {more} 处错误", f"has {more} more faults"))
    empty = [name for name in ("disclosure", "requests", *DISPUTE_BLOCKS) if record.get(name) == {}]
    findings += [_shape(name, "表是空的", "is an empty table") for name in empty]
    stood_for = {f"requests.{group}." for group in GROUPS if f"requests.{group_all(group)}" in _keys_of(record)}
    absent = sorted(_keys(str(form)) - _keys_of(record))
    absent = [path for path in absent if not path.startswith(tuple(stood_for))] if stood_for else absent
    absent = [path for path in absent if (head := path.partition(".")[0]) in record and head not in empty]
    if absent:
        names = ", ".join(absent[:4]) + (" …" if len(absent) > 4 else "")
        findings.append(fail("record.incomplete", absent[:_MOST_FAULTS], n=len(absent), names=names))
    return findings


def _missing_row(fault: Any) -> bool:
    return fault["type"] == "missing" and len(fault["loc"]) == 2 and fault["loc"][0] in ("disclosure", "requests")


def _fault(fault: Any) -> Finding:
    path = ".".join(str(part) for part in fault["loc"])
    kind, shown = fault["type"], _short(fault.get("input"))
    if kind == "extra_forbidden":
        return _shape(path, "格式中没有这个键", "is no key of the form")
    if kind == "missing":
        return _shape(path, "缺这一部分", "is missing")
    if isinstance(fault.get("input"), dict | list) or kind in ("model_type", "dict_type"):
        return _shape(path, "结构不对", f"should not be {_kind(fault.get('input'))}")
    if kind in ("greater_than_equal", "less_than_equal") and path != "year":
        return fail("record.count", (path,), of=path, where=path, shown=shown, suspects=(path,))
    why_zh, why = ("不是整数", "is no whole number")
    if path.endswith(".amount"):
        why_zh, why = "不是精确小数", "is no exact decimal"
    elif path == "year":
        why_zh, why = "不是年份", "is no year"
    elif path in ("organization", "title") or path.endswith(".unit"):
        why_zh, why = "不是文字", "is no text"
    return fail("record.value", (path,), of=path, shown=shown, why_zh=why_zh, why=why)


def _shape(path: str, zh: str, en: str) -> Finding:
    return fail("record.shape", (path,), of=path, why_zh=zh, why=en)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true/false", type(None): "null"}
    return names.get(type(value), "a number")


def _short(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)[:40]
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except ValueError:  # an integer of more digits than Python prints
        return "a number without end"
    return text if len(text) <= 60 else text[:59] + "…"


@lru_cache(maxsize=4)
def _keys(form: str) -> frozenset[str]:
    """All row and cell keys that a record of the form has, as paths."""
    paths = {f"requests.{row}" for row in REQUEST_ROWS}
    paths |= {f"requests.{row}.{column}" for row in REQUEST_ROWS for column in REQUEST_COLUMNS}
    paths |= {f"{block}.{column}" for block in DISPUTE_BLOCKS for column in DISPUTE_COLUMNS}
    for row in FORM.disclosure_rows(form):
        paths.add(f"disclosure.{row.key}")
        paths |= {f"disclosure.{row.key}.{name}" for name in row.fields[form]}
    return frozenset(paths)


def _keys_of(record: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    for table in ("disclosure", "requests"):
        rows = record.get(table)
        for row, cells in rows.items() if isinstance(rows, dict) else ():
            found.add(f"{table}.{row}")
            if isinstance(cells, dict):
                found.update([f"{table}.{row}.{name}" for name in cells])
    for block in DISPUTE_BLOCKS:
        cells = record.get(block)
        if isinstance(cells, dict):
            found.update([f"{block}.{name}" for name in cells])
    return found
