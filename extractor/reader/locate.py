"""Which labels are the table: narrative and headings repeat the form's words, so a table is known by a chain of
its row labels in the form's order, together with what stands over it or in it. One report, one chain."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left
from dataclasses import dataclass, field

from extractor.form import FORM, GROUPS, REQUEST_ROWS, fold, group_all
from extractor.reader.labels import SHARED_ROWS, Hit, ordinal_start

# Two row labels of one table stand no further apart than this (page breaks and running headers included).
REACH = 4000
_ORDER = {key: index for index, key in enumerate(REQUEST_ROWS)}
_TITLE = re.compile(r"^[^\n。]{0,60}?年[^\n。]{0,30}?信息公开[^\n。《》]{0,12}报告[^\n。]{0,12}$", re.MULTILINE)
# What ends a figure in a sentence and never in a cell.
SENTENCE = re.compile(r"\d\s*[件项条份起宗次个][,、。;]|。")
_DATA = re.compile(r"\d")


@dataclass(slots=True)
class Anchor:
    """A label that carries cells: `start` includes its ordinal, `end` is where its data may begin."""

    key: str
    start: int
    end: int
    ordinal: bool
    exact: bool = True


@dataclass(slots=True)
class Region:
    """One table: its anchors in text order, bounds, and the labels inside that carry no cells."""

    start: int
    end: int
    anchors: list[Anchor] = field(default_factory=list)
    stops: list[int] = field(default_factory=list)
    header: list[Hit] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Layout:
    """Where the tables of one report lie in the document; a table that was not found is None."""

    start: int
    end: int
    hits: list[Hit]
    disclosure: Region | None = None
    requests: Region | None = None
    disputes: Region | None = None
    doubts: list[str] = field(default_factory=list)


def locate(norm: str, hits: list[Hit]) -> list[Layout]:
    """The reports in the text, in order; a single Layout where only one is there (or none at all)."""
    chains = _chains(norm, hits)
    bounds, interleaved = _bounds(norm, hits, chains)
    layouts = []
    for start, end in bounds:
        own = hits[_first_at(hits, start) : _first_at(hits, end)]
        layout = Layout(start, end, own)
        chain = next((chain for chain in chains if start <= chain[0].start < end), None)
        layout.requests = _requests(norm, own, chain, end) if chain else None
        layout.disputes = _disputes(norm, layout)
        layout.disclosure = _disclosure(norm, layout)
        if interleaved:
            layout.doubts.append("several_tables")
        layouts.append(layout)
    return layouts


def _first_at(hits: list[Hit], position: int) -> int:
    return bisect_left(hits, position, key=lambda hit: hit.start)


# ---------------------------------------------------------------- table 3


def _chains(norm: str, hits: list[Hit]) -> list[list[Hit]]:
    """The chains of row labels that are tables: one per report."""
    runs: list[list[Hit]] = []
    heads_since = False
    rows: list[Hit] = []
    for hit in hits:
        # A label printed again over its own merged cell (converters repeat it) is the same label.
        again = rows and hit.kind == "row" and rows[-1].key == hit.key
        again = again and not _DATA.search(norm, rows[-1].end, hit.start)
        if hit.kind in ("row", "column") and not again:
            rows.append(hit)
    for index, hit in enumerate(rows):
        heads_since |= hit.kind == "column"
        if hit.kind != "row":
            continue
        if runs and len(runs[-1]) > 2 and _is_stray(hit, runs[-1][-1], rows[index + 1 : index + 2]):
            continue
        follows = runs and _ORDER[hit.key] > _ORDER[runs[-1][-1].key] and hit.start - runs[-1][-1].end < REACH
        # Column heads between two labels: the first was narrative (in a table they stand over all labels).
        if follows and not (heads_since and len(runs[-1]) <= 2):
            runs[-1].append(hit)
        else:
            runs.append([hit])
        heads_since = False
    joined: list[list[Hit]] = []
    for run in runs:
        # A stray label (a decoy in a note, a doubled word) does not end a table: go on where the order goes on.
        for back in range(1, min(3, len(joined)) + 1):
            earlier = joined[-back]
            between = joined[len(joined) - back + 1 :]
            if (
                _ORDER[run[0].key] >= _ORDER[earlier[-1].key]
                and run[0].start - earlier[-1].end < REACH
                and all(len(stray) <= 2 for stray in between)
                and (len(run) > 1 or len(earlier) > 2)
                and (len(earlier) > 2 or not _heads_between(hits, earlier[-1].end, run[0].start))
                and (run[0].key != earlier[-1].key or run[0].start - earlier[-1].end < 200)
            ):
                # A doubled label, or one wrapped around its own figures: its data begin behind the first part.
                earlier.extend(run[1:] if run[0].key == earlier[-1].key else run)
                del joined[len(joined) - back + 1 :]
                break
        else:
            joined.append(list(run))
    return [run for run in joined if _is_table(norm, hits, run)]


def _is_stray(hit: Hit, last: Hit, following: list[Hit]) -> bool:
    """A label out of order (in a note behind a figure) after which the table goes on as if it were not there."""
    return (
        _ORDER[hit.key] <= _ORDER[last.key]
        and bool(following)
        and following[0].kind == "row"
        and _ORDER[following[0].key] > _ORDER[last.key]
        and following[0].start - last.end < REACH
    )


def _heads_between(hits: list[Hit], start: int, end: int) -> bool:
    return any(hit.kind == "column" for hit in hits[_first_at(hits, start) : _first_at(hits, end)])


def _is_table(norm: str, hits: list[Hit], run: list[Hit]) -> bool:
    """A chain is a table when the column heads stand over it, or when figures stand behind its labels as in cells."""
    if len(run) < 3:
        return False
    first = _first_at(hits, run[0].start)
    over = {
        hit.key
        for hit in hits[max(0, first - 24) : first]
        if run[0].start - hit.end < 600 and (hit.kind == "column" or hit.key in FORM.furniture["requests"])
    }
    prose = sum(
        1
        for here, following in itertools.pairwise(run)
        if SENTENCE.search(norm, here.end, min(following.start, here.end + 80))
    )
    if prose * 2 >= len(run) - 1:
        return False
    if len(over) >= 2:
        return True
    dense = 0
    for here, following in itertools.pairwise(run):
        between = norm[here.end : min(following.start, here.end + 200)]
        dense += sum(1 for _ in _DATA.finditer(between)) >= 7
    return len(run) >= 6 and dense * 2 >= len(run)


def _bounds(norm: str, hits: list[Hit], chains: list[list[Hit]]) -> tuple[list[tuple[int, int]], bool]:
    """Where each report begins and ends, and whether two tables could not be told apart.

    The form's tables come in order, so a table that comes at or before the one preceding it opens a new report; so
    does a title that is not the first one's (a running header repeats it) between two tables.
    """
    tables = _all_tables(hits, chains)
    cuts: list[int] = []
    for (before, first, first_end), (kind, second, _) in itertools.pairwise(tables):
        titles = _titles(norm, first_end, second)
        known = _titles(norm, cuts[-1] if cuts else 0, first)
        fresh = [at for at, words in titles if words not in {w for _, w in known}]
        if kind > before and not (fresh and known):
            continue
        overviews = [
            ordinal_start(norm, hit.start)[0]
            for hit in hits[_first_at(hits, first_end) : _first_at(hits, second)]
            if hit.kind == "section" and hit.key == "overview" and _begins_line(norm, hit.start)
        ]
        starts = [at for at, _ in titles]
        if overviews and any(at <= overviews[-1] for at in starts):
            cuts.append(max(at for at in starts if at <= overviews[-1]))
        elif starts:
            cuts.append(starts[0])
        elif overviews:
            cuts.append(overviews[-1])
        else:
            return [(0, len(norm))], True
    edges = [0, *cuts, len(norm)]
    return list(itertools.pairwise(edges)), False


def _begins_line(norm: str, position: int) -> bool:
    begun, numbered = ordinal_start(norm, position)
    return numbered or not norm[norm.rfind("\n", 0, begun) + 1 : begun].strip(" #*|\t")


def _titles(norm: str, start: int, end: int) -> list[tuple[int, str]]:
    return [(m.start(), fold(m.group())) for m in _TITLE.finditer(norm, start, end)]


def _all_tables(hits: list[Hit], chains: list[list[Hit]]) -> list[tuple[int, int, int]]:
    """(which of the three, start, end) of everything that looks like a table, in text order."""
    tables = [(1, chain[0].start, chain[-1].end) for chain in chains]
    inside = [(start, end) for _, start, end in tables]
    order = [row.key for row in FORM.disclosure]
    run: list[Hit] = []
    heads: list[Hit] = []

    def close() -> None:
        own = [h for h in heads if run and run[0].start - 300 < h.start < run[-1].end]
        if len(run) >= 3 and len(own) >= 2 and any(h.key != "第二十条第" for h in own):
            tables.append((0, run[0].start, run[-1].end))

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
    tables += [(2, c[0].start, c[-1].end) for c in clusters if len(c) >= 5]
    return sorted(tables, key=lambda table: table[1])


_ORDINALS = {row.key: row.ordinal for row in FORM.rows}
_WORDINGS = {row.key: row.wordings for row in FORM.rows}
# Letters that a merged label, chopped over the lines, may put between two parts of another.
_CHOPS = frozenset("三四五六本年度办理结果不予公开无法提供处其他")


def _anchor(norm: str, hit: Hit, key: str) -> Anchor:
    begin, end = _whole_label(norm, hit) if hit.kind == "row" else (hit.start, hit.end)
    if begin == hit.start and hit.kind == "row":
        # Found by a variant: letters of the label's own beginning right before it (1.属国家秘密) belong to it.
        head = _WORDINGS[key][0][:4]
        while begin and hit.start - begin < 4 and norm[begin - 1] in head:
            begin -= 1
    start, ordinal = ordinal_start(norm, begin, _ORDINALS.get(key, ""))
    if not ordinal:
        apart = _ordinal_apart(norm, begin, _ORDINALS.get(key, ""))
        if apart:
            return Anchor(key, *apart, ordinal=True)
    return Anchor(key, start, end, ordinal)


def _ordinal_apart(norm: str, start: int, ordinal: str) -> tuple[int, int] | None:
    """A label's number with the row's figures between it and its words (`（七）  0 0 0 …  总计`)."""
    if not ordinal:
        return None
    words = ordinal.strip("（）")
    number = rf"[(]\s*{words}\s*[)]" if ordinal != words else rf"(?<!\d){words}\s*[.、]"
    matches = list(re.finditer(number, norm[max(0, start - 160) : start]))
    if not matches:
        return None
    begin = max(0, start - 160) + matches[-1].start()
    end = max(0, start - 160) + matches[-1].end()
    between = norm[end:start]
    return (begin, end) if _DATA.search(between) and not _CJK.search(between) else None


_CJK = re.compile(r"[一-鿿]")


def _whole_label(norm: str, hit: Hit) -> tuple[int, int]:
    """A label found by its tail, taken back to its head where the text before it is that head.

    A label may be wrapped around its own figures (`4.无正当理由 0 0 0 … 大量反复申请`): its data then begin behind
    the first part.
    """
    word = fold(norm[hit.start : hit.end])
    for wording in _WORDINGS[hit.key]:
        at = wording.find(word)
        if at <= 0:
            continue
        position, skipped, end = hit.start, 0, hit.end
        for char in reversed(wording[:at]):
            while True:
                position -= 1
                if position < 0 or hit.start - position > 400:
                    return hit.start, hit.end
                found = norm[position]
                if found == char:
                    break
                if found == ")":
                    note = norm.rfind("(", max(0, position - 40), position)
                    if note >= 0 and len(_CJK.findall(norm, note, position)) >= 2:
                        position = note
                        continue
                if found.isdigit() or found in "零〇":
                    end = -1
                elif "一" <= found <= "鿿":
                    skipped += 1
                    if found not in _CHOPS or skipped > 8:
                        return hit.start, hit.end
            if end == -1:
                end = position + 1
        return position, end
    return hit.start, hit.end


def _requests(norm: str, hits: list[Hit], chain: list[Hit], limit: int) -> Region:
    """Table 3's anchors: the chain, the rows whose label is a common word, groups printed as rows."""
    anchors = {hit.key: _anchor(norm, hit, hit.key) for hit in chain}
    last = anchors[chain[-1].key]
    end = min(limit, last.end + REACH)
    for hit in hits[_first_at(hits, last.end) :]:
        is_next = hit.kind in ("section", "block", "outcome") or hit.key == "行政诉讼"
        if is_next and (last.key == "carried_out" or hit.kind == "section" or hit.key != "other"):
            end = min(end, ordinal_start(norm, hit.start)[0] if hit.kind == "section" else hit.start)
            break
    for key, word in SHARED_ROWS.items():
        found = _shared_row(norm, hits, anchors, key, word, end)
        if found:
            anchors[key] = found
    header = _header(hits, chain[0].start)
    region = Region(anchors[chain[0].key].start, end, header=header)
    region.anchors = sorted(anchors.values(), key=lambda a: a.start)
    _add_groups(norm, hits, region)
    return region


def _header(hits: list[Hit], start: int) -> list[Hit]:
    """The hits right over a chain that are the table's heads, back to the last label of something else."""
    header: list[Hit] = []
    for hit in reversed(hits[: _first_at(hits, start)]):
        own = hit.kind in ("column", "shared", "group") or hit.key in FORM.furniture["requests"]
        if (not own and (hit.kind, hit.key) != ("section", "requests")) or start - hit.end > 900:
            break
        header.append(hit)
        if hit.kind == "section":
            break
    return header[::-1]


def _shared_row(norm: str, hits: list[Hit], anchors: dict[str, Anchor], key: str, word: str, end: int) -> Anchor | None:
    """`3.其他` and `（七）总计`: words that also stand in the heads, so only a hit between its neighbours counts."""
    order = _ORDER[key]
    before = max((a.end for a in anchors.values() if _ORDER[a.key] < order), default=None)
    after = min((a.start for a in anchors.values() if _ORDER[a.key] > order), default=end)
    if before is None:
        return None
    found = [
        _anchor(norm, hit, key)
        for hit in hits[_first_at(hits, before) : _first_at(hits, after)]
        if hit.kind == "shared" and hit.key == word and not _heads_group(norm, hit)
    ]
    if key == "other.other":
        total = next((h for h in hits[_first_at(hits, before) : _first_at(hits, after)] if h.key == "total"), None)
        if total:
            found = [a for a in found if a.start < total.start]
    return next((a for a in reversed(found) if a.ordinal), found[-1] if found else None)


def _heads_group(norm: str, hit: Hit) -> bool:
    """（六）其他 with 处理 wrapped away is the group's label, not 3.其他."""
    return (hit.kind, hit.key) == ("shared", "other") and "六" in norm[ordinal_start(norm, hit.start)[0] : hit.start]


def _add_groups(norm: str, hits: list[Hit], region: Region) -> None:
    """A group's label before its first sub-row heads a row of its own or nothing; after it, it is a merged label."""
    starts = {a.key: a.start for a in region.anchors}
    for hit in hits[_first_at(hits, region.start) : _first_at(hits, region.end)]:
        if _heads_group(norm, hit):
            hit = hit._replace(kind="group")
        if hit.kind != "group":
            continue
        if hit.key == "outcome":
            region.stops.append(ordinal_start(norm, hit.start)[0])
            continue
        subs = [starts[row] for row in GROUPS[hit.key] if row in starts]
        later = [starts[row] for row in REQUEST_ROWS[_ORDER[GROUPS[hit.key][-1]] + 1 :] if row in starts]
        earlier = [starts[row] for row in REQUEST_ROWS[: _ORDER[GROUPS[hit.key][0]]] if row in starts]
        if (not subs or hit.start < min(subs)) and (not later or hit.start < min(later)):
            if earlier and hit.start < max(earlier):
                continue
            anchor = _anchor(norm, hit, group_all(hit.key))
            same = [a for a in region.anchors if a.key == anchor.key]
            if same:
                region.anchors.remove(same[0])
            region.anchors.append(anchor)
    region.anchors.sort(key=lambda a: a.start)


# ---------------------------------------------------------------- table 4


def _disputes(norm: str, layout: Layout) -> Region | None:
    """From the end of table 3 (or the section's heading) to section five."""
    hits = layout.hits
    floor = layout.requests.end if layout.requests else layout.start
    if not layout.requests:
        heads = [h for h in hits if h.kind == "outcome" or h.key in ("litigation_direct", "行政诉讼")]
        outcomes = [h for h in heads if h.kind == "outcome"]
        if len(outcomes) < 3:
            return None
        # The densest place: the first outcome that two others follow closely.
        for first, third in zip(outcomes, outcomes[2:], strict=False):
            if third.start - first.end < 200:
                near = [h.start for h in hits if first.start - 200 < h.start <= first.start and _heads_disputes(h)]
                floor = min(near)
                break
        else:
            return None
    end = layout.end
    inside = list(hits[_first_at(hits, floor) :])
    header: list[Hit] = []
    for hit in inside:
        if hit.kind == "section" and hit.key in ("problems", "other_matters") and _begins_line(norm, hit.start):
            end = ordinal_start(norm, hit.start)[0]
            break
        if hit.kind in ("outcome", "block") or hit.key in ("行政诉讼", "total"):
            header.append(hit)
    header = [h for h in header if h.start < end]
    if not any(h.kind in ("outcome", "block") for h in header):
        return None
    return Region(floor, end, header=header)


# ---------------------------------------------------------------- table 2


def _disclosure(norm: str, layout: Layout) -> Region | None:
    """The part where the heads of table 2 stand (信息内容, 本年制发件数, 第二十条第…), up to the next table."""
    hits = layout.hits
    if layout.requests:
        end = min([layout.requests.start, *(h.start for h in layout.requests.header if _heads_requests(h))])
    elif layout.disputes:
        end = layout.disputes.start
    else:
        end = layout.end
    before = hits[: _first_at(hits, end)]
    heads = [h for h in before if h.kind == "field" or h.key in ("第二十条第", "信息内容")]
    rows = [h for h in before if h.kind == "disclosure"]
    start = _dense_start(heads, rows)
    if start is None:
        return None
    for hit in hits[_first_at(hits, start) : _first_at(hits, end)]:
        begun, numbered = ordinal_start(norm, hit.start)
        rows_before = any(start < row.start < hit.start for row in rows)
        if hit.kind == "section" and hit.key != "disclosure" and rows_before and numbered:
            end = begun
            break
    region = Region(start, end, header=[h for h in before if h.start >= start and h.kind in ("field", "furniture")])
    order = [row.key for row in FORM.disclosure]
    last = -1
    for hit in rows:
        if not start <= hit.start < end or order.index(hit.key) <= last:
            continue
        last = order.index(hit.key)
        region.anchors.append(Anchor(hit.key, hit.start, hit.end, ordinal=False))
    region.stops = [
        ordinal_start(norm, h.start)[0] if h.kind == "section" else h.start
        for h in before
        if h.start >= start and h.kind in ("field", "furniture", "section")
    ]
    return region if region.anchors else None


def _heads_disputes(hit: Hit) -> bool:
    return hit.kind in ("block", "outcome") or hit.key == "行政诉讼" or (hit.kind, hit.key) == ("section", "disputes")


def _heads_requests(hit: Hit) -> bool:
    if hit.kind == "section":
        return hit.key == "requests"
    return hit.kind == "column" or hit.key in FORM.furniture["requests"]


def _dense_start(heads: list[Hit], rows: list[Hit]) -> int | None:
    """The last head that the table's rows follow closely in the form's order; without heads, the rows alone."""
    order = [row.key for row in FORM.disclosure]
    best: tuple[int, int] | None = None
    starts = list(heads) or [r for r in rows if r.key == "regulations"]
    for head in starts:
        last, count, position = -1, 0, head.start
        for row in rows:
            if row.start < head.start or order.index(row.key) <= last:
                continue
            if row.start - position > 900:
                break
            last, position, count = order.index(row.key), row.end, count + 1
        if count >= (2 if heads else 4) and (best is None or count >= best[0]):
            best = (count, head.start)
    if best is None:
        return None
    # Back over the heads that belong together (第二十条第（一）项 信息内容 本年制发件数 …).
    start = best[1]
    for head in reversed([h for h in heads if h.start < start]):
        if start - head.end > 40 or any(head.end < row.start < start for row in rows):
            break
        start = head.start
    return start
