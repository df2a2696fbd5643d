"""Nothing is lost: what goes into a database or out as lines comes back the same, whatever it holds."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import lines as ln
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import gouji

from extractor.export.choose import Filters
from extractor.export.lines import Lines, fault_of
from extractor.export.run import Options, export
from extractor.export.take import take
from extractor.results import Finding, Result
from extractor.store import Library, Store


def refuse(source: str, number: int, fault: str) -> None:
    raise AssertionError(f"{source}:{number}: {fault}")


def as_json(result: Result) -> Any:
    return json.loads(json.dumps(result.to_json()))


def canonical(lines: list[Any]) -> list[str]:
    """Lines to compare: 1, 1.0 and true are three values, the order of keys is none."""
    return sorted(json.dumps(line, sort_keys=True) for line in lines)


def of_database(path: Path) -> list[Any]:
    with Library(path) as library:
        return [line for _, line in library.lines()]


def records_of(source: Path, to: Path) -> list[Any]:
    options = Options([str(source)], to, "jsonl", "records", Filters())
    export(options, refuse, lambda _done: None)
    return [json.loads(line) for line in to.read_text(encoding="utf-8").split("\n")[:-1]]


@settings(max_examples=25)
@given(st.lists(ln.results(), min_size=1, max_size=3, unique_by=lambda result: result.sha256 or result.source))
def test_lines_to_a_database_to_lines_to_a_database(results: list[Result]) -> None:
    lines = [as_json(result) for result in results]
    for line in lines:
        line["source"] = line["source"].replace("#", "")  # a document's number, which has a test of its own
    assert [fault_of(line) for line in lines if not line["findings"]] == [None for x in lines if not x["findings"]]
    with tempfile.TemporaryDirectory() as folder:
        first, second = Path(folder) / "1.db", Path(folder) / "2.db"
        with Store(first) as store:
            for result, line in zip(results, lines, strict=True):
                result.source = line["source"]
                store.save(result.source, b"x", [result])
        assert canonical(of_database(first)) == canonical(lines), "saved by extract, read back"
        out = records_of(first, Path(folder) / "1.jsonl")
        assert canonical(out) == canonical(lines), "exported from a database"
        assert take([str(Path(folder) / "1.jsonl")], second, refuse).stored == len(lines)
        assert canonical(of_database(second)) == canonical(lines), "imported"
        assert canonical(records_of(second, Path(folder) / "2.jsonl")) == canonical(lines), "exported once more"


def test_what_the_columns_cannot_say_is_kept_beside_them(tmp_path: Path) -> None:
    odd = ln.line() | {"later": {"key": [1, 1.0, True]}}
    odd["cells"][0]["later"] = "too"
    del odd["claims"], odd["region"]
    source = ln.written(tmp_path / "odd.jsonl", odd)
    take([str(source)], tmp_path / "odd.db", refuse)
    assert canonical(of_database(tmp_path / "odd.db")) == canonical([odd])


def test_plain_lines_need_nothing_beside_the_columns(tmp_path: Path) -> None:
    code, out, _ = gouji("extract", "fixtures/reports", "--json", "--quiet", "--db", tmp_path / "r.db",
                         cwd=Path(__file__).parent.parent)  # fmt: skip
    assert code == 0
    lines = [json.loads(line) for line in out.splitlines()]
    assert len(lines) > 40
    assert canonical(of_database(tmp_path / "r.db")) == canonical(lines)
    with Store(tmp_path / "r.db") as store:
        assert store.db.execute("select count(*) from extractions where rest is not null").fetchone() == (0,)


def test_reports_of_one_document_stay_together(tmp_path: Path) -> None:
    two = [
        ln.line(source="a.txt", year=year) | {"source": f"a.txt#{number}"} for number, year in ((1, 2022), (2, 2023))
    ]
    other = ln.line(source="b.txt")
    source = ln.written(tmp_path / "a.jsonl", *two, other)
    assert take([str(source)], tmp_path / "a.db", refuse).stored == 3
    assert canonical(of_database(tmp_path / "a.db")) == canonical([*two, other]), (
        "the second does not supersede the first"
    )
    apart = ln.written(tmp_path / "apart.jsonl", two[0], other, two[1])
    code, _, err = ln.run("import", apart, "--db", tmp_path / "b.db")
    assert code == 2
    assert "[parted]" in err


def test_import_twice_adds_nothing_and_a_later_reading_counts(tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    source = ln.written(tmp_path / "a.jsonl", ln.line())
    assert [take([str(source)], db, refuse).stored for _ in range(2)] == [1, 0]
    later = ln.doubted(ln.line())
    take([str(ln.written(tmp_path / "b.jsonl", later))], db, refuse)
    assert of_database(db) == [later]
    with Lines([str(db)], refuse, every=True) as lines:
        assert [entry.line["verdict"] for entry in lines] == ["verified", "needs_review"]


@pytest.mark.parametrize("command", [("import", "--db", "x.db"), ("export", "-o", "x.csv")])
def test_lines_that_are_none_are_left_out_and_told(
    tmp_path: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    good = json.dumps(ln.line())
    (tmp_path / "a.jsonl").write_text(f'{good}\n{{"record": {{}}}}\n{good[:-20]}\n\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    code, _, err = ln.run(command[0], "a.jsonl", *command[1:])
    assert code == 1
    assert "a.jsonl: line 2 is left out" in err
    assert "a.jsonl: line 3 is left out" in err
    assert len(of_database(tmp_path / "x.db")) == 1 if command[0] == "import" else (tmp_path / "x.csv").exists()
    (tmp_path / "none.jsonl").write_text('{"record": {}}\n', encoding="utf-8")
    code, _, err = ln.run(command[0], "none.jsonl", command[1], f"none-{command[2]}")
    assert code == 3
    assert "[no_reports]" in err


def changed(**keys: Any) -> ln.Line:
    made = ln.line()
    for path, value in keys.items():
        node: Any = made
        *above, last = path.split("__")
        for key in above:
            node = node[int(key) if key.isdigit() else key]
        node[last] = value
    return made


def other_value() -> ln.Line:
    made = ln.line()
    made["record"]["requests"]["granted"]["total"] += 1
    return made


def moved() -> ln.Line:
    return ln.line(**{"requests.new_received.total": 9999})


def reconciled(**keys: Any) -> ln.Line:
    return changed(verdicts__requests="reconciled", verdict="reconciled", **keys)


FAILS = Finding("requests.balance.total", "fail", "error", "…", ("requests.new_received.total",)).to_json()

WRONG = {
    "no object": ([], "no JSON object"),
    "a bare record": (ln.line()["record"], "bare record"),
    "unknown verdict": (changed(verdict="perfect"), "verdict"),
    "a verdict that is not its tables'": (changed(verdict="reconciled"), "not that of its tables"),
    "a count as text": (changed(record__requests__granted__total="12"), "record"),
    "a count as a float": (changed(record__requests__granted__total=12.0), "record"),
    "a count as true": (changed(record__requests__granted__total=True), "record"),
    "an amount as a number": (changed(cells__9__value=1.5), "cells.9"),
    "record and cell apart": (other_value(), "the record says"),
    "a number that breaks a rule of a verified table": (moved(), "does not hold"),
    "no record and yet trusted": (changed(record=None), "record is null"),
    "a cell without evidence": (changed(cells__9__span=None), "without the characters"),
    "doubt in a trusted table": (changed(cells__60__state="ambiguous"), "ambiguous in a table"),
    "a value without a method": (changed(cells__60__method=None), "come together"),
    "a blank in a verified table": (changed(cells__60__state="blank", cells__60__method="derived"), "blank in a table"),
    "a blank that was read": (reconciled(cells__60__state="blank"), "blank, but not derived"),
    "a span of other length": (changed(cells__60__span=[7, 90]), "span"),
    "another number on paper": (changed(cells__60__raw="77", cells__60__span=[7, 9]), "'77' on paper"),
    "a rule that fails in a verified table": (changed(findings=[FAILS]), "requests.balance.total fails"),
    "cells of another form": (changed(cells=[]), "cells are not those"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_line_that_was_tampered_with_is_refused(name: str) -> None:
    wrong, why = WRONG[name]
    fault = fault_of(wrong)
    assert fault is not None
    assert why in fault


def test_the_lines_of_all_fixtures_are_lines(tmp_path: Path) -> None:
    assert fault_of(ln.line()) is None
    assert fault_of(ln.nothing()) is None
    assert fault_of(ln.doubted(ln.line())) is None
