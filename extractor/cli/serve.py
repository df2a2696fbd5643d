"""`gouji serve`: the HTTP API and the review page."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from extractor.cli.keys import DEFAULT_DATA, missing_extra
from extractor.cli.options import Debug, parse_size

EPILOG = (
    "\b\nExamples:\n"
    "  gouji serve                              on this machine: http://127.0.0.1:8321\n"
    "  curl -s 'localhost:8321/v1/extractions?wait=30' --json '{\"text\": \"…\"}'\n"
    "  gouji serve --open                       and show the review page\n"
    "  gouji keys add parser --scope submit --scope read\n"
    "  gouji serve --host 0.0.0.0 --allow-host gouji.example.org    for others, who need keys\n"
    "  gouji serve --model deepseek             doubtful tables are put to a model\n"
    "  gouji serve --webhook-host hooks.example.org                 tells that host when a document is done\n"
    "\b\nKeys:\n"
    "  Beyond this machine keys are always asked for, and the server does not start while there is none.\n"
    "  On loopback they are asked for from the start after the first key was made; --auth keys or off decides it.\n"
    "  A proxy on this machine makes a loopback server public: make a key first. docs/deploying.md\n"
    "\b\nEvery option can be given as a variable: --max-body is GOUJI_MAX_BODY, --allow-host GOUJI_HOSTS (several,\n"
    "separated by spaces). Ctrl-C ends it: what is under way is finished, what is not stays in the queue.\n"
)


class Auth(StrEnum):
    """Whether keys are asked for."""

    keys = "keys"
    off = "off"


class LogForm(StrEnum):
    """How a line of the log looks."""

    json = "json"
    text = "text"


def serve(
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", help="Where the databases lie.", envvar="GOUJI_DATA")
    ] = DEFAULT_DATA,
    database_url: Annotated[
        str | None,
        typer.Option(
            "--database-url",
            metavar="URL",
            help="PostgreSQL instead of SQLite: postgresql://USER@HOST/NAME, with a password better in the variable.",
            envvar="GOUJI_DATABASE_URL",
        ),
    ] = None,
    host: Annotated[str, typer.Option("--host", help="The address to listen on.", envvar="GOUJI_HOST")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="The port; 0: any that is free.", envvar="GOUJI_PORT")
    ] = 8321,
    auth: Annotated[
        Auth | None, typer.Option("--auth", help="Ask for keys, or not (loopback only).", envvar="GOUJI_AUTH")
    ] = None,
    hosts: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host",
            metavar="NAME",
            help="A name by which it may be called; with one given, all others are refused.",
            envvar="GOUJI_HOSTS",
        ),
    ] = None,
    proxies: Annotated[
        list[str] | None,
        typer.Option(
            "--proxy",
            metavar="ADDRESS",
            help="A reverse proxy that is believed who calls, and whether by TLS. [default: loopback]",
            envvar="GOUJI_PROXIES",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Processes that read reports. [default: cores]", envvar="GOUJI_WORKERS"),
    ] = None,
    max_queue: Annotated[
        int | None,
        typer.Option(
            "--max-queue",
            min=1,
            help="Documents that may wait; above that 429.",
            envvar="GOUJI_MAX_QUEUE",
            show_default="10000",
        ),
    ] = None,
    max_body: Annotated[
        str, typer.Option("--max-body", metavar="SIZE", help="The largest request.", envvar="GOUJI_MAX_BODY")
    ] = "20MB",
    max_batch: Annotated[
        int | None,
        typer.Option(
            "--max-batch", min=1, help="Documents of one batch.", envvar="GOUJI_MAX_BATCH", show_default="1000"
        ),
    ] = None,
    max_wait: Annotated[
        float | None,
        typer.Option(
            "--max-wait",
            metavar="SECONDS",
            min=0,
            help="The longest ?wait= in seconds.",
            envvar="GOUJI_MAX_WAIT",
            show_default="60",
        ),
    ] = None,
    body_seconds: Annotated[
        float | None,
        typer.Option(
            "--body-seconds",
            metavar="SECONDS",
            min=0.1,
            help="Seconds in which a request's body must have come.",
            envvar="GOUJI_BODY_SECONDS",
            show_default="120",
        ),
    ] = None,
    body_pause: Annotated[
        float | None,
        typer.Option(
            "--body-pause",
            metavar="SECONDS",
            min=0.1,
            help="The longest pause amid a body, and the longest wait for a request's head, in seconds.",
            envvar="GOUJI_BODY_PAUSE",
            show_default="20",
        ),
    ] = None,
    answer_seconds: Annotated[
        float | None,
        typer.Option(
            "--answer-seconds",
            metavar="SECONDS",
            min=0.1,
            help="Seconds for an answer, beside body and ?wait=; then 504.",
            envvar="GOUJI_ANSWER_SECONDS",
            show_default="60",
        ),
    ] = None,
    document_seconds: Annotated[
        float | None,
        typer.Option(
            "--document-seconds",
            metavar="SECONDS",
            min=1,
            help="Seconds of processor time for one document.",
            envvar="GOUJI_DOCUMENT_SECONDS",
            show_default="60",
        ),
    ] = None,
    shutdown_seconds: Annotated[
        float | None,
        typer.Option(
            "--shutdown-seconds",
            metavar="SECONDS",
            min=0,
            help="Seconds for what is under way when it is ended.",
            envvar="GOUJI_SHUTDOWN_SECONDS",
            show_default="20",
        ),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(
            "--rate",
            metavar="N/UNIT",
            help="Requests of one key, or of one address without keys; then 429.",
            envvar="GOUJI_RATE",
            show_default="1200/minute",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="SPEC", help="The model that is asked about what is doubtful.", envvar="GOUJI_MODEL"
        ),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-model",
            metavar="SPEC",
            help="A further one that a request may name; several times.",
            envvar="GOUJI_MODELS",
        ),
    ] = None,
    model_slots: Annotated[
        int | None,
        typer.Option(
            "--model-slots", min=1, help="Documents at the model at once.", envvar="GOUJI_MODEL_SLOTS", show_default="8"
        ),
    ] = None,
    model_patience: Annotated[
        float | None,
        typer.Option(
            "--model-patience",
            metavar="SECONDS",
            min=0,
            help="So long a document waits for an endpoint that is down.",
            envvar="GOUJI_MODEL_PATIENCE",
            show_default="3600",
        ),
    ] = None,
    webhook_hosts: Annotated[
        list[str] | None,
        typer.Option(
            "--webhook-host",
            metavar="HOST",
            help="A host that webhooks may go to, HOST:PORT too; several times.",
            envvar="GOUJI_WEBHOOK_HOSTS",
        ),
    ] = None,
    webhook_seconds: Annotated[
        float | None,
        typer.Option(
            "--webhook-seconds",
            metavar="SECONDS",
            min=0.1,
            help="Seconds for one delivery.",
            envvar="GOUJI_WEBHOOK_SECONDS",
            show_default="10",
        ),
    ] = None,
    log: Annotated[
        LogForm | None,
        typer.Option("--log", help="Lines on stderr. [default: text on a screen, else json]", envvar="GOUJI_LOG"),
    ] = None,
    tracing: Annotated[
        bool, typer.Option("--tracing", help="OpenTelemetry spans, sent as OTEL_* say.", envvar="GOUJI_TRACING")
    ] = False,
    instance: Annotated[
        str | None,
        typer.Option("--instance", metavar="NAME", help="This server's name among several.", envvar="GOUJI_INSTANCE"),
    ] = None,
    heartbeat: Annotated[
        float | None,
        typer.Option(
            "--heartbeat",
            metavar="SECONDS",
            min=0.1,
            help="Seconds between signs of life of one of several servers.",
            envvar="GOUJI_HEARTBEAT",
            show_default="5",
        ),
    ] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Show the review page in the browser.")] = False,
    debug: Debug = False,
) -> None:
    """Serve the HTTP API and the review page; SQLite in a folder, nothing else to start."""
    asked: dict[str, Any] = {
        "data": data, "database_url": database_url, "host": host, "port": port, "hosts": hosts, "proxies": proxies,
        "workers": workers, "max_queue": max_queue, "max_body": parse_size(max_body, "--max-body"),
        "max_batch": max_batch, "max_wait": max_wait, "body_seconds": body_seconds, "body_pause": body_pause,
        "answer_seconds": answer_seconds, "document_seconds": document_seconds, "shutdown_seconds": shutdown_seconds,
        "rate": rate, "model": model, "models": models, "model_slots": model_slots, "model_patience": model_patience,
        "webhook_hosts": webhook_hosts, "webhook_seconds": webhook_seconds, "tracing": tracing, "instance": instance,
        "heartbeat": heartbeat,
        "log": log.value if log else "text" if sys.stderr.isatty() else "json",
        "auth": None if auth is None else auth.value,
    }  # fmt: skip
    try:
        from extractor.service.run import run
    except ModuleNotFoundError as error:
        raise missing_extra("serve", error) from error
    code = run({name: value for name, value in asked.items() if value is not None and value != []}, open_page)
    raise typer.Exit(code)
