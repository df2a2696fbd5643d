"""A client of `gouji serve`: typed, synchronous, and patient with a service that is busy.

```python
from extractor.client import Client

with Client("http://127.0.0.1:8321", key="…") as gouji:
    extraction = gouji.extract(text, source="report.txt")
    print(extraction.verdict, extraction.lines[0]["record"])
```

What may be sent again without doing a thing twice is sent again: reading always, submitting because each submission
carries an Idempotency-Key. `Retry-After` is heeded. What stays an error is an `ApiError` with the service's own code
and hint.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from extractor.errors import GoujiError

Given = Mapping[str, Any] | Sequence[Mapping[str, Any] | None]
_AGAIN = frozenset({429, 502, 503, 504})
_LONGEST_WAIT = 30.0  # seconds that one request asks the service to wait
_FIRST, _LAST = 0.25, 8.0  # seconds between two tries that nothing says the time of
TOLERANCE = 300  # seconds that a webhook may be old


class ApiError(GoujiError):
    """The service's problem document: `code`, `message`, `hint`, the HTTP `status`, and `problem`, all of it.

    `status` 0 with the code `unreachable` says that no answer came.
    """

    def __init__(
        self, code: str, message: str, hint: str, status: int = 0, problem: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(code, message, hint)
        self.status, self.problem = status, dict(problem or {})

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.message, self.hint, self.status, self.problem)


@dataclass(frozen=True, slots=True)
class Extraction:
    """An extraction as the service tells of it; `json` has every key."""

    json: dict[str, Any]

    @property
    def id(self) -> str:
        """Its identifier."""
        return str(self.json["id"])

    @property
    def state(self) -> str:
        """queued, running, waiting, done or failed."""
        return str(self.json["state"])

    @property
    def finished(self) -> bool:
        """Whether it is done or failed."""
        return self.state in ("done", "failed")

    @property
    def verdict(self) -> str | None:
        """The worst of its reports; None until it is done."""
        found: str | None = self.json["verdict"]
        return found

    @property
    def lines(self) -> list[dict[str, Any]]:
        """One line of the contract for each report; empty where only the status was asked for."""
        found: list[dict[str, Any]] = self.json.get("results", [])
        return found


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as the service tells of it; `json` has every key."""

    json: dict[str, Any]

    @property
    def id(self) -> str:
        """Its identifier."""
        return str(self.json["id"])

    @property
    def finished(self) -> bool:
        """Whether all its documents are done or failed."""
        return bool(self.json["finished"])


class Client:
    """A connection to a service. `patience`: seconds that a call goes on trying while the service cannot be reached, is
    busy or limits the rate; `timeout`: seconds that one answer may take beside what it was asked to wait.

    A document is text (`str`), bytes, or a file (`Path`), whose name is its source unless another is given.
    Errors of all methods: ApiError.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout: float = 30.0,
        patience: float = 120.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        if not url.lower().startswith(("http://", "https://")):
            raise ApiError("bad_url", f"{url!r} is no address of a service.", "Write it as http://127.0.0.1:8321.")
        key = key.strip() if key else ""  # read from a file it has the line's end
        if not (key.isascii() and key.isprintable()):
            raise ApiError("bad_key", "The key holds characters that no key has.", "Give it as `gouji keys add` did.")
        headers = {"User-Agent": "gouji-client", **({"Authorization": f"Bearer {key}"} if key else {})}
        try:
            self._http = httpx.Client(base_url=url.rstrip("/"), headers=headers, timeout=timeout, transport=transport)
        except httpx.InvalidURL as error:
            raise ApiError(
                "bad_url", f"{url!r} is no address: {error}.", "Write it as http://127.0.0.1:8321."
            ) from None
        self._timeout, self._patience = timeout, patience

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def submit(
        self,
        document: str | bytes | Path,
        source: str | None = None,
        *,
        given: Given | None = None,
        model: str | None = None,
        budget: Mapping[str, Any] | None = None,
        callback_url: str | None = None,
        again: bool = False,
        wait: float = 0,
        idempotency_key: str | None = None,
    ) -> Extraction:
        """Submits a document; the result is in it where it was there already, or came within `wait` seconds.

        `given`: what your own parser read, whole or in part; `model` `"none"`: none; `again`: read it anew.
        """
        request = describe(document, source, given=given, model=model, budget=budget) | _some(callback_url=callback_url)
        params = _some(wait=wait or None, again="true" if again else None)
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        answer = self._send("POST", "/v1/extractions", wait=wait, json=request, params=params, headers=headers)
        return Extraction(answer.json())

    def extract(
        self,
        document: str | bytes | Path,
        source: str | None = None,
        *,
        given: Given | None = None,
        model: str | None = None,
        budget: Mapping[str, Any] | None = None,
        timeout: float = 600.0,
    ) -> Extraction:
        """Submits a document and waits for its result. Errors: ApiError, `not_finished` after `timeout` seconds, the
        extraction's own code where it failed."""
        first = min(timeout, _LONGEST_WAIT)
        made = self.submit(document, source, given=given, model=model, budget=budget, wait=first)
        return made if made.lines else self.result(made.id, timeout=timeout - first)

    def status(self, extraction: str) -> Extraction:
        """Where it stands, without its result."""
        return Extraction(self._send("GET", f"/v1/extractions/{extraction}").json())

    def result(self, extraction: str, timeout: float = 600.0) -> Extraction:
        """The result, waited for. Errors: ApiError, `not_finished` after `timeout` seconds."""
        until = time.monotonic() + timeout
        while True:
            try:
                return Extraction(self._send("GET", f"/v1/extractions/{extraction}/result").json())
            except ApiError as error:
                left = until - time.monotonic()
                if error.code != "not_finished" or left <= 0:
                    raise
                time.sleep(min(left, error.problem.get("retry_after", 1.0)))

    def text(self, extraction: str) -> str:
        """The stored text that spans count in."""
        return self._send("GET", f"/v1/extractions/{extraction}/text").content.decode("utf-8")

    def document(self, extraction: str) -> bytes:
        """The bytes as they were sent."""
        return self._send("GET", f"/v1/extractions/{extraction}/document").content

    def extractions(self, **filters: str | int) -> Iterator[Extraction]:
        """All extractions that the filters let through (state, verdict, year, organization, document, batch, since,
        until), newest first."""
        cursor: str | None = None
        while True:
            page = self._send("GET", "/v1/extractions", params={**filters, **_some(cursor=cursor)}).json()
            yield from map(Extraction, page["items"])
            cursor = page["next"]
            if cursor is None:
                return

    def lines(self, **filters: str | int) -> Iterator[dict[str, Any]]:
        """The lines of all current results, one at a time."""
        return self._stream("/v1/lines", filters)

    def delete(self, extraction: str) -> None:
        """Deletes an extraction, and with the last one of a document the document. One that is gone is no error."""
        try:
            self._send("DELETE", f"/v1/extractions/{extraction}")
        except ApiError as error:
            if error.code != "not_found":
                raise

    def batch(
        self,
        documents: Iterable[str | bytes | Path | Mapping[str, Any]],
        *,
        model: str | None = None,
        budget: Mapping[str, Any] | None = None,
        callback_url: str | None = None,
        again: bool = False,
    ) -> Batch:
        """Submits documents together, each as `submit` takes it or as `describe` gives it."""
        told = [dict(one) if isinstance(one, Mapping) else describe(one) for one in documents]
        request = {"documents": told, **_some(model=model, budget=budget, callback_url=callback_url)}
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        params = _some(again="true" if again else None)
        return Batch(self._send("POST", "/v1/batches", json=request, headers=headers, params=params).json())

    def batch_status(self, batch: str) -> Batch:
        """Where a batch stands; `json["members"]` are its first documents."""
        return Batch(self._send("GET", f"/v1/batches/{batch}").json())

    def batch_lines(self, batch: str, timeout: float = 3600.0) -> Iterator[dict[str, Any]]:
        """The lines of a batch's results in the order sent, waited for."""
        until = time.monotonic() + timeout
        while True:
            try:
                yield from self._stream(f"/v1/batches/{batch}/results", {})
                return
            except ApiError as error:
                left = until - time.monotonic()
                if error.code != "not_finished" or left <= 0:
                    raise
                time.sleep(min(left, error.problem.get("retry_after", 1.0)))

    def check(self, records: Any, previous: Any = None) -> dict[str, Any]:
        """The validator alone, over a record or a list of them: `{"records": […], "broken": n, "notes": […]}`."""
        request = {"records": records, **_some(previous=previous)}
        found: dict[str, Any] = self._send("POST", "/v1/check", json=request).json()
        return found

    def _send(self, method: str, path: str, *, wait: float = 0, stream: bool = False, **request: Any) -> httpx.Response:
        """One request, again as long as that is safe and there is patience."""
        until = time.monotonic() + self._patience
        timeout, delay = self._timeout + wait, _FIRST
        while True:
            try:
                asked = self._http.build_request(method, path, timeout=timeout, **request)
                answer = self._http.send(asked, stream=stream)
                if stream and not answer.is_success:
                    answer.read()
            except (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL, UnicodeError) as error:
                raise ApiError(
                    "bad_request", f"The request cannot be sent: {error}.", "Look at what it names."
                ) from error
            except httpx.TransportError as error:
                fault = ApiError("unreachable", f"No answer came: {error or type(error).__name__}.", "Does it run?")
                pause = delay
            else:
                if answer.is_success:
                    return answer
                fault = _fault(answer)
                if answer.status_code not in _AGAIN:
                    raise fault
                pause = fault.problem.get("retry_after", delay)
            pause *= random.uniform(1.0, 1.2)
            if time.monotonic() + pause > until:
                raise fault
            time.sleep(pause)
            delay = min(_LAST, 2 * delay)

    def _stream(self, path: str, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The lines of one answer. Asked again, as `_send` does, until it begins; then it is whole or an error."""
        answer = self._send("GET", path, stream=True, params=params)
        try:
            with closing(answer):
                for line in _lines(answer.iter_bytes()):
                    yield json.loads(line)
        except httpx.TransportError as error:
            raise ApiError(
                "unreachable", f"The answer broke off: {error or type(error).__name__}.", "Ask again."
            ) from error


def describe(
    document: str | bytes | Path,
    source: str | None = None,
    *,
    given: Given | None = None,
    model: str | None = None,
    budget: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A document as the API takes it in JSON: for `Client.batch`. Errors: OSError of a file that cannot be read."""
    if isinstance(document, Path):
        source = source if source is not None else document.name
        document = document.read_bytes()
    told: dict[str, Any] = (
        {"text": document} if isinstance(document, str) else {"base64": base64.b64encode(document).decode()}
    )
    return told | _some(source=source, given=given, model=model, budget=budget)


def _some(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Lines at line feeds alone: what is in a JSON text may hold every other mark of a line's end."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
    if rest:
        yield rest


def _fault(answer: httpx.Response) -> ApiError:
    """The problem document of an answer, with `retry_after` in seconds where the service says it; of an extraction that
    failed, the code of its own error."""
    try:
        told = answer.json()
        if not isinstance(told, dict):
            raise ValueError
    except ValueError:
        told = {
            "code": "no_problem",
            "detail": f"HTTP {answer.status_code} from something that is not gouji.",
            "hint": "",
        }
    after = answer.headers.get("retry-after", "")
    if after.isdecimal():
        told["retry_after"] = float(after)
    code = told.get("cause") if told.get("code") == "extraction_failed" else told.get("code")
    return ApiError(str(code), str(told.get("detail")), str(told.get("hint", "")), answer.status_code, told)


class WebhookError(GoujiError):
    """What came is no webhook of this service, or an old one."""


def verify_webhook(
    secret: str, headers: Mapping[str, str], body: bytes, tolerance: float = TOLERANCE
) -> dict[str, Any]:
    """The event of a webhook that the service signed: `{"type", "timestamp", "data"}` (Standard Webhooks).

    `secret`: `whsec_…`, of whoever runs the service; `headers`: names in any case; `body`: the bytes as they came;
    `tolerance`: seconds. An event may come twice: `webhook-id` is the same then. Errors: WebhookError.
    """
    found = {name.lower(): value for name, value in headers.items()}
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        identity, moment = found["webhook-id"], int(found["webhook-timestamp"])
        signatures = found["webhook-signature"].split()
    except (KeyError, ValueError) as error:
        raise WebhookError("webhook_headers", "The webhook's headers or the secret are not whole.", "") from error
    mine = base64.b64encode(hmac.digest(key, f"{identity}.{moment}.".encode() + body, hashlib.sha256)).decode()
    if not any(hmac.compare_digest(each.encode(), f"v1,{mine}".encode()) for each in signatures):
        raise WebhookError("webhook_signature", "The webhook's signature is not that of this secret.", "Drop it.")
    if abs(time.time() - moment) > tolerance:
        raise WebhookError("webhook_old", "The webhook is too old, or a clock is wrong.", "Drop it.")
    event: dict[str, Any] = json.loads(body)
    return event
