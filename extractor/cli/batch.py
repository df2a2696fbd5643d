"""Runs a batch: source after source, output flushed as it comes, a summary that adds up."""

from __future__ import annotations

import json
import re
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, get_args

from extractor.cli.finish import Done, finisher
from extractor.document.sources import Source, count, display, walk
from extractor.errors import StoreError
from extractor.files import readings_of
from extractor.results import Result, Usage, Verdict

if TYPE_CHECKING:
    from extractor.ask.runner import Limits
    from extractor.pipeline import Reading
    from extractor.store import Store

INTERRUPTED = 130
_VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
# Characters that JSON allows raw but that end a line for some readers, or that UTF-8 cannot hold.
_ESCAPE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Options:
    """What `gouji extract` was asked for."""

    as_json: bool = False
    db: Path | None = None
    strict: bool = False
    max_bytes: int = 20_000_000
    quiet: bool = False
    debug: bool = False
    model: str | None = None
    limits: Limits | None = None
    dry_run: bool = False
    given: Path | None = None


@dataclass(slots=True)
class Tally:
    """Counts of a batch. A document is a report: a file that holds two counts twice."""

    verdicts: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    inputs: int = 0
    read: int = 0
    stored: int = 0
    seconds: float = 0.0
    usage: Usage = field(default_factory=Usage)
    asked: int = 0
    # Documents that a run without a limit or a failing endpoint would have asked about.
    unasked: int = 0

    def count(self, results: Sequence[Result]) -> None:
        """Adds the results of one source."""
        self.verdicts.update(result.verdict for result in results)
        for result in results:
            used = result.usage
            self.asked += bool(used.calls)
            self.unasked += bool(result.unanswered)
            self.usage.calls += used.calls
            self.usage.prompt_tokens += used.prompt_tokens
            self.usage.completion_tokens += used.completion_tokens
            if used.calls and used.cost is not None:
                self.usage.cost = format(Decimal(self.usage.cost or 0) + Decimal(used.cost), "f")

    def lines(self, db: Path | None) -> Iterator[str]:
        """The closing summary; its first line adds up."""
        parts = " + ".join(f"{self.verdicts[verdict]} {verdict}" for verdict in _VERDICTS)
        total = self.verdicts.total()
        yield f"{total} {'document' if total == 1 else 'documents'} = {parts}  ({self.seconds:.1f} s)"
        if self.left_out:
            kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(self.left_out.items()))
            yield f"left out, being no documents: {kinds}"
        if self.usage.calls:
            used = self.usage
            cost = "unpriced" if used.cost is None else f"{Decimal(used.cost):f} USD"
            yield (
                f"model: {used.calls} calls for {self.asked} documents, "
                f"{used.prompt_tokens} + {used.completion_tokens} tokens, {cost}"
            )
        if db is not None:
            yield f"{db}: {self.stored} new, {total - self.stored} already there"

    def exit_code(self, strict: bool) -> int:
        """The contract's exit code of a batch that ran to its end."""
        if not self.read:
            return 3
        return 1 if strict and self.verdicts["needs_review"] + self.verdicts["failed"] else 0


def json_line(result: Result) -> str:
    """One line of JSON Lines. Undecodable bytes of a path are lone surrogates in JSON's own escapes."""
    line = json.dumps(result.to_json(), ensure_ascii=False)
    return _ESCAPE.sub(lambda match: f"\\u{ord(match.group()):04x}", line)


class Interruption:
    """Ctrl-C stops between documents: output and database never hold half of one."""

    def __init__(self) -> None:
        self._asked = self._busy = False

    def __enter__(self) -> Interruption:
        self._previous = signal.getsignal(signal.SIGINT)
        if self._previous is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._previous)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True
        if not self._busy:
            raise KeyboardInterrupt

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Lets what is inside finish; an interruption meanwhile takes effect afterwards."""
        self._busy = True
        try:
            yield
        finally:
            self._busy = False
        if self._asked:
            raise KeyboardInterrupt


def run(paths: Sequence[str], options: Options) -> int:
    """Reads all sources, prints and stores each document as it is done; gives the exit code."""
    tally = Tally()
    started = time.monotonic()
    code: int | None = None
    with ExitStack() as stack:
        given = _load_given(options.given)
        alone = len(paths) == 1 and not Path(paths[0]).is_dir()
        finish = stack.enter_context(finisher(options))
        stop = stack.enter_context(Interruption())
        store = _open_store(stack, options.db)

        def emit(done: Done) -> None:
            with stop.shield():
                _emit(done.results, options)
                tally.inputs += 1
                tally.read += done.was_read
                tally.count(done.results)
                if store is not None:
                    tally.stored += store.save(done.source.name, done.source.data, done.results)

        try:
            for source in _with_progress(stack, paths, options):
                if source.left_out is not None:
                    tally.left_out[source.left_out] += 1
                    continue
                readings, was_read = readings_of(source, options.debug)
                if given:
                    _give(source, readings, given, alone)
                for done in finish.add(source, readings, was_read):
                    emit(done)
            for done in finish.rest():
                emit(done)
        except KeyboardInterrupt:
            code = INTERRUPTED
            for done in finish.finished():
                emit(done)
        except BrokenPipeError:
            from extractor.cli.main import leave_quietly

            leave_quietly()
        except StoreError as error:
            from extractor.cli.main import print_error

            if options.debug:
                traceback.print_exc()
            print_error(error)
            code = error.exit_code
        except OSError as error:
            print(f"gouji: the output cannot be written: {error.strerror} [output]", file=sys.stderr)
            code = 2
    tally.seconds = time.monotonic() - started
    if code == INTERRUPTED:
        print("interrupted; what was finished is kept.", file=sys.stderr)
    if not tally.inputs and code is None:
        print("gouji: there was no document in what was given. [no_input]", file=sys.stderr)
    if not options.quiet:
        print("\n".join(tally.lines(options.db)), file=sys.stderr)
    return finish.exit_code(tally) or tally.exit_code(options.strict) if code is None else code


def _load_given(path: Path | None) -> list[Mapping[str, Any]]:
    if path is None:
        return []
    from extractor.given import load_given

    return list(load_given(path))


def _give(
    source: Source, readings: Sequence[Reading | Result], given: Sequence[Mapping[str, Any]], alone: bool
) -> None:
    """Weighs the caller's records for this source. Errors: UsageError where they fit no report of it."""
    from extractor.given import given_for, match_given, take_given
    from extractor.pipeline import Reading

    read = [reading for reading in readings if isinstance(reading, Reading)]
    lines = given_for(source.name, given, alone)
    if read and lines:
        take_given(read, match_given(read, lines))


def _open_store(stack: ExitStack, db: Path | None) -> Store | None:
    if db is None:
        return None
    from extractor.store import Store

    return stack.enter_context(Store(db))


def _emit(results: Sequence[Result], options: Options) -> None:
    if options.as_json:
        sys.stdout.write("".join(json_line(result) + "\n" for result in results))
        if not options.quiet:
            for result in results:
                if result.error:
                    error = result.error
                    print(f"{display(result.source)}: {error['message']} [{error['code']}]", file=sys.stderr)
    else:
        from extractor.cli.render import show

        for result in results:
            show(result, sys.stdout)
    sys.stdout.flush()


def _with_progress(stack: ExitStack, paths: Sequence[str], options: Options) -> Iterator[Source]:
    """The sources, with a bar on stderr where a person looks at it and output does not scroll past anyway."""
    sources = walk(paths, max_bytes=options.max_bytes)
    if options.quiet or not sys.stderr.isatty() or sys.stdout.isatty():
        return sources
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("reading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = stack.enter_context(
        Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
    )
    total = count(paths)
    task = progress.add_task("reading", total=total)

    def advancing() -> Iterator[Source]:
        nonlocal total
        for source in sources:
            total += source.adds
            progress.update(task, total=total)
            yield source
            progress.advance(task)

    return advancing()
