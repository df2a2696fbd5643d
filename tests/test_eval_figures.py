"""The figures: the contract recounted on the fixtures by other means; intervals, limits, excerpts, claims."""

from __future__ import annotations

import json
import random
from collections import Counter
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from eval_sets import Answers, figures_of, gold_set, run_of, two
from extractor.eval.bootstrap import draw_sums, intervals, upper_limit
from extractor.eval.counts import CELLS, DOCUMENTS, METRICS, RATES, USAGE, document_counts, ratio, sum_of
from extractor.eval.documents import excerpts
from extractor.eval.figures import clustered, figures
from extractor.eval.generated import generated
from extractor.eval.gold import load
from extractor.eval.harness import Plan, evaluate
from extractor.eval.limits import Limit, broken, parse, questionable
from extractor.eval.runs import Run
from extractor.eval.systems import Rule

from extractor.errors import UsageError

ROOT = Path(__file__).parent.parent
FIXTURES = ROOT / "fixtures"
TRUSTED = ("verified", "reconciled", "inconsistent")


@lru_cache(maxsize=1)
def fixtures_run() -> Run:
    gold = load(FIXTURES / "gold", FIXTURES / "reports", FIXTURES / "claims")
    return evaluate(gold, Plan(["rule"], lambda _: Rule())).run


@lru_cache(maxsize=1)
def fixtures_figures() -> dict[str, Any]:
    return fixtures_run().figures()["rule"]


# ------------------------------------------------------------------------------------------------ the contract


def recounted() -> Counter[str]:
    """CONTRACT, `gouji eval`, written down once more from its words, over results paired as the fixtures name them."""
    from extractor.document.sources import read_bytes
    from extractor.pipeline import extract_all

    counts: Counter[str] = Counter()
    by_source = {}
    for path in sorted((FIXTURES / "reports").iterdir()):
        for result in extract_all(read_bytes(path.read_bytes()), path.name):
            by_source[result.source] = result.to_json()
    for path in sorted((FIXTURES / "gold").glob("*.json")):
        gold = json.loads(path.read_text(encoding="utf-8"))
        result = by_source[gold["source"]]
        answered = {cell["path"]: cell for cell in result["cells"]}
        counts["documents"] += 1
        exact_document = True
        for table, blocks in (
            ("disclosure", ("disclosure",)),
            ("requests", ("requests",)),
            ("disputes", ("reconsideration", "litigation_direct", "litigation_after_reconsideration")),
        ):
            trusted = result["verdicts"][table] in TRUSTED
            exact = True
            for block in blocks:
                rows = gold["record"][block]
                rows = rows if block in ("disclosure", "requests") else {"": rows}
                for row, cells in rows.items():
                    for name, value in cells.items():
                        if name == "unit":
                            continue
                        cell = answered.get(".".join(part for part in (block, row, name) if part))
                        got = cell["value"] if cell else None
                        exact &= _count(counts, value, got, cell, trusted)
            counts["tables"] += 1
            counts["tables_trusted"] += trusted
            counts["tables_exact"] += exact
            exact_document &= exact
        counts["documents_exact"] += exact_document
    counts["cells"] = counts["right"] + counts["missed"] + counts["wrong"] + counts["invented"]
    return counts


def _count(counts: Counter[str], value: Any, got: Any, cell: Any, trusted: bool) -> bool:
    if value == "?":
        counts["undecidable"] += 1
        refused = got is None or not trusted
        counts["undecidable_refused"] += refused
        counts["escapes"] += not refused
        return refused
    if value is None:
        if got is None:
            counts["right"] += 1
        elif cell["method"] == "derived":
            counts["derived"] += 1
        else:
            counts["invented"] += 1
            counts["escapes"] += trusted
        return got is None or cell["method"] == "derived"
    right = got is not None and Decimal(str(got)) == Decimal(str(value))
    counts["nonzero"] += Decimal(str(value)) != 0
    counts["nonzero_right"] += Decimal(str(value)) != 0 and right
    if right:
        counts["right"] += 1
    elif got is None:
        counts["missed"] += 1
        counts["refused"] += not trusted
    else:
        counts["wrong"] += 1
        counts["escapes"] += trusted
    return right


CONTRACT = (
    "undecidable", "undecidable_refused", "right", "derived", "invented", "missed", "refused", "wrong", "cells",
    "nonzero", "nonzero_right", "escapes", "documents", "documents_exact", "tables", "tables_trusted", "tables_exact",
)  # fmt: skip


def test_the_contracts_counts_on_the_fixtures() -> None:
    counts, found = recounted(), fixtures_figures()
    assert {name: found[name] for name in CONTRACT} == {name: counts[name] for name in CONTRACT}
    assert found["accuracy"] == counts["right"] / counts["cells"]
    assert (found["calls"], found["prompt_tokens"], found["completion_tokens"]) == (0, 0, 0)


def test_what_the_fixtures_know_of_the_reader() -> None:
    found = fixtures_figures()
    assert (found["escapes"], found["wrong"], found["invented"]) == (0, 0, 0)
    assert found["undecidable_refused"] == found["undecidable"] > 0
    assert found["findings_recall"] == found["findings_precision"] == 1.0
    assert found["unscored"] == found["extra_reports"] == 0
    assert set(found["by"]["form"]) == {"2019", "2021"}
    assert found["claims"]["precision"] >= 0.98


def test_the_file_with_two_reports_is_two_documents() -> None:
    first, second = (d for d in fixtures_run().documents if d["source"].startswith("heshu-two-years"))
    assert [d["answered"]["year"] for d in (first, second)] == [first["year"], second["year"]]
    assert {cell["outcome"] for d in (first, second) for cell in d["cells"]} <= {"right", "derived"}


# ------------------------------------------------------------------------------------------------ intervals


def clusters() -> list[Counter[str]]:
    documents = fixtures_run().documents
    return list(clustered(documents, [document_counts(document) for document in documents]).values())


def test_the_same_seed_draws_the_same_intervals() -> None:
    some = clusters()
    assert intervals(some, seed=1, draws=200) == intervals(some, seed=1, draws=200)
    assert intervals(some, seed=1, draws=200) != intervals(some, seed=2, draws=200)


def test_an_interval_holds_its_figure_and_narrows_with_more_documents() -> None:
    some = clusters()
    total = sum_of(some)
    few, many = intervals(some, draws=500), intervals(some * 9, draws=500)
    for rate in ("accuracy", "nonzero_accuracy", "coverage", "documents_exact_rate"):
        for low, high in (few[rate] or [], many[rate] or []):
            assert low <= (ratio(total, rate) or 0) <= high
        (low, high), (lower, higher) = few[rate] or [0, 0], many[rate] or [0, 0]
        assert higher - lower < (high - low) / 2


def test_documents_are_drawn_whole() -> None:
    """Two documents, one all right and one all wrong: a third of the draws see only one of them."""
    golds = two()
    answers = Answers(golds)
    answers.values["a"] = dict.fromkeys(answers.values["a"], 77)
    found = intervals(
        list(clustered(d := run_of(golds, answers).documents, [document_counts(one) for one in d]).values())
    )
    assert found["accuracy"] == [0.0, 1.0]
    drawn = [sums[0] for sums in draw_sums([[1], [0]], 3, 4000)]
    assert 0.22 < drawn.count(0) / 4000 < 0.28


def test_one_document_tells_nothing_of_the_spread() -> None:
    golds = {"a": two()["a"]}
    assert set(figures_of(golds, Answers(golds))["intervals"].values()) == {None}


def test_repeats_of_a_document_are_one_cluster() -> None:
    golds = two()

    class Moody(Answers):
        def read(self, text: str, source: str) -> list[dict[str, Any]]:
            if self.asked.count("a") == 1:
                self.values["a"]["disclosure.licensing.decisions"] = 13
            return super().read(text, source)

    run = run_of(golds, Moody(golds), repeats=3)
    found = figures(run.documents, draws=300)
    assert (found["documents"], found["cells"], found["right"], found["escapes"]) == (6, 126, 124, 2)
    assert found["escape_documents"] == 1
    assert [one["escapes"] for one in found["repeats"]] == [0, 1, 1]
    once = figures([d for d in run.documents if d["repeat"] == 1], draws=300)
    assert found["intervals"]["blank_accuracy"] == once["intervals"]["blank_accuracy"]


@pytest.mark.parametrize(
    ("events", "trials", "limit"), [(0, 48, 0.0605), (0, 1, 0.95), (1, 48, 0.0951), (48, 48, 1.0), (5, 10, 0.7776)]
)
def test_exact_upper_limits(events: int, trials: int, limit: float) -> None:
    """Clopper-Pearson, one-sided 95 %; for no event 1 - 0.05^(1/n)."""
    assert upper_limit(events, trials) == pytest.approx(limit, abs=2e-4)


def test_no_upper_limit_without_a_trial() -> None:
    assert upper_limit(0, 0) is None


# ------------------------------------------------------------------------------------------------ usage and limits


def test_usage_is_added_up_and_an_unpriced_call_has_no_price() -> None:
    golds = two()
    answers = Answers(golds)
    answers.usage["a"] = {"calls": 3, "prompt_tokens": 100, "completion_tokens": 10, "cost": "0.0012"}
    found = figures_of(golds, answers)
    assert {name: found[name] for name in (*USAGE, "cost")} == {
        "calls": 3, "prompt_tokens": 100, "completion_tokens": 10, "cost": "0.0012",
    }  # fmt: skip
    answers.usage["b"] = {"calls": 1, "prompt_tokens": 1, "completion_tokens": 1, "cost": None}
    assert figures_of(golds, answers)["cost"] is None


def test_every_metric_is_a_figure_and_every_rate_has_its_interval() -> None:
    found = fixtures_figures()
    assert set(METRICS) <= found.keys()
    assert set(found["intervals"]) == set(RATES)
    assert {*CELLS, *DOCUMENTS} <= set(METRICS)


def test_limits_are_read() -> None:
    assert parse("accuracy=0.995", "under", ["rule"]) == Limit("under", "accuracy", 0.995, None)
    assert parse("hybrid.escapes=0", "over", ["rule", "hybrid"]) == Limit("over", "escapes", 0.0, "hybrid")
    for raw, code in (
        ("acuracy=1", "unknown_metric"), ("=1", "unknown_metric"), ("accuracy", "bad_limit"),
        ("accuracy=", "bad_limit"), ("accuracy=much", "bad_limit"), ("accuracy=nan", "bad_limit"),
        ("naive.accuracy=1", "unknown_system"), ("by=1", "unknown_metric"),
    ):  # fmt: skip
        with pytest.raises(UsageError) as caught:
            parse(raw, "under", ["rule"])
        assert caught.value.code == code, raw


def test_limits_are_kept_at_the_limit_itself() -> None:
    found = {"rule": {"accuracy": 0.9, "escapes": 0, "cost": "0.50", "claims_recall": None}}

    def kept(side: Any, metric: str, value: float) -> bool:
        return not broken([Limit(side, metric, value)], found)

    assert kept("under", "accuracy", 0.9)
    assert not kept("under", "accuracy", 0.9000001)
    assert kept("over", "escapes", 0)
    assert not kept("over", "cost", 0.49)
    assert not kept("under", "claims_recall", 0.0)
    assert list(questionable([Limit("under", "escapes", 0)])) != []
    assert list(questionable([Limit("over", "escapes", 0), Limit("under", "accuracy", 1)])) == []


# ------------------------------------------------------------------------------------------------ excerpts, claims


def test_every_excerpt_is_the_text_and_holds_its_span() -> None:
    gold = gold_set({"a": two()["a"]}, {"a": "x" * 300 + "12" + "y" * 300 + " 予以 公\n开 " + "z" * 300})
    text = gold.text("a.txt")
    cells = [
        {"path": "disclosure.licensing.decisions", "outcome": "wrong", "span": [300, 302]},
        {"path": "disclosure.licensing.other", "outcome": "missed", "span": None},
        {"path": "requests.granted.total", "outcome": "missed", "span": None},
        {"path": "requests.carried_in.total", "outcome": "missed", "span": None},
        {"path": "requests.granted.business", "outcome": "right", "span": [300, 302]},
    ]
    del cells[-1]
    found = excerpts(cells, text)
    assert set(found) == {"disclosure.licensing.decisions", "disclosure.licensing.other", "requests.granted.total"}
    for piece in found.values():
        assert text[piece["start"] : piece["start"] + len(piece["text"])] == piece["text"]
    piece = found["disclosure.licensing.decisions"]
    assert piece["text"][300 - piece["start"] : 302 - piece["start"]] == "12"
    assert "予以 公\n开" in found["requests.granted.total"]["text"]


def test_right_cells_have_no_excerpt() -> None:
    assert excerpts([{"path": "requests.granted.total", "outcome": "right", "span": [0, 2]}], "12") == {}


def test_claims_are_scored_where_they_are_labelled() -> None:
    claim = {"field": "requests.granted.total", "value": 3, "scope": "body", "year": 2024, "span": [0, 2], "raw": "3"}
    golds = two()
    gold = gold_set(golds)
    gold.claims["a.txt"] = [claim, {**claim, "field": "requests.denied.all.total"}]

    class Talking(Answers):
        def read(self, text: str, source: str) -> list[dict[str, Any]]:
            return [{**one, "claims": [claim, {**claim, "value": 9}]} for one in super().read(text, source)]

    run = evaluate(gold, Plan(["rule"], lambda _: Talking(golds))).run
    assert [document["claims"] for document in run.documents] == [{"right": 1, "missed": 1, "invented": 1}, None]
    found = figures(run.documents, draws=10)
    assert found["claims"] == {"right": 1, "missed": 1, "invented": 1, "precision": 0.5, "recall": 0.5}


# ------------------------------------------------------------------------------------------------ generated sets


def test_generated_sets_are_the_same_for_the_same_seed() -> None:
    one, again, other = generated(4, 7), generated(4, 7), generated(4, 8)
    assert one.labels == again.labels
    assert [label.name for label in one.labels] != [label.name for label in other.labels]
    assert {label.family for label in generated(3, 1, ["html"]).labels} == {"html"}
    for label in one.labels:
        assert one.text(label.file) == again.text(label.file)
    with pytest.raises(UsageError, match="no family x"):
        generated(1, 1, ["x"])


def test_no_escape_on_generated_reports() -> None:
    gold = generated(30, random.Random(5).randint(1, 10**6))
    found = figures(evaluate(gold, Plan(["rule"], lambda _: Rule())).run.documents, draws=10)
    assert (found["escapes"], found["documents"]) == (0, len(gold.labels))
    assert found["right"] > 0.8 * found["cells"]
