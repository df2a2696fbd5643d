"""Finds labels that are a character off (OCR, typing errors), only where the form's order says one must be."""

from __future__ import annotations

import re
from collections.abc import Sequence

from extractor.form import Label
from extractor.reader.anchors import Anchor, Region
from extractor.reader.labels import Hit, ordinal_start

_LETTERS = re.compile(r"[一-鿿]")
_FIGURE = re.compile(r"\d")
_OWN = re.compile(r"[一-鿿\"']")
LIKENESS = 74.0
SHORTEST = 4


# A cell may print one right behind its label.
_NUMERALS = frozenset("零〇一二两三四五六七八九十百千万无")


def find_missing(norm: str, region: Region, hits: list[Hit], labels: Sequence[Label]) -> None:
    """Adds anchors for rows whose label stands, damaged, between the labels of its neighbours in the form.

    `labels`: the table's row labels in the form's order.
    """
    present = {anchor.key: anchor for anchor in region.anchors}
    if all(label.key in present for label in labels):
        return
    masked = [(h.start, h.end) for h in hits if h.kind != "shared"]
    floor = max([h.end for h in region.header if h.end <= region.anchors[0].start], default=max(0, region.start - 200))
    for index, label in enumerate(labels):
        if label.key in present:
            floor = max(floor, present[label.key].end)
            continue
        ceiling = min((present[x.key].start for x in labels[index + 1 :] if x.key in present), default=region.end)
        found = _find(norm, floor, ceiling, label.wordings, masked)
        if found:
            start, ordinal = ordinal_start(norm, found[0], label.ordinal)
            anchor = Anchor(label.key, start, found[1], ordinal, exact=False)
            present[label.key] = anchor
            region.anchors.append(anchor)
            region.start = min(region.start, start)
            floor = found[1]
    region.anchors.sort(key=lambda a: a.start)


def _find(
    norm: str, start: int, end: int, wordings: tuple[str, ...], masked: list[tuple[int, int]]
) -> tuple[int, int] | None:
    if end - start < SHORTEST or end - start > 4000:
        return None
    hidden = {i for a, b in masked if a < end and b > start for i in range(max(a, start), min(b, end))}
    places = [m.start() for m in _LETTERS.finditer(norm, start, end) if m.start() not in hidden]
    if len(places) < SHORTEST - 1:
        return None
    from rapidfuzz.fuzz import partial_ratio_alignment

    letters = "".join(norm[i] for i in places)
    best: tuple[float, int, int] | None = None
    for wording in wordings:
        if len(wording) < SHORTEST or len(letters) < len(wording) - 1:
            continue
        match = partial_ratio_alignment(wording, letters, score_cutoff=LIKENESS)
        if match and (best is None or match.score > best[0]):
            stop = min(match.dest_end, len(places))
            # The stretch is as long as the wording; where the label lost a letter, it has taken one that follows.
            while stop - 1 > match.dest_start and letters[stop - 1] in _NUMERALS and letters[stop - 1] not in wording:
                stop -= 1
            best = (match.score, match.dest_start, stop)
    if not best:
        return None
    end = places[best[1]]
    for place in places[best[1] : best[2]]:
        # The label goes on behind its own figures where it is wrapped around them: its data begin at the first.
        if _FIGURE.search(norm, end, place):
            break
        end = place
    begin = places[best[1]]
    while begin > start and places[best[1]] - begin < 5 and _OWN.match(norm[begin - 1]):
        begin -= 1
    return begin, end + 1
