"""SQLite: one transaction per document, nothing twice, nothing overwritten, nothing lost (docs/database.md)."""

from extractor.store.database import Store
from extractor.store.load import Library

__all__ = ["Library", "Store"]
