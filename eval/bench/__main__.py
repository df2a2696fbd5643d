"""`python -m extractor.eval.bench`: measures, writes the page, exits 1 where a target is missed."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from extractor.eval.bench import growth, hostile, html, imports, memory, pdf, reading
from extractor.eval.bench.measure import Target
from extractor.eval.bench.report import markdown, surroundings
from extractor.eval.generator import FAMILIES


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    per_family: int = 40
    pages: int = 100
    repeats: int = 5
    hostile_bytes: int = 5_000_000
    hostile_cases: tuple[str, ...] = tuple(hostile.CASES)
    soak: int = 100_000
    families: tuple[str, ...] = FAMILIES
    pdfs: int = 12


FULL = Sizes()
SHORT = Sizes(
    per_family=3,
    pages=15,
    repeats=3,
    hostile_cases=(
        "ordinary prose",
        "digits in table 3",
        "tabs in table 3",
        "label characters in table 3",
    ),
    soak=3_000,
    pdfs=2,
)


def run(sizes: Sizes, fixtures: Path, say: bool = True) -> tuple[dict[str, Any], list[Target]]:
    """All figures, and the targets they are held against."""

    def step(name: str) -> None:
        if say:
            print(f"bench: {name}", file=sys.stderr, flush=True)

    step("what the commands import")
    loaded = imports.measure()
    step("reading against the floor")
    read = reading.by_group(reading.measure(fixtures, sizes.per_family, sizes.repeats, sizes.families))
    step("pages against pandas")
    paged = html.by_group(html.measure(fixtures, sizes.pages, sizes.repeats))
    step("growth")
    grown = growth.measure(sizes.repeats)
    step(f"hostile texts of {sizes.hostile_bytes:,} bytes")
    hurt = hostile.measure(sizes.hostile_bytes, sizes.hostile_cases)
    step("PDF against pdfplumber")
    printed = pdf.measure(sizes.pdfs, sizes.repeats)
    step(f"memory over {sizes.soak:,} documents")
    soaked = memory.measure(sizes.soak) if sizes.soak else {}
    results = {
        "surroundings": surroundings(),
        "short": sizes.hostile_cases != FULL.hostile_cases,
        "repeats": sizes.repeats,
        "sizes": asdict(sizes),
        "reading": read,
        "html": paged,
        "growth": grown,
        "hostile": hurt,
        "pdf": printed,
        "memory": soaked,
        "imports": loaded,
    }
    targets = [
        *reading.targets(read),
        *html.targets(paged),
        *growth.targets(grown),
        *hostile.targets(hurt),
        *pdf.targets(printed),
        *(memory.targets(soaked) if soaked else []),
        *imports.targets(loaded),
    ]
    results["targets"] = [{**asdict(target), "met": target.met} for target in targets]
    return results, targets


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 if every target is met, else 1."""
    parser = argparse.ArgumentParser(prog="python -m extractor.eval.bench", description=__doc__)
    parser.add_argument("--short", action="store_true", help="few documents and small texts, for CI")
    parser.add_argument("--soak", type=int, metavar="N", help="documents of the memory run (0: none)")
    parser.add_argument("--fixtures", type=Path, default=Path("fixtures/reports"), metavar="DIR")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the page here")
    parser.add_argument("--json", action="store_true", help="all figures as JSON on standard output")
    options = parser.parse_args(arguments)
    sizes = SHORT if options.short else FULL
    if options.soak is not None:
        sizes = replace(sizes, soak=options.soak)
    results, targets = run(sizes, options.fixtures)
    page = markdown(results, targets)
    if options.out:
        options.out.write_text(page, encoding="utf-8")
    if options.json:
        json.dump(results, sys.stdout, ensure_ascii=False, indent=1)
        print()
    elif not options.out:
        print(page)
    missed = [target for target in targets if not target.met]
    for target in missed:
        print(f"bench: missed {target.words()}", file=sys.stderr)
    print(f"bench: {len(targets) - len(missed)} of {len(targets)} targets met", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
