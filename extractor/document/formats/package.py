"""An office file (a zip of XML parts) opened as an untrusted one.

Only parts that are asked for are unpacked, each in pieces, and all together never beyond `MAX_UNPACKED`: what a
member declares is checked first and what comes out is counted, so neither a ratio nor a lie in the directory
matters. XML is read without entities, document types and the network. A part that is not asked for (pictures,
macros, embedded objects, links) costs nothing.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from extractor.errors import InputError

MAX_MEMBERS = 10_000
MAX_UNPACKED = 128_000_000  # bytes of all parts that are read
MAX_TREE = 32_000_000  # bytes of a part that is held as a tree
MAX_NODES = 1_500_000  # elements and attributes of such a part, at most
CHUNK = 1 << 20
_ENCRYPTED_FLAG = 0x1

# Figures set high or low (the mark of a note) stay apart from those beside them.
HEIGHTS = {
    "superscript": str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"),
    "subscript": str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"),
}

# The strict variant of the standard names the same elements in other namespaces.
_STRICT = tuple(
    (f"http://purl.oclc.org/ooxml/{strict}".encode(), f"http://schemas.openxmlformats.org/{usual}".encode())
    for strict, usual in (
        ("wordprocessingml/main", "wordprocessingml/2006/main"),
        ("spreadsheetml/main", "spreadsheetml/2006/main"),
        ("officeDocument/relationships", "officeDocument/2006/relationships"),
    )
)


def damaged(
    what: str, hint: str = "Download it again, or open it in Word, Excel, WPS or LibreOffice and save it anew."
) -> InputError:
    """The error of an office file that is not what its format says."""
    return InputError("malformed", what, hint)


def too_large(what: str) -> InputError:
    """The error of an office file that would unpack to more than any report needs."""
    return InputError("too_large", what, "Keep only the report in it, and save it anew.")


def open_zip(data: bytes) -> zipfile.ZipFile:
    """The zip's directory; nothing is unpacked. Errors: InputError `malformed`, `too_large` (too many members)."""
    # Counted before the directory is read: a directory of a million names is itself the attack.
    if data.count(b"PK\x01\x02") > MAX_MEMBERS:
        raise too_large(f"The file holds more than {MAX_MEMBERS:,} members.")
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError, OSError) as error:
        raise damaged(f"The file's zip directory is damaged or cut off ({error}).") from None


def whole(raw: str | None) -> int | None:
    """A number of at most eight ASCII digits; None for anything else."""
    return int(raw) if raw is not None and raw.isascii() and raw.isdigit() and len(raw) < 9 else None


@dataclass(frozen=True, slots=True)
class Relationship:
    """A link from one part to another inside the file: the last word of its type, and the target's name."""

    kind: str
    target: str


class Package:
    """The parts of an office file by name (case does not matter).

    Errors of all methods: InputError `malformed`, `too_large`, `encrypted`.
    """

    def __init__(self, data: bytes) -> None:
        self._zip = open_zip(data)
        self._left = MAX_UNPACKED
        self._members: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            if self._members.setdefault(_folded(info.filename), info) is not info:
                raise damaged(f"The file holds the part {info.filename!r} twice.")

    def __contains__(self, name: str) -> bool:
        return _folded(name) in self._members

    def chunks(self, name: str) -> Iterator[bytes]:
        """A part's bytes, piece by piece."""
        info = self._members.get(_folded(name))
        if info is None:
            raise damaged(f"The file lacks its part {name}.")
        if info.flag_bits & _ENCRYPTED_FLAG:
            raise InputError("encrypted", "The file is locked by a password.", "Open it, save it without, try again.")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise damaged(f"The part {name} is packed in a way that no office program uses.")
        if info.file_size > self._left:
            raise self._overflow()
        try:
            with self._zip.open(info) as part:
                while chunk := part.read(CHUNK):
                    self._left -= len(chunk)
                    if self._left < 0:
                        raise self._overflow()
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
            raise damaged(f"The part {name} cannot be unpacked ({error}).") from None

    def read(self, name: str, limit: int = MAX_TREE) -> bytes:
        """A part's bytes, at most `limit`."""
        pieces: list[bytes] = []
        size = 0
        for chunk in self.chunks(name):
            size += len(chunk)
            if size > limit:
                raise too_large(f"The part {name} has more than {limit:,} bytes.")
            pieces.append(chunk)
        return b"".join(pieces)

    def tree(self, name: str) -> Any:
        """A part as an lxml element, namespaces of the strict variant renamed to the usual ones."""
        from lxml import etree

        data = self.read(name)
        if data.count(b"<") + data.count(b"=") > MAX_NODES:
            raise too_large(f"The part {name} has more elements than any report's.")
        for strict, usual in _STRICT:
            data = data.replace(strict, usual)
        parser = etree.XMLParser(
            resolve_entities=False, load_dtd=False, no_network=True, remove_comments=True, remove_pis=True
        )
        try:
            root = etree.fromstring(data, parser)
        except (etree.XMLSyntaxError, ValueError) as error:
            if "depth" in str(error):
                raise damaged(f"The part {name} is nested deeper than any report's.") from None
            raise damaged(f"The part {name} is no well-formed XML ({error}).") from None
        if root.getroottree().docinfo.internalDTD is not None:
            raise no_document_type(name)
        return root

    def main(self, kind: str = "officeDocument") -> str:
        """The name of the part that the file's own relationships call its document."""
        for relationship in self.relationships("").values():
            if relationship.kind == kind and relationship.target in self:
                return relationship.target
        raise damaged("The file does not say which of its parts is the document.")

    def relationships(self, part: str) -> dict[str, Relationship]:
        """The relationships of a part inside the file, by id; links that leave the file are left out."""
        folder, _, name = part.rpartition("/")
        path = posixpath.join(folder, "_rels", f"{name}.rels")
        if path not in self:
            return {}
        return {
            element.get("Id", ""): Relationship(
                element.get("Type", "").rpartition("/")[2], _resolved(folder, element.get("Target", ""))
            )
            for element in self.tree(path)
            if element.get("TargetMode", "Internal") != "External"
        }

    def related(self, part: str, kind: str) -> str | None:
        """The first part of a kind that a part names; None where there is none."""
        found = (r.target for r in self.relationships(part).values() if r.kind == kind and r.target in self)
        return next(found, None)

    @staticmethod
    def _overflow() -> InputError:
        return too_large(f"The file unpacks to more than {MAX_UNPACKED:,} bytes.")


def no_document_type(name: str) -> InputError:
    """The error of a part with a document type (entities); the standard forbids it."""
    return damaged(f"The part {name} declares a document type (entities), which no office program writes.")


def _folded(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()


def _resolved(folder: str, target: str) -> str:
    target = target.replace("\\", "/")
    return posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
