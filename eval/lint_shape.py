"""The shape of a gold record: keys, missing keys, values that gold may have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from extractor.eval.score import gold_cells

from extractor.form import DISPUTE_BLOCKS, FORM, GROUPS, cell_paths, group_all
from extractor.results import MAX_DIGITS

if TYPE_CHECKING:
    from extractor.eval.lint_label import Complaint, Label

_MOST = 6  # paths, rows or values that one message names
_AMOUNT = re.compile(r"\d{1,24}(?:\.\d{1,24})?", re.ASCII)


def some(items: Iterable[str]) -> str:
    listed = list(items)
    return ", ".join(listed[:_MOST]) + (f" and {len(listed) - _MOST} more" if len(listed) > _MOST else "")


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def cells_of(record: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """`gold_cells` of a record that may be malformed."""
    kept: dict[str, Any] = {block: mapping(record.get(block)) for block in DISPUTE_BLOCKS}
    for table in ("disclosure", "requests"):
        kept[table] = {key: row for key, row in mapping(record.get(table)).items() if isinstance(row, dict)}
    return gold_cells(kept)


def number_of(path: str, value: Any) -> Decimal | None:
    if type(value) is int and abs(value) < 10**MAX_DIGITS:
        return Decimal(value)
    if path.endswith(".amount") and isinstance(value, str) and _AMOUNT.fullmatch(value):
        return Decimal(value)
    return None


def without_marks(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with `?` as no value."""
    return {
        key: without_marks(value) if isinstance(value, dict) else None if value == "?" else value
        for key, value in record.items()
    }


def request_rows(record: Mapping[str, Any]) -> list[str]:
    """The rows of table 3 in the order of print."""
    requests = mapping(record.get("requests"))
    groups = frozenset(group for group in GROUPS if isinstance(requests.get(group_all(group)), dict))
    paths = (path.removeprefix("requests.") for path in cell_paths("2021", groups)["requests"])
    return list(dict.fromkeys(path.rpartition(".")[0] for path in paths))


def shape(label: Label) -> Iterator[Complaint]:
    """Unknown keys, missing keys, values of the wrong kind."""
    record = label.record
    form = record.get("form")
    requests = mapping(record.get("requests"))
    groups = frozenset(group for group in GROUPS if group_all(group) in requests)
    known = isinstance(form, str) and form in FORM.versions
    if not known:
        yield label.say(
            "warning",
            "other_form",
            f"`form` is {json.dumps(form, default=str)}; table 2 is scored as it stands.",
            f"Forms that are checked key by key: {', '.join(FORM.versions)}.",
        )
    paths = cell_paths(str(form) if known else "2021", groups)
    wanted = {path for table in paths.values() for path in table if known or not path.startswith("disclosure.")}
    units = {path.removesuffix("amount") + "unit" for path in wanted if path.endswith(".amount")}
    flat = dict(_flat(record))
    tables = ("disclosure", "requests", *DISPUTE_BLOCKS)
    for key in sorted(set(record) - {"form", *tables}):
        yield label.say("error", "wrong_key", f"`record.{key}` is no part of the form.", "Drop it.")
    for table in tables:
        if not isinstance(record.get(table), dict):
            yield label.say(
                "error",
                "missing_key",
                f"`record.{table}` is missing or no object.",
                "All tables, null for blank cells.",
            )
    unknown = sorted(
        path for path in flat if path not in wanted | units and (known or not path.startswith("disclosure."))
    )
    if unknown:
        yield label.say("error", "wrong_key", f"no cells of the form {form}: {some(unknown)}", "See FORM for the keys.")
    missing = [
        path for path in wanted | units if path not in flat and isinstance(record.get(path.partition(".")[0]), dict)
    ]
    if missing:
        yield label.say(
            "error",
            "missing_key",
            f"{len(missing)} cells are missing: {some(sorted(missing))}",
            "null for a blank cell.",
        )
    for fault in value_faults(record):
        yield label.say("error", "wrong_value", f"{fault}.", 'A number, null, or "?".')
    for group in sorted(groups):
        cells = requests.get(group_all(group))
        if isinstance(cells, dict) and all(value is None for value in cells.values()):
            yield label.say(
                "warning",
                "empty_group_row",
                f"requests.{group_all(group)} holds nothing.",
                "Drop the row: it is for groups that are printed as a row.",
            )
    if "?" in flat.values() and "?" not in label.note:
        yield label.say(
            "warning",
            "doubt_without_note",
            "Cells are `?`, and `note` does not say why.",
            "Say what the text leaves open, with a `?`.",
        )


def value_faults(record: Mapping[str, Any]) -> Iterator[str]:
    """Each value that gold may not have, and why."""
    for path, value in _flat(record):
        why = _fault(path, value)
        if why:
            yield f"{path} is {json.dumps(value, ensure_ascii=False, default=str)[:60]}: {why}"


def _flat(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for table in ("disclosure", "requests"):
        for row, cells in mapping(record.get(table)).items():
            if isinstance(cells, dict):
                for name, value in cells.items():
                    yield f"{table}.{row}.{name}", value
            else:
                yield f"{table}.{row}", cells
    for block in DISPUTE_BLOCKS:
        for name, value in mapping(record.get(block)).items():
            yield f"{block}.{name}", value


def _fault(path: str, value: Any) -> str:
    """Why a value is none that gold may have; empty where it may."""
    name = path.rpartition(".")[2]
    if value is None or (value == "?" and name != "unit"):
        return ""
    if name == "unit":
        return "" if isinstance(value, str) and value.strip() else "a unit is text"
    field = FORM.fields.get(name)
    if path.startswith("disclosure.") and field is not None and field.kind == "amount":
        fine = isinstance(value, str) and _AMOUNT.fullmatch(value)
        return "" if fine else "an amount is a decimal in quotes, without commas"
    if type(value) is not int:
        return "a count is a whole number"
    if abs(value) >= 10**MAX_DIGITS:
        return "no report means such a number"
    signed = path.startswith("disclosure.") and field is not None and field.kind == "signed"
    return "a count is not negative" if value < 0 and not signed else ""
