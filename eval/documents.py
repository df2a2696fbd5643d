"""The scored lines of one report: every gold cell with its outcome, and the piece of the source where one is bad."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from extractor.eval.claims import Score
from extractor.eval.gold import GoldSet, Label
from extractor.eval.pairing import pair
from extractor.eval.score import GOOD, TABLES, score_cells

from extractor.form import FORM

Document = dict[str, Any]
Result = Mapping[str, Any]

_AROUND = 90
_LONGEST = 600
_NOTHING: dict[str, Any] = {"calls": 0, "prompt_tokens": 0, "completion_tokens": 0, "cost": None}
# Errors that a system reports of its model, not of the document: there is nothing to score.
_UNSCORED = "model_"


def documents_of(
    gold: GoldSet,
    file: str,
    labels: Sequence[Label],
    results: Sequence[Result],
    text: str,
    *,
    system: str,
    repeat: int,
    seconds: float,
) -> list[Document]:
    """A file's documents, one for each label; what the whole file cost stands in the first."""
    paired, extra = pair(labels, results)
    usages = [dict(result.get("usage") or _NOTHING) if result else dict(_NOTHING) for result in paired]
    for answer in results:
        if not any(answer is one for one in paired):
            usages[0] = _add(usages[0], answer.get("usage") or _NOTHING)
    claims = [claim for answer in results for claim in answer.get("claims") or ()]
    out = []
    for number, (label, result, usage) in enumerate(zip(labels, paired, usages, strict=True)):
        line = _document(label, result or _not_found(label), text)
        first = number == 0
        line |= {"system": system, "repeat": repeat, "seconds": round(seconds, 4) if first else 0.0, "usage": usage}
        line |= {"extra_reports": extra if first else 0, "claims_found": claims if first else []}
        line["claims"] = _claims(gold, file, claims) if first and line["cells"] else None
        out.append(line)
    return out


def without_score(
    labels: Sequence[Label], error: Mapping[str, str], *, system: str, repeat: int, seconds: float
) -> list[Document]:
    """The documents of a file that a system could not be asked about: no cells, so no figure counts them."""
    result = {"verdict": "unscored", "verdicts": {}, "error": dict(error)}
    lines = [_document(label, result, "", scored=False) for label in labels]
    for number, line in enumerate(lines):
        line |= {"system": system, "repeat": repeat, "seconds": 0.0 if number else round(seconds, 4)}
        line |= {"usage": dict(_NOTHING), "extra_reports": 0, "claims_found": [], "claims": None}
    return lines


def rescored(document: Mapping[str, Any], label: Label, gold: GoldSet, text: str) -> Document:
    """A document scored anew against a label, from what its line says the system answered."""
    answered = document["answered"]
    result = {
        "source": document["source"],
        "verdict": document["verdict"],
        "verdicts": document["verdicts"],
        "record": answered,
        "cells": [*document["cells"], *document["other"]],
        "findings": document["findings"],
        "error": document["error"],
    }
    line = _document(label, result, text, scored=bool(document["cells"]))
    kept = ("system", "repeat", "seconds", "usage", "extra_reports", "claims_found")
    line |= {key: document[key] for key in kept}
    first = document["claims"] is not None or label.name == _first(gold, label.file)
    line["claims"] = _claims(gold, label.file, line["claims_found"]) if first and line["cells"] else None
    return line


def _first(gold: GoldSet, file: str) -> str:
    return next(label.name for label in gold.labels if label.file == file)


def _document(label: Label, result: Result, text: str, *, scored: bool = True) -> Document:
    error = result.get("error")
    if error and str(error.get("code", "")).startswith(_UNSCORED):
        scored = False
    cells = score_cells(label.record, result) if scored else []
    known = {cell["path"] for cell in cells}
    record = result.get("record") or {}
    return {
        "type": "document",
        "name": label.name,
        "source": label.source,
        "family": label.family,
        "form": label.form,
        "year": label.year,
        "organization": label.organization,
        "answered": {key: record.get(key) for key in ("form", "year", "organization")},
        "verdict": str(result.get("verdict") or "failed"),
        "verdicts": {table: (result.get("verdicts") or {}).get(table, "failed") for table in TABLES},
        "error": error,
        "cells": cells,
        # What was answered beside the gold's cells: a label that gains a row is scored again without a new reading.
        "other": [
            {key: cell.get(key) for key in ("path", "value", "state", "method", "span", "raw")}
            for cell in result.get("cells") or ()
            if cell["path"] not in known and cell.get("value") is not None
        ],
        "excerpts": excerpts(cells, text),
        "findings": [
            {key: finding.get(key) for key in ("rule", "status", "severity")}
            for finding in result.get("findings") or ()
        ],
    }


def _not_found(label: Label) -> Result:
    message = f"the system gave no result for this report of {label.file}"
    return {"verdict": "failed", "error": {"code": "not_found", "message": message, "hint": ""}}


def _add(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    from decimal import Decimal

    out: dict[str, Any] = {key: (a.get(key) or 0) + (b.get(key) or 0) for key in _NOTHING if key != "cost"}
    costs = [Decimal(one["cost"]) for one in (a, b) if one.get("cost") is not None]
    return {**out, "cost": format(sum(costs, Decimal()), "f") if costs else None}


def _claims(gold: GoldSet, file: str, found: Sequence[dict[str, Any]]) -> dict[str, int] | None:
    """The claims of a file against its labels; None where it has none."""
    labels = gold.claims.get(file)
    if labels is None:
        return None
    score = Score()
    score.add(file, labels, found)
    return {"right": score.right, "missed": len(score.misses), "invented": len(score.inventions)}


# ------------------------------------------------------------------------------------------------ excerpts


def excerpts(cells: Sequence[Mapping[str, Any]], text: str) -> dict[str, dict[str, Any]]:
    """For each cell that is not good the piece of the source around its span, else around its row, else around its
    row's label: `{"text", "start"}`. A cell of which the text shows no trace has none."""
    rows: dict[str, tuple[int, int]] = {}
    for cell in cells:
        if cell["span"]:
            row = cell["path"].rpartition(".")[0]
            start, end = cell["span"]
            low, high = rows.get(row, (start, end))
            rows[row] = min(low, start), max(high, end)
    out = {}
    for cell in cells:
        if cell["outcome"] in GOOD or not text:
            continue
        row = cell["path"].rpartition(".")[0]
        place = tuple(cell["span"]) if cell["span"] else rows.get(row)
        if place is None:
            if row not in rows:
                found = _label_in(text, row)
                if found:
                    rows[row] = found
            place = rows.get(row)
        if place is not None:
            out[cell["path"]] = _piece(text, place[0], place[1])
    return out


def _piece(text: str, start: int, end: int) -> dict[str, Any]:
    low = max(0, start - _AROUND)
    high = min(len(text), max(end, min(end + _AROUND, low + _LONGEST)))
    if high - low > _LONGEST:
        high = low + _LONGEST
    return {"text": text[low:high], "start": low}


def _label_in(text: str, row: str) -> tuple[int, int] | None:
    """Where a row's label is printed first, its characters perhaps apart."""
    for pattern in _patterns(row):
        found = pattern.search(text)
        if found:
            return found.span()
    return None


@lru_cache(maxsize=256)
def _patterns(row: str) -> tuple[re.Pattern[str], ...]:
    table, _, key = row.partition(".")
    places = {"disclosure": [one.label for one in FORM.disclosure], "requests": FORM.rows}.get(table, FORM.blocks)
    label = next((one for one in places if one.key == (key or table)), None)
    wordings = label.wordings if label else ()
    return tuple(re.compile(r"[^\w]{0,4}".join(map(re.escape, word))) for word in wordings if len(word) > 1)
