"""A piece of the source with the cell's span marked in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# What is shown on each side of a marked place, so that it is in sight: whole lines, and no more characters than this.
_LINES, _AROUND = 5, 260
# Print in columns: breaking such lines would hide which number stands under which head.
_COLUMNS = re.compile(r"\S {4,}\S|^ {8,}\S", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """`before` + `marked` + `after` is the piece of the source; `marked` is empty where no place can be told."""

    before: str
    marked: str = ""
    after: str = ""
    note: str = ""

    @property
    def columns(self) -> bool:
        """Whether places across the line tell something."""
        return bool(_COLUMNS.search(self.before + self.marked + self.after))


def excerpt(piece: Any, span: Any, raw: str | None) -> Excerpt | None:
    """The piece with its span marked. `piece`: the text alone, or `{"text", "start"}` where it starts in the source.

    Without `start` the raw text is marked only where it stands once in the piece: a guess among seven zeros of a row
    would point at the wrong cell.
    """
    start = None
    if isinstance(piece, Mapping):
        start = piece.get("start")
        piece = piece.get("text")
    if not isinstance(piece, str) or not piece:
        return None
    if not raw:
        return Excerpt(piece)
    if isinstance(start, int) and span:
        low, high = int(span[0]) - start, int(span[1]) - start
        if low >= 0 and piece[low:high] == raw:
            return _marked(piece, low, high)
        return Excerpt(piece, note=f"the span {span[0]}–{span[1]} of “{raw}” lies outside this piece")
    places = _places(piece, raw)
    if len(places) == 1:
        return _marked(piece, places[0], places[0] + len(raw))
    if not places:
        return Excerpt(piece, note=f"“{raw}” is not in this piece")
    return Excerpt(piece, note=f"“{raw}” stands {len(places)} times in this piece; which one was read is not recorded")


def _marked(piece: str, low: int, high: int) -> Excerpt:
    """The place and what is around it; `…` where more of the piece is left out."""
    before, after = piece[:low], piece[high:]
    near_before = "\n".join(before.split("\n")[-_LINES:])[-_AROUND:]
    near_after = "\n".join(after.split("\n")[:_LINES])[:_AROUND]
    return Excerpt(
        near_before if near_before == before else f"…{near_before}",
        piece[low:high],
        near_after if near_after == after else f"{near_after}…",
    )


def _places(piece: str, raw: str) -> list[int]:
    """Where raw stands by itself: 1 is not in 12. Where it never does, every place."""
    found = [match.start() for match in re.finditer(f"(?={re.escape(raw)})", piece)]

    def alone(at: int) -> bool:
        around = piece[at - 1 : at], piece[at + len(raw) : at + len(raw) + 1]
        return not any(character.isdigit() or character in ".,．，" for character in around if character)

    return [at for at in found if alone(at)] or found
