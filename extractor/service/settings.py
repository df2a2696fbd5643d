"""What a running service was told: one immutable object, made by `gouji serve` and by tests."""

from __future__ import annotations

import ipaddress
import os
import socket
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from extractor.errors import UsageError

MEGABYTE = 1_000_000


class Settings(BaseModel):
    """All limits count what one request, one key or one instance may take; sizes are bytes, times are seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Path = Path("gouji-data")  # the folder that holds the databases and the secret of cookies
    database_url: str | None = None  # postgresql://…; None: SQLite in `data`
    host: str = "127.0.0.1"
    port: int = 8321
    instance: str = ""  # this server's name among several on one PostgreSQL; it keeps it over restarts
    auth: Literal["keys", "off"] = "keys"
    hosts: tuple[str, ...] = ()  # names by which the service may be called, beside loopback; empty: any with keys
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")  # whose X-Forwarded-For and -Proto are believed

    workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)  # processes that read reports
    max_queue: int = Field(10_000, ge=1)  # extractions that wait; above that 429
    max_body: int = Field(20 * MEGABYTE, ge=1_000)
    body_seconds: float = Field(120.0, gt=0)  # in which a request's body must have come
    body_pause: float = Field(20.0, gt=0)  # the longest pause amid it; in as many a request's head must have come
    max_batch: int = Field(1_000, ge=1)  # documents of one batch
    max_wait: float = Field(60.0, ge=0)  # the longest `?wait=`
    answer_seconds: float = Field(60.0, gt=0)  # for an answer, beside the body and `?wait=`
    document_seconds: float = Field(60.0, gt=0)  # processor time of one document
    shutdown_seconds: float = Field(20.0, ge=0)  # what is under way may finish so long
    heartbeat: float = Field(5.0, gt=0)  # seconds between an instance's signs of life; with four missed it is dead
    rate: str = "1200/minute"  # requests of one key (or of one address without keys); the syntax of `limits`

    model: str | None = None  # the SPEC that is asked where a request names none; None: no model
    models: tuple[str, ...] = ()  # further SPECs that a request may name
    model_slots: int = Field(8, ge=1)  # documents at the model at once
    model_patience: float = Field(3600.0, ge=0)  # so long a document waits for an endpoint that is down

    webhook_hosts: tuple[str, ...] = ()  # hosts (and host:port) that webhooks may go to; empty: none
    webhook_seconds: float = Field(10.0, gt=0)

    log: Literal["json", "text"] = "json"
    tracing: bool = False  # OpenTelemetry spans, exported as the OTEL_* variables of the environment say

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def name(self) -> str:
        """This instance's name; an embedded database has one instance."""
        return self.instance or (socket.gethostname() if self.database_url else "local")

    @property
    def allowed_models(self) -> frozenset[str]:
        """The SPECs that a request may name."""
        return frozenset((*self.models, *([self.model] if self.model else [])))

    def check(self) -> None:
        """Errors: UsageError where what is asked for would be unsafe or cannot work."""
        if self.auth == "off" and not self.loopback:
            raise UsageError(
                "open_service",
                f"Without keys the service listens on loopback only, not on {self.host}.",
                "Make a key with `gouji keys add NAME --scope submit --scope read` and leave --auth off out.",
            )
        if self.database_url is not None and not self.database_url.startswith(("postgresql://", "postgres://")):
            raise UsageError(
                "database_url", "The database is none that gouji knows.", "Give postgresql://USER@HOST/NAME, or none."
            )
