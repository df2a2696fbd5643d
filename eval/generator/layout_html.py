"""HTML pages: tables with spans inside site chrome, loose markup, or a table set as text."""

from __future__ import annotations

from random import Random

from extractor.eval.generator.compose import Context, Style
from extractor.eval.generator.grids import Cell, Grid, squares
from extractor.eval.generator.layout_lines import uneven_rows


def html_style(rng: Random) -> Style:
    """Paragraphs and headings of a page."""
    tag = rng.choice(("p", "p", "div", "P"))
    inner = rng.choice(
        ("{}", "{}", '<span style="font-size:16px">{}</span>', "<strong>{}</strong>", "&nbsp;&nbsp;&nbsp;&nbsp;{}")
    )
    head = rng.choice(("h2", "p", "strong", "h3"))
    return Style(
        heading=lambda text: f"<{head}>{text}</{head}>",
        paragraph=lambda text: f"<{tag}>{inner.format(text)}</{tag}>",
        title=lambda text: f"<h1>{text}</h1>",
    )


class HtmlTable:
    """One way to write tables, the same in the whole page."""

    def __init__(self, context: Context) -> None:
        rng = context.paper.noise.rng
        self.rng = rng
        self.upper = rng.random() < 0.1
        self.close = rng.random() < 0.9
        self.quote = rng.choice(('"', '"', "'", ""))
        self.inner = rng.choice(
            (
                "{}",
                "{}",
                "<p>{}</p>",
                '<p style="text-align:center;"><span>{}</span></p>',
                "\n    {}\n  ",
                "<div>{}</div>",
                "&nbsp;{}&nbsp;",
            )
        )
        self.empty = rng.choice(("", "&nbsp;", "<p>&nbsp;</p>", "<br>", "　"))
        self.as_text = rng.random() < 0.08
        self.flat = rng.random() < 0.12  # no spans: merged positions are empty cells
        self.split = rng.random() < 0.1  # a number set in two spans
        self.head_cells = rng.random() < 0.2

    def __call__(self, context: Context, grid: Grid) -> list[str]:
        """The lines of one table."""
        if self.as_text:
            context.paper.noise.note("html_table_as_text")
            return self._text(context, grid)
        out = [
            self._tag(self.rng.choice(('table border="1"', "table", 'table class="MsoNormalTable" cellspacing="0"'))),
            self._tag("tbody"),
        ]
        if self.flat:
            rows = [[Cell(s.text, data=s.data) for s in line] for line in squares(grid)]
            for row, cells in zip(grid.rows, rows, strict=True):
                if row.key in context.paper.dropped:
                    cells.pop()
        else:
            rows = [row.cells for row in grid.rows]
        for row, cells in zip(grid.rows, rows, strict=True):
            out.append(self._tag("tr"))
            out += [self._cell(context, cell, row.kind == "head" and self.head_cells) for cell in cells]
            if self.close:
                out.append(self._tag("/tr"))
        return [*out, self._tag("/tbody"), self._tag("/table")]

    def _tag(self, text: str) -> str:
        return f"<{text.upper() if self.upper and '=' not in text else text}>"

    def _cell(self, context: Context, cell: Cell, head: bool) -> str:
        rng = self.rng
        name = "th" if head else "td"
        attributes = ""
        for key, n in (("colspan", cell.colspan), ("rowspan", cell.rowspan)):
            if n > 1 or rng.random() < 0.02:
                attributes += f" {key}={self.quote}{n}{self.quote}"
        if rng.random() < 0.2:
            attributes += ' style="width:56.7pt;border:1px solid #000"'
        text = cell.text
        if cell.data and text and self.split and len(plain := context.slots.plain(text)) > 1 and plain.isdigit():
            cut = rng.randint(1, len(plain) - 1)
            path = context.slots.path(text)
            text = context.slots.add(path, f"<span>{plain[:cut]}</span><span>{plain[cut:]}</span>")
        elif not cell.data and len(text) > 6 and rng.random() < 0.1:
            cut = rng.randint(2, len(text) - 1)
            text = (
                text[:cut]
                + rng.choice(("<br>", "<br/>", "</span><span>", "</p><p>" if "<p>" in self.inner else "<br />"))
                + text[cut:]
            )
        body = self.inner.format(text) if text else self.empty
        return self._tag(name + attributes) + body + (self._tag(f"/{name}") if self.close else "")

    def _text(self, context: Context, grid: Grid) -> list[str]:
        gap = self.rng.choice(("&nbsp;&nbsp;", "&emsp;", "\t", " | "))
        context.undecided |= uneven_rows(context, grid)
        return [f"<p>{gap.join(cell.text for cell in row.cells if cell.text)}</p>" for row in grid.rows]


def page(rng: Random, title: str, body: list[str], charset: str, meta: str) -> str:
    """The whole page: head, navigation, content (sometimes in a layout table), footer."""
    out = ["<!DOCTYPE html>", "<html><head>", meta.format(charset=charset), f"<title>{title}</title>"]
    out += [
        "<style>td{padding:3px} .n{width:20px}</style>",
        '<script>var page = 3; var total = "17"; // 总计 9</script>',
        "</head><body>",
    ]
    chrome = rng.random() < 0.7
    if chrome:
        out += [
            '<div class="nav"><ul><li><a href="/">首页</a></li><li><a href="/zwgk">政务公开</a></li>',
            "<li>行政许可</li><li>行政处罚</li></ul></div>",
            f'<div class="info">发布日期：2025-01-{rng.randint(10, 31)} 浏览次数：{rng.randint(1, 999)}</div>',
        ]
    wrapped = rng.random() < 0.25
    if wrapped:
        out.append('<table width="1000"><tr><td width="200">栏目导航<br>政府信息公开指南<br>12345热线</td><td>')
    out += ["<!-- content 1 begin -->", *body, "<!-- content end -->"]
    if wrapped:
        out.append("</td></tr></table>")
    if chrome:
        out.append(
            f'<div class="foot">网站标识码：{rng.randint(10**9, 10**10 - 1)} 备案号：{rng.randint(10**6, 10**7)}号-2 '
            f"联系电话：010-{rng.randint(10**7, 10**8)}</div>"
        )
    return "\n".join([*out, "</body></html>"])
