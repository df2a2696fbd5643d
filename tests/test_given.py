"""`given`, the caller's own record: strict input, evidence only where the text prints it, findings for the rest."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from extractor.eval.compare import FATAL, Outcome, compare
from extractor.eval.generator import Sample, generate

from extractor.document.sources import read_bytes
from extractor.errors import UsageError
from extractor.form import TABLES
from extractor.given import given_for, load_given, parse_given, unused_given
from extractor.pipeline import extract_all
from extractor.results import TRUSTED, Result
from tests import helpers
from tests.helpers import glued, lines, pipes, read, report, rows, table_2, tabs, truth, verdicts


def record(true: Mapping[str, Any], **head: Any) -> dict[str, Any]:
    """Path → value as the contract's record."""
    out: dict[str, Any] = dict(head)
    for path, value in true.items():
        table, _, rest = path.partition(".")
        row, _, name = rest.rpartition(".")
        at = out.setdefault(table, {})
        at = at.setdefault(row, {}) if row else at
        at[name] = str(value) if isinstance(value, Decimal) else value
    return out


def one(text: str, given: Any) -> Result:
    results = extract_all(text, given=given)
    assert len(results) == 1
    assert helpers.untrue_spans(results[0]) == []
    return results[0]


def said(result: Result) -> list[tuple[str, tuple[str, ...]]]:
    return [(f.rule.removeprefix("given."), f.cells) for f in result.findings if f.rule.startswith("given.")]


def by_given(result: Result) -> set[str]:
    return {cell.path.rpartition(".")[0] for cell in result.cells if cell.method == "given"}


def balanced(changes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Changes of table 3 with the two rows that make every column balance again."""
    table = {**helpers.TRUE_ROWS, **changes}
    ends = ("new_received", "carried_in", "total_processed", "carried_out")
    total = tuple(sum(table[key][i] for key in table if key not in ends) for i in range(7))
    new = tuple(t + out - into for t, out, into in zip(total, table["carried_out"], table["carried_in"], strict=True))
    return {**changes, "total_processed": total, "new_received": new}


# ---------------------------------------------------------------- evidence

# Glued, this granted row may be cut in two ways, and the error below keeps the equations from choosing.
CUT = balanced({"granted": (13, 0, 0, 1, 0, 0, 14)})
ERROR = {**CUT, "not_processed.petition": (1, 0, 0, 0, 0, 0, 2)}
LONG = balanced({"granted": (3015, 397, 139, 292, 47, 206, 4096)})


@pytest.mark.parametrize("layout", [tabs, pipes, lines, glued])
def test_a_true_record_changes_nothing_that_is_proved(layout: Callable[..., str]) -> None:
    text = report(layout(rows()))
    alone, result = read(text), one(text, record(truth(), form="2021", year=2023, organization="青禾县"))
    assert result.to_json() == alone.to_json()


def test_with_a_published_error_two_witnesses_agree_on_what_is_printed() -> None:
    text, true = report(glued(rows(ERROR))), truth(ERROR)
    assert verdicts(read(text))[1] == "needs_review"
    result = one(text, record(true))
    assert verdicts(result)[1] == "inconsistent"
    assert helpers.wrong_cells(result, true) == []
    assert by_given(result) >= {"requests.granted"}
    failing = [f for f in result.findings if f.severity == "error"]
    assert {f.rule for f in failing} == {"requests.applicants.not_processed.petition", "requests.outcomes.total"}
    assert {f.blame for f in failing} == {"source"}


def test_rows_with_too_many_readings_are_read_as_given_where_all_equations_hold() -> None:
    text, true = report(glued(rows(LONG))), truth(LONG)
    assert verdicts(read(text))[1] == "needs_review"
    result = one(text, record(true))
    assert verdicts(result)[1] == "verified"
    assert helpers.wrong_cells(result, true) == []
    assert by_given(result) == {f"requests.{row}" for row in ("granted", "new_received", "total_processed")}


@pytest.mark.parametrize("keys", [("granted",), ("new_received", "total_processed")])
def test_unread_rows_are_proved_by_the_equations_whatever_else_the_caller_knows(keys: tuple[str, ...]) -> None:
    table, whole = rows(LONG), report(helpers.spaced(rows(LONG)))
    for key in keys:
        whole = whole.replace(" ".join(table[key]), "".join(table[key]))
    assert verdicts(read(whole))[1] == "needs_review"
    given = {key: record(truth(LONG))["requests"][key] for key in ("new_received", "granted", "total_processed")}
    other = {"carried_out": {"natural_person": 99}, "denied.state_secret": None}
    result = one(whole, {"requests": {**given, **other}})
    assert verdicts(result)[1] == "verified"
    assert helpers.wrong_cells(result, truth(LONG)) == []
    assert said(result) == [("contradicted", ("requests.carried_out.natural_person",))]
    given["new_received"] = {**given["new_received"], "total": 4111}
    given["granted"] = {**given["granted"], "business": 39}
    assert verdicts(one(whole, {"requests": given}))[1] == "needs_review"


@pytest.mark.parametrize("path", ["requests.granted.natural_person", "requests.carried_in.total"])
@pytest.mark.parametrize("changes", [ERROR, LONG])
def test_one_wrong_number_makes_the_witness_worthless_for_its_table(
    changes: Mapping[str, tuple[int, ...]], path: str
) -> None:
    text, true = report(glued(rows(changes))), truth(changes)
    result = one(text, record({**true, path: true[path] + 1}))
    assert verdicts(result) == ("verified", "needs_review", "verified")
    assert by_given(result) == set()


def test_another_cut_of_the_same_digits_is_not_taken() -> None:
    text, true = report(glued(rows(ERROR))), truth(ERROR)
    names = (f"requests.granted.{column}" for column in helpers.COLUMNS)
    result = one(text, record({**true, **dict(zip(names, (1, 3, 0, 0, 10, 0, 14), strict=True))}))
    assert verdicts(result)[1] == "needs_review"
    assert any(rule == "unproved" and "requests.granted.natural_person" in cells for rule, cells in said(result))


@pytest.mark.parametrize("printed", ["l60", "16O", "1 60"])
def test_a_damaged_figure_that_reads_one_way_is_confirmed(printed: str) -> None:
    text = report(disclosure=table_2({"licensing": (printed,)}))
    assert verdicts(read(text))[0] == "needs_review"
    result = one(text, record(truth()))
    assert verdicts(result)[0] == "verified"
    cell = helpers.cells(result)["disclosure.licensing.decisions"]
    assert (cell["value"], cell["raw"], cell["method"], cell["state"]) == (160, printed, "given", "reported")
    wrong = one(text, record({**truth(), "disclosure.licensing.decisions": 161}))
    assert verdicts(wrong)[0] == "needs_review"
    row_wrong = one(text, record({**truth(), "disclosure.penalties.decisions": 53}))
    assert verdicts(row_wrong)[0] == "needs_review"
    assert ("contradicted", ("disclosure.penalties.decisions",)) in said(row_wrong)


def test_digits_of_table_2_that_nothing_cuts_stay_open() -> None:
    stuck = table_2({"normative_documents": ("2112",)}, join="").replace("行政许可", "\n行政许可")
    text = report(disclosure=stuck)
    for cut in ((2, 1, 12), (21, 1, 2), (2, 11, 2)):
        fields = ("issued", "repealed", "in_force")
        wanted = {f"disclosure.normative_documents.{f}": n for f, n in zip(fields, cut, strict=True)}
        result = one(text, record({**truth(), **wanted}))
        assert verdicts(result)[0] == "needs_review"
        assert ("unproved", tuple(wanted)) in said(result)


def test_what_gouji_said_is_no_second_witness() -> None:
    for text in (report(glued(rows(ERROR))), report(disclosure=table_2({"licensing": ("l60",)}))):
        alone = read(text)
        again = one(text, alone.to_json())
        assert again.verdicts == alone.verdicts
        assert by_given(again) == set()


def test_another_years_record_is_no_witness() -> None:
    result = one(report(glued(rows(ERROR))), record(truth(ERROR), year=2022))
    assert verdicts(result)[1] == "needs_review"
    assert ("contradicted", ("year",)) in said(result)


# ---------------------------------------------------------------- findings

CONTRADICTED = {
    "a count": ({}, "requests.granted.total", 12, 11),
    "an amount": ({}, "disclosure.fees.amount", "12.50001", "12.5"),
    "a derived cell": (
        {"new_received": ("20", "3", "0", "0", "0", "", "24")}, "requests.new_received.other_organization", 2, 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CONTRADICTED.values(), ids=CONTRADICTED)
def test_a_contradiction_is_a_finding_and_the_reader_stays(case: tuple[Any, str, Any, Any]) -> None:
    changes, path, given, printed = case
    text = report(tabs(rows(changes)))
    alone, result = read(text), one(text, record({path: given}))
    assert result.verdicts == alone.verdicts
    assert [cell.to_json() for cell in result.cells] == [cell.to_json() for cell in alone.cells]
    (finding,) = (f.to_json() for f in result.findings if f.rule == "given.contradicted")
    assert (finding["left"], finding["right"], finding["cells"]) == (given, printed, [path])
    assert (finding["status"], finding["severity"], finding["blame"]) == ("fail", "warning", "undecided")
    assert str(given) in finding["message"]
    assert str(printed) in finding["message"]


def test_what_is_not_printed_is_said_once_for_a_row_and_not_used() -> None:
    blank = {"denied.internal_affairs": ("",) * 7}
    text = report(tabs(rows(blank)))
    given = {"requests": {"denied.internal_affairs": {"natural_person": 7, "total": 7}, "denied.all": {"total": 2}}}
    result = one(text, given)
    assert said(result) == [
        ("contradicted", ("requests.denied.internal_affairs.natural_person",)),
        ("contradicted", ("requests.denied.internal_affairs.total",)),
        ("not_found", ("requests.denied.all.total",)),
    ]
    short = one(report(disputes=""), record(truth()))
    assert [len(cells) for rule, cells in said(short) if rule == "not_found"] == [5, 5, 5]


def test_form_body_and_unit_are_compared() -> None:
    given = {"form": "2019", "organization": "别的县人民政府", "disclosure": {"fees": {"change": None}}}
    assert said(one(report(), given)) == [("contradicted", ("form",)), ("contradicted", ("organization",))]
    unit = {"disclosure": {"fees": {"amount": "12.5", "unit": "元"}}}
    assert said(one(report(), unit)) == [("contradicted", ("disclosure.fees.amount",))]


def test_a_document_without_tables_says_that_nothing_was_compared() -> None:
    result = one("今天天气很好。", record(truth()))
    assert result.error
    assert "given record" in result.error["hint"]
    assert result.findings == []


# ---------------------------------------------------------------- strict input

WRONG: dict[str, tuple[Any, str, str]] = {
    "not an object": ([1], "given_not_an_object", "must be an object"),
    "unknown key": ({"requets": {}}, "given_unknown_key", "requets: no such key; requests?"),
    "unknown row": ({"requests": {"denied.state_secrets": {}}}, "given_unknown_key",
                    "requests.denied.state_secrets: no such key; denied.state_secret?"),
    "unknown column": ({"requests": {"granted": {"sum": 1}}}, "given_unknown_key", "requests.granted.sum"),
    "a flat path": ({"requests.granted.total": 1}, "given_unknown_key", "requests.granted.total"),
    "misspelt beside record": ({"record": {}, "sorce": "x"}, "given_unknown_key", "sorce: no such key; source?"),
    "a table beside record": ({"record": {}, "requests": {}}, "given_unknown_key", "requests"),
    "a row of the other form": ({"form": "2021", "disclosure": {"procurement": {}}}, "given_unknown_key",
                                "disclosure.procurement"),
    "cells of both forms": ({"disclosure": {"regulations": {"made": 1, "issued": 1}}}, "given_form", "disclosure"),
    "a form that is none": ({"form": 2021}, "given_form", "form: 2021 is no form"),
    "a year that is none": ({"year": "2023"}, "given_not_a_year", 'year: "2023"'),
    "a body that is no text": ({"organization": 5}, "given_not_text", "organization: 5"),
    "a list for a row": ({"reconsideration": [1, 2, 3, 4, 10]}, "given_not_an_object",
                         "reconsideration: must be an object, not a list"),
    "a string": ({"requests": {"granted": {"total": "11"}}}, "given_not_a_count", '"11" (a string) is not a whole'),
    "a float": ({"requests": {"granted": {"total": 11.0}}}, "given_not_a_count", "requests.granted.total: 11.0"),
    "a truth value": ({"requests": {"granted": {"total": True}}}, "given_not_a_count", "true is not a whole number"),
    "negative": ({"reconsideration": {"upheld": -1}}, "given_negative", "reconsideration.upheld: -1 is negative"),
    "too large": ({"reconsideration": {"upheld": 10**30}}, "given_too_large", "reconsideration.upheld"),
    "enormous": ({"reconsideration": {"upheld": 10**9000}}, "given_too_large", "more than 40 digits"),
    "no number": ({"disclosure": {"fees": {"amount": float("nan")}}}, "given_not_an_amount", "nan"),
    "an amount in words": ({"disclosure": {"fees": {"amount": "12.5万元"}}}, "given_not_an_amount", "12.5万元"),
    "a huge exponent": ({"disclosure": {"fees": {"amount": Decimal("1e999999")}}}, "given_too_large", "amount"),
    "several kinds": ({"x": 1, "reconsideration": {"upheld": -1, "total": "3"}}, "given_invalid", "has 3 faults"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_a_fault_is_named_by_its_path(case: tuple[Any, str, str]) -> None:
    given, code, words = case
    with pytest.raises(UsageError) as raised:
        parse_given(given)
    assert raised.value.code == code
    assert words in raised.value.message
    assert len(raised.value.message) < 2000


def test_exact_amounts_signed_changes_and_nulls_are_taken() -> None:
    for amount in ("12.5", 12.5, Decimal("12.5")):
        given = parse_given({"disclosure": {"fees": {"amount": amount, "unit": "万元"}, "licensing": None}})
        assert given is not None
        assert given.values == {"disclosure.fees.amount": Decimal("12.5")}
    old = parse_given({"disclosure": {"licensing": {"change": -5, "decisions": None}}})
    assert old is not None
    assert old.values == {"disclosure.licensing.change": -5}
    assert parse_given({"record": None, "source": "x"}) is None


FILES: dict[str, tuple[bytes, str, str]] = {
    "empty": (b" \n", "given_empty", "holds no record"),
    "broken": (b'{"requests": {}', "given_not_json", "line 1"),
    "broken third line": (b'{"record": {}}\n\n{"record": }\n', "given_not_json", "line 3, column 12"),
    "broken inside an object": (b'{\n "requests": {\n  "granted": oops}}', "given_not_json", "line 3"),
    "a fault in a line": (b'{"record": {}}\n{"record": {"year": 5}}', "given_not_a_year", "line 2, record.year: 5"),
    "nested": (b"[" * 200_000, "given_not_json", "nested too deeply"),
    "nested in a line": (b'{"record": {}}\n' + b'{"record":' * 200_000, "given_not_json", "line 2: nested too deeply"),
    "a key twice": (b'{"year": 2023, "year": 2024}', "given_repeated_key", '"year" stands twice'),
    "not text": (b'{"record":\n"\xff\xfe"}', "given_encoding", "line 2"),
    "a number": (b"5", "given_not_an_object", "must be an object"),
    "infinite": (b'{"disclosure": {"fees": {"amount": Infinity}}}', "given_not_an_amount", "disclosure.fees.amount"),
    "long digits": (b'{"reconsideration": {"total": 1' + b"0" * 9000 + b"}}", "given_not_a_count", "total"),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES.values(), ids=FILES)
def test_a_broken_file_is_an_error_that_names_the_line(case: tuple[bytes, str, str], tmp_path: Path) -> None:
    data, code, words = case
    path = tmp_path / "given.json"
    path.write_bytes(data)
    with pytest.raises(UsageError) as raised:
        load_given(path)
    assert raised.value.code == code
    assert words in raised.value.message
    assert len(raised.value.message) < 2000
    with pytest.raises(UsageError):
        load_given(tmp_path / "none.json")


def test_a_file_may_be_an_object_a_list_or_lines_of_extract(tmp_path: Path) -> None:
    path = tmp_path / "given"
    full = json.dumps(read(report()).to_json(), ensure_ascii=False)
    for data, count in (
        (json.dumps(record(truth()), indent=1), 1),
        (f"[{full}, {full}]", 2),
        (f"{full}\n\n{full}\n", 2),
    ):
        path.write_text("\ufeff" + data, encoding="utf-8")
        loaded = load_given(path)
        assert len(loaded) == count
        assert said(one(report(), loaded[0])) == []


def test_lines_belong_to_documents_by_source() -> None:
    names = ("reports/a.txt", "b.txt#1", "b.txt#2", "other/c.txt")
    lines = [{"source": source, "record": {}} for source in names]
    assert given_for("reports/a.txt", lines) == [lines[0]]
    assert given_for("x/b.txt", lines) == lines[1:3]
    assert given_for("d.txt", lines) == []
    assert unused_given(lines, ["reports/a.txt", "b.txt"]) == ["other/c.txt"]
    unnamed = [{"source": None, "record": {}}]
    assert given_for("a.txt", unnamed, alone=True) == unnamed
    with pytest.raises(UsageError, match="do not say which document"):
        given_for("a.txt", unnamed)
    with pytest.raises(UsageError, match="different files with one name"):
        given_for("a.txt", [{"source": "x/a.txt", "record": {}}, {"source": "y/a.txt", "record": {}}])


def test_records_belong_to_reports_by_year_else_by_order() -> None:
    old, new = ({"granted": (9, 1, 0, 0, 0, 1, n)} for n in (21, 31))
    text = report(tabs(rows(old)), year=2022) + "\n" + report(tabs(rows(new)), year=2023)
    of_old, of_new = record({"requests.granted.total": 21}), record({"requests.granted.total": 31})
    of_2022, of_2023 = {**of_old, "year": 2022}, {**of_new, "year": 2023}
    right: list[Any] = [[of_old, of_new], [of_2023, of_2022], [None, of_new], of_2023]
    right.append([{"source": "x#2", "record": of_new}])
    for given in right:
        assert [said(result) for result in extract_all(text, given=given)] == [[], []]
    assert [len(said(result)) for result in extract_all(text, given=[of_new, of_old])] == [1, 1]
    for count, bad in ((1, of_new), (3, [of_old, of_new, of_new])):
        with pytest.raises(UsageError, match=f"holds 2 reports, {count} given") as raised:
            extract_all(text, given=bad)
        assert raised.value.code == "given_count"


# ---------------------------------------------------------------- never a wrong number

Values = dict[str, Any]


def _rows_of(true: Mapping[str, Any]) -> list[list[str]]:
    out: dict[str, list[str]] = {}
    for path in true:
        out.setdefault(path.rpartition(".")[0], []).append(path)
    return list(out.values())


def _random(path: str, rng: random.Random) -> Any:
    return Decimal(rng.randrange(90)) if path.endswith(".amount") else rng.choice((0, 0, 1, rng.randrange(90)))


def as_it_is(true: Values, rng: random.Random) -> Values:
    return true


def one_wrong_row(true: Values, rng: random.Random) -> Values:
    return {**true, **{path: _random(path, rng) for path in rng.choice(_rows_of(true))}}


def columns_shifted(true: Values, rng: random.Random) -> Values:
    out = {}
    for paths in _rows_of(true):
        if not any(path.endswith(".amount") for path in paths):
            out |= {a: max(true[b] or 0, 0) for a, b in zip(paths, [*paths[1:], paths[0]], strict=True)}
    return out


def rows_shifted(true: Values, rng: random.Random) -> Values:
    alike = [paths for paths in _rows_of(true) if len(paths) in (5, 7)]
    return {a: true[b] for row, other in pairwise(alike) for a, b in zip(row, other, strict=False)}


def at_random(true: Values, rng: random.Random) -> Values:
    return {path: _random(path, rng) for path in true}


FAMILIES = ("glued", "half_glued", "ocr_markdown", "pdf_raw", "mixed", "tabs")
# Tables that a true record brings to trust among these documents (at least).
MORE = {"glued": 2, "half_glued": 1, "ocr_markdown": 6, "pdf_raw": 0, "mixed": 0, "tabs": 0}


@pytest.mark.parametrize("family", FAMILIES)
def test_no_given_record_brings_a_wrong_number_to_trust(family: str) -> None:
    gained = 0
    for seed in range(100, 125):
        sample = generate(seed, family)
        text = sample.text if sample.name.endswith(".txt") else read_bytes(sample.data)
        alone = extract_all(text)
        if len(alone) != len(sample.reports):
            continue
        faults = _faults(sample, alone, text)
        for spoil in (as_it_is, one_wrong_row, columns_shifted, rows_shifted, at_random):
            rng, case = random.Random(f"{seed} {spoil.__name__}"), (seed, spoil.__name__)
            given = [record(spoil(dict(one.truth), rng), year=one.year, form=one.form) for one in sample.reports]
            results = extract_all(text, given=given)
            assert _faults(sample, results, text) <= faults, case
            for before, after in zip(alone, results, strict=True):
                changed = [t for t in TABLES if before.verdicts[t] != after.verdicts[t]]
                assert all(before.verdicts[t] == "needs_review" and after.verdicts[t] in TRUSTED for t in changed), case
                assert not changed or spoil is not at_random, case
                gained += len(changed) if spoil is as_it_is else 0
    assert gained >= MORE[family]


def _faults(sample: Sample, results: list[Result], text: str) -> set[tuple[str, str]]:
    outcome = Outcome(sample.seed, sample.family)
    compare(sample, results, text, outcome)
    return {(f.kind, f.path) for f in outcome.faults if f.kind in (*FATAL, "evidence_elsewhere")}
