"""Pages printed to PDF: one browser for many pages."""

from __future__ import annotations

import base64
import os
from typing import Any

from extractor.eval.files.chromium import Browser


class Printer:
    """A running browser; `pdf` prints a page. Ends with this process."""

    def __init__(self) -> None:
        self._browser = Browser()
        self._browser.call("Page.enable")
        self._frame = self._browser.call("Page.getFrameTree")["frameTree"]["frame"]["id"]
        self._browser.call("Emulation.setScriptExecutionDisabled", value=True)

    @property
    def pid(self) -> int:
        """The process that started the browser."""
        return self._browser.pid

    def pdf(self, html: str, **options: Any) -> bytes:
        """The page as PDF; `options` are those of Chromium's `Page.printToPDF`."""
        self._browser.call("Page.setDocumentContent", frameId=self._frame, html=html)
        self._browser.events.clear()
        return base64.b64decode(self._browser.call("Page.printToPDF", **options)["data"])

    def close(self) -> None:
        """Ends the browser."""
        self._browser.close()


_printers: list[Printer] = []


def printer() -> Printer:
    """This process's browser, started at the first call."""
    if not _printers or _printers[-1].pid != os.getpid():
        _printers[:] = [Printer()]
    return _printers[-1]
