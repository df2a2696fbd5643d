"""The model stage in the service: asks about documents that the reader left in doubt, and waits for endpoints.

One endpoint for each SPEC, a local model started once; one runner with its own budget for each document. Answers are
kept in the data folder, so that what is done again is not paid again.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import threading
import time
import zlib
from collections.abc import Mapping
from concurrent.futures import Future, wait
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from extractor.ask.runner import Limits, Runner
from extractor.ask.session import AskFunction
from extractor.ask.stage import improve, needs_model
from extractor.errors import GoujiError
from extractor.llm.local import running
from extractor.llm.profiles import Endpoint, parse_spec
from extractor.llm.question import Answer, Question
from extractor.pipeline import Reading, assemble, settled_tables
from extractor.results import TRUSTED, Result, Usage
from extractor.service.database.extractions import Job
from extractor.service.settings import Settings
from extractor.service.work.patience import Interrupted
from extractor.service.work.reading import Outcome, outcome_of, read_document

# What passes by itself; whatever else an endpoint says, it says again.
PASSING = frozenset({"unreachable", "server_error", "rate_limited", "timeout", "connection", "local_timeout"})
ATTEMPTS = 1  # of one call: the service itself asks again what got no answer
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds until an endpoint that is down is asked again
_LOOK = 0.2  # seconds between looks whether the service stops


class Waits(Exception):
    """The endpoint is down: the document waits so many seconds. `spent`: on it, so far."""

    def __init__(self, seconds: float, error: GoujiError, spent: Usage) -> None:
        super().__init__(error.code)
        self.seconds, self.error, self.spent = seconds, error, spent


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of a document; `error` where the model was not reached: then it is what the reader found itself."""

    outcome: Outcome
    error: GoujiError | None


@dataclass(frozen=True, slots=True)
class _Down:
    """An endpoint that answered nothing: not asked before `until` (of the monotonic clock)."""

    until: float
    pause: float
    error: GoujiError


class Models:
    """`ask` from several threads, each for one document. `stop`: asks nothing more; `abandon`: waits for nothing more;
    `close`: ends a local model."""

    def __init__(self, settings: Settings, env: Mapping[str, str] | None = None) -> None:
        self._settings = settings
        self._env = os.environ if env is None else env
        self._lock = threading.Lock()
        self._started: dict[str, tuple[Endpoint, ExitStack]] = {}
        self._down: dict[str, _Down] = {}
        self._stopping, self._abandoned = threading.Event(), threading.Event()

    def ask(self, job: Job) -> Asked:
        """The document read again, and asked about. Errors: Waits; Interrupted where the service stops."""
        assert job.model is not None
        down = self._down.get(job.model)
        if (
            down is not None
            and (left := down.until - time.monotonic()) > 0
            and self._may_wait(job, left)
            # What waits already would ask. In another document there may be doubt, and nothing to be asked about.
            and (job.waits_since is not None or _asks(job))
        ):
            raise Waits(left + random.uniform(0.0, down.pause), down.error, job.spent)
        found, text = read_document(job.data, job.source, job.given)
        try:
            results, seen, error = self._talk(job, found)
        except GoujiError as failed:  # no endpoint to talk to: no key, no local model, a limit without a price
            results, seen, error = [_settled(one) for one in found], [], failed
        if any(answer.failure == "stopped" for answer in seen):
            raise Interrupted
        spent = _sum(job.spent, [answer for answer in seen if answer.failure != "endpoint"])
        self._remember(job.model, seen, error)
        if error is not None and error.code in PASSING:
            seconds = self._pause(job)
            if self._may_wait(job, seconds):
                raise Waits(seconds, error, spent)
        if results and job.spent.calls:
            results[0].usage = _sum(job.spent, [results[0].usage])
        return Asked(outcome_of(results, text), error)

    def stop(self) -> None:
        """Asks nothing more; what is asked already is waited for, and kept."""
        self._stopping.set()

    def abandon(self) -> None:
        """Waits for no answer any more."""
        self._abandoned.set()

    def close(self) -> None:
        """Ends the local models."""
        with self._lock:
            for _, stack in self._started.values():
                stack.close()
            self._started.clear()

    def _talk(self, job: Job, found: list[Reading | Result]) -> tuple[list[Result], list[Answer], GoujiError | None]:
        seen: list[Answer] = []
        endpoint = self._endpoint(str(job.model))
        with Runner(endpoint, self._limits(job), self._env) as runner:
            # One report after another: a limit is exceeded by the calls that are under way when it is reached.
            results = [self._result(runner, self._submit(runner, one, seen)) for one in found]
            fatal = runner.fatal
        failed = [answer for answer in seen if answer.failure == "endpoint"]
        if not failed and fatal is None:
            return results, seen, None
        code = next((answer.code for answer in failed if answer.code), fatal.code if fatal else "no_answer")
        said = next((answer.detail for answer in failed if answer.detail), fatal.message if fatal else "")
        return results, seen, GoujiError(code, f"The model was not reached: {said}", "Look at the endpoint.")

    def _result(self, runner: Runner, future: Future[Result]) -> Result:
        while wait([future], timeout=_LOOK).not_done:
            if self._abandoned.is_set():
                raise Interrupted
            if self._stopping.is_set():
                runner.stop()
        return future.result()

    def _submit(self, runner: Runner, one: Reading | Result, seen: list[Answer]) -> Future[Result]:
        if isinstance(one, Result) or not needs_model(one, settled_tables(one)):
            done: Future[Result] = Future()
            done.set_result(_settled(one))
            return done

        async def talk(ask: AskFunction, rows: int) -> Result:
            async def counted(question: Question) -> Answer:
                answer = await ask(question)
                seen.append(answer)
                return answer

            return await improve(one, counted, rows)

        return runner.run(talk)

    def _endpoint(self, spec: str) -> Endpoint:
        """The endpoint, started where it is a local one. Errors: GoujiError."""
        with self._lock:
            if spec not in self._started:
                stack = ExitStack()
                self._started[spec] = stack.enter_context(running(parse_spec(spec, self._env), self._env)), stack
            return self._started[spec][0]

    def _limits(self, job: Job) -> Limits:
        budget, spent = job.budget or {}, job.spent

        def left(name: str, used: int) -> int | None:
            return None if budget.get(name) is None else max(0, int(budget[name]) - used)

        cost = budget.get("max_cost")
        return Limits(
            max_calls=left("max_calls", spent.calls),
            max_tokens=left("max_tokens", spent.prompt_tokens + spent.completion_tokens),
            max_cost=None if cost is None else max(Decimal(0), Decimal(str(cost)) - Decimal(spent.cost or 0)),
            attempts=ATTEMPTS,
            ledger=self._settings.data / "model.sqlite",
        )

    def _remember(self, spec: str, seen: list[Answer], error: GoujiError | None) -> None:
        """Whether the endpoint is to be left alone for a while."""
        if error is None or error.code not in PASSING or any(answer.value is not None for answer in seen):
            self._down.pop(spec, None)
            return
        before = self._down.get(spec)
        pause = FIRST_WAIT if before is None else min(LONGEST_WAIT, 2 * before.pause)
        self._down[spec] = _Down(time.monotonic() + pause, pause, error)
        with self._lock:
            started = self._started.get(spec)
            if started is not None and started[0].kind == "local":  # the next one starts it anew
                started[1].close()
                del self._started[spec]

    def _pause(self, job: Job) -> float:
        """Twice the time that the document has waited already, within bounds, and spread."""
        return min(LONGEST_WAIT, max(FIRST_WAIT, _waited(job))) * random.uniform(0.75, 1.0)

    def _may_wait(self, job: Job, seconds: float) -> bool:
        return _waited(job) + seconds <= self._settings.model_patience


def wants_model(outcome: Outcome) -> bool:
    """Whether a model could add to what the reader found: as `extract --model` would ask it."""
    if not outcome.doubtful and outcome.verdict != "failed" and all(r.organization and r.year for r in outcome.reports):
        return False
    return any(_open(line) for line in json.loads(zlib.decompress(outcome.lines)))


def _open(line: Mapping[str, Any]) -> bool:
    if line["error"] is not None:
        return bool(line["error"]["code"] == "no_tables")
    record = line["record"]
    doubtful = any(verdict not in TRUSTED for verdict in line["verdicts"].values())
    return doubtful or record["organization"] is None or record["year"] is None


def _asks(job: Job) -> bool:
    """Whether a model would be asked anything at all about a document."""
    asked: list[Question] = []

    async def note(question: Question) -> Answer:
        asked.append(question)
        return await _unavailable(question)

    for one in read_document(job.data, job.source, job.given)[0]:
        if isinstance(one, Reading) and needs_model(one, settled_tables(one)):
            asyncio.run(improve(one, note))
    return bool(asked)


def _settled(one: Reading | Result) -> Result:
    """The result without any answer; where one was needed, it says so."""
    if isinstance(one, Result):
        return one
    outcomes = settled_tables(one)
    if not needs_model(one, outcomes):
        return assemble(one, outcomes)
    return asyncio.run(improve(one, _unavailable))


async def _unavailable(question: Question) -> Answer:
    return Answer(None, "endpoint")


def _waited(job: Job) -> float:
    if job.waits_since is None:
        return 0.0
    return (datetime.now(UTC) - datetime.fromisoformat(job.waits_since)).total_seconds()


def _sum(spent: Usage, more: list[Any]) -> Usage:
    """What was spent and what came to it; a cost that is not known stays unknown."""
    costs = [Decimal(spent.cost)] if spent.cost is not None else []
    costs += [Decimal(one.cost) for one in more if one.calls and one.cost is not None]
    known = all(one.cost is not None for one in more if one.calls) and (spent.cost is not None or not spent.calls)
    return Usage(
        calls=spent.calls + sum(one.calls for one in more),
        prompt_tokens=spent.prompt_tokens + sum(one.prompt_tokens for one in more),
        completion_tokens=spent.completion_tokens + sum(one.completion_tokens for one in more),
        cost=format(sum(costs, Decimal(0)), "f") if costs and known else None,
    )
