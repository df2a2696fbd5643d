"""Rates as text: `60/minute`."""

from __future__ import annotations

from functools import lru_cache

from limits import RateLimitItem, parse

from extractor.errors import UsageError


@lru_cache(maxsize=256)
def rate_of(text: str) -> RateLimitItem:
    """`60/minute`, `5/second`, `1000 per hour`. Errors: UsageError `bad_rate`."""
    try:
        rate = parse(text)
    except ValueError:
        rate = None
    if rate is None or rate.amount < 1:
        raise UsageError("bad_rate", f"{text!r} is no rate.", "Write for instance 60/minute, 5/second or 10000/day.")
    return rate
