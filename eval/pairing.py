"""Which result of a file is which labelled report: by year, body and number, then by order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from extractor.eval.gold import Label

Result = Mapping[str, Any]

_NUMBER = re.compile(r"#([1-9][0-9]*)\Z")


def pair(labels: Sequence[Label], results: Sequence[Result]) -> tuple[list[Result | None], int]:
    """For each label its result, None where the system found no such report; and how many results are left over
    though every report of the file is labelled.

    The gold's numbers play no part, so a pairing cannot flatter the system. One label and one result always are a
    pair: a misread year does not make a report another one.
    """
    weights = sorted(
        ((_weight(label, result, position), -i, -position) for i, label in enumerate(labels)
         for position, result in enumerate(results)),
        reverse=True,
    )  # fmt: skip
    found: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, position in weights:
        if -i not in found and -position not in taken:
            found[-i] = -position
            taken.add(-position)
    paired = [results[found[i]] if i in found else None for i in range(len(labels))]
    # A file of which one report in several is labelled says nothing of the others.
    complete = len(labels) > 1 or labels[0].number is None
    return paired, len(results) - len(taken) if complete else 0


def _weight(label: Label, result: Result, position: int) -> tuple[int, int]:
    """What speaks for a pair, and how much the result holds: an empty one is the last to be chosen."""
    record = result.get("record") or {}
    numbered = _NUMBER.search(str(result.get("source") or ""))
    number = int(numbered[1]) if numbered else position + 1
    organization, named = label.organization or "", record.get("organization") or ""
    same_year = label.year is not None and record.get("year") == label.year
    same_body = bool(organization and named) and (organization in named or named in organization)
    weight = 4 * same_year + 2 * same_body + (label.number == number)
    return weight, sum(cell.get("value") is not None for cell in result.get("cells") or ())
