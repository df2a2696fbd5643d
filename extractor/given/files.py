"""A file of given records, and whose each of them is: which document's, which report's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor.document.bodies import one_name_holds_the_other
from extractor.errors import UsageError
from extractor.given.record import NUMBERED, Given, cut, parse_given, show

if TYPE_CHECKING:
    from extractor.pipeline import Reading

MAX_BYTES = 256 * 2**20


def load_given(path: Path) -> list[dict[str, Any]]:
    """The records of a `--given` file, checked: a JSON object, a list of them, or JSON Lines.

    Each comes as `{"source", "record"}` (`record` null where the line has none), fit for `given_for`.
    Errors: UsageError `given_*`, naming the line.
    """
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAX_BYTES else b""
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError("given_unreadable", f"--given {path}: {reason}.", "Give a file that can be read.") from None
    if size > MAX_BYTES:
        limit = f"{MAX_BYTES // 2**20} MiB"
        raise UsageError("given_too_big", f"--given {path} is larger than {limit}.", "Split it.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError("given_encoding", f"--given {path}, line {line}: not UTF-8.", "Save it as UTF-8.") from None
    out = []
    for number, raw in _documents(text, path):
        given = parse_given(raw, f"line {number}, ")
        source = raw.get("source") if "record" in raw else None
        record = raw.get("record") if "record" in raw else raw
        if given is not None:
            record = {**{k: raw[k] for k in ("organization", "year") if raw.get(k) is not None}, **record}
        out.append({"source": source, "record": record})
    if not out:
        raise UsageError("given_empty", f"--given {path} holds no record.", "Write a record, a list, or JSON Lines.")
    return out


def _documents(text: str, path: Path) -> list[tuple[int, Any]]:
    """The JSON values of a file with the lines they begin on."""
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        return []
    try:
        first = None if lines[0][1].lstrip().startswith("[") else _loads(lines[0][1], path, lines[0][0])
    except UsageError:
        first = None  # An object over several lines, or broken: reading it whole tells.
    if first is not None:
        return [(lines[0][0], first), *((number, _loads(line, path, number)) for number, line in lines[1:])]
    whole = _loads(text, path, 1)
    return [(1, one) for one in whole] if isinstance(whole, list) else [(1, whole)]


def _loads(text: str, path: Path, line: int) -> Any:
    try:
        return json.loads(text, parse_float=Decimal, parse_int=_whole, object_pairs_hook=_no_repeats)
    except json.JSONDecodeError as error:
        message = f"--given {path}, line {line + error.lineno - 1}, column {error.colno}: {error.msg}."
    except RecursionError:
        message = f"--given {path}, line {line}: nested too deeply."
    except _RepeatedError as error:
        raise UsageError(
            "given_repeated_key", f"--given {path}, line {line}: the key {error} stands twice in one object.", ""
        ) from None
    raise UsageError("given_not_json", message, "Write a record, a list of records, or JSON Lines.") from None


class _RepeatedError(Exception):
    pass


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in pairs:
        if key in out:
            raise _RepeatedError(show(key))
        out[key] = value
    return out


def _whole(digits: str) -> int | Decimal:
    """JSON integers; one too long for any count stays a decimal, so that its path can be named."""
    return int(digits) if len(digits) <= 40 else Decimal(digits)


def given_for(source: str, lines: Sequence[Mapping[str, Any]], alone: bool = False) -> list[Mapping[str, Any]]:
    """The lines of `load_given` that belong to the document `source`, in order; [] where none does.

    A line belongs by its `source`: equal, equal but for `#2`, or the same file name. Where the document is the
    only one (`alone`), lines without `source` are its lines. Errors: UsageError `given_source`.
    """
    unnamed = [line for line in lines if line["source"] is None]
    if unnamed and not alone:
        raise UsageError(
            "given_source",
            f"{len(unnamed)} of {len(lines)} given records do not say which document they are of.",
            'Several documents are read: write {"source": "PATH", "record": {…}} on each line.',
        )
    named = [(line, str(line["source"])) for line in lines if line["source"] is not None]
    exact = [line for line, said in named if source in (said, NUMBERED.sub("", said))]
    if exact:
        return exact
    alike = [(line, path) for line, said in named if _name(path := NUMBERED.sub("", said)) == _name(source)]
    if len({path for _, path in alike}) > 1:
        raise UsageError(
            "given_source",
            f"Given records of different files with one name match {cut(source)}.",
            "Write the path as `gouji extract` is given it.",
        )
    return [line for line, _ in alike] or unnamed


def _name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def unused_given(lines: Sequence[Mapping[str, Any]], sources: Iterable[str]) -> list[str]:
    """The sources of the given lines that belong to none of the documents read (for a warning at the end)."""
    used = {id(line) for source in sources for line in given_for(source, lines, alone=True)}
    return [str(line["source"]) for line in lines if id(line) not in used]


def match_given(readings: Sequence[Reading], given: object) -> list[Given | None]:
    """For each report of a document the record given for it, or None.

    `given`: one record or a list of them (None in a list: nothing is known of that report). They are matched by
    `path#2`, else by year and body where these tell, else by order. Errors: UsageError `given_*`.
    """
    several = isinstance(given, (list, tuple))
    raws: Sequence[object] = given if isinstance(given, (list, tuple)) else [given]
    items = [
        None if raw is None else raw if isinstance(raw, Given) else parse_given(raw, f"[{i}]." if several else "")
        for i, raw in enumerate(raws)
    ]
    known = [item for item in items if item is not None]
    if len(readings) == 1 and len(items) == 1:
        return items
    out: list[Given | None] = [None] * len(readings)
    placed = [_place(item, readings) for item in known]
    if None not in placed and len(set(placed)) == len(placed):
        for item, index in zip(known, placed, strict=True):
            if index is not None:
                out[index] = item
        return out
    if len(items) != len(readings):
        raise UsageError(
            "given_count",
            f"The document holds {len(readings)} report{'s' * (len(readings) != 1)}, {len(items)} given "
            f"record{'s' * (len(items) != 1)} came for it.",
            "Give one record for each report in their order (null for none), or write each one's year.",
        )
    return items


def _place(given: Given, readings: Sequence[Reading]) -> int | None:
    """Which report the given record says it is of, where exactly one answers to it."""
    if given.number is not None and given.number <= len(readings):
        return given.number - 1
    body = given.organization
    fits = [
        index
        for index, reading in enumerate(readings)
        if (given.year is not None or body is not None)
        and given.year in (None, reading.identity.year)
        and (body is None or one_name_holds_the_other(body, reading.identity.organization or ""))
    ]
    return fits[0] if len(fits) == 1 else None
