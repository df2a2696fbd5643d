"""`gouji check` as programs and people meet it: the contract, last year, other bodies, the drawn table, SARIF."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path
from typing import Any

import helpers as h
import pytest
from records import GOUJI, R, check, gouji, put, record, rules, true_record


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
    total = true_record()["requests"]["granted"]["total"]
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
    last = record(year=true_record()["year"] - 1)
    put(last, R + "carried_out.total", 77)
    other = record(organization="他县", year=true_record()["year"] - 1)
    previous = tmp_path / "previous.jsonl"
    previous.write_text("\n".join(json.dumps(one) for one in (other, last)), encoding="utf-8")
    code, (line,), _ = check(tmp_path, record(), args=("--json", "--previous", previous))
    assert "years.carried.total" in rules(line)
    assert code == 0  # a soft rule
    code, _, _ = check(tmp_path, record(), args=("--json", "--previous", previous, "--strict"))
    assert code == 1
    _, (line,), err = check(tmp_path, record(organization="无县"), args=("--json", "--previous", previous))
    assert not any(rule.startswith("years") for rule in rules(line))
    assert "years.pair" in rules(line, "not_assessable")
    twice = tmp_path / "twice.jsonl"
    twice.write_text("\n".join(json.dumps(one) for one in (last, last, {"record": None})), encoding="utf-8")
    _, (line,), err = check(tmp_path, record(), args=("--json", "--previous", twice))
    assert "2" in next(f["message_en"] for f in line["findings"] if f["rule"] == "years.pair")
    assert "1 lines without a record" in err


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
    _, lines, err = check(tmp_path, parent, child, child, record(organization="丙县"), args=args)
    assert "2 records of 乙县" in err
    assert all("乙县" in f["message"] for f in lines[0]["findings"] if f["rule"].startswith("bodies"))


@pytest.mark.parametrize(
    "tree", ["甲市,甲市\n", "甲市,乙县\n乙县,甲市\n", "上级,下级\n", "\n"], ids=["self", "circle", "head", "empty"]
)
def test_a_tree_of_bodies_that_is_none_is_a_usage_error(tmp_path: Path, tree: str) -> None:
    file = tmp_path / "tree.csv"
    file.write_text(tree, encoding="utf-8")
    code, lines, err = check(tmp_path, record(organization="甲市"), args=("--json", "--bodies", file))
    assert (code, lines) == (2, [])
    assert "--bodies" in err


def test_two_outputs_at_once_and_bad_side_files_are_usage_errors(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    file.write_text(json.dumps(record()), encoding="utf-8")
    assert gouji("check", file, "--json", "--sarif")[0] == 2
    assert gouji("check", file, "--previous", tmp_path / "none.json")[0] == 2
    bad = tmp_path / "tree.csv"
    bad.write_text("one\n", encoding="utf-8")
    code, _, err = gouji("check", file, "--bodies", bad)
    assert (code, "line 1" in err) == (2, True)


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


@pytest.mark.parametrize(("padding", "shown"), [(1_200_000, True), (10, False)])
def test_long_files_have_a_progress_bar_on_a_terminal_and_stdout_is_left_alone(
    padding: int, shown: bool, tmp_path: Path
) -> None:
    files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for file in files:
        file.write_text(json.dumps({"record": record(), "note": "x" * padding}) + "\n", encoding="utf-8")
    terminal, stderr = pty.openpty()
    done = subprocess.run(
        [*GOUJI, "check", *map(str, files), "--json"], stdout=subprocess.PIPE, stderr=stderr, timeout=60, check=True
    )
    os.close(stderr)
    said = b""
    try:
        while piece := os.read(terminal, 65536):
            said += piece
    except OSError:
        pass
    os.close(terminal)
    assert [json.loads(line)["failed"] for line in done.stdout.splitlines()] == [0, 0]
    assert (b"checking" in said) == shown
    assert b"2 records: " in said
