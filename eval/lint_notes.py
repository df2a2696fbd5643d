"""What a label's `note` excuses: a rule whose code it names (`requests.balance`, with the column or row in the form's
words), a row it names, a number it calls `labelled N`."""

from __future__ import annotations

import re
from decimal import Decimal

from extractor.form import FORM

RULE = re.compile(
    r"(?:requests\.(?:balance|outcomes|applicants|groups)(?:\.\w+)*|(?:reconsideration|litigation_\w+)\.sum)", re.ASCII
)


def names_rule(note: str, rule: str) -> bool:
    """Whether a note names a rule: its code, or its family together with what it was applied to."""
    if re.search(rf"{re.escape(rule)}(?![\w.]*\w)", note):
        return True
    family = re.match(r"requests\.(?:balance|outcomes|applicants|groups\.\w+)", rule)
    if family is None or not re.search(rf"{re.escape(family.group())}(?!\.?\w)", note):
        return False
    member = rule.removeprefix(family.group() + ".")
    columns = {column.key: column.label for column in FORM.columns}
    if member in columns:
        return columns[member] in note or bool(re.search(rf"\b{member}\b", note))
    return names_row(note, f"requests.{member}.total")


def names_row(note: str, path: str) -> bool:
    """Whether a note names a cell's row, by its key or in the form's words (a group's words name its rows)."""
    words = FORM.words(path).rpartition(" · ")[0]
    bare = re.sub(r"^[一二三四]、|^（[一二三四五六七]）", "", words)
    group, _, row = bare.partition(" ")
    key = path.rpartition(".")[0].removeprefix("requests.").removeprefix("disclosure.")
    named = {bare, group, re.sub(r"^\d\.", "", row)} - {""}
    return any(word in note for word in named) or bool(re.search(rf"(?<![\w.]){re.escape(key)}(?![\w.]*\w)", note))


def says_labelled(note: str, value: Decimal) -> bool:
    """Whether a note says of a number that it is `labelled N` though the text does not print it so (so often)."""
    return bool(re.search(rf"\blabelled {value:f}(?![\d.]*\d)", note))


def says_no_cells(note: str) -> bool:
    """Whether a note says `N zeros are no cells`."""
    return bool(re.search(r"\b\d+ zeros? (?:is|are) no cell", note))
