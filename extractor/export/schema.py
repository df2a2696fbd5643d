"""The JSON Schema (2020-12) of a record and of a line of `gouji extract --json`, made from the models and the form."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from extractor.form import FORM, GROUPS, REQUEST_ROWS, group_all
from extractor.form.model import row_words
from extractor.record import either_record, line_model

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def line_schema() -> dict[str, Any]:
    """The schema of one line. Keys that it does not name are allowed: a later gouji may add some."""
    about = "One report, as `gouji extract --json` prints it."
    return _finished("line", "Line of gouji extract --json", about, TypeAdapter(line_model()))


def record_schema() -> dict[str, Any]:
    """The schema of a record, of either version of the form."""
    about = "The numbers of one 政府信息公开工作年度报告; null where there is no value."
    return _finished("record", "Record", about, TypeAdapter(either_record()))


def _finished(name: str, title: str, about: str, adapter: TypeAdapter[Any]) -> dict[str, Any]:
    made = adapter.json_schema(by_alias=True, mode="serialization")
    head = {"$schema": _DIALECT, "$id": f"urn:gouji:schema:{name}", "title": title, "description": about}
    schema: dict[str, Any] = head | {key: value for key, value in made.items() if key not in head}
    labels = _labels()
    for key, part in (("", schema), *schema["$defs"].items()):
        for field, described in part.get("properties", {}).items():
            described.pop("title", None)  # pydantic's: the key once more
            if label := labels.get(key, {}).get(field):
                described["description"] = label
        # Rows of a group are there only where they are printed.
        if "required" in part:
            part["required"] = [field for field in part["required"] if not field.endswith(".all")]
    return schema


def _labels() -> dict[str, dict[str, str]]:
    """The form's own words by model and key."""
    blocks = {block.key: block.label for block in FORM.blocks}
    tables = {"disclosure": "表二", "requests": "表三", "disputes": "表四"}
    labels = {
        "ApplicantCounts": {column.key: column.label for column in FORM.columns},
        "OutcomeCounts": {column.key: column.label for column in FORM.dispute_columns},
        "Requests": {key: row_words(FORM, key) for key in (*REQUEST_ROWS, *map(group_all, GROUPS))},
        "TableVerdicts": tables,
    }
    for version in FORM.versions:
        labels[f"Record{version}"] = blocks | tables
        rows = FORM.disclosure_rows(version)
        labels[f"Disclosure{version}"] = {row.key: row.label.label for row in rows}
        for row in rows:
            fields = {name: FORM.field_words(row.key, name) for name in row.fields[version]}
            labels[f"Disclosure{version.replace('2021', '')}_{row.key}"] = fields | {"unit": "单位"}
    return labels
