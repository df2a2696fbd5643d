"""A body's name taken apart: the divisions it begins with, a town or zone, and what is left: the department."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from extractor.regions.gazetteer import Division, fold, gazetteer, pattern, words
from extractor.regions.region import Level

Chain = tuple[Division, ...]

_TOWN = re.compile(
    r"(?P<town>[一-鿿]{1,14}?(?:街道|镇|乡|苏木))"
    r"(?=办事处|人民政府|政府|党政|党委|机关|综合|便民|社会|$)(?:办事处|人民政府|政府)?(?P<rest>.*)"
)
# A division's name that goes on so is a town's: 东区街道 is not 东区.
_TOWN_GOES_ON = re.compile(r"街道|镇|乡(?!村|镇)|苏木")
# A city's bare name that goes on so is another thing's: 杭州湾新区 lies in 宁波市.
_GOES_ON = re.compile("[湾港河江湖海洲岛峡]")
_CORPS = re.compile(r"(?P<corps>(?:新疆)?生产建设兵团)?(?:第[一二三四五六七八九十]{1,3}师)?")
_DIVISION = re.compile(r"[一-鿿]{1,10}?[市县区州盟旗](?=人民政府|政府|[一-鿿]{0,20}(?:局|委|办公室|中心|院|部)$|$)")
_STATE = "中华人民共和国"


@dataclass(frozen=True, slots=True)
class Body:
    """`chains`: the readings of the divisions that the name begins with (鼓楼区 has four), each from the largest to the
    smallest named; all stand at `span` of the name. `bare`: the last is named without its kind (合肥高新区).
    `unknown`: a division follows that no list has (吕梁市 has no 城区)."""

    level: Level | None
    chains: tuple[Chain, ...]
    span: tuple[int, int]
    town: str | None
    department: str | None
    bare: bool = False
    unknown: bool = False


def parse(name: str, year: int | None) -> Body:
    """The parts of a body's name, white space removed."""
    name = fold(name)
    if name.removeprefix(_STATE) in words("state"):
        return Body("state", (), (0, len(name)), None, None)
    start, branch = _after_head_office(name)
    corps = _CORPS.match(name)
    start = corps.end() if corps and corps.end() else start
    chains, end, bare = _chains(name, start, year)
    if corps and corps["corps"] and not chains:
        return Body("corps", (), (0, start), None, name[start:] or None)
    span, rest = (start, end), name[end:]
    town = _TOWN.fullmatch(re.sub(r"^(?:人民)?政府(?=..)", "", rest))
    if town and not bare and not (town["rest"] and town["town"].endswith("城乡")):
        return Body("town", chains, span, town["town"], town["rest"] or None)
    if chains and _zone().match(rest):
        return Body("zone", chains, span, None, rest, bare)
    if not chains:
        return Body(None, (), (0, 0), None, name)
    department = name if branch else re.sub(r"^(?:人民)?政府(?=$|[^办])", "", rest)
    level: Level = chains[0][-1].level
    return Body(level, chains, span, None, department or None, unknown=_is_division(rest))


def _is_division(rest: str) -> bool:
    """Whether what follows the divisions is one more."""
    kind = _DIVISION.match(rest)
    if kind is None:
        return False
    # 西林区 is none of 伊春市 any more, but no 林区 either.
    return kind.group() in gazetteer().names or not re.search(rf"(?:{pattern('no_division')})$", kind.group())


@cache
def _zone() -> re.Pattern[str]:
    return re.compile(rf"[一-鿿]{{0,14}}?(?:{pattern('zone')})")


def _after_head_office(name: str) -> tuple[int, bool]:
    """Where the place begins in the name of a branch (国家税务总局中阳县税务局)."""
    begin = len(_STATE) if name.startswith(_STATE) else 0
    for office in words("state"):
        if name.startswith(office, begin) and len(office) >= 4:
            return begin + len(office), True
    return begin, begin > 0


def _chains(name: str, start: int, year: int | None) -> tuple[tuple[Chain, ...], int, bool]:
    """The longest way to read the name's beginning as divisions, each within the one before; all readings of it."""
    book = gazetteer()
    found: dict[int, list[tuple[Chain, bool]]] = {}
    states: list[tuple[int, Chain]] = [(start, ())]
    while states:
        at, chain = states.pop()
        for length in range(2, min(book.longest, len(name) - at) + 1):
            piece, after = name[at : at + length], at + length
            full = book.at(book.names.get(piece, ()), year)
            bare = [] if full else book.at(book.bare.get(piece, ()), year)
            if any(division.level == "province" for division in bare):
                bare = [division for division in bare if division.level != "county"]
            for division in full or bare:
                if chain and not (chain[-1].holds(division) and chain[-1].code != division.code):
                    continue
                longer = (*chain, division)
                if full or division.level != "county":
                    states.append((after, longer))
                if not _TOWN_GOES_ON.match(name, after):
                    found.setdefault(after, []).append((longer, not full))
    for end in sorted(found, reverse=True):
        ways = [chain for chain, bare in found[end] if not bare]
        if ways:
            return _distinct(ways), end, False
        if _zone().match(name, end) and not _GOES_ON.match(name, end):
            return _distinct([chain for chain, _ in found[end]]), end, True
    return (), start, False


def _distinct(chains: list[Chain]) -> tuple[Chain, ...]:
    """One chain for each division named last, of those that name the most."""
    most = max(map(len, chains))
    best: dict[str, Chain] = {}
    for chain in sorted(chains, key=len, reverse=True):
        if len(chain) == most:
            best.setdefault(chain[-1].code, chain)
    return tuple(best.values())
