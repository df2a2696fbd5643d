"""Scores results against hand-made gold labels (CONTRACT, `gouji eval`), sharing no code with the reader.

Gold is what is on paper: a number, null (blank, not applicable or not printed) or "?" (the text does not decide it).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

TABLE_OF = {
    "disclosure": "disclosure",
    "requests": "requests",
    "reconsideration": "disputes",
    "litigation_direct": "disputes",
    "litigation_after_reconsideration": "disputes",
}
TRUSTED = ("verified", "reconciled", "inconsistent")


def gold_cells(record: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """(path, gold value) for every cell of a gold record; units are not cells."""
    for key, rows in record.get("disclosure", {}).items():
        for name, value in rows.items():
            if name != "unit":
                yield f"disclosure.{key}.{name}", value
    for row, columns in record.get("requests", {}).items():
        for column, value in (columns or {}).items():
            yield f"requests.{row}.{column}", value
    for block in ("reconsideration", "litigation_direct", "litigation_after_reconsideration"):
        for name, value in (record.get(block) or {}).items():
            yield f"{block}.{name}", value


def outcome(gold: Any, cell: dict[str, Any] | None, trusted: bool) -> str:
    """right, missed, refused (missed in a table that is not trusted), wrong, invented, derived, or undecidable ones."""
    value = cell["value"] if cell else None
    if gold == "?":
        return "undecidable_refused" if value is None or not trusted else "undecidable_answered"
    if gold is None:
        if value is None:
            return "right"
        return "derived" if cell and cell["method"] == "derived" else "invented"
    if value is None:
        return "missed" if trusted else "refused"
    return "right" if Decimal(str(value)) == Decimal(str(gold)) else "wrong"


def score(gold: dict[str, Any], result: dict[str, Any]) -> tuple[Counter[str], list[tuple[str, str, Any, Any]]]:
    """Counts over one document's gold cells, and every cell that is not right as (path, outcome, gold, value)."""
    counts: Counter[str] = Counter()
    faults = []
    cells = {cell["path"]: cell for cell in result["cells"]}
    for path, expected in gold_cells(gold["record"]):
        trusted = result["verdicts"][TABLE_OF[path.split(".")[0]]] in TRUSTED
        cell = cells.get(path)
        what = outcome(expected, cell, trusted)
        counts[what] += 1
        if expected not in (None, "?", 0, "0"):
            counts["nonzero"] += 1
            counts["nonzero_right"] += what == "right"
        if what in ("wrong", "invented", "undecidable_answered") and trusted:
            counts["escapes"] += 1
        if what not in ("right", "derived", "undecidable_refused"):
            faults.append((path, what, expected, cell["value"] if cell else None))
    return counts, faults
