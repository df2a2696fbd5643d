"""`/login` and `/logout`: a browser shows a key once and gets a cookie that stands for it.

The cookie is 256 random bits; its SHA-256 is a row of `sessions`, so that logging out, and revoking the key, ends it
on every instance. Scripts cannot read it and no other site's page can have it sent (HttpOnly, SameSite=Strict).
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from extractor.service.api.origin import own_page
from extractor.service.api.problems import Problem
from extractor.service.api.security import COOKIE, address_of, gate_of
from extractor.service.database import audit, keys
from extractor.service.database.keys import Key
from extractor.service.observe import metrics
from extractor.service.pages.html import PageRoute, render
from extractor.service.state import Service, service_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)
Serving = Annotated[Service, Depends(service_of)]
HOME = "/review"
_LONGEST = 8_000  # bytes of the form


@router.get("/login")
async def login_page(
    request: Request, service: Serving, next: Annotated[str, Query(max_length=2_000)] = HOME
) -> Response:
    """Asks for a key; where none is asked for, goes on at once."""
    cookie = request.cookies.get(COOKIE)
    known = cookie is not None and await gate_of(request).credentials.of_cookie(cookie) is not None
    if known or service.settings.auth == "off":
        return _to(local(next))
    return render(request, "login.html", next=local(next), fault="", wait=0)


@router.post("/login")
async def login(request: Request, service: Serving) -> Response:
    """Takes a key and gives the cookie."""
    own_page(request.headers)
    form = await _form(request)
    target, address = local(form.get("next", HOME)), address_of(request)
    gate = gate_of(request)
    if wait := gate.rates.refused(address):
        metrics.LIMITED.labels("login").inc()
        page = render(request, "login.html", 429, next=target, fault="often", wait=wait)
        page.headers["Retry-After"] = str(wait)
        return page
    # Looked up anew: what a request is remembered by is no reason to begin a session.
    key, cookie = await run_in_threadpool(_begin, service, form.get("key", "").strip(), _request_id(request), address)
    if key is None:
        gate.rates.failed(address)
        return render(request, "login.html", 401, next=target, fault="wrong", wait=0)
    answer = _to(target)
    secure = request.url.scheme == "https"
    answer.set_cookie(
        COOKIE, cookie, max_age=keys.SESSION_SECONDS, path="/", secure=secure, httponly=True, samesite="strict"
    )
    return answer


@router.post("/logout")
async def logout(request: Request, service: Serving) -> Response:
    """Ends the session, here and on every instance."""
    own_page(request.headers)
    if cookie := request.cookies.get(COOKIE):
        gate_of(request).credentials.forget(cookie)
        await run_in_threadpool(_end, service, cookie, _request_id(request))
    answer = _to("/login")
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


def local(target: str) -> str:
    """Where to go on: a page of ours, whatever was asked for."""
    ours = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isascii() and target.isprintable()
    return target if ours and "\\" not in target and not target.startswith(("/login", "/logout")) else HOME


def _begin(service: Service, secret: str, request_id: str | None, address: str) -> tuple[Key | None, str]:
    with service.database.write() as connection:
        key = keys.of_secret(connection, secret) if keys.well_formed(secret) else None
        if key is None or key.state != "active":
            who = "nobody" if key is None else key.id
            audit.record(connection, who, "login.refused", "", request_id, address=address)
            return None, ""
        audit.record(connection, key.id, "login", "", request_id, address=address)
        return key, keys.log_in(connection, key)


def _end(service: Service, cookie: str, request_id: str | None) -> None:
    with service.database.write() as connection:
        key = keys.of_session(connection, cookie)
        if key is not None:
            keys.log_out(connection, cookie)
            audit.record(connection, key.id, "logout", "", request_id)


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _LONGEST:
            raise Problem("too_large", "The form is larger than any key.", "Send the key alone.")
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    except ValueError:
        raise Problem("bad_request", "The form has more fields than the page.", "Send the key alone.") from None
    return {name: values[0] for name, values in fields.items()}


def _request_id(request: Request) -> str | None:
    return getattr(request.state, "request_id", None)


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, 303, {"Cache-Control": "no-store"})
