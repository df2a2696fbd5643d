"""Lay-outs that lost their separators, wholly or in part, and what such runs of digits still decide."""

from __future__ import annotations

from extractor.eval.generator import decide
from extractor.eval.generator.compose import Context
from extractor.eval.generator.grids import Grid, Row
from extractor.eval.generator.paper import Paper, dispute_paths
from extractor.eval.generator.slots import is_slot

from extractor.form import GROUPS, REQUEST_COLUMNS


class HiddenErrorError(Exception):
    """A planted error that glued text hides: another cut of the digits satisfies every equation."""


class Glued:
    """Labels and numbers run together. `keep`: how likely a separator between two numbers survives."""

    def __init__(self, context: Context, keep: float) -> None:
        noise = context.paper.noise
        rng = noise.rng
        self.rng, self.keep = rng, keep
        self.lines = rng.choice(("one", "row", "row", "wrapped"))
        self.after_label = rng.choice(("", "", "", " ")) if keep == 0 else rng.choice(("", " ", "\t"))
        self.between_rows = rng.choice(("", "", " ")) if keep else ""
        self.separator = rng.choice((" ", " ", "\t", "  "))
        self.anywhere = rng.random() < 0.3
        self.tokens: dict[str, list[str]] = {}

    def __call__(self, context: Context, grid: Grid) -> list[str]:
        """The lines of one table."""
        rows = [self._row(context, row, grid) for row in grid.rows]
        self._decide(context, grid)
        if self.lines == "one":
            return [self.between_rows.join(rows)]
        if self.lines == "wrapped":
            if self.anywhere:
                context.paper.noise.note("lines_broken_inside_digits")
            return self._fold(context, self.between_rows.join(rows), self.rng.choice((40, 60, 90)))
        return rows

    def _row(self, context: Context, row: Row, grid: Grid) -> str:
        labels = "".join(cell.text for cell in row.cells if not cell.data).replace(" ", "")
        numbers = [cell.text for cell in row.cells if cell.data and cell.text]
        text, tokens = "", [""]
        for i, number in enumerate(numbers):
            if i and self.rng.random() < self.keep:
                text += self.separator
                tokens.append("")
            text += number
            tokens[-1] += context.slots.plain(number)
        self.tokens[f"{grid.table} {row.key}"] = tokens
        glue = self.after_label
        if labels and labels[-1].isdigit():
            glue = " "
        return labels + (glue if text and labels else "") + text

    def _decide(self, context: Context, grid: Grid) -> None:
        if grid.table == "disclosure":
            context.undecided |= self._disclosure(context.paper)
        elif grid.table == "requests":
            tokens = {row: self.tokens[f"requests {row}"] for row in context.paper.rows}
            bare = context.wording.ordinal.replace(" ", "") == "{n}"
            context.undecided |= requests_undecided(context.paper, tokens, stuck=self._stuck(), bare=bare)
        else:
            context.undecided |= disputes_undecided(context.paper, self.tokens["disputes disputes"])

    def _fold(self, context: Context, text: str, width: int) -> list[str]:
        """Lines of about `width` characters, broken after a word, or (`anywhere`) even inside a number."""
        lines, line = [], ""
        for char in text:
            if self.anywhere and len(line) == width - 1 and is_slot(char) and self.rng.random() < 0.7:
                char = context.slots.broken(char, self.rng)
            line += char
            if len(line) >= width and (self.anywhere or "一" <= char <= "鿿"):
                lines.append(line)
                line = ""
        return [*lines, line]

    def _stuck(self) -> bool:
        """Whether the next row's ordinal follows the digits directly."""
        return self.lines != "row" and not self.between_rows

    def _disclosure(self, paper: Paper) -> set[str]:
        out: set[str] = set()
        for key, tokens in self.tokens.items():
            table, _, row = key.partition(" ")
            paths = [path for path in paper.cells if path.startswith(f"disclosure.{row}.")]
            if table != "disclosure" or not paths:
                continue
            values = [paper.cells[path].value for path in paths]
            if len(paths) == 1 and values[0] is not None:
                continue
            if any(value is None for value in values) or not all(token.isdigit() for token in tokens):
                out.update(paths)
                continue
            readings = list(decide.cells_cuts(tokens, len(paths)))
            if any(True for _ in decide.cells_cuts(tokens, len(paths) - 1)):
                out.update(paths)  # A blank cell leaves no trace in a run: `0108` may be 0 10 8 or 0 108.
                continue
            out.update(path for path, sure in zip(paths, decide.agreed(readings, len(paths)), strict=True) if not sure)
        return out


def requests_undecided(
    paper: Paper, tokens: dict[str, list[str]], *, stuck: bool = False, bare: bool = False
) -> set[str]:
    """The cells of table 3 that the runs leave open (`tokens`: what is printed in each row, cut at separators).

    Raises HiddenErrorError if an error is planted and yet some reading satisfies every equation.
    """
    all_paths = {path for path in paper.cells if path.startswith("requests.")}
    # A digit stuck to an ordinal that lost its point could belong to either side: claim nothing of such rows.
    open_rows = _rows_before_bare_ordinals(paper, bare) if stuck else set()
    whole = [row for row in paper.rows if all(paper.cells[p].value is not None for p in paper.row_paths(row))]
    planted = any(error.path in all_paths for error in paper.planted)
    try:
        by_row = {
            row: decide.row_candidates(tokens[row], 7, False)
            if planted
            else decide.row_candidates(tokens[row], 7, True)
            for row in whole
            if row in tokens
        }
        summed = {row: [cut for cut in cuts if sum(cut[:-1]) == cut[-1]] for row, cuts in by_row.items()}
        balance = _balance(paper, by_row)
        left = decide.survivors(summed, balance) if balance else summed
    except decide.TooManyError as error:
        if planted:
            raise HiddenErrorError from error
        return all_paths
    if planted:
        if all(left.values()) or open_rows:
            raise HiddenErrorError
        left = by_row  # no equation may be leaned on: only runs with a single cut decide anything
    undecided = {path for row in paper.rows if row not in whole for path in paper.row_paths(row)}
    for row, readings in left.items():
        sure = decide.agreed(readings, len(REQUEST_COLUMNS))
        undecided.update(
            p for p, is_sure in zip(paper.row_paths(row), sure, strict=True) if not is_sure or row in open_rows
        )
    return undecided


def _rows_before_bare_ordinals(paper: Paper, bare: bool) -> set[str]:
    """Rows followed by a row whose ordinal is a digit without a point (or may have been lost)."""
    if not bare and not paper.noise.on("lost_ordinals"):
        return set()
    pairs = zip(paper.rows, paper.rows[1:], strict=False)
    return {row for row, follower in pairs if follower.split(".")[0] in GROUPS and not follower.endswith(".all")}


def _balance(paper: Paper, known: dict[str, list[decide.Cut]]) -> decide.Balance | None:
    heads = ("new_received", "carried_in", "total_processed", "carried_out")
    if any(head not in known for head in heads):
        return None
    members: list[str] = []
    for row in (
        "granted",
        "granted_in_part",
        *(m for group in GROUPS for m in ([f"{group}.all"] if group in paper.without else GROUPS[group])),
    ):
        if row not in known:
            return decide.Balance(None)
        members.append(row)
    return decide.Balance(tuple(members))


def disputes_undecided(paper: Paper, tokens: list[str]) -> set[str]:
    """The cells of table 4 that the run leaves open."""
    paths = dispute_paths()
    if any(paper.cells[path].value is None for path in paths):
        return set(paths)
    planted = any(error.path in paths for error in paper.planted)
    try:
        if len(tokens) == 1:
            fitting = decide.blocks_candidates(tokens[0], 3, 5)
        else:
            fitting = [
                cut
                for cut in decide.row_candidates(tokens, 15, False)
                if all(sum(cut[i : i + 4]) == cut[i + 4] for i in (0, 5, 10))
            ]
        readings = decide.row_candidates(tokens, 15, False) if planted else fitting
    except decide.TooManyError as error:
        if planted:
            raise HiddenErrorError from error
        return set(paths)
    if planted and fitting:
        raise HiddenErrorError
    return {path for path, sure in zip(paths, decide.agreed(readings, 15), strict=True) if not sure}
