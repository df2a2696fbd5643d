"""The service on a real PostgreSQL: the same routes as on SQLite, and several instances of which one is killed."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from extractor.eval.service.server import Served
from postgres import Postgres, installed, postgres
from working import DOUBTFUL, accept, done, row, settings, until, working

from extractor import extract
from extractor.errors import GoujiError
from extractor.service.database import audit, keys, secrets
from extractor.service.database.engine import open_database
from extractor.service.settings import Settings

LONG = "\n".join([DOUBTFUL] * 20)
pytestmark = pytest.mark.skipif(not installed(), reason="PostgreSQL's server (initdb, pg_ctl) is not installed")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def served(
    request: pytest.FixtureRequest, server: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    options = ["--workers", "1"]
    if request.param == "postgresql":
        options += ["--database-url", server.database()]
    with Served(tmp_path_factory.mktemp("data"), *options) as served:
        yield served


def test_the_main_routes_answer_alike(served: Served) -> None:
    http = served.http
    sent = http.post("/v1/extractions?wait=30", json={"text": DOUBTFUL, "source": "a.txt"})
    assert sent.status_code == 200, sent.text
    (line,) = sent.json()["results"]
    alone = extract(DOUBTFUL).to_json()
    assert (line["verdicts"], line["cells"]) == (alone["verdicts"], json.loads(json.dumps(alone["cells"])))
    id = sent.json()["id"]
    assert http.post("/v1/extractions", json={"text": DOUBTFUL, "source": "a.txt"}).json()["id"] == id
    key = {"Idempotency-Key": "k1"}
    first = http.post("/v1/extractions", json={"text": DOUBTFUL + "\n1"}, headers=key)
    assert http.post("/v1/extractions", json={"text": DOUBTFUL + "\n1"}, headers=key).json()["id"] == first.json()["id"]
    assert http.get(f"/v1/extractions/{id}").json()["state"] == "done"
    assert http.get(f"/v1/extractions/{id}/text").text == DOUBTFUL
    batch = http.post(
        "/v1/batches", json={"documents": [{"text": f"{DOUBTFUL}\n{n}", "source": f"{n}"} for n in range(4)]}
    )
    assert batch.status_code == 202, batch.text
    address = f"/v1/batches/{batch.json()['id']}"
    until(lambda: http.get(address).json()["finished"], 30)
    listed = http.get("/v1/extractions", params={"limit": 3})
    assert listed.status_code == 200
    assert len(listed.json()["items"]) == 3
    queue = http.get("/v1/review/queue")
    assert queue.status_code == 200, queue.text
    review = http.get(f"/v1/review/{id}/1")
    assert review.status_code == 200, review.text
    assert http.get("/v1/overview").status_code == 200
    assert http.get("/readyz").status_code == 200, http.get("/readyz").text
    assert http.get("/healthz").status_code == 200
    assert "gouji" in http.get("/metrics").text
    assert http.delete(f"/v1/extractions/{id}").status_code in (200, 204)
    assert http.get(f"/v1/extractions/{id}").status_code == 404


@pytest.mark.parametrize("text", [DOUBTFUL + "\x00", "\x00", DOUBTFUL.replace("2022", "2\x0022")])
def test_a_nul_in_a_document_is_no_trouble_of_the_database(served: Served, text: str) -> None:
    sent = served.http.post("/v1/extractions?wait=30", json={"text": text})
    assert (sent.status_code, sent.json()["state"]) == (200, "done"), sent.text


@contextmanager
def instance(folder: Path, url: str, name: str, *options: str) -> Iterator[Served]:
    asked = ("--database-url", url, "--instance", name, "--workers", "1", *options)
    with Served(folder / name, *asked, env={"GOUJI_HEARTBEAT": "0.25"}) as served:
        yield served


def results(url: str) -> dict[str, int]:
    """How many results each extraction has in effect."""
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        found = connection.execute(
            sa.text(
                "select e.id, e.state, (select count(*) from reports r where r.extraction = e.id) from extractions e"
            )
        ).all()
    engine.dispose()
    assert {state for _, state, _ in found} == {"done"}
    return {id: count for id, _, count in found}


def under_way(url: str) -> dict[str, str]:
    """Which extraction which instance works at just now."""
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        found = connection.execute(sa.text("select instance, id from extractions where state = 'running'")).all()
    engine.dispose()
    return {instance: id for instance, id in found if instance}


def test_what_a_killed_instance_had_under_way_is_done_by_another(server: Postgres, tmp_path: Path) -> None:
    url = server.database()
    with instance(tmp_path, url, "one") as one, instance(tmp_path, url, "two") as two:
        sent = [two.http.post("/v1/extractions", json={"text": f"{LONG}\n{n}"}).json()["id"] for n in range(6)]
        long = until(lambda: under_way(url).get("one"), 30)
        one.kill()
        # Somebody waits at the other instance for what the dead one has accepted.
        waited = two.http.post("/v1/extractions?wait=60", json={"text": f"{LONG}\n{sent.index(long)}"})
        assert (waited.status_code, waited.json()["id"]) == (200, long)
        until(lambda: all(two.http.get(f"/v1/extractions/{id}").json()["state"] == "done" for id in sent), 90)
        assert results(url) == dict.fromkeys(sent, 20)
        assert "is gone" in "".join(two.said)


def test_a_living_instance_is_left_alone_and_a_name_has_one_holder(server: Postgres, tmp_path: Path) -> None:
    url = server.database()
    with instance(tmp_path, url, "one") as one, instance(tmp_path, url, "two") as two:
        long = one.http.post("/v1/extractions", json={"text": LONG}).json()["id"]
        until(lambda: one.http.get(f"/v1/extractions/{long}").json()["state"] == "running", 30)
        worker = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
        with worker.begin() as connection:
            holder = connection.execute(sa.text("select instance from extractions")).scalar()
            # Its signs of life are late, but it lives: its lock is held.
            connection.execute(
                sa.text("update instances set seen = '2020-01-01T00:00:00.000Z' where name = :name"), {"name": holder}
            )
        worker.dispose()
        until(lambda: one.http.get(f"/v1/extractions/{long}").json()["state"] == "done", 60)
        assert "is gone" not in "".join([*one.said, *two.said])
        again = Served(tmp_path / "again", "--database-url", url, "--instance", "one")
        with pytest.raises(RuntimeError, match="Another instance is called one"):
            again.start()


def test_a_database_that_restarts_is_waited_for(server: Postgres, tmp_path: Path) -> None:
    asked = settings(tmp_path, database_url=server.database(), instance="only", heartbeat=0.25)
    with working(asked) as service:
        first = accept(service, LONG)
        until(lambda: row(service, first).state == "running")
        server.stop()
        try:
            assert until(lambda: service.worker.trouble, 30).code == "database"
            time.sleep(0.5)
        finally:
            server.start()
        assert until(lambda: _state(service, first) == "done", 60)
        until(lambda: service.worker.trouble is None, 30)
        assert done(service, accept(service, DOUBTFUL), 60).state == "done"


def _state(service: Any, extraction: str) -> str | None:
    try:
        return str(row(service, extraction).state)
    except Exception:
        return None


def test_two_instances_share_the_work_and_wake_each_other(server: Postgres, tmp_path: Path) -> None:
    url = server.database()
    with instance(tmp_path, url, "one") as one, instance(tmp_path, url, "two") as two:
        answers: list[int] = []

        def send(served: Served, number: int) -> None:
            sent = served.http.post("/v1/extractions?wait=60", json={"text": f"{DOUBTFUL}\n{number}"}, timeout=90)
            answers.append(sent.status_code)

        threads = [threading.Thread(target=send, args=((one, two)[n % 2], n)) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(90)
        assert answers == [200] * 20
        assert set(results(url).values()) == {1}


def test_keys_sessions_and_the_audit(server: Postgres) -> None:
    database = open_database(Settings.model_validate({"database_url": server.database()}))
    try:
        with database.write() as connection:
            key, secret = keys.add(connection, "王", ["read", "review"], rate="60/minute")
            assert keys.of_secret(connection, secret) == key
            cookie = keys.log_in(connection, key)
            keys.touch(connection, key.id)
            assert keys.of_session(connection, cookie) == keys.by_id(connection, key.id)
            keys.log_out(connection, cookie)
            assert keys.of_session(connection, cookie) is None
            keys.log_in(connection, key)
            revoked = keys.revoke(connection, key.id)
            assert revoked is not None
            assert revoked.state == "revoked"
            assert not keys.any_active(connection)
            assert keys.any_made(connection)
            first = secrets.secret(connection, "test")
            assert secrets.secret(connection, "test") == first
            entries = audit.page(connection, limit=1, before=10**17)
        assert [(entry["action"], entry["target"]) for entry in entries] == [("key.revoked", key.id)]
        with pytest.raises(GoujiError), database.write() as connection:
            connection.exec_driver_sql("update audit set who = 'nobody'")
    finally:
        database.close()
