"""Batches, the validator, rules and schemas on a real server."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from extractor.export.lines import fault_of
from extractor.export.schema import line_schema
from extractor.pipeline import extract_all
from extractor.rules.catalogue import catalogue
from extractor.service.database import tables
from extractor.service.work.pace import LONGEST, UNKNOWN, Pace
from tests.inside import Server, inside

ROOT = Path(__file__).parents[1]
REPORTS = ROOT / "fixtures" / "reports"
NDJSON = {"content-type": "application/x-ndjson"}
TEXT = (REPORTS / "zhongyang-2024-tabs.txt").read_text(encoding="utf-8")
TWO = (REPORTS / "heshu-two-years.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with inside(tmp_path_factory.mktemp("service"), max_batch=8, max_queue=6, webhook_hosts=("127.0.0.1",)) as running:
        yield running


@pytest.fixture(scope="module")
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


def problem(answer: httpx.Response, code: str) -> dict[str, Any]:
    told = answer.json()
    assert (told["code"], told["status"]) == (code, answer.status_code), told
    return told


def finished(server: Server, http: httpx.Client, batch: str) -> dict[str, Any]:
    """The batch once all its documents are finished."""
    for member in http.get(f"/v1/batches/{batch}").json()["members"]:
        server.wait(member["extraction"])
    told = http.get(f"/v1/batches/{batch}").json()
    assert told["finished"]
    return told


def test_results_come_in_the_order_sent_under_the_names_sent(server: Server, http: httpx.Client) -> None:
    pdf = base64.b64encode(b"%PDF-1.4 broken").decode()
    given = [{"requests": {}}, {"requests": {}}]
    documents = [
        {"text": TWO, "source": "b"},
        {"base64": pdf, "source": "broken.pdf"},
        {"text": TEXT, "source": "a"},
        {"text": TEXT, "given": given, "source": "failed"},
        {"text": TEXT, "source": "a again"},
    ]
    made = http.post("/v1/batches", json={"documents": documents})
    assert made.status_code == 202
    told = finished(server, http, made.json()["id"])
    assert (told["documents"], told["states"]) == (5, {"done": 4, "failed": 1})
    assert [member["source"] for member in told["members"]] == ["b", "broken.pdf", "a", "failed", "a again"]
    assert told["members"][2]["extraction"] == told["members"][4]["extraction"]
    lines = [json.loads(line) for line in http.get(told["links"]["results"]).text.splitlines()]
    assert [line["source"] for line in lines] == ["b#1", "b#2", "broken.pdf", "a", "failed", "a again"]
    assert lines[3] == extract_all(TEXT, "a")[0].to_json()
    assert {**lines[5], "source": "a"} == lines[3]
    assert [line["verdict"] for line in lines[2:5:2]] == ["failed", "failed"]
    assert lines[4]["error"]["code"] == "given_count"
    assert [fault for line in lines if (fault := fault_of(line))] == []
    page = http.get(f"/v1/batches/{told['id']}?limit=2").json()
    rest = http.get(f"/v1/batches/{told['id']}?limit=3&cursor={page['next']}").json()
    assert [*page["members"], *rest["members"]] == told["members"]
    assert rest["next"] is None
    listed = http.get("/v1/extractions", params={"batch": told["id"]}).json()["items"]
    assert {item["id"] for item in listed} == {member["extraction"] for member in told["members"]}


def lines_of(*documents: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(document).encode() + b"\n" for document in documents)


def files(*contents: bytes) -> dict[str, Any]:
    return {"files": [("file", (f"{n}.txt", content)) for n, content in enumerate(contents)]}


@pytest.mark.parametrize(
    ("request_", "count"),
    [
        ({"json": [{"text": "甲"}, {"text": "乙"}]}, 2),
        (
            {
                "content": lines_of({"text": "丙"}) + b"\n\n" + lines_of({"text": "丁", "source": "d"}),
                "headers": NDJSON,
            },
            2,
        ),
        (files(b"eins", b"zwei", b"drei"), 3),
    ],
)
def test_every_kind_of_batch(server: Server, http: httpx.Client, request_: dict[str, Any], count: int) -> None:
    made = http.post("/v1/batches", **request_)
    assert (made.status_code, made.json()["documents"]) == (202, count)
    assert made.headers["location"] == made.json()["links"]["self"]
    finished(server, http, made.json()["id"])


@pytest.mark.parametrize(
    ("request_", "code", "where"),
    [
        ({"json": {"documents": [{"text": "一"}, {"text": 5}]}}, "invalid_request", "documents[1].text"),
        ({"json": [{"text": "一"}, {"text": "二", "model": "other"}]}, "model_not_allowed", "documents[1]"),
        ({"json": [{"text": "一"}, {"text": "二", "given": {"year": "x"}}]}, "given_invalid", "documents[1]"),
        ({"json": [{"text": "一"}, "二"]}, "invalid_request", "documents[1]"),
        (
            {"json": [{"text": "一", "callback_url": "http://127.0.0.1/"}]},
            "invalid_request",
            "documents[0].callback_url",
        ),
        ({"json": {"documents": [{"text": "一"}], "callback_url": "http://10.0.0.1/"}}, "callback_not_allowed", ""),
        ({"content": lines_of({"text": "一"}) + b"{", "headers": NDJSON}, "bad_request", "Line 2"),
        ({"content": b"\n", "headers": NDJSON}, "invalid_request", "documents"),
        ({"json": []}, "invalid_request", "documents"),
        ({"json": [{"text": str(n)} for n in range(9)]}, "too_large", "8"),
        (files(b"eins", b""), "invalid_request", "file 2"),
        ({"json": [{"text": str(n)} for n in range(7)]}, "too_large", "6"),
    ],
)
def test_one_fault_refuses_all_and_names_the_document(
    server: Server, http: httpx.Client, request_: dict[str, Any], code: str, where: str
) -> None:
    def count() -> int:
        with server.service.database.read() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(tables.documents)).scalar_one()

    before = count()
    told = problem(http.post("/v1/batches", **request_), code)
    assert where in told["detail"]
    assert count() == before


def test_a_full_queue_takes_all_or_nothing_and_says_when(server: Server, http: httpx.Client) -> None:
    def fill(state: str) -> None:
        """Rows that wait, as if as many documents did."""
        with server.service.database.write() as connection:
            row = sa.update(tables.extractions).where(tables.extractions.c.source == "full")
            connection.execute(row.values(state=state, retry_at="2100"))

    made = http.post("/v1/batches", json=[{"text": f"满 {n}", "source": "full"} for n in range(4)]).json()
    finished(server, http, made["id"])
    fill("queued")
    answer = http.post("/v1/batches", json=[{"text": "又一"}, {"text": "又二"}, {"text": "又三"}])
    problem(answer, "queue_full")
    assert 1 <= int(answer.headers["retry-after"]) <= LONGEST
    assert http.get("/v1/extractions?limit=500").text.count("又") == 0
    assert http.post("/v1/batches", json=[{"text": "又一"}]).status_code == 202
    fill("done")


def test_an_idempotency_key_is_one_batch(http: httpx.Client) -> None:
    key = {"Idempotency-Key": "batch-1"}
    first = http.post("/v1/batches", json=[{"text": "甲"}], headers=key).json()["id"]
    assert http.post("/v1/batches", json=[{"text": "甲"}], headers=key).json()["id"] == first
    problem(http.post("/v1/batches", json=[{"text": "乙"}], headers=key), "conflict")
    problem(http.post("/v1/extractions", json={"text": "甲"}, headers=key), "conflict")


def test_deleting_takes_a_document_out_of_its_batches(server: Server, http: httpx.Client) -> None:
    made = http.post(
        "/v1/batches", json=[{"text": "删一"}, {"text": "删二"}], headers={"Idempotency-Key": "gone"}
    ).json()
    members = finished(server, http, made["id"])["members"]
    assert http.delete(f"/v1/extractions/{members[0]['extraction']}").status_code == 204
    assert [member["number"] for member in http.get(f"/v1/batches/{made['id']}").json()["members"]] == [2]
    assert http.delete(f"/v1/extractions/{members[1]['extraction']}").status_code == 204
    problem(http.get(f"/v1/batches/{made['id']}"), "not_found")
    anew = http.post("/v1/batches", json=[{"text": "删一"}, {"text": "删二"}], headers={"Idempotency-Key": "gone"})
    assert anew.json()["id"] != made["id"]


def test_pace_says_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = [1000.0]
    monkeypatch.setattr("extractor.service.work.pace.time.monotonic", lambda: moment[0])
    pace = Pace()
    assert pace.seconds_for(5) == UNKNOWN
    for _ in range(80):
        moment[0] += 0.125
        pace.finished()
    assert pace.seconds_for(40) == 5
    assert pace.seconds_for(1) == 1
    moment[0] += 61
    assert pace.seconds_for(1) == LONGEST


def good() -> dict[str, Any]:
    record = extract_all(TEXT, "a")[0].to_json()["record"]
    assert record is not None
    return record


def changed(record: dict[str, Any]) -> dict[str, Any]:
    """The record with one number changed."""
    requests = record["requests"]
    return {**record, "requests": {**requests, "granted": {**requests["granted"], "total": 21}}}


@pytest.mark.parametrize("form", ["record", "envelope", "list", "lines", "multipart"])
def test_check_says_what_the_command_says(http: httpx.Client, tmp_path: Path, form: str) -> None:
    from typer.testing import CliRunner

    from extractor.cli.main import app

    record, before = changed(good()), good() | {"year": 2023}
    body = json.dumps(record, ensure_ascii=False).encode()
    file, previous = tmp_path / "now.json", tmp_path / "before.json"
    file.write_bytes(body)
    previous.write_text(json.dumps(before), encoding="utf-8")
    asked: dict[str, tuple[bool, dict[str, Any]]] = {
        "record": (False, {"content": body, "headers": {"content-type": "application/json"}}),
        "envelope": (True, {"json": {"records": record, "previous": [before]}}),
        "list": (False, {"json": [record]}),
        "lines": (False, {"content": body + b"\n", "headers": NDJSON}),
        "multipart": (True, {"files": {"file": ("now.json", body), "previous": ("p.json", previous.read_bytes())}}),
    }
    with_previous, request_ = asked[form]
    told = http.post("/v1/check", **request_).json()
    options = ["--previous", str(previous)] if with_previous else []
    printed = CliRunner().invoke(app, ["check", str(file), "--json", *options])
    (line,) = [json.loads(line) for line in printed.stdout.splitlines()]
    assert told["broken"] == 1
    (found,) = told["records"]
    assert {**found, "source": ""} | {"line": 0} == {**line, "source": ""} | {"line": 0}
    assert any(finding["rule"].startswith("requests.") for finding in found["findings"])


def test_check_gives_lines_where_they_are_asked_for(http: httpx.Client) -> None:
    body = b"\n".join(json.dumps(each).encode() for each in (good(), changed(good())))
    answer = http.post("/v1/check", content=body, headers=NDJSON | {"accept": "application/x-ndjson"})
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["failed"] > 0 for line in lines] == [False, True]
    assert [line["line"] for line in lines] == [1, 2]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"content": b"{", "headers": {"content-type": "application/json"}}, "bad_request"),
        ({"content": b"", "headers": {"content-type": "application/json"}}, "bad_request"),
        ({"json": {"records": []}}, "bad_request"),
        ({"json": {"records": [{}], "older": []}}, "bad_request"),
        ({"json": {"records": [{}], "previous": [5]}}, "bad_request"),
        ({"content": b"[" * 200_000, "headers": {"content-type": "application/json"}}, "bad_request"),
        (
            {"content": b'{"year": ' + b"9" * 5000 + b"}", "headers": {"content-type": "application/json"}},
            "bad_request",
        ),
        ({"content": b"{}", "headers": {"content-type": "text/plain"}}, "unsupported_media_type"),
        ({"files": {"previous": ("p", b"{}")}}, "invalid_request"),
    ],
)
def test_what_cannot_be_checked_is_refused(http: httpx.Client, request_: dict[str, Any], code: str) -> None:
    problem(http.post("/v1/check", **request_), code)


def test_rules_and_schemas(http: httpx.Client) -> None:
    rules = http.get("/v1/rules").json()["rules"]
    assert [rule["rule"] for rule in rules] == list(catalogue())
    assert http.get("/v1/rules/requests.balance.total").json()["rule"] == "requests.balance"
    problem(http.get("/v1/rules/no.such"), "not_found")
    problem(http.get("/v1/rules/%00"), "not_found")
    assert http.get("/v1/schema/line").json() == line_schema()
    problem(http.get("/v1/schema/other"), "invalid_request")
