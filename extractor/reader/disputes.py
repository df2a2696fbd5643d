"""Table 4 · 行政复议、行政诉讼情况: fifteen figures under their heads in print order, three sums."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from itertools import islice, pairwise

from extractor.form import DISPUTE_BLOCKS, DISPUTE_COLUMNS
from extractor.reader.anchors import Region
from extractor.reader.bordered import bordered_candidates
from extractor.reader.candidates import Candidate, CellRead, Evidence, Row, RowSpec, sums_hold
from extractor.reader.fields import BROKEN_OFF, Field, Style, measure_style, split, tokens_of, without_furniture
from extractor.reader.heads import dispute_heads_in_order
from extractor.reader.labels import Hit
from extractor.reader.other_heads import heads_of_other_years
from extractor.reader.readings import read_plain, read_row
from extractor.reader.reports import SENTENCE
from extractor.reader.tables import STUCK, TableRead, printed_figures, settle_row
from extractor.results import Cell

_WORDS = re.compile(r"[一-鿿A-Za-z]")
_FIGURE = re.compile(r"\d{1,12}")
# Characters behind the last head within which the row stands, even behind the figures of the other tables; figures
# that go on past them, more than these, are no row of fifteen.
REACH, MOST_BEYOND = 10_000, 64


@lru_cache(maxsize=1)
def disputes_spec() -> RowSpec:
    """Table 4 is one row of fifteen counts: three blocks of five, each block's fifth its sum."""
    paths = tuple(f"{b}.{c}" for b in DISPUTE_BLOCKS for c in DISPUTE_COLUMNS)
    return RowSpec("disputes", paths, ("count",) * 15, ((0, 5), (5, 10), (10, 15)))


def read_disputes(norm: str, region: Region | None) -> TableRead:
    """Table 4: fifteen figures in print order, three sums."""
    spec = disputes_spec()
    if region is None:
        return TableRead([Cell(path) for path in spec.paths], False)
    row, doubts = disputes_rows(norm, region, spec), list(region.doubts)
    if row:
        row.candidates = _borne_out(row.candidates)
        if any(
            cell.tentative or cell.state == "missing" for c in row.candidates for cell in c.cells
        ) and _chosen_by_sum(row.candidates):
            doubts.append("ambiguous")
        if any(SENTENCE.match(norm, cell.end - 1) for c in row.candidates for cell in c.cells if cell.end):
            row.candidates, row.problem = [], "unread"  # Figures in sentences are no cells.
        if not (row.labelled or dispute_heads_in_order(norm, sorted(region.header))):
            doubts.append("heads")
        spans = [(cell.start, cell.end) for c in row.candidates for cell in c.cells if cell.end]
        if spans and heads_of_other_years(norm, min(spans)[0]):
            doubts.append("heads")
        if spans and _torn(norm, min(spans)[0], max(spans)[1], all(_adds_up(c) for c in row.candidates)):
            doubts.append("unread")
        if any(_broken_blocks(candidate) >= 2 for candidate in row.candidates):
            doubts.append("order")  # One published error breaks one block; a wrong order breaks several.
        if _figures_left(norm, region, row):
            doubts.append("several_tables")
        if not row.candidates:
            row.figures = printed_figures(norm, row.start, row.end)
    table = TableRead([], row is not None, doubts)
    if row:
        table.rows = {spec.key: row}
    table.cells = settle_row(spec, row, table)
    return table


def _broken_blocks(candidate: Candidate) -> int:
    return sum(not sums_hold(candidate.values, (block,)) for block in disputes_spec().blocks)


def _adds_up(candidate: Candidate) -> bool:
    return sums_hold(candidate.values, disputes_spec().blocks)


def _torn(norm: str, start: int, end: int, adds_up: bool) -> bool:
    """Whether figures stand beside the row on its own lines (a footnote's number), or its last figure may go on in
    the next line (unless the sums hold as it is)."""
    before = norm[norm.rfind("\n", 0, start) + 1 : start]
    stop = norm.find("\n", end)
    behind = norm[end : stop if stop >= 0 else len(norm)][:80]
    label = _BESIDE.sub("", before[-80:])
    line = norm.rfind("\n", 0, start)
    above = norm[norm.rfind("\n", 0, max(0, line)) + 1 : max(0, line)].strip(" \t|")
    broken = bool(BROKEN_OFF.match(norm, end)) or above.isdigit()
    return any(c.isdigit() for c in label + behind) or (not adds_up and broken)


# Years and dates beside a row are no figures of it.
_BESIDE = re.compile(r"\d{4}[ \t]*年?度?")


def _figures_left(norm: str, region: Region, row: Row) -> bool:
    """Whether a further row of figures stands in the table beside the one that was read."""
    if not row.candidates:
        return False
    ends = [cell.end for candidate in row.candidates for cell in candidate.cells if cell.end]
    starts = [cell.start for candidate in row.candidates for cell in candidate.cells if cell.end]
    if not ends:
        return False
    heads = sorted(region.header)
    floor = max(heads[0].start if heads else region.start, region.floor)
    limit = min(region.end, max(ends) + REACH)
    for begin, end in ((floor, min(starts)), (max(ends), limit)):
        fields = tokens_of(without_furniture(norm, begin, end), begin, ("count",))
        runs = _groups(norm, [f for f in fields if any(char.isdigit() for char in f.text)])
        if any(len(run) >= 5 or sum(len(f.text) for f in run) >= 11 for run in runs):
            return True
    return False


def _borne_out(candidates: list[Candidate]) -> list[Candidate]:
    """Of one run of digits the readings that fill all fifteen cells; among figures set apart, one may be missing as
    well as two stuck together, unless zeros force every cut."""
    full = [c for c in candidates if all(cell.state not in ("missing", "blank") for cell in c.cells)]
    one_run = [c for c in full if all(a.end == b.start for a, b in pairwise(c.cells))]
    forced = [c for c in full if all(a.end < b.start or a.value == 0 for a, b in pairwise(c.cells))]
    return one_run or (forced if len(forced) == 1 else []) or candidates


def _chosen_by_sum(candidates: list[Candidate]) -> bool:
    """Whether the sum that would confirm a lost cell or a joined number also chose it: then nothing bears it out."""
    lost = any(cell.state == "missing" for candidate in candidates for cell in candidate.cells)
    joined = any(
        cell.tentative and cell.end - cell.start > len(str(cell.value)) and _unbordered(candidate.cells)
        for candidate in candidates
        for cell in candidate.cells
    )
    alike = len(candidates) > 1 and all(candidate.values == candidates[0].values for candidate in candidates)
    return (lost and not alike) or joined


def _unbordered(cells: tuple[CellRead, ...]) -> bool:
    """Whether a joined number's pieces stand no closer than the row's figures do."""
    gaps = [b.start - a.end for a, b in pairwise(cells)]
    return min(gaps, default=0) <= 1


def disputes_rows(norm: str, region: Region, spec: RowSpec) -> Row | None:
    """Table 4's fifteen figures: the one row under the heads, or figures in pieces behind their own heads."""
    heads = sorted(region.header)
    start = max(heads[0].start if heads else region.start, region.floor)
    near = _within_reach(norm, region, heads)
    if near is None:
        return Row(spec, start, start, problem="unread")
    region = near
    fields = tokens_of(without_furniture(norm, start, region.end), start, ("count",))
    whole = _bordered_row(norm, region, spec, heads)
    if whole:
        return whole
    groups = _groups(norm, fields)
    if groups:
        largest = max(groups, key=lambda g: sum(f.end - f.start for f in g))
        digits = sum(len(re.sub(r"\D", "", f.text)) or 1 for f in largest)
        if digits >= 11 or len(groups) == 1:
            return _one_row(norm, region, spec, heads, largest)
        pieces = _in_pieces(norm, spec, heads, groups)
        if pieces:
            return pieces
        if digits < 5:
            return None
        return _one_row(norm, region, spec, heads, largest)
    return _one_row(norm, region, spec, heads, [])


def _within_reach(norm: str, region: Region, heads: list[Hit]) -> Region | None:
    """The table without what lies far behind its heads; None where its figures go on too far to be one row."""
    limit = max(max((h.end for h in heads), default=region.start), region.floor) + REACH
    if limit >= region.end:
        return region
    word = _WORDS.search(norm, limit, region.end)
    stop = word.start() if word else region.end
    beyond = sum(1 for _ in islice(_FIGURE.finditer(norm, limit, stop), MOST_BEYOND + 1))
    if beyond > MOST_BEYOND:
        return None
    return replace(region, end=stop if beyond else limit)


def _bordered_row(norm: str, region: Region, spec: RowSpec, heads: list[Hit]) -> Row | None:
    """The one row behind the last head, where its cells have borders and fill the row."""
    begin = max((h.end for h in heads), default=region.start)
    begin = max(begin, region.floor)
    plain = read_plain(norm, begin, region.end, spec)
    row = Row(spec, begin, region.end)
    if plain:
        row.candidates = [plain]
        return row
    stretch = without_furniture(norm, begin, region.end)
    if STUCK.search(stretch):
        return None
    style, end = measure_style([stretch]), region.end
    for border, kind in (("|", "pipe"), ("\t", "tab")):
        # The line that has borders enough for every cell is the row.
        lines = [m.span() for m in re.finditer(r"[^\n]+", stretch) if m.group().count(border) >= len(spec.paths) - 1]
        if lines:
            style, row.start, end = Style(kind, True), max(begin, begin + lines[-1][0] - 1), begin + lines[-1][1]
            break
    if style.kind not in ("pipe", "tab"):
        return None
    fields = split(norm, row.start, end, style, spec.kinds)
    if fields is None or len(fields) < len(spec.paths):
        return None
    row.candidates = bordered_candidates(fields, spec, set()) or []
    return row if row.candidates else None


def _groups(norm: str, fields: list[Field]) -> list[list[Field]]:
    """Runs of figures with no word between them."""
    groups: list[list[Field]] = []
    for f in fields:
        if groups and not _WORDS.search(norm, groups[-1][-1].end, f.start):
            groups[-1].append(f)
        else:
            groups.append([f])
    return groups


def _one_row(norm: str, region: Region, spec: RowSpec, heads: list[Hit], group: list[Field]) -> Row | None:
    if group:
        word = _WORDS.search(norm, group[-1].end, region.end)
        end = word.start() if word else region.end
        begin = max((h.end for h in heads if h.end <= group[0].start), default=group[0].start)
        begin = max(begin, region.floor)
        # Words between the last head and the figures (a head that lost a character): the row begins behind them.
        for match in _WORDS.finditer(norm, begin, group[0].start):
            begin = match.end()
    else:
        begin = max((h.end for h in heads), default=region.start)
        word = _WORDS.search(norm, begin, region.end)
        end = word.start() if word else region.end
    row = Row(spec, begin, end)
    plain = read_plain(norm, begin, end, spec)
    if plain:
        row.candidates = [plain]
        return row
    stretch = without_furniture(norm, begin, end)
    read_row(norm, row, Evidence(measure_style([stretch]), glued=bool(STUCK.search(stretch))))
    if not row.candidates and row.problem == "no_figures":
        return None
    return row


def _in_pieces(norm: str, spec: RowSpec, heads: list[Hit], groups: list[list[Field]]) -> Row | None:
    """Fifteen figures in three rows of five, five of three, or one behind each head."""
    behind = [g for g in groups if _head_before(norm, heads, g[0].start)]
    flat = [f for g in behind for f in g]
    if len(flat) != len(spec.paths) or any(f.reading is None or f.reading.kind != "number" for f in flat):
        return None
    sizes = [len(g) for g in behind]
    before = [max((h for h in heads if h.end <= g[0].start), key=lambda h: h.end) for g in behind]
    reads = [CellRead("reported", f.reading.value, f.start, f.end) for f in flat if f.reading]
    blocks, outcomes = list(DISPUTE_BLOCKS), list(DISPUTE_COLUMNS)
    labels = [hit.key for hit in before]
    if sizes == [5, 5, 5]:
        # Each row of five has its block's name before it: at its left, or over its own heads.
        named = [_block_before(heads, g[0].start) for g in behind]
        if sorted(named) != sorted(blocks):
            return None
        reads = [cell for block in blocks for cell in reads[named.index(block) * 5 : named.index(block) * 5 + 5]]
    elif sizes == [3] * 5:
        if labels != outcomes:
            return None
        reads = [reads[c * 3 + b] for b in range(len(blocks)) for c in range(5)]
    elif sizes == [1] * 15:
        if labels != outcomes * 3 or [_block_before(heads, g[0].start) for g in behind[::5]] != blocks:
            return None
    elif sizes != [5, 10] or _block_before(heads, behind[0][0].start) != blocks[0]:
        return None
    row = Row(spec, flat[0].start, flat[-1].end, labelled=sizes == [5, 5, 5])
    values = tuple(read.value for read in reads)
    row.candidates = [Candidate(values, tuple(reads))]
    return row


def _block_before(heads: list[Hit], position: int) -> str:
    return next((h.key for h in reversed(heads) if h.kind == "block" and h.end <= position), "")


def _head_before(norm: str, heads: list[Hit], position: int) -> bool:
    return any(h.end <= position and not norm[h.end : position].strip(" \t\n|:,;-数量件") for h in heads)
