"""The application: middleware, routes, what starts and stops with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from extractor.service.api import (
    audit,
    batches,
    check,
    deliveries,
    extractions,
    health,
    lines,
    openapi,
    problems,
    reference,
    review,
    security,
    sessions,
)
from extractor.service.api.middleware import Edge
from extractor.service.database.extractions import version
from extractor.service.observe import tracing
from extractor.service.pages import routes as pages
from extractor.service.settings import Settings
from extractor.service.state import Service


def make_app(settings: Settings) -> FastAPI:
    """The service as an ASGI application; the queue starts with its lifespan. Errors: UsageError, StoreError."""
    service = Service(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        stop_watching = tracing.start(settings.tracing, settings.name)
        try:
            await asyncio.to_thread(service.start, asyncio.get_running_loop())
            try:
                yield
            finally:
                await asyncio.to_thread(service.stop)
        finally:
            await asyncio.to_thread(stop_watching)

    app = FastAPI(
        title="gouji",
        version=version(),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=openapi.operation_id,
    )
    app.state.service = service
    problems.install(app)
    security.install(app, service)
    health.install(app, service)
    for router in (extractions.router, lines.router, batches.router, deliveries.router, check.router):
        app.include_router(router)
    for router in (reference.router, review.router, health.router, audit.router, sessions.router):
        app.include_router(router)
    app.include_router(pages.router)
    openapi.install(app)
    app.add_middleware(Edge, service=service)  # the last one added is the outermost
    return app
