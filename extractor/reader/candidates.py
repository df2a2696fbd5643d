"""What a reading of a row is: cells with what is on paper there, candidates, rows to be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from extractor.reader.columns import Columns
from extractor.reader.fields import Field, Style
from extractor.reader.numbers import Reading
from extractor.results import State, Value

MOST_CANDIDATES = 400


class CellRead(NamedTuple):
    """One cell of a candidate: what is on paper there. `tentative` figures need the equations' agreement."""

    state: State
    value: Value | None = None
    start: int = 0
    end: int = 0
    tentative: bool = False
    unit: str | None = None


BLANK, MISSING = CellRead("blank"), CellRead("missing")


class Candidate(NamedTuple):
    """A reading of a whole row; `values` are completed by the row's own sum where that leaves one value."""

    values: tuple[Value | None, ...]
    cells: tuple[CellRead, ...]


class RowSpec(NamedTuple):
    """A row to be read: cell paths, the kind of each, its sums as (first cell, past-last cell = total), and its
    level (rows of one level have their label in the same column of the page)."""

    key: str
    paths: tuple[str, ...]
    kinds: tuple[str, ...]
    blocks: tuple[tuple[int, int], ...]
    level: str = ""
    words: str = ""  # the row's label, folded: a cell that repeats it is no data


@dataclass(slots=True)
class Row:
    """A row as read: its candidates (one: decided by the text alone). `problem` says why there is none."""

    spec: RowSpec
    start: int
    end: int
    candidates: list[Candidate] = field(default_factory=list)
    problem: str = ""
    # Readings against the borders, for when no other balances: figures whose border was lost.
    reserve: list[Candidate] = field(default_factory=list)
    figures: tuple[Value, ...] = ()  # what is printed in a row that could not be read
    labelled: bool = False  # each part of the row was read behind its own label
    # Candidates that break the row's own sum although the digits allow several: nothing decides among them.
    broken: bool = False


@dataclass(slots=True)
class Evidence:
    """What the table as a whole says about its layout.

    `edges`: by level, the numbers of empty cells that full rows have before and behind their figures.
    """

    style: Style
    columns: Columns | None = None
    edges: dict[str, set[tuple[int, int]]] = field(default_factory=dict)
    # Somewhere in the table figures are stuck together (no number begins with 0): borders were lost.
    glued: bool = False


def suits(cells: tuple[CellRead, ...], kinds: tuple[str, ...]) -> bool:
    """Whether each printed figure is of its cell's kind: only a change has a sign, only an amount decimals."""
    for cell, kind in zip(cells, kinds, strict=True):
        if cell.state != "reported" or cell.value is None:
            continue
        if kind != "amount" and not isinstance(cell.value, int):
            return False
        if kind != "signed" and cell.value < 0:
            return False
    return True


def read_as_cell(printed: Field, reading: Reading) -> CellRead:
    """A printed field as a cell."""
    span = (printed.start, printed.end)
    if reading.kind == "number":
        return CellRead("reported", reading.value, *span, unit=reading.unit)
    if reading.kind == "not_applicable":
        return CellRead("not_applicable", None, *span)
    if reading.kind == "tentative":
        return CellRead("reported", reading.value, *span, tentative=True)
    return CellRead("illegible", None, *span)


def sums_hold(values: tuple[Value | None, ...], blocks: tuple[tuple[int, int], ...]) -> bool:
    """Whether every block whose cells are all known adds up."""
    for first, last in blocks:
        block = values[first:last]
        if None not in block and sum(block[:-1]) != block[-1]:  # type: ignore[arg-type]
            return False
    return True


def complete(values: tuple[Value | None, ...], blocks: tuple[tuple[int, int], ...]) -> tuple[Value | None, ...] | None:
    """Fills cells that a block's sum leaves one value (counts are ≥ 0); None where a sum cannot hold."""
    out = list(values)
    for first, last in blocks:
        unknown = [i for i in range(first, last - 1) if out[i] is None]
        known = sum(out[i] for i in range(first, last - 1) if out[i] is not None)  # type: ignore[misc]
        total = out[last - 1]
        if total is None:
            if not unknown:
                out[last - 1] = known
            continue
        rest = total - known
        if rest < 0 or (rest > 0 and not unknown):
            return None
        if rest == 0:
            for i in unknown:
                out[i] = 0
        elif len(unknown) == 1:
            out[unknown[0]] = rest
    return tuple(out)
