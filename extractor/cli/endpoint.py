"""`gouji endpoint check`: what works of a model endpoint, in plain words."""

from __future__ import annotations

import json
import os
from typing import Annotated

import typer

from extractor.cli.options import Debug

endpoint_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Look at a model endpoint before work is given to it.",
)


# A group of its own, although it has one command: `gouji endpoint check`.
@endpoint_app.callback()
def _group() -> None:
    pass


@endpoint_app.command(
    epilog=(
        "\b\nExamples:\n"
        "  gouji endpoint check deepseek                                a profile; its key from the environment\n"
        "  gouji endpoint check qwen2.5:7b@http://127.0.0.1:11434/v1    any OpenAI-compatible address\n"
        "  gouji endpoint check local:model.gguf                        a file, started and stopped for the check"
    )
)
def check(
    spec: Annotated[
        str, typer.Argument(metavar="SPEC", help="A profile, MODEL@BASE_URL or local[:PATH.gguf], as for --model.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="Wait so long for one answer.")
    ] = 60.0,
    debug: Debug = False,
) -> None:
    """Ask SPEC about eight tiny questions (some hundred tokens) and say what works. Exit 4 if gouji cannot use it."""
    import asyncio

    from extractor.llm.local import running
    from extractor.llm.probe import probe
    from extractor.llm.profiles import parse_spec

    with running(parse_spec(spec, os.environ), os.environ) as endpoint:
        report = asyncio.run(probe(endpoint, timeout=timeout))
    if as_json:
        typer.echo(json.dumps(report.as_dict(), ensure_ascii=False))
    else:
        for line in report.lines():
            typer.echo(line)
    if not report.ok:
        raise typer.Exit(4)
