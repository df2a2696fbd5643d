"""Limits of a run: calls, tokens, money. Reserved before a call, settled after it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from threading import Lock

from extractor.errors import UsageError
from extractor.llm.profiles import Endpoint


@dataclass(slots=True)
class Budget:
    """What a run may spend at most; None: no limit. Money in US dollars.

    `max_calls` is never exceeded; tokens and money by at most the calls that are in flight when a limit is reached.
    One budget may serve several askers.
    """

    max_cost: Decimal | None = None
    max_calls: int | None = None
    max_tokens: int | None = None
    calls: int = field(default=0, init=False)
    tokens: int = field(default=0, init=False)
    cost: Decimal = field(default=Decimal(0), init=False)
    # Whether a call was denied: a limit that was only just met did not stop anything.
    denied: bool = field(default=False, init=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("max_cost", "max_calls", "max_tokens"):
            if (limit := getattr(self, name)) is not None and (limit != limit or limit < 0):  # NaN is not itself
                option = f"--{name.replace('_', '-')}"
                raise UsageError("bad_budget", f"{option} {limit} is no limit.", "Write a number that is not below 0.")

    def check(self, endpoint: Endpoint) -> None:
        """Errors: UsageError `unpriced` where money is limited and the model's price is not known."""
        if self.max_cost is not None and endpoint.price is None:
            raise UsageError(
                "unpriced",
                f"--max-cost cannot be kept: the price of {endpoint.model} at {endpoint.shown_url} is not known.",
                "Use --max-tokens or --max-calls instead.",
            )

    @property
    def exhausted(self) -> str:
        """Which limit is reached, as a clause for a message; empty where none is."""
        if self.max_calls is not None and self.calls >= self.max_calls:
            return f"--max-calls {self.max_calls} is reached ({self.calls} calls)"
        if self.max_tokens is not None and self.tokens >= self.max_tokens:
            return f"--max-tokens {self.max_tokens} is reached ({self.tokens} tokens)"
        if self.max_cost is not None and self.cost >= self.max_cost:
            return f"--max-cost {self.max_cost} is reached ({self.cost.normalize():f} USD)"
        return ""

    def reserve(self) -> bool:
        """Takes one call out of the budget; False, and nothing taken, where a limit is reached."""
        with self._lock:
            if self.exhausted:
                self.denied = True
                return False
            self.calls += 1
            return True

    def settle(self, tokens: int, cost: Decimal | None) -> None:
        """Adds what a reserved call has used (prompt and completion tokens; US dollars, None: unpriced)."""
        with self._lock:
            self.tokens += tokens
            self.cost += cost or 0
