"""`gouji keys` and what the database holds of keys."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError
from typer.testing import CliRunner, Result

from extractor.cli.main import app
from extractor.client import verify_webhook
from extractor.errors import GoujiError
from extractor.service.database import audit, keys
from extractor.service.database.engine import open_database
from extractor.service.database.secrets import WEBHOOKS
from extractor.service.database.tables import secrets
from extractor.service.ids import now
from extractor.service.settings import Settings
from extractor.service.work.deliveries import signature


def run(*args: object) -> Result:
    return CliRunner().invoke(app, ["keys", *map(str, args)])


def added(data: Path, *args: str) -> dict[str, object]:
    result = run("add", "parser", "--scope", "submit", "--data", data, "--json", *args)
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.stdout)
    return found


def test_a_secret_has_the_form_that_scanners_know() -> None:
    secrets = {keys.make_secret() for _ in range(200)}
    assert len(secrets) == 200
    for secret in secrets:
        assert keys.PATTERN.fullmatch(secret)
        assert keys.well_formed(secret)
    # 256 bits: every character of the body takes many values.
    for place in range(8, 49):
        assert len({secret[place] for secret in secrets}) > 30


@pytest.mark.parametrize("place", [6, 20, 48, 49, 54])
def test_a_mistyped_secret_is_known_as_such(place: int) -> None:
    secret = keys.make_secret()
    other = "x" if secret[place] != "x" else "y"
    assert not keys.well_formed(secret[:place] + other + secret[place + 1 :])
    assert not keys.well_formed(secret[:place] + secret[place + 1 :])


@pytest.mark.parametrize("text", ["", "gouji_", "gouji_" + "0" * 49 + "0", "密钥", "\ud800", "gouji_" + "é" * 49])
def test_what_is_no_secret(text: str) -> None:
    assert not keys.well_formed(text)


def test_the_secret_is_shown_once_and_is_nowhere_in_the_folder(tmp_path: Path) -> None:
    made = added(tmp_path)
    secret = str(made["secret"])
    listed = run("list", "--data", tmp_path, "--json")
    assert secret not in listed.output
    assert keys.hashed(secret) not in listed.output
    assert [key["id"] for key in json.loads(listed.stdout)] == [made["id"]]
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert keys.hashed(secret).encode() in held
    assert secret.encode() not in held
    assert secret[6:40].encode() not in held


def test_the_secret_of_webhooks_is_printed_and_stays(tmp_path: Path) -> None:
    added(tmp_path)
    first, second = run("webhook-secret", "--data", tmp_path), run("webhook-secret", "--data", tmp_path)
    secret = first.stdout.strip()
    assert (secret, first.exit_code) == (second.stdout.strip(), 0)
    database = open_database(Settings(data=tmp_path))
    with database.read() as connection:
        held = connection.execute(sa.select(secrets.c.value).where(secrets.c.name == WEBHOOKS)).scalar_one()
    database.close()
    body, moment = b'{"type": "extraction.finished"}', int(time.time())
    headers = {"webhook-id": "d_1", "webhook-timestamp": str(moment)}
    headers["Webhook-Signature"] = signature(held, "d_1", moment, body)
    assert verify_webhook(secret, headers, body) == json.loads(body)


def test_nobody_else_reads_what_is_made(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)  # a folder that somebody else made
    added(tmp_path)
    made = list(tmp_path.iterdir())
    assert made
    assert not [path for path in made if path.stat().st_mode & 0o077]


def test_on_a_pipe_the_secret_stands_alone(tmp_path: Path) -> None:
    result = run("add", "王", "--scope", "read", "--scope", "review", "--scope", "read", "--data", tmp_path)
    assert keys.well_formed(result.stdout.strip())
    assert "read, review" in result.stderr


def test_a_list_for_people(tmp_path: Path) -> None:
    made = added(tmp_path, "--rate", "60/minute", "--expires", "90d")
    shown = run("list", "--data", tmp_path).stdout
    for part in (str(made["id"]), "parser", "submit", "60/minute", "active"):
        assert part in shown


def test_revoking(tmp_path: Path) -> None:
    made = added(tmp_path)
    other = added(tmp_path)
    assert run("revoke", made["id"], "--data", tmp_path).exit_code == 0
    assert run("revoke", made["id"], "--data", tmp_path).exit_code == 0, "a second time changes nothing"
    states = {key["id"]: key["state"] for key in json.loads(run("list", "--data", tmp_path, "--json").stdout)}
    assert states == {made["id"]: "revoked", other["id"]: "active"}
    database = open_database(Settings.model_validate({"data": tmp_path}))
    with database.read() as connection:
        entries = audit.page(connection)
    database.close()
    assert [(entry["action"], entry["target"]) for entry in entries] == [
        ("key.revoked", made["id"]),
        ("key.added", other["id"]),
        ("key.added", made["id"]),
    ]
    assert all(entry["who"] == "cli" for entry in entries)


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["add", "x", "--scope", "submit", "--expires", "soon"], "bad_expiry"),
        (["add", "x", "--scope", "submit", "--expires", "2020-01-01"], "bad_expiry"),
        (["add", "x", "--scope", "submit", "--expires", "0d"], "bad_expiry"),
        (["add", "x", "--scope", "submit", "--expires", "999999w"], "bad_expiry"),
        (["add", "x", "--scope", "submit", "--rate", "often"], "bad_rate"),
        (["add", "x", "--scope", "submit", "--rate", "0/minute"], "bad_rate"),
        (["add", "", "--scope", "submit"], "bad_name"),
        (["add", "a\nb", "--scope", "submit"], "bad_name"),
        (["add", "a\u202eb", "--scope", "submit"], "bad_name"),
        (["add", "x" * 101, "--scope", "submit"], "bad_name"),
        (["list"], "no_service"),
        (["webhook-secret"], "no_service"),
        (["revoke", "k_1"], "no_service"),
    ],
)  # fmt: skip
def test_errors(tmp_path: Path, args: list[str], code: str) -> None:
    result = run(*args, "--data", tmp_path / "none")
    assert isinstance(result.exception, GoujiError)
    assert result.exception.code == code
    assert result.exception.hint
    assert result.exception.exit_code == 2


@pytest.mark.parametrize("args", [["add", "x"], ["add", "x", "--scope", "root"], ["add", "--scope", "read"]])
def test_a_scope_and_a_name_have_to_be_given(tmp_path: Path, args: list[str]) -> None:
    assert run(*args, "--data", tmp_path).exit_code == 2


def test_an_unknown_id(tmp_path: Path) -> None:
    added(tmp_path)
    result = run("revoke", "k_nobody", "--data", tmp_path)
    assert isinstance(result.exception, GoujiError)
    assert result.exception.code == "no_such_key"


@pytest.mark.parametrize(
    ("expires", "state"), [(None, "active"), ("2000-01-01T00:00:00.000Z", "expired"), ("2999-01-01", "active")]
)
def test_an_expired_key_is_no_longer_active(tmp_path: Path, expires: str | None, state: str) -> None:
    database = open_database(Settings.model_validate({"data": tmp_path}))
    with database.write() as connection:
        key, secret = keys.add(connection, "x", ["read"], expires=expires)
        found = keys.of_secret(connection, secret)
        assert key.state == state
        assert found == key
        assert keys.any_active(connection) == (state == "active")
    database.close()


def test_a_session_lasts_no_longer_than_its_key_and_ends_with_it(tmp_path: Path) -> None:
    database = open_database(Settings.model_validate({"data": tmp_path}))
    soon = now(60)
    with database.write() as connection:
        key, _ = keys.add(connection, "x", ["read"], expires=soon)
        cookie = keys.log_in(connection, key)
        assert keys.of_session(connection, cookie) == key
        assert keys.of_session(connection, cookie[:-1]) is None
        rows = connection.exec_driver_sql("select hash, expires from sessions").all()
        assert rows == [(keys.hashed(cookie), soon)]
        keys.revoke(connection, key.id)
        assert keys.of_session(connection, cookie) is None
    database.close()


def test_the_audit_can_only_be_appended_to(tmp_path: Path) -> None:
    added(tmp_path)
    with pytest.raises(sqlite3.DatabaseError, match="appended"), sqlite3.connect(tmp_path / "service.db") as connection:
        connection.execute("update audit set who = 'nobody'")
    database = open_database(Settings.model_validate({"data": tmp_path}))
    with pytest.raises((DatabaseError, GoujiError)), database.write() as connection:
        connection.exec_driver_sql("update audit set who = 'nobody'")
    database.close()


def test_the_audit_has_pages_and_bounds_what_it_is_told(tmp_path: Path) -> None:
    database = open_database(Settings.model_validate({"data": tmp_path}))
    with database.write() as connection:
        for number in range(5):
            audit.record(connection, f"k_{number % 2}", "submit", f"x_{number}", "r1", documents=number)
        audit.record(connection, "k_9", "export", "t" * 5_000, None, name="n" * 5_000)
        first = audit.page(connection, limit=2)
        second = audit.page(connection, limit=2, before=first[-1]["id"])
        mine = audit.page(connection, who="k_1", action="submit")
    database.close()
    assert [entry["target"][:4] for entry in first + second] == ["tttt", "x_4", "x_3", "x_2"]
    assert len(first[0]["target"]) == 1_000
    assert first[0]["detail"] == {"left_out": 5_012}
    assert [entry["detail"] for entry in mine] == [{"documents": 3}, {"documents": 1}]
