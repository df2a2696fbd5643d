"""Lines of `gouji extract --json` for the tests of what goes out: real ones, changed ones, and any that could be."""

from __future__ import annotations

import copy
import hashlib
import json
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import helpers as h
from hypothesis import strategies as st
from typer.testing import CliRunner

from extractor.claims.claim import Claim
from extractor.cli.main import app
from extractor.document.content import Place
from extractor.errors import GoujiError
from extractor.form import DISPUTE_BLOCKS, GROUPS, cell_paths
from extractor.results import (
    TRUSTED,
    Cell,
    Evidence,
    Finding,
    Hypothesis,
    Result,
    Usage,
    document_verdict,
    failed,
)

Line = dict[str, Any]


@lru_cache
def _true_line() -> str:
    return json.dumps(h.read(h.report()).to_json(), ensure_ascii=False)


def line(body: str = "青禾县人民政府", year: int = 2023, source: str = "a.txt", **changes: Any) -> Line:
    """A true line; `changes` are cells, `path=value`, in the record and in the cells. Each source is a document."""
    made: Line = json.loads(_true_line())
    made["source"], made["sha256"] = source, hashlib.sha256(source.encode()).hexdigest()
    made["record"]["organization"], made["record"]["year"] = body, year
    for path, value in changes.items():
        put(made, path, value)
    return made


def put(made: Line, path: str, value: Any) -> None:
    head, _, rest = path.partition(".")
    row, _, column = rest.rpartition(".")
    node = made["record"][head][row] if row else made["record"][head]
    node[column or rest] = value
    cell = next(cell for cell in made["cells"] if cell["path"] == path)
    cell["value"] = value
    if cell["raw"] is not None:
        cell["raw"] = str(value)
        cell["span"] = [0, len(cell["raw"])]


def doubted(made: Line, table: str = "requests") -> Line:
    """The line with a table that cannot be trusted."""
    made = copy.deepcopy(made)
    made["verdicts"][table] = "needs_review"
    made["verdict"] = document_verdict(made["verdicts"])
    return made


def nothing(source: str = "empty.txt") -> Line:
    """The line of a document that gave nothing."""
    return failed(source, None, "missing", "There is no such file.", "Check the path.").to_json()


def written(path: Path, *lines: Line) -> Path:
    path.write_text("".join(json.dumps(one, ensure_ascii=True) + "\n" for one in lines), encoding="utf-8")
    return path


def run(*args: object) -> tuple[int, str, str]:
    """The command in this process: exit code, what it printed, what it said."""
    done = CliRunner().invoke(app, list(map(str, args)))
    if isinstance(done.exception, GoujiError):
        error = done.exception
        return error.exit_code, done.stdout, f"{done.stderr}gouji: {error.message} [{error.code}]\n  {error.hint}\n"
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


# ---------------------------------------------------------------- any result

# What JSON and databases trip over: control characters, line separators, surrogates, quotes, formulas, emoji.
TEXTS = st.text(st.characters(codec=None), max_size=12) | st.sampled_from(
    [
        "=1+1",
        "@SUM(A1)",
        "-",
        "+19",
        "\u2028",
        "\x00",
        "\ud800",
        "'; drop table cells; --",
        "𠮷\U0001f4c4",
        '"',
        "\r\n\t",
    ]
)
COUNTS = st.integers(0, 50) | st.sampled_from([10**15, 2**63 - 1, 2**63, 10**40])
AMOUNTS = st.decimals(0, 10**12, allow_nan=False, places=6) | st.sampled_from(
    [Decimal("0"), Decimal("1.50"), Decimal("16085.100735"), Decimal(10**23), Decimal("0.000000000000000000000001")]
)
SPANS = st.tuples(st.integers(0, 9000), st.integers(0, 40)).map(lambda pair: (pair[0], pair[0] + pair[1]))
PLACES = st.builds(
    Place,
    table=st.none() | st.integers(1, 9),
    row=st.none() | st.integers(1, 99),
    page=st.none() | st.integers(1, 99),
    box=st.none() | st.tuples(*[st.floats(0, 900, allow_nan=False)] * 4),
    sheet=st.none() | TEXTS,
    ref=st.none() | st.just("C5"),
)
PRINTED = st.none() | COUNTS | AMOUNTS | st.integers(-(10**6), 0)


@st.composite
def results(draw: st.DrawFn) -> Result:
    """Any result that keeps the contract: all states, methods and verdicts, huge numbers, odd characters."""
    source = draw(TEXTS)
    sha256 = hashlib.sha256(draw(st.binary(max_size=4))).hexdigest()
    claims = draw(st.lists(st.builds(Claim, TEXTS, COUNTS | AMOUNTS, TEXTS, SPANS, unit=st.none() | TEXTS), max_size=2))
    if draw(st.integers(0, 9)) == 0:
        made = failed(source, draw(st.sampled_from([None, sha256])), draw(TEXTS), draw(TEXTS), draw(TEXTS))
        made.claims = claims
        return made
    verdicts = draw(
        st.fixed_dictionaries(
            {
                table: st.sampled_from(["reconciled", "inconsistent", "needs_review"])
                for table in ("disclosure", "requests", "disputes")
            }
        )
    )
    version = draw(st.sampled_from(["2021", "2019"]))
    paths = cell_paths(version, frozenset(draw(st.sets(st.sampled_from(sorted(GROUPS))))))
    interesting = draw(st.sets(st.sampled_from([p for ps in paths.values() for p in ps]), max_size=12))
    cells = [
        draw(_cell(path, verdicts[table] in TRUSTED)) if path in interesting else Cell(path)
        for table, found in paths.items()
        for path in found
    ]
    record = _record(version, cells) | {
        "organization": draw(st.none() | TEXTS), "year": draw(st.none() | st.integers(1900, 2200)),
        "title": draw(st.none() | TEXTS), "sections": {"overview": draw(st.none() | SPANS.map(list))},
    }  # fmt: skip
    finding = st.builds(
        Finding,
        rule=TEXTS,
        status=st.sampled_from(["fail", "not_assessable"]),
        severity=st.sampled_from(["error", "warning", "info"]),
        message=TEXTS,
        cells=st.tuples(TEXTS),
        left=PRINTED,
        right=PRINTED,
        suspects=st.sampled_from([(), ("requests.granted.total",)]),
        hypotheses=st.tuples(st.builds(Hypothesis, st.tuples(TEXTS), TEXTS)),
        blame=st.sampled_from(["source", "extraction", "undecided"]),
        reason=TEXTS,
        evidence=st.tuples(st.builds(Evidence, TEXTS, TEXTS, SPANS)),
        message_en=TEXTS,
        missing=st.tuples(TEXTS),
    )
    return Result(
        source, sha256, document_verdict(verdicts), verdicts, record, cells, draw(st.lists(finding, max_size=3)),
        Usage(draw(st.integers(0, 9)), 5, 7, draw(st.none() | st.just("0.001250"))), claims=claims,
    )  # fmt: skip


@st.composite
def _cell(draw: st.DrawFn, path: str, trusted: bool) -> Cell:
    states = ["blank", "not_applicable", "missing", "reported", *([] if trusted else ["illegible", "ambiguous"])]
    state = draw(st.sampled_from(states))
    values = AMOUNTS if path.endswith(".amount") else COUNTS
    reported = state == "reported"
    derived = not reported and draw(st.booleans())
    value = draw(values) if reported or derived else None
    # What is printed gives the value, or is no number by itself.
    printed = st.just(f"{value:f}" if isinstance(value, Decimal) else str(value)) | TEXTS.filter(_is_no_number)
    raw = draw(printed if reported else st.none() | TEXTS)
    start, end = draw(SPANS)
    return Cell(
        path,
        value=value,
        state=state,  # type: ignore[arg-type]
        raw=raw,
        span=(start, start + len(raw or "")) if reported else draw(st.none() | st.just((start, end))),
        method="derived" if derived else draw(st.sampled_from(["rule", "llm", "given", "human"])) if reported else None,
        unit=draw(st.none() | TEXTS) if path.endswith(".amount") else None,
        because=draw(st.tuples(TEXTS)) if derived else (),
        candidates=tuple(draw(st.lists(values, max_size=3))) if state == "ambiguous" else (),
        place=draw(st.none() | PLACES),
    )


def _is_no_number(text: str) -> bool:
    return not any(char.isalnum() for char in text)


def _record(version: str, cells: list[Cell]) -> Line:
    record: Line = {"form": version, "disclosure": {}, "requests": {}, **{block: {} for block in DISPUTE_BLOCKS}}
    for cell in cells:
        out = cell.to_json()
        head, _, rest = cell.path.partition(".")
        row, _, column = rest.rpartition(".")
        node = record[head].setdefault(row, {}) if row else record[head]
        node[column or rest] = out["value"]
        if cell.path.endswith(".amount"):
            node["unit"] = out.get("unit")
    return record
