"""The validator on records that anybody sent: in a process of its own, bounded in time and memory."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

from extractor.document.sandbox import Sandbox
from extractor.errors import GoujiError, UsageError
from extractor.rules.intake import Intake, parse, read_stream, take
from extractor.rules.session import Session


class Checker:
    """`check` takes turns: one process for all, beside those that read documents."""

    def __init__(self, seconds: float) -> None:
        self._sandbox = Sandbox(seconds=seconds)

    def check(self, records: bytes, previous: bytes | None = None) -> dict[str, Any]:
        """`records`, `broken` and `notes` as the API answers them.

        Both are records as `gouji check` reads them; `records` may also be an object with the keys `records` and
        `previous`. Errors: UsageError where there is nothing to check; InputError where it takes too long.
        """
        cut = None if previous is None else len(records)
        answer: dict[str, Any] = self._sandbox.run("check", records + (previous or b""), cut=cut)
        if "refused" in answer:
            raise UsageError(*answer["refused"])
        return answer

    def close(self) -> None:
        """Ends the process."""
        self._sandbox.close()


def check_task(data: bytes, cut: int | None) -> dict[str, Any]:
    """The sandbox's task; from `cut` on the bytes are last year's records (None: there are none)."""
    try:
        records, previous = _envelope(data) if cut is None else (None, None)
        if cut is not None:
            previous = list(read_stream(io.BytesIO(data[cut:])))
        if records is None:
            records = list(read_stream(io.BytesIO(data[:cut])))
        unread = [intake for intake in records if any(finding.rule == "record.json" for finding in intake.findings)]
        if len(unread) == len(records):
            why = unread[0].findings[0].message_en if unread else "there is no record"
            raise UsageError("no_record", f"Not one record can be read: {why}.", "Send a record, a list or JSON Lines.")
        session = Session(previous)
        judged = list(session.judge(("-", intake) for intake in records))
    except GoujiError as error:
        return {"refused": [error.code, error.message, error.hint]}
    return {
        "records": [one.to_json() for one in judged],
        "broken": sum(one.outcomes.broken for one in judged),
        "notes": session.notes,
    }


def _envelope(data: bytes) -> tuple[list[Intake] | None, list[Intake] | None]:
    """The records of `{"records": …, "previous": …}`; None where the bytes are no such object."""
    try:
        whole = parse(data)
    except ValueError:
        return None, None  # JSON Lines, or broken: reading it as a stream tells
    if not isinstance(whole, dict | list):
        raise UsageError("no_record", "The body is no record.", "Send a record, a list or JSON Lines.")
    if not isinstance(whole, dict) or "records" not in whole:
        return None, None
    if more := sorted(set(whole) - {"records", "previous"}):
        raise UsageError("unknown_key", f"{more[0][:60]!r} is no key of the request.", "Keys: records, previous.")
    previous = whole.get("previous")
    return list(_taken(whole["records"])), None if previous is None else list(_taken(previous))


def _taken(value: Any) -> Iterable[Intake]:
    items = value if isinstance(value, list) else [value]
    return (take(item, number) for number, item in enumerate(items, 1))
