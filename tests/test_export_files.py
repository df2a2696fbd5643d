"""Files are whole or not there, nothing is overwritten unasked, and every fault says what to do."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import lines as ln
import openpyxl
import pytest
from records import GOUJI, gouji
from sqlite_utils import Database

from extractor.errors import UsageError
from extractor.export import sheet, stata
from extractor.export.columns import wide_columns
from extractor.export.needs import Untold
from extractor.export.run import Options, export
from extractor.export.shapes import wide_row
from extractor.store import Library, Store
from extractor.store.migrations import migrations


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    ln.written(tmp_path / "a.jsonl", ln.line(), ln.line(body="沙岭乡", source="b.txt"))
    return tmp_path


def made(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"a.jsonl"}


def test_nothing_is_overwritten_without_force(folder: Path) -> None:
    assert ln.run("export", "a.jsonl", "-o", "x.csv", "-q") == (0, "", "")
    before = (folder / "x.csv").read_bytes()
    code, _, err = ln.run("export", "a.jsonl", "-o", "x.csv", "--year", "1999")
    assert (code, (folder / "x.csv").read_bytes()) == (2, before)
    assert "[exists]" in err
    assert "--force" in err
    assert ln.run("export", "a.jsonl", "-o", "x.csv", "--year", "1999", "--force")[0] == 0
    assert (folder / "x.csv").read_text(encoding="utf-8").count("\n") == 1, "headings alone"
    assert ln.run("export", "a.jsonl", "-o", "x.parquet")[0] == 0, "the same dictionary serves both"
    (folder / "y.dictionary.csv").write_text("mine")
    assert "[exists]" in ln.run("export", "a.jsonl", "-o", "y.csv")[2]
    assert made(folder) == {"x.csv", "x.parquet", "x.dictionary.csv", "y.dictionary.csv"}


FAULTS = {
    "no file": (("nothing.db", "-o", "x.csv"), 3, "unreadable"),
    "no format": (("a.jsonl", "-o", "x.sav"), 2, "no_format"),
    "unknown format": (("a.jsonl", "-o", "x", "--format", "sas"), 2, "bad_choice"),
    "unknown shape": (("a.jsonl", "-o", "x.csv", "--shape", "tall"), 2, "bad_choice"),
    "unknown verdict": (("a.jsonl", "-o", "x.csv", "--verdict", "good"), 2, "bad_choice"),
    "years the wrong way round": (("a.jsonl", "-o", "x.csv", "--year", "2024-2021"), 2, "bad_year"),
    "no year": (("a.jsonl", "-o", "x.csv", "--year", "23"), 2, "bad_year"),
    "the file itself": (("a.jsonl", "-o", "a.jsonl", "--force"), 2, "same_file"),
    "a folder": (("a.jsonl", "-o", ".", "--format", "csv"), 2, "is_folder"),
    "no folder": (("a.jsonl", "-o", "no/x.csv"), 2, "no_folder"),
    "binary on stdout": (("a.jsonl", "-o", "-", "--format", "xlsx"), 2, "no_file"),
    "records elsewhere": (("a.jsonl", "-o", "x.csv", "--shape", "records"), 2, "records"),
    "all in a panel": (("a.jsonl", "-o", "x.csv", "--panel", "--all"), 2, "two_selections"),
    "records in a panel": (("a.jsonl", "-o", "x.jsonl", "--panel", "--shape", "records"), 2, "no_panel"),
    "excel without csv": (("a.jsonl", "-o", "x.xlsx", "--excel"), 2, "excel"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_says_what_to_do_and_leaves_nothing(folder: Path, name: str) -> None:
    args, expected, code = FAULTS[name]
    exit_code, out, err = ln.run("export", *args)
    assert (exit_code, out) == (expected, "")
    assert f"[{code}]" in err
    assert len(err.strip().splitlines()) == 2, "what is wrong, and what to do"
    assert made(folder) == set()


def test_what_is_no_database_of_ours(folder: Path) -> None:
    other = sqlite3.connect(folder / "other.db")
    other.execute("create table documents (name)")
    other.commit()
    other.close()
    with Store(folder / "newer.db") as store:
        store.db.execute("insert into _sqlite_migrations (migration_set, name) values ('gouji', '0999_future')")
        store.db.conn.commit()
    (folder / "cut.db").write_bytes((folder / "newer.db").read_bytes()[:5000])
    for name, code in (("other.db", "other_database"), ("newer.db", "newer_database"), ("cut.db", "damaged")):
        exit_code, _, err = ln.run("export", name, "-o", "x.csv")
        assert (exit_code, f"[{code}]" in err) == (2, True), err
    assert "x.csv" not in made(folder)


def test_an_older_database_is_brought_up_to_date(folder: Path) -> None:
    with Store(folder / "new.db") as store:
        store.save_lines("a.txt", [ln.line()])
        old = Database(folder / "old.db")
        migrations.apply(old, stop_before="0004_places_and_bodies")
        for table in ("documents", "sources", "extractions", "cells", "findings", "claims"):
            columns = old.table(table).columns_dict
            old.table(table).insert_all({key: row[key] for key in columns} for row in store.db.table(table).rows)
        old.close()
    assert "place" not in Database(folder / "old.db").table("cells").columns_dict
    with Library(folder / "old.db") as library:
        assert [line for _, line in library.lines()] == [ln.line()]
    assert ln.run("export", "old.db", "-o", "x.csv")[0] == 0


def test_a_database_that_may_not_be_written_is_read(folder: Path) -> None:
    with Store(folder / "a.db") as store:
        store.save_lines("a.txt", [ln.line()])
    before = (folder / "a.db").read_bytes()
    with Library(folder / "a.db") as library, Store(folder / "a.db") as store:
        store.save_lines("b.txt", [ln.line(source="b.txt")])
        assert len(list(library.lines())) == 1, "what was there when it was opened"
    with Library(folder / "a.db") as library:
        assert len(list(library.heads())) == library.count() == 2
    assert before[:16] == (folder / "a.db").read_bytes()[:16]


def test_standard_input_and_output(folder: Path) -> None:
    data = (folder / "a.jsonl").read_bytes()
    code, out, err = gouji("export", "-", "-o", "-", "--shape", "records", "--format", "jsonl", data=data, cwd=folder)
    assert (code, len(out.splitlines())) == (0, 2)
    assert "standard output: 2 rows" in err
    assert gouji("export", "-", "-o", "-", data=data, cwd=folder)[1].startswith("organization,year,form")
    assert made(folder) == set()


def test_an_interruption_leaves_no_file(folder: Path) -> None:
    line = (folder / "a.jsonl").read_text(encoding="utf-8").splitlines()[0]
    (folder / "a.jsonl").write_text(f"{line}\n" * 4000, encoding="utf-8")
    command = [*GOUJI, "export", "a.jsonl", "-o", "x.csv", "--shape", "long", "--all"]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while process.poll() is None and not any(p.name.endswith(".part") and p.stat().st_size for p in folder.iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert made(folder) == set()


def test_a_missing_library_names_the_extra(folder: Path) -> None:
    code = (
        "import sys; sys.modules['pyarrow'] = sys.modules['pandas'] = None; from extractor.cli.main import main; main()"
    )
    for name in ("x.parquet", "x.dta", "x.duckdb"):
        command = [sys.executable, "-c", code, "export", "a.jsonl", "-o", name]
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False)
        assert done.returncode == 2
        assert b"[missing_extra]" in done.stderr
        assert "pip install 'gouji[export]'" in done.stderr.decode()
    assert made(folder) == set()


def test_more_rows_than_a_sheet_holds_go_on_in_another(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "MOST_ROWS", 301)
    options = Options([str(folder / "a.jsonl")], folder / "x.xlsx", "xlsx", "long")
    export(options, lambda *_: None, lambda _done: None)
    book = openpyxl.load_workbook(folder / "x.xlsx")
    assert book.sheetnames == ["说明", "明细", "明细 (2)", "数据字典"]
    assert [book[name].max_row for name in ("明细", "明细 (2)")] == [301, 101]


def test_more_than_stata_takes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stata, "MOST_CELLS", 2 * len(wide_columns()))
    row = wide_row(ln.line())
    with pytest.raises(UsageError, match="at most 2 rows"):
        stata.write_stata(tmp_path / "x.dta", wide_columns(), [row] * 3, Untold())
    assert stata.write_stata(tmp_path / "x.dta", wide_columns(), [row] * 2, Untold()) == 2


def test_one_panel_in_two_formats(folder: Path) -> None:
    for name, *more in (["x.csv"], ["x.parquet"], ["x.jsonl"]):
        assert ln.run("export", "a.jsonl", "-o", name, "--panel", *more)[0] == 0
    coverage, words = folder / "x_coverage.csv", folder / "x.dictionary.csv"
    plain = coverage.read_bytes()
    (folder / "x.csv").unlink()
    assert ln.run("export", "a.jsonl", "-o", "x.csv", "--panel", "--excel")[0] == 0, "as docs/export.md has it"
    assert coverage.read_bytes() == b"\xef\xbb\xbf" + plain
    assert words.read_bytes().startswith(b"\xef\xbb\xbf")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    code, _, err = ln.run("export", "a.jsonl", "-o", "x.dta", "--panel", "--organization", "沙岭")
    assert code == 2
    assert "x_coverage.csv is there already. [exists]" in err, "another panel's coverage is not replaced"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_what_is_no_file_is_not_replaced(folder: Path) -> None:
    os.mkfifo(folder / "x.csv")
    code, _, err = ln.run("export", "a.jsonl", "-o", "x.csv", "--force")
    assert (code, (folder / "x.csv").is_fifo()) == (2, True)
    assert "[no_file]" in err


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "dta", "duckdb"])
def test_a_full_disk_leaves_nothing(folder: Path, kind: str) -> None:
    most = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000)); "
    code = most + "from extractor.cli.main import main; main()"
    command = [sys.executable, "-c", code, "export", "a.jsonl", "-o", f"x.{kind}", "--shape", "long"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "[output]" in done.stderr
    assert "Traceback" not in done.stderr
    assert made(folder) == set()


def test_a_cell_of_excel_holds_what_it_can_and_the_rest_is_told(folder: Path) -> None:
    long = "😀" * 20_000
    ln.written(folder / "b.jsonl", ln.line(body="\ud800县"), ln.line(body=long, source="b.txt"))
    code, _, err = ln.run("export", "b.jsonl", "-o", "x.xlsx")
    assert code == 0
    assert "表三 收到和处理申请: 1 value too large" in err
    column = [row[0].value for row in openpyxl.load_workbook(folder / "x.xlsx")["表三 收到和处理申请"].iter_rows()]
    assert column[-2:] == ["\\ud800县", "😀" * 16_383 + "…"]


def test_names_are_said_without_control_characters(folder: Path) -> None:
    body = "\x1b[2J县"
    other = ln.line(body=body, source="c.txt", **{"disclosure.regulations.in_force": 77})
    ln.written(folder / "b.jsonl", ln.line(body=body), other)
    _, _, err = ln.run("export", "b.jsonl", "-o", "x.csv", "--panel")
    assert "[conflict]" in err
    assert "\x1b" not in err
