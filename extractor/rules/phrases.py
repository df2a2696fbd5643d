"""Explanations in their likely order, and in words."""

from __future__ import annotations

from typing import Final

from extractor.form import FORM, REQUEST_COLUMNS
from extractor.form.model import row_words
from extractor.rules.misprints import PLACE, Found
from extractor.rules.puzzle import EXACT, Puzzle

_LONG: Final = 10**40  # longer numbers are shown by their size
_WIDE: Final = len(REQUEST_COLUMNS)

# ---------------------------------------------------------------- which is likely


def slip(printed: int, wanted: int) -> str:
    """How `printed` may have come of `wanted` by a slip of digits; "" where it is none."""
    if max(printed, wanted) >= _LONG:
        return ""
    a, b = str(printed), str(wanted)
    if len(a) == len(b):
        places = [i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]
        if len(places) == 2 and a[places[0]] == b[places[1]] and a[places[1]] == b[places[0]]:
            return "swapped"
        return "digit" if len(places) == 1 and len(a) > 1 else ""
    if len(a) == len(b) + 1:
        at = next((i for i in range(len(a)) if a[:i] + a[i + 1 :] == b), None)
        return "" if at is None else "doubled" if a[at : at + 1] == a[at + 1 : at + 2] else "extra"
    if b.startswith(a) or b.endswith(a):
        return "part"
    return "dropped" if any(b[:i] + b[i + 1 :] == a for i in range(len(b))) else ""


_LIKELY: Final = ("swapped", "doubled", "dropped", "part", "extra", "digit", "")


def rank(puzzle: Puzzle, found: Found) -> tuple[float, ...]:
    """Sorts explanations: few changes first, then those that touch no equation that holds, then slips of digits and
    numbers that stand one cell off, then by place."""
    changes, values, paths = found.changes, puzzle.values, puzzle.system.paths
    holding = {e for cell in changes for e, _ in puzzle.touch[cell] if not puzzle.gaps[e]}
    if found.kind in ("moved", "exchanged"):
        (a, x), (b, _) = changes.items()
        giver, taker = (a, b) if x < 0 else (b, a)
        whole = values[giver] == abs(x) and not values[taker]
        odd = 0 if found.kind == "exchanged" else 1 if whole else 2
        odd = 10 * odd + _apart(paths[a], paths[b])
    else:
        odd = 5 * sum(_LIKELY.index(slip(values[cell] or 0, (values[cell] or 0) + by)) for cell, by in changes.items())
    return (found.size, len(holding), odd, *(PLACE.get(paths[cell], 0) for cell in changes))


def _apart(a: str, b: str) -> int:
    """How many columns or rows apart two cells of a line stand."""
    places = abs(PLACE.get(a, 0) - PLACE.get(b, 0))
    return places // _WIDE if places % _WIDE == 0 else places


# ---------------------------------------------------------------- in words

_SLIPS: Final = {
    "swapped": ("两位数字互换", "two digits swapped"),
    "part": ("只是所需数的一部分，或断开、漏印了数字", "only part of the number needed: split off or cut"),
    "dropped": ("漏印一位数字", "a digit dropped"),
    "doubled": ("多印一位重复的数字", "a digit doubled"),
    "extra": ("多印一位数字", "a digit too many"),
    "digit": ("一位数字不同", "one digit differs"),
}


def in_words(puzzle: Puzzle, found: Found) -> tuple[str, str]:
    """An explanation in the form's words and in English."""
    zh, en = _changes_in_words(puzzle, found)
    if found.kind == "shifted":
        side = ("右", "right") if found.step == 1 else ("左", "left")
        zh = f"“{row_words(FORM, found.rows[0])}”一行所印各数错开一列，应各向{side[0]}移一格（{zh}）"
        en = f"the values of row {found.rows[0]} belong one column further {side[1]} ({en})"
    elif found.kind == "rows":
        zh = f"“{row_words(FORM, found.rows[0])}”与“{row_words(FORM, found.rows[1])}”两行互换（{zh}）"
        en = f"rows {found.rows[0]} and {found.rows[1]} exchanged ({en})"
    elif found.kind in ("moved", "exchanged"):
        (a, x), (b, _) = found.changes.items()
        giver, taker = (a, b) if x < 0 else (b, a)
        paths = puzzle.system.paths
        if found.kind == "exchanged":
            zh = f"“{FORM.words(paths[giver])}”与“{FORM.words(paths[taker])}”两格互换（{zh}）"
            en = f"{paths[giver]} and {paths[taker]} exchanged ({en})"
        else:
            by = number(abs(x))
            zh = f"有 {by} 件计在“{FORM.words(paths[giver])}”而应计在“{FORM.words(paths[taker])}”（{zh}）"
            en = f"{by} counted in {paths[giver]} instead of {paths[taker]} ({en})"
    else:
        zh = f"若改：{zh}"
    return f"{zh}，则有关勾稽关系全部成立", f"{en}: then all the rules concerned hold"


def _changes_in_words(puzzle: Puzzle, found: Found) -> tuple[str, str]:
    zh, en = [], []
    for cell, change in found.changes.items():
        value, path = puzzle.values[cell], puzzle.system.paths[cell]
        wanted = (value or 0) + change
        bound = bound_of(puzzle, cell, change)
        zh_bound, en_bound = {"=": ("", ""), "≤": ("至多 ", "at most "), "≥": ("至少 ", "at least ")}[bound]
        why = _SLIPS.get(slip(value, wanted)) if value is not None and found.kind in ("cell", "cells") else None
        before = ("空", "blank") if value is None else (number(value),) * 2
        zh.append(f"{FORM.words(path)} {before[0]} → {zh_bound}{number(wanted)}" + (f"（{why[0]}）" if why else ""))
        en.append(f"{path} {before[1]} → {en_bound}{number(wanted)}" + (f" ({why[1]})" if why else ""))
    return "；".join(zh), "; ".join(en)


def bound_of(puzzle: Puzzle, cell: int, change: int) -> str:
    """Whether the wanted value is exact ("=") or, where each equation of the cell lacks operands, the most or least."""
    exact = puzzle.values[cell] is None or any(puzzle.senses[e] == EXACT for e, _ in puzzle.touch[cell])
    return "=" if exact else "≤" if change < 0 else "≥"


def number(value: int) -> str:
    """A number for people: one of absurd length by its size."""
    return str(value) if abs(value) < _LONG else f"≈10^{int(value.bit_length() * 0.30103)}"
