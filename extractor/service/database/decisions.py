"""Reviewers' decisions in the database, and what they make of the reports that are there.

A decision hangs on the stored text (`text_sha256`) and the report's number in it. It is appended in one transaction
with the audit's entry and with the new verdicts of every report that has this text.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import sqlalchemy as sa

from extractor.review.apply import Reviewed, reviewed
from extractor.review.decisions import Decision, OutdatedError, Proposal, ReviewError, last_id, same_decision, standing
from extractor.review.judge import judge
from extractor.service.database import audit
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
    text: str
    text_sha256: str
    line: dict[str, Any]
    decisions: list[Decision]
    reviewed: Reviewed
    earlier: list[Decision]

    @property
    def last(self) -> int:
        """The id of the last decision; 0 where there is none."""
        return last_id(self.decisions)

    @property
    def standing(self) -> frozenset[int]:
        """Ids of the decisions that have an effect."""
        return standing(self.decisions).ids


def look(connection: sa.Connection, extraction: str, number: int) -> Looked | None:
    """A report of a finished extraction, with its decisions; None where there is none or its text was not read."""
    found = connection.execute(
        sa.select(
            extractions.c.source, extractions.c.lines, documents.c.sha256, documents.c.text, documents.c.text_sha256
        )
        .join(documents, documents.c.sha256 == extractions.c.document)
        .where(extractions.c.id == extraction, extractions.c.lines.is_not(None))
    ).one_or_none()
    if found is None or found.text is None:
        return None
    lines = json.loads(zlib.decompress(found.lines))
    if not 1 <= number <= len(lines):
        return None
    current = sa.select(reports.c.extraction).where(reports.c.document == found.sha256, reports.c.current).limit(1)
    text = zlib.decompress(found.text).decode("utf-8", "surrogatepass")
    made = of_report(connection, found.text_sha256, number)
    return Looked(
        extraction=extraction,
        number=number,
        among=len(lines),
        source=found.source,
        document=found.sha256,
        newest=connection.execute(current).scalar() or extraction,
        text=text,
        text_sha256=found.text_sha256,
        line=lines[number - 1],
        decisions=made,
        reviewed=reviewed(lines[number - 1], text, made, number),
        earlier=_earlier(connection, found.sha256, found.text_sha256, number),
    )


def decide(
    connection: sa.Connection,
    extraction: str,
    number: int,
    proposal: Proposal,
    who: str,
    key_id: str,
    request_id: str | None = None,
) -> tuple[Decision, bool, Looked]:
    """Appends what a reviewer asks for; the decision, whether it is new, and the report with it.

    The same decision as the one that stands already is not appended again. Errors: ReviewError, OutdatedError.
    """
    _lock(connection, extraction)
    looked = look(connection, extraction, number)
    if looked is None:
        raise ReviewError("not_found", f"There is no report {number} of {extraction} to review.", "Look at the queue.")
    if looked.newest != extraction:
        raise OutdatedError(
            "superseded", "The document was read again since.", f"Review the newest extraction: {looked.newest}."
        )
    try:
        found = judge(looked.line, looked.text, looked.decisions, proposal, number)
    except OutdatedError:
        same = _same(looked, proposal)
        if same is None:
            raise
        return same, False, looked
    made = append(
        connection,
        replace(found, text_sha256=looked.text_sha256, document=looked.document, extraction=extraction, who=who),
    )
    refresh(connection, looked.text_sha256, number)
    audit.record(
        connection, key_id, "decision", f"{extraction}/{number}", request_id,
        decision=made.id, how=made.action, table=made.table_key, path=made.path, rule=made.rule, undoes=made.undoes,
    )  # fmt: skip
    after = look(connection, extraction, number)
    assert after is not None
    return made, True, after


def _same(looked: Looked, proposal: Proposal) -> Decision | None:
    """The standing decision that says what is asked for, where somebody made it meanwhile."""
    if proposal.action == "undo":
        return next((d for d in looked.decisions if d.action == "undo" and d.undoes == proposal.undoes), None)
    try:
        asked = judge(looked.line, looked.text, looked.decisions, replace(proposal, after=looked.last), looked.number)
    except ReviewError:
        return None
    stand = looked.standing
    return next((d for d in reversed(looked.decisions) if d.id in stand and same_decision(d, asked)), None)


def _lock(connection: sa.Connection, extraction: str) -> None:
    """One decision on a text at a time (SQLite has one writer anyhow)."""
    mine = sa.select(documents.c.text_sha256).join(extractions, extractions.c.document == documents.c.sha256)
    text = connection.execute(mine.where(extractions.c.id == extraction)).scalar()
    asked = sa.select(documents.c.sha256).where(documents.c.text_sha256 == text).order_by(documents.c.sha256)
    connection.execute(asked.with_for_update()).all()


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


def refresh(connection: sa.Connection, text_sha256: str, number: int | None = None) -> None:
    """Writes what decisions make of every current report with this text (of one `number`, or of all)."""
    numbers = connection.execute(_DECIDED, {"text": text_sha256}).scalars().all()
    if number is not None:
        numbers = [one for one in numbers if one == number]
    if not numbers:
        return
    held = connection.execute(
        sa.select(reports.c.extraction, reports.c.number, extractions.c.lines, documents.c.text)
        .join(extractions, extractions.c.id == reports.c.extraction)
        .join(documents, documents.c.sha256 == extractions.c.document)
        .where(documents.c.text_sha256 == text_sha256, reports.c.current, reports.c.number.in_(numbers))
    ).all()
    for row in held:
        line = json.loads(zlib.decompress(row.lines))[row.number - 1]
        text = zlib.decompress(row.text).decode("utf-8", "surrogatepass")
        made = of_report(connection, text_sha256, row.number)
        _write(connection, row.extraction, row.number, reviewed(line, text, made, row.number), bool(standing(made).ids))


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


def all_lines(connection: sa.Connection, extraction: str) -> Sequence[Looked] | None:
    """Every report of a finished extraction as reviewed; None where there is none."""
    first = look(connection, extraction, 1)
    if first is None:
        return None
    others = [look(connection, extraction, number) for number in range(2, first.among + 1)]
    return [first, *(one for one in others if one is not None)]
