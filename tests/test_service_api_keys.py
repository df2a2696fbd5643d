"""Who may do what with an extraction, on a real server that asks for keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from extractor.service.database import keys
from tests.inside import Server, inside


def problem(answer: httpx.Response, code: str) -> None:
    assert (answer.json()["code"], answer.json()["status"]) == (code, answer.status_code)


@pytest.fixture
def keyed(tmp_path: Path) -> Iterator[tuple[Server, dict[str, str]]]:
    """A server that asks for keys, with one of each kind."""
    with inside(tmp_path / "keys", auth="keys") as running:
        with running.service.database.write() as connection:
            made = {
                name: keys.add(connection, name, scopes)[1]
                for name, scopes in {"one": ["submit", "read"], "two": ["submit", "read"], "boss": ["admin"]}.items()
            }
        yield running, made


def test_a_key_deletes_what_it_submitted_and_has_its_own_idempotency(keyed: tuple[Server, dict[str, str]]) -> None:
    server, made = keyed
    callers = {name: httpx.Client(base_url=server.url, headers={"X-API-Key": key}) for name, key in made.items()}
    one, two, boss = callers["one"], callers["two"], callers["boss"]
    first, second = (one.post("/v1/extractions", json={"text": text}).json()["id"] for text in ("甲", "乙"))
    assert two.get(f"/v1/extractions/{first}").status_code == 200
    problem(two.delete(f"/v1/extractions/{first}"), "forbidden")
    problem(httpx.delete(f"{server.url}/v1/extractions/{first}"), "unauthorized")
    assert one.delete(f"/v1/extractions/{first}").status_code == 204
    assert boss.delete(f"/v1/extractions/{second}").status_code == 204
    same = {"Idempotency-Key": "same"}
    ids = {
        caller.post("/v1/extractions", json={"text": name}, headers=same).json()["id"]
        for name, caller in callers.items()
    }
    assert len(ids) == 3
    for caller in callers.values():
        caller.close()
