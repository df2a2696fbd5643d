"""One report as the review page shows it: the machine's line, the text, what people decided, put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from extractor.cli.grid import MARKS
from extractor.form import FORM, TABLES
from extractor.review.apply import Reviewed
from extractor.review.decisions import Decision, Standing, in_force, standing
from extractor.review.doubt import table_of
from extractor.rules.catalogue import rules_version
from extractor.service.api.problems import Problem
from extractor.service.database import extractions, review_queue
from extractor.service.database.decisions import Looked, look
from extractor.service.database.tables import documents
from extractor.service.pages import near
from extractor.service.pages.findings import FindingView, finding_views, rule_words
from extractor.service.pages.source import Mark
from extractor.service.pages.tables import Review, TableView, doubtful_cell, table_views
from extractor.service.pages.words import Words

MOST_HISTORY = 200
MOST_NEARBY = 300  # doubtful cells for which a place in the text is guessed
MOST_CANDIDATES = 60  # doubtful cells whose readings are looked for in the text


@dataclass(frozen=True, slots=True)
class Loaded:
    """A report with all that is kept of it; `kind` is its document's, `version` that of the gouji that read it."""

    looked: Looked
    kind: str
    version: str
    following: str | None  # where a reviewer goes on

    @property
    def line(self) -> dict[str, Any]:
        """The machine's line."""
        return self.looked.line

    @property
    def text(self) -> str:
        """The stored text."""
        return self.looked.text


def load(connection: sa.Connection, extraction: str, number: int) -> Loaded | None:
    """A report that can be looked at; None where nothing was read. Errors: Problem `not_found`."""
    head = extractions.head(connection, extraction)
    if head is None:
        raise Problem("not_found", f"There is no extraction {extraction}.", "Look at the list of documents.")
    looked = look(connection, extraction, number)
    if looked is None and number != 1:
        raise Problem("not_found", f"The document holds no report {number}.", "Look at its first.")
    if looked is None or looked.line["record"] is None:
        return None
    kind = connection.execute(sa.select(documents.c.kind).where(documents.c.sha256 == head.document)).scalar_one()
    onward = review_queue.following(connection, extraction, number)
    where = None if onward is None else f"/review/{onward.extraction}/{onward.number}#in-{onward.table_key}"
    return Loaded(looked, kind, head.version, where)


@dataclass(frozen=True, slots=True)
class Said:
    """A decision as the history shows it."""

    id: int
    table_key: str
    path: str | None
    rule: str | None
    words: str
    action: str
    shown: str
    who: str
    at: str
    why: str
    seen: str
    undone: bool
    stale: bool
    notes: tuple[str, ...]
    conflict: bool


@dataclass(frozen=True, slots=True)
class Conflict:
    """A cell of which several people say different things, none of it taken back."""

    path: str
    words: str
    said: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class ReportView:
    """What the templates read."""

    extraction: str
    number: int
    reports: int
    near: tuple[int, ...]
    newest: str | None
    following: str | None
    earlier: int
    source: str
    document: str
    text_sha256: str
    version: str
    rules_version: str
    form: str
    organization: str | None
    year: int | None
    verdict: str
    reviewed_verdict: str | None
    doubts: int
    doubtful: int
    tables: tuple[TableView, ...]
    findings: tuple[FindingView, ...]
    others: tuple[FindingView, ...]
    history: tuple[Said, ...]
    history_left_out: int
    conflicts: tuple[Conflict, ...]
    stale: tuple[Said, ...]
    cell_decisions: Mapping[str, int | None]
    rule_decisions: Mapping[str, int | None]
    nearby: Mapping[str, int]  # where a doubtful cell without a place may stand
    table_decisions: Mapping[str, int | None]
    after: int
    pages: tuple[int, ...]
    legend: tuple[tuple[str, str], ...]
    can_decide: bool
    script_words: str

    @property
    def address(self) -> str:
        return f"/review/{self.extraction}/{self.number}"

    @property
    def decisions_address(self) -> str:
        return f"/v1/review/{self.extraction}/{self.number}/decisions"


def marks_of(loaded: Loaded) -> list[Mark]:
    """Every stretch of the text that the page points at."""
    line, text = loaded.line, loaded.text
    marks = [Mark(cell["span"][0], cell["span"][1], "cell", cell["path"]) for cell in line["cells"] if cell["span"]]
    doubtful = [cell for cell in line["cells"] if cell["state"] == "ambiguous" and cell.get("candidates")]
    for cell in doubtful[:MOST_CANDIDATES]:
        found = near.candidates(cell, line["cells"], text)
        marks += [Mark(*run, "candidate", cell["path"]) for run in sorted({choice.run for choice in found})]
    for finding in line["findings"]:
        pieces = [piece["span"] for piece in finding.get("evidence", ())]
        marks += [Mark(start, end, "evidence", "") for start, end in pieces]
    for path, decision in standing(loaded.looked.decisions).cells.items():
        if decision.span is not None:
            marks.append(Mark(*decision.span, "human", path))
    return [mark for mark in marks if 0 <= mark.start < mark.end <= len(text)]


def view_of(loaded: Loaded, can_decide: bool, words: Words) -> ReportView:
    """The page of a report."""
    looked, line, decisions = loaded.looked, loaded.line, loaded.looked.decisions
    outcome, among, number = looked.reviewed, looked.among, looked.number
    stand = standing(decisions)
    record = line["record"] or {}
    tables = _tables(loaded, outcome, stand, words)
    failed, others = finding_views(outcome.line, loaded.text, stand.rules, words)
    history = _history(decisions, outcome.notes, words)
    around = [n for n in range(number - 3, number + 4) if 1 <= n <= among and n != number]
    return ReportView(
        extraction=looked.extraction,
        number=number,
        reports=among,
        near=tuple(around),
        newest=None if looked.newest == looked.extraction else looked.newest,
        following=loaded.following,
        earlier=len(looked.earlier),
        source=looked.source,
        document=looked.document,
        text_sha256=looked.text_sha256,
        version=loaded.version,
        rules_version=rules_version(),
        form=str(record.get("form") or ""),
        organization=record.get("organization"),
        year=record.get("year"),
        verdict=line["verdict"],
        reviewed_verdict=outcome.line["verdict"] if decisions else None,
        doubts=sum(table.doubts for table in tables),
        doubtful=sum(table.doubtful for table in tables),
        tables=tuple(
            replace(
                table,
                findings=tuple(one for one in failed if one.table == table.key),
                others=tuple(one for one in others if one.table == table.key),
            )
            for table in tables
        ),
        findings=tuple(one for one in failed if one.table is None),
        others=tuple(one for one in others if one.table is None),
        history=tuple(reversed(history[-MOST_HISTORY:])),
        history_left_out=max(0, len(history) - MOST_HISTORY),
        conflicts=_conflicts(history),
        stale=tuple(one for one in history if one.stale),
        cell_decisions={c["path"]: _id(stand.cells.get(c["path"])) for c in line["cells"]},
        rule_decisions={f["rule"]: _id(stand.rules.get(f["rule"])) for f in outcome.line["findings"]},
        table_decisions={table: _id(stand.tables.get(table)) for table in TABLES},
        nearby=_nearby(outcome.line["cells"], loaded.text, tables),
        after=looked.last,
        pages=_pages(loaded),
        legend=_legend(line, bool(decisions)),
        can_decide=can_decide and looked.newest == looked.extraction,
        script_words=_block(words),
    )


def _block(words: Words) -> str:
    from extractor.service.pages.html import data_block

    return data_block(words.section("script"))


def _id(decision: Decision | None) -> int | None:
    return None if decision is None else decision.id


def _tables(loaded: Loaded, outcome: Reviewed, stand: Standing, words: Words) -> list[TableView]:
    """A cell shows a person's word where it was decided by itself, or in doubt when its whole table was accepted."""
    verdicts = loaded.line["verdicts"]
    doubtful = {c["path"] for c in loaded.line["cells"] if doubtful_cell(c, verdicts[table_of(c["path"])])}
    shown = {
        path: decision.action for path, decision in stand.cells.items() if decision.path is not None or path in doubtful
    }
    review = Review(
        line=loaded.line,
        reviewed=outcome.line,
        verdicts=outcome.verdicts if loaded.looked.decisions else None,
        settled=outcome.settled,
        decided=shown,
    )
    return table_views(review, words)


def _nearby(cells: Sequence[Mapping[str, Any]], text: str, tables: Iterable[TableView]) -> dict[str, int]:
    doubtful = [cell.path for table in tables for cell in table.cells() if cell.doubtful and cell.span is None]
    return {path: near.between(path, cells, text)[0] for path in doubtful[:MOST_NEARBY]}


def _history(decisions: Sequence[Decision], notes: Mapping[int, Sequence[str]], words: Words) -> list[Said]:
    force = {one.id for one in in_force(decisions)}
    said = [
        Said(
            id=one.id,
            table_key=one.table_key,
            path=one.path,
            rule=one.rule,
            words=_about(one, words),
            action=one.action,
            shown=_shown(one),
            who=one.who,
            at=one.at,
            why=one.why,
            seen=_seen(one.seen, words),
            undone=one.id not in force,
            stale="stale" in notes.get(one.id, ()),
            notes=tuple(notes.get(one.id, ())),
            conflict=False,
        )
        for one in sorted(decisions, key=lambda one: one.id)
    ]
    clashing = {path for path, group in _by_cell(said).items() if _clash(group)}
    return [replace(one, conflict=one.path in clashing and not one.undone) for one in said]


def _by_cell(said: Iterable[Said]) -> dict[str, list[Said]]:
    groups: dict[str, list[Said]] = {}
    for one in said:
        if one.path is not None and not one.undone and one.action != "undo":
            groups.setdefault(one.path, []).append(one)
    return groups


def _clash(group: Sequence[Said]) -> bool:
    return len({one.who for one in group}) > 1 and len({one.shown for one in group}) > 1


def _conflicts(history: Sequence[Said]) -> tuple[Conflict, ...]:
    return tuple(
        Conflict(path, FORM.words(path), tuple(group)) for path, group in _by_cell(history).items() if _clash(group)
    )


def _about(decision: Decision, words: Words) -> str:
    if decision.path is not None:
        return FORM.words(decision.path)
    if decision.rule is not None:
        return rule_words(decision.rule, words)
    return next(f"{s.ordinal}、{s.label}" for s in FORM.sections if s.key == decision.table_key)


def _shown(decision: Decision) -> str:
    if decision.action == "undo":
        return f"#{decision.undoes}"
    return "" if decision.value is None else f"{decision.value}{' ' + decision.unit if decision.unit else ''}"


def _seen(seen: Mapping[str, Any], words: Words) -> str:
    cell = seen.get("cell")
    if not cell:
        return ""
    value = cell.get("value")
    return words(f"state.{cell['state']}") if value is None else str(value)


def _pages(loaded: Loaded) -> tuple[int, ...]:
    """The pages of a PDF that cells stand on."""
    if loaded.kind != "pdf":
        return ()
    found = {(cell.get("place") or {}).get("page") for cell in loaded.line["cells"]}
    return tuple(sorted(page for page in found if page is not None)) or (1,)


def _legend(line: Mapping[str, Any], decided_any: bool) -> tuple[tuple[str, str], ...]:
    """The marks that occur, and the words' keys."""
    states = {cell["state"] for cell in line["cells"] if cell["value"] is None}
    methods = {cell["method"] for cell in line["cells"]}
    found = [(mark, f"state.{state}") for state, mark in MARKS.items() if state in states]
    found += [(sign, f"method.{name}") for name, sign in (("derived", "(n)"), ("llm", "[n]"), ("given", "{n}"))
              if name in methods]  # fmt: skip
    if any(finding["suspects"] for finding in line["findings"]):
        found.append(("«n»", "cell.suspect"))
    if decided_any:
        found.append(("✎", "legend.human"))
    return tuple(found)
