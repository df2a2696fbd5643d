"""One document, from its bytes to what the service keeps of it. Runs in a reader's process (document/sandbox.py)."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from extractor.document.sandbox import told_killed
from extractor.document.sources import Source
from extractor.errors import UsageError
from extractor.export.jsonl import dump
from extractor.files import readings_of
from extractor.pipeline import Reading, results_of
from extractor.results import TRUSTED, WORST_FIRST, Result
from extractor.review.doubt import Doubt, doubt_of


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """What the service asks its database about one report, without opening its JSON."""

    verdict: str
    verdicts: dict[str, str]
    organization: str | None
    year: int | None
    form: str | None
    province: str | None
    region_code: str | None
    doubts: dict[str, Doubt]  # by table
    failures: list[tuple[str, str, str]]  # rule, severity, blame


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one document. `lines` is a JSON array of the contract's objects, `text` the stored text (UTF-8, lone
    surrogates passed), both compressed with zlib; `text` is None where the bytes could not be read."""

    lines: bytes
    text: bytes | None
    text_sha256: str | None
    reports: list[ReportSummary] = field(default_factory=list)
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: str | None = None

    @property
    def verdict(self) -> str:
        """The worst of the reports' verdicts."""
        found = {report.verdict for report in self.reports}
        return next((verdict for verdict in ("failed", *WORST_FIRST) if verdict in found), "failed")

    @property
    def doubtful(self) -> bool:
        """Whether a table was read that is not trusted: what a model might settle."""
        return any(
            verdict not in TRUSTED
            for report in self.reports
            if report.verdict != "failed"
            for verdict in report.verdicts.values()
        )


def read_document(data: bytes, source: str, given: Any = None) -> tuple[list[Reading | Result], str | None]:
    """The reports of a document as the reader alone read them, and its stored text; nothing here raises on a document.

    `given` is the caller's own record or a list of them. Errors: UsageError where it fits no report; Killed where a
    process that was to read a part of it was ended by others.
    """
    readings, was_read = readings_of(Source(source, data=data))
    for reading in readings:
        if isinstance(reading, Result):
            told_killed(reading.error)
    read = [reading for reading in readings if isinstance(reading, Reading)]
    if given is not None and read:
        from extractor.given import match_given, take_given

        take_given(read, match_given(read, given))
    text = next((reading.text for reading in readings), None) if was_read else None
    return readings, text


def outcome_of(results: Sequence[Result], text: str | None) -> Outcome:
    """The results as the service keeps them."""
    lines = [result.to_json() for result in results]
    plain = "[" + ",".join(dump(line) for line in lines) + "]"
    stored = None if text is None else text.encode("utf-8", "surrogatepass")
    costs = [result.usage.cost for result in results if result.usage.cost is not None]
    from decimal import Decimal

    return Outcome(
        lines=zlib.compress(plain.encode(), 1),
        text=None if stored is None else zlib.compress(stored, 1),
        text_sha256=None if stored is None else hashlib.sha256(stored).hexdigest(),
        reports=[_summary(line) for line in lines],
        calls=sum(result.usage.calls for result in results),
        prompt_tokens=sum(result.usage.prompt_tokens for result in results),
        completion_tokens=sum(result.usage.completion_tokens for result in results),
        cost=format(sum(map(Decimal, costs)), "f") if costs else None,
    )


def _summary(line: dict[str, Any]) -> ReportSummary:
    record, region = line["record"] or {}, line["region"] or {}
    code = region.get("code")
    return ReportSummary(
        verdict=line["verdict"],
        verdicts=line["verdicts"],
        organization=record.get("organization"),
        year=record.get("year"),
        form=record.get("form"),
        province=region.get("province"),
        region_code=None if code is None else str(code),
        doubts=doubt_of(line),
        failures=[(f["rule"], f["severity"], f["blame"]) for f in line["findings"] if f["status"] == "fail"],
    )


def read_task(data: bytes, source: str, given: str | None) -> dict[str, Any]:
    """The sandbox's task: the reader alone. `given` is JSON; what comes back is JSON."""
    try:
        readings, text = read_document(data, source, None if given is None else json.loads(given))
    except UsageError as error:
        return {"refused": [error.code, error.message, error.hint]}
    results = [found if isinstance(found, Result) else results_of([found])[0] for found in readings]
    outcome = outcome_of(results, text)
    return {
        "lines": base64.b64encode(outcome.lines).decode(),
        "text": None if outcome.text is None else base64.b64encode(outcome.text).decode(),
        "text_sha256": outcome.text_sha256,
        "reports": [
            {
                **{name: getattr(report, name) for name in _PLAIN},
                "doubts": {k: list(d) for k, d in report.doubts.items()},
            }
            for report in outcome.reports
        ],
    }


_PLAIN = ("verdict", "verdicts", "organization", "year", "form", "province", "region_code", "failures")


def outcome_from(answer: dict[str, Any]) -> Outcome:
    """What `read_task` gave. Errors: UsageError where the caller's own record was refused."""
    if "refused" in answer:
        raise UsageError(*answer["refused"])
    return Outcome(
        lines=base64.b64decode(answer["lines"]),
        text=None if answer["text"] is None else base64.b64decode(answer["text"]),
        text_sha256=answer["text_sha256"],
        reports=[
            ReportSummary(
                **{name: report[name] for name in _PLAIN},
                doubts={key: Doubt(*doubt) for key, doubt in report["doubts"].items()},
            )
            for report in answer["reports"]
        ],
    )
