"""`gouji check`: the validator alone, over records that anybody made."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any

import typer

from extractor.cli.options import Debug
from extractor.errors import GoujiError, UsageError

EPILOG = (
    "\b\nExamples:\n"
    "  gouji check record.json                            one record, every rule\n"
    "  gouji extract reports/ --json | gouji check -      what was just read\n"
    "  gouji check 2024.jsonl --previous 2023.jsonl       and against last year's, body by body\n"
    "  gouji check all.jsonl --bodies tree.csv            parents against their subordinates (lines: parent,child)\n"
    "  gouji check record.json --sarif > check.sarif      for editors and CI\n"
    "  gouji explain requests.balance                     what a rule means\n"
    "\n"
    "\b\nMarks in the tables: «21» a cell whose change would mend the broken rules (a suggestion, never applied);\n"
    "✗ 20 ≠ 21 behind a row, or a difference below a column: its equation fails.\n"
    "\n"
    "\b\nExit codes: 0 no hard rule failed; 1 one did (with --strict: or a warning); 2 usage;\n"
    "3 not one input could be read; 130 interrupted."
)


def check(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="A record (JSON), lines of `extract --json`, or - for stdin.")
    ],
    previous: Annotated[
        Path | None, typer.Option("--previous", metavar="FILE", help="Last year's records, in the same forms.")
    ] = None,
    bodies: Annotated[
        Path | None,
        typer.Option("--bodies", metavar="FILE", help="CSV of parent,child: who reports for whom among the records."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines on stdout: one object per record.")] = False,
    sarif: Annotated[bool, typer.Option("--sarif", help="One SARIF 2.1.0 log on stdout, nothing else.")] = False,
    english: Annotated[bool, typer.Option("--english", help="Messages in English, not in the form's words.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 for a warning too.")] = False,
    debug: Debug = False,
) -> None:
    """Check records against the form's rules; nothing is read, nothing is changed, no model is asked."""
    from extractor.rules.session import Session

    if as_json and sarif:
        raise UsageError("two_outputs", "--json and --sarif are two outputs.", "Choose one.")
    session = Session(previous=previous, bodies=bodies)
    log = _Log()
    view: Any = _json_line if as_json else log.keep if sarif else _Screen(english).show
    try:
        with _progress(files) as at:
            for judged in session.judge(_read(files, log, at)):
                log.count(judged.outcomes, strict)
                view(judged)
        if sarif:
            from extractor.cli.sarif import sarif_log

            json.dump(sarif_log(log.judged), sys.stdout, ensure_ascii=False, indent=1)
            sys.stdout.write("\n")
        sys.stdout.flush()
    except BrokenPipeError:
        from extractor.cli.main import leave_quietly

        leave_quietly()
    _say(log, session.notes)
    raise typer.Exit(log.exit_code())


@dataclass(slots=True)
class _Log:
    """What was counted over all inputs."""

    records: int = 0
    parsed: int = 0
    clean: int = 0
    broken: int = 0
    unreadable: int = 0
    judged: list[Any] = field(default_factory=list)

    def keep(self, judged: Any) -> None:
        self.judged.append(judged)

    def count(self, outcomes: Any, strict: bool) -> None:
        self.records += 1
        self.parsed += not any(finding.rule == "record.json" for finding in outcomes.findings)
        soft = any(finding.status == "fail" and finding.severity == "warning" for finding in outcomes.findings)
        self.broken += outcomes.broken or (strict and soft)
        self.clean += not outcomes.findings

    def exit_code(self) -> int:
        if not self.parsed:
            return 3
        return 1 if self.broken or self.unreadable else 0


# Bytes of records that take more than a moment to check.
_LONG = 2_000_000


@contextmanager
def _progress(files: list[str]) -> Iterator[Callable[[str, int], None] | None]:
    """A bar on stderr over the bytes of long files, where a person looks at it and output does not scroll past anyway;
    gives what is to be told how many bytes of which file were read."""
    sizes = {name: Path(name).stat().st_size for name in files if name != "-" and Path(name).is_file()}
    before = dict(zip(sizes, accumulate(sizes.values(), initial=0), strict=False))
    total = sum(sizes.values())
    if total < _LONG or not sys.stderr.isatty() or sys.stdout.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("checking"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as bar:
        task = bar.add_task("checking", total=total)
        yield lambda name, read: bar.update(task, completed=before[name] + read)


def _read(files: list[str], log: _Log, at: Callable[[str, int], None] | None) -> Iterator[tuple[str, Any]]:
    """The records of all files with the path that each came from; a file that cannot be read is said, and the rest goes
    on."""
    from extractor.cli.main import print_error
    from extractor.rules.intake import read_file, read_stream

    for name in files:
        seen = partial(at, name) if at is not None else None
        try:
            for intake in read_stream(sys.stdin.buffer) if name == "-" else read_file(name, seen):
                yield name, intake
        except GoujiError as error:
            print_error(error)
            log.unreadable += 1


def _json_line(judged: Any) -> None:
    sys.stdout.write(json.dumps(judged.to_json(), ensure_ascii=False) + "\n")
    sys.stdout.flush()


class _Screen:
    """The report people read: a record without a finding is one line, others are drawn."""

    def __init__(self, english: bool) -> None:
        self.english = english

    def show(self, judged: Any) -> None:
        from extractor.cli.check_view import report
        from extractor.cli.grid import show_lines

        show_lines(report(judged, self.english), sys.stdout)


def _say(log: _Log, notes: list[str]) -> None:
    for note in notes:
        typer.echo(f"gouji: {note}", err=True)
    if not log.records and not log.unreadable:
        typer.echo("gouji: no record in the input", err=True)
    elif not log.parsed and log.records:
        typer.echo("gouji: not one record could be read [record.json]", err=True)
    else:
        some = f"{log.records} record{'s' if log.records != 1 else ''}"
        typer.echo(f"{some}: {log.broken} with a broken rule, {log.clean} without any finding", err=True)
