"""gzip, bzip2 and xz: one stream that holds one file, a document or a TAR."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator
from typing import IO

from extractor.document.containers.archive import cut_off, damaged
from extractor.document.containers.bounds import CHUNK, check_ratio

# xz keeps a dictionary as large as the file asks for; `xz -9` asks for 64 MB.
_XZ_MEMORY = 200_000_000

_SUFFIXES = {"gzip": (".gz", ".gzip"), "bzip2": (".bz2",), "xz": (".xz",)}
_TAR_SUFFIXES = (".tgz", ".tbz", ".tbz2", ".txz")


def name_inside(name: str, kind: str) -> str:
    """The name of what a stream holds: the file's own without its suffix."""
    last = name.replace("\\", "/").rpartition("/")[2].rpartition("!")[2]
    for suffix in _SUFFIXES[kind]:
        if last.lower().endswith(suffix) and len(last) > len(suffix):
            return last[: -len(suffix)]
    for suffix in _TAR_SUFFIXES:
        if last.lower().endswith(suffix) and len(last) > len(suffix):
            return last[: -len(suffix)] + ".tar"
    return "content"


def decompressed(file: IO[bytes], kind: str) -> Iterator[bytes]:
    """What a stream holds, piece by piece. Errors: InputError `truncated_archive` where it is cut off,
    `damaged_archive` where its check does not hold, `archive_bomb`."""
    total = 0
    try:
        for chunk in _gzip(file) if kind == "gzip" else _bounded(file, kind):
            total += len(chunk)
            check_ratio(file.tell(), total)
            yield chunk
    except EOFError:
        raise cut_off() from None
    except (zlib.error, lzma.LZMAError, OSError, ValueError) as error:
        raise damaged(error) from None


def _gzip(file: IO[bytes]) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=file, mode="rb") as stream:
        while chunk := stream.read1(CHUNK):  # what is there, also where the end is missing
            yield chunk


def _bounded(file: IO[bytes], kind: str) -> Iterator[bytes]:
    """bzip2 or xz, stream after stream, never more in memory than was asked for."""
    data = b""
    while data := (data or file.read(CHUNK)).lstrip(b"\x00"):
        decoder = bz2.BZ2Decompressor() if kind == "bzip2" else lzma.LZMADecompressor(memlimit=_XZ_MEMORY)
        while not decoder.eof:
            if decoder.needs_input and not data:
                data = file.read(CHUNK)
                if not data:
                    raise EOFError
            chunk = decoder.decompress(data, CHUNK)
            data = b""
            if chunk:
                yield chunk
        data = decoder.unused_data
