"""Files, folders, globs and stdin → one `Source` after another, each with its bytes or with what went wrong.

Nothing here stops a batch: a file that cannot be read is a source with an error. Only the names of the folders on
the way to the current file are held in memory, and the bytes of one file at a time.
"""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import re
import shlex
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import IO

from extractor.document.containers.bounds import CHUNK, MAX_SPOOL, spooled
from extractor.document.containers.walk import HEAD, Container, container_of, too_large, unpack
from extractor.document.content import Stored
from extractor.document.decode import decode
from extractor.document.kinds import HOW_TO_CONVERT, NO_DOCUMENT, Kind, kind_of
from extractor.document.names import display as display
from extractor.document.names import left_out_by_name, promises_document
from extractor.document.office import refusal
from extractor.errors import InputError

MAX_BYTES = 20_000_000
STDIN = "-"

_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Source:
    """A file met on the way. `name` is the path as given or walked (undecodable bytes as lone surrogates).

    Exactly one of `data`, `error` and `left_out` is set; `left_out` is the kind of a walked file that is no document.
    A file in an archive or a mail is a source of its own, `path!member`; on the first one of an archive `adds` says
    how many more than one it holds.
    """

    name: str
    data: bytes | None = None
    error: InputError | None = None
    left_out: str | None = None
    adds: int = 0

    @cached_property
    def sha256(self) -> str | None:
        """Of the file's bytes; None where they were not read."""
        return None if self.data is None else hashlib.sha256(self.data).hexdigest()

    def stored(self) -> Stored:
        """The stored text and what the file's format says of its layout. Errors: InputError."""
        if self.error is not None:
            raise self.error
        return read_stored(self.data or b"")

    def text(self) -> str:
        """The stored text alone. Errors: InputError."""
        return self.stored().text


def read_bytes(data: bytes) -> str:
    """The stored text alone of a file of any kind that is read; errors as `read_stored`."""
    return read_stored(data).text


def read_stored(data: bytes) -> Stored:
    """The stored text of a file of any kind that is read, and what its format says of the layout.

    Errors: InputError `empty`, `binary`, `undecodable`, `malformed`, `unsupported_format`, and those of its format.
    """
    kind = kind_of(data)
    if kind == "empty":
        raise InputError("empty", "The file is empty.", "Download or export it again.")
    # A format's module is imported where a file of it is met: its library is none of the others' cost.
    if kind == "html":
        from extractor.document.formats.html import read_html

        return read_html(data)
    if kind == "mhtml":
        from extractor.document.formats.mhtml import read_mhtml

        return read_mhtml(data)
    if kind == "pdf":
        from extractor.document.formats.pdf import read_pdf

        return read_pdf(data)
    if kind == "docx":
        from extractor.document.formats.docx import read_docx

        return read_docx(data)
    if kind == "xlsx":
        from extractor.document.formats.xlsx import read_xlsx

        return read_xlsx(data)
    if kind in ("office", "ole", "rtf"):
        raise refusal(kind, data)
    if kind in HOW_TO_CONVERT:
        raise InputError("unsupported_format", f"{_KIND_NAMES.get(kind, kind)} is not read.", HOW_TO_CONVERT[kind])
    return Stored(decode(data).text)


_KIND_NAMES: dict[Kind, str] = {
    "image": "A picture",
    "archive": "An archive of this kind",
    "eml": "Mail by itself",
    "msg": "Outlook's mail format (.msg)",
    "json": "JSON",
    "media": "Sound or video",
    "database": "A database",
    "program": "A program",
}


def walk(paths: Sequence[str], *, max_bytes: int = MAX_BYTES) -> Iterator[Source]:
    """Every source of the given paths, lazily and in order; folders part by part in sorted order.

    A path that is given is always answered; inside a folder hidden files are passed over and files that are no
    document come as `left_out`.
    """
    for path in paths:
        for name, walked in _names(path):
            if isinstance(name, Source):
                yield name
            elif name == STDIN and not walked:
                yield from _read_stdin(max_bytes)
            else:
                yield from _read(name, max_bytes, walked)


def count(paths: Sequence[str]) -> int:
    """How many sources `walk` will give, without reading any file; an archive counts one (see `Source.adds`)."""
    return sum(1 for path in paths for _ in _names(path))


def _names(path: str) -> Iterator[tuple[str | Source, bool]]:
    """Names of one argument, each with whether it was walked (True) or given (False)."""
    if path == STDIN or not _GLOB.search(path) or os.path.lexists(path) or _container_part(path)[1]:
        matches = [path]
    else:
        matches = sorted(glob.glob(path, recursive=True)) or [path]
    for match in matches:
        if match != STDIN and os.path.isdir(match):
            for inner in _walk_folder(match):
                yield inner, True
        else:
            yield match, False


def _walk_folder(top: str) -> Iterator[str | Source]:
    """Files below a folder. A linked folder is followed once, never into a folder that it lies in."""
    followed: set[tuple[int, int]] = set()
    # One entry per open folder: its path, its identity, the names in it still to come.
    stack = [_open_folder(top)]
    while stack:
        folder, _, names = stack[-1]
        if isinstance(names, InputError):
            stack.pop()
            yield Source(folder, error=names)
            continue
        name = next(names, None)
        if name is None:
            stack.pop()
            continue
        path = os.path.join(folder, name)
        if not os.path.isdir(path):
            yield path
            continue
        inner = _open_folder(path)
        if os.path.islink(path):
            if inner[1] in followed or any(inner[1] == entry[1] for entry in stack):
                yield Source(path, left_out="linked folder")
                continue
            followed.add(inner[1])
        stack.append(inner)


_Folder = tuple[str, tuple[int, int], "Iterator[str] | InputError"]


def _open_folder(path: str) -> _Folder:
    try:
        found = os.stat(path)
        with os.scandir(path) as entries:
            names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    except OSError as error:
        return path, (0, 0), _os_error(error, "folder")
    return path, (found.st_dev, found.st_ino), iter(names)


def _read(name: str, max_bytes: int, walked: bool) -> Iterator[Source]:
    """The file as one source, or the sources in it where it is a container."""
    if walked and (kind := left_out_by_name(name)) is not None:
        yield Source(name, left_out=kind)
        return
    outer, wanted = ("", "") if walked or os.path.lexists(name) else _container_part(name)
    try:
        found = os.stat(outer or name)
        if not stat.S_ISREG(found.st_mode):
            yield _special_file(name, walked)
            return
        with open(outer or name, "rb") as file:
            yield from _read_open(outer or name, file, max_bytes, walked, wanted)
    except OSError as error:
        yield Source(name, error=_os_error(error, "file", link=os.path.islink(name)))
    except ValueError:  # a NUL in the path
        yield Source(name, error=InputError("missing", "There is no such file.", "Check the path."))


def _read_open(name: str, file: IO[bytes], max_bytes: int, walked: bool, wanted: str = "") -> Iterator[Source]:
    """The same for a file that is open and can be read from any place; `wanted` is a member's name."""
    container = container_of(file.read(HEAD), file)
    if container is not None:
        yield from _unpack(name, file, container, max_bytes, walked, wanted)
        return
    if wanted:
        error = InputError("missing", f"There is no such file, and {display(name)} is no archive.", "Check the path.")
        yield Source(f"{name}!{wanted}", error=error)
        return
    size = file.seek(0, os.SEEK_END)
    if size > max_bytes:
        yield Source(name, error=too_large(size, max_bytes))
        return
    file.seek(0)
    data = file.read(max_bytes)
    if walked and not promises_document(name) and (kind := kind_of(data)) in NO_DOCUMENT:
        yield Source(name, left_out=kind)
    else:
        yield Source(name, data=data)


def _unpack(
    name: str, file: IO[bytes], kind: Container, max_bytes: int, walked: bool, wanted: str = ""
) -> Iterator[Source]:
    """The documents of a container, or those `wanted` of it; one that is given and holds none is answered."""
    given = f"{name}!{wanted}" if wanted else name
    met = documents = 0
    for found in unpack(file, kind, name, max_bytes, wanted):
        met += 1
        documents += found.left_out is None
        if found.name == given and found.left_out and not walked:
            continue  # answered below
        yield Source(found.name, found.data, found.error, found.left_out, found.adds)
    if wanted and not met:
        hint = f"`gouji text {shlex.quote(name)}` names what it holds."
        yield Source(given, error=InputError("missing", f"{display(name)} holds no {display(wanted)}.", hint))
    elif not documents and not walked:
        holds = "mail" if kind == "eml" else "archive"
        yield Source(given, error=InputError("empty_archive", f"The {holds} holds no document.", "Look what is in it."))


def _container_part(path: str) -> tuple[str, str]:
    """`archive.zip!member` as its two parts, where the first is a file; both empty where there is none."""
    for match in re.finditer("!(?=.)", path):
        if os.path.isfile(path[: match.start()]):
            return path[: match.start()], path[match.end() :]
    return "", ""


def _special_file(name: str, walked: bool) -> Source:
    if walked:
        return Source(name, left_out="special file")
    return Source(
        name, error=InputError("not_a_file", "It is no regular file.", f"Pipe it in: `cat … | gouji extract {STDIN}`.")
    )


def _read_stdin(max_bytes: int) -> Iterator[Source]:
    try:
        head = sys.stdin.buffer.read(HEAD)
        with spooled() as file:
            # A ZIP tells at its end whether it is an office file.
            limit = MAX_SPOOL if head.startswith(b"PK") or container_of(head) else max_bytes
            rest = iter(lambda: sys.stdin.buffer.read(CHUNK), b"")
            size = 0
            for chunk in chain([head], rest):
                size += file.write(chunk)
                if size > limit:
                    yield Source(STDIN, error=too_large(size, limit))
                    return
            file.seek(0)
            yield from _read_open(STDIN, file, max_bytes, walked=False)
    except (OSError, AttributeError, ValueError) as error:
        yield Source(
            STDIN, error=InputError("unreadable", f"Standard input cannot be read ({error}).", "Pipe text in.")
        )


def _os_error(error: OSError, what: str, link: bool = False) -> InputError:
    if error.errno == errno.ENOENT:
        if link:
            return InputError("broken_link", "The link points to a file that is not there.", "Mend or remove the link.")
        return InputError("missing", f"There is no such {what}.", "Check the path.")
    if error.errno in (errno.EACCES, errno.EPERM):
        return InputError(
            "no_permission", f"The {what} may not be read.", "Give yourself the right to read it (chmod)."
        )
    if error.errno == errno.ELOOP:
        return InputError("broken_link", "The link leads back to itself.", "Mend or remove the link.")
    return InputError("unreadable", f"The {what} cannot be read: {error.strerror}.", "Try again or copy it elsewhere.")
