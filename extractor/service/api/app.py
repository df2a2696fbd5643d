"""The application: middleware, routes, what starts and stops with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from extractor.service.api import extractions, problems
from extractor.service.database.extractions import version
from extractor.service.settings import Settings
from extractor.service.state import Service


def make_app(settings: Settings) -> FastAPI:
    """The service as an ASGI application; database and queue start with its lifespan. Errors: UsageError, StoreError."""
    service = Service(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(service.start, asyncio.get_running_loop())
        try:
            yield
        finally:
            await asyncio.to_thread(service.stop)

    app = FastAPI(title="gouji", version=version(), lifespan=lifespan, docs_url="/docs", redoc_url=None)
    app.state.service = service
    problems.install(app)
    app.include_router(extractions.router)
    return app
