"""SQLite's errors as ours: what is wrong with the file and what to do."""

from __future__ import annotations

import sqlite3

from extractor.errors import StoreError

_AGAIN = "then run the same command again: nothing is stored twice."
_LOCKED = (
    "locked",
    "{path} is locked: another program is writing to it.",
    f"Close that program or wait, {_AGAIN}",
)
_FULL_HINT = f"Make room or {{elsewhere}}, {_AGAIN}"
# By the start of SQLite's own name of the error.
_BY_NAME = {
    "SQLITE_BUSY": _LOCKED,
    "SQLITE_LOCKED": _LOCKED,
    "SQLITE_FULL": ("disk_full", "{path} cannot grow: the disk is full.", _FULL_HINT),
    "SQLITE_IOERR": ("disk_full", "{path} cannot be written: the disk is full or failing.", _FULL_HINT),
    "SQLITE_NOTADB": ("not_a_database", "{path} is no SQLite database.", "{Elsewhere}."),
    "SQLITE_CORRUPT": ("damaged", "{path} is damaged.", "Restore a copy, or {elsewhere}."),
    "SQLITE_CANTOPEN": (
        "cannot_open",
        "{path} cannot be opened.",
        "Check that its folder exists, that it is a file, and that you may write there.",
    ),
    "SQLITE_READONLY": (
        "read_only",
        "{path} may not be written.",
        "Give yourself the right to write it and its folder.",
    ),
}


def store_error(error: sqlite3.Error, path: str, elsewhere: str) -> StoreError:
    """The StoreError for an error of SQLite. `path`: fit to be printed; `elsewhere`: how to name another file, as a
    clause in lower case ("name another file with --db")."""
    words = {"path": path, "elsewhere": elsewhere, "Elsewhere": elsewhere[:1].upper() + elsewhere[1:]}
    name = getattr(error, "sqlite_errorname", "") or ""
    for prefix, (code, message, hint) in _BY_NAME.items():
        if name.startswith(prefix):
            return StoreError(code, message.format(**words), hint.format(**words))
    if "already exists" in str(error):
        return StoreError(
            "other_database", f"{path} is a database of something else ({error}).", "{Elsewhere}.".format(**words)
        )
    return StoreError("database", f"{path}: {error}.", "{Elsewhere}, or run with --debug.".format(**words))
