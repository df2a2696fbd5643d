"""What is drawn on one page of a PDF: glyphs, ruling lines, pictures, as pdfium finds them.

pdfium is asked directly, not through pdfplumber: it knows in which order things are painted, what is clipped and
which text is painted invisibly, it mends broken files as browsers do, and it is about ten times as fast.
All positions are in points from the upper left corner of the page as it is seen (crop box and /Rotate applied).
"""

from __future__ import annotations

import ctypes
import math
import unicodedata
from dataclasses import dataclass, field
from typing import Any

import pypdfium2.raw as pdfium

from extractor.document.content import Box
from extractor.errors import InputError

MAX_GLYPHS = 100_000  # of one page; a dense page of a report has 3,000
MAX_OBJECTS = 300_000  # of one page: paths, their segments, text runs, pictures
MAX_SIDE = 15_000.0  # points; PDF's own limit is 14,400
MAX_FORMS = 12  # drawings nested in drawings
MAX_RULES = 100_000  # of one page, each dot of a dotted line one
_LEAST = 0.8  # points: smaller print is not seen
THIN = 3.0  # a filled shape no thicker than this is a line
UNMAPPED = "\ufffd"

# Fonts name a glyph by one of its characters, and print programs take a wrong one of the same shape: the radical ⾏
# for 行, the soft hyphen for the sign, the operator ∕ for the stroke.
_SAME_SHAPE = dict(
    zip(
        "\u00ad∕⁄⺟⺠⺩⻄⻅⻆⻉⻋⻑⻓⻔⻗⻘⻙⻚⻛⻜⻝⻡⻢⻣⻤⻥⻦⻧⻨⻩⻪⻬⻮⻰⻱⻳",
        "-//母民王西见角贝车長长门雨青韦页风飞食首马骨鬼鱼鸟卤麦黄黾齐齿龙龜龟",
        strict=True,
    )
)


def too_large(what: str) -> InputError:
    """A page or file beyond any report's size."""
    return InputError("too_large", f"The PDF has {what} than any report's.", "Print the report's pages to a new PDF.")


@dataclass(slots=True)
class Glyph:
    """A character where it is drawn. `base` is its baseline; `turn` its direction in quarter turns clockwise, None
    where it is oblique. `ink` is the tight box, the others are the box of its advance and font size."""

    text: str
    x0: float
    x1: float
    base: float
    size: float
    ink: Box
    turn: int | None = 0
    spaced: bool = False  # a space is drawn before it
    hidden: bool = False
    embedded: bool = True
    run: int = 0  # which string of the file it belongs to

    @property
    def top(self) -> float:
        return self.base - 0.88 * self.size

    @property
    def bottom(self) -> float:
        return self.base + 0.12 * self.size


@dataclass(slots=True)
class Drawn:
    """One page: its size as it is seen, and what is on it. `rules` are boxes of lines, each with whether it is
    upright; `marks`: small shapes that may be drawn characters; `doubtful`: something may hide text, only the picture
    of the page tells."""

    width: float
    height: float
    glyphs: list[Glyph] = field(default_factory=list)
    rules: list[tuple[float, float, float, float]] = field(default_factory=list)
    pictures: list[Box] = field(default_factory=list)
    marks: list[Box] = field(default_factory=list)
    shapes: int = 0
    doubtful: bool = False


@dataclass(slots=True)
class Objects:
    """The objects of a page in the order in which they are painted, the insides of forms among them."""

    texts: list[Any] = field(default_factory=list)
    modes: dict[int, int] = field(default_factory=dict)  # address of a text object → its render mode
    fonts: dict[int, bool] = field(default_factory=dict)  # address of a text object → its font is embedded
    inks: dict[int, tuple[int, int, int, int]] = field(default_factory=dict)  # → its colour and opacity
    clips: dict[int, Box] = field(default_factory=dict)  # → the box that cuts it off, where one does


def address(pointer: Any) -> int:
    """The identity of a pdfium object."""
    return ctypes.cast(pointer, ctypes.c_void_p).value or 0


class Frame:
    """From PDF's coordinates to the page as it is seen."""

    def __init__(self, page: Any) -> None:
        box = pdfium.FS_RECTF()
        if not pdfium.FPDF_GetPageBoundingBox(page, box):
            raise InputError("malformed", "A page of the PDF has no size.", "Print it to a new PDF.")
        self.left, self.bottom, self.right, self.top = box.left, box.bottom, box.right, box.top
        self.turn = pdfium.FPDFPage_GetRotation(page)
        wide, high = self.right - self.left, self.top - self.bottom
        if not (0 < wide <= MAX_SIDE and 0 < high <= MAX_SIDE):
            raise too_large("a larger page")
        self.width, self.height = (high, wide) if self.turn % 2 else (wide, high)

    def point(self, x: float, y: float) -> tuple[float, float]:
        """One point."""
        if self.turn == 0:
            return x - self.left, self.top - y
        if self.turn == 1:
            return y - self.bottom, x - self.left
        if self.turn == 2:
            return self.right - x, y - self.bottom
        return self.top - y, self.right - x

    def box(self, x0: float, y0: float, x1: float, y1: float) -> Box:
        """A box by two corners."""
        (a, b), (c, d) = self.point(x0, y0), self.point(x1, y1)
        return min(a, c), min(b, d), max(a, c), max(b, d)


def read_page(page: Any) -> tuple[Drawn, Objects]:
    """What is drawn on a loaded page. Errors: InputError `too_large`, `malformed`."""
    from extractor.document.formats.pdf_paths import Walk

    frame = Frame(page)
    drawn = Drawn(frame.width, frame.height)
    walk = Walk(frame, drawn)
    walk.page(page)
    # The text page is made after the walk, which takes off the marks that replace what is drawn (ActualText).
    text_page = pdfium.FPDFText_LoadPage(page)
    if not text_page:
        raise InputError("malformed", "A page of the PDF cannot be read.", "Print it to a new PDF.")
    try:
        drawn.glyphs = _glyphs(text_page, frame, walk.objects)
    finally:
        pdfium.FPDFText_ClosePage(text_page)
    return drawn, walk.objects


def _glyphs(text_page: Any, frame: Frame, objects: Objects) -> list[Glyph]:
    count = pdfium.FPDFText_CountChars(text_page)
    if count > MAX_GLYPHS:
        raise too_large("more characters on a page")
    loose, matrix = pdfium.FS_RECTF(), pdfium.FS_MATRIX()
    left, right, bottom, top, x, y = (ctypes.c_double() for _ in range(6))
    glyphs: list[Glyph] = []
    current, mode, embedded, scale, angle = 0, 0, True, 1.0, 0
    turn: int | None = 0
    spaced = False
    before: tuple[float, float, float] | None = None
    for index in range(count):
        if pdfium.FPDFText_IsGenerated(text_page, index) == 1:
            continue
        run = address(pdfium.FPDFText_GetTextObject(text_page, index))
        if run != current:
            current, mode, embedded = run, objects.modes.get(run, 0), objects.fonts.get(run, True)
            pdfium.FPDFText_GetMatrix(text_page, index, matrix)
            scale = math.hypot(matrix.c, matrix.d) or math.hypot(matrix.a, matrix.b)
            angle = -math.degrees(math.atan2(matrix.b, matrix.a)) + 90 * frame.turn
            turn = round(angle / 90) % 4 if abs(angle / 90 - round(angle / 90)) < 0.06 else None
        text = _character(text_page, index)
        if text.isspace() or not text:
            spaced = spaced or bool(text)
            continue
        pdfium.FPDFText_GetLooseCharBox(text_page, index, loose)
        pdfium.FPDFText_GetCharBox(text_page, index, left, right, bottom, top)
        pdfium.FPDFText_GetCharOrigin(text_page, index, x, y)
        size = abs(pdfium.FPDFText_GetFontSize(text_page, index) * scale)
        ink = frame.box(left.value, bottom.value, right.value, top.value)
        box = frame.box(loose.left, loose.bottom, loose.right, loose.top)
        at = (x.value, y.value, ink[0])
        if before == at and glyphs and len(glyphs[-1].text) < 8:
            glyphs[-1].text += text  # one glyph that stands for several characters
            continue
        before = at
        point = frame.point(x.value, y.value)
        if not (0 <= (ink[0] + ink[2]) / 2 <= frame.width and 0 <= (ink[1] + ink[3]) / 2 <= frame.height):
            continue  # outside the page
        size = size or max(box[2] - box[0], box[3] - box[1], 1.0)
        base, x0, x1 = along(turn or 0, point, box, ink)
        glyphs.append(
            Glyph(text, x0, x1, base, size, ink, turn, spaced, mode in (3, 7) or size < _LEAST, embedded, run)
        )
        spaced = False
    return glyphs


def along(turn: int, origin: tuple[float, float], box: Box, ink: Box) -> tuple[float, float, float]:
    """Baseline, begin and end of a glyph along its own direction of writing, in the frame turned upright."""
    x0, top, x1, bottom = (min(a, b) if i < 2 else max(a, b) for i, (a, b) in enumerate(zip(box, ink, strict=True)))
    if turn == 0:
        return origin[1], x0, x1
    if turn == 1:  # reads downwards
        return -origin[0], top, bottom
    if turn == 2:
        return -origin[1], -x1, -x0
    return origin[0], -bottom, -top


def _character(text_page: Any, index: int) -> str:
    """The character as it is printed: none for marks without a shape, UNMAPPED where the font tells none."""
    code = pdfium.FPDFText_GetUnicode(text_page, index)
    if pdfium.FPDFText_HasUnicodeMapError(text_page, index) == 1 or not 0 < code < 0x110000:
        return UNMAPPED
    if code == 2 and pdfium.FPDFText_IsHyphen(text_page, index) == 1:
        return "-"
    text = chr(code)
    if text in _SAME_SHAPE:
        return _SAME_SHAPE[text]
    if 0x2E80 <= code <= 0x2FDF or 0xF900 <= code <= 0xFAFF:
        return unicodedata.normalize("NFKC", text)
    category = unicodedata.category(text)
    if category == "Cf":
        return ""
    if text in "\t\n\r\xa0":
        return " "
    return UNMAPPED if category in ("Cc", "Cs", "Cn", "Zl", "Zp") else text
