"""The rules beside the equations, run anew over a reviewed line; and what only the machine's reading could say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from extractor.results import Cell, Finding
from extractor.review.paper import Paper
from extractor.rules.case import Words, case_of_record
from extractor.rules.catalogue import rule_of
from extractor.rules.engine import validate
from extractor.rules.intake import take

Line = Mapping[str, Any]


def soft_findings(line: Line, cells: Sequence[Cell], paper: Paper) -> list[Finding]:
    """Findings of all rules but the equations, on record, page and narrative."""
    taken = take({"record": line["record"], "cells": [], "claims": line["claims"]}, None).case
    assert taken is not None
    start, end = paper.extent
    sections = {key: (span[0], span[1]) if span else None for key, span in line["record"]["sections"].items()}
    case = replace(
        case_of_record(line["record"]),
        cells={cell.path: cell for cell in cells},
        verdicts=line["verdicts"],
        claims=taken.claims,
        words=Words(paper.text, paper.norm, start, end, sections),
    )
    return validate(case, soft_only=True).findings


def carried(line: Line, *, before: bool) -> list[dict[str, Any]]:
    """The machine's findings that cannot be judged anew: on the model's answers and the caller's record (`before`),
    on the file."""
    found = []
    for finding in line["findings"]:
        rule = rule_of(finding["rule"])
        if rule is None or ".reading." in finding["rule"]:
            continue
        if rule.family == ("reading" if before else "file"):
            found.append(dict(finding))
    return found
