"""What every request passes, in one step around the application: its id, the names it may call, its time limit,
security headers, the access log, metrics. Plain ASGI: it costs some tens of microseconds and copies no body.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from extractor.service.api import problems
from extractor.service.api.origin import Names, isolate
from extractor.service.api.problems import Problem
from extractor.service.observe import logs, metrics
from extractor.service.state import Service

log = logging.getLogger("gouji.access")
faults = logging.getLogger("gouji.api")

# Nothing but what the service itself serves; no inline script or style.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Each unless the route has set its own.
_HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # Not `no-referrer`: with it browsers send `Origin: null` with forms, and /login could not tell its own.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_HSTS = (b"strict-transport-security", b"max-age=31536000")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SANE = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}", re.ASCII)
# Probes call by address, from wherever they are, also while the service stops.
PROBES = frozenset({"/healthz", "/readyz"})


class Edge:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self.app, self.service = app, service
        settings = service.settings
        self.names = Names(settings)
        self.seconds = settings.body_seconds + settings.max_wait + settings.answer_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        await _Exchange(self, scope, send).run(receive)


class _Exchange:
    """One request and its answer."""

    def __init__(self, edge: Edge, scope: Scope, send: Send) -> None:
        self.edge, self.scope, self._send = edge, scope, send
        self.headers = Headers(scope=scope)
        sent = self.headers.get("x-request-id", "")
        self.request_id = sent if _SANE.fullmatch(sent) else secrets.token_hex(8)
        self.state: dict[str, Any] = scope.setdefault("state", {})
        self.state["request_id"] = self.request_id
        self.status = 0
        self.limit: asyncio.Timeout | None = None

    async def run(self, receive: Receive) -> None:
        started = time.perf_counter()
        metrics.OPEN_REQUESTS.inc()
        with logs.about(request_id=self.request_id):
            try:
                await self._answer(receive)
            except ClientDisconnect:
                pass  # nobody is there to be answered
            finally:
                metrics.OPEN_REQUESTS.dec()
                self._note(time.perf_counter() - started)

    async def _answer(self, receive: Receive) -> None:
        try:
            self._check()
            async with asyncio.timeout(self.edge.seconds) as self.limit:
                await self.edge.app(self.scope, receive, self.send)
        except Problem as problem:
            metrics.DENIED.labels(problem.code).inc()
            await self._say(problem, receive)
        except TimeoutError:
            if self.limit is None or not self.limit.expired():
                raise
            told = f"There was no answer within {self.edge.seconds:g} s."
            await self._say(Problem("timeout", told, "Ask with a shorter `?wait=`, or later."), receive)
        except ClientDisconnect:
            raise
        except Exception as error:
            faults.error("fault", exc_info=error)
            if self.status:
                raise  # half an answer is out: the connection has to break
            told = "The service failed at this request."
            await self._say(Problem("internal", told, "Report it with its id."), receive)

    def _check(self) -> None:
        if self.scope["path"] in PROBES:
            return
        self.edge.names.check(self.headers.get("host", ""), self.headers)
        isolate(self.scope["method"], self.headers)
        if self.edge.service.stopping:
            hint = "Send it again in a moment: another instance, or this one after its start, will answer."
            raise Problem(
                "shutting_down", "The service is stopping.", hint, {"Retry-After": "5", "Connection": "close"}
            )

    async def _say(self, problem: Problem, receive: Receive) -> None:
        self.limit = None  # it is over, and cannot be lifted any more
        await problems.response(problem, self.request_id)(self.scope, receive, self.send)

    async def send(self, message: Message) -> None:
        """Adds the headers to the answer's head. From then on the limit is off: a large answer may take its time."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = self._headed(message.get("headers", ()))
            if self.limit is not None and not self.limit.expired():
                self.limit.reschedule(None)
        await self._send(message)

    def _headed(self, headers: Any) -> list[tuple[bytes, bytes]]:
        found = list(headers)
        names = {name for name, _ in found}  # ASGI has them in small letters
        found += [header for header in _HEADERS if header[0] not in names]
        found.append((b"x-request-id", self.request_id.encode()))
        if self.scope.get("scheme") == "https":
            found.append(_HSTS)
        for name, value in self.state.get("rate", {}).items():
            if name.lower().encode() not in names:
                found.append((name.lower().encode(), value.encode()))
        return found

    def _note(self, seconds: float) -> None:
        scope = self.scope
        method = scope["method"] if scope["method"] in _METHODS else "other"
        # By its template: an address with an id in it would be a time series of its own.
        route = getattr(scope.get("route"), "path", "unknown")
        self.status = self.status or 499  # the caller has gone, or the server stopped amid it
        metrics.requests(method, route, self.status).inc()
        metrics.seconds(method, route).observe(seconds)
        if scope["path"] in PROBES and self.status == 200:
            return
        caller = self.state.get("caller")
        told = {
            "method": method,
            "path": scope["path"][:300],  # never the query
            "route": route,
            "status": self.status,
            "ms": round(seconds * 1000, 1),
            "key_id": None if caller is None else caller.id,
            "address": scope["client"][0] if scope.get("client") else None,
            **self.state.get("told", {}),
        }
        log.info("request", extra={logs.FIELDS: told})
