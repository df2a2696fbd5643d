"""The harness can fail: gold and answers are damaged on purpose, and every figure moves by exactly what it must."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eval_sets import COLUMNS, OUTCOMES, Answers, Record, changed, figures_of, metrics, paths, two
from extractor.eval import score as score_module
from extractor.eval.bootstrap import upper_limit

from extractor.errors import GoujiError

EVAL = Path(score_module.__file__).parent

PERFECT = {
    "cells": 42, "right": 42, "missed": 0, "refused": 0, "wrong": 0, "invented": 0, "derived": 0, "undecidable": 1,
    "undecidable_refused": 1, "nonzero": 12, "nonzero_right": 12, "escapes": 0, "undecidable_answered": 0, "zero": 20,
    "zero_right": 20, "blank": 10, "blank_right": 10, "trusted_answers": 32, "documents": 2, "documents_exact": 2,
    "tables": 6, "tables_trusted": 6, "tables_exact": 6, "tables_trusted_right": 6, "tables_printed": 5,
    "tables_printed_trusted": 5, "findings_right": 0,
    "findings_expected": 0, "findings_found": 0, "calls": 0, "prompt_tokens": 0, "completion_tokens": 0,
    "accuracy": 1.0, "nonzero_accuracy": 1.0, "zero_accuracy": 1.0, "blank_accuracy": 1.0, "coverage": 1.0,
    "printed_coverage": 1.0,
    "trusted_precision": 1.0, "escape_rate": 0.0, "tables_exact_rate": 1.0, "documents_exact_rate": 1.0,
    "claims_precision": None, "claims_recall": None, "findings_precision": None, "findings_recall": None,
    "cost": None, "escape_documents": 0, "escape_documents_upper": upper_limit(0, 2), "unscored": 0,
    "extra_reports": 0,
}  # fmt: skip


def damaged(damage: Callable[[dict[str, Record], Answers], None]) -> dict[str, tuple[Any, Any]]:
    """How the figures move when gold or answers are damaged."""
    golds = two()
    before = figures_of(golds, Answers(golds))
    answers = Answers(golds)
    damage(golds, answers)
    return changed(before, figures_of(golds, answers))


def escaping(cells: int, documents: int = 1, *, answers: int = 32) -> dict[str, tuple[Any, Any]]:
    """What follows of so many escapes in so many of the two documents."""
    return {
        "escapes": (0, cells),
        "escape_rate": (0.0, cells / answers),
        "escape_documents": (0, documents),
        "escape_documents_upper": (upper_limit(0, 2), upper_limit(documents, 2)),
    }


def share(name: str, part: int, whole: int) -> dict[str, tuple[Any, Any]]:
    return {name: (1.0, part / whole)}


ONE_DOCUMENT = {"documents_exact": (2, 1), **share("documents_exact_rate", 1, 2)}
ONE_TABLE = {"tables_exact": (6, 5), **share("tables_exact_rate", 5, 6)}
ONE_TRUSTED = {"tables_trusted_right": (6, 5), **share("trusted_precision", 5, 6)}


def test_a_perfect_system() -> None:
    golds = two()
    assert metrics(figures_of(golds, Answers(golds))) == PERFECT


def test_a_flipped_cell() -> None:
    def flip(_: Any, answers: Answers) -> None:
        answers.values["a"]["requests.new_received.total"] = 5

    assert damaged(flip) == {
        "right": (42, 41),
        "wrong": (0, 1),
        "nonzero_right": (12, 11),
        **share("accuracy", 41, 42),
        **share("nonzero_accuracy", 11, 12),
        **escaping(1),
        **ONE_DOCUMENT,
        **ONE_TABLE,
        **ONE_TRUSTED,
    }


def test_a_flipped_cell_in_a_table_that_is_not_trusted_escapes_nobody() -> None:
    def flip(_: Any, answers: Answers) -> None:
        answers.values["a"]["requests.new_received.total"] = 5
        answers.verdicts["a"]["requests"] = "needs_review"

    assert damaged(flip) == {
        "right": (42, 41),
        "wrong": (0, 1),
        "nonzero_right": (12, 11),
        **share("accuracy", 41, 42),
        **share("nonzero_accuracy", 11, 12),
        "trusted_answers": (32, 18),
        "tables_trusted": (6, 5),
        "tables_trusted_right": (6, 5),
        **share("coverage", 5, 6),
        "tables_printed_trusted": (5, 4),
        **share("printed_coverage", 4, 5),
        **ONE_DOCUMENT,
        **ONE_TABLE,
    }


@pytest.mark.parametrize("verdict", ["verified", "reconciled", "inconsistent"])
def test_a_wrong_table_that_gets_trusted_is_all_escapes(verdict: str) -> None:
    def figures(verdict: str) -> dict[str, Any]:
        golds = two()
        answers = Answers(golds)
        for column in COLUMNS:
            answers.values["a"][f"requests.new_received.{column}"] = 99
        answers.verdicts["a"]["requests"] = verdict
        return figures_of(golds, answers)

    before, after = figures("needs_review"), figures(verdict)
    assert (before["wrong"], before["escapes"], before["tables_trusted_right"]) == (7, 0, 5)
    assert changed(before, after) == {
        "escapes": (0, 7),
        "escape_rate": (0.0, 7 / 32),
        "escape_documents": (0, 1),
        "escape_documents_upper": (upper_limit(0, 2), upper_limit(1, 2)),
        "trusted_answers": (18, 32),
        "tables_trusted": (5, 6),
        "coverage": (5 / 6, 1.0),
        "tables_printed_trusted": (4, 5),
        "printed_coverage": (4 / 5, 1.0),
        "trusted_precision": (1.0, 5 / 6),
    }
    assert after["verdicts"][verdict]["tables"] - after["verdicts"][verdict]["right_tables"] == 1


def test_gold_swapped_between_documents() -> None:
    def swap(golds: dict[str, Record], _: Answers) -> None:
        golds["a"], golds["b"] = golds["b"], golds["a"]

    # b's gold against a's answers: 4 right, 7 wrong, 10 invented; a's against b's: 4 right, 7 wrong, 10 missed.
    assert damaged(swap) == {
        "right": (42, 8),
        "wrong": (0, 14),
        "invented": (0, 10),
        "missed": (0, 10),
        "nonzero_right": (12, 0),
        "zero_right": (20, 8),
        "blank_right": (10, 0),
        **share("accuracy", 8, 42),
        **share("nonzero_accuracy", 0, 12),
        **share("zero_accuracy", 8, 20),
        **share("blank_accuracy", 0, 10),
        **escaping(24, 2),
        "documents_exact": (2, 0),
        "documents_exact_rate": (1.0, 0.0),
        "tables_exact": (6, 0),
        "tables_exact_rate": (1.0, 0.0),
        # b's table 4 is blank: nothing in it is wrong against a's gold, all is missed.
        "tables_trusted_right": (6, 1),
        **share("trusted_precision", 1, 6),
    }


def test_rows_shifted_by_one() -> None:
    def shift(_: Any, answers: Answers) -> None:
        cells = answers.values["a"]
        for column in COLUMNS:
            received, carried = f"requests.new_received.{column}", f"requests.carried_in.{column}"
            cells[received], cells[carried] = cells[carried], cells[received]

    assert damaged(shift) == {
        "right": (42, 36),
        "wrong": (0, 6),
        "nonzero_right": (12, 9),
        "zero_right": (20, 17),
        **share("accuracy", 36, 42),
        **share("nonzero_accuracy", 9, 12),
        **share("zero_accuracy", 17, 20),
        **escaping(6),
        **ONE_DOCUMENT,
        **ONE_TABLE,
        **ONE_TRUSTED,
    }


def test_a_column_shifted_by_one() -> None:
    def shift(_: Any, answers: Answers) -> None:
        cells = answers.values["a"]
        row = [cells[f"requests.new_received.{column}"] for column in COLUMNS]
        for column, value in zip(COLUMNS, [row[-1], *row[:-1]], strict=True):
            cells[f"requests.new_received.{column}"] = value

    # 3 1 0 0 0 0 4 read as 4 3 1 0 0 0 0: three zeros stay right.
    assert damaged(shift) == {
        "right": (42, 38),
        "wrong": (0, 4),
        "nonzero_right": (12, 9),
        "zero_right": (20, 19),
        **share("accuracy", 38, 42),
        **share("nonzero_accuracy", 9, 12),
        **share("zero_accuracy", 19, 20),
        **escaping(4),
        **ONE_DOCUMENT,
        **ONE_TABLE,
        **ONE_TRUSTED,
    }


def test_blanks_answered_with_zero() -> None:
    def fill(_: Any, answers: Answers) -> None:
        answers.values["b"] = {
            path: 0 if value is None and "coercion" not in path else value
            for path, value in answers.values["b"].items()
        }

    assert damaged(fill) == {
        "right": (42, 32),
        "invented": (0, 10),
        "blank_right": (10, 0),
        **share("accuracy", 32, 42),
        **share("blank_accuracy", 0, 10),
        "trusted_answers": (32, 42),
        **escaping(10, answers=42),
        **ONE_DOCUMENT,
        "tables_exact": (6, 4),
        **share("tables_exact_rate", 4, 6),
        "tables_trusted_right": (6, 4),
        **share("trusted_precision", 4, 6),
    }


def test_zeros_answered_with_nothing() -> None:
    def forget(_: Any, answers: Answers) -> None:
        for cells in answers.values.values():
            cells.update({path: None for path, value in cells.items() if value == 0})

    assert damaged(forget) == {
        "right": (42, 22),
        "missed": (0, 20),
        "zero_right": (20, 0),
        **share("accuracy", 22, 42),
        **share("zero_accuracy", 0, 20),
        "trusted_answers": (32, 12),
        "documents_exact": (2, 0),
        "documents_exact_rate": (1.0, 0.0),
        # Zeros stand in all three tables of a and in table 3 of b.
        "tables_exact": (6, 2),
        **share("tables_exact_rate", 2, 6),
    }


def test_zeros_in_the_gold_where_paper_is_blank() -> None:
    def relabel(golds: dict[str, Record], _: Answers) -> None:
        golds["b"]["reconsideration"] = dict.fromkeys(OUTCOMES, 0)

    assert damaged(relabel) == {
        "right": (42, 37),
        "missed": (0, 5),
        "zero": (20, 25),
        "blank": (10, 5),
        "blank_right": (10, 5),
        "tables_printed": (5, 6),
        "tables_printed_trusted": (5, 6),
        **share("accuracy", 37, 42),
        **share("zero_accuracy", 20, 25),
        **ONE_DOCUMENT,
        **ONE_TABLE,
    }


def test_refusing_is_missing_and_said_apart() -> None:
    def refuse(_: Any, answers: Answers) -> None:
        answers.values["a"].update({path: None for path in answers.values["a"] if path.startswith("requests.")})
        answers.verdicts["a"]["requests"] = "failed"

    assert damaged(refuse) == {
        "right": (42, 28),
        "missed": (0, 14),
        "refused": (0, 14),
        "nonzero_right": (12, 9),
        "zero_right": (20, 9),
        **share("accuracy", 28, 42),
        **share("nonzero_accuracy", 9, 12),
        **share("zero_accuracy", 9, 20),
        "trusted_answers": (32, 18),
        "tables_trusted": (6, 5),
        "tables_trusted_right": (6, 5),
        **share("coverage", 5, 6),
        "tables_printed_trusted": (5, 4),
        **share("printed_coverage", 4, 5),
        **ONE_DOCUMENT,
        **ONE_TABLE,
    }


def test_a_system_that_trusts_nothing_keeps_every_promise_and_shows_no_coverage() -> None:
    def doubt(_: Any, answers: Answers) -> None:
        for verdicts in answers.verdicts.values():
            verdicts.update(dict.fromkeys(verdicts, "needs_review"))

    assert damaged(doubt) == {
        "tables_trusted": (6, 0),
        "tables_trusted_right": (6, 0),
        "trusted_answers": (32, 0),
        "coverage": (1.0, 0.0),
        "tables_printed_trusted": (5, 0),
        "printed_coverage": (1.0, 0.0),
        "trusted_precision": (1.0, None),
        "escape_rate": (0.0, None),
        "escape_documents_upper": (upper_limit(0, 2), None),
    }


def test_what_the_rules_give_for_a_blank_is_in_no_other_figure() -> None:
    def derive(_: Any, answers: Answers) -> None:
        for name in OUTCOMES:
            answers.values["b"][f"reconsideration.{name}"] = 3
            answers.methods["b"][f"reconsideration.{name}"] = "derived"

    assert damaged(derive) == {
        "derived": (0, 5),
        "cells": (42, 37),
        "right": (42, 37),
        "blank": (10, 5),
        "blank_right": (10, 5),
    }


def test_a_derived_value_is_right_or_wrong_where_paper_prints_a_number() -> None:
    def derive(_: Any, answers: Answers) -> None:
        for path in ("requests.new_received.total", "requests.new_received.business"):
            answers.methods["a"][path] = "derived"
        answers.values["a"]["requests.new_received.total"] = 5

    moved = damaged(derive)
    assert (moved["right"], moved["wrong"], moved["escapes"]) == ((42, 41), (0, 1), (0, 1))
    assert "derived" not in moved


def test_an_answer_that_the_text_does_not_decide() -> None:
    def guess(_: Any, answers: Answers) -> None:
        answers.values["b"]["disclosure.coercion.decisions"] = 6

    assert damaged(guess) == {
        "undecidable_refused": (1, 0),
        "undecidable_answered": (0, 1),
        "trusted_answers": (32, 33),
        **escaping(1, answers=33),
        **ONE_DOCUMENT,
        **ONE_TABLE,
        **ONE_TRUSTED,
    }

    def guess_in_doubt(_: Any, answers: Answers) -> None:
        guess(_, answers)
        answers.verdicts["b"]["disclosure"] = "needs_review"

    assert damaged(guess_in_doubt) == {
        "trusted_answers": (32, 30),
        "tables_trusted": (6, 5),
        "tables_trusted_right": (6, 5),
        **share("coverage", 5, 6),
        "tables_printed_trusted": (5, 4),
        **share("printed_coverage", 4, 5),
    }


def test_a_broken_rule_on_paper_must_be_told() -> None:
    golds = two()
    golds["a"]["requests"]["new_received"]["total"] = 9
    answers = Answers(golds)
    silent = figures_of(golds, answers)
    told = {"rule": "requests.applicants.new_received", "status": "fail", "severity": "error"}
    answers.findings["a"] = [told]
    honest = figures_of(golds, answers)
    assert changed(silent, honest) == {
        "findings_right": (0, 1),
        "findings_found": (0, 1),
        "findings_precision": (None, 1.0),
        "findings_recall": (0.0, 1.0),
    }
    # carried_in of a holds on paper: telling otherwise is a false alarm. What is only a warning is none.
    answers.findings["a"] = [told, {**told, "rule": "requests.applicants.carried_in"}, {**told, "severity": "warning"}]
    assert changed(honest, figures_of(golds, answers)) == {
        "findings_found": (1, 2),
        "findings_precision": (1.0, 0.5),
    }
    # carried_in of b has blanks: nobody can say whether it holds.
    answers.findings = {"a": [told], "b": [{**told, "rule": "requests.applicants.carried_in"}]}
    assert changed(honest, figures_of(golds, answers)) == {}


def test_what_could_not_be_asked_is_unscored_and_in_no_figure() -> None:
    golds = two()
    answers = Answers(golds)
    answers.failing["b"] = GoujiError("endpoint", "The endpoint is down.")
    alone = figures_of({"a": golds["a"]}, Answers({"a": golds["a"]}))
    assert changed(alone, figures_of(golds, answers)) == {"unscored": (0, 1)}


def test_a_system_that_raises_has_missed_everything() -> None:
    class Broken(Answers):
        def read(self, text: str, source: str) -> list[dict[str, Any]]:
            if source == "a.txt":
                raise ZeroDivisionError
            return super().read(text, source)

    golds = two()
    found = figures_of(golds, Broken(golds))
    assert (found["documents"], found["unscored"], found["missed"], found["refused"]) == (2, 0, 21, 21)
    assert found["accuracy"] == 0.5


def test_a_report_that_the_system_does_not_find_is_missed() -> None:
    class Blind(Answers):
        def read(self, text: str, source: str) -> list[dict[str, Any]]:
            return [] if source == "a.txt" else super().read(text, source)

    golds = two()
    found = figures_of(golds, Blind(golds))
    assert (found["missed"], found["tables"], found["tables_trusted"]) == (21, 6, 3)


@pytest.mark.parametrize("value", [True, "one", "NaN", "sNaN", "", [], "1 0"])
def test_what_is_no_number_is_never_right(value: Any) -> None:
    golds = {"a": two()["a"]}
    golds["a"]["disclosure"]["licensing"]["decisions"] = 1
    answers = Answers(golds)
    answers.values["a"]["disclosure.licensing.decisions"] = value
    found = figures_of(golds, answers)
    assert (found["wrong"], found["escapes"]) == (1, 1)


def test_the_confusion_matrix_counts_every_cell_once() -> None:
    golds = two()
    answers = Answers(golds)
    answers.values["b"] |= dict.fromkeys((f"reconsideration.{name}" for name in OUTCOMES), 0)
    answers.values["a"]["disclosure.licensing.decisions"] = None
    answers.values["a"]["disclosure.penalties.decisions"] = 12
    answers.values["b"]["disclosure.coercion.decisions"] = 6
    assert figures_of(golds, answers)["confusion"] == {
        "blank": {"none": 5, "zero": 5, "nonzero": 0},
        "zero": {"none": 0, "zero": 19, "nonzero": 1},
        "nonzero": {"none": 1, "zero": 0, "nonzero": 11},
        "undecidable": {"none": 0, "zero": 0, "nonzero": 1},
    }


def test_risk_and_coverage_by_tier() -> None:
    golds = two()
    answers = Answers(golds)
    # a: verified, two cells of table 3 wrong; b: table 3 by a model, one of its values derived; table 2 in doubt.
    answers.values["a"]["requests.new_received.total"] = 5
    answers.values["a"]["requests.carried_in.total"] = None
    answers.verdicts["b"] = {"disclosure": "needs_review", "requests": "reconciled", "disputes": "reconciled"}
    answers.methods["b"] = {path: "llm" for path in paths(golds["b"]) if path.startswith("requests.")}
    answers.methods["b"]["requests.new_received.total"] = "derived"
    answers.values["b"]["disclosure.penalties.decisions"] = 6
    points = figures_of(golds, answers)["risk_coverage"]
    assert [(p["answered"], p["errors"], p["coverage"], p["risk"]) for p in points] == [
        (20, 1, 20 / 32, 1 / 20),
        (0, 0, 20 / 32, 1 / 20),
        (8, 0, 28 / 32, 1 / 28),
        (1, 0, 29 / 32, 1 / 29),
        (2, 1, 31 / 32, 2 / 31),
    ]


def test_breakdowns_and_heat_add_up_to_the_whole() -> None:
    golds = two()
    answers = Answers(golds)
    answers.values["a"]["requests.new_received.total"] = 5
    answers.values["b"]["reconsideration.total"] = 1
    found = figures_of(golds, answers)
    for kind, parts in found["by"].items():
        for metric in ("cells", "right", "missed", "wrong", "invented", "escapes", "nonzero", "undecidable"):
            assert sum(part[metric] for part in parts.values()) == found[metric], (kind, metric)
    assert found["by"]["row"]["requests.new_received"]["wrong"] == 1
    assert found["by"]["column"]["disputes.total"]["invented"] == 1
    assert found["by"]["family"]["tabs"]["documents_exact"] == 0
    assert found["heat"]["requests"]["new_received"]["total"] == {"gold": 2, "bad": 1}
    assert found["heat"]["requests"]["new_received"]["business"] == {"gold": 2, "bad": 0}
    assert found["heat"]["families"]["pipes"]["disputes"] == {"gold": 5, "bad": 1}


def test_the_scorer_shares_no_code_with_the_reader() -> None:
    allowed = {"extractor.form", "extractor.errors"}
    for name in ("score", "counts", "figures", "breakdowns", "bootstrap", "pairing", "diff", "limits"):
        tree = ast.parse((EVAL / f"{name}.py").read_text(encoding="utf-8"))
        modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        ours = {module for module in modules if module.startswith("extractor")}
        assert {module for module in ours if not module.startswith("extractor.eval")} <= allowed, name
