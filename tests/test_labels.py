"""Labels wherever they stand: spaced, wrapped, stuck to digits, traditional, a character off."""

from __future__ import annotations

from itertools import pairwise

import helpers as h
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.document.normalize import normalize
from extractor.form import FORM
from extractor.reader.labels import SHARED_ROWS, Hit, find_labels, ordinal_start


def hits(text: str, kind: str = "") -> list[Hit]:
    return [hit for hit in find_labels(normalize(text)) if not kind or hit.kind == kind]


def keys(text: str, kind: str = "") -> list[str]:
    return [hit.key for hit in hits(text, kind)]


OWN_ROWS = [row for row in FORM.rows if row.key not in SHARED_ROWS]


@pytest.mark.parametrize("row", OWN_ROWS, ids=lambda row: row.key)
def test_every_wording_of_a_row(row: object) -> None:
    assert isinstance(row, type(OWN_ROWS[0]))
    for wording in (row.label, *row.variants):
        text = f"0 0 {row.ordinal} {wording} 1 2 3"
        assert keys(text, "row") == [row.key], wording
        (hit,) = hits(text, "row")
        # A rest of a shorter wording may stay behind the hit, but no digit of the label's and none of the data's less.
        assert [char for char in normalize(text)[hit.end :] if char.isdigit()] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("予 以 公 开", "row", ["granted"]),
        ("予　以　公　开", "row", ["granted"]),
        ("予以\n公开", "row", ["granted"]),
        ("予以\t\t公开", "row", ["granted"]),
        ("予|以|公|开", "row", ["granted"]),
        ("**予以公开**", "row", ["granted"]),
        ("予以公开0000000部分公开", "row", ["granted", "granted_in_part"]),
        ("0000000（二）部分公开（区分处理的，只计这一情形，不计其他情形）0000000", "row", ["granted_in_part"]),
        (
            "予以公開 屬於國家秘密 其他法律行政法規禁止公開",
            "row",
            ["granted", "denied.state_secret", "denied.prohibited_by_law"],
        ),
        ("本機關不掌握相關政府信息", "row", ["unavailable.not_held"]),
        ("危及“三安全一稳定”", "row", ["denied.security_and_stability"]),
        ('危及"三安全一稳定"', "row", ["denied.security_and_stability"]),
        ("危及三安全一稳定", "row", ["denied.security_and_stability"]),
        ("1.信访、举报、投诉类申请", "row", ["not_processed.petition"]),
        ("本年新收政府信息", "row", ["new_received"]),
        ("申请人无正当理由逾期不补正、行政机关不再处理其政府信息公开申请", "row", ["other.not_corrected"]),
        ("申请人逾期未按收费通知要求缴纳费用", "row", ["other.fee_unpaid"]),
        ("予以6公开", "row", []),
        (
            "自然人 商业企业 科研机构 社会公益组织 法律服务机构",
            "column",
            [
                "natural_person",
                "business",
                "research_institution",
                "social_organization",
                "legal_service",
            ],
        ),
        ("社会组织", "column", ["social_organization"]),
        ("公益组织", "column", ["social_organization"]),
        ("结果 维持 结果\n纠正", "outcome", ["upheld", "corrected"]),
        ("其他结果 尚未审结", "outcome", ["other", "pending"]),
        (
            "行政复议 未经复议直接起诉 复议后起诉",
            "block",
            [
                "reconsideration",
                "litigation_direct",
                "litigation_after_reconsideration",
            ],
        ),
        ("本年制发件数 本年废止件数 现行有效件数", "field", ["issued", "repealed", "in_force"]),
        ("本年收费金额（单位：万元）", "field", ["amount"]),
        ("行政规范性文件 规范性文件 规章", "disclosure", ["normative_documents", "normative_documents", "regulations"]),
        ("其他 总计 合计 其它", "shared", ["other", "total", "total", "other"]),
    ],
)
def test_found(text: str, kind: str, expected: list[str]) -> None:
    assert keys(text, kind) == expected


@pytest.mark.parametrize(
    "text",
    ["", "0 0 0", "今年工作进展顺利", "政府", "公开", "abc def", "予以表彰", "属于重点工作", "重复建设", "没有现金"],
)
def test_not_found(text: str) -> None:
    assert keys(text, "row") == []


def test_hits_do_not_overlap_and_are_in_order() -> None:
    found = hits(h.report(h.glued(h.rows())))
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert {hit.key for hit in found if hit.kind == "row"} >= set(h.LABELS) - set(SHARED_ROWS)


@given(st.sampled_from(OWN_ROWS), st.text(alphabet=" \t\n|*、　", max_size=3))
def test_anything_but_letters_and_digits_may_stand_between_the_characters(row: object, between: str) -> None:
    assert isinstance(row, type(OWN_ROWS[0]))
    word = "".join(char for char in row.label.split("（")[0] if "一" <= char <= "鿿")
    assert keys(between.join(word), "row") == [row.key]


@given(st.text(max_size=300))
def test_any_text(text: str) -> None:
    norm = normalize(text)
    for hit in find_labels(norm):
        assert 0 <= hit.start < hit.end <= len(norm)


# ---------------------------------------------------------------- the number printed before a label


@pytest.mark.parametrize(
    ("text", "label", "expected", "begins"),
    [
        ("00000002.其他法律", "其他法律", "2", "2.其他法律"),
        ("0000000 2. 其他法律", "其他法律", "2", "2. 其他法律"),
        ("00000002、其他法律", "其他法律", "2", "2、其他法律"),
        ("0000000（三）不予公开", "不予公开", "", "（三）不予公开"),
        ("0000000四、结转下年度", "结转下年度", "", "四、结转下年度"),
        ("0\t0\t2其他法律", "其他法律", "2", "2其他法律"),
        ("0\t0\n2 其他法律", "其他法律", "2", "2 其他法律"),
        ("0\t0\n3 其他法律", "其他法律", "2", ""),
        ("0000002其他法律", "其他法律", "2", ""),
        ("其他法律", "其他法律", "2", ""),
        ("120其他法律", "其他法律", "2", ""),
    ],
)
def test_ordinals(text: str, label: str, expected: str, begins: str) -> None:
    norm = normalize(text)
    at = norm.index(normalize(label))
    start, found = ordinal_start(norm, at, expected)
    assert found == bool(begins)
    assert norm[start:] == normalize(begins or text[at:])
