"""The model stage of one document: ask about the tables that are not proved, keep what the answers prove."""

from __future__ import annotations

from decimal import Decimal

from extractor.ask import table2, table3, table4
from extractor.ask.choices import prefer
from extractor.ask.narrative import ask_identity, ask_narrative
from extractor.ask.rows import Outcome
from extractor.ask.session import ROWS_PER_QUESTION, AskFunction, Session
from extractor.form import TABLES
from extractor.pipeline import Outcomes, Reading, assemble, settled_tables
from extractor.results import TRUSTED, Cell, Finding, Result, Usage, Value
from extractor.settle import settle_table

IMPROVE = {"disclosure": table2.improve, "requests": table3.improve, "disputes": table4.improve}
_WHY = {
    "malformed": "回答不合格式",
    "blank": "回答为空",
    "truncated": "回答被截断",
    "refused": "模型拒绝回答",
    "too_long": "超出模型的上下文长度",
    "budget": "已到预算上限",
    "stopped": "已中断",
    "endpoint": "模型端点失败",
}


def needs_model(reading: Reading, outcomes: Outcomes) -> bool:
    """Whether anything of a settled reading is open that a model could be asked about."""
    if reading.error:
        return reading.error.error is not None and reading.error.error["code"] == "no_tables"
    identity = reading.identity
    return identity.organization is None or identity.year is None or any(v not in TRUSTED for v, _ in outcomes.values())


async def improve(
    reading: Reading, ask: AskFunction, rows_per_question: int = ROWS_PER_QUESTION, suggest: bool = False
) -> Result:
    """The result for a reading with a model's help: the same as `settle`, where nothing is in doubt (then no call is
    made). A table becomes trusted only by proof; otherwise the model's numbers are suggestions beside the reader's.

    `suggest`: also ask which of several readings of a row the model prefers, where nothing can be proved.
    """
    session = Session(reading, ask, rows_per_question, suggest)
    outcomes = settled_tables(reading)
    said: dict[str, Outcome] = {}
    read: list[str] = []
    if reading.tables:
        for name in TABLES:
            if outcomes[name][0] in TRUSTED:
                continue
            outcome = await IMPROVE[name](session, reading.tables[name])
            said[name] = outcome
            if outcome.table is None:
                if suggest:
                    outcome.said += await prefer(session, name, reading.tables[name])
                continue
            verdict, findings = settle_table(reading.text, name, outcome.table)
            if verdict in TRUSTED:
                reading.tables[name] = outcome.table
                outcomes[name] = verdict, findings
                del said[name]
        read = await ask_identity(session)
    result = assemble(reading, outcomes)
    if result.record is not None:
        for name, outcome in said.items():
            _suggest(result, session, name, outcome)
        if read:
            result.findings.append(_read_by_model(session, read))
    elif result.error and result.error["code"] == "no_tables":
        result.claims += await ask_narrative(session, result.claims)
    account(result, session)
    return result


def account(result: Result, session: Session) -> None:
    """Tells in the result what asking cost and what got no answer."""
    if session.failures and result.record is not None:
        result.findings.append(_unanswered(session))
    result.unanswered = len(session.failures)
    result.usage = _usage_of(session)


def _suggest(result: Result, session: Session, table: str, outcome: Outcome) -> None:
    """Who said what: the model's numbers beside the reader's, as candidates of cells that have no value."""
    cells = {cell.path: cell for cell in result.cells}
    for said in outcome.said:
        if said.grounded:
            for path, value in zip(said.paths, said.values, strict=True):
                cell = cells.get(path)
                if cell and cell.value is None and value is not None:
                    _add_candidate(cell, value)
    if outcome.said:
        rows = [said for said in outcome.said if any(p in cells and cells[p].value is None for p in said.paths)]
        shown = "；".join(
            f"{said.key} = {' '.join('空' if v is None else str(v) for v in said.values)}"
            + ("（在列出的读法中选）" if said.chosen else "" if said.grounded else "（原文对不上，已舍弃）")
            for said in (rows or outcome.said)[:8]
        )
        result.findings.append(
            Finding(
                rule=f"{table}.model.unproved",
                status="not_assessable",
                severity="info",
                message=f"{session.models} 读作 {shown}；未能证明，仅作参考 / a model's reading, not proved",
                cells=tuple(path for said in outcome.said for path in said.paths if path in cells),
            )
        )


def _add_candidate(cell: Cell, value: Value) -> None:
    if cell.path.endswith(".amount"):
        value = Decimal(value)
    if value not in cell.candidates:
        cell.candidates = (*cell.candidates, value)


def _read_by_model(session: Session, names: list[str]) -> Finding:
    """Body or year that only a model read: printed, but nothing proves that it is this report's."""
    words = "、".join({"organization": "发布机关", "year": "报告年度"}[name] for name in names)
    return Finding(
        rule="identity.model.unproved",
        status="not_assessable",
        severity="info",
        message=f"{words}由 {session.models} 从原文读出，未能证明 / {', '.join(names)} read by a model, not proved",
    )


def _unanswered(session: Session) -> Finding:
    """Which questions got no answer, and why."""
    kinds = dict.fromkeys(session.failures)
    words = "；".join(f"{_WHY.get(kind, kind)}（{session.failures.count(kind)}）" for kind in kinds)
    return Finding(
        rule="model.unanswered",
        status="not_assessable",
        severity="warning",
        message=f"有的问题没有得到回答：{words} / questions without an answer: {', '.join(kinds)}",
    )


def _usage_of(session: Session) -> Usage:
    """What the session's questions cost."""
    answers = session.answers
    costs = [answer.cost for answer in answers if answer.calls]
    known = costs and all(cost is not None for cost in costs)
    return Usage(
        calls=sum(answer.calls for answer in answers),
        prompt_tokens=sum(answer.prompt_tokens for answer in answers),
        completion_tokens=sum(answer.completion_tokens for answer in answers),
        cost=format(sum((Decimal(cost) for cost in costs if cost is not None), Decimal(0)), "f") if known else None,
    )
