"""From bytes and paths to stored text: encodings, kinds, the walk over folders."""

from __future__ import annotations

import codecs
import hashlib
import io
import json
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from extractor.document.decode import decode
from extractor.document.kinds import kind_of
from extractor.document.sources import Source, count, display, read_bytes, walk
from extractor.errors import InputError

REPORT = "一、总体情况\n中阳县2024年政府信息公开工作年度报告。\n本年新收政府信息公开申请数量\t20\t0\t３\n总计\t23件\n"
TRADITIONAL = "一、總體情況\n本機關政府資訊公開工作年度報告。\n本年新收申請數量\t20\t0\t3\n總計\t23\n"


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        pytest.param(REPORT.encode(), "utf-8", id="utf-8"),
        pytest.param(codecs.BOM_UTF8 + REPORT.encode(), "utf-8", id="utf-8 with BOM"),
        pytest.param(REPORT.encode("gbk"), "gb18030", id="gbk"),
        pytest.param((REPORT + "𠮷㐀").encode("gb18030"), "gb18030", id="gb18030 four bytes"),
        pytest.param(REPORT.encode("utf-16"), "utf-16-le", id="utf-16 with BOM"),
        pytest.param(codecs.BOM_UTF16_BE + REPORT.encode("utf-16-be"), "utf-16-be", id="utf-16 BE with BOM"),
        pytest.param(REPORT.encode("utf-16-le"), "utf-16-le", id="utf-16 LE without BOM"),
        pytest.param(REPORT.encode("utf-16-be"), "utf-16-be", id="utf-16 BE without BOM"),
        pytest.param("政府信息公开申请行政复议".encode("utf-16-le"), "utf-16-le", id="utf-16 without ASCII"),
        pytest.param(REPORT.encode("utf-32"), "utf-32-le", id="utf-32"),
    ],
)
def test_every_encoding_gives_the_same_text(data: bytes, encoding: str) -> None:
    decoded = decode(data)
    assert decoded.encoding == encoding
    assert decoded.text.startswith(REPORT[:20]) or decoded.text == "政府信息公开申请行政复议"
    assert not decoded.cut


def test_big5_is_told_from_gbk_by_what_it_says() -> None:
    decoded = decode(TRADITIONAL.encode("big5"))
    assert (decoded.text, decoded.encoding) == (TRADITIONAL, "big5hkscs")
    assert decode(TRADITIONAL.encode("gbk")).text == TRADITIONAL


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le", "utf-16"])
@pytest.mark.parametrize("missing", [1, 2])
def test_a_file_cut_inside_its_last_character_is_read(encoding: str, missing: int) -> None:
    whole = REPORT + "公开"
    decoded = decode(whole.encode(encoding)[:-missing])
    kept = decoded.text
    assert whole.startswith(kept)
    assert len(whole) - len(kept) == 1
    assert decoded.cut == (len(whole.encode(encoding)) - missing != len(kept.encode(encoding)))


def test_line_ends_and_bom_and_nothing_else() -> None:
    raw = "\ufeff政府信息\r\na\rb\n\x0c　 \u00a0①㎡\ufeffx\t\r\n"
    assert decode(raw.encode()).text == "政府信息\na\nb\n\x0c　 \u00a0①㎡\ufeffx\t\n"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(
            REPORT.encode()[:40] + b"\xff\xfe\xfd" + REPORT.encode()[40:], "undecodable", id="bad bytes inside"
        ),
        pytest.param(bytes(range(0xC0, 0x100)) * 40, "undecodable", id="high bytes"),
        pytest.param(os.urandom(5000), "binary", id="random"),
        pytest.param(b"\x00" * 4000 + b"abc", "binary", id="zeros"),
        pytest.param(codecs.BOM_UTF16_LE + b"\x00\xd8\x41\x00" * 9, "undecodable", id="lone surrogates"),
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"\xef\xbb\xbf \r\n\t", "empty", id="blank"),
        pytest.param(b"%PDF-1.7\n%\xe2\xe3", "malformed", id="pdf without an end"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "unsupported_format", id="doc"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + b"\x00" * 50, "unsupported_format", id="png"),
        pytest.param(b'{"record": {"year": 2024}}', "unsupported_format", id="json"),
    ],
)
def test_what_is_no_text_says_so(data: bytes, code: str) -> None:
    with pytest.raises(InputError) as caught:
        read_bytes(data)
    assert caught.value.code == code
    assert caught.value.message
    assert caught.value.hint


def test_mojibake_is_not_taken_for_text() -> None:
    """GBK bytes that happen to decode as something else must not pass: digits would sit among nonsense."""
    with pytest.raises(InputError, match="no text"):
        decode("Ãëàâíàÿ ñòðàíèöà òåêñò íà ðóññêîì ÿçûêå".encode("latin-1") * 20)


def _zip(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "<x/>")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (REPORT.encode(), "text"),
        (REPORT.encode("utf-16"), "text"),
        (b"| a | b |\n|---|---|\n", "text"),
        ("<县政府> 2024".encode(), "text"),
        ("[索引号] 2024".encode(), "text"),
        (b"MZ and BM are words", "text"),
        (b"<!DOCTYPE html><html>", "html"),
        (b"\xef\xbb\xbf\n <html>", "html"),
        ('<?xml version="1.0"?><html>'.encode("utf-16"), "html"),
        (b"<div><table><tr><td>1</td></tr></table>", "html"),
        (b"<!-- c --><TABLE>", "html"),
        (_zip("word/document.xml"), "docx"),
        (_zip("xl/workbook.xml"), "xlsx"),
        (_zip("a.txt"), "archive"),
        (b"\x1f\x8b\x08", "archive"),
        (b"SQLite format 3\x00", "database"),
        (b"{\\rtf1", "rtf"),
        (b'{"a": 1}\n{"a": 2}\n', "json"),
        (b"[" * 100_000, "text"),
        (b"GIF89a\x00", "image"),
        (b"", "empty"),
        (b" \n", "empty"),
    ],
)
def test_kind_by_content(data: bytes, kind: str) -> None:
    assert kind_of(data) == kind


# ------------------------------------------------------------------------------------------------ walking


def _names(sources: Iterator[Source]) -> list[str]:
    return [source.name for source in sources]


def test_a_folder_comes_in_sorted_order_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b/2.txt", "b/10.txt", "a.txt", "b/.hidden.txt", ".git/x.txt", "c/d/e.html", "Z.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(REPORT)
    found = _names(walk([str(tmp_path)]))
    assert found == [str(tmp_path / name) for name in ("Z.txt", "a.txt", "b/10.txt", "b/2.txt", "c/d/e.html")]
    assert count([str(tmp_path)]) == 5


def test_no_document_kinds_are_left_out_of_a_walk_but_answered_when_given(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(REPORT)
    (tmp_path / "b.json").write_text("{}")
    (tmp_path / "c.png").write_bytes(b"")
    (tmp_path / "d").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\x00" * 9)
    (tmp_path / "e.dat").write_text(json.dumps({"a": 1}))
    (tmp_path / "f.txt").write_bytes(b"\x89PNG\r\n\x1a\n")
    os.mkfifo(tmp_path / "g")
    found = {Path(source.name).name: source.left_out for source in walk([str(tmp_path)])}
    assert found == {
        "a.txt": None, "b.json": "json", "c.png": "image", "d": "image", "e.dat": "json", "f.txt": None,
        "g": "special file",
    }  # fmt: skip
    for name in ("b.json", "c.png", "d"):
        (source,) = walk([str(tmp_path / name)])
        assert source.left_out is None
        with pytest.raises(InputError):
            source.text()


def test_a_glob_that_no_shell_expanded(tmp_path: Path) -> None:
    for name in ("x/1.txt", "x/2.txt", "y.txt", "[z].txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(REPORT)
    assert _names(walk([f"{tmp_path}/**/[12].txt"])) == [f"{tmp_path}/x/1.txt", f"{tmp_path}/x/2.txt"]
    assert _names(walk([f"{tmp_path}/[z].txt"])) == [f"{tmp_path}/[z].txt"], "a file of that very name comes first"
    (source,) = walk([f"{tmp_path}/*.pdf"])
    assert source.error
    assert source.error.code == "missing"


def test_faults_are_data_and_the_walk_goes_on(tmp_path: Path) -> None:
    (tmp_path / "1-broken.txt").symlink_to(tmp_path / "nowhere")
    (tmp_path / "2-self.txt").symlink_to(tmp_path / "2-self.txt")
    (tmp_path / "3-large.txt").write_bytes(b"1" * 1001)
    (tmp_path / "4-empty.txt").touch()
    (tmp_path / "5-good.txt").write_text(REPORT)
    codes = []
    for source in walk([str(tmp_path), str(tmp_path / "gone.txt"), "nul\0name"], max_bytes=1000):
        try:
            source.text()
            codes.append("read")
        except InputError as error:
            codes.append(error.code)
    assert codes == ["broken_link", "broken_link", "too_large", "empty", "read", "missing", "missing"]


def test_a_fifo_or_a_device_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    for path in (str(tmp_path / "pipe.txt"), "/dev/zero"):
        (source,) = walk([path])
        assert source.error
        assert source.error.code == "not_a_file"


def test_folder_links_are_followed_once_and_never_round(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.txt").write_text(REPORT)
    (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "b").symlink_to(tmp_path / "a", target_is_directory=True)
    (tmp_path / "c").symlink_to(tmp_path / "a", target_is_directory=True)
    found = list(walk([str(tmp_path)]))
    assert [source.name for source in found if source.data] == [f"{tmp_path}/a/1.txt", f"{tmp_path}/b/1.txt"]
    assert {source.left_out for source in found if not source.data} == {"linked folder"}


@contextmanager
def _as_nobody() -> Iterator[None]:
    """Root may read everything: step down where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_and_a_file_without_permission() -> None:
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        top.chmod(0o755)
        (top / "1").mkdir(mode=0)
        (top / "2.txt").write_text(REPORT)
        (top / "2.txt").chmod(0)
        (top / "3.txt").write_text(REPORT)
        (top / "3.txt").chmod(0o444)
        with _as_nobody():
            found = list(walk([name]))
        (top / "1").chmod(0o700)
    assert [source.error and source.error.code for source in found] == ["no_permission", "no_permission", None]


def test_strange_names_survive(tmp_path: Path) -> None:
    names = [b"a\nb.txt", "报告📄.txt".encode(), b"\xff\xfe.txt"]
    for name in names:
        Path(os.path.join(os.fsencode(tmp_path), name).decode("utf-8", "surrogateescape")).write_text(REPORT)
    found = list(walk([str(tmp_path)]))
    assert sorted(os.fsencode(os.path.basename(source.name)) for source in found) == sorted(names)
    for source in found:
        assert "\n" not in display(source.name)
        display(source.name).encode("utf-8")
    assert display("a\nb") == "a\\nb"
    assert display("\udcff.txt") == "\\udcff.txt"


def test_sha256_is_of_the_bytes(tmp_path: Path) -> None:
    data = codecs.BOM_UTF8 + REPORT.replace("\n", "\r\n").encode()
    (tmp_path / "a.txt").write_bytes(data)
    (source,) = walk([str(tmp_path / "a.txt")])
    assert source.sha256 == hashlib.sha256(data).hexdigest()
    assert source.text() == REPORT


def test_the_walk_is_lazy(tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / f"{number:02}.txt").write_text(REPORT)
    sources = walk([str(tmp_path)])
    next(sources)
    (tmp_path / "01.txt").write_text("changed")
    assert next(sources).data == b"changed"


def test_stdin_respects_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"1" * 11)))
    (source,) = walk(["-"], max_bytes=10)
    assert source.error
    assert source.error.code == "too_large"
