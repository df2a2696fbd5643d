"""Where the six sections lie. Narrative repeats their headings' words, so a heading is what stands like one and in
order, with the tables it must hold; headings may be misnumbered or missing (then the span is null)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from extractor.form import FORM

# What may stand before a heading's words: 二、 第二部分 (二) 2.
_COUNTED = r"第?[一二三四五六七八九1-9](?:部分)?[\s、.,:)]"
_LEAD = re.compile(rf"(?:^|\n)[\s#*>|]*(?:{_COUNTED}*|[(][一二三四五六七1-9][)]\s*)?$")


def heading_starts(norm: str, hits: Iterable[tuple[int, int, str]]) -> dict[str, int]:
    """The most plausible start of each section from the (start, end, key) of its heading's words.

    A heading begins a line (white space, markup and a number aside) or is numbered (`二、` in glued text); of the
    candidates the longest chain in the form's order is taken, the later of two alike.
    """
    order = {section.key: index for index, section in enumerate(FORM.sections)}
    ordinals = {section.key: section.ordinal for section in FORM.sections}
    found: list[tuple[int, int, int, str]] = []
    for start, end, key in hits:
        lead = norm[max(0, start - 24) : start]
        opens = start <= 24
        line_start = (opens and not lead.strip(" \n#*|>")) or bool(_LEAD.search("\n" + lead if opens else lead))
        numbered = bool(re.search(rf"{ordinals[key]}\s*[、.,:]\s*$", lead))
        tail = norm[end : end + 6]
        ends_line = not tail.strip(" :*#").split("\n")[0].strip() or "\n" in tail[:3]
        score = 2 * line_start + 2 * numbered + ends_line
        if score >= 2:
            at = start - len(lead) + _begin(lead)
            found.append((at, score, order[key], key))
    best: list[tuple[int, list[tuple[int, int, int, str]]]] = []
    for item in found[-60:]:
        score, chain = max(((s, c) for s, c in best if c[-1][2] < item[2]), key=lambda pair: pair[0], default=(0, []))
        best.append((score + item[1] + 1, [*chain, item]))
    if not best:
        return {}
    top = max(score for score, _ in best)
    chain = next(chain for score, chain in reversed(best) if score == top)
    return {key: at for at, _, _, key in chain}


def _begin(lead: str) -> int:
    match = re.search(rf"[#*\s|>]*(?:{_COUNTED}+|[(][一二三四五六七1-9][)]\s*)?$", lead)
    begin = match.start() if match else len(lead)
    return begin + len(lead[begin:]) - len(lead[begin:].lstrip())


def section_spans(
    norm: str, hits: Iterable[tuple[int, int, str]], start: int, end: int
) -> dict[str, tuple[int, int] | None]:
    """Each section's [start, end) from its heading to the next one's, null where no heading was found."""
    starts = heading_starts(norm, hits)
    ordered = [*sorted(starts.values()), end]
    spans: dict[str, tuple[int, int] | None] = {}
    for section in FORM.sections:
        at = starts.get(section.key)
        spans[section.key] = None if at is None else (at, next(o for o in ordered if o > at))
    return spans
