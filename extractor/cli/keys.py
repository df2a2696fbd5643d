"""`gouji keys`: who may call the service."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli.options import Debug
from extractor.errors import UsageError

if TYPE_CHECKING:
    from extractor.service.database.engine import Database
    from extractor.service.database.keys import Key

keys_app = typer.Typer(
    name="keys",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Make, list and revoke the API keys of `gouji serve`, print its webhooks' secret; also while it runs.",
)

Data = Annotated[
    Path, typer.Option("--data", metavar="DIR", help="The service's folder, as for serve.", envvar="GOUJI_DATA")
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        metavar="URL",
        help="PostgreSQL instead, as for serve; better in the variable, where no list of processes shows it.",
        envvar="GOUJI_DATABASE_URL",
        show_envvar=True,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
DEFAULT_DATA = Path("gouji-data")
_SPANS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class KeyScope(StrEnum):
    """What a key may do."""

    submit = "submit"
    read = "read"
    review = "review"
    admin = "admin"


@keys_app.command(
    epilog=(
        "\b\nScopes:\n"
        "  submit   send documents\n"
        "  read     see results, texts, the queue\n"
        "  review   decide on cells\n"
        "  admin    all of it, delete, the audit, metrics\n"
        "\b\nExamples:\n"
        "  gouji keys add parser --scope submit --scope read          for a program\n"
        "  gouji keys add 王 --scope read --scope review --expires 90d   for a person, who shows it at /login\n"
        "  gouji keys add batch --scope submit --rate 600/minute      with a rate of its own\n"
    )
)
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is, for lists and messages.")],
    scope: Annotated[list[KeyScope], typer.Option("--scope", help="What it may do; give it several times.")],
    rate: Annotated[
        str | None, typer.Option("--rate", metavar="N/UNIT", help="Its own limit: 60/minute, 5/second.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="WHEN", help="After 12h, 90d, or on 2027-01-31 (UTC).")
    ] = None,
    data: Data = DEFAULT_DATA,
    database_url: DatabaseUrl = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Make a key and print its secret, once: only its SHA-256 is kept."""
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise UsageError("bad_name", "The name is empty, too long or not printable.", "Give 1 to 100 characters.")
    until = _until(expires)
    with _database(data, database_url, make=True) as database:
        from extractor.service.database import keys
        from extractor.service.rate import rate_of

        if rate is not None:
            rate_of(rate)
        scopes = list(dict.fromkeys(one.value for one in scope))
        with database.write() as connection:
            key, secret = keys.add(connection, name, scopes, rate=rate, expires=until)
    if as_json:
        typer.echo(json.dumps({**_shown(key), "secret": secret}, ensure_ascii=False))
        return
    typer.echo(secret)
    print(f"{key.id}  {name}: {', '.join(scopes)}{f', until {until}' if until else ''}", file=sys.stderr)
    print("It is shown this once. Send it as  Authorization: Bearer gouji_…", file=sys.stderr)


@keys_app.command("list")
def list_(
    data: Data = DEFAULT_DATA, database_url: DatabaseUrl = None, as_json: Json = False, debug: Debug = False
) -> None:
    """List the keys, never their secrets."""
    with _database(data, database_url) as database:
        from extractor.service.database import keys

        with database.read() as connection:
            found = keys.listed(connection)
    if as_json:
        typer.echo(json.dumps([_shown(key) for key in found], ensure_ascii=False, indent=2))
        return
    if not found:
        print("There is no key. Make one: gouji keys add NAME --scope submit --scope read", file=sys.stderr)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("id", "name", "scopes", "rate", "state", "created", "expires", "used", box=None, pad_edge=False)
    for key in found:
        times = [_day(moment) for moment in (key.created, key.expires, key.used)]
        cells = [key.id, key.name, " ".join(key.scopes), key.rate or "", key.state, *times]
        table.add_row(*cells)
    console = Console(markup=False, highlight=False)
    console.print(table, width=console.width if console.is_terminal else 200)


@keys_app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id: `gouji keys list`.")],
    data: Data = DEFAULT_DATA,
    database_url: DatabaseUrl = None,
    debug: Debug = False,
) -> None:
    """End a key, and the browser sessions that were begun with it, within two seconds on every running server."""
    with _database(data, database_url) as database:
        from extractor.service.database import keys

        with database.write() as connection:
            key = keys.revoke(connection, key_id)
    if key is None:
        raise UsageError("no_such_key", f"There is no key {key_id!r}.", "Look at `gouji keys list`.")
    print(f"{key.id}  {key.name}: revoked {key.revoked}", file=sys.stderr)


@keys_app.command("webhook-secret")
def webhook_secret(data: Data = DEFAULT_DATA, database_url: DatabaseUrl = None, debug: Debug = False) -> None:
    """Print the secret by which receivers of webhooks check signatures; the same at every call."""
    with _database(data, database_url) as database:
        from extractor.service.work import deliveries

        with database.write() as connection:
            secret = deliveries.webhook_secret(connection)
    typer.echo(secret)
    print("For receivers alone: whoever has it can sign. extractor.client.verify_webhook takes it.", file=sys.stderr)


@contextmanager
def _database(data: Path, url: str | None, make: bool = False) -> Iterator[Database]:
    try:
        from extractor.service.database.engine import open_database
        from extractor.service.settings import Settings
    except ModuleNotFoundError as error:
        raise missing_extra("keys", error) from error
    if url is None and not make and not (data / "service.db").exists():
        raise UsageError("no_service", f"No service has its data in {data}.", "Give its folder with --data.")
    settings = Settings.model_validate({"data": data, "database_url": url})
    settings.check()
    before = os.umask(0o077)
    try:
        database = open_database(settings)
        try:
            yield database
        finally:
            database.close()
    finally:
        os.umask(before)


def missing_extra(command: str, error: ModuleNotFoundError) -> UsageError:
    """What to say where the extra `serve` is not installed."""
    return UsageError(
        "missing_extra", f"`gouji {command}` needs what is not installed ({error.name}).", "pip install 'gouji[serve]'"
    )


def _until(expires: str | None) -> str | None:
    """`90d`, `12h`, `2027-01-31` as a moment. Errors: UsageError `bad_expiry`."""
    from extractor.service.ids import stamp

    if expires is None:
        return None
    try:
        if found := re.fullmatch(r"([1-9]\d{0,5})([mhdw])", expires.strip(), re.ASCII):
            moment = datetime.now(UTC) + int(found.group(1)) * _SPANS[found.group(2)]
        else:
            moment = datetime.fromisoformat(expires.strip())
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    except (ValueError, OverflowError):
        raise UsageError("bad_expiry", f"--expires {expires!r} is no time.", "Write 12h, 90d or 2027-01-31.") from None
    if moment <= datetime.now(UTC):
        raise UsageError("bad_expiry", f"--expires {expires} is over already.", "Write 12h, 90d or a date to come.")
    return stamp(moment)


def _shown(key: Key) -> dict[str, object]:
    return {**asdict(key), "scopes": list(key.scopes), "state": key.state}


def _day(moment: str | None) -> str:
    return "" if moment is None else moment[:16].replace("T", " ")
