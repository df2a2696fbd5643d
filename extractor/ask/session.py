"""One document's talk with a model: builds the questions, keeps the answers and what could not be answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from extractor.ask import prompts
from extractor.llm.question import Answer, Question
from extractor.pipeline import Reading
from extractor.results import Value

# For endpoints of which no profile says otherwise: a whole table 3.
ROWS_PER_QUESTION = 25
AskFunction = Callable[[Question], Awaitable[Answer]]


@dataclass(slots=True)
class Session:
    """`ask` puts one question; what comes back is counted here. `rows_per_question` is the profile's."""

    reading: Reading
    ask_model: AskFunction
    rows_per_question: int = ROWS_PER_QUESTION
    suggest: bool = False  # also ask what nothing could prove
    answers: list[Answer] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    async def ask(
        self, name: str, ask: str, piece: str, answer: type[BaseModel], table: str, max_tokens: int
    ) -> BaseModel | None:
        """The checked answer to one question, or None (why stands in `failures`)."""
        prompt = prompts.load(name)
        question = Question(prompt.key, prompt.messages(ask, piece), answer, max_tokens, self.reading.sha256, table)
        got = await self.ask_model(question)
        self.answers.append(got)
        if got.value is None:
            self.failures.append(got.failure or "malformed")
        return got.value

    @property
    def models(self) -> str:
        """The models that answered, for people."""
        return "、".join(dict.fromkeys(answer.model for answer in self.answers if answer.model)) or "model"


@dataclass(slots=True)
class Said:
    """What a model said of a row, whether it could be laid over the text, and whether it only chose among readings."""

    key: str
    paths: tuple[str, ...]
    values: tuple[Value | None, ...]
    grounded: bool
    chosen: bool = False


def chunks(keys: Sequence[str], size: int) -> list[list[str]]:
    """Rows in groups of at most `size`."""
    return [list(keys[i : i + size]) for i in range(0, len(keys), size)]
