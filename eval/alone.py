"""The model alone (`--system llm`): the model stage's questions about every row, as if the reader had read no cell.

What it still has of the reader: where the tables lie, which stretch of the text is which row's, how the text divides
into reports, the form's version, body and year, and the reader's doubts about these (several tables, columns out of
order, a text that ends inside a table). What it has not: any value of a cell. Excerpts, prompts, grounding and proofs
are the model stage's own. A row whose figures do not stand beside its label is not asked, because the stage has no
question for it.

A proved table is trusted, as ever. Of a table that is not, the answers that could be laid over the print are its cells
(`method: "llm"`) and the verdict is `needs_review`: wrong ones count as wrong and not as escapes.
"""

from __future__ import annotations

from dataclasses import replace

from extractor.ask import table2, table3, table4
from extractor.ask.evidence import candidate, choose_laying, shows_blanks, usual_skips
from extractor.ask.ground import Laying, lay
from extractor.ask.narrative import ask_identity, ask_narrative
from extractor.ask.rows import Outcome, figures
from extractor.ask.session import AskFunction, Said, Session
from extractor.ask.stage import IMPROVE, account
from extractor.form import FORM, TABLES
from extractor.form.equations import request_rows
from extractor.pipeline import Outcomes, Reading, assemble
from extractor.reader.candidates import Row, RowSpec
from extractor.reader.disclosure import disclosure_spec
from extractor.reader.disputes import disputes_spec
from extractor.reader.requests import request_spec
from extractor.reader.tables import TableRead, printed_figures, settle_row
from extractor.results import TRUSTED, Result
from extractor.settle import settle_table

# The doubts that the stage may lift by a proof. All others are about places, and stay.
_ABOUT_VALUES = {
    "disclosure": table2.LIFTED,
    "requests": table3.BY_EQUATIONS | table3.BY_WITNESSES,
    "disputes": table4.BY_EQUATIONS,
}


async def read_alone(reading: Reading, ask: AskFunction, rows_per_question: int) -> Result:
    """The result for a reading whose cells are all asked; its tables are replaced. Never raises on a document."""
    session = Session(reading, ask, rows_per_question, suggest=True)
    outcomes: Outcomes = {}
    for name in TABLES if reading.tables else ():
        known = reading.tables[name]
        doubts = [doubt for doubt in known.doubts if doubt not in _ABOUT_VALUES[name]]
        reading.tables[name] = table = opened(reading, name, known)
        outcome = await IMPROVE[name](session, table) if table.rows else Outcome()
        if outcome.table is not None:
            outcome.table.doubts += doubts
            outcomes[name] = settle_table(reading.text, name, outcome.table)
            if outcomes[name][0] in TRUSTED or doubts:
                reading.tables[name] = outcome.table
                continue
        reading.tables[name] = _taken(reading, name, table, outcome.said, doubts)
        outcomes[name] = settle_table(reading.text, name, reading.tables[name])
    if reading.tables:
        await ask_identity(session)
    result = assemble(reading, outcomes)
    if result.error and result.error["code"] == "no_tables":
        result.claims += await ask_narrative(session, result.claims)
    account(result, session)
    return result


def opened(reading: Reading, name: str, known: TableRead) -> TableRead:
    """The table with its rows where they stand and not one cell read."""
    rows = {
        key: replace(
            row,
            candidates=[],
            reserve=[],
            problem="no_figures" if row.problem == "no_figures" and not row.candidates else "unread",
            figures=printed_figures(reading.norm, row.start, row.end),
            labelled=False,
            broken=False,
        )
        for key, row in known.rows.items()
    }
    return _table(reading, name, known, rows, ["unread"] if rows else [])


def _taken(reading: Reading, name: str, table: TableRead, said: list[Said], doubts: list[str]) -> TableRead:
    """The table with the answers that lie over the print as its cells, and a doubt: nothing proves them."""
    norm = reading.norm
    layings: dict[str, list[Laying]] = {}
    rows = dict(table.rows)
    for answer in said:
        # The stretch that the question showed.
        row = _disputes_row(reading) if name == "disputes" else table.rows.get(answer.key)
        if row is not None:
            layings[answer.key] = lay(norm, figures(norm, row), answer.values)
    usual = usual_skips(list(layings.values()))
    for key, ways in layings.items():
        row, laying = rows.get(key), choose_laying(ways, usual)
        if row is not None and laying is not None:
            read = candidate(laying, row.spec, shows_blanks(norm, row))
            rows[key] = replace(row, candidates=[read], problem="")
    return _table(reading, name, table, rows, [*doubts, "unread"] if rows else doubts)


def _disputes_row(reading: Reading) -> Row | None:
    region = reading.layout.disputes
    return None if region is None else table4.printed_row(region)


def _table(reading: Reading, name: str, known: TableRead, rows: dict[str, Row], doubts: list[str]) -> TableRead:
    """A table of these rows; `known` says which groups it prints."""
    table = TableRead([], known.found, doubts, known.groups, known.without_sub_rows, rows=rows)
    units = {cell.path: cell.unit for cell in known.cells}
    for spec in _specs(reading, name, table):
        for cell in settle_row(spec, rows.get(spec.key), table):
            cell.unit = cell.unit or units.get(cell.path)
            cell.method = "llm" if cell.method == "rule" else cell.method
            table.cells.append(cell)
    table.doubts = list(dict.fromkeys(table.doubts))
    return table


def _specs(reading: Reading, name: str, table: TableRead) -> list[RowSpec]:
    if name == "disclosure":
        return [disclosure_spec(row.key, reading.version) for row in FORM.disclosure_rows(reading.version)]
    if name == "requests":
        return [request_spec(key) for key in request_rows(table.groups)]
    return [disputes_spec()]
