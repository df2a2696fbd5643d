"""`gouji text`: the stored text that spans count in."""

from __future__ import annotations

import itertools
import shlex
import sys
from typing import Annotated

import typer

from extractor.cli.options import Debug, MaxBytes, parse_size
from extractor.errors import UsageError

_NAMED = 10  # members of an archive that an error lists


def text(
    path: Annotated[str, typer.Argument(metavar="PATH", help="A file, a member (`a.zip!b.txt`), or - for stdin.")],
    max_bytes: MaxBytes = "20MB",
    debug: Debug = False,
) -> None:
    """Print the stored text of PATH, in which spans count."""
    from extractor.document.sources import walk

    sources = (source for source in walk([path], max_bytes=parse_size(max_bytes)) if source.left_out is None)
    source = next(sources, None)
    if source is None:
        raise UsageError("not_a_file", f"{path} is not one file.", "Give one file, or - for standard input.")
    others = [other.name for other in itertools.islice(sources, _NAMED)]
    if others:
        raise _several(path, [source.name, *others])
    sys.stdout.buffer.write(source.text().encode("utf-8"))
    sys.stdout.buffer.flush()


def _several(path: str, sources: list[str]) -> UsageError:
    """The error for a folder or an archive of several documents, with some of their names."""
    from extractor.document.sources import display

    names = [display(name) for name in sources]
    more = ", …" if len(names) > _NAMED else ""
    return UsageError(
        "not_a_file",
        f"{display(path)} holds several documents: {', '.join(names[:_NAMED])}{more}.",
        f"Give one of them: gouji text {shlex.quote(names[0])}",
    )
