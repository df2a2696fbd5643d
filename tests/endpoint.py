"""A scripted OpenAI-compatible server on loopback: every request is recorded, every answer is what the test says."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from extractor.eval.simulated.loopback import Loopback, read_request


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer. `delay`: seconds before it; `drip`: seconds between single bytes of the body (endless);
    `close`: the socket is closed without a word; `hang`: nothing ever comes."""

    status: int = 200
    body: str = ""
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    delay: float = 0.0
    drip: float = 0.0
    close: bool = False
    hang: bool = False


@dataclass(slots=True)
class Request:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


Script = Callable[[Request, int], Reply]


def completion(
    content: str | None,
    *,
    finish: str | None = "stop",
    tool: str | None = None,
    refusal: str | None = None,
    usage: tuple[int, int] | None = (100, 10),
) -> Reply:
    """A chat completion; `tool`: the arguments of a tool call."""
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": refusal, "tool_calls": None}
    if tool is not None:
        call = {"id": "call_1", "type": "function", "function": {"name": "answer", "arguments": tool}}
        message["tool_calls"] = [call]
    body: dict[str, Any] = {
        "id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
    }  # fmt: skip
    if usage:
        body["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
    return Reply(body=json.dumps(body, ensure_ascii=False))


def ok(value: Any) -> Reply:
    """A good answer: JSON and nothing else."""
    return completion(json.dumps(value, ensure_ascii=False))


def error(status: int, message: str = "no", headers: dict[str, str] | None = None, **more: Any) -> Reply:
    """An HTTP error with a body as OpenAI writes it."""
    return Reply(
        status,
        json.dumps({"error": {"message": message, **more}}, ensure_ascii=False),
        (("Content-Type", "application/json"), *(headers or {}).items()),
    )


def page(status: int = 200) -> Reply:
    """A web page."""
    return Reply(status, "<!DOCTYPE html><html><body>登录</body></html>", (("Content-Type", "text/html"),))


RATE_LIMITED = error(429, "slow down")
HANG = Reply(hang=True)
CLOSED = Reply(close=True)
DRIP = Reply(body="{", drip=0.02)
MALFORMED = completion('{"n": "many"}')
PROSE = completion('好的，下面是结果：\n```json\n{"n": 7}\n```\n希望有帮助。')
TRUNCATED = completion('{"n": ', finish="length")
BLANK = completion("")
REFUSED = completion(None, refusal="I cannot help with that.")
FILTERED = completion("", finish="content_filter")
NO_KEY = error(401, "Incorrect API key provided: sk-secret-0123456789.", code="invalid_api_key")
NO_MODEL = error(404, "The model `m` does not exist", code="model_not_found")
NO_SUCH_PATH = error(404, "Not Found")
TOO_LONG = error(400, "This model's maximum context length is 4096 tokens. However, your messages resulted in 5000.")
NO_FORMAT = error(400, "response_format type json_schema is unavailable now")


@dataclass
class Server(Loopback):
    """`with Server(script) as server:`; the script is a list of answers (the last is repeated) or a function of
    (request, its number). `open` and `peak`: requests being answered now, and at most."""

    script: Script | Iterable[Reply]
    latency: float = 0.0
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    open: int = 0
    peak: int = 0

    def __enter__(self) -> Server:
        if not callable(self.script):
            replies = list(self.script)
            self._answer: Script = lambda request, number: replies[min(number, len(replies) - 1)]
        else:
            self._answer = self.script
        return Loopback.__enter__(self)

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}/v1"

    @property
    def calls(self) -> int:
        """Requests so far."""
        return len(self.requests)

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        path, headers, raw = await read_request(reader)
        request = Request(path, headers, json.loads(raw) if raw else {})
        self.requests.append(request)
        self.open += 1
        self.peak = max(self.peak, self.open)
        try:
            reply = self._answer(request, len(self.requests) - 1)
            await asyncio.sleep(self.latency + reply.delay)
            if reply.hang:
                await asyncio.sleep(3600)
            if reply.close:
                return False
            await _write(writer, reply)
        finally:
            self.open -= 1
        return True


async def _write(writer: asyncio.StreamWriter, reply: Reply) -> None:
    body = reply.body.encode()
    length = 10**6 if reply.drip else len(body)
    head = "".join(f"{name}: {value}\r\n" for name, value in (*reply.headers, ("Content-Length", str(length))))
    writer.write(f"HTTP/1.1 {reply.status} x\r\n{head}\r\n".encode("latin-1"))
    writer.write(body)
    await writer.drain()
    while reply.drip:
        await asyncio.sleep(reply.drip)
        writer.write(b" ")
        await writer.drain()


def slow(reply: Reply, seconds: float) -> Reply:
    """The same, later."""
    return replace(reply, delay=seconds)


# Signed by nobody, for 127.0.0.1: what a client must not trust. It protects nothing.
OWN_CERTIFICATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgQ4tBcaYsd2+QRqpY
sk8pGdTOOR69WNNsst9O9kWRTGOhRANCAATMHok2qiG3/NO4Dxabrv/9i+FH2s9q
SJh9rC0nPwXXlaAX9BUEH0BSbMkf+YDv1RH1tS/nCMuonTKBBuOISq55
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBjzCCATagAwIBAgIUWlLhxIPaQIXDjkFJqXuuwg4DPOowCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyMjE1MjMwNVoYDzIxMjYxMDI5
MTUyMzA1WjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATMHok2qiG3/NO4Dxabrv/9i+FH2s9qSJh9rC0nPwXXlaAX9BUEH0BS
bMkf+YDv1RH1tS/nCMuonTKBBuOISq55o2QwYjAdBgNVHQ4EFgQU/w9sWOuGDgzZ
Ud8/EsyaxuXbYj4wHwYDVR0jBBgwFoAU/w9sWOuGDgzZUd8/EsyaxuXbYj4wDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0cAMEQC
IAak87eFOcRQwx2sKyVs1Zvyr2qdq4Sb/jzZ9ipt4aKDAiAxcj7+tts4g4fzE0l6
rnCnIUnrjgwYHprukIg7bMxq/Q==
-----END CERTIFICATE-----
"""
