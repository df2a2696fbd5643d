"""`gouji export` and `gouji import`: results to the files that people need, and lines back into a database."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from extractor.cli.options import Debug
from extractor.document.sources import display
from extractor.errors import UsageError

if TYPE_CHECKING:
    from extractor.export.run import Format, Summary

EPILOG = (
    "\b\nExamples:\n"
    "  gouji export out.db -o reports.xlsx                a sheet a table, doubtful cells coloured, findings beside\n"
    "  gouji export out.db -o panel.dta --panel           body × year for Stata, one row each\n"
    "  gouji export out.db -o panel.csv --panel --excel   the same for Excel; panel_coverage.csv says what is missing\n"
    "  gouji export out.jsonl -o cells.parquet --shape long   one cell a row, with state, span and place\n"
    "  gouji export 2022.db 2023.db -o all.duckdb --year 2022-2023\n"
    "  gouji extract reports/ --json | gouji export - -o r.csv\n"
    "  gouji export out.db -o out.jsonl --shape records   the lines themselves; `gouji import` takes them back\n"
    "\n"
    "\b\nShapes:\n"
    "  wide     one report a row, a column a cell: t3_gran_tota is requests.granted.total\n"
    "  long     one cell a row, with what is on paper, where, and whether it can be trusted\n"
    "  records  the lines of `gouji extract --json`: nothing is lost\n"
    "\n"
    "A value of a table that cannot be trusted is empty in the wide shape; --untrusted gives it. A data dictionary\n"
    "(数据字典) goes with every file. Of a document read twice the newer reading counts; where documents of one body\n"
    "and year disagree, the cells concerned are empty and named. docs/export.md has the rules.\n"
    "\n"
    "\b\nExit codes: 0 done; 1 done, but lines that are none were left out; 2 usage, database or file;\n"
    "3 not one report in the input; 130 interrupted (no file is left)."
)

IMPORT_EPILOG = (
    "\b\nExamples:\n"
    "  gouji import out.jsonl --db out.db            lines of `gouji extract --json` into a database\n"
    "  gouji export a.db -o - --shape records --format jsonl | gouji import - --db b.db   from one into another\n"
    "\n"
    "\b\nExit codes: 0 done; 1 done, but lines that are none were left out; 2 usage or database;\n"
    "3 not one report in the input."
)


def export(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE", help="A database of --db, lines of `extract --json`, or - (stdin)."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where to; - is standard output.")],
    format_: Annotated[
        str | None, typer.Option("--format", metavar="FORMAT", help="csv, xlsx, parquet, dta, duckdb or jsonl.")
    ] = None,
    shape: Annotated[str, typer.Option("--shape", help="wide, long or records.")] = "wide",
    panel: Annotated[bool, typer.Option("--panel", help="Body × year: one row each, and what is missing.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Every reading of a document, not the newest alone.")] = False,
    trusted: Annotated[
        bool, typer.Option("--trusted", help="Only reports (long: cells) of which a table can be trusted.")
    ] = False,
    untrusted: Annotated[
        bool, typer.Option("--untrusted", help="Wide: also values that are not proved; mind the columns v_…")
    ] = False,
    year: Annotated[
        list[str] | None, typer.Option("--year", metavar="YEAR", help="2023, or 2021-2023; may be repeated.")
    ] = None,
    organization: Annotated[
        str, typer.Option("--organization", metavar="TEXT", help="Bodies whose name holds this.")
    ] = "",
    verdict: Annotated[
        list[str] | None, typer.Option("--verdict", help="Reports of this verdict; may be repeated.")
    ] = None,
    excel: Annotated[bool, typer.Option("--excel", help="CSV with the mark that Excel needs to see UTF-8.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False,
    debug: Debug = False,
) -> None:
    """Write results for Excel, Stata, R, pandas or DuckDB, with a data dictionary."""
    from extractor.export.choose import Filters
    from extractor.export.run import Options
    from extractor.export.run import export as run
    from extractor.results import Verdict

    _one_of("--shape", [shape], ("wide", "long", "records"))
    _one_of("--verdict", verdict or [], get_args(Verdict))
    path = None if str(output) == "-" else output
    if trusted and untrusted:
        raise UsageError("two_selections", "--trusted and --untrusted exclude each other.", "Choose one.")
    options = Options(
        sources=sources,
        path=path,
        format=_format(format_, path),
        shape=shape,  # type: ignore[arg-type]
        filters=Filters(_years(year or []), organization, frozenset(verdict or []), trusted),
        every=every,
        panel=panel,
        untrusted=untrusted,
        excel=excel,
        force=force,
    )
    complain = _Complaints()
    try:
        with _progress(quiet) as advance:
            done = run(options, complain, advance)
    except BrokenPipeError:
        from extractor.cli.main import leave_quietly

        leave_quietly()
    except OSError as error:
        raise UsageError("output", f"The output cannot be written: {error.strerror}.", "Make room.") from error
    complain.count()
    _say(done, quiet, "left empty" if not untrusted else "the row has its own report's")
    raise typer.Exit(1 if done.bad else 0)


def import_(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="Lines of `gouji extract --json`, or - for standard input.")
    ],
    db: Annotated[Path, typer.Option("--db", metavar="FILE", help="The database; made where there is none.")],
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No summary.")] = False,
    debug: Debug = False,
) -> None:
    """Put lines of `gouji extract --json` into a database, as they are."""
    from extractor.export.take import take

    complain = _Complaints()
    done = take(files, db, complain)
    if not done.reports:
        typer.echo("gouji: there is not one report in what was given. [no_reports]", err=True)
        raise typer.Exit(3)
    if not quiet:
        print(f"{display(str(db))}: {done.stored} new, {done.reports - done.stored} already there", file=sys.stderr)
        complain.count()
    raise typer.Exit(1 if done.bad else 0)


class _Complaints:
    """Names the first ten lines that are left out, and counts the others."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, source: str, number: int, fault: str) -> None:
        self.number += 1
        if self.number <= 10:
            print(f"gouji: {source}: line {number} is left out: {fault[:300]} [line]", file=sys.stderr)

    def count(self) -> None:
        if self.number > 10:
            print(f"gouji: {self.number} lines were left out; the first ten are named above", file=sys.stderr)


def _one_of(option: str, given: list[str], known: tuple[str, ...]) -> None:
    for word in given:
        if word not in known:
            raise UsageError("bad_choice", f"{option} {word!r} is not known.", f"One of: {', '.join(known)}.")


def _format(given: str | None, path: Path | None) -> Format:
    from extractor.export.run import SUFFIXES

    known = tuple(dict.fromkeys(SUFFIXES.values()))
    if given is not None:
        _one_of("--format", [given], known)
        return given  # type: ignore[return-value]
    found = SUFFIXES.get(path.suffix.lower()) if path else "csv"
    if found is None:
        raise UsageError(
            "no_format", f"{display(str(path))}: the format cannot be told from the name.",
            f"Add --format: {', '.join(known)}.",
        )  # fmt: skip
    return found


def _years(given: list[str]) -> frozenset[int]:
    years: set[int] = set()
    for text in given:
        found = re.fullmatch(r"(\d{4})(?:-(\d{4}))?", text)
        if not found:
            raise UsageError("bad_year", f"--year {text!r} is no year.", "Write 2023, or 2021-2023.")
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first:
            raise UsageError("bad_year", f"--year {text} ends before it begins.", f"Write {last}-{first}.")
        years.update(range(first, last + 1))
    return frozenset(years)


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[int], None]]:
    """A line on stderr that moves, where a person looks at it and it takes more than a moment."""
    if quiet or not sys.stderr.isatty():
        yield lambda _done: None
        return
    began = shown = time.monotonic()

    def advance(done: int) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown > 0.5:
            shown = now
            sys.stderr.write(f"\r{done} reports, {done / (now - began):.0f} a second")
            sys.stderr.flush()

    yield advance
    if shown != began:
        sys.stderr.write("\r" + " " * 40 + "\r")


def _say(done: Summary, quiet: bool, outcome: str) -> None:
    for conflict in done.conflicts[:10]:
        print(
            f"gouji: {display(conflict.organization)} {conflict.year}: {conflict.path} is {display(conflict.value)} in "
            f"{display(conflict.source)}, {display(conflict.other_value)} in {display(conflict.other_source)}: "
            f"{outcome} [conflict]",
            file=sys.stderr,
        )
    if len(done.conflicts) > 10:
        print(f"gouji: {len(done.conflicts)} cells in conflict; the first ten are named above", file=sys.stderr)
    if done.placeless:
        names = ", ".join(map(display, done.placeless[:5])) + (" …" if len(done.placeless) > 5 else "")
        print(f"gouji: without body or year, so in no panel: {names} [placeless]", file=sys.stderr)
    for column, number in done.untold.items():
        print(
            f"gouji: {column}: {number} value{'s' if number > 1 else ''} too large or too exact for this format, left "
            "empty or cut there; CSV and JSON Lines have them whole [unfit]",
            file=sys.stderr,
        )
    if not quiet:
        print(f"{', '.join(done.files) or 'standard output'}: {_rows(done)}", file=sys.stderr)


def _rows(done: Any) -> str:
    of = "" if done.rows == done.reports else f" of {done.reports} reports"
    return f"{done.rows} row{'' if done.rows == 1 else 's'}{of}, from {done.read} readings"
