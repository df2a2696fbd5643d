"""What of a true record is on paper, and how: the cells as printed, after blanks, marks, losses and errors."""

from __future__ import annotations

from dataclasses import dataclass, field

from extractor.eval.generator import numerals
from extractor.eval.generator.noise import Noise
from extractor.eval.generator.records import Record, Value, paths_of, printed_rows

from extractor.form import (
    DISPUTE_BLOCKS,
    DISPUTE_COLUMNS,
    FORM,
    GROUPS,
    REQUEST_COLUMNS,
    Equation,
    equations,
)


@dataclass(frozen=True, slots=True)
class Planted:
    """A publication error: the cell prints `printed` where `true` would be right."""

    path: str
    printed: Value
    true: Value


@dataclass(slots=True)
class Printed:
    """A cell on paper. `value` is what its print means (None: no number); `sure` False: only a candidate."""

    text: str
    value: Value | None
    state: str
    sure: bool = True


@dataclass(slots=True)
class Paper:
    """A report as printed, before any lay-out."""

    record: Record
    noise: Noise
    printed_groups: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    cells: dict[str, Printed] = field(default_factory=dict)
    rows: tuple[str, ...] = ()
    dropped: dict[str, str] = field(default_factory=dict)
    missing_tables: frozenset[str] = frozenset()
    planted: list[Planted] = field(default_factory=list)
    misprints: list[Planted] = field(default_factory=list)
    unit_printed: bool = True

    def value(self, path: str) -> Value | None:
        """The printed number, None where none is printed."""
        cell = self.cells.get(path)
        return cell.value if cell else None

    def equations(self) -> tuple[Equation, ...]:
        """The form's equations for what this report prints."""
        return equations(self.printed_groups, self.without)

    def broken(self) -> list[str]:
        """Codes of the equations all of whose cells are printed and that do not hold."""
        codes: list[str] = []
        for equation in self.equations():
            values = [self.value(path) for path in equation.cells]
            if any(value is None for value in values):
                continue
            left = sum(int(self.value(path) or 0) for path in equation.left)
            if left != sum(int(self.value(path) or 0) for path in equation.right):
                codes.append(equation.code)
        return codes

    def row_paths(self, row: str) -> list[str]:
        """The cells of a row of table 3."""
        return [f"requests.{row}.{column}" for column in REQUEST_COLUMNS]

    def is_blank(self, row: str) -> bool:
        """True if a row of table 3 prints nothing at all."""
        return all(not self.cells[path].text for path in self.row_paths(row) if path in self.cells)


def table_of(path: str) -> str:
    """The table that a cell belongs to."""
    head = path.split(".")[0]
    return head if head in ("disclosure", "requests") else "disputes"


def make_paper(record: Record, noise: Noise, *, explicit: bool) -> Paper:
    """Prints a record. `explicit`: the lay-out shows empty cells, so that blanks leave no doubt of places."""
    paper = Paper(record, noise)
    _choose_groups(paper)
    paper.rows = printed_rows(paper.printed_groups, paper.without)
    shown = {
        path: record.values[path]
        for paths in paths_of(record, paper.printed_groups, paper.without).values()
        for path in paths
    }
    planted = _plant(paper, shown) if noise.on("planted_error") else frozenset()
    for path, value in shown.items():
        text, sure = _write(noise, record, path, value, table_of(path) in planted)
        paper.cells[path] = Printed(text, value, "reported", sure)
    blanks = explicit and noise.rng.random() < 0.4
    # Blanks in a table with a planted error stay away where they would cast doubt on the places.
    free = [table for table in ("disclosure", "requests", "disputes") if table not in planted or blanks]
    if "requests" in free:
        _blank_rows(paper)
        _missing_row(paper)
    for table in free:
        _blank_cells(paper, table)
        _marks(paper, table)
    if "requests" not in planted:
        _drop_cells(paper)
    if explicit:
        _illegible(paper)
    _fee(paper)
    _missing_table(paper)
    if paper.planted and not paper.broken():
        for error in paper.planted:
            cell = paper.cells[error.path]
            if cell.value is not None:
                text, sure = _write(noise, record, error.path, error.true, True)
                paper.cells[error.path] = Printed(text, error.true, "reported", sure)
        paper.planted.clear()
    if paper.planted:
        noise.note("planted_error")
        paper.misprints = list(paper.planted)
    return paper


def _write(noise: Noise, record: Record, path: str, value: Value, plainly: bool) -> tuple[str, bool]:
    parts = path.split(".")
    kind = "count"
    if parts[0] == "disclosure":
        kind = FORM.fields[parts[-1]].kind
    if plainly and kind == "count":
        return numerals.plain(value), True
    unit = record.fee_unit if "fees" in path else record.procurement_unit or "万元"
    return numerals.write(noise, value, kind, unit)


def _choose_groups(paper: Paper) -> None:
    noise, rng = paper.noise, paper.noise.rng
    alone: list[str] = []
    beside: list[str] = []
    if paper.record.requests_form == "2019":
        alone.append("other")
    elif noise.hit("group_only", 1.0):
        alone.append("other" if rng.random() < 0.75 else rng.choice(tuple(GROUPS)))
    if noise.hit("group_only", 0.15):
        alone += [group for group in GROUPS if group not in alone and rng.random() < 0.4]
    if noise.hit("group_and_rows", 1.0):
        beside = [group for group in GROUPS if group not in alone and rng.random() < 0.6]
    paper.without = frozenset(alone)
    paper.printed_groups = frozenset((*alone, *beside))


def _plant(paper: Paper, shown: dict[str, Value]) -> frozenset[str]:
    """Changes one or two counts so that some equation breaks; returns the tables hit."""
    rng = paper.noise.rng
    for _ in range(20):
        equation = rng.choice(paper.equations())
        if rng.random() < 0.25:
            equation = rng.choice([e for e in paper.equations() if e.code.endswith(".sum")])
        path = rng.choice(equation.cells)
        changes: dict[str, Value] = {path: _wrong(paper, int(shown[path]), path, shown)}
        if path.startswith("requests.") and rng.random() < 0.2:
            changes = _moved(paper, path, shown) or changes
        trial = {**shown, **changes}
        if any(sum(int(trial[p]) for p in e.left) != sum(int(trial[p]) for p in e.right) for e in paper.equations()):
            paper.planted = [Planted(p, value, shown[p]) for p, value in changes.items()]
            shown.update(changes)
            return frozenset(table_of(p) for p in changes)
    return frozenset()


def _wrong(paper: Paper, true: int, path: str, shown: dict[str, Value]) -> int:
    """A plausible wrong number: off by one, a digit lost or doubled, digits swapped, the neighbour's number."""
    rng = paper.noise.rng
    digits = str(true)
    options = [true + 1, true + rng.randint(2, 12), true * 10]
    if true:
        options += [true - 1, 0, int(digits[1:] or 0), int(digits[::-1]), int(digits + digits[-1])]
    near = [int(value) for other, value in shown.items() if other.rsplit(".", 1)[0] == path.rsplit(".", 1)[0]]
    options.append(rng.choice(near))
    options = [option for option in options if option != true] or [true + 1]
    return rng.choice(options)


def _moved(paper: Paper, path: str, shown: dict[str, Value]) -> dict[str, Value]:
    """One request counted in the wrong column of its row (the row's total stays right)."""
    row, column = path.rsplit(".", 1)
    other = f"{row}.{paper.noise.rng.choice(REQUEST_COLUMNS[:-1])}"
    if column == "total" or other == path or int(shown[path]) == 0:
        return {}
    return {path: int(shown[path]) - 1, other: int(shown[other]) + 1}


def _erase(paper: Paper, path: str, state: str = "blank", text: str = "") -> None:
    if path in paper.cells:
        paper.cells[path] = Printed(text, None, state)


def _blank_rows(paper: Paper) -> None:
    noise, rng = paper.noise, paper.noise.rng
    if noise.on("blank_rows"):
        for row in paper.rows:
            zero = all(int(paper.record.values[p]) == 0 for p in paper.row_paths(row))
            if rng.random() < (0.35 if zero else 0.04):
                noise.note("blank_rows")
                for path in paper.row_paths(row):
                    _erase(paper, path)
    if noise.on("total_only"):
        whole = rng.random() < 0.2
        for row in paper.rows:
            if (whole or rng.random() < 0.12) and not paper.is_blank(row):
                noise.note("total_only")
                for path in paper.row_paths(row)[:-1]:
                    _erase(paper, path)
    if noise.hit("missing_total_column", 1.0):
        for row in paper.rows:
            _erase(paper, f"requests.{row}.total")


def _blank_cells(paper: Paper, table: str) -> None:
    noise, rng = paper.noise, paper.noise.rng
    if not noise.on("blank_cells") or rng.random() < 0.4:
        return
    zeros_only = rng.random() < 0.4
    share = rng.choice((0.02, 0.1, 0.5, 1.0)) if zeros_only else rng.choice((0.01, 0.05))
    for path, cell in paper.cells.items():
        if (
            table_of(path) == table
            and cell.value is not None
            and not (zeros_only and cell.value != 0)
            and rng.random() < share
        ):
            noise.note("blank_cells")
            _erase(paper, path)


def _marks(paper: Paper, table: str) -> None:
    noise, rng = paper.noise, paper.noise.rng
    if not noise.on("marks") or rng.random() < 0.4:
        return
    mark = rng.choice(numerals.MARKS)
    share = rng.choice((0.05, 0.3, 1.0))
    for path, cell in paper.cells.items():
        if table_of(path) == table and (cell.value is None or cell.value == 0) and rng.random() < share:
            noise.note("marks")
            _erase(paper, path, "not_applicable", mark)


def _drop_cells(paper: Paper) -> None:
    """Rows that print six numbers for seven columns; which one was lost is not to be seen."""
    noise, rng = paper.noise, paper.noise.rng
    if not noise.on("dropped_cell"):
        return
    at = -1 if rng.random() < 0.7 else rng.randrange(len(REQUEST_COLUMNS))
    start = rng.randrange(len(paper.rows))
    for row in paper.rows[start : start + rng.choice((1, 1, 3, 8))]:
        if all(paper.cells[path].value is not None for path in paper.row_paths(row)):
            noise.note("dropped_cell")
            path = paper.row_paths(row)[at]
            _erase(paper, path, "missing")
            paper.dropped[row] = path


def _missing_row(paper: Paper) -> None:
    noise, rng = paper.noise, paper.noise.rng
    if not noise.on("missing_row"):
        return
    for row in rng.sample(paper.rows, rng.choice((1, 1, 2, 4))):
        noise.note("missing_row")
        paper.rows = tuple(r for r in paper.rows if r != row)
        for path in paper.row_paths(row):
            _erase(paper, path, "missing")


def _illegible(paper: Paper) -> None:
    """A cell or two that print something which is no number."""
    noise, rng = paper.noise, paper.noise.rng
    if noise.on("illegible"):
        for path in rng.sample(list(paper.cells), rng.choice((1, 2))):
            if paper.cells[path].value is not None and not any(error.path == path for error in paper.planted):
                noise.note("illegible")
                _erase(paper, path, "illegible", rng.choice(("?", "■", "*", "见附件", "##", "□")))


def _fee(paper: Paper) -> None:
    noise = paper.noise
    if "disclosure.fees.amount" in paper.cells and noise.hit("fee_blank", 1.0):
        text = noise.rng.choice(("", "", "", "/", "—", "无"))
        _erase(paper, "disclosure.fees.amount", "not_applicable" if text else "blank", text)


def _missing_table(paper: Paper) -> None:
    noise = paper.noise
    if noise.hit("missing_table", 1.0):
        table = noise.rng.choice(("disclosure", "requests", "disputes"))
        paper.missing_tables = frozenset((table,))
        for path in paper.cells:
            if table_of(path) == table:
                _erase(paper, path, "missing")


def dispute_paths() -> list[str]:
    """The fifteen cells of table 4 in print order."""
    return [f"{block}.{column}" for block in DISPUTE_BLOCKS for column in DISPUTE_COLUMNS]
