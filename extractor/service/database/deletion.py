"""Deleting an extraction, so that nothing of its document is left where no other extraction needs it."""

from __future__ import annotations

import logging
import threading

import sqlalchemy as sa

from extractor.service.database import batches, idempotency
from extractor.service.database import decisions as reviewing
from extractor.service.database.engine import Database
from extractor.service.database.tables import batch_members, decisions, deliveries, documents, extractions, reports

RETRY = 5.0  # seconds

log = logging.getLogger("gouji.deletion")


def delete(connection: sa.Connection, extraction: str) -> bool | None:
    """Deletes an extraction, its reports, its place in batches, its deliveries and idempotency entries; with the last
    extraction of a document also its bytes, its stored text and what reviewers decided on it.

    Whether the document went too; None where there is no such extraction. One that is under way ends without effect.
    """
    mine = sa.select(batch_members.c.batch).where(batch_members.c.extraction == extraction).distinct()
    of_batches = list(connection.execute(mine).scalars())
    document = connection.execute(
        sa.delete(extractions).where(extractions.c.id == extraction).returning(extractions.c.document)
    ).scalar_one_or_none()
    if document is None:
        return None
    targets = [extraction, *batches.drop_empty(connection, of_batches)]
    idempotency.forget(connection, targets)
    connection.execute(sa.delete(deliveries).where(deliveries.c.target.in_(targets)))
    of_document = sa.select(extractions.c.id).where(extractions.c.document == document)
    if connection.execute(of_document.limit(1)).first() is not None:
        _make_current(connection, document)
        return False
    text = connection.execute(
        sa.delete(documents).where(documents.c.sha256 == document).returning(documents.c.text_sha256)
    ).scalar()
    # Another file may hold the same text: what was decided on it is its too. A file that was read otherwise before has
    # decisions on those texts as well.
    still = sa.exists().where(documents.c.text_sha256 == decisions.c.text_sha256)
    about = sa.or_(decisions.c.document == document, decisions.c.text_sha256 == text)
    connection.execute(sa.delete(decisions).where(about, ~still))
    return True


def _make_current(connection: sa.Connection, document: str) -> None:
    """Lets the newest result that is left be the document's."""
    mine = reports.c.document == document
    if connection.execute(sa.select(reports.c.number).where(mine, reports.c.current).limit(1)).first() is not None:
        return
    newest = connection.execute(
        sa.select(extractions.c.id)
        .where(extractions.c.document == document, extractions.c.state == "done")
        .order_by(extractions.c.finished.desc())
        .limit(1)
    ).scalar()
    connection.execute(sa.update(reports).where(mine, reports.c.extraction == newest).values(current=True))
    text = connection.execute(sa.select(documents.c.text_sha256).where(documents.c.sha256 == document)).scalar()
    if text is not None:
        reviewing.refresh(connection, text)  # what was decided while another result was the document's


class Eraser:
    """Takes deleted bytes out of SQLite's log too (`secure_delete` has overwritten them in the file); PostgreSQL's own
    vacuum does that in its time."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._again: threading.Timer | None = None

    def erase(self) -> bool:
        """Empties the log into the file. False while somebody reads an older state: it is tried again until it is
        done, at the latest when the service stops."""
        if not self.database.embedded:
            return True
        raw = self.database.engine.raw_connection()
        try:
            busy = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            raw.close()
        if busy:
            log.warning("what was deleted stands in the log still; trying again", extra={"seconds": RETRY})
            self._again = threading.Timer(RETRY, self.erase)
            self._again.daemon = True
            self._again.start()
        return not busy

    def close(self) -> None:
        """Ends the trying; closing the database empties the log."""
        if self._again is not None:
            self._again.cancel()
