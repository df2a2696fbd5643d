"""What the rules judge: the numbers of one record, and what is known around them (page, narrative, other years)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import repeat
from typing import TYPE_CHECKING, Any

from extractor.form import (
    DISPUTE_BLOCKS,
    DISPUTE_COLUMNS,
    FORM,
    GROUPS,
    REQUEST_COLUMNS,
    REQUEST_ROWS,
    group_all,
)
from extractor.results import Cell, Evidence, Value, Verdict, exact

if TYPE_CHECKING:
    from extractor.claims.claim import Claim


@dataclass(frozen=True, slots=True)
class Words:
    """The report's text: `norm` has the length of the stored text (document/normalize.py), so spans count in both.

    `sections` are the spans of the form's six sections (null where no heading was found).
    """

    text: str
    norm: str
    start: int
    end: int
    sections: Mapping[str, tuple[int, int] | None]


@dataclass(slots=True)
class Case:
    """One record under the rules.

    `values`: every cell path of the form that the record has, counts as int, amounts as Decimal, None without a value.
    `printed_groups`: groups whose `<group>.all` row is printed; `without_sub_rows`: those that stand for their
    sub-rows. `cells` is what is known of the page (empty for a bare record), `claims` and `words` what is known of
    the narrative (None where it is not at hand), `previous` last year's record, `children` the records of subordinate
    bodies with `missing_children` those expected and not given.
    """

    form: str
    values: Mapping[str, Value | None]
    organization: str | None = None
    year: int | None = None
    units: Mapping[str, str | None] = field(default_factory=dict)
    printed_groups: frozenset[str] = frozenset()
    without_sub_rows: frozenset[str] = frozenset()
    cells: Mapping[str, Cell] = field(default_factory=dict)
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    claims: Sequence[Claim] | None = None
    words: Words | None = None
    previous: Case | None = None
    children: Sequence[Case] = ()
    missing_children: Sequence[str] = ()

    def count(self, path: str) -> int | None:
        """The value of a cell that holds a count; None where there is none."""
        value = self.values.get(path)
        return value if isinstance(value, int) else None

    def evidence(self, path: str) -> Iterator[Evidence]:
        """Where a cell is printed, if the page is known."""
        cell = self.cells.get(path)
        if cell is not None and cell.span is not None and cell.raw is not None:
            yield Evidence(path, cell.raw, cell.span)

    def with_previous(self, previous: Case | None) -> Case:
        """The same case with last year's."""
        return replace(self, previous=previous)


def case_of_record(record: Mapping[str, Any]) -> Case:
    """A record of the right shape (see rules/intake.py for others) as a case; what is no number counts as no value."""
    form = record.get("form")
    if not isinstance(form, str) or form not in FORM.versions:
        form = "2021"
    values: dict[str, Value | None] = {}
    units: dict[str, str | None] = {}
    for row in FORM.disclosure_rows(form):
        cells = _mapping(_mapping(record.get("disclosure")).get(row.key))
        for name in row.fields[form]:
            path = f"disclosure.{row.key}.{name}"
            if FORM.fields[name].kind == "amount":
                values[path] = exact(cells.get(name))
                unit = cells.get("unit")
                units[path] = unit if isinstance(unit, str) else None
            else:
                values[path] = _whole(cells.get(name))
    requests = _mapping(record.get("requests"))
    for row_key in REQUEST_ROWS:
        _fill(values, _paths("requests." + row_key, REQUEST_COLUMNS), REQUEST_COLUMNS, requests.get(row_key))
    printed = without = frozenset[str]()
    if _GROUP_ROWS & requests.keys():
        printed = frozenset(group for group in GROUPS if isinstance(requests.get(group_all(group)), Mapping))
        for group in printed:
            row_key = group_all(group)
            _fill(values, _paths("requests." + row_key, REQUEST_COLUMNS), REQUEST_COLUMNS, requests[row_key])
        without = frozenset(
            group
            for group in printed
            if all(values[p] is None for row in GROUPS[group] for p in _paths("requests." + row, REQUEST_COLUMNS))
        )
    for block in DISPUTE_BLOCKS:
        _fill(values, _paths(block, DISPUTE_COLUMNS), DISPUTE_COLUMNS, record.get(block))
    year, body = _whole(record.get("year")), record.get("organization")
    return Case(
        form=form,
        values=values,
        organization=body if isinstance(body, str) else None,
        year=year,
        units=units,
        printed_groups=printed,
        without_sub_rows=without,
    )


@lru_cache(maxsize=256)
def _paths(prefix: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{prefix}.{column}" for column in columns)


def _fill(
    values: dict[str, Value | None], paths: tuple[str, ...], columns: tuple[str, ...], row: Mapping[str, Any] | None
) -> None:
    if type(row) is not dict:
        values.update(zip(paths, repeat(None)))
        return
    found = tuple(map(row.get, columns))
    if set(map(type, found)) - _WHOLE_OR_NONE or any(v and abs(v) > _ADDED_UP for v in found):
        found = tuple(map(_whole, found))
    values.update(zip(paths, found, strict=True))


_WHOLE_OR_NONE = {int, type(None)}
_GROUP_ROWS = frozenset(map(group_all, GROUPS))
_ADDED_UP = 10**40  # what is longer is said (record.count) and not even added up


def _whole(value: Any) -> int | None:
    return value if type(value) is int and abs(value) <= _ADDED_UP else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
