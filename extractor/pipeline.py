"""One document's way through gouji: text → labels → tables → cells → rules → verdict."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from extractor.claims.claim import Claim
from extractor.claims.find import find_claims
from extractor.document.content import Notice, Places, Stored
from extractor.document.identity import Identity, identify
from extractor.document.sections import section_spans
from extractor.document.text import Document
from extractor.errors import UsageError
from extractor.form import FORM, TABLES
from extractor.reader.anchors import Layout
from extractor.reader.disclosure import read_disclosure
from extractor.reader.disputes import read_disputes
from extractor.reader.labels import Hit, find_labels
from extractor.reader.locate import locate
from extractor.reader.requests import read_requests
from extractor.reader.tables import TableRead
from extractor.regions import region_of
from extractor.results import Finding, Result, Verdict, document_verdict, failed
from extractor.rules.case import Case, Words, case_of_record
from extractor.rules.catalogue import catalogue
from extractor.rules.engine import validate
from extractor.settle import build_record, cells_in_order, settle_table

if TYPE_CHECKING:
    from extractor.given import Given

_REPORT = re.compile(r"[政府]府信息公开[^\n。]{0,30}报\s*告|年度?[^\n。]{0,30}信息公开[^\n。]{0,12}报\s*告")
_ROWS = {version: {row.key for row in FORM.disclosure_rows(version)} for version in FORM.versions}
_FIELDS = {
    version: {name for row in FORM.disclosure for name in row.fields.get(version, ())} for version in FORM.versions
}


def extract(text: str, model: str | None = None, given: Any = None) -> Result:
    """The result for a text that holds one report. Of several reports it returns the first; see `extract_all`."""
    return extract_all(text, model=model, given=given)[0]


def extract_all(text: str | Stored, source: str = "-", model: str | None = None, given: Any = None) -> list[Result]:
    """One result per report in the text, or in a file's stored text with its layout. Never raises on a text.

    `source` gets `#1`, `#2`… where there are several reports.

    `model` is a SPEC (CONTRACT): a model is asked about what the reader cannot prove. `given` is the partial record of
    the caller's own parser, or a list of them. Errors: UsageError for a bad SPEC or record; EndpointError where a
    model was needed and its endpoint failed for good.
    """
    return results_of(read_all(text, source), model, given)


def results_of(readings: list[Reading], model: str | None = None, given: Any = None) -> list[Result]:
    """The results of readings: by the reader alone, or with a model and the caller's own records."""
    if given is not None:
        from extractor.given import match_given, take_given

        take_given(readings, match_given(readings, given))
    if model is None:
        return [settle(reading) for reading in readings]
    from extractor.ask.runner import Runner

    with Runner(model) as runner:
        results = [future.result() for future in [runner.submit(reading) for reading in readings]]
        if runner.fatal is not None:
            raise runner.fatal
    return results


@dataclass(slots=True)
class Reading:
    """One report as the reader alone read it; `tables` is empty where the document holds none.

    `text` is the stored text of the whole document, `layout` says which part of it is this report's.
    """

    source: str
    sha256: str
    text: str
    norm: str
    layout: Layout
    version: str
    identity: Identity
    tables: dict[str, TableRead]
    error: Result | None = None
    given: Given | None = None  # the caller's own record, weighed already (extractor/given)
    places: Places = field(default_factory=Places)
    notices: tuple[Notice, ...] = ()


def read_all(document: str | Stored, source: str = "-") -> list[Reading]:
    """The reports of a text, or of a file's stored text with its layout; read and not yet settled (see `settle`)."""
    stored = Stored(document) if isinstance(document, str) else document
    if not isinstance(stored, Stored):
        raise UsageError("not_text", f"The text must be str, not {type(document).__name__}.", "Decode it first.")
    return [
        replace(reading, places=stored.places, notices=stored.notices) for reading in _read_text(stored.text, source)
    ]


def _read_text(text: str, source: str) -> list[Reading]:
    sha256 = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    document = Document(text)
    layouts = locate(document.norm, find_labels(document.norm)) if text.strip() else [Layout(0, len(text), [])]
    several = len(layouts) > 1
    return [
        read_report(document, layout, f"{source}#{number}" if several else source, sha256)
        for number, layout in enumerate(layouts, 1)
    ]


def _version(layout: Layout) -> str:
    """The form of table 2, by the columns that only one version has; without table 2 by how table 3 prints （六）."""
    region = layout.disclosure
    if region:
        fields = {hit.key for hit in region.header if hit.kind == "field"}
        rows = {anchor.key for anchor in region.anchors}
        old = len(fields & (_FIELDS["2019"] - _FIELDS["2021"])) + 2 * len(rows & (_ROWS["2019"] - _ROWS["2021"]))
        new = len(fields & (_FIELDS["2021"] - _FIELDS["2019"]))
        return "2019" if old > new else "2021"
    return "2021"


def read_report(document: Document, layout: Layout, source: str, sha256: str) -> Reading:
    """One report of a text, read and not yet settled; `layout` is its own of those that `locate` finds."""
    norm, text = document.norm, document.text
    version = _version(layout)
    identity = identify(text, norm, layout.start, layout.end, _first_table(layout), layout.named)
    reading = Reading(source, sha256, text, norm, layout, version, identity, {})
    if not (layout.disclosure or layout.requests or layout.disputes):
        reading.error = _no_tables(reading)
        return reading
    if identity.year is not None and identity.year <= 2020 and layout.disclosure is None:
        reading.version = version = "2019"
    reading.tables = {
        "disclosure": read_disclosure(norm, layout, version),
        "requests": read_requests(norm, layout),
        "disputes": read_disputes(norm, layout.disputes),
    }
    _document_doubts(norm, layout, reading.tables)
    return reading


def _first_table(layout: Layout) -> int:
    return min((r.start for r in (layout.disclosure, layout.requests, layout.disputes) if r), default=layout.end)


Outcomes = dict[str, tuple[Verdict, list[Finding]]]


def settle(reading: Reading) -> Result:
    """The reading as a result: derived values, confirmed candidates, findings, verdicts."""
    return assemble(reading, settled_tables(reading))


def settled_tables(reading: Reading) -> Outcomes:
    """Verdict and findings of each table; completes the tables' cells in place."""
    return {name: settle_table(reading.text, name, table) for name, table in reading.tables.items()}


def assemble(reading: Reading, outcomes: Outcomes) -> Result:
    """The result of a reading whose tables are settled."""
    verdicts = {name: outcomes[name][0] for name in TABLES} if outcomes else {}
    if reading.error or set(verdicts.values()) == {"failed"}:
        result = reading.error or _no_tables(reading)
        result.claims = claims_of(reading)
        return result
    identity = reading.identity
    record = build_record(
        reading.version,
        reading.tables,
        {"organization": identity.organization, "year": identity.year, "title": identity.title},
        _sections(reading.norm, reading.layout),
    )
    result = Result(
        source=reading.source,
        sha256=reading.sha256,
        verdict=document_verdict(verdicts),
        verdicts=verdicts,
        record=record,
        cells=cells_in_order(reading.tables),
        findings=[finding for name in TABLES for finding in outcomes[name][1]],
        text=reading.text,
    )
    if reading.given is not None:
        from extractor.given import compare_given

        result.findings += compare_given(reading, reading.given, result)
    result.claims = claims_of(reading)
    result.region = region_of(
        reading.text, reading.norm, reading.layout.start, reading.layout.end, _first_table(reading.layout), identity
    )
    result.findings += validate(_case(reading, result), soft_only=True).findings
    result.findings += [told(notice) for notice in reading.notices]
    for cell in result.cells:
        if cell.span is not None:
            cell.place = reading.places.at(*cell.span)
    return result


def told(notice: Notice) -> Finding:
    """What to know of the file, as a finding."""
    return Finding(
        rule=notice.code,
        status="fail",
        severity=catalogue()[notice.code].severity,
        message=notice.message,
        message_en=notice.message_en,
    )


def claims_of(reading: Reading) -> list[Claim]:
    """What the narrative says of the form's numbers: never cells, only compared with them."""
    layout, identity = reading.layout, reading.identity
    tables = [(r.start, r.end) for r in (layout.disclosure, layout.requests, layout.disputes) if r]
    return find_claims(
        reading.text, reading.norm, layout.start, layout.end, tables, identity.organization, identity.year
    )


def _case(reading: Reading, result: Result) -> Case:
    """The result as the rules see it: record, page and narrative."""
    assert result.record is not None
    layout = reading.layout
    words = Words(
        reading.text,
        reading.norm,
        layout.start,
        layout.end,
        {key: tuple(span) if span else None for key, span in result.record["sections"].items()},
    )
    return replace(
        case_of_record(result.record),
        cells={cell.path: cell for cell in result.cells},
        verdicts=result.verdicts,
        claims=result.claims,
        words=words,
    )


def _sections(norm: str, layout: Layout) -> dict[str, Any]:
    hits: list[Hit] = layout.hits
    spans = section_spans(
        norm, [(h.start, h.end, h.key) for h in hits if h.kind == "section"], layout.start, layout.end
    )
    return {key: list(span) if span else None for key, span in spans.items()}


def _document_doubts(norm: str, layout: Layout, tables: dict[str, TableRead]) -> None:
    for table in tables.values():
        table.doubts.extend(layout.doubts)
    end = layout.start + len(norm[layout.start : layout.end].rstrip(" \n\t|"))
    requests = layout.requests
    if requests and layout.disputes is None:
        printed = {anchor.key for anchor in requests.anchors}
        later = any(h.kind == "section" and h.start > requests.anchors[-1].end for h in layout.hits)
        if "carried_out" not in printed and not later:
            tables["requests"].doubts.append("truncated")
    if requests and all(cell.state == "missing" and cell.value is None for cell in tables["requests"].cells):
        # Table 3 prints its labels and no figure: the figures under table 4's heads may be anybody's.
        tables["disputes"].doubts.append("order")
    # The last figure of a text that ends inside a table may have lost digits, and table 2 has no sum to tell.
    for cell in tables["disclosure"].cells:
        if cell.span and cell.span[1] >= end:
            tables["disclosure"].doubts.append("truncated")


def _no_tables(reading: Reading) -> Result:
    source, sha256, stored, text = reading.source, reading.sha256, reading.text, reading.norm
    if not text.strip():
        return failed(source, sha256, "empty", "文本是空的 / the text is empty.", "Give a file with text.", stored)
    if _REPORT.search(text):
        return failed(
            source,
            sha256,
            "no_tables",
            "报告里没有找到三张统计表 / the report holds none of the form's three tables.",
            "Only narrative is there: give the page or file that prints the tables.",
            stored,
        )
    return failed(
        source,
        sha256,
        "not_a_report",
        "这不是政府信息公开工作年度报告 / this is no yearly report on government information disclosure.",
        _hint(stored),
        stored,
    )


def _hint(text: str) -> str:
    from extractor.document.formats.html import looks_like_error_page

    if looks_like_error_page(text):
        return "It looks like an error page or a login form: download the report again."
    return "Check that the download is the report and not another document."
