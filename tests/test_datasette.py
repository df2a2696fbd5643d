"""A real Datasette on the database as it is, with the metadata that `gouji datasette` writes."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lines as ln
import pytest
from datasette.utils import tilde_encode

from extractor import extract_file
from extractor.export.datasette import QUERIES
from extractor.store import Store
from extractor.store.describe import described

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs" / "database.md"
REPORTS = ("changtang-2021-grid-row-sum-error.txt", "pingyang-2023-glued.txt", "zhongyang-2024-tabs.txt",
           "yangliugou-2024-narrative-only.txt")  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("datasette")
    with Store(folder / "年报.db") as store:
        for name in REPORTS:
            path = ROOT / "fixtures" / "reports" / name
            store.save(name, path.read_bytes(), extract_file(path))
        store.save_lines("1.html", [ln.line(source="1.html")])
        other = ln.line(source="2.pdf", **{"requests.new_received.total": 10})
        other["verdicts"]["requests"] = other["verdict"] = "inconsistent"
        store.save_lines("2.pdf", [other])
    assert ln.run("datasette", folder / "年报.db", "-o", folder / "metadata.json")[0] == 0
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "datasette", "年报.db", "-m", "metadata.json", "-p", str(port)]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    try:
        while True:
            try:
                urllib.request.urlopen(f"{address}/-/versions.json", timeout=5).close()
                break
            except (urllib.error.URLError, ConnectionError):
                assert process.poll() is None, process.stderr and process.stderr.read().decode()
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


def page(server: str, path: str) -> str:
    with urllib.request.urlopen(f"{server}/{tilde_encode('年报')}/{path}", timeout=20) as answer:
        assert answer.status == 200
        found: str = answer.read().decode()
        return found


def ask(server: str, query: str, **params: str) -> list[dict[str, Any]]:
    asked = urllib.parse.urlencode({"_shape": "array", **params})
    found: list[dict[str, Any]] = json.loads(page(server, f"{query}.json?{asked}"))
    return found


@pytest.mark.parametrize("name", sorted(described()))
def test_every_table_and_view_has_its_page_with_title_and_words(server: str, name: str) -> None:
    text = page(server, name)
    table = described()[name]
    assert f"{table.title} · {name}" in text
    for column in list(table.columns)[:3]:
        assert f"<dt>{column}</dt>" in text


def test_facets_and_labels(server: str) -> None:
    text = page(server, "latest_extractions")
    assert re.search(r"facet-info[^>]*>.*?verdict.*?needs_review", text, re.S)
    cells = page(server, "cells?_labels=on&state=ambiguous")
    assert "行政规范性文件 · 本年制发件数" in cells, "a cell's path is shown in the form's own words"


def test_the_doubtful_cells_with_their_text(server: str) -> None:
    found = ask(server, "all_doubtful_cells", organization="")
    assert found
    ambiguous = [row for row in found if row["why"] == "ambiguous"]
    assert {row["organization"] for row in ambiguous} == {"平杨县"}
    assert json.loads(ambiguous[0]["candidates"])
    assert {row["context"][:7] for row in ambiguous} == {"行政规范性文件"}, "no place of their own: their row's"
    (suspect,) = [row for row in found if row["organization"] == "长塘区人民政府"]
    assert suspect["label"] == "（一）予以公开 · 总计"
    assert suspect["raw"] in suspect["context"]
    assert "requests.applicants.granted" in suspect["why"]
    assert ask(server, "all_doubtful_cells", organization="长塘") == [suspect]


def test_the_other_ready_questions(server: str) -> None:
    assert {row["rule"] for row in ask(server, "rules_that_fail")} >= {"requests.applicants.granted"}
    matrix = {row["organization"]: row for row in ask(server, "coverage_matrix")}
    assert (matrix["中阳县"]["2024"], matrix["中阳县"]["2023"]) == ("trusted", "")
    assert matrix["平杨县"]["2023"] == "partial"
    years = ask(server, "one_body_over_the_years", organization="中阳县")
    assert (len(years), years[0]["total"], years[0]["year"]) == (25, 20, 2024)
    assert {row["organization"] for row in ask(server, "requests_by_body_and_year")} >= {"中阳县", "长塘区人民政府"}
    (conflict,) = ask(server, "documents_that_disagree")
    assert (conflict["label"], conflict["other_value"]) == ("一、本年新收政府信息公开申请数量 · 总计", "10")
    assert [row["error_code"] for row in ask(server, "not_read")] == ["no_tables"]
    asked = {"all_doubtful_cells", "rules_that_fail", "coverage_matrix", "one_body_over_the_years",
             "requests_by_body_and_year", "documents_that_disagree", "not_read"}  # fmt: skip
    assert asked == set(QUERIES), "each is tested"


def test_the_metadata_names_what_there_is(folder: Path) -> None:
    made = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    assert list(made["databases"]) == ["年报"]
    tables = made["databases"]["年报"]["tables"]
    with Store(folder / "年报.db") as store:
        real = {one.name: set(one.columns_dict) for one in (*store.db.tables, *store.db.views)}
    assert set(tables) - {"_sqlite_migrations"} == {name for name in real if not name.startswith("_")}
    for name, table in tables.items():
        named = {*table.get("columns", ()), *table.get("facets", ()), *table.get("units", ())}
        named |= {table[key] for key in ("label_column", "sort", "sort_desc") if key in table}
        assert named <= real[name], name
        assert name.startswith("_") or set(table["columns"]) >= real[name] - {"extraction"}, f"{name}: columns in words"


def test_docs_say_the_same_of_every_column() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for name, table in described().items():
        section = re.split(rf"^### {name}\n", text, flags=re.M)[1].split("\n### ")[0]
        rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|$", section, flags=re.M))
        if rows:
            assert rows == table.columns, name


def test_it_is_not_written_over_and_other_files_are_refused(folder: Path, tmp_path: Path) -> None:
    code, _, err = ln.run("datasette", folder / "年报.db", "-o", folder / "metadata.json")
    assert (code, "[exists]" in err) == (2, True)
    code, out, _ = ln.run("datasette", folder / "年报.db")
    assert (code, out) == (0, (folder / "metadata.json").read_text(encoding="utf-8"))
    (tmp_path / "text.db").write_text("no database " * 99)
    code, out, err = ln.run("datasette", tmp_path / "text.db")
    assert (code, out, "[not_a_database]" in err) == (2, "", True)
