"""The durable queue: what is accepted is done once, whatever dies, is lost or is away meanwhile."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from working import DOUBTFUL, LONG, accept, change, done, row, settings, until, working

from extractor import extract
from extractor.document.sandbox import Killed, Sandbox, _answer, _died
from extractor.errors import UsageError
from extractor.export.jsonl import dump
from extractor.service.database import extractions, open_work, tables
from extractor.service.state import Service
from extractor.service.work.patience import Interrupted
from extractor.service.work.presence import Presence
from extractor.service.work.reading import read_document
from extractor.service.work.turns import Turns


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with working(settings(tmp_path_factory.mktemp("data"))) as service:
        yield service


def lines(service: Service, extraction: str) -> list[dict[str, Any]]:
    with service.database.read() as connection:
        found = extractions.lines(connection, extraction)
    assert found is not None
    read: list[dict[str, Any]] = json.loads(found)
    return read


def workflows(service: Service) -> dict[str, int]:
    return service.worker.queues.count()


def test_the_result_is_that_of_the_library_and_is_there_once(service: Service) -> None:
    first = accept(service, DOUBTFUL)
    for _ in range(3):
        service.worker.put(first, 1)
    assert done(service, first).state == "done"
    # `sha256` is of the bytes, here the same as of the text.
    assert lines(service, first) == [json.loads(dump(extract(DOUBTFUL).to_json()))]
    with service.database.read() as connection:
        count = connection.execute(
            sa.select(sa.func.count()).select_from(tables.reports).where(tables.reports.c.extraction == first)
        ).scalar()
    assert count == 1


def test_what_never_reached_the_queue_is_found(service: Service) -> None:
    lost = accept(service, DOUBTFUL + "\nlost", put=False)
    service.worker.keeper.sweep(3600.0)  # too young
    assert row(service, lost).state == "queued"
    service.worker.keeper.sweep(0.0)
    assert done(service, lost).state == "done"


def test_work_whose_workflow_has_ended_is_done_again(service: Service) -> None:
    again = accept(service, DOUBTFUL + "\nagain")
    before = done(service, again)
    until(lambda: set(workflows(service)) <= {"SUCCESS"})
    with service.database.write() as connection:
        connection.execute(sa.delete(tables.reports).where(tables.reports.c.extraction == again))
    change(service, again, state="running", lines=None, finished=None)
    service.worker.keeper.sweep(0.0)
    after = done(service, again)
    assert after.attempts == before.attempts + 1
    assert len(lines(service, again)) == 1


def test_a_workflow_that_was_taken_and_dropped_is_given_back(service: Service, monkeypatch: Any) -> None:
    """As after a disk that was full just between the two steps of DBOS."""
    dropped = accept(service, DOUBTFUL + "\ndropped", put=False)
    monkeypatch.setattr(service.worker, "run", lambda work: (_ for _ in ()).throw(Interrupted))
    service.worker.put(dropped, 1)
    until(lambda: workflows(service).get("PENDING"))
    monkeypatch.undo()
    monkeypatch.setattr("extractor.service.work.keeper.DROPPED", -1.0)
    service.worker.keeper.sweep(0.0)
    assert done(service, dropped).state == "done"


def test_an_id_whose_workflow_was_removed_does_not_run_to_another_result(service: Service) -> None:
    finished = accept(service, DOUBTFUL + "\nfinished")
    before = done(service, finished)
    until(lambda: set(workflows(service)) <= {"SUCCESS"})
    assert service.worker.queues.prune(-1.0, 1000) >= 1
    assert workflows(service) == {}
    service.worker.put(finished, 1)
    until(lambda: workflows(service) == {"SUCCESS": 1})
    assert row(service, finished) == before


def test_the_queue_holds_nothing_of_a_document(service: Service) -> None:
    mark = "三七二十一号文件"
    done(service, accept(service, DOUBTFUL + mark, given={"organization": mark}, request_id="r1"))
    rows = []
    with sqlite3.connect(service.settings.data / "queue.db") as queue:
        for (table,) in queue.execute("select name from sqlite_master where type = 'table'").fetchall():
            rows += queue.execute(f"select * from {table}").fetchall()
    assert len(rows) > 1
    assert mark not in repr(rows)
    assert json.dumps(mark)[1:-1] not in repr(rows)


def test_a_fault_of_ours_ends_the_extraction_and_not_the_workflow(service: Service, monkeypatch: Any) -> None:
    def fault(*_: Any) -> None:
        raise RuntimeError("nobody thought of it")

    monkeypatch.setattr(service.worker.readers, "read", fault)
    broken = accept(service, DOUBTFUL + "\nbroken")
    found = done(service, broken)
    assert (found.state, json.loads(found.error)["code"]) == ("failed", "internal")
    until(lambda: set(workflows(service)) <= {"SUCCESS"})


@pytest.mark.parametrize(
    ("attempts", "state"),
    [(extractions.SUSPECT, "done"), (extractions.SUSPECT + open_work.MOST_ALONE, "failed")],
)
def test_a_document_over_which_the_service_dies_is_read_alone_and_then_given_up(
    service: Service, attempts: int, state: str
) -> None:
    suspect = accept(service, f"{DOUBTFUL}\n{attempts}", put=False)
    change(service, suspect, attempts=attempts)
    service.worker.put(suspect, 1)
    found = done(service, suspect)
    assert (found.state, found.attempts) == (state, attempts + 1)
    if state == "failed":
        assert json.loads(found.error)["code"] == "crashes"


def test_a_reader_that_is_killed_is_no_fault_of_the_document(service: Service) -> None:
    text = LONG + "\nkilled"
    long = accept(service, text)
    until(lambda: row(service, long).state == "running" and service.worker.readers.pids)
    (pid,) = service.worker.readers.pids
    time.sleep(0.3)
    assert row(service, long).state == "running", "the document is too short for this test"
    os.kill(pid, signal.SIGKILL)
    assert done(service, long, 60).verdict == "needs_review"
    assert len(lines(service, long)) == 60


def test_a_reader_that_is_killed_each_time_is_said_to_be(monkeypatch: Any) -> None:
    box = Sandbox()
    pids: list[int] = []

    def killing() -> None:
        while len(pids) < 3:
            pid = box.pid
            if pid is not None and pid not in pids:
                os.kill(pid, signal.SIGKILL)
                pids.append(pid)
            time.sleep(0.005)

    thread = threading.Thread(target=killing, daemon=True)
    thread.start()
    with pytest.raises(Killed) as raised:
        box.run("report", LONG.encode(), source="-", given=None)
    thread.join(10)
    assert raised.value.code == "killed"
    assert len(set(pids)) == 3
    box.close()


@pytest.mark.parametrize("deaths", [6, 7])
def test_readers_that_are_killed_again_and_again_give_no_result_of_a_document(
    service: Service, monkeypatch: Any, deaths: int
) -> None:
    monkeypatch.setattr("extractor.service.work.queue.PAUSES", (0.0,) * 6)
    text, died = f"{DOUBTFUL}\n{deaths} deaths", []
    monkeypatch.setattr(service.worker.readers._all[0], "_run", lambda *_: died.append(1) or _died(-signal.SIGKILL))
    # Each attempt is three children.
    reading = service.worker.readers.read

    def read(*document: Any) -> Any:
        if len(died) == 3 * deaths:
            monkeypatch.undo()
        return reading(*document)

    monkeypatch.setattr(service.worker.readers, "read", read)
    killed = accept(service, text)
    found = done(service, killed)
    if deaths == 7:  # more than the patience
        assert (found.state, json.loads(found.error)["code"], found.verdict) == ("failed", "killed", None)
        monkeypatch.undo()
        assert accept(service, text) == killed  # sent again, it is read again
        found = done(service, killed)
    assert found.state == "done"
    assert lines(service, killed) == [json.loads(dump(extract(text).to_json()))]


def test_a_killed_pdf_process_below_the_reader_gives_no_result_either(monkeypatch: Any) -> None:
    def killed(*_: Any, **__: Any) -> Any:
        raise Killed("killed", "The process that read the file was ended.", "")

    monkeypatch.setattr("extractor.document.sandbox.run", killed)
    with pytest.raises(Killed):
        read_document(b"%PDF-1.4\n", "a.pdf")
    # As its parent hears of it: the child's answer is no answer on the file.
    question = {"task": "report", "seconds": 60, "options": {"source": "a.pdf", "given": None}}
    data = b"%PDF-1.4\n"
    assert json.loads(_answer(question, io.BytesIO(data), len(data)))["error"][0] == "killed"


def test_a_document_whose_bytes_cannot_be_had_fails_and_is_not_tried_for_ever(service: Service) -> None:
    broken = accept(service, DOUBTFUL + "\nrotten", put=False)
    with service.database.write() as connection:
        mine = tables.documents.c.sha256 == row(service, broken).document
        connection.execute(sa.update(tables.documents).where(mine).values(bytes=b"no zlib"))
    service.worker.put(broken, 1)
    found = done(service, broken)
    assert (found.state, json.loads(found.error)["code"]) == ("failed", "internal")


def test_one_folder_has_one_server_and_one_process_one_queue(service: Service, monkeypatch: Any) -> None:
    monkeypatch.setattr("extractor.service.work.presence.PATIENCE", 0.0)
    with pytest.raises(UsageError, match="Another gouji serve") as raised:
        Presence(service.settings, service.database).take()
    assert raised.value.code == "in_use"
    second = Service(service.settings)
    with pytest.raises(UsageError) as raised:
        second.start(asyncio.new_event_loop())
    assert raised.value.code == "one_worker"
    second.database.close()


def test_a_document_that_somebody_waits_for_overtakes_a_batch(service: Service) -> None:
    batch = []
    for number in range(40):
        batch.append(accept(service, f"{DOUBTFUL}\nbatch {number}", put=False))
    for id in batch:
        service.worker.put(id, 1, later=True)
    until(lambda: row(service, batch[0]).state != "queued")
    done(service, accept(service, DOUBTFUL + "\nurgent"))
    left = sum(row(service, id).state == "queued" for id in batch)
    assert left >= 10, f"only {left} of 40 were left behind"
    for id in batch:
        done(service, id)


def test_turns_go_by_priority_and_then_by_arrival() -> None:
    turns, order, ready = Turns(1), [], []

    def work(name: str, priority: int) -> None:
        with turns.turn(priority):
            order.append(name)

    with turns.turn(1):
        for name, priority in (("batch 1", 2), ("batch 2", 2), ("urgent", 1)):
            thread = threading.Thread(target=work, args=(name, priority))
            thread.start()
            ready.append(thread)
            until(lambda: len(turns._waiting) == len(ready))
    for thread in ready:
        thread.join(5)
    assert order == ["urgent", "batch 1", "batch 2"]


def test_dbos_speaks_through_the_log_and_seldom(service: Service, caplog: Any) -> None:
    logger = logging.getLogger("dbos")
    assert [type(handler) for handler in logger.handlers] == [logging.NullHandler]
    with caplog.at_level("WARNING"):
        for _ in range(5):
            logger.warning("the same complaint")
    assert [record.message for record in caplog.records] == ["the same complaint"]
