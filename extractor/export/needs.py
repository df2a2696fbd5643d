"""What the writers share: libraries that may not be installed, and numbers that a format cannot hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TypeVar

from extractor.errors import UsageError

Number = TypeVar("Number")


def need(name: str) -> Any:
    """A library of the extra `export`. Errors: UsageError `missing_extra`."""
    try:
        return import_module(name)
    except ImportError as error:
        raise UsageError(
            "missing_extra",
            f"This format needs {name}, which is not installed.",
            "pip install 'gouji[export]'; CSV, Excel and JSON Lines work without.",
        ) from error


@contextmanager
def told(faults: type[Exception]) -> Iterator[None]:
    """A library's own errors in writing as UsageError `output`."""
    try:
        yield
    except faults as error:
        raise UsageError("output", f"The output cannot be written: {error}.", "Make room.") from error


class Untold:
    """Counts numbers that a format's type cannot hold exactly: they are left empty there and told at the end."""

    def __init__(self) -> None:
        self.columns: Counter[str] = Counter()

    def check(self, value: Number | None, fits: Callable[[Number], bool], column: str) -> Number | None:
        """The value, or None (counted) where it does not fit."""
        if value is None or fits(value):
            return value
        self.columns[column] += 1
        return None
