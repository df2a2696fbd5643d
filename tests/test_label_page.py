"""The labelling page: true to the text, and tried in a real browser where there is one."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browser
import pytest
from extractor.eval.sheets import dump_gold, write_html
from labels import NAME, around, gold, text_of, typed

in_browser = pytest.mark.skipif(browser.CHROMIUM is None, reason="no chromium: apt-get install chromium")


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
