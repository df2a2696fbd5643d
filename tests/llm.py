"""Asking a scripted endpoint in tests: a small question, timings without waiting, an Asker for one question."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from typing import Any, Literal, TypeVar

from endpoint import (
    Reply,
    Script,
    Server,
    ok,
)
from pydantic import BaseModel, ConfigDict

from extractor.llm import profiles
from extractor.llm.calls import Asker
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


def many(server: Server, count: int, **more: Any) -> list[Answer]:
    async def work() -> list[Answer]:
        async with Asker(endpoint(server), **({"timing": timing()} | more)) as asker:
            return await asyncio.gather(*(asker.ask(question(str(number))) for number in range(count)))

    return run(work())
