"""How far a container is followed: depth, members, bytes, and how much more comes out than went in."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO

from extractor.errors import InputError

MAX_DEPTH = 5  # archives within archives
MAX_MEMBERS = 100_000  # of one file that is given, those of archives in it included
MAX_UNPACKED = 8_000_000_000  # bytes out of one file that is given
MAX_SPOOL = 2_000_000_000  # bytes of one archive that must be unpacked before it can be read
MAX_MAIL = 60_000_000
MAX_RATIO, RATIO_FROM = 500, 100_000_000  # a stream that gives more than its 500-fold, once it is this large
MAX_LIST = 16_000_000  # bytes of an archive's own list of members, or of one of its headers
IN_MEMORY = 8_000_000  # of an archive that is unpacked; the rest lies in a nameless temporary file
CHUNK = 1 << 18

_UNPACK = "Unpack it and give the folder."


class OutOfBoundsError(InputError):
    """The whole walk of one file ends here."""


@dataclass(slots=True)
class Bounds:
    """What was used up so far of one file that is given. `max_bytes` is the limit of a single document."""

    max_bytes: int
    members: int = 0
    unpacked: int = 0

    def list(self, members: int) -> None:
        """Counts members met. Errors: OutOfBoundsError `archive_bomb`."""
        self.members += members
        if self.members > MAX_MEMBERS:
            raise OutOfBoundsError("archive_bomb", f"The archive holds more than {MAX_MEMBERS:,} files.", _UNPACK)

    def spend(self, size: int) -> None:
        """Counts bytes unpacked. Errors: OutOfBoundsError `archive_bomb`."""
        self.unpacked += size
        if self.unpacked > MAX_UNPACKED:
            raise OutOfBoundsError("archive_bomb", f"The archive unpacks to more than {MAX_UNPACKED:,} bytes.", _UNPACK)


def check_ratio(packed: int, unpacked: int) -> None:
    """Errors: InputError `archive_bomb` where nothing but a bomb is packed so densely."""
    if unpacked > RATIO_FROM and unpacked > MAX_RATIO * max(1, packed):
        raise InputError(
            "archive_bomb",
            f"It unpacks to more than {MAX_RATIO} times its size; no report does.",
            "If it is sound all the same, unpack it and give the folder.",
        )


class Guarded(io.RawIOBase):
    """A seekable file of which no single read is larger than an archive's list of members may be: the libraries read
    such lists and headers in one piece, as long as the file says they are."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._size = file.seek(0, io.SEEK_END)
        file.seek(0)

    def read(self, size: int = -1, /) -> bytes:
        left = self._size - self._file.tell()
        size = left if size < 0 else min(size, left)
        if size > MAX_LIST:
            raise InputError("malformed", "A header of the archive is larger than any archive's.", _UNPACK)
        return self._file.read(max(0, size))

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


def spooled() -> IO[bytes]:
    """A seekable place for an archive that comes out of another one or through a pipe; gone when it is closed."""
    return tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)


def fill(target: IO[bytes], chunks: Iterable[bytes], spend: Callable[[int], None]) -> None:
    """Writes the chunks and goes back to the start. Errors: InputError `too_large` beyond MAX_SPOOL."""
    total = 0
    for chunk in chunks:
        total += len(chunk)
        spend(len(chunk))
        if total > MAX_SPOOL:
            raise InputError("too_large", f"The archive unpacks to more than {MAX_SPOOL:,} bytes.", _UNPACK)
        target.write(chunk)
    target.seek(0)
