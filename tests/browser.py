"""A real browser for tests: Debian's chromium, headless."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from extractor.eval.files.chromium import CHROMIUM, Browser

__all__ = ["CHROMIUM", "Page", "page"]

_KEYS = {"Enter": 13, "Tab": 9, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Backspace": 8}


class Page:
    """One tab. `run` evaluates JavaScript in the page (the policy of the page does not hold for it)."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self.call, self.events, self.folder = browser.call, browser.events, folder
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Browser.setDownloadBehavior", browser=True, behavior="allow", downloadPath=str(folder))

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
    browser = Browser()
    try:
        yield Page(browser, folder)
    finally:
        browser.close()
