"""Loads gold labels and the reports they speak of; every fault is named with its file (exit 2).

A label is `NAME.json`: `{"source", "year", "organization", "record", …}` (CONTRACT, `gouji eval`). `source` is a path
under the reports' folder, with `#k` behind it where the file holds several reports and this is the k-th.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any

from extractor.eval.score import TABLE_OF, gold_cells

from extractor.errors import UsageError

_NUMBERED = re.compile(r"(.+)#([1-9][0-9]*)")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
# What a record holds beside its tables.
_AROUND = frozenset({"form", "organization", "year", "title", "sections"})
_SHOWN = 8
_DIGITS = 40


@dataclass(frozen=True, slots=True)
class Label:
    """One labelled report. `file` is the report's file as `source` names it, `number` which report of it (from 1)."""

    name: str
    source: str
    file: str
    number: int | None
    year: int | None
    organization: str | None
    family: str
    record: dict[str, Any]
    sha256: str
    report_sha256: str
    note: str | None = None
    labelled: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None

    @property
    def form(self) -> str:
        """The form's version, as the record says it."""
        return str(self.record.get("form") or "unknown")


@dataclass(frozen=True, slots=True)
class GoldSet:
    """Labels in the order of their names. `unlabelled`: reports without a label; they are left out and counted.

    `open`: a report's bytes by its `file`. `claims`: the labelled claims of a file, where there are any.
    """

    labels: tuple[Label, ...]
    unlabelled: tuple[str, ...]
    open: Callable[[str], bytes]
    claims: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def files(self) -> Iterator[tuple[str, tuple[Label, ...]]]:
        """Each report's file with its labels, in the order of the first label of each."""
        groups: dict[str, list[Label]] = {}
        for label in self.labels:
            groups.setdefault(label.file, []).append(label)
        for file, labels in groups.items():
            yield file, tuple(labels)

    def text(self, file: str) -> str:
        """The stored text of a report. Errors: InputError where the file is of no kind that is read."""
        from extractor.document.sources import read_bytes

        return read_bytes(self.open(file))


def load(gold: Path, reports: Path, claims: Path | None = None) -> GoldSet:
    """The gold under a folder (or one label), with its reports. Errors: UsageError that names every faulty label."""
    if not gold.exists():
        raise UsageError("no_gold", f"There is no folder of labels at {gold}.", "Name it with --gold DIR.")
    if not reports.is_dir():
        raise UsageError("no_reports", f"There is no folder of reports at {reports}.", "Name it with --reports DIR.")
    paths = _visible(gold, "*.json") if gold.is_dir() else [gold]
    if not paths:
        raise UsageError(
            "empty_gold", f"{gold} holds no label (NAME.json), so there is nothing to score.",
            "Name another folder with --gold DIR, or make a label with `gouji label REPORT`.",
        )  # fmt: skip
    faults: list[str] = []
    labels: list[Label] = []
    digests: dict[str, str] = {}
    for path in paths:
        shown = path.relative_to(gold).as_posix() if gold.is_dir() else path.name
        try:
            labels.append(_label(path, reports, digests))
        except (_Fault, OSError) as fault:
            said = fault.faults if isinstance(fault, _Fault) else [f"cannot be read: {fault.strerror}"]
            faults += [f"{shown}: {one}" for one in said]
    faults += _doubles(labels, gold)
    if faults:
        raise _refusal(gold, faults)
    labels.sort(key=lambda label: label.name)
    used = {label.file for label in labels}
    found = [path.relative_to(reports).as_posix() for path in _visible(reports, "*")]
    return GoldSet(
        tuple(labels),
        tuple(name for name in found if name not in used and not _is_label(name)),
        lambda file: (reports / file).read_bytes(),
        load_claims(claims) if claims is not None else {},
    )


def load_claims(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The labelled claims under a folder by the report's file. Errors: UsageError `bad_gold`."""
    if not folder.is_dir():
        raise UsageError("no_claims", f"There is no folder of labelled claims at {folder}.", "Name another one.")
    claims = {}
    faults = []
    for path in _visible(folder, "*.json"):
        try:
            label = _json(path)
            for claim in label["claims"]:
                claim["field"], Decimal(str(claim["value"])), claim["scope"], claim["span"][1]
            claims[str(label["source"])] = label["claims"]
        except _Fault as fault:
            faults += [f"{path.name}: {one}" for one in fault.faults]
        except (KeyError, TypeError, IndexError, ArithmeticError):
            faults.append(f"{path.name}: it is no label of claims (fixtures/claims/README.md says what one is)")
    if faults:
        raise _refusal(folder, faults)
    return claims


def _refusal(folder: Path, faults: Sequence[str]) -> UsageError:
    told = faults[0]
    if len(faults) > 1:
        more = [f"and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
        told = "\n    ".join([f"{len(faults)} faults", *faults[:_SHOWN], *more])
    return UsageError(
        "bad_gold",
        f"The gold under {folder} cannot be scored: {told}",
        "Mend these labels or take them out of the folder.",
    )


class _Fault(Exception):
    """What is wrong with one label."""

    def __init__(self, *faults: str) -> None:
        super().__init__(*faults)
        self.faults = faults


def _visible(folder: Path, pattern: str) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob(pattern)
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _is_label(name: str) -> bool:
    """Labels may lie beside their reports."""
    return name.endswith(".json")


def _json(path: Path) -> dict[str, Any]:
    """A file's JSON object; a key that stands twice is a fault, amounts are exact."""
    try:
        found = json.loads(
            path.read_bytes().decode("utf-8-sig"),
            object_pairs_hook=_once,
            parse_float=Decimal,
            parse_constant=lambda name: _no_number(name),
        )
    except UnicodeDecodeError as error:
        raise _Fault(f"it is not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise _Fault(f"it is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except (RecursionError, ValueError) as error:
        raise _Fault("it is nested too deep" if isinstance(error, RecursionError) else str(error)) from None
    if not isinstance(found, dict):
        raise _Fault(f"it holds {_kind(found)}, not an object")
    return found


def _no_number(name: str) -> Any:
    raise _Fault(f"{name} is no number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Fault(f"the key {key!r} stands twice in one object")
        found[key] = value
    return found


def _label(path: Path, reports: Path, digests: dict[str, str]) -> Label:
    raw = _json(path)
    faults: list[str] = []
    year, organization, family = raw.get("year"), raw.get("organization"), raw.get("family")
    if year is not None and (not isinstance(year, int) or isinstance(year, bool)):
        faults.append(f"year is {year!r}, not a whole number")
    for key, value in (("organization", organization), ("family", family)):
        if value is not None and not isinstance(value, str):
            faults.append(f"{key} is {_kind(value)}, not a string")
    record = raw.get("record")
    faults += _record_faults(record) if isinstance(record, dict) else [f"record is {_kind(record)}, not an object"]
    file, number = "", None
    source = raw.get("source")
    if not isinstance(source, str) or not source:
        faults.append(f"source is {_kind(source)}, not the name of its report")
    else:
        file, number, why = _report(source, reports)
        if why:
            faults.append(why)
    if faults:
        raise _Fault(*faults)
    if file not in digests:
        digests[file] = hashlib.sha256((reports / file).read_bytes()).hexdigest()
    return Label(
        name=path.stem,
        source=str(source),
        file=file,
        number=number,
        year=year,
        organization=organization,
        family=family or "unknown",
        record=raw["record"],
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        report_sha256=digests[file],
        note=raw.get("note") if isinstance(raw.get("note"), str) else None,
        labelled=raw["labelled"] if isinstance(raw.get("labelled"), dict) else {},
        path=path,
    )


def _report(source: str, reports: Path) -> tuple[str, int | None, str]:
    """The report's file, which report of it, and what is wrong."""
    pure = PurePosixPath(source)
    if pure.is_absolute() or ".." in pure.parts or "\\" in source or "\0" in source:
        return "", None, f"source {source!r} is no path under the reports' folder"
    if (reports / source).is_file():
        return source, None, ""
    numbered = _NUMBERED.fullmatch(source)
    file = numbered[1] if numbered else source
    if not (reports / file).is_file():
        return "", None, f"its report {file} is not in {reports}"
    return file, int(numbered[2]) if numbered else None, ""


def _record_faults(record: dict[str, Any]) -> Iterator[str]:
    """What is no record. A record of another form is none of it: its rows and columns are scored as they stand."""
    for key, table in record.items():
        if key in _AROUND:
            continue
        if key not in TABLE_OF:
            yield f"record.{key} is no table; tables are {', '.join(TABLE_OF)}"
        elif table is not None and not isinstance(table, dict):
            yield f"record.{key} is {_kind(table)}, not an object"
        elif table and key in ("disclosure", "requests"):
            for row, cells in table.items():
                if cells is not None and not isinstance(cells, dict):
                    yield f"record.{key}.{row} is {_kind(cells)}, not an object"
    try:
        cells = list(gold_cells(record))
    except AttributeError:
        return
    if not cells:
        yield "record has not one cell"
    for path, value in cells:
        if not _is_value(value):
            yield f'{path} is {_kind(value)}; a cell is a number, null or "?"'


def _is_value(value: Any) -> bool:
    if value is None or value == "?":
        return True
    if isinstance(value, str):
        return _DECIMAL.fullmatch(value) is not None
    if isinstance(value, Decimal):
        return abs(value.adjusted()) < _DIGITS
    return isinstance(value, int) and not isinstance(value, bool)


def _kind(value: Any) -> str:
    """A value as a message names it."""
    if value is None:
        return "null"
    if isinstance(value, str | int | Decimal):
        text = json.dumps(value, ensure_ascii=False, default=str)
        return text if len(text) <= 40 else text[:39] + "…"
    return "a list" if isinstance(value, list) else "an object"


def _doubles(labels: Sequence[Label], gold: Path) -> Iterator[str]:
    """Names and reports that are labelled twice."""
    names: dict[str, Label] = {}
    reports: dict[tuple[Any, ...], Label] = {}
    for label in labels:
        assert label.path is not None
        shown = label.path.relative_to(gold).as_posix() if gold.is_dir() else label.path.name
        # Names that differ in case or composition only cannot both exist on every file system.
        name = unicodedata.normalize("NFC", label.name).casefold()
        if name in names:
            yield f"{shown}: the name stands already at {names[name].path}"
        names.setdefault(name, label)
        # One file may hold several reports: they differ by number, or by year and body.
        key = (label.file, label.number) if label.number else (label.file, label.year, label.organization)
        if key in reports:
            yield f"{shown}: its report {label.source} is labelled already by {reports[key].name}"
        reports.setdefault(key, label)
