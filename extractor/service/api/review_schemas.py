"""What goes in and out of the review API; lines are the contract's objects, passed on as they are."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from extractor.results import State, Verdict
from extractor.review.decisions import LONGEST_WHY, Action, Proposal

TableKey = Literal["disclosure", "requests", "disputes"]
Id = Annotated[int, Field(ge=0, le=2**53)]
_PATH = r"^[a-z_]+(\.[a-z_]+){1,3}$"


class ProposalBody(BaseModel):
    """What a reviewer asks for (docs/review.md).

    `accept` with `path` confirms the cell as it stands, with `path` and `span` chooses one of its candidates, with
    `table` alone confirms every cell of the table. `correct` points with `span` at the printed number. `not_printed`
    says that the cell prints none. `printed_so` says of a failed `rule` that the report prints it so. `undo` takes
    back the decision `undoes`.
    """

    model_config = ConfigDict(extra="forbid")

    action: Action
    table: TableKey | None = None
    path: str | None = Field(None, max_length=120, pattern=_PATH, examples=["requests.granted.total"])
    rule: str | None = Field(None, max_length=160, pattern=_PATH, examples=["requests.balance.total"])
    span: tuple[Id, Id] | None = Field(None, description="[start, end) in characters of the stored text")
    value: str | int | None = Field(None, description="compared with what the span reads, never stored by itself")
    unit: str | None = Field(None, max_length=8, description="of an amount; only as the report prints it")
    undoes: Id | None = None
    why: str = Field("", max_length=LONGEST_WHY)
    after: Id = Field(0, description="`last` of the state that was looked at: what was decided since is a conflict")

    def proposal(self) -> Proposal:
        """As the domain has it."""
        value = None if self.value is None else str(self.value)[:64]
        about = (self.action, self.table, self.path, self.rule)
        return Proposal(*about, self.span, value, self.unit, self.undoes, self.why, self.after)


class DecisionEntry(BaseModel):
    """One decision as it was appended; nothing ever changes it."""

    id: int
    number: int
    table: TableKey
    action: Action
    path: str | None
    rule: str | None
    state: State | None = Field(description="what the cell is on paper")
    value: str | None = Field(description="as decimal text: what `raw` reads")
    unit: str | None
    raw: str | None
    span: tuple[int, int] | None
    undoes: int | None
    why: str
    who: str
    at: str
    form: str
    rules_version: str
    document: str
    extraction: str
    seen: dict[str, Any] = Field(description="what was shown to the reviewer then")
    standing: bool = Field(description="whether it has an effect: not taken back, not replaced by a later one")
    notes: list[Literal["stale", "differs", "older_rules", "older_form"]]


class ReviewState(BaseModel):
    """A report under review. `line` is the machine's, `reviewed` the same line with the decisions applied."""

    extraction: str
    number: int
    among: int = Field(description="how many reports the document holds")
    source: str
    text_sha256: str
    newest: str = Field(description="the document's current extraction: only that can be decided on")
    last: int = Field(description="id of the last decision; send it as `after`")
    line: dict[str, Any]
    reviewed: dict[str, Any]
    decided: dict[str, int] = Field(description="by cell, the decision that speaks for it")
    settled: dict[TableKey, bool]
    done: bool = Field(description="whether all three tables are settled")
    decisions: list[DecisionEntry]
    stale: list[int] = Field(description="standing decisions that could not be applied")
    earlier: list[DecisionEntry] = Field(description="on an earlier text of this file; never applied")


class Decided(ReviewState):
    """The decision that was made, and the report with it."""

    decision: DecisionEntry


class QueueItem(BaseModel):
    """A table that is not settled."""

    extraction: str
    number: int
    table: TableKey
    verdict: Verdict = Field(description="the machine's")
    reviewed_verdict: Verdict | None
    doubtful_cells: int
    failed_rules: int
    doubt: float
    organization: str | None
    year: int | None
    province: str | None
    form: str | None
    source: str


class QueuePage(BaseModel):
    """Open tables, worst first; `open` counts all that fit the filters, by table."""

    items: list[QueueItem]
    open: dict[TableKey, int]
    next: str | None = Field(description="the `cursor` of the next page; null on the last")


class ReviewedReport(BaseModel):
    """A report of a document with the decisions applied."""

    number: int
    settled: dict[TableKey, bool]
    done: bool
    decisions: int
    stale: int
    line: dict[str, Any]


class ReviewedDocument(BaseModel):
    """All reports of a document, with the decisions applied."""

    extraction: str
    newest: str
    reports: list[ReviewedReport]


class Group(BaseModel):
    """Reports of one year, province or body, by verdict."""

    key: int | str | None
    reports: int
    verdicts: dict[Verdict, int]


class Body(BaseModel):
    """A body's reports by year."""

    organization: str
    years: dict[int, Verdict]


class Coverage(BaseModel):
    """Which body has a report of which year."""

    years: list[int]
    bodies: list[Body]
    total: int = Field(description="bodies in all")


class RuleFailures(BaseModel):
    """In how many reports a rule fails, and who is to blame."""

    rule: str
    severity: Literal["error", "warning", "info"]
    reports: int
    blame: dict[str, int]


class DayCost(BaseModel):
    """What the model stage cost on a day (UTC)."""

    day: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: str | None = Field(description="US dollars, exact; null where no price is known")


class Progress(BaseModel):
    """How far the review of one of the form's tables is."""

    table: TableKey
    tables: int
    doubtful: int
    settled: int = Field(description="of the doubtful ones")
    reviewed: int


class DayDecisions(BaseModel):
    """Decisions of one reviewer on a day (UTC)."""

    day: str
    who: str
    action: Action
    decisions: int


class Overview(BaseModel):
    """Figures over all current results."""

    totals: dict[Literal["machine", "reviewed"], dict[Verdict, int]]
    years: list[Group]
    provinces: list[Group]
    organizations: list[Group]
    coverage: Coverage
    rules: list[RuleFailures]
    model_cost: list[DayCost]
    progress: list[Progress]
    decisions: list[DayDecisions]
