"""From scored documents (the lines of a run, see eval/runs.py) to the figures of one system.

Every figure is a sum over documents or a ratio of two such sums. A document that gave no answer for a reason outside
the system (its endpoint was down) has no cells: it is `unscored` and in no figure but what it cost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from extractor.eval import breakdowns
from extractor.eval.bootstrap import DRAWS, SEED, intervals, upper_limit
from extractor.eval.counts import (
    CELLS,
    DOCUMENTS,
    FINDINGS,
    RATES,
    USAGE,
    Counts,
    Document,
    document_counts,
    ratio,
    sum_of,
    unscored,
)  # fmt: skip


def figures(documents: Sequence[Document], *, seed: int = SEED, draws: int = DRAWS) -> dict[str, Any]:
    """All figures of one system. Repeats of a document are summed, and drawn together for the intervals."""
    scored = [document for document in documents if not unscored(document)]
    sums = [document_counts(document) for document in scored]
    total = sum_of(sums)
    clusters = list(clustered(scored, sums).values())
    # Where nothing is trusted nothing can escape: such a document says nothing of escapes.
    risked = [counts for counts in clusters if counts["tables_trusted"]]
    escaped = sum(1 for counts in risked if counts["escapes"])
    return {
        **{name: total[name] for name in (*CELLS, *DOCUMENTS, *FINDINGS)},
        **_usage(documents),
        **{name: ratio(total, name) for name in RATES},
        "escape_documents": escaped,
        "escape_documents_upper": upper_limit(escaped, len(risked)),
        "unscored": len(documents) - len(scored),
        "extra_reports": sum(document.get("extra_reports") or 0 for document in scored),
        "intervals": intervals(clusters, seed=seed, draws=draws),
        "by": breakdowns.breakdown(scored, sums),
        "confusion": breakdowns.confusion(scored),
        "risk_coverage": breakdowns.risk_coverage(scored),
        "verdicts": breakdowns.verdict_precision(scored),
        "claims": _claims(total),
        "findings": breakdowns.findings(scored),
        "identity": breakdowns.identity(scored),
        "heat": breakdowns.heat(scored),
        "repeats": _repeats(scored, sums),
    }


def clustered(documents: Sequence[Document], sums: Sequence[Counts]) -> dict[str, Counts]:
    """The sums by document; its repeats are one cluster."""
    clusters: dict[str, Counts] = {}
    for document, counts in zip(documents, sums, strict=True):
        clusters.setdefault(document["name"], Counter()).update(counts)
    return clusters


def _usage(documents: Sequence[Document]) -> dict[str, Any]:
    """What was spent, unscored documents included. `cost` is None where a call had no price."""
    used = [document.get("usage") or {} for document in documents]
    priced = [usage["cost"] for usage in used if usage.get("cost") is not None]
    unpriced = any(usage.get("calls") and usage.get("cost") is None for usage in used)
    seconds = sum(document.get("seconds") or 0.0 for document in documents)
    return {
        **{name: sum(u.get(name) or 0 for u in used) for name in USAGE},
        "cost": format(sum(map(Decimal, priced), Decimal()), "f") if priced and not unpriced else None,
        "seconds": round(seconds, 3),
        "seconds_per_document": round(seconds / len(documents), 4) if documents else None,
    }


def _claims(total: Counts) -> dict[str, Any] | None:
    """Right, missed, invented, precision and recall of the narrative's claims; None where nothing was labelled."""
    right, found, wanted = total["claims_right"], total["claims_found"], total["claims_labelled"]
    if not found and not wanted:
        return None
    return {
        "right": right,
        "missed": wanted - right,
        "invented": found - right,
        "precision": ratio(total, "claims_precision"),
        "recall": ratio(total, "claims_recall"),
    }


def _repeats(documents: Sequence[Document], sums: Sequence[Counts]) -> list[dict[str, Any]]:
    """The main figures of each repeat: how far a system with temperature agrees with itself."""
    numbers = sorted({document.get("repeat") or 0 for document in documents})
    out = []
    for repeat in numbers:
        total = sum_of(c for d, c in zip(documents, sums, strict=True) if (d.get("repeat") or 0) == repeat)
        out.append(
            {
                "repeat": repeat,
                **{name: total[name] for name in ("documents", "escapes", "wrong", "invented", "missed")},
                **{name: ratio(total, name) for name in ("accuracy", "nonzero_accuracy", "coverage")},
            }
        )
    return out
