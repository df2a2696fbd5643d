"""What a service that starts again, stops, or loses its database for a while does with its work."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from processes import gone
from working import DOUBTFUL, LONG, accept, change, done, row, settings, until, working

from extractor.service.database import engine
from extractor.service.state import Service


def workflows(service: Service) -> dict[str, int]:
    return service.worker.queues.count()


def full(service: Service, on: bool) -> None:
    """Lets SQLite's file of the service grow no more, or again."""

    def limit(connection: Any, *_: Any) -> None:
        (pages,) = connection.execute("pragma page_count").fetchone()
        connection.execute(f"pragma max_page_count = {pages if on else 1_000_000}")

    sa.event.listen(service.database.engine, "checkout", limit)


@pytest.mark.parametrize("trouble", ["locked", "disk_full"])
def test_a_database_that_is_away_is_waited_for(tmp_path: Path, monkeypatch: Any, trouble: str) -> None:
    monkeypatch.setattr(engine, "WAIT", 0.1)
    with working(settings(tmp_path)) as service:
        monkeypatch.setattr(service.worker.patience, "stop", service.worker.stopping)
        first = accept(service, DOUBTFUL)
        done(service, first)
        reading = service.worker.readers.read
        away = threading.Event()
        blocker = sqlite3.connect(tmp_path / "service.db", isolation_level=None, check_same_thread=False)

        def read(*document: Any) -> Any:
            outcome = reading(*document)
            if trouble == "locked":
                blocker.execute("begin immediate")
            else:
                # Larger than the free room of a page.
                full(service, True)
            away.set()
            return outcome

        monkeypatch.setattr(service.worker.readers, "read", read)
        waits = accept(service, LONG[: 12 * len(DOUBTFUL)])
        assert away.wait(20)
        assert until(lambda: service.worker.trouble).code == trouble
        assert row(service, waits).state == "running"
        if trouble == "locked":
            blocker.execute("rollback")
        else:
            full(service, False)
        blocker.close()
        assert done(service, waits).state == "done"
        until(lambda: service.worker.trouble is None)
        until(lambda: set(workflows(service)) == {"SUCCESS"})


def test_a_queue_that_is_lost_is_made_anew(tmp_path: Path) -> None:
    with working(settings(tmp_path)) as service:
        ids = [accept(service, f"{DOUBTFUL}\n{number}", put=False) for number in range(3)]
        change(service, ids[1], state="running")
    for lost in tmp_path.glob("queue.db*"):
        lost.unlink()
    with working(settings(tmp_path)) as service:
        assert {done(service, id).state for id in ids} == {"done"}


def test_a_queue_that_is_damaged_is_put_aside(tmp_path: Path, caplog: Any) -> None:
    (tmp_path / "queue.db").write_bytes(b"no database " * 1000)
    with working(settings(tmp_path)) as service:
        assert done(service, accept(service, DOUBTFUL)).state == "done"
    assert len(list(tmp_path.glob("queue.db.damaged-*"))) == 1
    assert "queue.db is damaged" in caplog.text


@pytest.mark.parametrize(("seconds", "state"), [(0.0, "running"), (60.0, "done")])
def test_the_end_waits_for_what_is_under_way_but_not_longer_than_said(
    tmp_path: Path, seconds: float, state: str
) -> None:
    with working(settings(tmp_path, shutdown_seconds=seconds)) as service:
        long = accept(service, LONG)
        behind = [accept(service, f"{LONG}\n{number}") for number in range(5)]
        until(lambda: row(service, long).state == "running" and service.worker.readers.pids)
        pids = service.worker.readers.pids
        started = time.monotonic()
        service.stop()
        if not seconds:
            assert time.monotonic() - started < 5
        assert all(gone(pid) for pid in pids)
        assert row(service, long).state == state
        assert row(service, behind[-1]).state == "queued"
    if not seconds:
        with working(settings(tmp_path, workers=2)) as service:
            assert done(service, long, 60).state == "done"
