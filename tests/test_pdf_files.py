"""PDF files that are scans, locked, broken or made to hurt: a clear error in bounded time, or a notice."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest
from pdfs import Page, Writer, area, pdf, text

from extractor.document.formats.pdf import read_pdf
from extractor.errors import InputError

SCAN = Page("", images=((0, 0, 595, 842),))
GOOD = pdf(text(100, 700, "hello 12"))


def error(data: bytes) -> InputError:
    with pytest.raises(InputError) as caught:
        read_pdf(data)
    assert caught.value.hint
    return caught.value


def codes(data: bytes) -> list[str]:
    return [notice.code for notice in read_pdf(data).notices]


def test_a_scan_is_an_error_that_names_its_pages_and_the_way_out() -> None:
    found = error(pdf(SCAN, SCAN))
    assert found.code == "no_text_layer"
    assert found.message.startswith("Pages 1-2 ")
    assert "gouji.ocr" in found.hint
    assert error(pdf("")).code == "no_text_layer"
    outlines = "".join(f"{x} 700 m {x + 3} 710 l {x + 5} 690 l f " for x in range(50, 400, 9))
    assert error(pdf(outlines)).message.startswith("Page 1 ")


def test_pages_of_pictures_among_others_are_told() -> None:
    data = pdf(SCAN, text(100, 700, "a 1"), SCAN, "")
    (notice,) = read_pdf(data).notices
    assert notice.code == "file.pages_without_text"
    assert "第1、3页" in notice.message
    assert notice.message_en.startswith("Pages 1, 3 ")
    part = pdf(Page(text(100, 800, "a heading"), images=((50, 50, 550, 700),)))
    assert codes(part) == ["file.pictures"]
    assert codes(pdf(Page(text(100, 800, "a heading"), images=((50, 50, 90, 90),)))) == []


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(Page(text(100, 700, "scan 12", mode=3), images=((0, 0, 595, 842),)), id="invisible over it"),
        pytest.param(Page(text(100, 700, "scan 12") + "q 595 0 0 842 0 0 cm /Im Do Q "), id="under it"),
    ],
)
def test_an_ocr_layer_is_read_and_told(page: Page) -> None:
    stored = read_pdf(pdf(page))
    assert stored.text == "scan 12"
    assert [notice.code for notice in stored.notices] == ["file.ocr_layer"]


def test_invisible_text_amid_printed_text_is_no_ocr_layer() -> None:
    shown = text(100, 700, "printed on a picture") + text(100, 600, "99", mode=3)
    stored = read_pdf(pdf(Page(shown, images=((0, 0, 595, 842),))))
    assert stored.text == "printed on a picture"
    assert [notice.code for notice in stored.notices] == ["file.text_left_out"]


PLUGIN = """
def recognize(data, page):
    assert data.startswith(b"%PDF-")
    if page == 1:
        return [("三、收到", (60, 50, 100, 60)), ("12", (200, 50.5, 212, 60)), ("below", (60, 80, 90, 90))]
    return []

def broken(data, page):
    raise ValueError("no model")

def nonsense(data, page):
    return [("12", (1, 2, "x", 4))]
"""


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("recognize", "三、收到 12\nbelow\nprinted ['file.pages_without_text', 'file.ocr_layer']"),
        ("broken", "ocr_failed The OCR plug-in reader failed on page 1 (ValueError: no model)."),
        ("nonsense", "ocr_failed The OCR plug-in reader failed on page 1 (ValueError"),
    ],
)
def test_an_installed_plug_in_recognises_pages_without_text(function: str, expected: str, tmp_path: Path) -> None:
    """Installed as pip does it: a module and its `.dist-info` with entry points, on the path of a new process."""
    (tmp_path / "ocr_reader.py").write_text(PLUGIN)
    (tmp_path / "ocr_reader-1.dist-info").mkdir()
    (tmp_path / "ocr_reader-1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: ocr-reader\nVersion: 1\n"
    )
    (tmp_path / "ocr_reader-1.dist-info" / "entry_points.txt").write_text(
        f"[gouji.ocr]\nreader = ocr_reader:{function}\n"
    )
    (tmp_path / "scan.pdf").write_bytes(pdf(SCAN, text(60, 700, "printed"), SCAN))
    script = """
import sys
from pathlib import Path
from extractor.document.formats.pdf import read_pdf
from extractor.errors import InputError
try:
    stored = read_pdf(Path(sys.argv[1]).read_bytes())
    print(stored.text, [notice.code for notice in stored.notices])
except InputError as error:
    print(error.code, error.message)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "scan.pdf")],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    assert re.sub(" +", " ", done.stdout).startswith(expected)


def test_locks() -> None:
    assert error(pdf(text(100, 700, "hello 12"), user="secret")).code == "encrypted"
    assert read_pdf(pdf(text(100, 700, "hello 12"), user="")).text == "hello 12"  # the owner's password alone


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9, 0.97])
def test_cut_off(share: float) -> None:
    assert error(GOOD[: int(len(GOOD) * share)]).code == "malformed"


def test_a_broken_index_is_mended_and_told() -> None:
    assert codes(GOOD) == []
    for broken in (GOOD.replace(b"startxref\n", b"startxref\n7"), GOOD.replace(b"%%EOF", b"")):
        assert read_pdf(broken).text == "hello 12"
        assert codes(broken) == ["file.damaged"]


def test_actions_scripts_and_attachments_are_no_text_and_nothing_is_opened(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    catalog = (
        f"/OpenAction << /S /Launch /F (/usr/bin/touch) /Win << /F (touch) /P ({marker}) >> >> "
        "/Names << /JavaScript << /Names [(a) << /S /JavaScript /JS (app.alert\\('99'\\)) >>] >> "
        "/EmbeddedFiles << /Names [(99.txt) << /Type /Filespec /F (99.txt) >>] >> >>"
    )
    link = "/Annots [<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /A << /S /URI /URI (http://127.0.0.1:9/) >> >>]"
    assert read_pdf(pdf(Page(text(100, 700, "hello"), extra=link), catalog=catalog)).text == "hello"
    assert not marker.exists()


def raw(stream: bytes, filters: str) -> bytes:
    writer = Writer()
    tree = writer.add("")
    contents = writer.add(f"<< /Filter [{filters}] >>", stream)
    page = writer.add(f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 600 800] /Contents {contents} 0 R >>")
    writer.put(tree, f"<< /Type /Pages /Kids [{page} 0 R] /Count 1 >>")
    return writer.bytes(writer.add(f"<< /Type /Catalog /Pages {tree} 0 R >>"))


def zeros(gigabytes: int) -> bytes:
    """So much white space, packed: one block, again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED)
    head = packer.compress(b" " * 50_000_000) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b" " * 50_000_000) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + block * (20 * gigabytes) + packer.flush()


def page_loop() -> bytes:
    writer = Writer()
    tree = writer.add("")
    writer.put(tree, f"<< /Type /Pages /Kids [{tree} 0 R {tree} 0 R] /Count 100000 >>")
    return writer.bytes(writer.add(f"<< /Type /Catalog /Pages {tree} 0 R >>"))


MANY_LINES = "".join(f"{i % 500} {i % 700} m {i % 500 + 5} {i % 700} l S\n" for i in range(150_000))
LATTICE = "".join(f"0 {i * 9} m 9000 {i * 9} l S {i * 9} 0 m {i * 9} 9000 l S\n" for i in range(1_000))
IN_IT = text(12, 12, "a")
KILOMETRE = 2_835_000

HOSTILE = {
    "arrays in arrays": (lambda: pdf(text(9, 9, "a"), catalog="/X " + "[" * 200_000 + "]" * 200_000), "a"),
    "pages in themselves": (page_loop, "too_large"),
    "forms in themselves": (lambda: pdf("/X0 Do", forms=[("", "/X0 Do " + text(9, 9, "a"))]), "too_large"),
    "a page of kilometres": (lambda: pdf(Page(text(9, 9, "a"), size=(KILOMETRE, KILOMETRE))), "too_large"),
    "20,000 pages": (lambda: pdf(*[""] * 20_000), "too_large"),
    "a stream of 3 GB": (lambda: raw(zlib.compress(zeros(3)), "/FlateDecode /FlateDecode"), "too_large"),
    "150,000 lines": (lambda: pdf("0 G " + MANY_LINES), "too_large"),
    "a lattice of a million cells": (lambda: pdf(Page("0 G " + LATTICE + IN_IT, size=(9000, 9000))), "too_large"),
    "300,000 characters": (lambda: pdf("BT /F1 9 Tf 9 9 Td " + "(1234567890) Tj\n" * 30_000 + " ET"), "too_large"),
    "10,000 areas over each other": (lambda: pdf(text(9, 9, "a") + area(99, 99, 300, 300) * 10_000), "a"),
    "bytes": (lambda: b"%PDF-1.4\n" + bytes(range(256)) * 4_000, "malformed"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_end_quickly(name: str) -> None:
    make, expected = HOSTILE[name]
    data = make()
    started = time.monotonic()
    try:
        found = read_pdf(data).text
    except InputError as caught:
        found = caught.code
    assert found == expected
    assert time.monotonic() - started < 30
    assert read_pdf(GOOD).text == "hello 12"  # the next file is read as if nothing had been
