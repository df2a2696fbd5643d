"""Exports open in pandas, pyreadstat, openpyxl and DuckDB, and every value is the record's, exactly."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import lines as ln
import openpyxl
import pandas
import pyarrow.parquet
import pyreadstat
import pytest

from extractor.export.columns import LONG, LONGEST, all_paths, short_name, value_columns, wide_columns
from extractor.export.lines import Line, value_at
from extractor.results import TRUSTED

Rows = list[dict[str, Any]]


def of_csv(path: Path) -> Rows:
    frame = pandas.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    return [{key: value or None for key, value in row.items()} for row in frame.to_dict("records")]


def of_jsonl(path: Path) -> Rows:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def of_parquet(path: Path) -> Rows:
    found: Rows = pyarrow.parquet.read_table(path).to_pylist()
    assert len(pandas.read_parquet(path)) == len(found)
    return found


def of_dta(path: Path) -> Rows:
    frame, _ = pyreadstat.read_dta(str(path), apply_value_formats=True)
    assert pandas.read_stata(path, convert_categoricals=False).shape == frame.shape
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{key: None if value == "" else value for key, value in row.items()} for row in rows]


def of_duckdb(path: Path) -> Rows:
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = {row[0] for row in connection.execute("show tables").fetchall()}
        (table,) = tables & {"reports", "cells", "panel"}
        found = connection.execute(f"from {table}")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


READERS: dict[str, Callable[[Path], Rows]] = {
    "csv": of_csv, "jsonl": of_jsonl, "parquet": of_parquet, "dta": of_dta, "duckdb": of_duckdb,
}  # fmt: skip


def number(value: Any) -> Any:
    """A cell as read back: an exact number, or None."""
    if value is None or isinstance(value, Decimal):
        return value
    return Decimal(str(value)) if isinstance(value, str | float) else value


LINES = [
    ln.line(),
    ln.doubted(ln.line(body="云河镇人民政府", source="b.html"), "requests"),
    ln.line(body="沙岭乡", source="c.pdf", **{"disclosure.fees.amount": "16085.100735"}),
    ln.nothing(),
]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return ln.written(tmp_path / "lines.jsonl", *LINES)


def exported(source: Path, name: str, *args: object) -> Path:
    target = source.with_name(name)
    code, out, err = ln.run("export", source, "-o", target, *args)
    assert (code, out) == (0, ""), err
    return target


def expected(line: Line, path: str) -> Any:
    table = "disputes" if path.split(".")[0] not in ("disclosure", "requests") else path.split(".")[0]
    if line["record"] is None or line["verdicts"][table] not in TRUSTED:
        return None
    value = value_at(line["record"], path)
    return Decimal(value) if isinstance(value, str) else value


@pytest.mark.parametrize("kind", READERS)
def test_wide_has_every_value_of_the_record_and_no_other(source: Path, kind: str) -> None:
    rows = READERS[kind](exported(source, f"wide.{kind}"))
    assert len(rows) == len(LINES)
    assert list(rows[0]) == [column.name for column in wide_columns()]
    compared = 0
    for row, line in zip(rows, LINES, strict=True):
        for path in all_paths():
            value = expected(line, path)
            assert number(row[short_name(path)]) == value, path
            compared += value is not None
            if path.endswith(".amount"):
                assert row[short_name(path).replace("_amou", "_exact")] == (None if value is None else str(value))
        for table in ("disclosure", "requests", "disputes"):
            assert str(row[f"v_{table}"]).split()[0] == line["verdicts"][table]
    assert compared == 3 * 200 - 175, "all of three reports but table 3 of the second"
    assert rows[3]["error_code"] == "missing"
    assert [row["organization"] for row in rows] == ["青禾县人民政府", "云河镇人民政府", "沙岭乡", None]


@pytest.mark.parametrize("kind", READERS)
def test_long_has_every_cell_with_state_and_place(source: Path, kind: str) -> None:
    rows = READERS[kind](exported(source, f"long.{kind}", "--shape", "long"))
    assert list(rows[0]) == [column.name for column in LONG]
    cells = [(line, cell) for line in LINES for cell in line["cells"]]
    assert len(rows) == len(cells) == 600
    for row, (line, cell) in zip(rows, cells, strict=True):
        assert row["path"] == cell["path"]
        assert row["value"] == (None if cell["value"] is None else str(cell["value"]))
        assert row["raw"] == cell["raw"]
        assert str(row["state"]).split()[0] == cell["state"]
        assert (number(row["span_start"]), number(row["span_end"])) == tuple(cell["span"] or (None, None))
        table = str(row["table_key"]).split()[0]
        assert row["trusted"] in ((True, "1", "是") if line["verdicts"][table] in TRUSTED else (False, "0", "否"))


def test_untrusted_values_only_where_asked_for(source: Path) -> None:
    rows = of_csv(exported(source, "u.csv", "--untrusted"))
    assert rows[1]["t3_gran_tota"] == str(LINES[1]["record"]["requests"]["granted"]["total"])
    assert rows[1]["v_requests"] == "needs_review"
    few = of_csv(exported(source, "t.csv", "--trusted", "--shape", "long"))
    assert {(row["organization"], row["table_key"]) for row in few} == {
        (body, table)
        for body in ("青禾县人民政府", "云河镇人民政府", "沙岭乡")
        for table in ("disclosure", "requests", "disputes")
    } - {("云河镇人民政府", "requests")}


def test_names_are_short_stable_and_told_apart() -> None:
    names = [column.name for column in (*wide_columns(panel=True), *LONG)]
    values = [column.name for column in value_columns()]
    assert len(set(values)) == len(values) == 251
    assert max(map(len, names)) <= LONGEST
    assert all(name.isidentifier() and name.islower() for name in names)
    # What users' programs name: never changes.
    assert {short_name(path) for path in (
        "disclosure.fees.amount", "disclosure.regulations.in_force", "requests.new_received.total",
        "requests.denied.third_party_rights.natural_person", "requests.other.all.total", "reconsideration.upheld",
        "litigation_after_reconsideration.pending",
    )} == {
        "t2_fees_amou", "t2_regu_in_forc", "t3_new_rece_tota", "t3_deni_thir_part_righ_natu_pers", "t3_othe_all_tota",
        "t4_reco_uphe", "t4_liti_afte_reco_pend",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "told"), [("parquet", ["t3_gran_tota"]), ("dta", ["t3_gran_tota"]), ("csv", []), ("jsonl", [])]
)
def test_a_number_that_a_format_cannot_hold_is_empty_and_told(tmp_path: Path, kind: str, told: list[str]) -> None:
    huge = ln.line(**{"requests.granted.total": 2**63, "disclosure.fees.amount": "0.1234567"})
    huge["verdicts"]["requests"] = huge["verdict"] = "inconsistent"
    source = ln.written(tmp_path / "huge.json", huge)
    target = tmp_path / f"a.{kind}"
    code, _, err = ln.run("export", source, "-o", target)
    assert code == 0
    assert [name for name in ("t3_gran_tota", "t2_fees_amou") if name in err] == told
    row = READERS[kind](target)[0]
    assert number(row["t3_gran_tota"]) == (None if told else 2**63)
    assert row["t2_fees_exact"] == "0.1234567"


def test_a_data_dictionary_goes_with_every_file(source: Path) -> None:
    names = [column.name for column in wide_columns()]
    for kind in ("csv", "parquet", "dta"):
        exported(source, f"d.{kind}")
    with source.with_name("d.dictionary.csv").open(encoding="utf-8") as stream:
        entries = list(csv.DictReader(stream))
    assert [entry["name"] for entry in entries] == names
    by_name = {entry["name"]: entry for entry in entries}
    granted = by_name["t3_gran_natu_pers"]
    assert (granted["path"], granted["row"], granted["column"]) == (
        "requests.granted.natural_person", "（一）予以公开", "自然人",
    )  # fmt: skip
    assert "reconciled=勾稽相符" in by_name["v_requests"]["values"]
    schema = pyarrow.parquet.read_schema(source.with_name("d.parquet"))
    assert schema.field("t3_gran_natu_pers").metadata[b"label"].decode() == "（一）予以公开 · 自然人"
    _, meta = pyreadstat.read_dta(str(source.with_name("d.dta")))
    assert meta.column_names_to_labels["t3_gran_natu_pers"] == "（一）予以公开 · 自然人"
    assert meta.variable_value_labels["v_requests"][4] == "needs_review 需人工核对"
    exported(source, "d.duckdb")
    with duckdb.connect(str(source.with_name("d.duckdb")), read_only=True) as connection:
        assert connection.execute("select label from dictionary where name = 't3_gran_natu_pers'").fetchone() == (
            "（一）予以公开 · 自然人",
        )  # fmt: skip
        comment = connection.execute(
            "select comment from duckdb_columns() where column_name = 't3_gran_natu_pers'"
        ).fetchone()
        assert comment is not None
        assert "自然人" in comment[0]
        kinds = connection.execute("select typeof(t2_fees_amou), typeof(t3_gran_tota) from reports limit 1").fetchone()
        assert kinds == ("DECIMAL(38,10)", "BIGINT")
    exported(source, "d.jsonl")
    assert [e["name"] for e in json.loads(source.with_name("d.dictionary.json").read_text(encoding="utf-8"))] == names


FORMULAS = ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", "\t=1", "＝1+1"]


def test_no_text_becomes_a_formula(tmp_path: Path) -> None:
    harmless = ["-", "+19", "-16", "—", "'quoted'", "青禾县"]
    lines = [ln.line(body=text, source=f"{number}.txt") for number, text in enumerate([*FORMULAS, *harmless])]
    source = ln.written(tmp_path / "a.jsonl", *lines)
    for name in ("a.csv", "b.csv"):
        path = exported(source, name, *(["--excel"] if name == "b.csv" else []))
        assert path.read_bytes().startswith(b"\xef\xbb\xbf") == (name == "b.csv")
        assert [row["organization"] for row in of_csv(path)] == [*(f"'{text}" for text in FORMULAS), *harmless]
    assert [row["organization"] for row in of_jsonl(exported(source, "a.jsonl2", "--format", "jsonl"))] == [
        *FORMULAS, *harmless,
    ]  # fmt: skip
    for shape in ("wide", "long"):
        book = openpyxl.load_workbook(exported(source, f"{shape}.xlsx", "--shape", shape))
        cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
        assert {cell.data_type for cell in cells} == {"s", "n"}
        assert set(FORMULAS) <= {cell.value for cell in cells}
