"""The catalogue is whole: every rule has its words, an example that passes and one that fails, and its page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from extractor.rules.catalogue import FAMILIES, Rule, catalogue, rule_of
from extractor.rules.engine import Outcomes, checks
from extractor.rules.examples import example_outcome

RULES = [rule for rule in catalogue().values() if rule.about_record]
ROOT = Path(__file__).parent.parent


def of_rule(rule: Rule, outcomes: Outcomes) -> list[str]:
    return [f.status for f in outcomes.findings if (found := rule_of(f.rule)) and found.code == rule.code]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_failing_example_fails_and_the_passing_one_does_not(rule: Rule) -> None:
    status = "not_assessable" if rule.code == "record.none" else "fail"  # of a failed document no rule failed
    assert status in of_rule(rule, example_outcome(rule, rule.fails))
    passing = example_outcome(rule, rule.passes)
    assert of_rule(rule, passing) == []


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.code in checks()], ids=lambda rule: rule.code)
def test_the_passing_example_is_a_pass_and_not_a_rule_that_does_not_apply(rule: Rule) -> None:
    from extractor.rules.examples import example_case

    if any(key in rule.passes for key in ("json", "record", "without")):
        pytest.skip("judged at the door, before there is a case")
    outcomes = list(checks()[rule.code](example_case(rule.passes)))
    assert outcomes
    assert all(outcome is None for outcome in outcomes)


@pytest.mark.parametrize("rule", catalogue().values(), ids=lambda rule: rule.code)
def test_every_rule_is_explained_in_both_languages(rule: Rule) -> None:
    for words in (rule.formula, rule.applies, rule.source, rule.en, rule.false_positives):
        assert len(words.strip()) > 4
    assert re.search("[一-鿿]", rule.zh)
    assert rule.zh.endswith("。")
    assert rule.en.endswith(".")
    assert rule.severity in ("error", "warning", "info")
    assert rule.family in FAMILIES
    assert rule.passes
    assert rule.fails


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_failure_says_what_and_where_in_both_languages(rule: Rule) -> None:
    outcomes = example_outcome(rule, rule.fails)
    found = [f for f in outcomes.findings if (its := rule_of(f.rule)) and its.code == rule.code]
    finding = found[0]
    assert finding.severity == rule.severity
    assert re.search("[一-鿿]", finding.message)
    assert re.search("[a-z]{3}", finding.message_en)
    for words in (finding.message, finding.message_en):
        assert "{" not in words.replace("{" + '"', "")
        assert "None" not in words
    if rule.severity != "error":  # an equation's example breaks others too, a malformed record in several places
        assert len(found) == 1
    if rule.family not in ("record", "equations"):
        assert (finding.rule != rule.code) == bool(rule.instances)


def test_every_registered_function_is_in_the_catalogue_and_every_soft_rule_has_one() -> None:
    outside = {
        "record.json",
        "record.shape",
        "record.value",
        "record.incomplete",
        "record.none",
        "record.cells",
        "record.page",
    }
    expected = {r.code for r in RULES if r.family != "equations"} - outside
    assert set(checks()) == expected


def test_every_code_that_the_sources_write_is_in_the_catalogue() -> None:
    written = set()
    for path in (ROOT / "extractor").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        written |= set(re.findall(r'(?:fail|not_assessable|_finding|check)\(\s*"([a-z_]+\.[a-z_.]+)"', source))
        written |= set(re.findall(r'rule="([a-z_]+\.[a-z_.]+)"', source))
        written |= set(re.findall(r'rule=f"\{[a-z]+\}\.([a-z_]+\.[a-z_.]+)"', source))
    assert len(written) > 20
    assert {code for code in written if rule_of(code) is None} == set()


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("requests.balance.total", "requests.balance"),
        ("requests.groups.denied.business", "requests.groups"),
        ("litigation_direct.sum", "disputes.sum"),
        ("disputes.sum", "disputes.sum"),
        ("requests.reading.ambiguous", "reading.ambiguous"),
        ("disclosure.model.unproved", "model.unproved"),
        ("record.value.requests.granted.total", "record.value"),
        ("no.such.rule", None),
        ("", None),
    ],
)
def test_a_findings_code_leads_to_its_rule(code: str, rule: str | None) -> None:
    found = rule_of(code)
    assert (found.code if found else None) == rule
