"""Sheets to label a report by hand: an offline HTML page, or a table for any spreadsheet. Nothing in them comes from
our reader: the cells are empty, and the text is shown as it is stored.

The table (TSV) has one row per cell (`cell`, `name`, `value`) with the lines of the text beside them; `read_tsv` makes
gold of a filled one. The page makes the same JSON itself.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from importlib.resources import files
from pathlib import PurePath
from typing import Any

from extractor.document.decode import decode
from extractor.document.sources import display
from extractor.errors import InputError, UsageError
from extractor.form import DISPUTE_BLOCKS, DISPUTE_COLUMNS, FORM, GROUPS, cell_paths, equations, group_all
from extractor.form.model import row_words

HEAD = ("cell", "name", "value", "line", "text")
_META = {
    "source": "",
    "form": "",
    "family": "layout family, may stay empty",
    "year": "report year, as the text has it",
    "organization": "in the text's characters",
    "note": "what the page does against the rules, what is ?, and why",
    "labelled.by": "who",
    "labelled.when": "YYYY-MM-DD",
    "labelled.how": "how it was read and checked",
}
_WIDEST = 160  # characters of text in one row of a spreadsheet
_NOTHING = re.compile(r"/|-+|—+|_+|无|無|不涉及")


def source_name(path: str, number: int | None) -> str:
    """The `source` of a report's gold: the file's name, with `#2` for the second report in it."""
    name = display(PurePath(path).name)
    return name if number is None else f"{name}#{number}"


# ------------------------------------------------------------------------------- what may be typed


def kind_of(path: str) -> str:
    """`count`, `signed`, `amount` or `unit`."""
    name = path.rpartition(".")[2]
    if not path.startswith("disclosure."):
        return "count"
    return "unit" if name == "unit" else FORM.fields[name].kind


def read_value(raw: str, kind: str) -> int | str | None:
    """What a typed cell says: a count, an amount's digits, a unit, `?`, or None for an empty one.

    Errors: ValueError with what is expected.
    """
    if kind == "unit":
        return raw.strip() or None
    text = re.sub(r"\s", "", unicodedata.normalize("NFKC", raw))
    if not text or _NOTHING.fullmatch(text):
        return None
    if text == "?":
        return "?"
    plain = text.replace(",", "") if re.fullmatch(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", text, re.ASCII) else text
    if kind == "amount":
        if re.fullmatch(r"(?:0|[1-9]\d{0,23})(?:\.\d{1,24})?", plain, re.ASCII):
            return plain
        raise ValueError("an amount like 16085.10")
    sign, digits = 1, plain
    if kind == "signed" and plain[0] in "+-增减":
        sign, digits = (-1 if plain[0] in "-减" else 1), plain[1:]
    if not re.fullmatch(r"0|[1-9]\d{0,11}", digits, re.ASCII):
        raise ValueError("a whole number, with - or 减 if less" if kind == "signed" else "a whole number, ? or nothing")
    return sign * int(digits)


# ------------------------------------------------------------------------------- gold


def make_gold(meta: dict[str, str], values: dict[str, Any]) -> dict[str, Any]:
    """A gold object from what was filled in; group rows without any value are left out."""
    form = meta["form"]
    disclosure: dict[str, dict[str, Any]] = {}
    for row in FORM.disclosure_rows(form):
        names = [*row.fields[form], *(["unit"] if "amount" in row.fields[form] else [])]
        disclosure[row.key] = {name: values[f"disclosure.{row.key}.{name}"] for name in names}
    requests: dict[str, dict[str, Any]] = {}
    for path in cell_paths(form, frozenset(GROUPS))["requests"]:
        row_key, column = path.removeprefix("requests.").rsplit(".", 1)
        requests.setdefault(row_key, {})[column] = values[path]
    for group in GROUPS:
        if all(value is None for value in requests[group_all(group)].values()):
            del requests[group_all(group)]
    blocks = {block: {column: values[f"{block}.{column}"] for column in DISPUTE_COLUMNS} for block in DISPUTE_BLOCKS}
    return {
        "source": meta["source"],
        "year": int(meta["year"]) if meta["year"] else None,
        "organization": meta["organization"] or None,
        **({"family": meta["family"]} if meta["family"] else {}),
        "labelled": {key: meta[f"labelled.{key}"] for key in ("by", "when", "how")},
        **({"note": meta["note"]} if meta["note"] else {}),
        "record": {"form": form, "disclosure": disclosure, "requests": requests, **blocks},
    }


def dump_gold(gold: dict[str, Any]) -> str:
    """Gold as the fixtures are written: one row of a table a line."""

    def flat(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    def block(items: dict[str, str], depth: int) -> str:
        lines = ",\n".join(f"{' ' * depth}{flat(key)}: {text}" for key, text in items.items())
        return "{\n" + lines + "\n" + " " * (depth - 1) + "}"

    record = {
        key: block({name: flat(row) for name, row in value.items()}, 3)
        if key in ("disclosure", "requests")
        else flat(value)
        for key, value in gold["record"].items()
    }
    return block({key: block(record, 2) if key == "record" else flat(value) for key, value in gold.items()}, 1) + "\n"


# ------------------------------------------------------------------------------- the table


def sheet_paths(form: str) -> tuple[str, ...]:
    """Every cell of a sheet: all rows of the form, the group rows and the units too."""
    tables = cell_paths(form, frozenset(GROUPS))
    disclosure = (
        path
        for cell in tables["disclosure"]
        for path in ((cell, cell[:-6] + "unit") if cell.endswith(".amount") else (cell,))
    )
    return (*disclosure, *tables["requests"], *tables["disputes"])


def _name(path: str) -> str:
    words = FORM.words(path).replace(" · unit", " · 单位")
    return f"{words} (only if printed as a row)" if ".all." in path else words


def write_tsv(source: str, text: str, form: str) -> str:
    """An empty sheet: the cells' keys and names at the left, the text line by line at the right."""
    rows = [[f"#{key}", hint, {"source": source, "form": form}.get(key, "")] for key, hint in _META.items()]
    rows += [[path, _name(path), ""] for path in sheet_paths(form)]
    beside = list(_beside(text))
    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t", lineterminator="\r\n")
    writer.writerow(HEAD)
    for index in range(max(len(rows), len(beside))):
        left = rows[index] if index < len(rows) else ["", "", ""]
        writer.writerow([*left, *(beside[index] if index < len(beside) else ("", ""))])
    return out.getvalue()


def _beside(text: str) -> Iterator[tuple[str, str]]:
    """Lines of text for a spreadsheet's cells: tabs made visible, long lines cut, none that looks like a formula."""
    for number, line in enumerate(text.split("\n"), 1):
        shown = re.sub(r"[\x00-\x1f\x7f]", " ", line.replace("\t", " ⇥ ")).rstrip()
        for at in range(0, max(1, len(shown)), _WIDEST):
            yield str(number) if at == 0 else "", "│" + shown[at : at + _WIDEST]


def read_tsv(data: bytes, name: str) -> dict[str, Any]:
    """The gold that a filled table holds, however a spreadsheet has saved it (tabs or commas; UTF-8, UTF-16, GB18030).

    Errors: UsageError `bad_sheet`, naming the line and the cell.
    """
    rows = _rows(data, name)
    meta, values = _filled(rows, name)
    form = meta["form"]
    wanted = sheet_paths(form)
    missing = [path for path in wanted if path not in values]
    if missing:
        raise _bad(name, f"{len(missing)} cells of form {form} have no row, the first is {missing[0]}")
    unknown = next((path for path in values if path not in set(wanted)), None)
    if unknown:
        raise _bad(name, f"line {values[unknown][0]}: {unknown!r} is no cell of form {form}")
    read = {}
    for path, (line, raw) in values.items():
        try:
            read[path] = read_value(raw, kind_of(path))
        except ValueError as error:
            raise _bad(name, f"line {line}, {FORM.words(path)} ({path}): {raw!r} is not {error}") from None
    return make_gold(meta, read)


_Row = tuple[int, list[str]]


def _rows(data: bytes, name: str) -> list[_Row]:
    try:
        text = decode(data).text
    except InputError as error:
        raise _bad(name, error.message) from None
    first = text.split("\n", 1)[0]
    delimiter = next((mark for mark in "\t,;" if f"cell{mark}" in first.replace('"', "")), "")
    if not delimiter:
        raise _bad(name, f"line 1 is {first[:40]!r}, not the head {' '.join(HEAD[:3])}")
    try:
        reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
        found = [(reader.line_num, [field.strip() for field in row]) for row in reader]
    except csv.Error as error:
        raise _bad(name, f"it is no table: {error}") from None
    head = found[0][1]
    if head[:3] != list(HEAD[:3]):
        raise _bad(name, f"line 1 begins with {' '.join(head[:3])!r}, not with {' '.join(HEAD[:3])}")
    return [(line, row) for line, row in found[1:] if row and row[0]]


def _filled(rows: list[_Row], name: str) -> tuple[dict[str, str], dict[str, tuple[int, str]]]:
    """What is filled in around the record, and each cell with its line."""
    meta: dict[str, str] = {}
    values: dict[str, tuple[int, str]] = {}
    lines: dict[str, int] = {}
    for line, row in rows:
        key, raw = row[0], row[2] if len(row) > 2 else ""
        if key in lines:
            raise _bad(name, f"line {line}: {key} stands on line {lines[key]} already")
        lines[key] = line
        if not key.startswith("#"):
            values[key] = (line, raw)
        elif key[1:] in _META:
            meta[key[1:]] = raw
        else:
            raise _bad(name, f"line {line}: {key!r} is none of #{', #'.join(_META)}")
    for key in _META:
        if key not in meta:
            raise _bad(name, f"the row #{key} is missing")
    for key in ("source", "labelled.by", "labelled.when", "labelled.how"):
        if not meta[key]:
            raise _bad(name, f"line {lines['#' + key]}: {key} is empty")
    if meta["form"] not in FORM.versions:
        raise _bad(name, f"line {lines['#form']}: form is {meta['form']!r}, none of {', '.join(FORM.versions)}")
    meta["year"] = unicodedata.normalize("NFKC", meta["year"])
    if meta["year"] and not re.fullmatch(r"\d{4}", meta["year"], re.ASCII):
        raise _bad(name, f"line {lines['#year']}: {meta['year']!r} is no year")
    try:
        date.fromisoformat(meta["labelled.when"])
    except ValueError:
        raise _bad(name, f"line {lines['#labelled.when']}: {meta['labelled.when']!r} is no date YYYY-MM-DD") from None
    return meta, values


def _bad(name: str, what: str) -> UsageError:
    return UsageError(
        "bad_sheet",
        f"{display(name)}: {what}.",
        "Mend it in the sheet, or make a new one with `gouji label FILE --tsv`.",
    )


# ------------------------------------------------------------------------------- the page


def write_html(source: str, text: str) -> str:
    """An empty sheet as one HTML page that works offline. The text is data in it, never markup."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    folder = files("extractor.eval") / "sheet"
    template, style, script = (
        (folder / name).read_text(encoding="utf-8") for name in ("page.html.j2", "sheet.css", "sheet.js")
    )
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    data = json.dumps(_page_data(source, text), separators=(",", ":"))
    for char in "<>&":  # a report that says </script> stays data
        data = data.replace(char, f"\\u{ord(char):04x}")
    return environment.from_string(template).render(
        source=source,
        style=Markup(style),
        style_hash=_hash(style),
        script=Markup(script),
        script_hash=_hash(script),
        data=Markup(data),
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _page_data(source: str, text: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for row in FORM.rows:
        if row.group and not any(item.get("group") == row.group for item in rows):
            rows.append(
                {"key": group_all(row.group), "group": row.group, "words": row_words(FORM, group_all(row.group))}
            )
        words = f"{row.ordinal}.{row.label}" if row.group else row_words(FORM, row.key)
        rows.append({"key": row.key, "words": words, **({"sub": row.group} if row.group else {})})
    return {
        "source": source,
        "file": re.sub(r"\.[^.#]*(?=#|$)", "", source).replace("#", "-") + ".json",
        "sha256": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        "lines": text.split("\n"),
        "forms": [{"version": version, **_page_form(version)} for version in FORM.versions],
        "rows": rows,
        "columns": [{"key": column.key, "words": column.label} for column in FORM.columns],
        "blocks": [{"key": block.key, "words": block.label} for block in FORM.blocks],
        "dispute_columns": [{"key": column.key, "words": column.label} for column in FORM.dispute_columns],
        "equations": [[equation.code, equation.left, equation.right] for equation in equations()],
    }


def _page_form(version: str) -> dict[str, Any]:
    rows = []
    for row in FORM.disclosure_rows(version):
        fields = [
            {"key": n, "words": FORM.field_words(row.key, n), "kind": FORM.fields[n].kind} for n in row.fields[version]
        ]
        if any(field["kind"] == "amount" for field in fields):
            fields.append({"key": "unit", "words": "单位", "kind": "unit"})
        rows.append({"key": row.key, "words": row.label.label, "fields": fields})
    first = FORM.disclosure_rows(version)[0]
    sign = "、".join(FORM.field_words(first.key, name) for name in first.fields[version][:2])
    return {"source": FORM.versions[version]["source"], "sign": sign, "rows": rows}
