"""Gold that cannot be scored is refused, every fault named with its file; what can be is loaded as it stands."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from eval_sets import Answers, figures_of, two
from extractor.eval.gold import GoldSet, Label, load
from extractor.eval.pairing import pair
from extractor.eval.score import gold_cells

from extractor.errors import UsageError

Write = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "gold").mkdir()
    (tmp_path / "reports").mkdir()
    for name in ("a", "b"):
        (tmp_path / "reports" / f"{name}.txt").write_text("报告", encoding="utf-8")
        put(tmp_path, f"{name}.json", label(name))
    return tmp_path


def label(name: str, **changes: Any) -> dict[str, Any]:
    return {"source": f"{name}.txt", "year": 2024, "organization": name, "record": two()[name]} | changes


def put(folder: Path, name: str, content: Any) -> Path:
    path = folder / "gold" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def loaded(folder: Path) -> GoldSet:
    return load(folder / "gold", folder / "reports")


def with_cell(value: Any) -> dict[str, Any]:
    record = two()["a"]
    record["disclosure"]["licensing"]["decisions"] = value
    return label("a", record=record)


MALFORMED = {
    "not JSON": ("{", "not JSON: Expecting property name"),
    "empty": ("", "not JSON"),
    "not UTF-8": (b"\xff\xfe{}", "not UTF-8 (byte 0)"),
    "a list": ([], "holds a list, not an object"),
    "a key twice": ('{"source": "a.txt", "source": "b.txt"}', "the key 'source' stands twice"),
    "NaN": ('{"source": "a.txt", "year": NaN}', "NaN is no number"),
    "a number too long": ('{"year": ' + "9" * 5000 + "}", "digits"),
    "no source": ({"year": 2024, "record": {}}, "source is null, not the name of its report"),
    "source is a number": (label("a", source=3), "source is 3"),
    "source outside": (label("a", source="../a.txt"), "is no path under the reports"),
    "source absolute": (label("a", source="/etc/passwd"), "is no path under the reports"),
    "no report": (label("a", source="nowhere.txt"), "its report nowhere.txt is not in"),
    "no numbered report": (label("a", source="nowhere.txt#2"), "its report nowhere.txt is not in"),
    "report is a folder": (label("a", source="."), "its report . is not in"),
    "no record": ({"source": "a.txt"}, "record is null, not an object"),
    "record is a list": (label("a", record=[]), "record is a list, not an object"),
    "no cell": (label("a", record={"form": "2021"}), "record has not one cell"),
    "unknown table": (label("a", record={"request": {}}), "record.request is no table"),
    "table is a list": (label("a", record={"requests": []}), "record.requests is a list"),
    "row is a number": (label("a", record={"requests": {"granted": 3}}), "record.requests.granted is 3"),
    "block is a number": (label("a", record={"reconsideration": 3}), "record.reconsideration is 3"),
    "year is a string": (label("a", year="2024"), "year is '2024', not a whole number"),
    "year is true": (label("a", year=True), "year is True"),
    "organization is a number": (label("a", organization=3), "organization is 3, not a string"),
    "cell is words": (with_cell("three"), 'disclosure.licensing.decisions is "three"; a cell is a number, null or "?"'),
    "cell is a wide question mark": (with_cell("？"), "disclosure.licensing.decisions is"),
    "cell is true": (with_cell(True), "disclosure.licensing.decisions is true"),
    "cell is a list": (with_cell([3]), "disclosure.licensing.decisions is a list"),
    "cell has a comma": (with_cell("1,000"), 'disclosure.licensing.decisions is "1,000"'),
    "cell is beyond measure": (
        json.dumps(with_cell(7)).replace(": 7}", ": 1e999999}"),
        "disclosure.licensing.decisions",
    ),
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_label_is_named(folder: Path, content: tuple[Any, str]) -> None:
    put(folder, "a.json", content[0])
    with pytest.raises(UsageError) as caught:
        loaded(folder)
    assert caught.value.exit_code == 2
    assert caught.value.code == "bad_gold"
    assert "a.json: " in caught.value.message
    assert content[1] in caught.value.message
    assert "b.json" not in caught.value.message


def test_every_fault_is_told_at_once(folder: Path) -> None:
    put(folder, "a.json", label("a", year="x", record={"requests": {"granted": 3, "denied": 4}}))
    put(folder, "b.json", label("b", source="nowhere.txt"))
    with pytest.raises(UsageError) as caught:
        loaded(folder)
    message = caught.value.message
    assert "4 faults" in message
    for words in ("year is 'x'", "requests.granted is 3", "requests.denied is 4", "b.json: its report nowhere.txt"):
        assert words in message


def test_the_faults_shown_are_bounded(folder: Path) -> None:
    for number in range(20):
        put(folder, f"x{number:02}.json", "{")
    with pytest.raises(UsageError, match="20 faults") as caught:
        loaded(folder)
    assert caught.value.message.endswith("and 12 more")
    assert caught.value.message.count("not JSON") == 8


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("c.json", label("a"), "c.json: its report a.txt is labelled already by a"),
        ("sub/a.json", label("b"), "sub/a.json: the name stands already at"),
        ("A.json", label("b", organization="other"), "the name stands already at"),
    ],
)
def test_what_is_labelled_twice_is_refused(folder: Path, name: str, content: Any, words: str) -> None:
    put(folder, name, content)
    with pytest.raises(UsageError) as caught:
        loaded(folder)
    assert words in caught.value.message


def test_two_numbered_labels_of_one_report_are_refused(folder: Path) -> None:
    put(folder, "c.json", label("a", source="a.txt#2", organization="c"))
    put(folder, "d.json", label("a", source="a.txt#2", organization="d"))
    with pytest.raises(UsageError, match=r"d\.json: its report a\.txt#2 is labelled already by c"):
        loaded(folder)


def test_an_empty_set_is_an_error_and_not_a_hundred_percent(tmp_path: Path) -> None:
    for name in ("gold", "reports"):
        (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match="holds no label"):
        loaded(tmp_path)
    (tmp_path / "gold" / ".hidden.json").write_text("{}")
    with pytest.raises(UsageError, match="holds no label"):
        loaded(tmp_path)


def test_missing_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder of labels"):
        load(tmp_path / "nowhere", tmp_path)
    with pytest.raises(UsageError, match="no folder of reports"):
        load(tmp_path, tmp_path / "nowhere")


def test_a_report_without_gold_is_counted_and_left_out(folder: Path) -> None:
    (folder / "reports" / "c.txt").write_text("another")
    (folder / "reports" / ".hidden").write_text("another")
    (folder / "reports" / "sub").mkdir()
    (folder / "reports" / "sub" / "d.html").write_text("another")
    found = loaded(folder)
    assert [label.name for label in found.labels] == ["a", "b"]
    assert found.unlabelled == ("c.txt", "sub/d.html")


def test_labels_may_lie_beside_their_reports(folder: Path) -> None:
    (folder / "gold" / "a.txt").write_text("报告")
    (folder / "gold" / "b.txt").write_text("报告")
    assert load(folder / "gold", folder / "gold").unlabelled == ()


def test_one_label_alone(folder: Path) -> None:
    assert [label.name for label in load(folder / "gold" / "a.json", folder / "reports").labels] == ["a"]


def test_a_name_with_a_number_sign_is_a_name(folder: Path) -> None:
    (folder / "reports" / "a.txt#1").write_text("报告")
    put(folder, "a.json", label("a", source="a.txt#1"))
    assert (loaded(folder).labels[0].file, loaded(folder).labels[0].number) == ("a.txt#1", None)


def test_amounts_are_exact(folder: Path) -> None:
    record = {"disclosure": {"fees": {"amount": "16085.100735", "unit": "万元"}, "procurement": {"amount": None}}}
    text = json.dumps(label("a", record=record)).replace("null", "0.1")
    put(folder, "a.json", text)
    assert dict(gold_cells(loaded(folder).labels[0].record)) == {
        "disclosure.fees.amount": "16085.100735",
        "disclosure.procurement.amount": Decimal("0.1"),
    }


def test_a_record_of_another_form_is_scored_as_it_stands() -> None:
    record = two()["a"]
    record["form"] = "2030"
    record["requests"]["renamed_row"] = {"natural_person": 1, "robots": 2}
    golds = {"a": record}
    answers = Answers(golds)
    del answers.values["a"]["requests.renamed_row.robots"]
    found = figures_of(golds, answers)
    assert (found["cells"], found["right"], found["missed"]) == (23, 22, 1)
    assert set(found["by"]["form"]) == {"2030"}


def test_a_row_that_is_null_has_no_cells() -> None:
    assert list(gold_cells({"requests": {"granted": None}, "disclosure": None, "reconsideration": None})) == []


# ------------------------------------------------------------------------------------------------ pairing


def one(name: str, number: int | None = None, year: int | None = 2024, organization: str | None = "某县") -> Label:
    return Label(name, f"x.txt#{number}", "x.txt", number, year, organization, "mixed", {}, "0", "0")


def answer(number: int | None, year: int | None, organization: str | None = "某县", values: int = 3) -> dict[str, Any]:
    cells = [{"path": f"p{n}", "value": n} for n in range(values)]
    record = {"year": year, "organization": organization}
    return {"source": "x.txt" + (f"#{number}" if number else ""), "record": record, "cells": cells}


LABELS = [one("first", 1, 2022), one("second", 2, 2023)]
PAIRS: dict[str, tuple[list[Label], list[dict[str, Any]], list[int | None], int]] = {
    "in order": (LABELS, [answer(1, 2022), answer(2, 2023)], [0, 1], 0),
    "the other way round": (LABELS, [answer(None, 2023), answer(None, 2022)], [1, 0], 0),
    "a year misread": (LABELS, [answer(1, 2022), answer(2, 2022)], [0, 1], 0),
    "no years": (LABELS, [answer(1, None), answer(2, None)], [0, 1], 0),
    "only the second found": (LABELS, [answer(None, 2023)], [None, 0], 0),
    "nothing found": (LABELS, [], [None, None], 0),
    "one too many": (LABELS, [answer(1, 2022), answer(2, 2023), answer(3, 2021)], [0, 1], 1),
    "only the second labelled": (LABELS[1:], [answer(1, 2022), answer(2, 2023)], [1], 0),
    "one report cut in two": ([one("whole")], [answer(1, 2024, values=1), answer(2, 2024, values=9)], [1], 1),
    "alone, with a misread year": ([one("whole")], [answer(None, 1999, None)], [0], 0),
    "told by the body": (
        [one("a", None, 2024, "甲县"), one("b", None, 2024, "乙县")],
        [answer(None, 2024, "省乙县人民政府"), answer(None, 2024, "省甲县人民政府")],
        [1, 0],
        0,
    ),
}


@pytest.mark.parametrize("case", PAIRS.values(), ids=PAIRS)
def test_pairing(case: tuple[list[Label], list[dict[str, Any]], list[int | None], int]) -> None:
    labels, results, expected, extra = case
    paired, left = pair(labels, results)
    assert [None if found is None else results.index(found) for found in paired] == expected
    assert left == extra
