"""From a request's body, in any of its forms, to what is submitted: the documents and how they are to be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from fastapi import Request

from extractor.errors import UsageError
from extractor.service.api.bodies import (
    JSON_LINES,
    VALUES,
    invalid,
    json_lines,
    media_type,
    parse_form,
    parse_json,
    plain,
    validated,
)
from extractor.service.api.problems import Problem
from extractor.service.api.schemas import BatchDocument, BatchRequest, ExtractionRequest, Head, Named, Options, Reading
from extractor.service.api.security import Caller
from extractor.service.database.extractions import Submission
from extractor.service.settings import Settings
from extractor.service.work.deliveries import check_callback

FORM = "multipart/form-data"
HEAD_FIELDS = ("source", "given", "model", "budget", "callback_url")
OPTION_FIELDS = ("model", "budget", "callback_url")
_VALUES_EACH = 500  # in the JSON of a batch, for each document that it may have; one without `given` has a few
_IN_JSON = ("given", "budget")  # fields that hold JSON
# A body of these is the document itself.
_RAW = ("text/", "application/vnd.")
_RAW_TYPES = frozenset(
    "application/pdf application/octet-stream application/xhtml+xml application/xml application/msword application/rtf "
    "message/rfc822 multipart/related".split()
)


class Sender:
    """What all documents of one request share: who sends them, and what the service allows. Errors: Problem."""

    def __init__(self, request: Request, caller: Caller, settings: Settings, again: bool) -> None:
        self.settings, self.caller, self.again = settings, caller, again
        self.request_id: str | None = getattr(request.state, "request_id", None)
        self.kind, self.content_type = media_type(request), request.headers.get("content-type", "")
        self.query = {name: request.query_params[name] for name in HEAD_FIELDS if name in request.query_params}

    def one(self, body: bytes) -> Submission:
        """The document of `POST /v1/extractions`."""
        if self.kind == "application/json":
            self._no_query()
            asked = validated(ExtractionRequest, parse_json(body))
            return self.submission(asked, asked, asked.data, asked.callback_url)
        if self.kind == FORM:
            self._no_query()
            form = parse_form(body, self.content_type, 1, HEAD_FIELDS)
            if not form.files:
                raise invalid([{"at": "file", "message": "the document is missing"}])
            _, name, data = form.files[0]
            head = validated(Head, {"source": name or "-"} | _values(form.fields))
            return self.submission(head, head, data, head.callback_url)
        if self.kind in _RAW_TYPES or self.kind.startswith(_RAW):
            head = validated(Head, _values(self.query))
            return self.submission(head, head, body, head.callback_url)
        raise _unsupported(
            self.kind,
            f"Send JSON, {FORM}, or the document itself under its own media type (application/octet-stream does "
            "for any).",
        )

    def many(self, body: bytes) -> tuple[list[Submission], str | None]:
        """The documents of `POST /v1/batches` in their order, and the batch's callback."""
        if self.kind == "application/json":
            self._no_query()
            value = parse_json(body, most=max(VALUES, _VALUES_EACH * self.settings.max_batch))
            batch = validated(BatchRequest, {"documents": value} if isinstance(value, list) else value)
            sent = [(f"documents[{index}]", item) for index, item in enumerate(batch.documents)]
            return self._all(sent, batch), self.callback(batch.callback_url)
        if self.kind in JSON_LINES:
            options = validated(Options, _values(self.query))
            first = islice(json_lines(body), self.settings.max_batch + 1)
            lines = [(f"line {number}", line) for number, line in first]
            return self._all(lines, options), self.callback(options.callback_url)
        if self.kind == FORM:
            self._no_query()
            form = parse_form(body, self.content_type, self.settings.max_batch, OPTION_FIELDS)
            options = validated(Options, _values(form.fields))
            files = [(f"file {number}", (name, data)) for number, (_, name, data) in enumerate(form.files, 1)]
            return self._all(files, options), self.callback(options.callback_url)
        raise _unsupported(self.kind, f"Send application/x-ndjson, a JSON list, or {FORM} with several files.")

    def _all(self, sent: Sequence[tuple[str, Any]], options: Options) -> list[Submission]:
        """Each of (its place, the document: parsed JSON, a line of JSON, or a file's name and bytes)."""
        if not sent:
            raise invalid([{"at": "documents", "message": "there is none"}])
        most = self.settings.max_batch
        if len(sent) > most:
            raise Problem("too_large", f"A batch holds at most {most} documents.", "Send several batches.", limit=most)
        return [self._member(at, document, options) for at, document in sent]

    def _member(self, at: str, document: Any, options: Options) -> Submission:
        if isinstance(document, tuple):
            named = validated(Named, {"source": document[0] or "-"}, at)
            return self.submission(named, options, document[1], None, at)
        value = parse_json(document, at.capitalize()) if isinstance(document, bytes) else document
        if isinstance(value, dict):
            value = {"model": options.model, "budget": options.budget, **value}
        asked = validated(BatchDocument, value, at)
        return self.submission(asked, asked, asked.data, None, at)

    def submission(self, named: Named, reading: Reading, data: bytes, callback: str | None, at: str = "") -> Submission:
        """One document; `at` is its place in a batch."""
        if not data:
            raise invalid([{"at": at or "body", "message": "the document is empty"}])
        try:
            return Submission(
                data=data,
                source=named.source,
                model=self._model(reading.model),
                budget=None if reading.budget is None else reading.budget.model_dump(exclude_none=True, mode="json"),
                given=_given(named.given),
                callback=self.callback(callback),
                key_id=self.caller.id,
                request_id=self.request_id,
                again=self.again,
            )
        except Problem as problem:
            if at:
                problem.detail = f"{at}: {problem.detail}"
            raise

    def callback(self, url: str | None) -> str | None:
        """A callback that webhooks may go to. Errors: UsageError `callback_not_allowed`."""
        if url is not None:
            check_callback(url, self.settings)
        return url

    def _model(self, asked: str | None) -> str | None:
        if asked is None:
            return self.settings.model
        if asked == "none":
            return None
        if asked in self.settings.allowed_models:
            return asked
        raise Problem(
            "model_not_allowed",
            f"This service does not ask the model {asked[:80]!r}.",
            "Leave `model` out for the service's own, write `none` for none, or have it started with --allow-model.",
        )

    def _no_query(self) -> None:
        if self.query:
            raise invalid([{"at": name, "message": "goes into the body here"} for name in self.query])


def _values(fields: Mapping[str, str]) -> dict[str, Any]:
    """Fields of a form or of a query as the models take them."""
    return {
        name: parse_json(value, f"The field {name}") if name in _IN_JSON else value for name, value in fields.items()
    }


def _given(given: Any) -> Any:
    """The caller's own record, checked for its shape. Errors: Problem `given_invalid`."""
    if given is None:
        return None
    from extractor.given import parse_given

    given = plain(given)
    several = isinstance(given, list)
    try:
        for index, one in enumerate(given if several else [given]):
            if one is not None:
                parse_given(one, f"[{index}]." if several else "")
    except UsageError as error:
        raise Problem("given_invalid", error.message, error.hint, cause=error.code) from None
    return given


def _unsupported(kind: str, hint: str) -> Problem:
    return Problem("unsupported_media_type", f"A body of type {kind[:80] or '(none)'} is not read here.", hint)
