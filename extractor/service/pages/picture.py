"""A page of a PDF as a PNG. `draw` runs in the sandbox (document/sandbox.py), `page_picture` calls it."""

from __future__ import annotations

import atexit
import base64
import ctypes
import struct
import zlib
from dataclasses import dataclass
from typing import Any

from extractor.document.sandbox import Sandbox
from extractor.errors import InputError

_DPI = 110.0
_MOST = 4_000_000  # pixels of one picture
_SECONDS = 20.0
_sandbox = Sandbox(seconds=_SECONDS)
atexit.register(_sandbox.close)


@dataclass(frozen=True, slots=True)
class Picture:
    """A page's picture; `width` and `height` are the page's in points, as cells' boxes count."""

    png: bytes
    width: float
    height: float


def page_picture(data: bytes, page: int) -> Picture:
    """One page, from 1, of a PDF. Errors: InputError (no such page, damaged, too slow, too large)."""
    found = _sandbox.run("page", data, page=page)
    return Picture(base64.b64decode(found["png"]), found["width"], found["height"])


def page_size(data: bytes, page: int) -> tuple[float, float]:
    """Width and height of a page in points. Errors: as `page_picture`."""
    found = _sandbox.run("page", data, page=page, picture=False)
    return found["width"], found["height"]


def draw(data: bytes, page: int, picture: bool = True) -> dict[str, Any]:
    """The sandbox's task. Nothing of the PDF is carried out: forms and scripts are not loaded."""
    import pypdfium2.raw as pdfium

    buffer = ctypes.create_string_buffer(data, len(data))
    document = pdfium.FPDF_LoadMemDocument64(buffer, len(data), None)
    if not document:
        raise InputError("malformed", "The PDF cannot be opened.", "Look at the text beside it.")
    try:
        if not 1 <= page <= pdfium.FPDF_GetPageCount(document):
            raise InputError("no_page", f"The PDF has no page {page}.", "Choose another page.")
        opened = pdfium.FPDF_LoadPage(document, page - 1)
        if not opened:
            raise InputError("malformed", f"Page {page} cannot be opened.", "Look at the text beside it.")
        try:
            return _drawn(pdfium, opened, picture)
        finally:
            pdfium.FPDF_ClosePage(opened)
    finally:
        pdfium.FPDF_CloseDocument(document)


def _drawn(pdfium: Any, page: Any, picture: bool) -> dict[str, Any]:
    width, height = pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page)
    if not (0 < width < 20_000 and 0 < height < 20_000):
        raise InputError("malformed", "The page has no size.", "Look at the text beside it.")
    size: dict[str, Any] = {"width": width, "height": height}
    if not picture:
        return size
    scale = min(_DPI / 72, (_MOST / (width * height)) ** 0.5)
    across, down = max(1, int(width * scale)), max(1, int(height * scale))
    bitmap = pdfium.FPDFBitmap_CreateEx(across, down, pdfium.FPDFBitmap_Gray, None, 0)
    try:
        pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, across, down, 0xFFFFFFFF)
        pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, across, down, 0, pdfium.FPDF_ANNOT)
        stride = pdfium.FPDFBitmap_GetStride(bitmap)
        pixels = ctypes.string_at(pdfium.FPDFBitmap_GetBuffer(bitmap), stride * down)
    finally:
        pdfium.FPDFBitmap_Destroy(bitmap)
    rows = b"".join(b"\0" + pixels[row * stride : row * stride + across] for row in range(down))
    return size | {"png": base64.b64encode(_png(across, down, rows)).decode()}


def _png(width: int, height: int, rows: bytes) -> bytes:
    """A grey picture of 8 bits; `rows` have their filter byte before them."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 6)) + chunk(b"IEND", b"")
