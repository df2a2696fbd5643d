"""Identifiers that sort by time, times as text."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime, timedelta


def new_id(prefix: str) -> str:
    """`x_0193…`: microseconds since 1970 and 48 random bits, in hexadecimal; later ones sort behind."""
    return f"{prefix}_{time.time_ns() // 1000:014x}{secrets.token_hex(6)}"


def now(after: float = 0.0) -> str:
    """This moment, or so many seconds later, in UTC: `2026-01-31T08:00:00.123Z`."""
    return stamp(datetime.now(UTC) + timedelta(seconds=after))


def stamp(moment: datetime) -> str:
    """A moment as the service writes it; as text it sorts by time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
