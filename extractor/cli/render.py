"""The readable output: the three tables as people know them, what is doubtful marked, and why."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TextIO

from extractor.document.sources import display
from extractor.form import DISPUTE_BLOCKS, FORM, GROUPS, TABLES, group_all
from extractor.results import Cell, Finding, Result, plain

# A line is a list of (text, style); styles are rich's and vanish where nobody sees colour.
Line = list[tuple[str, str]]

_LABEL_WIDTH = 36
_MARKS = {"blank": "·", "not_applicable": "/", "missing": "x", "illegible": "!", "ambiguous": "?"}
_LEGEND = {
    "()": "(n) derived by the rules",
    "[]": "[n] read by a model, proved by the text and the rules",
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
    lines = report(result)
    if not stream.isatty():
        stream.write("".join("".join(text for text, _ in line).rstrip() + "\n" for line in lines))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, highlight=False, markup=False, soft_wrap=True)
    for line in lines:
        console.print(Text.assemble(*line))


def report(result: Result) -> Iterator[Line]:
    """The lines of one report."""
    record = result.record
    if record is None:
        error = result.error or {}
        yield [("failed ", _COLOURS["failed"]), (display(result.source), "bold")]
        yield [(f"  {error.get('message', '')} [{error.get('code', '')}]", "")]
        yield [(f"  {error.get('hint', '')}", "")]
        for claim in result.claims:
            yield [(f"  a model reads in the words: {FORM.words(claim.path)} {claim.value} (not proved)", "dim")]
        yield []
        return
    name = record.get("organization") or "机关未识别"
    year = f"{record['year']} 年" if record.get("year") else "年度未识别"
    yield [
        (f"{name} · {year} · {record.get('form')} form · ", "bold"),
        (result.verdict, _COLOURS[result.verdict]),
    ]
    yield [(display(result.source), "dim")]
    cells = {cell.path: cell for cell in result.cells}
    sections = {section.key: section for section in FORM.sections}
    bodies = {
        "disclosure": _disclosure(cells, str(record.get("form"))),
        "requests": _requests(cells),
        "disputes": _disputes(cells),
    }
    for table in TABLES:
        verdict = result.verdicts[table]
        yield []
        yield [
            (f"{sections[table].ordinal}、{sections[table].label}  ", "bold"),
            (verdict, _COLOURS[verdict]),
            (f": {why(result, table)}", ""),
        ]
        if verdict != "failed":
            yield from bodies[table]
    yield from _doubts(result)
    yield from _findings(result)
    yield []


def table_of(path: str) -> str:
    """The table that a cell path or a rule's code belongs to."""
    head = path.partition(".")[0]
    return "disputes" if head in DISPUTE_BLOCKS or head == "disputes" else head


def why(result: Result, table: str) -> str:
    """Why a table got its verdict, in one phrase."""
    verdict = result.verdicts[table]
    mine = [cell for cell in result.cells if table_of(cell.path) == table]
    failed = [f.rule for f in result.findings if f.status == "fail" and table_of(f.rule) == table]
    doubts = sum(".reading." in rule for rule in failed)
    failing = len(failed) - doubts
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


# ------------------------------------------------------------------------------------------------ cells


def mark(cell: Cell | None) -> str:
    """A cell as the tables show it."""
    if cell is None:
        return ""
    if cell.value is not None:
        shown = f"{plain(cell.value)}"
        return {"derived": f"({shown})", "llm": f"[{shown}]"}.get(cell.method or "", shown)
    return _MARKS.get(cell.state, "·")


def _style(cell: Cell | None) -> str:
    if cell is None or (cell.state == "reported" and cell.value == 0):
        return "dim"
    if cell.state in ("ambiguous", "illegible"):
        return "bold red"
    return "cyan" if cell.method == "derived" else ""


def width(text: str) -> int:
    """Columns that a text takes on a terminal: two for a Chinese character."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def fit(text: str, columns: int, right: bool = False) -> str:
    """The text padded to so many columns, or cut with `…`."""
    if width(text) > columns:
        while width(text) > columns - 1:
            text = text[:-1]
        text += "…"
    padding = " " * (columns - width(text))
    return padding + text if right else text + padding


def _grid(headings: Sequence[str], rows: Sequence[tuple[str, Sequence[Cell | None]]], wrap: int = 99) -> Iterator[Line]:
    """Labels at the left, numbers right-aligned under their headings; headings cut into lines of `wrap` characters."""
    pieces = [[heading[at : at + wrap] for at in range(0, len(heading), wrap)] or [""] for heading in headings]
    marks = [[mark(cell) for cell in cells] for _, cells in rows]
    widths = [
        max([*map(width, piece), *(width(row[column]) for row in marks if column < len(row))])
        for column, piece in enumerate(pieces)
    ]
    for number in range(height := max(map(len, pieces), default=0)):
        line = [(" " * _LABEL_WIDTH, "")]
        for piece, columns in zip(pieces, widths, strict=True):
            at = number - (height - len(piece))
            line.append(("  " + fit(piece[at] if at >= 0 else "", columns, right=True), "dim"))
        yield line
    for (label, cells), shown in zip(rows, marks, strict=True):
        zero = bool(cells) and all(cell is not None and cell.value == 0 for cell in cells)
        line = [(fit(label, _LABEL_WIDTH), "dim" if zero else "")]
        for cell, text, columns in zip(cells, shown, widths, strict=False):
            line.append(("  " + fit(text, columns, right=True), _style(cell)))
        if cells and (unit := next((cell.unit for cell in cells if cell and cell.unit), None)):
            line.append((f" {unit}", "dim"))
        yield line


# ------------------------------------------------------------------------------------------------ tables


def _disclosure(cells: dict[str, Cell], version: str) -> Iterator[Line]:
    for names, rows in groupby(FORM.disclosure_rows(version), key=lambda row: row.fields[version]):
        yield from _grid(
            [FORM.fields[name].label.label for name in names],
            [(row.label.label, [cells.get(f"disclosure.{row.key}.{name}") for name in names]) for row in rows],
        )


def _requests(cells: dict[str, Cell]) -> Iterator[Line]:
    columns = [column.key for column in FORM.columns]
    groups = {group.key: group for group in FORM.groups}

    def row(key: str) -> list[Cell | None]:
        return [cells.get(f"requests.{key}.{column}") for column in columns]

    rows: list[tuple[str, Sequence[Cell | None]]] = []
    for label in FORM.rows:
        group = label.key.partition(".")[0]
        text = label.label.partition("（")[0]
        if group not in GROUPS:
            ordinal = label.ordinal if label.ordinal.startswith("（") else f"{label.ordinal}、"
            rows.append((f"{ordinal}{text}", row(label.key)))
            continue
        if GROUPS[group][0] == label.key:
            whole = row(group_all(group))
            rows.append((f"（{groups[group].ordinal}）{groups[group].label}", whole if any(whole) else []))
        rows.append((f"  {label.ordinal}.{text}", row(label.key)))
    yield from _grid([column.label for column in FORM.columns], rows, wrap=2)


def _disputes(cells: dict[str, Cell]) -> Iterator[Line]:
    columns = FORM.dispute_columns
    yield from _grid(
        [column.label for column in columns],
        [(block.label, [cells.get(f"{block.key}.{column.key}") for column in columns]) for block in FORM.blocks],
    )


# ------------------------------------------------------------------------------------------------ below the tables


def _doubts(result: Result) -> Iterator[Line]:
    """The legend of the marks that occur, and each doubtful cell with what the text allows."""
    used = {_MARKS[cell.state] for cell in result.cells if cell.value is None and cell.state in _MARKS}
    used |= {{"derived": "()", "llm": "[]"}.get(cell.method or "", "") for cell in result.cells}
    if used & _LEGEND.keys():
        yield []
        yield [("   ".join(words for sign, words in _LEGEND.items() if sign in used), "dim")]
    for cell in result.cells:
        if cell.state not in ("ambiguous", "illegible"):
            continue
        printed = f"printed {_quoted(cell.raw)}" if cell.raw else ""
        readings = " or ".join(str(plain(value)) for value in cell.candidates)
        detail = "; ".join(part for part in (readings, printed) if part)
        yield [(f"{_MARKS[cell.state]} {FORM.words(cell.path)}", "bold red"), (f": {detail}" if detail else "", "")]


def _quoted(raw: str) -> str:
    text = " ".join(raw.split())
    return f"“{text if len(text) <= 40 else text[:39] + '…'}”"


def _findings(result: Result) -> Iterator[Line]:
    """Broken rules in the form's own words; of those that could not be assessed, the first few."""
    failing = [finding for finding in result.findings if finding.status == "fail"]
    others = [finding for finding in result.findings if finding.status != "fail"]
    if failing or others:
        yield []
    for finding in failing:
        style = "yellow" if finding.severity != "error" else "bold yellow"
        yield [("✗ ", style), (f"{finding.message} [{finding.rule}]", ""), (_blame(finding), "dim")]
        for hypothesis in finding.hypotheses:
            yield [(f"    {hypothesis.text}", "dim")]
    for finding in others[:_MOST_NOT_ASSESSABLE]:
        yield [(f"– {finding.message} [{finding.rule}]", "dim")]
    if len(others) > _MOST_NOT_ASSESSABLE:
        yield [(f"– and {len(others) - _MOST_NOT_ASSESSABLE} more rules that could not be assessed (--json)", "dim")]


def _blame(finding: Finding) -> str:
    return {"source": "  printed so", "extraction": "  probably misread", "undecided": ""}[finding.blame]
