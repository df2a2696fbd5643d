"""The schema, as numbered migrations; a released one never changes. docs/database.md describes what they make."""

from __future__ import annotations

from sqlite_utils import Database, Migrations

migrations = Migrations("gouji")


@migrations(name="0001_tables")
def _tables(db: Database) -> None:
    db.table("documents").create(
        {"sha256": str, "bytes": int, "characters": int, "text": str, "first_seen": str}, pk="sha256"
    )
    db.table("sources").create(
        {"source": str, "document": str, "first_seen": str, "last_seen": str},
        pk=("source", "document"),
        foreign_keys=[("document", "documents", "sha256")],
    )
    db.table("extractions").create(
        {
            "id": int,
            "document": str,
            "report": int,
            "source": str,
            "organization": str,
            "year": int,
            "title": str,
            "form": str,
            "verdict": str,
            "verdict_disclosure": str,
            "verdict_requests": str,
            "verdict_disputes": str,
            "error_code": str,
            "error_message": str,
            "error_hint": str,
            "calls": int,
            "prompt_tokens": int,
            "completion_tokens": int,
            "cost": str,
            "gouji_version": str,
            "form_hash": str,
            "outcome": str,
            "run": int,
            "extracted_at": str,
            "record": str,
        },
        pk="id",
        foreign_keys=[("document", "documents", "sha256")],
        not_null=["report", "source", "verdict", "gouji_version", "form_hash", "outcome", "run", "extracted_at"],
    )
    db.table("extractions").create_index(["document", "run"])
    db.table("extractions").create_index(["source"])
    db.table("extractions").create_index(["organization", "year"])
    db.table("extractions").create_index(["verdict"])
    db.table("form_cells").create(
        {
            "path": str,
            "table_key": str,
            "row_key": str,
            "column_key": str,
            "row_label": str,
            "column_label": str,
            "label": str,
            "column_position": int,
            "position": int,
        },
        pk="path",
    )
    db.table("cells").create(
        {
            "extraction": int,
            "path": str,
            "value": str,
            "value_integer": int,
            "unit": str,
            "state": str,
            "method": str,
            "raw": str,
            "span_start": int,
            "span_end": int,
            "candidates": str,
            "because": str,
        },
        pk=("extraction", "path"),
        foreign_keys=[("extraction", "extractions", "id"), ("path", "form_cells", "path")],
        not_null=["state"],
    )
    # Partial: these few are looked for among millions of cells.
    db.execute("create index idx_cells_doubtful on cells (state) where state in ('ambiguous', 'illegible')")
    db.table("findings").create(
        {
            "id": int,
            "extraction": int,
            "rule": str,
            "status": str,
            "severity": str,
            "blame": str,
            "left_value": str,
            "right_value": str,
            "message": str,
            "cells": str,
            "suspects": str,
            "hypotheses": str,
        },
        pk="id",
        foreign_keys=[("extraction", "extractions", "id")],
        not_null=["rule", "status", "severity"],
    )
    db.table("findings").create_index(["extraction"])
    db.table("findings").create_index(["rule", "status"])


_WHOSE = "e.id as extraction, e.organization, e.year, e.source"


@migrations(name="0002_views")
def _views(db: Database) -> None:
    db.create_view(
        "latest_extractions",
        """
        select id, organization, year, form, verdict, verdict_disclosure, verdict_requests, verdict_disputes,
               source, report, document, title, error_code, error_message, error_hint, gouji_version, extracted_at
        from extractions as e
        where case when document is not null
            then run = (select max(run) from extractions as other where other.document = e.document)
            else run = (select max(run) from extractions as other where other.source = e.source)
                 and not exists (select 1 from sources where sources.source = e.source
                                 and sources.last_seen >= e.extracted_at)
            end
        """,
    )
    columns = ", ".join(
        f"max(case when f.column_key = '{column}' then c.value_integer end) as {column}"
        for column in (
            "natural_person",
            "business",
            "research_institution",
            "social_organization",
            "legal_service",
            "other_organization",
            "total",
        )
    )
    db.create_view(
        "records_requests",
        f"""
        select {_WHOSE}, e.verdict_requests as verdict, f.row_key, f.row_label, {columns}
        from latest_extractions as e
        join cells as c on c.extraction = e.id
        join form_cells as f on f.path = c.path and f.table_key = 'requests'
        group by e.id, f.row_key order by e.id, min(f.position)
        """,
    )
    columns = ", ".join(
        f"max(case when f.column_key = '{column}' then c.value_integer end) as {column}"
        for column in ("upheld", "corrected", "other", "pending", "total")
    )
    db.create_view(
        "records_disputes",
        f"""
        select {_WHOSE}, e.verdict_disputes as verdict, f.row_key, f.row_label, {columns}
        from latest_extractions as e
        join cells as c on c.extraction = e.id
        join form_cells as f on f.path = c.path and f.table_key = 'disputes'
        group by e.id, f.row_key order by e.id, min(f.position)
        """,
    )
    db.create_view(
        "records_disclosure",
        f"""
        select {_WHOSE}, e.verdict_disclosure as verdict, f.row_key, f.row_label, f.column_key, f.column_label,
               c.value, c.unit, c.state
        from latest_extractions as e
        join cells as c on c.extraction = e.id
        join form_cells as f on f.path = c.path and f.table_key = 'disclosure'
        order by e.id, f.position
        """,
    )
    db.create_view(
        "doubtful_cells",
        f"""
        select {_WHOSE}, c.path, f.label, c.state as why, c.value, c.raw, c.candidates,
               substr(d.text, max(1, c.span_start - 29), c.span_end - c.span_start + 60) as context
        from cells as c
        join latest_extractions as e on e.id = c.extraction
        left join form_cells as f on f.path = c.path
        left join documents as d on d.sha256 = e.document
        where c.state in ('ambiguous', 'illegible')
        union all
        select {_WHOSE}, c.path, f.label, 'suspect of ' || n.rule as why, c.value, c.raw, c.candidates,
               substr(d.text, max(1, c.span_start - 29), c.span_end - c.span_start + 60) as context
        from findings as n
        join latest_extractions as e on e.id = n.extraction
        join json_each(n.suspects) as s
        join cells as c on c.extraction = n.extraction and c.path = s.value
        left join form_cells as f on f.path = c.path
        left join documents as d on d.sha256 = e.document
        where n.status = 'fail'
        """,
    )
    db.create_view(
        "broken_rules",
        f"""
        select {_WHOSE}, n.rule, n.severity, n.left_value, n.right_value, n.blame, n.message
        from findings as n
        join latest_extractions as e on e.id = n.extraction
        where n.status = 'fail'
        """,
    )


@migrations(name="0003_claims_and_reasons")
def _claims(db: Database) -> None:
    findings = db.table("findings")
    findings.add_column("reason", str)
    findings.add_column("message_en", str)
    findings.add_column("evidence", str)
    db.table("claims").create(
        {
            "id": int,
            "extraction": int,
            "field": str,
            "value": str,
            "value_integer": int,
            "unit": str,
            "raw": str,
            "span_start": int,
            "span_end": int,
            "scope": str,
            "year": int,
            "about": str,
            "method": str,
        },
        pk="id",
        foreign_keys=[("extraction", "extractions", "id")],
        not_null=["field", "value", "raw", "scope", "method"],
    )
    db.table("claims").create_index(["extraction"])


# The text around a cell; of one without a place of its own the text from its row's label on, in the table's section.
_CONTEXT = """
    case when c.span_start is not null then substr(d.text, max(1, c.span_start - 29), c.span_end - c.span_start + 60)
    else (
        select case when at > 0 then substr(d.text, start + at, 50) end
        from (select start, instr(substr(d.text, start + 1), word) as at
              from (select coalesce(json_extract(x.record, '$.sections.' || f.table_key || '[0]'), 0) as start,
                           case when f.row_label like '%.%' then substr(f.row_label, instr(f.row_label, '.') + 1)
                                when f.row_label like '%）%' then substr(f.row_label, instr(f.row_label, '）') + 1)
                                else substr(f.row_label, instr(f.row_label, '、') + 1) end as word)))
    end"""
_TRUSTED = "('verified', 'reconciled', 'inconsistent')"


@migrations(name="0004_places_and_bodies")
def _places(db: Database) -> None:
    db.table("cells").add_column("place", str)
    db.table("findings").add_column("missing", str)
    extractions = db.table("extractions")
    texts = ("region", "region_code", "province", "city", "county", "town", "region_level")
    for name in texts:
        extractions.add_column(name, str)
    extractions.add_column("region_sure", int)
    extractions.add_column("rest", str)
    db.create_view(
        "latest_extractions",
        """
        select id, organization, year, form, verdict, verdict_disclosure, verdict_requests, verdict_disputes,
               region_code, province, city, county, town, region_level, region_sure,
               source, report, document, title, error_code, error_message, error_hint, gouji_version, extracted_at
        from extractions as e
        where case when document is not null
            then run = (select max(run) from extractions as other where other.document = e.document)
            else run = (select max(run) from extractions as other where other.source = e.source)
                 and not exists (select 1 from sources where sources.source = e.source
                                 and sources.last_seen >= e.extracted_at)
            end
        """,
        replace=True,
    )
    db.create_view(
        "doubtful_cells",
        f"""
        select {_WHOSE}, c.path, f.label, c.state as why, c.value, c.raw, c.candidates, {_CONTEXT} as context
        from cells as c
        join latest_extractions as e on e.id = c.extraction
        join extractions as x on x.id = c.extraction
        left join form_cells as f on f.path = c.path
        left join documents as d on d.sha256 = e.document
        where c.state in ('ambiguous', 'illegible')
        union all
        select {_WHOSE}, c.path, f.label, 'suspect of ' || n.rule as why, c.value, c.raw, c.candidates,
               {_CONTEXT} as context
        from findings as n
        join latest_extractions as e on e.id = n.extraction
        join extractions as x on x.id = n.extraction
        join json_each(n.suspects) as s
        join cells as c on c.extraction = n.extraction and c.path = s.value
        left join form_cells as f on f.path = c.path
        left join documents as d on d.sha256 = e.document
        where n.status = 'fail'
        """,
        replace=True,
    )
    trusted = " + ".join(f"(verdict_{table} in {_TRUSTED})" for table in ("disclosure", "requests", "disputes"))
    db.create_view(
        "coverage",
        f"""
        select organization, year,
               case max(case when verdict = 'failed' then 0 else 1 + {trusted} end)
                   when 4 then 'trusted' when 0 then 'failed' when 1 then 'needs_review' else 'partial' end as status,
               count(*) as reports, count(distinct document) as documents, group_concat(source, ' | ') as sources
        from latest_extractions
        group by organization, year
        """,
    )
    tables = " ".join(f"when '{table}' then {{0}}.verdict_{table}" for table in ("disclosure", "requests", "disputes"))
    db.create_view(
        "conflicts",
        f"""
        select a.organization, a.year, f.path, f.label, a.id as extraction, a.source, ca.value,
               b.id as other_extraction, b.source as other_source, cb.value as other_value
        from latest_extractions as a
        join latest_extractions as b on b.organization = a.organization and b.year = a.year and b.id > a.id
        join cells as ca on ca.extraction = a.id
        join cells as cb on cb.extraction = b.id and cb.path = ca.path
        join form_cells as f on f.path = ca.path
        where ca.value is not cb.value and ca.value is not null and cb.value is not null
          and (case f.table_key {tables.format("a")} end) in {_TRUSTED}
          and (case f.table_key {tables.format("b")} end) in {_TRUSTED}
        """,
    )
