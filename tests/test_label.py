"""`gouji label`: the sheets are empty and true to the text, what is filled in becomes gold to the digit, and two passes
are compared. The page is tried in a real browser where there is one."""

from __future__ import annotations

import base64
import copy
import csv
import hashlib
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import browser
import pytest
from extractor.eval.agreement import kappa
from extractor.eval.sheets import dump_gold, read_value, sheet_paths, write_html, write_tsv

from extractor.document.sources import read_bytes

ROOT = Path(__file__).parent.parent
GOLD, REPORTS = ROOT / "fixtures" / "gold", ROOT / "fixtures" / "reports"
NAMES = sorted(path.stem for path in GOLD.glob("*.json"))
NAME = "zhongyang-2024-tabs"

in_browser = pytest.mark.skipif(browser.CHROMIUM is None, reason="no chromium: apt-get install chromium")


@lru_cache
def _read(name: str) -> dict[str, Any]:
    return json.loads((GOLD / f"{name}.json").read_text(encoding="utf-8"))


def gold(name: str = NAME) -> dict[str, Any]:
    return copy.deepcopy(_read(name))


def text_of(name: str = NAME) -> str:
    path = REPORTS / _read(name)["source"].partition("#")[0]
    return read_bytes(path.read_bytes(), path.name)


def gouji(*args: object, cwd: Path | None = None) -> tuple[int, bytes, str]:
    command = [sys.executable, "-m", "extractor", *map(str, args)]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False, cwd=cwd)
    return done.returncode, done.stdout, done.stderr.decode()


def typed(label: dict[str, Any]) -> dict[str, str]:
    """What a labeller would type into each cell, by path; group rows that are not printed stay out."""
    record = label["record"]
    cells = {f"{table}.{row}.{name}": value for table in ("disclosure", "requests")
             for row, values in record[table].items() for name, value in values.items()}  # fmt: skip
    for block in ("reconsideration", "litigation_direct", "litigation_after_reconsideration"):
        cells |= {f"{block}.{name}": value for name, value in record[block].items()}
    return {path: "" if value is None else str(value) for path, value in cells.items()}


def around(label: dict[str, Any]) -> dict[str, str]:
    return {
        "#year": str(label["year"]),
        "#organization": label["organization"],
        "#family": label.get("family", ""),
        "#note": label.get("note", ""),
        **{f"#labelled.{key}": value for key, value in label["labelled"].items()},
    }


def filled(label: dict[str, Any], **changes: str) -> list[list[str]]:
    """The rows of a sheet, filled from a label; `changes` by key."""
    sheet = write_tsv(label["source"], "one\ttwo", label["record"]["form"])
    rows = list(csv.reader(io.StringIO(sheet), delimiter="\t"))
    values = typed(label) | around(label) | changes
    for row in rows[1:]:
        if row[0] in values:
            row[2] = values[row[0]]
    return rows


def save(path: Path, rows: list[list[str]], encoding: str = "utf-8", delimiter: str = "\t") -> Path:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    path.write_bytes(out.getvalue().encode(encoding))
    return path


# ------------------------------------------------------------------------------- the table for spreadsheets


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


# ------------------------------------------------------------------------------- the command


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


# ------------------------------------------------------------------------------- the page, as text


HOSTILE = (
    "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>\n"
    "<!-- --> ]]> {{ 7 * 7 }} {% raw %} \u2028 & < > \" ' \x00\x1b\n一、总体情况"
)


def page_data(html: str) -> dict[str, Any]:
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    return json.loads(found)


def test_a_hostile_report_is_data_in_the_page() -> None:
    html = write_html("<b>x</b>\"'.txt", HOSTILE)
    assert page_data(html)["lines"] == HOSTILE.split("\n")
    assert html.count("<script") == 2
    assert html.count("</script>") == 2
    assert "<img" not in html
    assert "<b>x" not in html
    assert "{{ 7 * 7 }}" in html
    assert "49" not in page_data(html)["lines"][1]


def test_the_policy_of_the_page_allows_its_own_script_alone() -> None:
    html = write_html("a.txt", "text")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy
    script = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    style = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    for kind, parts in (("script-src", script), ("style-src", style)):
        digest = base64.b64encode(hashlib.sha256(parts[0].encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in policy[1]
        assert len(parts) == 1
    assert "default-src 'none'" in policy[1]
    assert not re.search(r"(?:src|href)\s*=|https?:|url\(|@import", html.replace("default-src", ""))


def test_the_page_holds_no_reading_of_the_report() -> None:
    """Two reports that differ in their numbers alone give pages that differ in the text alone."""
    one, other = (page_data(write_html("a.txt", text)) for text in (text_of(), text_of().replace("20", "31")))
    assert one["lines"] != other["lines"]
    del one["lines"], one["sha256"], other["lines"], other["sha256"]
    assert one == other


# ------------------------------------------------------------------------------- the page, in a browser


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Page]:
    with browser.page(tmp_path_factory.mktemp("downloads")) as page:
        yield page


def open_sheet(tab: browser.Page, tmp_path: Path, source: str, text: str) -> None:
    path = tmp_path / "sheet.html"
    path.write_text(write_html(source, text), encoding="utf-8")
    tab.open(path)
    tab.run("localStorage.clear()")
    tab.open(path)
    for old in tab.folder.iterdir():
        old.unlink()


def choose(tab: browser.Page, form: str) -> None:
    tab.run(f"document.querySelector('[name=version][value=\"{form}\"]').click()")


def focus(tab: browser.Page, path: str) -> None:
    tab.run(f"document.querySelector('[data-path=\"{path}\"]').focus()")


def focused(tab: browser.Page) -> str:
    return str(tab.run("document.activeElement.dataset.path || document.activeElement.id"))


def value(tab: browser.Page, path: str) -> str:
    return str(tab.run(f"document.querySelector('[data-path=\"{path}\"]').value"))


def fill_around(tab: browser.Page, label: dict[str, Any]) -> None:
    for key, text in around(label).items():
        tab.run(f"document.getElementById('meta-{key.rpartition('.')[2].lstrip('#')}').focus()")
        tab.run("document.activeElement.select()")
        tab.type(text)


def notice(tab: browser.Page) -> str:
    return str(tab.run("document.getElementById('notice').hidden ? '' : document.getElementById('notice').textContent"))


@in_browser
@pytest.mark.parametrize(
    "name", [NAME, "anqu-2023-mixed-2019-table2", "laiyuan-2024-one-cell-a-line", "pingyang-2023-glued"]
)
def test_a_report_typed_in_by_keyboard_is_downloaded_as_its_gold(tab: browser.Page, tmp_path: Path, name: str) -> None:
    label = gold(name)
    open_sheet(tab, tmp_path, label["source"], text_of(name))
    assert tab.run("document.querySelectorAll('[data-path]').length") == 0
    fill_around(tab, label)
    choose(tab, label["record"]["form"])
    for group in {row.partition(".")[0] for row in label["record"]["requests"] if row.endswith(".all")}:
        tab.run(f"document.querySelector('[data-group={group}]').click()")
    values = typed(label)
    paths = tab.run("[...document.querySelectorAll('[data-path]')].map((input) => input.dataset.path)")
    assert sorted(paths) == sorted(values)
    focus(tab, paths[0])
    for path in paths:
        assert focused(tab) == path
        if values[path]:
            tab.type(values[path])
        tab.press("Enter")
    tab.run("document.getElementById('download').click()")
    assert notice(tab).startswith("Downloaded")
    out = tab.downloaded(f"{Path(label['source']).stem}.json").decode()
    assert json.loads(out) == label
    order = json.loads(out)
    assert out == dump_gold(order)
    assert tab.problems() == []


@in_browser
def test_the_page_of_a_hostile_report_runs_nothing_of_it(tab: browser.Page, tmp_path: Path) -> None:
    open_sheet(tab, tmp_path, "a.txt", HOSTILE)
    assert tab.run("typeof window.hacked") == "undefined"
    shown = tab.run("[...document.querySelectorAll('#text li')].map((line) => line.textContent)")
    assert shown == HOSTILE.split("\n")
    assert tab.run("document.querySelectorAll('#text *:not(li)').length") == 0
    tab.run("document.getElementById('search').value = '<script>'; search('<script>')")
    assert tab.run("document.querySelector('#text mark').textContent") == "<script>"
    assert tab.run("document.querySelectorAll('#text script, #text img').length") == 0
    added = "const s = document.createElement('script'); s.textContent = 'window.hacked = 3'; document.body.append(s);"
    assert tab.run(f"(() => {{ {added} s.remove(); return typeof window.hacked; }})()") == "undefined"


@in_browser
def test_what_was_typed_is_there_after_a_reload_and_for_that_report_alone(tab: browser.Page, tmp_path: Path) -> None:
    open_sheet(tab, tmp_path, "a.txt", "one")
    choose(tab, "2021")
    focus(tab, "requests.granted.total")
    tab.type("20")
    tab.open(tmp_path / "sheet.html")
    assert value(tab, "requests.granted.total") == "20"
    other = tmp_path / "other.html"
    other.write_text(write_html("a.txt", "two"), encoding="utf-8")
    tab.open(other)
    assert tab.run("document.querySelectorAll('[data-path]').length") == 0
    tab.open(tmp_path / "sheet.html")
    tab.run("document.getElementById('clear').click()")
    tab.run("document.getElementById('sure').click()")
    assert tab.run("document.querySelectorAll('[data-path]').length") == 0
    choose(tab, "2021")
    assert value(tab, "requests.granted.total") == ""


@in_browser
def test_keys_move_as_in_a_spreadsheet(tab: browser.Page, tmp_path: Path) -> None:
    open_sheet(tab, tmp_path, "a.txt", "x")
    choose(tab, "2021")
    focus(tab, "requests.granted.business")
    for key, shift, path in (
        ("ArrowDown", False, "requests.granted_in_part.business"),
        ("ArrowDown", False, "requests.denied.state_secret.business"),
        ("ArrowUp", False, "requests.granted_in_part.business"),
        ("ArrowRight", False, "requests.granted_in_part.research_institution"),
        ("ArrowLeft", False, "requests.granted_in_part.business"),
        ("Enter", False, "requests.granted_in_part.research_institution"),
        ("Enter", True, "requests.granted_in_part.business"),
        ("Tab", False, "requests.granted_in_part.research_institution"),
        ("Tab", True, "requests.granted_in_part.business"),
    ):
        tab.press(key, shift)
        assert focused(tab) == path, key
    tab.type("12")
    tab.press("ArrowLeft")
    assert focused(tab) == "requests.granted_in_part.business", "inside a number the arrow moves the caret"


@in_browser
def test_nothing_false_and_nothing_overlooked_is_downloaded(tab: browser.Page, tmp_path: Path) -> None:
    open_sheet(tab, tmp_path, "a.txt", "x")
    download = "document.getElementById('download').click()"
    tab.run(download)
    assert "labelled by" in notice(tab)
    fill_around(tab, gold())
    tab.run(download)
    assert "no form is chosen" in notice(tab)
    choose(tab, "2021")
    focus(tab, "requests.granted.total")
    tab.type("2 O")
    tab.press("Enter")
    tab.run(download)
    assert "Not downloaded" in notice(tab)
    assert "2 O" in notice(tab)
    assert focused(tab) == "requests.granted.total"
    tab.type("20")
    tab.press("Enter")
    tab.run(download)
    assert re.match(r"17\d cells were never looked at|1[89]\d cells were never looked at", notice(tab)), notice(tab)
    assert list(tab.folder.iterdir()) == []
    tab.run("document.getElementById('anyway').click()")
    assert json.loads(tab.downloaded("a.json"))["record"]["requests"]["granted"]["total"] == 20


@in_browser
def test_broken_sums_are_shown_on_demand_only_and_the_label_says_so(tab: browser.Page, tmp_path: Path) -> None:
    open_sheet(tab, tmp_path, "a.txt", "x")
    choose(tab, "2021")
    focus(tab, "reconsideration.upheld")
    for text in ("1", "0", "1", "3", "6"):
        tab.type(text)
        tab.press("Enter")
    hidden = "document.getElementById('broken').hidden"
    assert tab.run(hidden) is True
    tab.run("document.getElementById('sums').click()")
    assert tab.run(hidden) is False
    assert "reconsideration.sum: 5 ≠ 6" in tab.run("document.getElementById('broken').textContent")
    tab.run("document.getElementById('sums').click()")
    assert tab.run(hidden) is True
    fill_around(tab, gold())
    tab.run("document.getElementById('download').click()")
    tab.run("document.getElementById('anyway').click()")
    how = json.loads(tab.downloaded("a.json"))["labelled"]["how"]
    assert how == gold()["labelled"]["how"] + "; broken sums were shown"


@in_browser
@pytest.mark.parametrize(
    "name", ["dongpu-2023-tabs-total-forgot-row", "changtang-2021-grid-row-sum-error", "guanyan-2022-groups-only", NAME]
)
def test_the_sums_of_the_page_are_the_equations_of_the_form(tab: browser.Page, tmp_path: Path, name: str) -> None:
    from extractor.rules.hard import equation_outcomes
    from extractor.rules.intake import take

    label = gold(name)
    case = take(label, None).case
    assert case
    expected = {
        f"{finding.rule}: {finding.left} ≠ {finding.right}"
        for finding in equation_outcomes(case)[0]
        if finding.status == "fail" and all(case.values.get(path) is not None for path in finding.cells)
    }
    open_sheet(tab, tmp_path, "a.txt", "x")
    choose(tab, label["record"]["form"])
    for group in {row.partition(".")[0] for row in label["record"]["requests"] if row.endswith(".all")}:
        tab.run(f"document.querySelector('[data-group={group}]').click()")
    tab.run(
        f"Object.entries({json.dumps(typed(label))}).forEach(([path, text]) =>"
        " { const input = inputs.get(path); input.value = text; leave(input); })"
    )
    tab.run("document.getElementById('sums').click()")
    lines = tab.run("[...document.querySelectorAll('#broken p')].slice(1).map((line) => line.textContent)")
    assert set(lines) == expected


@in_browser
@pytest.mark.parametrize(
    ("pasted", "expected"),
    [
        ("20\\t0\\t0\\t0\\t0\\t0\\t20", ["20", "0", "0", "0", "0", "0", "20"]),
        ("20\\t\\t0\\t\\t0\\t0\\t20\\n", ["20", "", "0", "", "0", "0", "20"]),
        ("| 20 | / | 0 | 0 | 0 | 0 | 20 |", ["20", "/", "0", "0", "0", "0", "20"]),
        ("20 0 0 0 0 0 20", ["20", "0", "0", "0", "0", "0", "20"]),
        ("0\\t0\\t0\\t0\\t0\\t0", None),
        ("（一）予以公开\\t20\\t0\\t0\\t0\\t0\\t0\\t20", None),
    ],
)
def test_a_pasted_row_fills_the_row_only_if_it_fits(
    tab: browser.Page, tmp_path: Path, pasted: str, expected: list[str] | None
) -> None:
    open_sheet(tab, tmp_path, "a.txt", "x")
    choose(tab, "2021")
    focus(tab, "requests.granted.natural_person")
    tab.run(
        f"(() => {{ const data = new DataTransfer(); data.setData('text', '{pasted}'); "
        "const event = new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true}); "
        "document.activeElement.dispatchEvent(event); })()"
    )
    row = tab.run("[...document.querySelectorAll('[data-path^=\"requests.granted.\"]')].map((input) => input.value)")
    assert row == (expected or [""] * 7)
    assert ("nothing was filled" in notice(tab)) == (expected is None)


@in_browser
def test_the_text_can_be_searched(tab: browser.Page, tmp_path: Path) -> None:
    open_sheet(tab, tmp_path, "a.txt", text_of())
    lines = text_of().split("\n")
    assert tab.run("document.querySelectorAll('#text li').length") == len(lines)
    tab.run("document.getElementById('search').focus()")
    tab.type("行政复议")
    times = text_of().count("行政复议")
    assert times > 1
    assert tab.run("document.querySelectorAll('#text mark').length") == times
    assert tab.run("document.getElementById('matches').textContent") == f"1 / {times}"
    tab.press("Enter")
    assert tab.run("document.getElementById('matches').textContent") == f"2 / {times}"
    assert tab.run("[...document.querySelectorAll('#text li')].map((line) => line.textContent)") == lines


# ------------------------------------------------------------------------------- two passes


def compare(tmp_path: Path, a: dict[str, Any], b: dict[str, Any]) -> tuple[int, dict[str, Any], str]:
    for name, label in (("a", a), ("b", b)):
        (tmp_path / f"{name}.json").write_text(json.dumps(label, ensure_ascii=False), encoding="utf-8")
    code, out, err = gouji("label", "compare", tmp_path / "a.json", tmp_path / "b.json", "--json")
    return code, json.loads(out), err


def test_two_equal_passes_agree(tmp_path: Path) -> None:
    code, found, err = compare(tmp_path, gold(), gold())
    assert code == 0
    assert (found["cells"], found["same"], found["exact"], found["kappa"]) == (200, 200, 1.0, 1.0)
    assert found["adjudicate"] == found["around"] == []
    assert found["matrix"]["blank"]["blank"] == 12
    assert "both passes are by 'hand'" in err


def test_each_difference_is_named_with_its_kind(tmp_path: Path) -> None:
    other = gold()
    other["labelled"]["by"] = "someone else"
    requests = other["record"]["requests"]
    requests["granted"]["business"] = 0
    requests["granted"]["total"] = 21
    requests["carried_out"]["total"] = None
    other["record"]["disclosure"]["coercion"]["decisions"] = "?"
    other["record"]["disclosure"]["fees"] = {"amount": "16085.1007350", "unit": None}
    other["year"] = 2023
    code, found, err = compare(tmp_path, gold(), other)
    assert code == 1
    assert err == ""
    assert [(d["path"], d["a"], d["b"], d["differs"]) for d in found["adjudicate"]] == [
        ("disclosure.coercion.decisions", 18, "?", "class"),
        ("requests.granted.business", None, 0, "class"),
        ("requests.granted.total", 20, 21, "number"),
        ("requests.carried_out.total", 0, None, "class"),
    ]
    assert found["around"] == [
        {"key": "year", "a": 2024, "b": 2023},
        {"key": "disclosure.fees.unit", "a": "万元", "b": None},
    ]
    assert (found["cells"], found["same"]) == (200, 196)
    assert found["tables"] == {
        "disclosure": {"cells": 10, "same": 9},
        "requests": {"cells": 175, "same": 172},
        "disputes": {"cells": 15, "same": 15},
    }
    assert found["matrix"]["blank"] == {"blank": 11, "zero": 1, "nonzero": 0, "undecidable": 0}
    assert 0.9 < found["kappa"] < 1
    code, out, _ = gouji("label", "compare", tmp_path / "a.json", tmp_path / "b.json")
    assert code == 1
    assert "requests.granted.business: blank | 0   （一）予以公开 · 商业企业" in out.decode()
    assert "196 of 200 cells are equal" in out.decode()


def test_a_row_that_only_one_pass_has_is_a_difference_even_where_its_cells_are_blank(tmp_path: Path) -> None:
    one, other = gold("baishahe-2021-tabs-group-row"), gold("baishahe-2021-tabs-group-row")
    del other["record"]["requests"]["denied.all"]
    code, found, _ = compare(tmp_path, one, other)
    assert code == 1
    assert len(found["adjudicate"]) == 7
    assert {item["b"] for item in found["adjudicate"]} == {"absent"}


def test_kappa_is_cohens() -> None:
    """The textbook table 20 5 / 10 15: observed 0.7, by chance 0.5, kappa 0.4."""
    assert kappa({"x": {"x": 20, "y": 5}, "y": {"x": 10, "y": 15}}) == pytest.approx(0.4)
    assert kappa({"x": {"x": 10, "y": 0}, "y": {"x": 0, "y": 0}}) is None
    assert kappa({"x": {"x": 0, "y": 5}, "y": {"x": 5, "y": 0}}) == pytest.approx(-1)
    assert kappa({}) is None


def test_one_class_alone_has_no_kappa(tmp_path: Path) -> None:
    label = gold("yangliugou-2024-narrative-only")
    code, found, _ = compare(tmp_path, label, label)
    assert (code, found["kappa"], found["exact"]) == (0, None, 1.0)
    _, out, err = gouji("label", "compare", tmp_path / "a.json", tmp_path / "a.json")
    assert "kappa not defined" in out.decode()
    assert "the same file" in err
