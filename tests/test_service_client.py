"""The Python client against a real server, and against one that is busy, away or something else."""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from extractor.client import ApiError, Client, WebhookError, describe, verify_webhook
from extractor.pipeline import extract_all
from extractor.service.work.deliveries import signature
from tests.inside import Server, inside

REPORTS = Path(__file__).parents[1] / "fixtures" / "reports"
FILE = REPORTS / "zhongyang-2024-tabs.txt"
TEXT = FILE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with inside(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    with Client(server.url) as made:
        yield made


def test_a_document_from_text_bytes_and_file(client: Client) -> None:
    line = extract_all(TEXT, FILE.name)[0].to_json()
    one = client.extract(FILE)
    assert (one.state, one.finished, one.verdict, one.lines) == ("done", True, line["verdict"], [line])
    assert client.extract(TEXT).id == client.extract(FILE.read_bytes(), "other").id == one.id
    assert client.text(one.id) == TEXT
    assert client.document(one.id) == FILE.read_bytes()
    assert client.status(one.id).lines == []
    assert client.result(one.id).lines == [line]
    assert client.submit(TEXT, again=True).id != one.id
    assert {each.id for each in client.extractions(document=one.json["document"], limit=1)} > {one.id}


def test_what_fails_is_an_error_with_its_own_code(client: Client) -> None:
    given = [{"requests": {}}, {"requests": {}}]
    with pytest.raises(ApiError) as caught:
        client.extract(TEXT, given=given)
    assert (caught.value.code, caught.value.status) == ("given_count", 422)
    assert caught.value.hint
    assert pickle.loads(pickle.dumps(caught.value)).problem == caught.value.problem
    with pytest.raises(ApiError, match="no extraction"):
        client.status("x_" + "0" * 26)
    with pytest.raises(ApiError) as caught:
        client.submit(TEXT, model="other")
    assert caught.value.code == "model_not_allowed"


def test_batches_lines_check_and_deletion(client: Client) -> None:
    other = REPORTS / "heshu-two-years.txt"
    batch = client.batch([TEXT, other, describe(b"%PDF-", "x.pdf", model="none")])
    lines = list(client.batch_lines(batch.id))
    assert [line["source"] for line in lines] == ["-", "heshu-two-years.txt#1", "heshu-two-years.txt#2", "x.pdf"]
    assert client.batch_status(batch.id).finished
    assert lines[1] in list(client.lines(year=lines[1]["record"]["year"]))
    told = client.check([lines[1]["record"], lines[0]], previous=lines[2]["record"])
    assert [record["year"] for record in told["records"]] == [lines[1]["record"]["year"], 2024]
    made = client.extract("将被删去")
    client.delete(made.id)
    client.delete(made.id)
    with pytest.raises(ApiError, match="no extraction"):
        client.result(made.id)


Answer = Callable[[httpx.Request], httpx.Response]


def played(
    monkeypatch: pytest.MonkeyPatch, *answers: httpx.Response | Exception, key: str = "secret-key"
) -> tuple[Client, list[httpx.Request], list[float]]:
    """A client whose server answers so, one after another; the requests, and the seconds slept between them."""
    left, seen, slept = list(answers), [], []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    clock = [0.0]
    monkeypatch.setattr("extractor.client.time.sleep", lambda s: (slept.append(s), clock.__setitem__(0, clock[0] + s)))
    monkeypatch.setattr("extractor.client.time.monotonic", lambda: clock[0])
    return Client("http://gouji.test", key, patience=60, transport=httpx.MockTransport(answer)), seen, slept


def busy(status: int, code: str, **headers: str) -> httpx.Response:
    problem = {"code": code, "status": status, "detail": "…", "hint": "…"}
    return httpx.Response(status, json=problem, headers={"content-type": "application/problem+json", **headers})


QUEUED = {"id": "x_1", "state": "queued", "verdict": None}
DONE = {"id": "x_1", "state": "done", "verdict": "verified", "results": [{}]}


def test_it_is_patient_and_sends_the_same_request_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = (
        httpx.ConnectError("refused"),
        busy(429, "queue_full", **{"retry-after": "7"}),
        httpx.ReadError("reset"),
        busy(503, "shutting_down"),
        httpx.Response(202, json=QUEUED),
    )
    client, seen, slept = played(monkeypatch, *answers)
    assert client.submit("a").state == "queued"
    assert len({request.headers["idempotency-key"] for request in seen}) == 1
    assert {request.headers["authorization"] for request in seen} == {"Bearer secret-key"}
    assert len({request.content for request in seen}) == 1
    assert 7 <= slept[1] <= 8.4
    assert all(pause > 0 for pause in slept)


def test_it_asks_again_for_lines_too(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = busy(429, "rate_limited", **{"retry-after": "2"}), busy(503, "database"), httpx.ReadError("reset")
    client, seen, slept = played(monkeypatch, *answers, httpx.Response(200, content=b'{"a": 1}\n{"a": 2}\n'))
    assert list(client.lines()) == [{"a": 1}, {"a": 2}]
    assert len(seen) == 4
    assert slept[0] >= 2


@pytest.mark.parametrize(
    ("url", "key", "code"),
    [
        ("127.0.0.1:8321", None, "bad_url"),
        ("ftp://gouji.test", None, "bad_url"),
        ("", None, "bad_url"),
        ("http://[::1", None, "bad_url"),
        ("http://gouji.test", "gouji_年", "bad_key"),
        ("http://gouji.test", "gouji_a\nb", "bad_key"),
    ],
)
def test_what_can_never_be_sent_is_said_at_once(url: str, key: str | None, code: str) -> None:
    with pytest.raises(ApiError) as caught:
        Client(url, key)
    assert caught.value.code == code
    assert caught.value.hint


def test_a_key_may_come_with_its_files_line_end(monkeypatch: pytest.MonkeyPatch) -> None:
    client, seen, _ = played(monkeypatch, httpx.Response(200, json=DONE), key="secret-key\n")
    client.status("x_1")
    assert seen[0].headers["authorization"] == "Bearer secret-key"


def test_a_request_that_cannot_be_sent_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    client, seen, slept = played(monkeypatch, httpx.LocalProtocolError("Illegal header value"))
    with pytest.raises(ApiError, match="Illegal header") as caught:
        client.submit("a")
    assert (caught.value.code, len(seen), slept) == ("bad_request", 1, [])
    with pytest.raises(ApiError) as caught:
        client.submit("a", idempotency_key="年")
    assert (caught.value.code, len(seen)) == ("bad_request", 1)


def test_it_waits_for_a_result_as_long_as_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    late = busy(409, "not_finished", **{"retry-after": "4"})
    client, seen, slept = played(
        monkeypatch, httpx.Response(202, json=QUEUED), late, late, httpx.Response(200, json=DONE)
    )
    assert client.extract("a").verdict == "verified"
    assert slept == [4.0, 4.0]
    assert [request.url.path for request in seen[1:]] == ["/v1/extractions/x_1/result"] * 3
    client, seen, slept = played(monkeypatch, *[late] * 9)
    with pytest.raises(ApiError) as caught:
        client.result("x_1", timeout=10)
    assert caught.value.code == "not_finished"
    assert sum(slept) == pytest.approx(10)


@pytest.mark.parametrize(
    ("answer", "code", "tries"),
    [
        (busy(422, "invalid_request"), "invalid_request", 1),
        (busy(401, "unauthorized"), "unauthorized", 1),
        (busy(500, "internal"), "internal", 1),
        (busy(429, "rate_limited", **{"retry-after": "3600"}), "rate_limited", 1),
        (httpx.Response(404, text="<html>nginx"), "no_problem", 1),
        (httpx.Response(404, json=["x"]), "no_problem", 1),
    ],
)
def test_what_will_not_change_is_an_error_at_once(
    monkeypatch: pytest.MonkeyPatch, answer: httpx.Response, code: str, tries: int
) -> None:
    client, seen, _ = played(monkeypatch, answer)
    with pytest.raises(ApiError) as caught:
        client.submit("a")
    assert (caught.value.code, caught.value.status, len(seen)) == (code, answer.status_code, tries)
    assert "secret-key" not in str(caught.value)


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    client, seen, slept = played(monkeypatch, *[httpx.ConnectError("refused")] * 50)
    with pytest.raises(ApiError) as caught:
        client.lines().__next__()
    assert caught.value.code == "unreachable"
    assert 0 < sum(slept) <= 60
    slept.clear()
    with pytest.raises(ApiError) as caught:
        client.status("x_1")
    assert (caught.value.code, caught.value.status) == ("unreachable", 0)
    assert len(seen) > 5
    assert sum(slept) <= 60


def test_a_line_is_a_line_whatever_stands_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [{"source": "a\u2028b\x85c"}, {"source": "d"}]
    body = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()
    client, _, _ = played(monkeypatch, httpx.Response(200, content=iter([body[:9], body[9:12], body[12:]])))
    assert list(client.lines()) == lines


SECRET, KEY = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ=", b"secret-secret-secret"
BODY = b'{"type": "extraction.finished", "data": {"id": "x_1"}}'


def headers(**changed: str) -> dict[str, str]:
    moment = int(changed.pop("at", str(int(time.time()))))
    signed = signature(KEY, "d_1", moment, BODY)
    return {"Webhook-Id": "d_1", "Webhook-Timestamp": str(moment), "Webhook-Signature": f"v1,AAAA {signed}"} | changed


def test_a_webhook_is_known_by_its_signature() -> None:
    assert verify_webhook(SECRET, headers(), BODY)["data"]["id"] == "x_1"
    refused = [
        (SECRET, headers(), BODY + b" ", "webhook_signature"),
        (SECRET, headers(**{"Webhook-Id": "d_2"}), BODY, "webhook_signature"),
        (SECRET, headers(at="1000000000"), BODY, "webhook_old"),
        (SECRET, headers(**{"Webhook-Signature": ""}), BODY, "webhook_signature"),
        (SECRET, headers(**{"Webhook-Signature": "v1,ä"}), BODY, "webhook_signature"),
        (SECRET, headers(**{"Webhook-Timestamp": "now"}), BODY, "webhook_headers"),
        (SECRET, {}, BODY, "webhook_headers"),
        ("whsec_!", headers(), BODY, "webhook_headers"),
        ("whsec_AAAA", headers(), BODY, "webhook_signature"),
    ]
    for secret, sent, body, code in refused:
        with pytest.raises(WebhookError) as caught:
            verify_webhook(secret, sent, body)
        assert caught.value.code == code, sent
