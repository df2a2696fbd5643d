"""A reviewed report as gold for `gouji eval` (CONTRACT, `gouji eval`): what is on paper, said by people.

Of a table that is settled every cell is a number or null. Of one that is not, only the cells that a person decided are;
the others are "?".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from extractor.document.sources import read_bytes
from extractor.errors import InputError
from extractor.form import DISPUTE_BLOCKS, DISPUTE_COLUMNS, REQUEST_COLUMNS
from extractor.review.apply import Reviewed
from extractor.review.decisions import Decision, standing
from extractor.review.doubt import table_of
from extractor.review.paper import Paper, kind_of

LONGEST_NAME = 40  # characters of a body's name in a file's name
_NOT_IN_NAMES = re.compile(r"[^\w（）()-]+|_+")


def name_of(record: Mapping[str, Any] | None, text_sha256: str) -> str:
    """A file name that any system holds, the same each time: body, year, the beginning of the text's SHA-256."""
    record = record or {}
    body = unicodedata.normalize("NFC", str(record.get("organization") or ""))
    body = _NOT_IN_NAMES.sub("-", body)[:LONGEST_NAME].strip("-.")
    return "-".join(str(part) for part in (body or "report", record.get("year") or "", text_sha256[:12]) if part)


def can_be_read_back(text: str) -> bool:
    """Whether the text, written to a file, is read from it as the same text."""
    try:
        return read_bytes(text.encode()) == text
    except (InputError, UnicodeEncodeError):
        return False


def applied(done: Reviewed, decisions: Iterable[Decision]) -> list[Decision]:
    """The decisions that made the report what it is: not taken back, not replaced, and applied."""
    lost = {one.id for one in done.stale}
    cells = frozenset(done.decided.values())
    return [one for one in standing(decisions).all if one.id in cells or (one.rule is not None and one.id not in lost)]


def gold_of(done: Reviewed, decisions: Iterable[Decision], paper: Paper, source: str) -> dict[str, Any]:
    """The label of a report; `source` is the name of the text's file, with `#k` where it holds several reports."""
    line = done.line
    record = line["record"]
    said = {cell["path"]: _gold(cell, done) for cell in line["cells"]}
    made = applied(done, decisions)
    return {
        "source": source,
        "year": record["year"],
        "organization": record["organization"],
        "family": "reviewed",
        "labelled": {
            "by": "review",
            "who": sorted({one.who for one in made}),
            "when": max((one.at[:10] for one in made), default=""),
            "how": "decisions of reviewers over gouji's reading; a table called `machine` was decided by nobody",
            "tables": {name: _how(name, done) for name in line["verdicts"]},
            "decisions": [one.id for one in made],
        },
        "note": _note(done, made, paper),
        "record": {
            "form": record["form"],
            "disclosure": {row: _row(f"disclosure.{row}", cells, said) for row, cells in record["disclosure"].items()},
            "requests": {
                row: {name: said[f"requests.{row}.{name}"] for name in REQUEST_COLUMNS} for row in record["requests"]
            },
            **{block: {name: said[f"{block}.{name}"] for name in DISPUTE_COLUMNS} for block in DISPUTE_BLOCKS},
        },
    }


def _row(prefix: str, cells: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if name == "unit" else said[f"{prefix}.{name}"] for name, value in cells.items()}


def _gold(cell: Mapping[str, Any], done: Reviewed) -> Any:
    if not done.settled[table_of(cell["path"])] and cell["path"] not in done.decided:
        return "?"
    return cell["value"] if cell["state"] == "reported" else None


def _how(table: str, done: Reviewed) -> str:
    """Who decided the table's cells: `human` all of them, `both`, or `machine`."""
    cells = [cell["path"] in done.decided for cell in done.line["cells"] if table_of(cell["path"]) == table]
    return "human" if all(cells) else "both" if any(cells) else "machine"


def _note(done: Reviewed, made: Iterable[Decision], paper: Paper) -> str:
    """What `gouji eval lint` must know: rules that the report breaks, numbers that it prints in an unusual way."""
    failing = [f for f in done.line["findings"] if f["status"] == "fail" and f["severity"] == "error"]
    why = {one.rule: one.why for one in made if one.rule is not None}
    said = []
    for finding in failing:
        reason = why.get(finding["rule"])
        how = "printed so" if finding["blame"] == "source" else "and nobody decided whether it is printed so"
        said.append(f"{finding['rule']} does not hold, {how}{f': {reason}' if reason else ''}")
    for cell in done.line["cells"]:
        if cell["path"] in done.decided and cell["state"] == "reported":
            printed = paper.read((cell["span"][0], cell["span"][1]), kind_of(cell["path"]))
            if printed.loose or printed.cuts:
                said.append(f"{cell['path']} prints {cell['raw']!r}, labelled {cell['value']}")
    open_ = [table for table, settled in done.settled.items() if not settled]
    if open_:
        said.append(f'"?": nobody decided these cells of {", ".join(open_)}')
    return "; ".join(said)
