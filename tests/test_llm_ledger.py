"""The ledger's file, the budget's arithmetic, `gouji cache`."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import sys
import threading
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from extractor.cli.cache import cache_app
from extractor.errors import StoreError, UsageError
from extractor.llm.budget import Budget
from extractor.llm.ledger import Call, Kept, Ledger, default_path

PROMPT = ("rows", "1", "abc")


def call(**more: Any) -> Call:
    values: dict[str, Any] = {
        "prompt": PROMPT, "model": "m", "base_url": "http://x/v1", "rung": "tools", "attempt": 1, "status": "200",
        "latency_ms": 12, "prompt_tokens": 100, "completion_tokens": 10, "cost": "0.1", "document": "d", "table": "t",
    }  # fmt: skip
    return Call(**(values | more))


def test_where_it_lies(tmp_path: Path) -> None:
    assert default_path({"GOUJI_CACHE_DIR": str(tmp_path)}) == tmp_path / "model.sqlite"
    assert default_path({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "gouji" / "model.sqlite"
    assert default_path({"XDG_CACHE_HOME": "relative"}) == Path.home() / ".cache" / "gouji" / "model.sqlite"


@pytest.mark.skipif(sys.platform == "win32", reason="modes of files")
def test_only_the_user_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "model.sqlite"
    before = os.umask(0)
    try:
        with Ledger(path) as ledger:
            ledger.add(call())
            files = list(path.parent.iterdir())
            modes = {stat.S_IMODE(file.stat().st_mode) for file in files}
    finally:
        os.umask(before)
    assert len(files) > 1
    assert modes == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_answers_are_kept_once(tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite"
    with Ledger(path) as ledger:
        assert ledger.kept("k") is None
        ledger.keep("k", PROMPT, "m", Kept('{"n": 7}', 100, 10, None))
        ledger.keep("k", PROMPT, "m", Kept('{"n": 8}', 1, 1, "1"))
    with Ledger(path) as ledger:
        assert ledger.kept("k") == Kept('{"n": 7}', 100, 10, None)


def test_what_was_learned_is_forgotten_in_time(tmp_path: Path) -> None:
    with Ledger(tmp_path / "m.sqlite") as ledger:
        assert ledger.learned("u", "m") is None
        ledger.learn("u", "m", "tools", frozenset({"temperature"}))
        ledger.learn("u", "m", "prompt", frozenset({"temperature"}))
        assert ledger.learned("u", "m") == ("prompt", frozenset({"temperature"}))
        ledger.db.execute("update rungs set time = '2020-01-01T00:00:00.000Z'")
        assert ledger.learned("u", "m") is None


def test_texts_only_on_request(tmp_path: Path) -> None:
    for keep in (False, True):
        with Ledger(tmp_path / f"{keep}.sqlite", keep_text=keep) as ledger:
            ledger.add(call(request="问", response="答"))
            (row,) = ledger.db.query("select * from calls")
        assert (row["request"], row["response"]) == (("问", "答") if keep else (None, None))


def test_the_summary_adds_money_exactly(tmp_path: Path) -> None:
    with Ledger(tmp_path / "m.sqlite") as ledger:
        for _ in range(3):
            ledger.add(call())
        ledger.add(call(status="429", prompt_tokens=None, completion_tokens=None, cost=None))
        ledger.add(call(model="free", cost=None))
        first, second = ledger.summary()
    assert (first["model"], first["prompt"], first["calls"], first["failed"]) == ("m", "rows@1", 4, 1)
    assert (first["prompt_tokens"], first["completion_tokens"], first["cost"]) == (300, 30, "0.3")
    assert (second["model"], second["cost"]) == ("free", None)


def test_clearing(tmp_path: Path) -> None:
    with Ledger(tmp_path / "m.sqlite") as ledger:
        ledger.add(call())
        ledger.keep("k", PROMPT, "m", Kept("{}", 1, 1, None))
        ledger.db.execute("update calls set time = '2020-01-01T00:00:00.000Z'")
        assert ledger.clear(timedelta(days=30)) == {"answers": 0, "calls": 1, "rungs": 0}
        assert ledger.clear() == {"answers": 1, "calls": 0, "rungs": 0}


def test_many_write_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite"
    errors: list[Exception] = []

    def work() -> None:
        try:
            with Ledger(path) as ledger:
                for _ in range(20):
                    ledger.add(call())
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    with Ledger(path) as ledger:
        assert ledger.info()["calls"] == 80


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database at all, but long enough to be looked at" * 10)
    (tmp_path / "folder").mkdir()
    newer = tmp_path / "newer"
    with Ledger(newer) as ledger:
        ledger.db.execute("update _sqlite_migrations set name = '0099_future'")
    for name, code in (("text", "not_a_database"), ("folder", "cannot_open"), ("newer", "newer_database")):
        with pytest.raises(StoreError) as caught, Ledger(tmp_path / name):
            pass
        assert caught.value.code == code
        assert "GOUJI_CACHE_DIR" in caught.value.hint
    with pytest.raises(StoreError), Ledger(tmp_path / "text" / "below"):
        pass


def test_a_locked_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite"
    with Ledger(path, wait=0.05) as ledger:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("begin immediate")
        with pytest.raises(StoreError) as caught:
            ledger.add(call())
        other.execute("rollback")
        other.close()
        ledger.add(call())
    assert caught.value.code == "locked"


def test_budgets() -> None:
    budget = Budget(max_calls=2)
    assert [budget.reserve() for _ in range(3)] == [True, True, False]
    assert "2" in budget.exhausted
    budget = Budget(max_cost=Decimal("0.30"))
    for _ in range(3):
        assert budget.reserve()
        budget.settle(10, Decimal("0.1"))
    assert not budget.reserve()
    assert budget.exhausted == "--max-cost 0.30 is reached (0.3 USD)"
    assert not Budget(max_calls=0).reserve()
    assert not Budget(max_cost=Decimal(0)).reserve()
    assert Budget().exhausted == ""
    for bad in ({"max_calls": -1}, {"max_cost": Decimal("NaN")}):
        with pytest.raises(UsageError):
            Budget(**bad)  # type: ignore[arg-type]


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOUJI_CACHE_DIR", str(tmp_path / "c"))
    invoke = CliRunner().invoke
    assert invoke(cache_app, ["path"]).stdout.strip() == str(tmp_path / "c" / "model.sqlite")
    assert "0  answers" in invoke(cache_app, ["info"]).stdout
    assert invoke(cache_app, ["clear", "--yes"]).exit_code == 0
    assert not (tmp_path / "c").exists()
    with Ledger() as ledger:
        ledger.add(call(model="qwen"))
        ledger.keep("k", PROMPT, "qwen", Kept("{}", 1, 1, None))
    assert json.loads(invoke(cache_app, ["info", "--json"]).stdout)["answers"] == 1
    shown = invoke(cache_app, ["calls"]).stdout
    assert "qwen" in shown
    assert "0.1" in shown
    assert json.loads(invoke(cache_app, ["calls", "--json"]).stdout)["prompt_tokens"] == 100
    refused = invoke(cache_app, ["clear"])
    assert isinstance(refused.exception, UsageError)
    assert invoke(cache_app, ["clear", "--older-than", "3", "--yes"]).exit_code == 0
    assert json.loads(invoke(cache_app, ["info", "--json"]).stdout)["answers"] == 1
    assert "1 answers" in invoke(cache_app, ["clear", "--yes"]).stderr
