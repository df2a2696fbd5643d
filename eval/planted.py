"""Plants errors in true records and looks whether the rules find them and name the right cells.

`python -m extractor.eval.planted [--records N] [--seed S] [--short] [--json] [--out FILE.md]`
What breaks and what the smallest explanation is are told by sums of its own (`Sums`), not by the rules under test.
Exit 1 if a break was missed or a clean record found faulty; with --strict also where a target of the issue is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from extractor.eval.bench.measure import best_of, figure, median, percentile
from extractor.eval.generator import FAMILIES, generate
from extractor.eval.planting import KINDS, SINGLE, Changes, Page, Sums, Values, page, plant

from extractor.form import equations
from extractor.record import validate_record
from extractor.results import Finding
from extractor.rules.hard import check_equations
from extractor.rules.localize import localize

NAMED, GOOD, RATIO = 1.0, 0.95, 5.0
_HEADING = "## Planted errors"


# ---------------------------------------------------------------- what came of it


@dataclass(frozen=True, slots=True)
class Trial:
    """One planted error. `nothing`: it changes no cell; `silent`: every sum still holds. Of the others: `missed`: no
    finding; `partly`: a changed cell is a suspect; `named`: every changed cell that prints a number is; `unique`: no
    other cell is; `smallest`: all named, and no smaller set of one or two cells would mend everything."""

    kind: str
    blanks: bool
    nothing: bool = False
    silent: bool = False
    missed: bool = False
    partly: bool = False
    named: bool = False
    unique: bool = False
    smallest: bool = False
    suspects: int = 0
    seconds: float = 0.0
    words: str = ""

    @property
    def good(self) -> bool:
        """Named, and nothing else or nothing smaller would do."""
        return self.unique or self.smallest


def failures(made: Page, values: Values) -> list[Finding]:
    """The equations that fail, as the rules say."""
    found = check_equations(values, equations(made.printed, made.without))
    return [finding for finding in found if finding.status == "fail" and finding.severity == "error"]


def tried(kind: str, made: Page, sums: Sums, changes: Changes) -> Trial:
    """What the rules say of one planted error."""
    values = {**made.values, **changes}
    if not sums.broken(values):
        return Trial(kind, made.blanks, nothing=not changes, silent=True)
    found = failures(made, values)
    suspects = {cell for finding in found for cell in finding.suspects}
    wrong = {path for path in changes if values[path] is not None}
    named = wrong <= suspects
    return Trial(
        kind,
        made.blanks,
        missed=not found,
        partly=bool(wrong & suspects),
        named=named,
        unique=suspects == wrong,
        smallest=named and min(len(changes), 3) <= sums.smallest(values, len(changes) - 1),
        suspects=len(suspects),
        seconds=localised(made, values, found),
        words=f"{changes}, suspects {sorted(suspects)}",
    )


def localised(made: Page, values: Values, found: Sequence[Finding]) -> float:
    """The seconds that the search for explanations takes."""
    codes = {finding.rule for finding in found}
    rules = equations(made.printed, made.without)
    failing = [rule for rule in rules if rule.code in codes]
    others = [rule for rule in rules if rule.code not in codes]
    return best_of(1, partial(localize, values, failing, others))[0]


@dataclass(slots=True)
class Measured:
    """Everything that is measured."""

    records: int = 0
    with_blanks: int = 0
    with_groups: int = 0
    of_2019: int = 0
    alarms: int = 0
    trials: list[Trial] = field(default_factory=list)
    check_ratio: float = 0.0
    hostile: list[float] = field(default_factory=list)
    reading: float = 0.0

    def of(self, *kinds: str) -> list[Trial]:
        """The trials of these kinds."""
        return [trial for trial in self.trials if trial.kind in kinds]


def share(trials: Sequence[Trial], name: str) -> float:
    """Of the trials that break a sum, those of which this holds."""
    broken = [trial for trial in trials if not trial.silent]
    return sum(getattr(trial, name) for trial in broken) / len(broken) if broken else 1.0


SEVERAL = {2: "two cells at once", 3: "three cells at once"}


def measure(records: int, seed: int) -> Measured:
    """Plants one error of every kind, two and three at once, in each of so many records."""
    out = Measured(records)
    clean: list[Page] = []
    for number in range(records):
        rng = Random(f"{seed}:{number}")
        made = page(rng)
        sums = Sums(made.rows, made.without)
        if sums.broken(made.values):
            raise AssertionError(f"record {number} is not true")
        out.with_blanks += made.blanks
        out.with_groups += bool(made.printed)
        out.of_2019 += made.form == "2019"
        out.alarms += bool(failures(made, made.values))
        planted = [(kind, plant(made, kind, rng)) for kind in KINDS]
        planted += [(name, _several(made, sums, many, rng)) for many, name in SEVERAL.items()]
        out.trials += [tried(kind, made, sums, changes) for kind, changes in planted if changes is not None]
        if made.form == "2021" and not made.blanks and not made.printed and len(clean) < 40:
            clean.append(made)
    _speed(out, clean)
    return out


def _several(made: Page, sums: Sums, many: int, rng: Random) -> Changes | None:
    """So many errors in different cells, of which each breaks something alone; None where there is no place."""
    changes: Changes = {}
    for _ in range(8 * many):
        one = plant(made, rng.choice(SINGLE), rng)
        if one and not one.keys() & changes.keys() and sums.broken({**made.values, **one}):
            changes |= one
        if len(changes) == many:
            return changes
    return None


def _speed(out: Measured, clean: Sequence[Page]) -> None:
    """Side by side: the equations and pydantic on clean records; the search for explanations and reading."""
    from extractor.pipeline import extract

    ratios = []
    for made in clean:
        checking = partial(check_equations, made.values, equations(made.printed, made.without))
        shaping = partial(validate_record, made.record)
        check, shape = best_of(9, partial(_times, 20, checking), partial(_times, 20, shaping))
        ratios.append(check / shape)
    out.check_ratio = median(ratios) if ratios else 0.0
    samples = [generate(seed, family) for family in FAMILIES for seed in range(2)]
    out.reading = median([best_of(2, partial(extract, s.text))[0] for s in samples if s.name.endswith(".txt")])
    for seed in range(60):
        rng = Random(seed)
        made = page(rng)
        top, wild = 10 ** rng.choice((1, 30)), rng.choice((0.05, 0.3, 1.0))
        values = {p: rng.randint(0, top) if rng.random() < wild else v for p, v in made.values.items()}
        out.hostile.append(localised(made, values, failures(made, values)))


def _times(number: int, work: Callable[[], object]) -> None:
    for _ in range(number):
        work()


# ---------------------------------------------------------------- report


def lines(out: Measured, seed: int) -> Iterator[str]:
    """The section of Markdown."""
    yield f"""{_HEADING}

{out.records} generated true records from seed {seed}: {out.of_2019} of the 2019 form, {out.with_groups} with group
rows printed, {out.with_blanks} with blank cells. Clean records found at fault: {out.alarms}.

Planted in tables 3 and 4. *Silent*: every sum still holds (in brackets: the error changes nothing at all); the other
columns count the rest. *Partly*: a wrong cell is a suspect. *Named*: every wrong cell that prints a number is.
*Unique*: no other cell is. *Smallest*: all named, and no smaller set of one or two cells would mend everything (told
by trying all). *Either*: unique or smallest.
"""
    heads = [
        "error",
        "planted",
        "silent",
        "break",
        "missed",
        "partly",
        "named",
        "unique",
        "smallest",
        "either",
        "suspects",
    ]
    acts = [kind for kind in KINDS if kind not in SINGLE]
    groups = {kind: out.of(kind) for kind in KINDS}
    groups |= {"**one cell**": out.of(*SINGLE), "**one act**": out.of(*acts), "**all**": out.of(*KINDS)}
    groups |= {"all, no blank cells": [t for t in out.of(*KINDS) if not t.blanks]}
    groups |= {name: out.of(name) for name in SEVERAL.values()}
    groups |= {f"{name}, no blank cells": [t for t in out.of(name) if not t.blanks] for name in SEVERAL.values()}
    yield from rows_of(heads, [[name, *_figures(trials)] for name, trials in groups.items()])
    yield f"""
(*suspects*: median and most)

The equations on a clean record take {figure(out.check_ratio)} times what pydantic takes for the record's shape.
The search for explanations, in times the median reading of a generated report:
"""
    searches = {"one cell": out.of(*SINGLE), "one act": out.of(*acts)} | {n: out.of(n) for n in SEVERAL.values()}
    timed = {name: [t.seconds for t in trials if not t.silent] for name, trials in searches.items()}
    timed["hostile: cells at random, up to all of them, up to 10^30"] = out.hostile
    yield from rows_of(
        ["", "median", "99 of 100", "worst"],
        [
            [name, *(figure(part / out.reading) for part in (median(own), percentile(own, 0.99), max(own)))]
            for name, own in timed.items()
            if own and out.reading
        ],
    )
    yield ""
    for name, met in targets(out):
        yield f"- {'met' if met else 'missed'}: {name}"


def rows_of(heads: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table; all columns but the first are set to the right."""
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return ["| " + " | ".join(cells) + " |" for cells in (heads, rule, *rows)]


def _figures(trials: Sequence[Trial]) -> list[str]:
    broken = [trial for trial in trials if not trial.silent]
    suspects = [float(trial.suspects) for trial in broken]
    return [
        str(len(trials)),
        f"{len(trials) - len(broken)} ({sum(trial.nothing for trial in trials)})",
        str(len(broken)),
        str(sum(trial.missed for trial in broken)),
        *(f"{share(trials, name):.1%}" for name in ("partly", "named", "unique", "smallest", "good")),
        f"{median(suspects):g}, {max(suspects):g}" if suspects else "",
    ]


def targets(out: Measured) -> list[tuple[str, bool]]:
    """The targets of the issue and whether they are met."""
    single, every, two = out.of(*SINGLE), out.of(*KINDS), out.of(SEVERAL[2])
    whole = [trial for trial in every if not trial.blanks]
    missed = sum(trial.missed for trial in out.trials)
    return [
        (f"no clean record at fault: {out.alarms}", not out.alarms),
        (f"no break missed: {missed}", not missed),
        (f"one wrong cell always named: {share(single, 'named'):.2%}", share(single, "named") >= NAMED),
        (f"one wrong cell unique or in a smallest set: {share(single, 'good'):.2%}", share(single, "good") >= GOOD),
        (f"every kind named where no cell is blank: {share(whole, 'named'):.2%}", share(whole, "named") >= NAMED),
        (f"every kind unique or smallest, no cell blank: {share(whole, 'good'):.2%}", share(whole, "good") >= GOOD),
        (f"every kind unique or in a smallest set: {share(every, 'good'):.2%}", share(every, "good") >= GOOD),
        (f"two wrong cells both named: {share(two, 'named'):.2%}", share(two, "named") >= GOOD),
        (f"equations at most {RATIO:g} times pydantic: {figure(out.check_ratio)}", out.check_ratio <= RATIO),
    ]


def put(path: Path, section: str) -> None:
    """Writes the section into a file of Markdown, in place of the one that is there."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    start = text.find(_HEADING)
    if start < 0:
        text = text.rstrip("\n") + ("\n\n" if text.strip() else "") + section
    else:
        end = text.find("\n## ", start + 1)
        text = text[:start] + section + ("" if end < 0 else text[end:])
    path.write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="planted", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--records", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--short", action="store_true", help="100 records")
    parser.add_argument("--json", action="store_true", help="the targets alone, as JSON")
    parser.add_argument("--strict", action="store_true", help="exit 1 where a target is missed")
    parser.add_argument("--examples", type=int, default=0, metavar="N", help="print N errors whose cells are not named")
    parser.add_argument("--out", type=Path, help="a file of Markdown to write the section into")
    options = parser.parse_args(arguments)
    out = measure(100 if options.short else options.records, options.seed)
    section = "\n".join(lines(out, options.seed)) + "\n"
    if options.out:
        put(options.out, section)
    print(json.dumps(dict(targets(out)), ensure_ascii=False) if options.json else section)
    unnamed = [trial for trial in out.trials if not trial.silent and not trial.named]
    for trial in sorted(unnamed, key=lambda t: t.blanks)[: options.examples]:
        print(f"{trial.kind}{' (blanks)' if trial.blanks else ''}: {trial.words}")
    fatal = out.alarms or any(trial.missed for trial in out.trials)
    return 1 if fatal or (options.strict and not all(met for _, met in targets(out))) else 0


if __name__ == "__main__":
    sys.exit(main())
