"""Rules across bodies: a region's figures are not less than those of the bodies in it that are known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from extractor.form import DISPUTE_BLOCKS, FORM
from extractor.rules.case import Case
from extractor.rules.engine import PASS, Outcome, check, fail, not_assessable
from extractor.rules.measures import number
from extractor.rules.names import name_of

# Totals that a region's report adds up from its bodies' figures, where it does so at all.
SUMMED = (
    *(f"requests.{row}.total" for row in ("new_received", "carried_in", "granted", "total_processed", "carried_out")),
    *(f"disclosure.{row}.decisions" for row in ("licensing", "penalties", "coercion")),
    *(f"{block}.total" for block in DISPUTE_BLOCKS),
)

_OWN_REPORT = re.compile(r"(?:局|委员会|办公室|办公厅|委|中心|院)$")


@check("bodies.children")
def parts(case: Case) -> Iterator[Outcome]:
    """parent ≥ Σ known children; with a child missing it fails or is not assessable, never passes."""
    if not case.children and not case.missing_children:
        return
    children = _children(case)
    for path in SUMMED:
        if path not in case.values:
            continue
        known: list[tuple[str, int]] = []
        missing = list(case.missing_children)
        for name, child in children:
            value = number(child, path) if _same_year(case, child) else None
            if value is None:
                missing.append(name)
            else:
                known.append((name, value))
        yield _compare(case, path, known, missing)


def _compare(case: Case, path: str, known: Sequence[tuple[str, int]], missing: Sequence[str]) -> Outcome:
    whole, parts = number(case, path), sum(value for _, value in known)
    words = FORM.words(path)
    if whole is None:
        own = f"本级 {words}"
        finding = not_assessable("bodies.children", (path,), of=path, missing=own, missing_en=f"the body's own {path}")
        finding.right = parts
        return finding
    if whole < parts:
        finding = fail(
            "bodies.children",
            (path,),
            of=path,
            left=whole,
            right=parts,
            suspects=(path,),
            evidence=case.evidence(path),
            where=words,
            n=len(known),
            residual=parts - whole,
            largest="、".join(f"{name} {value}" for name, value in sorted(known, key=lambda one: -one[1])[:3]),
        )
        if _OWN_REPORT.search(name_of(case)):  # an office that may speak for itself alone
            finding.severity = "info"
        return finding
    if missing:
        finding = not_assessable(
            "bodies.children",
            (path,),
            of=path,
            missing=f"{'、'.join(missing)} 的数（{words}：本级 {whole}，已知 {len(known)} 个下级之和 {parts}，余 "
            f"{whole - parts}）",
            missing_en=f"what {', '.join(missing)} reported ({whole} here, {parts} in the {len(known)} known, "
            f"{whole - parts} left)",
        )
        finding.left, finding.right = whole, parts
        return finding
    return PASS


def _children(case: Case) -> list[tuple[str, Case]]:
    """The children by name; the body's own record and a second copy of one child are no further children."""
    out: list[tuple[str, Case]] = []
    seen = {name_of(case)} - {""}
    for index, child in enumerate(case.children, 1):
        name = name_of(child)
        if name in seen and _same_year(case, child):
            continue
        if name and _same_year(case, child):
            seen.add(name)
        out.append((name or f"第 {index} 个下级", child))
    return out


def _same_year(case: Case, child: Case) -> bool:
    return case.year is None or child.year is None or case.year == child.year
