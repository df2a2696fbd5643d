"""What one narrative claim is: a number that the words of a report give for a quantity of the form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from extractor.results import Value, plain

Scope = Literal["body", "region", "office", "subordinates", "other"]
About = Literal["about", "at_least", "at_most"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim; `text[span[0]:span[1]] == raw`. `value` is in the printed unit: an int, or a Decimal for amounts.

    `scope` says whose number it is (`body`: the reporting body's own), `year` of which year (None: of several years
    together), `about` whether the words leave it open how many exactly.
    """

    field: str
    value: Value
    raw: str
    span: tuple[int, int]
    scope: Scope = "body"
    year: int | None = None
    unit: str | None = None
    about: About | None = None
    method: Literal["rule", "llm"] = "rule"

    def to_json(self) -> dict[str, Any]:
        """The claim as plain JSON values; amounts as exact decimal strings."""
        return {
            "field": self.field,
            "value": plain(self.value),
            "raw": self.raw,
            "span": list(self.span),
            "scope": self.scope,
            "year": self.year,
            "unit": self.unit,
            "about": self.about,
            "method": self.method,
        }
