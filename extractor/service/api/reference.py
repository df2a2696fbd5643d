"""`/docs`: the API as a page, made of the OpenAPI document; no script, nothing from another host."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup, escape

from extractor.service.api.described import COMMON
from extractor.service.api.problems import KINDS

router = APIRouter(include_in_schema=False)
_METHODS = ("get", "post", "put", "delete")
_LONGEST = 6000  # characters of an example on the page; the document has all of it


@dataclass(frozen=True, slots=True)
class Shape:
    """A body's or an answer's schema in words, with an example."""

    title: str
    about: str
    schema: str
    rows: list[tuple[str, str, str]]
    example: str


@router.get("/docs")
def page(request: Request) -> HTMLResponse:
    """The reference page."""
    return HTMLResponse(_page(request.app))


@router.get("/docs/reference.css")
def style() -> Response:
    """Its style."""
    return Response(_file("reference.css"), media_type="text/css; charset=utf-8")


@lru_cache(maxsize=4)
def _file(name: str) -> str:
    return (files("extractor.service.api") / name).read_text(encoding="utf-8")


def _page(app: Any) -> str:
    held: str | None = getattr(app.state, "reference", None)
    if held is None:
        held = app.state.reference = render(app.openapi())
    return held


def render(document: dict[str, Any]) -> str:
    """The page of an OpenAPI document."""
    environment = Environment(
        loader=PackageLoader("extractor.service.api", "."), autoescape=select_autoescape(["j2", "html"], default=True)
    )
    environment.filters["words"] = _words
    environment.trim_blocks = environment.lstrip_blocks = True
    operations = list(_operations(document))
    tags = [(tag, [one for one in operations if one["tag"] == tag["name"]]) for tag in document.get("tags", [])]
    known = {tag["name"] for tag in document.get("tags", [])}
    rest = [one for one in operations if one["tag"] not in known]
    schemas = [
        (name, schema.get("description", ""), list(_rows(schema, document)))
        for name, schema in sorted(document["components"]["schemas"].items())
        if not name.startswith(("Disclosure", "Requests"))
    ]
    return environment.get_template("reference.html.j2").render(
        document=document, tags=tags, rest=rest, schemas=schemas, kinds=KINDS, common=COMMON
    )


def _words(text: str) -> Markup:
    """Plain text with what stands between backticks as code; nothing in it is taken for markup."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            operation = item.get(method)
            if operation is not None:
                yield {
                    "id": f"{method}{path}".replace("/", "-").replace("{", "").replace("}", ""),
                    "method": method.upper(),
                    "path": path,
                    "tag": (operation.get("tags") or [""])[0],
                    "summary": operation.get("summary", ""),
                    "description": operation.get("description", "").split("\n\n"),
                    "parameters": [
                        (one["name"], one["in"], _kind(one["schema"]), one.get("description", ""))
                        for one in operation.get("parameters", [])
                    ],
                    "note": operation.get("requestBody", {}).get("description", ""),
                    "bodies": list(_shapes(operation.get("requestBody", {}).get("content", {}), document)),
                    "answers": [
                        (status, answer["description"], list(_shapes(answer.get("content", {}), document)))
                        for status, answer in sorted(operation["responses"].items())
                        if status.startswith("2")
                    ],
                    "problems": _problems(operation),
                }


def _problems(operation: dict[str, Any]) -> list[tuple[str, str]]:
    """(status, code) of what is not common to all."""
    found = []
    for status, answer in sorted(operation["responses"].items()):
        for content in answer.get("content", {}).values():
            found += [(status, code) for code in content.get("examples", {}) if code in KINDS and code not in COMMON]
    return found


def _shapes(content: dict[str, Any], document: dict[str, Any]) -> Iterator[Shape]:
    for kind, part in content.items():
        schema = part.get("schema", {})
        cases = [case["value"] for case in part.get("examples", {}).values()] or [part.get("example")]
        example = "" if cases[0] is None else _shown(cases[0])
        yield Shape(
            kind,
            schema.get("description", ""),
            _name(schema),
            list(_rows(_resolved(schema, document), document)),
            example,
        )


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=1)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "\n… (all of it: /openapi.json)"


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    name = _name(schema)
    found: dict[str, Any] = document["components"]["schemas"].get(name, schema) if name else schema
    return found


def _name(schema: dict[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _rows(schema: dict[str, Any], document: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    required = schema.get("required", ())
    for name, part in schema.get("properties", {}).items():
        yield name + ("" if name in required else " ?"), _kind(part), part.get("description", "")


def _kind(schema: dict[str, Any]) -> str:
    """A schema in a few words."""
    if name := _name(schema):
        return name
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(_kind(part) for part in schema[key]))
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    kind = str(schema.get("type", "anything"))
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_kind(schema['additionalProperties'])}"
    return kind
