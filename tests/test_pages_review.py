"""A doubtful document reviewed in a real browser, by keyboard alone: from the queue to the gold export, and undone."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from pages import FIXTURES, Site, faults, in_browser, site_of, with_axe
from pdfs import pdf
from playwright.sync_api import Page, expect

pytestmark = in_browser
TALING = "disclosure.regulations.repealed", "disclosure.normative_documents.in_force"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site_of(tmp_path_factory.mktemp("review")) as made:
        yield made


def cell(page: Page, path: str) -> Any:
    return page.locator(f'td[data-path="{path}"]')


def state(site: Site, extraction: str) -> dict[str, Any]:
    return dict(site.api.get(f"/v1/review/{extraction}/1").json())


def saved(page: Page, text: str = "已保存") -> None:
    expect(page.locator("#said")).to_contain_text(text)


def test_a_doubtful_document_is_settled_by_keyboard_and_undone(site: Site) -> None:
    extraction = site.submit(FIXTURES / "taling-2022-ocr-text.txt")
    with site.page("/") as page:
        assert page.url.endswith("/review")
        # The queue: down to the row, and in.
        page.keyboard.press("j")
        while "taling" not in page.evaluate("document.activeElement.closest('tr').textContent"):
            page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/review/{extraction}/1*")
        # The first doubtful cell has the focus, and its reading is marked in the text.
        expect(cell(page, TALING[0])).to_be_focused()
        expect(page.locator(f'#text mark.candidate[data-of="{TALING[0]}"]')).to_have_text("O")
        expect(page.locator(f'#text mark.candidate[data-of="{TALING[1]}"]')).to_have_text("3 0")
        page.keyboard.press("w")
        page.keyboard.type("看过扫描件")
        page.keyboard.press("Enter")
        page.keyboard.press("a")
        expect(page.locator("#choices [aria-selected=true]")).to_have_attribute("data-value", "0")
        assert page.evaluate("String(getSelection())") == "O"
        page.keyboard.press("Enter")
        saved(page, "还有 1 处待定")
        expect(cell(page, TALING[0])).to_be_focused()
        expect(cell(page, TALING[0]).locator(".human")).to_have_text("✎ 0")
        expect(cell(page, TALING[0]).locator(".value")).to_have_text("?")  # what the machine said stays beside it
        page.keyboard.press("n")
        expect(cell(page, TALING[1])).to_be_focused()
        page.keyboard.press("a")
        expect(page.locator("#choices [aria-selected=true]")).to_have_attribute("data-value", "30")
        page.keyboard.press("Enter")
        saved(page, "这份报告审完了")
        expect(page.locator("#table-disclosure .verdicts")).to_contain_text("全部证实")
        expect(page.locator("#history tbody tr")).to_have_count(2)
        expect(page.locator("#history")).to_contain_text("看过扫描件")
        expect(page.locator("mark.human")).to_have_count(2)
        assert state(site, extraction)["settled"] == {"disclosure": True, "requests": True, "disputes": True}
        assert "taling" not in site.api.get("/review").text

        gold = zipfile.ZipFile(io.BytesIO(site.api.get("/v1/review/gold.zip").content))
        labels = [json.loads(gold.read(name)) for name in gold.namelist() if name.endswith(".json")]
        record = next(one["record"] for one in labels if one.get("organization") == "塔岭县人民政府")
        assert record["disclosure"]["normative_documents"]["in_force"] == 30
        assert record["disclosure"]["regulations"]["repealed"] == 0

        page.keyboard.press("u")
        saved(page, "还有 1 处待定")
        expect(cell(page, TALING[1]).locator(".human")).to_have_count(0)
        expect(page.locator("#history tr.undone")).to_have_count(1)
    assert "taling" in site.api.get("/review").text


def test_cells_and_their_places_in_the_text_lead_to_each_other(site: Site) -> None:
    extraction = site.submit(FIXTURES / "zhongyang-2024-tabs.txt")
    with site.page(f"/review/{extraction}/1") as page:
        first = cell(page, "requests.new_received.natural_person")
        first.click()
        mark = page.locator('#text mark[data-of="requests.new_received.natural_person"]')
        expect(mark).to_have_class(re.compile("here"))
        page.keyboard.press("ArrowRight")
        expect(cell(page, "requests.new_received.business")).to_be_focused()
        page.keyboard.press("ArrowDown")
        expect(cell(page, "requests.carried_in.business")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator('#text mark[data-of="requests.carried_in.business"]')).to_be_focused()
        page.keyboard.press("ArrowRight")
        expect(page.locator('#text mark[data-of="requests.carried_in.research_institution"]')).to_be_focused()
        page.keyboard.press("Enter")
        expect(cell(page, "requests.carried_in.research_institution")).to_be_focused()
        mark.click()
        expect(first).to_be_focused()
        raw = page.evaluate("document.querySelector('#text mark.here').textContent")
        shown = state(site, extraction)["line"]["cells"]
        assert raw == next(c["raw"] for c in shown if c["path"] == "requests.new_received.natural_person")


def test_a_rule_that_the_report_breaks_is_said_to_be_printed_so(site: Site) -> None:
    extraction = site.submit(FIXTURES / "changtang-2021-grid-row-sum-error.txt")
    with site.page(f"/review/{extraction}/1") as page:
        page.locator("#title-requests").focus()
        broken = page.locator("#table-requests .finding.f-error")
        expect(broken).to_have_count(2)
        page.keyboard.press("f")
        expect(broken.first).to_be_focused()
        suspects = page.locator("td.suspected")
        assert suspects.count() >= 1
        page.keyboard.press("s")
        saved(page)
        expect(broken.first.locator(".human")).to_have_count(1)
        page.keyboard.press("f")
        page.keyboard.press("s")
        expect(page.locator("#table-requests .finding .human")).to_have_count(2)
        expect(page.locator("#table-requests .table-head")).to_contain_text("已审完")
        page.keyboard.press("u")
        expect(page.locator("#table-requests .finding .human")).to_have_count(1)


def test_one_key_leads_through_all_that_is_open(site: Site) -> None:
    extraction = site.submit(FIXTURES / "dongpu-2023-tabs-total-forgot-row.txt")
    with site.page(f"/review/{extraction}/1") as page:
        # No cell is doubtful: the page opens on the first broken rule and says what to press.
        broken = page.locator("#table-requests .finding[data-todo]")
        count = broken.count()
        assert count > 2
        expect(broken.first).to_be_focused()
        expect(page.locator("#panel .advice")).to_contain_text("按 s")
        expect(page.get_by_role("toolbar").get_by_role("button", name="原文如此")).to_be_visible()
        suspect = str(broken.first.get_attribute("data-suspects")).split()[0]
        page.keyboard.press("Enter")
        expect(cell(page, suspect)).to_be_focused()
        expect(page.locator(f'#text mark[data-of="{suspect}"]')).to_have_class(re.compile("here"))
        for left in reversed(range(count)):
            page.keyboard.press("n")
            rule = page.evaluate("document.activeElement.dataset.rule")
            page.keyboard.press("s")
            saved(page, f"还有 {left} 处待定" if left else "这份报告审完了")
            expect(page.locator(f'.finding[data-rule="{rule}"] .human')).to_have_count(1)
        assert state(site, extraction)["settled"]["requests"] is True
        page.keyboard.press("n")
        expect(page.locator("#said")).to_contain_text("没有待定的了")


def test_a_table_that_was_not_read_is_filled_from_the_text_by_keys(site: Site) -> None:
    extraction = site.submit(FIXTURES / "gaotang-2023-pdf-raw-column-order.txt")
    path = "disclosure.normative_documents.issued"
    with site.page(f"/review/{extraction}/1") as page:
        expect(page.get_by_role("button", name="认定没有印这张表")).to_have_count(1)
        expect(cell(page, "disclosure.regulations.issued")).to_be_focused()
        expect(page.locator("#text .line.here")).to_have_text("二、主动公开政府信息情况")  # nothing was read
        page.keyboard.press("ArrowDown")
        expect(cell(page, path)).to_be_focused()
        page.keyboard.press("c")
        options = page.locator("#choices [role=option]")
        expect(page.locator("#choices [aria-selected=true]")).to_have_attribute("data-value", "0")
        values = [option.get_attribute("data-value") for option in options.all()]
        assert values[values.index("0") :][:3] == ["0", "5", "0"]  # its column as it is printed
        while page.evaluate("document.activeElement.dataset.value") != "5":
            before = page.evaluate("document.activeElement.dataset.start")
            page.keyboard.press("ArrowRight")
            page.wait_for_function("(start) => document.activeElement.dataset.start !== start", arg=before)
        assert page.evaluate("String(getSelection())") == "5"
        page.keyboard.press("Escape")
        expect(page.locator("#choices")).to_be_hidden()
        expect(cell(page, path)).to_be_focused()
        assert state(site, extraction)["decisions"] == []
        assert page.evaluate("String(getSelection())") == ""  # what was only offered is not marked
        page.keyboard.press("c")
        expect(page.locator("#choices [aria-selected=true]")).to_be_focused()
        while page.evaluate("document.activeElement.dataset.value") != "5":
            page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        saved(page)
        expect(cell(page, path).locator(".human")).to_have_text("✎ 5")
        (decision,) = state(site, extraction)["decisions"]
        stored = site.api.get(f"/v1/extractions/{extraction}/text").text
        assert stored[slice(*decision["span"])] == "5"
        assert stored[: decision["span"][0]].count("\n") + 1 == 29  # the line of the column's second number


def test_numbers_that_run_into_each_other_are_told_apart_by_keys(site: Site) -> None:
    text = (FIXTURES / "pingyang-2023-glued.txt").read_text(encoding="utf-8")
    extraction = site.submit(text.replace("平杨县", "平杨新县"), "glued.txt")  # decisions hang on the text
    paths = [f"disclosure.normative_documents.{name}" for name in ("issued", "repealed", "in_force")]
    with site.page(f"/review/{extraction}/1") as page:
        expect(page.locator(f'#text mark.candidate[data-of~="{paths[0]}"]')).to_have_text("31129")
        for path, value, at in zip(paths, ("3", "11", "29"), (0, 1, 3), strict=True):
            cell(page, path).focus()
            page.keyboard.press("a")
            expect(page.locator("#choices [aria-selected=true]")).to_be_focused()
            start = site.api.get(f"/v1/extractions/{extraction}/text").text.index("31129") + at
            for _ in page.locator("#choices [role=option]").all():
                chosen = page.locator("#choices [aria-selected=true]")
                if chosen.get_attribute("data-value") == value and chosen.get_attribute("data-start") == str(start):
                    break
                page.keyboard.press("ArrowRight")
            assert page.evaluate("String(getSelection())") == value
            page.keyboard.press("Enter")
            expect(cell(page, path).locator(".human")).to_have_text(f"✎ {value}")
        expect(page.locator("#table-disclosure .table-head")).to_contain_text("已审完")
        # The page itself never scrolls: its panes do.
        assert page.evaluate("[document.scrollingElement.scrollTop, document.body.scrollTop]") == [0, 0]
        assert page.evaluate("document.scrollingElement.scrollHeight") == 768


def test_accepting_offers_the_readings_and_correcting_all_numbers(site: Site) -> None:
    extraction = site.submit(FIXTURES / "lianwan-2023-ocr-markdown.md")
    with site.page(f"/review/{extraction}/1", language="en-US") as page:
        options = page.locator("#choices [role=option]")
        page.keyboard.press("a")
        expect(options.first).to_be_focused()
        readings = options.count()
        assert all(option.get_attribute("data-candidate") for option in options.all())
        page.keyboard.press("Escape")
        page.keyboard.press("c")
        expect(options.nth(readings + 2)).to_be_visible()
        assert state(site, extraction)["decisions"] == []


def test_a_number_marked_with_the_mouse_corrects_a_cell_and_nonsense_is_refused(site: Site) -> None:
    site.expected.append("422")
    extraction = site.submit(FIXTURES / "pingyang-2023-glued.txt")
    doubtful = [c for c in state(site, extraction)["line"]["cells"] if c["state"] == "ambiguous"]
    path = doubtful[0]["path"]
    with site.page(f"/review/{extraction}/1", language="en-US") as page:
        cell(page, path).click()
        box = page.locator("#text .line", has_text=re.compile("三、")).first.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 66, box["y"] + 10)
        page.mouse.down()
        page.mouse.move(box["x"] + 160, box["y"] + 10)
        page.mouse.up()
        expect(page.locator("#said")).to_contain_text("is marked")
        page.keyboard.press("c")
        expect(page.locator("#said.wrong")).to_contain_text("does not read as one number")
        assert state(site, extraction)["decisions"] == []
        page.evaluate("getSelection().removeAllRanges()")
        cell(page, path).focus()
        page.keyboard.press("x")
        saved(page, "Saved")
        expect(page.locator("#panel-history")).to_contain_text("said not to be printed")
        expect(cell(page, path)).not_to_have_attribute("data-doubtful", "yes")


def test_marking_a_number_of_another_cell_keeps_the_cell_that_it_is_marked_for(site: Site) -> None:
    extraction = site.submit(FIXTURES / "taling-2022-ocr-text.txt")
    with site.page(f"/review/{extraction}/1") as page:
        cell(page, TALING[0]).click()
        other = page.locator('#text mark[data-of="disclosure.penalties.decisions"]')
        other.dblclick()
        assert page.evaluate("String(getSelection())") == "316"
        expect(page.locator("#panel-name")).to_have_text("规章 · 本年废止件数")
        expect(page.locator("#said")).to_contain_text("选中了“316”")
        page.keyboard.press("Escape")
        expect(cell(page, TALING[0])).to_be_focused()
        page.keyboard.press("ArrowRight")
        assert page.evaluate("String(getSelection())") == ""  # it does not go along to the next cell
        other.click()
        expect(cell(page, "disclosure.penalties.decisions")).to_be_focused()


def test_what_is_marked_in_the_page_is_the_place_in_the_stored_text(site: Site) -> None:
    text = (FIXTURES / "taling-2022-ocr-text.txt").read_text(encoding="utf-8")
    text = text.replace("行政许可 |", "行政\u200b许可\U00020000 |").replace("一、总体情况", "一、总体\u202e情况")
    extraction = site.submit(text, "marked.txt")
    stored = site.api.get(f"/v1/extractions/{extraction}/text").text
    at = stored.index("2,048")
    assert at > 100
    script = """async ([start, end]) => {
      const source = document.querySelector('script[src$="review.js"]').src.replace('review.js', 'text.js');
      const text = await import(source);
      const found = text.select(start, end);
      return [found, String(getSelection()), text.selected()];
    }"""
    with site.page(f"/review/{extraction}/1") as page:
        assert page.evaluate(script, [at, at + 5]) == [True, "2,048", [at, at + 5]]
        hidden = stored.index("\u200b")
        assert page.evaluate(script, [hidden, hidden + 1])[2] == [hidden, hidden + 1]
        assert page.evaluate(script, [hidden - 2, hidden + 3])[2] == [hidden - 2, hidden + 3]
        assert page.evaluate(script, [len(stored) + 9, len(stored) + 10])[0] is False


def test_two_people_who_disagree_are_told(site: Site) -> None:
    site.expected.append("409")
    extraction = site.submit(FIXTURES / "lianwan-2023-ocr-markdown.md")
    path = next(c["path"] for c in state(site, extraction)["line"]["cells"] if c["state"] == "ambiguous")
    with site.page(f"/review/{extraction}/1") as page:
        expect(cell(page, path)).to_be_focused()
        other = site.api.post(f"/v1/review/{extraction}/1/decisions", json={"action": "not_printed", "path": path})
        assert other.status_code == 201, other.text
        page.keyboard.press("t")
        expect(page.locator("#said.wrong")).to_contain_text("decided in this table")
        expect(page.locator("#history tbody tr")).to_have_count(1)  # what the other said is shown at once
        assert len(state(site, extraction)["decisions"]) == 1


def test_the_printed_page_holds_tables_findings_decisions_and_what_they_speak_of(site: Site) -> None:
    extraction = site.submit(FIXTURES / "changtang-2021-grid-row-sum-error.txt")
    with site.page(f"/review/{extraction}/1") as page:
        page.emulate_media(media="print")
        for hidden in ("header.top", "#panel", "#source", ".table-head button"):
            expect(page.locator(hidden).first).to_be_hidden()
        printed = page.locator("main").inner_text()
        looked = state(site, extraction)
        for part in ("长塘区人民政府", "三、收到和处理", looked["text_sha256"], "requests.outcomes.total", "决定"):
            assert part in printed
        assert len(page.pdf()) > 10_000


def report_pdf(site: Site) -> bytes:
    page = site.chromium.new_page()
    page.set_content((FIXTURES / "jinchuan-2023-html-chrome.html").read_text(encoding="utf-8"))
    try:
        return page.pdf(format="A4")
    finally:
        page.close()


def test_a_page_of_a_pdf_shows_the_boxes_of_its_cells(site: Site) -> None:
    extraction = site.submit(report_pdf(site), "report.pdf")
    with site.page(f"/review/{extraction}/1") as page:
        cell(page, "requests.new_received.natural_person").click()
        page.keyboard.press("g")
        box = page.locator('#source rect[data-of="requests.new_received.natural_person"]')
        expect(box).to_have_class(re.compile("here"))
        page.wait_for_function("document.querySelector('#source image').getBBox().width > 100")
        kind = "fetch(document.querySelector('#source image').href.baseVal).then((a) => a.headers.get('content-type'))"
        assert page.evaluate(kind) == "image/png"
        page.keyboard.press("ArrowRight")
        expect(page.locator('#source rect[data-of="requests.new_received.business"]')).to_have_class(re.compile("here"))
        page.keyboard.press("g")
        expect(page.locator("#text")).to_be_visible()
    assert site.api.get(f"/review/{extraction}/1/page/99.png").status_code == 404
    picture = site.api.get(f"/review/{extraction}/1/page/1.png")
    assert picture.content.startswith(b"\x89PNG")
    again = site.api.get(f"/review/{extraction}/1/page/1.png", headers={"If-None-Match": picture.headers["etag"]})
    assert again.status_code == 304


def test_a_file_without_text_leads_to_the_page_that_says_why(site: Site) -> None:
    broken = site.submit(pdf("BT ET"), "empty.pdf")
    answer = site.api.get(f"/review/{broken}/1", follow_redirects=True)
    assert answer.url.path == f"/documents/{broken}"
    assert "no_text_layer" in answer.text


def test_roles_and_names_are_those_of_a_grid(site: Site) -> None:
    extraction = site.submit(FIXTURES / "taling-2022-ocr-text.txt")
    with site.page(f"/review/{extraction}/1", language="en-US") as page:
        grid = page.get_by_role("grid", name="二、主动公开政府信息情况").first
        expect(grid.get_by_role("gridcell", name=re.compile("规章 · 本年废止件数: several readings"))).to_have_count(1)
        expect(grid.get_by_role("columnheader", name="本年废止件数")).to_have_count(1)
        expect(page.get_by_role("main")).to_have_count(1)
        expect(page.get_by_role("navigation", name="Main")).to_have_count(1)
        expect(page.get_by_role("status").last).to_have_attribute("aria-live", "polite")
        expect(page.get_by_role("textbox", name=re.compile("Why"))).to_be_visible()
        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_have_count(0)
        tabs = page.evaluate("[...document.querySelectorAll('td[data-path]')].filter((td) => td.tabIndex === 0).length")
        assert tabs == 1  # one stop for the tab key; arrows go on from there


@with_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_review_page(site: Site, scheme: str) -> None:
    for name in ("taling-2022-ocr-text.txt", "changtang-2021-grid-row-sum-error.txt"):
        extraction = site.submit(FIXTURES / name)
        with site.page(f"/review/{extraction}/1", color_scheme=scheme) as page:
            assert faults(page) == []
            page.locator("td[data-path]").first.click()
            page.keyboard.press("c")
            expect(page.locator("#choices")).to_be_visible()
            assert faults(page) == []


def test_a_narrow_window_has_nothing_beside_it(site: Site) -> None:
    extraction = site.submit(FIXTURES / "taling-2022-ocr-text.txt")
    for path in (f"/review/{extraction}/1", "/review", "/documents", f"/documents/{extraction}", "/overview"):
        with site.page(path, width=400) as page:
            assert page.evaluate("document.documentElement.scrollWidth") <= 400, path
