"""The mess of real pages, put over a generated one: what is to be seen on it stays the same.

Spans that run too far, row groups, Word's markup, tables inside cells, hidden figures and hidden copies, an article
that is the string of a script.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import escape
from random import Random

_NUMBER_CELL = re.compile(r"(<td\b[^<>]*>)(\d+)(</td>)")
_ROW = re.compile(r"<tr>(?:(?!</?tr>|</?table).)*</tr>", re.DOTALL)
_TABLE = re.compile(r"<table\b[^<>]*>\n<tbody>.*?</tbody>\n</table>", re.DOTALL)
_BODY = re.compile(r"(<body>)(.*)(</body>)", re.DOTALL)
_CONTENT = re.compile(r"(<!-- content 1 begin -->)(.*)(<!-- content end -->)", re.DOTALL)


def mess(page: str, rng: Random) -> tuple[str, list[str]]:
    """The page with so much of it as the seed chooses, and what was done."""
    if rng.random() < 0.3:
        return page, []
    done = []
    for change in rng.sample(CHANGES, rng.randint(1, 3)):
        changed = change(page, rng)
        if changed != page:
            page = changed
            done.append(f"html_{change.__name__}")
    if rng.random() < 0.15:
        page = in_a_string(page, rng)
        done.append("html_in_a_string")
    return page, done


def _some(rng: Random, share: float, change: Callable[[re.Match[str]], str]) -> Callable[[re.Match[str]], str]:
    return lambda match: change(match) if rng.random() < share else match.group()


def hidden_figures(page: str, rng: Random) -> str:
    """Figures in the cells that nobody sees."""
    hide = rng.choice(
        (
            '<span style="display:none">{}</span>',
            "<span hidden>{}</span>",
            '<i class="n0">{}</i>',
            "<span style='FONT-SIZE: 0px'>{}</span>",
            '<span style="visibility: hidden;">{}</span>',
            "<template>{}</template>",
        )
    )
    if "n0" in hide:
        page = page.replace("<style>", "<style>.n0, .x > p { display : none }\n", 1)

    def put(match: re.Match[str]) -> str:
        return f"{match.group(1)}{match.group(2)}{hide.format(rng.randint(0, 99))}{match.group(3)}"

    return _NUMBER_CELL.sub(_some(rng, 0.3, put), page)


def hidden_rows(page: str, rng: Random) -> str:
    """Rows of a table once more, with other figures, not shown."""

    def put(match: re.Match[str]) -> str:
        row = _NUMBER_CELL.sub(lambda cell: f"{cell.group(1)}{rng.randint(0, 99)}{cell.group(3)}", match.group())
        return match.group() + "\n" + row.replace("<tr>", '<tr style="display:none">', 1)

    return _ROW.sub(_some(rng, 0.2, put), page)


def hidden_copy(page: str, rng: Random) -> str:
    """Another version of the article, not shown."""

    def put(match: re.Match[str]) -> str:
        other = _NUMBER_CELL.sub(lambda cell: f"{cell.group(1)}{rng.randint(0, 99)}{cell.group(3)}", match.group(2))
        copy = f'<div id="old" style="width:100%; display:none;">{other}</div>'
        parts = [match.group(2), copy]
        rng.shuffle(parts)
        return match.group(1) + "\n".join(parts) + match.group(3)

    return _CONTENT.sub(put, page)


def long_spans(page: str, rng: Random) -> str:
    """Spans of the last row and of last cells that run past the table."""

    def put(match: re.Match[str]) -> str:
        table = match.group()
        start = table.rfind("<tr>")
        last = table[start:].replace("<td>", f'<td rowspan="{rng.randint(2, 9)}">')
        return table[:start] + last

    return _TABLE.sub(_some(rng, 0.7, put), page)


def row_groups(page: str, rng: Random) -> str:
    """A `tbody` for every row, where no span would be cut; `tfoot` for the last."""

    def put(match: re.Match[str]) -> str:
        table = match.group()
        if "rowspan" in table:
            return table
        rows = re.split(r"(?<=</tr>)\n", table)
        rows[1:-1] = [row if rng.random() < 0.5 else f"</tbody>\n<tbody>\n{row}" for row in rows[1:-1]]
        return "\n".join(rows)

    return _TABLE.sub(put, page)


def word(page: str, rng: Random) -> str:
    """Figures as Word saves them."""

    def put(match: re.Match[str]) -> str:
        digits = match.group(2)
        cut = rng.randint(1, len(digits)) if rng.random() < 0.3 else len(digits)
        runs = "".join(
            f"<span\nlang=EN-US style='font-size:10.5pt;mso-font-kerning:0pt'>{part}</span>"
            for part in (digits[:cut], digits[cut:])
            if part
        )
        empty = "<!--[if !supportEmptyParas]-->&nbsp;<!--[endif]-->" if rng.random() < 0.2 else ""
        return (
            f"{match.group(1)}<p class=MsoNormal align=center style='text-align:center'>{runs}<span lang=EN-US>"
            f"<o:p>{empty}</o:p></span></p>{match.group(3)}"
        )

    soup = _NUMBER_CELL.sub(_some(rng, 0.9, put), page)
    island = "<!--[if gte mso 9]><xml><w:WordDocument><w:Zoom>17</w:Zoom></w:WordDocument></xml><![endif]-->"
    return soup.replace("</head>", f"{island}</head>", 1)


def inner_tables(page: str, rng: Random) -> str:
    """Figures in a table of their own inside the cell."""

    def put(match: re.Match[str]) -> str:
        inner = f"<table width=100%><tr><td align=center>{match.group(2)}</td></tr></table>"
        return match.group(1) + inner + match.group(3)

    return _NUMBER_CELL.sub(_some(rng, 0.1, put), page)


def fields(page: str, rng: Random) -> str:
    """Figures in the fields of a form."""

    def put(match: re.Match[str]) -> str:
        return f'{match.group(1)}<input type="text" readonly value="{match.group(2)}">{match.group(3)}'

    return _NUMBER_CELL.sub(_some(rng, 0.5, put), page)


def tabs(page: str, rng: Random) -> str:
    """The article hidden until it is clicked on: the only copy."""
    hide = rng.choice(('<div style="display:none">', '<div class="pane">', "<div hidden>", "<noscript>"))
    close = "</noscript>" if hide == "<noscript>" else "</div>"
    page = page.replace("<style>", "<style>.pane{display:none}\n", 1)
    return _CONTENT.sub(lambda match: f"{match.group(1)}{hide}{match.group(2)}{close}{match.group(3)}", page)


def in_a_string(page: str, rng: Random) -> str:
    """The page's body as a string that a script writes, or in a field of a form."""
    way = rng.randrange(5)

    def put(match: re.Match[str]) -> str:
        body = match.group(2)
        quoted = json.dumps(body, ensure_ascii=False).replace("</", "<\\/")
        ways = (
            "<script>var content = "
            + quoted.replace("<", "\\u003c").replace(">", "\\u003e")
            + "; document.write(content)</script>",
            f'<script>window.data = {{"id": 17, "html": {quoted}}};</script>',
            f"<textarea>{escape(body)}</textarea>",
            f"<div>{escape(body)}</div>",
            f'<input type="hidden" value="{escape(body)}">',
        )
        return f"{match.group(1)}<p>首页 行政许可 行政处罚</p>{ways[way]}{match.group(3)}"

    return _BODY.sub(put, page, count=1)


CHANGES = (
    hidden_figures,
    hidden_rows,
    hidden_copy,
    long_spans,
    row_groups,
    word,
    inner_tables,
    fields,
    tabs,
)
