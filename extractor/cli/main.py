"""The typer application: commands are registered here and live in modules of their own."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from extractor.cli.cache import cache_app
from extractor.cli.check import EPILOG as CHECK_EPILOG
from extractor.cli.check import check
from extractor.cli.datasette import EPILOG as DATASETTE_EPILOG
from extractor.cli.datasette import datasette
from extractor.cli.endpoint import endpoint_app
from extractor.cli.eval import eval_app
from extractor.cli.explain import explain
from extractor.cli.export import EPILOG as EXPORT_EPILOG
from extractor.cli.export import IMPORT_EPILOG, export, import_
from extractor.cli.extract import EPILOG, extract
from extractor.cli.keys import keys_app
from extractor.cli.label import label_app
from extractor.cli.schema import EPILOG as SCHEMA_EPILOG
from extractor.cli.schema import schema
from extractor.cli.serve import EPILOG as SERVE_EPILOG
from extractor.cli.serve import serve
from extractor.cli.text import text
from extractor.errors import GoujiError

app = typer.Typer(
    name="gouji",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Turns the text of Chinese 政府信息公开工作年度报告 into records whose every number is proved (勾稽), "
        "without a model and without a key; a model, if you name one, is asked only about what is left open."
    ),
    epilog=(
        "\b\nStart here:\n"
        "  gouji extract report.txt            the three tables, doubtful cells marked\n"
        "  gouji extract reports/ --json       one JSON object per report\n"
        "  gouji extract reports/ --db out.db  into SQLite, for Datasette\n"
        "  gouji export out.db -o out.xlsx     into Excel, Stata, Parquet, DuckDB, CSV\n"
        "  gouji check out.jsonl               the rules alone, over records that anybody made\n"
        "  gouji extract --help                more examples"
    ),
)
app.command(epilog=EPILOG)(extract)
app.command(epilog=CHECK_EPILOG)(check)
app.command(epilog=EXPORT_EPILOG)(export)
app.command("import", epilog=IMPORT_EPILOG)(import_)
app.command(epilog=DATASETTE_EPILOG)(datasette)
app.command(epilog=SCHEMA_EPILOG)(schema)
app.command(epilog=SERVE_EPILOG)(serve)
app.add_typer(keys_app, name="keys")
app.command()(explain)
app.command()(text)
app.add_typer(endpoint_app, name="endpoint")
app.add_typer(cache_app, name="cache")
app.add_typer(eval_app, name="eval")
app.add_typer(label_app, name="label")


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"gouji {version('gouji')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Runs the command line; our own errors become one or two lines on stderr and their exit code."""
    # Output is UTF-8 wherever it goes; a character that a terminal cannot show is escaped, never an exception.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")
    try:
        app()
    except GoujiError as error:
        if "--debug" in sys.argv:
            raise
        print_error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        leave_quietly()


def print_error(error: GoujiError) -> None:
    """One line that says what is wrong, one that says what to do."""
    typer.echo(f"gouji: {error.message} [{error.code}]", err=True)
    if error.hint:
        typer.echo(f"  {error.hint}", err=True)


def leave_quietly() -> None:
    """Ends after the reader of stdout has gone (`| head`), without a word at interpreter exit either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)
