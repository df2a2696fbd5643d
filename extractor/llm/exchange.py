"""One question in one form of structured output: what is sent, what the answer is taken for, one re-ask."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from extractor.llm.errors import EndpointError, Fault, refused
from extractor.llm.profiles import Rung
from extractor.llm.question import Failure, Question
from extractor.llm.schema import find_object, schema_hint, strict_schema
from extractor.llm.transport import Label, Tally, Transport

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion

# Finish reasons of various providers.
_REFUSED = frozenset({"content_filter", "sensitive"})
_OVERLOADED = frozenset({"network_error", "insufficient_system_resource"})
# Characters of a malformed answer, and of what is wrong with it, that are sent back.
_LONGEST_ECHO = 4000
_LONGEST_COMPLAINT = 600
_NAME = "answer"


class Exchange:
    """Asks one question in one form; made for each rung that is tried."""

    def __init__(
        self,
        transport: Transport,
        question: Question,
        schema: dict[str, Any],
        rung: Rung,
        dropped: frozenset[str],
        tally: Tally,
    ) -> None:
        self._transport, self._question, self._schema = transport, question, schema
        self._rung, self._dropped, self._tally = rung, dropped, tally
        self._messages = _with_hint(question, schema) if rung in ("json_object", "prompt") else _messages(question)
        self._error: Exception | None = None
        self._text = ""

    async def run(self) -> str:
        """The JSON text of a valid answer. Errors: Fault."""
        import instructor
        from instructor.core import InstructorRetryException

        mode = instructor.Mode.TOOLS if self._rung == "tools" else instructor.Mode.JSON_SCHEMA
        ask: Any = instructor.patch(create=self._create, mode=mode)
        try:
            await ask(
                response_model=self._question.answer,
                max_retries=1,
                model=self._transport.endpoint.model,
                messages=self._messages,
            )
        except InstructorRetryException as error:
            if self._error is not None:
                raise self._error from None
            why = " ".join(str(error.__cause__ or error).split())
            raise self._no_answer("malformed", f"The answer does not follow the schema: {why[:200]}") from None
        return self._text

    async def _create(self, **kwargs: Any) -> ChatCompletion:
        """What instructor takes for openai's own `create`. Errors are kept here: instructor wraps them."""
        try:
            completion = await self._transport.call(self._request(kwargs["messages"]), self._label, self._tally)
            return self._checked(completion)
        except Exception as error:
            self._error = error
            raise

    @property
    def _label(self) -> Label:
        return Label(self._question.prompt, self._question.document, self._question.table, self._rung)

    def _request(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        """The whole request: instructor's messages, which hold the re-ask, and our own schema of the answer."""
        endpoint = self._transport.endpoint
        sent = len(self._messages)
        request: dict[str, Any] = {
            "model": endpoint.model,
            "messages": [*messages[:sent], *(_shortened(message) for message in messages[sent:])],
            **self._form(),
        }
        if "temperature" not in self._dropped:
            request["temperature"] = 0
        names = [endpoint.profile.token_parameter, "max_tokens", "max_completion_tokens"]
        # A server that refuses the one name usually takes the other.
        if name := next((name for name in names if name not in self._dropped), None):
            request[name] = self._question.max_tokens
        extra = endpoint.profile.extra
        return request | {name: extra[name] for name in extra if name not in self._dropped}

    def _form(self) -> dict[str, Any]:
        if self._rung == "tools":
            tool = {"name": _NAME, "description": "The answer.", "parameters": self._schema}
            choice: Any = {"type": "function", "function": {"name": _NAME}}
            if "tool_choice" in self._dropped:
                choice = "auto"
            return {"tools": [{"type": "function", "function": tool}], "tool_choice": choice}
        if self._rung == "json_object":
            return {"response_format": {"type": "json_object"}}
        if self._rung == "prompt":
            return {}
        schema: dict[str, Any] = {"name": _NAME, "schema": self._schema}
        if self._rung == "json_schema_strict":
            schema = {"name": _NAME, "schema": strict_schema(self._schema), "strict": True}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}

    def _checked(self, completion: ChatCompletion) -> ChatCompletion:
        """The completion with nothing but JSON in it. Errors: Fault for what no re-ask would mend."""
        if not completion.choices:
            raise self._no_answer("blank", "The answer is empty.")
        choice = completion.choices[0]
        message = getattr(choice, "message", None)
        reason = choice.finish_reason or ""
        if reason == "length":
            raise self._no_answer("truncated", f"The answer is cut off at {self._question.max_tokens} tokens.")
        refusal = getattr(message, "refusal", None)
        if refusal or reason in _REFUSED:
            raise refused(f"The model declined to answer{f': {str(refusal)[:160]}' if refusal else ''}.", "200")
        if reason in _OVERLOADED:
            raise self._no_answer("endpoint", "The endpoint broke off its answer.")
        if message is None:
            raise self._no_answer("blank", "The answer is empty.")
        if self._rung == "tools":
            arguments = _arguments(message)
            if arguments is None:
                raise self._no_answer("malformed", "The model did not call the tool.", unsupported="rung")
            self._text = arguments
        else:
            self._text = find_object(_content(message))
            message.content = self._text
            message.tool_calls = None
        if not self._text.strip():
            raise self._no_answer("blank", "The answer is empty.")
        return completion

    def _no_answer(self, failure: Failure, message: str, unsupported: str = "") -> Fault:
        error = EndpointError(failure, self._transport.endpoint.scrub(message))
        return Fault(failure, error, status="200", unsupported=unsupported)


def _messages(question: Question) -> list[dict[str, Any]]:
    return [{"role": role, "content": text} for role, text in question.messages]


def _with_hint(question: Question, schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The schema goes into the system message: what stands behind a document's text could be taken for its part."""
    messages, hint = _messages(question), schema_hint(schema)
    if messages and messages[0]["role"] == "system":
        messages[0]["content"] += f"\n\n{hint}"
        return messages
    return [{"role": "system", "content": hint}, *messages]


def _shortened(message: dict[str, Any]) -> dict[str, Any]:
    """A message of the re-ask, bounded, without pydantic's links."""
    text = message.get("content")
    if not isinstance(text, str):
        return message
    text = re.sub(r"\n *For further information visit \S+", "", text)
    return {**message, "content": text[: _LONGEST_ECHO if message["role"] == "assistant" else _LONGEST_COMPLAINT]}


def _content(message: Any) -> str:
    content = message.content
    if isinstance(content, list):  # a list of parts, as some servers write it
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _arguments(message: Any) -> str | None:
    calls = getattr(message, "tool_calls", None)
    function = getattr(calls[0], "function", None) if isinstance(calls, list) and calls else None
    arguments = getattr(function, "arguments", None)
    return arguments if isinstance(arguments, str) else None
