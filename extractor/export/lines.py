"""Where lines come from: databases of `--db`, and JSON Lines of `gouji extract --json`, read one at a time.

A line of a file may have been changed since it was printed: one that is no line of the contract, or that says two
things of one cell, is left out and told.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from pydantic import ValidationError

from extractor.document.sources import display
from extractor.errors import InputError
from extractor.form import DISPUTE_BLOCKS, GROUPS, cell_paths, equations
from extractor.reader.numbers import read_cell
from extractor.record import line_model
from extractor.results import TRUSTED, document_verdict
from extractor.store import Library
from extractor.store.load import is_database

MOST_BYTES = 64 * 2**20  # of one line
_NUMBER = re.compile(r"#(\d+)$")
Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line and where it stands: `number` counts over all sources, `batch` is the same for all reports that were
    read from one document at once; larger ones are newer."""

    number: int
    batch: int
    line: Line


def value_at(record: Mapping[str, Any], path: str) -> Any:
    """The value of a cell in a record, None where there is none."""
    head, _, rest = path.partition(".")
    if head in DISPUTE_BLOCKS:
        return record[head].get(rest)
    row, _, column = rest.rpartition(".")
    return (record[head].get(row) or {}).get(column)


def fault_of(line: Any) -> str | None:
    """What keeps a parsed JSON value from being a line of the contract; None where it is one."""
    if not isinstance(line, dict):
        return "no JSON object"
    if "record" not in line and "disclosure" in line:
        return "a bare record, not a line of `gouji extract --json`"
    try:
        line_model().model_validate(line)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return f"{'.'.join(map(str, fault['loc'])) or 'line'}: {fault['msg']}"
    return _contradiction(line)


def _contradiction(line: Line) -> str | None:
    record, cells = line["record"], line["cells"]
    if line["verdict"] != document_verdict(line["verdicts"]):
        return "the verdict is not that of its tables"
    if (record is None) != (line["verdict"] == "failed"):
        return "record is null exactly where the verdict is failed"
    if record is None:
        return "cells without a record" if cells else None
    said = {cell["path"]: cell["value"] for cell in cells}
    if len(said) != len(cells):
        return "a cell occurs twice"
    printed = frozenset(group for group in GROUPS if record["requests"].get(f"{group}.all") is not None)
    expected = [path for paths in cell_paths(record["form"], printed).values() for path in paths]
    if said.keys() != set(expected):
        return "cells are not those of the record"
    for path in expected:
        value = value_at(record, path)
        if type(value) is not type(said[path]) or value != said[path]:
            return f"{path}: the record says {value!r}, the cell {said[path]!r}"
    return _unproved(line)


def _unproved(line: Line) -> str | None:
    """What no trusted table has (CONTRACT, verdicts): a cell that may be anything."""
    for cell in line["cells"]:
        if cell["state"] == "reported" and (cell["span"] is None or cell["raw"] is None):
            return f"{cell['path']}: reported without the characters on paper"
        if (cell["value"] is None) != (cell["method"] is None):
            return f"{cell['path']}: a value and its method come together"
        head = cell["path"].partition(".")[0]
        verdict = line["verdicts"]["disputes" if head in DISPUTE_BLOCKS else head]
        fault = _unproved_cell(cell, verdict) if verdict in TRUSTED else None
        if fault:
            return f"{cell['path']}: {fault} in a table that is said to be {verdict}"
    for finding in line["findings"]:
        if (finding["status"], finding["severity"]) == ("fail", "error"):
            for path in finding["cells"]:
                head = path.partition(".")[0]
                table = "disputes" if head in DISPUTE_BLOCKS else head
                if line["verdicts"].get(table) in ("verified", "reconciled"):
                    return f"{finding['rule']} fails in a table that is said to be {line['verdicts'][table]}"
    record = line["record"]
    printed = frozenset(group for group in GROUPS if record["requests"].get(f"{group}.all") is not None)
    for equation in equations(printed, frozenset(group for group in printed if _without_rows(record, group))):
        table = "requests" if equation.code.startswith("requests.") else "disputes"
        if line["verdicts"][table] in ("verified", "reconciled"):
            left, right = ([value_at(record, path) for path in side] for side in (equation.left, equation.right))
            if None not in left and None not in right and sum(left) != sum(right):
                return f"{equation.code} does not hold in a table that is said to be {line['verdicts'][table]}"
    return None


def _unproved_cell(cell: Line, verdict: str) -> str | None:
    """What a cell has that none of a trusted table has."""
    state, raw, value = cell["state"], cell["raw"], cell["value"]
    if state in ("ambiguous", "illegible"):
        return str(state)
    if state != "reported":
        if verdict == "verified":
            return str(state)
        return None if value is None or cell["method"] == "derived" else f"{state}, but not derived"
    if value is None:
        return "reported without a value"
    start, end = cell["span"]
    if end - start != len(raw):
        return "a span that is not that of its characters"
    amount = cell["path"].endswith(".amount")
    read = read_cell(raw, "amount" if amount else "signed")
    if read and read.kind == "number" and read.value != (Decimal(value) if amount else value):
        return f"{raw!r} on paper, but {value}"
    return None


def _without_rows(record: Line, group: str) -> bool:
    return all(value is None for row in GROUPS[group] for value in record["requests"][row].values())


def parse(data: bytes) -> Any:
    """One line of JSON. Errors: ValueError with what is wrong."""
    try:
        return json.loads(data.decode("utf-8-sig"), object_pairs_hook=_unique, parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON ({error.msg} at column {error.colno})") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice in one object")
    return found


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


class Lines:
    """The lines of several sources, in order; may be gone through more than once.

    `complain` is called with each fault (source, line number, what is wrong), once. Standard input is spooled.
    Errors: InputError for a file that cannot be read; StoreError for a database.
    """

    def __init__(
        self, sources: Sequence[str], complain: Callable[[str, int, str], None], *, every: bool = False
    ) -> None:
        self._names, self._complain, self._every = list(sources), complain, every
        self._stack = ExitStack()
        self._opened: list[tuple[str, Library | BinaryIO]] = []
        self._bad: dict[int, set[int]] = {}  # by file that was gone through: the lines left out

    def __enter__(self) -> Lines:
        with self._stack:
            for name in self._names:
                self._opened.append((name, self._open(name)))
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _open(self, name: str) -> Library | BinaryIO:
        if name == "-":
            spool = tempfile.TemporaryFile()  # noqa: SIM115
            self._stack.callback(spool.close)
            shutil.copyfileobj(sys.stdin.buffer, spool)
            return spool
        path = Path(name)
        try:
            if is_database(path):
                return self._stack.enter_context(Library(path))
            return self._stack.enter_context(path.open("rb"))
        except OSError as error:
            raise InputError(
                "unreadable",
                f"{display(name)}: {error.strerror or error}.",
                "Give a database of `gouji extract --db` or a file of `gouji extract --json`.",
            ) from error

    @property
    def bad(self) -> int:
        """How many lines were left out."""
        return sum(map(len, self._bad.values()))

    def heads(self) -> Iterator[Entry]:
        """Every line; without cells, findings and claims where that is cheaper."""
        return self._entries(whole=False)

    def __iter__(self) -> Iterator[Entry]:
        return self._entries(whole=True)

    def _entries(self, whole: bool) -> Iterator[Entry]:
        number = batch = 0
        for index, (_, opened) in enumerate(self._opened):
            before: Line = {"source": "", "sha256": None}
            found: Iterator[Line]
            if isinstance(opened, Library):
                found = (line for _, line in (opened.lines if whole else opened.heads)(self._every))
            else:
                found = self._of_file(index)
            for line in found:
                number += 1
                if not continues(before, line):
                    batch = number
                yield Entry(number, batch, line)
                before = line

    def _of_file(self, index: int) -> Iterator[Line]:
        name, stream = self._opened[index]
        assert not isinstance(stream, Library)
        stream.seek(0)
        known, bad = self._bad.get(index), set[int]()
        for number, data in enumerate(iter(lambda: stream.readline(MOST_BYTES), b""), 1):
            if not data.strip() or (known is not None and number in known):
                continue
            try:
                line = parse(data)
                fault = fault_of(line) if known is None else None
            except ValueError as error:
                fault = str(error)
            if fault is None:
                yield line
            else:
                bad.add(number)
                self._complain(display(name), number, fault)
        self._bad.setdefault(index, bad)


def continues(before: Line, line: Line) -> bool:
    """Whether two lines that follow each other are reports of one document, read at once."""
    one, two = _NUMBER.search(before["source"]), _NUMBER.search(line["source"])
    return bool(
        one
        and two
        and before["sha256"] == line["sha256"]
        and before["source"][: one.start()] == line["source"][: two.start()]
        and int(two.group(1)) == int(one.group(1)) + 1
    )


def base_of(lines: Sequence[Line]) -> str:
    """The source of a document's reports: without #1 where there are several."""
    source: str = lines[0]["source"]
    return _NUMBER.sub("", source) if len(lines) > 1 else source
