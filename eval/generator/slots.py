"""Placeholders for printed cells: a renderer moves one character about, the last step puts the text in.

So the place of every printed number is known exactly, and no noise on the text around can damage a number.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from random import Random

_FIRST = 0xF0000


def is_slot(char: str) -> bool:
    """True of a placeholder character."""
    return ord(char) >= _FIRST


@dataclass(slots=True)
class Slots:
    """The printed cells of one file, in the order of their creation: (report number, path, printed text)."""

    entries: list[tuple[int, str, str]] = field(default_factory=list)
    report: int = 0

    def add(self, path: str, text: str) -> str:
        """A new placeholder for `text`; an empty text needs none."""
        if not text:
            return ""
        self.entries.append((self.report, path, text))
        return chr(_FIRST + len(self.entries) - 1)

    def text(self, char: str) -> str:
        """What one character prints."""
        return self.entries[ord(char) - _FIRST][2] if is_slot(char) else char

    def path(self, char: str) -> str:
        """The cell that a placeholder stands for."""
        return self.entries[ord(char) - _FIRST][1]

    def plain(self, text: str) -> str:
        """The text with every placeholder replaced."""
        return "".join(self.text(char) for char in text)

    def broken(self, char: str, rng: Random) -> str:
        """A placeholder of the same cell whose number is broken by a line end."""
        _, path, text = self.entries[ord(char) - _FIRST]
        if len(text) < 2 or not text.isdigit():
            return char
        at = rng.randint(1, len(text) - 1)
        return self.add(path, f"{text[:at]}\n{text[at:]}")

    def width(self, text: str, cjk: int = 2) -> int:
        """Columns that the text takes when a CJK character takes `cjk` of them."""
        return sum(cjk if unicodedata.east_asian_width(char) in "WF" else 1 for char in self.plain(text))

    def fill(self, text: str) -> tuple[str, dict[tuple[int, str], tuple[int, int]]]:
        """The final text, and where each cell's printed text stands in it (its first occurrence)."""
        parts: list[str] = []
        spans: dict[tuple[int, str], tuple[int, int]] = {}
        at = 0
        for char in text:
            piece = self.text(char)
            if is_slot(char):
                report, path, _ = self.entries[ord(char) - _FIRST]
                spans.setdefault((report, path), (at, at + len(piece)))
            parts.append(piece)
            at += len(piece)
        return "".join(parts), spans

    def wrap(self, text: str, columns: int, cjk: int = 2) -> list[str]:
        """The text cut into lines of at most `columns` columns (at least one character each)."""
        lines: list[str] = []
        line, used = "", 0
        for char in text:
            need = self.width(char, cjk)
            if line and used + need > columns:
                lines.append(line)
                line, used = "", 0
            line += char
            used += need
        if line or not lines:
            lines.append(line)
        return lines
