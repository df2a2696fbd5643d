"""The processes that read documents: as many as the service has workers, each bounded in time and memory."""

from __future__ import annotations

import json
import queue
from typing import Any

from extractor.document.sandbox import Killed, Sandbox
from extractor.errors import InputError
from extractor.results import failed
from extractor.service.work.reading import Outcome, outcome_from, outcome_of


class Readers:
    """`read` waits for a free process. A process that dies or takes too long fails its document and no other."""

    def __init__(self, count: int, seconds: float) -> None:
        self._all = [Sandbox(seconds=seconds) for _ in range(count)]
        # The one that was used last is warm, and starts no further process where one is enough.
        self._free: queue.LifoQueue[Sandbox] = queue.LifoQueue()
        for sandbox in reversed(self._all):
            self._free.put(sandbox)

    def read(self, data: bytes, source: str, given: Any = None) -> Outcome:
        """The reader's outcome. Errors: UsageError where `given` fits no report; Killed where the process is ended by
        others again and again, and after `kill`: nothing is known of the document then."""
        sandbox = self._free.get()
        try:
            answer = sandbox.run("report", data, source=source, given=None if given is None else json.dumps(given))
        except Killed:
            raise
        except InputError as error:
            return outcome_of([failed(source, None, error.code, error.message, error.hint)], None)
        finally:
            self._free.put(sandbox)
        return outcome_from(answer)

    @property
    def pids(self) -> list[int]:
        """Process ids of those that run."""
        return [pid for sandbox in self._all if (pid := sandbox.pid) is not None]

    def kill(self) -> None:
        """Ends the processes for good, also those that read: their documents are read at the next start."""
        for sandbox in self._all:
            sandbox.kill()
            sandbox.close()
