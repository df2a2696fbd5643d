"""What `gouji serve` tells of itself: log, metrics, traces, health."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from endpoint import RATE_LIMITED, error, ok
from helpers import report, rows, tabs
from llm import ask_one
from model_server import Model
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from serving import Serving, serving

from extractor.errors import GoujiError, StoreError, UsageError
from extractor.llm import watch
from extractor.service.database import keys
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
    cookies = f"gouji_session={MARK.encode().hex()}"
    client.get("/nothing", headers={"Authorization": f"Bearer {wrong}", "Cookie": cookies})
    client.post("/v1/extractions", content=f'{{"text": "{MARK}", "budget": "{MARK}"}}'.encode())
    client.post("/v1/extractions", json={"text": MARK, "given": {MARK: MARK}})
    client.post("/v1/check", json={MARK: MARK})
    browser = server.client()
    own = {"Sec-Fetch-Site": "same-origin"}
    cookie = browser.post("/login", data={"key": secret}, headers=own).cookies["gouji_session"]
    browser.get(f"/review/{extraction}/1")
    browser.post("/login", data={"key": wrong}, headers=own)
    browser.post("/logout", headers=own)
    lines = [json.loads(line) for line in server.log.read_text(encoding="utf-8").splitlines()]
    log = json.dumps(lines, ensure_ascii=False)
    for what, hidden in {"key": secret, "wrong key": wrong, "cookie": cookie, "text": MARK}.items():
        assert hidden not in log, what
        assert hidden.encode().hex() not in log, what
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
    assert json.dumps(MARK)[1:-1] not in line
    assert "builtins.ValueError" in line
    assert "builtins.KeyError" in line
    assert "int(MARK)" in line, "the lines of code are there"
    ours = line_of(form, "fault", GoujiError("disk_full", MARK))
    assert "[disk_full]" in ours
    assert MARK not in ours


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
    found = samples(metrics.exposition(_Broken(), [1, 2**22 + 1]).decode())  # type: ignore[arg-type]
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


def test_a_served_extraction_is_traced_with_its_model_calls_below_it(tmp_path: Path) -> None:
    model = Model()
    model.up()
    text = model.text()
    try:
        options = ("--workers", "1", "--model", model.spec, "--tracing")
        with serving(
            tmp_path / "data", *options, OTEL_TRACES_EXPORTER="console", OTEL_BSP_SCHEDULE_DELAY="50"
        ) as server:
            client = server.client(**{"X-Request-ID": "traced-1"})
            done = client.post("/v1/extractions", params={"wait": 30}, json={"text": text}).json()
            assert done["state"] == "done"
            found = samples(client.get("/metrics").text)
    finally:
        model.down()
    seen = [found for found in _objects(server.log.read_text(encoding="utf-8")) if "parent_id" in found]
    by_name = {span["name"]: span for span in seen}
    calls = [span for span in seen if span["name"] == "chat simulated"]
    assert len(calls) == done["usage"]["calls"] > 0
    asked = by_name["extraction ask"]
    assert {call["parent_id"] for call in calls} == {asked["context"]["span_id"]}
    for work in (asked, by_name["extraction read"]):
        assert work["attributes"]["gouji.extraction.id"] == done["id"]
        assert work["attributes"]["gouji.request.id"] == "traced-1"
    assert asked["attributes"]["gouji.verdict"] == done["verdict"]
    assert sum(call["attributes"]["gen_ai.usage.input_tokens"] for call in calls) == done["usage"]["prompt_tokens"]
    assert asked["resource"]["attributes"]["service.name"] == "gouji"
    assert found['gouji_model_calls_total{model="simulated",status="200"}'] == len(calls)
    assert found['gouji_model_tokens_total{kind="input",model="simulated"}'] == done["usage"]["prompt_tokens"]
    for span in seen:
        assert not set("青禾县申请") & set(json.dumps(span, ensure_ascii=False))


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """JSON objects, one after another, on as many lines as they take."""
    decoder, at = json.JSONDecoder(), 0
    while (at := text.find("{", at)) >= 0:
        found, at = decoder.raw_decode(text, at)
        yield found
