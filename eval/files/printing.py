"""Pages printed to PDF by headless Chromium over its debugging pipe: one browser for many pages."""

from __future__ import annotations

import base64
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


class Printer:
    """A running browser; `pdf` prints a page. Ends with this process."""

    def __init__(self) -> None:
        if CHROMIUM is None:
            raise FileNotFoundError("no chromium to print PDF with (Debian: apt-get install chromium fonts-noto-cjk)")
        self.pid = os.getpid()
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
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._call("Page.enable")
        self._frame = self._call("Page.getFrameTree")["frameTree"]["frame"]["id"]
        self._call("Emulation.setScriptExecutionDisabled", value=True)

    def pdf(self, html: str, **options: Any) -> bytes:
        """The page as PDF; `options` are those of Chromium's `Page.printToPDF`."""
        self._call("Page.setDocumentContent", frameId=self._frame, html=html)
        return base64.b64decode(self._call("Page.printToPDF", **options)["data"])

    def close(self) -> None:
        """Ends the browser."""
        self._end()

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

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        data = memoryview(json.dumps(message).encode() + b"\0")
        while data:
            data = data[os.write(self._send, data) :]
        while (answer := self._next()).get("id") != self._last:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

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


_printers: list[Printer] = []


def printer() -> Printer:
    """This process's browser, started at the first call."""
    if not _printers or _printers[-1].pid != os.getpid():
        _printers[:] = [Printer()]
    return _printers[-1]
