"""Tells whoever wants to know of every attempt to call an endpoint: for metrics and traces of a program around it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger("gouji.llm")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to an endpoint and what came of it; times are nanoseconds since 1970. None of it is of a document.

    `status`: `200`, another HTTP status, `timeout`, `unreachable`, `cancelled`, `not sent`… `cost`: US dollars, None
    where there is no price.
    """

    provider: str  # the profile's name
    model: str
    address: str  # the endpoint's URL without any secret
    started: int
    ended: int
    status: str
    number: int  # 1 for the first attempt of a call
    rung: str  # the form of structured output
    prompt: str  # the name of the prompt's file
    max_tokens: int | None
    temperature: float | None
    response_id: str | None
    response_model: str | None
    finish_reasons: tuple[str, ...]
    prompt_tokens: int | None
    completion_tokens: int | None
    cost: str | None

    @property
    def failed(self) -> bool:
        """Whether no completion came."""
        return self.status != "200"


Watcher = Callable[[Attempt], None]
_watchers: list[Watcher] = []


def watch(watcher: Watcher) -> Callable[[], None]:
    """Calls `watcher` after each attempt, in the task that made it; what is given back ends that."""
    _watchers.append(watcher)
    return lambda: _watchers.remove(watcher)


def watched() -> bool:
    """Whether anybody wants to know."""
    return bool(_watchers)


def tell(attempt: Attempt) -> None:
    """Passes an attempt on; a watcher's fault is none of the call's."""
    for watcher in list(_watchers):
        try:
            watcher(attempt)
        except Exception:
            log.exception("a watcher of model calls failed")
