"""Lay-outs that keep cells apart by a sign: tabs, Markdown pipes, a cell a line."""

from __future__ import annotations

from random import Random

from extractor.eval.generator.compose import Context, Style
from extractor.eval.generator.grids import Grid, Square, squares
from extractor.eval.generator.paper import table_of


def text_style(rng: Random) -> Style:
    """Plain text with or without blank and indented lines."""
    indent = rng.choice(("", "", "　　", "    "))
    return Style(paragraph=lambda text: indent + text, between=rng.choice(((), (), ("",))))


def markdown_style(rng: Random) -> Style:
    """Markdown headings at uneven levels, sometimes bold."""
    level = rng.choice(("#", "##", "###", "####", ""))
    bold = rng.random() < 0.2
    return Style(
        heading=lambda text: f"{level} **{text}**".strip() if bold else f"{level} {text}".strip(),
        title=lambda text: f"# {text}",
        between=rng.choice((("",), ("",), ())),
    )


def matrix(context: Context, grid: Grid) -> list[list[Square]]:
    """The expanded grid, with the vertical label of the outcomes chopped over its rows where the noise says so."""
    noise = context.paper.noise
    repeat = noise.hit("repeat_merged", 1.0)
    out = squares(grid, repeat)
    for line in out:
        for square in line:
            if square.data and square.text and noise.hit("padded_cells", 0.3):
                square.text = noise.rng.choice((" {}", "{} ", " {} ", "　{}")).format(square.text)
    if grid.table == "requests" and not repeat and noise.on("chopped_outcome"):
        first = next((y for y, row in enumerate(grid.rows) if row.key and any(c.rowspan > 3 for c in row.cells)), None)
        if first is not None:
            noise.note("chopped_outcome")
            label = context.wording.group("outcome").replace(" ", "")
            size = noise.rng.choice((1, 2, 2, 3))
            pieces = [label[i : i + size] for i in range(0, len(label), size)]
            step = noise.rng.choice((1, 1, 2))
            for i, piece in enumerate(pieces):
                y = first + i * step
                if (y < len(out) and not out[y][0].origin) or y == first:
                    out[y][0].text = piece
    return out


def tabs(context: Context, grid: Grid) -> list[str]:
    """A row a line; merged cells leave empty tabs, the number of tabs varies, labels slide a column."""
    noise, rng = context.paper.noise, context.paper.noise.rng
    lines: list[str] = []
    trailing = noise.on("trailing_cells")
    again = rng.random() < 0.4
    for row, cells in zip(grid.rows, matrix(context, grid), strict=True):
        texts = [cell.text for cell in cells]
        if row.kind == "clause" or (grid.table == "disclosure" and rng.random() < 0.3):
            while len(texts) > 1 and not texts[-1] and not cells[len(texts) - 1].origin and rng.random() < 0.8:
                texts.pop()
        if row.key in context.paper.dropped:
            texts.pop()
        if grid.table == "requests" and row.kind == "data" and not texts[0]:
            if noise.hit("column_shift", 0.3):
                first = next(i for i, text in enumerate(texts) if text)
                texts = texts[first:] if rng.random() < 0.5 else [texts[first], *texts[:first], *texts[first + 1 :]]
        elif grid.table == "requests" and row.kind == "data" and noise.hit("column_shift", 0.3):
            labels = [text for text in texts[:3] if text]
            texts = labels + texts[3:]
        extra = "\t" * rng.choice((0, 1, 1, 2)) if trailing and rng.random() < 0.5 else ""
        if row.kind == "data" and grid.table == "requests" and noise.hit("wrapped_rows", 0.15):
            lines += _wrapped_tab_row(rng, texts, extra)
        else:
            lines.append("\t".join(texts) + extra)
            if extra:
                noise.note("trailing_cells")
        if noise.hit("blank_lines", 0.12):
            lines.append("")
        if row.kind == "data" and noise.hit("page_breaks", 0.05):
            lines += ["", rng.choice(("- 3 -", "— 4 —", "第 5 页 共 9 页", ""))]
            if again:  # the next page begins with the header again
                lines += [
                    "\t".join(s.text for s in line)
                    for r, line in zip(grid.rows, squares(grid), strict=True)
                    if r.kind == "head"
                ]
    return [*lines, ""]


def _wrapped_tab_row(rng: Random, texts: list[str], extra: str) -> list[str]:
    """The end of a long label on a line of its own behind the row, all its other cells empty."""
    at = max((i for i, text in enumerate(texts[:3])), key=lambda i: len(texts[i]))
    label = texts[at]
    if len(label) < 6:
        return ["\t".join(texts) + extra]
    cut = rng.randint(4, len(label) - 1)
    second = [""] * len(texts)
    second[at] = label[cut:]
    texts = [*texts[:at], label[:cut], *texts[at + 1 :]]
    return ["\t".join(texts) + extra, "\t".join(second)]


def pipes(context: Context, grid: Grid) -> list[str]:
    """Markdown rows, with the rule line after the first row, elsewhere, or not at all."""
    rng = context.paper.noise.rng
    edge = rng.choice((("| ", " |"), ("| ", " |"), ("", " |"), ("|", "|"), ("", "")))
    gap = " | " if rng.random() < 0.8 else "|"
    rule = rng.choice(("first", "first", "none"))
    lines: list[str] = [""]
    for y, (row, cells) in enumerate(zip(grid.rows, matrix(context, grid), strict=True)):
        texts = [cell.text for cell in cells]
        if row.key in context.paper.dropped:
            texts.pop()
        if row.kind == "clause" and rng.random() < 0.2:
            texts = texts[:1]
        lines.append(edge[0] + gap.join(texts) + edge[1])
        if rule == "first" and y == 0:
            dashes = rng.choice(("---", ":---:", "------", ":--"))
            lines.append("|" + "|".join(f" {dashes} " for _ in cells) + "|")
        if context.paper.noise.hit("page_breaks", 0.03):
            lines += ["", rng.choice(("- 2 -", "3", ""))] if grid.table != "requests" else [""]
    return [*lines, ""]


def pipe_cells(context: Context, grid: Grid) -> list[str]:
    """Every cell on its own line ending in ` |`; what a cell spans is a run of bare pipes."""
    rng = context.paper.noise.rng
    gap = rng.choice((" |", " |", "|"))
    lines: list[str] = []
    for row, cells in zip(grid.rows, squares(grid), strict=True):
        pending = 0
        last = len(cells) - (1 if row.key in context.paper.dropped else 0)
        for cell in cells[:last]:
            if cell.origin:
                if pending:
                    lines.append("|" * pending)
                lines.append(cell.text + gap if cell.text else "|")
                pending = 0
            else:
                pending += 1
        if pending:
            lines.append("|" * (pending + (rng.random() < 0.1)))
    return lines


def cells(context: Context, grid: Grid) -> list[str]:
    """Each cell on a line of its own; rows set apart by blank lines and indents, or by nothing."""
    noise, rng = context.paper.noise, context.paper.noise.rng
    indent = rng.choice(("\t", "\t", "", "    ", "　"))
    apart = rng.random() < (0.9 if indent else 0.6)
    keep_empty = bool(indent) and rng.random() < 0.85
    spread = rng.random() < 0.15 and not keep_empty  # a blank line behind every cell
    lines: list[str] = []
    for row_cells in squares(grid):
        for cell in row_cells:
            if not (cell.origin or cell.down) or (not cell.text and not keep_empty):
                continue
            lines.append(indent + cell.text)
            if spread:
                lines.append("")
        if apart:
            lines.append("")
        if noise.hit("page_breaks", 0.03):
            lines += [rng.choice(("- 3 -", "— 3 —", "第3页")), ""]
    if not keep_empty:
        _places_lost(context, grid)
    return [*lines, ""]


def _places_lost(context: Context, grid: Grid) -> None:
    """Empty cells left no trace, so a row with some of them does not say which cells its numbers fill."""
    context.undecided |= uneven_rows(context, grid)


def uneven_rows(context: Context, grid: Grid) -> set[str]:
    """The cells of rows of which only a part is printed."""
    out: set[str] = set()
    groups: dict[str, list[str]] = {}
    for path in context.paper.cells:
        if table_of(path) == grid.table:
            groups.setdefault("disputes" if grid.table == "disputes" else path.rsplit(".", 1)[0], []).append(path)
    for paths in groups.values():
        printed = [bool(context.paper.cells[path].text) for path in paths]
        if any(printed) and not all(printed):
            out.update(paths)
    return out
