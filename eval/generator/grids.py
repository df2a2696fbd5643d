"""The three tables as grids of cells with spans: what every lay-out of a real table starts from."""

from __future__ import annotations

from dataclasses import dataclass, field

from extractor.eval.generator.labels import Wording
from extractor.eval.generator.paper import Paper
from extractor.eval.generator.slots import Slots

from extractor.form import DISPUTE_BLOCKS, FORM, GROUPS, REQUEST_COLUMNS


@dataclass(slots=True)
class Cell:
    """A cell of a grid: its text (labels, or a placeholder of a printed number) and what it spans."""

    text: str
    colspan: int = 1
    rowspan: int = 1
    data: bool = False


@dataclass(slots=True)
class Row:
    """A row of a grid; `kind` is head, clause or data, `key` the row of the form that it prints."""

    cells: list[Cell]
    kind: str = "data"
    key: str = ""


@dataclass(slots=True)
class Grid:
    """A table; `labels` is the number of its leading label columns."""

    table: str
    width: int
    labels: int
    rows: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class Square:
    """One position of the expanded grid: its text at the origin, empty where a cell only spans (`down`: from above)."""

    text: str = ""
    origin: bool = False
    data: bool = False
    down: bool = False


def make_grids(paper: Paper, wording: Wording, slots: Slots) -> list[Grid]:
    """The tables that the paper has, in print order."""
    makers = {"disclosure": _disclosure, "requests": _requests, "disputes": _disputes}
    return [make(paper, wording, slots) for table, make in makers.items() if table not in paper.missing_tables]


def _datum(paper: Paper, slots: Slots, path: str, colspan: int = 1) -> Cell:
    return Cell(slots.add(path, paper.cells[path].text), colspan, data=True)


def _disclosure(paper: Paper, wording: Wording, slots: Slots) -> Grid:
    version = paper.record.form
    grid = Grid("disclosure", 4, 1)
    noise = paper.noise
    rng = noise.rng
    clause_of = ""
    head = rng.choice(("第二十条第{}项", "第二十条第{}项", "第二十条 第{}项", "第二十条第{}"))
    for row in FORM.disclosure_rows(version):
        fields = row.fields[version]
        if row.clause != clause_of:
            clause_of = row.clause
            number = row.clause.removeprefix("第").removesuffix("项")
            if wording.bracket[0] == "(":
                number = number.replace("（", "(").replace("）", ")")
            grid.rows.append(Row([Cell(head.format(number), 4)], "clause"))
            names = [Cell(_field(paper, wording, row.key, name)) for name in fields]
            names[-1].colspan = 4 - len(fields)
            if not noise.hit("header_lost_words", 0.1):
                grid.rows.append(Row([Cell(wording.plain("信息内容")), *names], "head"))
            elif row.key == "fees":
                paper.unit_printed = False
        label = row.label.label if rng.random() < 0.8 or not row.label.variants else rng.choice(row.label.variants)
        data = [_datum(paper, slots, f"disclosure.{row.key}.{name}") for name in fields]
        data[-1].colspan = 4 - len(fields)
        grid.rows.append(Row([Cell(wording.plain(label)), *data], "data", row.key))
    return grid


def _field(paper: Paper, wording: Wording, row: str, name: str) -> str:
    label = FORM.fields[name].label
    text = label.label
    if row == "procurement":
        text = {"items": "采购项目数量", "amount": "采购总金额"}[name]
        if name == "amount" and paper.record.procurement_unit:
            text += f"（单位：{paper.record.procurement_unit}）"
    elif name == "amount":
        text = f"本年收费金额（单位：{paper.record.fee_unit}）"
    elif name == "decisions" and paper.record.form == "2021":
        text = "本年处理决定数量"
    if wording.bracket[0] == "(":
        text = text.replace("（", "(").replace("）", ")").replace("：", ":")
    return wording.plain(text)


def _requests(paper: Paper, wording: Wording, slots: Slots) -> Grid:
    noise, rng = paper.noise, paper.noise.rng
    grid = Grid("requests", 10, 3)
    names = []
    for column in FORM.columns:
        text = column.label
        if column.key == "social_organization" and rng.random() < 0.3:
            text = rng.choice(column.variants)
        if column.key == "total" and rng.random() < 0.05:
            text = "合计"
        names.append(wording.plain(text))
    caption = wording.plain("（本列数据的勾稽关系为：第一项加第二项之和，等于第三项加第四项之和）")
    if noise.on("header_lost_words"):
        noise.note("header_lost_words")
        at = rng.randrange(6)
        names[at] = names[at][: max(0, len(names[at]) - rng.choice((1, 2, 4)))]
    if noise.on("header_doubled_words"):
        noise.note("header_doubled_words")
        at = rng.randrange(7)
        names[at] += names[at]
    if not noise.hit("no_header", 1.0):
        low = rng.random() < 0.5  # 总计 beside 申请人情况, or beside 自然人
        top = [Cell(caption, 3, 3), Cell(wording.plain("申请人情况"), 6 if low else 7)]
        middle = [Cell(names[0], 1, 2), Cell(wording.plain("法人或其他组织"), 5)]
        (top if low else middle).append(Cell(names[6], 1, 3 if low else 2))
        grid.rows += [Row(top, "head"), Row(middle, "head"), Row([Cell(name) for name in names[1:6]], "head")]
    inside = [row for row in paper.rows if row not in ("new_received", "carried_in", "carried_out")]
    seen: set[str] = set()
    for key in paper.rows:
        cells: list[Cell] = []
        if key not in inside:
            cells.append(Cell(wording.row(key), 3))
        else:
            if "outcome" not in seen:
                seen.add("outcome")
                cells.append(Cell(wording.group("outcome"), 1, len(inside)))
            group = key.split(".")[0]
            if group not in GROUPS:
                cells.append(Cell(wording.row(key), 2))
            elif key.endswith(".all"):
                cells.append(Cell(wording.group(group), 2))
            else:
                if group not in seen:
                    seen.add(group)
                    beside = group in paper.printed_groups
                    members = [r for r in inside if r.startswith(f"{group}.") and not r.endswith(".all")]
                    cells.append(Cell("" if beside else wording.group(group), 1, len(members)))
                cells.append(Cell(wording.row(key)))
        dropped = paper.dropped.get(key)
        for name in REQUEST_COLUMNS:
            path = f"requests.{key}.{name}"
            if path != dropped:
                cells.append(_datum(paper, slots, path))
        grid.rows.append(Row(cells, "data", key))
    return grid


def _disputes(paper: Paper, wording: Wording, slots: Slots) -> Grid:
    noise, rng = paper.noise, paper.noise.rng
    grid = Grid("disputes", 15, 0)
    names = [wording.plain(column.label) for column in FORM.dispute_columns]
    if rng.random() < 0.15:
        names = [f"{name[:2]} {name[2:]}" if len(name) == 4 else name for name in names]
    blocks = [wording.plain(block.label) for block in FORM.blocks]
    top = [Cell(blocks[0], 5), Cell(wording.plain("行政诉讼"), 10)]
    first = list(names)
    if noise.on("header_lost_words") and rng.random() < 0.6:
        noise.note("header_lost_words")
        at = rng.randrange(4)
        first[at] = first[at][: rng.choice((0, 2))]
    if rng.random() < 0.6:  # the words of 行政复议 stand beside 未经复议直接起诉, spanning two rows
        second = [*(Cell(name, 1, 2) for name in first), Cell(blocks[1], 5), Cell(blocks[2], 5)]
        third = [Cell(name) for name in (*names, *names)]
    else:
        top[0].rowspan = 2
        second = [Cell(blocks[1], 5), Cell(blocks[2], 5)]
        third = [Cell(name) for name in (*first, *names, *names)]
    grid.rows += [Row(top, "head"), Row(second, "head"), Row(third, "head")]
    data = [
        _datum(paper, slots, f"{block}.{column.key}") for block in DISPUTE_BLOCKS for column in FORM.dispute_columns
    ]
    grid.rows.append(Row(data, "data", "disputes"))
    return grid


def squares(grid: Grid, repeat: bool = False) -> list[list[Square]]:
    """The grid expanded to positions. `repeat`: merged labels are printed in every position they span."""
    matrix = [[Square() for _ in range(grid.width)] for _ in grid.rows]
    taken: set[tuple[int, int]] = set()
    for y, row in enumerate(grid.rows):
        x = 0
        for cell in row.cells:
            while (y, x) in taken:
                x += 1
            for dy in range(cell.rowspan):
                for dx in range(cell.colspan):
                    if y + dy < len(matrix) and x + dx < grid.width:
                        taken.add((y + dy, x + dx))
                        first = dx == dy == 0
                        text = cell.text if first or (repeat and not cell.data) else ""
                        matrix[y + dy][x + dx] = Square(text, first, cell.data, dy > 0 and dx == 0)
            x += cell.colspan
    return matrix
