"""Two years of one body."""

from __future__ import annotations

from typing import Any

import pytest
from soft import FEES, IN, NEW, OUT, D, N, applies, one, outcomes, soft

from extractor.document.bodies import body_key, one_name_holds_the_other, same_body
from extractor.form import REQUEST_COLUMNS
from extractor.rules.examples import example_case


@pytest.mark.parametrize(
    ("name", "before", "year", "year_before", "fits"),
    [
        ("中阳县", "中阳县人民政府办公室", 2024, 2023, True),
        ("武陟县小董乡人民政府", "小董乡", 2024, 2023, True),
        ("石牌街道办事处", "石牌街道", None, 2023, True),
        (None, "小董乡", 2024, None, True),
        ("中阳县", "中阳县水利局", 2024, 2023, False),
        ("中阳县", "中阳县", 2024, 2022, False),
        ("中阳县", "中阳县", 2024, 2024, False),
        ("中阳县", "临县", None, None, False),
    ],
)
def test_pairs(name: str | None, before: str | None, year: int | None, year_before: int | None, fits: bool) -> None:
    previous = {"rest": 0, "organization": before, "year": year_before, "cells": {OUT: 2}}
    example = {"rest": 0, "organization": name, "year": year, "previous": previous}
    assert (one("years.pair", **example) is None) == fits
    findings = {finding.rule for finding in soft(example_case(example))}
    assert findings == ({"years.carried.total"} if fits else {"years.pair"})


def test_bodies_by_name() -> None:
    assert same_body("办公室", "办公室")
    assert not same_body("中阳县", "中阳县人民法院")


def test_the_looser_and_the_stricter_way_to_compare_names() -> None:
    assert one_name_holds_the_other("中阳县", "中阳县教育局")
    assert one_name_holds_the_other("中阳县 教育局", "中阳县")
    assert not one_name_holds_the_other("中阳县", "柳林县")
    assert not one_name_holds_the_other("", "中阳县")
    assert body_key("中阳县人民政府（本级）") == "中阳县人民政府本级"
    assert body_key("中阳县 人民政府") == body_key("中阳县") != body_key("中阳县人民政府办公室")
    assert body_key("人民政府") == "人民政府"


def test_carried_over() -> None:
    found = outcomes(
        "years.carried",
        {
            "rest": 0,
            "cells": {IN: 3, "requests.carried_in.business": None, "requests.carried_in.legal_service": None},
            "previous": {
                "rest": 0,
                "cells": {OUT: 2, "requests.carried_out.business": None, "requests.carried_out.natural_person": None},
            },
        },
    )
    assert len(found) == len(REQUEST_COLUMNS) - 1  # 商业企业 is empty in both years
    by_rule = {finding.rule: finding for finding in found if finding}
    assert {rule: f.status for rule, f in by_rule.items()} == {
        "years.carried.total": "fail",
        "years.carried.natural_person": "not_assessable",
        "years.carried.legal_service": "not_assessable",
    }
    total = by_rule["years.carried.total"]
    assert (total.left, total.right, total.severity) == (3, 2, "warning")
    assert total.suspects == (IN, f"previous.{OUT}")
    assert "上年" in by_rule["years.carried.natural_person"].message
    assert (
        "上年" not in by_rule["years.carried.legal_service"].message.partition("缺 ")[2].split(" · ")[0].split("、")[0]
    )


@pytest.mark.parametrize(
    ("stock", "issued", "repealed", "in_force", "expected"),
    [
        (17, 2, 0, 19, None),
        (17, 2, 1, 19, ("fail", "warning")),
        (17, 2, 1, 10, ("fail", "info")),
        (None, 2, 1, 10, ("not_assessable", "info")),
        (17, 2, None, 10, ("not_assessable", "info")),
    ],
)
def test_in_force(
    stock: int | None, issued: int | None, repealed: int | None, in_force: int | None, expected: tuple[str, str] | None
) -> None:
    cells = {N + "issued": issued, N + "repealed": repealed, N + "in_force": in_force}
    previous = {"rest": 0, "cells": {N + "in_force": stock}}
    finding = one("years.in_force", cells=cells, previous=previous)
    assert (finding and (finding.status, finding.severity)) == expected


def test_rules_of_the_2021_form_leave_the_2019_form_alone() -> None:
    previous = {"form": "2019", "rest": 1}
    assert not applies("years.in_force", previous=previous)
    assert applies("years.carried", previous=previous)
    for code in ("disclosure.issued_over_in_force", "disclosure.repealed_over_stock", "disclosure.fee_magnitude"):
        assert not applies(code, form="2019", rest=5)
    for code in ("disclosure.published_over_total", "disclosure.items_below_zero"):
        assert applies(code, form="2019")
        assert not applies(code)
    finding = one(
        "disclosure.items_below_zero", form="2019", cells={D + "fees.previous_items": None, D + "fees.change": -2}
    )
    assert finding
    assert finding.status == "not_assessable"


def test_pending() -> None:
    code, before = "years.pending", {"rest": 0, "cells": {"litigation_direct.pending": 2}}
    assert one(code, cells={"litigation_direct.total": 2}, previous=before) is None
    finding = one(code, cells={"litigation_direct.total": 1}, previous=before)
    assert finding
    assert (finding.rule, finding.severity) == ("years.pending.litigation_direct", "info")
    missing = one(code, cells={"litigation_direct.total": None}, previous=before)
    assert missing
    assert missing.status == "not_assessable"


def claim(field: str, value: int | str, year: int | None = 2022, **more: Any) -> dict[str, Any]:
    return {"field": field, "value": value, "raw": str(value), "span": [0, 2], "year": year, **more}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (claim(NEW, 28), "pass"),
        (claim(NEW, 25), "fail"),
        (claim(NEW, 25, about="at_least"), "pass"),
        (claim(NEW, 31, about="at_least"), "fail"),
        (claim(NEW, 30, about="about"), "pass"),
        (claim(NEW, 30, about="at_most"), "pass"),
        (claim(NEW, 30), "pass"),  # with the two carried in
        (claim(NEW, 25, year=2023), "nothing"),
        (claim(NEW, 25, year=None), "nothing"),
        (claim(NEW, 25, scope="region"), "nothing"),
        (claim("processing_fee.amount", "640", unit="元"), "nothing"),
        (claim("requests.granted.total", 5), "not_assessable"),
        (claim(FEES, "41.2", unit="万元"), "pass"),
        (claim(FEES, "412000", unit="元"), "pass"),
        (claim(FEES, "41", unit="万元"), "pass"),
        (claim(FEES, "43", unit="万元"), "fail"),
        (claim(FEES, "410000", raw="41万", unit="元"), "pass"),
        (claim(FEES, "411000.0", raw="41.1万", unit="元"), "fail"),
        (claim(FEES, "0"), "fail"),
        (claim("requests.denied.all.total", 3), "pass"),
        (claim("requests.denied.all.total", 4), "fail"),
        (claim("litigation.total", 3), "pass"),
        (claim("litigation.total", 5), "fail"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value['field']}={value['value']}",
)
def test_restated(said: dict[str, Any], expected: str) -> None:
    cells = {
        NEW: 28,
        IN: 2,
        "requests.total_processed.total": 30,
        "requests.granted.total": None,
        FEES: "41.2",
        "requests.denied.internal_affairs.total": 2,
        "requests.denied.state_secret.total": 1,
        "litigation_direct.total": 2,
        "litigation_after_reconsideration.total": 1,
    }
    example = {"rest": 0, "year": 2023, "claims": [said], "previous": {"rest": 0, "year": 2022, "cells": cells}}
    found = outcomes("years.restated", example)
    assert [outcome.status if outcome else "pass" for outcome in found] == ([] if expected == "nothing" else [expected])


def test_restated_of_a_printed_group() -> None:
    cells = {"requests.denied.all.total": 3}
    for value, status in ((3, "pass"), (4, "fail")):
        example = {
            "year": 2023,
            "claims": [claim("requests.denied.all.total", value)],
            "previous": {"year": 2022, "cells": cells},
        }
        found = outcomes("years.restated", example)
        assert [outcome.status if outcome else "pass" for outcome in found] == [status]


def test_a_table_copied_from_last_year() -> None:
    rows = {NEW: 9, "requests.granted.total": 5, "requests.carried_out.total": 3, "requests.total_processed.total": 6}
    previous = {"rest": 0, "cells": rows}
    finding = one("years.table_repeated", cells=rows, previous=previous)
    assert finding
    assert finding.rule == "years.table_repeated.requests"
    assert one("years.table_repeated", cells={**rows, NEW: 8}, previous=previous) is None
    three = dict(list(rows.items())[:3])
    assert not applies("years.table_repeated", cells=three, previous={"rest": 0, "cells": three})


@pytest.mark.parametrize(
    ("now", "then", "fails"),
    [(1530, 153, True), (15300, 153, True), (100, 1000, False), (150, 1500, False), (10000, 10, True), (9000, 9, False),
     (153, 154, False), (12, 13000, True), (153, 153, False)],
)  # fmt: skip
def test_magnitude(now: int, then: int, fails: bool) -> None:
    finding = one("years.magnitude", cells={NEW: now}, previous={"rest": 0, "cells": {NEW: then}})
    assert bool(finding) == fails
    if finding:
        assert finding.severity == "info"
