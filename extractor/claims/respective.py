"""分别: a list of subjects or years on one side, as many numbers on the other, bound in order."""

from __future__ import annotations

from extractor.claims.frame import DECISIONS, DISPUTES, MENTIONS, Frame, Place
from extractor.claims.subjects import subjects
from extractor.claims.times import years_of
from extractor.claims.tokens import Token

# The fields of a number, None for those of the number before, and its place.
Shares = dict[int, tuple[tuple[str, ...] | None, Place]]


def respective(frame: Frame) -> Shares:
    """The fields and places of the numbers that 分别 deals out; numbers that cannot be dealt out get no field."""
    shares: Shares = {}
    for at, token in enumerate(frame.tokens):
        if token.kind == "fill" and token.key == "分别":
            shares.update(_deal(frame, at))
    return shares


def _deal(frame: Frame, at: int) -> Shares:
    numbers, said = _numbers_behind(frame.tokens, at)
    if len(numbers) < 2:
        return {}
    times, mentions = _list_before(frame, at)
    places = [frame.places[index] for index in numbers]
    if len(times) == len(numbers):
        fields = _fields(said or mentions)
        when = [years_of(time.key, frame.report) for time in times]
        places = [Place(place.scope, *time) for place, time in zip(places, when, strict=True)]
        shared = None if not (said or mentions) else fields if len(fields) == 1 else ()
        dealt: list[tuple[str, ...] | None] = [shared] * len(numbers)
    else:
        dealt = [*_dealt_subjects(mentions, said, len(numbers))]
    return dict(zip(numbers, zip(dealt, places, strict=True), strict=True))


def _dealt_subjects(mentions: list[Token], said: list[Token], count: int) -> list[tuple[str, ...]]:
    """One subject for each of `count` numbers: as many topics with what is said of them all, or as many acts."""
    topics = [m for m in mentions if m.kind == "topic"]
    if len(topics) == count:
        shared = [m for m in (*mentions, *said) if m.kind == "act"]
        return [_fields([topic, *shared]) for topic in topics]
    acts = [m for m in mentions if m.kind in ("act", "row")]
    if len(acts) == count:
        of = [m for m in (*mentions, *said) if m.kind == "topic"][:1]
        return [_fields([*of, act]) for act in acts]
    return [()] * count


def _numbers_behind(tokens: list[Token], at: int) -> tuple[list[int], list[Token]]:
    """The numbers listed behind a token, and the subject words between."""
    numbers: list[int] = []
    said: list[Token] = []
    for index in range(at + 1, len(tokens)):
        token = tokens[index]
        if token.kind == "num":
            numbers.append(index)
        elif token.kind in MENTIONS and not numbers:
            said.append(token)
        elif token.kind == "p":
            if token.key not in "、," or not numbers or not _leads_to_number(tokens, index + 1):
                break
        elif token.kind != "fill" and (token.kind != "cause" or numbers):
            break
    return numbers, said


def _leads_to_number(tokens: list[Token], index: int) -> bool:
    while index < len(tokens) and tokens[index].kind == "fill":
        index += 1
    return index < len(tokens) and tokens[index].kind == "num"


def _list_before(frame: Frame, at: int) -> tuple[list[Token], list[Token]]:
    """The words of time and the subject words of the clause before a token."""
    times: list[Token] = []
    mentions: list[Token] = []
    for token in reversed(frame.tokens[:at]):
        if token.kind == "time":
            times.insert(0, token)
        elif token.kind in MENTIONS:
            mentions.insert(0, token)
        elif token.kind not in ("fill", "scope", "cause", "res") and not (token.kind == "p" and token.key == "、"):
            break
    return times, mentions


def _fields(words: list[Token]) -> tuple[str, ...]:
    known = subjects()
    rows = [w.key for w in words if w.kind == "row"]
    if rows:
        return tuple(f"requests.{key}.total" for key in rows)
    acts = [w.key for w in words if w.kind == "act"]
    topics = list(dict.fromkeys(w.key for w in words if w.kind == "topic"))
    out: list[str | None] = []
    for topic in topics:
        fitting = [key for key in acts if topic in known.acts[key].topics]
        default = known.topics[topic].act
        if not fitting and default is not None and (not acts or topic in DECISIONS | DISPUTES):
            fitting = [default]
        out += [known.field(topic, key) for key in fitting]
    if not topics:
        alone = [key for key in acts if known.acts[key].alone or key in ("receive", "process")]
        out = [known.field(known.acts[key].topics[0], key) for key in alone]
    return tuple(dict.fromkeys(name for name in out if name))
