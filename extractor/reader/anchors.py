"""Labels that carry cells, with the number printed before them and the parts they are wrapped into."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field

from extractor.form import FORM, fold
from extractor.reader.labels import Hit, ordinal_start

DATA = re.compile(r"\d")


_CJK = re.compile(r"[一-鿿]")


@dataclass(slots=True)
class Anchor:
    """A label that carries cells: `start` includes its ordinal, `end` is where its data may begin."""

    key: str
    start: int
    end: int
    ordinal: bool
    exact: bool = True


@dataclass(slots=True)
class Region:
    """One table: its anchors in text order, bounds, and the labels inside that carry no cells."""

    start: int
    end: int
    anchors: list[Anchor] = field(default_factory=list)
    stops: list[int] = field(default_factory=list)
    header: list[Hit] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    floor: int = 0  # figures before it belong to another table (all tables' figures printed together)


@dataclass(slots=True)
class Layout:
    """Where the tables of one report lie in the document; a table that was not found is None. `named` is the line that
    says whose report it is, or of which year, where several stand in one file and have no titles."""

    start: int
    end: int
    hits: list[Hit]
    disclosure: Region | None = None
    requests: Region | None = None
    disputes: Region | None = None
    doubts: list[str] = field(default_factory=list)
    named: tuple[int, int] | None = None


def first_at(hits: list[Hit], position: int) -> int:
    return bisect_left(hits, position, key=lambda hit: hit.start)


def begins_line(norm: str, position: int) -> bool:
    begun, numbered = ordinal_start(norm, position)
    return numbered or not norm[norm.rfind("\n", 0, begun) + 1 : begun].strip(" #*|\t")


_ORDINALS = {row.key: row.ordinal for row in FORM.rows}
_WORDINGS = {row.key: row.wordings for row in FORM.rows}
# Letters that a merged label, chopped over the lines, may put between two parts of another.
_CHOPS = frozenset("三四五六本年度办理结果不予公开无法提供处其他")


def anchor_at(norm: str, hit: Hit, key: str) -> Anchor:
    begin, end = _whole_label(norm, hit) if hit.kind == "row" else (hit.start, hit.end)
    if begin == hit.start and hit.kind == "row":
        # Found by a variant: letters of the label's own beginning right before it (1.属国家秘密) belong to it.
        head = _WORDINGS[key][0][:4]
        while begin and hit.start - begin < 4 and norm[begin - 1] in head:
            begin -= 1
    start, ordinal = ordinal_start(norm, begin, _ORDINALS.get(key, ""))
    if not ordinal:
        apart = _ordinal_apart(norm, begin, _ORDINALS.get(key, ""))
        if apart:
            return Anchor(key, *apart, ordinal=True)
    return Anchor(key, start, end, ordinal)


def _ordinal_apart(norm: str, start: int, ordinal: str) -> tuple[int, int] | None:
    """A label's number with the row's figures between it and its words (`（七）  0 0 0 …  总计`)."""
    if not ordinal:
        return None
    words = ordinal.strip("（）")
    number = rf"[(]\s*{words}\s*[)]" if ordinal != words else rf"(?<!\d){words}\s*[.、]"
    matches = list(re.finditer(number, norm[max(0, start - 160) : start]))
    if not matches:
        return None
    begin = max(0, start - 160) + matches[-1].start()
    end = max(0, start - 160) + matches[-1].end()
    between = norm[end:start]
    return (begin, end) if DATA.search(between) and not _CJK.search(between) else None


def _whole_label(norm: str, hit: Hit) -> tuple[int, int]:
    """A label found by its tail, taken back to its head where the text before it is that head.

    A label may be wrapped around its own figures (`4.无正当理由 0 0 0 … 大量反复申请`): its data then begin behind
    the first part.
    """
    word = fold(norm[hit.start : hit.end])
    for wording in _WORDINGS[hit.key]:
        at = wording.find(word)
        if at <= 0:
            continue
        position, skipped, end = hit.start, 0, hit.end
        for char in reversed(wording[:at]):
            while True:
                position -= 1
                if position < 0 or hit.start - position > 400:
                    return hit.start, hit.end
                found = norm[position]
                if found == char:
                    break
                if found == ")":
                    note = norm.rfind("(", max(0, position - 40), position)
                    if note >= 0 and len(_CJK.findall(norm, note, position)) >= 2:
                        position = note
                        continue
                if found.isdigit() or found in "零〇":
                    end = -1
                elif "一" <= found <= "鿿":
                    skipped += 1
                    if found not in _CHOPS or skipped > 8:
                        return hit.start, hit.end
            if end == -1:
                end = position + 1
        return position, end
    return hit.start, hit.end
