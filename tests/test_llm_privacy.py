"""Where texts and keys may go."""

from __future__ import annotations

import logging
import re
import traceback
from pathlib import Path
from typing import Any

import pytest
from endpoint import (
    MALFORMED,
    Server,
    completion,
    error,
)
from llm import GOOD, KEY, Number, ask_one, endpoint, question, rows, run, timing

from extractor.errors import UsageError
from extractor.llm import profiles
from extractor.llm.calls import Asker
from extractor.llm.errors import EndpointError
from extractor.llm.ledger import Ledger
from extractor.llm.question import Answer


def test_document_text_passes_through_no_template() -> None:
    text = "{{ 7*7 }} {% if %} {# #} \n    缩进\n 甲　7 </s> {0}"
    _, server, _ = ask_one([MALFORMED, GOOD], asked=question(text))
    assert [request.body["messages"][1]["content"] for request in server.requests] == [text, text]


def test_the_re_ask_is_short() -> None:
    answer, server, _ = ask_one([completion('{"n": "' + "多" * 100_000 + '"}'), GOOD])
    assert answer.value == Number(n=7)
    added = server.requests[1].body["messages"][2:]
    assert [message["role"] for message in added] == ["assistant", "user"]
    assert sum(len(message["content"]) for message in added) < 5000
    assert "pydantic.dev" not in str(added)


def test_the_key_and_the_text_stay_where_they_belong(tmp_path: Path, caplog: Any, capfd: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-another")
    caplog.set_level(logging.INFO)
    path = tmp_path / "m.sqlite"
    replies = [MALFORMED, MALFORMED, error(400, f"bad request with {KEY}"), error(500, KEY), error(401, f"no {KEY}")]
    with Server(replies) as server, Ledger(path) as ledger:

        async def work() -> tuple[list[Answer], Asker]:
            async with Asker(endpoint(server), ledger=ledger, timing=timing(attempts=1)) as asker:
                return [await asker.ask(question(f"秘密文本 {number}")) for number in range(5)], asker

        answers, asker = run(work())
        seen = repr(answers) + repr(asker.endpoint) + repr(asker.fatal) + repr(asker.__dict__)
        try:
            raise asker.fatal or AssertionError
        except EndpointError:
            seen += traceback.format_exc()
    captured = capfd.readouterr()
    seen += captured.out + captured.err + caplog.text
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert "openai-organization" not in server.requests[0].headers
    assert KEY not in seen
    assert KEY.encode() not in stored
    assert "秘密文本" not in captured.out + captured.err + caplog.text
    assert "秘密文本".encode() not in stored


def test_texts_are_kept_on_request_only_without_the_key(tmp_path: Path) -> None:
    with Ledger(tmp_path / "m.sqlite", keep_text=True) as ledger:
        ask_one([completion(f'{{"n": 7}} {KEY}')], ledger=ledger, asked=question(f"甲 7 {KEY}"))
        (row,) = rows(ledger)
    assert "甲 7 ***" in row["request"]
    assert KEY not in row["request"] + row["response"]
    assert re.search(r'\\"n\\": 7', row["response"])


def test_a_ledger_that_breaks_does_not_end_the_run(tmp_path: Path) -> None:
    with Server([GOOD]) as server, Ledger(tmp_path / "m.sqlite") as ledger:

        async def work() -> tuple[list[Answer], Any]:
            async with Asker(endpoint(server), ledger=ledger, timing=timing()) as asker:
                first = await asker.ask(question("1"))
                ledger.db.execute("drop table calls")
                return [first, await asker.ask(question("2"))], asker.ledger_error

        answers, broken = run(work())
    assert all(answer.value for answer in answers)
    assert broken.hint


def test_the_local_model_must_run_first() -> None:
    with pytest.raises(UsageError) as caught:
        Asker(profiles.parse_spec("local", {}))
    assert caught.value.code == "not_started"


def test_text_that_cannot_be_encoded_fails_alone() -> None:
    answer, server, asker = ask_one([GOOD], asked=question("\ud800"))
    assert (answer.failure, server.calls, asker.fatal) == ("endpoint", 0, None)
