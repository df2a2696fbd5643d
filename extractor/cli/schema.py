"""`gouji schema`: the JSON Schema of what gouji writes."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from extractor.cli.options import Debug
from extractor.errors import UsageError

EPILOG = (
    "\b\nExamples:\n"
    "  gouji schema > line.schema.json             of one line of `gouji extract --json`\n"
    "  gouji schema --record > record.schema.json  of its record alone\n"
    "\n"
    "JSON Schema 2020-12. Lines may have further keys in a later gouji; records have the form's keys and no others."
)


def schema(
    record: Annotated[bool, typer.Option("--record", help="Of the record alone.")] = False,
    line: Annotated[bool, typer.Option("--line", help="Of a whole line (the default).")] = False,
    debug: Debug = False,
) -> None:
    """Print the JSON Schema of a line of `gouji extract --json`, or of the record in it."""
    from extractor.export.schema import line_schema, record_schema

    if record and line:
        raise UsageError("two_outputs", "--record and --line are two schemas.", "Choose one.")
    json.dump(record_schema() if record else line_schema(), sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")
