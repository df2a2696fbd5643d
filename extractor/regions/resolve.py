"""The issuing body's place in the country: sure only where its name, or the report's own words, leave one reading."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from extractor.document.identity import Identity
from extractor.regions.body import Body, parse
from extractor.regions.context import Page, Support, adjacent, around, enclosing, ours, signatures
from extractor.regions.gazetteer import FIRST, LAST, Division, fold, gazetteer, towns, words
from extractor.regions.region import Place, Region, Span

_MOST_CANDIDATES = 5


def region_of(text: str, norm: str, start: int, end: int, table: int, identity: Identity) -> Region | None:
    """The region of the report in [start, end) of the text, whose first table begins at `table`; None where its words
    name no division. Spans count in the stored text."""
    if not identity.organization:
        return None
    name = re.sub(r"\s", "", fold(identity.organization))
    if name != identity.organization or fold(identity.title or "") != (identity.title or ""):
        norm = fold(norm)
    body = _whole_town(parse(name, identity.year))
    own = name[slice(*body.span)] or body.town or name
    page = Page(norm, start, end, table, identity.year, own)
    span = page.spread(name)
    if span is None:
        return None
    known = _stands_as_own(page, name, identity) and (identity.year is None or identity.year >= FIRST - 1)
    if body.level in ("state", "corps") and not body.chains:
        place = Place(province=gazetteer().named("650000", LAST)) if body.level == "corps" else Place()
        return _region(text, body, place, known, [span], (), identity.year)
    candidates, enough = _candidates(body, identity.year)
    spans = [page.spread(name[slice(*body.span)]) or span if body.chains else span]
    left = Support((), False, ())
    if body.town is not None and not body.chains:
        left = enclosing(page, body.town)
        left = left if left.sure and _has_towns(left.kept[0]) else Support((), False, ())
    if candidates and not left.sure:
        left = _told(page, body, candidates, enough)
    elif not left.sure:
        left = _of_department(page, name)
        if not left.kept:
            return None
        level = "town" if body.town else left.kept[0].level if len(left.kept) == 1 else None
        body = replace(body, level=level)
    candidates = list(left.kept) or candidates
    spans += left.spans
    sure = known and left.sure and len(candidates) == 1 and _consistent(page, name, candidates[0], body)
    places = tuple(_place(one, body.town, identity.year) for one in candidates)
    if sure:
        return _region(text, body, places[0], True, spans, (), identity.year, candidates[0])
    return _region(text, body, _common(places), False, spans, places[:_MOST_CANDIDATES], identity.year)


def _candidates(body: Body, year: int | None) -> tuple[list[Division], bool]:
    """The divisions that the name alone may mean, and whether the name alone is enough where there is but one."""
    book = gazetteer()
    found = [chain[-1] for chain in body.chains]
    # A zone may be named by a word that is another city's name too: 北海新区 lies in 滨州市.
    if body.unknown or (body.level == "zone" and (body.bare or _is_province(found[0]))):
        return found, False
    if body.town is None:
        enough = bool(found) and (len(body.chains[0]) > 1 or found[0].name not in words("generic"))
        return found, enough
    if found and all(map(_has_towns, found)):
        listed = any(division.code in towns().get(body.town, ()) for division in found)
        return found, len(body.chains[0]) > 1 or (listed and found[0].name not in words("generic"))
    # A town below a city or province, or below nothing: its county is the one that has a town of that name.
    below = [d for code in towns().get(body.town, ()) for d in book.at(book.of_code(code), year)]
    if found:
        below = [d for d in below if any(one.holds(d) for one in found)]
    below = list({d.code: d for d in below}.values())
    return (below, bool(found)) if below else ([], False)


def _whole_town(body: Body) -> Body:
    """The body with its town named in full where its beginning only looks like a county: 古县渡镇 is a town."""
    if body.town is None or len(body.chains) != 1 or len(body.chains[0]) > 1:
        return body
    county = body.chains[0][0]
    whole = county.name + body.town
    if whole not in towns() or county.code in towns().get(body.town, ()):
        return body
    return replace(body, chains=(), span=(0, 0), town=whole)


def _has_towns(division: Division) -> bool:
    """Whether towns lie directly below it."""
    return division.level == "county" or (division.level == "city" and not gazetteer().has_counties(division))


def _is_province(division: Division) -> bool:
    """A province that is no city: what lies in it may lie in any of its cities."""
    return division.level == "province" and not division.name.endswith("市")


def _told(page: Page, body: Body, candidates: list[Division], enough: bool) -> Support:
    """What the report's words leave of the candidates that the name has."""
    beside = adjacent(page, page.own, candidates)
    if body.unknown or not beside.kept:
        return replace(beside, sure=False)
    if (enough or beside.sure) and len(beside.kept) == 1:
        return replace(beside, sure=True)
    wider = around(page, beside.kept, body.town is not None)
    return Support(wider.kept or beside.kept, wider.sure, beside.spans + wider.spans)


def _of_department(page: Page, name: str) -> Support:
    """Where the name says no place: what stands before it elsewhere (中阳县 + 教育局), else what the edges name."""
    beside = enclosing(page, name[1:] if name[0] in "省市县区州盟旗" else name)
    if beside.kept:
        return beside
    found: dict[str, Division] = {}
    spans: list[Span] = []
    for mention in islice(page.mentions(), 40):
        if mention.strong and len(found) <= _MOST_CANDIDATES:
            found.update({division.code: division for division in mention.divisions})
            spans.append(mention.span)
    return Support(tuple(found.values()), False, tuple(spans[:3]))


def _stands_as_own(page: Page, name: str, identity: Identity) -> bool:
    """Whether the body is the report's by its place: in the title, or alone on a line. What the narrative merely names
    most often may be another body."""
    title = re.sub(r"\s", "", fold(identity.title or ""))
    if name in title:
        return True
    return any(re.sub(r"[\s#*|]", "", page.line_of(at)) == name for at in page.occurrences(name))


def _consistent(page: Page, name: str, division: Division, body: Body) -> bool:
    """Whether nothing in the report speaks of another body: who signs it, and what it calls its own (我县, 本镇)."""
    kinds = ours(page)
    town = body.town is not None
    if not town and kinds & {"镇", "乡", "街道"}:
        return False
    if not town and kinds & _NOT_ITS_OWN[division.level] and not kinds & _ITS_OWN[division.level]:
        return False
    for line in signatures(page):
        if line == name:
            continue
        signer = parse(line, page.year)
        if signer.town is not None and signer.town != body.town:
            return False
        signed = {chain[-1].code for chain in signer.chains}
        if signed and not signer.bare and signer.town is None and division.code not in signed:
            return False
    return True


_ITS_OWN = {"province": {"省", "市"}, "city": {"市"}, "county": {"县", "市"}}
_NOT_ITS_OWN = {"province": {"县"}, "city": {"县", "省"}, "county": {"省"}}


def _place(division: Division, town: str | None, year: int | None) -> Place:
    book, at = gazetteer(), _edition(division, year)
    code = division.code
    return Place(
        code,
        book.named(code[:2] + "0000", at),
        book.named(code[:4] + "00", at) if code[2:4] != "00" else None,
        division.name if division.level == "county" else None,
        town,
    )


def _edition(division: Division | None, year: int | None) -> int:
    wanted = LAST if year is None else min(max(year, FIRST), LAST)
    return wanted if division is None else min(max(wanted, division.first), division.last)


def _common(places: Sequence[Place]) -> Place:
    def one(names: set[str | None]) -> str | None:
        return names.pop() if len(names) == 1 else None

    return Place(
        None,
        one({place.province for place in places}),
        one({place.city for place in places}),
        one({place.county for place in places}),
        one({place.town for place in places}),
    )


def _region(
    text: str,
    body: Body,
    place: Place,
    sure: bool,
    spans: Sequence[Span],
    candidates: tuple[Place, ...],
    year: int | None,
    division: Division | None = None,
) -> Region:
    level = body.level
    return Region(
        level,
        place,
        body.department,
        sure,
        tuple((text[a:b], (a, b)) for a, b in dict.fromkeys(spans)),
        candidates,
        None if place.code is None and not candidates else str(_edition(division, year)),
    )
