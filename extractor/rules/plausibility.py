"""Figures that no equation forbids and that can hardly be: in one record, against its text, against last year."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal

from extractor.form import FORM
from extractor.results import Evidence, Finding
from extractor.rules.case import Case
from extractor.rules.engine import PASS, Outcome, check, fail, not_assessable
from extractor.rules.measures import (
    DECIMALS,
    FEES,
    FORM_UNIT,
    LEAST,
    MOST,
    TOO_BIG,
    amount,
    in_yuan,
    lacking,
    number,
    plainly,
    unit_of,
)
from extractor.rules.names import is_county, is_township, name_of
from extractor.rules.years import last_year

DOCUMENTS = ("regulations", "normative_documents")
# What ten thousand times too much looks like between two years: a factor of two either way is left to real change.
_NEAR_MYRIAD = (Decimal(5000), Decimal(20000))
_EXACT_MYRIAD = (Decimal(9950), Decimal(10050))
# 元 that a body of the level cannot take in a year. All of China takes some 4·10¹¹ 元 of these fees.
_ANY_BODY, _COUNTY, _TOWNSHIP, _TOWNSHIP_HARDLY = 10**11, 10**10, 10**9, 10**8


# ---------------------------------------------------------------- table 2 · 规章, 规范性文件


def _open(code: str, case: Case, paths: tuple[str, ...], row: str) -> Iterator[Outcome]:
    """Not assessable for want of some of the cells; where none has a number there is nothing to assess."""
    if any(number(case, path) is not None for path in paths):
        yield not_assessable(code, paths, of=row, **lacking(case, paths))


@check("disclosure.issued_over_in_force")
def issued_over_in_force(case: Case) -> Iterator[Outcome]:
    """issued ≤ in_force: what was issued this year is in force, unless it was repealed within the year."""
    code = "disclosure.issued_over_in_force"
    for row in DOCUMENTS:
        issued_at, repealed_at, in_force_at = (
            f"disclosure.{row}.{name}" for name in ("issued", "repealed", "in_force")
        )
        issued, in_force = number(case, issued_at), number(case, in_force_at)
        if issued == 0:
            yield PASS
        elif issued is None or in_force is None:
            yield from _open(code, case, (issued_at, in_force_at), row)
        elif issued <= in_force:
            yield PASS
        else:
            repealed = number(case, repealed_at)
            finding = fail(
                code,
                (issued_at, in_force_at),
                of=row,
                left=issued,
                right=in_force,
                suspects=(issued_at, in_force_at),
                evidence=(*case.evidence(issued_at), *case.evidence(in_force_at)),
                row=FORM.words(issued_at).partition(" · ")[0],
            )
            if repealed is None or issued - repealed <= in_force:  # they may have been repealed within the year
                finding.severity = "info"
            yield finding


@check("disclosure.repealed_over_stock")
def repealed_over_stock(case: Case) -> Iterator[Outcome]:
    """repealed ≤ in_force + issued: more was repealed than all that is left and new."""
    code = "disclosure.repealed_over_stock"
    for row in DOCUMENTS:
        paths = tuple(f"disclosure.{row}.{name}" for name in ("repealed", "in_force", "issued"))
        repealed, in_force, issued = (number(case, path) for path in paths)
        if repealed == 0:
            yield PASS
        elif repealed is None or in_force is None or issued is None:
            yield from _open(code, case, paths, row)
        elif repealed <= in_force + issued:
            yield PASS
        else:
            yield fail(
                code,
                paths,
                of=row,
                left=repealed,
                right=in_force + issued,
                suspects=paths[:2],
                evidence=(*case.evidence(paths[0]), *case.evidence(paths[1])),
                row=FORM.words(paths[0]).partition(" · ")[0],
            )


@check("disclosure.published_over_total")
def published_over_total(case: Case) -> Iterator[Outcome]:
    """2019 form: published ≤ public_total."""
    code = "disclosure.published_over_total"
    for row in DOCUMENTS:
        paths = (f"disclosure.{row}.published", f"disclosure.{row}.public_total")
        new, total = (number(case, path) for path in paths)
        if new == 0:
            yield PASS
        elif new is None or total is None:
            yield from _open(code, case, paths, row)
        elif new <= total:
            yield PASS
        else:
            where = FORM.words(paths[0]).partition(" · ")[0]
            seen = (*case.evidence(paths[0]), *case.evidence(paths[1]))
            yield fail(code, paths, of=row, left=new, right=total, suspects=paths, evidence=seen, row=where)


@check("disclosure.items_below_zero")
def items_below_zero(case: Case) -> Iterator[Outcome]:
    """2019 form: previous_items + change ≥ 0."""
    code = "disclosure.items_below_zero"
    for row in ("licensing", "other_services", "penalties", "coercion", "fees"):
        paths = (f"disclosure.{row}.previous_items", f"disclosure.{row}.change")
        before, change = case.count(paths[0]), case.count(paths[1])
        if before is None and change is None:
            continue
        if change is not None and change >= 0:
            yield PASS
        elif before is None or change is None:
            names = [path for path in paths if case.count(path) is None]
            yield not_assessable(
                code, paths, of=row, missing="、".join(map(FORM.words, names)), missing_en=", ".join(names)
            )
        elif before + change >= 0:
            yield PASS
        elif number(case, paths[0]) is not None and change > -TOO_BIG:
            where = FORM.words(paths[0]).partition(" · ")[0]
            seen = (*case.evidence(paths[0]), *case.evidence(paths[1]))
            yield fail(code, paths, of=row, left=before, right=-change, suspects=paths, evidence=seen, row=where)


@check("disclosure.regulations_without_power")
def regulations_without_power(case: Case) -> Iterator[Outcome]:
    """A township or a county body has no 规章 of its own."""
    name = name_of(case)
    township = is_township(name)
    if not (township or is_county(name)):
        return
    # In the 2019 form 公开 may count what others made and the body put on its site; 制作 may not.
    names = ("made",) if case.form == "2019" else ("issued", "repealed", "in_force")
    paths = tuple(f"disclosure.regulations.{field}" for field in names)
    known = [path for path in paths if number(case, path) is not None]
    own = [path for path in known if number(case, path)]
    if own:
        finding = fail(
            "disclosure.regulations_without_power",
            own,
            left=number(case, own[0]),
            suspects=own,
            evidence=[piece for path in own for piece in case.evidence(path)],
            name=name,
            shown="、".join(f"{FORM.words(path).partition(' · ')[2]} {number(case, path)}" for path in own),
            shown_en=", ".join(f"{path} = {number(case, path)}" for path in own),
        )
        if not township:
            finding.severity = "info"
        yield finding
    elif known:
        yield PASS


# ---------------------------------------------------------------- table 2 · amounts


@check("disclosure.fee_magnitude")
def fee_magnitude(case: Case) -> Iterator[Outcome]:
    """元 for 万元: ten thousand times last year's, ten thousand times the narrative's, more than the level takes."""
    value = amount(case, FEES)
    money = None if value is None else in_yuan(value, unit_of(case))
    if not value or not money:
        return
    yield from _against_last_year(case, value, money)
    yield from _against_narrative(case, value, money)
    name = name_of(case)
    bound, level, level_en = _ANY_BODY, "任何机关", "no body"
    if is_township(name):
        bound, level, level_en = _TOWNSHIP_HARDLY, "乡镇、街道", "no township"
    elif is_county(name):
        bound, level, level_en = _COUNTY, "县级机关", "no body of a county"
    if money < bound:
        yield PASS
        return
    why = f"合 {money / 10**8:.2f} 亿元，{level}一年难以收到"
    finding = _magnitude(case, "level", value, None, (), why, f"{level_en} takes {plainly(money)} 元 in a year")
    if bound == _TOWNSHIP_HARDLY and money < _TOWNSHIP:
        finding.severity = "info"
    yield finding


def _against_last_year(case: Case, value: Decimal, money: Decimal) -> Iterator[Outcome]:
    before = last_year(case)
    if before is None:
        return
    old, unit = amount(before, FEES), unit_of(before)
    old_money = None if old is None else in_yuan(old, unit)
    if not old or not old_money:
        return
    ratio = max(money, old_money) / min(money, old_money)
    if not _NEAR_MYRIAD[0] <= ratio <= _NEAR_MYRIAD[1]:
        yield PASS
        return
    why = f"上年是 {plainly(old)} {unit}，相差约一万倍"
    why_en = f"last year it was {plainly(old)} {unit}, about ten thousand times apart"
    yield _magnitude(case, "previous", value, old, (), why, why_en)


def _against_narrative(case: Case, value: Decimal, money: Decimal) -> Iterator[Outcome]:
    off: list[tuple[Decimal, str | None, Evidence]] = []
    for claim in case.claims or ():
        if claim.field != FEES or claim.year != case.year or not LEAST <= claim.value < MOST:
            continue
        figure = Decimal(claim.value)
        said = in_yuan(figure, claim.unit)
        if said is None:
            continue
        ratio = max(money, said) / min(money, said)
        if ratio < 2:
            yield PASS
            return
        if _EXACT_MYRIAD[0] <= ratio <= _EXACT_MYRIAD[1]:
            off.append((figure, claim.unit, Evidence(FEES, claim.raw, claim.span)))
    for figure, unit, place in off[:1]:
        why = f"文字中是 {plainly(figure)} {unit}，正好相差一万倍"
        why_en = f"the narrative says {plainly(figure)} {unit}, ten thousand times apart"
        yield _magnitude(case, "narrative", value, figure, (place,), why, why_en)


def _magnitude(
    case: Case, of: str, value: Decimal, right: Decimal | None, places: Iterable[Evidence], why: str, why_en: str
) -> Finding:
    return fail(
        "disclosure.fee_magnitude",
        (FEES,),
        of=of,
        left=value,
        right=right,
        suspects=(FEES,),
        evidence=(*case.evidence(FEES), *places),
        shown=f"{plainly(value)} {unit_of(case)}",
        why=why,
        why_en=why_en,
    )


@check("disclosure.fee_unit")
def fee_unit(case: Case) -> Iterator[Outcome]:
    """The unit printed is the form's 万元."""
    value = amount(case, FEES)
    if not value or not case.units.get(FEES):
        return
    unit = unit_of(case)
    if unit == FORM_UNIT:
        yield PASS
        return
    seen = case.evidence(FEES)
    yield fail("disclosure.fee_unit", (FEES,), left=value, evidence=seen, shown=plainly(value), unit=unit)


@check("disclosure.amount_decimals")
def amount_decimals(case: Case) -> Iterator[Outcome]:
    """No amount is finer than 分."""
    for row in ("fees", "procurement"):
        path = f"disclosure.{row}.amount"
        value = amount(case, path)
        if value is None:
            continue
        unit = unit_of(case, path) or FORM_UNIT  # the coarser of the two that are printed: fewer alarms
        most = DECIMALS.get(unit)
        if most is None:
            continue
        exponent = value.normalize().as_tuple().exponent if value else 0
        places = -exponent if isinstance(exponent, int) and exponent < 0 else 0
        if places <= most:
            yield PASS
            continue
        yield fail(
            "disclosure.amount_decimals",
            (path,),
            of=row,
            left=value,
            suspects=(path,),
            evidence=case.evidence(path),
            where=FORM.words(path),
            shown=plainly(value),
            unit=unit,
            n=places,
            most=most,
        )


_WORDINGS = next(row.label.wordings for row in FORM.disclosure if row.key == "fees")
# The figure may follow the amount's unit; behind it stands a space, a cell border or the line's end.
_BEHIND = re.compile(r"(?: *[十百千万亿]{0,2}元)?(?P<gap>[ \t|]+)(?P<figure>\d[\d,]*(?:\.\d+)?)(?=[ \t|]|$)")
_BROKEN = re.compile(r"\d[\d,.]*(?: *[十百千万亿]{0,2}元)?(?P<gap>[ \t]+)(?P<figure>\d[\d,.]*)")
_ROW = re.compile(rf"(?:{'|'.join(_WORDINGS)})[ \t|]*(?P<amount>\d[\d,]*(?:\.\d+)?)(?=[ \t|]+\d)")
_LONG_LINE = 400  # a text that lost its line ends, where a page number may stand behind anything
_HEADINGS = tuple(wording for section in FORM.sections for wording in section.wordings)


@check("disclosure.stray_behind_amount")
def stray_behind_amount(case: Case) -> Iterator[Outcome]:
    """No second figure stands behind the amount on its line."""
    span = _amount_at(case)
    if case.words is None or span is None:
        return
    norm, (start, end) = case.words.norm, span
    line_start, line_end = norm.rfind("\n", 0, start) + 1, norm.find("\n", end)
    line_end = case.words.end if line_end < 0 else min(line_end, case.words.end)
    inside = _BROKEN.match(norm, start, end)
    behind = inside or _BEHIND.match(norm, end, line_end)
    value = amount(case, FEES)
    if behind is None or not (inside or _is_stray(behind, norm[behind.end() : line_end], value)):
        yield PASS
        return
    at = behind.span("figure")
    finding = fail(
        "disclosure.stray_behind_amount",
        (FEES,),
        left=value,
        suspects=(FEES,),
        evidence=[Evidence(FEES, case.words.text[slice(*place)], place) for place in (span, at)],
        shown=case.words.text[start : behind.start("gap") if inside else end],
        stray=behind["figure"],
    )
    if line_end - line_start > _LONG_LINE:
        finding.severity = "info"
    yield finding


def _amount_at(case: Case) -> tuple[int, int] | None:
    """Where the amount is printed; where the reader could not say which of two figures it is, the first of them."""
    cell = case.cells.get(FEES)
    if case.words is None or cell is None:
        return None
    if cell.span is not None or cell.state != "ambiguous":
        return cell.span
    found = [match.span("amount") for match in _ROW.finditer(case.words.norm, case.words.start, case.words.end)]
    return found[0] if len(found) == 1 else None


def _is_stray(behind: re.Match[str], tail: str, value: Decimal | None) -> bool:
    """Whether the figure is neither a heading's or a page's number nor the copy of a merged cell."""
    tail = tail.lstrip(" \t|")
    if tail.startswith(("、", ".", ",", ")", "/", "-", "页")) or re.sub(r"\s", "", tail[:40]).startswith(_HEADINGS):
        return False
    if len(behind["gap"]) == 1 and behind["gap"] == " ":
        return True
    figure = Decimal(behind["figure"].replace(",", ""))
    return figure not in (0, value)


# ---------------------------------------------------------------- table 4


@check("disputes.after_without_reconsideration")
def after_without_reconsideration(case: Case) -> Iterator[Outcome]:
    """复议后起诉 > 0 asks for a review that was concluded, this year or the year before."""
    code, path = "disputes.after_without_reconsideration", "litigation_after_reconsideration.total"
    suits = number(case, path)
    if suits is None:
        return
    concluded = tuple(f"reconsideration.{name}" for name in ("upheld", "corrected", "other"))
    before = last_year(case)
    here = [number(case, one) for one in concluded]
    earlier = [] if before is None else [number(before, one) for one in concluded]
    if suits == 0 or any(here) or any(earlier):
        yield PASS
        return
    if None in here and number(case, "reconsideration.total") != 0:
        yield not_assessable(code, (path, *concluded), **lacking(case, concluded))
        return
    zeros = len(earlier) == len(concluded) and None not in earlier
    yield fail(
        code,
        (path, *concluded),
        left=suits,
        right=0,
        suspects=(path, *concluded),
        evidence=case.evidence(path),
        when="本年和上年" if zeros else "本年",
        when_en="this year or last" if zeros else "this year",
    )
