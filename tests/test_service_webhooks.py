"""Webhooks against a real receiver on loopback: signed, once an event, again until it answers, nowhere else."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from extractor.eval.simulated.loopback import Loopback, read_request
from working import DOUBTFUL, accept, change, done, settings, until, working

from extractor.errors import UsageError
from extractor.service.database import batches, deliveries, tables
from extractor.service.settings import Settings
from extractor.service.state import Service
from extractor.service.work import deliveries as sending
from extractor.service.work.deliveries import check_callback, pause, webhook_secret


@dataclass
class Receiver(Loopback):
    """Answers with the next of `answers`, the last one again and again; remembers what came."""

    answers: list[bytes] = field(default_factory=lambda: [b"HTTP/1.1 204 No Content\r\n\r\n"])
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.got.append(await read_request(reader))
        answer = self.answers[min(len(self.got) - 1, len(self.answers) - 1)]
        if answer == b"hang":
            await asyncio.sleep(60)
        if answer == b"drip":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx")
            await writer.drain()
            await asyncio.sleep(60)
        writer.write(answer)
        await writer.drain()
        return False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?of=me"

    def restart(self, *answers: bytes) -> None:
        self.got.clear()
        self.answers = list(answers) or [b"HTTP/1.1 204 No Content\r\n\r\n"]


def status(code: int, more: str = "") -> bytes:
    return f"HTTP/1.1 {code} x\r\nContent-Length: 0\r\n{more}\r\n".encode()


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def service(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    asked = settings(
        tmp_path_factory.mktemp("data"), webhook_hosts=(f"127.0.0.1:{receiver.port}", "127.0.0.1"), webhook_seconds=1.0
    )
    with working(asked) as service:
        yield service


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch, receiver: Receiver, request: pytest.FixtureRequest) -> None:
    if "service" in request.fixturenames:
        monkeypatch.setattr(sending, "FIRST_WAIT", 0.01)
    receiver.restart()


def of(service: Service, target: str) -> list[dict[str, Any]]:
    with service.database.read() as connection:
        return deliveries.of_target(connection, target)


def ended(service: Service, target: str) -> dict[str, Any]:
    """The one delivery of a target, once it is done with."""
    found: list[dict[str, Any]] = until(lambda: [d for d in of(service, target) if d["state"] != "pending"])
    assert len(of(service, target)) == 1
    return found[0]


def test_the_event_is_told_once_signed_and_without_content(service: Service, receiver: Receiver) -> None:
    id = accept(service, DOUBTFUL, callback=receiver.url)
    told = ended(service, id)
    assert (told["state"], told["status"], told["attempts"], told["event"]) == (
        "delivered",
        204,
        1,
        "extraction.finished",
    )
    ((path, headers, body),) = receiver.got
    assert path == "/hook?of=me"
    assert json.loads(body)["data"] == {
        "id": id,
        "state": "done",
        "verdict": "needs_review",
        "batch": None,
        "links": {"self": f"/v1/extractions/{id}", "result": f"/v1/extractions/{id}/result", "review": f"/review/{id}"},
    }
    assert json.loads(body)["type"] == "extraction.finished"
    # As a receiver checks it: standardwebhooks.com.
    with service.database.write() as connection:
        key = base64.b64decode(webhook_secret(connection).removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-id"] == told["id"]


@pytest.mark.parametrize(
    ("answers", "state", "attempts", "last"),
    [
        ([status(500), status(429), status(200)], "delivered", 3, 200),
        ([b"hang", status(200)], "delivered", 2, 200),
        ([b"", b"nonsense\r\n\r\n", status(202)], "delivered", 3, 202),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 5000], "delivered", 1, 200),
        ([b"drip"], "delivered", 1, 200),
        ([status(302, "Location: http://169.254.169.254/latest/\r\n"), status(204)], "delivered", 2, 204),
        ([status(410)], "given_up", 1, 410),
        ([status(500)], "given_up", 4, 500),
    ],
    ids=["errors", "silence", "nonsense", "endless", "slow", "redirect", "gone", "always"],
)
def test_it_is_told_again_until_it_is_taken(
    service: Service, receiver: Receiver, monkeypatch: Any, answers: list[bytes], state: str, attempts: int, last: int
) -> None:
    monkeypatch.setattr(sending, "MOST_ATTEMPTS", 4)
    monkeypatch.setattr("extractor.service.work.keeper.TICK", 0.05)
    receiver.restart(*answers)
    told = ended(service, accept(service, f"{DOUBTFUL}\n{answers}", callback=receiver.url))
    assert (told["state"], told["attempts"], told["status"]) == (state, attempts, last)
    assert len(receiver.got) == attempts
    assert len({(headers["webhook-id"], body) for _, headers, body in receiver.got}) == 1


def test_the_waits_grow_over_about_a_day() -> None:
    assert all(3.75 * 3**n <= pause(n) <= 6.25 * 3**n for n in range(8))
    waits = [min(sending.LONGEST_WAIT, 5 * 3**number) for number in range(sending.MOST_ATTEMPTS - 1)]
    assert 0.5 * 86400 < sum(waits) < 2 * 86400


def new_batch(service: Service, receiver: Receiver, members: list[str]) -> str:
    with service.database.write() as connection:
        batch = batches.new_batch(connection, None, receiver.url)
        batches.add_members(connection, batch, [(member, "-") for member in members])
    return batch


def test_a_batch_ends_once_also_when_its_last_documents_end_together(service: Service, receiver: Receiver) -> None:
    members = [accept(service, f"{DOUBTFUL}\nmember {number}", put=False) for number in range(4)]
    batch = new_batch(service, receiver, [*members, members[0]])
    assert of(service, batch) == []
    barrier = threading.Barrier(4)

    def finish(member: str) -> None:
        barrier.wait(10)
        service.worker.put(member, 1)

    for member in members:
        threading.Thread(target=finish, args=(member,)).start()
    assert ended(service, batch)["state"] == "delivered"
    ((_, _, body),) = receiver.got
    data = json.loads(body)["data"]
    assert (data["documents"], data["failed"], data["verdicts"]) == (5, 0, {"needs_review": 5})


def test_a_batch_of_what_was_finished_before_is_told_too(service: Service, receiver: Receiver) -> None:
    known = accept(service, DOUBTFUL + "\nknown")
    done(service, known)
    batch = new_batch(service, receiver, [known])
    service.worker.keeper.sweep(0.0)
    assert ended(service, batch)["state"] == "delivered"


def test_an_event_that_the_process_did_not_live_to_send_is_found(service: Service, receiver: Receiver) -> None:
    id = accept(service, DOUBTFUL + "\nunsent", put=False, callback=receiver.url)
    change(service, id, state="done", finished="2026-01-01T00:00:00.000Z", verdict="verified")
    with service.database.write() as connection:
        (delivery,) = deliveries.tell(connection, id)
        assert deliveries.tell(connection, id) == []
    assert ended(service, id)["id"] == delivery


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://hooks.example.org/x", True),
        ("https://HOOKS.example.org:443/x", True),
        ("http://hooks.example.org/x", True),
        ("https://other.example.org:8443/", True),
        ("https://hooks.example.org:8443/x", False),
        ("https://other.example.org/", False),
        ("https://hooks.example.org.evil.test/", False),
        ("https://evil.test/hooks.example.org", False),
        ("https://hooks.example.org@evil.test/", False),
        ("https://user:pass@hooks.example.org/", False),
        ("https://hooks.example.org\\@evil.test/", False),
        ("ftp://hooks.example.org/", False),
        ("file:///etc/passwd", False),
        ("//hooks.example.org/", False),
        ("https://hooks.example.org/\r\nX: y", False),
        ("https://hooks.example.org:99999/", False),
        ("https://[::1/", False),
        ("http://127.0.0.1/", False),
        ("", False),
    ],
)
def test_webhooks_go_only_where_they_may(url: str, allowed: bool) -> None:
    asked = Settings(auth="off", webhook_hosts=("hooks.example.org", "other.example.org:8443"))
    if allowed:
        check_callback(url, asked)
        return
    with pytest.raises(UsageError) as raised:
        check_callback(url, asked)
    assert raised.value.code == "callback_not_allowed"


@pytest.mark.parametrize(
    ("address", "reached"),
    [
        ("169.254.169.254", False),
        ("100.100.100.200", False),
        ("127.0.0.1", False),
        ("::1", False),
        ("::ffff:169.254.169.254", False),
        ("fe80::1%2", False),
        ("fd00:ec2::254", False),
        ("0.0.0.0", False),
        ("10.0.0.7", True),
        ("203.0.113.9", True),
    ],
)
def test_an_allowed_name_cannot_point_inside(
    service: Service, receiver: Receiver, monkeypatch: Any, address: str, reached: bool
) -> None:
    connected: list[str] = []

    async def lookup(*_: Any, **__: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80))]

    async def connect(self: Any, host: str, *_: Any) -> Any:
        connected.append(host)
        raise OSError("no network in this test")

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", lookup)
    monkeypatch.setattr("httpcore.AnyIOBackend.connect_tcp", connect)
    courier = sending.Courier(Settings(auth="off", webhook_hosts=("named.example.org",)), service.database)
    found = deliveries.Delivery("d_x", "http://named.example.org/", "{}", 0, "")
    code, error = courier._send(found, b"key")
    assert code is None
    assert connected == ([address] if reached else [])
    assert str(error).startswith("not reached" if reached else "not sent")


def test_the_secret_is_kept_and_is_nowhere_else(service: Service) -> None:
    with service.database.write() as connection:
        secret = webhook_secret(connection)
        assert webhook_secret(connection) == secret
        rows = connection.execute(tables.deliveries.select()).all()
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert rows
    assert secret.removeprefix("whsec_") not in repr(rows)
