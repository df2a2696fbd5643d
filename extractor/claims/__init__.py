"""What the narrative of a report claims of the form's numbers: found by rule, each with the characters it stands in."""

from __future__ import annotations

from extractor.claims.claim import Claim
from extractor.claims.find import find_claims
from extractor.claims.subjects import Subject, subjects

__all__ = ["Claim", "Subject", "find_claims", "subjects"]
