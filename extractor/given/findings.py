"""What a given record says that the text does not: contradicted, not found, printed but not proved."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from extractor.document.bodies import one_name_holds_the_other
from extractor.form import FORM
from extractor.given.record import Given
from extractor.results import Cell, Finding, Result, Value, plain

if TYPE_CHECKING:
    from extractor.pipeline import Reading


def compare_given(reading: Reading, given: Given, result: Result) -> list[Finding]:
    """What the given record says that the text does not: contradicted, not found, or printed but not proved."""
    if result.record is None:
        return []
    cells = {cell.path: cell for cell in result.cells}
    findings = list(_head(reading, given, result.record))
    loose: dict[tuple[str, str], list[str]] = {}
    for path, said in given.values.items():
        cell = cells.get(path)
        if cell is not None and cell.value is not None:
            if cell.value != said:
                findings.append(_contradicted(cell, said, reading.text))
            continue
        rule = "given.unproved" if cell and _shown(reading, cell, said, cells) else "given.not_found"
        loose.setdefault((rule, path.rpartition(".")[0]), []).append(path)
    return findings + [_loose(rule, paths, given.values) for (rule, _), paths in loose.items()]


def _shown(reading: Reading, cell: Cell, said: Value, cells: Mapping[str, Cell]) -> bool:
    """Whether the number is printed in the cell's row, outside every cell that was read."""
    if cell.state in ("blank", "not_applicable"):
        return False
    if said in cell.candidates:
        return True
    row = next((r for t in reading.tables.values() for r in t.rows.values() if cell.path in r.spec.paths), None)
    if row is None:
        return False
    figure = re.escape(str(plain(said)).lstrip("-"))
    exact = rf"(?<![\d.]){figure}(?![\d.])" if cell.state == "missing" else figure
    taken = [c.span for p in row.spec.paths if (c := cells.get(p)) and c.span and c.value is not None]
    found = re.compile(exact).finditer(reading.norm, row.start, row.end)
    return any(not any(a < match.end() and match.start() < b for a, b in taken) for match in found)


def _head(reading: Reading, given: Given, record: Mapping[str, Any]) -> Iterator[Finding]:
    """The form, year, body and unit that differ from what the text says."""
    pairs = (
        ("form", "统计表版本", given.form, reading.version, "table 2 is of the form"),
        ("year", "报告年度", given.year, reading.identity.year, "the report's year is"),
    )
    for path, name, said, read, words in pairs:
        if said is not None and read is not None and said != read:
            numbers = (said, read) if isinstance(said, int) and isinstance(read, int) else (None, None)
            message = f"{name}：给定 {said}，原文为 {read} / given {said}, {words} {read}"
            yield _finding("given.contradicted", (path,), message, *numbers)
    body = reading.identity.organization
    if given.organization and body and not one_name_holds_the_other(given.organization, body):
        message = f"机关名称：给定“{_short(given.organization)}”，原文为“{_short(body)}” / given another body"
        yield _finding("given.contradicted", ("organization",), message)
    unit = (record["disclosure"].get("fees") or {}).get("unit")
    if given.unit and unit and given.unit != unit:
        message = f"行政事业性收费：单位给定“{_short(given.unit)}”，原文为“{unit}” / given another unit"
        yield _finding("given.contradicted", ("disclosure.fees.amount",), message)


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def _contradicted(cell: Cell, said: Value, text: str) -> Finding:
    value = plain(cell.value)
    if cell.span:
        line = text.count("\n", 0, cell.span[0]) + 1
        where = f"原文第 {line} 行印作 {value} / given {plain(said)}, printed {value} in line {line}"
    else:
        because = "、".join(cell.because)
        where = f"由 {because} 推得 {value} / given {plain(said)}, derived {value}"
    message = f"{FORM.words(cell.path)}：给定 {plain(said)}，{where}"
    return _finding("given.contradicted", (cell.path,), message, said, cell.value)


def _loose(rule: str, paths: list[str], values: Mapping[str, Value]) -> Finding:
    """One finding for a row: its cells that the given record fills and the text does not bear out."""
    shown = "、".join(f"{FORM.words(path)} {plain(values[path])}" for path in paths[:3])
    more = f"等 {len(paths)} 格" if len(paths) > 3 else ""
    if rule == "given.unproved":
        words = "在这一行印着，但不足以证明 / printed in that row, not proved"
    else:
        words = "在应有的位置没有印出，未采用 / not printed where it belongs, not used"
    left = values[paths[0]] if len(paths) == 1 else None
    return _finding(rule, tuple(paths), f"给定 {shown}{more}：{words}", left)


def _finding(
    rule: str, cells: tuple[str, ...], message: str, left: Value | None = None, right: Value | None = None
) -> Finding:
    return Finding(
        rule=rule,
        status="fail",
        severity="info" if rule == "given.unproved" else "warning",
        message=message,
        cells=cells,
        left=left,
        right=right,
        blame="undecided",
    )
