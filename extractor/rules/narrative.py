"""What the narrative says against what the tables print: compared only where scope and year agree, and called a
contradiction only where no sum, part or rounding explains it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import combinations
from typing import TYPE_CHECKING

from extractor.form import FORM
from extractor.results import TRUSTED, Blame, Evidence, Value, plain
from extractor.rules.blame import table_of
from extractor.rules.case import Case
from extractor.rules.engine import PASS, Outcome, check, fail

if TYPE_CHECKING:
    from extractor.claims.claim import Claim

_FEE = "disclosure.fees.amount"
_PROCESSING_FEE = "processing_fee.amount"
_YUAN = {"元": Decimal(1), "万元": Decimal(10_000), "亿元": Decimal(100_000_000)}
_MOST_PARTS = 8


@check("narrative.requests")
def requests(case: Case) -> Iterator[Outcome]:
    """Claims on rows of table 3."""
    yield from _compare(case, "narrative.requests", ("requests",))


@check("narrative.disputes")
def disputes(case: Case) -> Iterator[Outcome]:
    """Claims on reviews and lawsuits."""
    heads = ("reconsideration", "litigation", "litigation_direct", "litigation_after_reconsideration")
    yield from _compare(case, "narrative.disputes", heads)


@check("narrative.disclosure")
def disclosure(case: Case) -> Iterator[Outcome]:
    """Claims on rows of table 2."""
    yield from _compare(case, "narrative.disclosure", ("disclosure",))


def _compare(case: Case, code: str, heads: tuple[str, ...]) -> Iterator[Outcome]:
    from extractor.claims.subjects import subjects

    for field, claims in _by_field(case, heads).items():
        subject = subjects().fields.get(field)
        if subject is None:
            continue
        # A group's own row stands for its sub-rows where these are not printed.
        whole = subject.group is not None and subject.group.split(".")[1] in case.without_sub_rows
        cells = (subject.group,) if whole and subject.group else subject.cells
        printed = _sum(case, cells)
        if printed is None:
            continue  # no such cell in this form, or no number in it: structure.* and the equations speak of that
        values = [_as_printed(case, field, claim) for claim in claims]
        sums = [total for paths in subject.also if (total := _sum(case, paths)) is not None]
        for claim, value in zip(claims, values, strict=True):
            agrees = _fits(claim, value, printed) or any(_fits(claim, value, total) for total in sums)
            if agrees or _part(claim, claims, values, printed):
                yield PASS
                continue
            if len(sums) < len(subject.also):
                continue  # what else the words may mean has no number
            blame, reason = _blame(case, cells)
            yield fail(
                code,
                cells,
                of=field.removeprefix(code.rpartition(".")[2] + "."),
                left=claim.value,
                right=_plain(printed),
                evidence=[Evidence("narrative", claim.raw, claim.span), *_evidence(case, cells)],
                blame=blame,
                reason=reason,
                field=field,
                name=_name(field),
                said=f"{claim.raw}{claim.unit or ''}"
                if claim.raw[:1].isdigit()
                else f"{plain(claim.value)}（{claim.raw}）",
            )


def _by_field(case: Case, heads: tuple[str, ...]) -> dict[str, list[Claim]]:
    """The comparable claims, by field."""
    found: dict[str, list[Claim]] = {}
    for claim in case.claims or ():
        if claim.field.partition(".")[0] in heads and claim.year is not None and claim.year == case.year:
            found.setdefault(claim.field, []).append(claim)
    return {field: kept for field, claims in found.items() if (kept := _in_scope(case, claims))}


def _in_scope(case: Case, claims: list[Claim]) -> list[Claim]:
    """Claims of the body's own; those of its whole region too where the body is the region's government and the words
    give no other number for the body alone (a county's report may count all its offices)."""
    own = [claim for claim in claims if claim.scope == "body"]
    region = [claim for claim in claims if claim.scope == "region"]
    if own or not region or any(claim.scope == "office" for claim in claims):
        return own
    name = (case.organization or "").removesuffix("人民政府")
    return region if name.endswith(("省", "市", "县", "区", "旗", "州", "盟", "镇", "乡")) else []


def _sum(case: Case, cells: Sequence[str]) -> Value | None:
    values = [case.values.get(path) for path in cells]
    known = [value for value in values if value is not None]
    if not known or len(known) != len(values):
        return None
    return sum(known[1:], start=known[0])


def _as_printed(case: Case, field: str, claim: Claim) -> Value:
    """A claim's value in the unit of the cell that it is compared with."""
    unit, printed = _YUAN.get(claim.unit or ""), _YUAN.get(case.units.get(field) or "")
    if not field.endswith(".amount") or unit is None or printed is None or unit == printed:
        return claim.value
    return Decimal(claim.value) * unit / printed


def _fits(claim: Claim, value: Value, printed: Value) -> bool:
    if value == printed:
        return True
    if claim.about == "at_least":
        return printed >= value
    if claim.about == "at_most":
        return printed <= value
    if claim.about == "about" or "万" in claim.raw:
        # 20余 is 20 to 29, 约300 some tens around it: one step of the last digit that is not 0.
        slack: Decimal = max(_step(value), abs(Decimal(value)) / Decimal(10))
        return abs(Decimal(printed) - Decimal(value)) < slack
    if isinstance(value, Decimal) and isinstance(printed, Decimal):
        step = Decimal(1).scaleb(_exponent(value))
        return abs(printed - value) < step and _exponent(printed) < _exponent(value)  # the words may round, or cut off
    return False


def _exponent(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _step(value: Value) -> Decimal:
    return Decimal(1).scaleb(_exponent(Decimal(value))) if value else Decimal(1)


def _part(claim: Claim, claims: Sequence[Claim], values: Sequence[Value], printed: Value) -> bool:
    """Whether the words give the cell's number in parts, or elsewhere in full and here a part of it."""
    own = values[claims.index(claim)]
    if any(_fits(other, value, printed) for other, value in zip(claims, values, strict=True) if other is not claim):
        return 0 < own < printed
    if len(values) > _MOST_PARTS:
        return False
    others = [value for other, value in zip(claims, values, strict=True) if other is not claim]
    return any(own + sum(chosen) == printed for n in range(1, len(others) + 1) for chosen in combinations(others, n))


def _blame(case: Case, cells: Sequence[str]) -> tuple[Blame, str]:
    path = cells[0]
    verdict = case.verdicts.get(table_of(path))
    if verdict in TRUSTED:
        return "source", "表中的数已得到证明，正文另有说法 / the table's number is proved, the words differ"
    return "undecided", "表的读法未得到证明 / the table's reading is not proved"


def _evidence(case: Case, cells: Sequence[str]) -> Iterator[Evidence]:
    for path in cells[:4]:
        yield from case.evidence(path)


def _plain(value: Value) -> Value:
    """A sum of money without the noughts behind its point; never with an exponent."""
    return Decimal(format(value.normalize(), "f")) if isinstance(value, Decimal) else value


def _name(field: str) -> str:
    try:
        return f"“{FORM.words(field)}”"
    except (StopIteration, KeyError):
        return f"“{'行政诉讼' if field.startswith('litigation') else field}”"


# ------------------------------------------------------------------------------- section 六


def _fees(case: Case) -> list[tuple[Claim, Decimal]]:
    """What the words say of the processing fee, in yuan."""
    return [
        (claim, Decimal(claim.value) * _YUAN.get(claim.unit or "元", Decimal(1)))
        for claim in case.claims or ()
        if claim.field == _PROCESSING_FEE and claim.scope in ("body", "region") and claim.year == case.year
        if claim.year is not None and claim.about is None
    ]


@check("narrative.processing_fee")
def processing_fee(case: Case) -> Iterator[Outcome]:
    """Statements on the processing fee that contradict one another: nil in one place, an amount in another."""
    fees = _fees(case)
    if len(fees) < 2:
        return
    nil = next((claim for claim, yuan in fees if yuan == 0), None)
    some = next((claim for claim, yuan in fees if yuan > 0), None)
    if nil is None or some is None:
        yield PASS
        return
    yield fail(
        "narrative.processing_fee",
        left=nil.value,
        right=some.value,
        evidence=[Evidence("narrative", claim.raw, claim.span) for claim in (nil, some)],
    )


@check("narrative.fees_confused")
def fees_confused(case: Case) -> Iterator[Outcome]:
    """The processing fee entered as table 2's fee."""
    amount, unit = case.values.get(_FEE), _YUAN.get(case.units.get(_FEE) or "万元")
    fees = [(claim, yuan) for claim, yuan in _fees(case) if yuan > 0]
    if amount is None or unit is None or not fees:
        return
    for claim, yuan in fees:
        if yuan == amount * unit:
            yield fail(
                "narrative.fees_confused",
                (_FEE,),
                left=_plain(yuan),
                right=_plain(Decimal(amount * unit)),
                suspects=(_FEE,),
                evidence=[Evidence("narrative", claim.raw, claim.span), *case.evidence(_FEE)],
            )
            return
    yield PASS
