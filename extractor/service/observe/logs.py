"""Logs of gouji and of the libraries under it: one line an event on stderr, as JSON or as text, each with the request
and the extraction that it belongs to. No secret, key, cookie, query or text of a document is in it.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

from sqlalchemy.exc import DBAPIError

from extractor.errors import GoujiError
from extractor.service.database.keys import PATTERN
from extractor.service.ids import now

# What the lines of this task or thread belong to: request_id, key_id, extraction.
_about: ContextVar[dict[str, Any]] = ContextVar("gouji_about", default={})  # noqa: B039 - never changed, only replaced
# Fields of an event: `log.info("…", extra={"told": {…}})`.
FIELDS = "told"
_LEVELS = {"sqlalchemy": "WARNING", "dbos": "WARNING", "alembic": "WARNING", "uvicorn": "WARNING", "httpx": "WARNING"}
_AUTHORIZATION = re.compile(r"(?i)\b(bearer|basic)\s+[^\s'\"]+")
_PASSWORD = re.compile(r"(?<=://)([^\s/@:]+):[^\s/@]+(?=@)")
_SESSION = re.compile(r"(gouji_session=)[^\s;'\"]+")


@contextmanager
def about(**fields: Any) -> Iterator[None]:
    """What is logged within belongs to this: `with about(extraction=…, request_id=…):`."""
    token = _about.set({**_about.get(), **fields})
    try:
        yield
    finally:
        _about.reset(token)


def add(**fields: Any) -> None:
    """The same until the end of the `about` around it."""
    _about.set({**_about.get(), **fields})


def scrub(text: str) -> str:
    """The text without anything that has the form of a secret: the last resort, where a library prints one."""
    # Looking for a word is much cheaper than for a pattern, and nearly every line has none of them.
    if "gouji_" in text:
        text = PATTERN.sub("gouji_[key]", text)
        text = _SESSION.sub(r"\1[cookie]", text)
    if "://" in text:
        text = _PASSWORD.sub(r"\1:[password]", text)
    low = text.lower()
    return _AUTHORIZATION.sub(r"\1 [key]", text) if "bearer" in low or "basic" in low else text


class _Lines(logging.Formatter):
    """An event's parts."""

    def parts(self, record: logging.LogRecord) -> dict[str, Any]:
        event = record.getMessage()
        if not record.name.startswith("gouji"):  # asyncio puts whole objects behind its first line
            event = event.partition("\n")[0][:500]
        told = {"at": now(), "level": record.levelname.lower(), "logger": record.name, "event": event}
        told.update(_about.get())
        told.update(getattr(record, FIELDS, {}))
        if record.exc_info and record.exc_info[1] is not None:
            told["traceback"] = "".join(frames(record.exc_info[1]))
        return told


def frames(error: BaseException) -> list[str]:
    """Where an error and its causes arose, in lines of code. What the error says may quote a document ("invalid
    literal for int(): '…'"): it is told only where it cannot."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = [*frames(cause), "then:\n"] if cause is not None else []
    said = ""
    if isinstance(error, GoujiError):
        said = f" [{error.code}]"
    elif isinstance(error, OSError) and error.strerror:
        said = f" {error.strerror}"
    elif isinstance(error, DBAPIError):
        said = f" {type(error.orig).__name__}: " + str(error.orig).partition("\n")[0][:200]
    kind = type(error)
    return [*before, *traceback.format_tb(error.__traceback__), f"{kind.__module__}.{kind.__qualname__}{said}\n"]


_ENCODE = json.JSONEncoder(default=str).encode


class JsonLines(_Lines):
    """`{"at": …, "level": …, "logger": …, "event": …, "request_id": …}`"""

    def format(self, record: logging.LogRecord) -> str:
        return scrub(_ENCODE(self.parts(record)))


class TextLines(_Lines):
    """`2026-01-31T08:00:00.123Z info gouji.access GET /v1/extractions status=200 …`"""

    def format(self, record: logging.LogRecord) -> str:
        told = self.parts(record)
        lines_of_code = told.pop("traceback", None)
        head = " ".join(_plain(told.pop(name)) for name in ("at", "level", "logger", "event"))
        rest = " ".join(f"{name}={_plain(value)}" for name, value in told.items() if value is not None)
        line = f"{head} {rest}".rstrip()
        return scrub(line if lines_of_code is None else f"{line}\n{lines_of_code.rstrip()}")


def _plain(value: object) -> str:
    """One line, whatever a caller has put into a header or a path."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in str(value))


def configure(form: Literal["json", "text"], level: str = "INFO") -> None:
    """All loggers of the process write lines of this form to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel("WARNING")
    logging.getLogger("gouji").setLevel(level)
    for name, least in _LEVELS.items():
        logging.getLogger(name).setLevel(least)
    # DBOS writes to a handler of its own where it finds none.
    dbos = logging.getLogger("dbos")
    dbos.handlers[:] = [logging.NullHandler()]
    dbos.propagate = True
    logging.captureWarnings(True)
