"""How much of a report is left for a person to settle: the order of the reviewers' queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from extractor.form import TABLES
from extractor.results import TRUSTED


class Doubt(NamedTuple):
    """Of one table: cells that nobody proved, hard rules that fail, and the two as one number (0: nothing to do)."""

    cells: int
    rules: int
    score: float


def doubt_of(line: Mapping[str, Any]) -> dict[str, Doubt]:
    """Per table of a line of `extract --json`; a table that is trusted and breaks no hard rule is no work.

    A broken hard rule weighs as ten cells: it says that a figure is wrong, on paper or in the reading.
    """
    cells = dict.fromkeys(TABLES, 0)
    for cell in line["cells"]:
        table = table_of(cell["path"])
        cells[table] += cell["state"] in ("ambiguous", "illegible") or (
            cell["state"] == "missing" and line["verdicts"][table] not in TRUSTED
        )
    rules = dict.fromkeys(TABLES, 0)
    for finding in line["findings"]:
        if finding["status"] == "fail" and finding["severity"] == "error" and finding["cells"]:
            rules[table_of(finding["cells"][0])] += 1
    doubts = {}
    for table in TABLES:
        verdict = line["verdicts"][table]
        open_ = verdict == "needs_review" or (verdict == "failed" and line["record"] is not None)
        score = cells[table] + 10 * rules[table] + (1 if open_ else 0)
        doubts[table] = Doubt(cells[table], rules[table], float(score if open_ or rules[table] else 0))
    return doubts


def table_of(path: str) -> str:
    """The table of a cell: `requests.granted.total` is in `requests`, `litigation_direct.upheld` in `disputes`."""
    head = path.partition(".")[0]
    return head if head in TABLES else "disputes"
