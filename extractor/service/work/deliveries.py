"""Webhooks: a small signed message to a host that the service was told of, in the way of Standard Webhooks."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import random
import socket
import ssl
import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpcore
import sqlalchemy as sa

from extractor.errors import UsageError
from extractor.service.database import deliveries
from extractor.service.database.deliveries import Delivery
from extractor.service.database.engine import Database
from extractor.service.database.extractions import version
from extractor.service.database.secrets import WEBHOOKS, secret
from extractor.service.observe import metrics
from extractor.service.settings import Settings

FIRST_WAIT, LONGEST_WAIT = 5.0, 6 * 3600.0  # seconds between attempts; each wait is three times the one before
MOST_ATTEMPTS = 12  # over about a day
_PORTS = {"http": 80, "https": 443}
# Addresses that are link-local in all but their numbers: what clouds tell their machines, keys included.
_METADATA = frozenset(map(ipaddress.ip_address, ("100.100.100.200", "192.0.0.192", "fd00:ec2::254")))


class Refused(Exception):
    """The service does not send there."""


def check_callback(url: str, settings: Settings) -> None:
    """Errors: UsageError `callback_not_allowed`."""
    try:
        _checked(url, settings.webhook_hosts)
    except Refused as refused:
        raise UsageError(
            "callback_not_allowed",
            f"Webhooks do not go to this address: {refused}.",
            "Ask whoever runs the service to allow the host (--webhook-host HOST or HOST:PORT).",
        ) from None


def webhook_secret(connection: sa.Connection) -> str:
    """The secret by which receivers check signatures, as Standard Webhooks writes it: `whsec_…`."""
    return "whsec_" + base64.b64encode(secret(connection, WEBHOOKS)).decode()


def signature(key: bytes, id: str, timestamp: int, payload: bytes) -> str:
    """The header `webhook-signature`."""
    signed = f"{id}.{timestamp}.".encode() + payload
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


class Courier:
    """Carries deliveries out; one attempt at a time for each."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database

    def deliver(self, delivery: str, attempt: int) -> None:
        """One attempt, and what came of it into the database. Errors: StoreError."""
        with self._database.read() as connection:
            found = deliveries.pending(connection, delivery, attempt)
        if found is None:
            return
        with self._database.write() as connection:
            key = secret(connection, WEBHOOKS)
        status, error = self._send(found, key)
        done = status is not None and 200 <= status < 300
        last = attempt + 1 >= MOST_ATTEMPTS or status == 410  # gone: it wants no more
        state = "delivered" if done else "given_up" if last else "pending"
        retry = None if state != "pending" else pause(attempt)
        with self._database.write() as connection:
            deliveries.record(connection, found, state, status, error, retry)
        metrics.DELIVERIES.labels("delivered" if done else "failed" if state == "pending" else state).inc()

    def _send(self, delivery: Delivery, key: bytes) -> tuple[int | None, str | None]:
        """HTTP status, or why there is none."""
        try:
            parts, literal = _checked(delivery.url, self._settings.webhook_hosts)
        except Refused as refused:
            return None, f"not sent: {refused}"
        payload, timestamp = delivery.payload.encode(), int(time.time())
        headers = [
            ("Host", parts.netloc),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(payload))),
            ("User-Agent", f"gouji/{version()}"),
            ("webhook-id", delivery.id),
            ("webhook-timestamp", str(timestamp)),
            ("webhook-signature", signature(key, delivery.id, timestamp, payload)),
        ]
        try:
            status = asyncio.run(_post(delivery.url, headers, payload, self._settings.webhook_seconds, literal))
        except Refused as refused:
            return None, f"not sent: {refused}"
        except TimeoutError:
            return None, f"no answer within {self._settings.webhook_seconds:g} seconds"
        except Exception as error:  # whatever a receiver does, the attempt is over, and counts
            return None, f"not reached ({type(error).__name__})"
        return status, None if 200 <= status < 300 else f"answered {status}"


def pause(attempts: int) -> float:
    """Seconds to the next attempt, after one more than `attempts` failed: growing, and spread."""
    return float(min(LONGEST_WAIT, FIRST_WAIT * 3**attempts) * random.uniform(0.75, 1.25))


async def _post(url: str, headers: list[tuple[str, str]], payload: bytes, seconds: float, literal: bool) -> int:
    """The status of the answer; redirects are answers. Errors: Refused, TimeoutError, those of the network."""
    async with asyncio.timeout(seconds):
        async with httpcore.AsyncConnectionPool(
            ssl_context=_tls(), network_backend=_Guarded(literal), max_connections=1, retries=0
        ) as pool:
            timeout = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
            async with pool.stream(
                "POST", url, headers=headers, content=payload, extensions={"timeout": timeout}
            ) as response:
                return int(response.status)  # what else it says, however long or slowly, counts nothing


class _Guarded(httpcore.AsyncNetworkBackend):
    """Connects to the very address that was looked at: between a check of a name and its use it could change."""

    def __init__(self, literal: bool) -> None:
        self._literal, self._network = literal, httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not self._literal:
            for address in addresses:
                if not _outside(address):
                    raise Refused("its name points to an address inside the machine or the cloud")
        return await self._network.connect_tcp(addresses[0], port, timeout, local_address, socket_options)


def _outside(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None)
    ip = mapped or ip
    return not (ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip in _METADATA)


def _checked(url: str, hosts: Iterable[str]) -> tuple[SplitResult, bool]:
    """The parts of an address that is allowed, and whether its host was allowed by number. Errors: Refused."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise Refused("it is none") from None
    if parts.scheme not in _PORTS or not host:
        raise Refused("it is no http or https address")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Refused("it holds a user, a password or a fragment")
    if any(char <= " " or char > "~" for char in url):
        raise Refused("it holds characters that belong in no address")
    named = f"[{host}]" if ":" in host else host
    default = _PORTS[parts.scheme]
    wanted = {f"{named}:{port or default}"} | ({named} if port in (None, default) else set())
    if not wanted & {allowed.lower() for allowed in hosts}:
        raise Refused("its host is not allowed")
    return parts, host == "localhost" or _is_ip(host)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
