"""Lay-outs of PDF text: columns by runs of spaces, or the raw order with numbers apart from their labels."""

from __future__ import annotations

from extractor.eval.generator.compose import Context, Style
from extractor.eval.generator.grids import Cell, Grid
from extractor.eval.generator.layout_lines import uneven_rows
from extractor.eval.generator.paper import table_of


def pdf_style(context: Context, cjk: int = 2) -> Style:
    """Running text broken at the line's width wherever it falls, with an indented first line."""
    rng = context.paper.noise.rng
    columns = rng.choice((64, 72, 80))
    indent = rng.choice(("    ", "  ", ""))

    def paragraph(text: str) -> str:
        return "\n".join(context.slots.wrap(indent + text, columns, cjk))

    def title(text: str) -> str:
        return " " * rng.randint(4, 24) + text

    return Style(paragraph=paragraph, heading=lambda text: indent + text, title=title, between=rng.choice(((), ("",))))


class PdfLayout:
    """Monospaced columns; the label of a row wraps over lines before and after its numbers."""

    def __init__(self, context: Context, cjk: int) -> None:
        rng = context.paper.noise.rng
        self.context, self.cjk, self.rng = context, cjk, rng
        self.numbers = rng.choice(("middle", "middle", "first", "last"))
        self.jitter = rng.choice((0, 0, 1, 2))
        self.align = rng.choice(("centre", "left", "right"))
        self.trim = rng.random() < 0.1
        self.page = rng.randint(2, 5)

    def __call__(self, context: Context, grid: Grid) -> list[str]:
        """The lines of one table."""
        widths = self._widths(grid)
        starts = [sum(widths[:i]) for i in range(len(widths) + 1)]
        placed: list[tuple[int, int, Cell]] = []  # row, column, cell
        taken: set[tuple[int, int]] = set()
        for y, row in enumerate(grid.rows):
            x = 0
            for cell in row.cells:
                while (y, x) in taken:
                    x += 1
                taken |= {(y + dy, x + dx) for dy in range(cell.rowspan) for dx in range(cell.colspan)}
                placed.append((y, x, cell))
                x += cell.colspan
        wrapped = {
            (y, x): self.context.slots.wrap(
                cell.text, max(2, starts[min(x + cell.colspan, grid.width)] - starts[x] - 1), self.cjk
            )
            for y, x, cell in placed
            if cell.text
        }
        heights = [
            max(
                [
                    1,
                    *(
                        len(wrapped[y, x])
                        for yy, x, cell in placed
                        if yy == y and cell.rowspan == 1 and (y, x) in wrapped
                    ),
                ]
            )
            for y in range(len(grid.rows))
        ]
        for y, x, cell in placed:  # a tall merged label makes its last row higher
            room = sum(heights[y : y + cell.rowspan])
            need = len(wrapped.get((y, x), ()))
            if cell.rowspan > 1 and need > room:
                heights[min(y + cell.rowspan, len(heights)) - 1] += need - room
        tops = [sum(heights[:y]) for y in range(len(heights) + 1)]
        lines: list[list[tuple[int, int, str, bool]]] = [[] for _ in range(tops[-1])]
        for y, x, cell in placed:
            pieces = wrapped.get((y, x), [])
            room = tops[min(y + cell.rowspan, len(heights))] - tops[y]
            offset = self._offset(room, len(pieces), cell)
            for i, piece in enumerate(pieces):
                lines[tops[y] + offset + i].append(
                    (starts[x], starts[min(x + cell.colspan, grid.width)], piece, cell.data)
                )
        context.undecided |= uneven_rows(context, grid)
        return self._print(grid, lines, tops)

    def _widths(self, grid: Grid) -> list[int]:
        rng, slots = self.rng, self.context.slots
        numbers = max(
            (slots.width(c.text, 2) for row in grid.rows for c in row.cells if c.data and c.colspan == 1), default=1
        )
        unit = max(numbers + rng.choice((2, 3, 5)), rng.choice((5, 7, 9)))
        if grid.table == "disclosure":
            return [rng.choice((18, 24, 30))] + [max(numbers + 2, rng.choice((12, 16)))] * 3
        if grid.table == "disputes":
            return [unit] * 15
        return [rng.choice((4, 5, 8)), rng.choice((6, 9, 12)), rng.choice((14, 18, 26, 40)), *[unit] * 7]

    def _offset(self, room: int, pieces: int, cell: Cell) -> int:
        spare = max(0, room - pieces)
        if cell.data and self.numbers != "middle":
            return 0 if self.numbers == "first" else spare
        return spare // 2

    def _print(self, grid: Grid, lines: list[list[tuple[int, int, str, bool]]], tops: list[int]) -> list[str]:
        noise, rng, slots = self.context.paper.noise, self.rng, self.context.slots
        out: list[str] = [""]
        breaks = noise.on("page_breaks")
        for number, pieces in enumerate(lines):
            text = ""
            for start, end, piece, data in sorted(pieces, key=lambda p: p[0]):
                spare = end - start - slots.width(piece, self.cjk) - 1
                x = start + (
                    0 if self.align == "left" or not data else max(0, spare if self.align == "right" else spare // 2)
                )
                x += rng.randint(0, self.jitter) if data else 0
                gap = x - slots.width(text, self.cjk)
                text += " " * (max(gap, 2 if data else 1) if text else max(0, gap))
                text += piece
            out.append(text.strip() if self.trim else text.rstrip())
            if number in tops and noise.hit("blank_lines", 0.1):
                out.append("")
            if breaks and (number in tops or rng.random() < 0.3) and rng.random() < 0.06:
                noise.note("page_breaks")
                out += self._page_break()
        return [*out, ""]

    def _page_break(self) -> list[str]:
        self.page += 1
        footer = self.rng.choice(("- {} -", "— {} —", "{}", "第 {} 页", "-{}-")).format(self.page)
        return ["", " " * self.rng.randint(20, 50) + footer, "\f" if self.rng.random() < 0.7 else ""]


# Numbers above their labels occur where a text box comes last on the page; seldom.
_RAW_MODES = (
    *("labels_first",) * 4,
    *("row_below",) * 3,
    *("end_of_document",) * 2,
    "by_column",
    "row_above",
)


class PdfRaw:
    """Reading order of the PDF: the labels of a table first and its numbers later."""

    def __init__(self, context: Context) -> None:
        rng = context.paper.noise.rng
        self.rng = rng
        self.mode = rng.choice(_RAW_MODES)
        self.per_line = rng.choice((1, 7, 7, 15))
        context.paper.noise.note(f"pdf_raw_{self.mode}")
        self.later: list[str] = []

    def __call__(self, context: Context, grid: Grid) -> list[str]:
        """The lines of one table (its numbers may come with the last table)."""
        rng = self.rng
        labels: list[str] = []
        rows: list[list[str]] = []
        for row in grid.rows:
            texts = [
                piece for cell in row.cells if not cell.data and cell.text for piece in self._wrap(context, cell.text)
            ]
            numbers = [cell.text for cell in row.cells if cell.data and cell.text]
            if self.mode in ("row_below", "row_above"):
                joined = [" ".join(numbers)] if self.per_line > 1 else numbers
                labels += [*texts, *joined] if self.mode == "row_below" else [*joined, *texts]
            else:
                labels += texts
                if row.kind == "data":
                    rows.append(numbers)
        self._undecided(context, grid)
        if self.mode in ("row_below", "row_above"):
            return labels
        numbers = [n for row in rows for n in row]
        if self.mode == "by_column" and grid.table == "requests" and len({len(row) for row in rows}) == 1:
            numbers = [row[i] for i in range(len(rows[0])) for row in rows]
        lines = [" ".join(numbers[i : i + self.per_line]) for i in range(0, len(numbers), self.per_line)]
        if context.paper.noise.hit("page_breaks", 0.3):
            lines.insert(rng.randint(0, len(lines)), f"- {rng.randint(2, 6)} -")
        if self.mode == "end_of_document":
            self.later += lines
            return [*labels, *self.rest()] if grid.table == "disputes" else labels
        return [*labels, *lines]

    def rest(self) -> list[str]:
        """Numbers still to come when the report is over."""
        lines, self.later = self.later, []
        return lines

    def _wrap(self, context: Context, text: str) -> list[str]:
        return context.slots.wrap(text, 24) if len(text) > 12 and self.rng.random() < 0.5 else [text]

    def _undecided(self, context: Context, grid: Grid) -> None:
        """Only a complete table 3 or 4 in row order (or one whose numbers are all alike) is decided."""
        cells = {path: cell for path, cell in context.paper.cells.items() if table_of(path) == grid.table}
        alike = len({cell.value for cell in cells.values()}) == 1
        complete = all(cell.value is not None for cell in cells.values())
        if complete and (alike or (grid.table != "disclosure" and self.mode in ("labels_first", "row_below"))):
            return
        context.undecided |= cells.keys()
