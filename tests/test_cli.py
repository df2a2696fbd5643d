"""The command line as people and programs meet it: real processes, real pipes, real signals."""

from __future__ import annotations

import json
import os
import pty
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from extractor.cli.options import parse_size
from extractor.errors import UsageError

FIXTURES = Path(__file__).parent.parent / "fixtures" / "reports"
REPORT = FIXTURES / "xiaodong-2024-tabs.txt"
GOUJI = (sys.executable, "-m", "extractor")


def gouji(*args: object, data: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*GOUJI, *map(str, args)], input=data, capture_output=True, timeout=60, cwd=cwd, check=False)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def lines(stdout: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in stdout.splitlines()]


# ------------------------------------------------------------------------------------------------ help and start


def test_help_teaches_and_every_option_says_what_it_does() -> None:
    shown = gouji("extract", "--help").stdout
    for word in ("--json", "--no-llm", "--db", "--strict", "--max-bytes", "--quiet", "Examples:", "Exit codes:"):
        assert word in shown
    assert "gouji extract" in gouji("--help").stdout
    assert gouji("--version").stdout.strip() == f"gouji {version('gouji')}"


@pytest.mark.parametrize("args", [["--help"], ["extract", "--no-llm", "--json", str(REPORT)]], ids=["help", "extract"])
def test_no_heavy_import_where_it_is_not_needed(args: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "extractor", *args], capture_output=True, text=True, check=True
    )
    imported = {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert "typer" in imported
    assert not imported & {"openai", "instructor", "lxml", "rich", "sqlite_utils", "httpx"}
    assert "extractor.eval" not in done.stderr


def test_installed_versions_of_the_model_stack() -> None:
    """pip silently walks back to a 2024 stack without floors on both."""

    def parts(name: str) -> tuple[int, ...]:
        return tuple(int(part) for part in version(name).split(".")[:2])

    assert (2, 54) <= parts("openai") < (3, 0)
    assert (1, 17) <= parts("instructor") < (1, 18)


# ------------------------------------------------------------------------------------------------ output


def test_json_lines_in_input_order_and_nothing_else_on_stdout(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "sub/c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(REPORT, tmp_path / name)
    (tmp_path / "x.json").write_text("{}")
    done = gouji("extract", "b.txt", ".", "--json", cwd=tmp_path)
    found = lines(done.stdout)
    assert [line["source"] for line in found] == ["b.txt", "./a.txt", "./b.txt", "./sub/c.txt"]
    assert {line["sha256"] for line in found} == {found[0]["sha256"]}
    assert "left out, being no documents: 1 json" in done.stderr
    assert done.returncode == 0


def test_the_readable_output_shows_tables_marks_and_verdicts() -> None:
    done = gouji("extract", REPORT)
    for words in ("自然", "予以公开", "结果维持", "规章", "2024 年", "verified: every cell is printed"):
        assert words in done.stdout
    assert "\x1b[" not in done.stdout, "no colour in a file"


def test_the_summary_adds_up(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    (tmp_path / "other.txt").write_text("某县统计公报。全年生产总值 3 亿元。")
    shutil.copy(REPORT, tmp_path)
    summary = next(line for line in gouji("extract", tmp_path).stderr.splitlines() if " documents = " in line)
    total, _, parts = summary.partition(" documents = ")
    counts = {part.split()[1]: int(part.split()[0]) for part in parts.partition("  (")[0].split(" + ")}
    assert list(counts) == ["verified", "reconciled", "inconsistent", "needs_review", "failed"]
    assert int(total) == sum(counts.values()) == 3
    assert counts["failed"] == 2


def test_quiet_says_nothing_but_the_data() -> None:
    done = gouji("extract", REPORT, "--json", "--quiet")
    assert done.stderr == ""
    assert len(lines(done.stdout)) == 1


def test_stdin_and_text_agree_on_the_stored_text(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf" + REPORT.read_bytes().replace(b"\n", b"\r\n")
    (line,) = lines(gouji("extract", "-", "--json", data=data).stdout)
    stored = gouji("text", "-", data=data).stdout
    assert line["source"] == "-"
    assert stored == REPORT.read_text(encoding="utf-8")
    cells = [cell for cell in line["cells"] if cell["state"] == "reported"]  # type: ignore[attr-defined]
    assert cells
    for cell in cells:
        assert stored[cell["span"][0] : cell["span"][1]] == cell["raw"]


def test_strange_names_reach_the_output(tmp_path: Path) -> None:
    for name in (b"a\nb.txt", "报告📄.txt".encode(), b"\xff.txt"):
        shutil.copy(REPORT, os.fsencode(tmp_path) + b"/" + name)
    done = gouji("extract", ".", "--json", "--db", "r.db", cwd=tmp_path)
    assert {os.fsencode(str(line["source"])) for line in lines(done.stdout)} == {
        b"./a\nb.txt", "./报告📄.txt".encode(), b"./\xff.txt",
    }  # fmt: skip
    readable = gouji("extract", ".", cwd=tmp_path)
    assert readable.returncode == done.returncode == 0
    assert "./a\\nb.txt" in readable.stdout


def test_the_progress_bar_is_for_terminals_and_leaves_stdout_alone(tmp_path: Path) -> None:
    for number in range(3):
        shutil.copy(REPORT, tmp_path / f"{number}.txt")
    terminal, stderr = pty.openpty()
    done = subprocess.run(
        [*GOUJI, "extract", str(tmp_path), "--json"], stdout=subprocess.PIPE, stderr=stderr, timeout=60, check=True
    )
    os.close(stderr)
    shown = b""
    try:
        while piece := os.read(terminal, 65536):
            shown += piece
    except OSError:
        pass
    os.close(terminal)
    assert len(lines(done.stdout.decode())) == 3
    assert b"reading" in shown
    assert b"3 documents = " in shown


# ------------------------------------------------------------------------------------------------ exit codes


@pytest.mark.parametrize(
    ("args", "code"),
    [
        pytest.param([REPORT], 0, id="done"),
        pytest.param([REPORT, "nowhere.txt"], 0, id="one of two"),
        pytest.param([REPORT, "--strict"], 0, id="strict and trusted"),
        pytest.param([REPORT, "nowhere.txt", "--strict"], 1, id="strict and failed"),
        pytest.param(["nowhere.txt"], 3, id="not one"),
        pytest.param(["nowhere.txt", "--strict"], 3, id="not one, strict"),
        pytest.param(["."], 3, id="an empty folder"),
        pytest.param([], 2, id="nothing asked"),
        pytest.param([REPORT, "--no-such-option"], 2, id="unknown option"),
        pytest.param([REPORT, "--max-bytes", "much"], 2, id="bad size"),
        pytest.param([REPORT, "--db", "."], 2, id="no database"),
    ],
)
def test_exit_codes(args: list[object], code: int, tmp_path: Path) -> None:
    done = gouji("extract", *args, "--json", cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    lines(done.stdout)
    if code == 2:
        assert len(done.stderr.strip().splitlines()) <= 4


def test_text_of_what_is_not_there(tmp_path: Path) -> None:
    done = gouji("text", "nowhere.txt", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "gouji: There is no such file. [missing]\n  Check the path.\n"
    assert gouji("text", ".", cwd=tmp_path).returncode == 2


@pytest.mark.parametrize(
    ("raw", "size"), [("500", 500), ("20MB", 20_000_000), ("1 GiB", 2**30), ("2k", 2000), ("3Mi", 3 * 2**20)]
)
def test_sizes(raw: str, size: int) -> None:
    assert parse_size(raw) == size


@pytest.mark.parametrize("raw", ["", "0", "-1", "MB", "1.5MB", "1e9"])
def test_what_is_no_size(raw: str) -> None:
    with pytest.raises(UsageError):
        parse_size(raw)


# ------------------------------------------------------------------------------------------------ interruptions


def test_ctrl_c_keeps_and_prints_what_was_finished(tmp_path: Path) -> None:
    """Standard input stays open, so the batch waits there until it is interrupted."""
    db = tmp_path / "r.db"
    process = subprocess.Popen(
        [*GOUJI, "extract", str(REPORT), "-", "--json", "--db", str(db)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
    )  # fmt: skip
    assert process.stdout
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert json.loads(first)["source"] == str(REPORT)
    assert rest == ""
    assert "interrupted" in errors
    assert "1 document = " in errors
    assert "Traceback" not in errors
    assert sqlite3.connect(db).execute("select count(*) from extractions").fetchone() == (1,)


def test_a_reader_that_goes_away_ends_it_quietly(tmp_path: Path) -> None:
    for number in range(40):
        shutil.copy(REPORT, tmp_path / f"{number}.txt")
    process = subprocess.Popen(
        [*GOUJI, "extract", str(tmp_path), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=30) == 0
    assert process.stderr.read() == ""
    process.stderr.close()


def test_a_full_output_device_is_said() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*GOUJI, "extract", str(REPORT), "--json"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


# ------------------------------------------------------------------------------------------------ database


def test_db_keeps_everything_once(tmp_path: Path) -> None:
    for _ in range(2):
        done = gouji("extract", REPORT, FIXTURES / "cele-2024-pipes.txt", "--db", "r.db", "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert "0 new, 2 already there" in done.stderr
    found = lines(done.stdout)
    connection = sqlite3.connect(tmp_path / "r.db")
    assert connection.execute("select verdict from extractions order by id").fetchall() == [
        (line["verdict"],) for line in found
    ]
    texts = dict(connection.execute("select sha256, text from documents"))
    for line in found:
        assert len(line["cells"]) == len(  # type: ignore[arg-type]
            connection.execute(
                "select 1 from cells join extractions on id = extraction where document = ?", [line["sha256"]]
            ).fetchall()
        )
        assert texts[line["sha256"]]
    connection.close()


def test_a_locked_database_ends_with_what_to_do_and_keeps_what_was_printed(tmp_path: Path) -> None:
    assert gouji("extract", REPORT, "--db", "r.db", cwd=tmp_path).returncode == 0
    other = sqlite3.connect(tmp_path / "r.db")
    other.execute("begin immediate")
    done = gouji("extract", FIXTURES / "cele-2024-pipes.txt", "--db", "r.db", "--json", cwd=tmp_path)
    other.close()
    assert done.returncode == 2
    assert len(lines(done.stdout)) == 1
    assert "[locked]" in done.stderr
    assert "Close that program or wait" in done.stderr
    assert "1 document = " in done.stderr


def test_a_full_disk_ends_with_what_to_do_and_keeps_what_was_printed(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"{number:02}.txt").write_bytes(REPORT.read_bytes() + b"\n" * number)
    limit = 300_000

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [*GOUJI, "extract", ".", "--db", "r.db", "--json"],
        cwd=tmp_path, capture_output=True, text=True, preexec_fn=limited, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "[disk_full]" in done.stderr
    assert "Make room" in done.stderr
    printed = len(lines(done.stdout))
    assert 1 <= printed < 30
    assert gouji("extract", ".", "--db", "r.db", "--json", "--quiet", cwd=tmp_path).returncode == 0
    count = sqlite3.connect(tmp_path / "r.db").execute("select count(*) from extractions").fetchone()[0]
    assert count == 30, "the same command again goes on where it stopped"
