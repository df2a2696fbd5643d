"""Lines back into a database: what `gouji import` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from extractor.errors import UsageError
from extractor.export.lines import Line, Lines, base_of, continues
from extractor.store import Store


@dataclass(slots=True)
class Taken:
    """What was done."""

    reports: int = 0
    stored: int = 0
    bad: int = 0


def take(files: Sequence[str], db: Path, complain: Callable[[str, int, str], None]) -> Taken:
    """Keeps every line in the database, the reports of one document together. `complain` is told of each left out.

    Errors: InputError, StoreError; UsageError `same_file`, `parted` where the reports of one document do not stand
    together (taken apart, the later would count as a newer reading of all).
    """
    done = Taken()
    if any(Path(name).absolute() == db.absolute() for name in files):
        raise UsageError("same_file", f"{db} is both what is read and what is written.", "Name another with --db.")
    with Lines(files, complain) as lines, Store(db) as store:
        together: list[Line] = []
        parts: set[tuple[str | None, str]] = set()

        def keep() -> None:
            if together:
                done.stored += store.save_lines(base_of(together), together, imported=True)
                together.clear()

        for entry in lines:
            line = entry.line
            if together and not continues(together[-1], line):
                keep()
            if not together and line["source"] != base_of([line, line]):
                document = (line["sha256"], base_of([line, line]))
                if document in parts:
                    raise UsageError(
                        "parted",
                        f"{line['source']}: the reports of this document do not stand together.",
                        "Sort the lines by source; what was before is kept.",
                    )
                parts.add(document)
            together.append(line)
            done.reports += 1
        keep()
        done.bad = lines.bad
    return done
