"""Narrative claims: sentences by name, what is left out, where spans point, and the labelled fixtures."""

from __future__ import annotations

import re
import time
from decimal import Decimal
from pathlib import Path

import pytest
from extractor.eval.claims import PRECISION, RECALL, labelled_reports, labelled_sentences, main, score
from extractor.eval.generator import FAMILIES, generate

from extractor.claims import Claim, find_claims, subjects
from extractor.claims.letters import alternatives, first_letters
from extractor.claims.tables import MOST, narrative_spans
from extractor.document.normalize import normalize
from extractor.document.sources import read_bytes
from extractor.form import cell_paths
from extractor.pipeline import read_all

FIXTURES = Path(__file__).parent.parent / "fixtures"
LABELS = FIXTURES / "claims"

SHORT = {
    "received": "requests.new_received.total",
    "processed": "requests.total_processed.total",
    "carried_in": "requests.carried_in.total",
    "carried_out": "requests.carried_out.total",
    "granted": "requests.granted.total",
    "part": "requests.granted_in_part.total",
    "denied": "requests.denied.all.total",
    "unavailable": "requests.unavailable.all.total",
    "refused": "requests.not_processed.all.total",
    "other": "requests.other.all.total",
    "issued": "disclosure.normative_documents.issued",
    "repealed": "disclosure.normative_documents.repealed",
    "in_force": "disclosure.normative_documents.in_force",
    "rules_issued": "disclosure.regulations.issued",
    "rules_repealed": "disclosure.regulations.repealed",
    "licensing": "disclosure.licensing.decisions",
    "penalties": "disclosure.penalties.decisions",
    "coercion": "disclosure.coercion.decisions",
    "fees": "disclosure.fees.amount",
    "fee": "processing_fee.amount",
    "reviews": "reconsideration.total",
    "suits": "litigation.total",
}

# (text, organization, year, claims): field=value, then @scope and /year where they are not the body's and the report's.
CASES = {
    "requests": [
        (
            "2023年度，我县共接收政府信息公开申请36件，其中当面申请5件、网络申请20件、信函申请11件。",
            "云川县人民政府",
            2023,
            "received=36",
        ),
        (
            "年度内新收政府信息公开申请十七件，上年度结转办理一件，共办结十八件。",
            "云川县人民政府",
            2023,
            "received=17 carried_in=1 processed=18",
        ),
        ("2023年共收到申请88件，其中土地类40件、规划类30件、其他18件。", "云川县人民政府", 2023, "received=88"),
        ("妥善处理政府信息公开申请20件。", "云川县人民政府", 2023, "processed=20"),
        ("公众通过各种渠道向我局提出政府信息公开申请共计38件。", "临泽市水务局", 2022, "received=38"),
        ("比去年的52件下降9.6%，今年共收到申请47件。", "临泽市水务局", 2022, "received=47"),
        (
            "（一）予以公开12件。（二）部分公开3件。（三）不予公开：属于国家秘密0件，保护第三方合法权益2件。",
            "临泽市水务局",
            2022,
            "granted=12 part=3 denied.state_secret=0 denied.third_party_rights=2",
        ),
        (
            "不予公开6件，其中：危及“三安全一稳定”1件，属于内部事务信息3件，属于过程性信息2件。",
            "南浦区",
            2024,
            "denied=6 denied.security_and_stability=1 denied.internal_affairs=3 denied.process_information=2",
        ),
        ("84件办结的申请中，30件予以公开。", "望川市", 2021, "processed=84 granted=30"),
    ],
    "zero": [
        (
            "2023年，本单位未收到依申请公开件，无行政复议和行政诉讼案件。",
            "云川县统计局",
            2023,
            "received=0 reviews=0 suits=0",
        ),
        ("我镇2023年度未向申请人收取任何信息处理费用。", "青口镇人民政府", 2023, "fee=0"),
        ("2023年度未收取信息处理费，收费金额为0元。", "云川县人民政府", 2023, "fee=0 fee=0"),
        ("行政复议0件，行政诉讼0件，信息处理费0元。", "云川县人民政府", 2023, "reviews=0 suits=0 fee=0"),
        ("没有因公开政府信息被申请行政复议或者提起行政诉讼。", "临泽市水务局", 2022, "reviews=0 suits=0"),
        ("2022年我局依申请公开信息处理费0元。", "临泽市水务局", 2022, "fee=0"),
        (
            "没有接到政府信息公开申请，亦无举报投诉、复议、诉讼情况发生。",
            "南浦区",
            2024,
            "received=0 reviews=0 suits=0",
        ),
        ("我局不涉及行政许可、行政处罚和行政强制，无行政事业性收费。", "南浦区教育局", 2024, "fees=0"),
        ("未收到投诉举报，未发生行政复议，无行政诉讼，无收费。", "望川市", 2021, "reviews=0 suits=0"),
    ],
    "disputes": [
        (
            "本年度未发生因政府信息公开申请引发的行政复议案件；行政诉讼案件2件。",
            "云川县人民政府",
            2023,
            "reviews=0 suits=2",
        ),
        ("2023年，政府信息公开类行政复议12件，行政诉讼7件。", "云川县人民政府", 2023, "reviews=12 suits=7"),
        (
            "因依申请公开引起的行政复议共2件，其中结果维持1件，其他结果1件。",
            "云川县人民政府",
            2023,
            "reviews=2 reconsideration.upheld=1 reconsideration.other=1",
        ),
        ("全年共收到申请1件，已按规定答复，无行政复议、诉讼。", "云川县人民政府", 2023, "received=1 reviews=0 suits=0"),
        ("行政复议、行政诉讼各1件。", "临泽市水务局", 2022, "reviews=1 suits=1"),
        (
            "行政诉讼方面，未经复议直接起诉4件，结果维持3件，尚未审结1件；复议后起诉2件，结果维持2件。",
            "临泽市水务局",
            2022,
            (
                "litigation_direct.total=4 litigation_direct.upheld=3 litigation_direct.pending=1 "
                "litigation_after_reconsideration.total=2 litigation_after_reconsideration.upheld=2"
            ),
        ),
        (
            "行政复议方面：申请行政复议5件，维持具体行政行为5件，被依法纠错0件，其他情形0件。",
            "南浦区",
            2024,
            "reviews=5 reconsideration.upheld=5",
        ),
        ("行政诉讼3件，其中1件维持，2件尚未审结。", "南浦区", 2024, "suits=3 litigation.upheld=1 litigation.pending=2"),
        (
            "四、政府信息公开行政复议、行政诉讼情况\n行政复议2件，均为结果维持。无行政诉讼。",
            "望川市",
            2021,
            "reviews=2 suits=0",
        ),
    ],
    "documents": [
        (
            "全年共出台行政规范性文件8件，废止2件，截至2023年底，现行有效36件。",
            "云川县人民政府",
            2023,
            "issued=8 repealed=2 in_force=36",
        ),
        ("制定规章1件，规范性文件6件。", "云川市人民政府", 2023, "rules_issued=1 issued=6"),
        ("以县政府名义印发行政规范性文件4件，均按要求同步公开。", "云川县人民政府", 2023, "issued=4"),
        (
            (
                "本年制发件数：规章0件，行政规范性文件2件；本年废止件数：行政规范性文件1件；现行有效件数：行政规范性"
                "文件11件。"
            ),
            "临泽市水务局",
            2022,
            "rules_issued=0 issued=2 repealed=1 in_force=11",
        ),
        ("我局起草、以市政府名义出台的规范性文件有2件。", "临泽市水务局", 2022, "issued=2"),
        ("清理规范性文件15件，其中继续有效11件、废止3件、修订1件。", "临泽市水务局", 2022, "in_force=11 repealed=3"),
        ("新出台行政规范性文件6件，修改1件，宣布失效2件。", "南浦区", 2024, "issued=6"),
        (
            "历史规范性文件清理工作完成，共废止行政规范性文件12件、宣布失效5件、保留41件。",
            "南浦区",
            2024,
            "repealed=12",
        ),
        (
            "2021年市政府制定规章3件，修改2件，废止1件；市政府及其办公室制发行政规范性文件21件。",
            "望川市",
            2021,
            "rules_issued=3 rules_repealed=1 issued=21",
        ),
    ],
    "decisions": [
        ("本年度无行政许可、行政强制事项，行政处罚12件。", "云川县统计局", 2023, "licensing=0 coercion=0 penalties=12"),
        ("全年共办理行政许可事项2.3万件，行政处罚1200余件。", "云川县公安局", 2023, "licensing=23000 penalties=1200"),
        ("行政事业性收费总金额5.6万元，同比下降3%。", "云川县人民政府", 2023, "fees=5.6"),
        ("全年共收取信息处理费3笔，合计420元。", "云川县人民政府", 2023, "fee=420"),
        (
            "行政许可105项、行政处罚12项、行政强制0项全部在门户网站公示。",
            "临泽市水务局",
            2022,
            "licensing=105 penalties=12 coercion=0",
        ),
        (
            "全年实施行政处罚12件、行政强制1件，并在7个工作日内上网公示。",
            "临泽市水务局",
            2022,
            "penalties=12 coercion=1",
        ),
        (
            "2024年，共作出行政许可2,031件（其中新办1,200件、变更831件），行政处罚20件，行政强制2件。",
            "南浦区",
            2024,
            "licensing=2031 penalties=20 coercion=2",
        ),
        ("全年行政执法检查320次，行政处罚20起，行政强制2起。", "南浦区", 2024, "penalties=20 coercion=2"),
        ("信息处理费：2024年我单位发出收费通知1件，收取信息处理费300元。", "南浦区", 2024, "fee=300"),
    ],
    "scopes": [
        ("2023年，全县依申请公开受理总量为120件。", "云川县人民政府", 2023, "received=120@region"),
        (
            "县公安局收到申请20件，县自然资源局收到申请33件。",
            "云川县人民政府",
            2023,
            "received=20@other received=33@other",
        ),
        (
            "2023年，县政府办收到依申请公开14件，全县收到90件。",
            "云川县人民政府办公室",
            2023,
            "received=14 received=90@region",
        ),
        ("各县（市、区）水务局共收到申请73件，全部办结。", "临泽市水务局", 2022, "received=73@subordinates"),
        (
            (
                "2024年，南浦区政府办公室统筹推进依申请公开工作，全区共登记政府信息公开申请286件，其中区政府本级112件"
                "，街道和部门174件。"
            ),
            "南浦区",
            2024,
            "received=286@region received=112 received=174@subordinates",
        ),
        ("全区共收取信息处理费1.2万元，其中区本级收取2,300元。", "南浦区", 2024, "fee=1.2@region fee=2300"),
        ("区政府办公室收到申请40件，其中转交相关部门办理12件，自行答复28件。", "南浦区", 2024, "received=40@office"),
        (
            "全市政府信息公开类行政复议案件6件、行政诉讼案件4件，较上年分别下降14%、20%。",
            "望川市",
            2021,
            "reviews=6@region suits=4@region",
        ),
        (
            "全市作出行政许可决定23.5万件，作出行政处罚决定1.8万件，采取行政强制措施1,234次。",
            "望川市",
            2021,
            "licensing=235000@region penalties=18000@region coercion=1234@region",
        ),
    ],
    "times": [
        (
            "今年收到各类政府信息公开申请17件，比去年的12件增加5件。",
            "云川县人民政府",
            2023,
            "received=17 received=12/2022",
        ),
        ("申请量由上年的20件增至31件。", "云川县人民政府", 2023, "received=20/2022 received=31"),
        ("2019年至2023年，累计收到政府信息公开申请512件。", "云川县人民政府", 2023, "received=512/None"),
        (
            "2023年新收申请42件（2022年：30件），办结40件。",
            "云川县人民政府",
            2023,
            "received=42 received=30/2022 processed=40",
        ),
        (
            "2021年度我局收到申请52件，本年度为47件，同比下降9.6%。",
            "临泽市水务局",
            2022,
            "received=52/2021 received=47",
        ),
        ("“十三五”以来，累计受理政府信息公开申请230件。", "临泽市水务局", 2022, "received=230/None"),
        ("明年，拟制定行政规范性文件3件，废止1件。", "临泽市水务局", 2022, "issued=3/2023 repealed=1/2023"),
        ("上年度共收到申请48件，其中予以公开20件。", "南浦区", 2024, "received=48/2023 granted=20/2023"),
        ("2025年，我区计划出台行政规范性文件8件。", "南浦区", 2024, "issued=8/2025"),
    ],
    "own names": [
        ("学校全年收到信息公开申请9件，学校办公室答复9件。", "江岭理工学院", 2024, "received=9 processed=9"),
        ("集团受理信息公开申请3件，公司未收取信息处理费。", "江岭水务集团有限公司", 2024, "received=3 fee=0"),
        (
            "管委会收到政府信息公开申请22件，上年结转1件。",
            "江岭经济技术开发区管理委员会",
            2024,
            "received=22 carried_in=1",
        ),
        ("市国资委受理依申请公开事项11件。", "江岭市国有资产监督管理委员会", 2024, "received=11"),
        ("综合执法大队作出行政处罚36件。", "仙桥县农业农村局", 2024, ""),
        (
            "全省交通运输系统收到政府信息公开申请120件，其中厅机关收到86件。",
            "江岭省交通运输厅",
            2024,
            "received=120@region received=86",
        ),
        ("市政府及各部门印发行政规范性文件37件。", "东岭市人民政府", 2024, "issued=37@region"),
        ("州政府办公室收到政府信息公开申请67件。", "禾岭县", 2024, "received=67@other"),
    ],
    "going on": [
        (
            "全年收到政府信息公开申请12件，上年同期为9件，增长33%。其中予以公开8件。",
            "临泽市水务局",
            2024,
            "received=12 received=9/2023 granted=8",
        ),
        (
            "全年被提起行政诉讼7件，上年为12件；其中复议后起诉2件。",
            "西岭市",
            2023,
            "suits=7 suits=12/2022 litigation_after_reconsideration.total=2",
        ),
        (
            "办结政府信息公开申请8件，结转3件至2025年。其中予以公开5件。",
            "西岭市",
            2024,
            "processed=8 carried_out=3 granted=5",
        ),
        (
            "全市收到政府信息公开申请20件，各县区收到15件。办结18件。",
            "西岭市",
            2024,
            "received=20@region received=15@subordinates",
        ),
        (
            "收到政府信息公开申请15件：公开9件，部分公开2件，无法提供4件。",
            "西岭市水务局",
            2024,
            "received=15 granted=9 part=2 unavailable=4",
        ),
        ("依申请公开：收到网上申请1件、信函申请2件，共计3件。", "西岭市水务局", 2024, "received=3"),
        ("政府信息公开申请量大幅下降，由2021年的31件降至12件。", "西岭市水务局", 2022, "received=31/2021 received=12"),
    ],
    "none": [
        ("受理不动产登记申请8,214件、临时救助申请86件，办结8,300件。", "云川县民政局", 2023, ""),
        ("公开市政府规章9件（含新制定3件，修改4件，废止2件）。", "云川市", 2023, ""),
        ("审结政府信息公开行政复议案件84件。", "云川市司法局", 2023, ""),
        ("全年共收到网上申请6件、信函申请4件。", "云川县人民政府", 2023, ""),
        ("梳理公布行政许可事项目录，涉及行政许可事项215项。", "云川县人民政府", 2023, ""),
        ("受理信访事项35件，办结35件。", "云川县人民政府", 2023, ""),
        ("依法公开行政处罚12件。", "临泽市水务局", 2022, ""),
        ("每受理一件申请，均登记一份台账，建立一套档案。", "临泽市水务局", 2022, ""),
        ("约谈超期办理申请的单位3家。", "临泽市水务局", 2022, ""),
        ("收到补正申请材料3件，退回补正2件。", "南浦区", 2024, ""),
        (
            "2021年全市各级行政机关收到的政府信息公开申请中，涉及自然资源类的120件，涉及公安类的50件。",
            "望川市",
            2021,
            "",
        ),
        ("信息处理费按件收取，超出10件以上部分每件100元。", "望川市", 2021, ""),
    ],
}


def claims_of(text: str, organization: str | None = "云川县人民政府", year: int | None = 2023) -> list[Claim]:
    """The claims of a text that is all narrative; every span gives its raw text."""
    found = find_claims(text, normalize(text), 0, len(text), [], organization, year)
    assert all(text[slice(*claim.span)] == claim.raw for claim in found)
    return found


def told(claims: list[Claim], year: int | None) -> list[str]:
    """Claims in the words of CASES."""
    names = {field: name for name, field in SHORT.items()}
    out = []
    for claim in claims:
        row = claim.field.removeprefix("requests.").removesuffix(".total")
        plain = row if claim.field.count(".") == 3 else claim.field
        name = names.get(claim.field, plain).replace("requests.new_received.", "from:")
        scope = "" if claim.scope == "body" else f"@{claim.scope}"
        out.append(f"{name}={claim.value}{scope}{'' if claim.year == year else f'/{claim.year}'}")
    return out


@pytest.mark.parametrize(
    ("text", "organization", "year", "expected"),
    [
        pytest.param(*case, id=f"{group}-{number}")
        for group, cases in CASES.items()
        for number, case in enumerate(cases)
    ],
)
def test_sentences(text: str, organization: str, year: int, expected: str) -> None:
    assert sorted(told(claims_of(text, organization, year), year)) == sorted(expected.split())


# name: (text, raw, value, unit, about) of the one claim
NUMBERS = {
    "commas": ("共收到政府信息公开申请1,204件。", "1,204", 1204, "件", None),
    "full width": ("收到政府信息公开申请４７件。", "４７", 47, "件", None),
    "Chinese": ("收到政府信息公开申请一百零三件。", "一百零三", 103, "件", None),
    "two": ("收到政府信息公开申请两件。", "两", 2, "件", None),
    "ten thousands": ("全年办理行政许可26.4万件。", "26.4万", 264000, "件", None),
    "more than a round number": ("收到政府信息公开申请20余件。", "20", 20, "件", "about"),
    "more than ten thousands": ("全年作出行政处罚1.2万余件。", "1.2万", 12000, "件", "about"),
    "about": ("收到政府信息公开申请近300件。", "300", 300, "件", "about"),
    "about behind": ("收到政府信息公开申请10件左右。", "10", 10, "件", "about"),
    "at least": ("收到政府信息公开申请超过90件。", "90", 90, "件", "at_least"),
    "at least behind": ("收到政府信息公开申请90件以上。", "90", 90, "件", "at_least"),
    "at most": ("收到政府信息公开申请不足10件。", "10", 10, "件", "at_most"),
    "money": ("本年度行政事业性收费3.050万元。", "3.050", Decimal("3.050"), "万元", None),
    "money with commas": ("实际收取信息处理费1,260元。", "1,260", Decimal(1260), "元", None),
    "no unit": ("本年新收政府信息公开申请数量：7；已全部答复。", "7", 7, None, None),
    "spaces": ("收到政府信息公开申请 12 件。", "12", 12, "件", None),
    "wrapped": ("2023年，云川县新收政府信息公开申请1\n2件，均已答复。", "1\n2", 12, "件", None),
    "page number between": ("2023年，全年被申请行政复议\n— 3 —\n7件。", "7", 7, "件", None),
    "zero with its verb": ("本年度未收取信息处理费。", "未收取", Decimal(0), None, None),
    "zero, none": ("本年度没有收取信息处理费。", "没有", Decimal(0), None, None),
    "zero, not a cent": ("依《政府信息公开信息处理费管理办法》，一分未收。", "一分未收", Decimal(0), None, None),
}  # fmt: skip


@pytest.mark.parametrize(("text", "raw", "value", "unit", "about"), NUMBERS.values(), ids=NUMBERS)
def test_numbers(text: str, raw: str, value: object, unit: str | None, about: str | None) -> None:
    [claim] = claims_of(text)
    assert (claim.raw, claim.value, claim.unit, claim.about) == (raw, value, unit, about)


def test_json() -> None:
    fee, received = sorted(claims_of("行政事业性收费3.050万元；收到政府信息公开申请20余件。"), key=lambda c: c.field)
    assert fee.to_json() == {
        "field": "disclosure.fees.amount", "value": "3.050", "raw": "3.050", "span": [7, 12], "scope": "body",
        "year": 2023, "unit": "万元", "about": None, "method": "rule",
    }  # fmt: skip
    assert received.to_json()["value"] == 20


def test_without_body_and_year() -> None:
    [claim] = claims_of("全县收到政府信息公开申请20件。", None, None)
    assert (claim.value, claim.year) == (20, None)


TABLE = "行政许可\t14件\n行政处罚\t2件（其中简易1件）\n"


def test_rows_of_a_table_are_left_out_and_words_around_it_are_not() -> None:
    before, after = "全年收到政府信息公开申请5件。\n", "五、存在的问题\n复议纠正1件。\n"
    text = before + TABLE + after
    spans = [(len(before), len(before + TABLE))]
    found = find_claims(text, normalize(text), 0, len(text), spans, "云川县", 2023)
    assert [claim.field for claim in found] == ["requests.new_received.total", "reconsideration.corrected"]


def test_a_region_that_swallows_words_gives_them_back() -> None:
    text = "表\n" + TABLE + "存在的不足：被复议机关纠正2件。\n云川县\n"
    found = find_claims(text, normalize(text), 0, len(text), [(2, len(text))], "云川县", 2023)
    assert [(claim.field, claim.value) for claim in found] == [("reconsideration.corrected", 2)]


def test_a_region_in_the_middle_of_a_sentence() -> None:
    text = "2024年，本乡没有制发规章和行政规范性文件；作出行政许可14件，行政处罚2件。\n"
    found = find_claims(text, normalize(text), 0, len(text), [(12, len(text))], "柳沟乡", 2024)
    assert told(found, 2024) == ["issued=0", "rules_issued=0", "licensing=14", "penalties=2"]


# Other tables, lists of cells, menus: none of them speaks.
DECOYS = {
    "tabs": "类别\t件数\n收到政府信息公开申请\t45件\n办结\t40件",
    "pipes": "| 类别 | 件数 |\n| 行政复议 | 45件 |\n| 行政诉讼 | 3件 |",
    "wide gaps": "渠道    数量\n政府信息公开申请    12件\n总计    12件",
    "a cell a line": "行政许可\n14件\n行政处罚\n2件",
    "rows": "行政许可 44 件\n行政处罚 5 件\n规章 3\n行政规范性文件 8",
    "contents": "一、总体情况 1\n三、收到和处理政府信息公开申请情况 4\n四、政府信息公开行政复议、行政诉讼情况 6",
    "seven numbers": "2022年 予以公开 33 5 0 0 2 0 40，部分公开 6 1 0 0 0 0 7。",
}


@pytest.mark.parametrize("text", DECOYS.values(), ids=DECOYS)
def test_decoys(text: str) -> None:
    assert claims_of(text) == []


def test_a_list_that_is_announced_speaks() -> None:
    text = "对不予公开的7件逐件复核：\n4.保护第三方合法权益 3 件\n7.属于行政执法案卷 4 件\n"
    assert told(claims_of(text), 2023) == ["denied=7", "denied.third_party_rights=3", "denied.enforcement_file=4"]


@pytest.mark.parametrize("number", range(48))
def test_cells_of_tables_are_no_claims(number: int) -> None:
    from extractor.pipeline import extract_all

    family = [name for name in FAMILIES if name != "narrative_only"][number % (len(FAMILIES) - 1)]
    sample = generate(9_000 + number, family)
    text = sample.text if sample.name.endswith(".txt") else read_bytes(sample.data)
    for reading, result in zip(read_all(text), extract_all(text), strict=True):
        layout = reading.layout
        regions = [region for region in (layout.disclosure, layout.requests, layout.disputes) if region]
        spans = [(region.start, region.end) for region in regions]
        found = find_claims(text, reading.norm, layout.start, layout.end, spans, None, reading.identity.year)
        cells = [cell.span for cell in result.cells if cell.span and re.search(r"\d", text[slice(*cell.span)])]
        assert not [claim for claim in found if any(a < claim.span[1] and claim.span[0] < b for a, b in cells)]


# Labels: (precision, recall) that the claims found must reach.
LABELLED = {"reports": (PRECISION, RECALL), "sentences": (PRECISION, RECALL), "more_sentences": (0.98, 0.95)}


@pytest.mark.parametrize("what", LABELLED)
def test_labels(what: str) -> None:
    if not LABELS.exists():
        pytest.skip("no labels")
    cases = (
        labelled_reports(LABELS, FIXTURES / "reports")
        if what == "reports"
        else labelled_sentences(LABELS / f"{what}.toml")
    )
    result = score(cases)
    precision, recall = LABELLED[what]
    assert result.precision >= precision, result.inventions
    assert result.recall >= recall, result.misses


def test_scorer_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quiet"]) == 0
    assert "precision" in capsys.readouterr().out


def test_subjects_agree_with_the_form() -> None:
    known = subjects().fields
    paths = {path for table in cell_paths("2021").values() for path in table}
    groups = {f"requests.{group}.all.total" for group in ("denied", "unavailable", "not_processed", "other")}
    assert known["litigation.upheld"].cells == ("litigation_direct.upheld", "litigation_after_reconsideration.upheld")
    assert known["processing_fee.amount"].cells == ()
    assert len(known["requests.denied.all.total"].cells) == 8
    for subject in known.values():
        assert {path for cells in (subject.cells, *subject.also) for path in cells} <= paths
        assert subject.group is None or subject.group in groups
    assert {row for row in paths if row.startswith("requests.") and row.endswith(".total")} <= set(known)


@pytest.mark.parametrize(
    ("pattern", "letters"),
    [
        ("甲?乙", "甲乙"),
        ("(?:甲|乙丙)丁", "甲乙"),
        (r"(?<!甲)[乙-丙]+", None),
        (r"\d{1,3}件", "0123456789"),
        ("甲{0,2}", None),
    ],
)
def test_first_letters(pattern: str, letters: str | None) -> None:
    found = first_letters(pattern)
    assert found is None if letters is None and "-" not in pattern else found is not None
    if letters is not None:
        assert found == frozenset(letters)
    assert "|".join(alternatives(pattern)) == pattern


M = 1_000_000
HOSTILE = {
    "no ends": "收到申请5件" * (M // 6),
    "commas": "收到申请5件，" * (M // 7),
    "digits": "收到申请" + "1" * M + "件",
    "Chinese digits": "收到申请" + "一" * M + "件",
    "thousands": "收到申请1" + ",000" * (M // 4) + "件",
    "line ends": "收\n到\n" * (M // 4),
    "denials": "未收到" * (M // 3),
    "lists": "行政处罚、" * (M // 5) + "5件",
    "brackets": "（" * M + "申请5件",
    "passives": "被" * M + "复议3件",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_takes_no_longer_than_its_length(text: str) -> None:
    norm = normalize(text)
    start = time.perf_counter()
    find_claims(text, norm, 0, len(text), [(0, 10), (50, 60)], "云川县", 2023)
    assert time.perf_counter() - start < 10


def test_only_so_much_narrative_is_read() -> None:
    spans = narrative_spans("甲" * 3 * MOST, 0, 3 * MOST, [(5, 9)])
    assert spans[0] == (0, 5)
    assert sum(end - start for start, end in spans) == MOST
