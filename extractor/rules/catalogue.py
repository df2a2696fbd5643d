"""The rule catalogue: every code that a finding can carry, as data (entries/*.toml, one file per module of rules).

A rule has a severity, a formula, where it applies, its source, its meaning in plain Chinese and English, what may
look like a failure and is none, and tiny records that pass and fail. `gouji explain`, docs/rules.md, the SARIF output
and the tests are made from it.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

from extractor.errors import UsageError
from extractor.form import FORM
from extractor.results import Severity

# In the order of the documentation page.
FAMILIES = ("record", "equations", "narrative", "plausibility", "years", "bodies", "structure", "reading", "file")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `code` is public and stable; findings carry it with what it is applied to behind a dot, where
    `instances` says so (`requests.balance.total`)."""

    code: str
    family: str
    severity: Severity
    formula: str
    applies: str
    source: str
    zh: str
    en: str
    says_zh: str
    says_en: str
    false_positives: str
    instances: str = ""
    needs: str = ""  # "text": cannot be judged from a record or its line alone
    passes: Mapping[str, Any] = field(default_factory=dict)
    fails: Mapping[str, Any] = field(default_factory=dict)

    @property
    def about_record(self) -> bool:
        """Whether it judges a record (and so has examples); the codes of `reading` say how a text was read,
        those of `file` what to know of the file."""
        return self.family not in ("reading", "file")

    @property
    def of_text(self) -> bool:
        """Whether only `gouji extract` can judge it, from the text or the file; a line's own findings of it are
        handed on."""
        return self.needs == "text" or self.family == "file"

    def to_json(self) -> dict[str, Any]:
        """The entry of `gouji explain --json`."""
        return {
            "rule": self.code,
            "family": self.family,
            "severity": self.severity,
            "formula": self.formula,
            "instances": self.instances,
            "applies": self.applies,
            "needs": self.needs or None,
            "source": self.source,
            "zh": self.zh,
            "en": self.en,
            "false_positives": self.false_positives,
            "passes": dict(self.passes),
            "fails": dict(self.fails),
        }


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Rule]:
    """All rules by code, in the order of the documentation."""
    rules: dict[str, Rule] = {}
    for family in FAMILIES:
        text = (files("extractor.rules") / "entries" / f"{family}.toml").read_text(encoding="utf-8")
        for code, spec in tomllib.loads(text).items():
            says = spec.pop("says", {})
            if family == "equations":
                spec["formula"] = _formula(code)
            rules[code] = Rule(code, family, says_zh=says.get("zh", ""), says_en=says.get("en", ""), **spec)
    return rules


def _formula(code: str) -> str:
    """The formula of one of the form's equations."""
    rule = next(rule for rule in FORM.rules if rule.code == code)
    sides = (rule.left, rule.right) if rule.left else (("<group>.*",), ("<group>.all",))
    return " = ".join(" + ".join(f"Σ {name}" if name.endswith(".*") else name for name in side) for side in sides)


@lru_cache(maxsize=1)
def rules_version() -> str:
    """What identifies form and rules: gouji's version and twelve digits of the SHA-256 of their data files."""
    from importlib.metadata import version

    folder = files("extractor.rules") / "entries"
    digest = hashlib.sha256((files("extractor.form") / "form.toml").read_bytes())
    for family in FAMILIES:
        digest.update((folder / f"{family}.toml").read_bytes())
    return f"{version('gouji')}+{digest.hexdigest()[:12]}"


@lru_cache(maxsize=4096)
def rule_of(code: str) -> Rule | None:
    """The rule that a finding's code belongs to: its own, or the longest rule's code before a dot of it."""
    rules = catalogue()
    if code.endswith(".sum"):  # the equations of table 4 are named after their block
        return rules["disputes.sum"]
    inner = code.partition(".")[2]
    if inner.startswith(("reading.", "model.")):  # <table>.reading.ambiguous
        code = inner
    while code:
        if code in rules:
            return rules[code]
        code = code.rpartition(".")[0]
    return None


def find_rule(asked: str) -> Rule:
    """The rule that somebody asks about. Errors: UsageError `unknown_rule`, with the codes that are near."""
    rule = rule_of(asked)
    if rule is None:
        from rapidfuzz import process

        near = [name for name, _, _ in process.extract(asked, list(catalogue()), limit=3)]
        raise UsageError(
            "unknown_rule", f"There is no rule {asked!r}.", f"Did you mean {', '.join(near)}? All: gouji explain"
        )
    return rule
