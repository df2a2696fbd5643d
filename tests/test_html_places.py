"""Where a cell of the result stands on its page: table, row and column as the page shows them."""

from __future__ import annotations

from typing import Any

import pytest
from extractor.eval.generator import generate
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

from extractor.document.content import Place
from extractor.document.formats.html import read_html
from extractor.document.sources import read_stored
from extractor.pipeline import extract_all


def squares(table: Any) -> dict[tuple[int, int], str]:
    """The cells of a table by row and column from 1; columns in which no cell begins do not count."""
    taken: set[tuple[int, int]] = set()
    cells: dict[tuple[int, int], str] = {}
    rows = table.xpath("./tr | ./*/tr")
    for y, row in enumerate(rows):
        x = 0
        for cell in row.xpath("./td | ./th"):
            while (y, x) in taken:
                x += 1
            cells[y, x] = " ".join(cell.text_content().split())
            for dy in range(min(int(cell.get("rowspan", 1)), len(rows) - y)):
                taken.update((y + dy, x + dx) for dx in range(int(cell.get("colspan", 1))))
            x += int(cell.get("colspan", 1))
    columns = sorted({x for _, x in cells})
    return {(y + 1, columns.index(x) + 1): text for (y, x), text in cells.items()}


PLAIN = [seed for seed in range(1, 40) if not any(noise.startswith("html_") for noise in generate(seed, "html").noise)]


@pytest.mark.parametrize("seed", PLAIN)
def test_cells_of_a_result_name_the_cell_that_the_page_shows(seed: int) -> None:
    sample = generate(seed, "html")
    tables = html.document_fromstring(sample.text).xpath("//table")
    shown = [squares(table) for table in tables]
    stored = read_stored(sample.data)
    for cell in extract_all(stored)[0].cells:
        if cell.span is None:
            continue
        place = cell.place
        assert place is not None, cell.path
        assert place.table is not None
        assert place.row is not None
        assert place.column is not None
        assert cell.raw in shown[place.table - 1][place.row, place.column]


@st.composite
def tables(draw: st.DrawFn) -> str:
    """A table of whole rows with any spans; each cell has a text of its own."""
    rows = draw(st.lists(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), max_size=4), min_size=1, max_size=5))
    number = 0
    out = []
    for row in rows:
        cells = []
        for colspan, rowspan in row:
            number += 1
            cells.append(f'<td colspan="{colspan}" rowspan="{rowspan}">c{number}.</td>')
        out.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table>{''.join(out)}</table>"


@settings(max_examples=150, deadline=None)
@given(st.lists(tables(), min_size=1, max_size=3))
def test_every_cell_has_its_place_whatever_the_spans(pages: list[str]) -> None:
    page = "<p>c0.</p>".join(pages)
    stored = read_html(f"<html><body>{page}</body></html>".encode())
    expected = {
        (number, *at): text
        for number, table in enumerate(html.document_fromstring(f"<div>{page}</div>").xpath("//table"), 1)
        for at, text in squares(table).items()
    }
    found = {(place.table, place.row, place.column): stored.text[start:end] for start, end, place in stored.places}
    assert found == expected
    for start, end, place in stored.places:
        assert stored.places.at(start, end) == stored.places.at(start, start + 1) == place
        row = stored.text[stored.text.rfind("\n", 0, start) + 1 : start]
        assert row.count("\t") + 1 == place.column


def test_tables_are_counted_with_those_around_them_and_without_what_is_not_seen() -> None:
    page = (
        "<nav><table><tr><td>菜单</table></nav><table style='display:none'><tr><td>9</table>"
        "<table><tr><td>左</td><td><p>文</p><table><tr><td>a<td>1<tr style='display:none'><td>b<td>2<tr><td>c<td>3"
        "</table></td></tr></table>"
    )
    stored = read_html(page.encode())
    assert [(stored.text[start:end], place) for start, end, place in stored.places] == [
        ("a", Place(2, 1, 1)), ("1", Place(2, 1, 2)), ("c", Place(2, 2, 1)), ("3", Place(2, 2, 2)),
    ]  # fmt: skip
