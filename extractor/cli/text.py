"""`gouji text`: the stored text that spans count in."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from extractor.cli.options import Debug, MaxBytes, parse_size
from extractor.errors import UsageError


def text(
    path: Annotated[str, typer.Argument(metavar="PATH", help="A file, or - for standard input.")],
    max_bytes: MaxBytes = "20MB",
    debug: Debug = False,
) -> None:
    """Print the stored text of PATH, in which spans count."""
    from extractor.document.sources import walk

    sources = walk([path], max_bytes=parse_size(max_bytes))
    source = next(sources, None)
    if source is None or source.name != path:
        raise UsageError("not_a_file", f"{path} is not one file.", "Give one file, or - for standard input.")
    sys.stdout.buffer.write(source.text().encode("utf-8"))
    sys.stdout.buffer.flush()
