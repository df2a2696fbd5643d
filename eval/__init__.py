"""Scoring against gold, and the fuzz runner that tries to break the promise."""
