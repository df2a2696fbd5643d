"""Markdown as OCR tools write it: repeated merged cells, bold, breaks inside labels, damaged digits and headers."""

from __future__ import annotations

from extractor.eval.generator.compose import Context
from extractor.eval.generator.grids import Grid, squares


class OcrTable:
    """Tables of one OCR run."""

    def __init__(self, context: Context) -> None:
        rng = context.paper.noise.rng
        self.rng = rng
        self.repeat = rng.random() < 0.3
        self.rule = rng.choice((1, 1, 1, 3, 0))
        self.bold = rng.random() < 0.15
        self.breaks = rng.random() < 0.2
        self.padded = rng.random() < 0.3
        self.split_table = rng.random() < 0.1

    def __call__(self, context: Context, grid: Grid) -> list[str]:
        """The lines of one table."""
        rng, noise = self.rng, context.paper.noise
        lines = [""]
        for y, (row, cells) in enumerate(zip(grid.rows, squares(grid, self.repeat), strict=True)):
            texts = []
            for cell in cells:
                text = cell.text
                if not cell.data and text:
                    if self.breaks and len(text) > 4 and rng.random() < 0.4:
                        cut = rng.randint(2, len(text) - 1)
                        text = text[:cut] + rng.choice(("<br>", " ", "<br/>")) + text[cut:]
                    if self.bold and rng.random() < 0.5:
                        text = f"**{text}**"
                    if row.kind == "head" and rng.random() < 0.02:
                        noise.note("header_lost_words")
                        text = text[: len(text) // 2]
                texts.append(text.ljust(rng.randint(1, 8)) if self.padded else text)
            if row.key in context.paper.dropped:
                texts.pop()
            lines.append("| " + " | ".join(texts) + " |")
            if self.rule and y == self.rule - 1:
                lines.append("|" + "---|" * len(cells))
            if self.split_table and row.kind == "data" and rng.random() < 0.06:  # a page ends: a new table begins
                noise.note("page_breaks")
                lines += ["", rng.choice(("", "- 4 -", "![](images/page_4.jpg)")), ""]
                if rng.random() < 0.5:
                    lines += ["|" + "   |" * len(cells), "|" + "---|" * len(cells)]
        return [*lines, ""]
