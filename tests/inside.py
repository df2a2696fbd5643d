"""A server in a thread of the test's own process, so that tests can set what no option sets; one at a time (the queue
is one a process)."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from extractor.service.api.app import make_app
from extractor.service.settings import Settings
from extractor.service.state import Service


class Server:
    """A server that runs: its address and its service."""

    def __init__(self, url: str, service: Service) -> None:
        self.url, self.service = url, service

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def wait(self, extraction: str, seconds: float = 30) -> None:
        """Waits until an extraction is done or failed."""
        loop = self.service._loop
        assert loop is not None
        asyncio.run_coroutine_threadsafe(self.service.wait(extraction, seconds), loop).result()


@contextmanager
def inside(data: Path, **settings: Any) -> Iterator[Server]:
    """A server with these settings; without keys and with one reader unless told otherwise."""
    asked = {"auth": "off", "workers": 1, "document_seconds": 20.0} | settings
    app = make_app(Settings(data=data, **asked))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="on"))
    thread = threading.Thread(target=server.run, name="server")
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Server(f"http://127.0.0.1:{port}", app.state.service)
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive(), "the server did not end"
