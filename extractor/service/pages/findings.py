"""Broken rules and decisions in words, beside the tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from extractor.cli.grid import table_of as table_of_code
from extractor.form import FORM, TABLES
from extractor.review.doubt import table_of
from extractor.rules.catalogue import rule_of
from extractor.service.pages.source import line_of
from extractor.service.pages.words import Words

_ORDER = ("error", "warning", "info")
SIGNS = {"error": "✗", "warning": "!", "info": "·"}


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """A piece of the text that a finding speaks of."""

    of: str
    raw: str
    start: int
    line: int


@dataclass(frozen=True, slots=True)
class FindingView:
    """A rule that failed or could not be assessed; `open` says whether a person may say that it is printed so."""

    rule: str
    table: str | None
    sign: str
    severity: str
    message: str
    message_language: str
    meaning: str
    left: str | None
    right: str | None
    blame: str
    cells: tuple[str, ...]
    suspects: tuple[str, ...]
    suspect_words: tuple[str, ...]
    hypotheses: tuple[str, ...]
    evidence: tuple[EvidenceView, ...]
    open: bool
    decided: bool


def finding_views(
    line: Mapping[str, Any], text: str, printed_so: Iterable[str], words: Words
) -> tuple[list[FindingView], list[FindingView]]:
    """Those that failed, hard ones first, and those that could not be assessed."""
    decided = set(printed_so)
    views = [_view(finding, text, decided, words) for finding in line["findings"]]
    failed = [view for view, finding in zip(views, line["findings"], strict=True) if finding["status"] == "fail"]
    others = [view for view, finding in zip(views, line["findings"], strict=True) if finding["status"] != "fail"]
    return sorted(failed, key=lambda view: _ORDER.index(view.severity)), others


def _view(finding: Mapping[str, Any], text: str, decided: set[str], words: Words) -> FindingView:
    rule = rule_of(finding["rule"])
    english = words.language == "en" and finding.get("message_en")
    numbers = finding["left"] is not None and finding["right"] is not None
    return FindingView(
        rule=finding["rule"],
        table=_table(finding),
        sign=SIGNS[finding["severity"]],
        severity=finding["severity"],
        message=finding["message_en"] if english else finding["message"],
        message_language="en" if english else "zh-Hans",
        meaning=rule.en if rule is not None and english else "",  # the Chinese message says it itself
        left=None if finding["left"] is None else str(finding["left"]),
        right=None if finding["right"] is None else str(finding["right"]),
        blame=finding["blame"],
        cells=tuple(finding["cells"]),
        suspects=tuple(finding["suspects"]),
        suspect_words=tuple(FORM.words(path) for path in finding["suspects"][:12]),
        hypotheses=tuple(hypothesis["text"] for hypothesis in finding["hypotheses"][:6]),
        evidence=tuple(_evidence(piece, text) for piece in finding.get("evidence", ())[:8]),
        open=finding["status"] == "fail" and finding["severity"] == "error" and numbers,
        decided=finding["rule"] in decided,
    )


def _table(finding: Mapping[str, Any]) -> str | None:
    """The table that it stands under; None for one that speaks of no cell."""
    if finding["cells"]:
        return table_of(finding["cells"][0])
    code = table_of_code(finding["rule"])
    return code if code in TABLES else None


def _evidence(piece: Mapping[str, Any], text: str) -> EvidenceView:
    start = piece["span"][0]
    of = piece["of"]
    return EvidenceView(FORM.words(of) if "." in of and table_of_code(of) in TABLES else of, piece["raw"], start,
                        line_of(text, start))  # fmt: skip


def rule_words(code: str, words: Words) -> str:
    """What a rule demands, in a sentence; its code where nobody wrote one."""
    rule = rule_of(code)
    return code if rule is None else (rule.en if words.language == "en" else rule.zh)
