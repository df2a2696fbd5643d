"""`gouji endpoint check` against scripted endpoints on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from endpoint import BLANK, CLOSED, HANG, NO_KEY, RATE_LIMITED, Reply, Request, Server, completion, error, ok, page
from typer.testing import CliRunner

from extractor.cli.endpoint import endpoint_app
from extractor.llm.probe import RUNGS, Report, probe
from extractor.llm.profiles import Endpoint, parse_spec, profiles

KEY = "sk-secret-0123456789"
Chat = Callable[[dict[str, Any]], Reply]


def endpoint(chat: Chat | Reply, offered: Reply | None = None) -> Server:
    """An endpoint; `offered` answers GET /models."""

    def script(request: Request, number: int) -> Reply:
        if request.path.endswith("/models"):
            return offered or error(404, "Not Found")
        return chat if isinstance(chat, Reply) else chat(request.body)

    return Server(script)


def models(*names: str) -> Reply:
    return Reply(body=json.dumps({"object": "list", "data": [{"id": name, "object": "model"} for name in names]}))


def rung_of(body: dict[str, Any]) -> str:
    if "tools" in body:
        return "tools"
    form = body.get("response_format", {})
    if form.get("type") == "json_schema":
        return "json_schema_strict" if form["json_schema"].get("strict") else "json_schema"
    return form.get("type", "prompt")


def wanted(body: dict[str, Any]) -> int:
    """What a willing model says: what it is asked for, allowed or not."""
    return 5197 if "5197" in body["messages"][0]["content"] else 7352


def good(body: dict[str, Any]) -> Reply:
    """Everything works, and schemas are enforced."""
    rung, number = rung_of(body), wanted(body)
    if number == 5197 and rung != "json_object":
        number = 6041
    if rung == "tools":
        return completion(None, tool=json.dumps({"figure": number}), finish="tool_calls")
    return ok({"figure": number}) if rung != "prompt" else completion('```json\n{"figure": 7352}\n```')


def look(server: Server, *, profile: str = "generic", key: str = KEY, model: str = "m") -> Report:
    target = Endpoint(model, server.url, profiles()[profile], key)
    return asyncio.run(probe(target, timeout=2.0))


def states(report: Report) -> dict[str, str]:
    return {rung.rung: rung.state for rung in report.rungs}


def test_a_full_endpoint_is_said_to_be_one() -> None:
    with endpoint(good, models("m", "n")) as server:
        report = look(server)
    assert states(report) == dict.fromkeys(RUNGS, "works")
    assert [rung.enforced for rung in report.rungs] == [True, True, True, None, None]
    assert (report.reachable, report.key_accepted, report.model_known, report.models_offered) == (True, True, True, 2)
    assert (report.uses, report.ok, report.price) == ("json_schema_strict", True, "unpriced")
    assert report.latency is not None
    assert server.calls == 1 + 5 + 3
    words = "\n".join(report.lines())
    assert "only allowed numbers can be answered" in words
    assert KEY not in words + json.dumps(report.as_dict())


def test_the_profile_decides_which_of_the_working_forms_is_used() -> None:
    with endpoint(good) as server:
        assert look(server, profile="deepseek").uses == "tools"
        assert look(server, profile="local").uses == "json_schema"


def test_a_schema_that_is_taken_and_ignored_is_found_out() -> None:
    def chat(body: dict[str, Any]) -> Reply:
        if rung_of(body) in ("json_object", "prompt"):
            return ok({"figure": 7352})
        return completion("中间的数是 7352。")

    with endpoint(chat) as server:
        report = look(server)
    assert states(report) == {
        "json_schema_strict": "ignored", "json_schema": "ignored", "tools": "ignored",
        "json_object": "works", "prompt": "works",
    }  # fmt: skip
    assert report.uses == "json_object"


def test_a_schema_that_is_followed_but_not_enforced_is_said_to_be_that() -> None:
    def chat(body: dict[str, Any]) -> Reply:
        if rung_of(body) == "tools":
            return completion(None, tool=json.dumps({"figure": wanted(body)}))
        return ok({"figure": wanted(body)})

    with endpoint(chat) as server:
        report = look(server)
    assert [rung.enforced for rung in report.rungs] == [False, False, False, None, None]
    assert "NOT enforced" in "\n".join(report.lines())


def test_refused_forms_are_not_offered_and_the_next_is_used() -> None:
    def chat(body: dict[str, Any]) -> Reply:
        if rung_of(body).startswith("json_schema"):
            return error(400, "response_format type json_schema is unavailable now")
        if rung_of(body) == "tools":
            return completion(None)  # llama.cpp: 200 with null tool_calls
        return BLANK if rung_of(body) == "json_object" else completion('{"figure": 7352}')

    with endpoint(chat) as server:
        report = look(server)
    assert list(states(report).values()) == ["refused", "refused", "ignored", "blank", "works"]
    assert report.uses == "prompt"


def test_a_parameter_that_is_refused_is_left_out_and_said() -> None:
    def chat(body: dict[str, Any]) -> Reply:
        if "temperature" in body:
            return error(400, "Unsupported value: 'temperature' does not support 0", param="temperature")
        return good(body)

    with endpoint(chat) as server:
        report = look(server)
    assert report.left_out == ["temperature"]
    assert report.ok
    assert server.calls == 1 + 1 + 8


def test_what_a_profile_leaves_out_is_never_sent() -> None:
    seen: list[dict[str, Any]] = []

    def chat(body: dict[str, Any]) -> Reply:
        seen.append(body)
        return good(body)

    with endpoint(chat) as server:
        assert look(server, profile="zhipu").ok
    assert all("temperature" not in body and "tool_choice" not in body for body in seen)
    assert all(body["thinking"] == {"type": "disabled"} for body in seen)


@pytest.mark.parametrize(
    ("chat", "offered", "words", "calls"),
    [
        (NO_KEY, NO_KEY, "does not accept the key", 1),
        (NO_KEY, models("m"), "does not accept the key", 2),
        (page(), page(), "web page", 2),
        (page(502), page(502), "fails", None),
        (error(404, "The model `m` does not exist", code="model_not_found"), models("mm", "x"), "does not know", 2),
        (RATE_LIMITED, None, "limits the rate", 2),
        (CLOSED, CLOSED, "broke off", 1),
        (HANG, HANG, "within 2 seconds", 1),
        (Reply(body="[]"), Reply(body="[]"), "No way of asking", None),
        (Reply(body="{"), Reply(body="{"), "No way of asking", None),
        (Reply(body="{}"), Reply(body="{}"), "No way of asking", None),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence(
    chat: Reply, offered: Reply | None, words: str, calls: int | None
) -> None:
    with endpoint(chat, offered) as server:
        report = look(server)
    assert not report.ok
    assert words in report.problem + " ".join(rung.detail for rung in report.rungs)
    shown = "\n".join(report.lines()) + json.dumps(report.as_dict())
    assert KEY not in shown
    assert calls is None or server.calls == calls


def test_near_names_are_listed_for_an_unknown_model() -> None:
    with endpoint(error(404, "model not found"), models("qwen-plus", "qwen-max", "glm")) as server:
        report = look(server, model="qwen-pluss")
    assert report.model_known is False
    assert report.near_names[0] == "qwen-plus"
    assert "qwen-plus" in report.hint


def test_an_endpoint_that_maps_unknown_names_still_works() -> None:
    with endpoint(good, models("other")) as server:
        report = look(server)
    assert report.ok
    assert report.model_known is False


def test_a_proxy_of_the_environment_does_not_stand_before_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with endpoint(good) as server:
        assert look(server).ok


def test_openais_own_organisation_is_sent_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-mine")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-mine")
    with endpoint(good) as server:
        assert look(server).ok
    assert "of-mine" not in str([request.headers for request in server.requests])


# ------------------------------------------------------------------------------------------------ the command


def gouji(*args: str, **env: str) -> Any:
    return CliRunner().invoke(endpoint_app, ["check", *args], env=env, catch_exceptions=True)


def test_the_command_prints_words_or_one_object() -> None:
    with endpoint(good) as server:
        shown = gouji(f"m@{server.url}", GOUJI_API_KEY=KEY)
        printed = gouji(f"m@{server.url}", "--json", GOUJI_API_KEY=KEY)
    assert shown.exit_code == printed.exit_code == 0
    assert "gouji will use" in shown.stdout
    (line,) = printed.stdout.splitlines()
    assert json.loads(line)["uses"] == "json_schema_strict"
    assert KEY not in shown.output + printed.output


def test_exit_codes() -> None:
    with endpoint(NO_KEY) as server:
        assert gouji(f"m@{server.url}").exit_code == 4
    refused = gouji("no-such-profile")
    assert getattr(refused.exception, "exit_code", None) == 2
    missing = gouji("local:/nowhere/m.gguf")
    assert getattr(missing.exception, "exit_code", None) == 4


def test_a_password_in_the_address_is_not_printed() -> None:
    with endpoint(NO_KEY) as server:
        address = server.url.replace("//", "//user:geheim@")
        target = replace(parse_spec(f"m@{address}", {}), key="")
        report = asyncio.run(probe(target, timeout=2.0))
    assert "geheim" not in "\n".join(report.lines()) + json.dumps(report.as_dict())
