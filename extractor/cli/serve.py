"""`gouji serve`: the HTTP API and the review page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from extractor.cli.options import Debug, parse_size
from extractor.errors import UsageError

EPILOG = (
    "\b\nExamples:\n"
    "  gouji serve                              on this machine: http://127.0.0.1:8321, no keys asked for\n"
    "  curl -s 'localhost:8321/v1/extractions?wait=30' --json '{\"text\": \"…\"}'\n"
)


def serve(
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", help="Where the databases lie.", envvar="GOUJI_DATA")
    ] = Path("gouji-data"),
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0: any that is free.")] = 8321,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Processes that read reports.")] = None,
    max_body: Annotated[str, typer.Option("--max-body", metavar="SIZE", help="The largest request.")] = "20MB",
    debug: Debug = False,
) -> None:
    """Serve the HTTP API and the review page; SQLite in a folder, nothing else to start."""
    try:
        import uvicorn

        from extractor.service.api.app import make_app
    except ModuleNotFoundError as error:
        raise UsageError(
            "missing_extra", f"`gouji serve` needs what is not installed ({error.name}).", "pip install 'gouji[serve]'"
        ) from error
    from extractor.service.settings import Settings

    asked: dict[str, Any] = {"data": data, "host": host, "port": port, "max_body": parse_size(max_body)}
    if workers is not None:
        asked["workers"] = workers
    settings = Settings(**asked, auth="off")
    uvicorn.run(make_app(settings), host=host, port=port, log_level="warning", timeout_graceful_shutdown=10)
