"""How many calls are in flight: bounded, halved when the endpoint limits the rate, slowly grown back."""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType


class Limiter:
    """`async with limiter:` around one call. First come, first served."""

    def __init__(self, slots: int) -> None:
        self.slots = max(1, slots)
        self.limit = self.slots
        self.busy = 0
        self.peak = 0
        # Counts halvings: calls that were sent before one say nothing about the limit after it.
        self.epoch = 0
        self._good = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> int:
        if self.busy >= self.limit or self._waiting:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():  # the slot was handed over already: hand it on
                    self.busy -= 1
                    self._hand_on()
                raise
        else:
            self.busy += 1
        self.peak = max(self.peak, self.busy)
        return self.epoch

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.busy -= 1
        self._hand_on()

    def throttled(self, epoch: int) -> None:
        """The endpoint answered 429 to a call sent in `epoch`."""
        if epoch == self.epoch:
            self.epoch += 1
            self.limit = max(1, self.limit // 2)
            self._good = 0

    def succeeded(self) -> None:
        """A call was answered; one more slot after as many good calls as there are slots."""
        self._good += 1
        if self.limit < self.slots and self._good >= self.limit:
            self.limit += 1
            self._good = 0
            self._hand_on()

    def _hand_on(self) -> None:
        while self._waiting and self.busy < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self.busy += 1
                turn.set_result(None)
