"""docs/rules.md: the rule catalogue as a page, made from the data (`gouji explain --markdown`)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from extractor.rules.catalogue import Rule, catalogue, rule_of
from extractor.rules.examples import describe, example_outcome

_FAMILIES = {
    "record": "What a record must be",
    "equations": "The form's equations (hard)",
    "narrative": "Narrative against tables",
    "plausibility": "Plausibility",
    "years": "Across years",
    "bodies": "Across bodies",
    "structure": "Structure and quality of the page",
    "reading": "How a text was read",
    "file": "What to know of the file",
}
_HEAD = """# The rules

Made from `extractor/rules/entries/*.toml` by `make docs`; do not edit. `gouji explain CODE` prints one entry,
`gouji explain --json` all of them. How they are applied, and what is measured of them: [validator.md](validator.md).

A finding is `fail` or `not_assessable` (an operand is missing); a rule that does not apply to a record (no text, no
last year's record) says nothing. `error`: a hard rule, the table cannot be right as it is printed. `warning`: nearly
always an error. `info`: worth a look.
"""


def page() -> str:
    """The page's Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD
    for family, members in groupby(catalogue().values(), key=lambda rule: rule.family):
        rules = list(members)
        yield f"## {_FAMILIES[family]}\n"
        yield "| code | severity | meaning |"
        yield "|---|---|---|"
        for rule in rules:
            yield f"| [`{rule.code}`](#{_anchor(rule.code)}) | {rule.severity} | {_cell(rule.zh)} |"
        yield ""
        for rule in rules:
            yield from _entry(rule)


def _entry(rule: Rule) -> Iterator[str]:
    yield f"### {rule.code}\n"
    yield f"{rule.zh} {rule.en}\n"
    yield f"- severity: {rule.severity}"
    yield f"- formula: {_text(rule.formula)}"
    if rule.instances:
        yield f"- codes: {_text(rule.instances)}"
    yield f"- applies to: {_text(rule.applies)}"
    yield f"- source: {_text(rule.source)}"
    yield f"- passes: {_text(describe(rule.passes))}"
    yield f"- fails: {_text(describe(rule.fails))}"
    if rule.about_record:
        found = example_outcome(rule, rule.fails).findings
        finding = next(f for f in found if rule_of(f.rule) is rule)
        yield f"  - “{_text(finding.message)}”"
        yield f"  - “{_text(finding.message_en)}”"
    yield f"- false alarms: {_text(rule.false_positives)}\n"


def _anchor(code: str) -> str:
    return code.replace(".", "")


def _text(text: str) -> str:
    return text.replace("*", "\\*").replace("<", "&lt;").replace("\n", " / ")


def _cell(text: str) -> str:
    return _text(text).replace("|", "\\|")
