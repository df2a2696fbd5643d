"""A PostgreSQL server of the tests' own, on a socket in a temporary folder; none where it is not installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))


def installed() -> bool:
    """Whether there is a server to start."""
    return bool(BINARIES) or shutil.which("initdb") is not None


class Postgres:
    """`stop` and `start` it as wanted; `database` makes an empty one and gives its URL."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._databases = 0

    def run(self, program: str, *arguments: str) -> str:
        command = [str(BINARIES[-1] / program) if BINARIES else program, *arguments]
        # The server does not run as root.
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=self.folder)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c fsync=off"
        log = str(self.folder / "log")
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-o", options, "-l", log, "-w", "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")

    def database(self) -> str:
        self._databases += 1
        name = f"gouji_{self._databases}"
        self.run("createdb", "-h", str(self.folder), "-U", "postgres", "-E", "UTF8", "-T", "template0", name)
        return f"postgresql://postgres@/{name}?host={quote(str(self.folder), safe='')}"


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server that runs; stopped and gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="gouji-pg-", dir="/tmp"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    server = Postgres(folder)
    try:
        server.run("initdb", "-D", str(folder / "data"), "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8")
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
