"""The command `gouji serve`: what it is told, what it refuses, how it ends."""

from __future__ import annotations

import contextlib
import inspect
import os
import re
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import report
from serving import Serving, serving
from typer.testing import CliRunner

from extractor.cli.main import app
from extractor.cli.serve import serve
from extractor.errors import GoujiError, UsageError
from extractor.service import run
from extractor.service.database import keys
from extractor.service.database.engine import open_database
from extractor.service.settings import Settings


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with the tables in it."""
    open_database(Settings.model_validate({"data": tmp_path / "data"})).close()
    return tmp_path / "data"


def refused(*args: object) -> GoujiError:
    result = CliRunner().invoke(app, ["serve", *map(str, args)])
    assert isinstance(result.exception, GoujiError), result.output
    assert result.exception.exit_code == 2
    assert result.exception.hint
    return result.exception


# What it is told


def test_every_setting_is_an_option_and_a_variable() -> None:
    parameters = inspect.signature(serve).parameters
    assert set(Settings.model_fields) <= set(parameters)
    for name in Settings.model_fields:
        (option,) = inspect.get_annotations(serve, eval_str=True)[name].__metadata__
        assert option.envvar == f"GOUJI_{name.upper()}", name
        assert option.help, name
        if isinstance(option.show_default, str):
            kind = type(default := Settings.model_fields[name].default)
            assert kind(option.show_default) == default, name


def test_the_help_shows_every_option_and_examples() -> None:
    shown = CliRunner().invoke(app, ["serve", "--help"], env={"COLUMNS": "140"}).output
    for option in ("--auth", "--allow-host", "--webhook-host", "--tracing", "--shutdown-seconds", "GOUJI_MAX_BODY"):
        assert option in shown
    assert "gouji keys add parser" in shown


@pytest.mark.parametrize(
    ("made", "host", "asked", "auth"),
    [
        (False, "127.0.0.1", None, "off"), (False, "localhost", None, "off"), (False, "::1", None, "off"),
        (True, "127.0.0.1", None, "keys"), (True, "127.0.0.1", "off", "off"), (False, "127.0.0.1", "keys", "keys"),
        (True, "0.0.0.0", None, "keys"), (True, "0.0.0.0", "keys", "keys"),
    ],
)  # fmt: skip
def test_when_keys_are_asked_for(data: Path, made: bool, host: str, asked: str | None, auth: str) -> None:
    database = open_database(Settings.model_validate({"data": data}))
    if made:
        with database.write() as connection:
            keys.add(connection, "x", ["read"])
    database.close()
    options = {"data": data, "host": host} | ({"auth": asked} if asked else {})
    assert run.with_auth(run.settings_of(options), asked).auth == auth


def test_a_revoked_key_does_not_open_the_service(data: Path) -> None:
    database = open_database(Settings.model_validate({"data": data}))
    with database.write() as connection:
        key, _ = keys.add(connection, "x", ["read"])
        keys.revoke(connection, key.id)
    database.close()
    assert run.with_auth(run.settings_of({"data": data}), None).auth == "keys"
    with pytest.raises(UsageError, match="Nobody has a key"):
        run.with_auth(run.settings_of({"data": data, "host": "0.0.0.0"}), None)


# What it refuses


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["--host", "0.0.0.0"], "no_keys"),
        (["--host", "192.0.2.1"], "no_keys"),
        (["--host", "0.0.0.0", "--auth", "off"], "open_service"),
        (["--host", "no.such.host.invalid"], "no_keys"),
        (["--rate", "often"], "bad_rate"),
        (["--max-body", "much"], "bad_size"),
        (["--max-body", "10"], "bad_option"),
        (["--database-url", "mysql://x/y"], "database_url"),
        (["--data", "/proc/none"], "data_folder"),
        (["--data", "/proc"], "cannot_open"),
    ],
)
def test_errors(tmp_path: Path, args: list[str], code: str) -> None:
    assert refused("--data", tmp_path / "data", "--port", "0", *args).code == code


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        error = refused("--data", tmp_path / "data", "--port", port)
    assert error.code == "port_in_use"
    assert str(port) in error.message


def test_a_name_that_is_none(data: Path) -> None:
    database = open_database(Settings.model_validate({"data": data}))
    with database.write() as connection:
        keys.add(connection, "x", ["read"])
    database.close()
    assert refused("--data", data, "--host", "no.such.host.invalid").code == "bad_host"


def test_a_newer_database(data: Path) -> None:
    with sqlite3.connect(data / "service.db") as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    connection.close()
    assert refused("--data", data).code == "newer_database"


def test_no_database(data: Path) -> None:
    (data / "service.db").write_bytes(b"This is no database." * 500)
    (data / "service.db-wal").unlink(missing_ok=True)
    assert refused("--data", data).code == "database"


@pytest.mark.parametrize("command", [["serve"], ["keys", "list"]])
def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: list[str]) -> None:
    for name in ("extractor.service.run", "extractor.service.database.engine"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    result = CliRunner().invoke(app, [*command, "--data", str(tmp_path)])
    assert isinstance(result.exception, UsageError)
    assert result.exception.code == "missing_extra"
    assert "gouji[serve]" in result.exception.hint


# How it runs and ends


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    data = tmp_path_factory.mktemp("patient") / "data"
    data.mkdir(mode=0o755)
    with serving(data, "--workers", "1", "--body-pause", "1") as server:
        yield server


def test_what_it_prints(tmp_path: Path) -> None:
    with serving(tmp_path / "data", GOUJI_LOG="text", GOUJI_WORKERS="1", GOUJI_RATE="7/minute") as server:
        assert re.search(r"^gouji serves http://127\.0\.0\.1:\d+$", server.said, re.MULTILINE)
        assert str(tmp_path / "data") in server.said
        assert "none asked for" in server.said
        assert server.client().get("/v1/extractions").headers["ratelimit-policy"] == '"requests";q=7;w=60'
        assert (tmp_path / "data").stat().st_mode & 0o077 == 0, "nobody else reads the folder"
        assert server.stop(signal.SIGINT) == 130
        log = server.log.read_text(encoding="utf-8")
        assert re.search(r"^\S+ info gouji\.access request request_id=\w+ method=GET", log, re.MULTILINE)
        assert "Traceback" not in log
        assert "rror" not in log


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()] + [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        if int(task.name) != pid
        for child in (task / "children").read_text().split()
    ]


def test_a_folder_has_one_server(patient: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("extractor.service.work.presence.PATIENCE", 0.3)
    monkeypatch.setattr("extractor.service.observe.logs.configure", lambda form: None)  # it would stay for other tests
    error = refused("--data", patient.data, "--port", "0")
    assert (error.code, str(patient.data) in error.message) == ("in_use", True)
    assert "--database-url" in error.hint
    assert patient.client().get("/readyz").json()["ready"], "the first one goes on"


def test_nobody_else_reads_what_it_makes(patient: Serving) -> None:
    assert {path.name: path.stat().st_mode & 0o077 for path in patient.data.iterdir()}["queue.db"] == 0
    assert not [path.name for path in patient.data.iterdir() if path.stat().st_mode & 0o077]


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A",
        b"POST /v1/check HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 999999\r\n\r\n",
    ],
    ids=["nothing", "half a head", "a body that nobody reads"],
)
def test_a_connection_that_asks_nothing_is_closed(patient: Serving, head: bytes) -> None:
    host, port = patient.url.removeprefix("http://").split(":")
    started = time.monotonic()
    with socket.create_connection((host, int(port)), timeout=0.2) as connection:
        connection.sendall(head)
        with contextlib.suppress(OSError):
            while _open(connection):
                assert time.monotonic() - started < 8, "it is held open"
                connection.sendall(b"a" if head else b"")  # a byte now and then does not hold it
    assert time.monotonic() - started >= 0.8


def _open(connection: socket.socket) -> bool:
    try:
        return connection.recv(65536) != b""
    except TimeoutError:
        return True


def test_a_kept_connection_counts_anew_for_each_request(patient: Serving) -> None:
    host, port = patient.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        for _ in range(4):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: loc")
            connection.settimeout(0.4)
            with pytest.raises(TimeoutError):
                connection.recv(1)
            connection.settimeout(5)
            connection.sendall(b"alhost\r\n\r\n")
            answer = b""
            while not answer.endswith(b"}"):
                answer += connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200")
    assert patient.client().post("/v1/extractions?wait=5", json={"text": report()}).status_code == 200


def test_it_ends_gracefully_with_a_request_under_way(tmp_path: Path) -> None:
    """A caller waits for a document whose reader does not get on: it is told where it stands, the document stays."""
    with serving(tmp_path / "data", "--workers", "1", "--shutdown-seconds", "1") as server:
        client = server.client()
        assert client.post("/v1/extractions?wait=20", json={"text": report()}).status_code == 200
        (reader,) = _children(server.process.pid)
        os.kill(reader, signal.SIGSTOP)
        answers: list[Any] = []

        def ask() -> None:
            answers.append(client.post("/v1/extractions?wait=50", json={"text": report() + "x"}))

        waiting = threading.Thread(target=ask)
        waiting.start()
        look = server.client()
        until = time.monotonic() + 10
        while not any(one["state"] == "running" for one in look.get("/v1/extractions").json()["items"]):
            assert time.monotonic() < until
        started = time.monotonic()
        assert server.stop(signal.SIGTERM) == 0
        assert time.monotonic() - started < 15
        waiting.join(10)
        assert answers[0].status_code == 202
        extraction = answers[0].json()["id"]
        assert "Traceback" not in server.log.read_text(encoding="utf-8")
    with serving(tmp_path / "data", "--workers", "1") as server:
        client = server.client()
        until = time.monotonic() + 20
        while client.get(f"/v1/extractions/{extraction}").json()["state"] != "done":
            assert time.monotonic() < until
            time.sleep(0.05)
        server.process.send_signal(signal.SIGTERM)
        assert server.stop(signal.SIGTERM) in (0, 143), "a second signal ends it at once"
