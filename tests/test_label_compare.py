"""Two independent passes of labelling compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from extractor.eval.agreement import kappa
from labels import gold, gouji


def compare(tmp_path: Path, a: dict[str, Any], b: dict[str, Any]) -> tuple[int, dict[str, Any], str]:
    for name, label in (("a", a), ("b", b)):
        (tmp_path / f"{name}.json").write_text(json.dumps(label, ensure_ascii=False), encoding="utf-8")
    code, out, err = gouji("label", "compare", tmp_path / "a.json", tmp_path / "b.json", "--json")
    return code, json.loads(out), err


def test_two_equal_passes_agree(tmp_path: Path) -> None:
    code, found, err = compare(tmp_path, gold(), gold())
    assert code == 0
    assert (found["cells"], found["same"], found["exact"], found["kappa"]) == (200, 200, 1.0, 1.0)
    assert found["adjudicate"] == found["around"] == []
    assert found["matrix"]["blank"]["blank"] == 12
    assert "both passes are by 'hand'" in err


def test_each_difference_is_named_with_its_kind(tmp_path: Path) -> None:
    other = gold()
    other["labelled"]["by"] = "someone else"
    requests = other["record"]["requests"]
    requests["granted"]["business"] = 0
    requests["granted"]["total"] = 21
    requests["carried_out"]["total"] = None
    other["record"]["disclosure"]["coercion"]["decisions"] = "?"
    other["record"]["disclosure"]["fees"] = {"amount": "16085.1007350", "unit": None}
    other["year"] = 2023
    code, found, err = compare(tmp_path, gold(), other)
    assert code == 1
    assert err == ""
    assert [(d["path"], d["a"], d["b"], d["differs"]) for d in found["adjudicate"]] == [
        ("disclosure.coercion.decisions", 18, "?", "class"),
        ("requests.granted.business", None, 0, "class"),
        ("requests.granted.total", 20, 21, "number"),
        ("requests.carried_out.total", 0, None, "class"),
    ]
    assert found["around"] == [
        {"key": "year", "a": 2024, "b": 2023},
        {"key": "disclosure.fees.unit", "a": "万元", "b": None},
    ]
    assert (found["cells"], found["same"]) == (200, 196)
    assert found["tables"] == {
        "disclosure": {"cells": 10, "same": 9},
        "requests": {"cells": 175, "same": 172},
        "disputes": {"cells": 15, "same": 15},
    }
    assert found["matrix"]["blank"] == {"blank": 11, "zero": 1, "nonzero": 0, "undecidable": 0}
    assert 0.9 < found["kappa"] < 1
    code, out, _ = gouji("label", "compare", tmp_path / "a.json", tmp_path / "b.json")
    assert code == 1
    assert "requests.granted.business: blank | 0   （一）予以公开 · 商业企业" in out.decode()
    assert "196 of 200 cells are equal" in out.decode()


def test_a_row_that_only_one_pass_has_is_a_difference_even_where_its_cells_are_blank(tmp_path: Path) -> None:
    one, other = gold("baishahe-2021-tabs-group-row"), gold("baishahe-2021-tabs-group-row")
    del other["record"]["requests"]["denied.all"]
    code, found, _ = compare(tmp_path, one, other)
    assert code == 1
    assert len(found["adjudicate"]) == 7
    assert {item["b"] for item in found["adjudicate"]} == {"absent"}


def test_kappa_is_cohens() -> None:
    """The textbook table 20 5 / 10 15: observed 0.7, by chance 0.5, kappa 0.4."""
    assert kappa({"x": {"x": 20, "y": 5}, "y": {"x": 10, "y": 15}}) == pytest.approx(0.4)
    assert kappa({"x": {"x": 10, "y": 0}, "y": {"x": 0, "y": 0}}) is None
    assert kappa({"x": {"x": 0, "y": 5}, "y": {"x": 5, "y": 0}}) == pytest.approx(-1)
    assert kappa({}) is None


def test_one_class_alone_has_no_kappa(tmp_path: Path) -> None:
    label = gold("yangliugou-2024-narrative-only")
    code, found, _ = compare(tmp_path, label, label)
    assert (code, found["kappa"], found["exact"]) == (0, None, 1.0)
    _, out, err = gouji("label", "compare", tmp_path / "a.json", tmp_path / "a.json")
    assert "kappa not defined" in out.decode()
    assert "the same file" in err
