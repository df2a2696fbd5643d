"""Finds the claims of a report's narrative: everything outside its three tables, sentence by sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from extractor.claims.bind import Binder
from extractor.claims.claim import Claim
from extractor.claims.frame import DISPUTES, Carried, Frame, Place, lay_out, merge_carries, name_outcomes
from extractor.claims.meaning import fits
from extractor.claims.numbers import Number
from extractor.claims.prose import Sentence, sentences
from extractor.claims.respective import respective
from extractor.claims.scope import Body, body
from extractor.claims.tables import narrative_spans
from extractor.claims.tokens import tokenize
from extractor.claims.zero import zero_claims
from extractor.document.normalize import normalize
from extractor.results import Value

# Only a sentence with one of these words and a count, or one of the shorter list and a word of denial, is read at all.
_SUBJECT = re.compile(
    r"申请|复议|诉讼|被诉|规范性|规章|许可|处罚|强制|收费|费用|处理费|结转|转入下|予以公开|部分公开|同意公开|依法公开|全部公开|不予"
    r"|提供|其[他它]处理|不再处理|收到|受理|接到|接收|登记|新收|收件|办结|答复|办理|处理|废止|有效|维持|纠正|审[结理]|法院"
    r"|秘密|第三方|案卷|过程性|内部事务|掌握|不存在|另行制作|出版物|行政查询|重新出具|补正|不明确|一稳定|信访|自然人|企业"
    r"|科研|公益组织|社会组织|法律服务|^其中|^(?:与|较之?|比|相较于?|同)(?:上|去|20)"
)
_COUNT = re.compile(
    r"[\d一二两三四五六七八九十百千零][万]?[多余来]?[件条项起份宗次个例笔部元万亿]|\d(?=[,;。、)]|$)|[为均是]零"
)
_DENIABLE = re.compile(r"申请|复议|诉讼|结转|费|规范性|规章|许可|处罚|强制|不予|予以公开|部分公开|收费|废止")
_DENIAL = re.compile(r"未|没|无|零")
_NUMBERED = (
    r"(?:[一二三四五六七八九十]{1,3}[、.]|[(][一二三四五六七八九十\d]{1,3}[)]"
    r"|\d{1,2}[.、]|第[一二三四五六七八]{1,3}[,、:])"
)
_MARKED = re.compile(_NUMBERED)
_ROW = re.compile(rf"{_NUMBERED}?[^,。;:!?\d]{{2,40}}[\d,.]+[^,。;:!?\d]{{0,3}}")
_GOES_ON = re.compile(
    r"其中|(?:已|均|按[时期]|年内|予以|不予|部分)?(?:办结|答复|结转|上年结转|予以公开|不予公开|部分公开)"
)
# 从答复情况看，…: of the same body as the sentence before.
_BREAKS_DOWN = re.compile(r"(?:从|按照?|依)[^,。;:、\d]{2,12}(?:看|分|划分),|申请(?:人|主体|者)中,|上述|这些申请")
# 与2021年的143件相比，…: of the one number of the sentence before.
_COMPARES = re.compile(r"(?:与|较之?|比|相较于?|同)(?:上|去|20\d\d)")
_OMITS = re.compile(
    r"(?:(?:19|20)\d\d年(?:度)?,?|当年|全年(?:度)?|年内|本年度)?(?:共|新收|收到|受理|办结|答复|予以公开)"
)
# What is only intended is no claim, unless a year to come is named.
_PLANNED = frozenset({"receive", "process", "issued", "repealed", "decisions", "amount"})


def find_claims(
    text: str,
    norm: str,
    start: int,
    end: int,
    tables: Sequence[tuple[int, int]],
    organization: str | None,
    year: int | None,
) -> list[Claim]:
    """The claims in [start, end) of a stored text, in text order.

    `norm` is the text normalised (document/normalize.py); `tables` are the spans of the form's tables, which may reach
    into the words behind them: only their rows are left out. `organization` and `year` are the report's own.
    """
    own = body(normalize(organization) if organization else None)
    carried = Carried(year=year)
    out: list[Claim] = []
    listed = False
    for sentence in sentences(norm, narrative_spans(norm, start, end, tables)):
        if sentence.opens:
            carried = _opened(sentence.text, carried, year)
        row = _is_row(sentence)
        if row and not listed:
            continue
        listed = row or sentence.text.endswith(":")
        if not _may_claim(sentence.text):
            continue
        out += _claims(text, sentence, own, year, carried)
    return sorted(out, key=lambda claim: (claim.span, claim.field))


def _may_claim(words: str) -> bool:
    if _COUNT.search(words) and _SUBJECT.search(words):
        return True
    return _DENIAL.search(words) is not None and _DENIABLE.search(words) is not None


def _is_row(sentence: Sentence) -> bool:
    """Whether a line is no more than a label and its number: the row of a table, unless a list was announced."""
    return sentence.opens and len(sentence.text) < 60 and _ROW.fullmatch(sentence.text) is not None


def _opened(words: str, carried: Carried, year: int | None) -> Carried:
    """What a paragraph begins with: a numbered heading sets the topic for what stands below it."""
    marked = _MARKED.match(words)
    if marked is None:
        return Carried(carried.heading, carried.heading, "body", year)
    title = re.split("[。,:;]", words[marked.end() :], maxsplit=1)[0][:30]
    topic = None
    if re.search("申请", title) and "主动公开" not in title:
        topic = "applications"
    elif re.search("复议|诉讼", title):
        topic = "reconsideration"
    return Carried(topic, topic, "body", year)


def _claims(text: str, sentence: Sentence, own: Body, year: int | None, carried: Carried) -> list[Claim]:
    """The claims of one sentence; leaves in `carried` what the next one may leave unsaid."""
    words = sentence.text
    goes_on = _GOES_ON.match(words) is not None
    if not goes_on:
        carried.year = year
        if not (_COMPARES.match(words) and carried.parent == (carried.main,)):
            carried.parent = ()
        if not (_OMITS.match(words) or _BREAKS_DOWN.match(words)):
            carried.scope, carried.mixed = "body", False
        if carried.silent:
            carried.scope = "body"
    if carried.mixed:
        carried.scope = carried.whole if _BREAKS_DOWN.match(words) else None
    before = {carried.scope} if goes_on and carried.scope else set()
    frame = Frame(words, name_outcomes(merge_carries(tokenize(words), year)), year, own, carried)
    lay_out(frame)
    binder = Binder(frame)
    shared = respective(frame)
    out: list[Claim] = []

    def claim(name: str, value: Value, span: tuple[int, int], place: Place, number: Number | None = None) -> None:
        start, end = sentence.span(*span)
        unit, about = (number.unit, number.about) if number else (None, None)
        exact = Decimal(value) if name.endswith(".amount") else value
        if place.scope is not None:
            out.append(Claim(name, exact, text[start:end], (start, end), place.scope, place.year, unit, about))

    for index, token in enumerate(frame.tokens):
        number = token.number
        if number is None:
            continue
        if index in shared:
            dealt, place = shared[index]
            fields = tuple(name for name in (binder.parent if dealt is None else dealt) if fits(name, number))
        else:
            fields = binder.fields(index)
            place = frame.places[index]
        if fields and place.when != "part" and not _planned(frame, index, place):
            for name in fields:
                claim(name, number.value, (number.start, number.end), place, number)
    for begin, stop, fields, index in zero_claims(frame):
        if frame.places[index].when not in ("part", "next"):
            for name in fields:
                claim(name, 0, (begin, stop), frame.places[index])
    _carry_on(frame, binder, carried)
    carried.silent = not out
    carried.whole = "region" if out and out[0].scope == "region" else None
    carried.mixed = len({claim.scope for claim in out} | before) > 1
    return out


def _planned(frame: Frame, index: int, place: Place) -> bool:
    """Whether the number is only intended, and for no named year to come."""
    if place.year is None or (frame.report is not None and place.year > frame.report):
        return False
    clause = frame.tokens[frame.clause(index) : index]
    plan = place.when == "next" or any(t.kind == "plan" for t in clause)
    return plan and any(t.kind == "act" and t.key in _PLANNED for t in clause)


def _carry_on(frame: Frame, binder: Binder, carried: Carried) -> None:
    if frame.last is not None:
        carried.topic = frame.topics[-1] or carried.topic
        last = frame.last
        carried.scope = last.scope or carried.scope
        carried.year = last.year if last.when == "one" else carried.year
    carried.general = frozenset(binder.meaning.general & DISPUTES)
    carried.parent, carried.main = binder.parent, binder.main
