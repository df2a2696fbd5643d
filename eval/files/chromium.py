"""Debian's Chromium, headless, driven over its debugging pipe (no package needed)."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from multiprocessing.util import Finalize
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_SECONDS = 60.0  # to the answer of one command


class Browser:
    """A running browser with one tab. Ends with `close`, or with this process. Errors: FileNotFoundError without one.

    `events` holds what the browser said unasked, of the domains that were enabled.
    """

    def __init__(self) -> None:
        if CHROMIUM is None:
            raise FileNotFoundError("there is no chromium (Debian: apt-get install chromium fonts-noto-cjk)")
        self.pid = os.getpid()
        self.events: list[dict[str, Any]] = []
        self._last, self._buffer = 0, b""
        self._home = tempfile.mkdtemp(prefix="gouji-chromium-")
        command_in, self._send = os.pipe()
        self._receive, command_out = os.pipe()
        options = (
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe"),
            f"--user-data-dir={self._home}",
        )
        # Chromium reads commands from descriptor 3 and answers on 4; only a shell can put them there.
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{command_in} 4>&{command_out}', "sh", CHROMIUM, *options],
            pass_fds=(command_in, command_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(command_in)
        os.close(command_out)
        self._end = Finalize(None, self._stop, exitpriority=10)
        self._session = ""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def call(self, method: str, *, browser: bool = False, **params: Any) -> dict[str, Any]:
        """The answer to a command of the tab, or of the whole browser. Errors: RuntimeError, TimeoutError."""
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": params}
        if self._session and not browser:
            message["sessionId"] = self._session
        data = memoryview(json.dumps(message).encode() + b"\0")
        while data:
            data = data[os.write(self._send, data) :]
        while (answer := self._next()).get("id") != self._last:
            self.events.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def close(self) -> None:
        """Ends the browser."""
        self._end()

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + _SECONDS
        while b"\0" not in self._buffer:
            if not select.select([self._receive], [], [], max(0.0, until - time.monotonic()))[0]:
                raise TimeoutError("the browser says nothing")
            piece = os.read(self._receive, 1 << 20)
            if not piece:
                raise RuntimeError("the browser has gone")
            self._buffer += piece
        message, _, self._buffer = self._buffer.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer

    def _stop(self) -> None:
        if os.getpid() != self.pid:
            return
        os.close(self._send)
        os.close(self._receive)
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._home, ignore_errors=True)
