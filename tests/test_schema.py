"""The published JSON Schema says what really comes out."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import lines as ln
import pytest
from jsonschema import Draft202012Validator

from extractor import extract_file
from extractor.export.schema import line_schema, record_schema

ROOT = Path(__file__).parent.parent
Schema = dict[str, Any]


@lru_cache
def validator(which: str) -> Draft202012Validator:
    schema = {"line": line_schema, "record": record_schema}[which]()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("which", ["line", "record"])
def test_the_published_schema_is_current(which: str) -> None:
    made = {"line": line_schema, "record": record_schema}[which]()
    published = (ROOT / "docs" / "schema" / f"{which}.schema.json").read_text(encoding="utf-8")
    assert json.loads(published) == made, "run make docs"
    code, out, _ = ln.run("schema", f"--{which}")
    assert (code, out) == (0, published)
    assert ln.run("schema", "--line", "--record")[0] == 2


def unknown(value: Any, schema: Schema, root: Schema, at: str = "") -> list[str]:
    """Keys of a value that its schema does not name, where further ones would be let through."""
    if "$ref" in schema:
        return unknown(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, at)
    for either in ("anyOf", "oneOf"):
        if either in schema:
            fits = [
                one for one in schema[either] if Draft202012Validator({**one, "$defs": root["$defs"]}).is_valid(value)
            ]
            return unknown(value, fits[0], root, at)
    if isinstance(value, list) and "items" in schema:
        return [key for item in value for key in unknown(item, schema["items"], root, f"{at}[]")]
    if isinstance(value, dict) and "properties" in schema:
        named = schema["properties"]
        found = [f"{at}.{key}" for key in value if key not in named]
        return found + [
            k for key in value if key in named for k in unknown(value[key], named[key], root, f"{at}.{key}")
        ]
    return []


def test_every_line_of_the_fixtures_is_valid_and_wholly_described() -> None:
    number = 0
    for path in sorted((ROOT / "fixtures" / "reports").iterdir()):
        for result in extract_file(path):
            line = json.loads(json.dumps(result.to_json()))
            assert [error.message for error in validator("line").iter_errors(line)] == [], path.name
            if line["record"] is not None:
                validator("record").validate(line["record"])
            if number < 4:
                assert unknown({**line, "cells": line["cells"][:20]}, line_schema(), line_schema()) == []
            number += 1
    assert number >= 48


def without(path: str) -> Callable[[Any], None]:
    *above, last = path.split("/")

    def change(line: Any) -> None:
        for key in above:
            line = line[int(key) if key.isdigit() else key]
        del line[last]

    return change


def put(path: str, value: Any) -> Callable[[Any], None]:
    *above, last = path.split("/")

    def change(line: Any) -> None:
        for key in above:
            line = line[int(key) if key.isdigit() else key]
        line[last] = value

    return change


WRONG = {
    "a row is missing": without("record/requests/granted"),
    "a column is missing": without("record/requests/granted/total"),
    "a row of no form": put("record/requests/grantd", {}),
    "a count as text": put("record/requests/granted/total", "12"),
    "a fraction of a request": put("record/requests/granted/total", 1.5),
    "less than nothing": put("record/requests/granted/total", -1),
    "an amount as a number": put("record/disclosure/fees/amount", 1.5),
    "an amount with an exponent": put("record/disclosure/fees/amount", "1e3"),
    "an unknown form": put("record/form", "2030"),
    "an unknown verdict": put("verdicts/requests", "good"),
    "an unknown state": put("cells/0/state", "empty"),
    "half a span": put("cells/0/span", [1]),
    "no error key": without("error"),
    "a hash that is none": put("sha256", "abc"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_line_is_not_valid(name: str) -> None:
    line = copy.deepcopy(ln.line())
    assert validator("line").is_valid(line)
    WRONG[name](line)
    assert not validator("line").is_valid(line)


def test_rows_of_groups_may_be_there_and_a_later_key_too() -> None:
    line = ln.line() | {"later": 1}
    line["record"]["requests"]["other.all"] = dict(line["record"]["requests"]["granted"])
    assert validator("line").is_valid(line)
    assert "other.all" not in record_schema()["$defs"]["Requests"]["required"]
