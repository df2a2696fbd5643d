"""`gouji cache`: what is kept of the model's answers and what the calls have cost."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli.options import Debug
from extractor.errors import UsageError

if TYPE_CHECKING:
    from extractor.llm.ledger import Ledger

cache_app = typer.Typer(
    name="cache",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Answers of the model that are kept, and the ledger of all calls.",
)

Json = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


@cache_app.command()
def path() -> None:
    """Print where the file lies (GOUJI_CACHE_DIR moves it)."""
    from extractor.llm.ledger import default_path

    typer.echo(str(default_path()))


@cache_app.command()
def info(as_json: Json = False, debug: Debug = False) -> None:
    """Count what is kept."""
    ledger = _ledger()
    counts = {"answers": 0, "calls": 0, "rungs": 0, "bytes": 0}
    if ledger:
        with ledger:
            counts = ledger.info()
    if as_json:
        from extractor.llm.ledger import default_path

        typer.echo(json.dumps({"path": str(default_path()), **counts}, ensure_ascii=False))
        return
    typer.echo(f"{counts['answers']:>10,}  answers kept (asked again, they cost nothing)")
    typer.echo(f"{counts['calls']:>10,}  calls in the ledger")
    typer.echo(f"{counts['rungs']:>10,}  endpoints whose way of structured output is known")
    typer.echo(f"{counts['bytes'] / 1e6:>10.1f}  MB")


@cache_app.command()
def calls(as_json: Json = False, debug: Debug = False) -> None:
    """Sum up the calls by day, model and prompt: tokens, cost (US dollars), failures."""
    ledger = _ledger()
    rows = []
    if ledger:
        with ledger:
            rows = ledger.summary()
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row, ensure_ascii=False))
        return
    if not rows:
        typer.echo("No calls yet.", err=True)
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("day", "model", "prompt"):
        table.add_column(name, overflow="fold")
    for name in ("calls", "failed", "prompt tokens", "completion tokens", "cost", "mean ms"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            row["day"],
            row["model"],
            row["prompt"],
            *(f"{row[key]:,}" for key in ("calls", "failed", "prompt_tokens", "completion_tokens")),
            "unpriced" if row["cost"] is None else row["cost"],
            f"{row['mean_ms']:,}",
        )
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console = Console(markup=False, highlight=False, width=160)
    console.print(table)


@cache_app.command()
def clear(
    older_than: Annotated[
        int | None, typer.Option("--older-than", metavar="DAYS", min=0, help="Only what is older than so many days.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    debug: Debug = False,
) -> None:
    """Remove answers and the ledger's rows."""
    from datetime import timedelta

    ledger = _ledger()
    if ledger is None:
        typer.echo("Nothing is kept.", err=True)
        return
    with ledger:
        if not yes:
            if not sys.stdin.isatty():
                raise UsageError("not_confirmed", "gouji cache clear asks before it removes anything.", "Add --yes.")
            whose = "everything" if older_than is None else f"what is older than {older_than} days"
            typer.confirm(f"Remove {whose} from {ledger.path}?", abort=True, err=True)
        removed = ledger.clear(None if older_than is None else timedelta(days=older_than))
    typer.echo(f"Removed {removed['answers']:,} answers and {removed['calls']:,} calls.", err=True)


def _ledger() -> Ledger | None:
    """The ledger where there is one: asking about it makes none."""
    from extractor.llm.ledger import Ledger, default_path

    return Ledger() if default_path().exists() else None
