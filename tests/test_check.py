"""`gouji check` and `gouji explain` as people and programs meet them; records good, wrong and broken."""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import helpers as h
import pytest

from extractor.rules.catalogue import catalogue
from extractor.rules.intake import Intake, read_file, take
from extractor.rules.session import judge

ROOT = Path(__file__).parent.parent
GOUJI = (sys.executable, "-m", "extractor")
R = "requests."


@lru_cache
def _record() -> dict[str, Any]:
    record = h.read(h.report()).record
    assert record is not None
    return record


def record(**changes: Any) -> dict[str, Any]:
    """A true record with cells changed, `path=value`; a value of `...` removes the key."""
    made = copy.deepcopy(_record())
    for path, value in changes.items():
        put(made, path, value)
    return made


def put(made: dict[str, Any], path: str, value: Any) -> None:
    head, _, rest = path.partition(".")
    if not rest:
        keys, node = [head], made
    elif head == "requests":
        row, _, column = rest.rpartition(".")
        keys, node = ([column], made[head][row]) if row else ([rest], made[head])
    else:
        *above, last = rest.split(".")
        node, keys = made[head], [last]
        for key in above:
            node = node[key]
    if value is ...:
        del node[keys[0]]
    else:
        node[keys[0]] = value


def gouji(*args: object, data: bytes = b"", cwd: Path | None = None) -> tuple[int, str, str]:
    done = subprocess.run([*GOUJI, *map(str, args)], input=data, capture_output=True, timeout=60, cwd=cwd, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def check(
    tmp_path: Path, *records: Any, args: tuple[object, ...] = ("--json",)
) -> tuple[int, list[dict[str, Any]], str]:
    file = tmp_path / "records.jsonl"
    file.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records), encoding="utf-8")
    code, out, err = gouji("check", file, *args)
    return code, [json.loads(line) for line in out.splitlines()], err


def rules(line: dict[str, Any], status: str = "fail") -> set[str]:
    return {finding["rule"] for finding in line["findings"] if finding["status"] == status}


# ------------------------------------------------------------------------------- the contract


def test_a_true_record_passes_every_rule(tmp_path: Path) -> None:
    code, (line,), err = check(tmp_path, record())
    assert code == 0
    assert line["source"] == str(tmp_path / "records.jsonl")
    assert line["findings"] == []
    assert line["passed"] >= 42
    assert (line["failed"], line["not_assessable"]) == (0, 0)
    assert "1 without any finding" in err


def test_a_broken_rule_names_both_numbers_the_cell_and_exits_1(tmp_path: Path) -> None:
    code, (line,), _ = check(tmp_path, record(**{R + "granted.business": 7}))
    assert code == 1
    assert rules(line) == {"requests.outcomes.business", "requests.applicants.granted"}
    for finding in line["findings"]:
        assert finding["left"] != finding["right"]
        assert str(finding["left"]) in finding["message"]
        assert str(finding["left"]) in finding["message_en"]
        assert finding["suspects"] == ["requests.granted.business"]
        assert finding["hypotheses"][0]["cells"] == ["requests.granted.business"]
        assert finding["blame"] == "undecided"
        assert finding["reason"]
    assert line["failed"] == 2


def test_what_extract_prints_can_be_checked_and_the_page_decides_who_is_to_blame(tmp_path: Path) -> None:
    table = h.rows({"granted": [9, 2, 0, 0, 0, 0, 11]})
    text = tmp_path / "report.txt"
    text.write_text(h.report(requests=h.tabs(table)), encoding="utf-8")
    _, out, _ = gouji("extract", text, "--json")
    extracted = json.loads(out)
    code, shown, _ = gouji("check", "-", "--json", data=out.encode())
    line = json.loads(shown)
    hard = [f for f in extracted["findings"] if f["severity"] == "error"]
    assert hard
    assert {f["rule"] for f in hard} == {f["rule"] for f in line["findings"] if f["severity"] == "error"}
    assert {f["blame"] for f in line["findings"] if f["severity"] == "error"} == {f["blame"] for f in hard}
    assert line["document"] == str(text)
    assert code == 1


def test_a_missing_operand_is_named_and_is_no_failure(tmp_path: Path) -> None:
    code, (line,), _ = check(tmp_path, record(**{"reconsideration.upheld": None}))
    assert code == 0
    (finding,) = line["findings"]
    assert (finding["rule"], finding["status"]) == ("reconsideration.sum", "not_assessable")
    assert "结果维持" in finding["message"]
    assert "reconsideration.upheld" in finding["message_en"]
    assert line["not_assessable"] == 1


def test_unknown_cells_cannot_hide_a_contradiction(tmp_path: Path) -> None:
    """Two equations leave different values for one blank cell: neither alone could be assessed."""
    blank = {R + "granted.business": None}
    code, (line,), _ = check(tmp_path, record(**blank))
    assert (code, rules(line)) == (0, set())
    total = _record()["requests"]["granted"]["total"]
    code, (line,), _ = check(tmp_path, record(**blank, **{R + "granted.total": total + 1}))
    assert code == 1
    assert rules(line) & {"requests.applicants.granted", "requests.outcomes.business", "requests.outcomes.total"}


def test_many_records_keep_their_order_and_lines(tmp_path: Path) -> None:
    code, lines, _ = check(tmp_path, record(), record(**{"litigation_direct.total": 99}), record())
    assert code == 1
    assert [line["line"] for line in lines] == [1, 2, 3]
    assert [bool(rules(line)) for line in lines] == [False, True, False]


@pytest.mark.parametrize("shape", ["object", "pretty", "array", "gold", "bom"])
def test_the_shapes_in_which_records_come(tmp_path: Path, shape: str) -> None:
    made: Any = record()
    text = {
        "object": json.dumps(made),
        "pretty": json.dumps(made, ensure_ascii=False, indent=2),
        "array": json.dumps([made, made], indent=1),
        "gold": json.dumps({"source": "a.txt", "record": record(**{"disclosure.fees.amount": "?"})}, indent=1),
        "bom": "\ufeff" + json.dumps(made),
    }[shape]
    file = tmp_path / "r.json"
    file.write_text(text, encoding="utf-8")
    code, out, _ = gouji("check", file, "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert len(lines) == (2 if shape == "array" else 1)
    assert all(line["failed"] == 0 and line["passed"] >= 42 for line in lines)


def test_last_years_record_is_compared_and_found_by_body_and_year(tmp_path: Path) -> None:
    last = record(year=_record()["year"] - 1)
    put(last, R + "carried_out.total", 77)
    other = record(organization="他县", year=_record()["year"] - 1)
    previous = tmp_path / "previous.jsonl"
    previous.write_text("\n".join(json.dumps(one) for one in (other, last)), encoding="utf-8")
    code, (line,), _ = check(tmp_path, record(), args=("--json", "--previous", previous))
    assert "years.carried.total" in rules(line)
    assert code == 0  # a soft rule
    code, _, _ = check(tmp_path, record(), args=("--json", "--previous", previous, "--strict"))
    assert code == 1
    _, (line,), err = check(tmp_path, record(organization="无县"), args=("--json", "--previous", previous))
    assert not any(rule.startswith("years") for rule in rules(line))
    assert "no record of last year's" in err


def test_parents_against_their_subordinates(tmp_path: Path) -> None:
    tree = tmp_path / "tree.csv"
    tree.write_text("parent,child\n甲市,乙县\n甲市,丙县\n", encoding="utf-8")
    parent, child = record(organization="甲市"), record(organization="乙县")
    args = ("--json", "--bodies", tree)
    _, lines, _ = check(tmp_path, parent, child, args=args)
    open_ = [f for f in lines[0]["findings"] if f["rule"].startswith("bodies.children")]
    assert open_
    assert {f["status"] for f in open_} == {"not_assessable"}
    assert all("丙县" in f["message"] for f in open_)
    _, lines, _ = check(tmp_path, parent, child, record(organization="丙县"), args=args)
    assert {f["status"] for f in lines[0]["findings"] if f["rule"].startswith("bodies.children")} == {"fail"}
    assert not any(f["rule"].startswith("bodies") for f in lines[1]["findings"])


def test_two_outputs_at_once_and_bad_side_files_are_usage_errors(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    file.write_text(json.dumps(record()), encoding="utf-8")
    assert gouji("check", file, "--json", "--sarif")[0] == 2
    assert gouji("check", file, "--previous", tmp_path / "none.json")[0] == 2
    bad = tmp_path / "tree.csv"
    bad.write_text("one\n", encoding="utf-8")
    code, _, err = gouji("check", file, "--bodies", bad)
    assert (code, "line 1" in err) == (2, True)


# ------------------------------------------------------------------------------- the report for people


def test_the_table_is_drawn_with_the_failed_cells_marked(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    file.write_text(json.dumps(record(**{R + "granted.business": 7})), encoding="utf-8")
    code, out, _ = gouji("check", file)
    assert code == 1
    row = next(line for line in out.splitlines() if line.startswith("（一）予以公开"))
    assert "«7»" in row
    assert "≠" in row
    below = next(line for line in out.splitlines() if line.startswith("✗ （一）至（六）"))
    assert any(char in below for char in "+-")
    assert "gouji explain requests." in out
    english = gouji("check", file, "--english")[1]
    assert "the left side is" in english


def test_sarif_has_what_its_readers_need(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    file.write_text("\n".join(json.dumps(r) for r in (record(), record(**{"litigation_direct.total": 9}))), "utf-8")
    code, out, _ = gouji("check", file, "--sarif")
    log = json.loads(out)
    (run,) = log["runs"]
    assert (code, log["version"]) == (1, "2.1.0")
    (result,) = run["results"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "disputes.sum"
    assert result["level"] == "error"
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == (str(file), 2)
    assert result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"].startswith("litigation_direct.")


def test_sarif_points_into_the_document_where_the_page_is_known(tmp_path: Path) -> None:
    text = tmp_path / "报告.txt"
    text.write_text(h.report(requests=h.tabs(h.rows({"granted": [9, 2, 0, 0, 0, 0, 11]}))), encoding="utf-8")
    _, extracted, _ = gouji("extract", text, "--json")
    cell = next(c for c in json.loads(extracted)["cells"] if c["path"] == "requests.granted.business")
    _, out, _ = gouji("check", "-", "--sarif", data=extracted.encode())
    regions = [
        place["physicalLocation"]["region"]
        for result in json.loads(out)["runs"][0]["results"]
        for place in result.get("relatedLocations", [])
    ]
    start, end = cell["span"]
    assert {"charOffset": start, "charLength": end - start} in regions


# ------------------------------------------------------------------------------- bad input

BAD = [
    pytest.param({R + "granted.total": "12"}, "record.value", "requests.granted.total", id="text for a number"),
    pytest.param({R + "granted.total": 12.5}, "record.value", "requests.granted.total", id="a fraction"),
    pytest.param({R + "granted.total": True}, "record.value", "requests.granted.total", id="true"),
    pytest.param({R + "granted.total": float("nan")}, "record.value", "requests.granted.total", id="NaN"),
    pytest.param({R + "granted.total": float("inf")}, "record.value", "requests.granted.total", id="infinity"),
    pytest.param({R + "granted.total": [1]}, "record.shape", "requests.granted.total", id="a list"),
    pytest.param({R + "granted.total": -1}, "record.count", "requests.granted.total", id="negative"),
    pytest.param({R + "granted.total": 10**30}, "record.count", "requests.granted.total", id="10^30"),
    pytest.param({"disclosure.fees.amount": "NaN"}, "record.value", "disclosure.fees.amount", id="amount NaN"),
    pytest.param({"disclosure.fees.amount": "-3"}, "record.count", "disclosure.fees.amount", id="negative amount"),
    pytest.param({"disclosure.fees.amount": "1e999"}, "record.", "disclosure.fees.amount", id="amount 1e999"),
    pytest.param({"disclosure.fees.unit": 3}, "record.value", "disclosure.fees.unit", id="a unit that is no text"),
    pytest.param({R + "grantd": {}}, "record.shape", "requests.grantd", id="an unknown row"),
    pytest.param({"extra": 1}, "record.shape", "extra", id="an unknown key"),
    pytest.param({"requests": ...}, "record.shape", "requests", id="a missing table"),
    pytest.param({"requests": None}, "record.shape", "requests", id="a table that is null"),
    pytest.param({"requests": [1, 2]}, "record.shape", "requests", id="a table that is a list"),
    pytest.param({"reconsideration": 5}, "record.shape", "reconsideration", id="a block that is a number"),
    pytest.param({"form": "2030"}, "record.shape", "form", id="no such form"),
    pytest.param({"form": ...}, "record.shape", "form", id="form missing"),
    pytest.param({"form": "2019"}, "record.shape", "disclosure", id="the other form's table"),
    pytest.param({"year": "2024"}, "record.value", "year", id="the year as text"),
]


@pytest.mark.parametrize(("changes", "rule", "path"), BAD)
def test_bad_records_get_an_error_with_the_path(tmp_path: Path, changes: dict[str, Any], rule: str, path: str) -> None:
    code, (line,), err = check(tmp_path, record(**changes))
    assert code == 1
    assert "Traceback" not in err
    found = [f for f in line["findings"] if f["rule"].startswith(rule) and any(path in cell for cell in f["cells"])]
    assert found, line["findings"]
    assert found[0]["severity"] == "error"
    assert path in found[0]["message"] + found[0]["message_en"]


def test_one_bad_cell_does_not_keep_the_others_from_being_judged(tmp_path: Path) -> None:
    made = record(**{R + "granted.total": "12", "litigation_direct.total": 99})
    _, (line,), _ = check(tmp_path, made)
    assert {"record.value.requests.granted.total", "litigation_direct.sum"} <= rules(line)
    assert "requests.applicants.granted" in rules(line, "not_assessable")


def test_missing_rows_are_said_once_and_not_assessable(tmp_path: Path) -> None:
    made = record(**{R + "granted": ..., R + "carried_in.total": ...})
    code, (line,), _ = check(tmp_path, made)
    assert code == 0
    assert [f["rule"] for f in line["findings"] if f["rule"].startswith("record")] == ["record.incomplete"]
    assert "requests.applicants.granted" in rules(line, "not_assessable")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", 3),
        (b"   \n\n", 3),
        (b"not json", 3),
        (b'{"form": "2021", "requests": ', 3),
        (b"\xff\xfe\x00", 3),
        (b"[" * 100_000, 3),
        (b'{"a": ' * 50_000, 3),
        (b'{"form": ' + b"9" * 5000 + b"}", 3),
        (b'{"form": "2021", "form": "2019"}', 3),
        (b"null", 1),
        (b"42", 1),
        (b'"text"', 1),
        (b"{}", 1),
        (b'{"record": 7}', 1),
        (b'{"record": null, "error": {"message": "no tables"}}', 0),
        (b"[1, 2]", 1),
        (b'{"form": {"a": []}, "disclosure": [], "requests": {"granted": "x"}, "cells": 1}', 1),
    ],
)
def test_what_is_no_record_is_said_and_never_passes(data: bytes, code: int) -> None:
    done, out, err = gouji("check", "-", "--json", data=data)
    assert done == code, (out, err)
    assert "Traceback" not in err
    lines = [json.loads(line) for line in out.splitlines()]
    if code:
        assert lines
        assert all(line["failed"] for line in lines)
    else:
        assert [(len(line["findings"]), line["passed"], line["not_assessable"]) for line in lines] == [(1, 0, 1)]


def test_a_broken_line_among_good_ones_is_found(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    file.write_text("\n".join([json.dumps(record()), '{"form": ', json.dumps(record())]), encoding="utf-8")
    code, out, _ = gouji("check", file, "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [rules(line) for line in lines] == [set(), {"record.json"}, set()]
    assert "line 2" in lines[1]["findings"][0]["message"]
    assert code == 1


def test_a_file_that_is_not_there_among_others_is_no_silent_pass(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    file.write_text(json.dumps(record()), encoding="utf-8")
    code, out, err = gouji("check", file, tmp_path / "none.json", "--json")
    assert (code, len(out.splitlines())) == (1, 1)
    assert "none.json" in err
    assert gouji("check", tmp_path / "none.json")[0] == 3
    assert gouji("check", tmp_path)[0] == 3


def test_a_line_whose_record_and_cells_differ_is_an_error() -> None:
    line = {"record": record(), "cells": [{"path": "requests.granted.total", "value": 4711, "state": "reported"}]}
    assert "record.cells" in {finding.rule for finding in judge(take(line, 1)).findings}


def test_hostile_pages_in_a_line_are_ignored_not_believed() -> None:
    line = {
        "record": record(),
        "cells": [None, 3, {"path": 4}, {"path": "requests.granted.total", "value": None, "span": ["a", {}]}],
        "claims": [None, {"field": 1}, {"field": "requests.granted.total", "value": "x", "span": [0, 1]}],
        "verdicts": {"requests": 5},
        "findings": [None, {"rule": 3}, {"rule": "requests.reading.no_such_doubt"}],
    }
    outcomes = judge(take(line, 1))
    assert outcomes.passed >= 42


def test_interrupted_it_leaves_with_130_and_keeps_what_was_done(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    process = subprocess.Popen([*GOUJI, "check", str(fifo), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    with fifo.open("w") as stream:
        stream.write(json.dumps(record()) + "\n" + json.dumps(record()) + "\n")
        stream.flush()
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
    assert json.loads(first)["failed"] == 0
    assert process.returncode == 130
    assert b"Traceback" not in process.stderr.read() if process.stderr else True
    process.stdout.close()
    if process.stderr:
        process.stderr.close()


def test_every_gold_record_is_read(tmp_path: Path) -> None:
    """The labels are records too; published errors among them are the only hard failures."""
    wrong = {}
    for path in sorted((ROOT / "fixtures" / "gold").glob("*.json")):
        (intake,) = list(read_file(path))
        assert isinstance(intake, Intake)
        assert not intake.findings, (path.name, [f.message for f in intake.findings])
        outcomes = judge(intake)
        if outcomes.broken:
            wrong[path.stem] = sorted({f.rule for f in outcomes.findings if f.severity == "error"})
    assert set(wrong) == {"changtang-2021-grid-row-sum-error", "dongpu-2023-tabs-total-forgot-row"}


# ------------------------------------------------------------------------------- explain


def test_a_rule_is_explained_with_both_examples() -> None:
    code, out, _ = gouji("explain", "requests.balance")
    assert code == 0
    for part in ("new_received + carried_in = total_processed + carried_out", "passes", "fails", "30号", "careful"):
        assert part in out
    assert "左边" in out  # the failing example was run


def test_an_equations_own_code_shows_its_cells() -> None:
    out = gouji("explain", "requests.applicants.granted")[1]
    assert "requests.granted.natural_person" in out
    assert "（一）予以公开 · 总计" in out
    assert "upheld" in gouji("explain", "reconsideration.sum")[1]


def test_every_code_can_be_explained_and_an_unknown_one_is_told_its_neighbours() -> None:
    from extractor.cli.explain import words

    for rule in catalogue().values():
        assert len(list(words(rule, rule.code))) > 5
    code, _, err = gouji("explain", "requests.balanse")
    assert code == 2
    assert "requests.balance" in err


def test_the_list_names_every_rule_and_the_page_is_up_to_date() -> None:
    out = gouji("explain")[1]
    assert all(code in out for code in catalogue())
    made = gouji("explain", "--markdown")[1]
    assert made == (ROOT / "docs" / "rules.md").read_text(encoding="utf-8"), "run `make docs`"
    assert all(f"### {code}\n" in made for code in catalogue())
    assert {item["rule"] for item in json.loads(gouji("explain", "--json")[1])} == set(catalogue())
