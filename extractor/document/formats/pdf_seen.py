"""Which text a person sees: text whose removal changes no point of the page's picture is not seen.

White on white, covered, clipped off, on a layer that is switched off, without any colour: one test for all.
It is made only where the walk over the page found something that could hide text.
"""

from __future__ import annotations

import ctypes
from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import Any

import pypdfium2.raw as pdfium

from extractor.document.content import Box
from extractor.document.formats.pdf_drawn import THIN, UNMAPPED, Drawn, Objects, address

_SCALE = 2.0
_MOST_POINTS = 6_000_000
_DIFFERENCE = 20  # of 255 in one channel
_ASIDE = 0.12  # of a glyph's width, on either side
_MOST_INKS = 6  # colours of text that are looked at one by one
_MIDDLE = 0.25  # of a character's height, above and below: a line there is no strike
_CUT = 0.08  # of the font size: more of a figure may not be cut off
_INVISIBLE = (3, 7)


def hide_unseen(page: Any, drawn: Drawn, objects: Objects) -> None:
    """Marks the glyphs that leave no trace in the page's picture."""
    if not drawn.doubtful or all(glyph.hidden for glyph in drawn.glyphs):
        return
    scale = min(_SCALE, (_MOST_POINTS / (drawn.width * drawn.height)) ** 0.5)
    width, height = max(1, int(drawn.width * scale)), max(1, int(drawn.height * scale))
    whole = _picture(page, width, height)
    bare = {}
    for items in _by_ink(objects):
        for item in items:
            pdfium.FPDFTextObj_SetTextRenderMode(item, 3)
        picture = _picture(page, width, height)
        for item in items:
            pdfium.FPDFTextObj_SetTextRenderMode(item, objects.modes[address(item)])
            bare[address(item)] = picture
    across, down = width / drawn.width, height / drawn.height
    for glyph in drawn.glyphs:
        # A font that is not in the file may not be on this machine either, and then draws nothing here.
        if glyph.hidden or glyph.run not in bare or not (glyph.embedded or glyph.text.isascii()):
            continue
        x0, y0, x1, y1 = glyph.ink
        aside = _ASIDE * (x1 - x0)  # what stands beside it is no trace of it
        left, right = max(0, int((x0 + aside) * across)), min(width, int((x1 - aside) * across) + 1)
        rows = range(max(0, int(y0 * down) - 1), min(height, int(y1 * down) + 2))
        glyph.hidden = not any(
            _differ(whole, bare[glyph.run], 4 * (row * width + left), 4 * (row * width + right)) for row in rows
        )


def _by_ink(objects: Objects) -> list[list[Any]]:
    """The visible text objects by colour, each colour taken off alone; beyond a few colours the rest together."""
    inks: dict[tuple[int, int, int, int], list[Any]] = {}
    for item in objects.texts:
        at = address(item)
        if objects.modes[at] not in _INVISIBLE:
            inks.setdefault(objects.inks[at], []).append(item)
    groups = sorted(inks.values(), key=len, reverse=True)
    rest = [item for group in groups[_MOST_INKS:] for item in group]
    return [*groups[:_MOST_INKS], *([rest] if rest else [])]


def doubt_cut(drawn: Drawn, objects: Objects) -> None:
    """A figure of which a part is cut off, that goes on in one that is not seen, or that is struck out is UNMAPPED."""
    for glyph in drawn.glyphs:
        clip = objects.clips.get(glyph.run)
        if clip is None or glyph.hidden or not glyph.text.isnumeric():
            continue
        x0, y0, x1, y1 = glyph.ink
        if max(clip[0] - x0, clip[1] - y0, x1 - clip[2], y1 - clip[3]) > _CUT * glyph.size:
            glyph.text = UNMAPPED
    _strike(drawn)
    for one, other in pairwise(drawn.glyphs):
        figures = (one.text + other.text).replace(".", "0").replace(",", "0").replace(UNMAPPED, "0")
        if one.run == other.run and one.hidden != other.hidden and not other.spaced and figures.isnumeric():
            (other if one.hidden else one).text = UNMAPPED


def _strike(drawn: Drawn) -> None:
    """A line through the middle of characters that goes no further than they do strikes them out; a border does."""
    for odd in (0, 1):
        glyphs = sorted(
            ((_along(glyph.ink, odd), glyph) for glyph in drawn.glyphs if glyph.turn in (odd, odd + 2)),
            key=lambda pair: pair[0][1],
        )
        tops = [ink[1] for ink, _ in glyphs]
        tallest = max((ink[3] - ink[1] for ink, _ in glyphs), default=0.0)
        for x0, y0, x1, y1 in (_along(rule, odd) for rule in drawn.rules):
            if y1 - y0 > THIN or x1 - x0 < 1.5:
                continue
            y = (y0 + y1) / 2
            hit = [
                (ink, glyph)
                for ink, glyph in glyphs[bisect_left(tops, y - tallest) : bisect_right(tops, y)]
                if ink[1] + _MIDDLE * (ink[3] - ink[1]) <= y <= ink[3] - _MIDDLE * (ink[3] - ink[1])
                and x0 <= (ink[0] + ink[2]) / 2 <= x1
            ]
            if not hit or not any(glyph.text.isnumeric() for _, glyph in hit):
                continue
            room = 0.7 * max(glyph.size for _, glyph in hit)
            if x0 >= min(ink[0] for ink, _ in hit) - room and x1 <= max(ink[2] for ink, _ in hit) + room:
                for _, glyph in hit:
                    glyph.text = UNMAPPED if glyph.text.isnumeric() else glyph.text


def _along(box: Box, odd: int) -> Box:
    """A box in a frame in which the text runs across."""
    return (box[1], box[0], box[3], box[2]) if odd else box


def _differ(one: memoryview, other: memoryview, start: int, end: int) -> bool:
    a, b = one[start:end], other[start:end]
    return a != b and any(abs(p - q) >= _DIFFERENCE for p, q in zip(a, b, strict=True))


def _picture(page: Any, width: int, height: int) -> memoryview:
    """The page in BGRx, a row after the other without gaps."""
    data = (ctypes.c_ubyte * (4 * width * height))()
    bitmap = pdfium.FPDFBitmap_CreateEx(width, height, pdfium.FPDFBitmap_BGRx, data, 4 * width)
    try:
        pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, 0xFFFFFFFF)
        pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, 0)
    finally:
        pdfium.FPDFBitmap_Destroy(bitmap)
    return memoryview(data).cast("B")
