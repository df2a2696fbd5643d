"""One export from beginning to end: sources → chosen lines → a shape → files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from extractor.errors import InputError, UsageError
from extractor.export.choose import Choice, Chosen, Conflict, Filters
from extractor.export.columns import Column
from extractor.export.lines import Entry, Lines
from extractor.export.needs import Untold
from extractor.export.outputs import Outputs
from extractor.export.shapes import Row, columns_of, long_rows, wide_row
from extractor.export.text_files import (
    dictionary_csv,
    dictionary_json,
    open_csv,
    write_csv,
    write_lines,
    write_objects,
)
from extractor.form import FORM
from extractor.store.database import gouji_version

Format = Literal["csv", "xlsx", "parquet", "dta", "duckdb", "jsonl"]
Shape = Literal["long", "wide", "records"]
SUFFIXES: dict[str, Format] = {
    ".csv": "csv", ".xlsx": "xlsx", ".parquet": "parquet", ".dta": "dta", ".duckdb": "duckdb", ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}  # fmt: skip
CONFLICT_HEADINGS = ("organization", "year", "path", "label", "source", "value", "other_source", "other_value")


@dataclass(frozen=True, slots=True)
class Options:
    """What `gouji export` was asked for; `path` None writes CSV or JSON Lines to standard output."""

    sources: Sequence[str]
    path: Path | None
    format: Format
    shape: Shape
    filters: Filters = field(default_factory=Filters)
    every: bool = False
    panel: bool = False
    untrusted: bool = False
    excel: bool = False
    force: bool = False


@dataclass(slots=True)
class Summary:
    """What was done; `kinds` says what a row is."""

    rows: int = 0
    reports: int = 0
    read: int = 0
    bad: int = 0
    files: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    placeless: list[str] = field(default_factory=list)
    untold: dict[str, int] = field(default_factory=dict)


def export(options: Options, complain: Callable[[str, int, str], None], advance: Callable[[int], None]) -> Summary:
    """Writes what the options ask for. `complain` is told of each line left out, `advance` of the rows under way.

    Errors: UsageError, InputError, StoreError; no file is left half written.
    """
    _check(options)
    done = Summary()
    with ExitStack() as stack:
        outputs = None if options.path is None else stack.enter_context(Outputs(options.path, options.force))
        target = None if outputs is None else outputs.file()
        beside = {} if outputs is None else {name: outputs.file(name, late=True) for name in _beside(options)}
        if outputs is not None and options.shape != "records":
            columns = columns_of(options.shape, options.panel)
            if options.format == "jsonl":
                outputs.put(".dictionary.json", dictionary_json(columns))
            elif options.format not in ("xlsx", "duckdb"):  # these have it inside
                outputs.put(".dictionary.csv", dictionary_csv(columns, options.excel))
        lines = stack.enter_context(Lines(options.sources, complain, every=options.every))
        compare = options.format == "xlsx" and not options.every
        choice = stack.enter_context(
            Choice(lines, options.filters, panel=options.panel, every=options.every, compare=compare)
        )
        done.read, done.bad = choice.read(), lines.bad
        if not done.read:
            raise InputError(
                "no_reports", "There is not one report in what was given.",
                "Give a database of `gouji extract --db`, or lines of `gouji extract --json`.",
            )  # fmt: skip
        _Export(options, choice, done, advance).write(target, beside)
        if options.panel:
            done.placeless = choice.placeless()
    if outputs is not None:
        done.files = outputs.names()
    return done


def _check(options: Options) -> None:
    if options.panel and options.every:
        raise UsageError("two_selections", "--panel has one row for a body and year, --all every reading.", "Choose.")
    if options.panel and options.shape == "records":
        raise UsageError("no_panel", "--shape records writes lines as they are.", "Use --shape wide or long.")
    if options.shape == "records" and options.format != "jsonl":
        raise UsageError("records", "--shape records goes with JSON Lines alone.", "Name a .jsonl file with -o.")
    if options.path is None and options.format not in ("csv", "jsonl"):
        raise UsageError("no_file", f"{options.format} cannot go to standard output.", "Name a file with -o.")
    if options.excel and options.format != "csv":
        raise UsageError("excel", "--excel is for CSV; an .xlsx file needs no mark.", "Leave it out.")
    if options.path is not None:
        for source in options.sources:
            if source != "-" and Path(source).absolute() == options.path.absolute():
                raise UsageError("same_file", f"{source} is both what is read and what is written.", "Name another.")


def _beside(options: Options) -> list[str]:
    apart = options.panel and options.format not in ("xlsx", "duckdb")
    return ["_coverage.csv", "_conflicts.csv"] if apart else []


class _Export:
    def __init__(self, options: Options, choice: Choice, done: Summary, advance: Callable[[int], None]) -> None:
        self.options, self.choice, self.done, self.advance = options, choice, done, advance
        self.untold = Untold()

    def write(self, target: Path | None, beside: dict[str, Path]) -> None:
        options = self.options
        columns = () if options.shape == "records" else columns_of(options.shape, options.panel)
        if options.format == "xlsx":
            assert target is not None
            self._workbook(target, columns)
        elif options.format in ("csv", "jsonl"):
            self._text(target, columns)
        else:
            assert target is not None
            self._binary(target, columns)
        self.done.untold = dict(self.untold.columns)
        if "_coverage.csv" in beside:
            with open_csv(beside["_coverage.csv"], options.excel) as stream:
                headings, rows = self._coverage()
                write_csv(stream, headings, rows)
            with open_csv(beside["_conflicts.csv"], options.excel) as stream:
                write_csv(stream, CONFLICT_HEADINGS, self._conflicts())

    def _text(self, target: Path | None, columns: Sequence[Column]) -> None:
        options = self.options
        with ExitStack() as stack:
            stream: IO[str] = sys.stdout
            if target is not None:
                opened = (
                    open_csv(target, options.excel) if options.format == "csv" else target.open("w", encoding="utf-8")
                )
                stream = stack.enter_context(opened)
            elif options.excel:
                stream.write("\ufeff")
            if options.shape == "records":
                self.done.rows = write_lines(stream, (entry.line for entry, _ in self._entries()))
            elif options.format == "csv":
                self.done.rows = write_csv(stream, [column.name for column in columns], self._rows())
            else:
                self.done.rows = write_objects(stream, columns, self._rows())
            stream.flush()

    def _binary(self, target: Path, columns: Sequence[Column]) -> None:
        if self.options.format == "dta":
            from extractor.export.stata import write_stata

            self.done.rows = write_stata(target, columns, self._rows(), self.untold)
            return
        from extractor.export.arrow_files import write_duckdb, write_parquet

        if self.options.format == "parquet":
            self.done.rows = write_parquet(target, columns, self._rows(), self.untold)
            return
        table = "panel" if self.options.panel else "reports" if self.options.shape == "wide" else "cells"
        self.done.rows = write_duckdb(target, table, columns, self._rows(), self.untold, self._other_tables)

    def _workbook(self, target: Path, columns: Sequence[Column]) -> None:
        from extractor.export.sheets import write_long_book
        from extractor.export.workbook import Book

        if self.options.shape == "long":
            self.done.rows = write_long_book(target, self._rows(), self._about(), self.untold)
            return
        book = Book(
            self.choice,
            self.untold,
            panel=self.options.panel,
            untrusted=self.options.untrusted,
            coverage=not self.options.every,
        )
        for entry, chosen in self._entries():
            book.add(entry, chosen)
            self.done.rows += 1
        book.save(target, columns, self._about())

    def _entries(self) -> Iterator[tuple[Entry, Chosen | None]]:
        for entry, chosen in self.choice.entries():
            self.done.reports += 1
            if chosen is not None:
                self.done.conflicts += chosen.conflicts
            yield entry, chosen
            self.advance(self.done.reports)

    def _rows(self) -> Iterator[Row]:
        for entry, chosen in self._entries():
            if self.options.shape == "long":
                yield from long_rows(entry.line, chosen, self.options.filters.trusted)
            else:
                yield wide_row(entry.line, chosen, self.options.untrusted)

    def _other_tables(self) -> dict[str, tuple[Sequence[str], list[Sequence[Any]]]]:
        if not self.options.panel:
            return {}
        headings, rows = self._coverage()
        return {"coverage": (headings, list(rows)), "conflicts": (CONFLICT_HEADINGS, list(self._conflicts()))}

    def _coverage(self) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        years = self.choice.years()
        rows = ((body, *(found.get(year, "absent") for year in years)) for body, found in self.choice.matrix())
        return ("organization", *(f"y{year}" for year in years)), rows

    def _conflicts(self) -> Iterator[Sequence[Any]]:
        for one in self.done.conflicts:
            yield (one.organization, one.year, one.path, FORM.words(one.path), one.source, one.value,
                   one.other_source, one.other_value)  # fmt: skip

    def _about(self) -> list[tuple[str, str]]:
        options = self.options
        which = "每份报告一行，取最新一次读取"
        if options.panel:
            which = "每个机关每年一行，取可信表最多、最新的一份"
        elif options.every:
            which = "每次读取一行"
        return [
            ("来源", "，".join(options.sources)),
            ("内容", which if options.shape == "wide" else "每格一行"),
            ("程序", f"gouji {gouji_version()}"),
            ("可信", "已证实、已勾稽、原文不符三类表的数经过证实；需核对的表不导出数值"
             + ("（本次按 --untrusted 导出）" if options.untrusted else "")),
        ]  # fmt: skip
