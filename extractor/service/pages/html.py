"""How a page is made: templates, headers, static files, and what becomes of errors."""

from __future__ import annotations

import hashlib
import json
import mimetypes
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined

from extractor.errors import GoujiError
from extractor.form import FORM
from extractor.service.api.problems import Problem, of_error
from extractor.service.pages.shown import clip, plainly, short, shown
from extractor.service.pages.words import language_of, words_of

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Cookie, Accept-Language",
}
SESSION = "gouji_session"  # api/security.py names it too, and imports this module
FOREVER = "public, max-age=31536000, immutable"
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


@lru_cache(maxsize=1)
def static_files() -> tuple[str, dict[str, bytes]]:
    """What stands in static/, by name, and a hash over all of it: the address changes with any of them, as they load
    each other by relative addresses."""
    folder = files("extractor.service.pages") / "static"
    found = {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()}
    digest = hashlib.sha256()
    for name, data in sorted(found.items()):
        digest.update(f"{name} {len(data)} ".encode() + data)
    return digest.hexdigest()[:16], found


def static_file(version: str, name: str) -> Response:
    """A static file; one of another version is not there. Errors: Problem `not_found`."""
    current, found = static_files()
    if version != current or name not in found:
        raise Problem("not_found", f"There is no file {plainly(name)} of this version.", "Load the page again.")
    kind = next((kind for end, kind in _TYPES.items() if name.endswith(end)), None)
    media_type = kind or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response(
        found[name], media_type=media_type, headers={"Cache-Control": FOREVER, "X-Content-Type-Options": "nosniff"}
    )


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates; what goes in is escaped unless it is Markup."""
    made = Environment(
        loader=PackageLoader("extractor.service.pages", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "shown": shown,
        "plainly": plainly,
        "short": short,
        "clip": clip,
        "moment": moment,
        "query": urlencode,
    }
    made.globals |= {"static": lambda name: f"/static/{static_files()[0]}/{name}", "form_words": FORM.words}
    return made


def moment(stamp: str | None) -> str:
    """A time of the database as the pages print it: `2026-01-31 08:00` (UTC)."""
    return "" if stamp is None else stamp[:16].replace("T", " ")


def render(request: Request, template: str, status: int = 200, /, **values: Any) -> HTMLResponse:
    """A page in the person's language."""
    words = words_of(language_of(request))
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    text = (
        environment()
        .get_template(template)
        .render(
            t=words,
            request_path=request.url.path,
            here=quote(here, safe=""),
            now=datetime.now(UTC).isoformat(),
            session=SESSION in request.cookies,
            **values,
        )
    )
    # A lone surrogate cannot be written as UTF-8; `shown` has shown it wherever text of a document stands.
    return HTMLResponse(text.encode("utf-8", "replace"), status, HEADERS | {"Content-Language": words.tag})


class PageRoute(APIRoute):
    """A route whose errors are pages; one that asks for a key leads to the login."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def page(request: Request) -> Response:
            try:
                return await handle(request)
            except Problem as error:
                problem = error
            except GoujiError as error:
                problem = of_error(error)
            except RequestValidationError:
                problem = Problem("not_found", "There is no page at this address.", "Go to the queue.")
            if problem.code == "unauthorized":
                here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
                return RedirectResponse("/login?" + urlencode({"next": here}), 303, {"Cache-Control": "no-store"})
            return render(request, "problem.html", problem.kind.status, problem=problem)

        return page


def data_block(value: Any) -> str:
    """JSON for a `<script type="application/json">`: nothing in it can end the element."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
