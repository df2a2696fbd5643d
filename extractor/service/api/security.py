"""Who calls, and what a caller may do.

A request shows a key (`Authorization: Bearer …` or `X-API-Key`) or the cookie that /login gave for one; a service on
loopback may ask for none. What a browser sends by itself, a cookie or nothing, changes something only from the
service's own pages.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Request
from starlette.concurrency import run_in_threadpool

from extractor.errors import StoreError
from extractor.service.api.credentials import Credentials, shown_key
from extractor.service.api.origin import same_origin
from extractor.service.api.problems import Problem
from extractor.service.api.rates import Rates
from extractor.service.database import audit
from extractor.service.database.keys import Key, well_formed
from extractor.service.observe import metrics
from extractor.service.rate import rate_of
from extractor.service.state import Service

log = logging.getLogger("gouji.security")

Scope = Literal["submit", "read", "review", "admin"]
SCOPES: tuple[Scope, ...] = ("submit", "read", "review", "admin")
COOKIE = "gouji_session"


@dataclass(frozen=True, slots=True)
class Caller:
    """A key's holder, or whoever sits at this machine where no keys are asked for."""

    id: str  # a key's public id, or `loopback`
    name: str
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """Whether the key has this scope; `admin` has all."""
        return scope in self.scopes or "admin" in self.scopes


OPEN = Caller("loopback", "loopback", frozenset(SCOPES))


class Gate:
    """What the checks need, one a service: keys, rates."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.settings = service.settings
        self.credentials = Credentials(service.database)
        self.rates = Rates()
        self.rate = rate_of(service.settings.rate)


def install(app: FastAPI, service: Service) -> None:
    """Makes the checks ready. Errors: UsageError `bad_rate`."""
    app.state.gate = Gate(service)


def gate_of(request: Request) -> Gate:
    """The checks of the service that a request came to."""
    gate: Gate = request.app.state.gate
    return gate


async def caller_of(request: Request) -> Caller:
    """The caller of a request, within its rate. Errors: Problem `unauthorized`, `cross_origin`, `rate_limited`."""
    gate = gate_of(request)
    if gate.settings.auth == "off":
        same_origin(request.method, request.headers, cookie=False)
        request.state.caller = OPEN
        request.state.rate = gate.rates.hit(gate.rate, address_of(request))
        return OPEN
    key = await _key(gate, request)
    caller = Caller(key.id, key.name, frozenset(scope for scope in SCOPES if scope in key.scopes))
    request.state.caller = caller
    request.state.rate = gate.rates.hit(gate.rate if key.rate is None else rate_of(key.rate), key.id)
    return caller


def needs(scope: Scope) -> Callable[..., Coroutine[Any, Any, Caller]]:
    """A dependency: the caller, if the key has this scope (`admin` has all). Errors: `unauthorized`, `forbidden`."""

    async def dependency(request: Request, caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
        if not caller.may(scope):
            await deny(request, caller.id, "forbidden", scope)
            raise Problem("forbidden", f"The key {caller.name} has no scope `{scope}`.", "Ask for a key that has it.")
        return caller

    return dependency


def address_of(request: Request) -> str:
    """The caller's address, as the proxy in front says it where there is one that is trusted."""
    return request.client.host if request.client else "unknown"


async def deny(request: Request, who: str, code: str, scope: str = "") -> None:
    """Notes in the audit that somebody was refused; at most ten times a minute for one caller."""
    gate = gate_of(request)
    metrics.DENIED.labels(code).inc()
    if gate.rates.often(f"denied {who} {address_of(request)}"):
        return
    request_id = getattr(request.state, "request_id", None)
    target = f"{request.method} {getattr(request.scope.get('route'), 'path', '')}"

    def write() -> None:
        with gate.service.database.write() as connection:
            detail = {"code": code, "scope": scope, "address": address_of(request)}
            audit.record(connection, who, "denied", target, request_id, **detail)

    try:
        await run_in_threadpool(write)
    except StoreError as error:  # the refusal stands all the same
        log.warning("a refusal could not be noted", extra={"told": {"code": error.code}})


async def _key(gate: Gate, request: Request) -> Key:
    secret = shown_key(request.headers)
    if secret is not None:
        key = await gate.credentials.of_secret(secret)
        if key is None:
            raise await _wrong(gate, request, secret)
        return key
    cookie = request.cookies.get(COOKIE)
    key = None if cookie is None else await gate.credentials.of_cookie(cookie)
    if key is None:
        raise Problem(
            "unauthorized",
            "The request shows no key." if cookie is None else "The session is over.",
            "Send `Authorization: Bearer gouji_…`, or log in at /login. `gouji keys add` makes keys.",
            {"WWW-Authenticate": "Bearer"},
        )
    same_origin(request.method, request.headers, cookie=True)
    return key


async def _wrong(gate: Gate, request: Request, secret: str) -> Problem:
    if gate.rates.failed(address_of(request)):
        metrics.LIMITED.labels("wrong_keys").inc()
        wait = gate.rates.refused(address_of(request)) or 1
        hint = f"Ask again in {wait} s, with a good one."
        return Problem("rate_limited", "Too many wrong keys came from this address.", hint, {"Retry-After": str(wait)})
    await deny(request, "nobody", "unauthorized")
    if well_formed(secret):
        said = "The key is unknown, expired or revoked."
    else:
        said = "This is no key of gouji: it is mistyped or cut off."
    return Problem("unauthorized", said, "Ask for a new one.", {"WWW-Authenticate": 'Bearer error="invalid_token"'})
