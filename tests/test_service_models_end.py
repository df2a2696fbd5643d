"""The model stage over the end of a service, and over the end of its patience."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import report
from model_server import Model
from working import accept, done, row, settings, until, working

from extractor import extract
from extractor.service.database import extractions
from extractor.service.state import Service
from extractor.service.work import models

CLEAN = report()


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model()
    made.up()
    yield made
    made.down()


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


def test_an_endpoint_that_stays_down_leaves_what_the_reader_found(tmp_path: Path, model: Model) -> None:
    model.down()
    with working(settings(tmp_path, model_patience=1.0)) as service:
        text = model.text()
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


@pytest.mark.parametrize("how", ["waiting", "asking"])
def test_the_end_of_the_service_loses_nothing(tmp_path: Path, model: Model, how: str) -> None:
    model.fault = "503" if how == "waiting" else "hang"
    asked = settings(tmp_path, shutdown_seconds=0.5)
    with working(asked) as service:
        id = accept(service, model.text(), model=model.spec)
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
