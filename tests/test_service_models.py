"""The model stage in the service, against endpoints on loopback that answer, are down, refuse or are slow."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from endpoint import NO_KEY, Server
from helpers import report
from model_server import Model, doubtful
from working import FIXTURES, accept, change, done, row, settings, until, working

from extractor import extract
from extractor.service.database import extractions
from extractor.service.state import Service
from extractor.service.work import models

CLEAN = report()
NOTHING_TO_ASK = (FIXTURES / "fenghe-2024-glued-one-run.txt").read_text(encoding="utf-8")


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
    text = model.text()
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
    id = accept(service, model.text(), model=model.spec)
    waits = until(lambda: (found := row(service, id)).state == "waiting" and found)
    assert waits.retry_at is not None
    assert error_of(waits) == {"503": "server_error", "429": "rate_limited"}.get(trouble, trouble)
    # Meanwhile what needs no model is read, also where there is doubt, but nothing to be asked about.
    assert done(service, accept(service, f"{CLEAN}\n{trouble}")).state == "done"
    nothing = done(service, accept(service, f"{NOTHING_TO_ASK}\n{trouble}", model=model.spec))
    assert (nothing.verdict, nothing.calls, nothing.error) == ("needs_review", 0, None)
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


def test_a_key_that_is_refused_is_not_waited_for(service: Service) -> None:
    with Server([NO_KEY]) as server:
        id = accept(service, doubtful(), model=f"m@{server.url}")
        found = done(service, id)
        assert (found.state, error_of(found), found.waits_since) == ("done", "no_key", None)
        assert server.calls == 1
    assert len(unanswered(line(service, id))) == 1
    assert found.verdict == "needs_review"


@pytest.mark.parametrize("spec", ["local:/nowhere/model.gguf", "deepseek", "no such model"])
def test_a_model_that_cannot_be_had_is_said_and_not_waited_for(service: Service, spec: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(service.worker.models, "_env", {})
    id = accept(service, doubtful(), model=spec)
    found = done(service, id)
    assert found.state == "done"
    assert error_of(found) in ("no_such_model", "no_key", "unknown_profile")
    assert len(unanswered(line(service, id))) == 1


@pytest.mark.parametrize(
    ("budget", "calls", "code"),
    [({"max_calls": 1}, 1, None), ({"max_tokens": 1}, 1, None), ({"max_cost": "1"}, 0, "unpriced")],
)
def test_a_budget_is_kept(service: Service, model: Model, budget: dict[str, Any], calls: int, code: str | None) -> None:
    id = accept(service, model.text(reports=9), model=model.spec, budget=budget)
    found = done(service, id)
    assert (found.state, error_of(found)) == ("done", code)
    assert found.calls == model.calls == calls
    with service.database.read() as connection:
        told = json.loads(extractions.lines(connection, id) or "[]")
    assert [len(unanswered(report)) for report in told].count(1) == 9 - found.calls


def test_what_was_spent_before_a_wait_counts(service: Service, model: Model) -> None:
    model.fault, model.after = "503", 1  # one answer, then nothing
    id = accept(service, model.text(reports=3), model=model.spec, budget={"max_calls": 2})
    until(lambda: row(service, id).state == "waiting" or row(service, id).waits_since)
    model.fault = ""
    found = done(service, id)
    assert found.calls == 2
    assert model.server is not None
    assert model.server.answered == 2


def test_documents_without_a_model_do_not_wait_for_those_with_one(service: Service, model: Model) -> None:
    model.fault = "hang"
    slow = [accept(service, model.text(), model=model.spec) for number in range(3)]
    until(lambda: model.calls >= 2)
    started = time.monotonic()
    assert done(service, accept(service, CLEAN + "\nquick")).state == "done"
    assert time.monotonic() - started < 5
    model.fault = ""
    model.down()
    model.up()
    assert {done(service, id, 60).state for id in slow} == {"done"}
