"""Reviewers' decisions in the database, and what they make of the reports that are there.

A decision hangs on the stored text (`text_sha256`) and the report's number in it. It is appended in one transaction
with the audit's entry and with the new verdicts of every report that has this text.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import sqlalchemy as sa

from extractor.review.apply import Reviewed, reviewed
from extractor.review.decisions import (
    Decision,
    OutdatedError,
    Proposal,
    ReviewError,
    in_force,
    same_decision,
    standing,
)
from extractor.review.judge import judge
from extractor.review.paper import Paper, StoredText
from extractor.service.database import audit
from extractor.service.database.engine import Database
from extractor.service.database.tables import decisions, documents, extractions, report_tables, reports
from extractor.service.ids import now

_PLAIN = [field.name for field in fields(Decision) if field.name not in ("id", "span", "seen")]


@dataclass(frozen=True, slots=True)
class Looked:
    """A report as a reviewer sees it. `line` is the machine's; `among`: how many reports the document holds; `newest`:
    the document's current extraction; `earlier`: decisions on another stored text of the same file, never applied."""

    extraction: str
    number: int
    among: int
    source: str
    document: str
    newest: str
    paper: Paper
    text_sha256: str
    line: dict[str, Any]
    decisions: list[Decision]
    reviewed: Reviewed
    earlier: list[Decision]

    @property
    def text(self) -> str:
        """The stored text of the whole document."""
        return self.paper.text

    @property
    def last(self) -> int:
        """The id of the last decision; 0 where there is none."""
        return max((one.id for one in self.decisions), default=0)

    @property
    def standing(self) -> frozenset[int]:
        """Ids of the decisions that have an effect."""
        return standing(self.decisions).ids


def look(connection: sa.Connection, extraction: str, number: int) -> Looked | None:
    """A report of a finished extraction, with its decisions; None where there is none or its text was not read."""
    found = _find(connection, extraction)
    return found[number - 1]() if found and 1 <= number <= len(found) else None


def all_lines(connection: sa.Connection, extraction: str) -> list[Looked]:
    """Every report of a finished extraction as reviewed; none where there is no such extraction, or no text."""
    return [report() for report in _find(connection, extraction)]


def _find(connection: sa.Connection, extraction: str) -> list[Callable[[], Looked]]:
    """What looks at each report of a finished extraction, over one copy of its text and lines."""
    found = connection.execute(
        sa.select(
            extractions.c.source, extractions.c.lines, documents.c.sha256, documents.c.text, documents.c.text_sha256
        )
        .join(documents, documents.c.sha256 == extractions.c.document)
        .where(extractions.c.id == extraction, extractions.c.lines.is_not(None))
    ).one_or_none()
    if found is None or found.text is None:
        return []
    lines = json.loads(zlib.decompress(found.lines))
    stored = StoredText(_text(found.text))
    newest = _newest(connection, extraction)

    def report(number: int) -> Looked:
        made, paper = of_report(connection, found.text_sha256, number), Paper(stored, number)
        return Looked(
            extraction=extraction,
            number=number,
            among=len(lines),
            source=found.source,
            document=found.sha256,
            newest=newest or extraction,
            paper=paper,
            text_sha256=found.text_sha256,
            line=lines[number - 1],
            decisions=made,
            reviewed=reviewed(lines[number - 1], paper, made),
            earlier=_earlier(connection, found.sha256, found.text_sha256, number),
        )

    return [partial(report, number) for number in range(1, len(lines) + 1)]


def _text(packed: bytes) -> str:
    return zlib.decompress(packed).decode("utf-8", "surrogatepass")


def _newest(connection: sa.Connection, extraction: str) -> str | None:
    """The current extraction of an extraction's document."""
    mine = sa.select(extractions.c.document).where(extractions.c.id == extraction).scalar_subquery()
    current = sa.select(reports.c.extraction).where(reports.c.document == mine, reports.c.current).limit(1)
    return connection.execute(current).scalar()


def decide(
    database: Database,
    extraction: str,
    number: int,
    proposal: Proposal,
    who: str,
    key_id: str,
    request_id: str | None = None,
) -> tuple[Decision, bool, Looked]:
    """Appends what a reviewer asks for; the decision, whether it is new, and the report with it.

    It is judged before the transaction that writes; where something was decided or read meanwhile, it is judged again.
    The same decision as the one that stands already is not appended again. Errors: ReviewError, OutdatedError.
    """
    while True:
        with database.read() as connection:
            looked = look(connection, extraction, number)
        if looked is None:
            raise ReviewError(
                "not_found", f"There is no report {number} of {extraction} to review.", "Look at the queue."
            )
        if looked.newest != extraction:
            raise OutdatedError(
                "superseded", "The document was read again since.", f"Review the newest extraction: {looked.newest}."
            )
        try:
            judged = judge(looked.line, looked.paper, looked.decisions, proposal, looked.reviewed)
        except OutdatedError:
            same = _same(looked, proposal)
            if same is None:
                raise
            return same, False, looked
        found = replace(
            judged.decision,
            text_sha256=looked.text_sha256,
            document=looked.document,
            extraction=extraction,
            who=who,
        )
        with database.write() as connection:
            if not _is_as_seen(connection, looked):
                continue
            made = append(connection, found)
            _write(connection, extraction, number, judged.after, bool(standing([*looked.decisions, made]).ids))
            refresh(connection, looked.text_sha256, number, but=extraction)
            audit.record(
                connection, key_id, "decision", f"{extraction}/{number}", request_id, decision=made.id,
                how=made.action, table=made.table_key, path=made.path, rule=made.rule, undoes=made.undoes,
            )  # fmt: skip
        decided = [*looked.decisions, made]
        now_ = reviewed(looked.line, looked.paper, decided)
        return made, True, replace(looked, decisions=decided, reviewed=now_)


def _same(looked: Looked, proposal: Proposal) -> Decision | None:
    """The standing decision that says what is asked for by who saw only `after`, where somebody made it meanwhile."""
    seen = [one for one in looked.decisions if one.id <= proposal.after]
    then = reviewed(looked.line, looked.paper, seen)
    try:
        asked = judge(looked.line, looked.paper, seen, proposal, then).decision
    except ReviewError:
        return None
    effective = looked.standing | {one.id for one in in_force(looked.decisions) if one.action == "undo"}
    return next((d for d in reversed(looked.decisions) if d.id in effective and same_decision(d, asked)), None)


def _is_as_seen(connection: sa.Connection, looked: Looked) -> bool:
    """Whether nothing was decided on the report and its document was not read again since; it stays so until the
    transaction ends (one decision on a text at a time)."""
    of_text = sa.select(documents.c.sha256).where(documents.c.text_sha256 == looked.text_sha256)
    held = connection.execute(of_text.order_by(documents.c.sha256).with_for_update()).scalars().all()
    made = decisions.c.text_sha256 == looked.text_sha256, decisions.c.number == looked.number
    last = connection.execute(sa.select(sa.func.max(decisions.c.id)).where(*made)).scalar()
    newest = _newest(connection, looked.extraction)
    return looked.document in held and (last or 0) == looked.last and newest == looked.extraction


def append(connection: sa.Connection, made: Decision) -> Decision:
    """Keeps a decision; its id and its time come with it."""
    row = {name: getattr(made, name) for name in _PLAIN} | {"at": now(), "seen": json.dumps(dict(made.seen))}
    row["span_start"], row["span_end"] = made.span or (None, None)
    written = connection.execute(sa.insert(decisions).returning(decisions.c.id), row).scalar_one()
    return replace(made, id=written, at=row["at"])


def of_report(connection: sa.Connection, text_sha256: str, number: int) -> list[Decision]:
    """All decisions on a report of a stored text, in the order they were made."""
    asked = decisions.c.text_sha256 == text_sha256, decisions.c.number == number
    return _read(connection, sa.select(decisions).where(*asked).order_by(decisions.c.id))


def _earlier(connection: sa.Connection, document: str, text_sha256: str, number: int) -> list[Decision]:
    asked = decisions.c.document == document, decisions.c.number == number, decisions.c.text_sha256 != text_sha256
    return _read(connection, sa.select(decisions).where(*asked).order_by(decisions.c.id))


def _read(connection: sa.Connection, asked: sa.Select[Any]) -> list[Decision]:
    return [
        Decision(
            id=row.id,
            span=None if row.span_start is None else (row.span_start, row.span_end),
            seen=json.loads(row.seen),
            **{name: getattr(row, name) for name in _PLAIN},
        )
        for row in connection.execute(asked)
    ]


# Asked whenever a document was read, so it is built once.
_DECIDED = sa.select(decisions.c.number).where(decisions.c.text_sha256 == sa.bindparam("text")).distinct()


def refresh(connection: sa.Connection, text_sha256: str, number: int | None = None, but: str = "") -> None:
    """Writes what decisions make of every current report with this text (of one `number`, or of all), `but` those of
    one extraction."""
    numbers = connection.execute(_DECIDED, {"text": text_sha256}).scalars().all()
    if number is not None:
        numbers = [one for one in numbers if one == number]
    if not numbers:
        return
    held = connection.execute(
        sa.select(reports.c.extraction)
        .distinct()
        .join(documents, documents.c.sha256 == reports.c.document)
        .where(documents.c.text_sha256 == text_sha256, reports.c.current, reports.c.number.in_(numbers))
        .where(reports.c.extraction != but)
    ).scalars()
    for extraction in held.all():
        found = _find(connection, extraction)
        for report in (found[one - 1]() for one in numbers if one <= len(found)):
            _write(connection, extraction, report.number, report.reviewed, bool(report.standing))


def _write(connection: sa.Connection, extraction: str, number: int, now_: Reviewed, decided: bool) -> None:
    mine = reports.c.extraction == extraction, reports.c.number == number
    verdict = now_.line["verdict"] if decided else None
    connection.execute(sa.update(reports).where(*mine).values(reviewed_verdict=verdict))
    for table, settled in now_.settled.items():
        connection.execute(
            sa.update(report_tables)
            .where(
                report_tables.c.extraction == extraction,
                report_tables.c.number == number,
                report_tables.c.table_key == table,
            )
            .values(reviewed_verdict=now_.verdicts[table] if decided else None, settled=settled)
        )
