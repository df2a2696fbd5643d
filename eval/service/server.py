"""A real `gouji serve` as a process of its own, to be killed and started again."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

START = 60.0  # seconds
_URL = re.compile(r"gouji serves (http://\S+:\d+)")  # a log line may come just behind it


class Served:
    """`with Served(folder) as served: served.http.get("/healthz")`; `kill` and `start` as often as wanted.

    `options`: further ones of `gouji serve`. The port stays the same over restarts. `said`: the last lines of its log.
    """

    def __init__(
        self, data: Path, *options: str, env: Mapping[str, str] | None = None, before: Sequence[str] = ()
    ) -> None:
        self.data, self.options, self.before = data, options, before
        self.env = {**os.environ, **(env or {})}
        self.port = 0
        self.said: deque[str] = deque(maxlen=400)
        self.process: subprocess.Popen[str] | None = None
        self._http: httpx.Client | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def http(self) -> httpx.Client:
        """A client of the server; connections that a kill broke are opened anew."""
        assert self._http is not None, "the server was not started"
        return self._http

    @property
    def pid(self) -> int:
        """The server's process id."""
        assert self.process is not None, "the server was not started"
        return self.process.pid

    def start(self) -> None:
        """Starts it and waits until it serves. Errors: RuntimeError with its log."""
        where = ["--data", str(self.data), "--port", str(self.port), "--auth", "off", "--rate", "1000000/second"]
        command = [*self.before, sys.executable, "-m", "extractor", "serve", *where, *self.options]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self.env, start_new_session=True
        )
        found: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, args=(self.process, found), daemon=True).start()
        try:
            url = found.get(timeout=START)
        except queue.Empty:
            url = ""
        if not url:
            self.end()
            raise RuntimeError("gouji serve did not start:\n" + "".join(self.said))
        self.port = int(url.rpartition(":")[2])
        if self._http is None:
            self._http = httpx.Client(base_url=url, timeout=90, trust_env=False)

    def kill(self) -> None:
        """kill -9, and waits until it is gone."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def terminate(self, seconds: float = 60.0) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def end(self) -> None:
        """Ends it, however it stands."""
        if self._http is not None:
            self._http.close()
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            self.process.wait()

    def readers(self) -> list[int]:
        """Process ids of the server's readers, and of theirs for PDFs."""
        found: list[int] = []
        for pid in _children(self.pid):
            if _is_reader(pid):
                found += [pid, *_children(pid)]
        return found

    def _listen(self, process: subprocess.Popen[str], found: queue.Queue[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.said.append(line)
            if match := _URL.search(line):
                found.put(match.group(1))
        found.put("")


def until(true: object, seconds: float, every: float = 0.05) -> bool:
    """Whether a function gives something true within so many seconds; its errors of a lost server count as no."""
    assert callable(true)
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(httpx.TransportError):
            if true():
                return True
        if time.monotonic() > end:
            return False
        time.sleep(every)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def _is_reader(pid: int) -> bool:
    try:
        return b"document.sandbox" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
