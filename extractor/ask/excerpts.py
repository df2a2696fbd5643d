"""What a model is shown of a document: only the stretch in question, fenced as data, its chat marks taken away."""

from __future__ import annotations

import hashlib
import re

# No excerpt is longer, whatever the document holds: a table 3 of the form has some 2,000 characters.
LONGEST = 6_000
# A row with more is no row.
LONGEST_ROW = 700

_SPACES = re.compile(r"[ \t　]{3,}")
_LINES = re.compile(r"\n[ \t]*\n[ \t]*(?:\n[ \t]*)+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
# Marks by which chat templates divide turns; a document that prints them must not divide ours.
_CHAT = re.compile(r"<\|[^|\n]{0,40}\|>|</?(?:s|system|user|assistant|INST)>|\[/?INST\]|<</?SYS>>", re.IGNORECASE)


def excerpt(text: str, start: int, end: int, longest: int = LONGEST) -> str:
    """A stretch of the stored text as a model sees it: runs of white space shortened, chat marks and control
    characters taken away, no longer than `longest` characters."""
    piece = text[start : min(end, start + 4 * longest)]
    piece = _CHAT.sub(" ", _CONTROL.sub(" ", piece.replace("\r", "\n").replace("\f", "\n")))
    piece = _LINES.sub("\n\n", _SPACES.sub("  ", piece))
    return piece.strip("\n")[:longest]


def fence(piece: str) -> str:
    """The excerpt between two marks that do not occur in it, so that nothing in it can close them."""
    digest = hashlib.sha256(piece.encode("utf-8", "surrogatepass")).hexdigest()
    tag = next(digest[i : i + 6] for i in range(58) if digest[i : i + 6] not in piece)
    return f"【原文 {tag}】\n{piece}\n【原文完 {tag}】"
