"""docs/fallback.md as a reader would follow it: its examples run, in their order, against a real server."""

from __future__ import annotations

import json
import queue
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from extractor.eval.simulated.loopback import Loopback, read_request
from serving import Serving, serving

from extractor.client import ApiError
from extractor.service.work.deliveries import webhook_secret

ROOT = Path(__file__).parents[1]
REPORTS = ROOT / "fixtures" / "reports"
BLOCKS = re.findall(r"^```(python|sh)\n(.*?)^```$", (ROOT / "docs" / "fallback.md").read_text(), re.M | re.S)
MY_PARSER = '''
"""Reads nothing but reports that say PLAIN, and a year."""
import re

def parse(text):
    if "PLAIN" in text:
        return {"requests": {"granted": {"total": 3}}}
    found = re.search(r"(20[0-9][0-9])年", text)
    return {"year": int(found[1])} if found else {}

def passes(record):
    return "requests" in record
'''
DOUBTFUL = (REPORTS / "taling-2022-ocr-text.txt").read_text(encoding="utf-8")
O_CELL, SPACED_CELL = "disclosure.regulations.repealed", "disclosure.normative_documents.in_force"


class Receiver(Loopback):
    """Keeps what the service tells it."""

    got: queue.Queue[tuple[dict[str, str], bytes]]

    async def one(self, reader: Any, writer: Any) -> bool:
        _, headers, body = await read_request(reader)
        self.got.put((headers, body))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        return False


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        receiver.got = queue.Queue()
        yield receiver


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("fallback")
    with serving(folder / "data", "--webhook-host", f"127.0.0.1:{receiver.port}", "--workers", "1") as server:
        yield server


@pytest.fixture(scope="module")
def page(server: Serving, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The names that the page's Python defines, all of it run from top to bottom."""
    folder = tmp_path_factory.mktemp("mine")
    (folder / "my_parser.py").write_text(MY_PARSER, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setenv("GOUJI_URL", server.url)
        patch.delenv("GOUJI_KEY", raising=False)
        with server.database() as database, database.write() as connection:
            patch.setenv("GOUJI_WEBHOOK_SECRET", webhook_secret(connection))
        names: dict[str, Any] = {}
        for kind, code in BLOCKS:
            if kind == "python":
                exec(compile(code, "docs/fallback.md", "exec"), names)
        yield names
        names["gouji"].close()
        sys.modules.pop("my_parser", None)


def good() -> str:
    return (REPORTS / "baishahe-2021-tabs-group-row.txt").read_text(encoding="utf-8")


def test_the_page_has_its_examples() -> None:
    assert [kind for kind, _ in BLOCKS] == ["python", "sh", "python", "python", "python", "python"]


def test_in_the_same_process(page: dict[str, Any]) -> None:
    assert page["read"]("PLAIN") == ({"requests": {"granted": {"total": 3}}}, [])
    parts, left = page["read"](good())
    assert left == []
    assert set(parts) == {part for some in page["PARTS"].values() for part in some}
    parts, left = page["read"](DOUBTFUL)
    assert left == ["disclosure"]
    assert "disclosure" not in parts
    assert parts["requests"]["granted"]["total"] is not None


def test_over_http_with_curl(page: dict[str, Any], server: Serving, tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text(json.dumps({"text": good(), "source": "a.txt", "given": {"year": 2021}}))
    (tmp_path / "report.txt").write_text(DOUBTFUL, encoding="utf-8")
    record = page["read"](good())[0]
    (tmp_path / "record.json").write_text(json.dumps({"records": {"form": "2021", "year": 2021, **record}}))
    (code,) = (code for kind, code in BLOCKS if kind == "sh")
    subprocess.run(
        ["sh", "-eu", "-c", code], cwd=tmp_path, env={"GOUJI_URL": server.url, "PATH": "/usr/bin:/bin"}, check=True
    )
    result, file, check = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("result", "file", "check"))
    assert (result["state"], result["source"]) == ("done", "a.txt")
    assert page["trusted_parts"](result["results"][0]) == record
    assert (file["source"], file["verdict"]) == ("report.txt", "needs_review")
    assert check["broken"] == 0
    assert check["records"][0]["passed"] > 0


def test_with_the_client_and_a_person(page: dict[str, Any], server: Serving) -> None:
    assert page["settle"]("PLAIN", "plain.txt") == ({"requests": {"granted": {"total": 3}}}, None)
    usable, left = page["settle"](good(), "good.txt")
    assert left is None
    assert set(usable) >= {"disclosure", "requests", "litigation_direct"}
    usable, left = page["settle"](DOUBTFUL, "doubtful.txt")
    assert "disclosure" not in usable
    assert page["settled"](left) is None
    http = server.client(**{"X-Gouji": "1"})
    for path, printed, behind in ((O_CELL, "O", "规章 | 0 | "), (SPACED_CELL, "3 0", "7 | 0 | ")):
        at = DOUBTFUL.index(printed, DOUBTFUL.index(behind) + len(behind))
        seen = http.get(f"/v1/review/{left}/1").json()["last"]
        cell = {"action": "correct", "path": path, "span": [at, at + len(printed)], "after": seen}
        answer = http.post(f"/v1/review/{left}/1/decisions", json=cell)
        assert answer.status_code == 201, answer.text
    assert page["settled"](left)["disclosure"]["regulations"]["repealed"] == 0


def test_a_webhook_is_checked(page: dict[str, Any], receiver: Receiver) -> None:
    url = f"http://127.0.0.1:{receiver.port}/"
    made = page["gouji"].submit(good() + "\n又一份。", callback_url=url, wait=30)
    received = receiver.got.get(timeout=30)
    assert page["on_webhook"](*received) == made.id
    headers, body = received
    assert page["on_webhook"](headers, body.replace(b"done", b"gone")) is None
    assert page["on_webhook"]({}, body) is None


def test_a_folder(page: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(good(), encoding="utf-8")
    (tmp_path / "b.txt").write_text(DOUBTFUL, encoding="utf-8")
    (tmp_path / "c.txt").write_text("没有表格。", encoding="utf-8")
    found = page["settle_all"](tmp_path)
    assert set(found) == {"a.txt", "b.txt"}
    assert "disclosure" in found["a.txt"]
    assert "disclosure" not in found["b.txt"]


def test_the_codes_that_a_caller_should_know(page: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as caught:
        page["gouji"].extract(good(), given={"requests": {"granted": {"total": "many"}}})
    assert caught.value.code == "given_invalid"
    assert "requests.granted.total" in caught.value.message
