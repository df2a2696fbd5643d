"""OpenTelemetry: a span for each extraction and, below it, one for each call to a model (`gen_ai.*`, as the semantic
conventions have them). Off unless `Settings.tracing`; nothing of a document, a prompt or an answer is in a span.

The exporter and its address come from OpenTelemetry's own variables (OTEL_TRACES_EXPORTER, OTEL_EXPORTER_OTLP_…);
`console` is at hand, `otlp` needs `pip install opentelemetry-exporter-otlp-proto-http`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from extractor.errors import UsageError
from extractor.llm import watch
from extractor.service.observe import metrics

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

_tracer: Tracer | None = None


def start(tracing: bool, instance: str, exporter: SpanExporter | None = None) -> Callable[[], None]:
    """Watches model calls for the metrics and, with `tracing`, writes spans; what is given back ends it and sends what
    is left. Errors: UsageError where the exporter is not there."""
    if not tracing:
        return watch.watch(_count)
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

    resource = Resource.create({"service.instance.id": instance, **_service_name()})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    if exporter is not None:
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    elif (found := _exporter()) is not None:
        provider.add_span_processor(BatchSpanProcessor(found))
    return _trace(provider)


def _trace(provider: TracerProvider) -> Callable[[], None]:
    from extractor.service.database.extractions import version

    global _tracer
    _tracer = provider.get_tracer("gouji", version())
    unwatch = [watch.watch(_count), watch.watch(_span)]

    def stop() -> None:
        global _tracer
        for end in unwatch:
            end()
        _tracer = None
        provider.shutdown()

    return stop


@contextmanager
def extraction(identifier: str, work: str) -> Iterator[None]:
    """A span over one piece of work (`read`, `ask`) on one extraction."""
    if _tracer is None:
        yield
        return
    from opentelemetry.trace import SpanKind, Status, StatusCode

    attributes = {"gouji.extraction.id": identifier, "gouji.work": work}
    # What an error says may quote the document: its class is told, not its words.
    with _tracer.start_as_current_span(
        f"extraction {work}", kind=SpanKind.CONSUMER, attributes=attributes,
        record_exception=False, set_status_on_exception=False,
    ) as span:  # fmt: skip
        try:
            yield
        except BaseException as error:
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(Status(StatusCode.ERROR))
            raise


def note(name: str, value: str) -> None:
    """An attribute of the span that the work is in."""
    if _tracer is not None:
        from opentelemetry.trace import get_current_span

        get_current_span().set_attribute(name, value)


def _span(attempt: watch.Attempt) -> None:
    """One call as a span, under whatever span the task that made it is in."""
    from opentelemetry.trace import SpanKind, Status, StatusCode

    if _tracer is None:
        return
    server = urlsplit(attempt.address)
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": attempt.provider,
        "gen_ai.request.model": attempt.model,
        "gen_ai.request.max_tokens": attempt.max_tokens,
        "gen_ai.request.temperature": attempt.temperature,
        "gen_ai.output.type": "json",
        "gen_ai.prompt.name": attempt.prompt,
        "gen_ai.response.id": attempt.response_id,
        "gen_ai.response.model": attempt.response_model,
        "gen_ai.response.finish_reasons": attempt.finish_reasons or None,
        "gen_ai.usage.input_tokens": attempt.prompt_tokens,
        "gen_ai.usage.output_tokens": attempt.completion_tokens,
        "server.address": server.hostname,
        "server.port": server.port or (443 if server.scheme == "https" else 80),
        "error.type": attempt.status if attempt.failed else None,
        "gouji.attempt": attempt.number,
        "gouji.rung": attempt.rung,
        "gouji.cost_dollars": None if attempt.cost is None else float(attempt.cost),
    }
    span = _tracer.start_span(
        f"chat {attempt.model}",
        kind=SpanKind.CLIENT,
        attributes={name: value for name, value in attributes.items() if value is not None},
        start_time=attempt.started,
    )
    if attempt.failed:
        span.set_status(Status(StatusCode.ERROR))
    span.end(attempt.ended)


def _count(attempt: watch.Attempt) -> None:
    model = attempt.model
    metrics.MODEL_CALLS.labels(model, attempt.status).inc()
    metrics.MODEL_SECONDS.labels(model).observe((attempt.ended - attempt.started) / 1e9)
    metrics.MODEL_TOKENS.labels(model, "input").inc(attempt.prompt_tokens or 0)
    metrics.MODEL_TOKENS.labels(model, "output").inc(attempt.completion_tokens or 0)
    metrics.MODEL_COST.labels(model).inc(float(attempt.cost or 0))


def _service_name() -> dict[str, str]:
    named = "OTEL_SERVICE_NAME" in os.environ or "service.name" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return {} if named else {"service.name": "gouji"}


def _exporter() -> SpanExporter | None:
    """The exporter that OTEL_TRACES_EXPORTER names: `otlp` where it is not set, as the specification has it."""
    name = os.environ.get("OTEL_TRACES_EXPORTER", "").strip() or "otlp"
    if name == "none":
        return None
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter(out=sys.stderr)
    if name == "otlp":
        protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
        name = "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"
    for found in entry_points(group="opentelemetry_traces_exporter", name=name):
        made: SpanExporter = found.load()()
        return made
    package = f"opentelemetry-exporter-{name.replace('_', '-')}"
    raise UsageError(
        "tracing",
        f"Traces cannot be exported: OTEL_TRACES_EXPORTER asks for {name}, which is not installed.",
        f"pip install {package}, or set OTEL_TRACES_EXPORTER=console, or leave tracing off.",
    )
