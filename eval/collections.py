"""How well several reports in one file are told apart.

`python -m extractor.eval.collections --documents 200 [--seed 1] [--show SEED]`
Exit 1 where a number of one report stands in a trusted table of another, or a report got another's name or year.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from extractor.eval.compare import TRUSTED, same, table_of
from extractor.eval.files.collection import KINDS, make_collection
from extractor.eval.generator import Expected

from extractor.form import TABLES

FATAL = ("another's number", "wrong number", "organization other", "year other", "exception")


def read(seed: int) -> tuple[Any, list[Any]]:
    """The sample of a seed and the results of reading it."""
    from extractor.document.content import Stored
    from extractor.document.sources import read_stored
    from extractor.pipeline import extract_all

    sample = make_collection(seed)
    stored = Stored(sample.text) if sample.name.endswith(".txt") else read_stored(sample.data)
    return sample, extract_all(stored, source=sample.name)


def judge(reports: list[Expected], results: list[Any]) -> tuple[Counter[str], list[str]]:
    """Counts, and a line for each thing that is wrong."""
    counts: Counter[str] = Counter(files=1, reports=len(reports))
    faults: list[str] = []
    counts["files told apart"] = len(results) == len(reports)
    for index, result in enumerate(results):
        if result.record is None:
            counts["results failed"] += 1
            continue
        owner = _owner(reports, results, index)
        expected = reports[owner]
        for key in ("organization", "year"):
            found = result.record[key]
            said = "not said" if found is None else "right" if _same_name(getattr(expected, key), found) else "other"
            counts[f"{key} {said}"] += 1
        for table in TABLES:
            if result.verdicts[table] not in TRUSTED:
                counts["tables not trusted"] += result.verdicts[table] != "failed"
                continue
            counts["tables trusted"] += 1
            wrong = _wrong(expected, result, table)
            if wrong:
                others = [n for n, other in enumerate(reports) if n != owner and not _wrong(other, result, table)]
                kind = "another's number" if others else "wrong number"
                counts[kind] += 1
                faults.append(f"{kind}: {result.source} (report {owner + 1}) {table} {wrong[:2]} others {others[:3]}")
    counts["tables printed"] = sum(
        any(value is not None for path, value in report.truth.items() if table_of(path) == table)
        for report in reports
        for table in TABLES
    )
    return counts, faults


def _same_name(true: str | int, found: str | int) -> bool:
    """A sheet says a town's name without its county's."""
    return str(true).endswith(str(found))


def _owner(reports: list[Expected], results: list[Any], index: int) -> int:
    """Which report a result says it is; by its place, or by its numbers, where it does not say."""
    record = results[index].record
    claimed = [
        n
        for n, report in enumerate(reports)
        if _same_name(report.organization, record["organization"] or "") and record["year"] in (report.year, None)
    ]
    if len(claimed) == 1:
        return claimed[0]
    if len(reports) == len(results):
        return index
    values = {cell.path: cell.value for cell in results[index].cells if cell.value is not None}
    return max(
        range(len(reports)),
        key=lambda n: sum(same(values.get(p), v) for p, v in reports[n].truth.items() if v is not None),
    )


def _wrong(expected: Expected, result: Any, table: str) -> list[str]:
    """The cells of a table that are not what the report prints."""
    wrong = []
    for cell in result.cells:
        if table_of(cell.path) != table or cell.value is None:
            continue
        true = expected.record_values if cell.method == "derived" else expected.truth
        misprinted = cell.method == "derived" and any(table_of(error.path) == table for error in expected.misprints)
        if not misprinted and not same(cell.value, true.get(cell.path)):
            wrong.append(f"{cell.path}: {cell.value}, printed {true.get(cell.path)}")
    return wrong


def run_one(seed: int) -> tuple[int, str, Counter[str], list[str]]:
    """One file, start to end; whatever raises becomes a fault."""
    kind = "?"
    try:
        sample, results = read(seed)
        kind = sample.noise[0].partition("=")[2]
        return seed, kind, *judge(sample.reports, results)
    except Exception:
        return seed, kind, Counter(exception=1), [traceback.format_exc(limit=-3)]


def show(seed: int) -> int:
    """Prints a sample, its results and what is wrong."""
    sample, results = read(seed)
    print(results[0].text)
    print("---", ", ".join(sample.noise))
    for report in sample.reports:
        print("--- report:", report.organization, report.year)
    for result in results:
        record = result.record or {}
        print(
            "--- result:", result.source, record.get("organization"), record.get("year"), result.verdicts, result.error
        )
    counts, faults = judge(sample.reports, results)
    print("\n".join(faults))
    return 1 if any(counts[kind] for kind in FATAL) else 0


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m extractor.eval.collections", description=__doc__.split("\n")[0])
    parser.add_argument("--documents", type=int, default=200, help="how many files (default 200)")
    parser.add_argument("--seed", type=int, default=1, help="first seed; the next files take the next seeds")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--show", type=int, metavar="SEED", help="print one file and its results")
    options = parser.parse_args(arguments)
    if options.show is not None:
        return show(options.show)
    totals: dict[str, Counter[str]] = {kind: Counter() for kind in (*KINDS, "?")}
    seeds = range(options.seed, options.seed + options.documents)
    bad = False
    with ProcessPoolExecutor(options.jobs) as pool:
        for seed, kind, counts, faults in pool.map(run_one, seeds, chunksize=4):
            totals[kind] += counts
            bad = bad or any(counts[name] for name in FATAL)
            for fault in faults[:3]:
                print(f"--show {seed} ({kind})  {fault}")
    for kind, counts in totals.items():
        if counts:
            print(kind, dict(sorted(counts.items())))
    print("all", dict(sorted(sum(totals.values(), Counter()).items())))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
