"""Normalisation is 1:1: whatever the text, position i of it is position i of its normalisation."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from extractor.document.normalize import normalize
from extractor.document.text import Document

# Characters that tempt a normaliser to change a length, and those that it folds.
TEMPTING = (
    "０９（）．，％＋－　㈠①⑫㎡ﬁİßｶﾞ你̈"
    "\u200b\u200d\ufeff\u2028\x85\x0b\x0c\r\n\t|<>&;td/ -=+─│┃—–“”『』國與處無數總計一〇〇三𠮷😀"
)


@given(st.text(alphabet=st.one_of(st.sampled_from(TEMPTING), st.characters()), max_size=200))
@example("<td>0</td><td>")
@example("&nbsp;&nbsp;1")
@example("|---|---|\n| 1 | 2 |")
@example("<!-- 12 -->３")
@example("x" * 5 + "<td " + "y" * 500)
def test_length_is_kept(text: str) -> None:
    assert len(normalize(text)) == len(text)


@given(st.text(max_size=200))
def test_it_is_idempotent(text: str) -> None:
    once = normalize(text)
    assert normalize(once) == once


@given(st.text(alphabet="0123456789OoIl,.+- \t\n予以公开（）一二三、", max_size=200))
def test_ascii_digits_and_plain_labels_stay_as_they_are(text: str) -> None:
    norm = normalize(text)
    for before, after in zip(text, norm, strict=True):
        if before.isdigit() or "一" <= before <= "鿿":
            assert after == before


@given(st.text(alphabet="０１２３４５６７８９0123456789 \t\n", max_size=100))
def test_digits_keep_their_value(text: str) -> None:
    digits = [char for char in normalize(text) if char.isdigit()]
    assert [int(char) for char in digits] == [int(char) for char in text if char.isdigit()]
    assert all(char.isascii() for char in digits)


@given(st.text(alphabet=st.one_of(st.sampled_from(TEMPTING), st.characters()), max_size=200))
def test_it_makes_no_digit_and_loses_none_outside_markup(text: str) -> None:
    if "<" in text:
        return
    for before, after in zip(text, normalize(text), strict=True):
        if after in "0123456789":
            assert before in "0123456789０１２３４５６７８９"
        if before in "0123456789０１２３４５６７８９":
            assert after in "0123456789"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("０１２３４５６７８９", "0123456789"),
        ("（一）予以公开", "(一)予以公开"),
        ("１，２３４．５", "1,234.5"),
        ("—", "-"),
        ("－", "-"),
        ("–", "-"),
        ("／", "/"),
        ("│3│", "|3|"),
        ("　", " "),
        ("\u00a0", " "),
        *((space, " ") for space in "\u2002\u2003\u2007\u2009\u200a\u202f\u205f\u3000\u200b\ufeff"),
        ("\x0c", "\n"),
        ("\u2028", "\n"),
        ("“三安全一稳定”", '"三安全一稳定"'),
        ("①", "①"),
        ("㈠", "㈠"),
        ("一", "一"),
        ("〇", "〇"),
        ("國家秘密", "国家秘密"),
        ("\u2f8f政复议\u2f00", "行政复议一"),  # radicals, as text copied from a PDF has them
        ("與", "与"),
        ("1丨2", "1丨2"),
        ("<td>0</td>", "    0    |"),
        ("0<br>1", "0    1"),
        ("&nbsp;7", "      7"),
        ("2 < 3", "2 < 3"),
        ("-1", "-1"),
        ("- 3 -", "- 3 -"),
    ],
)
def test_characters(text: str, expected: str) -> None:
    assert normalize(text) == expected


@pytest.mark.parametrize("ruling", ["|---|---|", "+----+----+", "| :--- | ---: |", "=======", "──────"])
def test_the_ruling_of_a_table_is_no_data(ruling: str) -> None:
    norm = normalize(f"| 1 | 2 |\n{ruling}\n| 3 | 4 |")
    assert [line.strip(" |") for line in norm.split("\n")][1] == ""
    assert norm.split("\n")[0] == "| 1 | 2 |"


@pytest.mark.parametrize("line", ["| — | - | / |", "--", "- 3 -", "| -- | 1 |"])
def test_dashes_in_cells_stay(line: str) -> None:
    assert normalize(line).count("-") + normalize(line).count("/") == sum(char in "—-/" for char in line)


def test_every_folded_character_is_one_character() -> None:
    for code in range(0x110000):
        if 0xD800 <= code < 0xE000:
            continue
        assert len(normalize(chr(code))) == 1


def test_a_document_keeps_its_text() -> None:
    text = "（一）予以公开　２\x0c<td>0</td>"
    document = Document(text)
    assert document.text == text
    assert len(document.norm) == len(text)
