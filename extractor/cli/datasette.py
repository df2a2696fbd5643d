"""`gouji datasette`: the metadata file with which Datasette shows a database of results."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from extractor.cli.options import Debug
from extractor.document.sources import display

EPILOG = (
    "\b\nExamples:\n"
    "  gouji extract reports/ --db out.db\n"
    "  gouji datasette out.db -o metadata.json\n"
    "  pip install 'gouji[datasette]' && datasette out.db -m metadata.json --open\n"
    "\n"
    "The file gives titles, words for every column, facets, and ready questions: all doubtful cells with their text,\n"
    "broken rules, the coverage matrix, one body over the years. An older database is brought up to date."
)


def datasette(
    database: Annotated[Path, typer.Argument(metavar="DB", help="A database of `gouji extract --db`.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to; without it standard output.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    debug: Debug = False,
) -> None:
    """Write Datasette's metadata for a database: titles, facets, ready questions."""
    from extractor.export.datasette import metadata
    from extractor.export.outputs import Outputs
    from extractor.store import Library

    with Library(database):
        made = json.dumps(metadata(database), ensure_ascii=False, indent=2) + "\n"
    if output is None:
        sys.stdout.write(made)
        return
    with Outputs(output, force) as outputs:
        outputs.file().write_text(made, encoding="utf-8")
    command = f"datasette {shlex.quote(str(database))} -m {shlex.quote(str(output))}"
    print(f"{display(str(output))}: now run  {display(command)}", file=sys.stderr)
