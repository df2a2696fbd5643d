"""`/healthz`, `/readyz`, `/metrics`: for whoever watches over the service."""

from __future__ import annotations

import asyncio
import logging
import shutil
import threading
import time
from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from extractor.errors import GoujiError
from extractor.service import migrations
from extractor.service.api.credentials import shown_key
from extractor.service.api.origin import is_local
from extractor.service.api.problems import Problem
from extractor.service.api.security import caller_of, deny
from extractor.service.database import keys
from extractor.service.database.extractions import version
from extractor.service.observe import metrics
from extractor.service.state import Service, service_of

log = logging.getLogger("gouji.health")
router = APIRouter(tags=["administration"])
Serving = Annotated[Service, Depends(service_of)]
_REMEMBERED = 1.0  # seconds: asked more often, the service is not looked at anew
PATIENCE = 3.0  # seconds for all checks
ROOM = 200_000_000  # bytes that have to be free


class Health(BaseModel):
    """The process lives."""

    status: Literal["ok"] = "ok"
    version: str


class Readiness(BaseModel):
    """Whether the service can do its work; `checks`: `ok`, or what is wrong."""

    ready: bool
    checks: dict[str, str] = Field(examples=[{"database": "ok", "queue": "ok", "readers": "ok", "disk": "ok"}])


class Checks:
    """Looks at what the service needs, at most once a second however often it is asked."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._turn = threading.Lock()
        self._at, self._found = 0.0, dict[str, str]()

    def look(self) -> dict[str, str]:
        """`ok` or what is wrong, by what was looked at."""
        with self._turn:
            if time.monotonic() - self._at > _REMEMBERED:
                self._found = {
                    "database": self._said(self._database),
                    "migrations": self._said(self._migrations),
                    "queue": self._said(self._queue),
                    "readers": self._said(self._readers),
                    "disk": self._said(self._disk),
                }
                self._at = time.monotonic()
            return self._found

    def _said(self, look: Callable[[], str | None]) -> str:
        try:
            return look() or "ok"
        except GoujiError as error:
            return error.message
        except Exception as error:  # whatever it is, the service is not ready
            log.exception("a check failed")
            return f"The check failed ({type(error).__name__})."

    def _database(self) -> str | None:
        with self.service.database.write() as connection:
            keys.end_sessions(connection)  # a write that is of use
        return None

    def _migrations(self) -> str | None:
        with self.service.database.read() as connection:
            return migrations.difference(connection)

    def _queue(self) -> str | None:
        worker = self.service.worker
        if not worker.alive:
            return "The queue has stopped: start the service anew."
        return None if worker.trouble is None else worker.trouble.message

    def _readers(self) -> str | None:
        readers = self.service.worker.readers
        if not readers.pids:  # none was needed so far: none is busy
            readers.read(b"-", "readyz")
        return None if readers.pids else "No process that reads documents can be started."

    def _disk(self) -> str | None:
        settings = self.service.settings
        if settings.database_url is not None:
            return None
        free = shutil.disk_usage(settings.data).free
        if free >= max(ROOM, 3 * settings.max_body):
            return None
        return f"Only {free // 1_000_000} MB are free where the data lie."


def install(app: FastAPI, service: Service) -> None:
    """Makes the checks ready."""
    app.state.checks = Checks(service)


@router.get("/healthz")
async def healthz() -> Health:
    """The process lives. Asks for no key."""
    return Health(version=version())


@router.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}})
async def readyz(request: Request, service: Serving) -> Response:
    """Whether the service can do its work: 200, or 503 with what is wrong. Asks for no key."""
    if service.stopping:
        found = {"service": "The service is stopping."}
    else:
        try:
            checks: Checks = request.app.state.checks
            found = await asyncio.wait_for(run_in_threadpool(checks.look), PATIENCE)
        except TimeoutError:
            found = {"service": f"The checks did not end within {PATIENCE:g} s: the database or a reader hangs."}
    ready = all(said == "ok" for said in found.values())
    headers = {} if ready else {"Retry-After": "5"}
    return JSONResponse({"ready": ready, "checks": found}, 200 if ready else 503, headers)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def prometheus(request: Request, service: Serving) -> Response:
    """Metrics in Prometheus's text format; for programs of this machine, else with a key of scope `admin`."""
    if shown_key(request.headers) is not None or not is_local(request):
        caller = await caller_of(request)
        if not caller.may("admin"):
            await deny(request, caller.id, "forbidden", "admin")
            raise Problem("forbidden", f"The key {caller.name} has no scope `admin`.", "Ask for a key that has it.")
    told = await run_in_threadpool(metrics.exposition, service.database, service.worker.readers.pids)
    return Response(told, media_type=CONTENT_TYPE_LATEST)
