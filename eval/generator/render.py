"""The families of lay-out: from a paper to the text of a file (still with placeholders)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from extractor.eval.generator import layout_lines
from extractor.eval.generator.compose import Context, RenderTable, Style, compose
from extractor.eval.generator.grids import Grid
from extractor.eval.generator.layout_columns import PdfColumns
from extractor.eval.generator.layout_glued import Glued
from extractor.eval.generator.layout_html import HtmlTable, html_style, page
from extractor.eval.generator.layout_ocr import OcrTable
from extractor.eval.generator.layout_pdf import PdfLayout, PdfRaw, pdf_style
from extractor.eval.generator.layout_words import words
from extractor.eval.generator.noise import knobs


@dataclass(frozen=True, slots=True)
class Family:
    """A family: its knobs, and whether its text shows empty cells (`explicit`)."""

    name: str
    knobs: dict[str, float]
    explicit: bool
    lines: Callable[[Context], list[str]]


def _line_family(render: RenderTable, markdown: bool = False) -> Callable[[Context], list[str]]:
    def lines(context: Context) -> list[str]:
        rng = context.paper.noise.rng
        style = layout_lines.markdown_style(rng) if markdown else layout_lines.text_style(rng)
        return compose(context, render, style)

    return lines


def _pdf_layout(context: Context) -> list[str]:
    cjk = context.paper.noise.rng.choice((2, 2, 1))
    context.paper.noise.note(f"cjk_{cjk}")
    return compose(context, PdfLayout(context, cjk), pdf_style(context, cjk))


def _pdf_raw(context: Context) -> list[str]:
    render = PdfRaw(context)
    lines = compose(context, render, pdf_style(context))
    return lines + render.rest()


def _pdf_columns(context: Context) -> list[str]:
    render = PdfColumns(context)
    lines = compose(context, render, pdf_style(context))
    return lines + render.rest()


def _glued(context: Context) -> list[str]:
    return compose(context, Glued(context, 0.0), layout_lines.text_style(context.paper.noise.rng))


def _half_glued(context: Context) -> list[str]:
    keep = context.paper.noise.rng.choice((0.3, 0.6, 0.85, 0.95))
    return compose(context, Glued(context, keep), layout_lines.text_style(context.paper.noise.rng))


_METAS = (
    '<meta charset="{charset}">',
    '<meta http-equiv="Content-Type" content="text/html; charset={charset}" />',
    "<meta charset={charset}>",
    "",
)


def _html(context: Context) -> list[str]:
    rng = context.paper.noise.rng
    body = compose(context, HtmlTable(context), html_style(rng))
    record = context.paper.record
    charset = "gbk" if rng.random() < 0.2 else "utf-8"
    context.encoding = charset
    meta = rng.choice(_METAS)
    if charset == "gbk":
        charset = rng.choice(("gbk", "gb2312", "GB18030", "GBK"))
    return page(rng, f"{record.organization}{record.year}年政府信息公开工作年度报告", body, charset, meta).split("\n")


def _ocr(context: Context) -> list[str]:
    return compose(context, OcrTable(context), layout_lines.markdown_style(context.paper.noise.rng))


MIXED_BASES = ("tabs", "pipes", "pipe_cells", "cells", "pdf_layout")


def mixed_render(context: Context) -> RenderTable:
    """Each table in a lay-out of its own, or all in the same."""
    rng = context.paper.noise.rng
    makers: dict[str, RenderTable] = {
        "tabs": layout_lines.tabs,
        "pipes": layout_lines.pipes,
        "pipe_cells": layout_lines.pipe_cells,
        "cells": layout_lines.cells,
        "pdf_layout": PdfLayout(context, 2),
    }
    first = rng.choice(MIXED_BASES)
    same = rng.random() < 0.7
    chosen = {table: first if same else rng.choice(MIXED_BASES) for table in ("disclosure", "requests", "disputes")}
    for name in dict.fromkeys(chosen.values()):
        context.paper.noise.note(f"as_{name}")

    def render(inner: Context, grid: Grid) -> list[str]:
        return makers[chosen[grid.table]](inner, grid)

    return render


def mixed_style(rng: Random) -> Style:
    """The running text of a mixed report."""
    return layout_lines.text_style(rng)


def _mixed(context: Context) -> list[str]:
    return compose(context, mixed_render(context), mixed_style(context.paper.noise.rng))


_PLAIN_NUMBERS = {
    "full_width": 0.0,
    "commas": 0.0,
    "units_in_cells": 0.0,
    "notes_in_cells": 0.0,
    "chinese_numerals": 0.0,
}
_RARE_LOSS = {
    "marks": 0.03,
    "blank_cells": 0.03,
    "blank_rows": 0.05,
    "total_only": 0.03,
    "dropped_cell": 0.02,
    "group_and_rows": 0.0,
}

_ALL = (
    Family("tabs", knobs(), True, _line_family(layout_lines.tabs)),
    Family("pipes", knobs(), True, _line_family(layout_lines.pipes, markdown=True)),
    Family("pipe_cells", knobs(), True, _line_family(layout_lines.pipe_cells)),
    Family("cells", knobs(), False, _line_family(layout_lines.cells)),
    Family("pdf_layout", knobs(page_breaks=0.4, broken_labels=0.05, repeat_merged=0.0), False, _pdf_layout),
    Family(
        "pdf_raw",
        knobs(**{**_PLAIN_NUMBERS, **_RARE_LOSS, "notes_in_cells": 0.02, "units_in_cells": 0.02}),
        False,
        _pdf_raw,
    ),
    Family("glued", knobs(**_PLAIN_NUMBERS, **_RARE_LOSS), False, _glued),
    Family("half_glued", knobs(**_PLAIN_NUMBERS, **_RARE_LOSS), False, _half_glued),
    Family("html", knobs(page_breaks=0.0), True, _html),
    Family(
        "ocr_markdown",
        knobs(
            split_digits=0.35,
            letters_for_digits=0.3,
            full_width=0.15,
            commas=0.15,
            header_lost_words=0.25,
            header_doubled_words=0.15,
        ),
        True,
        _ocr,
    ),
    Family(
        "narrative_only", knobs(planted_error=0.0, missing_table=0.0, no_headings=0.0, full_width=0.0), False, words
    ),
    Family("mixed", knobs(no_headings=0.3, misnumbered=0.3), False, _mixed),
)

# Apart from the others: a seed without a family, and the turns of documents by number, stay what they were.
_APART = (
    Family(
        "pdf_columns",
        knobs(
            **{**_PLAIN_NUMBERS, **_RARE_LOSS, "planted_error": 0.3, "dropped_cell": 0.08, "blank_cells": 0.06},
            cut_off=0.02,
            missing_table=0.02,
        ),
        False,
        _pdf_columns,
    ),
)

FAMILIES: tuple[str, ...] = tuple(family.name for family in _ALL)
FAMILY: dict[str, Family] = {family.name: family for family in (*_ALL, *_APART)}
EVERY_FAMILY: tuple[str, ...] = tuple(FAMILY)
