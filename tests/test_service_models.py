"""The model stage in the service, against endpoints on loopback that answer, are down, refuse or are slow."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from endpoint import NO_KEY, Server
from extractor.eval.simulated.reader import Simulated
from extractor.eval.simulated.server import SimulatedServer
from helpers import pipes, report, rows, truth
from working import accept, change, done, row, settings, until, working

from extractor import extract
from extractor.service.database import extractions
from extractor.service.state import Service
from extractor.service.work import models

BODY = {"organization": "青禾县人民政府", "year": 2023}
CLEAN = report()
# Two columns of numbers, of which the reader leaves table 3 in doubt.
DOUBTFUL = report(requests=pipes({key: [str(i), str(100 + i), *row] for i, (key, row) in enumerate(rows().items(), 1)}))


class Model:
    """A simulated model at a port that stays; `fault` is what every request gets just now, `down` closes the port."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.simulated = Simulated({})
        self.fault, self.after, self.latency = "", 0, 0.0
        self.server: SimulatedServer | None = None
        self.answered = 0

    @property
    def spec(self) -> str:
        return f"simulated@http://127.0.0.1:{self.port}/v1"

    def text(self, mark: str, text: str = DOUBTFUL) -> str:
        """A text that the model can read."""
        text = f"{text}\n{mark}\n"
        sha = str(extract(text).sha256)
        self.simulated.truths[sha[:16]] = {**truth(), **BODY}  # type: ignore[index]
        self.texts = [*getattr(self, "texts", []), (sha, text)]
        if self.server is not None:
            self.server.register(sha, text)
        return text

    def up(self) -> None:
        self.server = SimulatedServer(self.simulated, port=self.port, latency=self.latency, faults=self._fault)
        self.server.__enter__()
        assert self.server.port == self.port
        for sha, text in getattr(self, "texts", []):
            self.server.register(sha, text)

    def down(self) -> None:
        if self.server is not None:
            self.answered += self.server.answered
            self.server.__exit__(None, None, None)
            self.server = None

    def _fault(self, number: int) -> str:
        return self.fault if number >= self.after else ""

    @property
    def calls(self) -> int:
        return len(self.server.chats) if self.server is not None else 0


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model()
    made.up()
    yield made
    made.down()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with working(settings(tmp_path_factory.mktemp("data"), model_slots=2)) as service:
        yield service


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "FIRST_WAIT", 0.1)
    monkeypatch.setattr(models, "LONGEST_WAIT", 0.3)
    monkeypatch.setattr("extractor.service.work.keeper.TICK", 0.05)


def line(service: Service, extraction: str) -> dict[str, Any]:
    with service.database.read() as connection:
        found = extractions.lines(connection, extraction)
    assert found is not None
    read: dict[str, Any] = json.loads(found)[0]
    return read


def unanswered(told: dict[str, Any]) -> list[dict[str, Any]]:
    return [finding for finding in told["findings"] if finding["rule"] == "model.unanswered"]


def error_of(found: Any) -> str | None:
    return None if found.error is None else str(json.loads(found.error)["code"])


def test_the_model_is_asked_only_in_doubt_and_never_twice(service: Service, model: Model) -> None:
    text = model.text("asked")
    id = accept(service, text, model=model.spec)
    found = done(service, id)
    assert (found.state, found.error) == ("done", None)
    assert found.calls == model.calls > 0
    told = line(service, id)
    assert told["verdicts"]["requests"] == "verified"
    alone = extract(text)
    assert alone.verdicts["requests"] == "needs_review"
    paid = model.calls
    with service.database.write() as connection:
        connection.exec_driver_sql("delete from reports where extraction = ?", (id,))
    change(service, id, state="running", lines=None, calls=0)
    service.worker.keeper.sweep(0.0)
    again = line(service, id) if done(service, id) else {}
    assert model.calls == paid
    assert {**again, "usage": None} == {**told, "usage": None}
    clean = accept(service, CLEAN, model=model.spec)
    assert done(service, clean).calls == 0
    assert line(service, clean)["verdict"] == extract(CLEAN).verdict
    assert model.calls == paid


@pytest.mark.parametrize("trouble", ["503", "429", "unreachable"])
def test_an_endpoint_that_is_down_is_waited_for(service: Service, model: Model, trouble: str) -> None:
    model.fault = trouble
    if trouble == "unreachable":
        model.down()
    id = accept(service, model.text(f"down {trouble}"), model=model.spec)
    waits = until(lambda: (found := row(service, id)).state == "waiting" and found)
    assert waits.retry_at is not None
    assert error_of(waits) == {"503": "server_error", "429": "rate_limited"}.get(trouble, trouble)
    # Meanwhile what needs no model is read.
    assert done(service, accept(service, f"{CLEAN}\n{trouble}")).state == "done"
    since = waits.waits_since
    until(lambda: row(service, id).retry_at not in (waits.retry_at, None))
    assert row(service, id).waits_since == since
    model.fault = ""
    if model.server is None:
        model.up()
    found = done(service, id)
    assert (found.state, found.error, found.retry_at) == ("done", None, None)
    assert line(service, id)["verdicts"]["requests"] == "verified"
    assert unanswered(line(service, id)) == []
    until(lambda: set(service.worker.queues.count()) == {"SUCCESS"})


def test_an_endpoint_that_stays_down_leaves_what_the_reader_found(tmp_path: Path, model: Model) -> None:
    model.down()
    with working(settings(tmp_path, model_patience=1.0)) as service:
        text = model.text("for good")
        id = accept(service, text, model=model.spec)
        started = time.monotonic()
        found = done(service, id)
        assert time.monotonic() - started < 15
        assert (found.state, found.verdict, error_of(found)) == ("done", extract(text).verdict, "unreachable")
        told = line(service, id)
        assert [finding["message"] for finding in unanswered(told)]
        assert {c["path"]: c["value"] for c in told["cells"]} == {
            c["path"]: c["value"] for c in extract(text).to_json()["cells"]
        }


def test_a_key_that_is_refused_is_not_waited_for(service: Service) -> None:
    with Server([NO_KEY]) as server:
        id = accept(service, DOUBTFUL + "\nkey\n", model=f"m@{server.url}")
        found = done(service, id)
        assert (found.state, error_of(found), found.waits_since) == ("done", "no_key", None)
        assert server.calls == 1
    assert len(unanswered(line(service, id))) == 1
    assert found.verdict == "needs_review"


@pytest.mark.parametrize("spec", ["local:/nowhere/model.gguf", "deepseek", "no such model"])
def test_a_model_that_cannot_be_had_is_said_and_not_waited_for(service: Service, spec: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(service.worker.models, "_env", {})
    id = accept(service, f"{DOUBTFUL}\n{spec}\n", model=spec)
    found = done(service, id)
    assert found.state == "done"
    assert error_of(found) in ("no_such_model", "no_key", "malformed_spec")
    assert len(unanswered(line(service, id))) == 1


@pytest.mark.parametrize(
    ("budget", "calls", "code"),
    [({"max_calls": 1}, 1, None), ({"max_tokens": 1}, 1, None), ({"max_cost": "1"}, 0, "unpriced")],
)
def test_a_budget_is_kept(service: Service, model: Model, budget: dict[str, Any], calls: int, code: str | None) -> None:
    id = accept(service, model.text(f"budget {budget}"), model=model.spec, budget=budget)
    found = done(service, id)
    assert (found.state, found.calls, model.calls, error_of(found)) == ("done", calls, calls, code)
    assert len(unanswered(line(service, id))) == 1


def test_what_was_spent_before_a_wait_counts(service: Service, model: Model) -> None:
    model.fault, model.after = "503", 2  # two answers, then nothing
    id = accept(service, model.text("spent"), model=model.spec, budget={"max_calls": 2})
    until(lambda: row(service, id).state in ("waiting", "done"))
    model.fault = ""
    found = done(service, id)
    assert found.calls == 2
    assert sum(request.fault == "" for request in model.server.chats) == 2 if model.server else False


def test_documents_without_a_model_do_not_wait_for_those_with_one(service: Service, model: Model) -> None:
    model.fault = "hang"
    slow = [accept(service, model.text(f"slow {number}"), model=model.spec) for number in range(3)]
    until(lambda: model.calls >= 2)
    started = time.monotonic()
    assert done(service, accept(service, CLEAN + "\nquick")).state == "done"
    assert time.monotonic() - started < 5
    model.fault = ""
    model.down()
    model.up()
    assert {done(service, id, 60).state for id in slow} == {"done"}


@pytest.mark.parametrize("how", ["waiting", "asking"])
def test_the_end_of_the_service_loses_nothing(tmp_path: Path, model: Model, how: str) -> None:
    model.fault = "503" if how == "waiting" else "hang"
    asked = settings(tmp_path, shutdown_seconds=0.5)
    with working(asked) as service:
        id = accept(service, model.text(f"end {how}"), model=model.spec)
        until(lambda: row(service, id).state == "waiting" if how == "waiting" else model.calls)
        started = time.monotonic()
        service.stop()
        assert time.monotonic() - started < 8
    assert not [thread for thread in threading.enumerate() if thread.name == "gouji-model"]
    model.fault = ""
    model.down()
    model.up()
    with working(asked) as service:
        assert done(service, id).state == "done"
        assert line(service, id)["verdicts"]["requests"] == "verified"
