"""The HTTP client below openai's: nobody else's retries, proxies or headers, and no endless answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import httpx

from extractor.llm.errors import BodyTooLong
from extractor.llm.profiles import Endpoint

# Bytes of an answer's body that are read at most; of a packed one, which may unfold a thousandfold, far fewer.
LONGEST_BODY = 8 * 2**20
LONGEST_PACKED_BODY = 2**16


# Connections of one pool. httpcore looks at all of a pool's connections for each of them whenever a request starts or
# ends: with 64 in one pool that was a third of the time.
_POOL = 4


class Clients:
    """Clients of one endpoint for so many calls at a time. `connect`, `answer`: seconds."""

    def __init__(self, endpoint: Endpoint, *, connect: float, answer: float, slots: int) -> None:
        from openai import AsyncOpenAI, Omit

        # No proxy stands between two programs of one machine.
        trust_env = not on_loopback(endpoint.base_url)
        verify = httpx.create_ssl_context(trust_env=trust_env)
        # openai takes an organisation and a project from the environment and would send them to anybody.
        headers = {"OpenAI-Organization": Omit(), "OpenAI-Project": Omit(), "Accept-Encoding": "identity"}
        self._clients = [
            AsyncOpenAI(
                api_key=endpoint.key or "none",
                base_url=endpoint.base_url,
                max_retries=0,
                timeout=httpx.Timeout(answer, connect=connect, pool=None),
                default_headers=headers,  # type: ignore[arg-type]  # Omit is openai's own way to send none
                http_client=httpx.AsyncClient(
                    verify=verify,
                    limits=httpx.Limits(max_connections=None, max_keepalive_connections=_POOL),
                    event_hooks={"response": [_bound]},
                    follow_redirects=True,
                    trust_env=trust_env,
                ),
            )
            for _ in range(-(-slots // _POOL))
        ]
        # Last in, first out: connections that were just used are open still.
        self._idle = [client for client in reversed(self._clients) for _ in range(_POOL)]

    async def post(self, body: dict[str, Any], call: str) -> httpx.Response:
        """Asks for one chat completion; `call` names it in the provider's log (ASCII). Errors: openai's and httpx's."""
        client = self._idle.pop()
        try:
            # Not `chat.completions.create`, which walks through all of the messages and the schema for nothing.
            options: Any = {"headers": {"X-Client-Request-Id": call}}
            return await client.post("/chat/completions", body=body, cast_to=httpx.Response, options=options)
        finally:
            self._idle.append(client)

    async def close(self) -> None:
        """Closes the connections."""
        for client in self._clients:
            await client.close()


def on_loopback(url: str) -> bool:
    """Whether a URL names this machine itself."""
    host = httpx.URL(url).host
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def body_text(response: httpx.Response) -> str:
    """The body of an answer that was read; empty where reading it failed."""
    try:
        return response.content.decode("utf-8", "replace")
    except httpx.ResponseNotRead:
        return ""


@dataclass
class _BoundedStream(httpx.AsyncByteStream):
    stream: httpx.AsyncByteStream
    left: int

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self.stream:
            self.left -= len(chunk)
            if self.left < 0:
                raise BodyTooLong
            yield chunk

    async def aclose(self) -> None:
        await self.stream.aclose()


async def _bound(response: httpx.Response) -> None:
    packed = response.headers.get("content-encoding", "identity").lower() not in ("", "identity")
    if isinstance(response.stream, httpx.AsyncByteStream):
        response.stream = _BoundedStream(response.stream, LONGEST_PACKED_BODY if packed else LONGEST_BODY)
