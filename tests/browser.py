"""A real browser for tests: Debian's chromium, headless, driven over its debugging pipe (no package needed)."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_KEYS = {"Enter": 13, "Tab": 9, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Backspace": 8}


class Page:
    """One tab. `run` evaluates JavaScript in the page (the policy of the page does not hold for it)."""

    def __init__(self, send: int, receive: int, folder: Path) -> None:
        self.send, self.receive, self.folder = send, receive, folder
        self.buffer, self.last, self.session = b"", 0, ""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Browser.setDownloadBehavior", browser=True, behavior="allow", downloadPath=str(folder))

    def call(self, method: str, *, browser: bool = False, **params: Any) -> dict[str, Any]:
        self.last += 1
        message: dict[str, Any] = {"id": self.last, "method": method, "params": params}
        if self.session and not browser:
            message["sessionId"] = self.session
        os.write(self.send, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self.last:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + 60
        while b"\0" not in self.buffer:
            if not select.select([self.receive], [], [], max(0.0, until - time.monotonic()))[0]:
                raise TimeoutError("the browser says nothing")
            piece = os.read(self.receive, 1 << 20)
            if not piece:
                raise RuntimeError("the browser has gone")
            self.buffer += piece
        message, _, self.buffer = self.buffer.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer

    def open(self, path: Path, width: int = 1500, height: int = 950) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.run("window.gouji_left = true")  # the page that is there is complete too: it must be gone first
        self.call("Page.navigate", url=path.resolve().as_uri())
        self.wait("!window.gouji_left && document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, script: str) -> Any:
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"], ensure_ascii=False))
        return answer["result"].get("value")

    def wait(self, script: str, seconds: float = 20) -> None:
        until = time.monotonic() + seconds
        while not self.run(script):
            if time.monotonic() > until:
                raise TimeoutError(script)
            time.sleep(0.02)

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def press(self, key: str, shift: bool = False) -> None:
        code = {"key": key, "code": key, "windowsVirtualKeyCode": _KEYS[key], "modifiers": 8 if shift else 0}
        text = {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **code, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **code)

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def downloaded(self, name: str, seconds: float = 20) -> bytes:
        until = time.monotonic() + seconds
        while not (self.folder / name).exists():
            if time.monotonic() > until:
                raise TimeoutError(f"{name} was not downloaded: {list(self.folder.iterdir())}")
            time.sleep(0.02)
        return (self.folder / name).read_bytes()

    def problems(self) -> list[str]:
        """Exceptions and console errors of the page so far."""
        self.run("1")
        names = ("Runtime.exceptionThrown", "Log.entryAdded")
        return [
            json.dumps(event["params"], ensure_ascii=False) for event in self.events if event.get("method") in names
        ]


@contextlib.contextmanager
def page(folder: Path) -> Iterator[Page]:
    """A page whose downloads go to `folder`."""
    assert CHROMIUM
    command_in, send = os.pipe()
    receive, command_out = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        shell = f'exec "$@" 3<&{command_in} 4>&{command_out}'
        options = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe")
        process = subprocess.Popen(
            ["bash", "-c", shell, "sh", CHROMIUM, *options, f"--user-data-dir={home}"],
            pass_fds=(command_in, command_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(command_in)
        os.close(command_out)
        try:
            yield Page(send, receive, folder)
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            os.close(send)
            os.close(receive)
