"""Who may call `gouji serve`, from where, and how often; against a real server."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from serving import Serving, serving

from extractor.service.api import origin
from extractor.service.api.app import make_app
from extractor.service.api.problems import Problem
from extractor.service.database import keys
from extractor.service.ids import now
from extractor.service.settings import Settings

TEXT = {"text": "某县政府信息公开工作年度报告"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(
        tmp_path_factory.mktemp("keys") / "data", "--auth", "keys", "--allow-host", "gouji.test", "--workers", "1"
    ) as found:
        yield found


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("open") / "data", "--workers", "1", "--rate", "40/minute") as found:
        yield found


def code_of(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    found: str = answer.json()["code"]
    return found


# Keys


def _routes(app: FastAPI) -> Iterator[Any]:
    pending: list[Any] = list(app.router.routes)
    while pending:
        route = pending.pop()
        pending += getattr(getattr(route, "original_router", None), "routes", [])
        if getattr(route, "path", ""):
            yield route


# Every route of the service, pages included, and the scope that it asks for; None: open to all.
SCOPE_OF: dict[str, str | None] = {
    "POST /v1/extractions": "submit",
    "GET /v1/extractions": "read",
    "GET /v1/extractions/{extraction}": "read",
    "GET /v1/extractions/{extraction}/result": "read",
    "GET /v1/extractions/{extraction}/text": "read",
    "GET /v1/extractions/{extraction}/document": "read",
    "GET /v1/extractions/{extraction}/reviewed": "read",
    "DELETE /v1/extractions/{extraction}": "submit",
    "GET /v1/lines": "read",
    "POST /v1/batches": "submit",
    "GET /v1/batches/{batch}": "read",
    "GET /v1/batches/{batch}/results": "read",
    "GET /v1/deliveries": "read",
    "POST /v1/check": "submit",
    "GET /v1/rules": "read",
    "GET /v1/rules/{code}": "read",
    "GET /v1/schema/{name}": "read",
    "GET /v1/overview": "read",
    "GET /v1/review/queue": "read",
    "GET /v1/review/gold.zip": "read",
    "GET /v1/review/{extraction}/{number}": "read",
    "POST /v1/review/{extraction}/{number}/decisions": "review",
    "GET /v1/audit": "admin",
    "GET /review": "read",
    "GET /review/{extraction}": "read",
    "GET /review/{extraction}/{number}": "read",
    "GET /review/{extraction}/{number}/choices": "read",
    "GET /review/{extraction}/{number}/page/{page}.png": "read",
    "GET /documents": "read",
    "GET /documents/{extraction}": "read",
    "GET /overview": "read",
    "GET /healthz": None,
    "GET /readyz": None,
    "GET /metrics": "admin",
    "GET /openapi.json": None,
    "GET /docs": None,
    "GET /docs/reference.css": None,
    "GET /static/{version}/{name}": None,
    "GET /language/{language}": None,
    "GET /": None,
    "GET /login": None,
    "POST /login": None,
    "POST /logout": None,
}


@pytest.fixture(scope="module")
def callers(server: Serving) -> dict[str, httpx.Client]:
    found = {scope: server.client(server.key(scope)) for scope in ("submit", "read", "review", "admin")}
    return {**found, "none": server.client(server.key()), "nobody": server.client()}


def test_no_route_is_without_a_line_in_the_table(tmp_path: Any) -> None:
    app = make_app(Settings.model_validate({"data": tmp_path}))
    found = {f"{method} {route.path}" for route in _routes(app) for method in route.methods - {"HEAD"}}
    assert found == set(SCOPE_OF)


@pytest.mark.parametrize("route", SCOPE_OF)
def test_the_scope_of_every_route(callers: dict[str, httpx.Client], route: str) -> None:
    method, _, path = route.partition(" ")
    scope = SCOPE_OF[route]
    for holder, client in callers.items():
        answer = client.request(method, re.sub(r"\{[^}]*\}", "1", path), json=TEXT if method == "POST" else None)
        if scope is None:
            # /login and /logout are for the service's own pages, which none of these is.
            assert (answer.status_code == 403) == (method == "POST"), holder
            assert answer.status_code != 401
        elif holder == "nobody" and path == "/metrics":
            assert answer.status_code == 200, "for programs of this machine"
        elif holder == "nobody":
            assert answer.status_code == 401 if path.startswith("/v1") else answer.headers["location"][:6] == "/login"
        elif holder in (scope, "admin"):
            assert answer.status_code not in (401, 403), holder
        else:
            assert answer.status_code == 403, holder


@pytest.mark.parametrize("scheme", ["Authorization: Bearer {}", "Authorization: bearer   {}", "X-API-Key: {}"])
def test_a_key_can_be_sent_in_two_ways(server: Serving, scheme: str) -> None:
    name, _, value = scheme.format(server.key("read")).partition(": ")
    assert server.client().get("/v1/extractions", headers={name: value}).status_code == 200


@pytest.mark.parametrize("sent", ["Basic {}", "Bearer {}x", "Bearer x{}", "{}", "Bearer"])
def test_what_is_no_key(server: Serving, sent: str) -> None:
    client = server.client(address="127.0.0.20")
    answer = client.get("/v1/extractions", headers={"Authorization": sent.format(server.key("read"))})
    assert (answer.status_code, code_of(answer)) == (401, "unauthorized")


def test_a_key_says_when_it_was_used(server: Serving) -> None:
    key, secret = server.new_key("read")
    server.client(secret).get("/v1/extractions")
    with server.database() as database, database.read() as connection:
        found = keys.by_id(connection, key.id)
    assert key.used is None
    assert found is not None
    assert found.used is not None
    assert found.used >= key.created


def test_a_key_in_the_address_is_none(server: Serving) -> None:
    assert server.client().get("/v1/extractions", params={"key": server.key("read")}).status_code == 401


def test_a_mistyped_key_is_told_from_a_wrong_one(server: Serving) -> None:
    client = server.client(address="127.0.0.21")
    wrong = client.get("/v1/extractions", headers={"X-API-Key": keys.make_secret()}).json()
    mistyped = client.get("/v1/extractions", headers={"X-API-Key": keys.make_secret()[:-1]}).json()
    assert "unknown" in wrong["detail"]
    assert "mistyped" in mistyped["detail"]


def test_an_expired_key_stops(server: Serving) -> None:
    client = server.client(server.key("read", expires=now(1.0)))
    assert client.get("/v1/extractions").status_code == 200
    assert _seconds_until(lambda: client.get("/v1/extractions").status_code == 401) < 4


def _seconds_until(condition: Any) -> float:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < 10
        time.sleep(0.05)
    return time.monotonic() - started


# Rates


def test_a_key_has_a_rate_of_its_own(server: Serving) -> None:
    limited, other = server.client(server.key("read", rate="3/hour")), server.client(server.key("read"))
    left = []
    for _ in range(3):
        answer = limited.get("/v1/extractions")
        assert answer.headers["ratelimit-policy"] == '"requests";q=3;w=3600'
        left.append(re.findall(r"r=(\d+)", answer.headers["ratelimit"])[0])
    assert left == ["2", "1", "0"]
    refused = limited.get("/v1/extractions")
    assert (refused.status_code, code_of(refused)) == (429, "rate_limited")
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    assert other.get("/v1/extractions").status_code == 200
    assert limited.get("/healthz").status_code == 200


def test_many_wrong_keys_of_one_address_are_refused_and_good_ones_are_not(server: Serving) -> None:
    client = server.client(address="127.0.0.22")
    codes = [client.get("/v1/extractions", headers={"X-API-Key": keys.make_secret()}).status_code for _ in range(12)]
    assert codes == [401] * 10 + [429] * 2
    assert client.get("/v1/extractions", headers={"X-API-Key": server.key("read")}).status_code == 200
    elsewhere = server.client(address="127.0.0.23")
    assert elsewhere.get("/v1/extractions", headers={"X-API-Key": keys.make_secret()}).status_code == 401


def test_without_keys_an_address_has_a_rate(open_server: Serving) -> None:
    client = open_server.client(address="127.0.0.24")
    codes = [client.get("/v1/extractions").status_code for _ in range(45)]
    assert set(codes) == {200, 429}
    assert open_server.client(address="127.0.0.25").get("/v1/extractions").status_code == 200


# Names and origins


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 401), ("127.0.0.1:{port}", 401), ("[::1]:99", 401), ("gouji.test", 401), ("GOUJI.test:443", 401),
        ("evil.example", 421), ("gouji.test.evil.example", 421), ("127.0.0.1.evil.example", 421), ("0.0.0.0", 421),
        ("localhost@evil.example", 421), ("", 421),
    ],
)  # fmt: skip
def test_names(server: Serving, host: str, status: int) -> None:
    answer = server.client().get("/v1/extractions", headers={"Host": host})
    assert answer.status_code == status
    assert server.client().get("/healthz", headers={"Host": host}).status_code == 200


def settings(**values: Any) -> Settings:
    return Settings.model_validate(values)


@pytest.mark.parametrize(
    ("given", "host", "code"),
    [
        ({"auth": "off"}, "localhost:8321", None),
        ({"auth": "off"}, "rebound.example", "host_not_allowed"),
        ({"auth": "off", "hosts": ("my.box",)}, "my.box:8321", None),
        ({"auth": "keys"}, "anything.example", None),
        ({"auth": "keys", "hosts": ("a.example",)}, "b.example", "host_not_allowed"),
        ({"auth": "keys", "hosts": ("a.example:8443",)}, "a.example:8443", None),
        ({"auth": "keys", "host": "192.0.2.7", "hosts": ("a.example",)}, "192.0.2.7:8321", None),
        ({"auth": "keys", "host": "0.0.0.0", "hosts": ("a.example",)}, "0.0.0.0", "host_not_allowed"),
    ],
)
def test_names_by_settings(given: dict[str, Any], host: str, code: str | None) -> None:
    assert _code(lambda: origin.Names(settings(**given)).check(host, {})) == code


@pytest.mark.parametrize("header", ["forwarded", "x-forwarded-for", "x-real-ip", "x-forwarded-host"])
def test_a_proxy_before_a_service_without_keys_is_noticed(open_server: Serving, header: str) -> None:
    answer = open_server.client(address="127.0.0.26").get("/v1/extractions", headers={header: "203.0.113.9"})
    assert (answer.status_code, code_of(answer)) == (403, "forbidden")


SAME = {"sec-fetch-site": "same-origin", "host": "h:1"}


@pytest.mark.parametrize(
    ("method", "headers", "cookie", "refused"),
    [
        ("GET", {}, True, False),
        ("POST", {}, False, False),  # a program, no browser
        ("POST", {}, True, True),
        ("POST", {"x-gouji": "1"}, True, True),  # a cookie without an origin is no browser of today
        ("POST", SAME, True, True),
        ("POST", {**SAME, "x-gouji": "1"}, True, False),
        ("POST", {**SAME, "x-gouji": "1"}, False, False),
        ("POST", SAME, False, True),  # a form of ours has no business at the API
        ("DELETE", {**SAME, "sec-fetch-site": "cross-site", "x-gouji": "1"}, True, True),
        ("POST", {**SAME, "sec-fetch-site": "same-site", "x-gouji": "1"}, False, True),
        ("POST", {**SAME, "sec-fetch-site": "none", "x-gouji": "1"}, True, True),
        ("POST", {"host": "h:1", "origin": "http://h:1", "x-gouji": "1"}, True, False),
        ("POST", {"host": "h:1", "origin": "http://h:2", "x-gouji": "1"}, True, True),
        ("POST", {"host": "h:1", "origin": "null", "x-gouji": "1"}, False, True),
        ("POST", {"host": "", "origin": "null", "x-gouji": "1"}, False, True),
        ("POST", {**SAME, "origin": "http://evil:1", "x-gouji": "1"}, True, True),
    ],
)
def test_what_a_browser_may_change(method: str, headers: dict[str, str], cookie: bool, refused: bool) -> None:
    assert (_code(lambda: origin.same_origin(method, headers, cookie=cookie)) == "cross_origin") == refused


@pytest.mark.parametrize(
    ("method", "site", "mode", "dest", "refused"),
    [
        ("GET", None, None, None, False),
        ("GET", "none", "navigate", "document", False),
        ("GET", "same-origin", "cors", "empty", False),
        ("GET", "cross-site", "navigate", "document", False),  # a link in a mail
        ("GET", "cross-site", "navigate", "iframe", True),
        ("GET", "cross-site", "navigate", "object", True),
        ("GET", "cross-site", "no-cors", "image", True),
        ("GET", "same-site", "cors", "empty", True),  # another port of this machine
        ("POST", "cross-site", "navigate", "document", True),  # a form of another site
    ],
)
def test_isolation(method: str, site: str | None, mode: str | None, dest: str | None, refused: bool) -> None:
    sent = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest}
    headers = {name: value for name, value in sent.items() if value is not None}
    assert (_code(lambda: origin.isolate(method, headers)) == "cross_origin") == refused


def _code(call: Any) -> str | None:
    try:
        call()
    except Problem as problem:
        return problem.code
    return None


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_another_sites_page_cannot_reach_a_service_without_keys(open_server: Serving, method: str) -> None:
    client = open_server.client(address="127.0.0.27")
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
    answer = client.request(method, "/v1/extractions", headers=headers, json=TEXT)
    assert (answer.status_code, code_of(answer)) == (403, "cross_origin")
    # An older browser tells the origin alone.
    if method == "POST":
        old = client.post("/v1/extractions", headers={"Origin": "https://evil.example", "X-Gouji": "1"}, json=TEXT)
        assert code_of(old) == "cross_origin"
    asked = client.options("/v1/extractions", headers=headers | {"Access-Control-Request-Method": "POST"})
    assert asked.status_code in (403, 405)
    assert "access-control-allow-origin" not in asked.headers


# Headers


@pytest.mark.parametrize(
    ("path", "status"),
    [("/healthz", 200), ("/v1/extractions", 401), ("/nothing", 404), ("/login", 200), ("/v1/audit?cursor=x", 401)],
)
def test_security_headers(server: Serving, path: str, status: int) -> None:
    answer = server.client(**{"X-Request-ID": "caller-7"}).get(path)
    assert answer.status_code == status
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"] == "caller-7"
    assert "server" not in answer.headers
    names = [name.lower() for name, _ in answer.headers.multi_items()]
    assert len(names) == len(set(names)), "none is there twice"


@pytest.mark.parametrize("sent", ["", "a b", "x" * 129, "<b>", "é", "1\t2"])
def test_a_request_id_that_is_not_sane_is_replaced(server: Serving, sent: str) -> None:
    answer = server.client().get("/v1/extractions", headers={"X-Request-ID": sent.encode()})
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_the_audit_tells_who_was_refused_and_has_pages(server: Serving) -> None:
    key, secret = server.new_key("read")
    server.client(secret).get("/v1/audit")
    admin = server.client(server.key("admin"))
    newest = admin.get("/v1/audit", params={"who": key.id, "limit": 1}).json()
    entry = newest["items"][0]
    assert (entry["action"], entry["target"], entry["detail"]["scope"]) == ("denied", "GET /v1/audit", "admin")
    further = admin.get("/v1/audit", params={"who": key.id, "limit": 1, "cursor": newest["next_cursor"] or "1"})
    assert further.json()["items"] == []
    seen: list[int] = []
    cursor: str | None = None
    while True:
        page = admin.get("/v1/audit", params={"limit": 7, **({"cursor": cursor} if cursor else {})}).json()
        seen += [entry["id"] for entry in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == sorted(set(seen), reverse=True)
    assert seen[-1] == 1
    assert admin.get("/v1/audit", params={"cursor": "0"}).status_code == 422
    assert admin.get("/v1/audit", params={"who": "\0"}).status_code == 422
    assert admin.get("/v1/audit", params={"action": "nonsense"}).status_code == 422
