"""PDF → blocks: what a person sees on the pages, in the order in which a person reads.

The file is taken apart in a child process (document/sandbox.py, formats/pdf_file.py). A page that is a picture gives
nothing unless a plug-in of the entry-point group `gouji.ocr` recognises its text (docs/formats.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points
from itertools import groupby
from typing import Any

from extractor.document import sandbox
from extractor.document.content import Block, Box, GridCell, Line, Notice, Stored, Table, lay_out
from extractor.errors import InputError

OCR_GROUP = "gouji.ocr"

# What the child tells of pages → rule of the notice, Chinese and English with the pages in place of {}.
_NOTICES = (
    (
        "without_text",
        "file.pages_without_text",
        "{}没有文字层（扫描的图像），其中的内容没有读到。",
        "{} without a text layer: what is in the picture was not read.",
    ),
    (
        "ocr",
        "file.ocr_layer",
        "{}的文字是图像识别的结果，不是印出的字。",
        "{}: the text is what OCR made of a picture, not what is printed.",
    ),
    (
        "left_out",
        "file.text_left_out",
        "{}有看不见的文字（与底色相同、被遮盖）或斜排的文字（水印），没有读。",
        "{}: text that cannot be seen (of the ground's colour, covered) or that runs aslant (watermarks) was not read.",
    ),
    (
        "unmapped",
        "file.unmapped_glyphs",
        "{}有的字形在字体里没有对应的字符，或被切去、划掉，读作“\ufffd”。",
        "{}: some glyphs have no character in their font, or are cut or struck out, and read as \ufffd.",
    ),
    (
        "pictures",
        "file.pictures",
        "{}有大幅图片，图片里的内容没有读。",
        "{}: large pictures; what is in them was not read.",
    ),
)


def read_pdf(data: bytes) -> Stored:
    """The stored text of a PDF, its figures' pages and boxes, and what to know of the file.

    Errors: InputError `encrypted`, `malformed`, `too_large`, `too_slow`, `no_text_layer` (every page is a picture),
    `ocr_failed` (a plug-in's fault).
    """
    found = sandbox.run("pdf", data)
    plugin = _plugin()
    if found["without_text"] and plugin is not None:
        words = {str(page): _recognized(plugin, data, page) for page in found["without_text"]}
        found = sandbox.run("pdf", data, words={page: of_page for page, of_page in words.items() if of_page})
    blocks = [_block(block) for block in found["blocks"]]
    if not blocks:
        raise _no_text(found)
    return lay_out(blocks, list(_notices(found)))


def _no_text(found: dict[str, Any]) -> InputError:
    pages = found["without_text"]
    if not pages:
        return InputError("no_text_layer", "The PDF's pages are blank.", "Look at it in a PDF program.")
    return InputError(
        "no_text_layer",
        f"{_english(pages)} of the PDF: pictures without text that can be read.",
        f"Recognise the text first (OCR), or install a plug-in of the entry-point group {OCR_GROUP} (docs/formats.md). "
        "A picture is never read by guess.",
    )


def _notices(found: dict[str, Any]) -> Iterable[Notice]:
    for name, code, chinese, english in _NOTICES:
        if found[name]:
            yield Notice(code, chinese.format(_chinese(found[name])), english.format(_english(found[name])))
    if found["damaged"]:
        yield Notice(
            "file.damaged",
            "文件已损坏或被截断，按能找到的部分读取，可能不完整。",
            "The file is damaged or cut off; what could be found was read and may be incomplete.",
        )


def _ranges(pages: Sequence[int]) -> list[tuple[int, int]]:
    runs = [list(run) for _, run in groupby(enumerate(sorted(set(pages))), key=lambda pair: pair[1] - pair[0])]
    return [(run[0][1], run[-1][1]) for run in runs]


def _chinese(pages: Sequence[int]) -> str:
    """`第1、3—5页`."""
    return "第" + "、".join(str(a) if a == b else f"{a}—{b}" for a, b in _ranges(pages)) + "页"


def _english(pages: Sequence[int]) -> str:
    """`Page 2`, `Pages 1, 3-5`."""
    text = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in _ranges(pages))
    return f"Page {text}" if len(set(pages)) == 1 else f"Pages {text}"


def _plugin() -> EntryPoint | None:
    """The installed plug-in that recognises text; of several the first by name."""
    return min(entry_points(group=OCR_GROUP), key=lambda point: point.name, default=None)


def _recognized(plugin: EntryPoint, data: bytes, page: int) -> list[list[Any]]:
    """A plug-in's words for one page, as the child takes them."""
    try:
        words = [(text, [float(edge) for edge in box]) for text, box in plugin.load()(data, page)]
        good = all(isinstance(text, str) and len(box) == 4 and all(map(math.isfinite, box)) for text, box in words)
    except Exception as error:  # whatever a plug-in raises fails this document only
        raise _ocr_failed(plugin, page, f"{type(error).__name__}: {error}") from error
    if not good:
        raise _ocr_failed(plugin, page, "words are (text, (left, top, right, bottom))")
    return [[" ".join(text.split()), *box] for text, box in words if text.strip()]


def _ocr_failed(plugin: EntryPoint, page: int, why: str) -> InputError:
    return InputError(
        "ocr_failed", f"The OCR plug-in {plugin.name} failed on page {page} ({why[:200]}).", "Mend or remove it."
    )


def _block(plain: dict[str, Any]) -> Block:
    if "rows" not in plain:
        return Line(plain["text"], plain["page"], _box(plain["box"]))
    return Table([[_cell(cell) for cell in row] for row in plain["rows"]])


def _cell(plain: dict[str, Any]) -> GridCell:
    inner = [_block(block) for block in plain["inner"]] if "inner" in plain else None
    return GridCell(
        plain["text"],
        colspan=plain["colspan"],
        rowspan=plain["rowspan"],
        page=plain["page"],
        box=_box(plain["box"]),
        inner=inner,
    )


def _box(edges: Sequence[float]) -> Box:
    left, top, right, bottom = edges
    return left, top, right, bottom
