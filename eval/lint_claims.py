"""Labels of claims (fixtures/claims): that what they quote stands where they say, and that they name known fields."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor.form import DISPUTE_BLOCKS, DISPUTE_COLUMNS, GROUPS, cell_paths
from extractor.rules.intake import parse

if TYPE_CHECKING:
    from extractor.eval.lint_label import Complaint, Texts

SENTENCES = "sentences.toml"
_KEYS = {"field", "value", "raw", "span", "scope", "year", "unit", "about"}
_FIELDS = {path for paths in cell_paths("2021", frozenset(GROUPS)).values() for path in paths}
_FIELDS |= {f"litigation.{column}" for column in DISPUTE_COLUMNS} | {"processing_fee.amount"}
_FIELDS |= {f"{block}.{column}" for block in DISPUTE_BLOCKS for column in DISPUTE_COLUMNS}


def lint_claims(folder: Path, texts: Texts) -> list[Complaint]:
    """Complaints about the labels of a folder of claims."""
    from extractor.eval.lint_label import Complaint

    found: list[Complaint] = []
    for path in sorted(folder.glob("*.json")):
        name = f"claims/{path.name}"
        found += [Complaint(name, *rest) for rest in _of_file(path, texts)]
    sentences = folder / SENTENCES
    if sentences.exists():
        found += [Complaint(f"claims/{SENTENCES}", *rest) for rest in _of_sentences(sentences)]
    return found


_Said = tuple[Any, ...]  # code, severity, message, hint


def _of_file(path: Path, texts: Texts) -> Iterator[_Said]:
    from extractor.eval.lint_label import source_of

    try:
        label = parse(path.read_bytes())
    except (OSError, ValueError) as error:
        yield "not_json", "error", f"It cannot be read: {error}.", "Mend the JSON."
        return
    claims = label.get("claims") if isinstance(label, dict) else None
    if not isinstance(claims, list):
        yield "no_claims", "error", "There is no list `claims`.", "[] where the narrative makes none."
        return
    source = source_of(label.get("source"))
    if source is None:
        yield "bad_source", "error", f"`source` is {_short(label.get('source'))}.", "Name a report's file."
        return
    printed, why = texts.text(source[0])
    if printed is None:
        yield (
            "source_missing",
            "error",
            f"The report {source[0]} cannot be read: {why}",
            "Put it there, or drop the label.",
        )
        return
    seen: set[tuple[Any, ...]] = set()
    for number, claim in enumerate(claims, 1):
        yield from _of_claim(f"claim {number}", claim, printed.text)
        if isinstance(claim, dict):
            key = (_short(claim.get("field")), _short(claim.get("span")))
            if key in seen:
                yield "claim_twice", "error", f"claim {number} is labelled twice.", "Keep one."
            seen.add(key)


def _of_claim(where: str, claim: Any, text: str) -> Iterator[_Said]:
    if not isinstance(claim, dict) or set(claim) != _KEYS:
        odd = sorted(set(claim) ^ _KEYS) if isinstance(claim, dict) else ["no object"]
        yield "wrong_key", "error", f"{where}: {', '.join(map(str, odd))}", f"Exactly: {', '.join(sorted(_KEYS))}."
        return
    if claim["field"] not in _FIELDS:
        yield "wrong_key", "error", f"{where}: {_short(claim['field'])} is no field.", "See fixtures/claims/README.md."
    span = claim["span"]
    if not (isinstance(span, list) and len(span) == 2 and all(type(n) is int for n in span)):
        yield "wrong_span", "error", f"{where}: span {_short(span)}.", "Two whole numbers, [start, end)."
        return
    start, end = span
    there = text[start:end] if 0 <= start < end <= len(text) else None
    if there != claim["raw"]:
        near = "" if there is None else f"; there stands {_short(there)}"
        at = text.find(str(claim["raw"]))
        hint = (
            f"The first such place is [{at}, {at + len(str(claim['raw']))}]."
            if at >= 0
            else "It stands nowhere in the text."
        )
        yield "wrong_span", "error", f"{where}: {_short(claim['raw'])} does not stand at {span}{near}.", hint


def _of_sentences(path: Path) -> Iterator[_Said]:
    try:
        sentences = tomllib.loads(path.read_text(encoding="utf-8"))["sentence"]
    except (OSError, ValueError, KeyError) as error:
        yield "not_toml", "error", f"It cannot be read: {error}.", "Mend the TOML."
        return
    for sentence in sentences:
        name, text = sentence.get("id"), str(sentence.get("text"))
        for number, claim in enumerate(sentence.get("claims", ()), 1):
            where = f"{name}, claim {number}"
            if claim.get("field") not in _FIELDS:
                yield "wrong_key", "error", f"{where}: {_short(claim.get('field'))} is no field.", "See README.md."
            raw, which = str(claim.get("raw")), claim.get("occurrence", 1)
            if type(which) is not int or not 1 <= which <= text.count(raw):
                yield (
                    "wrong_span",
                    "error",
                    f"{where}: {_short(raw)} does not stand {which} times in it.",
                    "Count again.",
                )


def _short(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= 60 else shown[:59] + "…"
