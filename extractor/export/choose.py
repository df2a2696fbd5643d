"""Which reports go out: the newest reading of each document, filtered; in a panel one row for a body and year.

The index lies in a temporary SQLite file of its own, so that memory does not grow with the number of reports.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from types import TracebackType
from typing import Any

from extractor.document.bodies import body_key
from extractor.export.columns import all_paths, table_of
from extractor.export.lines import Entry, Line, Lines, value_at
from extractor.form import TABLES
from extractor.results import TRUSTED

_PLACED = "keep and body is not null and year is not null"

# Of a body and year, from best to worst.
STATUS_WORDS = {
    "trusted": "三张表都可信",
    "partial": "部分表可信",
    "conflict": "几份文件互相矛盾",
    "needs_review": "需人工核对",
    "failed": "读取失败",
    "absent": "没有文件",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for: years, a part of the body's name, verdicts; `trusted`: reports with a table that can be."""

    years: frozenset[int] = frozenset()
    organization: str = ""
    verdicts: frozenset[str] = frozenset()
    trusted: bool = False

    def let(self, line: Line) -> bool:
        """Whether a line (its head suffices) is asked for."""
        record = line["record"] or {}
        return (
            (not self.years or record.get("year") in self.years)
            and self.organization in (record.get("organization") or "")
            and (not self.verdicts or line["verdict"] in self.verdicts)
            and (not self.trusted or bool(TRUSTED & set(line["verdicts"].values())))
        )


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two trusted documents of one body and year that say different things of a cell."""

    organization: str
    year: int
    path: str
    source: str
    value: str
    other_source: str
    other_value: str


@dataclass(slots=True)
class Chosen:
    """What a panel knows beside the row's own report."""

    reports: int = 1
    others: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Covered:
    """One body and year: what there is of it."""

    body: str
    organization: str
    year: int
    status: str
    source: str
    reports: int


class Choice:
    """The chosen reports of `lines`: `with Choice(lines, filters, panel=…) as choice: for entry in choice.entries()`.

    Everything is gone through once on entering. `every` keeps older readings of a document as well; `compare` looks
    for documents that disagree, as `panel` does, and is needed for `coverage`.
    """

    def __init__(
        self, lines: Lines, filters: Filters, *, panel: bool = False, every: bool = False, compare: bool = False
    ) -> None:
        self._lines, self._filters, self._panel, self._every = lines, filters, panel, every
        self._compare = compare or panel
        self.groups: set[str] = set()  # the rows of groups that any report prints

    def __enter__(self) -> Choice:
        self._db = sqlite3.connect("")  # a private file that SQLite removes; small ones stay in memory
        self._db.executescript(
            """
            pragma journal_mode = off; pragma synchronous = off;
            create table reports (number integer primary key, document text, batch int, body text, code text,
                organization text, year int, tables int, failed int, source text, content blob, keep int);
            """
        )
        try:
            self._db.executemany(
                "insert into reports values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(self._row, self._lines.heads())
            )
            self._choose()
        except BaseException:
            self._db.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def _row(self, entry: Entry) -> tuple[Any, ...]:
        line = entry.line
        record = line["record"] or {}
        trusted = [table for table in TABLES if line["verdicts"][table] in TRUSTED]
        content = None
        if trusted and self._compare:
            content = zlib.compress(json.dumps(_values(record, trusted)).encode(), 1)
        self.groups |= {key for key in record.get("requests", ()) if key.endswith(".all")}
        name, region = record.get("organization"), line.get("region")
        sure = region if isinstance(region, Mapping) and region.get("sure") is True else {}
        return (
            entry.number,
            line["sha256"] or f"source {_safe(line['source'])}",
            entry.batch,
            _safe(body_key(name)) or None if name else None,
            sure.get("code"),
            _safe(name) if name else None,
            record.get("year"),
            len(trusted),
            line["record"] is None,
            _safe(line["source"]),
            content,
            self._filters.let(line),
        )

    def _choose(self) -> None:
        run = self._db.execute
        if not self._every:
            run("create index documents on reports (document, batch)")
            run(
                "update reports set keep = 0 where batch < "
                "(select max(batch) from reports as other where other.document = reports.document)"
            )
        # Two towns of one name, each resolved without a doubt, are two bodies.
        run("create index names on reports (body, code)")
        run(
            "update reports set body = body || ' ' || code where code is not null and body in "
            "(select body from reports group by body having count(distinct code) > 1)"
        )
        run("create index bodies on reports (body, year, keep)")

    def count(self) -> int:
        """How many rows (reports, or bodies and years) there will be."""
        query = "select count(*) from reports where keep"
        if self._panel:
            query = f"select count(*) from (select distinct body, year from reports where {_PLACED})"
        return int(self._db.execute(query).fetchone()[0])

    def placeless(self) -> list[str]:
        """Sources of kept reports without body or year, at most 20: they cannot stand in a panel."""
        query = "select source from reports where keep and (body is null or year is null) limit 20"
        return [row[0] for row in self._db.execute(query)]

    def years(self) -> list[int]:
        """All years from the first to the last that a report covers."""
        first, last = self._db.execute(f"select min(year), max(year) from reports where {_PLACED}").fetchone()
        return [] if first is None else list(range(first, last + 1))

    def matrix(self) -> Iterator[tuple[str, dict[int, str]]]:
        """Each body with what there is of its years (STATUS_WORDS, without `absent`)."""
        for _, group in groupby(self.coverage(), key=lambda covered: covered.body):
            covered = list(group)
            yield covered[-1].organization, {one.year: one.status for one in covered}

    def read(self) -> int:
        """How many lines there are at all."""
        return int(self._db.execute("select count(*) from reports").fetchone()[0])

    def entries(self) -> Iterator[tuple[Entry, Chosen | None]]:
        """The chosen lines, in the order of the sources; in a panel with what else there is of the body and year."""
        if self._panel:
            self._best()
            query = "select number from best order by number"
        else:
            query = "select number from reports where keep order by number"
        wanted = (row[0] for row in self._db.execute(query))
        following = next(wanted, None)
        for entry in self._lines:
            if following is None:
                return
            if entry.number == following:
                yield entry, self._beside(entry.number) if self._panel else None
                following = next(wanted, None)

    def _best(self) -> None:
        """Of each body and year the report with most trusted tables, of several the newest."""
        self._db.executescript(
            f"""
            create table if not exists best as select number, body, year from (
                select number, body, year, row_number() over (
                    partition by body, year order by tables desc, failed, number desc) as place
                from reports where {_PLACED}) where place = 1;
            create unique index if not exists best_number on best (number);
            """
        )

    def _beside(self, number: int) -> Chosen:
        body, year = self._db.execute("select body, year from best where number = ?", [number]).fetchone()
        rows = self._db.execute(
            "select number, organization, source, content from reports where keep and body = ? and year = ? "
            "order by number = ? desc, number",
            [body, year, number],
        ).fetchall()
        chosen = Chosen(len(rows), [source for _, _, source, _ in rows[1:]])
        if len(rows) > 1:
            chosen.conflicts = list(_conflicts(year, rows))
        return chosen

    def coverage(self) -> Iterator[Covered]:
        """Every body and year, by body; reports without body or year are left out (see `placeless`)."""
        self._best()
        query = """
            select reports.body, reports.organization, reports.year, tables, failed, source, reports.number,
                   (select count(*) from reports as other where other.keep and other.body = reports.body
                    and other.year = reports.year)
            from best join reports using (number) order by reports.body, reports.year
            """
        for body, name, year, tables, failed, source, number, reports in self._db.execute(query):
            status = "failed" if failed else ("needs_review", "partial", "partial", "trusted")[tables]
            if reports > 1 and self._beside(number).conflicts:
                status = "conflict"
            yield Covered(body, name, year, status, source, reports)


def _values(record: Mapping[str, Any], tables: Sequence[str]) -> dict[str, Any]:
    """Path → value of these tables' cells that have one; amounts with their unit, so that 1.5 and 1.50 are the same
    and 1.5 元 is not 1.5 万元."""
    found: dict[str, Any] = {}
    for path in all_paths():
        value = value_at(record, path) if table_of(path) in tables else None
        if isinstance(value, str):
            unit = value_at(record, path.replace(".amount", ".unit")) or ""
            value = f"{Decimal(value).normalize():f} {unit}".strip()
        if value is not None:
            found[path] = value
    return found


def _conflicts(year: int, rows: list[tuple[Any, ...]]) -> Iterator[Conflict]:
    contents = [(source, json.loads(zlib.decompress(content))) for _, _, source, content in rows if content]
    for path in all_paths():
        said = [(source, values[path]) for source, values in contents if path in values]
        for source, value in said[1:]:
            if value != said[0][1]:
                yield Conflict(rows[0][1], year, path, said[0][0], str(said[0][1]), source, str(value))


def _safe(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
