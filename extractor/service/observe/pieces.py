"""One piece of the queue's work, as log, metrics and traces see it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from extractor.service.observe import logs, metrics, tracing


@contextmanager
def extraction(identifier: str, work: str) -> Iterator[None]:
    """What is done within belongs to this extraction; `work`: `read` or `ask`."""
    with logs.about(extraction=identifier), tracing.extraction(identifier, work):
        yield


def of_request(request_id: str | None) -> None:
    """The work within `extraction` was asked for by this request."""
    if request_id is not None:
        logs.add(request_id=request_id)
        tracing.note("gouji.request.id", request_id)


def ended(verdict: str) -> None:
    """The extraction ended here: with a verdict, or as `error` where it could not be carried out."""
    metrics.EXTRACTIONS.labels(verdict).inc()
    tracing.note("gouji.verdict", verdict)
