"""What a page's styles say of its text: not shown, set apart, raised, struck out, spaces kept.

Style attributes and the page's own style sheets are read, as far as they are about that: selectors of tags, classes
and ids (`td`, `.note`, `#a.b`), within and right below one another (`table .h`, `td > .h`). Rules for print, for widths
of the window and for states (`:hover`) are left out; nothing is fetched. Where it is not known whether text is seen in
its place (a selector or a property beyond that), a figure in it must not join the figures beside it: `apart`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

_MAX_SHEET, _MAX_RULES = 2_000_000, 5_000  # characters, rules
_MAX_TRIED = 2_000_000  # rules tried on elements in one page

_DECLARED = re.compile(
    r"(?:^|;)\s*+(display|visibility|font-size|font|white-space|vertical-align|text-decoration(?:-line)?|"
    r"position|float|opacity|color|transform|zoom|text-indent|clip|clip-path|content-visibility|mso-hide|unicode-bidi|"
    r"(?:max-)?(?:width|height))\s*+:([^;]*+)",
    re.IGNORECASE,
)
_RELEVANT = re.compile(
    "display|visib|font|white-sp|vertical|decorat|positi|float|opac|color|transf|zoom|indent|clip|hide|bidi|width|heig",
    re.IGNORECASE,
)
_FAINT = r"0?(?:\.[0-2]\d*)?|0\.0*|[0-2]?\d%"
# Property → values under which text may not be seen, or not in its place.
_APART = {
    name: re.compile(values)
    for name, values in {
        "position": "absolute|fixed|relative|sticky",
        "float": "left|right",
        "opacity": _FAINT,
        "color": r"transparent|white|#f{3,8}|rgb\(\s*255\s*,\s*255\s*,\s*255\s*\)|rgba\(.*,\s*0?\.?0*\s*\)",
        "transform": "(?!none).*",
        "zoom": _FAINT,
        "text-indent": "-.*",
        "clip": "(?!auto).*",
        "clip-path": "(?!none).*",
        "content-visibility": "hidden",
        "mso-hide": "all",
        "vertical-align": r"text-top|top|[-+]?[\d.]+(?:px|pt|em|rem|ex|%|cm|mm)",
        **dict.fromkeys(("width", "height", "max-width", "max-height"), r"[01]?(?:\.\d+)?(?:px|pt|em|%)?"),
    }.items()
}
_TINY = re.compile(r"(?:[0-2]?(?:\.\d+)?(?:px|pt)|0?\.[0-4]\d*r?em|[0-4]?\d(?:\.\d+)?%)")
_COMMENT = re.compile(r"/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)|<!--|-->")
_BRACE = re.compile(r"[{}]")
_COMPOUND = re.compile(r"([a-zA-Z][\w-]*|\*)?((?:[.#][\w-]+)*)")
_COMBINATOR = re.compile(r"\s*([>+~])\s*|\s+")
_UNDECIDED = re.compile(
    r"\[[^\]]*\]|:(?:not|is|where|has|nth-[a-z-]+)\([^()]*\)|:(?:(?:first|last|only)-(?:child|of-type)|empty)"
)
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
    if name == "unicode-bidi":
        return ("apart", "turned") if value.endswith("override") else None
    if name in _APART and _APART[name].fullmatch(value):
        return "apart", "yes"
    if name == "display":
        return name, value
    if name == "visibility":
        return name, "hidden" if value in ("hidden", "collapse") else "visible"
    if name in ("font-size", "font"):  # `font: 0/0 a` hides words behind a picture
        if name == "font" and not value[:1].isdigit():
            return None
        if name == "font-size" and not _NOTHING.fullmatch(value) and _TINY.fullmatch(value):
            return "apart", "yes"
        return "size", "0" if _NOTHING.fullmatch(value) else "1"
    if name == "white-space":
        spaces = {"pre": "pre", "pre-wrap": "pre", "break-spaces": "pre", "pre-line": "line"}
        return name, spaces.get(value, "normal")
    if name == "vertical-align":
        return ("raise", value) if value in ("super", "sub") else None
    return ("struck", "yes") if name.startswith("text-decoration") and "line-through" in value else None


@dataclass(frozen=True, slots=True)
class _Compound:
    """A part of a selector: a tag, an id, classes; "" or none for any."""

    tag: str
    identity: str
    classes: frozenset[str]

    def fits(self, tag: str, identity: str | None, classes: frozenset[str]) -> bool:
        return (
            (not self.tag or self.tag == tag)
            and (not self.identity or self.identity == identity)
            and self.classes <= classes
        )


@dataclass(frozen=True, slots=True)
class _Rule:
    on: _Compound
    above: tuple[tuple[bool, _Compound], ...]  # upwards; whether right above
    rank: tuple[bool, tuple[int, int, int], int]  # important, specificity, order
    name: str
    value: str


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
                on = rule.on
                key = f"#{on.identity}" if on.identity else next((f".{c}" for c in on.classes), on.tag)
                self._rules.setdefault(key, []).append(rule)

    def look(self, element: Any, tag: str) -> Look:
        """What is declared for it: `display`, `visibility`, `size`, `white-space`, `raise`, `struck`, `apart`."""
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
                if rule.on.fits(tag, identity, classes) and (not rule.above or self._stands(element, rule.above)):
                    found.append(rule)
        found.sort(key=lambda rule: rule.rank)
        return found

    def _stands(self, element: Any, above: tuple[tuple[bool, _Compound], ...]) -> bool:
        """Whether the element stands within such elements; of several ways the nearest, as far as it goes."""
        for near, wanted in above:
            while True:
                element = element.getparent()
                if element is None:
                    return False
                self._tried += 1
                if wanted.fits(element.tag, element.get("id"), frozenset((element.get("class") or "").split())):
                    break
                if near:
                    return False
        return True


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
    for selector in _UNDECIDED.sub(lambda match: "\0" * (match.group() != ""), selectors).split(","):
        plain = selector.strip().replace("\0", "")
        parts = _COMBINATOR.split(plain)
        compounds = [found for part in parts[::2] if (found := _compound(part)) is not None]
        if len(compounds) < len(parts[::2]):
            continue
        decided = "\0" not in selector and not {"+", "~"} & set(parts[1::2])
        above = tuple((parts[2 * n + 1] == ">", compounds[n]) for n in reversed(range(len(compounds) - 1)))
        weight = (plain.count("#"), selector.count(".") + selector.count("\0"), len(compounds))
        for name, value, important in said:
            if decided:
                yield _Rule(compounds[-1], above, (important, weight, order), name, value)
            elif value not in _ORDINARY and value not in BLOCKS:
                yield _Rule(compounds[-1], (), (important, weight, order), "apart", "yes")


def _compound(part: str | None) -> _Compound | None:
    match = _COMPOUND.fullmatch(part or "*")
    if match is None:
        return None
    names = re.findall(r"[.#][\w-]+", match.group(2))
    identity = next((name[1:] for name in names if name[0] == "#"), "")
    classes = frozenset(name[1:] for name in names if name[0] == ".")
    return _Compound((match.group(1) or "").lower().replace("*", ""), identity, classes)
