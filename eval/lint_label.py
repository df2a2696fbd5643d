"""One gold file under lint: around the record, the form's own rules, the text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from extractor.eval.lint_notes import RULE, names_row, names_rule, says_labelled
from extractor.eval.lint_shape import cells_of, mapping, number_of, request_rows, shape, some, without_marks
from extractor.eval.printed import Found, Printed

from extractor.document.sources import read_bytes
from extractor.errors import GoujiError
from extractor.form import DISPUTE_BLOCKS, DISPUTE_COLUMNS, FORM, REQUEST_COLUMNS
from extractor.rules.case import case_of_record
from extractor.rules.hard import equation_outcomes
from extractor.rules.intake import parse

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with one file of a gold set, and how to mend it."""

    file: str
    code: str
    severity: Severity
    message: str
    hint: str = ""

    def to_json(self) -> dict[str, str]:
        """As `gouji eval lint --json` prints it."""
        return asdict(self)


class Texts:
    """The stored texts of a folder of reports, each read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[str, tuple[Printed | None, str, str]] = {}

    def text(self, name: str) -> tuple[Printed | None, str]:
        """The numbers of a report's stored text, or None with the reason why there is no text."""
        printed, why, _ = self._load(name)
        return printed, why

    def digest(self, name: str) -> str:
        """SHA-256 of the file; empty where it cannot be read."""
        return self._load(name)[2]

    def _load(self, name: str) -> tuple[Printed | None, str, str]:
        if name not in self._known:
            try:
                data = (self.folder / name).read_bytes()
                self._known[name] = (Printed(read_bytes(data)), "", hashlib.sha256(data).hexdigest())
            except OSError as error:
                self._known[name] = (None, error.strerror or str(error), "")
            except GoujiError as error:
                self._known[name] = (None, error.message, "")
        return self._known[name]


def source_of(raw: Any) -> tuple[str, int] | None:
    """A gold's source as (path inside the folder, number of the report in the file); None where it is no such path."""
    if not isinstance(raw, str) or not raw.strip() or "\0" in raw:
        return None
    name, mark, number = raw.rpartition("#")
    if not mark or not number.isdigit():
        name, number = raw, "1"
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or int(number) < 1:
        return None
    return name, int(number)


class Label:
    """One gold file."""

    def __init__(self, path: Path, texts: Texts) -> None:
        self.file, self.texts = path.name, texts
        self.raw: dict[str, Any] = {}
        self.broken = ""
        try:
            raw = parse(path.read_bytes())
            if isinstance(raw, dict):
                self.raw = raw
            else:
                self.broken = "it is no JSON object"
        except (OSError, ValueError) as error:
            self.broken = str(error)
        self.source = source_of(self.raw.get("source"))
        record = self.raw.get("record")
        self.record: dict[str, Any] = record if isinstance(record, dict) else {}
        self.note = self.raw["note"] if isinstance(self.raw.get("note"), str) else ""

    def say(self, severity: Severity, code: str, message: str, hint: str = "") -> Complaint:
        return Complaint(self.file, code, severity, message, hint)

    def unless_noted(self, noted: bool, severity: Severity, code: str, message: str, hint: str) -> Complaint:
        if noted:
            return self.say("info", code, f"{message}; the note says so")
        return self.say(severity, code, message, hint)

    @cached_property
    def printed(self) -> Printed | None:
        return self.texts.text(self.source[0])[0] if self.source else None

    @cached_property
    def numbers(self) -> dict[str, Decimal]:
        """The gold's numbers by cell path; what is malformed is left out."""
        values = ((path, number_of(path, value)) for path, value in cells_of(self.record))
        return {path: value for path, value in values if value is not None}

    @cached_property
    def where(self) -> dict[str, str]:
        """How each number of the gold stands in the text."""
        printed = self.printed
        return {} if printed is None else {path: printed.find(value) for path, value in self.numbers.items()}

    @cached_property
    def glued(self) -> bool:
        """Whether the text's tables are glued: numbers stand within longer runs, and zeros are missing as such."""
        if self.printed is None or "glued" not in self.where.values():
            return False
        zeros = sum(value == 0 for value in self.numbers.values())
        return self.printed.times(Decimal(0)) < 0.9 * zeros

    def complaints(self) -> Iterator[Complaint]:
        if self.broken:
            yield self.say(
                "error", "not_json", f"The file is no gold: {self.broken}.", "Make it anew or mend the JSON."
            )
            return
        yield from self._outside()
        if not self.record:
            yield self.say("error", "no_record", "There is no `record`.", "See fixtures/README.md for the shape.")
            return
        yield from shape(self)
        yield from self._rules()
        if self.printed is not None:
            yield from self._against_text(self.printed)

    # --------------------------------------------------------------- around the record

    def _outside(self) -> Iterator[Complaint]:
        if self.source is None:
            shown = json.dumps(self.raw.get("source"), ensure_ascii=False, default=str)
            yield self.say(
                "error",
                "bad_source",
                f"`source` is {shown}.",
                "Name a file inside the reports' folder, NAME.txt or NAME.txt#2.",
            )
        elif self.printed is None:
            name, why = self.source[0], self.texts.text(self.source[0])[1]
            code = "source_missing" if not (self.texts.folder / name).exists() else "source_unreadable"
            yield self.say(
                "error", code, f"The report {name} cannot be read: {why}", "Put it there, or drop the label."
            )
        year, body = self.raw.get("year"), self.raw.get("organization")
        for key in ("year", "organization"):
            if key not in self.raw:
                yield self.say("error", "missing_key", f"There is no `{key}`.", "null if the text names none.")
        if year is not None and (type(year) is not int or not 1990 <= year <= 2100):
            yield self.say(
                "error", "wrong_value", f"`year` is {year!r}, no year.", "Write the report year as a number."
            )
        if body is not None and (not isinstance(body, str) or not body.strip()):
            yield self.say("error", "wrong_value", f"`organization` is {body!r}.", "Write the name as the text has it.")
        for key in sorted(set(self.raw) - _KNOWN):
            yield self.say(
                "warning", "unknown_key", f"`{key}` means nothing here.", f"Known: {', '.join(sorted(_KNOWN))}."
            )
        yield from self._labelled()

    def _labelled(self) -> Iterator[Complaint]:
        labelled = self.raw.get("labelled")
        if not isinstance(labelled, dict):
            labelled = {}
        missing = [key for key in ("by", "when", "how") if not str(labelled.get(key) or "").strip()]
        if missing:
            yield self.say(
                "warning",
                "not_labelled",
                f"`labelled` does not say {', '.join(missing)}.",
                "Who labelled it, when (YYYY-MM-DD), and how it was checked.",
            )
        when = labelled.get("when")
        if when:
            try:
                date.fromisoformat(str(when))
            except ValueError:
                yield self.say("warning", "not_labelled", f"`labelled.when` is {when!r}.", "Write YYYY-MM-DD.")

    # --------------------------------------------------------------- the form's own rules

    def _rules(self) -> Iterator[Complaint]:
        case = case_of_record(without_marks(self.record))
        findings, _ = equation_outcomes(case)
        failed = {finding.rule: finding for finding in findings if finding.status == "fail"}
        for rule, finding in failed.items():
            yield self.unless_noted(
                names_rule(self.note, rule),
                "error",
                "breaks_rule",
                f"{rule}: {finding.left} ≠ {finding.right}",
                f"Look at the page again. If it is printed so, say it in `note`: “{rule} fails”.",
            )
        for named in sorted(set(RULE.findall(self.note))):
            if not any(rule == named or rule.startswith(named + ".") for rule in failed):
                yield self.say(
                    "warning", "idle_note", f"The note names {named}, which does not fail.", "Mend the note."
                )

    # --------------------------------------------------------------- against the text

    def _against_text(self, printed: Printed) -> Iterator[Complaint]:
        year, body = self.raw.get("year"), self.raw.get("organization")
        if type(year) is int and not printed.has_year(year):
            yield self.say("error", "year_not_in_text", f"The year {year} does not occur in the text.", "Look again.")
        if isinstance(body, str) and body.strip() and not printed.has_words(body):
            yield self.say(
                "error",
                "organization_not_in_text",
                f"“{body}” does not occur in the text.",
                "Write it in the text's characters.",
            )
        yield from _form_of(self, printed)
        nowhere = [path for path, how in self.where.items() if how == "nowhere"]
        for path in nowhere[:20]:
            yield self.unless_noted(
                says_labelled(self.note, self.numbers[path]),
                "error",
                "value_not_in_text",
                f"{path} is {self.numbers[path]:f}, which the text does not print",
                f"Look at {FORM.words(path)} again.",
            )
        if len(nowhere) > 20:
            more = len(nowhere) - 20
            yield self.say(
                "error",
                "value_not_in_text",
                f"{more} more values that the text does not print",
                "Another report's label?",
            )
        for how, words in _LESS_SURE.items():
            paths = [path for path, found in self.where.items() if found == how]
            if paths:
                named = some(f"{path.removeprefix('requests.')} {self.numbers[path]:f}" for path in paths)
                fine = how == "sloppy" or self.glued
                message = f"{len(paths)} values {words}: {named}"
                yield self.say("info" if fine else "warning", f"value_{how}", message, "" if fine else "Look again.")
        yield from self._amounts(printed)
        yield from self._rows(printed)
        signs = printed.lone_zeros + sum(printed.has_words(column.label) for column in FORM.columns[1:5])
        if not self.numbers and "?" not in json.dumps(self.record, default=str) and signs >= 4:
            message = "Every cell is null, though the text looks as if it held tables."
            yield self.say("warning", "all_blank", message, "Is the sheet filled?")

    def _amounts(self, printed: Printed) -> Iterator[Complaint]:
        for key in ("fees", "procurement"):
            cells = mapping(mapping(self.record.get("disclosure")).get(key))
            amount, unit = cells.get("amount"), cells.get("unit")
            path = f"disclosure.{key}.amount"
            if isinstance(amount, str) and self.where.get(path) == "printed" and not printed.as_written(amount):
                yield self.say(
                    "warning",
                    "not_as_printed",
                    f"{path} is {amount}; the text writes that number otherwise.",
                    "Copy its digits.",
                )
            if isinstance(unit, str) and not printed.has_words(unit):
                yield self.say(
                    "warning",
                    "unit_not_in_text",
                    f"The unit {unit} of {path} does not occur in the text.",
                    "Look again, or null.",
                )

    def _rows(self, printed: Printed) -> Iterator[Complaint]:
        """Rows of tables 3 and 4 whose numbers do not follow each other in the text, in the order of the form."""
        names = request_rows(self.record)
        rows = [self._line(f"requests.{row}", REQUEST_COLUMNS) for row in names]
        lost = [f"requests.{names[index]}" for index in printed.rows_lost(rows) if any(rows[index])]
        alone = {block: self._line(block, DISPUTE_COLUMNS) for block in DISPUTE_BLOCKS}
        for key, cells in mapping(self.record.get("disclosure")).items():
            fields = tuple(name for name in mapping(cells) if name != "unit")
            alone[f"disclosure.{key}"] = self._line(f"disclosure.{key}", fields)
        ways: tuple[Found, ...] = ("printed", "sloppy", "glued")
        lost += [
            name
            for name, line in alone.items()
            if len(line) > 2 and min(line) >= 0 and printed.sequence_end(line, 0, ways) is None
        ]
        for row in lost:
            numbers = " ".join(map(str, alone[row] if row in alone else rows[names.index(row.partition(".")[2])]))
            yield self.unless_noted(
                names_row(self.note, f"{row}.total"),
                "warning",
                "row_not_in_text",
                f"{row}: {numbers} do not follow each other in the text where the form has this row",
                "A column or a row off? If the page is printed so, name the row in `note`.",
            )

    def _line(self, prefix: str, columns: tuple[str, ...]) -> list[int]:
        values = [self.numbers.get(f"{prefix}.{column}") for column in columns]
        return [int(value) for value in values if value is not None]


_KNOWN = {"source", "year", "organization", "family", "labelled", "note", "record"}
_LESS_SURE = {
    "sloppy": "are printed broken or with look-alike letters",
    "glued": "stand only within longer runs of digits, so lint cannot vouch for them",
}


def _form_of(label: Label, printed: Printed) -> Iterator[Complaint]:
    """Says where gold is of another form than table 2 of the text, or than the report year."""
    form = label.record.get("form")
    if form not in FORM.versions:
        return
    names = {
        version: {n for row in FORM.disclosure_rows(version) for n in row.fields[version]} for version in FORM.versions
    }
    seen = {}
    for version in FORM.versions:
        own = names[version] - set().union(*(names[v] for v in names if v != version))
        heads = [FORM.fields[name].label for name in own]
        seen[version] = sum(any(printed.has_words(w) for w in (head.label, *head.variants)) for head in heads)
    other = max(seen, key=lambda version: seen[version])
    if seen[other] >= 2 and other != form and not seen[str(form)]:
        yield label.say(
            "info",
            "other_form",
            f"The label is of form {form}, table 2 of the text of form {other}; scored as it stands.",
        )
    elif not any(seen.values()) and type(year := label.raw.get("year")) is int and (year >= 2021) != (form == "2021"):
        yield label.say(
            "info", "other_form", f"The label is of form {form}; reports of {year} use another. Scored as it stands."
        )
