"""Every cell that is not right, by document: gold, what each system answered, and the piece of the source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from extractor.eval.report.marks import Excerpt, excerpt
from extractor.eval.report.numbers import NOTHING

from extractor.form import FORM

# The page shows this many wrong answers, the gravest first; the run's file holds them all.
MOST_ANSWERS = 3000
# The first documents stand open, and are printed, up to this many.
OPEN_ANSWERS = 40

# What is not right, the gravest first.
BAD = ("wrong", "invented", "undecidable_answered", "missed", "refused")
ESCAPING = frozenset({"wrong", "invented", "undecidable_answered"})
OUTCOMES = {
    "right": "right",
    "wrong": "wrong",
    "invented": "invented",
    "undecidable_answered": "answered, though undecidable",
    "missed": "missed",
    "refused": "refused",
    "derived": "derived",
    "undecidable_refused": "undecidable, refused",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What one system gave for one cell."""

    system: str
    value: str | None
    raw: str | None
    state: str
    method: str
    span: str
    outcome: str
    escape: bool
    bad: bool
    excerpt: Excerpt | None

    @property
    def words(self) -> str:
        return OUTCOMES.get(self.outcome, self.outcome)


@dataclass(frozen=True, slots=True)
class Fault:
    """One cell that at least one system did not get right; `others` are the answers that were right."""

    path: str
    words: str
    gold: str | None
    answers: tuple[Answer, ...]
    others: tuple[Answer, ...]

    @property
    def gravity(self) -> int:
        """0 for an escape, then in the order of BAD."""
        return min(0 if answer.escape else 1 + BAD.index(answer.outcome) for answer in self.answers)


@dataclass(frozen=True, slots=True)
class FaultyDocument:
    """A document with faults; `tally` counts its wrong answers by outcome, escapes first."""

    name: str
    anchor: str
    source: str
    organization: str
    year: str
    family: str
    faults: tuple[Fault, ...]
    tally: tuple[tuple[str, str, int], ...]
    escapes: int
    opened: bool = False


@dataclass(frozen=True, slots=True)
class Faults:
    """All of them; `left_out` answers are not on the page."""

    documents: tuple[FaultyDocument, ...]
    answers: int
    escapes: int
    left_out: int


def is_escape(cell: Mapping[str, Any]) -> bool:
    """Wrong inside a trusted table."""
    return bool(cell.get("trusted")) and cell["outcome"] in ESCAPING


def shown(value: Any) -> str | None:
    """A value as text; None stays."""
    return None if value is None else str(value)


def words_of(path: str) -> str:
    """The cell in the form's own words; the path itself where the form does not know it."""
    try:
        return FORM.words(path)
    except (StopIteration, KeyError, RuntimeError):
        return path


def system_name(document: Mapping[str, Any], repeats: bool) -> str:
    """`llm`, or `llm · 2` for its second repeat where there are several."""
    name = str(document.get("system") or NOTHING)
    return f"{name} · {int(document.get('repeat') or 0) + 1}" if repeats else name


def faults(documents: Sequence[Mapping[str, Any]], anchors: Mapping[str, str]) -> Faults:
    """The wrong cells, grouped by document: escapes first, then the documents with most."""
    repeats = any(document.get("repeat") for document in documents)
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for document in documents:
        by_name.setdefault(str(document["name"]), []).append(document)
    found = [faulty for name, runs in by_name.items() if (faulty := _document(runs, anchors[name], repeats))]
    found.sort(key=lambda one: (-one.escapes, -sum(n for _, _, n in one.tally), one.name))
    answers = sum(len(fault.answers) for one in found for fault in one.faults)
    kept = _kept(found)
    shown = sum(len(fault.answers) for one in kept for fault in one.faults)
    return Faults(tuple(_opened(kept)), answers, sum(one.escapes for one in found), answers - shown)


def _opened(found: Iterable[FaultyDocument]) -> Iterable[FaultyDocument]:
    """The first documents stand open, as far as OPEN_ANSWERS goes."""
    room = OPEN_ANSWERS
    for one in found:
        room -= sum(len(fault.answers) for fault in one.faults)
        yield replace(one, opened=room >= 0)


def _kept(found: Sequence[FaultyDocument]) -> list[FaultyDocument]:
    """As many as MOST_ANSWERS allows: escapes before anything else, then document by document."""
    room = MOST_ANSWERS
    chosen: set[tuple[str, str]] = set()
    for escapes in (True, False):
        for one in found:
            for fault in one.faults:
                if (fault.gravity == 0) is escapes and len(fault.answers) <= room:
                    room -= len(fault.answers)
                    chosen.add((one.name, fault.path))
    kept = (
        replace(one, faults=tuple(fault for fault in one.faults if (one.name, fault.path) in chosen)) for one in found
    )
    return [one for one in kept if one.faults]


def _document(runs: Sequence[Mapping[str, Any]], anchor: str, repeats: bool) -> FaultyDocument | None:
    cells: dict[str, list[tuple[Mapping[str, Any], Mapping[str, Any]]]] = {}
    for document in runs:
        for cell in document.get("cells") or ():
            cells.setdefault(str(cell["path"]), []).append((document, cell))
    some = []
    tally: Counter[tuple[str, str]] = Counter()
    escapes = 0
    for path, given in cells.items():
        answers = [_answer(document, cell, repeats) for document, cell in given]
        bad = tuple(answer for answer in answers if answer.bad)
        if not bad:
            continue
        escapes += sum(answer.escape for answer in bad)
        for answer in bad:
            tally[("escape", "escaped") if answer.escape else (answer.outcome, answer.words)] += 1
        others = tuple(answer for answer in answers if not answer.bad)
        some.append(Fault(path, words_of(path), shown(given[0][1].get("gold")), bad, others))
    if not some:
        return None
    some.sort(key=lambda fault: fault.gravity)
    order = ("escape", *BAD)
    first = runs[0]
    return FaultyDocument(
        name=str(first["name"]),
        anchor=anchor,
        source=str(first.get("source") or NOTHING),
        organization=str(first.get("organization") or NOTHING),
        year=str(first.get("year") or NOTHING),
        family=str(first.get("family") or NOTHING),
        faults=tuple(some),
        tally=tuple((key, words, tally[key, words]) for key, words in sorted(tally, key=lambda k: order.index(k[0]))),
        escapes=escapes,
    )


def _answer(document: Mapping[str, Any], cell: Mapping[str, Any], repeats: bool) -> Answer:
    bad = cell["outcome"] in BAD
    span = cell.get("span")
    piece = (document.get("excerpts") or {}).get(cell["path"]) if bad else None
    return Answer(
        system=system_name(document, repeats),
        value=shown(cell.get("value")),
        raw=shown(cell.get("raw")),
        state=str(cell.get("state") or NOTHING),
        method=str(cell.get("method") or NOTHING),
        span=f"{span[0]}–{span[1]}" if span else NOTHING,
        outcome=str(cell["outcome"]),
        escape=is_escape(cell),
        bad=bad,
        excerpt=excerpt(piece, span, shown(cell.get("raw"))),
    )
