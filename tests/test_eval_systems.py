"""The systems that `gouji eval` compares: one shape for all, usage counted, and each as bad as it really is."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from endpoint import NO_KEY, Server, completion
from extractor.eval.naive import BY_TABLE, IN_PIECES, WAYS, WHOLE, answer_model, way_for
from extractor.eval.simulated.reader import Simulated
from extractor.eval.simulated.server import SimulatedServer
from extractor.eval.systems import NAMES, BudgetReached, System, system
from helpers import pipes, report, rows, table_of, tabs, truth

from extractor.errors import GoujiError, UsageError
from extractor.llm.errors import EndpointError
from extractor.llm.profiles import profiles
from extractor.llm.transport import Timing
from extractor.pipeline import extract_all
from extractor.record import validate_record
from extractor.results import TRUSTED

BODY = {"organization": "青禾县人民政府", "year": 2023}
CLEAN = report()
# Two columns of numbers, of which the reader leaves table 3 in doubt.
DOUBTFUL = report(requests=pipes({key: [str(i), str(100 + i), *row] for i, (key, row) in enumerate(rows().items(), 1)}))
STATES = {"reported", "blank", "not_applicable", "missing", "illegible", "ambiguous"}
METHODS = {"rule", "llm", "given", "human", "derived", None}
WITH_MODEL = [name for name in NAMES if name != "rule"]
Line = dict[str, Any]


@contextmanager
def simulated(*texts: str, faults: Any = None, **settings: Any) -> Iterator[SimulatedServer]:
    """The simulated model behind HTTP; it knows the truth of these texts."""
    shas = [str(extract_all(text)[0].sha256) for text in texts]
    model = Simulated({sha[:16]: {**truth(), **BODY} for sha in shas}, **settings)
    with SimulatedServer(model, faults=faults or {}) as server:
        for sha, text in zip(shas, texts, strict=True):
            server.register(sha, text)
        yield server


@contextmanager
def opened(name: str, spec: str | None, folder: Path, **limits: Any) -> Iterator[System]:
    made = system(name, spec, ledger=folder / f"{name}.sqlite", env={}, **limits)
    try:
        yield made
    finally:
        made.close()


def one(name: str, text: str, folder: Path, faults: Any = None, **settings: Any) -> tuple[Line, SimulatedServer]:
    """One document by one system."""
    with simulated(text, faults=faults, **settings) as server, opened(name, server.spec, folder) as made:
        (line,) = made.read(text, "a.txt")
    return line, server


def values(line: Line) -> dict[str, Any]:
    return {cell["path"]: cell["value"] for cell in line["cells"]}


def wrong(line: Line, trusted_only: bool = False) -> list[str]:
    true = truth()
    return [
        path
        for path, value in values(line).items()
        if value is not None
        and (true.get(path) is None or Decimal(str(value)) != Decimal(str(true[path])))
        and (not trusted_only or line["verdicts"][table_of(path)] in TRUSTED)
    ]


def record_cells(record: dict[str, Any]) -> dict[str, Any]:
    """Path → value of every cell of a record."""
    out = {f"disclosure.{r}.{k}": v for r, row in record["disclosure"].items() for k, v in row.items() if k != "unit"}
    out |= {f"requests.{r}.{k}": v for r, row in record["requests"].items() for k, v in row.items()}
    blocks = ("reconsideration", "litigation_direct", "litigation_after_reconsideration")
    return out | {f"{b}.{k}": v for b in blocks for k, v in record[b].items()}


def check_shape(line: Line, text: str, spans: bool = True) -> None:
    """What the contract says of a line of `extract --json`; the naive way has no spans."""
    assert list(line) == [
        "source", "sha256", "verdict", "verdicts", "record", "cells", "findings", "usage", "claims", "region",
        "error",
    ]  # fmt: skip
    json.dumps(line)
    assert set(line["verdicts"]) == {"disclosure", "requests", "disputes"}
    assert set(line["usage"]) == {"calls", "prompt_tokens", "completion_tokens", "cost"}
    if line["error"]:
        assert line["verdict"] == "failed"
        assert line["record"] is None
        assert line["cells"] == line["findings"] == []
        assert set(line["error"]) == {"code", "message", "hint"}
        return
    validate_record(line["record"])
    assert len(values(line)) == len(line["cells"])
    assert values(line) == record_cells(line["record"])
    for cell in line["cells"]:
        assert cell["state"] in STATES
        assert cell["method"] in METHODS
        assert (cell["method"] is None) == (cell["value"] is None), cell
        if cell["state"] == "reported":
            assert cell["value"] is not None
            assert not spans or text[slice(*cell["span"])] == cell["raw"], cell
        if cell["state"] == "ambiguous":
            assert cell["value"] is None or cell["method"] == "derived"


# ---------------------------------------------------------------- all systems


@pytest.mark.parametrize("text", [CLEAN, DOUBTFUL], ids=["clean", "doubtful"])
@pytest.mark.parametrize("name", NAMES)
def test_every_system_gives_the_contracts_lines(name: str, text: str, tmp_path: Path) -> None:
    line, server = one(name, text, tmp_path)
    check_shape(line, text, spans=name != "naive")
    assert line["source"] == "a.txt"
    assert line["usage"]["calls"] == len(server.chats)
    assert (line["usage"]["prompt_tokens"], line["usage"]["completion_tokens"]) == server.tokens()
    assert not wrong(line)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "text", ["", " \n", "登录 用户名 密码", "青禾县2023年政府信息公开工作年度报告\n\n新收申请3件。"]
)
def test_what_is_no_report_is_answered_too(name: str, text: str, tmp_path: Path) -> None:
    line, _ = one(name, text, tmp_path)
    check_shape(line, text, spans=name != "naive")
    # The naive way may well find numbers where no table is.
    assert line["error"] or (name == "naive" and text.strip())


@pytest.mark.parametrize("name", NAMES)
def test_all_systems_name_the_reports_of_a_file_alike(name: str, tmp_path: Path) -> None:
    text = CLEAN + "\n" + report(body="青禾县水利局", year=2022)
    sources = [result.source for result in extract_all(text, "a.txt")]
    assert sources == ["a.txt#1", "a.txt#2"]
    with simulated(text) as server, opened(name, server.spec, tmp_path) as made:
        lines = made.read(text, "a.txt")
    assert [line["source"] for line in lines] == sources
    for line in lines:
        check_shape(line, text, spans=name != "naive")
    if name == "naive":
        first, second = (request.messages[-1]["content"] for request in server.chats)
        assert "青禾县水利局" not in first
        assert "青禾县人民政府" not in second


def test_rule_is_the_reader(tmp_path: Path) -> None:
    with opened("rule", None, tmp_path) as made:
        for text in (CLEAN, DOUBTFUL, "x"):
            assert made.read(text, "a.txt") == [result.to_json() for result in extract_all(text, "a.txt")]


def test_hybrid_asks_only_what_is_in_doubt(tmp_path: Path) -> None:
    clean, server = one("hybrid", CLEAN, tmp_path)
    assert not server.chats
    assert clean == extract_all(CLEAN, "a.txt")[0].to_json()
    doubtful, server = one("hybrid", DOUBTFUL, tmp_path)
    assert server.chats
    assert extract_all(DOUBTFUL)[0].verdicts["requests"] not in TRUSTED
    assert doubtful["verdicts"]["requests"] in TRUSTED


@pytest.mark.parametrize("name", WITH_MODEL)
def test_a_second_reading_is_free_unless_asked_anew(name: str, tmp_path: Path) -> None:
    with simulated(DOUBTFUL) as server:
        for cache in (True, False):
            with opened(name, server.spec, tmp_path, cache=cache) as made:
                before = len(server.chats)
                first = made.read(DOUBTFUL, "a.txt")[0]
                calls = len(server.chats) - before
                second = made.read(DOUBTFUL, "a.txt")[0]
                assert values(first) == values(second)
                if cache:
                    assert calls == first["usage"]["calls"] > 0
                    assert second["usage"]["calls"] == 0
                else:
                    assert second["usage"]["calls"] == first["usage"]["calls"] == calls
            with opened(name, server.spec, tmp_path, cache=cache) as again:
                before = len(server.chats)
                again.read(DOUBTFUL, "a.txt")
                assert len(server.chats) - before == (0 if cache else calls)


def test_a_temperature_is_sent_and_nothing_kept(tmp_path: Path) -> None:
    with simulated(CLEAN) as server:
        with opened("naive", server.spec, tmp_path) as made:
            made.read(CLEAN, "a.txt")
        with opened("naive", server.spec, tmp_path, temperature=0.7) as made:
            made.read(CLEAN, "a.txt")
            made.read(CLEAN, "a.txt")
        assert [request.body["temperature"] for request in server.chats] == [0, 0.7, 0.7]


# ---------------------------------------------------------------- the model alone


def test_the_model_alone_reads_every_cell(tmp_path: Path) -> None:
    line, server = one("llm", CLEAN, tmp_path)
    assert all(verdict in TRUSTED for verdict in line["verdicts"].values())
    assert {cell["method"] for cell in line["cells"]} == {"llm"}
    assert {path: Decimal(str(v)) for path, v in values(line).items()} == {
        path: Decimal(str(v)) for path, v in truth().items()
    }
    asked = "\n".join(request.messages[-1]["content"] for request in server.chats)
    assert "（一）予以公开" in asked
    assert "十五格" in asked
    assert "行政许可" in asked


@pytest.mark.parametrize("text", [CLEAN, DOUBTFUL], ids=["clean", "doubtful"])
def test_no_value_of_the_readers_is_left_to_it(text: str, tmp_path: Path) -> None:
    with SimulatedServer(Simulated({})) as server, opened("llm", server.spec, tmp_path) as made:
        (line,) = made.read(text, "a.txt")  # The model says that every cell is blank.
    check_shape(line, text)
    assert server.chats
    assert set(values(line).values()) == {None}
    assert not set(line["verdicts"].values()) & TRUSTED


@pytest.mark.parametrize(
    "settings",
    [
        {"error": 1.0, "faults": ("invented", "example_leak")},
        {"error": 1.0},
        {"error": 0.3, "persistent": True},
        {"random": "row"},
        {"systematic": "next_row"},
        {"systematic": "shifted_left"},
        {"systematic": "zero_as_blank"},
    ],
    ids=lambda settings: " ".join(str(value) for value in settings.values()),
)
@pytest.mark.parametrize("name", ["llm", "hybrid"])
def test_nothing_wrong_is_trusted(name: str, settings: dict[str, Any], tmp_path: Path) -> None:
    more = dict(settings)
    kinds = more.pop("faults", None)
    with simulated(DOUBTFUL, **more) as server, opened(name, server.spec, tmp_path) as made:
        if kinds:
            server.simulated.faults = kinds
        (line,) = made.read(DOUBTFUL, "a.txt")
    check_shape(line, DOUBTFUL)
    assert not wrong(line, trusted_only=True)


@pytest.mark.parametrize(
    ("text", "table"),
    [
        (CLEAN.replace("商业企业\t科研机构", "科研机构\t商业企业"), "requests"),
        (CLEAN[: CLEAN.index("四、政府信息公开行政复议") - 30], "requests"),
    ],
    ids=["columns out of order", "cut off"],
)
def test_doubts_about_places_stay(text: str, table: str, tmp_path: Path) -> None:
    assert extract_all(text)[0].verdicts[table] == "needs_review"
    line, _ = one("llm", text, tmp_path)
    check_shape(line, text)
    assert line["verdicts"][table] == "needs_review"


def test_unproved_answers_stand_in_a_table_that_is_not_trusted(tmp_path: Path) -> None:
    """Two cells of a row exchanged in every row: printed numbers all, in the wrong places."""
    line, _ = one("llm", report(requests=tabs(rows())), tmp_path, error=0.15, seed=3)
    assert "needs_review" in line["verdicts"].values()
    loose = [c for c in line["cells"] if line["verdicts"][table_of(c["path"])] == "needs_review"]
    assert any(cell["value"] is not None and cell["method"] == "llm" for cell in loose)


# ---------------------------------------------------------------- the naive way


def test_the_naive_way_shows_the_whole_document_once(tmp_path: Path) -> None:
    line, server = one("naive", CLEAN, tmp_path)
    (request,) = server.chats
    assert CLEAN.strip() in request.messages[-1]["content"]
    assert set(line["verdicts"].values()) == {"verified"}
    assert {cell["method"] for cell in line["cells"]} == {"llm"}
    assert {cell["span"] for cell in line["cells"]} == {None}
    assert line["findings"] == line["claims"] == []
    assert line["record"]["organization"] == BODY["organization"]


def test_what_the_naive_way_invents_is_trusted(tmp_path: Path) -> None:
    """That is the point: nothing stands between a typed number and the user."""
    with simulated(DOUBTFUL, error=1.0) as server, opened("naive", server.spec, tmp_path) as made:
        server.simulated.faults = ("invented",)
        (line,) = made.read(DOUBTFUL, "a.txt")
    check_shape(line, DOUBTFUL, spans=False)
    assert len(wrong(line, trusted_only=True)) > 20
    assert set(line["verdicts"].values()) <= TRUSTED


def test_a_blank_makes_it_reconciled_and_nothing_makes_it_failed(tmp_path: Path) -> None:
    line, _ = one("naive", CLEAN, tmp_path, systematic="zero_as_blank")
    assert line["verdicts"]["requests"] == "reconciled"
    with SimulatedServer(Simulated({})) as server, opened("naive", server.spec, tmp_path, cache=False) as made:
        (line,) = made.read(CLEAN, "a.txt")
    check_shape(line, CLEAN)
    assert line["error"]["code"] == "no_tables"


@pytest.mark.parametrize(
    ("fault", "code", "calls"),
    [("malformed", "model_malformed", 2), ("blank", "model_blank", 1), ("refused", "model_refused", 1)],
)
def test_an_answer_that_is_none_is_the_documents_error(fault: str, code: str, calls: int, tmp_path: Path) -> None:
    with simulated(CLEAN, faults=lambda number: fault) as server, opened("naive", server.spec, tmp_path) as made:
        (line,) = made.read(CLEAN, "a.txt")
        check_shape(line, CLEAN)
        assert line["error"]["code"] == code
        assert line["usage"]["calls"] == len(server.chats) == calls
        assert line["usage"]["prompt_tokens"] > 0
        server.faults = {}
        (line,) = made.read(CLEAN, "a.txt")
        assert not line["error"]


def test_one_re_ask_mends_a_malformed_answer(tmp_path: Path) -> None:
    line, server = one("naive", CLEAN, tmp_path, faults={0: "malformed"})
    assert not line["error"]
    assert line["usage"]["calls"] == len(server.chats) == 2


HOSTILE = [
    "{}",
    '{"disclosure": 1}',
    "[1, 2]",
    "null",
    '{"organization": "x", "year": 2023, "disclosure": {}, "requests": {}}',
    "予以公开 9 件",
    '{"n": ' + "9" * 5000 + "}",
    '{"a": ' * 3000,
]


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_answers_never_raise(content: str, tmp_path: Path) -> None:
    for name in WITH_MODEL:
        with (
            Server([completion(content)]) as server,
            opened(name, f"m@{server.url}", tmp_path, cache=False) as made,
        ):
            (line,) = made.read(DOUBTFUL, "a.txt")
        check_shape(line, DOUBTFUL, spans=name != "naive")
        assert name != "naive" or line["error"]["code"] == "model_malformed"
        assert not wrong(line)


@pytest.mark.parametrize(
    ("typed", "stands"),
    [
        (5, 5), ("5", 5), (5.0, 5), ("1,234", 1234), (None, None), ("-", None), ("", None),
        (-1, "error"), (5.5, "error"), ("五", "error"), (True, "error"), ("1e400", "error"), (10**16, "error"),
        ([5], "error"), ({"n": 5}, "error"),
    ],
)  # fmt: skip
def test_how_a_number_may_be_typed(typed: Any, stands: Any) -> None:
    part = BY_TABLE[2]
    columns = ("upheld", "corrected", "other", "pending", "total")
    block = dict.fromkeys(columns, 0)
    answer = {
        "reconsideration": block | {"upheld": typed},
        "litigation_direct": block,
        "litigation_after_reconsideration": block,
    }
    model = answer_model("2021", part)
    if stands == "error":
        with pytest.raises(ValueError, match="validation error"):
            model.model_validate_json(json.dumps(answer), strict=True)
        return
    read: Any = model.model_validate_json(json.dumps(answer), strict=True)
    first = getattr(read, next(iter(model.model_fields)))
    assert getattr(first, next(iter(type(first).model_fields))) == stands


def test_the_schema_is_the_forms() -> None:
    for version in ("2021", "2019"):
        schema = json.dumps(answer_model(version, WHOLE[0]).model_json_schema())
        for path in values(extract_all(CLEAN)[0].to_json()) if version == "2021" else ():
            assert all(f'"{part}"' in schema for part in (path.split(".")[0], path.rsplit(".", 1)[1])), path
        assert '"denied.all"' in schema


# ---------------------------------------------------------------- small models


def test_what_does_not_fit_is_asked_table_by_table() -> None:
    text = CLEAN
    assert way_for("2021", text, 128_000) == way_for("2021", text, 32_000) == WAYS.index(WHOLE)
    small = profiles()["local"].context
    assert way_for("2021", text, small) > WAYS.index(WHOLE)
    assert way_for("2021", text * 100, small) == WAYS.index(IN_PIECES)
    for way in WAYS:
        asked = [row for part in way for row in part.rows]
        assert len(asked) == len(set(asked)) == len(WHOLE[0].rows)
        assert {table for part in way for table in part.tables} == {"disclosure", "requests", "disputes"}


@pytest.mark.parametrize(("cut_off", "calls"), [(1, 1 + 3), (2, 1 + 1 + 6)])
def test_an_answer_that_is_cut_off_is_asked_in_parts(cut_off: int, calls: int, tmp_path: Path) -> None:
    line, server = one("naive", CLEAN, tmp_path, faults=dict.fromkeys(range(cut_off), "truncated"))
    assert not line["error"]
    assert not wrong(line)
    assert set(line["verdicts"].values()) == {"verified"}
    assert line["usage"]["calls"] == len(server.chats) == calls
    assert all(CLEAN.strip() in request.messages[-1]["content"] for request in server.chats)


def test_what_is_cut_off_in_every_part_is_an_error(tmp_path: Path) -> None:
    line, _ = one("naive", CLEAN, tmp_path, faults=lambda number: "truncated")
    assert line["error"]["code"] == "model_truncated"


def test_a_long_document_is_cut(tmp_path: Path) -> None:
    text = CLEAN + "无" * 100_000
    line, server = one("naive", text, tmp_path)
    assert not wrong(line)
    assert all(len(request.messages[-1]["content"]) < 42_000 for request in server.chats)


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize("name", WITH_MODEL)
@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (None, "no_model"),
        ("", "no_model"),
        ("  ", "no_model"),
        ("nosuch", "unknown_profile"),
        ("m@http://", "malformed_spec"),
        ("ollama-x@", "malformed_spec"),
        ("vllm", "no_model"),
    ],
)
def test_a_model_must_be_named(name: str, spec: str | None, code: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        system(name, spec, ledger=tmp_path / "m.sqlite", env={})
    assert caught.value.code == code
    assert caught.value.exit_code == 2
    assert caught.value.hint


@pytest.mark.parametrize("name", ["", "Rule", "rules", "gpt", "llm "])
def test_an_unknown_system_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="rule, llm, hybrid, naive") as caught:
        system(name, "ollama")
    assert caught.value.code == "unknown_system"


@pytest.mark.parametrize("temperature", [-0.1, 2.1, float("nan"), float("inf")])
def test_a_temperature_that_is_none_is_refused(temperature: float) -> None:
    with pytest.raises(UsageError) as caught:
        system("naive", "ollama", temperature=temperature)
    assert caught.value.code == "bad_temperature"


@pytest.mark.parametrize("name", NAMES)
def test_a_system_may_be_closed_twice(name: str, tmp_path: Path) -> None:
    with simulated(DOUBTFUL) as server:
        made = system(name, server.spec, ledger=tmp_path / "m.sqlite", env={})
        made.close()
        made = system(name, server.spec, ledger=tmp_path / "m.sqlite", env={})
        made.read(DOUBTFUL, "a.txt")
        made.close()
        made.close()


@pytest.mark.parametrize("name", WITH_MODEL)
def test_an_endpoint_that_is_down_ends_the_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("extractor.llm.transport.Timing", partial(Timing, first_wait=0.0))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers
        port = taken.getsockname()[1]
        spec = f"m@http://127.0.0.1:{port}/v1"
        made = system(name, spec, ledger=tmp_path / "m.sqlite", env={})
        try:
            with pytest.raises(EndpointError) as caught:
                made.read(DOUBTFUL, "a.txt")
            assert caught.value.exit_code == 4
            assert caught.value.code == "unreachable"
            with pytest.raises(EndpointError):
                made.read(DOUBTFUL, "b.txt")
            if name == "hybrid":  # What needs no model is done all the same.
                assert made.read(CLEAN, "c.txt")[0]["verdict"] == "verified"
        finally:
            made.close()


@pytest.mark.parametrize("name", WITH_MODEL)
def test_a_wrong_key_ends_the_run(name: str, tmp_path: Path) -> None:
    with Server([NO_KEY]) as server, opened(name, f"m@{server.url}", tmp_path) as made:
        with pytest.raises(EndpointError) as caught:
            made.read(DOUBTFUL, "a.txt")
        assert caught.value.exit_code == 4
        assert server.calls == 1


@pytest.mark.parametrize("name", WITH_MODEL)
def test_no_key_is_said_when_a_document_needs_the_model(name: str, tmp_path: Path) -> None:
    with opened(name, "openai", tmp_path) as made, pytest.raises(EndpointError) as caught:
        made.read(DOUBTFUL, "a.txt")
    assert caught.value.code == "no_key"


@pytest.mark.parametrize("name", WITH_MODEL)
def test_a_limit_ends_the_run_and_the_next_one_goes_on(name: str, tmp_path: Path) -> None:
    with simulated(DOUBTFUL) as server:
        with opened(name, server.spec, tmp_path, max_calls=0) as made, pytest.raises(BudgetReached) as caught:
            made.read(DOUBTFUL, "a.txt")
        assert caught.value.exit_code == 5
        assert isinstance(caught.value, GoujiError)
        assert not server.chats
        with opened(name, server.spec, tmp_path) as made:
            assert not wrong(made.read(DOUBTFUL, "a.txt")[0])


def test_one_bad_document_does_not_end_the_run(tmp_path: Path) -> None:
    faults = {0: "malformed", 1: "malformed"}
    with simulated(CLEAN, DOUBTFUL, faults=faults) as server, opened("naive", server.spec, tmp_path) as made:
        assert made.read(CLEAN, "a.txt")[0]["error"]["code"] == "model_malformed"
        assert not wrong(made.read(DOUBTFUL, "b.txt")[0])
        assert not made.read(CLEAN, "a.txt")[0]["error"]


def test_documents_may_be_read_by_several_threads(tmp_path: Path) -> None:
    texts = [report(others=f"第{number}号。", requests=tabs(rows())) for number in range(8)]
    for name in NAMES:
        with simulated(*texts) as server, opened(name, server.spec, tmp_path) as made, ThreadPoolExecutor(4) as pool:
            for (line,), text in zip(pool.map(lambda text, made=made: made.read(text, "a"), texts), texts, strict=True):
                check_shape(line, text, spans=name != "naive")
                assert not wrong(line)
