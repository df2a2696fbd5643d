"""Bodies that nobody should send: each is answered with a problem, none with a fault of the service."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from extractor.service.api import bodies
from extractor.service.api.problems import Problem
from extractor.service.database import tables
from tests.inside import Server, inside

JSON = {"content-type": "application/json"}
LIMIT = 100_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("service")
    asked = {"max_body": LIMIT, "body_pause": 0.5, "body_seconds": 2.0, "max_queue": 1000, "models": ("allowed",)}
    with inside(folder, **asked, webhook_hosts=("hooks.example.org", "127.0.0.1:9")) as running:
        yield running


@pytest.fixture(scope="module")
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


def part(name: str, value: bytes, more: str = "") -> bytes:
    return f'--B\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + value + b"\r\n"


def form(*parts: bytes, end: bytes = b"--B--\r\n") -> dict[str, Any]:
    return {"content": b"".join(parts) + end, "headers": {"content-type": "multipart/form-data; boundary=B"}}


FILE = part("file", "年报".encode(), '; filename="a.txt"')


def body(value: bytes | Any) -> dict[str, Any]:
    return {"content": value if isinstance(value, bytes) else json.dumps(value).encode(), "headers": JSON}


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("no body", body(b""), "bad_request"),
    ("no JSON", body(b"text"), "bad_request"),
    ("cut off", body(b'{"text": "a'), "bad_request"),
    ("a list", body([]), "invalid_request"),
    ("nothing in it", body({}), "invalid_request"),
    ("two documents", body({"text": "a", "base64": "YQ=="}), "invalid_request"),
    ("empty text", body({"text": ""}), "invalid_request"),
    ("empty file", body({"base64": ""}), "invalid_request"),
    ("broken base64", body({"base64": "ä!"}), "invalid_request"),
    ("base64 with something in it", body({"base64": "YWJj!ZGVm"}), "invalid_request"),
    ("base64 with more behind it", body({"base64": "YWJj YQ== YWJj"}), "invalid_request"),
    ("many objects", body(b'{"text": "a", "given": [' + b"{}," * 20_000 + b"{}]}"), "too_large"),
    ("many lists", body(b'{"text": "a", "given": {"x": [' + b"[]," * 20_000 + b"[]]}}"), "too_large"),
    ("many numbers", body(b'{"text": "a", "given": [' + b"1," * 40_000 + b"1]}"), "too_large"),
    ("many strings", body(b'{"text": "a", "given": ["' + b'","' * 30_000 + b'"]}'), "too_large"),
    ("many keys", body(b'{"text":"a"' + b"".join(b',"%x":0' % n for n in range(10_500)) + b"}"), "bad_request"),
    ("many in a field", form(FILE, part("given", b"[" + b"1," * 40_000 + b"1]")), "too_large"),
    ("unknown key", body({"text": "a", "mode": 1}), "invalid_request"),
    ("a number for text", body({"text": 5}), "invalid_request"),
    ("deep lists", body(b"[" * 15_000 + b"]" * 15_000), "bad_request"),
    ("deep objects", body(b'{"a":' * 10_000 + b"1" + b"}" * 10_000), "bad_request"),
    ("deep given", body(b'{"text": "a", "given": {"x": ' + b"[" * 900 + b"]" * 900 + b"}}"), "bad_request"),
    ("lone surrogate", body(b'{"text": "\\ud800"}'), "invalid_request"),
    ("lone surrogate in a key", body(b'{"text": "a", "\\udc00": 1}'), "invalid_request"),
    ("lone surrogate in source", body(b'{"text": "a", "source": "\\ud800"}'), "invalid_request"),
    ("NUL in source", body({"text": "a", "source": "a\0b"}), "invalid_request"),
    ("NUL in model", body({"text": "a", "model": "a\0b"}), "model_not_allowed"),
    ("long source", body({"text": "a", "source": "a" * 1001}), "invalid_request"),
    ("many digits", body(b'{"text": "a", "given": {"year": ' + b"9" * 5000 + b"}}"), "bad_request"),
    ("huge exponent", body(b'{"text": "a", "given": {"year": 1e999999999}}'), "bad_request"),
    ("NaN", body(b'{"text": "a", "given": {"year": NaN}}'), "bad_request"),
    ("twice a key", body(b'{"text": "a", "text": "b"}'), "bad_request"),
    ("not UTF-8", body('{"text": "年报"}'.encode("gbk")), "bad_request"),
    ("UTF-16", body('{"text": "年报"}'.encode("utf-16")), "bad_request"),
    ("given of no shape", body({"text": "a", "given": {"no": 1}}), "given_invalid"),
    ("given in a list of lists", body({"text": "a", "given": [[]]}), "invalid_request"),
    ("negative budget", body({"text": "a", "budget": {"max_calls": -1}}), "invalid_request"),
    ("endless budget", body(b'{"text": "a", "budget": {"max_cost": 1e99}}'), "bad_request"),
    ("other model", body({"text": "a", "model": "other"}), "model_not_allowed"),
    ("other host", body({"text": "a", "callback_url": "http://example.org/x"}), "callback_not_allowed"),
    ("other port", body({"text": "a", "callback_url": "http://127.0.0.1:10/x"}), "callback_not_allowed"),
    ("a file as callback", body({"text": "a", "callback_url": "file:///etc/passwd"}), "callback_not_allowed"),
    ("a user in callback", body({"text": "a", "callback_url": "http://hooks.example.org@h/"}), "callback_not_allowed"),
    ("another look of it", body({"text": "a", "callback_url": "http:\\\\hooks.example.org"}), "callback_not_allowed"),
    ("compressed", {**body(b"{}"), "headers": JSON | {"content-encoding": "gzip"}}, "unsupported_media_type"),
    ("urlencoded", {"data": {"text": "a"}}, "unsupported_media_type"),
    ("an image", {"content": b"x", "headers": {"content-type": "image/png"}}, "unsupported_media_type"),
    ("no type", {"content": b"x", "headers": {"content-type": ""}}, "unsupported_media_type"),
    ("empty raw", {"content": b"", "headers": {"content-type": "text/plain"}}, "invalid_request"),
    ("empty part", form(part("file", b"", '; filename="a"')), "invalid_request"),
    ("no file", form(part("source", b"a")), "invalid_request"),
    ("two files", form(FILE, FILE), "too_large"),
    ("another part", form(FILE, part("other", b"1")), "invalid_request"),
    ("another file", form(part("other", b"1", '; filename="a"')), "invalid_request"),
    ("a field twice", form(FILE, part("model", b"none"), part("model", b"none")), "invalid_request"),
    ("a cut form", form(FILE, end=b""), "bad_request"),
    ("half a boundary", form(FILE[:40], end=b""), "bad_request"),
    ("no boundary", {"content": b"x", "headers": {"content-type": "multipart/form-data"}}, "bad_request"),
    ("a form with bad given", form(FILE, part("given", b"{")), "bad_request"),
    ("a field in GBK", form(FILE, part("source", "年报".encode("gbk"))), "bad_request"),
    ("a part without a name", form(b"--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n"), "bad_request"),
    ("too large", body(b" " * (LIMIT + 1)), "too_large"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "request_", "code"), REFUSED, ids=[name for name, _, _ in REFUSED])
def test_it_is_refused(server: Server, http: httpx.Client, name: str, request_: dict[str, Any], code: str) -> None:
    answer = http.post("/v1/extractions", **request_)
    told = answer.json()
    assert (told["code"], told["status"]) == (code, answer.status_code), told
    assert answer.headers["content-type"] == "application/problem+json"
    with server.service.database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(tables.extractions)).scalar() == 0


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("wait=-1", "invalid_request"),
        ("wait=nan", "invalid_request"),
        ("again=perhaps", "invalid_request"),
        ("source=a", "invalid_request"),
        ("callback_url=http://hooks.example.org/", "invalid_request"),
    ],
)
def test_a_query_is_refused_beside_json(http: httpx.Client, query: str, code: str) -> None:
    assert http.post(f"/v1/extractions?{query}", json={"text": "a"}).json()["code"] == code


@pytest.mark.parametrize(
    "path",
    [
        "/v1/extractions?cursor=%00", "/v1/extractions?year=99999999999999999999", "/v1/extractions?organization=%00",
        "/v1/extractions?since=99999999999999999999", "/v1/extractions?until=0001-01-01T00:00:00%2B23:00",
        "/v1/extractions?document=x", "/v1/extractions?limit=0", "/v1/extractions?limit=501",
        "/v1/lines?since=yesterday", "/v1/lines?organization=" + "a" * 201, "/v1/batches/b_" + "0" * 26 + "?cursor=-1",
    ],
)  # fmt: skip
def test_a_question_is_refused(http: httpx.Client, path: str) -> None:
    assert http.get(path).json()["code"] == "invalid_request"


@pytest.mark.parametrize(
    "name", ["x", "%00", "x_" + "0" * 26, "x_%F0%9F", "..%2F..", "a" * 3000, "x_" + "0" * 25 + "Z"]
)
@pytest.mark.parametrize("tail", ["", "/result", "/text", "/document"])
def test_what_is_not_there_is_not_found(http: httpx.Client, name: str, tail: str) -> None:
    assert http.get(f"/v1/extractions/{name}{tail}").json()["code"] == "not_found"


def talk(server: Server, *pieces: bytes) -> bytes:
    """What the server answers to these bytes, until it closes the connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        for piece in pieces:
            connection.sendall(piece)
        answer = b""
        while more := connection.recv(65536):
            answer += more
        return answer


HEAD = b"POST /v1/extractions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


def test_a_body_that_is_announced_too_large_is_not_waited_for(server: Server) -> None:
    answer = talk(server, HEAD + b"Content-Length: 999999999999\r\n\r\n")
    assert b"413" in answer.split(b"\r\n")[0]
    assert b"too_large" in answer


def test_a_body_without_a_length_is_read_to_the_limit_alone(server: Server) -> None:
    piece = b"%x\r\n" % 50_000 + b" " * 50_000 + b"\r\n"
    answer = talk(server, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", piece, piece, piece)
    assert b"413" in answer.split(b"\r\n")[0]
    assert b"too_large" in answer


def test_a_body_that_does_not_come_is_not_waited_for(server: Server) -> None:
    answer = talk(server, HEAD + b"Content-Length: 50\r\n\r\n", b'{"text"')
    assert b"408" in answer.split(b"\r\n")[0]
    assert b"slow_body" in answer


@pytest.mark.parametrize("inner", ['"', '\\"', "\\", "\\\\", '",', "[1, 2]", "{}"])
def test_what_a_text_holds_is_no_value(inner: str) -> None:
    """Commas, brackets, quotes and backslashes of a document are not counted as the JSON's own."""
    sent = json.dumps({"text": f"{inner},[{{" * 30_000 + inner, "source": "a\\"})
    assert bodies.parse_json(sent)["source"] == "a\\"
    with pytest.raises(Problem) as caught:
        bodies.parse_json(sent[:-1] + ', "given": [' + "0," * 20_000 + "0]}")
    assert caught.value.code == "too_large"


def test_a_faulty_list_is_told_by_its_first_fault(http: httpx.Client) -> None:
    """Each fault has a message of a kilobyte: for as many as fit into a batch there is no memory."""
    told = http.post("/v1/batches", json=[{"text": "a", "given": [1] * 30_000}]).json()
    assert (told["code"], len(told["faults"])) == ("invalid_request", 2)


def test_base64_may_have_line_ends(http: httpx.Client) -> None:
    document = b"a text that is longer than one line of base64 " * 3
    answer = http.post("/v1/extractions?wait=30", json={"base64": base64.encodebytes(document).decode()})
    assert answer.status_code == 200
    assert http.get(answer.json()["links"]["document"]).content == document


def test_text_of_any_kind_is_a_document(http: httpx.Client) -> None:
    for data in (
        b"\0",
        b"\xff\xfe\xff",
        "﻿".encode(),
        b"<script>alert(1)</script>",
        b"{{7*7}}",
        b"\x1b[31m",
        b"PK\x03\x04",
    ):
        answer = http.post(
            "/v1/extractions?wait=30", content=data, headers={"content-type": "application/octet-stream"}
        )
        assert answer.status_code == 200, answer.text
        (line,) = answer.json()["results"]
        assert (line["verdict"], bool(line["error"]["code"])) == ("failed", True)
        text = http.get(f"/v1/extractions/{answer.json()['id']}/text")
        assert text.status_code in (200, 404)
        if text.status_code == 200:
            assert text.headers["content-type"] == "text/plain; charset=utf-8"
