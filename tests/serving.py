"""A real `gouji serve` for tests: started on a free port of loopback, ended as a person would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from extractor.service.database import keys
from extractor.service.database.engine import Database, open_database
from extractor.service.settings import Settings


@dataclass
class Serving:
    """A server that runs. `url`: its address; `said`: what it printed at its start; `log`: where its stderr goes."""

    process: subprocess.Popen[str]
    data: Path
    url: str
    said: str
    log: Path
    clients: list[httpx.Client] = field(default_factory=list)

    def client(self, key: str | None = None, address: str = "127.0.0.1", **headers: str) -> httpx.Client:
        """A caller with this key, from this address of loopback."""
        sent = {**({"Authorization": f"Bearer {key}"} if key else {}), **headers}
        transport = httpx.HTTPTransport(local_address=address)
        client = httpx.Client(base_url=self.url, headers=sent, transport=transport, timeout=30, trust_env=False)
        self.clients.append(client)
        return client

    def key(self, *scopes: str, name: str = "test", **more: Any) -> str:
        """The secret of a new key."""
        return self.new_key(*scopes, name=name, **more)[1]

    def new_key(self, *scopes: str, name: str = "test", **more: Any) -> tuple[keys.Key, str]:
        """A new key and its secret, made as `gouji keys add` does."""
        with self.database() as database, database.write() as connection:
            return keys.add(connection, name, scopes, **more)

    @contextmanager
    def database(self) -> Iterator[Database]:
        """The server's database, opened from outside."""
        database = open_database(Settings.model_validate({"data": self.data}))
        try:
            yield database
        finally:
            database.close()

    def stop(self, number: int = signal.SIGTERM, seconds: float = 30) -> int:
        """Sends a signal and gives the exit code."""
        self.process.send_signal(number)
        return self.process.wait(seconds)


@contextmanager
def serving(data: Path, *options: str, **env: str) -> Iterator[Serving]:
    """`with serving(folder, "--auth", "keys") as server:`; what is given by name are variables of the environment."""
    log = data.with_name(f"{data.name}.log")
    with log.open("a", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "extractor", "serve", "--data", str(data), "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**{k: v for k, v in os.environ.items() if not k.startswith(("GOUJI_", "OTEL_"))}, **env},
        )
    assert process.stdout is not None
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        else:
            raise AssertionError(f"it did not start ({process.wait(10)}): {log.read_text(encoding='utf-8')}")
        server = Serving(process, data, lines[0].split()[-1], "".join(lines), log)
        try:
            yield server
        finally:
            for client in server.clients:
                client.close()
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
        process.stdout.close()
