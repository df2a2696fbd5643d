"""The readable output: the three tables as people know them, what is doubtful marked, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TextIO

from extractor.cli.grid import MARKS, SUSPECT, Drawing, Line, show_lines, table_of
from extractor.document.sources import display
from extractor.form import FORM, TABLES
from extractor.results import Finding, Result, plain

_LEGEND = {
    "()": "(n) derived by the rules",
    "[]": "[n] read by a model, proved by the text and the rules",
    "«»": SUSPECT,
    "·": "· blank",
    "/": "/ not applicable",
    "x": "x not in the text",
    "!": "! printed, but no number",
    "?": "? several readings",
}
_COLOURS = {
    "verified": "bold green",
    "reconciled": "green",
    "inconsistent": "bold yellow",
    "needs_review": "bold red",
    "failed": "bold red",
}
_MOST_NOT_ASSESSABLE = 3


def show(result: Result, stream: TextIO) -> None:
    """Prints one report, in colour where a person sees it."""
    show_lines(report(result), stream)


def report(result: Result) -> Iterator[Line]:
    """The lines of one report."""
    record = result.record
    if record is None:
        error = result.error or {}
        yield [("failed ", _COLOURS["failed"]), (display(result.source), "bold")]
        yield [(f"  {error.get('message', '')} [{error.get('code', '')}]", "")]
        yield [(f"  {error.get('hint', '')}", "")]
        for claim in result.claims:
            yield [(f"  a model reads in the words: {FORM.words(claim.field)} {claim.value} (not proved)", "dim")]
        yield []
        return
    name = record.get("organization") or "机关未识别"
    year = f"{record['year']} 年" if record.get("year") else "年度未识别"
    yield [
        (f"{name} · {year} · {record.get('form')} form · ", "bold"),
        (_place(result), "dim"),
        (result.verdict, _COLOURS[result.verdict]),
    ]
    yield [(display(result.source), "dim")]
    cells = {cell.path: cell for cell in result.cells}
    sections = {section.key: section for section in FORM.sections}
    drawing = Drawing(cells, str(record.get("form")), result.findings)
    for table in TABLES:
        verdict = result.verdicts[table]
        yield []
        yield [
            (f"{sections[table].ordinal}、{sections[table].label}  ", "bold"),
            (verdict, _COLOURS[verdict]),
            (f": {why(result, table)}", ""),
        ]
        if verdict != "failed":
            yield from drawing.table(table)
    yield from _doubts(result)
    yield from _findings(result)
    yield []


def _place(result: Result) -> str:
    """Where the body belongs, if that is sure: 山西省吕梁市中阳县 141129."""
    region = result.region
    if region is None or not region.sure:
        return ""
    place = region.place
    names = "".join(name for name in (place.province, place.city, place.county, place.town) if name)
    return " ".join(part for part in (names, place.code) if part) + " · " if names else ""


def why(result: Result, table: str) -> str:
    """Why a table got its verdict, in one phrase."""
    verdict = result.verdicts[table]
    mine = [cell for cell in result.cells if table_of(cell.path) == table]
    failed = [f for f in result.findings if f.status == "fail" and table_of(f.rule) == table]
    doubts = sum(".reading." in finding.rule for finding in failed)
    failing = sum(finding.severity == "error" for finding in failed)
    broken = f"{failing} {'rule' if failing == 1 else 'rules'} broken"
    doubted = f"{doubts} {'doubt' if doubts == 1 else 'doubts'} about the reading" if doubts else ""
    states = Counter("derived" if cell.method == "derived" else cell.state for cell in mine)
    order = ("derived", "blank", "not_applicable", "missing", "illegible", "ambiguous")
    gaps = ", ".join(f"{states[state]} {state.replace('_', ' ')}" for state in order if states[state])
    if verdict == "verified":
        return "every cell is printed and no rule is broken"
    if verdict == "reconciled":
        return f"what is printed is proved ({gaps or 'some cells not printed'})"
    if verdict == "inconsistent":
        return f"printed so, and {broken} ({gaps})" if gaps else f"printed so, and {broken}"
    if verdict == "failed":
        return "not one cell of it was found"
    return (
        "; ".join(part for part in (broken if failing else "", doubted, gaps) if part) or "its numbers are not proved"
    )


# ------------------------------------------------------------------------------------------------ below the tables


def _doubts(result: Result) -> Iterator[Line]:
    """The legend of the marks that occur, and each doubtful cell with what the text allows."""
    used = {MARKS[cell.state] for cell in result.cells if cell.value is None and cell.state in MARKS}
    used |= {{"derived": "()", "llm": "[]"}.get(cell.method or "", "") for cell in result.cells}
    if any(finding.suspects for finding in result.findings):
        used.add("«»")
    if used & _LEGEND.keys():
        yield []
        yield [("   ".join(words for sign, words in _LEGEND.items() if sign in used), "dim")]
    for cell in result.cells:
        if cell.state not in ("ambiguous", "illegible"):
            continue
        printed = f"printed {_quoted(cell.raw)}" if cell.raw else ""
        readings = " or ".join(str(plain(value)) for value in cell.candidates)
        detail = "; ".join(part for part in (readings, printed) if part)
        yield [(f"{MARKS[cell.state]} {FORM.words(cell.path)}", "bold red"), (f": {detail}" if detail else "", "")]


def _quoted(raw: str) -> str:
    text = " ".join(raw.split())
    return f"“{text if len(text) <= 40 else text[:39] + '…'}”"


def _findings(result: Result) -> Iterator[Line]:
    """Broken rules in the form's own words; of those that could not be assessed, the first few."""
    failing = [finding for finding in result.findings if finding.status == "fail"]
    others = [finding for finding in result.findings if finding.status != "fail"]
    if failing or others:
        yield []
    yield from failures(failing, result.text)
    for finding in others[:_MOST_NOT_ASSESSABLE]:
        yield [(f"– {finding.message} [{finding.rule}]", "dim")]
    if len(others) > _MOST_NOT_ASSESSABLE:
        yield [(f"– and {len(others) - _MOST_NOT_ASSESSABLE} more rules that could not be assessed (--json)", "dim")]


_SIGNS = {"error": ("✗ ", "bold yellow"), "warning": ("! ", "yellow"), "info": ("· ", "")}


def failures(failing: list[Finding], text: str = "", english: bool = False) -> Iterator[Line]:
    """Failed rules, hard ones first: the words, who is to blame, where it stands, what would explain it."""
    order = ("error", "warning", "info")
    explained: set[tuple[str, ...]] = set()
    for finding in sorted(failing, key=lambda finding: order.index(finding.severity)):
        sign, style = _SIGNS[finding.severity]
        message = (english and finding.message_en) or finding.message
        yield [(sign, style), (f"{message} [{finding.rule}]", ""), (_blame(finding), "dim")]
        for piece in finding.evidence:
            line = f"line {text.count(chr(10), 0, piece.span[0]) + 1}" if text else f"at {piece.span[0]}"
            yield [(f"    {piece.of}: {_quoted(piece.raw)} {line}", "dim")]
        told = tuple((english and one.text_en) or one.text for one in finding.hypotheses)
        if told and told in explained:
            continue  # rules that fail together have one explanation
        explained.add(told)
        for words in told:
            yield [(f"    {words}", "dim")]


def _blame(finding: Finding) -> str:
    return {"source": "  printed so", "extraction": "  probably misread", "undecided": ""}[finding.blame]
