"""One call to the endpoint: the only owner of retries, of the number in flight, and of the ledger's rows.

Retried are rate limits, timeouts, broken connections and 5xx, a bounded number of times and seconds; nothing else.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from extractor.errors import StoreError
from extractor.llm import watch
from extractor.llm.budget import Budget
from extractor.llm.errors import (
    EndpointError,
    Fault,
    fault_of_exception,
    fault_of_status,
    is_html,
    not_an_api,
    too_many_failures,
)
from extractor.llm.http import Clients, body_text
from extractor.llm.ledger import Call, Ledger
from extractor.llm.limiter import Limiter
from extractor.llm.profiles import Endpoint

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion

# Characters to a token where an endpoint does not count (Chinese and digits): for budgets only.
_CHARACTERS_PER_TOKEN = 1.5


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds and counts of attempts; `sleep` and `jitter` are exchanged in tests.

    `connect`, `answer`: limits of one attempt, the latter of the whole answer however it drips. `attempts`: of one
    call, of which at most `timeouts` may time out. `longest_wait`: between two; `total_wait`: of all waits of one
    call, a longer Retry-After ends it. `open_after`: so many calls failing for good in a row end the run.
    """

    connect: float = 10.0
    answer: float = 120.0
    attempts: int = 4
    timeouts: int = 2
    first_wait: float = 1.0
    longest_wait: float = 30.0
    total_wait: float = 120.0
    open_after: int = 5
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random


@dataclass(slots=True)
class Tally:
    """What one question has used, over all of its calls. `unpriced`: at least one has no price."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: Decimal = Decimal(0)
    unpriced: bool = False

    @property
    def shown_cost(self) -> str | None:
        """US dollars, or None where a call has no price."""
        return None if self.unpriced else f"{self.cost.normalize():f}"


@dataclass(frozen=True, slots=True)
class Label:
    """What the ledger says of a call besides what happened."""

    prompt: tuple[str, str, str]
    document: str
    table: str
    rung: str


class Transport:
    """Sends chat completions to one endpoint. `fatal`: why nothing will be asked any more; `ledger_error`: why the
    ledger is no longer written (the run goes on without)."""

    def __init__(self, endpoint: Endpoint, ledger: Ledger | None, budget: Budget, timing: Timing, slots: int) -> None:
        # instructor reports every failed answer as an error, with the answer's text in it; ours go into the ledger.
        logging.getLogger("instructor").setLevel(logging.CRITICAL + 1)
        self.endpoint, self.ledger, self.budget, self.timing = endpoint, ledger, budget, timing
        self.limiter = Limiter(slots)
        self.fatal: EndpointError | None = None
        self.ledger_error: StoreError | None = None
        self._failures = 0
        self._clients = Clients(endpoint, connect=timing.connect, answer=timing.answer, slots=slots)
        # openai and instructor load most of themselves on first use: half a second that is no part of a call.
        import instructor
        from openai.types.chat import ChatCompletion

        self._loaded = (instructor.patch, ChatCompletion)

    async def close(self) -> None:
        """Closes the connections."""
        await self._clients.close()

    async def call(self, request: dict[str, Any], label: Label, tally: Tally) -> ChatCompletion:
        """The endpoint's answer to one request. Errors: Fault, transient ones after the last attempt."""
        timeouts = 0

        def stop(state: RetryCallState) -> bool:
            nonlocal timeouts
            fault = _fault(state)
            timeouts += fault.status == "timeout"
            return (
                self.fatal is not None
                or state.attempt_number >= self.timing.attempts
                or timeouts >= self.timing.timeouts
                or state.idle_for + state.upcoming_sleep > self.timing.total_wait
            )

        retrying = AsyncRetrying(
            sleep=self.timing.sleep,
            stop=stop,
            wait=self._wait,
            retry=retry_if_exception(lambda error: isinstance(error, Fault) and error.transient),
            reraise=True,
        )
        try:
            completion: ChatCompletion | None = None
            async for attempt in retrying:
                with attempt:
                    completion = await self._attempt(request, label, tally, attempt.retry_state.attempt_number)
        except Fault as fault:
            if not fault.unsupported:
                self.failed(fault)
            raise
        assert completion is not None
        self._failures = 0
        return completion

    def failed(self, fault: Fault) -> None:
        """Counts a question that failed for good by the endpoint's fault; opens the circuit."""
        if self.fatal is not None or fault.failure != "endpoint":
            return
        self._failures += 1
        if fault.fatal or fault.status == "unreachable":
            self.fatal = fault.error
        elif self._failures >= self.timing.open_after:
            self.fatal = too_many_failures(self.endpoint, self._failures, fault.error)

    def _wait(self, state: RetryCallState) -> float:
        fault = _fault(state)
        if fault.retry_after is not None:
            # Spread a little: all that wait were told the same second.
            return fault.retry_after + self.timing.jitter() * min(1.0, self.timing.first_wait)
        longest: float = min(self.timing.longest_wait, self.timing.first_wait * 2 ** (state.attempt_number - 1))
        return longest * (0.5 + 0.5 * self.timing.jitter())

    async def _attempt(self, request: dict[str, Any], label: Label, tally: Tally, number: int) -> ChatCompletion:
        async with self.limiter as epoch:
            if self.fatal is not None:
                raise Fault("endpoint", self.fatal, status="not sent")
            if not self.budget.reserve():
                raise Fault("budget", EndpointError("budget", f"{self.budget.exhausted}."), status="not sent")
            tally.calls += 1
            started = time.perf_counter()
            completion: ChatCompletion | None = None
            text: str | None = None
            status = "error"
            try:
                text, completion = await self._send(request, label)
                status = "200"
                self.limiter.succeeded()
            except asyncio.CancelledError:
                status = "cancelled"
                raise
            except Fault as fault:
                status = fault.status
                if status == "429":
                    self.limiter.throttled(epoch)
                raise
            finally:
                self._settle(request, label, tally, number, status, started, text, completion)
        return completion

    async def _send(self, request: dict[str, Any], label: Label) -> tuple[str, ChatCompletion]:
        import openai

        try:
            async with asyncio.timeout(self.timing.answer):
                # OpenAI's own header for finding a call in a provider's log: a hash, nothing of the document.
                response = await self._clients.post(request, f"{label.document[:16]}-{label.table}")
        except openai.APIStatusError as error:
            body = body_text(error.response)
            raise fault_of_status(error.status_code, body, error.response.headers, self.endpoint) from None
        except (openai.OpenAIError, httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            # Without its cause: the request, and with it the key, hangs on openai's and httpx's errors.
            raise fault_of_exception(error, self.endpoint, self.timing.answer) from None
        text = body_text(response)
        return text, self._completion(text, response.headers.get("content-type", ""))

    def _completion(self, text: str, kind: str) -> ChatCompletion:
        from openai.types.chat import ChatCompletion

        if is_html(text) or "text/html" in kind.lower():
            raise not_an_api(self.endpoint, "200")
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            body = None
        if isinstance(body, dict) and isinstance(body.get("choices"), list):
            return ChatCompletion.construct(**body)
        if isinstance(body, dict) and body.get("error"):
            # Some gateways answer 200 and say in the body that the call failed.
            fault = fault_of_status(_inner_status(body["error"]), text, {}, self.endpoint)
            fault.status = f"200 error {fault.status}"
            raise fault
        error = EndpointError(
            "not_an_api",
            f"{self.endpoint.shown_url} answers with something that is no chat completion.",
            "Check the address of --model MODEL@BASE_URL.",
        )
        # A body that was cut off may come whole the next time; whole JSON of another kind will not change.
        raise Fault("endpoint", error, status="200 no completion", transient=body is None, fatal=body is not None)

    def _settle(
        self,
        request: dict[str, Any],
        label: Label,
        tally: Tally,
        number: int,
        status: str,
        started: float,
        text: str | None,
        completion: ChatCompletion | None,
    ) -> None:
        """Counts one attempt, exactly once: in the question's tally, in the budget, in the ledger."""
        usage = getattr(completion, "usage", None)
        sent, got = _count(getattr(usage, "prompt_tokens", None)), _count(getattr(usage, "completion_tokens", None))
        cost: Decimal | None = None
        spent = 0
        if completion is not None:
            known = sent is not None and got is not None
            free = self.endpoint.profile.own_machine
            cost = self.endpoint.cost(sent or 0, got or 0) if known or free else None
            spent = (sent or 0) + (got or 0)
            if not known and self.budget.max_tokens is not None:
                length = sum(len(str(message.get("content", ""))) for message in request["messages"]) + len(text or "")
                spent = int(length / _CHARACTERS_PER_TOKEN)
            tally.prompt_tokens += sent or 0
            tally.completion_tokens += got or 0
            tally.cost += cost or 0
            tally.unpriced = tally.unpriced or cost is None
        self.budget.settle(spent, cost)
        choices = getattr(completion, "choices", None) or [None]
        reason = getattr(choices[0], "finish_reason", None)
        if watch.watched():
            watch.tell(self._seen(request, label, number, status, started, completion, reason, (sent, got), cost))
        if self.ledger is None:
            return
        keep = self.ledger.keep_text
        call = Call(
            prompt=label.prompt,
            model=self.endpoint.model,
            base_url=self.endpoint.shown_url,
            rung=label.rung,
            attempt=number,
            status=status,
            latency_ms=round((time.perf_counter() - started) * 1000),
            finish_reason=reason if isinstance(reason, str) else None,
            prompt_tokens=sent,
            completion_tokens=got,
            cost=None if cost is None else f"{cost.normalize():f}",
            document=label.document,
            table=label.table,
            request=self.endpoint.scrub(json.dumps(request["messages"], ensure_ascii=False)) if keep else None,
            response=self.endpoint.scrub(text) if keep and text is not None else None,
        )
        self.write(lambda ledger: ledger.add(call))

    def _seen(
        self,
        request: dict[str, Any],
        label: Label,
        number: int,
        status: str,
        started: float,
        completion: ChatCompletion | None,
        reason: object,
        tokens: tuple[int | None, int | None],
        cost: Decimal | None,
    ) -> watch.Attempt:
        ended = time.time_ns()
        name = self.endpoint.profile.token_parameter
        return watch.Attempt(
            provider=self.endpoint.profile.name,
            model=self.endpoint.model,
            address=self.endpoint.shown_url,
            started=ended - int((time.perf_counter() - started) * 1e9),
            ended=ended,
            status=status,
            number=number,
            rung=label.rung,
            prompt=label.prompt[0],
            max_tokens=_count(request.get(name)),
            temperature=request.get("temperature"),
            response_id=_word(getattr(completion, "id", None)),
            response_model=_word(getattr(completion, "model", None)),
            finish_reasons=(reason[:100],) if isinstance(reason, str) else (),
            prompt_tokens=tokens[0],
            completion_tokens=tokens[1],
            cost=None if cost is None else f"{cost.normalize():f}",
        )

    def write(self, write: Callable[[Ledger], object]) -> None:
        """Writes to the ledger; an error is remembered and ends writing, not the run, whose answers are paid for."""
        if self.ledger is not None:
            try:
                write(self.ledger)
            except StoreError as error:
                self.ledger, self.ledger_error = None, error


def _fault(state: RetryCallState) -> Fault:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, Fault)
    return error


def _count(value: object) -> int | None:
    """A number of tokens as an endpoint gives it; None for anything that is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _word(value: object) -> str | None:
    """A name as an endpoint gives it."""
    return value[:200] if isinstance(value, str) and value else None


def _inner_status(error: object) -> int:
    code = error.get("code") if isinstance(error, dict) else None
    try:
        number = int(str(code))
    except ValueError:
        number = 400
    return number if 400 <= number < 600 else 400
