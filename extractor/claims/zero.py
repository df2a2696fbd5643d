"""Zero claims without digits: 未收到申请, 没有发生行政复议、行政诉讼, 上年无结转, 复议和诉讼没有发生."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from extractor.claims.frame import DECISIONS, DISPUTES, DOCUMENTS, FEES, MENTIONS, Frame
from extractor.claims.subjects import subjects
from extractor.claims.tokens import Token

_RECEIVED = re.compile(r"收到|接到|受理|接收|登记|新收")
_TOOK = re.compile(r"收取|收过|征收|收$|产生|未收")
_FEE = re.compile(r"(?<!其他)(?<!其它)(?:这项|该项|此项|任何|相关|有关|上述)?(?:的)?(?:收费|费用)|这[笔项]费")
_FEE_BEFORE = re.compile(r"处理费|依申请|信息公开")
_FEE_HERE = re.compile(r"(?:信息公开|就公开|公开申请|申请人)[^,。;]{0,6}收[取费]|收取[^,。;]{0,8}(?:信息公开|申请公开)")
# What may stand between 未 and the first word of its list (公民、法人提出的), and behind the last one (…的情况).
_BETWEEN = re.compile(
    r"[公民法人自然企业其他它组织社会众群任何单位个申请方面来通过各类渠道形式涉及用户客市民村居学生家长患者职工律师代理人本我镇乡县局街有相关于对就向机行政、和或者提出交起引发"
    r"的因而被新增书以效一件项次宗例份到收取征开府信息工作,]*"
)
_BEHIND = re.compile(
    r"[等的情况形案件事问题现象收入发生产类项相关方面行为工作继续办理提出申请之被及或和与新目记录费用任务]*"
)
_BEHIND_ALONE = re.compile(
    r"(?:发生|产生|收取|收到|出现|收|涉及|的?情况|制发|办理|实施|作出|过|费用|新增|发布|制定){0,4}"
)
_AND = frozenset({"和", "与", "及", "以及", "或", "或者"})
_OF_APPLICATIONS = ("receive", "carry_in", "carry_out")


def zero_claims(frame: Frame) -> Iterator[tuple[int, int, tuple[str, ...], int]]:
    """(start, end, fields, token) for every word of the sentence that says zero of some fields."""
    for index, token in enumerate(frame.tokens):
        if token.kind == "neg":
            if frame.text.startswith("零收费", token.start) and "处理费" not in frame.text[: token.start]:
                continue
            end, found = _after(frame, index)
            if not found:
                end, found = token.end, _before(frame, index)
            if found:
                yield *_words(frame.text, token.start, end), tuple(dict.fromkeys(found)), index


def _words(text: str, start: int, end: int) -> tuple[int, int]:
    """The words that say zero: 未 with its verb (未收到), 均未, 没有 or 无 alone."""
    word = text[start:end]
    if word[0] in "均都皆" and word[1:2] == "未":
        return start, start + 2
    begin = start + (word[0] in "均都皆")
    for said in ("没有", "暂无", "尚无", "没", "无", "零"):
        if text.startswith(said, begin):
            return begin, begin + len(said)
    return begin, end


def _after(frame: Frame, index: int) -> tuple[int, list[str]]:
    """The end of the words that say zero, and the fields of the list behind them, item by item, up to a comma."""
    tokens, neg = frame.tokens, frame.tokens[index]
    items: list[list[Token]] = [[]]
    for token in tokens[index + 1 :]:
        if token.kind == "num":
            return neg.end, []
        if token.kind == "neg" or (token.kind == "p" and token.key != "、"):
            break
        joined = token.kind == "fill" and token.key in _AND and items[-1] and items[-1][-1].kind in MENTIONS
        if token.kind == "p" or joined:
            items.append([])
        else:
            items[-1].append(token)
    end = neg.end
    first = items[0][0] if items[0] else None
    if first is not None and first.kind == "act" and neg.key.endswith("未") and first.start == end:
        end = first.end
    out: list[str] = []
    acts: list[str] = []
    last = [t for t in items[-1] if t.kind in MENTIONS]
    if last and not _BEHIND.fullmatch(frame.text, last[-1].end, items[-1][-1].end):
        return end, []  # 没有制发规章和规范性文件的权限
    for item in items:
        fields, said = _item(frame, item, neg.key, acts, index)
        acts = said or acts
        out += fields
    return end, out


def _item(frame: Frame, item: list[Token], word: str, before: list[str], index: int) -> tuple[list[str], list[str]]:
    """The fields of one item of the list, and the acts it names; `before` are the acts of the items before it."""
    mentions = [t for t in item if t.kind in MENTIONS and t.kind != "who"]
    if not mentions:
        return _fee_unnamed(frame, item, word, index), []
    said = [t.key for t in item if t.kind == "act"]
    if not _plain(frame, item, mentions):
        return [], said
    names = list(dict.fromkeys(t.key for t in item if t.kind == "topic"))
    if "process" in said and "receive" not in said:
        # 未办结的申请 is some that are not yet done.
        said = [act for act in said if act != "process"]
        if set(names) <= {"applications"}:
            return [], said
    if not names:
        return (_fee_unnamed(frame, item, word, index) if said == ["amount"] else _of_acts(frame, said, index)), said
    out: list[str] = []
    for name in names:
        out += _of_topic(name, said, before, word)
    if _TOOK.search(word) and not _RECEIVED.search(word) and not set(names) & FEES:
        out = [name for name in out if not name.startswith("requests.new_received")]
    return out, said


def _plain(frame: Frame, item: list[Token], mentions: list[Token]) -> bool:
    """Whether an item holds nothing but its subject: 没有超期答复的申请 denies only some."""
    text = frame.text
    if any(t.kind in ("row", "part", "publish", "plan", "change") for t in item):
        return False
    cause = [t for t in item if t.kind == "cause"]
    begin = cause[-1].end if cause else item[0].start
    gaps = [text[begin : mentions[0].start], *(text[a.end : b.start] for a, b in pairwise(mentions))]
    return all(_BETWEEN.fullmatch(gap) for gap in gaps) and bool(
        _BEHIND.fullmatch(text, mentions[-1].end, item[-1].end)
    )


def _of_acts(frame: Frame, said: list[str], index: int) -> list[str]:
    """无结转下年, 未废止: acts whose topic is known without words."""
    known = subjects()
    out: list[str | None] = []
    for key in said:
        act = known.acts[key]
        if act.alone and key != "receive":
            out.append(known.field(act.topics[0], key))
        elif act.topics[0] in DOCUMENTS:
            topic = next((t for t in (frame.topics[index], frame.carried.topic) if t in DOCUMENTS), None)
            out.append(known.field(topic, key) if topic else None)
    return [name for name in out if name]


def _of_topic(name: str, said: list[str], before: list[str], word: str) -> list[str]:
    known = subjects()
    if name == "applications" and not said and word.endswith("未"):
        return []
    acts = [key for key in (said or before) if name in known.acts[key].topics]
    if name == "applications":
        acts = [key for key in acts if key in _OF_APPLICATIONS] or acts
    if not acts:
        default = known.topics[name].act
        if default is None or (said and name not in DISPUTES | DECISIONS | FEES):
            return []
        acts = [default]
    return [field for field in (known.field(name, key) for key in acts) if field]


def _fee_unnamed(frame: Frame, item: list[Token], word: str, index: int) -> list[str]:
    """没有收过这项费用, 未收取任何费用: the fee for processing, where it can be no other."""
    text = frame.text[item[0].start : item[-1].end] if item else ""
    if not (_TOOK.search(word) or "收" in text) or not _FEE.search(text):
        return []
    return ["processing_fee.amount"] if _fee_spoken_of(frame, index) else []


def _fee_spoken_of(frame: Frame, index: int) -> bool:
    start = frame.tokens[index].start
    return (
        frame.carried.topic == "processing_fee"
        or _FEE_BEFORE.search(frame.text, 0, start) is not None
        or _FEE_HERE.search(frame.text, start, start + 24) is not None
    )


def _before(frame: Frame, index: int) -> list[str]:
    """The fields of the list before 均未发生, where nothing but such words follows."""
    tokens, word = frame.tokens, frame.tokens[index].key
    rest = tokens[index + 1 : frame.clause_end(index)]
    if "分未" in word or "文未" in word:
        return ["processing_fee.amount"] if _fee_spoken_of(frame, index) else []
    if any(t.kind == "act" and t.key == "carry_in" for t in rest):
        return ["requests.carried_in.total"]
    tail = frame.text[rest[0].start : rest[-1].end] if rest else ""
    if not _BEHIND_ALONE.fullmatch(tail):
        return _fee_unnamed(frame, rest, word, index)
    mentions = _list_before(frame, index)
    known = subjects()
    said = [t.key for t in (*mentions, *rest) if t.kind == "act"]
    out: list[str | None] = []
    for name in dict.fromkeys(t.key for t in mentions if t.kind == "topic"):
        acts = [key for key in said if name in known.acts[key].topics]
        default = known.topics[name].act
        if not acts and default is not None and (name != "applications" or _RECEIVED.search(word + tail)):
            acts = [default]
        out += [known.field(name, key) for key in acts]
    if not out:
        alone = [key for key in said if known.acts[key].alone and key != "receive"]
        out = [known.field(known.acts[key].topics[0], key) for key in alone]
    return [name for name in out if name]


def _list_before(frame: Frame, index: int) -> list[Token]:
    """The subject words of the list that ends at a token; none where something else is denied."""
    mentions: list[Token] = []
    for at in range(index - 1, -1, -1):
        token = frame.tokens[at]
        if token.kind in MENTIONS:
            mentions.insert(0, token)
        elif token.kind == "p":
            if not (token.key == "、" and mentions) and not (token.key == ":" and at == index - 1):
                break
        elif token.kind in ("res", "part", "change", "title", "neg"):
            return mentions if mentions and all(t.sure for t in mentions if t.kind == "topic") else []
        elif token.kind in ("num", "foreign", "publish", "channel", "plan"):
            return []
    return mentions
