"""The three tables of a report as people know them, each cell with what the machine said and what people decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from extractor.cli.grid import MARKS
from extractor.form import DISPUTE_COLUMNS, FORM, GROUPS, REQUEST_COLUMNS, TABLES, group_all
from extractor.results import TRUSTED
from extractor.review.doubt import table_of
from extractor.service.pages.words import Words

_AROUND = {"derived": "({})", "llm": "[{}]", "given": "{{{}}}"}


@dataclass(frozen=True, slots=True)
class Human:
    """What people made of a cell: the value that stands now (None: not printed), and by which action."""

    shown: str
    action: str


@dataclass(frozen=True, slots=True)
class CellView:
    """One cell. `shown` is its value with the marks of its method, or the mark of its state; `label` says it all."""

    path: str
    words: str
    shown: str
    state: str
    method: str
    raw: str | None
    span: tuple[int, int] | None
    doubtful: bool
    suspect: bool
    zero: bool
    human: Human | None
    label: str
    page: int | None
    unit: str | None


@dataclass(frozen=True, slots=True)
class RowView:
    """A row of a table; without cells it heads a group."""

    label: str
    cells: tuple[CellView | None, ...]
    sub: bool = False


@dataclass(frozen=True, slots=True)
class GridView:
    """Rows under common heads."""

    heads: tuple[str, ...]
    rows: tuple[RowView, ...]


@dataclass(frozen=True, slots=True)
class TableView:
    """A table of the form with its verdicts; `doubtful` counts the cells that nobody has settled, of `doubts`."""

    key: str
    title: str
    verdict: str
    reviewed: str | None
    settled: bool
    grids: tuple[GridView, ...]
    doubtful: int
    doubts: int
    findings: tuple[Any, ...] = ()
    others: tuple[Any, ...] = ()

    def cells(self) -> Iterator[CellView]:
        """All its cells, in the form's order."""
        return (cell for grid in self.grids for row in grid.rows for cell in row.cells if cell is not None)

    @property
    def to_confirm(self) -> int:
        """Broken equations of which nobody has said yet that they are printed so."""
        return 0 if self.settled else sum(finding.open and not finding.decided for finding in self.findings)

    @property
    def open_as_a_whole(self) -> bool:
        """Whether only a word about the whole table is still to be said."""
        return not self.settled and not self.doubtful and not self.to_confirm


@dataclass(slots=True)
class Review:
    """What the tables are made of: the machine's line, and beside it what people decided."""

    line: Mapping[str, Any]
    reviewed: Mapping[str, Any]
    verdicts: Mapping[str, str] | None
    settled: Mapping[str, bool]
    decided: Mapping[str, str] = field(default_factory=dict)  # path → action of the decision that stands


def doubtful_cell(cell: Mapping[str, Any], verdict: str) -> bool:
    """Whether a person has something to say here: as the queue counts it (review/doubt.py)."""
    return cell["state"] in ("ambiguous", "illegible") or (cell["state"] == "missing" and verdict not in TRUSTED)


def suspects_of(line: Mapping[str, Any]) -> set[str]:
    """Cells whose change would mend a broken rule."""
    return {path for finding in line["findings"] if finding["status"] == "fail" for path in finding["suspects"]}


def table_views(review: Review, words: Words) -> list[TableView]:
    """The tables in the form's order."""
    line = review.line
    cells = _cells(review, words)
    form = (line["record"] or {}).get("form")
    titles = {section.key: f"{section.ordinal}、{section.label}" for section in FORM.sections}
    grids = {
        "disclosure": _disclosure(cells, form if form in FORM.versions else "2021"),
        "requests": [_requests(cells)],
        "disputes": [_disputes(cells)],
    }
    views = []
    for table in TABLES:
        mine = [cell for path, cell in cells.items() if table_of(path) == table and cell.doubtful]
        views.append(
            TableView(
                table,
                titles[table],
                line["verdicts"][table],
                None if review.verdicts is None else review.verdicts[table],
                bool(review.settled.get(table)),
                tuple(grids[table]),
                sum(cell.human is None for cell in mine),
                len(mine),
            )
        )
    return views


def _cells(review: Review, words: Words) -> dict[str, CellView]:
    suspects = suspects_of(review.reviewed)
    now = {cell["path"]: cell for cell in review.reviewed["cells"]}
    views = {}
    for cell in review.line["cells"]:
        path = cell["path"]
        verdict = review.line["verdicts"][table_of(path)]
        human = _human(review.decided.get(path), now.get(path))
        views[path] = _view(cell, doubtful_cell(cell, verdict), path in suspects, human, words)
    return views


def _human(action: str | None, cell: Mapping[str, Any] | None) -> Human | None:
    if action is None or cell is None:
        return None
    value = cell["value"]
    return Human(MARKS["blank"] if value is None or action == "not_printed" else str(value), action)


def _view(cell: Mapping[str, Any], doubtful: bool, suspect: bool, human: Human | None, t: Words) -> CellView:
    path, value, method = cell["path"], cell["value"], cell["method"] or ""
    shown = MARKS.get(cell["state"], "·") if value is None else _AROUND.get(method, "{}").format(value)
    name = FORM.words(path)
    unit = cell.get("unit") or ""
    said = [t(f"state.{cell['state']}") if value is None else f"{value}{unit}"]
    if value is not None:
        said.append(t(f"method.{method}") if method else "")
        said.append("" if cell["state"] == "reported" else t(f"state.{cell['state']}"))
    if cell.get("candidates"):
        said.append(t("cell.readings", values=" / ".join(map(str, cell["candidates"]))))
    said.append(t("cell.doubtful") if doubtful and human is None else "")
    said.append(t("cell.suspect") if suspect else "")
    if human is not None:
        said.append(t("cell.human", action=t(f"action.{human.action}"), value=human.shown))
    return CellView(
        path=path,
        words=name,
        shown=shown,
        state=cell["state"],
        method=method,
        raw=cell["raw"],
        span=None if cell["span"] is None else (cell["span"][0], cell["span"][1]),
        doubtful=doubtful,
        suspect=suspect,
        zero=value == 0,
        human=human,
        label=f"{name}{t('cell.colon')}{t('cell.comma').join(part for part in said if part)}",
        page=(cell.get("place") or {}).get("page"),
        unit=cell.get("unit"),
    )


_Cells = Mapping[str, CellView]


def _disclosure(cells: _Cells, version: str) -> Iterator[GridView]:
    def heads(row: Any) -> tuple[str, ...]:
        return tuple(FORM.field_words(row.key, name) for name in row.fields[version])

    for words, rows in groupby(FORM.disclosure_rows(version), key=heads):
        yield GridView(
            words,
            tuple(RowView(row.label.label, _row(cells, f"disclosure.{row.key}", row.fields[version])) for row in rows),
        )


def _requests(cells: _Cells) -> GridView:
    groups = {group.key: group for group in FORM.groups}
    rows: list[RowView] = []
    for label in FORM.rows:
        group, text = label.group, label.label.partition("（")[0]
        if group not in GROUPS:
            ordinal = label.ordinal if label.ordinal.startswith("（") else f"{label.ordinal}、"
            rows.append(RowView(f"{ordinal}{text}", _row(cells, f"requests.{label.key}", REQUEST_COLUMNS)))
            continue
        if GROUPS[group][0] == label.key:
            whole = _row(cells, f"requests.{group_all(group)}", REQUEST_COLUMNS)
            head = f"（{groups[group].ordinal}）{groups[group].label}"
            rows.append(RowView(head, whole if any(whole) else ()))
        rows.append(RowView(f"{label.ordinal}.{text}", _row(cells, f"requests.{label.key}", REQUEST_COLUMNS), sub=True))
    return GridView(tuple(column.label for column in FORM.columns), tuple(row for row in rows if _some(row)))


def _some(row: RowView) -> bool:
    """Whether a row stands in this record (a group's head always does)."""
    return not row.cells or any(row.cells)


def _disputes(cells: _Cells) -> GridView:
    return GridView(
        tuple(column.label for column in FORM.dispute_columns),
        tuple(RowView(block.label, _row(cells, block.key, DISPUTE_COLUMNS)) for block in FORM.blocks),
    )


def _row(cells: _Cells, row: str, columns: Sequence[str]) -> tuple[CellView | None, ...]:
    return tuple(cells.get(f"{row}.{column}") for column in columns)
