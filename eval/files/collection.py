"""Files that hold several reports: the towns of a county, or one body's years, one after another or a sheet each."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from extractor.eval.generator import narrative
from extractor.eval.generator.compose import Context
from extractor.eval.generator.grids import Grid, make_grids, squares
from extractor.eval.generator.labels import Wording
from extractor.eval.generator.layout_html import HtmlTable, html_style, page
from extractor.eval.generator.layout_lines import text_style
from extractor.eval.generator.noise import KNOBS, Noise
from extractor.eval.generator.paper import Printed, make_paper, table_of
from extractor.eval.generator.records import random_record
from extractor.eval.generator.render import mixed_render
from extractor.eval.generator.sample import Sample, expected_of
from extractor.eval.generator.slots import Slots

from extractor.form import FORM, TABLES

KINDS = ("text", "html", "docx", "sheets", "sheet")
# Damage that hides where one report ends is drawn here, report by report; that of single cells is the other families'.
_NOISE = (
    "label_variants", "blank_cells", "marks", "planted_error", "chopped_outcome", "trailing_cells", "decoy_numbers",
    "other_years", "wrapped_rows", "group_only",
)  # fmt: skip
_META = '<meta charset="utf-8">'
_SURNAMES, _NAMES = "临清安永石白龙凤高丰和长", "江河山泉岭桥湖口坪塘溪源"


@dataclass(frozen=True, slots=True)
class Plan:
    """How the reports of one file are told apart."""

    kind: str
    by_year: bool
    titles: str  # full, name, none
    headings: bool
    words: bool


def make_collection(seed: int) -> Sample:
    """The file of a seed: `payload` its bytes, `reports` what each report prints, in order."""
    rng = Random(f"collection:{seed}")
    plan = Plan(
        kind=rng.choice(KINDS),
        by_year=rng.random() < 0.3,
        titles=rng.choices(("full", "name", "none"), (6, 2, 1))[0],
        headings=rng.random() < 0.8,
        words=rng.random() < 0.5,
    )
    number = rng.choice((2, 3, 4) if plan.by_year else (2, 3, 5, 8, 14, 30))
    slots, log = (
        Slots(),
        [f"{name}={getattr(plan, name)}" for name in ("kind", "by_year", "titles", "headings", "words")],
    )
    contexts, parts = [], []
    county, year = rng.choice(_SURNAMES) + rng.choice(_NAMES) + "县", rng.randint(2021, 2025)
    towns = rng.sample([a + b for a in _SURNAMES for b in _NAMES], number)
    noise = Noise(rng, {name: (0.4 * chance if name in _NOISE else 0.0) for name, chance in KNOBS.items()}, log)
    for index in range(number):
        record = random_record(rng, "2021")
        record.year = year - index if plan.by_year else year
        record.organization = county if plan.by_year else f"{county}{towns[index]}{'镇' if index % 3 else '乡'}"
        slots.report = index
        context = Context(
            make_paper(record, Noise(rng, noise.knobs, log), explicit=plan.kind != "text"), Wording(noise), slots
        )
        _leave_out(context, rng, log)
        contexts.append(context)
        parts.append(context)
    text, payload, name = _written(plan, rng, parts, slots)
    spans: dict[tuple[int, str], tuple[int, int]] = {}
    if plan.kind == "text":
        text, spans = slots.fill(text)
        payload = text.encode()
    reports = [expected_of(context, index, spans, slots) for index, context in enumerate(contexts)]
    return Sample(seed, "collection", text, name, "utf-8", log, reports, payload)


def _leave_out(context: Context, rng: Random, log: list[str]) -> None:
    """Some reports lack a table, a few all of them."""
    lacking: tuple[str, ...] = ()
    if rng.random() < 0.12:
        lacking = (rng.choice(TABLES),) if rng.random() < 0.7 else TABLES
        log.append(f"report {context.slots.report + 1} lacks {' '.join(lacking)}")
    context.paper.missing_tables |= frozenset(lacking)
    for path in context.paper.cells:
        if table_of(path) in lacking:
            context.paper.cells[path] = Printed("", None, "missing")


def _written(plan: Plan, rng: Random, contexts: list[Context], slots: Slots) -> tuple[str, bytes, str]:
    """The text (still with placeholders), the bytes, the file's name."""
    if plan.kind in ("sheets", "sheet"):
        return "", _workbook(plan, rng, contexts, slots), "reports.xlsx"
    if plan.kind == "text":
        style, render = text_style(rng), mixed_render(contexts[0])
        lines = []
        for context in contexts:
            for what, item in _report(plan, rng, context):
                lines += (
                    render(context, item)
                    if isinstance(item, Grid)
                    else [style.paragraph(item) if what == "words" else item]
                )
        return "\n".join(lines), b"", "reports.txt"
    html, tables = html_style(rng), HtmlTable(contexts[0])
    body = []
    for context in contexts:
        for what, item in _report(plan, rng, context):
            if isinstance(item, Grid):
                body += tables(context, item)
            else:
                body.append({"title": html.title, "heading": html.heading, "words": html.paragraph}[what](item))
    text, _ = slots.fill(page(rng, "政府信息公开工作年度报告汇编", body, "utf-8", _META))
    if plan.kind == "html":
        return text, text.encode(), "reports.html"
    from extractor.eval.files import make_file

    return text, make_file("docx", text, rng.randrange(1 << 30)), "reports.docx"


def _report(plan: Plan, rng: Random, context: Context) -> Iterator[tuple[str, str | Grid]]:
    """The parts of one report in order: (title, heading, words or table, what it is)."""
    record, noise = context.paper.record, context.paper.noise
    if plan.titles == "full":
        yield "title", f"{record.organization}{record.year}年政府信息公开工作年度报告"
    elif plan.titles == "name":
        yield "title", f"{record.year}年" if plan.by_year else record.organization
    grids = {grid.table: grid for grid in make_grids(context.paper, context.wording, context.slots)}
    for section in FORM.sections:
        if not plan.words and section.key not in TABLES:
            continue
        if plan.headings:
            yield "heading", f"{section.ordinal}、{section.label}"
        if section.key == "overview":
            yield from (("words", line) for line in narrative.overview(record, noise))
        elif section.key == "problems":
            yield from (("words", line) for line in narrative.problems(record, noise))
        elif section.key in grids:
            yield "table", grids[section.key]
        elif section.key in TABLES:
            yield "words", rng.choice(("无。", "本年度未发生。", "详见附件。"))


def _workbook(plan: Plan, rng: Random, contexts: list[Context], slots: Slots) -> bytes:
    """A sheet for each report, or all of them below one another."""
    from openpyxl import Workbook

    book = Workbook()
    sheet: Any = book.active
    for index, context in enumerate(contexts):
        record = context.paper.record
        if plan.kind == "sheets":
            sheet = sheet if index == 0 else book.create_sheet()
            sheet.title = f"{record.year}年" if plan.by_year else record.organization[-3:]
        for _, item in _report(plan, rng, context):
            if not isinstance(item, Grid):
                sheet.append([slots.plain(item)])
                continue
            for line in squares(item):
                plain = [slots.plain(square.text) for square in line]
                sheet.append([int(text) if text.isdigit() else text or None for text in plain])
        if rng.random() < 0.5:
            sheet.append([])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
