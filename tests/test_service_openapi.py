"""The OpenAPI document, the reference page made of it, and a server that keeps to it whatever it is sent."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from extractor.export.schema import line_schema
from extractor.service.api import described, examples
from extractor.service.api.problems import KINDS
from tests.inside import Server, inside

# `make schemathesis` asks for more.
EXAMPLES = int(os.environ.get("GOUJI_SCHEMATHESIS_EXAMPLES", "3"))
PHASES = os.environ.get("GOUJI_SCHEMATHESIS_PHASES", "examples,fuzzing")
DOCS = Path(__file__).parents[1] / "docs" / "service.md"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with inside(tmp_path_factory.mktemp("service"), rate="1000000/minute", max_queue=100_000, max_wait=0.2) as running:
        yield running


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    return httpx.get(f"{server.url}/openapi.json").json()


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, one) for path, item in document["paths"].items() for method, one in item.items()]


def test_every_operation_is_told_whole(document: dict[str, Any]) -> None:
    found = operations(document)
    assert len(found) >= 16
    names = [one["operationId"] for _, _, one in found]
    assert len(set(names)) == len(names)
    links = {
        link["operationId"]
        for _, _, one in found for answer in one["responses"].values() for link in answer.get("links", {}).values()
    }  # fmt: skip
    assert links
    assert links <= set(names)
    mine = [entry for entry in found if entry[2]["tags"][0] in ("extractions", "batches", "check")]
    for path, method, one in mine:
        assert one["summary"], (path, method)
        assert one["description"], (path, method)
        assert "HTTPValidationError" not in json.dumps(one)
        if method == "post":
            for kind, content in one["requestBody"]["content"].items():
                assert content["schema"], (path, kind)
        for status, answer in one["responses"].items():
            assert answer["description"], (path, method, status)
            for case in answer.get("content", {}).get("application/problem+json", {}).get("examples", {}).values():
                assert case["value"]["status"] == int(status)


def test_every_problem_has_an_example_and_stands_in_the_docs() -> None:
    assert described.EXAMPLES.keys() == KINDS.keys()
    text = DOCS.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (\d{3}) \|", text, re.MULTILINE))
    assert rows == {code: str(kind.status) for code, kind in KINDS.items()}


def resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "components": document["components"]}


def test_every_example_is_of_its_schema(document: dict[str, Any]) -> None:
    checked = 0
    for path, method, one in operations(document):
        parts = [("request", one.get("requestBody", {}).get("content", {}))]
        parts += [(status, answer.get("content", {})) for status, answer in one["responses"].items()]
        for where, content in parts:
            for kind, part in content.items():
                cases = [case["value"] for case in part.get("examples", {}).values()]
                for case in [*cases, *([part["example"]] if "example" in part else [])]:
                    faults = jsonschema.Draft202012Validator(resolved(part["schema"], document)).iter_errors(case)
                    assert [fault.message[:300] for fault in faults] == [], (path, method, where, kind)
                    checked += 1
    assert checked > 60


def test_the_line_is_the_contracts_line(document: dict[str, Any]) -> None:
    line = document["components"]["schemas"]["Line"]
    assert line["properties"].keys() == line_schema()["properties"].keys()
    validator = jsonschema.Draft202012Validator(resolved({"$ref": "#/components/schemas/Line"}, document))
    assert validator.is_valid(examples.line())
    assert not validator.is_valid({**examples.line(), "verdict": "good"})
    assert document["components"]["schemas"]["ExtractionResult"]["properties"]["results"]["items"] == {
        "$ref": "#/components/schemas/Line"
    }


def test_keys_are_told_where_they_are_asked_for(document: dict[str, Any], tmp_path: Path) -> None:
    from extractor.service.api.app import make_app
    from extractor.service.settings import Settings

    assert "securitySchemes" not in document["components"]
    app = make_app(Settings(data=tmp_path, auth="keys"))
    try:
        told = app.openapi()
    finally:
        app.state.service.database.close()
    assert told["components"]["securitySchemes"].keys() == {"bearer", "key"}
    assert told["paths"]["/v1/extractions"]["post"]["security"] == [{"bearer": []}, {"key": []}]


def test_the_reference_page_tells_every_operation_and_needs_nothing_from_elsewhere(
    server: Server, document: dict[str, Any]
) -> None:
    page = httpx.get(f"{server.url}/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    text = page.text
    for path, method, one in operations(document):
        assert f'id="{method}{path}"'.replace("/", "-").replace("{", "").replace("}", "") in text
        assert one["summary"].replace("'", "&#39;") in text
    for code in KINDS:
        assert f'id="problem-{code}"' in text
    assert not re.search(r"<script|<style|style=|\son\w+=|(?:src|href)=\"(?!/|#)", text)
    fragments = set(re.findall(r'href="#([^"]+)"', text))
    assert fragments <= set(re.findall(r'id="([^"]+)"', text)), "links that lead nowhere"
    style = httpx.get(f"{server.url}/docs/reference.css")
    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert "url(" not in style.text
    assert "@import" not in style.text


# Keys are off here, and what a body's parts may hold together no schema can say (a model's name, a record's numbers).
LEFT_OUT = "ignored_auth,positive_data_acceptance"
OURS = r"^/"


def test_no_request_finds_a_fault_or_an_answer_that_is_not_told(server: Server) -> None:
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{server.url}/openapi.json"]
    command += ["--exclude-checks", LEFT_OUT, "--include-path-regex", OURS, "--max-examples", str(EXAMPLES)]
    command += ["--seed", "7", "--generation-deterministic", "--no-color", "--wait-for-schema", "10"]
    command += ["--phases", PHASES, "--suppress-health-check", "all"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600, cwd=server.service.settings.data)
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-2000:]
    tested = re.search(r"Tested: (\d+)", done.stdout)
    assert tested
    assert int(tested.group(1)) >= 16
