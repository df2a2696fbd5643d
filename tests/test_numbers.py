"""What reads as a number (FORM): one printed cell → kind, value and unit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.document.normalize import normalize
from extractor.reader.numbers import read_cell, read_chinese
from extractor.results import MAX_DIGITS

NUMBER, NOTHING, TENTATIVE, ILLEGIBLE = "number", "not_applicable", "tentative", "illegible"


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("0", NUMBER, 0),
        ("7", NUMBER, 7),
        ("20", NUMBER, 20),
        ("12345678", NUMBER, 12345678),
        ("２０", NUMBER, 20),
        ("1,234", NUMBER, 1234),
        ("１，２３４", NUMBER, 1234),
        ("1,234,567", NUMBER, 1234567),
        ("12件", NUMBER, 12),
        ("12 件", NUMBER, 12),
        ("3条", NUMBER, 3),
        ("22（其中修订16件）", NUMBER, 22),
        ("22(其中修订16件)", NUMBER, 22),
        ("22件（含16件）", NUMBER, 22),
        ("0。", NUMBER, 0),
        ("零", NUMBER, 0),
        ("〇", NUMBER, 0),
        ("三", NUMBER, 3),
        ("十", NUMBER, 10),
        ("二十", NUMBER, 20),
        ("二十四", NUMBER, 24),
        ("一百零三", NUMBER, 103),
        ("/", NOTHING, None),
        ("／", NOTHING, None),
        ("—", NOTHING, None),
        ("——", NOTHING, None),
        ("-", NOTHING, None),
        ("－", NOTHING, None),
        ("_", NOTHING, None),
        ("\\", NOTHING, None),
        ("无", NOTHING, None),
        ("不涉及", NOTHING, None),
        ("2 0", TENTATIVE, 20),
        ("1 2 3", TENTATIVE, 123),
        ("O", TENTATIVE, 0),
        ("o", TENTATIVE, 0),
        ("2O", TENTATIVE, 20),
        ("l", TENTATIVE, 1),
        ("I2", TENTATIVE, 12),
        ("1l", TENTATIVE, 11),
        ("2\n0", TENTATIVE, 20),
        ("00", ILLEGIBLE, None),
        ("012", ILLEGIBLE, None),
        ("0 2", ILLEGIBLE, None),
        ("1" * 13, ILLEGIBLE, None),
        ("9" * 400, ILLEGIBLE, None),
        ("12,34", ILLEGIBLE, None),
        ("1.5", ILLEGIBLE, None),
        ("3?", ILLEGIBLE, None),
        ("1/2", ILLEGIBLE, None),
        ("12-3", ILLEGIBLE, None),
        ("7.", NUMBER, 7),
    ],
)
def test_counts(text: str, kind: str, value: int | None) -> None:
    reading = read_cell(normalize(text))
    assert reading is not None
    assert (reading.kind, reading.value) == (kind, value)


@pytest.mark.parametrize("text", ["-5", "+5", "－16", "减4", "-1件"])
def test_a_count_has_no_sign(text: str) -> None:
    reading = read_cell(normalize(text))
    assert reading is None or reading.kind == ILLEGIBLE


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("19", 19),
        ("+19", 19),
        ("＋19", 19),
        ("-16", -16),
        ("－16", -16),
        ("—16", -16),
        ("减4", -4),
        ("减少4", -4),
        ("增3", 3),
        ("增加3", 3),
        ("- 16", -16),
        ("+1,204", 1204),
        ("-2件", -2),
        ("减 4 项", -4),
    ],
)
def test_signed_changes(text: str, value: int) -> None:
    reading = read_cell(normalize(text), "signed")
    assert reading is not None
    assert (reading.kind, reading.value) == (NUMBER, value)


@pytest.mark.parametrize("text", ["-", "—", "/", "无"])
def test_a_lone_dash_is_no_sign(text: str) -> None:
    reading = read_cell(normalize(text), "signed")
    assert reading is not None
    assert reading.kind == NOTHING


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("0", "0", None),
        ("0.00", "0.00", None),
        ("12.5", "12.5", None),
        ("16085.100735", "16085.100735", None),
        ("1,234.50", "1234.50", None),
        ("240万元", "240", "万元"),
        ("240 万元", "240", "万元"),
        ("125000元", "125000", "元"),
        ("1.2亿元", "1.2", "亿元"),
        ("￥240", "240", None),
        ("¥ 240.5元", "240.5", "元"),
        ("０．５", "0.5", None),
        ("240（含罚没）", "240", None),
    ],
)
def test_amounts_are_exact_and_keep_their_unit(text: str, value: str, unit: str | None) -> None:
    reading = read_cell(normalize(text), "amount")
    assert reading is not None
    assert (reading.kind, reading.unit) == (NUMBER, unit)
    assert isinstance(reading.value, Decimal)
    assert str(reading.value) == value


@pytest.mark.parametrize("text", ["12.5 33", "12.5.3", "012.5", "1,23.5", "12.5-640", ".", "1" * 30])
def test_what_is_no_amount(text: str) -> None:
    reading = read_cell(normalize(text), "amount")
    assert reading is None or reading.kind == ILLEGIBLE


@pytest.mark.parametrize("text", ["", "予以公开", "总计", "其他", "一、", "（三）", "详见附件三份材料说明", "abc"])
def test_words_are_no_data(text: str) -> None:
    assert read_cell(normalize(text)) is None


@pytest.mark.parametrize("text", ["第3项", "2023年", "3.", "1.属于国家秘密", "（一）"])
def test_a_numeral_in_words_is_not_its_number(text: str) -> None:
    reading = read_cell(normalize(text))
    assert reading is None or reading.kind in (ILLEGIBLE, NUMBER)
    if reading and reading.kind == NUMBER:
        assert text == "3."  # a sentence's full stop behind a figure


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("零", 0),
        ("两", 2),
        ("九", 9),
        ("十", 10),
        ("十一", 11),
        ("二十", 20),
        ("九十九", 99),
        ("一百", 100),
        ("一百一十", 110),
        ("三百零五", 305),
        ("两千", 2000),
        ("三千零四十", 3040),
        ("三万二千", 32000),
        ("二三", 23),
        ("", None),
        ("百元", None),
        ("12", None),
    ],
)
def test_chinese_numerals(text: str, value: int | None) -> None:
    assert read_chinese(text) == value


# ---------------------------------------------------------------- properties


@given(st.integers(0, 10**MAX_DIGITS - 1))
def test_every_count_reads_as_itself(number: int) -> None:
    for printed in (
        str(number),
        f"{number:,}",
        f"{number}件",
        str(number).translate(str.maketrans("0123456789", "０１２３４５６７８９")),
    ):
        reading = read_cell(normalize(printed))
        assert reading is not None
        assert (reading.kind, reading.value) == (NUMBER, number)


@given(st.integers(10, 10**8))
def test_a_split_count_is_never_more_than_a_candidate(number: int) -> None:
    digits = str(number)
    for at in range(1, len(digits)):
        reading = read_cell(digits[:at] + " " + digits[at:])
        assert reading is not None
        assert (reading.kind, reading.value) == (TENTATIVE, number)


@given(st.decimals(min_value=0, max_value=10**12, places=4, allow_nan=False, allow_infinity=False))
def test_amounts_keep_every_digit(amount: Decimal) -> None:
    printed = format(amount, "f")
    reading = read_cell(printed, "amount")
    assert reading is not None
    assert reading.kind == NUMBER
    assert format(reading.value, "f") == printed


@given(st.integers(-(10**6), 10**6))
def test_signs(number: int) -> None:
    reading = read_cell(f"{number:+d}", "signed")
    assert reading is not None
    assert (reading.kind, reading.value) == (NUMBER, number)


@given(
    st.text(alphabet="0123456789OoIl,.+-/() 件元万减增一二十百无|\n", max_size=40),
    st.sampled_from(["count", "signed", "amount"]),
)
def test_any_text_reads_or_is_refused(text: str, kind: str) -> None:
    reading = read_cell(text, kind)
    if reading is None:
        return
    assert reading.kind in (NUMBER, NOTHING, TENTATIVE, ILLEGIBLE)
    assert (reading.value is None) == (reading.kind in (NOTHING, ILLEGIBLE))
    if reading.kind in (NUMBER, TENTATIVE) and kind != "signed":
        assert reading.value is not None
        assert reading.value >= 0


@given(st.text(alphabet="0123456789", min_size=1, max_size=10), st.text(alphabet="0123456789", min_size=1, max_size=10))
def test_a_reading_uses_every_printed_digit(first: str, second: str) -> None:
    """Two figures in one cell are never read as one of them."""
    reading = read_cell(f"{first} {second}")
    assert reading is not None
    assert reading.kind in (TENTATIVE, ILLEGIBLE)
    if reading.kind == TENTATIVE:
        assert str(reading.value) == first + second
