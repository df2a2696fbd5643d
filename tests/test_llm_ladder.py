"""The ladder of structured output: walked once, remembered, parameters dropped that are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from endpoint import (
    NO_FORMAT,
    Reply,
    Request,
    Server,
    completion,
    error,
)
from llm import GOOD, Number, ask_one, endpoint, question, rows, run, timing

from extractor.llm.calls import Asker
from extractor.llm.ledger import Ledger
from extractor.llm.question import Answer


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
