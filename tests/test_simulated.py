"""The simulated model itself: it answers each of our questions from the truth, and errs as it is told."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from extractor.eval.asking import Target, doubtful
from extractor.eval.generator import generate
from extractor.eval.simulated.provable import provable
from extractor.eval.simulated.reader import FAULTS, Simulated
from extractor.eval.simulated.server import schema_of, tokens_of_request
from extractor.eval.simulated.tokens import naive_tokens
from helpers import truth

from extractor.ask import prompts
from extractor.ask.answers import rows_answer
from extractor.form import FORM
from extractor.form.model import row_words

ROWS = ("granted", "denied.third_party_rights")
ASK = "行：\n" + "\n".join(f"{i}. {row_words(FORM, key)}" for i, key in enumerate(ROWS, 1))
TRUE = {"1": [9, 1, 0, 0, 0, 1, 11], "2": [1, 1, 0, 0, 0, 0, 2]}
PIECE = "（一）予以公开 9 1 0 0 0 1 11\n4.保护第三方合法权益 1 1 0 0 0 0 2"


def messages(name: str, ask: str = ASK) -> list[dict[str, str]]:
    return [{"role": role, "content": text} for role, text in prompts.load(name).messages(ask, PIECE)]


def answer(name: str = "requests.rows", ask: str = ASK, schema: Any = None, **settings: Any) -> Any:
    simulated = Simulated({"d": {**truth(), "organization": "青禾县人民政府", "year": 2023}}, **settings)
    return json.loads(simulated.reply("d", messages(name, ask), schema))


@pytest.mark.parametrize(
    ("name", "ask", "expected"),
    [
        ("requests.rows", ASK, TRUE),
        ("requests.rows.again", ASK, TRUE),
        ("requests.table", ASK, TRUE),
        ("disputes.array", "十五格：", {"cells": [2, 1, 0, 1, 4, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0]}),
        ("disclosure.row", "行政处罚：处理决定数量", {"cells": [52]}),
        ("disclosure.rows", "行：\n1. 行政事业性收费：本年收费金额", {"1": ["12.5"]}),
        ("identity", "发布机关和报告年度：", {"organization": "青禾县人民政府", "year": 2023}),
    ],
)  # fmt: skip
def test_it_answers_from_the_truth(name: str, ask: str, expected: Any) -> None:
    assert answer(name, ask) == expected


def test_it_chooses_the_reading_that_is_printed() -> None:
    words = f"行：{row_words(FORM, 'granted')}\n读法：\nA. 9, 1, 0, 0, 1, 0, 11\nB. 9, 1, 0, 0, 0, 1, 11"
    assert answer("candidates", words) == {"choice": "B"}
    assert answer("candidates", words.replace("B. 9", "B. 8")) == {"choice": "none"}


def test_a_persistent_error_is_the_same_in_every_formulation() -> None:
    for seed in range(5):
        simulated = Simulated({"d": truth()}, error=1.0, persistent=True, seed=seed)
        said = [simulated.reply("d", messages(name)) for name in ("requests.rows", "requests.rows.again")]
        assert said[0] == said[1]
    fresh = [answer(name, error=1.0, seed=3) for name in ("requests.rows", "requests.rows.again")]
    assert fresh[0] != fresh[1]


def test_the_share_of_errors_is_the_one_asked_for() -> None:
    wrong = sum(
        answer(error=rate, seed=seed)[row] != TRUE[row] for rate, seed, row in product([0.5], range(100), ["1", "2"])
    )
    # Some faults change nothing (two equal cells exchanged).
    assert 50 <= wrong <= 110
    assert all(answer(error=0.0, seed=seed) == TRUE for seed in range(20))


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_spoils_rows(fault: str) -> None:
    said = [answer(error=1.0, faults=(fault,), seed=seed) for seed in range(10)]
    assert any(rows != TRUE for rows in said)
    assert all(len(row) == 7 for rows in said for row in rows.values())


def test_a_random_answer_keeps_to_the_schema() -> None:
    model = rows_answer([7, 7], [(0, 1, 9, 11), (0, 1, 2)])
    body = {"response_format": {"type": "json_schema", "json_schema": {"schema": model.model_json_schema()}}}
    for seed in range(20):
        said = answer(schema=schema_of(body), random="schema", seed=seed)
        assert set(said["1"]) <= {0, 1, 9, 11, None}
        assert set(said["2"]) <= {0, 1, 2, None}
        model.model_validate(said, strict=True)


def test_the_counter_counts_schema_and_messages() -> None:
    bare = tokens_of_request({"messages": messages("requests.rows")})
    model = rows_answer([7], [(0, 1)])
    assert tokens_of_request({"messages": messages("requests.rows"), "tools": [model.model_json_schema()]}) > bare > 200
    assert naive_tokens("2021", "甲" * 1000, {"form": "2021", "year": 2023}) > 700


def test_a_clean_report_is_provable_and_a_glued_one_is_not() -> None:
    clean = next(s for s in (generate(seed, "tabs") for seed in range(1, 200)) if not s.noise)
    assert [provable(clean, table) for table in ("requests", "disputes", "disclosure")] == [True, True, True]
    glued = generate(1, "glued")
    assert provable(glued, "requests") is False
    assert provable(generate(1, "html"), "requests") is None


def test_a_report_without_doubt_is_not_measured() -> None:
    clean = next(s for s in (generate(seed, "tabs") for seed in range(1, 200)) if not s.noise)
    assert doubtful((clean.seed, "tabs")) is None


def test_targets_say_what_was_asked() -> None:
    assert Target("calls", 1.0, 1.02).met
    assert not Target("recovered", 0.9, 0.95, True).met
    assert not Target("recovered", None, 0.95, True).met
    assert Target("recovered", 0.9, 0.95, True).words() == "recovered: 0.9 (asked: ≥ 0.95)"
