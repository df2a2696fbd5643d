"""Numbers that can be compared, and amounts of money in their units."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from extractor.form import FORM
from extractor.results import MAX_DIGITS, Value
from extractor.rules.case import Case

FEES: Final = "disclosure.fees.amount"
FORM_UNIT: Final = "万元"
# 元 of each unit that is printed beside an amount, and how many decimals of it end at 分.
YUAN = {"元": 1, "百元": 10**2, "千元": 10**3, "万元": 10**4, "十万元": 10**5, "百万元": 10**6, "亿元": 10**8}
DECIMALS = {"元": 2, "百元": 4, "千元": 5, "万元": 6, "十万元": 7, "百万元": 8, "亿元": 10}

TOO_BIG = 10**MAX_DIGITS  # what is longer is no count; record.count says so
LEAST, MOST = Decimal("0.000001"), Decimal(10**18)


def number(case: Case, path: str) -> int | None:
    """A count that can be compared; None without one, or where it is none (negative, longer than any count)."""
    value = case.count(path)
    return value if value is not None and 0 <= value < TOO_BIG else None


def amount(case: Case, path: str) -> Decimal | None:
    """An amount that can be compared; None without one, or where it is none (negative, beyond all money)."""
    value = case.values.get(path)
    if value is None or not (value == 0 or LEAST <= value < MOST):
        return None
    return Decimal(value)


def unit_of(case: Case, path: str = FEES) -> str | None:
    """The unit printed with an amount, without white space; the form's own where none is known."""
    unit = re.sub(r"\s", "", case.units.get(path) or "")
    return unit or (FORM_UNIT if path == FEES else None)


def in_yuan(value: Value, unit: str | None) -> Decimal | None:
    """An amount in 元; None where the unit is none that we know."""
    factor = YUAN.get(unit or "")
    return None if factor is None else Decimal(value) * factor


def plainly(value: Value) -> str:
    """A value in digits; one of unreasonable length as Python writes it."""
    if isinstance(value, Decimal) and abs(value.adjusted()) < 40:
        return format(value, "f")
    return str(value)


def lacking(case: Case, paths: Iterable[str], more: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
    """The words of a finding for the cells without a number; `more`: (Chinese, English) for those of other records."""
    missing = [path for path in paths if number(case, path) is None]
    words = [(FORM.words(path), path) for path in missing] + list(more)
    return {
        "missing": "、".join(zh for zh, _ in words),
        "missing_en": ", ".join(en for _, en in words),
        "lacking": [path for path in missing if path.count(".")] + [en for _, en in more],
    }
