"""Where a system fails: by family, form, table, row and column; blank against zero; verdicts; risk and coverage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from extractor.eval.counts import (
    CELLS,
    DOCUMENTS,
    Counts,
    Document,
    any_wrong,
    by_table,
    cell_counts,
    exact,
    ratio,
    rules_of,
    sum_of,
)  # fmt: skip
from extractor.eval.score import MISSED, TABLES, TRUSTED, VERDICTS, WRONG, number, table_of

_CELL_RATES = ("accuracy", "nonzero_accuracy", "zero_accuracy", "blank_accuracy")
# From most to least sure (`tier_of`).
TIERS = ("verified", "reconciled or inconsistent", "proved by a model", "derived", "needs_review")
CONFUSION = (("blank", "zero", "nonzero", "undecidable"), ("none", "zero", "nonzero"))


def row_of(path: str) -> str:
    """The row that a cell stands in: `requests.denied.state_secret`, `disclosure.fees`, `reconsideration`."""
    return path.rpartition(".")[0]


def column_of(path: str) -> str:
    """The column, with its table: `requests.natural_person`, `disputes.upheld`."""
    return f"{table_of(path)}.{path.rpartition('.')[2]}"


def breakdown(documents: Sequence[Document], sums: Sequence[Counts]) -> dict[str, dict[str, dict[str, Any]]]:
    """The counts by layout family, form version, table, row and column."""
    out: dict[str, dict[str, dict[str, Any]]] = {}
    for kind in ("family", "form"):
        groups: dict[str, list[Counts]] = {}
        for document, one in zip(documents, sums, strict=True):
            groups.setdefault(str(document[kind]), []).append(one)
        out[kind] = {name: _group(sum_of(groups[name])) for name in sorted(groups)}
    tables: dict[str, Counts] = {}
    for document in documents:
        for table, cells in by_table(document["cells"]).items():
            counts = tables.setdefault(table, Counter())
            counts["tables"] += 1
            counts["tables_exact"] += exact(cells)
            counts["tables_trusted"] += document["verdicts"].get(table) in TRUSTED
    of: dict[str, Callable[[str], str]] = {"table": table_of, "row": row_of, "column": column_of}
    for kind, key in of.items():
        cells_of: dict[str, list[Mapping[str, Any]]] = {}
        for document in documents:
            for cell in document["cells"]:
                cells_of.setdefault(key(cell["path"]), []).append(cell)
        out[kind] = {name: _group(cell_counts(cells)) for name, cells in cells_of.items()}
    for table, counts in tables.items():
        out["table"][table] |= {**counts, "coverage": ratio(counts, "coverage")}
    return out


def _group(counts: Counts) -> dict[str, Any]:
    names = (*CELLS, *DOCUMENTS) if counts["documents"] else CELLS
    rates = (*_CELL_RATES, "coverage", "tables_exact_rate") if counts["documents"] else _CELL_RATES
    return {**{name: counts[name] for name in names}, **{name: ratio(counts, name) for name in rates}}


def confusion(documents: Iterable[Document]) -> dict[str, dict[str, int]]:
    """What was on paper × what was answered. A blank that the rules filled is no confusion and is left out."""
    table = {gold: dict.fromkeys(CONFUSION[1], 0) for gold in CONFUSION[0]}
    for document in documents:
        for cell in document["cells"]:
            if cell["outcome"] == "derived":
                continue
            gold = "undecidable" if cell["gold"] == "?" else kind_of(cell["gold"], "blank")
            table[gold][kind_of(cell["value"], "none")] += 1
    return table


def kind_of(value: Any, nothing: str) -> str:
    """zero, nonzero, or the word for nothing."""
    if value is None:
        return nothing
    return "zero" if number(value) == 0 else "nonzero"


def verdict_precision(documents: Iterable[Document]) -> dict[str, dict[str, Any]]:
    """For each verdict: its tables; in how many of them no answer is wrong, and in how many every cell is right."""
    out = {verdict: {"tables": 0, "right_tables": 0, "exact_tables": 0} for verdict in VERDICTS}
    for document in documents:
        for table, cells in by_table(document["cells"]).items():
            entry = out.setdefault(
                document["verdicts"].get(table, "failed"), {"tables": 0, "right_tables": 0, "exact_tables": 0}
            )
            entry["tables"] += 1
            entry["right_tables"] += not any_wrong(cells)
            entry["exact_tables"] += exact(cells)
    return out


def tier_of(cell: Mapping[str, Any], verdict: str | None) -> str:
    """How sure a value is."""
    if not cell["trusted"]:
        return "needs_review"
    if cell["method"] == "derived":
        return "derived"
    if cell["method"] in ("llm", "given", "human"):
        return "proved by a model"
    return "verified" if verdict == "verified" and cell["state"] == "reported" else "reconciled or inconsistent"


def risk_coverage(documents: Iterable[Document]) -> list[dict[str, Any]]:
    """Tier by tier, the surest first: the share of the gold numbers answered so far, and how much of what was answered
    is wrong (wrong, invented, or an answer where the text does not decide, in a trusted table)."""
    answered, errors, right, numbers = Counter[str](), Counter[str](), Counter[str](), 0
    for document in documents:
        for cell in document["cells"]:
            known = cell["gold"] is not None and cell["gold"] != "?"
            numbers += known
            if cell["value"] is None or cell["outcome"] in ("derived", "undecidable_refused"):
                continue
            tier = tier_of(cell, document["verdicts"].get(table_of(cell["path"])))
            answered[tier] += 1
            right[tier] += known
            errors[tier] += cell["outcome"] in WRONG
    points, done, bad, covered = [], 0, 0, 0
    for tier in TIERS:
        done, bad, covered = done + answered[tier], bad + errors[tier], covered + right[tier]
        points.append(
            {
                "tier": tier,
                "answered": answered[tier],
                "errors": errors[tier],
                "coverage": covered / numbers if numbers else None,
                "risk": bad / done if done else None,
            }
        )
    return points


def findings(documents: Iterable[Document]) -> dict[str, dict[str, int]]:
    """By equation of the form: reports that break it on paper and were told so, were not, and false alarms."""
    out: dict[str, dict[str, int]] = {}
    for document in documents:
        expected, found = rules_of(document)
        for rule in expected | found:
            entry = out.setdefault(rule, {"right": 0, "missed": 0, "invented": 0})
            entry["right" if rule in expected & found else "missed" if rule in expected else "invented"] += 1
    return dict(sorted(out.items()))


def identity(documents: Sequence[Document]) -> dict[str, dict[str, int]]:
    """In how many documents year and body were read as labelled (a body may be named with or without its region)."""
    out = {"year": {"right": 0, "of": 0}, "organization": {"right": 0, "of": 0}}
    for document in documents:
        answered = document.get("answered") or {}
        if document["year"] is not None:
            out["year"]["of"] += 1
            out["year"]["right"] += answered.get("year") == document["year"]
        if document["organization"]:
            named = answered.get("organization") or ""
            out["organization"]["of"] += 1
            out["organization"]["right"] += bool(named) and (
                named in document["organization"] or document["organization"] in named
            )
    return out


def heat(documents: Iterable[Document]) -> dict[str, Any]:
    """Where errors lie: table 3 by row and column, and every layout family by table. `gold`: cells that are scored,
    `bad`: missed, wrong or invented."""
    requests: dict[str, dict[str, dict[str, int]]] = {}
    families: dict[str, dict[str, dict[str, int]]] = {}
    for document in documents:
        for cell in document["cells"]:
            if cell["outcome"] in ("derived", "undecidable_refused", "undecidable_answered"):
                continue
            bad = cell["outcome"] in MISSED or cell["outcome"] in WRONG
            table, path = table_of(cell["path"]), cell["path"]
            entries = [families.setdefault(str(document["family"]), {}).setdefault(table, {"gold": 0, "bad": 0})]
            if table == "requests":
                row, column = row_of(path).partition(".")[2], path.rpartition(".")[2]
                entries.append(requests.setdefault(row, {}).setdefault(column, {"gold": 0, "bad": 0}))
            for entry in entries:
                entry["gold"] += 1
                entry["bad"] += bad
    ordered = {family: {table: of[table] for table in TABLES if table in of} for family, of in sorted(families.items())}
    return {"requests": requests, "families": ordered}
