"""A service in the test's own process, without HTTP: submit, wait, look."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from extractor.service.database import extractions, tables
from extractor.service.database.extractions import Submission
from extractor.service.settings import Settings
from extractor.service.state import Service

FIXTURES = Path(__file__).parents[1] / "fixtures" / "reports"
DOUBTFUL = (FIXTURES / "taling-2022-ocr-text.txt").read_text(encoding="utf-8")
# So many reports in one text that reading takes seconds.
LONG = "\n".join(DOUBTFUL for _ in range(60))


def settings(folder: Path, **more: Any) -> Settings:
    return Settings(**({"data": folder, "auth": "off", "workers": 1, "shutdown_seconds": 20.0} | more))


@contextmanager
def working(asked: Settings) -> Iterator[Service]:
    """A service that works; stopped at the end."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    service = Service(asked)
    service.start(loop)
    try:
        yield service
    finally:
        service.stop()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def accept(service: Service, text: str, put: bool = True, **more: Any) -> str:
    """An accepted document's extraction; `put`: also into the queue."""
    with service.database.write() as connection:
        accepted = extractions.submit(connection, Submission(data=text.encode(), source="-", **more), 100_000)
    if put:
        service.put(accepted)
    return accepted.id


def row(service: Service, extraction: str) -> Any:
    with service.database.read() as connection:
        return extractions.head(connection, extraction)


def change(service: Service, extraction: str, **values: Any) -> None:
    with service.database.write() as connection:
        connection.execute(sa.update(tables.extractions).where(tables.extractions.c.id == extraction).values(values))


def until(true: Callable[[], Any], seconds: float = 20.0) -> Any:
    """What the function gives, once it is true."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)
    return found


def done(service: Service, extraction: str, seconds: float = 20.0) -> Any:
    """The row of an extraction that ended."""
    return until(lambda: (found := row(service, extraction)).state in ("done", "failed") and found, seconds)
