"""Bad input: a clear error, verdict `failed`, the rest of the batch goes on and nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from extractor.document.sources import Source
from extractor.files import readings_of
from extractor.results import TRUSTED, Result

FIXTURES = Path(__file__).parent.parent / "fixtures" / "reports"
GOOD = FIXTURES / "xiaodong-2024-tabs.txt"


def extract(*args: object, cwd: Path | None = None) -> tuple[list[dict[str, Any]], str, int]:
    done = subprocess.run(
        [sys.executable, "-m", "extractor", "extract", *map(str, args), "--json"],
        capture_output=True, text=True, encoding="utf-8", timeout=60, cwd=cwd, check=False,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr, done.returncode


# File name → (content, error code or None where the document is read but nothing may be trusted by mistake).
BAD: dict[str, tuple[bytes, str]] = {
    "binary.txt": (bytes(range(256)) * 40, "binary"),
    "empty.txt": (b"", "empty"),
    "large.txt": (b"0" * 300_001, "too_large"),
    "picture.txt": (b"\x89PNG\r\n\x1a\n" + bytes(100), "unsupported_format"),
    "scan.pdf": (b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", "malformed"),
    "undecodable.txt": ("一、总体情况".encode() + b"\xff\xfe\xfd" + "申请".encode() * 50, "undecodable"),
    "white.txt": (b" \n\t\r\n", "empty"),
    "word.docx": (b"PK\x03\x04" + b"word/document.xml" * 3, "malformed"),
}
NO_REPORT: dict[str, bytes] = {
    "404.html": "<html><head><title>404</title></head><body>您访问的页面不存在</body></html>".encode(),
    "login.html": "<html><body><form>用户登录<p>用户名</p><p>密码</p></form></body></html>".encode(),
    "other.txt": "某县2023年国民经济和社会发展统计公报\n全年生产总值 321 亿元，比上年增长 5.2%。\n".encode(),
}


def test_one_batch_of_everything_bad_loses_nothing(tmp_path: Path) -> None:
    for name, data in {**{name: data for name, (data, _) in BAD.items()}, **NO_REPORT}.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "link.txt").symlink_to(tmp_path / "nowhere")
    shutil.copy(GOOD, tmp_path / "a-good.txt")
    shutil.copy(GOOD, tmp_path / "z-good.txt")
    found, stderr, code = extract(".", "gone.txt", "--max-bytes", "300000", cwd=tmp_path)
    by_name = {Path(line["source"]).name: line for line in found}
    assert code == 0
    assert "Traceback" not in stderr
    assert len(found) == len(by_name) == len(BAD) + len(NO_REPORT) + 4
    assert by_name["a-good.txt"]["record"] == by_name["z-good.txt"]["record"] is not None
    codes = {name: line["error"]["code"] for name, line in by_name.items() if line["error"]}
    expected = {name: code for name, (_, code) in BAD.items()} | {"link.txt": "broken_link", "gone.txt": "missing"}
    assert {name: codes.get(name) for name in expected} == expected
    for name in {*expected, *NO_REPORT}:
        line = by_name[name]
        assert line["verdict"] == "failed", name
        assert set(line["verdicts"].values()) == {"failed"}
        assert line["record"] is None
        assert (line["cells"], line["findings"]) == ([], [])
        assert set(line["error"]) == {"code", "message", "hint"}
        assert all(line["error"].values()), line["error"]
    assert f"{len(found)} documents = " in stderr


def test_each_bad_file_given_alone_ends_with_exit_3(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(b"")
    found, stderr, code = extract("x.txt", "y.txt", cwd=tmp_path)
    assert code == 3
    assert [line["error"]["code"] for line in found] == ["empty", "missing"]
    assert "x.txt: The file is empty. [empty]" in stderr


@pytest.mark.parametrize("share", [0.3, 0.5, 0.6, 0.7, 0.8, 0.9])
def test_a_report_cut_in_its_tables_trusts_nothing_that_is_gone(share: float, tmp_path: Path) -> None:
    whole = GOOD.read_bytes()
    (tmp_path / "cut.txt").write_bytes(whole[: int(len(whole) * share)])
    (tmp_path / "whole.txt").write_bytes(whole)
    (cut, full), _, code = extract("cut.txt", "whole.txt", cwd=tmp_path)
    assert code == 0
    truth = {cell["path"]: cell["value"] for cell in full["cells"]}
    for cell in cut["cells"]:
        table = cell["path"].split(".")[0]
        if (
            cut["verdicts"].get(table if table in cut["verdicts"] else "disputes") in TRUSTED
            and cell["value"] is not None
        ):
            assert cell["value"] == truth[cell["path"]], cell


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("1" * 5_000_000, id="a run of digits"),
        pytest.param("本年新收政府信息公开申请数量" * 50_000, id="one label"),
        pytest.param("一、总体情况\n" * 100_000, id="one heading"),
        pytest.param("\t" * 2_000_000 + "0", id="empty cells"),
        pytest.param("（一）予以公开" + "0" * 500_000 + "（二）部分公开" + "0" * 500_000, id="glued zeros"),
        pytest.param(" \n" * 1_000_000 + "x", id="blank lines"),
    ],
)
def test_hostile_text_ends_quickly_and_is_never_trusted(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text(text)
    started = time.monotonic()
    (line,), _, code = extract("x.txt", cwd=tmp_path)
    assert time.monotonic() - started < 30
    assert code == 0
    assert not set(line["verdicts"].values()) & TRUSTED


def test_an_unforeseen_fault_fails_one_document_only(monkeypatch: pytest.MonkeyPatch) -> None:
    import extractor.files

    def boom(text: str, source: str = "-") -> None:
        raise RecursionError("deep")

    monkeypatch.setattr(extractor.files, "read_all", boom)
    ((result,), read) = readings_of(Source("a.txt", data=b"text"))
    assert read
    assert isinstance(result, Result)
    assert result.error
    assert result.error["code"] == "internal"
    assert "RecursionError" in result.error["message"]
    assert result.verdict == "failed"


def test_a_named_file_is_always_answered(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    os.mkfifo(tmp_path / "c")
    found, _, code = extract("a.json", "b.png", "c", "/dev/zero", cwd=tmp_path)
    assert code == 3
    assert [line["error"]["code"] for line in found] == [
        "unsupported_format", "unsupported_format", "not_a_file", "not_a_file",
    ]  # fmt: skip
    found, stderr, code = extract(".", cwd=tmp_path)
    assert (found, code) == ([], 3)
    assert "1 image, 1 json, 1 special file" in stderr
