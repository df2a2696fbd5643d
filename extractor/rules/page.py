"""What a line of `extract --json` knows of its page: cells, verdicts, claims, and findings on a text that is not here.

A line may have been changed since it was printed: what in it contradicts itself is a finding, and nothing of it is
believed then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from extractor.claims.claim import About, Claim, Scope
from extractor.document.normalize import normalize
from extractor.form import TABLES
from extractor.results import (
    MAX_DIGITS,
    Blame,
    Cell,
    Evidence,
    Finding,
    Method,
    Severity,
    State,
    Verdict,
    exact,
    plain,
)
from extractor.rules.case import Case
from extractor.rules.catalogue import rule_of
from extractor.rules.engine import fail

_MOST = 50
_DIGITS = re.compile(r"(?:[0-9０-９]{1,3}(?:[,，][0-9０-９]{3})+|[0-9０-９]+)(?:[.．][0-9０-９]+)?")


def add_page(
    case: Case, line: Mapping[str, Any], findings: list[Finding], doubts: dict[str, list[str]], carried: list[Finding]
) -> None:
    """Adds to the case what the line knows; to `findings` what is wrong with it, to `doubts` the reader's, by table, to
    `carried` the line's own findings that need the text."""
    faults: list[str] = []
    if "cells" in line:
        _cells(case, line["cells"], findings, faults)
    verdicts = line.get("verdicts")
    if isinstance(verdicts, Mapping) and set(verdicts) == set(TABLES) and _all_in(verdicts.values(), Verdict):
        case.verdicts = dict(verdicts)
    elif "verdicts" in line:
        faults.append("verdicts")
    claims = line.get("claims", [])
    found = [_claim(raw) for raw in claims] if isinstance(claims, list) else [None]
    faults += [f"claims[{number}]" for number, claim in enumerate(found) if claim is None]
    if isinstance(claims, list) and "claims" in line:
        case.claims = [claim for claim in found if claim is not None]
    said = line.get("findings", [])
    for number, raw in enumerate(said if isinstance(said, list) else [None]):
        finding = _finding(raw)
        if finding is None:
            faults.append(f"findings[{number}]")
            continue
        table, _, doubt = finding.rule.partition(".reading.")
        if doubt:
            doubts.setdefault(table, []).append(doubt)
        rule = rule_of(finding.rule)
        if doubt or (rule is not None and rule.of_text):
            carried.append(finding)
    if faults:
        more = f" … ({len(faults)})" if len(faults) > 3 else ""
        findings.append(fail("record.page", faults[:_MOST], names=", ".join(faults[:3]) + more))
        case.verdicts = {}


def _all_in(values: Iterable[Any], kind: Any) -> bool:
    known = get_args(kind)
    return all(isinstance(value, str) and value in known for value in values)


def _cells(case: Case, raw: Any, findings: list[Finding], faults: list[str]) -> None:
    """The cells of the line: each cell of the record once, saying the same as the record."""
    items = raw if isinstance(raw, list) else []
    if not isinstance(raw, list):
        faults.append("cells")
    cells: dict[str, Cell] = {}
    for number, item in enumerate(items):
        cell = _cell(item)
        if cell is None or cell.path in cells or cell.path not in case.values:
            faults.append(f"cells[{number}]")
            continue
        cells[cell.path] = cell
    faults += _shared(cells.values())
    lacking = [path for path in case.values if path not in cells]
    if items and lacking:
        faults.append(f"cells: no {lacking[0]}")
    case.cells = cells
    apart = [path for path, cell in cells.items() if cell.value != plain(case.values[path])]
    if apart:
        findings.append(fail("record.cells", apart[:_MOST], n=len(apart), names=", ".join(apart[:3])))


def _shared(cells: Iterable[Cell]) -> Iterable[str]:
    """Cells whose characters are those of another cell, in whole or in part: no figure stands for two cells."""
    last: Cell | None = None
    for cell in sorted((c for c in cells if c.span is not None), key=lambda c: c.span or (0, 0)):
        if last is not None and last.span and cell.span and cell.span[0] < last.span[1]:
            yield f"cells: {last.path} and {cell.path} are the same characters"
        last = cell


def _cell(raw: Any) -> Cell | None:
    if not isinstance(raw, dict) or not isinstance(raw.get("path"), str):
        return None
    printed, method, unit, state = raw.get("raw"), raw.get("method"), raw.get("unit"), raw.get("state")
    span = _span(raw.get("span"))
    if not _all_in([state], State) or not (method is None or _all_in([method], Method)):
        return None
    if not isinstance(printed, str | None) or (raw.get("span") is not None and span is None):
        return None
    value = raw.get("value")
    if span is not None and printed is not None and span[1] - span[0] != len(printed):
        return None
    if state == "reported" and (span is None or printed is None or not _says(printed, value)):
        return None
    return Cell(
        raw["path"],
        value=value,
        state=state,  # type: ignore[arg-type]
        raw=printed,
        span=span,
        method=method,
        unit=unit if isinstance(unit, str) else None,
    )


def _says(printed: str, value: Any) -> bool:
    """Whether digits alone say what the cell says; other ways of printing a number are the reader's matter."""
    if not _DIGITS.fullmatch(printed) or len(printed) > 24:
        return True
    return exact(normalize(printed).replace(",", "")) == exact(value)


def _span(raw: Any) -> tuple[int, int] | None:
    if isinstance(raw, list) and len(raw) == 2 and all(type(n) is int and 0 <= n < 2**40 for n in raw):
        return (raw[0], raw[1]) if raw[0] <= raw[1] else None
    return None


def _claim(raw: Any) -> Claim | None:
    if not isinstance(raw, dict):
        return None
    value, span, year = raw.get("value"), _span(raw.get("span")), raw.get("year")
    if isinstance(value, str):
        value = exact(value)
    elif type(value) is not int or value >= 10**MAX_DIGITS:
        value = None
    if value is None or value < 0 or span is None or not (year is None or (type(year) is int and 0 < year < 10_000)):
        return None
    about, unit = raw.get("about"), raw.get("unit")
    if not all(isinstance(raw.get(key), str) for key in ("field", "raw")) or not _all_in([raw.get("scope")], Scope):
        return None
    if not isinstance(unit, str | None) or not (about is None or _all_in([about], About)):
        return None
    return Claim(
        field=raw["field"],
        value=value,
        raw=raw["raw"],
        span=span,
        scope=raw["scope"],
        year=year,
        unit=unit,
        about=about,
        method="llm" if raw.get("method") == "llm" else "rule",
    )


def _finding(raw: Any) -> Finding | None:
    if not isinstance(raw, dict) or not isinstance(raw.get("rule"), str) or rule_of(raw["rule"]) is None:
        return None
    status, severity, blame = raw.get("status"), raw.get("severity"), raw.get("blame", "undecided")
    if not _all_in([severity], Severity) or not _all_in([blame], Blame) or status not in ("fail", "not_assessable"):
        return None
    texts = [raw.get(key, "") for key in ("message", "message_en", "reason")]
    if not all(isinstance(text, str) for text in texts):
        return None
    evidence = raw.get("evidence", [])
    pieces = [
        Evidence(str(piece.get("of")), str(piece.get("raw")), span)
        for piece in (evidence if isinstance(evidence, list) else [])
        if isinstance(piece, dict) and (span := _span(piece.get("span"))) is not None
    ]
    cells = raw.get("cells", [])
    return Finding(
        rule=raw["rule"],
        status=status,
        severity=severity,  # type: ignore[arg-type]
        message=texts[0],
        message_en=texts[1],
        reason=texts[2],
        cells=tuple(cell for cell in cells if isinstance(cell, str)) if isinstance(cells, list) else (),
        evidence=tuple(pieces),
        blame=blame,
    )
