"""Scores the finder of narrative claims against hand-made labels, and shows every miss.

`python -m extractor.eval.claims [--labels DIR] [--sentences FILE] [--quiet]` reads fixtures/claims by default: a JSON
file of labels for each report of fixtures/reports, and sentences.toml and more_sentences.toml. A claim is right where
field, value, scope and year are and its span meets the label's. Exit 1 where precision or recall is below the promise.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

PRECISION, RECALL = 0.98, 0.90
_FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"


@dataclass(slots=True)
class Score:
    """Counts over some texts; `misses` are labels that no claim meets, `inventions` claims that meet no label."""

    right: int = 0
    misses: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    inventions: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    details: list[tuple[str, str, Any, Any]] = field(default_factory=list)

    @property
    def precision(self) -> float:
        found = self.right + len(self.inventions)
        return self.right / found if found else 1.0

    @property
    def recall(self) -> float:
        labelled = self.right + len(self.misses)
        return self.right / labelled if labelled else 1.0

    def add(self, name: str, labels: Sequence[dict[str, Any]], claims: Sequence[dict[str, Any]]) -> None:
        """Matches the claims of one text with its labels, one to one."""
        left = list(claims)
        for label in labels:
            match = next((claim for claim in left if matches(label, claim)), None)
            if match is None:
                self.misses.append((name, label))
                continue
            left.remove(match)
            self.right += 1
            for key in ("raw", "unit", "about"):
                if label.get(key) != match.get(key):
                    self.details.append((name, key, label.get(key), match.get(key)))
        self.inventions += [(name, claim) for claim in left]


def matches(label: dict[str, Any], claim: dict[str, Any]) -> bool:
    """Whether a claim is what a label says: field, value, scope and year alike, the spans meeting."""
    return (
        label["field"] == claim["field"]
        and Decimal(str(label["value"])) == Decimal(str(claim["value"]))
        and label["scope"] == claim["scope"]
        and label.get("year") == claim.get("year")
        and label["span"][0] < claim["span"][1]
        and claim["span"][0] < label["span"][1]
    )


def claims_of_text(text: str) -> list[dict[str, Any]]:
    """The claims of all reports in a stored text, as JSON objects."""
    from extractor.claims.find import find_claims
    from extractor.pipeline import read_all

    out: list[dict[str, Any]] = []
    for reading in read_all(text):
        layout, identity = reading.layout, reading.identity
        regions = [region for region in (layout.disclosure, layout.requests, layout.disputes) if region is not None]
        spans = [(region.start, region.end) for region in regions]
        found = find_claims(text, reading.norm, layout.start, layout.end, spans, identity.organization, identity.year)
        out += [claim.to_json() for claim in found]
    return out


def labelled_reports(labels: Path, reports: Path) -> Iterator[tuple[str, list[dict[str, Any]], list[dict[str, Any]]]]:
    """(name, labels, claims) for every labelled report."""
    from extractor.document.sources import read_bytes

    for path in sorted(labels.glob("*.json")):
        gold = json.loads(path.read_text(encoding="utf-8"))
        data = (reports / gold["source"]).read_bytes()
        yield path.stem, gold["claims"], claims_of_text(read_bytes(data))


def labelled_sentences(path: Path) -> Iterator[tuple[str, list[dict[str, Any]], list[dict[str, Any]]]]:
    """(name, labels, claims) for every labelled sentence of a TOML file."""
    from extractor.claims.find import find_claims
    from extractor.document.normalize import normalize

    for entry in tomllib.loads(path.read_text(encoding="utf-8"))["sentence"]:
        text = entry["text"]
        labels = [{**label, "span": _span(text, label)} for label in entry.get("claims", ())]
        found = find_claims(text, normalize(text), 0, len(text), [], entry.get("organization"), entry.get("year"))
        yield entry["id"], labels, [claim.to_json() for claim in found]


def _span(text: str, label: dict[str, Any]) -> list[int]:
    at = -1
    for _ in range(label.get("occurrence", 1)):
        at = text.find(label["raw"], at + 1)
    if at < 0:
        raise ValueError(f"{label['raw']!r} does not stand {label.get('occurrence', 1)} times in {text!r}")
    return [at, at + len(label["raw"])]


def score(cases: Iterator[tuple[str, list[dict[str, Any]], list[dict[str, Any]]]]) -> Score:
    """The score over cases of (name, labels, claims)."""
    total = Score()
    for name, labels, claims in cases:
        total.add(name, labels, claims)
    return total


def show(title: str, result: Score, quiet: bool) -> None:
    """One line, and a line for each miss and invention."""
    print(
        f"{title}: {result.right} right, {len(result.misses)} missed, {len(result.inventions)} invented · "
        f"precision {result.precision:.3f} · recall {result.recall:.3f}"
    )
    if quiet:
        return
    for kind, items in (("missed", result.misses), ("invented", result.inventions)):
        for name, claim in items:
            told = (claim["field"], str(claim["value"]), claim["raw"], claim["scope"], str(claim.get("year")))
            print(f"  {kind:<9}{name}: {' · '.join(told)} at {claim['span'][0]}")
    for name, key, label, claim in result.details:
        print(f"  {key:<9}{name}: labelled {label!r}, found {claim!r}")


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m extractor.eval.claims", description=__doc__.split("\n")[0])
    parser.add_argument("--labels", type=Path, default=_FIXTURES / "claims", help="folder of labels (fixtures/claims)")
    parser.add_argument("--reports", type=Path, default=_FIXTURES / "reports", help="folder of the labelled reports")
    parser.add_argument("--sentences", type=Path, help="a TOML file of labelled sentences, and nothing else")
    parser.add_argument("--quiet", action="store_true", help="only the figures")
    options = parser.parse_args(arguments)
    results = []
    if options.sentences is None:
        results.append(("reports", score(labelled_reports(options.labels, options.reports))))
    files = [options.sentences] if options.sentences else sorted(options.labels.glob("*sentences.toml"), reverse=True)
    results += [("sentences" if options.sentences else path.stem, score(labelled_sentences(path))) for path in files]
    for title, result in results:
        show(title, result, options.quiet)
    return 1 if any(r.precision < PRECISION or r.recall < RECALL for _, r in results) else 0


if __name__ == "__main__":
    sys.exit(main())
