"""Mutation sets: each does what it says, and the measure sees a validator that says nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from extractor.eval import mutations as m
from extractor.eval.gold import load
from extractor.eval.misreading import READING, misread, record_values
from extractor.eval.mutating import FIGURES, HARMLESS, SOURCE, Mutant, Sheet, printed_anew, sheets
from extractor.eval.planting import COLUMNS, RESULTS
from extractor.eval.score import broken_rules

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
TABS, PIPES, GLUED, WRONG = (
    "kaihe-2024-no-headings",
    "nanzhu-2021-traditional-pipes",
    "fenghe-2024-glued-one-run",
    "changtang-2021-grid-row-sum-error",
)


@cache
def sheet(name: str) -> Sheet:
    return next(sheets(load(FIXTURES / "gold" / f"{name}.json", FIXTURES / "reports"), m.read))


def mutants(name: str, kind: str, many: int = 25) -> list[Mutant]:
    found = [SOURCE[kind](sheet(name), Random(seed)) for seed in range(many)]
    return [one for one in found if one]


def fields(text: str) -> list[str]:
    return [field.strip() for line in text.split("\n") for field in line.replace("|", "\t").split("\t")]


def breaks(gold: Mapping[str, Any]) -> bool:
    """By the form's own equations, which the mutations do not use."""
    return bool(broken_rules([{"path": path, "gold": value} for path, value in gold.items()])[0])


# ---------------------------------------------------------------- the source


@pytest.mark.parametrize("name", [TABS, PIPES])
@pytest.mark.parametrize("kind", [kind for kind in SOURCE if kind not in ("a unit changed", "a label struck out")])
def test_the_text_prints_the_change_and_nothing_else(name: str, kind: str) -> None:
    found = mutants(name, kind)
    assert found
    before = fields(sheet(name).text)
    for one in found:
        assert one.kind == kind
        after = fields(one.text)
        assert len(after) == len(before)
        differing = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
        expected = [(str(sheet(name).gold[p]), "" if v is None else str(v)) for p, v in one.changes.items()]
        assert sorted(differing) == sorted(expected)
        assert one.breaks == breaks({**sheet(name).gold, **one.changes})
        assert one.breaks == (kind not in HARMLESS) or kind == "moved to the next column"


def test_what_each_kind_does_to_a_figure() -> None:
    gold = sheet(TABS).gold
    for one in mutants(TABS, "a digit changed"):
        ((path, new),) = one.changes.items()
        a, b = str(gold[path]), str(new)
        assert len(b) <= len(a)
        assert sum(x != y for x, y in zip(a, b.rjust(len(a), "0"), strict=True)) == 1
    for one in mutants(TABS, "two digits swapped"):
        ((path, new),) = one.changes.items()
        assert sorted(str(gold[path])) == sorted(str(new).rjust(len(str(gold[path])), "0"))
    for one in mutants(TABS, "a digit dropped"):
        ((path, new),) = one.changes.items()
        old = str(gold[path])
        assert new in {int(old[:n] + old[n + 1 :]) for n in range(len(old))}
    for one in mutants(TABS, "a figure deleted"):
        assert list(one.changes.values()) == [None]
    for one in mutants(TABS, "moved to the next column"):
        a, b = one.changes
        assert a.rpartition(".")[0] == b.rpartition(".")[0]
        columns = COLUMNS[:-1] if a.startswith("requests.") else RESULTS
        places = sorted(columns.index(path.rpartition(".")[2]) for path in one.changes)
        assert places[1] - places[0] in (1, len(columns) - 1)
        assert sum(one.changes.values()) == gold[a] + gold[b]
    for one in mutants(TABS, "all sums hold"):
        assert len({value - gold[path] for path, value in one.changes.items()}) == 1
    for one in mutants(TABS, "put one row off"):
        ((a, x), (b, y)) = one.changes.items()
        assert (gold[a], gold[b]) == (y, x)
        rows = [path.removeprefix("requests.").rpartition(".")[0] for path in (a, b)]
        assert abs(sheet(TABS).rows.index(rows[0]) - sheet(TABS).rows.index(rows[1])) == 1
    for one in mutants(TABS, "row shifted by a column"):
        row = next(iter(one.changes)).rpartition(".")[0]
        old = [gold[f"{row}.{column}"] for column in COLUMNS]
        new = [one.changes.get(f"{row}.{column}", gold[f"{row}.{column}"]) for column in COLUMNS]
        assert any(
            part[1:] == old[:size][:-1] or part[:-1] == old[:size][1:] for size in (6, 7) for part in [new[:size]]
        )


def test_a_unit_changed() -> None:
    (first, *_) = mutants(TABS, "a unit changed")
    before, after = sheet(TABS).text, first.text
    assert first.changes == {"disclosure.fees.unit": "元"}
    assert (before.count("万元") - after.count("万元"), after.count("元")) == (1, before.count("元"))
    assert first.text.replace("单位：元", "单位：万元") == before


def test_a_label_struck_out() -> None:
    for one in mutants(TABS, "a label struck out"):
        assert one.changes == {}
        assert not one.shown
        before, after = fields(sheet(TABS).text), fields(one.text)
        ((old, new),) = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
        assert new in old
        assert len(old) > len(new)


def test_the_same_seed_gives_the_same_mutant() -> None:
    for kind, mutate in SOURCE.items():
        assert mutate(sheet(TABS), Random(kind)) == mutate(sheet(TABS), Random(kind))


@pytest.mark.parametrize(
    ("name", "changes", "shown"),
    [
        (TABS, {"requests.granted.business": 9}, True),
        (TABS, {"requests.granted.business": None}, True),
        (TABS, {"requests.granted.total": None}, True),
        (TABS, {"requests.granted.natural_person": None}, False),  # beside the labels' empty fields
        (PIPES, {"requests.granted.total": None}, False),  # every cell on a line of its own
        ("hewan-2023-pipes-markdown", {"requests.granted.total": None}, True),
        (GLUED, {"requests.granted.business": 9}, False),
        (GLUED, {"requests.granted.business": None}, False),
    ],
)
def test_whether_the_page_shows_it(name: str, changes: dict[str, int | None], shown: bool) -> None:
    one = printed_anew(sheet(name), "by hand", changes)
    assert one is not None
    assert one.shown is shown


def test_only_cells_with_a_place_are_printed_anew() -> None:
    assert printed_anew(sheet(WRONG), "by hand", {"requests.granted.total": 3}) is None  # the table is not true
    assert sheet(WRONG).tables == ("disclosure", "disputes")
    assert printed_anew(sheet(TABS), "by hand", {"requests.granted.all.total": 3}) is None
    assert (
        printed_anew(sheet(TABS), "by hand", {"requests.granted.total": sheet(TABS).gold["requests.granted.total"]})
        is None
    )


def test_columns_kept_apart_by_spaces_keep_their_places() -> None:
    name = "lanqiao-2024-pdf-layout-chopped"
    for kind in FIGURES:
        for one in mutants(name, kind, 10):
            before, after = sheet(name).text.split("\n"), one.text.split("\n")
            grown = any(len(str(v)) > len(str(sheet(name).gold[p])) for p, v in one.changes.items())
            assert grown or [len(line) for line in before] == [len(line) for line in after]


# ---------------------------------------------------------------- the reading


TOLD = {
    "another value in the record": {"record ≠ cell"},
    "another value in the cell": {"record ≠ cell", "raw ≠ value"},
    "another value in both, not in its print": {"raw ≠ value"},
    "another digit read": set(),
    "a neighbour's figure": {"one figure, two cells"},
    "a neighbour's place, its own number": {"one figure, two cells"},
    "digits cut otherwise": set(),
    "a row one column off": set(),
    "two rows exchanged": set(),
}


@pytest.mark.parametrize("kind", READING)
def test_a_misread_line_contradicts_itself_as_it_should(kind: str) -> None:
    right = sheet(TABS)
    found = [one for seed in range(30) if (one := misread(right, kind, Random(seed)))]
    assert found
    for one in found:
        values = record_values(one.line)
        assert one.breaks == breaks({p: v for p, v in values.items() if not p.startswith("disclosure.")})
        assert one.told - {"sum ≠ verdict", "raw ≠ span"} == TOLD[kind]
        assert ("raw ≠ span" in one.told) <= (kind == "a neighbour's place, its own number")
        assert ("sum ≠ verdict" in one.told) == one.breaks
        assert one.changed == {path for path, value in values.items() if value != record_values(right.line)[path]}
        assert json.dumps(one.line)
        too = misread(right, kind, Random(0), verdict_too=True)
        assert too is None or (too.breaks and "sum ≠ verdict" not in too.told)
    assert record_values(right.line) == {p: v for p, v in right.gold.items() if p in record_values(right.line)}


def test_digits_cut_otherwise_go_to_the_figure_that_touches() -> None:
    glued = sheet(GLUED)
    seen = 0
    for seed in range(60):
        one = misread(glued, "digits cut otherwise", Random(seed))
        if one is None:
            continue
        cells = {cell["path"]: cell for cell in one.line["cells"]}
        changed = [cells[path] for path in one.changed]
        seen += len(changed) > 1
        assert all(glued.text[slice(*cell["span"])] == cell["raw"] == str(cell["value"]) for cell in changed)
    assert seen


# ---------------------------------------------------------------- the measure


def measured(**stubs: Any) -> m.Measured:
    return m.measure([sheet(TABS)], 1, **stubs)


def test_a_small_run() -> None:
    out = measured()
    assert (out.reports, out.alarms) == (1, 0)
    assert dict(out.tables) == {"disclosure": 1, "requests": 1, "disputes": 1}
    broken = [one for one in out.source if one.mutant.breaks]
    assert [one.mutant.kind for one in out.source] == list(SOURCE)
    assert not any(one.passed_over or one.misblamed or one.wrong for one in out.source)
    assert all(one.verdict == "inconsistent" and set(one.faults) == {"source"} and one.named for one in broken)
    assert not any(one.passed_over for one in out.reading)
    assert all(one.noticed for one in out.reading if one.misreading.breaks)


def silent(text: str, source: str) -> list[dict[str, Any]]:
    """A validator that finds nothing."""
    return [
        {**line, "findings": [], "verdicts": dict.fromkeys(line["verdicts"], "verified")}
        for line in m.read(text, source)
    ]


def test_a_validator_that_says_nothing_is_seen() -> None:
    honest, out = measured(), measured(reading=silent, judging=lambda line: [])
    broken = sum(one.mutant.breaks for one in honest.source)
    assert broken >= 5
    assert sum(one.passed_over for one in out.source) == broken
    told = [one for one in out.reading if one.misreading.told]
    assert told
    assert sum(not one.noticed for one in told) == len(told)
    assert sum(one.passed_over for one in out.reading) == sum(one.misreading.breaks for one in out.reading) > 0
    met = dict(m.targets(out))
    assert not met[f"broken sums passed over, source: {broken} (target 0)"]
    assert len(m.fatal(out)) == broken + sum(one.misreading.breaks for one in out.reading)


def test_one_that_always_blames_the_source_is_seen() -> None:
    def judging(line: dict[str, Any]) -> Sequence[Any]:
        found = m.judge(line)
        for finding in found:
            finding.blame = "source"
        return found

    out = measured(judging=judging)
    wrong = [one for one in m.fatal(out) if isinstance(one, m.Judged)]
    assert wrong == [one for one in out.reading if one.misreading.breaks and one.misreading.told]
    assert wrong


def test_one_that_always_blames_the_reading_is_seen() -> None:
    def reading(text: str, source: str) -> list[dict[str, Any]]:
        found = m.read(text, source)
        for line in found:
            line["findings"] = [{**one, "blame": "extraction"} for one in line["findings"]]
        return found

    out = measured(reading=reading)
    broken = [one for one in out.source if one.mutant.breaks]
    assert all(one.misblamed and one.doubted for one in broken)


def test_a_reader_that_does_not_follow_the_print_is_seen() -> None:
    before = m.read(sheet(TABS).text, sheet(TABS).file)
    out = measured(reading=lambda text, source: before)
    for one in out.source:
        changes = {path for path, value in one.mutant.changes.items()}
        assert set(one.wrong) == changes
    assert sum(one.passed_over for one in out.source) == sum(one.mutant.breaks for one in out.source)


def test_a_reader_that_finds_nothing_passes_nothing_over() -> None:
    out = measured(reading=lambda text, source: [])
    assert {one.verdict for one in out.source} == {"failed"}
    assert not any(one.passed_over or one.wrong for one in out.source)


# ---------------------------------------------------------------- the command


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("gold", "reports"):
        (tmp_path / folder).mkdir()
    shutil.copy(FIXTURES / "gold" / f"{TABS}.json", tmp_path / "gold")
    shutil.copy(FIXTURES / "reports" / f"{TABS}.txt", tmp_path / "reports")
    page = tmp_path / "mutations.md"
    code = m.main(["--documents", "2", "--seed", "4", "--fixtures", str(tmp_path), "--out", str(page)])
    out = m.measure(m.fixtures_and_generated(2, 4, tmp_path), 4)
    assert out.reports > 1
    assert code == bool(m.fatal(out))
    assert page.read_text(encoding="utf-8") == "\n".join(m.lines(out, 2, 4)) + "\n"
    assert page.read_text(encoding="utf-8") + "\n" == capsys.readouterr().out


def test_nothing_to_mutate_is_no_success(tmp_path: Path) -> None:
    assert m.main(["--documents", "0", "--fixtures", str(tmp_path)]) == 2
