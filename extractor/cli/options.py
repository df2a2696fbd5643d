"""Options that several commands share."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from extractor.errors import UsageError

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}

MaxBytes = Annotated[
    str, typer.Option("--max-bytes", metavar="SIZE", help="Leave larger files unread (500000, 20MB, 1GiB).")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]


def parse_size(raw: str, option: str = "--max-bytes") -> int:
    """`500000`, `20MB`, `1 GiB` as a number of bytes. Errors: UsageError `bad_size`."""
    found = re.fullmatch(r"\s*(\d+)\s*([kmg]i?)?b?\s*", raw, re.IGNORECASE)
    if not found or not int(found.group(1)):
        raise UsageError("bad_size", f"{option} {raw!r} is no size.", "Write a number of bytes, 20MB or 1GiB.")
    return int(found.group(1)) * _UNITS[(found.group(2) or "").lower()]


def parse_money(raw: str | None) -> Decimal | None:
    """An amount in US dollars, exactly. Errors: UsageError `bad_budget`."""
    if raw is None:
        return None
    try:
        amount = Decimal(raw)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise UsageError("bad_budget", f"--max-cost {raw!r} is no amount.", "Write US dollars, for instance 2.50.")
    return amount
