"""What must hold of a decision before it is appended, whatever it says."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from extractor.form import FORM
from extractor.review.apply import Reviewed, reviewed
from extractor.review.cells import overlaps, snapshot_of
from extractor.review.decisions import Decision, OutdatedError, ReviewError, standing
from extractor.review.paper import Paper, printable

NEXT = 2**62  # the id of a decision that is not yet appended


def check_order(decisions: Sequence[Decision], decision: Decision, after: int) -> None:
    """Errors: OutdatedError where a decision in this table is newer than the last that the reviewer saw (`after`)."""
    newer = [d for d in decisions if d.table_key == decision.table_key and d.id > after]
    if newer:
        last = newer[-1]
        raise OutdatedError(
            "outdated", f"{last.who} decided in this table at {last.at}, after what you saw.",
            f"Look at it again, then send after: {max(d.id for d in decisions)}.",
        )  # fmt: skip


def check_clash(paper: Paper, decisions: Sequence[Decision], decision: Decision, paths: Collection[str]) -> None:
    """Errors: ReviewError where two decided cells of the report's `paths` would stand on the same characters."""
    stand = standing([*decisions, replace(decision, id=NEXT)])
    spans = {}
    for path, one in stand.cells.items():
        span = snapshot_of(one, path).get("span") if path in paths else None
        if span is not None:
            spans[path] = (span[0], span[1])
    for pair in overlaps(spans):
        other = next((path for path in pair if path != decision.path), pair[0])
        where = spans[other]
        raise ReviewError(
            "taken", f"{paper.text[where[0] : where[1]]!r} stands already for {FORM.words(other)}.",
            f"Decide that cell first, or take back decision {stand.cells[other].id}.",
        )  # fmt: skip


def check_effect(line: Mapping[str, Any], paper: Paper, decisions: Sequence[Decision], decision: Decision) -> Reviewed:
    """What the report is with the decision. Errors: ReviewError where something of it could not be applied."""
    if decision.raw is not None and not printable(decision.raw):
        raise ReviewError("no_number", "The characters hold some that cannot be printed.", "Mark the number alone.")
    after = reviewed(line, paper, [*decisions, replace(decision, id=NEXT)])
    if "stale" in after.notes.get(NEXT, ()):
        lost = [path for path in decision.seen.get("cells", ()) if path not in after.decided]
        which = f" of {'; '.join(FORM.words(path) for path in lost[:3])}" if lost else ""
        raise ReviewError(
            "unreadable", f"The number reader does not read the characters{which} so.", "Mark the number in the text."
        )
    return after
