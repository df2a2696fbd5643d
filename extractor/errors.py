"""Errors with a stable code, one sentence and a hint; they survive pickling."""

from __future__ import annotations


class GoujiError(Exception):
    """Base of all errors of ours: `code` is stable, `hint` says how to mend it."""

    exit_code = 2

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(code, message, hint)
        self.code, self.message, self.hint = code, message, hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(GoujiError):
    """The call or the configuration is wrong (exit 2)."""


class InputError(GoujiError):
    """One document cannot be read; the batch goes on (verdict `failed`)."""

    exit_code = 3


class StoreError(GoujiError):
    """The database cannot be written (locked, disk full, not a database)."""
