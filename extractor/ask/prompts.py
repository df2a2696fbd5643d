"""The prompts: one versioned file per task in prompts/, its examples checked before it is used.

A file has a head in TOML between two lines `+++` (id, version, task, schema, examples) and a body, the instruction, a
Jinja template over the form's own words (StrictUndefined). The text of a document never passes through it: it is put
behind the instruction as it is (excerpts.py).
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

from extractor.ask.excerpts import fence
from extractor.errors import GoujiError
from extractor.form import DISPUTE_BLOCKS, DISPUTE_COLUMNS, FORM

# Numbers of examples are larger than any count of a report: what leaks from an example into an answer is not printed.
CANNOT_OCCUR = 10_000_000
_HEAD = re.compile(r"\A\+\+\+\n(.*?)\n\+\+\+\n(.*)\Z", re.DOTALL)
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


class PromptError(GoujiError):
    """A prompt file is damaged: nothing may be asked with it."""


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example: what is asked, the excerpt, the right answer."""

    ask: str
    text: str
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt as loaded. `digest` is the SHA-256 of its file and is recorded with every answer."""

    id: str
    version: str
    task: str
    schema: str
    instruction: str
    examples: tuple[Example, ...]
    digest: str

    @property
    def key(self) -> tuple[str, str, str]:
        return self.id, self.version, self.digest

    def messages(self, ask: str, piece: str) -> tuple[tuple[str, str], ...]:
        """The final messages: the instruction, the worked examples as turns, the question with its fenced excerpt."""
        turns: list[tuple[str, str]] = [("system", self.instruction)]
        for example in self.examples:
            turns.append(("user", _question(example.ask, example.text)))
            turns.append(("assistant", json.dumps(example.answer, ensure_ascii=False)))
        turns.append(("user", _question(ask, piece)))
        return tuple(turns)


def _question(ask: str, piece: str) -> str:
    return f"{ask}\n{fence(piece)}"


NAMES = (
    "requests.rows",
    "requests.rows.again",
    "requests.table",
    "disclosure.rows",
    "disclosure.row",
    "disputes.array",
    "disputes.keyed",
    "candidates",
    "narrative",
    "identity",
    "naive",
)


@lru_cache(maxsize=32)
def load(name: str) -> Prompt:
    """A prompt by its id. Errors: PromptError, naming the file and what is wrong with it."""
    file = files("extractor.prompts") / f"{name}.md"
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise PromptError("prompt_missing", f"prompts/{name}.md cannot be read.", "Install gouji again.") from error
    return parse(name, raw)


def parse(name: str, raw: bytes) -> Prompt:
    """A prompt from the bytes of its file, checked."""
    from jinja2 import Environment, StrictUndefined, TemplateError

    try:
        found = _HEAD.match(raw.decode("utf-8").replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        raise _broken(name, "it is not UTF-8") from error
    if not found:
        raise _broken(name, "it has no head between two lines +++")
    try:
        head = tomllib.loads(found.group(1))
        template = Environment(undefined=StrictUndefined, autoescape=False, trim_blocks=True).from_string(
            found.group(2)
        )
        instruction = template.render(_words()).strip()
        examples = tuple(
            Example(e["ask"].strip(), e["text"].strip("\n"), json.loads(e["answer"])) for e in head["examples"]
        )
        prompt = Prompt(
            head["id"], str(head["version"]), head["task"], head["schema"], instruction, examples,
            hashlib.sha256(raw).hexdigest(),
        )  # fmt: skip
    except (tomllib.TOMLDecodeError, TemplateError, KeyError, TypeError, ValueError) as error:
        raise _broken(name, f"{type(error).__name__}: {error}") from error
    if prompt.id != name:
        raise _broken(name, f"its id is {prompt.id}")
    for number, example in enumerate(prompt.examples, 1):
        _check(name, number, example)
    return prompt


def _check(name: str, number: int, example: Example) -> None:
    """An example's numbers cannot occur in a report, and its answer gives only what its text prints."""
    printed = re.sub(r"[\s,]", "", example.text).translate(str.maketrans("Ol", "01"))
    for value in _numbers(example.answer):
        if 0 < value < CANNOT_OCCUR:
            raise _broken(name, f"example {number} answers {value}, which may occur in a report")
        if str(value) not in printed:
            raise _broken(name, f"example {number} answers {value}, which its text does not print")


def _numbers(answer: Any) -> list[int | Decimal]:
    if isinstance(answer, dict):
        return [n for value in answer.values() for n in _numbers(value)]
    if isinstance(answer, list):
        return [n for value in answer for n in _numbers(value)]
    if isinstance(answer, bool) or answer is None:
        return []
    if isinstance(answer, int):
        return [answer]
    return [Decimal(str(answer))] if _NUMBER.fullmatch(str(answer)) else []


def _words() -> dict[str, Any]:
    """The form's words that a template may use."""
    return {
        "columns": [column.label for column in FORM.columns],
        "blocks": [next(b.label for b in FORM.blocks if b.key == key) for key in DISPUTE_BLOCKS],
        "outcomes": [next(c.label for c in FORM.dispute_columns if c.key == key) for key in DISPUTE_COLUMNS],
    }


def _broken(name: str, why: str) -> PromptError:
    return PromptError(
        "prompt_broken", f"prompts/{name}.md cannot be used: {why}.", "Mend the file or install gouji again."
    )
