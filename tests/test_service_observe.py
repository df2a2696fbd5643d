"""What `gouji serve` tells of itself: log, metrics, traces, health."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from endpoint import RATE_LIMITED, error, ok
from helpers import report, rows, tabs
from llm import ask_one
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from serving import Serving, serving
from starlette.types import Receive, Scope, Send

from extractor.errors import GoujiError, StoreError, UsageError
from extractor.llm import watch
from extractor.service.api.health import Checks
from extractor.service.api.middleware import Edge
from extractor.service.database import keys
from extractor.service.database.engine import open_database
from extractor.service.observe import logs, metrics, pieces, tracing
from extractor.service.settings import Settings

# Nothing of this may be in a log.
MARK = "绝密标记甲乙丙"


def document() -> str:
    return report(tabs(rows()))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("log") / "data", "--auth", "keys", "--log", "json", "--workers", "1") as found:
        yield found


def settings(**values: Any) -> Settings:
    return Settings.model_validate(values)


# Logs


def test_a_whole_session_leaves_no_secret_and_no_text_in_the_log(server: Serving) -> None:
    secret = server.key("submit", "read", "admin", name=f"名{MARK}")
    wrong = keys.make_secret()
    client = server.client(secret, **{"X-Request-ID": "session-1"})
    sent = client.post(
        "/v1/extractions", params={"wait": 20}, json={"text": document() + MARK, "source": f"{MARK}.txt"}
    )
    assert sent.status_code == 200
    extraction = sent.json()["id"]
    client.get(f"/v1/extractions/{extraction}/text")
    client.get("/v1/extractions", params={"key": wrong, "q": MARK})
    client.get(f"/v1/extractions/{wrong}")
    client.get(
        "/nothing", headers={"Authorization": f"Bearer {wrong}", "Cookie": f"gouji_session={MARK.encode().hex()}"}
    )
    client.post("/v1/extractions", content=f'{{"text": "{MARK}", "budget": "{MARK}"}}'.encode())
    client.post("/v1/extractions", json={"text": MARK, "given": {MARK: MARK}})
    client.post("/v1/check", json={MARK: MARK})
    browser = server.client()
    own = {"Sec-Fetch-Site": "same-origin"}
    cookie = browser.post("/login", data={"key": secret}, headers=own).cookies["gouji_session"]
    browser.get(f"/review/{extraction}/1")
    browser.post("/login", data={"key": wrong}, headers=own)
    browser.post("/logout", headers=own)
    log = server.log.read_text(encoding="utf-8")
    for what, hidden in {"key": secret, "wrong key": wrong, "cookie": cookie, "text": MARK}.items():
        assert hidden not in log, what
        assert hidden.encode().hex() not in log, what
    lines = [json.loads(line) for line in log.splitlines()]
    asked = [line for line in lines if line["logger"] == "gouji.access"]
    assert {"session-1"} <= {line["request_id"] for line in asked}
    first = next(line for line in asked if line["route"] == "/v1/extractions" and line["status"] == 200)
    assert first["method"] == "POST"
    assert first["ms"] > 0
    assert first["key_id"].startswith("k_")
    assert all("?" not in line["path"] for line in asked)
    assert any("[key]" in line["path"] for line in asked), "a key in an address is scrubbed"


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("Bearer abc.def", "Bearer [key]"),
        (f"key {'gouji_' + 'a' * 49}!", "key gouji_[key]!"),
        ("Cookie: gouji_session=abc; x=1", "Cookie: gouji_session=[cookie]; x=1"),
        ("postgresql://me:secret@db/x", "postgresql://me:[password]@db/x"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_scrubbing(text: str, scrubbed: str) -> None:
    assert logs.scrub(text) == scrubbed


def line_of(form: logging.Formatter, message: str, fault: BaseException | None = None, name: str = "gouji.x") -> str:
    info = None if fault is None else (type(fault), fault, fault.__traceback__)
    record = logging.LogRecord(name, logging.ERROR, __file__, 1, message, None, info)
    record.told = {"status": 500}
    return form.format(record)


@pytest.mark.parametrize("form", [logs.JsonLines(), logs.TextLines()])
def test_what_an_error_quotes_is_not_logged(form: logging.Formatter) -> None:
    try:
        try:
            int(MARK)
        except ValueError as cause:
            raise KeyError(MARK) from cause
    except KeyError as fault:
        line = line_of(form, "fault", fault)
    assert MARK not in line
    assert "builtins.ValueError" in line
    assert "builtins.KeyError" in line
    assert "int(MARK)" in line, "the lines of code are there"
    try:
        raise GoujiError("disk_full", MARK)
    except GoujiError as fault:
        assert "[disk_full]" in line_of(form, "fault", fault)
        assert MARK not in line_of(form, "fault", fault)


def test_a_librarys_event_is_one_line() -> None:
    message = f"Task exception was never retrieved\nfuture: <Task exception=ValueError('{MARK}')>"
    assert MARK not in line_of(logs.JsonLines(), message, name="asyncio")


def test_nobody_can_forge_a_line() -> None:
    with logs.about(request_id="a\nb\x1b[31m\u2028"):
        for form in (logs.JsonLines(), logs.TextLines()):
            line = line_of(form, "event\nsecond")
            assert len(line.splitlines()) == 1
            assert "\x1b" not in line


def test_events_say_what_they_belong_to() -> None:
    with logs.about(extraction="x_1"):
        logs.add(request_id="r_1")
        inside = json.loads(line_of(logs.JsonLines(), "event"))
    outside = json.loads(line_of(logs.JsonLines(), "event"))
    assert (inside["extraction"], inside["request_id"], inside["status"]) == ("x_1", "r_1", 500)
    assert "extraction" not in outside
    assert "request_id" not in outside


# Metrics


def samples(text: str) -> dict[str, float]:
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            found[name] = float(value)
    return found


def test_metrics_count_requests_by_template_and_extractions_by_verdict(server: Serving) -> None:
    client = server.client(server.key("submit", "read"))
    before = samples(server.client().get("/metrics").text)
    done = client.post("/v1/extractions", params={"wait": 20}, json={"text": document() + "计数"}).json()
    for number in range(3):
        client.get(f"/v1/extractions/{done['id']}")
        client.get(f"/nothing/{number}")
    client.request("BREW", "/nothing")
    answer = server.client().get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    after = samples(answer.text)

    def more(name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    assert more('gouji_http_requests_total{method="GET",route="/v1/extractions/{extraction}",status="200"}') == 3
    assert more('gouji_http_requests_total{method="GET",route="unknown",status="404"}') == 3
    assert more('gouji_http_requests_total{method="other",route="unknown",status="404"}') == 1
    assert more('gouji_http_request_duration_seconds_count{method="GET",route="/v1/extractions/{extraction}"}') == 3
    assert more(f'gouji_extractions_total{{verdict="{done["verdict"]}"}}') == 1
    assert more("gouji_reading_seconds_count") == 1
    assert more('gouji_extractions_state{state="done"}') == 1
    assert after['gouji_extractions_state{state="queued"}'] == 0
    assert after["gouji_database_up"] == 1
    assert after["gouji_readers"] == 1
    assert after["gouji_readers_resident_memory_bytes"] > 10_000_000
    assert after["process_resident_memory_bytes"] > 10_000_000
    assert done["id"] not in answer.text
    assert "_created" not in answer.text


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_metrics_are_for_this_machine_or_an_administrator(server: Serving, header: str) -> None:
    assert server.client(**{header: "203.0.113.5"}).get("/metrics").status_code == 401
    assert server.client().get("/metrics", headers={"Host": "gouji.example.org"}).status_code == 401
    assert server.client(server.key("admin"), **{header: "203.0.113.5"}).get("/metrics").status_code == 200


def test_a_database_that_is_away_is_a_metric() -> None:
    gone = SimpleNamespace(
        database=_Broken(),
        worker=SimpleNamespace(readers=SimpleNamespace(pids=[1, 2**22 + 1])),
    )
    found = samples(metrics.exposition(gone).decode())  # type: ignore[arg-type]
    assert found["gouji_database_up"] == 0
    assert found["gouji_readers"] == 2


class _Broken:
    def read(self) -> Any:
        raise StoreError("locked", "It is locked.")

    write = read


# Traces


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    stop = tracing.start(True, "test", exporter)
    try:
        yield exporter
    finally:
        stop()


def test_a_model_call_is_a_span_below_its_extraction(spans: InMemorySpanExporter) -> None:
    with pieces.extraction("x_1", "ask"):
        pieces.of_request("r_1")
        answer, endpoint, _ = ask_one([ok({"n": 7})])
        pieces.ended("verified")
    assert answer.value is not None
    call, work = spans.get_finished_spans()
    assert call.parent is not None
    assert call.parent.span_id == work.context.span_id
    assert work.name == "extraction ask"
    assert work.attributes == {
        "gouji.extraction.id": "x_1",
        "gouji.work": "ask",
        "gouji.request.id": "r_1",
        "gouji.verdict": "verified",
    }
    assert call.name == "chat m"
    assert call.kind.name == "CLIENT"
    assert call.attributes is not None
    told = dict(call.attributes)
    assert told.pop("gouji.rung") == "json_schema_strict"
    assert told == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "generic",
        "gen_ai.request.model": "m",
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.temperature": 0,
        "gen_ai.output.type": "json",
        "gen_ai.prompt.name": "rows",
        "gen_ai.response.id": "x",
        "gen_ai.response.model": "m",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 10,
        "server.address": "127.0.0.1",
        "server.port": endpoint.port,
        "gouji.attempt": 1,
    }
    assert call.start_time is not None
    assert call.end_time is not None
    assert 0 < call.end_time - call.start_time < 60e9
    everything = json.dumps([json.loads(span.to_json()) for span in (call, work)], ensure_ascii=False)
    for hidden in ("甲 7", "读数", "sk-secret"):
        assert hidden not in everything


@pytest.mark.parametrize(
    ("first", "kind"), [(RATE_LIMITED, "429"), (error(500, f"boom {MARK}"), "500"), (error(503), "503")]
)
def test_a_failed_attempt_is_a_span_of_its_own(spans: InMemorySpanExporter, first: Any, kind: str) -> None:
    before = metrics.REGISTRY.get_sample_value("gouji_model_calls_total", {"model": "m", "status": kind}) or 0
    answer, _, _ = ask_one([first, ok({"n": 7})])
    assert answer.value is not None
    failed, good = spans.get_finished_spans()
    assert failed.attributes is not None
    assert failed.attributes["error.type"] == kind
    assert failed.status.status_code is StatusCode.ERROR
    assert MARK not in json.dumps(json.loads(failed.to_json()), ensure_ascii=False)
    assert good.attributes is not None
    assert "error.type" not in good.attributes
    assert good.attributes["gouji.attempt"] == 2
    after = metrics.REGISTRY.get_sample_value("gouji_model_calls_total", {"model": "m", "status": kind})
    assert after == before + 1


def test_without_tracing_calls_are_only_counted() -> None:
    stop = tracing.start(False, "test")
    name, labels = "gouji_model_tokens_total", {"model": "m", "kind": "input"}
    before = metrics.REGISTRY.get_sample_value(name, labels) or 0
    with pieces.extraction("x_1", "ask"):
        ask_one([ok({"n": 7})])
    assert metrics.REGISTRY.get_sample_value(name, labels) == before + 100
    stop()
    assert not watch.watched()


def test_what_an_extraction_fails_with_is_told_by_its_class(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match=MARK), pieces.extraction("x_1", "read"):
        raise ValueError(MARK)
    (span,) = spans.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["error.type"] == "ValueError"
    assert MARK.encode("unicode_escape").decode() not in span.to_json()
    assert span.events == ()


@pytest.mark.parametrize("name", [None, "otlp", "zipkin"])
def test_an_exporter_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, name: str | None) -> None:
    monkeypatch.delenv("OTEL_TRACES_EXPORTER", raising=False)
    if name is not None:
        monkeypatch.setenv("OTEL_TRACES_EXPORTER", name)
    with pytest.raises(UsageError, match="pip install opentelemetry-exporter-"):
        tracing.start(True, "test")
    assert not watch.watched()


def test_the_console_exporter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    out = io.StringIO()
    monkeypatch.setattr("sys.stderr", out)
    stop = tracing.start(True, "test")
    with pieces.extraction("x_9", "read"):
        pass
    stop()
    assert '"gouji.extraction.id": "x_9"' in out.getvalue()


# Health


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
