"""`gouji extract --model` as a user runs it: a real process, a real server on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from endpoint import HANG, Reply, Server, error, ok, page
from extractor.eval.score import gold_cells
from extractor.eval.simulated.reader import Simulated
from extractor.eval.simulated.server import SimulatedServer

from extractor.errors import GoujiError
from extractor.pipeline import extract, read_all

FIXTURES = Path(__file__).parent.parent / "fixtures"
CLEAN = FIXTURES / "reports" / "xiaodong-2024-tabs.txt"
NARRATIVE = FIXTURES / "reports" / "yangliugou-2024-narrative-only.txt"
_FOLDER = tempfile.TemporaryDirectory()


def two_columns(name: str, row: str, inserted: str) -> Path:
    """A fixture with a second column in table 3 that the form does not have: the reader proves a table beside one."""
    text = (FIXTURES / "reports" / name).read_text(encoding="utf-8")
    text, count = re.subn(row, inserted, text, count=25, flags=re.MULTILINE)  # the first 25 rows of eight: table 3
    assert count == 25
    made = Path(_FOLDER.name) / name
    made.write_text(text, encoding="utf-8")
    return made


DOUBTFUL = two_columns("yunhe-2024-line-numbers.txt", r"\t(\d+)((?:\t\d+){7})$", r"\t\1\t20\1\2")
DOUBTFUL_TOO = two_columns("qingtan-2023-remarks.md", r"((?: \d+ \|){7})(.*)$", r" 20 |\1\2")


def gouji(tmp_path: Path, *args: object, env: dict[str, str] | None = None) -> tuple[list[dict[str, Any]], str, int]:
    done = subprocess.run(
        [sys.executable, "-m", "extractor", *map(str, args)],
        capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
        env={k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
        | {"GOUJI_CACHE_DIR": str(tmp_path / "cache")} | (env or {}),
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines()] if "--json" in args else []
    assert "Traceback" not in done.stderr
    return lines, done.stderr, done.returncode


def competent(*sources: Path) -> SimulatedServer:
    """A server whose model reads these fixtures rightly."""
    truths, texts = {}, {}
    for source in sources:
        text = source.read_text(encoding="utf-8")
        label = json.loads((FIXTURES / "gold" / f"{source.stem}.json").read_text(encoding="utf-8"))
        (reading,) = read_all(text)
        truths[reading.sha256[:16]] = dict(gold_cells(label["record"]))
        texts[reading.sha256] = text
    server = SimulatedServer(Simulated(truths))
    for sha256, text in texts.items():
        server.register(sha256, text)
    return server


def test_a_doubtful_report_is_settled_and_a_clean_one_costs_nothing(tmp_path: Path) -> None:
    with competent(DOUBTFUL) as server:
        lines, stderr, code = gouji(tmp_path, "extract", CLEAN, DOUBTFUL, "--json", "--model", server.spec)
        assert code == 0
        assert [line["source"] for line in lines] == [str(CLEAN), str(DOUBTFUL)]
        assert lines[0]["usage"] == {"calls": 0, "prompt_tokens": 0, "completion_tokens": 0, "cost": None}
        assert lines[1]["verdict"] == "verified"
        assert lines[1]["usage"]["calls"] == len(server.chats) == 1
        by_model = [cell for cell in lines[1]["cells"] if cell["method"] == "llm"]
        text = DOUBTFUL.read_text(encoding="utf-8")
        assert by_model
        assert all(text[slice(*cell["span"])] == cell["raw"] == str(cell["value"]) for cell in by_model)
        assert "model: 1 calls for 1 documents" in stderr
        again, _, code = gouji(tmp_path, "extract", DOUBTFUL, "--json", "--model", server.spec)
        assert (again[0]["verdict"], again[0]["usage"]["calls"], len(server.chats)) == ("verified", 0, 1)
        fresh, _, _ = gouji(tmp_path, "extract", DOUBTFUL, "--json", "--model", server.spec, "--no-cache")
        assert (fresh[0]["usage"]["calls"], len(server.chats)) == (1, 2)
        alone, _, _ = gouji(tmp_path, "extract", DOUBTFUL, "--json", "--model", server.spec, "--no-llm")
        assert (alone[0]["verdict"], len(server.chats)) == ("needs_review", 2)


def test_a_budget_stops_and_the_same_command_goes_on(tmp_path: Path) -> None:
    with competent(DOUBTFUL, DOUBTFUL_TOO) as server:
        args = ("extract", DOUBTFUL, DOUBTFUL_TOO, CLEAN, "--json", "--model", server.spec)
        lines, stderr, code = gouji(tmp_path, *args, "--max-calls", 1)
        assert code == 5
        assert sorted(line["verdict"] for line in lines) == ["needs_review", "verified", "verified"]
        assert "--max-calls 1 is reached" in stderr
        assert f"gouji extract {DOUBTFUL}" in stderr
        assert "--max-calls 1" not in stderr.splitlines()[-1]
        lines, _, code = gouji(tmp_path, *args)
        assert (code, [line["verdict"] for line in lines]) == (0, ["verified"] * 3)
        assert len(server.chats) == 2
        nothing, _, code = gouji(tmp_path, *args, "--max-calls", 0, "--no-cache")
        assert (code, len(server.chats)) == (5, 2)
        assert nothing[2]["verdict"] == "verified"


def test_a_dry_run_asks_nothing(tmp_path: Path) -> None:
    with competent(DOUBTFUL) as server:
        lines, stderr, code = gouji(tmp_path, "extract", CLEAN, DOUBTFUL, "--json", "--model", server.spec, "--dry-run")
        assert (code, server.chats) == (0, [])
        assert "dry run: 1 questions about 1 documents" in stderr
        assert "unpriced" in stderr
        assert [line["verdict"] for line in lines] == ["verified", "needs_review"]
        assert not any(finding["rule"].startswith("model.") for finding in lines[1]["findings"])


FATAL: dict[str, tuple[Reply, str]] = {
    "wrong key": (error(401, "Incorrect API key provided"), "wrong_key"),
    "unknown model": (error(404, "The model `m` does not exist", code="model_not_found"), "unknown_model"),
    "a proxy's page": (page(200), "not_an_api"),
}


@pytest.mark.parametrize("name", FATAL)
def test_an_endpoint_that_fails_for_good_is_exit_4_and_the_rest_is_done(name: str, tmp_path: Path) -> None:
    reply, said = FATAL[name]
    with Server(lambda *_: reply) as server:
        lines, stderr, code = gouji(
            tmp_path, "extract", DOUBTFUL, CLEAN, "--json", "--model", f"m@{server.url}",
            env={"GOUJI_API_KEY": "sk-secret-of-mine"},
        )  # fmt: skip
    assert code == 4
    assert f"[{said}]" in stderr
    assert [line["verdict"] for line in lines] == ["needs_review", "verified"]
    assert "sk-secret-of-mine" not in stderr + json.dumps(lines)
    assert any(finding["rule"] == "model.unanswered" for finding in lines[0]["findings"])


def test_without_a_key_what_needs_no_model_is_done(tmp_path: Path) -> None:
    lines, stderr, code = gouji(tmp_path, "extract", DOUBTFUL, CLEAN, "--json", "--model", "openai")
    assert code == 4
    assert "[no_key]" in stderr
    assert [line["verdict"] for line in lines] == ["needs_review", "verified"]
    lines, _, code = gouji(tmp_path, "extract", CLEAN, "--json", "--model", "openai")
    assert (code, lines[0]["verdict"]) == (0, "verified")
    # Also where the document that needed it has no record to hang a finding on.
    lines, stderr, code = gouji(tmp_path, "extract", NARRATIVE, CLEAN, "--json", "--model", "openai")
    assert (code, lines[0]["findings"]) == (4, [])
    assert "1 documents were left" in stderr


def test_a_body_that_only_a_model_read_is_said(tmp_path: Path) -> None:
    report = tmp_path / "untitled.txt"
    body = CLEAN.read_text(encoding="utf-8")
    report.write_text("青禾县水利局的工作。\n" + body[body.index("二、主动公开") :], "utf-8")
    (alone,), _, _ = gouji(tmp_path, "extract", report, "--json")
    assert alone["record"]["organization"] is None
    with Server(lambda *_: ok({"organization": "青禾县水利局", "year": None})) as server:
        (line,), _, _ = gouji(tmp_path, "extract", report, "--json", "--model", f"m@{server.url}")
        assert server.calls == 1
    assert line["record"]["organization"] == "青禾县水利局"
    assert [f["rule"] for f in line["findings"] if ".model." in f["rule"]] == ["identity.model.unproved"]
    with Server(lambda *_: ok({"organization": "不存在的机关", "year": None})) as server:
        (line,), _, _ = gouji(tmp_path, "extract", report, "--json", "--model", f"m@{server.url}", "--no-cache")
    assert line["record"]["organization"] is None
    assert not any(".model." in f["rule"] for f in line["findings"])


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("--dry-run",), "no_model"),
        (("--dry-run", "--no-llm", "--model", "local"), "no_model"),
        (("--model", "opnai"), "unknown_profile"),
        (("--model", "@http://x/v1"), "malformed_spec"),
        (("--model", "m@http://127.0.0.1:9/v1", "--max-cost", "1"), "unpriced"),
        (("--model", "m@http://127.0.0.1:9/v1", "--max-cost", "much"), "bad_budget"),
        (("--model", "m@http://127.0.0.1:9/v1", "--max-calls", "-1"), "bad_budget"),
    ],
)
def test_a_wrong_call_is_exit_2(args: tuple[str, ...], code: str, tmp_path: Path) -> None:
    lines, stderr, exit_code = gouji(tmp_path, "extract", CLEAN, "--json", *args)
    assert (exit_code, lines) == (2, [])
    assert f"[{code}]" in stderr


def test_an_endpoint_that_is_not_there(tmp_path: Path) -> None:
    local = tmp_path / "none.gguf"
    lines, stderr, code = gouji(tmp_path, "extract", DOUBTFUL, "--json", "--model", f"local:{local}")
    assert (code, lines[0]["verdict"]) == (4, "needs_review")
    assert "none.gguf" in stderr


def test_an_endpoint_that_never_answers(tmp_path: Path) -> None:
    with Server([HANG]) as server:
        spec = f"m@{server.url}"
        lines, stderr, code = gouji(tmp_path, "extract", DOUBTFUL, "--json", "--model", spec, "--timeout", 1)
        assert server.calls == 2
    assert (code, lines[0]["verdict"]) == (4, "needs_review")
    assert "Not one question was answered" in stderr
    assert any(f["rule"] == "model.unanswered" for f in lines[0]["findings"])


def test_the_library_works_inside_a_running_event_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOUJI_CACHE_DIR", str(tmp_path))
    text = DOUBTFUL.read_text(encoding="utf-8")

    async def notebook() -> str:
        return extract(text, model=server.spec).verdict

    with competent(DOUBTFUL) as server:
        assert asyncio.run(notebook()) == "verified"
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("GOUJI_API_KEY", raising=False)

    async def without_key() -> None:
        extract(text, model="openai")

    with pytest.raises(GoujiError, match="key"):
        asyncio.run(without_key())


def test_the_readable_output_marks_what_a_model_read(tmp_path: Path) -> None:
    with competent(DOUBTFUL) as server:
        done = subprocess.run(
            [sys.executable, "-m", "extractor", "extract", str(DOUBTFUL), "--model", server.spec],
            capture_output=True, text=True, encoding="utf-8", timeout=120, check=True,
            env=os.environ | {"GOUJI_CACHE_DIR": str(tmp_path)},
        )  # fmt: skip
    assert "[9]" in done.stdout
    assert "read by a model, proved" in done.stdout


def test_suggestions_only_on_request(tmp_path: Path) -> None:
    report = FIXTURES / "reports" / "pingyang-2023-glued.txt"
    with Server(lambda *_: ok({"choice": "A"})) as server:
        args = ("extract", report, "--json", "--model", f"m@{server.url}")
        (plain,), _, _ = gouji(tmp_path, *args)
        assert server.calls == 0
        (asked,), _, _ = gouji(tmp_path, *args, "--suggest")
        assert server.calls == 1
    assert asked["verdicts"] == plain["verdicts"]
    assert [cell["value"] for cell in asked["cells"]] == [cell["value"] for cell in plain["cells"]]
    (finding,) = [f for f in asked["findings"] if f["rule"] == "disclosure.model.unproved"]
    assert "在列出的读法中选" in finding["message"]


def test_given_and_model_by_the_command_line(tmp_path: Path) -> None:
    label = json.loads((FIXTURES / "gold" / "taling-2022-ocr-text.json").read_text(encoding="utf-8"))
    report = FIXTURES / "reports" / "taling-2022-ocr-text.txt"
    given = tmp_path / "mine.jsonl"
    given.write_text(json.dumps({"source": report.name, "record": label["record"]}, ensure_ascii=False), "utf-8")
    (line,), _, code = gouji(tmp_path, "extract", report, "--json", "--given", given)
    assert code == 0
    assert {cell["method"] for cell in line["cells"]} >= {"rule", "given"}
    assert line["verdicts"]["disclosure"] == "verified"
    given.write_text('{"requests": {"granted": {"natural_person": -1}}}', "utf-8")
    _, stderr, code = gouji(tmp_path, "extract", report, "--json", "--given", given)
    assert code == 2
    assert "requests.granted.natural_person" in stderr
