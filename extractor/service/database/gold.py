"""Reviewed reports as a zip of labels and texts, written while it is sent."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from extractor.review.gold import applied, can_be_read_back, gold_of, name_of
from extractor.service.database.decisions import Looked, all_lines
from extractor.service.database.engine import Database
from extractor.service.database.tables import decisions, documents, extractions, reports

_PAGE = 100
_WHEN = (1980, 1, 1, 0, 0, 0)  # the same export is the same bytes
LEFT_OUT = "left-out.txt"


@dataclass(frozen=True, slots=True)
class GoldFilters:
    """Which reports are exported; None asks nothing. `partial`: also those with tables that are not settled."""

    year: int | None = None
    organization: str | None = None
    province: str | None = None
    partial: bool = False

    def clauses(self) -> list[sa.ColumnElement[bool]]:
        """On the columns of `reports`."""
        asked = [(self.year, reports.c.year == self.year), (self.province, reports.c.province == self.province)]
        found = [clause for value, clause in asked if value is not None]
        if self.organization is not None:
            found.append(reports.c.organization.contains(self.organization, autoescape=True))
        return found


def gold_zip(database: Database, filters: GoldFilters) -> Iterator[bytes]:
    """The zip, piece by piece; one document is in memory at a time, and no transaction is open while one is sent."""
    pipe = _Pipe()
    left_out: list[str] = []
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for extraction, wanted in _documents(database, filters):
            with database.read() as connection:
                looked = all_lines(connection, extraction)
            for name, data in _members(looked or (), wanted, filters.partial, left_out):
                archive.writestr(zipfile.ZipInfo(name, _WHEN), data, zipfile.ZIP_DEFLATED)
                yield pipe.taken()
        if left_out:
            told = "These texts would be read otherwise from a file, so no label of theirs is here:\n"
            archive.writestr(zipfile.ZipInfo(LEFT_OUT, _WHEN), told + "\n".join(left_out) + "\n", zipfile.ZIP_DEFLATED)
    yield pipe.taken()


def _members(
    looked: Sequence[Looked], wanted: frozenset[int], partial: bool, left_out: list[str]
) -> Iterator[tuple[str, bytes]]:
    """The files of one document: a label for each of its reviewed reports, and its text."""
    ready = [
        one
        for one in looked
        if one.number in wanted and applied(one.reviewed, one.decisions) and (one.reviewed.done or partial)
    ]
    if not ready:
        return
    base = name_of(looked[0].line["record"], looked[0].text_sha256)
    if not can_be_read_back(looked[0].text):
        left_out.append(f"{base} ({looked[0].source})")
        return
    for one in ready:
        several = len(looked) > 1
        source = f"{base}.txt#{one.number}" if several else f"{base}.txt"
        name = f"{base}-{one.number}.json" if several else f"{base}.json"
        label = gold_of(one.reviewed, one.decisions, one.paper, source)
        yield name, json.dumps(label, ensure_ascii=False, indent=1).encode()
    yield f"{base}.txt", looked[0].text.encode()


def _documents(database: Database, filters: GoldFilters) -> Iterator[tuple[str, frozenset[int]]]:
    """Current extractions with a decision on their text, with the numbers of the reports that the filters take; each
    text once."""
    seen: set[str] = set()
    after = ""
    while True:
        asked = (
            sa.select(extractions.c.id, documents.c.text_sha256)
            .join(documents, documents.c.sha256 == extractions.c.document)
            .where(extractions.c.id > after, sa.exists().where(decisions.c.text_sha256 == documents.c.text_sha256))
            .where(sa.exists().where(reports.c.extraction == extractions.c.id, reports.c.current, *filters.clauses()))
            .order_by(extractions.c.id)
            .limit(_PAGE)
        )
        with database.read() as connection:
            found = connection.execute(asked).all()
            numbers = {
                row.id: frozenset(
                    connection.execute(
                        sa.select(reports.c.number).where(reports.c.extraction == row.id, *filters.clauses())
                    ).scalars()
                )
                for row in found
            }
        for row in found:
            if row.text_sha256 not in seen:
                seen.add(row.text_sha256)
                yield row.id, numbers[row.id]
        if len(found) < _PAGE:
            return
        after = found[-1].id


class _Pipe(io.RawIOBase):
    """What was written and not yet sent; it cannot go back, and the zip's writer does without that."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(data)  # type: ignore[call-overload]
        self._parts.append(part)
        return len(part)

    def taken(self) -> bytes:
        """Everything since the last time."""
        taken, self._parts = b"".join(self._parts), []
        return taken
