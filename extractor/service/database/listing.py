"""What is asked of many extractions at once: pages of them, and the lines of all current results."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from extractor.export.jsonl import dump
from extractor.service.database.engine import Database
from extractor.service.database.extractions import HEAD
from extractor.service.database.tables import batch_members, extractions, reports

_PAGE = 200  # reports looked up at once


@dataclass(frozen=True, slots=True)
class Filters:
    """What an extraction must be to be listed; None asks nothing. `since` is in, `until` is out, `organization` is a
    part of the name."""

    state: str | None = None
    verdict: str | None = None
    year: int | None = None
    organization: str | None = None
    document: str | None = None
    batch: str | None = None
    since: str | None = None
    until: str | None = None

    def of_extraction(self) -> list[sa.ColumnElement[bool]]:
        """On the columns of `extractions`."""
        c = extractions.c
        asked = [(self.state, c.state.__eq__), (self.document, c.document.__eq__), (self.since, c.created.__ge__)]
        asked.append((self.until, c.created.__lt__))
        # Not compared with None, which SQLAlchemy refuses.
        found = [compare(value) for value, compare in asked if value is not None]
        if self.batch is not None:
            held = batch_members.c.batch == self.batch, batch_members.c.extraction == extractions.c.id
            found.append(sa.exists().where(*held))
        return found

    def of_report(self) -> list[sa.ColumnElement[bool]]:
        """On the columns of `reports`."""
        found = [] if self.year is None else [reports.c.year == self.year]
        if self.organization is not None:
            found.append(reports.c.organization.contains(self.organization, autoescape=True))
        return found


def page(connection: sa.Connection, filters: Filters, before: str | None, limit: int) -> Sequence[sa.Row[Any]]:
    """Heads of extractions, newest first; `before` is the id of the last one of the page before."""
    asked = sa.select(*HEAD).where(*filters.of_extraction()).order_by(extractions.c.id.desc()).limit(limit)
    if filters.verdict is not None:
        asked = asked.where(extractions.c.verdict == filters.verdict)
    if before is not None:
        asked = asked.where(extractions.c.id < before)
    if of_report := filters.of_report():
        # A list that is made once: looked up for each extraction, SQLite would go through all reports of the year.
        asked = asked.where(extractions.c.id.in_(sa.select(reports.c.extraction).where(*of_report)))
    return connection.execute(asked).all()


def current_lines(database: Database, filters: Filters) -> Iterator[bytes]:
    """The lines of all current results, the oldest first: each JSON on one line with its line end.

    One document's result is in memory at a time, and no transaction is open while a line is sent.
    """
    other = reports.alias()
    per_extraction = (
        sa.select(sa.func.count())
        .where(other.c.extraction == reports.c.extraction)
        .correlate(reports)
        .scalar_subquery()
    )
    asked = (
        sa.select(reports.c.extraction, reports.c.number, per_extraction.label("among"))
        .where(reports.c.current, *filters.of_report())
        .order_by(reports.c.extraction, reports.c.number)
        .limit(_PAGE)
    )
    if filters.verdict is not None:
        asked = asked.where(reports.c.verdict == filters.verdict)
    if of_extraction := filters.of_extraction():
        asked = asked.join(extractions, extractions.c.id == reports.c.extraction).where(*of_extraction)
    extraction, number = "", 0
    while True:
        behind = sa.tuple_(reports.c.extraction, reports.c.number) > sa.tuple_(
            sa.literal(extraction), sa.literal(number)
        )
        with database.read() as connection:
            found = connection.execute(asked.where(behind)).all()
        kept: tuple[str, list[bytes]] = ("", [])
        for row in found:
            if row.extraction != kept[0]:
                kept = row.extraction, _lines_of(database, row.extraction, row.among)
            if row.number <= len(kept[1]):  # else it was deleted a moment ago
                yield kept[1][row.number - 1] + b"\n"
        if len(found) < _PAGE:
            return
        extraction, number = found[-1].extraction, found[-1].number


def _lines_of(database: Database, extraction: str, among: int) -> list[bytes]:
    with database.read() as connection:
        packed = connection.execute(sa.select(extractions.c.lines).where(extractions.c.id == extraction)).scalar()
    return [] if packed is None else split(zlib.decompress(packed), among)


_DECODER = json.JSONDecoder()


def split(lines: bytes, among: int | None = None) -> list[bytes]:
    """The objects of a JSON array as they stand in it; `among` 1 says that there is just one, and nothing is parsed."""
    if among == 1:
        return [lines[1:-1]]
    text = lines.decode("utf-8")
    found, start = [], 1
    while start < len(text) - 1:
        _, end = _DECODER.raw_decode(text, start)
        found.append(text[start:end].encode())
        start = end + 1
    return found


def renamed(line: bytes, source: str, called: str) -> bytes:
    """A line as it is for a document that was sent under another name: its `source` begins with that one."""
    if source == called:
        return line
    told = json.loads(line)
    told["source"] = called + told["source"].removeprefix(source)
    return dump(told).encode()
