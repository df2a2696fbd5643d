"""The fixtures against their gold labels: no wrong cell in a trusted table, true evidence, and how much is read."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from extractor.eval.score import gold_cells, score

from extractor.document.normalize import normalize
from extractor.document.sources import read_bytes
from extractor.form import DISPUTE_BLOCKS, FORM, REQUEST_COLUMNS, REQUEST_ROWS, cell_paths
from extractor.pipeline import extract_all
from extractor.reader.numbers import read_cell
from extractor.record import validate_record

ROOT = Path(__file__).parent.parent
REPORTS = ROOT / "fixtures" / "reports"
GOLD = ROOT / "fixtures" / "gold"
SHARED = ROOT.parent / "shared" / "reports"

# disclosure, requests, disputes. Five real reports, as the issue asks for them.
VERDICTS = {
    "zhongyang-2024-tabs": ("verified", "reconciled", "verified"),
    "cele-2024-pipes": ("reconciled", "reconciled", "verified"),
    "laiyuan-2024-one-cell-a-line": ("verified", "reconciled", "verified"),
    "xiaodong-2024-tabs": ("verified", "verified", "verified"),
    "chenqu-2024-shifted": ("verified", "reconciled", "verified"),
}
# Reports that break their own rules, and the rules that must say so.
BROKEN = {
    "dongpu-2023-tabs-total-forgot-row": {
        "requests.balance.natural_person", "requests.balance.total",
        "requests.outcomes.natural_person", "requests.outcomes.total",
    },
    "changtang-2021-grid-row-sum-error": {"requests.applicants.granted", "requests.outcomes.total"},
}  # fmt: skip
NARRATIVE_ONLY = {"qiaotouping-2022-narrative-only", "yangliugou-2024-narrative-only"}
CUT_OFF = {"luming-2023-cut-off": {"requests": "needs_review", "disputes": "failed"}}
# Table 3 has a column that is not the form's.
FOREIGN_COLUMN = {"qingtan-2023-remarks", "yunhe-2024-line-numbers"}
# right / (right + missed + refused + wrong + invented) over all fixtures. The aim is 0.995.
ACCURACY = 0.975

NAMES = sorted(path.stem for path in GOLD.glob("*.json"))


@lru_cache(maxsize=64)
def gold(name: str) -> dict[str, Any]:
    return json.loads((GOLD / f"{name}.json").read_text(encoding="utf-8"))


@lru_cache(maxsize=64)
def stored_text(path: Path) -> str:
    return read_bytes(path.read_bytes())


@lru_cache(maxsize=64)
def results(path: Path) -> dict[str, dict[str, Any]]:
    """Source (`name` or `name#k`) → the JSON object of `gouji extract --json`."""
    return {result.source: result.to_json() for result in extract_all(stored_text(path), path.name)}


def result(name: str) -> dict[str, Any]:
    source = gold(name)["source"]
    return results(REPORTS / source.partition("#")[0])[source]


def text(name: str) -> str:
    return stored_text(REPORTS / gold(name)["source"].partition("#")[0])


def kind_of(path: str) -> str:
    table, _, name = path.rpartition(".")
    return FORM.fields[name].kind if table.startswith("disclosure.") else "count"


def evidence_faults(found: dict[str, Any], stored: str) -> list[str]:
    """What is wrong with the cells' states, spans and readings (CONTRACT, `cells`)."""
    faults = []
    taken: dict[tuple[int, int], str] = {}
    for cell in found["cells"]:
        path, raw, span = cell["path"], cell["raw"], cell["span"]
        if cell["state"] not in ("reported", "blank", "not_applicable", "missing", "illegible", "ambiguous"):
            faults.append(f"{path}: state {cell['state']}")
        if span is not None and stored[span[0] : span[1]] != raw:
            faults.append(f"{path}: text{span} is {stored[span[0] : span[1]]!r}, raw {raw!r}")
        if (cell["value"] is None) != (cell["method"] is None):
            faults.append(f"{path}: value {cell['value']} by {cell['method']}")
        if cell["method"] == "derived" and not (cell["because"] and cell["state"] != "reported"):
            faults.append(f"{path}: derived, {cell['state']}, because {cell.get('because')}")
        if (
            cell["state"] == "ambiguous"
            and cell["method"] != "derived"
            and not (cell["value"] is None and cell.get("candidates"))
        ):
            faults.append(f"{path}: ambiguous with value {cell['value']}, candidates {cell.get('candidates')}")
        if cell["state"] != "reported":
            continue
        if span is None or cell["value"] is None:
            faults.append(f"{path}: reported without span or value")
            continue
        if tuple(span) in taken:
            faults.append(f"{path}: the same print as {taken[tuple(span)]}")
        taken[tuple(span)] = path
        reading = read_cell(normalize(raw).strip(), kind_of(path))
        if reading is None or reading.value is None or reading.value != Decimal(str(cell["value"])):
            faults.append(f"{path}: raw {raw!r} reads {reading}, value {cell['value']}")
    spans = sorted(taken)
    faults += [f"{a} and {b} overlap" for a, b in pairwise(spans) if b[0] < a[1]]
    return faults


def structure_faults(found: dict[str, Any]) -> list[str]:
    """Cells and record: each cell once, every key there, the same values (CONTRACT, `record`)."""
    record = found["record"]
    validate_record(record)
    groups = frozenset(key.removesuffix(".all") for key in record["requests"] if key.endswith(".all"))
    expected = [path for paths in cell_paths(record["form"], groups).values() for path in paths]
    paths = [cell["path"] for cell in found["cells"]]
    faults = [] if paths == expected else [f"cells differ: {set(paths) ^ set(expected)} or their order"]
    for cell in found["cells"]:
        table, _, rest = cell["path"].partition(".")
        row, _, column = rest.rpartition(".")
        value = record[table][row][column] if row else record[table][column]
        if value != cell["value"]:
            faults.append(f"{cell['path']}: record {value}, cell {cell['value']}")
    return faults


def faults_of(name: str) -> tuple[Counter[str], list[tuple[str, str, Any, Any]]]:
    return score(gold(name), result(name))


@pytest.mark.parametrize("name", NAMES)
def test_no_wrong_cell_in_a_trusted_table(name: str) -> None:
    counts, faults = faults_of(name)
    assert counts["escapes"] == 0, [
        fault for fault in faults if fault[1] in ("wrong", "invented", "undecidable_answered")
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_number_has_its_evidence(name: str) -> None:
    assert evidence_faults(result(name), text(name)) == []


@pytest.mark.parametrize("name", sorted(set(NAMES) - NARRATIVE_ONLY))
def test_each_cell_of_the_record_is_listed_once(name: str) -> None:
    assert structure_faults(result(name)) == []


@pytest.mark.parametrize("name", sorted(set(NAMES) - NARRATIVE_ONLY))
def test_year_and_form(name: str) -> None:
    record = result(name)["record"]
    assert (record["year"], record["form"]) == (gold(name)["year"], gold(name)["record"]["form"])


@pytest.mark.parametrize("name", sorted(set(NAMES) - NARRATIVE_ONLY))
def test_organization(name: str) -> None:
    named = result(name)["record"]["organization"]
    assert named is not None
    assert gold(name)["organization"] in named or named in gold(name)["organization"]


@pytest.mark.parametrize("name", NAMES)
def test_gold_has_every_cell_of_the_form(name: str) -> None:
    record = gold(name)["record"]
    groups = frozenset(key.removesuffix(".all") for key in record["requests"] if key.endswith(".all"))
    expected = {path for paths in cell_paths(record["form"], groups).values() for path in paths}
    assert {path for path, _ in gold_cells(record)} == expected
    assert set(DISPUTE_BLOCKS) <= record.keys()


def test_every_report_has_gold() -> None:
    assert {gold(name)["source"].partition("#")[0] for name in NAMES} == {path.name for path in REPORTS.iterdir()}


@pytest.mark.parametrize("name", VERDICTS)
def test_the_five_real_reports(name: str) -> None:
    found = result(name)
    counts, faults = faults_of(name)
    assert faults == []
    assert counts["right"] + counts["derived"] == len(found["cells"])
    assert tuple(found["verdicts"].values()) == VERDICTS[name]


@pytest.mark.parametrize("name", BROKEN)
def test_published_errors_survive(name: str) -> None:
    found = result(name)
    failing = {f["rule"]: f for f in found["findings"] if f["status"] == "fail" and f["severity"] == "error"}
    assert found["verdicts"]["requests"] == "inconsistent"
    assert set(failing) == BROKEN[name]
    assert {f["blame"] for f in failing.values()} == {"source"}
    assert all(f["suspects"] for f in failing.values())
    assert [fault for fault in faults_of(name)[1] if fault[0].startswith("requests.")] == []


@pytest.mark.parametrize("name", sorted(NARRATIVE_ONLY))
def test_narrative_is_no_table(name: str) -> None:
    found = result(name)
    assert found["verdict"] == "failed"
    assert (found["record"], found["cells"], found["findings"]) == (None, [], [])
    assert found["error"]["code"] == "no_tables"


@pytest.mark.parametrize("name", CUT_OFF)
def test_a_report_cut_off_in_table_3(name: str) -> None:
    found = result(name)
    assert {table: found["verdicts"][table] for table in CUT_OFF[name]} == CUT_OFF[name]


@pytest.mark.parametrize("name", sorted(FOREIGN_COLUMN))
def test_a_column_that_is_not_the_forms_is_left_out(name: str) -> None:
    assert result(name)["verdicts"] == {"disclosure": "verified", "requests": "verified", "disputes": "verified"}
    counts, faults = faults_of(name)
    assert counts["right"] == len(list(gold_cells(gold(name)["record"]))), faults
    assert evidence_faults(result(name), text(name)) == []


# pdfminer's columns: table 3 is proved column by column, but a heading stands inside the one row of table 4, and of
# table 2's six numbers nothing tells rows from columns.
SCRAMBLED = "gaotang-2023-pdf-raw-column-order"


def test_columns_in_pieces_are_read() -> None:
    assert result(SCRAMBLED)["verdicts"] == {
        "disclosure": "failed",
        "requests": "verified",
        "disputes": "needs_review",
    }
    counts, faults = faults_of(SCRAMBLED)
    assert [fault for fault in faults if fault[0].startswith("requests.")] == []
    assert counts["right"] == len(REQUEST_ROWS) * len(REQUEST_COLUMNS)
    assert counts["wrong"] == counts["invented"] == 0


@pytest.mark.parametrize("name", sorted(set(NAMES) - NARRATIVE_ONLY - set(CUT_OFF) - {SCRAMBLED}))
def test_most_of_every_fixture_is_read(name: str) -> None:
    """Nine cells in ten of those that the text decides: a reader that refuses everything keeps every promise."""
    counts, _ = faults_of(name)
    known = counts["right"] + counts["missed"] + counts["refused"] + counts["wrong"] + counts["invented"]
    assert counts["right"] >= 0.9 * known, dict(counts)


def test_accuracy_over_all_fixtures() -> None:
    total: Counter[str] = Counter()
    for name in NAMES:
        total += faults_of(name)[0]
    known = total["right"] + total["missed"] + total["refused"] + total["wrong"] + total["invented"]
    assert total["escapes"] == total["wrong"] == total["invented"] == 0
    assert total["right"] / known >= ACCURACY, dict(total)


# ---------------------------------------------------------------- the real reports themselves

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/reports is not here")


def shared_files() -> list[Path]:
    return sorted(SHARED.glob("*.txt")) if SHARED.is_dir() else []


def shared_name(found: dict[str, Any]) -> str:
    """The fixture made from the same report."""
    body = (found["record"] or {}).get("organization") or ""
    return next(name for name in VERDICTS if gold(name)["organization"][:2] in body)


@needs_shared
def test_shared_reports_are_the_five() -> None:
    assert sorted(shared_name(next(iter(results(path).values()))) for path in shared_files()) == sorted(VERDICTS)


@needs_shared
@pytest.mark.parametrize("path", shared_files(), ids=lambda path: path.stem[:3])
def test_shared_reports(path: Path) -> None:
    ((_, found),) = results(path).items()
    name = shared_name(found)
    counts, faults = score(gold(name), found)
    assert (counts["escapes"], faults) == (0, [])
    assert tuple(found["verdicts"].values()) == VERDICTS[name]
    assert evidence_faults(found, stored_text(path)) == []
    assert structure_faults(found) == []
    assert (found["record"]["year"], found["record"]["form"]) == (gold(name)["year"], gold(name)["record"]["form"])
