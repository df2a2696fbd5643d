"""`gouji explain` and the page of the rules."""

from __future__ import annotations

import json

from records import ROOT, gouji

from extractor.rules.catalogue import catalogue


def test_a_rule_is_explained_with_both_examples() -> None:
    code, out, _ = gouji("explain", "requests.balance")
    assert code == 0
    for part in ("new_received + carried_in = total_processed + carried_out", "passes", "fails", "30号", "careful"):
        assert part in out
    assert "左边" in out  # the failing example was run


def test_an_equations_own_code_shows_its_cells() -> None:
    out = gouji("explain", "requests.applicants.granted")[1]
    assert "requests.granted.natural_person" in out
    assert "（一）予以公开 · 总计" in out
    assert "upheld" in gouji("explain", "reconsideration.sum")[1]
    assert gouji("explain", "requests.balance.nope")[0] == 2


def test_every_code_can_be_explained_and_an_unknown_one_is_told_its_neighbours() -> None:
    from extractor.cli.explain import words

    for rule in catalogue().values():
        assert len(list(words(rule, rule.code))) > 5
    code, _, err = gouji("explain", "requests.balanse")
    assert code == 2
    assert "requests.balance" in err


def test_the_list_names_every_rule_and_the_page_is_up_to_date() -> None:
    out = gouji("explain")[1]
    assert all(code in out for code in catalogue())
    made = gouji("explain", "--markdown")[1]
    assert made == (ROOT / "docs" / "rules.md").read_text(encoding="utf-8"), "run `make docs`"
    assert all(f"### {code}\n" in made for code in catalogue())
    assert {item["rule"] for item in json.loads(gouji("explain", "--json")[1])} == set(catalogue())
