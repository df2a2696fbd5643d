"""The review API on a real server: a doubtful report becomes a trusted one, by decisions that anybody can check."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from extractor.export.lines import fault_of
from extractor.service.database import decisions, tables
from tests.inside import Server, inside
from tests.postgres import installed, postgres

REPORTS = Path(__file__).parents[1] / "fixtures" / "reports"
O_CELL, SPACED_CELL = "disclosure.regulations.repealed", "disclosure.normative_documents.in_force"
OCR = (REPORTS / "taling-2022-ocr-text.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Every route is asked on both databases."""
    folder = tmp_path_factory.mktemp("service")
    if request.param == "sqlite":
        with inside(folder) as running:
            yield running
        return
    if not installed():
        pytest.skip("PostgreSQL's server (initdb, pg_ctl) is not installed")
    with postgres() as database, inside(folder, database_url=database.database()) as running:
        yield running


@pytest.fixture(scope="module")
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60, headers={"X-Gouji": "1"}) as client:
        yield client


class Report:
    """A report of a document that was sent, under review."""

    def __init__(self, http: httpx.Client, text: str, number: int = 1, **more: Any) -> None:
        answer = http.post("/v1/extractions?wait=30&again=true", json={"text": text, **more})
        assert answer.status_code == 200, answer.text
        self.http, self.text, self.number = http, text, number
        self.id: str = answer.json()["id"]
        self.line = answer.json()["results"][number - 1]

    @property
    def url(self) -> str:
        return f"/v1/review/{self.id}/{self.number}"

    @property
    def state(self) -> dict[str, Any]:
        answer = self.http.get(self.url)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def ask(self, action: str, after: int | None = None, **about: Any) -> httpx.Response:
        after = self.state["last"] if after is None else after
        return self.http.post(f"{self.url}/decisions", json={"action": action, "after": after, **about})

    def decide(self, action: str, **about: Any) -> dict[str, Any]:
        answer = self.ask(action, **about)
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def span(self, printed: str, behind: str) -> list[int]:
        at = self.text.index(printed, self.text.index(behind) + len(behind))
        return [at, at + len(printed)]


def doubtful(mark: str) -> str:
    """A report of its own with two unsure cells in table 2; `mark` names its body."""
    return OCR.replace("塔岭县", f"{mark}县")


def settled(http: httpx.Client, mark: str) -> Report:
    report = Report(http, doubtful(mark))
    report.decide("accept", path=O_CELL, span=report.span("O", "规章 | 0 | "), why="an O is a 0")
    report.decide("accept", path=SPACED_CELL, span=report.span("3 0", "7 | 0 | "))
    return report


def problem(answer: httpx.Response, status: int, code: str, cause: str | None = None) -> dict[str, Any]:
    told: dict[str, Any] = answer.json()
    assert (answer.status_code, told["code"], told.get("cause")) == (status, code, cause), told
    assert told["hint"]
    return told


def queue(http: httpx.Client, **filters: Any) -> dict[str, Any]:
    answer = http.get("/v1/review/queue", params=filters)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_a_doubtful_report_becomes_a_trusted_one(http: httpx.Client) -> None:
    report = Report(http, doubtful("甲山"))
    assert [item["extraction"] for item in queue(http, organization="甲山")["items"]] == [report.id]
    before = report.state
    assert before["reviewed"] == before["line"] == report.line
    assert (before["settled"]["disclosure"], before["done"], before["last"]) == (False, False, 0)
    told = report.decide("accept", path=O_CELL, span=report.span("O", "规章 | 0 | "), why="an O is a 0")
    assert told["decision"]["raw"] == "O"
    assert told["decision"]["value"] == "0"
    assert told["decision"]["why"] == "an O is a 0"
    assert told["decision"]["seen"]["cell"]["candidates"] == [0]
    assert not told["settled"]["disclosure"]
    told = report.decide("correct", path=SPACED_CELL, span=report.span("3 0", "7 | 0 | "))
    assert told["done"]
    assert told["reviewed"]["verdict"] == "verified"
    assert fault_of(told["reviewed"]) is None
    assert told["line"] == report.line
    assert queue(http, organization="甲山") == {"items": [], "open": {}, "next": None}
    assert told == report.state | {"decision": told["decisions"][-1]}
    document = http.get(f"/v1/extractions/{report.id}/reviewed").json()
    assert [one["line"] for one in document["reports"]] == [told["reviewed"]]
    assert http.get(f"/v1/extractions/{report.id}/result").json()["results"] == [report.line]


def test_what_was_done_stands_in_the_audit_without_values(http: httpx.Client) -> None:
    report = settled(http, "乙水")
    entries = [one for one in http.get("/v1/audit?action=decision&limit=1000").json()["items"]
               if one["target"] == f"{report.id}/1"]  # fmt: skip
    assert [one["detail"]["path"] for one in entries] == [SPACED_CELL, O_CELL]
    assert all(one["who"] == "loopback" and "an O" not in json.dumps(one) for one in entries)


def test_decisions_are_only_appended(http: httpx.Client, server: Server) -> None:
    settled(http, "丙田")
    with pytest.raises(Exception, match="only appended"), server.service.database.write() as connection:
        connection.execute(sa.update(tables.decisions).values(who="nobody"))


def test_an_undo_reopens(http: httpx.Client) -> None:
    report = settled(http, "丁村")
    last = report.state["last"]
    told = report.decide("undo", undoes=last)
    assert not told["done"]
    assert [one["standing"] for one in told["decisions"]] == [True, False, False]
    assert queue(http, organization="丁村")["open"] == {"disclosure": 1}
    again = report.decide("undo", undoes=told["decision"]["id"])
    assert again["done"]


def test_two_reviewers_at_once(http: httpx.Client) -> None:
    """Of many who say the same at the same moment one is kept, and the others are told that it stands."""
    report = Report(http, doubtful("戊岭"))
    span = report.span("O", "规章 | 0 | ")
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: report.ask("accept", after=0, path=O_CELL, span=span), range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len(report.state["decisions"]) == 1
    assert len({answer.json()["decision"]["id"] for answer in answers}) == 1
    told = problem(report.ask("not_printed", after=0, path=O_CELL), 409, "conflict", "outdated")
    assert "loopback" in told["detail"]
    assert len(report.state["decisions"]) == 1


def test_what_was_taken_back_and_stands_again_is_no_undo(http: httpx.Client) -> None:
    report = settled(http, "戊山")
    first = report.state["decisions"][0]["id"]
    last = report.decide("undo", undoes=first)["last"]
    report.decide("undo", undoes=last)
    problem(report.ask("undo", after=last - 1, undoes=first), 409, "conflict", "outdated")
    assert report.state["done"]


def test_an_acceptance_is_of_what_was_seen(http: httpx.Client) -> None:
    """Who accepts the machine's number is not told that it stands where somebody corrected and accepted it since."""
    report = Report(http, doubtful("戊水"))
    path = "disclosure.licensing.decisions"
    report.decide("correct", path=path, span=report.span("2022", ""))
    report.decide("accept", path=path)
    problem(report.ask("accept", after=0, path=path), 409, "conflict", "outdated")
    assert report.ask("accept", after=report.state["last"] - 1, path=path).status_code == 200


def test_what_is_decided_while_another_is_judged(http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the judging, and it is done anew when something was decided meanwhile."""
    report = Report(http, doubtful("戊田"))
    judge, judged = decisions.judge, []

    def slowly(*about: Any) -> Any:
        found = judge(*about)
        judged.append(about[3].path)
        if len(judged) == 1:
            report.decide("accept", path="requests.granted.total")
        return found

    monkeypatch.setattr(decisions, "judge", slowly)
    told = report.decide("accept", after=0, path=O_CELL, span=report.span("O", "规章 | 0 | "))
    assert judged == [O_CELL, "requests.granted.total", O_CELL]
    assert [one["path"] for one in told["decisions"]] == ["requests.granted.total", O_CELL]
    assert told == report.state | {"decision": told["decisions"][-1]}


def test_a_document_deleted_while_it_is_judged(http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    report = Report(http, doubtful("戊村"))
    judge = decisions.judge

    def slowly(*about: Any) -> Any:
        http.delete(f"/v1/extractions/{report.id}")
        return judge(*about)

    monkeypatch.setattr(decisions, "judge", slowly)
    problem(report.ask("accept", after=0, path=O_CELL, span=report.span("O", "规章 | 0 | ")), 404, "not_found")
    assert Report(http, report.text).state["decisions"] == []


def test_two_files_of_one_text_share_their_decisions(http: httpx.Client) -> None:
    report = Report(http, doubtful("戊塘"))
    answer = http.post("/v1/extractions?wait=30", files={"file": ("a.txt", b"\xef\xbb\xbf" + report.text.encode())})
    other = answer.json()["id"]
    assert other != report.id
    report.decide("accept", path=O_CELL, span=report.span("O", "规章 | 0 | "))
    assert queue(http, organization="戊塘")["open"] == {"disclosure": 2}
    report.decide("accept", path=SPACED_CELL, span=report.span("3 0", "7 | 0 | "))
    assert queue(http, organization="戊塘")["items"] == []
    assert http.get(f"/v1/review/{other}/1").json()["done"]


BAD: list[tuple[dict[str, Any], str, str | None]] = [
    ({"action": "correct", "path": O_CELL}, "not_decidable", "no_span"),
    ({"action": "correct", "path": O_CELL, "span": [0, 10**12]}, "not_decidable", "outside"),
    ({"action": "accept", "path": "a.b"}, "not_decidable", "no_cell"),
    ({"action": "repair", "path": O_CELL}, "invalid_request", None),
    ({"action": "accept", "path": O_CELL, "who": "somebody else"}, "invalid_request", None),
    ({"action": "undo", "undoes": 2**80}, "invalid_request", None),
    ({"action": "accept", "path": O_CELL, "why": "x" * 5000}, "invalid_request", None),
    ({"action": "accept", "path": O_CELL, "why": "a\x00b"}, "not_decidable", "why"),
]


@pytest.mark.parametrize(("body", "code", "cause"), BAD)
def test_what_is_refused_leaves_nothing(http: httpx.Client, body: dict[str, Any], code: str, cause: str | None) -> None:
    report = Report(http, doubtful("己塘"))
    problem(http.post(f"{report.url}/decisions", json=body), 422, code, cause)
    assert report.state["decisions"] == []


@pytest.mark.parametrize("url", ["/v1/review/x_0/1", "/v1/review/x_0/99999", "/v1/extractions/x_0/reviewed"])
def test_what_is_not_there(http: httpx.Client, url: str) -> None:
    problem(http.get(url), 404, "not_found")
    if "review/" in url:
        problem(http.post(f"{url}/decisions", json={"action": "accept", "table": "requests"}), 404, "not_found")


def test_decisions_outlive_another_extraction(http: httpx.Client) -> None:
    report = settled(http, "庚桥")
    newer = Report(http, report.text)
    assert newer.id != report.id
    assert newer.state["done"]
    assert newer.state["reviewed"]["verdict"] == "verified"
    assert queue(http, organization="庚桥")["items"] == []
    told = problem(report.ask("undo", undoes=report.state["last"]), 409, "conflict", "superseded")
    assert newer.id in told["hint"]
    renewed = Report(http, report.text + "\n（2026年3月1日更新）\n")
    assert renewed.state["decisions"] == [], "another content inherits nothing"
    assert not renewed.state["done"]


def test_a_deleted_document_takes_its_decisions_along(http: httpx.Client) -> None:
    report = settled(http, "辛店")
    assert http.delete(f"/v1/extractions/{report.id}").status_code == 204
    assert Report(http, report.text).state["decisions"] == []


def test_what_an_older_result_shows_when_the_newer_is_deleted(http: httpx.Client) -> None:
    older = Report(http, doubtful("辛庄"))
    newer = settled(http, "辛庄")
    assert http.delete(f"/v1/extractions/{newer.id}").status_code == 204
    assert older.state["done"]
    assert queue(http, organization="辛庄")["items"] == []


def test_the_queue_is_worst_first_and_goes_on_where_it_was(http: httpx.Client) -> None:
    for number in range(5):
        Report(http, doubtful(f"壬{'一二三四五'[number]}"))
    Report(http, (REPORTS / "luming-2023-cut-off.txt").read_text(encoding="utf-8"))
    whole = queue(http, limit=500)["items"]
    doubts = [item["doubt"] for item in whole]
    assert doubts == sorted(doubts, reverse=True)
    assert whole[0]["table"] == "requests"
    assert whole[0]["failed_rules"] + whole[0]["doubtful_cells"] > 50
    found, cursor = [], None
    while True:
        page = queue(http, limit=2, **({"cursor": cursor} if cursor else {}))
        assert sum(page["open"].values()) == len(whole)
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == whole


@pytest.mark.parametrize(
    ("filters", "many"),
    [({"year": 2022}, True), ({"year": 2001}, False), ({"table": "disputes"}, True), ({"verdict": "verified"}, False),
     ({"rule": "requests.reading"}, True), ({"rule": "requests.read"}, False), ({"organization": "%"}, False),
     ({"province": "无此省"}, False)],
)  # fmt: skip
def test_the_queue_is_filtered(http: httpx.Client, filters: dict[str, Any], many: bool) -> None:
    Report(http, (REPORTS / "luming-2023-cut-off.txt").read_text(encoding="utf-8"))
    Report(http, doubtful("癸湾"))
    told = queue(http, **filters)
    assert bool(told["items"]) is many
    assert sum(told["open"].values()) == len(told["items"])
    for item in told["items"]:
        assert filters.get("year", item["year"]) == item["year"]
        assert filters.get("table", item["table"]) == item["table"]


@pytest.mark.parametrize(
    "cursor", ["x", "1.0~x_0~1~requests", f"1.0~x_{0:026x}~1~cells", f"inf~x_{0:026x}~1~requests", "é"]
)
def test_a_cursor_of_no_list_is_refused(http: httpx.Client, cursor: str) -> None:
    problem(http.get("/v1/review/queue", params={"cursor": cursor}), 422, "invalid_request")


def gold(http: httpx.Client, folder: Path, **filters: Any) -> list[str]:
    """The exported gold, unpacked; its file names."""
    answer = http.get("/v1/review/gold.zip", params=filters)
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
        return archive.namelist()


def gouji(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "extractor", *arguments], capture_output=True, text=True, check=True)
    return done.stdout


def test_gold_is_what_eval_takes(http: httpx.Client, tmp_path: Path) -> None:
    settled(http, "子坡")
    two = Report(http, (REPORTS / "heshu-two-years.txt").read_text(encoding="utf-8"), number=2)
    two.decide("accept", table="disclosure")
    open_ = Report(http, doubtful("丑坡"))
    open_.decide("accept", path=O_CELL, span=open_.span("O", "规章 | 0 | "))
    names = gold(http, tmp_path / "gold", organization="坡县")
    assert sorted(name.rpartition(".")[2] for name in names) == ["json", "txt"]
    names += gold(http, tmp_path / "gold", organization="禾树")
    label = json.loads((tmp_path / "gold" / names[0]).read_text(encoding="utf-8"))
    assert label["record"]["disclosure"]["normative_documents"]["in_force"] == 30
    assert label["labelled"]["tables"] == {"disclosure": "both", "requests": "machine", "disputes": "machine"}
    assert label["labelled"]["who"] == ["loopback"]
    folder = str(tmp_path / "gold")
    lint = gouji("eval", "lint", "--gold", folder, "--reports", folder, "--json")
    said = [json.loads(complaint) for complaint in lint.splitlines()]
    assert [one for one in said if one["severity"] != "info"] == []
    counts = json.loads(gouji("eval", "--gold", folder, "--reports", folder, "--json"))
    assert counts["documents"] == 2
    assert (counts["escapes"], counts["wrong"], counts["invented"]) == (0, 0, 0)
    assert counts["missed"] == counts["refused"] == 2, "what only the reviewer could say"


def test_every_report_of_a_file_is_a_label_of_its_own(http: httpx.Client, tmp_path: Path) -> None:
    one = (REPORTS / "changtang-2021-grid-row-sum-error.txt").read_text(encoding="utf-8")
    body = "COM1 <b>/../乙\u0301"
    text = "\n".join([one, doubtful(body), (REPORTS / "zhongyang-2024-tabs.txt").read_text(encoding="utf-8")])
    report = Report(http, text)
    for failed in [f["rule"] for f in report.line["findings"] if f["severity"] == "error" and f["status"] == "fail"]:
        report.decide("printed_so", rule=failed, why=f"because of {failed}")
    report.number = 2
    report.decide("accept", path=O_CELL, span=report.span("O", "规章 | 0 | "))
    report.decide("correct", path=SPACED_CELL, span=report.span("3", "7 | 0 | "))
    report.decide("correct", path=SPACED_CELL, span=report.span("3 0", "7 | 0 | "))
    names = gold(http, tmp_path, organization=report.line["record"]["organization"])
    assert len(names) == 2, "the report whose equations a person confirmed, and the text"
    assert names[0].endswith("-1.json")
    label = json.loads((tmp_path / names[0]).read_text(encoding="utf-8"))
    assert "printed so: because of requests." in label["note"]
    names = gold(http, tmp_path, organization=report.state["line"]["record"]["organization"])
    assert len(names) == 2
    second = json.loads((tmp_path / next(name for name in names if name.endswith("-2.json"))).read_text("utf-8"))
    assert second["source"].endswith(".txt#2")
    assert len(second["labelled"]["decisions"]) == 2, "not the one that was replaced"
    folder = str(tmp_path)
    counts = json.loads(gouji("eval", "--gold", folder, "--reports", folder, "--json"))
    assert counts["escapes"] == counts["wrong"] == 0
    said = [json.loads(x) for x in gouji("eval", "lint", "--gold", folder, "--reports", folder, "--json").splitlines()]
    assert [one for one in said if one["severity"] == "error"] == []


def test_half_done_reports_are_gold_only_when_asked_for(http: httpx.Client, tmp_path: Path) -> None:
    report = Report(http, doubtful("寅沟"))
    report.decide("accept", path=O_CELL, span=report.span("O", "规章 | 0 | "))
    Report(http, doubtful("寅沟下"))
    assert gold(http, tmp_path, organization="寅沟") == []
    names = gold(http, tmp_path, organization="寅沟", partial="true")
    assert len(names) == 2, "a report that nobody decided on is no gold"
    record = json.loads((tmp_path / names[0]).read_text(encoding="utf-8"))["record"]
    assert record["disclosure"]["regulations"] == {"issued": "?", "repealed": 0, "in_force": "?"}
    assert record["requests"]["granted"]["total"] == 18
    broken = Report(http, doubtful("寅沟").replace("1 | 0 | 52\n", "1 | 0 | 53\n").replace("l | 0 | 0", "1 | 0 | 0"))
    broken.decide("accept", path=O_CELL, span=broken.span("O", "规章 | 0 | "))
    names = gold(http, tmp_path, organization="寅沟", partial="true")
    notes = [json.loads((tmp_path / name).read_text("utf-8"))["note"] for name in names if name.endswith("json")]
    assert sorted("requests.balance.total does not hold, and nobody decided" in note for note in notes) == [False, True]
    again = http.get("/v1/review/gold.zip", params={"organization": "寅沟", "partial": "true"})
    assert again.content == http.get("/v1/review/gold.zip", params={"organization": "寅沟", "partial": "true"}).content


def test_the_overview_counts_what_is_there(http: httpx.Client) -> None:
    before = http.get("/v1/overview", params={"organization": "卯寨"}).json()
    assert before["totals"] == {"machine": {}, "reviewed": {}}
    settled(http, "卯寨")
    Report(http, doubtful("卯寨下"))
    told = http.get("/v1/overview", params={"organization": "卯寨"}).json()
    assert told["totals"] == {"machine": {"needs_review": 2}, "reviewed": {"verified": 1, "needs_review": 1}}
    assert told["years"] == [{"key": 2022, "reports": 2, "verdicts": {"verified": 1, "needs_review": 1}}]
    assert {one["organization"]: one["years"] for one in told["coverage"]["bodies"]} == {
        "卯寨县人民政府": {"2022": "verified"}, "卯寨下县人民政府": {"2022": "needs_review"},
    }  # fmt: skip
    assert {one["table"]: (one["doubtful"], one["settled"]) for one in told["progress"]}["disclosure"] == (2, 1)
    assert "structure.blank_cells.disclosure" in {one["rule"] for one in told["rules"]}
    assert sum(one["decisions"] for one in told["decisions"] if one["action"] == "accept") >= 2
