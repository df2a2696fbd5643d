"""Files of any kind → readings and results; one that cannot be read is a failed result, never an exception."""

from __future__ import annotations

import os
import traceback
from typing import Any

from extractor.document.sources import MAX_BYTES, Source, walk
from extractor.errors import InputError
from extractor.pipeline import Reading, read_all, results_of
from extractor.results import Result, failed


def extract_file(
    path: str | os.PathLike[str], model: str | None = None, given: Any = None, *, max_bytes: int = MAX_BYTES
) -> list[Result]:
    """The results of a file of any kind that is read, or of every document in a folder or an archive.

    One result per report; what cannot be read is a failed result whose `error` says why. `model` and `given` as in
    `extract`; `max_bytes` bounds each document. Errors: UsageError, EndpointError as `extract`.
    """
    results: list[Result] = []
    for source in walk([os.fspath(path)], max_bytes=max_bytes):
        if source.left_out is None:
            readings, _ = readings_of(source)
            read = [reading for reading in readings if isinstance(reading, Reading)]
            results += results_of(read, model, given) if read else [r for r in readings if isinstance(r, Result)]
    return results


def readings_of(source: Source, debug: bool = False) -> tuple[list[Reading | Result], bool]:
    """The reports of one source as the reader read them, never an exception, and whether its text could be read at
    all. What could not be read is a failed result already."""
    try:
        stored = source.stored()
    except InputError as error:
        return [failed(source.name, source.sha256, error.code, error.message, error.hint)], False
    except Exception as error:
        return [internal(source.name, source.sha256, error, debug)], False
    try:
        readings = read_all(stored, source.name)
    except Exception as error:
        return [internal(source.name, source.sha256, error, debug, stored.text)], True
    for reading in readings:
        if source.sha256:
            reading.sha256 = source.sha256
    return list(readings), True


def internal(source: str, sha256: str | None, error: Exception, debug: bool, text: str = "") -> Result:
    """A fault of gouji as one document's result."""
    if debug:
        traceback.print_exception(error)
    return failed(
        source,
        sha256,
        "internal",
        f"gouji failed on this document: {type(error).__name__}: {str(error)[:200]}",
        "This is a fault of gouji. Run again with --debug and report what it shows.",
        text,
    )
