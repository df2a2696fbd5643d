"""The real local model on the fixtures that the reader leaves in doubt: `python -m extractor.eval.live [SPEC]`.

Before and after by table, against the gold labels. Exit 1 if a wrong number stands in a trusted table afterwards.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from extractor.eval.score import score

from extractor.ask.runner import Limits, Runner
from extractor.document.sources import walk
from extractor.form import TABLES
from extractor.pipeline import read_all, settle
from extractor.results import TRUSTED

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
# Doubtful fixtures of which a small model is asked little.
FEW = ("lianwan-2023-ocr-markdown.md", "taling-2022-ocr-text.txt", "luming-2023-cut-off.txt")


def gold_of(fixtures: Path, source: str) -> dict[str, object] | None:
    """The label of a fixture by its source, `name#1` for the first of several reports."""
    for path in sorted((fixtures / "gold").glob("*.json")):
        label: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
        if label["source"] == source:
            return label
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m extractor.eval.live", description=__doc__.split("\n")[0])
    parser.add_argument("spec", nargs="?", default="local", help="--model SPEC (default local)")
    parser.add_argument("--few", action="store_true", help=f"only {', '.join(FEW)}")
    parser.add_argument("--fixtures", type=Path, default=FIXTURES)
    parser.add_argument("--out", type=Path, help="write the table to this file")
    options = parser.parse_args(arguments)
    lines = ["| fixture | table | before | after | calls | tokens | seconds |", "|---|---|---|---|---:|---:|---:|"]
    escapes = settled = doubtful = 0
    names = (
        [str(options.fixtures / "reports" / name) for name in FEW]
        if options.few
        else [str(options.fixtures / "reports")]
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        Runner(options.spec, Limits(cache=False, ledger=Path(folder) / "model.sqlite")) as runner,
    ):
        for source in walk(names):
            if source.left_out is not None:
                continue
            text = source.text()
            before = [settle(reading).verdicts for reading in read_all(text, source.name)]
            for reading, verdicts in zip(read_all(text, source.name), before, strict=True):
                started = time.monotonic()
                result = runner.submit(reading).result()
                seconds = time.monotonic() - started
                label = gold_of(options.fixtures, Path(reading.source).name)
                if label is not None and result.record is not None:
                    counts, _ = score(label, result.to_json())
                    escapes += counts["escapes"]
                used = result.usage
                for table in TABLES:
                    if verdicts[table] in TRUSTED:
                        continue
                    doubtful += 1
                    settled += result.verdicts[table] in TRUSTED
                    lines.append(
                        f"| {Path(reading.source).name} | {table} | {verdicts[table]} | {result.verdicts[table]} | "
                        f"{used.calls} | {used.prompt_tokens + used.completion_tokens} | {seconds:.1f} |"
                    )
        if runner.fatal:
            print(f"live: {runner.fatal}", file=sys.stderr)
            return 4
        model = runner.endpoint.model if runner.endpoint else options.spec
    lines.append("")
    lines.append(f"{model}: {settled} of {doubtful} doubtful tables settled, {escapes} wrong cells in trusted tables.")
    page = "\n".join(lines) + "\n"
    print(page)
    if options.out:
        options.out.write_text(
            "# A real local model on the fixtures\n\nWritten by `make live`.\n\n" + page, encoding="utf-8"
        )
    return 1 if escapes else 0


if __name__ == "__main__":
    sys.exit(main())
