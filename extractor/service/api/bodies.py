"""A request's body: read within limits, and taken apart as JSON, JSON Lines or multipart. Nothing of it reaches a disk.

Every fault of a body is a problem document; nothing here trusts a length, a type or a character of it.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from io import BytesIO
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import FormParser, parse_options_header

from extractor.service.api.problems import Problem
from extractor.service.settings import Settings

JSON_LINES = ("application/x-ndjson", "application/jsonl", "application/jsonlines", "application/x-jsonlines")
CLOSE = {"Connection": "close"}  # what was not read of a body must not be taken for the next request
_SEE = "See /docs for what is asked for."
_MOST_FAULTS = 20
_DEEPEST = 50  # levels of `given`
_WIDEST = 40  # digits of an integer; no count has as many
_MEMBERS = 10_000  # keys of one object
# Values in the JSON about one document. Each costs some hundred bytes and, where it is at fault, a message of its own:
# without a bound the 20 MB of one request are 10 GB and minutes.
VALUES = 20_000
_STRING = re.compile(r'"[^"]*+"')

Model = TypeVar("Model", bound=BaseModel)


def media_type(request: Request) -> str:
    """The body's media type in small letters, without its parameters; empty where none is named."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_body(request: Request, settings: Settings) -> bytes:
    """The whole body. Errors: Problem `too_large`, before more than that is read; `slow_body`; `bad_request`."""
    if request.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise Problem("unsupported_media_type", "The body is compressed.", "Send it as it is.", CLOSE)
    said = request.headers.get("content-length", "")
    if said.isdecimal() and (len(said) > 18 or int(said) > settings.max_body):
        raise _too_large(settings)
    pieces, size, until = [], 0, time.monotonic() + settings.body_seconds
    try:
        async with asyncio.timeout(None) as limit:
            loop = asyncio.get_running_loop()
            limit.reschedule(loop.time() + min(settings.body_pause, settings.body_seconds))
            async for piece in request.stream():
                size += len(piece)
                if size > settings.max_body:
                    raise _too_large(settings)
                pieces.append(piece)
                limit.reschedule(loop.time() + min(settings.body_pause, until - time.monotonic()))
    except TimeoutError:
        raise Problem("slow_body", "The request's body came too slowly.", "Send it in one go.", CLOSE) from None
    return b"".join(pieces)


def _too_large(settings: Settings) -> Problem:
    return Problem(
        "too_large",
        f"The body is larger than {settings.max_body} bytes.",
        "Send less at once, or ask whoever runs the service for a higher --max-body.",
        CLOSE,
        limit=settings.max_body,
    )


def parse_json(data: bytes | str, where: str = "The body", most: int = VALUES) -> Any:
    """JSON with exact decimals, without duplicate keys and constants that are no JSON, of at most so many values.

    Errors: Problem `bad_request`, `too_large`.
    """
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
        if _more_values(text, most):
            raise Problem("too_large", f"{where} holds more than {most} values.", "Send less at once.", limit=most)
        return json.loads(
            text, parse_float=_exact, parse_int=_whole, parse_constant=_no_number, object_pairs_hook=_unique
        )
    except UnicodeDecodeError as error:
        why = f"byte {error.start} is not UTF-8"
    except json.JSONDecodeError as error:
        why = f"{error.msg}, line {error.lineno} column {error.colno}"
    except RecursionError:
        why = "nested too deeply"
    except ValueError as error:
        why = str(error)
    raise Problem("bad_request", f"{where} is no JSON: {why}.", "Send JSON in UTF-8.")


def _more_values(text: str, most: int) -> bool:
    """Whether JSON has more values than that, told without making any."""

    def separators(words: str) -> int:
        return sum(map(words.count, ",[{"))

    if separators(text) < most:
        return False
    plain_strings = text.replace("\\\\", "").replace('\\"', "")
    outside, strings = _STRING.subn("", plain_strings, 2 * most)  # keys are strings too
    return strings == 2 * most or separators(outside) >= most


def _exact(digits: str) -> Decimal:
    number = Decimal(digits) if len(digits) <= 2 * _WIDEST else Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > 2 * _WIDEST:
        raise ValueError(f"{digits[:_WIDEST]} is a number beyond all bounds")
    return number


def _whole(digits: str) -> int:
    if len(digits) > _WIDEST:
        raise ValueError(f"{digits[:_WIDEST]}… is a number beyond all bounds")
    return int(digits)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > _MEMBERS:
        raise ValueError(f"an object has more than {_MEMBERS} keys")
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice in one object")
    return found


def json_lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers from 1."""
    for number, line in enumerate(BytesIO(data.removeprefix(b"\xef\xbb\xbf")), 1):
        if line.strip():
            yield number, line


@dataclass(slots=True)
class Form:
    """What a multipart body holds: fields by name, files in their order, each with the name of its field."""

    fields: dict[str, str] = field(default_factory=dict)
    files: list[tuple[str, str, bytes]] = field(default_factory=list)  # field, file name, bytes


def parse_form(
    data: bytes, content_type: str, most_files: int, names: tuple[str, ...], files: tuple[str, ...] = ("file",)
) -> Form:
    """A multipart body whose parts are called `names` (fields) or `files`.

    Errors: Problem `bad_request`, `invalid_request`, `too_large` for more files than asked for.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise Problem("bad_request", "The multipart body names no boundary.", "Send multipart/form-data.")
    form, ended = Form(), False

    def on_field(found: Any) -> None:
        name = _words(found.field_name)
        if name == "file":  # a part that has no file name
            add(name, "", found.value or b"")
            return
        if name not in names or name in form.fields:
            why = "stands twice" if name in form.fields else f"is none of {', '.join((*files, *names))}"
            raise Problem("invalid_request", f"The field {name[:60]!r} {why}.", _SEE)
        form.fields[name] = _words(found.value or b"")

    def on_file(found: Any) -> None:
        found.file_object.seek(0)
        add(_words(found.field_name), _words(found.file_name), found.file_object.read())
        found.close()

    def add(name: str, file_name: str, content: bytes) -> None:
        if name not in files:
            raise Problem("invalid_request", f"The file part {name[:60]!r} is none of {', '.join(files)}.", _SEE)
        if len(form.files) >= most_files:
            raise Problem("too_large", f"There are more than {most_files} files.", "Send fewer at once.")
        form.files.append((name, file_name, content))

    def on_end() -> None:
        nonlocal ended
        ended = True

    try:
        config = {"MAX_MEMORY_FILE_SIZE": len(data) + 1, "MAX_BODY_SIZE": float("inf")}
        parser = FormParser("multipart/form-data", on_field, on_file, on_end, boundary, config=config)
        view = memoryview(data)
        for start in range(0, len(data), 1 << 16):
            parser.write(bytes(view[start : start + (1 << 16)]))
        parser.finalize()
    except FormParserError as error:
        raise Problem("bad_request", f"The multipart body is broken: {error}.", "Send multipart/form-data.") from None
    if not ended:
        raise Problem("bad_request", "The multipart body is cut off.", "End it with its boundary and two dashes.")
    return form


def _words(raw: bytes | None) -> str:
    try:
        return (raw or b"").decode("utf-8")
    except UnicodeDecodeError:
        raise Problem("bad_request", "A name or a field of the multipart body is not UTF-8.", "Send UTF-8.") from None


def validated(model: type[Model], value: Any, at: str = "") -> Model:
    """A parsed JSON value as this model. Errors: Problem `invalid_request` that names each fault's place."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise invalid(faults_of(error, at)) from None


def faults_of(error: ValidationError, at: str = "") -> list[dict[str, str]]:
    """The faults with their places; nothing of what was sent."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        {"at": ".".join(filter(None, (at, *map(_short, fault["loc"])))) or "body", "message": str(fault["msg"])[:300]}
        for fault in found[:_MOST_FAULTS]
    ]


def _short(part: Any) -> str:
    return str(part).encode("utf-8", "backslashreplace").decode()[:80]


def invalid(faults: list[dict[str, str]]) -> Problem:
    """The problem that lists these faults."""
    said = "; ".join(f"{fault['at']}: {fault['message']}" for fault in faults[:3])
    more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
    return Problem("invalid_request", f"{said}{more}", _SEE, faults=faults)


def plain(value: Any, depth: int = 0) -> Any:
    """A value of `parse_json` with its exact decimals as text, as the contract writes amounts.

    Errors: Problem `bad_request` where it is nested more deeply than anything of the form.
    """
    if depth > _DEEPEST:
        raise Problem("bad_request", "The body is nested too deeply.", "No record has so many levels.")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return {key: plain(inner, depth + 1) for key, inner in value.items()}
    return [plain(inner, depth + 1) for inner in value] if isinstance(value, list) else value
