"""Calls in flight: bounded, shared, cancelled, kept for the next run."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

from endpoint import (
    HANG,
    RATE_LIMITED,
    Reply,
    Request,
    Server,
)
from llm import GOOD, Number, endpoint, many, question, rows, run, timing
from pydantic import BaseModel

from extractor.llm.budget import Budget
from extractor.llm.calls import Asker
from extractor.llm.ledger import Ledger
from extractor.llm.question import Answer, Question


def test_calls_in_flight_are_bounded() -> None:
    with Server([GOOD], latency=0.02) as server:
        answers = many(server, 40, slots=8)
    assert server.calls == 40
    assert server.peak == 8
    assert all(answer.value for answer in answers)


def test_a_rate_limit_halves_the_calls_in_flight() -> None:
    def script(request: Request, number: int) -> Reply:
        return RATE_LIMITED if number < 16 else GOOD

    with Server(script, latency=0.02) as server:

        async def work() -> tuple[int, int]:
            async with Asker(endpoint(server), slots=16, timing=timing()) as asker:
                first = [asyncio.create_task(asker.ask(question(str(number)))) for number in range(16)]
                while server.calls < 17:
                    await asyncio.sleep(0.005)
                assert asker._transport
                least = asker._transport.limiter.limit
                await asyncio.gather(*first, *(asker.ask(question(str(number))) for number in range(16, 150)))
                return least, asker._transport.limiter.limit

        least, at_last = run(work())
    assert least == 8  # once for the whole burst
    assert 8 < at_last <= 16
    assert server.calls == 150 + 16


def test_equal_questions_at_a_time_make_one_call() -> None:
    with Server([GOOD], latency=0.05) as server:

        async def work() -> list[Answer]:
            async with Asker(endpoint(server), timing=timing()) as asker:
                return await asyncio.gather(*(asker.ask(question()) for _ in range(20)))

        answers = run(work())
    assert server.calls == 1
    assert sum(answer.calls for answer in answers) == 1
    assert sum(answer.prompt_tokens for answer in answers) == 100
    assert all(answer.value == Number(n=7) for answer in answers)


def test_without_a_cache_each_question_is_asked(tmp_path: Path) -> None:
    with Server([GOOD]) as server, Ledger(tmp_path / "m.sqlite") as ledger:

        async def work() -> list[Answer]:
            async with Asker(endpoint(server), ledger=ledger, cache=False, timing=timing()) as asker:
                return await asyncio.gather(*(asker.ask(question()) for _ in range(3)))

        run(work())
        assert server.calls == 3
        assert ledger.info() == {"answers": 0, "calls": 3, "rungs": 1, "bytes": ledger.info()["bytes"]}


def test_one_of_two_that_wait_is_cancelled_and_the_other_is_answered() -> None:
    with Server([GOOD], latency=0.1) as server:

        async def work() -> Answer:
            async with Asker(endpoint(server), timing=timing()) as asker:
                first, second = (asyncio.create_task(asker.ask(question())) for _ in range(2))
                await asyncio.sleep(0.03)
                first.cancel()
                await asyncio.gather(first, return_exceptions=True)
                assert first.cancelled()
                return await second

        assert run(work()).value == Number(n=7)
    assert server.calls == 1


def test_a_second_run_is_free_and_needs_no_endpoint(tmp_path: Path) -> None:
    with Server([GOOD]) as server, Ledger(tmp_path / "m.sqlite") as ledger:
        many(server, 5, ledger=ledger)
        assert server.calls == 5
        answers = many(server, 5, ledger=ledger, budget=Budget(max_calls=0))
        assert server.calls == 5
        gone = server
    with Ledger(tmp_path / "m.sqlite") as ledger:
        answers += many(gone, 5, ledger=ledger)
    assert all(answer.cached and answer.calls == 0 and answer.value == Number(n=7) for answer in answers)
    assert {answer.cost for answer in answers} == {"0"}


def test_another_model_prompt_schema_or_message_is_another_question(tmp_path: Path) -> None:
    class Other(BaseModel):
        n: Literal[7]

    with Server([GOOD]) as server, Ledger(tmp_path / "m.sqlite") as ledger:
        for asked, model in (
            (question(), "m"), (question(), "m2"), (question(prompt=("rows", "1", "abd")), "m"),
            (question(answer=Other), "m"), (question("甲 8"), "m"), (question(max_tokens=51), "m"),
            (question(document="d2", table="disputes"), "m"),
        ):  # fmt: skip

            async def work(asked: Question = asked, model: str = model) -> None:
                async with Asker(endpoint(server, model=model), ledger=ledger, timing=timing()) as asker:
                    await asker.ask(asked)

            run(work())
    assert server.calls == 6  # only where the question stands is no part of it


def test_a_killed_run_is_taken_up_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite"
    with Server([GOOD], latency=0.02) as server:

        async def killed() -> None:
            with Ledger(path) as ledger:
                async with Asker(endpoint(server), ledger=ledger, slots=4, timing=timing()) as asker:
                    work = asyncio.gather(*(asker.ask(question(str(number))) for number in range(40)))
                    while ledger.info()["answers"] < 20:
                        await asyncio.sleep(0.002)
                    work.cancel()
                    await asyncio.gather(work, return_exceptions=True)
                assert not asker._tasks

        run(killed())
        with Ledger(path) as ledger:
            kept, before = ledger.info()["answers"], server.calls
            assert 20 <= kept < 40
            assert before - kept <= 4  # at most what was in flight is lost
            statuses = [row["status"] for row in rows(ledger)]
            assert statuses.count("200") == kept
            assert set(statuses) <= {"200", "cancelled"}
            assert all(answer.value for answer in many(server, 40, ledger=ledger))
        assert server.calls - before == 40 - kept


def test_leaving_cancels_what_is_in_flight(tmp_path: Path) -> None:
    with Server([HANG]) as server, Ledger(tmp_path / "m.sqlite") as ledger:

        async def work() -> list[Answer]:
            async with Asker(endpoint(server), ledger=ledger, timing=timing(answer=60)) as asker:
                asked = [asyncio.create_task(asker.ask(question(str(number)))) for number in range(3)]
                while server.calls < 3:
                    await asyncio.sleep(0.005)
            late = await asker.ask(question("late"))
            return [*await asyncio.gather(*asked), late]

        answers = run(work())
        assert [answer.failure for answer in answers] == ["stopped"] * 4
        assert [row["status"] for row in rows(ledger)] == ["cancelled"] * 3


def test_stopping_keeps_what_is_in_flight() -> None:
    with Server([GOOD], latency=0.1) as server:

        async def work() -> list[Answer]:
            async with Asker(endpoint(server), timing=timing()) as asker:
                first = asyncio.create_task(asker.ask(question("1")))
                await asyncio.sleep(0.05)
                asker.stop()
                return [await first, await asker.ask(question("2"))]

        assert [answer.failure for answer in run(work())] == [None, "stopped"]
    assert server.calls == 1


# What is sent, and what never is
