"""Findings as a SARIF 2.1.0 log (OASIS), which editors and CI services show."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from extractor import __version__
from extractor.results import Finding
from extractor.rules.catalogue import Rule, rule_of
from extractor.rules.session import Judged

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def sarif_log(judged: Iterable[Judged]) -> dict[str, Any]:
    """The log of all records. Places are lines of the checked file and, where the page is known, characters of the
    document's stored text; cells are logical locations."""
    rules: dict[str, Rule] = {}
    results = []
    for item in judged:
        for finding in item.outcomes.findings:
            rule = rule_of(finding.rule)
            if rule is not None:
                rules.setdefault(rule.code, rule)
            results.append(_result(item, finding, rule))
    order = {code: number for number, code in enumerate(rules)}
    for result in results:
        if result["ruleId"] in order:
            result["ruleIndex"] = order[result["ruleId"]]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "gouji",
                        "version": __version__,
                        "rules": [_descriptor(rule) for rule in rules.values()],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": results,
            }
        ],
    }


def _descriptor(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "shortDescription": {"text": rule.zh},
        "fullDescription": {"text": rule.en},
        "help": {"text": f"{rule.formula}\n{rule.source}\n{rule.false_positives}"},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _result(item: Judged, finding: Finding, rule: Rule | None) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(item.source)}}
    if item.intake.line is not None:
        physical["region"] = {"startLine": item.intake.line}
    location: dict[str, Any] = {"physicalLocation": physical}
    logical = [{"fullyQualifiedName": path, "kind": "member"} for path in (finding.suspects or finding.cells)[:20]]
    if logical:
        location["logicalLocations"] = logical
    result: dict[str, Any] = {
        "ruleId": rule.code if rule else finding.rule,
        "kind": "fail" if finding.status == "fail" else "open",
        "level": _LEVELS[finding.severity] if finding.status == "fail" else "none",
        "message": {"text": f"{finding.message} / {finding.message_en}" if finding.message_en else finding.message},
        "locations": [location],
        # Under one name: other tools read words such as `blame` as their own.
        "properties": {
            "gouji": {
                "rule": finding.rule,
                "left": finding.to_json()["left"],
                "right": finding.to_json()["right"],
                "suspects": list(finding.suspects),
                "hypotheses": [hypothesis.text for hypothesis in finding.hypotheses],
                "blame": finding.blame,
            }
        },
    }
    related = _related(item, finding)
    if related:
        result["relatedLocations"] = related
    return result


def _related(item: Judged, finding: Finding) -> list[dict[str, Any]]:
    """Where the document prints what the finding speaks of."""
    case, document = item.intake.case, item.intake.document
    if case is None or document is None:
        return []
    pieces = {piece.span: piece.of for piece in finding.evidence}
    for path in finding.suspects:
        for piece in case.evidence(path):
            pieces.setdefault(piece.span, path)
    return [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": _uri(document)},
                "region": {"charOffset": span[0], "charLength": span[1] - span[0]},
            },
            "message": {"text": of},
        }
        for span, of in pieces.items()
    ]


def _uri(path: str) -> str:
    from urllib.parse import quote

    return quote(os.fsencode(path))
