"""Tries to break the promise: reads generated reports and compares with what is on paper.

`python -m extractor.eval.fuzz --documents 5000 --seed 1 [--family F] [--jobs 2] [--keep DIR] [--json]`
Exit 1 if a wrong number stands in a trusted table, a planted error was passed over, a span does not give
its raw text, or something raised. Each case is named by (seed, family); `--show SEED FAMILY` replays it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from extractor.eval.compare import FATAL, Outcome, compare
from extractor.eval.files import FILE_FAMILIES, missing
from extractor.eval.generator import EVERY_FAMILY, Sample, generate

from extractor.document.content import Stored

_SHOWN = 40


def read(sample: Sample) -> tuple[str, list[Any], float]:
    """The stored text, the results and the seconds that the reading took."""
    from extractor.document.sources import read_stored
    from extractor.pipeline import extract_all

    start = time.perf_counter()
    stored = Stored(sample.text) if sample.name.endswith(".txt") else read_stored(sample.data)
    results = extract_all(stored, source=sample.name)
    return stored.text, list(results), time.perf_counter() - start


def run_one(case: tuple[int, str]) -> Outcome:
    """One document, start to end; whatever raises becomes a fault."""
    seed, family = case
    outcome = Outcome(seed, family)
    try:
        sample = generate(seed, family)
    except Exception:
        outcome.fault("exception", "generator", traceback.format_exc(limit=-3))
        return outcome
    try:
        text, results, outcome.seconds = read(sample)
        compare(sample, results, text, outcome)
    except Exception:
        outcome.fault("exception", "-", traceback.format_exc(limit=-3))
    return outcome


def outcomes(cases: list[tuple[int, str]], jobs: int) -> Iterator[Outcome]:
    """The outcomes in the order of the cases."""
    if jobs <= 1:
        yield from map(run_one, cases)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(run_one, cases, chunksize=max(1, min(25, len(cases) // (jobs * 4) or 1)))


def totals(runs: Iterable[Outcome]) -> dict[str, Any]:
    """The counts of many documents and the ratios that matter."""
    counts: dict[str, int] = {}
    seconds, slowest = 0.0, 0.0
    for run in runs:
        seconds += run.seconds
        slowest = max(slowest, run.seconds)
        for name, n in run.counts.items():
            counts[name] = counts.get(name, 0) + n
    documents = counts.get("documents", 0)
    return {
        **dict(sorted(counts.items())),
        "trusted": ratio(counts, "tables_trusted", "tables"),
        "trusted_of_decided": ratio(counts, "decided_tables_trusted", "decided_tables"),
        "refused_of_decided_cells": ratio(counts, "decided_without_value", "decided_cells"),
        "doubted_of_decided_cells": ratio(counts, "decided_refused", "decided_cells"),
        "milliseconds": round(1000 * seconds / documents, 1) if documents else None,
        "slowest_milliseconds": round(1000 * slowest, 1),
    }


def ratio(counts: dict[str, int], part: str, whole: str) -> float | None:
    """A share, None where there is nothing to share."""
    return round(counts.get(part, 0) / counts[whole], 4) if counts.get(whole) else None


_COLUMNS = (
    ("documents", "docs"),
    ("trusted", "trusted"),
    ("trusted_of_decided", "of decided"),
    ("refused_of_decided_cells", "cells refused"),
    ("doubted_of_decided_cells", "refused or doubted"),
    ("escape", "ESCAPES"),
    ("passed_over", "passed over"),
    ("planted_tables", "of planted"),
    ("wrong_untrusted", "wrong elsewhere"),
    ("span", "spans"),
    ("exception", "raised"),
    ("hollow", "hollow"),
    ("evidence_elsewhere", "evidence off"),
    ("state", "states off"),
    ("unit", "units off"),
    ("milliseconds", "ms"),
)


def print_table(by_family: dict[str, dict[str, Any]]) -> None:
    """A line per family and one for all."""
    print("  ".join([f"{'family':<15}", *(title for _, title in _COLUMNS)]))
    for family, numbers in by_family.items():
        cells = []
        for key, title in _COLUMNS:
            value = numbers.get(key, 0)
            text = (
                "-"
                if value is None
                else f"{value:.1%}"
                if isinstance(value, float) and key != "milliseconds"
                else str(value)
            )
            cells.append(text.rjust(len(title)))
        print("  ".join([f"{family:<15}", *cells]))


def print_faults(faults: list[dict[str, Any]]) -> None:
    """A line per document and kind: the first fault and how many there are."""
    cases: dict[tuple[int, str, str], list[dict[str, Any]]] = {}
    for fault in faults:
        cases.setdefault((fault["seed"], fault["family"], fault["kind"]), []).append(fault)
    for (seed, family, kind), of_case in list(cases.items())[:_SHOWN]:
        more = f" (+{len(of_case) - 1})" if len(of_case) > 1 else ""
        print(f"{kind}  --show {seed} {family}  {of_case[0]['path']}: {of_case[0]['detail']}{more}")
    if len(cases) > _SHOWN:
        print(f"… and {len(cases) - _SHOWN} more cases (--json lists all)")


def show(seed: int, family: str) -> int:
    """Prints a sample and every difference."""
    sample = generate(seed, family)
    print(sample.text)
    print(f"\n--- {family} {seed} · noise: {', '.join(sample.noise)}")
    for number, expected in enumerate(sample.reports):
        print(f"--- report {number + 1}: form {expected.form}, {expected.organization}, {expected.year}")
        print(f"    decided: {expected.tables_decided}; broken: {expected.broken}")
        for error in expected.planted:
            print(f"    planted {error.path}: printed {error.printed}, true {error.true}")
    outcome = Outcome(seed, family)
    try:
        text, results, _ = read(sample)
    except Exception:
        traceback.print_exc()
        return 1
    compare(sample, results, text, outcome)
    for result in results:
        print(f"--- result: {result.verdict} {result.verdicts} {result.error or ''}")
        for finding in result.findings[:_SHOWN]:
            print(f"    {finding.rule}: {finding.message}")
    for fault in outcome.faults:
        print(f"{fault.kind:<18} {fault.path}: {fault.detail}")
    print(json.dumps(outcome.counts, ensure_ascii=False))
    return 1 if outcome.fatal else 0


def keep(folder: Path, outcome: Outcome) -> None:
    """Writes the file of a case and its faults."""
    folder.mkdir(parents=True, exist_ok=True)
    sample = generate(outcome.seed, outcome.family)
    stem = f"{outcome.family}-{outcome.seed}"
    (folder / f"{stem}{Path(sample.name).suffix}").write_bytes(sample.data)
    faults = [{"kind": fault.kind, "path": fault.path, "detail": fault.detail} for fault in outcome.faults]
    (folder / f"{stem}.json").write_text(json.dumps(faults, ensure_ascii=False, indent=1), encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m extractor.eval.fuzz", description=__doc__.split("\n")[0])
    parser.add_argument("--documents", type=int, default=1200, help="how many documents (default 1200)")
    parser.add_argument("--seed", type=int, default=1, help="first seed; the next documents take the next seeds")
    parser.add_argument("--family", choices=(*EVERY_FAMILY, *FILE_FAMILIES), help="only this family")
    parser.add_argument("--files", type=int, default=0, help="and so many of HTML and of each file format (default 0)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="write the files of faulty cases there")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--list", metavar="KIND", action="append", default=[], help="print the cases of this kind too")
    parser.add_argument("--show", nargs=2, metavar=("SEED", "FAMILY"), help="print one sample and its differences")
    options = parser.parse_args(arguments)
    if options.show:
        return show(int(options.show[0]), options.show[1])
    families: tuple[str, ...] = (options.family,) if options.family else EVERY_FAMILY
    cases = [(options.seed + i, families[i % len(families)]) for i in range(options.documents)]
    if options.files:
        formats = ("html", *FILE_FAMILIES)
        cases += [(options.seed + i, family) for family in formats for i in range(options.files)]
        families = (*families, *FILE_FAMILIES)
        cases = list(dict.fromkeys(cases))
    for family in [family for family in families if missing(family)]:
        print(f"fuzz: {family} left out: {missing(family)} is not installed", file=sys.stderr)
        families = tuple(other for other in families if other != family)
        cases = [case for case in cases if case[1] != family]
    runs = list(outcomes(cases, options.jobs))
    by_family = {family: totals(run for run in runs if run.family == family) for family in families}
    by_family["all"] = totals(runs)
    bad = [run for run in runs if run.fatal]
    if options.keep:
        for run in bad:
            keep(options.keep, run)
    listed = (*FATAL, *options.list)
    faults = [
        {"seed": run.seed, "family": run.family, "kind": fault.kind, "path": fault.path, "detail": fault.detail}
        for run in runs
        for fault in run.faults
        if fault.kind in listed
    ]
    if options.json:
        print(json.dumps({"families": by_family, "faults": faults}, ensure_ascii=False))
    else:
        print_table(by_family)
        print_faults(faults)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
