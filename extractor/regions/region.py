"""Where a report's body belongs: the outcome of extractor/regions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["state", "province", "city", "county", "town", "zone", "corps"]
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Place:
    """A code with the names of what it lies in; None where there is no such level (北京市 has no city)."""

    code: str | None = None
    province: str | None = None
    city: str | None = None
    county: str | None = None
    town: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "province": self.province,
            "city": self.city,
            "county": self.county,
            "town": self.town,
        }


@dataclass(frozen=True, slots=True)
class Region:
    """The issuing body's place.

    `level` is the body's, `department` what its name says after the place. `place.code` is the GB/T 2260 code (six
    digits) of the smallest division that has one: a town's is its county's. Where not `sure`, the code is None,
    the place has the names that all `candidates` share. `edition` is the year on whose last day code and names held.
    """

    level: Level | None
    place: Place
    department: str | None
    sure: bool
    evidence: tuple[tuple[str, Span], ...]
    candidates: tuple[Place, ...] = ()
    edition: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The value of `region` in a line of `gouji extract --json`."""
        return {
            **self.place.to_json(),
            "level": self.level,
            "department": self.department,
            "sure": self.sure,
            "evidence": [{"raw": raw, "span": list(span)} for raw, span in self.evidence],
            "candidates": [place.to_json() for place in self.candidates],
            "edition": self.edition,
        }
