"""Table 4: the fifteen figures asked as one array, proved by the three sums against every other choice of figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from extractor.ask.answers import array_answer, keyed_answer, of_keyed
from extractor.ask.evidence import BITS, bits, border_reading, candidate, readings_of, same_cells, shows_blanks
from extractor.ask.excerpts import excerpt
from extractor.ask.ground import is_number, lay, printed_numbers
from extractor.ask.rows import Outcome, figures
from extractor.ask.session import Said, Session
from extractor.form import DISPUTE_BLOCKS, DISPUTE_COLUMNS, FORM
from extractor.reader.anchors import Region
from extractor.reader.candidates import Candidate, Row, sums_hold
from extractor.reader.disputes import disputes_spec
from extractor.reader.fields import Field
from extractor.reader.tables import TableRead, settle_row
from extractor.results import Value

BY_EQUATIONS = frozenset({"unread", "ambiguous"})
_STRETCH = 1_500
_MAX_TOKENS = 160
Values = Sequence[Value | None]


async def improve(session: Session, table: TableRead) -> Outcome:
    """Asks for the row and proves the answer."""
    reading, spec = session.reading, disputes_spec()
    region = reading.layout.disputes
    if region is None or set(table.doubts) - BY_EQUATIONS:
        return Outcome()
    row = printed_row(region)
    found = figures(reading.norm, row)
    if sum(map(is_number, found)) < 2:
        return Outcome()
    bordered = shows_blanks(reading.norm, row)
    others = readings_of(found, spec, bordered)
    if others is None and not session.suggest:
        return Outcome()  # No answer could be proved.
    answer = await session.ask(
        "disputes.array",
        "十五格：",
        excerpt(reading.norm, row.start, row.end, _STRETCH),
        array_answer(len(spec.paths), printed_numbers(reading.norm, found)),
        "disputes",
        _MAX_TOKENS,
    )
    outcome = Outcome()
    if answer is None:
        return outcome
    values = tuple(answer.cells)  # type: ignore[attr-defined]
    layings = lay(reading.norm, found, values)
    outcome.said.append(Said(spec.key, spec.paths, values, bool(layings)))
    if not layings or others is None:
        return outcome
    read = [c for r in table.rows.values() for c in (*r.candidates, *r.reserve)]
    mine = [candidate(laying, spec, bordered) for laying in layings]
    ways = [c for c in dict.fromkeys([*mine, *others, *read]) if sums_hold(c.values, spec.blocks)]
    complete = [c for c in ways if None not in c.values]
    # An empty or lost cell that only its own sum supposes is not borne out: then the borders must show it.
    if len(found) < len(spec.paths) or not complete or {c.values for c in ways} != {mine[0].values}:
        ways = await _borders(session, table, row, found, values)
    if not ways:
        return outcome
    proved = TableRead([], True, rows={spec.key: replace(row, candidates=ways)})
    proved.cells = settle_row(spec, proved.rows[spec.key], proved)
    for cell in proved.cells:
        if cell.method == "rule":
            cell.method = "llm"
    outcome.table = proved
    return outcome


def printed_row(region: Region) -> Row:
    """The stretch that is shown of the table: from its heads on."""
    heads = sorted(region.header)
    start = max(heads[0].start if heads else region.start, region.floor)
    return Row(disputes_spec(), start, min(region.end, start + _STRETCH))


async def _borders(
    session: Session, table: TableRead, row: Row, found: Sequence[Field], values: Values
) -> list[Candidate]:
    """Where the sums leave several places: the places that the borders show, if two formulations see them too."""
    spec = disputes_spec()
    known = next(iter(table.rows.values()), None)
    reading = border_reading(session.reading.norm, known) if known else None
    if reading is None or not sums_hold(reading.values, spec.blocks):
        return []
    printed = printed_numbers(session.reading.norm, found)
    read = [cell.value for cell in reading.cells]
    if not same_cells(read, reading.values, values) or bits([values], [printed]) < BITS:
        return []
    rows = {block: tuple(DISPUTE_COLUMNS) for block in DISPUTE_BLOCKS}
    names = "，".join(f"{b.key}={b.label}" for b in FORM.blocks if b.key in rows)
    columns = "，".join(f"{c.key}={c.label}" for c in FORM.dispute_columns)
    answer = await session.ask(
        "disputes.keyed",
        f"格：{names}；{columns}",
        excerpt(session.reading.norm, row.start, row.end, _STRETCH),
        keyed_answer(rows, dict.fromkeys(rows, printed)),
        "disputes",
        2 * _MAX_TOKENS,
    )
    if answer is None:
        return []
    second = [value for block in of_keyed(answer) for value in block]
    return [reading] if same_cells(read, reading.values, second) else []
