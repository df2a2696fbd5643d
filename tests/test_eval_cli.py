"""`gouji eval` as people and CI meet it."""

from __future__ import annotations

import io
import json
import os
import pty
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from extractor.cli.main import main

ROOT = Path(__file__).parent.parent
FIXTURES = ROOT / "fixtures"
NAMES = ("xiaodong-2024-tabs", "fenghe-2024-glued-one-run", "heshu-two-years-1", "heshu-two-years-2")
CONTRACT = (
    "cells", "right", "missed", "refused", "wrong", "invented", "derived", "undecidable", "undecidable_refused",
    "accuracy", "nonzero", "nonzero_right", "escapes", "documents", "documents_exact", "tables", "tables_trusted",
    "tables_exact", "calls", "prompt_tokens", "completion_tokens",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four labelled reports in three files, and one without a label."""
    for part in ("gold", "reports"):
        (tmp_path / part).mkdir()
    for name in NAMES:
        shutil.copy(FIXTURES / "gold" / f"{name}.json", tmp_path / "gold")
        source = json.loads((FIXTURES / "gold" / f"{name}.json").read_text(encoding="utf-8"))["source"]
        shutil.copy(FIXTURES / "reports" / source.partition("#")[0], tmp_path / "reports")
    shutil.copy(FIXTURES / "reports" / "cele-2024-pipes.txt", tmp_path / "reports")
    return tmp_path


def gouji(*args: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command in this process: what it does at its start is tested elsewhere."""
    out, err = io.StringIO(), io.StringIO()
    command = ["gouji", "eval", *map(str, args)]
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(cwd)
        patch.setattr(sys, "argv", command)
        patch.delenv("GOUJI_MODEL", raising=False)
        try:
            main()
            code = 0
        except SystemExit as leave:
            code = int(leave.code or 0)
    return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())


def process(*args: object, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "extractor", "eval", *map(str, args)],
        capture_output=True, encoding="utf-8", cwd=cwd, check=False, timeout=60, env={**os.environ, **env},
    )  # fmt: skip


def on(folder: Path, *args: object) -> subprocess.CompletedProcess[str]:
    return gouji("--gold", folder / "gold", "--reports", folder / "reports", *args, cwd=folder)


def relabel(folder: Path, name: str, path: str, value: Any) -> None:
    file = folder / "gold" / f"{name}.json"
    gold = json.loads(file.read_text(encoding="utf-8"))
    table, row, column = path.split(".")
    gold["record"][table][row][column] = value
    file.write_text(json.dumps(gold), encoding="utf-8")


def test_json_is_one_object_with_the_contracts_keys(folder: Path) -> None:
    done = on(folder, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert set(CONTRACT) <= found.keys()
    assert (found["system"], found["documents"], found["unlabelled"], found["escapes"]) == ("rule", 4, 1, 0)
    assert found["cells"] == found["right"] + found["missed"] + found["wrong"] + found["invented"]
    assert found["accuracy"] == found["right"] / found["cells"]
    assert "systems" not in found
    assert (found["run"]["status"], found["run"]["systems"]) == ("done", ["rule"])


def test_the_screen_puts_escapes_first(folder: Path) -> None:
    done = on(folder)
    first, second, *rest = done.stdout.splitlines()
    assert first.startswith("rule: 0 escapes in ")
    assert second == ""
    shown = "\n".join(rest)
    for words in ("1 reports without gold left out", "cells right", "95 % interval", "layout family", "verdict",
                  "worst documents", "fenghe-2024-glued-one-run", "disclosure.normative_documents.issued"):  # fmt: skip
        assert words in shown
    assert shown.index("cells right") < shown.index("layout family") < shown.index("worst documents")
    assert "\x1b[" not in done.stdout


def test_each_escape_is_shown_at_the_top(folder: Path) -> None:
    relabel(folder, "xiaodong-2024-tabs", "disclosure.licensing.decisions", 123456)
    done = on(folder, "--fail-over", "escapes=0")
    assert done.returncode == 1
    top = done.stdout.splitlines()[:2]
    assert top[0].startswith("rule: 1 escape in 1 documents")
    assert "xiaodong-2024-tabs" in top[1]
    assert "printed 123456" in top[1]
    assert "gouji: escapes is 1, over 0 [limit]" in done.stderr


LIMITS = {
    "kept": (["--fail-under", "accuracy=0.9", "--fail-under", "nonzero_accuracy=0.9", "--fail-over", "wrong=0"], 0, ""),
    "not kept": (["--fail-under", "accuracy=1.1"], 1, "under 1.1"),
    "a count": (["--fail-under", "documents=5"], 1, "documents is 4, under 5"),
    "one of two": (["--fail-under", "accuracy=0.9", "--fail-under", "documents_exact=4"], 1, "documents_exact is 3"),
    "nothing to measure": (["--fail-under", "claims_recall=0"], 1, "could not be taken"),
    "unknown": (["--fail-under", "acuracy=0.9"], 2, "Figures are accuracy, blank,"),
    "no number": (["--fail-under", "accuracy"], 2, "names no number"),
    "the wrong way round": (["--fail-under", "escapes=0"], 0, "--fail-over escapes=0"),
}


@pytest.mark.parametrize("case", LIMITS.values(), ids=LIMITS)
def test_limits(folder: Path, case: tuple[list[str], int, str]) -> None:
    args, code, words = case
    done = on(folder, "--json", *args)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert bool(done.stdout) == (code != 2)


USAGE = {
    "no gold": (["--gold", "nowhere"], "no folder of labels"),
    "empty": (["--gold", "reports", "--reports", "reports"], "holds no label"),
    "unknown system": (["--system", "magic"], "Use rule, llm, hybrid, naive"),
    "no model": (["--system", "rule,hybrid"], "Add --model SPEC"),
    "no run": (["--rescore", "nowhere"], "no run at nowhere"),
    "no baseline": (["--exit-on-regression"], "no baseline at"),
    "no place for the page": (["--html", "nowhere/page.html"], "no file that can be written"),
    "two sets": (["--documents", "3", "--gold", "gold"], "--documents makes its own"),
    "family of nothing": (["--family", "html"], "Add --documents"),
    "unknown family": (["--documents", "3", "--family", "x"], "no family x"),
    "before a command": (["--json", "diff", "a", "b"], "gouji eval diff … --json"),
    "rescore and systems": (["--rescore", "a", "--system", "rule"], "reads nothing anew"),
}


@pytest.mark.parametrize("case", USAGE.values(), ids=USAGE)
def test_usage_errors(folder: Path, case: tuple[list[str], str]) -> None:
    args, words = case
    done = gouji(*args, cwd=folder)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_faulty_gold_is_exit_2_and_named(folder: Path) -> None:
    relabel(folder, "xiaodong-2024-tabs", "disclosure.licensing.decisions", "many")
    (folder / "reports" / "heshu-two-years.txt").unlink()
    done = on(folder, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "3 faults" in done.stderr
    assert "heshu-two-years-1.json: its report heshu-two-years.txt is not in" in done.stderr
    assert 'xiaodong-2024-tabs.json: disclosure.licensing.decisions is "many"' in done.stderr


def test_without_fixtures_both_folders_are_asked_for(tmp_path: Path) -> None:
    """As from the wheel: nothing lies beside the package."""
    package = tmp_path / "site" / "extractor"
    shutil.copytree(ROOT / "extractor", package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "eval", package / "eval", ignore=shutil.ignore_patterns("__pycache__", "generator", "bench"))
    shutil.copytree(ROOT / "prompts", package / "prompts")
    env = {"PYTHONPATH": str(tmp_path / "site")}
    done = process(cwd=tmp_path, **env)
    assert (done.returncode, done.stdout) == (2, "")
    assert "add --gold DIR and --reports DIR" in done.stderr
    done = process("--gold", FIXTURES / "gold", cwd=tmp_path, **env)
    assert done.returncode == 2
    assert "add --reports DIR." in done.stderr


def test_a_kept_run_is_scored_again_and_compared(folder: Path) -> None:
    first = on(folder, "--json", "--out", "run.jsonl")
    assert first.returncode == 0
    assert gouji("bless", "run.jsonl", cwd=folder).stdout == ".gouji/baseline.jsonl is the baseline\n"
    again = on(folder, "--json", "--rescore", "run.jsonl", "--exit-on-regression")
    assert again.returncode == 0, again.stderr
    one, other = (json.loads(done.stdout) for done in (first, again))
    assert {**one, "run": 0, "baseline": 0} == {**other, "run": 0, "baseline": 0}
    assert other["baseline"][0]["regressions"] == 0

    relabel(folder, "xiaodong-2024-tabs", "disclosure.licensing.decisions", 123456)
    rescored = on(folder, "--rescore", "run.jsonl", "--out", "other.jsonl", "--json")
    assert json.loads(rescored.stdout)["wrong"] == 1
    diff = gouji("diff", "run.jsonl", "other.jsonl", "--json", cwd=folder)
    found = json.loads(diff.stdout)
    assert [change["path"] for change in found["relabelled"]] == ["disclosure.licensing.decisions"]
    assert found["figures"]["escapes"]["difference"] == 1
    screen = gouji("diff", "run.jsonl", "other.jsonl", cwd=folder)
    assert screen.returncode == 0
    assert "the label says something else: 1" in screen.stdout


def test_a_regression_is_exit_1_and_what_is_newly_wrong_comes_first(folder: Path) -> None:
    assert on(folder, "--out", "good.jsonl", "--quiet").returncode == 0
    head, *documents, _ = (json.loads(line) for line in (folder / "good.jsonl").read_text().splitlines())
    worse = documents[-1]
    for cell in worse["cells"]:
        if cell["path"] == "disclosure.licensing.decisions":
            cell |= {"value": 99, "outcome": "wrong"}
        if cell["path"] == "disclosure.penalties.decisions":
            cell |= {"value": None, "outcome": "missed"}
    (folder / "bad.jsonl").write_text("".join(json.dumps(line) + "\n" for line in (head, *documents)))
    assert gouji("diff", "good.jsonl", "bad.jsonl", cwd=folder).returncode == 0
    done = gouji("diff", "good.jsonl", "bad.jsonl", "--exit-on-regression", cwd=folder)
    assert done.returncode == 1
    shown = done.stdout
    assert shown.index("newly wrong inside a trusted table: 1") < shown.index("newly missed: 1")
    assert gouji("diff", "bad.jsonl", "good.jsonl", "--exit-on-regression", cwd=folder).returncode == 0
    done = on(folder, "--rescore", "bad.jsonl", "--baseline", "good.jsonl", "--exit-on-regression", "--json")
    assert done.returncode == 1
    assert "rule: 2 worse than the baseline [limit]" in done.stderr


def test_different_document_sets_are_refused(folder: Path) -> None:
    on(folder, "--out", "four.jsonl")
    (folder / "gold" / "xiaodong-2024-tabs.json").unlink()
    on(folder, "--out", "three.jsonl")
    done = gouji("diff", "four.jsonl", "three.jsonl", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "only in the first: xiaodong-2024-tabs" in done.stderr


def test_the_page_is_written(folder: Path) -> None:
    pytest.importorskip("extractor.eval.report")
    done = on(folder, "--html", "page.html", "--json")
    assert done.returncode == 0, done.stderr
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>")
    assert "fenghe-2024-glued-one-run" in page


def test_progress_is_for_terminals(folder: Path) -> None:
    terminal, stderr = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "extractor", "eval", "--gold", "gold", "--reports", "reports", "--json"],
        stdout=subprocess.PIPE, stderr=stderr, cwd=folder, check=True, timeout=60,
    )  # fmt: skip
    os.close(stderr)
    shown = b""
    try:
        while piece := os.read(terminal, 65536):
            shown += piece
    except OSError:
        pass
    os.close(terminal)
    assert json.loads(done.stdout)["documents"] == 4
    assert b"rule heshu-two-years.txt" in shown


def test_help_teaches() -> None:
    shown = gouji("--help", cwd=ROOT).stdout
    for words in ("--fail-under", "--fail-over", "--rescore", "--exit-on-regression", "diff", "bless", "lint",
                  "an escape is a wrong number", "Exit codes:"):  # fmt: skip
        assert words in shown
