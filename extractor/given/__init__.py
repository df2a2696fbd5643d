"""The caller's own parser as a second witness (`given`): checked against the text, never believed.

`load_given` reads a `--given` file, `given_for` finds a document's lines in it, `match_given` says which report each
is of, `take_given` weighs them before the tables are settled, `compare_given` says afterwards what they say otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from extractor.given.files import given_for, load_given, match_given, unused_given
from extractor.given.findings import compare_given
from extractor.given.record import Given, parse_given
from extractor.given.weigh import weigh

if TYPE_CHECKING:
    from extractor.pipeline import Reading

__all__ = [
    "Given",
    "compare_given",
    "given_for",
    "load_given",
    "match_given",
    "parse_given",
    "take_given",
    "unused_given",
    "weigh",
]


def take_given(readings: Sequence[Reading], given: Sequence[Given | None]) -> None:
    """Weighs each report's given record, in place; `settle` compares it afterwards (`Reading.given`)."""
    for reading, one in zip(readings, given, strict=True):
        if one is not None:
            reading.given = one
            weigh(reading, one)
            if reading.error and reading.error.error:
                reading.error.error["hint"] += " The given record could not be compared."
