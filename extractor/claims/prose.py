"""The narrative as sentences: wrapped lines joined, rows of tables and page furniture left out, positions kept."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# A sentence that is longer is no prose: it is cut, so that no step is worse than linear.
LONGEST = 800

_CHUNK = re.compile(r"[^\s\"'*#>`]+")
_CELL_BREAK = re.compile(r"[|\t]")
_WIDE_GAP = re.compile(r"\S {3,}\S")
_PUNCTUATION = re.compile(r"[,。;:!?]")
_HEADING = re.compile(r"[^,。;:]{2,40}(?:情况|事项|公开|申请|建设|保障|管理|方面|改进|诉讼|复议)[*\s]*")
_CJK = re.compile(r"[一-鿿]")
_PAGE = re.compile(r"[-\s]*(?:第\s*)?\d{1,4}(?:\s*页)?(?:\s*[,/]?\s*共\s*\d+\s*页)?[-\s]*")
_MARKER = re.compile(
    r"[\s#*>\"]*(?:[-•·●■◆▪○①-⑳]\s|[①-⑳]|[一二三四五六七八九十]{1,3}[、.]|[(][一二三四五六七八九十\d]{1,3}[)]"
    r"|\d{1,2}(?:[.](?!\d)|[、)])|第[一二三四五六七八九十]{1,3}[,、:]|[一二三四五六七八九]是|[-*]\s)"
)
# No heading and no cell ends so: the line was wrapped.
_BROKEN = re.compile(
    r"(?:未收?|没有|收到?|受理|新收|办|予以?|不予|结|政|府信|信息公|政府信息|申|因|和|的|为|与|及|对|将|在|向|共|本|全|各|被|由|至|了|是|有)$"
)
_END = "。!?"
_SENTENCE = re.compile(rf"[^。!?]{{0,{LONGEST}}}[。!?]|[^。!?]{{1,{LONGEST}}}")


@dataclass(slots=True)
class Sentence:
    """A sentence without white space; `opens` says that a paragraph or list item begins with it."""

    text: str
    opens: bool
    begin: int
    paragraph: _Paragraph

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span in the stored text of characters [start, end) of the sentence."""
        return self.paragraph.place(self.begin + start), self.paragraph.place(self.begin + end - 1) + 1


class _Paragraph:
    """Chunks of text put together, with the place each came from."""

    __slots__ = ("clauses", "heading", "length", "parts", "places", "starts")

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.starts: list[int] = []
        self.places: list[int] = []
        self.length = 0
        self.clauses = False
        self.heading = False

    def add(self, norm: str, start: int, end: int) -> None:
        """Adds a line or a part of one."""
        if not self.parts and end - start < 60:
            marked = _MARKER.match(norm, start)
            self.heading = bool(marked and _HEADING.fullmatch(norm, marked.end(), end))
        last = -1
        for match in _CHUNK.finditer(norm, start, end):
            chunk = match.group()
            place = match.start()
            if last >= 0 and chunk[0].isdigit() and self.parts[-1][-1].isdigit() and norm[last].isspace():
                self._put(" ", last)
            self._put(chunk, place)
            last = place + len(chunk)
        if not self.clauses:
            self.clauses = _PUNCTUATION.search(norm, start, end) is not None

    def _put(self, chunk: str, place: int) -> None:
        self.parts.append(chunk)
        self.starts.append(self.length)
        self.places.append(place)
        self.length += len(chunk)

    def place(self, index: int) -> int:
        """The place in the stored text of a character."""
        at = bisect_right(self.starts, index) - 1
        return self.places[at] + index - self.starts[at]

    def sentences(self) -> Iterator[Sentence]:
        """The paragraph's sentences; one that is too long is cut."""
        for match in _SENTENCE.finditer("".join(self.parts)):
            begin = match.start()
            yield Sentence(match.group(), begin == 0, begin, self)


def sentences(norm: str, spans: Sequence[tuple[int, int]]) -> Iterator[Sentence]:
    """The sentences of the narrative in `spans`, in order."""
    for begin, stop in spans:
        paragraph = _Paragraph()
        for start, end in _lines(norm, begin, stop):
            if norm[start:end].isspace() or start == end:
                continue
            pieces = _prose(norm, start, end)
            if not pieces:
                if not _PAGE.fullmatch(norm, start, end):
                    yield from paragraph.sentences()
                    paragraph = _Paragraph()
                continue
            for piece_start, piece_end in pieces:
                if not _continues(paragraph, norm, piece_start):
                    yield from paragraph.sentences()
                    paragraph = _Paragraph()
                paragraph.add(norm, piece_start, piece_end)
        yield from paragraph.sentences()


def _lines(norm: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end:
        stop = norm.find("\n", start, end)
        stop = end if stop < 0 else stop
        yield start, stop
        start = stop + 1


def _prose(norm: str, start: int, end: int) -> list[tuple[int, int]]:
    """The parts of a line that are running text: the line, or those of its cells that hold sentences."""
    if not _CELL_BREAK.search(norm, start, end):
        if end - start < 60 and _PAGE.fullmatch(norm, start, end):
            return []
        if _WIDE_GAP.search(norm, start, end) and not _PUNCTUATION.search(norm, start, end):
            return []
        return [(start, end)]
    cells, begin = [], start
    for match in _CELL_BREAK.finditer(norm, start, end):
        cells.append((begin, match.start()))
        begin = match.end()
    cells.append((begin, end))
    return [
        (a, b)
        for a, b in cells
        if b - a >= 15 and re.search("[,。;]", norm[a:b]) and len(_CJK.findall(norm[a : a + 80])) >= 8
    ]


def _continues(paragraph: _Paragraph, norm: str, start: int) -> bool:
    """Whether a line goes on with the sentence before it."""
    if not paragraph.parts:
        return True
    last = paragraph.parts[-1][-1]
    if paragraph.heading or last in _END or _MARKER.match(norm, start):
        return False
    return paragraph.clauses or last in ",、;:" or paragraph.length >= 22 or bool(_BROKEN.search(paragraph.parts[-1]))
