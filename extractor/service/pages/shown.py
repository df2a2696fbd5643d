"""Untrusted text as a page shows it: characters that act on a page, or cannot be seen, stand there by their code."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from markupsafe import Markup, escape

from extractor.cli.grid import fit

# Controls, format characters (bidi, zero width, tags), fillers, variation selectors, line separators, halves of pairs.
ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0001-\U000e007f\U000e0100-\U000e01ef]"
)


def shown(text: str) -> Markup:
    """The text as markup: escaped, each acting character as `<span class="code">`, which counts as one character."""
    out, at = [], 0
    for match in ACTING.finditer(text):
        out.append(escape(text[at : match.start()]))
        out.append(_code(match.group()))
        at = match.end()
    out.append(escape(text[at:]))
    return Markup("").join(out)


@lru_cache(maxsize=512)
def _code(character: str) -> Markup:
    point = f"U+{ord(character):04X}"
    name = unicodedata.name(character, "")
    return Markup('<span class="code" title="{} {}">{}</span>').format(point, name, point)


def plainly(text: str) -> str:
    """The same without markup, for attributes and titles."""
    return ACTING.sub(lambda match: f"⟨U+{ord(match.group()):04X}⟩", text)


def clip(text: str, columns: int) -> str:
    """Cut with `…` to so many columns, a Chinese character taking two."""
    return fit(text, columns).rstrip()


def short(text: str, most: int = 80) -> str:
    """White space folded, cut with `…`."""
    folded = " ".join(text.split())
    return folded if len(folded) <= most else folded[: most - 1] + "…"
