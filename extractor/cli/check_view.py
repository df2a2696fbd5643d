"""What `gouji check` prints for people: the tables of a record whose rules fail, marked, and the findings below."""

from __future__ import annotations

from collections.abc import Iterator

from extractor.cli.grid import SUSPECT, Drawing, Line, table_of
from extractor.cli.render import failures
from extractor.document.sources import display
from extractor.form import FORM, TABLES
from extractor.results import Cell
from extractor.rules.case import Case
from extractor.rules.session import Judged

_MOST_OPEN = 8


def report(judged: Judged, english: bool = False) -> Iterator[Line]:
    """The lines for one record."""
    outcomes, case = judged.outcomes, judged.intake.case
    failing = [finding for finding in outcomes.findings if finding.status == "fail"]
    open_ = [finding for finding in outcomes.findings if finding.status != "fail"]
    place = display(judged.source) + (f", line {judged.intake.line}" if judged.intake.line else "")
    counts = f"{outcomes.passed} passed, {outcomes.failed} failed, {outcomes.not_assessable} not assessable"
    sign, style = ("✗ ", "bold yellow") if outcomes.broken else ("✓ ", "green") if not failing else ("! ", "yellow")
    yield [(sign, style), (f"{_name(case)}  ", "bold"), (counts, ""), (f"  {place}", "dim")]
    if case is not None:
        yield from _tables(case, judged)
    yield from failures(failing, english=english)
    for reason in dict.fromkeys(f.reason for f in failing if f.reason and f.severity == "error"):
        yield [(f"  who is to blame: {reason}", "dim")]
    for finding in open_[:_MOST_OPEN]:
        yield [(f"– {(english and finding.message_en) or finding.message} [{finding.rule}]", "dim")]
    if len(open_) > _MOST_OPEN:
        yield [(f"– and {len(open_) - _MOST_OPEN} more that could not be assessed (--json shows all)", "dim")]
    if failing:
        yield [(f"  gouji explain {failing[0].rule} says what the rule means", "dim")]
    yield []


def _name(case: Case | None) -> str:
    if case is None:
        return "no record"
    year = f"{case.year} 年" if case.year else "年度未知"
    return f"{case.organization or '机关未知'} · {year} · {case.form} form"


def _tables(case: Case, judged: Judged) -> Iterator[Line]:
    """The tables that a failed rule with numbers of both sides speaks of."""
    findings = judged.outcomes.findings
    cells = case.cells or {
        path: Cell(path, value, "blank" if value is None else "reported", unit=case.units.get(path))
        for path, value in case.values.items()
    }
    drawing = Drawing(cells, case.form, findings, brief=True)
    heads = {section.key: section for section in FORM.sections}
    touched = {
        table_of(path)
        for finding in findings
        if finding.status == "fail" and (finding.suspects or finding.left is not None)
        for path in finding.cells
        if path in case.values
    }
    for table in TABLES:
        if table in touched:
            yield [(f"{heads[table].ordinal}、{heads[table].label}", "bold")]
            yield from drawing.table(table)
    if drawing.suspects:
        yield [(SUSPECT, "dim")]
