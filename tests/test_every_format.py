"""One report in every format that is read: the same record, each figure at its own characters."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from extractor import extract_file
from extractor.document.sources import walk

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "fixtures" / "formats"
GOLD = json.loads((ROOT / "fixtures" / "gold" / "jinchuan-2023-html-chrome.json").read_text(encoding="utf-8"))
# What each format says of the place of a figure beyond its characters.
PLACES = {
    "report.html": {"table", "row", "column"},
    "report-gbk.html": {"table", "row", "column"},
    "report-in-a-script.html": {"table", "row", "column"},
    "report.mht": {"table", "row", "column"},
    "report.docx": {"table", "row", "column"},
    "report.xlsx": {"table", "row", "column", "sheet", "ref"},
    "report.pdf": {"table", "row", "column", "page", "box"},
    "report.html.gz": {"table", "row", "column"},
    "report.zip": {"table", "row", "column"},
    "report.tar.gz": {"table", "row", "column"},
    "report.eml": {"table", "row", "column", "sheet", "ref"},
    "report.txt": set(),
    "report-gb18030.txt": set(),
    "report.md": set(),
    "report.csv": set(),
}


def without_spans(record: dict[str, Any]) -> dict[str, Any]:
    """The record but for where its sections lie in a text."""
    return {key: value for key, value in record.items() if key != "sections"}


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """File name → its line, of a run over a copy of the folder as a user would make it."""
    folder = tmp_path_factory.mktemp("formats")
    shutil.copytree(FOLDER, folder / "reports")
    done = subprocess.run(
        [sys.executable, "-m", "extractor", "extract", "reports", "--json"], cwd=folder, capture_output=True, check=True
    )
    found = [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]
    return {line["source"].removeprefix("reports/").partition("!")[0]: line for line in found}


def test_the_folder_holds_every_format(lines: dict[str, dict[str, Any]]) -> None:
    assert set(lines) == set(PLACES) == {path.name for path in FOLDER.iterdir()}


@pytest.mark.parametrize("name", PLACES)
def test_the_record_is_the_same(lines: dict[str, dict[str, Any]], name: str) -> None:
    line = lines[name]
    assert line["error"] is None
    assert set(line["verdicts"].values()) == {"verified"}
    record = without_spans(line["record"])
    assert record == without_spans(lines["report.html"]["record"])
    assert record["organization"] == GOLD["organization"]
    assert {key: record[key] for key in GOLD["record"] if key in ("disclosure", "requests", "litigation_direct")} == {
        key: GOLD["record"][key] for key in ("disclosure", "requests", "litigation_direct")
    }


@pytest.mark.parametrize(("name", "known"), PLACES.items())
def test_each_figure_stands_at_its_characters_and_its_place(
    lines: dict[str, dict[str, Any]], name: str, known: set[str]
) -> None:
    (source,) = [source for source in walk([str(FOLDER / name)]) if source.left_out is None]
    text = source.text()
    printed = [cell for cell in lines[name]["cells"] if cell["state"] == "reported"]
    assert len(printed) > 190
    for cell in printed:
        start, end = cell["span"]
        assert text[start:end] == cell["raw"]
        assert set(cell.get("place", {})) == known, cell


def test_no_two_figures_of_a_sheet_or_page_share_a_place(lines: dict[str, dict[str, Any]]) -> None:
    for name in ("report.xlsx", "report.pdf", "report.docx", "report.html"):
        places = [
            json.dumps({key: cell["place"][key] for key in ("table", "row", "column")})
            for cell in lines[name]["cells"]
            if cell["span"]
        ]
        assert len(places) == len(set(places))


@pytest.mark.parametrize("name", ["report.pdf", "report.zip", "report.eml"])
def test_the_library_reads_files_too(name: str, lines: dict[str, dict[str, Any]]) -> None:
    (result,) = extract_file(FOLDER / name)
    assert result.record is not None
    assert without_spans(result.record) == without_spans(lines[name]["record"])


def test_the_library_answers_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7\n")
    (tmp_path / "b.html").write_bytes((FOLDER / "report.html").read_bytes())
    broken, whole = extract_file(tmp_path)
    assert broken.error is not None
    assert broken.record is None
    assert whole.verdict == "verified"
