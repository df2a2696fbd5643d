"""A report that wants to act on the page stays text: nothing runs, nothing loads, nothing hides or turns around."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pages import FIXTURES, Site, in_browser, site_of
from playwright.sync_api import expect

pytestmark = in_browser

MARKUP = (
    "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'><svg onload=window.hacked=3>\n"
    "</textarea></pre></div></script><style>body{display:none}</style><iframe src=//example.org></iframe>\n"
    "{{ 7 * 7 }}{% raw %}{{ config }} ${7*7} <!-- --> ]]> &amp; &#x3C;b&#x3E; javascript:window.hacked=4\n"
    "<link rel=stylesheet href=https://example.org/x.css><base href=https://example.org/>\n"
)
ACTING = "行政许可 \u202e8402\u202c 件 \u2066x\u2069 1\u200b2\u200d3 \ufeff \x1b[31mred\x1b[0m \x00 \u2028 \U000e0041\n"
LONG = "很长" + "数" * 10_000 + "\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site_of(tmp_path_factory.mktemp("hostile")) as made:
        yield made


@pytest.fixture(scope="module")
def extraction(site: Site) -> str:
    report = (FIXTURES / "taling-2022-ocr-text.txt").read_text(encoding="utf-8")
    head, tables = report.split("二、主动公开", 1)
    return site.submit(f"{head}{MARKUP}{ACTING}{LONG}二、主动公开{tables}", "<b>\u202e{{ 7*7 }}.txt")


def test_the_review_page_shows_it_as_text(site: Site, extraction: str) -> None:
    with site.page(f"/review/{extraction}/1") as page:
        expect(page.locator("#text")).to_contain_text("<script>window.hacked = 1</script>")
        expect(page.locator("#text")).to_contain_text("{{ 7 * 7 }}{% raw %}")
        expect(page.locator("#text")).to_contain_text("</textarea>")
        expect(page.locator("#text")).to_contain_text("&amp; &#x3C;b&#x3E;")
        assert page.evaluate("window.hacked") is None
        assert page.locator("#source :is(script, img, iframe, style, link, base, b)").count() == 0
        shown = page.locator("#text .code").all_inner_texts()
        for code in ("U+202E", "U+202C", "U+2066", "U+200B", "U+200D", "U+FEFF", "U+001B", "U+2028", "U+E0041"):
            assert code in shown, code
        text = page.locator("#text").inner_text()
        assert not {"\u202e", "\u200b", "\x1b", "\u2066"} & set(text)
        assert page.evaluate("getComputedStyle(document.querySelector('#text .line')).unicodeBidi") == "isolate"
        assert page.evaluate("document.documentElement.scrollWidth") <= 1366


def test_digits_after_a_turn_stand_in_their_order(site: Site, extraction: str) -> None:
    with site.page(f"/review/{extraction}/1") as page:
        places = page.evaluate(
            """() => {
              const line = [...document.querySelectorAll('#text .line')].find((l) => l.textContent.includes('8402'));
              const node = [...line.childNodes].find((n) => n.data?.includes('8402'));
              const at = node.data.indexOf('8402');
              return [0, 1, 2, 3].map((n) => {
                const range = document.createRange();
                range.setStart(node, at + n); range.setEnd(node, at + n + 1);
                return range.getBoundingClientRect().left;
              });
            }"""
        )
        assert places == sorted(places)
        assert len(set(places)) == 4


def test_its_name_is_text_on_every_page(site: Site, extraction: str) -> None:
    for path in ("/review", "/documents", f"/documents/{extraction}", f"/review/{extraction}/1", "/overview"):
        with site.page(path) as page:
            body = page.locator("body").inner_text()
            assert "\u202e" not in body + page.title()
            assert "{{ 7*7 }}" in body or path == "/overview"
            assert page.evaluate("window.hacked") is None
            assert page.locator("main b", has_text="7*7").count() == 0


def test_filters_and_addresses_are_text(site: Site, extraction: str) -> None:
    site.expected.append("404")
    evil = '"><script>window.hacked=5</script>\u202e'
    for path in ("/review", "/documents", "/overview"):
        with site.page() as page:
            page.goto(
                f"{site.server.url}{path}?organization={evil}&year=%3Cb%3E&table=x&verdict='&after=x~y~z~w&before=x"
            )
            assert page.evaluate("window.hacked") is None
            expect(page.locator("#organization")).to_have_value('"><script>window.hacked=5</script>⟨U+202E⟩')
    for path in ("/review/<b>x", f"/review/{extraction}/99", f"/review/{extraction}/x", "/documents/nothing"):
        with site.page() as page:
            answer = page.goto(f"{site.server.url}{path}")
            assert answer is not None
            assert answer.status == 404
            expect(page.get_by_role("heading", level=1)).to_have_text("没有这一页")
    for target in ("//example.org", "/\\example.org", "https://example.org", "javascript:alert(1)"):
        answer = site.api.get("/language/en", params={"next": target}, follow_redirects=False)
        assert answer.headers["location"] == "/review", target


def test_the_policy_lets_nothing_in(site: Site, extraction: str) -> None:
    for path in ("/review", f"/review/{extraction}/1", "/documents", "/overview"):
        answer = site.api.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
