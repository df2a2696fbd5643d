"""(in work)"""

from __future__ import annotations

from extractor.document.content import Stored
from extractor.errors import InputError


def read_xlsx(data: bytes) -> Stored:
    """The stored text of the file."""
    raise InputError("unsupported_format", "This format is not read.", "Give the report as text or HTML.")
