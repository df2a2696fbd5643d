"""The bench's own arithmetic and plumbing; what it measures on this machine is not asserted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from extractor.eval.bench import __main__ as bench
from extractor.eval.bench import growth, hostile, html, imports, memory, reading
from extractor.eval.bench.measure import Target, best_of, doublings, figure, floor, floor_pattern, percentile
from extractor.eval.bench.papers import LAYOUTS, paper
from extractor.eval.bench.report import markdown

from extractor.pipeline import extract_all

TINY = replace(
    bench.SHORT,
    per_family=1,
    pages=2,
    repeats=1,
    hostile_bytes=3_000,
    hostile_cases=("ordinary prose", "digits in table 3"),
    soak=40,
    families=("tabs", "glued", "html"),
    pdfs=0,
)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([3, 1, 2], 0.5, 2), (list(range(1, 11)), 0.9, 9), (list(range(1, 12)), 0.9, 10), ([7], 0.9, 7), ([1, 2], 1, 2)],
)
def test_percentile(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected


def test_doublings_compare_each_size_with_the_one_before() -> None:
    assert doublings([1.0, 2.0, 3.0, 12.0]) == [2.0, 1.5, 4.0]
    assert doublings([1.0]) == []


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.0312, "0.031"), (1.999, "2.00"), (4.23, "4.23"), (172.4, "172")]
)
def test_figures_have_the_digits_they_deserve(value: float, text: str) -> None:
    assert figure(value) == text


def test_a_target_is_met_at_its_limit() -> None:
    assert Target("a", 25.0, 25.0).met
    assert not Target("a", 25.01, 25.0).met


def test_best_of_takes_turns() -> None:
    order: list[str] = []
    best = best_of(2, lambda: order.append("a"), lambda: order.append("b"))
    assert order == ["a", "b", "a", "b"]
    assert len(best) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("（一）予以公开12", ["予以公开", "12"]),
        ("自 然\n人 3.50", ["自 然\n人", "3.50"]),
        ("其他法律、行政法规禁止公开|0", ["其他法律、行政法规禁止公开", "0"]),
        ("天气晴", []),
    ],
)
def test_the_floor_finds_labels_and_numbers(text: str, expected: list[str]) -> None:
    assert floor_pattern().findall(text) == expected
    floor(text.encode())


@pytest.mark.parametrize(
    ("group", "limit"), [("tabs", 25), ("glued", 60), ("half_glued", 60), ("fixtures", 25), ("fixtures, glued", 60)]
)
def test_glued_pages_may_cost_more(group: str, limit: float) -> None:
    assert reading.limit_of(group) == limit


def test_groups_are_summed_up() -> None:
    timed = [reading.Timed("tabs", str(n), 10, read, 1.0) for n, read in enumerate((5.0, 9.0, 30.0))]
    (row,) = reading.by_group(timed)
    assert (row["median"], row["worst"], row["worst_document"], row["over"]) == (9.0, 30.0, "2", 1)
    assert [target.met for target in reading.targets([row])] == [True]


def test_pages_are_compared_with_pandas_where_it_finds_a_table(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<table><tr><td>一</td><td>1</td></tr></table>", encoding="gbk")
    (tmp_path / "b.html").write_text("<p>1</p>", encoding="utf-8")
    (timed,) = html.measure(tmp_path, 0, 1)
    (row,) = html.by_group([timed])
    assert (row["group"], row["documents"], row["worst_document"]) == ("fixtures", 1, "a.html")
    assert row["median"] == timed.text / timed.pandas
    assert [target.limit for target in html.targets([row])] == [3.0, 3.0]


@pytest.mark.parametrize("layout", ["tabs", "pipes"])
def test_papers_are_reports_that_the_reader_proves(layout: str) -> None:
    assert paper(5, layout) == paper(5, layout) != paper(6, layout)
    for seed in range(5):
        assert [result.verdict for result in extract_all(paper(seed, layout))] == ["verified"]


def test_papers_are_small_and_glued_ones_hold_their_tables() -> None:
    assert all(1_500 < len(paper(seed, layout).encode()) < 4_000 for seed in range(5) for layout in LAYOUTS)
    assert extract_all(paper(5, "glued"))[0].verdict != "failed"


@pytest.mark.parametrize("case", growth.CASES)
def test_growing_texts_grow(case: str) -> None:
    lengths = [len(growth.CASES[case](times)) for times in growth.TIMES]
    assert lengths == sorted(set(lengths))


def test_a_doubled_narrative_is_a_doubled_text() -> None:
    one, two = (len(growth.narrative(times)) for times in (1, 2))
    assert abs(two - 2 * one) <= 2


@pytest.mark.parametrize("case", hostile.CASES)
def test_hostile_texts_have_their_size(case: str) -> None:
    assert 9_900 < len(hostile.CASES[case][0](10_000).encode()) < 14_000


def test_trusting_hostile_figures_misses_the_target() -> None:
    row = {"case": "x", "seconds": 1.0, "verdict": "reconciled", "trusted_ok": False}
    assert [target.met for target in hostile.targets([row])] == [True, False]
    assert all(target.met for target in hostile.targets([{**row, "verdict": "needs_review"}]))


def test_resident_memory_is_read_from_the_status() -> None:
    assert memory.rss_kb("Name:\tpython\nVmPeak:\t  900 kB\nVmRSS:\t   35420 kB\nThreads:\t1\n") == 35420


def test_folders_are_filled_ahead_and_emptied_behind(tmp_path: Path) -> None:
    folders = memory.Folders(tmp_path, 45, 10)
    held = []
    for read in (0, 10, 20, 30, 40, 45):
        folders.upto(read)
        held.append([len(list(folder.iterdir())) for folder in sorted(tmp_path.iterdir())])
    assert held == [
        [10, 10, 10, 0, 0],
        [10, 10, 10, 10, 0],
        [10, 10, 10, 5],
        [10, 10, 5],
        [10, 5],
        [10, 5],
    ]


def test_no_command_loads_a_model_library() -> None:
    rows = imports.measure()
    assert [(row["loaded"], row["code"] or 0) for row in rows] == [([], 0)] * 3


def test_the_short_form_measures_everything_and_writes_a_page() -> None:
    fixtures = Path(__file__).parent.parent / "fixtures" / "reports"
    results, targets = bench.run(TINY, fixtures, say=False)
    assert json.loads(json.dumps(results)).keys() == results.keys()
    assert {"reading", "html", "growth", "hostile", "memory", "imports", "targets"} <= results.keys()
    assert results["memory"]["documents"] == 40
    assert {row["group"] for row in results["reading"]} >= {"fixtures", "tabs", "glued", "html"}
    page = markdown(results, targets)
    for word in ("## Reading", "## Pages", "## Growth", "## Hostile", "## Memory", "## Imports"):
        assert word in page
    assert str(Path.home()) not in page
    assert "/tmp" not in page


def test_a_missed_target_is_exit_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(bench, "run", lambda *_: ({}, [Target("speed", 30.0, 25.0)]))
    monkeypatch.setattr(bench, "markdown", lambda *_: "page")
    assert bench.main(["--short"]) == 1
    assert "missed speed: 30 × (target ≤ 25 ×)" in capsys.readouterr().err
