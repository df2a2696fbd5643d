"""Labels for the tests of labelling: the fixtures' gold, and what a labeller would type for it."""

from __future__ import annotations

import copy
import csv
import io
import json
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from extractor.eval.sheets import write_tsv

from extractor.document.sources import read_bytes

ROOT = Path(__file__).parent.parent
GOLD, REPORTS = ROOT / "fixtures" / "gold", ROOT / "fixtures" / "reports"
NAMES = sorted(path.stem for path in GOLD.glob("*.json"))
NAME = "zhongyang-2024-tabs"


@lru_cache
def label_of(name: str) -> dict[str, Any]:
    return json.loads((GOLD / f"{name}.json").read_text(encoding="utf-8"))


def gold(name: str = NAME) -> dict[str, Any]:
    return copy.deepcopy(label_of(name))


def text_of(name: str = NAME) -> str:
    path = REPORTS / label_of(name)["source"].partition("#")[0]
    return read_bytes(path.read_bytes())


def gouji(*args: object, cwd: Path | None = None) -> tuple[int, bytes, str]:
    command = [sys.executable, "-m", "extractor", *map(str, args)]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False, cwd=cwd)
    return done.returncode, done.stdout, done.stderr.decode()


def typed(label: dict[str, Any]) -> dict[str, str]:
    """What a labeller would type into each cell, by path; group rows that are not printed stay out."""
    record = label["record"]
    cells = {f"{table}.{row}.{name}": value for table in ("disclosure", "requests")
             for row, values in record[table].items() for name, value in values.items()}  # fmt: skip
    for block in ("reconsideration", "litigation_direct", "litigation_after_reconsideration"):
        cells |= {f"{block}.{name}": value for name, value in record[block].items()}
    return {path: "" if value is None else str(value) for path, value in cells.items()}


def around(label: dict[str, Any]) -> dict[str, str]:
    return {
        "#year": str(label["year"]),
        "#organization": label["organization"],
        "#family": label.get("family", ""),
        "#note": label.get("note", ""),
        **{f"#labelled.{key}": value for key, value in label["labelled"].items()},
    }


def filled(label: dict[str, Any], **changes: str) -> list[list[str]]:
    """The rows of a sheet, filled from a label; `changes` by key."""
    sheet = write_tsv(label["source"], "one\ttwo", label["record"]["form"])
    rows = list(csv.reader(io.StringIO(sheet), delimiter="\t"))
    values = typed(label) | around(label) | changes
    for row in rows[1:]:
        if row[0] in values:
            row[2] = values[row[0]]
    return rows


def save(path: Path, rows: list[list[str]], encoding: str = "utf-8", delimiter: str = "\t") -> Path:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    path.write_bytes(out.getvalue().encode(encoding))
    return path
