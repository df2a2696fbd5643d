"""The words on both sides of a number that may say what it counts, and what stands in their way."""

from __future__ import annotations

from dataclasses import dataclass, field

from extractor.claims.frame import MENTIONS, Frame, sums_up


@dataclass(slots=True)
class Side:
    """The subject words found on one side of a number, as indices of tokens in text order."""

    mentions: list[int] = field(default_factory=list)
    far: set[int] = field(default_factory=set)  # reached over words that nothing explains
    blocks: set[str] = field(default_factory=set)  # kinds of words that forbid some subjects
    murky: bool = False  # something that nothing explains stands before the words
    anchored: bool = False  # a word of time or scope stands there
    onto: bool = False  # 增加到, 降至
    bracket: bool = False  # the number stands in a bracket behind another: 31件（上年26件）
    fill: str = ""
    stop: str = ""


def look_left(frame: Frame, index: int) -> Side:
    """The words before a number, back to the clause's beginning or the number before."""
    side, tokens, at = Side(), frame.tokens, index - 1
    comma = False
    while at >= 0:
        token = tokens[at]
        kind = token.kind
        if kind == "num" and not (side.onto and not side.mentions):
            side.stop = "num"
            break
        if kind == "p":
            step = _over(frame, side, at, index, comma)
            if step is None:
                side.stop = token.key
                break
            comma = comma or token.key == ","
            at = step
            continue
        if kind in MENTIONS:
            side.mentions.insert(0, at)
            if side.murky:
                side.far.add(at)
        elif kind in ("res", "title"):
            if not side.mentions:
                side.stop = "res"
                return side
            side.murky = True
        elif kind == "change" and comma and not side.mentions:
            pass  # 行政复议量上升，共发生132件
        elif kind in ("time", "scope"):
            side.anchored = side.anchored or not side.mentions
        elif kind in ("fill", "cause", "onto") or (
            kind in ("against", "num") and (side.anchored or side.onto or index in frame.dated)
        ):
            side.onto = side.onto or (kind == "onto" and not side.mentions)
            if not side.mentions:
                side.fill = frame.text[token.start : token.end] + side.fill
        else:
            side.blocks.add(kind)
            if not side.mentions:
                side.stop = kind
                return side
        at -= 1
    else:
        side.stop = side.stop or "start"
    return side


def _over(frame: Frame, side: Side, at: int, index: int, comma: bool) -> int | None:
    """The index to go on from where punctuation may be passed on the way back; None where it ends the search."""
    tokens, key = frame.tokens, frame.tokens[at].key
    before = tokens[at - 1] if at else None
    if key in "、," and not side.mentions and before is not None and before.kind == "row" and "不再处理" in side.fill:
        return at - 1  # 逾期不补正，我局不再处理1件
    if key == "、":
        return at - 1 if before is not None and side.mentions and before.kind in (*MENTIONS, "fill") else None
    if side.mentions:
        return None
    if key == "," and not comma and not side.anchored:
        return at - 1 if sums_up(frame, at + 1, index) else None
    if key == "," and not comma and side.anchored and index + 1 < len(tokens):
        # 申请量下降，由2021年的31件降至12件
        first = tokens[at + 1]
        fell = frame.text[first.start : first.end] in ("由", "从") and tokens[index + 1].kind == "onto"
        return at - 1 if fell and before is not None and before.kind == "change" else None
    if key == ":":
        return at - 1
    if key == "(" and (side.anchored or (before is not None and before.kind in ("time", "scope"))):
        side.bracket = True
        return at - 1
    return _past_bracket(frame, side, at) if key == ")" else None


def _past_bracket(frame: Frame, side: Side, at: int) -> int | None:
    """Over a bracket right before the number: 行政诉讼（未经复议直接起诉）0件 means what stands in the bracket."""
    tokens, opens = frame.tokens, at - 1
    while opens >= 0 and tokens[opens].key != "(":
        opens -= 1
    inside = range(opens + 1, at)
    if opens < 0 or any(tokens[n].kind == "num" for n in inside):
        return None
    named = [n for n in inside if tokens[n].kind == "row" or tokens[n].key.startswith("litigation_")]
    if len(named) != 1:
        return opens - 1
    side.mentions.insert(0, named[0])
    return -1


def look_right(frame: Frame, index: int) -> Side:
    """The words behind a number (20件予以公开), up to punctuation or the next number."""
    side, tokens = Side(), frame.tokens
    for at in range(index + 1, len(tokens)):
        token = tokens[at]
        if token.kind in ("p", "num"):
            side.stop = token.key or "num"
            break
        if token.kind in MENTIONS:
            if side.murky:
                side.far.add(at)
            side.mentions.append(at)
        elif token.kind in ("res", "title"):
            side.murky = True
            if not side.mentions or tokens[side.mentions[0]].kind != "topic":
                side.stop = "res"
                break
        elif token.kind not in ("time", "scope", "fill", "cause", "onto") and token.key != "由":
            side.blocks.add(token.kind)
            if not side.mentions:
                break
    return side
