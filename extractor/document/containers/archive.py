"""ZIP and TAR: the list of members, and each one's bytes as a stream. Nothing is extracted to a path."""

from __future__ import annotations

import itertools
import lzma
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import IO

from extractor.document.containers.bounds import CHUNK, Bounds, Guarded, check_ratio
from extractor.document.names import decoded_name, decodes
from extractor.errors import InputError

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_UTF8_NAME, _ENCRYPTED = 0x800, 0x1


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a container: its name as printed, how large it says it is, its bytes piece by piece.

    `left_out` says what it is instead of a file (a link, a device).
    """

    name: str
    size: int
    chunks: Callable[[], Iterator[bytes]]
    left_out: str | None = None


@dataclass(slots=True)
class Opened:
    """A container's members, folders not among them; `fault` where the list ends early."""

    members: list[Member] = field(default_factory=list)
    fault: InputError | None = None


def cut_off() -> InputError:
    """The fault of an archive that ends before its end."""
    return InputError("truncated_archive", "It is cut off: the rest of it is lost.", "Download or pack it again.")


def damaged(error: BaseException | str) -> InputError:
    """The fault of an archive, or a member, that cannot be read as it was packed."""
    said = str(error)[:120].rstrip(".") or type(error).__name__
    return InputError(
        "damaged_archive", f"It is damaged and cannot be unpacked ({said}).", "Download or pack it again."
    )


# What the libraries raise on a file that is not what it says.
BROKEN = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, struct.error,
    RecursionError, NotImplementedError, OverflowError, LookupError,
)  # fmt: skip


# ---------------------------------------------------------------- ZIP


def open_zip(file: IO[bytes], bounds: Bounds) -> Opened:
    """The members of a ZIP file. Errors: InputError; zipfile's own where its list is not to be read."""
    try:
        archive = zipfile.ZipFile(Guarded(file))
    except zipfile.BadZipFile as error:
        # It begins as a ZIP: its list of members stands at the end, and is not there.
        raise (cut_off() if "not a zip file" in str(error) else damaged(error)) from None
    entries = archive.infolist()
    bounds.list(len(entries))
    _check_overlap(entries)
    names = _zip_names(entries)
    return Opened(
        [
            Member(name, entry.file_size, _zip_chunks(archive, entry))
            for entry, name in zip(entries, names, strict=True)
            if not entry.is_dir() and not name.endswith(("/", "\\"))
        ]
    )


def zip_names(file: IO[bytes]) -> list[str]:
    """The names in a ZIP file's list; empty where it is not to be read."""
    try:
        return zipfile.ZipFile(Guarded(file)).namelist()
    except BROKEN:
        return []


def _check_overlap(entries: list[zipfile.ZipInfo]) -> None:
    """One run of bytes told as many members is how a small file becomes an endless one."""
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    for here, following in itertools.pairwise(ordered):
        if here.header_offset + 30 + here.compress_size > following.header_offset:
            raise InputError("archive_bomb", "Members of the archive lie over one another.", "It is not to be trusted.")


def _zip_names(entries: list[zipfile.ZipInfo]) -> list[str]:
    """Names without the UTF-8 mark are in the encoding of whoever packed them: UTF-8 or GBK, for all of them alike
    where that is possible."""
    raw = {
        index: entry.orig_filename.encode("cp437")
        for index, entry in enumerate(entries)
        if not entry.flag_bits & _UTF8_NAME
    }
    encoding = next((e for e in ("utf-8", "gb18030") if all(decodes(name, e) for name in raw.values())), "")
    return [
        entry.orig_filename if index not in raw else decoded_name(raw[index], encoding)
        for index, entry in enumerate(entries)
    ]


def _zip_chunks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Callable[[], Iterator[bytes]]:
    def chunks() -> Iterator[bytes]:
        if entry.flag_bits & _ENCRYPTED:
            raise InputError("encrypted", "The file is locked with a password.", "Unpack it with the password first.")
        # The library unpacks the other methods without a bound on memory.
        if entry.compress_type not in _METHODS:
            raise InputError(
                "unsupported_format", f"It is packed by a method that is not read ({entry.compress_type}).",
                "Unpack the archive and give the folder.",
            )  # fmt: skip
        check_ratio(entry.compress_size, entry.file_size)
        with archive.open(entry) as stream:
            while chunk := stream.read(CHUNK):
                yield chunk

    return chunks


# ---------------------------------------------------------------- TAR


def open_tar(file: IO[bytes], bounds: Bounds) -> Opened:
    """The members of a TAR file, and a fault where it breaks off. Errors: tarfile's own where nothing is to be read."""
    archive = tarfile.open(fileobj=Guarded(file), mode="r:")  # noqa: SIM115 - members are read later
    opened = Opened()
    reached = -1
    try:
        for entry in iter(archive.next, None):
            bounds.list(1)
            if entry.size < 0 or archive.offset <= reached:
                opened.fault = damaged("a member's size is forged")
                break
            reached = archive.offset
            if entry.isdir():
                continue
            name = _tar_name(entry.name)
            plain = entry.isreg() and not entry.issparse()
            left_out = None if plain else "link" if entry.issym() or entry.islnk() else "special file"
            opened.members.append(Member(name, entry.size, _tar_chunks(archive, entry), left_out))
            archive.members.clear()  # type: ignore[attr-defined]  # the library keeps each header a second time
    except (tarfile.ReadError, EOFError):
        opened.fault = cut_off()
    except BROKEN as error:
        opened.fault = damaged(error)
    return opened if opened.fault else replace(opened, fault=_end_fault(file, archive.offset))


def _end_fault(file: IO[bytes], offset: int) -> InputError | None:
    """None where the zero block that closes a TAR stands behind the last member that was found."""
    file.seek(offset)
    block = file.read(tarfile.BLOCKSIZE)
    if len(block) < tarfile.BLOCKSIZE:
        return cut_off()
    return damaged("a member's header is none") if block.strip(b"\x00") else None


def _tar_name(name: str) -> str:
    return decoded_name(os.fsencode(name)) if any("\udc80" <= char <= "\udcff" for char in name) else name


def _tar_chunks(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> Callable[[], Iterator[bytes]]:
    def chunks() -> Iterator[bytes]:
        stream = archive.extractfile(entry)
        assert stream is not None
        left = entry.size
        try:
            while chunk := stream.read(CHUNK):
                left -= len(chunk)
                yield chunk
        except tarfile.ReadError:
            raise cut_off() from None
        if left:
            raise cut_off()

    return chunks
