"""The reviewers' queue and the overview over many reports, without a server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from reviewing import desk

from extractor.review.doubt import doubt_of
from extractor.rules.catalogue import rules_version
from extractor.service.database import overview, review_queue, tables
from extractor.service.database.engine import Database
from extractor.service.database.review_queue import Filters

MANY = 400
TABLES = ("disclosure", "requests", "disputes")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Reports of which every fifth has two open tables, and every seventh is not current."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('queue') / 'service.db'}")
    database.migrate()
    rows: dict[sa.Table, list[dict[str, Any]]] = {
        table: []
        for table in (tables.documents, tables.extractions, tables.reports, tables.report_tables, tables.failures)
    }
    for number in range(MANY):
        sha, key = f"{number:064x}", {"extraction": f"x_{number:026x}", "number": 1}
        rows[tables.documents].append({"sha256": sha, "kind": "text", "size": 1, "bytes": b"", "created": "2026"})
        rows[tables.extractions].append(
            {
                "id": key["extraction"],
                "document": sha,
                "fingerprint": sha,
                "source": f"{number}.txt",
                "state": "done",
                "round": 1,
                "attempts": 1,
                "created": "2026",
                "version": "1",
                "finished": f"2026-01-{number % 2 + 1:02d}T",
                "calls": number % 2,
                "prompt_tokens": 3,
                "completion_tokens": 4,
                "cost": "0.1" if number % 4 else None,
            }
        )
        rows[tables.reports].append(
            {
                **key,
                "document": sha,
                "current": number % 7 != 0,
                "organization": f"{number % 40}县",
                "year": 2020 + number % 4,
                "form": "2021",
                "province": f"省{number % 3}",
                "verdict": "verified" if number % 5 else "needs_review",
                "doubt": 0.0,
            }
        )
        for name in TABLES:
            open_ = number % 5 == 0 and name != "disclosure"
            rows[tables.report_tables].append(
                {
                    **key,
                    "table_key": name,
                    "verdict": "needs_review" if open_ else "verified",
                    "failed_rules": 0,
                    "doubtful_cells": 0,
                    "doubt": float(number % 9 + 1) if open_ else 0.0,
                    "settled": not open_,
                }
            )
        if number % 5 == 0:
            rows[tables.failures].append(
                {**key, "ordinal": 0, "rule": "requests.balance.total", "severity": "error", "blame": "undecided"}
            )
    with database.write() as connection:
        for table, found in rows.items():
            connection.execute(sa.insert(table), found)
    yield database
    database.close()


def expected() -> list[tuple[float, int, str]]:
    """The whole queue: doubt, report, table."""
    found = [
        (float(number % 9 + 1), number, name)
        for number in range(0, MANY, 5)
        if number % 7
        for name in TABLES
        if name != "disclosure"
    ]
    return sorted(found, key=lambda one: (-one[0], one[1], one[2]))


def shown(rows: Any) -> list[tuple[float, int, str]]:
    return [(row.doubt, int(row.extraction[2:], 16), row.table_key) for row in rows]


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_pages_are_the_queue_in_pieces(database: Database, limit: int) -> None:
    found: list[Any] = []
    with database.read() as connection:
        while True:
            after = review_queue.cursor_of(found[-1]) if found else None
            page = review_queue.page(connection, Filters(), after, limit)
            if not page:
                break
            found += page
    assert shown(found) == expected()


FILTERS: list[tuple[dict[str, Any], Any]] = [
    ({"table": "requests"}, lambda number, name: name == "requests"),
    ({"year": 2021}, lambda number, name: number % 4 == 1),
    ({"province": "省2"}, lambda number, name: number % 3 == 2),
    ({"organization": "5县"}, lambda number, name: str(number % 40).endswith("5")),
    ({"verdict": "needs_review"}, lambda number, name: True),
    ({"verdict": "failed"}, lambda number, name: False),
    ({"rule": "requests.balance"}, lambda number, name: True),
    ({"rule": "requests.bal"}, lambda number, name: False),
    ({"rule": "requests_balance"}, lambda number, name: False),
    ({"organization": "%"}, lambda number, name: False),
]


@pytest.mark.parametrize(("filters", "fits"), FILTERS, ids=[str(filters) for filters, _ in FILTERS])
def test_filters(database: Database, filters: dict[str, Any], fits: Any) -> None:
    wanted = [one for one in expected() if fits(one[1], one[2])]
    with database.read() as connection:
        assert shown(review_queue.page(connection, Filters(**filters), None, 1000)) == wanted
        counts = review_queue.counts(connection, Filters(**filters))
    assert counts == {
        name: sum(one[2] == name for one in wanted) for name in TABLES if any(one[2] == name for one in wanted)
    }


@pytest.mark.parametrize("after", [None, (5.0, "x_", 1, "requests")])
def test_a_page_is_read_off_the_index(database: Database, after: Any) -> None:
    """What stands behind the page is not even looked at: no sorting, no scan of the tables that are settled."""
    asked: list[Any] = []

    class Asked:
        def execute(self, statement: Any) -> Any:
            asked.append(statement)
            return self

        def all(self) -> list[Any]:
            return []

    review_queue.page(Asked(), Filters(table="requests"), after, 50)  # type: ignore[arg-type]
    compiled = asked[0].compile(database.engine, compile_kwargs={"literal_binds": True})
    with database.read() as connection:
        plan = [row[3] for row in connection.exec_driver_sql(f"explain query plan {compiled}")]
    assert "report_tables_queue" in plan[0]
    assert not any("TEMP B-TREE" in step for step in plan)


def test_figures(database: Database) -> None:
    current = [number for number in range(MANY) if number % 7]
    with database.read() as connection:
        everything = overview.Filters()
        totals = overview.totals(connection, everything)
        years = overview.verdicts(connection, "year", everything)
        bodies = overview.verdicts(connection, "organization", everything, limit=5)
        coverage = overview.coverage(connection, everything, limit=3, offset=1)
        rules = overview.rules(connection, everything)
        cost = overview.model_cost(connection)
        progress = overview.progress(connection, everything)
    doubtful = sum(number % 5 == 0 for number in current)
    assert totals["machine"] == {"needs_review": doubtful, "verified": len(current) - doubtful} == totals["reviewed"]
    assert [one["key"] for one in years] == [2020, 2021, 2022, 2023]
    assert sum(one["reports"] for one in years) == len(current)
    assert len(bodies) == 5
    assert all(sum(one["verdicts"].values()) == one["reports"] for one in bodies)
    assert (coverage["total"], len(coverage["bodies"]), coverage["years"]) == (40, 3, [2020, 2021, 2022, 2023])
    assert rules == [
        {"rule": "requests.balance.total", "severity": "error", "reports": doubtful, "blame": {"undecided": doubtful}}
    ]
    assert cost == [
        {"day": "2026-01-02", "calls": 200, "prompt_tokens": 600, "completion_tokens": 800, "cost": "20.0"}
    ], "exact, of odd numbers only: the even ones asked no model"
    assert {one["table"]: (one["tables"], one["doubtful"]) for one in progress} == {
        "disclosure": (len(current), 0), "requests": (len(current), doubtful), "disputes": (len(current), doubtful),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "table", "above"),
    [
        ("luming-2023-cut-off.txt", "requests", 90),  # the reader doubts all of it, and most rows are missing
        ("gaotang-2023-pdf-raw-column-order.txt", "disputes", 30),
        ("taling-2022-ocr-text.txt", "disclosure", 2),
        ("changtang-2021-grid-row-sum-error.txt", "requests", 0),  # proved, and printed so: only to be confirmed
    ],
)
def test_what_is_worse_comes_first(name: str, table: str, above: float) -> None:
    score = doubt_of(desk(name).line)[table].score
    assert above < score < (above + 10 if above else 1)


@pytest.mark.parametrize("name", ["zhongyang-2024-tabs.txt", "yangliugou-2024-narrative-only.txt"])
def test_what_nobody_can_settle_is_no_work(name: str) -> None:
    assert {doubt.score for doubt in doubt_of(desk(name).line).values()} == {0.0}


def test_the_rules_have_a_version() -> None:
    version, digest = rules_version().split("+")
    assert version
    assert len(digest) == 12
    assert rules_version() == rules_version()
