"""What a page's styles say of its text: not shown, set apart, raised, struck out, spaces kept.

Style attributes and the page's own style sheets are read, as far as they are about that: rules on single elements
(`td`, `.note`, `#a.b`). A rule with combinators never hides; it may show again what another hides. Rules for print,
for widths of the window and for states (`:hover`) are left out; nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

_MAX_SHEET, _MAX_RULES = 2_000_000, 5_000  # characters, rules
_MAX_TRIED = 2_000_000  # rules tried on elements in one page

_DECLARED = re.compile(
    r"(?:^|;)\s*+(display|visibility|font-size|font|white-space|vertical-align|text-decoration(?:-line)?)\s*+:"
    r"([^;]*+)",
    re.IGNORECASE,
)
_RELEVANT = re.compile("display|visib|font|white-sp|vertical|decorat", re.IGNORECASE)
_COMMENT = re.compile(r"/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)|<!--|-->")
_BRACE = re.compile(r"[{}]")
_COMPOUND = re.compile(r"([a-zA-Z][\w-]*|\*)?((?:[.#][\w-]+)*)")
_COMBINATOR = re.compile(r"[\s>+~]+")
_MEDIA = re.compile(r"@media\s+(?:only\s+)?(?:all|screen)\s*\Z", re.IGNORECASE)
_NOTHING = re.compile(r"[+-]?(?:0+(?:\.0*)?|\.0+)(?:px|pt|em|rem|ex|ch|cm|mm|in|pc|vw|vh|%)?(?:\s*/.*)?(?:\s.*)?")

Look = dict[str, str]  # property → value; see `_value`
_PLAIN: Look = {}
_ORDINARY = frozenset(("shown", "visible", "1", "normal", "inline", "inline-block"))
BLOCKS = frozenset("block list-item flex grid table table-row table-cell flow-root table-caption".split())


def declarations(style: str) -> Iterator[tuple[str, str, bool]]:
    """(property, value, important) of what a style declares about being seen."""
    for match in _DECLARED.finditer(style):
        value, mark, _ = match.group(2).lower().partition("!")
        found = _value(match.group(1).lower(), value.strip())
        if found is not None:
            yield *found, bool(mark)


def _value(name: str, value: str) -> tuple[str, str] | None:
    if name == "display":
        return name, value
    if name == "visibility":
        return name, "hidden" if value in ("hidden", "collapse") else "visible"
    if name in ("font-size", "font"):  # `font: 0/0 a` hides words behind a picture
        if name == "font" and not value[:1].isdigit():
            return None
        return "size", "0" if _NOTHING.fullmatch(value) else "1"
    if name == "white-space":
        spaces = {"pre": "pre", "pre-wrap": "pre", "break-spaces": "pre", "pre-line": "line"}
        return name, spaces.get(value, "normal")
    if name == "vertical-align":
        return ("raise", value) if value in ("super", "sub") else None
    return ("struck", "1") if "line-through" in value else None


@dataclass(frozen=True, slots=True)
class _Rule:
    tag: str
    identity: str
    classes: frozenset[str]
    rank: tuple[bool, tuple[int, int, int], int]  # important, specificity, order
    name: str
    value: str

    def fits(self, tag: str, identity: str | None, classes: frozenset[str]) -> bool:
        return (
            (not self.tag or self.tag == tag)
            and (not self.identity or self.identity == identity)
            and self.classes <= classes
        )


class Styles:
    """The styles of one page: `look(element)` gives what they say of an element itself (nothing is inherited)."""

    def __init__(self, sheets: Iterable[str] = ()) -> None:
        self._rules: dict[str, list[_Rule]] = {}
        self._inline: dict[str, list[tuple[str, str, bool]]] = {}
        self._tried = 0
        rules = _read(sheets)
        telling = {rule.name for rule in rules if rule.value not in _ORDINARY}
        for rule in rules:
            if rule.name in telling:
                key = f"#{rule.identity}" if rule.identity else next((f".{c}" for c in rule.classes), rule.tag)
                self._rules.setdefault(key, []).append(rule)

    def look(self, element: Any, tag: str) -> Look:
        """What is declared for the element: `display`, `visibility`, `size`, `white-space`, `raise`, `struck`."""
        style = element.get("style")
        own = self._own(style) if style else ()
        if not self._rules:
            return {name: value for name, value, _ in own} if own else _PLAIN
        found = self._from_sheets(element, tag)
        look = {rule.name: rule.value for rule in found}
        firm = {rule.name for rule in found if rule.rank[0]}
        look.update((name, value) for name, value, important in own if important or name not in firm)
        return look

    def _own(self, style: str) -> list[tuple[str, str, bool]]:
        if len(style) > 500:
            return list(declarations(style))
        known = self._inline.get(style)
        if known is None:
            known = self._inline[style] = list(declarations(style)) if _RELEVANT.search(style) else []
        return known

    def _from_sheets(self, element: Any, tag: str) -> list[_Rule]:
        identity, named = element.get("id"), element.get("class")
        classes = frozenset(named.split()) if named else frozenset()
        keys = [tag, "", *(f".{name}" for name in classes)]
        if identity:
            keys.append(f"#{identity}")
        found = []
        for key in keys:
            for rule in self._rules.get(key, ()):
                self._tried += 1
                if self._tried > _MAX_TRIED:  # made to keep us busy
                    self._rules = {}
                    return []
                if rule.fits(tag, identity, classes):
                    found.append(rule)
        found.sort(key=lambda rule: rule.rank)
        return found


def _read(sheets: Iterable[str]) -> list[_Rule]:
    rules: list[_Rule] = []
    for sheet in sheets:
        for selectors, body in _rules_of(sheet[:_MAX_SHEET]):
            rules += _parse(selectors, body, len(rules))
            if len(rules) > _MAX_RULES:
                return rules
    return rules


def _rules_of(sheet: str) -> Iterator[tuple[str, str]]:
    """(selectors, declarations) of the rules that hold on a screen."""
    sheet = _COMMENT.sub(" ", sheet)
    opened: list[str | None] = []  # selectors, "" for a group of rules that holds, None for one that does not
    start = 0
    for brace in _BRACE.finditer(sheet):
        words = sheet[start : brace.start()]
        start = brace.end()
        if brace.group() == "{":
            selector = words.rpartition(";")[2].strip()
            outside = opened[-1] if opened else ""
            if outside != "":
                opened.append(None)
            elif selector.startswith("@"):
                opened.append("" if _MEDIA.match(selector) else None)
            else:
                opened.append(selector or None)
        elif opened and (selectors := opened.pop()):
            yield selectors, words


def _parse(selectors: str, body: str, order: int) -> Iterator[_Rule]:
    said = list(declarations(body)) if _RELEVANT.search(body) else []
    if not said:
        return
    for selector in selectors.split(","):
        parts = _COMBINATOR.split(selector.strip())
        compound = _COMPOUND.fullmatch(parts[-1])
        if not parts[-1] or compound is None:
            continue
        tag, rest = (compound.group(1) or "").lower().replace("*", ""), compound.group(2)
        names = re.findall(r"[.#][\w-]+", rest)
        identity = next((name[1:] for name in names if name[0] == "#"), "")
        classes = frozenset(name[1:] for name in names if name[0] == ".")
        weight = (selector.count("#"), selector.count(".") + selector.count("["), len(parts))
        for name, value, important in said:
            if len(parts) > 1:
                if name not in ("display", "visibility", "size") or value in ("none", "hidden", "0"):
                    continue
                value = "shown" if name == "display" else value
            yield _Rule(tag, identity, classes, (important, weight, order), name, value)
