"""Each fault of an endpoint has its class and costs exactly so many calls."""

from __future__ import annotations

import pickle
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from endpoint import (
    BLANK,
    CLOSED,
    DRIP,
    FILTERED,
    HANG,
    MALFORMED,
    NO_KEY,
    NO_MODEL,
    NO_SUCH_PATH,
    OWN_CERTIFICATE,
    PROSE,
    RATE_LIMITED,
    REFUSED,
    TOO_LONG,
    TRUNCATED,
    Reply,
    Request,
    Server,
    completion,
    error,
    page,
)
from llm import GOOD, KEY, Waits, ask_one, endpoint, question, rows, run, timing

from extractor.llm.calls import Asker
from extractor.llm.errors import EndpointError
from extractor.llm.ledger import Ledger
from extractor.llm.question import Answer


@pytest.mark.parametrize(
    ("script", "failure", "calls"),
    [
        ([GOOD], None, 1),
        ([PROSE], None, 1),
        ([completion('<think>{"n": 8}</think>{"n": 7}')], None, 1),
        ([completion('{"n": 7}', usage=None)], None, 1),
        ([MALFORMED, GOOD], None, 2),
        ([MALFORMED], "malformed", 2),
        ([completion("[" * 5000)], "malformed", 2),
        ([completion("没有"), BLANK], "blank", 2),
        ([TRUNCATED], "truncated", 1),
        ([BLANK], "blank", 1),
        ([completion(None)], "blank", 1),
        ([REFUSED], "refused", 1),
        ([FILTERED], "refused", 1),
        ([error(400, "data_inspection_failed: inappropriate content")], "refused", 1),
        ([TOO_LONG], "too_long", 1),
        ([error(413)], "too_long", 1),
        ([RATE_LIMITED, GOOD], None, 2),
        ([error(429, headers={"Retry-After": "1"}), GOOD], None, 2),
        ([RATE_LIMITED], "endpoint", 4),
        ([error(429, headers={"Retry-After": "3600"})], "endpoint", 1),
        ([error(429, "You exceeded your current quota", code="insufficient_quota")], "endpoint", 1),
        ([error(500), error(502), error(503), GOOD], None, 4),
        ([error(503)], "endpoint", 4),
        ([page(502), GOOD], None, 2),
        ([HANG, GOOD], None, 2),
        ([HANG], "endpoint", 2),
        ([DRIP], "endpoint", 2),
        ([CLOSED, GOOD], None, 2),
        ([CLOSED], "endpoint", 4),
        ([Reply(body='{"choices": [{"mess'), GOOD], None, 2),
        ([page()], "endpoint", 1),
        ([NO_KEY], "endpoint", 1),
        ([error(403)], "endpoint", 1),
        ([NO_MODEL], "endpoint", 1),
        ([NO_SUCH_PATH], "endpoint", 1),
        ([error(400, "Model Not Exist")], "endpoint", 1),
        ([error(400, "something else")], "endpoint", 1),
        ([Reply(body='{"ok": true}')], "endpoint", 1),
        ([Reply(body="x" * 9_000_000)], "endpoint", 1),
    ],
)
def test_each_fault_costs_so_many_calls(script: list[Reply], failure: str | None, calls: int, tmp_path: Path) -> None:
    with Ledger(tmp_path / "m.sqlite") as ledger:
        patience = 0.6 if HANG in script or DRIP in script else 20.0
        answer, server, _ = ask_one(script, ledger=ledger, timing=timing(answer=patience))
        assert (answer.failure, server.calls) == (failure, calls)
        assert answer.calls == calls
        assert len(rows(ledger)) == calls
        assert (answer.value is not None) == (failure is None)
        assert bool(answer.detail) == (failure is not None)
        assert ledger.info()["answers"] == (failure is None)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (NO_KEY, "wrong_key"),
        (error(403), "forbidden"),
        (NO_MODEL, "unknown_model"),
        (NO_SUCH_PATH, "wrong_url"),
        (page(), "not_an_api"),
        (page(404), "not_an_api"),
        (page(403), "not_an_api"),
        (error(402, "Insufficient Balance"), "no_credit"),
    ],
)
def test_a_fatal_failure_ends_all_questions(reply: Reply, code: str) -> None:
    with Server([reply]) as server:

        async def work() -> tuple[list[Answer], EndpointError | None]:
            async with Asker(endpoint(server), timing=timing()) as asker:
                return [await asker.ask(question(str(number))) for number in range(5)], asker.fatal

        answers, fatal = run(work())
    assert server.calls == 1
    assert fatal is not None
    assert (fatal.code, fatal.exit_code) == (code, 4)
    assert {answer.failure for answer in answers} == {"endpoint"}
    assert [answer.calls for answer in answers] == [1, 0, 0, 0, 0]
    assert fatal.hint
    assert str(pickle.loads(pickle.dumps(fatal))) == str(fatal) == answers[-1].detail
    assert KEY not in str(fatal)


def test_no_key_is_told_from_a_wrong_one() -> None:
    _, _, asker = ask_one([NO_KEY], target={"key": ""})
    assert asker.fatal is not None
    assert asker.fatal.code == "no_key"
    assert "GOUJI_API_KEY" in asker.fatal.hint


def test_nobody_listens() -> None:
    with Server([GOOD]) as server:
        gone = endpoint(server)

    async def work() -> tuple[list[Answer], EndpointError | None]:
        async with Asker(gone, timing=timing()) as asker:
            return [await asker.ask(question(str(number))) for number in range(3)], asker.fatal

    answers, fatal = run(work())
    assert [answer.calls for answer in answers] == [4, 0, 0]
    assert fatal is not None
    assert fatal.code == "unreachable"
    assert "nothing listens" in fatal.message


def test_a_certificate_that_nobody_signed(tmp_path: Path) -> None:
    (tmp_path / "own.pem").write_text(OWN_CERTIFICATE)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "own.pem")
    with Server([GOOD], tls=tls) as server:

        async def work() -> tuple[Answer, EndpointError | None]:
            async with Asker(endpoint(server), timing=timing()) as asker:
                return await asker.ask(question()), asker.fatal

        answer, fatal = run(work())
    assert (answer.calls, server.calls) == (1, 0)
    assert fatal is not None
    assert fatal.code == "certificate"


def test_the_circuit_opens() -> None:
    with Server([error(500)]) as server:

        async def work() -> tuple[list[Answer], EndpointError | None]:
            async with Asker(endpoint(server), timing=timing(open_after=3, attempts=2)) as asker:
                return [await asker.ask(question(str(number))) for number in range(6)], asker.fatal

        answers, fatal = run(work())
    assert server.calls == 6
    assert [answer.calls for answer in answers] == [2, 2, 2, 0, 0, 0]
    assert fatal is not None
    assert "3 questions in a row" in fatal.message


def test_one_good_answer_closes_the_circuit_again() -> None:
    def script(request: Request, number: int) -> Reply:
        return GOOD if number % 3 == 2 else error(500)

    with Server(script) as server:

        async def work() -> EndpointError | None:
            async with Asker(endpoint(server), timing=timing(open_after=3, attempts=1)) as asker:
                for number in range(12):
                    await asker.ask(question(str(number)))
                return asker.fatal

        assert run(work()) is None
    assert server.calls == 12


def test_retry_after_is_honoured_in_seconds_and_as_a_date() -> None:
    waits = Waits()
    ask_one([error(429, headers={"Retry-After": "7"}), GOOD], timing=timing(waits))
    assert waits.seconds == [7.0]
    waits, then = Waits(), datetime.now(UTC) + timedelta(seconds=30)
    ask_one([error(503, headers={"Retry-After": format_datetime(then, usegmt=True)}), GOOD], timing=timing(waits))
    assert 20 < waits.seconds[0] <= 30


def test_waits_grow_and_are_bounded() -> None:
    waits = Waits()
    answer, server, _ = ask_one([RATE_LIMITED], timing=timing(waits, attempts=9, total_wait=12, longest_wait=4))
    assert waits.seconds == [0.5, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0]
    assert server.calls == answer.calls == 8


# The ladder
