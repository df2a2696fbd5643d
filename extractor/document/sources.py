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
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from extractor.document.content import Stored
from extractor.document.decode import decode
from extractor.document.kinds import HOW_TO_CONVERT, NO_DOCUMENT, Kind, kind_of
from extractor.errors import InputError

MAX_BYTES = 20_000_000
STDIN = "-"

# By suffix alone a walk leaves these out unread; other files are judged by content.
_NO_DOCUMENT_SUFFIXES: dict[str, str] = {
    suffix: kind
    for kind, suffixes in {
        "json": "json jsonl ndjson geojson ipynb",
        "image": "png jpg jpeg gif bmp tif tiff webp svg ico heic avif",
        "media": "mp3 mp4 wav avi mov mkv flv wmv m4a ogg webm",
        "database": "db sqlite sqlite3 db-wal db-shm db-journal parquet duckdb feather mdb",
        "program": "py pyc pyo so dll exe js mjs ts css scss sh bat c h cpp o a jar class java go rs whl",
        "configuration": "toml yaml yml ini cfg conf lock log xml xsd dtd woff woff2 ttf otf eot",
    }.items()
    for suffix in suffixes.split()
}
# A suffix that promises a document is answered whatever the file holds.
_DOCUMENT_SUFFIXES = frozenset(
    "txt text md markdown csv tsv htm html shtml xhtml pdf doc docx wps xls xlsx rtf".split()
)
_GLOB = re.compile(r"[*?\[]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True)
class Source:
    """A file met on the way. `name` is the path as given or walked (undecodable bytes as lone surrogates).

    Exactly one of `data`, `error` and `left_out` is set; `left_out` is the kind of a walked file that is no document.
    """

    name: str
    data: bytes | None = None
    error: InputError | None = None
    left_out: str | None = None

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


def display(name: str) -> str:
    """A path that can be printed and stored anywhere: control characters and undecodable bytes as escapes."""
    plain = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return _CONTROL.sub(lambda match: match.group().encode("unicode_escape").decode("ascii"), plain)


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
    if kind == "pdf":
        from extractor.document.formats.pdf import read_pdf

        return read_pdf(data)
    if kind == "docx":
        from extractor.document.formats.docx import read_docx

        return read_docx(data)
    if kind == "xlsx":
        from extractor.document.formats.xlsx import read_xlsx

        return read_xlsx(data)
    if kind in HOW_TO_CONVERT:
        raise InputError("unsupported_format", f"{_KIND_NAMES.get(kind, kind)} is not read.", HOW_TO_CONVERT[kind])
    return Stored(decode(data).text)


_KIND_NAMES: dict[Kind, str] = {
    "pdf": "PDF",
    "docx": "Word (.docx)",
    "xlsx": "Excel (.xlsx)",
    "office": "This office format",
    "ole": "The old Word/Excel/WPS format (.doc, .xls, .wps)",
    "rtf": "RTF",
    "image": "A picture",
    "archive": "An archive",
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
            yield _read(name, max_bytes, walked) if not isinstance(name, Source) else name


def count(paths: Sequence[str]) -> int:
    """How many sources `walk` will give, without reading any file."""
    return sum(1 for path in paths for _ in _names(path))


def _names(path: str) -> Iterator[tuple[str | Source, bool]]:
    """Names of one argument, each with whether it was walked (True) or given (False)."""
    if path == STDIN or not _GLOB.search(path) or os.path.lexists(path):
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


def _read(name: str, max_bytes: int, walked: bool) -> Source:
    if name == STDIN and not walked:
        return _read_stdin(max_bytes)
    suffix = os.path.splitext(name)[1][1:].lower()
    if walked and suffix in _NO_DOCUMENT_SUFFIXES:
        return Source(name, left_out=_NO_DOCUMENT_SUFFIXES[suffix])
    try:
        found = os.stat(name)
        if not stat.S_ISREG(found.st_mode):
            if walked:
                return Source(name, left_out="special file")
            return Source(
                name,
                error=InputError(
                    "not_a_file", "It is no regular file.", f"Pipe it in: `cat … | gouji extract {STDIN}`."
                ),
            )
        if found.st_size > max_bytes:
            return Source(name, error=_too_large(found.st_size, max_bytes))
        with open(name, "rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        return Source(name, error=_os_error(error, "file", link=os.path.islink(name)))
    except ValueError:  # a NUL in the path
        return Source(name, error=InputError("missing", "There is no such file.", "Check the path."))
    if len(data) > max_bytes:
        return Source(name, error=_too_large(len(data), max_bytes))
    if walked and suffix not in _DOCUMENT_SUFFIXES and (kind := kind_of(data)) in NO_DOCUMENT:
        return Source(name, left_out=kind)
    return Source(name, data=data)


def _read_stdin(max_bytes: int) -> Source:
    try:
        data = sys.stdin.buffer.read(max_bytes + 1)
    except (OSError, AttributeError, ValueError) as error:
        return Source(
            STDIN, error=InputError("unreadable", f"Standard input cannot be read ({error}).", "Pipe text in.")
        )
    return Source(STDIN, error=_too_large(len(data), max_bytes)) if len(data) > max_bytes else Source(STDIN, data=data)


def _too_large(size: int, max_bytes: int) -> InputError:
    return InputError(
        "too_large",
        f"The file has {size:,} bytes or more; the limit is {max_bytes:,}.",
        "Give only the report, or raise the limit with --max-bytes.",
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
