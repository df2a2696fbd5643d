"""The readings of one row that the text allows: which printed figure stands in which cell.

A row that prints as many figures as it has cells has one reading. Where figures are missing, stuck together or
broken, every assignment in print order that the borders (bordered.py), the page's columns and the digits
(borderless.py) allow is a candidate; choosing among candidates is left to the equations (joint.py). Nothing here
changes a digit.
"""

from __future__ import annotations

import itertools
import re
from functools import lru_cache

from extractor.reader.bordered import bordered_candidates, empty_edges
from extractor.reader.borderless import cut_candidates, ends_with_ordinal, read_without_borders, without_last_digit
from extractor.reader.candidates import (
    MOST_CANDIDATES,
    Candidate,
    CellRead,
    Evidence,
    Row,
    RowSpec,
    complete,
    sums_hold,
)
from extractor.reader.fields import Field, split


@lru_cache(maxsize=8)
def _plain(count: int) -> re.Pattern[str]:
    """Exactly `count` figures with nothing but white space and borders between, and no other figure around them."""
    noise = r"[^\dA-Za-z/\\_+%‰≥≤<>~≈±?×√\ufffd-]*"
    return re.compile(
        noise
        + r"(?<![约近超逾])"
        + r"[\s|]+".join([r"(0|[1-9]\d{0,8})"] * count)
        + r"(?![\d.,余多]|[ \t]*年(?!度))"
        + noise
    )


def _gap_class(norm: str, start: int, end: int) -> str:
    """What separates two figures: a mixture within a row means that some cell is broken or some border lost."""
    if end == start + 1 and norm[start] in " \t\n":
        return norm[start]
    gap = norm[start:end]
    border = next((border for border in ("|", "\t", "\n", "  ") if border in gap), " ")
    return border + "\n" if "\n" in gap and border != "\n" else border


def read_plain(norm: str, start: int, end: int, spec: RowSpec) -> Candidate | None:
    """The one reading of a row that prints exactly as many figures as it has cells; None where it is not so plain."""
    if "amount" in spec.kinds or "signed" in spec.kinds:
        return None
    match = _plain(len(spec.paths)).fullmatch(norm, start, end)
    if not match:
        return None
    values = tuple(map(int, match.groups()))
    spans = match.regs[1:]
    if len(values) > 1:
        gaps = {_gap_class(norm, a[1], b[0]) for a, b in itertools.pairwise(spans)}
        if len(gaps) > 1 or (gaps == {" "} and not sums_hold(values, spec.blocks)):
            return None
    return Candidate(values, tuple(CellRead("reported", v, s, e) for v, (s, e) in zip(values, spans, strict=True)))


def measure_edges(norm: str, rows: list[Row], evidence: Evidence) -> None:
    """Learns from the full rows how many empty cells labels and line ends leave at the edges, by level.

    Only levels with a row that has no candidates yet: nobody asks for the others.
    """
    levels = {row.spec.level for row in rows if not row.candidates}
    for row in rows:
        if row.spec.level not in levels:
            continue
        if len(row.candidates) == 1 and all(cell.state == "reported" for cell in row.candidates[0].cells):
            fields = split(norm, row.start, row.end, evidence.style, row.spec.kinds, row.spec.words)
            if fields and sum(bool(printed.text) for printed in fields) == len(row.spec.paths):
                evidence.edges.setdefault(row.spec.level, set()).add(empty_edges(fields))


def _lost_borders(fields: list[Field], spec: RowSpec, evidence: Evidence) -> bool:
    """Whether this row's figures are stuck together, so that its borders do not count its cells."""
    printed = [f.text for f in fields if f.text]
    return evidence.glued and 0 < len(printed) < len(spec.paths) and len(printed) == len(fields)


def _passes_over(candidate: Candidate, fields: list[Field]) -> bool:
    """Whether a reading without borders leaves out a cell within its figures that the borders show to hold a number
    (`十`), so that a figure of another cell (a remark) would stand in the row."""
    cells = [cell for cell in candidate.cells if cell.end]
    inside = [f for f in fields if f.text and cells and cells[0].start < f.start and f.end < cells[-1].end]
    numbers = [f for f in inside if f.reading and f.reading.kind in ("number", "not_applicable")]
    return any(all(cell.end <= f.start or f.end <= cell.start for cell in cells) for f in numbers)


def read_row(norm: str, row: Row, evidence: Evidence, next_ordinal: str = "") -> None:
    """Lists the row's candidates. `next_ordinal`: the number the next label should print but does not show apart."""
    spec, style = row.spec, evidence.style
    if style.bordered:
        fields = split(norm, row.start, row.end, style, spec.kinds, spec.words)
        variants = [fields]
        if fields and next_ordinal and ends_with_ordinal(norm, fields, row.end, next_ordinal):
            stripped = without_last_digit(fields)
            if not any(printed.text for printed in stripped):
                row.problem = "no_figures"
                return
            variants = [stripped, fields] if len(fields[-1].text) > 1 else [stripped]
        for variant in variants:
            if variant is not None and not _lost_borders(variant, spec, evidence):
                found = bordered_candidates(variant, spec, evidence.edges.get(spec.level, set()))
                if found is None:
                    row.candidates, row.problem = [], "unread"
                    return
                row.candidates += found
        if len(variants) > 1:
            row.candidates = [c for c in row.candidates if complete(c.values, spec.blocks)] or row.candidates
        if row.candidates:
            if all(any(cell.state == "missing" for cell in c.cells) for c in row.candidates):
                cut = cut_candidates(norm, row)
                if spec.blocks:
                    row.reserve = cut
                else:
                    row.candidates += cut
            return
    read_without_borders(norm, row, evidence, next_ordinal)
    if style.bordered and fields and any(_passes_over(candidate, fields) for candidate in row.candidates):
        row.candidates = [candidate for candidate in row.candidates if not _passes_over(candidate, fields)]
        row.problem = row.problem if row.candidates else "unread"
    if len(row.candidates) > MOST_CANDIDATES:
        row.candidates, row.problem = [], "too_many_readings"
