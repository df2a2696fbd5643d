"""Names of files and of members of archives: how they are shown, and what they alone say of a file."""

from __future__ import annotations

import re

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
    "txt text md markdown csv tsv htm html shtml xhtml mht mhtml eml msg pdf doc docx docm wps xls xlsx xlsm et ods "
    "odt rtf zip tar tgz gz bz2 xz 7z rar".split()
)
# Control characters, and those that turn the direction of writing and so disguise a name.
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_MAX_NAME = 1000


def display(name: str) -> str:
    """A path that can be printed and stored anywhere: control characters and undecodable bytes as escapes."""
    plain = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return _UNSHOWN.sub(lambda match: match.group().encode("unicode_escape").decode("ascii"), plain)


def suffix_of(name: str) -> str:
    """The suffix of a file's or member's name in lower case, without the dot; empty where it has none."""
    last = _parts(name)[-1]
    stem, dot, suffix = last.rpartition(".")
    return suffix.lower() if dot and stem else ""


def left_out_by_name(name: str) -> str | None:
    """The kind that a file's suffix gives it, where that kind is no document."""
    return _NO_DOCUMENT_SUFFIXES.get(suffix_of(name))


def promises_document(name: str) -> bool:
    """Whether a file's suffix says that it is a document."""
    return suffix_of(name) in _DOCUMENT_SUFFIXES


def member_name(name: str) -> str:
    """A member's name as it is shown and asked for: as printed in the archive, `./` before it dropped, escapes for
    what cannot be shown, not longer than a path may be. It never becomes a file's path."""
    while name.startswith("./"):
        name = name[2:].lstrip("/")
    shown = display(name)
    return shown if len(shown) <= _MAX_NAME else shown[:_MAX_NAME] + "…"


def decodes(name: bytes, encoding: str) -> bool:
    """Whether these bytes are text in that encoding."""
    try:
        name.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def decoded_name(name: bytes, encoding: str = "") -> str:
    """A name of which nobody says the encoding: UTF-8, else GBK (GB18030), else as DOS shows it (code page 437)."""
    order = (encoding,) if encoding else ("utf-8", "gb18030")
    return next((name.decode(e) for e in order if decodes(name, e)), name.decode("cp437"))


def is_hidden(name: str) -> bool:
    """Whether a member lies in a hidden folder or is a hidden file, or one that macOS adds."""
    return any((part.startswith(".") and part not in (".", "..")) or part == "__MACOSX" for part in _parts(name))


def sort_key(name: str) -> list[str]:
    """Order of a walk: folder by folder, part by part."""
    return _parts(name)


def _parts(name: str) -> list[str]:
    return name.replace("\\", "/").split("/")
