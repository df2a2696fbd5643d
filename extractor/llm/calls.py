"""Asks one endpoint: a question in, a checked answer or the class of its failure out.

The layers, outermost first: cache and single flight (`Asker`), the ladder of structured output (`Exchange`),
instructor (one re-ask of a malformed answer), `Transport` (retries, slots, ledger).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from extractor.errors import StoreError, UsageError
from extractor.llm.budget import Budget
from extractor.llm.errors import EndpointError, Fault
from extractor.llm.exchange import Exchange
from extractor.llm.ledger import Kept, Ledger
from extractor.llm.profiles import Endpoint, Rung
from extractor.llm.question import Answer, Question
from extractor.llm.schema import plain_schema
from extractor.llm.transport import Tally, Timing, Transport

# Changed when requests are built otherwise for the same question: answers kept before count no more.
_CACHE_VERSION = 1
# So many malformed answers in a row, and none good, at a form of structured output: the endpoint ignores it.
_IGNORED_AFTER = 3
_STOPPED = "The run was stopped."


@dataclass(slots=True)
class _Flight:
    task: asyncio.Task[Answer]
    waiting: int = 0


class Asker:
    """Asks an endpoint, many questions at a time: `async with Asker(…) as asker: answer = await asker.ask(question)`.

    `ledger`: open, or None for neither ledger nor kept answers. `cache`: serve and keep answers, and make one call of
    equal questions. `slots`: calls in flight at most (None: as the profile says). It belongs to one event loop.

    `fatal` is set when the endpoint has failed for good; `ledger_error` when the ledger could no longer be written.
    Errors, on making: UsageError `unpriced` (a limit on cost without a price), `not_started` (a local model).
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        ledger: Ledger | None = None,
        cache: bool = True,
        budget: Budget | None = None,
        timing: Timing | None = None,
        slots: int | None = None,
    ) -> None:
        if not endpoint.base_url:
            raise UsageError("not_started", "The local model has not been started.", "Start it, then ask.")
        self.endpoint, self.cache = endpoint, cache
        self.budget = Budget() if budget is None else budget
        self.budget.check(endpoint)
        self._ledger = ledger
        self._timing = timing or Timing()
        self._slots = endpoint.profile.slots if slots is None else slots
        # Of thousands of questions that are asked at once no more are made ready than can be sent soon: the first
        # answers would wait until the last question is ready.
        self._prepared = asyncio.Semaphore(self._slots + 8)
        self._transport: Transport | None = None
        self._stopped = False
        self._flights: dict[str, _Flight] = {}
        self._tasks: set[asyncio.Task[Answer]] = set()
        self._rung = 0
        self._good: set[Rung] = set()
        self._malformed = 0
        self._dropped = set(endpoint.profile.unsupported)
        self._remembered: tuple[str, frozenset[str]] | None = None

    @property
    def fatal(self) -> EndpointError | None:
        """Why the endpoint will not be asked any more; None while it works."""
        return self._transport.fatal if self._transport else None

    @property
    def ledger_error(self) -> StoreError | None:
        """Why the ledger is no longer written; the run goes on without it."""
        return self._transport.ledger_error if self._transport else None

    @property
    def rung(self) -> Rung:
        """The form of structured output that the next question is asked in."""
        return self.endpoint.profile.ladder[self._rung]

    async def __aenter__(self) -> Asker:
        self._transport = Transport(self.endpoint, self._ledger, self.budget, self._timing, self._slots)
        self._stopped = False
        self._recall()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._transport:
            await self._transport.close()

    def stop(self) -> None:
        """From now on nothing is asked (failure "stopped"); what is in flight is waited for and kept."""
        self._stopped = True

    async def ask(self, question: Question) -> Answer:
        """The answer to a question, or the class of its failure. Raises nothing but asyncio.CancelledError."""
        async with self._prepared:
            if self._stopped or self._transport is None:
                return self._failed("stopped", _STOPPED, Tally())
            if not self.cache:
                return await self._join(_Flight(self._start(question, "")))
            try:
                key = cache_key(question, self.endpoint.model)
            except Exception as error:  # a schema that pydantic cannot write
                return self._broken(error, Tally())
            if kept := self._kept(question, key):
                return kept
            flight = self._flights.get(key)
            first = flight is None
            if flight is None:
                flight = self._flights[key] = _Flight(self._start(question, key))
            answer = await self._join(flight)
            # Only one of equal questions has cost anything.
            return answer if first else _free(answer)

    def _start(self, question: Question, key: str) -> asyncio.Task[Answer]:
        task = asyncio.create_task(self._ask(question, key))
        self._tasks.add(task)

        def done(task: asyncio.Task[Answer]) -> None:
            self._tasks.discard(task)
            if (flight := self._flights.get(key)) and flight.task is task:
                del self._flights[key]

        task.add_done_callback(done)
        return task

    async def _join(self, flight: _Flight) -> Answer:
        """Waits for a call that others may wait for too: it is cancelled when nobody waits any more."""
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if flight.task.cancelled() and not (current and current.cancelling()):
                return self._failed("stopped", _STOPPED, Tally())  # the asker was closed, not this task cancelled
            if flight.waiting == 1:
                self._flights = {key: other for key, other in self._flights.items() if other is not flight}
                flight.task.cancel()
                await asyncio.gather(flight.task, return_exceptions=True)
            raise
        finally:
            flight.waiting -= 1

    async def _ask(self, question: Question, key: str) -> Answer:
        tally = Tally()
        try:
            if self._stopped or self._transport is None:
                return self._failed("stopped", _STOPPED, tally)
            if self.fatal is not None:
                return self._failed("endpoint", str(self.fatal), tally, self.fatal.code)
            if reason := self.budget.exhausted:
                self.budget.denied = True
                return self._failed("budget", f"{reason}.", tally)
            return await self._walk(self._transport, question, key, tally)
        except Exception as error:
            return self._broken(error, tally)

    async def _walk(self, transport: Transport, question: Question, key: str, tally: Tally) -> Answer:
        """Down the ladder, from where the endpoint stands, until a form is taken; never up again."""
        ladder = self.endpoint.profile.ladder
        schema = plain_schema(question.answer)
        step = self._rung
        dropped: set[str] = set()
        while True:
            rung = ladder[step]
            exchange = Exchange(transport, question, schema, rung, frozenset(self._dropped), tally)
            try:
                text = await exchange.run()
            except Fault as fault:
                if fault.unsupported == "rung" and step + 1 < len(ladder):
                    step += 1
                    # A form that has worked is refused for this question alone (a schema too large, say).
                    if rung not in self._good:
                        self._rung = max(self._rung, step)
                    continue
                if fault.unsupported not in ("", "rung") and fault.unsupported not in dropped:
                    dropped.add(fault.unsupported)
                    self._dropped.add(fault.unsupported)
                    continue
                if fault.unsupported:  # and nothing left to do without
                    transport.failed(fault)
                if fault.failure == "malformed":
                    self._ignored(rung, step)
                return self._failed(fault.failure, str(fault.error), tally, fault.error.code)
            self._worked(rung, transport)
            return self._valid(question, text, key, transport, tally)

    def _valid(self, question: Question, text: str, key: str, transport: Transport, tally: Tally) -> Answer:
        # Validated anew: instructor's object is of a class of its own and holds on to the whole response.
        value = question.answer.model_validate_json(text, strict=True)
        if key:
            kept = Kept(text, tally.prompt_tokens, tally.completion_tokens, tally.shown_cost)
            transport.write(lambda ledger: ledger.keep(key, question.prompt, self.endpoint.model, kept))
        return _answer(value, tally, self.endpoint.model)

    def _ignored(self, rung: Rung, step: int) -> None:
        self._malformed += 1
        if (
            rung not in self._good
            and self._malformed >= _IGNORED_AFTER
            and step + 1 < len(self.endpoint.profile.ladder)
        ):
            self._rung, self._malformed = max(self._rung, step + 1), 0

    def _worked(self, rung: Rung, transport: Transport) -> None:
        self._malformed = 0
        self._good.add(rung)
        state = (self.rung, frozenset(self._dropped))
        if rung == self.rung and state != self._remembered:
            self._remembered = state
            transport.write(lambda ledger: ledger.learn(self.endpoint.shown_url, self.endpoint.model, *state))

    def _recall(self) -> None:
        """What an earlier run has learned of this endpoint."""
        assert self._transport
        found: list[tuple[str, frozenset[str]] | None] = []
        self._transport.write(lambda ledger: found.append(ledger.learned(self.endpoint.shown_url, self.endpoint.model)))
        if found and found[0]:
            rung, dropped = found[0]
            if rung in get_args(Rung) and rung in self.endpoint.profile.ladder:
                self._rung = [str(name) for name in self.endpoint.profile.ladder].index(rung)
                self._dropped |= dropped
                self._remembered = found[0]

    def _kept(self, question: Question, key: str) -> Answer | None:
        found: list[Kept | None] = []
        if self._transport:
            self._transport.write(lambda ledger: found.append(ledger.kept(key)))
        if not found or found[0] is None:
            return None
        try:
            value = question.answer.model_validate_json(found[0].answer, strict=True)
        except ValidationError:  # validators may change where the schema does not
            return None
        return Answer(value, cost="0", model=self.endpoint.model, cached=True)

    def _failed(self, failure: Any, detail: str, tally: Tally, code: str = "") -> Answer:
        failed = _answer(None, tally, self.endpoint.model)
        return replace(failed, failure=failure, detail=self.endpoint.scrub(detail), code=code)

    def _broken(self, error: Exception, tally: Tally) -> Answer:
        """An error of our own or of a library: the question fails, the run does not."""
        return self._failed(
            "endpoint", f"The question could not be asked ({type(error).__name__}: {error})"[:300], tally
        )


def cache_key(question: Question, model: str) -> str:
    """SHA-256 of all that an answer depends on: messages, schema, model, parameters, prompt; not who serves it."""
    content = {
        "version": _CACHE_VERSION,
        "messages": question.messages,
        "schema": plain_schema(question.answer),
        "model": model,
        "max_tokens": question.max_tokens,
        "prompt": question.prompt,
    }
    canonical = json.dumps(content, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _answer(value: BaseModel | None, tally: Tally, model: str) -> Answer:
    return Answer(
        value,
        calls=tally.calls,
        prompt_tokens=tally.prompt_tokens,
        completion_tokens=tally.completion_tokens,
        cost=tally.shown_cost,
        model=model,
    )


def _free(answer: Answer) -> Answer:
    return replace(answer, calls=0, prompt_tokens=0, completion_tokens=0, cost="0", cached=answer.value is not None)
