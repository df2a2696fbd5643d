"""A page's tree → blocks: one pass without recursion over what a person sees.

What is not seen (hidden, templates, scripts, frames) is passed over and listed: it may be the only copy of the tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from extractor.document.content import SEAM, Block
from extractor.document.formats.html_styles import BLOCKS, Look, Styles
from extractor.document.formats.html_tables import BREAK, PICTURE, Finished, Flow, Kept, Walked, finish, running
from extractor.errors import InputError

_DROP = frozenset(
    "head style nav select option button object embed svg canvas audio video map progress meter".split()
)  # fmt: skip
STRINGS = frozenset("script textarea iframe frame".split())  # hold a document as a string
_ASIDE = STRINGS | {"noscript", "noframes", "template"}
_BLOCK = frozenset(
    "address article aside blockquote body br caption center dd div dl dt fieldset figcaption figure footer form h1 h2 "
    "h3 h4 h5 h6 header hr html li listing main ol p pre section summary details ul tr td th table thead tbody tfoot "
    "xmp".split()
)
_PARTS = frozenset("td th tr thead tbody tfoot caption br li dd dt".split())
_GROUPS = frozenset(("thead", "tbody", "tfoot"))
_PRE = frozenset(("pre", "xmp", "listing"))
_STRUCK = frozenset(("del", "s", "strike"))
_CHANGING = _PRE | _STRUCK | {"sup", "sub"}
_SEAMS = frozenset("a rt bdo".split())  # a mark of a note, what stands over the text, text turned round
_DRAWN = frozenset(("img", "svg", "canvas", "object", "embed"))
_TYPED = frozenset(("", "text", "number", "tel"))
_DIGITS = {"super": str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"), "sub": str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")}
_VALUE = 200  # characters of a form field that may be a cell's text
_MAX_ELEMENTS = 1_000_000  # and kept lines of a page; 20 MB of the worst that Word writes hold half as many
_BLANKS = re.compile(r"\n(?:[ \t]*+\n)++")  # a run of blank lines is one in the stored text


class _State(NamedTuple):
    """What text inherits: whether it is seen, whether its spaces are kept, how it is set."""

    visible: bool = True
    sized: bool = True
    spaces: str = "normal"  # or "pre" (kept), "tabs" (tabs too), "line" (line ends only)
    raised: str = ""
    struck: bool = False

    @property
    def seen(self) -> bool:
        """Neither `visibility: hidden` nor of size 0."""
        return self.visible and self.sized


_ORDINARY = _State()
_HINT = "Keep only the report."


class Walk:
    """One pass over the tree under `root`; then `blocks` holds its blocks and `asides` the elements passed over.

    An element of `opened` is not taken as hidden itself (None), or blocks stand in its place.
    """

    def __init__(self, root: Any, styles: Styles, opened: Mapping[Any, list[Block] | None]) -> None:
        from lxml import etree

        self.asides: list[Any] = []
        self._root, self._styles, self._opened = root, styles, opened
        page: Flow = []
        self._flows: list[Flow] = [page]  # where text goes: the page, or the table or cell that is open
        self._homes: list[Any] = []  # the element that opened each of the flows but the first
        self._tables: list[Walked] = []
        self._state = _ORDINARY
        self._apart: list[Any] = []  # open elements whose figures must not join those beside them
        self._changed: list[tuple[Any, _State, bool]] = []  # who changed the state, what it was, whether a block
        steps = etree.iterwalk(root, events=("start", "end"))
        skipped: Any = None
        self._count = 0
        for event, element in steps:
            if event == "start":
                self._count_in(1)
                if not self._start(element):
                    skipped = element
                    steps.skip_subtree()
                continue
            if element is skipped:
                skipped = None
            else:
                self._end(element)
            if (tail := element.tail) and element is not root:
                self._text(tail)
        self.blocks = running(page)

    def _count_in(self, more: int) -> None:
        self._count += more
        if self._count > _MAX_ELEMENTS:
            raise InputError("malformed", "The page has more elements or lines than any report's.", _HINT)

    def _start(self, element: Any) -> bool:
        """Whether the element is gone into."""
        name = element.tag
        if name.__class__ is not str:
            return False
        flow = self._flows[-1]
        if (name in _DROP or name in _ASIDE) and not self._pass_over(element, name, flow):
            return False
        look = self._styles.look(element, name)
        hidden = look.get("display") == "none" or element.get("hidden") is not None
        hidden = hidden or (name == "dialog" and element.get("open") is None)
        if look.get("visibility") == "hidden" and name in _BLOCK and name not in _PARTS:
            hidden = True  # room that nothing stands in
        if hidden and element not in self._opened:
            self.asides.append(element)
            return False
        if look or name in _CHANGING:
            self._change(element, name, look, flow)
        if name in _BLOCK:
            flow.append(BREAK)
            if name == "table":
                self._tables.append(Walked())
                self._open(self._tables[-1].loose, element)
            elif self._tables:
                if name == "tr":
                    self._tables[-1].open_row()
                elif name in ("td", "th"):
                    self._open(self._tables[-1].open_cell(element).flow, element)
                elif name in _GROUPS:
                    self._tables[-1].open_group(name)
        elif self._homes and self._state.seen:
            if name in _SEAMS or "apart" in look:
                self._set_apart(element, name, look)
            if name == "img" and not _is_spacer(element):
                flow.append(PICTURE)
            elif name == "input" and (element.get("type") or "").lower() in _TYPED:
                flow.append((element.get("value") or "")[:_VALUE])
        if text := element.text:
            self._text(text)
        return True

    def _set_apart(self, element: Any, name: str, look: Look) -> None:
        self._apart.append(element)
        self._flows[-1].append(SEAM)
        if look.get("apart") == "turned" or (name == "bdo" and (element.get("dir") or "").lower() == "rtl"):
            self._flows[-1].append("?")  # read as no number

    def _end(self, element: Any) -> None:
        name = element.tag
        if self._apart and self._apart[-1] is element:
            self._apart.pop()
            self._flows[-1].append(SEAM)
        if self._changed and self._changed[-1][0] is element:
            _, self._state, block = self._changed.pop()
            if block:
                self._flows[-1].append(BREAK)
        if self._homes and self._homes[-1] is element:
            self._flows.pop()
            self._homes.pop()
            if name == "table":
                self._close_table()
        if name in _BLOCK:
            self._flows[-1].append(BREAK)
            if self._tables:
                if name == "tr":
                    self._tables[-1].row_open = False
                elif name in _GROUPS:
                    self._tables[-1].open_group("")

    def _open(self, flow: Flow, element: Any) -> None:
        self._flows.append(flow)
        self._homes.append(element)

    def _close_table(self) -> None:
        done = finish(self._tables.pop())
        if self._tables and done.plain is not None:
            self._flows[-1].append(done.plain)
        else:
            self._flows[-1].append(done)
            if self._tables:
                self._tables[-1].has_tables = True

    def _pass_over(self, element: Any, name: str, flow: Flow) -> bool:
        """Elements that are not shown as text; whether this one is gone into all the same."""
        if name in _ASIDE and element in self._opened and self._opened[element] is None:
            return True
        if name in _ASIDE or name == "head":
            if name == "textarea" and self._homes and len(value := (element.text or "").strip()) < _VALUE:
                flow.append(value)
                return False
            found: Iterable[Any] = (element,) if name in _ASIDE else element.iter("script")
            for aside in found:
                self.asides.append(aside)
                if blocks := self._opened.get(aside):
                    flow += (BREAK, Finished(blocks), BREAK)
        elif self._homes and self._state.seen:
            if name in _DRAWN:
                flow.append(PICTURE)
            elif name == "select":
                options = list(element.iter("option"))
                chosen = next((o for o in options if o.get("selected") is not None), options[0] if options else element)
                flow.append("".join(chosen.itertext())[:_VALUE])
        return False

    def _change(self, element: Any, name: str, look: Look, flow: Flow) -> None:
        before = self._state
        state = before
        if name in _PRE:
            state = state._replace(spaces="tabs")
        elif name in ("sup", "sub"):
            state = state._replace(raised="super" if name == "sup" else "sub")
        if name in _STRUCK or "struck" in look:
            state = state._replace(struck=True)
        if "raise" in look:
            state = state._replace(raised=look["raise"])
        if "white-space" in look and name not in _PRE:
            state = state._replace(spaces=look["white-space"])
        if "visibility" in look:
            state = state._replace(visible=look["visibility"] == "visible")
        if "size" in look:
            state = state._replace(sized=look["size"] != "0")
        if before.seen and not state.seen:
            if element in self._opened:
                state = state._replace(visible=True, sized=True)
            else:
                self.asides.append(element)
        block = name not in _BLOCK and look.get("display") in BLOCKS
        if block:
            flow.append(BREAK)
        if block or state != before:
            self._changed.append((element, before, block))
            self._state = state

    def _text(self, text: str) -> None:
        state, flow = self._state, self._flows[-1]
        if state is _ORDINARY or state == _ORDINARY:
            flow.append(text)
            return
        if not state.seen:
            if not state.visible and text.strip():
                flow.append(" ")  # unseen, but it takes its room
            return
        if state.raised:
            text = text.translate(_DIGITS[state.raised])
        if state.struck and text.strip():
            text = f"~~{text}~~"  # as Markdown marks what is struck out
        if state.spaces == "normal":
            flow.append(text)
            return
        if state.spaces == "pre":
            text = text.replace("\t", "    ")
        lines = _BLANKS.sub("\n\n", text.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
        self._count_in(len(lines))
        for number, line in enumerate(lines):
            if number:
                flow.append(BREAK)
            flow.append(line if state.spaces == "line" else Kept(line))


def _is_spacer(element: Any) -> bool:
    """A picture of at most 3 × 3 points holds its cell open."""
    return all((element.get(side) or "") in ("0", "1", "2", "3") for side in ("width", "height"))
