"""Rules across two years of one body: what was carried over, what is in force, what was copied (`--previous`).

Cells of last year's record are named `previous.<path>` in findings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from operator import eq, ge
from typing import TYPE_CHECKING, Any, Final

from extractor.document.bodies import same_body
from extractor.form import DISPUTE_BLOCKS, FORM, REQUEST_COLUMNS, TABLES, cell_paths
from extractor.results import Evidence, Value
from extractor.rules.case import Case
from extractor.rules.engine import PASS, Outcome, check, fail, not_assessable
from extractor.rules.measures import amount, in_yuan, lacking, number, plainly, unit_of
from extractor.rules.names import name_of

if TYPE_CHECKING:
    from extractor.claims.claim import Claim

PREVIOUS: Final = "previous."
# Figures that change by less than a thousand times from one year to the next.
STEADY = (
    "requests.new_received.total",
    "requests.total_processed.total",
    *(f"disclosure.{row}.decisions" for row in ("licensing", "penalties", "coercion")),
    "disclosure.normative_documents.in_force",
)
_THOUSAND, _FROM = 1000, 10
_SIGNIFICANT = 100  # a figure of three digits that comes back with noughts behind it is no accident
_DIFFERENT = 4
_TABLES = {section.key: f"{section.ordinal}、{section.label}" for section in FORM.sections if section.key in TABLES}
_AMOUNT = FORM.fields["amount"]


def last_year(case: Case) -> Case | None:
    """Last year's record, None where there is none or it is another body's or another year's."""
    before = case.previous
    if before is None or _not_last_year(case, before) or _not_the_body(case, before):
        return None
    return before


def _not_last_year(case: Case, before: Case) -> bool:
    return case.year is not None and before.year is not None and before.year != case.year - 1


def _not_the_body(case: Case, before: Case) -> bool:
    one, other = name_of(case), name_of(before)
    return bool(one and other) and not same_body(one, other)


@check("years.pair")
def pair(case: Case) -> Iterator[Outcome]:
    """The previous record is the same body's, of the year before; what is not known is taken to fit."""
    before = case.previous
    if before is None:
        return
    wrong: list[tuple[str, str]] = []
    if _not_last_year(case, before):
        wrong.append((f"年度是 {before.year}，不是 {(case.year or 0) - 1}", f"it is of {before.year}"))
    if _not_the_body(case, before):
        wrong.append((f"单位是“{before.organization}”，不是“{case.organization}”", f"it is {before.organization}'s"))
    if not wrong:
        yield PASS
        return
    words, words_en = zip(*wrong, strict=True)
    yield fail("years.pair", left=case.year, right=before.year, why="；".join(words), why_en=" and ".join(words_en))


@check("years.carried")
def carried(case: Case) -> Iterator[Outcome]:
    """carried_in(t) = carried_out(t−1), column by column."""
    before = last_year(case)
    if before is None:
        return
    for column in REQUEST_COLUMNS:
        here, there = f"requests.carried_in.{column}", f"requests.carried_out.{column}"
        into, out = number(case, here), number(before, there)
        if into is None and out is None and column != "total":
            continue  # reports that fill in only the totals
        words = FORM.words(here).rpartition(" · ")[2]
        yield _across(eq, "years.carried", case, before, here, there, of=column, column=words)


@check("years.in_force")
def in_force(case: Case) -> Iterator[Outcome]:
    """in_force(t) = in_force(t−1) + issued − repealed (2021 form on both sides)."""
    before = last_year(case)
    if before is None or case.form != "2021" or before.form != "2021":
        return
    for row in ("regulations", "normative_documents"):
        now, issued, repealed = (f"disclosure.{row}.{name}" for name in ("in_force", "issued", "repealed"))
        cells = (now, PREVIOUS + now, issued, repealed)
        left, stock, plus, minus = number(case, now), number(before, now), number(case, issued), number(case, repealed)
        if left is None or stock is None or plus is None or minus is None:
            if not left == stock == plus == minus:
                missing = _lacking(case, before, (now, issued, repealed), (now,))
                yield not_assessable("years.in_force", cells, of=row, **missing)
            continue
        right = stock + plus - minus
        if left == right:
            yield PASS
            continue
        finding = fail(
            "years.in_force",
            cells,
            of=row,
            left=left,
            right=right,
            suspects=cells,
            evidence=[piece for path in (now, issued, repealed) for piece in case.evidence(path)],
            row=FORM.words(now).partition(" · ")[0],
            stock=stock,
            plus=plus,
            minus=minus,
            hint="；有效期届满自动失效的文件也可能未计入废止" if left < right else "",
            hint_en="; documents that ran out may not be among the repealed" if left < right else "",
        )
        if left < right:
            finding.severity = "info"
        yield finding


@check("years.pending")
def pending(case: Case) -> Iterator[Outcome]:
    """total(t) ≥ pending(t−1): what was pending is concluded this year or pending still."""
    before = last_year(case)
    if before is None:
        return
    for block in DISPUTE_BLOCKS:
        here, there = f"{block}.total", f"{block}.pending"
        total, open_ = number(case, here), number(before, there)
        if open_ == 0:
            yield PASS
        elif total is not None or open_ is not None:
            words = FORM.words(here).partition(" · ")[0]
            yield _across(ge, "years.pending", case, before, here, there, of=block, block=words)


def _across(
    holds: Callable[[int, int], bool], code: str, case: Case, before: Case, here: str, there: str, of: str, **words: Any
) -> Outcome:
    """This year's cell `here` against last year's `there`."""
    cells = (here, PREVIOUS + there)
    now, then = number(case, here), number(before, there)
    if now is None or then is None:
        return not_assessable(code, cells, of=of, **_lacking(case, before, (here,), (there,)))
    if holds(now, then):
        return PASS
    seen = case.evidence(here)
    return fail(code, cells, of=of, left=now, right=then, suspects=cells, evidence=seen, **words)


@check("years.restated")
def restated(case: Case) -> Iterator[Outcome]:
    """What this year's narrative says of last year is what last year's report printed."""
    before = last_year(case)
    year = case.year or (None if before is None or before.year is None else before.year + 1)
    if before is None or year is None or not case.claims:
        return
    done: set[tuple[str, Value]] = set()
    for claim in case.claims:
        if claim.year != year - 1 or claim.scope != "body" or (claim.field, claim.value) in done:
            continue
        done.add((claim.field, claim.value))
        own, also = ([s for s in sums if all(path in before.values for path in s)] for sums in _sums_of(claim.field))
        if not own:
            continue
        printed = [value for paths in own if (value := _printed(before, paths, claim.unit)) is not None]
        others = [_printed(before, paths, claim.unit) for paths in also]
        if any(value is not None and _agree(claim, value) for value in (*printed, *others)):
            yield PASS
            continue
        cells = tuple(PREVIOUS + path for path in own[0])
        words = "、".join(f"上年 {FORM.words(path)}" for path in own[0])
        if not printed or None in others:
            yield not_assessable("years.restated", cells, of=claim.field, missing=words, missing_en=", ".join(cells))
            continue
        yield fail(
            "years.restated",
            cells,
            of=claim.field,
            left=claim.value,
            right=printed[0],
            suspects=cells,
            evidence=(Evidence(claim.field, claim.raw, claim.span),),
            words=words,
            said=f"{plainly(claim.value)}{claim.unit or ''}",
            printed=plainly(printed[0]),
        )


def _sums_of(field: str) -> tuple[Sequence[tuple[str, ...]], Sequence[tuple[str, ...]]]:
    """The cells whose sum a claim's field is (a group: its sub-rows or its own row), and its other meanings."""
    from extractor.claims.subjects import subjects

    subject = subjects().fields.get(field)
    if subject is None:
        return ((field,),), ()
    row = ((subject.group,),) if subject.group else ()
    return ((subject.cells,) if subject.cells else ()) + row, subject.also


def _printed(before: Case, paths: tuple[str, ...], unit: str | None) -> Value | None:
    """Last year's figure for a claim, an amount in the unit of the claim; None where a cell has no number."""
    if len(paths) == 1 and FORM.fields.get(paths[0].rpartition(".")[2]) is _AMOUNT:
        money = amount(before, paths[0])
        yuan = None if money is None else in_yuan(money, unit_of(before, paths[0]))
        one = in_yuan(1, unit or unit_of(before, paths[0]))
        return None if yuan is None or one is None else yuan / one
    values = [number(before, path) for path in paths]
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _agree(claim: Claim, printed: Value) -> bool:
    """Whether the words say the printed figure: exactly, rounded (amounts), or as openly as 余, 约, 多 leave it."""
    said = claim.value
    if claim.about == "at_least":
        return said <= printed
    if claim.about == "at_most":
        return printed <= said
    if claim.about == "about":
        return abs(Decimal(said) - printed) * 10 <= printed
    figure = Decimal(said)
    if (isinstance(said, Decimal) or re.search("[万亿]", claim.raw)) and -12 < figure.adjusted() < 18:
        exponent = figure.normalize().as_tuple().exponent  # 3104000 is said as 310.4万
        return abs(figure - printed) < Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)
    return said == printed


@check("years.table_repeated")
def table_repeated(case: Case) -> Iterator[Outcome]:
    """A table is not last year's, figure for figure."""
    before = last_year(case)
    if before is None:
        return
    paths_of = cell_paths(case.form if case.form in FORM.versions else "2021", case.printed_groups)
    for table in TABLES:
        paths = paths_of[table]
        figures = [case.values.get(path) for path in paths]
        different = {value for value in figures if value}
        if len(different) < _DIFFERENT:
            continue  # small tables repeat by themselves
        if figures != [before.values.get(path) for path in paths] or (
            table == "disclosure" and case.form != before.form
        ):
            yield PASS
            continue
        cells = [path for path, value in zip(paths, figures, strict=True) if value]
        yield fail("years.table_repeated", cells, of=table, table=_TABLES[table], n=len(cells), m=len(different))


@check("years.magnitude")
def magnitude(case: Case) -> Iterator[Outcome]:
    """No total is last year's with noughts behind it, or a thousand times more or less."""
    before = last_year(case)
    if before is None:
        return
    for path in STEADY:
        now, then = number(case, path), number(before, path)
        if not now or not then:
            continue
        small, large = min(now, then), max(now, then)
        shifted = small != large and small >= _SIGNIFICANT and str(large).rstrip("0") == str(small).rstrip("0")
        if not (shifted and len(str(small).rstrip("0")) >= 3) and not (small >= _FROM and large >= small * _THOUSAND):
            yield PASS
            continue
        yield fail(
            "years.magnitude",
            (path, PREVIOUS + path),
            of=path,
            left=now,
            right=then,
            suspects=(path, PREVIOUS + path),
            evidence=case.evidence(path),
            where=FORM.words(path),
            why="只差末尾的零" if shifted else "相差一千倍以上",
            why_en="the same figure with noughts behind it" if shifted else "a thousand times apart or more",
        )


def _lacking(case: Case, before: Case, here: Iterable[str], there: Iterable[str]) -> dict[str, str]:
    missing = [path for path in there if number(before, path) is None]
    return lacking(case, here, [(f"上年 {FORM.words(path)}", f"last year's {path}") for path in missing])
