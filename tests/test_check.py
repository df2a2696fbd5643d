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
    line = h.read(h.report()).to_json()
    assert judge(take(line, 1)).findings == [] or all(f.severity == "info" for f in judge(take(line, 1)).findings)
    line["record"]["requests"]["granted"]["total"] = 4711
    assert "record.cells" in {finding.rule for finding in judge(take(line, 1)).findings}


def cell_of(line: dict[str, Any], path: str) -> dict[str, Any]:
    return next(cell for cell in line["cells"] if cell["path"] == path)


TAMPERED = {
    "cells removed": lambda line: line.update(cells=line["cells"][:3]),
    "a cell twice": lambda line: line["cells"].append(dict(line["cells"][0])),
    "no list of cells": lambda line: line.update(cells="all right"),
    "an unknown cell": lambda line: line["cells"].append({"path": "nope.x", "value": 3, "state": "blank"}),
    "an unknown state": lambda line: line["cells"][0].update(state="sure"),
    "an unknown method": lambda line: line["cells"][0].update(method="oracle"),
    "a span backwards": lambda line: line["cells"][0].update(span=[9, 3]),
    "two cells of the same characters": lambda line: cell_of(line, "requests.granted.business").update(
        span=cell_of(line, "requests.granted.natural_person")["span"]
    ),
    "a span of another length": lambda line: line["cells"][0].update(span=[line["cells"][0]["span"][0], 10**6]),
    "an amount that its digits do not say": lambda line: cell_of(line, "disclosure.fees.amount").update(raw="92.5"),
    "digits that say another number": lambda line: line["cells"][0].update(raw="777"),
    "an unknown verdict": lambda line: line["verdicts"].update(requests="sure"),
    "a verdict missing": lambda line: line["verdicts"].pop("requests"),
    "claims that are none": lambda line: line.update(claims=[{"field": "x", "value": "sNaN", "span": [0, 1]}]),
    "a claim beyond all bounds": lambda line: line["claims"].append(
        {"field": "disclosure.fees.amount", "value": "1e999999999", "raw": "1", "span": [0, 1], "scope": "body"}
    ),
    "findings that are none": lambda line: line.update(findings=[3]),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_a_line_that_was_tampered_with_is_said_and_not_believed(how: str) -> None:
    line = h.read(h.report()).to_json()
    TAMPERED[how](line)
    outcomes = judge(take(line, 1))
    assert "record.page" in {finding.rule for finding in outcomes.findings}
    assert outcomes.broken


def test_a_proved_table_that_breaks_a_rule_was_changed_and_nobody_is_blamed() -> None:
    line = h.read(h.report()).to_json()
    line["record"]["requests"]["granted"]["total"] += 1
    cell = next(cell for cell in line["cells"] if cell["path"] == "requests.granted.total")
    cell["value"] += 1
    cell["raw"] = str(cell["value"])
    outcomes = judge(take(line, 1))
    assert {"record.page", "requests.applicants.granted"} <= {f.rule for f in outcomes.findings}
    assert {f.blame for f in outcomes.findings if f.status == "fail"} == {"undecided"}


def test_what_extract_said_of_the_text_is_handed_on() -> None:
    text = h.report().replace("五、存在的主要问题及改进情况", "六、存在的主要问题及改进情况")
    line = h.read(text).to_json()
    of_text = {f["rule"] for f in line["findings"] if f["rule"].startswith("structure.section")}
    assert of_text
    assert of_text <= {f.rule for f in judge(take(line, 1)).findings}


def test_hostile_lines_end_in_findings() -> None:
    line = {
        "record": record(),
        "cells": [None, 3, {"path": 4}, {"path": "requests.granted.total", "value": None, "span": ["a", {}]}],
        "claims": [None, {"field": 1}, {"field": "requests.granted.total", "value": 10**4000, "span": [0, 1]}],
        "verdicts": {"requests": 5},
        "findings": [None, {"rule": 3}, {"rule": "requests.reading.no_such_doubt"}],
    }
    outcomes = judge(take(line, 1))
    assert outcomes.passed >= 42
    assert "record.page" in {f.rule for f in outcomes.findings}


@pytest.mark.parametrize(
    "amount", ["1" * 60, "0." + "0" * 40 + "1", "1e-999999999", "１２", "1_000", " 12 ", "1e5", "1e999999999"]
)
def test_an_amount_is_an_exact_decimal_or_said_to_be_none(amount: str) -> None:
    made = record(**{"disclosure.fees.amount": amount})
    rules_ = {f.rule for f in judge(take(made, 1)).findings}
    assert "record.value.disclosure.fees.amount" in rules_
    number = json.dumps(record(**{"disclosure.fees.amount": 7})).replace('"amount": 7', f'"amount": {amount}')
    if amount.startswith(("1e-", "1e9")):
        code, out, err = gouji("check", "-", data=number.encode())
        assert code == 1
        assert len(out) + len(err) < 20_000


def test_counts_too_long_to_print_are_said_without_being_printed() -> None:
    made = record(**{R + "granted.business": 9 * 10**4299, R + "granted.natural_person": 9 * 10**4299})
    data = json.dumps(made).encode()
    for args in ((), ("--json",), ("--sarif",)):
        code, out, err = gouji("check", "-", *args, data=data)
        assert (code, "Traceback" in err) == (1, False)
        assert "requests.granted.business" in out


def test_group_rows_are_found_by_name_not_by_number() -> None:
    """25 keys again: six sub-rows left out, group rows put in."""
    made = record()
    for row in ("not_corrected", "fee_unpaid", "other"):
        del made["requests"][f"other.{row}"]
    zero = dict.fromkeys(made["requests"]["granted"], 0)
    made["requests"]["other.all"] = {**zero, "natural_person": 99, "total": 1}
    made["requests"]["denied.all"] = zero
    made["requests"]["unavailable.all"] = zero
    broken = {f.rule for f in judge(take(made, 1)).findings if f.severity == "error"}
    assert "requests.applicants.other.all" in broken
    assert "requests.outcomes.natural_person" in broken


def test_a_group_row_stands_in_for_sub_rows_that_are_not_all_known() -> None:
    """Σ of the group is printed, some of its sub-rows are blank: the column's sum is known all the same."""
    made = record()
    group = [row for row in made["requests"] if row.startswith("denied.")]
    columns = list(made["requests"]["granted"])
    whole = {column: sum(made["requests"][row][column] for row in group) for column in columns}
    made["requests"]["denied.all"] = whole
    for row in group[:2]:
        made["requests"][row] = dict.fromkeys(columns)
    assert not judge(take(made, 1)).broken
    made["requests"]["granted"] = {**made["requests"]["granted"]}
    made["requests"]["granted"]["natural_person"] += 1
    made["requests"]["granted"]["total"] += 1
    outcomes = judge(take(made, 1))
    assert outcomes.broken
    assert any(f.rule.startswith("requests.outcomes.natural_person") for f in outcomes.findings if f.status == "fail")


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


def test_a_reader_that_goes_away_is_no_broken_rule(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    file.write_text((json.dumps(record()) + "\n") * 3000, encoding="utf-8")
    command = f"{sys.executable} -m extractor check {file} --json | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60, check=False)
    *_, code = done.stdout.decode().splitlines()
    assert (code, b"Traceback" in done.stderr) == ("0", False)


def test_a_name_that_is_no_text_has_an_uri(tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"bad\xff%.json")
    file.write_text(json.dumps(record(**{"litigation_direct.total": 9})), encoding="utf-8")
    done = subprocess.run([*GOUJI, "check", os.fsencode(file), "--sarif"], capture_output=True, timeout=60, check=False)
    place = json.loads(done.stdout)["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("bad%FF%25.json")


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
    assert gouji("explain", "requests.balance.nope")[0] == 2


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
