"""A simulated model behind HTTP whose port stays, and that can be down, refuse or hang for a while."""

from __future__ import annotations

import socket
from itertools import count
from typing import Any

from extractor.eval.simulated.reader import Simulated
from extractor.eval.simulated.server import SimulatedServer
from helpers import pipes, report, rows, truth

from extractor import extract

BODY = {"organization": "青禾县人民政府", "year": 2023}
_numbers = count(1)


def doubtful() -> str:
    """Two columns of numbers, of which the reader leaves table 3 in doubt; another text each time, so that no answer is
    kept from before."""
    start = 100 * next(_numbers)
    table = {key: [str(i), str(start + i), *row] for i, (key, row) in enumerate(rows().items(), 1)}
    return report(requests=pipes(table))


class Model:
    """A simulated model at a port that stays; `fault` is what every request gets just now, `down` closes the port."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.truths: dict[str, dict[str, Any]] = {}
        self.texts: list[tuple[str, str]] = []
        self.simulated = Simulated(self.truths)
        self.fault, self.after = "", 0
        self.server: SimulatedServer | None = None

    @property
    def spec(self) -> str:
        return f"simulated@http://127.0.0.1:{self.port}/v1"

    def text(self, reports: int = 1) -> str:
        """A doubtful text that the model can read, by one question for each report."""
        text = "\n".join(doubtful() for _ in range(reports))
        sha = str(extract(text).sha256)
        self.truths[sha[:16]] = {**truth(), **BODY}
        self.texts.append((sha, text))
        if self.server is not None:
            self.server.register(sha, text)
        return text

    def up(self) -> None:
        self.server = SimulatedServer(self.simulated, port=self.port, faults=self._fault)
        self.server.__enter__()
        assert self.server.port == self.port
        for sha, text in self.texts:
            self.server.register(sha, text)

    def down(self) -> None:
        if self.server is not None:
            self.server.__exit__(None, None, None)
            self.server = None

    def _fault(self, number: int) -> str:
        return self.fault if number >= self.after else ""

    @property
    def calls(self) -> int:
        return len(self.server.chats) if self.server is not None else 0
