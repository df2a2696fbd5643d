"""The form's cross-check equations (勾稽关系), built from the rule lines of form.toml."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from extractor.form.model import (
    DISPUTE_BLOCKS,
    FORM,
    GROUPS,
    REQUEST_COLUMNS,
    REQUEST_ROWS,
    Rule,
    group_all,
)


@dataclass(frozen=True, slots=True)
class Equation:
    """Σ left = Σ right over cell paths; `code` is the public name, e.g. `requests.balance.total`."""

    code: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    words: str

    @property
    def cells(self) -> tuple[str, ...]:
        return self.left + self.right


def request_rows(printed_groups: frozenset[str]) -> tuple[str, ...]:
    """The rows of table 3, with `<group>.all` before its sub-rows for each group printed as a row."""
    rows: list[str] = []
    for key in REQUEST_ROWS:
        group = key.split(".")[0]
        if group in printed_groups and group_all(group) not in rows:
            rows.append(group_all(group))
        rows.append(key)
    return tuple(rows)


def _expand(
    names: tuple[str, ...], printed_groups: frozenset[str], without_sub_rows: frozenset[str]
) -> tuple[str, ...]:
    """`denied.*` becomes its sub-rows, or `denied.all` where only that is printed."""
    rows: list[str] = []
    for name in names:
        group, _, star = name.partition(".")
        if star != "*":
            rows.append(name)
        elif group in printed_groups and group in without_sub_rows:
            rows.append(group_all(group))
        else:
            rows.extend(GROUPS[group])
    return tuple(rows)


@lru_cache(maxsize=256)
def equations(
    printed_groups: frozenset[str] = frozenset(), without_sub_rows: frozenset[str] = frozenset()
) -> tuple[Equation, ...]:
    """All equations of a record.

    `printed_groups`: groups of which a `<group>.all` row is printed; `without_sub_rows`: those of them that
    print no sub-rows, so the group row stands for them in `requests.outcomes`. A 2021 report with all
    sub-rows has 42 equations.
    """
    return tuple(equation for rule in FORM.rules for equation in _of_rule(rule, printed_groups, without_sub_rows))


def _of_rule(rule: Rule, printed: frozenset[str], without: frozenset[str]) -> Iterator[Equation]:
    if rule.each == "column":
        left, right = (_expand(side, printed, without) for side in (rule.left, rule.right))
        for column in REQUEST_COLUMNS:
            yield Equation(
                f"{rule.code}.{column}",
                tuple(f"requests.{row}.{column}" for row in left),
                tuple(f"requests.{row}.{column}" for row in right),
                rule.words,
            )
    elif rule.each == "row":
        skipped = {row for group in without for row in GROUPS[group]}
        for row in request_rows(printed):
            if row in skipped:
                continue
            yield Equation(
                f"{rule.code}.{row}",
                tuple(f"requests.{row}.{column}" for column in rule.left),
                tuple(f"requests.{row}.{column}" for column in rule.right),
                rule.words,
            )
    elif rule.each == "group and column":
        for group in sorted(printed - without):
            for column in REQUEST_COLUMNS:
                yield Equation(
                    f"{rule.code}.{group}.{column}",
                    tuple(f"requests.{row}.{column}" for row in GROUPS[group]),
                    (f"requests.{group_all(group)}.{column}",),
                    rule.words,
                )
    elif rule.each == "block":
        for block in DISPUTE_BLOCKS:
            yield Equation(
                f"{block}.sum",
                tuple(f"{block}.{column}" for column in rule.left),
                tuple(f"{block}.{column}" for column in rule.right),
                rule.words,
            )
    else:
        raise ValueError(f"form.toml: rule {rule.code} repeats over unknown {rule.each!r}")
