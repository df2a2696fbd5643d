"""Where the tables of each report lie: their anchors, bounds and heads."""

from __future__ import annotations

import re

from extractor.form import FORM, GROUPS, REQUEST_ROWS, group_all
from extractor.reader.anchors import Anchor, Layout, Region, anchor_at, begins_line, first_at
from extractor.reader.labels import SHARED_ROWS, Hit, ordinal_start
from extractor.reader.reports import ORDER, REACH, request_chains
from extractor.reader.several import parts_of

# A table 2 has some twenty heads; a text that repeats them endlessly is looked at from its end.
MOST_HEADS = 80
# A line of prose; one that begins with figures may be the row itself with a note.
_SENTENCE = re.compile(r"\n(?![ \t|]*\d)[^\n。]{10,300}。")


def locate(norm: str, hits: list[Hit]) -> list[Layout]:
    """The reports in the text, in order; a single Layout where only one is there (or none at all)."""
    chains = request_chains(norm, hits)
    layouts = []
    for part in parts_of(norm, hits, chains):
        start, end = part.start, part.end
        own = hits[first_at(hits, start) : first_at(hits, end)]
        layout = Layout(start, end, own, named=part.named)
        chain = next((chain for chain in chains if start <= chain[0].start < end), None)
        layout.requests = _requests(norm, own, chain, end) if chain else None
        layout.disputes = _disputes(norm, layout)
        layout.disclosure = _disclosure(norm, layout)
        if part.doubtful:
            layout.doubts.append("several_tables")
        layouts.append(layout)
    return layouts


# ---------------------------------------------------------------- table 3


def _requests(norm: str, hits: list[Hit], chain: list[Hit], limit: int) -> Region:
    """Table 3's anchors: the chain, the rows whose label is a common word, groups printed as rows."""
    anchors = {hit.key: anchor_at(norm, hit, hit.key) for hit in chain}
    last = anchors[chain[-1].key]
    end = min(limit, last.end + REACH)
    for hit in hits[first_at(hits, last.end) :]:
        is_next = hit.kind in ("section", "block", "outcome") or hit.key == "行政诉讼"
        if is_next and (last.key == "carried_out" or hit.kind == "section" or hit.key != "other"):
            end = min(end, ordinal_start(norm, hit.start)[0] if hit.kind == "section" else hit.start)
            break
    if last.key == "carried_out":
        # No label follows where table 4 is not printed: the last row ends at the first sentence below it.
        sentence = _SENTENCE.search(norm, last.end, end)
        end = sentence.start() if sentence else end
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
    for hit in reversed(hits[: first_at(hits, start)]):
        own = hit.kind in ("column", "shared", "group") or hit.key in FORM.furniture["requests"]
        if (not own and (hit.kind, hit.key) != ("section", "requests")) or start - hit.end > 900:
            break
        header.append(hit)
        if hit.kind == "section":
            break
    return header[::-1]


def _shared_row(norm: str, hits: list[Hit], anchors: dict[str, Anchor], key: str, word: str, end: int) -> Anchor | None:
    """`3.其他` and `（七）总计`: words that also stand in the heads, so only a hit between its neighbours counts."""
    order = ORDER[key]
    before = max((a.end for a in anchors.values() if ORDER[a.key] < order), default=None)
    after = min((a.start for a in anchors.values() if ORDER[a.key] > order), default=end)
    if before is None:
        return None
    found = [
        anchor_at(norm, hit, key)
        for hit in hits[first_at(hits, before) : first_at(hits, after)]
        if hit.kind == "shared" and hit.key == word and not _heads_group(norm, hit)
    ]
    if key == "other.other":
        total = next((h for h in hits[first_at(hits, before) : first_at(hits, after)] if h.key == "total"), None)
        if total:
            found = [a for a in found if a.start < total.start]
    return next((a for a in reversed(found) if a.ordinal), found[-1] if found else None)


def _heads_group(norm: str, hit: Hit) -> bool:
    """（六）其他 with 处理 wrapped away is the group's label, not 3.其他."""
    return (hit.kind, hit.key) == ("shared", "other") and "六" in norm[ordinal_start(norm, hit.start)[0] : hit.start]


def _add_groups(norm: str, hits: list[Hit], region: Region) -> None:
    """A group's label before its first sub-row heads a row of its own or nothing; after it, it is a merged label."""
    starts = {a.key: a.start for a in region.anchors}
    for hit in hits[first_at(hits, region.start) : first_at(hits, region.end)]:
        if _heads_group(norm, hit):
            hit = hit._replace(kind="group")
        if hit.kind != "group":
            continue
        if hit.key == "outcome":
            region.stops.append(ordinal_start(norm, hit.start)[0])
            continue
        subs = [starts[row] for row in GROUPS[hit.key] if row in starts]
        later = [starts[row] for row in REQUEST_ROWS[ORDER[GROUPS[hit.key][-1]] + 1 :] if row in starts]
        earlier = [starts[row] for row in REQUEST_ROWS[: ORDER[GROUPS[hit.key][0]]] if row in starts]
        if (not subs or hit.start < min(subs)) and (not later or hit.start < min(later)):
            if earlier and hit.start < max(earlier):
                continue
            anchor = anchor_at(norm, hit, group_all(hit.key))
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
        # The densest place: where most outcomes stand together, three at least (a sentence names a few of them).
        crowds = [sum(h.start - first.end < 600 for h in outcomes[i : i + 15]) for i, first in enumerate(outcomes)]
        starts = [i for i, third in enumerate(outcomes[2:]) if third.start - outcomes[i].end < 200]
        if not starts:
            return None
        first = outcomes[max(starts, key=lambda i: crowds[i])]
        near = [h.start for h in hits if first.start - 200 < h.start <= first.start and _heads_disputes(h)]
        floor = min(near)
    end = layout.end
    inside = list(hits[first_at(hits, floor) :])
    header: list[Hit] = []
    for hit in inside:
        if hit.kind == "section" and hit.key in ("problems", "other_matters") and begins_line(norm, hit.start):
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
    before = hits[: first_at(hits, end)]
    heads = [h for h in before if h.kind == "field" or h.key in ("第二十条第", "信息内容")]
    rows = [h for h in before if h.kind == "disclosure"]
    start = _dense_start(heads, rows)
    if start is None:
        return None
    for hit in hits[first_at(hits, start) : first_at(hits, end)]:
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
    for head in starts[-MOST_HEADS:]:
        last, count, position = -1, 0, head.start
        first = first_at(rows, head.start)
        for row in rows[first : first + MOST_HEADS]:
            if order.index(row.key) <= last:
                continue
            if row.start - position > REACH:
                break
            last, position, count = order.index(row.key), row.end, count + 1
        if count >= (2 if heads else 4) and (best is None or count >= best[0]):
            best = (count, head.start)
    if best is None:
        return None
    # Back over the heads that belong together (第二十条第（一）项 信息内容 本年制发件数 …).
    start = best[1]
    for head in reversed(heads[: first_at(heads, start)][-MOST_HEADS:]):
        between = rows[first_at(rows, head.end) : first_at(rows, start)]
        if start - head.end > 40 or between:
            break
        start = head.start
    return start
