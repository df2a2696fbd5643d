"""The schema of an answer in the dialects of endpoints, and the JSON object in what a model wrote."""

from __future__ import annotations

import json
import re
from typing import Any
from weakref import WeakKeyDictionary

from pydantic import BaseModel

# How many opening braces are tried, and how many characters looked at, in an answer that is not JSON alone.
_TRIES = 50
_LONGEST = 1_000_000


_SCHEMAS: WeakKeyDictionary[type[BaseModel], dict[str, Any]] = WeakKeyDictionary()


def plain_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a model without titles, which cost tokens and say nothing. Not to be changed: it is kept as
    long as the model."""
    schema = _SCHEMAS.get(model)
    if schema is None:
        schema = _SCHEMAS[model] = _without_titles(model.model_json_schema())
    return schema


def strict_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """The same in the subset that OpenAI's strict mode takes: every property required, none besides, no defaults,
    no tuples (an array of the union, as long as the tuple), references without siblings."""
    result: dict[str, Any] = _strict(schema, schema.get("$defs", {}))
    return result


def schema_hint(schema: dict[str, Any]) -> str:
    """What a model is told where the endpoint enforces no schema."""
    text = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    return f"只输出一个 JSON 对象，不要解释，不要代码块。它必须符合这个 JSON Schema：\n{text}"


def find_object(text: str) -> str:
    """The last whole JSON object at the top of a text (thinking, code fences and prose around it are left out); the
    text as it stands where there is none."""
    text = re.sub(r"\A\s*<think>.*?</think>", "", text[:_LONGEST], flags=re.DOTALL).strip()
    if text.startswith("{") and text.endswith("}") and _decodes(text):
        return text
    decoder = json.JSONDecoder()
    found, place = "", 0
    for _ in range(_TRIES):
        place = text.find("{", place)
        if place < 0:
            break
        try:
            _, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            place += 1
            continue
        found, place = text[place:end], end
    return found or text


def _decodes(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _without_titles(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_titles(item) for item in node]
    if not isinstance(node, dict):
        return node
    # A property may be called "title": only a string there is the keyword.
    kept = {key: value for key, value in node.items() if not (key == "title" and isinstance(value, str))}
    return {
        key: value if key in ("enum", "const", "default", "examples") else _without_titles(value)
        for key, value in kept.items()
    }


def _strict(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_strict(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node and len(node) > 1:
        target = definitions.get(str(node["$ref"]).rpartition("/")[2], {})
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    if len(node.get("allOf", ())) == 1:
        node = {**node["allOf"][0], **{key: value for key, value in node.items() if key != "allOf"}}
    node = {key: value for key, value in node.items() if key not in ("default", "uniqueItems", "discriminator")}
    if "oneOf" in node:
        node["anyOf"] = node.pop("oneOf")
    if "prefixItems" in node:
        kinds: list[Any] = []
        for item in node.pop("prefixItems"):
            if item not in kinds:
                kinds.append(item)
        node["items"] = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    result: dict[str, Any] = {}
    for key, value in node.items():
        if key in ("properties", "$defs"):
            result[key] = {name: _strict(inner, definitions) for name, inner in value.items()}
        else:
            result[key] = value if key in ("enum", "const", "required") else _strict(value, definitions)
    if result.get("type") == "object" or "properties" in result:
        result["additionalProperties"] = False
        result["required"] = list(result.get("properties", {}))
    return result
