"""Table 2: no equation can prove it, so two independent witnesses must agree in every cell.

The witnesses are the reader and the model where the reader has one reading of every cell and doubts it; or two
formulations of the question where the reader has none, and then only where each row's printed numbers fill its cells
exactly as they stand. Digits that can be cut in several ways are never decided by a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

from extractor.ask.answers import array_answer, of_rows, rows_answer
from extractor.ask.evidence import BITS, bits, border_reading, candidate
from extractor.ask.excerpts import LONGEST_ROW, excerpt
from extractor.ask.ground import is_number, lay, printed_numbers, tokens
from extractor.ask.rows import Outcome, figures
from extractor.ask.session import Said, Session
from extractor.form import FORM
from extractor.form.model import DisclosureRow, fold
from extractor.reader.candidates import Row, RowSpec
from extractor.reader.disclosure import disclosure_spec
from extractor.reader.tables import TableRead, settle_row
from extractor.results import Cell, Value

LIFTED = frozenset({"unread", "claimed", "order"})
_MAX_TOKENS = 500
Values = list[Value | None]


@dataclass(slots=True)
class _Asked:
    form_rows: Sequence[DisclosureRow]
    version: str
    piece: str
    printed: tuple[Value, ...]

    def widths(self) -> list[int]:
        return [len(row.fields[self.version]) for row in self.form_rows]


async def improve(session: Session, table: TableRead) -> Outcome:
    """Reads the table again and keeps what two witnesses say alike."""
    reading = session.reading
    region = reading.layout.disclosure
    if region is None or set(table.doubts) - LIFTED:
        return Outcome()
    form_rows = FORM.disclosure_rows(reading.version)
    found = tokens(reading.norm, region.start, region.end, ("amount", "signed"))
    if not found:
        return Outcome()
    asked = _Asked(
        form_rows,
        reading.version,
        excerpt(reading.norm, region.start, region.end),
        _as_printed(printed_numbers(reading.norm, found)),
    )
    rows = {key: _by_borders(reading.norm, row) for key, row in table.rows.items()}
    readings = _reader(rows, form_rows, reading.version)
    if readings is not None and _enough(readings, asked):
        return await _with_reader(session, table, rows, asked, readings)
    if any(len(row.candidates) > 1 for row in table.rows.values()):
        return Outcome()  # The text allows several readings; a model's choice among them is no proof.
    return await _alone(session, table, asked)


def _as_printed(values: tuple[Value, ...]) -> tuple[Value, ...]:
    """The numbers both as counts and as amounts: which one a cell is, its column says."""
    return (*values, *(Decimal(v) for v in values if isinstance(v, int)))


def _by_borders(norm: str, row: Row) -> Row:
    """A row with several readings as its borders show it, where they do; else the row as it is."""
    reading = border_reading(norm, row) if len(row.candidates) > 1 else None
    return row if reading is None else replace(row, candidates=[reading])


def _reader(rows: dict[str, Row], form_rows: Sequence[DisclosureRow], version: str) -> list[Values] | None:
    """The reader's one reading of every cell, candidate readings included; None where it has several or none."""
    out: list[Values] = []
    for row in form_rows:
        read = rows.get(row.key)
        if read is None:
            out.append([None] * len(row.fields[version]))
        elif len(read.candidates) == 1:
            out.append([cell.value for cell in read.candidates[0].cells])
        elif not read.candidates and read.problem == "no_figures":
            out.append([None] * len(read.spec.paths))
        else:
            return None
    return out if any(value is not None for row in out for value in row) else None


def _enough(answers: Sequence[Values], asked: _Asked) -> bool:
    known = [[value for value in row if value is not None] for row in answers]
    return bits(known, [asked.printed] * len(known)) / 2 >= BITS


async def _ask_rows(session: Session, asked: _Asked) -> list[Values] | None:
    fields = {key: f.label.label for key, f in FORM.fields.items()}
    lines = [
        f"{i}. {row.label.label}：{'、'.join(fields[name] for name in row.fields[asked.version])}"
        for i, row in enumerate(asked.form_rows, 1)
    ]
    printed = [_of_kind(asked.printed, row.fields[asked.version]) for row in asked.form_rows]
    answer = await session.ask(
        "disclosure.rows",
        "行：\n" + "\n".join(lines),
        asked.piece,
        rows_answer(asked.widths(), printed),
        "disclosure",
        _MAX_TOKENS,
    )
    return None if answer is None else of_rows(answer)


async def _ask_row(session: Session, asked: _Asked, index: int, row: Row) -> Values | None:
    """One row by itself, as it stands behind its label."""
    form_row = asked.form_rows[index]
    names = form_row.fields[asked.version]
    words = f"{form_row.label.label}：{'、'.join(FORM.field_words(form_row.key, name) for name in names)}"
    region = session.reading.layout.disclosure
    assert region is not None
    start = max((a.start for a in region.anchors if a.start <= row.start), default=row.start)
    piece = excerpt(session.reading.norm, start, row.end, LONGEST_ROW)
    model = array_answer(len(names), _of_kind(asked.printed, names))
    answer = await session.ask("disclosure.row", words, piece, model, "disclosure", 60)
    return None if answer is None else list(answer.cells)  # type: ignore[attr-defined]


def _of_kind(printed: tuple[Value, ...], names: Sequence[str]) -> tuple[Value, ...]:
    """Counts for rows of counts, amounts for rows with an amount."""
    money = any(FORM.fields[name].kind == "amount" for name in names)
    mixed = money and len(names) > 1
    return tuple(v for v in printed if mixed or isinstance(v, Decimal) == money)


async def _with_reader(
    session: Session, table: TableRead, rows: dict[str, Row], asked: _Asked, readings: list[Values]
) -> Outcome:
    """Reader and model are the witnesses; a figure in pieces, with look-alike letters, or placed by its borders alone
    needs its row to be read alike by itself."""
    outcome = Outcome()
    first = await _ask_rows(session, asked)
    if first is None:
        return outcome
    _say(outcome, asked, first, [_same(a, b) for a, b in zip(first, readings, strict=True)])
    if not _all_same(first, readings):
        return outcome
    for index, form_row in enumerate(asked.form_rows):
        row = rows.get(form_row.key)
        tentative = row is not None and any(cell.tentative for found in row.candidates for cell in found.cells)
        if row is None or not (tentative or row is not table.rows[form_row.key]):
            continue
        second = await _ask_row(session, asked, index, row)
        if second is None or not _same(second, readings[index]):
            return outcome
    by_borders = {key for key, row in rows.items() if row is not table.rows[key]}
    outcome.table = _settled(table, rows, asked, by_borders)
    return outcome


async def _alone(session: Session, table: TableRead, asked: _Asked) -> Outcome:
    """Two formulations are the witnesses, and every row's printed numbers must fill its cells as they stand."""
    outcome = Outcome()
    if not session.suggest and not _can_be_laid(session, table, asked):
        return outcome
    first = await _ask_rows(session, asked)
    if first is None:
        return outcome
    rows = _laid(session, table, asked, first)
    _say(outcome, asked, first, [rows is not None] * len(first))
    if rows is None or not _enough(first, asked):
        return outcome
    sure = _sure(table)
    for index, form_row in enumerate(asked.form_rows):
        if form_row.key in sure or form_row.key not in rows:
            continue
        second = await _ask_row(session, asked, index, rows[form_row.key])
        if second is None or not _same(second, first[index]):
            return outcome
    outcome.table = _settled(table, rows, asked, set(rows) - sure)
    return outcome


def _sure(table: TableRead) -> set[str]:
    return {key for key, row in table.rows.items() if len(row.candidates) == 1}


def _can_be_laid(session: Session, table: TableRead, asked: _Asked) -> bool:
    """Whether every row prints as many numbers or marks as it has cells: else no answer could be proved."""
    for stretch, members in _segments(session, table, asked):
        width = sum(asked.widths()[i] for i in members)
        found = figures(session.reading.norm, Row(_kinds_of(asked, members), *stretch))
        if width not in (len(found), sum(map(is_number, found))):
            return False
    return bool(table.rows)


def _kinds_of(asked: _Asked, members: list[int]) -> RowSpec:
    """The first row's specification with the kinds of all rows of a stretch."""
    specs = [disclosure_spec(asked.form_rows[i].key, asked.version) for i in members]
    return specs[0]._replace(kinds=tuple(kind for spec in specs for kind in spec.kinds))


def _laid(session: Session, table: TableRead, asked: _Asked, answers: list[Values]) -> dict[str, Row] | None:
    """Each answer laid over its own row's stretch, no number over and none in pieces; None where one does not lie."""
    norm = session.reading.norm
    rows: dict[str, Row] = {}
    for stretch, members in _segments(session, table, asked):
        values = [value for i in members for value in answers[i]]
        found = figures(norm, Row(_kinds_of(asked, members), *stretch))
        if sum(map(is_number, found)) < len(values) and len(found) != len(values):
            return None  # Which cell is empty is not to be seen.
        layings = lay(norm, found, values)
        if len(layings) != 1 or layings[0].skipped or layings[0].cut or layings[0].joined:
            return None
        at = 0
        for i in members:
            spec = disclosure_spec(asked.form_rows[i].key, asked.version)
            part = layings[0]._replace(cells=layings[0].cells[at : at + len(spec.paths)])
            at += len(spec.paths)
            if any(cell.tentative for cell in part.cells):
                return None
            rows[spec.key] = Row(spec, *stretch, candidates=[candidate(part, spec, bordered=False)])
            known = table.rows.get(spec.key)
            if known and len(known.candidates) == 1:
                if known.candidates[0].values != rows[spec.key].candidates[0].values:
                    return None
                rows[spec.key] = known
    return rows


def _segments(session: Session, table: TableRead, asked: _Asked) -> list[tuple[tuple[int, int], list[int]]]:
    """Stretches of the text with the rows (by place) that lie in them: a row whose label was not found lies in the
    stretch of the row before it, if its words are printed there."""
    norm = session.reading.norm
    found = [i for i, row in enumerate(asked.form_rows) if row.key in table.rows]
    out: list[tuple[tuple[int, int], list[int]]] = []
    for here, following in pairwise([*found, len(asked.form_rows)]):
        row = table.rows[asked.form_rows[here].key]
        members = [here]
        for i in range(here + 1, following):
            words = set(fold(asked.form_rows[i].label.label))
            if sum(char in norm[row.start : row.end] for char in words) * 4 >= len(words) * 3:
                members.append(i)
        out.append(((row.start, row.end), members))
    return out


def _same(a: Values, b: Values) -> bool:
    return len(a) == len(b) and all(
        (x is None and y is None) or (x is not None and y is not None and x == y) for x, y in zip(a, b, strict=True)
    )


def _all_same(a: list[Values], b: list[Values]) -> bool:
    return all(_same(x, y) for x, y in zip(a, b, strict=True))


def _say(outcome: Outcome, asked: _Asked, answers: list[Values], grounded: list[bool]) -> None:
    for row, values, good in zip(asked.form_rows, answers, grounded, strict=True):
        spec = disclosure_spec(row.key, asked.version)
        outcome.said.append(Said(row.key, spec.paths, tuple(values), good))


def _settled(table: TableRead, rows: dict[str, Row], asked: _Asked, by_model: set[str]) -> TableRead:
    proved = TableRead([], True, [d for d in table.doubts if d not in LIFTED], rows=rows)
    units = {cell.path: cell.unit for cell in table.cells}
    for row in asked.form_rows:
        spec = disclosure_spec(row.key, asked.version)
        cells: list[Cell] = settle_row(spec, rows.get(row.key), proved)
        for cell in cells:
            if cell.path.endswith(".amount"):
                cell.unit = cell.unit or units.get(cell.path)
            if row.key in by_model or cell.path in proved.tentative:
                cell.method = "llm" if cell.method == "rule" else cell.method
        proved.cells.extend(cells)
    proved.tentative.clear()  # Both witnesses read the figure alike.
    return proved
