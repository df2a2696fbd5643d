"""What comes out for one report: cells, findings, verdicts (the contract's JSON)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from extractor.claims.claim import Claim
    from extractor.document.content import Place
    from extractor.regions.region import Region

State = Literal["reported", "blank", "not_applicable", "missing", "illegible", "ambiguous"]
Method = Literal["rule", "llm", "given", "human", "derived"]
Verdict = Literal["verified", "reconciled", "inconsistent", "needs_review", "failed"]
Severity = Literal["error", "warning", "info"]
Blame = Literal["source", "extraction", "undecided"]
Value = int | Decimal

TRUSTED: frozenset[Verdict] = frozenset({"verified", "reconciled", "inconsistent"})
# A document takes the first of these that occurs among its tables (`failed` only if all three failed).
WORST_FIRST: tuple[Verdict, ...] = ("needs_review", "inconsistent", "reconciled", "verified")


@dataclass(slots=True)
class Cell:
    """One cell of the form in one report.

    `state` says what is on paper, `method` where the value comes from. A `reported` cell has
    `text[span[0]:span[1]] == raw`. `because` lists the rules that left exactly one value to a derived cell,
    `candidates` the readings that the text allows where nothing decides.
    """

    path: str
    value: Value | None = None
    state: State = "missing"
    raw: str | None = None
    span: tuple[int, int] | None = None
    method: Method | None = None
    unit: str | None = None
    because: tuple[str, ...] = ()
    candidates: tuple[Value, ...] = ()
    place: Place | None = None  # in the file, where its format knows more than the text

    def to_json(self) -> dict[str, Any]:
        """The contract's object; amounts as decimal strings."""
        out: dict[str, Any] = {
            "path": self.path,
            "value": plain(self.value),
            "state": self.state,
            "raw": self.raw,
            "span": list(self.span) if self.span else None,
            "method": self.method,
        }
        if self.unit is not None:
            out["unit"] = self.unit
        if self.because:
            out["because"] = list(self.because)
        if self.candidates:
            out["candidates"] = [plain(value) for value in self.candidates]
        if self.place is not None:
            out["place"] = self.place.to_json()
        return out


def plain(value: Value | None) -> int | str | None:
    """A value as JSON has it: counts as integers, amounts as exact decimal strings."""
    return format(value, "f") if isinstance(value, Decimal) else value


# A count with more digits is longer than any a report could mean; sums of such values are still exact.
MAX_DIGITS = 12

_EXACT = re.compile(r"-?(?:0|[1-9]\d{0,23})(?:\.\d{1,24})?")


def exact(value: Any) -> Decimal | None:
    """An amount as the contract writes it (an exact decimal string; a JSON number is one too) as a Decimal; None for
    all else, also for what no amount of money could be (24 digits and more)."""
    if isinstance(value, Decimal) and value.is_finite() and -24 <= value.adjusted() <= 24:
        value = format(value, "f")
    elif type(value) is int and abs(value) < 10**24:
        value = str(value)
    return Decimal(value) if isinstance(value, str) and _EXACT.fullmatch(value) else None


@dataclass(slots=True)
class Hypothesis:
    """A smallest set of cells whose change would satisfy all rules that fail together. Never applied."""

    cells: tuple[str, ...]
    text: str
    text_en: str = ""

    def to_json(self) -> dict[str, Any]:
        """The contract's object."""
        return {"cells": list(self.cells), "text": self.text}


@dataclass(frozen=True, slots=True)
class Evidence:
    """Characters that a finding speaks of: `of` is the cell's path, or what the narrative's claim is about."""

    of: str
    raw: str
    span: tuple[int, int]

    def to_json(self) -> dict[str, Any]:
        return {"of": self.of, "raw": self.raw, "span": list(self.span)}


@dataclass(slots=True)
class Finding:
    """A rule that failed or could not be assessed.

    `message` is in the form's own words, `message_en` in English; `reason` says why `blame` is what it is.
    """

    rule: str
    status: Literal["fail", "not_assessable"]
    severity: Severity
    message: str
    cells: tuple[str, ...] = ()
    left: Value | None = None
    right: Value | None = None
    suspects: tuple[str, ...] = ()
    hypotheses: tuple[Hypothesis, ...] = ()
    blame: Blame = "undecided"
    reason: str = ""
    evidence: tuple[Evidence, ...] = ()
    message_en: str = ""
    missing: tuple[str, ...] = ()  # the operands without a number

    def to_json(self) -> dict[str, Any]:
        """The contract's object, and beside it English words, the blame's reason, places and what is missing."""
        return {
            "rule": self.rule,
            "status": self.status,
            "severity": self.severity,
            "left": plain(self.left),
            "right": plain(self.right),
            "cells": list(self.cells),
            "suspects": list(self.suspects),
            "hypotheses": [hypothesis.to_json() for hypothesis in self.hypotheses],
            "blame": self.blame,
            "reason": self.reason,
            "message": self.message,
            "message_en": self.message_en,
            "evidence": [piece.to_json() for piece in self.evidence],
            "missing": list(self.missing),
        }


@dataclass(slots=True)
class Usage:
    """What the model stage cost; all zero and cost null where no model was asked."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The contract's object."""
        return {
            "calls": self.calls,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "cost": self.cost,
        }


@dataclass(slots=True)
class Result:
    """The outcome for one report. `record` is the contract's record (plain JSON values), null when failed.

    `text` is the stored text that spans count in (not part of the JSON).
    """

    source: str
    sha256: str | None
    verdict: Verdict
    verdicts: dict[str, Verdict]
    record: dict[str, Any] | None
    cells: list[Cell]
    findings: list[Finding]
    usage: Usage = field(default_factory=Usage)
    error: dict[str, str] | None = None
    text: str = ""
    claims: list[Claim] = field(default_factory=list)
    region: Region | None = None  # where the issuing body belongs; None where its name says no place
    unanswered: int = 0  # questions to a model that got no answer (not part of the JSON; a finding says why)

    def to_json(self) -> dict[str, Any]:
        """The object of one line of `gouji extract --json`."""
        return {
            "source": self.source,
            "sha256": self.sha256,
            "verdict": self.verdict,
            "verdicts": dict(self.verdicts),
            "record": self.record,
            "cells": [cell.to_json() for cell in self.cells],
            "findings": [finding.to_json() for finding in self.findings],
            "usage": self.usage.to_json(),
            "claims": [claim.to_json() for claim in self.claims],
            "region": None if self.region is None else self.region.to_json(),
            "error": self.error,
        }


def document_verdict(verdicts: dict[str, Verdict]) -> Verdict:
    """The document's verdict from its tables' (CONTRACT, `gouji extract`)."""
    found = set(verdicts.values())
    if found == {"failed"}:
        return "failed"
    if "failed" in found:
        return "needs_review"
    return next(verdict for verdict in WORST_FIRST if verdict in found)


def failed(source: str, sha256: str | None, code: str, message: str, hint: str, text: str = "") -> Result:
    """A document that gave nothing: no record, no cells, one error that says what to do."""
    return Result(
        source=source,
        sha256=sha256,
        verdict="failed",
        verdicts={"disclosure": "failed", "requests": "failed", "disputes": "failed"},
        record=None,
        cells=[],
        findings=[],
        error={"code": code, "message": message, "hint": hint},
        text=text,
    )
