"""What `gouji check` is given: records malformed, lines tampered with, numbers without end, files that are none."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import helpers as h
import pytest
from records import GOUJI, ROOT, R, check, gouji, record, rules

from extractor.rules.intake import Intake, read_file, take
from extractor.rules.session import judge

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


@pytest.mark.parametrize(
    ("rule", "handed_on"),
    [
        ("structure.section_number.problems", True),
        ("disclosure.stray_behind_amount", True),
        ("requests.reading.ambiguous", True),
        ("file.damaged", True),
        ("structure.blank_cells", False),  # judged anew from the record
        ("requests.balance.total", False),
    ],
)
def test_only_findings_that_need_the_text_or_the_file_are_handed_on(rule: str, handed_on: bool) -> None:
    line = h.read(h.report()).to_json()
    line["findings"] = [{"rule": rule, "status": "fail", "severity": "warning", "message": "so said extract"}]
    told = [f.message for f in judge(take(line, 1)).findings if f.rule == rule]
    assert told == (["so said extract"] if handed_on else [])


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
