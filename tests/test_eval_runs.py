"""Runs as artefacts: what is kept, that a killed run goes on, that labels can change, and what two runs differ in."""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from eval_sets import Answers, Record, gold_set, metrics, run_of, two
from extractor.eval import runs
from extractor.eval.diff import bless, compare
from extractor.eval.generated import generated
from extractor.eval.gold import load
from extractor.eval.harness import Plan, evaluate
from extractor.eval.runs import Run
from extractor.eval.systems import Rule

from extractor.errors import GoujiError, UsageError

ROOT = Path(__file__).parent.parent
GOUJI = (sys.executable, "-m", "extractor")


def plan(answers: Answers, out: Path | None, **more: Any) -> Plan:
    return Plan(["rule"], lambda _: answers, out=out, **more)


def without_time(run: Run) -> list[dict[str, Any]]:
    return [{key: value for key, value in document.items() if key != "seconds"} for document in run.documents]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


# ------------------------------------------------------------------------------------------------ the file


def test_a_run_is_one_file_of_head_documents_and_end(tmp_path: Path) -> None:
    golds = two()
    out = tmp_path / "deep" / "run.jsonl"
    run = evaluate(gold_set(golds), plan(Answers(golds), out)).run
    head, *documents, end = lines(out)
    assert [head["type"], end["type"], *(d["type"] for d in documents)] == ["run", "end", "document", "document"]
    assert (head["systems"], head["model"], head["repeats"], head["unlabelled"]) == (["rule"], None, 1, 0)
    assert head["gold"] == [{"name": n, "sha256": "0", "report_sha256": "0", "number": None} for n in "ab"]
    assert all(len(head[key]) == 64 for key in ("form_hash", "prompts_hash", "rules_hash"))
    assert (end["status"], end["figures"]["rule"]["right"]) == ("done", 42)
    assert len(documents[0]["cells"]) == 21
    assert set(documents[0]["cells"][0]) == {
        "path", "gold", "value", "state", "method", "trusted", "outcome", "span", "raw",
    }  # fmt: skip
    again = runs.read(out)
    assert (again.documents, again.status, again.figures()) == (run.documents, "done", run.figures())
    assert os.listdir(out.parent) == ["run.jsonl"]


def test_without_a_file_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_of(two(), Answers(two())).path is None
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}\n",
        "nothing\n",
        '{"type": "document"}\n',
        "[]\n",
        '{"type": "run", "systems": 3, "gold": []}\n',
        "\xff\n",
    ],
)
def test_what_is_no_run_is_said(tmp_path: Path, content: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(UsageError) as caught:
        runs.read(path)
    assert (caught.value.code, caught.value.exit_code) == ("bad_run", 2)


def test_a_run_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text('{"type": "run", "version": 99, "systems": [], "gold": []}\n')
    with pytest.raises(UsageError, match="version 99"):
        runs.read(path)


def test_no_file_and_no_place_are_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run at"):
        runs.read(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="cannot be read"):
        runs.read(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        evaluate(gold_set(two()), plan(Answers(two()), tmp_path / "file" / "run.jsonl"))


# ------------------------------------------------------------------------------------------------ going on


def test_a_run_that_is_done_is_not_run_again(tmp_path: Path) -> None:
    golds, out = two(), tmp_path / "run.jsonl"
    first = evaluate(gold_set(golds), plan(Answers(golds), out)).run
    idle = Answers(golds)
    again = evaluate(gold_set(golds), plan(idle, out))
    assert (idle.asked, again.run.documents) == ([], first.documents)
    assert again.notes


def test_a_torn_last_line_is_read_anew(tmp_path: Path) -> None:
    golds, out = two(), tmp_path / "run.jsonl"
    whole = evaluate(gold_set(golds), plan(Answers(golds), out)).run
    head, first, second, _ = out.read_bytes().splitlines(keepends=True)
    out.write_bytes(head + first + second[: len(second) // 2])
    assert runs.read(out).status == "running"
    answers = Answers(golds)
    run = evaluate(gold_set(golds), plan(answers, out)).run
    assert answers.asked == ["b"]
    assert without_time(run) == without_time(whole) == without_time(runs.read(out))


def test_what_was_not_scored_is_tried_again(tmp_path: Path) -> None:
    golds, out = two(), tmp_path / "run.jsonl"
    answers = Answers(golds)
    answers.failing["a"] = GoujiError("endpoint", "It is down.")
    outcome = evaluate(gold_set(golds), plan(answers, out))
    assert outcome.failure is answers.failing["a"]
    assert runs.read(out).figures()["rule"]["unscored"] == 1
    del answers.failing["a"]
    answers.asked.clear()
    run = evaluate(gold_set(golds), plan(answers, out)).run
    assert answers.asked == ["a"]
    assert metrics(run.figures()["rule"]) == metrics(run_of(golds, Answers(golds)).figures()["rule"])
    assert [d["name"] for d in runs.read(out).documents] == ["a", "b"]


def test_another_run_is_not_gone_on_with(tmp_path: Path) -> None:
    golds, out = two(), tmp_path / "run.jsonl"
    evaluate(gold_set(golds), plan(Answers(golds), out))
    for change, words in (
        ({"repeats": 2}, "repeats was 1, is 2"),
        ({"model": "m"}, "model was None, is 'm'"),
        ({"temperature": 0.5}, "temperature was None, is 0.5"),
    ):
        with pytest.raises(UsageError, match=words):
            evaluate(gold_set(golds), plan(Answers(golds), out, **change))
    with pytest.raises(UsageError, match="only in the first: b"):
        evaluate(gold_set({"a": golds["a"]}), plan(Answers(golds), out))


def count_documents(path: Path) -> int:
    return path.read_bytes().count(b'"type":"document"') if path.exists() else 0


def started(out: Path, *args: str) -> subprocess.Popen[str]:
    """A run of generated reports, once some of them are done."""
    process = subprocess.Popen(
        [*GOUJI, "eval", "--documents", "40", "--seed", "3", "--out", str(out), *args],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=out.parent,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while count_documents(out) < 5 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    assert process.poll() is None, process.communicate()
    return process


def test_a_run_that_is_killed_goes_on_where_it_stopped(tmp_path: Path) -> None:
    out = tmp_path / "run.jsonl"
    process = started(out)
    process.kill()
    process.communicate()
    killed = runs.read(out)
    assert killed.status == "running"
    assert 5 <= len(killed.documents) < len(generated(40, 3).labels)
    outcome = evaluate(generated(40, 3), Plan(["rule"], lambda _: Rule(), out=out))
    assert f"{len(killed.documents)} documents are there already" in outcome.notes[-1]
    resumed = runs.read(out)
    assert resumed.status == "done"
    kept = {d["name"]: d["seconds"] for d in resumed.documents}
    assert all(kept[d["name"]] == d["seconds"] for d in killed.documents), "what was done is not done again"
    whole = evaluate(generated(40, 3), Plan(["rule"], lambda _: Rule())).run
    assert without_time(whole) == without_time(resumed)
    assert metrics(whole.figures()["rule"]) == metrics(resumed.figures()["rule"])


def test_ctrl_c_keeps_and_shows_what_was_done(tmp_path: Path) -> None:
    out = tmp_path / "run.jsonl"
    process = started(out, "--json")
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    shown = json.loads(stdout)
    kept = runs.read(out)
    assert shown["run"]["status"] == kept.status == "interrupted"
    assert shown["documents"] == len(kept.documents) < len(generated(40, 3).labels)
    assert "interrupted; what was finished is kept" in stderr
    assert "Traceback" not in stderr


# ------------------------------------------------------------------------------------------------ scoring again


def test_scoring_again_gives_the_same_and_asks_nobody(tmp_path: Path) -> None:
    gold = load(ROOT / "fixtures" / "gold", ROOT / "fixtures" / "reports", ROOT / "fixtures" / "claims")
    some = type(gold)(gold.labels[:6] + gold.labels[16:18], (), gold.open, gold.claims)
    run = evaluate(some, Plan(["rule"], lambda _: Rule(), out=tmp_path / "run.jsonl")).run
    again = runs.rescore(runs.read(tmp_path / "run.jsonl"), some)
    assert again.documents == run.documents
    assert again.figures() == run.figures()


def test_labels_are_read_anew(tmp_path: Path) -> None:
    golds, out = two(), tmp_path / "run.jsonl"
    answers = Answers(golds)
    answers.values["a"]["requests.granted.total"] = 8  # not labelled yet
    evaluate(gold_set(golds), plan(answers, out))
    better = copy.deepcopy(golds)
    better["a"]["disclosure"]["licensing"]["decisions"] = 13
    better["a"]["requests"]["granted"] = {"total": 8}
    del better["b"]["disclosure"]["coercion"]
    run = runs.rescore(runs.read(out), gold_set(better))
    found = run.figures()["rule"]
    assert (found["cells"], found["right"], found["wrong"], found["escapes"], found["undecidable"]) == (43, 42, 1, 1, 0)
    fresh = run_of(better, answers).figures()["rule"]
    assert metrics(found) == metrics(fresh)
    # And back: nothing was lost on the way.
    back = runs.rescore(run, gold_set(golds))
    assert metrics(back.figures()["rule"]) == metrics(runs.read(out).figures()["rule"])


def test_a_label_that_was_never_read_cannot_be_scored(tmp_path: Path) -> None:
    golds = two()
    run = run_of({"a": golds["a"]}, Answers(golds))
    with pytest.raises(UsageError, match="has not read b"):
        runs.rescore(run, gold_set(golds))
    assert [d["name"] for d in runs.rescore(run_of(golds, Answers(golds)), gold_set({"a": golds["a"]})).documents] == [
        "a"
    ]


# ------------------------------------------------------------------------------------------------ two runs


def damaged(**changes: Any) -> tuple[Run, Run]:
    """A good run and one with these cells of document a."""
    golds = two()
    answers = Answers(golds)
    answers.values["a"].update({path.replace("__", "."): value for path, value in changes.items()})
    return run_of(golds, Answers(golds)), run_of(golds, answers)


def kinds(diff: Any) -> list[tuple[str, str]]:
    return [(change.kind, change.path) for change in diff.changes]


def test_the_same_run_twice_is_no_difference() -> None:
    (diff,) = compare(*damaged())
    assert (diff.changes, diff.lost, diff.won, diff.regressions) == ([], [], [], 0)
    assert all(one["difference"] in (0, None) for one in diff.figures.values())


def test_newly_wrong_comes_first() -> None:
    before, after = damaged(
        requests__carried_in__total=None, disclosure__licensing__decisions=13, reconsideration__upheld=2
    )
    (diff,) = compare(before, after)
    assert kinds(diff) == [
        ("escaped", "disclosure.licensing.decisions"),
        ("escaped", "reconsideration.upheld"),
        ("newly_missed", "requests.carried_in.total"),
    ]
    assert diff.regressions == 3
    assert diff.figures["escapes"] == {"before": 0, "after": 2, "difference": 2, "interval": [0, 4]}
    assert diff.figures["accuracy"]["difference"] == pytest.approx(-3 / 42)
    (back,) = compare(after, before)
    assert {kind for kind, _ in kinds(back)} == {"mended"}
    assert (len(back.changes), back.regressions) == (3, 0)


def test_trust_lost_and_won() -> None:
    golds = two()
    doubting = Answers(golds)
    doubting.verdicts["a"]["requests"] = "needs_review"
    doubting.values["a"]["requests.new_received.total"] = 5
    before, after = run_of(golds, Answers(golds)), run_of(golds, doubting)
    (diff,) = compare(before, after)
    assert kinds(diff) == [("newly_wrong", "requests.new_received.total")]
    assert [(one.name, one.table, one.before, one.after) for one in diff.lost] == [
        ("a", "requests", "verified", "needs_review")
    ]
    assert diff.regressions == 2
    # The same wrong number, trusted now.
    doubting.verdicts["a"]["requests"] = "reconciled"
    (worse,) = compare(after, run_of(golds, doubting))
    assert kinds(worse) == [("escaped", "requests.new_received.total")]
    assert (len(worse.lost), len(worse.won)) == (0, 1)


def test_wrong_in_another_way_and_another_label() -> None:
    golds = two()
    first, second = Answers(golds), Answers(golds)
    first.values["a"]["disclosure.licensing.decisions"] = 13
    second.values["a"]["disclosure.licensing.decisions"] = 14
    (diff,) = compare(run_of(golds, first), run_of(golds, second))
    assert (kinds(diff), diff.regressions) == ([("still_wrong", "disclosure.licensing.decisions")], 0)
    relabelled = copy.deepcopy(golds)
    relabelled["a"]["disclosure"]["licensing"]["decisions"] = 13
    (diff,) = compare(run_of(golds, first), run_of(relabelled, first))
    assert kinds(diff) == [("relabelled", "disclosure.licensing.decisions")]


def test_a_document_that_lost_its_score_is_a_regression() -> None:
    golds = two()
    failing = Answers(golds)
    failing.failing["b"] = GoujiError("endpoint", "It is down.")
    (diff,) = compare(run_of(golds, Answers(golds)), run_of(golds, failing))
    assert [(one.name, one.before, one.after) for one in diff.lost] == [("b", "scored", "unscored")]
    assert diff.figures["accuracy"]["before"] == diff.figures["accuracy"]["after"]


def test_runs_of_different_documents_are_not_compared() -> None:
    golds: dict[str, Record] = two()
    both, one = run_of(golds, Answers(golds)), run_of({"a": golds["a"]}, Answers(golds))
    with pytest.raises(UsageError, match="only in the first: b") as caught:
        compare(both, one)
    assert (caught.value.code, caught.value.exit_code) == ("different_documents", 2)
    other = run_of(golds, Answers(golds))
    other.head["gold"][0]["report_sha256"] = "another"
    with pytest.raises(UsageError, match="another text: a"):
        compare(both, other)
    unfinished = run_of(golds, Answers(golds))
    unfinished.documents.pop()
    with pytest.raises(UsageError, match="1 of 2 documents"):
        compare(both, unfinished)
    with pytest.raises(UsageError, match="1 and 2 times"):
        compare(both, run_of(golds, Answers(golds), repeats=2))


def test_systems_are_paired_by_name_or_because_there_is_one_each() -> None:
    golds = two()

    def run(*names: str) -> Run:
        return evaluate(gold_set(golds), Plan(names, lambda _: Answers(golds))).run

    assert [diff.systems for diff in compare(run("rule", "hybrid"), run("hybrid", "naive"))] == [("hybrid", "hybrid")]
    assert [diff.systems for diff in compare(run("rule"), run("hybrid"))] == [("rule", "hybrid")]
    with pytest.raises(UsageError, match="no system in common"):
        compare(run("rule"), run("hybrid", "naive"))
    with pytest.raises(UsageError, match="has no system naive"):
        compare(run("rule"), run("rule"), "naive")


def test_a_run_is_blessed_only_when_it_is_whole(tmp_path: Path) -> None:
    golds, out = two(), tmp_path / "run.jsonl"
    answers = Answers(golds)
    answers.failing["b"] = GoujiError("endpoint", "It is down.")
    evaluate(gold_set(golds), plan(answers, out))
    with pytest.raises(UsageError, match="1 of 2 documents"):
        bless(runs.read(out), tmp_path / "base.jsonl")
    del answers.failing["b"]
    evaluate(gold_set(golds), plan(answers, out))
    assert bless(runs.read(out), tmp_path / "x" / "base.jsonl").read_bytes() == out.read_bytes()
    assert bless(runs.read(out), tmp_path).name == "baseline.jsonl"
    assert bless(runs.read(out), out) == out
