"""`gouji label`: sheets to label a report by hand, filled sheets into gold, two passes compared."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from extractor.cli.options import Debug, MaxBytes, parse_size
from extractor.errors import UsageError


class _Group(TyperGroup):
    """`gouji label FILE` is `gouji label sheet FILE`; a file called `compare` is `./compare`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["sheet", *args]
        return super().parse_args(ctx, args)


EPILOG = (
    "\b\nFrom a report to gold:\n"
    "  gouji label report.txt > report.html            a page: open it, fill it, download report.json\n"
    "  gouji label report.txt --tsv --form 2021 > report.tsv\n"
    "  gouji label --read report.tsv > gold/report.json\n"
    "  gouji label compare first.json second.json      two passes by two people\n"
    "  gouji eval lint --gold gold --reports reports"
)
label_app = typer.Typer(
    name="label",
    cls=_Group,
    subcommand_metavar="FILE [OPTIONS] | compare A.json B.json",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Label reports by hand: the source text beside empty cells, nothing filled in for you.",
    epilog=EPILOG,
)


@label_app.command(epilog=EPILOG)
def sheet(
    path: Annotated[str | None, typer.Argument(metavar="FILE", help="The report to label.")] = None,
    tsv: Annotated[bool, typer.Option("--tsv", help="A table for a spreadsheet, with --form.")] = False,
    form: Annotated[
        str | None, typer.Option("--form", metavar="2021|2019", help="The form of table 2 as printed; for --tsv.")
    ] = None,
    number: Annotated[
        int | None,
        typer.Option("--number", min=1, metavar="N", help="The Nth report of a file that holds several."),
    ] = None,
    read: Annotated[
        Path | None, typer.Option("--read", metavar="SHEET", help="Turn a filled table into gold (JSON on stdout).")
    ] = None,
    max_bytes: MaxBytes = "20MB",
    debug: Debug = False,
) -> None:
    """Make an empty sheet for FILE on stdout, or read a filled one."""
    from extractor.eval import sheets

    if read is not None:
        if path is not None or tsv or form or number:
            raise UsageError("two_tasks", "--read reads a filled sheet and takes nothing else.", "Call it twice.")
        gold = sheets.read_tsv(_bytes(read), str(read))
        _out(sheets.dump_gold(gold).encode("utf-8", "surrogatepass"))
        return
    if path is None:
        raise UsageError("no_file", "Name a report to label, or a filled sheet with --read.", "gouji label --help")
    if tsv and form is None:
        raise UsageError(
            "no_form", "Which form is table 2 of?", "--form 2021 (本年制发件数) or --form 2019 (本年新制作数量)."
        )
    if form is not None and not tsv:
        raise UsageError(
            "form_on_the_page", "--form goes with --tsv.", "On the page the form is chosen by the labeller."
        )
    _known_form(form)
    if sys.stdout.isatty():
        raise UsageError("to_terminal", "A sheet is no text to read on a terminal.", f"gouji label {path} > sheet.html")
    text = _text(path, parse_size(max_bytes))
    source = sheets.source_name(path, number)
    if tsv:
        # A BOM: without it spreadsheets take the file for one of the system's old encoding.
        _out(b"\xef\xbb\xbf" + sheets.write_tsv(source, text, form or "").encode("utf-8", "replace"))
    else:
        _out(sheets.write_html(source, text).encode("utf-8", "replace"))


@label_app.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="A.json", help="One pass.")],
    second: Annotated[Path, typer.Argument(metavar="B.json", help="Another, made independently.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    debug: Debug = False,
) -> None:
    """Compare two labels of one report; exit 1 if a cell is left to decide."""
    from extractor.eval.agreement import agreement

    a, b = _gold(first), _gold(second)
    if a["source"] != b["source"]:
        raise UsageError(
            "other_source",
            f"{first} labels {a['source']}, {second} labels {b['source']}.",
            "Compare two labels of the same report.",
        )
    found = agreement(a, b)
    if as_json:
        out = {"source": a["source"], "a": str(first), "b": str(second), **found.to_json()}
        _out((json.dumps(out, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass"))
    else:
        _show(found)
    _say_dependence(first, second, a, b)
    raise typer.Exit(0 if found.agree else 1)


def _known_form(form: str | None) -> None:
    from extractor.form import FORM

    if form is not None and form not in FORM.versions:
        raise UsageError("bad_form", f"There is no form {form!r}.", f"--form {' or '.join(FORM.versions)}")


def _text(path: str, max_bytes: int) -> str:
    from extractor.document.sources import walk

    source = next(walk([path], max_bytes=max_bytes), None)
    if source is None or source.name != path or path == "-":
        raise UsageError("not_a_file", f"{path} is not one file.", "A sheet is made for one file, which gold can name.")
    return source.text()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError("unreadable", f"{path}: {error.strerror or error}.", "Give a file that is there.") from error


def _gold(path: Path) -> dict[str, Any]:
    """A gold file whose cells can be compared. Errors: UsageError `bad_gold` with the first fault."""
    from extractor.eval.lint_shape import value_faults
    from extractor.rules.intake import parse

    hint = "Give a label as `gouji label` makes it; `gouji eval lint` names every fault."
    try:
        gold = parse(_bytes(path))
    except ValueError as error:
        raise UsageError("bad_gold", f"{path}: {error}.", hint) from None
    if not isinstance(gold, dict) or not isinstance(gold.get("source"), str):
        raise UsageError("bad_gold", f"{path} has no `source`.", hint)
    if not isinstance(gold.get("record"), dict):
        raise UsageError("bad_gold", f"{path} has no `record`.", hint)
    fault = next(value_faults(gold["record"]), None)
    if fault:
        raise UsageError("bad_gold", f"{path}: {fault}.", hint)
    return gold


def _say_dependence(first: Path, second: Path, a: dict[str, Any], b: dict[str, Any]) -> None:
    by = [(gold.get("labelled") or {}).get("by") for gold in (a, b)]
    if first.resolve() == second.resolve():
        typer.echo("gouji: both are the same file; this says nothing", err=True)
    elif by[0] == by[1]:
        typer.echo(f"gouji: both passes are by {by[0]!r}; agreement counts for more between two people", err=True)


def _show(found: Any) -> None:
    from extractor.eval.agreement import ABSENT, CLASSES
    from extractor.form import FORM

    def shown(value: Any) -> str:
        return {None: "blank", ABSENT: "no row"}.get(value, str(value))

    kappa = "not defined (one class only)" if found.kappa is None else f"{found.kappa:.3f}"
    lines = [f"{found.same} of {found.cells} cells are equal · kappa {kappa}"]
    lines += [f"  {table:<12}{counts['same']:>4} of {counts['cells']}" for table, counts in found.tables.items()]
    lines += ["", f"{'A down, B across':<18}" + "".join(f"{name:>13}" for name in CLASSES)]
    lines += [f"{name:<18}" + "".join(f"{found.matrix[name][other]:>13}" for other in CLASSES) for name in CLASSES]
    if found.around:
        lines += ["", "Around the cells:"]
        lines += [f"  {item['key']}: {shown(item['a'])} | {shown(item['b'])}" for item in found.around]
    if found.differences:
        lines += ["", f"To adjudicate ({len(found.differences)}): A | B"]
        lines += [
            f"  {item['path']}: {shown(item['a'])} | {shown(item['b'])}   {FORM.words(item['path'])}"
            for item in found.differences
        ]
    _out(("\n".join(lines) + "\n").encode("utf-8", "backslashreplace"))


def _out(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
