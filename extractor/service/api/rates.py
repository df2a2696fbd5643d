"""How much one key (or one address, where no keys are asked for) may ask: the library `limits`, counted in memory.

Each instance counts for itself: behind a balancer over N instances a key has N times its rate at most.
"""

from __future__ import annotations

import math
import time

from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from extractor.service.api.problems import Problem
from extractor.service.observe import metrics
from extractor.service.rate import rate_of

FAILURES = "10/minute"  # wrong keys of one address


class Rates:
    """Windows of fixed length: what a caller is told (`RateLimit`, `Retry-After`) is exactly what will be done."""

    def __init__(self) -> None:
        self._windows = FixedWindowRateLimiter(MemoryStorage())

    def hit(self, rate: RateLimitItem, who: str) -> dict[str, str]:
        """Counts a request; the headers that say what is left. Errors: Problem `rate_limited`."""
        taken = self._windows.hit(rate, who)
        reset, left = self._windows.get_window_stats(rate, who)
        wait = max(1, math.ceil(reset - time.time()))
        headers = {
            "RateLimit-Policy": f'"requests";q={rate.amount};w={rate.get_expiry()}',
            "RateLimit": f'"requests";r={left};t={wait}',
        }
        if not taken:
            metrics.LIMITED.labels("requests").inc()
            raise Problem(
                "rate_limited",
                f"More than {rate} were asked for.",
                f"Ask again in {wait} s, or have a key made with a higher rate.",
                {**headers, "Retry-After": str(wait)},
            )
        return headers

    def often(self, what: str) -> bool:
        """Counts something of which ten a minute are enough; whether this is one too many."""
        return not self._windows.hit(rate_of(FAILURES), "often", what)

    def failed(self, address: str) -> bool:
        """Counts a wrong key of an address; whether it has shown more than it may."""
        return not self._windows.hit(rate_of(FAILURES), "wrong", address)

    def refused(self, address: str) -> int:
        """For how many seconds the address may show no further key at /login; 0: it may."""
        rate = rate_of(FAILURES)
        if self._windows.test(rate, "wrong", address):
            return 0
        return max(1, math.ceil(self._windows.get_window_stats(rate, "wrong", address)[0] - time.time()))
