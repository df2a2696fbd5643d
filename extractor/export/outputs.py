"""Files that are there whole or not at all: written beside their place, moved when everything is done."""

from __future__ import annotations

import codecs
import contextlib
import glob
import os
import shutil
from pathlib import Path
from types import TracebackType

from extractor.document.sources import display
from extractor.errors import UsageError


class Outputs:
    """The files of one export: `with Outputs(path, force) as outputs: outputs.file(".dictionary.csv")`.

    Leaving without an error moves all of them to their places, the main file last; with one, nothing stays behind.
    Errors: UsageError `exists`, `no_folder`, `cannot_write`.
    """

    def __init__(self, path: Path, force: bool = False) -> None:
        self.path, self._force = path, force
        self._made: dict[Path, Path] = {}  # place → where it is written
        self._late: list[Path] = []

    def __enter__(self) -> Outputs:
        return self

    def file(self, beside: str = "", *, late: bool = False) -> Path:
        """Where to write the main file, or the one that lies beside it: `a.csv` and `.dictionary.csv` give
        `a.dictionary.csv`. `late`: one that is there already is looked at when all is written; the same, but for the
        mark that Excel needs, may lie there (of one panel in two formats)."""
        place = self.path.with_name(self.path.stem + beside) if beside else self.path
        if place.is_dir():
            raise UsageError("is_folder", f"{display(str(place))} is a folder.", "Name a file with -o.")
        if place.exists() and not place.is_file():
            raise UsageError("no_file", f"{display(str(place))} is a device or a pipe.", "Use -o - and a pipe.")
        if place.exists() and not self._force and not late:
            raise UsageError("exists", f"{display(str(place))} is there already.", "Add --force to replace it.")
        if not place.parent.is_dir():
            raise UsageError("no_folder", f"There is no folder {display(str(place.parent))}.", "Make it first.")
        temporary = place.with_name(f".{place.name}.{os.getpid()}.part")
        self._made[place] = temporary
        if late and not self._force:
            self._late.append(place)
        try:
            temporary.touch()
            temporary.unlink()
        except OSError as error:
            raise UsageError(
                "cannot_write", f"{display(str(place))}: {error.strerror}.", "Name a file that you may write with -o."
            ) from error
        return temporary

    def put(self, beside: str, content: bytes) -> None:
        """A whole small file beside the main one; the same content may lie there already (one dictionary for two
        formats)."""
        place = self.path.with_name(self.path.stem + beside)
        old = place.read_bytes() if place.is_file() else b""
        same = old.removeprefix(codecs.BOM_UTF8) == content.removeprefix(codecs.BOM_UTF8)
        if not same or len(old) < len(content):
            self.file(beside, late=same).write_bytes(content)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                for place in self._late:
                    self._settle(place)
                for place, temporary in sorted(self._made.items(), key=lambda item: item[0] == self.path):
                    os.replace(temporary, place)
        finally:
            for temporary in self._made.values():
                _remove(temporary)

    def _settle(self, place: Path) -> None:
        """Leaves a file that says the same where it is."""
        if not place.exists():
            return
        old, new = place.read_bytes(), self._made[place].read_bytes()
        if old.removeprefix(codecs.BOM_UTF8) != new.removeprefix(codecs.BOM_UTF8):
            raise UsageError("exists", f"{display(str(place))} is there already.", "Add --force to replace it.")
        if len(old) >= len(new):
            _remove(self._made.pop(place))

    def names(self) -> list[str]:
        """The files that were made, the main one first."""
        return [display(str(place)) for place in sorted(self._made, key=lambda place: (place != self.path, place.name))]


def _remove(temporary: Path) -> None:
    """Removes what was being written, and what a library laid beside it (DuckDB's log)."""
    for left in temporary.parent.glob(f"{glob.escape(temporary.name)}*"):
        with contextlib.suppress(OSError):
            shutil.rmtree(left) if left.is_dir() else left.unlink()
