"""`gouji label`: the sheet for spreadsheets is empty, what is filled in becomes gold to the digit; the command."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from extractor.eval.sheets import dump_gold, read_value, sheet_paths, write_html, write_tsv
from labels import GOLD, NAME, NAMES, REPORTS, filled, gold, gouji, save, text_of


@pytest.mark.parametrize("form", ["2021", "2019"])
def test_the_table_is_empty_and_holds_the_whole_form_and_the_whole_text(form: str) -> None:
    code, out, err = gouji("label", REPORTS / f"{NAME}.txt", "--tsv", "--form", form)
    assert (code, err) == (0, "")
    assert out.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(out.decode("utf-8-sig")), delimiter="\t"))
    given = {row[0]: row[2] for row in rows[1:] if row[2]}
    assert given == {"#source": f"{NAME}.txt", "#form": form}
    assert [row[0] for row in rows[1:] if row[0] and not row[0].startswith("#")] == list(sheet_paths(form))
    assert {len(row) for row in rows} == {5}
    lines: list[str] = []
    for row in rows[1:]:
        if row[3]:
            lines.append(row[4][1:])
        elif row[4]:
            lines[-1] += row[4][1:]
    assert lines == [line.replace("\t", " ⇥ ").rstrip() for line in text_of().split("\n")]


def test_no_cell_of_the_table_can_act_as_a_formula() -> None:
    rows = csv.reader(io.StringIO(write_tsv("=cmd.txt", "=1+1\n@x\n-2\n\t=3", "2021")), delimiter="\t")
    shown = [row[4] for row in rows if row[4]][1:]
    assert shown == ["│=1+1", "│@x", "│-2", "│ ⇥ =3"]


@pytest.mark.parametrize("name", NAMES)
def test_every_fixture_survives_the_sheet(tmp_path: Path, name: str) -> None:
    from extractor.eval.sheets import read_tsv

    label = gold(name)
    path = save(tmp_path / "s.tsv", filled(label))
    assert read_tsv(path.read_bytes(), "s.tsv") == label


@pytest.mark.parametrize(
    ("encoding", "delimiter"),
    [("utf-8", "\t"), ("utf-8-sig", "\t"), ("utf-16", "\t"), ("gb18030", "\t"), ("utf-8", ","), ("utf-8-sig", ";")],
)
def test_sheets_as_spreadsheets_save_them(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = save(tmp_path / "s.tsv", filled(gold()), encoding, delimiter)
    code, out, err = gouji("label", "--read", path)
    assert (code, err) == (0, "")
    assert json.loads(out) == gold()


def test_gold_is_written_as_the_fixtures_are() -> None:
    text = (GOLD / f"{NAME}.json").read_text(encoding="utf-8")
    assert dump_gold(gold()) == text


SHEET_FAULTS: dict[str, tuple[dict[str, str], str]] = {
    "words for a number": ({"requests.granted.total": "twenty"}, "requests.granted.total"),
    "a broken number": ({"requests.granted.total": "2 O"}, "a whole number"),
    "a decimal count": ({"requests.granted.total": "20.0"}, "a whole number"),
    "a leading zero": ({"requests.granted.total": "020"}, "a whole number"),
    "a negative count": ({"requests.granted.total": "-1"}, "a whole number"),
    "a sum": ({"requests.granted.total": "=1+1"}, "a whole number"),
    "an amount with a unit": ({"disclosure.fees.amount": "12万元"}, "an amount"),
    "no labeller": ({"#labelled.by": ""}, "labelled.by is empty"),
    "no way": ({"#labelled.how": ""}, "labelled.how is empty"),
    "no date": ({"#labelled.when": "22.11.2026"}, "no date"),
    "no year": ({"#year": "24"}, "no year"),
    "no form": ({"#form": "2020"}, "none of"),
    "the other form": ({"#form": "2019"}, "cells of form 2019 have no row"),
}


@pytest.mark.parametrize("fault", SHEET_FAULTS)
def test_a_fault_in_a_sheet_names_line_and_cell(tmp_path: Path, fault: str) -> None:
    changes, words = SHEET_FAULTS[fault]
    rows = filled(gold(), **changes)
    code, out, err = gouji("label", "--read", save(tmp_path / "s.tsv", rows))
    assert (code, out) == (2, b"")
    assert "[bad_sheet]" in err
    assert words in err
    line = next(number for number, row in enumerate(rows, 1) if row[0] == next(iter(changes)))
    assert fault == "the other form" or f"line {line}" in err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows[:-150], "have no row, the first is"),
        (lambda rows: [*rows, rows[20]], "already"),
        (lambda rows: [*rows, ["requests.granted.companies", "", "1"]], "is no cell"),
        (lambda rows: [*rows, ["#colour", "", "1"]], "#colour"),
        (lambda rows: rows[1:], "line 1"),
        (lambda rows: [row for row in rows if row[0] != "#note"], "#note is missing"),
        (lambda rows: [["x"]], "line 1"),
    ],
)
def test_a_sheet_that_was_taken_apart_is_refused(tmp_path: Path, change: Any, words: str) -> None:
    code, out, err = gouji("label", "--read", save(tmp_path / "s.tsv", change(filled(gold()))))
    assert (code, out) == (2, b"")
    assert words in err


@pytest.mark.parametrize(
    ("raw", "kind", "value"),
    [
        ("0", "count", 0), ("20", "count", 20), (" ２０ ", "count", 20), ("1,234", "count", 1234), ("", "count", None),
        ("?", "count", "?"), ("？", "count", "?"), ("/", "count", None), ("—", "count", None), ("无", "count", None),
        ("不涉及", "count", None), ("-", "signed", None), ("-4", "signed", -4), ("减4", "signed", -4),
        ("+19", "signed", 19), ("增3", "signed", 3), ("-0", "signed", 0), ("16085.100735", "amount", "16085.100735"),
        ("0.00", "amount", "0.00"),
        ("1,234.50", "amount", "1234.50"), ("万元", "unit", "万元"), ("", "unit", None),
    ],
)  # fmt: skip
def test_what_may_be_typed(raw: str, kind: str, value: Any) -> None:
    read = read_value(raw, kind)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("args", "exit_code", "code"),
    [
        ((), 2, None),
        (("nowhere.txt",), 3, "missing"),
        (("-",), 2, "not_a_file"),
        ((".",), 2, "not_a_file"),
        (("report.txt", "--tsv"), 2, "no_form"),
        (("report.txt", "--tsv", "--form", "2020"), 2, "bad_form"),
        (("report.txt", "--form", "2021"), 2, "form_on_the_page"),
        (("report.txt", "--number", "0"), 2, None),
        (("--read", "nowhere.tsv"), 2, "unreadable"),
        (("--read", "empty"), 2, "bad_sheet"),
        (("--read", "binary"), 2, "bad_sheet"),
        (("--read", "report.txt"), 2, "bad_sheet"),
        (("--read", "report.txt", "report.txt"), 2, "two_tasks"),
        (("--tsv", "--form", "2021"), 2, "no_file"),
        (("binary",), 3, "binary"),
        (("empty",), 3, "empty"),
        (("compare", "a.json"), 2, None),
        (("compare", "a.json", "nowhere.json"), 2, "unreadable"),
        (("compare", "a.json", "report.txt"), 2, "bad_gold"),
        (("compare", "a.json", "twice.json"), 2, "bad_gold"),
        (("compare", "a.json", "text.json"), 2, "bad_gold"),
        (("compare", "a.json", "none.json"), 2, "bad_gold"),
        (("compare", "a.json", "other.json"), 2, "other_source"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(
    tmp_path: Path, args: tuple[str, ...], exit_code: int, code: str | None
) -> None:
    (tmp_path / "report.txt").write_text("一、总体情况\n规章\t0\n", encoding="utf-8")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 4)
    label = gold()
    (tmp_path / "a.json").write_text(json.dumps(label), encoding="utf-8")
    (tmp_path / "other.json").write_text(json.dumps(gold("hewan-2023-pipes-markdown")), encoding="utf-8")
    (tmp_path / "twice.json").write_text('{"source": "a", "source": "a"}', encoding="utf-8")
    (tmp_path / "none.json").write_text('{"source": "zhongyang-2024-tabs.txt", "record": null}', encoding="utf-8")
    label["record"]["requests"]["granted"]["total"] = "20"
    (tmp_path / "text.json").write_text(json.dumps(label), encoding="utf-8")
    done, out, err = gouji("label", *args, cwd=tmp_path)
    assert done == exit_code
    assert out == b"" or not args
    assert code is None or f"[{code}]" in err
    assert "Traceback" not in err


def test_the_page_is_what_is_made_without_more_words(tmp_path: Path) -> None:
    code, out, err = gouji("label", REPORTS / "heshu-two-years.txt", "--number", "2")
    assert (code, err) == (0, "")
    assert out.decode() == write_html("heshu-two-years.txt#2", text_of("heshu-two-years-2"))
