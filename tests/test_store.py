"""The database: nothing twice, nothing lost, every fault explained, every column documented."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from extractor.errors import StoreError
from extractor.form import cell_paths
from extractor.results import Cell, Finding, Hypothesis, Result, failed
from extractor.store import Store, database

TEXT = "本年新收申请 2 0 件，收费 1.50 万元"
DOCS = Path(__file__).parent.parent / "docs" / "database.md"


def result(sha256: str = "a" * 64, source: str = "a.txt", received: int = 20) -> Result:
    cells = [Cell(path, 0, "reported", "0", (0, 1), "rule") for path in cell_paths("2021")["disputes"]]
    cells += [Cell(path) for paths in ("requests", "disclosure") for path in cell_paths("2021")[paths]]
    by_path = {cell.path: cell for cell in cells}
    by_path["requests.new_received.total"].__init__(  # type: ignore[misc]
        "requests.new_received.total", received, "reported", "2 0", (7, 10), "rule"
    )
    by_path["requests.granted.total"].state = "ambiguous"
    by_path["requests.granted.total"].span, by_path["requests.granted.total"].raw = (7, 10), "2 0"
    by_path["requests.granted.total"].candidates = (20, 2)
    fee = by_path["disclosure.fees.amount"]
    fee.value, fee.state, fee.raw, fee.span, fee.unit = Decimal("1.50"), "reported", "1.50", (15, 19), "万元"
    finding = Finding(
        "requests.balance.total", "fail", "error", "第一项加第二项之和 20，第三项加第四项之和 19",
        ("requests.new_received.total",), 20, 19, ("requests.new_received.total",),
        (Hypothesis(("requests.new_received.total",), "若为 19，则各式成立"),), "source",
    )  # fmt: skip
    return Result(
        source, sha256, "needs_review",
        {"disclosure": "reconciled", "requests": "needs_review", "disputes": "verified"},
        {"form": "2021", "organization": "中阳县", "year": 2024, "title": "报告"}, cells, [finding], text=TEXT,
    )  # fmt: skip


@contextmanager
def opened(path: Path, wait: float = 0.1) -> Iterator[Store]:
    with Store(path, wait=wait) as store:
        yield store


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "r.db"


def test_what_is_saved_can_be_read_back_exactly(path: Path) -> None:
    with opened(path) as store:
        assert store.save("a.txt", b"x" * 40, [result()]) == 1
    assert rows(path, "pragma journal_mode") == [("wal",)]
    assert rows(path, "select bytes, characters, text from documents") == [(40, len(TEXT), TEXT)]
    assert rows(path, "select count(*) from cells") == [(200,)]
    assert rows(path, "select value, typeof(value), unit from cells where path = 'disclosure.fees.amount'") == [
        ("1.50", "text", "万元")
    ]
    assert rows(
        path,
        "select c.raw, substr(d.text, c.span_start + 1, c.span_end - c.span_start), c.value_integer from cells c "
        "join extractions e on e.id = c.extraction join documents d on d.sha256 = e.document "
        "where c.path = 'requests.new_received.total'",
    ) == [("2 0", "2 0", 20)]
    assert rows(path, "select candidates from cells where state = 'ambiguous'") == [("[20, 2]",)]
    assert rows(path, "select left_value, right_value, blame from findings") == [("20", "19", "source")]


def test_views_show_it_as_people_know_it(path: Path) -> None:
    with opened(path) as store:
        store.save("a.txt", b"x", [result()])
    assert rows(path, "select organization, year, row_label, total from records_requests limit 1") == [
        ("中阳县", 2024, "一、本年新收政府信息公开申请数量", 20)
    ]
    assert rows(path, "select count(*) from records_requests") == [(25,)]
    assert rows(path, "select row_label, upheld, total from records_disputes") == [
        ("行政复议", 0, 0), ("未经复议直接起诉", 0, 0), ("复议后起诉", 0, 0),
    ]  # fmt: skip
    assert ("行政事业性收费", "1.50", "万元") in rows(path, "select row_label, value, unit from records_disclosure")
    assert rows(path, "select label, why, raw from doubtful_cells") == [
        ("（一）予以公开 · 总计", "ambiguous", "2 0"),
        ("一、本年新收政府信息公开申请数量 · 总计", "suspect of requests.balance.total", "2 0"),
    ]
    assert "2 0 件" in str(rows(path, "select context from doubtful_cells")[0][0])
    assert rows(path, "select rule, blame from broken_rules") == [("requests.balance.total", "source")]


def test_the_same_again_adds_nothing(path: Path) -> None:
    for _ in range(2):
        with opened(path) as store:
            store.save("a.txt", b"x", [result()])
    with opened(path) as store:
        assert store.save("a.txt", b"x", [result()]) == 0
        assert store.save("copy.txt", b"x", [result(source="copy.txt")]) == 0, "the same content elsewhere"
        gone = failed("gone.txt", None, "missing", "There is no such file.", "Check the path.")
        assert [store.save("gone.txt", None, [gone]) for _ in range(2)] == [1, 0]
    assert rows(path, "select count(*) from extractions where document is not null") == [(1,)]
    assert rows(path, "select count(*) from cells") == [(200,)]
    assert rows(path, "select source from sources order by source") == [("a.txt",), ("copy.txt",)]


@pytest.mark.parametrize("what", ["version", "form", "outcome"])
def test_a_new_reading_keeps_the_old_one(path: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(path) as store:
        store.save("a.txt", b"x", [result()])
    if what == "version":
        monkeypatch.setattr(database, "gouji_version", lambda: "99")
    if what == "form":
        monkeypatch.setattr(database, "form_hash", lambda: "f" * 64)
    with opened(path) as store:
        assert store.save("a.txt", b"x", [result(received=21 if what == "outcome" else 20)]) == 1
    assert rows(path, "select id, run from extractions") == [(1, 1), (2, 2)]
    assert rows(path, "select id from latest_extractions") == [(2,)]
    assert rows(path, "select count(*) from records_requests") == [(25,)]


def test_a_reading_that_only_equals_an_older_one_is_the_newest(path: Path) -> None:
    found, other = [result()], [result(received=21)]
    with opened(path) as store:
        assert [store.save("a.txt", b"x", reading) for reading in (found, other, found, found)] == [1, 1, 1, 0]
        assert rows(path, "select id from latest_extractions") == [(3,)]
        lines = [reading[0].to_json() for reading in (found, other)]
        for expected in (1, 0):
            added = [store.save_lines("a.txt", [line], imported=True) for line in lines]
            assert added == [expected] * 2, "lines that come in are known wherever they are"


def test_several_reports_of_a_document_and_fewer_of_them_later(path: Path) -> None:
    two = [result(source="a.txt#1"), result(source="a.txt#2", received=3)]
    with opened(path) as store:
        assert store.save("a.txt", b"x", two) == 2
        store.save("b.txt", b"y", [result("b" * 64, "b.txt")])
        assert store.save("a.txt", b"x", two) == 0
    assert rows(path, "select source, report from latest_extractions") == [
        ("a.txt#1", 1), ("a.txt#2", 2), ("b.txt", 1),
    ]  # fmt: skip
    with opened(path) as store:
        store.save("a.txt", b"x", [result(received=4)])
    assert rows(path, "select source, report from latest_extractions") == [("b.txt", 1), ("a.txt", 1)]


def test_an_input_that_could_not_be_read_vanishes_once_it_is(path: Path) -> None:
    with opened(path) as store:
        store.save("a.txt", None, [failed("a.txt", None, "no_permission", "No.", "Do.")])
        store.save("b.txt", None, [failed("b.txt", None, "missing", "No.", "Do.")])
        assert store.db.execute("select count(*) from latest_extractions").fetchone() == (2,)
        store.save("a.txt", b"x", [result()])
    assert rows(path, "select source, error_code from latest_extractions order by source") == [
        ("a.txt", None), ("b.txt", "missing"),
    ]  # fmt: skip


def test_names_and_numbers_that_sqlite_cannot_hold(path: Path) -> None:
    strange = result(source="\udcff\n📄.txt", received=10**30)
    with opened(path) as store:
        store.save("\udcff\n📄.txt", b"x", [strange])
    assert rows(path, "select source from extractions") == [("\\udcff\\n📄.txt",)]
    assert rows(path, "select value, value_integer from cells where path = 'requests.new_received.total'") == [
        (str(10**30), None)
    ]


def test_a_fault_in_one_document_leaves_nothing_of_it(path: Path) -> None:
    bad = result("b" * 64, "b.txt")
    bad.cells.append(bad.cells[0])
    with opened(path) as store:
        store.save("a.txt", b"x", [result()])
        with pytest.raises(StoreError):
            store.save("b.txt", b"y", [bad])
        store.save("c.txt", b"z", [result("c" * 64, "c.txt")])
    assert rows(path, "select source from extractions") == [("a.txt",), ("c.txt",)]
    assert rows(path, "select count(*) from documents") == [(2,)]


def test_a_locked_database_says_what_to_do_and_goes_on_later(path: Path) -> None:
    with opened(path) as store:
        store.save("a.txt", b"x", [result()])
        other = sqlite3.connect(path)
        other.execute("begin immediate")
        with pytest.raises(StoreError) as caught:
            store.save("b.txt", b"y", [result("b" * 64, "b.txt")])
        assert (caught.value.code, caught.value.exit_code) == ("locked", 2)
        assert "run the same command again" in caught.value.hint
        other.rollback()
        other.close()
        assert store.save("b.txt", b"y", [result("b" * 64, "b.txt")]) == 1


def test_a_full_disk_says_what_to_do_and_keeps_what_was_saved(path: Path) -> None:
    with opened(path) as store:
        store.save("a.txt", b"x", [result()])
        pages = store.db.execute("pragma page_count").fetchone()[0]
        store.db.execute(f"pragma max_page_count = {pages + 1}")
        with pytest.raises(StoreError) as caught:
            store.save("b.txt", b"y", [result("b" * 64, "b.txt")])
    assert caught.value.code == "disk_full"
    assert "Make room" in caught.value.hint
    assert rows(path, "select source from extractions") == [("a.txt",)]


def test_what_is_no_database_of_ours(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("一、总体情况" * 500)
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("create table documents (name)")
    other.commit()
    other.close()
    with opened(tmp_path / "newer.db") as store:
        store.db.execute("insert into _sqlite_migrations (migration_set, name) values ('gouji', '0999_future')")
        store.db.conn.commit()
    codes = {}
    for name in ("text.db", "other.db", "newer.db", "", "no/such/folder.db"):
        with pytest.raises(StoreError) as caught, opened(tmp_path / name):
            pass
        assert caught.value.hint
        codes[name] = caught.value.code
    assert codes == {
        "text.db": "not_a_database", "other.db": "other_database", "newer.db": "newer_database",
        "": "cannot_open", "no/such/folder.db": "cannot_open",
    }  # fmt: skip
    assert rows(tmp_path / "other.db", "select name from sqlite_master where type = 'table'")[0] == ("documents",)


def test_two_writers_at_once(path: Path) -> None:
    def write(letter: str) -> None:
        with opened(path, wait=20) as store:
            for number in range(8):
                store.save(f"{letter}{number}", b"x", [result(f"{letter}{number}".ljust(64, "0"), f"{letter}{number}")])

    with opened(path):
        pass
    threads = [threading.Thread(target=write, args=(letter,)) for letter in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows(path, "select count(*), count(distinct run), max(id) from extractions") == [(16, 16, 16)]


def test_every_table_view_and_column_is_documented(path: Path) -> None:
    with opened(path):
        pass
    text = DOCS.read_text(encoding="utf-8")
    sections = {
        part.split("\n", 1)[0].strip(): set(re.findall(r"`(\w+)`", part))
        for part in re.split(r"^### ", text, flags=re.M)
    }
    names = rows(
        path, "select name from sqlite_master where type in ('table', 'view') and name not like '\\_%' escape '\\'"
    )
    assert len(names) == 15
    for (name,) in names:
        assert name in sections, f"{name} is not in docs/database.md"
        columns = {column for _, column, *_ in rows(path, f"pragma table_info({name})")}
        assert columns <= sections[str(name)], f"{name}: {columns - sections[str(name)]}"


def test_the_documented_queries_run(path: Path) -> None:
    with opened(path) as store:
        store.save("a.txt", b"x", [result()])
        for block in re.findall(r"```sql\n(.*?)```", DOCS.read_text(encoding="utf-8"), flags=re.S):
            for query in block.split(";"):
                if query.strip():
                    store.db.execute(query, {"sha256": "a" * 64} if ":sha256" in query else {}).fetchall()


def test_json_columns_are_json(path: Path) -> None:
    with opened(path) as store:
        store.save("a.txt", b"x", [result()])
    (hypotheses,) = rows(path, "select hypotheses from findings")[0]
    assert json.loads(str(hypotheses)) == [{"cells": ["requests.new_received.total"], "text": "若为 19，则各式成立"}]
