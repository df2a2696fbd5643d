"""The naive baseline, what people do today: the whole document in one structured-output prompt, numbers typed.

No grounding, no rules, no refusal: what was answered is believed. A table of which every cell is given is `verified`,
one with some cells `reconciled`, one with none `failed`; cells have `method: "llm"`, no span and no raw text, and there
are no findings and no claims. An answer that does not follow the schema, after one re-ask, gives a document with an
error (code `model_…`) that is to be counted as unscored.

Favours to it, so that it is no straw man: the text is the one that gouji made of the file (HTML, encodings, OCR
markup), a file with several reports is divided by the reader, the form's version is the reader's, the schema is the
form's own, one worked example stands in the prompt, and one re-ask mends a malformed answer.

Limits: a document is cut at `LONGEST` characters. Where one object with the whole record does not fit into the model's
context (the profile's), or an answer is cut off, it is asked table by table, and then table 3 in pieces, each time with
the whole document; where not even that fits, the document is cut to what fits.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema, create_model

from extractor.ask import prompts
from extractor.ask.answers import Closed, as_written
from extractor.ask.session import AskFunction
from extractor.form import DISPUTE_BLOCKS, DISPUTE_COLUMNS, FORM, GROUPS, REQUEST_COLUMNS, TABLES, group_all
from extractor.form.equations import request_rows
from extractor.form.model import row_words
from extractor.llm.question import Answer, Question
from extractor.pipeline import Reading
from extractor.results import Cell, Result, Usage, Value, Verdict, document_verdict, failed, plain

LONGEST = 40_000
# Rows of table 3 in one question, where the whole table is too much.
PIECE = 8
# Failures that a smaller question may mend.
_TOO_MUCH = ("truncated", "too_long")
_ALL_ROWS = request_rows(frozenset(GROUPS))


@dataclass(frozen=True, slots=True)
class Part:
    """What one question asks: tables, and of table 3 these rows."""

    tables: tuple[str, ...]
    rows: tuple[str, ...] = ()


WHOLE = (Part(TABLES, _ALL_ROWS),)
BY_TABLE = (Part(("disclosure",)), Part(("requests",), _ALL_ROWS), Part(("disputes",)))
IN_PIECES = (
    Part(("disclosure",)),
    *(Part(("requests",), _ALL_ROWS[i : i + PIECE]) for i in range(0, len(_ALL_ROWS), PIECE)),
    Part(("disputes",)),
)
WAYS = (WHOLE, BY_TABLE, IN_PIECES)


# ---------------------------------------------------------------- the schema


def _whole(given: Any) -> Value | None:
    number = as_written(given)
    if number is not None and number != number.to_integral_value():
        raise ValueError("not a whole number")
    return None if number is None else int(number)


def _at_least_0(given: Value | None) -> Value | None:
    if given is not None and given < 0:
        raise ValueError("less than 0")
    return given


def _or_null(kind: str) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [{"type": kind}, {"type": "null"}]})


_KINDS: dict[str, Any] = {
    "count": Annotated[Any, BeforeValidator(lambda given: _at_least_0(_whole(given))), _or_null("integer")],
    "signed": Annotated[Any, BeforeValidator(_whole), _or_null("integer")],
    "amount": Annotated[Any, BeforeValidator(lambda given: _at_least_0(as_written(given))), _or_null("number")],
}
_WORD = Annotated[str | None, Field(max_length=80)]


def _model(name: str, fields: dict[str, Any]) -> type[BaseModel]:
    """A model whose fields bear these names, also those that Python does not allow."""
    make: Any = create_model
    named = {f"f{i}": (kind, Field(alias=key)) for i, (key, kind) in enumerate(fields.items())}
    made: type[BaseModel] = make(name, __base__=Closed, **named)
    return made


@lru_cache(maxsize=16)
def answer_model(version: str, part: Part) -> type[BaseModel]:
    """The record, or a part of it, as a model types it: every key of the form, null allowed in every cell."""
    fields: dict[str, Any] = {}
    if "disclosure" in part.tables:
        rows = {}
        for row in FORM.disclosure_rows(version):
            cells = {name: _KINDS[FORM.fields[name].kind] for name in row.fields[version]}
            rows[row.key] = _model(f"Disclosure_{row.key}", cells | ({"unit": _WORD} if "amount" in cells else {}))
        year = _KINDS["count"]
        fields |= {"organization": _WORD, "year": year, "disclosure": _model("Disclosure", rows)}
    if "requests" in part.tables:
        counts: Any = _model("Applicants", dict.fromkeys(REQUEST_COLUMNS, _KINDS["count"]))
        rows = {key: counts | None if key.endswith(".all") else counts for key in part.rows}
        fields["requests"] = _model("Requests", rows)
    if "disputes" in part.tables:
        outcomes = _model("Outcomes", dict.fromkeys(DISPUTE_COLUMNS, _KINDS["count"]))
        fields |= dict.fromkeys(DISPUTE_BLOCKS, outcomes)
    return _model("Record", fields)


def _asked(version: str, part: Part) -> str:
    """The fields in the form's own words: every endpoint sees them, also one that only enforces the schema."""
    lines = ["字段："]
    if "disclosure" in part.tables:
        lines.append("organization=发布机关，year=报告年度")
        rows = (
            f"{row.key}={row.label.label}（{_pairs((n, FORM.field_words(row.key, n)) for n in row.fields[version])}）"
            for row in FORM.disclosure_rows(version)
        )
        lines.append(f"disclosure：{'；'.join(rows)}；unit=金额单位")
    if "requests" in part.tables:
        rows = (f"{key}={row_words(FORM, key)}" for key in part.rows)
        columns = _pairs((column.key, column.label) for column in FORM.columns)
        lines.append(f"requests：行 {'；'.join(rows)}；列 {columns}")
        if any(key.endswith(".all") for key in part.rows):
            lines.append("（.all 是整组印成一行的，没有这一行就写 null）")
    if "disputes" in part.tables:
        blocks = _pairs((b.key, b.label) for b in FORM.blocks if b.key in DISPUTE_BLOCKS)
        lines.append(f"{blocks}：列 {_pairs((c.key, c.label) for c in FORM.dispute_columns)}")
    return "\n".join(lines)


def _pairs(named: Any) -> str:
    return "，".join(f"{key}={words}" for key, words in named)


# ---------------------------------------------------------------- how much fits


def _tokens(text: str) -> int:
    """Tokens of a text, rather too many: small models take each digit, tab and border for one."""
    wide = sum("一" <= char <= "鿿" for char in text)
    letters = sum(char.isascii() and char.isalpha() for char in text)
    return round(wide * 0.9 + letters * 0.3 + (len(text) - wide - letters) * 0.9)


@lru_cache(maxsize=16)
def _answer_length(version: str, part: Part) -> int:
    """Characters of an answer whose cells hold two digits each."""

    def blank(model: Any) -> Any:
        fields = model.model_fields.values()
        return {f.alias: blank(kind) if (kind := _inner(f.annotation)) is not None else 10 for f in fields}

    return len(json.dumps(blank(answer_model(version, part))))


def _inner(annotation: Any) -> Any:
    kinds = getattr(annotation, "__args__", (annotation,))
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None)


def _most(version: str, part: Part, context: int) -> int:
    """Tokens of the longest answer: printed with white space, where the context is large enough for that."""
    length = _answer_length(version, part)
    return max(length // 2, min(length, context // 4))


def _room(version: str, part: Part, context: int) -> int:
    """Tokens that are left for the document."""
    messages = prompts.load("naive").messages(_asked(version, part), "")
    return context - _most(version, part, context) - sum(_tokens(text) for _, text in messages) - 64


def way_for(version: str, text: str, context: int) -> int:
    """Which of `WAYS` holds the document, the coarsest first; the finest where none does."""
    need = _tokens(text)
    fitting = (i for i, way in enumerate(WAYS) if min(_room(version, part, context) for part in way) >= need)
    return next(fitting, len(WAYS) - 1)


def _cut(text: str, room: int) -> str:
    """The head of the text that has at most `room` tokens."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _tokens(text[:middle]) <= room else (low, middle - 1)
    return text[:low]


# ---------------------------------------------------------------- asking


@dataclass(slots=True)
class _Talk:
    reading: Reading
    ask: AskFunction
    context: int
    answers: list[Answer] = field(default_factory=list)

    async def put(self, text: str, part: Part) -> Answer:
        version = self.reading.version
        prompt = prompts.load("naive")
        piece = text if _tokens(text) <= (room := _room(version, part, self.context)) else _cut(text, max(room, 200))
        table = part.tables[0] if len(part.tables) == 1 else "record"
        question = Question(
            prompt.key,
            prompt.messages(_asked(version, part), piece),
            answer_model(version, part),
            _most(version, part, self.context),
            self.reading.sha256,
            table,
        )
        answer = await self.ask(question)
        self.answers.append(answer)
        return answer


def shown_text(reading: Reading, alone: bool) -> str:
    """What the naive way shows of a report's document: all of it, or its part of a file with several reports."""
    text = reading.text if alone else reading.text[reading.layout.start : reading.layout.end]
    return text[:LONGEST].encode("utf-8", "replace").decode("utf-8")


def whole_question(version: str, text: str) -> tuple[tuple[tuple[str, str], ...], type[BaseModel]]:
    """The messages (role, content) and the answer's model of the one question that asks for the whole record."""
    (part,) = WHOLE
    return tuple(prompts.load("naive").messages(_asked(version, part), text)), answer_model(version, part)


async def read_naively(reading: Reading, ask: AskFunction, context: int, alone: bool = True) -> Result:
    """One report in the naive way. `alone`: it is the only one of its file, and the whole text is shown.

    Never raises on a document: what fails stands in `error`, `unanswered` counts questions without an answer.
    """
    if not reading.text.strip():
        return reading.error or _failure(reading, "empty", "The text is empty.")
    text = shown_text(reading, alone)
    talk = _Talk(reading, ask, context)
    way = way_for(reading.version, text, context)
    while True:
        values: dict[str, Any] = {}
        broken: Answer | None = None
        for part in WAYS[way]:
            answer = await talk.put(text, part)
            if answer.value is None:
                broken = answer
                break
            _flatten(answer.value, (), values)
        if broken is None:
            result = _result(reading, values)
            break
        if broken.failure in _TOO_MUCH and way + 1 < len(WAYS):
            way += 1
            continue
        result = _failure(reading, f"model_{broken.failure or 'malformed'}", broken.detail or "There is no answer.")
        result.unanswered = 1
        break
    result.usage = _usage(talk.answers)
    return result


def _flatten(answer: BaseModel, path: tuple[str, ...], values: dict[str, Any]) -> None:
    """Dotted path → what was typed."""
    for name, info in type(answer).model_fields.items():
        value, here = getattr(answer, name), (*path, str(info.alias))
        if isinstance(value, BaseModel):
            _flatten(value, here, values)
        else:
            values[".".join(here)] = value


def _result(reading: Reading, values: dict[str, Any]) -> Result:
    groups = frozenset(
        group
        for group in GROUPS
        if any(values.get(f"requests.{group_all(group)}.{c}") is not None for c in REQUEST_COLUMNS)
    )
    unit = values.get("disclosure.fees.unit")
    tables: dict[str, list[Cell]] = {
        "disclosure": [
            _cell(values, f"disclosure.{row.key}.{name}", unit if name == "amount" else None)
            for row in FORM.disclosure_rows(reading.version)
            for name in row.fields[reading.version]
        ],
        "requests": [_cell(values, f"requests.{row}.{c}") for row in request_rows(groups) for c in REQUEST_COLUMNS],
        "disputes": [_cell(values, f"{block}.{c}") for block in DISPUTE_BLOCKS for c in DISPUTE_COLUMNS],
    }
    verdicts = {name: _verdict(cells) for name, cells in tables.items()}
    if set(verdicts.values()) == {"failed"}:
        return _failure(reading, "no_tables", "The model gave no number of the form's three tables.")
    year = values.get("year")
    return Result(
        source=reading.source,
        sha256=reading.sha256,
        verdict=document_verdict(verdicts),
        verdicts=verdicts,
        record=_record(reading.version, tables, values.get("organization") or None, year),
        cells=[cell for cells in tables.values() for cell in cells],
        findings=[],
        text=reading.text,
    )


def _cell(values: dict[str, Any], path: str, unit: str | None = None) -> Cell:
    value = values.get(path)
    if value is None:
        return Cell(path, state="blank", unit=unit)
    return Cell(path, value, "reported", method="llm", unit=unit)


def _verdict(cells: Sequence[Cell]) -> Verdict:
    given = sum(cell.value is not None for cell in cells)
    return "failed" if not given else "verified" if given == len(cells) else "reconciled"


def _record(version: str, tables: dict[str, list[Cell]], organization: str | None, year: int | None) -> dict[str, Any]:
    record: dict[str, Any] = {
        "form": version,
        "organization": organization,
        "year": year,
        "title": None,
        "sections": {section.key: None for section in FORM.sections},
        "disclosure": {},
        "requests": {},
        **{block: {} for block in DISPUTE_BLOCKS},
    }
    for cells in tables.values():
        for cell in cells:
            row, _, column = cell.path.rpartition(".")
            top, _, key = row.partition(".")
            held = record[top].setdefault(key, {}) if key else record[top]
            held[column] = plain(cell.value)
            if column == "amount":
                held["unit"] = cell.unit
    return record


def _failure(reading: Reading, code: str, message: str) -> Result:
    return failed(
        reading.source, reading.sha256, code, message, "The baseline tries no more: it goes unscored.", reading.text
    )


def _usage(answers: Sequence[Answer]) -> Usage:
    costs = [answer.cost for answer in answers if answer.calls]
    known = costs and all(cost is not None for cost in costs)
    return Usage(
        sum(answer.calls for answer in answers),
        sum(answer.prompt_tokens for answer in answers),
        sum(answer.completion_tokens for answer in answers),
        format(sum((Decimal(cost) for cost in costs if cost is not None), Decimal(0)), "f") if known else None,
    )
