"""Gold that can be trusted: finds labels that are malformed, that break the form's rules without a note, or that the
text does not bear out. The reader is not asked: gold is held against the characters of the text (eval/printed.py).

What a `note` excuses is still said, with severity `info` (eval/lint_notes.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import TextIO

from extractor.eval.lint_claims import lint_claims
from extractor.eval.lint_label import Complaint, Label, Texts
from extractor.eval.lint_notes import says_labelled, says_no_cells
from extractor.eval.lint_shape import cells_of

from extractor.document.sources import display
from extractor.errors import UsageError

__all__ = ["Complaint", "lint", "show"]

_ORDER = {"error": 0, "warning": 1, "info": 2}


def lint(gold_dir: str | Path, reports_dir: str | Path, claims_dir: str | Path | None = None) -> list[Complaint]:
    """All complaints about a gold set, file by file, errors first; `gold_dir` may be one file, looked at alone.

    `claims_dir`: labels of claims; without it the folder `claims` beside the gold is taken if there is one.
    Errors: UsageError `no_folder`, `no_gold` (nothing to look at).
    """
    one = Path(gold_dir)
    gold, reports = _folder(one.parent if one.is_file() else one, "gold"), _folder(reports_dir, "reports")
    files = sorted(path for path in gold.iterdir() if path.suffix == ".json" and not path.name.startswith("."))
    if one.is_file():
        files = [one]
    if not files:
        raise UsageError("no_gold", f"{gold} holds no gold (NAME.json).", "Make some with `gouji label FILE`.")
    texts = Texts(reports)
    labels = [Label(path, texts) for path in files]
    found = [complaint for label in labels for complaint in label.complaints()]
    found += _sources(labels)
    found += _supply(labels)
    if one.is_file():
        return _sorted(found)
    found += _unused(gold, reports, labels)
    claims = Path(claims_dir) if claims_dir is not None else gold.parent / "claims"
    if claims_dir is not None or claims.is_dir():
        found += lint_claims(_folder(claims, "claims"), texts)
    return _sorted(found)


def _sorted(complaints: list[Complaint]) -> list[Complaint]:
    return sorted(complaints, key=lambda complaint: (complaint.file, _ORDER[complaint.severity]))


def show(complaints: Sequence[Complaint], stream: TextIO) -> None:
    """Prints complaints as people read them: by file, errors first, a line for what to do; a count at the end."""
    file = ""
    for complaint in complaints:
        if complaint.file != file:
            file = complaint.file
            stream.write(f"{file}\n")
        stream.write(f"  {complaint.severity:<8} {complaint.message} [{complaint.code}]\n")
        if complaint.hint:
            stream.write(f"           {complaint.hint}\n")
    counts = Counter(complaint.severity for complaint in complaints)
    stream.write(f"{counts['error']} errors, {counts['warning']} warnings, {counts['info']} notes\n")


def _folder(path: str | Path, what: str) -> Path:
    folder = Path(path)
    if not folder.is_dir():
        raise UsageError("no_folder", f"{display(str(path))} is no folder of {what}.", f"Name it with --{what} DIR.")
    return folder


def _sources(labels: Sequence[Label]) -> Iterator[Complaint]:
    """Two labels of one report, and one report under two names."""
    first: dict[tuple[str, int], str] = {}
    bytes_of: dict[tuple[str, int], Label] = {}
    whole = {label.source[0] for label in labels if label.source and "#" not in str(label.raw.get("source"))}
    numbers: dict[str, set[int]] = {}
    for label in labels:
        if label.source is None:
            continue
        name, number = label.source
        numbers.setdefault(name, set()).add(number)
        if label.source in first:
            yield label.say(
                "error",
                "duplicate_source",
                f"{label.raw['source']} is labelled by {first[label.source]} too.",
                "Keep one; compare two passes with `gouji label compare`.",
            )
        elif "#" in str(label.raw["source"]) and name in whole:
            yield label.say(
                "error",
                "duplicate_source",
                f"{name} is labelled both whole and as #{number}.",
                "Number all its reports.",
            )
        first.setdefault(label.source, label.file)
        digest = label.texts.digest(name)
        twin = bytes_of.setdefault((digest, number), label) if digest else label
        if twin is not label and twin.source != label.source:
            yield label.say(
                "warning",
                "same_text",
                f"{name} has the bytes of {twin.source[0] if twin.source else ''}.",
                "One document counts twice.",
            )
    for label in labels:
        if label.source and label.source[1] > 1 and label.source[1] - 1 not in numbers[label.source[0]]:
            yield label.say(
                "info", "gap", f"{label.raw['source']} is labelled, report {label.source[1] - 1} of that file is not."
            )


def _supply(labels: Sequence[Label]) -> Iterator[Complaint]:
    """Numbers that more cells of a text's labels have than the text prints, and zeros that no cell has."""
    by_text: dict[str, list[Label]] = {}
    for label in labels:
        if label.source and label.printed is not None:
            by_text.setdefault(label.source[0], []).append(label)
    for group in by_text.values():
        printed, head = group[0].printed, group[0]
        if printed is None or any(label.glued for label in group):
            continue
        needed = Counter(abs(value) for label in group for value in label.numbers.values())
        note = " ".join(label.note for label in group)
        for value, need in sorted(needed.items()):
            there = printed.times(value)
            if 0 < there < need:
                yield head.unless_noted(
                    says_labelled(note, value),
                    "warning",
                    "more_than_printed",
                    f"{need} cells are {value:f}, the text prints it {there} times",
                    f"A blank is not 0. If so by intent, `note` says why they are “labelled {value:f}”.",
                )
        blanks = sum(value is None for label in group for _, value in cells_of(label.record))
        left = printed.lone_zeros - needed[Decimal(0)]
        if 0 < left <= blanks and any(label.numbers for label in group):
            yield head.unless_noted(
                says_no_cells(note),
                "warning",
                "zero_left_over",
                f"the text prints {left} more zeros than are labelled, and {blanks} cells are null",
                f"Is a printed 0 labelled null? If not, the note says “{left} zeros are no cells”.",
            )


def _unused(gold: Path, reports: Path, labels: Sequence[Label]) -> Iterator[Complaint]:
    used = {label.source[0] for label in labels if label.source}
    for path in sorted(reports.rglob("*")):
        name = path.relative_to(reports).as_posix()
        hidden = any(part.startswith(".") for part in PurePosixPath(name).parts)
        if path.is_file() and not hidden and name not in used and path.name.lower() != "readme.md":
            yield Complaint(
                display(name), "no_gold", "info", "This report has no label; it is left out of the figures."
            )
    for path in sorted(gold.iterdir()):
        if path.suffix != ".json" and not path.name.startswith(".") and path.name.lower() != "readme.md":
            yield Complaint(
                display(path.name), "not_gold", "info", "In the folder of gold, and not NAME.json; not looked at."
            )
