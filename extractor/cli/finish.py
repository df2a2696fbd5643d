"""From readings to results: by the reader alone, or with a model for many documents at a time, in input order."""

from __future__ import annotations

import shlex
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from extractor.document.sources import Source
from extractor.files import internal
from extractor.pipeline import Reading, settle
from extractor.results import Result

if TYPE_CHECKING:
    from extractor.ask.runner import Estimate, Runner
    from extractor.cli.batch import Options, Tally

MODEL_FAILED, BUDGET_REACHED = 4, 5
# Seconds that an interruption waits for calls in flight; a second one does not wait.
PATIENCE = 10.0


@dataclass(slots=True)
class Done:
    """All results of one source."""

    source: Source
    results: list[Result]
    was_read: bool


class Finisher:
    """The reader alone: what is added is done."""

    def __init__(self, debug: bool = False) -> None:
        self.debug = debug

    def add(self, source: Source, readings: Sequence[Reading | Result], was_read: bool) -> Iterator[Done]:
        """What is finished by now, in input order."""
        yield Done(source, [self._result(reading) for reading in readings], was_read)

    def _result(self, reading: Reading | Result) -> Result:
        return reading if isinstance(reading, Result) else self.safely(reading, lambda: settle(reading))

    def safely(self, reading: Reading, work: Callable[[], Result]) -> Result:
        """What `work` gives, never an exception."""
        try:
            return work()
        except Exception as error:
            return internal(reading.source, reading.sha256, error, self.debug, reading.text)

    def rest(self) -> Iterator[Done]:
        """Waits for what is still under way."""
        yield from ()

    def finished(self) -> Iterator[Done]:
        """After an interruption: what was finished and is not yet handed out."""
        yield from ()

    def exit_code(self, tally: Tally) -> int:
        """4 or 5 where the model stage ended early, else 0."""
        return 0


class Estimating(Finisher):
    """`--dry-run`: the reader's results, and what the model stage would ask."""

    def __init__(self, estimate: Estimate, runner: Runner, debug: bool = False) -> None:
        super().__init__(debug)
        self._estimate, self._runner = estimate, runner

    def _result(self, reading: Reading | Result) -> Result:
        return reading if isinstance(reading, Result) else self.safely(reading, lambda: self._estimate.run(reading))

    def exit_code(self, tally: Tally) -> int:
        """Prints the estimate."""
        found, endpoint = self._estimate, self._runner.endpoint
        price = endpoint.cost(found.prompt_tokens, found.completion_tokens) if endpoint else None
        cost = "unpriced" if price is None else f"about {price:.4f} USD"
        print(
            f"dry run: {found.questions} questions about {found.documents} documents, about {found.prompt_tokens} + "
            f"{found.completion_tokens} tokens, {cost}; rows asked again and second formulations come on top. "
            "Nothing was asked.",
            file=sys.stderr,
        )
        return 0


class Asking(Finisher):
    """A model for what is in doubt: a window of documents under way, handed out in input order."""

    def __init__(self, runner: Runner, resume: str, debug: bool = False) -> None:
        super().__init__(debug)
        self._runner, self._resume = runner, resume
        self._waiting: deque[tuple[Source, list[Reading | Result], list[Future[Result] | Result], bool]] = deque()

    def add(self, source: Source, readings: Sequence[Reading | Result], was_read: bool) -> Iterator[Done]:
        """Starts the source's documents; hands out what is finished, waiting where too much is under way."""
        work: list[Future[Result] | Result] = []
        for reading in readings:
            work.append(reading if isinstance(reading, Result) else self._submit(reading))
        self._waiting.append((source, list(readings), work, was_read))
        while self._waiting and (self._first_is_done() or len(self._waiting) > self._runner.window):
            yield self._take()

    def _submit(self, reading: Reading) -> Future[Result] | Result:
        try:
            return self._runner.submit(reading)
        except Exception as error:
            return internal(reading.source, reading.sha256, error, self.debug, reading.text)

    def _first_is_done(self) -> bool:
        return all(isinstance(item, Result) or item.done() for item in self._waiting[0][2])

    def _take(self) -> Done:
        source, readings, work, was_read = self._waiting[0]
        results = []
        for reading, item in zip(readings, work, strict=True):
            if isinstance(item, Result):
                results.append(item)
            else:
                assert isinstance(reading, Reading)
                results.append(self.safely(reading, item.result))
        self._waiting.popleft()
        return Done(source, results, was_read)

    def rest(self) -> Iterator[Done]:
        """Waits for each document in turn."""
        while self._waiting:
            yield self._take()

    def finished(self) -> Iterator[Done]:
        """Waits a little for the calls in flight, so that their answers are kept; those that then are done and were
        asked all they needed. The others are cancelled."""
        self._runner.stop()
        futures = [item for _, _, work, _ in self._waiting for item in work if isinstance(item, Future)]
        if futures:
            wait(futures, timeout=PATIENCE)
        for item in futures:
            item.cancel()
        while self._waiting:
            done = self._take() if self._first_is_done() and not self._was_cancelled() else None
            if done is None:
                self._waiting.popleft()
            elif not any(result.unanswered for result in done.results):
                yield done

    def _was_cancelled(self) -> bool:
        return any(
            isinstance(item, Future) and (item.cancelled() or isinstance(item.exception(), CancelledError))
            for item in self._waiting[0][2]
        )

    def exit_code(self, tally: Tally) -> int:
        """4 or 5, with a sentence that says what happened and how to go on."""
        fatal = self._runner.fatal
        if fatal is not None and tally.unasked:
            from extractor.cli.main import print_error

            print_error(fatal)
            print(_left(tally), file=sys.stderr)
            return MODEL_FAILED
        if (broken := self._runner.ledger_error) is not None:
            print(f"gouji: {broken.message} Answers are not kept any more. [{broken.code}]", file=sys.stderr)
        if self._runner.exhausted and tally.unasked:
            print(f"gouji: {self._runner.exhausted}. {_left(tally)} [budget]", file=sys.stderr)
            print(
                f"  To go on with a higher limit (answers so far are kept and cost nothing): {self._resume}",
                file=sys.stderr,
            )
            return BUDGET_REACHED
        return 0


def _left(tally: Tally) -> str:
    return f"{tally.unasked} documents were left as the reader alone has them; all others are done."


@contextmanager
def finisher(options: Options) -> Iterator[Finisher]:
    """The way of finishing that the options ask for. Errors: UsageError for a bad SPEC or limit."""
    if options.model is None:
        yield Finisher(options.debug)
        return
    from extractor.ask.runner import Estimate, Runner

    with Runner(options.model, options.limits) as runner:
        if options.dry_run:
            suggest = options.limits is not None and options.limits.suggest
            yield Estimating(Estimate(runner.rows_per_question, suggest), runner, options.debug)
            return
        finish = Asking(runner, resume_command(), options.debug)
        try:
            yield finish
        finally:
            for _ in finish.finished():
                pass


def resume_command() -> str:
    """The command line as given, without its limits."""
    words, skip = [], False
    for word in sys.argv[1:]:
        name = word.partition("=")[0]
        if skip:
            skip = False
        elif name in ("--max-calls", "--max-tokens", "--max-cost"):
            skip = "=" not in word
        else:
            words.append(shlex.quote(word))
    return " ".join(["gouji", *words])
