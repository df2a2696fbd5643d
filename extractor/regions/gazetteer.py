"""The divisions of China with their GB/T 2260 codes and the years they held, and their towns (docs/regions.md).

Loaded when first asked for, from divisions.csv and towns.txt.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import StringIO
from typing import Any, Literal

# Editions: the last day of each of these years; the newest is the state of September of its year.
FIRST, LAST = 2018, 2026


@dataclass(frozen=True, slots=True)
class Division:
    """A name that a six-digit code had, from the last day of the year `first` to that of `last`."""

    code: str
    name: str
    first: int
    last: int

    @property
    def level(self) -> Literal["province", "city", "county"]:
        """`province`, `city` (地级) or `county` (县级)."""
        return "province" if self.code.endswith("0000") else "city" if self.code.endswith("00") else "county"

    @property
    def prefix(self) -> str:
        """The digits that the codes of all divisions in it begin with."""
        return self.code[: {"province": 2, "city": 4, "county": 6}[self.level]]

    def holds(self, other: Division) -> bool:
        """Whether the other lies in it, or is it."""
        return other.code.startswith(self.prefix)


class Gazetteer:
    """Names → divisions. `names`: in full, and with the people left out (延边州). `bare`: cities and provinces without
    their kind (山西), only those that nothing else is named after."""

    def __init__(self) -> None:
        words = _words()
        peoples = "|".join(sorted(words["peoples"].split(), key=len, reverse=True))
        shorten = re.compile(rf"(.{{2,}}?)(?:{peoples})+(自治)([州县旗])")
        bases = re.compile(r"(.{2,}?)(?:(?:壮族|回族|维吾尔)?自治区|特别行政区|地区|[省市县区州盟旗])")
        self.names: dict[str, list[Division]] = defaultdict(list)
        self._by_code: dict[str, list[Division]] = defaultdict(list)
        named: dict[str, list[Division]] = defaultdict(list)
        table = (files(__package__) / "divisions.csv").read_text(encoding="utf-8")
        for row in csv.DictReader(StringIO(table)):
            division = Division(row["code"], row["name"], int(row["first"]), int(row["last"]))
            self._by_code[division.code].append(division)
            self.names[division.name].append(division)
            short = shorten.fullmatch(division.name)
            if short:
                self.names[short[1] + short[3]].append(division)
                self.names[short[1] + short[2] + short[3]].append(division)
            base = (short or bases.fullmatch(division.name) or [division.name] * 2)[1]
            named[base].append(division)
            if division.name.endswith("自治区") and base + "自治区" != division.name:
                self.names[base + "自治区"].append(division)
        for nickname in words["nicknames"].split():
            self.names[nickname[:-6]] += self._by_code[nickname[-6:]]
        self._with_counties = {code[:4] for code in self._by_code if not code.endswith("00")}
        self.bare = {base: one for base, one in named.items() if any(d.level != "county" for d in one)}
        self.longest = max(map(len, self.names))

    def at(self, divisions: Iterable[Division], year: int | None) -> list[Division]:
        """Those that a report of the year may name: in force on its last day, a year before or after (a report of 2020
        is written in 2021). Of a code that changed under one name, the year's own; without a year all of them."""
        found = list(divisions)
        if not found:
            return found
        if year is not None:
            year = min(max(year, FIRST), LAST)
            # 新区 were zones before they became divisions.
            found = [d for d in found if d.first - (not d.name.endswith("新区")) <= year <= d.last + 1]
            if len(found) > 1:
                found = [d for d in found if d.first <= year <= d.last or not any(_succeeds(d, o) for o in found)]
        return found

    def named(self, code: str, year: int) -> str | None:
        """The name that a code had on the last day of the year, else the one nearest to it."""
        held = self._by_code.get(code, ())
        return min(held, key=lambda d: max(d.first - year, year - d.last, 0)).name if held else None

    def codes(self) -> list[str]:
        """All codes that any edition has."""
        return list(self._by_code)

    def of_code(self, code: str) -> list[Division]:
        """All that ever had the code."""
        return self._by_code.get(code, [])

    def has_counties(self, city: Division) -> bool:
        """Whether there are counties in it; 东莞市 has none, its towns lie directly below it."""
        return city.prefix in self._with_counties


def _succeeds(one: Division, other: Division) -> bool:
    return (
        one is not other
        and one.name == other.name
        and one.code[:2] == other.code[:2]
        and (one.first == other.last + 1 or other.first == one.last + 1)
    )


@cache
def gazetteer() -> Gazetteer:
    """The gazetteer, loaded once."""
    return Gazetteer()


@cache
def towns() -> dict[str, tuple[str, ...]]:
    """Name of a town (镇 乡 街道 苏木) → the codes of all counties that have, or lately had, one of that name."""
    found: dict[str, list[str]] = {}
    for line in (files(__package__) / "towns.txt").read_text(encoding="utf-8").splitlines():
        code, *names = line.split(" ")
        for name in names:
            found.setdefault(name, []).append(code)
    return {name: tuple(codes) for name, codes in found.items()}


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "words.toml").read_text(encoding="utf-8"))


@cache
def words(key: str) -> frozenset[str]:
    """A list of words.toml."""
    return frozenset(_words()[key].split())


def pattern(key: str) -> str:
    """A regular expression of words.toml."""
    return str(_words()[key])


@cache
def _folding() -> dict[int, int]:
    return {ord(pair[0]): ord(pair[1]) for pair in _words()["traditional"].split()}


def fold(text: str) -> str:
    """The text with the traditional characters of names as simplified ones; same length."""
    return text.translate(_folding())
