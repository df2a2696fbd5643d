"""What one sentence is read in: its tokens with whose number and of which year at every place, and what is carried."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from extractor.claims.claim import Scope
from extractor.claims.scope import Body, named, scope_of
from extractor.claims.times import is_against, years_of
from extractor.claims.tokens import Token

MENTIONS = frozenset({"topic", "act", "row", "who"})
DISPUTES = frozenset({"reconsideration", "litigation", "litigation_direct", "litigation_after_reconsideration"})
DOCUMENTS = frozenset({"normative_documents", "regulations"})
DECISIONS = frozenset({"licensing", "penalties", "coercion"})
FEES = frozenset({"fees", "processing_fee"})
_JOINTLY = frozenset({"和", "及", "以及", "与", "、"})
_WHICH = re.compile(r"(?:制定|印发|出台|发布|制发|现行有效)?的")
# No clause of prose has more tokens than this before a number.
_FAR = 60
_OPENERS = frozenset({"其中", "另有", "另外", "此外", "同时", "同期"})
_DISCLOSURE = re.compile(
    r"信息公开|依申请|公开政府信息|不服(?:我局|本机关|本局)?答复|答复[^,。;]{0,4}不服|(?:复议|诉讼)(?:方面|情况):"
)
_KNOWN = MENTIONS | {"time", "scope", "p", "num", "cause", "neg", "channel"}
_OUTCOMES = frozenset({"granted_in_part", "denied.all", "unavailable.all"})
_DID = re.compile(r"共?(?:新收|收到|受理|接收|登记|办结|答复)")
_STOPS = frozenset(",;:()。!?")


@dataclass(slots=True)
class Carried:
    """What a paragraph carries from sentence to sentence: the topic of its heading, the last topic, the scope."""

    heading: str | None = None
    topic: str | None = None
    scope: Scope | None = "body"
    year: int | None = None
    parent: tuple[str, ...] = ()
    main: str | None = None  # the first field of the sentence before
    general: frozenset[str] = frozenset()  # disputes that the sentence before spoke of in general
    whole: Scope | None = None  # of those scopes the one that holds the others
    silent: bool = False  # whether the sentence before claimed nothing
    mixed: bool = False  # whether the sentence before gave numbers of several scopes


@dataclass(slots=True)
class Place:
    """Whose number stands at a token, and of which year (`when`: one, several, part, next)."""

    scope: Scope | None
    year: int | None
    when: str


@dataclass(slots=True)
class Frame:
    """A sentence being read."""

    text: str
    tokens: list[Token]
    report: int | None
    own: Body
    carried: Carried
    places: dict[int, Place] = field(default_factory=dict)
    last: Place | None = None
    topics: list[str | None] = field(default_factory=list)
    clauses: list[int] = field(default_factory=list)
    dated: set[int] = field(default_factory=set)  # 与2023年相比，由21件增至34件: the numbers of the year compared with

    def about_disclosure(self, index: int, near: bool = False) -> bool:
        """Whether disclosure is spoken of in the sentence up to the token; `near`: since its last semicolon."""
        end = self.tokens[index].end
        start = self.text.rfind(";", 0, end) + 1 if near else 0
        return _DISCLOSURE.search(self.text, start, end) is not None

    def words(self, start: int, end: int) -> str:
        """The characters of tokens [start, end)."""
        return self.text[self.tokens[start].start : self.tokens[end - 1].end] if start < end else ""

    def clause(self, index: int) -> int:
        """The index of the first token of the clause that the token is in, or of the last few dozen tokens."""
        return max(self.clauses[index], index - _FAR)

    def clause_end(self, index: int) -> int:
        """The index behind the clause's last token."""
        while index < len(self.tokens) and not (self.tokens[index].kind == "p" and self.tokens[index].key in _STOPS):
            index += 1
        return index


def merge_carries(tokens: list[Token], report: int | None) -> list[Token]:
    """`2023年结转` and `结转至2025年` as the act they are: the year belongs to the act, not to the number."""
    out: list[Token] = []
    skip = -1
    for index, token in enumerate(tokens):
        if index <= skip:
            continue
        if token.kind != "act" or token.key != "carry":
            out.append(token)
            continue
        start, end, key = token.start, token.end, "carry_out"
        ahead = index + 1
        while ahead < len(tokens) and ahead < index + 3 and tokens[ahead].kind == "fill":
            ahead += 1
        before = years_of(out[-1].key, report)[0] if out and out[-1].kind == "time" else None
        if ahead < len(tokens) and tokens[ahead].kind == "time" and report is not None:
            year, when = years_of(tokens[ahead].key, report)
            if when == "one" and before == report - 1 and year == report:
                key, start = "carry_in", out.pop().start  # 2022年结转2023年办理
            if when == "one" and (year == report + 1 or key == "carry_in"):
                while ahead + 1 < len(tokens) and tokens[ahead + 1].key in ("继续", "process"):
                    ahead += 1
                skip, end = ahead, tokens[ahead].end
        if skip < index:
            for back in range(len(out) - 1, max(-1, len(out) - 5), -1):
                if out[back].kind == "time":
                    year, when = years_of(out[back].key, report)
                    if when == "one" and report is not None and year == report - 1:
                        key = "carry_in"
                        if back == len(out) - 1:
                            start = out.pop().start
                        else:
                            out[back] = Token("fill", "", out[back].start, out[back].end)
                    break
                if out[back].kind not in ("fill", "neg"):
                    break
        out.append(Token("act", key, start, end))
    return out


def name_outcomes(tokens: list[Token]) -> list[Token]:
    """公开 alone as the outcome it is in a list of outcomes: 公开10件，部分公开3件，无法提供2件."""
    bare = [index for index, t in enumerate(tokens) if t.key == "公开" and t.kind == "publish"]
    if not bare or not any(t.kind == "act" and t.key in _OUTCOMES for t in tokens):
        return tokens
    out = list(tokens)
    for index in bare:
        before = tokens[index - 1] if index else None
        after = tokens[index + 1] if index + 1 < len(tokens) else None
        leads = after is not None and after.kind == "num" and (before is None or before.kind in ("p", "fill"))
        ends = before is not None and before.kind == "num" and (after is None or after.kind == "p")
        if leads or ends:
            out[index] = Token("act", "granted", tokens[index].start, tokens[index].end)
    return out


def lay_out(frame: Frame) -> None:
    """Fills `places` (of numbers and denials), `topics` and `clauses`: what holds at a token, from left to right."""
    carried, text = frame.carried, frame.text
    scope: Scope | None = carried.scope
    year, when = carried.year, "one"
    compared: tuple[int | None, str] | None = None
    against: tuple[int | None, str] | None = None
    back: tuple[int | None, str] | None = None
    counted = False
    topic: str | None = None
    clause_start = item_start = 0
    outside: list[tuple[Scope | None, int | None, str]] = []
    for index, token in enumerate(frame.tokens):
        frame.clauses.append(clause_start)
        if token.kind == "time":
            found = years_of(token.key, frame.report)
            if _carried_over(frame, index, found[0]):
                pass  # 结转3件至2025年
            elif found[1] == "several" and _WHICH.match(text, token.end):
                pass  # 2009年以来的规范性文件: says which, not when.
            elif is_against(text, token.start):
                compared = against = found
            else:
                compared = None
                back = (year, when) if counted and _aside(frame, index, year, found) else None
                year, when = found
        elif token.kind == "scope":
            scope = _scope_at(frame, index, scope)
        elif token.kind == "topic":
            known = token.key != "applications" or token.sure or known_before(frame, index)
            topic = token.key if known else "foreign"
        elif token.kind == "title" and "处理费" in token.key:
            topic = "processing_fee"
        elif token.kind == "p":
            item_start = index + 1
            if token.key in _STOPS:
                clause_start = index + 1
            if token.key == "(":
                outside.append((scope, year, when))
            elif token.key == ")" and outside:
                scope, year, when = outside.pop()
                back = None
            if token.key in ",;:)":
                compared = None
                if back is not None:
                    (year, when), back = back, None
                if scope is None:
                    scope = carried.scope
        elif token.kind in ("act", "neg"):
            item_start = max(item_start, index - _FAR)
            name = _prefix(frame, item_start, index)
            if name and not _scoped(frame, item_start, index):
                called = named(name, frame.own)
                scope = None if called == "doubt" else called or scope
        frame.topics.append(topic)
        if token.kind in ("num", "neg"):
            frame.places[index] = Place(scope, *(compared or (year, when)))
            if token.kind == "num":
                if against is not None and compared is None and _left_behind(frame, index):
                    frame.places[index] = Place(scope, *against)
                    frame.dated.add(index)
                compared, counted = None, True
    frame.last = Place(scope, *(back or (year, when)))


def _carried_over(frame: Frame, index: int, year: int | None) -> bool:
    """Whether a year to come is the one that applications are carried over to."""
    if year is None or frame.report is None or year <= frame.report:
        return False
    for at in range(index - 1, max(-1, index - 8), -1):
        token = frame.tokens[at]
        if token.kind == "act" and token.key in ("carry_in", "carry_out"):
            return True
        if token.kind == "p":
            break
    return False


def _aside(frame: Frame, index: int, year: int | None, found: tuple[int | None, str]) -> bool:
    """Whether a clause only gives the number of an earlier year to compare with (收到12件，上年同期为9件): what follows
    is about the sentence's own year again."""
    if found[1] != "one" or found[0] is None or year is None or found[0] >= year:
        return False
    tokens, before = frame.tokens, index - 1
    while before >= 0 and tokens[before].kind == "fill" and tokens[before].key != "其中":
        before -= 1
    if before < 0 or tokens[before].key not in (",", ";"):
        return False
    after = index + 1
    while after < len(tokens) and tokens[after].kind in ("fill", "time"):
        after += 1
    return after + 1 < len(tokens) and tokens[after].kind == "num" and tokens[after + 1].kind == "p"


def _left_behind(frame: Frame, index: int) -> bool:
    """由21件上升至34件: the number that something rose or fell from."""
    tokens = frame.tokens
    return (
        0 < index < len(tokens) - 1
        and frame.text[tokens[index - 1].start : tokens[index - 1].end] in ("由", "从")
        and tokens[index + 1].kind == "onto"
    )


def _scope_at(frame: Frame, index: int, before: Scope | None) -> Scope | None:
    token = frame.tokens[index]
    lead = frame.tokens[index - 1] if index else None
    joint = lead is not None and frame.text[lead.start : lead.end] in _JOINTLY
    if joint and index > 1 and frame.tokens[index - 2].kind == "scope":
        below = scope_of(token.key, "", frame.own) == "subordinates"
        if below and before == "subordinates":
            return before
        # 县政府及县政府办公室, 市政府及各部门, 县政府办公室和各乡镇
        return before if not below else "region" if before == "body" else None
    if lead is not None and lead.kind == "act" and lead.key == "receive":
        return before  # 收到县政府转来的申请
    if joint and index > 1 and frame.tokens[index - 2].kind == "res":
        start = index - 2
        while start > max(0, index - 8) and frame.tokens[start - 1].kind in ("res", "fill"):
            start -= 1
        first = named(frame.words(start, index - 1), frame.own)
        if first is not None and scope_of(token.key, "", frame.own) == "subordinates":
            return "region" if first == "body" else None  # 集团本部及所属企业
    name = frame.text[lead.start : lead.end] if lead is not None and lead.kind in ("res", "fill") else ""
    if name.endswith(("协助", "配合")):
        return None
    if name.endswith(("个别", "部分", "少数", "有的", "一些", "多数")):
        return before  # where a fault lay, not who was counted
    if token.key[0] == "全" and name.endswith("在") and _DID.match(frame.text, token.end):
        name = ""  # 在全县收到的申请中
    found = scope_of(token.key, name, frame.own)
    return before if found is None else found


def _scoped(frame: Frame, start: int, index: int) -> bool:
    """Whether a word of scope begins the clause or stands right before the token: then it is whose number it is."""
    known = [t for t in frame.tokens[start:index] if t.kind not in ("fill", "time", "cause")]
    return bool(known) and "scope" in (known[0].kind, known[-1].kind)


def _prefix(frame: Frame, start: int, index: int) -> str:
    """The words between the clause's beginning (or its last word of time) and the token, filler behind them left out;
    "" where every one of them is explained."""
    tokens = frame.tokens
    while index > start and tokens[index - 1].kind in ("fill", "time", "cause"):
        index -= 1
    for at in range(index - 1, start - 1, -1):
        if tokens[at].kind in ("time", "act", "topic", "num", "row", "neg"):
            start = at + 1
            break
    while start < index and tokens[start].key in _OPENERS:
        start += 1
    if not any(token.kind == "res" for token in tokens[start:index]):
        return ""
    return frame.words(start, index)


def explained(frame: Frame, index: int) -> bool:
    """Whether nothing unknown stands between the beginning of the token's clause and the token; a body's name is
    known."""
    start = frame.clause(index)
    for at in range(index - 1, start, -1):
        if frame.tokens[at].kind == "num":
            start = at + 1  # an item of a list
            break
    rest = [t for t in frame.tokens[start:index] if t.kind not in ("time", "fill", "cause")]
    if not any(t.kind == "res" for t in rest):
        return True
    return named(frame.text[rest[0].start : rest[-1].end], frame.own) is not None


def known_before(frame: Frame, index: int) -> bool:
    """Whether what stands right before a word that alone says little (申请) is known: no 低保申请."""
    while index and frame.tokens[index - 1].kind == "fill":
        index -= 1
    lead = frame.tokens[index - 1] if index else None
    if lead is None or lead.kind in _KNOWN:
        return True
    return lead.kind == "res" and named(frame.text[lead.start : lead.end], frame.own) is not None


_SUM = re.compile(r"共|合计|总计|总数|总量|数量|件数|为|达|累计")


def sums_up(frame: Frame, start: int, end: int) -> bool:
    """Whether the tokens in between are filler that sums up (…，共计20件)."""
    between = frame.tokens[start:end]
    return all(t.kind == "fill" for t in between) and _SUM.search(frame.words(start, end)) is not None
