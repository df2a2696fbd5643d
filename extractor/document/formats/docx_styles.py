"""What Word adds to the text of a paragraph or takes from it by style: automatic numbers, hidden text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from extractor.document.formats.package import whole

MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
EFFECTS = ("vanish", "strike", "dstrike", "vertAlign", "position", "color", "sz", "w")
_TINY_SIZE, _TINY_WIDTH = 6, 10  # half points; percent
_LEVELS = 9
_PLACEHOLDER = re.compile(r"%([1-9])")
_CHINESE = "〇一二三四五六七八九"


def w(name: str) -> str:
    """A name of the main namespace as lxml writes it."""
    return _W + name


def _value(parent: Any, name: str) -> str | None:
    element = None if parent is None else parent.find(w(name))
    return None if element is None else element.get(w("val"))


class Styles:
    """Styles by id: what they hide and how they number."""

    def __init__(self, root: Any) -> None:
        """`root`: the styles part, None where the file has none."""
        self._styles: dict[str, Any] = {}
        self._default: str | None = None
        self._known: dict[str | None, dict[str, str]] = {}
        for style in () if root is None else root.iterchildren(w("style")):
            name = style.get(w("styleId"), "")
            self._styles.setdefault(name, style)
            if style.get(w("type")) == "paragraph" and style.get(w("default")) in ("1", "true", "on"):
                self._default = name

    def of_paragraph(self, paragraph: Any) -> str | None:
        """The id of a paragraph's style."""
        return _value(paragraph.find(w("pPr")), "pStyle") or self._default

    def effect(self, name: str, properties: Any, paragraph_style: str | None) -> str:
        """The value of a run's property: its own, else its style's, else its paragraph's style's; "" for none or off.

        On/off properties that are on give "1".
        """
        own = None if properties is None else properties.find(w(name))
        if own is not None:
            value = own.get(w("val"), "1")
        else:
            styled = self._effects(_value(properties, "rStyle")) if properties is not None else {}
            value = styled.get(name) or self._effects(paragraph_style).get(name, "")
        return "" if value in ("0", "false", "off", "baseline") else value

    def is_apart(self, properties: Any, paragraph_style: str | None) -> bool:
        """Whether a run may not be seen in its line: shifted up or down, white, too small, squeezed."""
        position, size, width = (
            whole(self.effect(name, properties, paragraph_style).lstrip("-").removesuffix("%"))
            for name in ("position", "sz", "w")
        )
        return (
            bool(position)
            or (size is not None and size <= _TINY_SIZE)
            or (width is not None and width < _TINY_WIDTH)
            or self.effect("color", properties, paragraph_style).upper() == "FFFFFF"
        )

    def _effects(self, style: str | None) -> dict[str, str]:
        """What a style does to the text of its runs."""
        if style not in self._known:
            found: dict[str, str] = {}
            for element in self._chain(style):
                properties = element.find(w("rPr"))
                for name in EFFECTS if properties is not None else ():
                    if (own := properties.find(w(name))) is not None:
                        found.setdefault(name, own.get(w("val"), "1"))
            self._known[style] = found
        return self._known[style]

    def numbering(self, style: str | None) -> tuple[str | None, str | None]:
        """Number list and level that a paragraph style gives."""
        for element in self._chain(style):
            properties = element.find(w("pPr"))
            own = None if properties is None else properties.find(w("numPr"))
            if own is not None:
                return _value(own, "numId"), _value(own, "ilvl")
        return None, None

    def _chain(self, style: str | None) -> Iterator[Any]:
        """A style and those that it is based on."""
        seen: set[str] = set()
        while style in self._styles and style not in seen:
            seen.add(style)
            yield self._styles[style]
            style = _value(self._styles[style], "basedOn")


def is_on(switch: Any) -> bool:
    """Whether an on/off element says on; None is off."""
    return switch is not None and switch.get(w("val"), "1") not in ("0", "false", "off")


@dataclass(slots=True)
class _Level:
    start: int
    form: str
    text: str
    style: str | None


@dataclass(slots=True)
class _List:
    levels: dict[int, _Level]
    counts: dict[int, int] = field(default_factory=dict)


class Numbering:
    """The automatic numbers of paragraphs (一、 · （一） · 1.), counted in the order in which they are asked for.

    A kind of number that is not known gives none: nothing is invented.
    """

    def __init__(self, root: Any, styles: Styles) -> None:
        """`root`: the numbering part, None where the file has none."""
        self._styles = styles
        self._lists: dict[str, _List] = {}
        self._used: dict[str, str] = {}  # numId → abstractNumId
        self._starts: dict[str, dict[int, int]] = {}  # numId → level → start, until the list is first used
        if root is None:
            return
        for element in root.iterchildren(w("abstractNum")):
            levels = {n: _level(level) for level in element.iterchildren(w("lvl")) if (n := _index(level)) is not None}
            self._lists[element.get(w("abstractNumId"), "")] = _List(levels)
        for element in root.iterchildren(w("num")):
            number = element.get(w("numId"), "")
            self._used[number] = _value(element, "abstractNumId") or ""
            for override in element.iterchildren(w("lvlOverride")):
                if override.find(w("lvl")) is not None:  # a list of its own that counts along with another one
                    self._used[number] = ""
                start, level = whole(_value(override, "startOverride")), _index(override)
                if start is not None and level is not None:
                    self._starts.setdefault(number, {})[level] = start

    def label(self, paragraph: Any, style: str | None) -> str:
        """The number that stands before a paragraph, "" for none."""
        properties = paragraph.find(w("pPr"))
        own = None if properties is None else properties.find(w("numPr"))
        number, raw_level = _value(own, "numId"), _value(own, "ilvl")
        if number is None:
            number, styled_level = self._styles.numbering(style)
            raw_level = raw_level or styled_level
        listed = self._lists.get(self._used.get(number or "", ""))
        if number is None or listed is None:
            return ""
        level = whole(raw_level)
        if level is None:  # a style's level is the one that names the style
            level = next((n for n, defined in listed.levels.items() if style and defined.style == style), 0)
        if level not in listed.levels:
            return ""
        return self._next(number, listed, level)

    def _next(self, number: str, listed: _List, level: int) -> str:
        for restarted, start in self._starts.pop(number, {}).items():
            listed.counts[restarted] = start - 1
        for upper in range(level):
            if upper in listed.levels:
                listed.counts.setdefault(upper, listed.levels[upper].start)
        defined = listed.levels[level]
        listed.counts[level] = listed.counts.get(level, defined.start - 1) + 1
        for deeper in [n for n in listed.counts if n > level]:
            del listed.counts[deeper]
        if defined.form == "bullet":
            return ""
        written: list[str] = []
        for piece, mark in zip(*[iter([*_PLACEHOLDER.split(defined.text), ""])] * 2, strict=True):
            written.append(piece)
            if mark:
                shown = listed.levels.get(int(mark) - 1)
                counted = "" if shown is None else count_as(listed.counts.get(int(mark) - 1, shown.start), shown.form)
                if not counted:
                    return ""
                written.append(counted)
        return "".join(written)


def _index(element: Any) -> int | None:
    level = whole(element.get(w("ilvl")))
    return level if level is not None and level < _LEVELS else None


def _level(element: Any) -> _Level:
    start = whole(_value(element, "start"))
    odd = (element.find(f"{MC}AlternateContent"), element.find(w("lvlRestart")))
    properties = element.find(w("rPr"))
    known = all(part is None for part in odd) and not is_on(
        None if properties is None else properties.find(w("vanish"))
    )
    return _Level(
        start if start is not None else 0,
        (_value(element, "numFmt") or "decimal") if known else "",
        _value(element, "lvlText") or "",
        _value(element, "pStyle"),
    )


def count_as(number: int, form: str) -> str:
    """A number in one of Word's forms; "" where the form or the number is not known."""
    if number < 0:
        return ""
    if form == "decimal":
        return str(number)
    if form == "decimalFullWidth":
        return "".join(chr(ord("０") + int(digit)) for digit in str(number))
    if form in ("chineseCounting", "chineseCountingThousand", "japaneseCounting", "taiwaneseCountingThousand"):
        return _chinese(number)
    if form in ("decimalEnclosedCircle", "decimalEnclosedCircleChinese"):
        return chr(0x2460 + number - 1) if 1 <= number <= 20 else ""
    if form in ("lowerLetter", "upperLetter"):
        letter = chr(ord("a") + number - 1) if 1 <= number <= 26 else ""
        return letter if form == "lowerLetter" else letter.upper()
    if form == "ideographTraditional":
        return "甲乙丙丁戊己庚辛壬癸"[number - 1] if 1 <= number <= 10 else ""
    return ""


def _chinese(number: int) -> str:
    """1–99 as 一 … 九十九."""
    if not 1 <= number <= 99:
        return ""
    tens, ones = divmod(number, 10)
    ten = "" if not tens else "十" if tens == 1 else f"{_CHINESE[tens]}十"
    return ten + (_CHINESE[ones] if ones else "")
