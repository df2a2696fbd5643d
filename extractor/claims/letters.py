"""The letters a pattern can begin with, so that at each character only the words that may stand there are tried."""

from __future__ import annotations

from functools import lru_cache

Letters = frozenset[str] | None  # None: any letter

_DIGITS = frozenset("0123456789")
_NOTHING: frozenset[str] = frozenset()


def first_letters(pattern: str) -> Letters:
    """The letters that a match of the pattern can begin with; None where that is not known.

    Understands what the word lists are written in: literals, classes, groups, alternatives, quantifiers, look-arounds.
    """
    letters, empty, at = _alternatives(pattern, 0)
    return None if empty or at < len(pattern) else letters


def alternatives(pattern: str) -> list[str]:
    """The alternatives at the top of a pattern."""
    out, begin, at = [], 0, 0
    while at < len(pattern):
        _, _, end = _sequence(pattern, at)
        out.append(pattern[begin:end])
        begin = at = end + 1
    return out


def _alternatives(pattern: str, at: int) -> tuple[Letters, bool, int]:
    """(letters, may be empty, index behind) of the alternatives up to a closing bracket."""
    union: Letters = _NOTHING
    empty = False
    while True:
        letters, nothing, at = _sequence(pattern, at)
        union = None if union is None or letters is None else union | letters
        empty = empty or nothing
        if at >= len(pattern) or pattern[at] == ")":
            return union, empty, at
        at += 1


def _sequence(pattern: str, at: int) -> tuple[Letters, bool, int]:
    union: Letters = _NOTHING
    open_ = True  # what is read so far may match nothing
    while at < len(pattern) and pattern[at] not in "|)":
        letters, empty, at = _item(pattern, at)
        optional, at = _quantifier(pattern, at)
        if open_:
            union = None if union is None or letters is None else union | letters
            open_ = empty or optional
    return union, open_, at


def _item(pattern: str, at: int) -> tuple[Letters, bool, int]:
    char = pattern[at]
    if char == "(":
        return _group(pattern, at)
    if char == "[":
        end = pattern.index("]", at + 2)
        return _class(pattern[at + 1 : end]), False, end + 1
    if char == "\\":
        escaped = pattern[at + 1]
        return (_DIGITS if escaped == "d" else None if escaped.isalpha() else frozenset(escaped)), False, at + 2
    if char == "$":
        return _NOTHING, True, at + 1
    return None if char == "." else frozenset(char), False, at + 1


def _group(pattern: str, at: int) -> tuple[Letters, bool, int]:
    around = pattern.startswith(("(?=", "(?!", "(?<=", "(?<!"), at)
    begin = at + 1
    if pattern.startswith("?", begin):
        begin = pattern.index(">", begin) + 1 if pattern.startswith("?P<", begin) else begin + 2
        begin += pattern[begin - 1] == "<"
    letters, empty, end = _alternatives(pattern, begin)
    return (_NOTHING, True, end + 1) if around else (letters, empty, end + 1)


@lru_cache(maxsize=256)
def _class(inside: str) -> Letters:
    if inside[0] == "^":
        return None
    out: set[str] = set()
    at = 0
    while at < len(inside):
        if inside.startswith("\\d", at):
            out |= _DIGITS
            at += 2
        elif at + 2 < len(inside) and inside[at + 1] == "-":
            out |= {chr(code) for code in range(ord(inside[at]), ord(inside[at + 2]) + 1)}
            at += 3
        else:
            out.add(inside[at])
            at += 1
    return frozenset(out)


def _quantifier(pattern: str, at: int) -> tuple[bool, int]:
    """Whether what stands before may be left out, and the index behind the quantifier."""
    optional = False
    if at < len(pattern) and pattern[at] in "?*+":
        optional, at = pattern[at] != "+", at + 1
    elif at < len(pattern) and pattern[at] == "{":
        optional, at = pattern[at + 1] in "0,", pattern.index("}", at) + 1
    else:
        return False, at
    return optional, at + (pattern.startswith("?", at))
