"""What is asked of a model and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

# Why there is no answer. `malformed`: not what the schema asks, also after one re-ask; `blank`: nothing in it;
# `truncated`: cut off by max_tokens; `refused`: the model declined; `too_long`: more than its context holds;
# `budget`: a limit of the run was reached before the call; `stopped`: cancelled; `endpoint`: the endpoint failed
# for good (EndpointError in `detail`).
Failure = Literal["malformed", "blank", "truncated", "refused", "too_long", "budget", "stopped", "endpoint"]


@dataclass(frozen=True, slots=True)
class Question:
    """One question: final messages and the model of its answer.

    `answer` is a pydantic model whose schema leaves only numbers that the excerpt prints. `prompt` is
    (id, version, SHA-256 of the prompt file); `document` (SHA-256) and `table` go into the ledger.
    """

    prompt: tuple[str, str, str]
    messages: tuple[tuple[str, str], ...]  # (role, text)
    answer: type[BaseModel]
    max_tokens: int
    document: str = ""
    table: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A checked answer (`value`), or why there is none. Tokens and cost count every call made for it, also failed
    ones; an answer from the cache costs nothing and has `calls` 0. `cost` is None where the price is unknown. `code` is
    that of the EndpointError behind a failure, where there is one."""

    value: BaseModel | None
    failure: Failure | None = None
    detail: str = ""
    code: str = ""
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: str | None = None
    model: str = ""
    cached: bool = False
