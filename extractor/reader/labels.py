"""Finds the form's labels in the text, in one pass of one regular expression built from the form.

A label is found however it is spaced, wrapped over lines or cut by cell borders, because anything that is not a
letter or digit may stand between its characters; a label whose tail was wrapped away is known by its head.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from extractor.form import FORM, Label, fold

# Between two characters of a label: white space, borders, markup, punctuation. Possessive: never re-tried.
_BETWEEN = r"[^\w]*+"


class Hit(NamedTuple):
    """A label met in the text.

    `kind` is row, group, column, shared (a row's and a column's word), field, disclosure (a row of table 2), block,
    outcome, section or furniture.
    """

    start: int
    end: int
    kind: str
    key: str


def _pattern(wording: str, head: int) -> str:
    out = _BETWEEN.join(wording[:head])
    tail = wording[head:]
    for char in tail:
        out += f"(?:{_BETWEEN}{char}"
    return out + ")?" * len(tail)


def _entries() -> list[tuple[str, str, str, int]]:
    """(kind, key, folded wording, head) for every label; rows and columns that share a word share one entry."""
    entries: list[tuple[str, str, str, int]] = []

    def add(kind: str, label: Label) -> None:
        for wording in label.wordings:
            head = label.head
            if head and wording != fold(label.label):
                head = max(head, 5)
            entries.append((kind, label.key, wording, min(head or len(wording), len(wording))))

    for row in FORM.rows:
        if row.key not in SHARED_ROWS:
            add("row", row)
    for group in FORM.groups:
        add("group", group)
    for column in FORM.columns:
        if column.key not in ("other_organization", "total"):
            add("column", column)
    for disclosure in FORM.disclosure:
        add("disclosure", disclosure.label)
    for field in FORM.fields.values():
        add("field", field.label)
    for block in FORM.blocks:
        add("block", block)
    for column in FORM.dispute_columns:
        if column.key != "total":
            add("outcome", column)
    for section in FORM.sections:
        add("section", section)
    for words in FORM.furniture.values():
        entries.extend(("furniture", word, word, len(word)) for word in words)
    entries.append(("shared", "total", "总计", 2))
    entries.append(("shared", "total", "合计", 2))
    entries.append(("shared", "other", "其他", 2))
    entries.append(("shared", "other", "其它", 2))
    return entries


# Words that name a row and a column alike; which of them is meant is decided by where they stand.
SHARED_ROWS = {"other.other": "other", "total_processed": "total"}


@lru_cache(maxsize=1)
def _compiled() -> tuple[re.Pattern[str], dict[str, tuple[str, str]]]:
    """The expression (no groups: the engine can then skip by first character) and folded match → (kind, key)."""
    entries = sorted(_entries(), key=lambda e: -len(e[2]))
    names: dict[str, tuple[str, str]] = {}
    patterns = []
    for kind, key, wording, head in entries:
        if wording in names:
            continue
        patterns.append(_pattern(wording, head))
        for length in range(head, len(wording) + 1):
            names.setdefault(wording[:length], (kind, key))
    return re.compile("|".join(patterns)), names


def find_labels(norm: str) -> list[Hit]:
    """Every label of the form in the normalised text, in text order, not overlapping."""
    pattern, names = _compiled()
    hits: list[Hit] = []
    for match in pattern.finditer(norm):
        word = match.group()
        found = names.get(word) or names[fold(word)]
        if found[1] == "第二十条第" and ("、" in word or "," in word):
            continue  # 第二十条、第二十一条 is a citation.
        hits.append(Hit(match.start(), match.end(), *found))
    return hits


_ORDINAL = re.compile(
    r"(?:(?P<digit>[1-9])\s*[.、)]|[(]\s*[一二三四五六七八1-8]\s*[)]|[一二三四五六七]\s*[、.,]|(?<![一-鿿])[一二三四五六七])"
    r"[\s|]*+$"
)
# A number without a point is the label's where it begins the label's own cell or line, or is stuck to the label.
_BARE = re.compile(r"(?:(?:(?<=[\n\t|])|(?<=  )|(?<=[)])|^) ?(?P<cell>[1-8]) ?|(?<!\d)(?P<stuck>[1-8]))$")


def ordinal_start(norm: str, start: int, expected: str = "") -> tuple[int, bool]:
    """Where the number printed before the label at `start` begins (`2.`, `（三）`, `四、`), and whether there is one.

    It belongs to the label even when it is stuck to the digits of the row before: `00000002.其他法律`. A digit
    without a point counts only if it is the one that the form `expected`.
    """
    window = norm[max(0, start - 10) : start]
    match = _ORDINAL.search(window)
    if not match and expected.isdigit():
        match = _BARE.search(window)
        if match and (match["cell"] or match["stuck"]) != expected:
            match = None
    if not match:
        return start, False
    return start - (len(window) - match.start()), True
