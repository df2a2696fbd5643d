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

# A number of the row exchanged for another one of the excerpt; the row moved by one cell; two cells exchanged; a
# number nobody prints; the figures of another row; a number of the prompt's own examples.
FAULTS = ("wrong_cell", "shifted_row", "swapped_columns", "invented", "other_row", "example_leak")
# The same mistake in every row of the table: what one row alone does not show.
SYSTEMATIC = ("next_row", "first_two_swapped", "shifted_left", "blank_as_zero", "zero_as_blank", "sums_mended")
LEAKED = 40000001

_FENCE = re.compile(r"【原文 (\w+)】\n(.*)\n【原文完 \1】", re.DOTALL)
_NUMBERED = re.compile(r"^\d+\. (.*)$", re.MULTILINE)
_PRINTED = re.compile(r"\d{1,9}")
_ROWS = {row_words(FORM, key): key for key in [*REQUEST_ROWS, *(group_all(g) for g in GROUPS)]}

Row = list[Any]


def _paths_by_words() -> dict[str, list[str]]:
    """The cells of a row by the words with which a question about its readings names it."""
    rows = [
        [f"disclosure.{row.key}.{name}" for name in names] for row in FORM.disclosure for names in row.fields.values()
    ]
    rows.append([f"{block}.{column}" for block in DISPUTE_BLOCKS for column in DISPUTE_COLUMNS])
    named = {"、".join(FORM.words(path) for path in paths): paths for paths in rows}
    return named | {words: [f"requests.{key}.{c}" for c in REQUEST_COLUMNS] for words, key in _ROWS.items()}


_PATHS = _paths_by_words()


@dataclass(slots=True)
class Simulated:
    """`truths`: by the first 16 digits of a document's SHA-256, path → printed number or None.

    `error`: the share of rows answered wrongly, by one of `faults`; `systematic`: a mistake made in every row;
    `random`: any printed number or null in every cell ("row"), or whatever the request's JSON schema allows
    ("schema"). `asked`: (document, question) in order.
    """

    truths: Mapping[str, Mapping[str, Any]]
    error: float = 0.0
    persistent: bool = False
    random: str = ""
    systematic: str = ""
    seed: int = 0
    faults: Sequence[str] = FAULTS
    asked: list[tuple[str, str]] = field(default_factory=list)
    _said: dict[tuple[str, str], Any] = field(default_factory=dict)

    def reply(
        self, document: str, messages: Sequence[Mapping[str, str]], schema: Mapping[str, Any] | None = None
    ) -> str:
        """The answer to a question as JSON text; `schema`: the one that the request asks it to follow."""
        ask, piece = _parts(messages)
        self.asked.append((document, ask))
        if "\n读法：\n" in ask:
            return json.dumps({"choice": self._choice(document, ask)})
        if self.random == "schema" and schema:
            rng = Random(f"{self.seed}:{messages[-1]['content']}")
            return json.dumps(_any_of(schema, schema.get("$defs", {}), rng), ensure_ascii=False)
        truth = self.truths.get(document[:16], {})
        numbers = [int(n) for n in _PRINTED.findall(piece)] or [0]
        if ask.startswith("字段"):
            typed = self._record(document, (), dict(schema or {}), (schema or {}).get("$defs", {}), truth, numbers)
            return json.dumps(typed, ensure_ascii=False, default=str)
        kind, rows = _question(ask)
        answers = [self._row(document, f"{kind}:{messages[0]['content']}", paths, truth, numbers) for paths in rows]
        return json.dumps(_shape(kind, rows, answers, truth), ensure_ascii=False, default=str)

    def _record(
        self,
        document: str,
        path: tuple[str, ...],
        schema: Mapping[str, Any],
        definitions: Mapping[str, Any],
        truth: Mapping[str, Any],
        numbers: list[int],
    ) -> Any:
        """The whole record as the naive question has it typed, in the shape of its schema; errors by row."""
        if "$ref" in schema:
            found = definitions[str(schema["$ref"]).rpartition("/")[2]]
            return self._record(document, path, found, definitions, truth, numbers)
        optional = [kind for kind in schema.get("anyOf", ()) if kind.get("type") != "null"]
        if path and path[-1].endswith(".all") and optional:
            typed = self._record(document, path, optional[0], definitions, truth, numbers)
            return typed if any(value is not None for value in typed.values()) else None
        fields: Mapping[str, Any] = schema.get("properties", {})
        cells = [name for name, inner in fields.items() if "$ref" not in inner and "properties" not in inner]
        cells = [name for name in cells if path and name != "unit" and not name.endswith(".all")]
        paths = [".".join((*path, name)) for name in cells]
        row = dict(zip(cells, self._row(document, "naive", paths, truth, numbers) if paths else (), strict=True))
        out: dict[str, Any] = {}
        for name, inner in fields.items():
            here = (*path, name)
            if name in row:
                out[name] = _plain(row[name], ".".join(here))
            elif name in ("organization", "year", "unit"):
                out[name] = truth.get(name)
            else:
                out[name] = self._record(document, here, inner, definitions, truth, numbers)
        return out

    def _choice(self, document: str, ask: str) -> str:
        """The letter of the reading that agrees with what is printed."""
        label, _, listed = ask.removeprefix("行：").partition("\n读法：\n")
        truth = self.truths.get(document[:16], {})
        paths = _PATHS.get(label, [])
        readings = {line[0]: line[3:].split(", ") for line in listed.splitlines()}
        rng = Random(f"{self.seed}:{document}:{ask}")
        if self.random or rng.random() < self.error:
            return rng.choice([*readings, "none"])
        for letter, values in readings.items():
            said = dict(zip(paths, values, strict=False))
            if paths and all(truth.get(path) is None or str(truth[path]) == said[path] for path in paths):
                return letter
        return "none"

    def _row(
        self, document: str, formulation: str, paths: list[str], truth: Mapping[str, Any], numbers: list[int]
    ) -> Row:
        if self.systematic:
            return _systematic(self.systematic, paths, truth)
        true = [truth.get(path) for path in paths]
        if self.random:
            rng = Random(f"{self.seed}:{document}:{paths[0]}:{formulation}")
            return [rng.choice([*numbers, None]) for _ in paths]
        if not self.persistent:
            rng = Random(f"{self.seed}:{document}:{paths[0]}:{formulation}")
            return self._spoiled(rng, true, numbers, truth) if rng.random() < self.error else true
        # An error depends on the cells alone, whichever question they are asked in: it is kept as it was made first.
        if not all((document, path) in self._said for path in paths):
            rng = Random(f"{self.seed}:{document}:{paths[0]}")
            row = self._spoiled(rng, true, numbers, truth) if rng.random() < self.error else true
            for path, value in zip(paths, row, strict=True):
                self._said.setdefault((document, path), value)
        return [self._said[document, path] for path in paths]

    def _spoiled(self, rng: Random, true: Row, numbers: list[int], truth: Mapping[str, Any]) -> Row:
        """A row with one of the faults."""
        row = list(true)
        at = rng.randrange(len(row))
        fault = rng.choice(list(self.faults))
        if fault == "shifted_row" and len(row) > 1:
            return [None, *row[:-1]] if rng.random() < 0.5 else [*row[1:], None]
        if fault == "swapped_columns" and len(row) > 1:
            other = rng.choice([i for i in range(len(row)) if i != at])
            row[at], row[other] = row[other], row[at]
        elif fault == "invented":
            row[at] = rng.randrange(1, 5000)
        elif fault == "other_row" and len(row) == len(REQUEST_COLUMNS):
            key = rng.choice(REQUEST_ROWS)
            return [truth.get(f"requests.{key}.{c}") for c in REQUEST_COLUMNS]
        elif fault == "example_leak":
            row[at] = LEAKED
        else:
            row[at] = rng.choice([*numbers, None])
        return row


def excerpt_of(messages: Sequence[Mapping[str, str]]) -> str:
    """The document's text in a question, without its fence."""
    return _parts(messages)[1]


def _parts(messages: Sequence[Mapping[str, str]]) -> tuple[str, str]:
    """Question and excerpt; a re-ask of a malformed answer stands behind them."""
    for message in reversed(messages):
        content = str(message.get("content") or "")
        if message.get("role") == "user" and (found := _FENCE.search(content)):
            return content[: found.start()].strip(), found.group(2)
    return str(messages[-1].get("content") or "") if messages else "", ""


def _systematic(fault: str, paths: list[str], truth: Mapping[str, Any]) -> Row:
    row = [truth.get(path) for path in paths]
    if fault == "next_row" and len(row) == len(REQUEST_COLUMNS) and paths[0].startswith("requests."):
        key = paths[0].removeprefix("requests.").rpartition(".")[0]
        order = list(REQUEST_ROWS)
        following = order[(order.index(key) + 1) % len(order)] if key in order else order[0]
        return [truth.get(f"requests.{following}.{c}") for c in REQUEST_COLUMNS]
    if fault == "first_two_swapped" and len(row) > 1:
        return [row[1], row[0], *row[2:]]
    if fault == "shifted_left" and len(row) > 1:
        return [*row[1:], row[0]]
    if fault == "blank_as_zero":
        return [0 if value is None else value for value in row]
    if fault == "zero_as_blank":
        return [None if value == 0 else value for value in row]
    if fault == "sums_mended" and len(row) > 1 and None not in row:
        width = 7 if len(row) == 7 else 5
        for first in range(0, len(row) - width + 1, width):
            row[first + width - 1] = sum(value for value in row[first : first + width - 1] if value is not None)
    return row


def _any_of(schema: Mapping[str, Any], definitions: Mapping[str, Any], rng: Random) -> Any:
    """Anything that a schema allows, all values of its enums alike."""
    if "$ref" in schema:
        return _any_of(definitions[str(schema["$ref"]).rpartition("/")[2]], definitions, rng)
    if "anyOf" in schema:
        leaves = [value for kind in schema["anyOf"] for value in kind.get("enum", ())]
        if leaves:
            return rng.choice([*leaves, None])
        return _any_of(rng.choice(schema["anyOf"]), definitions, rng)
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if schema.get("type") == "object":
        return {name: _any_of(inner, definitions, rng) for name, inner in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [_any_of(schema.get("items", {}), definitions, rng) for _ in range(schema.get("minItems", 1))]
    return None if schema.get("type") == "null" else "甲县人民政府" if schema.get("type") == "string" else 0


def _question(ask: str) -> tuple[str, list[list[str]]]:
    """What is asked: its kind, and for each row the cell paths."""
    lines = _NUMBERED.findall(ask)
    if ask.startswith("十五格"):
        return "cells", [[f"{b}.{c}" for b in DISPUTE_BLOCKS for c in DISPUTE_COLUMNS]]
    if ask.startswith("发布机关"):
        return "identity", []
    if ask.startswith("事项"):
        return "claims", [[f"claim.{line}"] for line in lines]
    if ask.startswith("格：") and "\n" not in ask:
        blocks, _, columns = ask.removeprefix("格：").partition("；")
        return "keyed", [[f"{b}.{c}" for c in _keys(columns)] for b in _keys(blocks)]
    if ask.startswith("格："):
        rows = []
        for line in ask.splitlines()[1:]:
            names, _, key = line.partition("：")[2].partition(" → ")
            rows.append([f"disclosure.{key}.{pair.split('=')[0]}" for pair in names.split()])
        return "keyed", rows
    if not lines:
        return "cells", [_row_of(ask)]
    return "rows", [_row_of(line) for line in lines]


def _keys(words: str) -> list[str]:
    """The names before `=` of a list like `upheld=结果维持，corrected=结果纠正`."""
    return [pair.partition("=")[0] for pair in words.split("，")]


def _row_of(line: str) -> list[str]:
    """The cells of a row named in a question, of table 3 or of table 2."""
    if line in _ROWS:
        return [f"requests.{_ROWS[line]}.{c}" for c in REQUEST_COLUMNS]
    label, _, names = line.partition("：")
    row = next(row for row in FORM.disclosure if row.label.label == label)
    own = {name for fields in row.fields.values() for name in fields}
    keys = {FORM.fields[name].label.label: name for name in own}
    return [f"disclosure.{row.key}.{keys[name]}" for name in names.split("、")]


def _shape(kind: str, rows: list[list[str]], answers: list[Row], truth: Mapping[str, Any]) -> Any:
    """The answer in the shape that the question asks for; amounts as strings."""
    plain = [
        [_plain(value, path) for value, path in zip(values, paths, strict=True)]
        for values, paths in zip(answers, rows, strict=True)
    ]
    if kind == "cells":
        return {"cells": plain[0]}
    if kind == "identity":
        return {"organization": truth.get("organization"), "year": truth.get("year")}
    if kind == "keyed":
        return {
            paths[0].rpartition(".")[0].removeprefix("disclosure."): {
                p.rsplit(".", 1)[1]: v for p, v in zip(paths, values, strict=True)
            }
            for paths, values in zip(rows, plain, strict=True)
        }
    return {str(i): values for i, values in enumerate(plain, 1)}


def _plain(value: Any, path: str) -> Any:
    if value is None:
        return None
    return str(value) if isinstance(value, Decimal) or path.endswith(".amount") else value
