"""From a container to the documents in it, one at a time: `name!member`, containers within containers too."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from tarfile import BLOCKSIZE
from typing import IO, Literal

from extractor.document.containers.archive import BROKEN, Member, Opened, damaged, open_tar, open_zip, zip_names
from extractor.document.containers.bounds import (
    MAX_DEPTH,
    MAX_MAIL,
    Bounds,
    OutOfBoundsError,
    fill,
    spooled,
)
from extractor.document.containers.compressed import decompressed, name_inside
from extractor.document.kinds import NO_DOCUMENT, kind_of, zip_kind
from extractor.document.names import is_hidden, left_out_by_name, member_name, promises_document, sort_key
from extractor.errors import InputError

Container = Literal["zip", "tar", "gzip", "bzip2", "xz", "eml"]
HEAD = 65_536  # bytes that tell a container from a document

_BZIP2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")
_AGAIN = "~"  # a member of a name that was there before: `a.txt~2`


@dataclass(frozen=True, slots=True)
class Found:
    """What a container gave: exactly one of `data`, `error`, `left_out`, as in `Source`. `adds` is how many more
    names than this one its container turned out to hold."""

    name: str
    data: bytes | None = None
    error: InputError | None = None
    left_out: str | None = None
    adds: int = 0


def container_of(head: bytes, file: IO[bytes] | None = None) -> Container | None:
    """Whether a file is one that holds others, by its first bytes (HEAD of them); a ZIP is looked into by `file`,
    since office files are ZIPs too."""
    if head.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    if _BZIP2.match(head):
        return "bzip2"
    if head.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    if head[257:262] == b"ustar":
        return "tar"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        names = zip_names(file) if file is not None else []
        kind = zip_kind(names, head[:200]) if names else kind_of(head)
        return "zip" if kind == "archive" else None
    return "eml" if kind_of(head) == "eml" else None


def unpack(file: IO[bytes], kind: Container, name: str, max_bytes: int, wanted: str = "") -> Iterator[Found]:
    """The documents of a container, in sorted order, each with its bytes or with what went wrong; never an exception.

    `file` is at any position and seekable. `wanted` is a member's shown name, with its container's where it lies in
    one of them (`inner.zip!a.txt`), or a folder's: nothing else is unpacked, and nothing at all is given where there
    is no such member.
    """
    try:
        yield from _contents(file, kind, name, Bounds(max_bytes), wanted, 1)
    except OutOfBoundsError as error:
        yield Found(name, error=error)


def _contents(file: IO[bytes], kind: Container, name: str, bounds: Bounds, wanted: str, depth: int) -> Iterator[Found]:
    if depth > MAX_DEPTH:
        error = InputError(
            "too_deep", f"Archives lie in one another more than {MAX_DEPTH} deep.", "Unpack it and give the folder."
        )
        yield Found(name, error=error)
        return
    with spooled() as inside:
        try:
            opened = _open(file, inside, kind, name, bounds)
        except OutOfBoundsError:
            raise
        except InputError as error:
            opened = Opened(fault=error)
        except BROKEN as error:
            opened = Opened(fault=damaged(error))
        members = _chosen(opened.members, wanted)
        adds = max(0, len(members) - 1)
        for shown, member, rest, explicit in members:
            for found in _member(member, f"{name}!{shown}", bounds, rest, explicit, depth):
                yield replace(found, adds=found.adds + adds) if adds else found
                adds = 0
        if opened.fault is not None:
            yield Found(name, error=opened.fault)
        elif not members and not wanted:
            yield Found(name, left_out="empty archive")


def _open(file: IO[bytes], inside: IO[bytes], kind: Container, name: str, bounds: Bounds) -> Opened:
    """The members. A compressed stream is unpacked into `inside` where it holds a TAR, which is not read in order."""
    file.seek(0)
    if kind == "zip":
        return open_zip(file, bounds)
    if kind == "tar":
        return open_tar(file, bounds)
    if kind == "eml":
        from extractor.document.containers.mail import open_mail

        data = file.read(MAX_MAIL + 1)
        if len(data) > MAX_MAIL:
            raise InputError("too_large", f"The mail has more than {MAX_MAIL:,} bytes.", "Save its attachments.")
        return open_mail(data, bounds)
    stream = decompressed(file, kind)
    head = _begin(stream)
    if container_of(head) != "tar":
        # Unpacked again when it is read: a document is judged by its size there.

        def chunks() -> Iterator[bytes]:
            file.seek(0)
            return decompressed(file, kind)

        return Opened([Member(name_inside(name, kind), 0, chunks)])
    fault = None

    def kept() -> Iterator[bytes]:
        nonlocal fault
        try:
            yield from chain([head], stream)
        except InputError as error:
            # bzip2 checks block by block: what came before the cut is sound. gzip and xz check at the end, which is not
            # there; a wrong byte can look like a missing end.
            if error.code != "truncated_archive" or kind != "bzip2":
                raise
            fault = error

    fill(inside, kept(), bounds.spend)
    opened = open_tar(inside, bounds)
    return replace(opened, fault=fault or opened.fault)


def _chosen(members: list[Member], wanted: str) -> list[tuple[str, Member, str, bool]]:
    """(shown name, member, what is asked for in it, whether it was asked for by name) in sorted order; hidden ones are
    passed over unless they were asked for."""
    names: set[str] = {member_name(member.name) for member in members}
    taken: set[str] = set()
    chosen: list[tuple[str, Member, str, bool]] = []
    for member in sorted(members, key=lambda member: sort_key(member.name)):
        shown = member_name(member.name)
        number = 2
        while shown in taken:
            again = f"{member_name(member.name)}{_AGAIN}{number}"
            shown = shown if again in names else again
            number += 1
        taken.add(shown)
        explicit, below = shown == wanted, wanted.startswith(f"{shown}!")
        if explicit or below:
            chosen.append((shown, member, wanted[len(shown) + 1 :], explicit))
        elif not is_hidden(member.name) and (not wanted or shown.startswith(wanted.rstrip("/") + "/")):
            chosen.append((shown, member, "", False))
    return chosen


def _member(member: Member, name: str, bounds: Bounds, wanted: str, explicit: bool, depth: int) -> Iterator[Found]:
    left_out = member.left_out or (None if explicit or wanted else left_out_by_name(member.name))
    if left_out is not None and not explicit:
        yield Found(name, left_out=left_out)
        return
    try:
        if left_out is not None:
            raise InputError(
                "not_a_file", f"It is no regular file in the archive ({left_out}).", "Give another member."
            )
        chunks = member.chunks()
        head = _begin(chunks)
        bounds.spend(len(head))
        inner: Container | None = None
        if head.startswith(b"PK") or container_of(head):
            with spooled() as file:
                fill(file, chain([head], chunks), bounds.spend)
                inner = container_of(head, file)
                if inner is not None:
                    yield from _contents(file, inner, name, bounds, wanted, depth + 1)
                    return
                file.seek(0)
                data = file.read(bounds.max_bytes + 1)
        else:
            if member.size > bounds.max_bytes:
                raise too_large(member.size, bounds.max_bytes)
            data = _joined(head, chunks, bounds)
        if len(data) > bounds.max_bytes:
            raise too_large(len(data), bounds.max_bytes)
    except OutOfBoundsError:
        raise
    except InputError as error:
        yield Found(name, error=error)
        return
    except BROKEN as error:
        yield Found(name, error=damaged(error))
        return
    if wanted:
        return  # something in it was asked for, and it is no container
    if not explicit and not promises_document(member.name) and (kind := kind_of(data)) in NO_DOCUMENT:
        yield Found(name, left_out=kind)
        return
    yield Found(name, data=data)


def _begin(chunks: Iterator[bytes]) -> bytes:
    """The first piece, or as many as tell a TAR."""
    head = b""
    while len(head) < BLOCKSIZE and (chunk := next(chunks, b"")):
        head += chunk
    return head


def _joined(head: bytes, chunks: Iterator[bytes], bounds: Bounds) -> bytes:
    """All of a document, to its end, where the archive's check is made; no more of it than one byte too many."""
    out = io.BytesIO()
    out.write(head)
    for chunk in chunks:
        bounds.spend(len(chunk))
        if out.write(chunk) and out.tell() > bounds.max_bytes:
            break
    return out.getvalue()[: bounds.max_bytes + 1]


def too_large(size: int, max_bytes: int) -> InputError:
    """A document beyond the limit."""
    return InputError(
        "too_large",
        f"The file has {size:,} bytes or more; the limit is {max_bytes:,}.",
        "Give only the report, or raise the limit with --max-bytes.",
    )
