"""Who calls, and what a caller may do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Request

from extractor.service.api.problems import Problem

Scope = Literal["submit", "read", "review", "admin"]
SCOPES: tuple[Scope, ...] = ("submit", "read", "review", "admin")


@dataclass(frozen=True, slots=True)
class Caller:
    """A key's holder, or whoever sits at this machine where no keys are asked for."""

    id: str  # a key's public id, or `loopback`
    name: str
    scopes: frozenset[Scope]


OPEN = Caller("loopback", "loopback", frozenset(SCOPES))


def caller_of(request: Request) -> Caller:
    """The caller of a request. Errors: Problem `unauthorized`."""
    return OPEN


def needs(scope: Scope) -> Callable[..., Caller]:
    """A dependency: the caller, if the key has this scope (`admin` has all). Errors: `unauthorized`, `forbidden`."""

    def dependency(caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
        if scope not in caller.scopes and "admin" not in caller.scopes:
            raise Problem("forbidden", f"The key {caller.name} has no scope `{scope}`.", "Ask for a key that has it.")
        return caller

    return dependency
