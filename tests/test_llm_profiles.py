"""Endpoint profiles and `--model SPEC`; schemas in the dialects of endpoints."""

from __future__ import annotations

import pickle
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from extractor.errors import UsageError
from extractor.llm.errors import fault_of_status
from extractor.llm.profiles import Endpoint, parse_spec, profiles
from extractor.llm.schema import find_object, plain_schema, strict_schema

KEYS = {"GOUJI_API_KEY": "ours-123", "OPENAI_API_KEY": "theirs-123", "DEEPSEEK_API_KEY": "deep-123"}


def test_every_profile_is_whole() -> None:
    known = profiles()
    assert set(known) == {
        "openai", "deepseek", "dashscope", "zhipu", "moonshot", "ollama", "vllm", "llamacpp", "generic", "local",
    }  # fmt: skip
    for name, profile in known.items():
        assert profile.ladder[-1] == "prompt"
        assert len(set(profile.ladder)) == len(profile.ladder)
        assert profile.key_env[0] == "GOUJI_API_KEY"
        assert profile.slots >= 1
        assert profile.rows_per_question == (1 if name in ("local", "llamacpp") else 25)
        for price in profile.prices.values():
            assert price.prompt > 0
            assert len(price.date) == 10


@pytest.mark.parametrize(
    ("spec", "profile", "model", "url"),
    [
        ("openai", "openai", "gpt-4.1-mini", "https://api.openai.com/v1"),
        ("gpt-5@https://api.openai.com/v1", "openai", "gpt-5", "https://api.openai.com/v1"),
        ("qwen-max@https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "dashscope", "qwen-max", None),
        ("a/b:c@d@http://10.0.0.1:9/x", "generic", "a/b:c@d", "http://10.0.0.1:9/x"),
        ("m@http://localhost:11434/v1", "ollama", "m", None),
        ("m@http://127.0.0.1:8080", "llamacpp", "m", "http://127.0.0.1:8080"),
        ("m@http://[::1]:11434/v1", "ollama", "m", None),
        ("m@http://u:p@h/v1@http://x", "generic", "m", "http://u:p@h/v1@http://x"),
    ],
)
def test_specifications(spec: str, profile: str, model: str, url: str | None) -> None:
    endpoint = parse_spec(spec, KEYS)
    assert (endpoint.profile.name, endpoint.model, endpoint.kind) == (profile, model, "remote")
    assert url is None or endpoint.base_url == url
    assert endpoint.key == "ours-123"


def test_keys() -> None:
    assert parse_spec("openai", {"OPENAI_API_KEY": " theirs-123\n"}).key == "theirs-123"
    assert parse_spec("m@http://127.0.0.1:1/v1", {"OPENAI_API_KEY": "theirs-123"}).key == ""
    endpoint = parse_spec("deepseek", {"DEEPSEEK_API_KEY": "deep-123"})
    assert "deep-123" not in repr(endpoint) + str(endpoint)
    assert endpoint.scrub("key deep-123, sk-abcdef1234") == "key ***, ***"


def test_local() -> None:
    assert parse_spec("local", {}).kind == "local"
    endpoint = parse_spec("local:/m/qwen.gguf", {})
    assert (endpoint.path, endpoint.model, endpoint.base_url) == (Path("/m/qwen.gguf"), "qwen", "")
    assert endpoint.cost(1000, 1000) == 0


@pytest.mark.parametrize(
    ("spec", "code", "words"),
    [
        ("openia", "unknown_profile", "openai"),
        ("DeepSeek", "unknown_profile", "deepseek"),
        ("xyz", "unknown_profile", "MODEL@BASE_URL"),
        ("", "malformed_spec", ""),
        ("generic", "malformed_spec", "address"),
        ("@http://x/v1", "malformed_spec", "no model"),
        ("http://x/v1", "malformed_spec", "no model"),
        ("m@x/v1", "malformed_spec", "address"),
        ("m@http://", "malformed_spec", "host"),
        ("m@http://x:99999999/v1", "malformed_spec", ""),
        ("m@http://a b/v1", "malformed_spec", ""),
        ("local:", "malformed_spec", "file"),
        ("vllm", "no_model", "MODEL@"),
        ("zhipu", "no_key", "ZHIPUAI_API_KEY"),
    ],
)
def test_specifications_that_cannot_be_used(spec: str, code: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_spec(spec, {})
    assert caught.value.code == code
    assert words in str(caught.value)
    assert caught.value.hint
    assert pickle.loads(pickle.dumps(caught.value)).code == code


def test_secrets_do_not_come_back_in_messages() -> None:
    for spec in ("http://user:secret-word@h/v1", "sk-abcdefghijkl", "http://h/v1?key=secret-word"):
        with pytest.raises(UsageError) as caught:
            parse_spec(spec, {})
        assert "secret-word" not in str(caught.value)
        assert "abcdefghijkl" not in str(caught.value)
    for bad in ("密钥", "two words", "a\nb"):
        with pytest.raises(UsageError) as caught:
            parse_spec("openai", {"OPENAI_API_KEY": bad})
        assert caught.value.code == "bad_key"
        assert bad not in str(caught.value)
    assert parse_spec("m@http://user:pass@h/v1?k=v", {}).shown_url == "http://h/v1"


def test_prices() -> None:
    assert parse_spec("gpt-4o-mini@https://api.openai.com/v1", KEYS).cost(1_000_000, 2_000_000) == Decimal("1.35")
    assert parse_spec("qwen-plus@https://dashscope.aliyuncs.com/compatible-mode/v1", KEYS).cost(1, 1) is None
    assert parse_spec("ollama", {}).cost(10, 10) == 0


def test_the_hint_at_a_missing_v1() -> None:
    endpoint = Endpoint("m", "http://h:1", profiles()["generic"])
    assert "http://h:1/v1" in fault_of_status(404, "Not Found", {}, endpoint).error.hint
    with_version = Endpoint("m", "http://h:1/v1", profiles()["generic"])
    assert "/v1" not in fault_of_status(404, "Not Found", {}, with_version).error.hint


class Item(BaseModel):
    title: str
    note: str | None = None


class Nested(BaseModel):
    """What is asked."""

    items: list[Item]
    one: Item
    pair: tuple[Literal[1, 2], Literal[1, 2]]
    mixed: tuple[Literal[1], str] = (1, "a")


def _nodes(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [found for item in node for found in _nodes(item)]
    if not isinstance(node, dict):
        return []
    return [node, *(found for item in node.values() for found in _nodes(item))]


def test_strict_schemas_keep_to_the_subset() -> None:
    plain = plain_schema(Nested)
    assert plain["$defs"]["Item"]["properties"]["title"] == {"type": "string"}
    assert "title" not in plain
    strict = strict_schema(plain)
    for node in _nodes(strict):
        assert not {"prefixItems", "default", "oneOf", "allOf"} & set(node)
        assert not ("$ref" in node and len(node) > 1)
        if "properties" in node and node.get("type") == "object":
            assert node["additionalProperties"] is False
            assert node["required"] == list(node["properties"])
    assert strict["properties"]["pair"] == {
        "type": "array", "items": {"type": "integer", "enum": [1, 2]}, "minItems": 2, "maxItems": 2,
    }  # fmt: skip
    assert "prefixItems" in plain["properties"]["pair"]  # left as it was


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"n": 7}', '{"n": 7}'),
        ('```json\n{"n": 7}\n```', '{"n": 7}'),
        ('例如 {"n": 1}，所以 {"n": {"m": 2}}。', '{"n": {"m": 2}}'),
        ('<think>{"n": 1}</think>\n{"n": 7}', '{"n": 7}'),
        ('{ 不是 JSON } 然后 {"n": 7}', '{"n": 7}'),
        ("没有", "没有"),
        ("{" * 100_000, "{" * 100_000),
        ("", ""),
    ],
)
def test_the_object_in_an_answer(text: str, found: str) -> None:
    assert find_object(text) == found


def test_deep_nesting_ends() -> None:
    deep = '{"a":' * 100_000 + "1" + "}" * 100_000
    assert isinstance(find_object(deep), str)
