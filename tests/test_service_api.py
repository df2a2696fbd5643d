"""The HTTP API on a real server: documents in, results out, again, listed, gone."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from extractor.export.lines import fault_of
from extractor.pipeline import extract_all
from extractor.service.database import tables
from tests.inside import Server, inside

REPORTS = Path(__file__).parents[1] / "fixtures" / "reports"

FORMATS = REPORTS.parent / "formats"
GLUED = (REPORTS / "jinchuan-2023-html-chrome.html").read_bytes()
TEXT = (REPORTS / "zhongyang-2024-tabs.txt").read_text(encoding="utf-8")
TWO = (REPORTS / "heshu-two-years.txt").read_bytes()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with inside(tmp_path_factory.mktemp("service"), max_body=2_000_000, webhook_hosts=("127.0.0.1",)) as running:
        yield running


@pytest.fixture(scope="module")
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


def sent(http: httpx.Client, text: str, source: str = "-", **more: Any) -> dict[str, Any]:
    """The result of a text."""
    answer = http.post("/v1/extractions?wait=30", json={"text": text, "source": source, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def problem(answer: httpx.Response, code: str) -> dict[str, Any]:
    """The problem document of an answer, which must have this code."""
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["code"] == code, told
    assert told["status"] == answer.status_code
    assert told["detail"]
    assert told["hint"]
    return told


def test_a_result_is_the_line_that_extract_prints(http: httpx.Client) -> None:
    told = sent(http, TEXT, "z.txt")
    assert told["results"] == [extract_all(TEXT, "z.txt")[0].to_json()]
    assert told["verdict"] == told["results"][0]["verdict"]
    assert http.get(f"/v1/extractions/{told['id']}/result").json() == told
    text = http.get(f"/v1/extractions/{told['id']}/text").content.decode()
    reported = [cell for cell in told["results"][0]["cells"] if cell["state"] == "reported"]
    assert reported
    assert all(text[slice(*cell["span"])] == cell["raw"] for cell in reported)


def bodies() -> list[tuple[str, dict[str, Any], bytes]]:
    """Every way to send a document: a name, what httpx is told, the bytes that must have been kept."""
    pdf, gbk = (FORMATS / "report.pdf").read_bytes(), (FORMATS / "report-gbk.html").read_bytes()
    given = {"year": 2023, "requests": {"granted": {"total": 83}}}
    return [
        ("json", {"json": {"text": "年报甲"}}, "年报甲".encode()),
        ("base64", {"json": {"base64": base64.b64encode(pdf).decode()}}, pdf),
        ("form", {"files": {"file": ("甲.html", gbk)}, "data": {"given": json.dumps(given), "model": "none"}}, gbk),
        ("text", {"content": "年报乙".encode("gb18030"), "headers": {"content-type": "text/plain; charset=gb18030"}},
         "年报乙".encode("gb18030")),
        ("pdf", {"content": pdf + b"\n", "headers": {"content-type": "application/pdf"}}, pdf + b"\n"),
        ("octets", {"content": GLUED, "headers": {"content-type": "application/octet-stream"}}, GLUED),
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "request_", "kept"), bodies(), ids=[name for name, _, _ in bodies()])
def test_every_kind_of_body_is_kept_as_it_was_sent(
    http: httpx.Client, name: str, request_: dict[str, Any], kept: bytes
) -> None:
    answer = http.post("/v1/extractions", **request_)
    assert answer.status_code == 202, answer.text
    there = answer.headers["location"]
    found = http.get(f"{there}/document")
    assert found.content == kept
    assert found.headers["content-disposition"].startswith("attachment")
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["content-type"] == "application/octet-stream"


def test_a_file_is_named_by_its_part_and_a_raw_body_by_the_query(http: httpx.Client) -> None:
    data = TEXT.replace("20", "30").encode()
    form = http.post("/v1/extractions", files={"file": ("县 2024.txt", data)}).json()
    assert form["source"] == "县 2024.txt"
    raw = http.post(
        "/v1/extractions?source=b.txt&model=none", content=data + b" ", headers={"content-type": "text/plain"}
    )
    assert (raw.json()["source"], raw.json()["model"]) == ("b.txt", None)


def test_the_same_content_is_one_extraction_and_again_another(http: httpx.Client) -> None:
    first = sent(http, TEXT + "\n", "one")
    second = http.post("/v1/extractions", json={"text": TEXT + "\n", "source": "two"})
    assert (second.status_code, second.json()["id"], second.json()["source"]) == (200, first["id"], "one")
    third = http.post("/v1/extractions?wait=30&again=true", json={"text": TEXT + "\n", "source": "three"}).json()
    assert third["id"] != first["id"]
    assert third["results"][0]["record"] == first["results"][0]["record"]
    # The newer one is found from now on, and is the document's current result.
    assert http.post("/v1/extractions", json={"text": TEXT + "\n"}).json()["id"] == third["id"]
    lines = [json.loads(line) for line in http.get(f"/v1/lines?document={first['document']}").text.splitlines()]
    assert [line["source"] for line in lines] == ["three"]
    assert http.get(f"/v1/extractions/{first['id']}/result").json()["results"] == first["results"]


def test_an_idempotency_key_is_one_request(http: httpx.Client) -> None:
    key = {"Idempotency-Key": "a-1"}
    body = {"text": "年报 一", "source": "a"}

    def send(body: dict[str, Any], query: str = "?again=true") -> httpx.Response:
        return http.post(f"/v1/extractions{query}", json=body, headers=key)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(send, [body] * 8))
    assert {answer.json()["id"] for answer in found} == {found[0].json()["id"]}
    done = http.post("/v1/extractions?wait=30&again=true", json=body, headers=key)
    assert (done.status_code, done.json()["id"]) == (200, found[0].json()["id"])
    for other, query in (({**body, "source": "b"}, "?again=true"), ({"text": "年报 二"}, "?again=true"), (body, "")):
        problem(send(other, query), "conflict")
    for bad in ("", "x" * 256, "a\tb"):
        answer = http.post("/v1/extractions", json=body, headers={"Idempotency-Key": bad})
        problem(answer, "invalid_request")


def test_what_is_under_way_says_so(server: Server, http: httpx.Client) -> None:
    made = http.post("/v1/extractions", json={"text": TEXT + " "}).json()
    with server.service.database.write() as connection:
        row = sa.update(tables.extractions).where(tables.extractions.c.id == made["id"])
        connection.execute(row.values(state="waiting", finished=None, lines=None))
    answer = http.get(f"/v1/extractions/{made['id']}/result")
    assert problem(answer, "not_finished")["state"] == "waiting"
    assert int(answer.headers["retry-after"]) >= 1


def test_given_that_fits_no_report_ends_in_a_clear_state(http: httpx.Client) -> None:
    given = [{"requests": {"granted": {"total": 1}}}, {"requests": {"granted": {"total": 2}}}]
    told = problem(http.post("/v1/extractions?wait=30", json={"text": TEXT, "given": given}), "extraction_failed")
    assert (told["cause"], told["state"]) == ("given_count", "failed")
    status = http.get(f"/v1/extractions/{told['extraction']}").json()
    assert (status["state"], status["error"]["code"], status["verdict"]) == ("failed", "given_count", None)
    problem(http.get(f"/v1/extractions/{told['extraction']}/result"), "extraction_failed")


def test_given_confirms_exactly_and_is_exact(http: httpx.Client) -> None:
    given = {"year": 2024, "disclosure": {"fees": {"amount": 16085.100735}}, "requests": {"granted": {"total": 20}}}
    body = json.dumps({"text": TEXT, "given": given})
    told = http.post("/v1/extractions?wait=30", content=body, headers={"content-type": "application/json"}).json()
    assert not [f for f in told["results"][0]["findings"] if f["rule"].startswith("given.")]
    other = body.replace("16085.100735", "16085.10073500000000000000001")
    answer = http.post("/v1/extractions?wait=30", content=other, headers={"content-type": "application/json"})
    assert problem(answer, "given_invalid")["cause"].startswith("given_")


def test_a_list_is_paged_and_filtered(http: httpx.Client) -> None:
    ids = [sent(http, TEXT + "\n" * n, f"page-{n}")["id"] for n in range(2, 6)]
    seen: list[str] = []
    cursor = None
    while True:
        page = http.get("/v1/extractions", params={"limit": 3} | ({"cursor": cursor} if cursor else {})).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
        assert len(page["items"]) == 3
    assert seen == sorted(set(seen), reverse=True)
    assert set(ids) <= set(seen)

    def listed(**asked: Any) -> set[str]:
        return {item["id"] for item in http.get("/v1/extractions", params={"limit": 500, **asked}).json()["items"]}

    one = http.get(f"/v1/extractions/{ids[1]}").json()
    assert listed(document=one["document"]) == {ids[1]}
    assert set(ids) <= listed(organization="中阳", year=2024, state="done", verdict=one["verdict"])
    assert not listed(organization="中%阳")
    assert not set(ids) & (listed(year=2023) | listed(verdict="failed") | listed(state="queued"))
    assert listed(since=one["created"]) >= set(ids[1:])
    assert ids[0] not in listed(since=one["created"])
    assert ids[1] not in listed(until=one["created"])


def test_all_lines_are_lines_of_the_contract_and_export_takes_them(http: httpx.Client, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from extractor.cli.main import app

    two = http.post("/v1/extractions?wait=30&source=two", content=TWO, headers={"content-type": "text/plain"}).json()
    assert len(two["results"]) == 2
    with http.stream("GET", "/v1/lines") as answer:
        assert answer.headers["content-type"] == "application/x-ndjson"
        lines = [json.loads(line) for line in answer.iter_lines()]
    assert [line for line in lines if line["source"].startswith("two#")] == two["results"]
    assert [fault for line in lines if (fault := fault_of(line))] == []
    one = http.get("/v1/lines", params={"document": two["document"], "year": two["results"][1]["record"]["year"]})
    assert json.loads(one.text) == two["results"][1]
    file, out = tmp_path / "all.jsonl", tmp_path / "all.csv"
    file.write_bytes(http.get("/v1/lines").content)
    done = CliRunner().invoke(app, ["export", str(file), "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert "heshu" in out.read_text(encoding="utf-8-sig") or "two#1" in out.read_text(encoding="utf-8-sig")


def packed_pieces(data: bytes) -> list[bytes]:
    """Pieces of what the database holds of the noise at the beginning of these bytes; nothing else has them."""
    packed = zlib.compress(data, 1)
    return [packed[start : start + 24] for start in range(200, 1600, 100)]


def test_deleting_leaves_nothing_in_the_files(server: Server, http: httpx.Client) -> None:
    noise = "".join(hashlib.sha256(str(n).encode()).hexdigest() for n in range(64))
    text = f"{noise}\n{TEXT}"
    made = sent(http, text, "secret-name.txt", given={"year": 2024, "requests": {"granted": {"total": 20}}})
    other = http.post("/v1/extractions?wait=30&again=true", json={"text": text}).json()
    folder = server.service.settings.data
    with server.service.database.write() as connection:
        row = {
            "document": made["document"], "text_sha256": connection.execute(
                sa.select(tables.documents.c.text_sha256).where(tables.documents.c.sha256 == made["document"])
            ).scalar_one(),
            "number": 1, "table_key": "requests", "action": "accept", "who": "loopback", "at": "2026", "form": "2021",
            "rules_version": "1", "extraction": made["id"], "seen": "{}",
        }  # fmt: skip
        connection.execute(sa.insert(tables.decisions), row)

    def held() -> str:
        return "".join(
            path.name for path in sorted(folder.iterdir()) for data in [path.read_bytes()]
            if any(piece in data for piece in packed_pieces(text.encode())) or b"secret-name" in data
        )  # fmt: skip

    assert "service.db" in held()
    assert http.delete(f"/v1/extractions/{other['id']}").status_code == 204
    # The older result is the document's current one again.
    assert http.get(f"/v1/lines?document={made['document']}").text.count("\n") == 1
    assert "service.db" in held()
    with server.service.database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(tables.decisions)).scalar() == 1
    assert http.delete(f"/v1/extractions/{made['id']}").status_code == 204
    assert held() == ""
    for tail in ("", "/result", "/text", "/document"):
        problem(http.get(f"/v1/extractions/{made['id']}{tail}"), "not_found")
    problem(http.delete(f"/v1/extractions/{made['id']}"), "not_found")
    assert http.get(f"/v1/lines?document={made['document']}").text == ""
    with server.service.database.read() as connection:
        for table in (tables.decisions, tables.documents, tables.reports, tables.report_tables, tables.failures):
            of_it = {"documents": "sha256", "decisions": "extraction", "reports": "document"}.get(
                table.name, "extraction"
            )
            mark = made["document"] if of_it in ("sha256", "document") else made["id"]
            count = sa.select(sa.func.count()).select_from(table).where(table.c[of_it] == mark)
            assert connection.execute(count).scalar() == 0, table.name
        entry = connection.execute(
            sa.select(tables.audit).where(tables.audit.c.action == "delete", tables.audit.c.target == made["id"])
        ).one()
    assert json.loads(entry.detail) == {"document": True}
    again = http.post("/v1/extractions?wait=30", json={"text": text})
    assert again.json()["id"] != made["id"]


def test_deleting_while_it_runs_is_safe(http: httpx.Client) -> None:
    for n in range(12):
        made = http.post("/v1/extractions", json={"text": TEXT + " \n" * n}).json()
        assert http.delete(f"/v1/extractions/{made['id']}").status_code == 204
        problem(http.get(f"/v1/extractions/{made['id']}"), "not_found")
    assert sent(http, TEXT + "\n\n \n")["state"] == "done"


def test_each_who_sends_the_same_content_is_told(server: Server, http: httpx.Client) -> None:
    """Nobody listens at these ports: what is looked at is what is to be delivered."""
    urls = [f"http://127.0.0.1/{n}" for n in range(3)]
    first = http.post("/v1/extractions?wait=30", json={"text": TEXT + "\n \n", "callback_url": urls[0]}).json()
    for url in (*urls, urls[1]):
        again = http.post("/v1/extractions", json={"text": TEXT + "\n \n", "callback_url": url})
        assert again.json()["id"] == first["id"]
    with server.service.database.read() as connection:
        of_it = sa.select(tables.deliveries.c.url).where(tables.deliveries.c.target == first["id"])
        assert sorted(connection.execute(of_it).scalars()) == urls
    more = [
        http.post("/v1/extractions", json={"text": TEXT + "\n \n", "callback_url": f"{urls[0]}?{n}"}) for n in range(9)
    ]
    assert more[0].status_code == 200
    problem(more[-1], "callback_not_allowed")
