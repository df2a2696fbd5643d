"""Questions to a scripted endpoint: each fault has its class and costs exactly so many calls."""

from __future__ import annotations

import asyncio
import logging
import pickle
import re
import ssl
import traceback
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

import pytest
from endpoint import (
    BLANK,
    CLOSED,
    DRIP,
    FILTERED,
    HANG,
    MALFORMED,
    NO_FORMAT,
    NO_KEY,
    NO_MODEL,
    NO_SUCH_PATH,
    OWN_CERTIFICATE,
    PROSE,
    RATE_LIMITED,
    REFUSED,
    TOO_LONG,
    TRUNCATED,
    Reply,
    Request,
    Script,
    Server,
    completion,
    error,
    ok,
    page,
)
from pydantic import BaseModel, ConfigDict

from extractor.errors import UsageError
from extractor.llm import profiles
from extractor.llm.budget import Budget
from extractor.llm.calls import Asker
from extractor.llm.errors import EndpointError
from extractor.llm.ledger import Ledger
from extractor.llm.question import Answer, Question
from extractor.llm.transport import Timing

T = TypeVar("T")
KEY = "sk-secret-0123456789"


class Number(BaseModel):
    model_config = ConfigDict(extra="forbid")
    n: Literal[7, 8]


class Waits:
    """Sleeps that end at once and are remembered."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


def question(text: str = "甲 7", **more: Any) -> Question:
    values: dict[str, Any] = {
        "prompt": ("rows", "1", "abc"),
        "messages": (("system", "读数"), ("user", text)),
        "answer": Number,
        "max_tokens": 50,
        "document": "d1",
        "table": "requests",
    }
    return Question(**(values | more))


def endpoint(server: Server, profile: str = "generic", model: str = "m", key: str = KEY, **changes: Any) -> Any:
    return profiles.Endpoint(model, server.url, replace(profiles.profiles()[profile], **changes), key)


def timing(waits: Waits | None = None, **more: Any) -> Timing:
    return Timing(**({"answer": 5.0, "sleep": waits or Waits(), "jitter": lambda: 0.0} | more))


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, 30))


def ask_one(
    script: Script | Iterable[Reply],
    *,
    target: dict[str, Any] | None = None,
    asked: Question | None = None,
    **more: Any,
) -> tuple[Answer, Server, Asker]:
    """One question to a fresh server."""
    with Server(script) as server:

        async def work() -> tuple[Answer, Asker]:
            asker = Asker(endpoint(server, **(target or {})), **({"timing": timing()} | more))
            async with asker:
                return await asker.ask(asked or question()), asker

        answer, asker = run(work())
    return answer, server, asker


def rows(ledger: Ledger) -> list[dict[str, Any]]:
    return list(ledger.db.query("select * from calls order by id"))


GOOD = ok({"n": 7})


@pytest.mark.parametrize(
    ("script", "failure", "calls"),
    [
        ([GOOD], None, 1),
        ([PROSE], None, 1),
        ([completion('<think>{"n": 8}</think>{"n": 7}')], None, 1),
        ([completion('{"n": 7}', usage=None)], None, 1),
        ([MALFORMED, GOOD], None, 2),
        ([MALFORMED], "malformed", 2),
        ([completion("[" * 5000)], "malformed", 2),
        ([completion("没有"), BLANK], "blank", 2),
        ([TRUNCATED], "truncated", 1),
        ([BLANK], "blank", 1),
        ([completion(None)], "blank", 1),
        ([REFUSED], "refused", 1),
        ([FILTERED], "refused", 1),
        ([error(400, "data_inspection_failed: inappropriate content")], "refused", 1),
        ([TOO_LONG], "too_long", 1),
        ([error(413)], "too_long", 1),
        ([RATE_LIMITED, GOOD], None, 2),
        ([error(429, headers={"Retry-After": "1"}), GOOD], None, 2),
        ([RATE_LIMITED], "endpoint", 4),
        ([error(429, headers={"Retry-After": "3600"})], "endpoint", 1),
        ([error(429, "You exceeded your current quota", code="insufficient_quota")], "endpoint", 1),
        ([error(500), error(502), error(503), GOOD], None, 4),
        ([error(503)], "endpoint", 4),
        ([page(502), GOOD], None, 2),
        ([HANG, GOOD], None, 2),
        ([HANG], "endpoint", 2),
        ([DRIP], "endpoint", 2),
        ([CLOSED, GOOD], None, 2),
        ([CLOSED], "endpoint", 4),
        ([Reply(body='{"choices": [{"mess'), GOOD], None, 2),
        ([page()], "endpoint", 1),
        ([NO_KEY], "endpoint", 1),
        ([error(403)], "endpoint", 1),
        ([NO_MODEL], "endpoint", 1),
        ([NO_SUCH_PATH], "endpoint", 1),
        ([error(400, "Model Not Exist")], "endpoint", 1),
        ([error(400, "something else")], "endpoint", 1),
        ([Reply(body='{"ok": true}')], "endpoint", 1),
        ([Reply(body="x" * 9_000_000)], "endpoint", 1),
    ],
)
def test_each_fault_costs_so_many_calls(script: list[Reply], failure: str | None, calls: int, tmp_path: Path) -> None:
    with Ledger(tmp_path / "m.sqlite") as ledger:
        patience = 0.6 if HANG in script or DRIP in script else 20.0
        answer, server, _ = ask_one(script, ledger=ledger, timing=timing(answer=patience))
        assert (answer.failure, server.calls) == (failure, calls)
        assert answer.calls == calls
        assert len(rows(ledger)) == calls
        assert (answer.value is not None) == (failure is None)
        assert bool(answer.detail) == (failure is not None)
        assert ledger.info()["answers"] == (failure is None)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (NO_KEY, "wrong_key"),
        (error(403), "forbidden"),
        (NO_MODEL, "unknown_model"),
        (NO_SUCH_PATH, "wrong_url"),
        (page(), "not_an_api"),
        (page(404), "not_an_api"),
        (page(403), "not_an_api"),
        (error(402, "Insufficient Balance"), "no_credit"),
    ],
)
def test_a_fatal_failure_ends_all_questions(reply: Reply, code: str) -> None:
    with Server([reply]) as server:

        async def work() -> tuple[list[Answer], EndpointError | None]:
            async with Asker(endpoint(server), timing=timing()) as asker:
                return [await asker.ask(question(str(number))) for number in range(5)], asker.fatal

        answers, fatal = run(work())
    assert server.calls == 1
    assert fatal is not None
    assert (fatal.code, fatal.exit_code) == (code, 4)
    assert {answer.failure for answer in answers} == {"endpoint"}
    assert [answer.calls for answer in answers] == [1, 0, 0, 0, 0]
    assert fatal.hint
    assert str(pickle.loads(pickle.dumps(fatal))) == str(fatal) == answers[-1].detail
    assert KEY not in str(fatal)


def test_no_key_is_told_from_a_wrong_one() -> None:
    _, _, asker = ask_one([NO_KEY], target={"key": ""})
    assert asker.fatal is not None
    assert asker.fatal.code == "no_key"
    assert "GOUJI_API_KEY" in asker.fatal.hint


def test_nobody_listens() -> None:
    with Server([GOOD]) as server:
        gone = endpoint(server)

    async def work() -> tuple[list[Answer], EndpointError | None]:
        async with Asker(gone, timing=timing()) as asker:
            return [await asker.ask(question(str(number))) for number in range(3)], asker.fatal

    answers, fatal = run(work())
    assert [answer.calls for answer in answers] == [4, 0, 0]
    assert fatal is not None
    assert fatal.code == "unreachable"
    assert "nothing listens" in fatal.message


def test_a_certificate_that_nobody_signed(tmp_path: Path) -> None:
    (tmp_path / "own.pem").write_text(OWN_CERTIFICATE)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "own.pem")
    with Server([GOOD], tls=tls) as server:

        async def work() -> tuple[Answer, EndpointError | None]:
            async with Asker(endpoint(server), timing=timing()) as asker:
                return await asker.ask(question()), asker.fatal

        answer, fatal = run(work())
    assert (answer.calls, server.calls) == (1, 0)
    assert fatal is not None
    assert fatal.code == "certificate"


def test_the_circuit_opens() -> None:
    with Server([error(500)]) as server:

        async def work() -> tuple[list[Answer], EndpointError | None]:
            async with Asker(endpoint(server), timing=timing(open_after=3, attempts=2)) as asker:
                return [await asker.ask(question(str(number))) for number in range(6)], asker.fatal

        answers, fatal = run(work())
    assert server.calls == 6
    assert [answer.calls for answer in answers] == [2, 2, 2, 0, 0, 0]
    assert fatal is not None
    assert "3 questions in a row" in fatal.message


def test_one_good_answer_closes_the_circuit_again() -> None:
    def script(request: Request, number: int) -> Reply:
        return GOOD if number % 3 == 2 else error(500)

    with Server(script) as server:

        async def work() -> EndpointError | None:
            async with Asker(endpoint(server), timing=timing(open_after=3, attempts=1)) as asker:
                for number in range(12):
                    await asker.ask(question(str(number)))
                return asker.fatal

        assert run(work()) is None
    assert server.calls == 12


def test_retry_after_is_honoured_in_seconds_and_as_a_date() -> None:
    waits = Waits()
    ask_one([error(429, headers={"Retry-After": "7"}), GOOD], timing=timing(waits))
    assert waits.seconds == [7.0]
    waits, then = Waits(), datetime.now(UTC) + timedelta(seconds=30)
    ask_one([error(503, headers={"Retry-After": format_datetime(then, usegmt=True)}), GOOD], timing=timing(waits))
    assert 20 < waits.seconds[0] <= 30


def test_waits_grow_and_are_bounded() -> None:
    waits = Waits()
    answer, server, _ = ask_one([RATE_LIMITED], timing=timing(waits, attempts=9, total_wait=12, longest_wait=4))
    assert waits.seconds == [0.5, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0]
    assert server.calls == answer.calls == 8


# The ladder


def test_the_ladder_is_walked_once_and_remembered(tmp_path: Path) -> None:
    def script(request: Request, number: int) -> Reply:
        kind = request.body.get("response_format", {}).get("type")
        return NO_FORMAT if kind == "json_schema" else completion(None) if "tools" in request.body else GOOD

    with Server(script) as server, Ledger(tmp_path / "m.sqlite") as ledger:

        async def work(*texts: str) -> list[Answer]:
            async with Asker(endpoint(server), ledger=ledger, timing=timing()) as asker:
                return [await asker.ask(question(text)) for text in texts]

        first = run(work("1", "2"))
        assert [answer.calls for answer in first] == [4, 1]
        assert [row["rung"] for row in rows(ledger)] == [
            "json_schema_strict", "json_schema", "tools", "json_object", "json_object",
        ]  # fmt: skip
        assert first[0].prompt_tokens == 200  # the null tool call was paid for too
        assert [answer.calls for answer in run(work("3"))] == [1]
    last = server.requests[-1].body
    assert last["response_format"] == {"type": "json_object"}
    assert "JSON" in last["messages"][0]["content"]
    assert last["messages"][1] == {"role": "user", "content": "3"}


def test_what_each_rung_sends() -> None:
    def sent(rung: str, reply: Reply = GOOD) -> dict[str, Any]:
        answer, server, _ = ask_one([reply], target={"ladder": (rung,)})
        assert answer.value == Number(n=7)
        return server.requests[0].body

    strict = sent("json_schema_strict")["response_format"]["json_schema"]
    assert strict["strict"] is True
    assert strict["schema"] == {
        "type": "object", "properties": {"n": {"enum": [7, 8], "type": "integer"}}, "required": ["n"],
        "additionalProperties": False,
    }  # fmt: skip
    assert "strict" not in sent("json_schema")["response_format"]["json_schema"]
    tools = sent("tools", completion(None, tool='{"n": 7}'))
    assert tools["tool_choice"]["function"]["name"] == tools["tools"][0]["function"]["name"] == "answer"
    assert "response_format" not in sent("prompt")
    assert sent("prompt")["temperature"] == 0


def test_a_rung_that_works_is_kept_when_one_question_is_too_much_for_it() -> None:
    def script(request: Request, number: int) -> Reply:
        return error(400, "Invalid schema for response_format") if number == 1 else GOOD

    with Server(script) as server:

        async def work() -> str:
            async with Asker(endpoint(server), timing=timing()) as asker:
                for number in range(3):
                    assert (await asker.ask(question(str(number)))).value
                return asker.rung

        assert run(work()) == "json_schema_strict"
    assert server.calls == 4


def test_a_form_that_is_ignored_is_left() -> None:
    def script(request: Request, number: int) -> Reply:
        told = "JSON Schema" in str(request.body["messages"])
        return GOOD if told else completion("七")

    with Server(script) as server:

        async def work() -> list[str | None]:
            async with Asker(endpoint(server, ladder=("json_schema", "prompt")), timing=timing()) as asker:
                return [(await asker.ask(question(str(number)))).failure for number in range(5)]

        assert run(work()) == ["malformed"] * 3 + [None, None]
    assert server.calls == 8


@pytest.mark.parametrize(
    ("message", "param", "gone", "instead"),
    [
        ("Unsupported value: 'temperature' does not support 0", "temperature", "temperature", None),
        ("'max_tokens' is not supported, use 'max_completion_tokens'", None, "max_tokens", "max_completion_tokens"),
        ("enable_thinking is not supported by this model", None, "enable_thinking", None),
    ],
)
def test_a_refused_parameter_is_dropped(message: str, param: str | None, gone: str, instead: str | None) -> None:
    def script(request: Request, number: int) -> Reply:
        return error(400, message, param=param) if gone in request.body else GOOD

    with Server(script) as server:

        async def work() -> list[int]:
            target = endpoint(server, extra={"enable_thinking": False})
            async with Asker(target, timing=timing()) as asker:
                return [(await asker.ask(question(str(number)))).calls for number in range(2)]

        assert run(work()) == [2, 1]
    assert gone not in server.requests[-1].body
    assert instead is None or server.requests[-1].body[instead] == 50


def test_a_named_tool_is_not_insisted_on() -> None:
    def script(request: Request, number: int) -> Reply:
        if request.body["tool_choice"] != "auto":
            return error(400, "tool_choice is not supported in thinking mode")
        return completion(None, tool='{"n": 8}')

    answer, server, _ = ask_one(script, target={"ladder": ("tools", "prompt")})
    assert answer.value == Number(n=8)
    assert server.calls == 2


# Money and limits


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


def many(server: Server, count: int, **more: Any) -> list[Answer]:
    async def work() -> list[Answer]:
        async with Asker(endpoint(server), **({"timing": timing()} | more)) as asker:
            return await asyncio.gather(*(asker.ask(question(str(number))) for number in range(count)))

    return run(work())


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


def test_document_text_passes_through_no_template() -> None:
    text = "{{ 7*7 }} {% if %} {# #} \n    缩进\n 甲　7 </s> {0}"
    _, server, _ = ask_one([MALFORMED, GOOD], asked=question(text))
    assert [request.body["messages"][1]["content"] for request in server.requests] == [text, text]


def test_the_re_ask_is_short() -> None:
    answer, server, _ = ask_one([completion('{"n": "' + "多" * 100_000 + '"}'), GOOD])
    assert answer.value == Number(n=7)
    added = server.requests[1].body["messages"][2:]
    assert [message["role"] for message in added] == ["assistant", "user"]
    assert sum(len(message["content"]) for message in added) < 5000
    assert "pydantic.dev" not in str(added)


def test_the_key_and_the_text_stay_where_they_belong(tmp_path: Path, caplog: Any, capfd: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-another")
    caplog.set_level(logging.INFO)
    path = tmp_path / "m.sqlite"
    replies = [MALFORMED, MALFORMED, error(400, f"bad request with {KEY}"), error(500, KEY), error(401, f"no {KEY}")]
    with Server(replies) as server, Ledger(path) as ledger:

        async def work() -> tuple[list[Answer], Asker]:
            async with Asker(endpoint(server), ledger=ledger, timing=timing(attempts=1)) as asker:
                return [await asker.ask(question(f"秘密文本 {number}")) for number in range(5)], asker

        answers, asker = run(work())
        seen = repr(answers) + repr(asker.endpoint) + repr(asker.fatal) + repr(asker.__dict__)
        try:
            raise asker.fatal or AssertionError
        except EndpointError:
            seen += traceback.format_exc()
    captured = capfd.readouterr()
    seen += captured.out + captured.err + caplog.text
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert "openai-organization" not in server.requests[0].headers
    assert KEY not in seen
    assert KEY.encode() not in stored
    assert "秘密文本" not in captured.out + captured.err + caplog.text
    assert "秘密文本".encode() not in stored


def test_texts_are_kept_on_request_only_without_the_key(tmp_path: Path) -> None:
    with Ledger(tmp_path / "m.sqlite", keep_text=True) as ledger:
        ask_one([completion(f'{{"n": 7}} {KEY}')], ledger=ledger, asked=question(f"甲 7 {KEY}"))
        (row,) = rows(ledger)
    assert "甲 7 ***" in row["request"]
    assert KEY not in row["request"] + row["response"]
    assert re.search(r'\\"n\\": 7', row["response"])


def test_a_ledger_that_breaks_does_not_end_the_run(tmp_path: Path) -> None:
    with Server([GOOD]) as server, Ledger(tmp_path / "m.sqlite") as ledger:

        async def work() -> tuple[list[Answer], Any]:
            async with Asker(endpoint(server), ledger=ledger, timing=timing()) as asker:
                first = await asker.ask(question("1"))
                ledger.db.execute("drop table calls")
                return [first, await asker.ask(question("2"))], asker.ledger_error

        answers, broken = run(work())
    assert all(answer.value for answer in answers)
    assert broken.hint


def test_the_local_model_must_run_first() -> None:
    with pytest.raises(UsageError) as caught:
        Asker(profiles.parse_spec("local", {}))
    assert caught.value.code == "not_started"


def test_text_that_cannot_be_encoded_fails_alone() -> None:
    answer, server, asker = ask_one([GOOD], asked=question("\ud800"))
    assert (answer.failure, server.calls, asker.fatal) == ("endpoint", 0, None)
