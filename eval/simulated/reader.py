"""What a competent model would answer: reads the question as a person would, knows the truth of the document.

Faults are drawn per row from a seed, so that a run can be repeated. `persistent` faults are the same however the
question is put; otherwise each formulation errs on its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from extractor.form import DISPUTE_BLOCKS, DISPUTE_COLUMNS, FORM, GROUPS, REQUEST_COLUMNS, REQUEST_ROWS, group_all
from extractor.form.model import row_words

FAULTS = ("wrong_cell", "shifted_row", "swapped_columns", "invented", "other_row", "example_leak")
_FENCE = re.compile(r"【原文 (\w+)】\n(.*)\n【原文完 \1】", re.DOTALL)
_NUMBERED = re.compile(r"^\d+\. (.*)$", re.MULTILINE)
_ROWS = {row_words(FORM, key): key for key in [*REQUEST_ROWS, *(group_all(g) for g in GROUPS)]}
_LEAKED = 40000001


@dataclass(slots=True)
class Simulated:
    """`truths`: by the first 16 digits of a document's SHA-256, path → printed number or None.

    `error` is the share of rows answered wrongly; `random` answers with any printed numbers at all.
    """

    truths: Mapping[str, Mapping[str, Any]]
    error: float = 0.0
    persistent: bool = False
    random: bool = False
    seed: int = 0
    faults: Sequence[str] = FAULTS
    asked: list[tuple[str, str]] = field(default_factory=list)

    def reply(self, document: str, messages: Sequence[Mapping[str, str]]) -> str:
        """The answer to a question as JSON text."""
        content = messages[-1]["content"]
        found = _FENCE.search(content)
        ask, piece = (content[: found.start()].strip(), found.group(2)) if found else (content, "")
        truth = self.truths.get(document[:16], {})
        self.asked.append((document, ask))
        kind, rows = _question(ask)
        numbers = [int(n) for n in re.findall(r"\d{1,9}", piece)] or [0]
        out: list[list[Any]] = []
        for paths in rows:
            if paths == ["choice"]:
                out.append(["A"])
                continue
            key = f"{self.seed}:{document}:{paths[0]}" + ("" if self.persistent else f":{kind}:{messages[0]['content']}")
            rng = Random(key)
            true = [truth.get(path) for path in paths]
            if self.random:
                out.append([rng.choice([*numbers, None]) for _ in paths])
            elif rng.random() < self.error:
                out.append(self._wrong(rng, true, numbers, truth))
            else:
                out.append(true)
        return json.dumps(_shape(kind, rows, out, truth), ensure_ascii=False, default=str)

    def _wrong(self, rng: Random, true: list[Any], numbers: list[int], truth: Mapping[str, Any]) -> list[Any]:
        """A row with one of the faults."""
        row = list(true)
        at = rng.randrange(len(row))
        fault = rng.choice(list(self.faults))
        if fault == "shifted_row":
            row = [None, *row[:-1]] if rng.random() < 0.5 else [*row[1:], None]
        elif fault == "swapped_columns" and len(row) > 1:
            other = rng.randrange(len(row))
            row[at], row[other] = row[other], row[at]
        elif fault == "invented":
            row[at] = rng.randrange(1, 5000)
        elif fault == "other_row":
            width = len(row)
            rows = [r for r in REQUEST_ROWS if f"requests.{r}.total" in truth]
            if width == 7 and rows:
                other_key = rng.choice(rows)
                row = [truth.get(f"requests.{other_key}.{c}") for c in REQUEST_COLUMNS]
            else:
                row[at] = rng.choice(numbers)
        elif fault == "example_leak":
            row[at] = _LEAKED
        else:
            row[at] = rng.choice(numbers)
        return row


def _question(ask: str) -> tuple[str, list[list[str]]]:
    """What is asked: its kind, and for each row the cell paths."""
    lines = _NUMBERED.findall(ask)
    if "读法：" in ask:
        return "choice", [["choice"]]
    if ask.startswith("十五格"):
        return "cells", [[f"{b}.{c}" for b in DISPUTE_BLOCKS for c in DISPUTE_COLUMNS]]
    if ask.startswith("发布机关"):
        return "identity", []
    if ask.startswith("事项"):
        return "claims", [["claim"] for _ in lines]
    if ask.startswith("格："):
        rows = []
        for line in ask.splitlines()[1:]:
            names, _, key = line.partition("：")[2].partition(" → ")
            rows.append([f"disclosure.{key}.{pair.split('=')[0]}" for pair in names.split()])
        return "keyed", rows
    rows = []
    labels = {row.label.label: row.key for row in FORM.disclosure}
    fields: dict[str, list[str]] = {}
    for key, spec in FORM.fields.items():
        fields.setdefault(spec.label.label, []).append(key)
    for line in lines:
        if line in _ROWS:
            rows.append([f"requests.{_ROWS[line]}.{c}" for c in REQUEST_COLUMNS])
            continue
        label, _, names = line.partition("：")
        key = labels[label]
        own = {name for names_ in next(r.fields for r in FORM.disclosure if r.key == key).values() for name in names_}
        rows.append([f"disclosure.{key}.{next(k for k in fields[n] if k in own)}" for n in names.split("、")])
    return "rows", rows


def _shape(kind: str, rows: list[list[str]], out: list[list[Any]], truth: Mapping[str, Any]) -> Any:
    """The answer in the shape that the question asks for; amounts as strings."""
    plain = [[_plain(v, p) for v, p in zip(values, paths, strict=True)] for values, paths in zip(out, rows, strict=True)]
    if kind == "choice":
        return {"choice": "A"}
    if kind == "cells":
        return {"cells": plain[0]}
    if kind == "identity":
        return {"organization": truth.get("organization"), "year": truth.get("year")}
    if kind == "keyed":
        answer: dict[str, Any] = {}
        for paths, values in zip(rows, plain, strict=True):
            answer[paths[0].split(".")[1]] = {p.rsplit(".", 1)[1]: v for p, v in zip(paths, values, strict=True)}
        return answer
    return {str(i): values for i, values in enumerate(plain, 1)}


def _plain(value: Any, path: str) -> Any:
    if value is None:
        return None
    return str(value) if isinstance(value, Decimal) or path.endswith(".amount") else value
