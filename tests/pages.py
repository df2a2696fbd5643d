"""A real service and a real browser for the tests of the pages: one of each for a module."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import browser
import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from serving import Serving, serving

FIXTURES = Path(__file__).parents[1] / "fixtures" / "reports"
AXE = Path(__file__).parents[1] / ".venv" / "axe" / "package" / "axe.min.js"  # `make axe`
in_browser = pytest.mark.skipif(browser.CHROMIUM is None, reason="no chromium: apt-get install chromium")
with_axe = pytest.mark.skipif(not AXE.exists(), reason="no axe-core: make axe")


@dataclass
class Site:
    """The service, a browser, and what went wrong in its pages."""

    server: Serving
    chromium: Browser
    api: httpx.Client
    problems: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)  # parts of console messages that a test provokes

    def submit(self, text: str | bytes | Path, source: str = "report.txt") -> str:
        """The id of the extraction, when it is done."""
        data = text.read_bytes() if isinstance(text, Path) else text.encode() if isinstance(text, str) else text
        name = text.name if isinstance(text, Path) else source
        answer = self.api.post("/v1/extractions", params={"wait": 30}, files={"file": (name, data)})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    @contextmanager
    def page(self, path: str = "", *, language: str = "zh-CN", width: int = 1366, **options: Any) -> Iterator[Page]:
        """A page of a fresh browser profile; its errors and requests to other hosts are kept."""
        context: BrowserContext = self.chromium.new_context(
            locale=language, viewport={"width": width, "height": 768}, reduced_motion="reduce", **options
        )
        context.set_default_timeout(15_000)
        try:
            page = context.new_page()
            page.on("console", lambda said: said.type in ("error", "warning") and self._note(said.text))
            page.on("pageerror", lambda error: self._note(str(error)))
            page.on("request", lambda asked: self._look(asked.url))
            if path:
                page.goto(self.server.url + path)
            yield page
        finally:
            context.close()

    def _note(self, said: str) -> None:
        if not any(part in said for part in self.expected):
            self.problems.append(said)

    def _look(self, url: str) -> None:
        if not url.startswith((self.server.url, "data:", "blob:")):
            self.foreign.append(url)


@contextmanager
def site_of(folder: Path) -> Iterator[Site]:
    """A service without keys on loopback, and a browser; at the end no page may have complained or called out."""
    with serving(folder / "data", "--auth", "off", "--workers", "1") as server, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.CHROMIUM, args=["--no-sandbox"])
        site = Site(server, chromium, server.client())
        yield site
        chromium.close()
        assert site.problems == []
        assert site.foreign == []


def faults(page: Page) -> list[str]:
    """What axe-core finds wrong with the page, each with the first element."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("async () => (await axe.run()).violations")
    return [f"{one['id']}: {one['help']} ({json.dumps(one['nodes'][0]['html'], ensure_ascii=False)})" for one in found]
