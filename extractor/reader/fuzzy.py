"""Finds labels that are a character off (OCR, typing errors), only where the form's order says one must be."""

from __future__ import annotations

import re

from extractor.form import FORM, REQUEST_ROWS
from extractor.reader.labels import Hit, ordinal_start
from extractor.reader.locate import Anchor, Region

_LETTERS = re.compile(r"[一-鿿]")
LIKENESS = 74.0
SHORTEST = 4


def find_missing(norm: str, region: Region, hits: list[Hit]) -> None:
    """Adds anchors for rows whose label stands, damaged, between the labels of its neighbours in the form."""
    present = {anchor.key: anchor for anchor in region.anchors}
    if all(row in present for row in REQUEST_ROWS):
        return
    masked = [(h.start, h.end) for h in hits if h.kind != "shared"]
    rows = {row.key: row for row in FORM.rows}
    floor = max([h.end for h in region.header], default=max(0, region.start - 200))
    for index, key in enumerate(REQUEST_ROWS):
        if key in present:
            floor = max(floor, present[key].end)
            continue
        ceiling = min(
            (present[later].start for later in REQUEST_ROWS[index + 1 :] if later in present), default=region.end
        )
        found = _find(norm, floor, ceiling, rows[key].wordings, masked)
        if found:
            start, ordinal = ordinal_start(norm, found[0])
            anchor = Anchor(key, start, found[1], ordinal, exact=False)
            present[key] = anchor
            region.anchors.append(anchor)
            region.start = min(region.start, start)
            floor = found[1]
    region.anchors.sort(key=lambda a: a.start)


def _find(
    norm: str, start: int, end: int, wordings: tuple[str, ...], masked: list[tuple[int, int]]
) -> tuple[int, int] | None:
    if end - start < SHORTEST or end - start > 4000:
        return None
    places = [
        start + m.start()
        for m in _LETTERS.finditer(norm[start:end])
        if not any(a <= start + m.start() < b for a, b in masked)
    ]
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
            best = (match.score, match.dest_start, min(match.dest_end, len(places)))
    return (places[best[1]], places[best[2] - 1] + 1) if best else None
