"""The document as the reader sees it: the stored text and its 1:1 normalisation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from extractor.document.normalize import normalize


@dataclass(frozen=True)
class Document:
    """A stored text. `norm` has the same length; every span of `norm` is a span of `text`."""

    text: str

    @cached_property
    def norm(self) -> str:
        """The normalised text (see document/normalize.py)."""
        return normalize(self.text)
