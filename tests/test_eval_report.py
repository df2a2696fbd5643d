"""The HTML page of an evaluation: its figures, what is escaped, and what a real browser makes of it."""

from __future__ import annotations

import functools
import http.server
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from extractor.eval.figures import figures
from extractor.eval.report import render
from extractor.eval.report.marks import excerpt
from extractor.eval.report.numbers import clean, duration, percent
from extractor.eval.score import outcome, table_of
from lxml import html

from extractor.form import FORM, REQUEST_COLUMNS, REQUEST_ROWS, TABLES, cell_paths

SOURCE = "（一）予以公开\t20\t0\t3\t0\t0\t0\t23\n"
PATHS = [path for table in TABLES for path in cell_paths("2021")[table]]
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&</pre>"

Cell = dict[str, Any]


def document(
    name: str,
    answers: dict[str, tuple[Any, Any]] | None = None,
    *,
    system: str = "rule",
    family: str = "tabs",
    verdicts: dict[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A scored document: every gold cell is 0 and answered 0 but for `answers`, {path: (gold, value)}."""
    verdicts = verdicts or dict.fromkeys(TABLES, "verified")
    cells: list[Cell] = []
    for path in PATHS:
        gold, value = (answers or {}).get(path, (0, 0))
        trusted = verdicts[table_of(path)] in ("verified", "reconciled", "inconsistent")
        cell: Cell = {"path": path, "gold": gold, "value": value, "trusted": trusted}
        cell |= {
            "state": "reported" if value is not None else "missing",
            "method": "rule" if value is not None else None,
        }
        cell |= {"span": None, "raw": None, "outcome": outcome(gold, cell, trusted)}
        cells.append(cell)
    base = {
        "type": "document", "system": system, "repeat": 0, "name": name, "source": f"{name}.txt", "family": family,
        "form": "2021", "year": 2024, "organization": "中阳县人民政府", "verdict": verdicts["requests"],
        "verdicts": verdicts, "seconds": 0.01, "error": None, "cells": cells, "excerpts": {}, "findings": [],
        "claims": None, "usage": {"calls": 0, "prompt_tokens": 0, "completion_tokens": 0, "cost": None},
    }  # fmt: skip
    return {**base, **more}


def spanned(one: dict[str, Any], path: str, start: int, raw: str) -> dict[str, Any]:
    """The document with a span and an excerpt for one cell; the excerpt starts at 100 in the source."""
    cell = next(cell for cell in one["cells"] if cell["path"] == path)
    cell |= {"span": [100 + start, 100 + start + len(raw)], "raw": raw}
    one["excerpts"][path] = {"text": SOURCE, "start": 100}
    return one


def run_of(documents: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    systems = list(dict.fromkeys(one["system"] for one in documents))
    return {
        "type": "run", "version": 1, "status": "done", "started": "2026-11-22T10:00:00+00:00", "systems": systems,
        "model": None, "repeats": 1, "gouji_version": "0.1.0", "git": "611c67d", "gold": [], "unlabelled": 0, **more,
    }  # fmt: skip


def page(documents: list[dict[str, Any]], **more: Any) -> tuple[Any, str]:
    """The parsed page and its text."""
    run = run_of(documents, **more)
    of = {name: figures([d for d in documents if d["system"] == name], draws=40) for name in run["systems"]}
    text = render(of, documents, run)
    return html.document_fromstring(text), text


def lines_of(element: Any, boxes: str = "td") -> dict[str, list[str]]:
    """The rows of a table by their head: the words of each box."""
    return {
        words(row.cssselect("th")[0]): [words(box) for box in row.cssselect(boxes)]
        for row in element.cssselect("tr")
        if row.cssselect("th")
    }


def words(element: Any) -> str:
    return " ".join(element.text_content().split())


ERRORS = [
    spanned(
        document("first", {"requests.granted.research_institution": (30, 3), "requests.granted.total": (23, None)}),
        "requests.granted.research_institution", 13, "3",
    ),
    document("second", {"requests.granted.total": (7, 8), "reconsideration.total": (None, 4)}, family="PDF raw text"),
    document(
        "third", {"requests.carried_in.total": (5, 6), "requests.carried_out.total": (1, None)},
        family="PDF raw text", verdicts={"disclosure": "verified", "requests": "needs_review", "disputes": "failed"},
    ),
    document("fourth", {"disclosure.fees.amount": ("?", "12.50"), "disclosure.licensing.decisions": ("?", None)}),
]  # fmt: skip


# ------------------------------------------------------------------------------------------------ figures


def test_escapes_stand_first_and_are_red_when_there_are_some() -> None:
    tree, _ = page(ERRORS)
    tiles = tree.cssselect(".escape")
    assert [words(tile.cssselect(".figure")[0]) for tile in tiles] == ["4"]
    assert "tone-bad" in tiles[0].get("class")
    assert "in 3 of 4 documents" in words(tiles[0])
    assert words(tree.cssselect("h2")[0]) == "Escapes"
    assert "escapes 4" in tree.findtext(".//title")


def test_escapes_are_green_only_where_something_was_trusted_and_the_run_is_done() -> None:
    good = [document("one"), document("two")]
    assert "tone-good" in page(good)[0].cssselect(".escape")[0].get("class")
    assert "up to 77.6 % of their like" in words(page(good)[0].cssselect(".escape")[0])
    stopped = page(good, status="interrupted")[0]
    assert "tone-none" in stopped.cssselect(".escape")[0].get("class")
    assert "not finished" in words(stopped.cssselect(".notices")[0])
    timid = [document("one", verdicts=dict.fromkeys(TABLES, "needs_review"))]
    tile = page(timid)[0].cssselect(".escape")[0]
    assert "tone-none" in tile.get("class")
    assert "no table was trusted" in words(tile)


def test_headline_figures_and_their_intervals() -> None:
    tree, _ = page(ERRORS)
    rows = {row.get("data-metric"): row for row in tree.cssselect("[data-metric]")}
    cells = 4 * len(PATHS) - 2
    right = cells - 6
    assert f"{100 * right / cells:.2f} %" in words(rows["Accuracy"])
    assert f"{right:,} / {cells:,}" in words(rows["Accuracy"])
    assert "0 % 0 / 5" in words(rows["Non-zero right"])
    assert "83.33 % 10 / 12" in words(rows["Coverage"])
    assert "58.33 % 7 / 12" in words(rows["Tables exact"])
    for row in rows.values():
        assert len(row.cssselect("svg.bar .dot")) == 1
    low, high = map(float, re.findall(r"([\d.]+) %", words(rows["Accuracy"].cssselect(".range-words")[0])))
    assert low <= 100 * right / cells <= high


def test_table_3_has_25_by_7_boxes_with_the_form_s_words_and_right_numbers() -> None:
    tree, _ = page(ERRORS)
    table = tree.cssselect("table[data-map=requests]")[0]
    heads = [words(head) for head in table.cssselect("thead th[lang]")]
    assert heads == [column.label for column in FORM.columns]
    rows = table.cssselect("tr[data-row]")
    assert [row.get("data-row") for row in rows] == list(REQUEST_ROWS)
    bad = {("granted", "research_institution"): 1, ("granted", "total"): 2, ("carried_in", "total"): 1,
           ("carried_out", "total"): 1}  # fmt: skip
    for row, spec in zip(rows, FORM.rows, strict=True):
        assert spec.label.split("（")[0] in words(row.cssselect("th[scope=row]")[0])
        boxes = row.cssselect("td.heat:not(.sum)")
        expected = [f"{bad.get((spec.key, column), 0)}/4" for column in REQUEST_COLUMNS]
        assert [words(box) for box in boxes] == expected
        assert ["h0" in box.get("class").split() for box in boxes] == [text == "0/4" for text in expected]
    assert words(table.cssselect("tfoot td")[-1]) == "5/700"
    assert sum(int(head.get("rowspan")) for head in table.cssselect("th.group")) == 19


def test_a_group_printed_as_one_row_stands_below_the_form_s_rows() -> None:
    one = document("one")
    one["cells"] += [
        {**one["cells"][0], "path": f"requests.denied.all.{column}", "gold": 2, "value": 2}
        for column in REQUEST_COLUMNS
    ]
    table = page([one])[0].cssselect("table[data-map=requests]")[0]
    assert len(table.cssselect("tr[data-row] td.heat:not(.sum)")) == 25 * 7
    assert [words(box) for box in table.cssselect("td.extra")] == ["0/1"] * 7


def test_families_by_table() -> None:
    table = page(ERRORS)[0].cssselect("table[data-map=families]")[0]
    rows = lines_of(table)
    disclosure, requests, disputes = (len(cell_paths("2021")[name]) for name in TABLES)
    assert rows["PDF raw text"][:3] == [f"0/{2 * disclosure}", f"3/{2 * requests}", f"1/{2 * disputes}"]
    assert rows["tabs"][:3] == [f"0/{2 * disclosure - 2}", f"2/{2 * requests}", f"0/{2 * disputes}"]


def test_blank_and_zero() -> None:
    table = page(ERRORS)[0].cssselect("table[data-map=confusion]")[0]
    rows = lines_of(table, "td b")
    assert rows["blank"] == ["0", "0", "1"]
    assert rows["0"] == ["0", f"{4 * len(PATHS) - 8}", "0"]
    assert rows["other number"] == ["2", "0", "3"]
    assert rows["undecidable “?”"] == ["1", "0", "1"]


def test_verdicts_and_the_curve() -> None:
    tree, _ = page(ERRORS)
    verdicts = lines_of(tree.cssselect("#verdicts")[0])
    assert verdicts["✓ verified"] == ["10", "6", "60.0 %", "6"]
    assert verdicts["? needs review"] == ["1", "0", "0 %", "0"]
    curve = tree.cssselect("svg.curve")[0]
    texts = [words(text) for text in curve.cssselect("text")]
    assert "coverage: answered / gold numbers" in texts
    assert "risk: wrong or invented / answered" in texts
    lines = tree.cssselect("#risk tbody tr")
    assert len(curve.cssselect("g.point")) == len(lines) == 5
    assert [words(box) for box in lines[0]][:2] == ["1", "verified"]


def test_systems_side_by_side() -> None:
    naive = [document(one["name"], {"requests.granted.total": (0, 17)}, system="naive") for one in ERRORS]
    tree, text = page([*ERRORS, *naive], repeats=1)
    assert [tile.get("data-system") for tile in tree.cssselect(".escape")] == ["rule", "naive"]
    assert [words(tile.cssselect(".figure")[0]) for tile in tree.cssselect(".escape")] == ["4", "4"]
    assert len(tree.cssselect("[data-metric=Accuracy]")) == 2
    assert len(tree.cssselect("table[data-map=requests]")) == 2
    assert len(tree.cssselect("svg.curve .series")) == 2
    fault = tree.cssselect("article.fault[data-path='requests.granted.research_institution']")[0]
    assert "not at fault here: naive 0 (right)" in words(fault)
    assert "rule" in words(fault.cssselect(".chips")[0])
    assert text.count("<h1>") == 1


def test_no_faults_no_documents() -> None:
    tree, _ = page([document("one"), document("two")])
    assert not tree.cssselect("details.document")
    assert "Not one cell is wrong" in words(tree.cssselect("#wrong")[0])
    empty = html.document_fromstring(render({}, [], {}))
    assert not empty.cssselect("#documents tbody tr")
    assert not empty.cssselect(".escape")


def test_an_unscored_document_has_no_figures_but_its_error() -> None:
    silent = document("silent", verdict="unscored", cells=[], error={"code": "endpoint", "message": "refused"})
    silent["cells"] = []
    tree, _ = page([document("one"), silent])
    assert "1 of 2 documents are unscored" in words(tree.cssselect(".notices")[0])
    row = next(row for row in tree.cssselect("#documents tbody tr") if "silent" in words(row))
    assert "endpoint · refused" in words(row)
    assert [words(box) for box in row.cssselect("td")][1:6] == ["—"] * 5


def test_repeats_are_told_apart() -> None:
    again = [{**document("first", {"requests.granted.total": (4, 5)}), "repeat": 1}]
    tree, _ = page([*ERRORS[:1], *again], repeats=2)
    assert {words(one) for one in tree.cssselect("#documents td.system")} == {"rule · 1", "rule · 2"}
    assert lines_of(tree.cssselect("#counts")[0])["rule · 2"] == ["1", "99.50 %", "0 %", "100 %"]


# ------------------------------------------------------------------------------------------------ wrong cells


def test_the_span_is_marked_in_its_excerpt() -> None:
    tree, _ = page(ERRORS)
    fault = tree.cssselect("article.fault[data-path='requests.granted.research_institution']")[0]
    assert words(fault.cssselect("h3 span")[0]) == FORM.words("requests.granted.research_institution")
    piece = fault.cssselect("pre")[0]
    assert piece.text_content() == "\n" + SOURCE  # a browser drops the first line feed
    assert [mark.text_content() for mark in piece.cssselect("mark")] == ["3"]
    assert piece.text == "\n" + SOURCE[:13]
    facts = {words(line.cssselect("dt")[0]): words(line.cssselect("dd")[0]) for line in fault.cssselect("dl div")}
    assert facts == {"gold": "30", "value": "3", "method": "rule", "state": "reported", "read from": "3 113–114"}
    assert [words(chip) for chip in fault.cssselect(".chip")] == ["▲ escaped", "wrong"]


def test_gravest_first_and_every_wrong_cell_once() -> None:
    tree, _ = page(ERRORS)
    documents = tree.cssselect("details.document")
    assert [words(one.cssselect("summary .doc-name")[0]) for one in documents] == ["second", "first", "fourth", "third"]
    assert len(tree.cssselect("article.fault")) == 7
    links = {link.get("href") for link in tree.cssselect("#documents a")}
    assert links == {f"#{one.get('id')}" for one in documents}


def test_what_finds_no_room_is_said_and_escapes_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("extractor.eval.report.faults.MOST_ANSWERS", 4)
    tree, _ = page(ERRORS)
    assert len(tree.cssselect("article.fault")) == len(tree.cssselect("article .o-escape")) == 4
    assert "3 stand in the run’s file only" in words(tree.cssselect(".notices")[0])
    monkeypatch.setattr("extractor.eval.report.view.MOST_READINGS", 3)
    tree, _ = page(ERRORS)
    assert len(tree.cssselect("#documents tbody tr")) == 3


@pytest.mark.parametrize(
    ("piece", "span", "raw", "parts", "note"),
    [
        ({"text": "a 0 0 b", "start": 10}, [14, 15], "0", ("a 0 ", "0", " b"), ""),
        ({"text": "a 0 0 b", "start": 10}, [99, 100], "0", ("a 0 0 b", "", ""), "lies outside"),
        ({"text": "a 0 0 b", "start": 10}, None, None, ("a 0 0 b", "", ""), ""),
        ("a 12 b 1", [7, 8], "1", ("a 12 b ", "1", ""), ""),
        ("a 0 0 b", [4, 5], "0", ("a 0 0 b", "", ""), "stands 2 times"),
        ("a b", [4, 5], "0", ("a b", "", ""), "is not in"),
        ({"text": "\n" * 9 + "5" + "x" * 300, "start": 0}, [9, 10], "5", ("…" + "\n" * 4, "5", "x" * 260 + "…"), ""),
    ],
)
def test_an_excerpt_marks_the_place_or_says_why_not(
    piece: Any, span: Any, raw: str | None, parts: tuple[str, str, str], note: str
) -> None:
    found = excerpt(piece, span, raw)
    assert found is not None
    assert (found.before, found.marked, found.after) == parts
    assert note in found.note if note else not found.note


def test_columns_are_not_broken() -> None:
    assert excerpt("行政处罚              744", None, None).columns  # type: ignore[union-attr]
    assert not excerpt("行政处罚\t744\n  行政强制 | 3 |", None, None).columns  # type: ignore[union-attr]


def test_no_excerpt() -> None:
    assert excerpt(None, [1, 2], "1") is None
    assert excerpt({"text": "", "start": 3}, [1, 2], "1") is None


@pytest.mark.parametrize(
    ("share", "shown"),
    [(1.0, "100 %"), (0.999999, "99.99 %"), (0.0, "0 %"), (0.0000001, "< 0.01 %"), (None, "—"), (0.5, "50.00 %")],
)
def test_percent_never_rounds_to_all_or_nothing(share: float | None, shown: str) -> None:
    assert percent(share) == shown


def test_durations() -> None:
    assert [duration(s) for s in (None, 0.0123, 1.25, 150, 7260)] == ["—", "12 ms", "1.2 s", "2 min 30 s", "2 h 01 min"]


# ------------------------------------------------------------------------------------------------ untrusted text


def hostile_documents(address: str = "http://example.invalid") -> list[dict[str, Any]]:
    """Documents that try to act on the page wherever a string of theirs comes out."""
    attack = f"{HOSTILE}<link rel=stylesheet href={address}/leak><img src={address}/leak>\x00\u202e\ud800"
    one = document(
        f"name{attack}", {"requests.granted.total": (f"1{attack}", None), f"{PATHS[0]}": (0, None)},
        family=f"family{attack}", source=f"source{attack}", organization=f"organization{attack}",
        year=attack, form=attack, error={"code": attack, "message": attack},
    )  # fmt: skip
    for cell in one["cells"]:
        if cell["outcome"] == "missed":
            cell |= {"span": [0, 5], "raw": attack, "state": attack, "method": attack}
            one["excerpts"][cell["path"]] = {"text": attack, "start": 0}
    one["cells"].append({**one["cells"][0], "path": "requests.no such.row", "gold": 1, "outcome": "missed"})
    return [one]


def hostile_page(address: str = "http://example.invalid") -> str:
    documents = hostile_documents(address)
    of = {"rule": figures([document("good"), document("two")], draws=10)}
    attack = documents[0]["form"]
    of["rule"]["by"]["family"] = {attack: of["rule"]["by"]["family"]["tabs"]}
    of["rule"]["heat"]["families"] = {attack: {"requests": {"gold": 3, "bad": 1}}}
    of["rule"]["verdicts"][attack] = {"tables": 1, "right_tables": 0}
    return render(of, documents, run_of(documents, model=attack, git=attack, started=attack, status=attack))


def test_everything_from_documents_is_escaped() -> None:
    text = hostile_page()
    assert text.encode("utf-8")
    assert "<script" not in text
    assert "<img" not in text
    assert "\x00" not in text
    assert "\u202e" not in text
    tree = html.document_fromstring(text)
    tags = {element.tag for element in tree.iter() if isinstance(element.tag, str)}
    assert not tags & {"script", "img", "iframe", "object", "embed", "form", "base", "audio", "video"}
    assert not [name for element in tree.iter() for name in element.attrib if name.startswith("on")]
    marks = [mark.text_content() for mark in tree.cssselect("pre mark")]
    assert not marks or all(HOSTILE in mark for mark in marks)
    assert any(HOSTILE in pre.text_content() for pre in tree.cssselect("pre"))
    assert HOSTILE in tree.cssselect("#documents th[scope=row]")[0].text_content()


def test_clean_keeps_text_and_shows_the_rest() -> None:
    assert clean("中文\t1\n") == "中文\t1\n"
    assert clean("a\x00\r\x1b\x7f\u202eb\ud800") == "a␀␍␛␡�b�"


def test_the_page_asks_for_nothing() -> None:
    for text in (page(ERRORS)[1], hostile_page()):
        tree = html.document_fromstring(text)
        assert not tree.xpath("//@src | //@srcset | //@action | //@formaction | //@poster | //@background")
        assert {link for link in tree.xpath("//@href") if not link.startswith("#")} == {"data:,"}
        style = "".join(tree.xpath("//style/text()"))
        assert "url(" not in style
        assert "@import" not in style
        assert not tree.xpath("//@style")
        policy = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
        assert policy[0].startswith("default-src 'none'")


def test_tables_have_heads_with_scope_and_headings_do_not_skip() -> None:
    tree, _ = page([*ERRORS, *[document("x", system="naive")]])
    for head in tree.cssselect("th"):
        assert head.get("scope") in ("row", "col", "rowgroup", "colgroup"), words(head)
    levels = [int(heading.tag[1]) for heading in tree.cssselect("h1, h2, h3, h4")]
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))
    for name in tree.xpath("//@aria-labelledby"):
        assert set(name.split()) <= set(ids)


# ------------------------------------------------------------------------------------------------ a real browser

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium")


def load(address: str, profile: Path) -> tuple[str, str]:
    """The DOM that the browser made of a page, and what it logged."""
    assert CHROMIUM is not None
    told = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", f"--user-data-dir={profile}", "--enable-logging=stderr",
         "--virtual-time-budget=4000", "--dump-dom", address],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return told.stdout, told.stderr


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Path, list[str]]]:
    """A server on loopback: its address, the folder it serves and the paths it was asked for."""
    asked: list[str] = []
    folder = tmp_path / "served"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            asked.append(self.path)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", folder, asked
    server.shutdown()
    server.server_close()


@browser
def test_a_browser_shows_it_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "报告 1.html"
    file.write_text(page(ERRORS)[1], encoding="utf-8")
    dom, log = load(file.as_uri(), tmp_path / "profile")
    assert "CONSOLE" not in log
    tree = html.document_fromstring(dom)
    assert words(tree.cssselect(".escape .figure")[0]) == "4"
    assert "83.33 % 10 / 12" in words(tree.cssselect("[data-metric=Coverage]")[0])
    assert len(tree.cssselect("tr[data-row] td.heat:not(.sum)")) == 25 * 7
    assert [mark.text_content() for mark in tree.cssselect("pre mark")] == ["3"]


@browser
def test_a_browser_asks_for_nothing_else(served: tuple[str, Path, list[str]], tmp_path: Path) -> None:
    address, folder, asked = served
    (folder / "page.html").write_text(hostile_page(address), encoding="utf-8")
    (folder / "open.html").write_text(f"<img src={address}/leak>", encoding="utf-8")
    dom, log = load(f"{address}/page.html", tmp_path / "profile")
    assert asked == ["/page.html"]
    assert "CONSOLE" not in log
    assert "rule" in dom
    load(f"{address}/open.html", tmp_path / "profile")
    assert "/leak" in asked  # the check can fail


@browser
def test_nothing_runs_over_the_edge(served: tuple[str, Path, list[str]], tmp_path: Path) -> None:
    address, folder, _ = served
    (folder / "page.html").write_text(page(ERRORS)[1], encoding="utf-8")
    probe = """<body><script>
    const widths = [360, 400, 768, 1200];
    for (const width of widths) {
      const frame = document.createElement("iframe");
      frame.style.cssText = `width:${width}px;height:800px;border:0`;
      frame.src = "page.html";
      frame.onload = () => {
        const page = frame.contentDocument.documentElement;
        const size = page.querySelector(".escape .figure").getBoundingClientRect().height;
        document.body.append(`[${width}: ${page.scrollWidth - page.clientWidth} ${size > 40}]`);
      };
      document.body.append(frame);
    }
    </script>"""
    (folder / "probe.html").write_text(probe, encoding="utf-8")
    dom, _ = load(f"{address}/probe.html", tmp_path / "profile")
    assert sorted(re.findall(r"\[(\d+): (-?\d+) (\w+)\]", dom)) == [
        ("1200", "0", "true"), ("360", "0", "true"), ("400", "0", "true"), ("768", "0", "true"),
    ]  # fmt: skip
