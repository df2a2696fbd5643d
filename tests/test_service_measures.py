"""What `make load` and `make soak` hold the service to, and the page that they write."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from extractor.eval.service import load, soak
from extractor.eval.service.clients import MARK, Answers, Request
from extractor.eval.service.page import write_part
from extractor.eval.service.usage import Usage

GOOD = load.Round(
    one_process=80.0,
    two_processes=160.0,
    service=90.0,
    p50=0.3,
    p99=0.6,
    server_ms=9.0,
    readers_ms=10.0,
    clients_ms=0.3,
    process_ms=12.0,
)


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        ({}, 0),
        ({"service": 79.0}, 1),
        ({"service": 39.0}, 2),
        ({"p99": 3.1}, 1),
    ],
)
def test_a_slow_service_misses_its_targets(change: dict[str, float], missed: int) -> None:
    found = load.targets([replace(GOOD, **change)] * 3)
    assert sum(not target.met for target in found) == missed


def test_one_bad_round_of_three_is_another_programs() -> None:
    assert all(target.met for target in load.targets([GOOD, replace(GOOD, service=10.0, p99=9.0), GOOD]))


def soaked(memory: float = 0.0, files: int = 0, threads: int = 0) -> soak.Soaked:
    """A run whose server grows by so much over the whole of it."""
    looks = [
        soak.Look(n, 100.0, Usage(1.0, 200 + memory * n / 50, 50 + files * n // 50, 40 + threads * n // 50), 40.0)
        for n in range(51)
    ]
    return soak.Soaked(looks, Counter({"a new document": 3}), 3, 3000, 1.0, 10)


@pytest.mark.parametrize(
    ("growth", "missed"), [({}, 0), ({"memory": 60.0}, 1), ({"files": 40}, 1), ({"threads": 40}, 1), ({"memory": 8}, 0)]
)
def test_a_server_that_keeps_what_it_takes_misses_its_targets(growth: dict[str, int], missed: int) -> None:
    assert sum(not target.met for target in soak.targets(soaked(**growth))) == missed


def test_each_part_of_the_page_is_written_alone(tmp_path: Path) -> None:
    page = tmp_path / "measured.md"
    write_part(page, "Soak", ["first"])
    write_part(page, "Load", ["speed"])
    write_part(page, "Soak", ["second"])
    text = page.read_text(encoding="utf-8")
    assert text.count("# The service, measured") == 1
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## Load", "## Soak"]
    assert "speed" in text
    assert "second" in text
    assert "first" not in text


def test_no_two_requests_are_alike() -> None:
    request = Request("POST", "/x", b'{"text": "' + MARK + b'"}')
    assert request.encode(b"1") != request.encode(b"2")
    head, _, body = request.encode(b"12345").partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head


def test_quantiles() -> None:
    answers = Answers([float(n) for n in range(100, 0, -1)], [], 10.0, 0.1)
    assert (answers.quantile(0.5), answers.quantile(0.99), answers.per_second) == (51.0, 100.0, 10.0)


def test_the_command_line_loads_nothing_of_the_service() -> None:
    code = (
        "import sys\nfrom extractor.__main__ import main\nsys.argv = ['gouji', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(sorted({'fastapi', 'dbos', 'sqlalchemy', 'uvicorn', 'alembic', 'httpx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
