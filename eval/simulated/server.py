"""The simulated model behind a real OpenAI-compatible HTTP server on loopback, with faults of transport and answer.

It is told the texts of documents. Which one a question is about says the call's X-Client-Request-Id (the first digits
of its SHA-256); without one, the document that prints the excerpt.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from zlib import crc32

from extractor.eval.simulated.loopback import Loopback, read_request
from extractor.eval.simulated.reader import Simulated, excerpt_of

from extractor.ask.runner import tokens_about
from extractor.document.normalize import normalize

_SPACE = re.compile(r"\s+")
_RUN = 14
_LIKELY = 60
_DRIP = 0.02

# What may be done to one request instead of answering it, by name.
TRANSPORT_FAULTS = ("429", "429_after", "500", "503", "hang", "drip", "closed")
_RETRY_AFTER = 2


def tokens_of_request(body: Mapping[str, Any]) -> int:
    """Tokens of all that a request says: its messages, and the schema of the answer in whichever form it is sent."""
    said = "".join(str(message.get("content") or "") for message in body.get("messages", ()))
    schema = {key: body[key] for key in ("response_format", "tools") if key in body}
    return tokens_about(said) + (tokens_about(json.dumps(schema, ensure_ascii=False)) if schema else 0)


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came and what became of it. `document`: the one it is about, empty where none was found."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    document: str = ""
    fault: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def messages(self) -> list[dict[str, str]]:
        """The messages of a chat request."""
        return list(self.body.get("messages", ()))


@dataclass(slots=True)
class _Reply:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    drip: bool = False
    close: bool = False


@dataclass
class SimulatedServer(Loopback):
    """`with SimulatedServer(simulated) as server: server.base_url`.

    `latency` in seconds; above `slots` requests at a time (None: any number) it answers 429. `faults` gives the fault
    of the n-th chat request (from 0), "" for none. `answered` counts chat completions that were sent in full. `port` is
    the one wished for; if it is taken, another.
    """

    simulated: Simulated
    latency: float = 0.0
    slots: int | None = None
    faults: Mapping[int, str] | Callable[[int], str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    answered: int = 0
    peak: int = 0
    port: int = 0
    broken: Exception | None = None
    _open: int = 0
    _texts: dict[str, str] = field(default_factory=dict)
    _holders: dict[int, list[str]] = field(default_factory=dict)

    def register(self, sha256: str, text: str) -> None:
        """A document that questions may be about; its truth stands in the simulated model."""
        name = sha256[:16]
        self._texts[name] = _squeezed(text)
        for run in _runs(self._texts[name]):
            self._holders.setdefault(run, []).append(name)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        Loopback.__exit__(self, kind, error, trace)
        if self.broken is not None and error is None:
            raise self.broken

    @property
    def base_url(self) -> str:
        """What stands behind the @ of `--model`."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def spec(self) -> str:
        """A `--model` SPEC."""
        return f"simulated@{self.base_url}"

    @property
    def chats(self) -> list[Request]:
        """The chat requests so far."""
        return [request for request in self.requests if request.path.endswith("/chat/completions")]

    def tokens(self) -> tuple[int, int]:
        """Prompt and completion tokens of all chat requests."""
        chats = self.chats
        return sum(r.prompt_tokens for r in chats), sum(r.completion_tokens for r in chats)

    def document_of(self, piece: str) -> str:
        """The registered document that prints the excerpt: the whole of it, or else in the fewest stretches."""
        piece = _squeezed(piece)
        if whole := next((name for name, text in self._texts.items() if piece and piece in text), ""):
            return whole
        votes: dict[str, float] = {}
        for run in _runs(piece):
            holders = self._holders.get(run, ())
            for name in holders:
                votes[name] = votes.get(name, 0) + 1 / len(holders)
        likely = sorted(votes, key=lambda name: -votes[name])[:_LIKELY]
        # A question is put together from a few stretches of its document: from whose are the fewest?
        return min(likely, key=lambda name: _stretches(piece, self._texts[name]), default="")

    # ------------------------------------------------------------ HTTP

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answers one request."""
        path, headers, raw = await read_request(reader)
        if not path.endswith("/chat/completions"):
            self.requests.append(Request(path, headers, {}))
            known = path.endswith("/models")
            data = {"object": "list", "data": [{"id": "simulated", "object": "model"}]}
            await _write(writer, _Reply(200, _json(data)) if known else _error(404, "no such path"))
            return True
        self._open += 1
        self.peak = max(self.peak, self._open)
        try:
            try:
                reply = self._answer(path, headers, json.loads(raw))
            except Exception as error:  # a fault of the simulation, not of what it tests: said on leaving
                self.broken = error
                reply = _error(400, f"the simulation failed: {error!r}")
            if self.latency:
                await asyncio.sleep(self.latency)
            if reply.hang:
                await asyncio.sleep(3600)
            if reply.close:
                return False
            await _write(writer, reply)
            self.answered += reply.status == 200
        finally:
            self._open -= 1
        return True

    def _answer(self, path: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> _Reply:
        number = len(self.chats)
        fault = self.faults(number) if callable(self.faults) else self.faults.get(number, "")
        if not fault and self.slots is not None and self._open > self.slots:
            fault = "429"
        messages = list(body.get("messages", ()))
        document = headers.get("x-client-request-id", "").partition("-")[0]
        if document not in self._texts:
            document = self.document_of(excerpt_of(messages))
        sent = tokens_of_request(body)
        text = self.simulated.reply(document, messages, schema_of(body)) if fault not in TRANSPORT_FAULTS else ""
        finish = "stop"
        if fault == "malformed":
            text = '{"1": "seven cells"}'
        elif fault == "truncated":
            text, finish = text[: len(text) // 2], "length"
        elif fault == "blank":
            text = ""
        elif fault == "prose":
            text = f"好的，以下是结果：\n```json\n{text}\n```\n以上数字均抄自原文。"
        refusal = "I cannot help with that." if fault == "refused" else None
        got = tokens_about(text)
        counted = fault not in TRANSPORT_FAULTS
        self.requests.append(
            Request(path, headers, body, document, fault, sent if counted else 0, got if counted else 0)
        )
        if fault in TRANSPORT_FAULTS:
            return _transport_fault(fault)
        return _Reply(200, _json(_completion(body, text, finish, refusal, sent, got)))


def _runs(text: str) -> set[int]:
    """One in four of a text's runs of characters, the same ones in every text."""
    data = text.encode("utf-32-le", "surrogatepass")
    sums = {crc32(data[4 * i : 4 * (i + _RUN)]) for i in range(max(1, len(text) - _RUN + 1))}
    return {value for value in sums if value % 4 == 0}


def _stretches(piece: str, text: str) -> int:
    """Of how many stretches of the text the piece is put together; a character that is not there is one of its own."""
    count, place = 0, 0
    while place < len(piece):
        low, high = 0, len(piece) - place
        while low < high:
            middle = (low + high + 1) // 2
            if piece[place : place + middle] in text:
                low = middle
            else:
                high = middle - 1
        place += max(1, low)
        count += 1
    return count


def _squeezed(text: str) -> str:
    return _SPACE.sub("", normalize(text))


def schema_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON schema that a request asks its answer to follow; empty where it sends none."""
    wanted = (body.get("response_format") or {}).get("json_schema")
    if wanted:
        return dict(wanted["schema"])
    if body.get("tools"):
        return dict(body["tools"][0]["function"]["parameters"])
    return {}


def _completion(
    body: Mapping[str, Any], text: str, finish: str, refusal: str | None, sent: int, got: int
) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None if refusal else text, "refusal": refusal}
    if body.get("tools") and not refusal:
        function = {"name": body["tools"][0]["function"]["name"], "arguments": text}
        message = {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_1", "type": "function", "function": function}
        ]}  # fmt: skip
    return {
        "id": "simulated",
        "object": "chat.completion",
        "created": 1,
        "model": body.get("model", "simulated"),
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": sent, "completion_tokens": got, "total_tokens": sent + got},
    }


def _transport_fault(fault: str) -> _Reply:
    if fault == "429":
        return _error(429, "Rate limit reached")
    if fault == "429_after":
        return _error(429, "Rate limit reached", {"Retry-After": str(_RETRY_AFTER)})
    if fault in ("500", "503"):
        return _error(int(fault), "The server had an error")
    return _Reply(200, b"{", hang=fault == "hang", drip=fault == "drip", close=fault == "closed")


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> _Reply:
    return _Reply(status, _json({"error": {"message": message, "type": "simulated"}}), headers or {})


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


async def _write(writer: asyncio.StreamWriter, reply: _Reply) -> None:
    length = 10**6 if reply.drip else len(reply.body)
    headers = {"Content-Type": "application/json", "Content-Length": str(length), **reply.headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {reply.status} x\r\n{head}\r\n".encode("latin-1") + reply.body)
    await writer.drain()
    while reply.drip:
        await asyncio.sleep(_DRIP)
        writer.write(b" ")
        await writer.drain()
