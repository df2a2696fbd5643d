"""The form's own multi-level headings: which words stand over which columns of a table."""

from __future__ import annotations

from collections.abc import Sequence

from extractor.export.columns import all_paths, table_of
from extractor.form import DISPUTE_BLOCKS, FORM, cell_paths
from extractor.form.model import row_words

TOGETHER = "（合并填列）"
Merged = tuple[int, int, int, int]  # first and last row, first and last column, from 1


def paths_of(table: str, version: str, groups: frozenset[str]) -> list[str]:
    """The cells of a table in print order; `groups` are the group rows (`other.all`) to be shown."""
    if table != "requests":
        return list(cell_paths(version)[table])
    rows = [path for path in all_paths() if table_of(path) == "requests"]
    return [p for p in rows if p.split(".")[2:3] != ["all"] or ".".join(p.split(".")[1:3]) in groups]


def words_over(path: str) -> tuple[str, ...]:
    """The words over a cell from the top down; the same words twice are one cell of the heading."""
    head, _, rest = path.partition(".")
    if head in DISPUTE_BLOCKS:
        block = next(label.label for label in FORM.blocks if label.key == head)
        top = block if head == "reconsideration" else "行政诉讼"
        return top, block, FORM.words(path).rpartition(" · ")[2]
    row = rest.rpartition(".")[0]
    last = FORM.words(path).rpartition(" · ")[2]
    if head == "disclosure":
        return FORM.words(path).rpartition(" · ")[0], last
    group, _, sub = row.partition(".")
    groups = {label.key: label for label in FORM.groups}
    outcome = f"{groups['outcome'].ordinal}、{groups['outcome'].label}"
    if sub:
        over = f"（{groups[group].ordinal}）{groups[group].label}"
        found = next((label for label in FORM.rows if label.key == row), None)
        return outcome, over, f"{found.ordinal}.{found.label}" if found else TOGETHER, last
    words = row_words(FORM, row)
    return (outcome, words, words, last) if words.startswith("（") else (words, words, words, last)


def merged(columns: Sequence[Sequence[str]]) -> list[Merged]:
    """The rectangles of equal words in a heading, given column by column from the top down."""
    levels = len(columns[0])
    runs = [_runs(columns, level) for level in range(levels)]
    found: list[Merged] = []
    for level in range(levels):
        for first, last in runs[level]:
            text = columns[first][level]
            if level and (first, last) in runs[level - 1] and columns[first][level - 1] == text:
                continue  # part of the rectangle that began above
            bottom = level
            while bottom + 1 < levels and (first, last) in runs[bottom + 1] and columns[first][bottom + 1] == text:
                bottom += 1
            if bottom > level or last > first:
                found.append((level + 1, bottom + 1, first + 1, last + 1))
    return found


def _runs(columns: Sequence[Sequence[str]], level: int) -> list[tuple[int, int]]:
    """Columns that have the same words down to this level, as first and last."""
    runs: list[tuple[int, int]] = []
    for index, column in enumerate(columns):
        if runs and columns[runs[-1][0]][: level + 1] == column[: level + 1]:
            runs[-1] = (runs[-1][0], index)
        else:
            runs.append((index, index))
    return runs
