"""How much of a report is left for a person to settle: the order of the reviewers' queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from extractor.form import TABLES
from extractor.results import TRUSTED


class Doubt(NamedTuple):
    """Of one table: cells that nobody proved, hard rules that fail, and how bad it is as one number (0: no work)."""

    cells: int
    rules: int
    score: float


# What weighs as much as so many doubtful cells.
_RULE = 10  # a broken hard rule: a figure is wrong, on paper or in the reading
_READING = 20  # the reader doubts the table as a whole: any figure may stand in the wrong cell


def doubt_of(line: Mapping[str, Any]) -> dict[str, Doubt]:
    """Per table of a line of `extract --json`.

    A table that is not trusted is worse the more may be wrong in it. One that is trusted and breaks a hard rule is left
    for a person to confirm, behind all of these (below 1). Any other is no work.
    """
    failed = [finding for finding in line["findings"] if finding["status"] == "fail"]
    rules = dict.fromkeys(TABLES, 0)
    for finding in failed:
        if finding["severity"] == "error" and finding["cells"]:
            rules[table_of(finding["cells"][0])] += 1
    doubts = {}
    for table in TABLES:
        if line["verdicts"][table] in TRUSTED:  # such a table has no doubtful cell
            doubts[table] = Doubt(0, rules[table], min(rules[table], 99) / 100)
        elif line["record"] is None:
            doubts[table] = Doubt(0, 0, 0.0)
        else:
            mine = (cell for cell in line["cells"] if table_of(cell["path"]) == table)
            cells = sum(cell["state"] in ("ambiguous", "illegible", "missing") for cell in mine)
            doubted = any(finding["rule"].startswith(f"{table}.reading.") for finding in failed)
            doubts[table] = Doubt(cells, rules[table], float(1 + cells + _RULE * rules[table] + _READING * doubted))
    return doubts


def table_of(path: str) -> str:
    """The table of a cell: `requests.granted.total` is in `requests`, `litigation_direct.upheld` in `disputes`."""
    head = path.partition(".")[0]
    return head if head in TABLES else "disputes"
