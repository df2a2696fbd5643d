"""Which cells are named where equations fail: the smallest sets, acts such as a shifted row, and the words for them."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import helpers as h
import pytest
from extractor.eval.planted import put, tried
from extractor.eval.planting import SINGLE, Page, Sums, page, plant
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from extractor.form import Equation, equations
from extractor.rules.hypotheses import MOST_CHANGED, smallest
from extractor.rules.localize import MOST_SHOWN, MOST_SUSPECTS, Explanation, Reason, localize
from extractor.rules.phrases import number, slip
from extractor.rules.puzzle import MOST_STEPS, Puzzle, invariants, system_of

Values = Mapping[str, int | None]
TRUE: dict[str, int | None] = {path: int(v) for path, v in h.truth().items() if not path.startswith("disclosure.")}
R = "requests."
RULES = equations()


def cells(row: str, *values: int | None) -> dict[str, int | None]:
    """The seven cells of a row of table 3."""
    return {f"requests.{row}.{column}": value for column, value in zip(h.COLUMNS, values, strict=True)}


def cannot_hold(values: Values, rule: Equation) -> bool:
    """Whether what is known of an equation rules it out, whatever number ≥ 0 the others are."""
    left = [values[p] for p in rule.left]
    right = [values[p] for p in rule.right]
    a, b = sum(v or 0 for v in left), sum(v or 0 for v in right)
    if None in left and None in right:
        return False
    return a > b if None in left else a < b if None in right else a != b


def explained(values: Values, rules: tuple[Equation, ...] = RULES) -> list[Explanation]:
    failing = [rule for rule in rules if cannot_hold(values, rule)]
    found = localize(values, failing, [rule for rule in rules if rule not in failing])
    assert sorted(code for one in found for code in one.rules) == sorted(rule.code for rule in failing)
    return found


def alone(changes: Mapping[str, int | None]) -> Explanation:
    (explanation,) = explained({**TRUE, **changes})
    return explanation


def mends(values: Values, reason: Reason, rules: tuple[Equation, ...], codes: tuple[str, ...]) -> bool:
    """Whether the values of a reason satisfy the equations of its group and break no other; by plain sums."""
    after = {**values, **dict(reason.changes)}
    bad = {rule.code for rule in rules if cannot_hold(after, rule)}
    before = {rule.code for rule in rules if cannot_hold(values, rule)}
    return bad <= before - set(codes) and all(value >= 0 for _, value in reason.changes)


# ---------------------------------------------------------------- one cell


@pytest.mark.parametrize(
    ("path", "printed", "words", "english"),
    [
        pytest.param(R + "new_received.total", 42, "两位数字互换", "two digits swapped", id="swapped"),
        pytest.param(R + "new_received.natural_person", 2, "一部分", "part of the number", id="split off"),
        pytest.param(R + "new_received.total", 224, "重复", "doubled", id="doubled"),
        pytest.param(R + "new_received.total", 294, "多印一位", "too many", id="a digit too many"),
        pytest.param(R + "new_received.total", 25, "一位数字不同", "one digit differs", id="one digit"),
        pytest.param(R + "granted.business", 3, "3 → 1，", "3 → 1:", id="no slip of digits"),
    ],
)
def test_one_cell(path: str, printed: int, words: str, english: str) -> None:
    explanation = alone({path: printed})
    assert explanation.suspects == (path,)
    (reason,) = explanation.reasons
    assert (reason.kind, reason.cells, reason.changes) == ("cell", (path,), ((path, TRUE[path]),))
    assert words in reason.text
    assert english in reason.text_en
    assert f"{printed} → {TRUE[path]}" in reason.text
    assert reason.bounds == ("=",)


def test_the_total_of_totals() -> None:
    """It stands in three equations; no other cell stands in all of them."""
    explanation = alone({R + "total_processed.total": 42})
    assert len(explanation.rules) == 3
    assert explanation.suspects == (R + "total_processed.total",)


def test_a_block_of_table_4_may_be_wrong_anywhere_and_a_slip_comes_first() -> None:
    explanation = alone({"reconsideration.total": 40})
    assert set(explanation.suspects) == {f"reconsideration.{c}" for c in h.BLOCK_COLUMNS}
    assert explanation.reasons[0].changes == (("reconsideration.total", 4),)
    assert all(len(reason.cells) == 1 for reason in explanation.reasons)


def test_no_count_is_lowered_below_nothing() -> None:
    explanation = alone({"litigation_direct.total": 0})
    assert explanation.reasons[0].changes
    assert all(value >= 0 for reason in explanation.reasons for _, value in reason.changes)
    assert "litigation_direct.corrected" not in explanation.suspects  # 0 already: it would have to be -1


@pytest.mark.parametrize(
    ("printed", "wanted", "kind"),
    [
        (21, 12, "swapped"),
        (312, 213, "swapped"),
        (2, 20, "part"),
        (0, 20, "part"),
        (13, 123, "dropped"),
        (112, 12, "doubled"),
        (192, 12, "extra"),
        (13, 12, "digit"),
        (3, 2, ""),
        (10**50, 10**51, ""),
        (7, 1234, ""),
        (32, 25, ""),
    ],
)
def test_slips(printed: int, wanted: int, kind: str) -> None:
    assert slip(printed, wanted) == kind


# ---------------------------------------------------------------- one act


def test_a_request_in_the_wrong_column() -> None:
    explanation = alone({R + "granted.business": 2, R + "granted.natural_person": 8})
    first = explanation.reasons[0]
    assert first.kind == "moved"
    assert set(first.changes) == {(R + "granted.business", 1), (R + "granted.natural_person", 9)}
    assert "有 1 件计在“（一）予以公开 · 商业企业”而应计在“（一）予以公开 · 自然人”" in first.text
    # Any row that has one of a business would explain it as well; none with nothing there.
    assert {len(reason.cells) for reason in explanation.reasons} == {2}
    assert R + "granted_in_part.business" not in explanation.suspects


def test_a_number_one_row_off() -> None:
    explanation = alone({R + "granted.natural_person": 0, R + "granted_in_part.natural_person": 12})
    assert explanation.reasons[0].kind == "moved"
    assert set(explanation.reasons[0].cells) == {R + "granted.natural_person", R + "granted_in_part.natural_person"}


def test_two_neighbours_exchanged() -> None:
    first = alone({R + "new_received.natural_person": 3, R + "new_received.business": 20}).reasons[0]
    assert first.kind == "exchanged"
    assert set(first.changes) == {(R + "new_received.natural_person", 20), (R + "new_received.business", 3)}
    assert "两格互换" in first.text


@pytest.mark.parametrize(
    ("printed", "side"),
    [
        pytest.param((0, 9, 1, 0, 0, 0, 11), "左", id="right, total in place"),
        pytest.param((1, 0, 0, 0, 1, 0, 11), "右", id="left, total in place"),
        pytest.param((0, 9, 1, 0, 0, 0, 1), "左", id="right, total lost"),
        pytest.param((1, 0, 0, 0, 1, 11, 0), "右", id="left with the total"),
        pytest.param((None, 9, 1, 0, 0, 0, 1), "左", id="a blank enters"),
    ],
)
def test_a_row_shifted_by_a_column(printed: tuple[int | None, ...], side: str) -> None:
    values = {**TRUE, **cells("granted", *printed)}
    (explanation,) = explained(values)
    reason = next(reason for reason in explanation.reasons if reason.kind == "shifted")
    assert reason is explanation.reasons[0]
    assert {**values, **dict(reason.changes)} == {**TRUE, **cells("granted", 9, 1, 0, 0, 0, 1, 11)} or None in printed
    assert f"各向{side}移一格" in reason.text
    assert "（一）予以公开" in reason.text
    assert set(reason.cells) >= {p for p, v in cells("granted", *printed).items() if v != TRUE[p] and v is not None}


def test_two_rows_exchanged() -> None:
    rows = {key: tuple(TRUE[f"requests.{key}.{c}"] for c in h.COLUMNS) for key in ("carried_in", "granted")}
    explanation = alone(cells("carried_in", *rows["granted"]) | cells("granted", *rows["carried_in"]))
    assert len(explanation.rules) == 8
    (reason,) = [reason for reason in explanation.reasons if reason.kind == "rows"]
    assert {**TRUE, **dict(reason.changes)} == TRUE
    assert "两行互换" in reason.text


# ---------------------------------------------------------------- several cells


def test_two_cells_anywhere() -> None:
    explanation = alone({R + "granted.business": 2, R + "denied.third_party_rights.natural_person": 8})
    assert set(explanation.suspects) == {R + "granted.business", R + "denied.third_party_rights.natural_person"}
    assert explanation.reasons[0].kind == "cells"


def test_three_cells_anywhere() -> None:
    wrong = {
        R + "granted.business": 2,
        R + "denied.third_party_rights.natural_person": 8,
        R + "granted_in_part.total": 11,
    }
    explanation = alone(wrong)
    assert set(explanation.suspects) == set(wrong)
    assert set(explanation.reasons[0].changes) == {(path, TRUE[path]) for path in wrong}


def test_six_cells_that_do_not_meet() -> None:
    """More than three are named where so many equations fail that it cannot be fewer."""
    rows = ("granted", "granted_in_part", "denied.third_party_rights", "unavailable.not_held")
    wrong = {f"requests.{row}.{h.COLUMNS[i]}": 30 + 7 * i for i, row in enumerate(rows)}
    assert set(alone(wrong).suspects) == set(wrong)


def test_failures_that_share_no_cell_are_explained_apart() -> None:
    wrong = {R + "granted.business": 2, R + "carried_out.legal_service": 3, "reconsideration.total": 5}
    found = {one.rules: set(one.suspects) for one in explained({**TRUE, **wrong})}
    assert found == {
        ("requests.applicants.granted", "requests.outcomes.business"): {R + "granted.business"},
        ("requests.applicants.carried_out", "requests.balance.legal_service"): {R + "carried_out.legal_service"},
        ("reconsideration.sum",): {f"reconsideration.{c}" for c in h.BLOCK_COLUMNS},
    }


def test_two_moves_in_different_columns_are_explained_apart() -> None:
    wrong = {R + "granted.business": 2, R + "granted.natural_person": 8}
    wrong |= {R + "new_received.legal_service": 1, R + "new_received.other_organization": 0}
    found = explained({**TRUE, **wrong})
    assert len(found) == 2
    assert set(wrong) <= {cell for one in found for cell in one.suspects}


def test_fewest_first_and_not_too_many() -> None:
    for seed in range(30):
        rng = Random(seed)
        paths = rng.sample(sorted(TRUE), 2)
        for one in explained({**TRUE, **{path: (TRUE[path] or 0) + rng.randint(1, 4) for path in paths}}):
            assert len(one.reasons) <= MOST_SHOWN
            assert len(one.suspects) <= MOST_SUSPECTS
            assert {cell for reason in one.reasons for cell in reason.cells} <= set(one.suspects)
            sets = [len(reason.cells) for reason in one.reasons if reason.kind not in ("shifted", "rows")]
            assert sets == sorted(sets)


# ---------------------------------------------------------------- numbers that are not there


def test_too_much_although_a_number_is_missing() -> None:
    explanation = alone({R + "granted.natural_person": 30, R + "granted.business": None})
    assert explanation.suspects[0] == R + "granted.natural_person"
    assert R + "granted.business" not in explanation.suspects


def test_the_most_that_would_do() -> None:
    blank = {"reconsideration.other": None, "reconsideration.upheld": 9}
    first, *others = alone(blank).reasons
    assert {bound for reason in (first, *others) for bound in reason.bounds} == {"≤", "≥"}
    lowered = next(r for r in (first, *others) if r.cells == ("reconsideration.upheld",))
    assert lowered.changes == (("reconsideration.upheld", 2),)
    assert "至多 2" in lowered.text
    assert "at most 2" in lowered.text_en


def test_what_missing_numbers_say_of_the_others() -> None:
    """Row and column each lack the same cell: together they say how much its other cells must be."""
    values = {**TRUE, R + "granted.business": None, R + "granted.natural_person": 7}
    found = explained(values)
    # Σ of the row leaves 3 for the blank cell, Σ of its column leaves 1; natural_person's own column fails too.
    assert found[0].suspects == (R + "granted.natural_person",)


def test_a_number_in_the_cell_beside_an_empty_one() -> None:
    (explanation,) = explained({**TRUE, R + "granted.business": None, R + "granted.research_institution": 1})
    assert R + "granted.research_institution" in explanation.suspects
    moved = [reason for reason in explanation.reasons if reason.kind == "moved"]
    assert {(R + "granted.business", 1), (R + "granted.research_institution", 0)} in [set(r.changes) for r in moved]
    assert any("空 → 1" in reason.text for reason in moved)


# ---------------------------------------------------------------- whatever comes


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 10**6), st.data())
def test_a_single_error_is_always_a_suspect(seed: int, data: st.DataObject) -> None:
    made, paths = printed(seed)
    path = data.draw(st.sampled_from(paths))
    value = data.draw(st.one_of(st.integers(0, 30), st.integers(0, 10**5)))
    values = {**made.values, path: value}
    if not Sums(made.rows, made.without).broken(values):
        return
    found = explained(values, rules_of(made))
    assert any(path in one.suspects for one in found)
    for one in found:
        for reason in one.reasons:
            assert mends(values, reason, rules_of(made), one.rules)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 3), st.data())
def test_every_explanation_mends_what_it_explains(seed: int, many: int, data: st.DataObject) -> None:
    made, paths = printed(seed)
    wrong = data.draw(st.dictionaries(st.sampled_from(paths), st.integers(0, 300), min_size=many, max_size=many))
    values = {**made.values, **wrong}
    for one in explained(values, rules_of(made)):
        for reason in one.reasons:
            assert mends(values, reason, rules_of(made), one.rules)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.data())
def test_two_errors_in_a_printed_table_are_both_named_where_no_single_cell_would_do(
    seed: int, data: st.DataObject
) -> None:
    made, paths = printed(seed, R)
    sums = Sums(made.rows, made.without)
    wrong = data.draw(st.dictionaries(st.sampled_from(paths), st.integers(0, 90), min_size=2, max_size=2))
    values = {**made.values, **wrong}
    if made.blanks or not sums.broken(values) or sums.smallest(values, 1) == 1:
        return
    found = explained(values, rules_of(made))
    suspects = {cell for one in found for cell in one.suspects}
    assert set(wrong) <= suspects or any(len(one.suspects) == MOST_SUSPECTS for one in found)


def printed(seed: int, prefix: str = "") -> tuple[Page, list[str]]:
    """A random true record of which some cell prints a number, and the paths of these."""
    made = page(Random(seed))
    paths = sorted(path for path, value in made.values.items() if value is not None and path.startswith(prefix))
    assume(len(paths) > 3)
    return made, paths


def rules_of(made: Page) -> tuple[Equation, ...]:
    return equations(made.printed, made.without)


def wild(seed: int, top: int, share: float) -> tuple[dict[str, int | None], tuple[Equation, ...]]:
    rng = Random(seed)
    made = page(rng)
    values = {p: rng.randint(0, top) if rng.random() < share else v for p, v in made.values.items()}
    return values, rules_of(made)


@pytest.mark.parametrize("share", [0.03, 0.1, 0.4, 1.0])
@pytest.mark.parametrize("digits", [0, 1, 30, 5000])
def test_work_is_bounded_and_absurd_numbers_are_shown_by_their_size(digits: int, share: float) -> None:
    for seed in range(4):
        values, rules = wild(seed, 10**digits, share)
        for one in explained(values, rules):
            assert len(one.reasons) <= MOST_SHOWN
            assert all(len(reason.text) < 3000 for reason in one.reasons)
        puzzle = Puzzle(system_of(rules), values)
        smallest(puzzle, [e for e, gap in enumerate(puzzle.gaps) if puzzle.bad(e, gap)], MOST_CHANGED)
        assert puzzle.steps >= -MOST_CHANGED * 200 - MOST_STEPS


def test_negative_and_odd_values_do_no_harm() -> None:
    odd: dict[str, Any] = {R + "granted.business": -5, R + "granted.total": None, R + "carried_in.total": "2"}
    assert explained_any({**TRUE, **odd})


def explained_any(values: Mapping[str, Any]) -> list[Explanation]:
    return localize(values, [rule for rule in RULES if rule.code == "requests.outcomes.business"], RULES)


def test_invariants_hold_for_every_change() -> None:
    """No change of a cell alters them, so they are 0 for what fails in any record that numbers could mend."""
    for seed in range(12):
        made = page(Random(seed))
        rules = rules_of(made)
        rng = Random(seed)
        values = {p: None if v is None else v + rng.randint(0, 9) for p, v in made.values.items()}
        puzzle = Puzzle(system_of(rules), values)
        for weights in invariants(puzzle):
            assert sum(factor * puzzle.gaps[e] for e, factor in weights.items()) == 0
    whole = Puzzle(system_of(RULES), TRUE)
    assert len(invariants(whole)) == 2  # rows against columns: of what was done, and of what came in


def test_numbers_for_people() -> None:
    assert number(12) == "12"
    assert number(10**60).startswith("≈10^")


def test_the_measure_finds_what_is_planted(tmp_path: Any) -> None:
    for seed in range(6):
        rng = Random(seed)
        made = page(rng)
        sums = Sums(made.rows, made.without)
        assert not sums.broken(made.values)
        for kind in SINGLE:
            changes = plant(made, kind, rng)
            if changes:
                trial = tried(kind, made, sums, changes)
                assert trial.silent or (trial.named and trial.smallest and not trial.missed)
    path = tmp_path / "measured.md"
    path.write_text("# Rules\n\n## Planted errors\nold\n\n## Next\nstays\n", encoding="utf-8")
    put(path, "## Planted errors\n\nnew\n")
    assert path.read_text(encoding="utf-8") == "# Rules\n\n## Planted errors\n\nnew\n\n## Next\nstays\n"
