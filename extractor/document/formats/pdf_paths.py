"""The walk over a page's objects: ruling lines from paths, pictures, and what may hide text."""

from __future__ import annotations

import ctypes
from typing import Any

import pypdfium2.raw as pdfium

from extractor.document.content import Box
from extractor.document.formats.pdf_drawn import (
    MAX_FORMS,
    MAX_OBJECTS,
    MAX_RULES,
    THIN,
    Drawn,
    Frame,
    Objects,
    address,
    too_large,
)

_FILLED = (0, 3, 7)  # render modes without an outline in a colour of its own, the invisible ones among them
_LIKE = 128  # colours no further apart may be of text that is not seen on its ground
_CONTRAST = 24  # of 255, in one channel: less is not seen
_LARGEST_MARK = 20.0  # points: a larger shape is no character
_MOST_FILLS = 1_500  # filled areas whose ground is looked for

Matrix = tuple[float, float, float, float, float, float]
Colour = tuple[int, int, int]
_IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def _times(inner: Matrix, outer: Matrix) -> Matrix:
    a, b, c, d, e, f = inner
    p, q, r, s, t, u = outer
    return a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u


class Walk:
    """One page's walk; fills `drawn` and `objects`."""

    def __init__(self, frame: Frame, drawn: Drawn) -> None:
        self.frame, self.drawn, self.objects = frame, drawn, Objects()
        self.seen = 0
        self.fills: list[tuple[Box, Colour]] = []
        self.inks: set[Colour] = set()
        self.grounds: set[Colour] = {(255, 255, 255)}

    def page(self, page: Any) -> None:
        """Every object of the page, forms before what is painted after them."""
        stack = [(pdfium.FPDFPage_GetObject, page, 0, pdfium.FPDFPage_CountObjects(page), _IDENTITY)]
        while stack:
            get, home, at, count, matrix = stack.pop()
            if at >= count:
                continue
            stack.append((get, home, at + 1, count, matrix))
            item = get(home, at)
            self._count(1)
            kind = pdfium.FPDFPageObj_GetType(item)
            if kind == pdfium.FPDF_PAGEOBJ_FORM:
                if len(stack) > MAX_FORMS:
                    raise too_large("drawings nested deeper")
                self._marks(item)
                inner = _times(_matrix(item), matrix)
                stack.append((pdfium.FPDFFormObj_GetObject, item, 0, pdfium.FPDFFormObj_CountObjects(item), inner))
            elif kind == pdfium.FPDF_PAGEOBJ_TEXT:
                self._text(item, matrix, len(stack) > 1)
            elif kind == pdfium.FPDF_PAGEOBJ_PATH:
                self.drawn.shapes += 1
                self._path(item, _times(_matrix(item), matrix))
            else:
                self._cover()
                if kind == pdfium.FPDF_PAGEOBJ_IMAGE:
                    # An image is the unit square under its matrix.
                    self.drawn.pictures.append(self._corners(_times(_matrix(item), matrix)))
                else:
                    self.drawn.shapes += 1
        self.drawn.doubtful |= len(self.inks) * len(self.grounds) > 10_000 or any(
            _distance(ink, ground) < _LIKE for ink in self.inks for ground in self.grounds
        )

    def _count(self, more: int) -> None:
        self.seen += more
        if self.seen > MAX_OBJECTS:
            raise too_large("more lines and shapes on a page")

    def _cover(self) -> None:
        """Something is painted that may cover the text painted before."""
        if self.objects.texts:
            self.drawn.doubtful = True

    def _marks(self, item: Any) -> None:
        """Marks that replace the text that is drawn are taken off; those of layers make the page doubtful."""
        for index in reversed(range(max(0, pdfium.FPDFPageObj_CountMarks(item)))):
            mark = pdfium.FPDFPageObj_GetMark(item, index)
            name = ctypes.create_string_buffer(16)
            length = ctypes.c_ulong()
            if pdfium.FPDFPageObjMark_GetName(mark, ctypes.cast(name, ctypes.POINTER(ctypes.c_ushort)), 16, length):
                self.drawn.doubtful |= name.raw[: length.value].startswith("OC\0".encode("utf-16-le"))
            for number in range(max(0, pdfium.FPDFPageObjMark_CountParams(mark))):
                key = ctypes.create_string_buffer(64)
                pdfium.FPDFPageObjMark_GetParamKey(
                    mark, number, ctypes.cast(key, ctypes.POINTER(ctypes.c_ushort)), 64, length
                )
                if key.raw[: length.value] == "ActualText\0".encode("utf-16-le"):
                    pdfium.FPDFPageObj_RemoveMark(item, mark)
                    break

    def _text(self, item: Any, matrix: Matrix, inside: bool) -> None:
        objects, at = self.objects, address(item)
        objects.texts.append(item)
        objects.modes[at] = mode = pdfium.FPDFTextObj_GetTextRenderMode(item)
        font = pdfium.FPDFTextObj_GetFont(item)
        objects.fonts[at] = bool(font) and pdfium.FPDFFont_GetIsEmbedded(font) == 1
        self._marks(item)
        red, green, blue, alpha = _colour(pdfium.FPDFPageObj_GetFillColor, item)
        self.inks.add((red, green, blue))
        objects.inks[at] = red, green, blue, alpha
        self.drawn.doubtful |= inside or alpha < 255 or mode not in _FILLED
        self.drawn.doubtful |= self._clipped(item, matrix)

    def _clipped(self, item: Any, matrix: Matrix) -> bool:
        """Whether a clip may cut the text off; keeps its box."""
        clip = pdfium.FPDFPageObj_GetClipPath(item)
        paths = pdfium.FPDFClipPath_CountPaths(clip) if clip else 0
        if paths <= 0:
            return False
        left, bottom, right, top = (ctypes.c_float() for _ in range(4))
        if not pdfium.FPDFPageObj_GetBounds(item, left, bottom, right, top):
            return True
        x, y = ctypes.c_float(), ctypes.c_float()
        cut = False
        for number in range(paths):
            xs, ys = [], []
            segments = pdfium.FPDFClipPath_CountPathSegments(clip, number)
            self._count(max(0, segments))
            for index in range(segments):
                segment = pdfium.FPDFClipPath_GetPathSegment(clip, number, index)
                pdfium.FPDFPathSegment_GetPoint(segment, x, y)
                xs.append(x.value)
                ys.append(y.value)
            slack = 0.2
            if not xs or not (
                segments <= 6
                and min(xs) <= left.value + slack
                and max(xs) >= right.value - slack
                and min(ys) <= bottom.value + slack
                and max(ys) >= top.value - slack
            ):
                if xs:
                    self._cut(address(item), matrix, min(xs), min(ys), max(xs), max(ys))
                cut = True
        return cut

    def _cut(self, at: int, matrix: Matrix, left: float, bottom: float, right: float, top: float) -> None:
        """Keeps the box of a clip, of several what they leave."""
        a, b, c, d, e, f = matrix
        box = self.frame.box(
            a * left + c * bottom + e, b * left + d * bottom + f, a * right + c * top + e, b * right + d * top + f
        )
        x0, y0, x1, y1 = self.objects.clips.get(at, box)
        self.objects.clips[at] = max(x0, box[0]), max(y0, box[1]), min(x1, box[2]), min(y1, box[3])

    def _path(self, item: Any, matrix: Matrix) -> None:
        count = pdfium.FPDFPath_CountSegments(item)
        self._count(count)
        fill, stroke = ctypes.c_int(), ctypes.c_int()
        pdfium.FPDFPath_GetDrawMode(item, fill, stroke)
        if not fill.value and not stroke.value:
            return
        red, green, blue, alpha = _colour(pdfium.FPDFPageObj_GetFillColor, item)
        x, y = ctypes.c_float(), ctypes.c_float()
        line: list[tuple[float, float]] = []
        straight = True
        for index in range(count):
            segment = pdfium.FPDFPath_GetPathSegment(item, index)
            kind = pdfium.FPDFPathSegment_GetType(segment)
            pdfium.FPDFPathSegment_GetPoint(segment, x, y)
            a, b, c, d, e, f = matrix
            point = self.frame.point(a * x.value + c * y.value + e, b * x.value + d * y.value + f)
            if kind == pdfium.FPDF_SEGMENT_MOVETO:
                self._line(line, straight, bool(fill.value), bool(stroke.value), (red, green, blue), alpha)
                line, straight = [], True
            straight &= kind != pdfium.FPDF_SEGMENT_BEZIERTO
            if kind == pdfium.FPDF_SEGMENT_LINETO and stroke.value:
                self._rule(*line[-1], *point) if line else None
            line.append(point)
            if pdfium.FPDFPathSegment_GetClose(segment) and stroke.value and straight:
                self._rule(*line[-1], *line[0])
        self._line(line, straight, bool(fill.value), bool(stroke.value), (red, green, blue), alpha)

    def _line(
        self, line: list[tuple[float, float]], straight: bool, fill: bool, stroke: bool, colour: Colour, alpha: int
    ) -> None:
        """A finished sub-path: a thin filled one is a rule, a larger one an area."""
        if len(line) < 2 or not fill or alpha < 8:
            return
        xs, ys = [x for x, _ in line], [y for _, y in line]
        box = (min(xs), min(ys), max(xs), max(ys))
        if min(box[2] - box[0], box[3] - box[1]) <= THIN:
            self._thin(box)
            return
        self._cover()
        self.grounds.add(colour)
        edges = {(round(x, 1), round(y, 1)) for x, y in line}
        drawn = not straight or len(edges) > 4
        if drawn and max(box[2] - box[0], box[3] - box[1]) <= _LARGEST_MARK and len(self.drawn.marks) < MAX_RULES:
            self.drawn.marks.append(box)
        if not stroke and straight and len(edges) == 4 and self._contrasts(box, colour):
            x0, y0, x1, y1 = box
            for edge in ((x0, y0, x1, y0), (x0, y1, x1, y1), (x0, y0, x0, y1), (x1, y0, x1, y1)):
                self._rule(*edge)

    def _contrasts(self, box: Box, colour: Colour) -> bool:
        """Whether an area differs from the ground it is painted on."""
        ground: Colour = (255, 255, 255)
        middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        if len(self.fills) > _MOST_FILLS:
            return False
        for (x0, y0, x1, y1), other in reversed(self.fills):
            if x0 <= middle[0] <= x1 and y0 <= middle[1] <= y1:
                ground = other
                break
        self.fills.append((box, colour))
        return _distance(ground, colour) >= _CONTRAST

    def _thin(self, box: Box) -> None:
        x0, y0, x1, y1 = box
        if x1 - x0 <= THIN and y1 - y0 <= THIN:  # a dot of a dotted line: either way
            self._add((x0, y0, x1, y1))
        elif x1 - x0 > y1 - y0:
            self._add((x0, (y0 + y1) / 2, x1, (y0 + y1) / 2))
        else:
            self._add(((x0 + x1) / 2, y0, (x0 + x1) / 2, y1))

    def _rule(self, x0: float, y0: float, x1: float, y1: float) -> None:
        wide, high = abs(x1 - x0), abs(y1 - y0)
        if min(wide, high) <= min(1.0, 0.05 * max(wide, high)):
            self._thin((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)))

    def _add(self, rule: Box) -> None:
        if len(self.drawn.rules) >= MAX_RULES:
            raise too_large("more ruling lines on a page")
        self.drawn.rules.append(rule)

    def _corners(self, matrix: Matrix) -> Box:
        a, b, c, d, e, f = matrix
        points = [self.frame.point(a * x + c * y + e, b * x + d * y + f) for x, y in ((0, 0), (1, 0), (0, 1), (1, 1))]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        return min(xs), min(ys), max(xs), max(ys)


def _distance(one: Colour, other: Colour) -> int:
    """How far two colours are apart, in the channel in which they differ most."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def _matrix(item: Any) -> Matrix:
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(item, matrix)
    return matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f


def _colour(get: Any, item: Any) -> tuple[int, int, int, int]:
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    return (red.value, green.value, blue.value, alpha.value) if get(item, red, green, blue, alpha) else (0, 0, 0, 255)
