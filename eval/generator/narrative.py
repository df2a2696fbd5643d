"""The words around the tables: facts that agree with them, and numbers that only look like them."""

from __future__ import annotations

from random import Random

from extractor.eval.generator.noise import Noise
from extractor.eval.generator.records import Record

_FILLER = (
    "坚持以公开为常态、不公开为例外，聚焦财政预决算、养老服务、社会救助、义务教育等重点领域，持续做好信息公开。",
    "严格落实信息发布“三审三校”机制和信息公开保密审查制度，坚持先审查、后公开。",
    "充分发挥政府网站政府信息公开第一平台作用，及时更新领导信息、人事信息等法定主动公开内容。",
    "建立健全监督机制，将政务公开纳入年度绩效考核，未发生责任追究情况，社会评议良好。",
    "认真贯彻落实《中华人民共和国政府信息公开条例》第二十条、第二十一条规定，扩大公开范围。",
    "一是统筹协调不足，部分信息公开不及时；二是政策解读形式较为单一；三是人员流动性大，业务能力有待提高。",
    "一是加强组织领导，压实工作责任；二是加强业务培训，提升队伍能力；三是丰富解读形式，回应社会关切。",
)
_UNITS = ("件", "条", "篇", "期", "次", "份")


def space(rng: Random, n: int | str) -> str:
    """A number in running text, sometimes between spaces."""
    return rng.choice((f"{n}", f"{n}", f" {n} "))


def overview(record: Record, noise: Noise) -> list[str]:
    """Section 一: what was done in the year."""
    rng, year = noise.rng, record.year
    out = [
        f"{space(rng, year)}年，{record.organization}认真贯彻条例要求，全力推进政府信息公开工作。{rng.choice(_FILLER)}"
    ]
    published = f"{space(rng, rng.randint(10, 6000))}{rng.choice(_UNITS)}"
    out.append(f"（一）主动公开。全年通过政府网站主动公开各类政府信息{published}。{rng.choice(_FILLER)}")
    out.append(
        f"（二）依申请公开。{_received(record, rng)}{decoys(record, noise) if noise.hit('decoy_numbers', 0.8) else ''}"
    )
    if rng.random() < 0.6:
        out.append(f"（三）政府信息管理。{rng.choice(_FILLER)}")
    if rng.random() < 0.6:
        out.append(
            f"（四）政府信息公开平台建设。发布稿件{space(rng, rng.randint(1, 900))}篇，视频号{rng.randint(1, 90)}个，"
            f"累计浏览量超{space(rng, rng.randint(1, 900))}万。{rng.choice(_FILLER)}"
        )
    if rng.random() < 0.5:
        out.append(f"（五）监督保障。{rng.choice(_FILLER)}")
    if noise.hit("decoy_rows", 0.6):
        out += decoy_rows(rng)
    if noise.hit("decoy_table", 0.5):
        out += decoy_table(rng)
    return out


def _received(record: Record, rng: Random) -> str:
    """A sentence on the requests of the year, true to the record."""
    n = record.count("requests.new_received.total")
    if n == 0:
        return rng.choice(
            (
                f"{record.year}年度全年未收到政府信息公开申请。",
                "本年新收到政府信息公开申请0条，答复政府信息公开申请0条。",
                "全年共收到依申请公开 0 件。",
            )
        )
    text = f"全年共收到政府信息公开申请{space(rng, n)}件"
    if rng.random() < 0.5:
        text += f"，其中自然人申请{space(rng, record.count('requests.new_received.natural_person'))}件"
    if rng.random() < 0.5:
        text += f"，上年结转{record.count('requests.carried_in.total')}件"
        text += f"，结转下年度{record.count('requests.carried_out.total')}件"
    if rng.random() < 0.4:
        text += f"；予以公开{record.count('requests.granted.total')}件"
        text += f"，部分公开{record.count('requests.granted_in_part.total')}件"
    return text + "。"


def decoys(record: Record, noise: Noise) -> str:
    """Sentences with row labels and numbers that are not this report's table cells."""
    rng = noise.rng
    a, b, c = (rng.randint(0, 90) for _ in range(3))
    options = [
        f"县政府办公室转办的申请中，予以公开{space(rng, a)}件，部分公开{space(rng, b)}件，不予公开{c}件。",
        f"其中不予公开{a}件（属于国家秘密{b}件、属于行政执法案卷{c}件），无法提供{b}件。",
        f"本年新制发行政规范性文件{a}件，废止{b}件，现行有效{c}件。",
        f"办理行政许可{space(rng, a * 31)}件、行政处罚{b * 7}件、行政强制{c}件，行政事业性收费{a}.{b:02d}万元。",
        f"因政府信息公开被申请行政复议{a}件，结果维持{b}件，结果纠正{c}件，尚未审结0件，总计{a}件。",
        f"四、政府信息公开申请情况总体平稳，第一项加第二项之和为{a + b}件。",
        f"重复申请 {a} 件，补正后申请内容仍不明确 {b} 件，总计 {a + b} 件。",
    ]
    text = "".join(rng.sample(options, rng.choice((1, 1, 2, 3))))
    if noise.hit("other_years", 0.7):
        last = record.year - 1
        text += (
            f"较{last}年相比，{last}年收到申请{space(rng, a + 3)}件，其中予以公开{b}件，部分公开{c}件，总计{a + 3}件。"
        )
    return text


def decoy_rows(rng: Random) -> list[str]:
    """Lines of running text that begin like rows of the table."""
    a, b = rng.randint(0, 60), rng.randint(0, 60)
    options = (
        [f"（一）予以公开{a}件；", f"（二）部分公开{b}件；", "（三）不予公开0件。"],
        [f"1.属于国家秘密 {a}", f"2.其他法律行政法规禁止公开 {b}"],
        [f"行政许可 {a * 17} 件", f"行政处罚 {b} 件"],
        [f"一、本年新收政府信息公开申请数量同比增长{a}%"],
        [f"规章 {a}", f"行政规范性文件 {b}"],
    )
    return list(rng.choice(options))


def decoy_table(rng: Random) -> list[str]:
    """A table that is none of the form's."""
    a, b = rng.randint(0, 90), rng.randint(0, 90)
    sep = rng.choice(("\t", " | ", "    "))
    rows = rng.choice(
        (
            (
                ("类别", "件数", "办结率"),
                ("人大建议", f"{a}", "100%"),
                ("政协提案", f"{b}", "100%"),
                ("总计", f"{a + b}", "100%"),
            ),
            (("渠道", "数量"), ("信函申请", f"{a}"), ("网络申请", f"{b}"), ("其他", "0"), ("总计", f"{a + b}")),
        )
    )
    return [sep.join(row) for row in rows]


def problems(record: Record, noise: Noise) -> list[str]:
    """Section 五."""
    out = [f"（一）存在的问题：{_FILLER[5]}", f"（二）改进措施：{record.year + 1}年，{_FILLER[6]}"]
    if noise.hit("decoy_numbers", 0.2):
        out.append(decoys(record, noise))
    return out


def other_matters(record: Record, noise: Noise) -> list[str]:
    """Section 六: the fee for processing requests, which is none of table 2."""
    rng = noise.rng
    out = [
        rng.choice(
            (
                f"{record.year}年度未收取政府信息公开信息处理费。",
                f"依据《政府信息公开信息处理费管理办法》，发出通知{rng.randint(0, 4)}件，收取{rng.randint(0, 900)}元。",
                "无其他需要报告的事项。",
            )
        )
    ]
    if noise.hit("decoy_rows", 0.3):
        out += decoy_rows(rng)
    if noise.hit("decoy_table", 0.5):
        out += decoy_table(rng)
    return out
