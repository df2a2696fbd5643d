"""What an endpoint's failures mean: one class for each, said in a sentence with the mend."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from extractor.errors import GoujiError
from extractor.llm.profiles import Endpoint
from extractor.llm.question import Failure


class EndpointError(GoujiError):
    """The model endpoint failed for good; documents that need no model are still done (exit 4)."""

    exit_code = 4


class BodyTooLong(Exception):
    """The body of an HTTP answer is longer than any answer to a question."""


class Fault(Exception):
    """One failed call, inside this package only: what to do about it and what to tell.

    `status`: HTTP status or class of the error, as the ledger keeps it. `transient`: worth another attempt.
    `fatal`: no later question would fare better. `unsupported`: the parameter (or `rung`, the form of structured
    output) that the endpoint refuses. `retry_after`: seconds that it asks to wait.
    """

    def __init__(
        self,
        failure: Failure,
        error: EndpointError,
        *,
        status: str,
        transient: bool = False,
        fatal: bool = False,
        unsupported: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(error.message)
        self.failure, self.error, self.status = failure, error, status
        self.transient, self.fatal, self.unsupported = transient, fatal, unsupported
        self.retry_after = retry_after


_TOO_LONG = re.compile(
    r"context[ _-]?(length|size|window)|maximum context|exceed\w* the (available |maximum )?context|"
    r"(prompt|input|message)s? (is|are) too long|reduce the length|range of input length|too many (input )?tokens|"
    r"上下文长度|输入.{0,8}(过长|超长|超出|超过)",
    re.IGNORECASE,
)
_FILTERED = re.compile(
    r"content[ _]?filter|data_inspection|inappropriate content|content management policy|high risk|"
    r"敏感|不安全|违规",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"model[ _]?not[ _]?(exist|found)|model .{0,120}?(does not|doesn.t|not) (exist|found)|no such model|"
    r"unknown model|invalid model|模型不存在",
    re.IGNORECASE | re.DOTALL,
)
_NO_CREDIT = re.compile(r"insufficient[ _](quota|balance|funds)|exceeded your current quota|arrear|欠费|余额不足", re.I)
_RUNG = re.compile(
    r"response_format|json_schema|json_object|\btools?\b|grammar|\bstrict\b|structured output|schema", re.I
)
# Parameters that an answer can do without; `tool_choice` because naming a tool is refused (thinking modes) where tools
# themselves are not.
_DROPPABLE = ("temperature", "max_completion_tokens", "max_tokens", "tool_choice", "enable_thinking", "thinking")
_REFUSES = re.compile(
    r"unsupported|not support|unrecogni[sz]ed|unknown|not permitted|extra inputs|not allowed|invalid|only|too large|"
    r"不支持|无效|非法",
    re.IGNORECASE,
)


def fault_of_status(status: int, body: str, headers: Mapping[str, str], endpoint: Endpoint) -> Fault:
    """What an HTTP answer of 400 and above means. `body`: its text, of which a bounded part is looked at."""
    body = body[:4000]
    said = _said(body, endpoint)
    where = endpoint.shown_url
    if _is_page(body, headers) and status not in (401, 408, 429) and status < 500:
        return not_an_api(endpoint, str(status))
    if status in (401, 403):
        return _fatal(status, *_key_words(endpoint, status, said))
    if status == 402 or (status in (400, 429) and _NO_CREDIT.search(body)):
        return _fatal(
            status,
            "no_credit",
            f"{where} says that the account has no credit left{said}.",
            "Top it up, or use another.",
        )
    if status in (400, 404, 422) and _NO_MODEL.search(body):
        return _fatal(
            status,
            "unknown_model",
            f"{where} does not know the model {endpoint.model}{said}.",
            "Name one that it offers: MODEL@BASE_URL.",
        )
    if status in (404, 405):
        hint = "Check the address of --model MODEL@BASE_URL"
        if not re.search(r"/v\d", endpoint.base_url):
            hint += f"; most servers want {where.rstrip('/')}/v1"
        return _fatal(
            status,
            "wrong_url",
            f"{where} has no chat completions for the model {endpoint.model} (HTTP {status}).",
            f"{hint}.",
        )
    if status == 413 or (status in (400, 422) and _TOO_LONG.search(body)):
        error = EndpointError(
            "too_long",
            f"The question is longer than the context of {endpoint.model}{said}.",
            "Use a model with a larger context.",
        )
        return Fault("too_long", error, status=str(status))
    if status in (408, 409, 425, 429) or status >= 500:
        code, words = ("rate_limited", "limits the rate of calls") if status == 429 else ("server_error", "fails")
        error = EndpointError(code, f"{where} {words} (HTTP {status}{said}).", "Wait and run the same command again.")
        return Fault(
            "endpoint", error, status=str(status), transient=True, retry_after=retry_after(headers, datetime.now(UTC))
        )
    if _FILTERED.search(body):
        return refused(f"{where} refused the question{said}.", str(status))
    error = EndpointError(
        "bad_request", f"{where} does not accept the question (HTTP {status}{said}).", "Try `gouji endpoint check`."
    )
    return Fault("endpoint", error, status=str(status), unsupported=_unsupported(body))


def fault_of_exception(error: Exception, endpoint: Endpoint, seconds: float) -> Fault:
    """What a call means that got no HTTP answer. `seconds`: the time limit of one answer."""
    causes = _causes(error)
    where = endpoint.shown_url
    if any(isinstance(cause, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY" in str(cause) for cause in causes):
        return Fault(
            "endpoint",
            EndpointError(
                "certificate",
                f"The certificate of {where} cannot be verified.",
                "Install its authority on this machine (SSL_CERT_FILE), or mend the address.",
            ),
            status="certificate",
            fatal=True,
        )
    if any(isinstance(cause, TimeoutError) or "Timeout" in type(cause).__name__ for cause in causes):
        if any("ConnectTimeout" in type(cause).__name__ for cause in causes):
            return _unreachable(where, "it does not answer")
        return Fault(
            "endpoint",
            EndpointError(
                "timeout",
                f"{where} gave no whole answer within {seconds:g} seconds.",
                "Use a faster endpoint or fewer questions at a time.",
            ),
            status="timeout",
            transient=True,
        )
    if any(isinstance(cause, BodyTooLong) for cause in causes):
        long = EndpointError("not_an_api", f"{where} answers with far more than an answer.", "Check the address.")
        return Fault("endpoint", long, status="body too long")
    if any(type(cause).__name__ == "ConnectError" for cause in causes):
        return _unreachable(where, "nothing listens there" if _nobody_there(causes) else "")
    return Fault(
        "endpoint",
        EndpointError("connection", f"The connection to {where} broke off.", "Run the same command again."),
        status="connection",
        transient=True,
    )


def not_an_api(endpoint: Endpoint, status: str) -> Fault:
    """A web page (a proxy's, a login) stood where an answer was expected."""
    error = EndpointError(
        "not_an_api",
        f"{endpoint.shown_url} answers with a web page, not as a model endpoint: a wrong address or a proxy's page.",
        "Check the address, and HTTPS_PROXY and NO_PROXY.",
    )
    return Fault("endpoint", error, status=f"{status} html", fatal=True)


def refused(message: str, status: str) -> Fault:
    """The model or its filter declined this question."""
    return Fault("refused", EndpointError("refused", message), status=status)


def too_many_failures(endpoint: Endpoint, count: int, last: EndpointError) -> EndpointError:
    """The circuit is open: so many questions in a row failed that the rest are not asked."""
    return EndpointError(
        last.code, f"{count} questions in a row failed; the last: {last.message}", last.hint or "Run the command again."
    )


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds from `retry-after-ms` or `Retry-After` (seconds or HTTP date); None where absent or unreadable."""
    milliseconds, raw = headers.get("retry-after-ms", ""), headers.get("retry-after", "").strip()
    for text, unit in ((milliseconds, 1000.0), (raw, 1.0)):
        if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text):
            return float(text) / unit
    try:
        moment = parsedate_to_datetime(raw)
    except (ValueError, TypeError, IndexError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def _fatal(status: int, code: str, message: str, hint: str) -> Fault:
    return Fault("endpoint", EndpointError(code, message, hint), status=str(status), fatal=True)


def _unreachable(where: str, why: str) -> Fault:
    error = EndpointError(
        "unreachable",
        f"{where} cannot be reached{': ' + why if why else ''}.",
        "Check the address and the network, and that the server runs.",
    )
    return Fault("endpoint", error, status="unreachable", transient=True)


def _nobody_there(causes: list[BaseException]) -> bool:
    return any(isinstance(cause, ConnectionRefusedError) for cause in causes)


def _key_words(endpoint: Endpoint, status: int, said: str) -> tuple[str, str, str]:
    variables = " or ".join(endpoint.profile.key_env)
    if not endpoint.key:
        return "no_key", f"{endpoint.shown_url} asks for a key and there is none.", f"Set {variables}."
    if status == 403:
        return (
            "forbidden",
            f"{endpoint.shown_url} forbids this key the model {endpoint.model}{said}.",
            "Use a key or a model that is allowed.",
        )
    return "wrong_key", f"{endpoint.shown_url} does not accept the key.", f"Mend {variables}."


def _said(body: str, endpoint: Endpoint) -> str:
    """The endpoint's own words, short, on one line, without the key."""
    found = re.search(r'"message"\s*:\s*"((?:[^"\\]|\\.)*)"', body)
    words = endpoint.scrub(" ".join((found.group(1) if found else "").split()))[:160]
    return f": {words.rstrip('. ')}" if words else ""


def _is_page(body: str, headers: Mapping[str, str]) -> bool:
    return "text/html" in headers.get("content-type", "").lower() or is_html(body)


def is_html(body: str) -> bool:
    """Whether a body is a web page, whatever it calls itself."""
    return bool(re.match(r"\s*(<!doctype html|<html|<head|<body)", body, re.IGNORECASE))


def _unsupported(body: str) -> str:
    """The parameter that a 400 or 422 refuses, `rung` for the form of structured output, or nothing."""
    if found := re.search(r'"param"\s*:\s*"(\w+)', body):
        if found.group(1) in _DROPPABLE:
            return found.group(1)
        if _RUNG.search(found.group(1)):
            return "rung"
    if _REFUSES.search(body) and (named := re.search(rf"\b({'|'.join(_DROPPABLE)})\b", body)):
        return named.group(1)  # the first: "max_tokens is not supported, use max_completion_tokens"
    return "rung" if _RUNG.search(body) else ""


def _causes(error: BaseException | None) -> list[BaseException]:
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        error = error.__cause__ or error.__context__
    return seen
