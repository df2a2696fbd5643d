"""Which of the readings that the reader enumerated a model prefers: a suggestion for whoever decides, never a proof."""

from __future__ import annotations

from extractor.ask.answers import choice_answer
from extractor.ask.excerpts import LONGEST_ROW, excerpt
from extractor.ask.session import Said, Session
from extractor.form import FORM
from extractor.form.model import row_words
from extractor.reader.candidates import Row
from extractor.reader.tables import TableRead
from extractor.results import plain

# More readings are not worth a question; nor are more rows of one document.
MOST_READINGS, MOST_ROWS = 6, 3
_LETTERS = "ABCDEF"


async def prefer(session: Session, name: str, table: TableRead) -> list[Said]:
    """For rows that the text allows several readings of: which one a model would take."""
    said: list[Said] = []
    for row in table.rows.values():
        readings = list({c.values: c for c in row.candidates}.values())
        if not 2 <= len(readings) <= MOST_READINGS or len(said) == MOST_ROWS:
            continue
        lines = [
            f"{letter}. {', '.join('空' if v is None else str(plain(v)) for v in reading.values)}"
            for letter, reading in zip(_LETTERS, readings, strict=False)
        ]
        words = f"行：{_words(row)}\n读法：\n" + "\n".join(lines)
        piece = excerpt(session.reading.norm, _label_start(session, name, row), row.end, LONGEST_ROW)
        model = choice_answer(_LETTERS[: len(readings)])
        answer = await session.ask("candidates", words, piece, model, name, 20)
        letter = getattr(answer, "choice", "none")
        if letter in _LETTERS[: len(readings)]:
            values = readings[_LETTERS.index(letter)].values
            said.append(Said(row.spec.key, row.spec.paths, values, grounded=True, chosen=True))
    return said


def _words(row: Row) -> str:
    path = row.spec.paths[0]
    if path.startswith("requests."):
        return row_words(FORM, row.spec.key)
    return "、".join(FORM.words(path) for path in row.spec.paths)


def _label_start(session: Session, name: str, row: Row) -> int:
    region = getattr(session.reading.layout, name)
    return max((anchor.start for anchor in region.anchors if anchor.start <= row.start), default=row.start)
