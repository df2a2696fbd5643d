"""Tables that a page holds without showing them: hidden, in strings, escaped, in frames."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from html import escape
from random import Random
from urllib.parse import quote

import helpers as h
import pytest
from extractor.eval.generator import generate
from extractor.eval.generator.html_mess import CHANGES, in_a_string

from extractor.document.formats.html import read_html
from extractor.document.kinds import kind_of
from extractor.document.sources import read_stored
from extractor.pipeline import extract_all


def markup(change: int = 0) -> str:
    """The tables of a true report as a page's content; `change` is added to one figure."""
    rows = []
    for line in h.report(h.tabs(h.rows())).split("\n"):
        if "\t" not in line:
            rows.append(f"<p>{line}</p>")
            continue
        cells = "".join(f'<td class="c">{cell}</td>' for cell in line.split("\t"))
        rows.append(f"<table><tr>{cells}</tr></table>")
    content = "\n".join(rows).replace("</table>\n<table>", "\n")
    return content.replace(">160<", f">{160 + change}<", 1) if change else content


CONTENT = markup()
CHROME = "<ul><li>首页</li><li>行政许可</li><li>行政处罚</li><li>规章</li></ul>"


def page(inside: str) -> str:
    return f"<html><head><title>年报</title></head><body>{CHROME}{inside}<p>版权</p></body></html>"


def script(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("</", "<\\/")


def percent_u(text: str) -> str:
    return "".join(f"%u{ord(char):04X}" if ord(char) > 255 else quote(char) for char in text)


PLAIN = read_html(page(CONTENT).encode()).text

WAYS: dict[str, Callable[[str], str]] = {
    "a string": lambda c: page(f"<script>var a = {script(c)};</script>"),
    "a string with \\u003c": lambda c: page(
        "<script>var a = " + script(c).replace("<", "\\u003c").replace(">", "\\u003E") + "</script>"
    ),
    "a string in ASCII": lambda c: page(
        f"<script>var a = {json.dumps(c).replace('</', chr(60) + chr(92) + '/')}</script>"
    ),
    "a template string": lambda c: page(f"<script>x(`{c}`)</script>"),
    "JSON": lambda c: page(f'<script type="application/json">{{"id": 17, "data": {{"html": {script(c)}}}}}</script>'),
    "JSON in a string": lambda c: page(f"<script>var a = {script(json.dumps({'html': c}))}</script>"),
    "strings added": lambda c: page(f"<script>a = {' + '.join(script(line) for line in c.splitlines(True))}</script>"),
    "strings added later": lambda c: page(
        "<script>var s = '';\n" + "\n".join(f"s += {script(line)};" for line in c.splitlines()) + "</script>"
    ),
    "strings written": lambda c: page(
        "<script>" + "\n".join(f"document.write({script(line)});" for line in c.splitlines()) + "</script>"
    ),
    "unescape": lambda c: page(f"<script>document.write(unescape('{percent_u(c)}'))</script>"),
    "decodeURIComponent": lambda c: page(f"<script>decodeURIComponent('{quote(c)}')</script>"),
    "entities in a string": lambda c: page(f"<script>var a = {script(escape(c))}</script>"),
    "a script's template": lambda c: page(f'<script type="text/template">{c}</script>'),
    "CDATA": lambda c: page(f'<script type="text/xml"><record><![CDATA[{c}]]></record></script>'),
    "textarea": lambda c: page(f"<textarea style='display:none'>{escape(c)}</textarea>"),
    "a hidden field": lambda c: page(f'<input type="hidden" value="{escape(c)}">'),
    "an attribute": lambda c: page(f'<div data-content="{escape(c)}"></div>'),
    "srcdoc": lambda c: page(f'<iframe srcdoc="{escape(c)}"></iframe>'),
    "template": lambda c: page(f"<template>{c}</template>"),
    "noscript": lambda c: page(f"<noscript>{c}</noscript>"),
    "hidden": lambda c: page(f"<div hidden>{c}</div>"),
    "display none": lambda c: page(f"<div style='display:none'><div style='display:none'>{c}</div></div>"),
    "visibility hidden": lambda c: page(f"<div style='visibility:hidden'>{c}</div>"),
    "a hidden body": lambda c: page(c).replace("<head>", "<head><style>body{display:none !important}</style>"),
    "escaped": lambda c: page(f"<div>{escape(c)}</div>"),
    "escaped twice": lambda c: page(f"<div>{escape(escape(c))}</div>"),
    "escaped in pre": lambda c: page(f"<pre>{escape(c)}</pre>"),
    "escaped in a layout cell": lambda c: page(f"<table><tr><td>左</td><td>{escape(c)}</td></tr></table>"),
    "escaped as a whole": lambda c: escape(page(c)),
    "a JSON file": lambda c: json.dumps({"code": 200, "data": {"title": "年报", "content": c}}),
    "a JSON list": lambda c: json.dumps([{"content": c}], ensure_ascii=False),
    "JSONP": lambda c: f"callback({json.dumps({'content': c})});",
    "a script file": lambda c: f"var content = {script(c)};",
}


@pytest.mark.parametrize("way", WAYS)
def test_the_only_copy_is_read(way: str) -> None:
    expected = extract_all(PLAIN)[0]
    data = WAYS[way](CONTENT).encode()
    (result,) = extract_all(read_stored(data))
    assert kind_of(data) == "html"
    assert result.verdicts == expected.verdicts == dict.fromkeys(result.verdicts, "verified")
    assert {c.path: c.value for c in result.cells} == {c.path: c.value for c in expected.cells}
    assert all(cell.place is not None and cell.place.row for cell in result.cells if cell.span)


HIDDEN = [
    way for way in WAYS if not any(word in way for word in ("file", "JSONP", "JSON list", "hidden body", "escaped"))
]


@pytest.mark.parametrize("way", HIDDEN)
def test_a_copy_beside_the_shown_one_is_no_evidence(way: str) -> None:
    other = WAYS[way](markup(change=7)).replace("<p>版权</p>", f"{CONTENT}<p>版权</p>")
    assert "167" in other
    assert read_html(other.encode()).text == PLAIN


def test_a_section_that_is_folded_is_read_and_the_shown_ones_stay() -> None:
    first, second, rest = CONTENT.partition("<p>三、")
    folded = page(f"{first}<div style='display:none'>{second}{rest}</div>")
    assert read_html(folded.encode()).text == PLAIN


def test_what_a_script_would_compute_is_not_guessed() -> None:
    joined = script(CONTENT).replace(">160<", '>" + n + "<')
    page_of_parts = page(f"<script>var a = {joined};</script>")
    (result,) = extract_all(read_stored(page_of_parts.encode()))
    cell = next(cell for cell in result.cells if cell.path == "disclosure.licensing.decisions")
    assert (cell.state, cell.value) == ("illegible", None)
    assert result.verdicts["disclosure"] == "needs_review"


def test_the_page_s_style_sheet_holds_for_what_its_script_writes() -> None:
    marked = CONTENT.replace(">160<", ">160<i class='n'>9</i><")
    plain = page(f"<script>var a = {script(marked)}</script>").replace(
        "<head>", "<head><style>.n{display:none}</style>"
    )
    assert "160\n" in read_html(plain.encode()).text


def test_a_menu_that_names_table_2_is_no_table() -> None:
    menu = "<div style='display:none'>规章 行政规范性文件 行政许可 行政处罚 行政强制 行政事业性收费 予以公开</div>"
    assert read_html(page(menu + CONTENT).encode()).text == PLAIN


@pytest.mark.parametrize(
    "text",
    ['"自然人" 3', "[索引号] 1", "报告 <td>3</td>", "var 是 <td>", '{"a": 1}', "(“一”)", "callback(1)", "&lt;3 件"],
)
def test_plain_text_and_plain_json_are_no_pages(text: str) -> None:
    assert kind_of(text.encode()) in ("text", "json")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "<html>" + "<div hidden>本年制发件数本年废止件数现行有效件数" * 1_500 + CONTENT, id="hidden in hidden"
        ),
        pytest.param("<html><iframe srcdoc='" + "&lt;iframe srcdoc=&quot;&lt;td&gt;" * 50_000 + "'>", id="frames"),
        pytest.param('{"a":' + '"<p>予以公开","' * 100_000, id="strings of JSON"),
        pytest.param("<html>" + f"<p data-a='{'&lt;td&gt;' * 40}'>" * 20_000, id="long attributes"),
        pytest.param("<html><p>" + "&amp;" * 500_000 + "lt;td", id="escaped again and again"),
    ],
)
def test_pages_made_to_be_searched_end_quickly(text: str) -> None:
    started = time.process_time()
    read_stored(text.encode())
    assert time.process_time() - started < 10


@pytest.mark.parametrize("change", [*CHANGES, in_a_string], ids=lambda change: change.__name__)
def test_the_generator_s_mess_leaves_what_is_seen(change: Callable[[str, Random], str]) -> None:
    changed = 0
    for seed in range(1, 30):
        sample = generate(seed, "html")
        if any(noise.startswith("html_") for noise in sample.noise):
            continue
        messed = change(sample.text, Random(seed))
        assert messed == change(sample.text, Random(seed))
        changed += messed != sample.text
        assert values(messed) == values(sample.text)
    assert changed


def values(markup: str) -> list[dict[str, object]]:
    results = extract_all(read_html(markup.encode()))
    return [{cell.path: (cell.value, cell.state) for cell in result.cells} for result in results]
