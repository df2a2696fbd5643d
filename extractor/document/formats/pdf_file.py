"""A PDF's bytes → blocks and what to know of the file. Runs in the sandbox (document/sandbox.py), never in a caller.

Nothing of a PDF is carried out: no form, script, action or attachment is opened.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from typing import Any

import pypdfium2.raw as pdfium

from extractor.document.content import Block, Line
from extractor.document.formats.pdf_drawn import UNMAPPED, Drawn, Glyph, Objects, read_page, too_large
from extractor.document.formats.pdf_join import blocks_of
from extractor.document.formats.pdf_page import PageRead, read_items
from extractor.document.formats.pdf_seen import doubt_cut, hide_unseen
from extractor.document.formats.pdf_words import Word
from extractor.errors import InputError

MAX_PAGES = 500
MAX_ALL_GLYPHS = 1_500_000
_LINK, _POPUP = 2, 16
_PAINTED = 0.4  # of the page: a picture that may be a scan of it
_SAVE = "Open it in a PDF program and print it to a new PDF."


def read(data: bytes, words: dict[str, list[list[Any]]] | None = None) -> dict[str, Any]:
    """The file as JSON: `blocks`, and pages by what to know of them.

    `words`: page number → [text, left, top, right, bottom] of a plug-in's words, for pages without text.
    Errors: InputError `encrypted`, `malformed`, `too_large`.
    """
    buffer = ctypes.create_string_buffer(data, len(data))
    document = pdfium.FPDF_LoadMemDocument64(buffer, len(data), None)
    if not document:
        raise _not_opened(pdfium.FPDF_GetLastError())
    try:
        return _Reading(document, words or {}).result(damaged=not _is_whole(data))
    finally:
        pdfium.FPDF_CloseDocument(document)


def _not_opened(code: int) -> InputError:
    if code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
        return InputError("encrypted", "The PDF is locked with a password.", "Save it without one and give that.")
    return InputError("malformed", "The PDF is damaged or cut off.", f"Download it again. {_SAVE}")


_START = re.compile(rb"startxref\s+(\d{1,12})\s+%%EOF")


def _is_whole(data: bytes) -> bool:
    """Whether the file's end is there and says where its index stands."""
    found = list(_START.finditer(data[-4096:]))
    if not found:
        return False
    at = int(found[-1][1]) + max(0, data[:1024].find(b"%PDF-"))
    return bool(re.match(rb"\s*(?:xref\b|\d+\s+\d+\s+obj\b)", data[at : at + 64]))


class _Reading:
    """One file: page by page, each page's memory given back before the next."""

    def __init__(self, document: Any, words: dict[str, list[list[Any]]]) -> None:
        self.document, self.words = document, words
        self.pages: list[PageRead] = []
        self.told: dict[str, list[int]] = {
            name: [] for name in ("without_text", "ocr", "left_out", "unmapped", "pictures")
        }
        self.glyphs = 0

    def result(self, damaged: bool) -> dict[str, Any]:
        count = pdfium.FPDF_GetPageCount(self.document)
        if count > MAX_PAGES:
            raise too_large("more pages")
        if count < 1:
            raise InputError("malformed", "The PDF has no page that can be read.", _SAVE)
        for number in range(1, count + 1):
            page = self._loaded(number)
            try:
                self._read(page, number)
            finally:
                pdfium.FPDF_ClosePage(page)
        return {
            "blocks": [_plain(block) for block in blocks_of(self.pages)],
            "pages": count,
            "damaged": damaged,
            **self.told,
        }

    def _loaded(self, number: int) -> Any:
        page = pdfium.FPDF_LoadPage(self.document, number - 1)
        if not page:
            raise InputError("malformed", f"Page {number} of the PDF cannot be read.", _SAVE)
        if not _has_notes(page) or pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY) != pdfium.FLATTEN_SUCCESS:
            return page
        # Notes and filled forms are part of what is seen: they have become part of the page.
        pdfium.FPDF_ClosePage(page)
        return pdfium.FPDF_LoadPage(self.document, number - 1)

    def _read(self, page: Any, number: int) -> None:
        drawn, objects = read_page(page)
        self.glyphs += len(drawn.glyphs)
        if self.glyphs > MAX_ALL_GLYPHS:
            raise too_large("more characters")
        glyphs = self._shown(page, number, drawn, objects)
        given = [_word(word) for word in self.words.get(str(number), [])]
        if given:
            self.told["ocr"].append(number)
        elif not glyphs and (drawn.pictures or drawn.shapes > 10 or drawn.glyphs):
            self.told["without_text"].append(number)
        elif _large(drawn) and not _over(drawn, glyphs) and number not in self.told["ocr"]:
            self.told["pictures"].append(number)
        self.pages.append(read_items(number, drawn, glyphs, given))

    def _shown(self, page: Any, number: int, drawn: Drawn, objects: Objects) -> list[Glyph]:
        """The glyphs that count: those that are seen, or the invisible ones of a scan."""
        hide_unseen(page, drawn, objects)
        doubt_cut(drawn, objects)
        hidden = [glyph for glyph in drawn.glyphs if glyph.hidden]
        seen = [glyph for glyph in drawn.glyphs if not glyph.hidden]
        if hidden and _large(drawn) and len(_over(drawn, hidden)) > max(len(hidden) // 2, len(seen)):
            self.told["ocr"].append(number)
            seen, hidden = drawn.glyphs, []
        straight = [glyph for glyph in seen if glyph.turn is not None]
        if any(glyph.text.isalnum() for glyph in hidden) or len(straight) < len(seen):
            self.told["left_out"].append(number)
        unmapped = sum(glyph.text == UNMAPPED for glyph in straight)
        if unmapped:
            self.told["unmapped"].append(number)
        return [] if 2 * unmapped > len(straight) else straight


def _has_notes(page: Any) -> bool:
    """Whether something but links lies over the page."""
    for index in range(min(pdfium.FPDFPage_GetAnnotCount(page), 10_000)):
        note = pdfium.FPDFPage_GetAnnot(page, index)
        kind = pdfium.FPDFAnnot_GetSubtype(note) if note else _LINK
        pdfium.FPDFPage_CloseAnnot(note)
        if kind not in (_LINK, _POPUP):
            return True
    return False


def _large(drawn: Drawn) -> bool:
    """Whether pictures cover much of the page."""
    covered = sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in drawn.pictures)
    return covered >= _PAINTED * drawn.width * drawn.height


def _over(drawn: Drawn, glyphs: Sequence[Glyph]) -> list[Glyph]:
    """The glyphs that stand on a picture."""
    out = []
    for glyph in glyphs:
        x, y = (glyph.ink[0] + glyph.ink[2]) / 2, (glyph.ink[1] + glyph.ink[3]) / 2
        if any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in drawn.pictures):
            out.append(glyph)
    return out


def _word(given: list[Any]) -> Word:
    text, x0, top, x1, bottom = given
    return Word(text, x0, top, x1, bottom, bottom, max(1.0, bottom - top))


def _plain(block: Block) -> dict[str, Any]:
    """A block as JSON: a line with `text`, a table with `rows`."""
    if isinstance(block, Line):
        return {"text": block.text, "page": block.page, "box": block.box}
    return {
        "rows": [
            [
                {
                    "text": cell.text,
                    "colspan": cell.colspan,
                    "rowspan": cell.rowspan,
                    "page": cell.page,
                    "box": cell.box,
                    **({} if cell.inner is None else {"inner": [_plain(inner) for inner in cell.inner]}),
                }
                for cell in row
            ]
            for row in block.rows
        ]
    }
