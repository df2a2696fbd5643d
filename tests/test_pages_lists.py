"""Queue, documents, overview: empty, small, with thousands of bodies; languages; submitting by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from pages import FIXTURES, Site, faults, in_browser, site_of, with_axe
from playwright.sync_api import expect

from extractor.service.database.tables import extractions, failures, report_tables, reports

pytestmark = in_browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site_of(tmp_path_factory.mktemp("lists")) as made:
        yield made


@pytest.fixture(scope="module")
def crowd(site: Site) -> str:
    """3,000 bodies with a report each of two years, written straight into the database."""
    extraction = site.submit(FIXTURES / "zhongyang-2024-tabs.txt")
    verdicts = ("verified", "reconciled", "inconsistent", "needs_review", "failed")
    rows: list[dict[str, Any]] = []
    for number in range(2, 6_002):
        rows.append(
            {
                "extraction": extraction, "number": number, "document": "0" * 64, "current": True,
                "organization": f"第{number // 2}号县人民政府", "year": 2023 + number % 2, "form": "2021",
                "province": f"第{number % 33}省", "region_code": None, "verdict": verdicts[number % 5], "doubt": 12.0,
            }
        )  # fmt: skip
    tables = [
        {
            "extraction": extraction, "number": row["number"], "table_key": "requests", "verdict": row["verdict"],
            "doubtful_cells": 2, "failed_rules": 1, "doubt": 12.0, "settled": False,
        }
        for row in rows
    ]  # fmt: skip
    failed = [
        {
            "extraction": extraction, "number": row["number"], "ordinal": 0, "rule": "requests.balance.total",
            "severity": "error", "blame": ("source", "extraction", "undecided")[row["number"] % 3],
        }
        for row in rows
    ]  # fmt: skip
    with site.server.database() as database, database.write() as connection:
        connection.execute(sa.insert(reports), rows)
        connection.execute(sa.insert(report_tables), tables)
        connection.execute(sa.insert(failures), failed)
        connection.execute(
            sa.update(extractions).where(extractions.c.id == extraction)
            .values(calls=7, prompt_tokens=900, completion_tokens=100, cost="0.0125")
        )  # fmt: skip
    return extraction


def test_an_empty_service_says_what_to_do_and_takes_a_pasted_report(tmp_path_factory: pytest.TempPathFactory) -> None:
    with site_of(tmp_path_factory.mktemp("empty")) as site:
        for path in ("/review", "/documents", "/overview"):
            with site.page(path) as page:
                expect(page.locator(".empty")).to_contain_text("还没有读过文件")
        with site.page("/review", language="en-GB") as page:
            page.get_by_role("button", name="Submit").click()
            expect(page.locator("#submit-said")).to_have_text("Choose a file, or paste text.")
            page.get_by_label("Text").fill((FIXTURES / "taling-2022-ocr-text.txt").read_text(encoding="utf-8"))
            page.get_by_role("button", name="Submit").click()
            page.wait_for_url("**/documents/x_*")
            page.get_by_role("link", name="Report 1: look").click()
            expect(page.get_by_role("heading", level=1)).to_contain_text("塔岭县人民政府")
        with site.page("/documents") as page:
            page.get_by_label("文件", exact=True).set_input_files(FIXTURES / "zhongyang-2024-tabs.txt")
            page.get_by_role("button", name="提交").click()
            page.get_by_role("link", name=re.compile("第 1 份")).wait_for()
        with site.page("/review") as page:
            expect(page.locator("table.list tbody tr")).to_have_count(1)


def test_a_document_that_waits_is_shown_when_it_is_done(site: Site) -> None:
    extraction = site.submit(FIXTURES / "xiaodong-2024-tabs.txt")

    def put(state: str) -> None:
        with site.server.database() as database, database.write() as connection:
            connection.execute(sa.update(extractions).where(extractions.c.id == extraction).values(state=state))

    put("waiting")
    with site.page(f"/documents/{extraction}") as page:
        expect(page.get_by_role("status")).to_contain_text("等待模型")
        put("done")
        expect(page.get_by_role("status")).to_contain_text("完成")


def test_the_language_is_kept(site: Site) -> None:
    with site.page("/review?table=requests", language="zh-CN") as page:
        assert page.locator("html").get_attribute("lang") == "zh-Hans"
        page.get_by_role("link", name="English").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Tables to review")
        assert page.url.endswith("/review?table=requests")
        assert page.locator("html").get_attribute("lang") == "en"
        page.get_by_role("link", name="Overview").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


def test_the_queue_is_paged_and_filtered(site: Site, crowd: str) -> None:
    with site.page("/review") as page:
        rows = page.locator("table.list tbody tr")
        expect(rows).to_have_count(25)
        expect(page.locator("main [role=status]")).to_contain_text("6000 张表待审")
        first = rows.first.inner_text()
        page.get_by_role("link", name="下一页").click()
        page.wait_for_url("**after=**")
        expect(rows).to_have_count(25)
        assert rows.first.inner_text() != first
        page.get_by_role("link", name="回到第一页").click()
        page.locator("#organization").fill("第77号县")
        page.locator("#year").select_option("2024")
        page.get_by_role("button", name="筛选").click()
        page.wait_for_url("**organization=**")
        expect(rows).to_have_count(1)
        expect(rows.first).to_contain_text("1 条规则不符")
        page.goto(f"{site.server.url}/review?organization=nobody")
        expect(page.locator(".empty")).to_contain_text("没有符合筛选条件的")


def test_the_overview_is_bounded_and_says_what_it_leaves_out(site: Site, crowd: str) -> None:
    with site.page("/overview", language="en-US") as page:
        expect(page.get_by_text("Only the 20 bodies with most reports are drawn, of 30")).to_be_visible()
        expect(page.get_by_text(re.compile(r"Bodies 1–60 of 30\d\d"))).to_be_visible()
        expect(page.locator(".matrix tbody tr")).to_have_count(60)
        page.get_by_role("link", name="Next page").click()
        expect(page.get_by_text(re.compile(r"Bodies 61–120 of 30\d\d"))).to_be_visible()
        assert len(page.content()) < 400_000
        for plot in page.get_by_role("img").all():
            named = plot.get_attribute("aria-labelledby") or ""
            assert all(page.locator(f"#{name}").text_content() for name in named.split())
        # Beside each plot the same figures as a table.
        expect(page.locator("figure.plot:has(svg[role=img]) table")).to_have_count(
            page.locator("figure.plot:has(svg[role=img])").count()
        )
        rule = page.locator("figure.plot details", has_text="requests.balance.total")
        rule.locator("summary").click()
        expect(rule.locator("tr", has_text="requests.balance.total").locator("td").last).to_have_text("6000")
        expect(page.get_by_text("0.0125").first).to_be_attached()


def test_a_report_in_five_megabytes_of_text_is_shown_in_part_and_says_so(site: Site) -> None:
    report = (FIXTURES / "taling-2022-ocr-text.txt").read_text(encoding="utf-8")
    filler = "本段没有表格，只有文字，编号第某某号。\n" * 80_000
    extraction = site.submit(filler[: len(filler) // 2] + report + filler[len(filler) // 2 :], "long.txt")
    answer = site.api.get(f"/review/{extraction}/1")
    assert len(answer.content) < 600_000
    with site.page(f"/review/{extraction}/1") as page:
        mark = page.locator("#text mark.candidate").first
        expect(mark).to_have_text("O")
        first = page.locator("#text .line").first
        number = int(str(first.get_attribute("data-n")))
        assert 39_000 < number < 40_010
        page.get_by_role("link", name="往后看").click()
        expect(first).not_to_have_attribute("data-n", str(number))
        assert int(str(first.get_attribute("data-n"))) > number
        expect(page.get_by_role("link", name="往前看")).to_be_visible()
        page.locator("td[data-doubtful]").first.click()  # back to where it stands
        expect(page.locator("#text mark.candidate").first).to_have_class(re.compile("here"))


NAMELESS = re.compile(
    r"^\s*- (?:link|button|textbox|combobox|checkbox|option|grid|dialog|img|region|figure)(?=:|$| \[)"
)


@pytest.mark.parametrize("path", ["/review", "/documents", "/overview", "/documents/{}", "/review/{}/1"])
def test_every_control_has_a_name(site: Site, crowd: str, path: str) -> None:
    with site.page(path.format(crowd)) as page:
        page.keyboard.press("c")
        lines = page.locator("body").aria_snapshot().splitlines()
        assert sum("link" in line for line in lines) > 5
        assert [line for line in lines if NAMELESS.match(line)] == []


def test_static_files_are_kept_for_good_under_their_hash(site: Site) -> None:
    text = site.api.get("/review").text
    found = re.findall(r'(?:src|href)="(/static/[^"]+)"', text)
    assert {address.rsplit("/", 1)[1] for address in found} == {"icon.svg", "page.css", "page.js"}
    for address in found:
        assert re.fullmatch(r"/static/[0-9a-f]{16}/[a-z.]+", address)
        answer = site.api.get(address)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


@with_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/review", "/documents", "/overview", "/documents/{}", "/login", "/nothing"])
def test_axe_finds_nothing(site: Site, crowd: str, path: str, scheme: str) -> None:
    site.expected.append("404")
    with site.page(path.format(crowd), color_scheme=scheme) as page:
        if path != "/nothing":
            assert faults(page) == []
