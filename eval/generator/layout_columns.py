"""PDF text as pdfminer gives it: table 3 column by column, in pieces where a page ends, labels in between."""

from __future__ import annotations

from itertools import pairwise

from extractor.eval.generator.compose import Context
from extractor.eval.generator.grids import Grid
from extractor.eval.generator.paper import table_of

# Orders that no reader may take: what they print is not to be told from the text.
_SCRAMBLED = ("total_first", "total_second", "first_column_apart", "heads_moved", "uneven", "page_by_rows")
_FOOTERS = ("— {} —", "- {} -", "第 {} 页", "{}\n\n\f", "{}\n\n\f", "\f", "")


class PdfColumns:
    """Table 3 in one to three pieces of rows, each printed column by column."""

    def __init__(self, context: Context) -> None:
        rng = context.paper.noise.rng
        self.rng = rng
        self.mode = rng.choice((*("pieces",) * 14, *_SCRAMBLED))
        self.breaks = rng.choice((0, 1, 1, 1, 2))
        self.gap = [""] if rng.random() < 0.7 else []
        self.interleaved = rng.random() < 0.5
        self.behind_heading = rng.random() < 0.3
        self.page = rng.randint(1, 4)
        self.later: list[str] = []
        context.paper.noise.note(f"columns_{self.mode}")

    def __call__(self, context: Context, grid: Grid) -> list[str]:
        """The lines of one table (the last figures of table 3 may stand behind the next heading)."""
        self._undecided(context, grid)
        if grid.table == "requests":
            return self._spaced(self._requests(context, grid))
        texts = [cell.text for row in grid.rows for cell in row.cells if not cell.data and cell.text]
        numbers = [cell.text for row in grid.rows for cell in row.cells if cell.data and cell.text]
        return [*self.rest(), *self._spaced([*texts, *numbers])]

    def rest(self) -> list[str]:
        """Figures still to come."""
        lines, self.later = self.later, []
        return self._spaced(lines)

    def _spaced(self, lines: list[str]) -> list[str]:
        return [line for text in lines for line in (text, *self.gap)]

    def _requests(self, context: Context, grid: Grid) -> list[str]:
        rng = self.rng
        heads = [row for row in grid.rows if row.kind == "head"]
        rows = [row for row in grid.rows if row.kind == "data"]
        names, caption = self._heads([[cell.text for cell in row.cells] for row in heads])
        labels = [self._labels(context, [cell.text for cell in row.cells if not cell.data]) for row in rows]
        figures = [[cell.text for cell in row.cells if cell.data] for row in rows]
        width = max(len(row) for row in figures)
        figures = [[*row, *[""] * (width - len(row))] for row in figures]
        columns = list(range(width))
        if self.mode == "heads_moved" and len(names) == 7:
            first = rng.randrange(5)
            columns[first], columns[first + 1] = columns[first + 1], columns[first]
            names[first], names[first + 1] = names[first + 1], names[first]
        if self.mode in ("total_first", "total_second"):
            columns.insert(self.mode == "total_second", columns.pop())
        cuts = [0, *sorted(rng.sample(range(1, len(rows)), self.breaks)), len(rows)]
        out = list(caption)
        for number, (top, bottom) in enumerate(pairwise(cuts)):
            own = [text for row in labels[top:bottom] for text in row]
            blocks = [[figures[row][column] for row in range(top, bottom)] for column in columns]
            if self.mode == "first_column_apart":
                blocks = [blocks[0], [figures[row][column] for row in range(top, bottom) for column in columns[1:]]]
            if self.mode == "uneven" and bottom - top > 3:
                at = rng.randint(1, bottom - top - 1)
                blocks = [blocks[0], *[block[:at] for block in blocks[1:]], *[block[at:] for block in blocks[1:]]]
            if self.mode == "page_by_rows" and number == 1:
                blocks = [[figures[row][column] for row in range(top, bottom) for column in columns]]
            shown = names if number == 0 or rng.random() < 0.1 else []
            last = bottom == len(rows)
            if last and self.behind_heading:
                out += [*own, *shown]
                self.later += [text for block in blocks for text in block if text]
            else:
                out += self._piece(own, shown, blocks)
            if not last:
                out += self._footer()
        return [text for text in out if text]

    def _piece(self, labels: list[str], names: list[str], blocks: list[list[str]]) -> list[str]:
        """Labels, heads and columns of one piece: labels first, or heads and labels among the columns."""
        figures = [text for block in blocks for text in block]
        if not self.interleaved or len(names) != len(blocks):
            both = [*labels, *names] if self.rng.random() < 0.5 else [*names, *labels]
            return [*both, *figures]
        at, half = self.rng.randint(0, len(labels)), self.rng.randint(0, len(blocks[0]))
        first = [*labels[:at], names[0], *blocks[0][:half], *labels[at:], *blocks[0][half:]]
        if self.rng.random() < 0.5:
            return [*first, *names[1:], *[text for block in blocks[1:] for text in block]]
        return [*first, *names[1:-1], *[text for block in blocks[1:-1] for text in block], names[-1], *blocks[-1]]

    def _heads(self, rows: list[list[str]]) -> tuple[list[str], list[str]]:
        """The seven heads from left to right, and what stands over them."""
        if len(rows) != 3:
            return [], []
        top, middle, low = rows
        total = top.pop() if len(top) == 3 else middle.pop()
        return [middle[0], *low, total], [*top, *middle[1:]]

    def _labels(self, context: Context, texts: list[str]) -> list[str]:
        return [
            piece
            for text in texts
            if text
            for piece in (context.slots.wrap(text, 30) if len(text) > 14 and self.rng.random() < 0.4 else [text])
        ]

    def _footer(self) -> list[str]:
        self.page += 1
        footer = self.rng.choice(_FOOTERS).format(self.page)
        return [footer] if footer else []

    def _undecided(self, context: Context, grid: Grid) -> None:
        """Tables 3 and 4 are decided where every cell prints a number, no error is planted and the order shows."""
        cells = {path: cell for path, cell in context.paper.cells.items() if table_of(path) == grid.table}
        complete = all(cell.value is not None for cell in cells.values())
        wrong = any(table_of(error.path) == grid.table for error in context.paper.misprints)
        plain = grid.table == "disputes" or (grid.table == "requests" and self.mode == "pieces" and not wrong)
        if not (complete and plain):
            context.undecided |= cells.keys()
