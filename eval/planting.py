"""Errors to plant in true records, and sums that tell what they break, written out once more.

Nothing here uses extractor.form.equations or extractor.rules: what is measured by it must not be its own judge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from extractor.eval.generator.records import paths_of, printed_rows, random_record

from extractor.form import FORM, GROUPS, group_all

Values = dict[str, int | None]
Changes = dict[str, int | None]

COLUMNS = tuple(column.key for column in FORM.columns)
APPLICANTS = COLUMNS[:-1]
BLOCKS = ("reconsideration", "litigation_direct", "litigation_after_reconsideration")
RESULTS = ("upheld", "corrected", "other", "pending")


# ---------------------------------------------------------------- true records


@dataclass(slots=True)
class Page:
    """A true record as printed: tables 3 and 4, None where a cell is blank; `rows` of table 3 in print order."""

    form: str
    printed: frozenset[str]
    without: frozenset[str]
    rows: tuple[str, ...]
    values: Values
    record: dict[str, Any]

    @property
    def blanks(self) -> bool:
        return any(self.values[path] is None for path in self.values)


def page(rng: Random) -> Page:
    """A random record of either form; groups printed or not, some cells blank."""
    made = random_record(rng)
    if made.requests_form == "2019":
        printed = without = frozenset(("other",))
    else:
        printed = frozenset(group for group in GROUPS if rng.random() < 0.3)
        without = frozenset(group for group in sorted(printed) if rng.random() < 0.25)
    by_table = paths_of(made, printed, without)
    values: Values = {path: made.count(path) for name in ("requests", "disputes") for path in by_table[name]}
    if rng.random() < 0.35:
        share = rng.choice((0.05, 0.3, 0.8, 1.0))
        for path, value in values.items():
            if rng.random() < (share if not value else 0.01):
                values[path] = None
    rows = printed_rows(printed, without)
    every = {p: made.values[p] for p in by_table["disclosure"]} | values
    return Page(made.form, printed, without, rows, values, _record(made.form, rows, every))


def _record(form: str, rows: Sequence[str], values: Mapping[str, Any]) -> dict[str, Any]:
    """The contract's record of these values."""

    def plain(path: str) -> Any:
        value = values.get(path)
        return format(value, "f") if path.endswith(".amount") and value is not None else value

    disclosure: dict[str, Any] = {}
    for row in FORM.disclosure_rows(form):
        disclosure[row.key] = {name: plain(f"disclosure.{row.key}.{name}") for name in row.fields[form]}
    every = [*rows, *(row.key for row in FORM.rows if row.key not in rows)]
    requests = {row: {c: values.get(f"requests.{row}.{c}") for c in COLUMNS} for row in every}
    blocks = {b: {c: values.get(f"{b}.{c}") for c in (*RESULTS, "total")} for b in BLOCKS}
    return {"form": form, "disclosure": disclosure, "requests": requests, **blocks}


# ---------------------------------------------------------------- the sums, written out once more


class Sums:
    """Every sum that must be 0, from the words of the form; independent of extractor.form.equations."""

    def __init__(self, rows: Sequence[str], without: frozenset[str]) -> None:
        self.terms: list[dict[str, int]] = []
        for row in rows:
            self._add([f"requests.{row}.{c}" for c in APPLICANTS], [f"requests.{row}.total"])
        ends = ("new_received", "carried_in", "total_processed", "carried_out")
        outcomes = [r for r in rows if r not in ends and (not r.endswith(".all") or r.split(".")[0] in without)]
        for c in COLUMNS:
            self._add(
                [f"requests.new_received.{c}", f"requests.carried_in.{c}"],
                [f"requests.total_processed.{c}", f"requests.carried_out.{c}"],
            )
            self._add([f"requests.{row}.{c}" for row in outcomes], [f"requests.total_processed.{c}"])
            for group in GROUPS:
                if group_all(group) in rows and group not in without:
                    parts = [f"requests.{r}.{c}" for r in rows if r.startswith(f"{group}.") and r != group_all(group)]
                    self._add(parts, [f"requests.{group_all(group)}.{c}"])
        for block in BLOCKS:
            self._add([f"{block}.{name}" for name in RESULTS], [f"{block}.total"])
        self.of: dict[str, list[tuple[int, int]]] = {}
        for number, terms in enumerate(self.terms):
            for path, sign in terms.items():
                self.of.setdefault(path, []).append((number, sign))

    def _add(self, left: Sequence[str], right: Sequence[str]) -> None:
        self.terms.append(dict.fromkeys(left, 1) | dict.fromkeys(right, -1))

    def state(self, values: Mapping[str, int | None]) -> tuple[list[int], list[str]]:
        """Of each sum what is known of it, and what it must be: 0, at most 0 (something positive is unknown), …"""
        sums, must = [], []
        for terms in self.terms:
            signs = {sign for path, sign in terms.items() if values.get(path) is None}
            must.append("any" if len(signs) == 2 else "≤" if 1 in signs else "≥" if signs else "=")
            sums.append(sum(sign * (values.get(path) or 0) for path, sign in terms.items()))
        return sums, must

    def broken(self, values: Mapping[str, int | None]) -> set[int]:
        """The sums that cannot be 0."""
        sums, must = self.state(values)
        return {n for n, (total, rule) in enumerate(zip(sums, must, strict=True)) if not _may(total, rule)}

    def smallest(self, values: Mapping[str, int | None], most: int) -> int:
        """The size of the smallest set of cells whose change mends everything, by trying: 1, 2, or 3 for more. With
        `most` 1 pairs are not tried."""
        sums, must = self.state(values)
        broken = {n for n, total in enumerate(sums) if not _may(total, must[n])}
        cells = [path for path in self.of if values.get(path) is not None]
        amounts = {sums[n] for n in broken}
        if any(
            self._mends(values, sums, must, broken, path, by * way)
            for path in cells
            for by in amounts
            for way in (1, -1)
        ):
            return 1
        if most < 2:
            return 2
        amounts |= {a + b for a in amounts for b in amounts} | {a - b for a in amounts for b in amounts}
        for path in cells:
            for by in {way * amount for amount in amounts if amount for way in (1, -1)}:
                if (values[path] or 0) + by >= 0 and self._with_another(values, sums, must, path, by):
                    return 2
        return 3

    def _with_another(
        self, values: Mapping[str, int | None], sums: list[int], must: list[str], path: str, by: int
    ) -> bool:
        after = list(sums)
        for n, sign in self.of[path]:
            after[n] += sign * by
        broken = {n for n, total in enumerate(after) if not _may(total, must[n])}
        if not broken:
            return True
        first = min(broken)
        return any(
            self._mends(values, after, must, broken, other, -after[first] * sign)
            for other, sign in self.terms[first].items()
            if other != path and values.get(other) is not None
        )

    def _mends(
        self, values: Mapping[str, int | None], sums: list[int], must: list[str], broken: set[int], path: str, by: int
    ) -> bool:
        own = self.of[path]
        return (
            (values[path] or 0) + by >= 0
            and broken <= {n for n, _ in own}
            and all(_may(sums[n] + sign * by, must[n]) for n, sign in own)
        )


def _may(total: int, rule: str) -> bool:
    return rule == "any" or (total <= 0 if rule == "≤" else total >= 0 if rule == "≥" else total == 0)


# ---------------------------------------------------------------- errors


def _known(made: Page, rng: Random, least: int = 0) -> str | None:
    """A printed cell with at least this value; half of the time one that is not 0."""
    least = max(least, 1 if rng.random() < 0.5 else 0)
    cells = [path for path, value in made.values.items() if value is not None and value >= least]
    return rng.choice(cells) if cells else None


def _edited(least: int, edit: Callable[[Random, int], int]) -> Callable[[Page, Random], Changes]:
    def plant(made: Page, rng: Random) -> Changes:
        path = _known(made, rng, least)
        return {} if path is None else {path: edit(rng, made.values[path] or 0)}

    return plant


def _digit(rng: Random, value: int) -> int:
    digits = list(str(value))
    place = rng.randrange(len(digits))
    digits[place] = rng.choice([d for d in "0123456789" if d != digits[place]])
    return int("".join(digits))


def _swapped(rng: Random, value: int) -> int:
    digits = list(str(value))
    place = rng.randrange(len(digits) - 1)
    digits[place : place + 2] = digits[place + 1], digits[place]
    return int("".join(digits))


def _dropped(rng: Random, value: int) -> int:
    digits = list(str(value))
    del digits[rng.randrange(len(digits))]
    return int("".join(digits))


def _small(rng: Random, value: int) -> int:
    return value + rng.choice([by for by in (-3, -2, -1, 1, 2, 3) if value + by >= 0])


def _line(made: Page, path: str) -> tuple[str, tuple[str, ...]]:
    """The row of a cell and the columns among which its number may stray."""
    row, _, _ = path.rpartition(".")
    return row, APPLICANTS if path.startswith("requests.") else RESULTS


def _moved(made: Page, rng: Random) -> Changes:
    """All or part of a cell's number in the next column of its row."""
    path = _known(made, rng, 1)
    row, columns = _line(made, path) if path else ("", ())
    if path is None or path.rpartition(".")[2] not in columns:
        return {}
    value = made.values[path] or 0
    place = columns.index(path.rpartition(".")[2]) + rng.choice((-1, 1))
    by = value if rng.random() < 0.6 else rng.randint(1, value)
    other = f"{row}.{columns[place % len(columns)]}"
    return {path: value - by, other: (made.values[other] or 0) + by}


def _shifted(made: Page, rng: Random) -> Changes:
    """A row of table 3 one column further left or right, with or without the total; 0 or nothing enters."""
    row = rng.choice(made.rows)
    columns = COLUMNS if rng.random() < 0.5 else APPLICANTS
    paths = [f"requests.{row}.{c}" for c in columns]
    values = [made.values[path] for path in paths]
    if not any(values):
        return {}
    entering = 0 if rng.random() < 0.7 else None
    values = [entering, *values[:-1]] if rng.random() < 0.5 else [*values[1:], entering]
    return dict(zip(paths, values, strict=True))


def _row_off(made: Page, rng: Random) -> Changes:
    """A cell's number in the row below, and that row's in its place."""
    path = _known(made, rng, 1)
    if path is None or not path.startswith("requests."):
        return {}
    row, _, column = path.removeprefix("requests.").rpartition(".")
    place = made.rows.index(row) + 1
    if place == len(made.rows):
        return {}
    below = f"requests.{made.rows[place]}.{column}"
    return {path: made.values[below], below: made.values[path]}


KINDS: dict[str, Callable[[Page, Random], Changes]] = {
    "a digit changed": _edited(0, _digit),
    "two digits swapped": _edited(10, _swapped),
    "a digit dropped": _edited(10, _dropped),
    "one to three off": _edited(0, _small),
    "zeroed": _edited(1, lambda _, __: 0),
    "moved to the next column": _moved,
    "row shifted by a column": _shifted,
    "put one row off": _row_off,
}
SINGLE = tuple(KINDS)[:5]


def plant(made: Page, kind: str, rng: Random) -> Changes | None:
    """The cells that an error of this kind changes ({}: it changes nothing); None if the record has no place for it."""
    for _ in range(12):
        changes = KINDS[kind](made, rng)
        if changes:
            return {path: value for path, value in changes.items() if value != made.values[path]}
    return None
