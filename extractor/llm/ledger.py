"""The ledger of all calls, the answers kept from them, and what was learned of endpoints: one SQLite file.

Keys are never in it; the text of documents only with `keep_text` (`calls.request`, `calls.response`). An answer that
is kept holds what the model answered.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Any
from uuid import uuid4

from sqlite_utils import Database, Migrations

from extractor.errors import StoreError
from extractor.sqlite_errors import store_error

# Seconds to wait for another process's write, each of which takes milliseconds.
WAIT = 5.0
# Days after which a form of structured output that was stepped down to is tried from the top again.
RUNG_DAYS = 7
_TRIALS = 20

migrations = Migrations("gouji-model")


@migrations(name="0001_tables")
def _tables(db: Database) -> None:
    db.table("calls").create(
        {
            "id": int,
            "time": str,
            "run": str,
            "prompt_id": str,
            "prompt_version": str,
            "prompt_digest": str,
            "model": str,
            "base_url": str,
            "rung": str,
            "attempt": int,
            "status": str,
            "finish_reason": str,
            "prompt_tokens": int,
            "completion_tokens": int,
            "cost": str,
            "latency_ms": int,
            "document": str,
            "table_key": str,
            "request": str,
            "response": str,
        },
        pk="id",
        not_null=["time", "run", "model", "base_url", "attempt", "status"],
    )
    db.table("calls").create_index(["time"])
    db.table("calls").create_index(["run"])
    db.table("answers").create(
        {
            "key": str,
            "time": str,
            "model": str,
            "prompt_id": str,
            "prompt_version": str,
            "prompt_digest": str,
            "answer": str,
            "prompt_tokens": int,
            "completion_tokens": int,
            "cost": str,
        },
        pk="key",
        not_null=["time", "model", "answer"],
    )
    db.table("rungs").create(
        {"base_url": str, "model": str, "rung": str, "dropped": str, "time": str}, pk=("base_url", "model")
    )


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt at the endpoint, as the ledger keeps it. `status`: HTTP status or class of the error; tokens and
    cost are None where the endpoint did not say; `latency_ms` is that of the attempt, waiting for a turn left out."""

    prompt: tuple[str, str, str]
    model: str
    base_url: str
    rung: str
    attempt: int
    status: str
    latency_ms: int
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: str | None = None
    document: str = ""
    table: str = ""
    request: str | None = None
    response: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer from the cache: the model's JSON and what it used at the time."""

    answer: str
    prompt_tokens: int
    completion_tokens: int
    cost: str | None


def default_path(env: Mapping[str, str] | None = None) -> Path:
    """`$GOUJI_CACHE_DIR/model.sqlite`, else in `gouji` below the user's cache folder.

    Errors: StoreError `no_home`.
    """
    env = os.environ if env is None else env
    if own := env.get("GOUJI_CACHE_DIR"):
        return Path(own).expanduser() / "model.sqlite"
    home = env.get("XDG_CACHE_HOME") or ""
    try:
        # The XDG rule: a relative path there is to be ignored.
        base = Path(home) if Path(home).is_absolute() else Path.home() / ".cache"
    except RuntimeError as error:
        raise StoreError("no_home", "There is no home folder to keep answers in.", "Set GOUJI_CACHE_DIR.") from error
    return base / "gouji" / "model.sqlite"


class Ledger:
    """The ledger, opened on entering: `with Ledger() as ledger:`. Every write is a transaction of its own, so that a
    killed run keeps all it has paid for. May be used from several threads and by several processes at once.

    Errors: StoreError, with what to do.
    """

    def __init__(self, path: Path | str | None = None, *, keep_text: bool = False, wait: float = WAIT) -> None:
        self.path = default_path() if path is None else Path(path)
        self.keep_text = keep_text
        self.run = uuid4().hex
        self._wait = wait
        self._lock = RLock()
        self._open = False

    def __enter__(self) -> Ledger:
        with self._explained():
            self._create_private()
            connection = sqlite3.connect(self.path, timeout=self._wait, check_same_thread=False)
            self.db = Database(connection)
            try:
                self._prepare()
            except BaseException:
                connection.close()
                raise
        self._open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        self.db.close()

    def add(self, call: Call) -> None:
        """Adds one call; its texts only where the ledger keeps texts."""
        row = (
            _now(), self.run, *call.prompt, call.model, call.base_url, call.rung, call.attempt, call.status,
            call.finish_reason, call.prompt_tokens, call.completion_tokens, call.cost, call.latency_ms,
            call.document, call.table, *((call.request, call.response) if self.keep_text else (None, None)),
        )  # fmt: skip
        self._write(_INSERT_CALL, row)

    def kept(self, key: str) -> Kept | None:
        """The answer kept under a key, if there is one."""
        with self._explained(), self._lock:
            row = self.db.conn.execute(
                "select answer, prompt_tokens, completion_tokens, cost from answers where key = ?", [key]
            ).fetchone()
        return Kept(*row) if row else None

    def keep(self, key: str, prompt: tuple[str, str, str], model: str, kept: Kept) -> None:
        """Keeps a valid answer; one that is there already stays."""
        row = (key, _now(), model, *prompt, kept.answer, kept.prompt_tokens, kept.completion_tokens, kept.cost)
        self._write(_INSERT_ANSWER, row)

    def learned(self, base_url: str, model: str) -> tuple[str, frozenset[str]] | None:
        """The form of structured output that worked last at an endpoint, and the parameters that it refused."""
        since = _iso(datetime.now(UTC) - timedelta(days=RUNG_DAYS))
        with self._explained(), self._lock:
            row = self.db.conn.execute(
                "select rung, dropped from rungs where base_url = ? and model = ? and time >= ?",
                [base_url, model, since],
            ).fetchone()
        return (row[0], frozenset(json.loads(row[1]))) if row else None

    def learn(self, base_url: str, model: str, rung: str, dropped: frozenset[str]) -> None:
        """Remembers what worked."""
        row = (base_url, model, rung, json.dumps(sorted(dropped)), _now())
        self._write("insert or replace into rungs (base_url, model, rung, dropped, time) values (?, ?, ?, ?, ?)", row)

    def info(self) -> dict[str, int]:
        """Counts of what is kept, and the file's size in bytes (its write-ahead log included)."""
        with self._explained(), self._lock:
            counts = {
                table: self.db.conn.execute(f"select count(*) from {table}").fetchone()[0]
                for table in ("answers", "calls", "rungs")
            }
        size = sum(file.stat().st_size for suffix in ("", "-wal") if (file := Path(f"{self.path}{suffix}")).exists())
        return {**counts, "bytes": size}

    def summary(self) -> list[dict[str, Any]]:
        """The calls by day, model and prompt: calls, failed (no HTTP 200), tokens, cost (str; None where any answered
        call is unpriced) and mean latency in ms."""
        # Money is added up here and not by SQLite, whose sum is a float's.
        groups: dict[tuple[str, str, str], dict[str, Any]] = {}
        with self._explained(), self._lock:
            rows = self.db.conn.execute(
                "select substr(time, 1, 10), model, coalesce(prompt_id, ''), coalesce(prompt_version, ''), status, "
                "prompt_tokens, completion_tokens, cost, latency_ms from calls order by id"
            )
            for day, model, prompt, version, status, sent, got, cost, latency in rows:
                name = f"{prompt}@{version}" if version else prompt
                group = groups.setdefault(
                    (day, model, name),
                    {"calls": 0, "failed": 0, "prompt_tokens": 0, "completion_tokens": 0, "cost": Decimal(0), "ms": 0},
                )
                group["calls"] += 1
                group["failed"] += status != "200"
                group["prompt_tokens"] += sent or 0
                group["completion_tokens"] += got or 0
                group["ms"] += latency or 0
                if status == "200":
                    group["cost"] = None if cost is None or group["cost"] is None else group["cost"] + Decimal(cost)
        return [
            {"day": day, "model": model, "prompt": prompt}
            | {key: group[key] for key in ("calls", "failed", "prompt_tokens", "completion_tokens")}
            | {
                "cost": None if group["cost"] is None else f"{group['cost']:f}",
                "mean_ms": group["ms"] // group["calls"],
            }
            for (day, model, prompt), group in groups.items()
        ]

    def clear(self, older_than: timedelta | None = None) -> dict[str, int]:
        """Removes answers, calls and what was learned, all or those older than so long; counts of what went."""
        before = "9999" if older_than is None else _iso(datetime.now(UTC) - older_than)
        removed = {}
        for table in ("answers", "calls", "rungs"):
            removed[table] = self._write(f"delete from {table} where time < ?", (before,))
        with self._explained(), self._lock:
            self.db.conn.execute("vacuum")
        return removed

    def _write(self, sql: str, row: tuple[Any, ...]) -> int:
        with self._explained(), self._lock:
            connection = self.db.conn
            connection.execute("begin immediate")
            try:
                changed = connection.execute(sql, row).rowcount
                connection.commit()
            except BaseException:
                connection.rollback()
                raise
        return changed

    def _create_private(self) -> None:
        """Others on the machine need not read answers: folders 0700, the file 0600 (its log gets the file's mode)."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise StoreError(
                "cannot_open",
                f"{_shown(self.path)} cannot be opened: {error.strerror or type(error).__name__}.",
                "Set GOUJI_CACHE_DIR to a folder where you may write.",
            ) from error

    def _prepare(self) -> None:
        applied = {migration.name for migration in migrations.applied(self.db)}
        if unknown := applied - {migration.name for migration in migrations.pending(Database(memory=True))}:
            raise StoreError(
                "newer_database",
                f"{_shown(self.path)} was written by a newer gouji ({', '.join(sorted(unknown))}).",
                "Upgrade gouji, or set GOUJI_CACHE_DIR to another folder.",
            )
        for trial in range(_TRIALS):
            try:
                if migrations.pending(self.db):
                    self.db.enable_wal()
                    migrations.apply(self.db)
                break
            except sqlite3.OperationalError:  # another process makes the same tables at this moment
                if trial == _TRIALS - 1:
                    raise
                time.sleep(0.05)
        self.db.conn.execute("pragma synchronous = normal")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise store_error(error, _shown(self.path), "set GOUJI_CACHE_DIR to another folder") from error


_INSERT_CALL = (
    "insert into calls (time, run, prompt_id, prompt_version, prompt_digest, model, base_url, rung, attempt, status, "
    "finish_reason, prompt_tokens, completion_tokens, cost, latency_ms, document, table_key, request, response) "
    f"values ({', '.join('?' * 19)})"
)
_INSERT_ANSWER = (
    "insert or ignore into answers (key, time, model, prompt_id, prompt_version, prompt_digest, answer, "
    f"prompt_tokens, completion_tokens, cost) values ({', '.join('?' * 10)})"
)


def _shown(path: Path) -> str:
    return ascii(str(path))[1:-1] if not str(path).isprintable() else str(path)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _now() -> str:
    return _iso(datetime.now(UTC))
