"""Numbers and untrusted text as the page prints them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import Any

NOTHING = "—"

# What must not act on the page is shown: control characters by their pictures, characters that turn the direction of
# writing and halves of pairs by U+FFFD. Tab and line feed stay.
_LOST = (*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xD800, 0xE000))
_SHOWN = dict.fromkeys(_LOST, 0xFFFD) | {0x7F: 0x2421}
_SHOWN |= {code: 0x2400 + code for code in range(0x20) if code not in (0x09, 0x0A)}


def clean(text: str) -> str:
    """Text without characters that act on the page or cannot be written as UTF-8."""
    return text.translate(_SHOWN)


def count(figures: Mapping[str, Any], name: str) -> int:
    """A count; 0 where the figures do not hold it."""
    return int(figures.get(name) or 0)


def whole(number: int | float | None) -> str:
    """A count with separators, e.g. `9,182`."""
    return NOTHING if number is None else f"{number:,.0f}"


def percent(share: float | None, digits: int = 2) -> str:
    """A share of one in per cent. Only 1 gives `100 %` and only 0 gives `0 %`: 0.99999 is not all."""
    if share is None:
        return NOTHING
    if share in (0, 1):
        return f"{share * 100:.0f} %"
    step = Decimal(1).scaleb(-digits)
    exact = Decimal(repr(float(share))) * 100
    shown = exact.quantize(step, rounding=ROUND_HALF_EVEN)
    if shown == 100:
        shown = exact.quantize(step, rounding=ROUND_DOWN)
    return f"< {step} %" if shown == 0 else f"{shown} %"


def ratio(part: int, of: int) -> float | None:
    """part / of; None where there is nothing to divide by."""
    return part / of if of else None


def duration(seconds: float | None) -> str:
    """Seconds as a person says them."""
    if seconds is None:
        return NOTHING
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.001 else f"{seconds * 1000:.2g} ms"
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min {rest:02} s"
