"""A body and its subordinates."""

from __future__ import annotations

from typing import Any

from soft import NEW, applies, outcomes

from extractor.results import Finding


def child(name: str | None, value: int | None, **more: Any) -> dict[str, Any]:
    return {"rest": 0, "organization": name, "cells": {NEW: value}, **more}


def parent(value: int | None, *children: dict[str, Any], **more: Any) -> dict[str, Finding]:
    example = {"rest": 0, "cells": {NEW: value}, "children": list(children), **more}
    return {finding.rule: finding for finding in outcomes("bodies.children", example) if finding}


AT = f"bodies.children.{NEW}"


def test_a_parent_and_all_its_children() -> None:
    assert parent(9, child("甲镇", 4), child("乙镇", 5)) == {}
    assert parent(30, child("甲镇", 4), child("乙镇", 5)) == {}
    (finding,) = parent(8, child("甲镇", 4), child("乙镇", 5), organization="丙县").values()
    assert (finding.status, finding.severity, finding.left, finding.right) == ("fail", "warning", 8, 9)
    assert "乙镇 5" in finding.message
    (office,) = parent(8, child("甲镇", 4), child("乙镇", 5), organization="丙县人民政府办公室").values()
    assert office.severity == "info"


def test_never_a_pass_while_a_child_is_missing() -> None:
    found = outcomes("bodies.children", {"rest": 0, "children": [child("甲镇", 0)], "missing_children": ["乙镇"]})
    assert None not in found
    finding = parent(9, child("甲镇", 4), missing_children=["乙镇", "丁镇"])[AT]
    assert (finding.status, finding.left, finding.right) == ("not_assessable", 9, 4)
    for words in ("乙镇、丁镇", "余 5", "之和 4"):
        assert words in finding.message
    below = parent(3, child("甲镇", 4), missing_children=["乙镇"])[AT]
    assert below.status == "fail"
    alone = parent(3, missing_children=["乙镇"])[AT]
    assert alone.status == "not_assessable"


def test_a_child_without_the_number_or_of_another_year_is_missing() -> None:
    found = parent(9, child("甲镇", None), child("乙镇", 5))
    assert list(found) == [AT]
    assert "甲镇" in found[AT].message
    found = parent(9, child("甲镇", 4, year=2022), child("乙镇", 50, year=2021), year=2022)
    assert {finding.status for finding in found.values()} == {"not_assessable"}
    assert "乙镇" in found[AT].message
    unnamed = parent(9, child(None, None))
    assert "第 1 个下级" in unnamed[AT].message


def test_a_parent_without_the_number() -> None:
    finding = parent(None, child("甲镇", 4))[AT]
    assert (finding.status, finding.left, finding.right) == ("not_assessable", None, 4)


def test_copies_are_counted_once() -> None:
    assert parent(5, child("甲镇", 4), child("甲镇", 4)) == {}
    assert parent(5, child("丙县", 5), child("甲镇", 4), organization="丙县") == {}


def test_nothing_without_children() -> None:
    assert not applies("bodies.children")


def test_children_of_the_2019_form() -> None:
    found = outcomes("bodies.children", {"form": "2019", "rest": 2, "children": [{"form": "2019", "rest": 1}]})
    assert found
    assert set(found) == {None}
