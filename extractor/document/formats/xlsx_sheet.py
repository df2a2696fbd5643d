"""One worksheet, or the table of shared strings, read as a stream of XML: memory grows with what is filled in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from openpyxl.utils.cell import column_index_from_string, get_column_letter

from extractor.document.formats.package import HEIGHTS, damaged, no_document_type, too_large, whole
from extractor.document.formats.xlsx_values import UNREAD, Values

MAX_CELLS = 2_000_000  # cells that the sheets of a file may list, empty ones too
MAX_FILLED = 300_000  # of them with something in it
MAX_MERGED = 20_000
_MAX_TOKEN = 10_000_000  # bytes of one tag or text
_MAX_ROW, _MAX_COLUMN = 1_048_576, 16_384
_NAMESPACES = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
_REF = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")
_LESS_THAN_ONE = re.compile(r"0(?:\.\d*)?|\.\d+")
_ON = frozenset(("1", "true", "on"))


@dataclass(slots=True)
class Sheet:
    """What a sheet shows: texts by row and column (from 1), each with the address of its cell.

    `merged`: (top, left, bottom, right) of merged cells; `hidden_rows`, `hidden_columns`: first and last of each
    hidden range.
    """

    cells: dict[int, dict[int, str]] = field(default_factory=dict)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    hidden_rows: list[tuple[int, int]] = field(default_factory=list)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)


def address(row: int, column: int) -> str:
    """`C5` for row 5 and column 3."""
    return f"{get_column_letter(column)}{row}"


def read_strings(chunks: Iterable[bytes]) -> list[str]:
    """The shared strings, their runs joined, readings of characters (phonetics) left out. Errors: InputError."""
    reader = _Strings()
    _parse(chunks, reader, "sharedStrings")
    return reader.strings


def read_sheet(chunks: Iterable[bytes], values: Values, name: str) -> Sheet:
    """A worksheet. Errors: InputError `malformed`, `too_large`."""
    reader = _SheetReader(values, name)
    _parse(chunks, reader, name)
    return reader.sheet


class _Reader:
    """Handlers by the local name of an element; `text` gathers characters while it is a list."""

    def __init__(self) -> None:
        self.text: list[str] | None = None
        self.starts: dict[str, Callable[[dict[str, str]], None]] = {
            "t": self._open_text,
            "rPh": self._open_phonetic,
            "r": self._open_run,
            "strike": self._strike,
            "vertAlign": self._set_height,
        }
        self.ends: dict[str, Callable[[], None]] = {"t": self._close_run, "rPh": self._close_phonetic}
        self.runs: list[str] = []
        self._phonetic = self._struck = False
        self._height = ""

    def _open_run(self, _: dict[str, str]) -> None:
        self._struck, self._height = False, ""

    def _strike(self, attributes: dict[str, str]) -> None:
        self._struck = attributes.get("val", "1") in _ON

    def _set_height(self, attributes: dict[str, str]) -> None:
        self._height = attributes.get("val", "")

    def _open_text(self, _: dict[str, str]) -> None:
        self.text = []

    def _open_phonetic(self, _: dict[str, str]) -> None:
        self._phonetic = True

    def _close_phonetic(self) -> None:
        self._phonetic = False

    def _close_run(self) -> None:
        run = self.take()
        if not self._phonetic:
            run = run.translate(HEIGHTS.get(self._height, {}))
            self.runs.append(f"~~{run}~~" if self._struck and run.strip() else run)

    def take(self) -> str:
        """What was gathered."""
        gathered = "".join(self.text or ())
        self.text = None
        return gathered


def _parse(chunks: Iterable[bytes], reader: _Reader, name: str) -> None:
    """Runs a reader over a part. No document type, hence no entities; nothing is fetched."""
    starts = {f"{space} {local}": call for local, call in reader.starts.items() for space in _NAMESPACES}
    ends = {f"{space} {local}": call for local, call in reader.ends.items() for space in _NAMESPACES}

    def start(tag: str, attributes: dict[str, str]) -> None:
        if (call := starts.get(tag)) is not None:
            call(attributes)

    def end(tag: str) -> None:
        if (call := ends.get(tag)) is not None:
            call()

    def text(data: str) -> None:
        if reader.text is not None:
            reader.text.append(data)

    def refuse(*_: Any) -> None:
        raise no_document_type(name)

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.StartDoctypeDeclHandler = refuse
    fed = 0
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
            fed += len(chunk)
            if fed - parser.CurrentByteIndex > _MAX_TOKEN:
                raise damaged(f"The part {name} holds a tag or text larger than any sheet's.")
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise damaged(f"The part {name} is no well-formed XML ({error}).") from None


class _Strings(_Reader):
    def __init__(self) -> None:
        super().__init__()
        self.strings: list[str] = []
        self.starts["si"] = self._open
        self.ends["si"] = self._close

    def _open(self, _: dict[str, str]) -> None:
        self.runs = []
        self._open_run({})

    def _close(self) -> None:
        self.strings.append("".join(self.runs))


class _SheetReader(_Reader):
    def __init__(self, values: Values, name: str) -> None:
        super().__init__()
        self.sheet = Sheet()
        self._values, self._name = values, name
        self._row = self._column = self._listed = self._filled = 0
        self._last: str | None = None  # the address of the row's cell before, where it says one
        self._cell: dict[str, str] = {}
        self._value: str | None = None
        self._formula: str | None = None
        self._zeros = True
        self.starts |= {
            "row": self._open_row,
            "c": self._open_cell,
            "v": self._open_text,
            "f": self._open_text,
            "col": self._add_columns,
            "mergeCell": self._add_merged,
            "sheetView": self._view,
        }
        self.ends |= {"c": self._close_cell, "v": self._close_value, "f": self._close_formula}

    def _view(self, attributes: dict[str, str]) -> None:
        self._zeros = attributes.get("showZeros", "1") in _ON

    def _open_row(self, attributes: dict[str, str]) -> None:
        raw = attributes.get("r")
        self._row = self._row + 1 if raw is None else whole(raw) or 0
        self._column, self._last = 0, None
        if not 0 < self._row <= _MAX_ROW:
            raise damaged(f"The part {self._name} has a row with the number {raw!r}.")
        if ("hidden" in attributes and attributes["hidden"] in _ON) or _is_nothing(attributes.get("ht")):
            hidden = self.sheet.hidden_rows
            first = hidden.pop()[0] if hidden and hidden[-1][1] == self._row - 1 else self._row
            hidden.append((first, self._row))

    def _open_cell(self, attributes: dict[str, str]) -> None:
        self._listed += 1
        if self._listed > MAX_CELLS:
            raise too_large(f"The part {self._name} lists more than {MAX_CELLS:,} cells.")
        self._cell, self._value, self._formula, self.runs = attributes, None, None, []
        self._struck, self._height = False, ""

    def _close_value(self) -> None:
        self._value = self.take()

    def _close_formula(self) -> None:
        self._formula = self.take()

    def _close_cell(self) -> None:
        raw = self._cell.get("r")
        if raw is None:
            self._column = 1 + (self._column if self._last is None else position(self._last, self._name)[1])
        self._last = raw
        if self._value is None and self._formula is None and not self.runs:
            return
        text = self._shown()
        if not text.strip():
            return
        if raw is not None:
            row, self._column = position(raw, self._name)
            if row != self._row:
                raise damaged(f"The part {self._name} has the cell {raw} in row {self._row}.")
        self._filled += 1
        if self._filled > MAX_FILLED:
            raise too_large(f"The part {self._name} has more than {MAX_FILLED:,} filled cells.")
        cells = self.sheet.cells.setdefault(self._row, {})
        if self._column in cells:
            raise damaged(f"The part {self._name} has the cell {address(self._row, self._column)} twice.")
        cells[self._column] = text

    def _shown(self) -> str:
        kind = self._cell.get("t", "n")
        if kind == "inlineStr":
            return self._values.shown(kind, "".join(self.runs), self._cell.get("s"))
        if not self._value:
            # A formula that was never calculated shows nothing yet; what it will show is not guessed.
            return f"{UNREAD}={self._formula}" if self._formula is not None and kind != "str" else ""
        shown = self._values.shown(kind, self._value, self._cell.get("s"))
        return "" if not self._zeros and kind == "n" and shown == "0" else shown

    def _add_columns(self, attributes: dict[str, str]) -> None:
        if attributes.get("hidden") in _ON or _is_nothing(attributes.get("width")):
            first, last = whole(attributes.get("min")), whole(attributes.get("max"))
            if first is not None and last is not None:
                self.sheet.hidden_columns.append((first, last))

    def _add_merged(self, attributes: dict[str, str]) -> None:
        first, _, last = attributes.get("ref", "").partition(":")
        if not last:
            return
        top, left = position(first, self._name)
        bottom, right = position(last, self._name)
        self.sheet.merged.append((min(top, bottom), min(left, right), max(top, bottom), max(left, right)))
        if len(self.sheet.merged) > MAX_MERGED:
            raise too_large(f"The part {self._name} has more than {MAX_MERGED:,} merged cells.")


def _is_nothing(size: str | None) -> bool:
    """Whether a row is lower than a point or a column narrower than a character: no figure in it is seen."""
    return size is not None and _LESS_THAN_ONE.fullmatch(size) is not None


def position(ref: str, name: str) -> tuple[int, int]:
    """Row and column of `C5`. Errors: InputError `malformed`."""
    match = _REF.fullmatch(ref)
    row, column = (int(match[2]), column_index_from_string(match[1])) if match else (0, 0)
    if not (0 < row <= _MAX_ROW and 0 < column <= _MAX_COLUMN):
        raise damaged(f"The part {name} has a cell with the address {ref!r}.")
    return row, column
