"""`gouji extract`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from extractor.cli.options import Debug, MaxBytes, parse_money, parse_size
from extractor.errors import UsageError

EPILOG = (
    "\b\nExamples:\n"
    "  gouji extract report.txt                    the three tables as people know them\n"
    "  gouji extract reports/ --json > out.jsonl   a folder, one JSON object per report\n"
    "  gouji extract 'reports/**/*.html' --db r.db several files into SQLite; look with `datasette r.db`\n"
    "  curl -s URL | gouji extract -               standard input\n"
    "  gouji extract reports/ --strict --quiet     exit 1 if any report needs a person\n"
    "  gouji extract reports/ --model local        a local model for what the reader cannot prove\n"
    "  gouji extract reports/ --model deepseek --dry-run   what that would ask and cost\n"
    "\n"
    "\b\nMarks in the tables:\n"
    "  (20) follows from the rules, not printed    ?  several readings, listed below\n"
    "  [20] read by a model and proved\n"
    "  ·    printed blank    /  not applicable     x  not in the text    !  printed, but no number\n"
    "\n"
    "\b\nVerdicts: verified, reconciled and inconsistent can be trusted (what is printed is proved);\n"
    "needs_review cannot; failed gave nothing.\n"
    "\n"
    "\b\nExit codes: 0 done, whatever the verdicts; 1 --strict not met; 2 usage or database;\n"
    "3 not one input could be read; 4 the model endpoint failed; 5 a limit was reached;\n"
    "130 interrupted (what was finished is always kept)."
)


def extract(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Files, folders (walked), 'globs', or - for standard input.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines on standard output, nothing else.")] = False,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="SPEC",
            envvar="GOUJI_MODEL",
            help="Ask a model about what the reader cannot prove: a profile (openai, deepseek, …), MODEL@BASE_URL, or "
            "local[:PATH.gguf].",
        ),
    ] = None,
    no_llm: Annotated[bool, typer.Option("--no-llm", help="Never ask a model: the reader works alone.")] = False,
    given: Annotated[
        Path | None,
        typer.Option(
            "--given", metavar="FILE", help="Records of your own parser (JSON, JSON Lines): a second witness."
        ),
    ] = None,
    max_cost: Annotated[
        str | None, typer.Option("--max-cost", metavar="USD", help="Stop asking when this much is spent.")
    ] = None,
    max_calls: Annotated[int | None, typer.Option("--max-calls", help="Stop asking after so many calls.")] = None,
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", help="Stop asking after so many tokens.")] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=1, help="Wait so long for one answer of the model.")
    ] = 120,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Ask nothing; say what --model would be asked and cost.")
    ] = False,
    suggest: Annotated[
        bool, typer.Option("--suggest", help="Also ask which reading the model prefers where nothing can be proved.")
    ] = False,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Do not use answers kept from earlier runs, keep none.")
    ] = False,
    keep_text: Annotated[
        bool, typer.Option("--keep-text", help="Keep questions and answers, document text included, in the ledger.")
    ] = False,
    db: Annotated[
        Path | None, typer.Option("--db", metavar="FILE", help="Also keep everything in this SQLite database.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 if any report is needs_review or failed.")] = False,
    max_bytes: MaxBytes = "20MB",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False,
    debug: Debug = False,
) -> None:
    """Read reports, prove their numbers, say what could not be proved."""
    from extractor.cli.batch import Options, run

    if no_llm:
        model = None
    if dry_run and not model:
        raise UsageError(
            "no_model", "--dry-run says what a model would be asked, and none is named.", "Add --model SPEC."
        )
    limits = None
    if model:
        from extractor.ask.runner import Limits

        limits = Limits(
            parse_money(max_cost),
            max_calls,
            max_tokens,
            cache=not no_cache,
            keep_text=keep_text,
            suggest=suggest,
            timeout=timeout,
        )
    options = Options(
        as_json=as_json, db=db, strict=strict, max_bytes=parse_size(max_bytes), quiet=quiet, debug=debug,
        model=model or None, limits=limits, dry_run=dry_run, given=given,
    )  # fmt: skip
    raise typer.Exit(run(paths, options))
