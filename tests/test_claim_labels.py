"""The hand labels of fixtures/claims: their shape, and that what they quote stands where they say."""

from __future__ import annotations

import json
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from extractor.document.sources import read_bytes

ROOT = Path(__file__).parent.parent
CLAIMS = ROOT / "fixtures" / "claims"
REPORTS = {path.stem: path for path in sorted((ROOT / "fixtures" / "reports").iterdir())}
GOLD = ROOT / "fixtures" / "gold"

KEYS = {"field", "value", "raw", "span", "scope", "year", "unit", "about"}
SCOPES = {"body", "region", "office", "subordinates", "other"}
ABOUT = {
    "about": ("约", "近", "左右", "余", "多", "上下"),
    "at_least": ("超过", "以上", "逾", "不少于"),
    "at_most": ("不足", "不到", "以内"),
}
UNITS = {"件", "条", "项", "起", "份", "宗", "次", "个", "笔", "元", "万元", "亿元"}
OUTCOME = r"(?:total|upheld|corrected|other|pending)"
FIELD = re.compile(
    r"requests\.(?:"
    r"new_received\.(?:total|natural_person|business|research_institution|social_organization|legal_service"
    r"|other_organization)"
    r"|(?:carried_in|carried_out|total_processed|granted|granted_in_part)\.total"
    r"|denied\.(?:all|state_secret|prohibited_by_law|security_and_stability|third_party_rights|internal_affairs"
    r"|process_information|enforcement_file|administrative_inquiry)\.total"
    r"|unavailable\.(?:all|not_held|needs_creation|unclear_after_correction)\.total"
    r"|not_processed\.(?:all|petition|duplicate|publication|excessive|confirm_or_reissue)\.total"
    r"|other\.(?:all|not_corrected|fee_unpaid|other)\.total)"
    rf"|(?:reconsideration|litigation|litigation_direct|litigation_after_reconsideration)\.{OUTCOME}"
    r"|disclosure\.(?:(?:regulations|normative_documents)\.(?:issued|repealed|in_force)"
    r"|(?:licensing|penalties|coercion)\.decisions|fees\.amount)"
    r"|processing_fee\.amount"
)
ZERO_WORDS = re.compile(r"未\w{1,2}|没有|沒有|无|無|均未|零|一分未收")
CHINESE = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"两": 2, "兩": 2}


@lru_cache(maxsize=64)
def report_text(name: str) -> str:
    return read_bytes(REPORTS[name].read_bytes())


@lru_cache(maxsize=64)
def labels(name: str) -> dict[str, Any]:
    return json.loads((CLAIMS / f"{name}.json").read_text(encoding="utf-8"))


def report_years(name: str) -> set[int]:
    found = {json.loads(path.read_text(encoding="utf-8"))["year"] for path in GOLD.glob(f"{name}*.json")}
    assert found, name
    return found


@lru_cache(maxsize=1)
def sentences() -> list[dict[str, Any]]:
    return tomllib.loads((CLAIMS / "sentences.toml").read_text(encoding="utf-8"))["sentence"]


def chinese(raw: str) -> int | None:
    """一百零三 → 103; None where it is no numeral."""
    total = digit = 0
    for char in raw:
        if char in CHINESE:
            digit = CHINESE[char]
        elif char in "十百千":
            total += (digit or 1) * 10 ** ("十百千".index(char) + 1)
            digit = 0
        else:
            return None
    return total + digit


def read(raw: str) -> Decimal | None:
    """The number that the characters print; None where they are words."""
    plain = re.sub(r"[\s,]", "", unicodedata.normalize("NFKC", raw))
    factor = 10_000 if plain.endswith("万") else 1
    plain = plain.removesuffix("万")
    if re.fullmatch(r"\d+(?:\.\d+)?", plain):
        return Decimal(plain) * factor
    number = chinese(plain)
    return None if number is None or plain == "零" else Decimal(number * factor)


def complaints(claim: dict[str, Any], text: str, years: set[int]) -> Iterator[str]:
    """What is wrong with one label; nothing where all is well."""
    start, end = claim["span"]
    raw, value, unit = claim["raw"], claim["value"], claim["unit"]
    if not (0 <= start < end <= len(text)) or text[start:end] != raw:
        yield f"text[{start}:{end}] is {text[start:end]!r}"
        return
    if not FIELD.fullmatch(claim["field"]):
        yield "unknown field"
    if claim["field"].endswith(".amount"):
        if not isinstance(value, str) or not re.fullmatch(r"\d+(?:\.\d+)?", value):
            yield "an amount is a decimal string"
            return
    elif type(value) is not int or value < 0:
        yield "a count is a whole number"
        return
    number = read(raw)
    if number is None:
        if Decimal(value) != 0 or unit is not None or not ZERO_WORDS.fullmatch(re.sub(r"\s", "", raw)):
            yield "raw is neither the number nor words for zero"
    else:
        if number != Decimal(value):
            yield f"raw reads {number}"
        before, behind = text[:start][-1:], text[end:]
        if before.isdigit() or (before in {".", ",", "，"} and text[start - 2 : start - 1].isdigit()):
            yield "cut out of a longer number"
        if re.match(r"\d|[.,，]\d{3}(?!\d)", behind):
            yield "cut out of a longer number"
        printed = re.match(r"\s*[余多]?\s*(万元|亿元|[件条條项起份宗次个笔元])?", behind)
        if printed is None or printed[1] != unit:
            yield f"unit, but {behind[:4]!r} stands behind"
    if unit is not None and unit not in UNITS:
        yield "unknown unit"
    if claim["scope"] not in SCOPES:
        yield "unknown scope"
    if claim["year"] is not None and not any(year - 3 <= claim["year"] <= year + 1 for year in years):
        yield "a year far from the report's"
    near = text[max(0, start - 14) : start] + text[end : end + 6]
    if claim["about"] is not None and not any(word in near for word in ABOUT[claim["about"]]):
        yield "no word says so"


def check(claims: list[dict[str, Any]], text: str, years: set[int]) -> list[str]:
    found = []
    for claim in claims:
        if set(claim) != KEYS:
            found.append(f"keys {sorted(claim)}")
            continue
        found += [f"{claim['field']} {claim['raw']!r}: {complaint}" for complaint in complaints(claim, text, years)]
    if found:
        return found
    spans = [tuple(claim["span"]) for claim in claims]
    if spans != sorted(spans):
        found.append("not in the order of the text")
    found += [f"{a} and {b} overlap" for a, b in pairwise(sorted(set(spans))) if a[1] > b[0]]
    twice = Counter((*claim["span"], claim["field"]) for claim in claims)
    found += [f"{key} twice" for key, count in twice.items() if count > 1]
    return found


def from_toml(sentence: dict[str, Any]) -> list[dict[str, Any]]:
    """The claims of a sentence in the shape of the reports' labels."""
    claims = []
    for item in sentence["claims"]:
        places = [match.start() for match in re.finditer(f"(?={re.escape(item['raw'])})", sentence["text"])]
        start = places[item["occurrence"] - 1]
        rest = {key: value for key, value in item.items() if key != "occurrence"}
        nulls = {"year": None, "unit": None, "about": None}
        claims.append(nulls | rest | {"span": [start, start + len(item["raw"])]})
    return claims


def test_one_label_file_per_report() -> None:
    assert sorted(path.stem for path in CLAIMS.glob("*.json")) == sorted(REPORTS)


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_report(name: str) -> None:
    label = labels(name)
    assert set(label) == {"source", "claims", "labelled"}
    assert label["source"] == REPORTS[name].name
    assert set(label["labelled"]) == {"how", "date"}
    assert check(label["claims"], report_text(name), report_years(name)) == []


def test_sentences() -> None:
    assert len({sentence["id"] for sentence in sentences()}) == len(sentences())
    for sentence in sentences():
        assert set(sentence) == {"id", "organization", "year", "text", "claims"}
        assert check(from_toml(sentence), sentence["text"], {sentence["year"]}) == [], sentence["id"]


def test_sentences_cover_the_traps() -> None:
    claims = [claim for sentence in sentences() for claim in from_toml(sentence)]
    assert len(sentences()) >= 80
    assert sum(not sentence["claims"] for sentence in sentences()) >= 20
    assert {claim["scope"] for claim in claims} == SCOPES
    assert {claim["about"] for claim in claims} == {None, *ABOUT}
    assert {"件", "条", "项", "起", "份", "宗", "次", "万元", "元"} <= {claim["unit"] for claim in claims}
    offsets = {
        None if claim["year"] is None else claim["year"] - sentence["year"]
        for sentence in sentences()
        for claim in from_toml(sentence)
    }
    assert {None, -1, 0, 1} <= offsets
    assert len({claim["field"] for claim in claims}) >= 50


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"span": [9, 11]}, "text[9:11]"),
        ({"field": "requests.new_received"}, "unknown field"),
        ({"value": "12"}, "a count is a whole number"),
        ({"value": 13}, "raw reads 12"),
        ({"raw": "2", "span": [6, 7], "value": 2}, "cut out of a longer number"),
        ({"unit": "条"}, "unit, but"),
        ({"unit": None}, "unit, but"),
        ({"scope": "city"}, "unknown scope"),
        ({"year": 2012}, "a year far"),
        ({"about": "about"}, "no word says so"),
        ({"raw": "收到", "span": [0, 2], "value": 0, "unit": None}, "neither the number nor words for zero"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_bad_label_is_noticed(change: dict[str, Any], complaint: str) -> None:
    good = {
        "field": "requests.new_received.total",
        "value": 12,
        "raw": "12",
        "span": [5, 7],
        "scope": "body",
        "year": 2024,
        "unit": "件",
        "about": None,
    }
    text = "收到申请共12件，予以公开5件。"
    assert check([good], text, {2024}) == []
    assert any(complaint in found for found in check([good | change], text, {2024})), complaint
