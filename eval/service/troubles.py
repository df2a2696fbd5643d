"""What can go wrong around a server: a disk that is full, a database that is locked, an endpoint that is down."""

from __future__ import annotations

import contextlib
import json
import resource
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from extractor.eval.service.server import Served
from extractor.eval.simulated.loopback import Loopback, read_request


@contextlib.contextmanager
def full_disk(served: Served) -> Iterator[None]:
    """No file of the server may grow any more (RLIMIT_FSIZE: as a full disk, without the right to make one)."""
    sizes = [path.stat().st_size for path in served.data.iterdir()]
    resource.prlimit(served.pid, resource.RLIMIT_FSIZE, (max(4096, min(sizes)), resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(served.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@contextlib.contextmanager
def locked(served: Served) -> Iterator[None]:
    """Another program holds the write lock of the service's database."""
    blocker = sqlite3.connect(served.data / "service.db", isolation_level=None, timeout=30)
    blocker.execute("begin immediate")
    try:
        yield
    finally:
        blocker.execute("rollback")
        blocker.close()


@dataclass
class Endpoint(Loopback):
    """A model's endpoint that is down, and then answers every question with nothing read."""

    down: bool = True
    calls: int = 0

    async def one(self, reader: Any, writer: Any) -> bool:
        await read_request(reader)
        self.calls += 1
        if self.down:
            writer.write(b"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n")
        else:
            message = {"role": "assistant", "content": "{}"}
            body = json.dumps({"id": "x", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
            head = f"HTTP/1.1 200 x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write((head + body).encode())
        await writer.drain()
        return True
