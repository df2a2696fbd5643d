"""A sentence as tokens: numbers, times, scopes, subjects, the words around them, and what none of them explains."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from extractor.claims.letters import Letters, alternatives, first_letters
from extractor.claims.numbers import ABOUT, NUMBER, Number, read_number
from extractor.claims.scope import SCOPE
from extractor.claims.subjects import Word, subjects
from extractor.claims.times import TIME

# What disclosure is the cause of: 因政府信息公开引起的行政复议. Not itself a subject.
_CAUSE = (
    r"(?:因|由|就|对|针对|涉及|涉|关于|有关|围绕|以)(?:本机关|本单位|我局|本局|其|申请人对|不服){0,3}(?:本[机镇乡局县区市街][关道]?(?:有关)?)?(?:政府)?(?:依申请|信息)"
    r"(?:信息)?公开(?:申请|工作|答复|行为|事项|方面|处理|案件|类|办理|决定|事务|等){0,4}"
    r"(?:而)?(?:不服)?(?:的)?(?:引起|引发|产生|导致|被提起|提起|发生|形成|被)?(?:的)?(?!信息|率)"
    r"|(?:申请人|当事人)?对[^,。;、]{0,10}?答复(?:内容|结果|意见|行为)?不服(?:而)?(?:的)?|因(?:公开|提供)政府信息(?:而)?(?=被|申请|提起)"
    r"|因(?![此而])(?:(?!没有|[未无])[^,。;、]){1,16}?(?:引起|引发|产生|导致)(?:的)?|就公开(?:工作)?(?=收)"
)
_NEG = (
    r"(?:均|都|皆)?(?:未(?!经|审|结|能|来|掌握|制作|按|补正|办结|公开|解|及时|成年|保存|获取)|没有|没(?=收|发|有|接|产)|暂无|尚无"
    r"|无(?!正当|关|论|锡|法|障碍|理|证|人机|偿|条件|故))(?:曾|有|被)?(?:新增|新)?"
    r"(?:收到|收取|收过|接到|受理|接收|登记|发生|产生|出现|征收|收|涉及|发现|引发|引起|形成)?(?:过)?"
    r"|零(?=申请|复议|行政|诉讼|结转|收费|发生)|(?:一分|分文)未[收取]{1,2}"
)
_PUNCTUATION = r"[,;:、()。!?]"
_ORDINAL = r"第(?:\d{1,4}|[一二三四五六七八九十百]{1,5})(?:[条款项号章次批]|季度)?|每[一]?[件条项起份个]"


@dataclass(slots=True)
class Token:
    """A piece of a sentence. `kind`: num, time, scope, topic, act, row, who, neg, cause, fill, p (punctuation), a kind
    of the word lists (foreign, publish …), or `res` for characters that no word explains."""

    kind: str
    key: str
    start: int
    end: int
    sure: bool = True
    number: Number | None = None


@lru_cache(maxsize=1)
def _words() -> tuple[tuple[Word, Letters], ...]:
    """All words in the order they are tried in, each with the letters it can begin with."""
    words = subjects().words
    rows = [word for word in words if word.kind == "row"]
    carries = [word for word in words if word.key in ("carry_in", "carry_out")]
    disputes = [w for w in words if w.kind == "topic" and w.key.startswith(("litigation", "reconsideration"))]
    disputes.sort(key=lambda word: ("_" not in word.key, word.sure, word.key))
    onto = [word for word in words if word.kind == "onto"]
    excessive = Word("row", "repeat", r"(?:大量)?(?:、)?反复(?:多次)?(?:提出|提交)?(?:的)?(?:信息公开)?申请")
    special = {id(word) for word in (*rows, *carries, *disputes, *onto)}
    rest = [word for word in words if id(word) not in special and word.kind != "filler"]
    order = {"topic": 0, "act": 1, "who": 2, "foreign": 3, "part": 4, "publish": 5, "channel": 6, "change": 7}
    rest.sort(key=lambda word: order.get(word.kind, 9))
    fillers = sorted((w for w in words if w.kind == "filler"), key=lambda word: -len(word.pattern))
    ordered = [
        Word("title", "", r"《[^《》]{1,60}》"),
        Word("res", "", _ORDINAL), *rows, excessive, *carries, Word("cause", "", _CAUSE), *disputes,
        *[w for w in rest if w.kind == "topic" and w.sure], Word("time", "", TIME), Word("num", "", NUMBER),
        Word("fill", "about", ABOUT), *onto, Word("scope", "", SCOPE), *rest, Word("neg", "", _NEG), *fillers,
        Word("p", "", _PUNCTUATION),
    ]  # fmt: skip
    parts = (replace(word, pattern=part) for word in dict.fromkeys(ordered) for part in alternatives(word.pattern))
    return tuple((word, first_letters(word.pattern)) for word in parts)


Entry = tuple[re.Pattern[str], tuple[Word, ...]]
_entries: dict[str, Entry | None] = {}


def _entry(letter: str) -> Entry | None:
    """The words that can begin with a letter, as one pattern with a group for each; None where there are none. The
    earlier word wins where two begin alike."""
    words = tuple(word for word, letters in _words() if letters is None or letter in letters)
    if not words:
        return None
    return re.compile("|".join(f"({_plain(word.pattern)})" for word in words)), words


def _plain(pattern: str) -> str:
    return re.sub(r"\(\?P<\w+>", "(?:", pattern)


def tokenize(text: str) -> list[Token]:
    """The tokens of a sentence, without a gap: what no word explains is a `res` token."""
    out: list[Token] = []
    at, unknown, length = 0, 0, len(text)
    entries = _entries
    while at < length:
        letter = text[at]
        try:
            entry = entries[letter]
        except KeyError:
            entry = entries[letter] = _entry(letter)
        match = entry[0].match(text, at) if entry is not None else None
        if entry is None or match is None or match.end() == at:
            at += 1
            continue
        if at > unknown:
            out.append(Token("res", "", unknown, at))
        out.append(_token(entry[1][(match.lastindex or 1) - 1], text, at, match.end()))
        at = unknown = match.end()
    if length > unknown:
        out.append(Token("res", "", unknown, length))
    return out


def _token(word: Word, text: str, start: int, end: int) -> Token:
    if word.kind == "num":
        number = read_number(text, start, end)
        return Token("num", "", start, end, number is not None, number)
    if word.kind in ("topic", "act", "row", "who"):
        return Token(word.kind, word.key, start, end, word.sure)
    return Token("fill" if word.kind == "filler" else word.kind, text[start:end], start, end, word.sure)
