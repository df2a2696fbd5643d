"""Which tables of a generated report the printed characters prove, told from its text and its truth alone.

No code of the model stage or of the reader is used. A table counts as provable where each printed number stands whole
(no digits glued to it, none split off) and in its row's order behind its row's own label, and

- table 3, table 4: of all ways to put the row's printed numbers into its cells in order (choosing among them where
  there are more than cells, placing them where there are fewer and no mark shows the empty ones), the row's own sums
  and the column rules leave one, over all rows together;
- table 2: each row prints exactly as many numbers and marks as it has cells (no rule could choose).

It is a lower bound: a table whose digits are glued, in pieces or look-alikes may be proved and is not counted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import combinations, product
from typing import NamedTuple

from extractor.eval.generator import Expected, Sample
from rapidfuzz import fuzz

from extractor.form import DISPUTE_BLOCKS, DISPUTE_COLUMNS, FORM, GROUPS, REQUEST_COLUMNS, equations

_MOST = 4_000
_LIKE = 70  # per cent of the label's characters
_WIDE = str.maketrans("０１２３４５６７８９，．", "0123456789,.")
_TOKEN = re.compile(r"(?<![\d.,])\d[\d,]*(?:\.\d+)?(?![\d.,]*\d)")
_SIGN = re.compile(r"[+\-]|增加?|减少?")
_ORDINAL = re.compile(r"[（(第]\s*$")
_ORDINAL_END = re.compile(r"\s*[.、．）)项条年月日]")
_BORDER = re.compile(r"[|\t]")

Values = tuple[int | None, ...]


class _Printed(NamedTuple):
    """A row as printed: its numbers in order with those that are no cells, and how many marks."""

    numbers: list[int]
    marks: int
    cells: int


def provable(sample: Sample, table: str) -> bool | None:
    """Whether the text proves the table of a sample with one report; None where its places are not known (HTML)."""
    expected = sample.reports[0]
    if not expected.spans:
        return None
    text = sample.text.translate(_WIDE)
    if table == "disputes":
        return _disputes(text, expected)
    return _disclosure(text, expected) if table == "disclosure" else _requests(text, expected)


def _disputes(text: str, expected: Expected) -> bool:
    paths = [f"{block}.{column}" for block in DISPUTE_BLOCKS for column in DISPUTE_COLUMNS]
    spans = _spans(text, expected, paths)
    if not spans:
        return False
    line_end = text.find("\n", spans[-1][1])
    row = _row(text, expected, paths, spans, spans[0][0], line_end if line_end >= 0 else len(text))
    width = len(DISPUTE_COLUMNS)
    blocks = [(i * width, (i + 1) * width) for i in range(len(DISPUTE_BLOCKS))]
    return row is not None and len({w for w in _ways(row, blocks) if None not in w}) == 1


def _disclosure(text: str, expected: Expected) -> bool:
    before = 0
    for row in FORM.disclosure_rows(expected.form):
        paths = [f"disclosure.{row.key}.{name}" for name in row.fields[expected.form]]
        spans = _spans(text, expected, paths)
        if spans is None or len(spans) != len(paths):
            return False
        start = _behind_label(text, row.label.label, max(before, spans[0][0] - 200), spans[0][0])
        line_end = text.find("\n", spans[-1][1])
        printed = start is not None and _row(
            text, expected, paths, spans, start, line_end if line_end >= 0 else len(text)
        )
        if not printed or len(printed.numbers) + printed.marks != len(paths):
            return False
        before = spans[-1][1]
    return True


def _requests(text: str, expected: Expected) -> bool:
    groups = [key for key in expected.states if key.startswith("requests.")]
    keys = list(dict.fromkeys(path.rpartition(".")[0] for path in groups))
    rows: dict[str, list[Values]] = {}
    every = sorted(span for path, span in expected.spans.items() if path.startswith("requests."))
    labels = {row.key: row.label for row in FORM.rows}
    for key in keys:
        paths = [f"{key}.{column}" for column in REQUEST_COLUMNS]
        spans = _spans(text, expected, paths)
        if spans is None:
            return False
        if not spans:
            rows[key] = [(None,) * len(paths)]
            continue
        before = max((end for start, end in every if end <= spans[0][0]), default=max(0, spans[0][0] - 200))
        label = labels.get(key.removeprefix("requests."), "")
        start = _behind_label(text, label, before, spans[0][0]) if label else before
        if start is None or any(spans[0][1] <= s < spans[-1][0] and (s, e) not in spans for s, e in every):
            return False
        line_end = text.find("\n", spans[-1][1])
        following = min((s for s, _ in every if s >= spans[-1][1]), default=len(text))
        stop = min(line_end if line_end >= 0 else len(text), following)
        printed = _row(text, expected, paths, spans, start, stop)
        if printed is None:
            return False
        rows[key] = list(dict.fromkeys(_ways(printed, [(0, len(paths))])))
    if not all(rows.values()) or math.prod(map(len, rows.values())) > _MOST:
        return False
    return sum(1 for _ in _consistent(rows)) == 1 if any(len(ways) > 1 for ways in rows.values()) else True


def _consistent(rows: dict[str, list[Values]]) -> Iterator[dict[str, Values]]:
    """The choices of one way for each row under which no column rule that can be assessed is broken."""
    printed = frozenset(key.split(".")[1] for key in rows if key.endswith(".all") and rows[key] != [(None,) * 7])
    alone = frozenset(g for g in printed if all(rows.get(f"requests.{r}") in (None, [(None,) * 7]) for r in GROUPS[g]))
    rules = [e for e in equations(printed, alone) if e.code.startswith("requests.")]
    for choice in product(*rows.values()):
        values = {
            f"{key}.{column}": value
            for key, way in zip(rows, choice, strict=True)
            for column, value in zip(REQUEST_COLUMNS, way, strict=True)
        }
        sides = [([values.get(p) for p in rule.left], [values.get(p) for p in rule.right]) for rule in rules]
        if all(None in a or None in b or sum(a) == sum(b) for a, b in sides):  # type: ignore[arg-type]
            yield dict(zip(rows, choice, strict=True))


def _spans(text: str, expected: Expected, paths: Sequence[str]) -> list[tuple[int, int]] | None:
    """The places of a row's printed cells; None where they are out of order or one is not a whole number or mark."""
    spans = [expected.spans[path] for path in paths if path in expected.spans]
    if spans != sorted(spans):
        return None
    for path in paths:
        if path not in expected.spans or expected.truth.get(path) is None:
            continue
        start, end = expected.spans[path]
        sign = _SIGN.match(text, start, end)
        whole = _TOKEN.fullmatch(text, sign.end() if sign else start, end)
        if not whole or float(whole.group().replace(",", "")) != abs(float(str(expected.truth[path]))):
            return None
    return spans


def _row(
    text: str, expected: Expected, paths: Sequence[str], spans: list[tuple[int, int]], start: int, stop: int
) -> _Printed | None:
    """The row's numbers, those of its stretch that are no cells included; None where a cell is illegible."""
    if any(expected.states.get(path) == "illegible" for path in paths):
        return None
    numbers = []
    for token in _TOKEN.finditer(text, start, stop):
        cell = any(a <= token.start() < b for a, b in spans)
        ordinal = _ORDINAL.search(text, max(0, token.start() - 3), token.start()) or _ORDINAL_END.match(
            text, token.end()
        )
        if cell or not ordinal:
            numbers.append(round(float(token.group().replace(",", ""))))
    marks = sum(path in expected.spans and expected.truth.get(path) is None for path in paths)
    borders = bool(_BORDER.search(text, spans[0][0], stop)) and len(numbers) < len(paths)
    return _Printed(numbers, len(paths) - len(numbers) if borders and not marks else marks, len(paths))


def _behind_label(text: str, label: str, start: int, end: int) -> int | None:
    """Where the label ends that stands between two places; None where none like it does."""
    found = fuzz.partial_ratio_alignment(label, text[start:end], score_cutoff=_LIKE) if end > start else None
    return None if found is None else start + found.dest_end


def _ways(row: _Printed, blocks: Sequence[tuple[int, int]]) -> Iterator[Values]:
    """The ways to put the numbers into the cells in order that the row's sums allow."""
    count = len(row.numbers)
    if count >= row.cells:
        if math.comb(count, row.cells) <= _MOST:
            for chosen in combinations(row.numbers, row.cells):
                yield from _filled(list(chosen), blocks)
        return
    if math.comb(row.cells, count) > _MOST:
        return
    for places in combinations(range(row.cells), count):
        cells: list[int | None] = [None] * row.cells
        for place, number in zip(places, row.numbers, strict=True):
            cells[place] = number
        yield from _filled(cells, blocks)


def _filled(cells: list[int | None], blocks: Sequence[tuple[int, int]]) -> Iterator[Values]:
    """The cells with what their sums say of the empty ones; nothing where a sum cannot hold."""
    out = list(cells)
    for first, last in blocks:
        parts, total = out[first : last - 1], out[last - 1]
        known = sum(value for value in parts if value is not None)
        empty = [i for i in range(first, last - 1) if out[i] is None]
        if total is None:
            if not empty:
                out[last - 1] = known
        elif known > total or (known < total and not empty):
            return
        elif known == total:
            for i in empty:
                out[i] = 0
        elif len(empty) == 1:
            out[empty[0]] = total - known
    yield tuple(out)
