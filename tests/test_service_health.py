"""Whether `gouji serve` is well, and what every request passes."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from serving import Serving, serving
from starlette.types import Receive, Scope, Send

from extractor.errors import StoreError
from extractor.service.api.health import Checks
from extractor.service.api.middleware import Edge
from extractor.service.database.engine import open_database
from extractor.service.settings import Settings

MARK = "绝密标记甲乙丙"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("health") / "data", "--workers", "1") as found:
        yield found


def settings(**values: Any) -> Settings:
    return Settings.model_validate(values)


class _Broken:
    def read(self) -> Any:
        raise StoreError("locked", "It is locked.")

    write = read


@pytest.fixture
def checks(tmp_path: Path) -> Iterator[Checks]:
    database = open_database(settings(data=tmp_path))
    worker = SimpleNamespace(alive=True, trouble=None, readers=SimpleNamespace(pids=[1], read=lambda *_: None))
    yield Checks(SimpleNamespace(settings=settings(data=tmp_path), database=database, worker=worker, stopping=False))  # type: ignore[arg-type]
    database.close()


def test_all_is_well(checks: Checks) -> None:
    assert set(checks.look().values()) == {"ok"}


def test_what_is_wrong_is_said(checks: Checks, monkeypatch: pytest.MonkeyPatch) -> None:
    worker: Any = checks.service.worker
    worker.alive = False
    worker.readers.pids = []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=3_000_000))
    with checks.service.database.write() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")
    found = checks.look()
    assert found.pop("database") == "ok"
    assert "9999" in found["migrations"]
    assert "stopped" in found["queue"]
    assert "started" in found["readers"]
    assert "3 MB" in found["disk"]


def test_readiness_is_looked_at_once_a_second(checks: Checks) -> None:
    worker: Any = checks.service.worker
    assert checks.look()["queue"] == "ok"
    worker.alive = False
    assert checks.look()["queue"] == "ok"
    checks._at -= 2
    assert checks.look()["queue"] != "ok"


def test_a_check_that_fails_is_no_readiness(checks: Checks) -> None:
    checks.service.database = _Broken()  # type: ignore[assignment]
    found = checks.look()
    assert found["database"] == "It is locked."


def test_readyz_answers_while_the_database_is_locked(server: Serving) -> None:
    client = server.client()
    assert client.get("/readyz").json() == {
        "ready": True,
        "checks": dict.fromkeys(("database", "migrations", "queue", "readers", "disk"), "ok"),
    }
    other = sqlite3.connect(server.data / "service.db", isolation_level=None)
    other.execute("begin exclusive")
    time.sleep(1.1)  # what was found is remembered for a second
    try:
        answer = client.get("/readyz")
        assert client.get("/healthz").json()["status"] == "ok"
    finally:
        other.execute("rollback")
        other.close()
    assert answer.status_code == 503
    assert answer.json()["ready"] is False
    assert "retry-after" in answer.headers
    until = time.monotonic() + 20
    while client.get("/readyz").status_code != 200:
        assert time.monotonic() < until


# The layer around the application


def edge(app: Any, **more: Any) -> httpx.AsyncClient:
    values = {"auth": "off", "body_seconds": 0.05, "max_wait": 0, "answer_seconds": 0.05}
    service = SimpleNamespace(settings=settings(**values), stopping=False, **more)
    around = Edge(app, service)  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=httpx.ASGITransport(around), base_url="http://localhost")


async def _start(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"public")]})


async def _hang(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.Event().wait()


async def _slow_answer(scope: Scope, receive: Receive, send: Send) -> None:
    await _start(send)
    await asyncio.sleep(0.3)
    await send({"type": "http.response.body", "body": b"all of it"})


async def _fault(scope: Scope, receive: Receive, send: Send) -> None:
    raise ValueError(MARK)


async def _late_fault(scope: Scope, receive: Receive, send: Send) -> None:
    await _start(send)
    raise ValueError(MARK)


def test_a_request_has_a_time_limit_and_its_answer_has_none() -> None:
    async def run() -> tuple[httpx.Response, httpx.Response]:
        async with edge(_hang) as hanging, edge(_slow_answer) as slow:
            return await hanging.get("/"), await slow.get("/")

    late, whole = asyncio.run(run())
    assert (late.status_code, late.json()["code"]) == (504, "timeout")
    assert "content-security-policy" in late.headers
    assert whole.text == "all of it"
    assert whole.headers["cache-control"] == "public", "what a route says of itself stays"


def test_a_fault_is_a_problem_that_quotes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> httpx.Response:
        async with edge(_fault) as client:
            return await client.get("/")

    answer = asyncio.run(run())
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert MARK not in answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == ["fault"]


def test_half_an_answer_breaks_off() -> None:
    async def run() -> None:
        async with edge(_late_fault) as client:
            await client.get("/")

    with pytest.raises(ValueError, match=MARK):
        asyncio.run(run())


def test_while_it_stops_it_takes_nothing_but_says_that_it_lives() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _start(send)
        await send({"type": "http.response.body", "body": b"alive"})

    async def run() -> list[httpx.Response]:
        async with edge(app) as client:
            client._transport.app.service.stopping = True  # type: ignore[attr-defined]
            return [await client.get("/v1/extractions"), await client.get("/healthz")]

    refused, alive = asyncio.run(run())
    assert (refused.status_code, refused.json()["code"]) == (503, "shutting_down")
    assert refused.headers["retry-after"] == "5"
    assert refused.headers["connection"] == "close"
    assert alive.text == "alive"
