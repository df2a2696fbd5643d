"""Many clients in a process of their own, on raw connections: they are not to eat what is measured.

A request is made of bytes that were encoded before, so a client costs a fraction of a millisecond for each.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

CLIENTS = 32
MARK = b"@@MARK@@"  # in a body: becomes the request's own number, so that no two are alike
_LONGEST = 1 << 26  # bytes of an answer's head that are read ahead


@dataclass(frozen=True, slots=True)
class Request:
    """`MARK` may stand in path and body. `expected`: the statuses that are right."""

    method: str
    path: str
    body: bytes = b""
    kind: str = "application/json"
    expected: tuple[int, ...] = (200,)

    def encode(self, mark: bytes) -> bytes:
        """The bytes to send."""
        body = self.body.replace(MARK, mark)
        head = (
            f"{self.method} {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {self.kind}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode().replace(MARK, mark) + body


@dataclass(frozen=True, slots=True)
class Answers:
    """Seconds of each request in the order they ended, what was answered wrongly, and the clients' own cost."""

    seconds: list[float]
    wrong: list[str]
    wall: float
    cpu: float

    @property
    def per_second(self) -> float:
        """Requests a second."""
        return len(self.seconds) / self.wall

    def quantile(self, share: float) -> float:
        """0.5: half of the requests took at most so many seconds."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def send(
    port: int, requests: Sequence[Request], count: int, *, series: str, clients: int = CLIENTS, limit: float = 600.0
) -> Answers:
    """Sends `count` requests, taken in turn; each client sends its next one when it has its answer.

    `series` makes this call's marks differ from another's. Errors: RuntimeError where it takes longer than `limit`.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_process, args=(theirs, port, list(requests), count, series, clients), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(limit):
            raise RuntimeError(f"{count} requests were not answered within {limit:g} s")
        found: Answers = ours.recv()
        return found
    except EOFError:
        raise RuntimeError("the clients died: the server closed a connection") from None
    finally:
        process.terminate()
        process.join()


def _process(pipe: Connection, port: int, requests: list[Request], count: int, series: str, clients: int) -> None:
    pipe.send(asyncio.run(_all(port, requests, count, series, clients)))


async def _all(port: int, requests: list[Request], count: int, series: str, clients: int) -> Answers:
    seconds: list[float] = []
    wrong: list[str] = []
    numbers = iter(range(count))

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=_LONGEST)
        for number in numbers:
            request = requests[number % len(requests)]
            message = request.encode(f"{series}-{number}".encode())
            started = time.perf_counter()
            writer.write(message)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = head.partition("content-length:")[2].partition("\r\n")[0]
            body = await reader.readexactly(int(length)) if length else b""
            seconds.append(time.perf_counter() - started)
            status = int(head[9:12])
            if status not in request.expected and len(wrong) < 20:
                wrong.append(f"{request.method} {request.path}: {status} {body[:300].decode('utf-8', 'replace')}")
            if "connection: close" in head:
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=_LONGEST)
        writer.close()

    started, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*(client() for _ in range(clients)))
    return Answers(seconds, wrong, time.perf_counter() - started, time.process_time() - used)
