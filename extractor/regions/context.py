"""What the report's own words say of where its body lies: names before the body's name, in the title block, below the
text, in the names of its governments and rules. What is said of somebody else does not count."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice

from extractor.regions.gazetteer import Division, Gazetteer, gazetteer, pattern
from extractor.regions.region import Span

_KINDS = "省市县区州盟旗"
_KIND = re.compile(f"[{_KINDS}]")
_HAN = re.compile("[一-鿿]")
# A name begins where no other word can reach into it: after these, or after no Chinese character at all.
_OPENS = frozenset("在由向是为与和及对于据按照本我经从至到给受被省市县区州盟府委年的自实彻行")
# A superior: 按照中阳县政府的要求, 《江苏省…条例》.
_ABOVE = re.compile(r"(?:按照|根据|依据|依照|遵照|落实|贯彻|执行|按)[^\n。,;]{0,4}$|《$")
_MOST = 40  # mentions and occurrences looked at; a page that lists all cities decides nothing
_HEAD, _TAIL = 1500, 400


@dataclass(frozen=True, slots=True)
class Mention:
    """Divisions that a name in the text may mean; `strong`: it stands where a body names its own place."""

    divisions: tuple[Division, ...]
    span: Span
    strong: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A report's words: `norm` is the document's normalised text, traditional characters folded where it has them; the
    report is [start, end), its first table begins at `table`."""

    norm: str
    start: int
    end: int
    table: int
    year: int | None
    own: str = ""  # the body's own division or town: what its name holds says nothing more of it

    @property
    def head_end(self) -> int:
        """Where the title block ends: at the first section's heading, if the text has one."""
        limit = min(self.table, self.start + _HEAD)
        heading = self.norm.find("总体情况", self.start, limit)
        return heading if heading >= 0 else limit

    def occurrences(self, name: str) -> list[int]:
        """Where the name stands in the report."""
        found: list[int] = []
        at = self.norm.find(name, self.start, self.end)
        while at >= 0 and len(found) < _MOST:
            found.append(at)
            at = self.norm.find(name, at + 1, self.end)
        return found

    def spread(self, name: str) -> Span | None:
        """The first place of the name, its characters perhaps apart (headings are)."""
        at = self.norm.find(name, self.start, self.end)
        if at >= 0:
            return at, at + len(name)
        match = re.compile(r"[\s#*|]*".join(map(re.escape, name))).search(self.norm, self.start, self.end)
        return match.span() if match else None

    def before(self, at: int) -> tuple[list[Division], Span] | None:
        """The division whose name ends at `at`, in full, or a city's or province's without its kind."""
        book = gazetteer()
        for names in (book.names, book.bare):
            for begin in range(max(self.start, at - book.longest), at - 1):
                divisions = book.at(names.get(self.norm[begin:at], ()), self.year)
                if divisions:
                    return divisions, (begin, at)
        return None

    def foreign(self, at: int) -> bool:
        """Whether the words before say that it is somebody else's place."""
        line = max(self.norm.rfind("\n", self.start, at), self.norm.rfind("。", self.start, at)) + 1
        return bool(_foreign().search(self.norm, max(line, at - 24, self.start), at))

    def line_of(self, at: int) -> str:
        begin = self.norm.rfind("\n", self.start, at) + 1
        end = self.norm.find("\n", at, self.end)
        return self.norm[max(begin, self.start) : end if end >= 0 else self.end]

    def mentions(self) -> Iterator[Mention]:
        """Divisions named in full in the words outside the tables: title block and last lines, then the text."""
        head = self.head_end
        tail = max(self.table, self.end - _TAIL)
        yield from self._mentions(self.start, head, True)
        yield from self._mentions(tail, self.end, True)
        yield from self._mentions(head, min(self.table, head + 12000), False)

    def _mentions(self, low: int, high: int, edge: bool) -> Iterator[Mention]:
        book, norm, last = gazetteer(), self.norm, low
        for kind in _KIND.finditer(norm, low, high):
            end = kind.end()
            found = self._ending(book, max(last, end - book.longest), end)
            if found is None:
                continue
            divisions, begin = found
            last = end
            inside = self.own and norm.startswith(self.own, begin) and end - begin < len(self.own)
            if inside or self.foreign(begin):
                continue
            line = self.line_of(begin) if edge else ""
            strong = edge and "。" not in line and len(line) <= 120
            strong = strong or bool(_ABOVE.search(norm[max(low, begin - 8) : begin]))
            yield Mention(tuple(divisions), (begin, end), strong)

    def _ending(self, book: Gazetteer, low: int, end: int) -> tuple[list[Division], int] | None:
        norm = self.norm
        for begin in range(low, end - 1):
            divisions = book.names.get(norm[begin:end])
            if not divisions:
                continue
            alive = book.at(divisions, self.year)
            before = norm[begin - 1 : begin] if begin else ""
            if alive and (not _HAN.match(before) or before in _OPENS):
                return alive, begin
            return None
        return None


@cache
def _foreign() -> re.Pattern[str]:
    return re.compile(pattern("foreign"))


@dataclass(frozen=True, slots=True)
class Support:
    """The candidates that the words leave: none where they contradict each other. `sure`: something speaks for them,
    in a place that counts; `spans`: what."""

    kept: tuple[Division, ...]
    sure: bool
    spans: tuple[Span, ...]


def adjacent(page: Page, name: str, candidates: Sequence[Division]) -> Support:
    """What stands directly before the body's own name: 徐州市鼓楼区."""
    kept, spans = list(candidates), list[Span]()
    for divisions, span in _before(page, name):
        held = [c for c in kept if _speaks_for(divisions, c)]
        if not held and page.norm[span[1] - 1] in _KINDS and _opens(page, span[0]):
            return Support((), False, (span,))
        if held and (len(held) < len(kept) or not spans):
            kept = held
            spans.append(span)
    return Support(tuple(kept), bool(spans), tuple(spans[:3]))


def _before(page: Page, name: str) -> Iterator[tuple[list[Division], Span]]:
    for at in page.occurrences(name):
        found = page.before(at)
        if found is not None and not page.foreign(found[1][0]):
            yield found


def enclosing(page: Page, name: str) -> Support:
    """The divisions that are named directly before the name: 中阳县 in 中阳县宁乡镇, 中阳县教育局."""
    found: dict[str, Division] = {}
    spans: list[Span] = []
    for divisions, span in _before(page, name):
        if page.norm[span[1] - 1] in _KINDS and _opens(page, span[0]):
            found.update({division.code: division for division in divisions})
            spans.append(span)
    return Support(tuple(found.values()), len(found) == 1, tuple(spans[:1]))


def around(page: Page, candidates: Sequence[Division], of_town: bool) -> Support:
    """What the rest of the report names: of the candidates those that all telling mentions agree with. A mention of the
    candidate itself tells nothing of a division, but of a town."""
    kept, spans, strong = list(candidates), list[Span](), False
    for mention in islice(page.mentions(), 4 * _MOST):
        own = any(division.code == c.code for division in mention.divisions for c in candidates)
        if own and not of_town:
            continue
        held = [c for c in kept if _speaks_for(mention.divisions, c)]
        if held and (len(held) < len(kept) or (len(kept) == 1 and mention.strong and not strong)):
            kept = held
            strong = strong or mention.strong
            spans.append(mention.span)
        elif not held and (mention.strong or any(_speaks_for(mention.divisions, c) for c in candidates)):
            return Support((), False, (mention.span,))
    return Support(tuple(kept), strong, tuple(spans[:3]))


def _speaks_for(divisions: Iterable[Division], candidate: Division) -> bool:
    return any(division.holds(candidate) for division in divisions)


def _opens(page: Page, at: int) -> bool:
    before = page.norm[at - 1 : at] if at else ""
    return not _HAN.match(before) or before in _OPENS


_BODY_LINE = re.compile(
    r"^[ \t*#]*([一-鿿 ]{3,30}?(?:政府|办公室|办公厅|办事处|委员会|管委会|局|厅|委|[省市县区州盟旗镇乡]))[ \t]*$",
    re.MULTILINE,
)


def signatures(page: Page) -> Iterator[str]:
    """Last lines that are nothing but a body's name."""
    for match in _BODY_LINE.finditer(page.norm, max(page.table, page.end - _TAIL), page.end):
        yield match[1].replace(" ", "")


_OURS = re.compile("[我本](?P<own>省|市|县|镇|乡|街道)(?![级直])|全(?P<whole>市|县)")


def ours(page: Page) -> frozenset[str]:
    """What kind of place the report calls its own: 我县, 本镇, 全市."""
    before = _OURS.finditer(page.norm, page.start, page.table)
    after = _OURS.finditer(page.norm, max(page.table, page.end - 6000), page.end)
    return frozenset(match["own"] or match["whole"] for match in chain(before, after))
