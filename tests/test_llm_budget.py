"""What calls cost is counted once, and limits are kept."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest
from endpoint import (
    MALFORMED,
    Server,
    error,
)
from llm import GOOD, ask_one, endpoint, question, rows, run, timing

from extractor.errors import UsageError
from extractor.llm.budget import Budget
from extractor.llm.calls import Asker
from extractor.llm.ledger import Ledger
from extractor.llm.question import Answer


def test_every_answer_is_counted_once(tmp_path: Path) -> None:
    script = [error(500), MALFORMED, GOOD]
    with Ledger(tmp_path / "m.sqlite") as ledger:
        budget = Budget()
        answer, _, _ = ask_one(
            script, target={"profile": "openai", "model": "gpt-4o-mini"}, ledger=ledger, budget=budget
        )
        assert (answer.calls, answer.prompt_tokens, answer.completion_tokens) == (3, 200, 20)
        assert answer.cost == "0.000042"
        assert [(row["status"], row["attempt"], row["prompt_tokens"], row["cost"]) for row in rows(ledger)] == [
            ("500", 1, None, None), ("200", 2, 100, "0.000021"), ("200", 1, 100, "0.000021"),
        ]  # fmt: skip
        assert (budget.calls, budget.tokens, budget.cost) == (3, 220, Decimal("0.000042"))


def test_an_unpriced_model_costs_none_and_not_nothing() -> None:
    assert ask_one([GOOD])[0].cost is None
    assert ask_one([GOOD], target={"own_machine": True})[0].cost == "0"


@pytest.mark.parametrize("limit", [0, 1, 7])
def test_max_calls_is_never_exceeded(limit: int) -> None:
    budget = Budget(max_calls=limit)
    with Server([MALFORMED]) as server:

        async def work() -> list[Answer]:
            async with Asker(endpoint(server), budget=budget, timing=timing()) as asker:
                return await asyncio.gather(*(asker.ask(question(str(number))) for number in range(10)))

        answers = run(work())
    assert server.calls == limit
    assert sum(answer.calls for answer in answers) == limit
    assert sum(answer.failure == "budget" for answer in answers) >= 10 - limit
    assert str(limit) in budget.exhausted
    assert budget.denied


def test_a_limit_on_tokens_keeps_what_is_in_flight() -> None:
    with Server([GOOD], latency=0.05) as server:

        async def work() -> list[Answer]:
            async with Asker(endpoint(server), budget=Budget(max_tokens=300), slots=2, timing=timing()) as asker:
                return await asyncio.gather(*(asker.ask(question(str(number))) for number in range(10)))

        answers = run(work())
    assert 3 <= server.calls <= 4
    assert sum(answer.value is not None for answer in answers) == server.calls


def test_a_limit_on_cost_wants_a_price() -> None:
    with Server([GOOD]) as server, pytest.raises(UsageError) as caught:
        Asker(endpoint(server), budget=Budget(max_cost=Decimal(1)))
    assert caught.value.code == "unpriced"
    answer, _, _ = ask_one(
        [MALFORMED, GOOD],
        target={"profile": "openai", "model": "gpt-4o-mini"},
        budget=Budget(max_cost=Decimal("0.00002")),
    )
    assert (answer.failure, answer.calls) == ("budget", 1)


# In flight
