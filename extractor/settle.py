"""From read tables to one proved result: derived values, candidate readings confirmed or refused, verdicts."""

from __future__ import annotations

from typing import Any

from extractor.form import (
    DISPUTE_BLOCKS,
    DISPUTE_COLUMNS,
    FORM,
    REQUEST_COLUMNS,
    TABLES,
    Equation,
    equations,
)
from extractor.form.derive import derive
from extractor.form.equations import request_rows
from extractor.reader.tables import TableRead
from extractor.results import Cell, Finding, Verdict, plain
from extractor.rules.blame import blame_of
from extractor.rules.catalogue import catalogue
from extractor.rules.hard import check_equations


def table_equations(name: str, table: TableRead) -> tuple[Equation, ...]:
    """The hard rules of one table as this report prints it."""
    if name == "disclosure":
        return ()
    rules = equations(table.groups, table.without_sub_rows)
    if name == "requests":
        return tuple(e for e in rules if e.code.startswith("requests."))
    return tuple(e for e in rules if not e.code.startswith("requests."))


# Among more cells that could not be read, every cell would be a suspect.
_MOST_UNREAD = 42


def settle_table(text: str, name: str, table: TableRead) -> tuple[Verdict, list[Finding]]:
    """Completes the table's cells in place; its verdict and findings.

    Derived values are kept only where every rule that can be assessed holds: a published error must not be spread
    over blank cells.
    """
    for cell in table.cells:
        if cell.span and cell.raw is None:
            cell.raw = text[cell.span[0] : cell.span[1]]
    rules = table_equations(name, table)
    for cell in table.cells:
        if cell.method == "derived":
            cell.value, cell.because = None, ()
    proposed = {c.path: c for c in table.cells if c.method == "derived"}
    for cell in proposed.values():
        cell.method = None
    _confirm(table, rules)
    values = _values(table)
    derived, impossible = derive(values, rules) if None in values.values() else ({}, set())
    if derived and not impossible:
        by_path = {cell.path: cell for cell in table.cells}
        for path, (value, because) in derived.items():
            cell = by_path[path]
            if cell.state in ("blank", "missing", "not_applicable"):
                cell.value, cell.method, cell.because = value, "derived", because
        values = _values(table)
    unread = sum(cell.state in ("ambiguous", "illegible") for cell in table.cells)
    findings = check_equations(values, rules, suspects=unread <= _MOST_UNREAD)
    cells = {cell.path: cell for cell in table.cells}
    for finding in findings:
        if finding.status == "fail":
            finding.blame, finding.reason = blame_of(_proved(table), table.doubts, finding.suspects, cells)
    findings += [_doubt(name, code) for code in dict.fromkeys(table.doubts)]
    return _verdict(table, findings), findings


def _values(table: TableRead) -> dict[str, int | None]:
    return {c.path: int(c.value) if c.value is not None and c.unit is None else None for c in table.cells}


def _confirm(table: TableRead, rules: tuple[Equation, ...]) -> None:
    """Candidate readings (`2 0` for 20, O for 0) stay only where equations that include them hold; else ambiguous."""
    if not table.tentative:
        return
    values = _values(table)
    derived, impossible = derive(values, rules)
    known = {**values, **{path: value for path, (value, _) in derived.items()}}
    for cell in table.cells:
        if cell.path not in table.tentative or cell.state == "ambiguous":
            continue
        mine = [e for e in rules if cell.path in e.cells]
        assessed = [e for e in mine if all(known.get(p) is not None for p in e.cells)]
        independent = [e for e in assessed if not any(p in derived and e.code in derived[p][1] for p in e.cells)]
        if not independent or any(e.code in impossible for e in mine) or impossible:
            cell.candidates = (cell.value,) if cell.value is not None else ()
            cell.value, cell.method, cell.state, cell.span, cell.raw = None, None, "ambiguous", None, None


def _proved(table: TableRead) -> bool:
    return not table.doubts and all(cell.state not in ("ambiguous", "illegible") for cell in table.cells)


def _verdict(table: TableRead, findings: list[Finding]) -> Verdict:
    if not table.found or all(cell.state == "missing" and cell.value is None for cell in table.cells):
        return "failed"
    if not _proved(table):
        return "needs_review"
    if any(f.status == "fail" and f.severity == "error" for f in findings):
        return "inconsistent"
    if all(cell.state == "reported" for cell in table.cells):
        return "verified"
    return "reconciled"


def _doubt(name: str, doubt: str) -> Finding:
    """Why a table may not be trusted although figures were read, in the catalogue's words."""
    rule = catalogue()[f"reading.{doubt}"]
    return Finding(
        rule=f"{name}.{rule.code}",
        status="fail",
        severity=rule.severity,
        blame="undecided",
        message=rule.zh.rstrip("。"),
        message_en=rule.en.rstrip("."),
    )


def build_record(
    version: str, tables: dict[str, TableRead], identity: dict[str, Any], sections: dict[str, Any]
) -> dict[str, Any]:
    """The contract's `record`: every key of the form, null where there is no value."""
    values = {cell.path: cell for name in TABLES for cell in tables[name].cells}
    disclosure: dict[str, Any] = {}
    for row in FORM.disclosure_rows(version):
        cells: dict[str, Any] = {}
        for field in row.fields[version]:
            cell = values[f"disclosure.{row.key}.{field}"]
            cells[field] = plain(cell.value)
            if field == "amount":
                cells["unit"] = cell.unit
        disclosure[row.key] = cells
    requests = {
        row: {c: plain(values[f"requests.{row}.{c}"].value) for c in REQUEST_COLUMNS}
        for row in request_rows(tables["requests"].groups)
    }
    return {
        "form": version,
        "organization": identity["organization"],
        "year": identity["year"],
        "title": identity["title"],
        "sections": sections,
        "disclosure": disclosure,
        "requests": requests,
        **{b: {c: plain(values[f"{b}.{c}"].value) for c in DISPUTE_COLUMNS} for b in DISPUTE_BLOCKS},
    }


def cells_in_order(tables: dict[str, TableRead]) -> list[Cell]:
    """All cells, in print order."""
    return [cell for name in TABLES for cell in tables[name].cells]
