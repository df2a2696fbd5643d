"""Which text a person sees: text whose removal changes no point of the page's picture is not seen.

White on white, covered, clipped off, on a layer that is switched off, without any colour: one test for all.
It is made only where the walk over the page found something that could hide text.
"""

from __future__ import annotations

import ctypes
from typing import Any

import pypdfium2.raw as pdfium

from extractor.document.formats.pdf_drawn import Drawn, Objects, address

_SCALE = 2.0
_MOST_POINTS = 6_000_000
_DIFFERENCE = 20  # of 255 in one channel
_INVISIBLE = (3, 7)


def hide_unseen(page: Any, drawn: Drawn, objects: Objects) -> None:
    """Marks the glyphs that leave no trace in the page's picture."""
    if not drawn.doubtful or all(glyph.hidden for glyph in drawn.glyphs):
        return
    scale = min(_SCALE, (_MOST_POINTS / (drawn.width * drawn.height)) ** 0.5)
    width, height = max(1, int(drawn.width * scale)), max(1, int(drawn.height * scale))
    whole = _picture(page, width, height)
    visible = [item for item in objects.texts if objects.modes[address(item)] not in _INVISIBLE]
    for item in visible:
        pdfium.FPDFTextObj_SetTextRenderMode(item, 3)
    bare = _picture(page, width, height)
    for item in visible:
        pdfium.FPDFTextObj_SetTextRenderMode(item, objects.modes[address(item)])
    across, down = width / drawn.width, height / drawn.height
    for glyph in drawn.glyphs:
        if glyph.hidden:
            continue
        x0, y0, x1, y1 = glyph.ink
        left, right = max(0, int(x0 * across) - 1), min(width, int(x1 * across) + 2)
        rows = range(max(0, int(y0 * down) - 1), min(height, int(y1 * down) + 2))
        # A font that is not in the file may not be on this machine either, and then draws nothing here.
        known = glyph.embedded or glyph.text.isascii()
        glyph.hidden = known and not any(
            _differ(whole, bare, 4 * (row * width + left), 4 * (row * width + right)) for row in rows
        )


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
