"""The systems that `gouji eval` compares: the reader alone, with a model, a model alone, and what people do today."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

from extractor.errors import GoujiError, UsageError

if TYPE_CHECKING:
    from extractor.ask.runner import Limits
    from extractor.pipeline import Reading
    from extractor.results import Result

SystemName = Literal["rule", "llm", "hybrid", "naive"]
NAMES: tuple[str, ...] = get_args(SystemName)


class BudgetReached(GoujiError):
    """A limit of the run was reached before a document was done: what is finished stands (exit 5)."""

    exit_code = 5


class System(Protocol):
    """One way to read a report."""

    name: str

    def read(self, text: str, source: str) -> list[dict[str, Any]]:
        """One object per report of the text, shaped like the lines of `gouji extract --json`, in the same order and
        with the same `source`s for all systems. What fails for one document stands in its `error`.

        Errors, and then nothing of the document counts: EndpointError (exit 4) where a model was needed and its
        endpoint failed for good, BudgetReached (exit 5) where a limit kept a question from being asked.
        """

    def close(self) -> None:
        """Ends what was started."""


class _Closing:
    """`with system(…) as reader:`."""

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends what was started."""


class Rule(_Closing):
    """The reader and the validator; no model."""

    name = "rule"

    def read(self, text: str, source: str) -> list[dict[str, Any]]:
        """The reader's results."""
        from extractor.pipeline import extract_all

        return [result.to_json() for result in extract_all(text, source)]


class WithModel(_Closing):
    """What the systems with a model share: one Runner over the whole run, with its ledger, kept answers and limits.

    `read` may be called by several threads at a time. Nothing is started before a document needs it.
    """

    name = ""

    def __init__(
        self, model: str, limits: Limits, env: Mapping[str, str] | None = None, temperature: float | None = None
    ) -> None:
        from extractor.ask.runner import Runner

        self.runner = Runner(model, limits, env)
        self.runner.__enter__()
        self._lock = threading.Lock()
        if temperature is not None and (endpoint := self.runner.endpoint) is not None:
            extra = {**endpoint.profile.extra, "temperature": temperature}
            self.runner.endpoint = replace(endpoint, profile=replace(endpoint.profile, extra=extra))

    def read(self, text: str, source: str) -> list[dict[str, Any]]:
        """The results of one document. Errors: EndpointError, BudgetReached; UsageError where a local model cannot be
        started."""
        from extractor.pipeline import read_all

        readings = read_all(text, source)
        with self._lock:  # the first one starts the endpoint
            futures = [self.submit(reading, len(readings) == 1) for reading in readings]
        results = [future.result() for future in futures]
        if any(result.unanswered for result in results):
            if self.runner.fatal is not None:
                raise self.runner.fatal
            if self.runner.exhausted:
                raise BudgetReached("budget", f"{self.runner.exhausted}.", "Run again with a higher limit to go on.")
        return [result.to_json() for result in results]

    def submit(self, reading: Reading, alone: bool) -> Future[Result]:
        """The result to come. `alone`: the file holds no other report."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends the endpoint's connections, and a local model."""
        self.runner.__exit__(None, None, None)


class Hybrid(WithModel):
    """`gouji extract --model`: the reader, and a model for what it cannot prove."""

    name = "hybrid"

    def submit(self, reading: Reading, alone: bool) -> Future[Result]:
        """The model stage as it is."""
        return self.runner.submit(reading)


class Alone(WithModel):
    """The model stage's questions about every row, the reader's cells thrown away (`alone.py` says what remains)."""

    name = "llm"

    def submit(self, reading: Reading, alone: bool) -> Future[Result]:
        """All rows asked."""
        from extractor.eval.alone import read_alone

        return self.runner.run(lambda ask, rows: read_alone(reading, ask, rows))


class Naive(WithModel):
    """The whole document in one prompt, numbers typed by the model, all of it believed (`naive.py`)."""

    name = "naive"

    def submit(self, reading: Reading, alone: bool) -> Future[Result]:
        """One question, or one for each table where the model's context is small."""
        from extractor.eval.naive import read_naively

        context = self.runner.endpoint.profile.context if self.runner.endpoint else 0
        return self.runner.run(lambda ask, _rows: read_naively(reading, ask, context, alone))


_WITH_MODEL: dict[str, type[WithModel]] = {kind.name: kind for kind in (Alone, Hybrid, Naive)}


def system(
    name: str,
    model: str | None = None,
    *,
    cache: bool = True,
    temperature: float | None = None,
    max_cost: Decimal | None = None,
    max_calls: int | None = None,
    max_tokens: int | None = None,
    timeout: float | None = None,
    keep_text: bool = False,
    ledger: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> System:
    """The system of this name, ready to read; `close()` it. `rule` takes no notice of `model` and the limits.

    `cache=False`: every `read` asks anew (repeats). `temperature`: instead of 0, and then nothing is kept either.
    The others: see `Limits`. Errors: UsageError `unknown_system`, `no_model`, `bad_temperature`, and those of
    `--model SPEC`; EndpointError comes when a document is read.
    """
    if name not in NAMES:
        raise UsageError("unknown_system", f"--system {name} is no system.", f"Use one of {', '.join(NAMES)}.")
    if name == "rule":
        return Rule()
    if not model or not model.strip():
        raise UsageError(
            "no_model",
            f"--system {name} asks a model, and none is named.",
            "Add --model SPEC (a profile, MODEL@BASE_URL or local), or set GOUJI_MODEL.",
        )
    if temperature is not None and not 0 <= temperature <= 2:
        raise UsageError("bad_temperature", f"A temperature of {temperature} is none.", "Use one from 0 to 2.")
    from extractor.ask.runner import Limits

    limits = Limits(
        max_cost=max_cost,
        max_calls=max_calls,
        max_tokens=max_tokens,
        cache=cache and temperature is None,
        keep_text=keep_text,
        timeout=timeout,
        ledger=ledger,
    )
    return _WITH_MODEL[name](model, limits, env, temperature)
