"""A real browser: a person who logs in, and a page of somebody else that attacks a service on the same machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import browser
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from serving import Serving, serving

pytestmark = pytest.mark.skipif(browser.CHROMIUM is None, reason="no chromium: apt-get install chromium")

ATTACK = """<!doctype html><title>waiting</title>
<form id="form" method="post" enctype="text/plain" action="{url}/v1/extractions" target="hole">
<input name='{{"text": "a' value='"}}'></form>
<iframe name="hole"></iframe><iframe id="framed" src="{url}/review"></iframe>
<img src="{url}/v1/extractions"><script src="{url}/v1/extractions"></script>
<script>
const body = JSON.stringify({{text: "attack"}});
async function attack() {{
  const tried = [
    fetch("{url}/v1/extractions", {{method: "POST", mode: "no-cors", body}}),
    fetch("{url}/v1/extractions", {{method: "POST", headers: {{"X-Gouji": "1"}}, body}}),
    fetch("{url}/v1/extractions", {{credentials: "include"}}),
    fetch("{url}/logout", {{method: "POST", mode: "no-cors", credentials: "include"}}),
  ];
  const came = [];
  for (const one of tried) {{
    try {{ const answer = await one; came.push(answer.type === "opaque" ? "opaque" : await answer.text()); }}
    catch (error) {{ came.push("refused"); }}
  }}
  navigator.sendBeacon("{url}/v1/extractions", body);
  document.getElementById("form").submit();
  document.title = came.join(" ");
}}
addEventListener("load", attack);
</script>"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # A name that an attacker owns, as DNS rebinding has it answer.
        rules = "--host-resolver-rules=MAP evil.test 127.0.0.1"
        found = playwright.chromium.launch(executable_path=browser.CHROMIUM, args=["--no-sandbox", rules])
        yield found
        found.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("browser") / "data", "--auth", "keys", "--workers", "1") as found:
        yield found


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("open") / "data", "--workers", "1") as found:
        yield found


class Site(BaseHTTPRequestHandler):
    page = ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.page.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def attacker() -> Iterator[ThreadingHTTPServer]:
    site = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=site.serve_forever)
    thread.start()
    yield site
    site.shutdown()
    thread.join()
    site.server_close()


def submissions(server: Serving, key: str | None = None) -> int:
    return len(server.client(key).get("/v1/extractions").json()["items"])


def attacked(page: Page, attacker: ThreadingHTTPServer, host: str, url: str) -> list[str]:
    Site.page = ATTACK.format(url=url)
    with page.expect_response(lambda answer: answer.url == f"{url}/v1/extractions" and answer.frame.name == "hole"):
        page.goto(f"http://{host}:{attacker.server_port}/")
    page.wait_for_function("document.title !== 'waiting'")
    frame = page.frame_locator("#framed").locator("body")
    assert "gouji" not in (frame.inner_html() if frame.count() else "")
    return page.title().split()


@pytest.mark.parametrize("host", ["evil.test", "localhost", "127.0.0.1"])
def test_another_page_can_do_nothing_to_a_service_without_keys(
    open_server: Serving, chromium: Browser, attacker: ThreadingHTTPServer, host: str
) -> None:
    page = chromium.new_page()
    assert attacked(page, attacker, host, open_server.url) == ["refused"] * 4
    # DNS rebinding: the attacker's name, the service's port; for the browser one origin with the service.
    port = open_server.url.rpartition(":")[2]
    answer = page.goto(f"http://evil.test:{port}/v1/extractions")
    assert answer is not None
    assert answer.status == 421
    page.close()
    assert submissions(open_server) == 0
    denied = open_server.client().get("/metrics").text
    assert 'gouji_denied_total{code="cross_origin"}' in denied
    assert 'gouji_denied_total{code="host_not_allowed"}' in denied


def test_a_person_logs_in_works_and_logs_out(server: Serving, chromium: Browser, attacker: ThreadingHTTPServer) -> None:
    secret = server.key("read", "review", "submit", name="王")
    context = chromium.new_context(locale="zh-CN")
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda said: said.type == "error" and problems.append(said.text))
    page.goto(f"{server.url}/documents?verdict=failed")
    assert page.url.startswith(f"{server.url}/login?next=")
    expect(page.get_by_label("密钥")).to_be_focused()
    page.keyboard.type(secret[:-1] + "!")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    assert secret[:-1] not in page.content()
    expect(page.get_by_label("密钥")).to_be_focused()
    page.keyboard.type(secret)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{server.url}/documents?verdict=failed")
    assert "gouji_session" not in page.evaluate("document.cookie")
    sent = """async headers => (await fetch("/v1/extractions", {method: "POST", body: '{"text": "x"}',
        headers: {"Content-Type": "application/json", ...headers}})).status"""
    assert page.evaluate(sent, {}) == 403
    assert page.evaluate(sent, {"X-Gouji": "1"}) == 202
    # Another page in the same browser has no use of the session.
    other = context.new_page()
    attacked(other, attacker, "localhost", server.url)
    assert submissions(server, secret) == 1
    other.close()
    page.reload()
    assert page.url == f"{server.url}/documents?verdict=failed"
    page.get_by_role("button", name="退出").click()
    page.wait_for_url(f"{server.url}/login")
    page.goto(f"{server.url}/review")
    assert page.url.startswith(f"{server.url}/login")
    context.close()
    assert [said for said in problems if "401" not in said and "403" not in said] == []
