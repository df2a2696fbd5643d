"""Loads subjects.toml: what a claim can be about, the words that name it, the cells it must agree with."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from extractor.form import FORM, GROUPS, cell_paths

Sum = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """A pattern of running text and what it says: a `kind` of token (topic, act, row, who, filler …) and its key.

    `sure` words name their subject in any company; the others only where the words before them are explained.
    """

    kind: str
    key: str
    pattern: str
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Topic:
    """A thing that is counted. `act` is what is meant where nothing is said of what was done to it."""

    key: str
    act: str | None
    units: str


@dataclass(frozen=True, slots=True)
class Act:
    """What was done to a topic. An act that is `alone` names its topic (the first of `topics`) without help."""

    key: str
    topics: tuple[str, ...]
    alone: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """A quantity that claims can be about. `cells` are the form's paths whose sum it is (none for section six's fee);
    `group` is the path of the row that may be printed instead of them; `also` are other sums its words may mean."""

    field: str
    cells: Sum
    also: tuple[Sum, ...] = ()
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Subjects:
    """The whole file."""

    topics: dict[str, Topic]
    acts: dict[str, Act]
    words: tuple[Word, ...]
    fields: dict[str, Subject]
    own: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]

    def field(self, topic: str, act: str) -> str | None:
        """The field that an act makes of a topic, None where the two do not go together."""
        return _field(topic, act) if topic in self.acts[act].topics else None


_PREFIX = {"normative_documents", "regulations", "licensing", "penalties", "coercion", "fees"}
_RESULTS = {"dispute_other": "other"}


def _field(topic: str, act: str) -> str:
    if topic == "applications":
        row = {"receive": "new_received", "process": "total_processed", "carry_in": "carried_in"}.get(act)
        return f"requests.{row or {'carry_out': 'carried_out'}.get(act, act)}.total"
    act = _RESULTS.get(act, act)
    return f"disclosure.{topic}.{act}" if topic in _PREFIX else f"{topic}.{act}"


def _spelled(label: str) -> str:
    """A label of the form as a pattern: its note in brackets and its punctuation may be missing."""
    label = re.sub(r"（[^（）]*）", "", label)
    core = re.sub(r"^(?:属于|其他)", "", label)
    letters = [re.escape(char) for char in core if char not in "“”\"'"]
    body = "".join(f"{char}?" if char in "、，" else char for char in letters).replace("，", ",")
    lead = label[: len(label) - len(core)]
    return f"(?:{lead})?{body}" if lead and len(core) > 2 else lead + body


def _rows(extra: dict[str, list[str]]) -> Iterable[Word]:
    for row in FORM.rows:
        if row.group not in GROUPS or row.key == "other.other":
            continue
        for pattern in extra.get(row.key, ()):
            yield Word("row", row.key, pattern)
        for wording in (row.label, *row.variants):
            yield Word("row", row.key, _spelled(wording))


def _applicants(extra: dict[str, list[str]]) -> Iterable[Word]:
    for column in FORM.columns:
        if column.key != "total":
            patterns = extra.get(column.key) or [_spelled(w) for w in (column.label, *column.variants)]
            for pattern in patterns:
                yield Word("who", column.key, pattern)


def _subject(field: str, cells: dict[str, Any]) -> Subject:
    table, _, rest = field.partition(".")
    for key, spec in cells.items():
        if key == field or (key.endswith(".*") and field.startswith(key[:-1])):
            name = field.rsplit(".", 1)[-1]
            sums = [tuple(path.replace("*", name) for path in cell) for cell in spec.get("also", ())]
            return Subject(field, tuple(path.replace("*", name) for path in spec["cells"]), tuple(sums))
    group = rest.split(".")[0]
    if table == "requests" and rest == f"{group}.all.total":
        return Subject(field, tuple(f"requests.{row}.total" for row in GROUPS[group]), group=field)
    return Subject(field, (field,))


@lru_cache(maxsize=1)
def subjects() -> Subjects:
    """The subjects, loaded once."""
    raw = tomllib.loads((files("extractor.claims") / "subjects.toml").read_text(encoding="utf-8"))
    topics = {key: Topic(key, spec.get("act"), spec["units"]) for key, spec in raw["topics"].items()}
    acts: dict[str, Act] = {}
    words: list[Word] = list(_rows(raw["rows"]))
    for key, spec in raw["acts"].items():
        name = spec.get("as", key)
        alone = bool(spec.get("alone"))
        acts.setdefault(name, Act(name, tuple(spec["topics"]), alone))
        words += [Word("act", name, pattern, alone) for pattern in spec["words"]]
    for row in FORM.rows:
        if row.group in GROUPS:
            acts[row.key] = Act(row.key, ("applications",), True)
    for key, spec in raw["topics"].items():
        tail = spec.get("tail", "")
        words += [Word("topic", key, f"(?:{pattern}){tail}") for pattern in spec.get("words", ())]
        words += [Word("topic", key, f"(?:{pattern}){tail}", sure=False) for pattern in spec.get("bare", ())]
    words += _applicants(raw["applicants"])
    for kind, patterns in raw["words"].items():
        words += [Word(kind, pattern, pattern) for pattern in patterns]
    names = [_field(topic, key) for key, act in acts.items() for topic in act.topics]
    names += [f"requests.new_received.{column.key}" for column in FORM.columns]
    known = {path for table in cell_paths("2021").values() for path in table}
    fields = {name: _subject(name, raw["cells"]) for name in dict.fromkeys(names)}
    for subject in fields.values():
        missing = [path for path in subject.cells if path not in known]
        if missing:
            raise ValueError(f"subjects.toml: {subject.field} names cells that the form does not have: {missing}")
    own = tuple((re.compile(kind["name"]), tuple(kind["words"])) for kind in raw["own"].values())
    return Subjects(topics, acts, tuple(words), fields, own)
