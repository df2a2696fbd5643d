"""The noise knobs: how likely each kind of damage is in a document, and a log of what was done."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

# Probability that a kind of noise occurs in a document at all; how much of it is the noise's own business.
KNOBS: dict[str, float] = {
    # what is on paper
    "planted_error": 0.18,
    "blank_rows": 0.10,
    "total_only": 0.08,
    "blank_cells": 0.08,
    "marks": 0.10,
    "fee_blank": 0.12,
    "group_only": 0.18,
    "group_and_rows": 0.04,
    "dropped_cell": 0.06,
    "missing_row": 0.06,
    "illegible": 0.03,
    "missing_table": 0.04,
    "missing_total_column": 0.02,
    # how a number is written
    "full_width": 0.05,
    "commas": 0.08,
    "units_in_cells": 0.05,
    "notes_in_cells": 0.05,
    "chinese_numerals": 0.02,
    "padded_cells": 0.08,
    "split_digits": 0.0,
    "letters_for_digits": 0.0,
    # labels and headers
    "spaced_labels": 0.10,
    "broken_labels": 0.12,
    "label_variants": 0.20,
    "one_char_off": 0.08,
    "traditional": 0.04,
    "lost_ordinals": 0.05,
    "header_lost_words": 0.08,
    "header_doubled_words": 0.03,
    "no_header": 0.02,
    # lay-out
    "wrapped_rows": 0.12,
    "page_breaks": 0.15,
    "trailing_cells": 0.30,
    "column_shift": 0.12,
    "repeat_merged": 0.08,
    "chopped_outcome": 0.25,
    "blank_lines": 0.15,
    # the text around
    "decoy_numbers": 0.45,
    "decoy_rows": 0.20,
    "decoy_table": 0.12,
    "other_years": 0.25,
    "no_headings": 0.06,
    "misnumbered": 0.06,
    "no_title": 0.10,
    "contents": 0.08,
    "sections_named": 0.25,
    "cut_off": 0.05,
}


@dataclass(slots=True)
class Noise:
    """Draws the knobs of one document; `log` names those that really did something, in order."""

    rng: Random
    knobs: dict[str, float] = field(default_factory=lambda: dict(KNOBS))
    log: list[str] = field(default_factory=list)
    _drawn: dict[str, bool] = field(default_factory=dict)

    def on(self, name: str) -> bool:
        """Whether this document has this noise (drawn once)."""
        if name not in self._drawn:
            self._drawn[name] = self.rng.random() < self.knobs[name]
        return self._drawn[name]

    def note(self, name: str) -> None:
        """Remember that the noise had an effect."""
        if name not in self.log:
            self.log.append(name)

    def hit(self, name: str, chance: float) -> bool:
        """The noise is on and strikes this one time (with probability `chance`)."""
        if self.on(name) and self.rng.random() < chance:
            self.note(name)
            return True
        return False


def knobs(**changes: float) -> dict[str, float]:
    """The default knobs with some changed."""
    unknown = changes.keys() - KNOBS.keys()
    if unknown:
        raise KeyError(f"no such noise: {sorted(unknown)}")
    return {**KNOBS, **changes}
