"""The child that reads untrusted files: used again, ended and started anew, never a danger to its parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pdfs import pdf, text
from processes import gone

from extractor.document import sandbox
from extractor.document.sandbox import Killed, Sandbox
from extractor.errors import InputError

GOOD = pdf(text(100, 700, "hello 12"))
# Strings over each other: pdfium's own search for doubled text takes very long.
SLOW = pdf("BT /F1 10 Tf 100 100 Td " + "(1) Tj -5.56 0 Td " * 60_000 + " ET")


@pytest.fixture
def box() -> Iterator[Sandbox]:
    made = Sandbox()
    yield made
    made.close()


def read(box: Sandbox) -> str:
    return str(box.run("pdf", GOOD)["blocks"][0]["text"])


def test_one_child_reads_many_files_and_errors_pass(box: Sandbox) -> None:
    assert read(box) == "hello 12"
    first = box.pid
    with pytest.raises(InputError) as caught:
        box.run("pdf", b"%PDF-1.4 nothing")
    assert caught.value.code == "malformed"
    assert read(box) == "hello 12"
    assert box.pid == first


def test_a_child_that_died_is_replaced(box: Sandbox) -> None:
    read(box)
    first = box.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert gone(first)
    assert read(box) == "hello 12"
    assert box.pid != first


def test_time_is_bounded() -> None:
    box = Sandbox(seconds=1)
    try:
        started = time.monotonic()
        with pytest.raises(InputError) as caught:
            box.run("pdf", SLOW)
        assert caught.value.code == "too_slow"
        assert time.monotonic() - started < 10
        assert read(box) == "hello 12"
    finally:
        box.close()


def test_a_child_that_does_nothing_is_ended_by_the_clock(box: Sandbox) -> None:
    read(box)
    box.seconds = 0.1
    first = box.pid
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    with pytest.raises(InputError) as caught:
        read(box)
    assert caught.value.code == "too_slow"
    assert gone(first)


def test_memory_is_bounded() -> None:
    box = Sandbox(memory=200_000_000)
    try:
        with pytest.raises(InputError) as caught:
            box.run("pdf", pdf("q " * 30_000_000))
        assert caught.value.code == "too_large"
    finally:
        box.close()


def test_threads_take_turns(box: Sandbox) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: read(box), range(40))) == {"hello 12"}


def _in_a_fork(_: int) -> tuple[str, int | None]:
    return str(sandbox.run("pdf", GOOD)["blocks"][0]["text"]), sandbox._shared.pid


def test_forked_processes_have_children_of_their_own() -> None:
    sandbox.run("pdf", GOOD)
    own = sandbox._shared.pid
    with multiprocessing.get_context("fork").Pool(2) as pool:
        found = pool.map(_in_a_fork, range(6))
    assert {shown for shown, _ in found} == {"hello 12"}
    assert own not in {pid for _, pid in found}
    assert sandbox.run("pdf", GOOD)["pages"] == 1
    assert sandbox._shared.pid == own


SCRIPT = """
import sys, time
from extractor.document import sandbox
from extractor.document.formats.pdf import read_pdf
read_pdf(open(sys.argv[1], "rb").read())
print(sandbox._shared.pid, flush=True)
if len(sys.argv) > 2:
    read_pdf(open(sys.argv[2], "rb").read())
"""


def start(folder: Path, *files: bytes) -> subprocess.Popen[str]:
    """A user's script without a main guard, in a folder with a module that no one asked for."""
    (folder / "script.py").write_text(SCRIPT)
    (folder / "json.py").write_text("raise SystemExit('a module of the folder was imported')")
    names = []
    for number, data in enumerate(files):
        (folder / f"{number}.pdf").write_bytes(data)
        names.append(f"{number}.pdf")
    command = [sys.executable, "-P", "script.py", *names]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_script_of_a_user_ends_and_its_child_with_it(tmp_path: Path) -> None:
    process = start(tmp_path, GOOD)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert gone(int(out))


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, -2)])
def test_a_parent_that_is_ended_amid_a_file_leaves_no_child(sent: int, code: int, tmp_path: Path) -> None:
    process = start(tmp_path, GOOD, SLOW)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    time.sleep(0.3)
    process.send_signal(sent)
    process.communicate(timeout=30)
    assert process.returncode == code
    assert gone(child)


def test_the_child_is_told_no_secrets(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOUJI_API_KEY", "secret-key")
    read(box)
    assert b"secret-key" not in Path(f"/proc/{box.pid}/environ").read_bytes()


def test_ending_a_child_closes_no_file_of_another_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number that was closed may be another thread's file a moment later: it must not be closed again."""
    box, others, close = Sandbox(), list[int](), os.close
    other = os.open(os.devnull, os.O_RDONLY)

    def close_and_open(number: int) -> None:
        close(number)
        others.append(os.dup2(other, number))

    read(box)
    child = box._child
    assert child is not None
    pipes = (child.stdin, child.stdout)
    monkeypatch.setattr("extractor.document.sandbox.os.close", close_and_open)
    box.close()
    monkeypatch.undo()
    assert all(pipe is not None and pipe.closed for pipe in pipes)
    for number in (other, *others):
        os.close(number)  # raises where it is closed


def test_a_child_that_cannot_be_started_says_nothing_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    box = Sandbox()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/nowhere/python")
        with pytest.raises(Killed, match="No such file") as raised:
            read(box)
        assert raised.value.code == "not_started"
    try:
        assert read(box) == "hello 12"
    finally:
        box.close()
