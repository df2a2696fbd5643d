"""Counts over scored cells and documents, and the rates that are ratios of two such sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from extractor.eval.score import GOOD, TRUSTED, WRONG, broken_rules, count, table_of

Document = Mapping[str, Any]
Counts = Counter[str]

# Sums over cells, over documents and tables, and what was spent; the contract's first, then ours.
CELLS = (
    "cells", "right", "missed", "refused", "wrong", "invented", "derived", "undecidable", "undecidable_refused",
    "nonzero", "nonzero_right", "escapes", "undecidable_answered", "zero", "zero_right", "blank", "blank_right",
    "trusted_answers",
)  # fmt: skip
DOCUMENTS = (
    "documents", "documents_exact", "tables", "tables_trusted", "tables_exact", "tables_trusted_right",
    "tables_printed", "tables_printed_trusted",
)  # fmt: skip
FINDINGS = ("findings_right", "findings_expected", "findings_found")
USAGE = ("calls", "prompt_tokens", "completion_tokens")
# Rate → (part, whole). All have intervals.
RATES = {
    "accuracy": ("right", "cells"),
    "nonzero_accuracy": ("nonzero_right", "nonzero"),
    "zero_accuracy": ("zero_right", "zero"),
    "blank_accuracy": ("blank_right", "blank"),
    "coverage": ("tables_trusted", "tables"),
    "printed_coverage": ("tables_printed_trusted", "tables_printed"),
    "trusted_precision": ("tables_trusted_right", "tables_trusted"),
    "escape_rate": ("escapes", "trusted_answers"),
    "tables_exact_rate": ("tables_exact", "tables"),
    "documents_exact_rate": ("documents_exact", "documents"),
    "claims_precision": ("claims_right", "claims_found"),
    "claims_recall": ("claims_right", "claims_labelled"),
    "findings_precision": ("findings_right", "findings_found"),
    "findings_recall": ("findings_right", "findings_expected"),
}
# All figures that a limit can be set on.
METRICS = (
    *CELLS, *DOCUMENTS, *FINDINGS, *USAGE, *RATES, "cost", "seconds", "seconds_per_document", "escape_documents",
    "escape_documents_upper", "unscored", "extra_reports",
)  # fmt: skip
# For these more is worse.
BAD = frozenset(
    ("missed", "refused", "wrong", "invented", "escapes", "escape_rate", "escape_documents", "escape_documents_upper",
     "undecidable_answered", "unscored", "calls", "prompt_tokens", "completion_tokens", "cost", "seconds",
     "seconds_per_document", "extra_reports")
)  # fmt: skip


def unscored(document: Document) -> bool:
    """Whether a document has no score: every label has cells."""
    return not document["cells"]


def document_counts(document: Document) -> Counts:
    """Everything of one scored document that is summed."""
    counts = cell_counts(document["cells"])
    verdicts = document["verdicts"]
    for table, cells in by_table(document["cells"]).items():
        counts["tables"] += 1
        counts["tables_exact"] += exact(cells)
        # A report without tables prints none that could be trusted; nor does one cut off before them.
        if any(cell["gold"] is not None for cell in cells):
            counts["tables_printed"] += 1
            counts["tables_printed_trusted"] += verdicts.get(table) in TRUSTED
        if verdicts.get(table) in TRUSTED:
            counts["tables_trusted"] += 1
            counts["tables_trusted_right"] += not any_wrong(cells)
    counts["documents"] += 1
    counts["documents_exact"] += exact(document["cells"])
    claims = document.get("claims")
    if claims:
        counts["claims_right"] += claims["right"]
        counts["claims_found"] += claims["right"] + claims["invented"]
        counts["claims_labelled"] += claims["right"] + claims["missed"]
    expected, found = rules_of(document)
    counts["findings_right"] += len(expected & found)
    counts["findings_found"] += len(found)
    counts["findings_expected"] += len(expected)
    return counts


def rules_of(document: Document) -> tuple[set[str], set[str]]:
    """The equations that the gold breaks, and of those that it decides the ones that were found broken."""
    expected, decided = broken_rules(document["cells"])
    told = {f["rule"] for f in document.get("findings") or () if f["status"] == "fail" and f["severity"] == "error"}
    return expected, decided & told


def cell_counts(cells: Iterable[Mapping[str, Any]]) -> Counts:
    """The contract's counts over scored cells: `missed` counts what was refused too."""
    cells = list(cells)
    counts = count(cells)
    counts["missed"] += counts["refused"]
    counts["cells"] = counts["right"] + counts["missed"] + counts["wrong"] + counts["invented"]
    counts["trusted_answers"] = sum(
        cell["trusted"] and cell["value"] is not None and cell["outcome"] != "derived" for cell in cells
    )
    return counts


def by_table(cells: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """The cells of each table that the gold has."""
    tables: dict[str, list[Mapping[str, Any]]] = {}
    for cell in cells:
        tables.setdefault(table_of(cell["path"]), []).append(cell)
    return tables


def exact(cells: Iterable[Mapping[str, Any]]) -> bool:
    """Nothing is missed and nothing wrong."""
    return all(cell["outcome"] in GOOD for cell in cells)


def any_wrong(cells: Iterable[Mapping[str, Any]]) -> bool:
    """Some answer is wrong."""
    return any(cell["outcome"] in WRONG for cell in cells)


def sum_of(counts: Iterable[Counts]) -> Counts:
    """The sum; unlike `+` it keeps what is 0."""
    total: Counts = Counter()
    for one in counts:
        total.update(one)
    return total


def ratio(counts: Mapping[str, int], rate: str) -> float | None:
    """A rate of RATES, None where there is nothing to share."""
    part, whole = RATES[rate]
    return counts[part] / counts[whole] if counts[whole] else None
