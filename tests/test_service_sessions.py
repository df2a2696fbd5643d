"""Browser sessions: /login and /logout of `gouji serve`, against a real server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest
from serving import Serving, serving

from extractor.service.api.sessions import local
from extractor.service.database import keys

TEXT = {"text": "某县政府信息公开工作年度报告"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("sessions") / "data", "--auth", "keys", "--workers", "1") as found:
        yield found


def log_in(client: httpx.Client, secret: str, next: str = "/documents", **headers: str) -> httpx.Response:
    return client.post(
        "/login", data={"key": secret, "next": next}, headers={"Sec-Fetch-Site": "same-origin"} | headers
    )


def test_the_life_of_a_session(server: Serving) -> None:
    key, secret = server.new_key("read", "submit")
    client = server.client()
    assert 'name="key"' in client.get("/login?next=/documents").text
    answer = log_in(client, f" {secret}\n")
    assert (answer.status_code, answer.headers["location"]) == (303, "/documents")
    cookie = SimpleCookie(answer.headers["set-cookie"])["gouji_session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "strict", "/")
    assert not cookie["secure"], "by http a browser would not keep it"
    assert secret not in str(answer.headers)
    # Reads work, changes only from the service's own pages.
    assert client.get("/v1/extractions").status_code == 200
    assert client.post("/v1/extractions", json=TEXT).json()["code"] == "cross_origin"
    own = {"Sec-Fetch-Site": "same-origin", "X-Gouji": "1"}
    assert client.post("/v1/extractions", json=TEXT, headers=own).status_code in (200, 202)
    assert client.get("/login").headers["location"] == "/review"
    # Logged out, the cookie is worth nothing, also where somebody kept it.
    assert client.post("/logout").status_code == 403
    assert client.post("/logout", headers={"Sec-Fetch-Site": "same-origin"}).headers["location"] == "/login"
    again = server.client(Cookie=f"gouji_session={cookie.value}")
    assert again.get("/v1/extractions").status_code == 401
    entries = server.client(server.key("admin")).get("/v1/audit", params={"who": key.id}).json()["items"]
    assert [entry["action"] for entry in entries if entry["action"].startswith("log")] == ["logout", "login"]


def test_by_tls_the_cookie_is_secure_and_browsers_are_told_to_stay_there(server: Serving) -> None:
    client = server.client(**{"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.5"})
    answer = log_in(client, server.key("read"))
    assert SimpleCookie(answer.headers["set-cookie"])["gouji_session"]["secure"]
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert "strict-transport-security" not in server.client().get("/healthz").headers


def test_logins_are_limited(server: Serving) -> None:
    client = server.client(address="127.0.0.30")
    statuses = [log_in(client, keys.make_secret()).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    refused = log_in(client, server.key("read"))
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert "set-cookie" not in refused.headers
    assert log_in(server.client(address="127.0.0.31"), server.key("read")).status_code == 303


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "", "Origin": "http://evil.example"}]
)
def test_nobody_can_be_logged_in_by_another_page(server: Serving, headers: dict[str, str]) -> None:
    answer = log_in(server.client(), server.key("read"), **headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(("body", "status"), [(b"key=" + b"x" * 9_000, 413), (b"a=1&" * 30, 400), (b"\xff\xfe", 401)])
def test_a_login_form_has_bounds(server: Serving, body: bytes, status: int) -> None:
    client = server.client(address="127.0.0.32")
    assert client.post("/login", content=body, headers={"Sec-Fetch-Site": "same-origin"}).status_code == status


@pytest.mark.parametrize(
    ("asked", "goes"),
    [
        ("/review/x_1/1?at=7", "/review/x_1/1?at=7"), ("https://evil.example", "/review"),
        ("//evil.example", "/review"), ("/\\evil.example", "/review"), ("/a\\b", "/review"), ("", "/review"),
        ("/x\r\nSet-Cookie: a=b", "/review"), ("javascript:alert(1)", "/review"), ("/logout", "/review"),
        ("/login?next=/login", "/review"), ("/\t/evil.example", "/review"),
    ],
)  # fmt: skip
def test_a_login_goes_on_to_a_page_of_ours(asked: str, goes: str) -> None:
    assert local(asked) == goes


def test_what_is_asked_for_is_text_on_the_login_page(server: Serving) -> None:
    page = server.client().get("/login", params={"next": '/"><script>alert(1)</script>'}).text
    assert "<script>alert" not in page


def test_a_revoked_key_stops_within_seconds_and_with_it_its_sessions(server: Serving) -> None:
    key, secret = server.new_key("read")
    program, browser = server.client(secret), server.client()
    log_in(browser, secret)
    for client in (program, browser):
        assert client.get("/v1/extractions").status_code == 200
    with server.database() as database, database.write() as connection:
        keys.revoke(connection, key.id)
    for client in (program, browser):
        assert _seconds_until(lambda client=client: client.get("/v1/extractions").status_code == 401) < 4
    assert log_in(server.client(address="127.0.0.33"), secret).status_code == 401


def _seconds_until(condition: Any) -> float:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < 10
        time.sleep(0.05)
    return time.monotonic() - started
