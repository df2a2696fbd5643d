"""What was read is kept in SQLite: every document, extraction, cell and finding (docs/database.md)."""

from extractor.store.database import Store

__all__ = ["Store"]
