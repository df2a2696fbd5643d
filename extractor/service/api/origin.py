"""From where a request comes: by which name the service was called, and which page had a browser send it.

DNS rebinding: a page of an attacker whose name points to 127.0.0.1 is, for the browser, of the service's origin; what
gives it away is the name in `Host`. Cross-site requests are known by `Sec-Fetch-Site`, in older browsers by `Origin`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from fastapi import Request

from extractor.service.api.problems import Problem
from extractor.service.settings import Settings

OURS = "x-gouji"  # a header that no form and no link can send
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Headers that a reverse proxy adds: whoever sits behind one is not at this machine.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


class Names:
    """The names by which the service may be called."""

    def __init__(self, settings: Settings) -> None:
        open_ = settings.auth == "off"
        self._open = open_
        # With keys and without --allow-host any name is good: a strange page holds no key, and no cookie of ours.
        self._any = not open_ and not settings.hosts
        own = {settings.host.lower()} if settings.host not in ("0.0.0.0", "::", "") else set()
        self._names = _LOOPBACK | own | {name.lower() for name in settings.hosts}

    def check(self, host: str, headers: Mapping[str, str]) -> None:
        """Errors: Problem `host_not_allowed`, `forbidden` (a proxy before a service that asks for no keys)."""
        if not self._any and _name(host) not in self._names and host.lower() not in self._names:
            raise Problem(
                "host_not_allowed",
                "The service is not called by this name.",
                "Call it as localhost, or start it with --allow-host NAME.",
            )
        if self._open and any(name in headers for name in _FORWARDED):
            raise Problem(
                "forbidden",
                "A reverse proxy stands before a service that asks for no keys.",
                "Make a key with `gouji keys add` and start the service with --auth keys.",
            )


def is_local(request: Request) -> bool:
    """Whether a program of this machine calls the service by a name of loopback, through no proxy that says so."""
    client = request.client.host if request.client else ""
    try:
        near = ipaddress.ip_address(client).is_loopback
    except ValueError:
        near = False
    forwarded = any(name in request.headers for name in _FORWARDED)
    return near and not forwarded and _name(request.headers.get("host", "")) in _LOOPBACK


def isolate(method: str, headers: Mapping[str, str]) -> None:
    """Refuses what another site's page has a browser fetch; following a link to a page is allowed.

    Errors: Problem `cross_origin`.
    """
    site = headers.get("sec-fetch-site")
    if site is None or site in ("same-origin", "none"):
        return
    link = method == "GET" and headers.get("sec-fetch-mode") == "navigate"
    if not link or headers.get("sec-fetch-dest") not in (None, "document"):
        raise _foreign()


def same_origin(method: str, headers: Mapping[str, str], *, cookie: bool) -> None:
    """What a browser may change without a key in the request: only pages of the service itself, by script.

    With a `cookie` the header `X-Gouji` is always asked for; without one (no keys asked for) only of browsers, which
    are known by `Origin` or `Sec-Fetch-Site`. Errors: Problem `cross_origin`.
    """
    if method in _SAFE:
        return
    browser = "origin" in headers or "sec-fetch-site" in headers
    if not browser and not cookie:
        return
    own_page(headers)
    if OURS not in headers:
        raise _foreign()


def own_page(headers: Mapping[str, str]) -> None:
    """The request was sent by a page of the service. Errors: Problem `cross_origin`."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site != "same-origin":
        raise _foreign()
    host = headers.get("host", "").lower()
    if origin is not None and (not host or urlsplit(origin).netloc.lower() != host):
        raise _foreign()
    if site is None and origin is None:
        raise _foreign()


def _foreign() -> Problem:
    return Problem(
        "cross_origin",
        "The request came from another site's page, or does not say that it came from a page of the service.",
        "Send an API key as `Authorization: Bearer …`; the service's own pages send `X-Gouji: 1`.",
    )


def _name(host: str) -> str:
    """`Host` without its port: `[::1]:8321` is `::1`."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().rstrip(".")
