"""Runs the model stage for many documents: one event loop in a thread of its own, results as futures.

What costs time at start (openai, a local model) waits until the first document that needs it.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from extractor.ask import prompts
from extractor.ask.session import ROWS_PER_QUESTION, AskFunction
from extractor.ask.stage import improve, needs_model
from extractor.errors import GoujiError
from extractor.llm.errors import EndpointError
from extractor.llm.question import Answer, Question
from extractor.pipeline import Reading, assemble, settled_tables
from extractor.results import Result

if TYPE_CHECKING:
    from extractor.llm.calls import Asker
    from extractor.llm.profiles import Endpoint

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may spend (None: no limit; money in US dollars), whether answers are kept and texts logged.

    `timeout`: seconds for one whole answer (None: 120). `attempts`: of one call (None: 4). `suggest`: see
    `stage.improve`.
    """

    max_cost: Decimal | None = None
    max_calls: int | None = None
    max_tokens: int | None = None
    cache: bool = True
    keep_text: bool = False
    suggest: bool = False
    timeout: float | None = None
    attempts: int | None = None
    ledger: Path | None = None


class Runner:
    """`with Runner("local") as runner: future = runner.submit(reading)`; instead of a SPEC an endpoint that runs.

    Nothing is started before a document needs it. Errors, on entering: UsageError (SPEC, limits). What fails later
    (no key, a local model that does not start, an endpoint that refuses) is `fatal`: documents are then settled by the
    reader alone. `exhausted` is the limit that was reached.
    """

    def __init__(
        self, spec: str | Endpoint, limits: Limits | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        self._spec, self._limits = spec, limits or Limits()
        self._env = os.environ if env is None else env
        self._stack = ExitStack()
        self._ready: Future[None] = Future()
        self._leave: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._failed: GoujiError | None = None
        self._answered, self._unanswered = 0, ""
        self.endpoint: Endpoint | None = None
        self.asker: Asker | None = None

    def __enter__(self) -> Runner:
        from extractor.llm.budget import Budget
        from extractor.llm.profiles import parse_spec

        for name in prompts.NAMES:
            prompts.load(name)
        limits = self._limits
        self.budget = Budget(max_cost=limits.max_cost, max_calls=limits.max_calls, max_tokens=limits.max_tokens)
        try:
            spec = self._spec
            self.endpoint = parse_spec(spec, self._env) if isinstance(spec, str) else spec
            self.budget.check(self.endpoint)
        except GoujiError as error:
            if error.code != "no_key":
                raise
            self._failed = EndpointError(error.code, error.message, error.hint)
        return self

    def _start(self) -> None:
        """Starts the endpoint (a local model) and the loop; what fails is remembered."""
        from extractor.llm.local import running

        if self._thread or self._failed:
            return
        assert self.endpoint is not None
        try:
            if not self.endpoint.base_url:
                self.endpoint = self._stack.enter_context(running(self.endpoint, self._env))
            self._thread = threading.Thread(target=self._work, name="gouji-model", daemon=True)
            self._thread.start()
            self._ready.result()
        except GoujiError as error:
            self._failed = error

    def _work(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            if not self._ready.done():
                self._ready.set_exception(error)
            elif not isinstance(error, asyncio.CancelledError):
                raise

    async def _main(self) -> None:
        from extractor.llm.calls import Asker
        from extractor.llm.ledger import Ledger
        from extractor.llm.transport import Timing

        limits = self._limits
        assert self.endpoint is not None
        self._loop, self._leave = asyncio.get_running_loop(), asyncio.Event()
        timing = Timing()
        if limits.timeout is not None:
            timing = replace(timing, answer=limits.timeout)
        if limits.attempts is not None:
            timing = replace(timing, attempts=limits.attempts)
        with Ledger(limits.ledger, keep_text=limits.keep_text) as ledger:
            asker = Asker(self.endpoint, ledger=ledger, cache=limits.cache, budget=self.budget, timing=timing)
            async with asker:
                self.asker = asker
                self._ready.set_result(None)
                await self._leave.wait()

    @property
    def window(self) -> int:
        """How many documents to have under way at once, so that the endpoint's slots are busy."""
        return max(4, 2 * self.endpoint.profile.slots) if self.endpoint else 4

    @property
    def rows_per_question(self) -> int:
        """Rows of a table in one question, as the endpoint's profile says."""
        return self.endpoint.profile.rows_per_question if self.endpoint else ROWS_PER_QUESTION

    @property
    def fatal(self) -> GoujiError | None:
        """Why the endpoint was not asked, or not any more."""
        fatal = self._failed or (self.asker.fatal if self.asker else None)
        if fatal is None and self._unanswered and not self._answered:
            hint = "Check the endpoint with `gouji endpoint check`, or give it more time with --timeout."
            return EndpointError("no_answer", f"Not one question was answered: {self._unanswered}", hint)
        return fatal

    @property
    def ledger_error(self) -> GoujiError | None:
        """Why answers are not kept any more; the run goes on."""
        return self.asker.ledger_error if self.asker else None

    @property
    def exhausted(self) -> str:
        """The limit that kept a question from being asked; empty where none did."""
        return self.budget.exhausted if self.budget.denied else ""

    def submit(self, reading: Reading) -> Future[Result]:
        """The result to come; at once where nothing is in doubt."""
        outcomes = settled_tables(reading)
        if not needs_model(reading, outcomes):
            done: Future[Result] = Future()
            done.set_result(assemble(reading, outcomes))
            return done
        suggest = self._limits.suggest
        return self.run(lambda ask, rows: improve(reading, ask, rows, suggest))

    def run(self, work: Callable[[AskFunction, int], Coroutine[Any, Any, T]]) -> Future[T]:
        """Runs a talk with the model: `work` gets the function that puts a question, and the rows to put into one."""
        self._start()
        rows = self.rows_per_question
        if self._failed or self._loop is None or self.asker is None:
            done: Future[T] = Future()
            done.set_result(_at_once(work(_unavailable, rows)))
            return done
        return asyncio.run_coroutine_threadsafe(work(self._ask, rows), self._loop)

    async def _ask(self, question: Question) -> Answer:
        assert self.asker is not None
        answer = await self.asker.ask(question)
        self._answered += answer.value is not None
        if answer.failure == "endpoint":
            self._unanswered = answer.detail
        return answer

    def stop(self) -> None:
        """Asks nothing more; what is in flight is waited for by the futures, and kept."""
        if self._loop is not None and self.asker is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self.asker.stop)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._loop is not None and self._leave is not None and self._thread and self._thread.is_alive():
                self._loop.call_soon_threadsafe(self._leave.set)
                self._thread.join(timeout=30)
        finally:
            self._stack.close()


def _at_once(work: Coroutine[Any, Any, T]) -> T:
    """Runs what waits for nothing, also where an event loop is running already (a notebook)."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise RuntimeError("a question was asked where none can be")


async def _unavailable(question: Question) -> Answer:
    return Answer(None, "endpoint")


class Estimate:
    """The stage without a model: counts what the first questions would be, asks none (`--dry-run`)."""

    def __init__(self, rows_per_question: int, suggest: bool = False) -> None:
        self.rows_per_question, self.suggest = rows_per_question, suggest
        self.questions = self.documents = self.prompt_tokens = self.completion_tokens = 0

    async def _ask(self, question: Question) -> Answer:
        self.questions += 1
        self.prompt_tokens += sum(tokens_about(text) for _, text in question.messages)
        self.completion_tokens += question.max_tokens // 2
        return Answer(None, "stopped")

    def run(self, reading: Reading) -> Result:
        """The reader's own result; the document's questions are counted."""
        before = self.questions
        result = _at_once(improve(reading, self._ask, self.rows_per_question, self.suggest))
        self.documents += self.questions > before
        result.findings = [finding for finding in result.findings if finding.rule != "model.unanswered"]
        result.unanswered = 0
        return result


def tokens_about(text: str) -> int:
    """Tokens of a text, roughly: a Chinese character is about 0.7, three other characters one."""
    wide = sum("一" <= char <= "鿿" for char in text)
    return round(wide * 0.7 + (len(text) - wide) / 3)
