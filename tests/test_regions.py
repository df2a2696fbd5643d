"""Where a body belongs: expectations by hand. A wrong place that is called sure is the worst outcome."""

from __future__ import annotations

import json
import random
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import helpers as h
import pytest

from extractor.cli import render
from extractor.document.identity import identify
from extractor.document.normalize import normalize
from extractor.document.sources import read_stored
from extractor.pipeline import extract_all
from extractor.regions import Region, region_of
from extractor.regions.gazetteer import gazetteer, towns
from extractor.store import Store

FIXTURES = Path(__file__).parent.parent / "fixtures" / "reports"

_TABLE = "二、主动公开政府信息情况\n"


def region(
    body: str, year: int = 2024, head: str = "", text: str = "认真落实公开条例。", tail: str = ""
) -> Region | None:
    title = f"{head}{body}{year}年政府信息公开工作年度报告"
    stored = f"{title}\n一、总体情况\n{text}\n{_TABLE}六、其他需要报告的事项\n无。\n{tail}"
    norm = normalize(stored)
    table = norm.index(_TABLE)
    identity = identify(stored, norm, 0, len(norm), table)
    found = region_of(stored, norm, 0, len(norm), table, identity)
    if found is not None:
        assert all(stored[a:b] == raw for raw, (a, b) in found.evidence)
        assert found.evidence
        assert found.sure == (not found.candidates)
        assert found.sure or found.place.code is None
    return found


def shown(found: Region | None) -> str | None:
    """`code level` of what is sure, `?` of what is not, None of nothing."""
    if found is None:
        return None
    return f"{found.place.code} {found.level}" if found.sure else "?"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("中阳县", "141129 county"),
        ("中阳县教育局", "141129 county"),
        ("山西省吕梁市中阳县人民政府办公室", "141129 county"),
        ("山西中阳县", "141129 county"),
        ("策勒县人民政府", "653225 county"),
        ("涞源县发展和改革局", "130630 county"),
        ("高青县", "370322 county"),  # 青县 is another
        ("长沙县乡村振兴局", "430121 county"),
        ("长沙市人力资源和社会保障局", "430100 city"),
        ("长沙市城市管理和综合执法局", "430100 city"),
        ("北京市朝阳区", "110105 county"),
        ("长春市朝阳区人民政府", "220104 county"),
        ("徐州市鼓楼区", "320302 county"),
        ("乐山市市中区", "511102 county"),
        ("乐山市中区", "511102 county"),
        ("济南市市中区民政局", "370103 county"),
        ("海南省", "460000 province"),
        ("海南省水务厅", "460000 province"),
        ("海南州", "632500 city"),
        ("乌海市海南区", "150303 county"),
        ("河南县", "632324 county"),  # 河南蒙古族自治县 in 青海省
        ("上海市浦东新区人民政府", "310115 county"),
        ("重庆市江北区", "500105 county"),
        ("天津市滨海新区", "120116 county"),
        ("仙桃市", "429004 county"),
        ("济源市卫生健康委员会", "419001 county"),
        ("神农架林区", "429021 county"),
        ("琼中县", "469030 county"),
        ("石河子市", "659001 county"),
        ("第八师石河子市", "659001 county"),
        ("东莞市", "441900 city"),
        ("东莞市虎门镇人民政府", "441900 town"),
        ("中山市东区街道办事处", "442000 town"),
        ("儋州市那大镇", "460400 town"),
        ("延边州", "222400 city"),
        ("延边朝鲜族自治州人民政府", "222400 city"),
        ("锡林郭勒盟", "152500 city"),
        ("正蓝旗", "152530 county"),
        ("内蒙古赤峰市红山区", "150402 county"),
        ("内蒙古自治区", "150000 province"),
        ("广西南宁市青秀区", "450103 county"),
        ("吉林省吉林市", "220200 city"),
        ("吉林市", "220200 city"),
        ("吉林省", "220000 province"),
        ("中阳县宁乡镇人民政府", "141129 town"),
        ("西安市雁塔区人民政府小寨路街道办事处", "610113 town"),
        ("长沙市岳麓区望月湖街道", "430104 town"),
        ("吕梁市高新技术产业开发区管理委员会", "141100 zone"),
        ("合肥高新技术产业开发区管理委员会", "?"),
        ("宁波杭州湾新区", "?"),
        ("长沙市山区综合开发局", "430100 city"),
        ("国家税务总局中阳县税务局", "141129 county"),
        ("中華縣", None),
        ("長沙縣教育局", "430121 county"),
        ("遼寧省瀋陽市和平區", "210102 county"),
        ("教育部", "None state"),
        ("中华人民共和国财政部", "None state"),
        ("新疆生产建设兵团", "None corps"),
        # more than one has the name, or an area may be called so
        ("朝阳区", "?"),
        ("鼓楼区人民政府", "?"),
        ("市中区", "?"),
        ("新华区", "?"),
        ("城关镇", "?"),
        ("宁乡镇人民政府", "?"),  # one town has the name, and nothing else says that it is this one
        ("东区街道办事处", "?"),
        ("城东区", "?"),
        ("长沙临空经济示范区管委会", "?"),  # 长沙市, 长沙县
        ("河北雄安新区管理委员会", "?"),
        ("吕梁市城区", "?"),  # there is none
        ("合肥市房山区", "?"),
        ("伊春市西林区", "?"),  # until 2019
        ("河南省中阳县", "?"),
        # no division has the name
        ("杭州湾新区", None),  # in 宁波市
        ("杭州湾上虞经济技术开发区", None),  # in 绍兴市
        ("东青县", None),
        ("蓝桥县水利局", None),
        ("西阳市", None),
        ("教育局", None),
        ("吉林大学", None),
        ("雄安新区管委会", None),
        ("沙县", None),  # since 2021 沙县区
    ],
)
def test_place_of_a_body_by_its_name_alone(body: str, expected: str | None) -> None:
    found = region(body)
    assert shown(found) == expected


@pytest.mark.parametrize(
    ("body", "more", "expected"),
    [
        ("鼓楼区", {"text": "徐州市鼓楼区认真落实条例。"}, "320302 county"),
        ("鼓楼区", {"text": "江苏徐州市鼓楼区认真落实条例。"}, "320302 county"),
        ("鼓楼区", {"head": "徐州市人民政府 > 政务公开\n"}, "320302 county"),
        ("鼓楼区", {"text": "按照徐州市人民政府的要求公开。"}, "320302 county"),
        ("鼓楼区", {"text": "学习南京市公开工作的经验。"}, "?"),
        ("鼓楼区", {"text": "赴南京市鼓楼区考察。"}, "?"),
        ("鼓楼区", {"text": "根据《江苏省公开办法》公开。"}, "?"),  # two of the four are in 江苏省
        ("鼓楼区", {"text": "按照《江苏省公开办法》和落实徐州市政府要求。"}, "320302 county"),
        ("鼓楼区", {"text": "徐州市鼓楼区和福州市鼓楼区交换了做法。"}, "?"),
        ("鼓楼区", {"head": "南京市\n徐州市\n福州市\n开封市\n"}, "?"),  # a menu
        ("鼓楼区", {"head": "广东省人民政府\n"}, "?"),
        ("宁乡镇", {"text": "中阳县宁乡镇认真落实条例。"}, "141129 town"),
        ("宁乡镇", {"head": "中阳县人民政府门户网站\n"}, "141129 town"),
        ("城关镇", {"text": "赴中阳县考察。"}, "?"),
        ("新开镇", {"text": "中阳县新开镇认真落实条例。"}, "141129 town"),  # not in any list: printed so
        ("城东区", {"head": "西宁市人民政府\n"}, "630102 county"),
        ("教育局", {"text": "中阳县教育局认真落实。"}, "141129 county"),
        ("教育局", {"text": "学习中阳县教育局的做法，柳林县教育局也来了。"}, None),
        ("县教育局", {"head": "中阳县人民政府\n"}, "?"),
        # the report speaks of another body than its title
        ("中阳县", {"tail": "宁乡镇人民政府\n2025年1月2日\n"}, "?"),
        ("吕梁市", {"tail": "中阳县人民政府\n2025年1月2日\n"}, "?"),
        ("吕梁市", {"text": "我县认真落实条例。"}, "?"),
        ("吕梁市", {"text": "全县各部门认真落实条例。"}, "?"),
        ("吕梁市", {"text": "我市督促各县，全县没有未办结的。"}, "141100 city"),
        ("中阳县", {"text": "我镇认真落实条例。"}, "?"),
        ("中阳县", {"text": "河南省中阳县认真落实条例。"}, "?"),
        ("中阳县", {"tail": "中阳县人民政府\n2025年1月2日\n"}, "141129 county"),
        ("中阳县", {"text": "我县认真落实市政府的要求。"}, "141129 county"),
    ],
)
def test_place_by_the_reports_own_words(body: str, more: dict[str, str], expected: str | None) -> None:
    assert shown(region(body, **more)) == expected


@pytest.mark.parametrize(
    ("body", "year", "code", "edition"),
    [
        ("公主岭市", 2019, "220381", "2019"),  # 四平市's, then 长春市's
        ("公主岭市", 2020, "220184", "2020"),
        ("崇川区", 2019, "320602", "2019"),
        ("崇川区", 2024, "320613", "2024"),
        ("钢城区", 2018, "371203", "2018"),
        ("钢城区", 2022, "370117", "2022"),
        ("太谷县", 2019, "140726", "2018"),  # a county until 2019: the report may still say so
        ("太谷区", 2019, "140703", "2019"),
        ("沙县", 2020, "350427", "2020"),
        ("沙县区", 2020, "350405", "2021"),  # the report of 2020 was written in 2021
        ("沙县区", 2023, "350405", "2023"),
        ("错那县", 2022, "540530", "2022"),
        ("错那市", 2024, "540581", "2024"),
        ("中阳县", 2017, "141129", "2018"),
        ("中阳县", 2031, "141129", "2026"),
    ],
)
def test_code_of_the_reports_year(body: str, year: int, code: str, edition: str) -> None:
    found = region(body, year)
    assert found is not None
    assert (found.place.code, found.edition, found.sure) == (code, edition, True)


@pytest.mark.parametrize(
    ("body", "year"),
    [("巢湖市", 2009), ("中阳县", 2016)],  # 巢湖市 was another then, and no edition is so old
)
def test_no_code_for_years_before_the_first_edition(body: str, year: int) -> None:
    assert shown(region(body, year)) == "?"


@pytest.mark.parametrize(("name", "codes"), [("公主岭市", ["220184", "220381"]), ("中阳县", ["141129"])])
def test_without_a_year_every_code_of_the_name_may_be_meant(name: str, codes: list[str]) -> None:
    book = gazetteer()
    assert sorted(division.code for division in book.at(book.names[name], None)) == codes


def test_a_zone_has_no_code_of_the_division_it_became_later() -> None:
    assert shown(region("两江新区", 2026)) == "500157 county"
    assert region("两江新区", 2023) is None


def test_names_of_the_place_and_the_department() -> None:
    found = region("徐州市鼓楼区教育局")
    assert found is not None
    assert found.place.to_json() == {
        "code": "320302",
        "province": "江苏省",
        "city": "徐州市",
        "county": "鼓楼区",
        "town": None,
    }
    assert found.department == "教育局"
    town = region("东莞市虎门镇人民政府")
    assert town is not None
    assert (town.place.city, town.place.county, town.place.town, town.department) == ("东莞市", None, "虎门镇", None)


def test_candidates_and_what_they_share() -> None:
    found = region("鼓楼区", text="根据《江苏省公开办法》公开。")
    assert found is not None
    assert [place.code for place in found.candidates] == ["320106", "320302"]
    assert (found.place.province, found.place.city, found.place.county) == ("江苏省", None, "鼓楼区")
    many = region("城关镇")
    assert many is not None
    assert len(many.candidates) == 5


def test_every_division_is_found_by_its_full_name_and_none_is_taken_for_another() -> None:
    book = gazetteer()
    wrong, unsure = [], 0
    for code in sorted(book.codes())[::7]:
        division = book.of_code(code)[0]
        above = [book.named(code[:2] + "0000", division.last), book.named(code[:4] + "00", division.last)]
        full = "".join(name for name in dict.fromkeys(above) if name and name != division.name) + division.name
        found = region(full + "教育局", division.last)
        if shown(found) != f"{code} {division.level}":
            wrong.append((full, found))
        alone = shown(region(division.name, division.last))
        unsure += alone == "?"
        assert alone in (f"{code} {division.level}", "?")
    assert not wrong
    assert unsure < 30


def test_no_town_is_sure_by_its_name_alone() -> None:
    rng = random.Random(3)
    names = rng.sample(sorted(towns()), 400)
    sure = [name for name in names if shown(region(name + "人民政府")) not in ("?", None)]
    assert sure == []


def test_codes_and_editions_hold_together() -> None:
    book = gazetteer()
    for code in book.codes():
        divisions = book.of_code(code)
        assert len(code) == 6
        assert code.isdigit()
        for division in divisions:
            assert 2018 <= division.first <= division.last <= 2026
            above = book.of_code(code[:2] + "0000")
            assert above, code
        spans = sorted((division.first, division.last) for division in divisions)
        assert all(one[1] < other[0] for one, other in pairwise(spans)), code
    assert all(book.of_code(code) for codes in towns().values() for code in codes)


def heading(body: str) -> tuple[dict[str, Any], str]:
    """The line's region and the heading that a person sees, of a whole report read by the pipeline."""
    (result,) = extract_all(h.report(body=body))
    first = "".join(words for words, _ in next(iter(render.report(result))))
    region = json.loads(json.dumps(result.to_json()))["region"]
    assert isinstance(region, dict)
    return region, first


def test_line_and_heading_of_a_whole_report() -> None:
    region, first = heading("中阳县人民政府")
    assert (region["code"], region["level"], region["sure"], region["edition"]) == ("141129", "county", True, "2023")
    assert region["evidence"] == [{"raw": "中阳县", "span": [0, 3]}]
    assert "山西省吕梁市中阳县 141129" in first


def test_what_is_not_sure_is_in_the_line_and_not_in_the_heading() -> None:
    region, first = heading("鼓楼区人民政府")
    assert (region["code"], region["sure"], region["county"]) == (None, False, "鼓楼区")
    assert len(region["candidates"]) == 4
    assert "鼓楼区人民政府 · 2023 年 · 2021 form · " in first
    assert "320" not in first


def test_region_of_each_fixture_is_a_real_place_or_nothing() -> None:
    """Most fixtures are of invented bodies: none of them is given a place."""
    sure = {}
    for path in sorted(FIXTURES.iterdir()):
        for result in extract_all(read_stored(path.read_bytes())):
            if result.region is not None and result.region.sure:
                sure[path.name.split("-")[0]] = result.region.place.code
    assert sure == {"cele": "653225", "laiyuan": "130630", "xiaodong": "410823", "zhongyang": "141129"}


def test_the_database_keeps_the_region(tmp_path: Path) -> None:
    results = extract_all(h.report(body="中阳县人民政府"), "a.txt")
    with Store(tmp_path / "out.db") as store:
        store.save("a.txt", b"", results)
        row = next(store.db.query("select region_code, province, city, county, town, region_sure from extractions"))
    assert tuple(row.values()) == ("141129", "山西省", "吕梁市", "中阳县", None, 1)


def test_a_page_of_nothing_but_names_costs_little() -> None:
    menu = "".join(f"{name}人民政府\n" for name in sorted(gazetteer().names))
    started = time.perf_counter()
    assert shown(region("鼓楼区", head=menu, text="市" * 200_000, tail=menu)) == "?"
    assert time.perf_counter() - started < 1.0
