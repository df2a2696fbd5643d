"""Whether a broken rule is the report's own error or a misreading of ours, and why we say so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from extractor.results import TRUSTED, Blame, Cell, Finding
from extractor.rules.case import Case
from extractor.rules.catalogue import catalogue

PROVED = "表内每个数字只有一种读法，有原文可查 / every number of the table has one reading, with its place in the text"
NO_PAGE = "只有记录，没有原文，不能判断 / only the record is known, not the page"
OPEN = "表的读法未得到证明 / the table's reading is not proved"
# Doubts about which number stands in which cell: a broken equation is then more likely ours than the report's.
_PLACING = frozenset({"unread", "several_tables", "truncated", "order", "heads", "claimed"})


def table_of(code: str) -> str:
    """The table that a cell path or an equation's code belongs to."""
    head = code.partition(".")[0]
    return head if head in ("disclosure", "requests") else "disputes"


def blame_of(
    proved: bool, doubts: Sequence[str], suspects: Iterable[str], cells: Mapping[str, Cell]
) -> tuple[Blame, str]:
    """Who is to blame for a broken equation of a table, with the reason."""
    if proved:
        return "source", PROVED
    doubtful = [path for path in suspects if (cell := cells.get(path)) and cell.state in ("ambiguous", "illegible")]
    if doubtful:
        return "extraction", f"嫌疑格的读法不确定 / a suspect cell has no sure reading: {', '.join(doubtful[:3])}"
    for doubt in doubts:
        rule = catalogue().get(f"reading.{doubt}")
        if doubt in _PLACING and rule:
            return "extraction", f"{rule.zh.rstrip('。')} / {rule.en[0].lower() + rule.en[1:].rstrip('.')}"
    return "undecided", OPEN


def blame_case(case: Case, findings: Iterable[Finding], doubts: Mapping[str, Sequence[str]]) -> None:
    """Sets blame and reason of broken equations from what a line of `extract --json` knows of its page."""
    for finding in findings:
        if finding.status != "fail":
            continue
        table = table_of(finding.rule)
        verdict = case.verdicts.get(table)
        if verdict is None or not case.cells:
            finding.blame, finding.reason = "undecided", NO_PAGE
        else:
            finding.blame, finding.reason = blame_of(
                verdict in TRUSTED, doubts.get(table, ()), finding.suspects, case.cells
            )
