"""`gouji eval lint`: what it finds in gold that is wrong, what a note excuses, and that it leaves true gold alone."""

from __future__ import annotations

import copy
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from extractor.eval.lint import Complaint, lint, show
from extractor.eval.printed import Printed

from extractor.errors import UsageError

ROOT = Path(__file__).parent.parent
GOLD, REPORTS = ROOT / "fixtures" / "gold", ROOT / "fixtures" / "reports"
NAME = "zhongyang-2024-tabs"
NAMES = sorted(path.stem for path in GOLD.glob("*.json"))
COLUMNS = (
    "natural_person", "business", "research_institution", "social_organization", "legal_service",
    "other_organization", "total",
)  # fmt: skip


@lru_cache
def _read(name: str) -> dict[str, Any]:
    return json.loads((GOLD / f"{name}.json").read_text(encoding="utf-8"))


def gold(name: str = NAME) -> dict[str, Any]:
    return copy.deepcopy(_read(name))


def put(tmp_path: Path, *labels: dict[str, Any] | str, names: tuple[str, ...] = ()) -> Path:
    """A folder of gold; its reports are those of the fixtures."""
    folder = tmp_path / "gold"
    folder.mkdir(exist_ok=True)
    for index, label in enumerate(labels):
        text = label if isinstance(label, str) else json.dumps(label, ensure_ascii=False)
        (folder / f"{names[index] if names else f'g{index}'}.json").write_text(text, encoding="utf-8")
    return folder


def found(tmp_path: Path, *labels: dict[str, Any] | str, reports: Path = REPORTS) -> list[Complaint]:
    """Complaints about gold; unlabelled reports aside."""
    return [one for one in lint(put(tmp_path, *labels), reports) if one.code != "no_gold"]


def codes(complaints: list[Complaint]) -> set[tuple[str, str]]:
    return {(one.severity, one.code) for one in complaints}


def gouji(*args: object) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "extractor", *map(str, args)], capture_output=True, timeout=120, check=False
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


# ------------------------------------------------------------------------------- the fixtures


def test_the_fixtures_are_clean_and_every_note_about_them_is_known() -> None:
    complaints = lint(GOLD, REPORTS)
    assert {one.severity for one in complaints} == {"info"}, [one for one in complaints if one.severity != "info"]
    assert {(one.file.removesuffix(".json"), one.code) for one in complaints} == {
        ("changtang-2021-grid-row-sum-error", "breaks_rule"),
        ("dongpu-2023-tabs-total-forgot-row", "breaks_rule"),
        ("chenqu-2024-shifted", "more_than_printed"),
        ("gaotang-2023-pdf-raw-column-order", "row_not_in_text"),
        ("lianwan-2023-ocr-markdown", "value_sloppy"),
        ("taling-2022-ocr-text", "value_sloppy"),
        ("fenghe-2024-glued-one-run", "value_glued"),
        ("mopan-2022-half-glued", "value_glued"),
        ("pingyang-2023-glued", "value_glued"),
        ("shuangjing-2024-half-glued", "value_glued"),
    }


@pytest.mark.parametrize("name", ["changtang-2021-grid-row-sum-error", "dongpu-2023-tabs-total-forgot-row"])
def test_a_report_that_breaks_its_rules_needs_the_note(tmp_path: Path, name: str) -> None:
    label = gold(name)
    noted = [one for one in found(tmp_path, label) if one.code == "breaks_rule"]
    assert {one.severity for one in noted} == {"info"}
    del label["note"]
    bare = [one for one in found(tmp_path, label) if one.code == "breaks_rule"]
    assert {one.severity for one in bare} == {"error"}
    assert [one.message for one in noted] == [f"{one.message}; the note says so" for one in bare]


@pytest.mark.parametrize(
    ("name", "code", "severity"),
    [
        ("chenqu-2024-shifted", "more_than_printed", "warning"),
        ("gaotang-2023-pdf-raw-column-order", "row_not_in_text", "warning"),
        ("gaotang-2023-pdf-raw-column-order", "doubt_without_note", "warning"),
    ],
)
def test_without_its_note_a_special_report_is_complained_of(
    tmp_path: Path, name: str, code: str, severity: str
) -> None:
    label = gold(name)
    del label["note"]
    assert (severity, code) in codes(found(tmp_path, label))


# ------------------------------------------------------------------------------- one fault at a time


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(label: dict[str, Any]) -> None:
        *above, last = path.split("/")
        node: Any = label
        for key in above:
            node = node[key]
        if value is ...:
            del node[last]
        else:
            node[last] = value

    return change


R = "record/requests/new_received/"
FAULTS: dict[str, tuple[Callable[[dict[str, Any]], None], str, str]] = {
    "text for a number": (_set(R + "total", "20"), "error", "wrong_value"),
    "a float": (_set(R + "total", 20.0), "error", "wrong_value"),
    "true": (_set(R + "total", True), "error", "wrong_value"),
    "a negative count": (_set(R + "business", -1), "error", "wrong_value"),
    "a number without end": (_set(R + "business", 10**12), "error", "wrong_value"),
    "a list": (_set(R + "business", [0]), "error", "wrong_value"),
    "an amount as a number": (_set("record/disclosure/fees/amount", 16085), "error", "wrong_value"),
    "an amount with commas": (_set("record/disclosure/fees/amount", "16,085.100735"), "error", "wrong_value"),
    "a unit that is no text": (_set("record/disclosure/fees/unit", 1), "error", "wrong_value"),
    "an unknown column": (_set(R + "companies", 0), "error", "wrong_key"),
    "an unknown row": (_set("record/requests/refused", {"total": 0}), "error", "wrong_key"),
    "a row that is no object": (_set("record/requests/granted", 20), "error", "wrong_key"),
    "an unknown table": (_set("record/budget", {}), "error", "wrong_key"),
    "a missing column": (_set(R + "total", ...), "error", "missing_key"),
    "a missing row": (_set("record/requests/granted", ...), "error", "missing_key"),
    "a missing table": (_set("record/litigation_direct", ...), "error", "missing_key"),
    "a missing unit": (_set("record/disclosure/fees/unit", ...), "error", "missing_key"),
    "no record": (_set("record", None), "error", "no_record"),
    "no year": (_set("year", ...), "error", "missing_key"),
    "the year as text": (_set("year", "2024"), "error", "wrong_value"),
    "another year": (_set("year", 2019), "error", "year_not_in_text"),
    "another body": (_set("organization", "中阴县"), "error", "organization_not_in_text"),
    "an empty body": (_set("organization", " "), "error", "wrong_value"),
    "a key of one's own": (_set("reviewer", "me"), "warning", "unknown_key"),
    "no labelled": (_set("labelled", ...), "warning", "not_labelled"),
    "no how": (_set("labelled/how", ""), "warning", "not_labelled"),
    "no date": (_set("labelled/when", "yesterday"), "warning", "not_labelled"),
    "no source": (_set("source", ...), "error", "bad_source"),
    "a source outside": (_set("source", "../gold/x.txt"), "error", "bad_source"),
    "an absolute source": (_set("source", "/etc/hosts"), "error", "bad_source"),
    "report number 0": (_set("source", "zhongyang-2024-tabs.txt#0"), "error", "bad_source"),
    "a source that is not there": (_set("source", "nowhere.txt"), "error", "source_missing"),
    "a broken sum": (_set("record/reconsideration/total", 6), "error", "breaks_rule"),
    "a value printed nowhere": (_set("record/disclosure/licensing/decisions", 10432), "error", "value_not_in_text"),
    "a value inside longer digits": (_set("record/disclosure/penalties/decisions", 1043), "warning", "value_glued"),
    "an amount printed nowhere": (_set("record/disclosure/fees/amount", "16085.10073"), "error", "value_not_in_text"),
    "an amount written otherwise": (_set("record/disclosure/fees/amount", "16085.1007350"), "warning", "not_as_printed"),  # noqa: E501
    "another unit": (_set("record/disclosure/fees/unit", "亿元"), "warning", "unit_not_in_text"),
    "a blank labelled 0": (_set("record/requests/granted/business", 0), "warning", "more_than_printed"),
    "a printed 0 labelled blank": (_set("record/requests/carried_out/business", None), "warning", "zero_left_over"),
    "a row of nothing": (
        _set("record/requests/denied.all", dict.fromkeys(COLUMNS)), "warning", "empty_group_row"
    ),
    "? without a word": (_set("record/disclosure/coercion/decisions", "?"), "warning", "doubt_without_note"),
    "a note about a rule that holds": (_set("note", "requests.balance.total fails"), "warning", "idle_note"),
    "another form": (_set("record/form", "2030"), "warning", "other_form"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_under_its_code(tmp_path: Path, fault: str) -> None:
    change, severity, code = FAULTS[fault]
    label = gold()
    assert found(tmp_path, label) == []
    change(label)
    complaints = found(tmp_path, label)
    assert (severity, code) in codes(complaints), complaints
    said = next(one for one in complaints if one.code == code)
    assert said.file == "g0.json"
    assert said.message
    assert said.hint


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "line 1"),
        ("[]", "no JSON object"),
        ('{"source": "a", "source": "b"}', "occurs twice"),
        ("", "line 1"),
    ],
)
def test_a_file_that_is_no_gold_says_why(tmp_path: Path, text: str, why: str) -> None:
    (complaint,) = found(tmp_path, text)
    assert (complaint.severity, complaint.code) == ("error", "not_json")
    assert why in complaint.message


def test_nan_in_gold_is_a_wrong_value(tmp_path: Path) -> None:
    text = json.dumps(gold(), ensure_ascii=False).replace('"decisions": 18', '"decisions": NaN')
    assert ("error", "wrong_value") in codes(found(tmp_path, text))


# ------------------------------------------------------------------------------- columns, rows, whole labels


@pytest.mark.parametrize("name", NAMES)
def test_two_columns_swapped_are_noticed_in_every_layout(tmp_path: Path, name: str) -> None:
    label = gold(name)
    rows = [row for row in label["record"]["requests"].values() if len(set(row.values()) - {None, "?"}) > 1]
    if not rows:
        pytest.skip("no row with two different numbers")
    row = max(rows, key=lambda cells: max(v for v in cells.values() if isinstance(v, int)))
    one, other = next(
        (a, b) for a in row for b in row if isinstance(row[a], int) and isinstance(row[b], int) and row[a] != row[b]
    )
    row[one], row[other] = row[other], row[one]
    worse = [item for item in found(tmp_path, label) if item.severity != "info"]
    assert {item.code for item in worse} & {"breaks_rule", "row_not_in_text"}, worse


def test_rows_swapped_with_every_sum_still_right_are_noticed(tmp_path: Path) -> None:
    """The equations of the form cannot see it: both rows stand in the same sums."""
    label = gold("xinzhai-2024-utf16")
    requests = label["record"]["requests"]
    keys = [k for k in requests if k.partition(".")[0] in ("denied", "unavailable") and requests[k]["total"]]
    one, other = keys[0], keys[-1]
    assert requests[one] != requests[other]
    requests[one], requests[other] = requests[other], requests[one]
    complaints = found(tmp_path, label)
    assert not any(item.code == "breaks_rule" for item in complaints)
    assert {item.code for item in complaints if item.severity == "warning"} == {"row_not_in_text"}
    assert any(f"requests.{one}" in item.message or f"requests.{other}" in item.message for item in complaints)


@pytest.mark.parametrize(
    "name", ["hewan-2023-pipes-markdown", "jinchuan-2023-html-chrome", "gaotang-2023-pdf-raw-column-order"]
)
def test_the_label_of_another_report_is_noticed(tmp_path: Path, name: str) -> None:
    label = gold(name)
    label["source"] = f"{NAME}.txt"
    complaints = found(tmp_path, label)
    assert {"organization_not_in_text", "value_not_in_text", "row_not_in_text"} <= {
        item.code for item in complaints if item.severity != "info"
    }


def test_an_empty_label_of_a_report_with_tables_is_noticed(tmp_path: Path) -> None:
    def blank(node: dict[str, Any]) -> dict[str, Any]:
        return {k: blank(v) if isinstance(v, dict) else v if k == "form" else None for k, v in node.items()}

    label = gold()
    label["record"] = blank(label["record"])
    assert codes(found(tmp_path, label)) == {("warning", "all_blank")}
    narrative = gold("yangliugou-2024-narrative-only")
    assert found(tmp_path, narrative) == []


# ------------------------------------------------------------------------------- what a note excuses


@pytest.mark.parametrize(
    ("note", "excused"),
    [
        ("reconsideration.sum fails", True),
        ("printed so: reconsideration.sum", True),
        ("litigation_direct.sum fails", False),
        ("an error of the publisher", False),
        ("", False),
    ],
)
def test_only_a_note_that_names_the_rule_excuses_it(tmp_path: Path, note: str, excused: bool) -> None:
    label = gold("wuliu-2021-html-gbk")
    text = REPORTS / label["source"]
    label["record"]["reconsideration"]["total"] += 1
    label["note"] = note
    broken = [one for one in found(tmp_path, label) if one.code == "breaks_rule"]
    assert text.exists()
    assert [one.severity for one in broken] == ["info" if excused else "error"]


@pytest.mark.parametrize(
    ("note", "excused"),
    [
        ("requests.balance and requests.outcomes fail in 自然人 and 总计", {"natural_person", "total"}),
        ("requests.balance and requests.outcomes fail in 总计", {"total"}),
        ("requests.balance and requests.outcomes fail in natural_person", {"natural_person"}),
        ("requests.balance and requests.outcomes fail", set()),
        ("requests.balance.total fails, requests.outcomes.total fails", {"total"}),
    ],
)
def test_a_note_excuses_the_columns_that_it_names(tmp_path: Path, note: str, excused: set[str]) -> None:
    label = gold("dongpu-2023-tabs-total-forgot-row")
    label["note"] = note
    broken = [one for one in found(tmp_path, label) if one.code == "breaks_rule"]
    assert len(broken) == 4
    assert {one.message.split(":")[0].rpartition(".")[2] for one in broken if one.severity == "info"} == excused


def test_a_number_that_is_labelled_by_intent_is_said_but_no_fault(tmp_path: Path) -> None:
    label = gold()
    label["record"]["requests"]["granted"]["business"] = 0
    assert ("warning", "more_than_printed") in codes(found(tmp_path, label))
    label["note"] = "the empty cell of 予以公开 is labelled 0 for a reason"
    assert codes(found(tmp_path, label)) == {("info", "more_than_printed"), ("info", "row_not_in_text")}
    label["note"] = "the empty cell of 予以公开 is labelled 01"
    assert ("warning", "more_than_printed") in codes(found(tmp_path, label))


# ------------------------------------------------------------------------------- the set


def test_two_labels_of_one_report(tmp_path: Path) -> None:
    complaints = found(tmp_path, gold(), gold())
    assert ("error", "duplicate_source") in codes(complaints)
    assert "g0.json" in next(one.message for one in complaints if one.code == "duplicate_source")


def test_a_file_labelled_whole_and_by_number(tmp_path: Path) -> None:
    whole = gold("heshu-two-years-1")
    whole["source"] = "heshu-two-years.txt"
    assert ("error", "duplicate_source") in codes(found(tmp_path, whole, gold("heshu-two-years-2")))


def test_the_second_report_of_a_file_alone_is_mentioned(tmp_path: Path) -> None:
    assert codes(found(tmp_path, gold("heshu-two-years-2"))) == {("info", "gap")}


def test_reports_without_gold_gold_without_report_and_strange_files(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    (reports / "sub").mkdir(parents=True)
    shutil.copy(REPORTS / f"{NAME}.txt", reports)
    shutil.copy(REPORTS / f"{NAME}.txt", reports / "twin.txt")
    (reports / "sub" / "unused.txt").write_text("x", encoding="utf-8")
    (reports / ".hidden").write_text("x", encoding="utf-8")
    twin = gold()
    twin["source"] = "twin.txt"
    folder = put(tmp_path, gold(), twin, gold("hewan-2023-pipes-markdown"))
    (folder / "notes.txt").write_text("x", encoding="utf-8")
    complaints = {(one.file, one.severity, one.code) for one in lint(folder, reports)}
    assert complaints == {
        ("g1.json", "warning", "same_text"),
        ("g2.json", "error", "source_missing"),
        ("sub/unused.txt", "info", "no_gold"),
        ("notes.txt", "info", "not_gold"),
    }


def test_a_report_that_cannot_be_read_is_not_called_missing(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    reports.mkdir()
    (reports / f"{NAME}.txt").write_bytes(b"%PDF-1.7 binary")
    assert codes(found(tmp_path, gold(), reports=reports)) == {("error", "source_unreadable")}


def test_a_label_of_the_other_form_is_said_and_is_no_error(tmp_path: Path) -> None:
    label = gold("anqu-2023-mixed-2019-table2")
    record = label["record"]
    record["form"] = "2021"
    record["disclosure"] = {
        "regulations": dict.fromkeys(("issued", "repealed", "in_force")),
        "normative_documents": dict.fromkeys(("issued", "repealed", "in_force")),
        **{key: {"decisions": None} for key in ("licensing", "penalties", "coercion")},
        "fees": {"amount": None, "unit": None},
    }
    complaints = found(tmp_path, label)
    assert ("info", "other_form") in codes(complaints)
    assert not any(one.severity == "error" for one in complaints)
    assert "2019" in next(one.message for one in complaints if one.code == "other_form")


def test_nothing_to_look_at_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder, reports, code in (
        (tmp_path / "empty", REPORTS, "no_gold"),
        (tmp_path / "nowhere", REPORTS, "no_folder"),
        (GOLD, tmp_path / "nowhere", "no_folder"),
    ):
        with pytest.raises(UsageError) as caught:
            lint(folder, reports)
        assert caught.value.code == code


def test_one_file_alone(tmp_path: Path) -> None:
    label = gold()
    label["record"]["reconsideration"]["total"] = 6
    folder = put(tmp_path, gold("hewan-2023-pipes-markdown"), label)
    assert {one.file for one in lint(folder / "g1.json", REPORTS)} == {"g1.json"}
    assert lint(folder / "g0.json", REPORTS) == []


# ------------------------------------------------------------------------------- claims


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"span": [1, 3]}, "wrong_span"),
        ({"span": [0, 10**9]}, "wrong_span"),
        ({"span": "x"}, "wrong_span"),
        ({"raw": "999999"}, "wrong_span"),
        ({"field": "requests.new_received"}, "wrong_key"),
        ({"extra": 1}, "wrong_key"),
    ],
)
def test_a_claim_that_does_not_stand_where_it_says(tmp_path: Path, change: dict[str, Any], code: str) -> None:
    name = "anqu-2023-mixed-2019-table2"
    claims = tmp_path / "claims"
    claims.mkdir()
    label = json.loads((ROOT / "fixtures" / "claims" / f"{name}.json").read_text(encoding="utf-8"))
    folder = put(tmp_path, gold(name))

    def errors() -> list[tuple[str, str]]:
        (claims / "c.json").write_text(json.dumps(label, ensure_ascii=False), encoding="utf-8")
        return [(one.file, one.code) for one in lint(folder, REPORTS) if one.severity == "error"]

    assert errors() == []
    label["claims"][0] |= change
    assert errors() == [("claims/c.json", code)]


def test_claims_of_a_report_that_is_not_there(tmp_path: Path) -> None:
    claims = tmp_path / "elsewhere"
    claims.mkdir()
    (claims / "a.json").write_text('{"source": "nowhere.txt", "claims": []}', encoding="utf-8")
    (claims / "b.json").write_text("{", encoding="utf-8")
    (claims / "sentences.toml").write_text(
        '[[sentence]]\nid = "s"\ntext = "收到5件"\nclaims = [{field = "requests.new_received.total", raw = "6"}]\n',
        encoding="utf-8",
    )
    complaints = [one for one in lint(put(tmp_path, gold()), REPORTS, claims) if one.severity == "error"]
    assert {(one.file, one.code) for one in complaints} == {
        ("claims/a.json", "source_missing"),
        ("claims/b.json", "not_json"),
        ("claims/sentences.toml", "wrong_span"),
    }


# ------------------------------------------------------------------------------- the command, and the text alone


def test_the_command_prints_and_fails_on_errors_only(tmp_path: Path) -> None:
    code, out, _ = gouji("eval", "lint", "--gold", GOLD, "--reports", REPORTS)
    assert code == 0
    assert "0 errors, 0 warnings" in out
    label = gold()
    label["record"]["reconsideration"]["total"] = 6
    folder = put(tmp_path, label)
    code, out, _ = gouji("eval", "lint", "--gold", folder, "--reports", REPORTS, "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert {"file", "code", "severity", "message", "hint"} == set(lines[0])
    assert any((one["file"], one["code"]) == ("g0.json", "breaks_rule") for one in lines)
    code, _, err = gouji("eval", "lint", "--gold", tmp_path / "nowhere", "--reports", REPORTS)
    assert code == 2
    assert "[no_folder]" in err


def test_people_see_file_severity_code_and_what_to_do() -> None:
    out = io.StringIO()
    show([Complaint("a.json", "wrong_key", "error", "x is no key.", "Drop it.")], out)
    assert out.getvalue() == (
        "a.json\n  error    x is no key. [wrong_key]\n           Drop it.\n1 errors, 0 warnings, 0 notes\n"
    )


@pytest.mark.parametrize(
    ("text", "value", "how"),
    [
        ("规章\t20\t0", 20, "printed"),
        ("共1,234件", 1234, "printed"),
        ("规章\t２０", 20, "printed"),
        ("规章\t二十\t", 20, "printed"),
        ("规章\t一百零三件\n", 103, "printed"),
        ("二、上年结转", 2, "nowhere"),
        ("规章\t2 0", 20, "sloppy"),
        ("规章\t1O", 10, "sloppy"),
        ("规章\tll", 11, "sloppy"),
        ("规章2008", 20, "glued"),
        ("规章\t21", 20, "nowhere"),
        ("减4", -4, "printed"),
        ("4", -4, "nowhere"),
        ("hello", 0, "nowhere"),
    ],
)
def test_how_a_number_stands_in_a_text(text: str, value: int, how: str) -> None:
    from decimal import Decimal

    assert Printed(text).find(Decimal(value)) == how


@pytest.mark.parametrize(
    ("text", "row", "there"),
    [
        ("a\t1\t0\t2", [1, 0, 2], True),
        ("a\t1\t0\t2", [1, 2], False),
        ("a\t11\t0", [1, 0], False),
        ("a\t1\t05", [1, 0], False),
        ("a | 22（其中修订16件） | 3 |", [22, 3], True),
        ("a 1\n\n0\n\n2", [1, 0, 2], True),
        ("1 规章 2", [1, 2], False),
        ("1件\t/\t2件", [1, 2], True),
        ("1,234\t5", [1234, 5], True),
    ],
)
def test_whether_the_numbers_of_a_row_follow_each_other(text: str, row: list[int], there: bool) -> None:
    assert (Printed(text).sequence_end(row) is not None) == there
