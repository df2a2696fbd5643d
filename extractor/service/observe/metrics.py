"""What Prometheus reads at /metrics. Counters live as long as the process; what stands in the database is asked anew.

Labels are bounded: routes by their template, methods and statuses as HTTP has them, never an id or a caller's word.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from extractor.errors import StoreError
from extractor.service.database.engine import Database
from extractor.service.database.tables import deliveries, extractions

# One process is one service, as DBOS has it.
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

REQUESTS = Counter("gouji_http_requests", "Requests answered.", ["method", "route", "status"], registry=REGISTRY)
SECONDS = Histogram(
    "gouji_http_request_duration_seconds", "From a request's head to the end of its answer.", ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60), registry=REGISTRY,
)  # fmt: skip
OPEN_REQUESTS = Gauge("gouji_http_requests_open", "Requests being answered.", registry=REGISTRY)
LIMITED = Counter("gouji_rate_limited", "Requests refused by a rate limit.", ["reason"], registry=REGISTRY)
DENIED = Counter("gouji_denied", "Requests refused for who asked or from where.", ["code"], registry=REGISTRY)
EXTRACTIONS = Counter("gouji_extractions", "Extractions that ended here.", ["verdict"], registry=REGISTRY)
READING = Histogram(
    "gouji_reading_seconds", "From a document's bytes to the reader's result, waiting for a reader included.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60), registry=REGISTRY,
)  # fmt: skip
MODEL_CALLS = Counter("gouji_model_calls", "Calls to model endpoints.", ["model", "status"], registry=REGISTRY)
MODEL_SECONDS = Histogram(
    "gouji_model_call_duration_seconds", "One call to a model endpoint.", ["model"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120), registry=REGISTRY,
)  # fmt: skip
MODEL_TOKENS = Counter("gouji_model_tokens", "Tokens, as endpoints count.", ["model", "kind"], registry=REGISTRY)
MODEL_COST = Counter("gouji_model_cost_dollars", "US dollars, by the profile's prices.", ["model"], registry=REGISTRY)
DELIVERIES = Counter("gouji_deliveries", "Attempts to deliver a webhook.", ["outcome"], registry=REGISTRY)

disable_created_metrics()  # type: ignore[no-untyped-call]
STATES = ("queued", "running", "waiting", "done", "failed")


@lru_cache(maxsize=2_000)
def requests(method: str, route: str, status: int) -> Counter:
    """The counter of requests of one kind: looking it up is dearer than counting."""
    return REQUESTS.labels(method, route, status)


@lru_cache(maxsize=500)
def seconds(method: str, route: str) -> Histogram:
    """The histogram of requests of one kind."""
    return SECONDS.labels(method, route)


def exposition(database: Database, readers: Sequence[int]) -> bytes:
    """The text that Prometheus scrapes; `readers`: the ids of the processes that read."""
    asked = CollectorRegistry()
    asked.register(_Asked(database, readers))
    return generate_latest(REGISTRY) + generate_latest(asked)


class _Asked(Collector):
    """What is true now, of all instances (database) and of this one (readers)."""

    def __init__(self, database: Database, readers: Sequence[int]) -> None:
        self.database, self.readers = database, readers

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("gouji_database_up", "1 where the database answers.")
        try:
            with self.database.read() as connection:
                by_state = _counts(connection, extractions.c.state)
                by_delivery = _counts(connection, deliveries.c.state)
                oldest = connection.execute(
                    sa.select(sa.func.min(extractions.c.created)).where(extractions.c.state == "queued")
                ).scalar()
        except StoreError:
            up.add_metric([], 0)
            yield up
        else:
            up.add_metric([], 1)
            yield up
            depth = GaugeMetricFamily("gouji_extractions_state", "Extractions kept, by state.", labels=["state"])
            for state in STATES:
                depth.add_metric([state], by_state.get(state, 0))
            yield depth
            waiting = GaugeMetricFamily("gouji_deliveries_state", "Webhooks kept, by state.", labels=["state"])
            for state, count in sorted(by_delivery.items()):
                waiting.add_metric([state], count)
            yield waiting
            yield GaugeMetricFamily("gouji_queue_oldest_seconds", "Age of what waits longest.", value=_age(oldest))
        yield GaugeMetricFamily("gouji_readers", "Processes that read documents.", value=len(self.readers))
        memory = sum(_resident(pid) for pid in self.readers)
        yield GaugeMetricFamily("gouji_readers_resident_memory_bytes", "Their memory together.", value=memory)


def _counts(connection: sa.Connection, column: sa.Column[str]) -> dict[str, int]:
    found = connection.execute(sa.select(column, sa.func.count()).group_by(column))
    return {row[0]: row[1] for row in found}


def _age(created: str | None) -> float:
    from datetime import UTC, datetime

    if created is None:
        return 0.0
    return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(created)).total_seconds())


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):  # it has ended, or this is no Linux
        return 0
