"""A run as an artefact: JSON Lines, one file a run, appended to as documents are done, so that a killed run goes on.

    {"type": "run", "version", "status", "started", "systems", "model", "repeats", "gouji_version", "git",
     "form_hash", "prompts_hash", "rules_hash", "gold": [{"name", "sha256", "report_sha256", "number"}], "unlabelled"}
    {"type": "document", "system", "repeat", "name", …, "cells": […], …}      see eval/documents.py
    {"type": "end", "status": "done" | "interrupted", "finished", "figures": {system: …}}

What was answered is in it whole: labels are read anew and scored again without asking a model.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from extractor.eval.documents import rescored
from extractor.eval.figures import figures
from extractor.eval.gold import GoldSet, Label

from extractor.errors import InputError, UsageError

VERSION = 1
Document = dict[str, Any]

# A run goes on only where all of these are as they were.
_FITS = ("version", "systems", "model", "repeats", "temperature", "gouji_version", "form_hash", "prompts_hash",
         "rules_hash")  # fmt: skip


@dataclass(slots=True)
class Run:
    """A run as read: its head, its documents (one for each system, repeat and label), and how it ended."""

    head: dict[str, Any]
    documents: list[Document] = field(default_factory=list)
    status: str = "running"
    finished: str | None = None
    path: Path | None = None
    _figures: dict[str, dict[str, Any]] = field(default_factory=dict)
    _keys: set[tuple[str, int, str]] = field(default_factory=set)

    @property
    def systems(self) -> list[str]:
        """The names of the systems, in the order asked for."""
        return list(self.head["systems"])

    def of(self, system: str) -> list[Document]:
        """One system's documents."""
        return [document for document in self.documents if document["system"] == system]

    def figures(self) -> dict[str, dict[str, Any]]:
        """The figures of each system. Reckoned once: documents are changed by `take` alone."""
        if not self._figures:
            self._figures = {name: figures(self.of(name)) for name in self.systems}
        return self._figures

    def take(self, documents: Sequence[Document]) -> None:
        """Adds documents that are done; one that was there without a score is replaced."""
        keys = {_key(document) for document in documents}
        if len(self._keys) != len(self.documents):
            self._keys = {_key(document) for document in self.documents}
        if keys & self._keys:
            self.documents = [document for document in self.documents if _key(document) not in keys]
        self.documents += documents
        self._keys |= keys
        self._figures = {}

    def info(self) -> dict[str, Any]:
        """The head as a report shows it, with how the run ended."""
        return {**self.head, "status": self.status, "finished": self.finished}


def _key(document: Mapping[str, Any]) -> tuple[str, int, str]:
    return document["system"], document["repeat"], document["name"]


def head_of(
    gold: GoldSet, systems: Sequence[str], model: str | None, repeats: int, temperature: float | None = None
) -> dict[str, Any]:
    """The first line of a run that starts now."""
    from extractor import __version__

    return {
        "type": "run",
        "version": VERSION,
        "status": "running",
        "started": now(),
        "systems": list(systems),
        "model": model,
        "repeats": repeats,
        "temperature": temperature,
        "gouji_version": __version__,
        "git": revision(),
        "form_hash": _digest(files("extractor.form"), ".toml"),
        "prompts_hash": _digest(files("extractor.prompts"), ".md"),
        "rules_hash": _digest(files("extractor.rules"), ".toml"),
        "gold": [_gold_entry(label) for label in gold.labels],
        "unlabelled": len(gold.unlabelled),
    }


def _gold_entry(label: Label) -> dict[str, Any]:
    return {
        "name": label.name,
        "sha256": label.sha256,
        "report_sha256": label.report_sha256,
        "number": label.number,
    }


def now() -> str:
    """The time, for people and machines."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def revision() -> str | None:
    """The git revision of the clone that runs, `-dirty` behind it where files differ; None where gouji is installed."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    try:
        told = [
            subprocess.run(
                ["git", "-C", str(root), *args], capture_output=True, text=True, timeout=10, check=True
            ).stdout
            for args in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
        ]
    except (OSError, subprocess.SubprocessError):
        return None
    return told[0].strip() + ("-dirty" if told[1].strip() else "")


def _digest(folder: Traversable, suffix: str) -> str:
    """One hash over the data files below a folder, names included."""
    digest = hashlib.sha256()
    for name, data in sorted(_data(folder, suffix)):
        digest.update(name.encode() + b"\0" + data + b"\0")
    return digest.hexdigest()


def _data(folder: Traversable, suffix: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _data(entry, suffix)
        elif entry.name.endswith(suffix):
            yield entry.name, entry.read_bytes()


# ------------------------------------------------------------------------------------------------ reading


def read(path: Path) -> Run:
    """A run from its file. A torn last line (the run was killed) is as if it had not been written.

    Errors: UsageError `no_run`, `bad_run`.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise UsageError("no_run", f"There is no run at {path}.", "`gouji eval --out RUN` writes one.") from None
    except OSError as error:
        raise UsageError("no_run", f"{path} cannot be read: {error.strerror}.", "Name a file.") from None
    lines = data.split(b"\n")
    lines.pop()  # what follows the last line end: nothing, or half a line
    run: Run | None = None
    at: dict[tuple[str, int, str], int] = {}
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            kind = entry["type"]
            if run is None:
                if kind != "run" or not isinstance(entry["systems"], list) or not isinstance(entry["gold"], list):
                    raise ValueError
                if entry["version"] != VERSION:
                    raise UsageError(
                        "bad_run", f"{path} is a run of version {entry['version']}, this gouji reads {VERSION}.",
                        "Run it again.",
                    )  # fmt: skip
                run = Run(entry, path=path)
            elif kind == "document":
                key = _key(entry)
                _ = entry["cells"], entry["other"], entry["verdicts"], entry["answered"]
                if key in at:
                    run.documents[at[key]] = entry
                else:
                    at[key] = len(run.documents)
                    run.documents.append(entry)
            elif kind == "end":
                run.status, run.finished = entry["status"], entry["finished"]
        except (ValueError, KeyError, TypeError):
            raise UsageError(
                "bad_run", f"{path} is no run of gouji eval (line {number}).", "`gouji eval --out RUN` writes one."
            ) from None
    if run is None:
        raise UsageError("bad_run", f"{path} is no run of gouji eval: it is empty.", "Remove it, or name another.")
    return run


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Why a run that began as `old` cannot go on as `new`; empty where it can."""
    told = [f"{key} was {old.get(key)!r}, is {new.get(key)!r}" for key in _FITS if old.get(key) != new.get(key)]
    return told + report_differences(old, new)


def report_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Which documents two runs do not share."""
    before, after = ({one["name"]: one["report_sha256"] for one in head["gold"]} for head in (old, new))
    told = []
    for words, names in (
        ("only in the first", sorted(before.keys() - after.keys())),
        ("only in the second", sorted(after.keys() - before.keys())),
        ("another text", sorted(n for n in before.keys() & after.keys() if before[n] != after[n])),
    ):
        if names:
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            told.append(f"{words}: {', '.join(names[:5])}{more}")
    return told


# ------------------------------------------------------------------------------------------------ scoring again


def rescore(run: Run, gold: GoldSet) -> Run:
    """The run scored anew against labels as they are now, without asking a model.

    Labels that are gone are left out. Errors: UsageError `not_in_run` for labels that the run has not read, or whose
    report is another one by now.
    """
    read_before = {one["name"]: one["report_sha256"] for one in run.head["gold"]}
    strange = [label.name for label in gold.labels if read_before.get(label.name) != label.report_sha256]
    if strange:
        more = f" and {len(strange) - 5} more" if len(strange) > 5 else ""
        raise UsageError(
            "not_in_run",
            f"The run has not read {', '.join(strange[:5])}{more} as the report is now.",
            "Read anew: `gouji eval --out RUN`.",
        )
    labels = {label.name: label for label in gold.labels}
    texts = _Texts(gold)
    documents = [
        rescored(document, labels[document["name"]], gold, texts(labels[document["name"]].file))
        for document in run.documents
        if document["name"] in labels
    ]
    head = {**run.head, "gold": [_gold_entry(label) for label in gold.labels], "unlabelled": len(gold.unlabelled)}
    return Run(head, documents, run.status, run.finished, run.path)


class _Texts:
    """Stored texts, the last one kept: documents of one file follow each other."""

    def __init__(self, gold: GoldSet) -> None:
        self.gold, self.file, self.text = gold, "", ""

    def __call__(self, file: str) -> str:
        if file != self.file:
            try:
                self.file, self.text = file, self.gold.text(file)
            except InputError:
                self.file, self.text = file, ""
        return self.text


# ------------------------------------------------------------------------------------------------ writing


def write(run: Run, path: Path) -> None:
    """Writes a whole run, at once or not at all."""
    lines = [_line(run.head), *map(_line, run.documents)]
    if run.status != "running":
        lines.append(_line(_end(run)))
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(b"".join(lines))
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise unwritable(path, error) from None


def unwritable(path: Path, error: OSError) -> UsageError:
    """The error for a file that cannot be written."""
    return UsageError("cannot_write", f"{path} cannot be written: {error.strerror}.", "Name another file.")


def _end(run: Run) -> dict[str, Any]:
    return {"type": "end", "status": run.status, "finished": run.finished, "figures": run.figures()}


def _line(entry: Mapping[str, Any]) -> bytes:
    # Undecodable bytes of a path are lone surrogates, which only JSON's own escapes can hold.
    return json.dumps(entry, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


class Writer:
    """`with Writer(run, path) as writer: writer.add(documents); writer.end("done")`. Without a path nothing is
    written. What `add` was given is on disk when it returns."""

    def __init__(self, run: Run, path: Path | None) -> None:
        self.run, self.path = run, path
        self._file: BinaryIO | None = None
        if path is not None:
            write(run, path)
            try:
                self._file = path.open("ab")
            except OSError as error:
                raise unwritable(path, error) from None

    def add(self, documents: Sequence[Document]) -> None:
        """Documents of one file that are done."""
        self.run.take(documents)
        if self._file is None or self.path is None:
            return
        try:
            self._file.write(b"".join(map(_line, documents)))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise unwritable(self.path, error) from None

    def end(self, status: str) -> None:
        """The whole file anew, in order and with the figures: an interruption may have torn the last line."""
        self.run.status, self.run.finished = status, now()
        if self.path is not None:
            write(self.run, self.path)

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
