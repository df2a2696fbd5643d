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
_DISCLOSURE = re.compile(r"信息公开|依申请|公开政府信息|答复[^,。;]{0,4}不服|(?:复议|诉讼)(?:方面|情况):")
_STOPS = frozenset(",;:()。!?")


@dataclass(slots=True)
class Carried:
    """What a paragraph carries from sentence to sentence: the topic of its heading, the last topic, the scope."""

    heading: str | None = None
    topic: str | None = None
    scope: Scope = "body"
    year: int | None = None
    parent: tuple[str, ...] = ()


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

    def about_disclosure(self, index: int) -> bool:
        """Whether disclosure is spoken of in the sentence up to the token."""
        return _DISCLOSURE.search(self.text, 0, self.tokens[index].end) is not None

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


def lay_out(frame: Frame) -> None:
    """Fills `places` (of numbers and denials), `topics` and `clauses`: what holds at a token, from left to right."""
    carried, text = frame.carried, frame.text
    scope: Scope | None = carried.scope
    year, when = carried.year, "one"
    compared: tuple[int | None, str] | None = None
    topic: str | None = None
    clause_start = item_start = 0
    outside: list[tuple[Scope | None, int | None, str]] = []
    for index, token in enumerate(frame.tokens):
        frame.clauses.append(clause_start)
        if token.kind == "time":
            found = years_of(token.key, frame.report)
            if found[1] == "several" and _WHICH.match(text, token.end):
                pass  # 2009年以来的规范性文件: says which, not when.
            elif is_against(text, token.start):
                compared = found
            else:
                compared = None
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
            if token.key in ",;:)":
                compared = None
                if scope is None:
                    scope = carried.scope
        elif token.kind in ("act", "neg"):
            item_start = max(item_start, index - _FAR)
            name = _prefix(frame, item_start, index)
            if name and not _scoped(frame, item_start, index):
                called = named(name, frame.own)
                scope = called or scope
        frame.topics.append(topic)
        if token.kind in ("num", "neg"):
            frame.places[index] = Place(scope, *(compared or (year, when)))
            compared = None if token.kind == "num" else compared
    frame.last = Place(scope, year, when)


def _scope_at(frame: Frame, index: int, before: Scope | None) -> Scope | None:
    token = frame.tokens[index]
    lead = frame.tokens[index - 1] if index else None
    joint = lead is not None and frame.text[lead.start : lead.end] in _JOINTLY
    if joint and index > 1 and frame.tokens[index - 2].kind == "scope":
        return before  # 县政府及县政府办公室
    name = frame.text[lead.start : lead.end] if lead is not None and lead.kind in ("res", "fill") else ""
    if name.endswith(("协助", "配合")):
        return None
    if name.endswith(("个别", "部分", "少数", "有的", "一些", "多数")):
        return before  # where a fault lay, not who was counted
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
    if lead is None or lead.kind in ("act", "time", "scope", "p", "who", "num", "cause", "row", "neg", "topic"):
        return True
    return lead.kind == "res" and named(frame.text[lead.start : lead.end], frame.own) is not None


_SUM = re.compile(r"共|合计|总计|总数|总量|数量|件数|为|达|累计")


def sums_up(frame: Frame, start: int, end: int) -> bool:
    """Whether the tokens in between are filler that sums up (…，共计20件)."""
    between = frame.tokens[start:end]
    return all(t.kind == "fill" for t in between) and _SUM.search(frame.words(start, end)) is not None
