"""Which part of a report is narrative: all but the rows of its tables, also where a table's span reaches too far."""

from __future__ import annotations

import re
from collections.abc import Sequence

_CELL_EDGE = re.compile(r"[|\t]")
_CJK = re.compile(r"[一-鿿]")
_FURNITURE = re.compile(r"勾稽关系|等于第|本列数据")
# The narrative of a report is 5 to 20 thousand characters; of a text that is longer than this the rest is no report's.
MOST = 100_000
# In a table a line that is longer lost its line ends: what is prose there cannot be told from cells.
_LONGEST_LINE = 4_000


def narrative_spans(norm: str, start: int, end: int, tables: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans of [start, end) that are narrative, in order."""
    out: list[tuple[int, int]] = []
    at = start
    for begin, stop in sorted((max(a, start), min(b, end)) for a, b in tables):
        if stop <= begin or stop <= at:
            continue
        for prose_start, prose_end in _prose(norm, max(begin, at), stop):
            # The prose line as a whole: its beginning may stand before the span.
            line = norm.rfind("\n", at, prose_start) + 1 or at
            line = max(line, at)
            if line > at:
                out.append((at, min(line, begin) if begin < line else line))
            if out and out[-1][1] >= line:
                out[-1] = (out[-1][0], prose_end)
            else:
                out.append((line, prose_end))
            at = prose_end
            begin = max(begin, prose_end)
        if begin > at:
            out.append((at, begin))
        at = max(at, stop)
    if end > at:
        out.append((at, end))
    left = MOST
    spans: list[tuple[int, int]] = []
    for begin, stop in out:
        if stop > begin and left > 0:
            spans.append((begin, min(stop, begin + left)))
            left -= stop - begin
    return spans


def _prose(norm: str, start: int, end: int) -> list[tuple[int, int]]:
    """The lines inside a table's span that are sentences."""
    found: list[tuple[int, int]] = []
    left = MOST
    while left > 0 and (stop := norm.find("。", start, end)) >= 0:
        begin = max(norm.rfind("\n", start, stop) + 1, start)
        close = norm.find("\n", stop, end)
        close = end if close < 0 else close
        if close - begin <= _LONGEST_LINE and _is_sentence(norm[begin:close]):
            found.append((begin, close))
            left -= close - begin
        start = close
    return found


def _is_sentence(line: str) -> bool:
    if _CELL_EDGE.search(line) or _FURNITURE.search(line):
        return False
    words = line.split("。")[0]
    return len(_CJK.findall(words)) >= 6
