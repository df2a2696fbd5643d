"""The three tables drawn as people know them, with the cells that a broken rule suspects and where it breaks."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TextIO

from extractor.form import DISPUTE_BLOCKS, FORM, GROUPS, group_all
from extractor.form.model import DisclosureRow, Version
from extractor.results import Cell, Finding, plain

# A line is a list of (text, style); styles are rich's and vanish where nobody sees colour.
Line = list[tuple[str, str]]

_LABEL_WIDTH = 36
MARKS = {"blank": "·", "not_applicable": "/", "missing": "x", "illegible": "!", "ambiguous": "?"}
SUSPECT = "«n» its change alone, or with others, would mend the broken rules"


def show_lines(lines: Iterable[Line], stream: TextIO) -> None:
    """Prints lines, in colour where a person sees them."""
    if not stream.isatty():
        stream.write("".join("".join(text for text, _ in line).rstrip() + "\n" for line in lines))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, highlight=False, markup=False, soft_wrap=True)
    for line in lines:
        console.print(Text.assemble(*line))


def table_of(path: str) -> str:
    """The table that a cell path or a rule's code belongs to."""
    head = path.partition(".")[0]
    return "disputes" if head in DISPUTE_BLOCKS or head == "disputes" else head


def _heads(row: DisclosureRow, version: Version) -> tuple[str, ...]:
    return tuple(FORM.field_words(row.key, name) for name in row.fields[version])


def mark(cell: Cell | None) -> str:
    """A cell as the tables show it."""
    if cell is None:
        return ""
    if cell.value is not None:
        shown = _short(f"{plain(cell.value)}")
        return {"derived": f"({shown})", "llm": f"[{shown}]"}.get(cell.method or "", shown)
    return MARKS.get(cell.state, "·")


def _short(number: str) -> str:
    return number if len(number) <= 18 else f"{number[:8]}…{number[-4:]}"


def _style(cell: Cell | None) -> str:
    if cell is None or (cell.state == "reported" and cell.value == 0):
        return "dim"
    if cell.state in ("ambiguous", "illegible"):
        return "bold red"
    return "cyan" if cell.method == "derived" else ""


def width(text: str) -> int:
    """Columns that a text takes on a terminal: two for a Chinese character."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def fit(text: str, columns: int, right: bool = False) -> str:
    """The text padded to so many columns, or cut with `…`."""
    if width(text) > columns:
        while width(text) > columns - 1:
            text = text[:-1]
        text += "…"
    padding = " " * (columns - width(text))
    return padding + text if right else text + padding


Row = tuple[str, Sequence[Cell | None]]


class Drawing:
    """The tables of one record, `findings` marked in them.

    A suspect cell stands between `«»`; a row whose own equation fails says so behind it (`✗ 20 ≠ 21`), a column's
    broken equation has a line below the table with the difference under its column. `brief`: rows that are all 0 and
    in which nothing is marked are counted instead of drawn.
    """

    def __init__(
        self, cells: Mapping[str, Cell], form: str, findings: Iterable[Finding] = (), brief: bool = False
    ) -> None:
        self.cells, self.form, self.brief = cells, form, brief
        failing = [finding for finding in findings if finding.status == "fail"]
        self.suspects = {path for finding in failing for path in finding.suspects}
        self.broken = {f.rule: f for f in failing if f.severity == "error" and f.left is not None is not f.right}

    def table(self, name: str) -> Iterator[Line]:
        """The lines of `disclosure`, `requests` or `disputes`."""
        yield from {"disclosure": self._disclosure, "requests": self._requests, "disputes": self._disputes}[name]()

    def _disclosure(self) -> Iterator[Line]:
        version = self.form if self.form in FORM.versions else "2021"
        for heads, of_heads in groupby(FORM.disclosure_rows(version), key=lambda row: _heads(row, version)):
            yield from self._grid(
                list(heads),
                [
                    (row.label.label, [self.cells.get(f"disclosure.{row.key}.{n}") for n in row.fields[version]])
                    for row in of_heads
                ],
            )

    def _requests(self) -> Iterator[Line]:
        columns = [column.key for column in FORM.columns]
        groups = {group.key: group for group in FORM.groups}

        def row(key: str) -> list[Cell | None]:
            return [self.cells.get(f"requests.{key}.{column}") for column in columns]

        rows: list[Row] = []
        for label in FORM.rows:
            group = label.key.partition(".")[0]
            text = label.label.partition("（")[0]
            if group not in GROUPS:
                ordinal = label.ordinal if label.ordinal.startswith("（") else f"{label.ordinal}、"
                rows.append((f"{ordinal}{text}", row(label.key)))
                continue
            if GROUPS[group][0] == label.key:
                whole = row(group_all(group))
                rows.append((f"（{groups[group].ordinal}）{groups[group].label}", whole if any(whole) else []))
            named = f"{groups[group].label} " if self.brief else "  "
            rows.append((f"{named}{label.ordinal}.{text}", row(label.key)))
        below = {
            f"✗ {rule.words.partition('，')[0]}": [self._difference(f"{rule.code}.{column}") for column in columns]
            for rule in FORM.rules
            if rule.each == "column"
        }
        yield from self._grid([column.label for column in FORM.columns], rows, wrap=2, below=below)

    def _disputes(self) -> Iterator[Line]:
        columns = FORM.dispute_columns
        yield from self._grid(
            [column.label for column in columns],
            [(b.label, [self.cells.get(f"{b.key}.{column.key}") for column in columns]) for b in FORM.blocks],
        )

    def _difference(self, code: str) -> str:
        finding = self.broken.get(code)
        return "" if finding is None else _short(f"{(finding.left or 0) - (finding.right or 0):+}")

    def _mark(self, cell: Cell | None) -> str:
        shown = mark(cell)
        return f"«{shown}»" if cell is not None and cell.path in self.suspects else shown

    def _note(self, cells: Sequence[Cell | None]) -> str:
        """What is wrong with a row by its own equation."""
        first = next((cell.path.rpartition(".")[0] for cell in cells if cell is not None), "")
        finding = self.broken.get(f"requests.applicants.{first.partition('.')[2]}") or self.broken.get(f"{first}.sum")
        return "" if finding is None else f"✗ {_short(str(finding.left))} ≠ {_short(str(finding.right))}"

    def _grid(
        self,
        headings: Sequence[str],
        rows: Sequence[Row],
        wrap: int = 99,
        below: Mapping[str, Sequence[str]] | None = None,
    ) -> Iterator[Line]:
        """Labels at the left, numbers right-aligned under their headings; headings cut into lines of `wrap`
        characters. `below`: lines of text under the columns; those without one are left out."""
        pieces = [[heading[at : at + wrap] for at in range(0, len(heading), wrap)] or [""] for heading in headings]
        marks = [[self._mark(cell) for cell in cells] for _, cells in rows]
        under = {label: texts for label, texts in (below or {}).items() if any(texts)}
        shown_rows = [*marks, *under.values()]
        widths = [
            max([*map(width, piece), *(width(row[column]) for row in shown_rows if column < len(row))])
            for column, piece in enumerate(pieces)
        ]
        for number in range(height := max(map(len, pieces), default=0)):
            line = [(" " * _LABEL_WIDTH, "")]
            for piece, columns in zip(pieces, widths, strict=True):
                at = number - (height - len(piece))
                line.append(("  " + fit(piece[at] if at >= 0 else "", columns, right=True), "dim"))
            yield line
        hidden = 0
        for (label, cells), shown in zip(rows, marks, strict=True):
            zero = bool(cells) and all(cell is not None and cell.value == 0 for cell in cells)
            idle = not cells or (zero and not any("«" in text for text in shown))
            if self.brief and idle and not self._note(cells):
                hidden += zero
                continue
            line = [(fit(label, _LABEL_WIDTH), "dim" if zero else "")]
            for cell, text, columns in zip(cells, shown, widths, strict=False):
                style = "bold yellow" if text.startswith("«") else _style(cell)
                line.append(("  " + fit(text, columns, right=True), style))
            if cells and (unit := next((cell.unit for cell in cells if cell and cell.unit), None)):
                line.append((f" {unit}", "dim"))
            if note := self._note(cells):
                line.append((f"   {note}", "bold yellow"))
            yield line
        if hidden:
            yield [(f"  … and {hidden} row{'s' if hidden > 1 else ''} of 0", "dim")]
        for label, texts in under.items():
            line = [(fit(label, _LABEL_WIDTH), "yellow")]
            line += [("  " + fit(text, n, right=True), "yellow") for text, n in zip(texts, widths, strict=True)]
            yield line
