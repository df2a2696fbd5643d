"""Loads form.toml into immutable objects. Nothing here knows of documents, models or stores."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

Version = str  # "2021" or "2019"

_NOT_LABEL = re.compile(r"[^0-9A-Za-z一-鿿]")


def fold(text: str) -> str:
    """A label reduced to what labels are compared by: no white space, no punctuation."""
    return _NOT_LABEL.sub("", text)


@dataclass(frozen=True, slots=True)
class Label:
    """A label of the form: a row, a column, a group, a field or a section heading.

    `key` is the public name of the data, `label` the form's own words, `variants` other wordings met in
    print, `head` how many leading characters suffice to know it by, `ordinal` the number printed before it.
    """

    key: str
    label: str
    variants: tuple[str, ...] = ()
    ordinal: str = ""
    head: int = 0
    group: str = ""

    @property
    def wordings(self) -> tuple[str, ...]:
        """The label and its variants, folded, longest first."""
        return tuple(sorted({fold(w) for w in (self.label, *self.variants)}, key=len, reverse=True))


@dataclass(frozen=True, slots=True)
class DisclosureRow:
    """A row of table 2; `fields` maps a form version to the row's cells from left to right."""

    label: Label
    fields: dict[Version, tuple[str, ...]]
    unit: dict[Version, str]
    clause: str
    words: dict[str, str]  # of fields that the form heads otherwise in this row

    @property
    def key(self) -> str:
        return self.label.key


@dataclass(frozen=True, slots=True)
class Field:
    """A kind of cell of table 2: `count`, `signed` (2019 本年增/减) or `amount` (exact decimal with a unit)."""

    label: Label
    kind: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A cross-check line of the form: Σ left = Σ right, repeated over `each`."""

    code: str
    each: str
    words: str
    left: tuple[str, ...] = ()
    right: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """The whole form, both versions."""

    versions: dict[Version, dict[str, str]]
    sections: tuple[Label, ...]
    fields: dict[str, Field]
    disclosure: tuple[DisclosureRow, ...]
    columns: tuple[Label, ...]
    groups: tuple[Label, ...]
    rows: tuple[Label, ...]
    blocks: tuple[Label, ...]
    dispute_columns: tuple[Label, ...]
    rules: tuple[Rule, ...]
    furniture: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)

    def disclosure_rows(self, version: Version) -> tuple[DisclosureRow, ...]:
        """The rows of table 2 that this version has, in print order."""
        return tuple(row for row in self.disclosure if version in row.fields)

    def field_words(self, row: str, name: str) -> str:
        """The head of a field in a row of table 2: `本年收费金额`, in the row 政府集中采购 `采购总金额`."""
        found = next(r for r in self.disclosure if r.key == row)
        return found.words.get(name) or (self.fields[name].label.label if name in self.fields else name)

    def words(self, path: str) -> str:
        """A cell's name in the form's own words, e.g. `（一）予以公开 · 自然人`."""
        return _words(self, path)


def _label(raw: dict[str, Any]) -> Label:
    return Label(
        key=raw["key"],
        label=raw.get("label") or raw["heading"],
        variants=tuple(raw.get("variants", ())),
        ordinal=raw.get("ordinal", ""),
        head=raw.get("head", 0),
        group=raw.get("group", ""),
    )


def _load() -> Form:
    raw = tomllib.loads((files("extractor.form") / "form.toml").read_text(encoding="utf-8"))
    disclosure = tuple(
        DisclosureRow(
            label=_label(row),
            fields={version: tuple(names) for version, names in row["versions"].items()},
            unit=row.get("unit", {}),
            clause=row["clause"],
            words=row.get("words", {}),
        )
        for row in raw["disclosure"]["rows"]
    )
    fields = {key: Field(_label({"key": key, **spec}), spec["kind"]) for key, spec in raw["fields"].items()}
    rules = tuple(
        Rule(code, spec["each"], spec["words"], tuple(spec.get("left", ())), tuple(spec.get("right", ())))
        for code, spec in raw["rules"].items()
    )
    return Form(
        versions=raw["versions"],
        sections=tuple(map(_label, raw["sections"])),
        fields=fields,
        disclosure=disclosure,
        columns=tuple(map(_label, raw["requests"]["columns"])),
        groups=tuple(map(_label, raw["requests"]["groups"])),
        rows=tuple(map(_label, raw["requests"]["rows"])),
        blocks=tuple(map(_label, raw["disputes"]["blocks"])),
        dispute_columns=tuple(map(_label, raw["disputes"]["columns"])),
        rules=rules,
        furniture={name: tuple(raw[name].get("furniture", ())) for name in ("disclosure", "requests", "disputes")},
        sources={name: raw[name]["source"] for name in ("disclosure", "requests", "disputes")},
    )


FORM = _load()

TABLES = ("disclosure", "requests", "disputes")
REQUEST_ROWS: tuple[str, ...] = tuple(row.key for row in FORM.rows)
REQUEST_COLUMNS: tuple[str, ...] = tuple(column.key for column in FORM.columns)
DISPUTE_BLOCKS: tuple[str, ...] = tuple(block.key for block in FORM.blocks)
DISPUTE_COLUMNS: tuple[str, ...] = tuple(column.key for column in FORM.dispute_columns)
# The groups that a report may print as a single row, and their sub-rows.
GROUPS: dict[str, tuple[str, ...]] = {
    group.key: tuple(row.key for row in FORM.rows if row.group == group.key)
    for group in FORM.groups
    if any(row.group == group.key for row in FORM.rows)
}


def group_all(group: str) -> str:
    """The key of a group printed as one row: `denied` → `denied.all`."""
    return f"{group}.all"


@lru_cache(maxsize=64)
def cell_paths(version: Version, printed_groups: frozenset[str] = frozenset()) -> dict[str, tuple[str, ...]]:
    """Every cell path of a record by table, in print order; `printed_groups` adds the `<group>.all` rows."""
    disclosure = tuple(
        f"disclosure.{row.key}.{name}" for row in FORM.disclosure_rows(version) for name in row.fields[version]
    )
    rows: list[str] = []
    for key in REQUEST_ROWS:
        group = key.split(".")[0]
        if group in printed_groups and group_all(group) not in rows:
            rows.append(group_all(group))
        rows.append(key)
    requests = tuple(f"requests.{row}.{column}" for row in rows for column in REQUEST_COLUMNS)
    disputes = tuple(f"{block}.{column}" for block in DISPUTE_BLOCKS for column in DISPUTE_COLUMNS)
    return {"disclosure": disclosure, "requests": requests, "disputes": disputes}


@lru_cache(maxsize=1024)
def _words(form: Form, path: str) -> str:
    head, _, rest = path.partition(".")
    if head == "disclosure":
        row, _, name = rest.partition(".")
        label = next(r.label.label for r in form.disclosure if r.key == row)
        return f"{label} · {form.field_words(row, name)}"
    if head == "requests":
        row, _, column = rest.rpartition(".")
        name = next((c.label for c in form.columns if c.key == column), column)
        return f"{row_words(form, row)} · {name}"
    block = next((b.label for b in form.blocks if b.key == head), head)
    return f"{block} · {next((c.label for c in form.dispute_columns if c.key == rest), rest)}"


def row_words(form: Form, key: str) -> str:
    """A row of table 3 in the form's own words, e.g. `（三）不予公开 2.其他法律行政法规禁止公开`."""
    groups = {g.key: g for g in form.groups}
    group, _, tail = key.partition(".")
    if tail == "all":
        return f"（{groups[group].ordinal}）{groups[group].label}"
    row = next(r for r in form.rows if r.key == key)
    text = row.label.split("（")[0]
    if row.group:
        g = groups[row.group]
        return f"（{g.ordinal}）{g.label} {row.ordinal}.{text}"
    if row.ordinal.startswith("（"):
        return f"{row.ordinal}{text}"
    return f"{row.ordinal}、{text}"
