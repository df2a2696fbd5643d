"""Datasette's metadata for a database of results: titles, words for every column, facets, ready questions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from extractor.store.describe import described

_TRUSTED = "('verified', 'reconciled', 'inconsistent')"
_NOT_IN_VIEW = (
    "calls", "prompt_tokens", "completion_tokens", "cost", "form_hash", "outcome", "run", "record", "region", "rest",
)  # fmt: skip

# What is set beside titles and words.
_SETTINGS: dict[str, dict[str, Any]] = {
    "latest_extractions": {"facets": ["verdict", "year", "province", "form"], "sort_desc": "extracted_at"},
    "extractions": {"label_column": "source", "facets": ["verdict", "year", "province"], "sort_desc": "id"},
    "documents": {"label_column": "sha256", "units": {"bytes": "B"}, "sort_desc": "first_seen"},
    "sources": {"sort_desc": "last_seen"},
    "form_cells": {"label_column": "label", "facets": ["table_key"], "sort": "position"},
    "cells": {"size": 50},
    "findings": {"label_column": "rule", "facets": ["status", "severity", "blame"], "sort_desc": "id"},
    "claims": {"facets": ["scope", "year"], "sort_desc": "id"},
    "coverage": {"facets": ["status", "year"], "sort": "organization"},
    "doubtful_cells": {"facets": ["why", "organization"]},
    "broken_rules": {"facets": ["severity", "blame", "organization"]},
    "records_requests": {"facets": ["row_label", "year", "verdict"]},
    "records_disputes": {"facets": ["row_label", "year", "verdict"]},
    "records_disclosure": {"facets": ["row_label", "year", "verdict"]},
    "conflicts": {"facets": ["organization", "year"]},
}

_MATRIX_YEARS = range(2019, 2031)


def _matrix() -> str:
    years = ",\n       ".join(
        f"coalesce(max(case when year = {year} then status end), '') as \"{year}\"" for year in _MATRIX_YEARS
    )
    return (
        f"select organization,\n       {years},\n       count(*) as years\nfrom coverage\n"
        "where organization is not null\ngroup by organization\norder by organization"
    )


QUERIES: dict[str, dict[str, Any]] = {
    "all_doubtful_cells": {
        "title": "所有存疑的格 / all doubtful cells",
        "description": "Ambiguous and illegible cells, and suspects of broken rules, with the text around them.",
        "sql": "select organization, year, label, group_concat(why, ', ') as why, value, raw, candidates, context, "
        "source\nfrom doubtful_cells\nwhere coalesce(organization, '') like '%' || :organization || '%'\n"
        "group by extraction, path\norder by min(why like 'suspect%'), organization, year, path",
        "params": ["organization"],
    },
    "rules_that_fail": {
        "title": "不成立的勾稽关系 / broken rules",
        "description": "Hard rules that fail in the newest reading of each document, with both numbers and the blame.",
        "sql": "select organization, year, rule, left_value, right_value, blame, message, source\nfrom broken_rules\n"
        "where severity = 'error'\norder by organization, year, rule",
    },
    "coverage_matrix": {
        "title": "覆盖 / which body has which year",
        "description": "trusted: all three tables can be trusted; partial: some; empty: there is no report.",
        "sql": _matrix(),
    },
    "one_body_over_the_years": {
        "title": "一个机关历年 / one body over the years",
        "description": "Table 3, totals of every row, from tables that can be trusted.",
        "sql": "select year, row_label, total, verdict, source\nfrom records_requests\n"
        f"where organization = :organization and verdict in {_TRUSTED}\norder by year, extraction, rowid",
        "params": ["organization"],
    },
    "requests_by_body_and_year": {
        "title": "各机关各年新收申请 / requests received by body and year",
        "description": "From tables that can be trusted.",
        "sql": "select organization, year, natural_person, total, verdict, source\nfrom records_requests\n"
        f"where row_key = 'new_received' and verdict in {_TRUSTED}\norder by organization, year",
    },
    "documents_that_disagree": {
        "title": "互相矛盾的文件 / documents that disagree",
        "description": "Cells in which two trusted reports of one body and year say different things.",
        "sql": "select organization, year, label, value, source, other_value, other_source\nfrom conflicts\n"
        "order by organization, year, path",
    },
    "not_read": {
        "title": "未读出的文件 / what could not be read",
        "description": "Inputs of which nothing came out, and what to do about them.",
        "sql": "select source, error_code, error_message, error_hint\nfrom latest_extractions\n"
        "where error_code is not null\norder by error_code, source",
    },
}


def metadata(database: Path) -> dict[str, Any]:
    """The metadata for `datasette DATABASE -m FILE`; Datasette names a database by its file's stem."""
    extractions = described()["extractions"].columns
    common = described()["cells"].columns | extractions | described()["form_cells"].columns
    tables: dict[str, Any] = {"_sqlite_migrations": {"hidden": True}}
    for name, table in described().items():
        words = {column: common[column] for column in _joined(name) if column in common} | table.columns
        tables[name] = {
            "title": f"{table.title} · {name}",
            "description": table.about,
            "columns": words,
            **_SETTINGS.get(name, {}),
        }
    return {
        "title": "政府信息公开工作年度报告 · 勾稽",
        "description": "Records of yearly reports on government information disclosure, read and proved by gouji. "
        "verified, reconciled and inconsistent tables can be trusted; needs_review cannot.",
        "databases": {
            database.stem: {
                "description": "Look at “all doubtful cells” first. Views show the newest reading of each document.",
                "queries": {name: {"hide_sql": True, **query} for name, query in QUERIES.items()},
                "tables": tables,
            }
        },
    }


def _joined(view: str) -> tuple[str, ...]:
    """Columns that views take over from tables."""
    whose = ("organization", "year", "source")
    return {
        "latest_extractions": tuple(name for name in described()["extractions"].columns if name not in _NOT_IN_VIEW),
        "records_requests": (*whose, "row_key", "row_label"),
        "records_disputes": (*whose, "row_key", "row_label"),
        "records_disclosure": (*whose, "row_key", "row_label", "column_key", "column_label", "value", "unit", "state"),
        "doubtful_cells": (*whose, "path", "label", "value", "raw", "candidates"),
        "broken_rules": whose,
        "coverage": ("organization", "year"),
        "conflicts": (*whose, "path", "label"),
    }.get(view, ())
