"""Table 3: rows in doubt are asked, laid over their own stretch, and proved by the equations together with all others.

A row's identity is its label's and is never asked: the reader found the label, the model only says which of the numbers
printed behind it stand in which cell. Proof: with the answers every row is read, every equation that includes an answer
can be assessed, all hold, and no other reading in hand (the reader's, or another choice or place of the same printed
numbers) lets them hold as well.
"""

from __future__ import annotations

from dataclasses import replace

from extractor.ask.answers import of_rows, rows_answer
from extractor.ask.evidence import (
    BITS,
    bits,
    border_reading,
    candidate,
    choose_laying,
    readings_of,
    same_cells,
    shows_blanks,
    usual_skips,
)
from extractor.ask.excerpts import excerpt
from extractor.ask.ground import Laying, is_number, printed_numbers, tokens
from extractor.ask.rows import TOKENS_PER_ROW, AskedRow, Outcome, ask_rows, figures, head_of, hopeless
from extractor.ask.session import Said, Session, chunks
from extractor.form import FORM, GROUPS, REQUEST_COLUMNS, equations
from extractor.form.derive import derive
from extractor.form.equations import request_rows
from extractor.form.model import row_words
from extractor.reader.candidates import Candidate, Row, sums_hold
from extractor.reader.fields import Field
from extractor.reader.joint import choose, holds
from extractor.reader.requests import broken_columns, request_spec, vector_equations
from extractor.reader.tables import TableRead, settle_row, unclaimed
from extractor.results import Value

# Doubts that a proof by equations answers, and those that only two witnesses for the whole table do.
BY_EQUATIONS = frozenset({"unread", "ambiguous", "contradiction"})
BY_WITNESSES = frozenset({"claimed"})
# One answer in so many may be refuted by the equations.
FEW = 8
# So many rows that leave out the number in the same place have a column there that is not the form's.
_COLUMN = 15


async def improve(session: Session, table: TableRead) -> Outcome:
    """Asks about the rows in doubt and proves what the answers allow."""
    reading = session.reading
    doubts = set(table.doubts)
    if reading.layout.requests is None or not table.rows or doubts - BY_EQUATIONS - BY_WITNESSES:
        return Outcome()
    asked = _open_rows(reading.norm, table)
    if not asked:
        return await _witness(session, table) if doubts & BY_WITNESSES else Outcome()
    if not session.suggest and any(hopeless(row) for row in asked.values()):
        return Outcome()
    await ask_rows(session, "requests.rows", asked)
    outcome, doubtful = _prove(session, table, asked)
    if outcome.table is None and doubtful:
        # Once more, with the rows in doubt named and nothing else said.
        await ask_rows(session, "requests.rows.again", {key: asked[key] for key in doubtful})
        outcome, _ = _prove(session, table, asked, wrong=len(asked) // FEW)
    if outcome.table is None and not outcome.stuck:
        outcome.table = await _borders(session, table, asked)
    return outcome


def _open_rows(norm: str, table: TableRead) -> dict[str, AskedRow]:
    """The rows without one reading, and those whose reading rests on equations that do not hold."""
    asked = {}
    all_figures = {key: figures(norm, row) for key, row in table.rows.items()}
    # A column that is not the form's: a row with as many figures as cells has then lost one of its own.
    crowded = sum(sum(map(is_number, found)) == 8 for found in all_figures.values()) >= _COLUMN
    torn = "contradiction" in table.doubts
    for key, row in table.rows.items():
        single = len(row.candidates) == 1
        plain = single and all(cell.state == "reported" and not cell.tentative for cell in row.candidates[0].cells)
        illegible = single and any(cell.state == "illegible" for cell in row.candidates[0].cells)
        if single and not crowded and (plain or not (torn or illegible)):
            continue
        if not row.candidates and row.problem == "no_figures":
            continue
        found = all_figures[key]
        if found:
            asked[key] = AskedRow(row, found, printed_numbers(norm, found))
    return asked


def _prove(session: Session, table: TableRead, asked: dict[str, AskedRow], wrong: int = 0) -> tuple[Outcome, list[str]]:
    """The proved table, or none; and the rows worth asking again.

    `wrong`: so many answers may be refuted: where the equations leave one reading of every row, and that is the model's
    in all other rows, the few are read as the equations leave them, not as the model said.
    """
    norm = session.reading.norm
    usual = usual_skips([row.layings for row in asked.values()])
    laid: dict[str, Candidate] = {}
    chosen: dict[str, Laying] = {}
    patterns: dict[str, tuple[int, ...]] = {}
    outcome = Outcome()
    for key, row in asked.items():
        laying = choose_laying(row.layings, usual)
        if row.answers:
            outcome.said.append(Said(key, row.row.spec.paths, row.answers[-1], laying is not None))
        if laying is not None and _side(row.found, laying) != "between":
            laid[key] = candidate(laying, row.row.spec, shows_blanks(norm, row.row))
            chosen[key], patterns[key] = laying, laying.skipped
    if len({side for key, laying in chosen.items() if (side := _side(asked[key].found, laying))} | {""}) > 2:
        laid.clear()  # Numbers left out now before the cells and now behind them are no column.
    column = usual if usual and sum(p == usual for p in patterns.values()) >= _COLUMN else None
    if column:
        laid = {key: mine for key, mine in laid.items() if patterns[key] == column}
    else:
        wrong = 0
    missing = [key for key, row in asked.items() if key not in laid]
    if len(missing) > wrong:
        outcome.stuck = True
        return outcome, [key for key in missing if asked[key].answers]
    patterns |= dict.fromkeys(missing, column or ())
    weighed = _weigh(norm, table, asked, laid, patterns, column is not None)
    if weighed is None:
        return outcome, []
    rows, groups, alone = weighed
    rules = vector_equations(groups, alone)
    choice = choose({key: row.candidates for key, row in rows.items()}, rules)
    if not choice.solved or not holds(choice.viable, rules):
        outcome.stuck = True
        if _printed_so(rows, laid, chosen, groups, alone) and not _left_over(session, rows, asked, patterns):
            outcome.table = _settled(table, rows, set(laid), groups, alone)
            return outcome, []
        broken = [key for key, mine in laid.items() if not sums_hold(mine.values, asked[key].row.spec.blocks)]
        return outcome, broken or list(asked)
    refuted = list(missing)
    for key, viable in choice.viable.items():
        values = {c.values for c in viable}
        if len(values) > 1:
            return outcome, []
        if key in laid and laid[key].values not in values:
            refuted.append(key)
        rows[key].candidates = viable
    if len(refuted) > wrong:
        return outcome, refuted if len(refuted) <= len(asked) // FEW else []
    if not _assessed(rows, asked, groups, alone):
        return outcome, []
    if _left_over(session, rows, asked, patterns):
        return outcome, []
    outcome.table = _settled(table, rows, set(laid) - set(refuted), groups, alone)
    return outcome, []


def _weigh(
    norm: str,
    table: TableRead,
    asked: dict[str, AskedRow],
    laid: dict[str, Candidate],
    patterns: dict[str, tuple[int, ...]],
    column: bool,
) -> tuple[dict[str, Row], frozenset[str], frozenset[str]] | None:
    """Every row with every reading in hand; None where some row has too many.

    `column`: the numbers left out are a column of their own. Then no reading may use them: in place of a misprint the
    next column's figure would mend the table.
    """
    rows: dict[str, Row] = {}
    for key, row in table.rows.items():
        if key not in asked:
            if row.candidates:
                rows[key] = replace(row)
            continue
        mine = laid.get(key)
        if mine and key.endswith(".all") and all(value is None for value in mine.values):
            continue  # The group's label heads no figures of its own.
        others = readings_of(asked[key].found, row.spec, shows_blanks(norm, row))
        if others is None:
            if not row.candidates:
                return None
            others = []
        if patterns[key]:
            # Other choices of figures count by their values; of the figures chosen, every place counts.
            kept = [f for i, f in enumerate(asked[key].found) if i not in patterns[key]]
            others = [] if column else [c for c in others if mine and c.values != mine.values]
            others += readings_of(kept, row.spec, shows_blanks(norm, row)) or []
        known = () if column else (*row.candidates, *row.reserve)
        ways = [*([mine] if mine else ()), *others, *known]
        if not ways:
            return None
        rows[key] = replace(row, candidates=list(dict.fromkeys(ways)), problem="", broken=False)
    groups = frozenset(key.split(".")[0] for key in rows if key.endswith(".all"))
    alone = frozenset(g for g in groups if not any(key in rows for key in GROUPS[g]))
    return rows, groups, alone


def _side(found: list[Field], laying: Laying) -> str:
    """Where the numbers lie that an answer leaves out: before or behind the row's cells, or between them."""
    printed = [(cell.start, cell.end) for cell in laying.cells if cell.end]
    if not laying.skipped or not printed:
        return ""
    if all(found[i].end <= printed[0][0] for i in laying.skipped):
        return "before"
    return "behind" if all(found[i].start >= printed[-1][1] for i in laying.skipped) else "between"


def _printed_so(
    rows: dict[str, Row],
    laid: dict[str, Candidate],
    chosen: dict[str, Laying],
    groups: frozenset[str],
    alone: frozenset[str],
) -> bool:
    """Whether the table prints an error of its own: every row prints its seven figures, beside a column that is not
    the form's where there is one, and one misprinted cell explains all that does not add up."""
    columns = {laying.skipped for laying in chosen.values()}
    if len(columns) > 1 or (columns != {()} and len(chosen) < len(rows)):
        return False  # A column that is not the form's runs through every row.
    if any(laying.cut or laying.joined for laying in chosen.values()):
        return False
    printed = {}
    for key, row in rows.items():
        one = [laid[key]] if key in laid else row.candidates
        if len(one) != 1 or any(cell.state != "reported" or cell.tentative for cell in one[0].cells):
            return False
        printed[key] = one
    if not printed.keys() >= set(_needed(groups, alone)):
        return False
    sums = sum(not sums_hold(c.values, request_spec(key).blocks) for key, (c,) in printed.items())
    columns_off = broken_columns(printed, vector_equations(groups, alone))
    if not (sums <= 1 and columns_off <= 1 and sums + columns_off):
        return False
    for key, one in printed.items():
        rows[key].candidates = one
    return True


def _needed(groups: frozenset[str], alone: frozenset[str]) -> list[str]:
    """The rows that the equations speak of: all, but for sub-rows that their group's row stands for."""
    return [key for key in request_rows(groups) if not any(key in GROUPS[group] for group in alone)]


def _assessed(rows: dict[str, Row], asked: dict[str, AskedRow], groups: frozenset[str], alone: frozenset[str]) -> bool:
    """Whether each number that an answer gives stands in a column of which every other cell is printed or must be 0."""
    values: dict[str, int | None] = {}
    for key in request_rows(groups):
        found = rows[key].candidates[0].values if key in rows else (None,) * 7
        values |= {f"requests.{key}.{c}": v for c, v in zip(REQUEST_COLUMNS, found, strict=True)}  # type: ignore[misc]
    rules = [e for e in equations(groups, alone) if e.code.startswith("requests.")]
    derived, impossible = derive(values, rules)
    if impossible:
        return False
    for index, column in enumerate(REQUEST_COLUMNS):
        paths = [f"requests.{key}.{column}" for key in _needed(groups, alone)]
        known = all(values[path] is not None or derived.get(path, (1,))[0] == 0 for path in paths)
        given = any(key in rows and rows[key].candidates[0].cells[index].end for key in asked)
        if given and not known:
            return False
    return True


def _left_over(
    session: Session, rows: dict[str, Row], asked: dict[str, AskedRow], patterns: dict[str, tuple[int, ...]]
) -> bool:
    """Whether figures of the table belong to no row and no answer left them out knowingly."""
    region = session.reading.layout.requests
    assert region is not None
    left_out = {asked[key].found[i].start for key, places in patterns.items() for i in places}
    runs = unclaimed(session.reading.norm, region, list(rows.values()))
    for run in runs:
        rest = [f for f in run if f.start not in left_out]
        if len(rest) >= 3 or sum(len(f.text) for f in rest) >= 5:
            return True
    return False


def _settled(
    table: TableRead, rows: dict[str, Row], by_model: set[str], groups: frozenset[str], alone: frozenset[str]
) -> TableRead:
    doubts = [doubt for doubt in table.doubts if doubt not in BY_EQUATIONS | BY_WITNESSES]
    proved = TableRead([], True, doubts, groups, alone, rows=rows)
    for key in request_rows(groups):
        cells = settle_row(request_spec(key), rows.get(key), proved)
        for cell in cells:
            if key in by_model and cell.method == "rule":
                cell.method = "llm"
        proved.cells.extend(cells)
    return proved


# ---------------------------------------------------------------- two witnesses


async def _borders(session: Session, table: TableRead, asked: dict[str, AskedRow]) -> TableRead | None:
    """Where equations leave several places: the places that the borders show, if two formulations see them too.

    The borders are one witness (every printed field in its place, no cell supposed lost), the model the other.
    """
    if set(table.doubts) - {"ambiguous"}:
        return None
    rows = {key: replace(row) for key, row in table.rows.items() if row.candidates}
    for key, row in asked.items():
        reading = border_reading(session.reading.norm, row.row)
        if reading is None or not row.answers:
            return None
        if not same_cells([cell.value for cell in reading.cells], reading.values, row.answers[-1]):
            return None
        rows[key].candidates = [reading]
    rules = vector_equations(table.groups, table.without_sub_rows)
    if any(len(row.candidates) != 1 for row in rows.values()):
        return None
    if not holds({key: row.candidates for key, row in rows.items()}, rules):
        return None
    if bits([row.answers[-1] for row in asked.values()], [row.printed for row in asked.values()]) < BITS:
        return None
    again = {key: AskedRow(row.row, row.found, row.printed) for key, row in asked.items()}
    await ask_rows(session, "requests.rows.again", again)
    for key, row in again.items():
        known = rows[key].candidates[0]
        if not row.answers or not same_cells([cell.value for cell in known.cells], known.values, row.answers[-1]):
            return None
    return _settled(table, rows, set(asked), table.groups, table.without_sub_rows)


async def _witness(session: Session, table: TableRead) -> Outcome:
    """The whole table read a second time, label by label: where both readings agree in every cell, they are two
    independent witnesses for what belongs to which label."""
    region = session.reading.layout.requests
    assert region is not None
    outcome = Outcome()
    piece = head_of(session) + excerpt(session.reading.norm, region.start, region.end)
    keys = list(table.rows)
    printed = printed_numbers(session.reading.norm, tokens(session.reading.norm, region.start, region.end, ("count",)))
    agreed: list[list[Value | None]] = []
    for part in chunks(keys, max(session.rows_per_question, 5)):
        words = "行：\n" + "\n".join(f"{i}. {row_words(FORM, key)}" for i, key in enumerate(part, 1))
        model = rows_answer([7] * len(part), [printed] * len(part))
        answer = await session.ask("requests.table", words, piece, model, "requests", 20 + TOKENS_PER_ROW * len(part))
        if answer is None:
            return outcome
        for key, values in zip(part, of_rows(answer), strict=True):
            row = table.rows[key]
            same = _agrees(row, values)
            outcome.said.append(Said(key, row.spec.paths, tuple(values), same))
            if not same:
                return outcome
            agreed.append([value for value in values if value is not None])
    if bits(agreed, [printed] * len(agreed)) >= BITS:
        outcome.table = replace(table, cells=[], doubts=[d for d in table.doubts if d not in BY_WITNESSES])
        for key in request_rows(table.groups):
            outcome.table.cells.extend(settle_row(request_spec(key), table.rows.get(key), outcome.table))
    return outcome


def _agrees(row: Row, values: list[Value | None]) -> bool:
    if not row.candidates:
        return all(value is None for value in values)
    if len(row.candidates) > 1:
        return False
    read = row.candidates[0]
    return same_cells([cell.value for cell in read.cells], read.values, values)
