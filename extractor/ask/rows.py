"""Rows of table 3 as they are asked: which of their printed figures count, what a model is shown, its answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from extractor.ask.answers import of_rows, rows_answer
from extractor.ask.evidence import readings_of
from extractor.ask.excerpts import LONGEST_ROW, excerpt
from extractor.ask.ground import Laying, lay, tokens
from extractor.ask.session import Said, Session, chunks
from extractor.form import FORM
from extractor.form.model import row_words
from extractor.reader.candidates import Row
from extractor.reader.fields import Field
from extractor.reader.reports import SENTENCE
from extractor.reader.tables import TableRead
from extractor.results import Value

TOKENS_PER_ROW = 60
_HEAD = 160  # characters of the heads that are shown
_WORD = re.compile(r"[一-鿿A-Za-z]")
_NOTE_MARK = re.compile(r"(?:注|附件|附注|说明)[ ]?$|\[[ ]?$")


@dataclass(slots=True)
class Outcome:
    """What the stage made of a table: the proved table or None, and what was said of each row."""

    table: TableRead | None = None
    said: list[Said] = field(default_factory=list)
    stuck: bool = False  # an answer could not be laid over the text, or breaks the rules


@dataclass(slots=True)
class AskedRow:
    """A row that is asked: its printed numbers and marks, the answers so far, how the last one lies over the print."""

    row: Row
    found: list[Field]
    printed: tuple[Value, ...]
    answers: list[tuple[Value | None, ...]] = field(default_factory=list)
    layings: list[Laying] = field(default_factory=list)


def figures(norm: str, row: Row) -> list[Field]:
    """The printed numbers and marks of a row's stretch, those that stand in sentences left out."""
    found = tokens(norm, row.start, min(row.end, row.start + LONGEST_ROW), row.spec.kinds)
    return [f for f in found if not SENTENCE.match(norm, f.end - 1) and not _among_words(norm, row, f)]


def _among_words(norm: str, row: Row, field: Field) -> bool:
    """Whether a number is a note's or stands among the words of a bordered cell (a remark): none of the row's."""
    if _NOTE_MARK.search(norm, row.start, field.start):
        return True
    begin = max(norm.rfind(border, row.start, field.start) for border in "|\t\n")
    ends = [end for end in (norm.find(border, field.end, row.end) for border in "|\t\n") if end >= 0]
    if begin < 0 or not any(border in norm[row.start : row.end] for border in "|\t"):
        return False
    around = norm[begin + 1 : field.start] + norm[field.end : min(ends, default=row.end)]
    return len(_WORD.findall(around)) >= 2


def hopeless(asked: AskedRow) -> bool:
    """Whether no answer could be proved: the row prints too much, or what it prints cannot be read."""
    return not asked.row.candidates and readings_of(asked.found, asked.row.spec, bordered=False) is None


async def ask_rows(session: Session, prompt: str, asked: Mapping[str, AskedRow]) -> None:
    """Asks about rows, so many to a question as the endpoint's profile says, and lays the answers over the print."""
    for keys in chunks(list(asked), session.rows_per_question):
        rows = [asked[key] for key in keys]
        piece = head_of(session) + "\n".join(_shown(session, row.row) for row in rows)
        model = rows_answer([7] * len(rows), [row.printed for row in rows])
        words = "行：\n" + "\n".join(f"{i}. {row_words(FORM, key)}" for i, key in enumerate(keys, 1))
        answer = await session.ask(prompt, words, piece, model, "requests", 20 + TOKENS_PER_ROW * len(rows))
        if answer is None:
            continue
        for row, values in zip(rows, of_rows(answer), strict=True):
            row.answers.append(tuple(values))
            row.layings = lay(session.reading.norm, row.found, values)


def head_of(session: Session) -> str:
    """The table's heads as printed, the last of them where they are long."""
    region = session.reading.layout.requests
    assert region is not None
    first = region.anchors[0].start
    heads = [hit for hit in region.header if hit.end <= first and hit.kind != "section"]
    if not heads:
        return ""
    start = max(heads[0].start, first - _HEAD)
    printed = " ".join(excerpt(session.reading.norm, start, first).split())
    return f"表头：{printed}\n"


def _shown(session: Session, row: Row) -> str:
    """A row as a model sees it: its label and what is printed behind it."""
    region = session.reading.layout.requests
    assert region is not None
    anchor = next((a for a in region.anchors if a.key == row.spec.key), None)
    start = min(anchor.start, row.start) if anchor else row.start
    end = max(row.end, anchor.end if anchor else 0)
    return excerpt(session.reading.norm, start, end, LONGEST_ROW)
