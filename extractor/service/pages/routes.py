"""The review page and what belongs to it: source windows, pictures of pages, numbers to choose from."""

from __future__ import annotations

import zlib
from typing import Annotated, Any
from urllib.parse import quote

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from extractor.errors import InputError
from extractor.service.api.problems import Problem
from extractor.service.api.security import Caller, needs
from extractor.service.database import extractions
from extractor.service.database.tables import documents
from extractor.service.pages import near, picture
from extractor.service.pages.html import HEADERS, PageRoute, render, static_file
from extractor.service.pages.lists import router as lists_router
from extractor.service.pages.report import Loaded, load, marks_of, view_of
from extractor.service.pages.source import window_of
from extractor.service.pages.words import COOKIE, LANGUAGES, language_of, words_of
from extractor.service.state import Service, service_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)
Serving = Annotated[Service, Depends(service_of)]
Reader = Annotated[Caller, Depends(needs("read"))]


@router.get("/")
def home() -> Response:
    """The queue is where the work is."""
    return RedirectResponse("/review", 303)


@router.get("/language/{language}")
def choose_language(language: str, next: str = "/review") -> Response:
    """Keeps the language in a cookie and goes back to a page of ours."""
    if language not in LANGUAGES:
        raise Problem("not_found", "The pages are not in this language.", f"There are {', '.join(LANGUAGES)}.")
    ours = next.startswith("/") and not next.startswith(("//", "/\\")) and next.isprintable()
    answer = RedirectResponse(quote(next, safe="/?&=%#+.-_~") if ours else "/review", 303)
    answer.set_cookie(COOKIE, language, max_age=365 * 86_400, samesite="lax", httponly=True)
    return answer


@router.get("/static/{version}/{name}")
def static(version: str, name: str) -> Response:
    """Style and scripts; kept by the browser for good, as the address holds their hash."""
    return static_file(version, name)


@router.get("/review/{extraction}")
def document(extraction: str, service: Serving, caller: Reader) -> Response:
    """The first report of a document; its status where there is no result."""
    with service.database.read() as connection:
        head = extractions.head(connection, extraction)
    if head is None:
        raise Problem("not_found", "There is no such document.", "Look at the list of documents.")
    return RedirectResponse(f"/review/{head.id}/1" if head.state == "done" else f"/documents/{head.id}", 303)


@router.get("/review/{extraction}/{number}")
def review(
    request: Request, extraction: str, number: int, service: Serving, caller: Reader,
    at: Annotated[int | None, Query(ge=0)] = None, page: Annotated[int | None, Query(ge=1)] = None,
) -> Response:  # fmt: skip
    """Source on the left, the three tables on the right."""
    words = words_of(language_of(request))
    with service.database.read() as connection:
        loaded = load(connection, extraction, number)
    if loaded is None:
        return RedirectResponse(f"/documents/{extraction}", 303)
    view = view_of(loaded, caller.may("review"), words)
    shown = _picture_view(service, loaded, page) if page is not None and view.pages else None
    window = None if shown else window_of(loaded.text, marks_of(loaded), at)
    return render(request, "review.html", report=view, window=window, picture=shown)


@router.get("/review/{extraction}/{number}/choices")
def choices(
    request: Request, extraction: str, number: int, path: str, service: Serving, caller: Reader,
    start: Annotated[int | None, Query(ge=0)] = None, end: Annotated[int | None, Query(ge=0)] = None,
    readings: bool = False,
) -> Response:  # fmt: skip
    """The numbers of the text near a cell's row, or what a marked stretch reads as, as options of a list; with
    `readings` only those that the machine left open, where there are any."""
    with service.database.read() as connection:
        loaded = load(connection, extraction, number)
    cells = [] if loaded is None else loaded.line["cells"]
    cell = next((cell for cell in cells if cell["path"] == path), None)
    if cell is None or loaded is None:
        raise Problem("not_found", "The report has no such cell.", "Load the page again.")
    open_ = near.candidates(cell, cells, loaded.text) if cell.get("candidates") else []
    if start is not None and end is not None:
        found = [near.selected(path, loaded.text, number, start, end)]
    else:
        decided = loaded.looked.reviewed.line["cells"]  # numbers that people placed say where the next one stands
        found = (open_ if readings else []) or near.choices(path, decided, loaded.text)
    return render(request, "choices.html", choices=found, candidates={(one.start, one.end) for one in open_})


@router.get("/review/{extraction}/{number}/page/{page}.png")
def page_picture(
    request: Request, extraction: str, number: int, page: int, service: Serving, caller: Reader
) -> Response:
    """A page of a PDF, drawn in the sandbox."""
    data, sha256 = _pdf(service, extraction)
    tag = f'"{sha256[:32]}-{page}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff",
               "Content-Security-Policy": "default-src 'none'"}  # fmt: skip
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    try:
        drawn = picture.page_picture(data, page)
    except InputError as error:
        raise Problem("not_found", error.message, error.hint) from error
    return Response(drawn.png, media_type="image/png", headers=headers)


def _pdf(service: Service, extraction: str) -> tuple[bytes, str]:
    with service.database.read() as connection:
        head = extractions.head(connection, extraction)
        found = None if head is None else connection.execute(
            sa.select(documents.c.bytes, documents.c.kind).where(documents.c.sha256 == head.document)
        ).one()  # fmt: skip
    if head is None or found is None or found.kind != "pdf":
        raise Problem("not_found", "The document is no PDF.", "Look at its text.")
    return zlib.decompress(found.bytes), head.document


def _picture_view(service: Service, loaded: Loaded, page: int) -> dict[str, Any]:
    """A page's size and the boxes of the cells on it, in points."""
    view: dict[str, Any] = {"page": page, "fault": "", "boxes": [], "width": 0, "height": 0}
    try:
        width, height = picture.page_size(_pdf(service, loaded.looked.extraction)[0], page)
    except InputError as error:
        return view | {"fault": error.message}
    for cell in loaded.line["cells"]:
        place = cell.get("place") or {}
        if place.get("page") == page and place.get("box"):
            left, top, right, bottom = place["box"]
            view["boxes"].append(
                {"path": cell["path"], "kind": "cell", "left": left - 1.5, "top": top - 1.5,
                 "width": max(2, right - left + 3), "height": max(2, bottom - top + 3)}
            )  # fmt: skip
    return view | {"width": width, "height": height}


router.include_router(lists_router)
__all__ = ["HEADERS", "router"]
