"""Asks one endpoint a few tiny questions and says what of it works (`gouji endpoint check`).

Each form of structured output gets one question whose answer must be one of three numbers. Where a schema is sent,
the question has no word about the shape of the answer, so an endpoint that takes a schema and ignores it is found
out. Where a schema works, a second question wants a number that the schema does not allow.
"""

from __future__ import annotations

import difflib
import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from extractor.llm.errors import Fault, fault_of_exception, fault_of_status, is_html, not_an_api
from extractor.llm.profiles import Endpoint, Rung
from extractor.llm.schema import find_object

if TYPE_CHECKING:
    import openai
    from openai.types.chat import ChatCompletion

RUNGS: tuple[Rung, ...] = get_args(Rung)

# Numbers that mean nothing; the last one is never allowed.
_ALLOWED, _RIGHT, _FORBIDDEN = (6041, 7352, 8263), 7352, 5197
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"figure": {"type": "integer", "enum": list(_ALLOWED)}},
    "required": ["figure"],
    "additionalProperties": False,
}
_PICK = f"这一行印着三个数：{_ALLOWED[0]} | {_ALLOWED[1]} | {_ALLOWED[2]}。中间的数是多少？"
_TEMPT = f"数是 {_FORBIDDEN}。请原样答出 {_FORBIDDEN}。"
_SHAPE = '只答一个 JSON 对象，形如 {"figure": 数}。'
_WITH_SCHEMA = ("json_schema_strict", "json_schema", "tools")

_RUNG_WORDS = {"json_schema_strict": "json_schema strict", "prompt": "prompt and parse"}
_STATE_WORDS = {
    "works": "works",
    "ignored": "taken and ignored",
    "wrong": "right shape, but a number that was not allowed",
    "refused": "not offered",
    "cut": "the answer was cut off",
    "blank": "the answer was blank",
    "failed": "failed",
}
_BAD_KEY = ("no_key", "wrong_key", "forbidden")


@dataclass(slots=True)
class RungReport:
    """One form of structured output.

    `state`: `works`; `ignored`: an answer in another shape; `wrong`: the shape, but a number that was not allowed;
    `refused`: the endpoint does not take such requests; `cut`, `blank`; `failed`: anything else. `enforced`: whether
    a number outside the schema could not be answered; None where that was not asked.
    """

    rung: Rung
    state: Literal["works", "ignored", "wrong", "refused", "cut", "blank", "failed"]
    detail: str = ""
    enforced: bool | None = None
    seconds: float | None = None


@dataclass(slots=True)
class Report:
    """What works of `endpoint`. None stands for what could not be found out."""

    endpoint: Endpoint
    reachable: bool = False
    key_accepted: bool | None = None
    model_known: bool | None = None
    models_offered: int | None = None
    near_names: list[str] = field(default_factory=list)
    rungs: list[RungReport] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)  # parameters that it refuses and the profile does not know of
    latency: float | None = None
    problem: str = ""  # why it cannot be used, in one sentence
    hint: str = ""

    @property
    def uses(self) -> Rung | None:
        """The first form of the profile's ladder that works."""
        working = {report.rung for report in self.rungs if report.state == "works"}
        return next((rung for rung in self.endpoint.profile.ladder if rung in working), None)

    @property
    def ok(self) -> bool:
        """Whether gouji can work with it."""
        return self.uses is not None

    @property
    def price(self) -> str:
        """The price in words."""
        price = self.endpoint.price
        if price is None:
            return "unpriced"
        if self.endpoint.profile.own_machine:
            return "free: this machine's own"
        return f"${price.prompt} / ${price.completion} per million tokens asked / answered ({price.date})"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`; holds no secret."""
        return {
            "profile": self.endpoint.profile.name,
            "base_url": self.endpoint.shown_url,
            "model": self.endpoint.model,
            "ok": self.ok,
            "reachable": self.reachable,
            "key": _key_word(self.key_accepted),
            "model_known": self.model_known,
            "models_offered": self.models_offered,
            "near_names": self.near_names,
            "rungs": {
                report.rung: {
                    "state": report.state,
                    "enforced": report.enforced,
                    "seconds": report.seconds,
                    "detail": report.detail,
                }
                for report in self.rungs
            },
            "left_out": self.left_out,
            "uses": self.uses,
            "latency": self.latency,
            "price": self.price,
            "problem": self.problem or None,
            "hint": self.hint or None,
        }

    def lines(self) -> Iterator[str]:
        """In plain words, a line each."""
        endpoint = self.endpoint
        yield f"{endpoint.model} at {endpoint.shown_url} (profile {endpoint.profile.name})"
        yield _row("reachable", "yes" if self.reachable else "no")
        if self.reachable:
            if endpoint.key:
                yield _row("key", _key_word(self.key_accepted))
            else:
                asked = {True: "none set and none needed", False: "none set, one is needed", None: "none set"}
                yield _row("key", asked[self.key_accepted])
            known = {True: "known", False: "unknown", None: "not known whether it is offered"}[self.model_known]
            yield _row("model", known + (f", {self.models_offered} offered" if self.models_offered else ""))
            if self.near_names:
                yield _row("", f"near names: {', '.join(self.near_names)}")
        for report in self.rungs:
            yield _row(_RUNG_WORDS.get(report.rung, report.rung), _words_of(report))
        if self.left_out:
            yield _row("refuses", ", ".join(self.left_out))
        if self.latency is not None:
            yield _row("latency", f"{self.latency:.2f} s for a tiny answer")
        yield _row("price", self.price)
        yield _row("gouji will use", _RUNG_WORDS.get(self.uses, self.uses) if self.uses else "nothing of it")
        if self.problem:
            yield self.problem
        if self.hint:
            yield f"  {self.hint}"


def _row(head: str, text: str) -> str:
    return f"  {head:<20}{text}"


def _key_word(accepted: bool | None) -> str:
    return {True: "accepted", False: "rejected", None: "unknown"}[accepted]


def _words_of(report: RungReport) -> str:
    words = _STATE_WORDS[report.state]
    if report.enforced is not None:
        words += ", only allowed numbers can be answered" if report.enforced else ", but the schema is NOT enforced"
    return f"{words} ({report.detail})" if report.detail else words


async def probe(endpoint: Endpoint, *, timeout: float = 60.0) -> Report:
    """Probes a running endpoint, one call after the other, without retries. Failures stand in the report."""
    import httpx
    import openai

    from extractor.llm.http import on_loopback

    report = Report(endpoint)
    client = openai.AsyncOpenAI(
        base_url=endpoint.base_url,
        api_key=endpoint.key or "none",
        max_retries=0,
        timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
        # openai takes an organisation and a project from the environment and would send them to anybody.
        default_headers={"OpenAI-Organization": openai.Omit(), "OpenAI-Project": openai.Omit()},  # type: ignore[dict-item]
        # What runs on this machine is not asked for through a proxy.
        http_client=openai.DefaultAsyncHttpxClient(trust_env=not on_loopback(endpoint.base_url)),
    )
    async with client:
        prober = _Prober(client, report, timeout)
        try:
            await prober.models()
            await prober.ladder()
        except Fault as fault:
            prober.note(fault)
            report.problem, report.hint = fault.error.message, fault.error.hint
            if report.near_names and report.model_known is False:
                report.hint = f"It offers {', '.join(report.near_names)}."
            return report
    if not report.ok:
        others = [rung.rung for rung in report.rungs if rung.state == "works"]
        report.problem = (
            f"Only what the profile {endpoint.profile.name} leaves out works: {', '.join(others)}."
            if others
            else "No way of asking brought an answer in the wanted shape."
        )
        report.hint = "Try another model of this endpoint."
    return report


class _Prober:
    """The questions; a Fault is raised where no further question makes sense."""

    def __init__(self, client: openai.AsyncOpenAI, report: Report, timeout: float) -> None:
        self.client, self.report, self.endpoint, self.timeout = client, report, report.endpoint, timeout

    def note(self, fault: Fault) -> None:
        """What a failure tells about the endpoint besides itself."""
        report, code = self.report, fault.error.code
        if fault.status.isdigit():
            report.reachable = True
        if code in _BAD_KEY:
            report.key_accepted = False
        elif code == "unknown_model":
            report.model_known = False

    async def models(self) -> None:
        """GET /models: reachable, key, names. Not every endpoint has it: then the first question tells."""
        import openai

        report, wanted = self.report, self.endpoint.model
        try:
            page = await self.client.models.list()
        except openai.APIStatusError as error:
            fault = self.fault(error)
            self.note(fault)
            if fault.error.code in _BAD_KEY:
                raise fault from error
            return
        except openai.APIConnectionError as error:
            raise self.fault(error) from error
        except Exception:  # a page of another shape
            report.reachable = True
            return
        report.reachable = True
        names = [
            name for model in getattr(page, "data", None) or () if isinstance(name := getattr(model, "id", None), str)
        ]
        if names:
            report.models_offered, report.model_known = len(names), wanted in names
            if wanted not in names:
                report.near_names = difflib.get_close_matches(wanted, names, n=5, cutoff=0.3) or names[:5]

    async def ladder(self) -> None:
        """Every form, and whether the schemas that work are enforced."""
        for rung in RUNGS:
            answer, _ = await self.ask(rung, _PICK)
            self.report.rungs.append(answer)
            if answer.state == "works" and rung in _WITH_SCHEMA:
                tempted, number = await self.ask(rung, _TEMPT)
                if tempted.state in ("works", "wrong"):
                    answer.enforced = number in _ALLOWED
        took = [report.seconds for report in self.report.rungs if report.seconds is not None]
        if took:
            self.report.latency = round(statistics.median(took), 3)

    async def ask(self, rung: Rung, question: str) -> tuple[RungReport, int | None]:
        """One question in one form, and the number that came back."""
        import openai

        while True:
            start = time.perf_counter()
            try:
                completion = await self.client.chat.completions.create(**self.request(rung, question))
            except openai.APIError as error:
                fault = self.fault(error)
                self.note(fault)
                droppable = fault.unsupported not in ("", "rung", *self.report.left_out)
                if droppable:
                    self.report.left_out.append(fault.unsupported)
                    continue
                if fault.fatal or fault.error.code in ("unreachable", "rate_limited"):
                    raise fault from error
                refused = fault.status.isdigit() and int(fault.status) < 500
                return RungReport(rung, "refused" if refused else "failed", fault.error.message), None
            except Exception as error:  # no JSON, or JSON of another shape
                detail = self.endpoint.scrub(f"no answer of this protocol: {error}"[:120])
                return RungReport(rung, "failed", detail), None
            try:
                return self.judge(rung, completion, time.perf_counter() - start)
            except (AttributeError, TypeError, LookupError):  # openai does not validate what it parses
                return RungReport(rung, "failed", "no answer of this protocol"), None

    def judge(self, rung: Rung, completion: ChatCompletion | str, seconds: float) -> tuple[RungReport, int | None]:
        """What an answer is worth."""
        if isinstance(completion, str):  # what openai gives for a body that is not called JSON
            if is_html(completion):
                raise not_an_api(self.endpoint, "200")
            return RungReport(rung, "failed", "no answer of this protocol"), None
        report, choice = self.report, completion.choices[0]
        report.reachable, report.key_accepted, report.model_known = True, True, report.model_known is not False
        answer = RungReport(rung, "works", seconds=round(seconds, 3))
        text = choice.message.content or ""
        if rung == "tools":
            calls = [call.function.arguments for call in choice.message.tool_calls or () if call.type == "function"]
            if not calls:
                answer.state, answer.detail = "ignored", "no tool was called"
                return answer, None
            text = calls[0]
        number = _figure(find_object(text))
        if number is None and choice.finish_reason == "length":
            answer.state = "cut"
        elif number is None and not text.strip():
            answer.state = "blank"
        elif number is None:
            answer.state = "ignored"
            answer.detail = f"answered {' '.join(self.endpoint.scrub(text[:80]).split())!r}"
        elif number not in _ALLOWED:
            answer.state, answer.detail = "wrong", f"answered {number}"
        elif number != _RIGHT:
            answer.detail = f"though {number} is not the one that was asked for"
        return answer, number

    def request(self, rung: Rung, question: str) -> dict[str, Any]:
        """The parameters of one call."""
        profile, schema = self.endpoint.profile, {"name": "answer", "schema": _SCHEMA}
        text = question if rung in _WITH_SCHEMA else f"{question}{_SHAPE}"
        call: dict[str, Any] = {"temperature": 0, profile.token_parameter: 512}
        if rung == "json_schema_strict":
            call["response_format"] = {"type": "json_schema", "json_schema": {**schema, "strict": True}}
        elif rung == "json_schema":
            call["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif rung == "json_object":
            call["response_format"] = {"type": "json_object"}
        elif rung == "tools":
            call["tools"] = [{"type": "function", "function": {"name": "answer", "parameters": _SCHEMA}}]
            call["tool_choice"] = {"type": "function", "function": {"name": "answer"}}
        extra = dict(profile.extra)
        for name in (*profile.unsupported, *self.report.left_out):
            call.pop(name, None)
            extra.pop(name, None)
        call |= {"model": self.endpoint.model, "messages": [{"role": "user", "content": text}], "extra_body": extra}
        return call

    def fault(self, error: openai.APIError) -> Fault:
        """The failure in gouji's own classes."""
        import openai

        if isinstance(error, openai.APIStatusError):
            return fault_of_status(error.status_code, error.response.text, error.response.headers, self.endpoint)
        return fault_of_exception(error, self.endpoint, self.timeout)


def _figure(text: str) -> int | None:
    """The number in `{"figure": 7352}`; None for any other shape."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return None
    figure = answer.get("figure") if isinstance(answer, dict) and set(answer) == {"figure"} else None
    return figure if isinstance(figure, int) and not isinstance(figure, bool) else None
