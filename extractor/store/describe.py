"""What tables, views and columns hold, in words: docs/database.md and Datasette's metadata say the same."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Described:
    """A table or view: its title, a sentence, its columns."""

    name: str
    title: str
    about: str
    columns: dict[str, str]


@lru_cache(maxsize=1)
def described() -> dict[str, Described]:
    """Every table and view of the database, by name."""
    raw = tomllib.loads((files("extractor.store") / "describe.toml").read_text(encoding="utf-8"))
    return {
        name: Described(name, table["title"], table["about"], dict(table["columns"])) for name, table in raw.items()
    }
