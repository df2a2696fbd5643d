"""What a page shows, and where it shows no table of the form: the only copy of it that the page holds.

Hidden content is no evidence beside what is shown. But sites hide the sections of a page until they are clicked on,
and keep the article in a string of a script, a form field or a frame. A table of the form that is nowhere to be seen
is read from there, in its place on the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any
from urllib.parse import urljoin

from extractor.document.content import Block, Line, Table, lay_out
from extractor.document.formats.html_embedded import as_markup, count_tags, may_be_markup, strings
from extractor.document.formats.html_labels import tables_in
from extractor.document.formats.html_styles import Styles
from extractor.document.formats.html_tree import parse
from extractor.document.formats.html_walk import STRINGS, Walk

_ROUNDS = 4  # hidden inside hidden
_DEPTH = 3  # pages inside pages
_FEW_TAGS = 6  # text with more tags of cells and rows than these is markup
_SHORT, _LONG = 40, 200  # characters: shorter holds no table; longer is no title
_LOOKS_ESCAPED = re.compile(r"<\s*[/!a-zA-Z]|&lt;")
_CODE = re.compile(r"javascript|ecmascript|json|module", re.IGNORECASE)

_FRAMES = frozenset(("iframe", "frame"))

Opened = dict[Any, list[Block] | None]


@dataclass(frozen=True, slots=True)
class Saved:
    """The frames of a page that was saved whole: address → markup; `base` is the page's own address."""

    base: str = ""
    pages: Mapping[str, str] = field(default_factory=dict)

    def page(self, address: str) -> str | None:
        """The markup of a frame."""
        if not address or not self.pages:
            return None
        found = self.pages.get(address)
        try:
            return self.pages.get(urljoin(self.base, address)) if found is None else found
        except ValueError:  # no address
            return None


NO_FRAMES = Saved()


@dataclass(frozen=True, slots=True)
class _Inside:
    """Where a page stands: in which page (its style sheets hold for what a script puts into it), how deep."""

    sheets: tuple[str, ...] = ()
    frames: Saved = NO_FRAMES
    depth: int = 0


def blocks_of(root: Any, frames: Saved = NO_FRAMES) -> list[Block]:
    """The blocks of a page as it is seen, with the only copies of tables that are not."""
    return _blocks_of(root, _Inside(frames=frames))


def _blocks_of(root: Any, outside: _Inside) -> list[Block]:
    own = [sheet.text or "" for sheet in root.iter("style") if (sheet.get("media") or "all") in ("all", "screen")]
    inside = replace(outside, sheets=(*outside.sheets, *own), depth=outside.depth + 1)
    styles = Styles(inside.sheets)
    opened: Opened = {}
    walk = Walk(root, styles, opened)
    for number in range(_ROUNDS):
        found = _only_copies(walk, opened, inside)
        if not found:
            return [*_unescaped(walk.blocks, inside), *(() if number else _in_attributes(root, walk.blocks, inside))]
        opened |= found
        walk = Walk(root, styles, opened)
    return _unescaped(walk.blocks, inside)


def blocks_of_script(script: str) -> list[Block]:
    """The documents in the strings of a script or of JSON, with the titles among the strings; [] without one."""
    found: list[Block] = []
    documents = False
    known: set[str] = set()
    for value in strings(script):
        if value in known:
            continue
        known.add(value)
        markup = as_markup(value)
        if markup is not None and (root := parse(markup)) is not None:
            found += _blocks_of(root, _Inside(depth=1))
            documents = True
        elif markup is None and len(value) < _LONG and any("\u4e00" <= char <= "\u9fff" for char in value):
            found.append(Line(" ".join(value.split())))
    return found if documents else []


def _only_copies(walk: Walk, opened: Opened, inside: _Inside) -> Opened:
    """The elements passed over that hold a table of the form which is nowhere to be seen."""
    hidden: list[tuple[Any, frozenset[str]]] = []
    quoted: list[tuple[Any, str]] = []
    for element in walk.asides:
        if element in opened:
            continue
        if element.tag in STRINGS:
            if inside.depth <= _DEPTH:
                quoted += [(element, markup) for markup in _markups(element, inside.frames)]
        elif len(text := "".join(element.itertext())) > _SHORT and (held := tables_in(text)):
            hidden.append((element, held))
    if not hidden and not quoted:
        return {}
    shown = tables_in(lay_out(walk.blocks).text)
    found: Opened = {}
    copied: frozenset[str] = frozenset()
    for element, held in hidden:
        if held - shown:
            found[element] = None
            copied |= held
    known: set[str] = set()
    for element, markup in quoted:
        if markup in known or not tables_in(markup) - shown - copied:
            continue
        known.add(markup)
        if (root := parse(markup)) is not None:
            before = found.get(element) or []
            framed = element.tag in _FRAMES  # a frame has style sheets of its own
            found[element] = [*before, *_blocks_of(root, replace(inside, sheets=()) if framed else inside)]
    return found


def _markups(element: Any, frames: Saved) -> Iterator[str]:
    """Pages inside an element: a frame's page, the strings of a script, the text of a field or of a template."""
    if element.tag in _FRAMES:
        texts = [frames.page(element.get("src") or ""), element.get("srcdoc"), element.text]
        yield from (markup for text in texts if text and (markup := as_markup(text)) is not None)
        return
    text = element.text or ""
    if len(text) <= _SHORT or not may_be_markup(text):
        return
    if element.tag == "script":
        kind = element.get("type")
        if not kind or _CODE.search(kind):
            yield from (markup for value in strings(text) if (markup := as_markup(value)) is not None)
            return
        text = text.replace("<![CDATA[", "").replace("]]>", "")
    if (markup := as_markup(text)) is not None:
        yield markup


def _in_attributes(root: Any, blocks: list[Block], inside: _Inside) -> list[Block]:
    """The documents in attributes (a field's value, `data-…`) of a page that shows no table of the form."""
    if inside.depth > _DEPTH:
        return []
    values = [value for value in root.xpath(f"//@*[string-length(.) > {_LONG}]") if may_be_markup(value)]
    if not values or tables_in(lay_out(blocks).text):
        return []
    found: list[Block] = []
    for value in dict.fromkeys(map(str, values)):
        markup = as_markup(value)
        if markup is not None and tables_in(markup) and (inner := parse(markup)) is not None:
            found += _blocks_of(inner, inside)
    return found


def _unescaped(blocks: list[Block], inside: _Inside) -> list[Block]:
    """Text that is markup when read by a person (`&lt;table&gt;`), read as the markup that it is."""
    if inside.depth > _DEPTH:
        return blocks
    tables = [block for block in blocks if isinstance(block, Table)]
    while tables:
        for cell in (cell for row in tables.pop().rows for cell in row):
            if cell.inner is not None:
                tables += [inner for inner in cell.inner if isinstance(inner, Table)]
                cell.inner = _runs(cell.inner, inside)
            elif "<" in cell.text and count_tags(cell.text, _FEW_TAGS) == _FEW_TAGS:
                cell.inner = _runs([Line(cell.text)], inside)
    return _runs(blocks, inside)


def _runs(blocks: list[Block], inside: _Inside) -> list[Block]:
    """The blocks with each run of lines read as markup where it is markup."""
    if not any(isinstance(block, Line) and _LOOKS_ESCAPED.search(block.text) for block in blocks):
        return blocks
    out: list[Block] = []
    for is_line, group in groupby(blocks, lambda block: isinstance(block, Line)):
        run = list(group)
        out += _read_lines([block.text for block in run if isinstance(block, Line)], inside) if is_line else run
    return out


def _read_lines(lines: list[str], inside: _Inside) -> list[Block]:
    marked = [number for number, line in enumerate(lines) if _LOOKS_ESCAPED.search(line)]
    whole: list[Block] = [Line(line) for line in lines]
    if not marked:
        return whole
    first, last = marked[0], marked[-1] + 1
    text = "\n".join(lines[first:last])
    if count_tags(text, _FEW_TAGS) < _FEW_TAGS or (markup := as_markup(text)) is None:
        return whole
    root = parse(markup)
    return whole if root is None else [*whole[:first], *_blocks_of(root, inside), *whole[last:]]
