"""Where one report ends and the next begins: the towns of a county in one file, or the years of one body.

The form's tables come in order, so a table that comes at or before the one preceding it opens a new report; so does
the heading of section one between two tables. The cut is made where the file itself marks it: a title, a heading, a
line that is nothing but a name. Where it marks nothing the reports stay together and in doubt: a number under
another's name is the worst that can happen.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from extractor.form import FORM, fold
from extractor.reader.anchors import begins_line, first_at
from extractor.reader.labels import Hit, ordinal_start

_TITLE = re.compile(r"^[^\n。]{0,60}?年[^\n。]{0,30}?信息公开[^\n。《》]{0,12}报告[^\n。]{0,12}?[ \t|]*$", re.MULTILINE)
_YEAR_FIRST = re.compile(r"[\s#*|]*20\d\d\s*年")
_EDGES = " \t#*|"
_RANKS = "人民政府|办公室|办公厅|委员会|管委会|办事处|街道|厅|局|省|市|县|区|旗|盟|州|乡|镇"
_NUMBER = re.compile(r"(?:附件\s*\d*|[(]?[一二三四五六七八九十\d]{1,3}[)、.])[\s:]*")
_NAME = re.compile(rf"[一-鿿]{{1,26}}(?:{_RANKS})|20\d\d\s*年度?")
# The title of a collection: it is of all the reports under it and of none of them.
_OF_ALL = re.compile(r"汇编|汇总|合集|合订|对比|比较|各(?:乡|镇|街道|部门|单位|县|区|市|局)")
_NO_NAME = re.compile(r"公开|申请|信息|行政(?!区)|报告|情况|附件|目录|诉讼|复议")
_HEADS = ("field", "furniture", "column", "outcome", "block")
_ORDER = {section.key: number for number, section in enumerate(FORM.sections)}
# Sections that follow a title and are no list of contents.
_HEADINGS = 2


@dataclass(frozen=True, slots=True)
class Part:
    """One report's [start, end); `doubtful` where another one may be in it; `named` is the line that names it where no
    title does."""

    start: int
    end: int
    doubtful: bool = False
    named: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class _Table:
    kind: int  # 0, 1, 2 in the form's order
    start: int
    end: int


@dataclass(slots=True)
class _Cut:
    at: int
    named: tuple[int, int] | None = None


def parts_of(norm: str, hits: list[Hit], chains: list[list[Hit]]) -> list[Part]:
    """The reports in a text, in order; one Part where it holds one, or none. `chains` are its tables 3."""
    tables = _all_tables(hits, chains)
    finder = _Finder(norm, hits, tables)
    cuts: list[_Cut] = []
    doubts: list[int] = []
    for before, table in itertools.pairwise(tables):
        overviews = finder.headings(before.end, table.start, "overview")
        if table.kind > before.kind and not overviews:
            if finder.is_strange(cuts[-1].at if cuts else 0, before.end, table.start):
                doubts.append(table.start)
            continue
        cut = finder.cut(before, table, overviews)
        if cut is None:
            doubts.append(table.start)
        else:
            cuts.append(cut)
    if cuts and all(cut.named for cut in cuts) and finder.opening is not None:
        cuts.insert(0, _Cut(finder.opening[0], finder.opening))  # what stands over the first name is of all of them
    elif not cuts and finder.names_others():
        cuts.insert(0, _Cut(0, finder.opening))
    elif cuts and not doubts and finder.is_title_of_all(cuts):
        cuts.insert(0, _Cut(finder.headings(0, tables[0].start, "overview")[-1]))
    else:
        cuts.insert(0, _Cut(0))
    cuts = finder.without_tables(cuts)
    return [
        Part(cut.at, end, any(cut.at <= doubt < end for doubt in doubts), cut.named)
        for cut, end in zip(cuts, [*(cut.at for cut in cuts[1:]), len(norm)], strict=True)
    ]


class _Finder:
    """What marks the beginning of a report in one text."""

    def __init__(self, norm: str, hits: list[Hit], tables: Sequence[_Table]) -> None:
        self._norm, self._hits, self._tables = norm, hits, tables
        self._titles = [(m.start(), fold(m.group())) for m in _TITLE.finditer(norm)] if tables else []
        self._sections = [
            (ordinal_start(norm, hit.start)[0], hit.key)
            for hit in hits
            if tables and hit.kind == "section" and begins_line(norm, hit.start)
        ]
        self.opening = self._name_before(self._begin(0, tables[0]), 0) if tables else None
        tail = tables[-1].end if tables else len(norm)
        # A name with sections under it opens a report, one that prints no table.
        self._closing = any(
            not self._has_sections(at, len(norm)) for at, _ in self.names(tail, min(len(norm), tail + 5000))
        )

    def titles(self, start: int, end: int) -> list[tuple[int, str]]:
        """Titles of reports that stand alone on their line, with their words folded."""
        return [title for title in self._titles if start <= title[0] < end]

    def names(self, start: int, end: int) -> list[tuple[int, str]]:
        """The same of lines that are nothing but a name."""
        found = filter(None, map(self._name_at, self._lines(start, end)))
        return [(at, fold(self._norm[at:stop])) for at, stop in found]

    def headings(self, start: int, end: int, key: str = "") -> list[int]:
        """Section headings that begin a line."""
        return [at for at, found in self._sections if start <= at < end and (not key or found == key)]

    def is_strange(self, part: int, start: int, end: int) -> bool:
        """Whether another report's title or name stands between two tables that follow in the form's order."""
        own = [words for _, words in self.titles(part, start)]
        if own and any(words not in own for _, words in self.titles(start, end)):
            return True
        names = {words for _, words in self.names(start, end)}
        head = fold(self._norm[part : self._tables[0].start if part == 0 else start][:6000])
        return any(name not in head for name in names)

    def cut(self, before: _Table, table: _Table, overviews: list[int]) -> _Cut | None:
        """Where the report of `table` begins, behind the table `before`; None where the text does not say."""
        starts = [at for at, _ in self.titles(before.end, table.start)]
        if starts:
            under = [at for at in starts if overviews and at <= overviews[-1]]
            at = max(under) if under else starts[0]
            # A title in two lines: the name, then the year.
            name = self._name_before(at, before.end) if _YEAR_FIRST.match(self._norm, at) else None
            return _Cut(name[0] if name else at)
        at = self._begin(before.end, table)
        name = self._name_before(at, before.end)
        if name is not None:
            # The same line may close a report or open one: as the file's first and last lines have it.
            opens = self.opening is not None and not self._closing
            if opens and (overviews or table.kind == 0 or self._one_kind()):
                return _Cut(name[0], name)
            return None if self.opening is not None or not overviews else _Cut(at)
        if self.opening is not None and self.names(before.end, at):
            return None
        return _Cut(at) if overviews else None

    def is_title_of_all(self, cuts: list[_Cut]) -> bool:
        """Whether the one title there is stands over a collection, and not over its first report."""
        over = self.titles(0, self._tables[0].start)
        if not over or not self.headings(over[-1][0], self._tables[0].start, "overview"):
            return False
        ends = [*(cut.at for cut in cuts[1:]), len(self._norm)]
        others = any(cut.named or self.titles(cut.at, end) for cut, end in zip(cuts, ends, strict=True))
        return not others and (len(cuts) > 1 or bool(_OF_ALL.search(over[-1][1])))

    def names_others(self) -> bool:
        """Whether a report that prints no table goes before or after the only one that does, each under its name."""
        if self.opening is None or self._titles:
            return False
        first, last = self._tables[0].start, self._tables[-1].end
        names = self.names(0, first) + self.names(last, len(self._norm))
        own = fold(self._norm[slice(*self.opening)])
        return any(
            words != own and self._has_sections(at, first if at < first else len(self._norm)) for at, words in names
        )

    def without_tables(self, cuts: list[_Cut]) -> list[_Cut]:
        """The cuts, and those of reports that print no table: a title of their own, with sections under it."""
        found = list(cuts)
        for cut, end in zip(cuts, [*(cut.at for cut in cuts[1:]), len(self._norm)], strict=True):
            inside = [table for table in self._tables if cut.at <= table.start < end]
            if not inside:
                continue
            marks = self.names if cut.named else self.titles
            over, behind = marks(cut.at, inside[0].start), marks(inside[-1].end, end)
            own = over[-1][1] if over else None
            for (at, words), following in itertools.pairwise([*over, (inside[0].start, "")]):
                if words not in (own, following[1]) and self._has_sections(at, following[0]):
                    found.append(_Cut(following[0], self._name_at_line(following[0]) if cut.named else None))
            for (at, words), following in itertools.pairwise([*behind, (end, "")]):
                if own is not None and words != own and self._has_sections(at, following[0]):
                    found.append(_Cut(at, self._name_at_line(at) if cut.named else None))
        return sorted(found, key=lambda cut: cut.at)

    def _has_sections(self, start: int, end: int) -> bool:
        return len({key for at, key in self._sections if start <= at < end}) >= _HEADINGS

    def _name_at_line(self, at: int) -> tuple[int, int] | None:
        end = self._norm.find("\n", at)
        return self._name_at((at, end if end >= 0 else len(self._norm)))

    def _one_kind(self) -> bool:
        return len({table.kind for table in self._tables}) == 1

    def _begin(self, floor: int, table: _Table) -> int:
        """Where the report of a table begins, a title aside: its first section's heading, or the table's own heads."""
        overviews = self.headings(floor, table.start, "overview")
        if overviews:
            return overviews[-1]
        at, last = table.start, len(_ORDER)
        for heading, key in reversed([section for section in self._sections if floor <= section[0] < table.start]):
            if _ORDER[key] >= last:
                return at
            at, last = heading, _ORDER[key]
        return at if at < table.start else self._head(floor, table)

    def _head(self, floor: int, table: _Table) -> int:
        """The start of the line on which the heads over a table begin."""
        first, end = first_at(self._hits, max(floor, table.start - 600)), first_at(self._hits, table.start)
        heads = [hit.start for hit in self._hits[first:end] if hit.kind in _HEADS or hit.key == "第二十条第"]
        return max(floor, self._norm.rfind("\n", 0, min(heads, default=table.start)) + 1)

    def _lines(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The lines that begin in [start, end)."""
        at = start if not start or self._norm[start - 1] == "\n" else self._norm.find("\n", start) + 1 or end
        while at < end:
            stop = self._norm.find("\n", at)
            stop = len(self._norm) if stop < 0 else stop
            yield at, stop
            at = stop + 1

    def _name_before(self, at: int, floor: int) -> tuple[int, int] | None:
        """The last line before `at` that is not blank, where it is nothing but a name or a year."""
        end = floor + len(self._norm[floor:at].rstrip(" \t\n|#*"))
        start = max(floor, self._norm.rfind("\n", 0, end) + 1)
        return self._name_at((start, end)) if floor < end else None

    def _name_at(self, line: tuple[int, int]) -> tuple[int, int] | None:
        start, end = line
        if end - start > 200:
            return None
        words = self._norm[start:end].strip(_EDGES)
        number = _NUMBER.match(words)
        words = words[number.end() :] if number else words
        if not _NAME.fullmatch(words) or _NO_NAME.search(words):
            return None
        begin = self._norm.index(words, start)
        return begin, begin + len(words)


def _all_tables(hits: list[Hit], chains: list[list[Hit]]) -> list[_Table]:
    """Everything that looks like one of the three tables, in text order."""
    tables = [_Table(1, chain[0].start, chain[-1].end) for chain in chains]
    inside = [(table.start, table.end) for table in tables]
    order = [row.key for row in FORM.disclosure]
    run: list[Hit] = []
    heads: list[Hit] = []

    def close() -> None:
        own = [h for h in heads if run and run[0].start - 300 < h.start < run[-1].end]
        if len(run) >= 3 and len(own) >= 2 and any(h.key != "第二十条第" for h in own):
            tables.append(_Table(0, run[0].start, run[-1].end))

    for hit in hits:
        if hit.kind == "field" or hit.key in ("第二十条第", "信息内容"):
            heads.append(hit)
        elif hit.kind == "disclosure" and not any(a < hit.start < b for a, b in inside):
            if run and (order.index(hit.key) <= order.index(run[-1].key) or hit.start - run[-1].end > 600):
                close()
                run = []
            run.append(hit)
    close()
    clusters: list[list[Hit]] = []
    for hit in hits:
        if hit.kind == "outcome":
            if clusters and hit.start - clusters[-1][-1].end <= 300:
                clusters[-1].append(hit)
            else:
                clusters.append([hit])
    # A table's heads name each outcome two or three times; a sentence about them names it once.
    tables += [_Table(2, c[0].start, c[-1].end) for c in clusters if len(c) >= 5]
    return sorted(tables, key=lambda table: table.start)
