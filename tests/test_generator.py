"""The generator is an adversary whose word must be good: its truths, texts and claims of what is decided."""

from __future__ import annotations

import re
from decimal import Decimal
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from extractor.eval import fuzz
from extractor.eval.compare import Outcome, compare
from extractor.eval.generator import EVERY_FAMILY, FAMILIES, Expected, Sample, decide, generate
from extractor.eval.generator.layout_glued import HiddenErrorError, disputes_undecided, requests_undecided
from extractor.eval.generator.noise import KNOBS, Noise
from extractor.eval.generator.paper import Planted, make_paper
from extractor.eval.generator.records import Record, random_record

from extractor.document.formats.html import read_html
from extractor.form import REQUEST_COLUMNS, TABLES, cell_paths, equations

SEEDS = range(12)
SILENT = dict.fromkeys(KNOBS, 0.0)


def holds(values: dict[str, Any], left: tuple[str, ...], right: tuple[str, ...]) -> bool:
    return sum(int(values[p]) for p in left) == sum(int(values[p]) for p in right)


@pytest.mark.parametrize("seed", range(40))
def test_true_records_keep_every_equation(seed: int) -> None:
    record = random_record(Random(seed))
    for form in (equations(), equations(frozenset({"other"}), frozenset({"other"})), equations(frozenset({"denied"}))):
        assert [e.code for e in form if not holds(record.values, e.left, e.right)] == []
    for paths in cell_paths(record.form).values():
        assert set(paths) <= record.values.keys()
    assert all(value >= 0 or path.endswith(".change") for path, value in record.values.items())


@pytest.mark.parametrize("family", EVERY_FAMILY)
def test_same_seed_same_sample(family: str) -> None:
    for seed in SEEDS:
        assert generate(seed, family) == generate(seed, family)


def test_seed_chooses_a_family() -> None:
    assert {generate(seed).family for seed in range(40)} <= set(FAMILIES)
    assert generate(5) == generate(5, generate(5).family)
    assert len({generate(seed).family for seed in range(40)}) > 6
    with pytest.raises(ValueError, match="Choose one of"):
        generate(1, "stone_tablets")


@pytest.mark.parametrize("family", EVERY_FAMILY)
def test_printed_equations_hold_unless_an_error_is_planted(family: str) -> None:
    planted = 0
    for seed in range(60):
        for report in generate(seed, family).reports:
            assert bool(report.broken) == bool(report.planted)
            planted += bool(report.planted)
            for error in report.planted:
                assert report.truth[error.path] == error.printed != error.true
                assert report.record_values[error.path] == error.true
    assert (planted > 0) == (family != "narrative_only")


@pytest.mark.parametrize("family", EVERY_FAMILY)
def test_every_printed_cell_stands_in_the_text(family: str) -> None:
    for seed in SEEDS:
        sample = generate(seed, family)
        if family == "html":
            text = re.sub(r"\s", "", read_html(sample.data).text)
            for printed in sample.reports[0].printed.values():
                assert printed.replace(" ", "") in text
            assert sample.data.decode(sample.encoding) == sample.text
            continue
        for report in sample.reports:
            assert report.spans.keys() == report.printed.keys()
            for path, (start, end) in report.spans.items():
                assert sample.text[start:end].replace("\n", "") == report.printed[path]
            assert all(path in report.printed for path, value in report.truth.items() if value is not None)


@pytest.mark.parametrize("family", EVERY_FAMILY)
def test_truth_says_what_is_printed(family: str) -> None:
    for seed in SEEDS:
        for report in generate(seed, family).reports:
            changed = {error.path for error in report.misprints}
            for path, value in report.truth.items():
                assert (report.states[path] == "reported") == (value is not None)
                if value is not None and path not in changed:
                    assert value == report.record_values[path]
            assert all(report.truth[path] is not None for path in report.decided)
            assert report.tables_decided.keys() == set(TABLES)


def test_decoys_leave_the_truth_alone() -> None:
    levels = {**SILENT, "decoy_numbers": 1.0, "decoy_rows": 1.0, "decoy_table": 1.0, "other_years": 1.0}
    for seed in SEEDS:
        record = random_record(Random(seed))
        papers = [make_paper(record, Noise(Random(seed), knobs), explicit=True) for knobs in (SILENT, levels)]
        assert papers[0].cells == papers[1].cells


def test_noise_does_happen() -> None:
    seen: set[str] = set()
    for seed in range(40):
        for family in EVERY_FAMILY:
            seen.update(generate(seed, family).noise)
    assert KNOBS.keys() - seen == set()


# ---------------------------------------------------------------- what glued digits decide


@pytest.mark.parametrize(
    ("run", "n", "expected"),
    [
        ("000", 3, {(0, 0, 0)}),
        ("1000", 3, {(10, 0, 0)}),
        ("123", 2, {(1, 23), (12, 3)}),
        ("105", 2, {(10, 5)}),
        ("16052", 3, {(1, 60, 52), (16, 0, 52), (160, 5, 2), (1, 605, 2)}),
        ("12", 3, set()),
    ],
)
def test_cuts(run: str, n: int, expected: set[tuple[int, ...]]) -> None:
    assert set(decide.cuts(run, n)) == expected


@pytest.mark.parametrize(
    ("tokens", "readings"),
    [
        (["0000000"], [(0, 0, 0, 0, 0, 0, 0)]),
        (["2000002"], [(2, 0, 0, 0, 0, 0, 2)]),
        (["2000020"], []),
        (["100000010"], [(10, 0, 0, 0, 0, 0, 10)]),
        (["1000000", "10"], [(10, 0, 0, 0, 0, 0, 10)]),
        (["1000001", "0"], []),
        (["10000010"], []),
        (["10", "0000010"], [(10, 0, 0, 0, 0, 0, 10)]),
        (["1", "0", "0", "0", "0", "01"], [(1, 0, 0, 0, 0, 0, 1)]),
        (["123000", "6"], [(1, 2, 3, 0, 0, 0, 6)]),
        (["112000013"], [(1, 12, 0, 0, 0, 0, 13), (11, 2, 0, 0, 0, 0, 13)]),
    ],
)
def test_row_readings(tokens: list[str], readings: list[tuple[int, ...]]) -> None:
    slow = [cut for cut in decide.cells_cuts(tokens, 7) if sum(cut[:-1]) == cut[-1]]
    assert sorted(decide.row_candidates(tokens, 7, True)) == sorted(slow) == readings


def paper_of(values: dict[str, int]) -> Any:
    """A printed report with these counts and no other."""
    record = Record("2021", "2021", 2024, "青阳县", "tiny")
    record.values = dict.fromkeys((p for paths in cell_paths("2021").values() for p in paths), 0)
    record.values["disclosure.fees.amount"] = Decimal(0)
    record.values.update(values)
    return make_paper(record, Noise(Random(1), dict(SILENT)), explicit=False)


def glue(paper: Any) -> dict[str, list[str]]:
    return {row: ["".join(paper.cells[p].text for p in paper.row_paths(row))] for row in paper.rows}


def row(key: str, numbers: list[int]) -> dict[str, int]:
    return {f"requests.{key}.{c}": n for c, n in zip(REQUEST_COLUMNS, numbers, strict=True)}


def test_glued_zeros_are_decided() -> None:
    paper = paper_of({})
    assert requests_undecided(paper, glue(paper)) == set()
    assert disputes_undecided(paper, ["0" * 15]) == set()


def test_columns_decide_what_a_row_leaves_open() -> None:
    numbers = [1, 12, 0, 0, 0, 0, 13]  # glued, 11 2 0 0 0 0 13 is as good
    both_open = paper_of(
        {k: v for key in ("new_received", "granted", "total_processed") for k, v in row(key, numbers).items()}
    )
    assert requests_undecided(both_open, glue(both_open)) == {
        f"requests.{key}.{c}"
        for key in ("new_received", "granted", "total_processed")
        for c in ("natural_person", "business")
    }
    tokens = glue(both_open)
    tokens["granted"] = ["1", "12000013"]  # one separator survives in one row, and the columns settle the rest
    assert requests_undecided(both_open, tokens) == set()


def test_stuck_bare_ordinals_decide_nothing() -> None:
    paper = paper_of({})
    opened = requests_undecided(paper, glue(paper), stuck=True, bare=True)
    assert "requests.denied.state_secret.total" in opened
    assert "requests.new_received.total" not in opened


def test_glued_table_4() -> None:
    paper = paper_of({"reconsideration.upheld": 2, "reconsideration.corrected": 1, "reconsideration.total": 3})
    assert disputes_undecided(paper, ["21003" + "0" * 10]) == set()
    open_paper = paper_of({"reconsideration.upheld": 1, "reconsideration.corrected": 12, "reconsideration.total": 13})
    assert disputes_undecided(open_paper, ["1120013" + "0" * 10]) == {
        "reconsideration.upheld",
        "reconsideration.corrected",
    }


def test_an_error_that_glue_hides_is_refused() -> None:
    paper = paper_of({"reconsideration.upheld": 1, "reconsideration.corrected": 1, "reconsideration.total": 3})
    paper.planted = [Planted("reconsideration.total", 3, 2)]
    assert disputes_undecided(paper, ["11003" + "0" * 10]) == set()
    hidden = paper_of({"reconsideration.upheld": 1, "reconsideration.corrected": 23, "reconsideration.total": 15})
    hidden.planted = [Planted("reconsideration.total", 15, 24)]
    with pytest.raises(HiddenErrorError):
        disputes_undecided(hidden, ["1230015" + "0" * 10])  # 12 3 0 0 15 fits


def test_survivors_agree_with_brute_force() -> None:
    rng = Random(3)
    outcomes = ("granted", "granted_in_part")
    balance = decide.Balance(outcomes)
    for _ in range(40):
        rows = {
            key: [tuple(rng.randint(0, 1) for _ in range(7)) for _ in range(rng.randint(1, 6))]
            for key in ("new_received", "carried_in", "total_processed", "carried_out", *outcomes)
        }
        fits: dict[str, set[tuple[int, ...]]] = {key: set() for key in rows}

        def plus(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
            return tuple(x + y for x, y in zip(a, b, strict=True))

        for new in rows["new_received"]:
            for old in rows["carried_in"]:
                for done in rows["total_processed"]:
                    for out in rows["carried_out"]:
                        for a in rows["granted"]:
                            for b in rows["granted_in_part"]:
                                if plus(new, old) == plus(done, out) and plus(a, b) == done:
                                    for key, cut in zip(fits, (new, old, done, out, a, b), strict=True):
                                        fits[key].add(cut)
        left = decide.survivors(rows, balance)
        if all(fits.values()):
            assert {key: set(cuts) for key, cuts in left.items()} == fits
        else:
            assert not all(left.values())


# ---------------------------------------------------------------- the comparison itself


def perfect(report: Expected) -> Any:
    """What a reader that sees the paper would answer."""
    cells = [
        SimpleNamespace(
            path=path,
            value=value,
            state=report.states[path],
            raw=None,
            span=None,
            method="rule" if value is not None else None,
            unit=report.fee_unit,
        )
        for path, value in report.truth.items()
    ]
    verdicts = dict.fromkeys(TABLES, "reconciled")
    for error in report.planted:
        table = error.path.split(".")[0]
        verdicts[table if table in TABLES else "disputes"] = "inconsistent"
    return SimpleNamespace(cells=cells, verdicts=verdicts, text="", findings=[])


def judged(sample: Sample, results: list[Any]) -> Outcome:
    outcome = Outcome(sample.seed, sample.family)
    compare(sample, results, sample.text, outcome)
    return outcome


@pytest.mark.parametrize("family", EVERY_FAMILY)
def test_a_perfect_reader_has_no_faults(family: str) -> None:
    for seed in SEEDS:
        sample = generate(seed, family)
        assert judged(sample, [perfect(report) for report in sample.reports]).faults == []


def test_faults_are_seen() -> None:
    sample = next(s for s in (generate(seed, "tabs") for seed in range(200)) if s.planted)
    result = perfect(sample.reports[0])
    result.verdicts = dict.fromkeys(TABLES, "verified")
    assert [f.kind for f in judged(sample, [result]).faults] == ["passed_over"]
    result = perfect(sample.reports[0])
    cell = next(c for c in result.cells if c.value is not None)
    cell.value += 1
    assert [f.kind for f in judged(sample, [result]).fatal] == ["escape"]
    result.verdicts = dict.fromkeys(TABLES, "needs_review")
    assert judged(sample, [result]).counts["wrong_untrusted"] == 1
    cell.span, cell.raw = (0, 3), "no such text"
    assert [f.kind for f in judged(sample, [result]).fatal] == ["span"]


def test_two_reports_are_matched_by_their_numbers() -> None:
    sample = next(s for s in (generate(seed, "mixed") for seed in range(80)) if len(s.reports) == 2 and s.truth)
    outcome = judged(sample, [perfect(sample.reports[1])])
    assert outcome.fatal == []
    assert outcome.counts["report_count_differs"] == 1


def test_fuzz_counts_what_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(sample: Sample) -> Any:
        raise RuntimeError("reader down")

    monkeypatch.setattr(fuzz, "read", broken)
    outcome = fuzz.run_one((1, "tabs"))
    assert [fault.kind for fault in outcome.fatal] == ["exception"]
    assert "reader down" in outcome.fatal[0].detail
