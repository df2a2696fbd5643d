"""One server process from its options to its exit code: checks, socket, signals, a quiet end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import os
import signal
import socket
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError

from extractor.errors import UsageError
from extractor.service.connections import patient_for
from extractor.service.database import keys
from extractor.service.database.engine import open_database
from extractor.service.observe import logs
from extractor.service.settings import Settings

log = logging.getLogger("gouji.serve")
BACKLOG = 2048


def run(asked: Mapping[str, Any], open_page: bool = False) -> int:
    """Serves until a signal: 0 after SIGTERM, 130 after SIGINT. Errors: UsageError, StoreError."""
    os.umask(0o077)  # what lies in the folder is for nobody else, whoever made the folder
    settings = settings_of(asked)
    settings = with_auth(settings, asked.get("auth"))
    with _listening(settings) as listener:
        from extractor.service.api.app import make_app

        logs.configure(settings.log)
        app = make_app(settings)
        server = _Server(app, settings, lambda: _announce(settings, listener, open_page))
        with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
            return runner.run(server.whole(listener))


def settings_of(asked: Mapping[str, Any]) -> Settings:
    """The settings that these options mean, `auth` still to be decided. Errors: UsageError `bad_option`."""
    auth = asked.get("auth", "keys")
    try:
        settings = Settings(**{**asked, "auth": auth})
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        name = "--" + str(fault["loc"][0]).replace("_", "-")
        raise UsageError("bad_option", f"{name}: {fault['msg']}.", "See `gouji serve --help`.") from None
    settings.check()
    return settings


def with_auth(settings: Settings, asked: str | None) -> Settings:
    """Whether keys are asked for: as said, else always beyond loopback, and on it once a key was made.

    Errors: UsageError `no_keys`.
    """
    database = open_database(settings)
    try:
        with database.read() as connection:
            made, active = keys.any_made(connection), keys.any_active(connection)
    finally:
        database.close()
    if asked is None and settings.loopback and not made:
        settings = settings.model_copy(update={"auth": "off"})
    if settings.auth == "keys" and not active and not settings.loopback:
        raise UsageError(
            "no_keys",
            f"Nobody has a key: beyond this machine ({settings.host}) the service asks for one.",
            "Make one: gouji keys add NAME --scope submit --scope read"
            + ("" if settings.database_url else f" --data {settings.data}"),
        )
    return settings


@contextlib.contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    host, port = settings.host, settings.port
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server(
            address[:2], family=family, backlog=BACKLOG, dualstack_ipv6=host == "::" and socket.has_dualstack_ipv6()
        )
    except socket.gaierror:
        raise UsageError("bad_host", f"{host!r} is no address of this machine.", "Give another --host.") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            hint = "Stop what does, or give another --port (0: any that is free)."
            raise UsageError("port_in_use", f"Something listens on {host} port {port} already.", hint) from None
        if error.errno == errno.EACCES:
            raise UsageError("port_denied", f"Port {port} needs more rights.", "Give a --port above 1023.") from None
        said = f"{host} port {port} cannot be listened on: {error.strerror}."
        raise UsageError("bad_host", said, "Give another --host or --port.") from None
    with listener:
        yield listener


class _Server(uvicorn.Server):
    """uvicorn under our own signals: the first one ends it gracefully, the second at once."""

    def __init__(self, app: FastAPI, settings: Settings, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=patient_for(settings.body_pause),
                lifespan="off",  # `whole` runs it: what goes wrong there is ours to tell
                log_config=None,
                ws="none",
                access_log=False,
                server_header=False,
                proxy_headers=bool(settings.proxies),
                forwarded_allow_ips=list(settings.proxies),
                timeout_keep_alive=30,
                timeout_graceful_shutdown=max(1, round(settings.shutdown_seconds)),
            )
        )
        self.app, self.ready = app, ready
        self.signals: list[int] = []

    async def whole(self, listener: socket.socket) -> int:
        """The application's life around the server's; the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop, number)
        async with self.app.router.lifespan_context(self.app):
            await self.serve(sockets=[listener])
        return 130 if self.signals[:1] == [signal.SIGINT] else 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        # What is loaded by now stays: the collector need not walk through it again and again.
        gc.collect()
        gc.freeze()
        self.ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def _stop(self, number: int) -> None:
        self.signals.append(number)
        if len(self.signals) > 1:
            # Nothing is lost: what is not finished is taken up at the next start.
            os._exit(130 if number == signal.SIGINT else 143)
        self.app.state.service.begin_stop()
        self.should_exit = True


def _announce(settings: Settings, listener: socket.socket, open_page: bool) -> None:
    """On stdout, for people; the log has the same."""
    port = listener.getsockname()[1]
    shown = "127.0.0.1" if settings.host in ("0.0.0.0", "") else "[::1]" if settings.host == "::" else settings.host
    host = f"[{shown}]" if ":" in shown and not shown.startswith("[") else shown
    url = f"http://{host}:{port}"
    where = "PostgreSQL" if settings.database_url else f"{settings.data.absolute()} (SQLite)"
    asked = "asked for (gouji keys)" if settings.auth == "keys" else "none asked for: programs of this machine alone"
    print(f"gouji serves {url}", f"  data  {where}", f"  keys  {asked}", "  Ctrl-C ends it.", sep="\n", flush=True)
    log.info("serving", extra={logs.FIELDS: {"url": url, "host": settings.host, "auth": settings.auth}})
    if open_page:
        webbrowser.open(f"{url}/review")
