"""Corrupts reports and readings and looks who is blamed.

`python -m extractor.eval.mutations [--documents N] [--seed S] [--short] [--examples N] [--out FILE.md]`
The source: other figures are printed and the report is read again; a broken sum must not pass, and is the source's.
The reading: a right line is changed as a misreading would; `gouji check` must notice, and not blame the source.
Exit 1 if a broken sum was passed over or the wrong one was blamed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from extractor.eval.generated import generated
from extractor.eval.gold import load
from extractor.eval.misreading import READING, Judge, Judged, judged, misread
from extractor.eval.mutating import FIGURES, SOURCE, Line, Mutant, Read, Sheet, sheets
from extractor.eval.pairing import pair
from extractor.eval.planted import rows_of
from extractor.eval.score import TRUSTED, WRONG, outcome, table_of

from extractor.results import Finding

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
DOCUMENTS, SHORT = 400, 24
_NONE: Line = {"verdicts": {}, "cells": [], "findings": [], "record": None}


def read(text: str, source: str) -> list[Line]:
    """The reader's lines."""
    from extractor.eval.systems import Rule

    return Rule().read(text, source)


def judge(line: Line) -> Sequence[Finding]:
    """What `gouji check` finds in a line."""
    from extractor.rules.intake import parse, take
    from extractor.rules.session import judge as check

    return check(take(parse(json.dumps(line).encode()), 1)).findings


# ---------------------------------------------------------------- the source corrupted


@dataclass(frozen=True, slots=True)
class Reread:
    """What came of a mutated report, in the mutated table. `faults`: its failed equations' blames; `partly`, `named`: a
    changed cell, every changed cell that prints a number, is a suspect. `wrong`: numbers that are not printed so, in
    trusted tables (all three); `doubtful`: in others; `unread`: printed numbers without a value; `whole`: the table
    has no blank cell."""

    mutant: Mutant
    name: str
    verdict: str
    faults: tuple[str, ...]
    partly: bool
    named: bool
    wrong: tuple[str, ...]
    doubtful: int
    unread: int
    whole: bool

    @property
    def passed_over(self) -> bool:
        """Trusted, and nothing said of the broken sum."""
        return self.mutant.breaks and self.verdict in TRUSTED and not self.faults

    @property
    def misblamed(self) -> bool:
        """The source is blamed where it breaks nothing, or the reading though it is trusted. (After a change of figures
        beside blank cells several sums may contradict each other though none does alone.)"""
        if self.mutant.breaks or self.mutant.kind in FIGURES:
            return self.verdict in TRUSTED and "extraction" in self.faults
        return "source" in self.faults

    @property
    def doubted(self) -> bool:
        """The page shows which figure stands where, and the misprint is called our misreading."""
        return self.mutant.breaks and self.mutant.shown and "extraction" in self.faults

    def words(self) -> str:
        """One line that says what happened."""
        told = f"{self.verdict}, blame {sorted(set(self.faults))}, wrong {list(self.wrong[:3])}"
        return f"{self.mutant.kind} · {self.name} · {self.mutant.changes} · {told}"


def reread(sheet: Sheet, mutant: Mutant, reading: Read) -> Reread:
    """The mutated report read again, against what it prints."""
    results = reading(mutant.text, sheet.file)
    line = (pair(sheet.labels, results)[0][sheet.number] if results else None) or _NONE
    verdicts = line["verdicts"]
    failed = [
        one for one in line["findings"]
        if one["status"] == "fail" and one["severity"] == "error" and ".reading." not in one["rule"]
        and _table(one["rule"]) == mutant.table
    ]  # fmt: skip
    suspects = {cell for one in failed for cell in one["suspects"]}
    printing = {path for path, value in mutant.changes.items() if value is not None}
    cells = {cell["path"]: cell for cell in line["cells"]}
    wrong, doubtful, unread = [], 0, 0
    for path, gold in {**sheet.gold, **mutant.changes}.items():
        trusted = verdicts.get(table_of(path)) in TRUSTED
        if path.endswith(".unit"):
            said = (cells.get(path.removesuffix("unit") + "amount") or {}).get("unit")
            what = "right" if said == gold else "missed" if said is None else "wrong"
        else:
            what = outcome(gold, cells.get(path), trusted)
        if what in WRONG and outcome(sheet.gold.get(path), sheet.cells.get(path), True) not in WRONG:
            wrong += [path] if trusted else []
            doubtful += not trusted
        unread += what in ("missed", "refused") and table_of(path) == mutant.table
    return Reread(
        mutant=mutant,
        name=sheet.name,
        verdict=verdicts.get(mutant.table, "failed"),
        faults=tuple(one["blame"] for one in failed),
        partly=bool(printing & suspects),
        named=bool(suspects) and printing <= suspects,
        wrong=tuple(wrong),
        doubtful=doubtful,
        unread=unread,
        whole=all(v is not None for p, v in {**sheet.gold, **mutant.changes}.items() if table_of(p) == mutant.table),
    )


def _table(rule: str) -> str:
    """The table that a failed equation is about."""
    head = rule.partition(".")[0]
    return head if head in ("disclosure", "requests") else "disputes"


# ---------------------------------------------------------------- measuring


@dataclass(slots=True)
class Measured:
    """Everything that is measured. `alarms`: right lines in which a rule on the line itself fails."""

    reports: int = 0
    tables: Counter[str] = field(default_factory=Counter)
    alarms: int = 0
    source: list[Reread] = field(default_factory=list)
    reading: list[Judged] = field(default_factory=list)


def measure(found: Iterable[Sheet], seed: int, reading: Read = read, judging: Judge = judge) -> Measured:
    """One mutation of every kind for each report. `reading` and `judging` are what is measured."""
    out = Measured()
    for sheet in found:
        out.reports += 1
        out.tables.update(sheet.tables)
        before = judging(sheet.line)
        out.alarms += any(f.rule.startswith("record.") for f in before)
        for kind, mutate in SOURCE.items():
            mutant = mutate(sheet, Random(f"{seed}:{sheet.name}:{kind}"))
            if mutant is not None:
                out.source.append(reread(sheet, mutant, reading))
        for kind in READING:
            for too in (False, True):
                one = misread(sheet, kind, Random(f"{seed}:{sheet.name}:{kind}"), verdict_too=too)
                if one is not None:
                    out.reading.append(judged(sheet, one, before, judging, too))
    return out


def fixtures_and_generated(documents: int, seed: int, fixtures: Path = FIXTURES) -> Iterator[Sheet]:
    """The labelled fixtures, where they are, and so many generated files."""
    if (fixtures / "gold").is_dir():
        yield from sheets(load(fixtures / "gold", fixtures / "reports"), read)
    yield from sheets(generated(documents, seed), read)


# ---------------------------------------------------------------- report


_NOT_SHOWN = """
A sum breaks, and the page does not show by figures and borders which figure stands where: figures run together, cells
without a place, a blank between spaces or beside the labels. Another reading, in which every sum holds, may be the
better one (rows do lose a cell), so nothing here has a target.
"""


def lines(out: Measured, documents: int, seed: int) -> Iterator[str]:
    """The page."""
    tables = ", ".join(f"{many} of {table}" for table, many in sorted(out.tables.items()))
    yield f"""# Mutations

Written by `make mutations`: the labelled fixtures and {documents} generated files from seed {seed}. {out.reports}
reports have a table that is trusted, read as labelled and true ({tables}).
One mutation of every kind for each report that has a place for it.

## The source corrupted

The text prints something else and is read again. *Passed over*: trusted, and nothing said of the broken sum. *Named*:
a changed cell is a suspect (*all*: every one that prints a number), of the inconsistent tables. *Wrong*: numbers in
trusted tables that are not printed so.

A sum breaks, and the page shows which figure stands where: the right blame is `source`.
"""
    heads = ["mutation", "tried", "passed over", "inconsistent", "named", "all", "needs review", "source", "extraction",
             "undecided", "wrong"]  # fmt: skip
    for shown in (True, False):
        if not shown:
            yield _NOT_SHOWN
        own = [one for one in out.source if one.mutant.breaks and one.mutant.shown is shown]
        yield from rows_of(heads, _grouped(own, lambda one: one.mutant.kind, _broken_row))
    yield """
No sum breaks: the reading must follow the print (a cell that prints nothing may be derived). *Faults*: tables in which
an equation is said to fail all the same, in brackets those blamed on the source; where figures were changed beside
blank cells, several sums may contradict each other though none does alone. *Unread*: printed numbers without a value.
"""
    heads = ["mutation", "tried", "trusted", "needs review", "failed", "faults", "wrong", "wrong in doubt", "unread"]
    own = [one for one in out.source if not one.mutant.breaks]
    yield from rows_of(heads, _grouped(own, lambda one: one.mutant.kind, _holding_row))
    yield f"""
## The reading corrupted

A right line of `extract --json` is changed and judged by `gouji check`. Right lines in which it finds a fault of
the line: {out.alarms}. *Told*: the line contradicts itself (record, cell, print, place, or a sum that its verdict says
holds). *Untold*: a consistent lie, of which only the text could tell. *Breaks*: a sum is broken by the record.
"""
    heads = ["misreading", "tried", "told", "noticed", "not noticed", "breaks", "passed over", "source blamed",
             "extraction", "undecided", "untold", "noticed"]  # fmt: skip
    own_lines = [one for one in out.reading if not one.verdict_too]
    yield from rows_of(heads, _grouped(own_lines, lambda one: one.misreading.kind, _misread_row))
    yield """
The same, where a sum breaks and the line's verdict says so too (`inconsistent`): untold is then what a true misprint
would look like, and blaming the source for it cannot be avoided without the text.
"""
    heads = ["misreading", "tried", "told", "noticed", "source blamed", "untold", "source blamed"]
    own_lines = [one for one in out.reading if one.verdict_too]
    yield from rows_of(heads, _grouped(own_lines, lambda one: one.misreading.kind, _lying_row))
    yield ""
    for name, met in targets(out):
        yield f"- {'met' if met else 'missed'}: {name}"


def _grouped(
    own: Sequence[Any], kind: Callable[[Any], str], row: Callable[[Sequence[Any]], list[Any]]
) -> list[list[str]]:
    groups = {name: [one for one in own if kind(one) == name] for name in (*SOURCE, *READING)}
    groups["**all**"] = list(own)
    return [[name, *map(str, row(some))] for name, some in groups.items() if some]


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else ""


def _broken_row(some: Sequence[Reread]) -> list[Any]:
    inconsistent = [one for one in some if one.verdict == "inconsistent"]
    return [
        len(some),
        sum(one.passed_over for one in some),
        len(inconsistent),
        _share(sum(one.partly for one in inconsistent), len(inconsistent)),
        _share(sum(one.named for one in inconsistent), len(inconsistent)),
        sum(one.verdict not in TRUSTED for one in some),
        *(sum(blame in one.faults for one in some) for blame in ("source", "extraction", "undecided")),
        sum(len(one.wrong) for one in some),
    ]


def _holding_row(some: Sequence[Reread]) -> list[Any]:
    faults = [one for one in some if one.faults]
    return [
        len(some),
        sum(one.verdict in TRUSTED for one in some),
        *(sum(one.verdict == verdict for one in some) for verdict in ("needs_review", "failed")),
        f"{len(faults)} ({sum('source' in one.faults for one in faults)})",
        *(sum(numbers) for numbers in zip(*((len(o.wrong), o.doubtful, o.unread) for o in some), strict=True)),
    ]


def _misread_row(some: Sequence[Judged]) -> list[Any]:
    told = [one for one in some if one.misreading.told]
    untold = [one for one in some if not one.misreading.told]
    return [
        len(some),
        len(told),
        sum(bool(one.noticed) for one in told),
        sum(not one.noticed for one in told),
        sum(one.misreading.breaks for one in some),
        sum(one.passed_over for one in some),
        *(sum(blame in one.faults for one in some) for blame in ("source", "extraction", "undecided")),
        len(untold),
        sum(bool(one.noticed) for one in untold),
    ]


def _lying_row(some: Sequence[Judged]) -> list[Any]:
    told = [one for one in some if one.misreading.told]
    untold = [one for one in some if not one.misreading.told]
    return [
        len(some), len(told), sum(bool(o.noticed) for o in told), sum(o.blamed for o in told), len(untold),
        sum(o.blamed for o in untold),
    ]  # fmt: skip


def fatal(out: Measured) -> list[Reread | Judged]:
    """What must not be: passed over, or the wrong one blamed where it can be told."""
    wrong: list[Reread | Judged] = [
        one for one in out.source if (one.passed_over and one.mutant.shown) or one.misblamed
    ]
    return wrong + [one for one in out.reading if one.passed_over or (one.blamed and one.misreading.told)]


def targets(out: Measured) -> list[tuple[str, bool]]:
    """What is asked for, and whether it is met."""
    shown = [one for one in out.source if one.mutant.breaks and one.mutant.shown]
    told = [one for one in out.reading if one.misreading.told]
    found = {
        "broken sums passed over, source": sum(one.passed_over for one in shown),
        "broken sums passed over, reading": sum(one.passed_over for one in out.reading),
        "sources blamed that break nothing, trusted readings blamed": sum(one.misblamed for one in out.source),
        "misprints that the page shows, called a misreading by a reader in doubt": sum(one.doubted for one in shown),
        "misreadings that can be told, blamed on the source": sum(one.blamed for one in told),
        "misreadings that can be told, not noticed": sum(not one.noticed for one in told),
        "numbers of trusted tables that are not printed so": sum(
            len(one.wrong) for one in out.source if one.mutant.shown or not one.mutant.breaks
        ),
        "right lines found at fault": out.alarms,
    }
    whole = [one for one in shown if one.whole and one.verdict == "inconsistent"]
    named = sum(one.named for one in whole)
    return [
        *((f"{name}: {many} (target 0)", not many) for name, many in found.items()),
        (f"all changed cells named, no cell blank: {named} of {len(whole)} (target all)", named == len(whole)),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="mutations", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=DOCUMENTS, help=f"generated files (default {DOCUMENTS})")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--short", action="store_true", help=f"{SHORT} generated files")
    parser.add_argument("--examples", type=int, default=10, metavar="N", help="of what must not be (default 10)")
    parser.add_argument("--fixtures", type=Path, default=FIXTURES, metavar="DIR", help="holds gold/ and reports/")
    parser.add_argument("--out", type=Path, help="a file of Markdown to write")
    options = parser.parse_args(arguments)
    documents = SHORT if options.short else options.documents
    out = measure(fixtures_and_generated(documents, options.seed, options.fixtures), options.seed)
    if not out.reports:
        print("mutations: no report has a trusted table to mutate. Add --documents N.", file=sys.stderr)
        return 2
    page = "\n".join(lines(out, documents, options.seed)) + "\n"
    if options.out:
        options.out.write_text(page, encoding="utf-8")
    print(page)
    wrong = fatal(out)
    for one in wrong[: options.examples]:
        print(one.words(), file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
