"""Scores results against hand-made gold labels (CONTRACT, `gouji eval`), sharing no code with the reader.

Gold is what is on paper: a number, null (blank, not applicable or not printed) or "?" (the text does not decide it).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from extractor.form import GROUPS, equations, group_all

TABLE_OF = {
    "disclosure": "disclosure",
    "requests": "requests",
    "reconsideration": "disputes",
    "litigation_direct": "disputes",
    "litigation_after_reconsideration": "disputes",
}
BLOCKS = ("reconsideration", "litigation_direct", "litigation_after_reconsideration")
TABLES = ("disclosure", "requests", "disputes")
VERDICTS = ("verified", "reconciled", "inconsistent", "needs_review", "failed")
TRUSTED = ("verified", "reconciled", "inconsistent")

# What a cell can come to. A cell is good where it is right, or where the text does not ask for more.
GOOD = ("right", "derived", "undecidable_refused")
MISSED = ("missed", "refused")
WRONG = ("wrong", "invented", "undecidable_answered")
OUTCOMES = (*GOOD, *MISSED, *WRONG)


def gold_cells(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """(path, gold value) for every cell of a gold record; units are not cells, a row that is null has none."""
    for key, rows in (record.get("disclosure") or {}).items():
        for name, value in (rows or {}).items():
            if name != "unit":
                yield f"disclosure.{key}.{name}", value
    for row, columns in (record.get("requests") or {}).items():
        for column, value in (columns or {}).items():
            yield f"requests.{row}.{column}", value
    for block in BLOCKS:
        for name, value in (record.get(block) or {}).items():
            yield f"{block}.{name}", value


def table_of(path: str) -> str:
    """The table that a cell belongs to."""
    return TABLE_OF[path.partition(".")[0]]


def number(value: Any) -> Decimal | None:
    """A cell's value as an exact number, None where it is none."""
    if value is None or isinstance(value, bool):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def outcome(gold: Any, cell: Mapping[str, Any] | None, trusted: bool) -> str:
    """right, missed, refused (missed in a table that is not trusted), wrong, invented, derived, or undecidable ones."""
    value = cell.get("value") if cell else None
    if gold == "?":
        return "undecidable_refused" if value is None or not trusted else "undecidable_answered"
    if gold is None:
        if value is None:
            return "right"
        return "derived" if cell and cell.get("method") == "derived" else "invented"
    if value is None:
        return "missed" if trusted else "refused"
    return "right" if number(value) == number(gold) else "wrong"


def is_trusted(result: Mapping[str, Any], table: str) -> bool:
    """Whether a result vouches for a table."""
    return (result.get("verdicts") or {}).get(table) in TRUSTED


def score_cells(record: Mapping[str, Any], result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every gold cell with what a result says of it: path, gold, value, state, method, trusted, outcome, span, raw."""
    cells = {cell["path"]: cell for cell in result.get("cells") or ()}
    scored = []
    for path, gold in gold_cells(record):
        trusted = is_trusted(result, table_of(path))
        cell = cells.get(path) or {}
        scored.append(
            {
                "path": path,
                "gold": plain(gold),
                "value": plain(cell.get("value")),
                "state": cell.get("state"),
                "method": cell.get("method"),
                "trusted": trusted,
                "outcome": outcome(gold, cell, trusted),
                "span": cell.get("span"),
                "raw": cell.get("raw"),
            }
        )
    return scored


def plain(value: Any) -> Any:
    """A value as JSON has it: amounts as exact decimal strings."""
    return format(value, "f") if isinstance(value, Decimal) else value


def count(cells: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """The contract's counts over scored cells, and blanks, zeros and non-zeros apart."""
    counts: Counter[str] = Counter()
    for cell in cells:
        what, gold = cell["outcome"], cell["gold"]
        counts[what] += 1
        if gold == "?":
            kind = "undecidable"
        elif gold is None:
            # A value that follows from the rules is counted apart and nowhere else.
            kind = "blank" if what != "derived" else ""
        else:
            kind = "nonzero" if number(gold) else "zero"
        if kind:
            counts[kind] += 1
            counts[f"{kind}_right"] += what == "right"
        counts["escapes"] += what in WRONG and cell["trusted"]
    return counts


def score(gold: Mapping[str, Any], result: Mapping[str, Any]) -> tuple[Counter[str], list[tuple[str, str, Any, Any]]]:
    """Counts over one document's gold cells, and every cell that is not right as (path, outcome, gold, value)."""
    cells = score_cells(gold["record"], result)
    faults = [(c["path"], c["outcome"], c["gold"], c["value"]) for c in cells if c["outcome"] not in GOOD]
    return count(cells), faults


def broken_rules(cells: Iterable[Mapping[str, Any]]) -> tuple[set[str], set[str]]:
    """The equations of the form that the gold numbers break, and all that the gold decides (no operand is open)."""
    values = {cell["path"]: number(cell["gold"]) if cell["gold"] != "?" else None for cell in cells}

    def printed(row: str) -> bool:
        return any(value is not None for path, value in values.items() if path.startswith(f"requests.{row}."))

    groups = frozenset(group for group in GROUPS if printed(group_all(group)))
    alone = frozenset(group for group in groups if not any(printed(row) for row in GROUPS[group]))
    broken, decided = set(), set()
    for equation in equations(groups, alone):
        left = [values.get(path) for path in equation.left]
        right = [values.get(path) for path in equation.right]
        if None in left or None in right:
            continue
        decided.add(equation.code)
        if sum(value for value in left if value) != sum(value for value in right if value):
            broken.add(equation.code)
    return broken, decided
