"""The OpenAPI document: FastAPI's, with the contract's own schemas, bodies, keys and examples."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema

from extractor.export.schema import line_schema
from extractor.service.api import examples
from extractor.service.api.described import BODIES, SCHEMAS, problems
from extractor.service.api.problems import ProblemDocument
from extractor.service.database.extractions import version

ABOUT = """
Chinese 政府信息公开工作年度报告 in, proved records out. Send a document, take the result: every number with
the characters it was read from, every table with its verdict. A table that is `verified`, `reconciled` or
`inconsistent` holds no wrong number; what cannot be proved is `needs_review`.

Errors are RFC 9457 problem documents with a stable `code` and a `hint`. Answers may get further keys in later versions.
"""
TAGS = [
    {"name": "extractions", "description": "Documents in, results out."},
    {"name": "batches", "description": "Many documents at once."},
    {"name": "deliveries", "description": "What became of webhooks."},
    {"name": "check", "description": "The validator alone; rules and schemas."},
    {"name": "review", "description": "What is in doubt, and what persons decided on it."},
    {"name": "administration", "description": "Whether it runs, what it did, who did it."},
]
_METHODS = ("get", "put", "post", "delete", "patch", "head")


def install(app: FastAPI) -> None:
    """Makes `app.openapi` give the whole document; it is made once, when it is first asked for."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def operation_id(route: APIRoute) -> str:
    """`extractions_submit`: what generated clients call a route."""
    return "_".join([*map(str, route.tags[:1]), route.name])


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the app."""
    made = get_openapi(
        title="gouji",
        version=version(),
        openapi_version="3.1.0",
        description=ABOUT.strip(),
        routes=app.routes,
        tags=TAGS,
    )
    components = made.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    _add_models(schemas)
    _add_line(schemas)
    keys = app.state.service.settings.auth == "keys"
    if keys:
        components["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer", "description": "A key made by `gouji keys add`."},
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key."},
        }
    _finish_operations(made, keys)
    return made


def _add_models(schemas: dict[str, Any]) -> None:
    models = [(model, "validation") for model in (*BODIES, ProblemDocument)]
    _, made = models_json_schema(models, ref_template=SCHEMAS + "{model}")  # type: ignore[arg-type]
    schemas.update(made["$defs"])


def _add_line(schemas: dict[str, Any]) -> None:
    """The contract's line, as `gouji schema` prints it, in the places where results stand."""
    line = _moved(line_schema())
    schemas.update(line.pop("$defs"))
    schemas["Line"] = {key: value for key, value in line.items() if not key.startswith("$")}
    reference = {"$ref": f"{SCHEMAS}Line"}
    schemas["ExtractionResult"]["properties"]["results"]["items"] = reference
    if "Checked" in schemas:
        schemas["Checked"]["properties"]["findings"]["items"] = {"$ref": f"{SCHEMAS}FindingModel"}


def _moved(part: Any) -> Any:
    """A schema whose references point into the document's components."""
    if isinstance(part, dict):
        return {
            key: value.replace("#/$defs/", SCHEMAS)
            if key == "$ref"
            else _mapping(value)
            if key == "mapping"
            else _moved(value)
            for key, value in part.items()
        }
    return [_moved(item) for item in part] if isinstance(part, list) else part


def _mapping(mapping: dict[str, str]) -> dict[str, str]:
    return {name: target.replace("#/$defs/", SCHEMAS) for name, target in mapping.items()}


def _add_common(operation: dict[str, Any]) -> None:
    """The problems that any request may have, also where a route does not name them."""
    answers = operation["responses"]
    if "HTTPValidationError" in str(answers.get("422")):
        del answers["422"]
    for status, answer in problems().items():
        answers.setdefault(str(status), answer)


# Where the ids in an answer lead: (path, method, status) → name of the link → the operation, its parameter, the id.
_LINKS = {
    ("/v1/extractions", "post", "202"): {
        "status": ("extractions_status", "extraction", "$response.body#/id"),
        "result": ("extractions_result", "extraction", "$response.body#/id"),
        "text": ("extractions_text", "extraction", "$response.body#/id"),
        "document": ("extractions_document", "extraction", "$response.body#/id"),
        "delete": ("extractions_delete", "extraction", "$response.body#/id"),
    },
    ("/v1/batches", "post", "202"): {
        "status": ("batches_status", "batch", "$response.body#/id"),
        "results": ("batches_results", "batch", "$response.body#/id"),
    },
}


def _finish_operations(made: dict[str, Any], keys: bool) -> None:
    cases = examples.responses()
    for path, item in made["paths"].items():
        for method in _METHODS:
            operation = item.get(method)
            if operation is None:
                continue
            if path.startswith("/v1/"):
                _add_common(operation)
                if keys:
                    operation["security"] = [{"bearer": []}, {"key": []}]
            for status, response in operation["responses"].items():
                told = cases.get((path, method, int(status))) if status.isdecimal() else None
                if told is not None:
                    response["content"]["application/json"]["example"] = told
                for name, (target, parameter, value) in _LINKS.get((path, method, status), {}).items():
                    link = {"operationId": target, "parameters": {parameter: value}}
                    response.setdefault("links", {})[name] = link
