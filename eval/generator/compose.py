"""Puts a report together: title, sections with their headings, tables, closing lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from extractor.eval.generator import narrative
from extractor.eval.generator.grids import Grid, make_grids
from extractor.eval.generator.labels import Wording
from extractor.eval.generator.paper import Paper
from extractor.eval.generator.slots import Slots

from extractor.form import FORM

_HEADING_OF = {section.key: section for section in FORM.sections}
_DIGITS = "一二三四五六七八"


@dataclass(slots=True)
class Context:
    """What a renderer works with. It adds to `undecided` the cells whose number or place its text leaves open."""

    paper: Paper
    wording: Wording
    slots: Slots
    undecided: set[str] = field(default_factory=set)
    lenient: set[str] = field(default_factory=set)
    encoding: str = "utf-8"
    cut_tables: set[str] = field(default_factory=set)


RenderTable = Callable[[Context, Grid], list[str]]


@dataclass(slots=True)
class Style:
    """How the words around the tables are set."""

    heading: Callable[[str], str] = str
    paragraph: Callable[[str], str] = str
    between: tuple[str, ...] = ()
    title: Callable[[str], str] = str


def compose(context: Context, render: RenderTable, style: Style, *, bare: bool = False) -> list[str]:
    """The lines of a whole report. `bare`: title and tables only."""
    paper, noise = context.paper, context.paper.noise
    rng, record = noise.rng, paper.record
    lines: list[str] = []
    if noise.hit("no_title", 1.0) and not bare:
        lines.append(
            style.paragraph(
                f"依据《中华人民共和国政府信息公开条例》要求，{record.organization}编制{record.year}年度报告。"
            )
        )
    else:
        lines += _title(context, style)
    if not bare:
        lines += _front_matter(context, style)
    grids = {grid.table: grid for grid in make_grids(paper, context.wording, context.slots)}
    headings = not noise.hit("no_headings", 1.0)
    shift = 0
    for number, section in enumerate(FORM.sections):
        if bare and section.key not in ("disclosure", "requests", "disputes"):
            continue
        if noise.hit("misnumbered", 0.3):
            shift = rng.choice((-1, 0, 1))
        heading = _heading(context, section.key, _DIGITS[max(0, min(7, number + shift))])
        if headings:
            lines += [*style.between, style.heading(heading), *style.between]
        if section.key == "overview":
            lines += _spread(style, narrative.overview(record, noise))
        elif section.key == "problems":
            lines += _spread(style, narrative.problems(record, noise))
        elif section.key == "other_matters":
            lines += _spread(style, narrative.other_matters(record, noise))
        elif section.key in grids:
            if rng.random() < 0.1:
                lines.append(style.paragraph(_lead_in(section.key, record.year)))
            lines += render(context, grids[section.key])
    if not bare and rng.random() < 0.6:
        lines += [
            style.paragraph(record.organization),
            style.paragraph(f"{record.year + 1}年1月{rng.randint(2, 31)}日"),
        ]
    return lines


def _front_matter(context: Context, style: Style) -> list[str]:
    """The words of the headings before the sections begin: a list of contents, or a sentence that names them."""
    paper = context.paper
    lines: list[str] = []
    if paper.noise.hit("contents", 1.0):
        dots = paper.noise.rng.choice(("……", "\t", " ", "........"))
        lines.append("目录")
        lines += [f"{s.ordinal}、{s.label}{dots}{i + 1}" for i, s in enumerate(FORM.sections)]
    if paper.noise.hit("sections_named", 1.0):
        names = "，".join(section.label for section in FORM.sections)
        year = paper.record.year
        sentence = f"本报告由{names}等6个方面组成。数据的统计期限自{year}年1月1日起，至{year}年12月31日止。"
        lines.append(style.paragraph(sentence))
    return lines


def _lead_in(table: str, year: int) -> str:
    return {
        "disclosure": f"{year}年主动公开政府信息情况如下表所示。",
        "requests": f"{year}年收到和处理政府信息公开申请情况见下表（单位：件）。",
        "disputes": "因政府信息公开引发的行政复议、行政诉讼情况如下：",
    }[table]


def _title(context: Context, style: Style) -> list[str]:
    rng, record = context.paper.noise.rng, context.paper.record
    year = narrative.space(rng, record.year)
    kind = rng.choice(("政府信息公开工作年度报告", "政府信息公开工作年度报告", "政府信息公开年度报告"))
    if rng.random() < 0.2:
        return [style.title(record.organization), *style.between, style.title(f"{year}年{kind}")]
    return [style.title(f"{record.organization}{year}年{kind}")]


def _heading(context: Context, key: str, digit: str) -> str:
    rng = context.paper.noise.rng
    section = _HEADING_OF[key]
    words = section.label if rng.random() < 0.75 or not section.variants else rng.choice(section.variants)
    return f"{digit}{rng.choice(('、', '、', '、', '、 ', '. ', ' 、'))}{words}"


def _spread(style: Style, paragraphs: list[str]) -> list[str]:
    lines: list[str] = []
    for paragraph in paragraphs:
        lines += [style.paragraph(paragraph), *style.between]
    return lines
