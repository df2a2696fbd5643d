"""The soft rules together: no alarm about true reports, nothing breaks."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from extractor.eval.generator.records import random_record
from soft import FEES, D, soft

from extractor.claims.claim import Claim
from extractor.form import REQUEST_COLUMNS, cell_paths
from extractor.rules.case import Case, case_of_record
from extractor.rules.examples import example_case


@pytest.mark.parametrize("form", ["2021", "2019"])
@pytest.mark.parametrize("rest", [0, None, 1, 10**30, -5], ids=str)
def test_nothing_breaks(form: str, rest: int | None) -> None:
    for before in (0, None, 10**30, -5):
        example = {"form": form, "organization": "甲县", "year": 2024}
        previous = {"form": "2021", "rest": before, "organization": "甲县", "year": 2023}
        children = [{"form": form, "rest": before, "organization": "乙镇"}]
        case = example_case({**example, "rest": rest, "previous": previous, "children": children, "claims": []})
        for finding in soft(case):
            assert "None" not in finding.message
            assert len(finding.message) < 2000


@pytest.mark.parametrize("value", ["1E+999999", "1E-999999", "-1", "0", "0E-30", "1" * 40, "0.0000000001"])
def test_amounts_of_any_size(value: str) -> None:
    for before in (value, "0", "41.2"):
        previous = {"rest": 0, "cells": {FEES: before}}
        case = example_case({"rest": 0, "cells": {FEES: value}, "previous": previous})
        for finding in soft(case):
            assert len(finding.message) < 300


def test_an_empty_record_has_nothing_to_say() -> None:
    for form in ("2021", "2019"):
        assert soft(example_case({"form": form})) == []
        assert soft(example_case({"form": form, "rest": 0})) == []


def test_a_case_without_cells() -> None:
    assert soft(Case("2021", {})) == []
    assert {f.status for f in soft(Case("2021", {}, previous=Case("2021", {})))} <= {"not_assessable"}


FIXTURES = Path(__file__).parent.parent / "fixtures"


@pytest.mark.parametrize("path", sorted((FIXTURES / "gold").glob("*.json")), ids=lambda path: path.stem)
def test_no_warning_about_a_true_report(path: Path) -> None:
    gold = json.loads(path.read_text(encoding="utf-8"))
    case = case_of_record({**gold["record"], "organization": gold["organization"], "year": gold["year"]})
    labels = FIXTURES / "claims" / f"{gold['source'].partition('#')[0].rpartition('.')[0]}.json"
    if labels.exists():
        case.claims = [
            Claim(
                said["field"],
                Decimal(said["value"]) if isinstance(said["value"], str) else said["value"],
                said["raw"],
                (said["span"][0], said["span"][1]),
                said["scope"],
                said["year"],
                said["unit"],
                said["about"],
            )
            for said in json.loads(labels.read_text(encoding="utf-8"))["claims"]
            if said["value"] is not None
        ]
    assert [f.rule for f in soft(case) if f.severity != "info"] == []


def test_two_years_of_one_body() -> None:
    years = []
    for number in (1, 2):
        gold = json.loads((FIXTURES / f"gold/heshu-two-years-{number}.json").read_text(encoding="utf-8"))
        years.append(case_of_record({**gold["record"], "organization": gold["organization"], "year": gold["year"]}))
    findings = soft(years[1].with_previous(years[0]))
    # The composed fixture lost a case that was pending; all else agrees.
    assert [(f.rule, f.severity) for f in findings] == [("years.pending.litigation_after_reconsideration", "info")]
    backwards = soft(years[0].with_previous(years[1]))
    assert [f.rule for f in backwards] == ["years.pair"]


def test_a_consistent_next_year_passes_the_rules_across_years() -> None:
    rng = Random(4)
    for _ in range(40):
        record = random_record(rng, "2021")
        after = {path: record.values[path] for paths in cell_paths("2021").values() for path in paths}
        before = dict(after)
        for column in REQUEST_COLUMNS:
            before[f"requests.carried_out.{column}"] = after[f"requests.carried_in.{column}"]
        for row in ("regulations", "normative_documents"):
            issued, repealed, stock = (f"{D}{row}.{name}" for name in ("issued", "repealed", "in_force"))
            after[repealed] = 0
            after[stock] = int(before[stock]) + int(after[issued])
        for block in ("reconsideration", "litigation_direct", "litigation_after_reconsideration"):
            before[f"{block}.pending"] = 0
        then = Case("2021", before, record.organization, record.year - 1)
        now = Case("2021", after, record.organization, record.year, previous=then)
        found = {f.rule for f in soft(now) if f.rule.startswith("years.")}
        assert not {rule for rule in found if not rule.startswith("years.table_repeated")}
